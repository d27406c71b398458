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

static const char *const isolation_names[TX_ISOLATIONS_N] = {
#define X(name, text) [name] = (text),
    TX_ISOLATIONS(X)
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

const char *tx_isolation_name(enum tx_isolation isolation)
{
    return (unsigned)isolation < TX_ISOLATIONS_N ? isolation_names[isolation] : "?";
}

enum tx_error tx_isolation_parse(struct tx_bytes text, enum tx_isolation *isolation)
{
    unsigned found = find_name(isolation_names, TX_ISOLATIONS_N, text);
    if (found == TX_ISOLATIONS_N) {
        return TX_EFORMAT;
    }
    *isolation = (enum tx_isolation)found;
    return TX_OK;
}

static enum tx_error validate_scan(const struct tx_op *op, struct tx_why *why)
{
    if (op->to.len > 0 && tx_bytes_compare(op->key, op->to) >= 0) {
        char from[80], to[80];
        return tx_why(
            why, TX_EINVAL,
            "scan: the range from \"%s\" up to \"%s\" is empty: its end must be behind its "
            "beginning",
            tx_bytes_print(op->key, from, sizeof from), tx_bytes_print(op->to, to, sizeof to));
    }
    if (op->limit == 0) {
        return tx_why(why, TX_EINVAL, "scan: the limit is 0 rows; it must be 1 to %u",
                      TX_SCAN_ROWS_MAX);
    }
    if (op->limit > TX_SCAN_ROWS_MAX) {
        return tx_why(why, TX_ELIMIT,
                      "scan: the limit is at most %u rows, not %u; continue behind "
                      "the last row instead",
                      TX_SCAN_ROWS_MAX, op->limit);
    }
    return TX_OK;
}

static enum tx_error validate_sizes(const struct tx_op *op, struct tx_why *why)
{
    const char *name = tx_op_name(op->type);
    if (op->space.len > TX_SPACE_MAX) {
        return tx_why(why, TX_ELIMIT, "%s: the name of a keyspace has at most %u bytes, not %zu",
                      name, TX_SPACE_MAX, op->space.len);
    }
    if (op->type != TX_OP_SCAN && op->key.len > TX_KEY_MAX) {
        return tx_why(why, TX_ELIMIT, "%s: a key has at most %u bytes, not %zu", name, TX_KEY_MAX,
                      op->key.len);
    }
    if (op->key.len > TX_BOUND_MAX || op->to.len > TX_BOUND_MAX) {
        return tx_why(why, TX_ELIMIT, "%s: an end of a range has at most %u bytes, not %zu", name,
                      TX_BOUND_MAX, op->key.len > op->to.len ? op->key.len : op->to.len);
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
    if (op->key.len == 0 && op->type != TX_OP_LOCK && op->type != TX_OP_SCAN) {
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
    if (op->type == TX_OP_SCAN) {
        return validate_scan(op, why);
    }
    if (op->to.len > 0 || op->limit > 0 || op->reverse) {
        return tx_why(why, TX_EINVAL, "%s: only a scan has an end, a limit and a direction",
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
