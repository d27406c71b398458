/* What the files of the participant's shell share. */
#ifndef ASSENT_PARTICIPANT_PART_SHELL_INTERNAL_H
#define ASSENT_PARTICIPANT_PART_SHELL_INTERNAL_H

#include "common/service.h"
#include "common/status_fields.h"
#include "common/transport.h"
#include "participant/part_core.h"
#include "participant/part_shell.h"
#include "participant/rm.h"
#include "txlog/node_log.h"

struct part_shell {
    struct part_config config;
    struct node_log node;
    struct rm *rm;
    struct part_core *core;
    struct part_actions actions;
    uint64_t now_us; /* of the event that is being worked off */
    struct loop *loop;
    struct service *service;
    struct transport *transport;
    enum tx_error failed; /* why the loop was stopped; TX_OK for a signal */
    struct tx_why why;
};

/* Tells the core and performs everything that follows. */
void part_shell_step(struct part_shell *shell, const struct part_event *event);

/* Performs the actions that are there. */
void part_shell_perform(struct part_shell *shell);

/* Stops serving because it cannot go on. */
void part_shell_fail(struct part_shell *shell, enum tx_error error, const char *format, ...)
    TX_PRINTF(3, 4);

/* Sends a STATUS, with what only the shell knows added to the core's fields. */
void part_shell_send_status(struct part_shell *shell, const struct part_action *action);

#endif
