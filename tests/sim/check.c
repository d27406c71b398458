#include "check.h"

#include "sim_client.h"
#include "sim_coordinator.h"
#include "sim_participant.h"

#include <inttypes.h>
#include <stdlib.h>

/* What the logs say of one transaction, a bit for each participant. */
struct fate {
    struct tx_id id;
    unsigned prepared, committed, aborted;
    unsigned must_commit; /* the members of the COMMIT record */
    bool decided;         /* a COMMIT record */
    bool one_phase;
};

struct fates {
    struct sim *sim;
    struct fate *items; /* in the order of the first record */
    size_t n, capacity;
    size_t *table; /* open addressing: index + 1 */
    size_t table_n;
    unsigned participant; /* whose log is read */
};

/* ---- reading the logs ---- */

static size_t *slot(const struct fates *fates, struct tx_id id)
{
    size_t at = (size_t)tx_id_hash(id) & (fates->table_n - 1);

    while (fates->table[at] != 0 && !tx_id_equal(fates->items[fates->table[at] - 1].id, id))
        at = (at + 1) & (fates->table_n - 1);
    return &fates->table[at];
}

static void grow(struct fates *fates)
{
    fates->capacity = fates->capacity * 2 + 512;
    fates->items = tx_xrealloc(fates->items, fates->capacity * sizeof *fates->items);
    free(fates->table);
    for (fates->table_n = 1; fates->table_n < fates->capacity * 2;)
        fates->table_n *= 2;
    fates->table = tx_xcalloc(fates->table_n, sizeof *fates->table);
    for (size_t i = 0; i < fates->n; i++)
        *slot(fates, fates->items[i].id) = i + 1;
}

static struct fate *fate_of(struct fates *fates, struct tx_id id)
{
    size_t *found;

    if (fates->n == fates->capacity)
        grow(fates);
    found = slot(fates, id);
    if (*found == 0) {
        fates->items[fates->n++] = (struct fate){.id = id};
        *found = fates->n;
    }
    return &fates->items[*found - 1];
}

static void read_participant(void *arg, const struct txlog_record *record)
{
    struct fates *fates = arg;
    unsigned bit = 1u << fates->participant;

    if (record->type == TXLOG_PREPARED)
        fate_of(fates, record->prepared.id)->prepared |= bit;
    if (record->type == TXLOG_ABORTED)
        fate_of(fates, record->id.id)->aborted |= bit;
    if (record->type == TXLOG_COMMITTED) {
        struct fate *fate = fate_of(fates, record->committed.id);

        fate->committed |= bit;
        fate->one_phase |= record->committed.one_phase;
    }
}

static void read_coordinator(void *arg, const struct txlog_record *record)
{
    struct fates *fates = arg;
    struct fate *fate;

    if (record->type != TXLOG_COMMIT)
        return;
    fate = fate_of(fates, record->commit.id);
    fate->decided = true;
    for (size_t i = 0; i < record->commit.members_n; i++)
        fate->must_commit |= 1u << (sim_find(fates->sim, &record->commit.members[i].address) -
                                    sim_participant_node(fates->sim, 0));
}

static void read_logs(struct fates *fates)
{
    const struct sim *sim = fates->sim;

    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (sim->nodes[i].role == SIM_COORDINATOR)
            sim_disk_each(sim->nodes[i].disk, 1u << TXLOG_COMMIT, read_coordinator, fates);
        fates->participant = (unsigned)(i - sim_participant_node(sim, 0));
        if (sim->nodes[i].role == SIM_PARTICIPANT)
            sim_disk_each(sim->nodes[i].disk,
                          1u << TXLOG_PREPARED | 1u << TXLOG_COMMITTED | 1u << TXLOG_ABORTED,
                          read_participant, fates);
    }
}

/* ---- all or nothing, and what was told is so ---- */

static void check_fate(struct sim *sim, const struct fate *fate)
{
    char id[TX_ID_TEXT];

    tx_id_print(fate->id, id);
    if (fate->committed != 0 && fate->aborted != 0)
        sim_fail(sim, "%s committed at %x and aborted at %x", id, fate->committed, fate->aborted);
    if (fate->decided && fate->committed != fate->must_commit)
        sim_fail(sim, "%s decided for %x and committed at %x", id, fate->must_commit,
                 fate->committed);
    if (!fate->decided && !fate->one_phase && fate->committed != 0)
        sim_fail(sim, "%s committed at %x without a decision", id, fate->committed);
    if ((fate->prepared & ~fate->committed & ~fate->aborted) != 0)
        sim_fail(sim, "%s prepared at %x and never finished", id, fate->prepared);
}

/* After the retention. */
static bool may_stay_unknown(const struct sim *sim)
{
    return sim->options.retention_us != SIM_FOREVER_US;
}

static void check_told(struct sim *sim, struct fates *fates, const struct sim_told *told)
{
    const struct fate *fate;
    char id[TX_ID_TEXT];

    tx_id_print(told->id, id);
    if (!tx_id_valid(told->id)) {
        if (told->unknown_for_good)
            sim_fail(sim, "%s is still not answered", sim->nodes[told->client].name.s);
        return;
    }
    fate = fate_of(fates, told->id);
    if (told->unknown_for_good && !may_stay_unknown(sim))
        sim_fail(sim, "%s never heard what became of %s", sim->nodes[told->client].name.s, id);
    /* One-shot readers prepare and commit as well. */
    if (told->outcome == TX_OUTCOME_COMMITTED && (told->wrote & ~fate->committed) != 0)
        sim_fail(sim, "%s told committed, wrote at %x, committed at %x", id, told->wrote,
                 fate->committed);
    if (told->outcome == TX_OUTCOME_ABORTED && (fate->committed != 0 || fate->decided))
        sim_fail(sim, "%s told aborted, committed at %x%s", id, fate->committed,
                 fate->decided ? ", decided" : "");
}

/* ---- money ---- */

static enum tx_error add_balance(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    char text[24] = "";

    if (key.len < 5 || !tx_bytes_equal(tx_bytes(key.data + 1, 4), tx_bytes_str("bank")))
        return TX_OK;
    for (size_t i = 0; i < value.len && i + 1 < sizeof text; i++)
        text[i] = (char)value.data[i];
    *(int64_t *)arg += strtoll(text, NULL, 10);
    return TX_OK;
}

static void check_money(struct sim *sim)
{
    int64_t sum = 0;

    for (unsigned i = 0; i < sim->options.participants; i++) {
        struct sim_disk *disk = sim->nodes[sim_participant_node(sim, i)].disk;
        enum tx_error error = txlog_data_each(sim_disk_log(disk), add_balance, &sum, NULL);

        TX_ASSERT(error == TX_OK);
    }
    if (sum != 0)
        sim_fail(sim, "the balances add up to %" PRId64, sum);
}

/* ---- nothing is left behind ---- */

static void check_participant(struct sim *sim, const struct sim_node *node)
{
    struct part_stats stats;

    part_core_stats(sim_participant_core(node), sim->now, &stats);
    if (stats.working + stats.preparing + stats.prepared > 0)
        sim_fail(sim, "%s: %zu working, %zu preparing, %zu in doubt at the end", node->name.s,
                 stats.working, stats.preparing, stats.prepared);
    if (stats.locks_held + stats.locks_waiting > 0)
        sim_fail(sim, "%s: %zu locks held, %zu awaited at the end", node->name.s, stats.locks_held,
                 stats.locks_waiting);
    if (stats.violations > 0)
        sim_fail(sim, "%s: %" PRIu64 " violations", node->name.s, stats.violations);
    if (!part_core_idle(sim_participant_core(node)))
        sim_fail(sim, "%s is not idle", node->name.s);
}

static void check_coordinator(struct sim *sim, const struct sim_node *node)
{
    struct coord_stats stats;

    coord_core_stats(sim_coordinator_core(node), &stats);
    if (stats.active + stats.collecting + stats.deciding + stats.committed > 0)
        sim_fail(sim, "%s: %zu active, %zu collecting, %zu deciding, %zu committed at the end",
                 node->name.s, stats.active, stats.collecting, stats.deciding, stats.committed);
    if (stats.peers_up != sim->options.participants || stats.fenced)
        sim_fail(sim, "%s: %zu peers up%s", node->name.s, stats.peers_up,
                 stats.fenced ? ", fenced" : "");
    if (stats.violations > 0)
        sim_fail(sim, "%s: %" PRIu64 " violations", node->name.s, stats.violations);
}

static bool node_at_rest(const struct sim *sim, const struct sim_node *node)
{
    struct part_stats part = {0};
    struct coord_stats coord = {0};

    if (node->role == SIM_CLIENT)
        return sim_client_done(node);
    if (!node->up || node->draining || node->disk_low || node->paused_until > sim->now)
        return false;
    if (node->role == SIM_PARTICIPANT) {
        part_core_stats(sim_participant_core(node), sim->now, &part);
        return part_core_idle(sim_participant_core(node)) &&
               part.locks_held + part.locks_waiting == 0;
    }
    coord_core_stats(sim_coordinator_core(node), &coord);
    return coord_core_idle(sim_coordinator_core(node)) && coord.active + coord.committed == 0 &&
           coord.peers_up == sim->options.participants;
}

bool sim_at_rest(const struct sim *sim)
{
    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (!node_at_rest(sim, &sim->nodes[i]))
            return false;
    }
    return true;
}

void sim_check(struct sim *sim)
{
    struct fates fates = {.sim = sim};

    read_logs(&fates);
    for (size_t i = 0; i < fates.n; i++)
        check_fate(sim, &fates.items[i]);
    for (size_t i = 0; i < sim->told_n; i++)
        check_told(sim, &fates, &sim->told[i]);
    check_money(sim);
    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (sim->nodes[i].role == SIM_PARTICIPANT)
            check_participant(sim, &sim->nodes[i]);
        if (sim->nodes[i].role == SIM_COORDINATOR)
            check_coordinator(sim, &sim->nodes[i]);
    }
    free(fates.items);
    free(fates.table);
}
