/* txrecover on directories that real daemons have left behind: every command on every directory,
 * in doubt and settled, whole and damaged; and that it never changes what it reads. */
#include "tests/integration/work.h"

#include <dirent.h>
#include <fcntl.h>
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

#define WORK 60 /* transactions of two participants: more records than snapshot_records of b */

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];
static char doubtful[64], committed[64]; /* ids */

static char out[1 << 20], err[1 << 16];

/* ---- what must not change ---- */

struct print {
    char text[1 << 15];
    size_t at;
};

static void print_file(struct print *print, const char *directory, const char *name)
{
    char path[2 * CLUSTER_PATH + 16], chunk[4096];
    struct stat info;
    uint64_t hash = 14695981039346656037u;
    size_t n;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_int_equal(stat(path, &info), 0);
    if (S_ISREG(info.st_mode)) {
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
            for (size_t i = 0; i < n; i++)
                hash = (hash ^ (uint8_t)chunk[i]) * 1099511628211u;
        fclose(file);
    }
    print->at += (size_t)snprintf(print->text + print->at, sizeof print->text - print->at,
                                  "%s %lld %lld.%09ld %016llx\n", name, (long long)info.st_size,
                                  (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
                                  (unsigned long long)hash);
    assert_true(print->at < sizeof print->text);
}

/* Names, sizes, times and contents of all that is in a directory, and its own time. */
static void print_directory(struct print *print, const char *directory)
{
    struct dirent **entries;
    int n = scandir(directory, &entries, NULL, alphasort);

    print->at = 0;
    assert_true(n >= 0);
    for (int i = 0; i < n; i++) {
        if (strcmp(entries[i]->d_name, "..") != 0)
            print_file(print, directory, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

/* Runs txrecover on the directory, which must be as before, with up to five further arguments. */
static void recover5(int status, const char *directory, const char *command,
                     const char *arguments[5])
{
    static struct print before, after;
    int got;

    print_directory(&before, directory);
    got = run_program(out, sizeof out, err, sizeof err, "txrecover", command, directory,
                      arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], NULL);
    print_directory(&after, directory);
    assert_string_equal(before.text, after.text);
    if (got != status)
        fail_msg("txrecover %s %s: exit status %d, not %d\n%s%s", command, directory, got, status,
                 out, err);
}

#define recover(status, directory, ...) RECOVER(status, directory, __VA_ARGS__, NULL)
#define RECOVER(status, directory, command, ...)                                                   \
    recover5(status, directory, command, (const char *[5]){__VA_ARGS__})

static void says(const char *text)
{
    if (strstr(out, text) == NULL)
        fail_msg("\"%s\" is not said in:\n%s%s", text, out, err);
}

static void complains(const char *text)
{
    if (strstr(err, text) == NULL)
        fail_msg("\"%s\" is not complained of in:\n%s%s", text, err, out);
}

/* The output is one JSON object a line. */
static void is_json(void)
{
    char path[2 * CLUSTER_PATH];
    static char rest[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/out.json", cluster.directory);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(out, file) >= 0);
    assert_int_equal(fclose(file), 0);
    for (const char *line = out; *line != '\0'; line = strchr(line, '\n') + 1) {
        assert_int_equal(line[0], '{');
        assert_non_null(strchr(line, '\n'));
    }
    if (access("/usr/bin/jq", X_OK) == 0)
        assert_int_equal(
            run_program(rest, sizeof rest, NULL, 0, "/usr/bin/jq", "-c", "type", path, NULL), 0);
}

/* ---- the work ---- */

static void open_client(int commit_timeout_ms)
{
    txclient_options options = {.size = sizeof options,
                                .request_timeout_ms = 400,
                                .commit_timeout_ms = (uint32_t)commit_timeout_ms,
                                .resend_ms = 100};

    assert_int_equal(txclient_open("test", coordinator->address, &options, &client, NULL),
                     TXCLIENT_OK);
}

static txclient_status put_decided_by(txclient_commit_mode mode, const char *key, const char *value)
{
    const txclient_submit_options options = {.size = sizeof options, .commit_mode = mode};
    txclient_batch *batch = txclient_batch_new();
    txclient_status status;

    txclient_batch_put(batch, txclient_at("a", "t", key), txclient_str(value));
    txclient_batch_put(batch, txclient_at("b", "t", key), txclient_str(value));
    status = txclient_submit(client, batch, &options, NULL);
    txclient_batch_free(&batch);
    return status;
}

static txclient_status put_both(const char *key, const char *value)
{
    return put_decided_by(TXCLIENT_COMMIT_DEFAULT, key, value);
}

static void one_phase(void)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_address odd = txclient_at("a", "t", "");

    odd.key = txclient_data("\0\377odd", 5);
    txclient_batch_put(batch, odd, txclient_str("\001"));
    txclient_batch_put(batch, txclient_at("a", "t", "alone"), txclient_str("1"));
    assert_int_equal(txclient_submit(client, batch, NULL, NULL), TXCLIENT_OK);
    txclient_batch_clear(batch);
    txclient_batch_delete(batch, txclient_at("a", "t", "alone"));
    assert_int_equal(txclient_submit(client, batch, NULL, NULL), TXCLIENT_OK);
    txclient_batch_free(&batch);
}

/* a has prepared when b refuses, or is undone before; a reader drops out. */
static void aborts_and_reads(void)
{
    txclient_batch *batch = txclient_batch_new();

    txclient_batch_put(batch, txclient_at("a", "t", "never"), txclient_str("1"));
    txclient_batch_check(batch, txclient_at("b", "t", "k0"), txclient_str("not so"));
    assert_int_equal(txclient_submit(client, batch, NULL, NULL), TXCLIENT_ABORTED);
    txclient_batch_free(&batch);
    batch = txclient_batch_new();
    txclient_batch_get(batch, txclient_at("a", "t", "k0"));
    txclient_batch_get(batch, txclient_at("b", "t", "k0"));
    assert_int_equal(txclient_submit(client, batch, NULL, NULL), TXCLIENT_OK);
    txclient_batch_free(&batch);
}

static void note_id(char id[64])
{
    txclient_tx *tx = NULL;

    assert_int_equal(txclient_begin(client, NULL, &tx), TXCLIENT_OK);
    snprintf(id, 64, "%s", txclient_tx_reference(tx));
    id[strcspn(id, "@")] = '\0';
    assert_int_equal(txclient_put(tx, txclient_at("a", "t", "noted"), txclient_str("n")),
                     TXCLIENT_OK);
    assert_int_equal(txclient_put(tx, txclient_at("b", "t", "noted"), txclient_str("n")),
                     TXCLIENT_OK);
    assert_int_equal(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
}

static bool is_durable(void *arg)
{
    char last[32], durable[32];

    return work_field(arg, "lsn", last, sizeof last) &&
           work_field(arg, "lsn_durable", durable, sizeof durable) && strcmp(last, durable) == 0;
}

static int start(void **state)
{
    char key[16];

    (void)state;
    cluster_init(&cluster, 2, false);
    daemon_set(&cluster, b, "storage", "snapshot_records = 100\nretain_records = 0");
    cluster_start(&cluster);
    open_client(20000);
    for (int i = 0; i < WORK; i++) {
        snprintf(key, sizeof key, "k%d", i % 7);
        assert_int_equal(put_both(key, key), TXCLIENT_OK);
    }
    note_id(committed);
    one_phase();
    aborts_and_reads();
    /* Its log tells the whole life of each: all is settled, and forgotten. */
    work_await_field(a, "committed_kept", "0");
    assert_true(wait_until(is_durable, a, WORK_MS));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    txclient_close(&client);
    cluster_deinit(&cluster);
    return 0;
}

static void kill_all(void)
{
    struct daemon *daemons[] = {a, b, coordinator};

    for (int i = 0; i < 3; i++)
        if (daemons[i]->pid != 0)
            daemon_kill(daemons[i]);
}

/* ---- directories ---- */

static const char *path_of(const char *name)
{
    static char paths[4][2 * CLUSTER_PATH];
    static int next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", cluster.directory, name);
    return path;
}

static const char *copy_of(const struct daemon *daemon, const char *name)
{
    const char *path = path_of(name);

    assert_int_equal(run_program(NULL, 0, NULL, 0, "/bin/cp", "-a", daemon->data, path, NULL), 0);
    return path;
}

/* The newest write-ahead file. */
static const char *newest_wal(const char *directory)
{
    static char path[3 * CLUSTER_PATH];
    struct dirent **entries;
    int n = scandir(directory, &entries, NULL, alphasort);

    path[0] = '\0';
    for (int i = 0; i < n; i++) {
        const char *dot = strrchr(entries[i]->d_name, '.');
        if (dot != NULL && strcmp(dot, ".log") == 0)
            snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    assert_true(file_size(path) > 1000);
    return path;
}

static void flip_middle(const char *path)
{
    int fd = open(path, O_RDWR);
    off_t at = file_size(path) / 2;
    char c;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c = (char)(c ^ 0x40);
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    close(fd);
}

/* ---- tests, in the order in which the cluster goes through them ---- */

static void test_refused_while_in_use(void **state)
{
    (void)state;
    assert_int_equal(
        run_program(out, sizeof out, err, sizeof err, "txrecover", "summary", a->data, NULL), 69);
    complains("in use by process");
}

static void test_arguments(void **state)
{
    (void)state;
    assert_int_equal(run_program(out, sizeof out, err, sizeof err, "txrecover", NULL), 64);
    complains("a command is missing");
    assert_int_equal(run_program(out, sizeof out, err, sizeof err, "txrecover", "mend", NULL), 64);
    complains("unknown command \"mend\"");
    assert_int_equal(run_program(out, sizeof out, err, sizeof err, "txrecover", "log", NULL), 64);
    complains("directory of a daemon is missing");
    recover(64, cluster.directory, "log", "--from", "12x");
    complains("\"12x\" is no LSN: character 3 is no digit");
    recover(64, cluster.directory, "log", "--tx", "1-x-3");
    complains("at character 3 the number of the epoch is missing");
    recover(64, cluster.directory, "replay");
    complains("--into is missing");
    recover(66, cluster.directory, "summary");
    assert_int_equal(run_program(out, sizeof out, err, sizeof err, "txrecover", "verify",
                                 path_of("nowhere"), NULL),
                     66);
    complains("nowhere");
}

#ifdef ASSENT_CRASH_POINTS

static void take_id(char id[64])
{
    const char *at = strstr(out, "\"tx\":\"");

    assert_non_null(at);
    snprintf(id, 64, "%s", at + 6);
    id[strcspn(id, "\"")] = '\0';
}

static bool has_prepared(void *arg)
{
    const struct daemon *daemon = arg;
    txclient_node *node = NULL;
    bool prepared = false;

    if (txclient_inspect(client, daemon->address, &node) == TXCLIENT_OK)
        prepared = strcmp(txclient_node_get(node, "prepared"), "1") == 0;
    txclient_node_free(&node);
    return prepared;
}

/* The coordinator dies around its decision, which is asked of it: else the participants would need
 * none. Both have voted, and are killed. */
static void lose_coordinator(const char *crash_point, const char *value)
{
    int status;

    if (coordinator->pid != 0)
        daemon_stop(coordinator);
    daemon_spawn(coordinator, crash_point);
    assert_true(daemon_says(coordinator, "msg=serving", 30000));
    txclient_close(&client);
    open_client(1500);
    assert_int_equal(put_decided_by(TXCLIENT_COMMIT_COORDINATOR, "doubt", value), TXCLIENT_UNKNOWN);
    assert_true(daemon_wait(coordinator, 30000, &status));
    assert_true(wait_until(has_prepared, a, 20000));
    assert_true(wait_until(has_prepared, b, 20000));
    kill_all();
}

static void test_in_doubt_without_decision(void **state)
{
    (void)state;
    lose_coordinator("log:COMMIT:before", "undecided");
    recover(0, a->data, "indoubt", "--json");
    is_json();
    take_id(doubtful);
    says("\"keyspace\":\"t\",\"key\":\"doubt\",\"value\":\"undecided\"");
    recover(0, a->data, "indoubt");
    says(doubtful);
    says("in doubt since 20");
    says("locks        x t/doubt");
    says("put t/doubt = undecided (held back)");
    says("coordinator 1 at ipc://");
    says("or, while that is away, b at ipc://");
    says("COMMITTED at any of them settles to commit, a definite NO to abort");
    recover(0, b->data, "indoubt");
    says("or, while that is away, a at ipc://");
    recover(0, coordinator->data, "indoubt");
    says("coordinator 1: nothing is left to drive home");
    recover(0, a->data, "log", "--tx", doubtful);
    says("a: in doubt since LSN ");
    recover(0, coordinator->data, "log", "--tx", doubtful);
    says("coordinator 1: nothing here: under presumed abort");
    recover(0, a->data, "summary");
    says("transactions  1 prepared, in doubt");
    recover(0, a->data, "verify");
}

/* What is in doubt in the log is in doubt in the directory that is built from it. */
static void test_replay_in_doubt(void **state)
{
    const char *into = path_of("doubt-replayed");

    (void)state;
    recover(0, a->data, "replay", "--into", into);
    says("1 still in doubt");
    says("the data equal those of");
    recover(0, into, "indoubt");
    says(doubtful);
}

static void test_in_doubt_with_decision(void **state)
{
    (void)state;
    daemon_start(a);
    daemon_start(b);
    daemon_start(coordinator);
    assert_true(daemon_says(a, "settled: aborted", 20000));
    assert_true(daemon_says(b, "settled: aborted", 20000));
    lose_coordinator("log:COMMIT:after", "decided");
    recover(0, coordinator->data, "indoubt", "--json");
    is_json();
    take_id(doubtful);
    recover(0, coordinator->data, "indoubt");
    says(doubtful);
    says("decided to commit since");
    says("to tell      a at ipc://");
    recover(0, coordinator->data, "summary");
    says("1 committed, not acknowledged by all (no END)");
    recover(0, coordinator->data, "log", "--tx", doubtful);
    says("coordinator 1: the decision is commit (LSN ");
    says("not every member is known to have acknowledged it");
    recover(0, a->data, "indoubt");
    says(doubtful);
    recover(0, a->data, "verify");
    recover(0, coordinator->data, "verify");
}

static void settle(void)
{
    daemon_start(a);
    daemon_start(b);
    daemon_start(coordinator);
    assert_true(daemon_says(a, "settled: committed", 20000));
    assert_true(daemon_says(b, "settled: committed", 20000));
}

#else

static void test_in_doubt_without_decision(void **state)
{
    (void)state;
    print_message("this build has no crash points: nobody can be left in doubt at will\n");
    skip();
}

static void test_replay_in_doubt(void **state)
{
    (void)state;
    skip();
}

static void test_in_doubt_with_decision(void **state)
{
    (void)state;
    skip();
}

/* A restart, so that its log does not stand in one write-ahead file alone. */
static void settle(void)
{
    snprintf(doubtful, sizeof doubtful, "%s", committed);
    daemon_kill(a);
    daemon_start(a);
}

#endif

static bool acknowledged(void *arg)
{
    txclient_node *node = NULL;
    bool none = false;

    (void)arg;
    if (txclient_inspect(client, coordinator->address, &node) == TXCLIENT_OK)
        none = strcmp(txclient_node_get(node, "committed"), "0") == 0;
    txclient_node_free(&node);
    return none;
}

/* The coordinator may not have heard yet that a participant is back. */
static bool can_work(void *arg)
{
    (void)arg;
    return put_both("last", "z") == TXCLIENT_OK;
}

/* A participant that has everything in its log and nothing in doubt, killed. */
static void test_settled(void **state)
{
    (void)state;
    settle();
    txclient_close(&client);
    open_client(20000);
    assert_true(wait_until(can_work, NULL, 20000));
    for (int i = 0; i < 10; i++)
        assert_int_equal(put_both("last", "z"), TXCLIENT_OK);
    assert_true(wait_until(acknowledged, NULL, 20000));
    kill_all();
    recover(0, a->data, "indoubt");
    says("a: nothing is in doubt");
    recover(0, a->data, "log", "--tx", doubtful);
    says("a: committed at LSN ");
    says(": PREPARED ");
    recover(0, coordinator->data, "log", "--tx", doubtful);
    says("every member has acknowledged (END, LSN ");
    recover(0, coordinator->data, "indoubt", "--json");
    says("\"transactions\":[]");
}

static void test_summary(void **state)
{
    (void)state;
    recover(0, a->data, "summary");
    says("participant a of cluster test");
    says("format        1, records 1");
    says("log           LSN 1 to ");
    says("PREPARED ");
    says("incarnation 1  20");
    says("alarms        0");
    recover(0, b->data, "summary");
    says("were removed by compaction");
    says("the newest from LSN ");
    recover(0, coordinator->data, "summary");
    says("coordinator 1 of cluster test");
    says("epoch 1  20");
    says("OUTCOME ");
    recover(0, a->data, "summary", "--json");
    is_json();
    says("{\"role\":\"participant\",\"name\":\"a\",\"cluster\":\"test\",\"format\":1,\"first_lsn\":"
         "1,");
    recover(0, coordinator->data, "summary", "--json");
    is_json();
    says("{\"role\":\"coordinator\",\"coordinator\":1,");
}

static void test_log(void **state)
{
    const char *line;

    (void)state;
    recover(0, a->data, "log");
    says("       1  20");
    says("  start 1  START  life ");
    says("one phase; writes put t/\\x00\\xffodd = \\x01, put t/alone = 1");
    says("; writes delete t/alone");
    says("members a (incarnation 1), b (incarnation 1)");
    says("finished are those of epoch 1 below ");
    recover(0, a->data, "log", "--from", "2", "--to", "3");
    line = strchr(out, '\n');
    assert_non_null(line);
    assert_int_equal(strncmp(out, "       2  ", 10), 0);
    assert_int_equal(strncmp(line + 1, "       3  ", 10), 0);
    assert_int_equal(line[1 + strcspn(line + 1, "\n") + 1], '\0');
    recover(0, a->data, "log", "--json");
    is_json();
    says("\"writes\":[{\"op\":\"put\",\"keyspace\":\"t\",\"key_hex\":\"00ff6f6464\"");
    recover(0, coordinator->data, "log");
    says("decided: commit; members a (incarnation ");
    says("acknowledged by ");
    recover(64, a->data, "log", "--from", "1000000");
    complains("ends at LSN ");
    recover(64, a->data, "log", "--from", "5", "--to", "4");
    recover(64, b->data, "log", "--to", "1");
    complains("older records were removed");
}

static void test_log_of_one(void **state)
{
    (void)state;
    recover(0, a->data, "log", "--tx", committed);
    says("  PREPARED  ");
    says("; the members decide");
    says("  COMMITTED  ");
    says("a: committed at LSN ");
    says("; forgotten since LSN ");
    recover(0, coordinator->data, "log", "--tx", committed, "--json");
    is_json();
    says("\"state\":\"committed and acknowledged\"");
    recover(0, a->data, "log", "--tx", "1-1-999999");
    says("a: nothing here: it has never voted to commit here with writes");
    recover(0, b->data, "log", "--tx", "1-1-999999");
    says("so it may have ended before");
    recover(0, coordinator->data, "log", "--tx", "2-1-1");
    says("it is a transaction of coordinator 2");
    /* Options may come first. */
    assert_int_equal(run_program(out, sizeof out, err, sizeof err, "txrecover", "log", "--tx",
                                 committed, a->data, NULL),
                     0);
    says("a: committed at LSN ");
}

static void test_verify_sound(void **state)
{
    (void)state;
    recover(0, a->data, "verify");
    says(": sound. a of cluster test: LSN 1 to ");
    recover(0, b->data, "verify");
    says(": sound. b of cluster test: LSN ");
    recover(0, coordinator->data, "verify");
    says(": sound. coordinator 1 of cluster test");
}

static void test_verify_damaged(void **state)
{
    const char *copy = copy_of(a, "flipped");

    (void)state;
    flip_middle(newest_wal(copy));
    recover(65, copy, "verify");
    says("damaged: ");
    says("DAMAGED in ");
    says("readable: ");
    says("what to do:");
    recover(65, copy, "summary");
    says("participant a of cluster test");
    recover(65, copy, "replay", "--into", path_of("never"));
    assert_int_equal(file_size(path_of("never")), -1);

    copy = copy_of(a, "cut");
    assert_int_equal(truncate(newest_wal(copy), file_size(newest_wal(copy)) - 100), 0);
    recover(65, copy, "verify");
    says("the newest part of the log is missing");
    says("damaged: LSN ");
    recover(65, copy, "log", "--tx", committed);
    says("a: committed at LSN ");

    copy = copy_of(a, "removed");
    assert_int_equal(unlink(newest_wal(copy)), 0);
    recover(65, copy, "verify");
    says("the newest part of the log is missing");
    says("txrecover replay ");
}

/* Up to the damage the data can be rebuilt. */
static void test_replay_damaged(void **state)
{
    const char *copy = path_of("removed"), *into = path_of("until-damage"), *until;
    char lsn[24];

    (void)state;
    recover(65, copy, "verify");
    until = strstr(out, "--until ");
    assert_non_null(until);
    snprintf(lsn, sizeof lsn, "%s", until + 8);
    lsn[strcspn(lsn, "\n")] = '\0';
    recover(65, copy, "replay", "--into", into);
    complains("rebuilds the data up to the first damage");
    recover5(0, copy, "replay", (const char *[5]){"--into", into, "--until", lsn, NULL});
    recover(0, into, "verify");
}

static void test_replay_refused(void **state)
{
    char inside[2 * CLUSTER_PATH];

    (void)state;
    recover(64, coordinator->data, "replay", "--into", path_of("none"));
    complains("a coordinator has no data");
    recover(73, a->data, "replay", "--into", cluster.directory);
    complains("is not empty");
    snprintf(inside, sizeof inside, "%s/new", a->data);
    recover(73, a->data, "replay", "--into", inside);
    complains("in which nothing is changed");
    recover5(64, a->data, "replay",
             (const char *[5]){"--into", path_of("none"), "--until", "1000000", NULL});
    complains("ends at LSN ");
    recover(65, b->data, "replay", "--into", path_of("none"));
    complains("were removed by compaction");
    assert_int_equal(file_size(path_of("none")), -1);
    assert_int_equal(file_size(path_of("none.incomplete")), -1);
}

static void test_replay_partial(void **state)
{
    (void)state;
    recover5(0, b->data, "replay",
             (const char *[5]){"--into", path_of("partial"), "--partial", NULL, NULL});
    says("partial: what LSN 1 to ");
    recover(0, path_of("partial"), "verify");
    recover(0, path_of("partial"), "summary");
    says("were removed by compaction");
}

static void test_replay_until(void **state)
{
    (void)state;
    recover5(0, a->data, "replay",
             (const char *[5]){"--into", path_of("until"), "--until", "40", NULL});
    says("rebuilt from LSN 1 to 40");
    says("will quarantine it");
    recover(0, path_of("until"), "verify");
    says("LSN 1 to 40, 40 records");
}

static void holds(const char *key, const char *value)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_value got;

    txclient_batch_get(batch, txclient_at("a", "t", key));
    assert_int_equal(txclient_submit(client, batch, NULL, &got), TXCLIENT_OK);
    assert_int_equal(got.found, value != NULL);
    if (value != NULL) {
        assert_int_equal(got.len, strlen(value));
        assert_memory_equal(got.data, value, got.len);
    }
    txclient_batch_free(&batch);
}

/* The rebuilt directory takes the place of the lost one. */
static void test_replay_and_start(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path_of("rebuilt"), 0755), 0); /* an empty one will do */
    recover(0, a->data, "replay", "--into", path_of("rebuilt"));
    says("0 still in doubt");
    says("the data equal those of");
    recover(0, path_of("rebuilt"), "verify");
    assert_true(strlen(path_of("rebuilt")) < sizeof a->data);
    strcpy(a->data, path_of("rebuilt"));
    daemon_set(&cluster, a, "timers", "idle = 30s");
    cluster_start(&cluster);
    holds("k3", "k3");
    holds("noted", "n");
    holds("alone", NULL);
    holds("never", NULL);
    holds("last", "z");
#ifdef ASSENT_CRASH_POINTS
    holds("doubt", "decided");
#endif
    assert_int_equal(put_both("after", "1"), TXCLIENT_OK);
    daemon_stop(coordinator);
    daemon_stop(a);
    daemon_stop(b);
    recover(0, a->data, "verify");
    recover(0, b->data, "verify");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_while_in_use),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_in_doubt_without_decision),
        cmocka_unit_test(test_replay_in_doubt),
        cmocka_unit_test(test_in_doubt_with_decision),
        cmocka_unit_test(test_settled),
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_log_of_one),
        cmocka_unit_test(test_verify_sound),
        cmocka_unit_test(test_verify_damaged),
        cmocka_unit_test(test_replay_damaged),
        cmocka_unit_test(test_replay_refused),
        cmocka_unit_test(test_replay_partial),
        cmocka_unit_test(test_replay_until),
        cmocka_unit_test(test_replay_and_start),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
