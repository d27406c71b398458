#include "sim.h"

#include "check.h"
#include "network.h"
#include "sim_client.h"
#include "sim_coordinator.h"
#include "sim_participant.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FAILURES_SHOWN 10u

/* ---- words ---- */

TX_PRINTF(3, 0)
static void print(const struct sim *sim, const char *what, const char *format, va_list args)
{
    printf("%s%" PRIu64 " %10.6f  ", what, sim->seed, (double)sim->now / 1e6);
    vprintf(format, args);
    putchar('\n');
}

void sim_trace(const struct sim *sim, const char *format, ...)
{
    va_list args;

    if (!sim->trace)
        return;
    va_start(args, format);
    print(sim, "", format, args);
    va_end(args);
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    va_list args;

    if (sim->failures++ >= FAILURES_SHOWN)
        return;
    va_start(args, format);
    print(sim, "BROKEN seed ", format, args);
    va_end(args);
}

/* ---- options and nodes ---- */

static struct sim_options draw_options(struct sim_random *random)
{
    static const uint64_t snapshots[] = {40, 300, 1000000};
    static const uint64_t retained[] = {0, 100, 1000000};
    static const size_t tombstones[] = {20, 1000};
    struct sim_options options = {
        .coordinators = (unsigned)sim_random_between(random, 1, SIM_COORDINATORS_MAX),
        .participants = (unsigned)sim_random_between(random, 2, SIM_PARTICIPANTS_MAX),
        .clients = (unsigned)sim_random_between(random, 3, SIM_CLIENTS_MAX),
        .delay_us = 1000,
        .sync_us = 2000,
        .lazy_us = 10000,
        .retention_us = sim_random_percent(random, 70) ? SIM_FOREVER_US : 3000000,
        .snapshot_records = snapshots[sim_random_between(random, 0, 2)],
        .retain_records = retained[sim_random_between(random, 0, 2)],
        .tombstones_max = tombstones[sim_random_between(random, 0, 1)],
    };

    if (sim_random_percent(random, 10))
        return options; /* no faults at all */
    if (sim_random_percent(random, 60))
        options.loss_percent = (unsigned)sim_random_between(random, 1, 20);
    if (sim_random_percent(random, 60))
        options.duplicate_percent = (unsigned)sim_random_between(random, 1, 20);
    if (sim_random_percent(random, 50))
        options.delay_us = sim_random_between(random, 1000, 300000);
    if (sim_random_percent(random, 30))
        options.sync_us = sim_random_between(random, 1000, 400000);
    options.reorder = sim_random_percent(random, 60);
    if (sim_random_percent(random, 80))
        options.fault_us = sim_random_between(random, 100000, 4000000);
    return options;
}

static void add_node(struct sim *sim, enum sim_node_role role, unsigned number)
{
    static const char letters[] = {
        [SIM_COORDINATOR] = 'c', [SIM_PARTICIPANT] = 'p', [SIM_CLIENT] = 'k'};
    struct sim_node *node = &sim->nodes[sim->nodes_n++];

    node->role = role;
    node->up = role == SIM_CLIENT;
    node->actions_left = UINT64_MAX;
    snprintf(node->name.s, sizeof node->name.s, "%c%u", letters[role], number + 1);
    snprintf(node->address.s, sizeof node->address.s, "sim://%c%u", letters[role], number + 1);
    if (role != SIM_CLIENT)
        node->disk = sim_disk_new();
}

struct sim *sim_new(uint64_t seed, bool trace)
{
    struct sim *sim = tx_xcalloc(1, sizeof *sim);

    sim->seed = seed;
    sim->trace = trace;
    sim->random.state = seed;
    sim->now = 1000000;
    sim->options = draw_options(&sim->random);
    for (unsigned i = 0; i < sim->options.coordinators; i++)
        add_node(sim, SIM_COORDINATOR, i);
    for (unsigned i = 0; i < sim->options.participants; i++)
        add_node(sim, SIM_PARTICIPANT, i);
    for (unsigned i = 0; i < sim->options.clients; i++)
        add_node(sim, SIM_CLIENT, i);
    return sim;
}

size_t sim_find(const struct sim *sim, const struct tx_address *address)
{
    size_t i = 0;

    while (i < sim->nodes_n && strcmp(sim->nodes[i].address.s, address->s) != 0)
        i++;
    TX_ASSERT(i < sim->nodes_n);
    return i;
}

size_t sim_participant_node(const struct sim *sim, unsigned participant)
{
    return sim->options.coordinators + participant;
}

/* ---- what the shells share ---- */

bool sim_dies(struct sim_node *node)
{
    if (node->actions_left == 0)
        return true;
    if (node->actions_left != UINT64_MAX)
        node->actions_left--;
    return false;
}

void sim_tick_at(struct sim *sim, size_t at, uint64_t when)
{
    struct sim_node *node = &sim->nodes[at];

    if (when < sim->now)
        when = sim->now;
    if (when == node->tick_at)
        return;
    node->tick_at = when;
    if (when != UINT64_MAX)
        sim_timeline_add(
            &sim->timeline,
            (struct sim_event){.type = SIM_EVENT_TICK, .at = when, .node = at, .run = node->run});
}

void sim_sync(struct sim *sim, size_t at, bool force)
{
    const struct sim_node *node = &sim->nodes[at];
    uint64_t sync = sim_random_between(&sim->random, 100, sim->options.sync_us);

    sim_timeline_add(&sim->timeline,
                     (struct sim_event){.type = SIM_EVENT_SYNCED,
                                        .at = sim->now + sync + (force ? 0 : sim->options.lazy_us),
                                        .node = at,
                                        .run = node->run,
                                        .number = sim_disk_queued(node->disk).n});
}

void sim_append_start(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];
    struct txlog_record record = {
        .type = TXLOG_START, .start = node->start, .started = {.life = node->life}};

    record.lsn.n = sim_disk_durable(node->disk).n + 1;
    sim_disk_append(node->disk, &record, NULL, 0);
    sim_disk_synced(node->disk, record.lsn);
}

void sim_compact(struct sim_node *node, struct tx_lsn upto)
{
    enum tx_error error = txlog_compact(sim_disk_log(node->disk), upto, NULL);

    TX_ASSERT(error == TX_OK);
}

/* ---- life and death ---- */

static void start(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];

    if (node->up)
        return;
    node->up = true;
    node->run++;
    node->tick_at = UINT64_MAX;
    node->actions_left = UINT64_MAX;
    if (!sim->healed && sim->crashes > 0 && sim_random_percent(&sim->random, 20))
        node->actions_left = sim_random_between(&sim->random, 0, 10);
    if (node->role == SIM_PARTICIPANT)
        sim_participant_start(sim, at);
    else
        sim_coordinator_start(sim, at);
    sim_trace(sim, "%s has started: %" PRIu64, node->name.s, node->start);
}

static void stop(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];

    if (node->participant != NULL)
        sim_participant_stop(sim, at);
    if (node->coordinator != NULL)
        sim_coordinator_stop(sim, at);
    if (node->client != NULL)
        sim_client_stop(sim, at);
    node->up = false;
}

static void crash(struct sim *sim, size_t at)
{
    sim_trace(sim, "%s dies", sim->nodes[at].name.s);
    sim->crashes++;
    stop(sim, at);
    sim_disk_crash(sim->nodes[at].disk, &sim->random);
    sim_timeline_add(
        &sim->timeline,
        (struct sim_event){.type = SIM_EVENT_RESTART,
                           .at = sim->now + sim_random_between(&sim->random, 1000, 3000000),
                           .node = at});
}

static void heal(struct sim *sim)
{
    sim_trace(sim, "everything heals");
    sim->healed = true;
    sim_network_heal(sim);
    sim->options.delay_us = 1000;
    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (!sim->nodes[i].up)
            start(sim, i);
        sim->nodes[i].actions_left = UINT64_MAX;
    }
}

static void next_fault(struct sim *sim)
{
    uint64_t mean = sim->options.fault_us;

    if (mean > 0)
        sim_timeline_add(
            &sim->timeline,
            (struct sim_event){.type = SIM_EVENT_FAULT,
                               .at = sim->now + sim_random_between(&sim->random, 1, 2 * mean)});
}

static void fault(struct sim *sim)
{
    size_t daemons = sim->options.coordinators + sim->options.participants;
    size_t victim = (size_t)sim_random_between(&sim->random, 0, daemons - 1);

    if (sim->healed)
        return;
    if (sim_random_percent(&sim->random, 30))
        sim_network_part(sim);
    else
        sim->nodes[victim].actions_left = sim_random_between(&sim->random, 0, 12);
    next_fault(sim);
}

/* ---- events ---- */

static void deliver(struct sim *sim, const struct sim_event *event)
{
    struct tx_arena arena = {0};
    struct tx_frame frame;
    size_t at = event->node;

    sim_network_receive(sim, event, &arena, &frame);
    if (sim->nodes[at].participant != NULL)
        sim_participant_step(sim, at,
                             &(struct part_event){.type = PART_EVENT_MESSAGE,
                                                  .client = event->from,
                                                  .envelope = &frame.envelope,
                                                  .msg = &frame.messages[0]});
    else if (sim->nodes[at].coordinator != NULL)
        sim_coordinator_step(sim, at,
                             &(struct coord_event){.type = COORD_EVENT_MESSAGE,
                                                   .client = event->from,
                                                   .envelope = &frame.envelope,
                                                   .msg = &frame.messages[0]});
    else
        sim_client_received(sim, at, event->from, &frame.messages[0]);
    tx_arena_deinit(&arena);
}

static void synced(struct sim *sim, const struct sim_event *event)
{
    size_t at = event->node;
    struct tx_lsn lsn = {event->number};

    if (lsn.n <= sim_disk_durable(sim->nodes[at].disk).n)
        return;
    sim_disk_synced(sim->nodes[at].disk, lsn);
    if (sim->nodes[at].role == SIM_PARTICIPANT)
        sim_participant_step(sim, at, &(struct part_event){.type = PART_EVENT_DURABLE, .lsn = lsn});
    else
        sim_coordinator_step(sim, at,
                             &(struct coord_event){.type = COORD_EVENT_DURABLE, .lsn = lsn});
}

static void tick(struct sim *sim, size_t at)
{
    sim->nodes[at].tick_at = UINT64_MAX;
    if (sim->nodes[at].role == SIM_PARTICIPANT)
        sim_participant_step(sim, at, &(struct part_event){.type = PART_EVENT_TICK});
    else if (sim->nodes[at].role == SIM_COORDINATOR)
        sim_coordinator_step(sim, at, &(struct coord_event){.type = COORD_EVENT_TICK});
    else
        sim_client_tick(sim, at);
}

static void happen(struct sim *sim, const struct sim_event *event)
{
    const struct sim_node *node = &sim->nodes[event->node];
    bool current = node->up && node->run == event->run;

    switch (event->type) {
    case SIM_EVENT_FRAME:
        if (node->up)
            deliver(sim, event);
        break;
    case SIM_EVENT_SYNCED:
        if (current)
            synced(sim, event);
        break;
    case SIM_EVENT_TICK:
        if (current && node->tick_at == event->at)
            tick(sim, event->node);
        break;
    case SIM_EVENT_RESTART:
        start(sim, event->node);
        break;
    case SIM_EVENT_FAULT:
        fault(sim);
        break;
    case SIM_EVENT_MEND:
        sim_network_mend(sim, event->number);
        break;
    }
    if (node->up && node->actions_left == 0 && node->role != SIM_CLIENT)
        crash(sim, event->node);
}

unsigned sim_run(struct sim *sim)
{
    uint64_t heal_at = sim->now + SIM_FAULTS_US;
    struct sim_event event;

    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (sim->nodes[i].role == SIM_CLIENT)
            sim_client_start(sim, i);
        else
            start(sim, i);
    }
    next_fault(sim);
    while (sim_timeline_take(&sim->timeline, &event) && event.at < heal_at + SIM_HEALED_US) {
        sim->now = event.at;
        if (!sim->healed && sim->now >= heal_at)
            heal(sim);
        sim->events++;
        happen(sim, &event);
        free(event.frame);
        event.frame = NULL;
    }
    free(event.frame);
    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (sim->nodes[i].role == SIM_CLIENT)
            sim_client_end(sim, i);
    }
    sim_check(sim);
    return sim->failures;
}

void sim_destroy(struct sim **sim)
{
    for (size_t i = 0; i < (*sim)->nodes_n; i++) {
        stop(*sim, i);
        if ((*sim)->nodes[i].disk != NULL)
            sim_disk_destroy(&(*sim)->nodes[i].disk);
    }
    sim_timeline_deinit(&(*sim)->timeline);
    free((*sim)->told);
    free(*sim);
    *sim = NULL;
}
