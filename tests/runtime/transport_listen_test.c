/* Addresses that are taken, left behind, wrong, or of another kind. */
#include "tests/runtime/transport_fixture.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void test_port_in_use(void **state)
{
    struct world *w = *state;
    struct node second;
    struct tx_why why;
    char expected[256];

    assert_int_equal(try_open(w, &second, TX_ROLE_COORDINATOR, w->coordinator.address.s, &why),
                     TX_EBUSY);
    (void)snprintf(expected, sizeof(expected),
                   "%s is in use by another process; stop it, or choose another address",
                   w->coordinator.address.s);
    assert_string_equal(why.text, expected);
    assert_null(second.transport);
}

static void test_path_in_use(void **state)
{
    struct world *w = *state;
    struct node second;
    struct tx_why why;

    assert_int_equal(try_open(w, &second, TX_ROLE_PARTICIPANT, w->participant.address.s, &why),
                     TX_EBUSY);
    assert_unharmed(w); /* the first one still has the path */
}

static void test_stale_path(void **state)
{
    struct world *w = *state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    transport_destroy(&w->participant.transport);
    /* What a daemon leaves that died by kill -9: the file, and nobody behind it. */
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/b.sock", w->scratch.dir);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(access(at.sun_path, F_OK), 0);
    open_node(w, &w->participant, TX_ROLE_PARTICIPANT, ipc_name(w, "b.sock"));
    w->participant.echo = true;
    assert_unharmed(w);
}

static void test_path_is_taken_by_a_file(void **state)
{
    struct world *w = *state;
    struct node second;
    struct tx_why why;
    char path[256];

    scratch_write(scratch_path(&w->scratch, "file", path), "precious", 8);
    assert_int_equal(try_open(w, &second, TX_ROLE_PARTICIPANT, ipc_name(w, "file"), &why),
                     TX_EADDRESS);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(try_open(w, &second, TX_ROLE_PARTICIPANT, ipc_name(w, "no/such/folder"), &why),
                     TX_EADDRESS);
    assert_int_equal(try_open(w, &second, TX_ROLE_PARTICIPANT, "tcp://0.0.0.0:7400", &why),
                     TX_EADDRESS);
}

static void test_ipv6_and_localhost(void **state)
{
    struct world *w = *state;
    struct node node;
    const struct tx_msg msg = commit(3);

    open_node(w, &node, TX_ROLE_PARTICIPANT, "tcp://localhost:*");
    assert_int_equal(strncmp(node.address.s, "tcp://127.0.0.1:", 16), 0);
    transport_destroy(&node.transport);
    if (access("/proc/net/if_inet6", F_OK) != 0) {
        return; /* a machine without IPv6 */
    }
    transport_destroy(&w->participant.transport);
    open_node(w, &w->participant, TX_ROLE_PARTICIPANT, "tcp://[::1]:*");
    transport_send(w->coordinator.transport, &w->participant.address, &msg);
    transport_flush(w->coordinator.transport);
    receive(&w->participant, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSPORT_TEST(test_port_in_use),        TRANSPORT_TEST(test_path_in_use),
        TRANSPORT_TEST(test_stale_path),         TRANSPORT_TEST(test_path_is_taken_by_a_file),
        TRANSPORT_TEST(test_ipv6_and_localhost),
    };

    loop_prepare_process();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
