/* A key of the data with its hash, which is made once for each operation. */
#ifndef ASSENT_PARTICIPANT_KV_KEY_H
#define ASSENT_PARTICIPANT_KV_KEY_H

#include "common/bytes.h"

struct kv_key {
    struct tx_bytes bytes; /* as redo_data_key() makes it; borrowed */
    uint64_t hash;         /* of them */
};

static inline struct kv_key kv_key(struct tx_bytes bytes)
{
    return (struct kv_key){.bytes = bytes, .hash = tx_bytes_hash(bytes, 0)};
}

#endif
