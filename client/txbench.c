/* txbench: load over libtxclient, with the proof that no money was made or lost, or with a history
 * for a checker. txbench(1) is its manual. */
#include "client/bench_append.h"
#include "client/bench_report.h"
#include "client/bench_transfer.h"
#include "client/bench_verify.h"
#include "client/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define CLIENTS_MAX  1024u
#define ACCOUNTS_MAX 1000000u
#define PATIENCE_MS  60000u /* for creating, adding up and verifying */
#define POLL_MS      20u
#define KEYS_MAX     100000u

struct arguments {
    struct bench_options load;
    struct bench_transfers transfers;
    struct bench_appends appends;
    const char *command;
    bool accounts_given;
    size_t accounts;
    int64_t balance;
    bool sum_given;
    int64_t expected_sum;
    const char *acked;
    const char *attempted;
    const char *history;
    char **words;
    int words_n;
};

static const struct argp_child place_child[] = {{&cli_place_argp, 0, NULL, 0}, {0}};

/* ---- arguments ---- */

static double number_between(struct argp_state *state, const char *arg, double min, double max)
{
    char *end = NULL;
    errno = 0;
    double value = strtod(arg, &end);
    if (errno != 0 || end == arg || *end != '\0' || !(value >= min && value <= max)) {
        argp_error(state, "\"%s\" is no number from %.0f to %.0f", arg, min, max);
        return min;
    }
    return value;
}

static int64_t parse_money(struct argp_state *state, const char *arg)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(arg, &end, 10);
    if (errno != 0 || end == arg || *end != '\0') {
        argp_error(state, "\"%s\" is no whole number", arg);
    }
    return value;
}

enum option_key {
    OPTION_INTERACTIVE = 256,
    OPTION_RECORD,
    OPTION_ACKED,
    OPTION_ATTEMPTED,
    OPTION_EXPECT_SUM,
    OPTION_BALANCE,
    OPTION_SETTLE,
    OPTION_HISTORY,
    OPTION_KEYS,
    OPTION_OPERATIONS,
    OPTION_ELEMENTS,
    OPTION_OTHER_CONFIG,
};

static error_t parse_append_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    struct bench_appends *appends = &arguments->appends;
    if (key == OPTION_HISTORY) {
        arguments->history = arg;
    } else if (key == OPTION_KEYS) {
        appends->keys = (unsigned)number_between(state, arg, 1, KEYS_MAX);
    } else if (key == OPTION_OPERATIONS) {
        appends->operations = (unsigned)number_between(state, arg, 1, BENCH_APPEND_OPS_MAX);
    } else if (key == OPTION_ELEMENTS) {
        appends->elements = (unsigned)number_between(state, arg, 1, BENCH_APPEND_ELEMENTS_MAX);
    } else if (key == OPTION_OTHER_CONFIG) {
        arguments->load.other_config = arg;
    } else {
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->load.place;
        return 0;
    case 'n':
        arguments->load.clients = (unsigned)number_between(state, arg, 1, CLIENTS_MAX);
        return 0;
    case 's':
        arguments->load.seconds = number_between(state, arg, 0, 86400);
        return 0;
    case 'm':
        arguments->accounts_given = true;
        arguments->accounts = (size_t)number_between(state, arg, 0, ACCOUNTS_MAX);
        return 0;
    case OPTION_INTERACTIVE:
        arguments->transfers.interactive = true;
        return 0;
    case OPTION_RECORD:
        arguments->transfers.record = true;
        return 0;
    case OPTION_ACKED:
        arguments->acked = arg;
        return 0;
    case OPTION_ATTEMPTED:
        arguments->attempted = arg;
        return 0;
    case OPTION_EXPECT_SUM:
        arguments->sum_given = true;
        arguments->expected_sum = parse_money(state, arg);
        return 0;
    case OPTION_BALANCE:
        arguments->balance = parse_money(state, arg);
        return 0;
    case OPTION_SETTLE:
        arguments->load.settle_ms = (uint32_t)(number_between(state, arg, 0, 3600) * 1000.0);
        return 0;
    default:
        return parse_append_option(key, arg, state);
    }
}

#define ACCOUNTS_OPTION                                                                            \
    {                                                                                              \
        "accounts", 'm', "NUMBER", 0,                                                              \
            "accounts in all, spread over the participants (default 1000)", 0                      \
    }
#define BALANCE_OPTION                                                                             \
    {                                                                                              \
        "balance", OPTION_BALANCE, "NUMBER", 0, "of an account when it is created (default 1000)", \
            0                                                                                      \
    }

#define LOAD_OPTIONS                                                                               \
    {"clients", 'n', "NUMBER", 0, "clients at once, each a thread with a handle (default 8)", 0},  \
        {"seconds", 's', "NUMBER", 0, "for so long new transactions begin (default 10)", 0},       \
    {                                                                                              \
        "settle", OPTION_SETTLE, "SECONDS", 0,                                                     \
            "ask so long for an outcome that is unknown (default 60)", 0                           \
    }

static const struct argp_option transfer_options[] = {
    LOAD_OPTIONS,
    ACCOUNTS_OPTION,
    BALANCE_OPTION,
    {"interactive", OPTION_INTERACTIVE, NULL, 0,
     "begin, operations and commit, instead of one-shot", 0},
    {"record", OPTION_RECORD, NULL, 0, "each transfer also leaves a record on both sides", 0},
    {"acked", OPTION_ACKED, "FILE", 0, "append a line for each transfer that committed", 0},
    {"attempted", OPTION_ATTEMPTED, "FILE", 0, "append a line for each transfer before it begins",
     0},
    {0}};
static const struct argp_option append_options[] = {
    LOAD_OPTIONS,
    {"history", OPTION_HISTORY, "FILE", 0, "write what was asked for and told, for a checker", 0},
    {"keys", OPTION_KEYS, "NUMBER", 0, "lists at each participant (default 10)", 0},
    {"operations", OPTION_OPERATIONS, "NUMBER", 0, "of a transaction, at most (default 4)", 0},
    {"elements", OPTION_ELEMENTS, "NUMBER", 0,
     "of a list, at most; then a new one is begun (default 100)", 0},
    {"accounts", 'm', "NUMBER", 0, "accounts to transfer between; 0: none (default 20)", 0},
    BALANCE_OPTION,
    {"other-config", OPTION_OTHER_CONFIG, "FILE", 0,
     "configuration file of every second client, with another coordinator", 0},
    {0}};
static const struct argp_option verify_options[] = {
    ACCOUNTS_OPTION,
    BALANCE_OPTION,
    {"expect-sum", OPTION_EXPECT_SUM, "NUMBER", 0,
     "the sum of all balances (default: accounts times balance)", 0},
    {"acked", OPTION_ACKED, "FILE", 0, "each of these transfers must be on both sides", 0},
    {"attempted", OPTION_ATTEMPTED, "FILE", 0,
     "each of these transfers must be on both sides or on none", 0},
    {0}};

static const struct argp transfer_argp = {
    .options = transfer_options,
    .parser = parse_option,
    .doc = "Transfers between accounts at different participants, and checks that the sum of all "
           "balances stays what it was. Goes on while daemons are killed and restarted.",
    .children = place_child};
static const struct argp append_argp = {
    .options = append_options,
    .parser = parse_option,
    .doc =
        "Appends to lists and reads them, in transactions over one and several participants, and "
        "writes a history that a checker of strict serializability can read. Goes on while "
        "daemons are killed and restarted.",
    .children = place_child};
static const struct argp verify_argp = {
    .options = verify_options,
    .parser = parse_option,
    .doc = "Looks recorded transfers up by name on both sides, and adds up all balances.",
    .children = place_child};

/* ---- transfer ---- */

static int complain(txclient *client, const char *what, txclient_status status)
{
    const char *text = txclient_detail(client)->text;
    (void)fprintf(stderr, "txbench: %s: %s\n", what,
                  text[0] != '\0' ? text : txclient_status_text(status));
    return status == TXCLIENT_ABORTED || status == TXCLIENT_UNKNOWN ? EX_UNAVAILABLE
                                                                    : cli_exit_status(status);
}

static void watch(struct bench_load *load)
{
    bool terminal = isatty(STDERR_FILENO) == 1;
    uint64_t shown_us = load->started_us;
    uint64_t committed = 0;
    while (bench_load_running(load)) {
        bench_sleep_ms(POLL_MS);
        uint64_t now_us = bench_now_us();
        if (now_us - shown_us >= 1000000u) {
            struct bench_counts counts;
            bench_load_counts(load, &counts);
            uint64_t all = counts.committed;
            bench_report_progress(stderr, (double)(now_us - load->started_us) / 1e6, &counts,
                                  (all - committed) * 1000000u / (now_us - shown_us), terminal);
            committed = all;
            shown_us = now_us;
        }
    }
    if (terminal) {
        (void)fputc('\n', stderr);
    }
}

static int run_load(const struct arguments *arguments, const struct bench_work *work,
                    struct bench_result *result)
{
    struct bench_load load;
    bench_load_catch_signals();
    int failed = bench_load_start(&load, &arguments->load, work);
    if (failed != 0) {
        return failed;
    }
    watch(&load);
    uint64_t took_us = bench_now_us() - load.started_us;
    result->seconds = (double)took_us / 1e6;
    bench_load_counts(&load, &result->counts);
    return bench_load_finish(&load, &result->latencies) ? 0 : EX_IOERR;
}

static int prepare_bank(txclient *client, const struct bench_accounts *accounts,
                        struct bench_result *result)
{
    txclient_status status = bench_accounts_create(accounts, client, PATIENCE_MS);
    if (status != TXCLIENT_OK) {
        return complain(client, "cannot create the accounts", status);
    }
    status =
        bench_accounts_sum(accounts, client, PATIENCE_MS, &result->sum_before, &result->missing);
    return status == TXCLIENT_OK ? 0 : complain(client, "cannot read the accounts", status);
}

/* Runs the load between two readings of the bank. */
static int load_between(const struct arguments *arguments, const struct bench_work *work,
                        txclient *client, const struct bench_accounts *accounts,
                        struct bench_result *result)
{
    int failed = run_load(arguments, work, result);
    if (failed != 0) {
        return failed;
    }
    txclient_status status =
        bench_accounts_sum(accounts, client, PATIENCE_MS, &result->sum_after, &result->missing);
    return status == TXCLIENT_OK ? 0 : complain(client, "cannot read the accounts", status);
}

static bool bank_holds(const struct bench_result *result)
{
    return result->sum_before == result->sum_after && result->missing == 0;
}

static int transfer_between(struct arguments *arguments, txclient *client,
                            const struct bench_accounts *accounts, struct bench_result *result)
{
    const struct bench_work work = {.run = bench_transfer_run, .arg = &arguments->transfers};
    arguments->transfers.accounts = accounts;
    result->bank = true;
    int failed = prepare_bank(client, accounts, result);
    if (failed == 0) {
        failed = load_between(arguments, &work, client, accounts, result);
    }
    if (failed != 0) {
        return failed;
    }
    bench_report(result, arguments->load.place.json);
    return bank_holds(result) ? 0 : 1;
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

static int command_transfer(struct arguments *arguments, txclient *client,
                            const struct bench_accounts *accounts)
{
    struct bench_result *result = calloc(1, sizeof *result);
    int exit_status = EX_CANTCREAT;
    bool opened = open_ledger(arguments->acked, &arguments->transfers.acked);
    if (open_ledger(arguments->attempted, &arguments->transfers.attempted) && opened &&
        result != NULL) {
        exit_status = transfer_between(arguments, client, accounts, result);
    }
    bool closed = close_ledger(&arguments->transfers.acked);
    closed = close_ledger(&arguments->transfers.attempted) && closed;
    free(result);
    return exit_status == 0 && !closed ? EX_IOERR : exit_status;
}

/* ---- append ---- */

static int append_and_check(struct arguments *arguments, txclient *client,
                            const struct bench_accounts *accounts, struct bench_result *result)
{
    struct bench_appends *appends = &arguments->appends;
    const struct bench_work work = bench_append_work(appends);
    int failed = load_between(arguments, &work, client, accounts, result);
    if (failed != 0) {
        return failed;
    }
    txclient_status status = bench_append_balances(appends, client, PATIENCE_MS);
    if (status != TXCLIENT_OK) {
        return complain(client, "cannot read the accounts", status);
    }
    result->history = arguments->history;
    result->history_txs = atomic_load(&appends->history.txs);
    bench_report(result, arguments->load.place.json);
    return bank_holds(result) && !atomic_load(&appends->corrupt) ? 0 : 1;
}

static int append_with(struct arguments *arguments, txclient *client,
                       const struct bench_accounts *accounts, struct bench_result *result)
{
    struct bench_appends *appends = &arguments->appends;
    appends->accounts = accounts;
    result->bank = accounts->n > 0;
    int failed = prepare_bank(client, accounts, result);
    if (failed != 0) {
        return failed;
    }
    if (arguments->history != NULL &&
        !bench_history_open(&appends->history, arguments->history,
                            result->bank ? &result->sum_before : NULL)) {
        return EX_CANTCREAT;
    }
    failed = bench_appends_init(appends) ? append_and_check(arguments, client, accounts, result)
                                         : EX_OSERR;
    bench_appends_deinit(appends);
    bool closed = bench_history_close(&appends->history);
    return failed == 0 && !closed ? EX_IOERR : failed;
}

static int command_append(struct arguments *arguments, txclient *client,
                          const struct bench_accounts *accounts)
{
    struct bench_result *result = calloc(1, sizeof *result);
    if (result == NULL) {
        (void)fputs("txbench: out of memory\n", stderr);
        return EX_OSERR;
    }
    int exit_status = append_with(arguments, client, accounts, result);
    free(result);
    return exit_status;
}

/* ---- verify ---- */

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
        txclient_status status = bench_verify(client, &ledger, acked, PATIENCE_MS, stderr, verdict);
        result = status == TXCLIENT_OK ? 0 : complain(client, "cannot look transfers up", status);
    }
    bench_ledger_deinit(&ledger);
    return result;
}

static int command_verify(struct arguments *arguments, txclient *client,
                          const struct bench_accounts *accounts)
{
    struct bench_verdict verdict = {0};
    int64_t sum = 0;
    size_t missing = 0;
    int result = verify_file(client, arguments->acked, true, &verdict);
    if (result == 0) {
        result = verify_file(client, arguments->attempted, false, &verdict);
    }
    if (result != 0) {
        return result;
    }
    txclient_status status = bench_accounts_sum(accounts, client, PATIENCE_MS, &sum, &missing);
    if (status != TXCLIENT_OK) {
        return complain(client, "cannot read the accounts", status);
    }
    int64_t expected = arguments->sum_given ? arguments->expected_sum
                                            : (int64_t)arguments->accounts * arguments->balance;
    bench_report_verdict(&verdict, sum, expected, missing, arguments->load.place.json);
    bool holds = verdict.lost + verdict.half + verdict.wrong + missing == 0 && sum == expected;
    return holds ? 0 : 1;
}

/* ---- main ---- */

static const struct command {
    const char *name;
    const struct argp *argp;
    size_t accounts; /* default and bounds of their number */
    size_t accounts_min;
    size_t accounts_max;
    int (*run)(struct arguments *arguments, txclient *client,
               const struct bench_accounts *accounts);
} commands[] = {
    {"transfer", &transfer_argp, 1000, 2, ACCOUNTS_MAX, command_transfer},
    {"append", &append_argp, 20, 0, BENCH_APPEND_ACCOUNTS_MAX, command_append},
    {"verify", &verify_argp, 1000, 2, ACCOUNTS_MAX, command_verify},
};

static error_t parse_global(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->load.place;
        return 0;
    case ARGP_KEY_ARG:
        arguments->command = arg;
        arguments->words = state->argv + state->next;
        arguments->words_n = state->argc - state->next;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a command is missing: transfer, append or verify");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp global_argp = {
    .parser = parse_global,
    .args_doc = "COMMAND [OPTION...]",
    .doc =
        "Makes load, and checks that no money was made or lost.\vCommands: transfer, append, "
        "verify; "
        "\"txbench COMMAND --help\" says more.\nExit status: 0 all holds, 1 it does not, 64 wrong "
        "usage, 69 unreachable.",
    .children = place_child};

/* Takes the command's default; an account alone has nobody to transfer to. */
static int check_accounts(const struct command *command, struct arguments *arguments)
{
    if (!arguments->accounts_given) {
        arguments->accounts = command->accounts;
    }
    if (arguments->accounts < command->accounts_min ||
        arguments->accounts > command->accounts_max || arguments->accounts == 1) {
        (void)fprintf(stderr, "txbench: %s takes %s2 to %zu accounts, not %zu\n", command->name,
                      command->accounts_min == 0 ? "0, or " : "", command->accounts_max,
                      arguments->accounts);
        return EX_USAGE;
    }
    return 0;
}

static int run_command(const struct command *command, struct arguments *arguments)
{
    char name[32];
    (void)snprintf(name, sizeof name, "txbench %s", command->name);
    char **argv = arguments->words - 1;
    argv[0] = name;
    if (argp_parse(command->argp, arguments->words_n + 1, argv, 0, NULL, arguments) != 0) {
        return EX_OSERR;
    }
    int result = check_accounts(command, arguments);
    if (result != 0) {
        return result;
    }
    txclient *client = NULL;
    struct bench_accounts accounts = {0};
    result = cli_open(&arguments->load.place, &client);
    if (result == 0) {
        txclient_status status =
            bench_accounts_init(&accounts, client, arguments->accounts, arguments->balance);
        result = status == TXCLIENT_OK ? command->run(arguments, client, &accounts)
                                       : complain(client, "cannot find the participants", status);
    }
    bench_accounts_deinit(&accounts);
    txclient_close(&client);
    return result;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.load = {.clients = 8, .seconds = 10, .settle_ms = 60000},
                                  .appends = {.keys = 10, .operations = 4, .elements = 100},
                                  .balance = 1000};
    cli_init();
    if (argp_parse(&global_argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments) != 0) {
        return EX_OSERR;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(arguments.command, commands[i].name) == 0) {
            return run_command(&commands[i], &arguments);
        }
    }
    (void)fprintf(stderr,
                  "txbench: unknown command \"%s\"; there are transfer, append and verify\n",
                  arguments.command);
    return EX_USAGE;
}
