/* SUBMIT: a whole transaction in one message. Checked, told from its repetitions, copied,
 * collected. */
#include "coordinator/coord_internal.h"

#include <inttypes.h>
#include <string.h>

#define HASH_START UINT64_C(0x3c6ef372fe94f82b)
#define HASH_ODD   UINT64_C(0x9e3779b97f4a7c15)

/* Each number is folded into what came before it. */
static inline uint64_t hash_number(uint64_t before, uint64_t number)
{
    return tx_hash_fold(before ^ HASH_ODD, number + HASH_START) + before;
}

/* Whose length is hashed already. */
static inline uint64_t hash_text(uint64_t before, struct tx_bytes bytes)
{
    return bytes.len > 0 ? tx_bytes_hash(bytes, before) : before;
}

static uint64_t hash_op(const struct tx_op *op, uint64_t before)
{
    const struct tx_bytes name = tx_bytes_str(op->participant.s);
    uint64_t hash = before;
    hash = hash_number(hash, (uint64_t)op->type | (uint64_t)op->mode << 8 |
                                 (uint64_t)op->absent << 16 | (uint64_t)op->has_min << 17 |
                                 (uint64_t)op->has_max << 18 | (uint64_t)op->reverse << 19 |
                                 (uint64_t)op->limit << 32);
    hash = hash_number(hash, (uint64_t)op->delta);
    hash = hash_number(hash, (uint64_t)op->min);
    hash = hash_number(hash, (uint64_t)op->max);
    hash = hash_number(hash, (uint64_t)name.len | (uint64_t)op->space.len << 32);
    hash = hash_number(hash, (uint64_t)op->key.len | (uint64_t)op->value.len << 32);
    hash = hash_number(hash, (uint64_t)op->to.len);
    hash = hash_text(hash, name);
    hash = hash_text(hash, op->space);
    hash = hash_text(hash, op->key);
    hash = hash_text(hash, op->value);
    return hash_text(hash, op->to);
}

static uint64_t content_hash(const struct tx_msg_submit *submit)
{
    uint64_t hash = hash_number(HASH_START, (uint64_t)submit->isolation);
    hash = hash_number(hash, submit->ops_n);
    hash = hash_text(hash_number(hash, submit->key.len), submit->key);
    for (size_t i = 0; i < submit->ops_n; i++) {
        hash = hash_op(&submit->ops[i], hash);
    }
    return hash;
}

/* Was it submitted before? Then the client is answered like the first time. */
static bool repeated(struct coord_core *core, struct coord_waiter from,
                     const struct tx_msg_submit *submit, uint64_t content)
{
    struct coord_tx *twin = coord_tx_by_request(core, from);
    if (twin != NULL && twin->one_shot && twin->content == content) {
        coord_attach(core, twin, from);
        return true;
    }
    twin = coord_tx_by_key(core, submit->key);
    if (twin == NULL || TX_SEEDED_BUG(KEY_RUNS_TWICE)) {
        return false;
    }
    if (!twin->recovered && twin->content != content) {
        char id[TX_ID_TEXT];
        coord_error(
            core, from, TX_EINVAL, TX_REASON_NONE,
            coord_print(core,
                        "this idempotency key belongs to transaction %s, which has "
                        "other operations or another isolation level; use a new key for new work",
                        tx_id_print(twin->id, id)));
    } else {
        coord_attach(core, twin, from);
    }
    return true;
}

/* The members of a SUBMIT, in the order in which its operations first name them, and for each
 * operation its member. */
struct submit_members {
    struct coord_peer *peers[TX_MEMBERS_MAX];
    size_t n;
    uint8_t *op_member;
    bool too_many;
};

/* The first operation whose participant is not of this cluster; their number when all are. */
static size_t find_members(struct coord_core *core, const struct tx_msg_submit *submit,
                           struct submit_members *members)
{
    members->op_member = coord_alloc(core, submit->ops_n, sizeof *members->op_member);
    for (size_t i = 0; i < submit->ops_n; i++) {
        struct coord_peer *peer = coord_peer_configured(core, &submit->ops[i].participant);
        size_t at = 0;
        if (peer == NULL) {
            return i;
        }
        while (at < members->n && members->peers[at] != peer) {
            at++;
        }
        if (at == TX_MEMBERS_MAX) {
            members->too_many = true;
            continue; /* one that is not of this cluster is told of first */
        }
        members->peers[at] = peer;
        members->n = at < members->n ? members->n : at + 1;
        members->op_member[i] = (uint8_t)at;
    }
    return submit->ops_n;
}

static void refuse_stranger(struct coord_core *core, struct coord_waiter from,
                            const struct tx_msg_submit *submit, size_t at)
{
    struct tx_bytes names = coord_peer_names(core);
    coord_error(core, from, TX_EINVAL, TX_REASON_NONE,
                coord_print(core,
                            "operation %zu names participant '%s', which this cluster "
                            "does not have; it has %.*s",
                            at + 1, submit->ops[at].participant.s, (int)names.len,
                            (const char *)names.data));
}

/* Can it be run at all? Else the client hears why. */
static bool valid(struct coord_core *core, struct coord_waiter from,
                  const struct tx_msg_submit *submit, struct submit_members *members)
{
    struct tx_bytes text = {0};
    enum tx_error error = TX_ELIMIT;
    members->n = 0;
    members->too_many = false;
    members->op_member = NULL;
    if (submit->ops_n == 0) {
        error = TX_EINVAL;
        text = coord_print(core, "a transaction without operations; give it one at least");
    } else if (submit->ops_n > TX_OPS_MAX) {
        text = coord_print(core, "%zu operations; a transaction may have %u", submit->ops_n,
                           TX_OPS_MAX);
    } else if (submit->key.len > TX_IDEMPOTENCY_KEY_MAX) {
        text = coord_print(core, "an idempotency key of %zu bytes; it may have %u", submit->key.len,
                           TX_IDEMPOTENCY_KEY_MAX);
    } else {
        size_t at = find_members(core, submit, members);
        if (at < submit->ops_n) {
            refuse_stranger(core, from, submit, at);
            return false;
        }
        if (members->too_many) {
            text =
                coord_print(core, "more than %u participants in one transaction", TX_MEMBERS_MAX);
        }
    }
    if (text.len > 0) {
        coord_error(core, from, error, TX_REASON_NONE, text);
    }
    return text.len == 0;
}

/* The operations and what they point to, in one piece of the transaction's own memory. */
static void copy_ops(struct coord_core *core, struct coord_tx *tx,
                     const struct tx_msg_submit *submit, const uint8_t *op_member)
{
    coord_arena_take(core, &tx->work);
    tx->ops = coord_ops_copy(&tx->work, submit->ops, submit->ops_n, NULL, 0);
    tx->ops_n = submit->ops_n;
    tx->op_member = tx_arena_take(&tx->work, submit->ops_n, sizeof *tx->op_member);
    TX_NEED_MEMORY(tx->op_member != NULL);
    memcpy(tx->op_member, op_member, submit->ops_n * sizeof *tx->op_member);
}

static bool only_reads(const struct coord_tx *tx)
{
    for (size_t i = 0; i < tx->ops_n; i++) {
        if (tx_op_writes(tx->ops[i].type)) {
            return false;
        }
    }
    return true;
}

static void set_members(struct coord_tx *tx, const struct submit_members *members)
{
    coord_tx_make_members(tx, members->n);
    for (size_t i = 0; i < members->n; i++) {
        tx->members[i].peer = members->peers[i];
    }
    /* With several members the read locks of each must last until the decision, so none drops out
     * early. */
    tx->members[0].read_only = members->n == 1 && only_reads(tx);
    /* The COMMIT record is what a key is found by after a restart: with a key there is
     * always one. */
    tx->one_phase = members->n == 1 && tx->key.len == 0;
}

static void start(struct coord_core *core, struct coord_waiter from,
                  const struct tx_msg_submit *submit, const struct submit_members *members,
                  struct tx_age age, uint64_t content)
{
    struct coord_tx *tx = coord_tx_new(core, coord_next_id(core), COORD_ACTIVE);
    coord_open_add(core, tx);
    coord_tx_set_request(core, tx, from);
    coord_tx_set_key(core, tx, submit->key);
    tx->age = age;
    tx->one_shot = true;
    tx->content = content;
    tx->timeout_us = submit->timeout_ms > 0 ? (uint64_t)submit->timeout_ms * 1000
                                            : core->options.prepare_timeout_us;
    tx->lock_timeout_ms = submit->lock_timeout_ms;
    tx->isolation = submit->isolation;
    tx->mode = submit->mode;
    copy_ops(core, tx, submit, members->op_member);
    set_members(tx, members);
    core->stats.begun++;
    coord_attach(core, tx, from);
    coord_collect_start(core, tx);
}

void coord_on_submit(struct coord_core *core, struct coord_waiter from,
                     const struct tx_msg_submit *submit)
{
    struct submit_members members;
    if (!valid(core, from, submit, &members)) {
        return;
    }
    uint64_t content = content_hash(submit);
    struct tx_age age;
    if (repeated(core, from, submit, content) || !coord_may_begin(core, from) ||
        !coord_age_take(core, from, submit->age, &age)) {
        return;
    }
    start(core, from, submit, &members, age, content);
}
