/* Reads histories from lines of JSON. A member that is missing or of the wrong kind is told by
 * name; the first mistake ends the reading. */
#include "history_json.h"

#include "common/assert.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct history *history;
    const char *name; /* of the file */
    struct tx_why *why;
    uint64_t line;
    bool failed;
    bool meta;             /* seen */
    struct tx_arena lists; /* of one line, until the history has copied them */
};

/* ---- mistakes ---- */

static void fail(struct reader *reader, const char *format, ...) TX_PRINTF(2, 3);

/* Keeps the first one. */
static void fail(struct reader *reader, const char *format, ...)
{
    char text[400];
    va_list args;

    if (reader->failed)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)tx_why(reader->why, TX_EFORMAT, "%s:%" PRIu64 ": %s", reader->name, reader->line, text);
    reader->failed = true;
}

static const char *kind_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        break;
    }
    return "null";
}

/* The member's value; NULL when it is missing, which `needed` makes a mistake. */
static const json_t *member(struct reader *reader, const json_t *object, const char *name,
                            const char *expected, bool needed)
{
    const json_t *value = json_object_get(object, name);

    if (value == NULL && needed)
        fail(reader, "member \"%s\" is missing; expected %s", name, expected);
    return value;
}

static void wrong(struct reader *reader, const char *name, const char *expected,
                  const json_t *value)
{
    if (json_is_string(value))
        fail(reader, "member \"%s\" is \"%.60s\"; expected %s", name, json_string_value(value),
             expected);
    else
        fail(reader, "member \"%s\" is %s; expected %s", name, kind_of(value), expected);
}

/* ---- members ---- */

static bool get_i64(struct reader *reader, const json_t *object, const char *name, bool needed,
                    int64_t *number)
{
    const json_t *value = member(reader, object, name, "a whole number", needed);

    if (value == NULL)
        return false;
    if (!json_is_integer(value)) {
        wrong(reader, name, "a whole number", value);
        return false;
    }
    *number = json_integer_value(value);
    return true;
}

static uint64_t get_u64(struct reader *reader, const json_t *object, const char *name, bool needed)
{
    int64_t number = 0;

    if (get_i64(reader, object, name, needed, &number) && number < 0)
        fail(reader, "member \"%s\" is %" PRId64 "; expected a whole number from 0", name, number);
    return (uint64_t)number;
}

static bool get_bool(struct reader *reader, const json_t *object, const char *name)
{
    const json_t *value = member(reader, object, name, "true or false", false);

    if (value != NULL && !json_is_boolean(value))
        wrong(reader, name, "true or false", value);
    return json_is_true(value);
}

/* A text that is not empty; "" after a mistake. */
static const char *get_text(struct reader *reader, const json_t *object, const char *name)
{
    const json_t *value = member(reader, object, name, "a text", true);

    if (value == NULL)
        return "";
    if (!json_is_string(value) || json_string_length(value) == 0) {
        wrong(reader, name, "a text that is not empty", value);
        return "";
    }
    return json_string_value(value);
}

static uint32_t get_name(struct reader *reader, const json_t *object, const char *name)
{
    return history_intern(reader->history, get_text(reader, object, name));
}

/* A key begins with the name of its participant and a slash. */
static uint32_t get_key(struct reader *reader, const json_t *object)
{
    const char *text = get_text(reader, object, "key");
    const char *slash = strchr(text, '/');

    if (slash == NULL || slash == text)
        fail(reader, "member \"key\" is \"%.60s\"; expected PARTICIPANT/KEY", text);
    return history_intern(reader->history, text);
}

/* An empty or missing one is all zero. */
static struct tx_id get_id(struct reader *reader, const json_t *object, bool needed)
{
    static const char expected[] = "an id like \"1-7-42\"";
    const json_t *value = member(reader, object, "id", expected, needed);
    struct tx_id id = {0};

    if (value == NULL || (!needed && json_is_string(value) && json_string_length(value) == 0))
        return id;
    if (!json_is_string(value) || tx_id_parse(json_string_value(value), &id) != TX_OK)
        wrong(reader, "id", expected, value);
    return id;
}

static const json_t *get_array(struct reader *reader, const json_t *object, const char *name,
                               bool needed)
{
    const json_t *value = member(reader, object, name, "an array", needed);

    if (value != NULL && !json_is_array(value)) {
        wrong(reader, name, "an array", value);
        return NULL;
    }
    return value;
}

static enum tx_outcome get_outcome(struct reader *reader, const json_t *object)
{
    static const char expected[] = "\"committed\", \"aborted\" or \"unknown\"";
    const json_t *value = member(reader, object, "outcome", expected, true);

    for (unsigned i = 0; json_is_string(value) && i < TX_OUTCOMES_N; i++)
        if (strcmp(json_string_value(value), tx_outcome_name((enum tx_outcome)i)) == 0)
            return (enum tx_outcome)i;
    if (value != NULL)
        wrong(reader, "outcome", expected, value);
    return TX_OUTCOME_UNKNOWN;
}

/* Memory until the next line. */
static void *allocate(struct reader *reader, size_t count, size_t bytes)
{
    void *memory = tx_arena_alloc(&reader->lists, count, bytes);

    TX_ASSERT(memory != NULL);
    return memory;
}

static const uint32_t *get_names(struct reader *reader, const json_t *object, const char *name,
                                 bool needed, uint32_t *n)
{
    const json_t *array = get_array(reader, object, name, needed);
    uint32_t *names = allocate(reader, json_array_size(array), sizeof *names);

    *n = (uint32_t)json_array_size(array);
    for (uint32_t i = 0; i < *n; i++) {
        const json_t *value = json_array_get(array, i);

        if (!json_is_string(value) || json_string_length(value) == 0)
            wrong(reader, name, "an array of names", value);
        else
            names[i] = history_intern(reader->history, json_string_value(value));
    }
    return names;
}

/* ---- lines ---- */

static void read_meta(struct reader *reader, const json_t *line)
{
    struct history *history = reader->history;
    uint64_t version = get_u64(reader, line, "version", true);
    const json_t *source = member(reader, line, "source", "a text", false);

    if (reader->meta)
        fail(reader, "a second \"meta\" line; expected one, at the beginning");
    if (version != 1)
        fail(reader, "member \"version\" is %" PRIu64 "; expected 1", version);
    if (source != NULL && !json_is_string(source))
        wrong(reader, "source", "a text", source);
    if (json_is_string(source))
        (void)snprintf(history->source, sizeof history->source, "%s", json_string_value(source));
    history->bank_checked = get_i64(reader, line, "bank_total", false, &history->bank_total);
    history->final = get_bool(reader, line, "final");
    reader->meta = true;
}

static void read_list(struct reader *reader, const json_t *object, struct history_op *op)
{
    const json_t *array = get_array(reader, object, "list", false);
    int64_t *list = allocate(reader, json_array_size(array), sizeof *list);

    op->known = array != NULL;
    op->list = list;
    op->list_n = (uint32_t)json_array_size(array);
    for (uint32_t i = 0; i < op->list_n; i++) {
        const json_t *value = json_array_get(array, i);

        if (!json_is_integer(value))
            wrong(reader, "list", "an array of whole numbers", value);
        list[i] = json_integer_value(value);
    }
}

static void read_op(struct reader *reader, const json_t *object, struct history_op *op)
{
    static const char expected[] = "\"append\", \"read\", \"add\" or \"get\"";
    const json_t *value;
    const char *name;

    if (!json_is_object(object)) {
        wrong(reader, "ops", "an array of objects", object);
        return;
    }
    value = member(reader, object, "op", expected, true);
    name = json_is_string(value) ? json_string_value(value) : "";
    op->key = get_key(reader, object);
    if (strcmp(name, "append") == 0) {
        op->type = HISTORY_APPEND;
        (void)get_i64(reader, object, "element", true, &op->number);
    } else if (strcmp(name, "read") == 0) {
        op->type = HISTORY_READ;
        read_list(reader, object, op);
    } else if (strcmp(name, "add") == 0) {
        op->type = HISTORY_ADD;
        (void)get_i64(reader, object, "delta", true, &op->number);
    } else if (strcmp(name, "get") == 0) {
        op->type = HISTORY_GET;
        op->known = get_i64(reader, object, "number", false, &op->number);
    } else if (value != NULL) {
        wrong(reader, "op", expected, value);
    }
}

static void check_times(struct reader *reader, const json_t *line, struct history_tx *tx)
{
    bool completed = json_object_get(line, "completed") != NULL;

    if (tx->outcome == TX_OUTCOME_UNKNOWN) {
        if (completed)
            fail(reader, "member \"completed\" of a transaction with an unknown outcome; expected "
                         "none");
        tx->completed_ns = HISTORY_NEVER;
        return;
    }
    tx->completed_ns = get_u64(reader, line, "completed", true);
    if (tx->completed_ns < tx->invoked_ns)
        fail(reader,
             "member \"completed\" is %" PRIu64 "; expected at least %" PRIu64
             ", as in \"invoked\"",
             tx->completed_ns, tx->invoked_ns);
}

static void read_tx(struct reader *reader, const json_t *line)
{
    const json_t *array = get_array(reader, line, "ops", true);
    struct history_op *ops = allocate(reader, json_array_size(array), sizeof *ops);
    struct history_tx tx = {.process = get_u64(reader, line, "process", true),
                            .invoked_ns = get_u64(reader, line, "invoked", true),
                            .outcome = get_outcome(reader, line),
                            .id = get_id(reader, line, false),
                            .ops = ops,
                            .ops_n = (uint32_t)json_array_size(array),
                            .reads_all = get_bool(reader, line, "reads_all"),
                            .may_stay_unknown = get_bool(reader, line, "may_stay_unknown")};

    check_times(reader, line, &tx);
    tx.wrote = get_names(reader, line, "wrote", false, &tx.wrote_n);
    for (uint32_t i = 0; i < tx.ops_n; i++)
        read_op(reader, json_array_get(array, i), &ops[i]);
    if (!reader->failed)
        history_add_tx(reader->history, &tx);
}

static void read_told(struct reader *reader, const json_t *line)
{
    struct tx_id id = get_id(reader, line, true);

    history_add_told(reader->history, id, get_outcome(reader, line));
}

static void read_record(struct reader *reader, const json_t *line)
{
    static const char *const names[] = {[HISTORY_PREPARED] = "PREPARED",
                                        [HISTORY_COMMITTED] = "COMMITTED",
                                        [HISTORY_ABORTED] = "ABORTED",
                                        [HISTORY_COMMIT] = "COMMIT"};
    const char *name = get_text(reader, line, "record");
    struct history_record record = {.node = get_name(reader, line, "node"),
                                    .lsn = get_u64(reader, line, "lsn", true),
                                    .id = get_id(reader, line, true),
                                    .one_phase = get_bool(reader, line, "one_phase")};
    unsigned type = 0;

    while (type < sizeof names / sizeof names[0] && strcmp(name, names[type]) != 0)
        type++;
    if (type == sizeof names / sizeof names[0]) {
        fail(reader,
             "member \"record\" is \"%.60s\"; expected PREPARED, COMMITTED, ABORTED or COMMIT",
             name);
        return;
    }
    record.type = (enum history_record_type)type;
    record.members_decide =
        record.type == HISTORY_PREPARED && get_bool(reader, line, "members_decide");
    if (record.type == HISTORY_COMMIT || record.members_decide)
        record.members = get_names(reader, line, "members", true, &record.members_n);
    history_add_record(reader->history, &record);
}

static void read_log(struct reader *reader, const json_t *line)
{
    uint32_t node = get_name(reader, line, "node");
    const char *role = get_text(reader, line, "role");

    if (strcmp(role, tx_role_name(TX_ROLE_COORDINATOR)) == 0)
        history_add_log(reader->history, node, TX_ROLE_COORDINATOR);
    else if (strcmp(role, tx_role_name(TX_ROLE_PARTICIPANT)) == 0)
        history_add_log(reader->history, node, TX_ROLE_PARTICIPANT);
    else
        fail(reader, "member \"role\" is \"%.60s\"; expected \"coordinator\" or \"participant\"",
             role);
}

static void read_balance(struct reader *reader, const json_t *line)
{
    int64_t number = 0;

    (void)get_i64(reader, line, "number", true, &number);
    history_add_balance(reader->history, get_key(reader, line), number);
}

static void read_lock(struct reader *reader, const json_t *object, struct history_lock *lock)
{
    char mode[8] = "";
    const char *text;

    if (!json_is_object(object)) {
        wrong(reader, "held", "an array of objects", object);
        return;
    }
    text = get_text(reader, object, "mode");
    for (size_t i = 0; i + 1 < sizeof mode && text[i] != '\0'; i++)
        mode[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : '?');
    if (tx_lock_mode_parse(tx_bytes_str(mode), &lock->mode) != TX_OK)
        fail(reader, "member \"mode\" is \"%.60s\"; expected IS, IX, S, SIX, U or X", text);
    lock->resource = get_name(reader, object, "resource");
    lock->id = get_id(reader, object, true);
}

static void read_locks(struct reader *reader, const json_t *line)
{
    const json_t *array = get_array(reader, line, "held", true);
    struct history_lock *held = allocate(reader, json_array_size(array), sizeof *held);
    struct history_locks locks = {.node = get_name(reader, line, "node"),
                                  .time_ns = get_u64(reader, line, "time", true),
                                  .held = held,
                                  .held_n = (uint32_t)json_array_size(array),
                                  .every = get_bool(reader, line, "every")};

    for (uint32_t i = 0; i < locks.held_n; i++)
        read_lock(reader, json_array_get(array, i), &held[i]);
    history_add_locks(reader->history, &locks);
}

static void read_end(struct reader *reader, const json_t *line)
{
    struct history_end end = {.node = get_name(reader, line, "node"),
                              .working = get_u64(reader, line, "working", false),
                              .preparing = get_u64(reader, line, "preparing", false),
                              .prepared = get_u64(reader, line, "prepared", false),
                              .open = get_u64(reader, line, "open", false),
                              .locks = get_u64(reader, line, "locks", false),
                              .waiting = get_u64(reader, line, "waiting", false),
                              .alarms = get_u64(reader, line, "alarms", false)};

    history_add_end(reader->history, &end);
}

static void read_bound(struct reader *reader, const json_t *line)
{
    struct history_bound bound = {.node = get_name(reader, line, "node"),
                                  .time_ns = get_u64(reader, line, "time", true),
                                  .what = get_name(reader, line, "what"),
                                  .value = get_u64(reader, line, "value", true),
                                  .limit = get_u64(reader, line, "limit", true)};

    history_add_bound(reader->history, &bound);
}

/* ---- the file ---- */

static const struct line_type {
    const char *name;
    void (*read)(struct reader *reader, const json_t *line);
} line_types[] = {
    {"meta", read_meta},     {"tx", read_tx},   {"told", read_told},
    {"record", read_record}, {"log", read_log}, {"balance", read_balance},
    {"locks", read_locks},   {"end", read_end}, {"bound", read_bound},
};

static void read_object(struct reader *reader, const json_t *line)
{
    const char *type = get_text(reader, line, "type");

    if (!reader->meta && strcmp(type, "meta") != 0)
        fail(reader, "a line of type \"%.60s\"; expected \"meta\" first", type);
    for (size_t i = 0; !reader->failed && i < sizeof line_types / sizeof line_types[0]; i++)
        if (strcmp(type, line_types[i].name) == 0) {
            line_types[i].read(reader, line);
            return;
        }
    fail(reader,
         "member \"type\" is \"%.60s\"; expected meta, tx, told, record, log, balance, locks, end "
         "or bound",
         type);
}

static void read_line(struct reader *reader, const char *text, size_t length)
{
    json_error_t error;
    json_t *line;

    if (text[length - 1] != '\n') {
        fail(reader, "the last line has no newline: it was cut off");
        return;
    }
    line = json_loadb(text, length - 1, JSON_REJECT_DUPLICATES, &error);
    if (line == NULL)
        fail(reader, "column %d: %s", error.column, error.text);
    else if (!json_is_object(line))
        fail(reader, "%s; expected an object", kind_of(line));
    else
        read_object(reader, line);
    json_decref(line);
    tx_arena_reset(&reader->lists);
}

enum tx_error history_read(struct history *history, FILE *in, const char *name,
                           const struct history_progress *progress, struct tx_why *why)
{
    struct reader reader = {.history = history, .name = name, .why = why};
    uint64_t bytes = 0;
    size_t capacity = 0;
    char *text = NULL;
    ssize_t length;
    bool io;

    errno = 0;
    while (!reader.failed && (length = getline(&text, &capacity, in)) > 0) {
        reader.line++;
        bytes += (uint64_t)length;
        read_line(&reader, text, (size_t)length);
        if (progress != NULL && progress->line != NULL)
            progress->line(progress->arg, reader.line, bytes);
        errno = 0;
    }
    io = !reader.failed && ferror(in) != 0;
    if (io)
        (void)tx_why(why, TX_EIO, "%s: cannot read it: %s", name, strerrordesc_np(errno));
    else if (reader.line == 0)
        fail(&reader, "empty; expected a line of type \"meta\"");
    free(text);
    tx_arena_deinit(&reader.lists);
    return io ? TX_EIO : reader.failed ? TX_EFORMAT : TX_OK;
}
