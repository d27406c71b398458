/* The waiters of one resource, in the order of service. */
#include "lockmgr/lock_queue.h"

#include "common/assert.h"
#include "lockmgr/lock_span.h"

#define TARGETS_MASK ((1u << TX_LOCK_MODES_N) - 1)

uint64_t lock_queue_class(enum tx_lock_mode held, enum tx_lock_mode target)
{
    return UINT64_C(1) << ((unsigned)held * TX_LOCK_MODES_N + (unsigned)target);
}

unsigned lock_queue_wanted(uint64_t class_bits)
{
    unsigned modes = 0;
    for (; class_bits != 0; class_bits >>= TX_LOCK_MODES_N) {
        modes |= (unsigned)(class_bits & TARGETS_MASK);
    }
    return modes;
}

struct lock_owner *lock_queue_owner(const struct tx_tree_node *node)
{
    size_t offset = offsetof(struct lock_owner, wait) + offsetof(struct lock_wait, node);
    return node == NULL ? NULL : (struct lock_owner *)(void *)((char *)(uintptr_t)node - offset);
}

static uint64_t classes_below(const struct tx_tree_node *root)
{
    return root == NULL ? 0 : lock_queue_owner(root)->wait.class_bits;
}

unsigned lock_queue_wanted_in(const struct tx_tree_node *root)
{
    return lock_queue_wanted(classes_below(root));
}

static bool node_before(const struct tx_tree_node *a, const struct tx_tree_node *b)
{
    return lock_owner_before(lock_queue_owner(a), lock_queue_owner(b));
}

static uint64_t node_priority(const struct tx_tree_node *node)
{
    return lock_queue_owner(node)->hash;
}

static bool node_update(struct tx_tree_node *node)
{
    struct lock_wait *wait = &lock_queue_owner(node)->wait;
    uint64_t before = wait->class_bits;
    wait->class_bits = wait->class_bit | classes_below(node->left) | classes_below(node->right);
    return wait->class_bits != before;
}

static const struct tx_tree_kind by_service = {
    .before = node_before, .priority = node_priority, .update = node_update};

void lock_queue_insert(struct tx_tree_node **root, struct lock_owner *owner)
{
    TX_ASSERT(owner->wait.class_bit != 0);
    tx_tree_insert(&by_service, root, &owner->wait.node);
}

void lock_queue_remove(struct tx_tree_node **root, struct lock_owner *owner)
{
    tx_tree_remove(&by_service, root, &owner->wait.node);
}

uint64_t lock_queue_ahead(const struct tx_tree_node *root, const struct lock_owner *owner)
{
    uint64_t ahead = 0;
    while (root != NULL) {
        const struct lock_owner *other = lock_queue_owner(root);
        if (lock_owner_before(other, owner)) {
            ahead |= other->wait.class_bit | classes_below(root->left);
            root = root->right;
        } else {
            root = root->left;
        }
    }
    return ahead;
}

uint64_t lock_queue_behind(const struct tx_tree_node *root, const struct lock_owner *owner)
{
    uint64_t behind = 0;
    while (root != NULL) {
        const struct lock_owner *other = lock_queue_owner(root);
        if (lock_owner_before(owner, other)) {
            behind |= other->wait.class_bit | classes_below(root->right);
            root = root->left;
        } else {
            root = root->right;
        }
    }
    return behind;
}

/* The first waiter of one of the given classes, and the classes of all before it. */
static struct lock_owner *first_of(const struct tx_tree_node *root, uint64_t classes,
                                   uint64_t *ahead)
{
    *ahead = 0;
    while (root != NULL) {
        if ((classes_below(root->left) & classes) != 0) {
            root = root->left;
            continue;
        }
        struct lock_owner *owner = lock_queue_owner(root);
        *ahead |= classes_below(root->left);
        if ((owner->wait.class_bit & classes) != 0) {
            return owner;
        }
        *ahead |= owner->wait.class_bit;
        root = root->right;
    }
    return NULL;
}

/* Those of the waiting classes that no hold stands against. */
static uint64_t classes_compatible(const struct lock_resource *resource)
{
    uint64_t compatible = 0;
    uint64_t left = classes_below(resource->queue);
    while (left != 0) {
        unsigned class_at = (unsigned)__builtin_ctzll(left);
        uint64_t class_bit = UINT64_C(1) << class_at;
        if (!lock_hold_conflicts(resource, class_at / TX_LOCK_MODES_N,
                                 class_at % TX_LOCK_MODES_N)) {
            compatible |= class_bit;
        }
        left &= ~class_bit;
    }
    return compatible;
}

struct lock_owner *lock_queue_first_free(const struct lock_resource *resource)
{
    uint64_t classes = classes_compatible(resource);
    while (classes != 0) {
        uint64_t ahead;
        struct lock_owner *owner = first_of(resource->queue, classes, &ahead);
        if (owner == NULL) {
            return NULL;
        }
        unsigned barred = lock_mode_conflict_set(owner->wait.target);
        if ((lock_queue_wanted(ahead) & barred) == 0 &&
            !lock_span_bars_key(resource, owner, owner->wait.target)) {
            return owner;
        }
        /* What bars the first of a class bars the rest of it. */
        classes &= ~owner->wait.class_bit;
    }
    return NULL;
}
