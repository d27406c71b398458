/* What operators ask about transactions and alarms, and the answers: the fields in the order of the
 * structs in common/msg.h and common/open_tx.h. */
#include "common/wire_encoder.h"

static void put_place(struct tx_frame_writer *w, struct tx_txs_place place)
{
    wire_put_array(w, WIRE_TXS_PLACE_FIELDS);
    wire_put_u64(w, place.start);
    wire_put_u64(w, place.epoch);
    wire_put_u64(w, place.seq);
}

void wire_put_txs_request(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_txs_request *m = &msg->txs_request;
    wire_put_u64(w, m->req);
    wire_put_bool(w, m->in_doubt);
    wire_put_id(w, m->tx);
    wire_put_u64(w, m->older_ms);
    wire_put_u64(w, m->limit);
    put_place(w, m->from);
}

static void put_heuristic(struct tx_frame_writer *w, const struct tx_open_heuristic *heuristic)
{
    wire_put_array(w, WIRE_OPEN_HEURISTIC_FIELDS);
    wire_put_bool(w, heuristic->decided);
    wire_put_bool(w, heuristic->commit);
    wire_put_string(w, heuristic->operator_name.s);
    wire_put_u64(w, heuristic->time_ms);
    wire_put_u64(w, heuristic->end);
    wire_put_bool(w, heuristic->put_aside);
}

static void put_open_members(struct tx_frame_writer *w, const struct tx_open_member *members,
                             size_t n)
{
    wire_put_array(w, n);
    for (size_t i = 0; i < n && wire_put_fits(w); i++) {
        wire_put_array(w, WIRE_OPEN_MEMBER_FIELDS);
        wire_put_string(w, members[i].name.s);
        wire_put_string(w, members[i].address.s);
        wire_put_bool(w, members[i].read_only);
        wire_put_u64(w, members[i].said);
        wire_put_bool(w, members[i].waited_for);
        wire_put_text(w, members[i].state);
        wire_put_u64(w, members[i].silent_ms);
    }
}

static void put_open_row(struct tx_frame_writer *w, const struct tx_open_row *row)
{
    wire_put_array(w, WIRE_OPEN_ROW_FIELDS);
    wire_put_id(w, row->id);
    wire_put_text(w, row->state);
    wire_put_bool(w, row->in_doubt);
    wire_put_u64(w, row->age_ms);
    wire_put_u64(w, row->state_ms);
    wire_put_bool(w, row->recovered);
    wire_put_u64(w, row->mode);
    wire_put_u64(w, row->waits);
    wire_put_text(w, row->detail);
    wire_put_bool(w, row->tries);
    wire_put_u64(w, row->next_ms);
    wire_put_u64(w, row->tried);
    wire_put_u64(w, row->lsn.n);
    wire_put_u64(w, row->log_bytes);
    wire_put_u64(w, row->locks);
    wire_put_u64(w, row->waiters);
    wire_put_bytes(w, row->key);
    put_heuristic(w, &row->heuristic);
    put_open_members(w, row->members, row->members_n);
}

void wire_put_txs(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_txs *m = &msg->txs;
    wire_put_u64(w, m->req);
    wire_put_array(w, m->rows_n);
    for (size_t i = 0; i < m->rows_n && wire_put_fits(w); i++) {
        put_open_row(w, &m->rows[i]);
    }
    wire_put_bool(w, m->more);
    put_place(w, m->next);
}

void wire_put_alarms_request(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_alarms_request *m = &msg->alarms_request;
    wire_put_u64(w, m->req);
    wire_put_u64(w, m->limit);
    wire_put_u64(w, m->before);
}

void wire_put_alarms(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_alarms *m = &msg->alarms;
    wire_put_u64(w, m->req);
    wire_put_array(w, m->rows_n);
    for (size_t i = 0; i < m->rows_n && wire_put_fits(w); i++) {
        wire_put_array(w, WIRE_ALARM_ROW_FIELDS);
        wire_put_u64(w, m->rows[i].number);
        wire_put_id(w, m->rows[i].id);
        wire_put_u64(w, m->rows[i].time_ms);
        wire_put_text(w, m->rows[i].text);
    }
    wire_put_bool(w, m->more);
}

void wire_put_put_aside(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_put_aside *m = &msg->put_aside;
    wire_put_u64(w, m->req);
    wire_put_id(w, m->id);
    wire_put_bool(w, m->force);
    wire_put_string(w, m->operator_name.s);
}
