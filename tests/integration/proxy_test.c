/* The proxy of the tests does what it says, and alters no byte: a fault that is none would make
 * every test behind it worthless. */
#include "tests/integration/cluster.h"
#include "tests/integration/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SOON_MS 60000
#define NOT_MS  150

struct fixture {
    int listener;
    struct proxy *proxy;
    size_t route;
};

static int setup(void **state)
{
    static struct fixture f;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;

    f.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f.listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(f.listener, 16), 0);
    assert_int_equal(getsockname(f.listener, (struct sockaddr *)&address, &len), 0);
    f.proxy = proxy_new();
    f.route = proxy_add(f.proxy, ntohs(address.sin_port));
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    proxy_destroy(&f->proxy);
    close(f->listener);
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool readable(int fd, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    return poll(&poll_fd, 1, timeout_ms) == 1;
}

static int dial(const struct fixture *f)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)proxy_port(f->proxy, f->route)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static int answer(const struct fixture *f)
{
    assert_true(readable(f->listener, SOON_MS));
    return accept(f->listener, NULL, NULL);
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Exactly this text comes next. */
static void hear(int fd, const char *text)
{
    char got[64] = {0};
    size_t n = 0;

    while (n < strlen(text)) {
        assert_true(readable(fd, SOON_MS));
        ssize_t more = recv(fd, got + n, strlen(text) - n, 0);
        assert_true(more > 0);
        n += (size_t)more;
    }
    assert_string_equal(got, text);
}

static void hear_nothing(int fd)
{
    assert_false(readable(fd, NOT_MS));
}

static void test_passes_bytes_on(void **state)
{
    struct fixture *f = *state;
    static unsigned char sent[1 << 20], got[1 << 20];
    int client = dial(f), target = answer(f);
    size_t in = 0, out = 0;

    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (unsigned char)(i * 31 + i / 257);
    while (in < sizeof got) {
        ssize_t n = send(client, sent + out, sizeof sent - out, MSG_DONTWAIT | MSG_NOSIGNAL);
        out += n > 0 ? (size_t)n : 0;
        assert_true(readable(target, SOON_MS));
        n = recv(target, got + in, sizeof got - in, 0);
        assert_true(n > 0);
        in += (size_t)n;
    }
    assert_memory_equal(sent, got, sizeof sent);
    say(target, "back");
    hear(client, "back");
    close(client);
    assert_true(readable(target, SOON_MS));
    assert_int_equal(recv(target, got, 1, 0), 0);
    close(target);
}

static void test_cuts_one_way_and_delivers_when_it_heals(void **state)
{
    struct fixture *f = *state;
    struct proxy_fault cut = {.cut = {true, false}};
    int client = dial(f), target = answer(f);

    say(client, "1");
    hear(target, "1");
    proxy_set(f->proxy, f->route, &cut);
    say(client, "2");
    hear_nothing(target);
    say(target, "3");
    hear(client, "3");
    proxy_heal(f->proxy);
    hear(target, "2");
    close(client);
    close(target);
}

/* Never sooner; how much later says nothing of it. */
static void test_delays_and_throttles(void **state)
{
    struct fixture *f = *state;
    struct proxy_fault slow = {.delay_ms = 2 * NOT_MS};
    struct proxy_fault narrow = {.bytes_max = 1};
    static const char digits[] = "0123456789012345678901234567890123456789";
    int client = dial(f), target = answer(f);
    int64_t begun;

    proxy_set(f->proxy, f->route, &slow);
    begun = now_ms();
    say(client, "late");
    hear(target, "late");
    assert_true(now_ms() - begun >= 2 * NOT_MS);
    proxy_set(f->proxy, f->route, &narrow);
    begun = now_ms();
    say(client, digits);
    hear(target, digits);
    assert_true(now_ms() - begun >= 380); /* 40 bytes, ten milliseconds from one to the next */
    close(client);
    close(target);
}

static void test_resets(void **state)
{
    struct fixture *f = *state;
    int client = dial(f), target = answer(f);
    char byte;

    proxy_reset(f->proxy, f->route);
    assert_true(readable(client, SOON_MS));
    assert_int_equal(recv(client, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    assert_true(readable(target, SOON_MS));
    assert_int_equal(recv(target, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    assert_int_equal(proxy_counts(f->proxy).resets, 1);
    close(client);
    close(target);
}

static void test_half_closes(void **state)
{
    struct fixture *f = *state;
    int client = dial(f), target = answer(f);
    char byte;

    proxy_half_close(f->proxy, f->route, PROXY_THERE);
    assert_true(readable(target, SOON_MS));
    assert_int_equal(recv(target, &byte, 1, 0), 0);
    say(target, "still");
    hear(client, "still");
    close(client);
    close(target);
}

static void test_doubles_connections(void **state)
{
    struct fixture *f = *state;
    struct proxy_fault twice = {.twice = true};
    int client, target, second;

    proxy_set(f->proxy, f->route, &twice);
    client = dial(f);
    target = answer(f);
    second = answer(f);
    say(client, "twice");
    hear(target, "twice");
    hear(second, "twice");
    /* Either may be the twin, whose answers nobody hears. */
    say(target, "a");
    say(second, "a");
    hear(client, "a");
    hear_nothing(client);
    close(client);
    close(target);
    close(second);
}

static void test_replays_what_was_sent(void **state)
{
    struct fixture *f = *state;
    int client = dial(f), target = answer(f), second;

    say(client, "once ");
    hear(target, "once ");
    say(client, "more");
    hear(target, "more");
    proxy_replay(f->proxy, f->route);
    second = answer(f);
    hear(second, "once more");
    hear_nothing(target);
    close(client);
    close(target);
    close(second);
}

static void test_refuses_while_nobody_listens(void **state)
{
    struct fixture *f = *state;
    char byte;
    int client;

    shutdown(f->listener, SHUT_RDWR);
    client = dial(f);
    assert_true(readable(client, SOON_MS));
    assert_true(recv(client, &byte, 1, 0) <= 0);
    close(client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_passes_bytes_on),       TEST(test_cuts_one_way_and_delivers_when_it_heals),
        TEST(test_delays_and_throttles),  TEST(test_resets),
        TEST(test_half_closes),           TEST(test_doubles_connections),
        TEST(test_replays_what_was_sent), TEST(test_refuses_while_nobody_listens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
