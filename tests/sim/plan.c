#include "plan.h"

#include "plan_locks.h"
#include "plan_scan.h"
#include "plan_seats.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FLOOR (-40) /* of a counter, now and then: the transfer is refused below it */

static const char *const spaces[] = {
    [PLAN_BANK] = "bank", [PLAN_LIST] = "lists", [PLAN_ONCE] = "once"};
static const char *const accounts[SIM_ACCOUNTS] = {"acc0", "acc1", "acc2", "acc3"};
static const char *const lists[SIM_LISTS] = {"list0", "list1"};

/* ---- drawing ---- */

struct plan_op *plan_add(struct plan *plan, enum tx_op_type type, enum plan_place place,
                         unsigned participant, unsigned item)
{
    struct plan_op *op = &plan->ops[plan->ops_n++];

    TX_ASSERT(plan->ops_n <= PLAN_OPS_MAX);
    *op = (struct plan_op){.type = type, .place = place, .participant = participant, .item = item};
    return op;
}

void plan_end_step(struct plan *plan)
{
    plan->step_at[++plan->steps] = plan->ops_n;
    TX_ASSERT(plan->steps <= PLAN_STEPS_MAX);
}

struct spot {
    unsigned participant, item;
};

static struct spot draw_spot(struct sim *sim, unsigned items)
{
    uint64_t participant = sim_random_between(&sim->random, 0, sim->options.participants - 1);
    uint64_t item = sim_random_between(&sim->random, 0, items - 1);

    return (struct spot){(unsigned)participant, (unsigned)item};
}

/* Two that are not the same. */
static void draw_spots(struct sim *sim, unsigned items, struct spot out[2])
{
    out[0] = draw_spot(sim, items);
    out[1] = draw_spot(sim, items);
    if (out[0].participant == out[1].participant && out[0].item == out[1].item)
        out[1].item = (out[1].item + 1) % items;
}

static void draw_add(struct plan *plan, struct sim *sim, uint64_t serial)
{
    int64_t amount = (int64_t)sim_random_between(&sim->random, 1, 9);
    struct spot spots[2];

    draw_spots(sim, SIM_ACCOUNTS, spots);
    for (unsigned side = 0; side < 2; side++) {
        struct plan_op *op =
            plan_add(plan, TX_OP_ADD, PLAN_BANK, spots[side].participant, spots[side].item);

        op->number = side == 0 ? -amount : amount;
        op->has_min = side == 0 && sim_random_percent(&sim->random, 20);
        if (side == 0 && plan->keyed) {
            snprintf(plan->key, sizeof plan->key, "key-%" PRIu64, serial);
            plan_add(plan, TX_OP_INSERT, PLAN_ONCE, spots[0].participant, 0);
        }
        plan_end_step(plan);
    }
}

/* Reads `n` places for update, perhaps one more that stays as it is, then writes the `n`. */
static void draw_rewrite(struct plan *plan, struct sim *sim, enum plan_place place, unsigned n)
{
    int64_t amount = (int64_t)sim_random_between(&sim->random, 1, 9);
    unsigned items = place == PLAN_BANK ? SIM_ACCOUNTS : SIM_LISTS;
    struct spot spots[2];
    struct spot other = draw_spot(sim, items);

    draw_spots(sim, items, spots);
    for (unsigned i = 0; i < n; i++) {
        plan_add(plan, TX_OP_GET_FOR_UPDATE, place, spots[i].participant, spots[i].item);
        plan_end_step(plan);
    }
    if (sim_random_percent(&sim->random, 30)) {
        plan_add(plan, TX_OP_GET, place, other.participant, other.item);
        plan_end_step(plan);
    }
    for (unsigned i = 0; i < n; i++) {
        struct plan_op *op = plan_add(plan, TX_OP_PUT, place, spots[i].participant, spots[i].item);

        op->of = i;
        op->number = i == 0 ? -amount : amount;
        plan_end_step(plan);
    }
}

static void draw_reads(struct plan *plan, struct sim *sim)
{
    uint64_t n = sim_random_percent(&sim->random, 40) ? 1 : sim_random_between(&sim->random, 2, 4);

    for (uint64_t i = 0; i < n; i++) {
        struct spot spot = draw_spot(sim, SIM_LISTS);

        plan_add(plan, TX_OP_GET, PLAN_LIST, spot.participant, spot.item);
        plan_end_step(plan);
    }
}

static void draw_total(struct plan *plan, const struct sim *sim)
{
    for (unsigned p = 0; p < sim->options.participants; p++) {
        for (unsigned i = 0; i < SIM_ACCOUNTS; i++)
            plan_add(plan, TX_OP_GET, PLAN_BANK, p, i);
        plan_end_step(plan);
    }
}

static enum plan_kind draw_kind(struct sim *sim)
{
    if (sim_random_percent(&sim->random, (unsigned)sim->options.lists_percent))
        return sim_random_percent(&sim->random, 60) ? PLAN_APPEND : PLAN_LISTS;
    if (sim_random_percent(&sim->random, 50))
        return PLAN_ADD;
    return sim_random_percent(&sim->random, 80) ? PLAN_WRITE : PLAN_TOTAL;
}

void plan_draw(struct plan *plan, struct sim *sim, uint64_t serial)
{
    struct sim_random *random = &sim->random;
    struct tx_arena arena = plan->arena;
    enum plan_kind kind;
    bool writes_what_it_read;

    if (sim->options.locks_percent > 0 &&
        sim_random_percent(&sim->locking, (unsigned)sim->options.locks_percent)) {
        *plan = (struct plan){.arena = arena};
        plan_locks_draw(plan, sim);
        return;
    }
    if (sim->options.scans_percent > 0 &&
        sim_random_percent(&sim->scanning, (unsigned)sim->options.scans_percent)) {
        *plan = (struct plan){.arena = arena};
        plan_scan_draw(plan, sim);
        return;
    }
    kind = draw_kind(sim);
    writes_what_it_read = kind == PLAN_WRITE || kind == PLAN_APPEND;
    *plan = (struct plan){.kind = kind, .isolation = plan_scan_level(sim), .arena = arena};
    plan->submit = !writes_what_it_read && sim_random_percent(random, 50);
    plan->keyed = plan->submit && kind == PLAN_ADD && sim_random_percent(random, 50);
    plan->aborts = !plan->submit && sim_random_percent(random, 8);
    plan->walks_away = !plan->submit && !plan->aborts && sim_random_percent(random, 2);
    switch (kind) {
    case PLAN_ADD:
        draw_add(plan, sim, serial);
        return;
    case PLAN_WRITE:
        draw_rewrite(plan, sim, PLAN_BANK, 2);
        return;
    case PLAN_APPEND:
        draw_rewrite(plan, sim, PLAN_LIST, sim_random_percent(random, 50) ? 1 : 2);
        return;
    case PLAN_LISTS:
        draw_reads(plan, sim);
        return;
    case PLAN_TOTAL:
        draw_total(plan, sim);
        return;
    case PLAN_LOCK:
    case PLAN_SCAN:
    case PLAN_SEATS:
        return; /* drawn above */
    }
}

void plan_deinit(struct plan *plan)
{
    tx_arena_deinit(&plan->arena);
}

void plan_again(struct plan *plan, struct sim *sim)
{
    tx_arena_reset(&plan->arena);
    for (unsigned i = 0; i < plan->ops_n; i++) {
        struct plan_op *op = &plan->ops[i];

        op->known = false;
        if (tx_op_writes(op->type) && (op->place == PLAN_LIST || op->place == PLAN_ROW))
            op->number = (int64_t)++sim->elements;
    }
    if (plan->kind == PLAN_SCAN && plan->keyed)
        (void)snprintf(plan->key, sizeof plan->key, "rows-%" PRIu64, sim->elements);
}

/* ---- as operations ---- */

struct tx_bytes plan_account(unsigned item)
{
    return tx_bytes_str(accounts[item]);
}

void *plan_alloc(struct plan *plan, size_t n, size_t size)
{
    void *memory = tx_arena_alloc(&plan->arena, n, size);

    TX_ASSERT(memory != NULL);
    return memory;
}

struct tx_bytes plan_list_text(struct plan *plan, const int64_t *list, uint32_t n, int64_t more)
{
    size_t size = 24 * ((size_t)n + 1), len = 0;
    char *text = plan_alloc(plan, size, 1);

    for (uint32_t i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, size - len, "%" PRId64 " ", list[i]);
    snprintf(text + len, size - len, "%" PRId64, more);
    return tx_bytes_str(text);
}

/* What was read, with the change. */
static struct tx_bytes new_value(struct plan *plan, const struct plan_op *put)
{
    const struct plan_op *read = &plan->ops[put->of];

    return put->place == PLAN_BANK ? plan_list_text(plan, NULL, 0, read->balance + put->number)
                                   : plan_list_text(plan, read->list, read->list_n, put->number);
}

static struct tx_op value_op(struct plan *plan, const struct plan_op *from)
{
    const char *key = from->place == PLAN_BANK   ? accounts[from->item]
                      : from->place == PLAN_LIST ? lists[from->item]
                                                 : plan->key;
    struct tx_op op = {
        .type = from->type, .space = tx_bytes_str(spaces[from->place]), .key = tx_bytes_str(key)};

    if (from->type == TX_OP_ADD) {
        op.delta = from->number;
        op.has_min = from->has_min;
        op.min = from->has_min ? FLOOR : 0;
    }
    if (from->type == TX_OP_INSERT)
        op.value = tx_bytes_str("1");
    if (from->type == TX_OP_PUT)
        op.value = new_value(plan, from);
    return op;
}

static struct tx_op op_of(struct plan *plan, const struct plan_op *from)
{
    if (from->place == PLAN_LOCKED)
        return plan_locks_op(plan, from);
    if (from->place == PLAN_ROW)
        return plan_scan_op(plan, from);
    if (from->place == PLAN_SEAT)
        return plan_seats_op(plan, from);
    return value_op(plan, from);
}

unsigned plan_step_participant(const struct plan *plan, unsigned step)
{
    return plan->ops[plan->step_at[step]].participant;
}

size_t plan_step(struct plan *plan, unsigned step, struct tx_op *ops)
{
    unsigned first = plan->step_at[step];
    size_t n = plan->step_at[step + 1] - first;

    for (size_t i = 0; i < n; i++)
        ops[i] = op_of(plan, &plan->ops[first + i]);
    return n;
}

size_t plan_all(struct plan *plan, const struct sim *sim, struct tx_op *ops)
{
    for (unsigned i = 0; i < plan->ops_n; i++) {
        ops[i] = op_of(plan, &plan->ops[i]);
        ops[i].participant = sim->nodes[sim_participant_node(sim, plan->ops[i].participant)].name;
    }
    return plan->ops_n;
}

unsigned plan_writes(const struct plan *plan)
{
    unsigned mask = 0;

    for (unsigned i = 0; i < plan->ops_n; i++)
        mask |= (unsigned)tx_op_writes(plan->ops[i].type) << plan->ops[i].participant;
    return mask;
}

/* ---- what came back ---- */

int64_t *plan_list_read(struct plan *plan, struct tx_bytes value, uint32_t *n)
{
    char *text = plan_alloc(plan, value.len + 1, 1);
    char *at = text;
    int64_t *list = plan_alloc(plan, value.len / 2 + 1, sizeof *list);

    if (value.len > 0)
        memcpy(text, value.data, value.len);
    *n = 0;
    while (*at != '\0') {
        list[(*n)++] = strtoll(at, &at, 10);
        TX_ASSERT(*at == '\0' || *at == ' ');
    }
    return list;
}

static void read_one(struct plan *plan, struct plan_op *op, const struct tx_result *result)
{
    char text[24] = "";

    if (op->type == TX_OP_SCAN)
        plan_scan_read(plan, op, result);
    if (op->type != TX_OP_GET && op->type != TX_OP_GET_FOR_UPDATE)
        return;
    op->known = true;
    if (op->place == PLAN_LIST || op->place == PLAN_ROW) {
        op->list = plan_list_read(plan, result->value, &op->list_n);
        return;
    }
    TX_ASSERT(result->value.len < sizeof text);
    if (result->value.len > 0)
        memcpy(text, result->value.data, result->value.len);
    op->balance = result->found ? strtoll(text, NULL, 10) : 0;
}

void plan_read(struct plan *plan, unsigned step, const struct tx_result *results, size_t n)
{
    unsigned first = plan->step_at[step];

    TX_ASSERT(n == plan->step_at[step + 1] - first);
    for (unsigned i = 0; i < n; i++)
        read_one(plan, &plan->ops[first + i], &results[i]);
}

void plan_read_all(struct plan *plan, const struct tx_result *results, size_t n)
{
    TX_ASSERT(n == plan->ops_n);
    for (unsigned i = 0; i < n; i++)
        read_one(plan, &plan->ops[i], &results[i]);
}
