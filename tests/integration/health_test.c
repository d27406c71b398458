/* Health over HTTP: each reason of /readyz, made for real; what the server refuses; and that nobody
 * who asks can hold up transactions, however he asks. */
#include "tests/integration/http_client.h"
#include "tests/integration/work.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct http_answer answer;

static void init(size_t participants)
{
    cluster_init(&cluster, participants, false);
    cluster_serve_http(&cluster);
}

static int start_all(void)
{
    cluster_start(&cluster);
    client = work_client(coordinator);
    return 0;
}

static int start(void **state)
{
    (void)state;
    init(2);
    return start_all();
}

/* Who is told to leave waits until what is open is finished, however long that takes here. */
static int start_draining(void **state)
{
    (void)state;
    init(2);
    daemon_set(&cluster, coordinator, "timers", "drain = 1h");
    daemon_set(&cluster, a, "timers", "drain = 1h\nidle = 1h");
    return start_all();
}

/* A participant that is held up is no reason to abort here. */
static int start_patient(void **state)
{
    (void)state;
    init(2);
    daemon_set(&cluster, coordinator, "timers", "peer_down = 1h\nprepare = 1h");
    return start_all();
}

/* Everything that it has logged is read again. */
static int start_without_snapshots(void **state)
{
    (void)state;
    init(2);
    daemon_set(&cluster, a, "storage", "snapshot_records = 100000000");
    return start_all();
}

static int start_nothing(void **state)
{
    (void)state;
    init(2);
    return 0;
}

static int start_one(void **state)
{
    (void)state;
    init(1);
    cluster_start(&cluster);
    client = work_client(coordinator);
    return 0;
}

/* ---- ready, and why not ---- */

static void test_nobody_else_is_there(void **state)
{
    (void)state;
    daemon_start(a);
    http_await_ready(a, 503, "\"code\":\"no-coordinator\"");
    daemon_stop(a);
    daemon_start(coordinator);
    http_await_ready(coordinator, 503,
                     "{\"ready\":false,\"reasons\":[{\"code\":\"no-participant\"");
    assert_int_equal(http_get(coordinator, "/healthz", &answer), 200);
    assert_string_equal(answer.body, "ok\n");
    daemon_start(a);
    http_await_ready(coordinator, 200, "\"code\":\"participants-down\"");
    http_await_ready(a, 200, "{\"ready\":true,\"reasons\":[],\"warnings\":[]}");
}

/* A coordinator leaves as soon as its answer is on the way, and a client that has not read it when
 * the connection ends asks again (client/client_channel.c): then the next start tells. */
static void test_draining(void **state)
{
    struct daemon *const daemons[] = {coordinator, a};

    (void)state;
    for (int i = 0; i < 2; i++) {
        txclient_tx *tx;
        txclient_status told;
        char *reference;
        int status;

        work_await_all_up(coordinator);
        tx = work_begin(client);
        expect(txclient_put(tx, AT("a", "k"), txclient_str("1")), TXCLIENT_OK);
        http_await_ready(daemons[i], 200, NULL);
        daemon_signal(daemons[i], SIGTERM);
        http_await_ready(daemons[i], 503, "\"code\":\"draining\"");
        assert_int_equal(http_get(daemons[i], "/healthz", &answer), 200);
        reference = strdup(txclient_tx_reference(tx));
        assert_non_null(reference);
        told = txclient_commit(tx);
        if (told != TXCLIENT_UNKNOWN || daemons[i] != coordinator)
            expect(told, TXCLIENT_OK);
        txclient_tx_close(&tx);
        assert_true(daemon_wait(daemons[i], WORK_MS, &status));
        daemon_start(daemons[i]);
        assert_int_equal(work_outcome(client, reference), TXCLIENT_OK);
        free(reference);
    }
}

static void test_the_reserve_of_the_disk(void **state)
{
    (void)state;
    daemon_set(&cluster, coordinator, "storage", "disk_reserve = 1048576G");
    daemon_set(&cluster, a, "storage", "disk_reserve = 1048576G");
    cluster_start(&cluster);
    http_await_ready(coordinator, 503, "\"code\":\"disk\"");
    http_await_ready(a, 503, "\"code\":\"disk\"");
    assert_true(http_metric(a, "assent_participant_disk_low") == 1);
    assert_true(http_metric(a, "assent_disk_free_bytes") > 0);
}

static void copy(const char *from, const char *to)
{
    assert_int_equal(run_program(NULL, 0, NULL, 0, "/bin/rm", "-rf", to, NULL), 0);
    assert_int_equal(run_program(NULL, 0, NULL, 0, "/bin/cp", "-a", from, to, NULL), 0);
}

/* Stops it, lets it live on, and starts it on what it was before. */
static void come_back_old(struct daemon *daemon)
{
    char old[CLUSTER_PATH + 8];

    snprintf(old, sizeof old, "%s.old", daemon->data);
    work_put_surely(client, "a", "k", "before");
    daemon_stop(daemon);
    copy(daemon->data, old);
    daemon_start(daemon);
    work_put_surely(client, "a", "k", "after");
    work_await_quiet();
    daemon_stop(daemon);
    copy(old, daemon->data);
    daemon_start(daemon);
}

static void test_an_old_coordinator_is_fenced(void **state)
{
    (void)state;
    come_back_old(coordinator);
    http_await_ready(coordinator, 503, "\"code\":\"fenced\"");
    assert_true(http_metric(coordinator, "assent_coordinator_fenced") == 1);
}

static void test_an_old_participant_is_quarantined(void **state)
{
    (void)state;
    come_back_old(a);
    http_await_ready(coordinator, 503, "\"code\":\"quarantine\"");
    assert_true(
        http_metric(coordinator, "assent_coordinator_participants{state=\"quarantined\"}") == 1);
}

/* While no coordinator is there, another participant in doubt knows better where its log has been.
 */
static void test_an_old_copy_is_proved(void **state)
{
    struct daemon *const b = &cluster.participants[1];
    char old[CLUSTER_PATH + 8];
    txclient *own;
    txclient_tx *tx;

    (void)state;
    snprintf(old, sizeof old, "%s.old", a->data);
    work_put_surely(client, "ab", "k", "before");
    daemon_stop(a);
    copy(a->data, old);
    daemon_start(a);
    work_await_all_up(coordinator);
    work_put_surely(client, "ab", "k", "after");
    own = work_doubting_client(coordinator);
    tx = work_begin(own);
    expect_of(own, txclient_put(tx, AT("a", "k"), txclient_str("new")), TXCLIENT_OK);
    expect_of(own, txclient_put(tx, AT("b", "k"), txclient_str("new")), TXCLIENT_OK);
    daemon_signal(a, SIGSTOP); /* holds back its vote */
    expect_of(own, txclient_commit(tx), TXCLIENT_UNKNOWN);
    txclient_tx_close(&tx);
    txclient_close(&own);
    work_await_field(b, "prepared", "1");
    daemon_kill(coordinator);
    daemon_kill(a);
    copy(old, a->data);
    daemon_start(a);
    http_await_ready(a, 503, "\"code\":\"quarantine\"");
    assert_true(http_metric(a, "assent_participant_old_copy") == 1);
    assert_true(http_metric(a, "assent_alarms_total") > 0);
}

/* Starts it, and asks until it answers; if that is not too late. */
static bool tells_that_it_recovers(void *arg)
{
    static const char request[] = "GET /readyz HTTP/1.0\r\n\r\n";

    (void)arg;
    daemon_kill(a);
    daemon_spawn(a, NULL);
    do {
        http_send(a->http, request, &answer);
    } while (answer.status == 0);
    return answer.status == 503 && strstr(answer.body, "\"code\":\"recovering\"") != NULL;
}

/* It looks for who asks every 256 records. */
#define RECORDS_TO_READ 4096

/* It is asked before it has read its log, and answers while it reads. */
static void test_recovering(void **state)
{
    (void)state;
    do
        assert_int_equal(run_program(NULL, 0, NULL, 0, "txbench", "--config", cluster.client_config,
                                     "transfer", "--seconds", "2", NULL),
                         0);
    while (work_number(a, "lsn_durable") < RECORDS_TO_READ);
    if (!wait_until(tells_that_it_recovers, NULL, WORK_MS))
        fail_msg("it never recovers: %d: %s", answer.status, answer.body);
    http_await_ready(a, 200, NULL);
}

/* ---- what is refused ---- */

static int send_once(const char *words)
{
    http_send(coordinator->http, words, &answer);
    return answer.status;
}

static bool are_answered(void *words)
{
    return send_once(words) != 0;
}

/* Again when there is no answer: as http_get(). */
static int send_words(const char *words)
{
    (void)wait_until(are_answered, (void *)(uintptr_t)words, WORK_MS);
    return answer.status;
}

static void test_what_is_refused(void **state)
{
    static char long_one[70000];

    (void)state;
    assert_int_equal(http_get(coordinator, "/nothing", &answer), 404);
    assert_non_null(strstr(answer.body, "/metrics"));
    assert_int_equal(send_words("POST /metrics HTTP/1.1\r\nHost: localhost\r\n"
                                "Content-Length: 0\r\n\r\n"),
                     405);
    assert_non_null(strstr(answer.head, "Allow: GET, HEAD"));
    assert_int_equal(send_words("GET /healthz HTTP/1.1\r\nHost: [::1]:80\r\n"
                                "Content-Length: 3\r\n\r\nabc"),
                     413);
    assert_int_equal(send_words("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 421);
    assert_int_equal(send_words("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n"),
                     421);
    assert_int_equal(send_words("GET /healthz HTTP/1.1\r\nHost: localhost:1\r\n\r\n"), 200);
    assert_int_equal(send_words("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
    assert_string_equal(answer.body, "");
    memset(long_one, 'x', sizeof long_one - 1);
    memcpy(long_one, "GET /", 5);
    assert_int_not_equal(send_once(long_one), 200);
    assert_int_not_equal(send_once("\x16\x03\x01\x02\r\n\r\n"), 200);
    assert_int_equal(http_get(coordinator, "/healthz", &answer), 200);
    assert_true(http_metric(coordinator, "assent_http_errors_total") >= 5);
}

static void expect_start_refused(const char *listen, int status, const char *words)
{
    char out[4096];
    int got;

    daemon_set(&cluster, coordinator, "http", listen);
    daemon_spawn(coordinator, NULL);
    assert_true(daemon_wait(coordinator, WORK_MS, &got));
    assert_int_equal(WEXITSTATUS(got), status);
    assert_int_equal(
        run_program(out, sizeof out, NULL, 0, "/usr/bin/tail", "-n", "2", coordinator->log, NULL),
        0);
    if (strstr(out, words) == NULL)
        fail_msg("no word of \"%s\": %s", words, out);
}

static void test_an_address_that_cannot_be_had(void **state)
{
    char line[64];

    (void)state;
    daemon_start(a);
    coordinator->http = -1; /* the line is set here */
    snprintf(line, sizeof line, "listen = 127.0.0.1:%d", a->http);
    expect_start_refused(line, EX_UNAVAILABLE, "[http] listen");
    coordinator->settings[0] = '\0';
    expect_start_refused("listen = 0.0.0.0:7500", EX_CONFIG, "loopback");
    coordinator->settings[0] = '\0';
    expect_start_refused("listen = somewhere", EX_CONFIG, "auto, off, 127.0.0.1:PORT");
}

/* ---- who holds on, and who floods ---- */

#define SLOW_ONES 1000

/* Connects without waiting for it. */
static int connect_later(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_true(connect(fd, (struct sockaddr *)&at, sizeof at) == 0 || errno == EINPROGRESS);
    return fd;
}

struct crowd {
    pthread_t thread;
    int port;
    atomic_bool stop;
    bool floods; /* asks for the largest page, as fast as it can; else: a byte now and then */
    int fds[SLOW_ONES];
    atomic_uint closed;   /* by the daemon */
    atomic_uint answered; /* requests of a flood */
};

/* A request that never ends: one byte to each that takes it, five times a second. */
static void trickle(struct crowd *crowd)
{
    for (int i = 0; i < SLOW_ONES; i++) {
        char byte;

        if (crowd->fds[i] < 0)
            continue;
        ssize_t n = send(crowd->fds[i], "G", 1, MSG_NOSIGNAL | MSG_DONTWAIT);

        if ((n < 0 && errno != EAGAIN && errno != ENOTCONN) ||
            recv(crowd->fds[i], &byte, 1, MSG_DONTWAIT) == 0) {
            close(crowd->fds[i]);
            crowd->fds[i] = -1;
            crowd->closed++;
        }
    }
    poll(NULL, 0, 200);
}

#define FLOOD_MS 15000 /* a turn that the machine has held up has a long pause behind it */

static void flood(struct crowd *crowd)
{
    static const char request[] = "GET /status.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    int fd = connect_later(crowd->port);
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    char bytes[4096];

    if (poll(&ready, 1, FLOOD_MS) == 1 && send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0) {
        size_t got = 0;

        ready.events = POLLIN;
        while (poll(&ready, 1, FLOOD_MS) == 1) {
            ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

            if (n <= 0)
                break;
            got += (size_t)n;
        }
        if (got > 0)
            atomic_fetch_add(&crowd->answered, 1);
    }
    close(fd);
}

static void *be_a_crowd(void *arg)
{
    struct crowd *crowd = arg;

    for (int i = 0; i < SLOW_ONES; i++)
        crowd->fds[i] = crowd->floods ? -1 : connect_later(crowd->port);
    while (!atomic_load(&crowd->stop)) {
        if (crowd->floods)
            flood(crowd);
        else
            trickle(crowd);
    }
    for (int i = 0; i < SLOW_ONES; i++) {
        if (crowd->fds[i] >= 0)
            close(crowd->fds[i]);
    }
    return NULL;
}

/* Transfers for two seconds, all of which must go well. */
static void transfer(void)
{
    static char json[65536];
    const char *at;

    assert_int_equal(run_program(json, sizeof json, NULL, 0, "txbench", "--config",
                                 cluster.client_config, "--json", "transfer", "--seconds", "2",
                                 NULL),
                     0);
    at = strstr(json, "\"committed_per_second\":");
    assert_non_null(at);
    assert_true(strtod(at + strlen("\"committed_per_second\":"), NULL) > 0);
}

static bool answers(void *arg)
{
    return http_get(arg, "/healthz", &answer) == 200;
}

static void start_crowd(struct crowd *crowd, bool floods)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    crowd->port = coordinator->http;
    crowd->floods = floods;
    assert_int_equal(pthread_create(&crowd->thread, NULL, be_a_crowd, crowd), 0);
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The share of the coordinator's loop that went into HTTP since `busy` and `from_s` were read. */
struct share {
    double busy, from_s, last;
};

static struct share share_from_now(void)
{
    const double busy = http_metric(coordinator, "assent_http_busy_seconds_total");

    assert_true(busy >= 0);
    return (struct share){.busy = busy, .from_s = now_s()};
}

static bool share_is_small(void *arg)
{
    struct share *share = arg;
    const double busy = http_metric(coordinator, "assent_http_busy_seconds_total");

    if (busy > share->busy)
        share->last = (busy - share->busy) / (now_s() - share->from_s);
    return share->last > 0 && share->last <= 0.25;
}

/* A turn is followed by a pause of four times its length. The last one is yet to come, and a turn
 * in which the machine had no time for the daemon is a long one: asked until such a pause is over.
 */
static void check_share(struct share *share)
{
    if (!wait_until(share_is_small, share, WORK_MS))
        fail_msg("%.0f %% of the loop's time went into HTTP", 100 * share->last);
}

static bool many_were_closed(void *arg)
{
    return atomic_load(&((struct crowd *)arg)->closed) >= 64;
}

/* A thousand who send a byte now and then: transactions go on, the daemon ends them after ten
 * seconds each, and others are answered in between. */
static void test_a_thousand_slow_ones(void **state)
{
    static struct crowd crowd;
    struct share share = share_from_now();

    (void)state;
    start_crowd(&crowd, false);
    transfer();
    /* It has ended all that it took at first; asked only then, since that answer, too, has to wait
     * for its turn behind a thousand. */
    assert_true(wait_until(many_were_closed, &crowd, WORK_MS));
    atomic_store(&crowd.stop, true);
    pthread_join(crowd.thread, NULL);
    assert_true(wait_until(answers, coordinator, WORK_MS));
    check_share(&share);
    assert_true(http_metric(coordinator, "assent_http_overdue_total") >= 64);
    assert_true(http_metric(coordinator, "assent_http_connections") <= 64);
}

/* All places are taken, and all given up at once, while one more waits. */
static void test_all_places_taken(void **state)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    int fds[64], waiting;
    struct pollfd ready;
    char bytes[64];

    (void)state;
    for (int i = 0; i < 64; i++) {
        fds[i] = http_connect(coordinator->http);
        assert_true(fds[i] >= 0);
        assert_int_equal(send(fds[i], "G", 1, MSG_NOSIGNAL), 1);
    }
    waiting = http_connect(coordinator->http);
    assert_int_equal(send(waiting, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
    ready = (struct pollfd){.fd = waiting, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 1000), 0);
    daemon_signal(coordinator, SIGSTOP);
    for (int i = 0; i < 64; i++)
        close(fds[i]);
    daemon_signal(coordinator, SIGCONT);
    assert_int_equal(poll(&ready, 1, WORK_MS), 1);
    assert_true(recv(waiting, bytes, sizeof bytes, 0) > 12);
    assert_memory_equal(bytes, "HTTP/1.1 200", 12);
    close(waiting);
}

static bool many_were_answered(void *arg)
{
    return atomic_load(&((struct crowd *)arg)->answered) > 100;
}

/* As many requests as can be made: no more than a fifth of the loop's time goes into them. */
static void test_a_flood(void **state)
{
    static struct crowd crowds[4];
    struct share share = share_from_now();

    (void)state;
    for (int i = 0; i < 4; i++)
        start_crowd(&crowds[i], true);
    transfer();
    for (int i = 0; i < 4; i++)
        assert_true(wait_until(many_were_answered, &crowds[i], WORK_MS));
    check_share(&share); /* while it goes on */
    for (int i = 0; i < 4; i++)
        atomic_store(&crowds[i].stop, true);
    for (int i = 0; i < 4; i++)
        pthread_join(crowds[i].thread, NULL);
}

#define TEST(name)           cmocka_unit_test_setup_teardown(name, start, work_teardown)
#define TEST_OF(name, begin) cmocka_unit_test_setup_teardown(name, begin, work_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_OF(test_nobody_else_is_there, start_nothing),
        TEST_OF(test_draining, start_draining),
        TEST_OF(test_the_reserve_of_the_disk, start_nothing),
        TEST_OF(test_an_old_coordinator_is_fenced, start_one),
        TEST_OF(test_an_old_participant_is_quarantined, start_one),
        TEST_OF(test_an_old_copy_is_proved, start_patient),
        TEST_OF(test_recovering, start_without_snapshots),
        TEST(test_what_is_refused),
        TEST_OF(test_an_address_that_cannot_be_had, start_nothing),
        TEST(test_a_thousand_slow_ones),
        TEST(test_all_places_taken),
        TEST(test_a_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
