/* libtxclient: looking into daemons, and settling by hand what cannot settle itself.
 *
 * What txctl is made of. The same library as txclient.h, and the same rules: durations in
 * milliseconds, every struct of settings begins with its size, what a list holds is borrowed until
 * the list is freed. */
#ifndef TXCLIENT_ADMIN_H
#define TXCLIENT_ADMIN_H

#include "txclient.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- open transactions ---- */

typedef struct txclient_txs txclient_txs;       /* open transactions of a daemon */
typedef struct txclient_alarms txclient_alarms; /* alarms that a daemon keeps */

/* Which transactions of a daemon? Set `size` to sizeof and the rest to zero or NULL for all. */
typedef struct txclient_txs_query {
    size_t size;
    bool in_doubt;     /* only those that a member may be in doubt about, or an operator decided */
    const char *tx;    /* only this one, as "1-7-42"; also when it is over there. A participant's
                          state is then "committed", "aborted", "refused" (somebody asked before it
                          was there), "read-only" or "forgotten"; a coordinator's
                          "finished-committed" or "finished-aborted" */
    uint64_t older_ms; /* only those that began so long ago, or longer */
    size_t rows_max;   /* default 1,000; at most TXCLIENT_TX_ROWS_MAX */
} txclient_txs_query;
#define TXCLIENT_TX_ROWS_MAX 1000000u

/* A member of an open transaction, as the daemon that was asked knows it. */
typedef struct txclient_tx_member {
    const char *name;
    const char *address;
    const char *said;   /* "nothing", "joined", "yes", "no", "read-only", "committed",
                           "acknowledged" */
    const char *state;  /* "up", "down", ...; empty when the daemon does not watch it */
    uint64_t silent_ms; /* since its last word, when it does */
    bool read_only;
    bool waited_for; /* the daemon waits for its word */
} txclient_tx_member;

typedef enum txclient_heuristic {
    TXCLIENT_HEURISTIC_OPEN = 0,  /* the real decision has not come */
    TXCLIENT_HEURISTIC_OK = 1,    /* it is the same */
    TXCLIENT_HEURISTIC_DAMAGE = 2 /* it is the other one */
} txclient_heuristic;

typedef struct txclient_tx_row {
    const char *tx;    /* its id */
    const char *state; /* there: "active", "collecting", ...; "working", "prepared", ... */
    const char *mode;  /* who decides: "open" (not fixed yet), "one-phase", "coordinator", "members"
                        */
    const char *waits; /* for: "nothing", "client", "lock", "store", "log", "introduction", "votes",
                          "outcome", "refusal", "acknowledgements", "decision", "members",
                          "operator" */
    const char *detail; /* the same in words; may be empty */
    bool in_doubt;
    bool recovered;     /* found in the log at the daemon's start, from which the ages count */
    uint64_t age_ms;    /* since its begin there */
    uint64_t state_ms;  /* in this state */
    bool tries;         /* the daemon asks, or sends again, by itself */
    uint64_t next_ms;   /* the next time, from now */
    uint64_t tried;     /* how often so far */
    uint64_t lsn;       /* of the record that its state there rests on; 0: none */
    uint64_t log_bytes; /* a participant: written to its log since that record */
    uint64_t locks;     /* held there */
    uint64_t waiters;   /* transactions there that wait for one of them */
    txclient_bytes key; /* idempotency key; empty for none */
    /* an operator's decision there */
    bool decided; /* or else the rest says nothing */
    bool commit;
    bool put_aside;
    txclient_heuristic end;
    const char *operator_name;
    uint64_t decided_ms; /* wall clock, Unix milliseconds */
    const txclient_tx_member *members;
    size_t members_n;
} txclient_tx_row;

/* Asks a daemon for its open transactions; of a participant those, too, that an operator has
 * decided and nobody has put aside. `address`: of any daemon; NULL: the handle's coordinator.
 * `query` may be NULL. The list is fetched in pieces while the daemon goes on working. It is the
 * caller's to free. TXCLIENT_EINVAL, _EUNREACHABLE, _ETIMEOUT, _EREFUSED, _EPROTOCOL, _ENOMEM. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_txs_ask(txclient *client,
                                                                  const char *address,
                                                                  const txclient_txs_query *query,
                                                                  txclient_txs **txs);
TXCLIENT_API void txclient_txs_free(txclient_txs **txs);
/* By index; NULL beyond the last. Borrowed until the list is freed. */
TXCLIENT_API const txclient_tx_row *txclient_txs_at(const txclient_txs *txs, size_t i);
/* Were there more than `rows_max`? */
TXCLIENT_API bool txclient_txs_more(const txclient_txs *txs);

/* ---- an operator's decision ---- */

/* Decides a transaction that is in doubt at a participant, in place of its coordinator. The
 * participant keeps who has done so and when, and raises an alarm when the real decision turns out
 * to be the other one. `address`: the participant's. `operator_name`: 1 to 31 letters, digits, '-',
 * '_', '.'. TXCLIENT_OK: durable there. TXCLIENT_EREFUSED: it is not in doubt there (the detail's
 * text says what it is). TXCLIENT_ETIMEOUT: it may be decided; the same call again is harmless.
 * TXCLIENT_EINVAL, _EUNREACHABLE, _EPROTOCOL, _ENOMEM. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_resolve(txclient *client,
                                                                  const char *address,
                                                                  const char *tx, bool commit,
                                                                  const char *operator_name);
/* Says that what such a decision led to has been seen to: it is listed no longer. Refused while the
 * real decision has not come, unless `force`: the alarm of a DAMAGE would come unseen, though it
 * comes. The rest as for txclient_resolve(). */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_put_aside(txclient *client,
                                                                    const char *address,
                                                                    const char *tx, bool force,
                                                                    const char *operator_name);

/* ---- alarms ---- */

typedef struct txclient_alarm {
    uint64_t number;  /* ascending with time at this daemon */
    const char *tx;   /* empty when it concerns none */
    const char *text; /* a sentence for people */
    uint64_t time_ms; /* wall clock of the daemon, Unix milliseconds; 0: not known */
} txclient_alarm;

/* Asks a daemon for the alarms that it keeps (the newest 1,000, over restarts), newest first, at
 * most `rows_max` of them (0: all). `address` and what it gives: as for txclient_txs_ask(). */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_alarms_ask(txclient *client,
                                                                     const char *address,
                                                                     size_t rows_max,
                                                                     txclient_alarms **alarms);
TXCLIENT_API void txclient_alarms_free(txclient_alarms **alarms);
/* By index; NULL beyond the last. Borrowed until the list is freed. */
TXCLIENT_API const txclient_alarm *txclient_alarms_at(const txclient_alarms *alarms, size_t i);

/* ---- where the daemons are ---- */

/* The address of the i-th participant that the handle's configuration names (`participants`), for
 * when the coordinator does not answer; NULL beyond the last. */
TXCLIENT_API const char *txclient_participant_address(const txclient *client, size_t i);
/* That of the handle's coordinator. Both are borrowed until the handle is closed. */
TXCLIENT_API const char *txclient_coordinator_address(const txclient *client);

#ifdef __cplusplus
}
#endif

#endif
