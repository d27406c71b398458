/* The directory of a log. */
#include "txlog/log_dir.h"

#include "common/assert.h"
#include "txlog/log_head.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE     "LOCK.assent"
#define CREATING_FILE "CREATING"
#define DATABASE_FILE "CURRENT" /* every RocksDB database has it */

static enum tx_error fail(const struct log_dir *dir, const char *doing, struct tx_why *why)
{
    int reason = errno;
    enum tx_error error = TX_EIO;
    const char *remedy = "";
    if (reason == ENOENT) {
        error = TX_ENOTFOUND;
        remedy = "; check the path, and that the directories above it exist";
    } else if (reason == EACCES || reason == EPERM || reason == EROFS) {
        error = TX_EACCESS;
        remedy = "; check the owner and mode, and that the file system is mounted for writing";
    } else if (reason == ENOSPC || reason == EDQUOT) {
        error = TX_EFULL;
        remedy = "; free space on that file system and start again";
    } else if (reason == ENOTDIR) {
        error = TX_EINVAL;
        remedy = "; name a directory";
    }
    return tx_why(why, error, "%s: cannot %s: %s%s", dir->path, doing, strerror(reason), remedy);
}

/* What cannot be looked at is not taken for absent. */
static enum tx_error exists(const struct log_dir *dir, const char *name, bool *there,
                            struct tx_why *why)
{
    struct stat st;
    *there = fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    return *there || errno == ENOENT ? TX_OK : fail(dir, "look into the directory", why);
}

static bool is_ours(const char *name)
{
    static const char *const ours[] = {".", "..", LOCK_FILE, "lost+found"};
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (strcmp(name, ours[i]) == 0)
            return true;
    }
    return false;
}

/* Writes the name of something that a fresh directory would not hold; "" when there is nothing. */
static enum tx_error find_other(const struct log_dir *dir, char name[NAME_MAX + 1],
                                struct tx_why *why)
{
    int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    name[0] = '\0';
    if (entries == NULL) {
        enum tx_error error = fail(dir, "list the directory", why);
        if (fd >= 0)
            (void)close(fd);
        return error;
    }
    const struct dirent *entry;
    errno = 0;
    while (name[0] == '\0' && (entry = readdir(entries)) != NULL) {
        if (!is_ours(entry->d_name))
            (void)snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
        errno = 0;
    }
    enum tx_error error = errno == 0 ? TX_OK : fail(dir, "list the directory", why);
    (void)closedir(entries);
    return error;
}

static enum tx_error inspect(struct log_dir *dir, struct tx_why *why)
{
    bool head, database = false, creating = false;
    enum tx_error error = exists(dir, LOG_HEAD_FILE, &head, why);
    if (error == TX_OK)
        error = exists(dir, DATABASE_FILE, &database, why);
    if (error == TX_OK)
        error = exists(dir, CREATING_FILE, &creating, why);
    if (error != TX_OK)
        return error;
    if (creating) {
        dir->content = LOG_DIR_UNFINISHED;
        return TX_OK;
    }
    dir->content = LOG_DIR_LOG;
    if (head && database)
        return TX_OK;
    if (head)
        return tx_why(why, TX_ELOST,
                      "%s: there is a " LOG_HEAD_FILE " but no database: the log was removed; "
                      "restore the directory from a checkpoint",
                      dir->path);
    if (database)
        return tx_why(why, TX_ECORRUPT,
                      "%s: there is a database but no file " LOG_HEAD_FILE ", so nobody can tell "
                      "whether its end is missing; restore the directory from a checkpoint",
                      dir->path);
    char other[NAME_MAX + 1];
    error = find_other(dir, other, why);
    if (error == TX_OK && other[0] != '\0')
        return tx_why(why, TX_EINVAL,
                      "%s: holds other things (%s) and no log; name an empty or a new directory",
                      dir->path, other);
    dir->content = LOG_DIR_EMPTY;
    return error;
}

static enum tx_error make_directory(const struct log_dir *dir, struct tx_why *why)
{
    if (mkdir(dir->path, 0750) != 0)
        return errno == EEXIST ? TX_OK : fail(dir, "make the directory", why);
    char *path = strdup(dir->path);
    if (path == NULL)
        return tx_why(why, TX_ENOMEM, "%s: no memory", dir->path);
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        path[--len] = '\0';
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        slash[slash == path ? 1 : 0] = '\0';
    int fd = open(slash != NULL ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(path);
    bool synced = fd >= 0 && fsync(fd) == 0;
    enum tx_error error = synced ? TX_OK : fail(dir, "sync the directory above", why);
    if (fd >= 0)
        (void)close(fd);
    return error;
}

/* The process id in the lock file, when such a process is alive; 0 otherwise. */
static long holder(int lock_fd)
{
    char text[16] = {0};
    if (pread(lock_fd, text, sizeof(text) - 1, 0) <= 0)
        return 0;
    long pid = strtol(text, NULL, 10);
    bool alive = pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
    return alive ? pid : 0;
}

static enum tx_error busy(const struct log_dir *dir, struct tx_why *why)
{
    long pid = holder(dir->lock_fd);
    if (pid > 0)
        return tx_why(why, TX_EBUSY,
                      "%s: in use by process %ld; stop it first, or name another directory",
                      dir->path, pid);
    return tx_why(why, TX_EBUSY, "%s: in use by another process that reads it; wait until it ends",
                  dir->path);
}

/* In place and of one length, so that a full disk does not matter. */
static void write_pid(int lock_fd)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%-11ld\n", (long)getpid());
    if (len > 0 && pwrite(lock_fd, text, (size_t)len, 0) == len)
        return;
    if (ftruncate(lock_fd, 0) != 0)
        return; /* it is only told to people; the lock counts */
}

/* A directory without a lock file was never opened for writing (a checkpoint): nobody to
 * keep out. */
static enum tx_error lock(struct log_dir *dir, bool read_only, struct tx_why *why)
{
    int flags = read_only ? O_RDONLY : O_RDWR | O_CREAT;
    dir->lock_fd = openat(dir->fd, LOCK_FILE, flags | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (dir->lock_fd < 0 && read_only && errno == ENOENT)
        return TX_OK;
    if (dir->lock_fd < 0)
        return fail(dir, "open " LOCK_FILE, why);
    if (flock(dir->lock_fd, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? busy(dir, why) : fail(dir, "lock " LOCK_FILE, why);
    if (!read_only)
        write_pid(dir->lock_fd);
    return TX_OK;
}

static enum tx_error open_and_lock(struct log_dir *dir, bool read_only, struct tx_why *why)
{
    enum tx_error error = read_only ? TX_OK : make_directory(dir, why);
    if (error != TX_OK)
        return error;
    dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir->fd < 0)
        return fail(dir, "open the directory", why);
    if (!read_only && faccessat(dir->fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
        return fail(dir, "write in the directory", why);
    error = inspect(dir, why); /* not a single file into somebody else's directory */
    if (error == TX_OK)
        error = lock(dir, read_only, why);
    if (error == TX_OK)
        error = inspect(dir, why); /* nobody changes it from here on */
    if (error == TX_OK && read_only && dir->content != LOG_DIR_LOG)
        return tx_why(why, TX_ENOTFOUND, "%s: there is no log in this directory", dir->path);
    return error;
}

enum tx_error log_dir_open(const char *path, bool read_only, struct log_dir *dir,
                           struct tx_why *why)
{
    *dir = (struct log_dir){.path = path, .fd = -1, .lock_fd = -1};
    enum tx_error error = open_and_lock(dir, read_only, why);
    if (error != TX_OK)
        log_dir_close(dir);
    return error;
}

bool log_dir_was_used(const char *path)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool used = fd >= 0 && fstatat(fd, LOCK_FILE, &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (fd >= 0)
        (void)close(fd);
    return used;
}

/* The lock file stays: to remove it would let two processes lock two files of one name. */
void log_dir_close(struct log_dir *dir)
{
    if (dir->lock_fd >= 0)
        (void)close(dir->lock_fd);
    if (dir->fd >= 0)
        (void)close(dir->fd);
    dir->lock_fd = -1;
    dir->fd = -1;
}

enum tx_error log_dir_create_begin(struct log_dir *dir, struct tx_why *why)
{
    TX_ASSERT(dir->content != LOG_DIR_LOG);
    int fd = openat(dir->fd, CREATING_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return fail(dir, "create a file", why);
    (void)close(fd);
    return fsync(dir->fd) == 0 ? TX_OK : fail(dir, "sync the directory", why);
}

enum tx_error log_dir_create_end(struct log_dir *dir, struct tx_why *why)
{
    if (unlinkat(dir->fd, CREATING_FILE, 0) != 0 || fsync(dir->fd) != 0)
        return fail(dir, "finish creating the log", why);
    dir->content = LOG_DIR_LOG;
    return TX_OK;
}
