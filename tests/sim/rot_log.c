#include "rot_log.h"

#include "common/assert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_AT  5u
#define LSN_AT   8u
#define START_AT 16u

static const struct rot_log *rot_of(const struct txlog *log)
{
    return (const struct rot_log *)(const void *)log;
}

/* ---- the log's functions that a starting node uses ---- */

static enum tx_error check_record(struct tx_lsn lsn, struct tx_bytes stored, struct tx_why *why)
{
    struct txlog_front front = {.type = TXLOG_NONE};
    struct tx_why what;
    enum tx_error error = txlog_record_front(stored, &front, &what);

    if (error != TX_OK)
        return tx_why(why, error, "LSN %" PRIu64 ": %s", lsn.n, what.text);
    if (front.lsn.n != lsn.n)
        return tx_why(why, TX_ECORRUPT, "LSN %" PRIu64 ": the record says that it is LSN %" PRIu64,
                      lsn.n, front.lsn.n);
    return TX_OK;
}

static enum tx_error log_get(struct txlog *log, struct tx_lsn lsn, struct tx_buf *out,
                             struct tx_why *why)
{
    const struct rot_log *rot = rot_of(log);

    if (lsn.n <= rot->before || lsn.n > rot->before + rot->n)
        return tx_why(why, TX_ENOTFOUND, "no such record");
    tx_buf_clear(out);
    tx_buf_append(out, rot->records[lsn.n - rot->before - 1]);
    return out->failed ? TX_ENOMEM : TX_OK;
}

static enum tx_error log_each(struct txlog *log, struct tx_lsn first, struct tx_lsn last,
                              enum tx_error (*visit)(void *, struct tx_lsn, struct tx_bytes),
                              void *arg, struct tx_why *why)
{
    const struct rot_log *rot = rot_of(log);
    enum tx_error error = TX_OK;

    TX_ASSERT(first.n > rot->before && last.n <= rot->before + rot->n);
    for (uint64_t n = first.n; error == TX_OK && n <= last.n; n++) {
        struct tx_bytes stored = rot->records[n - rot->before - 1];

        error = check_record((struct tx_lsn){n}, stored, why);
        if (error == TX_OK)
            error = visit(arg, (struct tx_lsn){n}, stored);
    }
    return error;
}

static enum tx_error log_data_get(struct txlog *log, struct tx_bytes key, struct tx_buf *out,
                                  struct tx_why *why)
{
    return txlog_data_get(rot_of(log)->sound, key, out, why);
}

static enum tx_error log_data_scan(struct txlog *log, const struct txlog_range *range,
                                   bool (*visit)(void *, struct tx_bytes key,
                                                 struct tx_bytes value),
                                   void *arg, struct tx_why *why)
{
    return txlog_data_scan(rot_of(log)->sound, range, visit, arg, why);
}

static struct tx_lsn log_first(const struct txlog *log)
{
    return (struct tx_lsn){rot_of(log)->n > 0 ? rot_of(log)->before + 1 : 0};
}

static struct tx_lsn log_last(const struct txlog *log)
{
    return (struct tx_lsn){rot_of(log)->before + rot_of(log)->n};
}

static uint64_t log_last_start(const struct txlog *log)
{
    const struct rot_log *rot = rot_of(log);
    uint64_t last = 0;

    for (size_t i = 0; i < rot->n; i++) {
        uint64_t start = 0;

        if (rot->records[i].len >= TXLOG_FRONT_BYTES) {
            struct tx_reader r = tx_reader(tx_bytes(rot->records[i].data + START_AT, 8));

            start = tx_read_u64(&r);
        }
        if (start > last)
            last = start;
    }
    return last;
}

static const struct txlog_vtable vtable = {
    .get = log_get,
    .each = log_each,
    .data_get = log_data_get,
    .data_scan = log_data_scan,
    .first = log_first,
    .last = log_last,
    .last_start = log_last_start,
};

/* ---- its making ---- */

static void grow(struct rot_log *rot)
{
    if (rot->n == rot->capacity) {
        rot->capacity = rot->capacity * 2 + 256;
        rot->records = tx_xrealloc(rot->records, rot->capacity * sizeof *rot->records);
    }
}

static enum tx_error borrow(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    struct rot_log *rot = arg;

    TX_ASSERT(lsn.n == rot->before + 1 + rot->n);
    grow(rot);
    rot->records[rot->n++] = stored;
    return TX_OK;
}

void rot_log_init(struct rot_log *rot, struct txlog *sound)
{
    struct tx_lsn first = txlog_first(sound);
    enum tx_error error = TX_OK;

    *rot = (struct rot_log){.log = {.vtable = &vtable}, .sound = sound};
    rot->before = first.n > 0 ? first.n - 1 : 0;
    if (first.n > 0)
        error = txlog_each(sound, first, txlog_last(sound), borrow, rot, NULL);
    TX_ASSERT(error == TX_OK);
}

void rot_log_deinit(struct rot_log *rot)
{
    free(rot->records);
    tx_arena_deinit(&rot->arena);
    tx_buf_deinit(&rot->scratch);
}

/* ---- reading and changing ---- */

enum txlog_type rot_log_type(const struct rot_log *rot, size_t i)
{
    return rot->records[i].len > TYPE_AT ? rot->records[i].data[TYPE_AT] : TXLOG_NONE;
}

bool rot_log_read(struct rot_log *rot, size_t i, struct txlog_record *record)
{
    return txlog_record_decode(rot->records[i], &rot->arena, record, NULL) == TX_OK;
}

uint8_t *rot_log_bytes(struct rot_log *rot, size_t i, size_t len)
{
    struct tx_bytes old = rot->records[i];
    uint8_t *bytes = tx_arena_alloc(&rot->arena, len, 1);

    TX_ASSERT(bytes != NULL);
    if (len > 0 && old.len > 0)
        memcpy(bytes, old.data, old.len < len ? old.len : len);
    rot->records[i] = tx_bytes(bytes, len);
    return bytes;
}

static void put(uint8_t *out, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static void seal(uint8_t *bytes, size_t len)
{
    put(bytes, tx_crc32c(0, tx_bytes(bytes + 4, len - 4)), 4);
}

void rot_log_seal(struct rot_log *rot, size_t i)
{
    size_t len = rot->records[i].len;

    if (len >= TXLOG_FRONT_BYTES)
        seal(rot_log_bytes(rot, i, len), len);
}

static struct tx_bytes keep(struct rot_log *rot, struct tx_bytes bytes)
{
    struct tx_bytes kept = tx_arena_copy(&rot->arena, bytes);

    TX_ASSERT(kept.len == bytes.len);
    return kept;
}

void rot_log_write(struct rot_log *rot, size_t i, const struct txlog_record *record)
{
    enum tx_error error;

    tx_buf_clear(&rot->scratch);
    error = txlog_record_encode(record, &rot->scratch);
    TX_ASSERT(error == TX_OK);
    rot->records[i] = keep(rot, tx_buf_view(&rot->scratch));
}

void rot_log_insert(struct rot_log *rot, size_t i, struct tx_bytes stored)
{
    TX_ASSERT(i <= rot->n);
    grow(rot);
    memmove(rot->records + i + 1, rot->records + i, (rot->n - i) * sizeof *rot->records);
    rot->records[i] = stored;
    rot->n++;
}

void rot_log_remove(struct rot_log *rot, size_t i)
{
    TX_ASSERT(i < rot->n);
    rot->n--;
    memmove(rot->records + i, rot->records + i + 1, (rot->n - i) * sizeof *rot->records);
}

void rot_log_swap(struct rot_log *rot, size_t i, size_t j)
{
    struct tx_bytes kept = rot->records[i];

    rot->records[i] = rot->records[j];
    rot->records[j] = kept;
}

void rot_log_renumber(struct rot_log *rot, size_t i)
{
    for (; i < rot->n; i++) {
        size_t len = rot->records[i].len;
        uint8_t *bytes;

        if (len < TXLOG_FRONT_BYTES)
            continue;
        bytes = rot_log_bytes(rot, i, len);
        put(bytes + LSN_AT, rot->before + 1 + i, 8);
        seal(bytes, len);
    }
}
