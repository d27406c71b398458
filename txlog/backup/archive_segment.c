/* A segment of an archive. */
#include "txlog/backup/archive_segment.h"

#include "common/array.h"
#include "common/assert.h"
#include "common/json.h"
#include "txlog/backup/backup_document.h"
#include "txlog/backup/backup_files.h"
#include "txlog/backup/backup_frame.h"
#include "txlog/backup/backup_json.h"
#include "txlog/backup/backup_records.h"
#include "txlog/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE    (64u * 1024u)
#define HEAD_MAX (4u * 1024u * 1024u) /* bytes of a head; ARCHIVE_CUTS_MAX fit well */

void archive_segment_deinit(struct archive_segment *segment)
{
    free(segment->cuts);
    *segment = (struct archive_segment){0};
}

const char *archive_segment_name(struct tx_lsn first, struct tx_lsn last,
                                 char out[ARCHIVE_SEGMENT_NAME])
{
    (void)snprintf(out, ARCHIVE_SEGMENT_NAME, "%020" PRIu64 "-%020" PRIu64 ".seg", first.n, last.n);
    return out;
}

bool archive_segment_parse(const char *name, struct tx_lsn *first, struct tx_lsn *last)
{
    char again[ARCHIVE_SEGMENT_NAME];
    *first = *last = (struct tx_lsn){0};
    if (strlen(name) != 45 || name[20] != '-')
        return false;
    first->n = strtoull(name, NULL, 10);
    last->n = strtoull(name + 21, NULL, 10);
    return first->n > 0 && first->n <= last->n &&
           strcmp(name, archive_segment_name(*first, *last, again)) == 0;
}

/* ---- the head ---- */

static void write_cuts(struct json *json, const struct archive_segment *segment)
{
    json_member_array_begin(json, "cuts");
    for (size_t i = 0; i < segment->cuts_n; i++) {
        json_object_begin(json);
        json_member_u64(json, "number", segment->cuts[i].number);
        json_member_u64(json, "lsn", segment->cuts[i].lsn.n);
        json_member_u64(json, "time_ms", segment->cuts[i].time_ms);
        json_object_end(json);
    }
    json_array_end(json);
}

static void write_front(struct json *json, const void *what)
{
    const struct archive_segment *segment = what;
    char text[BACKUP_DIGEST_TEXT];
    json_object_begin(json);
    json_member_u64(json, "format", ARCHIVE_SEGMENT_FORMAT);
    backup_identity_write(json, &segment->identity);
    json_member_u64(json, "generation", segment->generation);
    json_member_u64(json, "record_version", TXLOG_RECORD_VERSION);
    json_member_u64(json, "first", segment->first.n);
    json_member_u64(json, "last", segment->last.n);
    json_member_u64(json, "first_ms", segment->first_ms);
    json_member_u64(json, "last_ms", segment->last_ms);
    json_member_u64(json, "written_ms", segment->written_ms);
    json_member_u64(json, "bytes", segment->bytes);
    json_member(json, "before", backup_digest_print(&segment->before, text));
    write_cuts(json, segment);
}

static enum tx_error encode_head(const struct archive_segment *segment, struct tx_buf *out,
                                 struct tx_why *why)
{
    backup_document_write(write_front, segment, out);
    backup_seal(out);
    return out->failed ? tx_why(why, TX_ENOMEM, "no memory to describe a segment of the archive")
                       : TX_OK;
}

static void read_cuts(struct backup_reader *r, struct archive_segment *segment)
{
    size_t n;
    const struct backup_json *cuts = backup_read_array(r, r->root, "cuts", &n);
    if (r->error != TX_OK || n == 0)
        return;
    segment->cuts = calloc(n, sizeof(*segment->cuts));
    if (segment->cuts == NULL) {
        backup_reader_refuse(r, TX_ENOMEM, "no memory to read it");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const struct backup_json *at = backup_read_at(cuts, i);
        segment->cuts[i] = (struct tx_cut){.number = backup_read_u64(r, at, "number"),
                                           .lsn = {backup_read_u64(r, at, "lsn")},
                                           .time_ms = backup_read_u64(r, at, "time_ms")};
    }
    segment->cuts_n = n;
}

static enum tx_error decode_head(struct tx_bytes text, const char *path,
                                 struct archive_segment *segment, struct tx_why *why)
{
    struct backup_reader r;
    if (!backup_sealed(text))
        return backup_damaged(path, "its first line does not have the checksum that it ends with",
                              why);
    backup_reader_begin(&r, text, path, why);
    if (backup_read_u64(&r, r.root, "format") != ARCHIVE_SEGMENT_FORMAT)
        backup_reader_refuse(&r, TX_EVERSION,
                             "is of another format; use the program that wrote it, or a newer one");
    backup_identity_read(&r, &segment->identity);
    segment->generation = backup_read_u64(&r, r.root, "generation");
    segment->first.n = backup_read_u64(&r, r.root, "first");
    segment->last.n = backup_read_u64(&r, r.root, "last");
    segment->first_ms = backup_read_u64(&r, r.root, "first_ms");
    segment->last_ms = backup_read_u64(&r, r.root, "last_ms");
    segment->written_ms = backup_read_u64(&r, r.root, "written_ms");
    segment->bytes = backup_read_u64(&r, r.root, "bytes");
    segment->before = backup_read_digest(&r, r.root, "before");
    read_cuts(&r, segment);
    return backup_reader_end(&r);
}

/* ---- writing ---- */

struct archive_segment_writer {
    struct archive_segment segment;
    struct backup_frame_writer *frame;
    struct tx_buf gathered;   /* records that the frame has not had yet */
    struct tx_buf compressed; /* the frame */
    size_t cuts_capacity;
    struct tx_arena arena;
};

static enum tx_error keep(void *arg, struct tx_bytes bytes, struct tx_why *why)
{
    struct archive_segment_writer *w = arg;
    tx_buf_append(&w->compressed, bytes);
    return w->compressed.failed ? tx_why(why, TX_ENOMEM, "no memory for a segment of the archive")
                                : TX_OK;
}

enum tx_error archive_segment_begin(const struct archive_segment *head,
                                    struct archive_segment_writer **writer, struct tx_why *why)
{
    struct archive_segment_writer *w = calloc(1, sizeof(*w));
    *writer = w;
    if (w != NULL)
        w->frame = backup_frame_begin(keep, w);
    if (w == NULL || w->frame == NULL) {
        archive_segment_drop(writer);
        return tx_why(why, TX_ENOMEM, "no memory for a segment of the archive");
    }
    w->segment.identity = head->identity;
    w->segment.generation = head->generation;
    w->segment.before = head->before;
    return TX_OK;
}

void archive_segment_drop(struct archive_segment_writer **writer)
{
    struct archive_segment_writer *w = *writer;
    if (w == NULL)
        return;
    archive_segment_deinit(&w->segment);
    backup_frame_destroy(&w->frame);
    tx_buf_deinit(&w->gathered);
    tx_buf_deinit(&w->compressed);
    tx_arena_deinit(&w->arena);
    free(w);
    *writer = NULL;
}

/* A snapshot restates older cuts, which have their positions elsewhere. */
static enum tx_error note_cut(struct archive_segment_writer *w, struct tx_bytes stored,
                              struct tx_why *why)
{
    struct archive_segment *segment = &w->segment;
    struct txlog_record record;
    tx_arena_reset(&w->arena);
    enum tx_error error = txlog_record_decode(stored, &w->arena, &record, why);
    if (error != TX_OK || record.cut.lsn.n != record.lsn.n)
        return error;
    struct tx_cut *cuts =
        tx_array_room(segment->cuts, segment->cuts_n, &w->cuts_capacity, sizeof(*cuts), 16);
    if (cuts == NULL)
        return tx_why(why, TX_ENOMEM, "no memory for a segment of the archive");
    segment->cuts = cuts;
    segment->cuts[segment->cuts_n++] = record.cut;
    return TX_OK;
}

static enum tx_error pass_on(struct archive_segment_writer *w, struct tx_why *why)
{
    enum tx_error error = backup_frame_add(w->frame, tx_buf_view(&w->gathered), why);
    tx_buf_clear(&w->gathered);
    return error;
}

enum tx_error archive_segment_add(struct archive_segment_writer *w, struct tx_lsn lsn,
                                  struct tx_bytes stored, struct tx_why *why)
{
    struct archive_segment *segment = &w->segment;
    struct txlog_front front;
    if (segment->last.n != 0 && lsn.n != segment->last.n + 1)
        return tx_why(why, TX_EGAP, "LSN %" PRIu64 " to %" PRIu64 " are missing",
                      segment->last.n + 1, lsn.n - 1);
    enum tx_error error = txlog_record_front(stored, &front, why);
    if (error == TX_OK && front.lsn.n != lsn.n)
        error = tx_why(why, TX_ECORRUPT, "LSN %" PRIu64 ": the record says that it is LSN %" PRIu64,
                       lsn.n, front.lsn.n);
    if (error == TX_OK && front.type == TXLOG_CUT)
        error = note_cut(w, stored, why);
    if (error != TX_OK)
        return error;
    tx_buf_blob(&w->gathered, stored);
    if (w->gathered.failed)
        return tx_why(why, TX_ENOMEM, "no memory for a segment of the archive");
    if (segment->first.n == 0) {
        segment->first = lsn;
        segment->first_ms = front.time_ms;
    }
    segment->last = lsn;
    segment->last_ms = front.time_ms;
    segment->bytes += 4 + stored.len;
    return w->gathered.len >= PIECE ? pass_on(w, why) : TX_OK;
}

uint64_t archive_segment_size(const struct archive_segment_writer *writer)
{
    return writer->segment.cuts_n >= ARCHIVE_CUTS_MAX ? UINT64_MAX : writer->segment.bytes;
}

static bool write_gently(int fd, struct tx_bytes bytes)
{
    size_t at = 0;
    while (at < bytes.len) {
        size_t len = bytes.len - at < BACKUP_WRITE_BACK ? bytes.len - at : BACKUP_WRITE_BACK;
        if (!backup_write_all(fd, tx_bytes(bytes.data + at, len)))
            return false;
        if (len == BACKUP_WRITE_BACK)
            backup_write_back(fd, 0);
        at += len;
    }
    return true;
}

static enum tx_error write_file(struct archive_segment_writer *w, const char *path,
                                struct tx_bytes head, struct tx_why *why)
{
    uint8_t trail[BACKUP_FRAME_TRAIL];
    struct tx_bytes frame = tx_buf_view(&w->compressed);
    struct backup_hasher *hasher = backup_hasher_new();
    if (hasher == NULL)
        return tx_why(why, TX_ENOMEM, "no memory for a segment of the archive");
    backup_hasher_add(hasher, head);
    backup_hasher_add(hasher, frame);
    w->segment.digest = backup_hasher_end(hasher);
    backup_hasher_destroy(&hasher);
    backup_frame_trail(&w->segment.digest, trail);
    w->segment.head = head.len;
    w->segment.stored = head.len + frame.len + sizeof(trail);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return backup_fail(path, "create it", why);
    enum tx_error error = TX_OK;
    if (!backup_write_all(fd, head) || !write_gently(fd, frame) ||
        !backup_write_all(fd, tx_bytes(trail, sizeof(trail))) || fsync(fd) != 0)
        error = backup_fail(path, "write it", why);
    if (close(fd) != 0 && error == TX_OK)
        error = backup_fail(path, "write it", why);
    return error;
}

static enum tx_error settle(struct archive_segment_writer *w, const char *directory,
                            struct tx_bytes head, struct tx_why *why)
{
    char name[ARCHIVE_SEGMENT_NAME], path[PATH_MAX], temporary[PATH_MAX + 8];
    archive_segment_name(w->segment.first, w->segment.last, name);
    enum tx_error error = backup_path(path, sizeof(path), directory, name, why);
    if (error != TX_OK)
        return error;
    (void)snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    error = write_file(w, temporary, head, why);
    if (error == TX_OK && rename(temporary, path) != 0)
        error = backup_fail(path, "give it its name", why);
    if (error != TX_OK) {
        (void)unlink(temporary);
        return error;
    }
    error = backup_directory_sync(directory, why);
    if (error != TX_OK) /* the next try may hold more, under another name */
        (void)unlink(path);
    return error;
}

enum tx_error archive_segment_end(struct archive_segment_writer **writer, const char *directory,
                                  uint64_t now_ms, struct archive_segment *segment,
                                  struct tx_why *why)
{
    struct archive_segment_writer *w = *writer;
    struct tx_buf head = {0};
    TX_ASSERT(w->segment.first.n != 0);
    w->segment.written_ms = now_ms;
    enum tx_error error = pass_on(w, why);
    if (error == TX_OK)
        error = backup_frame_end(w->frame, why);
    if (error == TX_OK)
        error = encode_head(&w->segment, &head, why);
    if (error == TX_OK)
        error = settle(w, directory, tx_buf_view(&head), why);
    if (error == TX_OK) {
        *segment = w->segment;
        w->segment = (struct archive_segment){0};
    }
    tx_buf_deinit(&head);
    archive_segment_drop(writer);
    return error;
}

/* ---- reading ---- */

/* The first line, its end included. */
static enum tx_error read_line(int fd, const char *path, struct tx_buf *line, struct tx_why *why)
{
    char piece[4096];
    ssize_t n;
    while ((n = read(fd, piece, sizeof(piece))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return backup_fail(path, "read it", why);
        const char *end = memchr(piece, '\n', (size_t)n);
        tx_buf_append(line, tx_bytes(piece, end != NULL ? (size_t)(end - piece) + 1 : (size_t)n));
        if (line->failed)
            return tx_why(why, TX_ENOMEM, "%.300s: no memory to read it", path);
        if (end != NULL)
            return TX_OK;
        if (line->len > HEAD_MAX)
            break;
    }
    return backup_damaged(path, "it has no first line", why);
}

static enum tx_error read_head(int fd, const char *path, struct archive_segment *segment,
                               struct tx_why *why)
{
    struct tx_buf line = {0};
    struct stat st;
    if (fstat(fd, &st) != 0)
        return backup_fail(path, "read it", why);
    enum tx_error error = read_line(fd, path, &line, why);
    if (error == TX_OK)
        error = decode_head(tx_buf_view(&line), path, segment, why);
    segment->head = line.len;
    segment->stored = (uint64_t)st.st_size;
    if (error == TX_OK)
        error = backup_frame_said(path, fd, segment->stored, &segment->digest, why);
    tx_buf_deinit(&line);
    return error;
}

/* Its name says the same as its head. */
static enum tx_error check_name(const char *path, const struct archive_segment *segment,
                                struct tx_why *why)
{
    char name[ARCHIVE_SEGMENT_NAME];
    const char *slash = strrchr(path, '/');
    archive_segment_name(segment->first, segment->last, name);
    if (strcmp(slash != NULL ? slash + 1 : path, name) == 0)
        return TX_OK;
    return backup_damaged(path, "it holds something else than its name says", why);
}

enum tx_error archive_segment_open(const char *path, struct archive_segment *segment,
                                   struct tx_why *why)
{
    *segment = (struct archive_segment){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return backup_fail(path, "open it", why);
    enum tx_error error = read_head(fd, path, segment, why);
    (void)close(fd);
    if (error == TX_OK)
        error = check_name(path, segment, why);
    if (error != TX_OK)
        archive_segment_deinit(segment);
    return error;
}

struct visiting {
    const char *path;
    const struct archive_segment *segment;
    struct tx_lsn next;
    struct backup_records records;
    archive_visit *visit;
    void *arg;
};

static enum tx_error visit_record(void *arg, struct tx_bytes stored, struct tx_why *why)
{
    struct visiting *visiting = arg;
    struct txlog_front front;
    struct tx_why what;
    enum tx_error error = txlog_record_front(stored, &front, &what);
    if (error != TX_OK)
        return backup_damaged(visiting->path, what.text, why);
    if (front.lsn.n != visiting->next.n || front.lsn.n > visiting->segment->last.n)
        return backup_damaged(visiting->path, "its records do not follow one another", why);
    visiting->next.n++;
    return visiting->visit(visiting->arg, front.lsn, stored, why);
}

static enum tx_error take_piece(void *arg, struct tx_bytes bytes, struct tx_why *why)
{
    struct visiting *visiting = arg;
    return backup_records_take(&visiting->records, bytes, why);
}

enum tx_error archive_segment_each(const char *path, const struct archive_segment *segment,
                                   archive_visit *visit, void *arg, struct tx_why *why)
{
    struct visiting visiting = {
        .path = path, .segment = segment, .next = segment->first, .visit = visit, .arg = arg};
    struct backup_digest content;
    visiting.records.visit = visit_record;
    visiting.records.arg = &visiting;
    enum tx_error error =
        backup_frame_read(path, segment->head, take_piece, &visiting, &content, why);
    bool ended = visiting.records.pending.len == 0 && visiting.next.n == segment->last.n + 1;
    if (error == TX_OK && !ended)
        error = backup_damaged(path, "it does not end with its last record", why);
    tx_buf_deinit(&visiting.records.pending);
    return error;
}
