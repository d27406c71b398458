/* txcheck FILE...: reads histories and says which promises they break. README.md specifies the
 * files and lists the promises. */
#include "check.h"
#include "history_json.h"

#include "common/clock.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANOMALIES_MAX  20 /* shown of one checker and file */
#define PROGRESS_US    200000
#define PROGRESS_LINES 4096 /* between two looks at the clock */

enum status { FINE, ANOMALIES, UNREADABLE };

struct arguments {
    char **files;
    size_t files_n;
};

/* ---- progress, on a terminal alone ---- */

struct progress {
    const char *name;
    uint64_t next_us;
    bool shown;
};

static void show_progress(void *arg, uint64_t lines, uint64_t bytes)
{
    struct progress *progress = arg;

    if (lines % PROGRESS_LINES != 0 || clock_now_us() < progress->next_us)
        return;
    progress->next_us = clock_now_us() + PROGRESS_US;
    progress->shown = true;
    (void)fprintf(stderr, "\r%s: %" PRIu64 " lines, %" PRIu64 " MB\033[K", progress->name, lines,
                  bytes / 1000000);
}

static void end_progress(struct progress *progress)
{
    if (progress->shown)
        (void)fputs("\r\033[K", stderr);
    progress->shown = false;
}

/* ---- one file ---- */

static enum tx_error read_history(struct history *history, FILE *in, const char *name,
                                  struct tx_why *why)
{
    struct progress state = {.name = name, .next_us = clock_now_us() + PROGRESS_US};
    struct history_progress progress = {0};
    enum tx_error error;

    if (isatty(STDERR_FILENO) == 1)
        progress = (struct history_progress){.line = show_progress, .arg = &state};
    error = history_read(history, in, name, &progress, why);
    end_progress(&state);
    return error;
}

static const char *title(const char *name)
{
    return strcmp(name, "-") == 0 ? "standard input" : name;
}

static enum tx_error read_file(struct history *history, const char *name, struct tx_why *why)
{
    enum tx_error error;
    FILE *in;

    if (strcmp(name, "-") == 0)
        return read_history(history, stdin, title(name), why);
    in = fopen(name, "re");
    if (in == NULL)
        return tx_why(why, TX_EIO, "%s: cannot open it: %s", name, strerrordesc_np(errno));
    error = read_history(history, in, name, why);
    (void)fclose(in);
    return error;
}

/* The anomalies of one checker are kept until its summary line is out. */
struct kept {
    FILE *out;
    size_t n;
};

static void keep(void *arg, const char *name, const char *witness)
{
    struct kept *kept = arg;

    if (kept->n++ < ANOMALIES_MAX)
        (void)fprintf(kept->out, "    %s: %s\n", name, witness);
}

static void indent(const char *text)
{
    for (; *text != '\0'; text++) {
        (void)putchar(*text);
        if (*text == '\n' && text[1] == ' ')
            (void)fputs("    ", stdout);
    }
}

static size_t run_check(const struct history *history, const struct check *check)
{
    char *text = NULL;
    size_t length = 0;
    struct kept kept = {.out = open_memstream(&text, &length)};
    struct check_report report = {.anomaly = keep, .arg = &kept};

    TX_ASSERT(kept.out != NULL);
    check->run(history, &report);
    if (kept.n > ANOMALIES_MAX)
        (void)fprintf(kept.out, "    and %zu more\n", kept.n - ANOMALIES_MAX);
    (void)fclose(kept.out);
    TX_ASSERT(text != NULL);
    if (report.looked == 0 && report.found == 0)
        (void)printf("  %-16s nothing to look at\n", check->name);
    else
        (void)printf("  %-16s %s: %zu %s\n", check->name, report.found == 0 ? "fine" : "BROKEN",
                     report.looked, check->items);
    indent(text);
    free(text);
    return report.found;
}

static enum status check_file(const char *name)
{
    struct history history = {0};
    struct tx_why why = {0};
    size_t found = 0;

    if (read_file(&history, name, &why) != TX_OK) {
        (void)fprintf(stderr, "txcheck: %s\n", why.text);
        history_deinit(&history);
        return UNREADABLE;
    }
    (void)printf("%s: %zu transactions, %zu records%s%s%s\n", title(name), history.txs_n,
                 history.records_n, history.final ? "" : ", not final",
                 history.source[0] != '\0' ? "; " : "", history.source);
    for (size_t i = 0; i < checks_n; i++)
        found += run_check(&history, &checks[i]);
    history_deinit(&history);
    return found > 0 ? ANOMALIES : FINE;
}

/* ---- main ---- */

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;

    switch (key) {
    case ARGP_KEY_ARGS:
        arguments->files = state->argv + state->next;
        arguments->files_n = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a file is missing; - is standard input");
        return 0;
    default:
        (void)arg;
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .parser = parse,
    .args_doc = "FILE...",
    .doc = "Checks histories of transactions: what clients asked for and were told, what each node "
           "made durable, which locks were held, and how things stood at the end.\v"
           "- is standard input. Exit status: 0 every promise was kept; 1 anomalies were found; 2 "
           "a file could not be read, or wrong usage."};

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    enum status worst = FINE;

    argp_err_exit_status = UNREADABLE;
    argp_program_version = "txcheck " ASSENT_VERSION;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return UNREADABLE;
    for (size_t i = 0; i < arguments.files_n; i++) {
        enum status status = check_file(arguments.files[i]);

        worst = status > worst ? status : worst;
    }
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return (int)worst;
    (void)fprintf(stderr, "txcheck: cannot write: %s\n", strerrordesc_np(errno));
    return UNREADABLE;
}
