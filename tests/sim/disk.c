#include "disk.h"

#include "common/assert.h"

#include <stdlib.h>
#include <string.h>

struct item {
    struct tx_bytes key, value; /* of the latest change; owned by the disk's arena */
    bool deleted;
};

struct entry {
    struct tx_bytes record;
    uint64_t start;
    struct item *puts;
    size_t puts_n;
    enum txlog_type type;
};

struct sim_disk {
    struct txlog log;      /* first: the log's own functions get this pointer */
    struct entry *entries; /* entries[i] is LSN i + 1 */
    size_t n, capacity;
    size_t durable;
    size_t compacted;
    struct item *data; /* in the order of the first change */
    size_t data_n, data_capacity;
    size_t *sorted; /* places in data, in the order of their keys; as far as scans needed it */
    size_t sorted_n;
    size_t *table; /* open addressing by key: place in data + 1 */
    size_t table_n;
    struct tx_arena arena; /* the bytes of all of it */
    struct tx_buf encoded; /* for the length of an append */
};

static struct sim_disk *disk_of(struct txlog *log)
{
    return (struct sim_disk *)(void *)log;
}

static struct tx_bytes keep(struct sim_disk *disk, struct tx_bytes bytes)
{
    struct tx_bytes kept = tx_arena_copy(&disk->arena, bytes);

    TX_ASSERT(kept.len == bytes.len);
    return kept;
}

/* ---- data ---- */

static size_t *data_slot(const struct sim_disk *disk, struct tx_bytes key)
{
    size_t at = (size_t)tx_bytes_hash(key, 0) & (disk->table_n - 1);

    while (disk->table[at] != 0 && !tx_bytes_equal(disk->data[disk->table[at] - 1].key, key))
        at = (at + 1) & (disk->table_n - 1);
    return &disk->table[at];
}

static struct item *data_find(const struct sim_disk *disk, struct tx_bytes key)
{
    size_t found = disk->table_n > 0 ? *data_slot(disk, key) : 0;

    return found > 0 ? &disk->data[found - 1] : NULL;
}

static void data_grow(struct sim_disk *disk)
{
    disk->data_capacity = disk->data_capacity * 2 + 64;
    disk->data = tx_xrealloc(disk->data, disk->data_capacity * sizeof *disk->data);
    free(disk->table);
    for (disk->table_n = 1; disk->table_n < disk->data_capacity * 2;)
        disk->table_n *= 2;
    disk->table = tx_xcalloc(disk->table_n, sizeof *disk->table);
    for (size_t i = 0; i < disk->data_n; i++)
        *data_slot(disk, disk->data[i].key) = i + 1;
}

static void data_apply(struct sim_disk *disk, const struct item *put)
{
    size_t *slot;

    if (disk->data_n == disk->data_capacity)
        data_grow(disk);
    slot = data_slot(disk, put->key);
    if (*slot == 0) {
        *slot = ++disk->data_n;
        disk->data[*slot - 1].key = put->key;
    }
    disk->data[*slot - 1].value = put->value;
    disk->data[*slot - 1].deleted = put->deleted;
}

/* ---- the log's functions that a starting node uses ---- */

static enum tx_error log_get(struct txlog *log, struct tx_lsn lsn, struct tx_buf *out,
                             struct tx_why *why)
{
    const struct sim_disk *disk = disk_of(log);

    if (lsn.n <= disk->compacted || lsn.n > disk->durable)
        return tx_why(why, TX_ENOTFOUND, "no such record");
    tx_buf_clear(out);
    tx_buf_append(out, disk->entries[lsn.n - 1].record);
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
        error = visit(arg, (struct tx_lsn){lsn}, disk->entries[lsn - 1].record);
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
    tx_buf_append(out, item->value);
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
            error = visit(arg, disk->data[i].key, disk->data[i].value);
    }
    return error;
}

/* How many of the sorted keys are before `key`. */
static size_t sorted_before(const struct sim_disk *disk, struct tx_bytes key)
{
    size_t low = 0;
    size_t high = disk->sorted_n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (tx_bytes_compare(disk->data[disk->sorted[middle]].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The keys that are new since the last scan find their places. */
static void sort_rest(struct sim_disk *disk)
{
    if (disk->sorted_n == disk->data_n)
        return;
    disk->sorted = tx_xrealloc(disk->sorted, disk->data_n * sizeof *disk->sorted);
    while (disk->sorted_n < disk->data_n) {
        size_t at = sorted_before(disk, disk->data[disk->sorted_n].key);

        memmove(&disk->sorted[at + 1], &disk->sorted[at],
                (disk->sorted_n - at) * sizeof *disk->sorted);
        disk->sorted[at] = disk->sorted_n++;
    }
}

static enum tx_error log_data_scan(struct txlog *log, const struct txlog_range *range,
                                   bool (*visit)(void *, struct tx_bytes key,
                                                 struct tx_bytes value),
                                   void *arg, struct tx_why *why)
{
    struct sim_disk *disk = disk_of(log);
    size_t low, high;
    bool goes_on = true;

    (void)why;
    sort_rest(disk);
    low = sorted_before(disk, range->from);
    high = range->to.len > 0 ? sorted_before(disk, range->to) : disk->sorted_n;
    while (goes_on && low < high) {
        const struct item *item = &disk->data[disk->sorted[range->reverse ? --high : low++]];

        if (!item->deleted)
            goes_on = visit(arg, item->key, item->value);
    }
    return TX_OK;
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
    .data_scan = log_data_scan,
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
    free((*disk)->entries);
    free((*disk)->data);
    free((*disk)->table);
    free((*disk)->sorted);
    tx_arena_deinit(&(*disk)->arena);
    tx_buf_deinit(&(*disk)->encoded);
    free(*disk);
    *disk = NULL;
}

struct txlog *sim_disk_log(struct sim_disk *disk)
{
    return &disk->log;
}

static struct entry *entry_new(struct sim_disk *disk, size_t puts_n)
{
    struct entry *entry;

    if (disk->n == disk->capacity) {
        disk->capacity = disk->capacity * 2 + 256;
        disk->entries = tx_xrealloc(disk->entries, disk->capacity * sizeof *disk->entries);
    }
    entry = &disk->entries[disk->n++];
    *entry = (struct entry){.puts_n = puts_n};
    entry->puts = tx_arena_alloc(&disk->arena, puts_n, sizeof *entry->puts);
    TX_ASSERT(entry->puts != NULL);
    return entry;
}

static struct sim_disk *copy_upto(const struct sim_disk *disk, size_t upto)
{
    struct sim_disk *copy = sim_disk_new();

    TX_ASSERT(upto <= disk->durable);
    for (size_t i = 0; i < upto; i++) {
        const struct entry *from = &disk->entries[i];
        struct entry *to = entry_new(copy, from->puts_n);

        to->record = keep(copy, from->record);
        to->start = from->start;
        to->type = from->type;
        for (size_t j = 0; j < from->puts_n; j++)
            to->puts[j] = (struct item){.key = keep(copy, from->puts[j].key),
                                        .value = keep(copy, from->puts[j].value),
                                        .deleted = from->puts[j].deleted};
    }
    sim_disk_synced(copy, (struct tx_lsn){upto});
    return copy;
}

struct sim_disk *sim_disk_copy(const struct sim_disk *disk)
{
    struct sim_disk *copy = copy_upto(disk, disk->durable);

    copy->compacted = disk->compacted;
    return copy;
}

static void note_snapshot(void *arg, const struct txlog_record *record)
{
    *(uint64_t *)arg = record->snapshot_end.begin.n;
}

struct sim_disk *sim_disk_prefix(const struct sim_disk *disk, struct tx_lsn upto)
{
    struct sim_disk *copy = copy_upto(disk, (size_t)upto.n);
    uint64_t begin = 1;

    sim_disk_each(copy, 1u << TXLOG_SNAPSHOT_END, note_snapshot, &begin);
    copy->compacted = (size_t)begin - 1;
    return copy;
}

void sim_disk_append(struct sim_disk *disk, const struct txlog_record *record,
                     const struct txlog_put *puts, size_t puts_n)
{
    struct entry *entry = entry_new(disk, puts_n);
    enum tx_error error;

    TX_ASSERT(record->lsn.n == disk->n);
    tx_buf_clear(&disk->encoded);
    error = txlog_record_encode(record, &disk->encoded);
    TX_ASSERT(error == TX_OK);
    entry->record = keep(disk, tx_buf_view(&disk->encoded));
    entry->start = record->start;
    entry->type = record->type;
    for (size_t i = 0; i < puts_n; i++)
        entry->puts[i] = (struct item){.key = keep(disk, puts[i].key),
                                       .value = keep(disk, puts[i].value),
                                       .deleted = puts[i].deleted};
}

struct tx_lsn sim_disk_queued(const struct sim_disk *disk)
{
    return (struct tx_lsn){disk->n};
}

struct tx_lsn sim_disk_durable(const struct sim_disk *disk)
{
    return (struct tx_lsn){disk->durable};
}

uint64_t sim_disk_retained(const struct sim_disk *disk)
{
    return disk->durable - disk->compacted;
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
    disk->n = disk->durable;
}

void sim_disk_each(const struct sim_disk *disk, unsigned types,
                   void (*visit)(void *arg, const struct txlog_record *record), void *arg)
{
    struct tx_arena arena = {0};

    for (size_t i = 0; i < disk->durable; i++) {
        struct txlog_record record;
        struct tx_why why;
        enum tx_error error;

        if ((types >> disk->entries[i].type & 1u) == 0)
            continue;
        tx_arena_reset(&arena);
        error = txlog_record_decode(disk->entries[i].record, &arena, &record, &why);
        TX_ASSERT(error == TX_OK);
        visit(arg, &record);
    }
    tx_arena_deinit(&arena);
}
