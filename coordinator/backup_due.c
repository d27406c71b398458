#include "coordinator/backup_due.h"

#include "common/assert.h"

#define MINUTE_MS UINT64_C(60000)
#define DAY_MS    (UINT64_C(24) * 60 * MINUTE_MS)

/* ---- texts ---- */

/* Exactly `digits` digits. */
static bool number(const char **text, unsigned digits, uint64_t *out)
{
    *out = 0;
    for (; digits > 0; digits--, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        *out = *out * 10 + (uint64_t)(**text - '0');
    }
    return true;
}

static bool sign(const char **text, char c)
{
    if (**text != c)
        return false;
    (*text)++;
    return true;
}

bool backup_due_parse_at(const char *text, unsigned *at_min)
{
    uint64_t hour, minute;

    if (!number(&text, 2, &hour) || !sign(&text, ':') || !number(&text, 2, &minute) ||
        *text != '\0' || hour > 23 || minute > 59)
        return false;
    *at_min = (unsigned)(hour * 60 + minute);
    return true;
}

bool backup_due_fits_day(uint64_t every_ms)
{
    return every_ms > 0 && (every_ms % DAY_MS == 0 || DAY_MS % every_ms == 0);
}

/* Days from 1970-01-01 to a date of the Gregorian calendar (Howard Hinnant, "chrono-compatible
 * low-level date algorithms", days_from_civil). */
static uint64_t days_of(uint64_t year, uint64_t month, uint64_t day)
{
    const uint64_t y = month <= 2 ? year - 1 : year; /* years begin in March */
    const uint64_t era = y / 400, of_era = y % 400;
    const uint64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool backup_due_name_ms(const char *name, uint64_t *ms)
{
    uint64_t year, month, day, hour, minute, second, milli;

    if (!number(&name, 4, &year) || !number(&name, 2, &month) || !number(&name, 2, &day) ||
        !sign(&name, 'T') || !number(&name, 2, &hour) || !number(&name, 2, &minute) ||
        !number(&name, 2, &second) || !sign(&name, '.') || !number(&name, 3, &milli) ||
        !sign(&name, 'Z') || (*name != '\0' && *name != '-'))
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
        second > 60)
        return false;
    *ms =
        ((days_of(year, month, day) * 24 + hour) * 60 + minute) * MINUTE_MS + second * 1000 + milli;
    return true;
}

/* ---- times ---- */

/* The first time of the grid behind `newest_ms`. With whole days the grid is that of the day's time
 * alone, and it is the newest one's day that they are counted from. */
static uint64_t next_of_day(const struct backup_plan *plan, uint64_t newest_ms)
{
    const uint64_t at_ms = plan->at_min * MINUTE_MS;
    const uint64_t since_ms = (newest_ms + DAY_MS - at_ms) % DAY_MS; /* the day's time was */
    const uint64_t first_ms = newest_ms - since_ms;

    if (plan->every_ms >= DAY_MS)
        return first_ms + plan->every_ms;
    return first_ms + (since_ms / plan->every_ms + 1) * plan->every_ms;
}

uint64_t backup_due_ms(const struct backup_plan *plan, uint64_t newest_ms)
{
    TX_ASSERT(plan->every_ms > 0);
    TX_ASSERT(!plan->daily || backup_due_fits_day(plan->every_ms));
    if (newest_ms == 0)
        return 0;
    return plan->daily && newest_ms >= DAY_MS ? next_of_day(plan, newest_ms)
                                              : newest_ms + plan->every_ms;
}

bool backup_due_absurd(const struct backup_plan *plan, uint64_t backup_ms, uint64_t now_ms)
{
    return backup_ms > now_ms && backup_ms - now_ms > plan->every_ms;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t backup_due_pause_ms(const struct backup_plan *plan, unsigned failures)
{
    const uint64_t first_ms = least(plan->every_ms, BACKUP_APART_MS);
    const unsigned doubled = failures > 1 ? failures - 1 : 0;

    TX_ASSERT(plan->every_ms > 0);
    if (doubled >= 16) /* beyond any bound by then */
        return least(plan->every_ms, BACKUP_PAUSE_MAX_MS);
    return least(first_ms << doubled, least(plan->every_ms, BACKUP_PAUSE_MAX_MS));
}

uint64_t backup_due_late_ms(uint64_t every_ms)
{
    return every_ms + every_ms / 4 + 10 * MINUTE_MS;
}
