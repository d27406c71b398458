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

int model_parent(int place)
{
    if (place == 0) {
        return -1;
    }
    return place <= MODEL_SPACES ? 0 : 1 + (place - 1 - MODEL_SPACES) / MODEL_KEYS;
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

/* Does `other` stand against `owner`, who asks for its present step? */
static bool blocks(const struct model *model, int other, int owner)
{
    const struct model_owner *o = &model->owners[owner];
    int place = o->path[o->step];
    int wanted = target(model, owner);
    if (other == owner) {
        return false;
    }
    if (conflict_table[model_held(model, other, place)][wanted] != 0) {
        return true;
    }
    return waits_at(model, other) == place && older(model, other, owner) &&
           conflict_table[target(model, other)][wanted] != 0;
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
    }
    return n;
}

static void touch(struct model *model, int place)
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

static void withdraw(struct model *model, int owner)
{
    int place = waits_at(model, owner);
    model->owners[owner].waiting = false;
    touch(model, place);
}

static void wound_younger(struct model *model, int owner)
{
    int place = waits_at(model, owner);
    int wanted = target(model, owner);
    for (size_t i = model->locks_n; i > 0; i--) { /* newest first */
        const struct model_lock *lock = &model->locks[i - 1];
        struct model_owner *victim = &model->owners[lock->owner];
        if (lock->owner == owner || lock->place != place ||
            conflict_table[lock->mode][wanted] == 0 || !older(model, owner, lock->owner) ||
            victim->wounded) {
            continue;
        }
        if (victim->is_protected) {
            if (!victim->wanted) {
                tell(model, MODEL_EVENT_WANTED, lock->owner);
            }
            victim->wanted = true;
            continue;
        }
        victim->wounded = true;
        tell(model, MODEL_EVENT_WOUNDED, lock->owner);
        if (victim->waiting) {
            withdraw(model, lock->owner);
        }
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

/* Takes steps until the end of the path or a wait. */
static void go_down(struct model *model, int owner)
{
    struct model_owner *o = &model->owners[owner];
    for (; o->step <= o->last; o->step++) {
        int place = o->path[o->step];
        int wanted = target(model, owner);
        int oldest;
        if (wanted != model_held(model, owner, place)) {
            o->waiting = false; /* not in the queue while it asks */
            if (model_blockers(model, owner, &oldest) > 0) {
                o->waiting = true;
                wound_younger(model, owner);
                return;
            }
            set_lock(model, owner, place, wanted);
        }
    }
    o->waiting = false;
    if (model->asking != owner) {
        tell(model, MODEL_EVENT_GRANTED, owner);
    }
}

/* The oldest waiter of a place whom nobody blocks; -1 when there is none. */
static int first_free(const struct model *model, int place)
{
    int first = -1;
    for (int owner = 0; owner < MODEL_OWNERS_MAX; owner++) {
        int oldest;
        if (waits_at(model, owner) == place && model_blockers(model, owner, &oldest) == 0 &&
            (first < 0 || older(model, owner, first))) {
            first = owner;
        }
    }
    return first;
}

static void settle(struct model *model)
{
    while (model->touched_n > 0) {
        int place = model->touched[0];
        model->touched_n--;
        memmove(model->touched, model->touched + 1, model->touched_n * sizeof model->touched[0]);
        int owner;
        while ((owner = first_free(model, place)) >= 0) {
            go_down(model, owner);
        }
    }
}

void model_begin(struct model *model, int owner, const uint64_t age[5])
{
    model->owners[owner] = (struct model_owner){.live = true};
    memcpy(model->owners[owner].age, age, sizeof model->owners[owner].age);
}

static size_t missing(const struct model *model, int owner, const int path[3], int last)
{
    size_t n = 0;
    for (int i = 0; i <= last; i++) {
        n += model_held(model, owner, path[i]) == 0;
    }
    return n;
}

/* Locks held, and those that waiting requests will still take. */
static size_t used(const struct model *model)
{
    size_t n = model->locks_n;
    for (int owner = 0; owner < MODEL_OWNERS_MAX; owner++) {
        const struct model_owner *o = &model->owners[owner];
        if (o->live && o->waiting) {
            n += missing(model, owner, o->path, o->last);
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
    if (used(model) + missing(model, owner, path, last) > model->locks_max) {
        return MODEL_REFUSED;
    }
    memcpy(o->path, path, sizeof path);
    for (int i = 0; i < last; i++) {
        o->modes[i] = intention_table[mode];
    }
    o->modes[last] = mode;
    o->step = 0;
    o->last = last;
    o->deadline = deadline;
    model->asking = owner;
    go_down(model, owner);
    settle(model);
    model->asking = -1;
    return o->step > o->last ? MODEL_GRANTED : MODEL_WAITING;
}

void model_cancel(struct model *model, int owner)
{
    if (model->owners[owner].waiting) {
        withdraw(model, owner);
        settle(model);
    }
}

static void drop_lock(struct model *model, size_t at)
{
    int place = model->locks[at].place;
    model->locks_n--;
    memmove(&model->locks[at], &model->locks[at + 1],
            (model->locks_n - at) * sizeof model->locks[0]);
    touch(model, place);
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

void model_release_all(struct model *model, int owner)
{
    if (model->owners[owner].waiting) {
        withdraw(model, owner);
    }
    for (size_t i = model->locks_n; i > 0; i--) {
        if (model->locks[i - 1].owner == owner) {
            drop_lock(model, i - 1);
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
