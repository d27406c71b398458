/* The redo of the built-in key-value store. */
#include "txlog/redo.h"

#include "common/assert.h"
#include "common/limits.h"

enum redo_kind { REDO_PUT = 1, REDO_DELETE = 2 };

void redo_begin(struct tx_buf *out, uint32_t count)
{
    tx_buf_u32(out, count);
}

void redo_add(struct tx_buf *out, const struct redo_write *write)
{
    TX_ASSERT(write->space.len > 0 && write->space.len <= TX_SPACE_MAX);
    TX_ASSERT(!write->deleted || write->value.len == 0);
    tx_buf_u8(out, write->deleted ? REDO_DELETE : REDO_PUT);
    tx_buf_blob(out, write->space);
    tx_buf_blob(out, write->key);
    if (!write->deleted)
        tx_buf_blob(out, write->value);
}

static bool redo_next(struct tx_reader *r, struct redo_write *write)
{
    uint8_t kind = tx_read_u8(r);
    *write = (struct redo_write){.deleted = kind == REDO_DELETE};
    write->space = tx_read_blob(r);
    write->key = tx_read_blob(r);
    if (kind == REDO_PUT)
        write->value = tx_read_blob(r);
    bool known = kind == REDO_PUT || kind == REDO_DELETE;
    return known && !r->failed && write->space.len > 0 && write->space.len <= TX_SPACE_MAX;
}

/* One pass that only looks: a damaged redo must not be applied in part. */
static bool redo_is_whole(struct tx_bytes redo)
{
    struct tx_reader r = tx_reader(redo);
    struct redo_write write;
    uint32_t count = tx_read_u32(&r);
    for (uint32_t i = 0; i < count; i++) {
        if (!redo_next(&r, &write))
            return false;
    }
    return tx_reader_done(&r);
}

enum tx_error redo_each(struct tx_bytes redo,
                        enum tx_error (*visit)(void *arg, const struct redo_write *write),
                        void *arg)
{
    if (redo.len == 0)
        return TX_OK;
    if (!redo_is_whole(redo))
        return TX_ECORRUPT;
    struct tx_reader r = tx_reader(redo);
    struct redo_write write;
    uint32_t count = tx_read_u32(&r);
    for (uint32_t i = 0; i < count; i++) {
        bool whole = redo_next(&r, &write);
        TX_ASSERT(whole);
        enum tx_error error = visit(arg, &write);
        if (error != TX_OK)
            return error;
    }
    return TX_OK;
}

void redo_data_key(struct tx_bytes space, struct tx_bytes key, struct tx_buf *out)
{
    TX_ASSERT(space.len > 0 && space.len <= TX_SPACE_MAX);
    tx_buf_u8(out, (uint8_t)space.len);
    tx_buf_append(out, space);
    tx_buf_append(out, key);
}

enum tx_error redo_data_key_parse(struct tx_bytes data_key, struct tx_bytes *space,
                                  struct tx_bytes *key)
{
    struct tx_reader r = tx_reader(data_key);
    size_t space_len = tx_read_u8(&r);
    *space = tx_read_bytes(&r, space_len);
    *key = tx_read_bytes(&r, tx_reader_left(&r));
    bool good = !r.failed && space_len > 0 && space_len <= TX_SPACE_MAX;
    return good ? TX_OK : TX_ECORRUPT;
}
