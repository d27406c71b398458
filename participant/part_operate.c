/* OPERATE: the steps of an interactive transaction. */
#include "participant/part_internal.h"

#include <inttypes.h>

bool part_ops_valid(const struct tx_op *ops, size_t n, struct tx_why *why)
{
    for (size_t i = 0; i < n; i++) {
        if (tx_op_validate(&ops[i], why) != TX_OK)
            return false;
    }
    return true;
}

void part_send_operated(struct part_core *core, const struct part_tx *tx, enum tx_reason reason,
                        struct tx_bytes text)
{
    struct tx_arena *arena = &core->out->arena;
    size_t n = reason == TX_REASON_NONE ? tx->ops_n : 0;
    struct tx_msg msg = {
        .type = TX_MSG_OPERATED,
        .operated = {.req = tx->req,
                     .id = tx->id,
                     .step = tx->step,
                     .incarnation = core->options.incarnation,
                     .wrote = tx->wrote,
                     .reason = reason,
                     .text = part_copy(arena, text),
                     .results = part_copy_results(arena, tx->results, n),
                     .results_n = n},
    };
    part_reply(core, tx->client, &msg);
}

void part_step_done(struct part_core *core, struct part_tx *tx)
{
    TX_ASSERT(tx->ops_done == tx->ops_n && !tx->one_shot);
    part_phase_end(core, tx, PART_PHASE_OPERATION);
    tx->wait = PART_WAIT_CLIENT;
    part_timer_set(core, tx, part_time_after(core->now_us, core->options.idle_us));
    part_send_operated(core, tx, TX_REASON_NONE, tx_bytes(NULL, 0));
    tx->client_waits = false;
}

/* The answer to a step of a transaction that is not here any more, and can only abort. */
static void refuse_step(struct part_core *core, const struct part_event *event,
                        enum tx_reason reason, struct tx_bytes text)
{
    const struct tx_msg_operate *operate = &event->msg->operate;
    struct tx_msg msg = {
        .type = TX_MSG_OPERATED,
        .operated = {.req = operate->req,
                     .id = operate->id,
                     .step = operate->step,
                     .incarnation = core->options.incarnation,
                     .reason = reason,
                     .text = part_copy(&core->out->arena, text)},
    };
    part_reply(core, event->client, &msg);
}

static void refuse_state(struct part_core *core, const struct part_event *event, const char *state)
{
    char id[TX_ID_TEXT];
    part_reply_error(core, event->client, event->msg->operate.req, TX_ESTATE, TX_REASON_NONE,
                     part_text(core, "transaction %s is %s here: it takes no more operations",
                               tx_id_print(event->msg->operate.id, id), state));
}

static void begin_step(struct part_core *core, struct part_tx *tx, const struct part_event *event)
{
    const struct tx_msg_operate *operate = &event->msg->operate;
    TX_ASSERT(operate->step == tx->step + 1);
    part_timer_clear(core, tx);
    tx_arena_reset(&tx->work);
    tx->step = operate->step;
    tx->phase_us = core->now_us;
    tx->client = event->client;
    tx->req = operate->req;
    tx->client_waits = true;
    tx->lock_timeout_us = (uint64_t)operate->lock_timeout_ms * 1000u;
    tx->isolation = operate->isolation;
    tx->ops = part_copy_ops(&tx->work, operate->ops, operate->ops_n);
    tx->ops_n = operate->ops_n;
    tx->ops_done = 0;
    tx->results_bytes = 0;
    tx->results = part_alloc(&tx->work, tx->ops_n, sizeof *tx->results);
    tx->ops_total += operate->ops_n;
    tx->wait = PART_WAIT_NOBODY;
    if (tx->ops_total > TX_OPS_MAX)
        part_undo(
            core, tx, TX_REASON_LIMIT,
            part_text(core, "a transaction may have %u operations at a participant", TX_OPS_MAX),
            true);
    else
        part_run(core, tx);
}

/* A step that was asked for before: whoever asks gets the answer. */
static void repeat_step(struct part_core *core, struct part_tx *tx, const struct part_event *event)
{
    core->stale++;
    tx->client = event->client;
    tx->req = event->msg->operate.req;
    if (tx->wait == PART_WAIT_CLIENT && TX_SEEDED_BUG(STEP_RUNS_TWICE)) {
        tx->step--;
        begin_step(core, tx, event);
    } else if (tx->wait == PART_WAIT_CLIENT) {
        part_timer_set(core, tx, part_time_after(core->now_us, core->options.idle_us));
        part_send_operated(core, tx, TX_REASON_NONE, tx_bytes(NULL, 0));
    }
}

static void skip_step(struct part_core *core, struct part_tx *tx, const struct part_event *event)
{
    struct tx_bytes text =
        part_text(core, "step %" PRIu32 " came after step %" PRIu32 ": steps have no gaps",
                  event->msg->operate.step, tx->step);
    if (!tx->client_waits) {
        tx->client = event->client;
        tx->client_waits = true;
        tx->req = event->msg->operate.req;
    } else {
        refuse_step(core, event, TX_REASON_REFUSED, text);
    }
    part_undo(core, tx, TX_REASON_REFUSED, text, true);
}

/* What the first step has read was locked as its level asks; nothing makes up for that later. */
static void refuse_level(struct part_core *core, const struct part_tx *tx,
                         const struct part_event *event)
{
    const struct tx_msg_operate *operate = &event->msg->operate;
    char id[TX_ID_TEXT];
    core->violations++;
    part_reply_error(core, event->client, operate->req, TX_ESTATE, TX_REASON_NONE,
                     part_text(core,
                               "transaction %s is %s here since its first step: a later one "
                               "cannot be %s",
                               tx_id_print(tx->id, id), tx_isolation_name(tx->isolation),
                               tx_isolation_name(operate->isolation)));
}

static void operate_working(struct part_core *core, struct part_tx *tx,
                            const struct part_event *event)
{
    const struct tx_msg_operate *operate = &event->msg->operate;
    char id[TX_ID_TEXT];
    if (tx->one_shot || !tx_token_equal(&tx->token, &operate->token)) {
        core->violations++;
        part_reply_error(
            core, event->client, operate->req, TX_ETOKEN, TX_REASON_NONE,
            part_text(core, "the token is not that of transaction %s", tx_id_print(tx->id, id)));
    } else if (operate->step < tx->step) {
        core->stale++; /* its client has gone on since */
    } else if (operate->step == tx->step) {
        repeat_step(core, tx, event);
    } else if (operate->step != tx->step + 1) {
        skip_step(core, tx, event);
    } else if (operate->isolation != tx->isolation) {
        refuse_level(core, tx, event);
    } else if (tx->wait != PART_WAIT_CLIENT) {
        refuse_state(core, event, "busy with an earlier step");
    } else {
        begin_step(core, tx, event);
    }
}

static void operate_known(struct part_core *core, struct part_tx *tx,
                          const struct part_event *event)
{
    switch (tx->state) {
    case PART_WORKING:
        operate_working(core, tx, event);
        return;
    case PART_UNDOING:
        refuse_step(core, event, tx->reason, tx->text);
        return;
    case PART_PREPARING:
    case PART_PREPARED:
    case PART_COMMITTED:
    case PART_HEURISTIC:
        refuse_state(core, event, part_state_text(tx->state));
        return;
    case PART_STATES_N:
        return;
    }
}

static void send_join(struct part_core *core, const struct part_tx *tx)
{
    struct tx_msg msg = {.type = TX_MSG_JOIN, .id = {.id = tx->id}};
    part_send(core, &tx->coordinator->address, &msg);
}

/* The first word here must be step 1. A later one comes from a client whose work another
 * incarnation has lost. */
static void operate_new(struct part_core *core, struct part_coordinator *coordinator,
                        const struct part_event *event)
{
    const struct tx_msg_operate *operate = &event->msg->operate;
    struct tx_bytes text;
    if (operate->step != 1) {
        text = part_text(core, "participant %s has restarted since the last step, or never saw it",
                         core->options.name.s);
        refuse_step(core, event, TX_REASON_RESTARTED, text);
        part_tombstone_put(core, coordinator, operate->id, PART_TOMB_NO, TX_REASON_RESTARTED, text,
                           NULL);
        part_vote_no(core, coordinator, operate->id, TX_REASON_RESTARTED, text);
        return;
    }
    enum tx_reason refusal = part_refusal(core, &text);
    if (refusal != TX_REASON_NONE) {
        enum tx_error error = refusal == TX_REASON_BUSY        ? TX_ELIMIT
                              : refusal == TX_REASON_DISK_FULL ? TX_EFULL
                                                               : TX_ESTATE;
        part_reply_error(core, event->client, operate->req, error, refusal, text);
        return;
    }
    struct part_tx *tx = part_tx_new(core, coordinator, operate->id, operate->age, PART_WORKING);
    tx->token = operate->token;
    send_join(core, tx);
    begin_step(core, tx, event);
}

static void operate_unknown(struct part_core *core, const struct part_event *event)
{
    const struct tx_msg_operate *operate = &event->msg->operate;
    struct part_coordinator *coordinator = part_coordinator_find(core, operate->id.coordinator);
    if (!part_introduced(core, coordinator) || operate->id.epoch > coordinator->epoch) {
        part_reply_error(core, event->client, operate->req, TX_EUNREACHABLE, TX_REASON_UNREACHABLE,
                         part_text(core,
                                   "coordinator %" PRIu32 " has not introduced itself (epoch "
                                   "%" PRIu64 ") to participant %s yet; try again",
                                   operate->id.coordinator, operate->id.epoch,
                                   core->options.name.s));
        return;
    }
    const struct part_tombstone *tombstone = part_tombstone_find(core, operate->id);
    if (part_mark_covers(coordinator, operate->id) ||
        (tombstone != NULL && tombstone->kind != PART_TOMB_NO)) {
        refuse_state(core, event, "finished");
    } else if (tombstone != NULL) {
        refuse_step(core, event, tombstone->reason, tx_bytes(tombstone->text, tombstone->text_len));
    } else if (operate->id.epoch < coordinator->epoch) {
        refuse_step(core, event, TX_REASON_RESTARTED,
                    part_text(core, "coordinator %" PRIu32 " has restarted", coordinator->id));
    } else if (operate->id.seq <= coordinator->floor) {
        refuse_step(core, event, TX_REASON_BUSY,
                    part_text(core, "participant %s cannot tell any more whether it has undone it",
                              core->options.name.s));
    } else {
        operate_new(core, coordinator, event);
    }
}

void part_on_operate(struct part_core *core, const struct part_event *event)
{
    const struct tx_msg_operate *operate = &event->msg->operate;
    struct tx_why why;
    if (!tx_id_valid(operate->id) || operate->step == 0 || operate->age.counter == 0) {
        core->violations++;
        part_reply_error(core, event->client, operate->req, TX_EINVAL, TX_REASON_NONE,
                         part_text(core, "OPERATE needs an id, an age and a step from 1"));
        return;
    }
    if (!part_ops_valid(operate->ops, operate->ops_n, &why)) {
        core->violations++;
        part_reply_error(core, event->client, operate->req, TX_EINVAL, TX_REASON_NONE,
                         part_text(core, "%s", why.text));
        return;
    }
    struct part_tx *tx = part_tx_find(core, operate->id);
    if (tx != NULL)
        operate_known(core, tx, event);
    else
        operate_unknown(core, event);
}
