/* LOCKS: the lock table in pages, for an operator.
 *
 * A page costs the transactions that are open here (the way to the place), at most PART_LOCKS_LOOKS
 * locks and waiters looked at, and those that stand around one more waiter; however large the table
 * is. What does not fit is asked for again, from the place where it goes on. */
#include "participant/part_internal.h"

#include "common/page.h"
#include "common/times.h"
#include "lockmgr/lock_list.h"

#define PART_LOCKS_LOOKS 20000u
/* More than a row takes on the wire without its names, and than one that is in its way. */
#define ROW_BYTES     120u
#define BLOCKER_BYTES 64u

struct listing {
    struct part_core *core;
    const struct tx_msg_locks_request *request;
    const struct part_tx *tx; /* whose locks are being listed */
    struct lock_place place;  /* among them */
    struct tx_page page;
    struct tx_lock_row *rows;
};

static bool is_wanted(const struct listing *listing, struct lock_name name)
{
    struct tx_bytes space = listing->request->space;
    return space.len == 0 || tx_bytes_equal(space, name.space);
}

/* The next row, with all but what is said of waiters; NULL when it does not fit any more. */
static struct tx_lock_row *add_row(struct listing *listing, struct lock_name name,
                                   enum tx_lock_mode mode, size_t blockers_n)
{
    struct part_core *core = listing->core;
    const struct part_tx *tx = listing->tx;
    size_t bytes =
        ROW_BYTES + name.space.len + name.key.len + name.to.len + blockers_n * BLOCKER_BYTES;
    if (!tx_page_add(&listing->page, bytes))
        return NULL;
    struct tx_lock_row *row = &listing->rows[listing->page.n - 1];
    *row = (struct tx_lock_row){
        .id = tx->id,
        .age = tx->age,
        .state = tx_bytes_str(part_state_text(tx->state)),
        .age_ms = tx_ms_between(tx->since_us, core->now_us),
        .space = part_copy(&core->out->arena, name.space),
        .key = part_copy(&core->out->arena, name.key),
        .to = part_copy(&core->out->arena, name.to),
        .range = name.range,
        .mode = mode,
    };
    return row;
}

static bool add_held(void *arg, struct lock_name name, enum tx_lock_mode mode)
{
    struct listing *listing = arg;
    return !is_wanted(listing, name) || add_row(listing, name, mode, 0) != NULL;
}

static void add_blockers(struct listing *listing, struct tx_lock_row *row,
                         const struct lock_in_way *in_way, size_t n)
{
    struct part_core *core = listing->core;
    struct tx_lock_blocker *blockers = part_alloc(&core->out->arena, n, sizeof *blockers);
    for (size_t i = 0; i < n; i++) {
        const struct part_tx *tx = part_tx_find(core, in_way[i].tx);
        TX_ASSERT(tx != NULL); /* whoever holds a lock is in the table */
        blockers[i] = (struct tx_lock_blocker){
            .id = tx->id,
            .state = tx_bytes_str(part_state_text(tx->state)),
            .age_ms = tx_ms_between(tx->since_us, core->now_us),
            .mode = in_way[i].mode,
            .waits = in_way[i].waits,
            .range = in_way[i].range,
        };
    }
    row->blockers = blockers;
    row->blockers_n = n;
}

/* What the transaction waits for, if it does; false when that does not fit any more. */
static bool add_waiting(struct listing *listing)
{
    struct lock_wanted wanted;
    struct lock_in_way in_way[TX_LOCK_BLOCKERS_MAX];
    bool more;
    if (!lockmgr_list_wanted(listing->tx->owner, &wanted) || !is_wanted(listing, wanted.name))
        return true;
    size_t n = lockmgr_list_in_way(listing->tx->owner, in_way, TX_LOCK_BLOCKERS_MAX, &more,
                                   &listing->page.looks);
    struct tx_lock_row *row = add_row(listing, wanted.name, wanted.mode, n);
    if (row == NULL)
        return false;
    row->waiting = true;
    row->waited_ms = tx_ms_between(wanted.since_us, listing->core->now_us);
    row->blockers_more = more;
    add_blockers(listing, row, in_way, n);
    return true;
}

/* The locks of one transaction from the place on; false when the page is full before their end. */
static bool add_tx(struct listing *listing)
{
    if (!tx_page_look(&listing->page, 1)) /* so that those who hold nothing count, too */
        return false;
    if (!listing->request->waiting &&
        !lockmgr_list_held(listing->core->locks, listing->tx->owner, &listing->place,
                           &listing->page.looks, add_held, listing))
        return false;
    return add_waiting(listing);
}

/* The place at which the request goes on with this transaction. */
static struct lock_place place_in(const struct tx_locks_place *from, const struct part_tx *tx)
{
    if (from->serial != tx->serial)
        return (struct lock_place){0};
    return (struct lock_place){
        .passed = from->passed,
        .skip = from->skip,
        .last = {.space = from->space, .key = from->key, .to = from->to, .range = from->range},
    };
}

/* Fills the page; gives the transaction with which the next one goes on, NULL for none. */
static const struct part_tx *fill(struct listing *listing)
{
    const struct tx_msg_locks_request *request = listing->request;
    const struct part_core *core = listing->core;
    const bool one = tx_id_valid(request->tx);
    const struct part_tx *only = one ? part_tx_find(core, request->tx) : NULL;
    if (one && only == NULL)
        return NULL;
    for (const struct part_link *l = one ? &only->in_live : core->live.next;
         l != NULL && l != &core->live; l = one ? NULL : l->next) {
        const struct part_tx *tx = PART_CONTAINER(l, struct part_tx, in_live);
        if (tx->serial < request->from.serial || tx->owner == NULL)
            continue;
        listing->tx = tx;
        listing->place = place_in(&request->from, tx);
        if (!add_tx(listing))
            return tx;
    }
    return NULL;
}

static struct tx_locks_place next_place(struct listing *listing, const struct part_tx *tx)
{
    struct tx_arena *arena = &listing->core->out->arena;
    const struct lock_place *place = &listing->place;
    return (struct tx_locks_place){
        .incarnation = listing->core->options.incarnation,
        .serial = tx->serial,
        .passed = place->passed,
        .skip = place->skip,
        .range = place->last.range,
        .space = part_copy(arena, place->last.space),
        .key = part_copy(arena, place->last.key),
        .to = part_copy(arena, place->last.to),
    };
}

void part_on_locks(struct part_core *core, uint64_t client,
                   const struct tx_msg_locks_request *request)
{
    if (request->from.serial > 0 && request->from.incarnation != core->options.incarnation) {
        part_reply_error(core, client, request->req, TX_ESTATE, TX_REASON_RESTARTED,
                         tx_bytes_str("the participant has restarted since the list of locks "
                                      "began: begin anew"));
        return;
    }
    struct listing listing = {
        .core = core,
        .request = request,
        .page = tx_page_begin(request->limit, PART_LOCKS_LOOKS),
    };
    listing.rows = part_alloc(&core->out->arena, listing.page.n_max, sizeof *listing.rows);
    const struct part_tx *next = fill(&listing);
    struct tx_msg msg = {.type = TX_MSG_LOCKS};
    msg.locks.req = request->req;
    msg.locks.rows = listing.rows;
    msg.locks.rows_n = listing.page.n;
    msg.locks.more = next != NULL;
    if (next != NULL)
        msg.locks.next = next_place(&listing, next);
    part_reply(core, client, &msg);
}
