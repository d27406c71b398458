/* No distribution at all: both accounts in one RocksDB TransactionDB in this process, and commits
 * that are synced. What a transfer costs where nobody has to agree with anybody. */
#include "tests/bench/peers/peer.h"

#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    rocksdb_writeoptions_t *synced;
    rocksdb_readoptions_t *reads;
    rocksdb_transaction_options_t *options;
    rocksdb_transaction_t *tx;
};

static rocksdb_transactiondb_t *db;
static struct peer_place where;
static struct peer_books before;

/* Says and frees the error, if there is one. */
static bool good(char *error)
{
    if (error != NULL) {
        (void)fprintf(stderr, "peer_load: rocksdb: %s\n", error);
        rocksdb_free(error);
    }
    return error == NULL;
}

struct key {
    char text[16];
};

static struct key key_of(unsigned store, unsigned account)
{
    char text[sizeof(struct key) + 1];
    struct key key;
    (void)snprintf(text, sizeof text, "%c-account-%06u", store == 0 ? 'a' : 'b', account % 1000000);
    (void)memcpy(key.text, text, sizeof key.text);
    return key;
}

static bool create_accounts(void)
{
    char *error = NULL;
    int64_t balance = PEER_BALANCE;
    rocksdb_writeoptions_t *lazy = rocksdb_writeoptions_create();
    for (unsigned i = 0; error == NULL && i < 2 * where.accounts; i++) {
        struct key key = key_of(i % 2, i / 2);
        rocksdb_transactiondb_put(db, lazy, key.text, sizeof key.text, (const char *)&balance,
                                  sizeof balance, &error);
    }
    rocksdb_writeoptions_destroy(lazy);
    return good(error);
}

static void read_books(struct peer_books *books)
{
    *books = (struct peer_books){0};
    rocksdb_readoptions_t *reads = rocksdb_readoptions_create();
    rocksdb_iterator_t *it = rocksdb_transactiondb_create_iterator(db, reads);
    for (rocksdb_iter_seek_to_first(it); rocksdb_iter_valid(it); rocksdb_iter_next(it)) {
        size_t len;
        int64_t balance = 0;
        unsigned store = rocksdb_iter_key(it, &len)[0] == 'a' ? 0 : 1;
        const char *value = rocksdb_iter_value(it, &len);
        if (len == sizeof balance) {
            (void)memcpy(&balance, value, len);
        }
        books->sums[store] += balance;
        books->accounts[store]++;
    }
    rocksdb_iter_destroy(it);
    rocksdb_readoptions_destroy(reads);
}

static bool open_stores(const struct peer_place *place)
{
    char *error = NULL;
    where = *place;
    if (where.accounts > 1000000) {
        (void)fprintf(stderr, "peer_load: rocksdb: at most 1000000 accounts\n");
        return false;
    }
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_transactiondb_options_t *tx_options = rocksdb_transactiondb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_compression(options, rocksdb_no_compression);
    db = rocksdb_transactiondb_open(options, tx_options, place->where[0], &error);
    rocksdb_transactiondb_options_destroy(tx_options);
    rocksdb_options_destroy(options);
    if (!good(error)) {
        return false;
    }
    read_books(&before);
    if (before.accounts[0] == 0 && create_accounts()) {
        read_books(&before);
    }
    return peer_books_sound(&before, place);
}

static bool check(const struct load_result *done)
{
    struct peer_books after;
    read_books(&after);
    return peer_books_agree(&before, &after, done);
}

static void close_stores(void)
{
    rocksdb_transactiondb_close(db);
}

static void *session_new(void)
{
    struct session *s = calloc(1, sizeof *s);
    if (s != NULL) {
        s->synced = rocksdb_writeoptions_create();
        rocksdb_writeoptions_set_sync(s->synced, 1);
        s->reads = rocksdb_readoptions_create();
        s->options = rocksdb_transaction_options_create();
    }
    return s;
}

static void session_destroy(void **session)
{
    struct session *s = *session;
    if (s->tx != NULL) {
        rocksdb_transaction_destroy(s->tx);
    }
    rocksdb_transaction_options_destroy(s->options);
    rocksdb_readoptions_destroy(s->reads);
    rocksdb_writeoptions_destroy(s->synced);
    free(s);
    *session = NULL;
}

/* Locks, reads and rewrites one balance. False: not granted in time, or it would fall below 0. */
static bool add(struct session *s, struct key key, int64_t by)
{
    char *error = NULL;
    size_t len = 0;
    int64_t balance;
    char *value = rocksdb_transaction_get_for_update(s->tx, s->reads, key.text, sizeof key.text,
                                                     &len, 1, &error);
    bool there = error == NULL && value != NULL && len == sizeof balance;
    if (there) {
        (void)memcpy(&balance, value, sizeof balance);
        balance += by;
        there = balance >= 0;
    }
    if (there) {
        rocksdb_transaction_put(s->tx, key.text, sizeof key.text, (const char *)&balance,
                                sizeof balance, &error);
    }
    there = there && error == NULL;
    rocksdb_free(value);
    rocksdb_free(error);
    return there;
}

/* The accounts of the first store are locked before those of the second: nobody waits in a circle.
 */
static enum peer_outcome transfer_money(void *session, const struct peer_transfer *transfer)
{
    struct session *s = session;
    char *error = NULL;
    s->tx = rocksdb_transaction_begin(db, s->synced, s->options, s->tx);
    bool done = add(s, key_of(0, transfer->from), -transfer->amount) &&
                add(s, key_of(1, transfer->to), transfer->amount);
    if (done) {
        rocksdb_transaction_commit(s->tx, &error);
    } else {
        rocksdb_transaction_rollback(s->tx, &error);
    }
    if (!good(error)) {
        return PEER_BROKEN;
    }
    return done ? PEER_COMMITTED : PEER_ABORTED;
}

const struct peer_kind peer_rocksdb = {"rocksdb",    false,       open_stores,    check,
                                       close_stores, session_new, transfer_money, session_destroy};
