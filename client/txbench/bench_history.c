/* Histories as JSON lines. */
#include "client/txbench/bench_history.h"

#include "common/json.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

uint64_t bench_history_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void line_begin(struct bench_history *history, struct json *json, const char *type)
{
    flockfile(history->file);
    json_init(json, history->file);
    json_object_begin(json);
    json_member(json, "type", type);
}

static void line_end(struct bench_history *history, struct json *json)
{
    json_object_end(json);
    (void)putc_unlocked('\n', history->file);
    funlockfile(history->file);
}

bool bench_history_open(struct bench_history *history, const char *name, const int64_t *bank_total)
{
    struct json json;
    char source[64];
    *history = (struct bench_history){.file = fopen(name, "we"), .name = name};
    if (history->file == NULL) {
        (void)fprintf(stderr, "txbench: %s: %s\n", name, strerrordesc_np(errno));
        return false;
    }
    (void)snprintf(source, sizeof source, "txbench append, process %ld", (long)getpid());
    line_begin(history, &json, "meta");
    json_member_u64(&json, "version", 1);
    json_member(&json, "source", source);
    if (bank_total != NULL) {
        json_member_i64(&json, "bank_total", *bank_total);
    }
    json_member_bool(&json, "final", false);
    line_end(history, &json);
    return true;
}

bool bench_history_close(struct bench_history *history)
{
    if (history->file == NULL) {
        return true;
    }
    bool written = ferror(history->file) == 0;
    int error = errno;
    if (fclose(history->file) != 0) {
        error = errno;
        written = false;
    }
    history->file = NULL;
    if (!written) {
        (void)fprintf(stderr, "txbench: %s: %s\n", history->name, strerrordesc_np(error));
    }
    return written;
}

bool bench_list_valid(const txclient_value *value)
{
    const char *text = value->data;
    if (!value->found) {
        return true;
    }
    bool digit = false;
    for (size_t i = 0; i < value->len; i++) {
        bool blank = text[i] == ' ';
        if ((blank && !digit) || (!blank && (text[i] < '0' || text[i] > '9'))) {
            return false;
        }
        digit = !blank;
    }
    return digit;
}

/* The key as the checkers name it. */
static void member_key(struct json *json, const char *participant, const char *space,
                       const char *key)
{
    char text[TXCLIENT_NAME_MAX + TXCLIENT_SPACE_MAX + BENCH_KEY_MAX + 3];
    (void)snprintf(text, sizeof text, "%s/%s/%s", participant, space, key);
    json_member(json, "key", text);
}

/* A number out of bytes that need not end with NUL; moves `at` behind it and the blank there. */
static int64_t take_number(const char *text, size_t len, size_t *at)
{
    char digits[24] = {0};
    size_t n = 0;
    for (; *at < len && text[*at] != ' '; ++*at) {
        if (n < sizeof digits - 1) {
            digits[n++] = text[*at];
        }
    }
    ++*at;
    return strtoll(digits, NULL, 10);
}

static void member_list(struct json *json, const txclient_value *value)
{
    json_member_array_begin(json, "list");
    size_t at = 0;
    while (value->found && at < value->len) {
        json_i64(json, take_number(value->data, value->len, &at));
    }
    json_array_end(json);
}

static void write_op(struct json *json, const struct bench_op *op)
{
    static const char *const names[] = {
        [BENCH_APPEND] = "append", [BENCH_READ] = "read", [BENCH_ADD] = "add", [BENCH_GET] = "get"};
    size_t at = 0;
    json_object_begin(json);
    json_member(json, "op", names[op->type]);
    member_key(json, op->participant, op->space, op->key);
    switch (op->type) {
    case BENCH_APPEND:
        json_member_i64(json, "element", op->number);
        break;
    case BENCH_READ:
        if (op->known) {
            member_list(json, &op->value);
        }
        break;
    case BENCH_ADD:
        json_member_i64(json, "delta", op->number);
        break;
    case BENCH_GET:
        if (op->known) {
            json_member_i64(json, "number", take_number(op->value.data, op->value.len, &at));
        }
        break;
    }
    json_object_end(json);
}

static const char *outcome_name(txclient_status outcome)
{
    return outcome == TXCLIENT_OK ? "committed"
                                  : (outcome == TXCLIENT_ABORTED ? "aborted" : "unknown");
}

static void member_id(struct json *json, const char *reference)
{
    char id[64];
    (void)snprintf(id, sizeof id, "%.*s", (int)strcspn(reference, "@"), reference);
    json_member(json, "id", id);
}

void bench_history_tx(struct bench_history *history, const struct bench_tx *tx)
{
    struct json json;
    if (history->file == NULL) {
        return;
    }
    line_begin(history, &json, "tx");
    json_member_u64(&json, "process", tx->process);
    json_member_u64(&json, "invoked", tx->invoked_ns);
    if (tx->outcome == TXCLIENT_OK || tx->outcome == TXCLIENT_ABORTED) {
        json_member_u64(&json, "completed", tx->completed_ns);
    }
    json_member(&json, "outcome", outcome_name(tx->outcome));
    member_id(&json, tx->reference);
    json_member_array_begin(&json, "ops");
    for (size_t i = 0; i < tx->ops_n; i++) {
        write_op(&json, &tx->ops[i]);
    }
    json_array_end(&json);
    json_member_bool(&json, "reads_all", tx->reads_all);
    line_end(history, &json);
    (void)atomic_fetch_add_explicit(&history->txs, 1, memory_order_relaxed);
}

void bench_history_told(struct bench_history *history, const char *reference,
                        txclient_status outcome)
{
    struct json json;
    if (history->file == NULL) {
        return;
    }
    line_begin(history, &json, "told");
    member_id(&json, reference);
    json_member(&json, "outcome", outcome_name(outcome));
    line_end(history, &json);
}

void bench_history_balance(struct bench_history *history, const char *participant,
                           const char *space, const char *key, int64_t balance)
{
    struct json json;
    if (history->file == NULL) {
        return;
    }
    line_begin(history, &json, "balance");
    member_key(&json, participant, space, key);
    json_member_i64(&json, "number", balance);
    line_end(history, &json);
}
