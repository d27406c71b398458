/* Clients that append, read and transfer, and write down what they were told. */
#include "client/bench_append.h"

#include "client/bench_transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#define OF_SUBMITS      10u /* one-shot are 2 or, with a bank, 4 of so many */
#define OF_TRANSFERS    4u  /* of interactive transactions, when there is a bank */
#define OF_ABORTS       40u /* the client thinks better of it */
#define OF_ASKED_AGAIN  16u
#define ONE_PARTICIPANT 3u /* of so many transactions, one stays at one participant */
#define REFERENCE_MAX   (TXCLIENT_PARTICIPANTS_MAX * (TXCLIENT_NAME_MAX + 1) + 64)
#define ELEMENT_DIGITS  20u

struct bench_slot {
    atomic_uint generation;
    _Atomic uint64_t element; /* the last one given out */
};

/* What a client keeps: room for one transaction, and one that it may ask for again. */
struct own {
    struct bench_appends *appends;
    struct bench_op *ops;
    size_t ops_n;
    txclient_value *values;
    char *text;       /* of a list that is written */
    uint64_t process; /* of the history */
    bool wrote;
    struct bench_tx tx;
    char key[64]; /* of a one-shot transaction */
    char reference[REFERENCE_MAX];
    char earlier[REFERENCE_MAX];
};

bool bench_appends_init(struct bench_appends *appends)
{
    appends->slots_n = appends->accounts->participants_n * appends->keys;
    appends->slots = calloc(appends->slots_n, sizeof *appends->slots);
    if (appends->slots == NULL) {
        (void)fputs("txbench: out of memory\n", stderr);
        return false;
    }
    if (getrandom(&appends->run, sizeof appends->run, 0) != sizeof appends->run) {
        (void)fputs("txbench: the kernel gives no random numbers\n", stderr);
        return false;
    }
    return true;
}

void bench_appends_deinit(struct bench_appends *appends)
{
    free(appends->slots);
    appends->slots = NULL;
}

void bench_append_own_free(void *arg)
{
    struct own *own = arg;
    if (own != NULL) {
        free(own->ops);
        free(own->values);
        free(own->text);
        free(own);
    }
}

void *bench_append_own_new(void *arg)
{
    struct bench_appends *appends = arg;
    /* An append reads first; a transfer adds twice. */
    size_t ops = 2 * (size_t)appends->operations + 2;
    size_t size = ops > appends->accounts->n ? ops : appends->accounts->n;
    struct own *own = calloc(1, sizeof *own);
    if (own == NULL) {
        return NULL;
    }
    own->appends = appends;
    own->process = atomic_fetch_add(&appends->processes, 1);
    own->ops = calloc(size, sizeof *own->ops);
    own->values = calloc(size, sizeof *own->values);
    own->text = calloc((size_t)appends->elements + 1, ELEMENT_DIGITS + 1);
    if (own->ops == NULL || own->values == NULL || own->text == NULL) {
        bench_append_own_free(own);
        return NULL;
    }
    return own;
}

/* ---- operations ---- */

static txclient_address address_of(const struct bench_op *op)
{
    return txclient_at(op->participant, op->space, op->key);
}

static struct bench_op *add_op(struct own *own, enum bench_op_type type, const char *participant,
                               const char *space)
{
    struct bench_op *op = &own->ops[own->ops_n++];
    *op = (struct bench_op){.type = type, .participant = participant, .space = space};
    return op;
}

static struct bench_op *add_list_op(struct own *own, enum bench_op_type type, size_t slot,
                                    unsigned generation)
{
    const struct bench_accounts *accounts = own->appends->accounts;
    struct bench_op *op = add_op(own, type, accounts->participants[slot % accounts->participants_n],
                                 BENCH_LISTS_SPACE);
    (void)snprintf(op->key, sizeof op->key, "%08" PRIx32 "-%zu-%u", own->appends->run, slot,
                   generation);
    return op;
}

static struct bench_op *add_account_op(struct own *own, enum bench_op_type type, size_t account,
                                       int64_t number)
{
    char key[BENCH_ACCOUNT_KEY_MAX];
    txclient_address at = bench_account(own->appends->accounts, account, key);
    struct bench_op *op = add_op(own, type, at.participant, at.space);
    (void)snprintf(op->key, sizeof op->key, "%s", key);
    op->number = number;
    return op;
}

static unsigned generation_of(const struct own *own, size_t slot)
{
    return atomic_load(&own->appends->slots[slot].generation);
}

static size_t elements_in(const txclient_value *value)
{
    size_t n = value->found ? 1 : 0;
    for (size_t i = 0; value->found && i < value->len; i++) {
        n += ((const char *)value->data)[i] == ' ' ? 1 : 0;
    }
    return n;
}

static void note_list(struct own *own, struct bench_op *op)
{
    op->known = bench_list_valid(&op->value);
    if (!op->known) {
        atomic_store(&own->appends->corrupt, true);
        (void)fprintf(stderr, "txbench: %s/%s/%s holds no list: \"%.*s\"\n", op->participant,
                      op->space, op->key, (int)op->value.len, (const char *)op->value.data);
    }
}

static txclient_status read_list(struct own *own, txclient_tx *tx, size_t slot)
{
    struct bench_op *op = add_list_op(own, BENCH_READ, slot, generation_of(own, slot));
    txclient_status status = txclient_get(tx, address_of(op), &op->value);
    if (status == TXCLIENT_OK) {
        note_list(own, op);
    }
    return status;
}

/* The list with one element more. */
static size_t longer_list(struct own *own, const txclient_value *list, int64_t element)
{
    size_t len = list->found ? list->len : 0;
    memcpy(own->text, list->data, len);
    return len + (size_t)snprintf(own->text + len, ELEMENT_DIGITS + 2, "%s%" PRId64,
                                  len > 0 ? " " : "", element);
}

static txclient_status append_to_list(struct own *own, txclient_tx *tx, size_t slot)
{
    unsigned generation = generation_of(own, slot);
    struct bench_op *read = add_list_op(own, BENCH_READ, slot, generation);
    txclient_status status = txclient_get_for_update(tx, address_of(read), &read->value);
    if (status != TXCLIENT_OK) {
        return status;
    }
    note_list(own, read);
    if (!read->known) {
        return TXCLIENT_EPROTOCOL;
    }
    if (elements_in(&read->value) >= own->appends->elements) {
        /* Whoever sees it first leaves the list behind. */
        (void)atomic_compare_exchange_strong(&own->appends->slots[slot].generation, &generation,
                                             generation + 1);
        return TXCLIENT_OK;
    }
    struct bench_op *op = add_list_op(own, BENCH_APPEND, slot, generation);
    op->number = (int64_t)(1 + atomic_fetch_add(&own->appends->slots[slot].element, 1));
    size_t len = longer_list(own, &read->value, op->number);
    own->wrote = true;
    return txclient_put(tx, address_of(op), txclient_data(own->text, len));
}

static void choose_transfer(struct bench_client *c, struct own *own, struct bench_op *transfer[2])
{
    size_t from;
    size_t to;
    int64_t amount = (int64_t)(1 + bench_random(c) % BENCH_AMOUNT_MAX);
    bench_choose_accounts(c, own->appends->accounts, &from, &to);
    transfer[0] = add_account_op(own, BENCH_ADD, from, -amount);
    transfer[1] = add_account_op(own, BENCH_ADD, to, amount);
    own->wrote = true;
}

static const int64_t floor_of_accounts = 0;

static txclient_status transfer(struct bench_client *c, struct own *own, txclient_tx *tx)
{
    struct bench_op *ops[2];
    choose_transfer(c, own, ops);
    txclient_status status =
        txclient_add(tx, address_of(ops[0]), ops[0]->number, &floor_of_accounts, NULL, NULL);
    if (status != TXCLIENT_OK) {
        return status;
    }
    return txclient_add(tx, address_of(ops[1]), ops[1]->number, NULL, NULL, NULL);
}

/* ---- what came of it ---- */

static void begin_story(struct own *own)
{
    own->ops_n = 0;
    own->wrote = false;
    own->reference[0] = '\0';
    own->tx = (struct bench_tx){.process = own->process, .invoked_ns = bench_history_now()};
}

static void end_story(struct own *own, txclient_status outcome)
{
    own->tx.completed_ns = bench_history_now();
    own->tx.outcome = outcome;
    own->tx.reference = own->reference;
    own->tx.ops = own->ops;
    own->tx.ops_n = own->ops_n;
    bench_history_tx(&own->appends->history, &own->tx);
    if (outcome != TXCLIENT_OK && outcome != TXCLIENT_ABORTED) {
        /* What stays unknown may go on, so that its process never runs another transaction. */
        own->process = atomic_fetch_add(&own->appends->processes, 1);
    }
}

static void keep_reference(struct own *own, const char *reference)
{
    (void)snprintf(own->reference, sizeof own->reference, "%s", reference != NULL ? reference : "");
}

/* What was asked for until it was known: the answer is a second one. */
static void settled(struct own *own, txclient_status status)
{
    if ((status == TXCLIENT_OK || status == TXCLIENT_ABORTED) && own->reference[0] != '\0') {
        bench_history_told(&own->appends->history, own->reference, status);
    }
}

/* An outcome stays what it was: now and then one that is long over is asked for. Not of those that
 * only read: what has no effect leaves no record, and may be called either after a restart. */
static void ask_again(struct bench_client *c, struct own *own)
{
    if (!own->wrote || own->reference[0] == '\0' || bench_random(c) % OF_ASKED_AGAIN != 0) {
        return;
    }
    if (own->earlier[0] != '\0') {
        txclient_status status = txclient_outcome(c->client, own->earlier, 0);
        if (status == TXCLIENT_OK || status == TXCLIENT_ABORTED) {
            bench_history_told(&own->appends->history, own->earlier, status);
        }
    }
    memcpy(own->earlier, own->reference, sizeof own->earlier);
}

/* ---- interactive ---- */

static txclient_status operate(struct bench_client *c, struct own *own, txclient_tx *tx)
{
    const struct bench_appends *appends = own->appends;
    size_t sides = appends->accounts->participants_n;
    size_t side = bench_random(c) % ONE_PARTICIPANT == 0 ? (size_t)bench_random(c) % sides : sides;
    size_t n = 1 + (size_t)(bench_random(c) % appends->operations);
    txclient_status status = TXCLIENT_OK;
    for (size_t i = 0; status == TXCLIENT_OK && i < n; i++) {
        size_t slot = (size_t)(bench_random(c) % appends->slots_n);
        if (side < sides) {
            slot = slot / sides * sides + side;
        }
        status =
            bench_random(c) % 2 == 0 ? read_list(own, tx, slot) : append_to_list(own, tx, slot);
    }
    if (status == TXCLIENT_OK && side == sides && appends->accounts->n > 0 &&
        bench_random(c) % OF_TRANSFERS == 0) {
        status = transfer(c, own, tx);
    }
    return status;
}

static txclient_status finish(struct bench_client *c, txclient_tx *tx, txclient_status status)
{
    if (status == TXCLIENT_OK && bench_random(c) % OF_ABORTS != 0) {
        return txclient_commit(tx);
    }
    if (status != TXCLIENT_ABORTED) {
        /* Certain, whether or not anybody could be told. */
        (void)txclient_abort(tx);
    }
    return TXCLIENT_ABORTED;
}

static txclient_status ask_outcome(struct bench_client *c, void *arg)
{
    struct own *own = arg;
    return txclient_outcome(c->client, own->reference, 1000);
}

static void interact(struct bench_client *c, struct own *own)
{
    txclient_tx *tx = NULL;
    begin_story(own);
    const txclient_begin_options terms = bench_terms(c);
    txclient_status status = txclient_begin(c->client, &terms, &tx);
    if (status != TXCLIENT_OK) {
        /* Nothing has begun, and nothing was asked for. */
        bench_count(c, status);
        return;
    }
    status = finish(c, tx, operate(c, own, tx));
    if (status != TXCLIENT_UNKNOWN) {
        bench_count(c, status);
        keep_reference(own, txclient_tx_reference(tx));
        end_story(own, status);
    } else {
        keep_reference(own, txclient_tx_reference(tx));
        status = bench_settle(c, ask_outcome, own);
        end_story(own, status);
        settled(own, status);
    }
    txclient_tx_close(&tx);
}

/* ---- one-shot ---- */

static txclient_status submit(struct bench_client *c, struct own *own)
{
    txclient_submit_options options = {.size = sizeof options,
                                       .commit_mode = c->load->options->commit_mode,
                                       .idempotency_key = txclient_str(own->key)};
    txclient_status status = txclient_submit(c->client, c->batch, &options, own->values);
    keep_reference(own, txclient_detail(c->client)->reference);
    return status;
}

static txclient_status submit_again(struct bench_client *c, void *arg)
{
    return submit(c, arg);
}

/* A status that promises that nothing was done. */
static bool not_done(txclient_status status)
{
    return status == TXCLIENT_EUNREACHABLE || status == TXCLIENT_EREFUSED ||
           status == TXCLIENT_EINVAL || status == TXCLIENT_ELIMIT || status == TXCLIENT_ENOMEM;
}

static void note_values(struct own *own)
{
    for (size_t i = 0; i < own->ops_n; i++) {
        struct bench_op *op = &own->ops[i];
        op->value = own->values[i];
        if (op->type == BENCH_READ) {
            note_list(own, op);
        } else if (op->type == BENCH_GET) {
            op->known = op->value.found;
        }
    }
}

/* Runs the batch as one transaction with a key, so that it can be found out what came of it. */
static void submit_story(struct bench_client *c, struct own *own)
{
    (void)snprintf(own->key, sizeof own->key, "append-%016" PRIx64 "-%u-%" PRIu64, c->load->run,
                   c->number, c->begun++);
    txclient_status status = submit(c, own);
    bool unknown = status != TXCLIENT_OK && status != TXCLIENT_ABORTED && !not_done(status);
    if (unknown) {
        status = bench_settle(c, submit_again, own);
    } else {
        bench_count(c, status);
    }
    if (status == TXCLIENT_OK && !txclient_detail(c->client)->results_lost) {
        note_values(own);
    }
    end_story(own, !unknown && not_done(status) ? TXCLIENT_ABORTED : status);
    if (unknown) {
        settled(own, status);
    }
}

static void submit_reads(struct bench_client *c, struct own *own)
{
    size_t n = 2 + (size_t)(bench_random(c) % own->appends->operations);
    for (size_t i = 0; i < n; i++) {
        size_t slot = (size_t)(bench_random(c) % own->appends->slots_n);
        struct bench_op *op = add_list_op(own, BENCH_READ, slot, generation_of(own, slot));
        (void)txclient_batch_get(c->batch, address_of(op));
    }
}

static void submit_transfer(struct bench_client *c, struct own *own)
{
    struct bench_op *ops[2];
    choose_transfer(c, own, ops);
    (void)txclient_batch_add(c->batch, address_of(ops[0]), ops[0]->number, &floor_of_accounts,
                             NULL);
    (void)txclient_batch_add(c->batch, address_of(ops[1]), ops[1]->number, NULL, NULL);
}

static void submit_all_accounts(struct bench_client *c, struct own *own)
{
    for (size_t i = 0; i < own->appends->accounts->n; i++) {
        (void)txclient_batch_get(c->batch, address_of(add_account_op(own, BENCH_GET, i, 0)));
    }
    own->tx.reads_all = true;
}

void bench_append_run(struct bench_client *c, void *arg)
{
    struct bench_appends *appends = arg;
    struct own *own = c->own;
    uint64_t kind = bench_random(c) % OF_SUBMITS;
    txclient_batch_clear(c->batch);
    if (kind > 3 || (kind > 1 && appends->accounts->n == 0)) {
        interact(c, own);
    } else {
        begin_story(own);
        if (kind == 3) {
            submit_all_accounts(c, own);
        } else if (kind == 2) {
            submit_transfer(c, own);
        } else {
            submit_reads(c, own);
        }
        submit_story(c, own);
    }
    ask_again(c, own);
    if (appends->history.file != NULL && ferror(appends->history.file) != 0) {
        atomic_store(&c->load->broken, EIO);
    }
}

txclient_status bench_append_balances(struct bench_appends *appends, txclient *client,
                                      uint32_t patience_ms)
{
    const struct bench_accounts *accounts = appends->accounts;
    txclient_batch *batch = txclient_batch_new();
    txclient_value *values = calloc(accounts->n + 1, sizeof *values);
    txclient_status status = batch != NULL && values != NULL ? TXCLIENT_OK : TXCLIENT_ENOMEM;
    char key[BENCH_ACCOUNT_KEY_MAX];
    for (size_t i = 0; status == TXCLIENT_OK && i < accounts->n; i++) {
        status = txclient_batch_get(batch, bench_account(accounts, i, key));
    }
    if (status == TXCLIENT_OK && accounts->n > 0) {
        status = bench_read(client, batch, values, patience_ms);
    }
    for (size_t i = 0; status == TXCLIENT_OK && i < accounts->n; i++) {
        char number[32];
        txclient_address at = bench_account(accounts, i, key);
        (void)snprintf(number, sizeof number, "%.*s", (int)values[i].len,
                       (const char *)values[i].data);
        bench_history_balance(&appends->history, at.participant, at.space, key,
                              strtoll(number, NULL, 10));
    }
    free(values);
    txclient_batch_free(&batch);
    return status;
}
