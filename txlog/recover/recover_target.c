/* The directory that a replay builds. */
#include "txlog/recover/recover_target.h"

#include "txlog/rocksdb_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static int cannot(const char *path, const char *doing)
{
    return recover_complain(EX_CANTCREAT, "%s: cannot %s: %s", path, doing, strerror(errno));
}

/* The directory above, in memory of the caller's. */
static char *parent_of(const char *path)
{
    char *parent = strdup(path);
    if (parent == NULL)
        return NULL;
    char *slash = strrchr(parent, '/');
    if (slash == NULL)
        (void)snprintf(parent, strlen(parent) + 1, ".");
    else
        slash[slash == parent ? 1 : 0] = '\0';
    return parent;
}

/* Is `path`, which exists, the directory or below it? */
static bool lies_in(const char *path, const char *directory)
{
    char inner[PATH_MAX], outer[PATH_MAX];
    if (realpath(path, inner) == NULL || realpath(directory, outer) == NULL)
        return false;
    size_t len = strlen(outer);
    return strncmp(inner, outer, len) == 0 && (inner[len] == '/' || inner[len] == '\0');
}

/* Nothing, or an empty directory. */
static int check_free(const char *path)
{
    DIR *entries = opendir(path);
    if (entries == NULL)
        return errno == ENOENT ? 0 : cannot(path, "use it as a new directory");
    const struct dirent *entry;
    bool empty = true;
    while (empty && (entry = readdir(entries)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    (void)closedir(entries);
    if (empty)
        return 0;
    return recover_complain(EX_CANTCREAT, "%s: is not empty; name a new or an empty directory",
                            path);
}

static int check_place(const struct recover_target *target, const struct recover_source *source)
{
    char *parent = parent_of(target->path);
    if (parent == NULL)
        return recover_complain(EX_OSERR, "out of memory");
    int status = 0;
    if (access(parent, W_OK | X_OK) != 0)
        status = cannot(parent, "make a directory there");
    else if (lies_in(parent, source->directory))
        status = recover_complain(EX_CANTCREAT,
                                  "%s: lies in %s, in which nothing is changed; name another "
                                  "directory",
                                  target->path, source->directory);
    free(parent);
    return status == 0 ? check_free(target->path) : status;
}

static int name_paths(struct recover_target *target, const char *path)
{
    static const char suffix[] = ".incomplete";
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    target->path = strndup(path, len);
    target->build = malloc(len + sizeof(suffix));
    if (target->path == NULL || target->build == NULL)
        return recover_complain(EX_OSERR, "out of memory");
    memcpy(target->build, target->path, len);
    memcpy(target->build + len, suffix, sizeof(suffix));
    return 0;
}

static int make_log(struct recover_target *target, const struct recover_source *source)
{
    struct rocksdb_log_options options = {
        .directory = target->build,
        .mode = ROCKSDB_LOG_OPEN,
        .identity = source->identity,
        .begins_after = {txlog_first(source->log).n - 1},
    };
    struct tx_why why;
    if (mkdir(target->build, 0750) != 0) {
        if (errno != EEXIST)
            return cannot(target->build, "make the directory");
        return recover_complain(EX_CANTCREAT,
                                "%s: is left of a replay that did not end; remove it first",
                                target->build);
    }
    target->made = true;
    if (rocksdb_log_open(&options, &target->log, &why) != TX_OK)
        return recover_complain(EX_CANTCREAT, "%s", why.text);
    return 0;
}

int recover_target_open(struct recover_target *target, const char *path,
                        const struct recover_source *source)
{
    *target = (struct recover_target){0};
    int status = name_paths(target, path);
    if (status == 0)
        status = check_place(target, source);
    return status == 0 ? make_log(target, source) : status;
}

static bool sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    return synced;
}

int recover_target_finish(struct recover_target *target)
{
    txlog_close(&target->log);
    if (rename(target->build, target->path) != 0)
        return cannot(target->path, "give the directory its name");
    target->made = false;
    char *parent = parent_of(target->path);
    bool synced = parent != NULL && sync_directory(parent);
    free(parent);
    if (!synced)
        return recover_complain(EX_IOERR, "%s: cannot sync the directory above", target->path);
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void recover_target_close(struct recover_target *target)
{
    if (target->log != NULL)
        txlog_close(&target->log);
    if (target->made && nftw(target->build, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        (void)recover_complain(0, "%s: cannot be removed: %s", target->build, strerror(errno));
    free(target->path);
    free(target->build);
    *target = (struct recover_target){0};
}
