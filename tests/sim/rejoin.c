#include "rejoin.h"

#include "network.h"
#include "rule.h"
#include "sim_coordinator.h"
#include "sim_participant.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_TXS 25u /* begun while a good moment is waited for */

bool sim_rejoins(const struct sim *sim)
{
    return sim->options.rejoin_txs > 0;
}

void sim_rejoin_begin(struct sim *sim)
{
    struct sim_options *options = &sim->options;

    sim->restored = SIM_NOBODY;
    if (!sim_rejoins(sim))
        return;
    options->old_disk = options->resolve = options->copy_txs = options->liar = options->rot = 0;
    options->lost_txs = options->twins = options->lock_calls = 0;
    sim->restored = sim_participant_node(
        sim, sim_random_between(&sim->rejoining, 1, options->participants) - 1);
    sim->rejoin_at = options->rejoin_txs;
}

/* ---- the backup, and the loss ---- */

/* With something in doubt it is more interesting; not for ever. */
static bool is_good_moment(const struct sim *sim, const struct sim_node *node)
{
    struct part_stats stats;

    if (sim->totals.transactions < sim->rejoin_at || node->participant == NULL)
        return false;
    part_core_stats(sim_participant_core(node), 0, &stats);
    return stats.prepared > 0 || sim->totals.transactions >= sim->rejoin_at + PATIENCE_TXS;
}

static void take_backup(struct sim *sim, const struct sim_node *node)
{
    sim->backup = sim_disk_durable(node->disk);
    if (sim->backup.n == 0)
        return;
    sim->rejoin_at =
        sim->totals.transactions + sim_random_between(&sim->rejoining, 1, sim->options.rejoin_txs);
    SIM_TRACE(sim, "%s: a backup is taken, up to %" PRIu64, node->name.s, sim->backup.n);
}

static void declare(struct sim *sim, struct sim_node *node)
{
    struct txlog_record record = {.type = TXLOG_LOSS, .lsn = {sim->backup.n + 1}};

    sim->loss.lsn = sim->backup;
    sim->loss.start = txlog_last_start(sim_disk_log(node->disk)) + TX_LOSS_STARTS;
    record.start = sim->loss.start;
    record.loss = sim->loss;
    sim_disk_append(node->disk, &record, NULL, 0);
    sim_disk_synced(node->disk, record.lsn);
}

/* Coordinators that die as well leave the members to one another. */
static void lose(struct sim *sim, struct sim_node *node)
{
    sim_crash(sim, sim->restored);
    sim->former = node->disk;
    node->disk = sim_disk_prefix(sim->former, sim->backup);
    node->held_n = 0;
    declare(sim, node);
    sim->totals.rejoined++;
    sim->readmit_at = sim->now + sim_random_between(&sim->rejoining, 1000, 4000000);
    SIM_TRACE(sim, "%s loses its disk: restored up to %" PRIu64 " instead of %" PRIu64,
              node->name.s, sim->backup.n, sim_disk_durable(sim->former).n);
    for (size_t i = 0; i < sim->options.coordinators; i++) {
        if (sim->nodes[i].up && sim_random_percent(&sim->rejoining, 40))
            sim->nodes[i].actions_left = sim_random_between(&sim->rejoining, 0, 6);
    }
}

/* An operator, who comes again where it has not been necessary yet. */
static void readmit(struct sim *sim)
{
    for (size_t i = 0; i < sim->options.coordinators; i++) {
        struct sim_node *node = &sim->nodes[i];
        struct coord_event event = {.type = COORD_EVENT_READMIT,
                                    .name = sim->nodes[sim->restored].name};

        if (node->coordinator == NULL || sim->now < node->paused_until || node->actions_left == 0)
            continue;
        sim_coordinator_step(sim, i, &event);
        if (node->actions_left > 0)
            sim_network_flush(sim, i);
    }
    sim->readmit_at = sim->now + sim_random_between(&sim->rejoining, 200000, 1500000);
}

void sim_rejoin_look(struct sim *sim)
{
    struct sim_node *node;

    if (!sim_rejoins(sim))
        return;
    node = &sim->nodes[sim->restored];
    if (sim->former != NULL) {
        if (sim->now >= sim->readmit_at)
            readmit(sim);
    } else if (!sim->healed && is_good_moment(sim, node)) {
        if (sim->backup.n == 0)
            take_backup(sim, node);
        else
            lose(sim, node);
    }
}

/* ---- alarms ---- */

static bool mentions(struct tx_bytes text, const char *name)
{
    char words[64];
    int len = snprintf(words, sizeof words, "participant %s ", name);

    return memmem(text.data, text.len, words, (size_t)len) != NULL;
}

bool sim_rejoin_explains(const struct sim *sim, size_t node, struct tx_bytes text)
{
    if (sim->former == NULL)
        return false;
    return node == sim->restored || (sim->nodes[node].role == SIM_COORDINATOR &&
                                     mentions(text, sim->nodes[sim->restored].name.s));
}

/* ---- what is left behind, of each transaction ---- */

struct fact {
    struct tx_id id;
    unsigned prepared, committed, aborted; /* a bit for each participant: on its disk */
    bool decided;                          /* by a COMMIT record, which the restored one is in */
    bool in_loss;                          /* it took part in the restored one's lost starts */
    bool told_committed, told_aborted;     /* a client */
    bool former_committed;                 /* on the disk that is lost */
    bool alarmed;
};

struct facts {
    struct sim *sim;
    struct fact *items;
    size_t capacity, n;
    size_t node; /* whose disk is read */
    bool former;
};

static struct fact *slot(const struct facts *facts, struct tx_id id)
{
    uint64_t at = (id.seq * 31 + id.epoch) * 31 + id.coordinator;

    for (;; at++) {
        struct fact *fact = &facts->items[at & (facts->capacity - 1)];

        if (!tx_id_valid(fact->id) || tx_id_equal(fact->id, id))
            return fact;
    }
}

static void grow(struct facts *facts)
{
    struct facts old = *facts;

    facts->capacity = old.capacity == 0 ? 1024 : old.capacity * 2;
    facts->items = tx_xcalloc(facts->capacity, sizeof *facts->items);
    for (size_t i = 0; i < old.capacity; i++) {
        if (tx_id_valid(old.items[i].id))
            *slot(facts, old.items[i].id) = old.items[i];
    }
    free(old.items);
}

static struct fact *fact_of(struct facts *facts, struct tx_id id)
{
    struct fact *fact;

    if (facts->n * 2 >= facts->capacity)
        grow(facts);
    fact = slot(facts, id);
    facts->n += !tx_id_valid(fact->id);
    fact->id = id;
    return fact;
}

static bool took_part_in_loss(const struct facts *facts, const struct tx_member *members, size_t n)
{
    const struct sim *sim = facts->sim;

    for (size_t i = 0; i < n; i++) {
        if (tx_name_equal(&members[i].name, &sim->nodes[sim->restored].name))
            return tx_loss_holds(&sim->loss, members[i].incarnation);
    }
    return false;
}

static void note(void *arg, const struct txlog_record *record)
{
    struct facts *facts = arg;
    struct tx_id id = txlog_record_tx(record);
    size_t coordinators = facts->sim->options.coordinators;
    unsigned bit = facts->node < coordinators ? 0 : 1u << (facts->node - coordinators);
    struct fact *fact;

    if (!tx_id_valid(id))
        return;
    fact = fact_of(facts, id);
    if (facts->former) {
        fact->former_committed = fact->former_committed || record->type == TXLOG_COMMITTED;
        return;
    }
    if (record->type == TXLOG_PREPARED) {
        fact->prepared |= bit;
        fact->in_loss = fact->in_loss || took_part_in_loss(facts, record->prepared.members,
                                                           record->prepared.members_n);
    } else if (record->type == TXLOG_COMMITTED) {
        fact->committed |= bit;
    } else if (record->type == TXLOG_ABORTED) {
        fact->aborted |= bit;
    } else if (record->type == TXLOG_COMMIT) {
        fact->decided = took_part_in_loss(facts, record->commit.members, record->commit.members_n);
    } else if (record->type == TXLOG_ALARM) {
        fact->alarmed = true;
    }
}

static void note_told(struct facts *facts, struct tx_id id, enum tx_outcome outcome)
{
    struct fact *fact;

    if (!tx_id_valid(id))
        return;
    fact = fact_of(facts, id);
    fact->told_committed = fact->told_committed || outcome == TX_OUTCOME_COMMITTED;
    fact->told_aborted = fact->told_aborted || outcome == TX_OUTCOME_ABORTED;
}

static void gather(struct facts *facts)
{
    struct sim *sim = facts->sim;
    const unsigned all = 1u << TXLOG_PREPARED | 1u << TXLOG_COMMITTED | 1u << TXLOG_ABORTED |
                         1u << TXLOG_COMMIT | 1u << TXLOG_ALARM;

    for (size_t i = 0; i < sim->options.coordinators + sim->options.participants; i++) {
        facts->node = i;
        sim_disk_each(sim->nodes[i].disk, all, note, facts);
    }
    facts->former = true;
    if (sim->former != NULL)
        sim_disk_each(sim->former, all, note, facts);
    for (size_t i = 0; i < sim->told_n; i++)
        note_told(facts, sim->told[i].id, sim->told[i].outcome);
    for (size_t i = 0; i < sim->history.told_n; i++)
        note_told(facts, sim->history.told[i].id, sim->history.told[i].outcome);
}

/* ---- the checks ---- */

static void judge(struct sim *sim, const struct fact *fact)
{
    unsigned restored = 1u << (sim->restored - sim->options.coordinators);
    bool committed = (fact->committed & ~restored) != 0 || fact->decided || fact->told_committed ||
                     fact->former_committed;
    unsigned open = fact->prepared & ~(fact->committed | fact->aborted);
    char id[TX_ID_TEXT];

    tx_id_print(fact->id, id);
    if ((committed || (fact->committed & restored) != 0) && fact->aborted != 0)
        sim_fail(sim, "half-done: %s is committed, and aborted at %x", id, fact->aborted);
    if (fact->told_aborted && (committed || fact->committed != 0))
        sim_fail(sim, "two-outcomes: %s is committed, and a client was told that it is aborted",
                 id);
    if (open != 0 && !fact->in_loss)
        sim_fail(sim, "in-doubt: %s at %x, and nothing of it can be lost", id, open);
    if (fact->decided && (fact->committed & restored) == 0 && (open & restored) == 0 &&
        !fact->former_committed && !fact->alarmed)
        sim_fail(sim, "lost-commit: %s is not at the restored participant, and no alarm names it",
                 id);
}

static void check_node(struct sim *sim, const struct sim_node *node)
{
    struct coord_stats coord;
    struct part_stats part;

    if (!node->up) {
        sim_fail(sim, "%s is down at the end", node->name.s);
    } else if (node->role == SIM_PARTICIPANT) {
        part_core_check(sim_participant_core(node));
        part_core_stats(sim_participant_core(node), 0, &part);
        if (part.violations > 0 && !sim->deaf)
            sim_fail(sim, "%s: %" PRIu64 " violations", node->name.s, part.violations);
    } else {
        coord_core_check(sim_coordinator_core(node));
        coord_core_stats(sim_coordinator_core(node), &coord);
        if (coord.violations > 0 && !sim->deaf)
            sim_fail(sim, "%s: %" PRIu64 " violations", node->name.s, coord.violations);
        if (coord.peers_up != sim->options.participants || coord.fenced)
            sim_fail(sim, "%s: %zu peers up%s", node->name.s, coord.peers_up,
                     coord.fenced ? ", fenced" : "");
    }
}

void sim_rejoin_check(struct sim *sim)
{
    struct facts facts = {.sim = sim};

    for (size_t i = 0; i < sim->options.coordinators + sim->options.participants; i++)
        check_node(sim, &sim->nodes[i]);
    gather(&facts);
    for (size_t i = 0; i < facts.capacity; i++) {
        if (tx_id_valid(facts.items[i].id))
            judge(sim, &facts.items[i]);
    }
    free(facts.items);
}
