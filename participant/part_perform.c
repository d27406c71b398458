/* The participant's shell, second half: performs the core's actions. */
#include "participant/part_shell_internal.h"

#include "common/assert.h"
#include "common/clock.h"
#include "participant/part_trace.h"

#include <inttypes.h>

/* What follows from a step is performed after its locks have been traced, so that nothing becomes
 * durable under a lock that the trace does not show. */
static void step_core(struct part_shell *shell, const struct part_event *event)
{
    part_core_step(shell->core, event, shell->now_us, &shell->actions);
    part_trace_locks(&shell->config.name, shell->core);
}

static void tell_core(struct part_shell *shell, struct tx_id tx, enum part_rm_call call,
                      const struct rm_answer *answer, enum part_rm_status status)
{
    struct part_event event = {.type = PART_EVENT_RM,
                               .tx = tx,
                               .call = call,
                               .status = status,
                               .reason = answer->reason,
                               .text = answer->text,
                               .result = answer->result,
                               .redo = answer->redo,
                               .wrote = answer->wrote};

    step_core(shell, &event);
}

/* An answer of the resource manager becomes an event of the core, or the end of the daemon. */
static void answered(struct part_shell *shell, struct tx_id tx, enum part_rm_call call,
                     const struct rm_answer *answer)
{
    char id[TX_ID_TEXT];

    switch (answer->status) {
    case RM_OK:
        tell_core(shell, tx, call, answer, PART_RM_OK);
        return;
    case RM_READ_ONLY:
        tell_core(shell, tx, call, answer, PART_RM_READ_ONLY);
        return;
    case RM_ROLLED_BACK:
        tell_core(shell, tx, call, answer, PART_RM_ROLLED_BACK);
        return;
    case RM_RETRY:
        tell_core(shell, tx, call, answer, PART_RM_RETRY);
        return;
    case RM_PENDING: /* process() will answer */
        return;
    case RM_NOT_FOUND:
    case RM_HEURISTIC:
    case RM_FAILED:
        node_shell_fail(&shell->node, TX_EIO, "the %s store cannot go on with transaction %s: %.*s",
                        shell->rm->vtable->kind, tx_id_print(tx, id), (int)answer->text.len,
                        (const char *)answer->text.data);
        return;
    }
}

static void execute(struct part_shell *shell, const struct part_action *action)
{
    struct rm_answer answer = {0};
    struct tx_id tx = action->tx; /* the answer may move the action away */

    shell->rm->vtable->execute(shell->rm, tx, &action->op, &answer);
    answered(shell, tx, PART_RM_EXECUTE, &answer);
}

static void prepare(struct part_shell *shell, struct tx_id tx)
{
    struct rm_answer answer = {0};

    shell->rm->vtable->prepare(shell->rm, tx, &answer);
    answered(shell, tx, PART_RM_PREPARE, &answer);
}

/* A rollback cannot fail for the core: what the store cannot undo now it must never have shown. */
static void rollback(struct part_shell *shell, struct tx_id tx)
{
    struct rm_answer answer = {0};

    shell->rm->vtable->rollback(shell->rm, tx, &answer);
    if (answer.status == RM_FAILED)
        answered(shell, tx, PART_RM_ROLLBACK, &answer);
}

static void append(struct part_shell *shell, struct part_action *action)
{
    struct rm_answer answer = {0};
    struct rm_batch batch = {0};

    if (action->redo_wanted)
        action->record.prepared.redo = shell->rm->vtable->redo(shell->rm, action->tx);
    if (action->commit_writes) {
        shell->rm->vtable->commit(shell->rm, action->tx, action->record.lsn, &batch, &answer);
        if (answer.status != RM_OK) {
            node_shell_fail(&shell->node, TX_EIO, "the %s store cannot commit: %.*s",
                            shell->rm->vtable->kind, (int)answer.text.len,
                            (const char *)answer.text.data);
            return;
        }
    }
    node_shell_append(&shell->node, &action->record, batch.puts, batch.puts_n, action->force);
    if (action->commit_writes)
        shell->rm->vtable->committed(shell->rm, action->tx);
}

static void deliver(struct part_shell *shell, const struct part_action *action)
{
    if (action->to.is_client)
        node_shell_reply(&shell->node, action->to.client, &action->msg);
    else
        transport_send(shell->node.transport, &action->to.address, &action->msg);
}

static void perform(struct part_shell *shell, struct part_action *action)
{
    switch (action->type) {
    case PART_ACTION_SEND:
        deliver(shell, action);
        return;
    case PART_ACTION_APPEND:
        append(shell, action);
        return;
    case PART_ACTION_EXECUTE:
        execute(shell, action);
        return;
    case PART_ACTION_PREPARE:
        prepare(shell, action->tx);
        return;
    case PART_ACTION_ROLLBACK:
        rollback(shell, action->tx);
        return;
    case PART_ACTION_COMPACT:
        log_writer_compact(shell->node.log.writer, action->lsn);
        return;
    case PART_ACTION_STAMP:
        transport_set_cut(shell->node.transport, action->cut);
        return;
    case PART_ACTION_ALARM:
        log_text(LOG_ERROR_LEVEL, action->tx, action->text);
        return;
    case PART_ACTION_NOTE:
        log_text(LOG_WARN_LEVEL, action->tx, action->text);
        return;
    }
}

void part_shell_perform(struct part_shell *shell)
{
    for (size_t i = 0; i < shell->actions.n && shell->node.failed == TX_OK; i++) {
        /* What the resource manager answers may append actions, and move them all: nobody looks at
         * one after that. */
        perform(shell, &shell->actions.items[i]);
    }
    part_actions_clear(&shell->actions);
}

void part_shell_step(struct part_shell *shell, const struct part_event *event)
{
    if (shell->node.failed != TX_OK)
        return;
    TX_ASSERT(shell->actions.n == 0);
    shell->now_us = clock_now_us(); /* what the store answers at once is of the same moment */
    step_core(shell, event);
    part_shell_perform(shell);
}
