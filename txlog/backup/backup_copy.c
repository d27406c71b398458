/* Copying a node into a repository. */
#include "txlog/backup/backup_copy.h"

#include "txlog/backup/backup_blob.h"
#include "txlog/backup/backup_files.h"
#include "txlog/backup/backup_repo.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE (256u * 1024u)

/* ---- files ---- */

struct copying {
    const struct backup_copier *copier;
    const char *checkpoint;
    struct backup_node *node, before; /* this backup, and the newest one that there is */
    uint8_t *piece;
    struct tx_why *why;
};

static enum tx_error note_file(void *arg, const char *name)
{
    struct copying *copying = arg;
    struct backup_file file = {.name = ""};
    char path[PATH_MAX];
    struct stat st;
    enum tx_error error = backup_path(path, sizeof(path), copying->checkpoint, name, copying->why);
    if (error != TX_OK)
        return error;
    if (stat(path, &st) != 0)
        return backup_fail(path, "look at it", copying->why);
    if (!S_ISREG(st.st_mode) || strlen(name) >= sizeof(file.name) || !backup_file_name_valid(name))
        return tx_why(copying->why, TX_ECORRUPT, "%.300s: is no file of a checkpoint", path);
    memcpy(file.name, name, strlen(name) + 1);
    file.bytes = (uint64_t)st.st_size;
    file.inode = (uint64_t)st.st_ino;
    file.mtime_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
    copying->copier->found(copying->copier->arg, file.bytes);
    if (backup_node_add_file(copying->node, &file) != TX_OK)
        return tx_why(copying->why, TX_ENOMEM, "no memory for the list of files");
    return TX_OK;
}

static enum tx_error add_file(struct copying *copying, int fd, const char *path,
                              struct backup_blob_writer *writer)
{
    ssize_t n;
    enum tx_error error = TX_OK;
    while (error == TX_OK && (n = read(fd, copying->piece, PIECE)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return backup_fail(path, "read it", copying->why);
        error = backup_blob_add(writer, tx_bytes(copying->piece, (size_t)n), copying->why);
        if (error == TX_OK)
            error = copying->copier->went_on(copying->copier->arg, (uint64_t)n, copying->why);
    }
    return error;
}

static enum tx_error copy_file(struct copying *copying, struct backup_file *file)
{
    char path[PATH_MAX];
    struct backup_blob blob = {.bytes = 0};
    struct backup_blob_writer *writer = NULL;
    enum tx_error error =
        backup_path(path, sizeof(path), copying->checkpoint, file->name, copying->why);
    if (error != TX_OK)
        return error;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return backup_fail(path, "open it", copying->why);
    error = backup_blob_begin(copying->copier->repository, &writer, copying->why);
    if (error == TX_OK)
        error = add_file(copying, fd, path, writer);
    if (error == TX_OK)
        error = backup_blob_end(&writer, copying->copier->full, &blob, copying->why);
    backup_blob_drop(&writer);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* the daemon's own pages stay useful */
    (void)close(fd);
    file->bytes = blob.bytes;
    file->blob = blob.digest;
    copying->node->bytes += blob.bytes;
    copying->node->stored += blob.fresh ? blob.stored : 0;
    return error;
}

/* A table never changes once it is written: the same file of the same length and time is the one
 * that the last backup has read. */
static bool take_over(const struct copying *copying, struct backup_file *file)
{
    const struct backup_file *old =
        copying->copier->full ? NULL : backup_node_file(&copying->before, file->name);
    size_t len = strlen(file->name);
    if (old == NULL || len < 4 || strcmp(file->name + len - 4, ".sst") != 0)
        return false;
    if (old->bytes != file->bytes || old->inode != file->inode || old->mtime_ns != file->mtime_ns ||
        !backup_blob_there(copying->copier->repository, &old->blob))
        return false;
    file->blob = old->blob;
    copying->node->bytes += file->bytes;
    return true;
}

static enum tx_error copy_all(struct copying *copying)
{
    enum tx_error error =
        backup_directory_each(copying->checkpoint, note_file, copying, copying->why);
    for (size_t i = 0; error == TX_OK && i < copying->node->files_n; i++) {
        struct backup_file *file = &copying->node->files[i];
        if (take_over(copying, file))
            error = copying->copier->went_on(copying->copier->arg, 0, copying->why);
        else
            error = copy_file(copying, file);
    }
    return error;
}

enum tx_error backup_copy_files(const struct backup_copier *copier, const char *checkpoint,
                                struct backup_node *node, struct tx_why *why)
{
    struct copying copying = {.copier = copier, .checkpoint = checkpoint, .node = node, .why = why};
    copying.piece = malloc(PIECE);
    if (copying.piece == NULL)
        return tx_why(why, TX_ENOMEM, "no memory to copy files");
    /* Without one that can be read, everything is copied. */
    if (copier->full ||
        backup_repo_last_node(copier->repository, copier->label, &copying.before, NULL) != TX_OK)
        copying.before = (struct backup_node){0};
    enum tx_error error = copy_all(&copying);
    backup_node_deinit(&copying.before);
    free(copying.piece);
    return error;
}

/* ---- the log ---- */

struct segmenting {
    const struct backup_copier *copier;
    struct backup_blob_writer *writer;
    struct tx_buf gathered; /* records that the writer has not had yet */
    struct tx_lsn next;     /* nothing may be left out */
    struct tx_why *why;
};

static enum tx_error pass_on(struct segmenting *segmenting)
{
    uint64_t bytes = segmenting->gathered.len;
    segmenting->copier->found(segmenting->copier->arg, bytes);
    enum tx_error error =
        backup_blob_add(segmenting->writer, tx_buf_view(&segmenting->gathered), segmenting->why);
    tx_buf_clear(&segmenting->gathered);
    return error == TX_OK
               ? segmenting->copier->went_on(segmenting->copier->arg, bytes, segmenting->why)
               : error;
}

static enum tx_error add_record(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    struct segmenting *segmenting = arg;
    if (lsn.n != segmenting->next.n)
        return tx_why(segmenting->why, TX_EGAP,
                      "LSN %" PRIu64 " to %" PRIu64 " were removed from the log meanwhile",
                      segmenting->next.n, lsn.n - 1);
    segmenting->next.n++;
    tx_buf_blob(&segmenting->gathered, stored);
    if (segmenting->gathered.failed)
        return tx_why(segmenting->why, TX_ENOMEM, "no memory to copy the log");
    return segmenting->gathered.len >= PIECE ? pass_on(segmenting) : TX_OK;
}

static enum tx_error check_range(const struct txlog *log, const struct backup_node *node,
                                 struct tx_why *why)
{
    if (node->cut_lsn.n <= node->checkpoint.n)
        return tx_why(why, TX_EINVAL,
                      "the cut lies at LSN %" PRIu64 ", before the end of the checkpoint, %" PRIu64,
                      node->cut_lsn.n, node->checkpoint.n);
    if (node->cut_lsn.n > txlog_last(log).n)
        return tx_why(why, TX_EINVAL, "the log ends at LSN %" PRIu64 ", before the cut, %" PRIu64,
                      txlog_last(log).n, node->cut_lsn.n);
    return TX_OK;
}

static enum tx_error end_segment(struct segmenting *segmenting, struct backup_node *node)
{
    struct backup_blob blob;
    struct backup_segment segment = {.first = {node->checkpoint.n + 1}, .last = node->cut_lsn};
    enum tx_error error = pass_on(segmenting);
    if (error == TX_OK)
        error =
            backup_blob_end(&segmenting->writer, segmenting->copier->full, &blob, segmenting->why);
    if (error != TX_OK)
        return error;
    segment.bytes = blob.bytes;
    segment.blob = blob.digest;
    node->bytes += blob.bytes;
    node->stored += blob.fresh ? blob.stored : 0;
    error = backup_node_add_segment(node, &segment);
    return error == TX_OK ? TX_OK : tx_why(segmenting->why, error, "no memory to copy the log");
}

enum tx_error backup_copy_records(const struct backup_copier *copier, struct txlog *log,
                                  struct backup_node *node, struct tx_why *why)
{
    struct tx_lsn first = {node->checkpoint.n + 1};
    struct segmenting segmenting = {.copier = copier, .next = first, .why = why};
    enum tx_error error = check_range(log, node, why);
    if (error == TX_OK)
        error = backup_blob_begin(copier->repository, &segmenting.writer, why);
    if (error == TX_OK)
        error = txlog_each(log, first, node->cut_lsn, add_record, &segmenting, why);
    if (error == TX_OK)
        error = end_segment(&segmenting, node);
    backup_blob_drop(&segmenting.writer);
    tx_buf_deinit(&segmenting.gathered);
    return error;
}
