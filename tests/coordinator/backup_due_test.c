/* When a backup is due: names of backups, times of the day, clocks that were set. */
#include "coordinator/backup_due.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* 2026-11-21T00:00:00Z */
#define MIDNIGHT (UINT64_C(1795219200) * SECOND)

static void test_names(void **state)
{
    static const char *const wrong[] = {"",
                                        "latest",
                                        "20261121T142501Z",
                                        "20261121T142501.12Z",
                                        "20261121T142501.123",
                                        "20261321T142501.123Z",
                                        "20261100T142501.123Z",
                                        "20261121T242501.123Z",
                                        "20261121T142501.123Zx",
                                        "2026-11-21T14:25:01.123Z"};
    uint64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (backup_due_name_ms(wrong[i], &ms))
            fail_msg("\"%s\" is taken for a name", wrong[i]);
    assert_true(backup_due_name_ms("20261121T142501.123Z", &ms));
    assert_int_equal(ms, MIDNIGHT + 14 * HOUR + 25 * MINUTE + SECOND + 123);
    assert_true(backup_due_name_ms("20261121T142501.123Z-2", &ms));
    assert_int_equal(ms, MIDNIGHT + 14 * HOUR + 25 * MINUTE + SECOND + 123);
}

/* Every day of four centuries, against the C library. */
static void test_days(void **state)
{
    (void)state;
    for (uint64_t day = 0; day < 146097 + 1; day += 1) {
        const time_t seconds = (time_t)(day * 86400);
        struct tm tm;
        char name[64];
        uint64_t ms;

        assert_non_null(gmtime_r(&seconds, &tm));
        assert_true(strftime(name, sizeof name, "%Y%m%dT%H%M%S.000Z", &tm) > 0);
        if (!backup_due_name_ms(name, &ms) || ms != day * DAY)
            fail_msg("%s is not day %llu", name, (unsigned long long)day);
    }
}

static void test_times_of_the_day(void **state)
{
    static const char *const wrong[] = {"", "2:00", "24:00", "23:60", "02-00", "02:00 ", "aa:bb"};
    unsigned at;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (backup_due_parse_at(wrong[i], &at))
            fail_msg("\"%s\" is taken for a time", wrong[i]);
    assert_true(backup_due_parse_at("00:00", &at));
    assert_int_equal(at, 0);
    assert_true(backup_due_parse_at("23:59", &at));
    assert_int_equal(at, 23 * 60 + 59);
    assert_true(backup_due_fits_day(6 * HOUR));
    assert_true(backup_due_fits_day(15 * MINUTE));
    assert_true(backup_due_fits_day(DAY));
    assert_true(backup_due_fits_day(7 * DAY));
    assert_false(backup_due_fits_day(7 * HOUR));
    assert_false(backup_due_fits_day(36 * HOUR));
    assert_false(backup_due_fits_day(0));
}

static void test_after_the_newest(void **state)
{
    const struct backup_plan plan = {.every_ms = 6 * HOUR};

    (void)state;
    assert_int_equal(backup_due_ms(&plan, 0), 0);
    assert_int_equal(backup_due_ms(&plan, MIDNIGHT + 1), MIDNIGHT + 1 + 6 * HOUR);
}

static void test_at_a_time_of_the_day(void **state)
{
    const struct {
        uint64_t every, newest, due; /* the latter two behind midnight */
    } cases[] = {
        {DAY, 2 * HOUR, DAY + 2 * HOUR},
        {DAY, 2 * HOUR + 5 * MINUTE, DAY + 2 * HOUR},
        {DAY, 12 * HOUR, DAY + 2 * HOUR},            /* by hand, at noon */
        {DAY, HOUR, 2 * HOUR},                       /* by hand, an hour before */
        {7 * DAY, 2 * HOUR + 1, 7 * DAY + 2 * HOUR}, /* does not drift */
        {6 * HOUR, 2 * HOUR, 8 * HOUR},              /* 2, 8, 14, 20 */
        {6 * HOUR, 7 * HOUR, 8 * HOUR},              /* by hand, between */
        {6 * HOUR, 21 * HOUR, DAY + 2 * HOUR},       /* over midnight */
        {6 * HOUR, HOUR, 2 * HOUR},                  /* from the day before on */
        {15 * MINUTE, 2 * HOUR + 1, 2 * HOUR + 15 * MINUTE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct backup_plan plan = {.every_ms = cases[i].every, .daily = true, .at_min = 120};
        const uint64_t due = backup_due_ms(&plan, MIDNIGHT + cases[i].newest);

        if (due != MIDNIGHT + cases[i].due)
            fail_msg("case %zu: due %lld min behind midnight", i,
                     ((long long)due - (long long)MIDNIGHT) / (long long)MINUTE);
    }
}

/* It is due once: behind a backup that was begun when it was due, the next one lies ahead. */
static void test_never_twice(void **state)
{
    const uint64_t every[] = {15 * MINUTE, HOUR, 8 * HOUR, DAY, 3 * DAY};

    (void)state;
    for (size_t i = 0; i < sizeof every / sizeof every[0]; i++)
        for (unsigned at = 0; at < 1440; at += 7) {
            const struct backup_plan plan = {.every_ms = every[i], .daily = true, .at_min = at};
            uint64_t due = backup_due_ms(&plan, MIDNIGHT);

            for (unsigned n = 0; n < 100; n++) {
                const uint64_t next = backup_due_ms(&plan, due);

                if (next <= due || next - due != every[i])
                    fail_msg("every %llu at %u: %llu apart", (unsigned long long)every[i], at,
                             (unsigned long long)(next - due));
                due = next;
            }
        }
}

static void test_clock_that_was_ahead(void **state)
{
    const struct backup_plan plan = {.every_ms = DAY};

    (void)state;
    assert_false(backup_due_absurd(&plan, MIDNIGHT - DAY, MIDNIGHT));
    assert_false(backup_due_absurd(&plan, MIDNIGHT + HOUR, MIDNIGHT)); /* waits a day and an hour */
    assert_true(backup_due_absurd(&plan, MIDNIGHT + 2 * DAY, MIDNIGHT));
}

static void test_pauses(void **state)
{
    const struct backup_plan daily = {.every_ms = DAY}, quick = {.every_ms = 300};

    (void)state;
    assert_int_equal(backup_due_pause_ms(&daily, 0), MINUTE);
    assert_int_equal(backup_due_pause_ms(&daily, 1), MINUTE);
    assert_int_equal(backup_due_pause_ms(&daily, 2), 2 * MINUTE);
    assert_int_equal(backup_due_pause_ms(&daily, 4), 8 * MINUTE);
    assert_int_equal(backup_due_pause_ms(&daily, 5), 15 * MINUTE);
    assert_int_equal(backup_due_pause_ms(&daily, 4000000000u), 15 * MINUTE);
    assert_int_equal(backup_due_pause_ms(&quick, 0), 300);
    assert_int_equal(backup_due_pause_ms(&quick, 40), 300);
    assert_int_equal(backup_due_late_ms(DAY), 30 * HOUR + 10 * MINUTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_times_of_the_day),
        cmocka_unit_test(test_after_the_newest),
        cmocka_unit_test(test_at_a_time_of_the_day),
        cmocka_unit_test(test_never_twice),
        cmocka_unit_test(test_clock_that_was_ahead),
        cmocka_unit_test(test_pauses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
