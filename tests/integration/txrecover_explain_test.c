/* txrecover explain and export on directories that real daemons left behind at every stage of a
 * transaction, in both commit modes. */
#include "tests/integration/recover_run.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];
static char id[64];
static char *const committed = recover_committed;

#define explain(status, ...) recover_words(status, "explain", __VA_ARGS__)

/* The texts stand in the output, each behind the one before it. */
static void says_in_order(const char *const texts[])
{
    const char *at = recover_out;

    for (size_t i = 0; texts[i] != NULL; i++) {
        const char *found = strstr(at, texts[i]);

        if (found == NULL)
            fail_msg("\"%s\" does not follow in:\n%s", texts[i], recover_out);
        at = found + strlen(texts[i]);
    }
}
#define recover_says_in_order(...) says_in_order((const char *const[]){__VA_ARGS__, NULL})

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    if (text == NULL)
        fail_msg("no text under \"%s\"", name);
    return text;
}

/* ---- settled ---- */

static void test_committed(void **state)
{
    (void)state;
    explain(0, committed, coordinator->data, a->data);
    recover_says_in_order("mode          D: its members decide", "story", " PREPARED ", " COMMIT ",
                          " END ", " FORGET ", "nodes", "gaps",
                          "the directory of member b is not given",
                          "verdict       committed: coordinator 1 has the COMMIT record (LSN ",
                          "rule          mode D: ");
    explain(0, committed, b->data, a->data, coordinator->data);
    recover_says("verdict       committed: ");
    recover_never_says("is not given");
    /* b has forgotten everything of an old one. */
    explain(0, "1-1-2", b->data, a->data, coordinator->data);
    recover_says("verdict       committed: ");
    recover_says("b's log begins at LSN ");
    explain(0, committed, a->data);
    recover_says("verdict       committed: a has committed it (COMMITTED, LSN ");
    recover_says("the directory of its coordinator 1 is not given");
}

/* The two that recover_live() has left at a alone come right behind. */
static void test_one_phase(void **state)
{
    char one[64];
    unsigned long seq = strtoul(strrchr(committed, '-') + 1, NULL, 10);

    (void)state;
    snprintf(one, sizeof one, "%.*s-%lu", (int)(strrchr(committed, '-') - committed), committed,
             seq + 1);
    explain(0, one, a->data, b->data, coordinator->data);
    recover_says_in_order(
        "mode          one phase", "members       a (incarnation 1)", " COMMITTED ", " OUTCOME ",
        "verdict       committed: coordinator 1 has the OUTCOME of its only member (LSN ",
        "rule          one phase");
    recover_never_says("gaps");
    explain(0, one, coordinator->data);
    recover_says("the directory of member a is not given");
    explain(0, one, a->data);
    recover_says("verdict       committed: a has committed it (COMMITTED, LSN ");
}

static void test_json(void **state)
{
    json_t *root, *story, *event;
    const char *before = "";
    size_t i;

    (void)state;
    explain(0, "--json", committed, a->data, coordinator->data);
    recover_is_json();
    root = recover_json(recover_out);
    assert_string_equal(text_of(root, "tx"), committed);
    assert_string_equal(text_of(root, "verdict"), "committed");
    assert_string_equal(text_of(root, "decided_by"), "members");
    story = json_object_get(root, "story");
    assert_true(json_array_size(story) >= 4);
    json_array_foreach(story, i, event)
    {
        const char *type = text_of(json_object_get(event, "record"), "type");

        assert_int_not_equal(strcmp(type, before), 0);
        before = type;
    }
    assert_string_equal(before, "FORGET");
    json_decref(root);
}

static void test_nothing(void **state)
{
    (void)state;
    explain(4, "1-1-999999", coordinator->data, a->data);
    recover_says("no record speaks of it");
    explain(4, "2-1-1", coordinator->data, a->data);
    recover_says("the directory of its coordinator 2 is not given");
}

static void test_refused(void **state)
{
    const char *copy = recover_copy(a, "twice");

    (void)state;
    explain(64, committed, a->data, copy);
    recover_complains("are both of a, and end at the same LSN");
    explain(64, "1-x-3", a->data);
    recover_complains("at character 3 the number of the epoch is missing");
    explain(64, committed);
    recover_complains("directory of a daemon is missing");
    recover_words(64, "explain", NULL);
    recover_complains("the id of a transaction is missing");
    explain(66, committed, a->data, recover_path("nowhere"));
}

/* ---- in doubt ---- */

static void test_one_prepared(void **state)
{
    (void)state;
    recover_leave_in_doubt(TXCLIENT_COMMIT_COORDINATOR, false, id);
    explain(1, id, coordinator->data, a->data, b->data);
    recover_says("mode          A: its coordinator decides");
    recover_says("verdict       aborted: the log of b holds no PREPARED of it");
    explain(1, id, coordinator->data, a->data);
    recover_says("verdict       aborted: the log of coordinator 1 would have its COMMIT record");
    recover_says("rule          presumed abort");
    explain(2, id, a->data);
    recover_says(
        "verdict       in doubt: 1 of its members is prepared, and nothing here decides. Who could "
        "tell: b (directory not given), coordinator 1 (directory not given)");
}

static void test_all_prepared_of_a_coordinator(void **state)
{
    (void)state;
    recover_leave_in_doubt(TXCLIENT_COMMIT_COORDINATOR, true, id);
    explain(2, id, a->data, b->data);
    recover_says("verdict       in doubt: 2 of its members are prepared, and nothing here decides. "
                 "Who could "
                 "tell: coordinator 1 (directory not given)");
    explain(1, id, a->data, coordinator->data, b->data);
    recover_says("verdict       aborted: the log of coordinator 1 would have its COMMIT record");
}

static void test_all_prepared_of_members(void **state)
{
    (void)state;
    recover_leave_in_doubt(TXCLIENT_COMMIT_PARTICIPANTS, true, id);
    explain(0, id, a->data, b->data);
    recover_says(
        "verdict       committed: the PREPARED record of every member is there; 2 of its members");
    recover_says(
        "rule          mode D: committed from the moment when every member's PREPARED is durable");
    /* That the coordinator has no COMMIT says nothing. */
    explain(0, id, a->data, b->data, coordinator->data);
    explain(2, id, a->data, coordinator->data);
    recover_says("Who could tell: b (directory not given)");
}

static void test_one_of_the_members(void **state)
{
    (void)state;
    recover_leave_in_doubt(TXCLIENT_COMMIT_PARTICIPANTS, false, id);
    explain(1, id, a->data, b->data, coordinator->data);
    recover_says(
        "rule          mode D: one member that has refused, and will never prepare, is abort");
    explain(2, id, a->data, coordinator->data);
}

/* What a log has lost, or an older image of it, proves nothing by its silence. */
static void test_older_image(void **state)
{
    const char *old;

    (void)state;
    recover_start_all();
    recover_settle();
    old = recover_copy(b, "old-b");
    recover_start_all();
    for (int i = 0; i < 20; i++)
        assert_int_equal(recover_put_decided_by(TXCLIENT_COMMIT_COORDINATOR, "older", "z"),
                         TXCLIENT_OK);
    recover_note(committed);
    recover_settle();
    explain(0, committed, a->data, old, coordinator->data);
    recover_says("b's log ends at LSN ");
    recover_says("records are lost");
    recover_says("verdict       committed: ");
    explain(0, committed, a->data, b->data, coordinator->data);
    recover_never_says("lost");
    /* A damaged one neither; what it still has counts. */
    old = recover_copy(a, "flipped-a");
    recover_flip_middle(recover_newest_wal(old));
    explain(0, committed, old, coordinator->data, b->data);
    recover_says("a's log is damaged from LSN ");
}

#ifdef ASSENT_CRASH_POINTS

static void test_decided(void **state)
{
    (void)state;
    recover_leave_decided("doubt", "d");
    recover(0, coordinator->data, "indoubt", "--json");
    snprintf(id, sizeof id, "%s", strstr(recover_out, "\"tx\":\"") + 6);
    id[strcspn(id, "\"")] = '\0';
    explain(0, id, b->data, coordinator->data, a->data);
    recover_says_in_order(" PREPARED ", " PREPARED ", " COMMIT ",
                          "verdict       committed: coordinator 1 has the COMMIT record (LSN ",
                          "2 of its members are still prepared and will commit when told",
                          "rule          mode A: the durable COMMIT record");
}

#else

static void test_decided(void **state)
{
    (void)state;
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_committed),
        cmocka_unit_test(test_one_phase),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_one_prepared),
        cmocka_unit_test(test_all_prepared_of_a_coordinator),
        cmocka_unit_test(test_all_prepared_of_members),
        cmocka_unit_test(test_one_of_the_members),
        cmocka_unit_test(test_older_image),
        cmocka_unit_test(test_decided),
    };

    return cmocka_run_group_tests(tests, recover_start, work_teardown);
}
