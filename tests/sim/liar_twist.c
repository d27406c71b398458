#include "liar_twist.h"

#include <string.h>

#define FIELDS 8u /* choices for each type of message */

bool liar_once_in(struct liar_talk *talk, unsigned n)
{
    return sim_random_between(&talk->random, 1, n) == 1;
}

static unsigned below(struct liar_talk *talk, unsigned n)
{
    return (unsigned)sim_random_between(&talk->random, 0, n - 1);
}

uint64_t liar_near(struct liar_talk *talk, uint64_t usual)
{
    static const uint64_t edges[] = {0, 1, UINT32_MAX, UINT64_C(1) << 62, UINT64_MAX};
    unsigned choice = below(talk, 16);

    if (choice < 5)
        return usual;
    if (choice < 9)
        return usual + 1 + below(talk, 3);
    if (choice < 13)
        return usual > 0 ? usual - 1 - below(talk, usual > 2 ? 2 : 1) : 0;
    return edges[below(talk, sizeof edges / sizeof edges[0])];
}

/* ---- ids ---- */

void liar_heard_of(struct liar_talk *talk, struct tx_id id)
{
    if (tx_id_valid(id))
        talk->ids[talk->ids_n++ % LIAR_IDS] = id;
}

struct tx_id liar_id(struct liar_talk *talk)
{
    uint64_t n = talk->ids_n < LIAR_IDS ? talk->ids_n : LIAR_IDS;
    struct tx_id id = {0};

    if (n == 0 || liar_once_in(talk, 30))
        return id;
    id = talk->ids[below(talk, (unsigned)n)];
    if (!liar_once_in(talk, 4))
        return id;
    if (liar_once_in(talk, 2))
        id.seq += below(talk, 2) == 0 ? 1 + below(talk, 40) : 0 - (uint64_t)(id.seq > 1);
    else if (id.epoch > 1 && liar_once_in(talk, 2))
        id.epoch -= 1;
    else if (talk->drastic && liar_once_in(talk, 8))
        id.epoch += 1;
    else if (liar_once_in(talk, 2))
        id.coordinator = (uint32_t)liar_near(talk, id.coordinator);
    return id;
}

/* ---- lists ---- */

static struct tx_bytes text(struct liar_talk *talk)
{
    static const char *const texts[] = {"", "1", "-7", "so it is", "9223372036854775807"};

    if (below(talk, 6) == 0) {
        memset(talk->text, 'x', sizeof talk->text);
        return tx_bytes((const uint8_t *)talk->text, sizeof talk->text);
    }
    return tx_bytes_str(texts[below(talk, sizeof texts / sizeof texts[0])]);
}

size_t liar_members(struct liar_talk *talk, const struct tx_member *members, size_t n)
{
    struct tx_member *odd;

    n = n < LIAR_MEMBERS - 1 ? n : LIAR_MEMBERS - 1;
    for (size_t i = 0; i < n; i++)
        talk->members[i] = members[i];
    if (n == 0)
        return 0;
    odd = &talk->members[below(talk, (unsigned)n)];
    switch (below(talk, FIELDS)) {
    case 0:
        return n - 1;
    case 1:
        talk->members[n] = talk->members[0];
        return n + 1;
    case 2:
        talk->members[n] = talk->members[0];
        talk->members[n].name = (struct tx_name){"nobody"};
        return n + 1;
    case 3:
        odd->incarnation = 0;
        return n;
    case 4:
        odd->incarnation = liar_near(talk, odd->incarnation);
        return n;
    case 5:
        odd->address = (struct tx_address){"sim://nowhere"};
        return n;
    case 6:
        while (n < LIAR_MEMBERS) /* more than there may be */
            talk->members[n++] = talk->members[0];
        return n;
    default:
        odd->read_only = !odd->read_only;
        return n;
    }
}

static size_t known_of(struct liar_talk *talk, const struct tx_position *known, size_t known_n,
                       size_t n)
{
    for (size_t i = 0; i < n; i++)
        talk->known[i] = i < known_n ? known[i] : (struct tx_position){0};
    if (n > 0 && liar_once_in(talk, 8)) {
        struct tx_position *odd = &talk->known[below(talk, (unsigned)n)];

        odd->lsn.n = liar_near(talk, talk->known[0].lsn.n);
    }
    return n;
}

size_t liar_ops(struct liar_talk *talk, const struct tx_name *participant)
{
    static const char *const keys[] = {"a", "b", "c", "d"};
    size_t n = 1 + below(talk, LIAR_OPS - 1);

    for (size_t i = 0; i < n; i++) {
        struct tx_op *op = &talk->ops[i];
        unsigned type = below(talk, TX_OP_TYPES_N);

        *op = (struct tx_op){.type = (enum tx_op_type)type,
                             .participant = *participant,
                             .space = tx_bytes_str("lies"),
                             .key = tx_bytes_str(keys[below(talk, 4)])};
        if (op->type == TX_OP_LOCK)
            op->mode = (enum tx_lock_mode)(1 + below(talk, TX_LOCK_MODES_N - 1));
        if (op->type == TX_OP_LOCK && below(talk, 2) == 0)
            op->key = tx_bytes(NULL, 0);
        if (op->type == TX_OP_CHECK)
            op->absent = below(talk, 2) == 0;
        if (op->type == TX_OP_PUT || op->type == TX_OP_INSERT ||
            (op->type == TX_OP_CHECK && !op->absent))
            op->value = tx_bytes_str("1");
        if (op->type == TX_OP_ADD)
            op->delta = (int64_t)below(talk, 7) - 3;
        op->has_min = op->type == TX_OP_ADD && below(talk, 2) == 0;
    }
    return n;
}

static size_t results(struct liar_talk *talk)
{
    size_t n = below(talk, 4);

    for (size_t i = 0; i < n; i++) {
        talk->results[i].found = below(talk, 2) != 0;
        talk->results[i].value = text(talk);
    }
    return n;
}

static size_t starts(struct liar_talk *talk, const struct tx_position *from, size_t n)
{
    struct tx_position *odd;

    n = n < TX_LINEAGE_MAX ? n : TX_LINEAGE_MAX;
    for (size_t i = 0; i < n; i++)
        talk->starts[i] = from[i];
    if (n == 0)
        return 0;
    odd = &talk->starts[below(talk, (unsigned)n)];
    switch (below(talk, 4)) {
    case 0:
        odd->start = liar_near(talk, odd->start);
        return n;
    case 1:
        odd->life++;
        return n;
    case 2:
        odd->lsn.n = liar_near(talk, odd->lsn.n);
        return n;
    default:
        return n - 1;
    }
}

/* ---- the types ---- */

static void twist_finish(struct liar_talk *talk, struct tx_msg_finish *finish)
{
    if (below(talk, 3) == 0) {
        finish->id = liar_id(talk);
    } else if (below(talk, 8) == 0) {
        finish->token.bytes[0]++;
    } else {
        finish->members_n = liar_members(talk, finish->members, finish->members_n);
        finish->members = talk->members;
    }
}

static void twist_prepare(struct liar_talk *talk, struct tx_msg_prepare *prepare)
{
    size_t known_n = prepare->members_n;

    if (prepare->members_decide && liar_once_in(talk, 8)) {
        prepare->members_decide = below(talk, 2) == 0;
        prepare->results_max = below(talk, 100);
        return;
    }
    switch (below(talk, FIELDS)) {
    case 0:
        prepare->id = liar_id(talk);
        return;
    case 1:
        prepare->token.bytes[0]++;
        return;
    case 2:
        prepare->one_phase = !prepare->one_phase;
        return;
    case 3:
        prepare->one_shot = !prepare->one_shot;
        return;
    case 4:
        prepare->age.counter = liar_near(talk, 0);
        return;
    case 5:
        prepare->ops_n = liar_ops(talk, &prepare->members[0].name);
        prepare->ops = talk->ops;
        return;
    default:
        prepare->members_n = liar_members(talk, prepare->members, prepare->members_n);
        prepare->members = talk->members;
        known_of(talk, prepare->known, known_n, prepare->members_n);
        prepare->known = talk->known;
        return;
    }
}

static void twist_operate(struct liar_talk *talk, struct tx_msg_operate *operate)
{
    struct tx_name nobody = {""};

    switch (below(talk, FIELDS)) {
    case 0:
        operate->id = liar_id(talk);
        return;
    case 1:
        operate->token.bytes[0]++;
        return;
    case 2:
        operate->age.counter = liar_near(talk, 0);
        return;
    case 3:
        operate->lock_timeout_ms = 1 + below(talk, 50);
        return;
    case 4:
        operate->ops_n = liar_ops(talk, &nobody);
        operate->ops = talk->ops;
        return;
    case 5:
        operate->step += 1 + below(talk, 3);
        return;
    default:
        operate->step = (uint32_t)liar_near(talk, operate->step);
        return;
    }
}

static void twist_submit(struct liar_talk *talk, struct tx_msg_submit *submit)
{
    static const char *const keys[] = {"", "lie 1", "lie 2", "lie 3"};

    switch (below(talk, FIELDS)) {
    case 0:
        submit->ops_n = 0;
        return;
    case 1:
        talk->ops[0].participant = (struct tx_name){"nobody"};
        return;
    case 2:
        submit->timeout_ms = 1 + below(talk, 100);
        return;
    case 3:
        submit->lock_timeout_ms = 1 + below(talk, 100);
        return;
    case 4:
        submit->age.counter = liar_near(talk, 0);
        submit->age.coordinator = (uint32_t)liar_near(talk, 1);
        return;
    default:
        submit->key = tx_bytes_str(keys[below(talk, 4)]);
        return;
    }
}

static void twist_vote(struct liar_talk *talk, struct tx_msg_vote *vote)
{
    switch (below(talk, FIELDS)) {
    case 0:
        vote->id = liar_id(talk);
        return;
    case 1:
        vote->incarnation = liar_near(talk, vote->incarnation);
        return;
    case 2:
        vote->results_n = results(talk);
        vote->results = talk->results;
        return;
    case 3:
        vote->reason = (enum tx_reason)below(talk, TX_REASONS_N);
        vote->text = text(talk);
        return;
    case 4:
        vote->vote = TX_VOTE_NO;
        vote->reason = (enum tx_reason)below(talk, TX_REASONS_N);
        vote->results_n = 0;
        return;
    default:
        vote->vote = (enum tx_vote)below(talk, TX_VOTES_N);
        vote->reason = TX_REASON_NONE;
        return;
    }
}

static void twist_ack(struct liar_talk *talk, struct tx_msg_ack *ack)
{
    if (ack->members_decide && liar_once_in(talk, 4)) {
        ack->members_decide = false;
        return;
    }
    switch (below(talk, 3)) {
    case 0:
        ack->id = liar_id(talk);
        return;
    case 1:
        ack->incarnation = liar_near(talk, ack->incarnation);
        return;
    default:
        ack->heuristic = (enum tx_heuristic)below(talk, TX_HEURISTICS_N);
        return;
    }
}

static void twist_inquire(struct liar_talk *talk, struct tx_msg_inquire *inquire)
{
    if (inquire->members_decide && liar_once_in(talk, 4)) {
        inquire->members_decide = false;
        return;
    }
    switch (below(talk, 4)) {
    case 0:
        inquire->in_doubt = !inquire->in_doubt;
        return;
    case 1:
        inquire->wanted = !inquire->wanted;
        return;
    case 2:
        if (talk->drastic)
            inquire->known.lsn.n = liar_near(talk, inquire->known.lsn.n);
        return;
    default:
        inquire->id = liar_id(talk);
        return;
    }
}

static void twist_state(struct liar_talk *talk, struct tx_msg_state *state)
{
    if (state->members_decide && liar_once_in(talk, 4)) {
        state->members_decide = false;
        return;
    }
    switch (below(talk, 4)) {
    case 0:
        state->id = liar_id(talk);
        return;
    case 1:
        state->incarnation = liar_near(talk, state->incarnation);
        return;
    default:
        state->state = (enum tx_state)below(talk, TX_STATES_N);
        return;
    }
}

static void twist_forget(struct liar_talk *talk, struct tx_msg_forget *forget)
{
    switch (below(talk, 4)) {
    case 0:
        forget->epoch = liar_near(talk, forget->epoch);
        return;
    case 1:
        forget->below = liar_near(talk, forget->below);
        return;
    case 2:
        forget->below += 30;
        return;
    default:
        forget->open_n = below(talk, 4);
        for (size_t i = 0; i < forget->open_n; i++)
            talk->open[i] = liar_near(talk, forget->below > i ? forget->below - i : 0);
        forget->open = talk->open;
        return;
    }
}

static void twist_hello(struct liar_talk *talk, struct tx_msg_hello *hello)
{
    if (below(talk, 3) == 0) {
        hello->lsn.n = liar_near(talk, hello->lsn.n);
    } else if (below(talk, 3) == 0) {
        hello->age_counter = liar_near(talk, hello->age_counter);
    } else {
        hello->starts_n = starts(talk, hello->starts, hello->starts_n);
        hello->starts = talk->starts;
    }
}

static void twist_welcome(struct liar_talk *talk, struct tx_msg_welcome *welcome)
{
    switch (below(talk, 5)) {
    case 0:
        welcome->incarnation = liar_near(talk, welcome->incarnation);
        return;
    case 1:
        welcome->number = liar_near(talk, welcome->number);
        return;
    case 2:
        welcome->refusing = !welcome->refusing;
        return;
    case 3:
        if (liar_once_in(talk, 4))
            welcome->lsn.n = liar_near(talk, welcome->lsn.n);
        welcome->age_counter = liar_near(talk, welcome->age_counter);
        return;
    default:
        welcome->starts_n = starts(talk, welcome->starts, welcome->starts_n);
        welcome->starts = talk->starts;
        return;
    }
}

static void twist_decision(struct liar_talk *talk, struct tx_msg *msg)
{
    struct tx_id id = tx_msg_tx(msg);

    if (below(talk, 2) == 0) {
        id = liar_id(talk);
        if (msg->type == TX_MSG_COMMIT)
            msg->commit.id = id;
        else
            msg->abort.id = id;
    } else if (msg->type == TX_MSG_COMMIT) {
        msg->type = TX_MSG_ABORT;
        msg->abort = (struct tx_msg_abort){id, (enum tx_reason)below(talk, TX_REASONS_N),
                                           below(talk, 2) == 0};
    } else {
        msg->type = TX_MSG_COMMIT;
        msg->commit = (struct tx_msg_commit){id, {liar_near(talk, 0)}, liar_near(talk, 0)};
    }
}

static void twist_fenced(struct liar_talk *talk, struct tx_msg_fenced *fenced)
{
    fenced->id = liar_id(talk);
    if (talk->drastic && liar_once_in(talk, 10))
        fenced->known.start = liar_near(talk, fenced->known.start);
    else if (fenced->known.start > 1)
        fenced->known.start--;
}

static void twist_introduction(struct liar_talk *talk, struct tx_msg *msg)
{
    if (msg->type == TX_MSG_FENCED)
        twist_fenced(talk, &msg->fenced);
    else if (msg->type == TX_MSG_HELLO)
        twist_hello(talk, &msg->hello);
    else
        twist_welcome(talk, &msg->welcome);
}

static void twist_begin(struct liar_talk *talk, struct tx_msg_begin *begin)
{
    begin->age.counter = liar_near(talk, 3);
    begin->age.coordinator = (uint32_t)liar_near(talk, 1);
}

static void twist_start(struct liar_talk *talk, struct tx_msg *msg)
{
    if (msg->type == TX_MSG_BEGIN)
        twist_begin(talk, &msg->begin);
    else
        twist_submit(talk, &msg->submit);
}

void liar_twist(struct liar_talk *talk, struct tx_msg *msg)
{
    switch (msg->type) {
    case TX_MSG_BEGIN:
    case TX_MSG_SUBMIT:
        twist_start(talk, msg);
        return;
    case TX_MSG_COMMIT_REQUEST:
    case TX_MSG_ABORT_REQUEST:
    case TX_MSG_OUTCOME_REQUEST:
        twist_finish(talk, &msg->finish);
        return;
    case TX_MSG_OUTCOME_ACK:
    case TX_MSG_JOIN:
    case TX_MSG_WAIT:
        msg->id.id = liar_id(talk);
        return;
    case TX_MSG_OPERATE:
        twist_operate(talk, &msg->operate);
        return;
    case TX_MSG_PREPARE:
        twist_prepare(talk, &msg->prepare);
        return;
    case TX_MSG_VOTE:
        twist_vote(talk, &msg->vote);
        return;
    case TX_MSG_COMMIT:
    case TX_MSG_ABORT:
        twist_decision(talk, msg);
        return;
    case TX_MSG_ACK:
        twist_ack(talk, &msg->ack);
        return;
    case TX_MSG_INQUIRE:
        twist_inquire(talk, &msg->inquire);
        return;
    case TX_MSG_STATE:
        twist_state(talk, &msg->state);
        return;
    case TX_MSG_FORGET:
        twist_forget(talk, &msg->forget);
        return;
    case TX_MSG_FENCED:
    case TX_MSG_HELLO:
    case TX_MSG_WELCOME:
        twist_introduction(talk, msg);
        return;
    case TX_MSG_BEGUN:
    case TX_MSG_OUTCOME:
    case TX_MSG_OPERATED:
    case TX_MSG_RESOLVE:
    case TX_MSG_STATUS_REQUEST:
    case TX_MSG_STATUS:
    case TX_MSG_ERROR:
    case TX_MSG_LOCKS_REQUEST:
    case TX_MSG_LOCKS:
    case TX_MSG_CUT_REQUEST:
    case TX_MSG_CUT:
    case TX_MSG_BACKUP_REQUEST:
    case TX_MSG_BACKUP:
    case TX_MSG_ADMIN_REQUEST:
    case TX_MSG_TXS_REQUEST:
    case TX_MSG_TXS:
    case TX_MSG_ALARMS_REQUEST:
    case TX_MSG_ALARMS:
    case TX_MSG_PUT_ASIDE:
    case TX_MSG_TYPES_N:
        break;
    }
}
