/* What a daemon shows over HTTP:
 *
 *   /             a page for people, which draws what /status.json says each second
 *   /metrics      in the text format of Prometheus
 *   /healthz      200 while the loop turns
 *   /readyz       200 when it serves new transactions, else 503, with the reasons as JSON
 *   /status.json  the state of the node, for the page; its form is no interface */
#ifndef ASSENT_COMMON_DAEMON_NODE_HTTP_H
#define ASSENT_COMMON_DAEMON_NODE_HTTP_H

#include "common/daemon/node_shell.h"

/* Listens as [http] listen says; `shell->http` stays NULL when that is off. */
enum tx_error node_http_open(struct node_shell *shell, struct tx_why *why) TX_MUST_CHECK;

/* Takes the core's STATUS, with the fields of the shell in it, for the /status.json under way. */
void node_http_take_status(struct node_shell *shell, const struct tx_msg_status *status);

#endif
