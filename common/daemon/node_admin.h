/* Administration of a daemon: ADMIN_REQUEST, the reload of its configuration, and the audit log of
 * both, of decisions by an operator, and of the daemon's starts and stops.
 *
 * Whatever changes something is refused when the audit log cannot be written. */
#ifndef ASSENT_COMMON_DAEMON_NODE_ADMIN_H
#define ASSENT_COMMON_DAEMON_NODE_ADMIN_H

#include "common/daemon/node_config.h"
#include "common/transport.h"

struct node_admin;

struct node_admin_options {
    struct node_config *config; /* the beginning of the daemon's whole configuration; borrowed */
    char node[64];              /* "coordinator-1", "a" */
    uint64_t start;             /* its epoch or incarnation */
    /* `on`: take no new work; else take it again. */
    void (*drain)(void *arg, bool on);
    /* Is there nothing left to finish? */
    bool (*idle)(void *arg);
    /* A reload has changed the configuration. */
    void (*reloaded)(void *arg);
    /* May the participant be let in again with its declared loss? `text` says what is lost, or why
     * not; with `now`, it is let in. NULL: this daemon lets nobody in. */
    enum tx_error (*readmit)(void *arg, struct tx_bytes name, bool now, struct tx_why *text);
    void *arg;
};

/* Opens the audit log; errors as audit_open() gives them. */
enum tx_error node_admin_new(const struct node_admin_options *options, struct node_admin **admin,
                             struct tx_why *why) TX_MUST_CHECK;
void node_admin_destroy(struct node_admin **admin);

/* A client's message. True: it goes no further, and `answer` (borrowed until the next call) is its
 * answer. */
bool node_admin_takes(struct node_admin *admin, transport_client from,
                      const struct tx_envelope *envelope, const struct tx_msg *msg,
                      struct tx_msg *answer) TX_MUST_CHECK;
/* The core answers a client: to be called before that is sent. */
void node_admin_answered(struct node_admin *admin, transport_client to,
                         const struct tx_msg_error *answer);

/* SIGHUP. */
void node_admin_reload(struct node_admin *admin);
/* It has begun to leave: from now on nothing undoes that. */
void node_admin_stopping(struct node_admin *admin);

/* For the audit log: what became of a backup into `into` that nobody asked for just then.
 * `operator_name`: "schedule". */
void node_admin_backed_up(struct node_admin *admin, const char *operator_name, struct tx_bytes into,
                          enum tx_error error, const char *text);

/* For the audit log: it serves; it has ended, with why when that is an error. */
void node_admin_started(struct node_admin *admin);
void node_admin_stopped(struct node_admin *admin, enum tx_error error, const char *why);

#endif
