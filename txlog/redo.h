/* The redo of the built-in key-value store: its held-back writes, in order of their first write.
 *
 *   u32 count, then count times: u8 kind (1 put, 2 delete), blob space, blob key, and for a put
 *   blob value */
#ifndef ASSENT_TXLOG_REDO_H
#define ASSENT_TXLOG_REDO_H

#include "common/bytes.h"

struct redo_write {
    struct tx_bytes space;
    struct tx_bytes key;
    bool deleted;
    struct tx_bytes value; /* empty when deleted */
};

void redo_begin(struct tx_buf *out, uint32_t count);
void redo_add(struct tx_buf *out, const struct redo_write *write);

/* Calls `visit` for every write; stops at its first error and returns that. TX_ECORRUPT when the
 * bytes are no redo; an empty input is an empty redo. */
enum tx_error redo_each(struct tx_bytes redo,
                        enum tx_error (*visit)(void *arg, const struct redo_write *write),
                        void *arg) TX_MUST_CHECK;

/* The key of a write in the data column family: u8 length of the space, the space, the key. */
void redo_data_key(struct tx_bytes space, struct tx_bytes key, struct tx_buf *out);
/* The other way round; TX_ECORRUPT when it is no such key. */
enum tx_error redo_data_key_parse(struct tx_bytes data_key, struct tx_bytes *space,
                                  struct tx_bytes *key) TX_MUST_CHECK;

#endif
