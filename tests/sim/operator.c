#include "operator.h"

#include "echo.h"
#include "inside.h"
#include "network.h"
#include "rule.h"
#include "sim_client.h"
#include "sim_participant.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ECHOES_US UINT64_C(20000) /* after a decision */

/* ---- deciding ---- */

struct choice {
    struct sim *sim;
    struct tx_id id;
    uint64_t n;
};

static void choose(void *arg, struct tx_id id, struct tx_lsn prepared)
{
    struct choice *choice = arg;

    (void)prepared;
    choice->n++;
    if (sim_random_between(&choice->sim->random, 1, choice->n) == 1)
        choice->id = id;
}

struct finding {
    struct tx_id id;
    bool found;
};

static void find(void *arg, const struct txlog_record *record)
{
    struct finding *finding = arg;

    finding->found = finding->found || tx_id_equal(txlog_record_tx(record), finding->id);
}

static bool on_disk(const struct sim *sim, size_t node, enum txlog_type type, struct tx_id id)
{
    struct finding finding = {.id = id};

    sim_disk_each(sim->nodes[node].disk, 1u << type, find, &finding);
    return finding.found;
}

static bool decided_to_commit(const struct sim *sim, struct tx_id id)
{
    if (rule_applies(sim, id))
        return rule_committed(sim, id);
    return on_disk(sim, id.coordinator - 1, TXLOG_COMMIT, id);
}

/* Of the wrong one: what a client is at, or was told once. */
static struct tx_id any_tx(struct sim *sim)
{
    size_t first = sim_participant_node(sim, sim->options.participants);
    size_t client = (size_t)sim_random_between(&sim->random, first, sim->nodes_n - 1);

    if (sim->told_n > 0 && sim_random_percent(&sim->random, 40))
        return sim->told[sim_random_between(&sim->random, 0, sim->told_n - 1)].id;
    return sim_client_tx(&sim->nodes[client]);
}

void sim_operator_resolve(struct sim *sim, size_t node)
{
    size_t console = sim_participant_node(sim, sim->options.participants); /* the first client */
    struct choice choice = {.sim = sim};
    struct tx_msg msg = {.type = TX_MSG_RESOLVE};
    bool right = sim_random_percent(&sim->random, 60);
    struct tx_id found_out;
    char id[TX_ID_TEXT];

    if (sim->nodes[node].participant == NULL || sim->resolved_n == SIM_RESOLVED_MAX)
        return;
    part_core_each_prepared(sim_participant_core(&sim->nodes[node]), choose, &choice);
    if (choice.n == 0)
        choice.id = any_tx(sim);
    found_out = inside_part_found_out(sim_participant_core(&sim->nodes[node]));
    if (tx_id_valid(found_out) && sim_random_percent(&sim->modes, 20))
        choice.id = found_out; /* he is late: it has just been settled */
    if (!tx_id_valid(choice.id))
        return;
    sim->resolved[sim->resolved_n++] = choice.id;
    msg.resolve.id = choice.id;
    msg.resolve.commit = decided_to_commit(sim, choice.id) == right;
    strcpy(msg.resolve.operator_name.s, "operator");
    SIM_TRACE(sim, "an operator decides at %s: %s of %s", sim->nodes[node].name.s,
              msg.resolve.commit ? "commit" : "abort", tx_id_print(choice.id, id));
    sim_network_send(sim, console, node, &msg);
    sim_network_flush(sim, console);
    sim_echo(sim, node, ECHOES_US);
}

bool sim_operator_decided(const struct sim *sim, struct tx_id id)
{
    for (size_t i = 0; i < sim->resolved_n; i++) {
        if (tx_id_equal(sim->resolved[i], id))
            return true;
    }
    return false;
}

struct search {
    const struct sim *sim;
    struct tx_bytes key;
    struct tx_id id; /* of the HEURISTIC record at hand */
    size_t node;
    bool found;
};

static void look_at_redo(void *arg, const struct txlog_record *record)
{
    struct search *search = arg;
    struct tx_bytes redo = record->prepared.redo;
    if (tx_id_equal(record->prepared.id, search->id) && redo.len > 0 &&
        memmem(redo.data, redo.len, search->key.data, search->key.len) != NULL)
        search->found = true;
}

static void look_at_decision(void *arg, const struct txlog_record *record)
{
    struct search *search = arg;
    if (!record->heuristic.commit)
        return;
    search->id = record->heuristic.id;
    sim_disk_each(search->sim->nodes[search->node].disk, 1u << TXLOG_PREPARED, look_at_redo,
                  search);
}

bool sim_operator_committed_key(const struct sim *sim, struct tx_bytes key)
{
    struct search search = {.sim = sim, .key = key};
    TX_ASSERT(key.len > 0);
    for (size_t i = 0; i < sim->nodes_n && !search.found; i++) {
        search.node = i;
        if (sim->nodes[i].role == SIM_PARTICIPANT)
            sim_disk_each(sim->nodes[i].disk, 1u << TXLOG_HEURISTIC, look_at_decision, &search);
    }
    return search.found;
}

/* ---- the end ---- */

static void collect(void *arg, const struct txlog_record *record)
{
    struct sim *sim = arg;

    if (sim_operator_decided(sim, record->heuristic.id))
        return;
    TX_ASSERT(sim->resolved_n < SIM_RESOLVED_MAX);
    sim->resolved[sim->resolved_n++] = record->heuristic.id;
}

void sim_operator_collect(struct sim *sim)
{
    sim->resolved_n = 0;
    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (sim->nodes[i].role == SIM_PARTICIPANT)
            sim_disk_each(sim->nodes[i].disk, 1u << TXLOG_HEURISTIC, collect, sim);
    }
}

struct judging {
    struct sim *sim;
    size_t node;
    const struct txlog_record *heuristic; /* whose end is looked for */
    bool ended, damage;
    struct tx_id judged[SIM_RESOLVED_MAX]; /* at this node: snapshots restate a decision */
    size_t judged_n;
};

static bool judged_before(struct judging *judging, struct tx_id id)
{
    for (size_t i = 0; i < judging->judged_n; i++) {
        if (tx_id_equal(judging->judged[i], id))
            return true;
    }
    TX_ASSERT(judging->judged_n < SIM_RESOLVED_MAX);
    judging->judged[judging->judged_n++] = id;
    return false;
}

static void find_end(void *arg, const struct txlog_record *record)
{
    struct judging *judging = arg;

    if (!tx_id_equal(record->heuristic_end.id, judging->heuristic->heuristic.id))
        return;
    judging->ended = true;
    judging->damage = record->heuristic_end.damage;
}

/* What the decision has changed here that it should not have. */
static int64_t money_moved(const struct sim *sim, size_t node, struct tx_id id, bool *known)
{
    const struct history *history = &sim->history;
    int64_t sum = 0;

    *known = false;
    for (size_t i = 0; i < history->txs_n; i++) {
        const struct history_tx *tx = &history->txs[i];

        if (!tx_id_equal(tx->id, id) || *known) /* a key may have been sent twice */
            continue;
        *known = true;
        for (uint32_t j = 0; j < tx->ops_n; j++) {
            uint32_t at = history_participant(history, tx->ops[j].key);

            if (tx->ops[j].type == HISTORY_ADD &&
                strcmp(history_text(history, at), sim->nodes[node].name.s) == 0)
                sum += tx->ops[j].number;
        }
    }
    return sum;
}

static void judge(void *arg, const struct txlog_record *record)
{
    struct judging *judging = arg;
    struct sim *sim = judging->sim;
    struct tx_id tx = record->heuristic.id;
    bool commit = record->heuristic.commit, wrong = commit != decided_to_commit(sim, tx), known;
    int64_t moved = money_moved(sim, judging->node, tx, &known);
    char id[TX_ID_TEXT];

    if (judged_before(judging, tx))
        return;
    tx_id_print(tx, id);
    TX_ASSERT(sim_operator_decided(sim, tx));
    judging->heuristic = record;
    judging->ended = judging->damage = false;
    sim_disk_each(sim->nodes[judging->node].disk, 1u << TXLOG_HEURISTIC_END, find_end, judging);
    if (!judging->ended)
        sim_fail(sim, "an operator decided %s at %s, and the real decision never came there", id,
                 sim->nodes[judging->node].name.s);
    else if (judging->damage != wrong)
        sim_fail(sim, "an operator was %s about %s at %s, and that was not told",
                 wrong ? "wrong" : "right", id, sim->nodes[judging->node].name.s);
    if (!wrong)
        return;
    if (!on_disk(sim, judging->node, TXLOG_ALARM, tx))
        sim_fail(sim, "an operator was wrong about %s at %s, and no alarm is kept", id,
                 sim->nodes[judging->node].name.s);
    sim->history.bank_checked = sim->history.bank_checked && known;
    sim->history.bank_total += commit ? moved : -moved;
}

/* ---- what it excuses ---- */

struct touched {
    bool *keys; /* by number: used by a transaction that was decided by hand */
    bool all;   /* nobody knows what one of them used */
};

/* The keys of one that was decided so; false: the history does not know it. */
static bool touch(const struct history *history, struct tx_id id, struct touched *touched)
{
    bool found = false;

    for (size_t i = 0; i < history->txs_n; i++) {
        const struct history_tx *tx = &history->txs[i];

        if (!tx_id_equal(tx->id, id))
            continue;
        found = true;
        for (uint32_t j = 0; j < tx->ops_n; j++)
            touched->keys[tx->ops[j].key] = true;
    }
    return found;
}

static void forget_reads(struct history_tx *tx, const struct touched *touched)
{
    struct history_op *ops = (struct history_op *)(uintptr_t)tx->ops;

    for (uint32_t i = 0; i < tx->ops_n; i++) {
        if (!touched->all && !touched->keys[ops[i].key])
            continue;
        ops[i].known = false;
        tx->reads_all = false;
    }
}

/* Before the first decision all accounts together were nothing; what a wrong one has moved shows in
 * what was read after it alone, and the history knows one total only. */
static void judge_total(struct sim *sim, struct history_tx *tx)
{
    bool before = tx->completed_ns < sim->decided_at * 1000;
    bool complete = tx->reads_all && tx->outcome == TX_OUTCOME_COMMITTED;
    int64_t sum = 0;
    char id[TX_ID_TEXT];

    for (uint32_t i = 0; i < tx->ops_n; i++) {
        complete = complete && tx->ops[i].known;
        sum += tx->ops[i].number;
    }
    if (before && complete && sum != 0)
        sim_fail(sim, "read-total: %s read every account, %" PRId64 " together instead of 0",
                 tx_id_print(tx->id, id), sum);
    tx->reads_all = tx->reads_all && sim->history.bank_total == 0;
}

/* Even a right decision lets go of locks before every other member is prepared, so that readers may
 * see half of it; and a wrong one stays. So what was read of its keys, from the first decision on,
 * proves nothing. All others have held their locks to the end: no circle is without that one. */
static void forget_tainted(struct sim *sim)
{
    struct history *history = &sim->history;
    struct touched touched = {.keys = tx_xcalloc(history_texts(history), sizeof *touched.keys)};

    for (size_t i = 0; i < sim->resolved_n; i++)
        touched.all = !touch(history, sim->resolved[i], &touched) || touched.all;
    for (size_t i = 0; i < history->txs_n; i++) {
        judge_total(sim, &history->txs[i]);
        if (history->txs[i].completed_ns >= sim->decided_at * 1000)
            forget_reads(&history->txs[i], &touched);
    }
    free(touched.keys);
}

static void excuse(struct sim *sim)
{
    struct history *history = &sim->history;

    for (size_t i = 0; i < history->txs_n; i++) {
        struct history_tx *tx = &history->txs[i];

        if (!sim_operator_decided(sim, tx->id))
            continue;
        tx->outcome = TX_OUTCOME_UNKNOWN;
        tx->completed_ns = HISTORY_NEVER;
        tx->may_stay_unknown = true;
    }
    for (size_t i = 0; i < history->told_n; i++) {
        if (sim_operator_decided(sim, history->told[i].id))
            history->told[i].outcome = TX_OUTCOME_UNKNOWN;
    }
}

void sim_operator_end(struct sim *sim)
{
    struct judging judging = {.sim = sim};

    if (sim->resolved_n == 0)
        return;
    for (size_t i = 0; i < sim->nodes_n; i++) {
        judging.node = i;
        judging.judged_n = 0;
        if (sim->nodes[i].role == SIM_PARTICIPANT)
            sim_disk_each(sim->nodes[i].disk, 1u << TXLOG_HEURISTIC, judge, &judging);
    }
    excuse(sim);
    forget_tainted(sim);
}

void sim_operator_watch(struct sim *sim)
{
    size_t console = sim_participant_node(sim, sim->options.participants);
    uint64_t daemons = sim->options.coordinators + sim->options.participants;
    struct tx_msg msg = {.type = TX_MSG_STATUS_REQUEST,
                         .status_request = {.req = ++sim->status_requests}};

    size_t to = (size_t)(sim->status_requests % daemons);
    if (sim->status_requests / daemons % 2 == 1 && sim->nodes[to].role == SIM_PARTICIPANT)
        msg = (struct tx_msg){.type = TX_MSG_LOCKS_REQUEST,
                              .locks_request = {.req = sim->status_requests}};
    else if (sim->status_requests / daemons % 4 == 2)
        msg = (struct tx_msg){.type = TX_MSG_TXS_REQUEST,
                              .txs_request = {.req = sim->status_requests,
                                              .in_doubt = sim->status_requests % 3 == 0}};
    else if (sim->status_requests / daemons % 8 == 4)
        msg = (struct tx_msg){.type = TX_MSG_ALARMS_REQUEST,
                              .alarms_request = {.req = sim->status_requests}};
    sim_network_send(sim, console, to, &msg);
    sim_network_flush(sim, console);
}
