/* The order of the versions of each list, from the longest read of it; what contradicts every such
 * order; and the dependencies that follow from it. */
#include "append.h"

#include "id_table.h"
#include "witness.h"

#include <stdio.h>
#include <string.h>

/* What one transaction did to the list at hand; the stamps are the list's name + 1. */
struct part {
    uint32_t read_stamp, version;
    uint32_t append_stamp;
    uint32_t unobserved_stamp;
};

struct order {
    struct append_books *books;
    struct append_key *key;
    uint32_t name;
    struct part *parts; /* by transaction */
    uint32_t *versions; /* the appends, in order */
    uint32_t n;
    uint32_t *claims;     /* by version: transaction + 1 that read it and appended */
    uint32_t *unobserved; /* appends that no read shows, one of each transaction */
    uint32_t unobserved_n;
    bool lost_update_found, strange_found;
};

static const char *name_of(const struct append_books *books, uint32_t tx, char out[WITNESS_NAME])
{
    return witness_name(&books->history->txs[tx], out);
}

static const char *list_name(const struct order *order)
{
    return history_text(order->books->history, order->name);
}

static struct append *append_at(const struct order *order, uint32_t i)
{
    return &order->books->appends[order->books->appends_by_key[order->key->appends_first + i]];
}

static struct append_read *read_at(const struct order *order, uint32_t i)
{
    return &order->books->reads[order->books->reads_by_key[order->key->reads_first + i]];
}

static const struct append *version_at(const struct order *order, uint32_t position)
{
    return &order->books->appends[order->versions[position]];
}

/* ---- what a list must not hold ---- */

static void found_element(const struct order *order, const struct append_read *read,
                          const char *name, int64_t element, const char *wrong)
{
    struct witness witness = {0};
    char tx[WITNESS_NAME];

    witness_add(&witness, "%s read %s as ", name_of(order->books, read->tx, tx), list_name(order));
    witness_add_list(&witness, read->list, read->n);
    check_found(order->books->report, name, "%s: %lld %s", witness.text, (long long)element, wrong);
}

/* Reports an element whose append did not happen, once. */
static void found_dirty(struct order *order, const struct append_read *read, int64_t element,
                        struct append *append)
{
    char wrong[WITNESS_NAME + 32], name[WITNESS_NAME];

    if (append == NULL && !order->strange_found)
        found_element(order, read, "G1a", element, "was appended by nobody");
    if (append != NULL && !append->reported) {
        (void)snprintf(wrong, sizeof wrong, "was appended by %s, which aborted",
                       name_of(order->books, append->tx, name));
        found_element(order, read, "G1a", element, wrong);
        append->reported = true;
    }
    order->strange_found |= append == NULL;
}

static void found_repetition(struct order *order, const struct append_read *read,
                             struct append *append)
{
    if (!append->reported)
        found_element(order, read, "duplicate-append", append->element, "is there twice");
    append->reported = true;
}

/* Leaves out what must not be there, so that the rest can still be judged. */
static void clean(struct order *order, struct append_read *read)
{
    struct append_books *books = order->books;
    int64_t *cleaned = check_alloc(&books->arena, read->n, sizeof *cleaned);
    uint32_t stamp = (uint32_t)(read - books->reads) + 1;
    uint32_t n = 0;

    for (uint32_t i = 0; i < read->n; i++) {
        struct append *append = append_find(books, order->name, read->list[i]);

        if (append == NULL || books->aborted[append->tx]) {
            found_dirty(order, read, read->list[i], append);
        } else if (append->stamp == stamp) {
            found_repetition(order, read, append);
        } else {
            append->stamp = stamp;
            cleaned[n++] = read->list[i];
        }
    }
    read->list = cleaned;
    read->n = n;
}

static void clean_all(struct order *order)
{
    struct append_key *key = order->key;

    key->longest_n = 0;
    for (uint32_t i = 0; i < key->reads_n; i++)
        clean(order, read_at(order, i));
    for (uint32_t i = 0; i < key->reads_n; i++)
        if (read_at(order, i)->n > key->longest_n) {
            key->longest = read_at(order, i)->list;
            key->longest_n = read_at(order, i)->n;
        }
}

/* ---- the order ---- */

static void found_incompatible(const struct order *order, const struct append_read *read)
{
    struct witness witness = {0};
    char name[WITNESS_NAME];
    uint32_t i = 0;

    while (read_at(order, i)->list != order->key->longest)
        i++;
    witness_add(&witness, "%s read %s as ", name_of(order->books, read->tx, name),
                list_name(order));
    witness_add_list(&witness, read->list, read->n);
    witness_add(&witness, ", and %s read it as ",
                name_of(order->books, read_at(order, i)->tx, name));
    witness_add_list(&witness, order->key->longest, order->key->longest_n);
    check_found(order->books->report, "incompatible-order", "%s", witness.text);
}

static void place_reads(struct order *order)
{
    const struct append_key *key = order->key;
    bool found = false;

    for (uint32_t i = 0; i < key->reads_n; i++) {
        struct append_read *read = read_at(order, i);
        struct part *part = &order->parts[read->tx];

        if (key->messy && read->n > 0 &&
            memcmp(read->list, key->longest, read->n * sizeof *read->list) != 0) {
            if (!found)
                found_incompatible(order, read);
            found = true;
            continue;
        }
        read->version = read->n;
        part->read_stamp = order->name + 1;
        part->version = read->version;
    }
}

static void place_versions(struct order *order)
{
    struct append_books *books = order->books;

    order->n = order->key->longest_n;
    order->versions = check_alloc(&books->arena, order->n, sizeof *order->versions);
    order->claims = check_alloc(&books->arena, (size_t)order->n + 1, sizeof *order->claims);
    for (uint32_t i = 0; i < order->n; i++) {
        struct append *append = append_find(books, order->name, order->key->longest[i]);

        TX_ASSERT(append != NULL && books->committed[append->tx]);
        append->position = i;
        order->versions[i] = (uint32_t)(append - books->appends);
    }
}

/* ---- what the order contradicts ---- */

/* Does the version end in the middle of somebody's appends? */
static bool intermediate(const struct order *order, const struct append_read *read)
{
    const struct append *end = read->version == 0 ? NULL : version_at(order, read->version - 1);

    return end != NULL && !end->last && end->tx != read->tx;
}

static void check_intermediate(struct order *order, const struct append_read *read)
{
    struct append *end;
    char wrong[WITNESS_NAME + 64], name[WITNESS_NAME];

    if (!intermediate(order, read))
        return;
    end = &order->books->appends[order->versions[read->version - 1]];
    if (end->reported)
        return;
    (void)snprintf(wrong, sizeof wrong, "was appended by %s, which then appended more",
                   name_of(order->books, end->tx, name));
    found_element(order, read, "G1b", end->element, wrong);
    end->reported = true;
}

static void found_lost_update(const struct order *order, const struct append_read *read,
                              uint32_t other)
{
    struct witness witness = {0};
    char one[WITNESS_NAME], two[WITNESS_NAME];

    witness_add(&witness, "%s and %s both read %s as ", name_of(order->books, other, one),
                name_of(order->books, read->tx, two), list_name(order));
    witness_add_list(&witness, read->list, read->n);
    check_found(order->books->report, "lost-update", "%s and appended to it", witness.text);
}

/* Only one of those that read a version may append to it. */
static void check_claim(struct order *order, const struct append_read *read)
{
    struct append_books *books = order->books;
    uint32_t *claim = &order->claims[read->version];

    if (order->parts[read->tx].append_stamp != order->name + 1)
        return;
    if (*claim == 0) {
        *claim = read->tx + 1;
        return;
    }
    books->lost_update[*claim - 1] = books->lost_update[read->tx] = true;
    if (!order->lost_update_found)
        found_lost_update(order, read, *claim - 1);
    order->lost_update_found = true;
}

/* An element of its own before it appended it. */
static void check_foresight(const struct order *order, const struct append *append)
{
    const struct part *part = &order->parts[append->tx];
    char name[WITNESS_NAME];

    if (append->position != APPEND_NONE && part->read_stamp == order->name + 1 &&
        append->position < part->version)
        check_found(order->books->report, "internal",
                    "%s read %lld in %s, which it only appended afterwards",
                    name_of(order->books, append->tx, name), (long long)append->element,
                    list_name(order));
}

static void found_own_order(const struct order *order, const struct append *first,
                            const struct append *second, bool missing)
{
    char name[WITNESS_NAME];

    (void)name_of(order->books, first->tx, name);
    if (missing)
        check_found(order->books->report, "lost-append",
                    "%s appended %lld and then %lld to %s; only the second was ever read", name,
                    (long long)first->element, (long long)second->element, list_name(order));
    else
        check_found(order->books->report, "incompatible-order",
                    "%s appended %lld and then %lld to %s; they were read in the other order", name,
                    (long long)first->element, (long long)second->element, list_name(order));
}

/* One transaction's appends stand in its order, and none is missing in front of one that was read.
 * Those of one transaction are neighbours here. */
static void check_own_order(struct order *order)
{
    const struct append *next = NULL;

    for (uint32_t i = order->key->appends_n; i-- > 0;) {
        struct append *append = append_at(order, i);
        bool own = next != NULL && next->tx == append->tx;

        if (!order->books->committed[append->tx] || append->repeated)
            continue;
        if (own && !append->observed && (next->observed || next->reported)) {
            if (next->observed)
                found_own_order(order, append, next, true);
            append->reported = true;
        } else if (own && append->position != APPEND_NONE && next->position != APPEND_NONE &&
                   append->position > next->position) {
            found_own_order(order, append, next, false);
        }
        next = append;
    }
}

/* The read that began last. */
static const struct append_read *latest_read(const struct order *order)
{
    const struct history_tx *txs = order->books->history->txs;
    const struct append_read *latest = NULL;

    for (uint32_t i = 0; i < order->key->reads_n; i++) {
        const struct append_read *read = read_at(order, i);
        const struct history_tx *tx = &txs[read->tx];

        if (latest == NULL || tx->invoked_ns > txs[latest->tx].invoked_ns ||
            (tx->invoked_ns == txs[latest->tx].invoked_ns &&
             tx->completed_ns > txs[latest->tx].completed_ns))
            latest = read;
    }
    return latest;
}

static void found_lost(const struct order *order, const struct append *append,
                       const struct append_read *latest)
{
    const struct append_books *books = order->books;
    const struct history_tx *txs = books->history->txs;
    struct witness witness = {0};
    char one[WITNESS_NAME], two[WITNESS_NAME];

    witness_add(&witness,
                "%s appended %lld to %s and completed at %llu; no read shows it, and %s, invoked "
                "at %llu, read ",
                name_of(books, append->tx, one), (long long)append->element, list_name(order),
                (unsigned long long)txs[append->tx].completed_ns, name_of(books, latest->tx, two),
                (unsigned long long)txs[latest->tx].invoked_ns);
    witness_add_list(&witness, latest->list, latest->n);
    check_found(books->report, "lost-append", "%s", witness.text);
}

/* An append that no read shows: should the latest one have shown it? */
static bool lost(const struct order *order, const struct append *append,
                 const struct append_read *latest)
{
    const struct history_tx *txs = order->books->history->txs;

    if (latest == NULL || !append_precedes(&txs[append->tx], &txs[latest->tx]))
        return false;
    found_lost(order, append, latest);
    return true;
}

/* Notes who appended, and whose appends no read shows. They come behind the longest read, in an
 * order that nobody knows. */
static void place_appends(struct order *order)
{
    struct append_books *books = order->books;
    const struct append_read *latest = latest_read(order);
    const struct append *end = order->n == 0 ? NULL : version_at(order, order->n - 1);

    order->unobserved =
        check_alloc(&books->arena, order->key->appends_n, sizeof *order->unobserved);
    for (uint32_t i = 0; i < order->key->appends_n; i++) {
        const struct append *append = append_at(order, i);
        struct part *part = &order->parts[append->tx];

        if (!books->committed[append->tx] || append->repeated)
            continue;
        part->append_stamp = order->name + 1;
        check_foresight(order, append);
        if (append->observed || append->reported || part->unobserved_stamp == order->name + 1)
            continue;
        part->unobserved_stamp = order->name + 1;
        /* When the end of the longest read is another append of the same transaction, that is
         * reported already, as G1b or internal. */
        if (!lost(order, append, latest) && (end == NULL || end->tx != append->tx))
            order->unobserved[order->unobserved_n++] = (uint32_t)(append - books->appends);
        else
            part->unobserved_stamp = 0;
    }
}

/* ---- dependencies ---- */

static void add_edge(struct order *order, uint32_t from, uint32_t to, enum graph_kind kind,
                     uint32_t before, uint32_t after)
{
    graph_add(&order->books->graph,
              (struct graph_edge){
                  .from = from, .to = to, .kind = kind, .before = before, .after = after});
}

static void add_versions(struct order *order)
{
    for (uint32_t i = 1; i < order->n; i++)
        add_edge(order, version_at(order, i - 1)->tx, version_at(order, i)->tx, GRAPH_WW,
                 order->versions[i - 1], order->versions[i]);
}

static void add_read(struct order *order, const struct append_read *read)
{
    if (read->version > 0)
        add_edge(order, version_at(order, read->version - 1)->tx, read->tx, GRAPH_WR,
                 order->versions[read->version - 1], APPEND_NONE);
    if (read->version == order->n)
        return;
    /* A read in between two appends of one transaction is reported as such already. */
    if (!intermediate(order, read) ||
        version_at(order, read->version)->tx != version_at(order, read->version - 1)->tx)
        add_edge(order, read->tx, version_at(order, read->version)->tx, GRAPH_RW, APPEND_NONE,
                 order->versions[read->version]);
}

/* From one that read the whole list and appended to it unobserved, to the others that did. When
 * there are several, that is a lost update, which is reported already. */
static void add_reader_beside(struct order *order, uint32_t tx)
{
    if (order->books->lost_update[tx])
        return;
    for (uint32_t i = 0; i < order->unobserved_n; i++)
        add_edge(order, tx, order->books->appends[order->unobserved[i]].tx, GRAPH_RW, APPEND_NONE,
                 order->unobserved[i]);
}

/* The end of the longest read, and all who read the whole list, come before the unobserved ones. */
static void add_unobserved(struct order *order)
{
    struct append_books *books = order->books;
    uint32_t helper;

    if (order->unobserved_n == 0 || order->key->reads_n == 0)
        return;
    helper = graph_helper(&books->graph);
    for (uint32_t i = 0; i < order->unobserved_n; i++)
        add_edge(order, helper, books->appends[order->unobserved[i]].tx, GRAPH_ON, APPEND_NONE,
                 order->unobserved[i]);
    if (order->n > 0)
        add_edge(order, version_at(order, order->n - 1)->tx, helper, GRAPH_WW,
                 order->versions[order->n - 1], APPEND_NONE);
    for (uint32_t i = 0; i < order->key->reads_n; i++) {
        const struct append_read *read = read_at(order, i);

        if (read->version != order->n)
            continue;
        if (order->parts[read->tx].unobserved_stamp == order->name + 1)
            add_reader_beside(order, read->tx);
        else
            add_edge(order, read->tx, helper, GRAPH_RW, APPEND_NONE, APPEND_NONE);
    }
}

static void order_one(struct order *order)
{
    if (order->key->messy)
        clean_all(order);
    place_versions(order);
    place_reads(order);
    check_own_order(order);
    place_appends(order);
    for (uint32_t i = 0; i < order->key->reads_n; i++) {
        const struct append_read *read = read_at(order, i);

        if (read->version == APPEND_NONE)
            continue;
        check_intermediate(order, read);
        check_claim(order, read);
        add_read(order, read);
    }
    add_versions(order);
    add_unobserved(order);
}

void append_order(struct append_books *books)
{
    const struct history *history = books->history;
    struct part *parts = check_alloc(&books->arena, history->txs_n, sizeof *parts);

    for (uint32_t i = 0; i < history_texts(history); i++) {
        struct order order = {.books = books, .key = &books->keys[i], .name = i, .parts = parts};

        if (order.key->reads_n + order.key->appends_n > 0)
            order_one(&order);
    }
}
