/* Daemons that write snapshots and forget do not grow: samples of their logs, tables and memory
 * under load, restarts among it, stand before the bounds checker of txcheck. */
#include "tests/integration/records.h"
#include "tests/integration/samples.h"
#include "tests/integration/work.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SNAPSHOT  200 /* records between two, and as many stay behind the last */
#define TABLE_MAX 100
/* RocksDB keeps write-ahead files of 64 MiB (txlog/README.md), and the newest is laid out
 * beforehand, for more than the 32 MiB of a table in memory. Then come the tables. */
#define LOG_BYTES (UINT64_C(160) << 20)
#ifdef ASSENT_SANITIZED
#define MEMORY_MAX (UINT64_C(2) << 30)
#else
#define MEMORY_MAX (UINT64_C(96) << 20)
#endif

static struct daemon *const daemons[] = {&cluster.coordinator, &cluster.participants[0],
                                         &cluster.participants[1]};
static struct samples samples = {.limits = {.tombstones = TABLE_MAX,
                                            .outcomes = TABLE_MAX,
                                            .transactions = TABLE_MAX,
                                            .locks = 10 * TABLE_MAX,
                                            .memory_bytes = MEMORY_MAX,
                                            .log_bytes = LOG_BYTES}};
static char history[CLUSTER_PATH + 16], changed[CLUSTER_PATH + 16], out[64 << 10];

static int start(void **state)
{
    char text[200], config[CLUSTER_PATH + 200];

    (void)state;
    cluster_init(&cluster, 2, true);
    for (size_t i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "snapshot_records = %d\nretain_records = %d", SNAPSHOT,
                 SNAPSHOT);
        daemon_set(&cluster, daemons[i], "storage", text);
        snprintf(text, sizeof text, "transactions = %d%s", TABLE_MAX,
                 i > 0 ? "\nlocks = 1000\ntombstones = 100" : "\nretained = 100");
        daemon_set(&cluster, daemons[i], "limits", text);
    }
    /* A client that a killed daemon leaves without an answer does not wait for long. */
    snprintf(config, sizeof config,
             "[client]\ncluster = test\ncoordinator = %s\nconnect_timeout = 1s\n"
             "request_timeout = 2s\ncommit_timeout = 1s\nresend = 200ms\n",
             cluster.coordinator.address);
    file_write(cluster.client_config, config);
    snprintf(history, sizeof history, "%s/history", cluster.directory);
    snprintf(changed, sizeof changed, "%s/changed", cluster.directory);
    cluster_start(&cluster);
    return 0;
}

/* It goes on until it is interrupted. */
static pid_t start_load(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execl(ASSENT_BIN_DIR "/txbench", "txbench", "--config", cluster.client_config, "append",
          "--history", history, "--clients", "8", "--seconds", "3600", "--keys", "4", "--elements",
          "50", "--accounts", "12", (char *)NULL);
    _exit(127);
}

struct load {
    pid_t pid;
    int status;
    uint64_t until; /* so many samples, and somebody is restarted */
    size_t victim;
    time_t end; /* not before everybody has been restarted */
};

static time_t monotonic(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static bool ended(void *arg)
{
    struct load *load = arg;

    samples_look(&samples, daemons, 3, 1);
    if (samples.lines >= load->until && load->victim < 3) {
        daemon_kill(daemons[load->victim]);
        daemon_start(daemons[load->victim++]);
        load->until = samples.lines + 40;
    }
    if (samples.lines >= load->until && monotonic() >= load->end) {
        assert_int_equal(kill(load->pid, SIGTERM), 0);
        load->until = UINT64_MAX;
    }
    return waitpid(load->pid, &load->status, WNOHANG) == load->pid;
}

/* The history that is asked for; what comes until the next snapshot is due, twice, since the first
 * may be on its way to the disk; and that snapshot, with up to three records for each transaction
 * that is open, and two for each outcome that a coordinator keeps. No snapshot is due before as
 * many records have come as it has itself. */
static uint64_t log_records_max(const struct daemon *daemon)
{
    bool coordinator = daemon == &cluster.coordinator;
    uint64_t live = 3 * TABLE_MAX + (coordinator ? 2 * TABLE_MAX : 0);

    return SNAPSHOT + 2 * (live > SNAPSHOT ? live : SNAPSHOT) + live;
}

static void add_log(FILE *file, struct daemon *daemon)
{
    FILE *nowhere = fopen("/dev/null", "w");
    struct records records;

    assert_non_null(nowhere);
    daemon_stop(daemon);
    records = records_write(nowhere, daemon->data, daemon->name);
    fclose(nowhere);
    samples.out = file;
    samples_add(&samples, daemon, "log records", records.retained, log_records_max(daemon));
    printf("%s: %llu records in its log\n", daemon->name, (unsigned long long)records.retained);
}

/* Every value becomes its own limit, in the lines with this text. */
static void exchange(const char *what)
{
    FILE *from = fopen(history, "r"), *to = fopen(changed, "w");
    char line[4096];

    assert_non_null(from);
    assert_non_null(to);
    while (fgets(line, sizeof line, from) != NULL) {
        char *value = strstr(line, "\"value\":"), *limit = strstr(line, "\"limit\":");

        if (strstr(line, what) != NULL && value != NULL && limit != NULL) {
            memcpy(value, "\"limit\":", strlen("\"limit\":"));
            memcpy(limit, "\"value\":", strlen("\"value\":"));
        }
        assert_true(fputs(line, to) >= 0);
    }
    fclose(from);
    assert_int_equal(fclose(to), 0);
}

static void test_stay_within_bounds(void **state)
{
    static const char *const whats[] = {"log records",       "log bytes", "resident memory",
                                        "open transactions", "\"locks\"", "tombstones",
                                        "outcomes"};
    const char *seconds = getenv("ASSENT_BOUNDS_SECONDS");
    const long length = seconds != NULL ? strtol(seconds, NULL, 10) : 6;
    struct load load = {.until = 40, .end = monotonic() + length};
    FILE *file;
    char *text = NULL;
    size_t size = 0;

    (void)state;
    samples.out = open_memstream(&text, &size);
    assert_non_null(samples.out);
    load.pid = start_load();
    assert_true(wait_until(ended, &load, (int)length * 1000 + 3 * WORK_MS));
    assert_true(WIFEXITED(load.status) && WEXITSTATUS(load.status) == 0);
    fclose(samples.out);
    assert_int_equal(load.victim, 3);
    file = fopen(history, "a");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    free(text);
    for (size_t i = 0; i < 3; i++)
        add_log(file, daemons[i]);
    assert_int_equal(fclose(file), 0);
    if (run_program(out, sizeof out, NULL, 0, ASSENT_TXCHECK, history, NULL) != 0)
        fail_msg("the history does not hold:\n%s", out);
    printf("%s", out);
    for (size_t i = 0; i < sizeof whats / sizeof whats[0]; i++) {
        exchange(whats[i]);
        assert_int_equal(run_program(out, sizeof out, NULL, 0, ASSENT_TXCHECK, changed, NULL), 1);
        assert_non_null(strstr(out, "over-limit"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_stay_within_bounds)};

    return cmocka_run_group_tests(tests, start, work_teardown);
}
