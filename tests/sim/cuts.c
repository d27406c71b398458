#include "cuts.h"

#include "network.h"

#include <inttypes.h>
#include <stdlib.h>

#define CUT_REQ UINT64_C(0x63757400) /* which no other request of a client has */
#define SOON_US UINT64_C(50000)

/* ---- under way ---- */

static void plan_next(struct sim *sim)
{
    sim->cut_at =
        sim->totals.transactions + sim_random_between(&sim->cutting, 1, 2 * sim->options.cut_txs);
}

void sim_cuts_due(struct sim *sim)
{
    size_t client;

    if (sim->options.cut_txs == 0 || sim->healed)
        return;
    if (sim->cut_at == 0)
        plan_next(sim);
    if (sim->totals.transactions < sim->cut_at)
        return;
    plan_next(sim);
    client = sim_participant_node(sim, sim->options.participants) +
             (size_t)sim_random_between(&sim->cutting, 0, sim->options.clients - 1);
    sim_timeline_add(
        &sim->timeline,
        (struct sim_event){.type = SIM_EVENT_CUT,
                           .at = sim->now + sim_random_between(&sim->cutting, 0, SOON_US),
                           .node = (uint8_t)client});
}

void sim_cuts_ask(struct sim *sim, size_t client)
{
    struct tx_msg msg = {.type = TX_MSG_CUT_REQUEST,
                         .cut_request = {.req = CUT_REQ, .begin = true}};
    size_t to = (size_t)sim_random_between(&sim->cutting, 0, sim->options.coordinators - 1);

    sim_network_send(sim, client, to, &msg);
}

/* The new cut is known: every daemon is asked where it lies there. */
static void ask_all(struct sim *sim, size_t client, uint64_t number)
{
    struct tx_msg msg = {.type = TX_MSG_CUT_REQUEST,
                         .cut_request = {.req = CUT_REQ + 1, .number = number}};

    for (size_t i = 0; i < sim_participant_node(sim, sim->options.participants); i++)
        sim_network_send(sim, client, i, &msg);
}

void sim_cuts_answered(struct sim *sim, size_t client, size_t from, const struct tx_msg_cut *cut)
{
    if (cut->taken < cut->number)
        sim_fail(sim, "cut: %s tells of cut %" PRIu64 " for %" PRIu64, sim->nodes[from].name.s,
                 cut->taken, cut->number);
    if (from >= sim->nodes_n || sim->nodes[from].kept != NULL || sim->nodes[from].was_old)
        return; /* its true disk may never have had it */
    if (sim->cuts_told_n == sim->cuts_told_capacity) {
        sim->cuts_told_capacity = sim->cuts_told_capacity * 2 + 64;
        sim->cuts_told =
            tx_xrealloc(sim->cuts_told, sim->cuts_told_capacity * sizeof *sim->cuts_told);
    }
    sim->cuts_told[sim->cuts_told_n++] = (struct sim_cut_told){from, *cut};
    if (cut->req == CUT_REQ)
        ask_all(sim, client, cut->number);
}

void sim_cuts_taken(struct sim *sim, const struct txlog_record *record)
{
    if (record->type != TXLOG_CUT || record->cut.lsn.n != record->lsn.n)
        return;
    sim->totals.cuts++;
    if (sim->cuts_begun_n > 0 &&
        sim->cuts_begun[sim->cuts_begun_n - 1].number >= record->cut.number)
        return; /* not the first one */
    if (sim->cuts_begun_n == sim->cuts_begun_capacity) {
        sim->cuts_begun_capacity = sim->cuts_begun_capacity * 2 + 64;
        sim->cuts_begun =
            tx_xrealloc(sim->cuts_begun, sim->cuts_begun_capacity * sizeof *sim->cuts_begun);
    }
    sim->cuts_begun[sim->cuts_begun_n++] = (struct sim_cut_begun){record->cut.number, sim->now};
}

uint64_t sim_cuts_first_us(const struct sim *sim, uint64_t number)
{
    for (size_t i = 0; i < sim->cuts_begun_n; i++) {
        if (sim->cuts_begun[i].number >= number)
            return sim->cuts_begun[i].us;
    }
    return UINT64_MAX;
}

/* ---- what the logs show ---- */

struct look {
    uint64_t number;
    struct tx_lsn lsn;
    uint64_t last;
    struct sim *sim;
    const char *name;
};

static void look_for(void *arg, const struct txlog_record *record)
{
    struct look *look = arg;

    if (look->lsn.n == 0 && record->cut.lsn.n == record->lsn.n &&
        record->cut.number >= look->number) {
        look->lsn = record->lsn;
        look->last = record->cut.number;
    }
}

struct tx_lsn sim_cuts_position(const struct sim_node *node, uint64_t number)
{
    struct look look = {.number = number};

    sim_disk_each(node->disk, 1u << TXLOG_CUT, look_for, &look);
    return look.lsn;
}

static void ascends(void *arg, const struct txlog_record *record)
{
    struct look *look = arg;

    if (record->cut.lsn.n != record->lsn.n)
        return;
    if (record->cut.number <= look->last)
        sim_fail(look->sim, "cut: %s takes cut %" PRIu64 " at %" PRIu64 " when it has had %" PRIu64,
                 look->name, record->cut.number, record->lsn.n, look->last);
    look->last = record->cut.number;
}

static void check_told(struct sim *sim, const struct sim_cut_told *told)
{
    const struct sim_node *node = &sim->nodes[told->node];
    struct look look = {.number = told->cut.number};

    if (node->was_old)
        return;
    sim_disk_each(node->disk, 1u << TXLOG_CUT, look_for, &look);
    if (look.lsn.n != told->cut.lsn.n || look.last != told->cut.taken)
        sim_fail(sim,
                 "cut: %s has told that its cut %" PRIu64 " is at %" PRIu64
                 ", and it is at %" PRIu64,
                 node->name.s, told->cut.number, told->cut.lsn.n, look.lsn.n);
}

void sim_cuts_check(struct sim *sim)
{
    for (size_t i = 0; i < sim->nodes_n; i++) {
        struct look look = {.sim = sim, .name = sim->nodes[i].name.s};

        if (sim->nodes[i].role != SIM_CLIENT)
            sim_disk_each(sim->nodes[i].disk, 1u << TXLOG_CUT, ascends, &look);
    }
    for (size_t i = 0; i < sim->cuts_told_n; i++)
        check_told(sim, &sim->cuts_told[i]);
}

void sim_cuts_deinit(struct sim *sim)
{
    free(sim->cuts_told);
    free(sim->cuts_begun);
}
