#include "common/log.h"

#include "common/assert.h"
#include "common/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CUT      " cut=yes"
#define CUT_LEN  (sizeof(CUT) - 1)
#define NODE_MAX 64u

static const char *const level_names[LOG_LEVELS_N] = {"debug", "info", "warn", "error"};
static char node_name[NODE_MAX + 1];
static atomic_int level_min = LOG_INFO_LEVEL;

const char *log_level_name(enum log_level level)
{
    TX_ASSERT((unsigned)level < LOG_LEVELS_N);
    return level_names[level];
}

enum tx_error log_level_parse(struct tx_bytes text, enum log_level *level)
{
    for (unsigned i = 0; i < LOG_LEVELS_N; i++) {
        if (tx_bytes_equal(text, tx_bytes_str(level_names[i]))) {
            *level = (enum log_level)i;
            return TX_OK;
        }
    }
    return TX_EFORMAT;
}

void log_node_set(const char *node)
{
    (void)snprintf(node_name, sizeof(node_name), "%s", node);
}

void log_level_set(enum log_level level)
{
    TX_ASSERT((unsigned)level < LOG_LEVELS_N);
    atomic_store_explicit(&level_min, (int)level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&level_min, memory_order_relaxed);
}

static bool is_plain(struct tx_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.data[i];

        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return text.len > 0;
}

/* One byte as it stands inside quotes; returns its length (1, 2 or 4). */
static size_t escape(uint8_t c, char out[5])
{
    static const char hex[] = "0123456789abcdef";

    if (c == '"' || c == '\\' || c == '\n' || c == '\t') {
        out[0] = '\\';
        out[1] = (char)(c == '\n' ? 'n' : c == '\t' ? 't' : c);
        return 2;
    }
    if (c >= ' ' && c < 0x7f) {
        out[0] = (char)c;
        return 1;
    }
    out[0] = '\\';
    out[1] = 'x';
    out[2] = hex[c >> 4];
    out[3] = hex[c & 15];
    return 4;
}

const char *log_quote(struct tx_bytes text, char *out, size_t out_size)
{
    static const char cut[] = "...";
    size_t at = 0;
    size_t safe = 1; /* after the last byte that leaves room for `..."` and the NUL */

    TX_ASSERT(out_size >= 8);
    if (is_plain(text) && text.len < out_size) {
        memcpy(out, text.data, text.len);
        out[text.len] = '\0';
        return out;
    }
    out[at++] = '"';
    for (size_t i = 0; i < text.len; i++) {
        char piece[5];
        const size_t n = escape(text.data[i], piece);

        if (at + n + 2 > out_size) {
            memcpy(out + safe, cut, sizeof(cut) - 1);
            at = safe + sizeof(cut) - 1;
            break;
        }
        memcpy(out + at, piece, n);
        at += n;
        if (at + sizeof(cut) - 1 + 2 <= out_size) {
            safe = at;
        }
    }
    out[at++] = '"';
    out[at] = '\0';
    return out;
}

/* Time, level, node, transaction and message: always fits, since each part is bounded. */
static size_t put_head(char *out, size_t size, enum log_level level, const struct tx_id *tx,
                       const char *message)
{
    const uint64_t ms = clock_wall_ms();
    const time_t seconds = (time_t)(ms / 1000);
    char node[NODE_MAX * 4 + 3], text[2048], id[TX_ID_TEXT];
    struct tm utc;
    size_t at;

    (void)gmtime_r(&seconds, &utc);
    at = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &utc);
    at += (size_t)snprintf(out + at, size - at, ".%03uZ level=%s", (unsigned)(ms % 1000),
                           log_level_name(level));
    if (node_name[0] != '\0') {
        at += (size_t)snprintf(out + at, size - at, " node=%s",
                               log_quote(tx_bytes_str(node_name), node, sizeof(node)));
    }
    if (tx != NULL) {
        at += (size_t)snprintf(out + at, size - at, " tx=%s", tx_id_print(*tx, id));
    }
    at += (size_t)snprintf(out + at, size - at, " msg=%s",
                           log_quote(tx_bytes_str(message), text, sizeof(text)));
    TX_ASSERT(at < size);
    return at;
}

/* The length up to which `pairs` holds whole pairs only: the last blank outside quotes, or 0. */
static size_t whole_pairs(const char *pairs, size_t len)
{
    size_t whole = 0;
    bool quoted = false;

    for (size_t i = 0; i < len; i++) {
        if (quoted && pairs[i] == '\\') {
            i++;
        } else if (pairs[i] == '"') {
            quoted = !quoted;
        } else if (pairs[i] == ' ' && !quoted) {
            whole = i;
        }
    }
    return whole;
}

/* Whatever a caller forgot to quote must not break the line in two. */
static void flatten(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const uint8_t c = (uint8_t)text[i];

        if (c < ' ' || c == 0x7f) {
            text[i] = '?';
        }
    }
}

/* Appends the pairs to the line of `at` bytes, whole ones only; leaves room for CUT and the
 * newline. */
static size_t put_pairs(char *line, size_t at, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static size_t put_pairs(char *line, size_t at, const char *format, va_list args)
{
    const size_t room = LOG_LINE_MAX - 1 - CUT_LEN - at; /* for the blank, the pairs and a NUL */
    const int wanted = vsnprintf(line + at + 1, room - 1, format, args);
    size_t len;

    if (wanted <= 0) {
        return at;
    }
    line[at] = ' ';
    len = 1 + (size_t)wanted;
    if (len >= room) {
        len = whole_pairs(line + at, room - 1);
        memcpy(line + at + len, CUT, CUT_LEN);
        len += CUT_LEN;
    }
    flatten(line + at, len);
    return at + len;
}

void log_line(enum log_level level, const struct tx_id *tx, const char *message, const char *format,
              ...)
{
    const int saved = errno;
    char line[LOG_LINE_MAX];
    va_list args;
    size_t len;

    if (!log_enabled(level)) {
        return;
    }
    len = put_head(line, sizeof(line), level, tx, message);
    va_start(args, format);
    len = put_pairs(line, len, format, args);
    va_end(args);
    TX_ASSERT(len < sizeof(line));
    line[len++] = '\n';
    /* Nobody is left to tell when stderr itself fails. */
    while (write(STDERR_FILENO, line, len) < 0 && errno == EINTR) {
    }
    errno = saved;
}

void log_text(enum log_level level, struct tx_id tx, struct tx_bytes text)
{
    char message[TX_TEXT_MAX + 1];

    snprintf(message, sizeof message, "%.*s", (int)text.len, (const char *)text.data);
    log_line(level, tx_id_valid(tx) ? &tx : NULL, message, "%s", "");
}
