/* Scans: a cursor over a range in an interactive transaction, and the rows in a scan's value. */
#include "client/client_shell.h"

#include "common/assert.h"
#include "common/rows.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_ROWS_DEFAULT 1000u

/* ---- cursors ---- */

/* A field exists when the caller's struct is large enough to hold it. */
#define GIVEN(options, field)                                                                      \
    ((options) != NULL &&                                                                          \
     (options)->size >= offsetof(txclient_scan_options, field) + sizeof(options)->field)

static void take_options(txclient_cursor *cursor, const txclient_scan_options *options)
{
    cursor->left = GIVEN(options, limit) && options->limit > 0 ? options->limit : UINT64_MAX;
    cursor->page_rows = GIVEN(options, page_rows) && options->page_rows > 0 ? options->page_rows
                                                                            : PAGE_ROWS_DEFAULT;
    cursor->op.reverse = GIVEN(options, reverse) && options->reverse;
    cursor->op.limit = cursor->page_rows;
}

/* Replaces what the range borrows by copies of the cursor's own. */
static void own_range(txclient_cursor *cursor)
{
    struct tx_op *op = &cursor->op;
    struct tx_bytes *const ends[] = {&op->key, &op->to, &op->space};
    uint8_t *const rooms[] = {cursor->room.from, cursor->room.to, (uint8_t *)cursor->space};
    for (size_t i = 0; i < 3; i++) {
        if (ends[i]->len > 0 && ends[i]->data != rooms[i]) {
            memcpy(rooms[i], ends[i]->data, ends[i]->len);
        }
        ends[i]->data = rooms[i];
    }
}

static enum tx_error cursor_init(txclient_cursor *cursor, const txclient_range *range,
                                 const txclient_scan_options *options, struct tx_why *why)
{
    take_options(cursor, options);
    enum tx_error error = client_range_fill(&cursor->op, range, &cursor->room, why);
    if (error == TX_OK) {
        error = tx_op_validate(&cursor->op, why);
    }
    if (error == TX_OK) {
        own_range(cursor);
    }
    return error;
}

static void cursor_link(txclient_cursor *cursor, txclient_tx *tx)
{
    cursor->tx = tx;
    cursor->next = tx->cursors;
    if (cursor->next != NULL) {
        cursor->next->previous = cursor;
    }
    tx->cursors = cursor;
}

static txclient_status cursor_new(txclient_tx *tx, struct client_detail *detail,
                                  const txclient_range *range, const txclient_scan_options *options,
                                  txclient_cursor **out)
{
    struct tx_why why;
    txclient_status status = client_tx_usable(tx, detail);
    if (status != TXCLIENT_OK) {
        return status;
    }
    txclient_cursor *cursor = calloc(1, sizeof *cursor);
    if (cursor == NULL) {
        return client_fail(detail, TXCLIENT_ENOMEM, "out of memory");
    }
    enum tx_error error = cursor_init(cursor, range, options, &why);
    if (error != TX_OK) {
        free(cursor);
        return client_fail(detail, client_status_of(error), "%s", why.text);
    }
    if (client_find_node(tx, &cursor->op.participant, detail) == NULL) {
        free(cursor);
        return TXCLIENT_EINVAL;
    }
    cursor_link(cursor, tx);
    *out = cursor;
    return TXCLIENT_OK;
}

txclient_status txclient_scan(txclient_tx *tx, const txclient_range *range,
                              const txclient_scan_options *options, txclient_cursor **out)
{
    *out = NULL;
    txclient *client = tx->client;
    struct client_thread *self = client != NULL ? client_enter(client) : NULL;
    if (self == NULL) {
        return client != NULL ? TXCLIENT_ENOMEM : TXCLIENT_ESTATE;
    }
    txclient_status status = cursor_new(tx, &self->detail, range, options, out);
    client_unlock(client);
    return status;
}

/* Reads what comes behind the rows that were given. */
static txclient_status fetch_page(txclient_cursor *cursor, struct client_thread *self)
{
    struct tx_op *op = &cursor->op;
    txclient_value value = {0};
    struct tx_bytes last;
    op->limit = cursor->left < cursor->page_rows ? (uint32_t)cursor->left : cursor->page_rows;
    txclient_status status = client_execute(cursor->tx, self, op, 1, &value);
    if (status != TXCLIENT_OK) {
        return status;
    }
    struct tx_result result = {.found = value.found, .value = tx_bytes(value.data, value.len)};
    bool fits = client_rows_fit(op, &result, &last);
    TX_ASSERT(fits); /* or its answer would not have been taken */
    cursor->rows = tx_reader(result.value);
    cursor->over = !value.found || !client_range_advance(op, last, &cursor->room);
    return TXCLIENT_OK;
}

static txclient_row row_of(struct tx_row row)
{
    return (txclient_row){
        .key = txclient_data(row.key.data, row.key.len),
        .value =
            txclient_data(row.value.len > 0 ? (const void *)row.value.data : "", row.value.len)};
}

txclient_status txclient_scan_next(txclient_cursor *cursor, txclient_row *row, bool *found)
{
    struct tx_row next;
    *row = (txclient_row){.key = txclient_str(""), .value = txclient_str("")};
    *found = false;
    txclient *client = cursor->tx != NULL ? cursor->tx->client : NULL;
    struct client_thread *self = client != NULL ? client_enter(client) : NULL;
    if (self == NULL) {
        return client != NULL ? TXCLIENT_ENOMEM : TXCLIENT_ESTATE;
    }
    txclient_status status = client_tx_usable(cursor->tx, &self->detail);
    if (status == TXCLIENT_OK && tx_reader_left(&cursor->rows) == 0 && !cursor->over &&
        cursor->left > 0) {
        status = fetch_page(cursor, self);
    }
    if (status == TXCLIENT_OK && tx_rows_next(&cursor->rows, &next)) {
        cursor->left--;
        *row = row_of(next);
        *found = true;
    }
    client_unlock(client);
    return status;
}

void txclient_scan_close(txclient_cursor **cursor)
{
    txclient_cursor *closed = *cursor;
    if (closed == NULL) {
        return;
    }
    if (closed->next != NULL) {
        closed->next->previous = closed->previous;
    }
    if (closed->previous != NULL) {
        closed->previous->next = closed->next;
    } else if (closed->tx != NULL) {
        closed->tx->cursors = closed->next;
    }
    free(closed);
    *cursor = NULL;
}

void client_cursors_orphan(txclient_tx *tx)
{
    while (tx->cursors != NULL) {
        txclient_cursor *cursor = tx->cursors;
        tx->cursors = cursor->next;
        cursor->next = NULL;
        cursor->previous = NULL;
        cursor->tx = NULL;
    }
}

/* ---- rows of a value ---- */

bool txclient_rows_next(txclient_rows *rows, txclient_row *row)
{
    struct tx_reader reader = tx_reader(tx_bytes(rows->data, rows->len));
    struct tx_row next;
    if (!tx_rows_next(&reader, &next)) {
        *row = (txclient_row){.key = txclient_str(""), .value = txclient_str("")};
        rows->len = 0; /* a value that is no rows has none */
        return false;
    }
    *row = row_of(next);
    size_t taken = tx_row_size(next);
    rows->data = (const uint8_t *)rows->data + taken;
    rows->len -= taken;
    return true;
}

bool txclient_rows_more(const txclient_value *value, const txclient_range *range, bool reverse,
                        txclient_range *rest)
{
    txclient_rows rows = txclient_rows_of(value);
    txclient_row row, last = {0};
    while (value->found && txclient_rows_next(&rows, &row)) {
        last = row;
    }
    if (last.key.len == 0) {
        return false;
    }
    txclient_range left = *range;
    if (reverse) {
        left.to = last.key;
    } else {
        left.from = last.key;
        left.after = true;
    }
    struct tx_op op = {.limit = 1};
    struct client_range_room room;
    struct tx_why why;
    if (client_range_fill(&op, &left, &room, &why) != TX_OK || tx_op_validate(&op, &why) != TX_OK) {
        return false;
    }
    if (rest != NULL) {
        *rest = left;
    }
    return true;
}
