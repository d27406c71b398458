/* txctl locks: the lock tables of participants. */
#include "client/cli.h"
#include "client/txctl/lock_text.h"
#include "client/txctl/txctl.h"
#include "client/txctl/txctl_targets.h"
#include "common/ids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define BLOCKERS_SHOWN 3u

/* What is shown of one participant: rows of up to two lists, in the order asked for. */
struct view {
    const struct txctl_locks_options *options;
    txclient_locks *lists[2];
    const txclient_lock_row **rows; /* borrowed from the lists */
    size_t n;
    bool more;
};

static void view_deinit(struct view *view)
{
    txclient_locks_free(&view->lists[0]);
    txclient_locks_free(&view->lists[1]);
    free(view->rows);
}

/* ---- fetching ---- */

static txclient_status ask(txclient *client, const char *address, struct view *view, int list,
                           bool waiting, size_t rows_max)
{
    const txclient_locks_query query = {
        .size = sizeof query,
        .waiting = waiting,
        .space = view->options->space,
        .tx = view->options->tx,
        .rows_max = rows_max < TXCLIENT_LOCK_ROWS_MAX ? rows_max : TXCLIENT_LOCK_ROWS_MAX,
    };
    txclient_status status = txclient_locks_ask(client, address, &query, &view->lists[list]);
    view->more = view->more || (status == TXCLIENT_OK && txclient_locks_more(view->lists[list]));
    return status;
}

/* False when there is no memory. */
static bool add_rows(struct view *view, const txclient_locks *list, bool held_only)
{
    const txclient_lock_row *row;
    size_t n = 0;
    while (txclient_locks_at(list, n) != NULL) {
        n++;
    }
    const txclient_lock_row **rows = (const txclient_lock_row **)reallocarray(
        (void *)view->rows, view->n + n + 1, sizeof(txclient_lock_row *));
    if (rows == NULL) {
        return false;
    }
    view->rows = rows;
    for (size_t i = 0; (row = txclient_locks_at(list, i)) != NULL; i++) {
        if (!held_only || !row->waiting) {
            rows[view->n++] = row;
        }
    }
    return true;
}

/* The rows that sorting needs: all of them by keyspace; by wait first those that wait, and what is
 * held only when there is room left. */
static txclient_status fetch(txclient *client, const char *address, struct view *view)
{
    const struct txctl_locks_options *options = view->options;
    const bool by_wait = options->sort == TXCTL_LOCKS_BY_WAIT;
    const size_t first_max =
        options->sort == TXCTL_LOCKS_BY_TX ? options->limit : TXCLIENT_LOCK_ROWS_MAX;
    txclient_status status = ask(client, address, view, 0, options->waiting || by_wait, first_max);
    if (status != TXCLIENT_OK) {
        return status;
    }
    if (!add_rows(view, view->lists[0], false)) {
        return TXCLIENT_ENOMEM;
    }
    if (!by_wait || options->waiting) {
        return TXCLIENT_OK;
    }
    if (view->n >= options->limit) {
        view->more = true;
        return TXCLIENT_OK;
    }
    status = ask(client, address, view, 1, false, options->limit);
    if (status == TXCLIENT_OK && !add_rows(view, view->lists[1], true)) {
        status = TXCLIENT_ENOMEM;
    }
    return status;
}

/* ---- sorting; rows that are equal keep the order in which they came ---- */

static int compare_bytes(txclient_bytes a, txclient_bytes b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

static int compare_spaces(const txclient_lock_row *a, const txclient_lock_row *b)
{
    int order = compare_bytes(a->space, b->space);
    return order != 0 ? order : compare_bytes(a->key, b->key);
}

static int compare_waits(const txclient_lock_row *a, const txclient_lock_row *b)
{
    if (a->waiting != b->waiting) {
        return a->waiting ? -1 : 1;
    }
    return a->waited_ms > b->waited_ms ? -1 : a->waited_ms < b->waited_ms;
}

/* Merges two sorted halves; the left one first when they are equal. */
static void merge(const txclient_lock_row **rows, size_t middle, size_t n,
                  const txclient_lock_row **room,
                  int (*compare)(const txclient_lock_row *a, const txclient_lock_row *b))
{
    size_t left = 0;
    size_t right = middle;
    for (size_t i = 0; i < n; i++) {
        bool take_left = left < middle && (right == n || compare(rows[left], rows[right]) <= 0);
        room[i] = take_left ? rows[left++] : rows[right++];
    }
    memcpy((void *)rows, (const void *)room, n * sizeof(txclient_lock_row *));
}

static void merge_sort(const txclient_lock_row **rows, size_t n, const txclient_lock_row **room,
                       int (*compare)(const txclient_lock_row *a, const txclient_lock_row *b))
{
    if (n > 1) {
        merge_sort(rows, n / 2, room, compare);
        merge_sort(rows + n / 2, n - n / 2, room, compare);
        merge(rows, n / 2, n, room, compare);
    }
}

static bool sort(struct view *view)
{
    if (view->options->sort != TXCTL_LOCKS_BY_TX) {
        const txclient_lock_row **room =
            (const txclient_lock_row **)calloc(view->n + 1, sizeof(txclient_lock_row *));
        if (room == NULL) {
            return false;
        }
        merge_sort(view->rows, view->n, room,
                   view->options->sort == TXCTL_LOCKS_BY_WAIT ? compare_waits : compare_spaces);
        free((void *)room);
    }
    if (view->n > view->options->limit) {
        view->n = view->options->limit;
        view->more = true;
    }
    return true;
}

/* ---- for people ---- */

static void print_blockers(const txclient_lock_row *row)
{
    for (size_t i = 0; i < row->blockers_n && i < BLOCKERS_SHOWN; i++) {
        const txclient_lock_blocker *by = &row->blockers[i];
        (void)printf("%s %s (%s%s%s)", i > 0 ? "," : "", by->tx, by->waits ? "waits for " : "",
                     lock_mode_text(by->mode), by->range ? " on a range" : "");
    }
    if (row->blockers_n > BLOCKERS_SHOWN || row->blockers_more) {
        (void)fputs(" and more", stdout);
    }
}

static void print_rows(const struct view *view)
{
    int width = 0;
    for (size_t i = 0; i < view->n; i++) {
        int len = (int)strlen(view->rows[i]->tx);
        width = len > width ? len : width;
    }
    for (size_t i = 0; i < view->n; i++) {
        const txclient_lock_row *row = view->rows[i];
        char text[LOCK_MS_TEXT];
        char place[LOCK_PLACE_TEXT];
        (void)printf("  %-*s  %-9s %8s  %-3s  %s", width, row->tx, row->state,
                     lock_ms_text(row->age_ms, text), lock_mode_text(row->mode),
                     lock_place_text(row, place));
        if (row->waiting) {
            (void)printf("  waits %s for", lock_ms_text(row->waited_ms, text));
            print_blockers(row);
        }
        (void)putchar('\n');
    }
    if (view->more) {
        (void)printf("  and more: --limit shows more than %zu\n", view->n);
    } else if (view->n == 0) {
        (void)puts("  no such locks");
    }
}

/* ---- the command ---- */

static void json_rows(struct json *json, const struct view *view)
{
    json_member_bool(json, "more", view->more);
    json_member_array_begin(json, "locks");
    for (size_t i = 0; i < view->n; i++) {
        lock_row_json(json, view->rows[i], NULL);
    }
    json_array_end(json);
}

static void show_target(txclient *client, const struct txctl_target *target,
                        const struct txctl_locks_options *options, struct json *json)
{
    struct view view = {.options = options};
    txclient_status status = fetch(client, target->address, &view);
    bool enough = status != TXCLIENT_OK || sort(&view);
    txctl_target_begin(target, json);
    txctl_target_reached(status == TXCLIENT_OK && enough,
                         enough ? txclient_detail(client)->text : "out of memory", json);
    if (status == TXCLIENT_OK && enough && json != NULL) {
        json_rows(json, &view);
    } else if (status == TXCLIENT_OK && enough) {
        print_rows(&view);
    }
    txctl_target_end(json);
    view_deinit(&view);
}

/* What no participant would be asked with. */
static int check(const struct txctl_locks_options *options)
{
    struct tx_id id;
    if (options->tx != NULL && tx_id_parse(options->tx, &id) != TX_OK) {
        (void)fprintf(stderr, "txctl: \"%s\" is no transaction id, as 1-7-42\n", options->tx);
        return EX_USAGE;
    }
    if (options->space != NULL &&
        (options->space[0] == '\0' || strlen(options->space) > TXCLIENT_SPACE_MAX)) {
        (void)fprintf(stderr, "txctl: the name of a keyspace has 1 to %u bytes\n",
                      TXCLIENT_SPACE_MAX);
        return EX_USAGE;
    }
    return 0;
}

int txctl_locks(txclient *client, const struct txctl_locks_options *options, char **names,
                int names_n, bool as_json)
{
    struct txctl_targets targets = {0};
    struct json writer;
    struct json *json = as_json ? &writer : NULL;
    json_init(&writer, stdout);
    int result = check(options);
    if (result == 0) {
        result = txctl_targets_find(client, names, names_n, &targets);
    }
    if (result == 0) {
        txctl_targets_begin(json);
        for (size_t i = 0; i < targets.n; i++) {
            show_target(client, &targets.items[i], options, json);
        }
        if (as_json) {
            json_array_end(json);
            json_object_end(json);
            (void)putchar('\n');
        }
    }
    txctl_targets_deinit(&targets);
    return result;
}
