/* Damage to one file of a data directory, drawn at random: a flipped byte, a block of zeros or of
 * garbage, a cut tail, an emptied, removed, exchanged or lengthened file. */
#ifndef ASSENT_TESTS_INTEGRATION_MUTATION_H
#define ASSENT_TESTS_INTEGRATION_MUTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mutation_kind {
    MUTATION_FLIP,
    MUTATION_ZEROS,
    MUTATION_GARBAGE,
    MUTATION_CUT,
    MUTATION_EMPTY,
    MUTATION_DELETE,
    MUTATION_EXCHANGE, /* contents of two files */
    MUTATION_APPEND,   /* garbage behind the end */
    MUTATION_KINDS_N,
};

/* What a file is for; the numbers in the names of RocksDB's files differ from run to run. */
enum file_kind {
    FILE_HEAD,
    FILE_WAL,
    FILE_TABLE,
    FILE_MANIFEST,
    FILE_CURRENT,
    FILE_OPTIONS,
    FILE_IDENTITY,
    FILE_LOCKS, /* LOCK, LOCK.assent */
    FILE_AUDIT, /* audit.jsonl */
    FILE_KINDS_N,
};

struct mutation {
    enum mutation_kind kind;
    enum file_kind file_kind;
    char file[64];
    char other[64]; /* MUTATION_EXCHANGE */
    long at, bytes; /* where, and how many; at: the new size for MUTATION_CUT */
    uint64_t noise; /* what garbage is made from */
};

/* The next of a sequence of random numbers below `below`. */
uint64_t mutation_random(uint64_t *seed, uint64_t below);

enum file_kind mutation_file_kind(const char *name);
const char *mutation_file_kind_name(enum file_kind kind);

/* Draws one for this directory, so that each kind of file has its share, however small. The same
 * seed and directory give the same. */
void mutation_draw(uint64_t *seed, const char *directory, struct mutation *mutation);
/* False when the directory is as it was: zeros over zeros. */
bool mutation_apply(const struct mutation *mutation, const char *directory);
/* In words: "a flipped byte at 17 of 1024 in HEAD". */
void mutation_print(const struct mutation *mutation, char *text, size_t size);

/* Copies a directory of plain files; `to` must not exist. */
void directory_copy(const char *from, const char *to);
/* Removes a directory of plain files, if it is there. */
void directory_remove(const char *path);
/* A hash over names and contents, LOCK.assent left out: every start writes its process id there. */
uint64_t directory_hash(const char *path);
/* The names in a directory, sorted, each freed by the caller, who frees the array too. */
char **directory_names(const char *path, size_t *n);
/* The content of a file, NUL-terminated; the caller frees it. NULL when it cannot be read. */
char *file_read(const char *path, size_t *size);

#endif
