/* Blobs of a backup. */
#include "txlog/backup/backup_blob.h"

#include "common/clock.h"
#include "txlog/backup/backup_files.h"
#include "txlog/backup/backup_frame.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum tx_error blob_path(char *out, size_t out_size, const char *repository,
                               const struct backup_digest *digest, struct tx_why *why)
{
    char text[BACKUP_DIGEST_TEXT], name[16 + BACKUP_DIGEST_TEXT];
    (void)snprintf(name, sizeof(name), "blobs/%s.zst", backup_digest_print(digest, text));
    return backup_path(out, out_size, repository, name, why);
}

bool backup_blob_there(const char *repository, const struct backup_digest *digest)
{
    char path[PATH_MAX];
    return blob_path(path, sizeof(path), repository, digest, NULL) == TX_OK &&
           access(path, F_OK) == 0;
}

/* ---- writing ---- */

struct backup_blob_writer {
    const char *repository;
    char path[PATH_MAX]; /* the temporary one */
    int fd;
    struct backup_frame_writer *frame;
    struct backup_hasher *content, *file;
    uint64_t bytes, stored, written_back;
};

void backup_blob_drop(struct backup_blob_writer **writer)
{
    struct backup_blob_writer *w = *writer;
    if (w == NULL)
        return;
    if (w->fd >= 0) {
        (void)close(w->fd);
        (void)unlink(w->path);
    }
    backup_frame_destroy(&w->frame);
    backup_hasher_destroy(&w->content);
    backup_hasher_destroy(&w->file);
    free(w);
    *writer = NULL;
}

static enum tx_error create_temporary(struct backup_blob_writer *w, struct tx_why *why)
{
    uint64_t random;
    char name[64];
    if (clock_random(&random, sizeof(random)) != TX_OK)
        return tx_why(why, TX_EIO, "%s: cannot draw a random number", w->repository);
    (void)snprintf(name, sizeof(name), "blobs/" BACKUP_BLOB_TEMPORARY "%016" PRIx64, random);
    enum tx_error error = backup_path(w->path, sizeof(w->path), w->repository, name, why);
    if (error != TX_OK)
        return error;
    w->fd = open(w->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    return w->fd >= 0 ? TX_OK : backup_fail(w->path, "create it", why);
}

static enum tx_error put(struct backup_blob_writer *w, struct tx_bytes bytes, struct tx_why *why)
{
    w->stored += bytes.len;
    if (!backup_write_all(w->fd, bytes))
        return backup_fail(w->path, "write it", why);
    if (w->stored - w->written_back >= BACKUP_WRITE_BACK) {
        backup_write_back(w->fd, w->written_back);
        w->written_back = w->stored;
    }
    return TX_OK;
}

static enum tx_error put_frame(void *arg, struct tx_bytes bytes, struct tx_why *why)
{
    struct backup_blob_writer *w = arg;
    backup_hasher_add(w->file, bytes);
    return put(w, bytes, why);
}

enum tx_error backup_blob_begin(const char *repository, struct backup_blob_writer **writer,
                                struct tx_why *why)
{
    struct backup_blob_writer *w = calloc(1, sizeof(*w));
    *writer = w;
    if (w == NULL)
        return tx_why(why, TX_ENOMEM, "%s: no memory to write a blob", repository);
    w->repository = repository;
    w->fd = -1;
    w->frame = backup_frame_begin(put_frame, w);
    w->content = backup_hasher_new();
    w->file = backup_hasher_new();
    enum tx_error error = TX_OK;
    if (w->frame == NULL || w->content == NULL || w->file == NULL)
        error = tx_why(why, TX_ENOMEM, "%s: no memory to write a blob", repository);
    if (error == TX_OK)
        error = create_temporary(w, why);
    if (error != TX_OK)
        backup_blob_drop(writer);
    return error;
}

enum tx_error backup_blob_add(struct backup_blob_writer *w, struct tx_bytes bytes,
                              struct tx_why *why)
{
    w->bytes += bytes.len;
    backup_hasher_add(w->content, bytes);
    return backup_frame_add(w->frame, bytes, why);
}

static enum tx_error end_file(struct backup_blob_writer *w, struct tx_why *why)
{
    uint8_t trail[BACKUP_FRAME_TRAIL];
    enum tx_error error = backup_frame_end(w->frame, why);
    if (error != TX_OK)
        return error;
    struct backup_digest file = backup_hasher_end(w->file);
    backup_frame_trail(&file, trail);
    return put(w, tx_bytes(trail, sizeof(trail)), why);
}

/* Gives it its name. */
static enum tx_error settle(struct backup_blob_writer *w, const struct backup_digest *digest,
                            struct tx_why *why)
{
    char path[PATH_MAX];
    enum tx_error error = blob_path(path, sizeof(path), w->repository, digest, why);
    if (error != TX_OK)
        return error;
    if (fsync(w->fd) != 0)
        return backup_fail(w->path, "sync it", why);
    if (rename(w->path, path) != 0)
        return backup_fail(path, "give it its name", why);
    (void)close(w->fd);
    w->fd = -1;
    return TX_OK;
}

enum tx_error backup_blob_end(struct backup_blob_writer **writer, bool anew,
                              struct backup_blob *blob, struct tx_why *why)
{
    struct backup_blob_writer *w = *writer;
    enum tx_error error = end_file(w, why);
    if (error == TX_OK) {
        *blob = (struct backup_blob){
            .digest = backup_hasher_end(w->content), .bytes = w->bytes, .stored = w->stored};
        blob->fresh = anew || !backup_blob_there(w->repository, &blob->digest);
        if (blob->fresh)
            error = settle(w, &blob->digest, why);
    }
    backup_blob_drop(writer);
    return error;
}

enum tx_error backup_blobs_sync(const char *repository, struct tx_why *why)
{
    char path[PATH_MAX];
    enum tx_error error = backup_path(path, sizeof(path), repository, "blobs", why);
    return error == TX_OK ? backup_directory_sync(path, why) : error;
}

/* ---- reading ---- */

enum tx_error backup_blob_read(const char *repository, const struct backup_digest *digest,
                               enum tx_error (*visit)(void *arg, struct tx_bytes bytes,
                                                      struct tx_why *why),
                               void *arg, struct tx_why *why)
{
    char path[PATH_MAX];
    struct backup_digest content;
    enum tx_error error = blob_path(path, sizeof(path), repository, digest, why);
    if (error == TX_OK)
        error = backup_frame_read(path, 0, visit, arg, &content, why);
    if (error == TX_OK && !backup_digest_equal(&content, digest))
        return backup_damaged(path, "it holds something else than its name says", why);
    return error;
}
