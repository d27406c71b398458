/* The hostile world. */
#include "tests/integration/nemesis.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t draw(struct nemesis *nemesis, uint64_t below)
{
    nemesis->seed = nemesis->seed * 6364136223846793005u + 1442695040888963407u;
    return (nemesis->seed >> 33) % below;
}

static int between(struct nemesis *nemesis, int low, int high)
{
    return low + (int)draw(nemesis, (uint64_t)(high - low + 1));
}

/* ---- routes ---- */

static int port_of(const struct daemon *daemon)
{
    const char *colon = strrchr(daemon->address, ':');

    assert_non_null(colon);
    return atoi(colon + 1);
}

/* Routes from one program to every other. */
static void add_routes(struct nemesis *nemesis, size_t source, char *redirect, size_t size)
{
    size_t at = 0;

    for (size_t target = 0; target < nemesis->nodes_n; target++) {
        int port = port_of(nemesis->nodes[target]);

        nemesis->routes[source][target] = proxy_add(nemesis->proxy, port);
        at += (size_t)snprintf(redirect + at, size - at, "%s%d=%d", at > 0 ? "," : "", port,
                               proxy_port(nemesis->proxy, nemesis->routes[source][target]));
        assert_true(at < size);
    }
}

void nemesis_init(struct nemesis *nemesis, struct cluster *cluster, uint64_t seed)
{
    *nemesis = (struct nemesis){.seed = seed, .proxy = proxy_new()};
    assert_true(cluster->tcp);
    nemesis->nodes[nemesis->nodes_n++] = &cluster->coordinator;
    if (cluster->second.name[0] != '\0')
        nemesis->nodes[nemesis->nodes_n++] = &cluster->second;
    nemesis->coordinators_n = nemesis->nodes_n;
    for (size_t i = 0; i < cluster->participants_n; i++)
        nemesis->nodes[nemesis->nodes_n++] = &cluster->participants[i];
    for (size_t i = 0; i < nemesis->nodes_n; i++)
        add_routes(nemesis, i, nemesis->nodes[i]->redirect, sizeof nemesis->nodes[i]->redirect);
    add_routes(nemesis, nemesis->nodes_n, nemesis->client_redirect,
               sizeof nemesis->client_redirect);
}

void nemesis_deinit(struct nemesis *nemesis)
{
    proxy_destroy(&nemesis->proxy);
}

void nemesis_heal(struct nemesis *nemesis)
{
    proxy_heal(nemesis->proxy);
}

/* Visits some routes: all of one node, both ways, or (unless `whole`) maybe one alone. */
static void for_routes(struct nemesis *nemesis, bool whole,
                       void (*visit)(struct nemesis *nemesis, size_t route, bool asks, void *arg),
                       void *arg)
{
    bool one = draw(nemesis, 2) == 0 && !whole;
    size_t chosen = (size_t)draw(nemesis, nemesis->nodes_n);
    size_t other = (size_t)draw(nemesis, nemesis->nodes_n + 1);

    nemesis->connection_faults++;
    for (size_t source = 0; source <= nemesis->nodes_n; source++)
        for (size_t target = 0; target < nemesis->nodes_n; target++) {
            bool hit =
                one ? source == other && target == chosen : source == chosen || target == chosen;
            /* What clients ask of coordinators. */
            bool asks = source == nemesis->nodes_n && target < nemesis->coordinators_n;

            if (hit && source != target)
                visit(nemesis, nemesis->routes[source][target], asks, arg);
        }
}

static void set_fault(struct nemesis *nemesis, size_t route, bool asks, void *arg)
{
    (void)asks;
    proxy_set(nemesis->proxy, route, arg);
}

static void set_twice(struct nemesis *nemesis, size_t route, bool asks, void *arg)
{
    /* A stream that reaches a coordinator twice submits new work twice, which the contract of
     * txclient_submit() does not cover: TCP never does that. What daemons send each other must bear
     * it, and the operations of clients, which are numbered. */
    if (asks)
        return;
    proxy_set(nemesis->proxy, route, arg);
    proxy_reset(nemesis->proxy, route);
}

static void reset(struct nemesis *nemesis, size_t route, bool asks, void *arg)
{
    (void)asks;
    (void)arg;
    proxy_reset(nemesis->proxy, route);
}

static void half_close(struct nemesis *nemesis, size_t route, bool asks, void *arg)
{
    (void)asks;
    proxy_half_close(nemesis->proxy, route, *(enum proxy_way *)arg);
}

static void replay(struct nemesis *nemesis, size_t route, bool asks, void *arg)
{
    (void)arg;
    if (!asks)
        proxy_replay(nemesis->proxy, route);
}

/* ---- faults ---- */

struct pause {
    bool (*over)(void *arg);
    void *arg;
};

static void sleep_for(const struct pause *pause, int ms)
{
    (void)wait_until(pause->over, pause->arg, ms);
}

static void kill_one(struct nemesis *nemesis, const struct pause *pause)
{
    struct daemon *victim = nemesis->nodes[draw(nemesis, nemesis->nodes_n)];

    daemon_kill(victim);
    nemesis->kills++;
    sleep_for(pause, between(nemesis, 0, 1000));
    daemon_start(victim);
}

static void stop_one(struct nemesis *nemesis, const struct pause *pause, int low, int high)
{
    struct daemon *victim = nemesis->nodes[draw(nemesis, nemesis->nodes_n)];

    daemon_signal(victim, SIGSTOP);
    nemesis->stops++;
    sleep_for(pause, between(nemesis, low, high));
    daemon_signal(victim, SIGCONT);
}

enum fault {
    KILL,
    KILL_TWO,
    STOP_SHORT,
    STOP_LONG, /* longer than timers.peer_down */
    CUT_THERE,
    CUT_BACK,
    CUT_BOTH,
    DELAY,
    THROTTLE,
    RESET,
    HALF_CLOSE,
    TWICE,
    REPLAY,
    FAULTS
};

static void connection_fault(struct nemesis *nemesis, enum fault fault)
{
    struct proxy_fault bad = {
        .cut = {fault == CUT_THERE || fault == CUT_BOTH, fault == CUT_BACK || fault == CUT_BOTH},
        .delay_ms = fault == DELAY ? (unsigned)between(nemesis, 5, 150) : 0,
        .bytes_max = fault == THROTTLE ? (unsigned)between(nemesis, 16, 512) : 0,
        .twice = fault == TWICE};
    enum proxy_way way = draw(nemesis, 2) == 0 ? PROXY_THERE : PROXY_BACK;

    if (fault == RESET)
        for_routes(nemesis, false, reset, NULL);
    else if (fault == HALF_CLOSE)
        for_routes(nemesis, false, half_close, &way);
    else if (fault == REPLAY)
        for_routes(nemesis, true, replay, NULL);
    else if (fault == TWICE)
        for_routes(nemesis, true, set_twice, &bad);
    else
        for_routes(nemesis, false, set_fault, &bad);
}

static enum fault next_fault(struct nemesis *nemesis)
{
    size_t i;
    unsigned fault;

    if (nemesis->deck_n == 0)
        for (unsigned f = 0; f < FAULTS; f++)
            nemesis->deck[nemesis->deck_n++] = f;
    i = (size_t)draw(nemesis, nemesis->deck_n);
    fault = nemesis->deck[i];
    nemesis->deck[i] = nemesis->deck[--nemesis->deck_n];
    return (enum fault)fault;
}

void nemesis_step(struct nemesis *nemesis, bool (*over)(void *arg), void *arg)
{
    const struct pause pause = {over, arg};
    enum fault fault = next_fault(nemesis);

    sleep_for(&pause, between(nemesis, 50, 500));
    if (draw(nemesis, 2) == 0)
        proxy_heal(nemesis->proxy);
    if (fault == KILL || fault == KILL_TWO) {
        kill_one(nemesis, &pause);
        if (fault == KILL_TWO)
            kill_one(nemesis, &pause);
    } else if (fault == STOP_SHORT) {
        stop_one(nemesis, &pause, 50, 600);
    } else if (fault == STOP_LONG) {
        stop_one(nemesis, &pause, 1300, 2500);
    } else {
        connection_fault(nemesis, fault);
        sleep_for(&pause, between(nemesis, 100, 1200));
    }
}
