/* One participant has lost its directory, and comes back out of a backup into a cluster that has
 * gone on, with its loss declared: every step that it needs, and every refusal without them. */
#include "tests/integration/backup_case.h"
#include "tests/integration/mutation.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0], *const b = &cluster.participants[1];

static int setup(void **state)
{
    char archived[CLUSTER_PATH + 32];

    (void)state;
    cluster_init(&cluster, 2, false);
    (void)snprintf(archived, sizeof archived, "directory = %s/archive", cluster.directory);
    daemon_set(&cluster, coordinator, "timers", "peer_down = 1h\nprepare = 1h");
    daemon_set(&cluster, a, "archive", archived);
    cluster_start(&cluster);
    client = work_client(coordinator);
    work_put_surely(client, "ab", "k", "old");
    return 0;
}

/* ---- steps ---- */

static void recover(int expected, const char *text, const char *const words[7])
{
    int status =
        run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err, "txrecover",
                    words[0], words[1], words[2], words[3], words[4], words[5], words[6], NULL);

    if (status != expected ||
        (strstr(backup_out, text) == NULL && strstr(backup_err, text) == NULL))
        fail_msg("txrecover %s: status %d, without '%s': %s%s", words[0], status, text, backup_out,
                 backup_err);
}
#define RECOVER(expected, text, ...)                                                               \
    recover(expected, text, (const char *const[7]){__VA_ARGS__, NULL})

/* The directory of a is gone for good; its newest backup takes the place. */
static void restore_a(void)
{
    if (a->pid != 0)
        daemon_kill(a);
    directory_remove(a->data);
    RECOVER(0, "txrecover rejoin", "restore", backup_repository(), "--node=a", "--into", a->data);
}

/* What is written in lines for people, as one. */
static void unwrap(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        bool blank = *from == ' ' || *from == '\n';
        if (!blank)
            *to++ = *from;
        else if (to > text && to[-1] != ' ')
            *to++ = ' ';
    }
    *to = '\0';
}

static void readmit(const char *option, int expected, const char *text)
{
    int status = run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err, "txctl",
                             "--config", cluster.client_config, "readmit", "--operator", "olga",
                             "a", option, NULL);

    unwrap(backup_out);
    if (status != expected ||
        (strstr(backup_out, text) == NULL && strstr(backup_err, text) == NULL))
        fail_msg("txctl readmit: status %d, without '%s': %s%s", status, text, backup_out,
                 backup_err);
}

struct answer {
    const char *text;
};

static bool answers(void *arg)
{
    (void)run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err, "txctl",
                      "--config", cluster.client_config, "readmit", "a", NULL);
    unwrap(backup_out);
    return strstr(backup_out, ((const struct answer *)arg)->text) != NULL;
}

/* Asked without --yes, the coordinator has heard of a, and says this. */
static void await_answer(const char *text)
{
    struct answer answer = {text};

    if (!wait_until(answers, &answer, WORK_MS))
        fail_msg("txctl readmit never says '%s': %s%s", text, backup_out, backup_err);
}

static void expect_out(const char *why)
{
    work_await_peer(coordinator, "a", "quarantined");
    assert_true(daemon_says(coordinator, why, WORK_MS));
    expect_aborted(work_put(client, "ab", "q", "1"), TXCLIENT_REASON_QUARANTINED);
    work_put_surely(client, "b", "q", "others go on");
}

static void expect_serves(const char *key)
{
    work_await_all_up(coordinator);
    work_put_surely(client, "ab", key, "again");
    work_holds(client, "a", key, "again");
    work_holds(client, "b", key, "again");
}

static void audit_says(const char *text)
{
    char path[CLUSTER_PATH + 32], line[4096];
    bool found = false;

    (void)snprintf(path, sizeof path, "%s/audit.jsonl", coordinator->data);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (!found && fgets(line, sizeof line, file) != NULL)
        found = strstr(line, text) != NULL && strstr(line, "olga") != NULL;
    (void)fclose(file);
    assert_true(found);
}

/* ---- tests ---- */

static bool has_moved(void *arg)
{
    return atomic_load(&((struct transfers *)arg)->committed) >= 30;
}

/* Transfers in all modes of commit go on after the backup, and are lost at a alone. */
static void go_on_after_backup(void)
{
    static struct transfers transfers;

    backup_accounts();
    backup_take(NULL, NULL);
    transfers_begin(&transfers, 0);
    if (!wait_until(has_moved, &transfers, WORK_MS))
        fail_msg("no transfer is made: %s", transfers.failure);
    transfers_end(&transfers);
    work_put_surely(client, "ab", "k", "new");
    work_put_surely(client, "ab", "since", "1");
}

static void test_comes_back(void **state)
{
    (void)state;
    go_on_after_backup();
    work_await_quiet();
    readmit("--yes", EX_USAGE, "there is nothing to do");
    restore_a();
    RECOVER(EX_USAGE, "belongs to --alone", "rejoin", "--incarnation=7", a->data);
    RECOVER(0, "Declared lost", "rejoin", "--alone", a->data);
    RECOVER(EX_USAGE, "has joined already", "rejoin", "--alone", a->data);
    RECOVER(0, "is lost", "log", a->data);
    daemon_start(a);
    assert_true(daemon_says(a, "was declared lost", WORK_MS));
    expect_out("txctl readmit a lets it in");
    readmit(NULL, EX_USAGE, "give --yes");
    assert_non_null(strstr(backup_out, "has lost what it wrote behind log position"));
    expect_out("txctl readmit a lets it in");
    readmit("--yes", 0, "let in: ");
    work_await_all_up(coordinator);
    work_holds(client, "a", "k", "old"); /* lost, as declared */
    work_holds(client, "a", "since", NULL);
    work_holds(client, "b", "k", "new");
    work_holds(client, "b", "since", "1");
    expect_serves("m");
    assert_int_equal(run_program(backup_out, sizeof backup_out, NULL, 0, "txctl", "--config",
                                 cluster.client_config, "alarms", NULL),
                     0);
    assert_non_null(strstr(backup_out, "let in again with its loss"));
    audit_says("readmit");
    work_await_quiet();
}

static void lose_and_let_in(void)
{
    restore_a();
    RECOVER(0, "Declared lost", "rejoin", "--alone", a->data);
    daemon_start(a);
    await_answer("has lost what it wrote behind");
    readmit("--yes", 0, "let in: ");
    expect_serves("l");
}

/* What the coordinator has let in stays so, and one that does not know that does it again. */
static void test_stays_in(void **state)
{
    (void)state;
    go_on_after_backup();
    lose_and_let_in();
    daemon_stop(coordinator);
    daemon_start(coordinator);
    expect_serves("m");
    daemon_kill(a);
    daemon_start(a);
    expect_serves("n");
    daemon_kill(coordinator);
    daemon_kill(b);
    daemon_start(b);
    daemon_start(coordinator);
    expect_serves("o");
    work_await_quiet();
}

static void keep_copy(const char *path)
{
    daemon_stop(a);
    directory_copy(a->data, path);
    daemon_start(a);
    work_await_all_up(coordinator);
}

static void put_copy_in_place(const char *path)
{
    daemon_stop(a);
    directory_remove(a->data);
    directory_copy(path, a->data);
    daemon_start(a);
    expect_out("came back with incarnation");
}

/* The answer names the start that the loss has to reach. */
static void come_back_as_it_says(void)
{
    const char *hint = strstr(backup_out, "--incarnation ");
    char incarnation[64] = "";

    assert_non_null(hint);
    (void)snprintf(incarnation, sizeof incarnation, "--incarnation=%.*s",
                   (int)strspn(hint + 14, "0123456789"), hint + 14);
    restore_a();
    RECOVER(0, "Declared lost", "rejoin", "--alone", incarnation, a->data);
    daemon_start(a);
    await_answer("has lost what it wrote behind");
    readmit("--yes", 0, "let in: ");
    expect_serves("p");
}

/* An old copy has declared nothing; one of a directory that once declared a loss has not declared
 * this one. */
static void test_old_copies_stay_out(void **state)
{
    char path[CLUSTER_PATH + 16];

    (void)state;
    backup_take(NULL, NULL);
    (void)snprintf(path, sizeof path, "%s.copy", a->data);
    keep_copy(path);
    work_put_surely(client, "ab", "k", "new");
    put_copy_in_place(path);
    readmit("--yes", 1, "has declared no loss");
    directory_remove(path);
    lose_and_let_in();
    keep_copy(path);
    work_put_surely(client, "ab", "k", "newer");
    put_copy_in_place(path);
    readmit("--yes", 1, "does not explain what is missing");
    work_await_peer(coordinator, "a", "quarantined");
    /* The same backup once more: its loss ends below the starts that it has had since. */
    restore_a();
    RECOVER(0, "Declared lost", "rejoin", "--alone", a->data);
    daemon_start(a);
    await_answer("--incarnation ");
    readmit("--yes", 1, "do not let it in");
    come_back_as_it_says();
}

static void *commit(void *arg)
{
    static txclient_status status;

    status = txclient_commit(arg);
    return &status;
}

/* The decision is durable at the coordinator, and told to its client; a has heard nothing of it
 * when it is lost. */
static void leave_commit_undelivered(char id[64])
{
    txclient_tx *tx = work_begin(client);
    pthread_t thread;
    void *status;

    expect(txclient_put(tx, AT("a", "k"), txclient_str("new")), TXCLIENT_OK);
    expect(txclient_put(tx, AT("b", "k"), txclient_str("new")), TXCLIENT_OK);
    (void)snprintf(id, 64, "%s", txclient_tx_reference(tx));
    id[strcspn(id, "@")] = '\0';
    daemon_signal(b, SIGSTOP); /* holds back its vote */
    assert_int_equal(pthread_create(&thread, NULL, commit, tx), 0);
    work_await_voted(a);
    daemon_kill(a);
    daemon_signal(b, SIGCONT);
    assert_int_equal(pthread_join(thread, &status), 0);
    expect(*(txclient_status *)status, TXCLIENT_OK);
    work_await_field(coordinator, "committed", "1");
    txclient_tx_close(&tx);
}

static void test_lost_commit_is_named(void **state)
{
    char id[64], named[128];

    (void)state;
    work_decides_by_itself(coordinator);
    work_await_all_up(coordinator);
    backup_take(NULL, NULL);
    leave_commit_undelivered(id);
    restore_a();
    RECOVER(0, "Declared lost", "rejoin", "--alone", a->data);
    daemon_start(a);
    /* Nothing that the coordinator had heard of a lies behind the backup but that vote. */
    work_await_peer(coordinator, "a", "quarantined");
    readmit("--yes", 0, "owes 1 still");
    work_await_field(coordinator, "committed", "0"); /* it is done with it */
    (void)snprintf(named, sizeof named, "transaction %s is committed, and its writes here", id);
    assert_true(daemon_says(a, named, WORK_MS));
    assert_true(daemon_says(coordinator, "and has lost its writes", WORK_MS));
    work_holds(client, "b", "k", "new");
    work_holds(client, "a", "k", "old");
    expect_serves("m");
    work_await_quiet();
}

/* The archive has all that it wrote before it was stopped: with that nothing is missing, so that it
 * is let in at once, and its archive goes on. */
static void test_archived_to_the_end(void **state)
{
    char archive[CLUSTER_PATH + 16], from[CLUSTER_PATH + 32], into[CLUSTER_PATH + 16];

    (void)state;
    (void)snprintf(archive, sizeof archive, "%s/archive", cluster.directory);
    (void)snprintf(from, sizeof from, "--archive=%s", archive);
    (void)snprintf(into, sizeof into, "--into=%s", a->data);
    go_on_after_backup();
    work_await_quiet();
    daemon_stop(a);
    directory_remove(a->data);
    RECOVER(0, "txrecover rejoin", "restore", backup_repository(), "--node=a", from, "--until-end",
            into);
    RECOVER(0, "Declared lost", "rejoin", "--alone", a->data);
    daemon_start(a);
    work_await_all_up(coordinator);
    work_holds(client, "a", "k", "new");
    work_holds(client, "a", "since", "1");
    expect_serves("m");
    daemon_stop(a);
    RECOVER(0, "participant-a: sound", "archive", "verify", archive);
    assert_null(strstr(backup_out, "before"));
    RECOVER(0, "", "verify", a->data);
}

/* It would presume aborted what it does not know any more. */
static void test_no_coordinator(void **state)
{
    char path[CLUSTER_PATH + 16];

    (void)state;
    backup_take(NULL, NULL);
    (void)snprintf(path, sizeof path, "%s/other", cluster.directory);
    RECOVER(0, "rejoin", "restore", backup_repository(), "--node=coordinator-1", "--into", path);
    RECOVER(EX_USAGE, "presume", "rejoin", "--alone", path);
    daemon_stop(b);
    RECOVER(EX_USAGE, "not restored from a backup", "rejoin", "--alone", b->data);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, work_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(test_comes_back),          WITH(test_stays_in),
        WITH(test_old_copies_stay_out), WITH(test_lost_commit_is_named),
        WITH(test_archived_to_the_end), WITH(test_no_coordinator),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
