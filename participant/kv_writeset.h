/* The held-back writes of one transaction, in order of their keys. */
#ifndef ASSENT_PARTICIPANT_KV_WRITESET_H
#define ASSENT_PARTICIPANT_KV_WRITESET_H

#include "participant/kv_entry.h"

/* All zero but for its spares is a valid empty write set. */
struct kv_writeset {
    struct kv_map entries;
    size_t redo_bytes;        /* size of the redo without its count */
    struct kv_spares *spares; /* of the store; must be there */
};

void kv_writeset_deinit(struct kv_writeset *set);

/* What the transaction itself has made of `key`; NULL when it has not written it. */
const struct kv_entry *kv_writeset_find(const struct kv_writeset *set, struct tx_bytes key);

/* Holds back a write of `value`, or a delete when that is NULL. Both are copied; `value` may be a
 * view of what the set holds. TX_ELIMIT with a text, and nothing changed, when the redo would
 * exceed KV_REDO_MAX. */
enum tx_error kv_writeset_write(struct kv_writeset *set, struct kv_key key,
                                const struct tx_bytes *value, struct tx_why *why) TX_MUST_CHECK;

size_t kv_writeset_n(const struct kv_writeset *set);

/* Replaces the content of `out` with the redo of the set (txlog/redo.h). */
void kv_writeset_redo(const struct kv_writeset *set, struct tx_buf *out);

/* Takes the first entry out and hands it over to the caller; NULL when none is left. */
struct kv_entry *kv_writeset_take(struct kv_writeset *set);

/* Checks that the size is the sum of what is there. For tests. */
void kv_writeset_check(const struct kv_writeset *set);

#endif
