/* The start of a daemon on its log: checked and replayed in one walk, from where the log was told
 * that its newest snapshot is; replayed anew where that was wrong; and a log that is refused, by
 * whatever check, is byte for byte as it was found. */
#include "common/clock.h"
#include "common/crc32c.h"
#include "log_fixture.h"
#include "txlog/lsn_key.h"
#include "txlog/node_log.h"
#include "txlog/rdb.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- logs ---- */

static void add(struct txlog *log, struct txlog_record record)
{
    struct tx_buf stored = {0};
    record.lsn.n = txlog_last(log).n + 1;
    record.start = record.start > 0 ? record.start : 1;
    assert_int_equal(txlog_record_encode(&record, &stored), TX_OK);
    struct txlog_append append = {.lsn = record.lsn, .record = tx_buf_view(&stored)};
    assert_int_equal(txlog_append(log, &append, 1, true, NULL), TX_OK);
    tx_buf_deinit(&stored);
}

static void add_begin(struct txlog *log)
{
    add(log, (struct txlog_record){.type = TXLOG_SNAPSHOT_BEGIN});
}

static void add_end(struct txlog *log, uint64_t begin)
{
    add(log, (struct txlog_record){.type = TXLOG_SNAPSHOT_END, .snapshot_end = {{begin}}});
}

enum { FIRST = 3, BEGIN = 11, LAST = 15 };

/* Three records; a snapshot from 4 to 5; five more; one from BEGIN to 12; two more; and the
 * beginning of one that never ended. */
static void make(void)
{
    struct txlog *log = fixture_open(fixture_dir);
    assert_int_equal(fixture_append(log, FIRST, 40, true, NULL), TX_OK);
    add_begin(log);
    add_end(log, FIRST + 1);
    assert_int_equal(fixture_append(log, 5, 40, true, NULL), TX_OK);
    add_begin(log);
    add_end(log, BEGIN);
    assert_int_equal(fixture_append(log, 2, 40, true, NULL), TX_OK);
    add_begin(log);
    assert_int_equal(txlog_last(log).n, LAST);
    txlog_close(&log);
}

/* Behind the log's back. */
static void put(enum rdb_family family, struct tx_bytes key, struct tx_bytes value)
{
    struct rdb *rdb = NULL;
    assert_int_equal(rdb_open(fixture_dir, RDB_OPEN, 0, &rdb, NULL), TX_OK);
    if (value.len > 0)
        rdb_put(rdb, family, key, value);
    else
        rdb_delete(rdb, family, key);
    assert_int_equal(rdb_commit(rdb, true, NULL), TX_OK);
    rdb_close(&rdb);
}

static void put_note(uint64_t lsn)
{
    struct tx_buf value = {0};
    tx_buf_u64(&value, lsn);
    put(RDB_META, tx_bytes_str("snapshot"), lsn > 0 ? tx_buf_view(&value) : tx_bytes(NULL, 0));
    tx_buf_deinit(&value);
}

/* ---- a start ---- */

struct seen {
    unsigned begun;
    uint64_t first, last, refuse_at, start;
    bool slow;
    const struct node_log *node;
};

static void begin(void *arg)
{
    struct seen *seen = arg;
    seen->begun++;
    seen->first = seen->last = 0;
    seen->start = seen->node->start;
}

static enum tx_error take(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    struct seen *seen = arg;
    if (record->lsn.n == seen->refuse_at)
        return tx_why(why, TX_ECORRUPT, "record %" PRIu64 " is refused", record->lsn.n);
    if (seen->first == 0)
        seen->first = record->lsn.n;
    else
        assert_int_equal(record->lsn.n, seen->last + 1);
    seen->last = record->lsn.n;
    return TX_OK;
}

static enum tx_error start(struct seen *seen, struct tx_why *why)
{
    struct node_log node;
    struct node_log_options options = {
        .directory = fixture_dir, .lazy_ms = 1, .identity = fixture_identity()};
    struct recovery_visitor visitor = {begin, take, seen};
    enum tx_error error = node_log_open(&node, &options, why);
    seen->node = &node;
    if (error == TX_OK)
        error = node_log_start(&node, 1, &visitor, why);
    if (error == TX_OK) {
        assert_int_equal(seen->start, node.start);
        assert_int_equal(node.recovery.first.n, seen->first);
        assert_int_equal(node.recovery.records, seen->first > 0 ? seen->last - seen->first + 1 : 0);
        assert_int_equal(node.last.n, seen->last + 1);
    }
    assert_int_equal(node_log_close(&node, NULL), TX_OK);
    return error;
}

/* So often begun, and these records in the end. */
static void starts(unsigned begun, uint64_t first, uint64_t last)
{
    struct seen seen = {0};
    struct tx_why why = {""};
    if (start(&seen, &why) != TX_OK)
        fail_msg("%s", why.text);
    assert_int_equal(seen.begun, begun);
    assert_int_equal(seen.first, first);
    assert_int_equal(seen.last, last);
}

static void a_new_log_starts(void **state)
{
    (void)state;
    starts(1, 0, 0);
    starts(1, 1, 1); /* the START of the one before */
}

static void what_the_log_was_told_saves_the_second_walk(void **state)
{
    (void)state;
    make();
    starts(1, BEGIN, LAST);
    starts(1, BEGIN, LAST + 1); /* with that START; the note is still there */
}

static void a_log_without_a_note_is_replayed_anew(void **state)
{
    (void)state;
    make();
    put_note(0);
    starts(2, BEGIN, LAST);
}

static void a_wrong_note_is_found_out(void **state)
{
    (void)state;
    static const uint64_t wrong[] = {1, 2, FIRST + 1, BEGIN - 1, BEGIN + 1, LAST, LAST + 7};
    make();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        put_note(wrong[i]);
        starts(2, BEGIN, LAST + i);
    }
}

static void a_note_that_is_none_is_refused(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct tx_why why = {""};
    make();
    put(RDB_META, tx_bytes_str("snapshot"), tx_bytes_str("short"));
    assert_int_equal(start(&seen, &why), TX_ECORRUPT);
    assert_non_null(strstr(why.text, "place of a snapshot"));
}

static void a_compacted_log_starts_at_its_snapshot(void **state)
{
    (void)state;
    make();
    struct txlog *log = fixture_open(fixture_dir);
    assert_int_equal(txlog_compact(log, (struct tx_lsn){BEGIN - 2}, NULL), TX_OK);
    txlog_close(&log);
    starts(1, BEGIN, LAST);
    put_note(0);
    starts(2, BEGIN, LAST + 1);
}

/* The last record does not have the highest start, as it should. */
static void the_highest_start_counts(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct tx_why why = {""};
    struct txlog *log = fixture_open(fixture_dir);
    add(log, (struct txlog_record){.type = TXLOG_START, .start = 70});
    add(log, (struct txlog_record){.type = TXLOG_START, .start = 3});
    txlog_close(&log);
    assert_int_equal(start(&seen, &why), TX_OK);
    assert_true(seen.start > 70);
    assert_int_equal(seen.begun, 2);
    assert_int_equal(seen.last, 2);
}

/* What stands before the newest snapshot may contradict itself; what a walk without a note has
 * taken from there is thrown away. */
static void what_is_refused_before_the_snapshot_counts_for_nothing(void **state)
{
    (void)state;
    struct seen seen = {.refuse_at = 2};
    struct tx_why why = {""};
    make();
    put_note(0);
    assert_int_equal(start(&seen, &why), TX_OK);
    assert_int_equal(seen.first, BEGIN);
}

/* ---- what is said meanwhile ---- */

static enum tx_error take_slowly(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    struct seen *seen = arg;
    uint64_t until_us = clock_now_us() + 1100000; /* more than a second, as a long log takes */
    while (record->lsn.n == 1 && seen->slow && clock_now_us() < until_us)
        continue;
    return take(arg, record, why);
}

/* Where the reading was when it was last told. */
struct told {
    int times;
    struct tx_lsn at, first, last;
};

static void hear(void *arg, struct tx_lsn at, struct tx_lsn first, struct tx_lsn last)
{
    struct told *told = arg;
    *told = (struct told){told->times + 1, at, first, last};
}

/* What a start has said on standard error, and to the one who asked to be told. */
static void start_and_listen(bool slow, char *said, size_t size, struct told *told)
{
    struct seen seen = {.slow = slow};
    struct node_log node;
    struct tx_why why = {""};
    struct node_log_options options = {.directory = fixture_dir,
                                       .lazy_ms = 1,
                                       .identity = fixture_identity(),
                                       .reading = hear,
                                       .arg = told};
    struct recovery_visitor visitor = {begin, take_slowly, &seen};
    const char *path = fixture_path(fixture_place, "said");
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), kept = dup(STDERR_FILENO);
    assert_true(file >= 0 && kept >= 0 && dup2(file, STDERR_FILENO) >= 0);
    seen.node = &node;
    enum tx_error error = node_log_open(&node, &options, &why);
    if (error == TX_OK)
        error = node_log_start(&node, 1, &visitor, &why);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    assert_int_equal(error, TX_OK);
    assert_int_equal(node_log_close(&node, NULL), TX_OK);
    ssize_t n = pread(file, said, size - 1, 0);
    assert_true(n >= 0);
    said[n] = '\0';
    assert_int_equal(close(file) + close(kept), 0);
}

static void a_long_start_says_how_far_it_is(void **state)
{
    (void)state;
    char said[4096];
    struct txlog *log = fixture_open(fixture_dir);
    assert_int_equal(fixture_append(log, 3000, 10, true, NULL), TX_OK);
    txlog_close(&log);
    uint64_t begun_us = clock_now_us();
    struct told told = {0};
    start_and_listen(false, said, sizeof said, &told);
    if (clock_now_us() - begun_us < 1000000) {
        assert_null(strstr(said, "reading the log"));
        assert_int_equal(told.times, 0);
    }
    told = (struct told){0};
    start_and_listen(true, said, sizeof said, &told);
    assert_true(told.times >= 1);
    assert_true(told.at.n >= 1024 && told.first.n == 1 && told.last.n == 3001);
    const char *first = strstr(said, "msg=\"reading the log\" lsn=1024 from=1 to=3001");
    if (first == NULL)
        fail_msg("%s", said);
}

/* ---- what is refused stays as it was ---- */

static uint32_t file_sum(const char *path)
{
    uint32_t sum = tx_crc32c(0, tx_bytes_str(path));
    int fd = open(path, O_RDONLY);
    off_t size = fixture_size(path);
    assert_true(fd >= 0);
    if (size > 0) {
        void *bytes = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
        assert_ptr_not_equal(bytes, MAP_FAILED);
        sum = tx_crc32c(sum, tx_bytes(bytes, (size_t)size));
        assert_int_equal(munmap(bytes, (size_t)size), 0);
    }
    assert_int_equal(close(fd), 0);
    return sum;
}

/* Of all files with their names, but for the one that holds the number of the last process. */
static uint64_t directory_sum(void)
{
    uint64_t sum = 0;
    DIR *entries = opendir(fixture_dir);
    assert_non_null(entries);
    for (const struct dirent *e = readdir(entries); e != NULL; e = readdir(entries)) {
        if (e->d_name[0] != '.' && strcmp(e->d_name, "LOCK.assent") != 0)
            sum += file_sum(fixture_path(fixture_dir, e->d_name)) + (UINT64_C(1) << 40);
    }
    assert_int_equal(closedir(entries), 0);
    return sum;
}

static void refused(uint64_t refuse_at, enum tx_error expected, const char *word)
{
    struct seen seen = {.refuse_at = refuse_at};
    struct tx_why why = {""};
    uint64_t before = directory_sum();
    enum tx_error error = start(&seen, &why);
    if (error != expected || strstr(why.text, word) == NULL)
        fail_msg("%s: %s", tx_error_name(error), why.text);
    if (directory_sum() != before)
        fail_msg("refused (%s), and has changed the directory", why.text);
}

static void get_record(uint64_t lsn, struct tx_buf *stored)
{
    struct txlog *log = NULL;
    assert_int_equal(fixture_try(fixture_dir, ROCKSDB_LOG_READ_ONLY, &log, NULL), TX_OK);
    assert_int_equal(txlog_get(log, (struct tx_lsn){lsn}, stored, NULL), TX_OK);
    txlog_close(&log);
}

static void a_damaged_record_is_refused_wherever_it_is(void **state)
{
    (void)state;
    make();
    for (uint64_t lsn = 1; lsn <= LAST; lsn++) {
        struct tx_buf stored = {0};
        char text[32];
        struct lsn_key key = lsn_key(lsn);
        get_record(lsn, &stored);
        stored.data[stored.len - 1] ^= 1;
        put(RDB_LOG, lsn_key_view(&key), tx_buf_view(&stored));
        (void)snprintf(text, sizeof text, "LSN %" PRIu64 ": the checksum", lsn);
        refused(0, TX_ECORRUPT, text);
        stored.data[stored.len - 1] ^= 1;
        put(RDB_LOG, lsn_key_view(&key), tx_buf_view(&stored));
        tx_buf_deinit(&stored);
    }
    starts(1, BEGIN, LAST);
}

/* Its checksum is right: it was written so. Before the newest snapshot it is refused too, though
 * nothing rests on it any more. */
static void a_record_that_is_none_is_refused_wherever_it_is(void **state)
{
    (void)state;
    static const uint64_t where[] = {2, 8, BEGIN + 2};
    make();
    for (size_t i = 0; i < sizeof where / sizeof where[0]; i++) {
        struct tx_buf stored = {0}, longer = {0};
        char text[64];
        struct lsn_key key = lsn_key(where[i]);
        get_record(where[i], &stored);
        struct tx_bytes rest = tx_bytes(stored.data + 4, stored.len - 4);
        uint8_t more = 0;
        tx_buf_u32(&longer, tx_crc32c(tx_crc32c(0, rest), tx_bytes(&more, 1)));
        tx_buf_append(&longer, rest);
        tx_buf_u8(&longer, more);
        put(RDB_LOG, lsn_key_view(&key), tx_buf_view(&longer));
        (void)snprintf(text, sizeof text, "record %" PRIu64 " cannot be read", where[i]);
        refused(0, TX_ECORRUPT, text);
        put(RDB_LOG, lsn_key_view(&key), tx_buf_view(&stored));
        tx_buf_deinit(&stored);
        tx_buf_deinit(&longer);
    }
}

static void what_the_core_refuses_changes_nothing(void **state)
{
    (void)state;
    make();
    refused(BEGIN + 1, TX_ECORRUPT, "record 12 is refused");
    put_note(0);
    refused(BEGIN + 1, TX_ECORRUPT, "record 12 is refused");
    uint64_t before = directory_sum();
    starts(2, BEGIN, LAST);
    assert_true(directory_sum() != before);
}

static void a_missing_record_is_refused(void **state)
{
    (void)state;
    struct lsn_key key = lsn_key(2);
    make();
    put(RDB_LOG, lsn_key_view(&key), tx_bytes(NULL, 0));
    refused(0, TX_EGAP, "LSN 2 to 2 are missing");
}

/* The data are not opened for the check: RocksDB looks at their tables when it opens for writing,
 * before it changes anything. */
static void missing_data_are_refused(void **state)
{
    (void)state;
    static uint8_t value[20000];
    make();
    put(RDB_DATA, tx_bytes_str("key"), tx_bytes(value, sizeof value));
    starts(1, BEGIN, LAST); /* into a table */
    const char *table = fixture_biggest(fixture_dir, ".sst");
    assert_true(fixture_size(table) > (off_t)sizeof value);
    char kept[300], name[300];
    (void)snprintf(name, sizeof name, "%s", table);
    (void)snprintf(kept, sizeof kept, "%s/kept", fixture_place);
    assert_int_equal(rename(name, kept), 0);
    refused(0, TX_ECORRUPT, "txrecover verify");
    assert_int_equal(rename(kept, name), 0);
    off_t size = fixture_size(name);
    fixture_flip(name, size - 4); /* in the number by which a table is known */
    refused(0, TX_ECORRUPT, "txrecover verify");
    fixture_flip(name, size - 4);
    starts(1, BEGIN, LAST + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_log_starts),
        TEST(what_the_log_was_told_saves_the_second_walk),
        TEST(a_log_without_a_note_is_replayed_anew),
        TEST(a_wrong_note_is_found_out),
        TEST(a_note_that_is_none_is_refused),
        TEST(a_compacted_log_starts_at_its_snapshot),
        TEST(the_highest_start_counts),
        TEST(what_is_refused_before_the_snapshot_counts_for_nothing),
        TEST(a_long_start_says_how_far_it_is),
        TEST(a_damaged_record_is_refused_wherever_it_is),
        TEST(a_record_that_is_none_is_refused_wherever_it_is),
        TEST(what_the_core_refuses_changes_nothing),
        TEST(a_missing_record_is_refused),
        TEST(missing_data_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
