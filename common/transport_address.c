#include "common/transport_address.h"

#include "common/assert.h"
#include "common/transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TCP        "tcp://"
#define IPC        "ipc://"
#define PREFIX_LEN (sizeof(TCP) - 1)

static enum tx_error refuse(const char *text, const char *reason, struct tx_why *why)
{
    char shown[160];

    return tx_why(why, TX_EADDRESS,
                  "\"%s\": %s; use tcp://127.0.0.1:PORT, tcp://[::1]:PORT, tcp://localhost:PORT "
                  "or ipc:///PATH",
                  tx_bytes_print(tx_bytes_str(text), shown, sizeof(shown)), reason);
}

static enum tx_error parse_ipc(const char *text, struct transport_address *out, struct tx_why *why)
{
    const char *path = text + PREFIX_LEN;
    const size_t path_max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

    if (path[0] != '/' || path[strlen(path) - 1] == '/') {
        return refuse(text, "the path of a socket must begin with '/' and name a file", why);
    }
    if (strlen(path) > path_max) {
        return refuse(text, "the path of a socket has at most 107 bytes", why);
    }
    (void)snprintf(out->endpoint, sizeof(out->endpoint), "%s", text);
    out->path = out->endpoint + PREFIX_LEN;
    return TX_OK;
}

static bool is_port(const char *text)
{
    unsigned port = 0;
    const size_t len = strlen(text);

    if (len == 0 || len > 5 || strspn(text, "0123456789") != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    return port >= 1 && port <= 65535;
}

/* NULL when the host may be used; else why not. `host` is rewritten as ZeroMQ is to see it. */
static const char *check_host(char *host, size_t size, bool *ipv6)
{
    struct in_addr v4;

    if (strcmp(host, "[::1]") == 0) {
        *ipv6 = true;
        return NULL;
    }
    if (strcmp(host, "localhost") == 0) {
        (void)snprintf(host, size, "127.0.0.1");
        return NULL;
    }
    if (strcmp(host, "*") == 0 || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "[::]") == 0) {
        return "means every network interface, and without encryption only this machine may "
               "reach a daemon";
    }
    if (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127) {
        return NULL;
    }
    return "the host is no loopback address, and without encryption only this machine may reach "
           "a daemon";
}

static enum tx_error parse_tcp(const char *text, bool listen, struct transport_address *out,
                               struct tx_why *why)
{
    const char *rest = text + PREFIX_LEN;
    const char *colon = strrchr(rest, ':');
    char host[64];
    const char *reason;

    /* In "tcp://[::1]" the last colon is part of the host. */
    if (colon == NULL || strchr(colon, ']') != NULL) {
        return refuse(text, "there is no port", why);
    }
    if (colon == rest || (size_t)(colon - rest) >= sizeof(host)) {
        return refuse(text, "there is no usable host", why);
    }
    memcpy(host, rest, (size_t)(colon - rest));
    host[colon - rest] = '\0';
    reason = check_host(host, sizeof(host), &out->ipv6);
    if (reason != NULL) {
        return refuse(text, reason, why);
    }
    if (!is_port(colon + 1) && !(listen && strcmp(colon + 1, "*") == 0)) {
        return refuse(text, "a port is a number from 1 to 65535", why);
    }
    (void)snprintf(out->endpoint, sizeof(out->endpoint), TCP "%s:%s", host, colon + 1);
    return TX_OK;
}

enum tx_error transport_address_parse(const char *text, bool listen, struct transport_address *out,
                                      struct tx_why *why)
{
    TX_ASSERT(text != NULL);
    TX_ASSERT(out != NULL);
    *out = (struct transport_address){.path = NULL};
    if (strlen(text) > TX_ADDRESS_MAX) {
        return refuse(text, "an address has at most 127 characters", why);
    }
    if (strncmp(text, TCP, PREFIX_LEN) == 0) {
        return parse_tcp(text, listen, out, why);
    }
    if (strncmp(text, IPC, PREFIX_LEN) == 0) {
        return parse_ipc(text, out, why);
    }
    return refuse(text, "it begins with neither tcp:// nor ipc://", why);
}

enum tx_error transport_address_check(const char *address, struct tx_why *why)
{
    struct transport_address parsed;

    return transport_address_parse(address, false, &parsed, why);
}

enum tx_error transport_listen_check(const char *address, struct tx_why *why)
{
    struct transport_address parsed;

    return transport_address_parse(address, true, &parsed, why);
}

/* 0 when somebody accepts connections at the path, else an errno. */
static int probe(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = 0;

    if (fd < 0) {
        return errno;
    }
    TX_ASSERT(strlen(path) < sizeof(at.sun_path));
    memcpy(at.sun_path, path, strlen(path) + 1);
    if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 && errno != EAGAIN) {
        error = errno; /* EAGAIN: somebody listens, with a full backlog */
    }
    (void)close(fd);
    return error;
}

enum tx_error transport_path_check(const char *path, struct tx_why *why)
{
    struct stat st;
    int error;

    if (lstat(path, &st) != 0) {
        /* A missing folder shows when it is bound. */
        return errno == ENOENT ? TX_OK
                               : tx_why(why, errno == EACCES ? TX_EACCESS : TX_EADDRESS, "%s: %s",
                                        path, strerror(errno));
    }
    if (!S_ISSOCK(st.st_mode)) {
        return tx_why(why, TX_EADDRESS, "%s exists and is no socket; choose another path", path);
    }
    error = probe(path);
    if (error == 0) {
        return tx_why(why, TX_EBUSY,
                      "%s is in use: another process listens there; stop it, or choose "
                      "another path",
                      path);
    }
    if (error == ECONNREFUSED || error == ENOENT) {
        return TX_OK; /* left behind by a process that is gone */
    }
    return tx_why(why, error == EACCES ? TX_EACCESS : TX_EIO,
                  "%s: cannot tell whether it is in use: %s", path, strerror(error));
}
