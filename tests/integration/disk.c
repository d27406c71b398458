#include "tests/integration/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

#define DISK "size=96m" /* RocksDB takes some 40 MB of it in advance */

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return written;
}

bool disk_may_mount(void)
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

void disk_give(const struct daemon *daemon)
{
    assert_int_equal(mkdir(daemon->data, 0700), 0);
    if (mount("tmpfs", daemon->data, "tmpfs", 0, DISK) != 0)
        fail_msg("%s: cannot mount a tmpfs: %s", daemon->data, strerror(errno));
}

void disk_take(const struct daemon *daemon)
{
    if (daemon->data[0] != '\0')
        (void)umount2(daemon->data, MNT_DETACH);
}

static void filler_path(const struct daemon *daemon, char *path, size_t size)
{
    assert_true(snprintf(path, size, "%s/filler", daemon->data) < (int)size);
}

void disk_fill(const struct daemon *daemon, size_t leave)
{
    static const char block[DISK_MIB];
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

void disk_return_preallocated(const struct daemon *daemon, off_t leave)
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

void disk_unfill(const struct daemon *daemon)
{
    char path[CLUSTER_PATH + 16];

    filler_path(daemon, path, sizeof path);
    assert_int_equal(unlink(path), 0);
}
