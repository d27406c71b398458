/* A whole cluster in one thread: the real cores on virtual clocks, network and disks. One seed
 * decides everything. */
#ifndef ASSENT_TESTS_SIM_SIM_H
#define ASSENT_TESTS_SIM_SIM_H

#include "common/assert.h"
#include "common/msg.h"
#include "coverage.h"
#include "disk.h"
#include "options.h"
#include "tests/check/history.h"
#include "timeline.h"

#include <stdio.h>

#define SIM_NODES_MAX    (SIM_COORDINATORS_MAX + SIM_PARTICIPANTS_MAX + SIM_CLIENTS_MAX)
#define SIM_NOBODY       SIM_NODES_MAX
#define SIM_LIAR         SIM_NODES_MAX /* who lies has a place of his own, see liar.h */
#define SIM_ACCOUNTS     4u            /* at each participant */
#define SIM_LISTS        2u            /* at each participant */
#define SIM_ITEMS_MAX    4u            /* the larger of these two */
#define SIM_ROWS         240u          /* at each participant, that may ever be: plan_scan.h */
#define SIM_RESOLVED_MAX 64u           /* decisions of an operator */
#define SIM_WAITS_MAX    64u           /* transactions that wait at one moment, for waits.h */
#define SIM_HEALED_US    UINT64_C(60000000)

enum sim_node_role { SIM_COORDINATOR, SIM_PARTICIPANT, SIM_CLIENT };

enum sim_fault {
    SIM_FAULT_CRASH,
    SIM_FAULT_PARTITION,
    SIM_FAULT_WRITE_ERROR,
    SIM_FAULT_DISK_FULL,
    SIM_FAULT_CLOCK_JUMP,
    SIM_FAULT_PAUSE,
    SIM_FAULT_DRAIN,
    SIM_FAULT_OLD_DISK,
    SIM_FAULT_RESOLVE,
    SIM_FAULT_MOVE,
    SIM_FAULTS_N
};

struct sim_coordinator;
struct sim_participant;
struct sim_client;
struct sim_outbox;
struct sim_echo;
struct sim_liar;
struct sim_ruled;

struct sim_node {
    enum sim_node_role role;
    struct tx_name name;
    struct tx_address address;
    bool up;
    uint64_t run;          /* raised by each start */
    uint64_t start;        /* epoch or incarnation */
    uint64_t life;         /* of that start */
    uint64_t cut;          /* that its frames carry */
    uint64_t actions_left; /* dies when this many more actions are performed */
    uint64_t clock_us;     /* its clock is ahead of the simulation by this */
    uint64_t tick_at;      /* the TICK that counts */
    uint64_t tick_planned; /* the earliest TICK in the timeline */
    uint64_t paused_until;
    uint64_t steps;                        /* of its core */
    bool syncing, sync_again, write_later; /* the log: see disk_sync.c */
    bool write_fails, disk_low, draining;
    uint64_t live_most; /* transactions that its core had, at most */
    uint64_t alarms;    /* that nothing explains */
    uint64_t moves;     /* of others: those that a coordinator knew of when it started */
    bool was_old;       /* it has run on an old image of its disk */
    struct sim_disk *disk;
    struct sim_disk *image;              /* taken for later */
    struct sim_disk *kept;               /* its true disk, while it runs on an old image */
    struct sim_disk *copy;               /* one that comes back at the end */
    struct sim_coordinator *coordinator; /* NULL when down */
    struct sim_participant *participant;
    struct sim_client *client;
    struct sim_outbox *outbox;
    struct history_lock *held; /* by prepared transactions, when it stopped: inside_locks.h */
    size_t held_n;
};

/* What a client was told: somebody may ask for it again. */
struct sim_told {
    struct tx_id id;
    enum tx_outcome outcome;
    enum tx_commit_mode mode;                    /* as the client asked for it */
    unsigned wrote;                              /* a bit for each participant */
    uint64_t incarnations[SIM_PARTICIPANTS_MAX]; /* of those that the client named; else 0 */
};

struct sim_partition {
    uint64_t number;
    uint32_t blocked[SIM_NODES_MAX + 1]; /* from which node, a bit for each node it cannot reach */
};

/* The first time that anybody takes a cut of that number, or of a higher one. */
struct sim_cut_begun {
    uint64_t number, us;
};

/* What a client was told of a cut. */
struct sim_cut_told {
    size_t node;
    struct tx_msg_cut cut;
};

/* In a circle of waits. */
struct sim_wait {
    struct tx_id id;
    uint64_t since;
};

struct sim_totals {
    uint64_t transactions, committed, crashes, messages, frames, lost, events, simulated_us;
    uint64_t faults[SIM_FAULTS_N];
    uint64_t old_disks;    /* nodes that got an old image */
    uint64_t old_believed; /* words of a copy that nobody could know better, and that were lost */
    uint64_t lies;
    uint64_t coordinators_lost, lost_waiting, settled_us; /* see lost.h */
    uint64_t members_decided;                             /* committed transactions of mode D */
    uint64_t rejoined;                                    /* disks lost, see rejoin.h */
    uint64_t rot_shown, rot_refused;                      /* damaged copies of a log */
    uint64_t cuts, rebuilt; /* CUT records; clusters that were rebuilt from a cut */
};

struct sim {
    uint64_t seed;
    struct sim_options options;
    struct sim_random random;
    struct sim_random locking;   /* for LOCKs, likewise */
    struct sim_random rot;       /* for damage: the run itself stays as it is without it */
    struct sim_random scanning;  /* for scans and isolation levels, likewise */
    struct sim_random cutting;   /* for cuts, likewise */
    struct sim_random moving;    /* for members that move, likewise */
    uint64_t moves;              /* addresses that were given so far */
    struct sim_random rejoining; /* for what is lost and declared, likewise */
    struct sim_random modes;     /* for commit modes, and for who is lost, likewise */
    unsigned rows_drawn;         /* writes of rows, see plan_scan.c */
    struct sim_timeline timeline;
    uint64_t now;
    bool tracing; /* somebody wants the trace: printed, or hashed */
    bool trace_printed;
    uint64_t trace_hash;
    bool deaf; /* alarms and violations, the cores' own words, do not count */
    bool healed;
    bool old_copy_taken, old_copy_runs;
    uint64_t status_requests;
    unsigned looks_at_rest; /* in a row */
    uint64_t healed_at;
    struct sim_node nodes[SIM_NODES_MAX + 1];
    size_t nodes_n;
    uint64_t fifo[SIM_NODES_MAX + 1][SIM_NODES_MAX + 1]; /* the last arrival on each way */
    size_t slow_from, slow_to;                           /* the slow link */
    struct sim_random echo_random;
    struct sim_echo *echoes[SIM_NODES_MAX + 1]; /* by receiver; NULL: none kept */
    struct tx_arena arena;                      /* of the frame that has arrived */
    struct sim_partition partitions[4];
    uint64_t partitions_made;
    uint64_t fault_at; /* when so many transactions have been begun; UINT64_MAX: no more */
    uint64_t elements; /* appended to lists so far */
    struct sim_told *told;
    size_t told_n, told_capacity;
    struct tx_id resolved[SIM_RESOLVED_MAX]; /* by an operator */
    size_t resolved_n;
    struct sim_wait waits[SIM_WAITS_MAX]; /* that are in a circle */
    unsigned waits_n;
    uint64_t waits_at;   /* the next look */
    uint64_t decided_at; /* the first decision by hand that was carried out; 0: none */
    struct sim_totals totals;
    struct history history;
    uint32_t history_keys[SIM_PARTICIPANTS_MAX][2][SIM_ITEMS_MAX]; /* + 1: accounts, and lists */
    uint32_t history_rows[SIM_PARTICIPANTS_MAX][SIM_ROWS];
    uint64_t *image_lives; /* of starts on an old image */
    size_t image_lives_n;
    struct coverage *coverage; /* NULL: not wanted */
    struct sim_liar *liar;     /* NULL: nobody lies */
    uint64_t cut_at;           /* when so many transactions have been begun; 0: not drawn yet */
    struct sim_cut_begun *cuts_begun;
    size_t cuts_begun_n, cuts_begun_capacity;
    struct sim_cut_told *cuts_told;
    size_t cuts_told_n, cuts_told_capacity;
    struct tx_lsn rebuilt_at[SIM_NODES_MAX]; /* the positions of the cut that was chosen */
    const struct sim *first_life; /* that this one is rebuilt from; NULL: it is the first */
    uint64_t rebuilt_from;        /* the number of the cut */
    uint64_t began_us;
    uint64_t first_serial;   /* of the transactions of a client */
    size_t lost;             /* the coordinator that is; SIM_NOBODY: it has come back */
    uint64_t lost_at;        /* 0: none yet */
    size_t restored;         /* the participant that loses its disk; see rejoin.h */
    struct tx_lsn backup;    /* of it; 0: not taken yet */
    uint64_t rejoin_at;      /* transactions before the next step */
    struct sim_disk *former; /* its disk that is lost; NULL: not yet */
    struct tx_loss loss;
    uint64_t readmit_at;
    struct sim_ruled *ruled; /* see rule.h: a table with open addressing */
    size_t ruled_n, ruled_capacity;
    unsigned failures;
};

/* Are cells counted? Not once an old disk has run, nor where somebody lies, a store is slow or few
 * outcomes are kept: what that meets is not what the tables promise. */
bool sim_covers(const struct sim *sim);
struct sim *sim_new(uint64_t seed);
void sim_destroy(struct sim **sim);
/* Runs it to its end and checks it; the number of broken promises. */
unsigned sim_run(struct sim *sim);

/* Evaluates its arguments only when somebody wants the trace. */
#define SIM_TRACE(sim, ...) ((sim)->tracing ? sim_trace(sim, __VA_ARGS__) : (void)0)
void sim_trace(struct sim *sim, const char *format, ...) TX_PRINTF(2, 3);
/* A broken promise: printed, with the seed and the time. */
void sim_fail(struct sim *sim, const char *format, ...) TX_PRINTF(2, 3);

/* Who is at that address now; SIM_NOBODY: nobody is any more. */
size_t sim_find(const struct sim *sim, const struct tx_address *address);
size_t sim_participant_node(const struct sim *sim, uint64_t participant);
/* The node's own clock. */
uint64_t sim_clock(const struct sim *sim, size_t node);
/* A node raises an alarm. */
void sim_alarm(struct sim *sim, size_t node, struct tx_id tx, struct tx_bytes text);
/* A client has begun a transaction. */
void sim_begun(struct sim *sim);

/* ---- for the shells ---- */

/* Has this node to die before its next action? Counts the action. */
bool sim_dies(struct sim_node *node);
/* After a step: are its invariants to be checked? Now and then it also looks at its locks. */
bool sim_check_due(struct sim *sim, size_t node);
/* Wakes the node at `at` of its own clock (UINT64_MAX: not at all), instead of what was asked for
 * before. */
void sim_tick_at(struct sim *sim, size_t node, uint64_t at);
/* START, as every daemon writes it before it serves. False: the node dies before it is durable. */
bool sim_append_start(struct sim *sim, size_t node);
void sim_compact(struct sim_node *node, struct tx_lsn upto);

/* ---- life and death, for the faults ---- */

void sim_start(struct sim *sim, size_t node);
void sim_stop(struct sim *sim, size_t node);
/* The next event; false: there is none. */
bool sim_step(struct sim *sim);
/* Stops it as it is, and plans its restart. */
void sim_crash(struct sim *sim, size_t node);

#endif
