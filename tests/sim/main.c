/* txsim --seed S [--trace] | --seeds A-B: runs whole clusters, one for each seed, and says which
 * promises broke. The same seed gives the same run, byte for byte. */
#include "sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t running; /* the seed at work, for the assertion hook */

static void asserted(const char *text)
{
    printf("BROKEN seed %" PRIu64 " %s\n", running, text);
    fflush(stdout);
}

static void describe(const struct sim *sim)
{
    const struct sim_options *o = &sim->options;
    size_t committed = 0;

    for (size_t i = 0; i < sim->told_n; i++)
        committed += sim->told[i].outcome == TX_OUTCOME_COMMITTED;
    printf("seed %" PRIu64 ": %u coordinators, %u participants, %u clients; loss %u %%, "
           "duplication %u %%, delay %" PRIu64 " us%s, sync %" PRIu64 " us, faults each %" PRIu64
           " us, snapshot %" PRIu64 ", retain %" PRIu64 ", tombstones %zu\n"
           "  %" PRIu64 " events, %" PRIu64 " crashes, %" PRIu64 " messages lost, %zu outcomes, "
           "%zu committed\n",
           sim->seed, o->coordinators, o->participants, o->clients, o->loss_percent,
           o->duplicate_percent, o->delay_us, o->reorder ? " reordered" : "", o->sync_us,
           o->fault_us, o->snapshot_records, o->retain_records, o->tombstones_max, sim->events,
           sim->crashes, sim->lost, sim->told_n, committed);
}

static int usage(void)
{
    fputs("usage: txsim --seed S [--trace] | --seeds A-B\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t first = 0, last = 0, broken = 0;
    bool trace = argc == 4 && strcmp(argv[3], "--trace") == 0;
    char *end = NULL;

    if (argc < 3 || (argc == 4 && !trace) || argc > 4)
        return usage();
    first = last = strtoull(argv[2], &end, 10);
    if (strcmp(argv[1], "--seeds") == 0 && *end == '-')
        last = strtoull(end + 1, &end, 10);
    else if (strcmp(argv[1], "--seed") != 0)
        return usage();
    if (*end != '\0' || last < first)
        return usage();
    tx_assert_hook_set(asserted);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    for (running = first; running <= last; running++) {
        struct sim *sim = sim_new(running, trace);

        broken += sim_run(sim) > 0;
        if (sim->failures > 0 || first == last)
            describe(sim);
        sim_destroy(&sim);
    }
    printf("%" PRIu64 " of %" PRIu64 " seeds broke a promise\n", broken, last - first + 1);
    return broken > 0;
}
