/* A small HTTP server inside a daemon's own loop, for what is looked at: metrics, health, a page.
 * On libmicrohttpd, whose descriptors it hangs into the loop.
 *
 * GET and HEAD alone, one request a connection, no request bodies, only under the names of this
 * machine (so that no page of another site can read it through a browser). Whoever asks may not
 * hold up the daemon: at most HTTP_CONNECTIONS_MAX at once and HTTP_REQUEST_US each, whatever he
 * sends or does not read; the rest waits to be accepted. What a turn of the server has cost is
 * followed by a pause of four times as long, so that it never takes more than a fifth of the loop's
 * time; and what is asked for several times in one turn is made once. */
#ifndef ASSENT_COMMON_DAEMON_HTTP_H
#define ASSENT_COMMON_DAEMON_HTTP_H

#include "common/ids.h"
#include "common/loop.h"

#include <stdio.h>

#define HTTP_CONNECTIONS_MAX 64u
#define HTTP_REQUEST_US      (10u * 1000u * 1000u)
#define HTTP_LISTEN_MAX      63u /* characters of HOST:PORT */
#define HTTP_NONCE_MAX       32u

/* Writes the body of a resource and gives its HTTP status. `nonce` is what a script or a style of
 * this answer must name, or the browser does not take it. */
typedef unsigned http_write(void *arg, FILE *out, const char *nonce);

struct http_resource {
    const char *path; /* "/metrics" */
    const char *type; /* "text/plain; charset=utf-8" */
    http_write *write;
};

#define HTTP_RESOURCES_MAX 8u

/* Where to listen: `text` is auto, off or HOST:PORT of a loopback address, the port may be "*".
 * auto: at the host of `node`, the address that the daemon itself listens on, with its port plus
 * 100; off when that is ipc. `*port` is 0 for one that the kernel chooses; `host` is empty for off.
 * TX_EADDRESS with a text that names the key. */
struct http_address {
    char host[HTTP_LISTEN_MAX + 1]; /* without the brackets of IPv6; empty: do not listen */
    bool ipv6;
    uint16_t port;
};
enum tx_error http_address_parse(const char *text, const char *node, struct http_address *out,
                                 struct tx_why *why) TX_MUST_CHECK;

struct http_stats {
    uint64_t answered;    /* requests */
    uint64_t refused;     /* of these, with a status of 400 and above */
    uint64_t overdue;     /* connections closed because their request took too long */
    uint64_t busy_us;     /* of the loop's time */
    uint64_t connections; /* open now */
};

struct http;

/* Binds and serves `resources` (borrowed, as is `arg`) from now on. TX_EBUSY when the port is in
 * use, TX_EACCESS, TX_EADDRESS, with a text that names the key. */
enum tx_error http_new(const struct http_address *at, struct loop *loop,
                       const struct http_resource *resources, size_t resources_n, void *arg,
                       struct http **http, struct tx_why *why) TX_MUST_CHECK;
/* Before the loop, which must not run any more. */
void http_destroy(struct http **http);

/* For whoever is busy outside of the loop: answers what has been asked meanwhile. Cheap. */
void http_poll(struct http *http);

/* "127.0.0.1:7500", with the port that the kernel chose. */
const char *http_endpoint(const struct http *http);
struct http_stats http_stats(const struct http *http);

#endif
