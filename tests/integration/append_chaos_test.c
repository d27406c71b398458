/* Lists and accounts under load while the world is hostile (nemesis.h): two coordinators, three
 * participants, every connection through a proxy. Then everything heals, and the history of what
 * clients were told, together with the durable records of all nodes, how large the daemons were
 * meanwhile and (where crash points are compiled in) every lock that was ever held, must stand
 * before txcheck. And so that this means something: the same history with one line changed must
 * not.
 *
 * ASSENT_CHAOS_SECONDS and ASSENT_CHAOS_SEED in the environment change the length and the events;
 * ASSENT_CHAOS_HISTORY names a file that keeps the history. */
#include "tests/integration/lock_lines.h"
#include "tests/integration/nemesis.h"
#include "tests/integration/records.h"
#include "tests/integration/samples.h"
#include "tests/integration/work.h"

#include "common/json.h"

#include <fcntl.h>
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

#define SECONDS_DEFAULT 25
#define SECONDS_CALM    2   /* after the faults, for what recovers */
#define COMMITS_MIN     200 /* of each coordinator: what is changed below is among them */

/* Far above what eight clients need, far below what an unbounded table comes to. */
#define TRANSACTIONS_MAX 100
#define LOCKS_MAX        1000
#define TOMBSTONES_MAX   100
#ifdef ASSENT_SANITIZED
#define MEMORY_MAX (UINT64_C(2) << 30)
#else
#define MEMORY_MAX (UINT64_C(96) << 20)
#endif

static struct nemesis nemesis;
static struct samples samples = {.limits = {.tombstones = TOMBSTONES_MAX,
                                            .outcomes = 100000, /* the default */
                                            .transactions = TRANSACTIONS_MAX,
                                            .locks = LOCKS_MAX,
                                            .memory_bytes = MEMORY_MAX}};
static char history[CLUSTER_PATH + 16], sizes[CLUSTER_PATH + 16], other_config[CLUSTER_PATH + 16],
    witness[64 << 10];
static bool judged_good;

static void configure(void)
{
    const char *keep = getenv("ASSENT_CHAOS_HISTORY");
    char text[1024];

    cluster_init(&cluster, 3, true);
    cluster_add_coordinator(&cluster);
    for (size_t i = 0; i < 2; i++) {
        struct daemon *daemon = i == 0 ? &cluster.coordinator : &cluster.second;

        daemon_set(&cluster, daemon, "timers",
                   "prepare = 2s\nactive_idle = 5s\npeer_down = 1s\nresend_max = 1s");
        /* No record may go: the checkers want all of them. */
        daemon_set(&cluster, daemon, "storage", "snapshot_records = 100000000");
        snprintf(text, sizeof text, "transactions = %d", TRANSACTIONS_MAX);
        daemon_set(&cluster, daemon, "limits", text);
        snprintf(text, sizeof text,
                 "[client]\ncluster = test\ncoordinator = %s\nconnect_timeout = 1s\n"
                 "request_timeout = 2s\ncommit_timeout = 500ms\nresend = 200ms\n",
                 daemon->address);
        snprintf(other_config, sizeof other_config, "%s/other.conf", cluster.directory);
        file_write(i == 0 ? cluster.client_config : other_config, text);
    }
    for (size_t i = 0; i < cluster.participants_n; i++) {
        daemon_set(&cluster, &cluster.participants[i], "timers",
                   "idle = 4s\nlock_timeout = 1s\ninquiry_max = 1s");
        daemon_set(&cluster, &cluster.participants[i], "storage", "snapshot_records = 100000000");
        snprintf(text, sizeof text, "transactions = %d\nlocks = %d\ntombstones = %d",
                 TRANSACTIONS_MAX, LOCKS_MAX, TOMBSTONES_MAX);
        daemon_set(&cluster, &cluster.participants[i], "limits", text);
        lock_lines_wanted(&cluster, &cluster.participants[i]);
    }
    snprintf(sizes, sizeof sizes, "%s/sizes", cluster.directory);
    if (keep != NULL)
        snprintf(history, sizeof history, "%s", keep);
    else
        snprintf(history, sizeof history, "%s/history", cluster.directory);
}

static int start(void **state)
{
    uint64_t seed = random_seed("ASSENT_CHAOS_SEED");

    (void)state;
    configure();
    nemesis_init(&nemesis, &cluster, seed);
    cluster_start(&cluster);
    daemon_start(&cluster.second);
    work_await_all_up(&cluster.second);
    return 0;
}

static int stop(void **state)
{
    work_teardown(state);
    nemesis_deinit(&nemesis);
    return 0;
}

/* ---- the load ---- */

struct load {
    pid_t pid;
    int status;
    bool ended;
    time_t until;
};

/* It goes on until it is interrupted. */
static pid_t start_load(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("LD_PRELOAD", ASSENT_TEST_REDIRECT_LIBRARY, 1);
    setenv("ASSENT_TEST_REDIRECT", nemesis.client_redirect, 1);
    execl(ASSENT_BIN_DIR "/txbench", "txbench", "--config", cluster.client_config, "append",
          "--other-config", other_config, "--history", history, "--clients", "8", "--seconds",
          "3600", "--keys", "4", "--elements", "50", "--accounts", "12", (char *)NULL);
    _exit(127);
}

static time_t monotonic(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static bool load_has_ended(void *arg)
{
    struct load *load = arg;

    if (!load->ended)
        load->ended = waitpid(load->pid, &load->status, WNOHANG) == load->pid;
    return load->ended;
}

/* It is asked again and again while a fault lasts: the time to look at the daemons. However long
 * the first faults take, there are some more. */
static bool faults_are_over(void *arg)
{
    const struct load *load = arg;

    samples_look(&samples, nemesis.nodes, nemesis.nodes_n, nemesis.coordinators_n);
    return monotonic() >= load->until &&
           nemesis.kills + nemesis.stops + nemesis.connection_faults > 3;
}

struct counting {
    struct load *load;
    FILE *in; /* the history; NULL: the load has not begun it */
    unsigned commits[2];
};

static bool committed(const char *line)
{
    return strstr(line, "\"type\":\"tx\"") != NULL &&
           strstr(line, "\"outcome\":\"committed\"") != NULL;
}

/* However little could be done while the faults lasted. A line that is being written may be missed.
 */
static bool enough_committed(void *arg)
{
    struct counting *counting = arg;
    char *line = NULL;
    size_t size = 0;

    if (counting->in == NULL)
        counting->in = fopen(history, "r");
    if (counting->in == NULL)
        return load_has_ended(counting->load);
    clearerr(counting->in);
    while (getline(&line, &size, counting->in) > 0) {
        counting->commits[0] += committed(line) && strstr(line, "\"id\":\"1-") != NULL;
        counting->commits[1] += committed(line) && strstr(line, "\"id\":\"2-") != NULL;
    }
    free(line);
    return (counting->commits[0] >= COMMITS_MIN && counting->commits[1] >= COMMITS_MIN) ||
           load_has_ended(counting->load);
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static void run_load(int seconds)
{
    struct load load = {.until = monotonic() + seconds};
    struct counting counting = {.load = &load};
    struct proxy_counts counts;

    samples.out = fopen(sizes, "w");
    assert_non_null(samples.out);
    load.pid = start_load();
    while (!faults_are_over(&load) && !load_has_ended(&load))
        nemesis_step(&nemesis, faults_are_over, &load);
    nemesis_heal(&nemesis);
    assert_int_equal(fclose(samples.out), 0);
    (void)wait_until(never, NULL, SECONDS_CALM * 1000);
    if (!wait_until(enough_committed, &counting, 2 * WORK_MS))
        fail_msg("all is well, and there are only %u and %u commits", counting.commits[0],
                 counting.commits[1]);
    if (counting.in != NULL)
        fclose(counting.in);
    assert_false(load_has_ended(&load));
    assert_int_equal(kill(load.pid, SIGTERM), 0);
    if (!wait_until(load_has_ended, &load, 2 * WORK_MS)) {
        kill(load.pid, SIGKILL);
        fail_msg("the load does not end");
    }
    assert_true(WIFEXITED(load.status));
    assert_int_equal(WEXITSTATUS(load.status), 0);
    counts = proxy_counts(nemesis.proxy);
    printf("%u kills, %u stops, %u faults of connections: %llu connections, %llu resets, %llu half "
           "closed, %llu doubled, %llu replayed\n",
           nemesis.kills, nemesis.stops, nemesis.connection_faults,
           (unsigned long long)counts.connections, (unsigned long long)counts.resets,
           (unsigned long long)counts.half_closed, (unsigned long long)counts.doubled,
           (unsigned long long)counts.replayed);
}

/* ---- how it ended ---- */

static const char *const coordinator_fields[] = {"active", "collecting", "deciding", "committed"};
static const char *const participant_fields[] = {"working", "preparing", "prepared", "locks_held",
                                                 "locks_waiting"};

static void await_quiet(void)
{
    for (size_t i = 0; i < nemesis.nodes_n; i++) {
        bool coordinator = i < nemesis.coordinators_n;

        for (size_t f = 0; f < (coordinator ? 4 : 5); f++)
            work_await_field(nemesis.nodes[i],
                             coordinator ? coordinator_fields[f] : participant_fields[f], "0");
    }
}

struct asked {
    const struct daemon *daemon;
    const char *name;
    char text[64];
};

static bool has_told(void *arg)
{
    struct asked *asked = arg;

    return work_field(asked->daemon, asked->name, asked->text, sizeof asked->text);
}

static uint64_t field(const struct daemon *daemon, const char *name)
{
    struct asked asked = {daemon, name, ""};

    assert_true(wait_until(has_told, &asked, WORK_MS));
    return strtoull(asked.text, NULL, 10);
}

/* The line of a node's end but for its alarms, which its log tells. */
static void begin_end(struct json *json, FILE *out, size_t node)
{
    static const char *const names[] = {"working", "preparing", "prepared", "locks", "waiting"};
    uint64_t open = 0;

    json_init(json, out);
    json_object_begin(json);
    json_member(json, "type", "end");
    json_member(json, "node", nemesis.nodes[node]->name);
    if (node < nemesis.coordinators_n) {
        for (size_t f = 0; f < 4; f++)
            open += field(nemesis.nodes[node], coordinator_fields[f]);
        json_member_u64(json, "open", open);
        return;
    }
    for (size_t f = 0; f < 5; f++)
        json_member_u64(json, names[f], field(nemesis.nodes[node], participant_fields[f]));
}

static void append_file(FILE *out, const char *path)
{
    FILE *in = fopen(path, "r");
    char text[1 << 14];

    assert_non_null(in);
    for (size_t n; (n = fread(text, 1, sizeof text, in)) > 0;)
        assert_int_equal(fwrite(text, 1, n, out), n);
    fclose(in);
}

static void add_nodes_to_history(void)
{
    FILE *out = fopen(history, "a");
    uint64_t changes = 0;

    assert_non_null(out);
    for (size_t i = 0; i < nemesis.nodes_n; i++) {
        struct json json;
        struct records records;

        begin_end(&json, out, i);
        daemon_stop(nemesis.nodes[i]);
        /* A line of its own is not begun before this one is whole. */
        char *lines = NULL;
        size_t size = 0;
        FILE *memory = open_memstream(&lines, &size);
        assert_non_null(memory);
        records = records_write(memory, nemesis.nodes[i]->data, nemesis.nodes[i]->name);
        fclose(memory);
        json_member_u64(&json, "alarms", records.alarms);
        json_object_end(&json);
        fprintf(out, "\n%s", lines);
        free(lines);
        printf("%s: %llu records that decide\n", nemesis.nodes[i]->name,
               (unsigned long long)records.lines);
        assert_true(records.lines > 0);
    }
    for (size_t i = 0; i < cluster.participants_n; i++)
        changes += lock_lines_append(out, &cluster.participants[i]);
    append_file(out, sizes);
    printf("%llu samples of sizes, %llu changes of locks\n", (unsigned long long)samples.lines,
           (unsigned long long)changes);
    assert_true(samples.lines > 0);
    assert_true(changes > 0 || !lock_lines_possible());
    assert_int_equal(fclose(out), 0);
}

/* Everything had time to heal: only the test knows that. */
static void mark_final(void)
{
    static const char before[] = "\"final\":false", after[] = "\"final\":true ";
    FILE *file = fopen(history, "r+");
    char line[512];
    char *found;

    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    found = strstr(line, before);
    assert_non_null(found);
    assert_int_equal(fseek(file, found - line, SEEK_SET), 0);
    assert_true(fputs(after, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_history_stands_before_the_checkers(void **state)
{
    const char *seconds = getenv("ASSENT_CHAOS_SECONDS");

    (void)state;
    run_load(seconds != NULL ? atoi(seconds) : SECONDS_DEFAULT);
    await_quiet();
    add_nodes_to_history();
    mark_final();
    if (run_program(witness, sizeof witness, NULL, 0, ASSENT_TXCHECK, history, NULL) != 0)
        fail_msg("the history does not hold:\n%s", witness);
    printf("%s", witness);
    judged_good = true;
}

/* ---- does it bite? ---- */

/* Copies the history; `change` gets each line, with room for a character more, until it has changed
 * one. */
static void copy_changed(const char *to, bool (*change)(char *line))
{
    FILE *in = fopen(history, "r"), *out = fopen(to, "w");
    char *line = NULL;
    size_t size = 0;
    bool changed = false;

    assert_non_null(in);
    assert_non_null(out);
    for (ssize_t len; (len = getline(&line, &size, in)) > 0;) {
        if (size < (size_t)len + 2)
            assert_non_null(line = realloc(line, size = (size_t)len + 2));
        changed = changed || change(line);
        assert_true(fputs(line, out) >= 0);
    }
    free(line);
    fclose(in);
    assert_int_equal(fclose(out), 0);
    assert_true(changed);
}

/* Two elements that were read change places, in a transaction that did nothing else. */
static bool swap_elements(char *line)
{
    char *list = strstr(line, "\"list\":[");
    char first[24], second[24];

    if (!committed(line) || list == NULL || strstr(list + 1, "\"op\":") != NULL ||
        strstr(line, "\"op\":\"append\"") != NULL || strstr(line, "\"op\":\"add\"") != NULL)
        return false;
    list = strchr(list, '[') + 1;
    if (sscanf(list, "%23[0-9],%23[0-9]", first, second) != 2)
        return false;
    memcpy(list, second, strlen(second));
    list[strlen(second)] = ',';
    memcpy(list + strlen(second) + 1, first, strlen(first));
    return true;
}

/* Somebody who read was told of an abort. */
static bool deny_commit(char *line)
{
    char *outcome = strstr(line, "\"outcome\":\"committed\"");

    if (!committed(line) || strstr(line, "\"op\":\"append\"") == NULL)
        return false;
    memcpy(outcome, "\"outcome\":\"aborted\"  ", strlen("\"outcome\":\"committed\""));
    return true;
}

/* One participant never made its part durable. */
static bool forget_commit(char *line)
{
    if (strstr(line, "\"record\":\"COMMITTED\"") == NULL ||
        strstr(line, "\"one_phase\":false") == NULL)
        return false;
    line[0] = '\0';
    return true;
}

static bool take_money(char *line)
{
    char *number = strstr(line, "\"number\":");

    if (strstr(line, "\"type\":\"balance\"") == NULL)
        return false;
    number += strlen("\"number\":");
    *number = *number == '1' ? '2' : '1';
    return true;
}

/* A daemon takes as much memory as it may at most, and may take what it took. */
static bool swell(char *line)
{
    char *value = strstr(line, "\"value\":"), *limit = strstr(line, "\"limit\":");

    if (strstr(line, "\"what\":\"resident memory\"") == NULL)
        return false;
    memcpy(value, "\"limit\":", strlen("\"limit\":"));
    memcpy(limit, "\"value\":", strlen("\"value\":"));
    return true;
}

/* Of two intentions in one keyspace, one is more than that. */
static bool strengthen_lock(char *line)
{
    static const char space[] = "\"resource\":\"lists\"", intention[] = "\"IX\"}";
    char *first = strstr(line, space), *second = NULL, *mode = NULL;

    if (first != NULL)
        second = strstr(first + 1, space);
    if (strstr(line, "\"type\":\"locks\"") == NULL || second == NULL)
        return false;
    first = strstr(first, "\"mode\":") + strlen("\"mode\":");
    mode = strstr(second, "\"mode\":") + strlen("\"mode\":");
    if (strncmp(first, intention, strlen(intention)) != 0 ||
        strncmp(mode, intention, strlen(intention)) != 0)
        return false;
    memcpy(mode, "\"X\"} ", strlen(intention));
    return true;
}

/* A moment with locks becomes the last one: its time has a digit more than any other. (All digits
 * made 9 are too early where the machine's uptime gets a digit more during the test.) */
static bool keep_locks(char *line)
{
    char *time = strstr(line, "\"time\":");

    if (strstr(line, "\"type\":\"locks\"") == NULL || strstr(line, "\"held\":[]") != NULL)
        return false;
    time += strlen("\"time\":");
    memmove(time + 1, time, strlen(time) + 1);
    *time = '9';
    return true;
}

/* It was another participant where somebody added to an account. */
static bool write_elsewhere(char *line)
{
    static const char add[] = "\"op\":\"add\",\"key\":\"";
    char *key = strstr(line, add);
    char other[64];

    if (!committed(line) || key == NULL)
        return false;
    key += strlen(add);
    snprintf(other, sizeof other, "%c%.*s", *key == 'c' ? 'a' : 'c', (int)strcspn(key + 1, ","),
             key + 1);
    if (strstr(line, other) != NULL)
        return false;
    *key = other[0];
    return true;
}

static void rejected(bool (*change)(char *line), const char *anomaly)
{
    char path[CLUSTER_PATH + 16];

    snprintf(path, sizeof path, "%s/changed", cluster.directory);
    copy_changed(path, change);
    assert_int_equal(run_program(witness, sizeof witness, NULL, 0, ASSENT_TXCHECK, path, NULL), 1);
    if (strstr(witness, anomaly) == NULL)
        fail_msg("no %s in:\n%s", anomaly, witness);
}

static void test_changed_history_does_not(void **state)
{
    (void)state;
    if (!judged_good)
        fail_msg("there is no good history to change");
    rejected(swap_elements, "incompatible-order");
    rejected(deny_commit, "G1a");
    rejected(forget_commit, "half-done");
    rejected(take_money, "bank-total");
    rejected(swell, "over-limit");
    if (!lock_lines_possible())
        return;
    rejected(strengthen_lock, "incompatible-locks");
    rejected(keep_locks, "leaked-lock");
    rejected(write_elsewhere, "unlocked-write");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_history_stands_before_the_checkers),
                                       cmocka_unit_test(test_changed_history_does_not)};

    return cmocka_run_group_tests(tests, start, stop);
}
