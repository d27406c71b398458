/* txrecover on the directory of a participant with transactions in doubt: whom it names as those
 * who can settle them, when the coordinator decides and when the members do; and what it says when
 * operators have done it by halves. */
#include "log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

static char *place;
static char output[16384];

static void append(struct txlog *log, struct txlog_record record)
{
    struct tx_buf buf = {0};
    record.lsn.n = txlog_last(log).n + 1;
    record.start = 1;
    record.time_ms = 1790000000000 + record.lsn.n;
    assert_int_equal(txlog_record_encode(&record, &buf), TX_OK);
    struct txlog_append one = {.lsn = record.lsn, .record = tx_buf_view(&buf)};
    assert_int_equal(txlog_append(log, &one, 1, true, NULL), TX_OK);
    tx_buf_deinit(&buf);
}

/* Transaction 1-1-1 is decided by its members, 1-1-2 by its coordinator. */
static void make_log(const char *dir)
{
    const struct tx_member members[] = {
        {.name = {"a"}, .incarnation = 1, .address = {"ipc:///a"}},
        {.name = {"b"}, .incarnation = 4, .address = {"ipc:///b"}},
        {.name = {"c"}, .incarnation = 5, .address = {"ipc:///c"}},
    };
    const struct tx_position known[3] = {{1, 7, {1}}, {4, 8, {2}}, {5, 9, {3}}};
    struct txlog *log = fixture_open(dir);
    append(log, (struct txlog_record){.type = TXLOG_START, .started = {.life = 7}});
    append(log, (struct txlog_record){
                    .type = TXLOG_EPOCH,
                    .epoch = {.coordinator = 1, .known = {1, 3, {1}}, .address = {"ipc:///home"}}});
    for (uint64_t seq = 1; seq <= 2; seq++)
        append(log, (struct txlog_record){.type = TXLOG_PREPARED,
                                          .prepared = {.id = {1, 1, seq},
                                                       .age = {seq, 1},
                                                       .coordinator = {"ipc:///home"},
                                                       .members = members,
                                                       .members_n = 3,
                                                       .known = known,
                                                       .members_decide = seq == 1}});
    txlog_close(&log);
}

static void run_to(int wanted, const char *arguments)
{
    char command[1024];
    (void)snprintf(command, sizeof command, "%s/txrecover %s", ASSENT_BIN_DIR, arguments);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    size_t n = fread(output, 1, sizeof output - 1, out);
    output[n] = '\0';
    int status = pclose(out);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != wanted)
        fail_msg("%s: status %d: %s", command, status, output);
}

static void run(const char *arguments)
{
    run_to(0, arguments);
}

/* In the paragraph (or object) of that transaction. */
static void says(const char *id, const char *text)
{
    const char *from = strstr(output, id);
    assert_non_null(from);
    const char *to = strstr(from + 1, "since");
    to = to != NULL ? strstr(to + 1, "1-1-") : NULL;
    const char *found = strstr(from, text);
    if (found == NULL || (to != NULL && found > to))
        fail_msg("\"%s\" is not said of %s in: %s", text, id, output);
}

static void who_settles_it(void **state)
{
    (void)state;
    char arguments[600];
    char dir[300];
    place = fixture_new();
    (void)snprintf(dir, sizeof dir, "%s", fixture_path(place, "a.data"));
    make_log(dir);
    (void)snprintf(arguments, sizeof arguments, "indoubt %s", dir);
    run(arguments);
    says("1-1-1", "settled by   its members, who decide: b at ipc:///b");
    says("1-1-1", "c at ipc:///c");
    says("1-1-1", "commit when all of them are PREPARED, or one COMMITTED");
    says("1-1-1", "a COMMIT record of coordinator 1 at ipc:///home says the same");
    says("1-1-2", "settled by   coordinator 1 at ipc:///home");
    says("1-1-2", "if all are PREPARED they must wait");
    (void)snprintf(arguments, sizeof arguments, "indoubt --json %s", dir);
    run(arguments);
    says("1-1-1", "\"commit_mode\":\"participants\"");
    says("1-1-2", "\"commit_mode\":\"coordinator\"");
    (void)snprintf(arguments, sizeof arguments, "log --tx 1-1-1 %s", dir);
    run(arguments);
    says("1-1-1", "; the members decide");
    says("1-1-1", "a: in doubt since LSN 3 (PREPARED): its members decide, ask the others");
    (void)snprintf(arguments, sizeof arguments, "log --tx 1-1-2 %s", dir);
    run(arguments);
    says("1-1-2", "coordinator 1 at ipc:///home has it");
    fixture_remove(place);
}

/* ---- half done ---- */

/* A member with its promise of 1-1-2, and what an operator made of it there. */
static void make_member(const char *dir, const char *name, bool commit, const char *operator_name)
{
    const struct tx_member members[] = {{.name = {"a"}, .incarnation = 1},
                                        {.name = {"b"}, .incarnation = 1}};
    const struct tx_position known[2] = {{1, 7, {1}}, {1, 7, {1}}};
    struct rocksdb_log_options options = fixture_options(dir, ROCKSDB_LOG_OPEN);
    struct txlog *log;
    const struct tx_id id = {1, 1, 2};
    struct txlog_record decision = {.type = TXLOG_HEURISTIC,
                                    .heuristic = {.id = id, .commit = commit}};

    assert_int_equal(tx_name_set(&options.identity.name, tx_bytes_str(name)), TX_OK);
    assert_int_equal(tx_name_set(&decision.heuristic.operator_name, tx_bytes_str(operator_name)),
                     TX_OK);
    assert_int_equal(rocksdb_log_open(&options, &log, NULL), TX_OK);
    append(log, (struct txlog_record){.type = TXLOG_START, .started = {.life = 7}});
    append(log, (struct txlog_record){.type = TXLOG_EPOCH,
                                      .epoch = {.coordinator = 1, .known = {1, 3, {1}}}});
    append(log,
           (struct txlog_record){
               .type = TXLOG_PREPARED,
               .prepared = {
                   .id = id, .age = {2, 1}, .members = members, .members_n = 2, .known = known}});
    append(log, decision);
    txlog_close(&log);
}

static void explained(int status, const char *directories, const char *text)
{
    char arguments[1000];
    (void)snprintf(arguments, sizeof arguments, "explain 1-1-2 %s", directories);
    run_to(status, arguments);
    if (strstr(output, text) == NULL)
        fail_msg("\"%s\" is not said in: %s", text, output);
}

/* Two operators decided differently. Nothing is planned there any more, for nothing is in doubt. */
static void half_done(void **state)
{
    char a[300], b[300], both[650];
    (void)state;
    place = fixture_new();
    (void)snprintf(a, sizeof a, "%s", fixture_path(place, "a.data"));
    (void)snprintf(b, sizeof b, "%s", fixture_path(place, "b.data"));
    make_member(a, "a", true, "ann");
    make_member(b, "b", false, "bob");
    (void)snprintf(both, sizeof both, "%s %s", a, b);
    explained(2, a, "operator ann has committed it, and the real decision is not here");
    explained(
        3, both,
        "verdict       contradiction: half done: operator bob aborted it at b (HEURISTIC, LSN 4), "
        "and operator ann committed it at a (HEURISTIC, LSN 4)");
    (void)snprintf(both, sizeof both, "plan %s %s", a, b);
    run(both);
    assert_non_null(strstr(output, "\"actions\":[],\"undecided\":[]"));
    fixture_remove(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_settles_it),
                                       cmocka_unit_test(half_done)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
