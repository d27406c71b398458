/* The page of a daemon in a real browser (headless Chromium): what it shows of transactions that
 * are in doubt and that wait, made for real; that its numbers move; that what a client chose stays
 * text; and that it has nothing to complain of and asks nobody else. */
#include "tests/integration/http_client.h"
#include "tests/integration/work.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];
static char dom[1 << 20], complaints[1 << 20];

/* ---- the browser ---- */

/* Every request of the page goes to the daemon: the log of the browser's network has each with the
 * page that it is of. */
static void check_requests(const char *log, int port)
{
    char own[64], line[4096];
    FILE *file = fopen(log, "r");
    int requests = 0;

    assert_non_null(file);
    snprintf(own, sizeof own, "\"url\":\"http://127.0.0.1:%d/", port);
    while (fgets(line, sizeof line, file) != NULL) {
        char *url = strstr(line, "\"url\":\"http");

        if (url == NULL || strstr(line, "\"initiator\":\"http") == NULL)
            continue;
        if (strncmp(url, own, strlen(own)) != 0)
            fail_msg("a request to somebody else: %s", url);
        requests++;
    }
    fclose(file);
    assert_true(requests > 0);
}

/* Shows the page for so long (of the page's own time) and leaves what it has become in `dom`. */
static void browse(const struct daemon *daemon, int ms)
{
    char url[64], profile[CLUSTER_PATH + 64], budget[64], net[CLUSTER_PATH + 64],
        log[CLUSTER_PATH + 16];
    const char *base = getenv("TMPDIR");
    char *kept = base != NULL ? strdup(base) : NULL;
    int status;

    snprintf(url, sizeof url, "http://127.0.0.1:%d/", daemon->http);
    snprintf(profile, sizeof profile, "--user-data-dir=%s/chromium", cluster.directory);
    snprintf(budget, sizeof budget, "--virtual-time-budget=%d", ms);
    snprintf(log, sizeof log, "%s/net.json", cluster.directory);
    snprintf(net, sizeof net, "--log-net-log=%s", log);
    setenv("TMPDIR", cluster.directory, 1);
    status =
        run_program(dom, sizeof dom, complaints, sizeof complaints, "/usr/bin/chromium",
                    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                    "--disable-background-networking", "--disable-component-update",
                    "--disable-dev-shm-usage", "--disable-extensions", "--enable-logging=stderr",
                    "--window-size=1200,900", profile, budget, net, "--dump-dom", url, NULL);
    if (kept == NULL)
        unsetenv("TMPDIR");
    else
        setenv("TMPDIR", kept, 1);
    free(kept);
    if (status != 0)
        fail_msg("chromium left with %d: %s", status, complaints);
    const char *said = strstr(complaints, "CONSOLE");

    if (said != NULL)
        fail_msg("the page complains: %.300s", said);
    check_requests(log, daemon->http);
}

/* The text of the element with this id, without its tags, up to `size`. */
static const char *shown(const char *id, char *out, size_t size)
{
    char words[64];
    size_t n = 0;
    int depth = 1;

    snprintf(words, sizeof words, "id=\"%s\"", id);
    const char *at = strstr(dom, words);

    if (at == NULL || (at = strchr(at, '>')) == NULL)
        fail_msg("the page has no element %s", id);
    for (at++; *at != '\0' && depth > 0 && n + 1 < size; at++) {
        if (*at != '<') {
            out[n++] = *at;
            continue;
        }
        depth += at[1] == '/' ? -1 : 1;
        at = strchr(at, '>');
        if (n > 0 && out[n - 1] != ' ' && n + 1 < size)
            out[n++] = ' ';
    }
    out[n] = '\0';
    return out;
}

static void expect_shown(const char *id, const char *words)
{
    static char text[65536];

    if (strstr(shown(id, text, sizeof text), words) == NULL)
        fail_msg("no \"%s\" in #%s of the page: %s", words, id, text);
}

/* ---- what it shows ---- */

static void test_a_transaction_in_doubt(void **state)
{
    char id[64], words[128];

    (void)state;
    work_decides_by_itself(coordinator);
    work_leave_in_doubt(id);
    http_await_ready(a, 200, "\"in-doubt\"");
    browse(a, 4000);
    snprintf(words, sizeof words, "%s in doubt", id);
    expect_shown("name", "a");
    expect_shown("about", "participant of cluster test");
    expect_shown("pill", "ready, with warnings");
    expect_shown("why", "1 transactions are in doubt");
    expect_shown("h-txs", "in doubt: 1");
    expect_shown("txs", words);
    expect_shown("txs", "waits for the decision of coordinator 1");
    expect_shown("tiles", "In doubt 1 oldest");
    expect_shown("peers", "coordinator 1");
}

/* The number behind `name` in the tiles. */
static double tile(const char *name)
{
    static char text[65536];
    const char *at = strstr(shown("tiles", text, sizeof text), name);
    char digits[64];
    size_t n = 0;

    assert_non_null(at);
    for (at += strlen(name); *at != '\0' && n + 1 < sizeof digits && !(n > 0 && *at == ' '); at++)
        if ((*at >= '0' && *at <= '9') || *at == '.')
            digits[n++] = *at;
    digits[n] = '\0';
    return strtod(digits, NULL);
}

static pid_t start_bench(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
        _exit(127);
    execl(ASSENT_BIN_DIR "/txbench", "txbench", "--config", cluster.client_config, "transfer",
          "--seconds", "3600", (char *)NULL);
    _exit(127);
}

static bool has_committed(void *arg)
{
    return http_metric(arg, "assent_coordinator_committed_total") > 200;
}

/* The browser's seconds pass quickly: those that it shows may have been too short for a commit. */
static bool shows_commits(void *arg)
{
    browse(arg, 15000);
    return tile("Committed") > 0;
}

static void test_the_numbers_move(void **state)
{
    pid_t bench;
    int status;

    (void)state;
    browse(coordinator, 4000);
    expect_shown("pill", "ready");
    expect_shown("txs", "None is open.");
    assert_true(tile("Committed") == 0);
    bench = start_bench();
    assert_true(wait_until(has_committed, coordinator, WORK_MS));
    assert_true(wait_until(shows_commits, coordinator, WORK_MS));
    assert_int_equal(kill(bench, SIGTERM), 0);
    assert_int_equal(waitpid(bench, &status, 0), bench);
    assert_true(tile("Participants up") > 0);
    assert_non_null(strstr(dom, "class=\"curve s0\" d=\"M"));
    assert_non_null(strstr(dom, "aria-label=\"Transactions a second: now committed "));
    expect_shown("phases", "prepare");
    expect_shown("phases", "ms");
}

static void test_why_it_is_not_ready(void **state)
{
    (void)state;
    daemon_stop(a);
    daemon_stop(b);
    daemon_kill(coordinator);
    daemon_start(coordinator);
    browse(coordinator, 3000);
    expect_shown("pill", "not ready");
    expect_shown("why", "no-participant");
}

/* ---- what a client chose ---- */

#define HOSTILE "<img src=x onerror=document.title=1><script>document.title='owned'</script>"

static void *wait_for_the_lock(void *arg)
{
    txclient_tx *tx = arg;

    (void)!txclient_put(tx, txclient_at("a", "t", HOSTILE), txclient_str("2"));
    return NULL;
}

static bool somebody_waits(void *arg)
{
    return http_metric(arg, "assent_participant_locks_waiting") == 1;
}

static void test_a_hostile_key_stays_text(void **state)
{
    const txclient_begin_options patient = {.size = sizeof patient, .lock_timeout_ms = 3600000};
    txclient *other;
    txclient_tx *older, *younger;
    pthread_t thread;

    (void)state;
    work_await_all_up(coordinator);
    other = work_client(coordinator);
    older = work_begin(client);
    expect_of(other, txclient_begin(other, &patient, &younger), TXCLIENT_OK);
    expect(txclient_put(older, txclient_at("a", "t", HOSTILE), txclient_str("1")), TXCLIENT_OK);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_the_lock, younger), 0);
    assert_true(wait_until(somebody_waits, a, WORK_MS));
    browse(a, 3000);
    expect_shown("txs", "&lt;img src=x onerror=document.title=1&gt;&lt;script&gt;");
    assert_null(strstr(dom, "<img"));
    assert_non_null(strstr(dom, "<title>a - Assent</title>"));
    txclient_tx_close(&older);
    pthread_join(thread, NULL);
    txclient_tx_close(&younger);
    txclient_close(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, http_patient_cluster, work_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_transaction_in_doubt),
        TEST(test_the_numbers_move),
        TEST(test_why_it_is_not_ready),
        TEST(test_a_hostile_key_stays_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
