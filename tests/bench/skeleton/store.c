/* A RocksDB, a batch, and the two ways to write it. */
#include "tests/bench/skeleton/skeleton.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void store_open(struct store *store, const char *directory, const char *name)
{
    char path[600];
    char *error = NULL;
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_error_if_exists(options, 1);
    rocksdb_options_set_compression(options, rocksdb_no_compression);
    store->db = rocksdb_open(options, path, &error);
    if (error != NULL) {
        skeleton_fail(path, error);
    }
    rocksdb_options_destroy(options);
    store->batch = rocksdb_writebatch_create();
    store->reads = rocksdb_readoptions_create();
    store->lazy = rocksdb_writeoptions_create();
    store->forced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(store->forced, 1);
}

void store_close(struct store *store)
{
    rocksdb_writeoptions_destroy(store->forced);
    rocksdb_writeoptions_destroy(store->lazy);
    rocksdb_readoptions_destroy(store->reads);
    rocksdb_writebatch_destroy(store->batch);
    rocksdb_close(store->db);
}

struct store_key store_key(char kind, uint64_t number)
{
    struct store_key key;
    char text[sizeof key.text + 1];
    (void)snprintf(text, sizeof text, "%c%015" PRIu64, kind, number % UINT64_C(1000000000000000));
    (void)memcpy(key.text, text, sizeof key.text);
    return key;
}

void store_write(struct store *store, bool forced)
{
    char *error = NULL;
    rocksdb_write(store->db, forced ? store->forced : store->lazy, store->batch, &error);
    if (error != NULL) {
        skeleton_fail("write", error);
    }
    rocksdb_writebatch_clear(store->batch);
}

void store_read(struct store *store, struct store_key key, void *value, size_t len)
{
    char *error = NULL;
    size_t found_len = 0;
    char *found =
        rocksdb_get(store->db, store->reads, key.text, sizeof key.text, &found_len, &error);
    if (error != NULL || found == NULL || found_len != len) {
        skeleton_fail("read", error != NULL ? error : "no such record");
    }
    (void)memcpy(value, found, len);
    rocksdb_free(found);
}
