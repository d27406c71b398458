/* Customers with a checking and a savings account: the workload `smallbank`, after Alomari, Cahill,
 * Fekete and Rohm, "The Cost of Serializability on Platforms That Use Snapshot Isolation" (ICDE
 * 2008), with the shares that later papers use: 25 % payments, 15 % each of the other five.
 *
 * Both accounts of customer i are at participant i modulo their number, in the keyspaces
 * "smallbank-checking" and "smallbank-savings". Amalgamate and WriteCheck decide by what they read,
 * and so are interactive in either mode. */
#include "client/bench_accounts.h"
#include "client/bench_args.h"
#include "client/bench_draw.h"
#include "client/bench_money.h"
#include "client/bench_space.h"
#include "client/bench_steps.h"
#include "client/bench_workload.h"

#include <inttypes.h>
#include <stdlib.h>

#define CHECKING      "smallbank-checking"
#define SAVINGS       "smallbank-savings"
#define CUSTOMERS_MAX 1000000u
#define KEY_MAX       32u
#define AMOUNT_MAX    100u
#define PENALTY       1 /* of a check that the two accounts together do not cover */

struct smallbank {
    size_t customers;
    int64_t balance; /* of a new account */
    enum bench_shape shape;
    double theta;
    struct bench_accounts sides; /* the participants alone */
    struct bench_draw draw;
    struct bench_money money;
    struct bench_total before;
    struct bench_total after;
    char text[32]; /* the balance */
    bool holds;
};

/* One transaction. */
struct deal {
    char keys[2][KEY_MAX];
    txclient_address checking[2];
    txclient_address savings; /* of the first customer */
    int64_t amount;
    int64_t change; /* of all money, when it commits */
};

static const int64_t floor_of_accounts = 0;

static txclient_address account(const struct smallbank *bank, const char *space, size_t customer,
                                char *key, size_t key_size)
{
    (void)snprintf(key, key_size, "customer%09zu", customer);
    return txclient_at(bank->sides.participants[customer % bank->sides.participants_n], space, key);
}

static void choose(struct bench_client *c, const struct smallbank *bank, struct deal *deal)
{
    size_t first = (size_t)bench_draw_item(&bank->draw, &c->random);
    size_t second = first;
    while (second == first) {
        second = (size_t)bench_draw_item(&bank->draw, &c->random);
    }
    deal->checking[0] = account(bank, CHECKING, first, deal->keys[0], KEY_MAX);
    deal->savings = account(bank, SAVINGS, first, deal->keys[0], KEY_MAX);
    deal->checking[1] = account(bank, CHECKING, second, deal->keys[1], KEY_MAX);
    deal->amount = 1 + (int64_t)bench_draw_below(&c->random, AMOUNT_MAX);
}

/* ---- those that need no look ---- */

static txclient_status balance(struct bench_client *c, struct deal *deal)
{
    const struct bench_step steps[] = {{.type = BENCH_STEP_GET, .at = deal->savings},
                                       {.type = BENCH_STEP_GET, .at = deal->checking[0]}};
    return bench_steps_run(c, steps, 2, NULL, NULL);
}

static txclient_status deposit_checking(struct bench_client *c, struct deal *deal)
{
    const struct bench_step step = {
        .type = BENCH_STEP_ADD, .at = deal->checking[0], .delta = deal->amount};
    deal->change = deal->amount;
    return bench_steps_run(c, &step, 1, NULL, NULL);
}

/* In or out, but never below 0. */
static txclient_status transact_savings(struct bench_client *c, struct deal *deal)
{
    deal->change = bench_random(c) % 2 == 0 ? deal->amount : -deal->amount;
    const struct bench_step step = {.type = BENCH_STEP_ADD,
                                    .at = deal->savings,
                                    .delta = deal->change,
                                    .floor = &floor_of_accounts};
    return bench_steps_run(c, &step, 1, NULL, NULL);
}

static txclient_status send_payment(struct bench_client *c, struct deal *deal)
{
    const struct bench_step steps[] = {
        {.type = BENCH_STEP_ADD,
         .at = deal->checking[0],
         .delta = -deal->amount,
         .floor = &floor_of_accounts},
        {.type = BENCH_STEP_ADD, .at = deal->checking[1], .delta = deal->amount}};
    return bench_steps_run(c, steps, 2, NULL, NULL);
}

/* ---- those that decide by what they read ---- */

static int64_t number_of(const txclient_value *value)
{
    char text[32] = {0};
    memcpy(text, value->data, value->len < sizeof text ? value->len : sizeof text - 1);
    return strtoll(text, NULL, 10);
}

/* Reads both accounts of the first customer, to write them. */
static txclient_status read_both(txclient_tx *tx, const struct deal *deal, int64_t *savings,
                                 int64_t *checking)
{
    txclient_value values[2] = {{0}};
    txclient_status status = txclient_get_for_update(tx, deal->savings, &values[0]);
    if (status == TXCLIENT_OK) {
        status = txclient_get_for_update(tx, deal->checking[0], &values[1]);
    }
    if (status == TXCLIENT_OK) {
        *savings = number_of(&values[0]);
        *checking = number_of(&values[1]);
    }
    return status;
}

/* All of the first customer's money goes to the second one. */
static txclient_status amalgamate(txclient_tx *tx, void *arg)
{
    const struct deal *deal = arg;
    int64_t savings = 0;
    int64_t checking = 0;
    txclient_status status = read_both(tx, deal, &savings, &checking);
    if (status == TXCLIENT_OK) {
        status = txclient_put(tx, deal->savings, txclient_str("0"));
    }
    if (status == TXCLIENT_OK) {
        status = txclient_put(tx, deal->checking[0], txclient_str("0"));
    }
    if (status == TXCLIENT_OK) {
        status = txclient_add(tx, deal->checking[1], savings + checking, NULL, NULL, NULL);
    }
    return status;
}

static txclient_status write_check(txclient_tx *tx, void *arg)
{
    struct deal *deal = arg;
    int64_t savings = 0;
    int64_t checking = 0;
    txclient_status status = read_both(tx, deal, &savings, &checking);
    deal->change = -deal->amount - (savings + checking < deal->amount ? PENALTY : 0);
    return status == TXCLIENT_OK
               ? txclient_add(tx, deal->checking[0], deal->change, NULL, NULL, NULL)
               : status;
}

static txclient_status run_deal(struct bench_client *c, struct deal *deal)
{
    uint64_t percent = bench_random(c) % 100;
    if (percent < 25) {
        return send_payment(c, deal);
    }
    if (percent < 40) {
        return balance(c, deal);
    }
    if (percent < 55) {
        return deposit_checking(c, deal);
    }
    if (percent < 70) {
        return transact_savings(c, deal);
    }
    return bench_interact(c, percent < 85 ? amalgamate : write_check, deal);
}

static void smallbank_run(struct bench_client *c, void *arg)
{
    struct smallbank *bank = arg;
    struct deal deal = {0};
    uint64_t lost = c->lost;
    choose(c, bank, &deal);
    txclient_status status = run_deal(c, &deal);
    bench_money_book(&bank->money, c, lost, status, deal.change);
}

/* ---- options ---- */

enum { OPTION_CUSTOMERS = 512, OPTION_BALANCE, OPTION_DISTRIBUTION, OPTION_THETA };

static const struct argp_option options[] = {
    {"customers", OPTION_CUSTOMERS, "NUMBER", 0,
     "in all, spread over the participants (default 10000)", 0},
    {"balance", OPTION_BALANCE, "NUMBER", 0, "of an account when it is created (default 1000)", 0},
    {"distribution", OPTION_DISTRIBUTION, "NAME", 0, "uniform or zipfian (default uniform)", 0},
    {"theta", OPTION_THETA, "NUMBER", 0, "how skewed, 0 to 0.999 (default 0.99)", 0},
    {0}};

static void init(void *state)
{
    struct smallbank *bank = state;
    bank->customers = 10000;
    bank->balance = 1000;
    bank->theta = BENCH_THETA_YCSB;
}

static error_t parse(void *state, int key, char *arg, struct argp_state *argp)
{
    struct smallbank *bank = state;
    switch (key) {
    case OPTION_CUSTOMERS:
        bank->customers = (size_t)bench_arg_count(argp, arg, 2, CUSTOMERS_MAX);
        return 0;
    case OPTION_BALANCE:
        bank->balance = (int64_t)bench_arg_count(argp, arg, 0, 1000000000);
        return 0;
    case OPTION_DISTRIBUTION:
        if (!bench_shape_parse(arg, &bank->shape) || bank->shape == BENCH_LATEST) {
            argp_error(argp, "\"%s\" is no distribution: uniform, zipfian", arg);
        }
        return 0;
    case OPTION_THETA:
        bank->theta = bench_arg_number(argp, arg, 0, BENCH_THETA_MAX);
        return 0;
    case ARGP_KEY_ARG: /* words without an option: there are none */
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- before and after ---- */

static txclient_address make_account(void *arg, size_t i, size_t slot,
                                     char key[BENCH_RECORD_KEY_MAX], txclient_bytes *value)
{
    const struct smallbank *bank = arg;
    (void)slot;
    *value = txclient_str(bank->text);
    return account(bank, i % 2 == 0 ? CHECKING : SAVINGS, i / 2, key, BENCH_RECORD_KEY_MAX);
}

static txclient_status add_up(const struct smallbank *bank, txclient *client,
                              struct bench_total *total)
{
    const struct bench_accounts *sides = &bank->sides;
    *total = (struct bench_total){0};
    txclient_status status = bench_space_total(client, sides->participants, sides->participants_n,
                                               CHECKING, "", BENCH_PATIENCE_MS, total);
    if (status == TXCLIENT_OK) {
        status = bench_space_total(client, sides->participants, sides->participants_n, SAVINGS, "",
                                   BENCH_PATIENCE_MS, total);
    }
    return status;
}

static int setup(void *state, txclient *client)
{
    struct smallbank *bank = state;
    (void)snprintf(bank->text, sizeof bank->text, "%" PRId64, bank->balance);
    bench_draw_init(&bank->draw, bank->shape, bank->customers, bank->theta);
    txclient_status status = bench_accounts_init(&bank->sides, client, 0, 0);
    if (status != TXCLIENT_OK) {
        return bench_complain(client, "cannot find the participants", status);
    }
    const struct bench_filling filling = {
        .n = 2 * bank->customers, .together = BENCH_FILL_MAX, .make = make_account, .arg = bank};
    status = bench_space_fill(&filling, client, BENCH_PATIENCE_MS);
    if (status != TXCLIENT_OK) {
        return bench_complain(client, "cannot create the accounts", status);
    }
    status = add_up(bank, client, &bank->before);
    return status == TXCLIENT_OK ? 0 : bench_complain(client, "cannot read the accounts", status);
}

static int verify(void *state, txclient *client, bool *holds)
{
    struct smallbank *bank = state;
    txclient_status status = add_up(bank, client, &bank->after);
    if (status != TXCLIENT_OK) {
        return bench_complain(client, "cannot read the accounts", status);
    }
    bank->holds = bench_money_allows(&bank->money, bank->after.sum - bank->before.sum) &&
                  bank->after.n == bank->before.n && bank->after.wrong == 0;
    *holds = bank->holds;
    return 0;
}

static void print(const void *state, FILE *out)
{
    const struct smallbank *bank = state;
    (void)fprintf(out,
                  "sum of balances %" PRId64 " before, %" PRId64 " after; deposits less "
                  "withdrawals %" PRId64 ": %s\n",
                  bank->before.sum, bank->after.sum, atomic_load(&bank->money.change),
                  bank->holds ? "equal" : "NOT EQUAL");
    if (atomic_load(&bank->money.lost) > 0) {
        (void)fprintf(out,
                      "                %" PRIu64 " outcomes are not known: from %" PRId64
                      " to %+" PRId64 " is allowed\n",
                      atomic_load(&bank->money.lost), atomic_load(&bank->money.less),
                      atomic_load(&bank->money.more));
    }
}

static void json(const void *state, struct json *out)
{
    const struct smallbank *bank = state;
    json_key(out, "sum_before");
    json_i64(out, bank->before.sum);
    json_key(out, "sum_after");
    json_i64(out, bank->after.sum);
    json_key(out, "sum_change");
    json_i64(out, atomic_load(&bank->money.change));
    json_key(out, "sum_holds");
    json_bool(out, bank->holds);
}

static bool deinit(void *state)
{
    struct smallbank *bank = state;
    bench_accounts_deinit(&bank->sides);
    return true;
}

const struct bench_workload bench_workload_smallbank = {
    .name = "smallbank",
    .doc = "Payments, deposits, checks and balances of customers with two accounts each; checks "
           "that all money is there in the end.",
    .options = options,
    .state_size = sizeof(struct smallbank),
    .interactive = true,
    .init = init,
    .parse = parse,
    .setup = setup,
    .work = {.run = smallbank_run},
    .verify = verify,
    .print = print,
    .json = json,
    .deinit = deinit,
};
