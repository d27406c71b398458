/* Data directories and addresses that a daemon cannot use, and clients of another cluster: a clear
 * text, the documented exit status, and nothing touched that is not the daemon's. */
#include "client/txclient.h"
#include "tests/integration/cluster.h"
#include "txlog/rdb.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { DATA = 65, UNAVAILABLE = 69, CANNOT_CREATE = 73, NO_PERMISSION = 77, CONFIG = 78 };

#define WAIT_MS 60000

static struct cluster cluster;

/* ---- starting what must not start ---- */

/* A node of a configuration of its own: `data` and `listen` in the cluster's directory. */
struct node {
    const char *program;
    const char *cluster;
    const char *identity; /* "name = a" or "id = 1" */
    char data[CLUSTER_PATH];
    char listen[CLUSTER_PATH];
};

static struct node other_node(const char *data)
{
    struct node node = {"txparticipant", "test", "name = a", "", ""};

    snprintf(node.data, sizeof node.data, "%.*s", (int)sizeof node.data - 1, data);
    snprintf(node.listen, sizeof node.listen, "ipc://%.200s/other.sock", cluster.directory);
    return node;
}

static void expect_in(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, text);
}

/* Starts the node, which must end with the status and say both texts. */
static void expect_end(const struct node *node, int status, const char *path, const char *text)
{
    char file[CLUSTER_PATH + 16], program[1024], config[2048], err[8192];
    bool coordinator = strcmp(node->program, "txcoordinator") == 0;
    int got;

    snprintf(file, sizeof file, "%s/other.conf", cluster.directory);
    snprintf(config, sizeof config, "[node]\ncluster = %s\n%s\ndata = %s\nlisten = %s\n%s",
             node->cluster, node->identity, node->data, node->listen,
             coordinator ? "[participants]\na = ipc:///tmp/nobody.sock\n" : "");
    file_write(file, config);
    snprintf(program, sizeof program, "%s/%s", ASSENT_BIN_DIR, node->program);
    /* One that serves after all is ended, which gives another status. */
    got = run_program(NULL, 0, err, sizeof err, "/usr/bin/timeout", "--kill-after=10", "60",
                      program, "--config", file, NULL);
    if (got != status)
        fail_msg("status %d, not %d: %s", got, status, err);
    expect_in(err, path);
    expect_in(err, text);
    assert_null(strstr(err, "msg=serving"));
}

/* ---- data directories ---- */

static void test_directory_in_use(void **state)
{
    struct daemon *a = &cluster.participants[0];
    struct node node = other_node(a->data);
    char text[64];

    (void)state;
    daemon_start(a);
    snprintf(text, sizeof text, "in use by process %d; stop it first", (int)a->pid);
    expect_end(&node, UNAVAILABLE, a->data, text);
    node.program = "txcoordinator";
    node.identity = "id = 1";
    expect_end(&node, UNAVAILABLE, a->data, text);
    daemon_stop(a);
}

static void test_directory_of_others(void **state)
{
    struct daemon *a = &cluster.participants[0], *coordinator = &cluster.coordinator;
    struct node node = other_node(a->data);

    (void)state;
    daemon_start(a);
    daemon_stop(a);
    daemon_start(coordinator);
    daemon_stop(coordinator);
    node.identity = "name = b";
    expect_end(&node, DATA, a->data, "belongs to participant a, not to participant b; name the");
    node = other_node(a->data);
    node.cluster = "other";
    expect_end(&node, DATA, a->data, "belongs to cluster \\\"test\\\", not to \\\"other\\\"; name");
    node = other_node(coordinator->data);
    expect_end(&node, DATA, coordinator->data, "belongs to coordinator 1, not to participant a");
    node.program = "txcoordinator";
    node.identity = "id = 2";
    expect_end(&node, DATA, coordinator->data, "belongs to coordinator 1, not to coordinator 2");
    node = other_node(a->data);
    node.program = "txcoordinator";
    node.identity = "id = 1";
    expect_end(&node, DATA, a->data, "belongs to participant a, not to coordinator 1");
    /* Their owners still like them. */
    daemon_start(a);
    daemon_stop(a);
    daemon_start(coordinator);
    daemon_stop(coordinator);
}

static void set_format(const char *directory, const char *format)
{
    struct rdb *rdb = NULL;
    struct tx_why why = {""};

    if (rdb_open(directory, RDB_OPEN, 0, &rdb, &why) != TX_OK)
        fail_msg("%s", why.text);
    rdb_put(rdb, RDB_META, tx_bytes_str("format"), tx_bytes(format, 4));
    assert_int_equal(rdb_commit(rdb, true, NULL), TX_OK);
    rdb_close(&rdb);
}

static void test_directory_of_a_newer_format(void **state)
{
    struct daemon *a = &cluster.participants[0];
    struct node node = other_node(a->data);

    (void)state;
    daemon_start(a);
    daemon_stop(a);
    set_format(a->data, "\x63\0\0\0");
    expect_end(&node, DATA, a->data, "format 99, this program knows 1; use the program");
    set_format(a->data, "\1\0\0\0");
    daemon_start(a);
    daemon_stop(a);
}

static void test_file_in_the_way(void **state)
{
    char path[CLUSTER_PATH + 16], below[CLUSTER_PATH + 32];
    struct node node;

    (void)state;
    snprintf(path, sizeof path, "%s/way", cluster.directory);
    file_write(path, "hello\n");
    node = other_node(path);
    expect_end(&node, CONFIG, path, "Not a directory; name a directory");
    snprintf(below, sizeof below, "%s/data", path);
    node = other_node(below);
    expect_end(&node, CONFIG, below, "Not a directory; name a directory");
    assert_int_equal(file_size(path), 6);
    snprintf(below, sizeof below, "%s/no/such/place", cluster.directory);
    node = other_node(below);
    expect_end(&node, CANNOT_CREATE, below, "check the path, and that the directories above it");
}

static void test_foreign_files(void **state)
{
    char directory[CLUSTER_PATH + 16], letter[CLUSTER_PATH + 32], lock[CLUSTER_PATH + 32];
    struct node node;

    (void)state;
    snprintf(directory, sizeof directory, "%s/home", cluster.directory);
    snprintf(letter, sizeof letter, "%s/letter.txt", directory);
    snprintf(lock, sizeof lock, "%s/LOCK.assent", directory);
    assert_int_equal(mkdir(directory, 0700), 0);
    file_write(letter, "dear reader\n");
    node = other_node(directory);
    expect_end(&node, CONFIG, directory,
               "holds other things (letter.txt) and no log; name an empty or a new directory");
    assert_int_equal(file_size(letter), 12);
    assert_int_equal(file_size(lock), -1); /* not a file was made in it */
}

static void test_directory_without_permission(void **state)
{
    char directory[CLUSTER_PATH + 16], below[CLUSTER_PATH + 32];
    struct node node;

    (void)state;
    snprintf(directory, sizeof directory, "%s/readonly", cluster.directory);
    snprintf(below, sizeof below, "%s/data", directory);
    assert_int_equal(mkdir(directory, 0700), 0);
    if (mount("tmpfs", directory, "tmpfs", MS_RDONLY, "size=1m") != 0) {
        print_message("skipped: no permission to mount a read-only file system (%s)\n",
                      strerror(errno));
        skip();
    }
    node = other_node(directory);
    expect_end(&node, NO_PERMISSION, directory,
               "Read-only file system; check the owner and mode, and that the file system");
    node = other_node(below);
    expect_end(&node, NO_PERMISSION, below, "cannot make the directory: Read-only file system");
}

/* Also after a failed assertion, or the directory could not be removed. */
static int unmount(void **state)
{
    char directory[CLUSTER_PATH + 16];

    (void)state;
    snprintf(directory, sizeof directory, "%s/readonly", cluster.directory);
    return umount2(directory, MNT_DETACH) == 0 || errno == EINVAL || errno == EPERM ? 0 : -1;
}

/* ---- addresses ---- */

static void expect_address_refused(const struct daemon *holder, const char *text)
{
    char data[CLUSTER_PATH + 16];
    struct node node;

    snprintf(data, sizeof data, "%s/new.data", cluster.directory);
    node = other_node(data);
    snprintf(node.listen, sizeof node.listen, "%s", holder->address);
    expect_end(&node, UNAVAILABLE, strchr(holder->address, '/') + 2, text);
    node.program = "txcoordinator";
    node.identity = "id = 1";
    snprintf(node.data, sizeof node.data, "%.200s/new2.data", cluster.directory);
    expect_end(&node, UNAVAILABLE, strchr(holder->address, '/') + 2, text);
}

static void test_port_in_use(void **state)
{
    struct cluster tcp;

    (void)state;
    cluster_init(&tcp, 1, true);
    daemon_start(&tcp.participants[0]);
    expect_address_refused(&tcp.participants[0],
                           "is in use by another process; stop it, or choose another address");
    daemon_stop(&tcp.participants[0]);
    cluster_deinit(&tcp);
}

static void test_path_in_use_and_left_behind(void **state)
{
    struct daemon *a = &cluster.participants[0];
    const char *path = a->address + strlen("ipc://");

    (void)state;
    daemon_start(a);
    expect_address_refused(a, "is in use: another process listens there; stop it, or choose");
    assert_int_not_equal(file_size(path), -1);
    daemon_kill(a);
    assert_int_not_equal(file_size(path), -1); /* left behind, and in nobody's way */
    daemon_start(a);
    daemon_stop(a);
}

static void test_path_held_by_a_file(void **state)
{
    char path[CLUSTER_PATH + 16], data[CLUSTER_PATH + 16];
    struct node node;

    (void)state;
    snprintf(path, sizeof path, "%s/letter", cluster.directory);
    snprintf(data, sizeof data, "%s/letter.data", cluster.directory);
    file_write(path, "dear reader\n");
    node = other_node(data);
    snprintf(node.listen, sizeof node.listen, "ipc://%.200s/letter", cluster.directory);
    expect_end(&node, CONFIG, path, "exists and is no socket; choose another path");
    assert_int_equal(file_size(path), 12);
    snprintf(node.listen, sizeof node.listen, "ipc://%.200s/no/such.sock", cluster.directory);
    expect_end(&node, CONFIG, "/no/such.sock", "No such file or directory");
}

/* ---- a client of another cluster ---- */

static txclient *open_client(const char *name)
{
    txclient_options options = {.size = sizeof options, .request_timeout_ms = 1000};
    txclient *client = NULL;
    txclient_why why;

    if (strcmp(name, "test") == 0)
        options.request_timeout_ms = 0;
    if (txclient_open(name, cluster.coordinator.address, &options, &client, &why) != TXCLIENT_OK)
        fail_msg("%s", why.text);
    return client;
}

static unsigned long foreign_frames(txclient *client, const char *address)
{
    txclient_node *node = NULL;
    unsigned long n;

    if (txclient_inspect(client, address, &node) != TXCLIENT_OK)
        fail_msg("%s", txclient_detail(client)->text);
    n = strtoul(txclient_node_get(node, "frames_foreign"), NULL, 10);
    txclient_node_free(&node);
    return n;
}

struct counting {
    txclient *client;
    const char *address;
    unsigned long before;
};

static bool has_counted(void *arg)
{
    const struct counting *counting = arg;

    return foreign_frames(counting->client, counting->address) > counting->before;
}

static void expect_stranger(txclient *stranger, txclient *client, const struct daemon *daemon)
{
    struct counting counting = {client, daemon->address, foreign_frames(client, daemon->address)};
    txclient_node *node = NULL;

    assert_int_equal(txclient_inspect(stranger, daemon->address, &node), TXCLIENT_ETIMEOUT);
    assert_null(node);
    expect_in(txclient_detail(stranger)->text, daemon->address);
    expect_in(txclient_detail(stranger)->text, "another cluster than \"other\"?");
    assert_true(wait_until(has_counted, &counting, WAIT_MS));
    assert_true(daemon_says(daemon, "msg=\"foreign frame dropped\"", WAIT_MS));
    assert_true(daemon_says(daemon, "it belongs to cluster \\\"other\\\", this one is \\\"test\\\"",
                            WAIT_MS));
}

static void test_client_of_another_cluster(void **state)
{
    txclient *stranger, *client;
    txclient_tx *tx = NULL;

    (void)state;
    cluster_start(&cluster);
    stranger = open_client("other");
    client = open_client("test");
    expect_stranger(stranger, client, &cluster.coordinator);
    expect_stranger(stranger, client, &cluster.participants[0]);
    assert_int_equal(txclient_begin(stranger, NULL, &tx), TXCLIENT_ETIMEOUT);
    assert_null(tx);
    expect_in(txclient_detail(stranger)->text, "another cluster than \"other\"?");
    txclient_close(&stranger);
    txclient_close(&client);
    daemon_stop(&cluster.coordinator);
    daemon_stop(&cluster.participants[0]);
}

/* Each test has a cluster of its own, so that a failed one leaves nothing to the next. */
static int start(void **state)
{
    (void)state;
    cluster_init(&cluster, 1, false);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cluster_deinit(&cluster);
    return 0;
}

static int unmount_and_stop(void **state)
{
    int status = unmount(state);

    return stop(state) == 0 ? status : -1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_directory_in_use),
        TEST(test_directory_of_others),
        TEST(test_directory_of_a_newer_format),
        TEST(test_file_in_the_way),
        TEST(test_foreign_files),
        cmocka_unit_test_setup_teardown(test_directory_without_permission, start, unmount_and_stop),
        TEST(test_port_in_use),
        TEST(test_path_in_use_and_left_behind),
        TEST(test_path_held_by_a_file),
        TEST(test_client_of_another_cluster),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
