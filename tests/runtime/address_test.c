#include "tests/runtime/scratch.h"

#include "common/transport.h"
#include "common/transport_address.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define USE "; use tcp://127.0.0.1:PORT, tcp://[::1]:PORT, tcp://localhost:PORT or ipc:///PATH"
#define ALL                                                                                        \
    "means every network interface, and without encryption only this machine may reach a daemon"
#define FAR                                                                                        \
    "the host is no loopback address, and without encryption only this machine may reach a daemon"
#define P10  "0123456789"
#define P100 P10 P10 P10 P10 P10 P10 P10 P10 P10 P10

static void test_good(void **state)
{
    static const char *const good[][2] = {
        {"tcp://127.0.0.1:7400", "tcp://127.0.0.1:7400"},
        {"tcp://127.0.0.1:1", "tcp://127.0.0.1:1"},
        {"tcp://127.255.3.9:65535", "tcp://127.255.3.9:65535"},
        {"tcp://localhost:7400", "tcp://127.0.0.1:7400"},
        {"tcp://[::1]:7400", "tcp://[::1]:7400"},
        {"ipc:///run/assent/a.sock", "ipc:///run/assent/a.sock"},
        {"ipc:///" P100 "012345", "ipc:///" P100 "012345"}, /* 107 bytes of path */
    };
    struct transport_address parsed;
    struct tx_why why;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(transport_address_check(good[i][0], &why), TX_OK);
        assert_int_equal(transport_listen_check(good[i][0], &why), TX_OK);
        assert_int_equal(transport_address_parse(good[i][0], false, &parsed, &why), TX_OK);
        assert_string_equal(parsed.endpoint, good[i][1]);
        assert_int_equal(parsed.path != NULL, good[i][0][0] == 'i');
        assert_int_equal(parsed.ipv6, good[i][0][6] == '[');
    }
}

static void test_bad(void **state)
{
    static const char *const port = "a port is a number from 1 to 65535";
    static const struct {
        const char *address, *reason;
    } bad[] = {
        {"", "it begins with neither tcp:// nor ipc://"},
        {"127.0.0.1:7400", "it begins with neither tcp:// nor ipc://"},
        {"udp://127.0.0.1:7400", "it begins with neither tcp:// nor ipc://"},
        {"inproc://x", "it begins with neither tcp:// nor ipc://"},
        {"tcp://", "there is no port"},
        {"tcp://127.0.0.1", "there is no port"},
        {"tcp://[::1]", "there is no port"},
        {"tcp://:7400", "there is no usable host"},
        {"tcp://127.0.0.1:", port},
        {"tcp://127.0.0.1:0", port},
        {"tcp://127.0.0.1:65536", port},
        {"tcp://127.0.0.1:99999999999", port},
        {"tcp://127.0.0.1:7400x", port},
        {"tcp://127.0.0.1:-1", port},
        {"tcp://127.0.0.1: 7400", port},
        {"tcp://*:7400", ALL},
        {"tcp://0.0.0.0:7400", ALL},
        {"tcp://[::]:7400", ALL},
        {"tcp://192.168.1.2:7400", FAR},
        {"tcp://128.0.0.1:7400", FAR},
        {"tcp://127.1:7400", FAR},
        {"tcp://example.com:7400", FAR},
        {"tcp://localhost.:7400", FAR},
        {"tcp://lo:7400", FAR},
        {"tcp://::1:7400", FAR},
        {"tcp://[::ffff:127.0.0.1]:7400", FAR},
        {"tcp://10.0.0.1;127.0.0.1:7400", FAR},
        {"tcp://127.0.0.1:1;10.0.0.1:7400", FAR},
        {"ipc://", "the path of a socket must begin with '/' and name a file"},
        {"ipc://a.sock", "the path of a socket must begin with '/' and name a file"},
        {"ipc://@abstract", "the path of a socket must begin with '/' and name a file"},
        {"ipc://*", "the path of a socket must begin with '/' and name a file"},
        {"ipc:///run/", "the path of a socket must begin with '/' and name a file"},
        {"ipc:///" P100 "0123456", "the path of a socket has at most 107 bytes"},
        {"tcp://" P100 P10 P10 ":7400", "an address has at most 127 characters"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tx_why why;
        char expected[sizeof(why.text)];

        (void)snprintf(expected, sizeof(expected), "\"%s\": %s" USE, bad[i].address, bad[i].reason);
        assert_int_equal(transport_address_check(bad[i].address, &why), TX_EADDRESS);
        assert_string_equal(why.text, expected);
        assert_int_equal(transport_listen_check(bad[i].address, NULL), TX_EADDRESS);
    }
}

static void test_any_port_is_for_listening(void **state)
{
    (void)state;
    assert_int_equal(transport_address_check("tcp://127.0.0.1:*", NULL), TX_EADDRESS);
    assert_int_equal(transport_listen_check("tcp://127.0.0.1:*", NULL), TX_OK);
    assert_int_equal(transport_listen_check("tcp://*:*", NULL), TX_EADDRESS);
}

static int listen_at(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_true(strlen(path) < sizeof(at.sun_path));
    memcpy(at.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void test_path(void **state)
{
    struct scratch scratch;
    struct tx_why why;
    char path[256], expected[512];
    int fd;

    (void)state;
    scratch_make(&scratch);
    scratch_path(&scratch, "s", path);
    assert_int_equal(transport_path_check(path, &why), TX_OK);
    fd = listen_at(path);
    for (int i = 0; i < 4; i++) { /* also with a full backlog */
        assert_int_equal(transport_path_check(path, &why), TX_EBUSY);
    }
    (void)snprintf(expected, sizeof(expected),
                   "%s is in use: another process listens there; stop it, or choose another path",
                   path);
    assert_string_equal(why.text, expected);
    assert_int_equal(close(fd), 0);
    assert_int_equal(transport_path_check(path, &why), TX_OK);
    assert_int_equal(transport_path_check(scratch.dir, &why), TX_EADDRESS);
    scratch_path(&scratch, "f", path);
    scratch_write(path, "precious", 8);
    assert_int_equal(transport_path_check(path, &why), TX_EADDRESS);
    (void)snprintf(expected, sizeof(expected), "%s exists and is no socket; choose another path",
                   path);
    assert_string_equal(why.text, expected);
    scratch_remove(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_any_port_is_for_listening),
        cmocka_unit_test(test_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
