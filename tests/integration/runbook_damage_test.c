/* What docs/operations.md says of nodes that are damaged, lost, old or out of space: the damage is
 * made for real, seen where the page says that it is seen, and settled by the page's commands. */
#include "tests/integration/disk.h"
#include "tests/integration/http_client.h"
#include "tests/integration/runbook.h"
#include "tests/integration/work.h"

#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#define BAD 2 /* of txctl status */

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static char out[1 << 16];
static bool mounts;

static int open_page(void **state)
{
    static const char *const mine[] = {RUNBOOK_DAMAGE_HEADINGS, NULL};
    static const char *const needs_mounts[] = {"A full disk", NULL};

    (void)state;
    runbook_open(ASSENT_OPERATIONS_PAGE, mine);
    if (!mounts)
        runbook_elsewhere(needs_mounts);
    return 0;
}

static int close_page(void **state)
{
    (void)state;
    runbook_close();
    return 0;
}

/* Both hold "old" under k. */
static void begin(size_t participants)
{
    work_start();
    work_put_surely(client, participants == 1 ? "a" : "ab", "k", "old");
    work_await_quiet();
}

static int setup(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, true);
    cluster_serve_http(&cluster);
    daemon_set(&cluster, coordinator, "node", "commit_mode = coordinator");
    begin(2);
    return 0;
}

static void says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("this does not say \"%s\":\n%s", part, text);
}

/* What `txctl status` says, and with which status it ends: what it is about may take a moment. */
struct health {
    int status;
    const char *words;
};

static bool health_is(void *arg)
{
    const struct health *health = arg;

    return run_program(out, sizeof out, NULL, 0, "txctl", "--config", cluster.client_config,
                       "status", NULL) == health->status &&
           strstr(out, health->words) != NULL;
}

static void await_health(int status, const char *words)
{
    struct health health = {status, words};

    if (!wait_until(health_is, &health, WORK_MS))
        fail_msg("txctl status never says \"%s\" with status %d:\n%s", words, status, out);
}

static bool metric_is_set(void *arg)
{
    return http_metric(coordinator, arg) > 0;
}

/* A shell's words; must succeed. */
static void shell(const char *command, const char *from, const char *to)
{
    assert_int_equal(run_program(NULL, 0, NULL, 0, "/bin/sh", "-c", command, "sh", from, to, NULL),
                     0);
}

static const char *beside(const struct daemon *daemon, const char *suffix)
{
    static char path[CLUSTER_PATH + 32];

    snprintf(path, sizeof path, "%s.%s", daemon->data, suffix);
    return path;
}

/* The page's variables of a daemon. */
static void it_is_about(const struct daemon *daemon, const char *unit)
{
    runbook_set("UNIT", unit);
    runbook_set("DATA", daemon->data);
    runbook_set("CONFIG", daemon->config);
}

/* Stops a daemon, copies its directory and has it go on; then a put that only its own directory
 * has. */
static void go_on_behind_a_copy(struct daemon *daemon)
{
    daemon_stop(daemon);
    shell("cp -a \"$1\" \"$2\"", daemon->data, beside(daemon, "copy"));
    daemon_start(daemon);
    work_await_all_up(coordinator);
    work_put_surely(client, "ab", "k", "newest");
    work_await_quiet();
}

/* Its directory goes aside, and the copy takes its place. */
static void start_the_copy(struct daemon *daemon)
{
    daemon_stop(daemon);
    shell("mv \"$1\" \"$2\"", daemon->data, beside(daemon, "newest"));
    runbook_set("NEWEST", beside(daemon, "newest"));
    shell("mv \"$2\" \"$1\"", daemon->data, beside(daemon, "copy"));
    daemon_start(daemon);
}

static void serves_again(void)
{
    work_await_all_up(coordinator);
    work_holds(client, "a", "k", "newest");
    work_holds(client, "b", "k", "newest");
    work_put_surely(client, "ab", "k", "again");
    work_await_quiet();
}

/* ---- old copies ---- */

static void an_old_copy_of_a_participant_is_replaced(void **state)
{
    char metric[] = "assent_coordinator_participants{state=\"quarantined\"}";

    (void)state;
    go_on_behind_a_copy(a);
    start_the_copy(a);
    await_health(BAD, "participant a is in quarantine");
    assert_true(wait_until(metric_is_set, metric, WORK_MS));
    http_await_ready(coordinator, 200, "quarantine"); /* it serves those who do not need a */
    expect_aborted(work_put(client, "ab", "k", "lost"), TXCLIENT_REASON_QUARANTINED);
    it_is_about(a, "assent-participant@a");
    runbook_section("Quarantined");
    runbook_run(0);
    serves_again();
    assert_true(http_metric(coordinator, metric) == 0);
}

static void an_old_copy_of_a_coordinator_is_replaced(void **state)
{
    char metric[] = "assent_coordinator_fenced";
    txclient_tx *tx = NULL;

    (void)state;
    go_on_behind_a_copy(coordinator);
    start_the_copy(coordinator);
    await_health(BAD, "fenced");
    assert_true(wait_until(metric_is_set, metric, WORK_MS));
    http_await_ready(coordinator, 503, "fenced");
    expect(txclient_begin(client, NULL, &tx), TXCLIENT_EREFUSED);
    it_is_about(coordinator, "assent-coordinator@1");
    runbook_section("Fenced");
    runbook_run(0);
    serves_again();
    assert_true(http_metric(coordinator, metric) == 0);
}

/* ---- damaged ---- */

#define MARK "cPq7VtX2mZ9rKd4wLhB8sNf3yGj6aTe5"

/* Where a file holds the text; -1 when it does not. */
static long find_in(const char *path, const char *text)
{
    static char bytes[1 << 20];
    FILE *file = fopen(path, "r");
    char *at;
    size_t n;

    assert_non_null(file);
    n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    at = memmem(bytes, n, text, strlen(text));
    return at != NULL ? at - bytes : -1;
}

static int recover(const char *command, const char *option, const char *into, const char *data)
{
    return run_program(out, sizeof out, NULL, 0, "txrecover", command, option, into, data, NULL);
}

/* Changes a value in the tables of a stopped participant: in those of its data, so that its log is
 * still whole. */
static void damage_the_data(const struct daemon *daemon)
{
    char pattern[CLUSTER_PATH + 16];
    glob_t found;
    bool done = false;

    snprintf(pattern, sizeof pattern, "%s/*.sst", daemon->data);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc && !done; i++) {
        const long at = find_in(found.gl_pathv[i], MARK);

        if (at < 0)
            continue;
        file_flip(found.gl_pathv[i], at);
        done = recover("replay", "--into", beside(daemon, "tried"), daemon->data) == 0;
        if (!done)
            file_flip(found.gl_pathv[i], at);
    }
    globfree(&found);
    assert_true(done);
    shell("rm -r \"$1\"", beside(daemon, "tried"), NULL);
}

static void damaged_data_are_rebuilt_from_the_log(void **state)
{
    (void)state;
    work_put_surely(client, "ab", "mark", MARK);
    work_await_quiet();
    daemon_kill(a);
    daemon_start(a); /* which has the data in tables */
    work_await_all_up(coordinator);
    work_put_surely(client, "ab", "k", "newest");
    work_await_quiet();
    daemon_stop(a);
    damage_the_data(a);
    it_is_about(a, "assent-participant@a");
    runbook_section("A daemon that does not start");
    says(runbook_run(EX_DATAERR), "damaged");
    runbook_section("A participant's data are damaged");
    says(runbook_run(0), "are damaged and were not compared");
    serves_again();
    work_holds(client, "a", "mark", MARK);
}

static void a_wrong_configuration_is_found(void **state)
{
    char kept[CLUSTER_PATH + 16];

    (void)state;
    snprintf(kept, sizeof kept, "%s.kept", a->config);
    daemon_stop(a);
    shell("cp \"$1\" \"$2\" && echo nonsense = 1 >>\"$1\"", a->config, kept);
    it_is_about(a, "assent-participant@a");
    runbook_section("A daemon that does not start");
    says(runbook_run(EX_CONFIG), "nonsense");
    shell("mv \"$2\" \"$1\"", a->config, kept);
    runbook_section("A daemon that does not start");
    runbook_run(0);
}

/* ---- lost ---- */

/* c is prepared, and no coordinator knows it. */
static int setup_with_a_spare(void **state)
{
    (void)state;
    cluster_init(&cluster, 3, true);
    cluster.participants_n = 2;
    daemon_set(&cluster, coordinator, "node", "commit_mode = coordinator");
    begin(2);
    return 0;
}

static void a_lost_participant_is_replaced_by_a_new_one(void **state)
{
    struct daemon *const c = &cluster.participants[2];

    (void)state;
    daemon_kill(a);
    shell("rm -r \"$1\"", a->data, NULL);
    daemon_start(a); /* from nothing */
    await_health(BAD, "participant a is in quarantine");
    daemon_stop(a);
    cluster.participants_n = 3;
    it_is_about(c, "assent-participant@c");
    runbook_set("NAME", "c");
    runbook_set("ADDRESS", c->address);
    runbook_set("COORDINATOR", coordinator->config);
    runbook_section("Adding a participant");
    runbook_run(0);
    work_await_peer(coordinator, "c", "up");
    work_await_peer(coordinator, "b", "up");
    work_put_surely(client, "bc", "k", "new");
    work_holds(client, "b", "k", "new");
    work_holds(client, "c", "k", "new");
}

/* With what it alone could decide in doubt. */
static void a_lost_coordinator_is_replaced_by_a_new_one(void **state)
{
    char id[64];

    (void)state;
    daemon_stop(coordinator);
    daemon_set(&cluster, coordinator, "timers", "peer_down = 1h\nprepare = 1h");
    daemon_start(coordinator);
    work_leave_in_doubt(id);
    shell("rm -r \"$1\"", coordinator->data, NULL);
    it_is_about(coordinator, "assent-coordinator@1");
    runbook_set("ID", id);
    runbook_section("The coordinator's directory is gone");
    says(runbook_run(0), id);
    work_put_surely(client, "ab", "other", "1");
    says(runbook_inline("txctl indoubt", 0), id);
    runbook_set("DECISION", "abort");
    runbook_section("Deciding by hand");
    runbook_run(2); /* nobody knows */
    runbook_run(0);
    work_holds(client, "a", "k", "old");
    work_holds(client, "b", "k", "old");
    work_put_surely(client, "ab", "k", "free");
    runbook_run(0);
    runbook_section("The coordinator's directory is gone");
    runbook_run(0);
    runbook_run(0);
}

/* ---- a full disk ---- */

static int setup_on_a_small_disk(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, true);
    if (!mounts)
        return 0;
    cluster_serve_http(&cluster);
    disk_give(a);
    daemon_set(&cluster, a, "storage", "disk_reserve = 8M");
    daemon_set(&cluster, coordinator, "timers", "peer_down = 10s"); /* longer than a slow disk */
    begin(2);
    return 0;
}

static int teardown_of_the_disk(void **state)
{
    disk_take(a);
    return work_teardown(state);
}

#define ROUNDS_MAX 4000

/* Puts at both until a has stopped; all that was acknowledged is named in `told`. The first one has
 * room, and all the time that it takes; of those behind it one is the last. */
static int put_until_it_stops(bool told[ROUNDS_MAX], int *status)
{
    static char value[100 * 1024];
    txclient *own = work_doubting_client(coordinator);
    char key[32];
    int rounds = 0;

    memset(value, 'v', sizeof value - 1);
    for (; !daemon_wait(a, 0, status); rounds++) {
        assert_true(rounds < ROUNDS_MAX);
        snprintf(key, sizeof key, "round-%d", rounds);
        told[rounds] = work_put(rounds == 0 ? client : own, "ab", key, value) == TXCLIENT_OK;
    }
    txclient_close(&own);
    return rounds;
}

struct reading {
    const char *participant, *key;
    txclient_value value;
};

static bool is_read(void *arg)
{
    struct reading *reading = arg;
    txclient_batch *batch = txclient_batch_new();
    txclient_status status;

    txclient_batch_get(batch, AT(reading->participant, reading->key));
    status = txclient_submit(client, batch, NULL, &reading->value);
    txclient_batch_free(&batch);
    return status == TXCLIENT_OK && !txclient_detail(client)->results_lost;
}

static bool is_there(const char *participant, const char *key)
{
    struct reading reading = {.participant = participant, .key = key};

    if (!wait_until(is_read, &reading, WORK_MS))
        fail_msg("%s/t/%s cannot be read: %s", participant, key, txclient_detail(client)->text);
    return reading.value.found;
}

static bool is_low(void *arg)
{
    return http_metric(a, "assent_participant_disk_low") == (arg != NULL ? 1 : 0);
}

static void a_disk_at_its_reserve_is_announced(void)
{
    disk_fill(a, 4 * DISK_MIB);
    await_health(BAD, "its disk is below the reserve");
    assert_true(wait_until(is_low, a, WORK_MS));
    http_await_ready(a, 503, "disk");
    expect_aborted(work_put(client, "ab", "k", "late"), TXCLIENT_REASON_DISK_FULL);
    runbook_section("A full disk");
    says(runbook_run(BAD), "below the reserve");
    disk_unfill(a);
    assert_true(wait_until(is_low, NULL, WORK_MS));
    await_health(0, "serving");
    http_await_ready(a, 200, NULL);
    work_put_surely(client, "ab", "k", "newest"); /* without a restart */
}

/* Only so does it write until there is nothing left. */
static void reserve_nothing(void)
{
    daemon_stop(a);
    a->settings[0] = '\0';
    daemon_set(&cluster, a, "storage", "disk_reserve = 0");
    daemon_start(a);
    work_await_all_up(coordinator);
}

static void a_full_disk_is_survived(void **state)
{
    static bool told[ROUNDS_MAX];
    int status, rounds, acknowledged = 0;
    char key[32];

    (void)state;
    if (!mounts)
        skip();
    it_is_about(a, "assent-participant@a");
    a_disk_at_its_reserve_is_announced();
    reserve_nothing();
    disk_return_preallocated(a, 500 * 1024);
    disk_fill(a, 0);
    rounds = put_until_it_stops(told, &status);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EX_IOERR);
    await_health(BAD, "does not answer");
    http_await_ready(coordinator, 200, "participants-down");
    disk_unfill(a);
    runbook_run(0);
    serves_again();
    for (int round = 0; round < rounds; round++) {
        snprintf(key, sizeof key, "round-%d", round);
        const bool there = is_there("a", key);
        assert_int_equal(there, is_there("b", key));
        assert_true(there || !told[round]);
        acknowledged += told[round];
    }
    assert_int_not_equal(acknowledged, 0);
}

#define TEST(name)             cmocka_unit_test_setup_teardown(name, setup, work_teardown)
#define TEST_WITH(setup, name) cmocka_unit_test_setup_teardown(name, setup, work_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_old_copy_of_a_participant_is_replaced),
        TEST(an_old_copy_of_a_coordinator_is_replaced),
        TEST(damaged_data_are_rebuilt_from_the_log),
        TEST(a_wrong_configuration_is_found),
        TEST_WITH(setup_with_a_spare, a_lost_participant_is_replaced_by_a_new_one),
        TEST(a_lost_coordinator_is_replaced_by_a_new_one),
        cmocka_unit_test_setup_teardown(a_full_disk_is_survived, setup_on_a_small_disk,
                                        teardown_of_the_disk),
    };

    mounts = disk_may_mount();
    return cmocka_run_group_tests(tests, open_page, close_page);
}
