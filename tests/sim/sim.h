/* A whole cluster in one thread: the real cores on a virtual clock, network and disk. One seed
 * decides everything. */
#ifndef ASSENT_TESTS_SIM_SIM_H
#define ASSENT_TESTS_SIM_SIM_H

#include "common/assert.h"
#include "common/msg.h"
#include "disk.h"
#include "timeline.h"

#include <stdio.h>

#define SIM_COORDINATORS_MAX 2u
#define SIM_PARTICIPANTS_MAX 4u
#define SIM_CLIENTS_MAX      6u
#define SIM_NODES_MAX        (SIM_COORDINATORS_MAX + SIM_PARTICIPANTS_MAX + SIM_CLIENTS_MAX)
#define SIM_ACCOUNTS         6u /* at each participant */
#define SIM_FAULTS_US        UINT64_C(20000000)
#define SIM_HEALED_US        UINT64_C(60000000)
#define SIM_FOREVER_US       UINT64_C(1000000000)

/* Drawn from the seed. */
struct sim_options {
    unsigned coordinators, participants, clients;
    unsigned loss_percent, duplicate_percent;
    uint64_t delay_us; /* the longest of a message */
    bool reorder;
    uint64_t sync_us, lazy_us; /* the longest of a sync; how long a record that nobody waits for */
    uint64_t fault_us;         /* mean time between crashes and partitions; 0: none */
    uint64_t retention_us;     /* of outcomes at a coordinator */
    uint64_t snapshot_records, retain_records;
    size_t tombstones_max;
};

enum sim_node_role { SIM_COORDINATOR, SIM_PARTICIPANT, SIM_CLIENT };

struct sim_coordinator;
struct sim_participant;
struct sim_client;

struct sim_node {
    enum sim_node_role role;
    struct tx_name name;
    struct tx_address address;
    bool up;
    uint64_t run;          /* raised by each start */
    uint64_t start;        /* epoch or incarnation */
    uint64_t life;         /* of that start */
    uint64_t actions_left; /* dies when this many more actions are performed */
    uint64_t tick_at;      /* the TICK that counts */
    struct sim_disk *disk;
    struct sim_coordinator *coordinator; /* NULL when down */
    struct sim_participant *participant;
    struct sim_client *client;
};

/* What a client did and was told. */
struct sim_told {
    size_t client;
    struct tx_id id;
    enum tx_outcome outcome;
    bool unknown_for_good;                       /* asked until the end, and never told */
    unsigned wrote;                              /* a bit for each participant */
    uint64_t incarnations[SIM_PARTICIPANTS_MAX]; /* of those that the client named; else 0 */
};

struct sim_partition {
    uint64_t number;
    unsigned blocked[SIM_NODES_MAX]; /* from which node, a bit for each node it cannot reach */
};

struct sim {
    uint64_t seed;
    struct sim_options options;
    struct sim_random random;
    struct sim_timeline timeline;
    uint64_t now;
    bool trace, healed;
    struct sim_node nodes[SIM_NODES_MAX];
    size_t nodes_n;
    uint64_t fifo[SIM_NODES_MAX][SIM_NODES_MAX]; /* the last arrival on each way */
    struct sim_partition partitions[4];
    uint64_t partitions_made;
    struct sim_told *told;
    size_t told_n, told_capacity;
    uint64_t events, crashes, lost;
    unsigned failures;
};

struct sim *sim_new(uint64_t seed, bool trace);
void sim_destroy(struct sim **sim);
/* Runs it to its end and checks it; the number of broken promises. */
unsigned sim_run(struct sim *sim);

void sim_trace(const struct sim *sim, const char *format, ...) TX_PRINTF(2, 3);
/* A broken promise: printed, with the seed and the time. */
void sim_fail(struct sim *sim, const char *format, ...) TX_PRINTF(2, 3);

size_t sim_find(const struct sim *sim, const struct tx_address *address);
size_t sim_participant_node(const struct sim *sim, unsigned participant);
/* Has this node to die before its next action? Counts the action. */
bool sim_dies(struct sim_node *node);
/* Wakes the node at `at` (UINT64_MAX: not at all), instead of what was asked for before. */
void sim_tick_at(struct sim *sim, size_t node, uint64_t at);
/* The record that was appended last will be durable after a while. */
void sim_sync(struct sim *sim, size_t node, bool force);
/* The log from its beginning: START, as every daemon writes it before it serves. */
void sim_append_start(struct sim *sim, size_t node);
void sim_compact(struct sim_node *node, struct tx_lsn upto);

#endif
