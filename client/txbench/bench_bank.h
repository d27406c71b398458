/* The bank of `transfer` and `append`: accounts whose sum must stay what it was, the options that
 * say how many, and what is reported of them. */
#ifndef ASSENT_CLIENT_BENCH_BANK_H
#define ASSENT_CLIENT_BENCH_BANK_H

#include "client/txbench/bench_accounts.h"
#include "common/json.h"

#include <argp.h>
#include <stdio.h>

#define BENCH_ACCOUNTS_MAX 1000000u

struct bench_bank {
    struct bench_accounts accounts;
    size_t n; /* as the options say; 0: no bank, only participants */
    int64_t balance;
    int64_t sum_before;
    int64_t sum_after;
    size_t missing; /* accounts that are absent at the end */
};

enum { BENCH_BANK_ACCOUNTS = 'm', BENCH_BANK_BALANCE = 600 };

#define BENCH_BANK_BALANCE_OPTION                                                                  \
    {                                                                                              \
        "balance", BENCH_BANK_BALANCE, "NUMBER", 0,                                                \
            "of an account when it is created (default 1000)", 0                                   \
    }

error_t bench_bank_parse(struct bench_bank *bank, int key, const char *arg,
                         struct argp_state *state);
/* 0, or EX_USAGE after a complaint: an account alone has nobody to transfer to. */
int bench_bank_check(const struct bench_bank *bank, const char *command, size_t min, size_t max);
/* Finds the participants; creates the accounts and adds them up. 0, or the exit status after a
 * complaint. */
int bench_bank_setup(struct bench_bank *bank, txclient *client);
/* Adds up again. */
int bench_bank_verify(struct bench_bank *bank, txclient *client, bool *holds);
void bench_bank_deinit(struct bench_bank *bank);
void bench_bank_print(const struct bench_bank *bank, FILE *out);
void bench_bank_json(const struct bench_bank *bank, struct json *json);

#endif
