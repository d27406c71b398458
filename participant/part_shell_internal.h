/* What the files of the participant's shell share. */
#ifndef ASSENT_PARTICIPANT_PART_SHELL_INTERNAL_H
#define ASSENT_PARTICIPANT_PART_SHELL_INTERNAL_H

#include "common/daemon/node_shell.h"
#include "participant/part_core.h"
#include "participant/part_shell.h"
#include "participant/rm.h"

struct part_shell {
    struct part_config config;
    struct node_shell node;
    struct rm *rm;
    struct part_core *core;
    struct part_actions actions;
    uint64_t now_us; /* of the event that is being worked off */
};

/* Tells the core and performs everything that follows. */
void part_shell_step(struct part_shell *shell, const struct part_event *event);

/* Performs the actions that are there. */
void part_shell_perform(struct part_shell *shell);

#endif
