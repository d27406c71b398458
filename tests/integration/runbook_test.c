/* The commands of docs/operations.md, as they stand there, in the situations that they are for. */
#include "tests/integration/runbook.h"
#include "tests/integration/work.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0], *const b = &cluster.participants[1];

static int open_page(void **state)
{
    static const char *const elsewhere[] = {RUNBOOK_LOOK_HEADINGS, RUNBOOK_DAMAGE_HEADINGS, NULL};

    (void)state;
    runbook_open(ASSENT_OPERATIONS_PAGE, NULL);
    runbook_elsewhere(elsewhere);
    return 0;
}

static int close_page(void **state)
{
    (void)state;
    runbook_close();
    return 0;
}

/* Only the coordinator's log can settle what is in doubt. */
static int setup(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    daemon_set(&cluster, coordinator, "node", "commit_mode = coordinator");
    daemon_set(&cluster, coordinator, "timers", "peer_down = 1h\nprepare = 1h");
    daemon_set(&cluster, a, "timers", "inquiry_max = 400ms\ndrain = 100ms");
    daemon_set(&cluster, b, "timers", "inquiry_max = 400ms\ndrain = 100ms");
    work_start_with("old");
    work_await_quiet();
    return 0;
}

/* Both participants are in doubt and the coordinator is dead, before it could decide; the id is in
 * the page's variable ID. */
static void leave_in_doubt(void)
{
    char id[64];

    work_leave_in_doubt(id);
    runbook_set("ID", id);
}

/* The clients' file names a participant besides the coordinator, so that nothing hangs on that. */
static void client_names_a_participant(void)
{
    char text[CLUSTER_PATH * 4];

    snprintf(text, sizeof text,
             "[client]\ncluster = test\ncoordinator = %s\nparticipants = %s\n"
             "connect_timeout = 5s\n",
             coordinator->address, a->address);
    file_write(cluster.client_config, text);
}

static void says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("this does not say \"%s\":\n%s", part, text);
}

/* Everything runs again, and both hold the value. */
static void runs_with(const char *value)
{
    if (coordinator->pid == 0)
        daemon_start(coordinator);
    for (size_t i = 0; i < 2; i++)
        if (cluster.participants[i].pid == 0)
            daemon_start(&cluster.participants[i]);
    work_await_all_up(coordinator);
    work_await_quiet();
    txclient_close(&client);
    client = work_client(coordinator);
    work_holds(client, "a", "k", value);
    work_holds(client, "b", "k", value);
}

static void in_doubt_is_settled_by_starting_who_is_away(void **state)
{
    (void)state;
    leave_in_doubt();
    client_names_a_participant();
    runbook_section("In doubt");
    says(runbook_run(EX_UNAVAILABLE), getenv("ID"));
    runbook_set("UNIT", "assent-coordinator@1");
    runbook_run(0);
    runs_with("old");
}

static void remove_file(const char *name)
{
    char path[CLUSTER_PATH + 32];

    snprintf(path, sizeof path, "%s/%s", cluster.directory, name);
    assert_int_equal(unlink(path), 0);
}

static void in_doubt_is_settled_from_the_logs(void **state)
{
    (void)state;
    leave_in_doubt();
    daemon_stop(a);
    daemon_stop(b);
    runbook_section("Settling it from the logs");
    says(runbook_run(0), getenv("ID"));
    runbook_run(0); /* taken back, and done again */
    remove_file("plan.json");
    remove_file("plan.json.undo");
    runbook_section("Settling it from the logs");
    runbook_run(0);
    runs_with("old");
}

static void in_doubt_is_decided_by_hand(void **state)
{
    (void)state;
    leave_in_doubt();
    client_names_a_participant();
    runbook_section("Deciding by hand");
    runbook_run(2); /* nobody knows */
    runbook_set("DECISION", "commit");
    runbook_run(0);
    daemon_start(coordinator); /* whose log has no decision: aborted, so this was wrong */
    work_await_field(a, "alarms", "1");
    work_await_field(b, "alarms", "1");
    says(runbook_run(0), "mend the data");
    runbook_run(0);
    daemon_stop(a);
    runbook_set("DATA", a->data);
    runbook_section("Alarms");
    says(runbook_run(0), "DAMAGE");
}

/* The directories that were restored take the place of the former ones. */
static void put_in_place(const char *restored)
{
    struct daemon *daemons[] = {coordinator, a, b};
    const char *const names[] = {"coordinator-1", "participant-a", "participant-b"};
    char from[CLUSTER_PATH * 3], aside[CLUSTER_PATH * 2];

    for (size_t i = 0; i < 3; i++) {
        snprintf(from, sizeof from, "%s/%s", restored, names[i]);
        snprintf(aside, sizeof aside, "%s.former", daemons[i]->data);
        assert_int_equal(rename(daemons[i]->data, aside), 0);
        assert_int_equal(rename(from, daemons[i]->data), 0);
    }
}

static void a_cluster_is_backed_up_and_restored(void **state)
{
    char backups[CLUSTER_PATH + 16], restored[CLUSTER_PATH + 16];

    (void)state;
    snprintf(backups, sizeof backups, "%s/backups", cluster.directory);
    snprintf(restored, sizeof restored, "%s/restored", cluster.directory);
    runbook_set("BACKUPS", backups);
    runbook_set("RESTORED", restored);
    runbook_section("What an alert means");
    says(runbook_run(0), "OK");
    runbook_section("Backup and restore");
    runbook_run(0);
    work_put_surely(client, "ab", "k", "later");
    runbook_run(0);
    daemon_stop(coordinator);
    daemon_stop(a);
    daemon_stop(b);
    runbook_run(0);
    put_in_place(restored);
    runs_with("old");
}

/* With something in doubt: moved_test. */
static void a_participant_is_moved(void **state)
{
    static char moved[CLUSTER_PATH + 16];

    (void)state;
    snprintf(moved, sizeof moved, "%s/moved", cluster.directory);
    runbook_set("UNIT", "assent-participant@a");
    runbook_set("DATA", a->data);
    runbook_set("NEW", moved);
    runbook_section("Moving a node");
    runbook_run(0);
    assert_true(snprintf(a->data, sizeof a->data, "%s", moved) < (int)sizeof a->data);
    cluster_move(&cluster, a);
    says(runbook_run(0), "nothing is in doubt");
    runs_with("old");
}

static void a_lost_participant_comes_back(void **state)
{
    char backups[CLUSTER_PATH + 16], aside[CLUSTER_PATH + 16];

    (void)state;
    snprintf(backups, sizeof backups, "%s/backups", cluster.directory);
    snprintf(aside, sizeof aside, "%s.lost", a->data);
    runbook_set("BACKUPS", backups);
    runbook_set("NODE", "a");
    runbook_set("UNIT", "assent-participant@a");
    runbook_set("DATA", a->data);
    runbook_section("Backup and restore");
    runbook_run(0);
    work_put_surely(client, "ab", "k", "later");
    daemon_kill(a);
    assert_int_equal(rename(a->data, aside), 0);
    runbook_section("A participant's directory is gone");
    says(runbook_run(0), "Declared lost");
    work_await_peer(coordinator, "a", "quarantined");
    says(runbook_run(0), "let in");
    work_await_all_up(coordinator);
    work_holds(client, "a", "k", "old");
    work_holds(client, "b", "k", "later");
    work_put_surely(client, "ab", "k", "again");
    runbook_run(0);
    work_await_quiet();
}

/* ---- a later point ---- */

static int setup_archive(void **state)
{
    char text[CLUSTER_PATH + 64];
    struct daemon *daemons[] = {coordinator, a, b};

    (void)state;
    cluster_init(&cluster, 2, false);
    snprintf(text, sizeof text, "directory = %s/archive\nevery = 100ms", cluster.directory);
    for (size_t i = 0; i < 3; i++)
        daemon_set(&cluster, daemons[i], "archive", text);
    daemon_set(&cluster, coordinator, "storage", "cut_every = 1h");
    work_start_with("old");
    work_await_quiet();
    return 0;
}

static bool is_past(void *arg)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 > *(uint64_t *)arg;
}

/* Takes a cut, and sets UNTIL to the moment at which all have taken it. */
static void a_cut_to_go_back_to(void)
{
    const char *addresses[] = {coordinator->address, a->address, b->address};
    txclient_cut cut;
    char text[64];
    uint64_t number, ms = 0;

    expect(txclient_cut_begin(client, NULL, &cut), TXCLIENT_OK);
    number = cut.number;
    for (size_t i = 0; i < 3; i++) {
        expect(txclient_cut_ask(client, addresses[i], number, WORK_MS, &cut), TXCLIENT_OK);
        ms = cut.time_ms > ms ? cut.time_ms : ms;
    }
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    assert_non_null(gmtime_r(&seconds, &utc));
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + len, sizeof text - len, ".%03uZ", (unsigned)(ms % 1000));
    runbook_set("UNTIL", text);
    /* What follows is later, and so is the next cut. */
    assert_true(wait_until(is_past, &ms, WORK_MS));
}

/* All of it is lost at once, and more was written than is wanted. */
static void a_cluster_is_restored_to_a_later_point(void **state)
{
    char path[CLUSTER_PATH + 32], restored[CLUSTER_PATH + 32], data[4 * CLUSTER_PATH];
    txclient_cut cut;

    (void)state;
    snprintf(path, sizeof path, "%s/backups", cluster.directory);
    runbook_set("BACKUPS", path);
    snprintf(path, sizeof path, "%s/archive", cluster.directory);
    runbook_set("ARCHIVE", path);
    snprintf(restored, sizeof restored, "%s/restored", cluster.directory);
    runbook_set("RESTORED", restored);
    snprintf(data, sizeof data, "%s %s %s", coordinator->data, a->data, b->data);
    runbook_set("DATA", data);
    runbook_section("Backup and restore");
    runbook_run(0);
    work_put_surely(client, "ab", "k", "new");
    work_await_quiet();
    a_cut_to_go_back_to();
    work_put_surely(client, "ab", "k", "wrong");
    expect(txclient_cut_begin(client, NULL, &cut), TXCLIENT_OK);
    daemon_kill(coordinator);
    daemon_kill(a);
    daemon_stop(b);
    runbook_section("Restoring to a later point");
    says(runbook_run(0), "participant-b: sound");
    says(runbook_run(0), "and given up: ");
    put_in_place(restored);
    runs_with("new");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_doubt_is_settled_by_starting_who_is_away, setup,
                                        work_teardown),
        cmocka_unit_test_setup_teardown(in_doubt_is_settled_from_the_logs, setup, work_teardown),
        cmocka_unit_test_setup_teardown(in_doubt_is_decided_by_hand, setup, work_teardown),
        cmocka_unit_test_setup_teardown(a_cluster_is_backed_up_and_restored, setup, work_teardown),
        cmocka_unit_test_setup_teardown(a_participant_is_moved, setup, work_teardown),
        cmocka_unit_test_setup_teardown(a_lost_participant_comes_back, setup, work_teardown),
        cmocka_unit_test_setup_teardown(a_cluster_is_restored_to_a_later_point, setup_archive,
                                        work_teardown),
    };
    return cmocka_run_group_tests(tests, open_page, close_page);
}
