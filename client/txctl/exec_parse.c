/* Operations as text, into a batch. */
#include "client/txctl/exec_parse.h"

#include "common/array.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define WORDS_MAX 9 /* of an operation: a scan with both ends and all options */

struct word {
    size_t at;   /* where it begins in the text */
    char *bytes; /* unquoted, with a NUL behind */
    size_t len;
    bool plain; /* nothing in it was quoted: it may be an option */
};

struct parser {
    const char *text;
    size_t len;
    size_t at;
    struct exec_script *script;
    struct exec_error *error;
    char *space; /* the words' bytes; as large as the text and its NULs can become */
    size_t space_used;
    struct word words[WORDS_MAX];
    size_t words_n;
};

static txclient_status fail(struct parser *p, size_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static txclient_status fail(struct parser *p, size_t at, const char *format, ...)
{
    struct exec_error *error = p->error;
    error->line = 1;
    error->column = 1;
    for (size_t i = 0; i < at && i < p->len; i++) {
        error->column++;
        if (p->text[i] == '\n') {
            error->line++;
            error->column = 1;
        }
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return TXCLIENT_EINVAL;
}

/* ---- words ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void put(struct parser *p, struct word *word, char c)
{
    word->bytes[word->len++] = c;
    p->space_used++;
}

/* At a backslash. */
static txclient_status read_escape(struct parser *p, struct word *word)
{
    static const char names[] = "nrt0\\\"';# ";
    static const char values[] = "\n\r\t\0\\\"';# ";
    size_t at = p->at++;
    char c = '\n';
    if (p->at < p->len) {
        c = p->text[p->at];
    }
    if (c == 'x') {
        int high = p->at + 1 < p->len ? hex_digit(p->text[p->at + 1]) : -1;
        int low = p->at + 2 < p->len ? hex_digit(p->text[p->at + 2]) : -1;
        if (high < 0 || low < 0) {
            return fail(p, at, "\\x must be followed by two hexadecimal digits");
        }
        put(p, word, (char)(unsigned char)(high * 16 + low));
        p->at += 3;
        return TXCLIENT_OK;
    }
    const char *name = c != '\0' ? strchr(names, c) : NULL;
    if (name == NULL) {
        return fail(p, at, "unknown escape; there are \\n \\r \\t \\0 \\\\ \\\" \\' \\; \\# \\xNN");
    }
    put(p, word, values[name - names]);
    p->at++;
    return TXCLIENT_OK;
}

/* At a quote. */
static txclient_status read_quoted(struct parser *p, struct word *word)
{
    size_t at = p->at;
    char quote = p->text[p->at++];
    word->plain = false;
    while (p->at < p->len && p->text[p->at] != '\n') {
        char c = p->text[p->at];
        if (c == quote) {
            p->at++;
            return TXCLIENT_OK;
        }
        if (c == '\\' && quote == '"') {
            txclient_status status = read_escape(p, word);
            if (status != TXCLIENT_OK) {
                return status;
            }
        } else {
            put(p, word, c);
            p->at++;
        }
    }
    return fail(p, at, "the quote is not closed on this line");
}

static bool ends_word(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ';';
}

static txclient_status read_word(struct parser *p)
{
    if (p->words_n == WORDS_MAX) {
        return fail(p, p->at, "too many words; does a \";\" or a new line part two operations?");
    }
    struct word *word = &p->words[p->words_n];
    *word = (struct word){.at = p->at, .bytes = p->space + p->space_used, .plain = true};
    txclient_status status = TXCLIENT_OK;
    while (status == TXCLIENT_OK && p->at < p->len && !ends_word(p->text[p->at])) {
        char c = p->text[p->at];
        if (c == '\'' || c == '"') {
            status = read_quoted(p, word);
        } else if (c == '\\') {
            word->plain = false;
            status = read_escape(p, word);
        } else {
            put(p, word, c);
            p->at++;
        }
    }
    p->space[p->space_used++] = '\0';
    p->words_n++;
    return status;
}

/* The words up to the end of an operation, which is passed. */
static txclient_status read_words(struct parser *p)
{
    p->words_n = 0;
    while (p->at < p->len) {
        char c = p->text[p->at];
        if (c == '#') {
            while (p->at < p->len && p->text[p->at] != '\n') {
                p->at++;
            }
        } else if (c == '\n' || c == ';') {
            p->at++;
            return TXCLIENT_OK;
        } else if (ends_word(c)) {
            p->at++;
        } else {
            txclient_status status = read_word(p);
            if (status != TXCLIENT_OK) {
                return status;
            }
        }
    }
    return TXCLIENT_OK;
}

/* ---- operations ---- */

enum verb {
    VERB_GET,
    VERB_GET_FOR_UPDATE,
    VERB_PUT,
    VERB_INSERT,
    VERB_DELETE,
    VERB_ADD,
    VERB_CHECK,
    VERB_LOCK,
    VERB_SCAN,
    VERBS_N
};

static const struct {
    const char *name;
    const char *usage; /* behind the name */
    size_t words_min, words_max;
    bool has_value, has_found;
} verbs[VERBS_N] = {
    [VERB_GET] = {"get", "ADDRESS", 2, 2, true, true},
    [VERB_GET_FOR_UPDATE] = {"get-for-update", "ADDRESS", 2, 2, true, true},
    [VERB_PUT] = {"put", "ADDRESS VALUE", 3, 3, false, false},
    [VERB_INSERT] = {"insert", "ADDRESS VALUE", 3, 3, false, false},
    [VERB_DELETE] = {"delete", "ADDRESS", 2, 2, false, true},
    [VERB_ADD] = {"add", "ADDRESS NUMBER [--min NUMBER] [--max NUMBER]", 3, 7, true, false},
    [VERB_CHECK] = {"check", "ADDRESS VALUE, or check ADDRESS --absent", 3, 3, false, false},
    [VERB_LOCK] = {"lock", "PLACE IS|IX|S|U|SIX|X", 3, 3, false, false},
    [VERB_SCAN] = {"scan",
                   "PARTICIPANT/KEYSPACE [FROM [TO]] [--prefix PREFIX] [--limit NUMBER] "
                   "[--reverse]",
                   2, WORDS_MAX, false, false},
};

static enum verb find_verb(const struct word *word)
{
    enum verb verb = VERB_GET;
    while (verb < VERBS_N && strcmp(word->bytes, verbs[verb].name) != 0) {
        verb++;
    }
    return verb;
}

/* Parts an address in place. A lock may stop after the participant or the keyspace, and a scan
 * stops after the keyspace. */
static txclient_status read_address(struct parser *p, const struct word *word, enum verb verb,
                                    txclient_address *address)
{
    char *end = word->bytes + word->len;
    char *first = memchr(word->bytes, '/', word->len);
    char *second = first != NULL ? memchr(first + 1, '/', (size_t)(end - first - 1)) : NULL;
    if (verb == VERB_SCAN && (first == NULL || second != NULL)) {
        return fail(
            p, word->at,
            "\"%.80s\" is no keyspace; one looks like participant/keyspace, and the keys to "
            "begin and to end at are words of their own",
            word->bytes);
    }
    if ((first == NULL || second == NULL) && verb != VERB_LOCK && verb != VERB_SCAN) {
        return fail(p, word->at, "\"%.80s\" is no address; one looks like participant/keyspace/key",
                    word->bytes);
    }
    address->participant = word->bytes;
    address->space = first != NULL ? first + 1 : end;
    address->key = second != NULL ? txclient_data(second + 1, (size_t)(end - second - 1))
                                  : txclient_data(end, 0);
    if (first != NULL) {
        *first = '\0';
    }
    if (second != NULL) {
        *second = '\0';
    }
    bool zero = strlen(address->participant) + strlen(address->space) + address->key.len +
                    (first != NULL) + (second != NULL) !=
                word->len;
    if (zero) {
        return fail(p, word->at, "the names of a participant and a keyspace hold no zero byte");
    }
    return TXCLIENT_OK;
}

static txclient_status read_number(struct parser *p, const struct word *word, int64_t *number)
{
    const char *digits = word->bytes + (word->bytes[0] == '-' || word->bytes[0] == '+');
    char *end = NULL;
    errno = 0;
    intmax_t value = strtoimax(word->bytes, &end, 10);
    if (*digits < '0' || *digits > '9' || end != word->bytes + word->len) {
        return fail(p, word->at, "\"%.80s\" is no whole number", word->bytes);
    }
    if (errno == ERANGE || value < INT64_MIN || value > INT64_MAX) {
        return fail(p, word->at, "%.80s does not fit into 64 bits", word->bytes);
    }
    *number = (int64_t)value;
    return TXCLIENT_OK;
}

static bool is_option(const struct word *word, const char *name)
{
    return word->plain && strcmp(word->bytes, name) == 0;
}

static txclient_status parse_add(struct parser *p, txclient_address address)
{
    int64_t delta = 0;
    int64_t bounds[2];
    const int64_t *min = NULL;
    const int64_t *max = NULL;
    txclient_status status = read_number(p, &p->words[2], &delta);
    for (size_t i = 3; status == TXCLIENT_OK && i < p->words_n; i += 2) {
        const struct word *word = &p->words[i];
        bool is_min = is_option(word, "--min");
        if (!is_min && !is_option(word, "--max")) {
            return fail(p, word->at, "expected --min or --max, not \"%.80s\"", word->bytes);
        }
        if (i + 1 == p->words_n) {
            return fail(p, word->at, "a number is missing behind %s", word->bytes);
        }
        if ((is_min ? min : max) != NULL) {
            return fail(p, word->at, "%s is given twice", word->bytes);
        }
        int64_t *bound = &bounds[is_min ? 0 : 1];
        status = read_number(p, &p->words[i + 1], bound);
        min = is_min ? bound : min;
        max = is_min ? max : bound;
    }
    if (status != TXCLIENT_OK) {
        return status;
    }
    return txclient_batch_add(p->script->batch, address, delta, min, max);
}

static txclient_status parse_lock(struct parser *p, txclient_address address)
{
    static const char *const modes[] = {"IS", "IX", "S", "U", "SIX", "X"};
    const struct word *word = &p->words[2];
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcasecmp(word->bytes, modes[i]) == 0) {
            return txclient_batch_lock(p->script->batch, address,
                                       (txclient_lock_mode)(TXCLIENT_LOCK_IS + (int)i));
        }
    }
    return fail(p, word->at, "\"%.80s\" is no lock mode; there are IS, IX, S, U, SIX and X",
                word->bytes);
}

static txclient_status parse_check(struct parser *p, txclient_address address, txclient_bytes value)
{
    if (is_option(&p->words[2], "--absent")) {
        return txclient_batch_check_absent(p->script->batch, address);
    }
    return txclient_batch_check(p->script->batch, address, value);
}

/* The options of a scan and its bounds, which are the words between them. */
struct scan_words {
    const struct word *from, *to, *prefix, *limit, *reverse;
};

static txclient_status scan_option(struct parser *p, size_t *at, struct scan_words *words)
{
    const struct word *word = &p->words[*at];
    bool is_reverse = is_option(word, "--reverse");
    const struct word **slot = is_reverse                    ? &words->reverse
                               : is_option(word, "--prefix") ? &words->prefix
                               : is_option(word, "--limit")  ? &words->limit
                                                             : NULL;
    if (slot == NULL) {
        return fail(p, word->at, "expected --prefix, --limit or --reverse, not \"%.80s\"",
                    word->bytes);
    }
    if (*slot != NULL) {
        return fail(p, word->at, "%s is given twice", word->bytes);
    }
    if (!is_reverse && *at + 1 == p->words_n) {
        return fail(p, word->at, "a %s is missing behind %s",
                    slot == &words->prefix ? "prefix" : "number", word->bytes);
    }
    *slot = is_reverse ? word : &p->words[++*at];
    return TXCLIENT_OK;
}

static txclient_status scan_words(struct parser *p, struct scan_words *words)
{
    for (size_t at = 2; at < p->words_n; at++) {
        const struct word *word = &p->words[at];
        if (word->plain && strncmp(word->bytes, "--", 2) == 0) {
            txclient_status status = scan_option(p, &at, words);
            if (status != TXCLIENT_OK) {
                return status;
            }
        } else if (words->from == NULL) {
            words->from = word;
        } else if (words->to == NULL) {
            words->to = word;
        } else {
            return fail(p, word->at, "unexpected \"%.80s\": a range has two ends", word->bytes);
        }
    }
    return TXCLIENT_OK;
}

static txclient_status scan_limit(struct parser *p, const struct word *word, uint32_t *limit)
{
    int64_t number = 0;
    txclient_status status = read_number(p, word, &number);
    if (status == TXCLIENT_OK && (number < 1 || number > TXCLIENT_SCAN_ROWS_MAX)) {
        return fail(p, word->at, "a limit is from 1 to %u rows, not %.80s", TXCLIENT_SCAN_ROWS_MAX,
                    word->bytes);
    }
    *limit = (uint32_t)number;
    return status;
}

static txclient_bytes scan_keep(char **at, const void *data, size_t len)
{
    txclient_bytes kept = txclient_data(*at, len);
    if (len > 0) {
        memcpy(*at, data, len);
    }
    *at += len;
    return kept;
}

/* Copies what the words say, which go with the operation. NULL when out of memory. */
static struct exec_scan *scan_new(const txclient_address *address, const struct scan_words *words)
{
    static const struct word none = {.bytes = NULL};
    const struct word *from = words->from != NULL ? words->from : &none;
    const struct word *to = words->to != NULL ? words->to : &none;
    const struct word *prefix = words->prefix != NULL ? words->prefix : &none;
    size_t participant_len = strlen(address->participant) + 1;
    size_t space_len = strlen(address->space) + 1;
    struct exec_scan *scan =
        calloc(1, sizeof *scan + participant_len + space_len + from->len + to->len + prefix->len);
    if (scan == NULL) {
        return NULL;
    }
    char *at = scan->bytes;
    scan->range.participant = scan_keep(&at, address->participant, participant_len).data;
    scan->range.space = scan_keep(&at, address->space, space_len).data;
    scan->range.from = scan_keep(&at, from->bytes, from->len);
    scan->range.to = scan_keep(&at, to->bytes, to->len);
    scan->range.prefix = scan_keep(&at, prefix->bytes, prefix->len);
    scan->reverse = words->reverse != NULL;
    return scan;
}

static txclient_status parse_scan(struct parser *p, txclient_address address)
{
    struct scan_words words = {0};
    uint32_t limit = 0;
    txclient_status status = scan_words(p, &words);
    if (status == TXCLIENT_OK && words.limit != NULL) {
        status = scan_limit(p, words.limit, &limit);
    }
    if (status != TXCLIENT_OK) {
        return status;
    }
    struct exec_scan *scan = scan_new(&address, &words);
    if (scan == NULL) {
        return TXCLIENT_ENOMEM;
    }
    scan->limit = limit;
    p->script->ops[p->script->n - 1].scan = scan;
    return txclient_batch_scan(p->script->batch, &scan->range,
                               limit > 0 ? limit : TXCLIENT_SCAN_ROWS_MAX, scan->reverse);
}

static txclient_status add_to_batch(struct parser *p, enum verb verb, txclient_address address)
{
    txclient_batch *batch = p->script->batch;
    const struct word *last = &p->words[p->words_n - 1];
    txclient_bytes value = txclient_data(last->bytes, last->len);
    switch (verb) {
    case VERB_GET:
        return txclient_batch_get(batch, address);
    case VERB_GET_FOR_UPDATE:
        return txclient_batch_get_for_update(batch, address);
    case VERB_PUT:
        return txclient_batch_put(batch, address, value);
    case VERB_INSERT:
        return txclient_batch_insert(batch, address, value);
    case VERB_DELETE:
        return txclient_batch_delete(batch, address);
    case VERB_ADD:
        return parse_add(p, address);
    case VERB_CHECK:
        return parse_check(p, address, value);
    case VERB_LOCK:
        return parse_lock(p, address);
    case VERB_SCAN:
        return parse_scan(p, address);
    case VERBS_N:
        break;
    }
    return TXCLIENT_EINVAL;
}

static txclient_status script_reserve(struct exec_script *script)
{
    struct exec_op *ops = tx_array_room(script->ops, script->n, &script->capacity, sizeof *ops, 8);
    if (ops == NULL) {
        return TXCLIENT_ENOMEM;
    }
    script->ops = ops;
    return TXCLIENT_OK;
}

static txclient_status check_shape(struct parser *p, enum verb *verb)
{
    const struct word *word = &p->words[0];
    *verb = find_verb(word);
    if (*verb == VERBS_N) {
        return fail(p, word->at,
                    "unknown operation \"%.80s\"; there are get, get-for-update, put, insert, "
                    "delete, add, check, lock and scan",
                    word->bytes);
    }
    if (p->words_n < verbs[*verb].words_min) {
        return fail(p, word->at, "an argument is missing: %s %s", word->bytes, verbs[*verb].usage);
    }
    if (p->words_n > verbs[*verb].words_max) {
        const struct word *extra = &p->words[verbs[*verb].words_max];
        return fail(p, extra->at, "unexpected \"%.80s\": %s %s", extra->bytes, word->bytes,
                    verbs[*verb].usage);
    }
    return TXCLIENT_OK;
}

static txclient_status parse_operation(struct parser *p)
{
    struct exec_script *script = p->script;
    enum verb verb;
    txclient_address address = {0};
    txclient_status status = check_shape(p, &verb);
    if (status != TXCLIENT_OK) {
        return status;
    }
    if (script_reserve(script) != TXCLIENT_OK) {
        return TXCLIENT_ENOMEM;
    }
    const struct word *place = &p->words[1];
    char *shown = exec_printable(place->bytes, place->len);
    if (shown == NULL) {
        return TXCLIENT_ENOMEM;
    }
    script->ops[script->n++] = (struct exec_op){.verb = verbs[verb].name,
                                                .address = shown,
                                                .has_value = verbs[verb].has_value,
                                                .has_found = verbs[verb].has_found};
    status = read_address(p, place, verb, &address);
    if (status == TXCLIENT_OK) {
        status = add_to_batch(p, verb, address);
    }
    if (status != TXCLIENT_OK && p->error->line == 0 && status != TXCLIENT_ENOMEM) {
        (void)fail(p, p->words[0].at, "%s", txclient_batch_error(script->batch));
    }
    return status;
}

txclient_status exec_parse(const char *text, size_t len, struct exec_script *script,
                           struct exec_error *error)
{
    *script = (struct exec_script){.batch = txclient_batch_new()};
    *error = (struct exec_error){0};
    /* No word is longer than its text, and each but the last has a character behind it. */
    struct parser p = {
        .text = text, .len = len, .script = script, .error = error, .space = malloc(len + 2)};
    txclient_status status =
        script->batch != NULL && p.space != NULL ? TXCLIENT_OK : TXCLIENT_ENOMEM;
    while (status == TXCLIENT_OK && p.at < len) {
        p.space_used = 0;
        status = read_words(&p);
        if (status == TXCLIENT_OK && p.words_n > 0) {
            status = parse_operation(&p);
        }
    }
    if (status == TXCLIENT_OK && script->n == 0) {
        status = fail(&p, len, "no operation is given");
    }
    free(p.space);
    return status;
}

void exec_script_deinit(struct exec_script *script)
{
    for (size_t i = 0; i < script->n; i++) {
        free(script->ops[i].address);
        free(script->ops[i].scan);
    }
    free(script->ops);
    txclient_batch_free(&script->batch);
    *script = (struct exec_script){0};
}
