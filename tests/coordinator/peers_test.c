/* Participants: introduction, silence, restarts, fences, regression. */
#include "coord_driver.h"

#include <stdio.h>

static struct driver d;

static void fenced(char who, uint64_t epoch, uint64_t life)
{
    struct tx_msg msg = {.type = TX_MSG_FENCED, .fenced = {.known = {epoch, life, {1}}}};
    driver_participant(&d, who, &msg);
}

static void hello_goes_to_everybody_at_the_start_and_again(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    assert_int_equal(driver_count(&d, TX_MSG_HELLO), NODES_N);
    const struct tx_msg_hello *hello = &driver_sent(&d, 'a', TX_MSG_HELLO)->hello;
    assert_int_equal(hello->starts_n, 2);
    assert_int_equal(hello->starts[0].life + 1, d.options.life);
    assert_int_equal(hello->starts[1].life, d.options.life);
    assert_int_equal(hello->starts[1].start, d.options.epoch);
    assert_int_equal(hello->starts[1].lsn.n, hello->lsn.n);
    driver_ignore(&d);
    driver_pass(&d, SECOND_US);
    assert_int_equal(driver_count(&d, TX_MSG_HELLO), NODES_N);
}

static void ages_are_learned_and_never_wrap(void **unused)
{
    (void)unused;
    struct tx_position start = {5, d.life[0], {100}};
    struct tx_msg welcome = {.type = TX_MSG_WELCOME,
                             .welcome = {.incarnation = 5,
                                         .lsn = {100},
                                         .age_counter = 500,
                                         .number = d.hello_number[0],
                                         .starts = &start,
                                         .starts_n = 1}};
    driver_participant(&d, 'a', &welcome);
    welcome.welcome.age_counter = UINT64_MAX; /* believed by nobody */
    driver_participant(&d, 'a', &welcome);
    struct tx_msg msg = {.type = TX_MSG_BEGIN, .begin = {.req = 1}};
    driver_client(&d, CLIENT, &msg);
    assert_int_equal(driver_replied(&d, CLIENT, TX_MSG_BEGUN)->begun.age.counter, 501);
    msg.begin = (struct tx_msg_begin){.req = 2, .age = {7, 3}};
    driver_client(&d, CLIENT, &msg);
    assert_int_equal(driver_replied(&d, CLIENT, TX_MSG_BEGUN)->begun.age.coordinator, 3);
    msg.begin = (struct tx_msg_begin){.req = 3, .age = {900, 3}};
    driver_client(&d, CLIENT, &msg);
    assert_int_equal(driver_replied(&d, CLIENT, TX_MSG_BEGUN)->begun.age.counter, 900);
    msg.begin = (struct tx_msg_begin){.req = 4};
    driver_client(&d, CLIENT, &msg);
    assert_int_equal(driver_replied(&d, CLIENT, TX_MSG_BEGUN)->begun.age.counter, 901);
    msg.begin = (struct tx_msg_begin){.req = 5, .age = {UINT64_MAX, 3}};
    driver_client(&d, CLIENT, &msg);
    assert_error(&d, TX_EINVAL, TX_REASON_NONE, "age");
}

static void down__collecting_aborts_at_once_and_up_again_is_noted(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    d.alive[1] = false;
    driver_pass(&d, 6 * SECOND_US);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_UNREACHABLE);
    assert_true(driver_noted(&d, "participant b is down"));
    driver_ignore(&d);
    submit(&d, "ab", "");
    (void)driver_replied(&d, CLIENT, TX_MSG_OUTCOME);
    driver_quiet(&d);
    join(&d, 'b', id); /* a word of the same start */
    assert_true(driver_noted(&d, "participant b is up"));
    assert_int_equal(driver_stats(&d).peers_up, NODES_N);
}

static void down__after_a_time_that_became_shorter(void **unused)
{
    (void)unused;
    struct coord_options options = d.options;
    struct coord_event event = {.type = COORD_EVENT_OPTIONS, .options = &options};
    options.peer_down_us = 3600 * SECOND_US;
    driver_step(&d, &event);
    driver_pass(&d, 20 * SECOND_US); /* its timers are those of the hour */
    d.alive[1] = false;
    driver_pass(&d, 20 * SECOND_US);
    assert_int_equal(driver_stats(&d).peers_up, NODES_N);
    options.peer_down_us = 5 * SECOND_US;
    driver_step(&d, &event);
    driver_pass(&d, 1);
    assert_int_equal(driver_stats(&d).peers_up, NODES_N - 1);
    assert_true(driver_noted(&d, "participant b is down"));
}

/* Its answers are not read yet, or it was not asked: only what was served counts. */
static void down__nobody_when_the_coordinator_itself_stood_still(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    d.now += d.options.peer_down_us + 2 * SECOND_US;
    driver_pass(&d, 0);
    assert_false(driver_noted(&d, "participant a is down"));
    assert_false(driver_noted(&d, "participant b is down"));
    driver_ignore(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    driver_durable(&d);
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    /* Who does not answer then either is down, as ever. */
    d.alive[1] = false;
    d.now += 60 * SECOND_US;
    driver_pass(&d, 2 * SECOND_US);
    assert_false(driver_noted(&d, "participant b is down"));
    driver_pass(&d, d.options.peer_down_us);
    assert_true(driver_noted(&d, "participant b is down"));
    assert_false(driver_noted(&d, "participant a is down"));
    driver_ignore(&d);
}

static void down__of_one_that_has_voted_does_not_matter(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    d.alive[1] = false;
    driver_pass(&d, 7 * SECOND_US);
    assert_state(&d, id, "collecting");
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    driver_durable(&d);
    driver_ignore(&d);
    driver_pass(&d, 20 * SECOND_US); /* a hears it again, b cannot */
    assert_true(driver_was_sent(&d, 'a', TX_MSG_COMMIT));
    assert_false(driver_was_sent(&d, 'b', TX_MSG_COMMIT));
    driver_ignore(&d);
    driver_welcome(&d, 'b');
    (void)driver_sent(&d, 'b', TX_MSG_COMMIT);
}

static void restarted_member__prepare_again_at_once_with_the_old_incarnation(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    driver_restart_node(&d, 'b');
    const struct tx_msg_prepare *prepare = &driver_sent(&d, 'b', TX_MSG_PREPARE)->prepare;
    assert_int_equal(prepare->members[1].incarnation, 5);
    vote_no(&d, 'b', id, TX_REASON_RESTARTED);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_RESTARTED);
}

static void another_start_is_not_heard_before_its_welcome(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    driver_pass(&d, SECOND_US / 2);
    driver_ignore(&d);
    d.incarnation[0] = 6;
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    assert_int_equal(driver_stats(&d).stale, 1);
    assert_int_equal(driver_count(&d, TX_MSG_HELLO), 1); /* asked to introduce itself at once */
    driver_ignore(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    assert_int_equal(driver_count(&d, TX_MSG_HELLO), 0);
    d.incarnation[0] = 4;
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    assert_int_equal(driver_stats(&d).stale, 3);
    assert_state(&d, id, "collecting");
}

static void late_welcome_of_an_older_start_is_stale(void **unused)
{
    (void)unused;
    d.incarnation[0] = 4;
    driver_welcome(&d, 'a');
    assert_int_equal(driver_stats(&d).stale, 1);
    assert_int_equal(driver_stats(&d).peers_up, NODES_N);
}

static void impossible_messages_are_violations(void **unused)
{
    (void)unused;
    struct tx_msg welcome = {.type = TX_MSG_WELCOME, .welcome = {.incarnation = 6}};
    driver_participant(&d, 'a', &welcome); /* not what its envelope says */
    struct tx_msg prepare = {.type = TX_MSG_PREPARE};
    driver_participant(&d, 'a', &prepare); /* no participant sends that */
    driver_client(&d, CLIENT, &prepare);
    struct tx_id id = begin(&d);
    struct tx_msg msg = {.type = TX_MSG_VOTE, .vote = {.id = id, .incarnation = 9}};
    driver_participant(&d, 'a', &msg); /* a vote for another start */
    struct tx_envelope stranger = {.role = TX_ROLE_PARTICIPANT, .name = {"zz"}, .start = 1};
    struct tx_msg no = {.type = TX_MSG_JOIN, .id = {.id = id}};
    struct coord_event event = {.type = COORD_EVENT_MESSAGE, .envelope = &stranger, .msg = &no};
    driver_step(&d, &event);
    vote(&d, 'a', id, TX_VOTE_YES, 0); /* was not asked to prepare */
    assert_int_equal(driver_stats(&d).violations, 6);
    assert_state(&d, id, "active");
    driver_quiet(&d);
}

static void regression_by_lsn__quarantined_until_the_data_is_back(void **unused)
{
    (void)unused;
    struct tx_id open = tx_committed(&d); /* known to be durable up to 101 */
    ack(&d, 'b', open);
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    uint64_t reached = d.lsn[0];
    driver_ignore(&d);
    d.incarnation[0] = 6;
    d.lsn[0] = 50;
    driver_welcome(&d, 'a');
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_QUARANTINED);
    assert_true(driver_noted(&d, "old disk"));
    assert_int_equal(d.alarms, 1);
    (void)driver_sent(&d, 'b', TX_MSG_ABORT);
    driver_quiet(&d); /* nothing to a */
    driver_welcome(&d, 'a');
    assert_int_equal(d.alarms, 1);
    inquire(&d, 'a', open); /* not believed */
    ack(&d, 'a', open);
    fenced('a', 9, 9);
    driver_quiet(&d);
    submit(&d, "a", "");
    (void)driver_replied(&d, CLIENT, TX_MSG_OUTCOME);
    driver_pass(&d, 10 * SECOND_US);
    assert_int_equal(driver_stats(&d).peers_quarantined, 1);
    driver_quiet(&d);
    d.incarnation[0] = 7;
    d.lsn[0] = reached + 1; /* its START */
    driver_welcome(&d, 'a');
    (void)driver_sent(&d, 'a', TX_MSG_COMMIT);
    assert_int_equal(driver_stats(&d).peers_quarantined, 0);
}

/* WELCOME left before the acknowledgement, and was overtaken by it. */
static void overtaken_welcome__is_no_regression(void **unused)
{
    (void)unused;
    driver_pass(&d, SECOND_US); /* a HELLO that is not answered below */
    uint64_t before = d.lsn[0];
    struct tx_id id = tx_committed(&d);
    ack(&d, 'a', id);
    assert_true(d.lsn[0] > before);
    d.lsn[0] = before;
    driver_welcome(&d, 'a');
    assert_int_equal(driver_stats(&d).peers_quarantined, 0);
    d.alive[0] = false;
    driver_pass(&d, SECOND_US); /* asked after the acknowledgement: now it is one */
    driver_welcome(&d, 'a');
    assert_int_equal(driver_stats(&d).peers_quarantined, 1);
}

/* A WELCOME for an earlier start of this coordinator introduces nobody to this one. */
static void welcome_of_another_number__stale(void **unused)
{
    (void)unused;
    uint64_t number = d.hello_number[0];
    driver_restart_all(&d);
    assert_true(d.hello_number[0] != number);
    d.hello_number[0] = number;
    driver_welcome(&d, 'a');
    assert_int_equal(driver_stats(&d).peers_up, 0);
    assert_int_equal(driver_stats(&d).stale, 1);
}

/* An answer that takes longer than the next HELLO still counts. */
static void welcome_to_an_earlier_hello_of_the_same_number__introduces(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    uint64_t number = d.hello_number[0];
    d.alive[0] = false;
    driver_pass(&d, 2 * SECOND_US);
    assert_int_equal(d.hello_number[0], number);
    driver_welcome(&d, 'a');
    assert_int_equal(driver_stats(&d).peers_quarantined, 0);
    driver_pass(&d, SECOND_US);
    assert_int_equal(d.hello_number[0], number + 1);
}

static void regression_by_incarnation__known_after_a_restart_from_the_end_record(void **unused)
{
    (void)unused;
    (void)tx_finished_committed(&d);
    driver_restart_all(&d);
    d.incarnation[0] = 4;
    d.lsn[0] = 1000;
    driver_welcome(&d, 'a');
    assert_int_equal(driver_stats(&d).peers_quarantined, 1);
    d.incarnation[1] = 6;
    d.lsn[1] = 99;
    driver_welcome(&d, 'b');
    assert_int_equal(driver_stats(&d).peers_quarantined, 2);
}

static void welcome_from(char who, uint64_t incarnation, const struct tx_position *starts, size_t n,
                         uint64_t lsn)
{
    uint64_t life = d.life[who - 'a'];
    d.incarnation[who - 'a'] = incarnation;
    d.life[who - 'a'] = n > 0 ? starts[n - 1].life : life;
    struct tx_msg msg = {.type = TX_MSG_WELCOME,
                         .welcome = {.incarnation = incarnation,
                                     .lsn = {lsn},
                                     .number = d.hello_number[who - 'a'],
                                     .starts = starts,
                                     .starts_n = n}};
    driver_participant(&d, who, &msg);
    d.life[who - 'a'] = life;
}

/* What it has made durable for others: those in doubt are told how far it was, and a copy that
 * lacks it is recognised. */
static void welcome_of_the_same_start__known_further(void **unused)
{
    (void)unused;
    d.lsn[2] = 150;
    driver_pass(&d, 2 * SECOND_US);
    struct tx_id id = begin(&d);
    commit_request(&d, id, "abc");
    const struct tx_msg_prepare *prepare = &driver_sent(&d, 'a', TX_MSG_PREPARE)->prepare;
    assert_int_equal(prepare->known[2].start, 5);
    assert_int_equal(prepare->known[2].lsn.n, 150);
    driver_ignore(&d);
    d.lsn[2] = 120; /* an answer that another has overtaken takes nothing back */
    driver_welcome(&d, 'c');
    const struct tx_position copied[] = {{5, d.life[2], {90}}, {6, 1, {140}}};
    welcome_from('c', 6, copied, 2, 1000);
    assert_int_equal(driver_stats(&d).peers_quarantined, 1);
}

/* Copies of the directory that incarnation 5 had, up to position 100, when they were taken. */
static void regression_by_lineage__although_all_numbers_are_higher(void **unused)
{
    (void)unused;
    (void)tx_finished_committed(&d); /* a has reached more than 100 since */
    driver_restart_all(&d);
    const struct tx_position copied_while_it_ran[] = {{5, d.life[0], {90}}, {6, 1, {101}}};
    welcome_from('a', 6, copied_while_it_ran, 2, 1000);
    assert_int_equal(driver_stats(&d).peers_quarantined, 1);
    const struct tx_position copied_before[] = {{4, 1, {50}}, {5, 2, {60}}, {6, 3, {500}}};
    welcome_from('b', 6, copied_before, 3, 1000);
    assert_int_equal(driver_stats(&d).peers_quarantined, 2);
    const struct tx_position itself[] = {{5, d.life[0], {90}}, {6, 1, {500}}};
    welcome_from('a', 6, itself, 2, 1000);
    assert_int_equal(driver_stats(&d).peers_quarantined, 1);
    assert_int_equal(driver_stats(&d).peers_up, 1);
}

/* Known before the first decision that it took part in: PEER is written with its first word. */
static void regression_by_lineage__known_after_a_restart_from_the_peer_record(void **unused)
{
    (void)unused;
    (void)tx_committed(&d); /* whose COMMIT record is forced, and no END is there */
    driver_restart_all(&d);
    const struct tx_position other[] = {{5, 99, {90}}, {6, 1, {500}}};
    welcome_from('a', 6, other, 2, 1000);
    assert_int_equal(driver_stats(&d).peers_quarantined, 1);
}

/* A copy that has been started to the same number: nothing that it says is taken for the other's.
 */
static void words_of_a_twin__stale_and_it_is_asked_for_its_lineage(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    d.alive[0] = false;
    driver_pass(&d, SECOND_US / 2);
    driver_ignore(&d);
    d.life[0]++;
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    assert_state(&d, id, "collecting");
    assert_int_equal(driver_stats(&d).stale, 1);
    (void)driver_sent(&d, 'a', TX_MSG_HELLO);
    driver_welcome(&d, 'a');
    assert_int_equal(driver_stats(&d).peers_quarantined, 1);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_QUARANTINED);
}

static void welcome_of_a_twin__quarantined(void **unused)
{
    (void)unused;
    const struct tx_position twin = {5, d.life[0] + 1, {90}};
    driver_pass(&d, SECOND_US);
    welcome_from('a', 5, &twin, 1, 1000);
    assert_int_equal(driver_stats(&d).peers_quarantined, 1);
}

static void welcome_without_its_own_start__violation(void **unused)
{
    (void)unused;
    const struct tx_position other = {4, 1, {90}};
    welcome_from('a', 5, &other, 1, 100);
    welcome_from('a', 5, &other, 0, 100);
    assert_int_equal(driver_stats(&d).violations, 2);
    const struct tx_position another_life = {5, d.life[0] + 1, {90}};
    struct tx_msg msg = {.type = TX_MSG_WELCOME,
                         .welcome = {.incarnation = 5,
                                     .lsn = {100},
                                     .number = d.hello_number[0],
                                     .starts = &another_life,
                                     .starts_n = 1}};
    driver_participant(&d, 'a', &msg); /* not that of its envelope */
    msg.welcome.incarnation = 0;
    d.incarnation[0] = 0;
    driver_participant(&d, 'a', &msg);
    assert_int_equal(driver_stats(&d).violations, 4);
}

/* A participant has seen more of this very start than this log has. */
static void fenced_by_a_position_that_this_log_has_not_reached(void **unused)
{
    (void)unused;
    struct tx_msg msg = {.type = TX_MSG_FENCED,
                         .fenced = {.known = {1, d.options.life, {d.log_n + 1}}}};
    driver_participant(&d, 'a', &msg);
    assert_true(driver_stats(&d).fenced);
}

/* This log has been where the participant saw it, whatever copy it speaks of. */
static void fenced_by_words_about_its_own_past__stale(void **unused)
{
    (void)unused;
    (void)tx_finished_committed(&d);
    uint64_t life = d.options.life;
    driver_restart_all(&d);
    driver_welcome_all(&d);
    struct tx_msg msg = {.type = TX_MSG_FENCED, .fenced = {.known = {1, life, {2}}}};
    driver_participant(&d, 'a', &msg);
    assert_false(driver_stats(&d).fenced);
    msg.fenced.known.lsn.n = d.log_n; /* where epoch 2 stands */
    driver_participant(&d, 'a', &msg);
    assert_true(driver_stats(&d).fenced);
}

static void fenced_by_another_life_of_the_same_epoch(void **unused)
{
    (void)unused;
    fenced('a', 1, d.options.life); /* that is this one */
    fenced('a', 0, 9);
    d.incarnation[0] = 4;
    fenced('a', 7, 9); /* from before its restart */
    assert_int_equal(driver_stats(&d).stale, 3);
    assert_false(driver_stats(&d).fenced);
    d.incarnation[0] = 5;
    fenced('a', 1, 9);
    assert_true(driver_stats(&d).fenced);
    assert_true(driver_noted(&d, "fenced for good"));
}

static void fenced__unknown_for_the_undecided_and_only_proven_commits_told(void **unused)
{
    (void)unused;
    struct tx_id done = tx_finished_committed(&d);
    struct tx_id aborted = tx_finished_aborted(&d);
    struct tx_id ending = tx_committed(&d);
    ack(&d, 'a', ending);
    ack(&d, 'b', ending);
    struct tx_id deciding = tx_deciding(&d);
    driver_quiet(&d);
    fenced('b', 2, 9);
    (void)assert_outcome(&d, deciding, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    driver_durable(&d); /* the COMMIT record is: nobody is told */
    driver_quiet(&d);
    assert_state(&d, ending, "finished-committed");
    finish(&d, TX_MSG_OUTCOME_REQUEST, done, "ab");
    (void)assert_outcome(&d, done, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    finish(&d, TX_MSG_OUTCOME_REQUEST, aborted, "ab");
    (void)assert_outcome(&d, aborted, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    finish(&d, TX_MSG_OUTCOME_REQUEST, deciding, "ab");
    (void)assert_outcome(&d, deciding, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    submit(&d, "a", "");
    assert_error(&d, TX_ESTATE, TX_REASON_NONE, "newest data directory");
    struct tx_msg msg = {.type = TX_MSG_BEGIN, .begin = {.req = 9}};
    driver_client(&d, CLIENT, &msg);
    assert_error(&d, TX_ESTATE, TX_REASON_NONE, "fenced");
    inquire(&d, 'a', done);
    driver_welcome(&d, 'a');
    driver_quiet(&d);
    assert_true(coord_core_idle(d.core));
}

static void fenced__one_that_resolves_is_unknown_and_records_may_become_durable(void **unused)
{
    (void)unused;
    driver_deinit(&d);
    driver_init(&d);
    d.options.snapshot_records = 1;
    d.options.retain_records = 0;
    driver_start(&d);
    driver_welcome_all(&d);
    (void)tx_one_phase(&d);
    driver_restart_all(&d);
    driver_welcome_all(&d);
    (void)tx_one_phase(&d);
    driver_ignore(&d);
    struct tx_id old = {1, 1, 99};
    finish(&d, TX_MSG_OUTCOME_REQUEST, old, "a");
    fenced('a', 9, 9);
    (void)assert_outcome(&d, old, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    uint64_t compacted = d.compacted;
    driver_durable(&d);
    assert_int_equal(d.compacted, compacted);
}

/* ---- a loss that is declared ---- */

/* a has lost what came behind 90, and begins above the end of that loss. */
static void welcome_after_loss(struct tx_loss loss, uint64_t lsn)
{
    const struct tx_position starts[] = {{5, d.life[0], {80}}, {101, 9, {92}}};
    const uint64_t life = d.life[0];
    d.incarnation[0] = 101;
    d.life[0] = 9;
    struct tx_msg msg = {.type = TX_MSG_WELCOME,
                         .welcome = {.incarnation = 101,
                                     .lsn = {lsn},
                                     .number = d.hello_number[0],
                                     .starts = starts,
                                     .starts_n = 2,
                                     .loss = loss}};
    driver_participant(&d, 'a', &msg);
    d.life[0] = life;
}

static enum tx_error readmit(void)
{
    struct coord_event event = {.type = COORD_EVENT_READMIT, .name = {"a"}};
    struct tx_why text;
    enum tx_error error = coord_core_readmission(d.core, &event.name, &text);
    driver_step(&d, &event);
    return error;
}

static void loss__let_in_only_when_it_explains_what_is_missing(void **unused)
{
    (void)unused;
    (void)tx_finished_committed(&d);        /* a has reached more than 100 */
    assert_int_equal(readmit(), TX_ESTATE); /* it is up */
    welcome_after_loss((struct tx_loss){{0}, 0}, 95);
    assert_int_equal(driver_stats(&d).peers_quarantined, 1);
    assert_int_equal(readmit(), TX_ESTATE); /* an old copy */
    driver_pass(&d, SECOND_US);
    welcome_after_loss((struct tx_loss){{90}, 4}, 95); /* of earlier starts */
    assert_int_equal(readmit(), TX_ESTATE);
    assert_int_equal(driver_stats(&d).peers_quarantined, 1);
    driver_pass(&d, SECOND_US);
    welcome_after_loss((struct tx_loss){{90}, 100}, 95);
    assert_int_equal(driver_stats(&d).peers_quarantined, 1); /* not without an operator */
    assert_int_equal(readmit(), TX_OK);
    assert_int_equal(driver_stats(&d).peers_quarantined, 0);
    assert_int_equal(driver_stats(&d).peers_up, NODES_N);
    assert_int_equal(readmit(), TX_ESTATE);
}

/* What its former starts had acknowledged counts no more. */
static void loss__let_in_for_later_starts_too(void **unused)
{
    (void)unused;
    (void)tx_finished_committed(&d);
    welcome_after_loss((struct tx_loss){{90}, 100}, 95);
    assert_int_equal(readmit(), TX_OK);
    driver_durable(&d);
    driver_restart_all(&d);
    welcome_after_loss((struct tx_loss){{90}, 100}, 96);
    assert_int_equal(driver_stats(&d).peers_quarantined, 0);
    assert_int_equal(driver_stats(&d).peers_up, 1);
}

#define TEST(name) cmocka_unit_test_prestate_setup_teardown(name, driver_setup, driver_teardown, &d)

/* ---- where participants are ---- */

/* The addresses that the HELLO on its way to `a` tells; none left over. */
static size_t hello_tells(void)
{
    const struct tx_msg_hello *hello = &driver_sent(&d, 'a', TX_MSG_HELLO)->hello;
    for (size_t i = 0; i < hello->nodes_n; i++) {
        assert_string_equal(hello->nodes[i].name.s, d.nodes[i].name.s);
        assert_string_equal(hello->nodes[i].address.s, d.nodes[i].address.s);
    }
    size_t n = hello->nodes_n;
    driver_ignore(&d);
    return n;
}

/* The next HELLO to it, and perhaps its answer. */
static size_t next_hello_tells(bool answered)
{
    driver_ignore(&d);
    d.alive[0] = answered;
    driver_pass(&d, SECOND_US);
    return hello_tells();
}

static void every_start_is_told_once_where_all_are(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    assert_int_equal(hello_tells(), NODES_N);
    assert_int_equal(next_hello_tells(false), NODES_N); /* the first may be lost */
    assert_int_equal(next_hello_tells(true), NODES_N);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(next_hello_tells(true), 0);
    }
    driver_restart_node(&d, 'a');
    assert_int_equal(next_hello_tells(false), NODES_N);
    assert_int_equal(next_hello_tells(true), NODES_N);
    assert_int_equal(next_hello_tells(true), 0);
}

/* The HELLO that one start was told with is answered by the next. */
static void what_an_earlier_start_was_told_does_not_count(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    assert_int_equal(hello_tells(), NODES_N);
    driver_restart_node(&d, 'a'); /* its WELCOME says that this start has it */
    assert_int_equal(next_hello_tells(true), 0);
    d.incarnation[0]++;
    d.life[0]++;
    d.lsn[0]++;
    assert_int_equal(next_hello_tells(true), 0); /* which told nothing, and a new start answers */
    assert_int_equal(next_hello_tells(true), NODES_N);
    assert_int_equal(next_hello_tells(true), 0);
}

#define MANY 300 /* more than one HELLO tells */

static void many_are_told_in_several_hellos(void **unused)
{
    (void)unused;
    static struct tx_member many[MANY];
    driver_deinit(&d);
    driver_init(&d);
    for (unsigned i = 0; i < MANY; i++) {
        many[i] = d.nodes[0];
        if (i > 0) {
            (void)snprintf(many[i].name.s, sizeof many[i].name.s, "node%u", i);
            many[i].address.s[0] = '\0'; /* nobody is there */
        }
    }
    d.options.nodes = many;
    d.options.nodes_n = MANY;
    driver_start(&d);
    const struct tx_msg_hello *hello = &driver_sent(&d, 'a', TX_MSG_HELLO)->hello;
    assert_int_equal(hello->nodes_n, TX_HELLO_NODES_MAX);
    assert_string_equal(hello->nodes[1].name.s, "node1");
    driver_ignore(&d);
    driver_welcome(&d, 'a');
    driver_ignore(&d);
    driver_pass(&d, SECOND_US);
    hello = &driver_sent(&d, 'a', TX_MSG_HELLO)->hello;
    assert_int_equal(hello->nodes_n, MANY - TX_HELLO_NODES_MAX);
    assert_string_equal(hello->nodes[0].name.s, many[TX_HELLO_NODES_MAX].name.s);
    driver_welcome(&d, 'a');
    assert_int_equal(next_hello_tells(true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hello_goes_to_everybody_at_the_start_and_again),
        TEST(every_start_is_told_once_where_all_are),
        TEST(what_an_earlier_start_was_told_does_not_count),
        TEST(many_are_told_in_several_hellos),
        TEST(ages_are_learned_and_never_wrap),
        TEST(down__collecting_aborts_at_once_and_up_again_is_noted),
        TEST(down__after_a_time_that_became_shorter),
        TEST(down__nobody_when_the_coordinator_itself_stood_still),
        TEST(down__of_one_that_has_voted_does_not_matter),
        TEST(restarted_member__prepare_again_at_once_with_the_old_incarnation),
        TEST(another_start_is_not_heard_before_its_welcome),
        TEST(late_welcome_of_an_older_start_is_stale),
        TEST(impossible_messages_are_violations),
        TEST(regression_by_lsn__quarantined_until_the_data_is_back),
        TEST(overtaken_welcome__is_no_regression),
        TEST(welcome_of_another_number__stale),
        TEST(welcome_to_an_earlier_hello_of_the_same_number__introduces),
        TEST(regression_by_incarnation__known_after_a_restart_from_the_end_record),
        TEST(welcome_of_the_same_start__known_further),
        TEST(regression_by_lineage__although_all_numbers_are_higher),
        TEST(regression_by_lineage__known_after_a_restart_from_the_peer_record),
        TEST(loss__let_in_only_when_it_explains_what_is_missing),
        TEST(loss__let_in_for_later_starts_too),
        TEST(words_of_a_twin__stale_and_it_is_asked_for_its_lineage),
        TEST(welcome_of_a_twin__quarantined),
        TEST(welcome_without_its_own_start__violation),
        TEST(fenced_by_a_position_that_this_log_has_not_reached),
        TEST(fenced_by_words_about_its_own_past__stale),
        TEST(fenced_by_another_life_of_the_same_epoch),
        TEST(fenced__unknown_for_the_undecided_and_only_proven_commits_told),
        TEST(fenced__one_that_resolves_is_unknown_and_records_may_become_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
