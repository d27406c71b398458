#include "disk.h"

#include "common/assert.h"

#include <stdlib.h>

struct item {
    struct tx_buf key, value;
    bool deleted;
};

struct entry {
    struct tx_buf record;
    uint64_t start;
    struct item *puts;
    size_t puts_n;
};

struct sim_disk {
    struct txlog log;      /* first: the log's own functions get this pointer */
    struct entry *entries; /* entries[i] is LSN i + 1 */
    size_t n, capacity;
    size_t durable;
    size_t compacted;
    struct item *data;
    size_t data_n;
};

static struct sim_disk *disk_of(struct txlog *log)
{
    return (struct sim_disk *)(void *)log;
}

/* ---- data ---- */

static struct item *data_find(const struct sim_disk *disk, struct tx_bytes key)
{
    for (size_t i = 0; i < disk->data_n; i++) {
        if (tx_bytes_equal(tx_buf_view(&disk->data[i].key), key))
            return &disk->data[i];
    }
    return NULL;
}

static void data_apply(struct sim_disk *disk, const struct item *put)
{
    struct item *item = data_find(disk, tx_buf_view(&put->key));

    if (item == NULL) {
        disk->data = tx_xrealloc(disk->data, (disk->data_n + 1) * sizeof *disk->data);
        item = &disk->data[disk->data_n++];
        *item = (struct item){0};
        tx_buf_append(&item->key, tx_buf_view(&put->key));
    }
    item->deleted = put->deleted;
    tx_buf_clear(&item->value);
    tx_buf_append(&item->value, tx_buf_view(&put->value));
    TX_ASSERT(!item->key.failed && !item->value.failed);
}

static void items_free(struct item *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tx_buf_deinit(&items[i].key);
        tx_buf_deinit(&items[i].value);
    }
    free(items);
}

static void entry_free(struct entry *entry)
{
    tx_buf_deinit(&entry->record);
    items_free(entry->puts, entry->puts_n);
}

/* ---- the log's functions that a starting node uses ---- */

static enum tx_error log_get(struct txlog *log, struct tx_lsn lsn, struct tx_buf *out,
                             struct tx_why *why)
{
    const struct sim_disk *disk = disk_of(log);

    if (lsn.n <= disk->compacted || lsn.n > disk->durable)
        return tx_why(why, TX_ENOTFOUND, "no such record");
    tx_buf_clear(out);
    tx_buf_append(out, tx_buf_view(&disk->entries[lsn.n - 1].record));
    return out->failed ? TX_ENOMEM : TX_OK;
}

static enum tx_error log_each(struct txlog *log, struct tx_lsn first, struct tx_lsn last,
                              enum tx_error (*visit)(void *, struct tx_lsn, struct tx_bytes),
                              void *arg, struct tx_why *why)
{
    const struct sim_disk *disk = disk_of(log);
    enum tx_error error = TX_OK;

    (void)why;
    for (uint64_t lsn = first.n; error == TX_OK && lsn <= last.n; lsn++)
        error = visit(arg, (struct tx_lsn){lsn}, tx_buf_view(&disk->entries[lsn - 1].record));
    return error;
}

static enum tx_error log_compact(struct txlog *log, struct tx_lsn up_to, struct tx_why *why)
{
    struct sim_disk *disk = disk_of(log);

    if (up_to.n >= disk->durable)
        return tx_why(why, TX_EINVAL, "the last record has to stay");
    if (up_to.n > disk->compacted)
        disk->compacted = up_to.n;
    return TX_OK;
}

static enum tx_error log_data_get(struct txlog *log, struct tx_bytes key, struct tx_buf *out,
                                  struct tx_why *why)
{
    const struct item *item = data_find(disk_of(log), key);

    if (item == NULL || item->deleted)
        return tx_why(why, TX_ENOTFOUND, "no such key");
    tx_buf_clear(out);
    tx_buf_append(out, tx_buf_view(&item->value));
    return out->failed ? TX_ENOMEM : TX_OK;
}

static enum tx_error log_data_each(struct txlog *log,
                                   enum tx_error (*visit)(void *, struct tx_bytes key,
                                                          struct tx_bytes value),
                                   void *arg, struct tx_why *why)
{
    const struct sim_disk *disk = disk_of(log);
    enum tx_error error = TX_OK;

    (void)why;
    for (size_t i = 0; error == TX_OK && i < disk->data_n; i++) {
        if (!disk->data[i].deleted)
            error = visit(arg, tx_buf_view(&disk->data[i].key), tx_buf_view(&disk->data[i].value));
    }
    return error;
}

static struct tx_lsn log_first(const struct txlog *log)
{
    const struct sim_disk *disk = (const struct sim_disk *)(const void *)log;

    return (struct tx_lsn){disk->durable > 0 ? disk->compacted + 1 : 0};
}

static struct tx_lsn log_last(const struct txlog *log)
{
    return (struct tx_lsn){((const struct sim_disk *)(const void *)log)->durable};
}

static uint64_t log_last_start(const struct txlog *log)
{
    const struct sim_disk *disk = (const struct sim_disk *)(const void *)log;

    return disk->durable > 0 ? disk->entries[disk->durable - 1].start : 0;
}

static const struct txlog_vtable vtable = {
    .get = log_get,
    .each = log_each,
    .compact = log_compact,
    .data_get = log_data_get,
    .data_each = log_data_each,
    .first = log_first,
    .last = log_last,
    .last_start = log_last_start,
};

/* ---- the writer's side ---- */

struct sim_disk *sim_disk_new(void)
{
    struct sim_disk *disk = tx_xcalloc(1, sizeof *disk);

    disk->log.vtable = &vtable;
    return disk;
}

void sim_disk_destroy(struct sim_disk **disk)
{
    for (size_t i = 0; i < (*disk)->n; i++)
        entry_free(&(*disk)->entries[i]);
    free((*disk)->entries);
    items_free((*disk)->data, (*disk)->data_n);
    free(*disk);
    *disk = NULL;
}

struct txlog *sim_disk_log(struct sim_disk *disk)
{
    return &disk->log;
}

void sim_disk_append(struct sim_disk *disk, const struct txlog_record *record,
                     const struct txlog_put *puts, size_t puts_n)
{
    struct entry entry = {.start = record->start, .puts_n = puts_n};
    enum tx_error error = txlog_record_encode(record, &entry.record);

    TX_ASSERT(error == TX_OK && record->lsn.n == disk->n + 1);
    entry.puts = tx_xcalloc(puts_n + 1, sizeof *entry.puts);
    for (size_t i = 0; i < puts_n; i++) {
        entry.puts[i].deleted = puts[i].deleted;
        tx_buf_append(&entry.puts[i].key, puts[i].key);
        tx_buf_append(&entry.puts[i].value, puts[i].value);
    }
    if (disk->n == disk->capacity) {
        disk->capacity = disk->capacity * 2 + 64;
        disk->entries = tx_xrealloc(disk->entries, disk->capacity * sizeof *disk->entries);
    }
    disk->entries[disk->n++] = entry;
}

struct tx_lsn sim_disk_queued(const struct sim_disk *disk)
{
    return (struct tx_lsn){disk->n};
}

struct tx_lsn sim_disk_durable(const struct sim_disk *disk)
{
    return (struct tx_lsn){disk->durable};
}

void sim_disk_synced(struct sim_disk *disk, struct tx_lsn upto)
{
    TX_ASSERT(upto.n <= disk->n);
    for (; disk->durable < upto.n; disk->durable++) {
        const struct entry *entry = &disk->entries[disk->durable];

        for (size_t i = 0; i < entry->puts_n; i++)
            data_apply(disk, &entry->puts[i]);
    }
}

void sim_disk_crash(struct sim_disk *disk, struct sim_random *random)
{
    uint64_t kept = sim_random_between(random, disk->durable, disk->n);

    sim_disk_synced(disk, (struct tx_lsn){kept});
    while (disk->n > disk->durable)
        entry_free(&disk->entries[--disk->n]);
}

void sim_disk_each(const struct sim_disk *disk,
                   void (*visit)(void *arg, const struct txlog_record *record), void *arg)
{
    struct tx_arena arena = {0};

    for (size_t i = 0; i < disk->durable; i++) {
        struct txlog_record record;
        struct tx_why why;
        enum tx_error error;

        tx_arena_reset(&arena);
        error = txlog_record_decode(tx_buf_view(&disk->entries[i].record), &arena, &record, &why);
        TX_ASSERT(error == TX_OK);
        visit(arg, &record);
    }
    tx_arena_deinit(&arena);
}
