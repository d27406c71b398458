/* Which blobs does any backup need? The others go. */
#include "txlog/backup/backup_repo.h"

#include "common/array.h"
#include "txlog/backup/backup_files.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct needed {
    struct backup_digest *items;
    size_t n, capacity;
};

static enum tx_error need(struct needed *needed, const struct backup_digest *digest)
{
    struct backup_digest *items =
        tx_array_room(needed->items, needed->n, &needed->capacity, sizeof(*items), 256);
    if (items == NULL)
        return TX_ENOMEM;
    needed->items = items;
    items[needed->n++] = *digest;
    return TX_OK;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct backup_digest));
}

static enum tx_error need_node(struct needed *needed, const struct backup_node *node)
{
    enum tx_error error = TX_OK;
    for (size_t i = 0; error == TX_OK && i < node->files_n; i++)
        error = need(needed, &node->files[i].blob);
    for (size_t i = 0; error == TX_OK && i < node->segments_n; i++)
        error = need(needed, &node->segments[i].blob);
    return error;
}

static enum tx_error need_backup(const struct backup_repo *repo, const char *name,
                                 struct needed *needed, struct tx_why *why)
{
    struct backup_manifest manifest;
    enum tx_error error = backup_repo_manifest(repo, name, &manifest, why);
    for (size_t i = 0; error == TX_OK && i < manifest.members_n; i++) {
        struct backup_node node;
        error = backup_repo_node(repo, &manifest, &manifest.members[i], &node, why);
        if (error == TX_OK && need_node(needed, &node) != TX_OK)
            error = tx_why(why, TX_ENOMEM, "%s: no memory for the names of blobs", repo->path);
        backup_node_deinit(&node);
    }
    backup_manifest_deinit(&manifest);
    return error;
}

struct sweeping {
    char blobs[PATH_MAX];
    const struct needed *needed;
    struct backup_sweep *swept;
    struct tx_why *why;
};

static enum tx_error sweep_one(void *arg, const char *name)
{
    struct sweeping *sweeping = arg;
    struct backup_digest digest;
    char text[BACKUP_DIGEST_TEXT], path[PATH_MAX];
    struct stat st;
    if (strlen(name) != BACKUP_DIGEST_TEXT - 1 + 4 ||
        strcmp(name + BACKUP_DIGEST_TEXT - 1, ".zst") != 0)
        return TX_OK;
    (void)snprintf(text, sizeof(text), "%.*s", (int)BACKUP_DIGEST_TEXT - 1, name);
    if (!backup_digest_parse(text, &digest) ||
        (sweeping->needed->n > 0 && bsearch(&digest, sweeping->needed->items, sweeping->needed->n,
                                            sizeof(digest), compare) != NULL))
        return TX_OK;
    enum tx_error error = backup_path(path, sizeof(path), sweeping->blobs, name, sweeping->why);
    if (error != TX_OK)
        return error;
    uint64_t bytes = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
    if (unlink(path) != 0)
        return backup_fail(path, "remove it", sweeping->why);
    sweeping->swept->blobs++;
    sweeping->swept->bytes += bytes;
    return TX_OK;
}

enum tx_error backup_repo_sweep(const struct backup_repo *repo, struct backup_sweep *swept,
                                struct tx_why *why)
{
    struct backup_names names;
    struct needed needed = {0};
    struct sweeping sweeping = {.needed = &needed, .swept = swept, .why = why};
    *swept = (struct backup_sweep){0};
    enum tx_error error = backup_repo_list(repo, &names, why);
    for (size_t i = 0; error == TX_OK && i < names.n; i++)
        error = need_backup(repo, names.items[i], &needed, why);
    if (error == TX_OK && needed.n > 0)
        qsort(needed.items, needed.n, sizeof(*needed.items), compare);
    if (error == TX_OK)
        error = backup_path(sweeping.blobs, sizeof(sweeping.blobs), repo->path, "blobs", why);
    if (error == TX_OK)
        error = backup_directory_each(sweeping.blobs, sweep_one, &sweeping, why);
    backup_names_deinit(&names);
    free(needed.items);
    return error;
}
