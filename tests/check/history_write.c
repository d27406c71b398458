/* Writes histories as lines of JSON. */
#include "history_json.h"

#include "common/assert.h"
#include "common/json.h"

#include <ctype.h>
#include <string.h>

static void begin(struct json *json, FILE *out, const char *type)
{
    json_init(json, out);
    json_object_begin(json);
    json_member(json, "type", type);
}

static void end(struct json *json)
{
    json_object_end(json);
    (void)fputc('\n', json->out);
}

static void member_i64(struct json *json, const char *name, int64_t value)
{
    json_key(json, name);
    json_i64(json, value);
}

static void member_bool(struct json *json, const char *name, bool value)
{
    json_key(json, name);
    json_bool(json, value);
}

static void member_id(struct json *json, struct tx_id id)
{
    char text[TX_ID_TEXT];

    if (tx_id_valid(id))
        json_member(json, "id", tx_id_print(id, text));
}

static void member_names(struct json *json, const struct history *history, const char *name,
                         const uint32_t *names, uint32_t n)
{
    json_key(json, name);
    json_array_begin(json);
    for (uint32_t i = 0; i < n; i++)
        json_string(json, history_text(history, names[i]));
    json_array_end(json);
}

/* ---- lines ---- */

void history_write_meta(const struct history *history, FILE *out)
{
    struct json json;

    begin(&json, out, "meta");
    json_member_u64(&json, "version", 1);
    json_member(&json, "source", history->source);
    if (history->bank_checked)
        member_i64(&json, "bank_total", history->bank_total);
    member_bool(&json, "final", history->final);
    end(&json);
}

static void write_op(struct json *json, const struct history *history, const struct history_op *op)
{
    json_object_begin(json);
    switch (op->type) {
    case HISTORY_APPEND:
        json_member(json, "op", "append");
        member_i64(json, "element", op->number);
        break;
    case HISTORY_READ:
        json_member(json, "op", "read");
        if (!op->known)
            break;
        json_key(json, "list");
        json_array_begin(json);
        for (uint32_t i = 0; i < op->list_n; i++)
            json_i64(json, op->list[i]);
        json_array_end(json);
        break;
    case HISTORY_ADD:
        json_member(json, "op", "add");
        member_i64(json, "delta", op->number);
        break;
    case HISTORY_GET:
        json_member(json, "op", "get");
        if (op->known)
            member_i64(json, "number", op->number);
        break;
    }
    json_member(json, "key", history_text(history, op->key));
    json_object_end(json);
}

void history_write_tx(const struct history *history, const struct history_tx *tx, FILE *out)
{
    struct json json;

    begin(&json, out, "tx");
    json_member_u64(&json, "process", tx->process);
    json_member_u64(&json, "invoked", tx->invoked_ns);
    if (tx->completed_ns != HISTORY_NEVER)
        json_member_u64(&json, "completed", tx->completed_ns);
    json_member(&json, "outcome", tx_outcome_name(tx->outcome));
    member_id(&json, tx->id);
    json_key(&json, "ops");
    json_array_begin(&json);
    for (uint32_t i = 0; i < tx->ops_n; i++)
        write_op(&json, history, &tx->ops[i]);
    json_array_end(&json);
    if (tx->reads_all)
        member_bool(&json, "reads_all", true);
    if (tx->wrote_n > 0)
        member_names(&json, history, "wrote", tx->wrote, tx->wrote_n);
    if (tx->may_stay_unknown)
        member_bool(&json, "may_stay_unknown", true);
    end(&json);
}

static void write_told(const struct history_told *told, FILE *out)
{
    struct json json;

    begin(&json, out, "told");
    member_id(&json, told->id);
    json_member(&json, "outcome", tx_outcome_name(told->outcome));
    end(&json);
}

static const char *record_name(enum history_record_type type)
{
    switch (type) {
    case HISTORY_PREPARED:
        return "PREPARED";
    case HISTORY_COMMITTED:
        return "COMMITTED";
    case HISTORY_ABORTED:
        return "ABORTED";
    case HISTORY_COMMIT:
        break;
    }
    return "COMMIT";
}

static void write_record(const struct history *history, const struct history_record *record,
                         FILE *out)
{
    struct json json;

    begin(&json, out, "record");
    json_member(&json, "node", history_text(history, record->node));
    json_member_u64(&json, "lsn", record->lsn);
    json_member(&json, "record", record_name(record->type));
    member_id(&json, record->id);
    if (record->type == HISTORY_COMMITTED)
        member_bool(&json, "one_phase", record->one_phase);
    if (record->members_decide)
        member_bool(&json, "members_decide", true);
    if (record->type == HISTORY_COMMIT || record->members_decide)
        member_names(&json, history, "members", record->members, record->members_n);
    end(&json);
}

static void write_log(const struct history *history, const struct history_log *log, FILE *out)
{
    struct json json;

    begin(&json, out, "log");
    json_member(&json, "node", history_text(history, log->node));
    json_member(&json, "role", tx_role_name(log->role));
    end(&json);
}

static void write_balance(const struct history *history, const struct history_balance *balance,
                          FILE *out)
{
    struct json json;

    begin(&json, out, "balance");
    json_member(&json, "key", history_text(history, balance->key));
    member_i64(&json, "number", balance->number);
    end(&json);
}

static void write_lock(struct json *json, const struct history *history,
                       const struct history_lock *lock)
{
    char mode[8] = "";

    for (size_t i = 0; i + 1 < sizeof mode && tx_lock_mode_name(lock->mode)[i] != '\0'; i++)
        mode[i] = (char)toupper((unsigned char)tx_lock_mode_name(lock->mode)[i]);
    json_object_begin(json);
    json_member(json, "resource", history_text(history, lock->resource));
    member_id(json, lock->id);
    json_member(json, "mode", mode);
    json_object_end(json);
}

static void write_locks(const struct history *history, const struct history_locks *locks, FILE *out)
{
    struct json json;

    begin(&json, out, "locks");
    json_member(&json, "node", history_text(history, locks->node));
    json_member_u64(&json, "time", locks->time_ns);
    if (locks->every)
        member_bool(&json, "every", true);
    json_key(&json, "held");
    json_array_begin(&json);
    for (uint32_t i = 0; i < locks->held_n; i++)
        write_lock(&json, history, &locks->held[i]);
    json_array_end(&json);
    end(&json);
}

static void write_end(const struct history *history, const struct history_end *at_end, FILE *out)
{
    struct json json;

    begin(&json, out, "end");
    json_member(&json, "node", history_text(history, at_end->node));
    json_member_u64(&json, "working", at_end->working);
    json_member_u64(&json, "preparing", at_end->preparing);
    json_member_u64(&json, "prepared", at_end->prepared);
    json_member_u64(&json, "open", at_end->open);
    json_member_u64(&json, "locks", at_end->locks);
    json_member_u64(&json, "waiting", at_end->waiting);
    json_member_u64(&json, "alarms", at_end->alarms);
    end(&json);
}

static void write_bound(const struct history *history, const struct history_bound *bound, FILE *out)
{
    struct json json;

    begin(&json, out, "bound");
    json_member(&json, "node", history_text(history, bound->node));
    json_member_u64(&json, "time", bound->time_ns);
    json_member(&json, "what", history_text(history, bound->what));
    json_member_u64(&json, "value", bound->value);
    json_member_u64(&json, "limit", bound->limit);
    end(&json);
}

/* ---- the whole ---- */

static bool fits(uint64_t number)
{
    return number <= INT64_MAX;
}

/* Are all numbers such as a reader of JSON takes? */
static bool all_fit(const struct history *history)
{
    bool fit = true;

    for (size_t i = 0; i < history->txs_n; i++) {
        const struct history_tx *tx = &history->txs[i];

        fit &= fits(tx->process) && fits(tx->invoked_ns) &&
               (fits(tx->completed_ns) || tx->completed_ns == HISTORY_NEVER);
    }
    for (size_t i = 0; i < history->records_n; i++)
        fit &= fits(history->records[i].lsn);
    for (size_t i = 0; i < history->locks_n; i++)
        fit &= fits(history->locks[i].time_ns);
    for (size_t i = 0; i < history->bounds_n; i++)
        fit &= fits(history->bounds[i].time_ns) && fits(history->bounds[i].value) &&
               fits(history->bounds[i].limit);
    for (size_t i = 0; i < history->ends_n; i++) {
        const struct history_end *at_end = &history->ends[i];

        fit &= fits(at_end->working | at_end->preparing | at_end->prepared | at_end->open |
                    at_end->locks | at_end->waiting | at_end->alarms);
    }
    return fit;
}

enum tx_error history_write(const struct history *history, FILE *out)
{
    if (!all_fit(history))
        return TX_EINVAL;
    history_write_meta(history, out);
    for (size_t i = 0; i < history->txs_n; i++)
        history_write_tx(history, &history->txs[i], out);
    for (size_t i = 0; i < history->told_n; i++)
        write_told(&history->told[i], out);
    for (size_t i = 0; i < history->records_n; i++)
        write_record(history, &history->records[i], out);
    for (size_t i = 0; i < history->logs_n; i++)
        write_log(history, &history->logs[i], out);
    for (size_t i = 0; i < history->balances_n; i++)
        write_balance(history, &history->balances[i], out);
    for (size_t i = 0; i < history->locks_n; i++)
        write_locks(history, &history->locks[i], out);
    for (size_t i = 0; i < history->ends_n; i++)
        write_end(history, &history->ends[i], out);
    for (size_t i = 0; i < history->bounds_n; i++)
        write_bound(history, &history->bounds[i], out);
    return fflush(out) == 0 && ferror(out) == 0 ? TX_OK : TX_EIO;
}
