/* A repository of backups: opening it, and what is in it. */
#include "txlog/backup/backup_repo.h"

#include "txlog/backup/backup_blob.h"
#include "txlog/backup/backup_files.h"
#include "txlog/backup/backup_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_FILE "LOCK"

/* ---- opening ---- */

static const struct backup_format format = {
    .text = "assent backups 1\n", .what = "repository of backups", .content = "backups"};

/* A new or empty directory becomes a repository. */
static enum tx_error create(const char *path, struct tx_why *why)
{
    static const char *const parts[] = {"blobs", "backups"};
    char inner[PATH_MAX];
    enum tx_error error = backup_format_claim(&format, path, why);
    for (size_t i = 0; error == TX_OK && i < 2; i++) {
        error = backup_path(inner, sizeof(inner), path, parts[i], why);
        if (error == TX_OK)
            error = backup_directory_make(inner, why);
    }
    return error == TX_OK
               ? backup_file_write(path, BACKUP_FORMAT_FILE, tx_bytes_str(format.text), why)
               : error;
}

static enum tx_error ready(const char *path, enum backup_repo_mode mode, struct tx_why *why)
{
    enum tx_error error = backup_format_check(&format, path, why);
    if (error != TX_ENOTFOUND)
        return error;
    if (mode == BACKUP_REPO_CREATE)
        return create(path, why);
    return tx_why(why, TX_ENOTFOUND, "%.300s: there is no repository of backups", path);
}

/* Where nothing can be written, nobody can change anything beneath a reader either. */
static enum tx_error lock(struct backup_repo *repo, enum backup_repo_mode mode, struct tx_why *why)
{
    char file[PATH_MAX];
    bool read = mode == BACKUP_REPO_READ;
    enum tx_error error = backup_path(file, sizeof(file), repo->path, LOCK_FILE, why);
    if (error != TX_OK)
        return error;
    repo->lock_fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0660);
    if (repo->lock_fd < 0 && read && (errno == EROFS || errno == EACCES)) {
        repo->lock_fd = open(file, O_RDONLY | O_CLOEXEC);
        if (repo->lock_fd < 0 && errno == ENOENT)
            return TX_OK;
    }
    if (repo->lock_fd < 0)
        return backup_fail(file, "open it", why);
    if (flock(repo->lock_fd, (read ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
        return TX_OK;
    if (errno != EWOULDBLOCK)
        return backup_fail(file, "lock it", why);
    return tx_why(why, TX_EBUSY,
                  "%.300s: another backup, restore or command is at work in it; wait until it ends",
                  repo->path);
}

enum tx_error backup_repo_open(struct backup_repo *repo, const char *path,
                               enum backup_repo_mode mode, struct tx_why *why)
{
    *repo = (struct backup_repo){.lock_fd = -1};
    enum tx_error error = ready(path, mode, why);
    char *real = error == TX_OK ? realpath(path, NULL) : NULL;
    if (error == TX_OK && real == NULL)
        error = backup_fail(path, "find it", why);
    if (error == TX_OK && strlen(real) >= sizeof(repo->path))
        error = tx_why(why, TX_ELIMIT, "%.300s: the path is too long", path);
    if (error == TX_OK)
        (void)snprintf(repo->path, sizeof(repo->path), "%s", real);
    free(real);
    return error == TX_OK ? lock(repo, mode, why) : error;
}

void backup_repo_close(struct backup_repo *repo)
{
    if (repo->lock_fd >= 0)
        (void)close(repo->lock_fd);
    repo->lock_fd = -1;
}

/* ---- what is there ---- */

/* DIR/backups/NAME, or a file in it. */
static enum tx_error inside(char *out, size_t out_size, const char *repository, const char *name,
                            const char *file, struct tx_why *why)
{
    char tail[BACKUP_NAME_MAX + BACKUP_NODE_MAX + 32];
    (void)snprintf(tail, sizeof(tail), "backups/%s%s%s", name, file[0] != '\0' ? "/" : "", file);
    return backup_path(out, out_size, repository, tail, why);
}

struct listing {
    const char *repository;
    struct backup_names names;
    bool unfinished; /* list those without a manifest, not those with one */
};

static enum tx_error list_one(void *arg, const char *name)
{
    struct listing *listing = arg;
    struct backup_names *names = &listing->names;
    char path[PATH_MAX];
    if (strlen(name) >= BACKUP_NAME_MAX ||
        inside(path, sizeof(path), listing->repository, name, BACKUP_MANIFEST_FILE, NULL) != TX_OK)
        return TX_OK;
    if ((access(path, F_OK) == 0) == listing->unfinished)
        return TX_OK;
    char(*items)[BACKUP_NAME_MAX] = reallocarray(names->items, names->n + 1, sizeof(*items));
    if (items == NULL)
        return TX_ENOMEM;
    names->items = items;
    (void)snprintf(items[names->n++], sizeof(*items), "%s", name);
    return TX_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static enum tx_error list(const char *repository, bool unfinished, struct backup_names *names,
                          struct tx_why *why)
{
    char path[PATH_MAX];
    struct listing listing = {.repository = repository, .unfinished = unfinished};
    *names = (struct backup_names){0};
    enum tx_error error = backup_path(path, sizeof(path), repository, "backups", why);
    if (error == TX_OK)
        error = backup_directory_each(path, list_one, &listing, why);
    if (error == TX_ENOMEM)
        error = tx_why(why, TX_ENOMEM, "%s: no memory to list the backups", repository);
    if (error != TX_OK) {
        backup_names_deinit(&listing.names);
        return error;
    }
    if (listing.names.n > 0)
        qsort(listing.names.items, listing.names.n, sizeof(*listing.names.items), compare_names);
    *names = listing.names;
    return TX_OK;
}

enum tx_error backup_repo_list(const struct backup_repo *repo, struct backup_names *names,
                               struct tx_why *why)
{
    return list(repo->path, false, names, why);
}

void backup_names_deinit(struct backup_names *names)
{
    free(names->items);
    *names = (struct backup_names){0};
}

static enum tx_error newest(const char *repository, char name[BACKUP_NAME_MAX], struct tx_why *why)
{
    struct backup_names names;
    enum tx_error error = list(repository, false, &names, why);
    if (error == TX_OK && names.n == 0)
        error = tx_why(why, TX_ENOTFOUND, "%.300s: there is no backup in it yet", repository);
    if (error == TX_OK)
        memcpy(name, names.items[names.n - 1], BACKUP_NAME_MAX);
    backup_names_deinit(&names);
    return error;
}

static enum tx_error read_manifest(const char *repository, const char *name,
                                   struct backup_manifest *manifest, struct tx_why *why)
{
    char path[PATH_MAX], found[BACKUP_NAME_MAX];
    struct tx_buf text = {0};
    enum tx_error error = TX_OK;
    *manifest = (struct backup_manifest){0};
    if (name == NULL || strcmp(name, "latest") == 0) {
        error = newest(repository, found, why);
        name = found;
    } else if (strlen(name) >= BACKUP_NAME_MAX || !backup_file_name_valid(name)) {
        return tx_why(why, TX_EINVAL, "\"%.64s\" is no name of a backup", name);
    }
    if (error == TX_OK)
        error = inside(path, sizeof(path), repository, name, BACKUP_MANIFEST_FILE, why);
    if (error == TX_OK && access(path, F_OK) != 0 && errno == ENOENT)
        return tx_why(why, TX_ENOTFOUND, "%.300s: there is no backup %s in it", repository, name);
    if (error == TX_OK)
        error = backup_file_read(path, &text, why);
    if (error == TX_OK)
        error = backup_manifest_decode(tx_buf_view(&text), path, manifest, why);
    if (error == TX_OK && strcmp(manifest->name, name) != 0) {
        error =
            tx_why(why, TX_ECORRUPT, "%.300s: is that of another backup, %s", path, manifest->name);
        backup_manifest_deinit(manifest);
    }
    tx_buf_deinit(&text);
    return error;
}

enum tx_error backup_repo_manifest(const struct backup_repo *repo, const char *name,
                                   struct backup_manifest *manifest, struct tx_why *why)
{
    return read_manifest(repo->path, name, manifest, why);
}

static enum tx_error node_path(char *out, size_t out_size, const char *repository, const char *name,
                               const char *label, struct tx_why *why)
{
    char file[BACKUP_NODE_MAX + 16];
    (void)snprintf(file, sizeof(file), "node-%s.json", label);
    return inside(out, out_size, repository, name, file, why);
}

static enum tx_error read_node(const char *repository, const struct backup_manifest *manifest,
                               const struct backup_member *member, struct backup_node *node,
                               struct tx_why *why)
{
    char path[PATH_MAX];
    struct tx_buf text = {0};
    *node = (struct backup_node){0};
    enum tx_error error =
        node_path(path, sizeof(path), repository, manifest->name, member->node, why);
    if (error == TX_OK)
        error = backup_file_read(path, &text, why);
    struct backup_digest digest = backup_digest_of(tx_buf_view(&text));
    if (error == TX_OK && !backup_digest_equal(&digest, &member->digest))
        error =
            tx_why(why, TX_ECORRUPT,
                   "%.300s: is damaged: it does not have the checksum that " BACKUP_MANIFEST_FILE
                   " has of it",
                   path);
    if (error == TX_OK)
        error = backup_node_decode(tx_buf_view(&text), path, node, why);
    tx_buf_deinit(&text);
    return error;
}

enum tx_error backup_repo_node(const struct backup_repo *repo,
                               const struct backup_manifest *manifest,
                               const struct backup_member *member, struct backup_node *node,
                               struct tx_why *why)
{
    return read_node(repo->path, manifest, member, node, why);
}

/* ---- a backup from its beginning to its end ---- */

static enum tx_error clean_temporary(void *arg, const char *name)
{
    char path[PATH_MAX];
    if (strncmp(name, BACKUP_BLOB_TEMPORARY, strlen(BACKUP_BLOB_TEMPORARY)) == 0 &&
        backup_path(path, sizeof(path), arg, name, NULL) == TX_OK)
        (void)unlink(path);
    return TX_OK;
}

enum tx_error backup_repo_clean(const struct backup_repo *repo, struct tx_why *why)
{
    char blobs[PATH_MAX];
    struct backup_names names;
    struct backup_sweep swept;
    enum tx_error error = list(repo->path, true, &names, why);
    for (size_t i = 0; error == TX_OK && i < names.n; i++)
        error = backup_repo_remove(repo, names.items[i], why);
    if (error == TX_OK)
        error = backup_path(blobs, sizeof(blobs), repo->path, "blobs", why);
    if (error == TX_OK)
        error = backup_directory_each(blobs, clean_temporary, blobs, why);
    if (error == TX_OK && names.n > 0)
        error = backup_repo_sweep(repo, &swept, why);
    backup_names_deinit(&names);
    return error;
}

enum tx_error backup_repo_begin(const struct backup_repo *repo, uint64_t now_ms,
                                char name[BACKUP_NAME_MAX], struct tx_why *why)
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm tm;
    char stamp[20], path[PATH_MAX];
    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", &tm) == 0)
        return tx_why(why, TX_EINVAL, "the clock shows no date");
    for (unsigned i = 1; i < 10000; i++) {
        char again[12] = "";
        if (i > 1)
            (void)snprintf(again, sizeof(again), "-%u", i);
        (void)snprintf(name, BACKUP_NAME_MAX, "%s.%03uZ%s", stamp, (unsigned)(now_ms % 1000),
                       again);
        enum tx_error error = inside(path, sizeof(path), repo->path, name, "", why);
        if (error != TX_OK)
            return error;
        if (mkdir(path, 0750) == 0) {
            error = inside(path, sizeof(path), repo->path, "", "", why);
            return error == TX_OK ? backup_directory_sync(path, why) : error;
        }
        if (errno != EEXIST)
            return backup_fail(path, "make the directory", why);
    }
    return tx_why(why, TX_EEXIST, "%.300s: there are backups of this moment enough", repo->path);
}

enum tx_error backup_repo_take(const struct backup_repo *repo, struct backup_manifest *manifest,
                               const char *label, struct tx_why *why)
{
    char path[PATH_MAX];
    struct tx_buf text = {0};
    struct backup_node node = {0};
    struct backup_member member = {0};
    enum tx_error error = node_path(path, sizeof(path), repo->path, manifest->name, label, why);
    if (error == TX_OK)
        error = backup_file_read(path, &text, why);
    if (error == TX_OK)
        error = backup_node_decode(tx_buf_view(&text), path, &node, why);
    if (error == TX_OK) {
        (void)snprintf(member.node, sizeof(member.node), "%s", label);
        member.bytes = node.bytes;
        member.stored = node.stored;
        member.file_bytes = text.len;
        member.digest = backup_digest_of(tx_buf_view(&text));
        manifest->bytes += node.bytes;
        manifest->stored += node.stored;
        memcpy(manifest->cluster, node.identity.cluster, sizeof(manifest->cluster));
        error = backup_manifest_add(manifest, &member);
    }
    backup_node_deinit(&node);
    tx_buf_deinit(&text);
    return error;
}

enum tx_error backup_repo_end(const struct backup_repo *repo,
                              const struct backup_manifest *manifest, struct tx_why *why)
{
    char path[PATH_MAX];
    struct tx_buf text = {0};
    enum tx_error error = backup_manifest_encode(manifest, &text, why);
    if (error == TX_OK)
        error = inside(path, sizeof(path), repo->path, manifest->name, "", why);
    if (error == TX_OK)
        error = backup_file_write(path, BACKUP_MANIFEST_FILE, tx_buf_view(&text), why);
    tx_buf_deinit(&text);
    return error;
}

/* The manifest goes first, and for good, so that no crash leaves a backup that lacks a part. */
enum tx_error backup_repo_remove(const struct backup_repo *repo, const char *name,
                                 struct tx_why *why)
{
    char path[PATH_MAX], file[PATH_MAX];
    enum tx_error error = inside(path, sizeof(path), repo->path, name, "", why);
    if (error == TX_OK)
        error = inside(file, sizeof(file), repo->path, name, BACKUP_MANIFEST_FILE, why);
    if (error != TX_OK)
        return error;
    if (unlink(file) == 0)
        error = backup_directory_sync(path, why);
    else if (errno != ENOENT)
        error = backup_fail(file, "remove it", why);
    return error == TX_OK ? backup_directory_remove(path, why) : error;
}

enum tx_error backup_repo_put_node(const char *repository, const struct backup_node *node,
                                   struct tx_why *why)
{
    char path[PATH_MAX], file[BACKUP_NODE_MAX + 16];
    struct tx_buf text = {0};
    enum tx_error error = backup_blobs_sync(repository, why);
    if (error == TX_OK)
        error = inside(path, sizeof(path), repository, node->backup, "", why);
    if (error == TX_OK)
        error = backup_node_encode(node, &text, why);
    (void)snprintf(file, sizeof(file), "node-%s.json", node->node);
    if (error == TX_OK)
        error = backup_file_write(path, file, tx_buf_view(&text), why);
    tx_buf_deinit(&text);
    return error;
}

enum tx_error backup_repo_last_node(const char *repository, const char *label,
                                    struct backup_node *node, struct tx_why *why)
{
    struct backup_manifest manifest;
    enum tx_error error = read_manifest(repository, NULL, &manifest, why);
    if (error != TX_OK)
        return error;
    const struct backup_member *member = backup_manifest_find(&manifest, label);
    error = member == NULL ? TX_ENOTFOUND : read_node(repository, &manifest, member, node, why);
    backup_manifest_deinit(&manifest);
    return error;
}
