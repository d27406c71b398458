/* txrecover verify over several directories, export, and all commands on a checkpoint. */
#include "tests/integration/recover_run.h"
#include "txlog/rocksdb_log.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];
static char *const committed = recover_committed;

/* ---- verify ---- */

static void test_verify_several(void **state)
{
    json_t *root;

    (void)state;
    recover_words(0, "verify", coordinator->data, a->data, b->data);
    recover_says("sound. coordinator 1 of cluster test");
    recover_says("sound. b of cluster test");
    recover_says("a.data: has all that the others know of it: coordinator 1 knew LSN ");
    recover_says("MB/s");
    recover_words(0, "verify", "--json", coordinator->data, a->data, b->data);
    recover_is_json();
    root = recover_json(recover_out);
    assert_true(json_is_true(json_object_get(root, "sound")));
    assert_int_equal(json_array_size(json_object_get(root, "nodes")), 3);
    json_decref(root);
}

static void test_verify_progress(void **state)
{
    (void)state;
    recover_words(0, "verify", "--progress", a->data);
    recover_complains("checking records: ");
    recover_complains(", 100 %, ");
    recover_complains("/s");
    recover_words(0, "verify", a->data);
    assert_string_equal(recover_err, ""); /* no terminal, and nobody asked */
}

static void test_verify_refused(void **state)
{
    const char *copy = recover_copy(a, "a-twice");

    (void)state;
    recover_words(64, "verify", a->data, copy);
    recover_complains("are both of a");
}

/* An older image of a participant is sound by itself; who worked with it since knows better. */
static void test_verify_behind(void **state)
{
    char old_a[512], old_coordinator[512];
    json_t *root, *node;

    (void)state;
    snprintf(old_a, sizeof old_a, "%s", recover_copy(a, "old-a"));
    snprintf(old_coordinator, sizeof old_coordinator, "%s",
             recover_copy(coordinator, "old-coordinator"));
    cluster_start(&cluster);
    recover_settle();
    recover_words(0, "verify", old_a);
    recover_words(65, "verify", coordinator->data, old_a);
    recover_says("old-a: sound. a of cluster test");
    recover_says("old-a: BEHIND: a's log ends at LSN ");
    recover_says(", and coordinator 1 had known it up to LSN ");
    recover_says("records are lost");
    /* The other way round: a participant knows how far the coordinator was. */
    recover_words(65, "verify", old_coordinator, a->data);
    recover_says("old-coordinator: BEHIND: coordinator 1's log ends at LSN ");
    recover_says(", and a had known it up to LSN ");
    recover_words(65, "verify", "--json", coordinator->data, old_a);
    root = recover_json(recover_out);
    assert_true(json_is_false(json_object_get(root, "sound")));
    node = json_array_get(json_object_get(root, "nodes"), 1);
    assert_non_null(json_object_get(node, "behind"));
    assert_int_equal(json_array_size(json_object_get(node, "damages")), 0);
    json_decref(root);
}

static void test_verify_damaged_json(void **state)
{
    const char *copy = recover_copy(a, "a-flipped");
    json_t *root, *node;

    (void)state;
    recover_flip_middle(recover_newest_wal(copy));
    recover_words(65, "verify", "--json", copy);
    recover_is_json();
    root = recover_json(recover_out);
    node = json_array_get(json_object_get(root, "nodes"), 0);
    assert_true(json_array_size(json_object_get(node, "damages")) > 0);
    json_decref(root);
}

/* ---- export ---- */

/* Every line reads back as what it was written from; gives how many there are. */
static size_t read_back(uint64_t first)
{
    size_t n = 0;

    for (char *line = recover_out; *line != '\0'; n++) {
        char *end = strchr(line, '\n'), *again;
        json_t *root;

        assert_non_null(end);
        *end = '\0';
        root = recover_json(line);
        again = json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER);
        assert_string_equal(again, line);
        assert_int_equal(json_integer_value(json_object_get(root, "lsn")), first + n);
        free(again);
        json_decref(root);
        *end = '\n';
        line = end + 1;
    }
    return n;
}

static void test_export(void **state)
{
    json_t *root;

    (void)state;
    recover(0, a->data, "export");
    assert_true(read_back(1) > 100);
    recover_says("\"commit_mode\":\"participants\"");
    recover_says("\"known\":[{\"name\":\"a\",\"incarnation\":1,\"life\":\"");
    recover_says("\"key_hex\":\"00ff6f6464\"");
    recover(0, coordinator->data, "export");
    assert_true(read_back(1) > 100);
    recover_says("\"type\":\"END\",\"tx\":\"");
    recover(0, a->data, "export", "--from", "5", "--to", "9");
    assert_int_equal(read_back(5), 5);
    recover(0, a->data, "export", "--tx", committed);
    root = recover_json(recover_out);
    assert_string_equal(json_string_value(json_object_get(root, "type")), "PREPARED");
    json_decref(root);
    recover(64, a->data, "export", "--from", "1000000");
    recover_complains("ends at LSN ");
}

/* ---- checkpoints ---- */

/* As a backup makes it: hard links to the tables, the write-ahead files, and HEAD made last. */
static void test_checkpoint(void **state)
{
    struct rocksdb_log_options options = {
        .directory = a->data,
        .identity = {.cluster = "test", .role = TX_ROLE_PARTICIPANT, .name = {"a"}}};
    const char *copy = recover_path("a-checkpoint"), *into = recover_path("a-rebuilt");
    struct txlog *log = NULL;
    struct tx_why why;

    (void)state;
    if (rocksdb_log_open(&options, &log, &why) != TX_OK)
        fail_msg("%s", why.text);
    if (txlog_checkpoint(log, copy, &why) != TX_OK)
        fail_msg("%s", why.text);
    txlog_close(&log);
    daemon_start(a); /* the node goes on; its checkpoint can be read all the same */
    recover_words(69, "verify", a->data);
    recover(0, copy, "summary");
    recover(0, copy, "verify");
    recover(0, copy, "log", "--tx", committed);
    recover(0, copy, "indoubt");
    recover(0, copy, "export");
    recover(0, copy, "replay", "--into", into);
    recover_words(0, "explain", committed, copy);
    recover_says("a-checkpoint is a checkpoint: its node may have gone on since LSN ");
    recover_words(4, "explain", "1-1-999999", copy, coordinator->data);
    daemon_kill(a);
}

struct load {
    pthread_t thread;
    atomic_bool over;
    atomic_int done;
    int seen; /* of these, when it was last looked */
};

static void *work_on(void *arg)
{
    struct load *load = arg;

    while (!atomic_load(&load->over))
        atomic_fetch_add(&load->done, recover_put_both("busy", "1") == TXCLIENT_OK);
    return NULL;
}

static bool goes_on(void *arg)
{
    struct load *load = arg;

    return atomic_load(&load->done) >= load->seen + 20;
}

/* A snapshot of the file system in the middle of the work: what stands there is what a power
 * failure would have left. The node is held for the moment of the copy, and goes on. */
static void test_copy_of_a_node_at_work(void **state)
{
    static char copy[512];
    char lock[600];
    struct load load = {.seen = 0};

    (void)state;
    recover_start_all();
    assert_int_equal(pthread_create(&load.thread, NULL, work_on, &load), 0);
    for (int i = 0; i < 5; i++) {
        char name[32];

        load.seen = atomic_load(&load.done);
        assert_true(wait_until(goes_on, &load, WORK_MS));
        snprintf(name, sizeof name, "snapshot-%d", i);
        daemon_signal(a, SIGSTOP);
        snprintf(copy, sizeof copy, "%s", recover_copy(a, name));
        daemon_signal(a, SIGCONT);
        recover(0, copy, "verify");
        recover(0, copy, "indoubt");
        recover(0, copy, "export");
        recover_words(0, "explain", committed, copy);
    }
    atomic_store(&load.over, true);
    pthread_join(load.thread, NULL);
    recover_never_says("is a checkpoint");
    snprintf(lock, sizeof lock, "%s/LOCK.assent", copy);
    assert_int_equal(unlink(lock), 0);
    recover_words(0, "explain", committed, copy);
    recover_says("is a checkpoint: its node may have gone on");
    recover_settle();
    /* The node itself knows more by now. */
    recover_words(65, "verify", copy, coordinator->data);
    recover_says("BEHIND");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_several),      cmocka_unit_test(test_verify_progress),
        cmocka_unit_test(test_verify_refused),      cmocka_unit_test(test_verify_behind),
        cmocka_unit_test(test_verify_damaged_json), cmocka_unit_test(test_export),
        cmocka_unit_test(test_checkpoint),          cmocka_unit_test(test_copy_of_a_node_at_work),
    };

    return cmocka_run_group_tests(tests, recover_start, work_teardown);
}
