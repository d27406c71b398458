/* Which point a restore goes to, of two nodes whose logs, backup and archives are real: each log's
 * own place of a cut, also where it has missed numbers; times of clocks that differ and go back;
 * and what is said of points that cannot be reached. */
#include "tests/txlog/log_fixture.h"
#include "txlog/backup/backup_copy.h"
#include "txlog/backup/backup_files.h"
#include "txlog/recover/restore_point.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A log as a text: each character is a record, a letter the cut of that number (a: 1), a '.' none.
 * The archive of each ends with its last record. */
struct node {
    const char *name, *log;
    uint64_t ahead_ms; /* of its clock */
    char back;         /* its clock stands still for a second before this cut */
};

static struct backup_repo repo;
static struct backup_manifest manifest;
static struct restore_point point;

static uint64_t time_of(const struct node *node, size_t at)
{
    bool back = node->back != 0 && strchr(node->log, node->back) <= node->log + at;

    return 100000 + at * 100 + node->ahead_ms - (back ? 1000 : 0);
}

static void append(struct txlog *log, const struct node *node, size_t at)
{
    struct tx_buf stored = {0};
    struct tx_lsn lsn = {at + 1};
    uint64_t ms = time_of(node, at);
    char c = node->log[at];
    struct txlog_record record = {.type = TXLOG_CUT, .lsn = lsn, .start = 1, .time_ms = ms};
    struct txlog_append one = {.lsn = lsn};

    if (c == '.') {
        record.type = TXLOG_COMMITTED;
        record.committed = (struct txlog_committed){.id = {1, 1, lsn.n}, .one_phase = true};
    } else {
        record.cut = (struct tx_cut){.number = (uint64_t)(c - 'a' + 1), .lsn = lsn, .time_ms = ms};
    }
    assert_int_equal(txlog_record_encode(&record, &stored), TX_OK);
    one.record = tx_buf_view(&stored);
    assert_int_equal(txlog_append(log, &one, 1, false, NULL), TX_OK);
    tx_buf_deinit(&stored);
}

static enum tx_error go_on(void *arg, uint64_t bytes, struct tx_why *why)
{
    (void)arg;
    (void)bytes;
    (void)why;
    return TX_OK;
}

static void found(void *arg, uint64_t bytes)
{
    (void)arg;
    (void)bytes;
}

/* Backed up to the first cut with the backup's number or a higher one (0: not at all), and archived
 * from `from`. */
static void make_node(const struct node *node, uint64_t cut, uint64_t from)
{
    struct txlog *log = NULL;
    struct tx_why why = {""};
    struct rocksdb_log_options options =
        fixture_options(fixture_path(fixture_place, node->name), ROCKSDB_LOG_OPEN);
    struct backup_node backup = {.cut = cut, .checkpoint = {1}};
    struct backup_copier copier = {.repository = repo.path, .found = found, .went_on = go_on};
    struct archive *archive = NULL;

    memcpy(options.identity.name.s, node->name, strlen(node->name) + 1);
    assert_int_equal(rocksdb_log_open(&options, &log, &why), TX_OK);
    for (size_t at = 0; node->log[at] != '\0'; at++) {
        append(log, node, at);
        if (backup.cut_lsn.n == 0 && node->log[at] != '.' &&
            (uint64_t)(node->log[at] - 'a' + 1) >= cut)
            backup.cut_lsn.n = at + 1;
    }
    backup.identity = options.identity;
    (void)snprintf(backup.backup, sizeof backup.backup, "%s", manifest.name);
    backup_node_label(&backup.identity, backup.node);
    if (cut != 0 && (backup_copy_records(&copier, log, &backup, &why) != TX_OK ||
                     backup_repo_put_node(repo.path, &backup, &why) != TX_OK ||
                     backup_repo_take(&repo, &manifest, backup.node, &why) != TX_OK))
        fail_msg("%s", why.text);
    if (archive_open(fixture_path(fixture_place, "archive"), &options.identity, 0, true, &archive,
                     &why) != TX_OK ||
        (from <= txlog_last(log).n && archive_put(archive, log, (struct tx_lsn){from},
                                                  txlog_last(log), UINT64_MAX, &why) != TX_OK))
        fail_msg("%s", why.text);
    archive_close(&archive);
    backup_node_deinit(&backup);
    txlog_close(&log);
}

static void make(const struct node *a, const struct node *b, uint64_t cut, uint64_t from_b)
{
    struct tx_why why = {""};

    if (backup_repo_open(&repo, fixture_path(fixture_place, "backups"), BACKUP_REPO_CREATE, &why) !=
            TX_OK ||
        backup_repo_begin(&repo, 1000, manifest.name, &why) != TX_OK)
        fail_msg("%s", why.text);
    memcpy(manifest.cluster, "test", 5);
    manifest.cut = cut;
    make_node(a, cut, 1);
    make_node(b, cut, from_b);
    manifest.began_ms = 100000;
    manifest.ended_ms = 101000;
    if (backup_repo_end(&repo, &manifest, &why) != TX_OK)
        fail_msg("%s", why.text);
}

static int teardown(void **state)
{
    restore_point_deinit(&point);
    backup_manifest_deinit(&manifest);
    backup_repo_close(&repo);
    return fixture_teardown(state);
}

static enum tx_error find(enum restore_want want, uint64_t number_or_ms, struct tx_why *why)
{
    restore_point_deinit(&point);
    point = (struct restore_point){.want = want,
                                   .cut = number_or_ms,
                                   .time_ms = number_or_ms,
                                   .archive = fixture_path(fixture_place, "archive")};
    why->text[0] = '\0';
    return restore_point_find(&point, &repo, &manifest, why);
}

/* The point is this cut, and its places in the logs of a and b are these. */
static void goes_to(enum restore_want want, uint64_t number_or_ms, uint64_t cut, uint64_t a,
                    uint64_t b)
{
    struct tx_why why;

    if (find(want, number_or_ms, &why) != TX_OK)
        fail_msg("%s", why.text);
    assert_int_equal(point.number, cut);
    for (size_t i = 0; i < point.n; i++)
        assert_int_equal(point.nodes[i].until.n,
                         strcmp(point.nodes[i].backup.node, "participant-a") == 0 ? a : b);
}

static void says(enum restore_want want, uint64_t number_or_ms, const char *text)
{
    struct tx_why why;

    assert_int_equal(find(want, number_or_ms, &why), TX_EINVAL);
    if (strstr(why.text, text) == NULL)
        fail_msg("\"%s\" is not in: %s", text, why.text);
}

/* b has missed 2 (that of the backup) and 3; 4 is its place for all of them. It misses 6, too. */
static void numbers_that_a_node_has_missed(void **state)
{
    const struct node a = {.name = "a", .log = "..b.c.d.e.f.g..."};
    const struct node b = {.name = "b", .log = "....d...e..g.."};

    (void)state;
    make(&a, &b, 2, 1);
    goes_to(RESTORE_CUT, 2, 2, 3, 5);
    goes_to(RESTORE_CUT, 3, 3, 5, 5);
    goes_to(RESTORE_CUT, 4, 4, 7, 5);
    goes_to(RESTORE_CUT, 5, 5, 9, 9);
    goes_to(RESTORE_CUT, 6, 6, 11, 12);
    goes_to(RESTORE_NEWEST, 0, 7, 13, 12);
    says(RESTORE_CUT, 1, "cut 1 lies before the backup, whose cut is 2");
    says(RESTORE_CUT, 8, "cut 8 cannot be reached: the archive of participant-");
    says(RESTORE_CUT, 8, "--until-cut 7");
}

/* The archive begins behind the end of the backup. */
static void what_is_missing_is_named(void **state)
{
    const struct node a = {.name = "a", .log = "..b.c.d.."};
    const struct node b = {.name = "b", .log = "..b.c.d.."};

    (void)state;
    make(&a, &b, 2, 5);
    says(RESTORE_NEWEST, 0,
         "of participant-b the backup ends at LSN 3 and the archive begins at "
         "LSN 5: LSN 4 to 4 are missing");
    says(RESTORE_CUT, 3, "LSN 4 to 4 are missing");
    says(RESTORE_CUT, 3, "--until-cut 2");
    goes_to(RESTORE_CUT, 2, 2, 3, 3);
}

/* b is behind: a cut that it has not taken is none. */
static void a_node_that_lags_holds_the_others(void **state)
{
    const struct node a = {.name = "a", .log = "..b.c.d.e"};
    const struct node b = {.name = "b", .log = "..b.c...."};

    (void)state;
    make(&a, &b, 2, 1);
    goes_to(RESTORE_NEWEST, 0, 3, 5, 5);
    assert_string_equal(point.bound->backup.node, "participant-b");
    says(RESTORE_CUT, 4, "the archive of participant-b ends at LSN 9, and has no later cut");
    goes_to(RESTORE_TIME, UINT64_MAX, 3, 5, 5);
}

/* The clock of b is ahead, so that it counts; that of a goes back before cut 5. */
static void times(void **state)
{
    const struct node a = {.name = "a", .log = "..b.c.d.e.f", .back = 'e'};
    const struct node b = {.name = "b", .log = "..b.c.d.e.f", .ahead_ms = 50};

    (void)state;
    make(&a, &b, 2, 1);
    says(RESTORE_TIME, 100249, "lies before the backup");
    goes_to(RESTORE_TIME, 100250, 2, 3, 3);
    goes_to(RESTORE_TIME, 100449, 2, 3, 3);
    goes_to(RESTORE_TIME, 100450, 3, 5, 5);
    goes_to(RESTORE_TIME, 100850, 5, 9, 9);
    assert_int_equal(point.at_ms, 100850);
    goes_to(RESTORE_TIME, 100849, 4, 7, 7);
    goes_to(RESTORE_TIME, 200000, 6, 11, 11);
}

/* c came with cut 4 and d left before cut 2, that of the backup; what is archived of e does not say
 * when it came. */
static void nodes_that_the_backup_does_not_have(void **state)
{
    const struct node a = {.name = "a", .log = "..b.c.d.e."};
    const struct node b = {.name = "b", .log = "..b.c.d.e."};
    const struct node c = {.name = "c", .log = ".d.e."}, d = {.name = "d", .log = ".a.."};
    const struct node e = {.name = "e", .log = ".b.c.d.e."};

    (void)state;
    make(&a, &b, 2, 1);
    make_node(&d, 0, 1);
    goes_to(RESTORE_NEWEST, 0, 5, 9, 9);
    make_node(&c, 0, 1);
    goes_to(RESTORE_CUT, 3, 3, 5, 5);
    says(RESTORE_CUT, 4, "participant-c has a part in cut 4, and the backup does not have it");
    says(RESTORE_NEWEST, 0, "or a cut before it came: --until-cut 3");
    make_node(&e, 0, 3);
    says(RESTORE_CUT, 3, "participant-e has a part in cut 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_that_a_node_has_missed, fixture_setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_missing_is_named, fixture_setup, teardown),
        cmocka_unit_test_setup_teardown(a_node_that_lags_holds_the_others, fixture_setup, teardown),
        cmocka_unit_test_setup_teardown(times, fixture_setup, teardown),
        cmocka_unit_test_setup_teardown(nodes_that_the_backup_does_not_have, fixture_setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
