/* Scans: a merge of three ordered sources.
 *
 * The log pushes its keys, one after the other; before each of them the changes that are held in
 * memory and come first are put out, and one of the same key replaces it. Keys are those of the
 * data (txlog/redo.h): within a keyspace they are in the order of its own keys. */
#include "participant/kv_scan.h"

#include "common/rows.h"
#include "txlog/redo.h"

/* Where one of the maps in memory has got to; `at` is NULL at the end of the range. */
struct cursor {
    const struct kv_map *map;
    const struct kv_entry *at;
};

struct scan {
    const struct tx_op *op;
    struct tx_buf from, to; /* of the data; never empty */
    size_t front;           /* bytes in front of a key, the same for the whole keyspace */
    struct cursor own, committed;
    struct tx_buf *rows;
    uint32_t rows_n;
    bool full;
};

/* ---- the bounds ---- */

/* The first key behind all that begin with these bytes. */
static void make_successor(struct tx_buf *prefix)
{
    while (prefix->data[prefix->len - 1] == 0xff)
        prefix->len--;
    prefix->data[prefix->len - 1]++;
}

static void make_bounds(struct scan *scan)
{
    const struct tx_op *op = scan->op;
    redo_data_key(op->space, op->key, &scan->from);
    redo_data_key(op->space, op->to, &scan->to);
    TX_NEED_MEMORY(!scan->from.failed && !scan->to.failed);
    if (op->to.len == 0)
        make_successor(&scan->to); /* the length in front is below 0xff */
    scan->front = 1 + op->space.len;
}

static bool is_inside(const struct scan *scan, struct tx_bytes key)
{
    return tx_bytes_compare(key, tx_buf_view(&scan->from)) >= 0 &&
           tx_bytes_compare(key, tx_buf_view(&scan->to)) < 0;
}

/* Does `a` come before `b` in the order of the scan (negative), or behind it? */
static int order(const struct scan *scan, struct tx_bytes a, struct tx_bytes b)
{
    int compared = tx_bytes_compare(a, b);
    return scan->op->reverse ? -compared : compared;
}

/* ---- what is in memory ---- */

static void stop_outside(const struct scan *scan, struct cursor *cursor)
{
    if (cursor->at != NULL && !is_inside(scan, kv_entry_key(cursor->at)))
        cursor->at = NULL;
}

static struct cursor cursor_begin(const struct scan *scan, const struct kv_map *map)
{
    struct cursor cursor = {.map = map};
    cursor.at = scan->op->reverse ? kv_map_before(map, tx_buf_view(&scan->to))
                                  : kv_map_at_or_after(map, tx_buf_view(&scan->from));
    stop_outside(scan, &cursor);
    return cursor;
}

static void cursor_step(const struct scan *scan, struct cursor *cursor)
{
    cursor->at = scan->op->reverse ? kv_map_before(cursor->map, kv_entry_key(cursor->at))
                                   : kv_map_next(cursor->map, cursor->at);
    stop_outside(scan, cursor);
}

/* Whichever of the two comes first; of the same key, the transaction's own. NULL at the end. */
static const struct kv_entry *held_first(const struct scan *scan)
{
    const struct kv_entry *own = scan->own.at;
    const struct kv_entry *committed = scan->committed.at;
    if (own == NULL || committed == NULL)
        return own != NULL ? own : committed;
    return order(scan, kv_entry_key(own), kv_entry_key(committed)) <= 0 ? own : committed;
}

/* Goes behind the key of `first`, in both maps. */
static void held_pass(struct scan *scan, const struct kv_entry *first)
{
    struct tx_bytes key = kv_entry_key(first);
    if (scan->own.at != NULL && tx_bytes_equal(kv_entry_key(scan->own.at), key))
        cursor_step(scan, &scan->own);
    if (scan->committed.at != NULL && tx_bytes_equal(kv_entry_key(scan->committed.at), key))
        cursor_step(scan, &scan->committed);
}

/* ---- rows; false: the scan is full ---- */

static bool put_row(struct scan *scan, struct tx_bytes data_key, struct tx_bytes value)
{
    struct tx_row row = {tx_bytes(data_key.data + scan->front, data_key.len - scan->front), value};
    if (scan->rows_n > 0 && scan->rows->len + tx_row_size(row) > TX_SCAN_BYTES_MAX) {
        scan->full = true;
        return false;
    }
    tx_rows_add(scan->rows, row);
    TX_NEED_MEMORY(!scan->rows->failed);
    scan->rows_n++;
    scan->full = scan->rows_n == scan->op->limit;
    return !scan->full;
}

static bool put_held(struct scan *scan, const struct kv_entry *entry)
{
    held_pass(scan, entry);
    return entry->deleted || put_row(scan, kv_entry_key(entry), kv_entry_value(entry));
}

static bool put_stored(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    struct scan *scan = arg;
    const struct kv_entry *held;
    while ((held = held_first(scan)) != NULL) {
        int compared = order(scan, kv_entry_key(held), key);
        if (compared > 0)
            break;
        if (compared == 0)
            return put_held(scan, held);
        if (!put_held(scan, held))
            return false;
    }
    return put_row(scan, key, value);
}

enum tx_error kv_scan(struct txlog *log, struct kv_overlay *overlay, const struct kv_writeset *own,
                      const struct tx_op *op, struct tx_buf *rows, bool *more, struct tx_why *why)
{
    TX_ASSERT(op->type == TX_OP_SCAN && op->limit > 0);
    struct scan scan = {.op = op, .rows = rows};
    tx_buf_clear(rows);
    make_bounds(&scan);
    scan.own = cursor_begin(&scan, &own->entries);
    scan.committed = cursor_begin(&scan, kv_overlay_order(overlay));
    struct txlog_range range = {tx_buf_view(&scan.from), tx_buf_view(&scan.to), op->reverse};
    enum tx_error error = txlog_data_scan(log, &range, put_stored, &scan, why);
    const struct kv_entry *held;
    while (error == TX_OK && !scan.full && (held = held_first(&scan)) != NULL)
        (void)put_held(&scan, held);
    *more = scan.full;
    tx_buf_deinit(&scan.from);
    tx_buf_deinit(&scan.to);
    return error;
}
