/* One interactive transaction's books. */
#include "client/client_tx.h"

#include "tests/common/test.h"

#include <string.h>

static struct client_tx tx;

static struct tx_msg_operated answer(uint32_t step, uint64_t incarnation, bool wrote)
{
    static const struct tx_result results[4];
    return (struct tx_msg_operated){.step = step,
                                    .incarnation = incarnation,
                                    .wrote = wrote,
                                    .results = results,
                                    .results_n = 1};
}

static int begin(void **state)
{
    (void)state;
    struct tx_member nodes[3] = {
        {.name = {"a"}, .incarnation = 9}, {.name = {"b"}}, {.name = {"c"}}};
    struct tx_msg_begun begun = {
        .id = {1, 7, 42}, .age = {5, 1}, .token = {{1}}, .nodes = nodes, .nodes_n = 3};
    assert_int_equal(client_tx_init(&tx, &begun), TX_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    client_tx_deinit(&tx);
    return 0;
}

static struct client_node *node(const char *text)
{
    struct tx_name name = {{0}};
    assert_int_equal(tx_name_set(&name, tx_bytes_str(text)), TX_OK);
    return client_tx_node(&tx, &name);
}

static enum tx_error step(struct client_node *at, size_t ops_n, uint64_t incarnation, bool wrote)
{
    assert_int_equal(client_tx_step(&tx, at, ops_n, NULL), TX_OK);
    struct tx_msg_operated msg = answer(at->steps, incarnation, wrote);
    msg.results_n = ops_n;
    return client_tx_operated(&tx, at, at->steps, &msg, ops_n);
}

static void test_it_starts_with_what_begun_said(void **state)
{
    (void)state;
    assert_int_equal(tx.state, CLIENT_TX_OPEN);
    assert_true(tx_id_equal(tx.id, (struct tx_id){1, 7, 42}));
    assert_int_equal(tx.age.counter, 5);
    assert_non_null(node("a"));
    assert_null(node("d"));
    assert_int_equal(tx.used_n, 0);
}

static void test_members_are_those_used_and_marked(void **state)
{
    (void)state;
    struct tx_member members[TX_MEMBERS_MAX];
    assert_int_equal(step(node("c"), 1, 30, false), TX_OK);
    assert_int_equal(step(node("a"), 2, 10, false), TX_OK);
    assert_int_equal(step(node("a"), 1, 10, true), TX_OK);
    /* What was written stays written: a later step that says otherwise does not take the mark away.
     */
    assert_int_equal(step(node("a"), 1, 10, false), TX_OK);
    assert_int_equal(tx.used_n, 2);
    client_tx_members(&tx, members);
    assert_string_equal(members[0].name.s, "a");
    assert_int_equal(members[0].incarnation, 10);
    assert_false(members[0].read_only);
    assert_string_equal(members[1].name.s, "c");
    assert_int_equal(members[1].incarnation, 30);
    assert_true(members[1].read_only);
}

static void test_a_member_without_an_answer_has_no_incarnation(void **state)
{
    (void)state;
    struct tx_member members[TX_MEMBERS_MAX];
    assert_int_equal(client_tx_step(&tx, node("a"), 1, NULL), TX_OK);
    client_tx_members(&tx, members);
    assert_int_equal(members[0].incarnation, 0);
}

static void test_steps_count_up_at_each_participant(void **state)
{
    (void)state;
    assert_int_equal(step(node("a"), 1, 1, true), TX_OK);
    assert_int_equal(step(node("a"), 1, 1, true), TX_OK);
    assert_int_equal(step(node("b"), 1, 1, true), TX_OK);
    assert_int_equal(node("a")->steps, 2);
    assert_int_equal(node("b")->steps, 1);
    client_tx_unstep(&tx, node("b"), 1);
    assert_int_equal(tx.used_n, 1);
    assert_int_equal(tx.ops_n, 2);
}

static void test_another_incarnation_is_told(void **state)
{
    (void)state;
    assert_int_equal(step(node("a"), 1, 10, true), TX_OK);
    assert_int_equal(step(node("a"), 1, 11, true), TX_ENODE);
    assert_int_equal(tx.state, CLIENT_TX_OPEN);
    assert_int_equal(node("a")->member.incarnation, 10);
}

static void test_an_answer_that_does_not_fit_is_told(void **state)
{
    (void)state;
    assert_int_equal(client_tx_step(&tx, node("a"), 1, NULL), TX_OK);
    struct tx_msg_operated late = answer(2, 1, true);
    assert_int_equal(client_tx_operated(&tx, node("a"), 1, &late, 1), TX_EFORMAT);
    struct tx_msg_operated few = answer(1, 1, true);
    assert_int_equal(client_tx_operated(&tx, node("a"), 1, &few, 2), TX_EFORMAT);
    assert_int_equal(tx.state, CLIENT_TX_OPEN);
}

static void test_undone_there_is_aborted_here(void **state)
{
    (void)state;
    assert_int_equal(client_tx_step(&tx, node("b"), 1, NULL), TX_OK);
    struct tx_msg_operated msg = answer(1, 1, false);
    msg.reason = TX_REASON_WOUNDED;
    msg.results_n = 0;
    msg.text = tx_bytes_str("by 1-7-3");
    assert_int_equal(client_tx_operated(&tx, node("b"), 1, &msg, 1), TX_ESTATE);
    assert_int_equal(tx.state, CLIENT_TX_ABORTED);
    assert_int_equal(tx.reason, TX_REASON_WOUNDED);
    assert_string_equal(tx.who.s, "b");
    assert_string_equal(tx.text.text, "by 1-7-3");
}

static void test_limits(void **state)
{
    (void)state;
    struct tx_why why;
    assert_int_equal(client_tx_step(&tx, node("a"), TX_OPS_MAX, &why), TX_OK);
    assert_int_equal(client_tx_step(&tx, node("b"), 1, &why), TX_ELIMIT);
    assert_int_equal(node("b")->steps, 0);
    assert_int_equal(tx.used_n, 1);
}

static void test_the_moves_of_the_diagram(void **state)
{
    (void)state;
    client_tx_commit(&tx);
    assert_int_equal(tx.state, CLIENT_TX_COMMITTING);
    client_tx_unknown(&tx);
    client_tx_unknown(&tx);
    assert_int_equal(tx.state, CLIENT_TX_UNKNOWN);
    client_tx_committed(&tx);
    assert_int_equal(tx.state, CLIENT_TX_COMMITTED);
}

static void test_a_long_text_is_cut(void **state)
{
    (void)state;
    char text[600];
    memset(text, 'x', sizeof text);
    client_tx_aborted(&tx, TX_REASON_CHECK, NULL, tx_bytes(text, sizeof text));
    assert_int_equal(strlen(tx.text.text), sizeof tx.text.text - 1);
    assert_string_equal(tx.who.s, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_starts_with_what_begun_said),
        TEST(test_members_are_those_used_and_marked),
        TEST(test_a_member_without_an_answer_has_no_incarnation),
        TEST(test_steps_count_up_at_each_participant),
        TEST(test_another_incarnation_is_told),
        TEST(test_an_answer_that_does_not_fit_is_told),
        TEST(test_undone_there_is_aborted_here),
        TEST(test_limits),
        TEST(test_the_moves_of_the_diagram),
        TEST(test_a_long_text_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
