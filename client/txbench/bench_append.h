/* Lists that are only appended to: the work of `txbench append`.
 *
 * Slot i is a list at participant i modulo their number, in the keyspace "lists", as text: numbers
 * with blanks between them. Numbers are unique within a slot. A list that has become long is left
 * behind, and its slot goes on with a new key, RUN-SLOT-GENERATION. */
#ifndef ASSENT_CLIENT_BENCH_APPEND_H
#define ASSENT_CLIENT_BENCH_APPEND_H

#include "client/txbench/bench_accounts.h"
#include "client/txbench/bench_history.h"
#include "client/txbench/bench_steps.h"

#define BENCH_LISTS_SPACE         "lists"
#define BENCH_APPEND_ACCOUNTS_MAX 1000u /* all are read in one transaction */
#define BENCH_APPEND_OPS_MAX      100u
#define BENCH_APPEND_ELEMENTS_MAX 10000u

struct bench_slot;

struct bench_appends {
    const struct bench_accounts *accounts; /* the participants; with n = 0 there is no bank */
    unsigned keys;                         /* slots of each participant */
    unsigned operations;                   /* of a transaction, at most */
    unsigned elements;                     /* of a list, at most */
    struct bench_history history;          /* without a file: none */
    struct bench_slot *slots;
    size_t slots_n;
    _Atomic uint64_t processes; /* of the history, given out so far */
    uint32_t run;               /* part of every key: lists of earlier runs are left alone */
    atomic_bool corrupt;        /* a value was read that nobody wrote */
};

/* Makes the slots; the members before `slots` are the caller's to set. False after a complaint on
 * stderr. */
bool bench_appends_init(struct bench_appends *appends);
void bench_appends_deinit(struct bench_appends *appends);

/* The work, as struct bench_work wants it; `arg` is a struct bench_appends. */
bool bench_append_make(struct bench_client *client, void *arg, struct bench_plan *plan);
void bench_append_over(struct bench_client *client, void *arg, const struct bench_end *end);
void *bench_append_own_new(void *arg);
void bench_append_own_free(void *own);

/* Reads all accounts and writes their balances into the history. */
txclient_status bench_append_balances(struct bench_appends *appends, txclient *client,
                                      uint32_t patience_ms);

#endif
