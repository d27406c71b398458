#include "plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void plan_again(struct plan *plan)
{
    plan->sum = 0;
    plan->balance[0] = plan->balance[1] = 0;
}

void plan_draw(struct plan *plan, struct sim *sim, uint64_t serial)
{
    struct sim_random *random = &sim->random;
    unsigned participants = sim->options.participants;

    *plan = (struct plan){.amount = (int64_t)sim_random_between(random, 1, 9)};
    plan->kind = sim_random_percent(random, 50)   ? PLAN_ADD
                 : sim_random_percent(random, 75) ? PLAN_WRITE
                                                  : PLAN_TOTAL;
    plan->submit = plan->kind != PLAN_WRITE && sim_random_percent(random, 50);
    plan->keyed = plan->submit && plan->kind == PLAN_ADD && sim_random_percent(random, 50);
    plan->aborts = !plan->submit && sim_random_percent(random, 10);
    plan->from = (unsigned)sim_random_between(random, 0, participants - 1);
    plan->to = (unsigned)sim_random_between(random, 0, participants - 1);
    plan->from_account = (unsigned)sim_random_between(random, 0, SIM_ACCOUNTS - 1);
    plan->to_account = (unsigned)sim_random_between(random, 0, SIM_ACCOUNTS - 2);
    plan->to_account += plan->to_account >= plan->from_account;
    plan->steps = plan->kind == PLAN_ADD ? 2 : plan->kind == PLAN_WRITE ? 4 : participants;
    if (plan->keyed)
        snprintf(plan->key, sizeof plan->key, "key-%" PRIu64, serial);
    for (unsigned i = 0; i < SIM_ACCOUNTS; i++)
        snprintf(plan->names[i], sizeof plan->names[i], "acc%u", i);
}

static struct tx_op account(const struct plan *plan, enum tx_op_type type, unsigned number)
{
    return (struct tx_op){
        .type = type, .space = tx_bytes_str("bank"), .key = tx_bytes_str(plan->names[number])};
}

static size_t write_step(struct plan *plan, unsigned step, struct tx_op *op)
{
    unsigned side = step % 2;
    unsigned number = side == 0 ? plan->from_account : plan->to_account;
    int64_t amount = side == 0 ? -plan->amount : plan->amount;

    *op = account(plan, step < 2 ? TX_OP_GET_FOR_UPDATE : TX_OP_PUT, number);
    if (step >= 2) {
        snprintf(plan->texts[side], sizeof plan->texts[side], "%" PRId64,
                 plan->balance[side] + amount);
        op->value = tx_bytes_str(plan->texts[side]);
    }
    return 1;
}

size_t plan_step(struct plan *plan, unsigned step, struct tx_op *ops, unsigned *participant)
{
    *participant = step % 2 == 0 ? plan->from : plan->to;
    switch (plan->kind) {
    case PLAN_ADD:
        ops[0] = account(plan, TX_OP_ADD, step == 0 ? plan->from_account : plan->to_account);
        ops[0].delta = step == 0 ? -plan->amount : plan->amount;
        if (step > 0 || !plan->keyed)
            return 1;
        ops[1] = (struct tx_op){.type = TX_OP_INSERT,
                                .space = tx_bytes_str("once"),
                                .key = tx_bytes_str(plan->key),
                                .value = tx_bytes_str("1")};
        return 2;
    case PLAN_WRITE:
        return write_step(plan, step, ops);
    case PLAN_TOTAL:
        *participant = step;
        for (unsigned i = 0; i < SIM_ACCOUNTS; i++)
            ops[i] = account(plan, TX_OP_GET, i);
        return SIM_ACCOUNTS;
    }
    return 0;
}

size_t plan_all(struct plan *plan, const struct sim *sim, struct tx_op *ops)
{
    size_t n = 0;

    for (unsigned step = 0; step < plan->steps; step++) {
        unsigned participant;
        size_t more = plan_step(plan, step, ops + n, &participant);

        for (size_t i = n; i < n + more; i++)
            ops[i].participant = sim->nodes[sim_participant_node(sim, participant)].name;
        n += more;
    }
    return n;
}

static int64_t number(const struct tx_result *result)
{
    char text[24] = "";

    TX_ASSERT(result->value.len < sizeof text);
    if (result->value.len > 0)
        memcpy(text, result->value.data, result->value.len);
    return result->found ? strtoll(text, NULL, 10) : 0;
}

bool plan_read(struct plan *plan, unsigned step, const struct tx_result *results, size_t n)
{
    if (plan->kind == PLAN_WRITE && step < 2)
        plan->balance[step] = number(&results[0]);
    for (size_t i = 0; plan->kind == PLAN_TOTAL && i < n; i++)
        plan->sum += number(&results[i]);
    return plan->sum == 0 || step + 1 < plan->steps;
}
