/* A zstd frame with a checksum of its file behind. */
#include "txlog/backup/backup_frame.h"

#include "txlog/backup/backup_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

/* The quickest: a backup shares the processor with the daemon that it is of. */
#define LEVEL       1
#define PIECE       (256u * 1024u)
#define TRAIL_MAGIC 0x184D2A5Au

/* ---- writing ---- */

struct backup_frame_writer {
    backup_frame_put *put;
    void *arg;
    ZSTD_CCtx *zstd;
    uint8_t out[PIECE];
};

struct backup_frame_writer *backup_frame_begin(backup_frame_put *put, void *arg)
{
    struct backup_frame_writer *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return NULL;
    w->put = put;
    w->arg = arg;
    w->zstd = ZSTD_createCCtx();
    if (w->zstd == NULL)
        backup_frame_destroy(&w);
    else
        (void)ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, LEVEL);
    return w;
}

void backup_frame_destroy(struct backup_frame_writer **writer)
{
    if (*writer != NULL)
        (void)ZSTD_freeCCtx((*writer)->zstd);
    free(*writer);
    *writer = NULL;
}

/* Gives `bytes` to zstd until it has taken all, and with ZSTD_e_end until it has given all. */
static enum tx_error compress(struct backup_frame_writer *w, struct tx_bytes bytes,
                              ZSTD_EndDirective directive, struct tx_why *why)
{
    ZSTD_inBuffer in = {bytes.data, bytes.len, 0};
    size_t left;
    do {
        ZSTD_outBuffer out = {w->out, sizeof(w->out), 0};
        left = ZSTD_compressStream2(w->zstd, &out, &in, directive);
        if (ZSTD_isError(left))
            return tx_why(why, TX_ENOMEM, "cannot compress: %s", ZSTD_getErrorName(left));
        enum tx_error error = out.pos > 0 ? w->put(w->arg, tx_bytes(w->out, out.pos), why) : TX_OK;
        if (error != TX_OK)
            return error;
    } while (directive == ZSTD_e_end ? left > 0 : in.pos < in.size);
    return TX_OK;
}

enum tx_error backup_frame_add(struct backup_frame_writer *writer, struct tx_bytes bytes,
                               struct tx_why *why)
{
    return compress(writer, bytes, ZSTD_e_continue, why);
}

enum tx_error backup_frame_end(struct backup_frame_writer *writer, struct tx_why *why)
{
    return compress(writer, tx_bytes(NULL, 0), ZSTD_e_end, why);
}

static void put_u32(uint8_t *to, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

void backup_frame_trail(const struct backup_digest *file, uint8_t trail[BACKUP_FRAME_TRAIL])
{
    put_u32(trail, TRAIL_MAGIC);
    put_u32(trail + 4, BACKUP_DIGEST_BYTES);
    memcpy(trail + 8, file->bytes, BACKUP_DIGEST_BYTES);
}

/* ---- reading ---- */

struct reading {
    const char *path;
    int fd;
    uint64_t frame_left; /* bytes of the file before its trail */
    ZSTD_DCtx *zstd;
    struct backup_hasher *content, *file;
    bool ended; /* the frame has */
    enum tx_error (*visit)(void *arg, struct tx_bytes bytes, struct tx_why *why);
    void *arg;
    uint8_t in[PIECE], out[PIECE];
};

enum tx_error backup_damaged(const char *path, const char *what, struct tx_why *why)
{
    return tx_why(why, TX_ECORRUPT,
                  "%.300s: is damaged: %s; take another backup, or put the file from a copy in its "
                  "place",
                  path, what);
}

static enum tx_error read_some(const struct reading *r, uint8_t *to, size_t len, struct tx_why *why)
{
    size_t at = 0;
    while (at < len) {
        ssize_t n = read(r->fd, to + at, len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return backup_fail(r->path, "read it", why);
        if (n == 0)
            return backup_damaged(r->path, "it is shorter than it was", why);
        at += (size_t)n;
    }
    return TX_OK;
}

static enum tx_error decompress(struct reading *r, size_t len, struct tx_why *why)
{
    ZSTD_inBuffer in = {r->in, len, 0};
    bool full = false;
    while (in.pos < in.size || full) {
        if (r->ended)
            return backup_damaged(r->path, "something stands behind its end", why);
        ZSTD_outBuffer out = {r->out, sizeof(r->out), 0};
        size_t left = ZSTD_decompressStream(r->zstd, &out, &in);
        if (ZSTD_isError(left))
            return backup_damaged(r->path, ZSTD_getErrorName(left), why);
        r->ended = left == 0;
        full = out.pos == out.size && !r->ended;
        struct tx_bytes piece = tx_bytes(r->out, out.pos);
        backup_hasher_add(r->content, piece);
        enum tx_error error = piece.len > 0 ? r->visit(r->arg, piece, why) : TX_OK;
        if (error != TX_OK)
            return error;
    }
    return TX_OK;
}

static enum tx_error read_frame(struct reading *r, struct tx_why *why)
{
    enum tx_error error = TX_OK;
    while (r->frame_left > 0 && error == TX_OK) {
        size_t len = r->frame_left < PIECE ? (size_t)r->frame_left : PIECE;
        error = read_some(r, r->in, len, why);
        if (error == TX_OK) {
            backup_hasher_add(r->file, tx_bytes(r->in, len));
            error = decompress(r, len, why);
        }
        r->frame_left -= len;
    }
    if (error == TX_OK && !r->ended)
        return backup_damaged(r->path, "its end is missing", why);
    return error;
}

static enum tx_error check_trail(struct reading *r, struct tx_why *why)
{
    uint8_t expected[BACKUP_FRAME_TRAIL], found[BACKUP_FRAME_TRAIL];
    struct backup_digest file = backup_hasher_end(r->file);
    enum tx_error error = read_some(r, found, sizeof(found), why);
    backup_frame_trail(&file, expected);
    if (error == TX_OK && memcmp(expected, found, sizeof(found)) != 0)
        return backup_damaged(r->path, "it does not have the checksum that it ends with", why);
    return error;
}

static enum tx_error open_file(struct reading *r, uint64_t at, struct tx_why *why)
{
    struct stat st;
    r->zstd = ZSTD_createDCtx();
    r->content = backup_hasher_new();
    r->file = backup_hasher_new();
    if (r->zstd == NULL || r->content == NULL || r->file == NULL)
        return tx_why(why, TX_ENOMEM, "%.300s: no memory to read it", r->path);
    r->fd = open(r->path, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0)
        return backup_fail(r->path, "open it", why);
    if (fstat(r->fd, &st) != 0)
        return backup_fail(r->path, "read it", why);
    if ((uint64_t)st.st_size < BACKUP_FRAME_TRAIL + at)
        return backup_damaged(r->path, "it is too short", why);
    r->frame_left = (uint64_t)st.st_size - BACKUP_FRAME_TRAIL - at;
    return TX_OK;
}

/* What stands before the frame counts for the checksum as well. */
static enum tx_error read_front(struct reading *r, uint64_t at, struct tx_why *why)
{
    enum tx_error error = TX_OK;
    while (at > 0 && error == TX_OK) {
        size_t len = at < PIECE ? (size_t)at : PIECE;
        error = read_some(r, r->in, len, why);
        if (error == TX_OK)
            backup_hasher_add(r->file, tx_bytes(r->in, len));
        at -= len;
    }
    return error;
}

static enum tx_error read_all(struct reading *r, uint64_t at, struct backup_digest *content,
                              struct tx_why *why)
{
    enum tx_error error = open_file(r, at, why);
    if (error == TX_OK)
        error = read_front(r, at, why);
    if (error == TX_OK)
        error = read_frame(r, why);
    if (error == TX_OK)
        error = check_trail(r, why);
    if (error == TX_OK)
        *content = backup_hasher_end(r->content);
    return error;
}

enum tx_error backup_frame_read(const char *path, uint64_t at,
                                enum tx_error (*visit)(void *arg, struct tx_bytes bytes,
                                                       struct tx_why *why),
                                void *arg, struct backup_digest *content, struct tx_why *why)
{
    struct reading *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return tx_why(why, TX_ENOMEM, "%.300s: no memory to read it", path);
    r->path = path;
    r->fd = -1;
    r->visit = visit;
    r->arg = arg;
    enum tx_error error = read_all(r, at, content, why);
    if (r->fd >= 0)
        (void)close(r->fd);
    (void)ZSTD_freeDCtx(r->zstd);
    backup_hasher_destroy(&r->content);
    backup_hasher_destroy(&r->file);
    free(r);
    return error;
}

enum tx_error backup_frame_said(const char *path, int fd, uint64_t file_bytes,
                                struct backup_digest *digest, struct tx_why *why)
{
    uint8_t expected[BACKUP_FRAME_TRAIL], found[BACKUP_FRAME_TRAIL];
    if (file_bytes < sizeof(found))
        return backup_damaged(path, "it is too short", why);
    ssize_t n = pread(fd, found, sizeof(found), (off_t)(file_bytes - sizeof(found)));
    if (n < 0)
        return backup_fail(path, "read it", why);
    memcpy(digest->bytes, found + 8, sizeof(digest->bytes));
    backup_frame_trail(digest, expected);
    if ((size_t)n != sizeof(found) || memcmp(expected, found, sizeof(found)) != 0)
        return backup_damaged(path, "its end is missing", why);
    return TX_OK;
}
