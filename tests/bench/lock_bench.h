/* What the lock manager costs, in time and memory: jobs, each of which measures some figures in one
 * go. Plain loops around the library, no daemon.
 *
 * Times are nanoseconds of this thread's processor time, so that other work on the machine disturbs
 * them less. Names are made before the clock runs. */
#ifndef ASSENT_TESTS_LOCK_BENCH_H
#define ASSENT_TESTS_LOCK_BENCH_H

#include "lockmgr/lockmgr.h"

#include <stddef.h>

#define BENCH_FIGURES_MAX 4u /* of a job */
#define BENCH_NAME_BYTES  32u

/* ---- what the jobs share (lock_bench.c) ---- */

extern struct lock_events bench_events;

double bench_now_ns(void);
/* Ends the program when the library did not do what is measured. */
void bench_must(bool held, const char *what);
struct lockmgr *bench_manager(enum tx_lock_policy policy);
struct lock_owner *bench_begin(struct lockmgr *mgr, uint64_t age);
void bench_end(struct lockmgr *mgr, struct lock_owner *owner);
struct lock_name bench_key(const char *key);
struct lock_name bench_range(const char *from, const char *to);
enum lock_status bench_acquire(struct lockmgr *mgr, struct lock_owner *owner, struct lock_name name,
                               enum tx_lock_mode mode);
void bench_release(struct lockmgr *mgr, struct lock_owner *owner, struct lock_name name);
/* Has `owner` take X on `n` keys of their own. */
void bench_fill(struct lockmgr *mgr, struct lock_owner *owner, size_t n);

/* ---- the jobs: each writes its figures, in the order of the table in lock_bench.c ---- */

void job_uncontended(double *figures);
void job_uncontended_1M(double *figures);
void job_transaction(double *figures);
void job_queue(double *figures);
void job_beside(double *figures);
void job_release(double *figures);
void job_million(double *figures);

void job_writer_disjoint(double *figures);
void job_writer_nested(double *figures);
void job_writer_overlapping(double *figures);
void job_range_ranges(double *figures);
void job_range_keys(double *figures);

#endif
