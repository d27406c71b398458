/* Backups that do not end, and backups that are damaged: what is left of the former is cleared
 * away, and every changed byte of the latter is found. */
#include "tests/integration/backup_case.h"
#include "tests/integration/mutation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];

static int two_participants(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    work_start();
    backup_accounts();
    return 0;
}

/* A backup takes hours, however slow the machine is: it is under way until somebody ends it. */
static int slow_participants(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    daemon_set(&cluster, a, "backup", "rate = 16");
    work_start();
    backup_accounts();
    return 0;
}

/* ---- helpers ---- */

static int txctl_backup(const char *word, const char *second, const char *third)
{
    return run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err, "txctl",
                       "--config", cluster.client_config, "backup", word, second, third, NULL);
}

static void expect_txctl(int status, int wanted, const char *text)
{
    if (status != wanted || (text != NULL && strstr(backup_err, text) == NULL))
        fail_msg("txctl backup: status %d, and not %d with '%s': %s%s", status, wanted,
                 text != NULL ? text : "", backup_out, backup_err);
}

static void path_in(char *out, size_t size, const char *directory, const char *name)
{
    assert_true(snprintf(out, size, "%s/%s", directory, name) < (int)size);
}

/* How many entries there are. */
static size_t count_in(const char *directory)
{
    DIR *entries = opendir(directory);
    const struct dirent *entry;
    size_t n = 0;

    assert_non_null(entries);
    while ((entry = readdir(entries)) != NULL)
        n += entry->d_name[0] != '.' || strncmp(entry->d_name, ".tmp", 4) == 0;
    closedir(entries);
    return n;
}

static size_t count_below(const char *part)
{
    char path[2 * CLUSTER_PATH];

    path_in(path, sizeof path, backup_repository(), part);
    return count_in(path);
}

static bool staging_is_there(const struct daemon *daemon)
{
    char path[2 * CLUSTER_PATH];

    path_in(path, sizeof path, daemon->data, "backup.staging");
    return access(path, F_OK) == 0;
}

static bool a_is_copying(void *arg)
{
    (void)arg;
    return staging_is_there(a);
}

static bool a_has_given_up(void *arg)
{
    (void)arg;
    return !staging_is_there(a);
}

/* txctl, begun and left to itself. */
static pid_t begin_backup(const char *patience)
{
    char program[2 * CLUSTER_PATH], into[2 * CLUSTER_PATH];

    path_in(program, sizeof program, ASSENT_BIN_DIR, "txctl");
    path_in(into, sizeof into, cluster.directory, "backups");
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);

        (void)dup2(null, STDERR_FILENO);
        execl(program, "txctl", "--config", cluster.client_config, "backup", "--into", into,
              "--patience", patience, (char *)NULL);
        _exit(EX_OSERR);
    }
    if (!wait_until(a_is_copying, NULL, WORK_MS))
        fail_msg("the backup does not begin");
    return pid;
}

static int await_end(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* ---- what does not end ---- */

/* Each daemon gives up in its own time, and is at work in the old one until then. */
static bool new_backup_is_taken(void *arg)
{
    (void)arg;
    const int status = txctl_backup("--into", backup_repository(), NULL);
    expect_txctl(status, status == 0 ? 0 : EX_UNAVAILABLE, status == 0 ? NULL : "is under way");
    return status == 0;
}

static void test_txctl_killed(void **state)
{
    (void)state;
    pid_t pid = begin_backup("10"); /* longer than a busy machine keeps txctl from asking */

    expect_txctl(txctl_backup("--into", backup_repository(), NULL), EX_UNAVAILABLE,
                 "another backup");
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_true(WIFSIGNALED(await_end(pid)));
    assert_int_equal(count_below("backups"), 1);
    expect_txctl(txctl_backup("list", backup_repository(), NULL), 0, NULL);
    assert_null(strchr(backup_out, 'Z')); /* it does not exist */
    if (!wait_until(a_has_given_up, NULL, WORK_MS))
        fail_msg("the daemon does not give up");
    assert_true(daemon_says(a, "the backup was given up", WORK_MS));
    daemon_stop(a);
    a->settings[0] = '\0';
    daemon_set(&cluster, a, "backup", "rate = 0");
    daemon_start(a);
    work_await_all_up(coordinator);
    if (!wait_until(new_backup_is_taken, NULL, WORK_MS))
        fail_msg("there is no end of the backup: %s", backup_err);
    assert_int_equal(count_below("backups"), 1);
    expect_txctl(txctl_backup("verify", backup_repository(), NULL), 0, NULL);
}

static void test_daemon_killed(void **state)
{
    (void)state;
    pid_t pid = begin_backup("30");

    daemon_kill(a);
    int status = await_end(pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
    assert_int_equal(count_below("backups"), 0);
    assert_true(staging_is_there(a));
    daemon_start(a);
    assert_false(staging_is_there(a));
    work_await_all_up(coordinator);
    work_put_surely(client, "ab", "k", "v");
}

static void test_daemon_stops_in_the_middle(void **state)
{
    (void)state;
    pid_t pid = begin_backup("30");

    daemon_stop(a); /* does not wait for the backup */
    int status = await_end(pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
    assert_false(staging_is_there(a));
}

/* ---- what cannot be written ---- */

static void test_places_that_cannot_be_used(void **state)
{
    (void)state;
    expect_txctl(txctl_backup("--into", cluster.directory, NULL), EX_USAGE, "holds other things");
    expect_txctl(txctl_backup("--into", "/proc/nothing", NULL), EX_NOINPUT, "/proc/nothing");
    expect_txctl(txctl_backup("list", "/nowhere", NULL), EX_NOINPUT, "no repository");
    expect_txctl(txctl_backup("keep", backup_repository(), "0"), EX_USAGE, "at least 1");
    expect_txctl(txctl_backup("sweep", backup_repository(), NULL), EX_USAGE, "list, verify");
    backup_take(NULL, NULL);
    expect_txctl(txctl_backup("verify", backup_repository(), "yesterday"), EX_NOINPUT, "yesterday");
}

static void becomes_other(struct daemon *daemon)
{
    daemon_stop(daemon);
    directory_remove(daemon->data);
    assert_int_equal(run_program(NULL, 0, NULL, 0, "/bin/sed", "-i",
                                 "s/^cluster = test$/cluster = other/", daemon->config, NULL),
                     0);
}

/* Two clusters in one repository would remove one another's backups. */
static void test_repository_of_another_cluster(void **state)
{
    char name[64];

    (void)state;
    backup_take(NULL, name);
    becomes_other(coordinator);
    becomes_other(a);
    becomes_other(&cluster.participants[1]);
    cluster_start(&cluster);
    expect_txctl(run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err, "txctl",
                             "--cluster=other", "--coordinator", coordinator->address, "backup",
                             "--into", backup_repository(), NULL),
                 EX_USAGE, "holds backups of the cluster test, and this is other");
    assert_int_equal(count_below("backups"), 1);
    expect_txctl(txctl_backup("verify", backup_repository(), name), 0, NULL);
}

/* Whatever this process mounts from now on is seen by it and its children alone. */
static bool mounting;

static bool may_mount(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void put_much(unsigned long seed)
{
    static char value[400000];
    txclient_batch *batch = txclient_batch_new();
    char key[32];

    (void)snprintf(key, sizeof key, "big%lu", seed);
    for (size_t i = 0; i < sizeof value; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        value[i] = (char)(seed >> 56);
    }
    txclient_batch_put(batch, AT("a", key), txclient_data(value, sizeof value));
    expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_OK);
    txclient_batch_free(&batch);
}

/* But for a little, which is less than a has put: whatever the pages of the machine have made of
 * the blobs that are there. */
static void fill_up(const char *path)
{
    FILE *file = fopen(path, "w");
    struct statvfs disk;

    assert_non_null(file);
    assert_int_equal(statvfs(backup_repository(), &disk), 0);
    for (long long left = (long long)(disk.f_bavail * disk.f_frsize) - (1 << 20); left > 0; left--)
        assert_true(fputc('x', file) != EOF);
    assert_int_equal(fclose(file), 0);
}

/* Of the repository: the daemon's own disk is another one. */
static void test_full_disk(void **state)
{
    char first[64], filler[2 * CLUSTER_PATH];

    (void)state;
    path_in(filler, sizeof filler, backup_repository(), "filler");
    if (!mounting) {
        print_message("mounting a tmpfs is not permitted here\n");
        skip();
    }
    assert_int_equal(mkdir(backup_repository(), 0750), 0);
    assert_int_equal(mount("tmpfs", backup_repository(), "tmpfs", 0, "size=16m"), 0);
    backup_take(NULL, first);
    for (unsigned long i = 1; i < 8; i++)
        put_much(i);
    fill_up(filler);
    /* Named is the first one that finds no room while a takes what there is. */
    expect_txctl(txctl_backup("--into", backup_repository(), NULL), EX_IOERR, NULL);
    if (strstr(backup_err, "participant-a: ") == NULL &&
        strstr(backup_err, "participant-b: ") == NULL &&
        strstr(backup_err, "coordinator-1: ") == NULL)
        fail_msg("who has no room is not said: %s", backup_err);
    if (strstr(backup_err, "free space on that file system") == NULL ||
        strstr(backup_err, backup_repository()) == NULL)
        fail_msg("what is full is not said: %s", backup_err);
    assert_true(wait_until(a_has_given_up, NULL, WORK_MS));
    expect_txctl(txctl_backup("verify", backup_repository(), NULL), 0, NULL);
    expect_txctl(txctl_backup("list", backup_repository(), NULL), 0, NULL);
    assert_non_null(strstr(backup_out, first));
    assert_int_equal(count_below("backups"), 1);
    work_put_surely(client, "ab", "k", "v");
    expect_txctl(txctl_backup("keep", backup_repository(), "1"), 0, NULL);
    assert_int_equal(unlink(filler), 0);
    backup_take(NULL, NULL);
    expect_txctl(txctl_backup("verify", backup_repository(), NULL), 0, NULL);
}

static int teardown(void **state)
{
    if (mounting)
        (void)umount2(backup_repository(), MNT_DETACH);
    return work_teardown(state);
}

/* ---- retention ---- */

static void test_keep(void **state)
{
    char newest[64];

    (void)state;
    for (char value[] = "0"; value[0] < '4'; value[0]++) {
        work_put_surely(client, "ab", "k", value);
        backup_take(NULL, newest);
    }
    size_t blobs = count_below("blobs");
    assert_int_equal(count_below("backups"), 4);
    expect_txctl(txctl_backup("keep", backup_repository(), "2"), 0, NULL);
    assert_int_equal(count_below("backups"), 2);
    assert_true(count_below("blobs") < blobs);
    expect_txctl(txctl_backup("verify", backup_repository(), NULL), 0, NULL);
    expect_txctl(txctl_backup("list", backup_repository(), NULL), 0, NULL);
    assert_non_null(strstr(backup_out, newest));
    work_put_surely(client, "ab", "k", "later");
    backup_bring_back();
    work_holds(client, "a", "k", "3");
    work_holds(client, "b", "k", "3");
}

/* ---- damage ---- */

static void expect_found(const char *path)
{
    char into[2 * CLUSTER_PATH];

    path_in(into, sizeof into, cluster.directory, "into");
    if (txctl_backup("verify", backup_repository(), NULL) != EX_DATAERR)
        fail_msg("%s: verify does not find the damage: %s%s", path, backup_out, backup_err);
    int status = run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err,
                             "txrecover", "restore", backup_repository(), "--into", into, NULL);
    if (status != EX_DATAERR)
        fail_msg("%s: restore gives %d: %s%s", path, status, backup_out, backup_err);
    assert_int_equal(run_program(NULL, 0, NULL, 0, "/bin/rm", "-rf", into, NULL), 0);
}

static void damage_file(const char *path)
{
    long size = file_size(path);
    const long places[] = {0, size / 2, size - 1};

    assert_true(size > 0);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        file_flip(path, places[i]);
        expect_found(path);
        file_flip(path, places[i]);
    }
    char aside[3 * CLUSTER_PATH];
    assert_true(snprintf(aside, sizeof aside, "%s.aside", path) < (int)sizeof aside);
    if (strstr(path, "MANIFEST") != NULL)
        return; /* without it the backup does not exist */
    assert_int_equal(rename(path, aside), 0);
    if (txctl_backup("verify", backup_repository(), NULL) != EX_DATAERR)
        fail_msg("%s: verify does not miss it: %s%s", path, backup_out, backup_err);
    assert_int_equal(rename(aside, path), 0);
}

/* Listed before: what is renamed in a directory that is being read may come again, for ever. */
static void damage_all_in(const char *directory)
{
    struct dirent **entries;
    const int found = scandir(directory, &entries, NULL, alphasort);
    size_t n = 0;

    assert_true(found > 0);
    for (int i = 0; i < found; i++) {
        char path[4 * CLUSTER_PATH];

        if (entries[i]->d_name[0] != '.') {
            path_in(path, sizeof path, directory, entries[i]->d_name);
            damage_file(path);
            n++;
        }
        free(entries[i]);
    }
    free(entries);
    assert_true(n > 3);
}

static void test_damage_is_found(void **state)
{
    char name[64], path[3 * CLUSTER_PATH], inner[2 * CLUSTER_PATH];

    (void)state;
    backup_take(NULL, name);
    path_in(inner, sizeof inner, backup_repository(), "backups");
    path_in(path, sizeof path, inner, name);
    damage_all_in(path);
    path_in(path, sizeof path, backup_repository(), "blobs");
    damage_all_in(path);
    expect_txctl(txctl_backup("verify", backup_repository(), NULL), 0, NULL);
}

int main(void)
{
#define WITH(test, setup) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH(test_txctl_killed, slow_participants),
        WITH(test_daemon_killed, slow_participants),
        WITH(test_daemon_stops_in_the_middle, slow_participants),
        WITH(test_places_that_cannot_be_used, two_participants),
        WITH(test_repository_of_another_cluster, two_participants),
        WITH(test_full_disk, two_participants),
        WITH(test_keep, two_participants),
        WITH(test_damage_is_found, two_participants),
    };

    mounting = may_mount();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
