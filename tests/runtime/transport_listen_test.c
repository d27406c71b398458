/* Addresses that are taken, left behind, wrong, or of another kind. */
#include "tests/runtime/transport_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
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

/* The file of the kernel's IPv6 addresses is there also where ::1 is not, as in many containers. */
static bool has_ipv6(void)
{
    const struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool has = fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;

    if (fd >= 0) {
        assert_int_equal(close(fd), 0);
    }
    return has;
}

static void test_ipv6_and_localhost(void **state)
{
    struct world *w = *state;
    struct node node;
    const struct tx_msg msg = commit(3);

    open_node(w, &node, TX_ROLE_PARTICIPANT, "tcp://localhost:*");
    assert_int_equal(strncmp(node.address.s, "tcp://127.0.0.1:", 16), 0);
    transport_destroy(&node.transport);
    if (!has_ipv6()) {
        return;
    }
    transport_destroy(&w->participant.transport);
    open_node(w, &w->participant, TX_ROLE_PARTICIPANT, "tcp://[::1]:*");
    transport_send(w->coordinator.transport, &w->participant.address, &msg);
    transport_flush(w->coordinator.transport);
    receive(&w->participant, 1);
}

/* The descriptor of this process that listens at the port; -1 for none. */
static int listening_at(unsigned port)
{
    for (int fd = 3; fd < 1024; fd++) {
        struct sockaddr_in at = {0};
        socklen_t at_size = sizeof(at), size = sizeof(int);
        int listens = 0;

        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0 &&
            getsockname(fd, (struct sockaddr *)&at, &at_size) == 0 && at.sin_family == AF_INET &&
            ntohs(at.sin_port) == port) {
            return fd;
        }
    }
    return -1;
}

/* A thousand clients may connect at once: the kernel would drop those that it has no place for, and
 * each would try again a second later. */
static void test_place_for_many_connections(void **state)
{
    struct world *w = *state;
    const char *port = strrchr(w->coordinator.address.s, ':') + 1;
    const int fd = listening_at((unsigned)strtoul(port, NULL, 10));
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    FILE *file = fopen("/proc/sys/net/core/somaxconn", "r");
    char text[32] = "";
    unsigned long most;

    assert_true(fd >= 0);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    if (file == NULL) {
        skip(); /* it cannot be known what this machine allows */
    }
    assert_non_null(fgets(text, sizeof(text), file));
    assert_int_equal(fclose(file), 0);
    most = strtoul(text, NULL, 10);
    /* Of a socket that listens, this is the length of its queue. */
    assert_int_equal(info.tcpi_sacked, most < 4096 ? most : 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSPORT_TEST(test_port_in_use),        TRANSPORT_TEST(test_path_in_use),
        TRANSPORT_TEST(test_stale_path),         TRANSPORT_TEST(test_path_is_taken_by_a_file),
        TRANSPORT_TEST(test_ipv6_and_localhost), TRANSPORT_TEST(test_place_for_many_connections),
    };

    loop_prepare_process();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
