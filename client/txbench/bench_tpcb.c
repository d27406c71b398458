/* Branches, tellers, accounts and a history: the workload `tpcb`, after the TPC Benchmark B
 * (revision 2.0, 1994; withdrawn, and not to be compared with published results: the sizes are
 * free).
 *
 * Everything of branch b is at participant b modulo their number, in the keyspaces "tpcb-branches",
 * "tpcb-tellers", "tpcb-accounts" and "tpcb-history". A transaction adds an amount to an account,
 * to the teller and to the teller's branch, and writes it down. The account is of another branch in
 * `remote` percent of them. */
#include "client/txbench/bench_accounts.h"
#include "client/txbench/bench_args.h"
#include "client/txbench/bench_draw.h"
#include "client/txbench/bench_money.h"
#include "client/txbench/bench_space.h"
#include "client/txbench/bench_steps.h"
#include "client/txbench/bench_workload.h"

#include <inttypes.h>
#include <stdlib.h>

#define BRANCHES_MAX 10000u
#define TELLERS_MAX  100u
#define ACCOUNTS_MAX 100000u
#define KEY_MAX      BENCH_RECORD_KEY_MAX
#define AMOUNT_MAX   999999

enum table { ACCOUNTS, TELLERS, BRANCHES, TABLES };

static const char *const spaces[TABLES] = {
    [ACCOUNTS] = "tpcb-accounts", [TELLERS] = "tpcb-tellers", [BRANCHES] = "tpcb-branches"};
#define HISTORY "tpcb-history"

struct tpcb {
    size_t branches;
    size_t tellers;              /* of a branch */
    size_t accounts;             /* of a branch */
    unsigned remote;             /* percent */
    struct bench_accounts sides; /* the participants alone */
    uint64_t run;                /* its lines of the history begin with it */
    _Atomic uint64_t lines;
    struct bench_money money;
    struct bench_total before[TABLES];
    struct bench_total after[TABLES];
    struct bench_total history; /* of this run */
    bool holds;
};

#define STEPS 4u /* of a transaction */

/* What a client keeps: room for one. */
struct own {
    struct bench_step steps[STEPS];
    char keys[TABLES][KEY_MAX];
    char line[KEY_MAX];
    char text[32];
    int64_t amount;
};

static txclient_address place(const struct tpcb *bank, enum table table, size_t branch,
                              size_t number, char key[KEY_MAX])
{
    (void)snprintf(key, KEY_MAX, "%06zu-%06zu", branch, number);
    return txclient_at(bank->sides.participants[branch % bank->sides.participants_n], spaces[table],
                       key);
}

/* ---- one transaction ---- */

static size_t branch_of_account(struct bench_client *c, const struct tpcb *bank, size_t home)
{
    if (bank->branches == 1 || bench_draw_below(&c->random, 100) >= bank->remote) {
        return home;
    }
    size_t other = (size_t)bench_draw_below(&c->random, bank->branches - 1);
    return other < home ? other : other + 1;
}

static bool make(struct bench_client *c, void *arg, struct bench_plan *plan)
{
    struct tpcb *bank = arg;
    struct own *own = c->own;
    size_t home = (size_t)bench_draw_below(&c->random, bank->branches);
    size_t branch = branch_of_account(c, bank, home);
    size_t account = (size_t)bench_draw_below(&c->random, bank->accounts);
    size_t teller = (size_t)bench_draw_below(&c->random, bank->tellers);
    int64_t amount = (int64_t)bench_draw_below(&c->random, 2 * AMOUNT_MAX + 1) - AMOUNT_MAX;
    (void)snprintf(own->text, sizeof own->text, "%" PRId64, amount);
    (void)snprintf(own->line, sizeof own->line, "%016" PRIx64 "-%012" PRIu64, bank->run,
                   atomic_fetch_add(&bank->lines, 1));
    txclient_address at_branch = place(bank, BRANCHES, home, 0, own->keys[BRANCHES]);
    own->amount = amount;
    /* The branch last: it is what many wait for. */
    own->steps[0] =
        (struct bench_step){.type = BENCH_STEP_ADD,
                            .at = place(bank, ACCOUNTS, branch, account, own->keys[ACCOUNTS]),
                            .delta = amount};
    own->steps[1] =
        (struct bench_step){.type = BENCH_STEP_INSERT,
                            .at = txclient_at(at_branch.participant, HISTORY, own->line),
                            .value = txclient_str(own->text)};
    own->steps[2] =
        (struct bench_step){.type = BENCH_STEP_ADD,
                            .at = place(bank, TELLERS, home, teller, own->keys[TELLERS]),
                            .delta = amount};
    own->steps[3] = (struct bench_step){.type = BENCH_STEP_ADD, .at = at_branch, .delta = amount};
    plan->steps = own->steps;
    plan->n = STEPS;
    return true;
}

static void over(struct bench_client *c, void *arg, const struct bench_end *end)
{
    struct tpcb *bank = arg;
    const struct own *own = c->own;
    bench_money_book(&bank->money, end->status, end->lost, own->amount);
}

static void *own_new(void *arg)
{
    (void)arg;
    return calloc(1, sizeof(struct own));
}

/* ---- options ---- */

enum { OPTION_BRANCHES = 512, OPTION_TELLERS, OPTION_ACCOUNTS, OPTION_REMOTE };

static const struct argp_option options[] = {
    {"branches", OPTION_BRANCHES, "NUMBER", 0, "spread over the participants (default 10)", 0},
    {"tellers", OPTION_TELLERS, "NUMBER", 0, "of a branch (default 10)", 0},
    {"accounts", OPTION_ACCOUNTS, "NUMBER", 0, "of a branch (default 1000)", 0},
    {"remote", OPTION_REMOTE, "PERCENT", 0,
     "of transactions, with an account of another branch (default 15)", 0},
    {0}};

static void init(void *state)
{
    struct tpcb *bank = state;
    bank->branches = 10;
    bank->tellers = 10;
    bank->accounts = 1000;
    bank->remote = 15;
}

static error_t parse(void *state, int key, char *arg, struct argp_state *argp)
{
    struct tpcb *bank = state;
    switch (key) {
    case OPTION_BRANCHES:
        bank->branches = (size_t)bench_arg_count(argp, arg, 1, BRANCHES_MAX);
        return 0;
    case OPTION_TELLERS:
        bank->tellers = (size_t)bench_arg_count(argp, arg, 1, TELLERS_MAX);
        return 0;
    case OPTION_ACCOUNTS:
        bank->accounts = (size_t)bench_arg_count(argp, arg, 1, ACCOUNTS_MAX);
        return 0;
    case OPTION_REMOTE:
        bank->remote = (unsigned)bench_arg_count(argp, arg, 0, 100);
        return 0;
    case ARGP_KEY_ARG: /* words without an option: there are none */
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- before and after ---- */

static size_t table_size(const struct tpcb *bank, enum table table)
{
    switch (table) {
    case ACCOUNTS:
        return bank->accounts;
    case TELLERS:
        return bank->tellers;
    case BRANCHES:
    case TABLES:
        break;
    }
    return 1;
}

struct making {
    const struct tpcb *bank;
    enum table table;
};

static txclient_address make_counter(void *arg, size_t i, size_t slot,
                                     char key[BENCH_RECORD_KEY_MAX], txclient_bytes *value)
{
    const struct making *making = arg;
    size_t size = table_size(making->bank, making->table);
    (void)slot;
    *value = txclient_str("0");
    return place(making->bank, making->table, i / size, i % size, key);
}

static txclient_status make_tables(const struct tpcb *bank, txclient *client)
{
    txclient_status status = TXCLIENT_OK;
    for (enum table table = ACCOUNTS; status == TXCLIENT_OK && table < TABLES; table++) {
        struct making making = {.bank = bank, .table = table};
        const struct bench_filling filling = {.n = bank->branches * table_size(bank, table),
                                              .together = BENCH_FILL_MAX,
                                              .make = make_counter,
                                              .arg = &making};
        status = bench_space_fill(&filling, client, BENCH_PATIENCE_MS);
    }
    return status;
}

static txclient_status add_up(const struct tpcb *bank, txclient *client,
                              struct bench_total totals[TABLES])
{
    txclient_status status = TXCLIENT_OK;
    for (enum table table = ACCOUNTS; status == TXCLIENT_OK && table < TABLES; table++) {
        totals[table] = (struct bench_total){0};
        status = bench_space_total(client, bank->sides.participants, bank->sides.participants_n,
                                   spaces[table], "", BENCH_PATIENCE_MS, &totals[table]);
    }
    return status;
}

static int setup(void *state, txclient *client)
{
    struct tpcb *bank = state;
    txclient_status status = bench_accounts_init(&bank->sides, client, 0, 0);
    if (status != TXCLIENT_OK) {
        return bench_complain(client, "cannot find the participants", status);
    }
    if (!bench_load_run_number(&bank->run)) {
        return cli_exit_status(TXCLIENT_ESYSTEM);
    }
    status = make_tables(bank, client);
    if (status != TXCLIENT_OK) {
        return bench_complain(client, "cannot create the accounts", status);
    }
    status = add_up(bank, client, bank->before);
    return status == TXCLIENT_OK ? 0 : bench_complain(client, "cannot read the accounts", status);
}

/* Every table has changed by what the history says, and that by what clients were told. */
static bool tables_agree(const struct tpcb *bank)
{
    uint64_t committed = atomic_load(&bank->money.committed);
    bool agree = bench_money_allows(&bank->money, bank->history.sum) && bank->history.wrong == 0 &&
                 bank->history.n >= committed &&
                 bank->history.n <= committed + atomic_load(&bank->money.lost);
    for (enum table table = ACCOUNTS; table < TABLES; table++) {
        const struct bench_total *before = &bank->before[table];
        const struct bench_total *after = &bank->after[table];
        agree = agree && after->sum - before->sum == bank->history.sum && after->n == before->n &&
                after->wrong == 0;
    }
    return agree;
}

static int verify(void *state, txclient *client, bool *holds)
{
    struct tpcb *bank = state;
    char prefix[32];
    (void)snprintf(prefix, sizeof prefix, "%016" PRIx64 "-", bank->run);
    txclient_status status = add_up(bank, client, bank->after);
    if (status == TXCLIENT_OK) {
        status = bench_space_total(client, bank->sides.participants, bank->sides.participants_n,
                                   HISTORY, prefix, BENCH_PATIENCE_MS, &bank->history);
    }
    if (status != TXCLIENT_OK) {
        return bench_complain(client, "cannot read the accounts", status);
    }
    bank->holds = tables_agree(bank);
    *holds = bank->holds;
    return 0;
}

static int64_t change(const struct tpcb *bank, enum table table)
{
    return bank->after[table].sum - bank->before[table].sum;
}

static void print(const void *state, FILE *out)
{
    const struct tpcb *bank = state;
    (void)fprintf(out,
                  "sums changed by accounts %" PRId64 ", tellers %" PRId64 ", branches %" PRId64
                  ", history %" PRId64 " in %zu lines: %s\n",
                  change(bank, ACCOUNTS), change(bank, TELLERS), change(bank, BRANCHES),
                  bank->history.sum, bank->history.n, bank->holds ? "equal" : "NOT EQUAL");
    if (!bank->holds) {
        (void)fprintf(out,
                      "                clients were told %" PRId64 " in %" PRIu64 " transactions\n",
                      atomic_load(&bank->money.change), atomic_load(&bank->money.committed));
    }
}

static void json(const void *state, struct json *out)
{
    const struct tpcb *bank = state;
    static const char *const names[TABLES] = {[ACCOUNTS] = "accounts_change",
                                              [TELLERS] = "tellers_change",
                                              [BRANCHES] = "branches_change"};
    for (enum table table = ACCOUNTS; table < TABLES; table++) {
        json_member_i64(out, names[table], change(bank, table));
    }
    json_member_i64(out, "history_sum", bank->history.sum);
    json_member_u64(out, "history_lines", bank->history.n);
    json_member_bool(out, "sum_holds", bank->holds);
}

static bool deinit(void *state)
{
    struct tpcb *bank = state;
    bench_accounts_deinit(&bank->sides);
    return true;
}

const struct bench_workload bench_workload_tpcb = {
    .name = "tpcb",
    .doc = "Adds amounts to an account, its teller and its branch, and writes a line of history; "
           "checks that all four have changed alike.",
    .options = options,
    .state_size = sizeof(struct tpcb),
    .interactive = true,
    .init = init,
    .parse = parse,
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
