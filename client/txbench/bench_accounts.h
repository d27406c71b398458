/* The accounts that transfers go between: number i is the counter "account-<i>" in the keyspace
 * "accounts" of participant i modulo their number. */
#ifndef ASSENT_CLIENT_BENCH_ACCOUNTS_H
#define ASSENT_CLIENT_BENCH_ACCOUNTS_H

#include "client/txclient.h"

#define BENCH_ACCOUNTS_SPACE  "accounts"
#define BENCH_ACCOUNT_KEY_MAX 32

struct bench_accounts {
    char **participants; /* names, as the coordinator knows them */
    size_t participants_n;
    size_t n;
    int64_t balance; /* of a new account */
};

/* Asks the coordinator for its participants. TXCLIENT_EINVAL with a text in the handle's detail
 * when there is none, else as of txclient_inspect(). */
txclient_status bench_accounts_init(struct bench_accounts *accounts, txclient *client, size_t n,
                                    int64_t balance);
void bench_accounts_deinit(struct bench_accounts *accounts);

/* The address of an account; its key is written to `key`. */
txclient_address bench_account(const struct bench_accounts *accounts, size_t i,
                               char key[BENCH_ACCOUNT_KEY_MAX]);

/* May what the last call gave pass by itself, so that the same may succeed a little later? Meant
 * for what may run twice: UNKNOWN is no reason to stop. */
bool bench_may_pass(const txclient *client, txclient_status status);
/* Submits a batch that only reads, again after failures that may pass, for at most `patience_ms`.
 */
txclient_status bench_read(txclient *client, const txclient_batch *batch, txclient_value *values,
                           uint32_t patience_ms);
/* Creates the accounts that do not exist. Failures that may pass are waited out for `patience_ms`.
 */
txclient_status bench_accounts_create(const struct bench_accounts *accounts, txclient *client,
                                      uint32_t patience_ms);
/* The sum of all balances, read in chunks: exact while nobody else transfers. `missing`: accounts
 * that are absent. */
txclient_status bench_accounts_sum(const struct bench_accounts *accounts, txclient *client,
                                   uint32_t patience_ms, int64_t *sum, size_t *missing);

/* Writes the number in decimal, with zeros in front up to `digits` (1 to 20), and a NUL. Returns
 * how many digits that are. Keys are made in every transaction, and printf is a good part of that.
 */
size_t bench_put_number(char *text, uint64_t number, unsigned digits);

/* Monotonic microseconds. */
uint64_t bench_now_us(void);
void bench_sleep_ms(uint32_t ms);

#endif
