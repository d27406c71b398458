/* A played cluster. */
#include "tests/client/fake_cluster.h"

#include "common/assert.h"
#include "common/rows.h"
#include "tests/common/pace.h"
#include <stdio.h>
#include <string.h>

static const struct tx_token token = {.bytes = {1, 2, 3, 4}};

/* ---- what every answer goes through ---- */

static void answer(struct fake *fake, struct peer *peer, const struct tx_msg *msg)
{
    if (fake->garbage && peer == fake->coordinator) {
        peer_reply_bytes(peer, "\xc1garbage", 8);
    }
    if (fake->foreign && peer == fake->coordinator) {
        peer_reply_foreign(peer, msg);
    } else {
        peer_reply(peer, msg);
    }
}

/* Counts a message that the test wants ignored or refused. */
static bool disturbed(struct fake *fake, struct peer *peer, const struct tx_msg *msg, uint64_t req)
{
    if (fake->ignore[msg->type] > 0) {
        fake->ignore[msg->type]--;
        return true;
    }
    if (fake->refuse[msg->type] > 0) {
        fake->refuse[msg->type]--;
        struct tx_msg error = {.type = TX_MSG_ERROR,
                               .error = {.req = req,
                                         .error = fake->refusal,
                                         .reason = fake->refusal_reason,
                                         .text = tx_bytes_str("the test wants it so")}};
        answer(fake, peer, &error);
        return true;
    }
    return false;
}

/* ---- results ---- */

static void add_row(struct tx_buf *rows, unsigned number)
{
    char key[16], value[16];
    (void)snprintf(key, sizeof key, "k%03u", number);
    (void)snprintf(value, sizeof value, "%u", number);
    tx_rows_add(rows, (struct tx_row){tx_bytes_str(key), tx_bytes_str(value)});
}

static bool has_row(const struct tx_op *op, unsigned number)
{
    char key[16];
    (void)snprintf(key, sizeof key, "k%03u", number);
    return tx_bytes_compare(op->key, tx_bytes_str(key)) <= 0 &&
           (op->to.len == 0 || tx_bytes_compare(tx_bytes_str(key), op->to) < 0);
}

/* The rows of a scan, right or wrong; gives whether there is more. */
static bool fill_rows(struct fake *fake, const struct tx_op *op, struct tx_buf *rows)
{
    uint32_t n = 0;
    uint32_t limit = op->limit + (fake->rows == FAKE_ROWS_TOO_MANY ? 1 : 0);
    if (fake->rows_max > 0 && fake->rows_max < limit) {
        limit = fake->rows_max;
    }
    TX_ASSERT(fake->scans < FAKE_STEPS_MAX);
    fake->limits[fake->scans++] = op->limit;
    if (fake->rows == FAKE_ROWS_NONE_OF_MORE) {
        return true;
    }
    for (unsigned i = 0; i < fake->rows_n && n < limit; i++) {
        unsigned number = op->reverse ? fake->rows_n - 1 - i : i;
        if (has_row(op, number)) {
            add_row(rows, number);
            n++;
        }
    }
    if (fake->rows == FAKE_ROWS_TWICE || fake->rows == FAKE_ROWS_OUTSIDE) {
        add_row(rows, fake->rows == FAKE_ROWS_TWICE ? 0 : 999);
    } else if (fake->rows == FAKE_ROWS_NONSENSE) {
        tx_buf_u8(rows, 1);
    }
    return n == limit;
}

/* ---- the coordinator ---- */

static struct tx_member member(const char *name, const struct peer *peer)
{
    struct tx_member made = {.incarnation = 0};
    enum tx_error error = tx_name_set(&made.name, tx_bytes_str(name));
    TX_ASSERT(error == TX_OK);
    error = tx_address_set(&made.address, tx_bytes_str(peer_endpoint(peer)));
    TX_ASSERT(error == TX_OK);
    return made;
}

static void on_begin(struct fake *fake, const struct tx_msg *msg)
{
    TX_ASSERT(fake->begins < FAKE_STEPS_MAX);
    fake->ages[fake->begins++] = msg->begin.age;
    struct tx_member nodes[2] = {member("a", fake->a), member("b", fake->b)};
    struct tx_age age = {.counter = 100u + fake->begins, .coordinator = 1};
    struct tx_msg begun = {.type = TX_MSG_BEGUN,
                           .begun = {.req = msg->begin.req,
                                     .id = {1, 7, fake->begins},
                                     .age = msg->begin.age.counter > 0 ? msg->begin.age : age,
                                     .token = token,
                                     .nodes = nodes,
                                     .nodes_n = 2}};
    answer(fake, fake->coordinator, &begun);
}

static void send_outcome(struct fake *fake, uint64_t req, struct tx_id id, enum tx_outcome outcome,
                         enum tx_reason reason, const struct tx_op *ops, size_t results_n)
{
    struct tx_result results[FAKE_OPS_MAX];
    struct tx_buf rows[FAKE_OPS_MAX] = {0};
    TX_ASSERT(results_n <= FAKE_OPS_MAX);
    for (size_t i = 0; i < results_n; i++) {
        bool found = (fake->absent >> i & 1u) == 0;
        results[i] = (struct tx_result){.found = found, .value = tx_bytes_str(found ? "42" : "")};
        if (ops[i].type == TX_OP_SCAN) {
            results[i].found = fill_rows(fake, &ops[i], &rows[i]);
            results[i].value = tx_buf_view(&rows[i]);
        }
    }
    struct tx_msg msg = {
        .type = TX_MSG_OUTCOME,
        .outcome = {.req = req,
                    .id = id,
                    .outcome = outcome,
                    .reason = outcome == TX_OUTCOME_ABORTED ? reason : TX_REASON_NONE,
                    .results = results,
                    .results_n = outcome == TX_OUTCOME_COMMITTED ? results_n : 0}};
    answer(fake, fake->coordinator, &msg);
    for (size_t i = 0; i < results_n; i++) {
        tx_buf_deinit(&rows[i]);
    }
}

static void note_req(struct fake *fake, uint64_t req)
{
    fake->commit_req_moved =
        fake->commit_req_moved || (fake->commit_req != 0 && fake->commit_req != req);
    fake->commit_req = req;
}

static void on_finish(struct fake *fake, const struct tx_msg *msg)
{
    const struct tx_msg_finish *finish = &msg->finish;
    fake->finish = *finish;
    TX_ASSERT(finish->members_n <= TX_MEMBERS_MAX);
    for (size_t i = 0; i < finish->members_n; i++) {
        fake->members[i] = finish->members[i];
    }
    fake->finish.members = fake->members;
    if (msg->type == TX_MSG_COMMIT_REQUEST) {
        note_req(fake, finish->req);
    }
    if (disturbed(fake, fake->coordinator, msg, finish->req)) {
        return;
    }
    enum tx_outcome outcome = msg->type == TX_MSG_COMMIT_REQUEST  ? fake->commit_outcome
                              : msg->type == TX_MSG_ABORT_REQUEST ? fake->abort_outcome
                                                                  : fake->asked_outcome;
    enum tx_reason reason =
        msg->type == TX_MSG_ABORT_REQUEST ? TX_REASON_CLIENT : fake->abort_reason;
    send_outcome(fake, finish->req, finish->id, outcome, reason, NULL, 0);
}

static void on_submit(struct fake *fake, const struct tx_msg *msg)
{
    const struct tx_msg_submit *submit = &msg->submit;
    note_req(fake, submit->req);
    fake->isolation = submit->isolation;
    fake->commit_mode = submit->mode;
    TX_ASSERT(submit->key.len <= sizeof fake->key);
    if (submit->key.len > 0) {
        memcpy(fake->key, submit->key.data, submit->key.len);
    }
    fake->key_len = submit->key.len;
    if (!disturbed(fake, fake->coordinator, msg, submit->req)) {
        send_outcome(fake, submit->req, (struct tx_id){1, 7, 99}, fake->commit_outcome,
                     fake->abort_reason, submit->ops,
                     submit->ops_n - (fake->wrong_results ? 1 : 0));
    }
}

static void send_status(struct fake *fake, uint64_t req)
{
    struct tx_status_field fields[] = {{tx_bytes_str("role"), tx_bytes_str("coordinator")},
                                       {tx_bytes_str("epoch"), tx_bytes_str("7")}};
    struct tx_status_tx txs[] = {{.id = {1, 7, 5},
                                  .state = tx_bytes_str("active"),
                                  .age_ms = 1234,
                                  .detail = tx_bytes_str("waits for its client")}};
    struct tx_status_peer peers[] = {{.name = tx_bytes_str("a"),
                                      .address = tx_bytes_str("tcp://127.0.0.1:1"),
                                      .state = tx_bytes_str("up"),
                                      .start = 3,
                                      .silent_ms = 9}};
    struct tx_msg msg = {.type = TX_MSG_STATUS,
                         .status = {.req = req,
                                    .fields = fields,
                                    .fields_n = 2,
                                    .txs = txs,
                                    .txs_n = 1,
                                    .peers = peers,
                                    .peers_n = 1}};
    answer(fake, fake->coordinator, &msg);
}

static void on_ack(struct fake *fake, const struct tx_msg *msg)
{
    TX_ASSERT(fake->acks < FAKE_STEPS_MAX);
    fake->acked[fake->acks++] = msg->id.id;
}

static void on_coordinator(struct peer *peer, const struct tx_msg *msg, void *arg)
{
    struct fake *fake = arg;
    fake_lock(fake);
    if (msg->type == TX_MSG_BEGIN) {
        if (!disturbed(fake, peer, msg, msg->begin.req)) {
            on_begin(fake, msg);
        }
    } else if (msg->type == TX_MSG_SUBMIT) {
        on_submit(fake, msg);
    } else if (msg->type == TX_MSG_OUTCOME_ACK) {
        on_ack(fake, msg);
    } else if (msg->type == TX_MSG_STATUS_REQUEST) {
        if (!disturbed(fake, peer, msg, msg->status_request.req)) {
            send_status(fake, msg->status_request.req);
        }
    } else {
        on_finish(fake, msg);
    }
    fake_unlock(fake);
}

/* ---- the participants ---- */

static void on_operate(struct fake *fake, struct peer *peer, const struct tx_msg_operate *operate)
{
    struct tx_result results[FAKE_OPS_MAX];
    struct tx_buf rows[FAKE_OPS_MAX] = {0};
    bool wrote = false;
    fake->isolation = operate->isolation;
    TX_ASSERT(operate->ops_n <= FAKE_OPS_MAX);
    TX_ASSERT(tx_token_equal(&operate->token, &token));
    for (size_t i = 0; i < operate->ops_n; i++) {
        results[i] = (struct tx_result){.found = true, .value = tx_bytes_str("42")};
        wrote = wrote || tx_op_writes(operate->ops[i].type);
        if (operate->ops[i].type == TX_OP_SCAN) {
            results[i].found = fill_rows(fake, &operate->ops[i], &rows[i]);
            results[i].value = tx_buf_view(&rows[i]);
        }
    }
    bool undone = fake->abort_operates > 0;
    fake->abort_operates -= undone ? 1 : 0;
    size_t results_n = operate->ops_n - (fake->wrong_results ? 1 : 0);
    struct tx_msg msg = {
        .type = TX_MSG_OPERATED,
        .operated = {.req = operate->req,
                     .id = operate->id,
                     .step = operate->step,
                     .incarnation = fake->incarnation,
                     .wrote = wrote,
                     .reason = undone ? fake->abort_reason : TX_REASON_NONE,
                     .text = undone ? tx_bytes_str("the test undid it") : tx_bytes_str(""),
                     .results = results,
                     .results_n = undone ? 0 : results_n}};
    answer(fake, peer, &msg);
    for (size_t i = 0; i < operate->ops_n; i++) {
        tx_buf_deinit(&rows[i]);
    }
}

/* The serial number in a place is that of the row. */
static void on_locks(struct fake *fake, struct peer *peer, const struct tx_msg_locks_request *ask)
{
    static const struct tx_lock_blocker by = {
        .id = {1, 7, 1}, .state = {(const uint8_t *)"prepared", 8}, .mode = TX_LOCK_X};
    struct tx_lock_row rows[4];
    const uint64_t from = ask->from.serial > 0 ? ask->from.serial : 1;
    const bool empty = fake->locks_empty_page && fake->locks_requests == 2;
    uint64_t n = fake->locks_n + 1 - from;
    uint64_t max = fake->locks_greedy ? 4 : ask->limit < 2 ? ask->limit : 2;
    n = empty ? 0 : n < max ? n : max;
    for (uint64_t i = 0; i < n; i++) {
        rows[i] = (struct tx_lock_row){.id = {1, 7, from + i},
                                       .age = {from + i, 1},
                                       .state = tx_bytes_str("working"),
                                       .space = tx_bytes_str("s"),
                                       .key = tx_bytes_str("k"),
                                       .mode = TX_LOCK_X,
                                       .waiting = from + i > 1,
                                       .waited_ms = from + i,
                                       .blockers = &by,
                                       .blockers_n = from + i > 1 ? 1 : 0};
    }
    struct tx_msg msg = {
        .type = TX_MSG_LOCKS,
        .locks = {.req = ask->req, .rows = rows, .rows_n = n, .more = from + n <= fake->locks_n}};
    if (msg.locks.more) {
        msg.locks.next = (struct tx_locks_place){.incarnation = fake->incarnation,
                                                 .serial = from + n,
                                                 .passed = 1,
                                                 .space = tx_bytes_str("s"),
                                                 .key = tx_bytes_str("k")};
    }
    answer(fake, peer, &msg);
}

static void on_locks_request(struct fake *fake, struct peer *peer, const struct tx_msg *msg)
{
    const struct tx_msg_locks_request *ask = &msg->locks_request;
    fake->locks_request = *ask;
    fake->locks_requests++;
    if (fake->locks_restart_at > 0 && fake->locks_restart_at == ask->from.serial) {
        fake->locks_restart_at = 0;
        fake->refuse[msg->type] = 1;
    }
    if (!disturbed(fake, peer, msg, ask->req)) {
        on_locks(fake, peer, ask);
    }
}

static void on_txs_request(struct fake *fake, struct peer *peer, const struct tx_msg *msg)
{
    static const struct tx_open_member member = {.name = {"a"}, .said = TX_SAID_YES};
    const struct tx_msg_txs_request *ask = &msg->txs_request;
    struct tx_open_row rows[2];
    size_t n = 0;
    if (disturbed(fake, peer, msg, ask->req)) {
        return;
    }
    uint64_t seq = ask->from.seq;
    while (seq < fake->txs_n && n < 2 && n < ask->limit) {
        rows[n++] = (struct tx_open_row){.id = {1, 7, ++seq},
                                         .state = tx_bytes_str("prepared"),
                                         .mode = TX_OPEN_MEMBERS,
                                         .waits = TX_WAITS_MEMBERS,
                                         .members = &member,
                                         .members_n = 1};
    }
    struct tx_msg txs = {
        .type = TX_MSG_TXS,
        .txs = {.req = ask->req, .rows = rows, .rows_n = n, .more = seq < fake->txs_n}};
    if (txs.txs.more) {
        txs.txs.next = (struct tx_txs_place){.start = fake->incarnation, .seq = seq};
    }
    answer(fake, peer, &txs);
}

static void on_alarms_request(struct fake *fake, struct peer *peer, const struct tx_msg *msg)
{
    const struct tx_msg_alarms_request *ask = &msg->alarms_request;
    struct tx_alarm_row rows[2];
    size_t n = 0;
    if (disturbed(fake, peer, msg, ask->req)) {
        return;
    }
    uint64_t number = ask->before > 0 ? ask->before - 1 : fake->alarms_n;
    for (; number > 0 && n < 2; number--) {
        rows[n++] = (struct tx_alarm_row){
            .number = number, .time_ms = 1000 + number, .text = tx_bytes_str("an alarm")};
    }
    struct tx_msg alarms = {
        .type = TX_MSG_ALARMS,
        .alarms = {.req = ask->req, .rows = rows, .rows_n = n, .more = number > 0}};
    answer(fake, peer, &alarms);
}

/* Answered as `refuse` and `refusal` say; done, when the refusal is TX_OK. */
static void on_decision(struct fake *fake, struct peer *peer, const struct tx_msg *msg)
{
    uint64_t req = msg->type == TX_MSG_RESOLVE ? msg->resolve.req : msg->put_aside.req;
    fake->decided = msg->type == TX_MSG_RESOLVE ? msg->resolve.id : msg->put_aside.id;
    (void)disturbed(fake, peer, msg, req);
}

static void on_participant(struct peer *peer, const struct tx_msg *msg, void *arg)
{
    struct fake *fake = arg;
    fake_lock(fake);
    if (msg->type == TX_MSG_OPERATE) {
        TX_ASSERT(fake->operates < FAKE_STEPS_MAX);
        fake->steps[fake->operates++] = msg->operate.step;
        if (!disturbed(fake, peer, msg, msg->operate.req)) {
            on_operate(fake, peer, &msg->operate);
        }
    } else if (msg->type == TX_MSG_LOCKS_REQUEST) {
        on_locks_request(fake, peer, msg);
    } else if (msg->type == TX_MSG_TXS_REQUEST) {
        on_txs_request(fake, peer, msg);
    } else if (msg->type == TX_MSG_ALARMS_REQUEST) {
        on_alarms_request(fake, peer, msg);
    } else if (msg->type == TX_MSG_RESOLVE || msg->type == TX_MSG_PUT_ASIDE) {
        on_decision(fake, peer, msg);
    }
    fake_unlock(fake);
}

/* ---- start and stop ---- */

void fake_lock(struct fake *fake)
{
    (void)pthread_mutex_lock(&fake->lock);
}

void fake_unlock(struct fake *fake)
{
    (void)pthread_mutex_unlock(&fake->lock);
}

void fake_start(struct fake *fake)
{
    *fake = (struct fake){.commit_outcome = TX_OUTCOME_COMMITTED,
                          .asked_outcome = TX_OUTCOME_UNKNOWN,
                          .abort_outcome = TX_OUTCOME_ABORTED,
                          .abort_reason = TX_REASON_WOUNDED,
                          .refusal = TX_EBUSY,
                          .refusal_reason = TX_REASON_BUSY,
                          .incarnation = 5};
    pthread_mutexattr_t checked;
    (void)pthread_mutexattr_init(&checked);
    (void)pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK);
    (void)pthread_mutex_init(&fake->lock, &checked);
    (void)pthread_mutexattr_destroy(&checked);
    fake_lock(fake);
    fake->a = peer_start(TX_ROLE_PARTICIPANT, "a", on_participant, fake);
    fake->b = peer_start(TX_ROLE_PARTICIPANT, "b", on_participant, fake);
    fake->coordinator = peer_start(TX_ROLE_COORDINATOR, "", on_coordinator, fake);
    fake_unlock(fake);
    txclient_options options = {.size = sizeof options,
                                .name = "tests",
                                .connect_timeout_ms = pace_ms(2000),
                                .request_timeout_ms = pace_ms(900),
                                .commit_timeout_ms = pace_ms(1200),
                                .resend_ms = pace_ms(120)};
    txclient_why why = {{0}};
    txclient_status status = txclient_open(PEER_CLUSTER, peer_endpoint(fake->coordinator), &options,
                                           &fake->client, &why);
    TX_ASSERT(status == TXCLIENT_OK);
    (void)status;
}

void fake_be_patient(struct fake *fake)
{
    txclient_options options = {.size = sizeof options,
                                .name = "tests",
                                .connect_timeout_ms = FAKE_PATIENCE_MS,
                                .request_timeout_ms = FAKE_PATIENCE_MS,
                                .commit_timeout_ms = FAKE_PATIENCE_MS,
                                .resend_ms = FAKE_PATIENCE_MS};
    txclient_close(&fake->client);
    txclient_status status = txclient_open(PEER_CLUSTER, peer_endpoint(fake->coordinator), &options,
                                           &fake->client, NULL);
    TX_ASSERT(status == TXCLIENT_OK);
    (void)status;
}

void fake_stop(struct fake *fake)
{
    /* An assertion that failed under the lock has left it held; then this is refused. */
    (void)pthread_mutex_lock(&fake->lock);
    (void)pthread_mutex_unlock(&fake->lock);
    txclient_close(&fake->client);
    peer_stop(&fake->coordinator);
    peer_stop(&fake->a);
    peer_stop(&fake->b);
    (void)pthread_mutex_destroy(&fake->lock);
}
