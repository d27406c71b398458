/* What somebody's transactions look like to the load: two stores with the same number of accounts,
 * and transfers from an account of the first to one of the second.
 *
 * Functions that return false have said why on the standard error. */
#ifndef ASSENT_TESTS_BENCH_PEER_H
#define ASSENT_TESTS_BENCH_PEER_H

#include "tests/bench/peers/load.h"

#include <stdbool.h>
#include <stdint.h>

#define PEER_BALANCE INT64_C(1000000) /* of a new account */

struct peer_place {
    const char *where[2]; /* ports on 127.0.0.1; of RocksDB, a directory in the first */
    unsigned accounts;    /* in each store */
};

struct peer_transfer {
    unsigned from; /* account of the first store */
    unsigned to;   /* of the second */
    int64_t amount;
    char id[48]; /* never used before; letters, digits, '-' */
};

enum peer_outcome {
    PEER_COMMITTED, /* in both stores, and on disk */
    PEER_ABORTED,   /* in neither */
    PEER_BROKEN,    /* nobody knows, or what must not happen: the run is void */
};

struct peer_kind {
    const char *name;
    bool decisions; /* needs an open decision log */
    /* Creates the accounts that are missing, and notes how the books stand. One thread. */
    bool (*open)(const struct peer_place *place);
    /* After the load, all sessions closed: are exactly the transfers of `done` in the books? */
    bool (*check)(const struct load_result *done);
    void (*close)(void);
    /* A session belongs to one thread, which makes it. */
    void *(*session_new)(void);
    enum peer_outcome (*transfer)(void *session, const struct peer_transfer *transfer);
    void (*session_destroy)(void **session);
};

/* Books that are sums of balances: the first store must have lost what moved and the second gained
 * it. */
struct peer_books {
    int64_t sums[2];
    uint64_t accounts[2];
    uint64_t in_doubt; /* prepared, and neither committed nor rolled back */
};

/* Whether `books` can be the beginning of a run: all accounts are there, no money was lost by
 * earlier runs, nothing is in doubt. */
bool peer_books_sound(const struct peer_books *books, const struct peer_place *place);
/* Whether `after` is `before` and the transfers of `done`. */
bool peer_books_agree(const struct peer_books *before, const struct peer_books *after,
                      const struct load_result *done);

extern const struct peer_kind peer_postgresql;
extern const struct peer_kind peer_mariadb;
extern const struct peer_kind peer_etcd; /* reads both, then writes both where they are unchanged */
extern const struct peer_kind peer_etcd_blind; /* writes both, whatever they are */
extern const struct peer_kind peer_rocksdb;

#endif
