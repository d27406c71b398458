#include "rule.h"

#include "liar.h"
#include "operator.h"

#include <inttypes.h>
#include <stdlib.h>

#define TABLE_FIRST 1024u

/* A transaction that somebody has prepared, and that its members decide. */
struct sim_ruled {
    struct tx_id id;
    unsigned members;                    /* a bit for each participant on its list */
    unsigned ever;                       /* whose PREPARED is, or was, durable */
    uint64_t lsns[SIM_PARTICIPANTS_MAX]; /* of one appended since its start; 0: none */
};

/* ---- the table ---- */

static struct sim_ruled *slot(const struct sim *sim, struct tx_id id)
{
    uint64_t at = (id.seq * 31 + id.epoch) * 31 + id.coordinator;

    for (;; at++) {
        struct sim_ruled *ruled = &sim->ruled[at & (sim->ruled_capacity - 1)];

        if (!tx_id_valid(ruled->id) || tx_id_equal(ruled->id, id))
            return ruled;
    }
}

static void grow(struct sim *sim)
{
    struct sim_ruled *old = sim->ruled;
    size_t n = sim->ruled_capacity;

    sim->ruled_capacity = n == 0 ? TABLE_FIRST : n * 2;
    sim->ruled = tx_xcalloc(sim->ruled_capacity, sizeof *sim->ruled);
    for (size_t i = 0; i < n; i++) {
        if (tx_id_valid(old[i].id))
            *slot(sim, old[i].id) = old[i];
    }
    free(old);
}

static struct sim_ruled *find(const struct sim *sim, struct tx_id id)
{
    struct sim_ruled *ruled = sim->ruled_n > 0 ? slot(sim, id) : NULL;

    return ruled != NULL && tx_id_valid(ruled->id) ? ruled : NULL;
}

static struct sim_ruled *add(struct sim *sim, struct tx_id id)
{
    struct sim_ruled *ruled;

    if (sim->ruled_n * 2 >= sim->ruled_capacity)
        grow(sim);
    ruled = slot(sim, id);
    sim->ruled_n += !tx_id_valid(ruled->id);
    ruled->id = id;
    return ruled;
}

void rule_deinit(struct sim *sim)
{
    free(sim->ruled);
}

/* ---- who is prepared ---- */

static size_t number_of(const struct sim *sim, const struct tx_name *name)
{
    for (size_t i = 0; i < sim->options.participants; i++) {
        if (tx_name_equal(&sim->nodes[sim_participant_node(sim, i)].name, name))
            return i;
    }
    return SIM_PARTICIPANTS_MAX; /* of a liar */
}

static void note_prepared(struct sim *sim, size_t node, const struct txlog_record *record)
{
    const struct txlog_prepared *prepared = &record->prepared;
    struct sim_ruled *ruled;

    if (!prepared->members_decide)
        return;
    ruled = add(sim, prepared->id);
    if (ruled->lsns[node - sim->options.coordinators] == 0) /* snapshots say it again */
        ruled->lsns[node - sim->options.coordinators] = record->lsn.n;
    for (size_t i = 0; i < prepared->members_n; i++)
        ruled->members |= 1u << number_of(sim, &prepared->members[i].name);
}

/* What has become durable by now stays true, whatever becomes of the disk. */
static void look(const struct sim *sim, struct sim_ruled *ruled, size_t participant)
{
    const struct sim_disk *disk = sim->nodes[sim_participant_node(sim, participant)].disk;

    if (ruled->lsns[participant] > 0 && ruled->lsns[participant] <= sim_disk_durable(disk).n)
        ruled->ever |= 1u << participant;
}

static bool all_prepared(const struct sim *sim, struct sim_ruled *ruled)
{
    for (size_t i = 0; i < sim->options.participants; i++)
        look(sim, ruled, i);
    return (ruled->members & ~ruled->ever) == 0;
}

bool rule_applies(const struct sim *sim, struct tx_id id)
{
    return find(sim, id) != NULL;
}

bool rule_committed(const struct sim *sim, struct tx_id id)
{
    struct sim_ruled *ruled = find(sim, id);

    return ruled != NULL && all_prepared(sim, ruled);
}

void rule_died(struct sim *sim, size_t node)
{
    size_t participant = node - sim->options.coordinators;

    if (sim->nodes[node].role != SIM_PARTICIPANT)
        return;
    for (size_t i = 0; i < sim->ruled_capacity; i++) {
        if (!tx_id_valid(sim->ruled[i].id))
            continue;
        look(sim, &sim->ruled[i], participant);
        sim->ruled[i].lsns[participant] = 0;
    }
}

/* ---- what is said ---- */

void rule_said(struct sim *sim, size_t node, struct tx_id id, bool commit)
{
    struct sim_ruled *ruled = find(sim, id);
    char text[TX_ID_TEXT];

    if (ruled == NULL || sim_lies_within(sim) || sim_operator_decided(sim, id) ||
        sim->old_copy_runs || all_prepared(sim, ruled) == commit)
        return;
    if (sim->nodes[node].kept != NULL)
        return; /* an old copy knows no better, and nobody listens to it */
    sim_fail(sim, "rule: %s says that %s is %s, and its members %s", sim->nodes[node].name.s,
             tx_id_print(id, text), commit ? "committed" : "aborted",
             commit ? "are not all prepared" : "were all prepared before");
}

void rule_appended(struct sim *sim, size_t node, const struct txlog_record *record)
{
    if (record->type == TXLOG_PREPARED)
        note_prepared(sim, node, record);
    else if (record->type == TXLOG_COMMITTED && !record->committed.one_phase)
        rule_said(sim, node, record->committed.id, true);
    else if (record->type == TXLOG_ABORTED)
        rule_said(sim, node, record->id.id, false);
}
