/* When the next backup of a schedule is due: arithmetic, which reads no clock.
 *
 * It is reckoned from the newest backup that there is, by whomever it was taken, so that neither a
 * restart nor a second coordinator nor a backup by hand makes one too many or too few. Times are
 * Unix milliseconds of the wall clock, which may be set at any moment: what must not come in a
 * storm is kept apart by the monotonic clock (backup_due_pause_ms()). */
#ifndef ASSENT_COORDINATOR_BACKUP_DUE_H
#define ASSENT_COORDINATOR_BACKUP_DUE_H

#include "common/error.h"

#include <stdbool.h>
#include <stdint.h>

struct backup_plan {
    uint64_t every_ms; /* above 0 */
    bool daily;      /* at `at_min`, and from there on every `every_ms`; else from the newest on */
    unsigned at_min; /* minutes behind midnight, UTC */
};

/* Starts are at least so far apart, or `every`, if that is less. */
#define BACKUP_APART_MS UINT64_C(60000)
/* A backup that fails is tried again after pauses that grow up to this, or `every`, likewise. */
#define BACKUP_PAUSE_MAX_MS UINT64_C(900000)

/* "HH:MM" into minutes behind midnight; false when it is none. */
bool backup_due_parse_at(const char *text, unsigned *at_min) TX_MUST_CHECK;
/* Can `every` be had from a time of the day on? A part of 24 hours, or whole days. */
bool backup_due_fits_day(uint64_t every_ms) TX_MUST_CHECK;

/* The time that the name of a backup tells, "20261121T142501.123Z" with or without a number behind;
 * false when it is no such name. */
bool backup_due_name_ms(const char *name, uint64_t *ms) TX_MUST_CHECK;

/* When the backup behind the newest one is due, by the time of that: at `newest_ms` + every, or at
 * the next time of the day. `newest_ms` 0: there is none; 0, at once. */
uint64_t backup_due_ms(const struct backup_plan *plan, uint64_t newest_ms);

/* Is a backup of this time so far ahead of the clock that it tells nothing? Then the clock has been
 * wrong, and it does not count as the newest one. */
bool backup_due_absurd(const struct backup_plan *plan, uint64_t backup_ms, uint64_t now_ms);

/* How long to wait after a start, and `failures` failures in a row, before the next start. */
uint64_t backup_due_pause_ms(const struct backup_plan *plan, unsigned failures);

/* For how long there may be no backup before somebody should look: a quarter more than `every`, and
 * 10 minutes. */
uint64_t backup_due_late_ms(uint64_t every_ms);

#endif
