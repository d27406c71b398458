/* Numbers, ids and times from the command line. */
#include "txlog/recover/recover_options.h"

#include <string.h>

#define DIGITS "0123456789"

enum tx_error recover_parse_lsn(const char *text, struct tx_lsn *lsn, struct tx_why *why)
{
    size_t digits = strspn(text, DIGITS);
    uint64_t n = 0;
    if (digits == 0 || text[digits] != '\0')
        return tx_why(why, TX_EFORMAT, "\"%.64s\" is no LSN: character %zu is no digit", text,
                      digits + 1);
    for (size_t i = 0; i < digits; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return tx_why(why, TX_EFORMAT, "\"%.64s\" is no LSN: it is too large", text);
        n = n * 10 + digit;
    }
    if (n == 0)
        return tx_why(why, TX_EFORMAT, "0 is no LSN: the first record is LSN 1");
    lsn->n = n;
    return TX_OK;
}

enum tx_error recover_parse_id(const char *text, struct tx_id *id, struct tx_why *why)
{
    static const char *const parts[] = {"coordinator", "epoch", "sequence"};
    if (tx_id_parse(text, id) == TX_OK)
        return TX_OK;
    size_t at = 0;
    for (size_t part = 0; part < 3; part++) {
        size_t digits = strspn(text + at, DIGITS);
        if (digits == 0)
            return tx_why(why, TX_EFORMAT,
                          "\"%.64s\" is no transaction id: at character %zu the number of the %s "
                          "is missing; an id looks like 1-7-42",
                          text, at + 1, parts[part]);
        at += digits;
        char wanted = part < 2 ? '-' : '\0';
        if (text[at] != wanted)
            return tx_why(why, TX_EFORMAT,
                          "\"%.64s\" is no transaction id: at character %zu %s; an id looks like "
                          "1-7-42",
                          text, at + 1, part < 2 ? "a '-' is missing" : "it should end");
        at++;
    }
    return tx_why(why, TX_EFORMAT,
                  "\"%.64s\" is no transaction id: a number is 0, too large or has a leading 0; "
                  "an id looks like 1-7-42",
                  text);
}

/* ---- times ---- */

/* Exactly `digits` digits, between `low` and `high`; moves the text on. */
static bool take_number(const char **text, unsigned digits, unsigned low, unsigned high,
                        unsigned *out)
{
    unsigned n = 0;
    for (unsigned i = 0; i < digits; i++) {
        char c = (*text)[i];
        if (c < '0' || c > '9')
            return false;
        n = n * 10 + (unsigned)(c - '0');
    }
    *text += digits;
    *out = n;
    return n >= low && n <= high;
}

static bool take_char(const char **text, const char *wanted)
{
    if (**text == '\0' || strchr(wanted, **text) == NULL)
        return false;
    (*text)++;
    return true;
}

/* Days since 1970-01-01, in the Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms"). */
static uint64_t days_of(unsigned year, unsigned month, unsigned day)
{
    unsigned y = month <= 2 ? year - 1 : year, era = y / 400, of_era = y - era * 400;
    unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    uint64_t days = (uint64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return days - 719468;
}

static bool take_date(const char **text, uint64_t *seconds)
{
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year, month, day;
    if (!take_number(text, 4, 1970, 9999, &year) || !take_char(text, "-") ||
        !take_number(text, 2, 1, 12, &month) || !take_char(text, "-") ||
        !take_number(text, 2, 1, 31, &day))
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    *seconds = days_of(year, month, day) * 86400;
    return day <= lengths[month - 1] + (leap && month == 2 ? 1u : 0u);
}

static bool take_clock(const char **text, uint64_t *seconds, unsigned *ms)
{
    unsigned hour, minute, second = 0, scale = 100;
    if (!take_number(text, 2, 0, 23, &hour) || !take_char(text, ":") ||
        !take_number(text, 2, 0, 59, &minute))
        return false;
    if (take_char(text, ":") && !take_number(text, 2, 0, 60, &second))
        return false;
    *seconds += hour * 3600u + minute * 60u + second;
    *ms = 0;
    if (!take_char(text, "."))
        return true;
    if (**text < '0' || **text > '9')
        return false;
    for (; **text >= '0' && **text <= '9'; (*text)++, scale /= 10)
        *ms += (unsigned)(**text - '0') * scale;
    return true;
}

static bool take_zone(const char **text, uint64_t *seconds)
{
    unsigned hour, minute;
    if (**text == '\0' || take_char(text, "Zz"))
        return true;
    char sign = **text;
    if (!take_char(text, "+-") || !take_number(text, 2, 0, 23, &hour) || !take_char(text, ":") ||
        !take_number(text, 2, 0, 59, &minute))
        return false;
    uint64_t offset = hour * 3600u + minute * 60u;
    if (sign == '+' && *seconds < offset)
        return false;
    *seconds = sign == '+' ? *seconds - offset : *seconds + offset;
    return true;
}

static bool parse_date_time(const char *text, uint64_t *unix_ms)
{
    uint64_t seconds;
    unsigned ms = 0;
    if (!take_date(&text, &seconds))
        return false;
    if (*text != '\0' && (!take_char(&text, "Tt ") || !take_clock(&text, &seconds, &ms)))
        return false;
    while (*text == ' ')
        text++;
    if (!take_zone(&text, &seconds) || *text != '\0')
        return false;
    *unix_ms = seconds * 1000 + ms;
    return true;
}

static bool parse_ago(const char *text, uint64_t now_ms, uint64_t *unix_ms)
{
    static const struct {
        char unit;
        uint64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    size_t digits = strspn(text, DIGITS);
    uint64_t n = 0;
    if (digits == 0 || digits > 9)
        return false;
    for (size_t i = 0; i < digits; i++)
        n = n * 10 + (uint64_t)(text[i] - '0');
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (text[digits] != units[i].unit || strcmp(text + digits + 1, " ago") != 0)
            continue;
        *unix_ms = n * units[i].ms > now_ms ? 0 : now_ms - n * units[i].ms;
        return true;
    }
    return false;
}

enum tx_error recover_parse_time(const char *text, uint64_t now_ms, uint64_t *unix_ms,
                                 struct tx_why *why)
{
    if (strcmp(text, "now") == 0) {
        *unix_ms = now_ms;
        return TX_OK;
    }
    if (parse_ago(text, now_ms, unix_ms) || parse_date_time(text, unix_ms))
        return TX_OK;
    return tx_why(why, TX_EFORMAT,
                  "\"%.64s\" is no time; a time looks like 2026-11-21T10:00:00Z, or \"5m ago\"",
                  text);
}
