/* A participant with a few sessions. */
#include "tests/isolation/iso_node.h"

#include "common/assert.h"
#include "common/rows.h"
#include "participant/kv.h"
#include "tests/sim/disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_US 1000000u

/* What the store has read and not told yet. */
struct slow_answer {
    bool there;
    struct rm_answer answer;
    struct tx_buf value;
};

struct iso_node {
    bool slow_scans;
    struct slow_answer slow[ISO_SESSIONS + 1];
    struct part_core *core;
    struct part_actions actions;
    struct rm *rm;
    struct sim_disk *disk;
    struct tx_lsn last;                            /* appended */
    struct iso_session sessions[ISO_SESSIONS + 1]; /* the last one: the initial values */
};

static struct tx_id id_of(size_t session)
{
    return (struct tx_id){1, 1, session + 1};
}

static struct tx_token token_of(size_t session)
{
    return (struct tx_token){.bytes = {(uint8_t)session, 0x5a}};
}

/* ---- answers ---- */

static void take_text(struct iso_session *session, struct tx_bytes text)
{
    TX_ASSERT(text.len < ISO_TEXT);
    if (text.len > 0) {
        memcpy(session->value, text.data, text.len);
    }
    session->value[text.len] = '\0';
}

static void take_rows(char out[ISO_TEXT], struct tx_bytes packed)
{
    struct tx_reader rows = tx_reader(packed);
    struct tx_row row;
    size_t at = 0;
    out[0] = '\0';
    while (tx_rows_next(&rows, &row)) {
        at += (size_t)snprintf(out + at, ISO_TEXT - at, "%.*s=%.*s ", (int)row.key.len,
                               (const char *)row.key.data, (int)row.value.len,
                               (const char *)row.value.data);
        TX_ASSERT(at < ISO_TEXT);
    }
}

static void take_operated(struct iso_session *session, const struct tx_msg_operated *msg)
{
    TX_ASSERT(session->state == ISO_WAITING && msg->step == session->step);
    if (msg->reason != TX_REASON_NONE) {
        session->state = ISO_ABORTED;
        return;
    }
    TX_ASSERT(msg->results_n == 1);
    session->state = ISO_OPEN;
    if (session->value[0] == '=') {
        take_rows(session->value, msg->results[0].value);
    } else {
        bool found = msg->results[0].found;
        take_text(session, found ? msg->results[0].value : tx_bytes_str("-"));
    }
}

static void take_vote(struct iso_session *session, const struct tx_msg_vote *msg)
{
    static const enum iso_state states[TX_VOTES_N] = {
        [TX_VOTE_YES] = ISO_PREPARED,
        [TX_VOTE_NO] = ISO_ABORTED,
        [TX_VOTE_READ_ONLY] = ISO_COMMITTED,
        [TX_VOTE_COMMITTED] = ISO_COMMITTED,
    };
    session->state = states[msg->vote];
}

static void deliver(struct iso_node *node, const struct tx_msg *msg)
{
    if (msg->type == TX_MSG_OPERATED) {
        take_operated(&node->sessions[msg->operated.id.seq - 1], &msg->operated);
    } else if (msg->type == TX_MSG_VOTE) {
        take_vote(&node->sessions[msg->vote.id.seq - 1], &msg->vote);
    } else {
        TX_ASSERT(msg->type != TX_MSG_ERROR);
    }
}

/* ---- the shell's work ---- */

static void tell(struct iso_node *node, struct tx_id tx, enum part_rm_call call,
                 const struct rm_answer *answer)
{
    static const enum part_rm_status statuses[] = {
        [RM_OK] = PART_RM_OK,
        [RM_READ_ONLY] = PART_RM_READ_ONLY,
        [RM_ROLLED_BACK] = PART_RM_ROLLED_BACK,
    };
    TX_ASSERT(answer->status <= RM_ROLLED_BACK);
    struct part_event event = {.type = PART_EVENT_RM,
                               .tx = tx,
                               .call = call,
                               .status = statuses[answer->status],
                               .reason = answer->reason,
                               .text = answer->text,
                               .result = answer->result,
                               .redo = answer->redo,
                               .wrote = answer->wrote};
    part_core_step(node->core, &event, NOW_US, &node->actions);
}

static void execute(struct iso_node *node, const struct part_action *action)
{
    struct rm_answer answer = {0};
    struct slow_answer *slow = &node->slow[action->tx.seq - 1];
    node->rm->vtable->execute(node->rm, action->tx, &action->op, &answer);
    if (!node->slow_scans || action->op.type != TX_OP_SCAN) {
        tell(node, action->tx, PART_RM_EXECUTE, &answer);
        return;
    }
    TX_ASSERT(!slow->there && answer.status == RM_OK);
    slow->there = true;
    slow->answer = answer;
    tx_buf_clear(&slow->value);
    tx_buf_append(&slow->value, answer.result.value);
    slow->answer.result.value = tx_buf_view(&slow->value);
}

static void append(struct iso_node *node, struct part_action *action)
{
    struct rm_answer answer = {0};
    struct rm_batch batch = {0};
    action->record.start = 1;
    if (action->commit_writes) {
        node->rm->vtable->commit(node->rm, action->tx, action->record.lsn, &batch, &answer);
        TX_ASSERT(answer.status == RM_OK);
    }
    sim_disk_append(node->disk, &action->record, batch.puts, batch.puts_n);
    if (action->commit_writes) {
        node->rm->vtable->committed(node->rm, action->tx);
    }
    node->last = action->record.lsn;
}

static void perform(struct iso_node *node, struct part_action *action)
{
    struct rm_answer answer = {0};
    switch (action->type) {
    case PART_ACTION_SEND:
        deliver(node, &action->msg);
        return;
    case PART_ACTION_APPEND:
        append(node, action);
        return;
    case PART_ACTION_EXECUTE:
        execute(node, action);
        return;
    case PART_ACTION_PREPARE:
        node->rm->vtable->prepare(node->rm, action->tx, &answer);
        tell(node, action->tx, PART_RM_PREPARE, &answer);
        return;
    case PART_ACTION_ROLLBACK:
        node->rm->vtable->rollback(node->rm, action->tx, &answer);
        return;
    case PART_ACTION_COMPACT:
    case PART_ACTION_ALARM:
    case PART_ACTION_STAMP:
    case PART_ACTION_NOTE:
        return;
    }
}

static void perform_all(struct iso_node *node)
{
    for (size_t i = 0; i < node->actions.n; i++) {
        struct part_action action = node->actions.items[i]; /* performing may move the array */
        perform(node, &action);
    }
    part_actions_clear(&node->actions);
}

/* What has been put into the actions, and what follows from it. */
static void settle(struct iso_node *node)
{
    perform_all(node);
    while (sim_disk_durable(node->disk).n < node->last.n) {
        struct part_event durable = {.type = PART_EVENT_DURABLE, .lsn = node->last};
        sim_disk_synced(node->disk, node->last);
        node->rm->vtable->durable(node->rm, node->last);
        part_core_step(node->core, &durable, NOW_US, &node->actions);
        perform_all(node);
    }
    part_core_check(node->core);
}

static void step(struct iso_node *node, const struct part_event *event)
{
    part_core_step(node->core, event, NOW_US, &node->actions);
    settle(node);
}

static void from_coordinator(struct iso_node *node, const struct tx_msg *msg)
{
    struct tx_envelope envelope = {
        .role = TX_ROLE_COORDINATOR, .coordinator = 1, .start = 1, .life = 77};
    (void)snprintf(envelope.address.s, sizeof envelope.address.s, "coordinator-1");
    step(node, &(struct part_event){.type = PART_EVENT_MESSAGE, .envelope = &envelope, .msg = msg});
}

/* ---- sessions ---- */

void iso_begin(struct iso_node *node, size_t session, uint64_t age, enum tx_isolation isolation)
{
    node->sessions[session] = (struct iso_session){.age = age, .isolation = isolation};
}

const struct iso_session *iso_session(const struct iso_node *node, size_t session)
{
    return &node->sessions[session];
}

void iso_operate(struct iso_node *node, size_t session, const struct tx_op *op)
{
    struct iso_session *self = &node->sessions[session];
    struct tx_envelope envelope = {.role = TX_ROLE_CLIENT};
    struct tx_msg msg = {.type = TX_MSG_OPERATE,
                         .operate = {.req = ++self->step,
                                     .id = id_of(session),
                                     .token = token_of(session),
                                     .age = {self->age, 1},
                                     .step = self->step,
                                     .isolation = self->isolation,
                                     .ops = op,
                                     .ops_n = 1}};
    TX_ASSERT(self->state == ISO_OPEN);
    self->state = ISO_WAITING;
    (void)snprintf(self->value, ISO_TEXT, "%s", op->type == TX_OP_SCAN ? "=" : "");
    step(node,
         &(struct part_event){
             .type = PART_EVENT_MESSAGE, .client = session, .envelope = &envelope, .msg = &msg});
}

bool iso_has_answer(const struct iso_node *node, size_t session)
{
    return node->slow[session].there;
}

void iso_answer(struct iso_node *node, size_t session)
{
    struct slow_answer *slow = &node->slow[session];
    struct tx_buf value = slow->value; /* its place may take the answer to the next read */
    TX_ASSERT(slow->there);
    slow->there = false;
    slow->value = (struct tx_buf){0};
    tell(node, id_of(session), PART_RM_EXECUTE, &slow->answer);
    settle(node);
    tx_buf_deinit(&value);
}

static void prepare(struct iso_node *node, size_t session, bool one_phase)
{
    const struct tx_position known[2] = {{1, 5, {1}}, {1, 6, {1}}};
    struct tx_member members[2] = {{.name = {"a"}, .incarnation = 1},
                                   {.name = {"b"}, .incarnation = 1}};
    struct tx_msg msg = {.type = TX_MSG_PREPARE,
                         .prepare = {.id = id_of(session),
                                     .age = {node->sessions[session].age, 1},
                                     .token = token_of(session),
                                     .one_phase = one_phase,
                                     .members = members,
                                     .members_n = one_phase ? 1 : 2,
                                     .known = known}};
    (void)snprintf(members[1].address.s, sizeof members[1].address.s, "participant-b");
    TX_ASSERT(node->sessions[session].state == ISO_OPEN);
    from_coordinator(node, &msg);
    TX_ASSERT(node->sessions[session].state != ISO_OPEN);
}

void iso_prepare(struct iso_node *node, size_t session)
{
    prepare(node, session, false);
}

void iso_finish(struct iso_node *node, size_t session)
{
    prepare(node, session, true);
}

void iso_commit(struct iso_node *node, size_t session)
{
    TX_ASSERT(node->sessions[session].state == ISO_PREPARED);
    node->sessions[session].state = ISO_COMMITTED;
    from_coordinator(node,
                     &(struct tx_msg){.type = TX_MSG_COMMIT, .commit = {.id = id_of(session)}});
}

void iso_abort(struct iso_node *node, size_t session)
{
    node->sessions[session].state = ISO_ABORTED;
    from_coordinator(node, &(struct tx_msg){.type = TX_MSG_ABORT,
                                            .abort = {id_of(session), TX_REASON_CLIENT, true}});
}

/* ---- life ---- */

static struct tx_op get_op(const char *key)
{
    return (struct tx_op){.type = TX_OP_GET, .space = tx_bytes_str("s"), .key = tx_bytes_str(key)};
}

static void put_initial(struct iso_node *node)
{
    static const char *const keys[] = {"x", "y"};
    size_t session = ISO_SESSIONS;
    iso_begin(node, session, 1, TX_SERIALIZABLE);
    for (size_t i = 0; i < 2; i++) {
        struct tx_op op = get_op(keys[i]);
        op.type = TX_OP_PUT;
        op.value = tx_bytes_str("10");
        iso_operate(node, session, &op);
    }
    iso_finish(node, session);
    TX_ASSERT(node->sessions[session].state == ISO_COMMITTED);
}

struct iso_node *iso_node_new(enum tx_lock_policy policy, bool slow_scans)
{
    struct iso_node *node = tx_xcalloc(1, sizeof *node);
    node->slow_scans = slow_scans;
    struct part_options options = {.name = {"a"},
                                   .incarnation = 1,
                                   .life = 5,
                                   .idle_us = 10000000,
                                   .lock_timeout_us = 5000000,
                                   .inquiry_us = 1000000,
                                   .inquiry_max_us = 8000000,
                                   .txs_max = 10,
                                   .locks_max = 1000,
                                   .lock_policy = policy,
                                   .tombstones_max = 100};
    struct txlog_record start = {
        .type = TXLOG_START, .lsn = {1}, .start = 1, .started = {.life = 5}};
    struct tx_position known = {1, 77, {1}};
    struct tx_msg hello = {.type = TX_MSG_HELLO,
                           .hello = {.lsn = {1}, .number = 1, .starts = &known, .starts_n = 1}};
    struct tx_why why;
    node->disk = sim_disk_new();
    node->core = part_core_new(&options);
    sim_disk_append(node->disk, &start, NULL, 0);
    node->last = start.lsn;
    sim_disk_synced(node->disk, node->last);
    enum tx_error error = kv_open(sim_disk_log(node->disk), 1024, &node->rm, &why);
    TX_ASSERT(error == TX_OK);
    error = part_core_recovered(node->core, node->last, NOW_US, &node->actions, &why);
    TX_ASSERT(error == TX_OK);
    perform_all(node);
    from_coordinator(node, &hello);
    put_initial(node);
    return node;
}

void iso_node_free(struct iso_node **node)
{
    for (size_t i = 0; i <= ISO_SESSIONS; i++) {
        tx_buf_deinit(&(*node)->slow[i].value);
    }
    part_core_destroy(&(*node)->core);
    part_actions_deinit(&(*node)->actions);
    (*node)->rm->vtable->close(&(*node)->rm);
    sim_disk_destroy(&(*node)->disk);
    free(*node);
    *node = NULL;
}

void iso_value(struct iso_node *node, const char *key, char out[ISO_TEXT])
{
    struct rm_answer answer = {0};
    struct tx_op op = get_op(key);
    struct tx_id id = {1, 1, 99};
    node->rm->vtable->execute(node->rm, id, &op, &answer);
    TX_ASSERT(answer.status == RM_OK && answer.result.value.len < ISO_TEXT);
    struct tx_bytes value = answer.result.found ? answer.result.value : tx_bytes_str("-");
    memcpy(out, value.data, value.len);
    out[value.len] = '\0';
    node->rm->vtable->rollback(node->rm, id, &answer);
}

void iso_rows(struct iso_node *node, char out[ISO_TEXT])
{
    struct rm_answer answer = {0};
    struct tx_op op = {.type = TX_OP_SCAN, .space = tx_bytes_str("s"), .limit = 100};
    struct tx_id id = {1, 1, 99};
    node->rm->vtable->execute(node->rm, id, &op, &answer);
    TX_ASSERT(answer.status == RM_OK && !answer.result.found);
    take_rows(out, answer.result.value);
    node->rm->vtable->rollback(node->rm, id, &answer);
}
