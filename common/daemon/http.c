#include "common/daemon/http.h"

#include "common/assert.h"
#include "common/clock.h"
#include "common/transport_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define IDLE_S            5u
#define HEADERS_MAX       (16u * 1024u) /* request line and headers of one connection */
#define BACKLOG           16u
#define PAUSE_TIMES       4u
#define AUTO_PORTS_BEYOND 100u

struct connection {
    int fd; /* -1: the place is free */
    uint64_t since_us;
};

struct http {
    const struct http_resource *resources;
    size_t resources_n;
    void *arg;
    struct MHD_Daemon *daemon;
    struct MHD_Response *made[HTTP_RESOURCES_MAX]; /* in this turn */
    unsigned made_status[HTTP_RESOURCES_MAX];
    struct connection connections[HTTP_CONNECTIONS_MAX];
    int mhd_fd;
    int gate_fd;  /* an epoll of that one, which the loop watches; shut during a pause */
    int timer_fd; /* for the ends of pauses and of requests */
    bool shut;
    uint64_t pause_until_us;
    uint64_t mhd_due_us; /* MHD wants a turn then; UINT64_MAX: never */
    bool place_free;     /* one became free in this turn */
    char endpoint[HTTP_LISTEN_MAX + 16];
    struct http_stats stats;
};

/* ---- addresses ---- */

static enum tx_error refuse_address(const char *text, const char *reason, struct tx_why *why)
{
    char shown[100];

    return tx_why(why, TX_EADDRESS,
                  "[http] listen = \"%s\": %s; use auto, off, 127.0.0.1:PORT, [::1]:PORT or "
                  "localhost:PORT",
                  tx_bytes_print(tx_bytes_str(text), shown, sizeof shown), reason);
}

/* From an endpoint "tcp://HOST:PORT" that has passed the checks. */
static void split(const char *endpoint, bool ipv6, struct http_address *out)
{
    const char *host = endpoint + strlen("tcp://") + (ipv6 ? 1 : 0);
    const char *colon = strrchr(endpoint, ':');
    size_t len = (size_t)(colon - host) - (ipv6 ? 1 : 0);

    TX_ASSERT(len <= HTTP_LISTEN_MAX);
    memcpy(out->host, host, len);
    out->host[len] = '\0';
    out->ipv6 = ipv6;
    out->port = strcmp(colon + 1, "*") == 0 ? 0 : (uint16_t)strtoul(colon + 1, NULL, 10);
}

static enum tx_error address_beside(const char *node, struct http_address *out, struct tx_why *why)
{
    struct transport_address parsed;
    enum tx_error error = transport_address_parse(node, true, &parsed, why);

    if (error != TX_OK || parsed.path != NULL)
        return error;
    split(parsed.endpoint, parsed.ipv6, out);
    if (out->port > UINT16_MAX - AUTO_PORTS_BEYOND)
        return refuse_address("auto", "the port of [node] listen plus 100 is no port", why);
    if (out->port != 0)
        out->port = (uint16_t)(out->port + AUTO_PORTS_BEYOND);
    return TX_OK;
}

enum tx_error http_address_parse(const char *text, const char *node, struct http_address *out,
                                 struct tx_why *why)
{
    char endpoint[HTTP_LISTEN_MAX + 8];
    struct transport_address parsed;
    struct tx_why detail;

    *out = (struct http_address){.host = ""};
    if (strcmp(text, "off") == 0)
        return TX_OK;
    if (strcmp(text, "auto") == 0)
        return address_beside(node, out, why);
    if (strlen(text) > HTTP_LISTEN_MAX)
        return refuse_address(text, "it is too long", why);
    (void)snprintf(endpoint, sizeof endpoint, "tcp://%s", text);
    if (transport_address_parse(endpoint, true, &parsed, &detail) != TX_OK)
        return refuse_address(text,
                              "it is no port on a loopback address, and others are refused until "
                              "connections are encrypted and authorised",
                              why);
    split(parsed.endpoint, parsed.ipv6, out);
    return TX_OK;
}

/* ---- one request ---- */

static enum MHD_Result give(struct MHD_Connection *to, unsigned status,
                            struct MHD_Response *response)
{
    return MHD_queue_response(to, status, response);
}

static bool header(struct MHD_Response *response, const char *name, const char *value)
{
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

/* What every answer says. The page may run the script and the style that name the nonce, ask this
 * server, and nothing else in the world. */
static bool common_headers(struct MHD_Response *response, const char *type, const char *nonce)
{
    char policy[320];

    (void)snprintf(policy, sizeof policy,
                   "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; "
                   "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
                   "frame-ancestors 'none'",
                   nonce, nonce);
    return header(response, "Content-Type", type) && header(response, "Connection", "close") &&
           header(response, "Cache-Control", "no-store") &&
           header(response, "X-Content-Type-Options", "nosniff") &&
           header(response, "Referrer-Policy", "no-referrer") &&
           header(response, "Content-Security-Policy", policy);
}

static enum MHD_Result refuse(struct http *http, struct MHD_Connection *to, unsigned status,
                              const char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result;

    if (response == NULL)
        return MHD_NO;
    http->stats.refused++;
    if (!common_headers(response, "text/plain; charset=utf-8", "none") ||
        (status == MHD_HTTP_METHOD_NOT_ALLOWED && !header(response, "Allow", "GET, HEAD"))) {
        MHD_destroy_response(response);
        return MHD_NO;
    }
    result = give(to, status, response);
    MHD_destroy_response(response);
    return result;
}

static void draw_nonce(char out[HTTP_NONCE_MAX + 1])
{
    uint8_t bytes[HTTP_NONCE_MAX / 2] = {0};

    /* Without chance a script that got in would know it; nothing gets in, so this is no reason to
     * answer nothing. */
    (void)!clock_random(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static struct MHD_Response *make(struct http *http, size_t i)
{
    const struct http_resource *resource = &http->resources[i];
    char nonce[HTTP_NONCE_MAX + 1];
    struct MHD_Response *response = NULL;
    char *body = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&body, &len);

    if (out == NULL)
        return NULL;
    draw_nonce(nonce);
    http->made_status[i] = resource->write(http->arg, out, nonce);
    if (fclose(out) == 0)
        response = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(body);
    } else if (!common_headers(response, resource->type, nonce)) {
        MHD_destroy_response(response);
        response = NULL;
    }
    http->made[i] = response;
    return response;
}

static void drop_made(struct http *http)
{
    for (size_t i = 0; i < http->resources_n; i++) {
        if (http->made[i] != NULL)
            MHD_destroy_response(http->made[i]);
        http->made[i] = NULL;
    }
}

/* Is the name under which this server was asked one of this machine's own? A page of another site
 * may bend its own name to this address, and a browser would then let it read the answer. */
static bool asked_here(const char *host)
{
    if (host == NULL)
        return true;
    if (strncmp(host, "[::1]", 5) == 0)
        return host[5] == '\0' || host[5] == ':';
    const size_t len = strcspn(host, ":");
    struct in_addr v4;
    char name[64];

    if (len >= sizeof name)
        return false;
    memcpy(name, host, len);
    name[len] = '\0';
    return strcmp(name, "localhost") == 0 ||
           (inet_pton(AF_INET, name, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

static const char *value_of(struct MHD_Connection *of, const char *name)
{
    return MHD_lookup_connection_value(of, MHD_HEADER_KIND, name);
}

static bool has_body(struct MHD_Connection *of)
{
    const char *length = value_of(of, "Content-Length");

    return value_of(of, "Transfer-Encoding") != NULL ||
           (length != NULL && strspn(length, "0") != strlen(length));
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *from, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_n, void **state)
{
    struct http *http = arg;

    (void)version;
    (void)upload;
    (void)upload_n;
    (void)state;
    http->stats.answered++;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return refuse(http, from, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET and HEAD are served.\n");
    if (has_body(from))
        return refuse(http, from, MHD_HTTP_CONTENT_TOO_LARGE, "No request bodies are taken.\n");
    if (!asked_here(value_of(from, "Host")))
        return refuse(http, from, MHD_HTTP_MISDIRECTED_REQUEST,
                      "Ask under an address of this machine: 127.0.0.1, [::1] or localhost.\n");
    for (size_t i = 0; i < http->resources_n; i++) {
        if (strcmp(url, http->resources[i].path) != 0)
            continue;
        if (http->made[i] == NULL && make(http, i) == NULL)
            return MHD_NO;
        http->stats.refused += http->made_status[i] >= 400;
        return give(from, http->made_status[i], http->made[i]);
    }
    return refuse(http, from, MHD_HTTP_NOT_FOUND,
                  "Not found. There are /, /metrics, /healthz, /readyz and /status.json.\n");
}

/* ---- connections ---- */

static void on_connection(void *arg, struct MHD_Connection *of, void **place,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = arg;
    struct connection *free_one = NULL;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        struct connection *connection = *place;

        if (connection != NULL) {
            connection->fd = -1;
            http->stats.connections--;
            http->place_free = true;
        }
        return;
    }
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX && free_one == NULL; i++) {
        if (http->connections[i].fd < 0)
            free_one = &http->connections[i];
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(of, MHD_CONNECTION_INFO_CONNECTION_FD);

    *place = free_one;
    TX_ASSERT(free_one != NULL && info != NULL);
    *free_one = (struct connection){.fd = info->connect_fd, .since_us = clock_now_us()};
    http->stats.connections++;
}

/* A request that is not over in time, be it sent byte by byte or its answer not read: MHD finds the
 * connection shut. Gives when the next one is due. */
static uint64_t end_overdue(struct http *http, uint64_t now_us)
{
    uint64_t next_us = UINT64_MAX;

    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX && http->stats.connections > 0; i++) {
        struct connection *connection = &http->connections[i];
        uint64_t due_us = connection->since_us + HTTP_REQUEST_US;

        if (connection->fd < 0)
            continue;
        if (now_us >= due_us) {
            (void)shutdown(connection->fd, SHUT_RDWR);
            http->stats.overdue++;
            connection->since_us = now_us; /* MHD closes it soon; or it is shut again */
            due_us = now_us + HTTP_REQUEST_US;
        }
        next_us = due_us < next_us ? due_us : next_us;
    }
    return next_us;
}

/* ---- turns and pauses ---- */

static void gate(struct http *http, bool shut)
{
    struct epoll_event event = {.events = shut ? 0 : EPOLLIN};

    if (shut == http->shut)
        return;
    http->shut = shut;
    int result = epoll_ctl(http->gate_fd, EPOLL_CTL_MOD, http->mhd_fd, &event);
    TX_ASSERT(result == 0);
}

static void arm(struct http *http, uint64_t now_us)
{
    uint64_t at_us = end_overdue(http, now_us);
    struct itimerspec at = {0};

    if (http->shut && http->pause_until_us < at_us)
        at_us = http->pause_until_us;
    if (http->mhd_due_us < at_us)
        at_us = http->mhd_due_us;
    if (at_us != UINT64_MAX) {
        at.it_value.tv_sec = (time_t)(at_us / 1000000u);
        at.it_value.tv_nsec = (long)(at_us % 1000000u) * 1000 + 1;
    }
    int result = timerfd_settime(http->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
    TX_ASSERT(result == 0);
}

static void turn(struct http *http)
{
    const uint64_t begin_us = clock_now_us();
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;

    http->place_free = false;
    (void)MHD_run(http->daemon);
    drop_made(http);
    const uint64_t end_us = clock_now_us();
    const uint64_t took_us = end_us - begin_us + 1;

    http->stats.busy_us += took_us;
    http->pause_until_us = end_us + PAUSE_TIMES * took_us;
    http->mhd_due_us = UINT64_MAX;
    if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES) {
        http->mhd_due_us = end_us + wait_ms * 1000u;
        if (http->mhd_due_us < http->pause_until_us)
            http->mhd_due_us = http->pause_until_us;
    }
    /* With all places taken MHD does not look at who comes, and begins again only with its next
     * turn, for which nobody but this would give a reason. */
    if (http->place_free)
        http->mhd_due_us = http->pause_until_us;
    gate(http, true);
    arm(http, end_us);
}

static void on_gate(void *arg)
{
    struct http *http = arg;

    if (!http->shut)
        turn(http);
}

static void on_timer(void *arg)
{
    struct http *http = arg;
    const uint64_t now_us = clock_now_us();
    uint64_t times;

    (void)!read(http->timer_fd, &times, sizeof times);
    if (now_us >= http->pause_until_us)
        gate(http, false);
    if (now_us >= http->mhd_due_us)
        turn(http);
    else
        arm(http, now_us);
}

void http_poll(struct http *http)
{
    if (http != NULL && clock_now_us() >= http->pause_until_us)
        turn(http);
}

/* ---- life ---- */

static enum tx_error bind_error(const struct http_address *at, int error, struct tx_why *why)
{
    enum tx_error is = error == EADDRINUSE ? TX_EBUSY : error == EACCES ? TX_EACCESS : TX_EADDRESS;

    return tx_why(why, is, "[http] listen: cannot listen on %s port %u: %s; %s", at->host,
                  (unsigned)at->port, strerror(error),
                  is == TX_EBUSY ? "stop who does, or choose another port, or off"
                                 : "choose another port, or off");
}

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static enum tx_error open_socket(struct http *http, const struct http_address *at, int *out,
                                 struct tx_why *why)
{
    union address address = {.v4 = {.sin_family = AF_INET, .sin_port = htons(at->port)}};
    socklen_t size = sizeof address.v4;
    const int yes = 1;

    if (at->ipv6) {
        address.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(at->port)};
        address.v6.sin6_addr = in6addr_loopback;
        size = sizeof address.v6;
    } else if (inet_pton(AF_INET, at->host, &address.v4.sin_addr) != 1) {
        return bind_error(at, EINVAL, why);
    }
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return bind_error(at, errno, why);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, &address.any, size) != 0 || listen(fd, (int)BACKLOG) != 0 ||
        getsockname(fd, &address.any, &size) != 0) {
        enum tx_error error = bind_error(at, errno, why);

        (void)close(fd);
        return error;
    }
    (void)snprintf(http->endpoint, sizeof http->endpoint, at->ipv6 ? "[%s]:%u" : "%s:%u", at->host,
                   (unsigned)ntohs(at->ipv6 ? address.v6.sin6_port : address.v4.sin_port));
    *out = fd;
    return TX_OK;
}

/* MHD takes the socket over. */
static bool start_daemon(struct http *http, int fd)
{
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MAX,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (http->daemon == NULL) {
        (void)close(fd);
        return false;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    http->mhd_fd = info != NULL ? info->epoll_fd : -1;
    return http->mhd_fd >= 0;
}

static bool join_loop(struct http *http, struct loop *loop)
{
    struct epoll_event event = {.events = EPOLLIN};

    http->gate_fd = epoll_create1(EPOLL_CLOEXEC);
    http->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return http->gate_fd >= 0 && http->timer_fd >= 0 &&
           epoll_ctl(http->gate_fd, EPOLL_CTL_ADD, http->mhd_fd, &event) == 0 &&
           loop_add_fd(loop, http->gate_fd, on_gate, http) == TX_OK &&
           loop_add_fd(loop, http->timer_fd, on_timer, http) == TX_OK;
}

enum tx_error http_new(const struct http_address *at, struct loop *loop,
                       const struct http_resource *resources, size_t resources_n, void *arg,
                       struct http **out, struct tx_why *why)
{
    struct http *http = calloc(1, sizeof *http);
    enum tx_error error;
    int fd = -1;

    TX_ASSERT(resources_n <= HTTP_RESOURCES_MAX && at->host[0] != '\0');
    if (http == NULL)
        return tx_why(why, TX_ENOMEM, "no memory for the HTTP server");
    http->resources = resources;
    http->resources_n = resources_n;
    http->arg = arg;
    http->gate_fd = http->timer_fd = -1;
    http->mhd_due_us = UINT64_MAX;
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
        http->connections[i].fd = -1;
    error = open_socket(http, at, &fd, why);
    if (error == TX_OK && (!start_daemon(http, fd) || !join_loop(http, loop)))
        error = tx_why(why, TX_ENOMEM, "no memory or descriptors for the HTTP server");
    if (error != TX_OK)
        http_destroy(&http);
    *out = http;
    return error;
}

void http_destroy(struct http **http_p)
{
    struct http *http = *http_p;

    if (http == NULL)
        return;
    *http_p = NULL;
    drop_made(http);
    if (http->daemon != NULL)
        MHD_stop_daemon(http->daemon);
    if (http->gate_fd >= 0)
        (void)close(http->gate_fd);
    if (http->timer_fd >= 0)
        (void)close(http->timer_fd);
    free(http);
}

const char *http_endpoint(const struct http *http)
{
    return http->endpoint;
}

struct http_stats http_stats(const struct http *http)
{
    return http->stats;
}
