/* Transfers between accounts at different participants: the workload `transfer`. */
#include "client/txbench/bench_transfer.h"

#include "client/txbench/bench_bank.h"
#include "client/txbench/bench_ledger.h"
#include "client/txbench/bench_steps.h"
#include "client/txbench/bench_workload.h"

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

#define STEPS 4u /* with records */

/* What a client keeps: room for one. */
struct own {
    struct bench_transfer transfer;
    char amount[32];
    char keys[2][BENCH_ACCOUNT_KEY_MAX];
    struct bench_step steps[STEPS];
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

/* A line for each that is attempted, or acknowledged, to the files that were asked for. */
static bool append(struct bench_client *c, FILE *file, struct own *own)
{
    struct bench_transfer *transfer = &own->transfer;
    if (file == NULL) {
        return true;
    }
    (void)snprintf(transfer->from, sizeof transfer->from, "%s", own->steps[0].at.participant);
    (void)snprintf(transfer->to, sizeof transfer->to, "%s", own->steps[1].at.participant);
    if (!bench_ledger_append(file, transfer)) {
        atomic_store(&c->load->broken, errno);
        return false;
    }
    return true;
}

static const int64_t floor_of_accounts = 0;

static void choose(struct bench_client *c, const struct bench_transfers *transfers, struct own *own)
{
    const struct bench_accounts *accounts = &transfers->bank.accounts;
    struct bench_transfer *transfer = &own->transfer;
    size_t sides[2];
    bench_choose_accounts(c, accounts, &sides[0], &sides[1]);
    transfer->amount = (int64_t)(1 + bench_random(c) % BENCH_AMOUNT_MAX);
    for (unsigned i = 0; i < 2; i++) {
        own->steps[i] = (struct bench_step){.type = BENCH_STEP_ADD,
                                            .at = bench_account(accounts, sides[i], own->keys[i]),
                                            .delta = i == 0 ? -transfer->amount : transfer->amount,
                                            .floor = i == 0 ? &floor_of_accounts : NULL};
    }
}

/* Inserts: running the same transfer twice would abort, and be seen. */
static void add_records(struct own *own)
{
    (void)snprintf(own->amount, sizeof own->amount, "%" PRId64, own->transfer.amount);
    for (unsigned i = 0; i < 2; i++) {
        own->steps[2 + i] =
            (struct bench_step){.type = BENCH_STEP_INSERT,
                                .at = txclient_at(own->steps[i].at.participant,
                                                  BENCH_TRANSFERS_SPACE, own->transfer.id),
                                .value = txclient_str(own->amount)};
    }
}

static bool make(struct bench_client *c, void *arg, struct bench_plan *plan)
{
    const struct bench_transfers *transfers = arg;
    struct own *own = c->own;
    bench_steps_key(c, plan->key);
    (void)snprintf(own->transfer.id, sizeof own->transfer.id, "%.*s", (int)BENCH_ID_MAX, plan->key);
    choose(c, transfers, own);
    if (transfers->record) {
        add_records(own);
    }
    plan->steps = own->steps;
    plan->n = transfers->record ? STEPS : 2;
    return append(c, transfers->attempted, own);
}

static void over(struct bench_client *c, void *arg, const struct bench_end *end)
{
    const struct bench_transfers *transfers = arg;
    struct own *own = c->own;
    if (end->lost) {
        (void)fprintf(stderr, "txbench: transfer %s: its outcome was not found out (%s)\n",
                      own->transfer.id, txclient_status_text(end->status));
    }
    if (end->status == TXCLIENT_OK) {
        (void)append(c, transfers->acked, own);
    }
}

static void *own_new(void *arg)
{
    (void)arg;
    return calloc(1, sizeof(struct own));
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
    .make = make,
    .over = over,
    .own_new = own_new,
    .own_free = free,
    .verify = verify,
    .print = print,
    .json = json,
    .deinit = deinit,
};
