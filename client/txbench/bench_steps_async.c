/* Lists of steps, asynchronously: the course of one transaction for each client.
 *
 *     one-shot      SUBMIT ------------------------> over
 *     interactive   BEGIN -> ROUND (again) -> COMMIT -> over
 *     either, when its outcome is unknown: ASK, after a pause again -> over
 *
 * Whatever is refused because the handle has enough under way is tried again after a turn. A course
 * is over when nothing of it is under way any more: a callback never meets the next transaction. */
#include "client/txbench/bench_accounts.h"
#include "client/txbench/bench_steps.h"

#include "common/assert.h"

#include <errno.h>
#include <stdlib.h>

/* Steps of a round at one participant: one message. */
struct part {
    struct bench_course *course;
    const char *participant;
};

struct bench_course {
    struct bench_client *client;
    struct bench_plan plan;
    txclient_tx *tx;        /* of an interactive one */
    size_t under_way;       /* callbacks that will come */
    txclient_status status; /* what has ended its steps, or what its commit gave */
    txclient_reason reason; /* of that */
    bool pauses;            /* and goes on from there, not from a callback */
    enum bench_next next;   /* what follows the round; ROUND: not known yet */
    bool ending;            /* commit or abort is begun */
    bool ended;             /* and answered */
    bool may_ask;           /* an unknown outcome can be found out */
    uint64_t until_us;      /* and is given up then; 0: it is not unknown */
    size_t parts_n;         /* of the round */
    size_t parts_begun;
    struct part parts[TXCLIENT_PARTICIPANTS_MAX];
    txclient_value values[BENCH_ROUND_MAX]; /* that the round gave */
    const txclient_value *given;            /* of a one-shot one */
    char reference[BENCH_REFERENCE_MAX];
};

/* ---- the end ---- */

static void end(struct bench_course *course, txclient_status status)
{
    struct bench_client *c = course->client;
    const struct bench_work *work = c->load->work;
    struct bench_end end = {.status = status,
                            .asked = course->until_us != 0,
                            .reference = course->reference,
                            .values = course->given};
    end.lost = end.asked && status != TXCLIENT_OK && status != TXCLIENT_ABORTED;
    TX_ASSERT(course->under_way == 0);
    if (course->tx != NULL && course->plan.tells) {
        const char *reference = txclient_tx_reference(course->tx);
        end.reference = reference != NULL ? reference : "";
    }
    work->over(c, work->arg, &end);
    txclient_tx_close(&course->tx);
    bench_over(c);
}

static void end_counted(struct bench_course *course, txclient_status status, txclient_reason reason)
{
    bench_count_as(course->client, status, reason);
    end(course, status);
}

static void end_settled(struct bench_course *course, txclient_status status)
{
    bench_count_settled(course->client, status);
    end(course, status);
}

static txclient_reason last_reason(const struct bench_course *course)
{
    return txclient_detail(course->client->client)->reason;
}

static void keep_reference(struct bench_course *course, const txclient_result *result)
{
    (void)snprintf(course->reference, sizeof course->reference, "%s", result->detail->reference);
}

/* What a one-shot transaction gave; its values live as long as the callback. */
static void take_values(struct bench_course *course, const txclient_result *result)
{
    const struct bench_plan *plan = &course->plan;
    bool known = result->status == TXCLIENT_OK && !result->detail->results_lost;
    course->given = known ? result->values : NULL;
    for (size_t i = 0; course->given != NULL && plan->see != NULL && i < plan->n; i++) {
        bench_step_see(plan, i, &course->given[i]);
    }
    if (plan->tells) {
        keep_reference(course, result);
    }
}

/* ---- an outcome that is unknown ---- */

static void ask(struct bench_client *c);

static void answered(struct bench_course *course, txclient_status status)
{
    if (status == TXCLIENT_OK || status == TXCLIENT_ABORTED || bench_now_us() >= course->until_us) {
        end_settled(course, status);
    } else {
        bench_pause(course->client, BENCH_PAUSE_MS, ask);
    }
}

static void outcome_known(void *arg, const txclient_result *result)
{
    struct bench_course *course = arg;
    course->under_way--;
    answered(course, result->status);
}

static void submitted(void *arg, const txclient_result *result);

/* A submit with the same key runs nothing twice. */
static txclient_status submit(struct bench_course *course)
{
    struct bench_client *c = course->client;
    const txclient_submit_options options = bench_shot_options(c, &course->plan);
    txclient_status status =
        txclient_submit_async(c->client, c->batch, &options, submitted, course);
    course->under_way += status == TXCLIENT_OK ? 1 : 0;
    return status;
}

static void ask(struct bench_client *c)
{
    struct bench_course *course = c->course;
    txclient_status status = TXCLIENT_OK;
    if (!bench_plan_interacts(c, &course->plan)) {
        status = submit(course);
    } else {
        status = txclient_outcome_async(c->client, course->reference, 1000, outcome_known, course);
        course->under_way += status == TXCLIENT_OK ? 1 : 0;
    }
    if (status != TXCLIENT_OK) {
        answered(course, TXCLIENT_UNKNOWN); /* nobody was asked */
    }
}

static void begin_asking(struct bench_course *course)
{
    course->until_us = bench_count_unknown(course->client);
    if (course->may_ask) {
        ask(course->client);
    } else {
        end_settled(course, TXCLIENT_UNKNOWN);
    }
}

/* ---- one-shot ---- */

static void submitted(void *arg, const txclient_result *result)
{
    struct bench_course *course = arg;
    course->under_way--;
    take_values(course, result);
    if (course->until_us != 0) {
        answered(course, result->status);
    } else if (result->status == TXCLIENT_UNKNOWN) {
        begin_asking(course);
    } else {
        end_counted(course, result->status, result->detail->reason);
    }
}

static void shoot(struct bench_client *c)
{
    struct bench_course *course = c->course;
    txclient_status status = submit(course);
    if (status == TXCLIENT_EBUSY) {
        bench_pause(c, 0, shoot);
    } else if (status != TXCLIENT_OK) {
        end_counted(course, status, last_reason(course));
    }
}

/* ---- interactive ---- */

static void advance(struct bench_course *course);

static bool is_part(const struct part *part, const struct bench_step *step)
{
    return part->participant == step->at.participant ||
           strcmp(part->participant, step->at.participant) == 0;
}

static void part_done(void *arg, const txclient_result *result)
{
    const struct part *part = arg;
    struct bench_course *course = part->course;
    const struct bench_plan *plan = &course->plan;
    size_t value = 0;
    course->under_way--;
    if (result->status != TXCLIENT_OK && course->status == TXCLIENT_OK) {
        course->status = result->status;
        course->reason = result->detail->reason;
    }
    for (size_t i = 0; result->status == TXCLIENT_OK && i < plan->n; i++) {
        if (!is_part(part, &plan->steps[i])) {
            continue;
        }
        TX_ASSERT(value < result->values_n);
        if (plan->next != NULL) {
            course->values[i] = result->values[value];
        }
        if (plan->see != NULL) {
            bench_step_see(plan, i, &result->values[value]);
        }
        value++;
    }
    advance(course);
}

static void commit_done(void *arg, const txclient_result *result)
{
    struct bench_course *course = arg;
    course->under_way--;
    course->ended = true;
    course->status = result->status;
    course->reason = result->detail->reason;
    if (result->status == TXCLIENT_UNKNOWN) {
        keep_reference(course, result);
        course->may_ask = course->reference[0] != '\0';
    }
    advance(course);
}

static void begin_round(struct bench_course *course)
{
    const struct bench_plan *plan = &course->plan;
    TX_ASSERT(plan->next == NULL || plan->n <= BENCH_ROUND_MAX);
    course->parts_n = 0;
    course->parts_begun = 0;
    for (size_t i = 0; i < plan->n; i++) {
        size_t part = 0;
        while (part < course->parts_n && !is_part(&course->parts[part], &plan->steps[i])) {
            part++;
        }
        if (part == course->parts_n) {
            TX_ASSERT(part < TXCLIENT_PARTICIPANTS_MAX);
            course->parts[course->parts_n++] =
                (struct part){.course = course, .participant = plan->steps[i].at.participant};
        }
    }
}

static txclient_status begin_part(struct bench_course *course)
{
    struct bench_client *c = course->client;
    struct part *part = &course->parts[course->parts_begun];
    txclient_batch_clear(c->batch);
    for (size_t i = 0; i < course->plan.n; i++) {
        if (is_part(part, &course->plan.steps[i])) {
            bench_step_add(c->batch, &course->plan.steps[i]);
        }
    }
    txclient_status status = txclient_execute_async(course->tx, c->batch, part_done, part);
    course->parts_begun += status == TXCLIENT_OK ? 1 : 0;
    return status;
}

static void abort_done(void *arg, const txclient_result *result)
{
    struct bench_course *course = arg;
    (void)result; /* certain, whether or not anybody could be told */
    course->under_way--;
    course->status = TXCLIENT_ABORTED;
    course->reason = TXCLIENT_REASON_CLIENT;
    advance(course);
}

/* All steps of a round are begun: what follows, which in a plan of several rounds takes the answers
 * to this one. */
static void end_round(struct bench_course *course)
{
    struct bench_plan *plan = &course->plan;
    if (course->next == BENCH_NEXT_ROUND && course->under_way == 0) {
        course->next = plan->next(plan, course->values);
        if (course->next == BENCH_NEXT_ROUND) {
            begin_round(course);
        }
    }
}

static txclient_status begin_end(struct bench_course *course)
{
    txclient_status status = course->next == BENCH_NEXT_COMMIT
                                 ? txclient_commit_async(course->tx, commit_done, course)
                                 : txclient_abort_async(course->tx, abort_done, course);
    course->ending = status == TXCLIENT_OK;
    return status;
}

/* Begins with what is next. False: nothing is to be begun now. */
static bool begin_next(struct bench_course *course)
{
    if (course->status != TXCLIENT_OK || course->ending) {
        return false;
    }
    if (course->parts_begun == course->parts_n) {
        end_round(course);
    }
    txclient_status status = TXCLIENT_OK;
    if (course->parts_begun < course->parts_n) {
        status = begin_part(course);
    } else if (course->next != BENCH_NEXT_ROUND) {
        status = begin_end(course);
    } else {
        return false;
    }
    if (status == TXCLIENT_OK) {
        course->under_way++;
    } else if (status == TXCLIENT_EBUSY) {
        course->pauses = true;
        return false;
    } else {
        course->status = status;
        course->reason = last_reason(course);
    }
    return true;
}

static void go_on(struct bench_client *c)
{
    c->course->pauses = false;
    advance(c->course);
}

static void advance(struct bench_course *course)
{
    if (course->pauses) {
        return;
    }
    while (begin_next(course)) {
    }
    if (course->pauses) {
        bench_pause(course->client, 0, go_on);
    } else if (course->under_way == 0 && course->status == TXCLIENT_UNKNOWN) {
        begin_asking(course);
    } else if (course->under_way == 0) {
        TX_ASSERT(course->ended || course->status != TXCLIENT_OK);
        end_counted(course, course->status, course->reason);
    }
}

static void begun(void *arg, const txclient_result *result)
{
    struct bench_course *course = arg;
    course->under_way--;
    if (result->status != TXCLIENT_OK) {
        end_counted(course, result->status, result->detail->reason);
        return;
    }
    course->tx = result->tx;
    begin_round(course);
    advance(course);
}

static void begin(struct bench_client *c)
{
    struct bench_course *course = c->course;
    const txclient_begin_options terms = bench_terms(c);
    txclient_status status = txclient_begin_async(c->client, &terms, begun, course);
    if (status == TXCLIENT_OK) {
        course->under_way++;
    } else if (status == TXCLIENT_EBUSY) {
        bench_pause(c, 0, begin);
    } else {
        end_counted(course, status, last_reason(course));
    }
}

/* ---- */

static bool reset(struct bench_client *c)
{
    if (c->course == NULL) {
        c->course = calloc(1, sizeof *c->course);
        if (c->course == NULL) {
            atomic_store(&c->load->broken, ENOMEM);
            return false;
        }
        c->course->client = c;
    }
    struct bench_course *course = c->course;
    TX_ASSERT(course->under_way == 0 && course->tx == NULL && !course->pauses);
    course->plan = (struct bench_plan){0};
    course->status = TXCLIENT_OK;
    course->ending = false;
    course->ended = false;
    course->given = NULL;
    course->reference[0] = '\0';
    course->until_us = 0;
    return true;
}

void bench_steps_start(struct bench_client *c, void *arg)
{
    if (!reset(c) || !c->load->work->make(c, arg, &c->course->plan)) {
        bench_over(c);
        return;
    }
    struct bench_course *course = c->course;
    if (bench_plan_interacts(c, &course->plan)) {
        course->next = course->plan.next == NULL ? BENCH_NEXT_COMMIT : BENCH_NEXT_ROUND;
        begin(c);
    } else {
        course->may_ask = bench_shot_fill(c, &course->plan);
        shoot(c);
    }
}
