/* What clients and operators say to daemons, and the answers: the fields in the order of the
 * structs in common/msg.h. */
#include "common/wire_decoder.h"

static void get_begin(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_begin *m = &msg->begin;
    m->req = wire_get_u64(d, "req");
    m->age = wire_get_age(d);
}

static void get_begun(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_begun *m = &msg->begun;
    m->req = wire_get_u64(d, "req");
    m->id = wire_get_id(d);
    m->age = wire_get_age(d);
    m->token = wire_get_token(d);
    m->nodes = wire_get_members(d, "nodes", TX_NODES_MAX, &m->nodes_n);
}

static void get_submit(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_submit *m = &msg->submit;
    m->req = wire_get_u64(d, "req");
    m->key = wire_get_bytes(d, "key", TX_IDEMPOTENCY_KEY_MAX);
    m->age = wire_get_age(d);
    m->timeout_ms = wire_get_u32(d, "timeout_ms");
    m->lock_timeout_ms = wire_get_u32(d, "lock_timeout_ms");
    m->isolation = (enum tx_isolation)wire_get_enum(d, "isolation", TX_ISOLATIONS_N);
    m->ops = wire_get_ops(d, true, &m->ops_n);
}

static void get_finish(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_finish *m = &msg->finish;
    m->req = wire_get_u64(d, "req");
    m->id = wire_get_id(d);
    m->token = wire_get_token(d);
    m->members = wire_get_members(d, "members", TX_MEMBERS_MAX, &m->members_n);
}

static void get_outcome(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_outcome *m = &msg->outcome;
    m->req = wire_get_u64(d, "req");
    m->id = wire_get_id(d);
    m->outcome = (enum tx_outcome)wire_get_enum(d, "outcome", TX_OUTCOMES_N);
    m->reason = wire_get_reason(d);
    wire_get_name_or_none(d, "who", &m->who);
    m->text = wire_get_text(d, "text");
    m->age = wire_get_age(d);
    m->results_lost = wire_get_bool(d, "results_lost");
    m->results = wire_get_results(d, &m->results_n);
}

static void get_operate(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_operate *m = &msg->operate;
    m->req = wire_get_u64(d, "req");
    m->id = wire_get_id(d);
    m->token = wire_get_token(d);
    m->age = wire_get_age(d);
    m->step = wire_get_u32(d, "step");
    m->lock_timeout_ms = wire_get_u32(d, "lock_timeout_ms");
    m->isolation = (enum tx_isolation)wire_get_enum(d, "isolation", TX_ISOLATIONS_N);
    m->ops = wire_get_ops(d, false, &m->ops_n);
}

static void get_operated(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_operated *m = &msg->operated;
    m->req = wire_get_u64(d, "req");
    m->id = wire_get_id(d);
    m->step = wire_get_u32(d, "step");
    m->incarnation = wire_get_u64(d, "incarnation");
    m->wrote = wire_get_bool(d, "wrote");
    m->reason = wire_get_reason(d);
    m->text = wire_get_text(d, "text");
    m->results = wire_get_results(d, &m->results_n);
}

static void get_resolve(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_resolve *m = &msg->resolve;
    m->req = wire_get_u64(d, "req");
    m->id = wire_get_id(d);
    m->commit = wire_get_bool(d, "commit");
    wire_get_name(d, "operator_name", &m->operator_name);
}

static void get_status_request(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_status_request *m = &msg->status_request;
    m->req = wire_get_u64(d, "req");
}

static const struct tx_status_field *get_status_fields(struct wire_decoder *d, size_t *count)
{
    struct tx_status_field *rows =
        wire_get_list(d, "fields", TX_STATUS_ROWS_MAX, sizeof *rows, count);
    for (size_t i = 0; wire_next_element(d, "fields", i, *count); i++) {
        wire_get_fields(d, "", WIRE_STATUS_FIELD_FIELDS);
        rows[i].name = wire_get_text(d, "name");
        rows[i].text = wire_get_text(d, "text");
    }
    return rows;
}

static const struct tx_status_tx *get_status_txs(struct wire_decoder *d, size_t *count)
{
    struct tx_status_tx *rows = wire_get_list(d, "txs", TX_STATUS_ROWS_MAX, sizeof *rows, count);
    for (size_t i = 0; wire_next_element(d, "txs", i, *count); i++) {
        wire_get_fields(d, "", WIRE_STATUS_TX_FIELDS);
        rows[i].id = wire_get_id(d);
        rows[i].state = wire_get_text(d, "state");
        rows[i].age_ms = wire_get_u64(d, "age_ms");
        rows[i].detail = wire_get_text(d, "detail");
    }
    return rows;
}

static const struct tx_status_peer *get_status_peers(struct wire_decoder *d, size_t *count)
{
    struct tx_status_peer *rows =
        wire_get_list(d, "peers", TX_STATUS_ROWS_MAX, sizeof *rows, count);
    for (size_t i = 0; wire_next_element(d, "peers", i, *count); i++) {
        wire_get_fields(d, "", WIRE_STATUS_PEER_FIELDS);
        rows[i].name = wire_get_text(d, "name");
        rows[i].address = wire_get_text(d, "address");
        rows[i].state = wire_get_text(d, "state");
        rows[i].start = wire_get_u64(d, "start");
        rows[i].silent_ms = wire_get_u64(d, "silent_ms");
    }
    return rows;
}

static void get_status(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_status *m = &msg->status;
    m->req = wire_get_u64(d, "req");
    m->fields = get_status_fields(d, &m->fields_n);
    m->txs = get_status_txs(d, &m->txs_n);
    m->peers = get_status_peers(d, &m->peers_n);
}

static void get_error(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_error *m = &msg->error;
    m->req = wire_get_u64(d, "req");
    m->error = (enum tx_error)wire_get_enum(d, "error", TX_ERRORS_N);
    m->reason = wire_get_reason(d);
    m->text = wire_get_text(d, "text");
}

wire_get_message *const wire_client_getters[TX_MSG_TYPES_N] = {
    [TX_MSG_BEGIN] = get_begin,          [TX_MSG_BEGUN] = get_begun,
    [TX_MSG_SUBMIT] = get_submit,        [TX_MSG_COMMIT_REQUEST] = get_finish,
    [TX_MSG_ABORT_REQUEST] = get_finish, [TX_MSG_OUTCOME_REQUEST] = get_finish,
    [TX_MSG_OUTCOME] = get_outcome,      [TX_MSG_OUTCOME_ACK] = wire_get_only_id,
    [TX_MSG_OPERATE] = get_operate,      [TX_MSG_OPERATED] = get_operated,
    [TX_MSG_RESOLVE] = get_resolve,      [TX_MSG_STATUS_REQUEST] = get_status_request,
    [TX_MSG_STATUS] = get_status,        [TX_MSG_ERROR] = get_error,
};
