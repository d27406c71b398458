#include "search.h"

#include "common/assert.h"
#include "sim.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEED_SECONDS_MAX 60u /* of processor time; more is a core that runs for ever */
#define SET_MAX          64u

/* Who notices what: the word that comes first in the report decides. What stands before the colon
 * is the kind. */
static const struct {
    const char *word, *finder;
} finders[] = {
    {"assertion failed", "assertion"},
    {"cannot start", "recovery"},
    {"alarm", "alarm"},
    {"violations", "alarm: violations"},
    {"rule: ", "rule"},
    {"half-done", "atomicity: half-done"},
    {"undone-commit", "atomicity: undone-commit"},
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
    {"forgotten-lock", "locks: forgotten-lock"},
    {"over-limit", "bounds: over-limit"},
    {"in-doubt", "settled: in-doubt"},
    {"open-transaction", "settled: open-transaction"},
    {"held-lock", "settled: held-lock"},
    {"unknown-outcome", "settled: unknown-outcome"},
    {"not idle", "settled: not idle"},
    {"peers up", "settled: fenced or quarantined"},
    {"down at the end", "settled: down"},
    {"ran-twice", "client: ran-twice"},
    {"not noticed", "old copy: not noticed"},
    {"waits in vain", "waits: in vain"},
    {"too-many-rows", "rows: too-many-rows"},
    {"other-rows", "rows: other-rows"},
    {"cut: ", "cut"},
    {"rebuilt from cut", "rebuilt"},
};
#define FINDERS_N (sizeof finders / sizeof finders[0])

/* ---- kinds ---- */

/* Does the word of this length name the finder, or its kind? */
static bool names(const char *word, size_t len, const char *finder)
{
    return strncmp(word, finder, len) == 0 && (finder[len] == '\0' || finder[len] == ':');
}

bool search_wants(const char *wanted, const char *finder)
{
    for (const char *at = wanted; at != NULL && *at != '\0'; at += strspn(at, ",")) {
        size_t len = strcspn(at, ",");

        if (names(at, len, finder))
            return true;
        at += len;
    }
    return wanted == NULL;
}

static bool known(const char *word, size_t len)
{
    for (size_t i = 0; i < FINDERS_N; i++)
        if (names(word, len, finders[i].finder))
            return true;
    return false;
}

bool search_knows(const char *words)
{
    bool all = *words != '\0';

    for (const char *at = words; *at != '\0'; at += strspn(at, ",")) {
        size_t len = strcspn(at, ",");

        all = all && known(at, len);
        at += len;
    }
    return all;
}

/* ---- in the process that searches ---- */

static uint64_t running;

static void asserted(const char *text)
{
    printf("BROKEN seed %" PRIu64 " %s\n", running, text);
    fflush(stdout);
}

static void set_options(struct sim *sim, const char *set)
{
    char word[SET_MAX];
    int used = 0;

    for (; set != NULL && sscanf(set, "%63s%n", word, &used) == 1; set += used) {
        if (!sim_options_set(&sim->options, word)) {
            fprintf(stderr, "txsim_bugs: %s is no option\n", word);
            _exit(2);
        }
    }
}

static _Noreturn void child(const struct search *search, uint64_t from)
{
    tx_assert_hook_set(asserted);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    if (search->name != NULL)
        tx_seeded_bugs[search->bug] = tx_seeded_bugs[search->with] = true;
    tx_asserts_ignored = search->listening != LISTEN_ALL;
    for (running = from; running <= search->last; running++) {
        struct sim *sim;

        printf("seed %" PRIu64 "\n", running);
        alarm(SEED_SECONDS_MAX);
        sim = sim_new(running);
        sim->deaf = search->listening == LISTEN_NO_ALARM;
        set_options(sim, search->set);
        (void)sim_run(sim);
        sim_destroy(&sim);
    }
    fflush(stdout);
    _exit(0);
}

/* ---- in the process that watches ---- */

static const char *finder_of(const char *text)
{
    const char *first = NULL, *finder = "another promise";

    for (size_t i = 0; i < FINDERS_N; i++) {
        const char *found = strstr(text, finders[i].word);

        if (found != NULL && (first == NULL || found < first)) {
            first = found;
            finder = finders[i].finder;
        }
    }
    return finder;
}

static void noticed(const struct search *search, struct finding *finding, uint64_t seed,
                    const char *finder, const char *text)
{
    if (!search_wants(search->wanted, finder)) {
        if (finding->other_seed == 0) {
            finding->other_seed = seed;
            finding->other = finder;
        }
        return;
    }
    finding->seed = seed;
    finding->finder = finder;
    snprintf(finding->text, sizeof finding->text, "%.*s", (int)strcspn(text, "\n"), text);
}

/* How far a process has come. */
struct progress {
    uint64_t at;
    bool said; /* somebody has noticed something at that seed */
};

/* Reads until somebody who is wanted has noticed, or the process has ended. */
static struct progress listen_to(FILE *in, const struct search *search, struct finding *finding)
{
    char line[4200];
    struct progress progress = {.at = search->first};

    while (finding->seed == 0 && fgets(line, sizeof line, in) != NULL) {
        uint64_t seed;

        if (sscanf(line, "seed %" SCNu64, &seed) == 1)
            progress = (struct progress){.at = seed};
        if (strncmp(line, "BROKEN seed ", 12) != 0)
            continue;
        progress.said = true;
        noticed(search, finding, progress.at, finder_of(line), line);
    }
    return progress;
}

/* An end by a signal without a word is noticed as well. */
static void ended(const struct search *search, struct finding *finding, struct progress progress,
                  int status)
{
    char text[64];

    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        exit(2);
    if (!WIFSIGNALED(status) || (WTERMSIG(status) == SIGABRT && progress.said))
        return;
    snprintf(text, sizeof text, "seed %" PRIu64 ": signal %d", progress.at, WTERMSIG(status));
    noticed(search, finding, progress.at, WTERMSIG(status) == SIGALRM ? "does not end" : "crash",
            text);
}

/* One process from this seed on. Gives the seed from which the next one must go on: it ends early
 * when the core does not survive its mistake. */
static uint64_t run_from(const struct search *search, struct finding *finding, uint64_t from)
{
    int ends[2];
    int status = 0;
    struct progress progress;
    FILE *in;
    pid_t pid;

    fflush(stdout);
    if (pipe(ends) != 0 || (pid = fork()) < 0 || (in = fdopen(ends[0], "r")) == NULL) {
        perror("txsim_bugs");
        exit(2);
    }
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[1]);
        child(search, from);
    }
    close(ends[1]);
    progress = listen_to(in, search, finding);
    if (finding->seed != 0)
        kill(pid, SIGKILL);
    fclose(in);
    waitpid(pid, &status, 0);
    if (finding->seed == 0)
        ended(search, finding, progress, status);
    return progress.at + 1;
}

/* Processor time of the searches so far: others may be at work on this machine. */
static double seconds_spent(void)
{
    struct rusage usage;

    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

struct finding search_run(const struct search *search)
{
    struct finding finding = {.finder = "not found", .other = "nobody"};
    uint64_t from = search->first;

    finding.seconds = -seconds_spent();
    while (from <= search->last && finding.seed == 0)
        from = run_from(search, &finding, from);
    finding.seconds += seconds_spent();
    return finding;
}
