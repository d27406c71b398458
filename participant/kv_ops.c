/* What each operation does to a transaction of the store. */
#include "participant/kv_ops.h"

#include "participant/kv_counter.h"
#include "participant/kv_scan.h"
#include "txlog/redo.h"

#include <stdio.h>

/* Room for bytes in a text for people; what is longer is cut. */
#define PRINT_MAX 65
#define PLACE_MAX (2 * PRINT_MAX)

/* One operation under way. */
struct exec {
    struct kv_work *work;
    struct kv_tx *tx;
    const struct tx_op *op;
    struct rm_answer *answer;
    struct kv_key key; /* of the data */
    bool found;        /* the current value of the key, as this transaction sees it */
    struct tx_bytes value;
};

/* "space/key", for a text. */
static const char *print_place(const struct tx_op *op, char out[PLACE_MAX])
{
    char space[PRINT_MAX];
    char key[PRINT_MAX];
    (void)snprintf(out, PLACE_MAX, "%s/%s", tx_bytes_print(op->space, space, sizeof(space)),
                   tx_bytes_print(op->key, key, sizeof(key)));
    return out;
}

/* The text is in work->why already. Nothing of the operation has happened; the store ends the
 * transaction next. */
static void refuse(struct exec *e, enum tx_reason reason)
{
    e->answer->status = RM_ROLLED_BACK;
    e->answer->reason = reason;
    e->answer->text = tx_bytes_str(e->work->why.text);
}

/* The store cannot go on. */
static void fail(struct exec *e)
{
    e->answer->status = RM_FAILED;
    e->answer->text = tx_bytes_str(e->work->why.text);
}

static void see(struct exec *e, const struct kv_entry *entry)
{
    e->found = !entry->deleted;
    e->value = kv_entry_value(entry);
}

/* Asks RocksDB, and remembers what it says. False when that cannot be read. */
static bool read_stored(struct exec *e)
{
    struct kv_work *work = e->work;
    struct tx_buf *value = &e->tx->out;
    enum tx_error error = txlog_data_get(work->log, e->key.bytes, value, &work->why);
    if (error != TX_OK && error != TX_ENOTFOUND) {
        fail(e);
        return false;
    }
    e->found = error == TX_OK;
    e->value = e->found ? tx_buf_view(value) : tx_bytes(NULL, 0);
    kv_cache_put(&work->cache, e->key, e->found ? &e->value : NULL);
    return true;
}

/* The value is somebody else's, who may drop it before the next call on this transaction. */
static void see_copy(struct exec *e, bool found, struct tx_bytes value)
{
    tx_buf_append(&e->tx->out, value);
    TX_NEED_MEMORY(!e->tx->out.failed);
    e->found = found;
    e->value = tx_buf_view(&e->tx->out);
}

/* Finds the current value: own writes, then the overlay, then the cache, then RocksDB. */
static bool look_up(struct exec *e)
{
    const struct kv_entry *own = kv_writeset_find(&e->tx->writes, e->key.bytes);
    if (own != NULL) {
        see(e, own);
        return true;
    }
    tx_buf_clear(&e->tx->out);
    const struct kv_entry *committed = kv_overlay_find(&e->work->overlay, e->key);
    bool found = committed != NULL && !committed->deleted;
    struct tx_bytes value = found ? kv_entry_value(committed) : tx_bytes(NULL, 0);
    if (committed == NULL && !kv_cache_find(&e->work->cache, e->key, &found, &value))
        return read_stored(e);
    see_copy(e, found, value);
    return true;
}

/* Holds back a write, or a delete when `value` is NULL. */
static bool hold_back(struct exec *e, const struct tx_bytes *value)
{
    if (kv_writeset_write(&e->tx->writes, e->key, value, &e->work->why) == TX_OK)
        return true;
    refuse(e, TX_REASON_LIMIT);
    return false;
}

static void do_get(struct exec *e)
{
    if (look_up(e))
        e->answer->result = (struct tx_result){.found = e->found, .value = e->value};
}

static void do_put(struct exec *e)
{
    (void)hold_back(e, &e->op->value);
}

static void do_insert(struct exec *e)
{
    if (!look_up(e))
        return;
    if (!e->found) {
        (void)hold_back(e, &e->op->value);
        return;
    }
    char place[PLACE_MAX];
    (void)tx_why(&e->work->why, TX_EEXIST, "insert %s: the key exists already",
                 print_place(e->op, place));
    refuse(e, TX_REASON_EXISTS);
}

/* A delete of what is absent writes nothing: the lock on the key keeps it absent until the end. */
static void do_delete(struct exec *e)
{
    if (!look_up(e))
        return;
    e->answer->result.found = e->found;
    if (e->found && !hold_back(e, NULL))
        e->answer->result.found = false;
}

static void refuse_no_counter(struct exec *e)
{
    char place[PLACE_MAX];
    char value[PRINT_MAX];
    (void)tx_why(&e->work->why, TX_EFORMAT,
                 "add %s: the value \"%s\" is not the decimal text of a 64-bit number",
                 print_place(e->op, place), tx_bytes_print(e->value, value, sizeof(value)));
    refuse(e, TX_REASON_NOT_COUNTER);
}

/* An absent key counts as 0. */
static void do_add(struct exec *e)
{
    int64_t old = 0;
    if (!look_up(e))
        return;
    if (e->found && kv_counter_parse(e->value, &old) != TX_OK) {
        refuse_no_counter(e);
        return;
    }
    int64_t sum = 0;
    enum tx_reason reason = kv_counter_add(old, e->op, &sum);
    if (reason != TX_REASON_NONE) {
        char place[PLACE_MAX];
        kv_counter_explain(old, e->op, reason, print_place(e->op, place), &e->work->why);
        refuse(e, reason);
        return;
    }
    char text[KV_COUNTER_TEXT];
    struct tx_bytes value = kv_counter_print(sum, text);
    if (!hold_back(e, &value))
        return;
    see(e, kv_writeset_find(&e->tx->writes, e->key.bytes));
    e->answer->result = (struct tx_result){.found = true, .value = e->value};
}

/* A value in quotes, or the word that stands for none. */
static const char *print_value(bool there, struct tx_bytes value, char out[PRINT_MAX + 2])
{
    char bare[PRINT_MAX];
    if (there)
        (void)snprintf(out, PRINT_MAX + 2, "\"%s\"", tx_bytes_print(value, bare, sizeof(bare)));
    else
        (void)snprintf(out, PRINT_MAX + 2, "no value");
    return out;
}

static void do_check(struct exec *e)
{
    const struct tx_op *op = e->op;
    if (!look_up(e))
        return;
    bool as_expected = op->absent ? !e->found : e->found && tx_bytes_equal(e->value, op->value);
    if (as_expected)
        return;
    char place[PLACE_MAX];
    char found[PRINT_MAX + 2];
    char expected[PRINT_MAX + 2];
    (void)tx_why(&e->work->why, TX_ESTATE, "check %s: found %s where %s was expected",
                 print_place(op, place), print_value(e->found, e->value, found),
                 print_value(!op->absent, op->value, expected));
    refuse(e, TX_REASON_CHECK);
}

static void do_scan(struct exec *e)
{
    struct tx_result *result = &e->answer->result;
    struct kv_work *work = e->work;
    if (kv_scan(work->log, &work->overlay, &e->tx->writes, e->op, &e->tx->out, &result->found,
                &work->why) == TX_OK)
        result->value = tx_buf_view(&e->tx->out);
    else
        fail(e);
}

static void do_op(struct exec *e)
{
    switch (e->op->type) {
    case TX_OP_GET:
    case TX_OP_GET_FOR_UPDATE:
        do_get(e);
        return;
    case TX_OP_PUT:
        do_put(e);
        return;
    case TX_OP_INSERT:
        do_insert(e);
        return;
    case TX_OP_DELETE:
        do_delete(e);
        return;
    case TX_OP_ADD:
        do_add(e);
        return;
    case TX_OP_CHECK:
        do_check(e);
        return;
    case TX_OP_LOCK: /* the lock is the caller's, and there is nothing more to it */
        return;
    case TX_OP_SCAN:
        do_scan(e);
        return;
    case TX_OP_TYPES_N:
        break;
    }
    TX_ASSERT(e->op->type < TX_OP_TYPES_N); /* tx_op_validate() lets no other pass */
}

void kv_ops_execute(struct kv_work *work, struct kv_tx *tx, const struct tx_op *op,
                    struct rm_answer *answer)
{
    struct exec e = {.work = work, .tx = tx, .op = op, .answer = answer};
    TX_ASSERT(tx->state == KV_TX_WORKING);
    *answer = (struct rm_answer){.status = RM_OK};
    enum tx_error error = tx_op_validate(op, &work->why);
    if (error != TX_OK) {
        refuse(&e, error == TX_ELIMIT ? TX_REASON_LIMIT : TX_REASON_REFUSED);
    } else {
        if (op->type != TX_OP_LOCK && op->type != TX_OP_SCAN) {
            tx_buf_clear(&work->data_key);
            redo_data_key(op->space, op->key, &work->data_key);
            TX_NEED_MEMORY(!work->data_key.failed);
            e.key = kv_key(tx_buf_view(&work->data_key));
        }
        do_op(&e);
    }
    answer->wrote = kv_writeset_n(&tx->writes) > 0;
}
