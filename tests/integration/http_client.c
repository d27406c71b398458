#include "tests/integration/http_client.h"

#include "tests/integration/work.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define ANSWER_MS 15000

int http_connect(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void split(struct http_answer *answer)
{
    char *end = strstr(answer->text, "\r\n\r\n");

    answer->head = answer->body = "";
    answer->status = 0;
    if (end == NULL || strncmp(answer->text, "HTTP/1.1 ", 9) != 0)
        return;
    *end = '\0';
    answer->status = (int)strtol(answer->text + 9, NULL, 10);
    answer->head = answer->text;
    answer->body = end + 4;
}

void http_send(int port, const char *bytes, struct http_answer *answer)
{
    int fd = http_connect(port);
    size_t at = 0;
    ssize_t n = 1;

    answer->text[0] = '\0';
    if (fd >= 0 && send(fd, bytes, strlen(bytes), MSG_NOSIGNAL) == (ssize_t)strlen(bytes)) {
        while (n > 0 && at < sizeof answer->text - 1) {
            struct pollfd ready = {.fd = fd, .events = POLLIN};

            if (poll(&ready, 1, ANSWER_MS) != 1)
                break;
            n = read(fd, answer->text + at, sizeof answer->text - 1 - at);
            at += n > 0 ? (size_t)n : 0;
        }
        answer->text[at] = '\0';
    }
    if (fd >= 0)
        close(fd);
    split(answer);
}

struct asked {
    int port;
    char request[256];
    struct http_answer *answer;
};

static bool is_answered(void *arg)
{
    const struct asked *asked = arg;

    http_send(asked->port, asked->request, asked->answer);
    return asked->answer->status != 0;
}

/* Asked again when there is no answer: a turn of the daemon's that the machine has held up is
 * followed by a pause of four times its length, and whoever waits too long is sent away. */
int http_get(const struct daemon *daemon, const char *path, struct http_answer *answer)
{
    struct asked asked = {.port = daemon->http, .answer = answer};

    assert_true(daemon->http > 0);
    snprintf(asked.request, sizeof asked.request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
             path, daemon->http);
    (void)wait_until(is_answered, &asked, WORK_MS);
    return answer->status;
}

double http_sample(const char *text, const char *sample)
{
    size_t len = strlen(sample);

    for (const char *at = text; at != NULL && *at != '\0';) {
        if (strncmp(at, sample, len) == 0 && at[len] == ' ')
            return strtod(at + len, NULL);
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    return -1;
}

double http_metric(const struct daemon *daemon, const char *sample)
{
    static struct http_answer answer;

    return http_get(daemon, "/metrics", &answer) == 200 ? http_sample(answer.body, sample) : -1;
}

struct awaited {
    const struct daemon *daemon;
    int status;
    const char *words;
    struct http_answer answer;
};

static bool is_so(void *arg)
{
    struct awaited *awaited = arg;

    return http_get(awaited->daemon, "/readyz", &awaited->answer) == awaited->status &&
           (awaited->words == NULL || strstr(awaited->answer.body, awaited->words) != NULL);
}

void http_await_ready(const struct daemon *daemon, int status, const char *words)
{
    static struct awaited awaited;

    awaited.daemon = daemon;
    awaited.status = status;
    awaited.words = words;
    if (!wait_until(is_so, &awaited, WORK_MS))
        fail_msg("/readyz of %s is %d: %s, never %d with \"%s\"", daemon->name,
                 awaited.answer.status, awaited.answer.body, status, words != NULL ? words : "");
}

int http_patient_cluster(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    cluster_serve_http(&cluster);
    daemon_set(&cluster, &cluster.coordinator, "timers", "peer_down = 1h\nprepare = 1h");
    for (size_t i = 0; i < cluster.participants_n; i++)
        daemon_set(&cluster, &cluster.participants[i], "timers", "idle = 1h");
    work_start();
    return 0;
}
