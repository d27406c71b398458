/* Configuration files: INI (read with inih), described by one table per program.
 *
 * The table is the single place that knows a key: its type, default, bounds and meaning. It drives reading, --check-config,
 * --print-config and the check that docs/configuration.md lists every key. Every error names file and line. */
#ifndef ASSENT_COMMON_CONFIG_H
#define ASSENT_COMMON_CONFIG_H

#include "common/ids.h"

enum config_type {
    CONFIG_TEXT,     /* char[size] */
    CONFIG_NAME,     /* struct tx_name */
    CONFIG_U64,      /* uint64_t between min and max */
    CONFIG_BYTES,    /* uint64_t; accepts K, M and G (1024-based) */
    CONFIG_MS,       /* uint64_t milliseconds; accepts ms, s, m and h; a bare number is refused */
    CONFIG_BOOL,     /* bool; yes or no */
    CONFIG_ADDRESS,  /* struct tx_address; checked with `check` */
    CONFIG_LEVEL,    /* enum log_level */
};

struct config_key {
    const char *section;
    const char *name;
    enum config_type type;
    size_t offset;             /* of the field in the program's configuration struct */
    size_t size;               /* CONFIG_TEXT: bytes of the field */
    const char *default_value; /* as it would stand in the file; NULL: the key is required */
    uint64_t min, max;         /* CONFIG_U64, CONFIG_BYTES, CONFIG_MS */
    const char *meaning;       /* one sentence for --print-config and the manual */
};

struct config_schema {
    const struct config_key *keys;
    size_t keys_n;
    /* A section of free keys, such as [participants]; NULL for none. `free_key` is told each of them in order. */
    const char *free_section;
    enum tx_error (*free_key)(void *config, const char *name, const char *value, struct tx_why *why);
    /* Checks an address; NULL: any. */
    enum tx_error (*check_address)(const char *address, struct tx_why *why);
};

/* Fills `config` with the defaults, then reads the file. TX_ENOTFOUND, TX_EACCESS, TX_EIO, TX_EFORMAT with a text "FILE:LINE: what is
 * wrong and what is expected": unknown section or key, a key given twice, a missing required key (FILE: ...), a value of the wrong
 * kind or out of bounds, a line too long (over 1,000 bytes), no INI at all. */
enum tx_error config_read(const char *file, const struct config_schema *schema, void *config, struct tx_why *why) TX_MUST_CHECK;

/* Writes every key with its meaning, bounds and value, as a file that config_read() accepts. */
void config_print(const struct config_schema *schema, const void *config, void *file /* FILE * */);

#endif
