/* Loaded into a daemon or a client (LD_PRELOAD), it bends connections to loopback ports: where
 * ASSENT_TEST_REDIRECT says "7400=9001,7410=9002", what is meant for port 7400 goes to 9001.
 *
 * Daemons tell each other the address where they really listen, so that no configuration could lead
 * all their connections through a proxy. And each program can have ports of the proxy of its own,
 * which tells the proxy who connects. */
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static uint16_t bend(uint16_t port)
{
    const char *at = getenv("ASSENT_TEST_REDIRECT");

    while (at != NULL && *at != '\0') {
        char *end = NULL;
        unsigned long from = strtoul(at, &end, 10);
        unsigned long to = *end == '=' ? strtoul(end + 1, &end, 10) : 0;

        if (from == port && to != 0)
            return (uint16_t)to;
        at = *end == ',' ? end + 1 : NULL;
    }
    return port;
}

__attribute__((visibility("default"))) int connect(int fd, const struct sockaddr *address,
                                                   socklen_t len)
{
    static int (*real)(int fd, const struct sockaddr *address, socklen_t len);
    struct sockaddr_in bent;

    if (real == NULL) {
        void *found = dlsym(RTLD_NEXT, "connect");

        memcpy(&real, &found, sizeof real);
    }
    if (address->sa_family != AF_INET || len < sizeof bent)
        return real(fd, address, len);
    memcpy(&bent, address, sizeof bent);
    bent.sin_port = htons(bend(ntohs(bent.sin_port)));
    return real(fd, (const struct sockaddr *)&bent, sizeof bent);
}
