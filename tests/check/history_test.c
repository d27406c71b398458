/* Histories in memory, and as files: what is written is read back the same, and every mistake in a
 * file is told by its place. */
#include "tests/check/history_json.h"

#include "tests/common/test.h"

#include <stdlib.h>
#include <string.h>

static struct history history;

static int begin(void **state)
{
    (void)state;
    history = (struct history){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    history_deinit(&history);
    return 0;
}

/* ---- memory ---- */

static void test_equal_texts_have_one_number(void **state)
{
    char text[32];

    (void)state;
    for (int round = 0; round < 2; round++)
        for (unsigned i = 0; i < 1000; i++) {
            (void)snprintf(text, sizeof text, "t%u", i);
            assert_int_equal(history_intern(&history, text), i);
            assert_string_equal(history_text(&history, i), text);
        }
    assert_int_equal(history_texts(&history), 1000);
    history_clear(&history);
    assert_int_equal(history_texts(&history), 0);
    assert_int_equal(history_intern(&history, "t7"), 0);
}

static void test_a_key_knows_its_participant(void **state)
{
    uint32_t key = history_intern(&history, "p1/lists/x");
    uint32_t other = history_intern(&history, "p1/lists/y");
    uint32_t name = history_intern(&history, "p1");

    (void)state;
    assert_int_equal(history_participant(&history, key), name);
    assert_int_equal(history_participant(&history, other), name);
    assert_int_equal(history_participant(&history, name), name);
    assert_string_equal(history_text(&history, key), "p1/lists/x");
}

static void test_lists_are_copied(void **state)
{
    int64_t list[] = {1, 2, 3};
    struct history_op op = {.type = HISTORY_READ,
                            .key = history_intern(&history, "a/x"),
                            .known = true,
                            .list = list,
                            .list_n = 3};
    struct history_tx tx = {.completed_ns = 5,
                            .outcome = TX_OUTCOME_COMMITTED,
                            .ops = &op,
                            .ops_n = 1,
                            .wrote = &op.key,
                            .wrote_n = 1};

    (void)state;
    for (int i = 0; i < 1000; i++)
        history_add_tx(&history, &tx);
    list[0] = 9;
    op.key = 77;
    assert_int_equal(history.txs_n, 1000);
    assert_int_equal(history.txs[0].ops[0].list[0], 1);
    assert_int_equal(history.txs[999].ops[0].list[2], 3);
    assert_int_equal(history.txs[999].wrote[0], 0);
    history_clear(&history);
    assert_int_equal(history.txs_n, 0);
}

/* ---- files ---- */

static enum tx_error read_text(const char *text, struct tx_why *why)
{
    FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    enum tx_error error;

    assert_non_null(in);
    error = history_read(&history, in, "F", NULL, why);
    assert_int_equal(fclose(in), 0);
    return error;
}

static char *written(enum tx_error expected)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    assert_non_null(out);
    assert_int_equal(history_write(&history, out), expected);
    assert_int_equal(fclose(out), 0);
    return text;
}

static const char everything[] =
    "{\"type\":\"meta\",\"version\":1,\"source\":\"by \\\"hand\\\"\",\"bank_total\":-7,\"final\":"
    "true}\n"
    "{\"type\":\"tx\",\"process\":3,\"invoked\":1000,\"completed\":2500,\"outcome\":\"committed\","
    "\"id\":\"1-7-42\",\"ops\":[{\"op\":\"append\",\"element\":7,\"key\":\"a/lists/x\"},{\"op\":"
    "\"read\",\"list\":[1,-2,9223372036854775807],\"key\":\"a/lists/x\"},{\"op\":\"read\",\"list\":"
    "[],\"key\":\"a/lists/y\"},{\"op\":\"read\",\"key\":\"a/lists/y\"},{\"op\":\"add\",\"delta\":"
    "-5,\"key\":\"a/bank/1\"},{\"op\":\"get\",\"number\":95,\"key\":\"a/bank/1\"},{\"op\":\"get\","
    "\"key\":\"a/bank/1\"}],\"reads_all\":true,\"wrote\":[\"b\",\"c\"]}\n"
    "{\"type\":\"tx\",\"process\":0,\"invoked\":0,\"outcome\":\"unknown\",\"ops\":[],"
    "\"may_stay_unknown\":true}\n"
    "{\"type\":\"tx\",\"process\":1,\"invoked\":0,\"completed\":0,\"outcome\":\"aborted\",\"ops\":"
    "[]}\n"
    "{\"type\":\"told\",\"id\":\"1-7-42\",\"outcome\":\"committed\"}\n"
    "{\"type\":\"record\",\"node\":\"p1\",\"lsn\":5,\"record\":\"PREPARED\",\"id\":\"1-7-42\"}\n"
    "{\"type\":\"record\",\"node\":\"p1\",\"lsn\":6,\"record\":\"PREPARED\",\"id\":\"1-7-43\","
    "\"members_decide\":true,\"members\":[\"p1\",\"p2\"]}\n"
    "{\"type\":\"record\",\"node\":\"c1\",\"lsn\":9,\"record\":\"COMMIT\",\"id\":\"1-7-42\","
    "\"members\":[\"p1\",\"p2\"]}\n"
    "{\"type\":\"record\",\"node\":\"p1\",\"lsn\":8,\"record\":\"COMMITTED\",\"id\":\"1-7-42\","
    "\"one_phase\":true}\n"
    "{\"type\":\"record\",\"node\":\"p1\",\"lsn\":8,\"record\":\"ABORTED\",\"id\":\"1-7-43\"}\n"
    "{\"type\":\"log\",\"node\":\"p1\",\"role\":\"participant\"}\n"
    "{\"type\":\"log\",\"node\":\"c1\",\"role\":\"coordinator\"}\n"
    "{\"type\":\"balance\",\"key\":\"p1/bank/1\",\"number\":-95}\n"
    "{\"type\":\"locks\",\"node\":\"p1\",\"time\":1000,\"every\":true,\"held\":[{\"resource\":"
    "\"bank/1\",\"id\":"
    "\"1-7-42\",\"mode\":\"X\"},{\"resource\":\"bank\",\"id\":\"1-7-42\",\"mode\":\"SIX\"}]}\n"
    "{\"type\":\"end\",\"node\":\"p1\",\"working\":1,\"preparing\":2,\"prepared\":3,\"open\":4,"
    "\"locks\":5,\"waiting\":6,\"alarms\":7}\n"
    "{\"type\":\"bound\",\"node\":\"p1\",\"time\":1000,\"what\":\"log "
    "records\",\"value\":120,\"limit\":500}\n";

static void test_what_is_written_is_what_was_read(void **state)
{
    struct tx_why why = {0};
    char *text;

    (void)state;
    assert_int_equal(read_text(everything, &why), TX_OK);
    assert_string_equal(why.text, "");
    text = written(TX_OK);
    assert_string_equal(text, everything);
    free(text);
}

static void test_what_is_read_is_what_stands_there(void **state)
{
    const struct history_op *ops;

    (void)state;
    assert_int_equal(read_text(everything, NULL), TX_OK);
    assert_string_equal(history.source, "by \"hand\"");
    assert_true(history.bank_checked && history.final);
    assert_int_equal(history.bank_total, -7);
    assert_int_equal(history.txs_n, 3);
    assert_int_equal(history.txs[0].id.seq, 42);
    assert_int_equal(history.txs[0].wrote_n, 2);
    assert_true(history.txs[0].reads_all && history.txs[1].may_stay_unknown);
    assert_true(history.txs[1].completed_ns == HISTORY_NEVER);
    ops = history.txs[0].ops;
    assert_int_equal(ops[0].number, 7);
    assert_int_equal(ops[1].list_n, 3);
    assert_true(ops[1].list[2] == INT64_MAX);
    assert_true(ops[2].known && !ops[3].known && ops[5].known && !ops[6].known);
    assert_int_equal(ops[4].number, -5);
    assert_true(history.records[1].members_decide && !history.records[0].members_decide);
    assert_int_equal(history.records[1].members_n, 2);
    assert_int_equal(history.records[2].members_n, 2);
    assert_true(history.records[3].one_phase);
    assert_int_equal(history.locks[0].held[1].mode, TX_LOCK_SIX);
    assert_int_equal(history.ends[0].alarms, 7);
    assert_int_equal(history.bounds[0].limit, 500);
}

static void test_unknown_members_and_empty_ids_pass(void **state)
{
    (void)state;
    assert_int_equal(read_text("{\"type\":\"meta\",\"version\":1,\"colour\":\"red\"}\n"
                               "{\"type\":\"tx\",\"process\":1,\"invoked\":2,\"completed\":2,"
                               "\"outcome\":\"aborted\",\"id\":\"\",\"ops\":[],\"mood\":1}\n"
                               "{\"type\":\"end\",\"node\":\"c1\",\"open\":1}\n",
                               NULL),
                     TX_OK);
    assert_false(tx_id_valid(history.txs[0].id));
    assert_false(history.bank_checked);
    assert_int_equal(history.ends[0].open, 1);
}

static void test_numbers_that_the_form_lacks(void **state)
{
    struct history_bound bound = {.node = history_intern(&history, "p1"), .limit = UINT64_MAX};
    char *text;

    (void)state;
    history_add_bound(&history, &bound);
    text = written(TX_EINVAL);
    assert_string_equal(text, "");
    free(text);
}

#define META        "{\"type\":\"meta\",\"version\":1}\n"
#define TX(members) META "{\"type\":\"tx\",\"process\":1,\"invoked\":5," members "}\n"
#define OP(members)                                                                                \
    TX("\"completed\":5,\"outcome\":\"aborted\",\"ops\":[{\"key\":\"a/x\"," members "}]")

static const struct {
    const char *text, *why;
} mistakes[] = {
    {"", "F:0: empty; expected a line of type \"meta\""},
    {META "{\"type\":\"log\"", "F:2: the last line has no newline: it was cut off"},
    {META "{\"type\":\"log\"\n", "F:2: column 13: '}' expected near end of file"},
    {META "\n", "F:2: column 0: '[' or '{' expected near end of file"},
    {META "[1]\n", "F:2: an array; expected an object"},
    {META META, "F:2: a second \"meta\" line; expected one, at the beginning"},
    {"{\"type\":\"log\"}\n", "F:1: a line of type \"log\"; expected \"meta\" first"},
    {"{\"type\":\"meta\",\"version\":2}\n", "F:1: member \"version\" is 2; expected 1"},
    {"{\"type\":\"meta\"}\n", "F:1: member \"version\" is missing; expected a whole number"},
    {META "{}\n", "F:2: member \"type\" is missing; expected a text"},
    {META "{\"type\":\"lock\"}\n", "F:2: member \"type\" is \"lock\"; expected meta, tx, told, "
                                   "record, log, balance, locks, end or bound"},
    {META "{\"type\":\"told\",\"type\":\"log\"}\n", "F:2: column 21: duplicate object key near "
                                                    "'\"type\"'"},
    {META "{\"type\":\"told\",\"outcome\":\"committed\"}\n",
     "F:2: member \"id\" is missing; expected an id like \"1-7-42\""},
    {META "{\"type\":\"told\",\"id\":\"1-7\",\"outcome\":\"committed\"}\n",
     "F:2: member \"id\" is \"1-7\"; expected an id like \"1-7-42\""},
    {META "{\"type\":\"told\",\"id\":\"1-7-4\",\"outcome\":\"done\"}\n",
     "F:2: member \"outcome\" is \"done\"; expected \"committed\", \"aborted\" or \"unknown\""},
    {TX("\"completed\":4,\"outcome\":\"aborted\",\"ops\":[]"),
     "F:2: member \"completed\" is 4; expected at least 5, as in \"invoked\""},
    {TX("\"completed\":6,\"outcome\":\"unknown\",\"ops\":[]"),
     "F:2: member \"completed\" of a transaction with an unknown outcome; expected none"},
    {TX("\"outcome\":\"aborted\",\"ops\":[]"),
     "F:2: member \"completed\" is missing; expected a whole number"},
    {TX("\"completed\":5.5,\"outcome\":\"aborted\",\"ops\":[]"),
     "F:2: member \"completed\" is a number with a fraction; expected a whole number"},
    {TX("\"completed\":-5,\"outcome\":\"aborted\",\"ops\":[]"),
     "F:2: member \"completed\" is -5; expected a whole number from 0"},
    {TX("\"completed\":5,\"outcome\":\"aborted\",\"ops\":{}"),
     "F:2: member \"ops\" is an object; expected an array"},
    {TX("\"completed\":5,\"outcome\":\"aborted\",\"ops\":[3]"),
     "F:2: member \"ops\" is a whole number; expected an array of objects"},
    {TX("\"completed\":5,\"outcome\":\"aborted\",\"ops\":[],\"reads_all\":1"),
     "F:2: member \"reads_all\" is a whole number; expected true or false"},
    {TX("\"completed\":5,\"outcome\":\"aborted\",\"ops\":[],\"wrote\":[null]"),
     "F:2: member \"wrote\" is null; expected an array of names"},
    {OP("\"op\":\"put\""), "F:2: member \"op\" is \"put\"; expected \"append\", \"read\", \"add\" "
                           "or \"get\""},
    {OP("\"op\":\"append\""), "F:2: member \"element\" is missing; expected a whole number"},
    {OP("\"op\":\"read\",\"list\":[1,\"2\"]"),
     "F:2: member \"list\" is \"2\"; expected an array of whole numbers"},
    {META "{\"type\":\"balance\",\"key\":\"bank\",\"number\":1}\n",
     "F:2: member \"key\" is \"bank\"; expected PARTICIPANT/KEY"},
    {META "{\"type\":\"balance\",\"key\":\"a/b\",\"number\":9223372036854775808}\n",
     "F:2: column 58: too big integer near '9223372036854775808'"},
    {META "{\"type\":\"record\",\"node\":\"p\",\"lsn\":1,\"record\":\"END\",\"id\":\"1-1-1\"}\n",
     "F:2: member \"record\" is \"END\"; expected PREPARED, COMMITTED, ABORTED or COMMIT"},
    {META "{\"type\":\"record\",\"node\":\"p\",\"lsn\":1,\"record\":\"COMMIT\",\"id\":\"1-1-1\"}\n",
     "F:2: member \"members\" is missing; expected an array"},
    {META "{\"type\":\"log\",\"node\":\"p\",\"role\":\"client\"}\n",
     "F:2: member \"role\" is \"client\"; expected \"coordinator\" or \"participant\""},
    {META "{\"type\":\"locks\",\"node\":\"p\",\"time\":1,\"held\":[{\"resource\":\"r\",\"id\":"
          "\"1-1-1\",\"mode\":\"Y\"}]}\n",
     "F:2: member \"mode\" is \"Y\"; expected IS, IX, S, SIX, U or X"},
    {META "{\"type\":\"end\",\"node\":\"\"}\n",
     "F:2: member \"node\" is \"\"; expected a text that is not empty"},
};

static void test_mistakes_are_told_by_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct tx_why why = {0};
        FILE *in = tmpfile();

        assert_non_null(in);
        (void)fputs(mistakes[i].text, in);
        rewind(in);
        assert_int_equal(history_read(&history, in, "F", NULL, &why), TX_EFORMAT);
        assert_string_equal(why.text, mistakes[i].why);
        assert_int_equal(fclose(in), 0);
        history_clear(&history);
    }
}

static void test_what_cannot_be_read(void **state)
{
    struct tx_why why = {0};
    FILE *in = fopen("/proc/self/mem", "re"); /* its first page is mapped nowhere */

    (void)state;
    assert_non_null(in);
    assert_int_equal(history_read(&history, in, "F", NULL, &why), TX_EIO);
    assert_string_equal(why.text, "F: cannot read it: Input/output error");
    assert_int_equal(fclose(in), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_equal_texts_have_one_number),
        TEST(test_a_key_knows_its_participant),
        TEST(test_lists_are_copied),
        TEST(test_what_is_written_is_what_was_read),
        TEST(test_what_is_read_is_what_stands_there),
        TEST(test_unknown_members_and_empty_ids_pass),
        TEST(test_numbers_that_the_form_lacks),
        TEST(test_mistakes_are_told_by_their_place),
        TEST(test_what_cannot_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
