#include "options.h"

#include "common/commit_mode.h"
#include "common/op.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE 100

struct option {
    const char *name, *meaning;
    size_t offset;
};

static const struct option table[] = {
#define X(name, meaning) {#name, meaning, offsetof(struct sim_options, name)},
    SIM_OPTIONS(X)
#undef X
};
#define TABLE_N (sizeof table / sizeof table[0])

static uint64_t *value_of(struct sim_options *options, size_t i)
{
    return (uint64_t *)(void *)((char *)options + table[i].offset);
}

/* ---- drawing ---- */

static uint64_t one_of(struct sim_random *random, const uint64_t *values, size_t n)
{
    return values[sim_random_between(random, 0, n - 1)];
}

/* Small clusters more often than large ones. */
static uint64_t skewed(struct sim_random *random, uint64_t from, uint64_t usual, uint64_t most)
{
    return sim_random_between(random, from, sim_random_percent(random, 80) ? usual : most);
}

static void draw_network(struct sim_options *options, struct sim_random *random)
{
    if (sim_random_percent(random, 60))
        options->loss_percent = skewed(random, 1, 10, 30);
    if (sim_random_percent(random, 60))
        options->duplicate_percent = sim_random_between(random, 1, 20);
    if (sim_random_percent(random, 50)) {
        options->late_percent = sim_random_between(random, 1, 30);
        options->delay_us = sim_random_between(random, 1000, 300000);
    }
    if (sim_random_percent(random, 20))
        options->slow_link_us = sim_random_between(random, 10000, 400000);
    options->reorder = sim_random_percent(random, 60);
    if (options->reorder > 0) {
        options->very_late_percent = skewed(random, 1, 2, 10);
        options->very_late_us = sim_random_between(random, 500000, 6000000);
    }
    options->alone = sim_random_percent(random, 20);
}

/* Which kinds of faults there are at all: a few of them often find more than all at once. */
static void draw_faults(struct sim_options *options, struct sim_random *random)
{
    uint64_t *weights[] = {&options->crash,      &options->partition, &options->write_error,
                           &options->disk_full,  &options->pause,     &options->drain,
                           &options->clock_jump, &options->resolve};

    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        bool drawn = sim_random_percent(random, i < 2 ? 80 : 35);

        *weights[i] = drawn ? sim_random_between(random, 1, i < 2 ? 10 : 4) : 0;
    }
    if (sim_random_percent(random, 10))
        options->resolve = 20;
    options->fault_txs = sim_random_between(random, 2, 40);
    if (sim_random_percent(random, 30))
        options->start_crash_percent = sim_random_between(random, 5, 60);
}

/* Short waits, so that what is still on its way meets the next start; and limits that are reached.
 */
static void draw_limits(struct sim_options *options, struct sim_random *random)
{
    static const uint64_t inquiries[] = {20000, 500000};

    options->inquiry_us = one_of(random, inquiries, 2);
    options->txs_max = sim_random_percent(random, 10) ? sim_random_between(random, 2, 12) : 1000;
    options->locks_max =
        sim_random_percent(random, 10) ? sim_random_between(random, 30, 200) : 100000;
    if (sim_random_percent(random, 20))
        options->tombstones_max = 2;
    if (sim_random_percent(random, 50))
        options->copy_txs = sim_random_between(random, 1, 150);
    if (sim_random_percent(random, 15))
        options->old_disk = sim_random_between(random, 1, 3);
}

/* While its only coordinator is lost, nobody tells a member where another one is that has moved and
 * is not in doubt itself: that one lasts (docs/protocol.md, "Where members are"). */
static void draw_moves(struct sim_options *options, struct sim_random *random)
{
    bool drawn = sim_random_percent(random, 12);

    if (drawn && options->fault_txs > 0 && (options->lost_txs == 0 || options->coordinators > 1))
        options->move = sim_random_between(random, 2, 20);
}

/* What was thought of later, from numbers of their own: the rest of a seed stays what it was. */
static void draw_echoes(struct sim_options *options, struct sim_random *random)
{
    if (sim_random_percent(random, 35))
        options->prepare_timeout_us = sim_random_between(random, 60000, 400000);
    if (options->retention_us != SIM_FOREVER_US && sim_random_percent(random, 50))
        options->retention_us = sim_random_between(random, 100000, 1000000);
    if (options->reorder == 0 || !sim_random_percent(random, 35))
        return;
    options->echo_frames = sim_random_between(random, 8, SIM_ECHO_FRAMES_MAX);
    options->echo_percent = sim_random_between(random, 3, 25);
    options->aimed_percent = sim_random_between(random, 2, 8);
    if (sim_random_percent(random, 30))
        options->sync_us = sim_random_between(random, 20000, 120000);
}

/* Few outcomes are kept, where they are not kept for long anyway; and locks run out. */
static void draw_kept(struct sim_options *options, struct sim_random *random)
{
    options->retained_max = SIM_RETAINED_MAX;
    if (sim_random_percent(random, 30) && options->retention_us != SIM_FOREVER_US)
        options->retained_max = sim_random_between(random, 1, 40);
    if (sim_random_percent(random, 3))
        options->locks_max = sim_random_between(random, 10, 30);
}

/* Stores that are not in the daemon's own hands. */
static void draw_store(struct sim_options *options, struct sim_random *random)
{
    if (!sim_random_percent(random, 8))
        return;
    options->store_us = sim_random_between(random, 100, 20000);
    if (sim_random_percent(random, 70))
        options->store_refuses_percent = sim_random_between(random, 1, 8);
}

/* Who lies, and how often. That a node of the cluster lies is for runs of their own (--set liar=2),
 * in which less can be promised. */
static void draw_liar(struct sim_options *options, struct sim_random *random)
{
    uint64_t dice = sim_random_between(random, 0, 99);

    options->lies_percent = skewed(random, 1, 6, 20);
    options->liar = dice < 8 ? 1 : 0;
}

static void draw_rot(struct sim_options *options, struct sim_random *random)
{
    if (sim_random_percent(random, 40))
        options->rot = sim_random_between(random, 1, 4);
}

static void draw_locks(struct sim_options *options, struct sim_random *random)
{
    if (sim_random_percent(random, 25))
        options->locks_percent = sim_random_between(random, 5, 40);
    if (sim_random_percent(random, 30))
        options->lock_calls = sim_random_between(random, 50, 500);
    if (sim_random_percent(random, 25))
        options->lock_policy = sim_random_between(random, 1, TX_LOCK_POLICIES_N - 1);
    if (sim_random_percent(random, 40))
        options->escalate_at = sim_random_between(random, 1, 8);
}

static void draw_scans(struct sim_options *options, struct sim_random *random)
{
    if (sim_random_percent(random, 35))
        options->scans_percent = sim_random_between(random, 5, 35);
    if (sim_random_percent(random, 30))
        options->levels_percent = sim_random_between(random, 5, 60);
    if (options->scans_percent > 0 && sim_random_percent(random, 15))
        options->results_max = sim_random_between(random, 60, 600);
    if (options->scans_percent > 0 && sim_random_percent(random, 40))
        options->looks_percent = sim_random_between(random, 5, 60);
}

static void draw_copies(struct sim_options *options, struct sim_random *random)
{
    if (!sim_random_percent(random, 20))
        return;
    options->old_coordinators = 1;
    if (options->old_disk == 0)
        options->old_disk = sim_random_between(random, 1, 3);
}

/* Mode D more often than not: the reference has had its seeds. */
static void draw_modes(struct sim_options *options, struct sim_random *random)
{
    options->mode = sim_random_percent(random, 65) ? TX_COMMIT_PARTICIPANTS : TX_COMMIT_COORDINATOR;
    if (sim_random_percent(random, 15))
        options->mode = TX_COMMIT_DEFAULT;
    if (sim_random_percent(random, 35))
        options->asks_percent = sim_random_between(random, 5, 90);
    if (!sim_random_percent(random, 12))
        return;
    options->lost_txs = sim_random_between(random, 1, options->transactions - 1);
    options->lost_us = sim_random_between(random, 10000, 6000000);
}

/* Operators at work wherever something is in doubt for a moment, and lost messages: what a member
 * is told by hand meets the coordinator that waits for it. */
static void draw_doubt(struct sim_options *options, struct sim_random *random)
{
    if (options->mode != TX_COMMIT_PARTICIPANTS || !sim_random_percent(random, 8))
        return;
    options->resolve = 60;
    options->fault_txs = 3;
    options->loss_percent = 25;
    options->prepare_timeout_us = 80000;
    options->inquiry_us = 20000;
}

/* Cuts, for half of the seeds; now and then many of them. Those that a coordinator takes by itself
 * go on after the faults: not so often that a slow disk never comes to rest. */
static void draw_cuts(struct sim_options *options, struct sim_random *random)
{
    if (!sim_random_percent(random, 50))
        return;
    options->cut_txs = skewed(random, 2, 20, 80);
    if (sim_random_percent(random, 30))
        options->cut_every_us = sim_random_between(random, 1500000, 6000000);
}

void sim_options_draw(struct sim_options *options, struct sim_random *random)
{
    struct sim_random modes = {random->state ^ UINT64_C(0x6d6f646573)};
    struct sim_random liar = {random->state ^ UINT64_C(0x6c6961727321)};
    struct sim_random kept = {random->state ^ UINT64_C(0x6b657074)};
    struct sim_random store = {random->state ^ UINT64_C(0x73746f726573)};
    struct sim_random copies = {random->state ^ UINT64_C(0x636f70696573)};
    struct sim_random limits = {random->state ^ UINT64_C(0x6c696d697473)};
    struct sim_random echoes = {random->state ^ UINT64_C(0x6563686f6573)};
    struct sim_random locks = {random->state ^ UINT64_C(0x6c6f636b73)};
    struct sim_random rot = {random->state ^ UINT64_C(0x726f74)};
    struct sim_random scans = {random->state ^ UINT64_C(0x7363616e73)};
    struct sim_random cuts = {random->state ^ UINT64_C(0x63757473)};
    struct sim_random moves = {random->state ^ UINT64_C(0x6d6f766573)};
    static const uint64_t snapshots[] = {40, 300, 1000000};
    static const uint64_t retained[] = {0, 100, 1000000};
    static const uint64_t tombstones[] = {2, 20, 1000};
    static const uint64_t strides[] = {64, 500};
    uint64_t stride;

    *options = (struct sim_options){.transactions = 200,
                                    .longest_us = 600000000,
                                    .delay_us = 1000,
                                    .prepare_timeout_us = 1500000};
    options->coordinators = skewed(random, 1, 2, SIM_COORDINATORS_MAX);
    options->participants = skewed(random, 2, 4, SIM_PARTICIPANTS_MAX);
    options->clients = skewed(random, 3, 8, SIM_CLIENTS_MAX);
    options->think_us = sim_random_between(random, 2000, 50000);
    options->lists_percent = sim_random_between(random, 20, 60);
    options->sync_us = 2000;
    options->lazy_us = 10000;
    options->clock_us = sim_random_percent(random, 50) ? UINT64_C(86400000000) : 0;
    options->retention_us = sim_random_percent(random, 70) ? SIM_FOREVER_US : 3000000;
    options->snapshot_records = one_of(random, snapshots, 3);
    options->retain_records = one_of(random, retained, 3);
    options->tombstones_max = one_of(random, tombstones, 3);
    draw_limits(options, &limits);
    draw_liar(options, &liar);
    draw_store(options, &store);
    draw_kept(options, &kept);
    draw_locks(options, &locks);
    draw_rot(options, &rot);
    draw_copies(options, &copies);
    draw_scans(options, &scans);
    draw_modes(options, &modes);
    draw_cuts(options, &cuts);
    stride = sim_random_between(random, 0, 99);
    if (stride >= 5)
        options->check_stride = strides[sim_random_percent(random, 85)];
    else
        options->check_stride = stride < 3 ? 1 : 500;
    if (sim_random_percent(random, 10))
        return; /* no faults at all */
    draw_network(options, random);
    if (sim_random_percent(random, 30))
        options->sync_us = sim_random_between(random, 1000, 400000);
    draw_echoes(options, &echoes);
    if (sim_random_percent(random, 90))
        draw_faults(options, random);
    draw_doubt(options, &modes);
    draw_moves(options, &moves);
}

/* ---- by hand ---- */

static bool possible(const struct sim_options *options)
{
    return options->coordinators >= 1 && options->coordinators <= SIM_COORDINATORS_MAX &&
           options->participants >= 2 && options->participants <= SIM_PARTICIPANTS_MAX &&
           options->clients >= 1 && options->clients <= SIM_CLIENTS_MAX &&
           options->loss_percent < 100 && options->start_crash_percent < 100 &&
           options->delay_us >= 50 && options->sync_us >= 100 && options->think_us >= 1000 &&
           options->check_stride > 0 && options->tombstones_max > 0 && options->inquiry_us > 0 &&
           options->txs_max > 0 && options->locks_max >= 10 &&
           options->lock_policy < TX_LOCK_POLICIES_N && options->liar <= 2 &&
           options->lies_percent <= 100 && options->store_refuses_percent < 100 &&
           options->looks_percent <= 100 &&
           (options->results_max == 0 || options->results_max >= 50) &&
           options->scans_percent <= 100 && options->levels_percent <= 100 &&
           options->seats_level < TX_ISOLATIONS_N && options->echo_frames <= SIM_ECHO_FRAMES_MAX &&
           options->prepare_timeout_us >= 10000 && options->mode < TX_COMMIT_MODES_N &&
           options->asks_percent <= 100;
}

bool sim_options_set(struct sim_options *options, const char *text)
{
    size_t len = strcspn(text, "=");

    for (size_t i = 0; i < TABLE_N && text[len] == '='; i++) {
        char *end;

        if (strlen(table[i].name) != len || strncmp(table[i].name, text, len) != 0)
            continue;
        *value_of(options, i) = strtoull(text + len + 1, &end, 10);
        return text[len + 1] != '\0' && *end == '\0' && possible(options);
    }
    return false;
}

void sim_options_print(const struct sim_options *options, const char *before)
{
    struct sim_options copy = *options;
    int column = 0;

    for (size_t i = 0; i < TABLE_N; i++) {
        char text[64];
        int len = snprintf(text, sizeof text, " %s=%" PRIu64, table[i].name, *value_of(&copy, i));

        if (column > 0 && column + len > LINE) {
            putchar('\n');
            column = 0;
        }
        if (column == 0)
            column = printf("%s", before);
        column += printf("%s", text);
    }
    putchar('\n');
}

void sim_options_help(void)
{
    for (size_t i = 0; i < TABLE_N; i++)
        printf("  %-20s %s\n", table[i].name, table[i].meaning);
}
