/* Lists of steps, one-shot and interactive: what is common, and the blocking driver. */
#include "client/bench_steps.h"

#include "common/assert.h"

#include <inttypes.h>

static txclient_range range_of(const struct bench_step *step)
{
    txclient_range range = txclient_between(step->at.participant, step->at.space, "", "");
    range.from = step->at.key;
    return range;
}

/* ---- one-shot ---- */

void bench_step_add(txclient_batch *batch, const struct bench_step *step)
{
    txclient_range range;
    switch (step->type) {
    case BENCH_STEP_GET:
        (void)txclient_batch_get(batch, step->at);
        return;
    case BENCH_STEP_GET_FOR_UPDATE:
        (void)txclient_batch_get_for_update(batch, step->at);
        return;
    case BENCH_STEP_PUT:
        (void)txclient_batch_put(batch, step->at, step->value);
        return;
    case BENCH_STEP_INSERT:
        (void)txclient_batch_insert(batch, step->at, step->value);
        return;
    case BENCH_STEP_ADD:
        (void)txclient_batch_add(batch, step->at, step->delta, step->floor, NULL);
        return;
    case BENCH_STEP_SCAN:
        range = range_of(step);
        (void)txclient_batch_scan(batch, &range, step->rows, false);
        return;
    }
}

static bool reads_only(const struct bench_plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        enum bench_step_type type = plan->steps[i].type;
        if (type == BENCH_STEP_PUT || type == BENCH_STEP_INSERT || type == BENCH_STEP_ADD) {
            return false;
        }
    }
    return true;
}

void bench_steps_key(struct bench_client *c, char key[TXCLIENT_IDEMPOTENCY_KEY_MAX + 1])
{
    (void)snprintf(key, TXCLIENT_IDEMPOTENCY_KEY_MAX + 1, "%016" PRIx64 "-%u-%" PRIu64,
                   c->load->run, c->number, c->begun++);
}

bool bench_shot_fill(struct bench_client *c, struct bench_plan *plan)
{
    bool reads = reads_only(plan);
    if (!reads && plan->key[0] == '\0') {
        bench_steps_key(c, plan->key);
    }
    txclient_batch_clear(c->batch);
    for (size_t i = 0; i < plan->n; i++) {
        bench_step_add(c->batch, &plan->steps[i]);
    }
    return reads || bench_shot_key(c, plan->key).len > 0;
}

txclient_submit_options bench_shot_options(const struct bench_client *c,
                                           const struct bench_plan *plan)
{
    return (txclient_submit_options){.size = sizeof(txclient_submit_options),
                                     .commit_mode = c->load->options->commit_mode,
                                     .idempotency_key = bench_shot_key(c, plan->key)};
}

bool bench_plan_interacts(const struct bench_client *c, const struct bench_plan *plan)
{
    return c->load->options->interactive || plan->next != NULL;
}

struct shot {
    const struct bench_plan *plan;
    txclient_value *values;
};

static txclient_status submit(struct bench_client *c, void *arg)
{
    struct shot *shot = arg;
    const txclient_submit_options options = bench_shot_options(c, shot->plan);
    return txclient_submit(c->client, c->batch, &options, shot->values);
}

void bench_step_see(const struct bench_plan *plan, size_t i, const txclient_value *value)
{
    const struct bench_step *step = &plan->steps[i];
    if (step->type == BENCH_STEP_SCAN) {
        txclient_rows rows = txclient_rows_of(value);
        txclient_row row;
        while (txclient_rows_next(&rows, &row)) {
            plan->see(plan->arg, row.key, row.value);
        }
    } else if (value->found &&
               (step->type == BENCH_STEP_GET || step->type == BENCH_STEP_GET_FOR_UPDATE)) {
        plan->see(plan->arg, step->at.key, txclient_data(value->data, value->len));
    }
}

static txclient_status run_shot(struct bench_client *c, struct bench_plan *plan)
{
    txclient_value values[BENCH_STEPS_MAX];
    struct shot shot = {.plan = plan, .values = plan->see != NULL ? values : NULL};
    bool again = bench_shot_fill(c, plan);
    txclient_status status = submit(c, &shot);
    if (status == TXCLIENT_UNKNOWN) {
        status = bench_settle(c, again ? submit : NULL, &shot);
    } else {
        bench_count(c, status);
    }
    bool known = status == TXCLIENT_OK && !txclient_detail(c->client)->results_lost;
    for (size_t i = 0; known && plan->see != NULL && i < plan->n; i++) {
        bench_step_see(plan, i, &values[i]);
    }
    return status;
}

/* ---- interactive ---- */

static txclient_status scan(txclient_tx *tx, const struct bench_step *step,
                            const struct bench_plan *plan)
{
    txclient_range range = range_of(step);
    txclient_scan_options options = {
        .size = sizeof options, .limit = step->rows, .page_rows = step->rows};
    txclient_cursor *cursor = NULL;
    txclient_status status = txclient_scan(tx, &range, &options, &cursor);
    for (bool found = true; status == TXCLIENT_OK && found;) {
        txclient_row row;
        status = txclient_scan_next(cursor, &row, &found);
        if (status == TXCLIENT_OK && found && plan->see != NULL) {
            plan->see(plan->arg, row.key, row.value);
        }
    }
    txclient_scan_close(&cursor);
    return status;
}

static txclient_status operate(txclient_tx *tx, const struct bench_plan *plan, size_t i,
                               txclient_value *value)
{
    const struct bench_step *step = &plan->steps[i];
    txclient_status status = TXCLIENT_EINVAL;
    switch (step->type) {
    case BENCH_STEP_GET:
        status = txclient_get(tx, step->at, value);
        break;
    case BENCH_STEP_GET_FOR_UPDATE:
        status = txclient_get_for_update(tx, step->at, value);
        break;
    case BENCH_STEP_PUT:
        return txclient_put(tx, step->at, step->value);
    case BENCH_STEP_INSERT:
        return txclient_insert(tx, step->at, step->value);
    case BENCH_STEP_ADD:
        return txclient_add(tx, step->at, step->delta, step->floor, NULL, NULL);
    case BENCH_STEP_SCAN:
        return scan(tx, step, plan);
    }
    if (status == TXCLIENT_OK && plan->see != NULL) {
        bench_step_see(plan, i, value);
    }
    return status;
}

static txclient_status operate_all(txclient_tx *tx, struct bench_plan *plan)
{
    txclient_status status = TXCLIENT_OK;
    bool more = true;
    while (status == TXCLIENT_OK && more) {
        txclient_value values[BENCH_ROUND_MAX] = {{0}};
        txclient_value other;
        TX_ASSERT(plan->next == NULL || plan->n <= BENCH_ROUND_MAX);
        for (size_t i = 0; status == TXCLIENT_OK && i < plan->n; i++) {
            status = operate(tx, plan, i, plan->next != NULL ? &values[i] : &other);
        }
        more = status == TXCLIENT_OK && plan->next != NULL && plan->next(plan, values);
    }
    return status;
}

static txclient_status ask_outcome(struct bench_client *c, void *arg)
{
    return txclient_outcome(c->client, arg, 1000);
}

static txclient_status interact(struct bench_client *c, struct bench_plan *plan)
{
    const txclient_begin_options terms = bench_terms(c);
    txclient_tx *tx = NULL;
    txclient_status status = txclient_begin(c->client, &terms, &tx);
    if (status == TXCLIENT_OK) {
        status = operate_all(tx, plan);
        if (status == TXCLIENT_OK) {
            status = txclient_commit(tx);
        }
    }
    if (status != TXCLIENT_UNKNOWN) {
        bench_count(c, status);
    } else {
        char reference[BENCH_REFERENCE_MAX];
        const char *text = txclient_tx_reference(tx);
        (void)snprintf(reference, sizeof reference, "%s", text != NULL ? text : "");
        status = bench_settle(c, ask_outcome, reference);
    }
    txclient_tx_close(&tx); /* aborts it when its steps did not come to their end */
    return status;
}

void bench_steps_run(struct bench_client *c, void *arg)
{
    const struct bench_work *work = c->load->work;
    struct bench_plan plan = {0};
    if (!work->make(c, arg, &plan)) {
        return;
    }
    uint64_t lost = c->lost;
    txclient_status status =
        bench_plan_interacts(c, &plan) ? interact(c, &plan) : run_shot(c, &plan);
    work->over(c, arg, status, c->lost != lost);
}
