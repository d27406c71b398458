/* txrecover plan, apply and undo on what real daemons have left in doubt; and that the daemons take
 * what was decided for what it is. */
#include "tests/integration/recover_run.h"
#include "txlog/rocksdb_log.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];
static char id[64];
static char *const committed = recover_committed;

/* How many things a list of the plan in the last output has. */
static size_t listed(const char *list)
{
    json_t *root = recover_json(recover_out);
    size_t n = json_array_size(json_object_get(root, list));

    json_decref(root);
    return n;
}

/* The file, with one text of it replaced wherever it stands. */
static void change_file(const char *path, const char *from, const char *to, const char *into)
{
    static char text[1 << 16], changed[1 << 17];
    FILE *file = fopen(path, "r");
    size_t n, at = 0;
    const char *rest = text, *found;

    assert_non_null(file);
    n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    assert_non_null(strstr(text, from));
    while ((found = strstr(rest, from)) != NULL) {
        at += (size_t)snprintf(changed + at, sizeof changed - at, "%.*s%s", (int)(found - rest),
                               rest, to);
        rest = found + strlen(from);
    }
    snprintf(changed + at, sizeof changed - at, "%s", rest);
    file_write(into, changed);
}

static void is_in_doubt(const struct daemon *daemon, bool wanted)
{
    recover(0, daemon->data, "indoubt");
    if (wanted)
        recover_says(id);
    else
        recover_never_says("in doubt since");
}

/* ---- what the members decide ---- */

static void test_nothing_in_doubt(void **state)
{
    (void)state;
    recover_words(0, "plan", coordinator->data, a->data, b->data);
    assert_int_equal(listed("actions"), 0);
    assert_int_equal(listed("undecided"), 0);
    recover_complains("0 in doubt, 0 to decide");
    file_write(recover_path("empty.json"), recover_out);
    recover_words(65, "apply", "--operator", "ann", recover_path("empty.json"));
    recover_complains("holds no action");
}

/* Planned, applied, undone and applied again; then the daemons find that it was right. */
static void test_members_decide(void **state)
{
    const char *plan = recover_path("plan.json");

    (void)state;
    recover_leave_in_doubt(TXCLIENT_COMMIT_PARTICIPANTS, true, id);
    recover_words(0, "plan", a->data);
    assert_int_equal(listed("undecided"), 1);
    recover_complains("CANNOT BE DECIDED: 1 of its members is prepared, and nothing here decides. "
                      "Who could tell: b");
    recover_words(0, "plan", a->data, b->data);
    assert_int_equal(listed("actions"), 2);
    recover_words(0, "plan", "--output", plan, a->data, b->data);
    assert_string_equal(recover_out, "");
    recover_words(73, "plan", "--output", plan, a->data, b->data);

    recover_words(0, "apply", "--operator", "ann", plan);
    recover_says(" committed, LSN ");
    recover_says("plan.json.undo");
    is_in_doubt(a, false);
    recover(0, a->data, "verify");
    recover(0, a->data, "log", "--tx", id);
    recover_says("  HEURISTIC  ");
    recover_says("committed at LSN ");
    recover_says("by operator ann");
    recover_words(0, "explain", id, a->data, b->data);
    recover_says("verdict       committed: the PREPARED record of every member is there");
    recover_words(65, "apply", "--operator", "ann", "--undo-file", recover_path("again"), plan);
    recover_complains("has changed since the plan was made");

    recover_words(0, "undo", recover_path("plan.json.undo"));
    recover_says("as it was at LSN ");
    is_in_doubt(a, true);
    is_in_doubt(b, true);
    recover(0, a->data, "verify");
    recover_words(0, "undo", recover_path("plan.json.undo"));
    recover_says("nothing was changed there");
    /* As if nothing had been: the plan still holds. */
    recover_words(73, "apply", "--operator", "bob", recover_path("plan.json"));
    recover_complains("plan.json.undo: is there already");
    recover_words(0, "apply", "--json", "--operator", "bob", "--undo-file",
                  recover_path("second.undo"), recover_path("plan.json"));
    recover_is_json();
    recover_says("\"decision\":\"commit\"");
}

static void test_real_decision_agrees(void **state)
{
    (void)state;
    recover_start_all();
    work_holds(client, "a", "doubt", id);
    work_holds(client, "b", "doubt", id);
    assert_true(daemon_says(a, "the decision is: committed, as operator bob had decided", WORK_MS));
    assert_true(daemon_says(b, "the decision is: committed, as operator bob had decided", WORK_MS));
    work_await_durable(a); /* it says so before it has written it */
    recover_kill_all();
    recover_words(65, "undo", recover_path("second.undo"));
    recover_complains("its log has gone on since, with LSN ");
    /* Whatever the file says of how far apply went: an end of HEURISTIC is nothing that it has
     * written. */
    change_file(recover_path("second.undo"), "\"last_lsn_after\":", "\"last_lsn_after\":9",
                recover_path("third.undo"));
    recover_words(65, "undo", recover_path("third.undo"));
    recover_complains("its log has gone on since, with LSN ");
    recover(0, a->data, "log", "--tx", id);
    recover_says("HEURISTIC_END");
    recover_never_says("DAMAGE");
}

/* ---- what the coordinator decides ---- */

/* Of the first node of a plan. */
static const char *digest_in(const char *plan)
{
    static char digest[17];
    json_error_t error;
    json_t *root = json_load_file(plan, 0, &error);
    const json_t *node = json_array_get(json_object_get(root, "nodes"), 0);

    assert_non_null(json_string_value(json_object_get(node, "digest")));
    snprintf(digest, sizeof digest, "%s", json_string_value(json_object_get(node, "digest")));
    json_decref(root);
    return digest;
}

static void test_presumed_abort(void **state)
{
    const char *plan = recover_path("abort.json"), *changed = recover_path("changed.json");
    char digest[17];

    (void)state;
    recover_leave_in_doubt(TXCLIENT_COMMIT_COORDINATOR, true, id);
    recover_words(0, "plan", a->data, b->data);
    assert_int_equal(listed("actions"), 0);
    assert_int_equal(listed("undecided"), 2);
    recover_complains("Who could tell: coordinator 1 (directory not given)");
    recover_words(0, "plan", "--output", plan, a->data, b->data, coordinator->data);
    recover_complains("2 in doubt, 2 to decide");
    /* A file is believed nothing that the logs do not say. */
    change_file(plan, "\"decision\":\"abort\"", "\"decision\":\"commit\"", changed);
    recover_words(65, "apply", "--operator", "ann", changed);
    recover_complains("the plan says commit, and the evidence abort");
    change_file(plan, id, committed, changed);
    recover_words(65, "apply", "--operator", "ann", changed);
    recover_complains("is not in doubt at ");
    /* Another log with as many records is not the one that was planned for. */
    snprintf(digest, sizeof digest, "%s", digest_in(plan));
    change_file(plan, digest, "0123456789abcdef", changed);
    recover_words(65, "apply", "--operator", "ann", changed);
    recover_complains("has changed since the plan was made");
    change_file(plan, "\"assent_plan\":1", "\"assent_plan\":2", changed);
    recover_words(65, "apply", "--operator", "ann", changed);
    recover_complains("is a version that this program does not know");
    file_write(changed, "{\"assent_plan\":1,");
    recover_words(65, "apply", "--operator", "ann", changed);
    recover_complains("line 1, column ");
    recover_words(65, "undo", plan);
    recover_complains("assent_undo: is missing: this is no such file");
    recover_words(64, "apply", "--operator", "no name", plan);
    recover_complains("\"no name\" is no name");
    assert_int_equal(file_size(recover_path("abort.json.undo")), -1);
    is_in_doubt(a, true);
    recover_words(0, "apply", "--operator", "ann", recover_path("abort.json"));
    recover_says(" aborted, LSN ");
    is_in_doubt(a, false);
    recover(0, a->data, "verify");
    recover_start_all();
    assert_true(daemon_says(a, "the decision is: aborted, as operator ann had decided", WORK_MS));
    recover_settle();
}

static void test_refused(void **state)
{
    struct rocksdb_log_options options = {
        .directory = a->data,
        .identity = {.cluster = "test", .role = TX_ROLE_PARTICIPANT, .name = {"a"}}};
    const char *plan = recover_path("late.json"), *copy = recover_path("mere-checkpoint");
    struct txlog *log = NULL;

    (void)state;
    recover_leave_in_doubt(TXCLIENT_COMMIT_COORDINATOR, false, id);
    recover_words(0, "plan", "--output", plan, a->data, b->data);
    recover_complains("abort: the log of b holds no PREPARED of it");
    /* A daemon uses one of them: neither planned nor applied. */
    daemon_start(b);
    recover_words(69, "plan", a->data, b->data);
    recover_words(69, "apply", "--operator", "ann", plan);
    daemon_kill(b);
    /* It has started since: another incarnation, and the evidence has to be looked at anew. */
    recover_words(65, "apply", "--operator", "ann", plan);
    recover_complains("has changed since the plan was made");
    assert_int_equal(rocksdb_log_open(&options, &log, NULL), TX_OK);
    assert_int_equal(txlog_checkpoint(log, copy, NULL), TX_OK);
    txlog_close(&log);
    recover_words(64, "plan", copy, b->data);
    recover_complains("is a checkpoint that no daemon has had open");
    recover_words(64, "plan", a->data, a->data);
    recover_complains("are both of a");
}

#ifdef ASSENT_CRASH_POINTS

/* The coordinator has decided, and cannot be started; its log can be read. */
static void test_decided(void **state)
{
    (void)state;
    recover_leave_decided("decided", "d");
    recover_words(0, "plan", "--output", recover_path("decided.json"), a->data, coordinator->data);
    recover_complains("commit: coordinator 1 has the COMMIT record");
    recover_words(0, "apply", "--operator", "ann", recover_path("decided.json"));
    recover_start_all();
    work_holds(client, "a", "decided", "d");
    work_holds(client, "b", "decided", "d");
    assert_true(daemon_says(a, "the decision is: committed, as operator ann had decided", WORK_MS));
}

/* apply is killed between two decisions: what it has done goes back, and the plan holds again. */
static void test_apply_killed(void **state)
{
    char command[2048];

    (void)state;
    recover_settle();
    recover_leave_in_doubt(TXCLIENT_COMMIT_PARTICIPANTS, true, id);
    recover_words(0, "plan", "--output", recover_path("killed.json"), a->data, b->data);
    snprintf(command, sizeof command,
             "ASSENT_CRASH_POINT=log:HEURISTIC:after %s/txrecover apply --operator ann %s",
             ASSENT_BIN_DIR, recover_path("killed.json"));
    assert_int_equal(run_program(recover_out, sizeof recover_out, recover_err, sizeof recover_err,
                                 "/bin/sh", "-c", command, "sh", NULL),
                     128 + SIGKILL);
    is_in_doubt(a, false);
    is_in_doubt(b, true);
    recover_words(65, "apply", "--operator", "ann", "--undo-file", recover_path("other.undo"),
                  recover_path("killed.json"));
    recover_complains("has changed since the plan was made");
    recover_words(0, "undo", recover_path("killed.json.undo"));
    recover_says("b.data: nothing was changed there");
    is_in_doubt(a, true);
    /* Killed before the first decision: the undo file is there, and nothing else has changed. */
    snprintf(command, sizeof command,
             "ASSENT_CRASH_POINT=log:HEURISTIC:before %s/txrecover apply --operator ann "
             "--undo-file %s %s",
             ASSENT_BIN_DIR, recover_path("before.undo"), recover_path("killed.json"));
    assert_int_equal(run_program(recover_out, sizeof recover_out, recover_err, sizeof recover_err,
                                 "/bin/sh", "-c", command, "sh", NULL),
                     128 + SIGKILL);
    recover_words(0, "undo", "--json", recover_path("before.undo"));
    recover_is_json();
    recover_never_says("\"restored\":true");
    recover_words(0, "apply", "--operator", "ann", "--undo-file", recover_path("last.undo"),
                  recover_path("killed.json"));
    recover_start_all();
    work_holds(client, "a", "doubt", id);
    work_holds(client, "b", "doubt", id);
}

#else

static void test_apply_killed(void **state)
{
    (void)state;
    skip();
}

static void test_decided(void **state)
{
    (void)state;
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_in_doubt),
        cmocka_unit_test(test_members_decide),
        cmocka_unit_test(test_real_decision_agrees),
        cmocka_unit_test(test_presumed_abort),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_decided),
        cmocka_unit_test(test_apply_killed),
    };

    return cmocka_run_group_tests(tests, recover_start, work_teardown);
}
