/* Runs of txrecover, and the life before them. */
#include "tests/integration/recover_run.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define RECOVER_WORK                                                                               \
    60 /* transactions of two participants: more records than snapshot_records of b */

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];

char recover_out[1 << 20], recover_err[1 << 16];

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
void recover_run(int status, const char *directory, const char *command,
                 const char *const arguments[5])
{
    static struct print before, after;
    int got;

    print_directory(&before, directory);
    got = run_program(recover_out, sizeof recover_out, recover_err, sizeof recover_err, "txrecover",
                      command, directory, arguments[0], arguments[1], arguments[2], arguments[3],
                      arguments[4], NULL);
    print_directory(&after, directory);
    assert_string_equal(before.text, after.text);
    if (got != status)
        fail_msg("txrecover %s %s: exit status %d, not %d\n%s%s", command, directory, got, status,
                 recover_out, recover_err);
}

void recover_run_words(int status, const char *const words[12])
{
    int got = run_program(recover_out, sizeof recover_out, recover_err, sizeof recover_err,
                          "txrecover", words[0], words[1], words[2], words[3], words[4], words[5],
                          words[6], words[7], words[8], words[9], words[10], words[11], NULL);

    if (got != status)
        fail_msg("txrecover %s: exit status %d, not %d\n%s%s", words[0], got, status, recover_out,
                 recover_err);
}

void recover_says(const char *text)
{
    if (strstr(recover_out, text) == NULL)
        fail_msg("\"%s\" is not said in:\n%s%s", text, recover_out, recover_err);
}

void recover_never_says(const char *text)
{
    if (strstr(recover_out, text) != NULL)
        fail_msg("\"%s\" is said in:\n%s%s", text, recover_out, recover_err);
}

void recover_complains(const char *text)
{
    if (strstr(recover_err, text) == NULL)
        fail_msg("\"%s\" is not complained of in:\n%s%s", text, recover_err, recover_out);
}

/* The output is one JSON object a line. */
void recover_is_json(void)
{
    char path[2 * CLUSTER_PATH];
    static char rest[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/recover_out.json", cluster.directory);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(recover_out, file) >= 0);
    assert_int_equal(fclose(file), 0);
    for (const char *line = recover_out; *line != '\0'; line = strchr(line, '\n') + 1) {
        assert_int_equal(line[0], '{');
        assert_non_null(strchr(line, '\n'));
    }
    if (access("/usr/bin/jq", X_OK) == 0)
        assert_int_equal(
            run_program(rest, sizeof rest, NULL, 0, "/usr/bin/jq", "-c", "type", path, NULL), 0);
}

json_t *recover_json(const char *text)
{
    json_error_t error;
    json_t *root = json_loads(text, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);

    if (root == NULL)
        fail_msg("%s at %d: %s", error.text, error.position, text);
    return root;
}

/* ---- directories ---- */

const char *recover_path(const char *name)
{
    static char paths[4][2 * CLUSTER_PATH];
    static int next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", cluster.directory, name);
    return path;
}

const char *recover_copy(const struct daemon *daemon, const char *name)
{
    const char *path = recover_path(name);

    assert_int_equal(run_program(NULL, 0, NULL, 0, "/bin/cp", "-a", daemon->data, path, NULL), 0);
    return path;
}

/* The newest write-ahead file. */
const char *recover_newest_wal(const char *directory)
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

void recover_flip_middle(const char *path)
{
    file_flip(path, file_size(path) / 2);
}

/* ---- the work ---- */

void recover_open_client(int commit_timeout_ms)
{
    txclient_options options = {.size = sizeof options,
                                .connect_timeout_ms = WORK_MS,
                                .request_timeout_ms = WORK_MS,
                                .commit_timeout_ms = (uint32_t)commit_timeout_ms,
                                .resend_ms = 100};

    assert_int_equal(txclient_open("test", coordinator->address, &options, &client, NULL),
                     TXCLIENT_OK);
}

txclient_status recover_put_decided_by(txclient_commit_mode mode, const char *key,
                                       const char *value)
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

txclient_status recover_put_both(const char *key, const char *value)
{
    return recover_put_decided_by(TXCLIENT_COMMIT_DEFAULT, key, value);
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

/* a has prepared when b refuses, or is undone before; a reader drops recover_out. */
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

void recover_note(char id[64])
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

/* The life: two participants, of which b has forgotten its beginning; all is settled. */
void recover_live(char committed[64])
{
    char key[16];

    cluster_init(&cluster, 2, false);
    /* For recover_leave_in_doubt(): a participant that is held up is no reason to abort. */
    daemon_set(&cluster, coordinator, "timers", "peer_down = 1h\nprepare = 1h");
    daemon_set(&cluster, b, "storage", "snapshot_records = 100\nretain_records = 0");
    cluster_start(&cluster);
    recover_open_client(20000);
    for (int i = 0; i < RECOVER_WORK; i++) {
        snprintf(key, sizeof key, "k%d", i % 7);
        assert_int_equal(recover_put_both(key, key), TXCLIENT_OK);
    }
    recover_note(committed);
    one_phase();
    aborts_and_reads();
    /* Its log tells the whole life of each: all is settled, and forgotten. */
    work_await_field(a, "committed_kept", "0");
    work_await_durable(a);
}

void recover_kill_all(void)
{
    struct daemon *daemons[] = {a, b, coordinator};

    for (int i = 0; i < 3; i++)
        if (daemons[i]->pid != 0)
            daemon_kill(daemons[i]);
}

/* The coordinator may not have heard yet that a participant is back. */
static bool can_work(void *arg)
{
    (void)arg;
    return recover_put_both("last", "z") == TXCLIENT_OK;
}

void recover_settle(void)
{
    txclient_close(&client);
    recover_open_client(20000);
    assert_true(wait_until(can_work, NULL, WORK_MS));
    for (int i = 0; i < 10; i++)
        assert_int_equal(recover_put_both("last", "z"), TXCLIENT_OK);
    work_await_quiet(); /* no commit is open at the coordinator before its END is on disk */
    daemon_signal(coordinator, SIGSTOP); /* it gives nobody anything more to write */
    work_await_durable(a);
    work_await_durable(b);
    recover_kill_all();
}

char recover_committed[64];

int recover_start(void **state)
{
    (void)state;
    recover_live(recover_committed);
    recover_settle();
    return 0;
}

/* ---- in doubt ---- */

void recover_start_all(void)
{
    cluster_start(&cluster);
    txclient_close(&client);
    recover_open_client(20000);
    work_await_all_up(coordinator);
    work_await_quiet(); /* what was in doubt is settled, and is not taken for what comes now */
}

static void kill_one(struct daemon *daemon)
{
    if (daemon->pid != 0)
        daemon_kill(daemon);
}

void recover_leave_in_doubt(txclient_commit_mode mode, bool both, char id[64])
{
    txclient_begin_options options = {.size = sizeof options, .commit_mode = mode};
    txclient *quick;
    txclient_tx *tx = NULL;

    recover_start_all();
    quick = work_doubting_client(coordinator);
    assert_int_equal(txclient_begin(quick, &options, &tx), TXCLIENT_OK);
    snprintf(id, 64, "%s", txclient_tx_reference(tx));
    id[strcspn(id, "@")] = '\0';
    assert_int_equal(txclient_put(tx, AT("a", "doubt"), txclient_str(id)), TXCLIENT_OK);
    assert_int_equal(txclient_put(tx, AT("b", "doubt"), txclient_str(id)), TXCLIENT_OK);
    daemon_signal(b, SIGSTOP); /* holds back its vote */
    assert_int_equal(txclient_commit(tx), TXCLIENT_UNKNOWN);
    txclient_tx_close(&tx);
    txclient_close(&quick);
    work_await_field(a, "prepared", "1");
    work_await_sent(coordinator); /* b is asked, too */
    daemon_signal(coordinator, SIGSTOP);
    kill_one(a);
    if (both) {
        daemon_signal(b, SIGCONT);
        work_await_field(b, "prepared", "1");
    }
    kill_one(b);
    kill_one(coordinator);
}

void recover_leave_decided(const char *key, const char *value)
{
    int status;

    recover_start_all();
    daemon_stop(coordinator);
    daemon_spawn(coordinator, "log:COMMIT:after");
    work_await_all_up(coordinator);
    txclient_close(&client);
    recover_open_client(1500);
    assert_int_equal(recover_put_decided_by(TXCLIENT_COMMIT_COORDINATOR, key, value),
                     TXCLIENT_UNKNOWN);
    assert_true(daemon_wait(coordinator, WORK_MS, &status));
    work_await_field(a, "prepared", "1");
    work_await_field(b, "prepared", "1");
    recover_kill_all();
}
