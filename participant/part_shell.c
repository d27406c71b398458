#include "participant/part_shell_internal.h"

#include "common/assert.h"
#include "common/clock.h"
#include "participant/kv.h"
#include "participant/part_trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void received(void *arg, transport_client from, const struct tx_envelope *envelope,
                     const struct tx_msg *msg)
{
    struct part_shell *shell = arg;
    struct part_event event = {.type = PART_EVENT_MESSAGE,
                               .client = from,
                               .envelope = envelope,
                               .msg = msg,
                               .wall_ms = msg->type == TX_MSG_RESOLVE ? clock_wall_ms() : 0};

    part_shell_step(shell, &event);
}

/* The writer has made more of the log durable, or has failed. */
static void durable(void *arg)
{
    struct part_shell *shell = arg;
    struct part_event event = {.type = PART_EVENT_DURABLE};
    enum tx_error error = log_writer_poll(shell->node.writer, &event.lsn, &shell->why);

    if (error != TX_OK) {
        shell->failed = error;
        loop_stop(shell->loop);
        return;
    }
    shell->rm->vtable->durable(shell->rm, event.lsn);
    part_shell_step(shell, &event);
}

static void tick(void *arg)
{
    struct part_shell *shell = arg;

    part_shell_step(shell, &(struct part_event){.type = PART_EVENT_TICK});
}

/* What one pass of the loop has brought forth reaches the log as one piece, with one sync. The
 * transport sends after this: it was added to the loop later. */
static void hand_over(void *arg)
{
    struct part_shell *shell = arg;

    log_writer_hand_over(shell->node.writer);
}

/* The last of a pass, behind the transport: nothing waits for this sync that does not need it. */
static void write_log(void *arg)
{
    struct part_shell *shell = arg;

    log_writer_write(shell->node.writer);
}

static void disk(void *arg, bool low, uint64_t free_bytes)
{
    (void)free_bytes;
    part_shell_step(arg, &(struct part_event){.type = PART_EVENT_DISK, .on = low});
}

static void drain(void *arg)
{
    part_shell_step(arg, &(struct part_event){.type = PART_EVENT_DRAIN});
}

static bool idle(void *arg)
{
    return part_core_idle(((struct part_shell *)arg)->core);
}

static void reload(void *arg)
{
    (void)arg;
    LOG_INFO("SIGHUP: a participant has nothing that can be reloaded; restart it", "%s", "");
}

static enum tx_error replay_record(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    return part_core_recover(((struct part_shell *)arg)->core, record, why);
}

static struct part_core *new_core(const struct part_shell *shell)
{
    const struct part_config *config = &shell->config;
    struct part_options options = {.name = config->name,
                                   .incarnation = shell->node.start,
                                   .life = shell->node.life,
                                   .idle_us = config->idle_ms * 1000u,
                                   .lock_timeout_us = config->lock_timeout_ms * 1000u,
                                   .inquiry_us = config->inquiry_ms * 1000u,
                                   .inquiry_max_us = config->inquiry_max_ms * 1000u,
                                   .txs_max = config->transactions_max,
                                   .locks_max = config->locks_max,
                                   .lock_policy = config->lock_policy,
                                   .escalate_at = config->escalate_at,
                                   .tombstones_max = config->tombstones_max,
                                   .snapshot_records = config->snapshot_records,
                                   .retain_records = config->retain_records,
                                   .results_max = part_core_results_max(config->message_max)};

    return part_core_new(&options);
}

/* Once, but for a log that told the wrong place of its snapshot. */
static void begin_replay(void *arg)
{
    struct part_shell *shell = arg;

    if (shell->core != NULL)
        part_core_destroy(&shell->core);
    shell->core = new_core(shell);
}

/* Carried through part_core_each_prepared(): hands one redo to the resource manager. */
struct recover_rm {
    struct part_shell *shell;
    struct tx_buf stored;
    struct tx_arena arena;
    enum tx_error error;
    struct tx_why *why;
};

static void recover_prepared(void *arg, struct tx_id tx, struct tx_lsn prepared)
{
    struct recover_rm *recover = arg;
    struct part_shell *shell = recover->shell;
    struct txlog_record record;
    struct rm_answer answer = {0};
    char id[TX_ID_TEXT];

    if (recover->error != TX_OK)
        return;
    tx_arena_reset(&recover->arena);
    recover->error = txlog_get(shell->node.log, prepared, &recover->stored, recover->why);
    if (recover->error == TX_OK)
        recover->error = txlog_record_decode(tx_buf_view(&recover->stored), &recover->arena,
                                             &record, recover->why);
    if (recover->error != TX_OK)
        return;
    TX_ASSERT(record.type == TXLOG_PREPARED && tx_id_equal(record.prepared.id, tx));
    shell->rm->vtable->recover(shell->rm, tx, record.prepared.redo, &answer);
    if (answer.status != RM_OK)
        recover->error = tx_why(
            recover->why, TX_ECORRUPT, "record %" PRIu64 " (PREPARED of transaction %s): %.*s",
            prepared.n, tx_id_print(tx, id), (int)answer.text.len, (const char *)answer.text.data);
}

static enum tx_error open_store(struct part_shell *shell, struct tx_why *why)
{
    struct node_log_options options = {
        .directory = shell->config.data,
        .lazy_ms = (uint32_t)shell->config.lazy_ms,
        .group_wait_us = (uint32_t)shell->config.group_wait_us,
        .owner_writes = true,
        .identity = {.role = TX_ROLE_PARTICIPANT, .name = shell->config.name}};
    struct recovery_visitor visitor = {begin_replay, replay_record, shell};
    struct recover_rm recover = {.shell = shell, .why = why};
    enum tx_error error;

    memcpy(options.identity.cluster, shell->config.cluster, sizeof options.identity.cluster);
    error = node_log_open(&shell->node, &options, why);
    if (error != TX_OK)
        return error;
    error = node_log_start(&shell->node, clock_wall_ms(), &visitor, why);
    if (error != TX_OK)
        return error;
    error = kv_open(shell->node.log, (size_t)shell->config.cache_bytes, &shell->rm, why);
    if (error != TX_OK)
        return error;
    part_core_each_prepared(shell->core, recover_prepared, &recover);
    tx_buf_deinit(&recover.stored);
    tx_arena_deinit(&recover.arena);
    return recover.error;
}

static enum tx_error open_network(struct part_shell *shell, struct tx_why *why)
{
    struct transport_options options = {.envelope = {.role = TX_ROLE_PARTICIPANT,
                                                     .name = shell->config.name,
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
    error = loop_add_after(shell->loop, hand_over, shell);
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

enum tx_error part_shell_new(const struct part_config *config, struct part_shell **shell,
                             struct tx_why *why)
{
    struct part_shell *made = calloc(1, sizeof *made);
    enum tx_error error;

    if (made == NULL)
        return tx_why(why, TX_ENOMEM, "out of memory");
    made->config = *config;
    error = loop_new(&made->loop, why);
    if (error == TX_OK)
        error = open_store(made, why);
    if (error == TX_OK)
        error = open_network(made, why);
    made->now_us = clock_now_us();
    if (error == TX_OK)
        error = part_core_recovered(made->core, made->node.last, made->now_us, &made->actions, why);
    if (error != TX_OK) {
        part_shell_destroy(&made);
        return error;
    }
    part_trace_locks(&made->config.name, made->core);
    part_shell_perform(made);
    hand_over(made);
    transport_flush(made->transport);
    write_log(made);
    *shell = made;
    return TX_OK;
}

enum tx_error part_shell_run(struct part_shell *shell, struct tx_why *why)
{
    LOG_INFO("serving", "cluster=%s listen=%s incarnation=%" PRIu64 " lsn=%" PRIu64 " data=%s",
             shell->config.cluster, transport_endpoint(shell->transport), shell->node.start,
             shell->node.last.n, shell->config.data);
    if (shell->failed == TX_OK)
        loop_run(shell->loop);
    if (shell->failed == TX_OK) {
        transport_flush(shell->transport);
        return node_log_close(&shell->node, why);
    }
    *why = shell->why;
    return shell->failed;
}

void part_shell_destroy(struct part_shell **shell)
{
    struct part_shell *old = *shell;

    if (old == NULL)
        return;
    if (old->transport != NULL)
        transport_destroy(&old->transport);
    if (old->service != NULL)
        service_destroy(&old->service);
    if (old->loop != NULL)
        loop_destroy(&old->loop);
    if (old->rm != NULL)
        old->rm->vtable->close(&old->rm);
    /* A failed write was reported when it happened; closing can only repeat it. */
    if (node_log_close(&old->node, NULL) != TX_OK)
        LOG_ERROR("the log was closed after a failed write", "data=%s", old->config.data);
    part_actions_deinit(&old->actions);
    if (old->core != NULL)
        part_core_destroy(&old->core);
    free(old);
    *shell = NULL;
}

void part_shell_fail(struct part_shell *shell, enum tx_error error, const char *format, ...)
{
    va_list args;

    if (shell->failed != TX_OK)
        return;
    shell->failed = error;
    va_start(args, format);
    vsnprintf(shell->why.text, sizeof shell->why.text, format, args);
    va_end(args);
    loop_stop(shell->loop);
}
