#include "tests/integration/dump.h"

#include "tests/integration/mutation.h"
#include "txlog/log_head.h"
#include "txlog/log_meta.h"
#include "txlog/redo.h"
#include "txlog/rocksdb_log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the child ---- */

static enum tx_error print_record(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    fprintf(arg, "record %" PRIu64 " %016" PRIx64 "\n", lsn.n, tx_bytes_hash(stored, 0));
    return TX_OK;
}

static void print_key(FILE *out, struct txlog *log, const char *key, struct tx_buf *value)
{
    struct tx_buf data_key = {0};
    struct tx_why why;
    char text[64];
    enum tx_error error;

    redo_data_key(tx_bytes_str("t"), tx_bytes_str(key), &data_key);
    tx_buf_clear(value);
    error = txlog_data_get(log, tx_buf_view(&data_key), value, &why);
    if (error == TX_OK)
        fprintf(out, "value %s %s\n", key, tx_bytes_print(tx_buf_view(value), text, sizeof text));
    else if (error == TX_ENOTFOUND)
        fprintf(out, "key %s\n", key);
    else
        fprintf(out, "unreadable %s %s\n", key, why.text);
    tx_buf_deinit(&data_key);
}

static enum tx_error print_other(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    struct tx_bytes space, rest;
    char text[64];

    (void)value;
    if (redo_data_key_parse(key, &space, &rest) != TX_OK ||
        !tx_bytes_equal(space, tx_bytes_str("t")) || rest.len < 2 || rest.data[0] != 'k')
        fprintf(arg, "other %s\n", tx_bytes_print(key, text, sizeof text));
    return TX_OK;
}

static bool print_head(FILE *out, struct txlog *log, const char *directory)
{
    struct txlog_identity identity = rocksdb_log_identity(log);
    struct log_head head;
    struct tx_why why;
    uint64_t hash;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool read = log_meta_identity_hash(&identity, &hash) == TX_OK &&
                log_head_open(fd, true, hash, &head, &why) == TX_OK;

    close(fd);
    if (!read)
        return false;
    fprintf(out, "head %" PRIu64 "\nlog %" PRIu64 " %" PRIu64 "\n", head.lsn.n, txlog_first(log).n,
            txlog_last(log).n);
    log_head_close(&head);
    return true;
}

int dump_main(const char *directory, const char *to)
{
    struct rocksdb_log_options options = {.directory = directory, .mode = ROCKSDB_LOG_READ_ONLY};
    struct txlog *log;
    struct tx_why why = {"the file HEAD cannot be read"};
    struct tx_buf value = {0};
    FILE *out = fopen(to, "w");
    bool done;

    if (out == NULL || rocksdb_log_open(&options, &log, &why) != TX_OK) {
        fprintf(stderr, "%s\n", why.text);
        return 2;
    }
    done =
        print_head(out, log, directory) &&
        txlog_each(log, (struct tx_lsn){0}, (struct tx_lsn){0}, print_record, out, &why) == TX_OK;
    if (!done)
        fprintf(stderr, "%s\n", why.text);
    for (int i = 0; i < DUMP_KEYS; i++) {
        char key[16];

        snprintf(key, sizeof key, "k%d", i);
        print_key(out, log, key, &value);
    }
    /* Damage is told by the lookups; this is for keys that should not be. */
    if (txlog_data_each(log, print_other, out, &why) != TX_OK)
        fprintf(stderr, "%s\n", why.text);
    tx_buf_deinit(&value);
    txlog_close(&log);
    return fclose(out) == 0 && done ? 0 : 2;
}

/* ---- the test ---- */

int dump_run(const char *directory, const char *to)
{
    char err[512];
    int status;
    pid_t pid;

    snprintf(err, sizeof err, "%s.err", to);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (freopen(err, "w", stderr) != NULL)
            execl("/proc/self/exe", "damage_test", "dump", directory, to, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static const char *differ(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *differ(const char *format, ...)
{
    static char text[600];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return text;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Cuts the next line off; NULL at the end. */
static char *next_line(char **at)
{
    char *line = *at, *end = line == NULL ? NULL : strchr(line, '\n');

    if (end == NULL)
        return NULL;
    *end = '\0';
    *at = end + 1;
    return line;
}

/* The next line that is no record beyond those of the sound directory. */
static char *next_wanted(char **at, const char *wanted)
{
    char *line = next_line(at);

    while (line != NULL && starts_with(line, "record ") && !starts_with(wanted, "record "))
        line = next_line(at);
    return line;
}

static const char *compare_line(const char *wanted, const char *got, int *unreadable)
{
    char key[64];

    if (got == NULL)
        return differ("'%s' is missing", wanted);
    if (strcmp(wanted, got) == 0)
        return NULL;
    if (sscanf(got, "unreadable %63s", key) != 1)
        return differ("'%s' has become '%s'", wanted, got);
    if (strstr(got, "txrecover verify") == NULL || strstr(got, "restore") == NULL)
        return differ("unclear: %s", got);
    ++*unreadable;
    return NULL;
}

/* Of "head" and "log", only the first LSN stays. */
static const char *compare_ends(char **sound, char **got)
{
    const char *wanted, *is;
    long first, last, got_first = -1, got_last = -1;

    (void)next_line(sound);
    (void)next_line(got);
    wanted = next_line(sound);
    is = next_line(got);
    if (wanted == NULL || sscanf(wanted, "log %ld %ld", &first, &last) != 2)
        return differ("the sound directory has no ends");
    if (is == NULL || sscanf(is, "log %ld %ld", &got_first, &got_last) != 2)
        return differ("no ends");
    if (first != got_first || got_last < last)
        return differ("LSN %ld to %ld have become %ld to %ld", first, last, got_first, got_last);
    return NULL;
}

const char *dump_compare(const char *sound, const char *got, int *unreadable)
{
    size_t size;
    char *sound_text = file_read(sound, &size), *got_text = file_read(got, &size);
    char *sound_at = sound_text, *got_at = got_text;
    const char *wanted, *wrong;

    assert_non_null(sound_text);
    assert_non_null(got_text);
    *unreadable = 0;
    wrong = compare_ends(&sound_at, &got_at);
    while (wrong == NULL && (wanted = next_line(&sound_at)) != NULL)
        wrong = compare_line(wanted, next_wanted(&got_at, wanted), unreadable);
    if (wrong == NULL && (wanted = next_line(&got_at)) != NULL)
        wrong = differ("'%s' has come up", wanted);
    free(sound_text);
    free(got_text);
    return wrong;
}
