/* The decision log: nobody hears that a record is on disk before a sync that began after it was
 * written, many share one sync, and a sync that failed is the end. */
#include "tests/bench/peers/decision_log.h"

#include "tests/common/test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRITERS 16u
#define RECORDS 200u
#define NAMES   (WRITERS * RECORDS)

ssize_t __real_pwrite(int fd, const void *data, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at);
int __wrap_fdatasync(int fd);

/* Which records have been written to the file, and which of them were when the last good sync
 * began. */
static atomic_bool written[NAMES], durable[NAMES];
static atomic_uint syncs;
static atomic_bool fails;
static atomic_uint begun, safe; /* records that were asked for; and those that are durable */
static atomic_uint writers;     /* that have not ended */

ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at)
{
    ssize_t done = __real_pwrite(fd, data, len, at);
    for (size_t i = 0; done > 0 && i < (size_t)done; i += DECISION_RECORD_BYTES) {
        unsigned name;
        if (sscanf((const char *)data + i, "commit %u", &name) == 1 && name < NAMES) {
            atomic_store(&written[name], true);
        }
    }
    return done;
}

int __wrap_fdatasync(int fd)
{
    static bool before[NAMES]; /* one sync at a time */
    (void)fd;
    for (unsigned i = 0; i < NAMES; i++) {
        before[i] = atomic_load(&written[i]);
    }
    /* Until there is company: a sync takes until every other writer wants one too. */
    for (int i = 0; i < 10000 && atomic_load(&begun) - atomic_load(&safe) < atomic_load(&writers);
         i++) {
        (void)usleep(200);
    }
    if (atomic_load(&fails)) {
        errno = EIO;
        return -1;
    }
    for (unsigned i = 0; i < NAMES; i++) {
        if (before[i] && !atomic_exchange(&durable[i], true)) {
            (void)atomic_fetch_add(&safe, 1);
        }
    }
    atomic_fetch_add(&syncs, 1);
    return 0;
}

static void *write_many(void *arg)
{
    unsigned writer = *(unsigned *)arg;
    for (unsigned i = 0; i < RECORDS; i++) {
        char id[16];
        unsigned name = writer * RECORDS + i;
        (void)snprintf(id, sizeof id, "%u", name);
        (void)atomic_fetch_add(&begun, 1);
        if (!decision_log_write(id) || !atomic_load(&durable[name])) {
            return arg;
        }
    }
    (void)atomic_fetch_sub(&writers, 1);
    return NULL;
}

static void test_a_record_is_synced_before_anyone_hears(void **state)
{
    (void)state;
    pthread_t threads[WRITERS];
    unsigned numbers[WRITERS];
    atomic_store(&writers, WRITERS);
    for (unsigned i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_true(atomic_load(&syncs) >= RECORDS); /* a writer waits for each of its own */
    assert_true(atomic_load(&syncs) < NAMES / 2);
}

static void test_a_sync_that_failed_is_the_end(void **state)
{
    (void)state;
    atomic_store(&fails, true);
    assert_false(decision_log_write("x"));
    atomic_store(&fails, false);
    assert_false(decision_log_write("y"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_is_synced_before_anyone_hears),
        cmocka_unit_test(test_a_sync_that_failed_is_the_end),
    };
    char path[] = "/tmp/assent_decisions.XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || !decision_log_open(path)) {
        return 1;
    }
    (void)close(fd);
    (void)unlink(path);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    decision_log_close();
    return failed;
}
