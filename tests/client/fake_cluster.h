/* A coordinator and two participants, played by peers, with a handle to them. What they do beside
 * the usual is set by the test before it asks for it. */
#ifndef ASSENT_TESTS_CLIENT_FAKE_CLUSTER_H
#define ASSENT_TESTS_CLIENT_FAKE_CLUSTER_H

#include "tests/client/peer.h"

#include "client/txclient.h"

#include <pthread.h>

#define FAKE_OPS_MAX   8
#define FAKE_STEPS_MAX 8192

/* How the rows of a scan are wrong. */
enum fake_rows {
    FAKE_ROWS_RIGHT,
    FAKE_ROWS_NONSENSE,    /* their bytes are no rows */
    FAKE_ROWS_OUTSIDE,     /* one is not in the range */
    FAKE_ROWS_TWICE,       /* one comes twice */
    FAKE_ROWS_TOO_MANY,    /* one beyond the limit */
    FAKE_ROWS_NONE_OF_MORE /* none, and there is said to be more */
};

struct fake {
    struct peer *coordinator;
    struct peer *a;
    struct peer *b;
    txclient *client;
    pthread_mutex_t lock; /* over all below: tests write it, the peers' threads read and write it */

    /* What to do */
    unsigned ignore[TX_MSG_TYPES_N]; /* so many messages of a type get no answer */
    unsigned refuse[TX_MSG_TYPES_N]; /* then so many are answered ERROR */
    enum tx_error refusal;
    enum tx_reason refusal_reason;
    unsigned abort_operates;        /* so many OPERATEs are answered as undone */
    enum tx_reason abort_reason;    /* of those, and of outcomes that are aborted */
    enum tx_outcome commit_outcome; /* answer to COMMIT_REQUEST and SUBMIT */
    enum tx_outcome asked_outcome;  /* answer to OUTCOME_REQUEST */
    enum tx_outcome abort_outcome;  /* answer to ABORT_REQUEST */
    uint64_t incarnation;           /* of both participants */
    bool foreign;                   /* the coordinator answers in the name of another cluster */
    bool garbage;       /* before each answer, the coordinator sends bytes that are no frame */
    bool wrong_results; /* one result too few */
    uint32_t absent;    /* bit i: the i-th result of a SUBMIT is not found; else it is "42" */
    unsigned rows_n;    /* every keyspace has the keys k000, k001, ... with the values 0, 1, ... */
    unsigned rows_max;  /* a scan stops after so many rows, whatever its limit; 0: at its limit */
    enum fake_rows rows;
    /* LOCKS: so many rows, of transactions 1-7-1 and up; each page has at most two, and the second
     * none when `locks_empty_page` */
    uint64_t locks_n;
    bool locks_empty_page;
    bool locks_greedy;         /* gives more rows than were asked for */
    uint64_t locks_restart_at; /* asked to go on there, it says once that it has restarted */
    uint64_t txs_n, alarms_n;  /* TXS and ALARMS: so many rows, in pages of at most two */

    /* What was seen */
    struct tx_age ages[FAKE_STEPS_MAX]; /* of the BEGINs */
    unsigned begins;
    struct tx_msg_finish finish; /* the last COMMIT_REQUEST, ABORT_REQUEST or OUTCOME_REQUEST */
    struct tx_member members[TX_MEMBERS_MAX];
    uint64_t commit_req;   /* of the first COMMIT_REQUEST or SUBMIT */
    bool commit_req_moved; /* a later copy had another number */
    uint8_t key[TX_IDEMPOTENCY_KEY_MAX];
    size_t key_len;
    uint32_t steps[FAKE_STEPS_MAX]; /* of the OPERATEs, in order */
    unsigned operates;
    enum tx_isolation isolation;     /* of the last OPERATE or SUBMIT */
    enum tx_commit_mode commit_mode; /* of the last SUBMIT; else see `finish` */
    uint32_t limits[FAKE_STEPS_MAX]; /* of the scans, in order */
    unsigned scans;
    struct tx_msg_locks_request locks_request; /* the last one, without its names */
    unsigned locks_requests;
    struct tx_id decided; /* of the last RESOLVE or PUT_ASIDE */
    struct tx_id acked[FAKE_STEPS_MAX];
    unsigned acks;
};

#define FAKE_PATIENCE_MS 60000

/* Short times, so that what is ignored is given up soon: connect 2 s, request 900 ms, commit 1,200
 * ms, resend 120 ms (pace.h). */
void fake_start(struct fake *fake);
/* Opens the handle anew, with FAKE_PATIENCE_MS for each of them: what is slow is not lost. */
void fake_be_patient(struct fake *fake);
void fake_stop(struct fake *fake);

void fake_lock(struct fake *fake);
void fake_unlock(struct fake *fake);

#endif
