#include "client/txctl/top_frame.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REASONS_MAX 32u

/* A transaction at a node. */
struct row {
    const struct top_node *node;
    const txclient_node_tx *tx;
};

const char *top_sort_name(enum top_sort sort)
{
    static const char *const names[TOP_SORTS_N] = {
        [TOP_BY_AGE] = "age", [TOP_BY_NODE] = "node", [TOP_BY_STATE] = "state"};
    return names[sort];
}

/* ---- lines ---- */

/* Cuts what is wider than the screen, and shows nothing that a terminal would obey. */
static void add(struct top_frame *frame, const struct top_view *view, enum top_style style,
                const char *format, ...) __attribute__((format(printf, 4, 5)));
static void add(struct top_frame *frame, const struct top_view *view, enum top_style style,
                const char *format, ...)
{
    va_list args;
    if (frame->n >= view->height || frame->n >= TOP_HEIGHT_MAX) {
        return;
    }
    char *line = frame->text[frame->n];
    size_t width = view->width < TOP_WIDTH_MAX ? view->width : TOP_WIDTH_MAX;
    va_start(args, format);
    (void)vsnprintf(line, width + 1, format, args);
    va_end(args);
    for (char *at = line; *at != '\0'; at++) {
        *at = *at >= ' ' && *at <= '~' ? *at : '?';
    }
    frame->style[frame->n++] = style;
}

/* "999", "12.3k", "4.5M": at most five characters. */
static const char *short_number(double n, char *out, size_t size)
{
    static const char units[] = {' ', 'k', 'M', 'G', 'T'};
    size_t unit = 0;
    while (n >= 999.5 && unit + 1 < sizeof units) {
        n /= 1000.0;
        unit++;
    }
    if (unit == 0) {
        (void)snprintf(out, size, "%.*f", n > 0.0 && n < 9.95 ? 1 : 0, n);
    } else {
        (void)snprintf(out, size, "%.*f%c", n < 99.95 ? 1 : 0, n, units[unit]);
    }
    return out;
}
#define SHORT(n) short_number((double)(n), (char[16]){0}, 16)

static const char *short_count(uint64_t n, char *out, size_t size)
{
    if (n < 1000) {
        (void)snprintf(out, size, "%" PRIu64, n);
        return out;
    }
    return short_number((double)n, out, size);
}
#define COUNT(n) short_count((n), (char[16]){0}, 16)

/* "12 us", "3.4 ms", "5.6 s", "7 min", "3 h" */
static const char *short_time(double us, char *out, size_t size)
{
    if (us < 1000.0) {
        (void)snprintf(out, size, "%.0f us", us);
    } else if (us < 1e6) {
        (void)snprintf(out, size, "%.*f ms", us < 1e4 ? 1 : 0, us / 1e3);
    } else if (us < 1.2e8) {
        (void)snprintf(out, size, "%.1f s", us / 1e6);
    } else if (us < 7.2e9) {
        (void)snprintf(out, size, "%.0f min", us / 6e7);
    } else {
        (void)snprintf(out, size, "%.0f h", us / 3.6e9);
    }
    return out;
}
#define TIME_US(us) short_time((double)(us), (char[24]){0}, 24)

static bool shown(const struct top_view *view, size_t i)
{
    return view->node == 0 || view->node == i + 1;
}

/* ---- the head ---- */

static void add_title(struct top_frame *frame, const struct top_model *model,
                      const struct top_view *view)
{
    const struct top_node *coordinator = &model->nodes[0];
    const char *version =
        coordinator->last != NULL ? txclient_node_get(coordinator->last, "version") : NULL;
    add(frame, view, TOP_TITLE, "txctl top  %s  every %g s  %s  sort: %s  node: %s  (h: help)",
        view->clock, view->interval, version != NULL ? version : "", top_sort_name(view->sort),
        view->node == 0 ? "all" : model->nodes[view->node - 1].name);
}

static void add_totals(struct top_frame *frame, const struct top_model *model,
                       const struct top_view *view)
{
    const struct top_node *coordinator = &model->nodes[0];
    uint64_t waits = 0, alarms = 0;
    double ended = top_committed(coordinator) + top_aborted(coordinator);
    for (size_t i = 0; i < model->nodes_n; i++) {
        waits += top_waits(&model->nodes[i]);
        alarms += top_number(&model->nodes[i], "alarms");
    }
    add(frame, view, alarms > 0 ? TOP_BAD : TOP_PLAIN,
        "begun %s/s  committed %s/s  aborted %s/s (%.0f %%)  open %s  waits %s  alarms %s",
        SHORT(top_begun(coordinator)), SHORT(top_committed(coordinator)),
        SHORT(top_aborted(coordinator)),
        ended > 0.0 ? top_aborted(coordinator) * 100.0 / ended : 0.0, COUNT(top_open(coordinator)),
        COUNT(waits), COUNT(alarms));
}

/* Aborts a second by reason, over the nodes that are shown: those of the coordinator when all are.
 */
static void add_reasons(struct top_frame *frame, const struct top_model *model,
                        const struct top_view *view)
{
    const struct top_node *node = &model->nodes[view->node == 0 ? 0 : view->node - 1];
    char text[TOP_WIDTH_MAX] = "";
    size_t used = 0;
    const txclient_node_field *field;
    for (size_t i = 0;
         node->last != NULL && (field = txclient_node_field_at(node->last, i)) != NULL; i++) {
        if (strncmp(field->name, "aborted_", 8) != 0 || strcmp(field->name, "aborted_total") == 0 ||
            used >= sizeof text - 1 || top_rate(node, field->name) <= 0.0) {
            continue;
        }
        used += (size_t)snprintf(text + used, sizeof text - used, "  %s %s/s", field->name + 8,
                                 SHORT(top_rate(node, field->name)));
    }
    add(frame, view, TOP_DIM, "aborts of %s by reason:%s", node->name,
        text[0] != '\0' ? text : "  none now");
}

/* ---- nodes ---- */

static void add_nodes(struct top_frame *frame, const struct top_model *model,
                      const struct top_view *view)
{
    char state[64];
    add(frame, view, TOP_HEADER,
        "NODE        STATE       OPEN PREP BEG/s COM/s ABO/s WAITS SYNC/s SYNC    LOG/s");
    for (size_t i = 0; i < model->nodes_n; i++) {
        const struct top_node *node = &model->nodes[i];
        bool bad = top_silent(node) || top_number(node, "alarms") > 0;
        if (!shown(view, i)) {
            continue;
        }
        (void)top_state(node, view->now_ms, state, sizeof state);
        if (node->last == NULL || top_silent(node)) {
            add(frame, view, node->failed ? TOP_BAD : TOP_DIM, "%-11.11s %-11.11s %s", node->name,
                state, node->failed ? node->problem : "");
            continue;
        }
        add(frame, view, bad ? TOP_BAD : TOP_PLAIN,
            "%-11.11s %-11.11s %4s %4s %5s %5s %5s %5s %6s %-7s %5s", node->name, state,
            COUNT(top_open(node)), COUNT(top_in_doubt(node)), SHORT(top_begun(node)),
            SHORT(top_committed(node)), SHORT(top_aborted(node)), COUNT(top_waits(node)),
            SHORT(top_rate(node, "log_batches")),
            TIME_US(top_growth(node, "log_sync_us_total", "log_batches")),
            SHORT(top_rate(node, "log_bytes")));
    }
}

/* The two percentiles of a field as lock_wait_p50_us, which lock_wait_p99_us follows; empty when
 * the field is none, or nothing has been counted. */
static const char *latency(const struct top_node *node, const txclient_node_field *field, char *out,
                           size_t size)
{
    static const char end[] = "_p50_us";
    const size_t len = strlen(field->name);
    const int name_len = (int)(len - (sizeof end - 1));
    char p99[96];
    out[0] = '\0';
    if (len < sizeof end || len > 80 || strcmp(field->name + name_len, end) != 0) {
        return out;
    }
    (void)snprintf(p99, sizeof p99, "%.*s_p99_us", name_len, field->name);
    const uint64_t most = top_number(node, p99);
    if (most > 0) {
        (void)snprintf(out, size, "  %.*s %s / %s", name_len, field->name,
                       TIME_US(strtoull(field->text, NULL, 10)), TIME_US(most));
    }
    return out;
}

/* As many lines as it takes. */
static void add_latencies_of(struct top_frame *frame, const struct top_node *node,
                             const struct top_view *view)
{
    const txclient_node_field *field;
    char line[TOP_WIDTH_MAX + 1], item[160];
    size_t used = (size_t)snprintf(line, sizeof line, "%.20s p50 / p99:", node->name);
    size_t items = 0;
    for (size_t i = 0; (field = txclient_node_field_at(node->last, i)) != NULL; i++) {
        const size_t len = strlen(latency(node, field, item, sizeof item));
        if (len == 0) {
            continue;
        }
        if (items > 0 && (used + len > view->width || used + len >= sizeof line)) {
            add(frame, view, TOP_DIM, "%s", line);
            used = (size_t)snprintf(line, sizeof line, "   ");
        }
        used += (size_t)snprintf(line + used, sizeof line - used, "%s", item);
        items++;
    }
    if (items > 0) {
        add(frame, view, TOP_DIM, "%s", line);
    }
}

/* Since the start of each daemon. */
static void add_latencies(struct top_frame *frame, const struct top_model *model,
                          const struct top_view *view)
{
    for (size_t i = 0; i < model->nodes_n; i++) {
        const struct top_node *node = &model->nodes[i];
        if (shown(view, i) && node->last != NULL && !node->failed) {
            add_latencies_of(frame, node, view);
        }
    }
}

/* What the coordinator sees of its participants, or the chosen node of its coordinators. */
static void add_peers(struct top_frame *frame, const struct top_model *model,
                      const struct top_view *view)
{
    const struct top_node *node = &model->nodes[view->node == 0 ? 0 : view->node - 1];
    const txclient_node_peer *peer;
    char text[TOP_WIDTH_MAX] = "";
    size_t used = 0;
    bool bad = false;
    for (size_t i = 0; node->last != NULL && (peer = txclient_node_peer_at(node->last, i)) != NULL;
         i++) {
        if (used < sizeof text - 1) {
            used += (size_t)snprintf(text + used, sizeof text - used, "  %s %s", peer->name,
                                     peer->state);
        }
        bad = bad || strncmp(peer->state, "up", 2) != 0;
    }
    if (used > 0 && !node->failed) {
        add(frame, view, bad && node->coordinator ? TOP_BAD : TOP_DIM, "%s sees:%s", node->name,
            text);
    }
}

/* ---- transactions ---- */

static int by_age(const struct row *a, const struct row *b)
{
    return a->tx->age_ms < b->tx->age_ms ? 1 : a->tx->age_ms > b->tx->age_ms ? -1 : 0;
}

static int compare_age(const void *left, const void *right)
{
    return by_age(left, right);
}

static int compare_node(const void *left, const void *right)
{
    const struct row *a = left;
    const struct row *b = right;
    return a->node < b->node ? -1 : a->node > b->node ? 1 : by_age(a, b);
}

static int compare_state(const void *left, const void *right)
{
    const struct row *a = left;
    const struct row *b = right;
    int order = strcmp(a->tx->state, b->tx->state);
    return order != 0 ? order : by_age(a, b);
}

static size_t count_txs(const struct top_node *node)
{
    size_t n = 0;
    while (node->last != NULL && txclient_node_tx_at(node->last, n) != NULL) {
        n++;
    }
    return n;
}

/* All that are shown, in order; NULL for none. */
static struct row *list_rows(const struct top_model *model, const struct top_view *view, size_t *n)
{
    static int (*const compare[TOP_SORTS_N])(const void *, const void *) = {
        [TOP_BY_AGE] = compare_age, [TOP_BY_NODE] = compare_node, [TOP_BY_STATE] = compare_state};
    size_t most = 0;
    *n = 0;
    for (size_t i = 0; i < model->nodes_n; i++) {
        most += shown(view, i) ? count_txs(&model->nodes[i]) : 0;
    }
    struct row *rows = most > 0 ? calloc(most, sizeof *rows) : NULL;
    for (size_t i = 0; rows != NULL && i < model->nodes_n; i++) {
        const struct top_node *node = &model->nodes[i];
        size_t txs = shown(view, i) ? count_txs(node) : 0;
        for (size_t j = 0; j < txs; j++) {
            rows[(*n)++] = (struct row){node, txclient_node_tx_at(node->last, j)};
        }
    }
    if (rows != NULL) {
        qsort(rows, *n, sizeof *rows, compare[view->sort]);
    }
    return rows;
}

static void add_txs(struct top_frame *frame, const struct top_model *model, struct top_view *view)
{
    size_t n;
    struct row *rows = list_rows(model, view, &n);
    size_t room = view->height > frame->n + 1 ? view->height - frame->n - 1 : 0;
    size_t most = n > room ? n - room : 0;
    view->scroll = view->scroll < most ? view->scroll : most;
    add(frame, view, TOP_HEADER, "TRANSACTION      NODE        STATE            AGE  WAITS FOR%s",
        n == 0 ? "  (none is open)" : "");
    for (size_t i = view->scroll; i < n; i++) {
        const struct row *row = &rows[i];
        bool bad = !row->node->coordinator && strcmp(row->tx->state, "prepared") == 0 &&
                   row->tx->age_ms >= 10000;
        add(frame, view, bad ? TOP_BAD : TOP_PLAIN, "%-16s %-11.11s %-12.12s %7s  %s", row->tx->id,
            row->node->name, row->tx->state, TIME_US((double)row->tx->age_ms * 1000.0),
            row->tx->detail);
    }
    free(rows);
}

/* ---- all of it ---- */

static void add_help(struct top_frame *frame, const struct top_view *view)
{
    static const char *const lines[] = {
        "q          leave",
        "s          sort the transactions by age, node or state",
        "n          show one node alone, the next one, all",
        "up, down   scroll the transactions; page up, page down, home",
        "h          this help; any key goes back",
        "",
        "OPEN: undecided transactions. PREP: prepared ones, which hold their locks",
        "until the decision; of a coordinator: left to their members. BEG, COM, ABO:",
        "begun, committed and aborted. WAITS: requests that wait for a lock. SYNC: the",
        "mean time of a sync of the log. LOG: bytes. Rates are of the last interval.",
        "Marked: a daemon that does not answer or has alarms, and what has been prepared",
        "for 10 s or more.",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        add(frame, view, TOP_PLAIN, "%s", lines[i]);
    }
}

void top_frame_draw(struct top_frame *frame, const struct top_model *model, struct top_view *view)
{
    frame->n = 0;
    if (view->node > model->nodes_n) {
        view->node = 0;
    }
    add_title(frame, model, view);
    if (view->help) {
        add_help(frame, view);
        return;
    }
    add_totals(frame, model, view);
    add_reasons(frame, model, view);
    add(frame, view, TOP_PLAIN, "%s", "");
    add_nodes(frame, model, view);
    add(frame, view, TOP_PLAIN, "%s", "");
    add_latencies(frame, model, view);
    add_peers(frame, model, view);
    add_txs(frame, model, view);
}
