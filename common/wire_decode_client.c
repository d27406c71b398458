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
    m->mode = (enum tx_commit_mode)wire_get_enum(d, "mode", TX_COMMIT_MODES_N);
}

static void get_finish(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_finish *m = &msg->finish;
    m->req = wire_get_u64(d, "req");
    m->id = wire_get_id(d);
    m->token = wire_get_token(d);
    m->members = wire_get_members(d, "members", TX_MEMBERS_MAX, &m->members_n);
    m->mode = (enum tx_commit_mode)wire_get_enum(d, "mode", TX_COMMIT_MODES_N);
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

static void get_place(struct wire_decoder *d, const char *field, struct tx_locks_place *place)
{
    wire_get_fields(d, field, WIRE_LOCKS_PLACE_FIELDS);
    place->incarnation = wire_get_u64(d, "incarnation");
    place->serial = wire_get_u64(d, "serial");
    place->passed = wire_get_u64(d, "passed");
    place->skip = wire_get_u64(d, "skip");
    place->range = wire_get_bool(d, "range");
    place->space = wire_get_bytes(d, "space", TX_SPACE_MAX);
    place->key = wire_get_bytes(d, "key", TX_BOUND_MAX);
    place->to = wire_get_bytes(d, "to", TX_BOUND_MAX);
}

static void get_locks_request(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_locks_request *m = &msg->locks_request;
    m->req = wire_get_u64(d, "req");
    m->waiting = wire_get_bool(d, "waiting");
    m->space = wire_get_bytes(d, "space", TX_SPACE_MAX);
    m->tx = wire_get_id_or_none(d);
    m->limit = wire_get_u32(d, "limit");
    get_place(d, "from", &m->from);
}

static const struct tx_lock_blocker *get_blockers(struct wire_decoder *d, size_t *count)
{
    struct tx_lock_blocker *blockers =
        wire_get_list(d, "blockers", TX_LOCK_BLOCKERS_MAX, sizeof *blockers, count);
    for (size_t i = 0; i < *count && d->error == TX_OK; i++) {
        wire_get_fields(d, "blockers", WIRE_LOCK_BLOCKER_FIELDS);
        blockers[i].id = wire_get_id(d);
        blockers[i].state = wire_get_text(d, "blocker's state");
        blockers[i].age_ms = wire_get_u64(d, "blocker's age_ms");
        blockers[i].mode = (enum tx_lock_mode)wire_get_enum(d, "blocker's mode", TX_LOCK_MODES_N);
        blockers[i].waits = wire_get_bool(d, "blocker's waits");
        blockers[i].range = wire_get_bool(d, "blocker's range");
    }
    return blockers;
}

static void get_lock_row(struct wire_decoder *d, struct tx_lock_row *row)
{
    wire_get_fields(d, "", WIRE_LOCK_ROW_FIELDS);
    row->id = wire_get_id(d);
    row->age = wire_get_age(d);
    row->state = wire_get_text(d, "state");
    row->age_ms = wire_get_u64(d, "age_ms");
    row->space = wire_get_bytes(d, "space", TX_SPACE_MAX);
    row->key = wire_get_bytes(d, "key", TX_BOUND_MAX);
    row->to = wire_get_bytes(d, "to", TX_BOUND_MAX);
    row->range = wire_get_bool(d, "range");
    row->mode = (enum tx_lock_mode)wire_get_enum(d, "mode", TX_LOCK_MODES_N);
    row->waiting = wire_get_bool(d, "waiting");
    row->waited_ms = wire_get_u64(d, "waited_ms");
    row->blockers = get_blockers(d, &row->blockers_n);
    row->blockers_more = wire_get_bool(d, "blockers_more");
}

static void get_locks(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_locks *m = &msg->locks;
    m->req = wire_get_u64(d, "req");
    struct tx_lock_row *rows =
        wire_get_list(d, "rows", TX_STATUS_ROWS_MAX, sizeof *rows, &m->rows_n);
    for (size_t i = 0; wire_next_element(d, "rows", i, m->rows_n); i++) {
        get_lock_row(d, &rows[i]);
    }
    m->rows = rows;
    m->more = wire_get_bool(d, "more");
    get_place(d, "next", &m->next);
}

static void get_cut_request(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_cut_request *m = &msg->cut_request;
    m->req = wire_get_u64(d, "req");
    m->begin = wire_get_bool(d, "begin");
    m->number = wire_get_u64(d, "number");
}

static void get_cut(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_cut *m = &msg->cut;
    m->req = wire_get_u64(d, "req");
    m->number = wire_get_u64(d, "number");
    m->taken = wire_get_u64(d, "taken");
    m->lsn.n = wire_get_u64(d, "lsn");
    m->time_ms = wire_get_u64(d, "time_ms");
}

static void get_backup_request(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_backup_request *m = &msg->backup_request;
    m->req = wire_get_u64(d, "req");
    m->step = (enum tx_backup_step)wire_get_enum(d, "step", TX_BACKUP_STEPS_N);
    m->name = wire_get_bytes(d, "name", TX_BACKUP_NAME_MAX);
    m->directory = wire_get_bytes(d, "directory", TX_BACKUP_PATH_MAX);
    m->full = wire_get_bool(d, "full");
    m->patience_ms = wire_get_u32(d, "patience_ms");
    m->cut = wire_get_u64(d, "cut");
    m->lsn.n = wire_get_u64(d, "lsn");
}

static void get_backup(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_backup *m = &msg->backup;
    m->req = wire_get_u64(d, "req");
    m->state = (enum tx_backup_state)wire_get_enum(d, "state", TX_BACKUP_STATES_N);
    m->node = wire_get_bytes(d, "node", TX_BACKUP_NAME_MAX);
    m->bytes = wire_get_u64(d, "bytes");
    m->done = wire_get_u64(d, "done");
    m->stored = wire_get_u64(d, "stored");
    m->checkpoint.n = wire_get_u64(d, "checkpoint");
    m->text = wire_get_text(d, "text");
}

static void get_admin_request(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_admin_request *m = &msg->admin_request;
    m->req = wire_get_u64(d, "req");
    m->verb = (enum tx_admin_verb)wire_get_enum(d, "verb", TX_ADMIN_VERBS_N);
    wire_get_name(d, "operator_name", &m->operator_name);
    m->text = wire_get_text(d, "text");
}

wire_get_message *const wire_client_getters[TX_MSG_TYPES_N] = {
    [TX_MSG_BEGIN] = get_begin,
    [TX_MSG_BEGUN] = get_begun,
    [TX_MSG_SUBMIT] = get_submit,
    [TX_MSG_COMMIT_REQUEST] = get_finish,
    [TX_MSG_ABORT_REQUEST] = get_finish,
    [TX_MSG_OUTCOME_REQUEST] = get_finish,
    [TX_MSG_OUTCOME] = get_outcome,
    [TX_MSG_OUTCOME_ACK] = wire_get_only_id,
    [TX_MSG_OPERATE] = get_operate,
    [TX_MSG_OPERATED] = get_operated,
    [TX_MSG_RESOLVE] = get_resolve,
    [TX_MSG_STATUS_REQUEST] = get_status_request,
    [TX_MSG_STATUS] = get_status,
    [TX_MSG_ERROR] = get_error,
    [TX_MSG_LOCKS] = get_locks,
    [TX_MSG_LOCKS_REQUEST] = get_locks_request,
    [TX_MSG_CUT] = get_cut,
    [TX_MSG_CUT_REQUEST] = get_cut_request,
    [TX_MSG_BACKUP] = get_backup,
    [TX_MSG_BACKUP_REQUEST] = get_backup_request,
    [TX_MSG_ADMIN_REQUEST] = get_admin_request,
    [TX_MSG_TXS] = wire_get_txs,
    [TX_MSG_TXS_REQUEST] = wire_get_txs_request,
    [TX_MSG_ALARMS] = wire_get_alarms,
    [TX_MSG_ALARMS_REQUEST] = wire_get_alarms_request,
    [TX_MSG_PUT_ASIDE] = wire_get_put_aside,
};
