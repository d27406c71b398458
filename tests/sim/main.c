/* txsim: runs whole clusters, one for each seed, and says which promises broke. The same seed gives
 * the same run, byte for byte. */
#include "batch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
    "usage: txsim --seed S [--trace] [--history FILE] [OPTION...]\n"
    "       txsim --seeds A-B [--jobs N] [--hash] [--coverage] [OPTION...]\n"
    "\n"
    "  --seed S          one cluster; prints its options and what happened\n"
    "  --seeds A-B       all from A to B, and totals; exit status 1 when a promise was broken\n"
    "  --trace           every message, record and fault, in the order of virtual time\n"
    "  --history FILE    what it leaves behind, as txcheck reads it\n"
    "  --hash            a line for each seed with the hash of its whole trace\n"
    "  --coverage        counts for each cell of the state tables; exit status 1 as well when one\n"
    "                    was not reached that could be\n"
    "  --jobs N          so many processes\n"
    "  --set NAME=NUMBER instead of what the seed draws; may be repeated\n"
    "  --help            this, and the names for --set\n";

static int usage(void)
{
    fputs(usage_text, stderr);
    return 2;
}

static int help(void)
{
    fputs(usage_text, stdout);
    puts("");
    sim_options_help();
    return 0;
}

static bool number(const char *text, char ends_with, uint64_t *out, const char **end)
{
    char *stop = NULL;

    *out = strtoull(text, &stop, 10);
    *end = stop + 1;
    return text[0] >= '0' && text[0] <= '9' && *stop == ends_with;
}

static bool parse_value(struct batch_options *options, const char *name, const char *value)
{
    struct sim_options probe = {0};
    struct sim_random random = {0};
    uint64_t n;
    const char *end;

    if (strcmp(name, "--seed") == 0) {
        options->one = true;
        return number(value, '\0', &options->first, &end) &&
               number(value, '\0', &options->last, &end);
    }
    if (strcmp(name, "--seeds") == 0)
        return number(value, '-', &options->first, &end) &&
               number(end, '\0', &options->last, &end) && options->first <= options->last;
    if (strcmp(name, "--history") == 0) {
        options->history = value;
        return true;
    }
    if (strcmp(name, "--jobs") == 0 && number(value, '\0', &n, &end) && n >= 1 &&
        n <= BATCH_JOBS_MAX) {
        options->jobs = (unsigned)n;
        return true;
    }
    sim_options_draw(&probe, &random);
    if (strcmp(name, "--set") != 0 || options->set_n == BATCH_SET_MAX ||
        !sim_options_set(&probe, value))
        return false;
    options->set[options->set_n++] = value;
    return true;
}

int main(int argc, char **argv)
{
    struct batch_options options = {.first = 1, .last = 0, .jobs = 1};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return help();
        if (strcmp(argv[i], "--trace") == 0)
            options.trace = true;
        else if (strcmp(argv[i], "--hash") == 0)
            options.hash = true;
        else if (strcmp(argv[i], "--coverage") == 0)
            options.coverage = true;
        else if (i + 1 == argc || !parse_value(&options, argv[i], argv[i + 1]))
            return usage();
        else
            i++;
    }
    if (options.first > options.last ||
        ((options.trace || options.history != NULL) && !options.one))
        return usage();
    return options.one ? batch_one(&options) : batch_many(&options);
}
