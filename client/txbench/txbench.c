/* txbench: load over libtxclient, with the proof that no money was made or lost, or with a history
 * for a checker. txbench(1) is its manual. */
#include "client/txbench/bench_args.h"
#include "client/txbench/bench_bank.h"
#include "client/txbench/bench_report.h"
#include "client/txbench/bench_run.h"
#include "client/txbench/bench_verify.h"

#include <string.h>
#include <sysexits.h>

#define COMMANDS "transfer, append, ycsb, smallbank, tpcb, verify"

static const struct bench_workload *const workloads[] = {
    &bench_workload_transfer,  &bench_workload_append, &bench_workload_ycsb,
    &bench_workload_smallbank, &bench_workload_tpcb,
};

static const struct argp_child place_child[] = {{&cli_place_argp, 0, NULL, 0}, {0}};

/* ---- verify ---- */

struct verify {
    struct cli_place place;
    struct bench_bank bank;
    bool sum_given;
    int64_t expected_sum;
    const char *acked;
    const char *attempted;
};

enum { OPTION_ACKED = 256, OPTION_ATTEMPTED, OPTION_EXPECT_SUM };

static const struct argp_option verify_options[] = {
    {"accounts", BENCH_BANK_ACCOUNTS, "NUMBER", 0,
     "accounts in all, spread over the participants (default 1000)", 0},
    BENCH_BANK_BALANCE_OPTION,
    {"expect-sum", OPTION_EXPECT_SUM, "NUMBER", 0,
     "the sum of all balances (default: accounts times balance)", 0},
    {"acked", OPTION_ACKED, "FILE", 0, "each of these transfers must be on both sides", 0},
    {"attempted", OPTION_ATTEMPTED, "FILE", 0,
     "each of these transfers must be on both sides or on none", 0},
    {0}};

static error_t parse_verify(int key, char *arg, struct argp_state *state)
{
    struct verify *verify = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &verify->place;
        return 0;
    case OPTION_ACKED:
        verify->acked = arg;
        return 0;
    case OPTION_ATTEMPTED:
        verify->attempted = arg;
        return 0;
    case OPTION_EXPECT_SUM:
        verify->sum_given = true;
        verify->expected_sum = bench_arg_money(state, arg);
        return 0;
    default:
        return bench_bank_parse(&verify->bank, key, arg, state);
    }
}

static const struct argp verify_argp = {
    .options = verify_options,
    .parser = parse_verify,
    .doc = "Looks recorded transfers up by name on both sides, and adds up all balances.",
    .children = place_child};

/* 0, or an exit status after a complaint. */
static int verify_file(txclient *client, const char *file, bool acked,
                       struct bench_verdict *verdict)
{
    struct bench_ledger ledger;
    char why[512];
    int result = 0;
    if (file == NULL) {
        return 0;
    }
    if (!bench_ledger_read(&ledger, file, why, sizeof why)) {
        (void)fprintf(stderr, "txbench: %s\n", why);
        result = EX_NOINPUT;
    } else {
        txclient_status status =
            bench_verify(client, &ledger, acked, BENCH_PATIENCE_MS, stderr, verdict);
        result =
            status == TXCLIENT_OK ? 0 : bench_complain(client, "cannot look transfers up", status);
    }
    bench_ledger_deinit(&ledger);
    return result;
}

static int verify_all(struct verify *verify, txclient *client)
{
    struct bench_accounts *accounts = &verify->bank.accounts;
    struct bench_verdict verdict = {0};
    int64_t sum = 0;
    size_t missing = 0;
    int result = verify_file(client, verify->acked, true, &verdict);
    if (result == 0) {
        result = verify_file(client, verify->attempted, false, &verdict);
    }
    if (result != 0) {
        return result;
    }
    txclient_status status =
        bench_accounts_sum(accounts, client, BENCH_PATIENCE_MS, &sum, &missing);
    if (status != TXCLIENT_OK) {
        return bench_complain(client, "cannot read the accounts", status);
    }
    int64_t expected =
        verify->sum_given ? verify->expected_sum : (int64_t)accounts->n * accounts->balance;
    bench_report_verdict(&verdict, sum, expected, missing, verify->place.json);
    bool holds = verdict.lost + verdict.half + verdict.wrong + missing == 0 && sum == expected;
    return holds ? 0 : 1;
}

static int command_verify(const struct cli_place *place, int words_n, char **words)
{
    struct verify verify = {.place = *place, .bank = {.n = 1000, .balance = 1000}};
    if (argp_parse(&verify_argp, words_n, words, 0, NULL, &verify) != 0) {
        return EX_OSERR;
    }
    int result = bench_bank_check(&verify.bank, "verify", 2, BENCH_ACCOUNTS_MAX);
    if (result != 0) {
        return result;
    }
    txclient *client = NULL;
    result = cli_open(&verify.place, &client);
    if (result == 0) {
        txclient_status status =
            bench_accounts_init(&verify.bank.accounts, client, verify.bank.n, verify.bank.balance);
        result = status == TXCLIENT_OK
                     ? verify_all(&verify, client)
                     : bench_complain(client, "cannot find the participants", status);
    }
    bench_bank_deinit(&verify.bank);
    txclient_close(&client);
    return result;
}

/* ---- main ---- */

struct arguments {
    struct bench_run_options run;
    const char *command;
    char **words;
    int words_n;
};

static error_t parse_global(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->run.load.place;
        return 0;
    case ARGP_KEY_ARG:
        arguments->command = arg;
        arguments->words = state->argv + state->next - 1;
        arguments->words_n = state->argc - state->next + 1;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a command is missing: " COMMANDS);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp global_argp = {
    .parser = parse_global,
    .args_doc = "COMMAND [OPTION...]",
    .doc = "Makes load, and checks what came of it.\vCommands: " COMMANDS "; "
           "\"txbench COMMAND --help\" says more.\nExit status: 0 all holds, 1 it does not, 64 "
           "wrong usage, 69 unreachable.",
    .children = place_child};

int main(int argc, char **argv)
{
    struct arguments arguments = {
        .run = {.load = {.clients = 8, .handles = 1, .seconds = 10, .settle_ms = 60000},
                .repetitions = 1}};
    char name[32];
    cli_init();
    if (argp_parse(&global_argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments) != 0) {
        return EX_OSERR;
    }
    (void)snprintf(name, sizeof name, "txbench %s", arguments.command);
    arguments.words[0] = name;
    if (strcmp(arguments.command, "verify") == 0) {
        return command_verify(&arguments.run.load.place, arguments.words_n, arguments.words);
    }
    for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++) {
        if (strcmp(arguments.command, workloads[i]->name) == 0) {
            return bench_run(workloads[i], &arguments.run, arguments.words_n, arguments.words);
        }
    }
    (void)fprintf(stderr, "txbench: unknown command \"%s\"; there are " COMMANDS "\n",
                  arguments.command);
    return EX_USAGE;
}
