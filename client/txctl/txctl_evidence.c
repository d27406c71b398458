#include "client/txctl/txctl_evidence.h"

#include "client/txctl/lock_text.h"
#include "client/txctl/tx_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The first proof stays, unless another one contradicts it. */
__attribute__((format(printf, 3, 4))) static void
prove(struct evidence *evidence, enum evidence_outcome outcome, const char *format, ...)
{
    const enum evidence_outcome was = evidence->outcome;
    const bool proven = was == EVIDENCE_COMMITTED || was == EVIDENCE_ABORTED;
    char reason[sizeof evidence->reason];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    if (proven && outcome != EVIDENCE_OPEN && outcome != was && evidence->against[0] == '\0') {
        memcpy(evidence->against, reason, sizeof evidence->against);
    }
    if (!proven) {
        evidence->outcome = outcome;
        memcpy(evidence->reason, reason, sizeof evidence->reason);
    }
}

static bool is_state(const txclient_tx_row *row, const char *state)
{
    return strcmp(row->state, state) == 0;
}

/* ---- what each says ---- */

/* An old copy of a directory: its word proves nothing. */
static bool is_believed(const struct txctl_nodes *nodes, const struct txctl_node *node)
{
    const char *state = txclient_node_get(node->status, "state");
    if (node->coordinator) {
        return state == NULL || strcmp(state, "fenced") != 0;
    }
    for (size_t i = 0; i < nodes->n; i++) {
        const txclient_node_peer *peer;
        const txclient_node *other = nodes->items[i].coordinator ? nodes->items[i].status : NULL;
        for (size_t j = 0; other != NULL && (peer = txclient_node_peer_at(other, j)) != NULL; j++) {
            if (strcmp(peer->name, node->name) == 0 && strcmp(peer->state, "quarantined") == 0) {
                return false;
            }
        }
    }
    return true;
}

static void judge_coordinator(const struct txctl_node *node, const txclient_tx_row *row,
                              struct evidence *evidence)
{
    if (is_state(row, "committed") || is_state(row, "finished-committed")) {
        prove(evidence, EVIDENCE_COMMITTED, "%s has decided to commit it", node->name);
    } else if (is_state(row, "finished-aborted")) {
        prove(evidence, EVIDENCE_ABORTED, "%s has aborted it", node->name);
    } else if (is_state(row, "deciding")) {
        prove(evidence, EVIDENCE_OPEN,
              "%s is about to commit it: its COMMIT record is being made durable", node->name);
    } else if (!is_state(row, "resolving")) {
        prove(evidence, EVIDENCE_OPEN, "%s has not decided yet: it %s", node->name, row->detail);
    }
}

/* Is a participant one of the members that somebody in doubt names, and no reader? */
static bool is_voter(const struct txctl_nodes *nodes, const char *tx, const char *name)
{
    for (size_t i = 0; i < nodes->n; i++) {
        const txclient_tx_row *row = txctl_node_row(&nodes->items[i], tx);
        for (size_t j = 0; row != NULL && j < row->members_n; j++) {
            if (strcmp(row->members[j].name, name) == 0) {
                return !row->members[j].read_only;
            }
        }
    }
    return false;
}

static void judge_participant(const struct txctl_nodes *nodes, const struct txctl_node *node,
                              const txclient_tx_row *row, struct evidence *evidence)
{
    if (row->decided) {
        (void)snprintf(evidence->other, sizeof evidence->other, "%.60s", node->name);
        evidence->other_commit = row->commit;
        if (row->end != TXCLIENT_HEURISTIC_OPEN) {
            bool commit = row->commit == (row->end == TXCLIENT_HEURISTIC_OK);
            prove(evidence, commit ? EVIDENCE_COMMITTED : EVIDENCE_ABORTED,
                  "participant %s has heard the decision: %s", node->name,
                  commit ? "commit" : "abort");
        }
    } else if (is_state(row, "committed")) {
        prove(evidence, EVIDENCE_COMMITTED, "participant %s has committed it", node->name);
    } else if (is_state(row, "aborted")) {
        prove(evidence, EVIDENCE_ABORTED, "participant %s has aborted it, for good", node->name);
    } else if (is_state(row, "refused") && is_voter(nodes, row->tx, node->name)) {
        prove(evidence, EVIDENCE_ABORTED, "participant %s, a member, has refused it for good",
              node->name);
    }
}

/* ---- where the members decide ---- */

static bool is_prepared_at(const struct txctl_nodes *nodes, const char *tx, const char *name)
{
    const struct txctl_node *node = txctl_nodes_named(nodes, name);
    const txclient_tx_row *row = node != NULL ? txctl_node_row(node, tx) : NULL;
    return row != NULL && (is_state(row, "prepared") || row->decided);
}

/* All prepared is the commit, whatever anybody does about it. */
static void judge_members(const struct txctl_nodes *nodes, const txclient_tx_row *row,
                          struct evidence *evidence)
{
    bool all = row->members_n > 0 && strcmp(row->mode, "members") == 0;
    for (size_t i = 0; i < row->members_n && all; i++) {
        const txclient_tx_member *member = &row->members[i];
        bool yes = strcmp(member->said, "yes") == 0;
        all = yes || is_prepared_at(nodes, row->tx, member->name);
    }
    if (all && row->in_doubt) {
        prove(evidence, EVIDENCE_COMMITTED,
              "its members decide, and all of them are prepared: that is the commit");
    }
}

static void note_members(const txclient_tx_row *row, struct evidence *evidence)
{
    size_t used = 0;
    if (evidence->members[0] != '\0' || row->members_n == 0) {
        return;
    }
    for (size_t i = 0; i < row->members_n && used < sizeof evidence->members; i++) {
        int n = snprintf(evidence->members + used, sizeof evidence->members - used, "%s%s",
                         i > 0 ? "," : "", row->members[i].name);
        used += n > 0 ? (size_t)n : 0;
    }
}

/* Its coordinator knows more than its table says: that a record is missing proves something. */
static void ask_coordinator(txclient *client, const struct txctl_nodes *nodes, const char *tx,
                            struct evidence *evidence)
{
    char reference[700];
    unsigned long id = strtoul(tx, NULL, 10);
    for (size_t i = 0; i < nodes->n; i++) {
        const struct txctl_node *node = &nodes->items[i];
        bool ours = strcmp(node->address, txclient_coordinator_address(client)) == 0;
        if (!ours || node->status == NULL || node->id != id) {
            continue;
        }
        (void)snprintf(reference, sizeof reference, "%s%s%s", tx,
                       evidence->members[0] != '\0' ? "@" : "", evidence->members);
        txclient_status status = txclient_outcome(client, reference, 0);
        const char *text = txclient_detail(client)->text;
        if (status == TXCLIENT_OK) {
            prove(evidence, EVIDENCE_COMMITTED, "%s says that it is committed%s%.300s", node->name,
                  text[0] != '\0' ? ": " : "", text);
        } else if (status == TXCLIENT_ABORTED) {
            prove(evidence, EVIDENCE_ABORTED, "%s says that it is aborted%s%.300s", node->name,
                  text[0] != '\0' ? ": " : "", text);
        }
    }
}

void evidence_judge(txclient *client, const struct txctl_nodes *nodes, const char *tx,
                    struct evidence *evidence)
{
    *evidence = (struct evidence){.outcome = EVIDENCE_UNKNOWN};
    for (size_t i = 0; i < nodes->n; i++) {
        const struct txctl_node *node = &nodes->items[i];
        const txclient_tx_row *row = txctl_node_row(node, tx);
        if (row == NULL || !is_believed(nodes, node)) {
            continue;
        }
        note_members(row, evidence);
        if (node->coordinator) {
            judge_coordinator(node, row, evidence);
        } else {
            judge_participant(nodes, node, row, evidence);
            judge_members(nodes, row, evidence);
        }
    }
    if (client != NULL && evidence->outcome == EVIDENCE_UNKNOWN) {
        ask_coordinator(client, nodes, tx, evidence);
    }
    if (evidence->against[0] != '\0') {
        char reason[sizeof evidence->reason];
        (void)snprintf(reason, sizeof reason,
                       "the daemons contradict each other: %.170s, but %.170s", evidence->reason,
                       evidence->against);
        memcpy(evidence->reason, reason, sizeof reason);
        evidence->outcome = EVIDENCE_UNKNOWN;
        return;
    }
    if (evidence->outcome == EVIDENCE_UNKNOWN) {
        (void)snprintf(evidence->reason, sizeof evidence->reason,
                       "nobody who answers knows the decision%s",
                       nodes->silent_n > 0 ? "; one who does not answer may" : "");
    }
}

const char *evidence_outcome_name(enum evidence_outcome outcome)
{
    static const char *const names[] = {[EVIDENCE_UNKNOWN] = "unknown",
                                        [EVIDENCE_OPEN] = "open",
                                        [EVIDENCE_COMMITTED] = "committed",
                                        [EVIDENCE_ABORTED] = "aborted"};
    return names[outcome];
}

/* ---- showing it ---- */

void evidence_print(const struct txctl_nodes *nodes, const char *tx, FILE *out)
{
    for (size_t i = 0; i < nodes->n; i++) {
        const struct txctl_node *node = &nodes->items[i];
        const txclient_tx_row *row = txctl_node_row(node, tx);
        char text[TX_ROW_TEXT];
        if (node->status == NULL) {
            txctl_line(out, 2, "%s: does not answer: %s", node->name, node->problem);
        } else if (row == NULL) {
            txctl_line(out, 2, "%s: knows nothing of it", node->name);
        } else {
            txctl_line(out, 2, "%s: %s", node->name, tx_row_text(row, text));
        }
    }
}

void evidence_json(const struct txctl_nodes *nodes, const char *tx, struct json *json)
{
    json_member_array_begin(json, "known");
    for (size_t i = 0; i < nodes->n; i++) {
        const txclient_tx_row *row = txctl_node_row(&nodes->items[i], tx);
        if (row != NULL) {
            tx_row_json(json, row, nodes->items[i].name);
        }
    }
    json_array_end(json);
}
