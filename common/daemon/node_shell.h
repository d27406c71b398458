/* What the shells of both daemons have in common: a log, a loop with its network and services, and
 * what a pass of that loop ends with.
 *
 * A pass of the loop brings messages and what the log writer has made durable to the daemon, which
 * steps its core and performs what follows. At its end everything that was queued for the log is
 * handed over as one piece, so that it shares a sync; then the transport sends; last of all the log
 * may be written here, when that is quicker than waking the writer's thread: nothing waits for that
 * sync that does not need it.
 *
 * The first failure that a daemon cannot go on with stops the loop and is what
 * node_shell_run() gives. */
#ifndef ASSENT_COMMON_DAEMON_NODE_SHELL_H
#define ASSENT_COMMON_DAEMON_NODE_SHELL_H

#include "common/daemon/node_admin.h"
#include "common/daemon/node_config.h"
#include "common/daemon/node_ready.h"
#include "common/loop.h"
#include "common/service.h"
#include "common/transport.h"
#include "common/times.h"
#include "txlog/backup/archive_worker.h"
#include "txlog/backup/backup_worker.h"
#include "txlog/node_log.h"

#include <stdio.h>

struct status_fields;

/* Durations that the page draws. */
#define NODE_PHASES_MAX 8u
struct node_phases {
    struct {
        const char *name;
        const struct tx_times *times; /* microseconds; borrowed until the daemon's next step */
    } items[NODE_PHASES_MAX];
    size_t n;
};

/* What the daemon does when something happens; all of them are called from the loop. */
struct node_calls {
    /* A message: from the transport, or from client 0, the node's own page, whose answer comes to
     * node_shell_reply(). */
    transport_receive *received;
    /* The log is durable up to `lsn`. */
    void (*durable)(void *arg, struct tx_lsn lsn);
    /* The time that `deadline` named has come. */
    void (*tick)(void *arg);
    /* When the core wants its tick (clock_now_us), asked at the end of every pass; UINT64_MAX for
     * never. */
    uint64_t (*deadline)(void *arg);
    /* Free space has fallen below the reserve (`low`), or is above it again. */
    void (*disk)(void *arg, bool low);
    /* `on`: take no new work from now on; else take it again. */
    void (*drain)(void *arg, bool on);
    /* The configuration has other values where a running daemon takes them. */
    void (*reloaded)(void *arg);
    /* As of struct node_admin_options; NULL: it lets nobody in. */
    enum tx_error (*readmit)(void *arg, struct tx_bytes name, bool now, struct tx_why *text);
    /* Is there nothing left to finish? */
    bool (*idle)(void *arg);
    /* Why does it not serve new transactions, and what else should be looked at? */
    void (*ready)(void *arg, struct node_ready *ready);
    /* Writes its metrics, node_metrics_write() among them. */
    void (*metrics)(void *arg, FILE *out);
    void (*phases)(void *arg, struct node_phases *phases);
    /* Adds to a STATUS what only the daemon's shell knows; NULL: nothing. */
    void (*fields)(void *arg, struct status_fields *fields);
    /* The loop has ended: ends the threads of its own. NULL: it has none. */
    void (*stop)(void *arg);
};

struct http;
struct json;

struct node_shell {
    struct node_config *config; /* borrowed; the beginning of the daemon's whole configuration */
    const struct node_calls *calls;
    void *arg;
    struct txlog_identity identity;
    char name[TX_NAME_MAX + 32];
    struct node_log log;
    struct loop *loop;
    struct service *service;
    struct transport *transport;
    struct backup_worker *backup;
    struct archive_worker *archive; /* NULL: there is none */
    struct node_admin *admin;
    struct http *http;         /* NULL: off */
    struct json *status_json;  /* the /status.json under way; or NULL */
    bool serving;              /* recovery is over */
    uint64_t serving_since_ms; /* wall time */
    uint64_t pass_wall_ms;     /* the wall time of this pass, for records; 0: not asked for yet */
    enum tx_error failed;      /* why the loop was stopped; TX_OK for a signal */
    struct tx_why why;
};

/* Makes the loop, opens the log, checks and replays it into `visitor`, and makes this start
 * durable: `shell->log.start` is known from the visitor's begin() on. `config` and `calls` are
 * borrowed for as long as the shell lives; `identity` is copied, and its cluster taken from the
 * configuration. After an error only the two closing functions are left. */
enum tx_error node_shell_open(struct node_shell *shell, struct node_config *config,
                              const struct node_calls *calls, void *arg,
                              const struct txlog_identity *identity,
                              const struct recovery_visitor *visitor,
                              struct tx_why *why) TX_MUST_CHECK;

/* Binds the socket, and takes over signals, timer and the watch over the disk. */
enum tx_error node_shell_listen(struct node_shell *shell, struct tx_why *why) TX_MUST_CHECK;

/* Ends the pass that the recovered core began before the loop runs. */
void node_shell_first_pass(struct node_shell *shell);

/* Serves until a signal ends it (TX_OK, the log is closed) or it cannot go on (with a text). */
enum tx_error node_shell_run(struct node_shell *shell, struct tx_why *why) TX_MUST_CHECK;

/* Stops serving because it cannot go on; the first failure counts. */
void node_shell_fail(struct node_shell *shell, enum tx_error error, const char *format, ...)
    TX_PRINTF(3, 4);

/* The wall clock of this pass of the loop, in milliseconds. */
uint64_t node_shell_wall_ms(struct node_shell *shell);

/* Queues a record with the data that are atomic with it, and fills in its time unless it has one. A
 * failure stops the daemon. */
void node_shell_append(struct node_shell *shell, struct txlog_record *record,
                       const struct txlog_put *puts, size_t puts_n, bool force);

/* "coordinator-1", or a participant's name. */
const char *node_shell_name(const struct node_shell *shell);

/* Answers a client; client 0 is the node's own page, which gets a STATUS. To a STATUS the fields
 * are added that only the shell knows; what became of a call that is audited goes to the audit log
 * first. */
void node_shell_reply(struct node_shell *shell, transport_client client, const struct tx_msg *msg);

/* Network, services and loop first; then whatever rests on the log; the log last. */
void node_shell_close_network(struct node_shell *shell);
void node_shell_close_log(struct node_shell *shell);

#endif
