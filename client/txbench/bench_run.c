/* Options, setup, load, verification and summary of any workload. */
#include "client/txbench/bench_run.h"

#include "client/txbench/bench_accounts.h"
#include "client/txbench/bench_args.h"
#include "client/txbench/bench_report.h"
#include "client/txbench/bench_steps.h"

#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#define CLIENTS_MAX 1024u
#define SECONDS_MAX 86400.0
#define POLL_MS     20u

/* ---- options ---- */

struct input {
    const struct bench_workload *workload;
    struct bench_run_options *options;
    void *state;
};

enum {
    OPTION_WARMUP = 256,
    OPTION_RATE,
    OPTION_REPETITIONS,
    OPTION_INTERACTIVE,
    OPTION_PLOT,
    OPTION_SETTLE,
    OPTION_OTHER_CONFIG,
    OPTION_HANDLES,
    OPTION_ASYNC,
    OPTION_COMMIT_MODE,
};

static const struct argp_option load_options[] = {
    {"clients", 'n', "NUMBER", 0, "clients at once (default 8); each a thread, unless --async", 0},
    {"handles", OPTION_HANDLES, "NUMBER", 0,
     "handles that the clients share; 0: each has its own (default 1)", 0},
    {"seconds", 's', "NUMBER", 0, "for so long new transactions begin (default 10)", 0},
    {"warmup", OPTION_WARMUP, "SECONDS", 0, "run so long before what counts (default 0)", 0},
    {"rate", OPTION_RATE, "NUMBER", 0,
     "open loop: so many transactions a second are due, and latencies count from then", 0},
    {"repetitions", OPTION_REPETITIONS, "NUMBER", 0, "loads, each as long (default 1); medians", 0},
    {"plot", OPTION_PLOT, NULL, 0, "draw rate and slowest transaction over time", 0},
    {"commit-mode", OPTION_COMMIT_MODE, "MODE", 0,
     "who decides: coordinator, participants, or default (as the coordinator is configured)", 0},
    {"settle", OPTION_SETTLE, "SECONDS", 0,
     "ask so long for an outcome that is unknown (default 60)", 0},
    {"other-config", OPTION_OTHER_CONFIG, "FILE", 0,
     "configuration file of every second client, with another coordinator", 0},
    {0}};
static const struct argp_option mode_options[] = {
    {"interactive", OPTION_INTERACTIVE, NULL, 0,
     "begin, operations and commit, instead of one-shot", 0},
    {0}};
static const struct argp_option async_options[] = {
    {"async", OPTION_ASYNC, NULL, 0,
     "asynchronously: a thread for each handle, and the clients are what it has in flight", 0},
    {0}};

static error_t parse_load(int key, char *arg, struct argp_state *state)
{
    struct bench_run_options *options = state->input;
    struct bench_options *load = &options->load;
    switch (key) {
    case 'n':
        load->clients = (unsigned)bench_arg_count(state, arg, 1, CLIENTS_MAX);
        return 0;
    case 's':
        load->seconds = bench_arg_number(state, arg, 0, SECONDS_MAX);
        return 0;
    case OPTION_WARMUP:
        load->warmup = bench_arg_number(state, arg, 0, SECONDS_MAX);
        return 0;
    case OPTION_RATE:
        load->rate = bench_arg_number(state, arg, 0.001, BENCH_RATE_MAX);
        return 0;
    case OPTION_REPETITIONS:
        options->repetitions = (unsigned)bench_arg_count(state, arg, 1, BENCH_REPETITIONS_MAX);
        return 0;
    case OPTION_PLOT:
        options->plot = true;
        return 0;
    case OPTION_COMMIT_MODE:
        if (txclient_commit_mode_parse(arg, &load->commit_mode) != TXCLIENT_OK) {
            argp_error(state, "there is no commit mode \"%s\"", arg);
        }
        return 0;
    case OPTION_SETTLE:
        load->settle_ms = (uint32_t)(bench_arg_number(state, arg, 0, 3600) * 1000.0);
        return 0;
    case OPTION_HANDLES:
        load->handles = (unsigned)bench_arg_count(state, arg, 0, CLIENTS_MAX);
        return 0;
    case OPTION_OTHER_CONFIG:
        load->other_config = arg;
        return 0;
    case ARGP_KEY_ARG: /* words without an option: there are none */
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_manner(int key, char *arg, struct argp_state *state)
{
    struct bench_run_options *options = state->input;
    (void)arg;
    if (key == OPTION_INTERACTIVE) {
        options->load.interactive = true;
        return 0;
    }
    if (key == OPTION_ASYNC) {
        options->load.async = true;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static error_t parse_workload(int key, char *arg, struct argp_state *state)
{
    struct input *input = state->input;
    if (key == ARGP_KEY_INIT) {
        state->child_inputs[0] = input->options;
        state->child_inputs[1] = &input->options->load.place;
        size_t child = 2;
        if (input->workload->interactive) {
            state->child_inputs[child++] = input->options;
        }
        state->child_inputs[child] = input->options;
        return 0;
    }
    return input->workload->parse(input->state, key, arg, state);
}

static const struct argp load_argp = {.options = load_options, .parser = parse_load};
static const struct argp mode_argp = {.options = mode_options, .parser = parse_manner};
static const struct argp async_argp = {.options = async_options, .parser = parse_manner};

/* 0, or an exit status after a complaint. */
static int parse(struct input *input, int words_n, char **words)
{
    const struct bench_workload *workload = input->workload;
    struct argp_child children[5] = {{&load_argp, 0, "Of every load:", 1},
                                     {&cli_place_argp, 0, NULL, 3}};
    size_t n = 2;
    if (workload->interactive) {
        children[n++] = (struct argp_child){&mode_argp, 0, NULL, 2};
    }
    children[n] = (struct argp_child){&async_argp, 0, NULL, 2};
    const struct argp argp = {.options = workload->options,
                              .parser = parse_workload,
                              .doc = workload->doc,
                              .children = children};
    if (argp_parse(&argp, words_n, words, 0, NULL, input) != 0) {
        return EX_OSERR;
    }
    return workload->check != NULL ? workload->check(input->state) : 0;
}

/* ---- the load ---- */

int bench_complain(const txclient *client, const char *what, txclient_status status)
{
    const char *text = txclient_detail(client)->text;
    (void)fprintf(stderr, "txbench: %s: %s\n", what,
                  text[0] != '\0' ? text : txclient_status_text(status));
    return status == TXCLIENT_ABORTED || status == TXCLIENT_UNKNOWN ? EX_UNAVAILABLE
                                                                    : cli_exit_status(status);
}

static void watch(struct bench_load *load)
{
    bool terminal = isatty(STDERR_FILENO) == 1;
    uint64_t shown_us = load->pace.start_us;
    uint64_t committed = 0;
    while (bench_load_running(load)) {
        bench_sleep_ms(POLL_MS);
        uint64_t now_us = bench_now_us();
        if (now_us - shown_us >= 1000000u) {
            struct bench_counts counts;
            bench_load_counts(load, &counts, now_us < load->measured_us);
            uint64_t all = counts.committed;
            /* Counting begins anew behind the warm-up. */
            uint64_t since = all >= committed ? all - committed : all;
            bench_report_progress(stderr, (double)(now_us - load->pace.start_us) / 1e6, &counts,
                                  since * 1000000u / (now_us - shown_us), terminal);
            committed = all;
            shown_us = now_us;
        }
    }
    if (terminal) {
        (void)fputc('\n', stderr);
    }
}

static int repeat(const struct bench_options *options, const struct bench_work *work,
                  struct bench_measure *measure)
{
    struct bench_load load;
    int failed = bench_load_start(&load, options, work);
    if (failed != 0) {
        return failed;
    }
    watch(&load);
    return bench_load_finish(&load, measure) ? 0 : EX_IOERR;
}

static int load_and_verify(struct input *input, txclient *client, struct bench_measure *measures)
{
    const struct bench_workload *workload = input->workload;
    const struct bench_run_options *options = input->options;
    const struct bench_work work = {.run = bench_steps_run,
                                    .start = bench_steps_start,
                                    .make = workload->make,
                                    .over = workload->over,
                                    .own_new = workload->own_new,
                                    .own_free = workload->own_free,
                                    .arg = input->state};
    struct bench_result result = {.workload = workload,
                                  .state = input->state,
                                  .options = &options->load,
                                  .measures = measures,
                                  .plot = options->plot};
    bench_load_catch_signals();
    do {
        int failed = repeat(&options->load, &work, &measures[result.measures_n]);
        if (failed != 0) {
            return failed;
        }
        result.measures_n++;
    } while (result.measures_n < options->repetitions && !bench_load_interrupted());
    bool holds = false;
    int failed = workload->verify(input->state, client, &holds);
    if (failed != 0) {
        return failed;
    }
    bench_report(&result, options->load.place.json);
    return holds ? 0 : 1;
}

static int run(struct input *input)
{
    txclient *client = NULL;
    struct bench_measure *measures = calloc(input->options->repetitions, sizeof *measures);
    if (measures == NULL) {
        (void)fputs("txbench: out of memory\n", stderr);
        return EX_OSERR;
    }
    int result = cli_open(&input->options->load.place, &client);
    if (result == 0) {
        result = input->workload->setup(input->state, client);
        if (result == 0) {
            result = load_and_verify(input, client, measures);
        }
        if (!input->workload->deinit(input->state) && result == 0) {
            result = EX_IOERR;
        }
    }
    txclient_close(&client);
    free(measures);
    return result;
}

int bench_run(const struct bench_workload *workload, struct bench_run_options *options, int words_n,
              char **words)
{
    struct input input = {.workload = workload, .options = options};
    input.state = calloc(1, workload->state_size);
    if (input.state == NULL) {
        (void)fputs("txbench: out of memory\n", stderr);
        return EX_OSERR;
    }
    workload->init(input.state);
    int result = parse(&input, words_n, words);
    if (result == 0) {
        result = run(&input);
    }
    free(input.state);
    return result;
}
