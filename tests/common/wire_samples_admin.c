#include "tests/common/wire_samples_admin.h"

#include "common/cut.h"

static const struct tx_id id = {513, UINT64_C(0x100000007), 70000};

static const struct tx_status_field status_fields[] = {
    {VIEW("role"), VIEW("participant")},
    {VIEW("version"), VIEW("0.1.0")},
};
static const struct tx_status_tx status_txs[] = {
    {{1, 2, 3}, VIEW("prepared"), 4500, VIEW("waits for coordinator 1")},
    {{2, 2, 3}, VIEW("working"), 1, VIEW("")},
};
static const struct tx_status_peer status_peers[] = {
    {VIEW("coordinator 1"), VIEW("tcp://127.0.0.1:7400"), VIEW("up"), 7, 20},
    {VIEW("a"), VIEW("tcp://127.0.0.1:7401"), VIEW("down"), 8, 99999},
};

static const struct tx_msg_status full_status = {9,
                                                 status_fields,
                                                 N_OF(status_fields),
                                                 status_txs,
                                                 N_OF(status_txs),
                                                 status_peers,
                                                 N_OF(status_peers)};

static const struct tx_locks_place locks_place = {
    9, 12, 3, UINT64_MAX, true, VIEW("accounts"), VIEW("al\0ice"), VIEW("bob"),
};
static const struct tx_lock_blocker lock_blockers[] = {
    {{1, 7, 42}, VIEW("prepared"), 1500, TX_LOCK_SIX, false, false},
    {{2, 1, UINT64_MAX}, VIEW("working"), 0, TX_LOCK_S, true, true},
};
static const struct tx_lock_row lock_rows[] = {
    {.id = {1, 7, 42},
     .age = {77, 1},
     .state = VIEW("prepared"),
     .age_ms = UINT64_MAX,
     .mode = TX_LOCK_IX},
    {.id = {3, 7, 43},
     .age = {UINT64_C(0x123456789a), 65535},
     .state = VIEW("working"),
     .space = VIEW("accounts"),
     .key = VIEW("alice"),
     .to = VIEW("bob"),
     .range = true,
     .mode = TX_LOCK_S,
     .waiting = true,
     .waited_ms = 12,
     .blockers = lock_blockers,
     .blockers_n = N_OF(lock_blockers),
     .blockers_more = true},
};

static const struct tx_open_member open_members[] = {
    {{"a"}, {"tcp://127.0.0.1:7401"}, true, TX_SAID_ACKNOWLEDGED, false, VIEW("up"), 20},
    {{"node-b_2.x"}, {""}, false, TX_SAID_NOTHING, true, VIEW(""), UINT64_MAX},
};
static const struct tx_open_row open_rows[] = {
    {.id = {1, 7, 42},
     .state = VIEW("prepared"),
     .in_doubt = true,
     .age_ms = 70000,
     .state_ms = 1,
     .recovered = true,
     .mode = TX_OPEN_MEMBERS,
     .waits = TX_WAITS_OPERATOR,
     .detail = VIEW("waits for the decision of coordinator 1"),
     .tries = true,
     .next_ms = 900,
     .tried = 3,
     .lsn = {UINT64_C(0x100000002)},
     .log_bytes = 4096,
     .locks = 2,
     .waiters = 1,
     .key = VIEW("order \0 1"),
     .heuristic = {true, true, {"alice"}, 1700000000123, TX_HEURISTIC_DAMAGE, true},
     .members = open_members,
     .members_n = N_OF(open_members)},
    {.id = {3, 7, 43}, .state = VIEW("working"), .waits = TX_WAITS_CLIENT},
};
static const struct tx_alarm_row alarm_rows[] = {
    {UINT64_MAX, {1, 7, 42}, 1700000000123, VIEW("DAMAGE")},
    {1, {0}, 0, VIEW("an old copy")},
};

/* Cuts, backups and administration. */
static struct tx_msg sample_of_nodes(enum tx_msg_type type)
{
    struct tx_msg msg = {.type = type};
    if (type == TX_MSG_CUT_REQUEST) {
        msg.cut_request = (struct tx_msg_cut_request){13, true, TX_CUT_LAST};
    } else if (type == TX_MSG_CUT) {
        msg.cut = (struct tx_msg_cut){14, 7, 8, {UINT64_MAX}, 1700000000123};
    } else if (type == TX_MSG_BACKUP_REQUEST) {
        msg.backup_request = (struct tx_msg_backup_request){15,
                                                            TX_BACKUP_FINISH,
                                                            VIEW("20261121T142501Z"),
                                                            VIEW("/backups"),
                                                            true,
                                                            UINT32_MAX,
                                                            UINT64_MAX,
                                                            {77}};
    } else if (type == TX_MSG_BACKUP) {
        msg.backup = (struct tx_msg_backup){
            16,  TX_BACKUP_FAILED,     VIEW("participant-a"), UINT64_MAX, 5, 6,
            {7}, VIEW("no space left")};
    } else {
        msg.admin_request =
            (struct tx_msg_admin_request){13, TX_ADMIN_LOG_LEVEL, {"alice"}, VIEW("debug")};
    }
    return msg;
}

/* What is open, locked and wrong, in pages. */
static struct tx_msg sample_of_lists(enum tx_msg_type type)
{
    struct tx_msg msg = {.type = type};
    const struct tx_txs_place place = {9, UINT64_C(0x100000007), UINT64_MAX};
    if (type == TX_MSG_TXS_REQUEST) {
        msg.txs_request = (struct tx_msg_txs_request){13, true, id, 10000, UINT32_MAX, place};
    } else if (type == TX_MSG_TXS) {
        msg.txs = (struct tx_msg_txs){14, open_rows, N_OF(open_rows), true, place};
    } else if (type == TX_MSG_ALARMS_REQUEST) {
        msg.alarms_request = (struct tx_msg_alarms_request){15, 1000, UINT64_MAX};
    } else if (type == TX_MSG_ALARMS) {
        msg.alarms = (struct tx_msg_alarms){16, alarm_rows, N_OF(alarm_rows), true};
    } else if (type == TX_MSG_LOCKS_REQUEST) {
        msg.locks_request =
            (struct tx_msg_locks_request){11, true, VIEW("accounts"), id, UINT32_MAX, locks_place};
    } else {
        msg.locks = (struct tx_msg_locks){12, lock_rows, N_OF(lock_rows), true, locks_place};
    }
    return msg;
}

struct tx_msg sample_of_operators(enum tx_msg_type type)
{
    struct tx_msg msg = {.type = type};
    if (type == TX_MSG_STATUS_REQUEST) {
        msg.status_request.req = 8;
    } else if (type == TX_MSG_STATUS) {
        msg.status = full_status;
    } else if (type == TX_MSG_RESOLVE) {
        msg.resolve = (struct tx_msg_resolve){7, id, true, {"alice"}};
    } else if (type == TX_MSG_PUT_ASIDE) {
        msg.put_aside = (struct tx_msg_put_aside){17, id, true, {"alice"}};
    } else if (type == TX_MSG_CUT_REQUEST || type == TX_MSG_CUT || type == TX_MSG_BACKUP_REQUEST ||
               type == TX_MSG_BACKUP || type == TX_MSG_ADMIN_REQUEST) {
        return sample_of_nodes(type);
    } else {
        return sample_of_lists(type);
    }
    return msg;
}

void sample_bare_of_operators(struct tx_msg *msg)
{
    const enum tx_msg_type type = msg->type;
    if (type == TX_MSG_CUT_REQUEST) {
        msg->cut_request = (struct tx_msg_cut_request){.req = 13};
    } else if (type == TX_MSG_CUT) {
        msg->cut = (struct tx_msg_cut){.req = 14};
    } else if (type == TX_MSG_BACKUP_REQUEST) {
        msg->backup_request = (struct tx_msg_backup_request){.req = 15};
    } else if (type == TX_MSG_BACKUP) {
        msg->backup = (struct tx_msg_backup){.req = 16};
    } else if (type == TX_MSG_ADMIN_REQUEST) {
        msg->admin_request.text.len = 0;
    } else if (type == TX_MSG_STATUS) {
        msg->status.fields_n = 0;
        msg->status.txs_n = 0;
        msg->status.peers_n = 0;
    } else if (type == TX_MSG_LOCKS_REQUEST) {
        msg->locks_request = (struct tx_msg_locks_request){.req = 11};
    } else if (type == TX_MSG_LOCKS) {
        msg->locks = (struct tx_msg_locks){.req = 12};
    } else if (type == TX_MSG_TXS_REQUEST) {
        msg->txs_request = (struct tx_msg_txs_request){.req = 13};
    } else if (type == TX_MSG_TXS) {
        msg->txs = (struct tx_msg_txs){.req = 14};
    } else if (type == TX_MSG_ALARMS) {
        msg->alarms = (struct tx_msg_alarms){.req = 16};
    }
}

/* ---- comparison ---- */

static void same_status(const struct tx_msg_status *a, const struct tx_msg_status *b)
{
    assert_int_equal(a->req, b->req);
    assert_int_equal(a->fields_n, b->fields_n);
    for (size_t i = 0; i < a->fields_n; i++) {
        same_bytes(a->fields[i].name, b->fields[i].name);
        same_bytes(a->fields[i].text, b->fields[i].text);
    }
    assert_int_equal(a->txs_n, b->txs_n);
    for (size_t i = 0; i < a->txs_n; i++) {
        same_id(a->txs[i].id, b->txs[i].id);
        same_bytes(a->txs[i].state, b->txs[i].state);
        assert_int_equal(a->txs[i].age_ms, b->txs[i].age_ms);
        same_bytes(a->txs[i].detail, b->txs[i].detail);
    }
    assert_int_equal(a->peers_n, b->peers_n);
    for (size_t i = 0; i < a->peers_n; i++) {
        same_bytes(a->peers[i].name, b->peers[i].name);
        same_bytes(a->peers[i].address, b->peers[i].address);
        same_bytes(a->peers[i].state, b->peers[i].state);
        assert_int_equal(a->peers[i].start, b->peers[i].start);
        assert_int_equal(a->peers[i].silent_ms, b->peers[i].silent_ms);
    }
}

static void same_place(const struct tx_locks_place *a, const struct tx_locks_place *b)
{
    assert_int_equal(a->incarnation, b->incarnation);
    assert_int_equal(a->serial, b->serial);
    assert_int_equal(a->passed, b->passed);
    assert_int_equal(a->skip, b->skip);
    assert_int_equal(a->range, b->range);
    same_bytes(a->space, b->space);
    same_bytes(a->key, b->key);
    same_bytes(a->to, b->to);
}

static void same_locks_request(const struct tx_msg_locks_request *a,
                               const struct tx_msg_locks_request *b)
{
    assert_int_equal(a->req, b->req);
    assert_int_equal(a->waiting, b->waiting);
    same_bytes(a->space, b->space);
    same_id(a->tx, b->tx);
    assert_int_equal(a->limit, b->limit);
    same_place(&a->from, &b->from);
}

static void same_lock_row(const struct tx_lock_row *a, const struct tx_lock_row *b)
{
    same_id(a->id, b->id);
    same_age(a->age, b->age);
    same_bytes(a->state, b->state);
    assert_int_equal(a->age_ms, b->age_ms);
    same_bytes(a->space, b->space);
    same_bytes(a->key, b->key);
    same_bytes(a->to, b->to);
    assert_int_equal(a->range, b->range);
    assert_int_equal(a->mode, b->mode);
    assert_int_equal(a->waiting, b->waiting);
    assert_int_equal(a->waited_ms, b->waited_ms);
    assert_int_equal(a->blockers_n, b->blockers_n);
    assert_int_equal(a->blockers_more, b->blockers_more);
    for (size_t i = 0; i < a->blockers_n; i++) {
        same_id(a->blockers[i].id, b->blockers[i].id);
        same_bytes(a->blockers[i].state, b->blockers[i].state);
        assert_int_equal(a->blockers[i].age_ms, b->blockers[i].age_ms);
        assert_int_equal(a->blockers[i].mode, b->blockers[i].mode);
        assert_int_equal(a->blockers[i].waits, b->blockers[i].waits);
        assert_int_equal(a->blockers[i].range, b->blockers[i].range);
    }
}

static void same_locks(const struct tx_msg *of, const struct tx_msg *other)
{
    const struct tx_msg_locks *a = &of->locks;
    const struct tx_msg_locks *b = &other->locks;
    if (of->type == TX_MSG_LOCKS_REQUEST) {
        same_locks_request(&of->locks_request, &other->locks_request);
        return;
    }
    assert_int_equal(a->req, b->req);
    assert_int_equal(a->rows_n, b->rows_n);
    for (size_t i = 0; i < a->rows_n; i++) {
        same_lock_row(&a->rows[i], &b->rows[i]);
    }
    assert_int_equal(a->more, b->more);
    same_place(&a->next, &b->next);
}

static void same_txs_place(struct tx_txs_place a, struct tx_txs_place b)
{
    assert_int_equal(a.start, b.start);
    assert_int_equal(a.epoch, b.epoch);
    assert_int_equal(a.seq, b.seq);
}

static void same_heuristic(const struct tx_open_heuristic *a, const struct tx_open_heuristic *b)
{
    assert_int_equal(a->decided, b->decided);
    assert_int_equal(a->commit, b->commit);
    assert_string_equal(a->operator_name.s, b->operator_name.s);
    assert_int_equal(a->time_ms, b->time_ms);
    assert_int_equal(a->end, b->end);
    assert_int_equal(a->put_aside, b->put_aside);
}

static void same_open_members(const struct tx_open_row *a, const struct tx_open_row *b)
{
    assert_int_equal(a->members_n, b->members_n);
    for (size_t i = 0; i < a->members_n; i++) {
        assert_string_equal(a->members[i].name.s, b->members[i].name.s);
        assert_string_equal(a->members[i].address.s, b->members[i].address.s);
        assert_int_equal(a->members[i].read_only, b->members[i].read_only);
        assert_int_equal(a->members[i].said, b->members[i].said);
        assert_int_equal(a->members[i].waited_for, b->members[i].waited_for);
        same_bytes(a->members[i].state, b->members[i].state);
        assert_int_equal(a->members[i].silent_ms, b->members[i].silent_ms);
    }
}

static void same_open_row(const struct tx_open_row *a, const struct tx_open_row *b)
{
    same_id(a->id, b->id);
    same_bytes(a->state, b->state);
    assert_int_equal(a->in_doubt, b->in_doubt);
    assert_int_equal(a->age_ms, b->age_ms);
    assert_int_equal(a->state_ms, b->state_ms);
    assert_int_equal(a->recovered, b->recovered);
    assert_int_equal(a->mode, b->mode);
    assert_int_equal(a->waits, b->waits);
    same_bytes(a->detail, b->detail);
    assert_int_equal(a->tries, b->tries);
    assert_int_equal(a->next_ms, b->next_ms);
    assert_int_equal(a->tried, b->tried);
    assert_int_equal(a->lsn.n, b->lsn.n);
    assert_int_equal(a->log_bytes, b->log_bytes);
    assert_int_equal(a->locks, b->locks);
    assert_int_equal(a->waiters, b->waiters);
    same_bytes(a->key, b->key);
    same_heuristic(&a->heuristic, &b->heuristic);
    same_open_members(a, b);
}

static void same_txs(const struct tx_msg_txs *a, const struct tx_msg_txs *b)
{
    assert_int_equal(a->req, b->req);
    assert_int_equal(a->rows_n, b->rows_n);
    for (size_t i = 0; i < a->rows_n; i++) {
        same_open_row(&a->rows[i], &b->rows[i]);
    }
    assert_int_equal(a->more, b->more);
    same_txs_place(a->next, b->next);
}

static void same_alarms(const struct tx_msg_alarms *a, const struct tx_msg_alarms *b)
{
    assert_int_equal(a->req, b->req);
    assert_int_equal(a->rows_n, b->rows_n);
    for (size_t i = 0; i < a->rows_n; i++) {
        assert_int_equal(a->rows[i].number, b->rows[i].number);
        same_id(a->rows[i].id, b->rows[i].id);
        assert_int_equal(a->rows[i].time_ms, b->rows[i].time_ms);
        same_bytes(a->rows[i].text, b->rows[i].text);
    }
    assert_int_equal(a->more, b->more);
}

static void same_cut(const struct tx_msg *a, const struct tx_msg *b)
{
    if (a->type == TX_MSG_CUT_REQUEST) {
        assert_int_equal(a->cut_request.req, b->cut_request.req);
        assert_int_equal(a->cut_request.begin, b->cut_request.begin);
        assert_int_equal(a->cut_request.number, b->cut_request.number);
        return;
    }
    assert_int_equal(a->cut.req, b->cut.req);
    assert_int_equal(a->cut.number, b->cut.number);
    assert_int_equal(a->cut.taken, b->cut.taken);
    assert_int_equal(a->cut.lsn.n, b->cut.lsn.n);
    assert_int_equal(a->cut.time_ms, b->cut.time_ms);
}

static void same_backup_request(const struct tx_msg_backup_request *a,
                                const struct tx_msg_backup_request *b)
{
    assert_int_equal(a->req, b->req);
    assert_int_equal(a->step, b->step);
    same_bytes(a->name, b->name);
    same_bytes(a->directory, b->directory);
    assert_int_equal(a->full, b->full);
    assert_int_equal(a->patience_ms, b->patience_ms);
    assert_int_equal(a->cut, b->cut);
    assert_int_equal(a->lsn.n, b->lsn.n);
}

static void same_backup(const struct tx_msg_backup *a, const struct tx_msg_backup *b)
{
    assert_int_equal(a->req, b->req);
    assert_int_equal(a->state, b->state);
    same_bytes(a->node, b->node);
    assert_int_equal(a->bytes, b->bytes);
    assert_int_equal(a->done, b->done);
    assert_int_equal(a->stored, b->stored);
    assert_int_equal(a->checkpoint.n, b->checkpoint.n);
    same_bytes(a->text, b->text);
}

static void same_admin(const struct tx_msg_admin_request *a, const struct tx_msg_admin_request *b)
{
    assert_int_equal(a->req, b->req);
    assert_int_equal(a->verb, b->verb);
    assert_string_equal(a->operator_name.s, b->operator_name.s);
    same_bytes(a->text, b->text);
}

static void same_lists(const struct tx_msg *a, const struct tx_msg *b)
{
    if (a->type == TX_MSG_TXS_REQUEST) {
        assert_int_equal(a->txs_request.req, b->txs_request.req);
        assert_int_equal(a->txs_request.in_doubt, b->txs_request.in_doubt);
        same_id(a->txs_request.tx, b->txs_request.tx);
        assert_int_equal(a->txs_request.older_ms, b->txs_request.older_ms);
        assert_int_equal(a->txs_request.limit, b->txs_request.limit);
        same_txs_place(a->txs_request.from, b->txs_request.from);
    } else if (a->type == TX_MSG_TXS) {
        same_txs(&a->txs, &b->txs);
    } else if (a->type == TX_MSG_ALARMS_REQUEST) {
        assert_int_equal(a->alarms_request.req, b->alarms_request.req);
        assert_int_equal(a->alarms_request.limit, b->alarms_request.limit);
        assert_int_equal(a->alarms_request.before, b->alarms_request.before);
    } else if (a->type == TX_MSG_ALARMS) {
        same_alarms(&a->alarms, &b->alarms);
    } else {
        same_locks(a, b);
    }
}

static void same_decision(const struct tx_msg *a, const struct tx_msg *b)
{
    if (a->type == TX_MSG_RESOLVE) {
        assert_int_equal(a->resolve.req, b->resolve.req);
        assert_int_equal(a->resolve.commit, b->resolve.commit);
        assert_string_equal(a->resolve.operator_name.s, b->resolve.operator_name.s);
        return;
    }
    assert_int_equal(a->put_aside.req, b->put_aside.req);
    assert_int_equal(a->put_aside.force, b->put_aside.force);
    assert_string_equal(a->put_aside.operator_name.s, b->put_aside.operator_name.s);
}

void sample_same_of_operators(const struct tx_msg *a, const struct tx_msg *b)
{
    if (a->type == TX_MSG_STATUS_REQUEST) {
        assert_int_equal(a->status_request.req, b->status_request.req);
    } else if (a->type == TX_MSG_STATUS) {
        same_status(&a->status, &b->status);
    } else if (a->type == TX_MSG_RESOLVE || a->type == TX_MSG_PUT_ASIDE) {
        same_decision(a, b);
    } else if (a->type == TX_MSG_CUT_REQUEST || a->type == TX_MSG_CUT) {
        same_cut(a, b);
    } else if (a->type == TX_MSG_BACKUP_REQUEST) {
        same_backup_request(&a->backup_request, &b->backup_request);
    } else if (a->type == TX_MSG_BACKUP) {
        same_backup(&a->backup, &b->backup);
    } else if (a->type == TX_MSG_ADMIN_REQUEST) {
        same_admin(&a->admin_request, &b->admin_request);
    } else {
        same_lists(a, b);
    }
}
