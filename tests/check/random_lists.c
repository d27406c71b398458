/* Shared by the random tests of check_append. */
#include "random_lists.h"

#include "check_append.h"
#include "history_json.h"

#include <stdlib.h>

/* SplitMix64 (Steele, Lea, Flood, Fast Splittable Pseudorandom Number Generators, 2014). */
uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

unsigned random_below(struct random *random, unsigned n)
{
    TX_ASSERT(n > 0);
    return (unsigned)(random_next(random) % n);
}

bool random_percent(struct random *random, unsigned percent)
{
    return random_below(random, 100) < percent;
}

static void add_draft(struct history *history, const struct draft *draft, size_t number)
{
    struct history_op ops[LISTS_OPS_MAX];
    struct history_tx tx = {
        .process = number,
        .invoked_ns = draft->invoked_ns,
        .completed_ns = draft->outcome == TX_OUTCOME_UNKNOWN ? HISTORY_NEVER : draft->completed_ns,
        .outcome = draft->outcome,
        .id = {1, 1, number + 1},
        .ops = ops,
        .ops_n = draft->ops_n};

    for (unsigned i = 0; i < draft->ops_n; i++) {
        const struct draft_op *op = &draft->ops[i];
        char key[32];

        (void)snprintf(key, sizeof key, "p%u/lists/%u", op->key % 2, op->key);
        ops[i] = (struct history_op){.type = op->append ? HISTORY_APPEND : HISTORY_READ,
                                     .key = history_intern(history, key),
                                     .number = op->append ? op->element : 0,
                                     .known = !op->append,
                                     .list = op->list.elements,
                                     .list_n = op->append ? 0 : op->list.n};
    }
    history_add_tx(history, &tx);
}

void drafts_to_history(const struct draft *drafts, size_t n, struct history *history)
{
    history_clear(history);
    for (size_t i = 0; i < n; i++)
        add_draft(history, &drafts[i], i);
}

static void note_name(void *arg, const char *name, const char *witness)
{
    (void)witness;
    *(const char **)arg = name;
}

size_t count_anomalies(const struct history *history, const char **name)
{
    struct check_report report = {.anomaly = note_name, .arg = name};

    *name = "none";
    check_append(history, &report);
    return report.found;
}

void print_history(const struct history *history)
{
    if (history_write(history, stderr) != TX_OK)
        (void)fputs("the history cannot be printed\n", stderr);
}

struct cases cases_chosen(uint64_t n)
{
    const char *chosen = getenv("ASSENT_TEST_SEED");
    struct cases cases = {.to = n};

    if (chosen != NULL) {
        cases.from = strtoull(chosen, NULL, 10);
        cases.to = cases.from + 1;
    }
    return cases;
}
