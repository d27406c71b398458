/* Accounts before and after. */
#include "client/txbench/bench_bank.h"

#include "client/txbench/bench_args.h"
#include "client/txbench/bench_workload.h"

#include <inttypes.h>
#include <sysexits.h>

error_t bench_bank_parse(struct bench_bank *bank, int key, const char *arg,
                         struct argp_state *state)
{
    switch (key) {
    case BENCH_BANK_ACCOUNTS:
        bank->n = (size_t)bench_arg_count(state, arg, 0, BENCH_ACCOUNTS_MAX);
        return 0;
    case BENCH_BANK_BALANCE:
        bank->balance = bench_arg_money(state, arg);
        return 0;
    case ARGP_KEY_ARG: /* words without an option: there are none */
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int bench_bank_check(const struct bench_bank *bank, const char *command, size_t min, size_t max)
{
    if (bank->n >= min && bank->n <= max && bank->n != 1) {
        return 0;
    }
    (void)fprintf(stderr, "txbench: %s takes %s2 to %zu accounts, not %zu\n", command,
                  min == 0 ? "0, or " : "", max, bank->n);
    return EX_USAGE;
}

int bench_bank_setup(struct bench_bank *bank, txclient *client)
{
    struct bench_accounts *accounts = &bank->accounts;
    txclient_status status = bench_accounts_init(accounts, client, bank->n, bank->balance);
    if (status != TXCLIENT_OK) {
        return bench_complain(client, "cannot find the participants", status);
    }
    status = bench_accounts_create(accounts, client, BENCH_PATIENCE_MS);
    if (status != TXCLIENT_OK) {
        return bench_complain(client, "cannot create the accounts", status);
    }
    status =
        bench_accounts_sum(accounts, client, BENCH_PATIENCE_MS, &bank->sum_before, &bank->missing);
    return status == TXCLIENT_OK ? 0 : bench_complain(client, "cannot read the accounts", status);
}

int bench_bank_verify(struct bench_bank *bank, txclient *client, bool *holds)
{
    txclient_status status = bench_accounts_sum(&bank->accounts, client, BENCH_PATIENCE_MS,
                                                &bank->sum_after, &bank->missing);
    if (status != TXCLIENT_OK) {
        return bench_complain(client, "cannot read the accounts", status);
    }
    *holds = bank->sum_before == bank->sum_after && bank->missing == 0;
    return 0;
}

void bench_bank_deinit(struct bench_bank *bank)
{
    bench_accounts_deinit(&bank->accounts);
}

void bench_bank_print(const struct bench_bank *bank, FILE *out)
{
    if (bank->n > 0) {
        (void)fprintf(out, "sum of balances %" PRId64 " before, %" PRId64 " after: %s\n",
                      bank->sum_before, bank->sum_after,
                      bank->sum_before == bank->sum_after ? "equal" : "NOT EQUAL");
    }
    if (bank->missing > 0) {
        (void)fprintf(out, "accounts        %zu are missing\n", bank->missing);
    }
}

void bench_bank_json(const struct bench_bank *bank, struct json *json)
{
    if (bank->n == 0) {
        return;
    }
    json_member_i64(json, "sum_before", bank->sum_before);
    json_member_i64(json, "sum_after", bank->sum_after);
    json_member_bool(json, "sum_holds", bank->sum_before == bank->sum_after);
}
