#include "plan_seats.h"

#include "liar.h"
#include "plan_scan.h"
#include "rejoin.h"

#include <string.h>

#define SEATS     8u
#define TAKEN_MAX 3u
#define LEAVE     25u /* percent, although there is a free one */

static uint64_t draw(struct sim *sim, uint64_t from, uint64_t to)
{
    return sim_random_between(&sim->scanning, from, to);
}

static bool percent(struct sim *sim, unsigned share)
{
    return sim_random_percent(&sim->scanning, share);
}

/* ---- drawing ---- */

/* Of all seats: enough of them to see whether there is one to take, or one too many. */
static unsigned add_look(struct plan *plan, struct sim *sim, unsigned participant, bool all)
{
    unsigned at = plan->ops_n;
    struct plan_op *op = plan_add(plan, TX_OP_SCAN, PLAN_SEAT, participant, 0);
    struct plan_span *span = &plan->spans[plan->spans_n];
    bool reverse = percent(sim, 30), limited = percent(sim, 30), open = percent(sim, 50);

    TX_ASSERT(plan->spans_n < PLAN_SPANS_MAX);
    op->span = plan->spans_n++;
    *span = (struct plan_span){.to = open ? 1000 : SEATS, .reverse = reverse};
    span->limit = limited && !all ? TAKEN_MAX : TX_SCAN_ROWS_MAX;
    plan_end_step(plan);
    return at;
}

static void draw_change(struct plan *plan, struct sim *sim, unsigned participant)
{
    bool again = percent(sim, 40);
    size_t look = add_look(plan, sim, participant, again);
    struct plan_op *op = plan_add(plan, TX_OP_PUT, PLAN_SEAT, participant, 0);

    op->of = look;
    op->number = (int64_t)draw(sim, 0, 9999);
    plan_end_step(plan);
    if (again)
        add_look(plan, sim, participant, true);
}

void plan_seats_draw(struct plan *plan, struct sim *sim)
{
    unsigned participants = (unsigned)sim->options.participants;
    unsigned first = (unsigned)draw(sim, 0, participants - 1);
    unsigned n = percent(sim, 30) ? 2 : 1;
    bool looks = percent(sim, 25);

    plan->kind = PLAN_SEATS;
    plan->isolation = looks ? plan_scan_level(sim) : (enum tx_isolation)sim->options.seats_level;
    plan->submit = looks && percent(sim, 50);
    plan->aborts = !plan->submit && percent(sim, 8);
    for (unsigned i = 0; i < n; i++) {
        if (looks)
            add_look(plan, sim, (first + i) % participants, true);
        else
            draw_change(plan, sim, (first + i) % participants);
    }
}

/* ---- as operations ---- */

struct change {
    bool leaves;
    unsigned seat;
};

/* What follows from what the scan has seen. */
static struct change change_of(const struct plan *plan, const struct plan_op *op)
{
    const struct plan_span *seen = &plan->spans[plan->ops[op->of].span];
    unsigned choice = (unsigned)op->number;
    bool taken[SEATS] = {false};
    struct change change = {.leaves = seen->rows_n >= TAKEN_MAX || seen->more};

    if (seen->rows_n > 0 && choice % 100 < LEAVE)
        change.leaves = true;
    for (uint32_t i = 0; i < seen->rows_n; i++)
        taken[seen->rows[i].item % SEATS] = true;
    change.seat = choice / 100 % SEATS;
    for (unsigned i = 0; i < SEATS && taken[change.seat] != change.leaves; i++)
        change.seat = (change.seat + 1) % SEATS;
    return change;
}

struct tx_op plan_seats_op(struct plan *plan, const struct plan_op *from)
{
    struct tx_op op = {.type = TX_OP_PUT, .space = tx_bytes_str("seats")};
    struct change change;
    char *key;

    if (from->type == TX_OP_SCAN)
        return plan_scan_range(plan, from, "seats");
    change = change_of(plan, from);
    key = plan_alloc(plan, 8, 1);
    (void)snprintf(key, 8, "s%03u", change.seat);
    op.key = tx_bytes_str(key);
    if (change.leaves)
        op.type = TX_OP_DELETE;
    else
        op.value = tx_bytes_str("1");
    return op;
}

/* ---- what must hold ---- */

static bool has_seen(const struct plan_span *span, unsigned seat)
{
    for (uint32_t i = 0; i < span->rows_n; i++) {
        if (span->rows[i].item == seat)
            return true;
    }
    return false;
}

/* The look behind a change: what it saw before, with the change. */
static void judge_own(const struct plan *plan, struct sim *sim, struct tx_id id, unsigned at)
{
    const struct plan_op *change = &plan->ops[at - 1];
    const struct plan_span *before = &plan->spans[plan->ops[change->of].span];
    const struct plan_span *after = &plan->spans[plan->ops[at].span];
    struct change made = change_of(plan, change);
    uint32_t expected = made.leaves ? before->rows_n - 1 : before->rows_n + 1;
    bool same = after->rows_n == expected;
    char text[TX_ID_TEXT];

    for (unsigned i = 0; i < SEATS; i++)
        same = same && has_seen(after, i) == (i == made.seat ? !made.leaves : has_seen(before, i));
    if (!same)
        sim_fail(sim, "other-rows: %s saw %u seats taken, has %s seat %u, and sees %u taken",
                 tx_id_print(id, text), before->rows_n, made.leaves ? "left" : "taken", made.seat,
                 after->rows_n);
}

void plan_seats_judge(const struct plan *plan, struct sim *sim, struct tx_id id)
{
    char text[TX_ID_TEXT];

    if (plan->kind != PLAN_SEATS || sim_lies_within(sim) || sim_rejoins(sim))
        return;
    for (unsigned i = 0; i < plan->ops_n; i++) {
        const struct plan_op *op = &plan->ops[i];

        if (op->type != TX_OP_SCAN || !op->known)
            continue;
        if (plan->spans[op->span].rows_n > TAKEN_MAX)
            sim_fail(sim, "too-many-rows: %s saw %u seats taken at %s, where %u may be",
                     tx_id_print(id, text), plan->spans[op->span].rows_n,
                     sim->nodes[sim_participant_node(sim, op->participant)].name.s, TAKEN_MAX);
        if (i > 0 && tx_op_writes(plan->ops[i - 1].type) &&
            plan->ops[i - 1].participant == op->participant && plan->isolation == TX_SERIALIZABLE &&
            sim->options.results_max == 0)
            judge_own(plan, sim, id, i);
    }
}

/* ---- the end ---- */

static bool count(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    static const char front[] = "\005seats"; /* txlog/redo.h: a length and the keyspace */

    (void)value;
    if (key.len > sizeof front - 1 && memcmp(key.data, front, sizeof front - 1) == 0)
        ++*(unsigned *)arg;
    return true;
}

void plan_seats_end(struct sim *sim)
{
    for (unsigned i = 0; i < sim->options.participants; i++) {
        const struct sim_node *node = &sim->nodes[sim_participant_node(sim, i)];
        struct txlog_range all = {.to = tx_bytes_str("\377")};
        unsigned taken = 0;
        enum tx_error error = txlog_data_scan(sim_disk_log(node->disk), &all, count, &taken, NULL);

        TX_ASSERT(error == TX_OK);
        if (taken > TAKEN_MAX)
            sim_fail(sim, "too-many-rows: %u seats are taken at %s, where %u may be", taken,
                     node->name.s, TAKEN_MAX);
    }
}
