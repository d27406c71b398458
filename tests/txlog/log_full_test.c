/* A full disk: a small tmpfs in a mount namespace of the child's own. The process must survive
 * (RocksDB's info log aborts it when it may write), the failure must stick, and all that was synced
 * must be there once there is room again. */
#include "log_fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CANNOT_MOUNT = 77 };

/* Takes all the space but `left` bytes. */
static void fill(const char *mountpoint, size_t left)
{
    static const char page[4096];
    char path[512];
    struct statvfs disk;
    (void)snprintf(path, sizeof(path), "%s/ballast", mountpoint);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    while (statvfs(mountpoint, &disk) == 0 && disk.f_bavail * disk.f_bsize > left) {
        if (write(fd, page, sizeof(page)) != (ssize_t)sizeof(page))
            break;
    }
    (void)close(fd);
}

static int expect_sticky(struct txlog *log, struct tx_why *why)
{
    struct tx_why again;
    for (int i = 0; i < 3; i++) {
        if (fixture_append(log, 1, 100, true, &again) != TX_EFULL ||
            strcmp(again.text, why->text) != 0)
            return 0;
    }
    return 1;
}

static int on_a_small_disk(const char *mountpoint)
{
    char dir[512], ballast[512];
    struct txlog *log;
    struct tx_why why = {{0}};
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", mountpoint, "tmpfs", 0, "size=32m") != 0)
        return CANNOT_MOUNT;
    (void)snprintf(dir, sizeof(dir), "%s/log", mountpoint);
    (void)snprintf(ballast, sizeof(ballast), "%s/ballast", mountpoint);
    if (fixture_try(dir, ROCKSDB_LOG_OPEN, &log, &why) != TX_OK)
        return 2;
    fill(mountpoint, (size_t)3 << 20);
    enum tx_error error;
    while ((error = fixture_append(log, 1, 20000, true, &why)) == TX_OK)
        continue;
    uint64_t synced = txlog_last(log).n;
    if (error != TX_EFULL || strstr(why.text, "free space") == NULL || synced == 0)
        return 3;
    (void)unlink(ballast);
    if (!expect_sticky(log, &why)) /* even with space: what failed may be on disk */
        return 4;
    txlog_close(&log);
    fill(mountpoint, 0);
    error = fixture_try(dir, ROCKSDB_LOG_OPEN, &log, &why);
    if (error == TX_OK)
        txlog_close(&log);
    else if (error != TX_EFULL)
        return 5;
    (void)unlink(ballast);
    if (fixture_try(dir, ROCKSDB_LOG_OPEN, &log, &why) != TX_OK)
        return 6;
    if (txlog_last(log).n < synced || fixture_append(log, 1, 100, true, &why) != TX_OK)
        return 7;
    txlog_close(&log);
    return 0;
}

static void a_full_disk(void **state)
{
    (void)state;
    char *place = fixture_new();
    const char *const arguments[] = {"small-disk", place, NULL};
    int out;
    int status = fixture_wait(fixture_child(arguments, &out));
    (void)close(out);
    fixture_remove(place);
    if (!WIFEXITED(status))
        fail_msg("the process died of signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) == CANNOT_MOUNT) {
        print_message("skipped: mounting a tmpfs is not permitted here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "small-disk") == 0)
        return on_a_small_disk(argv[2]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_full_disk)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
