/* The workload `append`: its options, its history, and the bank beside its lists. */
#include "client/txbench/bench_append.h"

#include "client/txbench/bench_args.h"
#include "client/txbench/bench_bank.h"
#include "client/txbench/bench_workload.h"

#include <inttypes.h>
#include <sysexits.h>

#define KEYS_MAX 100000u

struct append_state {
    struct bench_appends appends; /* first: the work takes the one for the other */
    struct bench_bank bank;
    const char *history_name;
};

enum { OPTION_HISTORY = 512, OPTION_KEYS, OPTION_OPERATIONS, OPTION_ELEMENTS };

static const struct argp_option options[] = {
    {"history", OPTION_HISTORY, "FILE", 0, "write what was asked for and told, for a checker", 0},
    {"keys", OPTION_KEYS, "NUMBER", 0, "lists at each participant (default 10)", 0},
    {"operations", OPTION_OPERATIONS, "NUMBER", 0, "of a transaction, at most (default 4)", 0},
    {"elements", OPTION_ELEMENTS, "NUMBER", 0,
     "of a list, at most; then a new one is begun (default 100)", 0},
    {"accounts", BENCH_BANK_ACCOUNTS, "NUMBER", 0,
     "accounts to transfer between; 0: none (default 20)", 0},
    BENCH_BANK_BALANCE_OPTION,
    {0}};

static void init(void *state)
{
    struct append_state *append = state;
    append->appends.keys = 10;
    append->appends.operations = 4;
    append->appends.elements = 100;
    append->bank.n = 20;
    append->bank.balance = 1000;
}

static error_t parse(void *state, int key, char *arg, struct argp_state *argp)
{
    struct append_state *append = state;
    struct bench_appends *appends = &append->appends;
    switch (key) {
    case OPTION_HISTORY:
        append->history_name = arg;
        return 0;
    case OPTION_KEYS:
        appends->keys = (unsigned)bench_arg_count(argp, arg, 1, KEYS_MAX);
        return 0;
    case OPTION_OPERATIONS:
        appends->operations = (unsigned)bench_arg_count(argp, arg, 1, BENCH_APPEND_OPS_MAX);
        return 0;
    case OPTION_ELEMENTS:
        appends->elements = (unsigned)bench_arg_count(argp, arg, 1, BENCH_APPEND_ELEMENTS_MAX);
        return 0;
    case ARGP_KEY_ARG: /* words without an option: there are none */
    default:
        return bench_bank_parse(&append->bank, key, arg, argp);
    }
}

static int check(void *state)
{
    struct append_state *append = state;
    return bench_bank_check(&append->bank, "append", 0, BENCH_APPEND_ACCOUNTS_MAX);
}

static int setup(void *state, txclient *client)
{
    struct append_state *append = state;
    struct bench_appends *appends = &append->appends;
    int failed = bench_bank_setup(&append->bank, client);
    if (failed != 0) {
        return failed;
    }
    appends->accounts = &append->bank.accounts;
    if (append->history_name != NULL) {
        const int64_t *total = append->bank.n > 0 ? &append->bank.sum_before : NULL;
        if (!bench_history_open(&appends->history, append->history_name, total)) {
            return EX_CANTCREAT;
        }
    }
    return bench_appends_init(appends) ? 0 : EX_OSERR;
}

static int verify(void *state, txclient *client, bool *holds)
{
    struct append_state *append = state;
    int failed = bench_bank_verify(&append->bank, client, holds);
    if (failed != 0) {
        return failed;
    }
    txclient_status status = bench_append_balances(&append->appends, client, BENCH_PATIENCE_MS);
    if (status != TXCLIENT_OK) {
        return bench_complain(client, "cannot read the accounts", status);
    }
    *holds = *holds && !atomic_load(&append->appends.corrupt);
    return 0;
}

static void print(const void *state, FILE *out)
{
    const struct append_state *append = state;
    bench_bank_print(&append->bank, out);
    if (append->history_name != NULL) {
        (void)fprintf(out, "history         %" PRIu64 " transactions in %s\n",
                      atomic_load(&append->appends.history.txs), append->history_name);
    }
}

static void json(const void *state, struct json *out)
{
    const struct append_state *append = state;
    bench_bank_json(&append->bank, out);
    if (append->history_name != NULL) {
        json_member(out, "history", append->history_name);
        json_member_u64(out, "history_transactions", atomic_load(&append->appends.history.txs));
    }
}

static bool deinit(void *state)
{
    struct append_state *append = state;
    bench_appends_deinit(&append->appends);
    bool closed = bench_history_close(&append->appends.history);
    bench_bank_deinit(&append->bank);
    return closed;
}

const struct bench_workload bench_workload_append = {
    .name = "append",
    .doc = "Appends to lists and reads them, in transactions over one and several participants, "
           "and writes a history that a checker of strict serializability can read. Goes on while "
           "daemons are killed and restarted.",
    .options = options,
    .state_size = sizeof(struct append_state),
    .init = init,
    .parse = parse,
    .check = check,
    .setup = setup,
    .make = bench_append_make,
    .over = bench_append_over,
    .own_new = bench_append_own_new,
    .own_free = bench_append_own_free,
    .verify = verify,
    .print = print,
    .json = json,
    .deinit = deinit,
};
