/* The log on RocksDB: every function of the interface, whose directory it is, and what
 * is refused. */
#include "log_fixture.h"
#include "tests/common/pace.h"
#include "txlog/log_meta.h"
#include "txlog/lsn_key.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sched.h>
#include <unistd.h>

#include <cmocka.h>

static char *place;
static const char *dir;

static int setup(void **state)
{
    (void)state;
    static char path[256];
    place = fixture_new();
    (void)snprintf(path, sizeof(path), "%s/log", place);
    dir = path;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_remove(place);
    return 0;
}

static void append_ok(struct txlog *log, size_t n)
{
    struct tx_why why = {{0}};
    if (fixture_append(log, n, 50, true, &why) != TX_OK)
        fail_msg("%s", why.text);
}

static void expect_open(enum rocksdb_log_mode mode, enum tx_error expected, const char *word)
{
    struct txlog *log = NULL;
    struct tx_why why = {{0}};
    enum tx_error error = fixture_try(dir, mode, &log, &why);
    if (error != expected)
        fail_msg("%s instead of %s: %s", tx_error_name(error), tx_error_name(expected), why.text);
    if (error == TX_OK) {
        txlog_close(&log);
        return;
    }
    assert_null(log);
    assert_non_null(strstr(why.text, dir));
    if (strstr(why.text, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why.text, word);
}

struct walk {
    uint64_t next, stop;
};

static enum tx_error walk_visit(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    struct walk *walk = arg;
    struct tx_buf expected = {0};
    if (lsn.n == walk->stop)
        return TX_ESTATE;
    assert_int_equal(lsn.n, walk->next++);
    fixture_record(lsn.n, 50, &expected);
    assert_true(tx_bytes_equal(stored, tx_buf_view(&expected)));
    tx_buf_deinit(&expected);
    return TX_OK;
}

static void expect_records(struct txlog *log, uint64_t first, uint64_t last, uint64_t from,
                           uint64_t to)
{
    struct walk walk = {.next = from};
    assert_int_equal(
        txlog_each(log, (struct tx_lsn){first}, (struct tx_lsn){last}, walk_visit, &walk, NULL),
        TX_OK);
    assert_int_equal(walk.next, to + 1);
}

static void append_get_each_and_reopen(void **state)
{
    (void)state;
    struct txlog *log = fixture_open(dir);
    assert_int_equal(txlog_first(log).n, 0);
    assert_int_equal(txlog_last(log).n, 0);
    assert_int_equal(txlog_last_start(log), 0);
    expect_records(log, 0, 0, 1, 0);
    append_ok(log, 1);
    append_ok(log, 2500);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(txlog_first(log).n, 1);
        assert_int_equal(txlog_last(log).n, 2501);
        assert_int_equal(txlog_last_start(log), 3);
        expect_records(log, 0, 0, 1, 2501);
        expect_records(log, 7, 9, 7, 9);
        expect_records(log, 2500, 9999, 2500, 2501);
        expect_records(log, 2502, 0, 1, 0);
        struct walk walk = {.next = 1, .stop = 5};
        assert_int_equal(
            txlog_each(log, (struct tx_lsn){0}, (struct tx_lsn){0}, walk_visit, &walk, NULL),
            TX_ESTATE);
        struct tx_buf got = {0}, expected = {0};
        fixture_record(2501, 50, &expected);
        assert_int_equal(txlog_get(log, (struct tx_lsn){2501}, &got, NULL), TX_OK);
        assert_true(tx_bytes_equal(tx_buf_view(&got), tx_buf_view(&expected)));
        assert_int_equal(txlog_get(log, (struct tx_lsn){2502}, &got, NULL), TX_ENOTFOUND);
        tx_buf_deinit(&got);
        tx_buf_deinit(&expected);
        txlog_close(&log);
        log = fixture_open(dir);
    }
    txlog_close(&log);
}

static void put_with(struct txlog *log, const struct txlog_put *puts, size_t n)
{
    struct tx_buf record = {0};
    struct tx_lsn lsn = {txlog_last(log).n + 1};
    fixture_record(lsn.n, 50, &record);
    struct txlog_append append = {lsn, tx_buf_view(&record), puts, n};
    assert_int_equal(txlog_append(log, &append, 1, true, NULL), TX_OK);
    tx_buf_deinit(&record);
}

static enum tx_error count_data(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    assert_true(tx_bytes_equal(key, tx_bytes_str("k1")));
    assert_true(tx_bytes_equal(value, tx_bytes_str("new")));
    ++*(int *)arg;
    return TX_OK;
}

static void data_change_with_their_record(void **state)
{
    (void)state;
    struct txlog *log = fixture_open(dir);
    const struct txlog_put first[] = {{tx_bytes_str("k1"), tx_bytes_str("old"), false},
                                      {tx_bytes_str("k2"), tx_bytes_str(""), false}};
    const struct txlog_put second[] = {{tx_bytes_str("k1"), tx_bytes_str("new"), false},
                                       {tx_bytes_str("k2"), {0}, true}};
    struct tx_buf out = {0};
    assert_int_equal(txlog_data_get(log, tx_bytes_str("k1"), &out, NULL), TX_ENOTFOUND);
    put_with(log, first, 2);
    assert_int_equal(txlog_data_get(log, tx_bytes_str("k2"), &out, NULL), TX_OK);
    assert_int_equal(out.len, 0);
    put_with(log, second, 2);
    txlog_close(&log);
    log = fixture_open(dir);
    assert_int_equal(txlog_data_get(log, tx_bytes_str("k1"), &out, NULL), TX_OK);
    assert_true(tx_bytes_equal(tx_buf_view(&out), tx_bytes_str("new")));
    assert_int_equal(txlog_data_get(log, tx_bytes_str("k2"), &out, NULL), TX_ENOTFOUND);
    int n = 0;
    assert_int_equal(txlog_data_each(log, count_data, &n, NULL), TX_OK);
    assert_int_equal(n, 1);
    tx_buf_deinit(&out);
    txlog_close(&log);
}

static void truncate_goes_back(void **state)
{
    (void)state;
    struct txlog *log = fixture_open(dir);
    append_ok(log, 2100);
    assert_int_equal(txlog_truncate(log, (struct tx_lsn){2101}, NULL), TX_OK);
    assert_int_equal(txlog_truncate(log, (struct tx_lsn){1500}, NULL), TX_OK);
    assert_int_equal(txlog_last(log).n, 1499);
    assert_int_equal(txlog_last_start(log), 2);
    txlog_close(&log);
    log = fixture_open(dir); /* and HEAD went back with it */
    assert_int_equal(txlog_last(log).n, 1499);
    append_ok(log, 1);
    expect_records(log, 0, 0, 1, 1500);
    assert_int_equal(txlog_truncate(log, (struct tx_lsn){1}, NULL), TX_OK);
    assert_int_equal(txlog_last(log).n, 0);
    append_ok(log, 3);
    txlog_close(&log);
    log = fixture_open(dir);
    expect_records(log, 0, 0, 1, 3);
    txlog_close(&log);
}

static void compact_forgets_the_beginning(void **state)
{
    (void)state;
    struct txlog *log = fixture_open(dir);
    append_ok(log, 1200);
    struct tx_why why;
    assert_int_equal(txlog_compact(log, (struct tx_lsn){1200}, &why), TX_EINVAL);
    assert_non_null(strstr(why.text, "last record"));
    assert_int_equal(txlog_compact(log, (struct tx_lsn){1000}, &why), TX_OK);
    assert_int_equal(txlog_compact(log, (struct tx_lsn){500}, &why), TX_OK);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(txlog_first(log).n, 1001);
        assert_int_equal(txlog_last(log).n, 1200);
        expect_records(log, 0, 0, 1001, 1200);
        struct tx_buf out = {0};
        assert_int_equal(txlog_get(log, (struct tx_lsn){1000}, &out, NULL), TX_ENOTFOUND);
        tx_buf_deinit(&out);
        assert_int_equal(txlog_truncate(log, (struct tx_lsn){1000}, &why), TX_EINVAL);
        txlog_close(&log);
        log = fixture_open(dir);
    }
    assert_int_equal(txlog_truncate(log, (struct tx_lsn){1001}, &why), TX_OK);
    txlog_close(&log);
    log = fixture_open(dir); /* nothing is retained, and still LSNs go on from there */
    assert_int_equal(txlog_first(log).n, 0);
    assert_int_equal(txlog_last(log).n, 1000);
    append_ok(log, 1);
    assert_int_equal(txlog_first(log).n, 1001);
    txlog_close(&log);
}

/* While the log is open: RocksDB may remove a table between the list and the look at it. */
static off_t table_bytes(void)
{
    struct dirent **entries;
    off_t bytes = 0;
    int n = scandir(dir, &entries, NULL, NULL);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        size_t len = strlen(entries[i]->d_name);
        struct stat st;
        if (len > 4 && strcmp(entries[i]->d_name + len - 4, ".sst") == 0) {
            if (stat(fixture_path(dir, entries[i]->d_name), &st) == 0)
                bytes += st.st_size;
            else
                assert_int_equal(errno, ENOENT);
        }
        free(entries[i]);
    }
    free(entries);
    return bytes;
}

/* 300 MB in table files; dropping nearly all of it must give most of the space back: files below
 * level 0 at once, unless RocksDB is just rewriting them, and those, and the few of level 0, with
 * the next compaction or opening. */
static void compact_frees_space(void **state)
{
    (void)state;
    if (pace_share() > 1) {
        print_message("skipped: it is about volume, which a share does not have\n");
        skip();
    }
    struct txlog *log = fixture_open(dir);
    struct tx_why why = {{0}};
    for (int i = 0; i < 600; i++)
        assert_int_equal(fixture_append(log, 1, 500000, false, &why), TX_OK);
    append_ok(log, 1);
    txlog_close(&log);
    log = fixture_open(dir);
    off_t before = table_bytes();
    assert_true(before > 250000000);
    assert_int_equal(txlog_compact(log, (struct tx_lsn){600}, &why), TX_OK);
    txlog_close(&log);
    log = fixture_open(dir);
    off_t after = table_bytes();
    for (int waited_ms = 0; after >= before / 2 && waited_ms < 60000; waited_ms += 10) {
        poll(NULL, 0, 10);
        after = table_bytes();
    }
    print_message("%ld MB before, %ld MB after\n", (long)(before >> 20), (long)(after >> 20));
    assert_true(after < before / 2);
    assert_int_equal(txlog_first(log).n, 601);
    txlog_close(&log);
}

static void checkpoint_is_a_log_of_its_own(void **state)
{
    (void)state;
    struct txlog *log = fixture_open(dir), *copy;
    const char *target = fixture_path(place, "copy");
    append_ok(log, 300);
    assert_int_equal(txlog_checkpoint(log, target, NULL), TX_OK);
    struct tx_why why;
    assert_int_not_equal(txlog_checkpoint(log, target, &why), TX_OK);
    append_ok(log, 5);
    assert_int_equal(fixture_try(target, ROCKSDB_LOG_READ_ONLY, &copy, &why), TX_OK);
    expect_records(copy, 0, 0, 1, 300);
    txlog_close(&copy);
    copy = fixture_open(target);
    append_ok(copy, 1);
    txlog_close(&copy);
    txlog_close(&log);
    fixture_unlink(fixture_path(target, "HEAD")); /* as if the copying had not ended */
    dir = target;
    expect_open(ROCKSDB_LOG_OPEN, TX_ECORRUPT, "HEAD");
}

static void it_belongs_to_one_node(void **state)
{
    (void)state;
    struct txlog *log = fixture_open(dir);
    append_ok(log, 3);
    txlog_close(&log);
    struct rocksdb_log_options o = fixture_options(dir, ROCKSDB_LOG_OPEN);
    struct tx_why why;
    (void)strcpy(o.identity.cluster, "prod");
    assert_int_equal(rocksdb_log_open(&o, &log, &why), TX_ECLUSTER);
    assert_non_null(strstr(why.text, "\"prod\""));
    o = fixture_options(dir, ROCKSDB_LOG_OPEN);
    (void)strcpy(o.identity.name.s, "b");
    assert_int_equal(rocksdb_log_open(&o, &log, &why), TX_ENODE);
    assert_non_null(strstr(why.text, "participant a, not to participant b"));
    o = fixture_options(dir, ROCKSDB_LOG_READ_ONLY);
    o.identity =
        (struct txlog_identity){.cluster = "test", .role = TX_ROLE_COORDINATOR, .coordinator = 2};
    assert_int_equal(rocksdb_log_open(&o, &log, &why), TX_ENODE);
    assert_non_null(strstr(why.text, "coordinator 2"));
    o.identity = (struct txlog_identity){0};
    assert_int_equal(rocksdb_log_open(&o, &log, &why), TX_OK);
    assert_string_equal(rocksdb_log_identity(log).name.s, "a");
    assert_string_equal(rocksdb_log_identity(log).cluster, "test");
    txlog_close(&log);
    o.mode = ROCKSDB_LOG_OPEN; /* "whoever it is" is for reading only */
    assert_int_equal(rocksdb_log_open(&o, &log, &why), TX_ECLUSTER);
}

static void a_newer_format_is_refused(void **state)
{
    (void)state;
    struct txlog *log = fixture_open(dir);
    txlog_close(&log);
    struct rdb *rdb;
    assert_int_equal(rdb_open(dir, RDB_OPEN, 0, &rdb, NULL), TX_OK);
    rdb_put(rdb, RDB_META, tx_bytes_str("format"), tx_bytes("\2\0\0\0", 4));
    assert_int_equal(rdb_commit(rdb, true, NULL), TX_OK);
    rdb_close(&rdb);
    expect_open(ROCKSDB_LOG_OPEN, TX_EVERSION, "format 2");
}

static void one_process_at_a_time(void **state)
{
    (void)state;
    struct txlog *log = fixture_open(dir);
    char pid[32];
    (void)snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
    expect_open(ROCKSDB_LOG_OPEN, TX_EBUSY, pid);
    expect_open(ROCKSDB_LOG_READ_ONLY, TX_EBUSY, pid);
    txlog_close(&log);
    struct tx_why why;
    assert_int_equal(fixture_try(dir, ROCKSDB_LOG_READ_ONLY, &log, &why), TX_OK);
    expect_open(ROCKSDB_LOG_OPEN, TX_EBUSY, "in use");
    expect_open(ROCKSDB_LOG_READ_ONLY, TX_OK, ""); /* readers do not disturb each other */
    txlog_close(&log);
    expect_open(ROCKSDB_LOG_OPEN, TX_OK, "");
}

static void touch(const char *path)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
}

static void other_directories_are_refused_untouched(void **state)
{
    (void)state;
    expect_open(ROCKSDB_LOG_READ_ONLY, TX_ENOTFOUND, "No such file");
    assert_int_not_equal(access(dir, F_OK), 0);
    assert_int_equal(mkdir(dir, 0700), 0);
    expect_open(ROCKSDB_LOG_READ_ONLY, TX_ENOTFOUND, "no log");
    touch(fixture_path(dir, "letter.txt"));
    expect_open(ROCKSDB_LOG_OPEN, TX_EINVAL, "letter.txt");
    fixture_unlink(fixture_path(dir, "letter.txt"));
    assert_int_equal(rmdir(dir), 0); /* nothing was left in it */
    touch(dir);
    expect_open(ROCKSDB_LOG_OPEN, TX_EINVAL, "directory");
    fixture_unlink(dir);
    dir = fixture_path(place, "no/such/parent");
    expect_open(ROCKSDB_LOG_OPEN, TX_ENOTFOUND, "No such file");
}

static void half_a_log_is_never_made_anew(void **state)
{
    (void)state;
    struct txlog *log = fixture_open(dir);
    append_ok(log, 3);
    txlog_close(&log);
    fixture_unlink(fixture_path(dir, "CURRENT"));
    expect_open(ROCKSDB_LOG_OPEN, TX_ELOST, "no database");
    touch(fixture_path(dir, "CURRENT"));
    expect_open(ROCKSDB_LOG_OPEN, TX_ECORRUPT, "CURRENT");
    fixture_unlink(fixture_path(dir, "HEAD"));
    expect_open(ROCKSDB_LOG_OPEN, TX_ECORRUPT, "HEAD");
}

/* A first opening that was cut short held nothing: it is cleared away and begun again. */
static void an_unfinished_creation_is_begun_again(void **state)
{
    (void)state;
    struct txlog *log = fixture_open(dir);
    txlog_close(&log);
    touch(fixture_path(dir, "CREATING"));
    expect_open(ROCKSDB_LOG_READ_ONLY, TX_ENOTFOUND, "no log");
    fixture_unlink(fixture_path(dir, "HEAD"));
    log = fixture_open(dir);
    assert_int_not_equal(access(fixture_path(dir, "CREATING"), F_OK), 0);
    append_ok(log, 1);
    txlog_close(&log);
    expect_open(ROCKSDB_LOG_OPEN, TX_OK, "");
}

/* In a mount namespace of its own, so that nothing stays behind: a read-only bind mount stops even
 * root. */
static int open_on_read_only_mount(void)
{
    struct txlog *log;
    struct tx_why why = {{0}};
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(dir, dir, NULL, MS_BIND, NULL) != 0 ||
        mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) != 0)
        return 77;
    if (fixture_try(dir, ROCKSDB_LOG_OPEN, &log, &why) != TX_EACCESS ||
        strstr(why.text, dir) == NULL)
        return 1;
    if (fixture_try(dir, ROCKSDB_LOG_READ_ONLY, &log, &why) != TX_OK)
        return 2;
    txlog_close(&log);
    return 0;
}

static void an_unwritable_directory(void **state)
{
    (void)state;
    struct txlog *log = fixture_open(dir);
    txlog_close(&log);
    int out;
    const char *const arguments[] = {"read-only-mount", dir, NULL};
    int status = fixture_wait(fixture_child(arguments, &out));
    (void)close(out);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("skipped: mounting is not permitted here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

struct listing {
    char text[16384];
};

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Name, size, mode, change and modification time, and a checksum of every file, the directory
 * included. */
static void list(struct listing *out)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, NULL, by_name);
    assert_true(n > 0);
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        const char *path = fixture_path(dir, entries[i]->d_name);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        uint32_t crc = 0;
        FILE *f = S_ISREG(st.st_mode) ? fopen(path, "r") : NULL;
        uint8_t bytes[4096];
        size_t got;
        while (f != NULL && (got = fread(bytes, 1, sizeof(bytes), f)) > 0)
            crc = tx_crc32c(crc, tx_bytes(bytes, got));
        if (f != NULL)
            (void)fclose(f);
        bool up = strcmp(entries[i]->d_name, "..") == 0;
        if (!up)
            at += (size_t)snprintf(out->text + at, sizeof(out->text) - at,
                                   "%s %ld %o %ld.%ld %ld.%ld %x\n", entries[i]->d_name,
                                   (long)st.st_size, st.st_mode, st.st_mtim.tv_sec,
                                   st.st_mtim.tv_nsec, st.st_ctim.tv_sec, st.st_ctim.tv_nsec, crc);
        assert_true(at < sizeof(out->text));
        free(entries[i]);
    }
    free(entries);
}

static void no_damage(void *arg, struct tx_lsn lsn, const char *text)
{
    (void)arg;
    fail_msg("damage at %lu: %s", (unsigned long)lsn.n, text);
}

static void reading_leaves_no_trace(void **state)
{
    (void)state;
    static struct listing before, after;
    struct txlog *log = fixture_open(dir);
    append_ok(log, 400);
    txlog_close(&log);
    log = fixture_open(dir);
    append_ok(log, 100); /* some records in a table, some only in the write-ahead file */
    txlog_close(&log);
    assert_int_equal(fixture_files(dir, "LOG"), 0);
    list(&before);
    /* The temporary place of the info log must be empty again, too. */
    char *temporary = strdup(fixture_path(place, "tmp"));
    assert_non_null(temporary);
    assert_int_equal(mkdir(temporary, 0700), 0);
    char *tmpdir = getenv("TMPDIR") != NULL ? strdup(getenv("TMPDIR")) : NULL;
    assert_int_equal(setenv("TMPDIR", temporary, 1), 0);
    struct tx_why why;
    assert_int_equal(fixture_try(dir, ROCKSDB_LOG_READ_ONLY, &log, &why), TX_OK);
    expect_records(log, 0, 0, 1, 500);
    assert_int_equal(fixture_append(log, 1, 50, true, &why), TX_ESTATE);
    assert_int_equal(txlog_compact(log, (struct tx_lsn){5}, &why), TX_ESTATE);
    assert_int_equal(txlog_truncate(log, (struct tx_lsn){5}, &why), TX_ESTATE);
    txlog_close(&log);
    struct rocksdb_log_options o = fixture_options(dir, ROCKSDB_LOG_READ_ONLY);
    assert_int_equal(rocksdb_log_open_damaged(&o, &log, no_damage, NULL, &why), TX_OK);
    expect_records(log, 0, 0, 1, 500);
    txlog_close(&log);
    assert_int_equal(tmpdir != NULL ? setenv("TMPDIR", tmpdir, 1) : unsetenv("TMPDIR"), 0);
    free(tmpdir);
    list(&after);
    assert_string_equal(before.text, after.text);
    assert_int_equal(rmdir(temporary), 0);
    free(temporary);
}

/* Changes made behind the log's back, as damage would: the record is gone or another one's. */
static void meddle(uint64_t lsn, uint64_t record_lsn, int spoil)
{
    struct rdb *rdb;
    struct tx_buf record = {0};
    struct lsn_key key = lsn_key(lsn), end = lsn_key(lsn + 1);
    assert_int_equal(rdb_open(dir, RDB_OPEN, 0, &rdb, NULL), TX_OK);
    if (record_lsn == 0) {
        rdb_delete_range(rdb, RDB_LOG, lsn_key_view(&key), lsn_key_view(&end));
    } else {
        fixture_record(record_lsn, 50, &record);
        if (spoil >= 0)
            record.data[spoil] ^= 1;
        rdb_put(rdb, RDB_LOG, lsn_key_view(&key), tx_buf_view(&record));
    }
    assert_int_equal(rdb_commit(rdb, true, NULL), TX_OK);
    rdb_close(&rdb);
    tx_buf_deinit(&record);
}

static void every_record_is_checked_at_opening(void **state)
{
    (void)state;
    struct txlog *log = fixture_open(dir);
    append_ok(log, 50);
    txlog_close(&log);
    meddle(20, 0, -1);
    expect_open(ROCKSDB_LOG_OPEN, TX_EGAP, "LSN 20 to 20");
    meddle(20, 21, -1);
    expect_open(ROCKSDB_LOG_OPEN, TX_ECORRUPT, "says that it is LSN 21");
    meddle(20, 20, 60);
    expect_open(ROCKSDB_LOG_READ_ONLY, TX_ECORRUPT, "LSN 20: the checksum");
    meddle(20, 20, -1);
    expect_open(ROCKSDB_LOG_OPEN, TX_OK, "");
    meddle(1, 0, -1); /* a lost beginning is no compaction */
    expect_open(ROCKSDB_LOG_OPEN, TX_EGAP, "LSN 1 to 1");
    meddle(1, 1, -1);
    meddle(50, 0, -1);
    expect_open(ROCKSDB_LOG_OPEN, TX_ELOST, "LSN 49, but LSN 50");
    expect_open(ROCKSDB_LOG_READ_ONLY, TX_ELOST, "LSN 49, but LSN 50");
}

struct damages {
    char text[1024];
};

static void note_damage(void *arg, struct tx_lsn lsn, const char *text)
{
    struct damages *d = arg;
    size_t at = strlen(d->text);
    (void)snprintf(d->text + at, sizeof(d->text) - at, "[%lu] %s\n", (unsigned long)lsn.n, text);
}

static enum tx_error count_records(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    (void)lsn;
    (void)stored;
    ++*(int *)arg;
    return TX_OK;
}

static void a_damaged_log_is_read_as_far_as_it_goes(void **state)
{
    (void)state;
    struct txlog *log = fixture_open(dir);
    append_ok(log, 50);
    txlog_close(&log);
    meddle(20, 0, -1);
    meddle(21, 0, -1);
    meddle(30, 30, 60);
    meddle(50, 0, -1);
    struct damages d = {{0}};
    struct tx_why why;
    struct rocksdb_log_options o = fixture_options(dir, ROCKSDB_LOG_READ_ONLY);
    assert_int_equal(rocksdb_log_open_damaged(&o, &log, note_damage, &d, &why), TX_OK);
    assert_string_equal(d.text, "[20] LSN 20 to 21: missing\n"
                                "[30] LSN 30: the checksum does not match\n"
                                "[50] LSN 50: missing\n");
    int n = 0;
    assert_int_equal(
        txlog_each(log, (struct tx_lsn){0}, (struct tx_lsn){0}, count_records, &n, NULL), TX_OK);
    assert_int_equal(n, 47); /* the spoiled one is shown, too */
    txlog_close(&log);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "read-only-mount") == 0) {
        dir = argv[2];
        return open_on_read_only_mount();
    }
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(append_get_each_and_reopen),
        TEST(data_change_with_their_record),
        TEST(truncate_goes_back),
        TEST(compact_forgets_the_beginning),
        TEST(compact_frees_space),
        TEST(checkpoint_is_a_log_of_its_own),
        TEST(it_belongs_to_one_node),
        TEST(a_newer_format_is_refused),
        TEST(one_process_at_a_time),
        TEST(other_directories_are_refused_untouched),
        TEST(half_a_log_is_never_made_anew),
        TEST(an_unfinished_creation_is_begun_again),
        TEST(an_unwritable_directory),
        TEST(reading_leaves_no_trace),
        TEST(every_record_is_checked_at_opening),
        TEST(a_damaged_log_is_read_as_far_as_it_goes),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
