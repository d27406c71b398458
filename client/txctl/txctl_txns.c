/* txctl txns, txctl indoubt: what is open at all daemons, joined by id. */
#include "client/cli.h"
#include "client/txctl/lock_text.h"
#include "client/txctl/tx_text.h"
#include "client/txctl/txctl.h"
#include "client/txctl/txctl_evidence.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define BLOCKED_MAX 1000u

/* A transaction: its rows are found at the nodes by its id. */
struct joined {
    const char *tx; /* borrowed from a row */
    uint64_t age_ms;
    const txclient_tx_row *best; /* that says most: the coordinator's, else of who is furthest */
    const struct txctl_node *best_at; /* whose that is */
};

struct view {
    const struct txctl_txns_options *options;
    struct txctl_nodes nodes;
    struct joined *items; /* the oldest first */
    size_t n;
    size_t all_n;           /* before the limit */
    bool more;              /* a node has more than it was asked for */
    txclient_locks **waits; /* of each node, who waits there; NULL where nobody was asked */
};

/* ---- joining ---- */

static unsigned weight(const struct txctl_node *node, const txclient_tx_row *row)
{
    return node->coordinator ? 3u : row->decided ? 2u : row->in_doubt ? 1u : 0u;
}

static struct joined *find(struct view *view, const char *tx)
{
    for (size_t i = 0; i < view->n; i++) {
        if (strcmp(view->items[i].tx, tx) == 0) {
            return &view->items[i];
        }
    }
    return NULL;
}

static bool is_shown(const struct view *view, const txclient_tx_row *row)
{
    return !row->put_aside || view->options->tx != NULL;
}

static void take(struct view *view, const struct txctl_node *node, const txclient_tx_row *row)
{
    struct joined *joined = find(view, row->tx);
    if (joined == NULL) {
        joined = &view->items[view->n++];
        *joined = (struct joined){.tx = row->tx};
    }
    if (row->age_ms > joined->age_ms) {
        joined->age_ms = row->age_ms;
    }
    if (joined->best == NULL || weight(node, row) > weight(joined->best_at, joined->best)) {
        joined->best = row;
        joined->best_at = node;
    }
}

static int compare_age(const void *left, const void *right)
{
    const struct joined *a = left;
    const struct joined *b = right;
    return a->age_ms != b->age_ms ? (a->age_ms > b->age_ms ? -1 : 1) : strcmp(a->tx, b->tx);
}

static int join(struct view *view)
{
    size_t rows = 0;
    for (size_t i = 0; i < view->nodes.n; i++) {
        rows += txctl_node_rows(&view->nodes.items[i]);
    }
    view->items = calloc(rows + 1, sizeof *view->items);
    if (view->items == NULL) {
        (void)fputs("txctl: out of memory\n", stderr);
        return EX_OSERR;
    }
    for (size_t i = 0; i < view->nodes.n; i++) {
        const struct txctl_node *node = &view->nodes.items[i];
        const txclient_tx_row *row;
        for (size_t j = 0; node->txs != NULL && (row = txclient_txs_at(node->txs, j)) != NULL;
             j++) {
            if (is_shown(view, row)) {
                take(view, node, row);
            }
        }
        view->more = view->more || (node->txs != NULL && txclient_txs_more(node->txs));
    }
    if (view->n > 1) {
        qsort(view->items, view->n, sizeof *view->items, compare_age);
    }
    view->all_n = view->n;
    if (view->n > view->options->limit) {
        view->n = view->options->limit;
    }
    return 0;
}

/* Who waits at each participant, for those that are blocked behind somebody. */
static int ask_waits(txclient *client, struct view *view)
{
    const txclient_locks_query query = {
        .size = sizeof query, .waiting = true, .rows_max = BLOCKED_MAX};
    view->waits = (txclient_locks **)calloc(view->nodes.n + 1, sizeof *view->waits);
    if (view->waits == NULL) {
        (void)fputs("txctl: out of memory\n", stderr);
        return EX_OSERR;
    }
    for (size_t i = 0; i < view->nodes.n; i++) {
        const struct txctl_node *node = &view->nodes.items[i];
        if (node->status != NULL && !node->coordinator &&
            txclient_locks_ask(client, node->address, &query, &view->waits[i]) != TXCLIENT_OK) {
            view->waits[i] = NULL; /* it has shown its transactions; who is blocked stays open */
        }
    }
    return 0;
}

static void view_deinit(struct view *view)
{
    for (size_t i = 0; view->waits != NULL && i < view->nodes.n; i++) {
        txclient_locks_free(&view->waits[i]);
    }
    free((void *)view->waits);
    free(view->items);
    txctl_nodes_deinit(&view->nodes);
}

static int view_init(txclient *client, const struct txctl_txns_options *options, char **words,
                     int words_n, bool in_doubt, struct view *view)
{
    const txclient_txs_query query = {.size = sizeof query,
                                      .in_doubt = in_doubt && options->tx == NULL,
                                      .tx = options->tx,
                                      .older_ms = options->older_ms,
                                      .rows_max = options->limit};
    *view = (struct view){.options = options};
    int result = txctl_nodes_find(client, words, words_n, &view->nodes);
    if (result == 0) {
        txctl_nodes_ask(client, &query, &view->nodes);
        result = join(view);
    }
    return result;
}

/* ---- members ---- */

/* What a member has said, as its own row tells, or the coordinator's, or another's. */
static const char *said_by(const struct view *view, const struct joined *joined, const char *name)
{
    const struct txctl_node *node = txctl_nodes_named(&view->nodes, name);
    const txclient_tx_row *own = node != NULL ? txctl_node_row(node, joined->tx) : NULL;
    if (own != NULL) {
        return own->state;
    }
    for (size_t i = 0; i < joined->best->members_n; i++) {
        if (strcmp(joined->best->members[i].name, name) == 0) {
            return joined->best->members[i].said;
        }
    }
    return "nothing";
}

static void members_text(const struct view *view, const struct joined *joined, char *out,
                         size_t out_size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < joined->best->members_n && used < out_size; i++) {
        const char *name = joined->best->members[i].name;
        int n = snprintf(out + used, out_size - used, "%s%s %s", i > 0 ? ", " : "", name,
                         said_by(view, joined, name));
        used += n > 0 ? (size_t)n : 0;
    }
    for (size_t i = 0; joined->best->members_n == 0 && i < view->nodes.n && used < out_size; i++) {
        const struct txctl_node *node = &view->nodes.items[i];
        const txclient_tx_row *row = txctl_node_row(node, joined->tx);
        if (row != NULL && !node->coordinator) {
            int n = snprintf(out + used, out_size - used, "%s%s %s", used > 0 ? ", " : "",
                             node->name, row->state);
            used += n > 0 ? (size_t)n : 0;
        }
    }
}

/* ---- txns ---- */

static unsigned id_width(const struct view *view)
{
    size_t width = 11;
    for (size_t i = 0; i < view->n; i++) {
        size_t len = strlen(view->items[i].tx);
        width = len > width ? len : width;
    }
    return width < 40 ? (unsigned)width : 40;
}

static void print_tx(const struct view *view, const struct joined *joined, unsigned width)
{
    char ms[LOCK_MS_TEXT];
    char members[2000];
    const txclient_tx_row *best = joined->best;
    txctl_cell(stdout, width, joined->tx);
    (void)printf("  %8s  ", lock_ms_text(joined->age_ms, ms));
    txctl_cell(stdout, 10, best->state);
    (void)printf("  ");
    txctl_cell(stdout, 11, best->mode);
    (void)printf("  ");
    members_text(view, joined, members, sizeof members);
    txctl_wrap(stdout, width + 37, width + 37, members[0] != '\0' ? members : "-");
    if (best->detail[0] != '\0') {
        txctl_line(stdout, 4, "%s: %s", joined->best_at->name, best->detail);
    }
}

static void print_more(const struct view *view)
{
    if (view->more || view->all_n > view->n) {
        (void)printf("and more: --limit shows more than %zu\n", view->options->limit);
    }
}

static void print_txns(const struct view *view)
{
    unsigned width = id_width(view);
    if (view->n == 0) {
        (void)puts("no such transaction is open");
    } else {
        (void)printf("%-*s  %8s  %-10s  %-11s  %s\n", (int)width, "TRANSACTION", "AGE", "STATE",
                     "DECIDED BY", "PARTICIPANTS");
    }
    for (size_t i = 0; i < view->n; i++) {
        print_tx(view, &view->items[i], width);
    }
    print_more(view);
    txctl_nodes_print_silent(&view->nodes, stdout);
}

static void json_at(struct json *json, const struct view *view, const struct joined *joined)
{
    json_member_array_begin(json, "at");
    for (size_t i = 0; i < view->nodes.n; i++) {
        const txclient_tx_row *row = txctl_node_row(&view->nodes.items[i], joined->tx);
        if (row != NULL) {
            tx_row_json(json, row, view->nodes.items[i].name);
        }
    }
    json_array_end(json);
}

static void json_joined(struct json *json, const struct joined *joined)
{
    json_member(json, "id", joined->tx);
    json_member_u64(json, "age_ms", joined->age_ms);
    json_member(json, "state", joined->best->state);
    json_member(json, "decided_by", joined->best->mode);
    json_member(json, "waits_for", joined->best->waits);
    json_member(json, "detail", joined->best->detail);
}

static void json_begin(struct json *json, const struct view *view)
{
    json_init(json, stdout);
    json_object_begin(json);
    txctl_nodes_json(&view->nodes, json);
    json_member_bool(json, "more", view->more || view->all_n > view->n);
    json_member_array_begin(json, "transactions");
}

static void json_end(struct json *json)
{
    json_array_end(json);
    json_object_end(json);
    (void)putchar('\n');
}

int txctl_txns(txclient *client, const struct txctl_txns_options *options, char **words,
               int words_n, bool as_json)
{
    struct view view;
    struct json json;
    int result = view_init(client, options, words, words_n, options->in_doubt, &view);
    if (result == 0 && as_json) {
        json_begin(&json, &view);
        for (size_t i = 0; i < view.n; i++) {
            json_object_begin(&json);
            json_joined(&json, &view.items[i]);
            json_at(&json, &view, &view.items[i]);
            json_object_end(&json);
        }
        json_end(&json);
    } else if (result == 0) {
        print_txns(&view);
    }
    result = result == 0 ? txctl_nodes_exit(&view.nodes) : result;
    view_deinit(&view);
    return result;
}

/* ---- indoubt ---- */

typedef void visit_blocked(void *arg, const struct txctl_node *node, const txclient_lock_row *row);

/* Whoever waits directly for the transaction, at any node. */
static size_t each_blocked(const struct view *view, const char *tx, visit_blocked *visit, void *arg)
{
    size_t n = 0;
    for (size_t i = 0; i < view->nodes.n; i++) {
        const txclient_lock_row *row;
        const txclient_locks *waits = view->waits[i];
        for (size_t j = 0; waits != NULL && (row = txclient_locks_at(waits, j)) != NULL; j++) {
            bool behind = false;
            for (size_t k = 0; k < row->blockers_n; k++) {
                behind = behind || strcmp(row->blockers[k].tx, tx) == 0;
            }
            if (behind) {
                n++;
                visit(arg, &view->nodes.items[i], row);
            }
        }
    }
    return n;
}

static void print_blocked(void *arg, const struct txctl_node *node, const txclient_lock_row *row)
{
    char ms[LOCK_MS_TEXT];
    char place[LOCK_PLACE_TEXT];
    (void)arg;
    txctl_line(stdout, 4, "%s waits for it at %s, for %s, since %s", row->tx, node->name,
               lock_place_text(row, place), lock_ms_text(row->waited_ms, ms));
}

static void json_blocked(void *arg, const struct txctl_node *node, const txclient_lock_row *row)
{
    lock_row_json(arg, row, node->name);
}

struct judged {
    struct evidence evidence;
    uint64_t next_ms; /* the soonest try of anybody */
    bool tries;
    bool damage; /* an operator was wrong somewhere */
};

static void judge(const struct view *view, const struct joined *joined, struct judged *judged)
{
    *judged = (struct judged){.next_ms = UINT64_MAX};
    evidence_judge(NULL, &view->nodes, joined->tx, &judged->evidence);
    for (size_t i = 0; i < view->nodes.n; i++) {
        const txclient_tx_row *row = txctl_node_row(&view->nodes.items[i], joined->tx);
        if (row != NULL && row->tries && row->next_ms < judged->next_ms) {
            judged->next_ms = row->next_ms;
            judged->tries = true;
        }
        judged->damage = judged->damage || (row != NULL && row->decided && !row->put_aside &&
                                            row->end == TXCLIENT_HEURISTIC_DAMAGE);
    }
}

/* What will settle it, in one sentence. */
static void settles_text(const struct view *view, const struct joined *joined,
                         const struct judged *judged, char *out, size_t out_size)
{
    const enum evidence_outcome outcome = judged->evidence.outcome;
    if (judged->damage) {
        (void)snprintf(out, out_size,
                       "DAMAGE: an operator's decision was the wrong one; mend the data, then "
                       "txctl forget %s",
                       joined->tx);
    } else if (outcome == EVIDENCE_COMMITTED || outcome == EVIDENCE_ABORTED) {
        (void)snprintf(out, out_size,
                       "it is %s (%s), and settles as soon as its members hear of it",
                       evidence_outcome_name(outcome), judged->evidence.reason);
    } else if (outcome == EVIDENCE_OPEN) {
        (void)snprintf(out, out_size, "%s", judged->evidence.reason);
    } else if (strcmp(joined->best->mode, "members") == 0) {
        (void)snprintf(out, out_size,
                       "the word of every member, or its coordinator's; %s. Start who does not "
                       "answer; else txctl resolve %s",
                       judged->evidence.reason, joined->tx);
    } else {
        (void)snprintf(out, out_size,
                       "the log of coordinator %lu%s; %s. Start it; else txctl resolve %s",
                       strtoul(joined->tx, NULL, 10), view->nodes.silent_n > 0 ? "" : " alone",
                       judged->evidence.reason, joined->tx);
    }
}

static void print_doubt(const struct view *view, const struct joined *joined)
{
    struct judged judged;
    char ms[LOCK_MS_TEXT];
    char text[900];
    judge(view, joined, &judged);
    txctl_line(stdout, 0, "%s: open for %s, decided by: %s", joined->tx,
               lock_ms_text(joined->age_ms, ms), joined->best->mode);
    for (size_t i = 0; i < view->nodes.n; i++) {
        const txclient_tx_row *row = txctl_node_row(&view->nodes.items[i], joined->tx);
        char row_text[TX_ROW_TEXT];
        if (row != NULL) {
            txctl_line(stdout, 2, "at %s: %s", view->nodes.items[i].name,
                       tx_row_text(row, row_text));
        }
    }
    (void)each_blocked(view, joined->tx, print_blocked, NULL);
    settles_text(view, joined, &judged, text, sizeof text);
    txctl_line(stdout, 2, "settled by: %s", text);
}

static void json_doubt(const struct view *view, const struct joined *joined, struct json *json)
{
    struct judged judged;
    char text[900];
    judge(view, joined, &judged);
    settles_text(view, joined, &judged, text, sizeof text);
    json_object_begin(json);
    json_joined(json, joined);
    json_at(json, view, joined);
    json_member_array_begin(json, "blocked");
    (void)each_blocked(view, joined->tx, json_blocked, json);
    json_array_end(json);
    json_member(json, "outcome", evidence_outcome_name(judged.evidence.outcome));
    json_member(json, "reason", judged.evidence.reason);
    json_member(json, "settled_by", text);
    json_member_bool(json, "damage", judged.damage);
    if (judged.tries) {
        json_member_u64(json, "next_try_ms", judged.next_ms);
    }
    json_object_end(json);
}

int txctl_indoubt(txclient *client, const struct txctl_txns_options *options, char **words,
                  int words_n, bool as_json)
{
    struct view view;
    struct json json;
    int result = view_init(client, options, words, words_n, true, &view);
    if (result == 0) {
        result = ask_waits(client, &view);
    }
    if (result == 0 && as_json) {
        json_begin(&json, &view);
        for (size_t i = 0; i < view.n; i++) {
            json_doubt(&view, &view.items[i], &json);
        }
        json_end(&json);
    } else if (result == 0) {
        for (size_t i = 0; i < view.n; i++) {
            print_doubt(&view, &view.items[i]);
        }
        if (view.n == 0) {
            (void)puts("nothing is in doubt");
        }
        print_more(&view);
        txctl_nodes_print_silent(&view.nodes, stdout);
    }
    result = result == 0 ? txctl_nodes_exit(&view.nodes) : result;
    view_deinit(&view);
    return result;
}
