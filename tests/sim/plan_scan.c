#include "plan_scan.h"

#include "common/rows.h"
#include "plan_seats.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW     8u   /* so many are in use at a time */
#define MOVES      2u   /* writes at each participant, and the window goes on by one */
#define LONG       300u /* bytes of a key that is kept by itself */
#define LONG_EVERY 8u
#define KEY_SIZE   (LONG + 2)

static uint64_t draw(struct sim *sim, uint64_t from, uint64_t to)
{
    return sim_random_between(&sim->scanning, from, to);
}

static bool percent(struct sim *sim, unsigned share)
{
    return sim_random_percent(&sim->scanning, share);
}

enum tx_isolation plan_scan_level(struct sim *sim)
{
    if (sim->options.levels_percent == 0 || !percent(sim, (unsigned)sim->options.levels_percent))
        return TX_SERIALIZABLE;
    return (enum tx_isolation)draw(sim, TX_REPEATABLE_READ, TX_ISOLATIONS_N - 1);
}

/* ---- drawing ---- */

static unsigned window(const struct sim *sim)
{
    unsigned moved = sim->rows_drawn / (MOVES * (unsigned)sim->options.participants);

    return moved < SIM_ROWS - 2 * WINDOW ? moved : SIM_ROWS - 2 * WINDOW;
}

unsigned plan_scan_top(const struct sim *sim)
{
    return window(sim) + WINDOW;
}

static unsigned draw_participant(struct sim *sim)
{
    return (unsigned)draw(sim, 0, sim->options.participants - 1);
}

static unsigned draw_item(struct sim *sim)
{
    unsigned first = window(sim);

    return first + (unsigned)draw(sim, 0, WINDOW - 1);
}

static struct plan_op *add_scan(struct plan *plan, unsigned participant,
                                const struct plan_span *span)
{
    struct plan_op *op = plan_add(plan, TX_OP_SCAN, PLAN_ROW, participant, 0);

    TX_ASSERT(plan->spans_n < PLAN_SPANS_MAX);
    op->span = plan->spans_n++;
    plan->spans[op->span] = *span;
    return op;
}

static struct plan_span draw_span(struct sim *sim)
{
    struct plan_span span = {.to = SIM_ROWS, .limit = TX_SCAN_ROWS_MAX};

    if (!percent(sim, 10)) {
        span.from = draw_item(sim);
        span.to = span.from + (unsigned)draw(sim, 1, WINDOW);
    }
    if (percent(sim, 10))
        span.from = 0;
    if (percent(sim, 10))
        span.to = SIM_ROWS;
    if (percent(sim, 40))
        span.limit = (uint32_t)draw(sim, 1, 4);
    span.reverse = percent(sim, 35);
    return span;
}

/* Now and then on to where it has not read yet. */
static void draw_scan(struct plan *plan, struct sim *sim)
{
    struct plan_span span = draw_span(sim);
    unsigned participant = draw_participant(sim);
    unsigned first = plan->ops_n;

    add_scan(plan, participant, &span);
    if (percent(sim, 20)) {
        unsigned item = draw_item(sim);

        plan_add(plan, TX_OP_GET, PLAN_ROW, participant, item);
    }
    plan_end_step(plan);
    if (plan->submit || !percent(sim, 30))
        return;
    span.goes_on = true;
    add_scan(plan, participant, &span)->of = first;
    plan_end_step(plan);
}

/* An item that this transaction does not write yet; false: none was found. */
static bool draw_write(const struct plan *plan, struct sim *sim, unsigned *participant,
                       unsigned *item)
{
    *participant = draw_participant(sim);
    *item = draw_item(sim);
    for (unsigned i = 0; i < plan->ops_n; i++) {
        const struct plan_op *op = &plan->ops[i];

        if (tx_op_writes(op->type) && op->participant == *participant && op->item == *item)
            return false;
    }
    sim->rows_drawn++;
    return true;
}

/* Where an earlier scan looked, and all that it saw: a row that it may not have found. What it says
 * is a ground to write at serializable alone. */
static bool write_by_scan(struct plan *plan, struct sim *sim, unsigned participant, unsigned item)
{
    for (unsigned i = 0; i < plan->ops_n; i++) {
        const struct plan_op *op = &plan->ops[i];
        const struct plan_span *span = &plan->spans[op->span];

        if (op->type != TX_OP_SCAN || op->participant != participant || span->goes_on ||
            span->limit < TX_SCAN_ROWS_MAX || item < span->from || item >= span->to)
            continue;
        if (plan->isolation != TX_SERIALIZABLE || sim->options.results_max > 0 || percent(sim, 40))
            return false;
        plan_add(plan, TX_OP_PUT, PLAN_ROW, participant, item)->of = i;
        plan_end_step(plan);
        return true;
    }
    return false;
}

static void draw_append(struct plan *plan, struct sim *sim)
{
    unsigned participant, item, read = plan->ops_n;

    if (!draw_write(plan, sim, &participant, &item) || write_by_scan(plan, sim, participant, item))
        return;
    plan_add(plan, TX_OP_GET_FOR_UPDATE, PLAN_ROW, participant, item);
    plan_end_step(plan);
    plan_add(plan, TX_OP_PUT, PLAN_ROW, participant, item)->of = read;
    plan_end_step(plan);
}

static void draw_interactive(struct plan *plan, struct sim *sim)
{
    uint64_t scans = draw(sim, 1, 2);
    uint64_t writes = percent(sim, 70) ? draw(sim, 1, 2) : 0;

    for (uint64_t i = 0; i < scans; i++)
        draw_scan(plan, sim);
    for (uint64_t i = 0; i < writes; i++)
        draw_append(plan, sim);
    if (percent(sim, 30)) { /* again, with what it has written itself */
        struct plan_span again = plan->spans[0];

        again.reverse = percent(sim, 50);
        add_scan(plan, plan->ops[0].participant, &again);
        plan_end_step(plan);
    }
}

/* Where nothing is there yet it inserts; otherwise all of it aborts. */
static void draw_insert(struct plan *plan, struct sim *sim)
{
    unsigned participant, item;

    if (!draw_write(plan, sim, &participant, &item))
        return;
    plan_add(plan, TX_OP_INSERT, PLAN_ROW, participant, item);
    plan_end_step(plan);
    plan->keyed = true; /* nothing is inserted twice, however often it comes */
}

static void draw_one_shot(struct plan *plan, struct sim *sim)
{
    uint64_t steps = draw(sim, 1, 4);

    draw_scan(plan, sim);
    for (uint64_t i = 1; i < steps; i++) {
        if (percent(sim, 50))
            draw_insert(plan, sim);
        else
            draw_scan(plan, sim);
    }
}

void plan_scan_draw(struct plan *plan, struct sim *sim)
{
    if (percent(sim, 35)) {
        plan_seats_draw(plan, sim);
        return;
    }
    plan->kind = PLAN_SCAN;
    plan->isolation = plan_scan_level(sim);
    plan->submit = percent(sim, 45);
    plan->aborts = !plan->submit && percent(sim, 8);
    plan->walks_away = !plan->submit && !plan->aborts && percent(sim, 2);
    plan->lock_timeout_ms = percent(sim, 20) ? (uint32_t)draw(sim, 1, 100) : 0;
    if (plan->submit)
        draw_one_shot(plan, sim);
    else
        draw_interactive(plan, sim);
}

/* ---- as operations ---- */

/* Three digits behind the first letter of the keyspace: keys are in the order of their items. */
static struct tx_bytes key_of(struct plan *plan, const char *space, unsigned item, bool behind)
{
    char *key = plan_alloc(plan, KEY_SIZE, 1);
    size_t len = item % LONG_EVERY == LONG_EVERY - 1 ? LONG : 4;

    memset(key, 'k', KEY_SIZE);
    (void)snprintf(key, 5, "%c%03u", space[0], item % 1000);
    if (len > 4)
        key[4] = 'k';
    key[len] = '\0';
    return tx_bytes(key, len + behind);
}

/* Where it goes on when the scan before has not come to its end; otherwise the same once more. */
static void find_span(struct plan *plan, const struct plan_op *from)
{
    struct plan_span *span = &plan->spans[from->span];
    const struct plan_op *of = &plan->ops[from->of];
    const struct plan_span *before = &plan->spans[of->span];

    span->from = before->from;
    span->to = before->to;
    span->behind = before->behind;
    if (!before->more)
        return;
    if (!span->reverse) {
        span->from = before->end;
        span->behind = true;
    } else if (before->begin > before->from) {
        span->to = before->begin;
    }
}

struct tx_op plan_scan_range(struct plan *plan, const struct plan_op *from, const char *space)
{
    struct plan_span *span = &plan->spans[from->span];
    struct tx_op op = {.type = TX_OP_SCAN, .space = tx_bytes_str(space)};

    if (span->goes_on)
        find_span(plan, from);
    op.limit = span->limit;
    op.reverse = span->reverse;
    if (span->behind)
        op.key = key_of(plan, space, span->from - 1, true);
    else if (span->from > 0)
        op.key = key_of(plan, space, span->from, false);
    if (span->to < SIM_ROWS)
        op.to = key_of(plan, space, span->to, false);
    return op;
}

/* What the operation that it rests on has read there. */
static struct tx_bytes new_value(struct plan *plan, const struct plan_op *put)
{
    const struct plan_op *read = &plan->ops[put->of];
    const struct plan_span *span = &plan->spans[read->span];

    if (put->type == TX_OP_INSERT)
        return plan_list_text(plan, NULL, 0, put->number);
    if (read->type != TX_OP_SCAN)
        return plan_list_text(plan, read->list, read->list_n, put->number);
    for (uint32_t i = 0; i < span->rows_n; i++) {
        if (span->rows[i].item == put->item)
            return plan_list_text(plan, span->rows[i].list, span->rows[i].list_n, put->number);
    }
    return plan_list_text(plan, NULL, 0, put->number);
}

struct tx_op plan_scan_op(struct plan *plan, const struct plan_op *from)
{
    struct tx_op op = {.type = from->type, .space = tx_bytes_str("rows")};

    if (from->type == TX_OP_SCAN)
        return plan_scan_range(plan, from, "rows");
    op.key = key_of(plan, "rows", from->item, false);
    if (tx_op_writes(from->type))
        op.value = new_value(plan, from);
    return op;
}

/* ---- what came back ---- */

static unsigned item_of(struct tx_bytes key)
{
    char digits[4] = "";

    TX_ASSERT(key.len >= 4);
    memcpy(digits, key.data + 1, 3);
    return (unsigned)strtoul(digits, NULL, 10);
}

void plan_scan_read(struct plan *plan, struct plan_op *op, const struct tx_result *result)
{
    struct plan_span *span = &plan->spans[op->span];
    struct tx_reader reader = tx_reader(result->value);
    struct tx_row row;
    size_t n;
    enum tx_error error = tx_rows_count(result->value, &n);

    TX_ASSERT(error == TX_OK && n <= span->limit);
    op->known = true;
    span->rows = plan_alloc(plan, n + 1, sizeof *span->rows);
    span->rows_n = 0;
    while (tx_rows_next(&reader, &row)) {
        struct plan_row *read = &span->rows[span->rows_n++];

        read->item = item_of(row.key);
        read->list = plan_list_read(plan, row.value, &read->list_n);
        TX_ASSERT(read->item >= span->from && read->item < span->to);
    }
    span->more = result->found;
    span->begin = span->from;
    span->end = span->to;
    TX_ASSERT(!span->more || n > 0);
    if (span->more && span->reverse)
        span->begin = span->rows[n - 1].item;
    else if (span->more)
        span->end = span->rows[n - 1].item + 1;
}
