/* A TCP proxy on loopback that misbehaves on command, in a thread of its own. It never alters a
 * byte: what arrives is what was sent, late, in pieces, twice, or not at all.
 *
 * A route leads from a port of the proxy to one target port. Give each pair of programs a route of
 * its own (redirect.c bends their connections), and one pair can be cut while all others go on. The
 * functions may be called by any thread; a fault holds for a route's connections of now and later,
 * until the next proxy_set() or proxy_heal(). */
#ifndef ASSENT_TESTS_INTEGRATION_PROXY_H
#define ASSENT_TESTS_INTEGRATION_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROXY_ROUTES_MAX 64

enum proxy_way { PROXY_THERE, PROXY_BACK }; /* towards the target, and from it */

struct proxy_fault {
    bool cut[2];        /* by way: nothing is taken from the sender any more */
    unsigned delay_ms;  /* of every piece, both ways */
    unsigned bytes_max; /* in 10 ms, each way; 0: no limit */
    bool twice;         /* new connections are doubled: a second one to the target gets the same
                           bytes, and what it answers is thrown away */
};

struct proxy_counts {
    uint64_t connections, bytes, resets, half_closed, doubled, replayed;
};

struct proxy;

/* Starts the thread; fails the test when it cannot. */
struct proxy *proxy_new(void);
/* Closes everything and ends the thread. */
void proxy_destroy(struct proxy **proxy);

/* A new route; its number, from 0 on. */
size_t proxy_add(struct proxy *proxy, int target_port);
int proxy_port(const struct proxy *proxy, size_t route);

void proxy_set(struct proxy *proxy, size_t route, const struct proxy_fault *fault);
/* No fault on any route. */
void proxy_heal(struct proxy *proxy);

/* Resets every connection of the route (RST to both ends). */
void proxy_reset(struct proxy *proxy, size_t route);
/* Ends one way of every connection: its receiver sees the end of the stream. */
void proxy_half_close(struct proxy *proxy, size_t route, enum proxy_way way);
/* Opens a second connection to the target for each of the route's, and sends the first bytes that
 * went there once more (256 KiB at most): old messages arrive again, late. */
void proxy_replay(struct proxy *proxy, size_t route);

struct proxy_counts proxy_counts(struct proxy *proxy);

#endif
