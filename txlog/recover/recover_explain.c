/* txrecover explain: the story of one transaction over several nodes, and a verdict. */
#include "txlog/recover/recover_explain.h"

#include "common/assert.h"
#include "txlog/recover/recover_json.h"
#include "txlog/recover/recover_order.h"
#include "txlog/recover/recover_text.h"
#include "txlog/recover/recover_verdict.h"
#include "txlog/recover/txrecover.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define GAPS_MAX 160

struct explaining {
    const struct txrecover_options *options;
    struct recover_node *nodes;
    size_t nodes_n, read; /* `read`: have been opened, and must be closed */
    struct recover_event *events;
    size_t events_n;
    struct tx_member members[TX_MEMBERS_MAX];
    size_t members_n;
    bool prepared_list, members_decide, one_phase, mode_known;
    struct recover_skew skew;
    char *gaps[GAPS_MAX];
    size_t gaps_n;
    struct case_node *case_nodes;
    struct recover_case c;
    struct case_judgement judgement;
};

/* ---- reading ---- */

static void take_members(struct explaining *e, const struct tx_member *members, size_t n)
{
    TX_ASSERT(n <= TX_MEMBERS_MAX);
    memcpy(e->members, members, n * sizeof(*members));
    e->members_n = n;
}

/* One phase has no list. */
static void take_only_member(struct explaining *e, const struct tx_name *name, uint64_t incarnation)
{
    e->members[0] = (struct tx_member){.name = *name, .incarnation = incarnation};
    e->members_n = 1;
}

static void learn(struct explaining *e, const struct recover_node *node,
                  const struct txlog_record *record)
{
    if (record->type == TXLOG_PREPARED) {
        take_members(e, record->prepared.members, record->prepared.members_n);
        e->prepared_list = true;
        e->members_decide = record->prepared.members_decide;
        e->mode_known = true;
    }
    if (record->type == TXLOG_COMMITTED && record->committed.one_phase)
        take_only_member(e, &node->identity.name, record->start);
    if (record->type == TXLOG_COMMITTED) {
        e->members_decide = e->members_decide || record->committed.members_decide;
        e->one_phase = record->committed.one_phase;
        e->mode_known = true;
    }
    if (record->type == TXLOG_OUTCOME) {
        take_only_member(e, &record->outcome.peer.name, record->outcome.peer.known.start);
        e->one_phase = true;
        e->mode_known = true;
    }
    if (record->type == TXLOG_COMMIT && !e->prepared_list)
        take_members(e, record->commit.members, record->commit.members_n);
}

static char *fields_of(const struct txlog_record *record, bool restated)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        tx_memory_failed(__func__);
    recover_text_fields(out, record);
    if (restated)
        (void)fputs(" (restated by a snapshot)", out);
    (void)fclose(out);
    return text;
}

static char *json_of(const struct txlog_record *record)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct json json;
    if (out == NULL)
        tx_memory_failed(__func__);
    json_init(&json, out);
    recover_json_record(&json, record);
    (void)fclose(out);
    return text;
}

/* A snapshot repeats what stands there already; it is asked only for what has lost its own
 * record. */
static bool is_repeated(const struct explaining *e, size_t node, enum txlog_type type)
{
    for (size_t i = 0; i < e->events_n; i++) {
        if (e->events[i].node == node && e->events[i].type == type)
            return true;
    }
    return false;
}

static bool concerns(const struct explaining *e, const struct recover_node *node,
                     const struct txlog_record *record)
{
    if (tx_id_equal(txlog_record_tx(record), e->options->tx))
        return true;
    const struct story_tx *tx = story_find(node->story, e->options->tx);
    return record->type == TXLOG_FORGET && tx != NULL && tx->forgotten.n == record->lsn.n;
}

static enum tx_error take(void *arg, const struct recover_node *node,
                          const struct txlog_record *record, const struct story_step *step)
{
    struct explaining *e = arg;
    size_t at = (size_t)(node - e->nodes);
    if (!concerns(e, node, record) || (step->restated && is_repeated(e, at, record->type)))
        return TX_OK;
    learn(e, node, record);
    e->events = tx_xrealloc(e->events, (e->events_n + 1) * sizeof(*e->events));
    e->events[e->events_n++] = (struct recover_event){
        .node = at,
        .type = record->type,
        .lsn = record->lsn,
        .time_ms = record->time_ms,
        .one_phase = record->type == TXLOG_COMMITTED && record->committed.one_phase,
        .text = fields_of(record, step->restated),
        .json = json_of(record)};
    return TX_OK;
}

static int read_nodes(struct explaining *e)
{
    const struct recover_visitor visitor = {take, e};
    int status = 0;
    e->nodes_n = e->options->directories_n;
    e->nodes = tx_xcalloc(e->nodes_n, sizeof(*e->nodes));
    for (size_t i = 0; status == 0 && i < e->nodes_n; i++) {
        e->read++;
        status = recover_node_read(&e->nodes[i], e->options->directories[i], stderr, &visitor);
    }
    return status == 0 ? recover_nodes_check(e->nodes, e->nodes_n) : status;
}

/* ---- what is not there ---- */

static void gap(struct explaining *e, const char *format, ...) TX_PRINTF(2, 3);

static void gap(struct explaining *e, const char *format, ...)
{
    va_list args;
    if (e->gaps_n == GAPS_MAX)
        return;
    va_start(args, format);
    if (vasprintf(&e->gaps[e->gaps_n], format, args) < 0)
        tx_memory_failed(__func__);
    va_end(args);
    e->gaps_n++;
}

void recover_denial_text(const struct recover_node *nodes, size_t n,
                         const struct recover_node *node, char *out, size_t size)
{
    const struct recover_node *by = NULL;
    const struct recover_mark_of *mark = recover_node_denied(nodes, n, node, &by);
    out[0] = '\0';
    if (mark == NULL)
        return;
    const struct tx_position *known = &mark->position;
    if (known->lsn.n > node->last.n)
        (void)snprintf(out, size,
                       "%s's log ends at LSN %" PRIu64 ", and %s had known it up to LSN %" PRIu64
                       " in start %" PRIu64 " (%s, LSN %" PRIu64 "): %" PRIu64 " %s lost",
                       node->name, node->last.n, by->name, known->lsn.n, known->start,
                       txlog_type_name(mark->said_by), mark->said_at.n, known->lsn.n - node->last.n,
                       known->lsn.n - node->last.n == 1 ? "record is" : "records are");
    else
        (void)snprintf(out, size,
                       "%s's log goes on from an older image of it: %s had known it at LSN %" PRIu64
                       " in start %" PRIu64 " (%s, LSN %" PRIu64 "), where this log has never been",
                       node->name, by->name, known->lsn.n, known->start,
                       txlog_type_name(mark->said_by), mark->said_at.n);
}

/* Could this node have had a record of it? */
static bool may_take_part(const struct explaining *e, const struct recover_node *node)
{
    struct recover_whom whom = recover_whom_of(&node->identity);
    bool listed = e->members_n == 0;
    if (whom.coordinator != 0)
        return whom.coordinator == e->options->tx.coordinator;
    for (size_t i = 0; i < e->members_n; i++)
        listed = listed || tx_name_equal(&e->members[i].name, &whom.name);
    return listed;
}

static void find_gaps_of(struct explaining *e, size_t i)
{
    const struct recover_node *node = &e->nodes[i];
    const struct story_tx *tx = story_find(node->story, e->options->tx);
    char text[500];
    recover_denial_text(e->nodes, e->nodes_n, node, text, sizeof(text));
    if (text[0] != '\0')
        gap(e, "%s", text);
    if (node->damages > 0 && node->damaged_at.n != 0)
        gap(e, "%s's log is damaged from LSN %" PRIu64 " on", node->name, node->damaged_at.n);
    else if (node->damages > 0)
        gap(e, "%s's log is damaged", node->name);
    if (node->first.n > 1 && (tx == NULL ? may_take_part(e, node) : tx->earlier))
        gap(e, "%s's log begins at LSN %" PRIu64 ", older records were removed%s", node->name,
            node->first.n, tx == NULL ? "" : "; a snapshot restates it");
    if (e->case_nodes[i].copy)
        gap(e, "%s is a checkpoint: its node may have gone on since LSN %" PRIu64, node->directory,
            node->last.n);
}

static void find_gaps(struct explaining *e)
{
    for (size_t i = 0; i < e->nodes_n; i++)
        find_gaps_of(e, i);
    if (recover_case_coordinator(&e->c) == CASE_ABSENT)
        gap(e, "the directory of its coordinator %" PRIu32 " is not given",
            e->options->tx.coordinator);
    for (size_t i = 0; i < e->members_n; i++) {
        if (recover_case_member(&e->c, &e->members[i].name) == CASE_ABSENT)
            gap(e, "the directory of member %s is not given%s", e->members[i].name.s,
                e->members[i].read_only ? "; it has only read" : "");
    }
    if (e->members_n == 0)
        gap(e, "no record names its members");
}

/* ---- judging ---- */

void recover_case_node(const struct recover_node *nodes, size_t n, size_t i, struct case_node *out)
{
    const struct recover_node *node = &nodes[i], *by;
    *out = (struct case_node){.name = node->name,
                              .whom = recover_whom_of(&node->identity),
                              .story = node->story,
                              .lineage = &node->lineage,
                              .first = node->first,
                              .start = node->start,
                              .damaged = node->damages > 0,
                              .loss = node->loss,
                              .older = recover_node_denied(nodes, n, node, &by) != NULL,
                              .copy = node->copy};
}

static void judge(struct explaining *e)
{
    e->case_nodes = tx_xcalloc(e->nodes_n, sizeof(*e->case_nodes));
    for (size_t i = 0; i < e->nodes_n; i++)
        recover_case_node(e->nodes, e->nodes_n, i, &e->case_nodes[i]);
    e->c = (struct recover_case){.id = e->options->tx,
                                 .nodes = e->case_nodes,
                                 .nodes_n = e->nodes_n,
                                 .members = e->members,
                                 .members_n = e->members_n,
                                 .prepared_list = e->prepared_list};
    recover_case_judge(&e->c, &e->judgement);
    for (size_t i = 0; i < e->events_n; i++)
        e->events[i].members_decide = e->members_decide;
    recover_order(e->events, e->events_n, &e->skew);
    find_gaps(e);
}

static const char *mode_name(const struct explaining *e)
{
    if (!e->mode_known)
        return "unknown";
    if (e->one_phase)
        return "one phase";
    return e->members_decide ? "members" : "coordinator";
}

static enum case_fact fact_of(const struct explaining *e, size_t i)
{
    const struct case_node *node = &e->case_nodes[i];
    if (node->whom.coordinator == 0)
        return recover_case_member(&e->c, &node->whom.name);
    if (node->whom.coordinator == e->options->tx.coordinator)
        return recover_case_coordinator(&e->c);
    return CASE_UNPROVEN;
}

/* ---- as text ---- */

static void print_head(const struct explaining *e)
{
    char id[TX_ID_TEXT];
    (void)printf("transaction   %s of cluster %s\n", tx_id_print(e->options->tx, id),
                 e->nodes[0].identity.cluster);
    (void)printf("mode          %s\n", !e->mode_known      ? "not known: no record says so"
                                       : e->one_phase      ? "one phase: its only member commits it"
                                       : e->members_decide ? "D: its members decide"
                                                           : "A: its coordinator decides");
    (void)printf("members       ");
    if (e->members_n > 0)
        recover_text_members(stdout, e->members, e->members_n, false);
    else
        (void)fputs("not known", stdout);
    (void)putchar('\n');
}

static void print_events(const struct explaining *e)
{
    char at[RECOVER_TIME_TEXT];
    (void)puts("story");
    for (size_t i = 0; i < e->events_n; i++) {
        const struct recover_event *event = &e->events[i];
        (void)printf("  %2zu  %s  %-14s LSN %-8" PRIu64 " %s  %s\n", i + 1,
                     recover_time(event->time_ms, at), e->nodes[event->node].name, event->lsn.n,
                     txlog_type_name(event->type), event->text);
    }
    if (e->events_n == 0)
        (void)puts("  no record speaks of it");
    if (e->skew.ms > 0)
        (void)printf("  the clocks differ: that of %s is at least %" PRIu64
                     " ms behind that of %s; the order is that of the causes\n",
                     e->nodes[e->skew.behind.node].name, e->skew.ms,
                     e->nodes[e->skew.ahead.node].name);
}

static void print_nodes(const struct explaining *e)
{
    struct recover_verdict verdict;
    (void)puts("nodes");
    for (size_t i = 0; i < e->nodes_n; i++) {
        recover_verdict(e->nodes[i].story, e->options->tx, e->nodes[i].first, &verdict);
        (void)printf("  %s\n", verdict.text);
    }
    if (e->gaps_n > 0)
        (void)puts("gaps");
    for (size_t i = 0; i < e->gaps_n; i++)
        (void)printf("  %s\n", e->gaps[i]);
}

static void print_text(const struct explaining *e)
{
    print_head(e);
    print_events(e);
    print_nodes(e);
    (void)printf("verdict       %s: %s\nrule          %s\n",
                 case_verdict_name(e->judgement.verdict), e->judgement.reason, e->judgement.rule);
}

/* ---- as JSON ---- */

static void json_nodes(struct json *json, const struct explaining *e)
{
    struct recover_verdict verdict;
    json_member_array_begin(json, "nodes");
    for (size_t i = 0; i < e->nodes_n; i++) {
        const struct recover_node *node = &e->nodes[i];
        json_object_begin(json);
        json_member(json, "node", node->name);
        json_member(json, "directory", node->directory);
        json_member_u64(json, "first_lsn", node->first.n);
        json_member_u64(json, "last_lsn", node->last.n);
        json_member_u64(json, "damages", node->damages);
        json_member(json, "fact", case_fact_name(fact_of(e, i)));
        recover_verdict(node->story, e->options->tx, node->first, &verdict);
        json_member(json, "says", verdict.text);
        json_object_end(json);
    }
    json_array_end(json);
}

static void json_events(struct json *json, const struct explaining *e)
{
    json_member_array_begin(json, "story");
    for (size_t i = 0; i < e->events_n; i++) {
        json_object_begin(json);
        json_member(json, "node", e->nodes[e->events[i].node].name);
        json_key(json, "record");
        (void)fputs(e->events[i].json, json->out); /* an object already */
        json->comma = true;
        json_object_end(json);
    }
    json_array_end(json);
}

static void print_json(const struct explaining *e)
{
    struct json json;
    json_init(&json, stdout);
    json_object_begin(&json);
    recover_json_id(&json, "tx", e->options->tx);
    json_member(&json, "cluster", e->nodes[0].identity.cluster);
    json_member(&json, "decided_by", mode_name(e));
    recover_json_members(&json, "members", e->members, e->members_n);
    json_events(&json, e);
    json_member_u64(&json, "clocks_differ_ms", e->skew.ms);
    json_nodes(&json, e);
    json_member_array_begin(&json, "gaps");
    for (size_t i = 0; i < e->gaps_n; i++)
        json_string(&json, e->gaps[i]);
    json_array_end(&json);
    json_member(&json, "verdict", case_verdict_name(e->judgement.verdict));
    json_member(&json, "reason", e->judgement.reason);
    json_member(&json, "rule", e->judgement.rule);
    json_object_end(&json);
    (void)putchar('\n');
}

/* ---- the command ---- */

static int verdict_status(enum case_verdict verdict)
{
    static const int statuses[CASE_VERDICTS_N] = {
        [CASE_IS_COMMITTED] = 0,     [CASE_IS_ABORTED] = 1, [CASE_IS_IN_DOUBT] = 2,
        [CASE_IS_CONTRADICTION] = 3, [CASE_IS_UNKNOWN] = 4,
    };
    return statuses[verdict];
}

static void drop(struct explaining *e)
{
    for (size_t i = 0; i < e->read; i++)
        recover_node_deinit(&e->nodes[i]);
    for (size_t i = 0; i < e->events_n; i++) {
        free(e->events[i].text);
        free(e->events[i].json);
    }
    for (size_t i = 0; i < e->gaps_n; i++)
        free(e->gaps[i]);
    free(e->events);
    free(e->nodes);
    free(e->case_nodes);
}

int txrecover_explain(const struct txrecover_options *options)
{
    struct explaining e = {.options = options};
    int status = read_nodes(&e);
    if (status == 0) {
        judge(&e);
        if (options->json)
            print_json(&e);
        else
            print_text(&e);
        status = verdict_status(e.judgement.verdict);
    }
    drop(&e);
    return status;
}
