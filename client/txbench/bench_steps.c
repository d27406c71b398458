/* Lists of steps, one-shot and interactive: what is common, and the blocking driver. */
#include "client/txbench/bench_steps.h"

#include "client/txbench/bench_accounts.h"

#include "common/assert.h"

#include <stdio.h>

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
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;
    for (unsigned shift = 64; shift > 0; shift -= 4) {
        key[at++] = digits[c->load->run >> (shift - 4) & 0xf];
    }
    key[at++] = '-';
    at += bench_put_number(key + at, c->number, 1);
    key[at++] = '-';
    (void)bench_put_number(key + at, c->begun++, 1);
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
    return reads || bench_shot_options(c, plan).idempotency_key.len > 0;
}

txclient_submit_options bench_shot_options(const struct bench_client *c,
                                           const struct bench_plan *plan)
{
    return (txclient_submit_options){.size = sizeof(txclient_submit_options),
                                     .commit_mode = c->load->options->commit_mode,
                                     .idempotency_key = plan->keyed ? txclient_str(plan->key)
                                                                    : bench_shot_key(c, plan->key)};
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

static void run_shot(struct bench_client *c, struct bench_plan *plan)
{
    txclient_value values[BENCH_STEPS_MAX];
    bool reads = plan->see != NULL || plan->tells;
    struct shot shot = {.plan = plan, .values = reads ? values : NULL};
    struct bench_end end = {0};
    bool again = bench_shot_fill(c, plan);
    uint64_t lost = c->lost;
    end.status = submit(c, &shot);
    if (end.status == TXCLIENT_UNKNOWN) {
        end.asked = true;
        end.status = bench_settle(c, again ? submit : NULL, &shot);
        end.lost = c->lost != lost;
    } else {
        bench_count(c, end.status);
    }
    const txclient_detail_data *detail = txclient_detail(c->client);
    bool known = end.status == TXCLIENT_OK && reads && !detail->results_lost;
    for (size_t i = 0; known && plan->see != NULL && i < plan->n; i++) {
        bench_step_see(plan, i, &values[i]);
    }
    end.values = known ? values : NULL;
    end.reference = detail->reference;
    c->load->work->over(c, c->load->work->arg, &end);
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

/* TXCLIENT_OK: commit. */
static txclient_status operate_all(txclient_tx *tx, struct bench_plan *plan)
{
    enum bench_next next = BENCH_NEXT_ROUND;
    while (next == BENCH_NEXT_ROUND) {
        txclient_value values[BENCH_ROUND_MAX] = {{0}};
        txclient_value other;
        TX_ASSERT(plan->next == NULL || plan->n <= BENCH_ROUND_MAX);
        for (size_t i = 0; i < plan->n; i++) {
            txclient_status status = operate(tx, plan, i, plan->next != NULL ? &values[i] : &other);
            if (status != TXCLIENT_OK) {
                return status;
            }
        }
        next = plan->next != NULL ? plan->next(plan, values) : BENCH_NEXT_COMMIT;
    }
    if (next == BENCH_NEXT_ABORT) {
        (void)txclient_abort(tx); /* certain, whether or not anybody could be told */
        return TXCLIENT_ABORTED;
    }
    return TXCLIENT_OK;
}

static txclient_status ask_outcome(struct bench_client *c, void *arg)
{
    return txclient_outcome(c->client, arg, 1000);
}

static void keep_reference(char text[BENCH_REFERENCE_MAX], txclient_tx *tx)
{
    const char *reference = tx != NULL ? txclient_tx_reference(tx) : NULL;
    (void)snprintf(text, BENCH_REFERENCE_MAX, "%s", reference != NULL ? reference : "");
}

static void interact(struct bench_client *c, struct bench_plan *plan)
{
    const txclient_begin_options terms = bench_terms(c);
    char reference[BENCH_REFERENCE_MAX] = "";
    struct bench_end end = {.reference = reference};
    uint64_t lost = c->lost;
    txclient_tx *tx = NULL;
    end.status = txclient_begin(c->client, &terms, &tx);
    if (end.status == TXCLIENT_OK) {
        end.status = operate_all(tx, plan);
        if (end.status == TXCLIENT_OK) {
            end.status = txclient_commit(tx);
        }
    }
    if (end.status != TXCLIENT_UNKNOWN) {
        bench_count(c, end.status);
        if (plan->tells) {
            keep_reference(reference, tx);
        }
    } else {
        keep_reference(reference, tx);
        end.asked = true;
        end.status = bench_settle(c, ask_outcome, reference);
        end.lost = c->lost != lost;
    }
    c->load->work->over(c, c->load->work->arg, &end);
    txclient_tx_close(&tx); /* aborts it when its steps did not come to their end */
}

void bench_steps_run(struct bench_client *c, void *arg)
{
    struct bench_plan plan = {0};
    if (!c->load->work->make(c, arg, &plan)) {
        return;
    }
    if (bench_plan_interacts(c, &plan)) {
        interact(c, &plan);
    } else {
        run_shot(c, &plan);
    }
}
