/* SUBMIT: a whole transaction in one message. Checked, told from its repetitions, copied,
 * collected. */
#include "coordinator/coord_internal.h"

#include <inttypes.h>
#include <string.h>

/* Each field is hashed with what came before it as the seed; the hash of bytes counts their length.
 */
static uint64_t hash_numbers(const uint64_t *numbers, size_t n, uint64_t before)
{
    return tx_bytes_hash(tx_bytes(numbers, n * sizeof *numbers), before);
}

static uint64_t hash_op(const struct tx_op *op, uint64_t before)
{
    const uint64_t numbers[] = {
        (uint64_t)op->type | (uint64_t)op->mode << 8 | (uint64_t)op->absent << 16 |
            (uint64_t)op->has_min << 17 | (uint64_t)op->has_max << 18 |
            (uint64_t)op->reverse << 19 | (uint64_t)op->limit << 32,
        (uint64_t)op->delta,
        (uint64_t)op->min,
        (uint64_t)op->max,
    };
    uint64_t hash = hash_numbers(numbers, sizeof numbers / sizeof numbers[0], before);
    hash = tx_bytes_hash(tx_bytes_str(op->participant.s), hash);
    hash = tx_bytes_hash(op->space, hash);
    hash = tx_bytes_hash(op->key, hash);
    hash = tx_bytes_hash(op->value, hash);
    return tx_bytes_hash(op->to, hash);
}

static uint64_t content_hash(const struct tx_msg_submit *submit)
{
    const uint64_t numbers[] = {(uint64_t)submit->isolation, submit->ops_n};
    uint64_t hash = hash_numbers(numbers, sizeof numbers / sizeof numbers[0], 0);
    hash = tx_bytes_hash(submit->key, hash);
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

static bool valid(struct coord_core *core, struct coord_waiter from,
                  const struct tx_msg_submit *submit)
{
    struct tx_bytes text = {0};
    enum tx_error error = TX_EINVAL;
    if (submit->ops_n == 0) {
        text = coord_print(core, "a transaction without operations; give it one at least");
    } else if (submit->ops_n > TX_OPS_MAX) {
        error = TX_ELIMIT;
        text = coord_print(core, "%zu operations; a transaction may have %u", submit->ops_n,
                           TX_OPS_MAX);
    } else if (submit->key.len > TX_IDEMPOTENCY_KEY_MAX) {
        error = TX_ELIMIT;
        text = coord_print(core, "an idempotency key of %zu bytes; it may have %u", submit->key.len,
                           TX_IDEMPOTENCY_KEY_MAX);
    }
    for (size_t i = 0; text.len == 0 && i < submit->ops_n; i++) {
        const struct tx_name *name = &submit->ops[i].participant;
        if (coord_peer_configured(core, name) == NULL) {
            struct tx_bytes names = coord_peer_names(core);
            text = coord_print(core,
                               "operation %zu names participant '%s', which this cluster "
                               "does not have; it has %.*s",
                               i + 1, name->s, (int)names.len, (const char *)names.data);
        }
    }
    if (text.len > 0) {
        coord_error(core, from, error, TX_REASON_NONE, text);
    }
    return text.len == 0;
}

/* The members in the order in which the operations first name them; for each operation its member.
 * False when there are too many. */
static bool find_members(const struct coord_core *core, const struct tx_msg_submit *submit,
                         struct coord_peer **peers, size_t *peers_n, uint8_t *op_member)
{
    for (size_t i = 0; i < submit->ops_n; i++) {
        struct coord_peer *peer = coord_peer_configured(core, &submit->ops[i].participant);
        size_t at = 0;
        while (at < *peers_n && peers[at] != peer) {
            at++;
        }
        if (at == TX_MEMBERS_MAX) {
            return false;
        }
        peers[at] = peer;
        *peers_n = at < *peers_n ? *peers_n : at + 1;
        op_member[i] = (uint8_t)at;
    }
    return true;
}

static void *work_alloc(struct coord_tx *tx, size_t count, size_t bytes)
{
    void *memory = tx_arena_alloc(&tx->work, count, bytes);
    TX_NEED_MEMORY(memory != NULL);
    return memory;
}

static struct tx_bytes work_copy(struct coord_tx *tx, struct tx_bytes bytes)
{
    struct tx_bytes copy = tx_arena_copy(&tx->work, bytes);
    TX_NEED_MEMORY(copy.len == bytes.len);
    return copy;
}

static void copy_ops(struct coord_tx *tx, const struct tx_msg_submit *submit)
{
    tx->ops = work_alloc(tx, submit->ops_n, sizeof *tx->ops);
    tx->ops_n = submit->ops_n;
    for (size_t i = 0; i < submit->ops_n; i++) {
        struct tx_op *op = &tx->ops[i];
        *op = submit->ops[i];
        op->space = work_copy(tx, op->space);
        op->key = work_copy(tx, op->key);
        op->value = work_copy(tx, op->value);
        op->to = work_copy(tx, op->to);
    }
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

static void set_members(struct coord_tx *tx, struct coord_peer *const *peers, size_t peers_n)
{
    tx->members = tx_xcalloc(peers_n, sizeof *tx->members);
    tx->members_n = peers_n;
    for (size_t i = 0; i < peers_n; i++) {
        tx->members[i].peer = peers[i];
    }
    /* With several members the read locks of each must last until the decision, so none drops out
     * early. */
    tx->members[0].read_only = peers_n == 1 && only_reads(tx);
    /* The COMMIT record is what a key is found by after a restart: with a key there is
     * always one. */
    tx->one_phase = peers_n == 1 && tx->key.len == 0;
}

static void start(struct coord_core *core, struct coord_waiter from,
                  const struct tx_msg_submit *submit, struct tx_age age, uint64_t content)
{
    struct coord_peer *peers[TX_MEMBERS_MAX];
    size_t peers_n = 0;
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
    copy_ops(tx, submit);
    tx->op_member = work_alloc(tx, submit->ops_n, sizeof *tx->op_member);
    bool fits = find_members(core, submit, peers, &peers_n, tx->op_member);
    TX_ASSERT(fits);
    set_members(tx, peers, peers_n);
    core->stats.begun++;
    coord_attach(core, tx, from);
    coord_collect_start(core, tx);
}

static bool too_many_members(struct coord_core *core, struct coord_waiter from,
                             const struct tx_msg_submit *submit)
{
    struct coord_peer *peers[TX_MEMBERS_MAX];
    size_t peers_n = 0;
    uint8_t *op_member = coord_alloc(core, submit->ops_n, sizeof *op_member);
    if (find_members(core, submit, peers, &peers_n, op_member)) {
        return false;
    }
    coord_error(core, from, TX_ELIMIT, TX_REASON_NONE,
                coord_print(core, "more than %u participants in one transaction", TX_MEMBERS_MAX));
    return true;
}

void coord_on_submit(struct coord_core *core, struct coord_waiter from,
                     const struct tx_msg_submit *submit)
{
    if (!valid(core, from, submit) || too_many_members(core, from, submit)) {
        return;
    }
    uint64_t content = content_hash(submit);
    struct tx_age age;
    if (repeated(core, from, submit, content) || !coord_may_begin(core, from) ||
        !coord_age_take(core, from, submit->age, &age)) {
        return;
    }
    start(core, from, submit, age, content);
}
