/* Ranges and rows of scans. */
#include "client/client_range.h"

#include "common/rows.h"

#include <string.h>

static enum tx_error check_parts(const txclient_range *range, struct tx_why *why)
{
    const txclient_bytes *parts[] = {&range->from, &range->to, &range->prefix};
    bool whole = range->participant != NULL && range->space != NULL;
    for (size_t i = 0; i < 3; i++) {
        whole = whole && (parts[i]->data != NULL || parts[i]->len == 0);
    }
    if (!whole) {
        return tx_why(why, TX_EINVAL, "scan: a part of the range is NULL");
    }
    if (range->prefix.len > TX_KEY_MAX) {
        return tx_why(why, TX_ELIMIT, "scan: a prefix has at most %u bytes, not %zu", TX_KEY_MAX,
                      range->prefix.len);
    }
    return TX_OK;
}

/* The key right behind `key`: with a zero byte at its end. False when that is too long. */
static bool key_behind(struct tx_bytes key, uint8_t *room, struct tx_bytes *behind)
{
    if (key.len >= TX_BOUND_MAX) {
        return false;
    }
    /* The key may lie in the room already. */
    memmove(room, key.data, key.len);
    room[key.len] = 0;
    *behind = tx_bytes(room, key.len + 1);
    return true;
}

/* What is behind all keys with this prefix; empty when that is the end of the keyspace, as it is
 * for a prefix of 0xff alone. */
static struct tx_bytes prefix_end(struct tx_bytes prefix, uint8_t *room)
{
    size_t len = prefix.len;
    while (len > 0 && prefix.data[len - 1] == UINT8_MAX) {
        len--;
    }
    if (len > 0) {
        memcpy(room, prefix.data, len);
        room[len - 1]++;
    }
    return tx_bytes(room, len);
}

static enum tx_error fill_from(struct tx_op *op, const txclient_range *range, uint8_t *room,
                               struct tx_why *why)
{
    struct tx_bytes prefix = tx_bytes(range->prefix.data, range->prefix.len);
    op->key = tx_bytes(range->from.data, range->from.len);
    if (range->after && op->key.len > 0 && !key_behind(op->key, room, &op->key)) {
        return tx_why(why, TX_ELIMIT, "scan: an end of a range has at most %u bytes, not %zu",
                      TX_BOUND_MAX, op->key.len + 1);
    }
    if (tx_bytes_compare(op->key, prefix) < 0) {
        op->key = prefix;
    }
    return TX_OK;
}

static void fill_to(struct tx_op *op, const txclient_range *range, uint8_t *room)
{
    struct tx_bytes end = prefix_end(tx_bytes(range->prefix.data, range->prefix.len), room);
    op->to = tx_bytes(range->to.data, range->to.len);
    if (end.len > 0 && (op->to.len == 0 || tx_bytes_compare(end, op->to) < 0)) {
        op->to = end;
    }
}

enum tx_error client_range_fill(struct tx_op *op, const txclient_range *range,
                                struct client_range_room *room, struct tx_why *why)
{
    op->type = TX_OP_SCAN;
    enum tx_error error = check_parts(range, why);
    if (error != TX_OK) {
        return error;
    }
    if (tx_name_set(&op->participant, tx_bytes_str(range->participant)) != TX_OK) {
        char shown[64];
        return tx_why(why, TX_EINVAL, "scan: \"%s\" is no participant's name",
                      tx_bytes_print(tx_bytes_str(range->participant), shown, sizeof shown));
    }
    op->space = tx_bytes_str(range->space);
    fill_to(op, range, room->to);
    return fill_from(op, range, room->from, why);
}

bool client_range_advance(struct tx_op *op, struct tx_bytes last_key,
                          struct client_range_room *room)
{
    struct tx_bytes from = op->key;
    struct tx_bytes to = last_key;
    if (!op->reverse) {
        to = op->to;
        if (!key_behind(last_key, room->from, &from)) {
            return false;
        }
    }
    if (to.len > 0 && tx_bytes_compare(from, to) >= 0) {
        return false;
    }
    op->key = from;
    op->to = to;
    return true;
}

static bool in_range(const struct tx_op *op, struct tx_bytes key)
{
    return tx_bytes_compare(op->key, key) <= 0 &&
           (op->to.len == 0 || tx_bytes_compare(key, op->to) < 0);
}

static bool in_order(const struct tx_op *op, struct tx_bytes before, struct tx_bytes key)
{
    int order = tx_bytes_compare(before, key);
    return op->reverse ? order > 0 : order < 0;
}

bool client_rows_fit(const struct tx_op *op, const struct tx_result *result, struct tx_bytes *last)
{
    struct tx_reader rows = tx_reader(result->value);
    struct tx_row row;
    uint32_t n = 0;
    *last = (struct tx_bytes){0};
    while (tx_rows_next(&rows, &row)) {
        bool fits = in_range(op, row.key) && (n == 0 || in_order(op, *last, row.key));
        if (!fits || n == op->limit) {
            return false;
        }
        *last = row.key;
        n++;
    }
    return tx_reader_done(&rows) && (n > 0 || !result->found);
}
