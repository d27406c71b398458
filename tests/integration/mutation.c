#include "tests/integration/mutation.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH  512
#define BLOCK 512 /* the longest block that is overwritten */

static const char *const file_kind_names[FILE_KINDS_N] = {
    [FILE_HEAD] = "HEAD",         [FILE_WAL] = "write-ahead", [FILE_TABLE] = "table",
    [FILE_MANIFEST] = "MANIFEST", [FILE_CURRENT] = "CURRENT", [FILE_OPTIONS] = "OPTIONS",
    [FILE_IDENTITY] = "IDENTITY", [FILE_LOCKS] = "locks",     [FILE_AUDIT] = "audit log",
};

/* How often a kind of file is hit: those that hold something more often than those that do not. */
static const unsigned shares[FILE_KINDS_N] = {
    [FILE_HEAD] = 4,     [FILE_WAL] = 6,     [FILE_TABLE] = 6,
    [FILE_MANIFEST] = 6, [FILE_CURRENT] = 2, [FILE_OPTIONS] = 1,
    [FILE_IDENTITY] = 1, [FILE_LOCKS] = 1,   [FILE_AUDIT] = 1,
};

/* How often a mutation is made. */
static const unsigned weights[MUTATION_KINDS_N] = {
    [MUTATION_FLIP] = 8,   [MUTATION_ZEROS] = 2,    [MUTATION_GARBAGE] = 3, [MUTATION_CUT] = 5,
    [MUTATION_DELETE] = 1, [MUTATION_EXCHANGE] = 1, [MUTATION_EMPTY] = 1,   [MUTATION_APPEND] = 1,
};

/* SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). */
static uint64_t next(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t mutation_random(uint64_t *seed, uint64_t below)
{
    assert_true(below > 0);
    return next(seed) % below;
}

static size_t choose(uint64_t *seed, const unsigned *parts, size_t n)
{
    unsigned sum = 0;
    uint64_t at;
    size_t i = 0;

    for (size_t k = 0; k < n; k++)
        sum += parts[k];
    at = mutation_random(seed, sum);
    while (at >= parts[i])
        at -= parts[i++];
    return i;
}

/* ---- directories ---- */

static void join(char path[PATH], const char *directory, const char *name)
{
    int n = snprintf(path, PATH, "%s/%s", directory, name);

    assert_true(n > 0 && n < PATH);
}

char **directory_names(const char *path, size_t *n)
{
    struct dirent **entries;
    int found = scandir(path, &entries, NULL, alphasort);
    char **names;

    if (found < 0) {
        fail_msg("cannot list %s", path);
        return NULL;
    }
    names = calloc((size_t)found + 1, sizeof *names);
    assert_non_null(names);
    *n = 0;
    for (int i = 0; i < found; i++) {
        if (entries[i]->d_name[0] != '.')
            assert_non_null(names[(*n)++] = strdup(entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
    return names;
}

static void free_names(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

char *file_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "r");
    struct stat info;
    char *bytes;

    if (file == NULL)
        return NULL;
    assert_int_equal(fstat(fileno(file), &info), 0);
    *size = (size_t)info.st_size;
    bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    bytes[*size] = '\0';
    fclose(file);
    return bytes;
}

static void write_bytes(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "w");

    if (file == NULL)
        fail_msg("cannot write %s", path);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Calls `visit` with the path of every file. */
static void each_file(const char *directory,
                      void (*visit)(const char *path, const char *name, void *arg), void *arg)
{
    size_t n;
    char **names = directory_names(directory, &n);
    char path[PATH];

    for (size_t i = 0; i < n; i++) {
        join(path, directory, names[i]);
        visit(path, names[i], arg);
    }
    free_names(names, n);
}

static void copy_one(const char *path, const char *name, void *arg)
{
    char to[PATH];
    size_t size;
    char *bytes = file_read(path, &size);

    assert_non_null(bytes);
    join(to, arg, name);
    write_bytes(to, bytes, size);
    free(bytes);
}

void directory_copy(const char *from, const char *to)
{
    char path[PATH];

    assert_int_equal(mkdir(to, 0750), 0);
    snprintf(path, sizeof path, "%s", to);
    each_file(from, copy_one, path);
}

static void remove_one(const char *path, const char *name, void *arg)
{
    (void)name;
    (void)arg;
    assert_int_equal(unlink(path), 0);
}

void directory_remove(const char *path)
{
    struct stat info;

    if (stat(path, &info) != 0)
        return;
    each_file(path, remove_one, NULL);
    assert_int_equal(rmdir(path), 0);
}

static void add_to_hash(uint64_t *hash, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *hash = (*hash ^ (uint8_t)bytes[i]) * 1099511628211u;
}

static void hash_one(const char *path, const char *name, void *arg)
{
    size_t size;
    char *bytes;

    if (strcmp(name, "LOCK.assent") == 0)
        return;
    bytes = file_read(path, &size);
    assert_non_null(bytes);
    add_to_hash(arg, name, strlen(name) + 1);
    add_to_hash(arg, bytes, size);
    free(bytes);
}

uint64_t directory_hash(const char *path)
{
    uint64_t hash = 14695981039346656037u;

    each_file(path, hash_one, &hash);
    return hash;
}

/* ---- drawing ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

enum file_kind mutation_file_kind(const char *name)
{
    if (strcmp(name, "HEAD") == 0)
        return FILE_HEAD;
    if (ends_with(name, ".log"))
        return FILE_WAL;
    if (ends_with(name, ".sst"))
        return FILE_TABLE;
    if (strncmp(name, "MANIFEST", 8) == 0)
        return FILE_MANIFEST;
    if (strcmp(name, "CURRENT") == 0)
        return FILE_CURRENT;
    if (strncmp(name, "OPTIONS", 7) == 0)
        return FILE_OPTIONS;
    if (strcmp(name, "IDENTITY") == 0)
        return FILE_IDENTITY;
    if (strcmp(name, "audit.jsonl") == 0)
        return FILE_AUDIT;
    if (strncmp(name, "LOCK", 4) != 0)
        fail_msg("a file of an unknown kind: %s", name);
    return FILE_LOCKS;
}

const char *mutation_file_kind_name(enum file_kind kind)
{
    return file_kind_names[kind];
}

static long size_of(const char *directory, const char *name)
{
    char path[PATH];
    struct stat info;

    join(path, directory, name);
    assert_int_equal(stat(path, &info), 0);
    return (long)info.st_size;
}

/* A kind of file that is there, then one file of it. */
static const char *draw_file(uint64_t *seed, char **names, size_t n, enum file_kind *kind)
{
    unsigned parts[FILE_KINDS_N] = {0};
    size_t of_kind[FILE_KINDS_N] = {0};
    uint64_t at;

    for (size_t i = 0; i < n; i++) {
        parts[mutation_file_kind(names[i])] = shares[mutation_file_kind(names[i])];
        of_kind[mutation_file_kind(names[i])]++;
    }
    *kind = (enum file_kind)choose(seed, parts, FILE_KINDS_N);
    at = mutation_random(seed, of_kind[*kind]);
    for (size_t i = 0; i < n; i++)
        if (mutation_file_kind(names[i]) == *kind && at-- == 0)
            return names[i];
    fail_msg("no file was drawn");
    return NULL;
}

/* Anywhere; or, as often, close to the beginning or to the end, where the structures are. */
static long draw_place(uint64_t *seed, long size)
{
    uint64_t near = (uint64_t)(size < 64 ? size : 64);

    switch (mutation_random(seed, 4)) {
    case 0:
        return (long)mutation_random(seed, near);
    case 1:
        return size - 1 - (long)mutation_random(seed, near);
    default:
        return (long)mutation_random(seed, (uint64_t)size);
    }
}

void mutation_draw(uint64_t *seed, const char *directory, struct mutation *m)
{
    size_t n;
    char **names = directory_names(directory, &n);
    long size;

    *m = (struct mutation){.kind = (enum mutation_kind)choose(seed, weights, MUTATION_KINDS_N)};
    snprintf(m->file, sizeof m->file, "%s", draw_file(seed, names, n, &m->file_kind));
    snprintf(m->other, sizeof m->other, "%s", names[mutation_random(seed, n)]);
    m->noise = next(seed);
    free_names(names, n);
    size = size_of(directory, m->file);
    m->at = draw_place(seed, size > 0 ? size : 1);
    m->bytes = 1 + (long)mutation_random(seed, BLOCK);
    if (size == 0 && m->kind != MUTATION_DELETE && m->kind != MUTATION_EXCHANGE)
        m->kind = MUTATION_APPEND;
    if (m->kind == MUTATION_FLIP)
        m->bytes = 1;
    else if (m->kind != MUTATION_APPEND && m->bytes > size - m->at)
        m->bytes = size - m->at;
}

/* ---- doing it ---- */

static void overwrite(const struct mutation *m, char *bytes, long size)
{
    uint64_t noise = m->noise;

    for (long i = m->at; i < m->at + m->bytes && i < size; i++) {
        if (m->kind == MUTATION_FLIP)
            bytes[i] = (char)(bytes[i] ^ (char)(1 + mutation_random(&noise, 255)));
        else
            bytes[i] = m->kind == MUTATION_ZEROS ? 0 : (char)mutation_random(&noise, 256);
    }
}

static void exchange(const char *path, const char *directory, const char *other)
{
    char other_path[PATH], temporary[PATH];

    join(other_path, directory, other);
    join(temporary, directory, "exchanged");
    assert_int_equal(rename(path, temporary), 0);
    assert_int_equal(rename(other_path, path), 0);
    assert_int_equal(rename(temporary, other_path), 0);
}

static void append(const struct mutation *m, const char *path)
{
    uint64_t noise = m->noise;
    FILE *file = fopen(path, "a");

    assert_non_null(file);
    for (long i = 0; i < m->bytes; i++)
        assert_true(fputc((int)mutation_random(&noise, 256), file) != EOF);
    assert_int_equal(fclose(file), 0);
}

bool mutation_apply(const struct mutation *m, const char *directory)
{
    uint64_t before = directory_hash(directory);
    char path[PATH], *bytes;
    size_t size;

    join(path, directory, m->file);
    switch (m->kind) {
    case MUTATION_FLIP:
    case MUTATION_ZEROS:
    case MUTATION_GARBAGE:
        bytes = file_read(path, &size);
        assert_non_null(bytes);
        overwrite(m, bytes, (long)size);
        write_bytes(path, bytes, size);
        free(bytes);
        break;
    case MUTATION_CUT:
        assert_int_equal(truncate(path, m->at), 0);
        break;
    case MUTATION_EMPTY:
        assert_int_equal(truncate(path, 0), 0);
        break;
    case MUTATION_DELETE:
        assert_int_equal(unlink(path), 0);
        break;
    case MUTATION_EXCHANGE:
        if (strcmp(m->file, m->other) != 0)
            exchange(path, directory, m->other);
        break;
    case MUTATION_APPEND:
        append(m, path);
        break;
    case MUTATION_KINDS_N:
        fail_msg("no kind of mutation");
    }
    /* LOCK.assent is not in the hash. */
    return directory_hash(directory) != before || strcmp(m->file, "LOCK.assent") == 0;
}

void mutation_print(const struct mutation *m, char *text, size_t size)
{
    switch (m->kind) {
    case MUTATION_FLIP:
        snprintf(text, size, "%s: a flipped byte at %ld", m->file, m->at);
        return;
    case MUTATION_ZEROS:
        snprintf(text, size, "%s: %ld zeros at %ld", m->file, m->bytes, m->at);
        return;
    case MUTATION_GARBAGE:
        snprintf(text, size, "%s: %ld bytes of garbage at %ld", m->file, m->bytes, m->at);
        return;
    case MUTATION_CUT:
        snprintf(text, size, "%s: cut to %ld bytes", m->file, m->at);
        return;
    case MUTATION_EMPTY:
        snprintf(text, size, "%s: emptied", m->file);
        return;
    case MUTATION_DELETE:
        snprintf(text, size, "%s: removed", m->file);
        return;
    case MUTATION_EXCHANGE:
        snprintf(text, size, "%s: contents exchanged with %s", m->file, m->other);
        return;
    case MUTATION_APPEND:
        snprintf(text, size, "%s: %ld bytes of garbage behind the end", m->file, m->bytes);
        return;
    case MUTATION_KINDS_N:
        fail_msg("no kind of mutation");
    }
}
