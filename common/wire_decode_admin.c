/* What operators ask about transactions and alarms, and the answers: the fields in the order of the
 * structs in common/msg.h and common/open_tx.h. */
#include "common/wire_decoder.h"

static struct tx_txs_place get_place(struct wire_decoder *d, const char *field)
{
    struct tx_txs_place place = {0};
    wire_get_fields(d, field, WIRE_TXS_PLACE_FIELDS);
    place.start = wire_get_u64(d, "start");
    place.epoch = wire_get_u64(d, "epoch");
    place.seq = wire_get_u64(d, "seq");
    return place;
}

void wire_get_txs_request(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_txs_request *m = &msg->txs_request;
    m->req = wire_get_u64(d, "req");
    m->in_doubt = wire_get_bool(d, "in_doubt");
    m->tx = wire_get_id_or_none(d);
    m->older_ms = wire_get_u64(d, "older_ms");
    m->limit = wire_get_u32(d, "limit");
    m->from = get_place(d, "from");
}

static void get_heuristic(struct wire_decoder *d, struct tx_open_heuristic *heuristic)
{
    wire_get_fields(d, "heuristic", WIRE_OPEN_HEURISTIC_FIELDS);
    heuristic->decided = wire_get_bool(d, "decided");
    heuristic->commit = wire_get_bool(d, "commit");
    wire_get_name_or_none(d, "operator", &heuristic->operator_name);
    heuristic->time_ms = wire_get_u64(d, "time_ms");
    heuristic->end = (enum tx_heuristic)wire_get_enum(d, "end", TX_HEURISTICS_N);
    heuristic->put_aside = wire_get_bool(d, "put_aside");
}

static const struct tx_open_member *get_open_members(struct wire_decoder *d, size_t *count)
{
    struct tx_open_member *members =
        wire_get_list(d, "members", TX_MEMBERS_MAX, sizeof *members, count);
    for (size_t i = 0; i < *count && d->error == TX_OK; i++) {
        wire_get_fields(d, "members", WIRE_OPEN_MEMBER_FIELDS);
        wire_get_name(d, "member's name", &members[i].name);
        wire_get_address(d, "member's address", &members[i].address);
        members[i].read_only = wire_get_bool(d, "member's read_only");
        members[i].said = (enum tx_said)wire_get_enum(d, "member's said", TX_SAIDS_N);
        members[i].waited_for = wire_get_bool(d, "member's waited_for");
        members[i].state = wire_get_text(d, "member's state");
        members[i].silent_ms = wire_get_u64(d, "member's silent_ms");
    }
    return members;
}

static void get_open_row(struct wire_decoder *d, struct tx_open_row *row)
{
    wire_get_fields(d, "", WIRE_OPEN_ROW_FIELDS);
    row->id = wire_get_id(d);
    row->state = wire_get_text(d, "state");
    row->in_doubt = wire_get_bool(d, "in_doubt");
    row->age_ms = wire_get_u64(d, "age_ms");
    row->state_ms = wire_get_u64(d, "state_ms");
    row->recovered = wire_get_bool(d, "recovered");
    row->mode = (enum tx_open_mode)wire_get_enum(d, "mode", TX_OPEN_MODES_N);
    row->waits = (enum tx_waits)wire_get_enum(d, "waits", TX_WAITS_N);
    row->detail = wire_get_text(d, "detail");
    row->tries = wire_get_bool(d, "tries");
    row->next_ms = wire_get_u64(d, "next_ms");
    row->tried = wire_get_u64(d, "tried");
    row->lsn.n = wire_get_u64(d, "lsn");
    row->log_bytes = wire_get_u64(d, "log_bytes");
    row->locks = wire_get_u64(d, "locks");
    row->waiters = wire_get_u64(d, "waiters");
    row->key = wire_get_bytes(d, "key", TX_IDEMPOTENCY_KEY_MAX);
    get_heuristic(d, &row->heuristic);
    row->members = get_open_members(d, &row->members_n);
}

void wire_get_txs(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_txs *m = &msg->txs;
    m->req = wire_get_u64(d, "req");
    struct tx_open_row *rows =
        wire_get_list(d, "rows", TX_STATUS_ROWS_MAX, sizeof *rows, &m->rows_n);
    for (size_t i = 0; wire_next_element(d, "rows", i, m->rows_n); i++) {
        get_open_row(d, &rows[i]);
    }
    m->rows = rows;
    m->more = wire_get_bool(d, "more");
    m->next = get_place(d, "next");
}

void wire_get_alarms_request(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_alarms_request *m = &msg->alarms_request;
    m->req = wire_get_u64(d, "req");
    m->limit = wire_get_u32(d, "limit");
    m->before = wire_get_u64(d, "before");
}

void wire_get_alarms(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_alarms *m = &msg->alarms;
    m->req = wire_get_u64(d, "req");
    struct tx_alarm_row *rows =
        wire_get_list(d, "rows", TX_STATUS_ROWS_MAX, sizeof *rows, &m->rows_n);
    for (size_t i = 0; wire_next_element(d, "rows", i, m->rows_n); i++) {
        wire_get_fields(d, "", WIRE_ALARM_ROW_FIELDS);
        rows[i].number = wire_get_u64(d, "number");
        rows[i].id = wire_get_id_or_none(d);
        rows[i].time_ms = wire_get_u64(d, "time_ms");
        rows[i].text = wire_get_text(d, "text");
    }
    m->rows = rows;
    m->more = wire_get_bool(d, "more");
}

void wire_get_put_aside(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_put_aside *m = &msg->put_aside;
    m->req = wire_get_u64(d, "req");
    m->id = wire_get_id(d);
    m->force = wire_get_bool(d, "force");
    wire_get_name(d, "operator_name", &m->operator_name);
}
