#include "plan_locks.h"

#include <string.h>

#define KEYS    200u /* of a keyspace */
#define KEYS_AT 8u   /* those that everybody wants */
#define LONG    300u /* bytes of a key that is kept by itself */

/* The whole store, then keyspaces: those of the bank and of the lists, and two of nobody's. */
static const char *const spaces[] = {
    "", "bank", "lists", "locks",
    "a-keyspace-with-a-name-that-is-about-as-long-as-such-a-name-can"};
#define LOCKS  3u
#define SPACES (sizeof spaces / sizeof spaces[0])

static uint64_t draw(struct sim *sim, uint64_t from, uint64_t to)
{
    return sim_random_between(&sim->locking, from, to);
}

static bool percent(struct sim *sim, unsigned share)
{
    return sim_random_percent(&sim->locking, share);
}

static enum tx_lock_mode mode_of_key(struct sim *sim)
{
    static const enum tx_lock_mode modes[] = {TX_LOCK_S, TX_LOCK_S, TX_LOCK_U, TX_LOCK_X};

    return modes[draw(sim, 0, 3)];
}

/* The stronger ones keep everybody else away. */
static enum tx_lock_mode mode_of_space(struct sim *sim)
{
    static const enum tx_lock_mode modes[] = {TX_LOCK_IS,  TX_LOCK_IS, TX_LOCK_IX, TX_LOCK_IX,
                                              TX_LOCK_SIX, TX_LOCK_S,  TX_LOCK_U,  TX_LOCK_X};

    return modes[draw(sim, 0, 7)];
}

static void add_lock(struct plan *plan, struct sim *sim, unsigned participant)
{
    struct plan_op *op = plan_add(plan, TX_OP_LOCK, PLAN_LOCKED, participant, 0);

    op->space = (unsigned)draw(sim, percent(sim, 5) ? 0 : 1, SPACES - 1);
    if (op->space > 0 && percent(sim, 75))
        op->item = (unsigned)draw(sim, 1, percent(sim, 90) ? KEYS_AT : KEYS);
    op->mode = op->item > 0 ? mode_of_key(sim) : mode_of_space(sim);
}

/* The same place again, in another mode: a conversion. */
static void convert(struct plan *plan, struct sim *sim)
{
    struct plan_op before = plan->ops[plan->ops_n - 1]; /* a LOCK */
    struct plan_op *op = plan_add(plan, TX_OP_LOCK, PLAN_LOCKED, before.participant, before.item);

    op->space = before.space;
    op->mode = op->item > 0 ? mode_of_key(sim) : mode_of_space(sim);
}

/* A write or a look at one of the keys, so that more than locks is to be kept. Never an INSERT:
 * that it finds its key would mean that something ran twice. */
static void add_other(struct plan *plan, struct sim *sim, unsigned participant)
{
    static const enum tx_op_type types[] = {TX_OP_PUT,   TX_OP_DELETE,         TX_OP_DELETE,
                                            TX_OP_CHECK, TX_OP_GET_FOR_UPDATE, TX_OP_GET};
    enum tx_op_type type = types[draw(sim, 0, 5)];
    unsigned item = (unsigned)draw(sim, 1, KEYS_AT);

    plan_add(plan, type, PLAN_LOCKED, participant, item)->space = LOCKS;
}

static void draw_some(struct plan *plan, struct sim *sim)
{
    uint64_t steps = draw(sim, 1, 4);

    while (steps-- > 0) {
        unsigned participant = (unsigned)draw(sim, 0, sim->options.participants - 1);
        uint64_t n = draw(sim, 1, 3);

        while (n-- > 0) {
            add_lock(plan, sim, participant);
            if (percent(sim, 30))
                convert(plan, sim);
            if (percent(sim, 20))
                add_other(plan, sim, participant);
        }
        plan_end_step(plan);
    }
}

/* More keys of one keyspace than the tables begin with. */
static void draw_many(struct plan *plan, struct sim *sim)
{
    unsigned participant = (unsigned)draw(sim, 0, sim->options.participants - 1);
    unsigned first = (unsigned)draw(sim, KEYS_AT, KEYS);
    uint64_t n = draw(sim, PLAN_LOCKS_MAX / 2, PLAN_LOCKS_MAX);
    enum tx_lock_mode mode = percent(sim, 50) ? TX_LOCK_S : TX_LOCK_X;

    for (unsigned i = 0; i < n; i++) {
        struct plan_op *op = plan_add(plan, TX_OP_LOCK, PLAN_LOCKED, participant, first + i);

        op->space = LOCKS;
        op->mode = mode;
    }
    plan_end_step(plan);
}

/* A transfer behind the locks: what only locks is over with its vote. */
static void add_transfer(struct plan *plan, struct sim *sim)
{
    int64_t amount = (int64_t)draw(sim, 1, 9);

    for (unsigned side = 0; side < 2; side++) {
        unsigned participant = (unsigned)draw(sim, 0, sim->options.participants - 1);
        unsigned item = (unsigned)draw(sim, 0, SIM_ACCOUNTS - 1);

        plan_add(plan, TX_OP_ADD, PLAN_BANK, participant, item)->number =
            side == 0 ? -amount : amount;
        plan_end_step(plan);
    }
}

void plan_locks_draw(struct plan *plan, struct sim *sim)
{
    plan->kind = PLAN_LOCK;
    plan->submit = percent(sim, 30);
    plan->aborts = !plan->submit && percent(sim, 8);
    plan->lock_timeout_ms = percent(sim, 40) ? (uint32_t)draw(sim, 1, 100) : 0;
    if (percent(sim, 10))
        draw_many(plan, sim);
    else
        draw_some(plan, sim);
    if (percent(sim, 60))
        add_transfer(plan, sim);
}

struct tx_op plan_locks_op(struct plan *plan, const struct plan_op *from)
{
    struct tx_op op = {
        .type = from->type, .space = tx_bytes_str(spaces[from->space]), .mode = from->mode};
    char *key;

    if (from->type == TX_OP_PUT)
        op.value = tx_bytes_str("1");
    if (from->type == TX_OP_CHECK)
        op.absent = true;

    if (from->item == 0)
        return op;
    if (from->space == 1 && from->item <= SIM_ACCOUNTS) {
        op.key = plan_account(from->item - 1);
        return op;
    }
    key = tx_arena_alloc(&plan->arena, LONG + 1, 1);
    TX_ASSERT(key != NULL);
    memset(key, 'k', LONG);
    snprintf(key, 16, "key-%u", from->item);
    op.key = tx_bytes(key, from->item % 16 == 7 ? LONG : strlen(key));
    return op;
}
