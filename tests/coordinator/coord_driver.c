#include "coord_driver.h"

#include "common/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t index_of(char who)
{
    size_t at = (size_t)(who - 'a');
    TX_ASSERT(at < NODES_N);
    return at;
}

/* ---- life ---- */

void driver_init(struct driver *d)
{
    *d = (struct driver){.now = 1000 * SECOND_US, .mode = TX_COMMIT_COORDINATOR};
    for (size_t i = 0; i < NODES_N; i++) {
        d->nodes[i].name.s[0] = (char)('a' + i);
        (void)snprintf(d->nodes[i].address.s, sizeof d->nodes[i].address.s, "ipc://node-%c",
                       (char)('a' + i));
        d->incarnation[i] = 5;
        d->lsn[i] = 100;
        d->life[i] = 0x50;
    }
    d->options = (struct coord_options){
        .id = 1,
        .epoch = 1,
        .life = 0x11fe,
        .nodes = d->nodes,
        .nodes_n = NODES_N,
        .prepare_timeout_us = 30 * SECOND_US,
        .prepare_tries = 3,
        .active_idle_us = 60 * SECOND_US,
        .resend_us = SECOND_US / 4,
        .resend_max_us = 8 * SECOND_US,
        .hello_us = SECOND_US,
        .peer_down_us = 5 * SECOND_US,
        .forget_us = SECOND_US / 2,
        .retention_us = 300 * SECOND_US,
        .retained_max = 1000,
        .txs_max = 100,
        .lock_timeout_ms = 1234,
        .snapshot_records = 1000000,
        .retain_records = 1000000,
    };
}

static void store(struct driver *d, struct txlog_record *record)
{
    assert_int_equal(record->lsn.n, d->log_n + 1);
    d->log = tx_xrealloc(d->log, (d->log_n + 1) * sizeof *d->log);
    d->log[d->log_n] = (struct tx_buf){0};
    assert_int_equal(txlog_record_encode(record, &d->log[d->log_n]), TX_OK);
    d->log_n++;
}

static void see(struct driver *d)
{
    if (d->actions.capacity > d->taken_capacity) {
        d->taken = tx_xrealloc(d->taken, d->actions.capacity);
        d->taken_capacity = d->actions.capacity;
    }
    for (; d->seen < d->actions.n; d->seen++) {
        struct coord_action *action = &d->actions.items[d->seen];
        d->taken[d->seen] = false;
        if (action->type == COORD_ACTION_APPEND) {
            store(d, &action->record);
        } else if (action->type == COORD_ACTION_STAMP) {
            d->stamped = action->cut;
        } else if (action->type == COORD_ACTION_COMPACT) {
            d->compacted = action->lsn.n;
        } else if (action->type == COORD_ACTION_ALARM) {
            d->alarms++;
        } else if (action->type == COORD_ACTION_SEND && action->msg.type == TX_MSG_HELLO) {
            char who = action->address.s[strlen(action->address.s) - 1];
            d->hello_number[index_of(who)] = action->msg.hello.number;
        }
    }
}

void driver_ignore(struct driver *d)
{
    coord_actions_clear(&d->actions);
    d->seen = 0;
}

static void replay(struct driver *d)
{
    struct tx_arena arena = {0};
    struct txlog_record record;
    struct tx_why why = {0};
    for (size_t i = (size_t)d->compacted; i < d->log_n; i++) {
        assert_int_equal(txlog_record_decode(tx_buf_view(&d->log[i]), &arena, &record, &why),
                         TX_OK);
        if (coord_core_recover(d->core, &record, &why) != TX_OK) {
            fail_msg("%s", why.text);
        }
        tx_arena_reset(&arena);
    }
    tx_arena_deinit(&arena);
}

void driver_start(struct driver *d)
{
    struct txlog_record start = {.type = TXLOG_START,
                                 .lsn = {d->log_n + 1},
                                 .start = d->options.epoch,
                                 .started = {.life = d->options.life}};
    d->core = coord_core_new(&d->options);
    replay(d);
    store(d, &start);
    coord_core_recovered(d->core, (struct tx_lsn){d->log_n}, d->now, &d->actions);
    see(d);
    coord_core_check(d->core);
}

void driver_up(struct driver *d)
{
    driver_init(d);
    driver_start(d);
    driver_welcome_all(d);
}

void driver_restart(struct driver *d, size_t records)
{
    coord_core_destroy(&d->core);
    driver_ignore(d);
    TX_ASSERT(records <= d->log_n);
    while (d->log_n > records) {
        tx_buf_deinit(&d->log[--d->log_n]);
    }
    d->stamped = 0;
    d->options.epoch++;
    d->options.life++;
    driver_start(d);
}

void driver_restart_all(struct driver *d)
{
    driver_restart(d, d->log_n);
}

void driver_deinit(struct driver *d)
{
    coord_core_destroy(&d->core);
    coord_actions_deinit(&d->actions);
    free(d->taken);
    for (size_t i = 0; i < d->log_n; i++) {
        tx_buf_deinit(&d->log[i]);
    }
    free(d->log);
}

/* ---- events ---- */

void driver_step(struct driver *d, const struct coord_event *event)
{
    coord_core_step(d->core, event, d->now, &d->actions);
    see(d);
    coord_core_check(d->core);
}

void driver_participant(struct driver *d, char who, const struct tx_msg *msg)
{
    size_t at = index_of(who);
    struct tx_envelope envelope = {
        .role = TX_ROLE_PARTICIPANT,
        .name = d->nodes[at].name,
        .start = d->incarnation[at],
        .life = d->life[at],
        .address = d->nodes[at].address,
        .cut = d->cut,
    };
    struct coord_event event = {
        .type = COORD_EVENT_MESSAGE, .envelope = &envelope, .msg = msg, .wall_ms = d->now / 1000};
    driver_step(d, &event);
}

void driver_client(struct driver *d, uint64_t client, const struct tx_msg *msg)
{
    struct tx_envelope envelope = {.role = TX_ROLE_CLIENT};
    struct coord_event event = {.type = COORD_EVENT_MESSAGE,
                                .client = client,
                                .envelope = &envelope,
                                .msg = msg,
                                .token = token_of(next_id(d))};
    driver_step(d, &event);
}

void driver_welcome(struct driver *d, char who)
{
    size_t at = index_of(who);
    d->alive[at] = true;
    struct tx_position start = {d->incarnation[at], d->life[at], {d->lsn[at]}};
    struct tx_msg msg = {.type = TX_MSG_WELCOME,
                         .welcome = {.incarnation = d->incarnation[at],
                                     .lsn = {d->lsn[at]},
                                     .number = d->hello_number[at],
                                     .starts = &start,
                                     .starts_n = 1,
                                     .unsettled = d->unsettled[at]}};
    driver_participant(d, who, &msg);
}

void driver_welcome_all(struct driver *d)
{
    for (char who = 'a'; who < 'a' + NODES_N; who++) {
        driver_welcome(d, who);
    }
}

void driver_restart_node(struct driver *d, char who)
{
    size_t at = index_of(who);
    d->incarnation[at]++;
    d->life[at]++;
    d->lsn[at]++;
    driver_welcome(d, who);
}

void driver_durable_to(struct driver *d, uint64_t lsn)
{
    struct coord_event event = {.type = COORD_EVENT_DURABLE, .lsn = {lsn}};
    driver_step(d, &event);
}

void driver_durable(struct driver *d)
{
    driver_durable_to(d, d->log_n);
}

static void answer_hellos(struct driver *d, size_t from)
{
    size_t n = d->actions.n;
    for (size_t i = from; i < n; i++) {
        const struct coord_action *action = &d->actions.items[i];
        if (action->type != COORD_ACTION_SEND || action->msg.type != TX_MSG_HELLO) {
            continue;
        }
        char who = action->address.s[strlen(action->address.s) - 1];
        if (d->alive[index_of(who)]) {
            driver_welcome(d, who);
        }
    }
}

void driver_pass(struct driver *d, uint64_t us)
{
    uint64_t until = d->now + us;
    const struct coord_event tick = {.type = COORD_EVENT_TICK};
    while (coord_core_deadline(d->core) <= until) {
        uint64_t deadline = coord_core_deadline(d->core);
        d->now = deadline > d->now ? deadline : d->now;
        size_t from = d->actions.n;
        driver_step(d, &tick);
        answer_hellos(d, from);
    }
    d->now = until;
}

/* ---- what came out ---- */

static const struct tx_msg *find(struct driver *d, enum coord_action_type kind, uint64_t client,
                                 const char *address, enum tx_msg_type type, bool take)
{
    for (size_t i = 0; i < d->actions.n; i++) {
        const struct coord_action *action = &d->actions.items[i];
        if (d->taken[i] || action->type != kind || action->msg.type != type) {
            continue;
        }
        bool match = kind == COORD_ACTION_SEND ? strcmp(action->address.s, address) == 0
                                               : action->client == client;
        if (match) {
            d->taken[i] = take;
            return &action->msg;
        }
    }
    return NULL;
}

const struct tx_msg *driver_sent(struct driver *d, char who, enum tx_msg_type type)
{
    const struct tx_msg *msg =
        find(d, COORD_ACTION_SEND, 0, d->nodes[index_of(who)].address.s, type, true);
    if (msg == NULL) {
        fail_msg("no %s was sent to %c", tx_msg_name(type), who);
    }
    return msg;
}

bool driver_was_sent(struct driver *d, char who, enum tx_msg_type type)
{
    return find(d, COORD_ACTION_SEND, 0, d->nodes[index_of(who)].address.s, type, true) != NULL;
}

const struct tx_msg *driver_replied(struct driver *d, uint64_t client, enum tx_msg_type type)
{
    const struct tx_msg *msg = find(d, COORD_ACTION_REPLY, client, NULL, type, true);
    if (msg == NULL) {
        fail_msg("no %s was replied", tx_msg_name(type));
    }
    return msg;
}

size_t driver_count(struct driver *d, enum tx_msg_type type)
{
    size_t n = 0;
    for (size_t i = 0; i < d->actions.n; i++) {
        const struct coord_action *action = &d->actions.items[i];
        bool message = action->type == COORD_ACTION_SEND || action->type == COORD_ACTION_REPLY;
        n += message && !d->taken[i] && action->msg.type == type;
    }
    return n;
}

void driver_quiet(struct driver *d)
{
    for (size_t i = 0; i < d->actions.n; i++) {
        const struct coord_action *action = &d->actions.items[i];
        bool message = action->type == COORD_ACTION_SEND || action->type == COORD_ACTION_REPLY;
        if (message && !d->taken[i] && action->msg.type != TX_MSG_HELLO &&
            action->msg.type != TX_MSG_FORGET) {
            fail_msg("%s to %s was not expected", tx_msg_name(action->msg.type),
                     action->type == COORD_ACTION_SEND ? action->address.s : "a client");
        }
    }
    driver_ignore(d);
}

int driver_setup(void **state)
{
    driver_up(*state);
    driver_quiet(*state);
    return 0;
}

int driver_teardown(void **state)
{
    driver_deinit(*state);
    return 0;
}

bool driver_noted(const struct driver *d, const char *text)
{
    for (size_t i = 0; i < d->actions.n; i++) {
        const struct coord_action *action = &d->actions.items[i];
        if ((action->type == COORD_ACTION_NOTE || action->type == COORD_ACTION_ALARM) &&
            memmem(action->text.data, action->text.len, text, strlen(text)) != NULL) {
            return true;
        }
    }
    return false;
}

const struct txlog_record *driver_record(struct driver *d, enum txlog_type type)
{
    for (size_t i = d->actions.n; i-- > 0;) {
        const struct coord_action *action = &d->actions.items[i];
        if (action->type == COORD_ACTION_APPEND) {
            return action->record.type == type ? &action->record : NULL;
        }
    }
    return NULL;
}

struct coord_stats driver_stats(const struct driver *d)
{
    struct coord_stats stats;
    coord_core_stats(d->core, &stats);
    return stats;
}

void assert_state(const struct driver *d, struct tx_id id, const char *name)
{
    assert_string_equal(coord_core_state_name(d->core, id), name);
}

/* ---- messages ---- */

struct tx_id next_id(const struct driver *d)
{
    struct coord_stats stats = driver_stats(d);
    return (struct tx_id){1, d->options.epoch, stats.begun + 1};
}

struct tx_token token_of(struct tx_id id)
{
    struct tx_token token = {{0x70, (uint8_t)id.seq, (uint8_t)(id.seq >> 8), (uint8_t)id.epoch}};
    return token;
}

struct tx_op op_put(const char *participant, const char *key, const char *value)
{
    struct tx_op op = {.type = TX_OP_PUT,
                       .space = tx_bytes_str("s"),
                       .key = tx_bytes_str(key),
                       .value = tx_bytes_str(value)};
    (void)snprintf(op.participant.s, sizeof op.participant.s, "%s", participant);
    return op;
}

struct tx_op op_get(const char *participant, const char *key)
{
    struct tx_op op = op_put(participant, key, "");
    op.type = TX_OP_GET;
    return op;
}

struct tx_op op_scan(const char *participant, const char *from, const char *to, uint32_t limit)
{
    struct tx_op op = op_put(participant, from, "");
    op.type = TX_OP_SCAN;
    op.to = tx_bytes_str(to);
    op.limit = limit;
    return op;
}

struct tx_id begin(struct driver *d)
{
    struct tx_msg msg = {.type = TX_MSG_BEGIN, .begin = {.req = ++d->req}};
    driver_client(d, CLIENT, &msg);
    return driver_replied(d, CLIENT, TX_MSG_BEGUN)->begun.id;
}

void finish(struct driver *d, enum tx_msg_type type, struct tx_id id, const char *members)
{
    struct tx_member list[NODES_N];
    size_t n = strlen(members);
    TX_ASSERT(n <= NODES_N);
    for (size_t i = 0; i < n; i++) {
        bool reader = members[i] < 'a';
        size_t at = index_of(reader ? (char)(members[i] + ('a' - 'A')) : members[i]);
        list[i] = d->nodes[at];
        list[i].incarnation = d->incarnation[at];
        list[i].read_only = reader;
    }
    struct tx_msg msg = {.type = type,
                         .finish = {.req = ++d->req,
                                    .id = id,
                                    .token = token_of(id),
                                    .members = list,
                                    .members_n = n,
                                    .mode = d->mode}};
    driver_client(d, CLIENT, &msg);
}

void commit_request(struct driver *d, struct tx_id id, const char *members)
{
    finish(d, TX_MSG_COMMIT_REQUEST, id, members);
}

static void submit_any(struct driver *d, uint64_t client, struct tx_msg_submit submit)
{
    submit.req = ++d->req;
    submit.mode = d->mode;
    struct tx_msg msg = {.type = TX_MSG_SUBMIT, .submit = submit};
    driver_client(d, client, &msg);
}

void submit_ops(struct driver *d, uint64_t client, const struct tx_op *ops, size_t n,
                const char *key)
{
    submit_any(d, client, (struct tx_msg_submit){.key = tx_bytes_str(key), .ops = ops, .ops_n = n});
}

void submit_at(struct driver *d, enum tx_isolation isolation, const struct tx_op *ops, size_t n,
               const char *key)
{
    submit_any(d, CLIENT,
               (struct tx_msg_submit){
                   .key = tx_bytes_str(key), .isolation = isolation, .ops = ops, .ops_n = n});
}

struct tx_id submit(struct driver *d, const char *members, const char *key)
{
    struct tx_op ops[NODES_N];
    size_t n = strlen(members);
    for (size_t i = 0; i < n; i++) {
        char name[2] = {members[i], '\0'};
        ops[i] = op_put(name, "k", "v");
    }
    struct tx_id id = next_id(d);
    submit_ops(d, CLIENT, ops, n, key);
    return id;
}

void vote(struct driver *d, char who, struct tx_id id, enum tx_vote kind, size_t results)
{
    struct tx_result list[8] = {0};
    TX_ASSERT(results <= 8);
    char values[8][4];
    for (size_t i = 0; i < results; i++) {
        (void)snprintf(values[i], sizeof values[i], "%c%zu", who, i);
        list[i] = (struct tx_result){.found = true, .value = tx_bytes_str(values[i])};
    }
    size_t at = index_of(who);
    bool durable = kind == TX_VOTE_YES || kind == TX_VOTE_COMMITTED;
    struct tx_msg msg = {.type = TX_MSG_VOTE,
                         .vote = {.id = id,
                                  .vote = kind,
                                  .incarnation = d->incarnation[at],
                                  .lsn = {durable ? ++d->lsn[at] : 0},
                                  .results = list,
                                  .results_n = results}};
    driver_participant(d, who, &msg);
}

void vote_no(struct driver *d, char who, struct tx_id id, enum tx_reason reason)
{
    struct tx_msg msg = {.type = TX_MSG_VOTE,
                         .vote = {.id = id,
                                  .vote = TX_VOTE_NO,
                                  .incarnation = d->incarnation[index_of(who)],
                                  .reason = reason,
                                  .text = tx_bytes_str("so it is")}};
    driver_participant(d, who, &msg);
}

void ack(struct driver *d, char who, struct tx_id id)
{
    size_t at = index_of(who);
    struct tx_msg msg = {.type = TX_MSG_ACK,
                         .ack = {.id = id,
                                 .incarnation = d->incarnation[at],
                                 .lsn = {++d->lsn[at]},
                                 .members_decide = d->members_decide}};
    driver_participant(d, who, &msg);
}

void join(struct driver *d, char who, struct tx_id id)
{
    struct tx_msg msg = {.type = TX_MSG_JOIN, .id = {.id = id}};
    driver_participant(d, who, &msg);
}

void inquire(struct driver *d, char who, struct tx_id id)
{
    struct tx_msg msg = {
        .type = TX_MSG_INQUIRE,
        .inquire = {.id = id, .in_doubt = true, .members_decide = d->members_decide}};
    driver_participant(d, who, &msg);
}

void state(struct driver *d, char who, struct tx_id id, enum tx_state kind)
{
    struct tx_msg msg = {.type = TX_MSG_STATE,
                         .state = {.id = id,
                                   .state = kind,
                                   .incarnation = d->incarnation[index_of(who)],
                                   .members_decide = d->members_decide}};
    driver_participant(d, who, &msg);
}

void outcome_ack(struct driver *d, struct tx_id id)
{
    struct tx_msg msg = {.type = TX_MSG_OUTCOME_ACK, .id = {.id = id}};
    driver_client(d, CLIENT, &msg);
}

const struct tx_msg_outcome *assert_outcome(struct driver *d, struct tx_id id,
                                            enum tx_outcome outcome, enum tx_reason reason)
{
    const struct tx_msg_outcome *answer = NULL;
    for (size_t i = 0; answer == NULL && i < d->actions.n; i++) {
        const struct coord_action *action = &d->actions.items[i];
        if (!d->taken[i] && action->type == COORD_ACTION_REPLY && action->client == CLIENT &&
            action->msg.type == TX_MSG_OUTCOME && tx_id_equal(action->msg.outcome.id, id)) {
            d->taken[i] = true;
            answer = &action->msg.outcome;
        }
    }
    if (answer == NULL) {
        fail_msg("no outcome of transaction %d was replied", (int)id.seq);
        abort();
    }
    assert_string_equal(tx_outcome_name(answer->outcome), tx_outcome_name(outcome));
    assert_string_equal(tx_reason_name(answer->reason), tx_reason_name(reason));
    return answer;
}

void assert_error(struct driver *d, enum tx_error error, enum tx_reason reason, const char *text)
{
    const struct tx_msg_error *answer = &driver_replied(d, CLIENT, TX_MSG_ERROR)->error;
    assert_string_equal(tx_error_name(answer->error), tx_error_name(error));
    assert_string_equal(tx_reason_name(answer->reason), tx_reason_name(reason));
    if (memmem(answer->text.data, answer->text.len, text, strlen(text)) == NULL) {
        fail_msg("\"%s\" is not in \"%.*s\"", text, (int)answer->text.len,
                 (const char *)answer->text.data);
    }
}

/* ---- transactions ---- */

void fill_log(struct driver *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        outcome_ack(d, tx_finished_committed(d));
        driver_ignore(d);
    }
}

struct tx_id tx_collecting(struct driver *d)
{
    struct tx_id id = begin(d);
    commit_request(d, id, "ab");
    (void)driver_sent(d, 'a', TX_MSG_PREPARE);
    (void)driver_sent(d, 'b', TX_MSG_PREPARE);
    return id;
}

struct tx_id tx_deciding(struct driver *d)
{
    struct tx_id id = tx_collecting(d);
    vote(d, 'a', id, TX_VOTE_YES, 0);
    vote(d, 'b', id, TX_VOTE_YES, 0);
    return id;
}

struct tx_id tx_committed(struct driver *d)
{
    struct tx_id id = tx_deciding(d);
    driver_durable(d);
    (void)assert_outcome(d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    (void)driver_sent(d, 'a', TX_MSG_COMMIT);
    (void)driver_sent(d, 'b', TX_MSG_COMMIT);
    return id;
}

struct tx_id tx_finished_committed(struct driver *d)
{
    struct tx_id id = tx_committed(d);
    ack(d, 'a', id);
    ack(d, 'b', id);
    driver_durable(d);
    return id;
}

struct tx_id tx_finished_aborted(struct driver *d)
{
    struct tx_id id = tx_collecting(d);
    vote_no(d, 'a', id, TX_REASON_WOUNDED);
    (void)assert_outcome(d, id, TX_OUTCOME_ABORTED, TX_REASON_WOUNDED);
    (void)driver_sent(d, 'b', TX_MSG_ABORT);
    return id;
}

struct tx_id tx_one_phase(struct driver *d)
{
    struct tx_id id = submit(d, "a", "");
    (void)driver_sent(d, 'a', TX_MSG_PREPARE);
    vote(d, 'a', id, TX_VOTE_COMMITTED, 1);
    (void)assert_outcome(d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    return id;
}
