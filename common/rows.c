/* The rows of a scan, packed. */
#include "common/rows.h"

void tx_rows_add(struct tx_buf *out, struct tx_row row)
{
    tx_buf_blob(out, row.key);
    tx_buf_blob(out, row.value);
}

bool tx_rows_next(struct tx_reader *rows, struct tx_row *row)
{
    if (rows->failed || tx_reader_left(rows) == 0) {
        return false;
    }
    row->key = tx_read_blob(rows);
    row->value = tx_read_blob(rows);
    if (row->key.len == 0 || row->key.len > TX_KEY_MAX || row->value.len > TX_VALUE_MAX) {
        rows->failed = true;
    }
    return !rows->failed;
}

enum tx_error tx_rows_count(struct tx_bytes packed, size_t *n)
{
    struct tx_reader rows = tx_reader(packed);
    struct tx_row row;
    *n = 0;
    while (tx_rows_next(&rows, &row)) {
        (*n)++;
    }
    return tx_reader_done(&rows) ? TX_OK : TX_EFORMAT;
}
