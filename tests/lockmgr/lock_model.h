/* A naive model of the lock manager: a list of granted locks and one waiting request per owner,
 * looked through from end to end by the definitions at every question. It shares no code with the
 * manager, not even the conflict table.
 *
 * Places are numbered: 0 the store, then the keyspaces, then the keys in order, then the ranges. A
 * range of a keyspace goes from key i (0: from the very first) up to key j (exclusive; MODEL_KEYS:
 * to the end). What the manager leaves open, the order in which it looks at those that may go on,
 * the model does in the same way: a range that must wait is looked at again when something leaves
 * the first key that stands against it. */
#ifndef ASSENT_TESTS_LOCK_MODEL_H
#define ASSENT_TESTS_LOCK_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_OWNERS_MAX 48
#define MODEL_SPACES     3
#define MODEL_KEYS       5 /* per keyspace */
#define MODEL_PLACES     (1 + MODEL_SPACES + MODEL_SPACES * MODEL_KEYS)
#define MODEL_RANGES     (MODEL_KEYS * (MODEL_KEYS + 1) / 2) /* per keyspace */
#define MODEL_ALL        (MODEL_PLACES + MODEL_SPACES * MODEL_RANGES)
#define MODEL_LOCKS_MAX  (MODEL_OWNERS_MAX * MODEL_ALL)
#define MODEL_EVENTS_MAX 256

enum model_status { MODEL_GRANTED, MODEL_WAITING, MODEL_REFUSED, MODEL_CONFLICT };
enum model_policy { MODEL_WOUND_WAIT, MODEL_WAIT_DIE, MODEL_NO_WAIT };
enum model_event_type {
    MODEL_EVENT_GRANTED,
    MODEL_EVENT_WOUNDED,
    MODEL_EVENT_WANTED,
    MODEL_EVENT_TIMED_OUT,
    MODEL_EVENT_CONFLICT
};

struct model_owner {
    bool live, is_protected, wounded, wanted;
    uint64_t age[5];          /* compared from the first on; the lower is the older */
    bool wrote[MODEL_SPACES]; /* has had more than S in it, since it has a lock on it */
    bool waiting, refused;
    int watched; /* the key that a waiting range watches, or -1 */
    uint64_t watched_since;
    int path[3];
    int modes[3];
    int step, last;
    uint64_t deadline;
};

struct model_lock {
    int owner, place, mode;
};

struct model_event {
    enum model_event_type type;
    int owner;
};

struct model {
    size_t locks_max, escalate_at;
    enum model_policy policy;
    uint64_t watches_n, escalations_n;
    struct model_owner owners[MODEL_OWNERS_MAX];
    struct model_lock locks[MODEL_LOCKS_MAX]; /* in order of their first grant */
    size_t locks_n;
    int touched[MODEL_PLACES]; /* places that lost a lock or a waiter, in order */
    size_t touched_n;
    struct model_event events[MODEL_EVENTS_MAX]; /* emptied by the caller */
    size_t events_n;
    int asking; /* the owner whose grant is not told, or -1 */
};

int model_parent(int place); /* -1 for the store */
/* The keys of a range: from *from up to *to, which is excluded. False for other places. */
bool model_range(int place, int *from, int *to);

void model_begin(struct model *model, int owner, const uint64_t age[5]);
enum model_status model_acquire(struct model *model, int owner, int place, int mode,
                                uint64_t deadline);
void model_cancel(struct model *model, int owner);
/* 0 released, 1 nothing held, 2 needed by a lock below */
int model_release(struct model *model, int owner, int place);
/* 0 trimmed to the part, 1 nothing held */
int model_trim(struct model *model, int owner, int range, int part);
void model_release_all(struct model *model, int owner);
void model_expire(struct model *model, uint64_t now);
uint64_t model_next_deadline(const struct model *model);
int model_held(const struct model *model, int owner, int place);
size_t model_waiting_n(const struct model *model);
/* How many owners the owner waits for, and the oldest of them. */
size_t model_blockers(const struct model *model, int owner, int *oldest);

#endif
