/* The driver: the log and the resource manager that it plays, actions, starts and crashes. */
#include "part_driver.h"

#include "common/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

#define LIFE 7u

/* ---- copies of what was sent ---- */

static struct tx_bytes keep(struct driver *d, struct tx_bytes bytes)
{
    return tx_arena_copy(&d->arena, bytes);
}

static const struct tx_result *keep_results(struct driver *d, const struct tx_result *results,
                                            size_t n)
{
    struct tx_result *copy = tx_arena_alloc(&d->arena, n, sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = (struct tx_result){results[i].found, keep(d, results[i].value)};
    return copy;
}

static void keep_status(struct driver *d, struct tx_msg_status *status)
{
    struct tx_status_field *fields = tx_arena_alloc(&d->arena, status->fields_n, sizeof *fields);
    for (size_t i = 0; i < status->fields_n; i++)
        fields[i] = (struct tx_status_field){keep(d, status->fields[i].name),
                                             keep(d, status->fields[i].text)};
    status->fields = fields;
    struct tx_status_tx *txs = tx_arena_alloc(&d->arena, status->txs_n, sizeof *txs);
    for (size_t i = 0; i < status->txs_n; i++) {
        txs[i] = status->txs[i];
        txs[i].state = keep(d, txs[i].state);
        txs[i].detail = keep(d, txs[i].detail);
    }
    status->txs = txs;
    struct tx_status_peer *peers = tx_arena_alloc(&d->arena, status->peers_n, sizeof *peers);
    for (size_t i = 0; i < status->peers_n; i++)
        peers[i] = status->peers[i];
    status->peers = peers;
}

static void keep_locks(struct driver *d, struct tx_msg_locks *locks)
{
    struct tx_lock_row *rows = tx_arena_alloc(&d->arena, locks->rows_n, sizeof *rows);
    for (size_t i = 0; i < locks->rows_n; i++) {
        rows[i] = locks->rows[i];
        rows[i].space = keep(d, rows[i].space);
        rows[i].key = keep(d, rows[i].key);
        rows[i].to = keep(d, rows[i].to);
        struct tx_lock_blocker *blockers =
            tx_arena_alloc(&d->arena, rows[i].blockers_n, sizeof *blockers);
        for (size_t j = 0; j < rows[i].blockers_n; j++)
            blockers[j] = rows[i].blockers[j]; /* its state is a constant */
        rows[i].blockers = blockers;
    }
    locks->rows = rows;
    locks->next.space = keep(d, locks->next.space);
    locks->next.key = keep(d, locks->next.key);
    locks->next.to = keep(d, locks->next.to);
}

static void keep_txs(struct driver *d, struct tx_msg_txs *txs)
{
    struct tx_open_row *rows = tx_arena_alloc(&d->arena, txs->rows_n, sizeof *rows);
    for (size_t i = 0; i < txs->rows_n; i++) {
        rows[i] = txs->rows[i]; /* its state is a constant */
        rows[i].detail = keep(d, rows[i].detail);
        struct tx_open_member *members =
            tx_arena_alloc(&d->arena, rows[i].members_n, sizeof *members);
        for (size_t j = 0; j < rows[i].members_n; j++)
            members[j] = rows[i].members[j];
        rows[i].members = members;
    }
    txs->rows = rows;
}

static void keep_alarms(struct driver *d, struct tx_msg_alarms *alarms)
{
    struct tx_alarm_row *rows = tx_arena_alloc(&d->arena, alarms->rows_n, sizeof *rows);
    for (size_t i = 0; i < alarms->rows_n; i++) {
        rows[i] = alarms->rows[i];
        rows[i].text = keep(d, rows[i].text);
    }
    alarms->rows = rows;
}

static void keep_sent(struct driver *d, const struct part_action *action)
{
    if (d->sent_n == d->sent_capacity) {
        d->sent_capacity = d->sent_capacity > 0 ? d->sent_capacity * 2 : 64;
        d->sent = tx_xrealloc(d->sent, d->sent_capacity * sizeof *d->sent);
    }
    struct tx_msg msg = action->msg;
    if (msg.type == TX_MSG_VOTE) {
        msg.vote.text = keep(d, msg.vote.text);
        msg.vote.results = keep_results(d, msg.vote.results, msg.vote.results_n);
    } else if (msg.type == TX_MSG_OPERATED) {
        msg.operated.text = keep(d, msg.operated.text);
        msg.operated.results = keep_results(d, msg.operated.results, msg.operated.results_n);
    } else if (msg.type == TX_MSG_ERROR) {
        msg.error.text = keep(d, msg.error.text);
    } else if (msg.type == TX_MSG_STATUS) {
        keep_status(d, &msg.status);
    } else if (msg.type == TX_MSG_LOCKS) {
        keep_locks(d, &msg.locks);
    } else if (msg.type == TX_MSG_TXS) {
        keep_txs(d, &msg.txs);
    } else if (msg.type == TX_MSG_ALARMS) {
        keep_alarms(d, &msg.alarms);
    }
    d->sent[d->sent_n++] = (struct driver_sent){action->to, msg};
}

static void keep_note(struct driver *d, const struct part_action *action)
{
    d->notes = tx_xrealloc(d->notes, (d->notes_n + 1) * sizeof *d->notes);
    struct driver_note *note = &d->notes[d->notes_n++];
    note->type = action->type;
    (void)snprintf(note->text, sizeof note->text, "%.*s", (int)action->text.len,
                   (const char *)action->text.data);
}

/* ---- the resource manager: puts are held back, "bad" keys are refused ---- */

static void buf_set(struct tx_buf *buf, struct tx_bytes bytes)
{
    tx_buf_clear(buf);
    tx_buf_append(buf, bytes);
}

static struct driver_rm_tx *rm_find(struct driver *d, struct tx_id id)
{
    struct driver_rm_tx *tx = d->rm_txs;
    while (tx != NULL && !tx_id_equal(tx->id, id))
        tx = tx->next;
    return tx;
}

static struct driver_rm_tx *rm_begin(struct driver *d, struct tx_id id)
{
    struct driver_rm_tx *tx = tx_xcalloc(1, sizeof *tx);
    tx->id = id;
    tx->next = d->rm_txs;
    d->rm_txs = tx;
    return tx;
}

static void rm_end(struct driver *d, struct tx_id id)
{
    struct driver_rm_tx **link = &d->rm_txs;
    while (*link != NULL && !tx_id_equal((*link)->id, id))
        link = &(*link)->next;
    assert_non_null(*link);
    struct driver_rm_tx *tx = *link;
    *link = tx->next;
    for (size_t i = 0; i < tx->writes_n; i++) {
        tx_buf_deinit(&tx->writes[i].key);
        tx_buf_deinit(&tx->writes[i].value);
    }
    free(tx->writes);
    free(tx);
}

static void rm_write(struct driver_rm_tx *tx, struct tx_bytes key, struct tx_bytes value,
                     bool deleted)
{
    tx->writes = tx_xrealloc(tx->writes, (tx->writes_n + 1) * sizeof *tx->writes);
    struct driver_write *write = &tx->writes[tx->writes_n++];
    *write = (struct driver_write){.deleted = deleted};
    buf_set(&write->key, key);
    buf_set(&write->value, value);
}

static void data_put(struct driver *d, struct tx_bytes key, struct tx_bytes value)
{
    for (size_t i = 0; i < d->data_n; i++) {
        if (tx_bytes_equal(tx_buf_view(&d->data[i].key), key)) {
            buf_set(&d->data[i].value, value);
            return;
        }
    }
    d->data = tx_xrealloc(d->data, (d->data_n + 1) * sizeof *d->data);
    struct driver_value *entry = &d->data[d->data_n++];
    *entry = (struct driver_value){0};
    buf_set(&entry->key, key);
    buf_set(&entry->value, value);
}

static const struct tx_buf *data_get(const struct driver *d, struct tx_bytes key)
{
    for (size_t i = 0; i < d->data_n; i++) {
        if (tx_bytes_equal(tx_buf_view(&d->data[i].key), key))
            return &d->data[i].value;
    }
    return NULL;
}

static void data_remove(struct driver *d, struct tx_bytes key)
{
    for (size_t i = 0; i < d->data_n; i++) {
        if (!tx_bytes_equal(tx_buf_view(&d->data[i].key), key))
            continue;
        tx_buf_deinit(&d->data[i].key);
        tx_buf_deinit(&d->data[i].value);
        d->data[i] = d->data[--d->data_n];
        return;
    }
}

static void data_clear(struct driver *d)
{
    for (size_t i = 0; i < d->data_n; i++) {
        tx_buf_deinit(&d->data[i].key);
        tx_buf_deinit(&d->data[i].value);
    }
    free(d->data);
    d->data = NULL;
    d->data_n = 0;
}

static void rm_redo(const struct driver_rm_tx *tx, struct tx_buf *out)
{
    for (size_t i = 0; tx != NULL && i < tx->writes_n; i++) {
        tx_buf_u8(out, tx->writes[i].deleted);
        tx_buf_blob(out, tx_buf_view(&tx->writes[i].key));
        tx_buf_blob(out, tx_buf_view(&tx->writes[i].value));
    }
}

static void redo_apply(struct driver *d, struct tx_bytes redo)
{
    struct tx_reader r = tx_reader(redo);
    while (tx_reader_left(&r) > 0) {
        bool deleted = tx_read_u8(&r) != 0;
        struct tx_bytes key = tx_read_blob(&r);
        struct tx_bytes value = tx_read_blob(&r);
        if (deleted)
            data_remove(d, key);
        else
            data_put(d, key, value);
    }
    assert_true(tx_reader_done(&r));
}

static void rm_commit(struct driver *d, struct tx_id id)
{
    struct tx_buf redo = {0};
    assert_non_null(rm_find(d, id));
    rm_redo(rm_find(d, id), &redo);
    redo_apply(d, tx_buf_view(&redo));
    tx_buf_deinit(&redo);
    rm_end(d, id);
}

static void rm_tell(struct driver *d, struct part_event *event)
{
    event->type = PART_EVENT_RM;
    part_core_step(d->core, event, d->now_us, &d->actions);
}

static void rm_execute(struct driver *d, const struct driver_call *call)
{
    struct tx_id id = call->tx;
    const struct tx_op *op = &call->op;
    struct part_event event = {.tx = id, .call = PART_RM_EXECUTE};
    struct driver_rm_tx *tx = rm_find(d, id);
    if (tx == NULL)
        tx = rm_begin(d, id);
    if (op->type == TX_OP_CHECK || (op->key.len >= 3 && memcmp(op->key.data, "bad", 3) == 0)) {
        rm_end(d, id);
        event.status = PART_RM_ROLLED_BACK;
        event.reason = op->type == TX_OP_CHECK ? TX_REASON_CHECK : TX_REASON_NONE;
        event.text = tx_bytes_str("the store refuses it");
    } else if (op->type == TX_OP_PUT) {
        rm_write(tx, op->key, op->value, false);
    } else if (op->type == TX_OP_DELETE) {
        rm_write(tx, op->key, tx_bytes(NULL, 0), true);
    } else if (op->type == TX_OP_SCAN) {
        event.result = call->has_read ? call->rows : driver_scan(d, tx, op);
        d->scans++;
    } else if (op->type == TX_OP_GET) {
        const struct tx_buf *value = data_get(d, op->key);
        event.result.found = value != NULL;
        event.result.value = value != NULL ? tx_buf_view(value) : tx_bytes(NULL, 0);
    }
    event.wrote = event.status == PART_RM_OK && tx->writes_n > 0;
    rm_tell(d, &event);
}

static void rm_prepare(struct driver *d, struct tx_id id)
{
    struct part_event event = {.tx = id, .call = PART_RM_PREPARE};
    struct driver_rm_tx *tx = rm_find(d, id);
    struct tx_buf redo = {0};
    assert_non_null(tx);
    if (tx->writes_n == 0) {
        rm_end(d, id);
        event.status = PART_RM_READ_ONLY;
    } else {
        rm_redo(tx, &redo);
        event.redo = tx_buf_view(&redo);
    }
    rm_tell(d, &event);
    tx_buf_deinit(&redo);
}

static void rm_call(struct driver *d, const struct driver_call *call)
{
    if (call->call == PART_RM_EXECUTE)
        rm_execute(d, call);
    else
        rm_prepare(d, call->tx);
}

static void rm_queue(struct driver *d, const struct part_action *action, enum part_rm_call call)
{
    struct driver_call waiting = {.tx = action->tx, .call = call};
    if (call == PART_RM_EXECUTE)
        waiting.op = action->op;
    if (!d->rm_slow) {
        rm_call(d, &waiting);
        return;
    }
    waiting.op.key = keep(d, waiting.op.key);
    waiting.op.value = keep(d, waiting.op.value);
    waiting.op.to = keep(d, waiting.op.to);
    if (call == PART_RM_EXECUTE && waiting.op.type == TX_OP_SCAN && d->rm_reads_early) {
        const struct driver_rm_tx nothing = {.id = action->tx};
        const struct driver_rm_tx *tx = rm_find(d, action->tx);
        waiting.has_read = true;
        waiting.rows = driver_scan(d, tx != NULL ? tx : &nothing, &waiting.op);
    }
    d->calls = tx_xrealloc(d->calls, (d->calls_n + 1) * sizeof *d->calls);
    d->calls[d->calls_n++] = waiting;
}

/* ---- the log ---- */

static void log_append(struct driver *d, const struct txlog_record *record)
{
    assert_int_equal(record->lsn.n, d->log_n + 1);
    if (d->log_n == d->log_capacity) {
        d->log_capacity = d->log_capacity > 0 ? d->log_capacity * 2 : 256;
        d->log = tx_xrealloc(d->log, d->log_capacity * sizeof *d->log);
    }
    d->log[d->log_n] = (struct tx_buf){0};
    assert_int_equal(txlog_record_encode(record, &d->log[d->log_n]), TX_OK);
    d->log_n++;
}

static void log_cut(struct driver *d, uint64_t upto)
{
    while (d->log_n > upto)
        tx_buf_deinit(&d->log[--d->log_n]);
}

void driver_decode(const struct driver *d, uint64_t lsn, struct tx_arena *arena,
                   struct txlog_record *record)
{
    struct tx_why why = {{0}};
    assert_true(lsn >= 1 && lsn <= d->log_n);
    enum tx_error error = txlog_record_decode(tx_buf_view(&d->log[lsn - 1]), arena, record, &why);
    if (error != TX_OK)
        fail_msg("%s", why.text);
}

static void append(struct driver *d, struct part_action *action)
{
    struct tx_buf redo = {0};
    assert_int_equal(action->record.lsn.n, action->lsn.n);
    if (action->redo_wanted) {
        rm_redo(rm_find(d, action->tx), &redo);
        action->record.prepared.redo = tx_buf_view(&redo);
    }
    log_append(d, &action->record);
    tx_buf_deinit(&redo);
    if (action->commit_writes)
        rm_commit(d, action->tx);
}

/* ---- actions ---- */

static void perform(struct driver *d, struct part_action *action)
{
    switch (action->type) {
    case PART_ACTION_SEND:
        keep_sent(d, action);
        break;
    case PART_ACTION_APPEND:
        append(d, action);
        break;
    case PART_ACTION_EXECUTE:
        rm_queue(d, action, PART_RM_EXECUTE);
        break;
    case PART_ACTION_PREPARE:
        rm_queue(d, action, PART_RM_PREPARE);
        break;
    case PART_ACTION_ROLLBACK:
        rm_end(d, action->tx);
        d->rollbacks++;
        break;
    case PART_ACTION_COMPACT:
        assert_true(action->lsn.n > d->compacted && action->lsn.n <= d->durable);
        d->compacted = action->lsn.n;
        break;
    case PART_ACTION_STAMP:
        d->stamped = action->cut;
        break;
    case PART_ACTION_ALARM:
    case PART_ACTION_NOTE:
        keep_note(d, action);
        break;
    }
}

static void perform_all(struct driver *d)
{
    for (size_t i = 0; i < d->actions.n; i++) {
        struct part_action action = d->actions.items[i];
        perform(d, &action);
    }
    part_actions_clear(&d->actions);
    if (d->check)
        part_core_check(d->core);
}

void driver_step(struct driver *d, const struct part_event *event)
{
    part_core_step(d->core, event, d->now_us, &d->actions);
    perform_all(d);
}

void driver_rm_answer(struct driver *d)
{
    assert_true(d->calls_n > 0);
    struct driver_call call = d->calls[0];
    memmove(d->calls, d->calls + 1, --d->calls_n * sizeof *d->calls);
    rm_call(d, &call);
    perform_all(d);
}

void driver_rm_answer_with(struct driver *d, enum part_rm_status status, enum tx_reason reason)
{
    assert_true(d->calls_n > 0);
    struct driver_call call = d->calls[0];
    memmove(d->calls, d->calls + 1, --d->calls_n * sizeof *d->calls);
    struct part_event event = {
        .tx = call.tx, .call = call.call, .status = status, .reason = reason};
    if (status == PART_RM_ROLLED_BACK && rm_find(d, call.tx) != NULL)
        rm_end(d, call.tx);
    rm_tell(d, &event);
    perform_all(d);
}

void driver_sync_to(struct driver *d, uint64_t lsn)
{
    d->durable = lsn;
    driver_step(d, &(struct part_event){.type = PART_EVENT_DURABLE, .lsn = {lsn}});
}

void driver_sync(struct driver *d)
{
    while (d->durable < d->log_n)
        driver_sync_to(d, d->log_n);
}

void driver_advance(struct driver *d, uint64_t us)
{
    uint64_t end = d->now_us + us;
    uint64_t next;
    while ((next = part_core_deadline(d->core)) <= end) {
        d->now_us = next > d->now_us ? next : d->now_us;
        driver_step(d, &(struct part_event){.type = PART_EVENT_TICK});
    }
    d->now_us = end;
}

/* ---- life ---- */

struct part_options driver_options(void)
{
    struct part_options options = {
        .incarnation = 1,
        .idle_us = 10000000,
        .lock_timeout_us = 5000000,
        .inquiry_us = 1000000,
        .inquiry_max_us = 8000000,
        .txs_max = 100,
        .locks_max = 10000,
        .tombstones_max = 100,
        .snapshot_records = 0,
        .retain_records = 0,
    };
    (void)snprintf(options.name.s, sizeof options.name.s, "%s", DRIVER_SELF);
    return options;
}

static enum tx_error replay(struct driver *d, uint64_t from, uint64_t to, struct tx_why *why)
{
    struct tx_arena arena = {0};
    enum tx_error error = TX_OK;
    for (uint64_t lsn = from; lsn <= to && error == TX_OK; lsn++) {
        struct txlog_record record;
        driver_decode(d, lsn, &arena, &record);
        error = part_core_recover(d->core, &record, why);
        part_core_check(d->core);
        tx_arena_reset(&arena);
    }
    tx_arena_deinit(&arena);
    return error;
}

static void rm_recover(void *arg, struct tx_id id, struct tx_lsn prepared)
{
    struct driver *d = arg;
    struct tx_arena arena = {0};
    struct txlog_record record;
    driver_decode(d, prepared.n, &arena, &record);
    assert_int_equal(record.type, TXLOG_PREPARED);
    assert_true(tx_id_equal(record.prepared.id, id));
    struct driver_rm_tx *tx = rm_begin(d, id);
    struct tx_reader r = tx_reader(record.prepared.redo);
    while (tx_reader_left(&r) > 0) {
        bool deleted = tx_read_u8(&r) != 0;
        struct tx_bytes key = tx_read_blob(&r);
        rm_write(tx, key, tx_read_blob(&r), deleted);
    }
    tx_arena_deinit(&arena);
}

/* What the surviving records made of the data: the commits, each with the redo of its newest
 * PREPARED that has one. */
static void rebuild_data(struct driver *d)
{
    struct tx_arena arena = {0};
    data_clear(d);
    for (uint64_t lsn = 1; lsn <= d->log_n; lsn++) {
        struct txlog_record record;
        driver_decode(d, lsn, &arena, &record);
        bool heuristic = record.type == TXLOG_HEURISTIC && record.heuristic.commit;
        if (record.type == TXLOG_COMMITTED && record.committed.one_phase)
            redo_apply(d, record.committed.redo);
        else if (record.type == TXLOG_COMMITTED || heuristic) {
            bool done =
                false; /* a restated record has nothing to apply again, but that does no harm */
            for (uint64_t at = lsn; at-- > 1 && !done;) {
                struct txlog_record prepared;
                driver_decode(d, at, &arena, &prepared);
                done = prepared.type == TXLOG_PREPARED && prepared.prepared.redo.len > 0 &&
                       tx_id_equal(prepared.prepared.id, txlog_record_tx(&record));
                if (done)
                    redo_apply(d, prepared.prepared.redo);
            }
        }
        tx_arena_reset(&arena);
    }
    tx_arena_deinit(&arena);
}

static uint64_t replay_from(const struct driver *d)
{
    struct tx_arena arena = {0};
    uint64_t from = 1;
    for (uint64_t lsn = 1; lsn <= d->log_n; lsn++) {
        struct txlog_record record;
        driver_decode(d, lsn, &arena, &record);
        if (record.type == TXLOG_SNAPSHOT_END)
            from = record.snapshot_end.begin.n;
    }
    tx_arena_deinit(&arena);
    assert_true(from > d->compacted || d->log_n <= d->compacted);
    return d->compacted > 0 ? from : 1;
}

enum tx_error driver_try_restart(struct driver *d, uint64_t upto, struct tx_why *why)
{
    part_actions_clear(&d->actions);
    if (d->core != NULL)
        part_core_destroy(&d->core);
    while (d->rm_txs != NULL)
        rm_end(d, d->rm_txs->id);
    d->calls_n = 0;
    log_cut(d, upto);
    if (!d->no_data)
        rebuild_data(d);
    d->options.incarnation++;
    d->options.life = 0x100 + d->options.incarnation;
    struct txlog_record start = {.type = TXLOG_START,
                                 .lsn = {d->log_n + 1},
                                 .start = d->options.incarnation,
                                 .started = {.life = d->options.life}};
    d->core = part_core_new(&d->options);
    enum tx_error error = replay(d, replay_from(d), d->log_n, why);
    log_append(d, &start);
    d->durable = d->log_n;
    if (error == TX_OK) {
        part_core_each_prepared(d->core, rm_recover, d);
        error =
            part_core_recovered(d->core, (struct tx_lsn){d->log_n}, d->now_us, &d->actions, why);
    }
    if (error == TX_OK)
        perform_all(d);
    return error;
}

void driver_restart(struct driver *d, uint64_t upto)
{
    struct tx_why why = {{0}};
    if (driver_try_restart(d, upto, &why) != TX_OK)
        fail_msg("%s", why.text);
}

void driver_lose(struct driver *d, uint64_t upto)
{
    struct txlog_record loss = {
        .type = TXLOG_LOSS,
        .lsn = {upto + 1},
        .start = d->options.incarnation + DRIVER_LOSS,
        .loss = {.lsn = {upto}, .start = d->options.incarnation + DRIVER_LOSS}};
    log_cut(d, upto);
    log_append(d, &loss);
    d->options.incarnation += DRIVER_LOSS;
    driver_restart(d, d->log_n);
}

struct driver *driver_new_bare(const struct part_options *options)
{
    struct driver *d = tx_xcalloc(1, sizeof *d);
    d->options = options != NULL ? *options : driver_options();
    d->options.incarnation = 0;
    d->now_us = 1000000;
    d->epoch = 1;
    d->life = LIFE;
    d->age = 1000;
    d->check = true;
    driver_restart(d, 0);
    driver_clear(d);
    return d;
}

struct driver *driver_new(const struct part_options *options)
{
    struct driver *d = driver_new_bare(options);
    driver_hello(d, 1, LIFE);
    driver_sync(d);
    driver_clear(d);
    return d;
}

void driver_free(struct driver *d)
{
    part_core_destroy(&d->core);
    assert_null(d->core);
    part_core_destroy(&d->core);
    part_actions_deinit(&d->actions);
    while (d->rm_txs != NULL)
        rm_end(d, d->rm_txs->id);
    data_clear(d);
    log_cut(d, 0);
    free(d->log);
    free(d->calls);
    free(d->sent);
    free(d->notes);
    tx_arena_deinit(&d->arena);
    free(d);
}

const char *driver_value(struct driver *d, const char *key)
{
    const struct tx_buf *value = data_get(d, tx_bytes_str(key));
    if (value == NULL)
        return NULL;
    char *text = tx_arena_alloc(&d->arena, value->len + 1, 1);
    if (value->len > 0)
        memcpy(text, value->data, value->len);
    return text;
}
