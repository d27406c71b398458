/* Points in time behind a backup: a cluster that moves money is backed up, goes on and archives its
 * logs, and is lost. It comes back as it was at any of the cuts since, with nothing half and
 * nothing missing that had been acknowledged before. */
#include "tests/integration/pitr_case.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <cmocka.h>

#define STARTED 4u /* the daemons are started at each fourth point */

static const char *option(char out[96], unsigned i)
{
    char text[40];
    time_t seconds = (time_t)(pitr_points[i].time_ms / 1000);
    struct tm utc;

    if (i % 2 == 0) {
        (void)snprintf(out, 96, "--json --until-cut %" PRIu64, pitr_points[i].number);
        return out;
    }
    assert_non_null(gmtime_r(&seconds, &utc));
    assert_int_equal(strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc), 19);
    (void)snprintf(out, 96, "--json --until-time %s.%03uZ", text,
                   (unsigned)(pitr_points[i].time_ms % 1000));
    return out;
}

/* By its number, each log ends at its own place in that cut. By its time, another cut may have been
 * taken since; it was not later. */
static void check_place(const struct pitr_point *point, bool by_number)
{
    json_t *all = pitr_result(), *each;
    size_t i;

    assert_true(json_is_true(json_object_get(all, "complete")));
    assert_true(pitr_member(all, "cut") >= point->number);
    assert_true(pitr_member(all, "time_ms") <= point->time_ms);
    if (by_number)
        assert_int_equal(pitr_member(all, "cut"), point->number);
    json_array_foreach(json_object_get(all, "nodes"), i, each)
    {
        uint64_t place = point->lsns[pitr_index(json_string_value(json_object_get(each, "node")))];
        assert_true(pitr_member(each, "lsn") >= place);
        if (by_number)
            assert_int_equal(pitr_member(each, "lsn"), place);
        assert_true(pitr_member(each, "given_up_records") > 0);
    }
    assert_int_equal(i, PITR_NODES);
    json_decref(all);
}

static void check_money(unsigned long before, unsigned long after)
{
    long sum;
    unsigned long seq;

    backup_read(&cluster.coordinator, &sum, &seq);
    if (sum != 2 * BACKUP_ACCOUNTS * BACKUP_MONEY)
        fail_msg("%ld in all accounts", sum);
    if (seq < before || seq > after)
        fail_msg("the last transfer is %lu, which is not %lu to %lu", seq, before, after);
}

static void test_any_point(void **state)
{
    char text[96];

    (void)state;
    for (unsigned i = 0; i < PITR_POINTS; i++) {
        const char *into = pitr_within("all");

        pitr_must_restore(into, option(text, i));
        check_place(&pitr_points[i], i % 2 == 0);
        pitr_check_logs(into);
        if (i % STARTED == 0) {
            backup_move_all_in(into);
            check_money(pitr_points[i].before, pitr_points[i].after);
        } else {
            pitr_remove(into);
        }
    }
    backup_kill_all();
}

/* By default the newest one that all reach; what lies behind it is told. */
static void test_the_newest_point(void **state)
{
    const char *into = pitr_within("all");

    (void)state;
    pitr_must_restore(into, "");
    assert_non_null(strstr(backup_out, "behind it in the archive"));
    assert_null(strstr(backup_out, "no later one"));
    pitr_check_logs(into);
    backup_move_all_in(into);
    check_money(pitr_points[PITR_POINTS - 1].before, pitr_transfers.attempted);
    backup_kill_all();
}

static void test_points_that_are_none(void **state)
{
    char text[96];

    (void)state;
    pitr_refused("--until-time 2001-01-01T00:00:00Z", EX_USAGE,
                 "no backup had ended by 2001-01-01");
    pitr_refused("latest --until-time 2001-01-01T00:00:00Z", EX_USAGE, "lies before the backup");
    pitr_refused("latest --until-cut 1", EX_USAGE, "cut 1 lies before the backup");
    pitr_refused("--until-end", EX_USAGE, "--until-end is for one node");
    pitr_refused("--until-cut 3 --until-time now", EX_USAGE, "there is one end only");
    pitr_refused("--until-cut x", EX_USAGE, "\"x\" is no cut");
    pitr_refused("--until-cut 1000000", EX_USAGE, "cut 1000000 cannot be reached");
    const char *newest = strstr(backup_err, "--until-cut ");
    assert_non_null(newest);
    assert_int_equal(sscanf(newest, "--until-cut %80[0-9]", text + 12), 1);
    memcpy(text, "--until-cut ", 12);
    pitr_must_restore(pitr_within("all"), text);
    pitr_remove(pitr_within("all"));
    assert_int_equal(run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err,
                                 "txrecover", "restore", backup_repository(), "--into",
                                 pitr_within("none"), "--until-cut", "3", NULL),
                     EX_USAGE);
    assert_non_null(strstr(backup_err, "--archive is missing"));
    assert_int_equal(run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err,
                                 "txrecover", "restore", backup_repository(), "--into",
                                 pitr_within("none"), "--archive", backup_repository(), NULL),
                     EX_DATAERR);
    assert_non_null(strstr(backup_err, "is no archive that this program knows"));
}

/* ---- one by one, and on from there ---- */

/* The first one names what the others need, so that all come to one point. */
static void test_nodes_one_by_one(void **state)
{
    char options[256], others[160] = "";

    (void)state;
    pitr_must_restore(pitr_within("a"), "--node a");
    assert_int_equal(sscanf(strstr(backup_out, "the other nodes of the same restore: "),
                            "the other nodes of the same restore: %150[^\n]", others),
                     1);
    backup_move_in(pitr_node(1), cluster.directory, "a");
    (void)snprintf(options, sizeof options, "--node b %s", others);
    pitr_must_restore(pitr_within("b"), options);
    backup_move_in(pitr_node(2), cluster.directory, "b");
    (void)snprintf(options, sizeof options, "--node coordinator-1 %s", others);
    pitr_must_restore(pitr_within("c"), options);
    backup_move_in(pitr_node(0), cluster.directory, "c");
    cluster_start(&cluster);
    check_money(pitr_points[PITR_POINTS - 1].before, pitr_transfers.attempted);
}

/* The restored cluster archives below its own generation, and is restored from there in its turn;
 * what the daemons had not archived when they were killed is added from what is left of them. */
static void test_a_restored_cluster_goes_on(void **state)
{
    struct pitr_point point;
    long sum;
    unsigned long seq;

    (void)state;
    client = work_client(&cluster.coordinator);
    backup_read(&cluster.coordinator, &sum, &seq);
    backup_take(NULL, NULL);
    transfers_begin(&pitr_transfers, seq);
    pitr_let_move(5);
    pitr_take_cut(&point);
    transfers_end(&pitr_transfers);
    txclient_close(&client);
    backup_kill_all();
    if (run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err, "txrecover",
                    "archive", "add", pitr_within("archive"), pitr_node(0)->data,
                    pitr_node(1)->data, pitr_node(2)->data, NULL) != 0)
        fail_msg("%s%s", backup_out, backup_err);
    assert_int_equal(pitr_archive("list", "--json"), 0);
    json_t *all = pitr_result();
    assert_true(json_array_size(json_object_get(all, "nodes")) >= 2 * (size_t)PITR_NODES);
    json_decref(all);
    pitr_must_restore(pitr_within("all"), "");
    backup_move_all_in(pitr_within("all"));
    check_money(point.before, pitr_transfers.attempted);
    /* What is older than the archive is not taken for its end. */
    backup_kill_all();
    pitr_must_restore(pitr_within("all"), "latest");
    assert_int_equal(run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err,
                                 "txrecover", "archive", "add", pitr_within("archive"),
                                 pitr_within("all/participant-a"), NULL),
                     EX_USAGE);
    assert_non_null(strstr(backup_err, "has not joined yet"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_point),
        cmocka_unit_test(test_the_newest_point),
        cmocka_unit_test(test_points_that_are_none),
        cmocka_unit_test(test_nodes_one_by_one),
        cmocka_unit_test(test_a_restored_cluster_goes_on),
    };

    return cmocka_run_group_tests(tests, pitr_setup, work_teardown);
}
