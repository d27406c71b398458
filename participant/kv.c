/* The built-in key-value store: the calls of the resource-manager interface. */
#include "participant/kv.h"

#include "participant/kv_ops.h"
#include "participant/kv_overlay.h"
#include "participant/kv_tx.h"
#include "txlog/redo.h"

#include <stdlib.h>

struct kv {
    struct rm rm;      /* first: a struct rm * of this store is a struct kv * */
    struct kv_tx *txs; /* map by id */
    struct kv_work work;
    struct tx_lsn durable;
};

static struct kv *kv_of(struct rm *rm)
{
    TX_ASSERT(rm->vtable->version == RM_VERSION);
    return (struct kv *)rm;
}

static void answer_not_found(struct rm_answer *answer)
{
    *answer = (struct rm_answer){
        .status = RM_NOT_FOUND,
        .text = tx_bytes_str("the key-value store does not know this transaction"),
    };
}

static void kv_execute(struct rm *rm, struct tx_id id, const struct tx_op *op,
                       struct rm_answer *answer)
{
    struct kv *kv = kv_of(rm);
    struct kv_tx *tx = kv_tx_find(kv->txs, id);
    if (tx == NULL)
        tx = kv_tx_new(&kv->txs, &kv->work.spares, id);
    kv_ops_execute(&kv->work, tx, op, answer);
    if (answer->status == RM_ROLLED_BACK)
        kv_tx_destroy(&kv->txs, &tx);
}

static struct tx_bytes make_redo(struct kv_tx *tx)
{
    kv_writeset_redo(&tx->writes, &tx->out);
    TX_NEED_MEMORY(!tx->out.failed);
    return tx_buf_view(&tx->out);
}

static void kv_prepare(struct rm *rm, struct tx_id id, struct rm_answer *answer)
{
    struct kv *kv = kv_of(rm);
    struct kv_tx *tx = kv_tx_find(kv->txs, id);
    if (tx == NULL) {
        answer_not_found(answer);
        return;
    }
    TX_ASSERT(tx->state == KV_TX_WORKING);
    if (kv_writeset_n(&tx->writes) == 0) {
        kv_tx_destroy(&kv->txs, &tx);
        *answer = (struct rm_answer){.status = RM_READ_ONLY};
        return;
    }
    *answer = (struct rm_answer){.status = RM_OK, .redo = make_redo(tx), .wrote = true};
    tx->state = KV_TX_PREPARED;
}

/* Moves the writes to the overlay, in order, and lists them as the batch. The views stay good
 * although others may overwrite the keys: an entry leaves the overlay only when its LSN is durable,
 * which cannot be before the batch has been handed to the log. */
static void publish(struct kv *kv, struct kv_tx *tx, struct tx_lsn lsn)
{
    struct kv_entry *entry;
    size_t n = kv_writeset_n(&tx->writes);
    tx->puts = n > 1 ? tx_xcalloc(n, sizeof(*tx->puts)) : &tx->one;
    while ((entry = kv_writeset_take(&tx->writes)) != NULL) {
        tx->puts[tx->puts_n++] = (struct txlog_put){
            .key = kv_entry_key(entry),
            .value = kv_entry_value(entry),
            .deleted = entry->deleted,
        };
        kv_overlay_add(&kv->work.overlay, entry, lsn);
    }
}

static void kv_commit(struct rm *rm, struct tx_id id, struct tx_lsn lsn, struct rm_batch *batch,
                      struct rm_answer *answer)
{
    struct kv *kv = kv_of(rm);
    struct kv_tx *tx = kv_tx_find(kv->txs, id);
    *batch = (struct rm_batch){0};
    if (tx == NULL) {
        answer_not_found(answer);
        return;
    }
    TX_ASSERT(tx->state != KV_TX_COMMITTED);
    TX_ASSERT(lsn.n > kv->durable.n);
    publish(kv, tx, lsn);
    tx->state = KV_TX_COMMITTED;
    *batch = (struct rm_batch){.puts = tx->puts, .puts_n = tx->puts_n};
    *answer = (struct rm_answer){.status = RM_OK};
}

static void kv_committed(struct rm *rm, struct tx_id id)
{
    struct kv *kv = kv_of(rm);
    struct kv_tx *tx = kv_tx_find(kv->txs, id);
    TX_ASSERT(tx != NULL && tx->state == KV_TX_COMMITTED);
    kv_tx_destroy(&kv->txs, &tx);
}

static void kv_rollback(struct rm *rm, struct tx_id id, struct rm_answer *answer)
{
    struct kv *kv = kv_of(rm);
    struct kv_tx *tx = kv_tx_find(kv->txs, id);
    if (tx == NULL) {
        answer_not_found(answer);
        return;
    }
    TX_ASSERT(tx->state != KV_TX_COMMITTED);
    kv_tx_destroy(&kv->txs, &tx);
    *answer = (struct rm_answer){.status = RM_OK};
}

struct recovering {
    struct kv_work *work;
    struct kv_tx *tx;
};

static enum tx_error recover_write(void *arg, const struct redo_write *write)
{
    struct recovering *r = arg;
    struct tx_buf *key = &r->work->data_key;
    tx_buf_clear(key);
    redo_data_key(write->space, write->key, key);
    TX_NEED_MEMORY(!key->failed);
    return kv_writeset_write(&r->tx->writes, kv_key(tx_buf_view(key)),
                             write->deleted ? NULL : &write->value, &r->work->why);
}

static void kv_recover(struct rm *rm, struct tx_id id, struct tx_bytes redo,
                       struct rm_answer *answer)
{
    struct kv *kv = kv_of(rm);
    struct kv_tx *tx = kv_tx_new(&kv->txs, &kv->work.spares, id);
    struct recovering recovering = {.work = &kv->work, .tx = tx};
    if (redo_each(redo, recover_write, &recovering) != TX_OK) {
        kv_tx_destroy(&kv->txs, &tx);
        *answer = (struct rm_answer){
            .status = RM_FAILED,
            .text = tx_bytes_str("the redo in the PREPARED record is damaged or was not written by "
                                 "the key-value store"),
        };
        return;
    }
    tx->state = KV_TX_PREPARED;
    *answer = (struct rm_answer){.status = RM_OK, .wrote = kv_writeset_n(&tx->writes) > 0};
}

static struct tx_bytes kv_redo(struct rm *rm, struct tx_id id)
{
    struct kv_tx *tx = kv_tx_find(kv_of(rm)->txs, id);
    if (tx == NULL || tx->state != KV_TX_PREPARED)
        return tx_bytes(NULL, 0);
    return make_redo(tx);
}

static void kv_durable(struct rm *rm, struct tx_lsn lsn)
{
    struct kv *kv = kv_of(rm);
    TX_ASSERT(lsn.n >= kv->durable.n);
    kv->durable = lsn;
    kv_overlay_durable(&kv->work.overlay, lsn, &kv->work.cache);
}

static int kv_fd(const struct rm *rm)
{
    (void)rm;
    return -1;
}

static bool kv_process(struct rm *rm, struct tx_id *id, struct rm_answer *answer)
{
    (void)rm;
    (void)id;
    (void)answer;
    return false;
}

static void kv_close(struct rm **rm)
{
    struct kv *kv = kv_of(*rm);
    while (kv->txs != NULL) {
        struct kv_tx *tx = kv->txs;
        kv_tx_destroy(&kv->txs, &tx);
    }
    kv_overlay_deinit(&kv->work.overlay);
    kv_cache_deinit(&kv->work.cache);
    kv_spares_deinit(&kv->work.spares);
    tx_buf_deinit(&kv->work.data_key);
    free(kv);
    *rm = NULL;
}

static const struct rm_vtable kv_vtable = {
    .version = RM_VERSION,
    .kind = "kv",
    .execute = kv_execute,
    .prepare = kv_prepare,
    .commit = kv_commit,
    .committed = kv_committed,
    .rollback = kv_rollback,
    .recover = kv_recover,
    .redo = kv_redo,
    .durable = kv_durable,
    .fd = kv_fd,
    .process = kv_process,
    .close = kv_close,
};

enum tx_error kv_open(struct txlog *log, size_t cache_bytes, struct rm **rm, struct tx_why *why)
{
    struct kv *kv = calloc(1, sizeof(*kv));
    if (kv == NULL)
        return tx_why(why, TX_ENOMEM, "no memory for the key-value store");
    kv->rm.vtable = &kv_vtable;
    kv->work.log = log;
    kv->work.overlay.spares = &kv->work.spares;
    kv_cache_init(&kv->work.cache, cache_bytes);
    *rm = &kv->rm;
    return TX_OK;
}

struct kv_stats kv_stats(const struct rm *rm)
{
    const struct kv *kv = (const struct kv *)rm;
    TX_ASSERT(rm->vtable->version == RM_VERSION);
    return (struct kv_stats){.cache_hits = kv->work.cache.hits,
                             .cache_misses = kv->work.cache.misses,
                             .cache_bytes = kv->work.cache.bytes};
}
