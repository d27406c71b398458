/* Customers with a checking and a savings account: the workload `smallbank`, after Alomari, Cahill,
 * Fekete and Rohm, "The Cost of Serializability on Platforms That Use Snapshot Isolation" (ICDE
 * 2008), with the shares that later papers use: 25 % payments, 15 % each of the other five.
 *
 * Both accounts of customer i are at participant i modulo their number, in the keyspaces
 * "smallbank-checking" and "smallbank-savings". Amalgamate and WriteCheck decide by what they read,
 * and so are interactive in either mode. */
#include "client/txbench/bench_accounts.h"
#include "client/txbench/bench_args.h"
#include "client/txbench/bench_draw.h"
#include "client/txbench/bench_money.h"
#include "client/txbench/bench_space.h"
#include "client/txbench/bench_steps.h"
#include "client/txbench/bench_workload.h"

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

#define STEPS 3u /* of a round, at most */

/* What a client keeps: room for one transaction. */
struct deal {
    char keys[2][KEY_MAX];
    txclient_address checking[2];
    txclient_address savings; /* of the first customer */
    int64_t amount;
    int64_t change; /* of all money, when it commits */
    struct bench_step steps[STEPS];
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

static void add_step(struct deal *deal, struct bench_plan *plan, struct bench_step step)
{
    deal->steps[plan->n++] = step;
}

static void add_add(struct deal *deal, struct bench_plan *plan, txclient_address at, int64_t delta,
                    const int64_t *floor)
{
    add_step(deal, plan,
             (struct bench_step){.type = BENCH_STEP_ADD, .at = at, .delta = delta, .floor = floor});
}

/* ---- those that decide by what they read ---- */

static int64_t number_of(const txclient_value *value)
{
    char text[32] = {0};
    memcpy(text, value->data, value->len < sizeof text ? value->len : sizeof text - 1);
    return strtoll(text, NULL, 10);
}

/* All of the first customer's money goes to the second one. */
static enum bench_next amalgamate(struct bench_plan *plan, const txclient_value *values)
{
    struct deal *deal = plan->arg;
    if (plan->n != 2) {
        return BENCH_NEXT_COMMIT;
    }
    int64_t both = number_of(&values[0]) + number_of(&values[1]);
    plan->n = 0;
    add_step(deal, plan,
             (struct bench_step){
                 .type = BENCH_STEP_PUT, .at = deal->savings, .value = txclient_str("0")});
    add_step(deal, plan,
             (struct bench_step){
                 .type = BENCH_STEP_PUT, .at = deal->checking[0], .value = txclient_str("0")});
    add_add(deal, plan, deal->checking[1], both, NULL);
    return BENCH_NEXT_ROUND;
}

static enum bench_next write_check(struct bench_plan *plan, const txclient_value *values)
{
    struct deal *deal = plan->arg;
    if (plan->n != 2) {
        return BENCH_NEXT_COMMIT;
    }
    int64_t both = number_of(&values[0]) + number_of(&values[1]);
    deal->change = -deal->amount - (both < deal->amount ? PENALTY : 0);
    plan->n = 0;
    add_add(deal, plan, deal->checking[0], deal->change, NULL);
    return BENCH_NEXT_ROUND;
}

/* Begins by reading both accounts of the first customer. */
static void read_both(struct deal *deal, struct bench_plan *plan, enum bench_step_type how)
{
    add_step(deal, plan, (struct bench_step){.type = how, .at = deal->savings});
    add_step(deal, plan, (struct bench_step){.type = how, .at = deal->checking[0]});
}

/* ---- which one ---- */

static void plan_deal(struct bench_client *c, struct deal *deal, struct bench_plan *plan)
{
    uint64_t percent = bench_random(c) % 100;
    if (percent < 25) { /* a payment */
        add_add(deal, plan, deal->checking[0], -deal->amount, &floor_of_accounts);
        add_add(deal, plan, deal->checking[1], deal->amount, NULL);
    } else if (percent < 40) { /* a balance */
        read_both(deal, plan, BENCH_STEP_GET);
    } else if (percent < 55) { /* a deposit */
        deal->change = deal->amount;
        add_add(deal, plan, deal->checking[0], deal->change, NULL);
    } else if (percent < 70) { /* into the savings or out, but never below 0 */
        deal->change = bench_random(c) % 2 == 0 ? deal->amount : -deal->amount;
        add_add(deal, plan, deal->savings, deal->change, &floor_of_accounts);
    } else {
        read_both(deal, plan, BENCH_STEP_GET_FOR_UPDATE);
        plan->next = percent < 85 ? amalgamate : write_check;
    }
}

static bool make(struct bench_client *c, void *arg, struct bench_plan *plan)
{
    struct deal *deal = c->own;
    deal->change = 0;
    choose(c, arg, deal);
    plan->steps = deal->steps;
    plan->arg = deal;
    plan_deal(c, deal, plan);
    return true;
}

static void over(struct bench_client *c, void *arg, const struct bench_end *end)
{
    struct smallbank *bank = arg;
    const struct deal *deal = c->own;
    bench_money_book(&bank->money, end->status, end->lost, deal->change);
}

static void *own_new(void *arg)
{
    (void)arg;
    return calloc(1, sizeof(struct deal));
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
    json_member_i64(out, "sum_before", bank->before.sum);
    json_member_i64(out, "sum_after", bank->after.sum);
    json_member_i64(out, "sum_change", atomic_load(&bank->money.change));
    json_member_bool(out, "sum_holds", bank->holds);
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
    .make = make,
    .over = over,
    .own_new = own_new,
    .own_free = free,
    .verify = verify,
    .print = print,
    .json = json,
    .deinit = deinit,
};
