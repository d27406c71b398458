/* What a hostile world does to a cluster: daemons die and are stopped, connections are cut, slow,
 * reset, half closed and doubled. One seed decides what happens when; it does not decide how the
 * daemons' own threads and the kernel interleave with it.
 *
 * Every connection of the cluster leads through a proxy, on a route of its own for each pair of
 * programs. */
#ifndef ASSENT_TESTS_INTEGRATION_NEMESIS_H
#define ASSENT_TESTS_INTEGRATION_NEMESIS_H

#include "tests/integration/cluster.h"
#include "tests/integration/proxy.h"

#define NEMESIS_NODES_MAX (CLUSTER_PARTICIPANTS_MAX + 2)

struct nemesis {
    uint64_t seed;
    struct daemon *nodes[NEMESIS_NODES_MAX]; /* coordinators first */
    size_t nodes_n, coordinators_n;
    struct proxy *proxy;
    /* By source and target; the last source stands for all clients. */
    size_t routes[NEMESIS_NODES_MAX + 1][NEMESIS_NODES_MAX];
    char client_redirect[512]; /* ASSENT_TEST_REDIRECT of clients */
    unsigned deck[16];         /* the faults of this round that are still to come */
    size_t deck_n;
    unsigned kills, stops, connection_faults;
};

/* Leads all connections of a cluster with tcp that has not been started through a proxy. */
void nemesis_init(struct nemesis *nemesis, struct cluster *cluster, uint64_t seed);
void nemesis_deinit(struct nemesis *nemesis);

/* Does one random thing, which takes up to three seconds; `over` ends a pause early. Daemons run
 * again afterwards; connections may stay bad until a later step. Each kind of fault comes once in a
 * round. */
void nemesis_step(struct nemesis *nemesis, bool (*over)(void *arg), void *arg);
/* All connections are good from now on. */
void nemesis_heal(struct nemesis *nemesis);

#endif
