#include "sim.h"

#include "check.h"
#include "cuts.h"
#include "echo.h"
#include "faults.h"
#include "image.h"
#include "liar.h"
#include "lock_table.h"
#include "lost.h"
#include "moves.h"
#include "network.h"
#include "old_copy.h"
#include "operator.h"
#include "rebuilt.h"
#include "rejoin.h"
#include "rot.h"
#include "rule.h"
#include "sim_client.h"
#include "sim_coordinator.h"
#include "sim_history.h"
#include "sim_participant.h"
#include "waits.h"
#include "writer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FAILURES_SHOWN 10u
#define LOOK_US        UINT64_C(200000)   /* at rest? */
#define LOOK_STEPS     200u               /* of a core between two looks at its locks */
#define LOOKS_AT_REST  4u                 /* so often in a row, and the run is over */
#define LIED_US        UINT64_C(5000000)  /* what is still done after the last lie */
#define REJOINED_US    UINT64_C(20000000) /* what is in doubt for a loss stays so */
#define FNV_START      UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME      UINT64_C(0x100000001b3)

/* ---- words ---- */

TX_PRINTF(4, 0)
static int print(const struct sim *sim, char *out, size_t out_size, const char *format,
                 va_list args)
{
    int front = snprintf(out, out_size, "%" PRIu64 " %4" PRIu64 ".%06" PRIu64 "  ", sim->seed,
                         sim->now / 1000000, sim->now % 1000000);
    int rest;

    if (sim->first_life != NULL)
        front += snprintf(out + front, out_size - (size_t)front, "rebuilt from cut %" PRIu64 ": ",
                          sim->rebuilt_from);
    rest = vsnprintf(out + front, out_size - (size_t)front, format, args);
    size_t len = (size_t)front + (size_t)rest;

    return (int)(len < out_size ? len : out_size - 1);
}

void sim_trace(struct sim *sim, const char *format, ...)
{
    char line[1024];
    va_list args;
    int len;

    va_start(args, format);
    len = print(sim, line, sizeof line, format, args);
    va_end(args);
    if (sim->trace_printed)
        puts(line);
    for (int i = 0; i < len; i++)
        sim->trace_hash = (sim->trace_hash ^ (uint8_t)line[i]) * FNV_PRIME;
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    char line[4096];
    va_list args;

    if (sim->failures++ >= FAILURES_SHOWN)
        return;
    va_start(args, format);
    print(sim, line, sizeof line, format, args);
    va_end(args);
    printf("BROKEN seed %s\n", line);
}

/* ---- nodes ---- */

static void add_node(struct sim *sim, enum sim_node_role role, unsigned number)
{
    static const char letters[] = {
        [SIM_COORDINATOR] = 'c', [SIM_PARTICIPANT] = 'p', [SIM_CLIENT] = 'k'};
    struct sim_node *node = &sim->nodes[sim->nodes_n++];

    node->role = role;
    node->actions_left = UINT64_MAX;
    node->tick_at = node->tick_planned = UINT64_MAX;
    snprintf(node->name.s, sizeof node->name.s, "%c%u", letters[role], number + 1);
    snprintf(node->address.s, sizeof node->address.s, "sim://%c%u", letters[role], number + 1);
    if (role == SIM_CLIENT)
        return;
    node->disk = sim_disk_new();
    node->clock_us = sim_random_between(&sim->random, 0, sim->options.clock_us);
}

static void add_nodes(struct sim *sim)
{
    for (unsigned i = 0; i < sim->options.coordinators; i++)
        add_node(sim, SIM_COORDINATOR, i);
    for (unsigned i = 0; i < sim->options.participants; i++)
        add_node(sim, SIM_PARTICIPANT, i);
    for (unsigned i = 0; i < sim->options.clients; i++)
        add_node(sim, SIM_CLIENT, i);
    sim->slow_from = sim->slow_to = SIM_NOBODY;
    if (sim->options.slow_link_us > 0) {
        sim->slow_from = (size_t)sim_random_between(&sim->random, 0, sim->nodes_n - 1);
        sim->slow_to = (size_t)sim_random_between(&sim->random, 0, sim->nodes_n - 1);
    }
}

struct sim *sim_new(uint64_t seed)
{
    struct sim *sim = tx_xcalloc(1, sizeof *sim);

    sim->seed = seed;
    sim->trace_hash = FNV_START;
    sim->random.state = seed;
    sim->echo_random.state = seed ^ UINT64_C(0x6563686f);
    sim->locking.state = seed ^ UINT64_C(0x6c6f636b73);
    sim->rot.state = seed ^ UINT64_C(0x726f74);
    sim->rejoining.state = seed ^ UINT64_C(0x72656a6f696e);
    sim->modes.state = seed ^ UINT64_C(0x6d6f646573);
    sim->scanning.state = seed ^ UINT64_C(0x7363616e73);
    sim->moving.state = seed ^ UINT64_C(0x6d6f76696e67);
    sim->cutting.state = seed ^ UINT64_C(0x63757474696e67);
    sim->now = sim->began_us = 1000000;
    sim_options_draw(&sim->options, &sim->random);
    return sim;
}

bool sim_covers(const struct sim *sim)
{
    return sim->coverage != NULL && sim->liar == NULL && sim->options.store_us == 0 &&
           sim->options.retained_max == SIM_RETAINED_MAX && !sim->old_copy_runs &&
           sim->totals.old_disks == 0 && !sim_rejoins(sim);
}

size_t sim_find(const struct sim *sim, const struct tx_address *address)
{
    size_t i = 0;

    for (const char *at = address->s + 7; *at >= '0' && *at <= '9'; at++)
        i = i * 10 + (size_t)(*at - '0');
    i--;
    if (address->s[6] == 'p')
        i += sim->options.coordinators;
    if (i < sim->nodes_n && strcmp(sim->nodes[i].address.s, address->s) == 0)
        return i;
    if (sim->liar != NULL)
        return sim_moves_find(sim, address) < SIM_NOBODY ? sim_moves_find(sim, address)
                                                         : SIM_LIAR; /* who told such an address */
    /* Given by somebody who was there once, in this life of the cluster or the one before. */
    TX_ASSERT(i < sim->nodes_n && (sim->moves > 0 || sim->first_life != NULL));
    return sim_moves_find(sim, address);
}

size_t sim_participant_node(const struct sim *sim, uint64_t participant)
{
    return (size_t)(sim->options.coordinators + participant);
}

uint64_t sim_clock(const struct sim *sim, size_t node)
{
    return sim->now + sim->nodes[node].clock_us;
}

static bool names(struct tx_bytes text, const struct tx_name *name)
{
    const size_t len = strlen(name->s);

    for (size_t i = 0; i + len <= text.len; i++) {
        bool begins = i == 0 || text.data[i - 1] == ' ';
        bool ends = i + len == text.len || text.data[i + len] < '0' || text.data[i + len] > '9';

        if (begins && ends && memcmp(text.data + i, name->s, len) == 0)
            return true;
    }
    return false;
}

/* What an old image is to raise: alarms at the node that runs on it, and at a coordinator about
 * that node. That it was quarantined may be told when it has its own disk back. */
static bool about_old_disk(const struct sim *sim, size_t at, struct tx_id tx, struct tx_bytes text)
{
    for (size_t i = 0; i < sim->nodes_n; i++) {
        const struct sim_node *node = &sim->nodes[i];
        bool old = node->kept != NULL || (node->was_old && !tx_id_valid(tx));

        if (old &&
            (i == at || (sim->nodes[at].role == SIM_COORDINATOR && names(text, &node->name))))
            return true;
    }
    return false;
}

void sim_alarm(struct sim *sim, size_t node, struct tx_id tx, struct tx_bytes text)
{
    char id[TX_ID_TEXT];

    if (sim->old_copy_runs || sim->deaf || sim_lies_within(sim))
        return; /* so they should; or nobody listens */
    SIM_TRACE(sim, "%s ALARM %s: %.*s", sim->nodes[node].name.s, tx_id_print(tx, id), (int)text.len,
              (const char *)text.data);
    if (sim_operator_decided(sim, tx) || about_old_disk(sim, node, tx, text) ||
        sim_rejoin_explains(sim, node, text))
        return;
    sim->nodes[node].alarms++;
    sim_fail(sim, "%s alarm: %.*s", sim->nodes[node].name.s, (int)text.len,
             (const char *)text.data);
}

void sim_begun(struct sim *sim)
{
    sim->totals.transactions++;
    sim_cuts_due(sim);
    if (sim->totals.transactions < sim->fault_at)
        return;
    sim->fault_at = UINT64_MAX;
    sim_timeline_add(
        &sim->timeline,
        (struct sim_event){.type = SIM_EVENT_FAULT,
                           .at = sim->now + sim_random_between(&sim->random, 0, 50000)});
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

bool sim_check_due(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];

    if (node->steps % LOOK_STEPS == LOOK_STEPS - 1)
        sim_history_look(sim, at);
    return node->steps++ % sim->options.check_stride == 0 || node->actions_left != UINT64_MAX;
}

static void plan_tick(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];

    if (node->tick_at >= node->tick_planned)
        return;
    node->tick_planned = node->tick_at;
    sim_timeline_add(&sim->timeline, (struct sim_event){.type = SIM_EVENT_TICK,
                                                        .at = node->tick_at,
                                                        .node = (uint8_t)at,
                                                        .run = node->run});
}

void sim_tick_at(struct sim *sim, size_t at, uint64_t when)
{
    struct sim_node *node = &sim->nodes[at];

    if (when == UINT64_MAX)
        node->tick_at = UINT64_MAX;
    else
        node->tick_at = when < sim_clock(sim, at) ? sim->now : when - node->clock_us;
    plan_tick(sim, at);
}

bool sim_append_start(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];
    struct txlog_record record = {
        .type = TXLOG_START, .start = node->start, .started = {.life = node->life}};

    record.lsn.n = sim_disk_durable(node->disk).n + 1;
    sim_disk_append(node->disk, &record, NULL, 0);
    if (node->run > 1 && !sim->healed &&
        sim_random_percent(&sim->random, (unsigned)sim->options.start_crash_percent))
        return false;
    sim_disk_synced(node->disk, record.lsn);
    return true;
}

void sim_compact(struct sim_node *node, struct tx_lsn upto)
{
    enum tx_error error = txlog_compact(sim_disk_log(node->disk), upto, NULL);

    TX_ASSERT(error == TX_OK);
}

/* ---- life and death ---- */

void sim_start(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];
    bool started;

    if (node->up || node->role == SIM_CLIENT || sim_lost_is(sim, at))
        return;
    node->up = true;
    node->run++;
    node->tick_at = node->tick_planned = UINT64_MAX;
    node->actions_left = UINT64_MAX;
    node->paused_until = node->steps = 0;
    node->syncing = node->sync_again = node->write_later = false;
    node->write_fails = node->draining = false;
    if (!sim->healed && sim->totals.crashes > 0 && sim_random_percent(&sim->random, 20))
        node->actions_left = sim_random_between(&sim->random, 0, 10);
    sim_rot(sim, at);
    node->cut = 0;
    sim_network_open(sim, at);
    started = node->role == SIM_PARTICIPANT ? sim_participant_start(sim, at)
                                            : sim_coordinator_start(sim, at);
    SIM_TRACE(sim, "%s %s: %" PRIu64, node->name.s, started ? "has started" : "is starting",
              node->start);
    sim_image_started(sim, at);
    if (started)
        sim_network_flush(sim, at);
    else
        sim_crash(sim, at);
    sim_echo_start(sim, at);
}

void sim_stop(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];

    if (node->participant != NULL)
        sim_participant_stop(sim, at);
    if (node->coordinator != NULL)
        sim_coordinator_stop(sim, at);
    if (node->client != NULL)
        sim_client_stop(sim, at);
    sim_network_close(sim, at);
    node->up = false;
}

void sim_crash(struct sim *sim, size_t at)
{
    bool soon = sim_random_percent(&sim->random, 40);
    uint64_t pause = sim_random_between(&sim->random, 1000, soon ? 20000 : 3000000);

    SIM_TRACE(sim, "%s dies", sim->nodes[at].name.s);
    sim->totals.crashes++;
    sim_stop(sim, at);
    sim_disk_crash(sim->nodes[at].disk, &sim->random);
    rule_died(sim, at);
    sim_timeline_add(
        &sim->timeline,
        (struct sim_event){.type = SIM_EVENT_RESTART, .at = sim->now + pause, .node = (uint8_t)at});
}

static void heal(struct sim *sim)
{
    SIM_TRACE(sim, "everything heals, after %" PRIu64 " transactions", sim->totals.transactions);
    sim->healed = true;
    sim->healed_at = sim->now;
    sim_faults_heal(sim);
    sim_timeline_add(&sim->timeline,
                     (struct sim_event){.type = SIM_EVENT_LOOK, .at = sim->now + LOOK_US});
}

/* ---- events ---- */

static void deliver(struct sim *sim, const struct sim_event *event)
{
    struct sim_node *node = &sim->nodes[event->node];
    struct tx_frame frame;

    if (event->frame == NULL) {
        sim_liar_raw(sim, event->node);
        return;
    }
    sim_network_receive(sim, event, &frame);
    for (size_t i = 0; i < frame.messages_n && node->actions_left > 0; i++) {
        if (sim_image_believed(sim, event->from, event->node, &frame.envelope,
                               &frame.messages[i])) {
            sim->totals.old_believed++;
            continue;
        }
        if (node->participant != NULL)
            sim_participant_step(sim, event->node,
                                 &(struct part_event){.type = PART_EVENT_MESSAGE,
                                                      .client = event->from,
                                                      .envelope = &frame.envelope,
                                                      .msg = &frame.messages[i],
                                                      .wall_ms = sim->now / 1000});
        else if (node->coordinator != NULL)
            sim_coordinator_step(sim, event->node,
                                 &(struct coord_event){.type = COORD_EVENT_MESSAGE,
                                                       .client = event->from,
                                                       .envelope = &frame.envelope,
                                                       .msg = &frame.messages[i]});
        else if (event->node == SIM_LIAR)
            sim_liar_hears(sim, event->from, &frame.messages[i]);
        else
            sim_client_received(sim, event->node, event->from, &frame.messages[i]);
    }
}

static void synced(struct sim *sim, const struct sim_event *event)
{
    size_t at = event->node;
    struct tx_lsn lsn = {event->number};

    if (sim->nodes[at].write_fails) {
        SIM_TRACE(sim, "%s: a write fails", sim->nodes[at].name.s);
        sim->nodes[at].actions_left = 0;
        return;
    }
    sim_writer_synced(sim, at, lsn);
    if (sim->nodes[at].role == SIM_PARTICIPANT)
        sim_participant_step(sim, at, &(struct part_event){.type = PART_EVENT_DURABLE, .lsn = lsn});
    else
        sim_coordinator_step(sim, at,
                             &(struct coord_event){.type = COORD_EVENT_DURABLE, .lsn = lsn});
}

static void tick(struct sim *sim, const struct sim_event *event)
{
    size_t at = event->node;
    struct sim_node *node = &sim->nodes[at];

    if (event->at >= node->tick_planned)
        node->tick_planned = UINT64_MAX;
    if (sim->now < node->tick_at) {
        plan_tick(sim, at);
        return;
    }
    node->tick_at = UINT64_MAX;
    if (node->role == SIM_PARTICIPANT)
        sim_participant_step(sim, at, &(struct part_event){.type = PART_EVENT_TICK});
    else if (node->role == SIM_COORDINATOR)
        sim_coordinator_step(sim, at, &(struct coord_event){.type = COORD_EVENT_TICK});
    else
        sim_client_tick(sim, at);
}

/* What happens to one node that is up. */
static void happen_to(struct sim *sim, const struct sim_event *event)
{
    bool current = sim->nodes[event->node].run == event->run;

    if (event->type == SIM_EVENT_FRAME)
        deliver(sim, event);
    else if (current && event->type == SIM_EVENT_TICK)
        tick(sim, event);
    else if (current && event->type == SIM_EVENT_SYNCED)
        synced(sim, event);
    else if (current && event->type == SIM_EVENT_WRITE)
        sim_writer_due(sim, event->node);
    else if (current && event->type == SIM_EVENT_STORE)
        sim_participant_stored(sim, event->node, event->number);
}

/* After every event that concerns it: what it has to send goes out, all or nothing when it has died
 * in the middle. */
static void settle(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];
    bool dead = node->actions_left == 0;

    if (!node->up)
        return;
    if (!dead || sim_random_percent(&sim->random, 50))
        sim_network_flush(sim, at);
    if (dead)
        sim_crash(sim, at);
    else if (node->draining)
        sim_drain_step(sim, at);
}

static void look(struct sim *sim)
{
    sim_operator_watch(sim);
    sim_lost_look(sim);
    sim->looks_at_rest = sim_at_rest(sim) ? sim->looks_at_rest + 1 : 0;
    sim_timeline_add(&sim->timeline,
                     (struct sim_event){.type = SIM_EVENT_LOOK, .at = sim->now + LOOK_US});
}

static void happen(struct sim *sim, struct sim_event *event)
{
    const struct sim_node *node = &sim->nodes[event->node];

    switch ((enum sim_event_type)event->type) {
    case SIM_EVENT_FRAME:
    case SIM_EVENT_SYNCED:
    case SIM_EVENT_WRITE:
    case SIM_EVENT_TICK:
    case SIM_EVENT_STORE:
        if (node->up && sim->now < node->paused_until) {
            event->at = node->paused_until;
            sim_timeline_add(&sim->timeline, *event);
            event->frame = NULL;
        } else if (node->up) {
            happen_to(sim, event);
        }
        break;
    case SIM_EVENT_RESTART:
        sim_start(sim, event->node);
        break;
    case SIM_EVENT_FAULT:
        sim_fault(sim);
        break;
    case SIM_EVENT_MEND:
        sim_fault_mend(sim, event);
        break;
    case SIM_EVENT_CUT:
        sim_cuts_ask(sim, event->node);
        break;
    case SIM_EVENT_LOOK:
        look(sim);
        return;
    }
    settle(sim, event->node);
}

static void begin(struct sim *sim)
{
    sim_rejoin_begin(sim);
    add_nodes(sim);
    sim_rebuilt_disks(sim);
    sim_liar_start(sim);
    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (sim->nodes[i].role != SIM_CLIENT) {
            sim_start(sim, i);
            continue;
        }
        sim->nodes[i].up = true;
        sim_network_open(sim, i);
        sim_client_start(sim, i);
    }
    sim_faults_next(sim);
}

static bool faults_over(struct sim *sim)
{
    return sim->totals.transactions >= sim->options.transactions ||
           sim->now >= sim->began_us + sim->options.longest_us || sim_lost_long(sim);
}

bool sim_step(struct sim *sim)
{
    struct sim_event event;

    if (!sim_timeline_take(&sim->timeline, &event))
        return false;
    sim->now = event.at;
    sim->totals.events++;
    sim_old_copy_take(sim);
    sim_lost_take(sim);
    sim_rejoin_look(sim);
    if (!sim->healed && faults_over(sim))
        heal(sim);
    happen(sim, &event);
    if (!sim_lies_within(sim) && !sim_rejoins(sim))
        sim_waits_look(sim);
    sim_frame_done(&sim->timeline, event.frame);
    return true;
}

/* Nobody knows how long a cluster in which somebody has lied takes to come to rest, if it does. */
static uint64_t healed_us(const struct sim *sim)
{
    if (sim_rejoins(sim))
        return REJOINED_US;
    return sim_lies_within(sim) ? LIED_US : SIM_HEALED_US;
}

unsigned sim_run(struct sim *sim)
{
    begin(sim);
    while (sim->looks_at_rest < LOOKS_AT_REST && sim_step(sim)) {
        if (sim->healed && sim->now >= sim->healed_at + healed_us(sim))
            break;
    }
    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (sim->nodes[i].role == SIM_CLIENT)
            sim_client_end(sim, i);
    }
    sim->totals.simulated_us = sim->now - sim->began_us;
    sim_check(sim);
    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (sim->nodes[i].role != SIM_CLIENT)
            sim_rot(sim, i);
    }
    sim_lock_table(sim, sim->options.lock_calls);
    if (sim->failures == 0 && !sim_lies_within(sim) && !sim_rejoins(sim))
        sim_cuts_check(sim);
    if (sim->failures == 0 && !sim_lies_within(sim) && !sim_rejoins(sim))
        sim_rebuilt(sim);
    if (sim->failures == 0 && !sim_lies_within(sim) && !sim_rejoins(sim))
        sim_old_copy_return(sim);
    return sim->failures;
}

void sim_destroy(struct sim **sim)
{
    for (size_t i = 0; i < (*sim)->nodes_n; i++) {
        sim_stop(*sim, i);
        free((*sim)->nodes[i].held);
        if ((*sim)->nodes[i].disk != NULL)
            sim_disk_destroy(&(*sim)->nodes[i].disk);
        if ((*sim)->nodes[i].image != NULL)
            sim_disk_destroy(&(*sim)->nodes[i].image);
        if ((*sim)->nodes[i].copy != NULL)
            sim_disk_destroy(&(*sim)->nodes[i].copy);
        if ((*sim)->nodes[i].kept != NULL)
            sim_disk_destroy(&(*sim)->nodes[i].kept);
    }
    if ((*sim)->former != NULL)
        sim_disk_destroy(&(*sim)->former);
    sim_echo_deinit(*sim);
    sim_liar_stop(*sim);
    rule_deinit(*sim);
    sim_cuts_deinit(*sim);
    sim_timeline_deinit(&(*sim)->timeline);
    tx_arena_deinit(&(*sim)->arena);
    history_deinit(&(*sim)->history);
    free((*sim)->told);
    free((*sim)->image_lives);
    free(*sim);
    *sim = NULL;
}
