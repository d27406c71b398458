/* Members that have moved: every sentence of docs/protocol.md, "Where members are", that speaks of
 * a participant. */
#include "part_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

static struct driver *new_driver(void)
{
    struct driver *d = driver_new(NULL);
    d->members_decide = true;
    return d;
}

static struct tx_member node(const char *name, const char *address)
{
    struct tx_member member = {0};
    (void)snprintf(member.name.s, sizeof member.name.s, "%s", name);
    (void)snprintf(member.address.s, sizeof member.address.s, "%s", address);
    return member;
}

/* HELLO again, of the start that is known, with an address. */
static void tell(struct driver *d, const char *name, const char *address)
{
    struct tx_position start = {d->epoch, d->life, {1000 * d->epoch}};
    struct tx_member member = node(name, address);
    struct tx_msg msg = {.type = TX_MSG_HELLO,
                         .hello = {.lsn = {1000 * d->epoch},
                                   .number = ++d->hellos,
                                   .starts = &start,
                                   .starts_n = 1,
                                   .nodes = &member,
                                   .nodes_n = 1}};
    driver_from_coordinator(d, &msg);
}

/* An inquiry for `to` by a start of a participant, from an address. */
static void ask(struct driver *d, const char *name, uint64_t start, const char *address,
                struct tx_id id, const char *to)
{
    struct tx_envelope envelope = {.role = TX_ROLE_PARTICIPANT, .start = start};
    struct tx_msg msg = {.type = TX_MSG_INQUIRE,
                         .inquire = {.id = id, .in_doubt = true, .members_decide = true}};
    (void)snprintf(envelope.name.s, sizeof envelope.name.s, "%s", name);
    (void)snprintf(envelope.address.s, sizeof envelope.address.s, "%s", address);
    (void)snprintf(msg.inquire.to.s, sizeof msg.inquire.to.s, "%s", to);
    driver_from(d, &envelope, &msg);
}

/* Forgets what was sent, and waits for so many rounds in which members are asked. */
static void rounds(struct driver *d, size_t n)
{
    uint64_t until = driver_stats(d).inquiries + n;
    driver_clear(d);
    while (driver_stats(d).inquiries < until)
        driver_advance(d, 10000);
}

/* So that the next rounds ask the members as well. */
static struct tx_id make_in_doubt(struct driver *d)
{
    struct tx_id id = driver_make_prepared(d, 1);
    rounds(d, 1);
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "participant-b"), 1);
    assert_int_equal(driver_asked(d, "participant-c"), 1);
    return id;
}

/* ---- what a coordinator tells ---- */

static void test_a_member_is_asked_where_a_coordinator_says_it_is(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    struct tx_id id = make_in_doubt(d);
    tell(d, "b", "elsewhere");
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "elsewhere"), 1);
    assert_int_equal(driver_asked(d, "participant-b"), 1); /* the word may be wrong */
    assert_int_equal(driver_asked(d, "participant-c"), 1);
    driver_state(d, "b", id, TX_STATE_PREPARED);
    driver_state(d, "c", id, TX_STATE_PREPARED);
    expect_state(d, id, "committed");
    driver_free(d);
}

static void test_told_before_it_is_in_doubt(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    tell(d, "b", "elsewhere");
    (void)make_in_doubt(d);
    assert_int_equal(driver_asked(d, "elsewhere"), 1);
    driver_free(d);
}

static void test_the_same_address_is_asked_once(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    struct tx_id id = make_in_doubt(d);
    tell(d, "b", "participant-b");
    tell(d, "c", "elsewhere");
    ask(d, "c", DRIVER_PEERS_INCARNATION, "elsewhere", id, DRIVER_SELF);
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "participant-b"), 1);
    assert_int_equal(driver_asked(d, "elsewhere"), 1);
    assert_int_equal(driver_asked(d, "participant-c"), 1);
    driver_free(d);
}

static void test_coordinators_of_two_minds(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    (void)make_in_doubt(d);
    tell(d, "b", "new");
    tell(d, "b", "wrong"); /* the newest word; what was told before is still tried */
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "new"), 1);
    assert_int_equal(driver_asked(d, "wrong"), 1);
    tell(d, "b", "newest"); /* no more than two are kept */
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "new"), 0);
    assert_int_equal(driver_asked(d, "wrong"), 1);
    assert_int_equal(driver_asked(d, "newest"), 1);
    assert_int_equal(driver_asked(d, "participant-b"), 1);
    driver_free(d);
}

static void test_nobody_else_tells(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    (void)make_in_doubt(d);
    driver_hello(d, 2, 22);
    driver_sync(d);
    driver_clear(d);
    d->epoch = 1; /* an earlier start, late, or a copy */
    d->life = 7;
    tell(d, "b", "elsewhere");
    assert_int_equal(driver_count(d, TX_MSG_FENCED), 1);
    d->epoch = 2;
    d->life = 22;
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "elsewhere"), 0);
    tell(d, DRIVER_SELF, "elsewhere"); /* about itself: not asked */
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "elsewhere"), 0);
    driver_free(d);
}

static void test_a_restart_forgets_and_is_told_again(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    (void)make_in_doubt(d);
    tell(d, "b", "elsewhere");
    driver_restart(d, d->log_n);
    rounds(d, 2);
    assert_int_equal(driver_asked(d, "elsewhere"), 0);
    tell(d, "b", "elsewhere");
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "elsewhere"), 1);
    driver_free(d);
}

/* The oldest word makes room. */
static void test_addresses_are_bounded(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    (void)make_in_doubt(d);
    tell(d, "b", "elsewhere");
    for (unsigned i = 0; i < 4095; i++) { /* with that one it is full */
        char name[16];
        (void)snprintf(name, sizeof name, "node%u", i);
        tell(d, name, "somewhere");
    }
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "elsewhere"), 1);
    tell(d, "one-more", "somewhere");
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "elsewhere"), 0);
    driver_free(d);
}

/* ---- what a member says itself ---- */

static void test_a_member_that_asks_from_elsewhere_is_asked_there_at_once(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    struct tx_id id = make_in_doubt(d);
    driver_clear(d);
    ask(d, "b", DRIVER_PEERS_INCARNATION + 1, "elsewhere", id, DRIVER_SELF);
    expect_answer(d, id, TX_STATE_PREPARED);
    assert_string_equal(driver_last_to(d, TX_MSG_STATE)->address.s, "elsewhere");
    assert_int_equal(driver_asked(d, "elsewhere"), 1);
    assert_string_equal(driver_last(d, TX_MSG_INQUIRE)->inquire.to.s, "b");
    assert_memory_equal(&driver_last(d, TX_MSG_INQUIRE)->inquire.known, &driver_known_b,
                        sizeof driver_known_b);
    driver_clear(d);
    ask(d, "b", DRIVER_PEERS_INCARNATION + 1, "elsewhere", id, DRIVER_SELF);
    assert_int_equal(driver_asked(d, "elsewhere"), 0); /* that was not new any more */
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "elsewhere"), 1);
    assert_int_equal(driver_asked(d, "participant-b"), 1);
    driver_free(d);
}

static void test_heard_while_it_prepares(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    struct tx_id id = driver_make_preparing(d, 1);
    ask(d, "b", DRIVER_PEERS_INCARNATION, "elsewhere", id, DRIVER_SELF);
    assert_int_equal(driver_asked(d, "elsewhere"), 0); /* it is not in doubt itself */
    driver_sync(d);
    assert_string_equal(driver_last_to(d, TX_MSG_STATE)->address.s, "elsewhere");
    rounds(d, 2);
    assert_int_equal(driver_asked(d, "elsewhere"), 1);
    driver_free(d);
}

static void test_a_later_start_knows_better(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    struct tx_id id = make_in_doubt(d);
    ask(d, "b", 7, "newest", id, DRIVER_SELF);
    ask(d, "b", 6, "late", id, DRIVER_SELF);
    ask(d, "b", 1, "copy", id, DRIVER_SELF); /* before the one that PREPARE names */
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "newest"), 1);
    assert_int_equal(driver_asked(d, "late"), 0);
    assert_int_equal(driver_asked(d, "copy"), 0);
    ask(d, "b", 7, "moved", id, DRIVER_SELF);
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "newest"), 0);
    assert_int_equal(driver_asked(d, "moved"), 1);
    ask(d, "b", 8, "participant-b", id, DRIVER_SELF); /* back where it was */
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "moved"), 0);
    assert_int_equal(driver_asked(d, "participant-b"), 1);
    driver_free(d);
}

/* A liar's address for a member hides neither the coordinator's word nor that of PREPARED. */
static void test_own_word_beside_the_coordinators(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    struct tx_id id = make_in_doubt(d);
    tell(d, "b", "told");
    ask(d, "b", DRIVER_PEERS_INCARNATION, "own", id, DRIVER_SELF);
    tell(d, "b", "told later");
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "told later"), 1);
    assert_int_equal(driver_asked(d, "told"), 1);
    assert_int_equal(driver_asked(d, "own"), 1);
    assert_int_equal(driver_asked(d, "participant-b"), 1);
    driver_free(d);
}

static void test_only_members_are_heard(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    struct tx_id id = make_in_doubt(d);
    driver_clear(d);
    ask(d, "x", 9, "elsewhere", id, DRIVER_SELF);
    ask(d, DRIVER_SELF, 9, "elsewhere", id, DRIVER_SELF);
    assert_int_equal(driver_asked(d, "elsewhere"), 0);
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "elsewhere"), 0);
    driver_free(d);
}

/* ---- somebody else at that address ---- */

static void test_an_inquiry_for_somebody_else_is_not_answered(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    struct tx_id id = make_in_doubt(d), unknown = driver_id(d, 9);
    uint64_t stale = driver_stats(d).stale;
    driver_clear(d);
    ask(d, "b", DRIVER_PEERS_INCARNATION, "participant-b", id, "c");
    ask(d, "b", DRIVER_PEERS_INCARNATION, "participant-b", unknown, "c");
    expect_silence(d);
    expect_state(d, unknown, "none"); /* no tombstone either */
    assert_int_equal(driver_stats(d).stale, stale + 2);
    driver_free(d);
}

/* What is known of the one that is meant must not be held against the one that gets it. */
static void test_it_proves_nothing_of_this_directory(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    struct tx_id id = make_in_doubt(d);
    struct tx_envelope envelope = {.role = TX_ROLE_PARTICIPANT, .name = {"b"}, .start = 2};
    struct tx_msg msg = {
        .type = TX_MSG_INQUIRE,
        .inquire = {.id = id, .in_doubt = true, .known = {77, 88, {99999}}, .to = {"c"}}};
    driver_from(d, &envelope, &msg);
    assert_false(driver_stats(d).old_copy);
    expect_alarms(d, 0);
    msg.inquire.to = (struct tx_name){DRIVER_SELF};
    driver_from(d, &envelope, &msg);
    assert_true(driver_stats(d).old_copy);
    expect_alarms(d, 1);
    driver_free(d);
}

/* ---- where the coordinator decides ---- */

static void test_mode_a(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = make_in_doubt(d);
    tell(d, "b", "elsewhere");
    rounds(d, 1);
    assert_int_equal(driver_asked(d, "elsewhere"), 1);
    driver_state(d, "b", id, TX_STATE_COMMITTED);
    expect_state(d, id, "committed");
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_member_is_asked_where_a_coordinator_says_it_is),
        cmocka_unit_test(test_told_before_it_is_in_doubt),
        cmocka_unit_test(test_the_same_address_is_asked_once),
        cmocka_unit_test(test_coordinators_of_two_minds),
        cmocka_unit_test(test_nobody_else_tells),
        cmocka_unit_test(test_a_restart_forgets_and_is_told_again),
        cmocka_unit_test(test_addresses_are_bounded),
        cmocka_unit_test(test_a_member_that_asks_from_elsewhere_is_asked_there_at_once),
        cmocka_unit_test(test_heard_while_it_prepares),
        cmocka_unit_test(test_a_later_start_knows_better),
        cmocka_unit_test(test_own_word_beside_the_coordinators),
        cmocka_unit_test(test_only_members_are_heard),
        cmocka_unit_test(test_an_inquiry_for_somebody_else_is_not_answered),
        cmocka_unit_test(test_it_proves_nothing_of_this_directory),
        cmocka_unit_test(test_mode_a),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
