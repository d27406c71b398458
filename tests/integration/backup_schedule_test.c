/* Backups that a coordinator takes by the schedule in its configuration: in their time, whole, no
 * one too many; and what operators see when there are none. */
#include "tests/integration/backup_case.h"
#include "tests/integration/http_client.h"
#include "tests/integration/mutation.h"
#include "tests/integration/operate.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const second = &cluster.second;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];

/* Nothing runs yet, and there is no schedule. */
static int two_participants(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    cluster_serve_http(&cluster);
    return 0;
}

static void start(void)
{
    cluster_start(&cluster);
    client = work_client(coordinator);
}

/* ---- helpers ---- */

/* The section [backup] of a coordinator: into the cluster's repository, and these lines. */
static const char *schedule(const char *lines)
{
    static char text[2 * CLUSTER_PATH];

    snprintf(text, sizeof text, "into = %s\n%s", backup_repository(), lines);
    return text;
}

static void reload(const char *section, const char *lines, bool taken)
{
    settings_become(coordinator, section, lines);
    if ((operate("reload", "coordinator", NULL, NULL, NULL) == 0) != taken)
        fail_msg("reload: %s%s", operate_out, operate_err);
}

struct asked {
    const struct daemon *daemon;
    const char *field;
    unsigned long n;
};

static bool has_told(void *arg)
{
    struct asked *asked = arg;
    char text[64];

    if (!work_field(asked->daemon, asked->field, text, sizeof text))
        return false;
    asked->n = strtoul(text, NULL, 10);
    return true;
}

static unsigned long number(const struct daemon *daemon, const char *field)
{
    struct asked asked = {daemon, field, 0};

    if (!wait_until(has_told, &asked, WORK_MS))
        fail_msg("%s does not tell its %s", daemon->name, field);
    return asked.n;
}

struct at_least {
    const struct daemon *daemon;
    const char *field;
    unsigned long n;
};

static bool is_at_least(void *arg)
{
    const struct at_least *at_least = arg;

    return number(at_least->daemon, at_least->field) >= at_least->n;
}

static void await_number(const struct daemon *daemon, const char *field, unsigned long n)
{
    char problem[512] = "";

    if (wait_until(is_at_least, &(struct at_least){daemon, field, n}, WORK_MS))
        return;
    (void)work_field(daemon, "backup_problem", problem, sizeof problem);
    fail_msg("%s: %s is %lu, not %lu; %s", daemon->name, field, number(daemon, field), n, problem);
}

static bool has_no_problem(void *arg)
{
    char text[512];

    return number(arg, "backups_taken") > 0 &&
           work_field(arg, "backup_problem", text, sizeof text) && text[0] == '\0';
}

static bool problem_tells(void *arg)
{
    char text[1024];

    return work_field(coordinator, "backup_problem", text, sizeof text) &&
           strstr(text, arg) != NULL;
}

static void await_problem(const char *words)
{
    char text[1024] = "none";

    if (wait_until(problem_tells, (void *)(uintptr_t)words, WORK_MS))
        return;
    (void)work_field(coordinator, "backup_problem", text, sizeof text);
    fail_msg("the problem is \"%s\", not \"%s\"", text, words);
}

/* The names below "backups", sorted, with a manifest or all; the caller's to free. */
static size_t names_in(const char *repository, bool whole, char names[64][64])
{
    char path[3 * CLUSTER_PATH];
    struct dirent **entries;
    size_t n = 0;

    snprintf(path, sizeof path, "%s/backups", repository);
    const int found = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < found; i++) {
        snprintf(path, sizeof path, "%s/backups/%s/MANIFEST.json", repository, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && (!whole || access(path, F_OK) == 0)) {
            assert_true(n < 64);
            snprintf(names[n++], 64, "%.63s", entries[i]->d_name);
        }
        free(entries[i]);
    }
    if (found >= 0)
        free(entries);
    return n;
}

static size_t count_backups(void)
{
    char names[64][64];

    return names_in(backup_repository(), true, names);
}

/* The time of the day in the name of a backup. */
static unsigned long ms_of(const char *name)
{
    unsigned hour, minute, second_of, ms;

    assert_int_equal(sscanf(name, "%*8uT%2u%2u%2u.%3uZ", &hour, &minute, &second_of, &ms), 4);
    return ((hour * 60ul + minute) * 60 + second_of) * 1000 + ms;
}

static unsigned long apart(const char *earlier, const char *later)
{
    return (ms_of(later) + 86400000 - ms_of(earlier)) % 86400000;
}

static bool staging(void *arg)
{
    const struct daemon *daemon = arg;
    char path[2 * CLUSTER_PATH];

    snprintf(path, sizeof path, "%s/backup.staging", daemon->data);
    return access(path, F_OK) == 0;
}

static bool no_staging(void *arg)
{
    return !staging(arg);
}

static void await(bool (*condition)(void *arg), void *arg, const char *what)
{
    if (!wait_until(condition, arg, WORK_MS))
        fail_msg("never came: %s", what);
}

/* How many backups by the schedule of a coordinator have come to this, as its audit log says. */
static size_t count_audited_at(const struct daemon *daemon, const char *outcome, const char *text)
{
    json_t *lines = audit_lines(daemon);
    json_t *line;
    size_t i, n = 0;

    json_array_foreach(lines, i, line)
    {
        if (strcmp(json_string_value(json_object_get(line, "action")), "backup") != 0)
            continue;
        audit_has(line, "operator", "schedule");
        audit_has(line, "from", "daemon");
        audit_has(line, "argument", backup_repository());
        n += strcmp(json_string_value(json_object_get(line, "outcome")), outcome) == 0 &&
             strstr(json_string_value(json_object_get(line, "text")), text) != NULL;
    }
    json_decref(lines);
    return n;
}

static size_t count_audited(const char *outcome, const char *text)
{
    return count_audited_at(coordinator, outcome, text);
}

/* Nodes that a busy machine keeps from answering, of which the log then tells: nothing else. */
static bool failed_as_audited(void *arg)
{
    const struct daemon *daemon = arg;

    return number(daemon, "backups_failed") == count_audited_at(daemon, "TX_ETIMEOUT", "") +
                                                   count_audited_at(daemon, "TX_EUNREACHABLE", "");
}

static void expect_no_failure(struct daemon *daemon)
{
    if (!wait_until(failed_as_audited, daemon, WORK_MS))
        fail_msg("%s: %lu backups failed", daemon->name, number(daemon, "backups_failed"));
}

struct audited {
    const char *outcome, *text;
};

static bool is_audited(void *arg)
{
    const struct audited *audited = arg;

    return count_audited(audited->outcome, audited->text) > 0;
}

static void audited(const char *outcome, const char *text)
{
    if (!wait_until(is_audited, &(struct audited){outcome, text}, WORK_MS))
        fail_msg("the audit log has no backup with %s: %s", outcome, text);
}

/* ---- in their time, and whole ---- */

/* The coordinator may be at work in the repository until it has ended what it was told to give up.
 */
static bool repository_is_free(void *arg)
{
    *(int *)arg = operate("backup", "verify", backup_repository(), NULL, NULL);
    return *(int *)arg != EX_UNAVAILABLE;
}

static void test_taken_kept_and_restored(void **state)
{
    int verified = 0;

    (void)state;
    daemon_set(&cluster, coordinator, "backup", schedule("every = 300ms\nkeep = 3"));
    start();
    backup_accounts();
    work_put_surely(client, "ab", "k", "kept");
    const unsigned long before = number(coordinator, "backups_taken");
    for (unsigned long i = 1; i <= 5; i++)
        await_number(coordinator, "backups_taken", before + i);
    http_await_ready(coordinator, 200, "\"warnings\":[]");
    assert_true(http_metric(coordinator, "assent_coordinator_backups_total") >= 5);
    assert_true(http_metric(coordinator, "assent_coordinator_backup_newest_time_seconds") > 1e9);
    assert_true(http_metric(coordinator, "assent_coordinator_backup_every_seconds") == 1);
    assert_true(http_metric(coordinator, "assent_coordinator_backup_bytes") > 0);
    assert_true(http_metric(coordinator, "assent_coordinator_backup_seconds") > 0);
    expect_no_failure(coordinator);
    assert_true(http_metric(coordinator, "assent_coordinator_backups_failed_total") >= 0);
    reload("backup", "every = 0ms", true);
    work_await_field(coordinator, "backup", "off");
    await(no_staging, a, "the end of the backup under way");
    assert_true(daemon_says(coordinator, "a backup was taken by the schedule", WORK_MS));
    audited("TX_OK", "3 nodes");
    audited("TX_OK", "3 kept, 1 removed");
    await(repository_is_free, &verified, "the end of the work in the repository");
    assert_int_equal(verified, 0);
    assert_int_equal(count_backups(), 3);
    work_put_surely(client, "ab", "k", "later");
    backup_bring_back();
    work_holds(client, "a", "k", "kept");
    work_holds(client, "b", "k", "kept");
}

/* The one that is there counts, whoever has taken it, and over any end of the coordinator. */
static void test_restart_doubles_none(void **state)
{
    char names[64][64];

    (void)state;
    start();
    backup_take(NULL, NULL);
    reload("backup", schedule("every = 1h"), true);
    await_number(coordinator, "backup_newest_ms", 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(number(coordinator, "backup_next_ms"),
                         number(coordinator, "backup_newest_ms") + 3600000);
        assert_true(number(coordinator, "backup_age_ms") < 600000);
        assert_int_equal(number(coordinator, "backups_taken"), 0);
        if (i == 0) {
            daemon_kill(coordinator);
            daemon_start(coordinator);
            await_number(coordinator, "backup_newest_ms", 1);
        }
    }
    daemon_stop(coordinator);
    assert_int_equal(names_in(backup_repository(), false, names), 1);
    /* A backup whose time has come while nobody was there is taken at once. */
    settings_become(coordinator, "backup", schedule("every = 10ms"));
    daemon_start(coordinator);
    await_number(coordinator, "backups_taken", 1);
}

static bool four_are_there(void *arg)
{
    (void)arg;
    return count_backups() >= 4;
}

/* From one coordinator to the next no backup is begun before its time, and none fails because the
 * other one is at work. */
static void test_two_coordinators_share(void **state)
{
    char names[64][64];

    (void)state;
    cluster_add_coordinator(&cluster);
    daemon_set(&cluster, coordinator, "backup", schedule("every = 400ms"));
    daemon_set(&cluster, second, "backup", schedule("every = 400ms"));
    start();
    await_number(coordinator, "backups_taken", 1);
    daemon_start(second);
    await(four_are_there, NULL, "four backups");
    expect_no_failure(coordinator);
    /* Whoever comes first takes it; on a slow machine that may be the same one each time. */
    reload("backup", schedule("every = 0ms"), true);
    await_number(second, "backups_taken", number(second, "backups_taken") + 1);
    expect_no_failure(second);
    daemon_stop(second);
    daemon_stop(coordinator);
    const size_t found = names_in(backup_repository(), true, names);
    for (size_t i = 1; i < found; i++)
        if (apart(names[i - 1], names[i]) < 400)
            fail_msg("%s and %s", names[i - 1], names[i]);
}

/* ---- clocks that are set ---- */

/* A backup of a day that has not come says nothing of when the next is due, and it is that which
 * goes, not the one just taken, when one is kept. */
static void test_a_backup_of_the_future(void **state)
{
    char names[64][64], name[64], from[3 * CLUSTER_PATH], to[3 * CLUSTER_PATH];

    (void)state;
    start();
    backup_take(NULL, name);
    snprintf(from, sizeof from, "%s/backups/%s", backup_repository(), name);
    snprintf(to, sizeof to, "%s/backups/20990101T000000.000Z", backup_repository());
    assert_int_equal(rename(from, to), 0);
    reload("backup", schedule("every = 1h\nkeep = 1"), true);
    await_number(coordinator, "backups_taken", 1);
    assert_true(daemon_says(coordinator, "1 kept, 1 removed", WORK_MS));
    assert_int_equal(names_in(backup_repository(), false, names), 1);
    assert_true(strcmp(names[0], "2099") < 0);
}

static bool one_is_there(void *arg)
{
    char names[64][64];

    (void)arg;
    return names_in(backup_repository(), true, names) > 0;
}

/* Whatever becomes of the newest one, or of the clock that its name is compared with: two are not
 * begun within `every`. A slow machine may have taken several before they are looked at. */
static void test_no_storm(void **state)
{
    char names[64][64], newest[64], path[3 * CLUSTER_PATH];

    (void)state;
    daemon_set(&cluster, coordinator, "backup", schedule("every = 2s"));
    start();
    await(one_is_there, NULL, "the first backup");
    const size_t n = names_in(backup_repository(), true, names);
    memcpy(newest, names[n - 1], sizeof newest);
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/backups/%s", backup_repository(), names[i]);
        assert_int_equal(run_program(NULL, 0, NULL, 0, "/bin/rm", "-r", path, NULL), 0);
    }
    await(one_is_there, NULL, "the next backup");
    (void)names_in(backup_repository(), true, names);
    if (apart(newest, names[0]) < 1990) /* they are of one clock, and the pause of another */
        fail_msg("%s and %s", newest, names[0]);
}

/* ---- when there are none ---- */

static void test_participant_away(void **state)
{
    (void)state;
    daemon_set(&cluster, coordinator, "backup", schedule("every = 1s\nkeep = 2"));
    daemon_set(&cluster, coordinator, "timers", "peer_down = 5s");
    start();
    await_number(coordinator, "backups_taken", 1);
    daemon_kill(b);
    await_problem("participant b");
    work_await_field(coordinator, "backup", "failing");
    assert_int_equal(operate("status", NULL, NULL, NULL, NULL), 2); /* b is BAD */
    operate_wrote("WARN: coordinator 1: no backup since ");
    operate_wrote("participant b at ");
    http_await_ready(coordinator, 200, "\"code\":\"backup\",\"text\":\"no backup since ");
    assert_true(http_metric(coordinator, "assent_coordinator_backups_failed_total") >= 1);
    assert_true(daemon_says(coordinator, "the backup of the schedule failed", WORK_MS));
    audited("TX_EUNREACHABLE", "participant b");
    assert_true(count_backups() >= 1);
    const unsigned long taken = number(coordinator, "backups_taken");
    daemon_start(b);
    await_number(coordinator, "backups_taken", taken + 1);
    await(has_no_problem, coordinator, "the end of the problem");
}

static void test_place_that_cannot_be_used(void **state)
{
    char other[2 * CLUSTER_PATH];

    (void)state;
    start();
    work_await_field(coordinator, "backup", "off");
    snprintf(other, sizeof other, "into = %s\nevery = 300ms", cluster.directory);
    reload("backup", other, true);
    await_problem("holds other things");
    assert_int_equal(operate("status", NULL, NULL, NULL, NULL), 1);
    operate_wrote("no backup yet: ");
    reload("backup", schedule("every = 300ms\nat = 25:00"), false);
    operate_wrote("expected a time of the day in UTC");
    await_problem("holds other things");
    reload("backup", schedule("every = 300ms"), true);
    await(has_no_problem, coordinator, "a backup into the new place");
    assert_true(count_backups() > 0);
    reload("log", "level = info", true);
    work_await_field(coordinator, "backup", "off");
}

/* An old copy of the coordinator: its backup would be of a cluster that has left it behind. */
static void test_fenced(void **state)
{
    char old[2 * CLUSTER_PATH];
    char names[64][64];

    (void)state;
    start();
    work_put_surely(client, "ab", "k", "1");
    daemon_stop(coordinator);
    snprintf(old, sizeof old, "%s/old", cluster.directory);
    directory_copy(coordinator->data, old);
    daemon_start(coordinator);
    work_await_all_up(coordinator);
    work_put_surely(client, "ab", "k", "2");
    daemon_stop(coordinator);
    directory_remove(coordinator->data);
    assert_int_equal(rename(old, coordinator->data), 0);
    daemon_set(&cluster, coordinator, "backup", schedule("every = 300ms"));
    daemon_start(coordinator);
    work_await_field(coordinator, "state", "fenced");
    await_problem("fenced");
    assert_int_equal(number(coordinator, "backups_taken"), 0);
    assert_int_equal(names_in(backup_repository(), false, names), 0);
}

/* ---- given up ---- */

/* A backup takes many minutes, however slow the machine is: it is under way when this returns. */
static void begin_slow(void)
{
    daemon_set(&cluster, a, "backup", "rate = 16");
    daemon_set(&cluster, coordinator, "backup", schedule("every = 300ms"));
    start();
    await(staging, a, "a backup under way");
    work_await_field(coordinator, "backup", "running");
}

/* For the n-th time: at the participant, in the repository, and in the audit log, which is last. */
static bool given_up(void *arg)
{
    char names[64][64];

    return !staging(a) && names_in(backup_repository(), false, names) == 0 &&
           count_audited("TX_ESTATE", "told to stop") == *(const size_t *)arg;
}

static void expect_given_up(size_t n)
{
    await(given_up, &n, "a backup given up");
}

static void leaves(int signal_number)
{
    int status;

    daemon_signal(coordinator, signal_number);
    if (!daemon_wait(coordinator, WORK_MS, &status)) /* far less than it may drain */
        fail_msg("it does not leave: a backup is under way");
    assert_int_equal(status, 0);
    assert_true(!staging(coordinator));
}

/* Whatever ends one that is under way, no daemon keeps a part of it, and nothing is left. */
static void test_given_up(void **state)
{
    (void)state;
    begin_slow();
    reload("backup", schedule("every = 0ms"), true);
    work_await_field(coordinator, "backup", "off");
    expect_given_up(1);
    reload("backup", schedule("every = 300ms\n[timers]\ndrain = 1h"), true);
    await(staging, a, "the next one");
    assert_int_equal(operate("drain", "coordinator", "--wait", NULL, NULL), 0);
    work_await_field(coordinator, "backup", "held");
    expect_given_up(2);
    assert_true(daemon_says(coordinator, "the backup of the schedule was given up", WORK_MS));
    expect_no_failure(coordinator);
    assert_int_equal(operate("undrain", "coordinator", NULL, NULL, NULL), 0);
    await(staging, a, "the one after that");
    leaves(SIGTERM); /* its loop turns until it is given up */
    expect_given_up(3);
    daemon_start(coordinator);
    await(staging, a, "the one after the restart");
    leaves(SIGINT); /* its loop does not */
    expect_given_up(4);
}

/* Its own part is given up at once; the other daemons wait for as long as their patience. */
static void test_killed(void **state)
{
    char names[64][64];

    (void)state;
    begin_slow();
    daemon_kill(coordinator);
    assert_int_equal(names_in(backup_repository(), false, names), 1);
    assert_int_equal(names_in(backup_repository(), true, names), 0);
    daemon_kill(a);
    daemon_kill(b);
    a->settings[0] = '\0';
    daemon_set(&cluster, a, "backup", "rate = 0");
    daemon_start(a);
    daemon_start(b);
    daemon_start(coordinator);
    await_number(coordinator, "backups_taken", 1);
    daemon_stop(coordinator);
    const size_t whole = names_in(backup_repository(), true, names);
    assert_true(whole > 0);
    assert_int_equal(names_in(backup_repository(), false, names), whole);
    assert_int_equal(operate("backup", "verify", backup_repository(), NULL, NULL), 0);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, two_participants, work_teardown)
    const struct CMUnitTest tests[] = {
        WITH(test_taken_kept_and_restored),
        WITH(test_restart_doubles_none),
        WITH(test_two_coordinators_share),
        WITH(test_a_backup_of_the_future),
        WITH(test_no_storm),
        WITH(test_participant_away),
        WITH(test_place_that_cannot_be_used),
        WITH(test_fenced),
        WITH(test_given_up),
        WITH(test_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
