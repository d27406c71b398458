/* Logging: logfmt lines on stderr with time, level, node, and whatever the caller adds.
 *
 *   2026-11-21T10:00:00.123Z level=warn node=a tx=1-7-42 msg="in doubt" seconds=12
 *
 * Use LOG_* with a message and printf-style key=value pairs; quote values that people or peers
 * chose with LOG_Q(). A line is at most LOG_LINE_MAX bytes with its newline, the size up to which a
 * pipe takes a write as a whole: pairs that do not fit are left out one and all from there on, and
 * `cut=yes` says so. A quote is never left open. */
#ifndef ASSENT_COMMON_LOG_H
#define ASSENT_COMMON_LOG_H

#include "common/ids.h"

/* "no further pairs" is written as "", which printf checking would take for a slip. */
#pragma GCC diagnostic ignored "-Wformat-zero-length"

#define LOG_LINE_MAX  4096u
#define LOG_QUOTE_MAX 640u

enum log_level { LOG_DEBUG_LEVEL, LOG_INFO_LEVEL, LOG_WARN_LEVEL, LOG_ERROR_LEVEL, LOG_LEVELS_N };
const char *log_level_name(enum log_level level); /* "debug", "info", "warn", "error" */
/* TX_EFORMAT when there is no such level. */
enum tx_error log_level_parse(struct tx_bytes text, enum log_level *level) TX_MUST_CHECK;

/* The node's name for every line ("coordinator-1", "a"); copied. Call before there are other
 * threads. */
void log_node_set(const char *node);
/* Lines below this level are left out; LOG_INFO_LEVEL at the start. Safe from any thread. */
void log_level_set(enum log_level level);
bool log_enabled(enum log_level level);

/* `message` is quoted as needed; `tx` may be NULL; `format` gives further key=value pairs, may be
 * "". One write(2) a line; safe from any thread; keeps errno. */
void log_line(enum log_level level, const struct tx_id *tx, const char *message, const char *format,
              ...) TX_PRINTF(4, 5);

/* A sentence that somebody else has made (a core's note), as the message of a line; `tx` all zero:
 * of none. */
void log_text(enum log_level level, struct tx_id tx, struct tx_bytes text);

#define LOG_DEBUG(message, ...)                                                                    \
    (log_enabled(LOG_DEBUG_LEVEL) ? log_line(LOG_DEBUG_LEVEL, NULL, message, __VA_ARGS__) : (void)0)
#define LOG_INFO(message, ...)  log_line(LOG_INFO_LEVEL, NULL, message, __VA_ARGS__)
#define LOG_WARN(message, ...)  log_line(LOG_WARN_LEVEL, NULL, message, __VA_ARGS__)
#define LOG_ERROR(message, ...) log_line(LOG_ERROR_LEVEL, NULL, message, __VA_ARGS__)

/* Quotes a text for a logfmt value into a buffer of the caller's (8 bytes or more); returns `out`.
 * Plain words stay as they are; a text that does not fit ends in `..."`. */
const char *log_quote(struct tx_bytes text, char *out, size_t out_size);
/* The same into a buffer that lives as long as the enclosing block. */
#define LOG_Q(text) log_quote((text), (char[LOG_QUOTE_MAX]){0}, LOG_QUOTE_MAX)

#endif
