/* The proxy: one thread, poll(), and a lock that it gives away only while it waits. */
#include "tests/integration/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PIECE    (64u << 10)  /* what a pipe holds between its two ends */
#define RECORD   (256u << 10) /* kept of what went to the target, to be sent again */
#define TICK_MS  10
#define LINKS    512
#define ONE_LINK 4 /* descriptors that are polled for each */

/* One way of a connection. */
struct pipe_way {
    int from, to;
    unsigned char data[PIECE];
    size_t n, sent;
    int64_t due_ms;  /* of what is in it */
    int64_t next_ms; /* when it may take more, while throttled */
    bool ended;      /* nothing comes any more */
    bool shut;       /* and the receiver knows */
};

struct link {
    size_t route;
    int client, target;
    int twin;     /* a second connection to the target, or -1 */
    bool mirrors; /* the twin gets what the target gets */
    struct pipe_way ways[2];
    unsigned char *record;
    size_t record_n;
    bool dead;
};

struct route {
    int listener, port, target_port;
    struct proxy_fault fault;
};

struct proxy {
    pthread_t thread;
    pthread_mutex_t lock;
    int wake;
    bool stopping;
    struct route routes[PROXY_ROUTES_MAX];
    size_t routes_n;
    struct link *links[LINKS];
    size_t links_n;
    struct proxy_counts counts;
};

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static int set_up(int fd)
{
    int one = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fcntl(fd, F_SETFL, O_NONBLOCK);
}

/* To a loopback port, which answers at once; -1 when nobody listens. */
static int connect_to(int port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 || set_up(fd) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* ---- links ---- */

/* A RST instead of an orderly end. */
static void close_hard(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

static void drop_twin(struct link *link)
{
    if (link->twin >= 0)
        close(link->twin);
    link->twin = -1;
}

static void link_free(struct link *link, bool hard)
{
    if (hard) {
        close_hard(link->client);
        close_hard(link->target);
    } else {
        close(link->client);
        close(link->target);
    }
    drop_twin(link);
    free(link->record);
    free(link);
}

static void accept_one(struct proxy *proxy, size_t route)
{
    int client = accept4(proxy->routes[route].listener, NULL, NULL, SOCK_CLOEXEC);
    int target = client >= 0 ? connect_to(proxy->routes[route].target_port) : -1;
    struct link *link;

    if (client < 0)
        return;
    if (target < 0 || set_up(client) != 0 || proxy->links_n == LINKS) {
        /* As if nobody listened: refused, or nearly so. */
        close_hard(client);
        if (target >= 0)
            close(target);
        return;
    }
    link = calloc(1, sizeof *link);
    if (link == NULL)
        abort();
    *link = (struct link){.route = route, .client = client, .target = target, .twin = -1};
    link->ways[PROXY_THERE].from = link->ways[PROXY_BACK].to = client;
    link->ways[PROXY_THERE].to = link->ways[PROXY_BACK].from = target;
    link->record = malloc(RECORD);
    if (link->record == NULL)
        abort();
    if (proxy->routes[route].fault.twice) {
        link->twin = connect_to(proxy->routes[route].target_port);
        link->mirrors = link->twin >= 0;
        proxy->counts.doubled += link->mirrors ? 1 : 0;
    }
    proxy->links[proxy->links_n++] = link;
    proxy->counts.connections++;
}

static void keep(struct link *link, const unsigned char *data, size_t n)
{
    if (n > RECORD - link->record_n)
        n = RECORD - link->record_n;
    memcpy(link->record + link->record_n, data, n);
    link->record_n += n;
}

/* A twin that does not take everything at once has seen enough: its stream must have no holes. */
static void mirror(struct link *link, const unsigned char *data, size_t n)
{
    if (link->mirrors && send(link->twin, data, n, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)n)
        link->mirrors = false;
}

static void take(struct proxy *proxy, struct link *link, enum proxy_way way, int64_t now)
{
    const struct proxy_fault *fault = &proxy->routes[link->route].fault;
    struct pipe_way *pipe = &link->ways[way];
    size_t room = fault->bytes_max > 0 && fault->bytes_max < PIECE ? fault->bytes_max : PIECE;
    ssize_t n = recv(pipe->from, pipe->data, room, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        link->dead = true;
        return;
    }
    now = now_ms(); /* it may have been sent behind the moment at which this turn began */
    pipe->ended = n == 0;
    pipe->n = (size_t)n;
    pipe->sent = 0;
    pipe->due_ms = now + fault->delay_ms;
    pipe->next_ms = fault->bytes_max > 0 ? now + TICK_MS : 0;
    proxy->counts.bytes += (uint64_t)n;
    if (way == PROXY_THERE) {
        keep(link, pipe->data, (size_t)n);
        mirror(link, pipe->data, (size_t)n);
    }
}

static void give(struct link *link, enum proxy_way way, int64_t now)
{
    struct pipe_way *pipe = &link->ways[way];

    if (pipe->sent < pipe->n && now >= pipe->due_ms) {
        ssize_t n = send(pipe->to, pipe->data + pipe->sent, pipe->n - pipe->sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno != EAGAIN && errno != EINTR)
            link->dead = true;
        pipe->sent += n > 0 ? (size_t)n : 0;
    }
    if (pipe->sent == pipe->n && pipe->ended && !pipe->shut) {
        (void)shutdown(pipe->to, SHUT_WR);
        pipe->shut = true;
    }
}

/* What a twin is answered is thrown away. */
static void drain_twin(struct link *link)
{
    unsigned char scratch[4096];
    ssize_t n;

    while (link->twin >= 0 && (n = recv(link->twin, scratch, sizeof scratch, MSG_DONTWAIT)) != 0) {
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0)
            break;
    }
    link->mirrors = false;
    drop_twin(link);
}

/* ---- the thread ---- */

static bool may_take(const struct proxy *proxy, const struct link *link, enum proxy_way way,
                     int64_t now)
{
    const struct pipe_way *pipe = &link->ways[way];

    return pipe->sent == pipe->n && !pipe->ended && now >= pipe->next_ms &&
           !proxy->routes[link->route].fault.cut[way];
}

static size_t fill_polls(const struct proxy *proxy, struct pollfd *polls, int *timeout)
{
    int64_t now = now_ms();
    size_t n = 0;

    *timeout = 1000;
    polls[n++] = (struct pollfd){.fd = proxy->wake, .events = POLLIN};
    for (size_t i = 0; i < proxy->routes_n; i++)
        polls[n++] = (struct pollfd){.fd = proxy->routes[i].listener, .events = POLLIN};
    for (size_t i = 0; i < proxy->links_n; i++) {
        const struct link *link = proxy->links[i];

        for (int way = 0; way < 2; way++) {
            const struct pipe_way *pipe = &link->ways[way];
            bool waits = pipe->sent < pipe->n;

            if (may_take(proxy, link, (enum proxy_way)way, now))
                polls[n++] = (struct pollfd){.fd = pipe->from, .events = POLLIN};
            if (waits && now >= pipe->due_ms)
                polls[n++] = (struct pollfd){.fd = pipe->to, .events = POLLOUT};
            if ((waits && now < pipe->due_ms) || now < pipe->next_ms)
                *timeout = TICK_MS;
        }
        if (link->twin >= 0)
            polls[n++] = (struct pollfd){.fd = link->twin, .events = POLLIN};
    }
    return n;
}

static void serve_links(struct proxy *proxy)
{
    int64_t now = now_ms();

    for (size_t i = 0; i < proxy->links_n;) {
        struct link *link = proxy->links[i];

        for (int way = 0; way < 2 && !link->dead; way++) {
            if (may_take(proxy, link, (enum proxy_way)way, now))
                take(proxy, link, (enum proxy_way)way, now);
            if (!link->dead)
                give(link, (enum proxy_way)way, now);
        }
        if (link->twin >= 0)
            drain_twin(link);
        if (link->dead || (link->ways[0].shut && link->ways[1].shut)) {
            link_free(link, link->dead);
            proxy->links[i] = proxy->links[--proxy->links_n];
        } else {
            i++;
        }
    }
}

static void *proxy_main(void *arg)
{
    static struct pollfd polls[1 + PROXY_ROUTES_MAX + LINKS * ONE_LINK];
    struct proxy *proxy = arg;

    pthread_mutex_lock(&proxy->lock);
    while (!proxy->stopping) {
        int timeout;
        size_t routes_n = proxy->routes_n;
        size_t n = fill_polls(proxy, polls, &timeout);
        uint64_t woken;

        pthread_mutex_unlock(&proxy->lock);
        (void)poll(polls, n, timeout);
        pthread_mutex_lock(&proxy->lock);
        if (read(proxy->wake, &woken, sizeof woken) < 0 && errno != EAGAIN)
            abort();
        for (size_t i = 0; i < routes_n; i++)
            if (polls[1 + i].revents != 0)
                accept_one(proxy, i);
        serve_links(proxy);
    }
    pthread_mutex_unlock(&proxy->lock);
    return NULL;
}

/* ---- commands ---- */

static void wake(struct proxy *proxy)
{
    uint64_t one = 1;

    assert_int_equal(write(proxy->wake, &one, sizeof one), sizeof one);
}

struct proxy *proxy_new(void)
{
    struct proxy *proxy = calloc(1, sizeof *proxy);

    assert_non_null(proxy);
    pthread_mutex_init(&proxy->lock, NULL);
    proxy->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(proxy->wake >= 0);
    assert_int_equal(pthread_create(&proxy->thread, NULL, proxy_main, proxy), 0);
    return proxy;
}

void proxy_destroy(struct proxy **proxy)
{
    struct proxy *p = *proxy;

    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_mutex_unlock(&p->lock);
    wake(p);
    pthread_join(p->thread, NULL);
    for (size_t i = 0; i < p->links_n; i++)
        link_free(p->links[i], true);
    for (size_t i = 0; i < p->routes_n; i++)
        close(p->routes[i].listener);
    close(p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
    *proxy = NULL;
}

size_t proxy_add(struct proxy *proxy, int target_port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof address;
    struct route route = {.target_port = target_port};
    size_t number;

    route.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(route.listener >= 0);
    assert_int_equal(bind(route.listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(route.listener, 64), 0);
    assert_int_equal(getsockname(route.listener, (struct sockaddr *)&address, &len), 0);
    route.port = ntohs(address.sin_port);
    pthread_mutex_lock(&proxy->lock);
    assert_true(proxy->routes_n < PROXY_ROUTES_MAX);
    number = proxy->routes_n;
    proxy->routes[number] = route;
    proxy->routes_n++;
    pthread_mutex_unlock(&proxy->lock);
    wake(proxy);
    return number;
}

int proxy_port(const struct proxy *proxy, size_t route)
{
    return proxy->routes[route].port;
}

void proxy_set(struct proxy *proxy, size_t route, const struct proxy_fault *fault)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->routes[route].fault = *fault;
    pthread_mutex_unlock(&proxy->lock);
    wake(proxy);
}

void proxy_heal(struct proxy *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    for (size_t i = 0; i < proxy->routes_n; i++)
        proxy->routes[i].fault = (struct proxy_fault){0};
    pthread_mutex_unlock(&proxy->lock);
    wake(proxy);
}

void proxy_reset(struct proxy *proxy, size_t route)
{
    pthread_mutex_lock(&proxy->lock);
    for (size_t i = 0; i < proxy->links_n; i++)
        if (proxy->links[i]->route == route) {
            proxy->links[i]->dead = true;
            proxy->counts.resets++;
        }
    pthread_mutex_unlock(&proxy->lock);
    wake(proxy);
}

void proxy_half_close(struct proxy *proxy, size_t route, enum proxy_way way)
{
    pthread_mutex_lock(&proxy->lock);
    for (size_t i = 0; i < proxy->links_n; i++)
        if (proxy->links[i]->route == route && !proxy->links[i]->ways[way].ended) {
            proxy->links[i]->ways[way].ended = true;
            proxy->counts.half_closed++;
        }
    pthread_mutex_unlock(&proxy->lock);
    wake(proxy);
}

void proxy_replay(struct proxy *proxy, size_t route)
{
    pthread_mutex_lock(&proxy->lock);
    for (size_t i = 0; i < proxy->links_n; i++) {
        struct link *link = proxy->links[i];

        if (link->route != route || link->twin >= 0 || link->record_n == 0)
            continue;
        link->twin = connect_to(proxy->routes[route].target_port);
        if (link->twin < 0)
            continue;
        /* What the socket does not take is cut off: a stream may break anywhere. */
        if (send(link->twin, link->record, link->record_n, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
            proxy->counts.replayed++;
    }
    pthread_mutex_unlock(&proxy->lock);
    wake(proxy);
}

struct proxy_counts proxy_counts(struct proxy *proxy)
{
    struct proxy_counts counts;

    pthread_mutex_lock(&proxy->lock);
    counts = proxy->counts;
    pthread_mutex_unlock(&proxy->lock);
    return counts;
}
