/* txsim_bugs: runs the simulator with a mistake built into the cores, until a seed finds it.
 *
 * The first broken promise decides: its seed, and who noticed it. Each search runs in a process of
 * its own, for a core with a mistake may crash or run for ever. With --all each mistake is searched
 * for twice: as the cores are, and with their own checks switched off, so that only what is seen
 * from outside can notice it. */
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

#define SEED_SECONDS_MAX 60u /* of processor time; more is a core that runs for ever */

struct bug {
    const char *name;
    enum tx_seeded_bug with;
    const char *what, *source;
};

static const struct bug bugs[TX_BUGS_N] = {
#define X(name, with, what, source) {#name, TX_BUG_##with, what, source},
    TX_SEEDED_BUGS(X)
#undef X
};

/* Who notices what: the word that the report has first decides. */
static const struct {
    const char *word, *finder;
} finders[] = {
    {"assertion failed", "assertion"},
    {"cannot start", "recovery"},
    {"alarm", "alarm"},
    {"half-done", "atomicity: half-done"},
    {"undecided-commit", "atomicity: undecided-commit"},
    {"lost-commit", "atomicity: lost-commit"},
    {"wrong-abort", "atomicity: wrong-abort"},
    {"two-outcomes", "atomicity: two-outcomes"},
    {"prepared-for-ever", "atomicity: prepared-for-ever"},
    {"bank-total", "bank: bank-total"},
    {"read-total", "bank: read-total"},
    {"G0", "append: G0"},
    {"G1", "append: G1"},
    {"G-single", "append: G-single"},
    {"G2-item", "append: G2-item"},
    {"lost-update", "append: lost-update"},
    {"real-time", "append: real-time"},
    {"incompatible-order", "append: incompatible-order"},
    {"internal", "append: internal"},
    {"duplicate-append", "append: duplicate-append"},
    {"lost-append", "append: lost-append"},
    {"incompatible-locks", "locks: incompatible-locks"},
    {"leaked-lock", "locks: leaked-lock"},
    {"over-limit", "bounds: over-limit"},
    {"violations", "settled: violations"},
    {"in-doubt", "settled: in-doubt"},
    {"open-transaction", "settled: open-transaction"},
    {"held-lock", "settled: held-lock"},
    {"unknown-outcome", "settled: unknown-outcome"},
    {"not idle", "settled: not idle"},
    {"ran-twice", "client: ran-twice"},
    {"not noticed", "old copy not noticed"},
    {"peers up", "settled: fenced or quarantined"},
    {"down at the end", "settled: down"},
};

/* How a search has ended. */
struct finding {
    uint64_t seed; /* 0: not found */
    char text[400];
    const char *finder;
    double seconds;
};

/* ---- in the process that searches ---- */

static uint64_t running;

static void asserted(const char *text)
{
    printf("BROKEN seed %" PRIu64 " %s\n", running, text);
    fflush(stdout);
}

static _Noreturn void search(uint64_t first, uint64_t last)
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
    if (finding->seed != 0 || strncmp(line, "BROKEN seed ", 12) != 0)
        return;
    finding->seed = *at;
    snprintf(finding->text, sizeof finding->text, "%.*s", (int)strcspn(line, "\n"), line);
}

/* An end by a signal without a word is noticed as well. */
static void judge(struct finding *finding, uint64_t at, int status)
{
    const char *first = NULL;

    if (finding->seed == 0 && WIFSIGNALED(status)) {
        bool hangs = WTERMSIG(status) == SIGALRM;

        finding->seed = at;
        finding->finder = hangs ? "does not end" : "crash";
        snprintf(finding->text, sizeof finding->text, "seed %" PRIu64 ": signal %d", at,
                 WTERMSIG(status));
        return;
    }
    finding->finder = finding->seed == 0 ? "not found" : "another promise";
    for (size_t i = 0; i < sizeof finders / sizeof finders[0]; i++) {
        const char *found = strstr(finding->text, finders[i].word);

        if (found != NULL && (first == NULL || found < first)) {
            first = found;
            finding->finder = finders[i].finder;
        }
    }
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct finding find(enum tx_seeded_bug bug, bool core_checks, uint64_t first, uint64_t last)
{
    struct finding finding = {.seconds = -seconds_now()};
    char line[4000];
    uint64_t at = first;
    int ends[2];
    int status = 0;
    FILE *in;
    pid_t child;

    fflush(stdout);
    if (pipe(ends) != 0 || (child = fork()) < 0) {
        perror("txsim_bugs");
        exit(2);
    }
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        tx_seeded_bugs[bug] = tx_seeded_bugs[bugs[bug].with] = true;
        tx_asserts_ignored = !core_checks;
        search(first, last);
    }
    close(ends[1]);
    in = fdopen(ends[0], "r");
    while (in != NULL && fgets(line, sizeof line, in) != NULL)
        take_line(&finding, &at, line);
    if (in != NULL)
        fclose(in);
    waitpid(child, &status, 0);
    judge(&finding, at, status);
    finding.seconds += seconds_now();
    return finding;
}

/* ---- the program ---- */

static void print_finding(const struct finding *finding)
{
    if (finding->seed == 0)
        printf("    -  %-34s", finding->finder);
    else
        printf("%5" PRIu64 "  %-34s", finding->seed, finding->finder);
}

static int search_all(uint64_t first, uint64_t last)
{
    unsigned missed = 0;
    double begun = seconds_now();

    printf("%-26s %5s  %-34s%5s  %s\n", "mistake", "seed", "found by", "seed",
           "found without the cores' own checks by");
    for (unsigned i = 0; i < TX_BUGS_N; i++) {
        struct finding with = find((enum tx_seeded_bug)i, true, first, last);
        struct finding without = find((enum tx_seeded_bug)i, false, first, last);

        printf("%-26s ", bugs[i].name);
        print_finding(&with);
        print_finding(&without);
        printf(" %.1f s\n", with.seconds + without.seconds);
        missed += with.seed == 0 || without.seed == 0;
    }
    printf("%u mistakes, %u of them not found; %.1f seconds\n", (unsigned)TX_BUGS_N, missed,
           seconds_now() - begun);
    return missed > 0;
}

static int search_one(const char *name, bool core_checks, uint64_t first, uint64_t last)
{
    for (unsigned i = 0; i < TX_BUGS_N; i++) {
        struct finding finding;

        if (strcmp(bugs[i].name, name) != 0)
            continue;
        printf("%s: %s\n", bugs[i].name, bugs[i].what);
        if (bugs[i].with != i)
            printf("together with %s: %s\n", bugs[bugs[i].with].name, bugs[bugs[i].with].what);
        finding = find((enum tx_seeded_bug)i, core_checks, first, last);
        printf("seed %" PRIu64 ", found by %s, %.1f seconds\n%s\n", finding.seed, finding.finder,
               finding.seconds, finding.text);
        return finding.seed == 0;
    }
    fprintf(stderr, "txsim_bugs: no mistake is called %s; --list names them\n", name);
    return 2;
}

static int list(void)
{
    for (unsigned i = 0; i < TX_BUGS_N; i++)
        printf("%s\n    %s\n    (%s)\n", bugs[i].name, bugs[i].what, bugs[i].source);
    return 0;
}

static int usage(void)
{
    fputs("usage: txsim_bugs --list\n"
          "       txsim_bugs --bug NAME --seeds A-B [--no-core-checks]\n"
          "       txsim_bugs --all --seeds A-B\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t first = 0, last = 0;
    bool all = false, checks = true;
    const char *name = NULL;
    int used = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0)
            return list();
        if (strcmp(argv[i], "--all") == 0)
            all = true;
        else if (strcmp(argv[i], "--no-core-checks") == 0)
            checks = false;
        else if (strcmp(argv[i], "--bug") == 0 && i + 1 < argc)
            name = argv[++i];
        else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc &&
                 sscanf(argv[++i], "%" SCNu64 "-%" SCNu64 "%n", &first, &last, &used) == 2 &&
                 argv[i][used] == '\0')
            continue;
        else
            return usage();
    }
    if (first == 0 || last < first || all == (name != NULL))
        return usage();
    return all ? search_all(first, last) : search_one(name, checks, first, last);
}
