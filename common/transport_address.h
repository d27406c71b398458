/* Addresses of daemons: "tcp://HOST:PORT" on a loopback host, "ipc:///PATH".
 *
 * HOST is localhost (taken as 127.0.0.1, whatever the resolver says), an address in 127.0.0.0/8, or
 * [::1]. The public check is transport_address_check() in common/transport.h. */
#ifndef ASSENT_COMMON_TRANSPORT_ADDRESS_H
#define ASSENT_COMMON_TRANSPORT_ADDRESS_H

#include "common/ids.h"

struct transport_address {
    char endpoint[TX_ADDRESS_MAX + 1]; /* as ZeroMQ takes it */
    const char *path;                  /* ipc: within `endpoint`; NULL for tcp */
    bool ipv6;
};

/* TX_EADDRESS with a text that says why not and what to use. The port "*" is taken only when
 * `listen`. */
enum tx_error transport_address_parse(const char *text, bool listen, struct transport_address *out,
                                      struct tx_why *why) TX_MUST_CHECK;

/* Makes an ipc path ready to be bound: TX_OK when nothing is there, or the socket of a process that
 * is gone; TX_EBUSY when somebody answers there, TX_EADDRESS when it is no socket, TX_EACCESS.
 * ZeroMQ itself removes whatever is in its way. Two processes that look at the same instant are not
 * told apart: daemons are kept from that by the lock on their data directory. */
enum tx_error transport_path_check(const char *path, struct tx_why *why) TX_MUST_CHECK;

#endif
