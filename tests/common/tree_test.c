/* Trees: order, heap and what nodes know of their subtrees, against an array; searching. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/tree.h"

#include <string.h>

#define ITEMS 200

struct item {
    struct tx_tree_node node; /* the first member */
    int key;
    int weight, most; /* its own, and the greatest of its subtree */
    bool in;
};

static struct item items[ITEMS];

static struct item *at(const struct tx_tree_node *node)
{
    return (struct item *)(void *)(uintptr_t)node;
}

static bool before(const struct tx_tree_node *a, const struct tx_tree_node *b)
{
    return at(a)->key < at(b)->key;
}

/* Some are equal, which must do no harm. */
static uint64_t priority(const struct tx_tree_node *node)
{
    return (uint64_t)at(node)->key * UINT64_C(0x9e3779b97f4a7c15) >> 58;
}

static int most_of(const struct tx_tree_node *node)
{
    return node == NULL ? 0 : at(node)->most;
}

static int greater(int a, int b)
{
    return a > b ? a : b;
}

/* It often stays as it was when something below changes, and nothing above is looked at then. */
static bool find_most(struct tx_tree_node *node)
{
    struct item *item = at(node);
    int old = item->most;
    item->most = greater(item->weight, greater(most_of(node->left), most_of(node->right)));
    return item->most != old;
}

static const struct tx_tree_kind kind = {
    .before = before, .priority = priority, .update = find_most};

static int check(const struct tx_tree_node *node, int from, int to)
{
    if (node == NULL) {
        return 0;
    }
    const struct item *item = at(node);
    assert_true(item->in && item->key > from && item->key < to);
    assert_true(node->left == NULL || priority(node->left) <= priority(node));
    assert_true(node->right == NULL || priority(node->right) <= priority(node));
    int below = greater(check(node->left, from, item->key), check(node->right, item->key, to));
    assert_int_equal(item->most, greater(item->weight, below));
    return item->most;
}

static int probe(const void *sought, const struct tx_tree_node *node)
{
    return *(const int *)sought - at(node)->key;
}

static void check_searches(struct tx_tree_node *root)
{
    for (int key = -1; key <= ITEMS; key++) {
        const struct tx_tree_node *found = tx_tree_find(root, probe, &key);
        const struct tx_tree_node *after = tx_tree_at_or_after(root, probe, &key);
        const struct tx_tree_node *last = tx_tree_before(root, probe, &key);
        int next = key < 0 ? 0 : key;
        while (next < ITEMS && !items[next].in) {
            next++;
        }
        int previous = key - 1;
        while (previous >= 0 && !items[previous].in) {
            previous--;
        }
        assert_ptr_equal(after, next < ITEMS ? &items[next].node : NULL);
        assert_ptr_equal(last, previous >= 0 ? &items[previous].node : NULL);
        assert_ptr_equal(found, next == key && next < ITEMS ? &items[key].node : NULL);
    }
}

static void insert_remove_refresh(void **state)
{
    (void)state;
    struct tx_tree_node *root = NULL;
    uint64_t random = 1;
    for (int i = 0; i < ITEMS; i++) {
        items[i] = (struct item){.key = i, .weight = 1};
    }
    for (int step = 0; step < 5000; step++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        struct item *item = &items[(random >> 33) % ITEMS];
        if (!item->in) {
            item->weight = (int)(random >> 50) % 100;
            tx_tree_insert(&kind, &root, &item->node);
            item->in = true;
        } else if ((random >> 60) % 2 == 0) {
            tx_tree_remove(&kind, &root, &item->node);
            item->in = false;
        } else {
            item->weight = (int)(random >> 50) % 100;
            tx_tree_refresh(&kind, root, &item->node);
        }
        (void)check(root, -1, ITEMS);
        if (step % 100 == 0) {
            check_searches(root);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(insert_remove_refresh)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
