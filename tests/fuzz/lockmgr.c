/* The lock manager under any sequence of correct calls: its invariants after each, and an event for
 * each request that had to wait. */
#include "fuzz.h"
#include "fuzz_input.h"

#include "common/assert.h"
#include "lockmgr/lock_list.h"

#define OWNERS    6u
#define STEPS_MAX 500u

struct one {
    struct lock_owner *owner;
    bool protected;
    bool wounded; /* told so */
    bool waiting; /* and no event yet */
};

struct target {
    struct fuzz_input in;
    struct lockmgr *mgr;
    struct lock_events events;
    struct one all[OWNERS];
    uint64_t now_us;
    uint64_t seq;
};

static struct one *find(struct target *t, const struct lock_owner *owner)
{
    for (size_t i = 0; i < OWNERS; i++) {
        if (t->all[i].owner == owner)
            return &t->all[i];
    }
    return NULL;
}

static void see_events(struct target *t)
{
    for (size_t i = 0; i < t->events.events_n; i++) {
        const struct lock_event *event = &t->events.events[i];
        struct one *one = find(t, event->owner);
        TX_ASSERT(one != NULL);
        if (event->type == LOCK_EVENT_WANTED) {
            TX_ASSERT(one->protected && !one->waiting);
        } else if (event->type == LOCK_EVENT_WOUNDED) {
            TX_ASSERT(!one->wounded && !one->protected);
            one->wounded = true;
        } else {
            TX_ASSERT(one->waiting);
        }
        one->waiting = false;
    }
    t->events.events_n = 0;
}

/* ---- what people see ---- */

static void count_held(void *arg, struct lock_name name, enum tx_lock_mode mode)
{
    size_t *n = arg;
    TX_ASSERT(mode != TX_LOCK_NONE && (name.range || name.to.len == 0));
    (*n)++;
}

static bool count_listed(void *arg, struct lock_name name, enum tx_lock_mode mode)
{
    count_held(arg, name, mode);
    return true;
}

/* In small pieces it is the same list; and who waits has somebody in its way. */
static void see_owner(const struct target *t, const struct lock_owner *owner)
{
    struct lock_place place = {0};
    struct lock_in_way in_way[OWNERS];
    size_t held_n = 0;
    size_t listed_n = 0;
    size_t looks;
    bool more;
    lockmgr_each_held(owner, count_held, &held_n);
    do
        looks = 2;
    while (!lockmgr_list_held(t->mgr, owner, &place, &looks, count_listed, &listed_n));
    TX_ASSERT(listed_n == held_n);
    looks = SIZE_MAX;
    TX_ASSERT((lockmgr_list_in_way(owner, in_way, OWNERS, &more, &looks) > 0) ==
              lockmgr_is_waiting(owner));
    TX_ASSERT(!more);
}

static struct lock_name some_name(struct target *t)
{
    uint8_t choice = fuzz_u8(&t->in);
    struct lock_name name = {.space = tx_bytes_str((choice & 1u) != 0 ? "s" : "t"),
                             .key = tx_bytes_str(&"k12"[choice >> 1 & 3u])};
    if (choice >= 224)
        name.space = tx_bytes(NULL, 0);
    if (choice >= 192)
        name.key = tx_bytes(NULL, 0);
    if (choice >= 128 && choice < 192) {
        /* From the key on, or from the first; up to a later one, or to the end. */
        name.range = true;
        name.to = (choice & 8u) != 0 ? tx_bytes_str("z") : tx_bytes(NULL, 0);
        if ((choice & 16u) != 0)
            name.key = tx_bytes(NULL, 0);
    }
    return name;
}

static void acquire(struct target *t, struct one *one)
{
    struct lock_name name = some_name(t);
    uint8_t choice = fuzz_u8(&t->in);
    enum tx_lock_mode mode = (enum tx_lock_mode)(1u + choice % (TX_LOCK_MODES_N - 1u));
    if (one->protected || lockmgr_is_waiting(one->owner))
        return;
    if (name.range)
        mode = TX_LOCK_S;
    else if (name.key.len > 0 && mode != TX_LOCK_S && mode != TX_LOCK_U)
        mode = TX_LOCK_X;
    bool wounded = one->wounded;
    switch (lockmgr_acquire(t->mgr, one->owner, name, mode, t->now_us,
                            choice >= 128 ? 1000u * choice : 0, &t->events)) {
    case LOCK_GRANTED: /* by its name, or by a lock above it */
        return;
    case LOCK_WAITING:
        one->waiting = !wounded;
        return;
    case LOCK_REFUSED:
    case LOCK_CONFLICT:
        return;
    }
}

static void release(struct target *t, struct one *one)
{
    struct lock_name name = some_name(t);
    if (lockmgr_is_waiting(one->owner))
        return;
    bool held = lockmgr_held(t->mgr, one->owner, name) != TX_LOCK_NONE;
    enum tx_error error = lockmgr_release(t->mgr, one->owner, name, &t->events);
    TX_ASSERT(held ? error == TX_OK || error == TX_ESTATE : error == TX_ENOTFOUND);
}

static void end(struct target *t, struct one *one)
{
    struct lock_owner *owner = one->owner;
    lockmgr_release_all(t->mgr, &owner, &t->events);
    TX_ASSERT(owner == NULL);
    *one = (struct one){0};
}

static void step(struct target *t)
{
    uint8_t choice = fuzz_u8(&t->in);
    struct one *one = &t->all[choice % OWNERS];
    struct lock_wait_info info;
    if (one->owner == NULL) {
        struct tx_age age = {1u + fuzz_below(&t->in, 16), 1};
        one->owner = lockmgr_begin(t->mgr, (struct tx_id){1, 1, ++t->seq}, age);
    } else if (choice < 150) {
        acquire(t, one);
    } else if (choice < 180) {
        release(t, one);
    } else if (choice < 210) {
        end(t, one);
    } else if (choice < 220) {
        lockmgr_cancel(t->mgr, one->owner, &t->events);
        one->waiting = false;
    } else if (choice < 235) {
        if (!lockmgr_is_waiting(one->owner) && !one->wounded) {
            lockmgr_protect(t->mgr, one->owner);
            one->protected = true;
        }
    } else {
        t->now_us += fuzz_duration_us(&t->in);
        lockmgr_expire(t->mgr, t->now_us, &t->events);
        TX_ASSERT(lockmgr_next_deadline(t->mgr) > t->now_us);
    }
    see_events(t);
    lockmgr_check(t->mgr);
    for (size_t i = 0; i < OWNERS; i++) {
        bool waiting = t->all[i].owner != NULL && lockmgr_is_waiting(t->all[i].owner);
        TX_ASSERT(waiting == t->all[i].waiting);
        TX_ASSERT(!waiting || lockmgr_wait_info(t->mgr, t->all[i].owner, &info));
        if (t->all[i].owner != NULL)
            see_owner(t, t->all[i].owner);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct target t = {.in = {.bytes = tx_bytes(data, size)}, .now_us = 1};
    struct lockmgr_options options = {.locks_max = 4u + fuzz_below(&t.in, 32),
                                      .wait_timeout_us = 50000};
    uint8_t choice = fuzz_u8(&t.in);
    options.policy = (enum tx_lock_policy)(choice % TX_LOCK_POLICIES_N);
    options.escalate_at = choice >> 2 & 7u;
    t.mgr = lockmgr_new(&options);
    for (unsigned i = 0; i < STEPS_MAX && !fuzz_input_ended(&t.in); i++)
        step(&t);
    for (size_t i = 0; i < OWNERS; i++) {
        if (t.all[i].owner != NULL)
            end(&t, &t.all[i]);
        see_events(&t);
    }
    struct lockmgr_stats stats = lockmgr_stats(t.mgr);
    TX_ASSERT(stats.owners == 0 && stats.held == 0 && stats.waiting == 0);
    lockmgr_destroy(&t.mgr);
    lock_events_deinit(&t.events);
    return 0;
}
