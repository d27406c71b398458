/* Damage to the files of a log whose writer was killed: each kind is found at the next opening,
 * with an error of its own, and nothing that was synced is lost in silence.
 *
 * The writer is this program started again, because a killed RocksDB cannot be had in one's own
 * process. */
#include "log_fixture.h"
#include "tests/common/pace.h"

#include <rocksdb/c.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { RECORDS = 200, REDO_BYTES = 1000 };

/* RocksDB as its makers set it up. */
struct raw {
    rocksdb_options_t *options;
    rocksdb_column_family_handle_t *handles[4];
    rocksdb_t *db; /* NULL: it refuses */
};

enum { RAW_LOG = 2 }; /* the handle of the log's column family */

static void raw_open(struct raw *raw)
{
    static const char *const names[] = {"default", "meta", "log", "data"};
    *raw = (struct raw){.options = rocksdb_options_create()};
    const rocksdb_options_t *const all[] = {raw->options, raw->options, raw->options, raw->options};
    char *text = NULL;
    raw->db =
        rocksdb_open_column_families(raw->options, fixture_dir, 4, names, all, raw->handles, &text);
    rocksdb_free(text);
}

static void raw_close(struct raw *raw)
{
    if (raw->db != NULL) {
        for (int i = 0; i < 4; i++)
            rocksdb_column_family_handle_destroy(raw->handles[i]);
        rocksdb_close(raw->db);
    }
    rocksdb_options_destroy(raw->options);
}

/* A value beside the log, which keeps the first write-ahead file needed until the data
 * are flushed. */
static enum tx_error put_data(struct txlog *log, uint64_t lsn, const char *value)
{
    struct tx_buf record = {0};
    fixture_record(lsn, 10, &record);
    struct txlog_put put = {tx_bytes_str("key"), tx_bytes_str(value), false};
    struct txlog_append append = {{lsn}, tx_buf_view(&record), &put, 1};
    enum tx_error error = txlog_append(log, &append, 1, true, NULL);
    tx_buf_deinit(&record);
    return error;
}

/* Child: RECORDS synced appends, then death without any closing. */
static int write_and_die(const char *directory, const char *redo_bytes)
{
    struct txlog *log;
    struct tx_why why;
    if (fixture_try(directory, ROCKSDB_LOG_OPEN, &log, &why) != TX_OK ||
        put_data(log, 1, "value") != TX_OK)
        return 2;
    for (int i = 1; i < RECORDS; i++) {
        if (fixture_append(log, 1, (size_t)atol(redo_bytes), true, &why) != TX_OK)
            return 3;
    }
    (void)kill(getpid(), SIGKILL);
    return 4;
}

static void make(const char *redo_bytes)
{
    const char *const arguments[] = {"write", fixture_dir, redo_bytes, NULL};
    int out;
    int status = fixture_wait(fixture_child(arguments, &out));
    (void)close(out);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Opens for reading, then for writing: both must see the same. */
static void expect(enum tx_error expected, const char *word)
{
    static const enum rocksdb_log_mode modes[] = {ROCKSDB_LOG_READ_ONLY, ROCKSDB_LOG_OPEN};
    for (int i = 0; i < 2; i++) {
        struct txlog *log = NULL;
        struct tx_why why = {{0}};
        enum tx_error error = fixture_try(fixture_dir, modes[i], &log, &why);
        if (error != expected)
            fail_msg("%s instead of %s: %s", tx_error_name(error), tx_error_name(expected),
                     why.text);
        if (error == TX_OK)
            txlog_close(&log);
        else if (strstr(why.text, word) == NULL || strstr(why.text, fixture_dir) == NULL)
            fail_msg("unclear: %s", why.text);
    }
}

static void a_killed_writer_loses_nothing(void **state)
{
    (void)state;
    make("1000");
    struct txlog *log = fixture_open(fixture_dir);
    assert_int_equal(txlog_last(log).n, RECORDS);
    txlog_close(&log);
}

/* How many log records RocksDB finds when it is opened as its makers set it up; -1: it refuses. */
static long records_by_default_settings(void)
{
    struct raw raw;
    long n = -1;
    raw_open(&raw);
    if (raw.db != NULL) {
        rocksdb_readoptions_t *read = rocksdb_readoptions_create();
        rocksdb_iterator_t *it = rocksdb_create_iterator_cf(raw.db, read, raw.handles[RAW_LOG]);
        n = 0;
        for (rocksdb_iter_seek_to_first(it); rocksdb_iter_valid(it); rocksdb_iter_next(it))
            n++;
        rocksdb_iter_destroy(it);
        rocksdb_readoptions_destroy(read);
    }
    raw_close(&raw);
    return n;
}

/* The reason for the recovery mode: with RocksDB's default the same damage opens, and half
 * is gone. */
static void a_flipped_byte_in_the_middle_is_found(void **state)
{
    (void)state;
    make("1000");
    const char *wal = fixture_file(fixture_dir, ".log", true);
    off_t middle = fixture_size(wal) / 2;
    fixture_flip(wal, middle);
    expect(TX_ECORRUPT, "txrecover verify");
    long n = records_by_default_settings();
    assert_true(n > 0 && n < RECORDS);
}

/* All that is left of the damaged log can still be read by those who ask for it. */
static void count_damage(void *arg, struct tx_lsn lsn, const char *text)
{
    (void)lsn;
    assert_true(text[0] != '\0');
    ++*(int *)arg;
}

static enum tx_error count_record(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    (void)lsn;
    (void)stored;
    ++*(int *)arg;
    return TX_OK;
}

static void expect_salvaged(int at_least)
{
    struct txlog *log = NULL;
    struct tx_why why = {{0}};
    struct rocksdb_log_options o = fixture_options(fixture_dir, ROCKSDB_LOG_READ_ONLY);
    int damages = 0, records = 0;
    enum tx_error error = rocksdb_log_open_damaged(&o, &log, count_damage, &damages, &why);
    if (error != TX_OK)
        fail_msg("%s", why.text);
    assert_true(damages > 0);
    struct tx_lsn all = {0};
    assert_int_equal(txlog_each(log, all, all, count_record, &records, NULL), TX_OK);
    assert_true(records >= at_least && records < RECORDS);
    txlog_close(&log);
}

static void what_is_left_can_be_read(void **state)
{
    (void)state;
    make("1000");
    const char *wal = fixture_file(fixture_dir, ".log", true);
    fixture_flip(wal, fixture_size(wal) / 2);
    expect_salvaged(RECORDS / 2 - 5);
}

static void a_tail_cut_into_synced_records_is_found(void **state)
{
    (void)state;
    make("1000");
    const char *wal = fixture_file(fixture_dir, ".log", true);
    fixture_cut(wal, fixture_size(wal) - 1);
    expect(TX_ELOST, "ends at LSN 199, but LSN 200 was on disk");
    fixture_cut(wal, fixture_size(wal) - 10 * REDO_BYTES);
    expect(TX_ELOST, "LSN 200 was on disk");
}

/* Child: synced records, one more without sync, then death. */
static int write_lazily_and_die(const char *directory)
{
    struct txlog *log;
    struct tx_why why;
    if (fixture_try(directory, ROCKSDB_LOG_OPEN, &log, &why) != TX_OK ||
        fixture_append(log, RECORDS, REDO_BYTES, true, &why) != TX_OK ||
        fixture_append(log, 1, REDO_BYTES, false, &why) != TX_OK)
        return 2;
    (void)kill(getpid(), SIGKILL);
    return 4;
}

/* Nobody was told that the last record is durable: its torn half is no damage. */
static void a_torn_unsynced_record_is_dropped(void **state)
{
    (void)state;
    const char *const arguments[] = {"write-lazily", fixture_dir, NULL};
    int out;
    (void)fixture_wait(fixture_child(arguments, &out));
    (void)close(out);
    const char *wal = fixture_file(fixture_dir, ".log", true);
    fixture_cut(wal, fixture_size(wal) - REDO_BYTES / 2);
    struct txlog *log = fixture_open(fixture_dir);
    assert_int_equal(txlog_last(log).n, RECORDS);
    assert_int_equal(fixture_append(log, 1, REDO_BYTES, true, NULL), TX_OK);
    txlog_close(&log);
    log = fixture_open(fixture_dir);
    assert_int_equal(txlog_last(log).n, RECORDS + 1);
    txlog_close(&log);
}

static void a_missing_newest_file_is_found(void **state)
{
    (void)state;
    make("1000");
    fixture_unlink(fixture_file(fixture_dir, ".log", true));
    expect(TX_ELOST, "LSN 200 was on disk");
}

/* Enough for several write-ahead files; the first is still needed by the data, which were never
 * flushed. */
static void a_missing_older_file_is_found(void **state)
{
    (void)state;
    make("400000");
    assert_true(fixture_files(fixture_dir, ".log") >= 2);
    fixture_unlink(fixture_file(fixture_dir, ".log", false));
    expect(TX_ECORRUPT, "WAL");
}

/* Opening moves everything into table files: every one of their bytes counts, too. */
static void a_flipped_byte_in_a_table_is_found(void **state)
{
    (void)state;
    make("1000");
    struct txlog *log = fixture_open(fixture_dir);
    txlog_close(&log);
    const char *table = fixture_biggest(fixture_dir, ".sst");
    assert_true(fixture_size(table) > (off_t)(RECORDS - 1) * REDO_BYTES);
    off_t at = fixture_size(table) / 2;
    fixture_flip(table, at);
    expect(TX_ECORRUPT, "txrecover verify");
    expect_salvaged(RECORDS / 2 - 40);
    fixture_flip(table, at);
    expect(TX_OK, "");
    fixture_unlink(table);
    expect(TX_ECORRUPT, "txrecover verify");
}

static void head_is_needed(void **state)
{
    (void)state;
    make("1000");
    const char *head = fixture_path(fixture_dir, "HEAD");
    fixture_flip(head, 24);
    expect(TX_OK, ""); /* one slot is torn; opening for writing mends it */
    fixture_flip(head, 24);
    fixture_flip(head, 512 + 24);
    expect(TX_ECORRUPT, "HEAD is damaged");
    fixture_cut(head, 0);
    expect(TX_ECORRUPT, "HEAD is damaged");
    fixture_unlink(head);
    expect(TX_ECORRUPT, "no file HEAD");
}

/* The manifest in force. */
static const char *current_manifest(void)
{
    FILE *current = fopen(fixture_path(fixture_dir, "CURRENT"), "r");
    char name[64] = {0};
    assert_non_null(current);
    assert_non_null(fgets(name, sizeof(name), current));
    (void)fclose(current);
    name[strcspn(name, "\n")] = '\0';
    return fixture_path(fixture_dir, name);
}

static void a_damaged_manifest_is_found(void **state)
{
    (void)state;
    make("1000");
    fixture_flip(current_manifest(), 20);
    expect(TX_ECORRUPT, "txrecover verify");
}

/* Child: the value changes in one life, and is flushed by the opening of the next one. */
static int write_in_two_lives(const char *directory)
{
    struct txlog *log;
    struct tx_why why;
    for (uint64_t life = 1; life <= 3; life++) {
        if (fixture_try(directory, ROCKSDB_LOG_OPEN, &log, &why) != TX_OK)
            return 2;
        enum tx_error error = life < 3 ? put_data(log, life, life == 1 ? "old" : "new")
                                       : fixture_append(log, 1, 10, true, &why);
        if (error != TX_OK)
            return 3;
        if (life < 3)
            txlog_close(&log);
    }
    (void)kill(getpid(), SIGKILL);
    return 4;
}

/* Gives the error of a refusal. */
static enum tx_error expect_refused_or_new(off_t cut)
{
    struct txlog *log = NULL;
    struct tx_why why = {{0}};
    struct tx_buf value = {0};
    enum tx_error error = fixture_try(fixture_dir, ROCKSDB_LOG_READ_ONLY, &log, &why);
    if (error != TX_OK)
        return error;
    if (txlog_data_get(log, tx_bytes_str("key"), &value, &why) != TX_OK)
        fail_msg("cut to %ld: %s", (long)cut, why.text);
    if (!tx_bytes_equal(tx_buf_view(&value), tx_bytes_str("new")))
        fail_msg("cut to %ld: the value has gone back in time", (long)cut);
    tx_buf_deinit(&value);
    txlog_close(&log);
    return TX_OK;
}

/* The end of the manifest tells what the last opening has flushed, of one column family after the
 * other. To lose it must never take the data back below a log that is whole. */
static void a_manifest_without_its_end_is_found(void **state)
{
    (void)state;
    const char *const arguments[] = {"write-lives", fixture_dir, NULL};
    int out;
    int status = fixture_wait(fixture_child(arguments, &out));
    (void)close(out);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    const char *manifest = current_manifest();
    off_t size = fixture_size(manifest);
    bool gap = false;
    off_t step = pace_share() > 1 ? 15 : 3;
    for (off_t cut = size - 1; cut > 0; cut -= step) {
        fixture_cut(manifest, cut);
        gap = expect_refused_or_new(cut) == TX_EGAP || gap;
    }
    assert_true(gap);
    fixture_unlink(manifest);
    expect(TX_ECORRUPT, "restore a checkpoint");
}

/* RocksDB gives back whole files of the levels from 1 on; this moves the log there. */
static void sink_log(void)
{
    struct raw raw;
    raw_open(&raw);
    assert_non_null(raw.db);
    rocksdb_compact_range_cf(raw.db, raw.handles[RAW_LOG], NULL, 0, NULL, 0);
    raw_close(&raw);
}

/* Child: the last act of a writer is to compact all but its last record away. */
static int compact_and_die(const char *directory)
{
    struct txlog *log;
    struct tx_why why;
    if (fixture_try(directory, ROCKSDB_LOG_OPEN, &log, &why) != TX_OK ||
        fixture_append(log, 1, REDO_BYTES, true, &why) != TX_OK ||
        txlog_compact(log, (struct tx_lsn){RECORDS}, &why) != TX_OK)
        return 2;
    (void)kill(getpid(), SIGKILL);
    return 4;
}

/* A disk that takes back the removal of records whose files are gone. */
static void a_lost_compaction_is_found(void **state)
{
    (void)state;
    struct txlog *log = fixture_open(fixture_dir);
    assert_int_equal(fixture_append(log, RECORDS, REDO_BYTES, true, NULL), TX_OK);
    txlog_close(&log);
    log = fixture_open(fixture_dir); /* what was written goes into a table file */
    txlog_close(&log);
    sink_log();
    const char *const arguments[] = {"compact", fixture_dir, NULL};
    int out;
    int status = fixture_wait(fixture_child(arguments, &out));
    (void)close(out);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    const char *wal = fixture_file(fixture_dir, ".log", true);
    fixture_cut(wal, fixture_size(wal) - 1);
    expect(TX_EGAP, "LSN 1 to 200 are missing");
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "write") == 0)
        return write_and_die(argv[2], argv[3]);
    if (argc == 3 && strcmp(argv[1], "write-lazily") == 0)
        return write_lazily_and_die(argv[2]);
    if (argc == 3 && strcmp(argv[1], "write-lives") == 0)
        return write_in_two_lives(argv[2]);
    if (argc == 3 && strcmp(argv[1], "compact") == 0)
        return compact_and_die(argv[2]);
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
        TEST(a_killed_writer_loses_nothing),
        TEST(a_flipped_byte_in_the_middle_is_found),
        TEST(what_is_left_can_be_read),
        TEST(a_tail_cut_into_synced_records_is_found),
        TEST(a_torn_unsynced_record_is_dropped),
        TEST(a_missing_newest_file_is_found),
        TEST(a_missing_older_file_is_found),
        TEST(a_flipped_byte_in_a_table_is_found),
        TEST(head_is_needed),
        TEST(a_damaged_manifest_is_found),
        TEST(a_manifest_without_its_end_is_found),
        TEST(a_lost_compaction_is_found),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
