/* The built-in key-value store: a resource manager (participant/rm.h) that keeps its data in the
 * participant's own RocksDB, beside the log, so that a commit and its record are one atomic batch.
 *
 * Writes are held back in the transaction's write set until commit, visible to its own reads only.
 * A read looks at the write set, then at the overlay (committed, but perhaps not on disk yet), then
 * at the cache, then at RocksDB. The store takes no locks: the caller holds them. It always answers
 * at once.
 *
 * What the calls of rm.h answer here, beyond what is said there:
 *
 *   execute   RM_OK; RM_ROLLED_BACK when the operation cannot be done: the transaction has ended
 *             here, and so have the writes made before; the text is good until the next call;
 *             RM_FAILED when RocksDB cannot be read
 *   prepare   RM_OK with the redo (txlog/redo.h), RM_READ_ONLY without writes, RM_NOT_FOUND
 *   commit    RM_OK, also without writes (the batch is empty then), RM_NOT_FOUND; LSNs must not go
 *             back
 *   rollback  RM_OK; RM_NOT_FOUND for a transaction that is not known here: harmless
 *   recover   RM_OK; RM_FAILED when the bytes are no redo
 *
 * One thread at a time may call it. */
#ifndef ASSENT_PARTICIPANT_KV_H
#define ASSENT_PARTICIPANT_KV_H

#include "participant/rm.h"

#define KV_REDO_MAX (16u * 1024u * 1024u) /* bytes of the redo of a transaction */

/* Opens the store on the data of `log`, which it borrows: close the store first. Up to
 * `cache_bytes` of values are kept in memory, beside RocksDB's own cache of blocks; 0: none.
 * TX_ENOMEM only. */
enum tx_error kv_open(struct txlog *log, size_t cache_bytes, struct rm **rm,
                      struct tx_why *why) TX_MUST_CHECK;

/* Of its cache of values. */
struct kv_stats {
    uint64_t cache_hits, cache_misses, cache_bytes;
};
/* `rm` is a store of kv_open(). */
struct kv_stats kv_stats(const struct rm *rm);

#endif
