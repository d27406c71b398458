/* The language of `txctl exec`: operations as text. txctl(1) describes it for users.
 *
 *     script    = [operation] { ( newline | ";" ) [operation] }       "#" begins a comment
 *     operation = "get" address | "get-for-update" address | "delete" address
 *               | "put" address value | "insert" address value
 *               | "add" address number { "--min" number | "--max" number }
 *               | "check" address ( value | "--absent" )
 *               | "lock" place mode
 *               | "scan" space [ from [ to ] ]
 *                 { "--prefix" prefix | "--limit" number | "--reverse" }
 *     address   = participant "/" keyspace "/" key
 *     place     = participant [ "/" keyspace [ "/" key ] ]
 *     space     = participant "/" keyspace
 *     mode      = "IS" | "IX" | "S" | "U" | "SIX" | "X"               in either case
 *
 * A scan gives the keys from `from`, included, up to `to`, not included ('' stands for the
 * beginning and the end of the keyspace), that begin with `prefix`. Its options may stand anywhere
 * behind the space; a bound that looks like one is quoted.
 *
 * Words are parted by blanks. 'single quotes' keep everything, "double quotes" keep all but
 * escapes. Outside single quotes a backslash begins an escape: \n \r \t \0 \\ \" \' \; \# "\ " or
 * \xNN. */
#ifndef ASSENT_CLIENT_EXEC_PARSE_H
#define ASSENT_CLIENT_EXEC_PARSE_H

#include "client/txclient.h"

/* A scan as it was given; its bytes lie behind it. */
struct exec_scan {
    txclient_range range;
    uint32_t limit; /* 0: not given */
    bool reverse;
    char bytes[];
};

struct exec_op {
    const char *verb;       /* static */
    char *address;          /* as it was given, without quotes; printable */
    struct exec_scan *scan; /* NULL for all else */
    bool has_value;         /* its result has one: get, get-for-update, add */
    bool has_found;         /* its result says whether the key was there: the gets, delete */
};

struct exec_script {
    txclient_batch *batch;
    struct exec_op *ops; /* one for each operation of the batch */
    size_t n;
    size_t capacity;
};

/* Where and what: counted from 1, in characters of the text as bytes. */
struct exec_error {
    size_t line;
    size_t column;
    char text[640];
};

/* TXCLIENT_OK; TXCLIENT_EINVAL or _ELIMIT with the error filled; TXCLIENT_ENOMEM. The script is to
 * be freed in any case. */
txclient_status exec_parse(const char *text, size_t len, struct exec_script *script,
                           struct exec_error *error);
void exec_script_deinit(struct exec_script *script);

/* Prints "NAME:LINE:COLUMN: text", the line and a caret below the column. */
void exec_error_print(const struct exec_error *error, const char *name, const char *text,
                      size_t len, void *file /* FILE * */);

/* The operation that reads on where a scan has stopped, as text for exec; NULL when that was all,
 * or when out of memory. The caller frees it. */
char *exec_scan_rest(const struct exec_scan *scan, const txclient_value *value);

/* Appends the bytes as printable ASCII (backslashes and all else as \xNN). NULL when out of memory;
 * the caller frees it. */
char *exec_printable(const void *data, size_t len);

#endif
