/* A read of a table that fails once, each in turn: what is being read gives an error or everything,
 * never less, and never "there is none". The log and the data have several tables above level 0,
 * for there RocksDB's iterators can end without telling. And compactions: whatever read of theirs
 * fails, all is there afterwards. */
#include "log_fixture.h"
#include "tests/common/pace.h"
#include "tests/failing_reads.h"
#include "txlog/lsn_key.h"
#include "txlog/node_log.h"
#include "txlog/rdb.h"
#include "txlog/recovery.h"

#include <rocksdb/c.h>

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LIVES = 4, PER_LIFE = 6, REDO_BYTES = 2000, VALUE_BYTES = 1500, TABLE_BYTES = 8192 };

enum { COMPACTED = PER_LIFE + 2 }; /* LSNs that are compacted away before RocksDB's compactions */

static char *place;
static char dir[256];
static char started[300]; /* a copy of it that a daemon starts on */

/* ---- a directory with several tables at level 1 ---- */

static struct tx_bytes key_of(uint64_t n, char text[32])
{
    (void)snprintf(text, 32, "k%06" PRIu64, n);
    return tx_bytes_str(text);
}

/* A record each with a row: `n` says which. */
static void append(struct txlog *log, uint64_t n)
{
    static uint8_t value[VALUE_BYTES];
    char key[32];
    struct txlog_put put = {key_of(n, key), tx_bytes(value, sizeof value), false};
    struct tx_buf record = {0};
    struct tx_lsn lsn = {txlog_last(log).n + 1};
    fixture_record(lsn.n, REDO_BYTES, &record);
    struct txlog_append append = {lsn, tx_buf_view(&record), &put, 1};
    assert_int_equal(txlog_append(log, &append, 1, false, NULL), TX_OK);
    tx_buf_deinit(&record);
}

/* RocksDB itself, with the settings that the log has left in the directory; but it compacts only
 * when told to, and into small tables. */
struct raw {
    rocksdb_t *db;
    rocksdb_options_t *options, **of_families;
    char **names;
    size_t n;
    rocksdb_cache_t *cache;
    rocksdb_column_family_handle_t *handles[RDB_FAMILIES_N];
};

static void raw_check(char *text)
{
    if (text != NULL)
        fail_msg("RocksDB: %s", text);
}

static void raw_open(struct raw *raw, const char *directory)
{
    char *text = NULL;
    rocksdb_env_t *env = rocksdb_create_default_env();
    *raw = (struct raw){.cache = rocksdb_cache_create_lru(1)};
    rocksdb_load_latest_options(directory, env, false, raw->cache, &raw->options, &raw->n,
                                &raw->names, &raw->of_families, &text);
    raw_check(text);
    assert_int_equal(raw->n, RDB_FAMILIES_N);
    for (size_t i = 0; i < raw->n; i++) {
        rocksdb_options_set_disable_auto_compactions(raw->of_families[i], true);
        rocksdb_options_set_target_file_size_base(raw->of_families[i], TABLE_BYTES);
    }
    raw->db = rocksdb_open_column_families(
        raw->options, directory, RDB_FAMILIES_N, (const char *const *)raw->names,
        (const rocksdb_options_t *const *)raw->of_families, raw->handles, &text);
    raw_check(text);
    rocksdb_env_destroy(env);
}

static void raw_close(struct raw *raw)
{
    for (size_t i = 0; i < raw->n; i++)
        rocksdb_column_family_handle_destroy(raw->handles[i]);
    rocksdb_close(raw->db);
    rocksdb_load_latest_options_destroy(raw->options, raw->names, raw->of_families, raw->n);
    rocksdb_cache_destroy(raw->cache);
}

static rocksdb_column_family_handle_t *raw_family(const struct raw *raw, const char *name)
{
    for (size_t i = 0; i < raw->n; i++)
        if (strcmp(raw->names[i], name) == 0)
            return raw->handles[i];
    fail_msg("no family %s", name);
    return NULL;
}

enum { LEVELS = 7 };

static void count_tables(const struct raw *raw, const char *family, unsigned n[LEVELS])
{
    const rocksdb_livefiles_t *files = rocksdb_livefiles(raw->db);
    memset(n, 0, LEVELS * sizeof n[0]);
    for (int i = 0; i < rocksdb_livefiles_count(files); i++)
        if (strcmp(rocksdb_livefiles_column_family_name(files, i), family) == 0)
            n[rocksdb_livefiles_level(files, i)]++;
    rocksdb_livefiles_destroy(files);
}

/* How many rows, and records, there are: row n was written with LSN n + 1. */
static uint64_t rows;

static void live(void)
{
    struct txlog *log = fixture_open(dir);
    for (int i = 0; i < PER_LIFE; i++)
        append(log, rows++);
    txlog_close(&log);
}

/* Down from level 0, the table of each life on its own: RocksDB moves it as it is. */
static void move_down(const struct raw *raw, uint64_t from)
{
    char first[32], last[32];
    struct lsn_key begin = lsn_key(from + 1), end = lsn_key(from + PER_LIFE);
    struct tx_bytes a = lsn_key_view(&begin), b = lsn_key_view(&end);
    rocksdb_compact_range_cf(raw->db, raw_family(raw, "log"), (const char *)a.data, a.len,
                             (const char *)b.data, b.len);
    a = key_of(from, first);
    b = key_of(from + PER_LIFE - 1, last);
    rocksdb_compact_range_cf(raw->db, raw_family(raw, "data"), (const char *)a.data, a.len,
                             (const char *)b.data, b.len);
}

static void make_directory(void)
{
    struct raw raw;
    unsigned n[LEVELS];
    while (rows < (uint64_t)LIVES * PER_LIFE)
        live();
    raw_open(&raw, dir);
    for (uint64_t from = 0; from < rows; from += PER_LIFE)
        move_down(&raw, from);
    for (int i = 0; i < 2; i++) {
        count_tables(&raw, i == 0 ? "log" : "data", n);
        assert_int_equal(n[0], 0);
        assert_int_equal(n[1], LIVES);
    }
    raw_close(&raw);
}

/* ---- reading ---- */

struct reading {
    struct txlog *log;
    struct rdb *rdb;
    uint64_t n, to; /* what came, and what should */
    struct tx_why why;
};

/* Whether the next one came; else the reading stops there, and what is missing is told with the
 * read that failed. */
static bool came(struct reading *r, bool is_next)
{
    r->n += is_next ? 1 : 0;
    return is_next;
}

static enum tx_error note_lsn(struct reading *r, struct tx_lsn lsn)
{
    if (came(r, lsn.n == r->n + 1))
        return TX_OK;
    return tx_why(&r->why, TX_ESTATE, "after LSN %" PRIu64 " came %" PRIu64, r->n, lsn.n);
}

static enum tx_error note_replayed(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    (void)why;
    return note_lsn(arg, record->lsn);
}

static enum tx_error note_stored(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    (void)stored;
    return note_lsn(arg, lsn);
}

static bool note_scanned(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    struct reading *r = arg;
    char text[32];
    (void)value;
    return came(r, tx_bytes_equal(key, key_of(r->n, text)));
}

static bool note_reversed(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    struct reading *r = arg;
    char text[32];
    (void)value;
    return came(r, tx_bytes_equal(key, key_of(rows - 1 - r->n, text)));
}

static enum tx_error note_row(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    struct reading *r = arg;
    if (note_scanned(arg, key, value))
        return TX_OK;
    return tx_why(&r->why, TX_ESTATE, "after row %" PRIu64 " came another", r->n);
}

/* From the second table into the last but one. */
static enum tx_error read_range(struct reading *r, bool reverse)
{
    char from[32], to[32];
    uint64_t begin = PER_LIFE + 2, end = rows - PER_LIFE - 2;
    struct txlog_range range = {key_of(begin, from), key_of(end, to), reverse};
    r->n = reverse ? rows - end : begin;
    r->to = reverse ? rows - begin : end;
    return txlog_data_scan(r->log, &range, reverse ? note_reversed : note_scanned, r, &r->why);
}

static enum tx_error read_range_forward(struct reading *r)
{
    return read_range(r, false);
}

static enum tx_error read_range_reverse(struct reading *r)
{
    return read_range(r, true);
}

static enum tx_error read_middle(struct reading *r)
{
    r->n = PER_LIFE + 2;
    r->to = rows - PER_LIFE - 2;
    return txlog_each(r->log, (struct tx_lsn){r->n + 1}, (struct tx_lsn){r->to}, note_stored, r,
                      &r->why);
}

static enum tx_error read_replay(struct reading *r)
{
    struct recovery_summary summary;
    return recovery_replay(r->log, note_replayed, r, &summary, &r->why);
}

static enum tx_error read_each(struct reading *r)
{
    return txlog_each(r->log, (struct tx_lsn){1}, (struct tx_lsn){0}, note_stored, r, &r->why);
}

static enum tx_error read_rows(struct reading *r)
{
    return txlog_data_each(r->log, note_row, r, &r->why);
}

static enum tx_error read_scan(struct reading *r)
{
    struct txlog_range all = {0};
    return txlog_data_scan(r->log, &all, note_scanned, r, &r->why);
}

static enum tx_error read_reverse(struct reading *r)
{
    struct txlog_range all = {.reverse = true};
    return txlog_data_scan(r->log, &all, note_reversed, r, &r->why);
}

/* What is there is never TX_ENOTFOUND. */
static enum tx_error read_points(struct reading *r)
{
    struct tx_buf value = {0};
    enum tx_error error = TX_OK;
    char key[32];
    for (uint64_t n = 0; n < rows && error == TX_OK; n++) {
        error = txlog_data_get(r->log, key_of(n, key), &value, &r->why);
        if (error == TX_OK)
            error = txlog_get(r->log, (struct tx_lsn){n + 1}, &value, &r->why);
        if (error == TX_OK)
            r->n++;
    }
    tx_buf_deinit(&value);
    return error;
}

static enum tx_error read_last_key(struct reading *r)
{
    struct tx_buf key = {0};
    struct tx_lsn lsn = {0};
    enum tx_error error = rdb_last_key(r->rdb, RDB_LOG, &key, &r->why);
    if (error == TX_OK)
        assert_true(lsn_key_parse(tx_buf_view(&key), &lsn));
    r->n = lsn.n;
    tx_buf_deinit(&key);
    return error;
}

/* With all the checks of an opening; `dir` stays as it is. */
static enum tx_error read_opening(struct reading *r)
{
    struct rocksdb_log_options options = fixture_options(dir, ROCKSDB_LOG_READ_ONLY);
    struct txlog *log = NULL;
    enum tx_error error = rocksdb_log_open(&options, &log, &r->why);
    if (error == TX_OK) {
        assert_int_equal(txlog_first(log).n, 1);
        r->n = txlog_last(log).n;
        txlog_close(&log);
    }
    return error;
}

static void begin_reading(void *arg)
{
    struct reading *r = arg;
    r->n = 0;
}

/* As a daemon starts, on a copy: it writes. */
static enum tx_error read_start(struct reading *r)
{
    struct node_log node;
    struct recovery_visitor visitor = {begin_reading, note_replayed, r};
    struct node_log_options options = {
        .directory = started, .lazy_ms = 1, .identity = fixture_identity()};
    enum tx_error error = node_log_open(&node, &options, &r->why);
    if (error == TX_OK)
        error = node_log_start(&node, 1, &visitor, &r->why);
    enum tx_error closed = node_log_close(&node, NULL);
    (void)closed; /* nothing was appended but the START */
    return error;
}

/* Each read of `read` fails once. */
static void exhaust(const char *what, struct reading *r, enum tx_error (*read)(struct reading *))
{
    unsigned long refused = 0, n = 0;
    bool fired = true;
    while (fired) {
        if (read == read_start)
            fixture_copy(dir, started);
        r->n = 0;
        r->to = rows;
        r->why.text[0] = '\0';
        failing_reads_arm(FAILING_FOREGROUND, ++n);
        enum tx_error error = read(r);
        fired = failing_reads_disarm();
        if (error == TX_OK && r->n != r->to)
            fail_msg("%s, read %lu (%s): ends at %" PRIu64 " instead of %" PRIu64 ", and no error",
                     what, n, failing_reads_place(), r->n, r->to);
        if (error != TX_OK && !(fired && error == TX_EIO))
            fail_msg("%s, read %lu (%s): %s: %s", what, n, failing_reads_place(),
                     tx_error_name(error), r->why.text);
        if (error != TX_OK && strstr(r->why.text, dir) == NULL)
            fail_msg("%s, read %lu: does not name %s: %s", what, n, dir, r->why.text);
        refused += error != TX_OK;
    }
    print_message("%-22s %3lu reads, %3lu refused\n", what, n - 1, refused);
    assert_true(refused > 0);
}

/* A cache that keeps nothing: what was read is read again. */
static struct txlog *open_cacheless(void)
{
    struct rocksdb_log_options options = fixture_options(dir, ROCKSDB_LOG_READ_ONLY);
    struct txlog *log = NULL;
    struct tx_why why;
    options.cache_bytes = 1;
    if (rocksdb_log_open(&options, &log, &why) != TX_OK)
        fail_msg("%s", why.text);
    return log;
}

static void read_all(void)
{
    static const struct {
        const char *what;
        enum tx_error (*read)(struct reading *);
    } all[] = {{"recovery_replay", read_replay},
               {"txlog_each", read_each},
               {"txlog_each, part", read_middle},
               {"data_each", read_rows},
               {"data_scan", read_scan},
               {"data_scan, back", read_reverse},
               {"data_scan, part", read_range_forward},
               {"data_scan, part, back", read_range_reverse},
               {"get", read_points}};
    struct reading r = {0};
    exhaust("opening", &r, read_opening);
    exhaust("start of a daemon", &r, read_start);
    r.log = open_cacheless();
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        exhaust(all[i].what, &r, all[i].read);
    txlog_close(&r.log);
    assert_int_equal(rdb_open(dir, RDB_READ_ONLY, 1, &r.rdb, &r.why), TX_OK);
    exhaust("rdb_last_key", &r, read_last_key);
    rdb_close(&r.rdb);
}

/* All of it at level 1: what an iterator loses is the end. */
static void test_reading_tables(void **state)
{
    (void)state;
    read_all();
}

/* The newest is in memory: what an iterator loses is a part in the middle. */
static void test_reading_memory(void **state)
{
    (void)state;
    live();
    read_all();
}

/* ---- compactions ---- */

static enum tx_error count_stored(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    struct reading *r = arg;
    (void)stored;
    assert_int_equal(lsn.n, COMPACTED + 1 + r->n);
    r->n++;
    return TX_OK;
}

/* The directory opens, and holds all rows and all records that are not compacted away. */
static void check_all_there(const char *directory, const char *what)
{
    struct reading r = {.log = NULL};
    if (fixture_try(directory, ROCKSDB_LOG_OPEN, &r.log, &r.why) != TX_OK)
        fail_msg("%s: %s", what, r.why.text);
    if (read_rows(&r) != TX_OK || r.n != rows)
        fail_msg("%s: %" PRIu64 " rows of %" PRIu64 ": %s", what, r.n, rows, r.why.text);
    uint64_t records = txlog_last(r.log).n - COMPACTED;
    r.n = 0;
    if (txlog_each(r.log, (struct tx_lsn){1}, (struct tx_lsn){0}, count_stored, &r, &r.why) !=
            TX_OK ||
        r.n != records)
        fail_msg("%s: %" PRIu64 " records of %" PRIu64 ": %s", what, r.n, records, r.why.text);
    txlog_close(&r.log);
}

/* Rows all over are written again, and some records compacted away: at the next opening a table at
 * level 0 lies over all those of level 1, of the data and of the log. */
static void overlap(uint64_t step)
{
    struct txlog *log = fixture_open(dir);
    for (uint64_t n = 0; n < rows; n += step)
        append(log, n);
    assert_int_equal(txlog_compact(log, (struct tx_lsn){COMPACTED}, NULL), TX_OK);
    txlog_close(&log);
}

static bool in_one_level(const struct raw *raw, const char *family)
{
    unsigned n[LEVELS], levels = 0;
    count_tables(raw, family, n);
    for (int i = 0; i < LEVELS; i++)
        levels += n[i] > 0;
    return levels == 1 && n[0] == 0;
}

/* Compacts a family in a copy of the directory, and its `n`-th read fails. True when it has. */
static bool compact(const char *family, const char *copy, unsigned long n, unsigned long *refused)
{
    struct raw raw;
    char what[700];
    fixture_copy(dir, copy);
    raw_open(&raw, copy);
    rocksdb_column_family_handle_t *handle = raw_family(&raw, family);
    assert_false(in_one_level(&raw, family));
    failing_reads_arm(FAILING_COMPACTION, n);
    rocksdb_compact_range_cf(raw.db, handle, NULL, 0, NULL, 0);
    bool fired = failing_reads_disarm();
    bool done = in_one_level(&raw, family);
    raw_close(&raw);
    (void)snprintf(what, sizeof what, "compaction of the %s, read %lu (%s)", family, n,
                   failing_reads_place());
    assert_true(done || fired);
    *refused += !done;
    check_all_there(copy, what);
    return fired;
}

static void exhaust_compaction(const char *family)
{
    char copy[256];
    (void)snprintf(copy, sizeof copy, "%s", fixture_path(place, "copy"));
    unsigned long n = 1, refused = 0;
    while (compact(family, copy, n, &refused))
        n += pace_share();
    print_message("compaction of the %s: %lu reads, %lu refused\n", family, n - 1, refused);
    assert_true(refused > 0);
}

/* Into level 1, which has a table for each life. */
static void test_compaction(void **state)
{
    (void)state;
    overlap(PER_LIFE / 2);
    exhaust_compaction("data");
    exhaust_compaction("log");
}

/* Through level 1 into level 2, both of several tables. */
static void test_deep_compaction(void **state)
{
    struct raw raw;
    unsigned n[LEVELS];
    rocksdb_compactoptions_t *down = rocksdb_compactoptions_create();
    (void)state;
    raw_open(&raw, dir);
    rocksdb_compactoptions_set_change_level(down, 1);
    rocksdb_compactoptions_set_target_level(down, 2);
    rocksdb_compact_range_cf_opt(raw.db, raw_family(&raw, "data"), down, NULL, 0, NULL, 0);
    rocksdb_compactoptions_destroy(down);
    count_tables(&raw, "data", n);
    assert_true(n[1] == 0 && n[2] >= LIVES);
    raw_close(&raw);
    overlap(1); /* two tables at level 0, so that they are merged into several */
    overlap(2);
    exhaust_compaction("data");
}

/* ---- */

static int begin(void **state)
{
    (void)state;
    place = fixture_new();
    (void)snprintf(dir, sizeof dir, "%s", fixture_path(place, "log"));
    (void)snprintf(started, sizeof started, "%s-started", dir);
    make_directory();
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_remove(place);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading_tables),
        cmocka_unit_test(test_reading_memory),
        cmocka_unit_test(test_compaction),
        cmocka_unit_test(test_deep_compaction),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
