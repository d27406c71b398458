#include "participant/part_shell_internal.h"

#include "common/assert.h"
#include "common/clock.h"
#include "participant/kv.h"
#include "participant/part_metrics.h"
#include "participant/part_trace.h"

#include <inttypes.h>
#include <stdlib.h>

static void received(void *arg, transport_client from, const struct tx_envelope *envelope,
                     const struct tx_msg *msg)
{
    struct part_shell *shell = arg;
    struct part_event event = {.type = PART_EVENT_MESSAGE,
                               .client = from,
                               .envelope = envelope,
                               .msg = msg,
                               .wall_ms = node_shell_wall_ms(&shell->node)};

    part_shell_step(shell, &event);
}

static void durable(void *arg, struct tx_lsn lsn)
{
    struct part_shell *shell = arg;
    struct part_event event = {.type = PART_EVENT_DURABLE,
                               .lsn = lsn,
                               .log_bytes = log_writer_stats(shell->node.log.writer).bytes};

    shell->rm->vtable->durable(shell->rm, lsn);
    part_shell_step(shell, &event);
}

static void tick(void *arg)
{
    struct part_shell *shell = arg;

    part_shell_step(shell, &(struct part_event){.type = PART_EVENT_TICK});
}

static uint64_t deadline(void *arg)
{
    return part_core_deadline(((struct part_shell *)arg)->core);
}

static void disk(void *arg, bool low)
{
    part_shell_step(arg, &(struct part_event){.type = PART_EVENT_DISK, .on = low});
}

static struct part_options options_of(const struct part_shell *shell)
{
    const struct part_config *config = &shell->config;
    return (struct part_options){.name = config->name,
                                 .incarnation = shell->node.log.start,
                                 .life = shell->node.log.life,
                                 .idle_us = config->idle_ms * 1000u,
                                 .lock_timeout_us = config->lock_timeout_ms * 1000u,
                                 .inquiry_us = config->inquiry_ms * 1000u,
                                 .inquiry_max_us = config->inquiry_max_ms * 1000u,
                                 .txs_max = config->transactions_max,
                                 .locks_max = config->locks_max,
                                 .lock_policy = config->lock_policy,
                                 .escalate_at = config->escalate_at,
                                 .tombstones_max = config->tombstones_max,
                                 .snapshot_records = config->node.snapshot_records,
                                 .retain_records = config->node.retain_records,
                                 .results_max = part_core_results_max(config->node.message_max),
                                 .wall_zero_ms = clock_wall_ms() - clock_now_us() / 1000u};
}

static void drain(void *arg, bool on)
{
    part_shell_step(arg, &(struct part_event){.type = PART_EVENT_DRAIN, .on = on});
}

static void reloaded(void *arg)
{
    struct part_options options = options_of(arg);

    part_shell_step(arg, &(struct part_event){.type = PART_EVENT_OPTIONS, .options = &options});
}

static bool idle(void *arg)
{
    return part_core_idle(((struct part_shell *)arg)->core);
}

static void ready(void *arg, struct node_ready *out)
{
    part_metrics_ready(((struct part_shell *)arg)->core, out);
}

static void metrics(void *arg, FILE *out)
{
    struct part_shell *shell = arg;

    part_metrics_write(&shell->node, shell->core, shell->rm, out);
}

static void phases(void *arg, struct node_phases *out)
{
    part_metrics_phases(((struct part_shell *)arg)->core, out);
}

static const struct node_calls calls = {.received = received,
                                        .durable = durable,
                                        .tick = tick,
                                        .deadline = deadline,
                                        .disk = disk,
                                        .drain = drain,
                                        .reloaded = reloaded,
                                        .idle = idle,
                                        .ready = ready,
                                        .metrics = metrics,
                                        .phases = phases};

static enum tx_error replay_record(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    return part_core_recover(((struct part_shell *)arg)->core, record, why);
}

/* Once, but for a log that told the wrong place of its snapshot. */
static void begin_replay(void *arg)
{
    struct part_shell *shell = arg;
    struct part_options options = options_of(shell);

    if (shell->core != NULL)
        part_core_destroy(&shell->core);
    shell->core = part_core_new(&options);
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
    recover->error = txlog_get(shell->node.log.log, prepared, &recover->stored, recover->why);
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
    struct recover_rm recover = {.shell = shell, .why = why};
    enum tx_error error =
        kv_open(shell->node.log.log, (size_t)shell->config.cache_bytes, &shell->rm, why);

    if (error != TX_OK)
        return error;
    part_core_each_prepared(shell->core, recover_prepared, &recover);
    tx_buf_deinit(&recover.stored);
    tx_arena_deinit(&recover.arena);
    return recover.error;
}

enum tx_error part_shell_new(const struct part_config *config, struct part_shell **shell,
                             struct tx_why *why)
{
    struct part_shell *made = calloc(1, sizeof *made);
    struct txlog_identity identity = {.role = TX_ROLE_PARTICIPANT, .name = config->name};
    struct recovery_visitor visitor = {begin_replay, replay_record, made};
    enum tx_error error;

    if (made == NULL)
        return tx_why(why, TX_ENOMEM, "out of memory");
    made->config = *config;
    error =
        node_shell_open(&made->node, &made->config.node, &calls, made, &identity, &visitor, why);
    if (error == TX_OK)
        error = open_store(made, why);
    if (error == TX_OK)
        error = node_shell_listen(&made->node, why);
    made->now_us = clock_now_us();
    if (error == TX_OK)
        error =
            part_core_recovered(made->core, made->node.log.last, made->now_us, &made->actions, why);
    if (error != TX_OK) {
        part_shell_destroy(&made);
        return error;
    }
    part_trace_locks(&made->config.name, made->core);
    part_shell_perform(made);
    node_shell_first_pass(&made->node);
    *shell = made;
    return TX_OK;
}

enum tx_error part_shell_run(struct part_shell *shell, struct tx_why *why)
{
    const struct node_config *config = &shell->config.node;

    LOG_INFO("serving", "cluster=%s listen=%s incarnation=%" PRIu64 " lsn=%" PRIu64 " data=%s",
             config->cluster, transport_endpoint(shell->node.transport), shell->node.log.start,
             shell->node.log.last.n, config->data);
    return node_shell_run(&shell->node, why);
}

void part_shell_destroy(struct part_shell **shell)
{
    struct part_shell *old = *shell;

    if (old == NULL)
        return;
    node_shell_close_network(&old->node);
    if (old->rm != NULL)
        old->rm->vtable->close(&old->rm);
    node_shell_close_log(&old->node);
    part_actions_deinit(&old->actions);
    if (old->core != NULL)
        part_core_destroy(&old->core);
    free(old);
    *shell = NULL;
}
