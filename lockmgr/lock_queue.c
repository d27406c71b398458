/* The waiters of one resource, oldest first. */
#include "lockmgr/lock_queue.h"

#include "common/assert.h"
#include "lockmgr/lock_internal.h"

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

static uint64_t classes_below(const struct lock_owner *root)
{
    return root == NULL ? 0 : root->wait.class_bits;
}

static void update(struct lock_owner *owner)
{
    owner->wait.class_bits =
        owner->wait.class_bit | classes_below(owner->wait.left) | classes_below(owner->wait.right);
}

/* Parts a tree into those older than the pivot and those younger. */
static void split(struct lock_owner *root, const struct lock_owner *pivot,
                  struct lock_owner **older, struct lock_owner **younger)
{
    if (root == NULL) {
        *older = NULL;
        *younger = NULL;
    } else if (lock_owner_older(root, pivot)) {
        split(root->wait.right, pivot, &root->wait.right, younger);
        *older = root;
        update(root);
    } else {
        split(root->wait.left, pivot, older, &root->wait.left);
        *younger = root;
        update(root);
    }
}

static struct lock_owner *merge(struct lock_owner *older, struct lock_owner *younger)
{
    if (older == NULL || younger == NULL) {
        return older != NULL ? older : younger;
    }
    if (older->hash > younger->hash) {
        older->wait.right = merge(older->wait.right, younger);
        update(older);
        return older;
    }
    younger->wait.left = merge(older, younger->wait.left);
    update(younger);
    return younger;
}

void lock_queue_insert(struct lock_owner **root, struct lock_owner *owner)
{
    TX_ASSERT(owner->wait.class_bit != 0 && *root != owner);
    if (*root == NULL || owner->hash > (*root)->hash) {
        split(*root, owner, &owner->wait.left, &owner->wait.right);
        *root = owner;
    } else {
        struct lock_wait *wait = &(*root)->wait;
        lock_queue_insert(lock_owner_older(owner, *root) ? &wait->left : &wait->right, owner);
    }
    update(*root);
}

void lock_queue_remove(struct lock_owner **root, struct lock_owner *owner)
{
    TX_ASSERT(*root != NULL);
    if (*root == owner) {
        *root = merge(owner->wait.left, owner->wait.right);
        owner->wait.left = NULL;
        owner->wait.right = NULL;
        return;
    }
    struct lock_wait *wait = &(*root)->wait;
    lock_queue_remove(lock_owner_older(owner, *root) ? &wait->left : &wait->right, owner);
    update(*root);
}

uint64_t lock_queue_ahead(const struct lock_owner *root, const struct lock_owner *owner)
{
    uint64_t ahead = 0;
    while (root != NULL) {
        if (lock_owner_older(root, owner)) {
            ahead |= root->wait.class_bit | classes_below(root->wait.left);
            root = root->wait.right;
        } else {
            root = root->wait.left;
        }
    }
    return ahead;
}

/* The oldest waiter of one of the given classes, and the classes of all older ones. */
static struct lock_owner *first_of(struct lock_owner *root, uint64_t classes, uint64_t *ahead)
{
    *ahead = 0;
    while (root != NULL) {
        if ((classes_below(root->wait.left) & classes) != 0) {
            root = root->wait.left;
            continue;
        }
        *ahead |= classes_below(root->wait.left);
        if ((root->wait.class_bit & classes) != 0) {
            return root;
        }
        *ahead |= root->wait.class_bit;
        root = root->wait.right;
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
        if ((lock_queue_wanted(ahead) & barred) == 0) {
            return owner;
        }
        /* What bars the oldest of a class bars the rest of it. */
        classes &= ~owner->wait.class_bit;
    }
    return NULL;
}
