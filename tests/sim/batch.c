#include "batch.h"

#include "faults.h"
#include "tests/check/history_json.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK      50u /* seeds for a process at a time */
#define PROGRESS_S 10

/* What a process tells about its chunk, in memory that is shared. */
struct chunk {
    uint64_t first, last;
    uint64_t running; /* the seed at work; last + 1: all are done */
    uint64_t broken, done, transactions_min;
    struct sim_totals totals;
    struct coverage coverage;
    int output; /* what it prints */
    pid_t process;
    bool used, ended;
};

struct batch {
    const struct batch_options *options;
    struct chunk *slots; /* 2 for each job: running, or waiting to be printed */
    size_t slots_n;
    uint64_t next_seed;    /* to be given out */
    uint64_t next_printed; /* the first seed of the chunk whose turn it is */
    struct chunk sum;
    time_t began, told;
};

static uint64_t running; /* the seed at work in this process, for the assertion hook */

static void asserted(const char *text)
{
    printf("BROKEN seed %" PRIu64 " %s\n", running, text);
    fflush(stdout);
}

/* ---- words ---- */

static void print_totals(const struct sim_totals *totals)
{
    printf("  %" PRIu64 " transactions begun, %" PRIu64 " committed; %" PRIu64
           " messages in %" PRIu64 " frames, %" PRIu64 " of them lost; %" PRIu64 " events\n",
           totals->transactions, totals->committed, totals->messages, totals->frames, totals->lost,
           totals->events);
    printf("  %" PRIu64 " starts undone by force", totals->crashes);
    for (unsigned i = 0; i < SIM_FAULTS_N; i++) {
        if (totals->faults[i] > 0)
            printf(", %" PRIu64 " %s", totals->faults[i], sim_fault_name((enum sim_fault)i));
    }
    if (totals->old_believed > 0)
        printf(", %" PRIu64 " words of a copy lost that nobody could doubt", totals->old_believed);
    printf("; %" PRIu64 " simulated seconds\n", totals->simulated_us / 1000000);
    if (totals->members_decided > 0)
        printf("  %" PRIu64 " commits decided by their members\n", totals->members_decided);
    if (totals->coordinators_lost > 0)
        printf("  %" PRIu64 " coordinators lost: all that members decide was settled within %.1f s "
               "of the last fault; %" PRIu64 " others stayed in doubt\n",
               totals->coordinators_lost, (double)totals->settled_us / 1e6, totals->lost_waiting);
    if (totals->cuts > 0)
        printf("  %" PRIu64 " times a cut was taken at a node; %" PRIu64
               " clusters rebuilt from one\n",
               totals->cuts, totals->rebuilt);
    if (totals->rejoined > 0)
        printf("  %" PRIu64 " participants came back without their newest records\n",
               totals->rejoined);
    if (totals->rot_shown > 0)
        printf("  %" PRIu64 " damaged logs shown, %" PRIu64 " of them refused\n", totals->rot_shown,
               totals->rot_refused);
}

static void print_seed(const struct sim *sim)
{
    printf("seed %" PRIu64 "\n", sim->seed);
    sim_options_print(&sim->options, "  ");
    print_totals(&sim->totals);
}

static struct sim *new_sim(const struct batch_options *options, uint64_t seed)
{
    struct sim *sim = sim_new(seed);

    for (size_t i = 0; i < options->set_n; i++) {
        bool set = sim_options_set(&sim->options, options->set[i]);

        TX_ASSERT(set);
    }
    sim->tracing = options->trace || options->hash;
    sim->trace_printed = options->trace;
    return sim;
}

static bool write_history(const struct sim *sim, const char *name)
{
    FILE *file = fopen(name, "w");
    bool written = file != NULL && history_write(&sim->history, file) == TX_OK;

    if (file != NULL)
        written = fclose(file) == 0 && written;
    if (!written)
        fprintf(stderr, "txsim: cannot write %s\n", name);
    return written;
}

int batch_one(const struct batch_options *options)
{
    struct sim *sim = new_sim(options, options->first);
    unsigned failures;

    running = options->first;
    tx_assert_hook_set(asserted);
    failures = sim_run(sim);
    print_seed(sim);
    if (options->hash)
        printf("hash %" PRIu64 " %016" PRIx64 "\n", sim->seed, sim->trace_hash);
    printf("%u promises broken\n", failures);
    if (options->history != NULL && !write_history(sim, options->history))
        failures++;
    sim_destroy(&sim);
    return failures > 0;
}

/* ---- a process with its chunk ---- */

static void add_totals(struct chunk *to, const struct sim_totals *totals)
{
    to->done++;
    to->totals.transactions += totals->transactions;
    to->totals.committed += totals->committed;
    to->totals.crashes += totals->crashes;
    to->totals.messages += totals->messages;
    to->totals.frames += totals->frames;
    to->totals.lost += totals->lost;
    to->totals.events += totals->events;
    to->totals.old_believed += totals->old_believed;
    to->totals.simulated_us += totals->simulated_us;
    to->totals.members_decided += totals->members_decided;
    to->totals.coordinators_lost += totals->coordinators_lost;
    to->totals.lost_waiting += totals->lost_waiting;
    if (totals->settled_us > to->totals.settled_us)
        to->totals.settled_us = totals->settled_us;
    to->totals.cuts += totals->cuts;
    to->totals.rebuilt += totals->rebuilt;
    to->totals.rejoined += totals->rejoined;
    to->totals.rot_shown += totals->rot_shown;
    to->totals.rot_refused += totals->rot_refused;
    for (size_t i = 0; i < SIM_FAULTS_N; i++)
        to->totals.faults[i] += totals->faults[i];
    if (totals->transactions < to->transactions_min && totals->coordinators_lost == 0)
        to->transactions_min = totals->transactions;
}

static void run_chunk(const struct batch_options *options, struct chunk *chunk)
{
    for (; chunk->running <= chunk->last; chunk->running++) {
        struct sim *sim;

        running = chunk->running;
        sim = new_sim(options, running);
        sim->coverage = options->coverage ? &chunk->coverage : NULL;
        if (sim_run(sim) > 0) {
            chunk->broken++;
            print_seed(sim);
        }
        if (options->hash)
            printf("hash %" PRIu64 " %016" PRIx64 "\n", sim->seed, sim->trace_hash);
        add_totals(chunk, &sim->totals);
        sim_destroy(&sim);
    }
}

static void start_chunk(const struct batch_options *options, struct chunk *chunk)
{
    pid_t process;

    fflush(stdout);
    chunk->ended = false;
    process = fork();
    TX_ASSERT(process >= 0);
    if (process > 0) {
        chunk->process = process;
        return;
    }
    TX_ASSERT(dup2(chunk->output, STDOUT_FILENO) == STDOUT_FILENO);
    run_chunk(options, chunk);
    fflush(stdout);
    _exit(0);
}

/* ---- all of them ---- */

static void give_out(struct batch *batch)
{
    size_t busy = 0;

    for (size_t i = 0; i < batch->slots_n; i++)
        busy += batch->slots[i].used && !batch->slots[i].ended;
    for (size_t i = 0; i < batch->slots_n; i++) {
        struct chunk *chunk = &batch->slots[i];
        uint64_t left = batch->options->last - batch->next_seed + 1;

        if (chunk->used || left == 0 || busy == batch->options->jobs)
            continue;
        *chunk = (struct chunk){.first = batch->next_seed,
                                .last = batch->next_seed + (left < CHUNK ? left : CHUNK) - 1,
                                .running = batch->next_seed,
                                .transactions_min = UINT64_MAX,
                                .used = true,
                                .output = memfd_create("txsim", MFD_CLOEXEC)};
        TX_ASSERT(chunk->output >= 0);
        batch->next_seed = chunk->last + 1;
        start_chunk(batch->options, chunk);
        busy++;
    }
}

static void copy_output(int from)
{
    char bytes[4096];
    ssize_t n;

    lseek(from, 0, SEEK_SET);
    while ((n = read(from, bytes, sizeof bytes)) > 0)
        fwrite(bytes, 1, (size_t)n, stdout);
    fflush(stdout);
}

static void take_in(struct batch *batch, struct chunk *chunk)
{
    struct chunk *sum = &batch->sum;

    coverage_add(&sum->coverage, &chunk->coverage);
    copy_output(chunk->output);
    close(chunk->output);
    sum->broken += chunk->broken;
    if (chunk->done > 0) {
        uint64_t done = sum->done + chunk->done;

        add_totals(sum, &chunk->totals);
        sum->done = done;
        if (chunk->transactions_min < sum->transactions_min)
            sum->transactions_min = chunk->transactions_min;
    }
    batch->next_printed = chunk->last + 1;
    chunk->used = false;
}

/* A process has ended: its chunk is done, or a seed killed it. */
static void ended(struct batch *batch, pid_t process, int status)
{
    for (size_t i = 0; i < batch->slots_n; i++) {
        struct chunk *chunk = &batch->slots[i];

        if (!chunk->used || chunk->ended || chunk->process != process)
            continue;
        chunk->ended = true;
        if (chunk->running > chunk->last)
            return;
        dprintf(chunk->output, "BROKEN seed %" PRIu64 " ended its process (%s %d)\n",
                chunk->running, WIFSIGNALED(status) ? "signal" : "status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        chunk->broken++;
        chunk->done++;
        chunk->running++;
        if (chunk->running <= chunk->last)
            start_chunk(batch->options, chunk);
    }
}

static void print_in_order(struct batch *batch)
{
    for (size_t i = 0; i < batch->slots_n; i++) {
        struct chunk *chunk = &batch->slots[i];

        if (chunk->used && chunk->ended && chunk->first == batch->next_printed) {
            take_in(batch, chunk);
            i = (size_t)-1; /* the next one may stand anywhere */
        }
    }
}

static void tell_progress(struct batch *batch)
{
    const struct batch_options *options = batch->options;
    time_t now = time(NULL);
    uint64_t done = 0, broken = batch->sum.broken;

    if (now - batch->told < PROGRESS_S)
        return;
    batch->told = now;
    done = batch->sum.done;
    for (size_t i = 0; i < batch->slots_n; i++) {
        done += batch->slots[i].used ? batch->slots[i].done : 0;
        broken += batch->slots[i].used ? batch->slots[i].broken : 0;
    }
    fprintf(stderr, "%" PRIu64 " of %" PRIu64 " seeds, %" PRIu64 " a second, %" PRIu64 " broken\n",
            done, options->last - options->first + 1, done / (uint64_t)(now - batch->began + 1),
            broken);
}

static void wait_for_one(struct batch *batch, const sigset_t *child)
{
    struct timespec patience = {.tv_sec = PROGRESS_S};
    pid_t process;
    int status;

    sigtimedwait(child, NULL, &patience);
    while ((process = waitpid(-1, &status, WNOHANG)) > 0)
        ended(batch, process, status);
}

static void print_sum(const struct batch *batch, double seconds)
{
    const struct chunk *sum = &batch->sum;

    printf("%" PRIu64 " of %" PRIu64 " seeds broke a promise; %.1f seconds, %.0f seeds a second\n",
           sum->broken, sum->done, seconds, (double)sum->done / seconds);
    if (sum->done == 0)
        return;
    print_totals(&sum->totals);
    printf("  transactions of a seed: %" PRIu64 " on average, %" PRIu64 " at least\n",
           sum->totals.transactions / sum->done, sum->transactions_min);
}

int batch_many(const struct batch_options *options)
{
    struct batch batch = {.options = options,
                          .slots_n = (size_t)options->jobs * 2,
                          .next_seed = options->first,
                          .next_printed = options->first,
                          .sum = {.transactions_min = UINT64_MAX},
                          .began = time(NULL),
                          .told = time(NULL)};
    struct timespec began, now;
    unsigned wrong = 0;
    sigset_t child;

    clock_gettime(CLOCK_MONOTONIC, &began);
    tx_assert_hook_set(asserted);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    batch.slots = mmap(NULL, batch.slots_n * sizeof *batch.slots, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    TX_ASSERT(batch.slots != MAP_FAILED);
    while (batch.next_printed <= options->last) {
        give_out(&batch);
        wait_for_one(&batch, &child);
        print_in_order(&batch);
        tell_progress(&batch);
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    print_sum(&batch,
              (double)(now.tv_sec - began.tv_sec) + (double)(now.tv_nsec - began.tv_nsec) / 1e9);
    munmap(batch.slots, batch.slots_n * sizeof *batch.slots);
    if (options->coverage)
        wrong = coverage_print(&batch.sum.coverage);
    return batch.sum.broken > 0 || wrong > 0;
}
