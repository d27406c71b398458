/* check_append against the definition: a history is strictly serializable when there is an order of
 * its committed transactions, in line with real time, that explains every read. For small histories
 * all orders are tried, and the two must agree. ASSENT_TEST_SEED=N runs case N alone. */
#include "random_lists.h"

#include "tests/common/test.h"

#include <string.h>

#ifndef CASES /* fewer where a sanitizer makes them slow */
#define CASES 60000
#endif
#define TXS_MAX  5
#define KEYS_MAX 3

struct world {
    struct random random;
    struct draft drafts[TXS_MAX + 1]; /* the last one reads everything, or is not there */
    unsigned n;
    unsigned keys;
    struct list lists[KEYS_MAX]; /* all appends that took effect */
};

static struct world world;
static struct history history;

/* ---- small histories, right and wrong ---- */

static void draw_tx(struct draft *draft, int64_t *elements)
{
    unsigned outcome = random_below(&world.random, 10);

    *draft = (struct draft){.ops_n = 1 + random_below(&world.random, 3),
                            .invoked_ns = random_below(&world.random, 20)};
    draft->completed_ns = draft->invoked_ns + 1 + random_below(&world.random, 12);
    draft->outcome = outcome == 0   ? TX_OUTCOME_ABORTED
                     : outcome <= 2 ? TX_OUTCOME_UNKNOWN
                                    : TX_OUTCOME_COMMITTED;
    for (unsigned i = 0; i < draft->ops_n; i++) {
        draft->ops[i].append = random_percent(&world.random, 50);
        draft->ops[i].key = random_below(&world.random, world.keys);
        draft->ops[i].element = (*elements)++;
    }
}

/* Executes a transaction on its own copy of the lists, `copy`. */
static void execute(struct draft *draft, struct list *copy)
{
    for (unsigned i = 0; i < draft->ops_n; i++) {
        struct draft_op *op = &draft->ops[i];
        struct list *list = &copy[op->key];

        if (op->append)
            list->elements[list->n++] = op->element;
        else
            op->list = *list;
    }
}

static void append_all(const struct draft *draft)
{
    for (unsigned i = 0; i < draft->ops_n; i++)
        if (draft->ops[i].append) {
            struct list *list = &world.lists[draft->ops[i].key];

            list->elements[list->n++] = draft->ops[i].element;
        }
}

/* Runs them one after the other; with chance `stale_percent` a list is seen in an older version, so
 * that every anomaly of isolation comes up. */
static void execute_all(unsigned stale_percent)
{
    for (unsigned i = 0; i < world.n; i++) {
        struct draft *draft = &world.drafts[i];
        struct list copy[KEYS_MAX];

        memcpy(copy, world.lists, sizeof copy);
        for (unsigned key = 0; key < world.keys; key++)
            if (random_percent(&world.random, stale_percent) && copy[key].n > 0)
                copy[key].n = random_below(&world.random, copy[key].n + 1);
        execute(draft, copy);
        if (draft->outcome == TX_OUTCOME_COMMITTED ||
            (draft->outcome == TX_OUTCOME_UNKNOWN && random_percent(&world.random, 50)) ||
            random_percent(&world.random, stale_percent / 4))
            append_all(draft);
    }
}

/* Exchanges two neighbours of a list, behind the back of those who have read it. */
static void shuffle(void)
{
    struct list *list = &world.lists[random_below(&world.random, world.keys)];
    uint32_t at;
    int64_t element;

    if (list->n < 2)
        return;
    at = random_below(&world.random, list->n - 1);
    element = list->elements[at];
    list->elements[at] = list->elements[at + 1];
    list->elements[at + 1] = element;
}

static void read_everything(void)
{
    struct draft *draft = &world.drafts[world.n++];

    *draft = (struct draft){.invoked_ns = 100,
                            .completed_ns = 101,
                            .outcome = TX_OUTCOME_COMMITTED,
                            .ops_n = world.keys};
    for (unsigned key = 0; key < world.keys; key++)
        draft->ops[key] = (struct draft_op){.key = key, .list = world.lists[key]};
}

static void draw(uint64_t seed, bool all_read)
{
    int64_t elements = 1;

    memset(&world, 0, sizeof world);
    world.random.state = seed;
    world.keys = 1 + random_below(&world.random, KEYS_MAX);
    world.n = 2 + random_below(&world.random, TXS_MAX - 1);
    for (unsigned i = 0; i < world.n; i++)
        draw_tx(&world.drafts[i], &elements);
    execute_all(random_percent(&world.random, 40) ? 0 : 30);
    if (random_percent(&world.random, 10))
        shuffle();
    if (all_read)
        read_everything();
}

/* ---- all orders ---- */

static bool same(const struct list *a, const struct list *b)
{
    return a->n == b->n && memcmp(a->elements, b->elements, a->n * sizeof a->elements[0]) == 0;
}

/* Runs it on the lists; false when it would have read something else. */
static bool explains(const struct draft *draft, struct list *lists)
{
    for (unsigned i = 0; i < draft->ops_n; i++) {
        const struct draft_op *op = &draft->ops[i];
        struct list *list = &lists[op->key];

        if (op->append)
            list->elements[list->n++] = op->element;
        else if (!same(list, &op->list))
            return false;
    }
    return true;
}

/* May this one come next, when those in `left` have not come yet? */
static bool may_come(unsigned i, unsigned left)
{
    for (unsigned j = 0; j < world.n; j++)
        if ((left & 1u << j) != 0 && j != i && world.drafts[j].outcome == TX_OUTCOME_COMMITTED &&
            world.drafts[j].completed_ns <= world.drafts[i].invoked_ns)
            return false;
    return true;
}

/* Is there an order of those in `left` that goes on from these lists? Unknown ones may be left
 * out. */
static bool ordered(unsigned left, const struct list *lists)
{
    unsigned must = 0;

    for (unsigned i = 0; i < world.n; i++)
        must |= world.drafts[i].outcome == TX_OUTCOME_COMMITTED ? 1u << i : 0;
    if ((left & must) == 0)
        return true;
    for (unsigned i = 0; i < world.n; i++) {
        struct list next[KEYS_MAX];

        if ((left & 1u << i) == 0 || !may_come(i, left))
            continue;
        memcpy(next, lists, sizeof next);
        if (explains(&world.drafts[i], next) && ordered(left & ~(1u << i), next))
            return true;
    }
    return false;
}

static bool serializable(void)
{
    struct list empty[KEYS_MAX];
    unsigned all = 0;

    memset(empty, 0, sizeof empty);
    for (unsigned i = 0; i < world.n; i++)
        all |= world.drafts[i].outcome != TX_OUTCOME_ABORTED ? 1u << i : 0;
    return ordered(all, empty);
}

/* ---- */

static void compare_all(bool all_read)
{
    struct cases cases = cases_chosen(CASES);
    uint64_t good = 0;
    const char *name;

    for (uint64_t seed = cases.from; seed < cases.to; seed++) {
        bool right, accepted;

        draw(seed, all_read);
        right = serializable();
        drafts_to_history(world.drafts, world.n, &history);
        accepted = count_anomalies(&history, &name) == 0;
        if (right != accepted) {
            print_history(&history);
            fail_msg("ASSENT_TEST_SEED=%llu: %s, and the checker found %s",
                     (unsigned long long)seed, right ? "there is an order" : "there is no order",
                     name);
        }
        good += right;
    }
    print_message("%llu of %llu are strictly serializable\n", (unsigned long long)good,
                  (unsigned long long)(cases.to - cases.from));
    if (cases.to - cases.from == CASES)
        assert_in_range(good, CASES / 5, CASES * 4 / 5);
}

static void test_everything_was_read(void **state)
{
    (void)state;
    compare_all(true);
}

/* Appends that no read shows may stand in any order behind what was read. */
static void test_not_everything_was_read(void **state)
{
    (void)state;
    compare_all(false);
}

static int tidy(void **state)
{
    (void)state;
    history_deinit(&history);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_everything_was_read),
                                       cmocka_unit_test(test_not_everything_was_read)};

    return cmocka_run_group_tests(tests, NULL, tidy);
}
