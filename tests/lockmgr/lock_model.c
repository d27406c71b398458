/* A naive model of the lock manager. */
#include "lock_model.h"

#include <assert.h>
#include <string.h>

/* NONE, IS, IX, S, U, SIX, X */
static const int conflict_table[7][7] = {
    {0, 0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 1}, {0, 0, 0, 1, 1, 1, 1}, {0, 0, 1, 0, 0, 1, 1},
    {0, 0, 1, 0, 1, 1, 1}, {0, 0, 1, 1, 1, 1, 1}, {0, 1, 1, 1, 1, 1, 1},
};

/* What is to be held to have both, written out. */
static const int join_table[7][7] = {
    {0, 1, 2, 3, 4, 5, 6}, {1, 1, 2, 3, 4, 5, 6}, {2, 2, 2, 5, 5, 5, 6}, {3, 3, 5, 3, 4, 5, 6},
    {4, 4, 5, 4, 4, 5, 6}, {5, 5, 5, 5, 5, 5, 6}, {6, 6, 6, 6, 6, 6, 6},
};

static const int intention_table[7] = {0, 1, 2, 1, 2, 2, 2};

/* What a lock on a keyspace or the store gives on everything in it. */
static const int below_table[7][7] = {
    {0, 0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0}, {0, 1, 0, 1, 0, 0, 0},
    {0, 1, 0, 1, 1, 0, 0}, {0, 1, 0, 1, 1, 0, 0}, {0, 1, 1, 1, 1, 1, 1},
};

enum { S = 3, X = 6 };

int model_parent(int place)
{
    if (place == 0) {
        return -1;
    }
    if (place >= MODEL_PLACES) {
        return 1 + (place - MODEL_PLACES) / MODEL_RANGES;
    }
    return place <= MODEL_SPACES ? 0 : 1 + (place - 1 - MODEL_SPACES) / MODEL_KEYS;
}

bool model_range(int place, int *from, int *to)
{
    *from = 0;
    *to = 0;
    if (place < MODEL_PLACES) {
        return false;
    }
    int at = (place - MODEL_PLACES) % MODEL_RANGES;
    for (; *from < MODEL_KEYS; (*from)++) {
        for (*to = *from + 1; *to <= MODEL_KEYS; (*to)++) {
            if (at-- == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool is_key(int place)
{
    return place > MODEL_SPACES && place < MODEL_PLACES;
}

static int key_place(int space, int key)
{
    return 1 + MODEL_SPACES + (space - 1) * MODEL_KEYS + key;
}

/* Do a range and a key lie on one another? */
static bool is_over(int range, int key)
{
    int from;
    int to;
    if (!model_range(range, &from, &to) || !is_key(key)) {
        return false;
    }
    int first = key_place(model_parent(range), 0);
    return key >= first + from && key < first + to;
}

static bool overlap(int a, int b)
{
    return a == b || is_over(a, b) || is_over(b, a);
}

static bool older(const struct model *model, int a, int b)
{
    for (int i = 0; i < 5; i++) {
        uint64_t x = model->owners[a].age[i];
        uint64_t y = model->owners[b].age[i];
        if (x != y) {
            return x < y;
        }
    }
    return false;
}

int model_held(const struct model *model, int owner, int place)
{
    for (size_t i = 0; i < model->locks_n; i++) {
        if (model->locks[i].owner == owner && model->locks[i].place == place) {
            return model->locks[i].mode;
        }
    }
    return 0;
}

static int waits_at(const struct model *model, int owner)
{
    const struct model_owner *o = &model->owners[owner];
    return o->live && o->waiting ? o->path[o->step] : -1;
}

static int target(const struct model *model, int owner)
{
    const struct model_owner *o = &model->owners[owner];
    return join_table[model_held(model, owner, o->path[o->step])][o->modes[o->step]];
}

/* Is `a` served before `b`? */
static bool before(const struct model *model, int a, int b)
{
    return model->policy == MODEL_WAIT_DIE ? older(model, b, a) : older(model, a, b);
}

static bool holds_against(const struct model *model, int other, int place, int wanted)
{
    for (size_t i = 0; i < model->locks_n; i++) {
        const struct model_lock *lock = &model->locks[i];
        if (lock->owner == other && overlap(lock->place, place) &&
            conflict_table[lock->mode][wanted] != 0) {
            return true;
        }
    }
    return false;
}

static bool waits_against(const struct model *model, int other, int place, int wanted)
{
    int at = waits_at(model, other);
    return at >= 0 && overlap(at, place) && conflict_table[target(model, other)][wanted] != 0;
}

/* Does `other` stand against `owner`, who asks for its present step? */
static bool blocks_at(const struct model *model, int other, int owner, int place)
{
    int wanted = target(model, owner);
    if (other == owner || !model->owners[other].live) {
        return false;
    }
    return holds_against(model, other, place, wanted) ||
           (before(model, other, owner) && waits_against(model, other, place, wanted));
}

static bool blocks(const struct model *model, int other, int owner)
{
    const struct model_owner *o = &model->owners[owner];
    return blocks_at(model, other, owner, o->path[o->step]);
}

/* May the owner not wait, or (with wait-die) not even pass? */
static bool policy_refuses(const struct model *model, int owner)
{
    const struct model_owner *o = &model->owners[owner];
    int place = o->path[o->step];
    int wanted = target(model, owner);
    for (int other = 0; other < MODEL_OWNERS_MAX; other++) {
        if (other == owner || !model->owners[other].live) {
            continue;
        }
        if (model->policy == MODEL_NO_WAIT && blocks(model, other, owner)) {
            return true;
        }
        if (model->policy == MODEL_WAIT_DIE && older(model, other, owner) &&
            (holds_against(model, other, place, wanted) ||
             waits_against(model, other, place, wanted))) {
            return true;
        }
    }
    return false;
}

size_t model_blockers(const struct model *model, int owner, int *oldest)
{
    size_t n = 0;
    *oldest = -1;
    for (int other = 0; other < MODEL_OWNERS_MAX; other++) {
        if (model->owners[other].live && blocks(model, other, owner)) {
            n++;
            if (*oldest < 0 || older(model, other, *oldest)) {
                *oldest = other;
            }
        }
    }
    return n;
}

static void tell(struct model *model, enum model_event_type type, int owner)
{
    assert(model->events_n < MODEL_EVENTS_MAX);
    model->events[model->events_n++] = (struct model_event){type, owner};
}

static size_t waiters_at(const struct model *model, int place)
{
    size_t n = 0;
    for (int owner = 0; owner < MODEL_OWNERS_MAX; owner++) {
        n += waits_at(model, owner) == place;
        n += waits_at(model, owner) >= 0 && model->owners[owner].watched == place;
    }
    return n;
}

static void touch_one(struct model *model, int place)
{
    for (size_t i = 0; i < model->touched_n; i++) {
        if (model->touched[i] == place) {
            return;
        }
    }
    if (waiters_at(model, place) > 0) {
        model->touched[model->touched_n++] = place;
    }
}

static bool has_waiting_writer(const struct model *model, int place)
{
    for (int owner = 0; owner < MODEL_OWNERS_MAX; owner++) {
        if (waits_at(model, owner) == place && target(model, owner) == X) {
            return true;
        }
    }
    return false;
}

/* Something has left the place; of a range, the writers inside may go on. */
static void touch(struct model *model, int place)
{
    int from;
    int to;
    if (!model_range(place, &from, &to)) {
        touch_one(model, place);
        return;
    }
    for (int key = from; key < to; key++) {
        int inside = key_place(model_parent(place), key);
        if (has_waiting_writer(model, inside)) {
            touch_one(model, inside);
        }
    }
}

/* The first key that stands against the owner's range; -1 when none does. */
static int first_against(const struct model *model, int owner)
{
    int place = model->owners[owner].path[2];
    int from;
    int to;
    (void)model_range(place, &from, &to);
    for (int key = from; key < to; key++) {
        int inside = key_place(model_parent(place), key);
        for (int other = 0; other < MODEL_OWNERS_MAX; other++) {
            if (blocks_at(model, other, owner, inside)) {
                return inside;
            }
        }
    }
    return -1;
}

static void watch(struct model *model, int owner, int key)
{
    model->owners[owner].watched = key;
    model->owners[owner].watched_since = ++model->watches_n;
}

static void withdraw(struct model *model, int owner)
{
    int place = waits_at(model, owner);
    model->owners[owner].waiting = false;
    touch(model, place);
}

static void wound(struct model *model, int owner, int other)
{
    struct model_owner *victim = &model->owners[other];
    if (other == owner || !older(model, owner, other) || victim->wounded) {
        return;
    }
    if (victim->is_protected) {
        if (!victim->wanted) {
            tell(model, MODEL_EVENT_WANTED, other);
        }
        victim->wanted = true;
        return;
    }
    victim->wounded = true;
    tell(model, MODEL_EVENT_WOUNDED, other);
    if (victim->waiting) {
        withdraw(model, other);
    }
}

static void wound_holders_of(struct model *model, int owner, int place, int wanted)
{
    for (size_t i = model->locks_n; i > 0; i--) { /* newest first */
        const struct model_lock *lock = &model->locks[i - 1];
        if (lock->place == place && conflict_table[lock->mode][wanted] != 0) {
            wound(model, owner, lock->owner);
        }
    }
}

/* Ranges by their beginnings, then ends, then the age of their owners. */
static void wound_ranges_over(struct model *model, int owner, int key)
{
    for (int place = MODEL_PLACES; place < MODEL_ALL; place++) {
        bool done[MODEL_OWNERS_MAX] = {false};
        int next;
        do {
            next = -1;
            for (size_t i = 0; i < model->locks_n && is_over(place, key); i++) {
                int other = model->locks[i].owner;
                if (model->locks[i].place == place && !done[other] &&
                    (next < 0 || older(model, other, next))) {
                    next = other;
                }
            }
            if (next >= 0) {
                done[next] = true;
                wound(model, owner, next);
            }
        } while (next >= 0);
    }
}

static void wound_younger(struct model *model, int owner)
{
    int place = waits_at(model, owner);
    int wanted = target(model, owner);
    int from;
    int to;
    if (model->policy != MODEL_WOUND_WAIT) {
        return;
    }
    if (!model_range(place, &from, &to)) {
        wound_holders_of(model, owner, place, wanted);
        if (is_key(place) && wanted == X) {
            wound_ranges_over(model, owner, place);
        }
        return;
    }
    for (int key = from; key < to; key++) {
        wound_holders_of(model, owner, key_place(model_parent(place), key), S);
    }
}

static void set_lock(struct model *model, int owner, int place, int mode)
{
    for (size_t i = 0; i < model->locks_n; i++) {
        if (model->locks[i].owner == owner && model->locks[i].place == place) {
            model->locks[i].mode = mode;
            return;
        }
    }
    model->locks[model->locks_n++] = (struct model_lock){owner, place, mode};
}

static void drop_lock(struct model *model, size_t at)
{
    struct model_lock lock = model->locks[at];
    model->locks_n--;
    memmove(&model->locks[at], &model->locks[at + 1],
            (model->locks_n - at) * sizeof model->locks[0]);
    if (lock.place > 0 && lock.place <= MODEL_SPACES) {
        model->owners[lock.owner].wrote[lock.place - 1] = false;
    }
    touch(model, lock.place);
}

static size_t below_n(const struct model *model, int owner, int space)
{
    size_t n = 0;
    for (size_t i = 0; i < model->locks_n; i++) {
        n += model->locks[i].owner == owner && model_parent(model->locks[i].place) == space;
    }
    return n;
}

/* Drops what the owner has below, ranges or all else. */
static void drop_below(struct model *model, int owner, int space, bool ranges)
{
    for (size_t i = 0; i < model->locks_n;) {
        const struct model_lock *lock = &model->locks[i];
        if (lock->owner == owner && model_parent(lock->place) == space &&
            (lock->place >= MODEL_PLACES) == ranges) {
            drop_lock(model, i);
        } else {
            i++;
        }
    }
}

static bool escalate(struct model *model, int owner)
{
    struct model_owner *o = &model->owners[owner];
    int space = o->path[1];
    size_t n = below_n(model, owner, space);
    if (model->escalate_at == 0 || n == 0 || n % model->escalate_at != 0) {
        return false;
    }
    /* Asks as if for the keyspace itself. */
    struct model_owner asked = *o;
    int oldest;
    o->step = 1;
    o->modes[1] = o->wrote[space - 1] || o->modes[2] > S ? X : S;
    int wanted = target(model, owner);
    bool refused = model_blockers(model, owner, &oldest) > 0 || policy_refuses(model, owner);
    *o = asked;
    if (refused) {
        return false;
    }
    set_lock(model, owner, space, wanted);
    drop_below(model, owner, space, false);
    drop_below(model, owner, space, true);
    o->wrote[space - 1] = false;
    model->escalations_n++;
    return true;
}

/* Does a range that the owner holds lie over the key that it wants to read? */
static bool inside_own_range(const struct model *model, int owner, int place, int wanted)
{
    for (size_t i = 0; i < model->locks_n; i++) {
        const struct model_lock *lock = &model->locks[i];
        if (wanted == S && lock->owner == owner && is_over(lock->place, place)) {
            return true;
        }
    }
    return false;
}

/* Takes steps until the end of the path, a wait, or a refusal. One that has waited for its present
 * step has it now. */
static void go_down(struct model *model, int owner, bool has_waited)
{
    struct model_owner *o = &model->owners[owner];
    for (; o->step <= o->last; o->step++, has_waited = false) {
        if (o->step == 2 && !has_waited && escalate(model, owner)) {
            break;
        }
        int place = o->path[o->step];
        int wanted = target(model, owner);
        int oldest;
        if (wanted != model_held(model, owner, place)) {
            bool waited = o->waiting;
            bool has_it = inside_own_range(model, owner, place, wanted);
            o->waiting = false; /* not in the queue while it asks */
            if (!has_waited && !has_it && policy_refuses(model, owner)) {
                o->refused = true;
                if (model->asking != owner) {
                    tell(model, MODEL_EVENT_CONFLICT, owner);
                }
                return;
            }
            if (!has_it && model_blockers(model, owner, &oldest) > 0) {
                o->waiting = true;
                if (place >= MODEL_PLACES) {
                    watch(model, owner, first_against(model, owner));
                }
                wound_younger(model, owner);
                return;
            }
            o->waiting = waited;
            set_lock(model, owner, place, wanted);
            if (o->step == 2 && wanted > S) {
                o->wrote[o->path[1] - 1] = true;
            }
        }
        if (o->step < o->last && below_table[wanted][o->modes[o->last]] != 0) {
            break;
        }
    }
    o->waiting = false;
    o->step = o->last + 1;
    if (model->asking != owner) {
        tell(model, MODEL_EVENT_GRANTED, owner);
    }
}

/* The first waiter of a place whom nobody blocks; -1 when there is none. */
static int first_free(const struct model *model, int place)
{
    int first = -1;
    for (int owner = 0; owner < MODEL_OWNERS_MAX; owner++) {
        int oldest;
        if (waits_at(model, owner) == place && model_blockers(model, owner, &oldest) == 0 &&
            (first < 0 || before(model, owner, first))) {
            first = owner;
        }
    }
    return first;
}

/* The watcher of a key that has waited longest, of those that began before `until`; -1. */
static int first_watcher(const struct model *model, int key, uint64_t until)
{
    int first = -1;
    for (int owner = 0; owner < MODEL_OWNERS_MAX; owner++) {
        const struct model_owner *o = &model->owners[owner];
        if (waits_at(model, owner) >= MODEL_PLACES && o->watched == key &&
            o->watched_since <= until &&
            (first < 0 || o->watched_since < model->owners[first].watched_since)) {
            first = owner;
        }
    }
    return first;
}

static void serve_watchers(struct model *model, int key)
{
    uint64_t until = model->watches_n;
    int owner;
    while ((owner = first_watcher(model, key, until)) >= 0) {
        int against = first_against(model, owner);
        if (against >= 0) {
            watch(model, owner, against);
        } else {
            go_down(model, owner, true);
        }
    }
}

static void settle(struct model *model)
{
    while (model->touched_n > 0) {
        int place = model->touched[0];
        model->touched_n--;
        memmove(model->touched, model->touched + 1, model->touched_n * sizeof model->touched[0]);
        int owner;
        while ((owner = first_free(model, place)) >= 0) {
            go_down(model, owner, true);
        }
        serve_watchers(model, place);
    }
}

void model_begin(struct model *model, int owner, const uint64_t age[5])
{
    model->owners[owner] = (struct model_owner){.live = true};
    memcpy(model->owners[owner].age, age, sizeof model->owners[owner].age);
}

static size_t missing(const struct model *model, int owner, const int path[3], int last, int mode)
{
    for (int i = 0; i <= last; i++) {
        int held = model_held(model, owner, path[i]);
        if (held == 0) {
            return (size_t)(last - i) + 1;
        }
        if (i < last && below_table[held][mode] != 0) {
            return 0;
        }
    }
    return 0;
}

/* Locks held, and those that waiting requests will still take. */
static size_t used(const struct model *model)
{
    size_t n = model->locks_n;
    for (int owner = 0; owner < MODEL_OWNERS_MAX; owner++) {
        const struct model_owner *o = &model->owners[owner];
        if (o->live && o->waiting) {
            n += missing(model, owner, o->path, o->last, o->modes[o->last]);
        }
    }
    return n;
}

enum model_status model_acquire(struct model *model, int owner, int place, int mode,
                                uint64_t deadline)
{
    struct model_owner *o = &model->owners[owner];
    if (o->wounded) {
        return MODEL_WAITING;
    }
    int last = place == 0 ? 0 : place <= MODEL_SPACES ? 1 : 2;
    int path[3] = {0};
    for (int i = last, at = place; i >= 0; i--, at = model_parent(at)) {
        path[i] = at;
    }
    if (used(model) + missing(model, owner, path, last, mode) > model->locks_max) {
        return MODEL_REFUSED;
    }
    memcpy(o->path, path, sizeof path);
    for (int i = 0; i < last; i++) {
        o->modes[i] = intention_table[mode];
    }
    o->modes[last] = mode;
    o->step = 0;
    o->refused = false;
    o->last = last;
    o->deadline = deadline;
    model->asking = owner;
    go_down(model, owner, false);
    settle(model);
    model->asking = -1;
    if (o->refused) {
        return MODEL_CONFLICT;
    }
    return o->step > o->last ? MODEL_GRANTED : MODEL_WAITING;
}

void model_cancel(struct model *model, int owner)
{
    if (model->owners[owner].waiting) {
        withdraw(model, owner);
        settle(model);
    }
}

int model_release(struct model *model, int owner, int place)
{
    size_t found = model->locks_n;
    for (size_t i = 0; i < model->locks_n; i++) {
        if (model->locks[i].owner != owner) {
            continue;
        }
        if (model_parent(model->locks[i].place) == place) {
            return 2;
        }
        if (model->locks[i].place == place) {
            found = i;
        }
    }
    if (found == model->locks_n) {
        return 1;
    }
    drop_lock(model, found);
    settle(model);
    return 0;
}

int model_trim(struct model *model, int owner, int range, int part)
{
    if (model_held(model, owner, range) == 0) {
        return 1;
    }
    if (part != range) {
        set_lock(model, owner, part, S);
        for (size_t i = 0; i < model->locks_n; i++) {
            if (model->locks[i].owner == owner && model->locks[i].place == range) {
                drop_lock(model, i);
                break;
            }
        }
        settle(model);
    }
    return 0;
}

void model_release_all(struct model *model, int owner)
{
    if (model->owners[owner].waiting) {
        withdraw(model, owner);
    }
    for (int ranges = 1; ranges >= 0; ranges--) {
        for (size_t i = model->locks_n; i > 0; i--) {
            if (model->locks[i - 1].owner == owner &&
                (model->locks[i - 1].place >= MODEL_PLACES || ranges == 0)) {
                drop_lock(model, i - 1);
            }
        }
    }
    model->owners[owner].live = false;
    settle(model);
}

/* The waiting owner with the first deadline, the older one of two; -1 when none waits. */
static int first_deadline(const struct model *model)
{
    int first = -1;
    for (int owner = 0; owner < MODEL_OWNERS_MAX; owner++) {
        const struct model_owner *o = &model->owners[owner];
        if (!o->live || !o->waiting) {
            continue;
        }
        if (first < 0 || o->deadline < model->owners[first].deadline ||
            (o->deadline == model->owners[first].deadline && older(model, owner, first))) {
            first = owner;
        }
    }
    return first;
}

void model_expire(struct model *model, uint64_t now)
{
    int owner;
    while ((owner = first_deadline(model)) >= 0 && model->owners[owner].deadline <= now) {
        withdraw(model, owner);
        tell(model, MODEL_EVENT_TIMED_OUT, owner);
        settle(model);
    }
}

uint64_t model_next_deadline(const struct model *model)
{
    int owner = first_deadline(model);
    return owner < 0 ? UINT64_MAX : model->owners[owner].deadline;
}

size_t model_waiting_n(const struct model *model)
{
    size_t n = 0;
    for (int owner = 0; owner < MODEL_OWNERS_MAX; owner++) {
        n += model->owners[owner].live && model->owners[owner].waiting;
    }
    return n;
}
