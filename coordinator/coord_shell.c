#include "coordinator/coord_shell.h"

#include "common/assert.h"
#include "common/clock.h"
#include "common/service.h"
#include "common/status_fields.h"
#include "common/transport.h"
#include "coordinator/coord_core.h"
#include "txlog/node_log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct coord_shell {
    struct coord_config config;
    struct node_log node;
    struct coord_core *core;
    struct coord_actions actions;
    struct loop *loop;
    struct service *service;
    struct transport *transport;
    uint64_t pass_us;      /* the time of this pass of the loop; 0: not asked for yet */
    uint64_t pass_wall_ms; /* the same, for records */
    enum tx_error failed;  /* why the loop was stopped; TX_OK for a signal */
    struct tx_why why;
};

static void fail(struct coord_shell *shell, enum tx_error error, const char *what)
{
    if (shell->failed != TX_OK)
        return;
    shell->failed = tx_why(&shell->why, error, "%s: %s", what, tx_error_text(error));
    loop_stop(shell->loop);
}

static void send_status(struct coord_shell *shell, const struct coord_action *action)
{
    struct transport_stats net = transport_stats(shell->transport);
    struct log_writer_stats writer = log_writer_stats(shell->node.writer);
    struct status_fields fields;
    struct tx_msg msg = action->msg;

    status_fields_begin(&fields, msg.status.fields, msg.status.fields_n);
    status_fields_runtime(&fields, &net, service_disk_free(shell->service));
    status_fields_u64(&fields, "log_batches", writer.batches);
    status_fields_u64(&fields, "log_records", writer.records);
    status_fields_u64(&fields, "log_records_max", writer.batch_records_max);
    status_fields_u64(&fields, "log_bytes", writer.bytes);
    status_fields_u64(&fields, "log_sync_us_total", writer.sync_us_total);
    status_fields_u64(&fields, "log_sync_us_max", writer.sync_us_max);
    msg.status.fields = fields.items;
    msg.status.fields_n = fields.n;
    transport_reply(shell->transport, action->client, &msg);
}

static void append(struct coord_shell *shell, struct coord_action *action)
{
    enum tx_error error;

    if (shell->pass_wall_ms == 0)
        shell->pass_wall_ms = clock_wall_ms();
    action->record.time_ms = shell->pass_wall_ms;
    error = node_log_append(&shell->node, &action->record, NULL, 0, action->force);
    if (error != TX_OK)
        fail(shell, error, "cannot queue a log record");
}

static void perform(struct coord_shell *shell, struct coord_action *action)
{
    switch (action->type) {
    case COORD_ACTION_SEND:
        transport_send(shell->transport, &action->address, &action->msg);
        return;
    case COORD_ACTION_REPLY:
        if (action->msg.type == TX_MSG_STATUS)
            send_status(shell, action);
        else
            transport_reply(shell->transport, action->client, &action->msg);
        return;
    case COORD_ACTION_APPEND:
        append(shell, action);
        return;
    case COORD_ACTION_COMPACT:
        log_writer_compact(shell->node.writer, action->lsn);
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
    for (size_t i = 0; i < shell->actions.n && shell->failed == TX_OK; i++)
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
    if (shell->failed != TX_OK)
        return;
    TX_ASSERT(shell->actions.n == 0);
    coord_core_step(shell->core, event, now_us(shell), &shell->actions);
    perform_all(shell);
}

static void received(void *arg, transport_client from, const struct tx_envelope *envelope,
                     const struct tx_msg *msg)
{
    struct coord_shell *shell = arg;
    struct coord_event event = {
        .type = COORD_EVENT_MESSAGE, .client = from, .envelope = envelope, .msg = msg};

    if (msg->type == TX_MSG_BEGIN) {
        enum tx_error error = clock_random(event.token.bytes, sizeof event.token.bytes);

        if (error != TX_OK) {
            fail(shell, error, "cannot draw a random token");
            return;
        }
    }
    step(shell, &event);
}

/* The writer has made more of the log durable, or has failed. */
static void durable(void *arg)
{
    struct coord_shell *shell = arg;
    struct coord_event event = {.type = COORD_EVENT_DURABLE};
    enum tx_error error = log_writer_poll(shell->node.writer, &event.lsn, &shell->why);

    if (error != TX_OK) {
        shell->failed = error;
        loop_stop(shell->loop);
        return;
    }
    step(shell, &event);
}

static void tick(void *arg)
{
    struct coord_shell *shell = arg;

    shell->pass_us = 0; /* the timer is late by the clock, not by the pass */
    step(shell, &(struct coord_event){.type = COORD_EVENT_TICK});
}

/* What one pass of the loop has brought forth reaches the log as one piece, with one sync. The
 * transport sends after this: it was added to the loop later. */
static void end_pass(void *arg)
{
    struct coord_shell *shell = arg;

    log_writer_hand_over(shell->node.writer);
    service_tick_at(shell->service, coord_core_deadline(shell->core));
    shell->pass_us = 0;
    shell->pass_wall_ms = 0;
}

/* The last of a pass, behind the transport: nothing waits for this sync that does not need it. */
static void write_log(void *arg)
{
    struct coord_shell *shell = arg;

    log_writer_write(shell->node.writer);
}

static void disk(void *arg, bool low, uint64_t free_bytes)
{
    (void)free_bytes;
    step(arg, &(struct coord_event){.type = COORD_EVENT_DISK, .on = low});
}

static void drain(void *arg)
{
    step(arg, &(struct coord_event){.type = COORD_EVENT_DRAIN});
}

static bool idle(void *arg)
{
    return coord_core_idle(((struct coord_shell *)arg)->core);
}

static void reload(void *arg)
{
    (void)arg;
    LOG_INFO("SIGHUP: a coordinator has nothing that can be reloaded; restart it", "%s", "");
}

static enum tx_error replay_record(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    return coord_core_recover(((struct coord_shell *)arg)->core, record, why);
}

/* What a frame holds beside the results in an OUTCOME, generously. */
#define COORD_OUTCOME_OVERHEAD 2048u

static struct coord_core *new_core(const struct coord_shell *shell)
{
    const struct coord_config *config = &shell->config;
    struct coord_options options = {.id = (uint32_t)config->id,
                                    .epoch = shell->node.start,
                                    .life = shell->node.life,
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
                                    .snapshot_records = config->snapshot_records,
                                    .retain_records = config->retain_records,
                                    .results_max = config->message_max - COORD_OUTCOME_OVERHEAD,
                                    .mode = config->commit_mode};

    return coord_core_new(&options);
}

/* Once, but for a log that told the wrong place of its snapshot. */
static void begin_replay(void *arg)
{
    struct coord_shell *shell = arg;

    if (shell->core != NULL)
        coord_core_destroy(&shell->core);
    shell->core = new_core(shell);
}

static enum tx_error open_store(struct coord_shell *shell, struct tx_why *why)
{
    struct node_log_options options = {
        .directory = shell->config.data,
        .lazy_ms = (uint32_t)shell->config.lazy_ms,
        .group_wait_us = (uint32_t)shell->config.group_wait_us,
        .owner_writes = true,
        .identity = {.role = TX_ROLE_COORDINATOR, .coordinator = (uint32_t)shell->config.id}};
    struct recovery_visitor visitor = {begin_replay, replay_record, shell};
    enum tx_error error;

    memcpy(options.identity.cluster, shell->config.cluster, sizeof options.identity.cluster);
    error = node_log_open(&shell->node, &options, why);
    if (error != TX_OK)
        return error;
    return node_log_start(&shell->node, clock_wall_ms(), &visitor, why);
}

static enum tx_error open_network(struct coord_shell *shell, struct tx_why *why)
{
    struct transport_options options = {.envelope = {.role = TX_ROLE_COORDINATOR,
                                                     .coordinator = (uint32_t)shell->config.id,
                                                     .start = shell->node.start,
                                                     .life = shell->node.life},
                                        .listen = shell->config.listen.s,
                                        .message_max = shell->config.message_max};
    struct service_options service = {.directory = shell->config.data,
                                      .disk_reserve = shell->config.disk_reserve,
                                      .drain_ms = shell->config.drain_ms,
                                      .disk = disk,
                                      .drain = drain,
                                      .idle = idle,
                                      .reload = reload,
                                      .tick = tick,
                                      .arg = shell};
    enum tx_error error;

    memcpy(options.envelope.cluster, shell->config.cluster, sizeof options.envelope.cluster);
    error = loop_add_after(shell->loop, end_pass, shell);
    if (error != TX_OK)
        return tx_why(why, error, "out of memory");
    error = transport_new(&options, shell->loop, received, NULL, shell, &shell->transport, why);
    if (error != TX_OK)
        return error;
    error = loop_add_after(shell->loop, write_log, shell);
    if (error != TX_OK)
        return tx_why(why, error, "out of memory");
    error = service_new(&service, shell->loop, &shell->service, why);
    if (error != TX_OK)
        return error;
    error = loop_add_fd(shell->loop, log_writer_fd(shell->node.writer), durable, shell);
    if (error != TX_OK)
        return tx_why(why, error, "cannot watch the log writer: %s", tx_error_text(error));
    return TX_OK;
}

enum tx_error coord_shell_new(const struct coord_config *config, struct coord_shell **shell,
                              struct tx_why *why)
{
    struct coord_shell *made = calloc(1, sizeof *made);
    enum tx_error error;

    if (made == NULL)
        return tx_why(why, TX_ENOMEM, "out of memory");
    made->config = *config;
    error = loop_new(&made->loop, why);
    if (error == TX_OK)
        error = open_store(made, why);
    if (error == TX_OK)
        error = open_network(made, why);
    if (error != TX_OK) {
        coord_shell_destroy(&made);
        return error;
    }
    coord_core_recovered(made->core, made->node.last, clock_now_us(), &made->actions);
    perform_all(made);
    end_pass(made);
    transport_flush(made->transport);
    write_log(made);
    *shell = made;
    return TX_OK;
}

enum tx_error coord_shell_run(struct coord_shell *shell, struct tx_why *why)
{
    LOG_INFO("serving",
             "cluster=%s listen=%s epoch=%" PRIu64 " lsn=%" PRIu64 " participants=%zu data=%s",
             shell->config.cluster, transport_endpoint(shell->transport), shell->node.start,
             shell->node.last.n, shell->config.participants_n, shell->config.data);
    if (shell->failed == TX_OK)
        loop_run(shell->loop);
    if (shell->failed == TX_OK) {
        transport_flush(shell->transport);
        return node_log_close(&shell->node, why);
    }
    *why = shell->why;
    return shell->failed;
}

void coord_shell_destroy(struct coord_shell **shell)
{
    struct coord_shell *old = *shell;

    if (old == NULL)
        return;
    if (old->transport != NULL)
        transport_destroy(&old->transport);
    if (old->service != NULL)
        service_destroy(&old->service);
    if (old->loop != NULL)
        loop_destroy(&old->loop);
    /* A failed write was reported when it happened; closing can only repeat it. */
    if (node_log_close(&old->node, NULL) != TX_OK)
        LOG_ERROR("the log was closed after a failed write", "data=%s", old->config.data);
    coord_actions_deinit(&old->actions);
    if (old->core != NULL)
        coord_core_destroy(&old->core);
    free(old);
    *shell = NULL;
}
