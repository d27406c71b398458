/* The key of a record in the log's column family: the LSN, 8 bytes, big-endian, so that the order
 * of keys is the order of LSNs. */
#ifndef ASSENT_TXLOG_LSN_KEY_H
#define ASSENT_TXLOG_LSN_KEY_H

#include "common/ids.h"

struct lsn_key {
    uint8_t bytes[8];
};

static inline struct lsn_key lsn_key(uint64_t lsn)
{
    struct lsn_key key;
    for (unsigned i = 0; i < sizeof(key.bytes); i++)
        key.bytes[i] = (uint8_t)(lsn >> (56 - 8 * i));
    return key;
}

static inline struct tx_bytes lsn_key_view(const struct lsn_key *key)
{
    return tx_bytes(key->bytes, sizeof(key->bytes));
}

/* False when the bytes are no such key. */
static inline bool lsn_key_parse(struct tx_bytes key, struct tx_lsn *lsn)
{
    if (key.len != sizeof(struct lsn_key))
        return false;
    lsn->n = 0;
    for (size_t i = 0; i < key.len; i++)
        lsn->n = lsn->n << 8 | key.data[i];
    return true;
}

#endif
