/* Operations: their names, and the rules that every one must satisfy before it may run. */
#include "common/op.h"

static const char *const op_names[TX_OP_TYPES_N] = {
#define X(name, text, writes) [name] = (text),
    TX_OPS(X)
#undef X
};

static const bool op_writes[TX_OP_TYPES_N] = {
#define X(name, text, writes) [name] = (writes),
    TX_OPS(X)
#undef X
};

static const char *const lock_mode_names[TX_LOCK_MODES_N] = {
    [TX_LOCK_NONE] = "none", [TX_LOCK_IS] = "is",   [TX_LOCK_IX] = "ix", [TX_LOCK_S] = "s",
    [TX_LOCK_U] = "u",       [TX_LOCK_SIX] = "six", [TX_LOCK_X] = "x",
};

static const char *const lock_policy_names[TX_LOCK_POLICIES_N] = {
#define X(name, text) [name] = (text),
    TX_LOCK_POLICIES(X)
#undef X
};

const char *tx_op_name(enum tx_op_type type)
{
    return (unsigned)type < TX_OP_TYPES_N ? op_names[type] : "?";
}

bool tx_op_writes(enum tx_op_type type)
{
    return (unsigned)type < TX_OP_TYPES_N && op_writes[type];
}

/* The place of `text` among the names; `names_n` when it is none of them. */
static unsigned find_name(const char *const *names, unsigned names_n, struct tx_bytes text)
{
    unsigned i = 0;
    while (i < names_n && !tx_bytes_equal(text, tx_bytes_str(names[i]))) {
        i++;
    }
    return i;
}

enum tx_error tx_op_type_parse(struct tx_bytes text, enum tx_op_type *type)
{
    unsigned found = find_name(op_names, TX_OP_TYPES_N, text);
    if (found == TX_OP_TYPES_N) {
        return TX_EFORMAT;
    }
    *type = (enum tx_op_type)found;
    return TX_OK;
}

const char *tx_lock_mode_name(enum tx_lock_mode mode)
{
    return (unsigned)mode < TX_LOCK_MODES_N ? lock_mode_names[mode] : "?";
}

enum tx_error tx_lock_mode_parse(struct tx_bytes text, enum tx_lock_mode *mode)
{
    unsigned found = find_name(lock_mode_names, TX_LOCK_MODES_N, text);
    if (found == TX_LOCK_MODES_N) {
        return TX_EFORMAT;
    }
    *mode = (enum tx_lock_mode)found;
    return TX_OK;
}

const char *tx_lock_policy_name(enum tx_lock_policy policy)
{
    return (unsigned)policy < TX_LOCK_POLICIES_N ? lock_policy_names[policy] : "?";
}

enum tx_error tx_lock_policy_parse(struct tx_bytes text, enum tx_lock_policy *policy)
{
    unsigned found = find_name(lock_policy_names, TX_LOCK_POLICIES_N, text);
    if (found == TX_LOCK_POLICIES_N) {
        return TX_EFORMAT;
    }
    *policy = (enum tx_lock_policy)found;
    return TX_OK;
}

static enum tx_error validate_sizes(const struct tx_op *op, struct tx_why *why)
{
    const char *name = tx_op_name(op->type);
    if (op->space.len > TX_SPACE_MAX) {
        return tx_why(why, TX_ELIMIT, "%s: the name of a keyspace has at most %u bytes, not %zu",
                      name, TX_SPACE_MAX, op->space.len);
    }
    if (op->key.len > TX_KEY_MAX) {
        return tx_why(why, TX_ELIMIT, "%s: a key has at most %u bytes, not %zu", name, TX_KEY_MAX,
                      op->key.len);
    }
    if (op->value.len > TX_VALUE_MAX) {
        return tx_why(why, TX_ELIMIT, "%s: a value has at most %u bytes, not %zu", name,
                      TX_VALUE_MAX, op->value.len);
    }
    return TX_OK;
}

static enum tx_error validate_place(const struct tx_op *op, struct tx_why *why)
{
    const char *name = tx_op_name(op->type);
    bool whole_store = op->type == TX_OP_LOCK && op->space.len == 0 && op->key.len == 0;
    if (op->space.len == 0 && !whole_store) {
        return tx_why(why, TX_EINVAL, "%s: the name of the keyspace is empty", name);
    }
    if (op->key.len == 0 && op->type != TX_OP_LOCK) {
        return tx_why(why, TX_EINVAL, "%s: the key is empty", name);
    }
    return TX_OK;
}

/* Intentions (IS, IX, SIX) announce locks further down, and there is nothing below a key. */
static bool lock_mode_fits(const struct tx_op *op)
{
    switch (op->mode) {
    case TX_LOCK_S:
    case TX_LOCK_U:
    case TX_LOCK_X:
        return true;
    case TX_LOCK_IS:
    case TX_LOCK_IX:
    case TX_LOCK_SIX:
        return op->key.len == 0;
    case TX_LOCK_NONE:
    case TX_LOCK_MODES_N:
        return false;
    }
    return false;
}

enum tx_error tx_op_validate(const struct tx_op *op, struct tx_why *why)
{
    if ((unsigned)op->type >= TX_OP_TYPES_N) {
        return tx_why(why, TX_EINVAL, "there is no operation number %u", (unsigned)op->type);
    }
    enum tx_error error = validate_sizes(op, why);
    if (error == TX_OK) {
        error = validate_place(op, why);
    }
    if (error != TX_OK) {
        return error;
    }
    if (op->absent && op->type != TX_OP_CHECK) {
        return tx_why(why, TX_EINVAL, "%s: only a check can expect a key to be absent",
                      tx_op_name(op->type));
    }
    if (op->type == TX_OP_ADD && op->has_min && op->has_max && op->min > op->max) {
        return tx_why(why, TX_EINVAL, "add: the floor %lld is above the ceiling %lld",
                      (long long)op->min, (long long)op->max);
    }
    if (op->type == TX_OP_LOCK && !lock_mode_fits(op)) {
        return tx_why(why, TX_EINVAL, "lock: mode %s cannot be taken on %s",
                      tx_lock_mode_name(op->mode),
                      op->key.len > 0 ? "a key (s, u or x can)" : "a keyspace or the store");
    }
    return TX_OK;
}
