/* What no honest peer sends, from bare sockets, against both daemons: they drop it, count it,
 * complain once per peer and interval, and go on working within the memory that they have. */
#include "client/txclient.h"
#include "tests/common/wire_samples.h"
#include "tests/integration/answered.h"
#include "tests/integration/cluster.h"
#include "tests/integration/raw_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MALFORMED "msg=\"malformed frame dropped\""
#define FOREIGN   "msg=\"foreign frame dropped\""

#define COMPLAINT_SECONDS 10 /* a daemon writes one line about a peer in this time */
#define RSS_GROWTH_KB     (96 * 1024)
#define MEBIBYTE          (1u << 20)

static struct cluster cluster;
static txclient *client;
/* The daemons, each in both roles of the tests: the coordinator and participant a. */
static struct daemon *daemons[2];

/* ---- what must hold after everything ---- */

static void expect_transactions_work(void)
{
    static int round = 0;
    txclient_batch *batch = txclient_batch_new();
    txclient_value values[3];
    char text[16];

    snprintf(text, sizeof text, "%d", ++round);
    txclient_batch_put(batch, txclient_at("a", "t", "round"), txclient_str(text));
    txclient_batch_put(batch, txclient_at("b", "t", "round"), txclient_str(text));
    txclient_batch_get(batch, txclient_at("a", "t", "round"));
    if (submit_answered(client, batch, NULL, values) != TXCLIENT_OK)
        fail_msg("%s", txclient_detail(client)->text);
    assert_int_equal(values[2].len, strlen(text));
    assert_memory_equal(values[2].data, text, values[2].len);
    txclient_batch_free(&batch);
}

static long rss_kb(const struct daemon *daemon)
{
    char path[64], line[256];
    long kb = -1;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/status", (int)daemon->pid);
    file = fopen(path, "r");
    assert_non_null(file);
    while (kb < 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kb = strtol(line + 6, NULL, 10);
    fclose(file);
    assert_true(kb > 0);
    return kb;
}

static unsigned count_lines(const struct daemon *daemon, const char *text)
{
    FILE *file = fopen(daemon->log, "r");
    char line[8192];
    unsigned n = 0;

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL)
        n += strstr(line, text) != NULL;
    fclose(file);
    return n;
}

/* Seconds of the clock that the daemons count their intervals by. */
static time_t now_s(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return now.tv_sec;
}

/* One line for each interval that has begun since `since`. */
static void expect_one_complaint(const struct daemon *daemon, const char *text, unsigned before,
                                 time_t since)
{
    unsigned lines = count_lines(daemon, text) - before;
    unsigned most = 1 + (unsigned)((now_s() - since) / COMPLAINT_SECONDS);

    assert_in_range(lines, 1, most);
}

/* ---- frames that are none ---- */

static const struct tx_op op = {.type = TX_OP_PUT,
                                .participant = {"a"},
                                .space = {(const uint8_t *)"t", 1},
                                .key = {(const uint8_t *)"k", 1}};

static struct tx_bytes submit_frame(void)
{
    struct tx_envelope envelope = raw_client();
    struct tx_msg msg = {.type = TX_MSG_SUBMIT, .submit = {.req = 1, .ops = &op, .ops_n = 1}};

    return raw_frame(&envelope, &msg);
}

static unsigned send_random(struct raw_peer *peer)
{
    static const size_t sizes[] = {0, 1, 2, 7, 100, 5000, 65536};
    static uint8_t bytes[65536];
    uint64_t seed = 12345;

    for (size_t i = 0; i < sizeof bytes; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(seed >> 40);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        raw_send_bytes(peer, tx_bytes(bytes, sizes[i]));
    return sizeof sizes / sizeof sizes[0];
}

/* A good frame, cut at every length; with a byte too many; of another version. */
static unsigned send_broken(struct raw_peer *peer)
{
    struct tx_bytes frame = submit_frame();
    uint8_t *copy = calloc(1, frame.len + 1);

    assert_non_null(copy);
    for (size_t len = 0; len < frame.len; len++)
        raw_send_bytes(peer, tx_bytes(frame.data, len));
    memcpy(copy, frame.data, frame.len);
    raw_send_bytes(peer, tx_bytes(copy, frame.len + 1));
    assert_int_equal(copy[1], TX_WIRE_VERSION);
    copy[1] = TX_WIRE_VERSION + 1;
    raw_send_bytes(peer, tx_bytes(copy, frame.len));
    free(copy);
    free((void *)(uintptr_t)frame.data);
    return (unsigned)frame.len + 2;
}

/* Counts that promise what does not follow, and nesting without end. */
static unsigned send_hostile(struct raw_peer *peer)
{
    static const char *const heads[] = {"\xdd\xff\xff\xff\xff",
                                        "\xdf\xff\xff\xff\xff",
                                        "\xc6\xff\xff\xff\xff",
                                        "\xdb\x7f\xff\xff\xff",
                                        "\xc9\xff\xff\xff\xff",
                                        "\x93\x01\xdd\xff\xff\xff\xff",
                                        "\x93\x01\x96\xc6\x3f\xff\xff\xff"};
    uint8_t *bytes = malloc(MEBIBYTE);
    unsigned n = 0;

    assert_non_null(bytes);
    for (; n < sizeof heads / sizeof heads[0]; n++)
        raw_send_bytes(peer, tx_bytes_str(heads[n]));
    memset(bytes, 0x91, MEBIBYTE); /* arrays of one array */
    raw_send_bytes(peer, tx_bytes(bytes, MEBIBYTE));
    memset(bytes, 0xc0, MEBIBYTE); /* a million of nothing */
    memcpy(bytes, "\xdd\x00\x0f\xff\xfb", 5);
    raw_send_bytes(peer, tx_bytes(bytes, MEBIBYTE));
    free(bytes);
    return n + 2;
}

static unsigned send_oversized(struct raw_peer *peer)
{
    size_t size = MEBIBYTE + 1;
    uint8_t *bytes = calloc(1, size);

    assert_non_null(bytes);
    for (int i = 0; i < 40; i++)
        raw_send_bytes(peer, tx_bytes(bytes, size));
    raw_send_parts(peer, tx_bytes_str("one"), tx_bytes_str("two"));
    free(bytes);
    return 41;
}

static void test_malformed_frames(void **state)
{
    unsigned (*const kinds[])(struct raw_peer *) = {send_random, send_broken, send_hostile,
                                                    send_oversized};

    (void)state;
    for (size_t d = 0; d < 2; d++)
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            struct raw_peer *observer = raw_open(daemons[d]->address, NULL);
            struct raw_peer *peer = raw_open(daemons[d]->address, NULL);
            uint64_t before = raw_figure(observer, "frames_malformed");
            unsigned lines = count_lines(daemons[d], MALFORMED);
            long rss = rss_kb(daemons[d]);
            time_t since = now_s();
            unsigned sent = kinds[i](peer);

            raw_expect_silence(peer);
            assert_int_equal(raw_figure(observer, "frames_malformed"), before + sent);
            expect_one_complaint(daemons[d], MALFORMED, lines, since);
            assert_true(rss_kb(daemons[d]) < rss + RSS_GROWTH_KB);
            raw_close(&peer);
            raw_close(&observer);
        }
    expect_transactions_work();
}

/* More than twice the limit: ZeroMQ ends the connection before the daemon sees anything. */
static void test_giant_frames(void **state)
{
    size_t size = 16 * MEBIBYTE;
    uint8_t *bytes = calloc(1, size);

    (void)state;
    assert_non_null(bytes);
    for (size_t d = 0; d < 2; d++) {
        struct raw_peer *observer = raw_open(daemons[d]->address, NULL);
        long rss = rss_kb(daemons[d]);

        for (int i = 0; i < 8; i++) {
            struct raw_peer *peer = raw_open(daemons[d]->address, NULL);

            raw_send_bytes(peer, tx_bytes(bytes, size));
            raw_expect_cut(peer);
            raw_close(&peer);
        }
        (void)raw_figure(observer, "frames_in");
        assert_true(rss_kb(daemons[d]) < rss + RSS_GROWTH_KB);
        raw_close(&observer);
    }
    free(bytes);
    expect_transactions_work();
}

static void test_chosen_routing_id(void **state)
{
    struct tx_msg msg = {.type = TX_MSG_STATUS_REQUEST, .status_request = {.req = 1}};

    (void)state;
    for (size_t d = 0; d < 2; d++) {
        struct raw_peer *observer = raw_open(daemons[d]->address, NULL);
        struct raw_peer *peer = raw_open(daemons[d]->address, "impostor");
        uint64_t before = raw_figure(observer, "frames_malformed");

        raw_send(peer, &msg);
        assert_true(daemon_says(daemons[d], "its sender chose a routing id of its own", 60000));
        assert_int_equal(raw_figure(observer, "frames_malformed"), before + 1);
        assert_null(raw_receive_within(peer, 0));
        raw_close(&peer);
        raw_close(&observer);
    }
    expect_transactions_work();
}

/* ---- good frames of those who may not send them ---- */

/* Every message in the name of every role, where that role may not send it to this daemon. */
static unsigned send_forbidden(struct raw_peer *peer, enum tx_role to)
{
    const struct tx_envelope envelopes[TX_ROLES_N] = {
        [TX_ROLE_CLIENT] = raw_client(),
        [TX_ROLE_COORDINATOR] = raw_coordinator(1, 1, "ipc:///tmp/nobody.sock"),
        [TX_ROLE_PARTICIPANT] = raw_participant("a", 1)};
    unsigned n = 0;

    for (unsigned role = 0; role < TX_ROLES_N; role++)
        for (unsigned type = 0; type < TX_MSG_TYPES_N; type++) {
            struct tx_msg msg = sample_full((enum tx_msg_type)type);

            if (tx_msg_allowed(msg.type, (enum tx_role)role, to))
                continue;
            raw_send_all(peer, &envelopes[role], &msg, 1);
            n++;
        }
    return n;
}

static void test_messages_of_the_wrong_role(void **state)
{
    const enum tx_role roles[] = {TX_ROLE_COORDINATOR, TX_ROLE_PARTICIPANT};

    (void)state;
    for (size_t d = 0; d < 2; d++) {
        struct raw_peer *observer = raw_open(daemons[d]->address, NULL);
        struct raw_peer *peer = raw_open(daemons[d]->address, NULL);
        uint64_t before = raw_figure(observer, "frames_foreign");
        uint64_t malformed = raw_figure(observer, "frames_malformed");
        unsigned lines = count_lines(daemons[d], FOREIGN);
        time_t since = now_s();
        unsigned sent = send_forbidden(peer, roles[d]);

        assert_true(sent > TX_MSG_TYPES_N);
        raw_expect_silence(peer);
        assert_int_equal(raw_figure(observer, "frames_foreign"), before + sent);
        assert_int_equal(raw_figure(observer, "frames_malformed"), malformed);
        expect_one_complaint(daemons[d], FOREIGN, lines, since);
        assert_true(daemon_says(daemons[d], "a client may not send", 60000));
        raw_close(&peer);
        raw_close(&observer);
    }
    expect_transactions_work();
}

/* One message that may not be sent spoils the frame: the good one before it is not done either. */
static void test_a_frame_is_taken_whole(void **state)
{
    struct tx_envelope envelope = raw_client();
    struct tx_msg msgs[] = {{.type = TX_MSG_STATUS_REQUEST, .status_request = {.req = 7}},
                            sample_full(TX_MSG_COMMIT)};

    (void)state;
    for (size_t d = 0; d < 2; d++) {
        struct raw_peer *peer = raw_open(daemons[d]->address, NULL);

        raw_send_all(peer, &envelope, msgs, 2);
        raw_expect_silence(peer);
        msgs[1] = sample_full(TX_MSG_VOTE);
        raw_close(&peer);
    }
}

/* ---- lies that only the core can see ---- */

static void lie(struct raw_peer *peer, struct tx_envelope envelope, struct tx_msg msg,
                const char *figure)
{
    uint64_t before = raw_figure(peer, figure);

    raw_send_all(peer, &envelope, &msg, 1);
    if (raw_figure(peer, figure) <= before)
        fail_msg("%s of a liar is not counted in \"%s\"", tx_msg_name(msg.type), figure);
}

/* Heartbeats are stale only after a restart, so that these two figures stand still by themselves.
 */
static void test_lies_to_the_coordinator(void **state)
{
    struct raw_peer *peer = raw_open(cluster.coordinator.address, NULL);
    uint64_t epoch = raw_figure(peer, "epoch");
    struct tx_id id = {1, epoch, 1};
    struct tx_envelope unknown = raw_participant("zz", 1), a = raw_participant("a", 1000);
    struct tx_msg vote = {.type = TX_MSG_VOTE,
                          .vote = {.id = id, .vote = TX_VOTE_YES, .incarnation = 1000}};
    struct tx_msg welcome = {.type = TX_MSG_WELCOME, .welcome = {.incarnation = 1}};
    struct tx_msg fenced = {.type = TX_MSG_FENCED, .fenced = {.known = {epoch + 9, 1, {1}}}};

    (void)state;
    lie(peer, unknown, vote, "violations");    /* nobody of this cluster */
    lie(peer, unknown, welcome, "violations"); /* cannot introduce itself either */
    lie(peer, unknown, fenced, "violations");
    lie(peer, a, vote, "stale");         /* of a start that has not introduced itself */
    lie(peer, a, welcome, "violations"); /* two starts in one message */
    vote.vote.incarnation = 2;
    lie(peer, a, vote, "violations");
    vote.vote.id.coordinator = 2;
    vote.vote.incarnation = 1000;
    lie(peer, a, vote, "violations"); /* of somebody else's transaction */
    raw_close(&peer);
    expect_transactions_work();
}

static void test_lies_to_a_participant(void **state)
{
    struct raw_peer *peer = raw_open(daemons[1]->address, NULL);
    struct tx_envelope seven = raw_coordinator(7, 1, "ipc:///tmp/nobody.sock");
    struct tx_envelope one = raw_coordinator(1, 1, "ipc:///tmp/nobody.sock");
    struct tx_msg commit = {.type = TX_MSG_COMMIT, .commit = {.id = {7, 1, 1}}};
    struct tx_msg forget = {.type = TX_MSG_FORGET, .forget = {.epoch = 9, .below = UINT64_MAX}};
    uint64_t alarms = raw_figure(peer, "alarms");

    (void)state;
    lie(peer, seven, commit, "stale"); /* never introduced */
    lie(peer, seven, forget, "stale");
    commit.id.id = (struct tx_id){2, 1, 1};
    lie(peer, one, commit, "violations"); /* of somebody else's transaction */
    commit.id.id = (struct tx_id){1, 9, 1};
    lie(peer, one, commit, "violations"); /* of an epoch to come */
    commit.id.id = (struct tx_id){1, 1, 1};
    lie(peer, one, commit, "stale"); /* an epoch that is over: the coordinator has restarted once */
    assert_int_equal(raw_figure(peer, "alarms"), alarms);
    raw_close(&peer);
    expect_transactions_work();
}

/* More coordinators than a STATUS has rows for, and than there are outgoing connections. */
static void test_a_crowd_of_coordinators(void **state)
{
    struct raw_peer *peer = raw_open(cluster.participants[1].address, NULL);
    struct tx_position start = {1, 5, {1}};
    struct tx_msg hello = {
        .type = TX_MSG_HELLO,
        .hello = {.lsn = {1}, .age_counter = 1, .starts = &start, .starts_n = 1}};
    long rss = rss_kb(&cluster.participants[1]);

    (void)state;
    for (uint32_t id = 100; id < 100 + TX_STATUS_ROWS_MAX + 100; id++) {
        char address[64];
        struct tx_envelope envelope;

        snprintf(address, sizeof address, "ipc:///tmp/nobody-%u.sock", id % 400);
        envelope = raw_coordinator(id, 1, address);
        envelope.life = start.life;
        raw_send_all(peer, &envelope, &hello, 1);
    }
    raw_expect_silence(peer);
    assert_int_equal(raw_figure(peer, "frames_malformed"), 0);
    assert_true(rss_kb(&cluster.participants[1]) < rss + RSS_GROWTH_KB);
    raw_close(&peer);
    expect_transactions_work();
}

/* ---- no ZeroMQ at all ---- */

static int tcp_connect(const struct daemon *daemon)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_port = htons((uint16_t)strtoul(strrchr(daemon->address, ':') + 1, NULL, 10));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void test_raw_tcp(void **state)
{
    /* A request of another world; half a greeting of ZMTP 3; a whole one that then lies. */
    static const struct {
        const char *bytes;
        size_t len;
    } words[] = {{"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 35},
                 {"\xff\0\0\0\0\0\0\0\x01\x7f\x03", 11},
                 {"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x06\xff\xff\xff\xff\xff"
                  "\xff\xff\xff",
                  73},
                 {"\0\0\0\0\0\0\0\0", 8}};
    int fds[2][48];

    (void)state;
    for (size_t d = 0; d < 2; d++)
        for (size_t i = 0; i < 48; i++) {
            fds[d][i] = tcp_connect(daemons[d]);
            (void)send(fds[d][i], words[i % 4].bytes, words[i % 4].len, MSG_NOSIGNAL);
        }
    expect_transactions_work(); /* also while they hang on */
    for (size_t d = 0; d < 2; d++)
        for (size_t i = 0; i < 48; i++)
            close(fds[d][i]);
    expect_transactions_work();
}

/* ---- the frame of the tests ---- */

static int start(void **state)
{
    (void)state;
    /* What a sanitizer keeps of freed memory is no growth of the daemon. */
    setenv("ASAN_OPTIONS", "quarantine_size_mb=8", 0);
    cluster_init(&cluster, 2, true);
    /* A participant that is held up is no reason to abort. */
    daemon_set(&cluster, &cluster.coordinator, "timers", "peer_down = 1h");
    daemons[0] = &cluster.coordinator;
    daemons[1] = &cluster.participants[0];
    cluster_start(&cluster);
    if (txclient_open_file(cluster.client_config, &client, NULL) != TXCLIENT_OK)
        return -1;
    expect_transactions_work();
    daemon_stop(&cluster.coordinator); /* so that there is an epoch that is over */
    daemon_start(&cluster.coordinator);
    expect_transactions_work();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    txclient_close(&client);
    daemon_stop(&cluster.coordinator);
    for (size_t i = 0; i < cluster.participants_n; i++)
        daemon_stop(&cluster.participants[i]);
    cluster_deinit(&cluster);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malformed_frames),
        cmocka_unit_test(test_giant_frames),
        cmocka_unit_test(test_chosen_routing_id),
        cmocka_unit_test(test_messages_of_the_wrong_role),
        cmocka_unit_test(test_a_frame_is_taken_whole),
        cmocka_unit_test(test_lies_to_the_coordinator),
        cmocka_unit_test(test_lies_to_a_participant),
        cmocka_unit_test(test_raw_tcp),
        cmocka_unit_test(test_a_crowd_of_coordinators),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
