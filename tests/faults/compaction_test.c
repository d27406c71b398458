/* RocksDB merges a participant's tables in threads of its own, and cannot read one of them. From
 * then on it takes no writes: the participant has to say so and to end, with what was the matter
 * and where, and must not hang. While the table stays unreadable every start ends so; when it can
 * be read again, everything is there. */
#include "tests/faults/faults.h"
#include "tests/integration/work.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>

#include <cmocka.h>

enum { STARTS_MAX = 24, PUTS_MAX = 20000, LASTING_STARTS = 3, PUTS_AFTER_MAX = 50 };

/* RocksDB's thread may be late to merge, too. After so many starts, far more than fill level 0, a
 * run waits for it, longer from start to start. */
enum { STARTS_ENOUGH = 6, PATIENCE_MS = 500 };

static struct faults faults;
static struct daemon *tested;
static txclient *impatient;
static bool acknowledged[PUTS_MAX];
static unsigned puts_n;
static const char *role;
static unsigned puts_of_run; /* so that a run leaves something to merge */

/* First and last in turn, so that the tables of all lives lie over each other. */
static const char *key_of(unsigned n, char key[32])
{
    (void)snprintf(key, 32, "%c-%06u", n % 2 == 0 ? 'a' : 'z', n);
    return key;
}

static txclient_status put(void)
{
    char key[32];
    assert_true(puts_n < PUTS_MAX);
    txclient_status status = work_put(impatient, "ab", key_of(puts_n, key), "x");
    acknowledged[puts_n++] = status == TXCLIENT_OK;
    return status;
}

struct run {
    bool ended;
    unsigned done;    /* puts of this run */
    unsigned after;   /* and those since a compaction met the fault */
    int64_t until_ms; /* when it may end without; INT64_MAX: never */
    int status;
};

static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A few transactions have gone through, and its time is over; or it has ended. RocksDB's own thread
 * may be late to tell what it has met: after some more there is a pause before each. */
static bool used_or_ended(void *arg)
{
    struct run *run = arg;
    run->ended = daemon_wait(tested, 0, &run->status);
    bool fired = faults_fired(&faults);
    if (run->after > PUTS_AFTER_MAX || run->done >= puts_of_run)
        (void)poll(NULL, 0, 100);
    if (!run->ended && put() == TXCLIENT_OK) {
        run->done++;
        run->after += fired ? 1 : 0;
    }
    bool over = run->done >= puts_of_run && now_ms() >= run->until_ms;
    return run->ended || (over && !fired);
}

/* Asked to leave, it may still meet the fault. */
static bool leaves_by_itself(struct run *run)
{
    daemon_signal(tested, SIGTERM);
    if (!daemon_wait(tested, WORK_MS, &run->status))
        fail_msg("it does not leave");
    return run->status != 0;
}

/* One run under the fault, which may end without having met it after `patience_ms` (-1: never);
 * true when it has ended by itself. */
static bool run(const struct fault *fault, int64_t patience_ms, struct run *run)
{
    char text[8192];
    *run = (struct run){.until_ms = patience_ms < 0 ? INT64_MAX : now_ms() + patience_ms};
    faults_arm(&faults, tested->data, fault, false, NULL);
    daemon_spawn(tested, NULL);
    faults_disarm();
    if (!wait_until(used_or_ended, run, 2 * WORK_MS)) {
        if (run->after > PUTS_AFTER_MAX)
            fail_msg("%s: it goes on, %u transactions later", faults_describe(&faults, fault),
                     run->after);
        fail_msg("it neither ends nor serves, or no compaction comes: %s",
                 faults_read(tested->log, text, sizeof text) + strlen(text) / 2);
    }
    return run->ended || leaves_by_itself(run);
}

static void check_end(const struct run *run)
{
    static char text[1 << 16];
    FILE *file = fopen(tested->log, "r");
    assert_non_null(file);
    assert_int_equal(fseek(file, tested->log_from, SEEK_SET), 0);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    if (!WIFEXITED(run->status) || WEXITSTATUS(run->status) != EX_IOERR)
        fail_msg("wait status %#x: %s", (unsigned)run->status, text);
    if (strstr(text, strerror(EIO)) == NULL || strstr(text, faults.report->path) == NULL ||
        strstr(text, "merging its tables") == NULL)
        fail_msg("does not say that merging could not read %s: %s", faults.report->path, text);
}

static void check_all_there(void)
{
    char out[4096], err[4096], key[32];
    if (run_program(out, sizeof out, err, sizeof err, "txrecover", "verify", tested->data, NULL) !=
        0)
        fail_msg("txrecover verify: %s%s", out, err);
    daemon_start(tested);
    for (unsigned n = 0; n < puts_n; n++)
        if (acknowledged[n])
            work_holds(client, "a", key_of(n, key), "x");
    work_put_surely(client, "ab", "after", "x");
    work_await_quiet();
    daemon_stop(tested);
}

/* Starts it until a compaction has met the fault. */
static void meet(const struct fault *fault)
{
    struct run last = {0};
    int starts = 0;
    int64_t patience_ms = 0;
    while (!run(fault, patience_ms, &last)) {
        if (++starts > STARTS_MAX)
            fail_msg("%d starts, and no compaction has read a table", starts);
        patience_ms += starts > STARTS_ENOUGH ? PATIENCE_MS : 0;
    }
    assert_true(faults_fired(&faults));
    print_message("%s, after %d starts\n", faults_describe(&faults, fault), starts);
    check_end(&last);
}

static void test_once(void **state)
{
    (void)state;
    for (unsigned long n = 1; n <= 5; n += 2) {
        struct fault fault = {.kind = FAULT_COMPACTION, .n = n, .error = EIO};
        meet(&fault);
        check_all_there();
    }
}

static void test_for_ever(void **state)
{
    struct fault fault = {.kind = FAULT_COMPACTION, .n = 1, .error = EIO, .for_ever = true};
    struct run last;
    (void)state;
    meet(&fault);
    for (int i = 0; i < LASTING_STARTS; i++) {
        if (!run(&fault, -1, &last))
            fail_msg("it serves, and a table cannot be read");
        check_end(&last);
    }
    check_all_there();
}

static int begin(void **state)
{
    txclient_options options = {.size = sizeof options,
                                .connect_timeout_ms = 300,
                                .request_timeout_ms = 500,
                                .commit_timeout_ms = 700,
                                .resend_ms = 100};
    (void)state;
    puts_n = 0;
    cluster_init(&cluster, 2, false);
    faults_init(&faults);
    bool is_coordinator = strcmp(role, "coordinator") == 0;
    tested = is_coordinator ? &cluster.coordinator : &cluster.participants[0];
    puts_of_run = is_coordinator ? 150 : 4;
    /* A coordinator has no data: what is merged is its log, once records have been compacted away.
     */
    daemon_set(&cluster, &cluster.coordinator, "storage",
               "snapshot_records = 100\nretain_records = 0");
    daemon_set(&cluster, &cluster.coordinator, "limits", "retained = 100");
    cluster_start(&cluster);
    client = work_client(&cluster.coordinator);
    assert_int_equal(txclient_open("test", cluster.coordinator.address, &options, &impatient, NULL),
                     TXCLIENT_OK);
    daemon_stop(tested);
    return 0;
}

static int end(void **state)
{
    txclient_close(&impatient);
    faults_deinit(&faults);
    return work_teardown(state);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_once, begin, end),
        cmocka_unit_test_setup_teardown(test_for_ever, begin, end),
    };
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s coordinator|participant\n", argv[0]);
        return EX_USAGE;
    }
    role = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
