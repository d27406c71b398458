#include "coordinator/coord_shell.h"

#include "common/assert.h"
#include "common/clock.h"
#include "common/daemon/node_shell.h"
#include "coordinator/coord_backup.h"
#include "coordinator/coord_core.h"
#include "coordinator/coord_metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct coord_shell {
    struct coord_config config;
    struct node_shell node;
    struct coord_core *core;
    struct coord_actions actions;
    uint64_t pass_us;   /* the time of this pass of the loop; 0: not asked for yet */
    size_t pass_begins; /* BEGINs answered in it */
    struct coord_backup backup;
    struct tx_times begin; /* how long they take: to the end of their pass, which sends */
};

static void perform(struct coord_shell *shell, struct coord_action *action)
{
    switch (action->type) {
    case COORD_ACTION_SEND:
        transport_send(shell->node.transport, &action->address, &action->msg);
        return;
    case COORD_ACTION_REPLY:
        shell->pass_begins += action->msg.type == TX_MSG_BEGUN;
        node_shell_reply(&shell->node, action->client, &action->msg);
        return;
    case COORD_ACTION_APPEND:
        node_shell_append(&shell->node, &action->record, NULL, 0, action->force);
        return;
    case COORD_ACTION_COMPACT:
        log_writer_compact(shell->node.log.writer, action->lsn);
        return;
    case COORD_ACTION_STAMP:
        transport_set_cut(shell->node.transport, action->cut);
        return;
    case COORD_ACTION_ALARM:
        log_text(LOG_ERROR_LEVEL, action->tx, action->text);
        return;
    case COORD_ACTION_NOTE:
        log_text(LOG_INFO_LEVEL, action->tx, action->text);
        return;
    }
}

static void perform_all(struct coord_shell *shell)
{
    for (size_t i = 0; i < shell->actions.n && shell->node.failed == TX_OK; i++)
        perform(shell, &shell->actions.items[i]);
    coord_actions_clear(&shell->actions);
}

/* One reading of the clock for all that a pass of the loop brings: nothing in it happens by the
 * microsecond, and a timer that is due meanwhile fires in the next pass. */
static uint64_t now_us(struct coord_shell *shell)
{
    if (shell->pass_us == 0)
        shell->pass_us = clock_now_us();
    return shell->pass_us;
}

static void step(struct coord_shell *shell, const struct coord_event *event)
{
    if (shell->node.failed != TX_OK)
        return;
    TX_ASSERT(shell->actions.n == 0);
    coord_core_step(shell->core, event, now_us(shell), &shell->actions);
    perform_all(shell);
}

static void received(void *arg, transport_client from, const struct tx_envelope *envelope,
                     const struct tx_msg *msg)
{
    struct coord_shell *shell = arg;
    struct coord_event event = {.type = COORD_EVENT_MESSAGE,
                                .client = from,
                                .envelope = envelope,
                                .msg = msg,
                                .wall_ms = node_shell_wall_ms(&shell->node)};

    if (msg->type == TX_MSG_BEGIN) {
        enum tx_error error = clock_random(event.token.bytes, sizeof event.token.bytes);

        if (error != TX_OK) {
            node_shell_fail(&shell->node, error, "cannot draw a random token: %s",
                            tx_error_text(error));
            return;
        }
    }
    step(shell, &event);
}

static void durable(void *arg, struct tx_lsn lsn)
{
    step(arg, &(struct coord_event){.type = COORD_EVENT_DURABLE, .lsn = lsn});
}

static void tick(void *arg)
{
    struct coord_shell *shell = arg;

    shell->pass_us = 0; /* the timer is late by the clock, not by the pass */
    step(shell, &(struct coord_event){.type = COORD_EVENT_TICK,
                                      .wall_ms = node_shell_wall_ms(&shell->node)});
}

static void count_begins(struct coord_shell *shell)
{
    const uint64_t took_us = shell->pass_us > 0 ? clock_now_us() - shell->pass_us : 0;

    for (; shell->pass_begins > 0; shell->pass_begins--)
        tx_times_count(&shell->begin, took_us);
}

/* Asked at the end of a pass: the next one has a time of its own. */
static uint64_t deadline(void *arg)
{
    struct coord_shell *shell = arg;

    if (shell->pass_begins > 0)
        count_begins(shell);
    shell->pass_us = 0;
    return coord_core_deadline(shell->core);
}

static void disk(void *arg, bool low)
{
    step(arg, &(struct coord_event){.type = COORD_EVENT_DISK, .on = low});
}

/* What a frame holds beside the results in an OUTCOME, generously. */
#define COORD_OUTCOME_OVERHEAD 2048u

static struct coord_options options_of(const struct coord_shell *shell)
{
    const struct coord_config *config = &shell->config;
    return (struct coord_options){.id = (uint32_t)config->id,
                                  .epoch = shell->node.log.start,
                                  .life = shell->node.log.life,
                                  .nodes = config->participants,
                                  .nodes_n = config->participants_n,
                                  .prepare_timeout_us = config->prepare_ms * 1000u,
                                  .prepare_tries = (uint32_t)config->prepare_tries,
                                  .active_idle_us = config->active_idle_ms * 1000u,
                                  .resend_us = config->resend_ms * 1000u,
                                  .resend_max_us = config->resend_max_ms * 1000u,
                                  .hello_us = config->hello_ms * 1000u,
                                  .peer_down_us = config->peer_down_ms * 1000u,
                                  .forget_us = config->forget_ms * 1000u,
                                  .retention_us = config->retention_ms * 1000u,
                                  .retained_max = config->retained_max,
                                  .txs_max = config->transactions_max,
                                  .lock_timeout_ms = (uint32_t)config->lock_timeout_ms,
                                  .snapshot_records = config->node.snapshot_records,
                                  .retain_records = config->node.retain_records,
                                  .results_max = config->node.message_max - COORD_OUTCOME_OVERHEAD,
                                  .mode = config->commit_mode,
                                  .cut_every_us = config->cut_every_ms * 1000u,
                                  .wall_zero_ms = clock_wall_ms() - clock_now_us() / 1000u};
}

static void drain(void *arg, bool on)
{
    struct coord_shell *shell = arg;

    backup_schedule_hold(shell->backup.schedule, on);
    step(shell, &(struct coord_event){.type = COORD_EVENT_DRAIN, .on = on});
}

static void reloaded(void *arg)
{
    struct coord_shell *shell = arg;
    struct coord_options options = options_of(shell);

    coord_backup_reload(&shell->backup, &shell->config);
    step(shell, &(struct coord_event){.type = COORD_EVENT_OPTIONS, .options = &options});
}

static enum tx_error readmit(void *arg, struct tx_bytes name, bool now, struct tx_why *text)
{
    struct coord_shell *shell = arg;
    struct coord_event event = {.type = COORD_EVENT_READMIT};
    enum tx_error error = tx_name_set(&event.name, name);

    if (error != TX_OK)
        return tx_why(text, TX_EINVAL, "%s is no name of a participant", LOG_Q(name));
    error = coord_core_readmission(shell->core, &event.name, text);
    if (error == TX_OK && now)
        step(shell, &event);
    return error;
}

static bool idle(void *arg)
{
    struct coord_shell *shell = arg;

    return coord_core_idle(shell->core) && !backup_schedule_running(shell->backup.schedule);
}

static void ready(void *arg, struct node_ready *out)
{
    struct coord_shell *shell = arg;

    coord_metrics_ready(shell->core, out);
    coord_backup_ready(&shell->backup, out);
}

static void metrics(void *arg, FILE *out)
{
    struct coord_shell *shell = arg;

    backup_schedule_view(shell->backup.schedule, &shell->backup.view);
    coord_metrics_write(&shell->node, shell->core, &shell->begin, &shell->backup.view, out);
}

static void phases(void *arg, struct node_phases *out)
{
    struct coord_shell *shell = arg;

    coord_metrics_phases(shell->core, &shell->begin, out);
}

static void fields(void *arg, struct status_fields *out)
{
    coord_backup_fields(&((struct coord_shell *)arg)->backup, out);
}

static void stop(void *arg)
{
    coord_backup_stop(&((struct coord_shell *)arg)->backup);
}

static const struct node_calls calls = {.received = received,
                                        .durable = durable,
                                        .tick = tick,
                                        .deadline = deadline,
                                        .disk = disk,
                                        .drain = drain,
                                        .reloaded = reloaded,
                                        .readmit = readmit,
                                        .idle = idle,
                                        .ready = ready,
                                        .metrics = metrics,
                                        .phases = phases,
                                        .fields = fields,
                                        .stop = stop};

static enum tx_error replay_record(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    return coord_core_recover(((struct coord_shell *)arg)->core, record, why);
}

/* Once, but for a log that told the wrong place of its snapshot. */
static void begin_replay(void *arg)
{
    struct coord_shell *shell = arg;
    struct coord_options options = options_of(shell);

    if (shell->core != NULL)
        coord_core_destroy(&shell->core);
    shell->core = coord_core_new(&options);
}

enum tx_error coord_shell_new(const struct coord_config *config, struct coord_shell **shell,
                              struct tx_why *why)
{
    struct coord_shell *made = calloc(1, sizeof *made);
    struct txlog_identity identity = {.role = TX_ROLE_COORDINATOR,
                                      .coordinator = (uint32_t)config->id};
    struct recovery_visitor visitor = {begin_replay, replay_record, made};
    enum tx_error error;

    if (made == NULL)
        return tx_why(why, TX_ENOMEM, "out of memory");
    made->config = *config;
    error =
        node_shell_open(&made->node, &made->config.node, &calls, made, &identity, &visitor, why);
    if (error == TX_OK)
        error = node_shell_listen(&made->node, why);
    if (error == TX_OK)
        error = coord_backup_open(&made->backup, &made->node, &made->config, why);
    if (error != TX_OK) {
        coord_shell_destroy(&made);
        return error;
    }
    coord_core_recovered(made->core, made->node.log.last, clock_now_us(), &made->actions);
    perform_all(made);
    node_shell_first_pass(&made->node);
    *shell = made;
    return TX_OK;
}

enum tx_error coord_shell_run(struct coord_shell *shell, struct tx_why *why)
{
    const struct node_config *config = &shell->config.node;

    LOG_INFO("serving",
             "cluster=%s listen=%s epoch=%" PRIu64 " lsn=%" PRIu64 " participants=%zu data=%s",
             config->cluster, transport_endpoint(shell->node.transport), shell->node.log.start,
             shell->node.log.last.n, shell->config.participants_n, config->data);
    return node_shell_run(&shell->node, why);
}

void coord_shell_destroy(struct coord_shell **shell)
{
    struct coord_shell *old = *shell;

    if (old == NULL)
        return;
    node_shell_close_network(&old->node);
    coord_backup_close(&old->backup);
    node_shell_close_log(&old->node);
    coord_actions_deinit(&old->actions);
    if (old->core != NULL)
        coord_core_destroy(&old->core);
    free(old);
    *shell = NULL;
}
