/* What a transport must survive: frames that are no frames, strangers, connections
 * without ZeroMQ. */
#include "tests/runtime/transport_fixture.h"

#include "common/clock.h"

#include <zmq.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Runs the loop until the participant has refused at least this many frames of each kind. */
static void run_until_refused(struct world *w, uint64_t malformed, uint64_t foreign)
{
    const uint64_t until = clock_now_us() + DEADLINE_US;
    struct transport_stats stats = transport_stats(w->participant.transport);

    while (stats.malformed < malformed || stats.foreign < foreign) {
        assert_true(clock_now_us() < until);
        run_a_little(w);
        stats = transport_stats(w->participant.transport);
    }
}

static void test_garbage(void **state)
{
    struct world *w = *state;
    static uint8_t nested[4096], large[100 * 1024];
    static const uint8_t count_bomb[] = {0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0};
    static const uint8_t truncated[] = {0x93, 0x01};
    static const uint8_t version[] = {0x93, 0x63, 0x96, 0xa4, 't', 'e', 's', 't', 0, 0, 0, 0, 0x90};
    const struct {
        const void *data;
        size_t len;
    } bad[] = {{"", 0},
               {"hello", 5},
               {count_bomb, sizeof(count_bomb)},
               {truncated, 2},
               {nested, sizeof(nested)},
               {large, sizeof(large)},
               {version, sizeof(version)}};
    const size_t n = sizeof(bad) / sizeof(bad[0]);
    void *dealer = client_new(w, NULL);
    struct capture capture;
    char text[4096];

    memset(nested, 0x91, sizeof(nested));
    capture_begin(&capture);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(zmq_send(dealer, bad[i].data, bad[i].len, 0), bad[i].len);
    }
    run_until_refused(w, n, 0);
    capture_end(&capture, text, sizeof(text));
    assert_int_equal(transport_stats(w->participant.transport).malformed, n);
    assert_int_equal(transport_stats(w->participant.transport).messages_in, 0);
    assert_non_null(strstr(text, "level=warn msg=\"malformed frame dropped\" peer=00"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line for all */
    client_close(w, dealer);
    assert_unharmed(w);
}

static void test_multipart_is_malformed(void **state)
{
    struct world *w = *state;
    void *dealer = client_new(w, NULL);

    for (int i = 0; i < 3; i++) {
        /* Each part alone would be a good frame. */
        client_request_flags(dealer, "test", TX_ROLE_CLIENT, 1, ZMQ_SNDMORE);
        client_request_flags(dealer, "test", TX_ROLE_CLIENT, 2, 0);
    }
    run_until_refused(w, 3, 0);
    assert_int_equal(transport_stats(w->participant.transport).frames_in, 3);
    client_close(w, dealer);
    assert_unharmed(w);
}

static void test_a_chosen_routing_id_is_malformed(void **state)
{
    struct world *w = *state;
    void *long_id = client_new(w, "a-routing-id-of-my-own"), *short_id = client_new(w, "12345");

    client_request(long_id, "test", TX_ROLE_CLIENT, 1);
    client_request(short_id, "test", TX_ROLE_CLIENT, 2);
    run_until_refused(w, 2, 0);
    assert_int_equal(w->participant.received, 0);
    client_close(w, long_id);
    client_close(w, short_id);
    assert_unharmed(w);
}

static void test_foreign(void **state)
{
    struct world *w = *state;
    void *stranger = client_new(w, NULL), *liar = client_new(w, NULL);
    struct capture capture;
    char text[4096];

    capture_begin(&capture);
    client_request(stranger, "elsewhere", TX_ROLE_CLIENT, 1);
    run_until_refused(w, 0, 1);
    client_request(liar, "test", TX_ROLE_COORDINATOR, 1); /* asks as only a client may */
    run_until_refused(w, 0, 2);
    capture_end(&capture, text, sizeof(text));
    assert_int_equal(w->participant.received, 0);
    assert_int_equal(transport_stats(w->participant.transport).malformed, 0);
    assert_non_null(strstr(text, "why=\"it belongs to cluster \\\"elsewhere\\\", this one is "
                                 "\\\"test\\\"\""));
    assert_non_null(strstr(text, "may not send STATUS_REQUEST to a participant"));
    client_close(w, stranger);
    client_close(w, liar);
    assert_unharmed(w);
}

static int connect_unix(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_true(strlen(path) < sizeof(at.sun_path));
    memcpy(at.sun_path, path, strlen(path) + 1);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

/* Unless the transport has given the connection up by then, as it does after some seconds. */
static void write_raw(int fd, const void *data, size_t len)
{
    const ssize_t n = write(fd, data, len);

    assert_true(n == (ssize_t)len || (n < 0 && (errno == EPIPE || errno == ECONNRESET)));
}

/* No ZeroMQ at all, half a greeting, and a frame far beyond the limit: the connection ends, no
 * more. */
static void test_raw_bytes(void **state)
{
    struct world *w = *state;
    static uint8_t huge[1024 * 1024];
    char path[256];
    void *dealer;
    int web, half;

    web = connect_unix(scratch_path(&w->scratch, "a.sock", path));
    half = connect_unix(path);
    write_raw(web, "GET / HTTP/1.1\r\n\r\n", 18);
    write_raw(half, "\xff\0\0\0\0\0\0\0\1\x7f\3", 11);
    dealer = client_new(w, NULL);
    assert_int_equal(zmq_send(dealer, huge, sizeof(huge), 0), sizeof(huge));
    assert_unharmed(w);
    assert_int_equal(transport_stats(w->participant.transport).frames_in, 1);
    assert_int_equal(close(web), 0);
    assert_int_equal(close(half), 0);
    client_close(w, dealer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSPORT_TEST(test_garbage),
        TRANSPORT_TEST(test_multipart_is_malformed),
        TRANSPORT_TEST(test_a_chosen_routing_id_is_malformed),
        TRANSPORT_TEST(test_foreign),
        TRANSPORT_TEST(test_raw_bytes),
    };

    loop_prepare_process();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
