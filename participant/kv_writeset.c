/* The held-back writes of one transaction. */
#include "participant/kv_writeset.h"

#include "participant/kv.h"
#include "txlog/redo.h"

void kv_writeset_deinit(struct kv_writeset *set)
{
    struct kv_entry *entry;
    while ((entry = kv_writeset_take(set)) != NULL)
        kv_entry_destroy(set->spares, &entry);
    TX_ASSERT(set->redo_bytes == 0);
}

const struct kv_entry *kv_writeset_find(const struct kv_writeset *set, struct tx_bytes key)
{
    return kv_map_find(&set->entries, key);
}

/* What one write takes in the redo, see the format in txlog/redo.h: a kind, two or three lengths,
 * and a key of the data, whose own length byte stands for nothing here. */
static size_t redo_size(size_t key_len, bool deleted, size_t value_len)
{
    size_t lengths = deleted ? 2 : 3;
    return 1 + lengths * sizeof(uint32_t) + (key_len - 1) + value_len;
}

static size_t entry_redo_size(const struct kv_entry *entry)
{
    return redo_size(entry->key_len, entry->deleted, entry->value_len);
}

enum tx_error kv_writeset_write(struct kv_writeset *set, struct kv_key key,
                                const struct tx_bytes *value, struct tx_why *why)
{
    struct kv_entry *entry = kv_map_find(&set->entries, key.bytes);
    size_t value_len = value != NULL ? value->len : 0;
    size_t others = set->redo_bytes - (entry != NULL ? entry_redo_size(entry) : 0);
    size_t bytes = others + redo_size(key.bytes.len, value == NULL, value_len);
    if (sizeof(uint32_t) + bytes > KV_REDO_MAX)
        return tx_why(why, TX_ELIMIT,
                      "the writes of a transaction may take %u bytes on one participant; with this "
                      "one they would take %zu: split the work into smaller transactions",
                      KV_REDO_MAX, sizeof(uint32_t) + bytes);
    if (entry == NULL) {
        entry = kv_entry_new(set->spares, key, value_len);
        kv_map_add(&set->entries, entry);
    }
    kv_entry_set(entry, value);
    set->redo_bytes = bytes;
    return TX_OK;
}

size_t kv_writeset_n(const struct kv_writeset *set)
{
    return set->entries.n;
}

static const struct kv_entry *first(const struct kv_writeset *set)
{
    return kv_map_first(&set->entries);
}

static const struct kv_entry *next(const struct kv_writeset *set, const struct kv_entry *entry)
{
    return kv_map_next(&set->entries, entry);
}

void kv_writeset_redo(const struct kv_writeset *set, struct tx_buf *out)
{
    tx_buf_clear(out);
    redo_begin(out, (uint32_t)kv_writeset_n(set));
    for (const struct kv_entry *entry = first(set); entry != NULL; entry = next(set, entry)) {
        struct redo_write write = {.deleted = entry->deleted, .value = kv_entry_value(entry)};
        enum tx_error error = redo_data_key_parse(kv_entry_key(entry), &write.space, &write.key);
        TX_ASSERT(error == TX_OK);
        redo_add(out, &write);
    }
    TX_ASSERT(out->failed || out->len == sizeof(uint32_t) + set->redo_bytes);
}

struct kv_entry *kv_writeset_take(struct kv_writeset *set)
{
    struct kv_entry *entry = kv_map_first(&set->entries);
    if (entry != NULL) {
        kv_map_remove(&set->entries, entry);
        set->redo_bytes -= entry_redo_size(entry);
    }
    return entry;
}

void kv_writeset_check(const struct kv_writeset *set)
{
    size_t bytes = 0;
    size_t n = 0;
    for (const struct kv_entry *entry = first(set); entry != NULL; entry = next(set, entry)) {
        TX_ASSERT(!entry->deleted || entry->value == NULL);
        TX_ASSERT(!entry->replaced && !entry->ordered && entry->next == NULL && entry->lsn.n == 0);
        bytes += entry_redo_size(entry);
        n++;
    }
    TX_ASSERT(bytes == set->redo_bytes);
    TX_ASSERT(n == kv_writeset_n(set));
}
