/* Histories of lists that were run one transaction after the other on a model, with overlapping
 * times and every outcome: the checker must accept them. Then one thing is changed so that it is an
 * anomaly for certain: the checker must reject them. 10,000 cases; ASSENT_TEST_SEED=N runs case N.
 */
#include "random_lists.h"

#include "tests/common/test.h"

#include <string.h>

#define CASES   10000
#define TXS_MAX 24

struct run {
    struct random random;
    struct draft drafts[TXS_MAX];
    unsigned n;
    struct list lists[LISTS_KEYS_MAX];
    unsigned keys;
    int64_t elements; /* so many were given out */
};

static struct run run;
static struct history history;

/* ---- the model ---- */

/* One operation on the lists as its transaction sees them. */
static void run_op(struct draft *draft, struct list *lists)
{
    struct draft_op *op = &draft->ops[draft->ops_n++];
    struct list *list;

    *op = (struct draft_op){.append = random_percent(&run.random, 50),
                            .key = random_below(&run.random, run.keys)};
    list = &lists[op->key];
    if (op->append) {
        op->element = run.elements++;
        list->elements[list->n++] = op->element;
    } else {
        op->list = *list;
    }
}

/* Runs at one moment between its beginning and its end. What does not commit leaves nothing. */
static void run_tx(struct draft *draft, uint64_t moment)
{
    static struct list lists[LISTS_KEYS_MAX];
    unsigned ops = 1 + random_below(&run.random, 5);
    bool commits = random_percent(&run.random, 80);

    memcpy(lists, run.lists, sizeof lists);
    *draft = (struct draft){.invoked_ns = moment - random_below(&run.random, 300),
                            .completed_ns = moment + random_below(&run.random, 300),
                            .outcome = commits ? TX_OUTCOME_COMMITTED : TX_OUTCOME_ABORTED};
    if (random_percent(&run.random, 15))
        draft->outcome = TX_OUTCOME_UNKNOWN;
    for (unsigned i = 0; i < ops; i++)
        run_op(draft, lists);
    if (commits)
        memcpy(run.lists, lists, sizeof lists);
}

static void run_all(uint64_t seed)
{
    memset(&run, 0, sizeof run);
    run.random.state = seed;
    run.keys = 1 + random_below(&run.random, 4);
    run.n = 5 + random_below(&run.random, TXS_MAX - 5 + 1);
    for (unsigned i = 0; i < run.n; i++)
        run_tx(&run.drafts[i], 1000 + (uint64_t)i * 100);
}

/* ---- who did what ---- */

static const struct draft *writer_of(int64_t element)
{
    for (unsigned i = 0; i < run.n; i++)
        for (unsigned j = 0; j < run.drafts[i].ops_n; j++)
            if (run.drafts[i].ops[j].append && run.drafts[i].ops[j].element == element)
                return &run.drafts[i];
    return NULL;
}

/* Is there another committed transaction that read this list as far as `n`? */
static bool read_elsewhere(const struct draft *but, unsigned key, uint32_t n)
{
    for (unsigned i = 0; i < run.n; i++) {
        const struct draft *draft = &run.drafts[i];

        for (unsigned j = 0;
             draft != but && draft->outcome == TX_OUTCOME_COMMITTED && j < draft->ops_n; j++)
            if (!draft->ops[j].append && draft->ops[j].key == key && draft->ops[j].list.n >= n)
                return true;
    }
    return false;
}

/* ---- one thing is changed; false when it is not possible with this read ---- */

/* What had been acknowledged before the reader began is missing. */
static bool stale(struct draft *draft, struct draft_op *op)
{
    const struct draft *writer;

    if (op->list.n == 0)
        return false;
    writer = writer_of(op->list.elements[op->list.n - 1]);
    if (writer == draft || writer->outcome != TX_OUTCOME_COMMITTED ||
        writer->completed_ns >= draft->invoked_ns)
        return false;
    op->list.n--;
    return true;
}

/* Two neighbours in another order than somebody else saw. */
static bool swapped(struct draft *draft, struct draft_op *op)
{
    uint32_t at;
    int64_t element;

    if (op->list.n < 2)
        return false;
    at = random_below(&run.random, op->list.n - 1);
    if (!read_elsewhere(draft, op->key, at + 2))
        return false;
    element = op->list.elements[at];
    op->list.elements[at] = op->list.elements[at + 1];
    op->list.elements[at + 1] = element;
    return true;
}

/* One in the middle is missing that somebody else saw. */
static bool hole(struct draft *draft, struct draft_op *op)
{
    uint32_t at;

    if (op->list.n < 2)
        return false;
    at = random_below(&run.random, op->list.n - 1);
    if (!read_elsewhere(draft, op->key, at + 2))
        return false;
    op->list.n--;
    for (uint32_t i = at; i < op->list.n; i++)
        op->list.elements[i] = op->list.elements[i + 1];
    return true;
}

static bool repeated(struct draft *draft, struct draft_op *op)
{
    (void)draft;
    if (op->list.n == 0)
        return false;
    op->list.elements[op->list.n] = op->list.elements[random_below(&run.random, op->list.n)];
    op->list.n++;
    return true;
}

static bool invented(struct draft *draft, struct draft_op *op)
{
    (void)draft;
    op->list.elements[op->list.n++] = -1;
    return true;
}

/* The writer of something that was read says that it aborted. */
static bool aborted(struct draft *draft, struct draft_op *op)
{
    struct draft *writer;

    if (op->list.n == 0)
        return false;
    writer = (struct draft *)(uintptr_t)writer_of(
        op->list.elements[random_below(&run.random, op->list.n)]);
    if (writer == draft)
        return false;
    writer->outcome = TX_OUTCOME_ABORTED;
    return true;
}

/* The reader was done before the writer began. */
static bool early(struct draft *draft, struct draft_op *op)
{
    struct draft *writer;

    if (op->list.n == 0)
        return false;
    writer = (struct draft *)(uintptr_t)writer_of(
        op->list.elements[random_below(&run.random, op->list.n)]);
    if (writer == draft)
        return false;
    writer->invoked_ns = draft->completed_ns + 1;
    if (writer->completed_ns < writer->invoked_ns)
        writer->completed_ns = writer->invoked_ns;
    return true;
}

static bool (*const changes[])(struct draft *draft, struct draft_op *op) = {
    stale, swapped, hole, repeated, invented, aborted, early};
#define CHANGES_N (sizeof changes / sizeof changes[0])

/* Tries reads of committed transactions from a random one on. */
static bool change(unsigned kind)
{
    unsigned from = random_below(&run.random, run.n);

    for (unsigned i = 0; i < run.n; i++) {
        struct draft *draft = &run.drafts[(from + i) % run.n];

        for (unsigned j = 0; draft->outcome == TX_OUTCOME_COMMITTED && j < draft->ops_n; j++)
            if (!draft->ops[j].append && changes[kind](draft, &draft->ops[j]))
                return true;
    }
    return false;
}

static void test_accepts_and_rejects(void **state)
{
    struct cases cases = cases_chosen(CASES);
    unsigned changed[CHANGES_N] = {0};
    const char *name;

    (void)state;
    for (uint64_t seed = cases.from; seed < cases.to; seed++) {
        unsigned kind = (unsigned)(seed % CHANGES_N);

        run_all(seed);
        drafts_to_history(run.drafts, run.n, &history);
        if (count_anomalies(&history, &name) > 0) {
            print_history(&history);
            fail_msg("ASSENT_TEST_SEED=%llu: a good history has %s", (unsigned long long)seed,
                     name);
        }
        if (!change(kind))
            continue;
        changed[kind]++;
        drafts_to_history(run.drafts, run.n, &history);
        if (count_anomalies(&history, &name) == 0) {
            print_history(&history);
            fail_msg("ASSENT_TEST_SEED=%llu: change %u was not noticed", (unsigned long long)seed,
                     kind);
        }
    }
    history_deinit(&history);
    for (unsigned i = 0; i < CHANGES_N && cases.to - cases.from == CASES; i++)
        if (changed[i] < CASES / CHANGES_N / 2)
            fail_msg("change %u was possible in %u cases only", i, changed[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_accepts_and_rejects)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
