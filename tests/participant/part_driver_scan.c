/* The driver's resource manager: scans. */
#include "part_driver.h"

#include "common/assert.h"
#include "common/rows.h"

#include <stdlib.h>

static int by_key(const void *a, const void *b)
{
    const struct tx_row *x = a;
    const struct tx_row *y = b;
    return tx_bytes_compare(x->key, y->key);
}

/* What the transaction sees of the data, its own writes on top; in no order. */
static size_t see_all(const struct driver *d, const struct driver_rm_tx *tx, struct tx_row *rows)
{
    size_t n = 0;
    for (; n < d->data_n; n++)
        rows[n] = (struct tx_row){tx_buf_view(&d->data[n].key), tx_buf_view(&d->data[n].value)};
    for (size_t i = 0; i < tx->writes_n; i++) {
        struct tx_bytes key = tx_buf_view(&tx->writes[i].key);
        size_t at = 0;
        while (at < n && !tx_bytes_equal(rows[at].key, key))
            at++;
        if (tx->writes[i].deleted && at < n)
            rows[at] = rows[--n];
        else if (!tx->writes[i].deleted)
            rows[at] = (struct tx_row){key, tx_buf_view(&tx->writes[i].value)};
        n += !tx->writes[i].deleted && at == n;
    }
    return n;
}

struct tx_result driver_scan(struct driver *d, const struct driver_rm_tx *tx,
                             const struct tx_op *op)
{
    struct tx_row *rows = tx_xcalloc(d->data_n + tx->writes_n + 1, sizeof *rows);
    size_t n = see_all(d, tx, rows);
    struct tx_buf packed = {0};
    struct tx_result result = {0};
    uint32_t taken = 0;
    qsort(rows, n, sizeof *rows, by_key);
    for (size_t i = 0; i < n && !result.found; i++) {
        const struct tx_row *row = &rows[op->reverse ? n - 1 - i : i];
        if (tx_bytes_compare(row->key, op->key) < 0 ||
            (op->to.len > 0 && tx_bytes_compare(row->key, op->to) >= 0))
            continue;
        tx_rows_add(&packed, *row);
        result.found = ++taken == op->limit;
    }
    result.value = tx_arena_copy(&d->arena, tx_buf_view(&packed));
    tx_buf_deinit(&packed);
    free(rows);
    return result;
}
