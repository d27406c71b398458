/* Transfers between accounts at different participants: the workload `transfer`. */
#include "client/bench_transfer.h"

#include "client/bench_bank.h"
#include "client/bench_ledger.h"
#include "client/bench_workload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>

struct bench_transfers {
    struct bench_bank bank;
    bool record;
    const char *acked_name;
    const char *attempted_name;
    FILE *acked;     /* NULL: none */
    FILE *attempted; /* NULL: none */
};

struct work {
    const struct bench_transfers *transfers;
    struct bench_transfer transfer;
    char amount[32];
    char from_key[BENCH_ACCOUNT_KEY_MAX];
    char to_key[BENCH_ACCOUNT_KEY_MAX];
    txclient_address from;
    txclient_address to;
    txclient_address from_record;
    txclient_address to_record;
    char reference[TXCLIENT_PARTICIPANTS_MAX * (TXCLIENT_NAME_MAX + 1) + 64];
};

void bench_choose_accounts(struct bench_client *client, const struct bench_accounts *accounts,
                           size_t *from, size_t *to)
{
    *from = (size_t)(bench_random(client) % accounts->n);
    do {
        *to = (size_t)(bench_random(client) % accounts->n);
    } while (*to == *from || (accounts->participants_n > 1 &&
                              *to % accounts->participants_n == *from % accounts->participants_n));
}

static void make_work(struct bench_client *c, const struct bench_transfers *transfers,
                      struct work *work)
{
    size_t from;
    size_t to;
    bench_choose_accounts(c, &transfers->bank.accounts, &from, &to);
    *work = (struct work){.transfers = transfers};
    struct bench_transfer *transfer = &work->transfer;
    work->from = bench_account(&transfers->bank.accounts, from, work->from_key);
    work->to = bench_account(&transfers->bank.accounts, to, work->to_key);
    transfer->amount = (int64_t)(1 + bench_random(c) % BENCH_AMOUNT_MAX);
    (void)snprintf(work->amount, sizeof work->amount, "%" PRId64, transfer->amount);
    (void)snprintf(transfer->id, sizeof transfer->id, "%016" PRIx64 "-%u-%" PRIu64, c->load->run,
                   c->number, c->begun++);
    (void)snprintf(transfer->from, sizeof transfer->from, "%s", work->from.participant);
    (void)snprintf(transfer->to, sizeof transfer->to, "%s", work->to.participant);
    work->from_record = txclient_at(work->from.participant, BENCH_TRANSFERS_SPACE, transfer->id);
    work->to_record = txclient_at(work->to.participant, BENCH_TRANSFERS_SPACE, transfer->id);
}

static const int64_t floor_of_accounts = 0;

static void fill_batch(struct bench_client *c, const struct work *work)
{
    txclient_bytes amount = txclient_str(work->amount);
    txclient_batch_clear(c->batch);
    (void)txclient_batch_add(c->batch, work->from, -work->transfer.amount, &floor_of_accounts,
                             NULL);
    (void)txclient_batch_add(c->batch, work->to, work->transfer.amount, NULL, NULL);
    if (work->transfers->record) {
        /* Inserts: running the same transfer twice would abort, and be seen. */
        (void)txclient_batch_insert(c->batch, work->from_record, amount);
        (void)txclient_batch_insert(c->batch, work->to_record, amount);
    }
}

static txclient_status submit(struct bench_client *c, const struct work *work)
{
    txclient_submit_options options = {.size = sizeof options,
                                       .commit_mode = c->load->options->commit_mode,
                                       .idempotency_key = bench_shot_key(c, work->transfer.id)};
    return txclient_submit(c->client, c->batch, &options, NULL);
}

static txclient_status operate(txclient_tx *tx, const struct work *work)
{
    txclient_bytes amount = txclient_str(work->amount);
    txclient_status status =
        txclient_add(tx, work->from, -work->transfer.amount, &floor_of_accounts, NULL, NULL);
    if (status == TXCLIENT_OK) {
        status = txclient_add(tx, work->to, work->transfer.amount, NULL, NULL, NULL);
    }
    if (status == TXCLIENT_OK && work->transfers->record) {
        status = txclient_insert(tx, work->from_record, amount);
        if (status == TXCLIENT_OK) {
            status = txclient_insert(tx, work->to_record, amount);
        }
    }
    return status;
}

static txclient_status interact(struct bench_client *c, struct work *work)
{
    const txclient_begin_options terms = bench_terms(c);
    txclient_tx *tx = NULL;
    txclient_status status = txclient_begin(c->client, &terms, &tx);
    if (status != TXCLIENT_OK) {
        return status;
    }
    status = operate(tx, work);
    if (status == TXCLIENT_OK) {
        status = txclient_commit(tx);
        (void)snprintf(work->reference, sizeof work->reference, "%s",
                       txclient_detail(c->client)->reference);
    }
    /* Nothing is left to abort after an operation that failed, so that the detail stays. */
    txclient_tx_close(&tx);
    return status;
}

/* ---- what came of it ---- */

static bool append(struct bench_client *c, FILE *file, const struct work *work)
{
    if (file != NULL && !bench_ledger_append(file, &work->transfer)) {
        atomic_store(&c->load->broken, errno);
        return false;
    }
    return true;
}

/* A submit with the same key runs nothing twice. */
static txclient_status ask(struct bench_client *c, void *arg)
{
    const struct work *work = arg;
    return c->load->options->interactive ? txclient_outcome(c->client, work->reference, 1000)
                                         : submit(c, work);
}

static void transfer_over(struct bench_client *c, const struct work *work, txclient_status status,
                          txclient_reason reason)
{
    if (status != TXCLIENT_UNKNOWN) {
        bench_count_as(c, status, reason);
    } else {
        bool again = c->load->options->interactive || bench_shot_key(c, work->transfer.id).len > 0;
        status = bench_settle(c, again ? ask : NULL, (void *)(uintptr_t)work);
        if (status != TXCLIENT_OK && status != TXCLIENT_ABORTED) {
            (void)fprintf(stderr, "txbench: transfer %s: %s\n", work->transfer.id,
                          txclient_detail(c->client)->text);
        }
    }
    if (status == TXCLIENT_OK) {
        (void)append(c, work->transfers->acked, work);
    }
}

static void transfer_run(struct bench_client *c, void *arg)
{
    const struct bench_transfers *transfers = arg;
    struct work work;
    make_work(c, transfers, &work);
    if (!append(c, transfers->attempted, &work)) {
        return;
    }
    fill_batch(c, &work);
    txclient_status status = c->load->options->interactive ? interact(c, &work) : submit(c, &work);
    transfer_over(c, &work, status, txclient_detail(c->client)->reason);
}

/* ---- asynchronous ---- */

static void *own_new(void *arg)
{
    (void)arg;
    return calloc(1, sizeof(struct work));
}

static void submitted(void *arg, const txclient_result *result)
{
    struct bench_client *c = arg;
    transfer_over(c, c->own, result->status, result->detail->reason);
    bench_over(c);
}

static void step_done(void *arg, const txclient_result *result)
{
    (void)arg;
    (void)result; /* what has failed shows in the commit */
}

static void committed(void *arg, const txclient_result *result)
{
    struct bench_client *c = arg;
    struct work *work = c->own;
    txclient_tx *tx = result->tx;
    (void)snprintf(work->reference, sizeof work->reference, "%s", result->detail->reference);
    txclient_tx_close(&tx);
    transfer_over(c, work, result->status, result->detail->reason);
    bench_over(c);
}

/* One step for each side, and the commit behind them, all at once. */
static void begun(void *arg, const txclient_result *result)
{
    struct bench_client *c = arg;
    const struct work *work = c->own;
    txclient_tx *tx = result->tx;
    if (result->status != TXCLIENT_OK) {
        transfer_over(c, work, result->status, result->detail->reason);
        bench_over(c);
        return;
    }
    txclient_status status = TXCLIENT_OK;
    for (unsigned side = 0; side < 2 && status == TXCLIENT_OK; side++) {
        txclient_batch_clear(c->batch);
        (void)txclient_batch_add(c->batch, side == 0 ? work->from : work->to,
                                 side == 0 ? -work->transfer.amount : work->transfer.amount,
                                 side == 0 ? &floor_of_accounts : NULL, NULL);
        if (work->transfers->record) {
            (void)txclient_batch_insert(c->batch, side == 0 ? work->from_record : work->to_record,
                                        txclient_str(work->amount));
        }
        status = txclient_execute_async(tx, c->batch, step_done, c);
    }
    if (status == TXCLIENT_OK) {
        status = txclient_commit_async(tx, committed, c);
    }
    if (status != TXCLIENT_OK) {
        txclient_reason reason = txclient_detail(c->client)->reason;
        txclient_tx_close(&tx);
        transfer_over(c, work, status, reason);
        bench_over(c);
    }
}

static void transfer_start(struct bench_client *c, void *arg)
{
    const struct bench_transfers *transfers = arg;
    struct work *work = c->own;
    make_work(c, transfers, work);
    if (!append(c, transfers->attempted, work)) {
        bench_over(c);
        return;
    }
    txclient_status status;
    if (c->load->options->interactive) {
        const txclient_begin_options terms = bench_terms(c);
        status = txclient_begin_async(c->client, &terms, begun, c);
    } else {
        txclient_submit_options options = {.size = sizeof options,
                                           .commit_mode = c->load->options->commit_mode,
                                           .idempotency_key = bench_shot_key(c, work->transfer.id)};
        fill_batch(c, work);
        status = txclient_submit_async(c->client, c->batch, &options, submitted, c);
    }
    if (status != TXCLIENT_OK) {
        transfer_over(c, work, status, txclient_detail(c->client)->reason);
        bench_over(c);
    }
}

/* ---- the workload ---- */

enum { OPTION_RECORD = 512, OPTION_ACKED, OPTION_ATTEMPTED };

static const struct argp_option options[] = {
    {"accounts", BENCH_BANK_ACCOUNTS, "NUMBER", 0,
     "accounts in all, spread over the participants (default 1000)", 0},
    BENCH_BANK_BALANCE_OPTION,
    {"record", OPTION_RECORD, NULL, 0, "each transfer also leaves a record on both sides", 0},
    {"acked", OPTION_ACKED, "FILE", 0, "append a line for each transfer that committed", 0},
    {"attempted", OPTION_ATTEMPTED, "FILE", 0, "append a line for each transfer before it begins",
     0},
    {0}};

static void init(void *state)
{
    struct bench_transfers *transfers = state;
    transfers->bank.n = 1000;
    transfers->bank.balance = 1000;
}

static error_t parse(void *state, int key, char *arg, struct argp_state *argp)
{
    struct bench_transfers *transfers = state;
    switch (key) {
    case OPTION_RECORD:
        transfers->record = true;
        return 0;
    case OPTION_ACKED:
        transfers->acked_name = arg;
        return 0;
    case OPTION_ATTEMPTED:
        transfers->attempted_name = arg;
        return 0;
    case ARGP_KEY_ARG: /* words without an option: there are none */
    default:
        return bench_bank_parse(&transfers->bank, key, arg, argp);
    }
}

static int check(void *state)
{
    struct bench_transfers *transfers = state;
    return bench_bank_check(&transfers->bank, "transfer", 2, BENCH_ACCOUNTS_MAX);
}

/* NULL is no file, and no error. */
static bool open_ledger(const char *name, FILE **file)
{
    *file = name != NULL ? fopen(name, "ae") : NULL;
    if (name != NULL && *file == NULL) {
        (void)fprintf(stderr, "txbench: %s: %s\n", name, strerrordesc_np(errno));
        return false;
    }
    return true;
}

static bool close_ledger(FILE **file)
{
    bool closed = *file == NULL || fclose(*file) == 0;
    *file = NULL;
    return closed;
}

static int setup(void *state, txclient *client)
{
    struct bench_transfers *transfers = state;
    if (!open_ledger(transfers->acked_name, &transfers->acked) ||
        !open_ledger(transfers->attempted_name, &transfers->attempted)) {
        return EX_CANTCREAT;
    }
    return bench_bank_setup(&transfers->bank, client);
}

static int verify(void *state, txclient *client, bool *holds)
{
    struct bench_transfers *transfers = state;
    return bench_bank_verify(&transfers->bank, client, holds);
}

static void print(const void *state, FILE *out)
{
    const struct bench_transfers *transfers = state;
    bench_bank_print(&transfers->bank, out);
}

static void json(const void *state, struct json *out)
{
    const struct bench_transfers *transfers = state;
    bench_bank_json(&transfers->bank, out);
}

static bool deinit(void *state)
{
    struct bench_transfers *transfers = state;
    bool closed = close_ledger(&transfers->acked);
    closed = close_ledger(&transfers->attempted) && closed;
    bench_bank_deinit(&transfers->bank);
    if (!closed) {
        (void)fputs("txbench: a file of transfers could not be written\n", stderr);
    }
    return closed;
}

const struct bench_workload bench_workload_transfer = {
    .name = "transfer",
    .doc = "Transfers between accounts at different participants, and checks that the sum of all "
           "balances stays what it was. Goes on while daemons are killed and restarted.",
    .options = options,
    .state_size = sizeof(struct bench_transfers),
    .interactive = true,
    .init = init,
    .parse = parse,
    .check = check,
    .setup = setup,
    .work = {.run = transfer_run, .start = transfer_start, .own_new = own_new, .own_free = free},
    .verify = verify,
    .print = print,
    .json = json,
    .deinit = deinit,
};
