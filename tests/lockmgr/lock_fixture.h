/* What the tests of the lock manager share: a manager whose owners are numbered by age. */
#ifndef ASSENT_TESTS_LOCK_FIXTURE_H
#define ASSENT_TESTS_LOCK_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "lockmgr/lockmgr.h"

#define FIXTURE_OWNERS_MAX 128
#define FIXTURE_TIMEOUT_US 1000

struct fixture {
    struct lockmgr *mgr;
    struct lock_owner *owners[FIXTURE_OWNERS_MAX]; /* [n] has the age n: a lower number is older */
    struct lock_events events;
    uint64_t now_us;
};

int fixture_setup(void **state);
/* Ends every owner; then nothing may be left. */
int fixture_teardown(void **state);
/* Starts again with other options; the time limit stays. */
void fixture_options(struct fixture *f, struct lockmgr_options options);
/* Starts again with another limit. */
void fixture_limit(struct fixture *f, size_t locks_max);

/* "" the store, "s" a keyspace, "s/k" a key, "s/[a,c)" the keys from a up to c. */
struct lock_name fixture_name(const char *path);

/* Begins the owner when it is new. Checks the invariants afterwards, as all of these do. */
enum lock_status acquire(struct fixture *f, int n, const char *path, enum tx_lock_mode mode);
enum tx_error release(struct fixture *f, int n, const char *path);
void release_all(struct fixture *f, int n);
void cancel(struct fixture *f, int n);
void protect(struct fixture *f, int n);
void expire(struct fixture *f, uint64_t now_us);
enum tx_lock_mode held(const struct fixture *f, int n, const char *path);
bool waiting(const struct fixture *f, int n);

/* Are the events since the last look just these, in this order: "G3 W4 N5 T6 C7" (granted, wounded,
 * wanted, timed out, conflict)? */
void expect_events(struct fixture *f, const char *expected);

#endif
