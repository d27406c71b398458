/* Full disks, on small file systems of their own, whoever decides the commits. At the reserve a
 * daemon takes nothing new and finishes what is open; at a disk that is really full it stops, and
 * has everything that it has acknowledged when there is space again. */
#include "tests/integration/disk.h"
#include "tests/integration/work.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>

#include <cmocka.h>

#define RESERVE "disk_reserve = 8M"

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];

/* ---- setups ---- */

static int prepare(const char *reserve, bool at_coordinator, const char *mode)
{
    struct daemon *daemon = at_coordinator ? coordinator : a;

    cluster_init(&cluster, 2, false);
    disk_give(daemon);
    daemon_set(&cluster, daemon, "storage", reserve);
    daemon_set(&cluster, coordinator, "node", mode);
    work_start_with("before");
    return 0;
}

#define MEMBERS     "commit_mode = participants"
#define COORDINATOR "commit_mode = coordinator"
#define SETUP(name, reserve, at_coordinator, mode)                                                 \
    static int name(void **state)                                                                  \
    {                                                                                              \
        (void)state;                                                                               \
        return prepare(reserve, at_coordinator, mode);                                             \
    }

SETUP(participant_with_reserve, RESERVE, false, MEMBERS)
SETUP(participant_with_reserve_mode_a, RESERVE, false, COORDINATOR)
SETUP(coordinator_with_reserve, RESERVE, true, MEMBERS)
SETUP(coordinator_with_reserve_mode_a, RESERVE, true, COORDINATOR)
SETUP(participant_without_reserve, "disk_reserve = 0", false, MEMBERS)
SETUP(participant_without_reserve_mode_a, "disk_reserve = 0", false, COORDINATOR)
SETUP(coordinator_without_reserve, "disk_reserve = 0", true, MEMBERS)
SETUP(coordinator_without_reserve_mode_a, "disk_reserve = 0", true, COORDINATOR)

/* ---- with an archive ---- */

static char archive_disk[CLUSTER_PATH];

static void mount_at(const char *path, const char *options)
{
    assert_int_equal(mkdir(path, 0700), 0);
    if (mount("tmpfs", path, "tmpfs", 0, options) != 0)
        fail_msg("%s: cannot mount a tmpfs: %s", path, strerror(errno));
}

static int prepare_archive(const char *size, bool with_data)
{
    char data[CLUSTER_PATH + 32], lines[CLUSTER_PATH + 64];

    cluster_init(&cluster, 2, false);
    assert_true(snprintf(archive_disk, sizeof archive_disk, "%s/disk", cluster.directory) <
                (int)sizeof archive_disk);
    mount_at(archive_disk, size);
    if (with_data) { /* two places of one file system, of which neither lies in the other */
        snprintf(data, sizeof data, "%s/data", archive_disk);
        assert_int_equal(mkdir(data, 0700), 0);
        assert_int_equal(mkdir(a->data, 0700), 0);
        assert_int_equal(mount(data, a->data, NULL, MS_BIND, NULL), 0);
    }
    snprintf(lines, sizeof lines, "directory = %s/archive\nevery = 100ms", archive_disk);
    daemon_set(&cluster, a, "storage", RESERVE);
    daemon_set(&cluster, a, "archive", lines);
    work_start_with("before");
    return 0;
}

static int archive_on_a_disk_of_its_own(void **state)
{
    (void)state;
    return prepare_archive("size=1m", false);
}

static int archive_on_the_disk_of_the_data(void **state)
{
    (void)state;
    return prepare_archive("size=96m", true);
}

static int teardown(void **state)
{
    disk_take(a);
    if (archive_disk[0] != '\0')
        (void)umount2(archive_disk, MNT_DETACH);
    archive_disk[0] = '\0';
    disk_take(coordinator);
    return work_teardown(state);
}

/* ---- at the reserve ---- */

static void test_participant_at_its_reserve(void **state)
{
    txclient *other = work_client(coordinator);
    txclient_tx *tx = work_begin(client), *late = work_begin(other);

    (void)state;
    expect(txclient_put(tx, AT("a", "open"), txclient_str("1")), TXCLIENT_OK);
    expect(txclient_put(tx, AT("b", "open"), txclient_str("1")), TXCLIENT_OK);
    disk_fill(a, 4 * DISK_MIB);
    work_await_field(a, "refusing", "disk-full");
    assert_true(daemon_says(a, "disk space is below the reserve", 0));
    assert_true(daemon_says(a, a->data, 0));
    expect_aborted_of(other, txclient_put(late, AT("a", "late"), txclient_str("1")),
                      TXCLIENT_REASON_DISK_FULL);
    assert_string_equal(txclient_detail(other)->participant, "a");
    assert_non_null(strstr(txclient_detail(other)->text, "free space"));
    txclient_tx_close(&late);
    expect_aborted_of(other, work_put(other, "ab", "late", "1"), TXCLIENT_REASON_DISK_FULL);
    assert_string_equal(txclient_detail(other)->participant, "a");
    expect_of(other, work_put(other, "b", "late", "elsewhere"), TXCLIENT_OK);
    expect(txclient_put(tx, AT("a", "open2"), txclient_str("1")), TXCLIENT_OK);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    disk_unfill(a);
    work_await_field(a, "refusing", "no");
    expect_of(other, work_put(other, "ab", "again", "1"), TXCLIENT_OK);
    txclient_close(&other);
    work_holds(client, "a", "open", "1");
    work_holds(client, "b", "open", "1");
    work_holds(client, "a", "open2", "1");
    work_holds(client, "a", "late", NULL);
    work_await_quiet();
}

static void test_coordinator_at_its_reserve(void **state)
{
    txclient *other = work_client(coordinator);
    txclient_tx *tx = work_begin(client), *late = NULL;

    (void)state;
    expect(txclient_put(tx, AT("a", "open"), txclient_str("1")), TXCLIENT_OK);
    disk_fill(coordinator, 4 * DISK_MIB);
    work_await_field(coordinator, "state", "disk reserve reached");
    assert_true(daemon_says(coordinator, "disk space is below the reserve", 0));
    expect_of(other, txclient_begin(other, NULL, &late), TXCLIENT_EREFUSED);
    assert_int_equal(txclient_detail(other)->reason, TXCLIENT_REASON_DISK_FULL);
    assert_non_null(strstr(txclient_detail(other)->text, "free space"));
    expect_of(other, work_put(other, "ab", "late", "1"), TXCLIENT_EREFUSED);
    assert_int_equal(txclient_detail(other)->reason, TXCLIENT_REASON_DISK_FULL);
    expect(txclient_put(tx, AT("b", "open"), txclient_str("1")), TXCLIENT_OK);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    disk_unfill(coordinator);
    work_await_field(coordinator, "state", "serving");
    expect_of(other, work_put(other, "ab", "again", "1"), TXCLIENT_OK);
    txclient_close(&other);
    work_holds(client, "a", "open", "1");
    work_holds(client, "b", "open", "1");
    work_await_quiet();
}

/* ---- really full ---- */

#define ROUNDS_MAX  4000
#define VALUE_BYTES (200 * 1024)

static txclient_status told[ROUNDS_MAX];

/* Writes the round's value on both sides; it says which round it is of. */
static txclient_status write_round(txclient *with, int round, size_t bytes)
{
    static char value[VALUE_BYTES];
    txclient_batch *batch = txclient_batch_new();
    char key[32];
    txclient_status status;

    memset(value, 'a' + round % 26, bytes);
    snprintf(key, sizeof key, "round-%d", round);
    txclient_batch_put(batch, AT("a", key), txclient_data(value, bytes));
    txclient_batch_put(batch, AT("b", key), txclient_data(value, bytes));
    status = txclient_submit(with, batch, NULL, NULL);
    txclient_batch_free(&batch);
    return status;
}

static bool round_is_there(const char *participant, int round, size_t bytes)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_value value;
    char key[32];

    snprintf(key, sizeof key, "round-%d", round);
    txclient_batch_get(batch, AT(participant, key));
    expect(txclient_submit(client, batch, NULL, &value), TXCLIENT_OK);
    txclient_batch_free(&batch);
    for (size_t i = 0; value.found && i < value.len; i++)
        if (((const char *)value.data)[i] != 'a' + round % 26)
            fail_msg("round %d at %s holds foreign bytes", round, participant);
    assert_true(!value.found || value.len == bytes);
    return value.found;
}

/* Writes until the daemon has stopped; gives the number of rounds. */
static int write_until_stopped(struct daemon *daemon, size_t bytes, int *status)
{
    txclient *own = work_quick_client(coordinator);
    int rounds = 0;

    while (!daemon_wait(daemon, 0, status)) {
        if (rounds == ROUNDS_MAX)
            fail_msg("%s goes on with a full disk", daemon->name);
        told[rounds] = write_round(own, rounds, bytes);
        rounds++;
    }
    txclient_close(&own);
    return rounds;
}

static void full(struct daemon *daemon, size_t bytes)
{
    int status, rounds, committed = 0;

    disk_return_preallocated(daemon, (off_t)4 * (off_t)bytes + 16384);
    disk_fill(daemon, 0);
    rounds = write_until_stopped(daemon, bytes, &status);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EX_IOERR);
    assert_true(daemon_says(daemon, "No space left on device", 0));
    assert_true(daemon_says(daemon, daemon->data, 0));
    assert_true(daemon_says(daemon, "free space on that file system and start again", 0));
    disk_unfill(daemon);
    daemon_start(daemon);
    work_put_surely(client, "ab", "k", "after");
    work_await_quiet();
    for (int round = 0; round < rounds; round++) {
        bool there = round_is_there("a", round, bytes);

        if (there != round_is_there("b", round, bytes))
            fail_msg("round %d is half done", round);
        if (told[round] == TXCLIENT_OK && !there)
            fail_msg("round %d was acknowledged and is lost", round);
        if (told[round] == TXCLIENT_ABORTED && there)
            fail_msg("round %d was told to be aborted and is there", round);
        committed += there;
    }
    assert_int_not_equal(committed, 0);
}

static void test_participant_with_a_full_disk(void **state)
{
    (void)state;
    full(a, VALUE_BYTES);
}

static void test_coordinator_with_a_full_disk(void **state)
{
    (void)state;
    full(coordinator, 16);
}

/* It cannot even start; nothing is harmed by the attempt. */
static void test_start_on_a_full_disk(void **state)
{
    int status;

    (void)state;
    daemon_stop(a);
    disk_fill(a, 0);
    for (int i = 0; i < 2; i++) {
        daemon_spawn(a, NULL);
        assert_true(daemon_wait(a, WORK_MS, &status));
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), EX_IOERR);
        assert_true(daemon_says(a, a->data, 0));
        assert_true(daemon_says(a, "free space on that file system and start again", 0));
    }
    disk_unfill(a);
    daemon_start(a);
    work_holds(client, "a", "k", "before");
}

/* ---- archives ---- */

static bool is_archived(void *arg)
{
    char archived[32], durable[32];

    (void)arg;
    return work_field(a, "archive_last", archived, sizeof archived) &&
           work_field(a, "lsn_durable", durable, sizeof durable) && strcmp(archived, durable) == 0;
}

static bool says_why(void *arg)
{
    char why[512];

    return work_field(a, "archive_error", why, sizeof why) && strstr(why, arg) != NULL;
}

/* The service goes on, the archive too when there is space, and it lacks nothing. */
static void test_archive_with_a_full_disk(void **state)
{
    struct daemon disk = {.name = "disk"};
    char full[] = "No space left on device";

    (void)state;
    assert_true(snprintf(disk.data, sizeof disk.data, "%s", archive_disk) < (int)sizeof disk.data);
    assert_true(wait_until(is_archived, NULL, WORK_MS));
    disk_fill(&disk, 0);
    work_put_surely(client, "ab", "k", "on a full archive");
    assert_true(wait_until(says_why, full, WORK_MS));
    work_put_surely(client, "ab", "k", "still");
    disk_unfill(&disk);
    daemon_signal(a, SIGHUP);
    assert_true(wait_until(is_archived, NULL, WORK_MS));
    work_await_field(a, "archive_failing_ms", "0");
    work_await_field(a, "archive_gaps", "0");
    work_holds(client, "a", "k", "still");
}

/* At the node's reserve its archive takes nothing of what is left, and the log is not kept for it:
 * the node announces the reserve, finishes what is open, and goes on later. */
static void test_archive_at_the_reserve_of_the_data(void **state)
{
    txclient_tx *tx = work_begin(client);
    char beside[] = "is on the file system of the node's data";

    (void)state;
    assert_true(wait_until(is_archived, NULL, WORK_MS));
    expect(txclient_put(tx, AT("a", "open"), txclient_str("1")), TXCLIENT_OK);
    expect(txclient_put(tx, AT("b", "open"), txclient_str("1")), TXCLIENT_OK);
    disk_fill(a, 4 * DISK_MIB);
    work_await_field(a, "refusing", "disk-full");
    assert_true(daemon_says(a, "disk space is below the reserve", 0));
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    assert_true(wait_until(says_why, beside, WORK_MS));
    assert_true(daemon_says(a, "the log is not kept for the archive any more", WORK_MS));
    disk_unfill(a);
    work_await_field(a, "refusing", "no");
    work_put_surely(client, "ab", "k", "after");
    assert_true(wait_until(is_archived, NULL, WORK_MS));
    work_await_field(a, "archive_failing_ms", "0");
    work_await_field(a, "archive_gaps", "0"); /* nothing was cut meanwhile */
    work_holds(client, "a", "open", "1");
    work_holds(client, "b", "open", "1");
}

#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(participant_with_reserve, test_participant_at_its_reserve),
        WITH(participant_with_reserve_mode_a, test_participant_at_its_reserve),
        WITH(coordinator_with_reserve, test_coordinator_at_its_reserve),
        WITH(coordinator_with_reserve_mode_a, test_coordinator_at_its_reserve),
        WITH(participant_without_reserve, test_participant_with_a_full_disk),
        WITH(participant_without_reserve_mode_a, test_participant_with_a_full_disk),
        WITH(coordinator_without_reserve, test_coordinator_with_a_full_disk),
        WITH(coordinator_without_reserve_mode_a, test_coordinator_with_a_full_disk),
        WITH(participant_without_reserve, test_start_on_a_full_disk),
        WITH(archive_on_a_disk_of_its_own, test_archive_with_a_full_disk),
        WITH(archive_on_the_disk_of_the_data, test_archive_at_the_reserve_of_the_data),
    };

    if (!disk_may_mount()) {
        printf("skipped: mounting a tmpfs is not permitted here (%s)\n", strerror(errno));
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
