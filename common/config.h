/* Configuration files: INI (read with inih), described by one table per program.
 *
 * The table is the single place that knows a key: its type, default, bounds and meaning. It drives
 * reading, --check-config, --print-config and the check that docs/configuration.md lists every key.
 * Every error names file and line.
 *
 * The form, narrower than what inih would take:
 *   - "[section]" and "key = value" (or "key: value") lines; blanks around either are ignored;
 *   - a comment is a line of its own that begins with '#' or ';'. A value in which a blank and one
 *     of these follow one another is refused, since it is most likely meant to end in a comment;
 *   - a value stands on one line: an indented line continues nothing;
 *   - a section may be opened more than once, a key may be given only once;
 *   - a line has at most CONFIG_LINE_MAX bytes and no NUL; a UTF-8 byte order mark before the first
 *     is skipped. */
#ifndef ASSENT_COMMON_CONFIG_H
#define ASSENT_COMMON_CONFIG_H

#include "common/ids.h"

#include <stdio.h>

#define CONFIG_LINE_MAX 1000u

enum config_type {
    CONFIG_TEXT,    /* char[size] */
    CONFIG_NAME,    /* struct tx_name */
    CONFIG_U64,     /* uint64_t between min and max */
    CONFIG_BYTES,   /* uint64_t; accepts K, M and G (1024-based) */
    CONFIG_MS,      /* uint64_t milliseconds; accepts ms, s, m and h; a bare number is refused */
    CONFIG_BOOL,    /* bool; yes or no */
    CONFIG_ADDRESS, /* struct tx_address; checked with `check_address` */
    CONFIG_LEVEL,   /* enum log_level */
    CONFIG_POLICY,  /* enum tx_lock_policy */
    CONFIG_COMMIT_MODE, /* enum tx_commit_mode; coordinator or participants */
    CONFIG_TYPES_N
};

/* When a changed value is taken. */
enum config_taken {
    CONFIG_AT_START, /* by the next start alone */
    CONFIG_AT_RELOAD /* by a running daemon, too: config_reload() */
};

struct config_key {
    const char *section;
    const char *name;
    enum config_type type;
    size_t offset;             /* of the field in the program's configuration struct */
    size_t size;               /* CONFIG_TEXT: bytes of the field */
    const char *default_value; /* as it would stand in the file; NULL: the key is required */
    uint64_t min, max;   /* CONFIG_U64, CONFIG_BYTES, CONFIG_MS; a max of 0 is no upper bound */
    const char *meaning; /* one sentence for --print-config and the manual */
    enum config_taken taken;
};

struct config_schema {
    const struct config_key *keys;
    size_t keys_n;
    /* Keys that other programs have as well: they stand behind the program's own. */
    const struct config_key *shared;
    size_t shared_n;
    /* A section of free keys, such as [participants]; NULL for none. `free_key` is told each of
     * them in order; a text that it gives is put behind "FILE:LINE: ". The same name does not come
     * twice. */
    const char *free_section;
    enum tx_error (*free_key)(void *config, const char *name, const char *value,
                              struct tx_why *why);
    /* Checks an address; NULL: any. */
    enum tx_error (*check_address)(const char *address, struct tx_why *why);
    /* For config_print(): writes the free keys as "name = value" lines; NULL: none are printed. */
    void (*free_print)(const void *config, FILE *file);
};

/* All keys of a program: its own, then the shared ones. */
size_t config_keys_n(const struct config_schema *schema);
const struct config_key *config_key_at(const struct config_schema *schema, size_t i);

/* Fills `config` with the defaults, then reads the file. TX_ENOTFOUND, TX_EACCESS, TX_EIO,
 * TX_EFORMAT with a text "FILE:LINE: what is wrong and what is expected": unknown section or key, a
 * key given twice, a missing required key (FILE: ...), a value of the wrong kind or out of bounds,
 * a line too long, no INI at all. An empty value is accepted only where the default is empty. Not
 * for use from two threads at once (inih's settings are global). */
enum tx_error config_read(const char *file, const struct config_schema *schema, void *config,
                          struct tx_why *why) TX_MUST_CHECK;

/* Writes every key with its meaning, bounds and value, as a file that config_read() accepts. */
void config_print(const struct config_schema *schema, const void *config, FILE *file);

/* Each key whose value in the file is another one than that in force; `taken`: it is in force from
 * now on. The section of free keys is told of as a whole, with `name` "*" and no values. */
typedef void config_changed(void *arg, const char *section, const char *name, const char *old_value,
                            const char *new_value, bool taken);

struct config_reload {
    const char *file;
    const struct config_schema *schema;
    size_t config_size;
    enum tx_error (*check)(const void *config, struct tx_why *why); /* as daemon_program has it */
    config_changed *changed;
    void *arg;
};

/* Reads the file again, and takes those changed keys into `config` that a running daemon takes;
 * whoever uses `config` is to be told afterwards. An error, as config_read() and `check` give it,
 * leaves everything as it was, and `changed` uncalled. */
enum tx_error config_reload(const struct config_reload *reload, void *config,
                            struct tx_why *why) TX_MUST_CHECK;

/* Sets one field from its text form. TX_EFORMAT with a text "what is wrong, what is expected". */
enum tx_error config_value_set(const struct config_schema *schema, const struct config_key *key,
                               const char *text, void *config, struct tx_why *why) TX_MUST_CHECK;
/* Writes the field's text form, as config_value_set() takes it, into `out`; returns `out`. */
const char *config_value_print(const struct config_key *key, const void *config, char *out,
                               size_t out_size);
/* "1 to 10", "at least 5 ms", "yes or no": what the key accepts, into `out`; returns `out`. */
const char *config_expected(const struct config_key *key, char *out, size_t out_size);

#endif
