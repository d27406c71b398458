/* Files of a backup. */
#include "txlog/backup/backup_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum tx_error backup_fail(const char *path, const char *doing, struct tx_why *why)
{
    int reason = errno;
    enum tx_error error = TX_EIO;
    const char *remedy = "";
    if (reason == ENOENT || reason == ENOTDIR) {
        error = TX_ENOTFOUND;
        remedy = "; check the path, as this machine sees it";
    } else if (reason == EACCES || reason == EPERM || reason == EROFS) {
        error = TX_EACCESS;
        remedy = "; check the owner and mode, for the user that this program runs as";
    } else if (reason == ENOSPC || reason == EDQUOT) {
        error = TX_EFULL;
        remedy = "; free space on that file system";
    } else if (reason == EEXIST) {
        error = TX_EEXIST;
    }
    return tx_why(why, error, "%.300s: cannot %s: %s%s", path, doing, strerrordesc_np(reason),
                  remedy);
}

enum tx_error backup_path(char *out, size_t out_size, const char *directory, const char *name,
                          struct tx_why *why)
{
    int len = snprintf(out, out_size, "%s/%s", directory, name);
    if (len >= 0 && (size_t)len < out_size)
        return TX_OK;
    return tx_why(why, TX_ELIMIT, "%.200s/%.100s: the path is too long", directory, name);
}

bool backup_write_all(int fd, struct tx_bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.data, bytes.len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            bytes = tx_bytes(bytes.data + n, bytes.len - (size_t)n);
    }
    return true;
}

void backup_write_back(int fd, uint64_t from)
{
    /* That it may be slower without is all that an error means. */
    (void)sync_file_range(fd, (off_t)from, 0,
                          SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                              SYNC_FILE_RANGE_WAIT_AFTER);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

enum tx_error backup_file_read(const char *path, struct tx_buf *out, struct tx_why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return backup_fail(path, "open it", why);
    char piece[65536];
    ssize_t n;
    tx_buf_clear(out);
    while ((n = read(fd, piece, sizeof(piece))) > 0)
        tx_buf_append(out, tx_bytes(piece, (size_t)n));
    enum tx_error error = n < 0 ? backup_fail(path, "read it", why) : TX_OK;
    (void)close(fd);
    if (error == TX_OK && out->failed)
        return tx_why(why, TX_ENOMEM, "%s: no memory to read it", path);
    return error;
}

enum tx_error backup_directory_sync(const char *path, struct tx_why *why)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return backup_fail(path, "open the directory", why);
    enum tx_error error = fsync(fd) == 0 ? TX_OK : backup_fail(path, "sync the directory", why);
    (void)close(fd);
    return error;
}

static enum tx_error write_synced(const char *path, struct tx_bytes bytes, struct tx_why *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return backup_fail(path, "create it", why);
    enum tx_error error = TX_OK;
    if (!backup_write_all(fd, bytes) || fsync(fd) != 0)
        error = backup_fail(path, "write it", why);
    if (close(fd) != 0 && error == TX_OK)
        error = backup_fail(path, "write it", why);
    return error;
}

enum tx_error backup_file_write(const char *directory, const char *name, struct tx_bytes bytes,
                                struct tx_why *why)
{
    char path[PATH_MAX], temporary[PATH_MAX + 8];
    enum tx_error error = backup_path(path, sizeof(path), directory, name, why);
    if (error != TX_OK)
        return error;
    (void)snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    error = write_synced(temporary, bytes, why);
    if (error == TX_OK && rename(temporary, path) != 0)
        error = backup_fail(path, "give it its name", why);
    if (error != TX_OK) {
        (void)unlink(temporary);
        return error;
    }
    return backup_directory_sync(directory, why);
}

enum tx_error backup_directory_make(const char *path, struct tx_why *why)
{
    if (mkdir(path, 0750) == 0 || errno == EEXIST)
        return TX_OK;
    return backup_fail(path, "make the directory", why);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

enum tx_error backup_directory_remove(const char *path, struct tx_why *why)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
        return TX_OK;
    return backup_fail(path, "remove it", why);
}

enum tx_error backup_directory_each(const char *path,
                                    enum tx_error (*visit)(void *arg, const char *name), void *arg,
                                    struct tx_why *why)
{
    DIR *entries = opendir(path);
    if (entries == NULL)
        return backup_fail(path, "list the directory", why);
    enum tx_error error = TX_OK;
    const struct dirent *entry;
    errno = 0;
    while (error == TX_OK && (entry = readdir(entries)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            error = visit(arg, entry->d_name);
        errno = 0;
    }
    if (error == TX_OK && errno != 0)
        error = backup_fail(path, "list the directory", why);
    (void)closedir(entries);
    return error;
}
