/* Clients that append, read and transfer, and write down what they were told. */
#include "client/txbench/bench_append.h"

#include "client/txbench/bench_transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#define OF_SUBMITS      10u /* one-shot are 2 or, with a bank, 4 of so many */
#define OF_TRANSFERS    4u  /* of interactive transactions, when there is a bank */
#define OF_ABORTS       40u /* the client thinks better of it */
#define OF_ASKED_AGAIN  16u
#define ONE_PARTICIPANT 3u /* of so many transactions, one stays at one participant */
#define ELEMENT_DIGITS  20u

struct bench_slot {
    atomic_uint generation;
    _Atomic uint64_t element; /* the last one given out */
};

/* What the round of an interactive transaction is. */
enum round {
    ROUND_READ,   /* of a list */
    ROUND_LOOK,   /* at a list, to append */
    ROUND_APPEND, /* to it */
    ROUND_TRANSFER,
};

/* What a client keeps: room for one transaction, and one that it may ask for again. */
struct own {
    struct bench_client *client;
    struct bench_appends *appends;
    struct bench_op *ops; /* of the transaction, in their order */
    size_t ops_n;
    struct bench_step *steps; /* of the round, which are the last of the operations */
    char *text;               /* of a list that is written */
    uint64_t process;         /* of the history */
    bool wrote;
    bool one_shot;
    enum round round;
    size_t side; /* where it stays; the number of participants: nowhere */
    size_t left; /* lists that it has still to look at */
    size_t slot; /* of the round */
    unsigned generation;
    bool transferred;
    struct bench_tx tx;
    char reference[BENCH_REFERENCE_MAX];
    char earlier[BENCH_REFERENCE_MAX];
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
        free(own->steps);
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
    own->steps = calloc(size, sizeof *own->steps);
    own->text = calloc((size_t)appends->elements + 1, ELEMENT_DIGITS + 1);
    if (own->ops == NULL || own->steps == NULL || own->text == NULL) {
        bench_append_own_free(own);
        return NULL;
    }
    return own;
}

/* ---- operations ---- */

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

/* The step of an operation, behind those that the plan has. */
static struct bench_step *add_step(struct own *own, struct bench_plan *plan,
                                   enum bench_step_type type, const struct bench_op *op)
{
    struct bench_step *step = &own->steps[plan->n++];
    *step =
        (struct bench_step){.type = type, .at = txclient_at(op->participant, op->space, op->key)};
    return step;
}

/* The list with one element more. */
static size_t longer_list(struct own *own, const txclient_value *list, int64_t element)
{
    size_t len = list->found ? list->len : 0;
    memcpy(own->text, list->data, len);
    return len + (size_t)snprintf(own->text + len, ELEMENT_DIGITS + 2, "%s%" PRId64,
                                  len > 0 ? " " : "", element);
}

static const int64_t floor_of_accounts = 0;

static void add_transfer(struct own *own, struct bench_plan *plan)
{
    size_t accounts[2];
    int64_t amount = (int64_t)(1 + bench_random(own->client) % BENCH_AMOUNT_MAX);
    bench_choose_accounts(own->client, own->appends->accounts, &accounts[0], &accounts[1]);
    for (unsigned i = 0; i < 2; i++) {
        const struct bench_op *op =
            add_account_op(own, BENCH_ADD, accounts[i], i == 0 ? -amount : amount);
        struct bench_step *step = add_step(own, plan, BENCH_STEP_ADD, op);
        step->delta = op->number;
        step->floor = i == 0 ? &floor_of_accounts : NULL;
    }
    own->wrote = true;
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

/* A second answer to what became of a transaction. */
static void note_told(struct bench_appends *appends, const char *reference, txclient_status status)
{
    if (status == TXCLIENT_OK || status == TXCLIENT_ABORTED) {
        bench_history_told(&appends->history, reference, status);
    }
}

/* A question under way; its answer may come when its client is at another transaction, or gone. */
struct question {
    struct bench_appends *appends;
    char reference[BENCH_REFERENCE_MAX];
};

static void told(void *arg, const txclient_result *result)
{
    struct question *question = arg;
    note_told(question->appends, question->reference, result->status);
    free(question);
}

static void ask(const struct bench_client *c, struct bench_appends *appends, const char *reference)
{
    if (c->flight == NULL) {
        note_told(appends, reference, txclient_outcome(c->client, reference, 0));
        return;
    }
    struct question *question = malloc(sizeof *question);
    if (question == NULL) {
        return;
    }
    question->appends = appends;
    (void)snprintf(question->reference, sizeof question->reference, "%s", reference);
    if (txclient_outcome_async(c->client, reference, 0, told, question) != TXCLIENT_OK) {
        free(question);
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
        ask(c, own->appends, own->earlier);
    }
    memcpy(own->earlier, own->reference, sizeof own->earlier);
}

/* ---- interactive ---- */

static void plan_list(struct own *own, struct bench_plan *plan)
{
    const struct bench_appends *appends = own->appends;
    size_t sides = appends->accounts->participants_n;
    own->left--;
    own->slot = (size_t)(bench_random(own->client) % appends->slots_n);
    if (own->side < sides) {
        own->slot = own->slot / sides * sides + own->side;
    }
    own->generation = generation_of(own, own->slot);
    own->round = bench_random(own->client) % 2 == 0 ? ROUND_READ : ROUND_LOOK;
    const struct bench_op *op = add_list_op(own, BENCH_READ, own->slot, own->generation);
    (void)add_step(own, plan, own->round == ROUND_READ ? BENCH_STEP_GET : BENCH_STEP_GET_FOR_UPDATE,
                   op);
}

static enum bench_next plan_round(struct own *own, struct bench_plan *plan)
{
    const struct bench_accounts *accounts = own->appends->accounts;
    plan->n = 0;
    if (own->left > 0) {
        plan_list(own, plan);
        return BENCH_NEXT_ROUND;
    }
    bool may_transfer =
        !own->transferred && own->side == accounts->participants_n && accounts->n > 0;
    own->transferred = true;
    if (may_transfer && bench_random(own->client) % OF_TRANSFERS == 0) {
        own->round = ROUND_TRANSFER;
        add_transfer(own, plan);
        return BENCH_NEXT_ROUND;
    }
    return bench_random(own->client) % OF_ABORTS != 0 ? BENCH_NEXT_COMMIT : BENCH_NEXT_ABORT;
}

static enum bench_next plan_append(struct own *own, struct bench_plan *plan,
                                   const txclient_value *list)
{
    if (elements_in(list) >= own->appends->elements) {
        /* Whoever sees it first leaves the list behind. */
        (void)atomic_compare_exchange_strong(&own->appends->slots[own->slot].generation,
                                             &own->generation, own->generation + 1);
        return plan_round(own, plan);
    }
    struct bench_op *op = add_list_op(own, BENCH_APPEND, own->slot, own->generation);
    op->number = (int64_t)(1 + atomic_fetch_add(&own->appends->slots[own->slot].element, 1));
    size_t len = longer_list(own, list, op->number);
    own->wrote = true;
    own->round = ROUND_APPEND;
    plan->n = 0;
    add_step(own, plan, BENCH_STEP_PUT, op)->value = txclient_data(own->text, len);
    return BENCH_NEXT_ROUND;
}

static enum bench_next next(struct bench_plan *plan, const txclient_value *values)
{
    struct own *own = plan->arg;
    struct bench_op *op = &own->ops[own->ops_n - 1];
    if (own->round == ROUND_READ || own->round == ROUND_LOOK) {
        op->value = values[0];
        note_list(own, op);
    }
    if (own->round == ROUND_LOOK) {
        return op->known ? plan_append(own, plan, &op->value) : BENCH_NEXT_ABORT;
    }
    return plan_round(own, plan);
}

static void plan_interactive(struct own *own, struct bench_plan *plan)
{
    struct bench_client *c = own->client;
    size_t sides = own->appends->accounts->participants_n;
    own->side = bench_random(c) % ONE_PARTICIPANT == 0 ? (size_t)bench_random(c) % sides : sides;
    own->left = 1 + (size_t)(bench_random(c) % own->appends->operations);
    own->transferred = false;
    plan->next = next;
    plan->arg = own;
    plan_list(own, plan);
}

/* ---- one-shot ---- */

static void note_values(struct own *own, const txclient_value *values)
{
    for (size_t i = 0; i < own->ops_n; i++) {
        struct bench_op *op = &own->ops[i];
        op->value = values[i];
        if (op->type == BENCH_READ) {
            note_list(own, op);
        } else if (op->type == BENCH_GET) {
            op->known = op->value.found;
        }
    }
}

static void plan_reads(struct own *own, struct bench_plan *plan)
{
    struct bench_client *c = own->client;
    size_t n = 2 + (size_t)(bench_random(c) % own->appends->operations);
    for (size_t i = 0; i < n; i++) {
        size_t slot = (size_t)(bench_random(c) % own->appends->slots_n);
        (void)add_step(own, plan, BENCH_STEP_GET,
                       add_list_op(own, BENCH_READ, slot, generation_of(own, slot)));
    }
}

static void plan_all_accounts(struct own *own, struct bench_plan *plan)
{
    for (size_t i = 0; i < own->appends->accounts->n; i++) {
        (void)add_step(own, plan, BENCH_STEP_GET, add_account_op(own, BENCH_GET, i, 0));
    }
    own->tx.reads_all = true;
}

/* It has a key in any case, so that it can be found out what came of it. */
static void plan_one_shot(struct own *own, struct bench_plan *plan, uint64_t kind)
{
    struct bench_client *c = own->client;
    (void)snprintf(plan->key, sizeof plan->key, "append-%016" PRIx64 "-%u-%" PRIu64, c->load->run,
                   c->number, c->begun++);
    plan->keyed = true;
    if (kind == 3) {
        plan_all_accounts(own, plan);
    } else if (kind == 2) {
        add_transfer(own, plan);
    } else {
        plan_reads(own, plan);
    }
}

/* ---- as the driver wants it ---- */

bool bench_append_make(struct bench_client *c, void *arg, struct bench_plan *plan)
{
    const struct bench_appends *appends = arg;
    struct own *own = c->own;
    uint64_t kind = bench_random(c) % OF_SUBMITS;
    own->client = c;
    own->one_shot = kind <= 1 || (kind <= 3 && appends->accounts->n > 0);
    plan->steps = own->steps;
    plan->tells = true;
    begin_story(own);
    if (own->one_shot) {
        plan_one_shot(own, plan, kind);
    } else {
        plan_interactive(own, plan);
    }
    return true;
}

/* A status that promises that nothing was done. */
static bool not_done(txclient_status status)
{
    return status == TXCLIENT_EUNREACHABLE || status == TXCLIENT_EREFUSED ||
           status == TXCLIENT_EINVAL || status == TXCLIENT_ELIMIT || status == TXCLIENT_ENOMEM;
}

void bench_append_over(struct bench_client *c, void *arg, const struct bench_end *end)
{
    struct bench_appends *appends = arg;
    struct own *own = c->own;
    (void)snprintf(own->reference, sizeof own->reference, "%s", end->reference);
    if (own->one_shot && end->values != NULL) {
        note_values(own, end->values);
    }
    /* An interactive one without a reference has not begun: nothing was asked for. */
    if (own->one_shot || own->reference[0] != '\0') {
        bool nothing = !end->asked && not_done(end->status);
        end_story(own, nothing ? TXCLIENT_ABORTED : end->status);
    }
    if (end->asked && own->reference[0] != '\0') {
        note_told(appends, own->reference, end->status);
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
