#include "rot_change.h"

#include "common/assert.h"

#define FRONT TXLOG_FRONT_BYTES

static size_t any(const struct rot_log *rot, struct sim_random *random)
{
    return (size_t)sim_random_between(random, 0, rot->n - 1);
}

/* One with bytes in it: an earlier change may have cut it to nothing. */
static size_t readable(struct rot_log *rot, struct sim_random *random)
{
    size_t i = any(rot, random);

    if (rot->records[i].len == 0)
        rot_log_bytes(rot, i, FRONT);
    return i;
}

static struct rot_change at(const struct rot_log *rot, size_t i, const char *name)
{
    return (struct rot_change){.name = name, .lsn = rot->before + 1 + i};
}

/* ---- bytes; most often the checksum is made right again ---- */

static struct rot_change sealed(struct rot_log *rot, size_t i, const char *name,
                                struct sim_random *random)
{
    struct rot_change change = at(rot, i, name);

    if (sim_random_percent(random, 75))
        rot_log_seal(rot, i);
    else
        change.expected = ROT_REFUSED;
    return change;
}

static struct rot_change flip(struct rot_log *rot, enum tx_role role, struct sim_random *random)
{
    size_t i = readable(rot, random);
    size_t len = rot->records[i].len;
    /* The front is as long as many a payload, and one kind of damage in each field is enough. */
    size_t from = len > FRONT && sim_random_percent(random, 80) ? FRONT : 0;
    size_t place = (size_t)sim_random_between(random, from, len - 1);
    uint8_t bit = (uint8_t)(1u << sim_random_between(random, 0, 7));

    (void)role;
    rot_log_bytes(rot, i, len)[place] ^= bit;
    return sealed(rot, i, "a flipped bit", random);
}

static struct rot_change cut(struct rot_log *rot, enum tx_role role, struct sim_random *random)
{
    size_t i = readable(rot, random);

    (void)role;
    rot_log_bytes(rot, i, (size_t)sim_random_between(random, 0, rot->records[i].len - 1));
    return sealed(rot, i, "a shorter record", random);
}

static struct rot_change lengthen(struct rot_log *rot, enum tx_role role, struct sim_random *random)
{
    size_t i = any(rot, random);

    (void)role;
    rot_log_bytes(rot, i, rot->records[i].len + (size_t)sim_random_between(random, 1, 40));
    return sealed(rot, i, "a longer record", random);
}

/* ---- whole records ---- */

/* What follows says where it stands now; else nothing fits from here on. */
static void renumber(struct rot_log *rot, size_t i, struct sim_random *random)
{
    if (sim_random_percent(random, 85))
        rot_log_renumber(rot, i);
}

static struct rot_change drop(struct rot_log *rot, enum tx_role role, struct sim_random *random)
{
    size_t i = any(rot, random);
    struct rot_change change = at(rot, i, "a record that is not there");

    (void)role;
    rot_log_remove(rot, i);
    renumber(rot, i, random);
    return change;
}

static struct rot_change twice(struct rot_log *rot, enum tx_role role, struct sim_random *random)
{
    size_t i = any(rot, random);
    size_t to =
        sim_random_percent(random, 30) ? i + 1 : (size_t)sim_random_between(random, i + 1, rot->n);

    (void)role;
    rot_log_insert(rot, to, rot->records[i]);
    renumber(rot, to, random);
    return at(rot, to, "a record for the second time");
}

static struct rot_change swap(struct rot_log *rot, enum tx_role role, struct sim_random *random)
{
    size_t i = any(rot, random);
    size_t j = sim_random_percent(random, 50) && i > 0 ? i - 1 : any(rot, random);

    (void)role;
    rot_log_swap(rot, i, j);
    renumber(rot, i < j ? i : j, random);
    return at(rot, i < j ? i : j, "two records exchanged");
}

static struct rot_change cut_tail(struct rot_log *rot, enum tx_role role, struct sim_random *random)
{
    struct rot_change change = {.name = "a cut tail"};
    size_t kept = any(rot, random) + 1;

    (void)role;
    change.lsn = rot->before + 1 + kept;
    /* Before compaction the log had its beginning; only that can be an earlier state. */
    change.expected = rot->before == 0 ? ROT_TAKEN : ROT_ANYTHING;
    while (rot->n > kept)
        rot_log_remove(rot, rot->n - 1);
    return change;
}

static struct rot_change cut_front(struct rot_log *rot, enum tx_role role,
                                   struct sim_random *random)
{
    uint64_t gone = sim_random_between(random, 0, rot->n - 1);

    (void)role;
    for (uint64_t i = 0; i < gone; i++)
        rot_log_remove(rot, 0);
    if (sim_random_percent(random, 50))
        rot->before += gone;
    else
        rot_log_renumber(rot, 0);
    return at(rot, 0, "a cut front");
}

/* ---- fields and stories ---- */

/* The types are not equally frequent; each is to have its turn. */
static size_t one_of_type(const struct rot_log *rot, struct sim_random *random)
{
    uint64_t type = sim_random_between(random, TXLOG_NONE + 1, TXLOG_TYPES_N - 1);
    size_t from = any(rot, random);

    for (size_t i = 0; i < rot->n; i++) {
        size_t place = (from + i) % rot->n;

        if (rot_log_type(rot, place) == type)
            return place;
    }
    return from;
}

static struct rot_change field(struct rot_log *rot, enum tx_role role, struct sim_random *random)
{
    size_t i = one_of_type(rot, random);

    (void)role;
    rot_field(rot, i, random);
    return at(rot, i, "a changed field");
}

static struct rot_change story(struct rot_log *rot, enum tx_role role, struct sim_random *random)
{
    size_t i = sim_random_percent(random, 60) ? rot->n : any(rot, random) + 1;

    rot_story(rot, i, role, random);
    rot_log_renumber(rot, i);
    return at(rot, i, "records that nobody wrote");
}

static struct rot_change doubt(struct rot_log *rot, enum tx_role role, struct sim_random *random)
{
    size_t i = rot->n;

    rot_doubt(rot, role, random);
    return at(rot, i, "a transaction that nobody knows");
}

struct rot_change rot_change(struct rot_log *rot, enum tx_role role, struct sim_random *random)
{
    static const struct {
        struct rot_change (*make)(struct rot_log *, enum tx_role, struct sim_random *);
        unsigned weight;
    } changes[] = {
        {flip, 15},    {cut, 3},       {lengthen, 2}, {drop, 6},   {twice, 5},  {swap, 5},
        {cut_tail, 3}, {cut_front, 3}, {field, 20},   {story, 18}, {doubt, 20},
    };
    uint64_t draw = sim_random_between(random, 0, 99);
    size_t i = 0;

    TX_ASSERT(rot->n > 0);
    while (draw >= changes[i].weight)
        draw -= changes[i++].weight;
    return changes[i].make(rot, role, random);
}
