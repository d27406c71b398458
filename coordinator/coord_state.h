/* What the coordinator's core keeps; nothing here is for anybody outside of it. The structures are
 * explained in coordinator/README.md. */
#ifndef ASSENT_COORDINATOR_COORD_STATE_H
#define ASSENT_COORDINATOR_COORD_STATE_H

#include "common/pair_map.h"
#include "coordinator/coord_core.h"

#include <sys/queue.h>

#define uthash_malloc(size)        tx_xmalloc(size)
#define uthash_free(pointer, size) free(pointer)
#define uthash_fatal(text)         tx_memory_failed(__func__) /* its only reason */
/* The hash that is the same on every machine: buckets, and with them the work done, do not vary. */
#define HASH_FUNCTION(key, len, hash) ((hash) = (unsigned)tx_bytes_hash(tx_bytes((key), (len)), 0))
#include <stdlib.h>
#include <uthash.h>

/* Members that a transaction has room for in itself; more of them are memory of their own. */
#define COORD_FEW_MEMBERS 2u
/* Transactions and arenas that are over and wait for the next use. */
#define COORD_SPARE_TXS_MAX    1024u
#define COORD_SPARE_ARENAS_MAX 1024u
/* Clients that wait for the outcome of one transaction. */
#define COORD_WAITERS_MAX 16u
/* Ids that are being asked for at a participant, at once. */
#define COORD_RESOLVING_MAX 1000u
/* Results of SUBMITs kept for clients that have not acknowledged: so many, and so many bytes. */
#define COORD_RESULTS_MAX       1000u
#define COORD_RESULTS_BYTES_MAX (64u * 1024u * 1024u)
/* Alarms that a snapshot restates; the newest ones. */
#define COORD_ALARMS_MAX 1000u
/* Transactions that a STATUS lists. */
#define COORD_STATUS_TXS_MAX 1000u

enum coord_timer_kind {
    COORD_TIMER_TX,
    COORD_TIMER_HELLO,
    COORD_TIMER_DOWN,
    COORD_TIMER_FORGET,
    COORD_TIMER_RETENTION,
    COORD_TIMER_CUT,
};

struct coord_timer {
    enum coord_timer_kind kind;
    void *owner;    /* the transaction or the peer */
    uint64_t at;    /* when it fires */
    uint64_t order; /* of two with the same time the one that was armed first fires first */
    size_t slot;    /* in the heap, from 1; 0: not armed */
};

/* A binary heap, the earliest at slot 1. */
struct coord_timers {
    struct coord_timer **heap;
    size_t n;
    size_t capacity;
    uint64_t armed; /* how often one was armed: gives the order */
};

enum coord_peer_state {
    COORD_PEER_NEW, /* has not welcomed this epoch yet */
    COORD_PEER_UP,
    COORD_PEER_DOWN,
    COORD_PEER_QUARANTINED,
};

struct coord_peer {
    struct tx_name name;
    struct tx_address address;
    bool configured; /* else: known from the log alone, and used for what the log says only */
    enum coord_peer_state state;
    uint64_t incarnation;     /* that welcomed this epoch; 0: none yet */
    uint64_t life;            /* of that incarnation */
    struct tx_position known; /* how far its log is known to be durable */
    bool refusing;
    uint64_t unsettled; /* as its last WELCOME says; of the start that welcomed this epoch */
    uint64_t heard_us;
    uint64_t heard_served_us; /* served_us of the core at that time */
    uint64_t hello_sent_us;
    uint64_t hello_number; /* a new one once a WELCOME has answered the last */
    bool hello_answered;
    uint64_t told;            /* the start that has been told where participants are, */
    size_t told_n;            /* the first so many of them */
    size_t telling_n;         /* and so many more go with the HELLO of this number */
    struct tx_position asked; /* what was known when HELLO was sent with this number first */
    uint64_t mark_sent;       /* version of the mark it was sent last */
    uint64_t old_mark_sent;   /* the same for the older epochs */
    uint64_t mark_sent_us;    /* when */
    uint64_t old_mark_sent_us;
    struct tx_loss loss;      /* that its last WELCOME has declared; all zero: none */
    struct tx_position offer; /* quarantined: how far it is now, when that loss explains what is
                                 missing; all zero: it does not */
    bool of_another_copy;     /* it has asked for an epoch that this log never had: said once */
    struct tx_id alarmed;     /* the last unknown transaction that it raised an alarm with */
    struct coord_timer hello;
    struct coord_timer down;
};

/*  active --> collecting --> deciding --> committed --> finished-committed
 *    |            |  |                                    ^
 *    |            |  |                       |            |
 *    |            |  +--- members decide ----+            |
 *    |            |  +----- one-phase, only readers ------+
 *    +------------+--------> finished-aborted
 *
 * resolving stands apart: an id unknown here that is being asked for at its participants. */
enum coord_state {
    COORD_ACTIVE,
    COORD_COLLECTING,
    COORD_DECIDING,
    COORD_COMMITTED,
    COORD_FINISHED_COMMITTED,
    COORD_FINISHED_ABORTED,
    COORD_RESOLVING,
    COORD_STATES_N
};

/* Which record of this transaction the log holds, or will hold once it is durable. */
enum coord_logged { COORD_LOGGED_NOTHING, COORD_LOGGED_COMMIT, COORD_LOGGED_OUTCOME };

struct coord_member {
    struct coord_peer *peer;
    uint64_t incarnation; /* fixed with the first PREPARE; 0 before */
    bool read_only;
    bool voted;
    enum tx_vote vote;
    bool acked;
    bool forgotten;         /* resolving: it has said so. A reader is not asked then */
    struct tx_position ack; /* how far its log was durable with the acknowledgement */
};

struct coord_waiter {
    uint64_t client;
    uint64_t req;
};

struct coord_tx {
    struct tx_id id;
    enum coord_state state;
    struct tx_age age;
    struct tx_token token;
    uint64_t since_us; /* begun, or found at the restart */
    uint64_t phase_us; /* when the present phase of coord_core_times() began */
    uint64_t moved_us; /* into its state */
    uint64_t tried;    /* how often PREPARE, COMMIT or INQUIRE has gone out */
    bool recovered;

    /* who asked, and what for */
    bool of_others; /* resolving: a participant is named that is not known here */
    bool has_request;
    struct coord_waiter request;
    struct tx_bytes key;          /* idempotency key, owned; empty for none */
    uint64_t content;             /* hash of a SUBMIT's operations */
    struct coord_waiter *waiters; /* `waiter`, or room for all that may wait */
    size_t waiters_n;
    struct coord_waiter waiter; /* nearly always the only one */
    bool acked;                 /* the client has acknowledged the outcome */

    /* members */
    struct coord_member *members; /* `few`, or memory of their own */
    size_t members_n;
    struct coord_member few[COORD_FEW_MEMBERS];
    struct coord_peer **joined;
    size_t joined_n;
    bool one_shot;
    bool one_phase;

    /* collecting */
    bool sent; /* PREPARE has gone out; the members are fixed */
    /* The votes did not come, and the members are asked: one-phase for the outcome; where the
     * members decide, to make each of them prepared or refuse for good. `reason`, `who` and `text`
     * say why, from then on. */
    bool inquiring;
    enum tx_commit_mode mode; /* as the client asks for it */
    bool members_decide;      /* mode D; fixed with the first PREPARE, false before */
    uint64_t timeout_us;
    uint32_t lock_timeout_ms;
    enum tx_isolation isolation; /* of a SUBMIT */
    uint64_t deadline_us;
    uint64_t interval_us;
    struct tx_arena work; /* a SUBMIT's operations, until the decision */
    struct tx_op *ops;
    uint8_t *op_member; /* for each operation the index of its member */
    size_t ops_n;

    /* the end */
    enum coord_logged logged;
    bool logged_end;   /* END is in the log, durable or not yet */
    struct tx_lsn lsn; /* of the last record that the state rests on */
    enum tx_reason reason;
    struct tx_name who;
    struct tx_bytes text; /* owned */
    bool retained;
    uint64_t retained_us; /* since then: it was finished, and what it rests on was durable */
    struct tx_arena results_arena;
    struct tx_result *results; /* in the order of the operations; NULL: none at hand */
    size_t results_bytes;
    bool results_lost;
    bool alarmed; /* one alarm for each transaction is enough */

    bool open; /* in the list of those that the mark may not pass */
    bool holds_results;
    struct coord_timer timer;
    TAILQ_ENTRY(coord_tx) in_all; /* or among the spare ones */
    TAILQ_ENTRY(coord_tx) in_open;
    TAILQ_ENTRY(coord_tx) in_retained;
    TAILQ_ENTRY(coord_tx) in_expiring;
    TAILQ_ENTRY(coord_tx) in_results;
    UT_hash_handle hh_key;
};

TAILQ_HEAD(coord_tx_list, coord_tx);

/* What becomes possible when a record is durable. */
enum coord_rest {
    COORD_REST_COMMIT,
    COORD_REST_END,
    COORD_REST_OUTCOME,
    COORD_REST_SNAPSHOT,
    COORD_REST_CUT,
};

struct coord_resting {
    struct tx_lsn lsn;
    enum coord_rest what;
    struct tx_id tx;
};

/* A ring: whatever rests on a record waits here, in the order of the log. */
struct coord_queue {
    struct coord_resting *items;
    size_t first;
    size_t n;
    size_t capacity;
};

struct coord_alarm {
    struct tx_id tx;
    struct tx_bytes text; /* owned */
    uint64_t raised_ms;   /* wall clock */
};

/* An INQUIRE that is answered when presumed abort may be told. */
struct coord_presuming {
    struct coord_peer *peer;
    struct tx_id id;
};
#define COORD_PRESUMING_MAX 1024u

/* Of the table of participants by name: open addressing, at most half full. */
struct coord_peer_slot {
    uint64_t hash;
    struct coord_peer *peer; /* NULL: free */
};

struct coord_core {
    struct coord_options options; /* without the nodes: those are the peers */
    struct coord_peer *
        *peers; /* in the order of the configuration, then those that the log named */
    size_t peers_n;
    struct coord_peer_slot *peers_by_name;
    size_t peers_mask; /* slots less one */

    struct pair_map by_id;      /* epoch and sequence */
    struct pair_map by_request; /* client and number */
    struct coord_tx *by_key;
    struct coord_tx_list all;   /* in the order in which they became known here */
    struct coord_tx_list spare; /* memory for the next ones */
    size_t spare_n;
    struct tx_arena spare_arenas[COORD_SPARE_ARENAS_MAX];
    size_t spare_arenas_n;
    struct coord_tx_list open;     /* ascending by id: what the mark may not pass */
    struct coord_tx_list acked;    /* retained and acknowledged by the client, oldest first */
    struct coord_tx_list unacked;  /* retained and not acknowledged, oldest first */
    struct coord_tx_list expiring; /* all that are retained, oldest first */
    struct coord_tx_list results;  /* those that hold results, oldest first */
    size_t counts[COORD_STATES_N];
    size_t retained_n;
    size_t results_n;
    size_t results_bytes;
    size_t preventing_n; /* collecting, decided by their members, and asked for */

    struct coord_timers timers;
    struct coord_timer forget;
    struct coord_timer retention; /* for the first of `expiring`, or earlier */
    struct coord_queue queue;
    struct tx_lsn last;    /* record written */
    struct tx_lsn durable; /* record known to be durable */
    struct tx_lineage lineage;
    struct tx_cuts cuts;
    struct tx_cut_askers cut_askers;
    struct coord_timer cut;                                /* armed while `cut_every_us` is not 0 */
    struct coord_presuming presuming[COORD_PRESUMING_MAX]; /* of older epochs */
    size_t presuming_n;

    uint64_t next_seq;
    uint64_t age_counter;
    uint64_t started_us;
    uint64_t served_us;    /* how long this start has served: less than has passed when it, or its
                              machine, stood still. Silence is counted in it: who was not asked, or
                              whose answer was not read, is not silent */
    uint64_t mark_version; /* raised when a transaction of this epoch is finished for the mark */
    uint64_t old_mark_version;   /* the same for the older epochs */
    uint64_t presume_from;       /* of older epochs from this one on a missing COMMIT record proves
                                    "aborted": no commit of them has been forgotten */
    uint64_t forgotten_epoch;    /* this one and those before it were called finished, whatever
                                    one-phase    outcome their participants alone still knew */
    struct tx_lsn forgotten_lsn; /* the record that says so of all before this start; 0: none yet */
    bool running;                /* recovery is over */
    bool fenced;
    bool disk_low;
    bool draining;

    bool snapshot_open; /* recovery: between the two ends of a snapshot. Later: written, not yet
                           durable */
    struct tx_lsn snapshot_begin;
    uint64_t snapshot_next;     /* records since the last snapshot */
    struct tx_lsn replayed_lsn; /* recovery: the first record */
    uint64_t replayed_start;    /* recovery: the highest START so far */

    struct coord_alarm *alarms; /* a ring of the newest ones */
    size_t alarms_first;
    size_t alarms_n;
    uint64_t alarms_kept; /* ever put there: the number of the newest one */

    struct coord_stats stats; /* the counters; what can be counted is not kept here */
    struct tx_times times[COORD_PHASES_N];

    /* for the length of a step */
    uint64_t now;
    uint64_t wall_ms; /* of MESSAGE and TICK */
    struct coord_actions *out;
};

#endif
