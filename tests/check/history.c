/* A history in memory: growing arrays, interned texts, and an arena for the lists. */
#include "history.h"

#include "common/assert.h"

#include <stdlib.h>
#include <string.h>

/* ---- texts ---- */

struct text {
    const char *s;
    uint64_t hash;
    uint32_t participant;
};

struct history_strings {
    struct text *items; /* by number */
    uint32_t n, capacity;
    uint32_t *table; /* open addressing: number + 1; 0 is empty */
    uint32_t table_n;
};

static void *allocate(struct history *history, size_t count, size_t bytes)
{
    void *memory = tx_arena_alloc(&history->arena, count, bytes);

    TX_ASSERT(memory != NULL);
    return memory;
}

static uint32_t *text_slot(const struct history_strings *strings, struct tx_bytes text,
                           uint64_t hash)
{
    uint32_t mask = strings->table_n - 1;
    uint32_t at = (uint32_t)hash & mask;

    for (; strings->table[at] != 0; at = (at + 1) & mask) {
        const struct text *found = &strings->items[strings->table[at] - 1];

        if (found->hash == hash && strncmp(found->s, (const char *)text.data, text.len) == 0 &&
            found->s[text.len] == '\0')
            break;
    }
    return &strings->table[at];
}

static void strings_grow(struct history_strings *strings)
{
    uint32_t mask;

    strings->capacity = strings->capacity == 0 ? 128 : strings->capacity * 2;
    strings->items = tx_xrealloc(strings->items, strings->capacity * sizeof *strings->items);
    free(strings->table);
    strings->table_n = strings->capacity * 2;
    strings->table = tx_xcalloc(strings->table_n, sizeof *strings->table);
    mask = strings->table_n - 1;
    for (uint32_t i = 0; i < strings->n; i++) {
        uint32_t at = (uint32_t)strings->items[i].hash & mask;

        while (strings->table[at] != 0)
            at = (at + 1) & mask;
        strings->table[at] = i + 1;
    }
}

static uint32_t intern(struct history *history, struct tx_bytes text)
{
    struct history_strings *strings = history->strings;
    uint64_t hash = tx_bytes_hash(text, 0);
    const char *slash = memchr(text.data, '/', text.len);
    uint32_t *slot, number;
    char *copy;

    if (strings->n == strings->capacity)
        strings_grow(strings);
    slot = text_slot(strings, text, hash);
    if (*slot != 0)
        return *slot - 1;
    copy = allocate(history, text.len + 1, 1);
    memcpy(copy, text.data, text.len);
    number = strings->n++;
    *slot = number + 1;
    strings->items[number] = (struct text){.s = copy, .hash = hash, .participant = number};
    if (slash != NULL) {
        size_t length = (size_t)((const uint8_t *)slash - text.data);
        uint32_t participant = intern(history, tx_bytes(copy, length));

        strings->items[number].participant = participant; /* the items may have moved */
    }
    return number;
}

uint32_t history_intern(struct history *history, const char *text)
{
    if (history->strings == NULL)
        history->strings = tx_xcalloc(1, sizeof *history->strings);
    return intern(history, tx_bytes_str(text));
}

const char *history_text(const struct history *history, uint32_t number)
{
    TX_ASSERT(number < history_texts(history));
    return history->strings->items[number].s;
}

uint32_t history_texts(const struct history *history)
{
    return history->strings == NULL ? 0 : history->strings->n;
}

uint32_t history_participant(const struct history *history, uint32_t key)
{
    TX_ASSERT(key < history_texts(history));
    return history->strings->items[key].participant;
}

/* ---- the whole ---- */

void history_clear(struct history *history)
{
    struct history_strings *strings = history->strings;

    if (strings != NULL && strings->n > 0) {
        memset(strings->table, 0, strings->table_n * sizeof *strings->table);
        strings->n = 0;
    }
    tx_arena_reset(&history->arena);
    history->source[0] = '\0';
    history->bank_checked = history->final = false;
    history->bank_total = 0;
    history->txs_n = history->told_n = history->records_n = history->logs_n = 0;
    history->balances_n = history->locks_n = history->ends_n = history->bounds_n = 0;
}

void history_deinit(struct history *history)
{
    free(history->txs);
    free(history->told);
    free(history->records);
    free(history->logs);
    free(history->balances);
    free(history->locks);
    free(history->ends);
    free(history->bounds);
    if (history->strings != NULL) {
        free(history->strings->items);
        free(history->strings->table);
        free(history->strings);
    }
    tx_arena_deinit(&history->arena);
    *history = (struct history){0};
}

/* ---- items ---- */

/* Room for one more item at the end of an array. */
#define PUSH(history, name)                                                                        \
    ((history)->name##_n == (history)->name##_capacity                                             \
         ? (void)((history)->name =                                                                \
                      grow((history)->name, &(history)->name##_capacity, sizeof *(history)->name)) \
         : (void)0,                                                                                \
     &(history)->name[(history)->name##_n++])

static void *grow(void *array, size_t *capacity, size_t bytes)
{
    *capacity = *capacity == 0 ? 64 : *capacity * 2;
    return tx_xrealloc(array, *capacity * bytes);
}

/* A copy of an array in the arena. */
static const void *copy_of(struct history *history, const void *array, size_t count, size_t bytes)
{
    void *copy;

    if (count == 0)
        return NULL;
    copy = allocate(history, count, bytes);
    memcpy(copy, array, count * bytes);
    return copy;
}

static const struct history_op *copy_ops(struct history *history, const struct history_tx *tx)
{
    struct history_op *ops;

    if (tx->ops_n == 0)
        return NULL;
    ops = allocate(history, tx->ops_n, sizeof *ops);
    for (uint32_t i = 0; i < tx->ops_n; i++) {
        ops[i] = tx->ops[i];
        TX_ASSERT(ops[i].key < history_texts(history));
        ops[i].list = copy_of(history, tx->ops[i].list, tx->ops[i].list_n, sizeof *tx->ops[i].list);
    }
    return ops;
}

void history_add_tx(struct history *history, const struct history_tx *tx)
{
    struct history_tx *added;

    TX_ASSERT(tx->completed_ns >= tx->invoked_ns);
    TX_ASSERT((tx->outcome == TX_OUTCOME_UNKNOWN) == (tx->completed_ns == HISTORY_NEVER));
    added = PUSH(history, txs);
    *added = *tx;
    added->ops = copy_ops(history, tx);
    added->wrote = copy_of(history, tx->wrote, tx->wrote_n, sizeof *tx->wrote);
}

void history_add_told(struct history *history, struct tx_id id, enum tx_outcome outcome)
{
    struct history_told *added = PUSH(history, told);

    *added = (struct history_told){.id = id, .outcome = outcome};
}

void history_add_record(struct history *history, const struct history_record *record)
{
    struct history_record *added = PUSH(history, records);

    *added = *record;
    added->members = copy_of(history, record->members, record->members_n, sizeof *record->members);
}

void history_add_log(struct history *history, uint32_t node, enum tx_role role)
{
    struct history_log *added = PUSH(history, logs);

    TX_ASSERT(role == TX_ROLE_COORDINATOR || role == TX_ROLE_PARTICIPANT);
    *added = (struct history_log){.node = node, .role = role};
}

void history_add_balance(struct history *history, uint32_t key, int64_t number)
{
    struct history_balance *added = PUSH(history, balances);

    *added = (struct history_balance){.key = key, .number = number};
}

void history_add_locks(struct history *history, const struct history_locks *locks)
{
    struct history_locks *added = PUSH(history, locks);

    *added = *locks;
    added->held = copy_of(history, locks->held, locks->held_n, sizeof *locks->held);
}

void history_add_end(struct history *history, const struct history_end *end)
{
    struct history_end *added = PUSH(history, ends);

    *added = *end;
}

void history_add_bound(struct history *history, const struct history_bound *bound)
{
    struct history_bound *added = PUSH(history, bounds);

    *added = *bound;
}
