/* txsim_bugs: runs the simulator with a mistake built into the cores, until a seed finds it.
 *
 *     txsim_bugs --list
 *     txsim_bugs --bug NAME --seeds A-B [--no-core-checks]
 *     txsim_bugs --all --seeds A-B
 *
 * The first failure decides: the seed, and what noticed it. Each search runs in a process of its own,
 * for a core with a mistake may crash or run for ever. */
#include "common/assert.h"
#include "common/seeded_bug.h"
#include "sim.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEED_SECONDS_MAX 30u

struct bug {
    const char *name, *what, *source;
};

#define BUG_ROW(name, what, source) {#name, what, source},
static const struct bug bugs[] = {TX_SEEDED_BUGS(BUG_ROW)};
#undef BUG_ROW

/* How a search has ended. */
struct finding {
    uint64_t seed; /* 0: not found */
    char text[400];
    double seconds;
};

/* ---- in the process that searches ---- */

static uint64_t running;

static void asserted(const char *text)
{
    printf("BROKEN seed %" PRIu64 " %s\n", running, text);
    fflush(stdout);
}

static void search(uint64_t first, uint64_t last)
{
    unsigned failures = 0;

    tx_assert_hook_set(asserted);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    for (running = first; running <= last && failures == 0; running++) {
        struct sim *sim;

        printf("seed %" PRIu64 "\n", running);
        alarm(SEED_SECONDS_MAX);
        sim = sim_new(running);
        failures = sim_run(sim);
        if (failures == 0)
            sim_destroy(&sim);
    }
    fflush(stdout);
    _exit(0);
}

/* ---- in the process that watches ---- */

static void take_line(struct finding *finding, uint64_t *at, const char *line)
{
    uint64_t seed;

    if (sscanf(line, "seed %" SCNu64, &seed) == 1)
        *at = seed;
    if (finding->seed == 0 && strncmp(line, "BROKEN seed ", 12) == 0) {
        finding->seed = *at;
        snprintf(finding->text, sizeof finding->text, "%.*s", (int)strcspn(line, "\n"), line);
    }
}

static struct finding find(enum tx_seeded_bug bug, bool core_checks, uint64_t first, uint64_t last)
{
    struct finding finding = {0};
    struct timespec begin, end;
    char line[2000];
    uint64_t at = 0;
    int ends[2];
    int status = 0;
    FILE *in;
    pid_t child;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    fflush(stdout);
    if (pipe(ends) != 0 || (child = fork()) < 0) {
        perror("txsim_bugs");
        exit(2);
    }
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        tx_seeded_bugs[bug] = true;
        tx_asserts_ignored = !core_checks;
        search(first, last);
    }
    close(ends[1]);
    in = fdopen(ends[0], "r");
    while (in != NULL && fgets(line, sizeof line, in) != NULL)
        take_line(&finding, &at, line);
    fclose(in);
    waitpid(child, &status, 0);
    if (finding.seed == 0 && WIFSIGNALED(status)) {
        finding.seed = at;
        snprintf(finding.text, sizeof finding.text, "ended by signal %d", WTERMSIG(status));
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    finding.seconds =
        (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    return finding;
}

int main(int argc, char **argv)
{
    uint64_t first = 1, last = 1000;
    (void)argc;
    for (unsigned i = 0; i < TX_BUGS_N; i++) {
        if (argc > 1 && strcmp(argv[1], bugs[i].name) != 0)
            continue;
        struct finding with = find(i, true, first, last);
        struct finding without = find(i, false, first, last);
        printf("%s\n   %4" PRIu64 " %5.1f s %s\n   %4" PRIu64 " %5.1f s %s\n", bugs[i].name, with.seed,
               with.seconds, with.text, without.seed, without.seconds, without.text);
        fflush(stdout);
    }
    return 0;
}
