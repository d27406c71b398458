#include "client/txctl/tx_text.h"

#include "client/txctl/lock_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

const char *tx_time_text(uint64_t unix_ms, char out[TX_TIME_TEXT])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm parts;
    if (unix_ms == 0 || gmtime_r(&seconds, &parts) == NULL ||
        strftime(out, TX_TIME_TEXT, "%Y-%m-%d %H:%M:%SZ", &parts) == 0) {
        (void)snprintf(out, TX_TIME_TEXT, "-");
    }
    return out;
}

const char *tx_end_text(txclient_heuristic end)
{
    static const char *const names[] = {[TXCLIENT_HEURISTIC_OPEN] = "open",
                                        [TXCLIENT_HEURISTIC_OK] = "OK",
                                        [TXCLIENT_HEURISTIC_DAMAGE] = "DAMAGE"};
    return names[end];
}

/* ---- for people ---- */

struct text {
    char *out;
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text->out + text->used, TX_ROW_TEXT - text->used, format, args);
    va_end(args);
    text->used += n > 0 ? (size_t)n : 0;
    if (text->used >= TX_ROW_TEXT) {
        text->used = TX_ROW_TEXT - 1;
    }
}

static void say_decided(struct text *text, const txclient_tx_row *row)
{
    char time[TX_TIME_TEXT];
    say(text, ", %s by operator %s at %s: %s%s", row->commit ? "committed" : "aborted",
        row->operator_name, tx_time_text(row->decided_ms, time),
        row->end == TXCLIENT_HEURISTIC_OPEN ? "the real decision has not come"
                                            : tx_end_text(row->end),
        row->put_aside ? ", put aside" : "");
}

const char *tx_row_text(const txclient_tx_row *row, char out[TX_ROW_TEXT])
{
    struct text text = {.out = out};
    char ms[LOCK_MS_TEXT];
    out[0] = '\0';
    say(&text, "%s", row->state);
    if (row->state_ms > 0) {
        say(&text, " for %s%s", lock_ms_text(row->state_ms, ms),
            row->recovered ? " since its start" : "");
    }
    if (row->decided) {
        say_decided(&text, row);
    }
    if (row->detail[0] != '\0' && !(row->decided && row->end != TXCLIENT_HEURISTIC_OPEN)) {
        say(&text, "; %s", row->detail);
    }
    if (row->tries) {
        say(&text, "; tries again in %s, after %" PRIu64 " tries", lock_ms_text(row->next_ms, ms),
            row->tried);
    }
    if (row->locks > 0 || row->waiters > 0) {
        say(&text, "; holds %" PRIu64 " locks, %" PRIu64 " wait behind it", row->locks,
            row->waiters);
    }
    if (row->log_bytes > 0) {
        say(&text, "; %" PRIu64 " bytes of log since record %" PRIu64, row->log_bytes, row->lsn);
    }
    return out;
}

/* ---- for programs ---- */

static void json_decided(struct json *json, const txclient_tx_row *row)
{
    json_member_object_begin(json, "heuristic");
    json_member(json, "decision", row->commit ? "commit" : "abort");
    json_member(json, "operator", row->operator_name);
    json_member_u64(json, "time_ms", row->decided_ms);
    json_member(json, "end", tx_end_text(row->end));
    json_member_bool(json, "put_aside", row->put_aside);
    json_object_end(json);
}

static void json_tx_members(struct json *json, const txclient_tx_row *row)
{
    json_member_array_begin(json, "members");
    for (size_t i = 0; i < row->members_n; i++) {
        const txclient_tx_member *member = &row->members[i];
        json_object_begin(json);
        json_member(json, "name", member->name);
        json_member(json, "address", member->address);
        json_member(json, "said", member->said);
        json_member_bool(json, "waited_for", member->waited_for);
        json_member_bool(json, "read_only", member->read_only);
        if (member->state[0] != '\0') {
            json_member(json, "state", member->state);
            json_member_u64(json, "silent_ms", member->silent_ms);
        }
        json_object_end(json);
    }
    json_array_end(json);
}

void tx_row_json(struct json *json, const txclient_tx_row *row, const char *node)
{
    json_object_begin(json);
    json_member(json, "node", node);
    json_member(json, "state", row->state);
    json_member(json, "mode", row->mode);
    json_member(json, "waits_for", row->waits);
    json_member(json, "detail", row->detail);
    json_member_bool(json, "in_doubt", row->in_doubt);
    json_member_bool(json, "recovered", row->recovered);
    json_member_u64(json, "age_ms", row->age_ms);
    json_member_u64(json, "state_ms", row->state_ms);
    if (row->tries) {
        json_member_u64(json, "next_try_ms", row->next_ms);
    }
    json_member_u64(json, "tried", row->tried);
    json_member_u64(json, "lsn", row->lsn);
    json_member_u64(json, "log_bytes", row->log_bytes);
    json_member_u64(json, "locks", row->locks);
    json_member_u64(json, "waiters", row->waiters);
    if (row->key.len > 0) {
        json_member_bytes(json, "key", row->key.data, row->key.len);
    }
    if (row->decided) {
        json_decided(json, row);
    }
    json_tx_members(json, row);
    json_object_end(json);
}
