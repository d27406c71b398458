/* Every call of the operating system that a daemon makes for its files fails once, in turn, and
 * every allocation of its own code: while it starts on a new directory, and from its start on an
 * old one through a transaction to its end. It says what has failed and why, and ends with a status
 * that is documented, or it goes on as if nothing had been. Afterwards its directory (or, at every
 * second point, what the loss of power would have left of it) is sound and holds what was
 * acknowledged, and it starts again.
 *
 * usage: daemon_faults_test coordinator|participant */
#include "tests/faults/faults.h"
#include "tests/integration/work.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct faults faults;
static struct daemon *tested;

struct tally {
    unsigned long refused, harmless;
    int lowest_ms;
};

/* ---- what a run leaves ---- */

static const char *log_of_run(void)
{
    static char text[16384];
    FILE *file = fopen(tested->log, "r");
    size_t n = 0;
    if (file != NULL && fseek(file, tested->log_from, SEEK_SET) == 0)
        n = fread(text, 1, sizeof text - 1, file);
    if (file != NULL)
        assert_int_equal(fclose(file), 0);
    text[n] = '\0';
    return text;
}

/* Where RocksDB drops the operating system's reason, and a second look finds that the trouble has
 * passed. */
static const char passed[] = "could not be read at first, and can be now";

static void check_words(const struct fault *fault, const char *what)
{
    const char *text = log_of_run();
    bool by_file = fault->kind != FAULT_MEMORY && fault->kind != FAULT_PROCESS;
    const char *reason = by_file ? strerror(fault->error) : "";
    if (fault->kind == FAULT_MEMORY)
        reason = "memory";
    bool told = strstr(text, reason) != NULL || strstr(text, passed) != NULL;
    if (!told)
        fail_msg("%s: says nothing of \"%s\": %s", what, reason, text);
    if (by_file && strstr(text, tested->data) == NULL && strstr(text, faults.report->path) == NULL)
        fail_msg("%s: does not say where: %s", what, text);
}

/* 70 means that nobody thought of it. */
static bool is_documented(int status)
{
    return status == EX_DATAERR || status == EX_UNAVAILABLE || status == EX_OSERR ||
           status == EX_CANTCREAT || status == EX_IOERR || status == EX_NOPERM ||
           status == EX_CONFIG;
}

static void check_directory(const char *what)
{
    char path[CLUSTER_PATH + 16], out[4096], err[4096];
    (void)snprintf(path, sizeof path, "%s/CREATING", tested->data);
    if (access(path, F_OK) == 0 || access(tested->data, F_OK) != 0)
        return; /* nobody was ever served from it */
    (void)snprintf(path, sizeof path, "%s/CURRENT", tested->data);
    if (access(path, F_OK) != 0)
        return;
    if (run_program(out, sizeof out, err, sizeof err, "txrecover", "verify", tested->data, NULL) !=
        0)
        fail_msg("%s: txrecover verify: %s%s", what, out, err);
}

/* ---- the cluster around it ---- */

/* With every start a directory grows by files, and so do the calls: before they outrun the points
 * that are tried, all go back to where they were. */
enum { TRIES_MAX = 6 };

static struct daemon *const nodes[] = {&cluster.coordinator, &cluster.participants[0],
                                       &cluster.participants[1]};

enum { NODES = sizeof nodes / sizeof nodes[0] };

static const char *base_of(const struct daemon *daemon, char out[FAULT_PATH])
{
    return faults_path(&faults, daemon->name, out);
}

static void keep_base(void)
{
    char path[FAULT_PATH];
    for (int i = 0; i < NODES; i++)
        if (nodes[i]->pid != 0)
            daemon_stop(nodes[i]);
    for (int i = 0; i < NODES; i++)
        faults_copy(nodes[i]->data, base_of(nodes[i], path));
}

static void go_back_to_base(void)
{
    char path[FAULT_PATH];
    for (int i = 0; i < NODES; i++)
        if (nodes[i]->pid != 0)
            daemon_kill(nodes[i]);
    for (int i = 0; i < NODES; i++)
        faults_copy(base_of(nodes[i], path), nodes[i]->data);
    for (int i = 0; i < NODES; i++)
        if (nodes[i] != tested)
            daemon_start(nodes[i]);
}

/* ---- one run ---- */

struct state {
    bool serving, ended;
    int status;
};

static bool serves_or_ended(void *arg)
{
    struct state *state = arg;
    state->ended = daemon_wait(tested, 0, &state->status);
    state->serving = daemon_says(tested, "msg=serving", 0);
    return state->ended || state->serving;
}

static txclient *impatient_client(void)
{
    txclient_options options = {.size = sizeof options,
                                .connect_timeout_ms = 300,
                                .request_timeout_ms = 500,
                                .commit_timeout_ms = 700,
                                .resend_ms = 100};
    txclient *own = NULL;
    assert_int_equal(txclient_open("test", cluster.coordinator.address, &options, &own, NULL),
                     TXCLIENT_OK);
    return own;
}

struct use {
    txclient *own;
    struct state *state;
    const char *key;
    txclient_status told;
};

static bool used(void *arg)
{
    struct use *use = arg;
    use->told = work_put(use->own, "ab", use->key, "x");
    if (use->told == TXCLIENT_OK || use->told == TXCLIENT_UNKNOWN)
        return true;
    use->state->ended = use->state->ended || daemon_wait(tested, 0, &use->state->status);
    return use->state->ended;
}

/* Starts the daemon under the fault, uses it when there is somebody to use it with, and ends it. */
static struct state run(const char *key, txclient_status *told)
{
    struct state state = {0};
    if (!wait_until(serves_or_ended, &state, WORK_MS))
        fail_msg("it neither serves nor ends: %s", log_of_run());
    if (!state.ended && key != NULL) {
        struct use use = {.own = impatient_client(), .state = &state, .key = key};
        if (!wait_until(used, &use, WORK_MS))
            fail_msg("no transaction: %s", txclient_detail(use.own)->text);
        *told = use.told;
        txclient_close(&use.own);
    }
    if (!state.ended) {
        if (!daemon_wait(tested, 0, &state.status)) {
            daemon_signal(tested, SIGTERM);
            if (!daemon_wait(tested, WORK_MS, &state.status))
                fail_msg("it does not leave: %s", log_of_run());
        }
    }
    return state;
}

static void start_again(bool by_loss, const char *key, txclient_status told, const char *what)
{
    if (by_loss && !faults_restore(&faults, tested->data) && key != NULL)
        fail_msg("%s: the loss of power would leave no directory", what);
    check_directory(what);
    daemon_start(tested);
    if (key != NULL) {
        if (told == TXCLIENT_OK) {
            work_holds(client, "a", key, "x");
            work_holds(client, "b", key, "x");
        }
    }
    daemon_stop(tested);
}

static unsigned tries;

/* True when the fault has come. */
static bool try(const struct fault *fault, bool old, struct tally *tally)
{
    txclient_status told = TXCLIENT_UNKNOWN;
    char key[32], what[640];
    (void)snprintf(key, sizeof key, "try-%u", ++tries);
    if (!old)
        faults_remove(tested->data);
    else if (tries % TRIES_MAX == 1)
        go_back_to_base();
    faults_arm(&faults, tested->data, fault, true, NULL);
    daemon_spawn(tested, NULL);
    faults_disarm();
    struct state state = run(old ? key : NULL, &told);
    bool fired = faults_fired(&faults);
    (void)snprintf(what, sizeof what, "%s", faults_describe(&faults, fault));
    if (!WIFEXITED(state.status))
        fail_msg("%s: wait status %#x: %s", what, (unsigned)state.status, log_of_run());
    int exit_status = WEXITSTATUS(state.status);
    if (exit_status != 0 && !(fired && is_documented(exit_status)))
        fail_msg("%s: exit status %d: %s", what, exit_status, log_of_run());
    if (exit_status != 0)
        check_words(fault, what);
    if (fired)
        *(exit_status != 0 ? &tally->refused : &tally->harmless) += 1;
    start_again(tries % 2 == 0, old ? key : NULL, told, what);
    return fired;
}

static void exhaust(enum fault_kind kind, int error, bool old)
{
    struct tally tally = {0};
    struct fault fault = {.kind = kind, .error = error};
    struct timespec t0, t1;
    (void)clock_gettime(CLOCK_MONOTONIC, &t0);
    for (fault.n = faults_first(&faults);; fault.n = faults_next(&faults, &fault))
        if (!try(&fault, old, &tally))
            break;
    (void)clock_gettime(CLOCK_MONOTONIC, &t1);
    print_message("%-10s %-34s %s directory: %4lu calls, %4lu refused, %4lu harmless (%lld s)\n",
                  faults_kind(kind), strerror(error), old ? "old" : "new",
                  atomic_load(&faults.report->calls[kind]), tally.refused, tally.harmless,
                  (long long)(t1.tv_sec - t0.tv_sec));
    assert_true(atomic_load(&faults.report->calls[kind]) > 0);
}

/* ---- the tests ---- */

static const struct {
    enum fault_kind kind;
    int error;
} all[] = {
    {FAULT_OPEN, EMFILE},      {FAULT_READ, EIO},       {FAULT_WRITE, ENOSPC},
    {FAULT_SHORT, 0},          {FAULT_SYNC, EIO},       {FAULT_RENAME, EIO},
    {FAULT_UNLINK, EACCES},    {FAULT_TRUNCATE, EIO},   {FAULT_ALLOCATE, ENOSPC},
    {FAULT_DIRECTORY, EACCES}, {FAULT_LIST, EIO},       {FAULT_STAT, EIO},
    {FAULT_LOCK, ENOLCK},      {FAULT_PROCESS, EAGAIN}, {FAULT_MEMORY, ENOMEM},
};

static void exhaust_all(bool old)
{
    const char *only = getenv("ASSENT_FAULTS_ONLY");
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (only == NULL || strcmp(only, faults_kind(all[i].kind)) == 0)
            exhaust(all[i].kind, all[i].error, old);
}

static void test_new_directory(void **state)
{
    (void)state;
    exhaust_all(false);
}

static void test_old_directory(void **state)
{
    (void)state;
    exhaust_all(true);
}

static const char *role;

static int begin(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    faults_init(&faults);
    faults_choose(&faults, 40);
    tested = strcmp(role, "coordinator") == 0 ? &cluster.coordinator : &cluster.participants[0];
    return 0;
}

static int begin_serving(void **state)
{
    (void)begin(state);
    cluster_start(&cluster);
    client = work_client(&cluster.coordinator);
    work_put_surely(client, "ab", "before", "x");
    work_await_quiet();
    keep_base();
    go_back_to_base();
    return 0;
}

static int end(void **state)
{
    faults_deinit(&faults);
    return work_teardown(state);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new_directory, begin, end),
        cmocka_unit_test_setup_teardown(test_old_directory, begin_serving, end),
    };
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s coordinator|participant\n", argv[0]);
        return EX_USAGE;
    }
    role = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
