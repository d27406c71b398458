/* The settings of a handle, and the configuration file that they may come from.
 *
 *     [client]
 *     cluster = demo                         required
 *     coordinator = tcp://127.0.0.1:7400     required
 *     name = shop                            a label for the daemons' logs
 *     connect_timeout = 5s                   for a connection; without one nothing is sent
 *     request_timeout = 15s                  for an answer; longer than a wait for a lock may be
 *     commit_timeout = 40s                   for an outcome; longer than the prepare timeout
 *     resend = 500ms                         the same request again after this, growing
 *     message_max = 1M                       bytes of a frame, as the daemons have it
 *     in_flight_max = 1024                   asynchronous calls under way at once
 *     participants = tcp://127.0.0.1:7410, ...  whom txctl finds without the coordinator; the key
 * may come several times
 *
 * Durations need a unit (ms, s, m, h); sizes may have one (K, M, G). Anything else in the file is
 * refused. */
#ifndef ASSENT_CLIENT_CLIENT_SETTINGS_H
#define ASSENT_CLIENT_CLIENT_SETTINGS_H

#include "common/ids.h"

#define CLIENT_IN_FLIGHT_MAX    UINT64_C(1000000)
#define CLIENT_PARTICIPANTS_MAX 64u

struct client_settings {
    char cluster[TX_CLUSTER_MAX + 1];
    struct tx_address coordinator;
    struct tx_name name; /* may be empty */
    uint64_t connect_timeout_ms;
    uint64_t request_timeout_ms;
    uint64_t commit_timeout_ms;
    uint64_t resend_ms;
    uint64_t message_max; /* bytes */
    uint64_t in_flight_max;
    struct tx_address participants[CLIENT_PARTICIPANTS_MAX];
    size_t participants_n;
};

void client_settings_init(struct client_settings *settings);

/* Each takes a text into its field. TX_EINVAL with a text that says what is wrong and what is
 * expected. */
enum tx_error client_settings_set_cluster(struct client_settings *settings, const char *text,
                                          struct tx_why *why) TX_MUST_CHECK;
enum tx_error client_settings_set_coordinator(struct client_settings *settings, const char *text,
                                              struct tx_why *why) TX_MUST_CHECK;
enum tx_error client_settings_set_name(struct client_settings *settings, const char *text,
                                       struct tx_why *why) TX_MUST_CHECK;

/* The bounds of the numbers. TX_EINVAL with a text. */
enum tx_error client_settings_check(const struct client_settings *settings,
                                    struct tx_why *why) TX_MUST_CHECK;

/* Reads a file on top of the defaults. TX_ENOTFOUND, TX_EACCESS, TX_EIO, TX_EFORMAT, each with a
 * text "FILE:LINE: ..." or "FILE: ..."; TX_ENOMEM. */
enum tx_error client_settings_read(struct client_settings *settings, const char *file,
                                   struct tx_why *why) TX_MUST_CHECK;

#endif
