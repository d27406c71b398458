/* What was appended and read, by whom; and what a transaction's own reads prove about it. */
#include "append.h"

#include "id_table.h"
#include "witness.h"

#include <string.h>

/* ---- appends ---- */

static uint32_t *slot_of(const struct append_books *books, uint32_t key, int64_t element)
{
    const uint64_t pair[2] = {key, (uint64_t)element};
    size_t mask = books->slots_n - 1;
    size_t at = (size_t)tx_bytes_hash(tx_bytes(pair, sizeof pair), 0) & mask;

    for (; books->slots[at] != 0; at = (at + 1) & mask) {
        const struct append *append = &books->appends[books->slots[at] - 1];

        if (append->element == element && append->key == key)
            break;
    }
    return &books->slots[at];
}

struct append *append_find(const struct append_books *books, uint32_t key, int64_t element)
{
    uint32_t found = *slot_of(books, key, element);

    return found == 0 ? NULL : &books->appends[found - 1];
}

static void found_twice(struct append_books *books, const struct append *first,
                        const struct append *second)
{
    const struct history *history = books->history;
    char name[WITNESS_NAME], other[WITNESS_NAME];

    check_found(books->report, "duplicate-append",
                "%lld was appended to %s by %s and again by %s: elements must be unique",
                (long long)first->element, history_text(history, first->key),
                witness_name(&history->txs[first->tx], name),
                witness_name(&history->txs[second->tx], other));
}

/* `last` gives, by list, the append before this one: number + 1. */
static void add_append(struct append_books *books, uint32_t tx, const struct history_op *op,
                       uint32_t *last)
{
    struct append *append = &books->appends[books->appends_n];
    uint32_t before = last[op->key];
    uint32_t *slot;

    *append = (struct append){
        .tx = tx, .key = op->key, .element = op->number, .position = APPEND_NONE, .last = true};
    slot = slot_of(books, op->key, op->number);
    if (*slot != 0) {
        append->repeated = true;
        found_twice(books, &books->appends[*slot - 1], append);
    } else {
        *slot = books->appends_n + 1;
    }
    if (before != 0 && books->appends[before - 1].tx == tx)
        books->appends[before - 1].last = false;
    last[op->key] = ++books->appends_n;
    books->keys[op->key].appends_n++;
}

static void add_appends(struct append_books *books)
{
    const struct history *history = books->history;
    uint32_t *last = check_alloc(&books->arena, history_texts(history), sizeof *last);

    for (uint32_t i = 0; i < history->txs_n; i++)
        for (uint32_t j = 0; j < history->txs[i].ops_n; j++)
            if (history->txs[i].ops[j].type == HISTORY_APPEND)
                add_append(books, i, &history->txs[i].ops[j], last);
}

/* ---- the reads of one transaction ---- */

/* What it did to one list so far. */
struct view {
    uint32_t stamp; /* transaction + 1 */
    uint32_t own;   /* appends */
    uint32_t read;  /* what it saw first, a number of `reads`; APPEND_NONE: nothing yet */
};

struct walk {
    struct append_books *books;
    struct view *views; /* by list */
    uint32_t *queue;    /* committed transactions that were not walked yet */
    uint32_t queue_n;
};

/* An element that a committed transaction read: whoever appended it must have committed. */
static void observe(struct walk *walk, struct append_key *key, uint32_t number, int64_t element)
{
    struct append_books *books = walk->books;
    struct append *append = append_find(books, number, element);

    if (append == NULL || books->aborted[append->tx] || append->observed)
        key->messy = true; /* observed before: a repetition, or this read contradicts another */
    if (append == NULL)
        return;
    append->observed = true;
    if (!books->committed[append->tx] && !books->aborted[append->tx]) {
        books->committed[append->tx] = true;
        walk->queue[walk->queue_n++] = append->tx;
    }
}

static void observe_list(struct walk *walk, uint32_t number, const int64_t *list, uint32_t n)
{
    struct append_key *key = &walk->books->keys[number];
    uint32_t common = n < key->longest_n ? n : key->longest_n;
    uint32_t from = common;

    if (common > 0 && memcmp(list, key->longest, common * sizeof *list) != 0) {
        key->messy = true;
        from = 0;
    }
    for (uint32_t i = from; i < n; i++)
        observe(walk, key, number, list[i]);
    if (n > key->longest_n) {
        key->longest = list;
        key->longest_n = n;
    }
}

/* Does what it read end with its own `own` appends? */
static bool ends_with_own(const struct history_tx *tx, uint32_t at, uint32_t own)
{
    const struct history_op *read = &tx->ops[at];
    uint32_t left = own;

    if (read->list_n < own)
        return false;
    while (left > 0) {
        const struct history_op *op = &tx->ops[--at];

        if (op->type != HISTORY_APPEND || op->key != read->key)
            continue;
        if (op->number != read->list[read->list_n - own + left - 1])
            return false;
        left--;
    }
    return true;
}

static void found_internal(struct append_books *books, const struct history_tx *tx, uint32_t at,
                           const struct append_read *before, uint32_t own)
{
    const struct history_op *read = &tx->ops[at];
    struct witness witness = {0};
    char name[WITNESS_NAME];

    witness_add(&witness, "%s read %s as ", witness_name(tx, name),
                history_text(books->history, read->key));
    witness_add_list(&witness, read->list, read->list_n);
    if (before != NULL) {
        witness_add(&witness, ", after it had read ");
        witness_add_list(&witness, before->list, before->n);
    }
    if (own > 0)
        witness_add(&witness, "%s appended %u element%s itself",
                    before != NULL ? " and" : ", after it had", own, own > 1 ? "s" : "");
    check_found(books->report, "internal", "%s", witness.text);
}

/* False when the read contradicts what the transaction knew already. */
static bool walk_read(struct walk *walk, uint32_t tx_number, uint32_t at, struct view *view)
{
    struct append_books *books = walk->books;
    const struct history_tx *tx = &books->history->txs[tx_number];
    const struct history_op *op = &tx->ops[at];
    uint32_t n = op->list_n - view->own;
    struct append_read *before = view->read == APPEND_NONE ? NULL : &books->reads[view->read];

    if (!ends_with_own(tx, at, view->own) ||
        (before != NULL && (before->n != n || (n > 0 && memcmp(before->list, op->list,
                                                               n * sizeof *op->list) != 0)))) {
        found_internal(books, tx, at, before, view->own);
        return false;
    }
    if (before != NULL)
        return true;
    view->read = books->reads_n;
    books->reads[books->reads_n++] = (struct append_read){
        .tx = tx_number, .key = op->key, .list = op->list, .n = n, .version = APPEND_NONE};
    books->keys[op->key].reads_n++;
    observe_list(walk, op->key, op->list, n);
    return true;
}

static void walk_tx(struct walk *walk, uint32_t tx)
{
    struct append_books *books = walk->books;
    const struct history_tx *of = &books->history->txs[tx];
    bool sound = true;

    for (uint32_t i = 0; i < of->ops_n; i++) {
        const struct history_op *op = &of->ops[i];
        struct view *view = &walk->views[op->key];

        if (op->type != HISTORY_APPEND && (op->type != HISTORY_READ || !op->known))
            continue;
        books->takes_part[tx] = true;
        books->report->looked++;
        if (view->stamp != tx + 1)
            *view = (struct view){.stamp = tx + 1, .read = APPEND_NONE};
        if (op->type == HISTORY_APPEND)
            view->own++;
        else if (sound)
            sound = walk_read(walk, tx, i, view);
    }
}

/* ---- outcomes ---- */

/* What clients heard about transactions whose outcome they did not know at first. */
static void hear(struct append_books *books, const struct id_table *told,
                 const enum tx_outcome *outcomes)
{
    const struct history *history = books->history;

    for (uint32_t i = 0; i < history->txs_n; i++) {
        enum tx_outcome outcome = history->txs[i].outcome;
        uint32_t number;

        if (outcome == TX_OUTCOME_UNKNOWN && told->n > 0) {
            number = id_table_find(told, history->txs[i].id);
            outcome = number == ID_TABLE_NONE ? outcome : outcomes[number];
        }
        books->committed[i] = outcome == TX_OUTCOME_COMMITTED;
        books->aborted[i] = outcome == TX_OUTCOME_ABORTED;
    }
}

static void find_outcomes(struct append_books *books)
{
    const struct history *history = books->history;
    enum tx_outcome *outcomes =
        check_alloc(&books->arena, history->told_n, sizeof(enum tx_outcome));
    struct id_table told;

    id_table_init(&told, &books->arena, history->told_n);
    for (size_t i = 0; i < history->told_n; i++)
        if (tx_id_valid(history->told[i].id) && history->told[i].outcome != TX_OUTCOME_UNKNOWN)
            outcomes[id_table_add(&told, history->told[i].id)] = history->told[i].outcome;
    hear(books, &told, outcomes);
}

/* ---- everything ---- */

static void allocate(struct append_books *books)
{
    const struct history *history = books->history;
    size_t appends = 0, reads = 0;

    for (size_t i = 0; i < history->txs_n; i++)
        for (uint32_t j = 0; j < history->txs[i].ops_n; j++) {
            appends += history->txs[i].ops[j].type == HISTORY_APPEND;
            reads += history->txs[i].ops[j].type == HISTORY_READ;
        }
    TX_ASSERT(appends < UINT32_MAX / 4 && reads < UINT32_MAX / 4);
    for (books->slots_n = 16; books->slots_n < appends * 2;)
        books->slots_n *= 2;
    books->slots = check_alloc(&books->arena, books->slots_n, sizeof *books->slots);
    books->appends = check_alloc(&books->arena, appends, sizeof *books->appends);
    books->reads = check_alloc(&books->arena, reads, sizeof *books->reads);
    books->keys = check_alloc(&books->arena, history_texts(history), sizeof *books->keys);
    books->committed = check_alloc(&books->arena, history->txs_n, sizeof *books->committed);
    books->aborted = check_alloc(&books->arena, history->txs_n, sizeof *books->aborted);
    books->takes_part = check_alloc(&books->arena, history->txs_n, sizeof *books->takes_part);
    books->lost_update = check_alloc(&books->arena, history->txs_n, sizeof *books->lost_update);
}

/* Appends and reads of each list side by side: each `by_key` array holds numbers, sorted by list.
 */
static void sort_by_key(struct append_books *books)
{
    uint32_t keys_n = history_texts(books->history);
    uint32_t *appends_at = check_alloc(&books->arena, keys_n, sizeof *appends_at);
    uint32_t *reads_at = check_alloc(&books->arena, keys_n, sizeof *reads_at);
    uint32_t appends = 0, reads = 0;

    books->appends_by_key =
        check_alloc(&books->arena, books->appends_n, sizeof *books->appends_by_key);
    books->reads_by_key = check_alloc(&books->arena, books->reads_n, sizeof *books->reads_by_key);
    for (uint32_t i = 0; i < keys_n; i++) {
        struct append_key *key = &books->keys[i];

        key->appends_first = appends_at[i] = appends;
        key->reads_first = reads_at[i] = reads;
        appends += key->appends_n;
        reads += key->reads_n;
    }
    for (uint32_t i = 0; i < books->appends_n; i++)
        books->appends_by_key[appends_at[books->appends[i].key]++] = i;
    for (uint32_t i = 0; i < books->reads_n; i++)
        books->reads_by_key[reads_at[books->reads[i].key]++] = i;
}

void append_collect(struct append_books *books)
{
    const struct history *history = books->history;
    struct walk walk = {.books = books};

    allocate(books);
    find_outcomes(books);
    add_appends(books);
    walk.views = check_alloc(&books->arena, history_texts(history), sizeof *walk.views);
    walk.queue = check_alloc(&books->arena, history->txs_n, sizeof *walk.queue);
    for (uint32_t i = 0; i < history->txs_n; i++)
        if (books->committed[i])
            walk.queue[walk.queue_n++] = i;
    for (uint32_t i = 0; i < walk.queue_n; i++)
        walk_tx(&walk, walk.queue[i]);
    sort_by_key(books);
}
