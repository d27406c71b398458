/* Checking a backup. */
#include "txlog/backup/backup_check.h"

#include "common/clock.h"
#include "txlog/backup/backup_blob.h"

#include <inttypes.h>
#include <stdio.h>

static void tell(struct backup_check *check, const char *text)
{
    check->damages++;
    check->damage(check->arg, text);
}

struct counting {
    struct backup_check *check;
    uint64_t bytes;
};

static enum tx_error count(void *arg, struct tx_bytes bytes, struct tx_why *why)
{
    struct counting *counting = arg;
    (void)why;
    counting->bytes += bytes.len;
    counting->check->bytes += bytes.len;
    if (counting->check->progress != NULL)
        counting->check->progress(counting->check->arg, counting->check->bytes);
    return TX_OK;
}

/* A draw of every blob, so that over many runs each has its turn. */
static bool is_drawn(const struct backup_check *check)
{
    uint32_t draw = 0;
    if (check->sample >= 100)
        return true;
    return clock_random(&draw, sizeof(draw)) != TX_OK || draw % 100 < check->sample;
}

static enum tx_error check_blob(const struct backup_repo *repo, const struct backup_digest *blob,
                                uint64_t bytes, struct backup_check *check, struct tx_why *why)
{
    char text[BACKUP_DIGEST_TEXT], sentence[600];
    struct counting counting = {.check = check};
    check->blobs++;
    if (!backup_blob_there(repo->path, blob)) {
        (void)snprintf(sentence, sizeof(sentence), "%.300s/blobs/%s.zst: is missing", repo->path,
                       backup_digest_print(blob, text));
        tell(check, sentence);
        return TX_OK;
    }
    if (!is_drawn(check))
        return TX_OK;
    check->read++;
    enum tx_error error = backup_blob_read(repo->path, blob, count, &counting, why);
    if (error == TX_OK && counting.bytes != bytes)
        error = tx_why(why, TX_ECORRUPT, "blobs/%s.zst: holds %" PRIu64 " bytes, and not %" PRIu64,
                       backup_digest_print(blob, text), counting.bytes, bytes);
    if (error == TX_ENOMEM)
        return error;
    if (error != TX_OK)
        tell(check, why->text);
    return TX_OK;
}

static enum tx_error check_node(const struct backup_repo *repo, const struct backup_node *node,
                                struct backup_check *check, struct tx_why *why)
{
    enum tx_error error = TX_OK;
    for (size_t i = 0; error == TX_OK && i < node->files_n; i++)
        error = check_blob(repo, &node->files[i].blob, node->files[i].bytes, check, why);
    for (size_t i = 0; error == TX_OK && i < node->segments_n; i++)
        error = check_blob(repo, &node->segments[i].blob, node->segments[i].bytes, check, why);
    return error;
}

enum tx_error backup_check_run(const struct backup_repo *repo, const char *name,
                               struct backup_check *check, struct tx_why *why)
{
    struct backup_manifest manifest;
    enum tx_error error = backup_repo_manifest(repo, name, &manifest, why);
    if (error == TX_ENOMEM || error == TX_ENOTFOUND || error == TX_EINVAL)
        return error;
    if (error != TX_OK) {
        tell(check, why->text);
        return TX_OK;
    }
    for (size_t i = 0; error == TX_OK && i < manifest.members_n; i++) {
        struct backup_node node;
        error = backup_repo_node(repo, &manifest, &manifest.members[i], &node, why);
        if (error == TX_OK) {
            error = check_node(repo, &node, check, why);
        } else if (error != TX_ENOMEM) {
            tell(check, why->text);
            error = TX_OK;
        }
        backup_node_deinit(&node);
    }
    backup_manifest_deinit(&manifest);
    return error;
}
