/* An archive of logs: opening it, and writing. */
#include "txlog/backup/archive_index.h"

#include "common/array.h"
#include "common/clock.h"
#include "txlog/backup/backup_files.h"
#include "txlog/backup/backup_format.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE "LOCK"

/* ---- the directory ---- */

/* Another daemon may be at the same, at this moment. */
static bool is_own(const char *entry)
{
    return strcmp(entry, BACKUP_FORMAT_FILE) == 0 ||
           strcmp(entry, BACKUP_FORMAT_FILE ".tmp") == 0 || strncmp(entry, "generation-", 11) == 0;
}

static const struct backup_format format = {
    .text = "assent archive 1\n", .what = "archive", .content = "archive", .own = is_own};

/* A new or empty directory becomes an archive. */
static enum tx_error create(const char *path, struct tx_why *why)
{
    enum tx_error error = backup_format_claim(&format, path, why);
    if (error != TX_OK)
        return error;
    error = backup_file_write(path, BACKUP_FORMAT_FILE, tx_bytes_str(format.text), why);
    /* Two daemons that begin together write the same, and one of them may find that its temporary
     * file has its name already. */
    return error == TX_ENOTFOUND ? archive_check_format(path, why) : error;
}

enum tx_error archive_check_format(const char *directory, struct tx_why *why)
{
    enum tx_error error = backup_format_check(&format, directory, why);
    return error == TX_ENOTFOUND
               ? tx_why(why, TX_ENOTFOUND, "%.300s: there is no archive of logs", directory)
               : error;
}

static enum tx_error set_paths(struct archive *archive, const char *directory, struct tx_why *why)
{
    char name[64], label[BACKUP_NODE_MAX];
    (void)snprintf(name, sizeof(name), "generation-%" PRIu64, archive->generation);
    enum tx_error error =
        backup_path(archive->parent, sizeof(archive->parent), directory, name, why);
    if (error != TX_OK)
        return error;
    backup_node_label(&archive->identity, label);
    return backup_path(archive->path, sizeof(archive->path), archive->parent, label, why);
}

static enum tx_error make_directory(const char *path, const char *within, struct tx_why *why)
{
    if (access(path, F_OK) == 0)
        return TX_OK;
    enum tx_error error = backup_directory_make(path, why);
    return error == TX_OK ? backup_directory_sync(within, why) : error;
}

static enum tx_error make_directories(const struct archive *archive, const char *directory,
                                      struct tx_why *why)
{
    enum tx_error error = archive_check_format(directory, why);
    if (error == TX_ENOTFOUND)
        error = create(directory, why);
    if (error == TX_OK)
        error = make_directory(archive->parent, directory, why);
    return error == TX_OK ? make_directory(archive->path, archive->parent, why) : error;
}

static enum tx_error lock(struct archive *archive, struct tx_why *why)
{
    char file[PATH_MAX];
    enum tx_error error = backup_path(file, sizeof(file), archive->path, LOCK_FILE, why);
    if (error != TX_OK)
        return error;
    archive->lock_fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (archive->lock_fd < 0)
        return backup_fail(file, "open it", why);
    if (flock(archive->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return TX_OK;
    if (errno != EWOULDBLOCK)
        return backup_fail(file, "lock it", why);
    return tx_why(why, TX_EBUSY,
                  "%.300s: somebody else archives there; two daemons must not have one name, or a "
                  "command is at work in it",
                  archive->path);
}

/* ---- the list of segments ---- */

enum tx_error archive_item_path(const struct archive *archive, size_t i, char *out, size_t out_size,
                                struct tx_why *why)
{
    char name[ARCHIVE_SEGMENT_NAME];
    const struct archive_item *item = &archive->items[i];
    return backup_path(out, out_size, archive->path,
                       archive_segment_name(item->first, item->last, name), why);
}

static enum tx_error grow(struct archive *archive, struct tx_why *why)
{
    struct archive_item *items =
        tx_array_room(archive->items, archive->n, &archive->capacity, sizeof(*items), 64);
    if (items == NULL)
        return tx_why(why, TX_ENOMEM, "no memory for the list of an archive");
    archive->items = items;
    return TX_OK;
}

enum tx_error archive_index_add(struct archive *archive, struct archive_segment *segment,
                                struct tx_why *why)
{
    enum tx_error error = grow(archive, why);
    struct archive_segment *head = error == TX_OK ? malloc(sizeof(*head)) : NULL;
    if (head == NULL)
        return tx_why(why, TX_ENOMEM, "no memory for the list of an archive");
    *head = *segment;
    *segment = (struct archive_segment){0};
    archive->items[archive->n++] = (struct archive_item){
        .first = head->first, .last = head->last, .bytes = head->stored, .head = head};
    archive->bytes += head->stored;
    return TX_OK;
}

static void forget_head(struct archive_item *item)
{
    if (item->head != NULL)
        archive_segment_deinit(item->head);
    free(item->head);
    item->head = NULL;
}

void archive_index_remove(struct archive *archive, size_t i, size_t n)
{
    for (size_t at = i; at < i + n; at++) {
        archive->bytes -= archive->items[at].bytes;
        forget_head(&archive->items[at]);
    }
    memmove(&archive->items[i], &archive->items[i + n],
            (archive->n - i - n) * sizeof(*archive->items));
    archive->n -= n;
}

static enum tx_error check_owner(const struct archive *archive, const struct archive_segment *head,
                                 const char *path, struct tx_why *why)
{
    const struct txlog_identity *is = &head->identity, *expected = &archive->identity;
    char label[BACKUP_NODE_MAX];
    if (strcmp(is->cluster, expected->cluster) != 0)
        return tx_why(why, TX_ECLUSTER,
                      "%.300s: belongs to cluster \"%s\", not to \"%s\"; each cluster needs an "
                      "archive directory of its own",
                      path, is->cluster, expected->cluster);
    if (is->role == expected->role && is->coordinator == expected->coordinator &&
        tx_name_equal(&is->name, &expected->name) && head->generation == archive->generation)
        return TX_OK;
    return tx_why(why, TX_ENODE,
                  "%.300s: belongs to %s of generation %" PRIu64 "; put it back where it was", path,
                  backup_node_label(is, label), head->generation);
}

enum tx_error archive_item_head(struct archive *archive, size_t i,
                                const struct archive_segment **head, struct tx_why *why)
{
    struct archive_item *item = &archive->items[i];
    char path[PATH_MAX];
    *head = item->head;
    if (item->head != NULL)
        return TX_OK;
    struct archive_segment *read = calloc(1, sizeof(*read));
    if (read == NULL)
        return tx_why(why, TX_ENOMEM, "no memory to read an archive");
    enum tx_error error = archive_item_path(archive, i, path, sizeof(path), why);
    if (error == TX_OK)
        error = archive_segment_open(path, read, why);
    if (error == TX_OK)
        error = check_owner(archive, read, path, why);
    if (error != TX_OK) {
        archive_segment_deinit(read);
        free(read);
        return error;
    }
    item->head = read;
    *head = read;
    return TX_OK;
}

struct listing {
    struct archive *archive;
    struct tx_why *why;
};

static enum tx_error note_entry(void *arg, const char *name)
{
    struct listing *listing = arg;
    struct archive *archive = listing->archive;
    struct archive_item item = {.head = NULL};
    char path[PATH_MAX];
    struct stat st;
    if (!archive_segment_parse(name, &item.first, &item.last))
        return TX_OK;
    enum tx_error error = backup_path(path, sizeof(path), archive->path, name, listing->why);
    if (error != TX_OK)
        return error;
    if (stat(path, &st) != 0)
        return errno == ENOENT ? TX_OK : backup_fail(path, "look at it", listing->why);
    error = grow(archive, listing->why);
    if (error != TX_OK)
        return error;
    item.bytes = (uint64_t)st.st_size;
    archive->bytes += item.bytes;
    archive->items[archive->n++] = item;
    return TX_OK;
}

static int by_first(const void *a, const void *b)
{
    const struct archive_item *x = a, *y = b;
    return x->first.n < y->first.n ? -1 : x->first.n > y->first.n;
}

enum tx_error archive_index_read(struct archive *archive, struct tx_why *why)
{
    struct listing listing = {.archive = archive, .why = why};
    char name[ARCHIVE_SEGMENT_NAME], other[ARCHIVE_SEGMENT_NAME];
    enum tx_error error = backup_directory_each(archive->path, note_entry, &listing, why);
    if (error != TX_OK)
        return error;
    if (archive->n > 1)
        qsort(archive->items, archive->n, sizeof(*archive->items), by_first);
    for (size_t i = 1; i < archive->n; i++) {
        const struct archive_item *a = &archive->items[i - 1], *b = &archive->items[i];
        if (b->first.n <= a->last.n)
            return tx_why(why, TX_ECORRUPT,
                          "%.300s: %s and %s both hold LSN %" PRIu64
                          "; move the one that does not belong there out of the directory",
                          archive->path, archive_segment_name(a->first, a->last, name),
                          archive_segment_name(b->first, b->last, other), b->first.n);
    }
    return TX_OK;
}

/* ---- opening ---- */

/* What a crash has left half. */
static enum tx_error clear_entry(void *arg, const char *name)
{
    struct listing *listing = arg;
    char path[PATH_MAX];
    size_t len = strlen(name);
    if (len < 4 || strcmp(name + len - 4, ".tmp") != 0)
        return TX_OK;
    enum tx_error error =
        backup_path(path, sizeof(path), listing->archive->path, name, listing->why);
    if (error == TX_OK && unlink(path) != 0 && errno != ENOENT)
        error = backup_fail(path, "remove it", listing->why);
    return error;
}

static enum tx_error nothing(void *arg, struct tx_lsn lsn, struct tx_bytes stored,
                             struct tx_why *why)
{
    (void)arg;
    (void)lsn;
    (void)stored;
    (void)why;
    return TX_OK;
}

/* The next segment names the newest one: it had better be whole. */
static enum tx_error check_newest(struct archive *archive, struct tx_why *why)
{
    const struct archive_segment *head;
    char path[PATH_MAX];
    struct tx_why what;
    if (archive->n == 0)
        return TX_OK;
    enum tx_error error = archive_item_path(archive, archive->n - 1, path, sizeof(path), why);
    if (error == TX_OK)
        error = archive_item_head(archive, archive->n - 1, &head, &what);
    if (error == TX_OK)
        error = archive_segment_each(path, head, nothing, NULL, &what);
    if (error == TX_ECORRUPT)
        return tx_why(why, error,
                      "%.380s, or move it out of the directory: what the log still holds of it is "
                      "archived again",
                      what.text);
    return error == TX_OK ? TX_OK : tx_why(why, error, "%s", what.text);
}

static enum tx_error open_for_writing(struct archive *archive, const char *directory,
                                      struct tx_why *why)
{
    struct listing listing = {.archive = archive, .why = why};
    enum tx_error error = make_directories(archive, directory, why);
    if (error == TX_OK)
        error = lock(archive, why);
    if (error == TX_OK)
        error = backup_directory_each(archive->path, clear_entry, &listing, why);
    if (error == TX_OK)
        error = archive_index_read(archive, why);
    return error == TX_OK ? check_newest(archive, why) : error;
}

static enum tx_error open_for_reading(struct archive *archive, const char *directory,
                                      struct tx_why *why)
{
    enum tx_error error = archive_check_format(directory, why);
    if (error == TX_OK && access(archive->path, F_OK) != 0 && errno == ENOENT)
        return TX_OK;
    return error == TX_OK ? archive_index_read(archive, why) : error;
}

enum tx_error archive_open(const char *directory, const struct txlog_identity *identity,
                           uint64_t generation, bool write, struct archive **archive,
                           struct tx_why *why)
{
    struct archive *opened = calloc(1, sizeof(*opened));
    *archive = opened;
    if (opened == NULL)
        return tx_why(why, TX_ENOMEM, "no memory to open an archive");
    opened->identity = *identity;
    opened->generation = generation;
    opened->lock_fd = -1;
    enum tx_error error = set_paths(opened, directory, why);
    if (error == TX_OK)
        error = write ? open_for_writing(opened, directory, why)
                      : open_for_reading(opened, directory, why);
    if (error != TX_OK)
        archive_close(archive);
    return error;
}

void archive_close(struct archive **archive)
{
    struct archive *closing = *archive;
    if (closing == NULL)
        return;
    for (size_t i = 0; i < closing->n; i++)
        forget_head(&closing->items[i]);
    if (closing->lock_fd >= 0)
        (void)close(closing->lock_fd);
    free(closing->items);
    free(closing);
    *archive = NULL;
}

/* ---- what there is ---- */

const char *archive_path(const struct archive *archive)
{
    return archive->path;
}

struct tx_lsn archive_first(const struct archive *archive)
{
    return archive->n > 0 ? archive->items[0].first : (struct tx_lsn){0};
}

struct tx_lsn archive_last(const struct archive *archive)
{
    return archive->n > 0 ? archive->items[archive->n - 1].last : (struct tx_lsn){0};
}

uint64_t archive_bytes(const struct archive *archive)
{
    return archive->bytes;
}

size_t archive_segments(const struct archive *archive)
{
    return archive->n;
}

size_t archive_gaps(const struct archive *archive)
{
    size_t gaps = 0;
    for (size_t i = 1; i < archive->n; i++)
        gaps += archive->items[i].first.n != archive->items[i - 1].last.n + 1;
    return gaps;
}

struct archive_place archive_gap(const struct archive *archive)
{
    for (size_t i = archive->n; i > 1; i--) {
        const struct archive_item *item = &archive->items[i - 1], *before = item - 1;
        if (item->first.n != before->last.n + 1)
            return (struct archive_place){.first = {before->last.n + 1},
                                          .last = {item->first.n - 1}};
    }
    return (struct archive_place){0};
}

/* ---- writing ---- */

struct putting {
    struct archive_segment_writer *writer;
    struct tx_lsn next;
    uint64_t limit;
    struct tx_why *why;
};

static enum tx_error put_record(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    struct putting *putting = arg;
    if (lsn.n != putting->next.n)
        return tx_why(putting->why, TX_EGAP,
                      "LSN %" PRIu64 " to %" PRIu64 " were removed from the log before they were "
                      "archived",
                      putting->next.n, lsn.n - 1);
    putting->next.n++;
    enum tx_error error = archive_segment_add(putting->writer, lsn, stored, putting->why);
    if (error == TX_OK && archive_segment_size(putting->writer) >= putting->limit)
        return TX_EEXIST; /* it is full */
    return error;
}

static enum tx_error check_range(const struct archive *archive, const struct txlog *log,
                                 struct tx_lsn first, struct tx_lsn last, struct tx_why *why)
{
    if (first.n <= archive_last(archive).n || last.n < first.n)
        return tx_why(why, TX_EINVAL,
                      "%.300s: LSN %" PRIu64 " to %" PRIu64 " do not follow LSN %" PRIu64
                      ", with which the archive ends",
                      archive->path, first.n, last.n, archive_last(archive).n);
    if (last.n > txlog_last(log).n)
        return tx_why(why, TX_EINVAL, "the log ends at LSN %" PRIu64 ", before LSN %" PRIu64,
                      txlog_last(log).n, last.n);
    return TX_OK;
}

/* How a new segment begins that goes on from the newest one, or does not. */
static enum tx_error next_head(struct archive *archive, struct tx_lsn first,
                               struct archive_segment *head, struct tx_why *why)
{
    const struct archive_segment *newest;
    *head =
        (struct archive_segment){.identity = archive->identity, .generation = archive->generation};
    if (archive->n == 0 || archive_last(archive).n + 1 != first.n)
        return TX_OK;
    enum tx_error error = archive_item_head(archive, archive->n - 1, &newest, why);
    if (error == TX_OK)
        head->before = newest->digest;
    return error;
}

enum tx_error archive_put(struct archive *archive, struct txlog *log, struct tx_lsn first,
                          struct tx_lsn last, uint64_t limit, struct tx_why *why)
{
    struct putting putting = {.next = first, .limit = limit, .why = why};
    struct archive_segment head, segment = {0};
    enum tx_error error = check_range(archive, log, first, last, why);
    if (error == TX_OK)
        error = next_head(archive, first, &head, why);
    if (error == TX_OK)
        error = archive_segment_begin(&head, &putting.writer, why);
    if (error == TX_OK)
        error = txlog_each(log, first, last, put_record, &putting, why);
    bool full = error == TX_EEXIST;
    if (error == TX_OK && putting.next.n != last.n + 1)
        error = tx_why(why, TX_EGAP, "LSN %" PRIu64 " is missing in the log", putting.next.n);
    if (error == TX_OK || full)
        error = archive_segment_end(&putting.writer, archive->path, clock_wall_ms(), &segment, why);
    archive_segment_drop(&putting.writer);
    if (error == TX_OK)
        error = archive_index_add(archive, &segment, why);
    archive_segment_deinit(&segment);
    return error;
}

enum tx_error archive_trim(struct archive *archive, uint64_t limit, uint64_t *removed,
                           struct tx_why *why)
{
    size_t gone = 0;
    uint64_t left = archive->bytes;
    char path[PATH_MAX];
    enum tx_error error = TX_OK;
    *removed = 0;
    while (left > limit && gone + 1 < archive->n) {
        error = archive_item_path(archive, gone, path, sizeof(path), why);
        if (error == TX_OK && unlink(path) != 0 && errno != ENOENT)
            error = backup_fail(path, "remove it", why);
        if (error != TX_OK)
            break;
        left -= archive->items[gone].bytes;
        *removed += archive->items[gone].bytes;
        gone++;
    }
    archive_index_remove(archive, 0, gone);
    return error;
}
