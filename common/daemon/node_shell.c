#include "common/daemon/node_shell.h"

#include "common/assert.h"
#include "common/clock.h"
#include "common/notify.h"
#include "common/daemon/http.h"
#include "common/daemon/node_archive.h"
#include "common/daemon/node_http.h"
#include "common/status_fields.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- what the services and the loop bring ---- */

static void refuse(struct node_shell *shell, transport_client client, uint64_t req,
                   enum tx_error error, const struct tx_why *why)
{
    struct tx_msg msg = {.type = TX_MSG_ERROR,
                         .error = {.req = req, .error = error, .text = tx_bytes_str(why->text)}};

    transport_reply(shell->transport, client, &msg);
}

/* The core has no part in it. */
static void serve_backup(struct node_shell *shell, transport_client client,
                         const struct tx_msg_backup_request *request)
{
    struct tx_msg msg = {.type = TX_MSG_BACKUP};
    struct tx_why why;
    enum tx_error error = backup_worker_ask(shell->backup, request, &msg.backup, &why);

    if (error != TX_OK)
        refuse(shell, client, request->req, error, &why);
    else
        transport_reply(shell->transport, client, &msg);
}

static void received(void *arg, transport_client from, const struct tx_envelope *envelope,
                     const struct tx_msg *msg)
{
    struct node_shell *shell = arg;
    struct tx_msg answer;

    if (envelope->role == TX_ROLE_CLIENT &&
        node_admin_takes(shell->admin, from, envelope, msg, &answer))
        transport_reply(shell->transport, from, &answer);
    else if (msg->type == TX_MSG_BACKUP_REQUEST)
        serve_backup(shell, from, &msg->backup_request);
    else
        shell->calls->received(shell->arg, from, envelope, msg);
}

static void durable(void *arg)
{
    struct node_shell *shell = arg;
    struct tx_lsn lsn;
    enum tx_error error = log_writer_poll(shell->log.writer, &lsn, &shell->why);

    if (error != TX_OK) {
        shell->failed = error;
        loop_stop(shell->loop);
        return;
    }
    shell->calls->durable(shell->arg, lsn);
}

static void tick(void *arg)
{
    struct node_shell *shell = arg;

    shell->calls->tick(shell->arg);
}

static void disk(void *arg, bool low, uint64_t free_bytes)
{
    struct node_shell *shell = arg;

    (void)free_bytes;
    archive_worker_disk(shell->archive, low);
    shell->calls->disk(shell->arg, low);
}

static void drain(void *arg)
{
    struct node_shell *shell = arg;

    node_admin_stopping(shell->admin);
    shell->calls->drain(shell->arg, true);
}

static bool idle(void *arg)
{
    struct node_shell *shell = arg;

    return shell->calls->idle(shell->arg);
}

static void reload(void *arg)
{
    node_admin_reload(((struct node_shell *)arg)->admin);
}

/* What one pass of the loop has brought forth reaches the log as one piece, with one sync. The
 * transport sends after this: it was added to the loop later. */
static void end_pass(void *arg)
{
    struct node_shell *shell = arg;

    log_writer_hand_over(shell->log.writer);
    service_tick_at(shell->service, shell->calls->deadline(shell->arg));
    shell->pass_wall_ms = 0;
}

/* The last of a pass, behind the transport. */
static void write_log(void *arg)
{
    struct node_shell *shell = arg;

    log_writer_write(shell->log.writer);
}

/* ---- backups ---- */

static void backed_up(void *arg, const char *repository, const char *backup, struct tx_lsn cut)
{
    const struct node_shell *shell = arg;

    archive_worker_backed_up(shell->archive, repository, backup, cut);
}

static enum tx_error open_backup(struct node_shell *shell, struct tx_why *why)
{
    struct backup_worker_options options = {.log = shell->log.log,
                                            .writer = shell->log.writer,
                                            .directory = shell->config->data,
                                            .identity = shell->identity,
                                            .generation = shell->log.generation,
                                            .rate = shell->config->backup_rate,
                                            .backed_up = backed_up,
                                            .arg = shell};

    return backup_worker_new(&options, &shell->backup, why);
}

/* ---- administration ---- */

static void admin_drain(void *arg, bool on)
{
    struct node_shell *shell = arg;

    notify_status("%s",
                  on ? "drained by an operator: new transactions are refused" : NOTIFY_SERVING);
    shell->calls->drain(shell->arg, on);
}

static void admin_reloaded(void *arg)
{
    struct node_shell *shell = arg;

    service_set(shell->service, shell->config->disk_reserve, shell->config->drain_ms);
    backup_worker_set_rate(shell->backup, shell->config->backup_rate);
    node_archive_reload(shell);
    shell->calls->reloaded(shell->arg);
}

static enum tx_error admin_readmit(void *arg, struct tx_bytes name, bool now, struct tx_why *text)
{
    struct node_shell *shell = arg;

    return shell->calls->readmit(shell->arg, name, now, text);
}

static enum tx_error open_admin(struct node_shell *shell, struct tx_why *why)
{
    struct node_admin_options options = {.config = shell->config,
                                         .start = shell->log.start,
                                         .drain = admin_drain,
                                         .idle = idle,
                                         .reloaded = admin_reloaded,
                                         .readmit =
                                             shell->calls->readmit != NULL ? admin_readmit : NULL,
                                         .arg = shell};

    snprintf(options.node, sizeof options.node, "%s", shell->name);
    return node_admin_new(&options, &shell->admin, why);
}

/* ---- opening ---- */

static void name_node(struct node_shell *shell)
{
    if (shell->identity.role == TX_ROLE_COORDINATOR)
        (void)snprintf(shell->name, sizeof shell->name, "coordinator-%" PRIu32,
                       shell->identity.coordinator);
    else
        (void)snprintf(shell->name, sizeof shell->name, "%s", shell->identity.name.s);
}

const char *node_shell_name(const struct node_shell *shell)
{
    return shell->name;
}

/* Whoever asks for the health during a long replay gets an answer. */
#define POLL_EVERY_RECORDS 256u

struct replay {
    struct node_shell *shell;
    const struct recovery_visitor *visitor;
    uint64_t records;
};

static void replay_begin(void *arg)
{
    const struct replay *replay = arg;

    replay->visitor->begin(replay->visitor->arg);
}

static enum tx_error replay_record(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    struct replay *replay = arg;

    if (++replay->records % POLL_EVERY_RECORDS == 0)
        http_poll(replay->shell->http);
    return replay->visitor->record(replay->visitor->arg, record, why);
}

static enum tx_error replay(struct node_shell *shell, const struct recovery_visitor *visitor,
                            struct tx_why *why)
{
    struct replay replay = {.shell = shell, .visitor = visitor};
    struct recovery_visitor polling = {replay_begin, replay_record, &replay};

    return node_log_start(&shell->log, clock_wall_ms(), &polling, why);
}

static void reading(void *arg, struct tx_lsn at, struct tx_lsn first, struct tx_lsn last)
{
    const uint64_t records = last.n > first.n ? last.n - first.n : 1;

    (void)arg;
    notify_starting("reading the log: LSN %" PRIu64 " of %" PRIu64 " to %" PRIu64 " (%" PRIu64
                    " %%)",
                    at.n, first.n, last.n, (at.n - first.n) * 100u / records);
}

enum tx_error node_shell_open(struct node_shell *shell, struct node_config *config,
                              const struct node_calls *calls, void *arg,
                              const struct txlog_identity *identity,
                              const struct recovery_visitor *visitor, struct tx_why *why)
{
    struct node_log_options options = {.directory = config->data,
                                       .lazy_ms = (uint32_t)config->lazy_ms,
                                       .group_wait_us = (uint32_t)config->group_wait_us,
                                       .owner_writes = true,
                                       .identity = *identity,
                                       .reading = reading};
    enum tx_error error;

    TX_ASSERT(shell->loop == NULL);
    shell->config = config;
    shell->calls = calls;
    shell->arg = arg;
    memcpy(options.identity.cluster, config->cluster, sizeof options.identity.cluster);
    shell->identity = options.identity;
    name_node(shell);
    error = loop_new(&shell->loop, why);
    if (error == TX_OK)
        error = node_http_open(shell, why);
    if (error != TX_OK)
        return error;
    notify_starting("opening the log in %s", config->data);
    error = node_log_open(&shell->log, &options, why);
    if (error != TX_OK)
        return error;
    error = replay(shell, visitor, why);
    if (error != TX_OK)
        return error;
    return open_admin(shell, why);
}

static enum tx_error open_transport(struct node_shell *shell, struct tx_why *why)
{
    const struct node_config *config = shell->config;
    struct transport_options options = {.envelope = {.role = shell->identity.role,
                                                     .name = shell->identity.name,
                                                     .coordinator = shell->identity.coordinator,
                                                     .start = shell->log.start,
                                                     .life = shell->log.life,
                                                     .generation = shell->log.generation},
                                        .listen = config->listen.s,
                                        .message_max = config->message_max};

    memcpy(options.envelope.cluster, config->cluster, sizeof options.envelope.cluster);
    return transport_new(&options, shell->loop, received, NULL, shell, &shell->transport, why);
}

static enum tx_error open_service(struct node_shell *shell, struct tx_why *why)
{
    struct service_options options = {.directory = shell->config->data,
                                      .disk_reserve = shell->config->disk_reserve,
                                      .drain_ms = shell->config->drain_ms,
                                      .disk = disk,
                                      .drain = drain,
                                      .idle = idle,
                                      .reload = reload,
                                      .tick = tick,
                                      .arg = shell};

    return service_new(&options, shell->loop, &shell->service, why);
}

enum tx_error node_shell_listen(struct node_shell *shell, struct tx_why *why)
{
    enum tx_error error = loop_add_after(shell->loop, end_pass, shell);

    if (error != TX_OK)
        return tx_why(why, error, "out of memory");
    error = node_archive_open(shell, why);
    if (error == TX_OK)
        error = open_backup(shell, why);
    if (error == TX_OK)
        error = open_transport(shell, why);
    if (error != TX_OK)
        return error;
    error = loop_add_after(shell->loop, write_log, shell);
    if (error != TX_OK)
        return tx_why(why, error, "out of memory");
    error = open_service(shell, why);
    if (error != TX_OK)
        return error;
    error = loop_add_fd(shell->loop, log_writer_fd(shell->log.writer), durable, shell);
    if (error != TX_OK)
        return tx_why(why, error, "cannot watch the log writer: %s", tx_error_text(error));
    return TX_OK;
}

void node_shell_first_pass(struct node_shell *shell)
{
    end_pass(shell);
    transport_flush(shell->transport);
    write_log(shell);
    shell->serving = true;
    shell->serving_since_ms = clock_wall_ms();
}

/* ---- running ---- */

enum tx_error node_shell_run(struct node_shell *shell, struct tx_why *why)
{
    node_admin_started(shell->admin);
    if (shell->failed == TX_OK) {
        notify_ready();
        loop_run(shell->loop);
    }
    if (shell->calls->stop != NULL)
        shell->calls->stop(shell->arg);
    backup_worker_destroy(&shell->backup);
    node_admin_stopped(shell->admin, shell->failed, shell->why.text);
    if (shell->failed == TX_OK) {
        transport_flush(shell->transport);
        node_archive_close(shell);
        return node_log_close(&shell->log, why);
    }
    *why = shell->why;
    return shell->failed;
}

void node_shell_fail(struct node_shell *shell, enum tx_error error, const char *format, ...)
{
    va_list args;

    TX_ASSERT(error != TX_OK);
    if (shell->failed != TX_OK)
        return;
    shell->failed = error;
    va_start(args, format);
    vsnprintf(shell->why.text, sizeof shell->why.text, format, args);
    va_end(args);
    loop_stop(shell->loop);
}

uint64_t node_shell_wall_ms(struct node_shell *shell)
{
    if (shell->pass_wall_ms == 0)
        shell->pass_wall_ms = clock_wall_ms();
    return shell->pass_wall_ms;
}

void node_shell_append(struct node_shell *shell, struct txlog_record *record,
                       const struct txlog_put *puts, size_t puts_n, bool force)
{
    enum tx_error error;

    if (record->time_ms == 0)
        record->time_ms = node_shell_wall_ms(shell);
    error = node_log_append(&shell->log, record, puts, puts_n, force);
    if (error != TX_OK)
        node_shell_fail(shell, error, "cannot queue a log record: %s", tx_error_text(error));
}

/* The names of two percentiles for each phase, as fields have them: "prepare_p50_us". */
struct phase_names {
    char items[NODE_PHASES_MAX][2][48];
};

static bool is_field(const struct status_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->n; i++)
        if (tx_bytes_equal(fields->items[i].name, tx_bytes_str(name)))
            return true;
    return false;
}

static void add_phases(struct node_shell *shell, struct phase_names *names,
                       struct status_fields *fields)
{
    static const unsigned percents[2] = {50, 99};
    struct node_phases phases = {.n = 0};

    shell->calls->phases(shell->arg, &phases);
    for (size_t i = 0; i < phases.n; i++) {
        for (size_t j = 0; j < 2; j++) {
            char *name = names->items[i][j];

            snprintf(name, sizeof names->items[i][j], "%s_p%u_us", phases.items[i].name,
                     percents[j]);
            for (char *blank = strchr(name, ' '); blank != NULL; blank = strchr(blank, ' '))
                *blank = '_';
            if (!is_field(fields, name)) /* some the core tells itself */
                status_fields_u64(fields, name,
                                  tx_times_percentile(phases.items[i].times, percents[j]));
        }
    }
}

static void send_status(struct node_shell *shell, transport_client client,
                        const struct tx_msg *status)
{
    struct transport_stats net = transport_stats(shell->transport);
    struct log_writer_stats writer = log_writer_stats(shell->log.writer);
    struct status_fields fields;
    struct phase_names names;
    struct node_archive_texts archive;
    struct tx_msg msg = *status;

    TX_ASSERT(msg.type == TX_MSG_STATUS);
    status_fields_begin(&fields, msg.status.fields, msg.status.fields_n);
    status_fields_runtime(&fields, &net, service_disk_free(shell->service));
    status_fields_u64(&fields, "log_batches", writer.batches);
    status_fields_u64(&fields, "log_records", writer.records);
    status_fields_u64(&fields, "log_records_max", writer.batch_records_max);
    status_fields_u64(&fields, "log_bytes", writer.bytes);
    status_fields_u64(&fields, "log_sync_us_total", writer.sync_us_total);
    status_fields_u64(&fields, "log_sync_us_max", writer.sync_us_max);
    status_fields_u64(&fields, "generation", shell->log.generation);
    if (shell->calls->fields != NULL)
        shell->calls->fields(shell->arg, &fields);
    node_archive_fields(shell, &archive, &fields);
    add_phases(shell, &names, &fields);
    msg.status.fields = fields.items;
    msg.status.fields_n = fields.n;
    if (client == 0)
        node_http_take_status(shell, &msg.status);
    else
        transport_reply(shell->transport, client, &msg);
}

void node_shell_reply(struct node_shell *shell, transport_client client, const struct tx_msg *msg)
{
    if (msg->type == TX_MSG_STATUS) {
        send_status(shell, client, msg);
        return;
    }
    if (msg->type == TX_MSG_ERROR)
        node_admin_answered(shell->admin, client, &msg->error);
    transport_reply(shell->transport, client, msg);
}

/* ---- the end ---- */

void node_shell_close_network(struct node_shell *shell)
{
    if (shell->transport != NULL)
        transport_destroy(&shell->transport);
    if (shell->http != NULL)
        http_destroy(&shell->http);
    if (shell->service != NULL)
        service_destroy(&shell->service);
    if (shell->loop != NULL)
        loop_destroy(&shell->loop);
}

void node_shell_close_log(struct node_shell *shell)
{
    backup_worker_destroy(&shell->backup);
    node_archive_close(shell);
    node_admin_destroy(&shell->admin);
    /* A failed write was reported when it happened; closing can only repeat it. */
    if (node_log_close(&shell->log, NULL) != TX_OK)
        LOG_ERROR("the log was closed after a failed write", "data=%s", shell->config->data);
}
