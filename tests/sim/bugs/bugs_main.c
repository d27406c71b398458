/* txsim_bugs: runs the simulator with a mistake built into the cores, until a seed finds it.
 *
 * With --all each mistake is searched for three times: as the cores are; with their own assertions
 * switched off; and deaf to their alarms as well, so that only what is seen from outside can notice
 * it. expected.h says which kind of checker has to. */
#include "expected.h"
#include "search.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct bug {
    const char *name;
    enum tx_seeded_bug with;
    const char *what, *source;
} bugs[TX_BUGS_N] = {
#define X(name, with, what, source) {#name, TX_BUG_##with, what, source},
    TX_SEEDED_BUGS(X)
#undef X
};

/* ---- all of them ---- */

static struct search search_of(unsigned bug, uint64_t first, uint64_t last)
{
    return (struct search){.name = bugs[bug].name,
                           .bug = (enum tx_seeded_bug)bug,
                           .with = bugs[bug].with,
                           .first = first,
                           .last = last,
                           .set = bugs_expected[bug].set};
}

/* Does the seed hold without the mistake? Else it was something else that was found. */
static bool holds_without(unsigned bug, uint64_t seed)
{
    struct search search = search_of(bug, seed, seed);

    search.name = NULL;
    return search_run(&search).seed == 0;
}

static struct finding find_as(unsigned bug, enum listening listening, uint64_t first, uint64_t last)
{
    struct search search = search_of(bug, first, last);
    struct finding finding;
    double seconds = 0;

    search.listening = listening;
    search.wanted = bugs_expected[bug].by[listening];
    do {
        finding = search_run(&search);
        seconds += finding.seconds;
        search.first = finding.seed + 1;
    } while (finding.seed != 0 && !holds_without(bug, finding.seed));
    finding.seconds = seconds;
    return finding;
}

static void print_finding(const struct finding *finding)
{
    if (finding->seed == 0)
        printf("    -  %-28s", finding->finder);
    else
        printf("%5" PRIu64 "  %-28s", finding->seed, finding->finder);
}

static void complain(unsigned bug, enum listening listening, const struct finding *finding)
{
    printf("    NOT FOUND by %s; noticed by %s", bugs_expected[bug].by[listening], finding->other);
    if (finding->other_seed != 0)
        printf(" at seed %" PRIu64, finding->other_seed);
    putchar('\n');
}

/* Searches in all three ways; false when one of them does not find what it has to. */
static bool search_bug(unsigned bug, uint64_t first, uint64_t last, double *total)
{
    const struct expected *expected = &bugs_expected[bug];
    struct finding findings[LISTENINGS_N];
    double seconds = 0;
    bool found = true;

    printf("%-26s ", bugs[bug].name);
    for (unsigned i = 0; i < LISTENINGS_N; i++) {
        if (expected->by[i] == NULL) {
            findings[i] = (struct finding){.finder = "nobody else can", .other = "nobody"};
        } else if (i > 0 && findings[i - 1].seed != 0 &&
                   search_wants(expected->by[i], findings[i - 1].finder)) {
            findings[i] = findings[i - 1]; /* whom nobody listens to changes nothing */
        } else {
            findings[i] = find_as(bug, (enum listening)i, first, last);
            seconds += findings[i].seconds;
        }
        print_finding(&findings[i]);
    }
    printf(" %.1f s\n", seconds);
    *total += seconds;
    for (unsigned i = 0; i < LISTENINGS_N; i++) {
        if (expected->by[i] == NULL || findings[i].seed != 0)
            continue;
        complain(bug, (enum listening)i, &findings[i]);
        found = false;
    }
    return found;
}

static int search_all(const char *name, uint64_t first, uint64_t last)
{
    unsigned missed = 0, searched = 0;
    double seconds = 0;

    printf("%-26s  seed  %-28s seed  %-28s seed  %s\n", "mistake", "found by",
           "without assertions by", "without assertions and alarms by");
    for (unsigned i = 0; i < TX_BUGS_N; i++) {
        if (name != NULL && strcmp(bugs[i].name, name) != 0)
            continue;
        searched++;
        missed += !search_bug(i, first, last, &seconds);
    }
    printf("%u mistakes, %u of them not found as they should be; %.1f seconds\n", searched, missed,
           seconds);
    return missed > 0 || searched == 0;
}

/* ---- one of them ---- */

static int search_one(const char *name, struct search how)
{
    for (unsigned i = 0; i < TX_BUGS_N; i++) {
        struct finding finding;

        if (strcmp(bugs[i].name, name) != 0)
            continue;
        printf("%s: %s\n", bugs[i].name, bugs[i].what);
        if (bugs[i].with != i)
            printf("together with %s: %s\n", bugs[bugs[i].with].name, bugs[bugs[i].with].what);
        how.name = name;
        how.bug = (enum tx_seeded_bug)i;
        how.with = bugs[i].with;
        if (how.set == NULL)
            how.set = bugs_expected[i].set;
        finding = search_run(&how);
        printf("seed %" PRIu64 ", found by %s, %.1f seconds of processor time\n%s\n", finding.seed,
               finding.finder, finding.seconds, finding.text);
        if (finding.other_seed != 0)
            printf("before that noticed by %s, seed %" PRIu64 "\n", finding.other,
                   finding.other_seed);
        return finding.seed == 0;
    }
    fprintf(stderr, "txsim_bugs: no mistake is called %s; --list names them\n", name);
    return 2;
}

/* ---- the program ---- */

static int list(void)
{
    for (unsigned i = 0; i < TX_BUGS_N; i++)
        printf("%s\n    %s\n    (%s)\n", bugs[i].name, bugs[i].what, bugs[i].source);
    return 0;
}

static int usage(void)
{
    fputs("usage: txsim_bugs --list\n"
          "       txsim_bugs --bug NAME --seeds A-B [--no-core-checks | --no-alarms] [--by KINDS]\n"
          "                  [--set 'OPTION=NUMBER ...']\n"
          "       txsim_bugs --all [--bug NAME] --seeds A-B\n",
          stderr);
    return 2;
}

static bool take_seeds(struct search *how, const char *text)
{
    int used = 0;

    return sscanf(text, "%" SCNu64 "-%" SCNu64 "%n", &how->first, &how->last, &used) == 2 &&
           text[used] == '\0';
}

/* An option with a value. */
static bool take(struct search *how, const char **name, const char *option, const char *value)
{
    if (strcmp(option, "--bug") == 0)
        *name = value;
    else if (strcmp(option, "--set") == 0)
        how->set = value;
    else if (strcmp(option, "--by") == 0 && search_knows(value))
        how->wanted = value;
    else
        return strcmp(option, "--seeds") == 0 && take_seeds(how, value);
    return true;
}

int main(int argc, char **argv)
{
    struct search how = {.listening = LISTEN_ALL};
    bool all = false;
    const char *name = NULL;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0)
            return list();
        if (strcmp(argv[i], "--all") == 0)
            all = true;
        else if (strcmp(argv[i], "--no-core-checks") == 0)
            how.listening = LISTEN_NO_ASSERTION;
        else if (strcmp(argv[i], "--no-alarms") == 0)
            how.listening = LISTEN_NO_ALARM;
        else if (i + 1 < argc && take(&how, &name, argv[i], argv[i + 1]))
            i++;
        else
            return usage();
    }
    if (how.first == 0 || how.last < how.first || (!all && name == NULL))
        return usage();
    return all ? search_all(name, how.first, how.last) : search_one(name, how);
}
