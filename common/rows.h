/* The rows of a scan, packed into the value of its result: for each row u32 length of the key, the
 * key, u32 length of the value, the value; in the order of the scan. Little-endian, nothing before
 * or behind. */
#ifndef ASSENT_COMMON_ROWS_H
#define ASSENT_COMMON_ROWS_H

#include "common/bytes.h"
#include "common/limits.h"

struct tx_row {
    struct tx_bytes key;
    struct tx_bytes value;
};

/* The packed size of one row. */
static inline size_t tx_row_size(struct tx_row row)
{
    return 4 + row.key.len + 4 + row.value.len;
}
_Static_assert(TX_ROWS_BYTES_MAX >= 4 + TX_KEY_MAX + 4 + TX_VALUE_MAX, "the longest row fits");

void tx_rows_add(struct tx_buf *out, struct tx_row row);

/* Takes the next row; false at the end, and from the first byte on that is no row (tx_reader_done()
 * is false then). The views borrow from the packed rows. Begin with tx_reader(packed). */
bool tx_rows_next(struct tx_reader *rows, struct tx_row *row);

/* How many rows there are; TX_EFORMAT when these bytes are no rows, or a key in them is empty or
 * too long. */
enum tx_error tx_rows_count(struct tx_bytes packed, size_t *n) TX_MUST_CHECK;

#endif
