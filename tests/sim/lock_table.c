#include "lock_table.h"

#include "lockmgr/lock_list.h"
#include "lockmgr/lock_mode.h"
#include "lockmgr/lockmgr.h"

#define OWNERS_MAX   16u
#define LONG         120u /* bytes of a key that no pool holds */
#define CHECK_STRIDE 8u

struct user {
    struct lock_owner *owner;
    bool is_protected, wounded;
    bool waiting; /* and no event yet */
    struct lock_name name;
    enum tx_lock_mode mode; /* of what it waits for */
};

struct table {
    struct sim *sim;
    struct lockmgr *mgr;
    struct lock_events events;
    struct user users[OWNERS_MAX];
    uint64_t now, seq;
};

static uint64_t draw(const struct table *table, uint64_t from, uint64_t to)
{
    return sim_random_between(&table->sim->locking, from, to);
}

static void wrong(const struct table *table, const char *what)
{
    sim_fail(table->sim, "lock table: %s", what);
}

static struct user *user_of(struct table *table, const struct lock_owner *owner)
{
    for (size_t i = 0; i < OWNERS_MAX; i++) {
        if (table->users[i].owner == owner)
            return &table->users[i];
    }
    wrong(table, "an event of somebody who is gone");
    return NULL;
}

/* What was asked for is held now, at least in that mode, there or above. */
static void granted(const struct table *table, const struct user *user)
{
    struct lock_name space = {.space = user->name.space}, store = {.range = false};
    enum tx_lock_mode held = lockmgr_held(table->mgr, user->owner, user->name);

    if (lock_mode_covers(held, user->mode) ||
        lock_mode_covers_below(lockmgr_held(table->mgr, user->owner, space), user->mode) ||
        lock_mode_covers_below(lockmgr_held(table->mgr, user->owner, store), user->mode))
        return;
    wrong(table, "granted, and not held");
}

static void see_event(struct table *table, const struct lock_event *event)
{
    struct user *user = user_of(table, event->owner);

    if (user == NULL)
        return;
    switch (event->type) {
    case LOCK_EVENT_WANTED:
        if (!user->is_protected || user->waiting)
            wrong(table, "wanted from one that is not protected");
        return;
    case LOCK_EVENT_WOUNDED:
        if (user->is_protected || user->wounded || !lockmgr_is_wounded(user->owner))
            wrong(table, "wounded twice, or although protected");
        user->wounded = true;
        break;
    case LOCK_EVENT_GRANTED:
        granted(table, user);
        /* fall through */
    case LOCK_EVENT_TIMED_OUT:
    case LOCK_EVENT_CONFLICT:
        if (!user->waiting)
            wrong(table, "the end of a wait that was none");
        break;
    }
    user->waiting = false;
}

static struct lock_name some_name(const struct table *table)
{
    static const char *const spaces[] = {"s", "t"};
    static const char keys[][LONG] = {"k", "l", "m", ""};
    struct lock_name name = {.space = tx_bytes_str(spaces[draw(table, 0, 1)])};
    uint64_t key = draw(table, 0, 3), level = draw(table, 0, 12);

    name.key = tx_bytes(keys[key], key < 3 ? 1 : LONG);
    if (level < 3)
        name.key = tx_bytes(NULL, 0);
    if (level == 0)
        name.space = tx_bytes(NULL, 0);
    if (level >= 10) {
        name.range = true;
        if (key == 3 || draw(table, 0, 1) == 0)
            name.key = tx_bytes(NULL, 0);
        if (draw(table, 0, 1) == 0)
            name.to = tx_bytes_str("n");
    }
    return name;
}

/* ---- calls ---- */

static void begin(struct table *table, struct user *user)
{
    struct tx_age age = {draw(table, 1, 20), 1};

    *user =
        (struct user){.owner = lockmgr_begin(table->mgr, (struct tx_id){1, 1, ++table->seq}, age)};
}

/* For what the user names. */
static void ask(struct table *table, struct user *user, uint64_t timeout_us)
{
    switch (lockmgr_acquire(table->mgr, user->owner, user->name, user->mode, table->now, timeout_us,
                            &table->events)) {
    case LOCK_GRANTED:
        granted(table, user);
        return;
    case LOCK_WAITING:
        user->waiting = !user->wounded;
        return;
    case LOCK_REFUSED:
    case LOCK_CONFLICT:
        return;
    }
}

static void acquire(struct table *table, struct user *user)
{
    uint64_t timeout_us = draw(table, 0, 1) == 0 ? 0 : draw(table, 1, 50000);

    if (user->is_protected || user->waiting)
        return;
    user->name = some_name(table);
    user->mode = (enum tx_lock_mode)draw(table, TX_LOCK_IS, TX_LOCK_X);
    if (user->name.range)
        user->mode = TX_LOCK_S;
    else if (user->name.key.len > 0 && user->mode != TX_LOCK_S && user->mode != TX_LOCK_U)
        user->mode = TX_LOCK_X;
    if (draw(table, 0, 49) == 0)
        timeout_us = UINT64_MAX; /* for ever */
    ask(table, user, timeout_us);
}

/* One range beside the other, up to as many as there are letters; then some of them go, in any
 * order. */
static void collect(struct table *table, struct user *user)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    uint64_t n = draw(table, 2, sizeof letters - 2), first = draw(table, 0, n - 1);
    struct lock_name name = {.space = tx_bytes_str("s"), .range = true};

    for (uint64_t i = 0; i < n && !user->is_protected && !user->waiting && !user->wounded; i++) {
        name.key = tx_bytes(&letters[i], 1);
        name.to = tx_bytes(&letters[i + 1], 1);
        user->name = name;
        user->mode = TX_LOCK_S;
        ask(table, user, 0);
    }
    for (uint64_t i = 0; i < n && !user->waiting; i++) {
        uint64_t at = (first + 7 * i) % n;

        name.key = tx_bytes(&letters[at], 1);
        name.to = tx_bytes(&letters[at + draw(table, 1, 2) % (sizeof letters - 1 - at)], 1);
        if (tx_bytes_compare(name.key, name.to) < 0 &&
            lockmgr_held(table->mgr, user->owner, name) == TX_LOCK_S && draw(table, 0, 1) == 0 &&
            lockmgr_release(table->mgr, user->owner, name, &table->events) != TX_OK)
            wrong(table, "a range that is held, and cannot be released");
    }
}

static void trim(struct table *table, const struct user *user)
{
    struct lock_name whole = some_name(table), part = whole;

    if (user->waiting || !whole.range)
        return;
    if (whole.to.len == 0)
        part.to = tx_bytes_str("n"); /* behind all keys */
    else if (whole.key.len == 0)
        part.key = tx_bytes_str("k"); /* the first of them */
    if (lockmgr_held(table->mgr, user->owner, whole) == TX_LOCK_NONE)
        return;
    if (lockmgr_trim(table->mgr, user->owner, whole, part, &table->events) != TX_OK ||
        lockmgr_held(table->mgr, user->owner, part) != TX_LOCK_S)
        wrong(table, "a range that was not trimmed");
}

static void release(struct table *table, const struct user *user)
{
    struct lock_name name = some_name(table);
    enum tx_lock_mode held = lockmgr_held(table->mgr, user->owner, name);
    enum tx_error error;

    if (user->waiting)
        return;
    error = lockmgr_release(table->mgr, user->owner, name, &table->events);
    if (held == TX_LOCK_NONE ? error != TX_ENOTFOUND : error != TX_OK && error != TX_ESTATE)
        wrong(table, "a release with an odd answer");
    if (error == TX_OK && lockmgr_held(table->mgr, user->owner, name) != TX_LOCK_NONE)
        wrong(table, "released, and still held");
}

static void protect(struct table *table, struct user *user)
{
    if (user->waiting || user->wounded)
        return;
    lockmgr_protect(table->mgr, user->owner);
    user->is_protected = true;
}

static void cancel(struct table *table, struct user *user)
{
    lockmgr_cancel(table->mgr, user->owner, &table->events);
    user->waiting = false;
}

static void end(struct table *table, struct user *user)
{
    lockmgr_release_all(table->mgr, &user->owner, &table->events);
    *user = (struct user){0};
}

static void expire(struct table *table)
{
    table->now += draw(table, 1, 30000);
    lockmgr_expire(table->mgr, table->now, &table->events);
    if (lockmgr_next_deadline(table->mgr) <= table->now)
        wrong(table, "a deadline has passed, and its request still waits");
}

/* ---- the table in pieces ---- */

struct listing {
    const struct table *table;
    const struct lock_owner *owner;
    uint64_t stop; /* after so many */
};

static bool see_held(void *arg, struct lock_name name, enum tx_lock_mode mode)
{
    struct listing *listing = arg;

    if (lockmgr_held(listing->table->mgr, listing->owner, name) != mode)
        wrong(listing->table, "a list shows a lock that is not held so");
    return listing->stop-- > 0;
}

/* In two pieces, the second one from a place that may have gone meanwhile. */
static void list_held(struct table *table, struct user *user)
{
    struct listing listing = {table, user->owner, draw(table, 0, 5)};
    struct lock_place place = {0};
    size_t looks = (size_t)draw(table, 0, 6);

    if (lockmgr_list_held(table->mgr, user->owner, &place, &looks, see_held, &listing))
        return;
    if (draw(table, 0, 2) == 0)
        place.last = some_name(table); /* that may be gone, or never was */
    listing.stop = UINT64_MAX;
    looks = 1000;
    if (!lockmgr_list_held(table->mgr, user->owner, &place, &looks, see_held, &listing))
        wrong(table, "a list without an end");
}

static void list_waiting(struct table *table, const struct user *user)
{
    struct lock_in_way in_way[OWNERS_MAX];
    struct lock_wanted wanted;
    size_t looks = (size_t)draw(table, 0, 20);
    size_t max = (size_t)draw(table, 1, OWNERS_MAX), n;
    bool more, waits = lockmgr_list_wanted(user->owner, &wanted);

    n = lockmgr_list_in_way(user->owner, in_way, max, &more, &looks);
    if (waits != user->waiting || (n > 0) != user->waiting || n > max)
        wrong(table, "a list shows a wait for nobody, or none where there is one");
    for (size_t i = 0; i < n; i++) {
        if (tx_id_equal(in_way[i].tx, lock_owner_tx(user->owner)))
            wrong(table, "a list shows somebody in his own way");
    }
}

static void call(struct table *table)
{
    struct user *user = &table->users[draw(table, 0, OWNERS_MAX - 1)];
    uint64_t which = draw(table, 0, 99);

    if (user->owner == NULL)
        begin(table, user);
    else if (which < 60)
        acquire(table, user);
    else if (which < 70)
        release(table, user);
    else if (which < 72)
        list_held(table, user);
    else if (which < 73)
        list_waiting(table, user);
    else if (which < 75)
        trim(table, user);
    else if (which < 80)
        cancel(table, user);
    else if (which < 83)
        protect(table, user);
    else if (which < 90)
        expire(table);
    else if (which < 92)
        collect(table, user);
    else
        end(table, user);
}

static void check(const struct table *table)
{
    lockmgr_check(table->mgr);
    for (size_t i = 0; i < OWNERS_MAX; i++) {
        const struct user *user = &table->users[i];
        struct lock_wait_info info;

        if (user->owner == NULL)
            continue;
        if (lockmgr_is_waiting(user->owner) != user->waiting)
            wrong(table, "a wait that nobody was told of, or its end");
        if (lockmgr_wait_info(table->mgr, user->owner, &info) != user->waiting)
            wrong(table, "a wait without somebody who is waited for");
    }
}

void sim_lock_table(struct sim *sim, uint64_t calls)
{
    struct table table = {.sim = sim, .now = 1};
    struct lockmgr_options options = {.wait_timeout_us = 20000};

    options.locks_max = draw(&table, 0, 3) == 0 ? draw(&table, 6, 20) : 1000;
    options.policy = (enum tx_lock_policy)draw(&table, 0, TX_LOCK_POLICIES_N - 1);
    options.escalate_at = draw(&table, 0, 2) == 0 ? draw(&table, 1, 4) : 0;
    table.mgr = lockmgr_new(&options);
    for (uint64_t i = 0; i < calls; i++) {
        call(&table);
        for (size_t j = 0; j < table.events.events_n; j++)
            see_event(&table, &table.events.events[j]);
        table.events.events_n = 0;
        if (i % CHECK_STRIDE == 0)
            check(&table);
    }
    for (size_t i = 0; i < OWNERS_MAX; i++) {
        if (table.users[i].owner != NULL)
            end(&table, &table.users[i]);
    }
    if (lockmgr_stats(table.mgr).held + lockmgr_stats(table.mgr).waiting > 0)
        wrong(&table, "all have ended, and something is left");
    lockmgr_destroy(&table.mgr);
    lock_events_deinit(&table.events);
}
