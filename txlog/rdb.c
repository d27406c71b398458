/* RocksDB behind a small interface; the only file of the log that includes rocksdb/c.h. */
#include "txlog/rdb.h"

#include "common/assert.h"

#include <rocksdb/c.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What holds for the whole database. The write-ahead file is never disabled, recycled, flushed by
 * hand or written through a mapping, and writes keep their order: a synced record must be readable
 * after any crash. The info log goes silent because Debian's build has its assertions on and aborts
 * the process when that log cannot be written (a full disk); what matters comes back as errors
 * anyway. */
static const char common_settings[] =
    "manual_wal_flush=false;recycle_log_file_num=0;WAL_ttl_seconds=0;allow_mmap_writes=false;"
    "unordered_write=false;allow_2pc=false;"
    "info_log_level=FATAL_LEVEL;keep_log_file_num=1;"
    "stats_dump_period_sec=0;stats_persist_period_sec=0;skip_stats_update_on_db_open=true;"
    "max_total_wal_size=67108864;" /* bounds what a start has to replay */
    "compaction_style=kCompactionStyleLevel;compression=kNoCompression;"
    "force_consistency_checks=true;";

/* Damage anywhere but in the torn tail of the newest write-ahead file is an error, and so is a
 * missing older file. RocksDB's default would silently drop everything after the first damaged
 * byte. */
static const char strict_settings[] = "paranoid_checks=true;track_and_verify_wals_in_manifest=true;"
                                      "wal_recovery_mode=kTolerateCorruptedTailRecords;";

/* For reading what is left of a damaged database, which is never written to. */
static const char salvage_settings[] =
    "paranoid_checks=false;track_and_verify_wals_in_manifest=false;"
    "wal_recovery_mode=kSkipAnyCorruptedRecords;";

static const struct {
    const char *name;
    const char *settings;
} families[RDB_FAMILIES_N] = {
    [RDB_DEFAULT] = {"default", "write_buffer_size=1048576"},
    [RDB_META] = {"meta", "write_buffer_size=1048576"},
    [RDB_LOG] = {"log", "write_buffer_size=33554432;max_write_buffer_number=4"},
    [RDB_DATA] = {"data", "write_buffer_size=33554432;max_write_buffer_number=4"},
};

#define CACHE_BYTES_DEFAULT ((size_t)64 << 20)
#define SCAN_READAHEAD      ((size_t)1 << 20)
#define BLOOM_BITS          10.0

struct rdb {
    rocksdb_t *db;
    rocksdb_column_family_handle_t *handles[RDB_FAMILIES_N];
    rocksdb_options_t *options[RDB_FAMILIES_N];
    rocksdb_cache_t *cache;
    rocksdb_readoptions_t *read;
    rocksdb_writeoptions_t *write_synced;
    rocksdb_writeoptions_t *write_lazy;
    rocksdb_writebatch_t *batch;
    char *directory;
};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* RocksDB's C interface has only texts; their beginnings are its status codes. Errors of the
 * operating system carry strerror()'s words. */
static enum tx_error classify(const char *text)
{
    if (starts_with(text, "Corruption:") || strstr(text, strerror(ENOENT)) != NULL)
        return TX_ECORRUPT; /* a file that is missing is one that has been there */
    if (starts_with(text, "IO error: No space left on device") ||
        strstr(text, strerror(ENOSPC)) != NULL || strstr(text, strerror(EDQUOT)) != NULL)
        return TX_EFULL;
    if (strstr(text, strerror(EACCES)) != NULL || strstr(text, strerror(EPERM)) != NULL ||
        strstr(text, strerror(EROFS)) != NULL)
        return TX_EACCESS;
    if (starts_with(text, "IO error: While lock file:") || starts_with(text, "IO error: lock "))
        return TX_EBUSY;
    if (starts_with(text, "NotFound:"))
        return TX_ENOTFOUND;
    /* A file could not be opened, which RocksDB lays to its settings. */
    if (starts_with(text, "Invalid argument: Direct I/O is not supported") ||
        starts_with(text, "Invalid argument: wal_dir not found") ||
        starts_with(text, "Invalid argument: Found options incompatible with filesystem"))
        return TX_EIO;
    if (starts_with(text, "Invalid argument:"))
        return TX_EINVAL;
    return TX_EIO;
}

static const char *remedy(enum tx_error error)
{
    if (error == TX_ECORRUPT)
        return "; `txrecover verify` shows what can still be read; restore a checkpoint";
    if (error == TX_EFULL)
        return "; free space on that file system and start again";
    if (error == TX_EACCESS)
        return "; check the owner and mode of the directory and its files";
    return "";
}

/* Frees RocksDB's text. */
static enum tx_error fail(const char *directory, const char *doing, char *text, struct tx_why *why)
{
    enum tx_error error = classify(text);
    (void)tx_why(why, error, "%s: %s: %s%s", directory, doing, text, remedy(error));
    rocksdb_free(text);
    return error;
}

/* Where it cannot look at a directory or open one of its first files, RocksDB drops the system's
 * reason. */
static bool drops_reason(const char *text)
{
    static const char *const texts[] = {"NotFound:", "Invalid argument: wal_dir not found",
                                        "Invalid argument: Direct I/O is not supported",
                                        "IO error: Unexpected error(",
                                        "exists but is not a directory"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strstr(text, texts[i]) != NULL)
            return true;
    return false;
}

static int list(const char *directory)
{
    DIR *dir = opendir(directory);
    if (dir == NULL)
        return errno;
    errno = 0;
    while (readdir(dir) != NULL)
        continue;
    int error = errno;
    (void)closedir(dir);
    return error;
}

static int look_into(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = read(fd, &byte, 1) < 0 ? errno : 0;
    (void)close(fd);
    return error;
}

/* What RocksDB did not say, found out by looking again. A trouble that has passed leaves nothing to
 * be found, and that is said. */
static enum tx_error fail_again(const char *directory, bool creating, char *text,
                                struct tx_why *why)
{
    char current[4096];
    (void)snprintf(current, sizeof(current), "%s/CURRENT", directory);
    const char *place = directory;
    int system = list(directory);
    if (system == 0) {
        place = current;
        system = look_into(current);
        if (creating && system == ENOENT)
            system = 0; /* it had not got that far */
    }
    enum tx_error error = system == EACCES || system == EPERM ? TX_EACCESS : TX_EIO;
    if (system != 0)
        (void)tx_why(why, error, "%s: cannot open the database: %s: %s (RocksDB: %s)%s", directory,
                     place, strerror(system), text, remedy(error));
    else
        (void)tx_why(why, error,
                     "%s: could not be read at first, and can be now (RocksDB: %s); look into the "
                     "kernel's log for errors of the disk, then start again",
                     directory, text);
    rocksdb_free(text);
    return error;
}

static void table_format(struct rdb *rdb, enum rdb_family family)
{
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(table, rdb->cache);
    rocksdb_block_based_options_set_format_version(table, 5);
    if (family == RDB_LOG) /* read in long runs */
        rocksdb_block_based_options_set_block_size(table, (size_t)32 << 10);
    if (family == RDB_DATA) /* read by single keys; the policy belongs to the table options */
        rocksdb_block_based_options_set_filter_policy(
            table, rocksdb_filterpolicy_create_bloom_full(BLOOM_BITS));
    rocksdb_options_set_block_based_table_factory(rdb->options[family], table);
    rocksdb_block_based_options_destroy(table);
}

/* `info_directory`: where the (empty) info log is made; NULL: in the database's directory. */
static enum tx_error make_options(struct rdb *rdb, enum rdb_family family, enum rdb_mode mode,
                                  const char *info_directory, struct tx_why *why)
{
    char settings[1024];
    int len = snprintf(settings, sizeof(settings), "%s%s%s", common_settings,
                       mode == RDB_SALVAGE ? salvage_settings : strict_settings,
                       families[family].settings);
    TX_ASSERT(len > 0 && (size_t)len < sizeof(settings));
    rocksdb_options_t *defaults = rocksdb_options_create();
    rdb->options[family] = rocksdb_options_create();
    char *text = NULL;
    rocksdb_get_options_from_string(defaults, settings, rdb->options[family], &text);
    rocksdb_options_destroy(defaults);
    if (text != NULL)
        return fail(rdb->directory, "settings", text, why);
    rocksdb_options_set_create_if_missing(rdb->options[family], mode == RDB_CREATE);
    rocksdb_options_set_create_missing_column_families(rdb->options[family], mode == RDB_CREATE);
    rocksdb_options_set_error_if_exists(rdb->options[family], mode == RDB_CREATE);
    if (info_directory != NULL)
        rocksdb_options_set_db_log_dir(rdb->options[family], info_directory);
    table_format(rdb, family);
    return TX_OK;
}

/* RDB_CHECK leaves out the data, and has the last of all families then: what of them stands in
 * write-ahead files is read past, its checksums with it, and need not be sorted into memory. */
static enum tx_error open_database(struct rdb *rdb, enum rdb_mode mode, const char *info_directory,
                                   struct tx_why *why)
{
    const char *names[RDB_FAMILIES_N];
    const rocksdb_options_t *options[RDB_FAMILIES_N];
    rocksdb_column_family_handle_t *handles[RDB_FAMILIES_N];
    enum rdb_family opened[RDB_FAMILIES_N];
    int n = 0;
    for (int i = 0; i < RDB_FAMILIES_N; i++) {
        if (mode == RDB_CHECK && i == RDB_DATA)
            continue;
        enum tx_error error = make_options(rdb, (enum rdb_family)i, mode, info_directory, why);
        if (error != TX_OK)
            return error;
        opened[n] = (enum rdb_family)i;
        names[n] = families[i].name;
        options[n++] = rdb->options[i];
    }
    char *text = NULL;
    if (mode == RDB_CHECK || mode == RDB_READ_ONLY || mode == RDB_SALVAGE)
        rdb->db = rocksdb_open_for_read_only_column_families(options[0], rdb->directory, n, names,
                                                             options, handles, 0, &text);
    else
        rdb->db = rocksdb_open_column_families(options[0], rdb->directory, n, names, options,
                                               handles, &text);
    for (int i = 0; rdb->db != NULL && i < n; i++)
        rdb->handles[opened[i]] = handles[i];
    if (text != NULL && drops_reason(text))
        return fail_again(rdb->directory, mode == RDB_CREATE, text, why);
    if (text != NULL)
        return fail(rdb->directory, "cannot open the database", text, why);
    return TX_OK;
}

/* RocksDB always makes an info log, and renames what it finds under that name. Mere reading must
 * not leave a trace in the directory, so there the (empty) file goes to a temporary one. */
static enum tx_error open_read_only(struct rdb *rdb, enum rdb_mode mode, struct tx_why *why)
{
    const char *base = getenv("TMPDIR");
    char place[256];
    int len = snprintf(place, sizeof(place), "%s/assent-info-XXXXXX", base ? base : "/tmp");
    if (len < 0 || (size_t)len >= sizeof(place) || mkdtemp(place) == NULL)
        return tx_why(why, TX_EIO, "%s: cannot make a temporary directory in %s: %s",
                      rdb->directory, base ? base : "/tmp", strerror(errno));
    enum tx_error error = open_database(rdb, mode, place, why);
    /* RocksDB flattens the database's absolute path into the file's name. */
    char *path = realpath(rdb->directory, NULL);
    char info[4096 + 512];
    if (path != NULL) {
        for (char *s = path; *s != '\0'; s++) {
            if (*s == '/')
                *s = '_';
        }
        len = snprintf(info, sizeof(info), "%s/%s_LOG", place, path + 1);
        if (len > 0 && (size_t)len < sizeof(info))
            (void)unlink(info);
        free(path);
    }
    (void)rmdir(place);
    return error;
}

static void forget_info_log(const char *directory)
{
    char path[4096];
    int len = snprintf(path, sizeof(path), "%s/LOG", directory);
    if (len > 0 && (size_t)len < sizeof(path))
        (void)unlink(path);
}

static void make_tools(struct rdb *rdb)
{
    rdb->read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(rdb->read, 1);
    rdb->write_synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(rdb->write_synced, 1);
    rocksdb_writeoptions_disable_WAL(rdb->write_synced, 0);
    rdb->write_lazy = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(rdb->write_lazy, 0);
    rocksdb_writeoptions_disable_WAL(rdb->write_lazy, 0);
    rdb->batch = rocksdb_writebatch_create();
}

/* RocksDB counts every comparison of keys, thread by thread, unless told otherwise; nobody looks.
 */
static void count_nothing(void)
{
    rocksdb_set_perf_level(rocksdb_disable);
}

enum tx_error rdb_open(const char *directory, enum rdb_mode mode, size_t cache_bytes,
                       struct rdb **out, struct tx_why *why)
{
    count_nothing();
    struct rdb *rdb = calloc(1, sizeof(*rdb));
    if (rdb == NULL || (rdb->directory = strdup(directory)) == NULL) {
        free(rdb);
        return tx_why(why, TX_ENOMEM, "%s: no memory to open the database", directory);
    }
    rdb->cache = rocksdb_cache_create_lru(cache_bytes > 0 ? cache_bytes : CACHE_BYTES_DEFAULT);
    make_tools(rdb);
    enum tx_error error;
    if (mode == RDB_READ_ONLY || mode == RDB_SALVAGE) {
        error = open_read_only(rdb, mode, why);
    } else {
        error = open_database(rdb, mode, NULL, why);
        forget_info_log(directory);
    }
    if (error != TX_OK) {
        rdb_close(&rdb);
        return error;
    }
    *out = rdb;
    return TX_OK;
}

/* The handles go before the database: RocksDB aborts on a leaked one. */
void rdb_close(struct rdb **rdbp)
{
    struct rdb *rdb = *rdbp;
    if (rdb == NULL)
        return;
    for (int i = 0; i < RDB_FAMILIES_N; i++) {
        if (rdb->handles[i] != NULL)
            rocksdb_column_family_handle_destroy(rdb->handles[i]);
    }
    if (rdb->db != NULL)
        rocksdb_close(rdb->db);
    for (int i = 0; i < RDB_FAMILIES_N; i++) {
        if (rdb->options[i] != NULL)
            rocksdb_options_destroy(rdb->options[i]);
    }
    rocksdb_writebatch_destroy(rdb->batch);
    rocksdb_writeoptions_destroy(rdb->write_synced);
    rocksdb_writeoptions_destroy(rdb->write_lazy);
    rocksdb_readoptions_destroy(rdb->read);
    rocksdb_cache_destroy(rdb->cache);
    free(rdb->directory);
    free(rdb);
    *rdbp = NULL;
}

enum tx_error rdb_destroy_files(const char *directory, struct tx_why *why)
{
    rocksdb_options_t *options = rocksdb_options_create();
    char *text = NULL;
    rocksdb_destroy_db(options, directory, &text);
    rocksdb_options_destroy(options);
    return text == NULL ? TX_OK
                        : fail(directory, "cannot remove an unfinished database", text, why);
}

enum tx_error rdb_get(struct rdb *rdb, enum rdb_family family, struct tx_bytes key,
                      struct tx_buf *out, struct tx_why *why)
{
    char *text = NULL;
    TX_ASSERT(rdb->handles[family] != NULL);
    count_nothing();
    rocksdb_pinnableslice_t *slice = rocksdb_get_pinned_cf(rdb->db, rdb->read, rdb->handles[family],
                                                           (const char *)key.data, key.len, &text);
    if (text != NULL)
        return fail(rdb->directory, "cannot read", text, why);
    if (slice == NULL)
        return TX_ENOTFOUND;
    size_t len;
    const char *data = rocksdb_pinnableslice_value(slice, &len);
    tx_buf_clear(out);
    tx_buf_append(out, tx_bytes(data, len));
    rocksdb_pinnableslice_destroy(slice);
    return out->failed ? tx_why(why, TX_ENOMEM, "no memory for %zu bytes", len) : TX_OK;
}

/* In RocksDB 7.8 an iterator that heeds range deletions ends without an error where the first block
 * of a table of level 1 and above cannot be read (mended in a later version). The data has no range
 * deletions; the log has, and its readers check that no LSN is left out. */
static void see_read_errors(rocksdb_readoptions_t *options, enum rdb_family family)
{
    rocksdb_readoptions_set_ignore_range_deletions(options, family == RDB_DATA);
}

static enum tx_error
iterate(rocksdb_iterator_t *it,
        enum tx_error (*visit)(void *arg, struct tx_bytes key, struct tx_bytes value), void *arg)
{
    enum tx_error error = TX_OK;
    for (; error == TX_OK && rocksdb_iter_valid(it); rocksdb_iter_next(it)) {
        size_t key_len, value_len;
        const char *key = rocksdb_iter_key(it, &key_len);
        const char *value = rocksdb_iter_value(it, &value_len);
        error = visit(arg, tx_bytes(key, key_len), tx_bytes(value, value_len));
    }
    return error;
}

enum tx_error
rdb_each(struct rdb *rdb, enum rdb_family family, struct tx_bytes from, struct tx_bytes to,
         enum tx_error (*visit)(void *arg, struct tx_bytes key, struct tx_bytes value), void *arg,
         struct tx_why *why)
{
    TX_ASSERT(rdb->handles[family] != NULL);
    count_nothing();
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(options, 1);
    see_read_errors(options, family);
    rocksdb_readoptions_set_fill_cache(options, 0);
    rocksdb_readoptions_set_readahead_size(options, SCAN_READAHEAD);
    if (to.len > 0)
        rocksdb_readoptions_set_iterate_upper_bound(options, (const char *)to.data, to.len);
    rocksdb_iterator_t *it = rocksdb_create_iterator_cf(rdb->db, options, rdb->handles[family]);
    if (from.len > 0)
        rocksdb_iter_seek(it, (const char *)from.data, from.len);
    else
        rocksdb_iter_seek_to_first(it);
    enum tx_error error = iterate(it, visit, arg);
    char *text = NULL;
    rocksdb_iter_get_error(it, &text);
    rocksdb_iter_destroy(it);
    rocksdb_readoptions_destroy(options);
    /* What could not be read is the reason for whatever the visitor missed. */
    return text == NULL ? error : fail(rdb->directory, "cannot read on", text, why);
}

static bool visit_current(rocksdb_iterator_t *it,
                          bool (*visit)(void *arg, struct tx_bytes key, struct tx_bytes value),
                          void *arg)
{
    size_t key_len, value_len;
    const char *key = rocksdb_iter_key(it, &key_len);
    const char *value = rocksdb_iter_value(it, &value_len);
    return visit(arg, tx_bytes(key, key_len), tx_bytes(value, value_len));
}

/* What is scanned goes through the block cache, and RocksDB reads ahead by itself once it sees a
 * long run. The bounds keep it from reading behind the range: else a few rows in front of many
 * deleted ones would cost them all. */
enum tx_error rdb_scan(struct rdb *rdb, enum rdb_family family, struct tx_bytes from,
                       struct tx_bytes to, bool reverse,
                       bool (*visit)(void *arg, struct tx_bytes key, struct tx_bytes value),
                       void *arg, struct tx_why *why)
{
    TX_ASSERT(rdb->handles[family] != NULL);
    count_nothing();
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(options, 1);
    see_read_errors(options, family);
    if (from.len > 0)
        rocksdb_readoptions_set_iterate_lower_bound(options, (const char *)from.data, from.len);
    if (to.len > 0)
        rocksdb_readoptions_set_iterate_upper_bound(options, (const char *)to.data, to.len);
    rocksdb_iterator_t *it = rocksdb_create_iterator_cf(rdb->db, options, rdb->handles[family]);
    void (*const step)(rocksdb_iterator_t *) = reverse ? rocksdb_iter_prev : rocksdb_iter_next;
    if (reverse)
        rocksdb_iter_seek_to_last(it);
    else
        rocksdb_iter_seek_to_first(it);
    while (rocksdb_iter_valid(it) && visit_current(it, visit, arg))
        step(it);
    char *text = NULL;
    rocksdb_iter_get_error(it, &text);
    rocksdb_iter_destroy(it);
    rocksdb_readoptions_destroy(options);
    return text == NULL ? TX_OK : fail(rdb->directory, "cannot read on", text, why);
}

enum tx_error rdb_last_key(struct rdb *rdb, enum rdb_family family, struct tx_buf *out,
                           struct tx_why *why)
{
    rocksdb_iterator_t *it = rocksdb_create_iterator_cf(rdb->db, rdb->read, rdb->handles[family]);
    rocksdb_iter_seek_to_last(it);
    bool found = rocksdb_iter_valid(it) != 0;
    tx_buf_clear(out);
    if (found) {
        size_t len;
        const char *key = rocksdb_iter_key(it, &len);
        tx_buf_append(out, tx_bytes(key, len));
    }
    char *text = NULL;
    rocksdb_iter_get_error(it, &text);
    rocksdb_iter_destroy(it);
    if (text != NULL)
        return fail(rdb->directory, "cannot read the end", text, why);
    if (out->failed)
        return tx_why(why, TX_ENOMEM, "%s: no memory for a key", rdb->directory);
    return found ? TX_OK : TX_ENOTFOUND;
}

void rdb_put(struct rdb *rdb, enum rdb_family family, struct tx_bytes key, struct tx_bytes value)
{
    rocksdb_writebatch_put_cf(rdb->batch, rdb->handles[family], (const char *)key.data, key.len,
                              (const char *)value.data, value.len);
}

void rdb_delete(struct rdb *rdb, enum rdb_family family, struct tx_bytes key)
{
    rocksdb_writebatch_delete_cf(rdb->batch, rdb->handles[family], (const char *)key.data, key.len);
}

void rdb_delete_range(struct rdb *rdb, enum rdb_family family, struct tx_bytes from,
                      struct tx_bytes to)
{
    rocksdb_writebatch_delete_range_cf(rdb->batch, rdb->handles[family], (const char *)from.data,
                                       from.len, (const char *)to.data, to.len);
}

enum tx_error rdb_commit(struct rdb *rdb, bool sync, struct tx_why *why)
{
    char *text = NULL;
    count_nothing();
    rocksdb_write(rdb->db, sync ? rdb->write_synced : rdb->write_lazy, rdb->batch, &text);
    rocksdb_writebatch_clear(rdb->batch);
    if (text == NULL)
        return TX_OK;
    /* What has failed in RocksDB's own threads comes back here, and at every write after it. */
    bool reading = strstr(text, "pread") != NULL;
    return fail(rdb->directory,
                reading ? "cannot write since RocksDB, merging its tables, could not read one"
                        : "cannot write",
                text, why);
}

enum tx_error rdb_drop_files(struct rdb *rdb, enum rdb_family family, struct tx_bytes from,
                             struct tx_bytes to, struct tx_why *why)
{
    char *text = NULL;
    rocksdb_delete_file_in_range_cf(rdb->db, rdb->handles[family], (const char *)from.data,
                                    from.len, (const char *)to.data, to.len, &text);
    return text == NULL ? TX_OK : fail(rdb->directory, "cannot free old files", text, why);
}

enum tx_error rdb_checkpoint(struct rdb *rdb, const char *directory, struct tx_why *why)
{
    char *text = NULL;
    rocksdb_checkpoint_t *checkpoint = rocksdb_checkpoint_object_create(rdb->db, &text);
    if (text == NULL) {
        /* A size of 0: flush first, so that the copy shares the table files by hard links. */
        rocksdb_checkpoint_create(checkpoint, directory, 0, &text);
        rocksdb_checkpoint_object_destroy(checkpoint);
    }
    return text == NULL ? TX_OK : fail(directory, "cannot make a checkpoint", text, why);
}

uint64_t rdb_bytes(const struct rdb *rdb, enum rdb_family family)
{
    static const char *const parts[] = {"rocksdb.total-sst-files-size",
                                        "rocksdb.cur-size-all-mem-tables"};
    uint64_t bytes = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        uint64_t part = 0;
        if (rocksdb_property_int_cf(rdb->db, rdb->handles[family], parts[i], &part) == 0)
            bytes += part;
    }
    return bytes;
}
