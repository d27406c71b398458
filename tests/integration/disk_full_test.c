/* Full disks, on small file systems of their own, whoever decides the commits. At the reserve a
 * daemon takes nothing new and finishes what is open; at a disk that is really full it stops, and
 * has everything that it has acknowledged when there is space again. */
#include "tests/integration/work.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#define DISK    "size=96m" /* RocksDB takes some 40 MB of it in advance */
#define RESERVE "disk_reserve = 8M"
#define MIB     (1024 * 1024)

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];

/* ---- file systems ---- */

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return written;
}

/* Whatever this process mounts from now on is seen by it and its children alone, and goes with
 * them. Without privilege it needs a user namespace of its own. */
static bool may_mount(void)
{
    uid_t uid = getuid();
    gid_t gid = getgid();
    char map[64];

    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return false;
        snprintf(map, sizeof map, "%u %u 1", (unsigned)uid, (unsigned)uid);
        if (!write_text("/proc/self/uid_map", map) || !write_text("/proc/self/setgroups", "deny"))
            return false;
        snprintf(map, sizeof map, "%u %u 1", (unsigned)gid, (unsigned)gid);
        if (!write_text("/proc/self/gid_map", map))
            return false;
    }
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void give_disk(const struct daemon *daemon)
{
    assert_int_equal(mkdir(daemon->data, 0700), 0);
    if (mount("tmpfs", daemon->data, "tmpfs", 0, DISK) != 0)
        fail_msg("%s: cannot mount a tmpfs: %s", daemon->data, strerror(errno));
}

static void take_disk(const struct daemon *daemon)
{
    if (daemon->data[0] != '\0')
        (void)umount2(daemon->data, MNT_DETACH);
}

static void filler_path(const struct daemon *daemon, char *path, size_t size)
{
    assert_true(snprintf(path, size, "%s/filler", daemon->data) < (int)size);
}

/* Writes a file until at most `leave` bytes are free. */
static void fill(const struct daemon *daemon, size_t leave)
{
    static const char block[MIB];
    char path[CLUSTER_PATH + 16];
    struct statvfs stat;
    ssize_t n = 1;
    int fd;

    filler_path(daemon, path, sizeof path);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    for (size_t piece = sizeof block; piece > 0; piece /= 2) {
        for (;;) {
            assert_int_equal(statvfs(daemon->data, &stat), 0);
            if ((size_t)stat.f_bavail * stat.f_frsize < leave + piece)
                break;
            n = write(fd, block, piece);
            if (n < (ssize_t)piece)
                break;
        }
    }
    close(fd);
}

/* Gives back what RocksDB has taken in advance for its write-ahead files, but for the next `leave`
 * bytes: records that are small would take for ever to fill it. */
static void return_preallocated(const struct daemon *daemon, off_t leave)
{
    const off_t page = 4096, far = (off_t)1 << 30;
    char pattern[CLUSTER_PATH + 16];
    glob_t found;

    assert_true(snprintf(pattern, sizeof pattern, "%s/*.log", daemon->data) < (int)sizeof pattern);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        int fd = open(found.gl_pathv[i], O_WRONLY | O_CLOEXEC);
        off_t from = (off_t)file_size(found.gl_pathv[i]) + leave;

        assert_true(fd >= 0);
        from += page - from % page;
        assert_int_equal(
            fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, far - from), 0);
        close(fd);
    }
    globfree(&found);
}

static void unfill(const struct daemon *daemon)
{
    char path[CLUSTER_PATH + 16];

    filler_path(daemon, path, sizeof path);
    assert_int_equal(unlink(path), 0);
}

/* ---- setups ---- */

static int prepare(const char *reserve, bool at_coordinator, const char *mode)
{
    struct daemon *daemon = at_coordinator ? coordinator : a;

    cluster_init(&cluster, 2, false);
    give_disk(daemon);
    daemon_set(&cluster, daemon, "storage", reserve);
    daemon_set(&cluster, coordinator, "node", mode);
    cluster_start(&cluster);
    work_await_all_up(coordinator);
    client = work_client(coordinator);
    work_put_surely(client, "ab", "k", "before");
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

static int teardown(void **state)
{
    take_disk(a);
    take_disk(coordinator);
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
    fill(a, 4 * MIB);
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
    unfill(a);
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
    fill(coordinator, 4 * MIB);
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
    unfill(coordinator);
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

    return_preallocated(daemon, (off_t)4 * (off_t)bytes + 16384);
    fill(daemon, 0);
    rounds = write_until_stopped(daemon, bytes, &status);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EX_IOERR);
    assert_true(daemon_says(daemon, "No space left on device", 0));
    assert_true(daemon_says(daemon, daemon->data, 0));
    assert_true(daemon_says(daemon, "free space on that file system and start again", 0));
    unfill(daemon);
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
    fill(a, 0);
    for (int i = 0; i < 2; i++) {
        daemon_spawn(a, NULL);
        assert_true(daemon_wait(a, WORK_MS, &status));
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), EX_IOERR);
        assert_true(daemon_says(a, a->data, 0));
        assert_true(daemon_says(a, "free space on that file system and start again", 0));
    }
    unfill(a);
    daemon_start(a);
    work_holds(client, "a", "k", "before");
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
    };

    if (!may_mount()) {
        printf("skipped: mounting a tmpfs is not permitted here (%s)\n", strerror(errno));
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
