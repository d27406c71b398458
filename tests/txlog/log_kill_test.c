/* kill -9 at random moments: what was reported durable is there afterwards, and nothing is missing
 * before it. Some rounds die while the log is created, opened or closed. */
#include "log_fixture.h"
#include "tests/common/pace.h"
#include "txlog/log_writer.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static bool report(uint64_t lsn)
{
    return write(STDOUT_FILENO, &lsn, sizeof(lsn)) == (ssize_t)sizeof(lsn);
}

/* Child: appends through the log writer until it is killed; reports each durable LSN that it hears
 * of. */
static int append_until_killed(const char *directory)
{
    struct tx_why why;
    struct txlog *log;
    struct log_writer *writer;
    const struct log_writer_options options = {.lazy_ms = 1};
    struct tx_buf record = {0};
    if (fixture_try(directory, ROCKSDB_LOG_OPEN, &log, &why) != TX_OK)
        return 2;
    struct tx_lsn next = {txlog_last(log).n + 1}, durable;
    if (!report(txlog_last(log).n) || log_writer_new(log, &options, &writer, &why) != TX_OK)
        return 3;
    for (;;) {
        for (uint64_t burst = 0; burst < 1 + next.n % 7; burst++, next.n++) {
            fixture_record(next.n, (size_t)(next.n * 37 % 900), &record);
            struct txlog_append append = {.lsn = next, .record = tx_buf_view(&record)};
            if (log_writer_queue(writer, &append, next.n % 3 == 0) != TX_OK)
                return 4;
        }
        log_writer_hand_over(writer);
        struct pollfd ready = {.fd = log_writer_fd(writer), .events = POLLIN};
        (void)poll(&ready, 1, -1);
        if (log_writer_poll(writer, &durable, &why) != TX_OK || !report(durable.n))
            return 5;
    }
}

enum killed { FROM_START, OPENED, DURABLE };

/* Kills some time after the start, after the log has been opened, or after a record was durable;
 * then reads what was reported. The highest LSN of that. */
static uint64_t run_and_kill(const char *directory, enum killed after, long microseconds)
{
    const char *const arguments[] = {"append", directory, NULL};
    int out;
    pid_t pid = fixture_child(arguments, &out);
    struct pollfd opened = {.fd = out, .events = POLLIN};
    uint64_t lsn, highest = 0, first = UINT64_MAX;
    if (after != FROM_START && poll(&opened, 1, 60000) != 1)
        fail_msg("the writer does not start");
    while (after == DURABLE && highest <= first) {
        assert_int_equal(read(out, &highest, sizeof(highest)), (ssize_t)sizeof(highest));
        first = first == UINT64_MAX ? highest : first;
    }
    struct timespec time = {.tv_nsec = microseconds * 1000};
    assert_int_equal(nanosleep(&time, NULL), 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    while (read(out, &lsn, sizeof(lsn)) == (ssize_t)sizeof(lsn))
        highest = lsn;
    (void)close(out);
    int status = fixture_wait(pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return highest;
}

static enum tx_error check_record(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    struct tx_buf expected = {0};
    assert_int_equal(lsn.n, ++*(uint64_t *)arg);
    fixture_record(lsn.n, (size_t)(lsn.n * 37 % 900), &expected);
    assert_true(tx_bytes_equal(stored, tx_buf_view(&expected)));
    tx_buf_deinit(&expected);
    return TX_OK;
}

static void what_was_durable_is_there(void **state)
{
    (void)state;
    char *place = fixture_new(), dir[256];
    (void)snprintf(dir, sizeof(dir), "%s/log", place);
    uint64_t durable = 0;
    srandom(20);
    unsigned long rounds = pace_count(30, 12);
    for (unsigned long round = 0; round < rounds; round++) {
        enum killed after = round < 8 ? FROM_START : round + 1 < rounds ? OPENED : DURABLE;
        uint64_t heard = run_and_kill(dir, after, random() % (round < 8 ? 100000 : 50000));
        if (heard > durable)
            durable = heard;
        /* Every third time the next writer comes straight after the kill. */
        if (round % 3 == 2)
            continue;
        struct txlog *log = fixture_open(dir);
        assert_true(txlog_last(log).n >= durable);
        uint64_t seen = 0;
        struct tx_lsn all = {0};
        assert_int_equal(txlog_each(log, all, all, check_record, &seen, NULL), TX_OK);
        assert_int_equal(seen, txlog_last(log).n);
        durable = seen;
        txlog_close(&log);
    }
    assert_int_equal(fixture_files(dir, "LOG"), 0);
    print_message("%lu records after %lu kills\n", (unsigned long)durable, rounds);
    assert_true(durable > 0);
    fixture_remove(place);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "append") == 0)
        return append_until_killed(argv[2]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_durable_is_there)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
