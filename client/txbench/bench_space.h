/* Whole keyspaces: filling them before a load, reading them behind it. */
#ifndef ASSENT_CLIENT_BENCH_SPACE_H
#define ASSENT_CLIENT_BENCH_SPACE_H

#include "client/txclient.h"

#define BENCH_RECORD_KEY_MAX 64u /* with NUL */

/* Records 0 to n - 1, as `make` says. */
struct bench_filling {
    size_t n;
    size_t together; /* records in one transaction, at least 1, at most BENCH_FILL_MAX */
    bool overwrite;  /* those that are there; else they stay as they are */
    /* Gives place and value of a record: the key is written to `key`, the value borrowed until the
     * next call with the same `slot` (0 to `together` - 1). */
    txclient_address (*make)(void *arg, size_t i, size_t slot, char key[BENCH_RECORD_KEY_MAX],
                             txclient_bytes *value);
    void *arg;
};
#define BENCH_FILL_MAX 200u

/* Failures that may pass are waited out, for at most `patience_ms` each. TXCLIENT_OK, or what the
 * last attempt gave, with the handle's detail. */
txclient_status bench_space_fill(const struct bench_filling *filling, txclient *client,
                                 uint32_t patience_ms);

/* Calls `see` for every record of the keyspace whose key begins with `prefix`, in order. Reads in
 * pieces, which is exact while nobody writes. `patience_ms` as above. */
txclient_status bench_space_read(txclient *client, const char *participant, const char *space,
                                 const char *prefix, uint32_t patience_ms,
                                 void (*see)(void *arg, txclient_bytes key, txclient_bytes value),
                                 void *arg);

/* A keyspace of counters. */
struct bench_total {
    int64_t sum;
    size_t n;     /* records */
    size_t wrong; /* of those, no numbers */
};

/* Adds up a keyspace at all of these participants, into `total`, which the caller has zeroed. */
txclient_status bench_space_total(txclient *client, char *const *participants,
                                  size_t participants_n, const char *space, const char *prefix,
                                  uint32_t patience_ms, struct bench_total *total);

#endif
