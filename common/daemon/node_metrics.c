#include "common/daemon/node_metrics.h"

#include "common/clock.h"
#include "common/daemon.h"
#include "common/daemon/http.h"
#include "common/msg.h"

#include <stddef.h>
#include <string.h>
#include <sys/resource.h>

/* An older transaction than this is told of: every other one would be there for one scrape and give
 * a monitoring system a label more for ever. */
#define PIN_TOLD_US (10u * 1000u * 1000u)

struct node_values {
    const char *node_labels;
    uint64_t started_s, start;
    uint64_t alarms, violations, stale;
    uint64_t log_last, log_durable, log_first, log_bytes, log_written_bytes;
    uint64_t log_batches, log_records, log_owner_batches, log_backlog;
    const struct tx_times *batch_sizes, *sync_times;
    const char *pin_labels;
    uint64_t pin_us;
    struct transport_stats net;
    uint64_t disk_free, disk_reserve;
    struct archive_worker_stats archive;
    struct http_stats http;
    uint64_t cpu_us, resident_bytes;
};

#define AT(field)                    offsetof(struct node_values, field)
#define ONE(name, kind, field, help) METRIC_ONE(struct node_values, name, kind, field, help)

static const char *message_kind(unsigned type)
{
    return tx_msg_name((enum tx_msg_type)type);
}

const char *node_metric_abort_reason(unsigned reason)
{
    return reason == TX_REASON_NONE ? NULL : tx_reason_name((enum tx_reason)reason);
}

static const struct metric metrics[] = {
    {"assent_node_info", METRIC_INFO, AT(node_labels), "role,node,cluster,version", 1, NULL,
     "Who this is; always 1."},
    ONE("assent_start_time_seconds", METRIC_GAUGE, started_s,
        "When this process began to serve, in seconds since 1970."),
    ONE("assent_start_number", METRIC_GAUGE, start,
        "The number of this start: epoch of a coordinator, incarnation of a participant."),
    ONE("assent_alarms_total", METRIC_COUNTER, alarms,
        "What must never happen, and has: damage by an operator's decision, an old disk, a bug."),
    ONE("assent_violations_total", METRIC_COUNTER, violations,
        "Messages that no correct peer sends; dropped."),
    ONE("assent_stale_messages_total", METRIC_COUNTER, stale,
        "Messages that came late or twice; ignored."),
    ONE("assent_log_last_lsn", METRIC_GAUGE, log_last, "The newest record of the log."),
    ONE("assent_log_durable_lsn", METRIC_GAUGE, log_durable,
        "The newest record that is known to be on disk."),
    ONE("assent_log_first_lsn", METRIC_GAUGE, log_first,
        "The oldest record that is kept; all before it are compacted away."),
    ONE("assent_log_bytes", METRIC_GAUGE, log_bytes,
        "About how many bytes the records of the log take, in memory and in tables."),
    ONE("assent_log_backlog_bytes", METRIC_GAUGE, log_backlog,
        "Bytes that are queued for the log and not on disk yet."),
    ONE("assent_log_written_bytes_total", METRIC_COUNTER, log_written_bytes,
        "Bytes of records, and of the data that go with them, written to the log."),
    ONE("assent_log_records_total", METRIC_COUNTER, log_records, "Records written to the log."),
    ONE("assent_log_batches_total", METRIC_COUNTER, log_batches,
        "Batches written to the log, each with one sync."),
    ONE("assent_log_loop_batches_total", METRIC_COUNTER, log_owner_batches,
        "Of these batches, the ones that the daemon's loop wrote itself."),
    ONE("assent_log_batch_records", METRIC_HISTOGRAM, batch_sizes,
        "How many records shared a batch and its sync."),
    ONE("assent_log_sync_seconds", METRIC_HISTOGRAM_SECONDS, sync_times,
        "How long writing and syncing a batch took."),
    {"assent_log_pin_info", METRIC_INFO, AT(pin_labels), "transaction", 1, NULL,
     "The oldest transaction that the log has to keep, restated by each snapshot, once it is older "
     "than 10 s: in doubt at a participant, committed and not acknowledged by all at a "
     "coordinator."},
    ONE("assent_log_pin_age_seconds", METRIC_GAUGE_SECONDS, pin_us,
        "Since when the log has had to keep its oldest transaction; 0: there is none."),
    {"assent_messages_received_total", METRIC_COUNTER, AT(net.in_by), "kind", TX_MSG_TYPES_N,
     message_kind, "Messages that arrived and passed the checks of their frame."},
    {"assent_messages_sent_total", METRIC_COUNTER, AT(net.out_by), "kind", TX_MSG_TYPES_N,
     message_kind, "Messages handed over to be sent, with those dropped later."},
    ONE("assent_messages_dropped_total", METRIC_COUNTER, net.dropped,
        "Messages that could not be queued: their receiver is away or does not keep up."),
    ONE("assent_frames_received_total", METRIC_COUNTER, net.frames_in,
        "Frames that arrived; a frame carries one message or more."),
    ONE("assent_frames_sent_total", METRIC_COUNTER, net.frames_out, "Frames sent."),
    ONE("assent_frames_malformed_total", METRIC_COUNTER, net.malformed,
        "Frames dropped because they are none, too large or of another version."),
    ONE("assent_frames_foreign_total", METRIC_COUNTER, net.foreign,
        "Frames dropped because they belong to another cluster, or may not come from their "
        "sender."),
    ONE("assent_disk_free_bytes", METRIC_GAUGE, disk_free,
        "Free space of the file system with the data directory, measured each second."),
    ONE("assent_disk_reserve_bytes", METRIC_GAUGE, disk_reserve,
        "Below so much free space new transactions are refused (storage.disk_reserve)."),
    ONE("assent_archive_last_lsn", METRIC_GAUGE, archive.last.n,
        "The newest record that the archive has; 0: none, or there is no archive."),
    ONE("assent_archive_segments", METRIC_GAUGE, archive.segments,
        "Segments of this node that the archive has."),
    ONE("assent_archive_bytes", METRIC_GAUGE, archive.bytes,
        "Bytes of these segments (archive.limit)."),
    ONE("assent_archive_segments_written_total", METRIC_COUNTER, archive.written,
        "Segments written to the archive."),
    ONE("assent_archive_behind_bytes", METRIC_GAUGE, archive.behind_bytes,
        "Bytes of records that are on disk in the log and not in the archive yet (archive.lag)."),
    ONE("assent_archive_behind_seconds", METRIC_GAUGE_SECONDS, archive.behind_us,
        "How long the oldest of them has waited (archive.every); 0: there is none."),
    ONE("assent_archive_errors_total", METRIC_COUNTER, archive.errors,
        "Failures to write to the archive."),
    ONE("assent_archive_gaps", METRIC_GAUGE, archive.gaps,
        "What is missing in the archive, and no whole backup lies behind it."),
    ONE("assent_http_requests_total", METRIC_COUNTER, http.answered,
        "Requests that the HTTP server has answered."),
    ONE("assent_http_errors_total", METRIC_COUNTER, http.refused,
        "Of these, answered with a status of 400 or above, a /readyz of 503 included."),
    ONE("assent_http_overdue_total", METRIC_COUNTER, http.overdue,
        "HTTP connections closed because their request was not over within 10 s."),
    ONE("assent_http_connections", METRIC_GAUGE, http.connections,
        "HTTP connections open now; 64 at most."),
    ONE("assent_http_busy_seconds_total", METRIC_COUNTER_SECONDS, http.busy_us,
        "Time of the daemon's loop that went into HTTP; a fifth at most."),
    ONE("assent_process_cpu_seconds_total", METRIC_COUNTER_SECONDS, cpu_us,
        "Processor time of this process, user and system."),
    ONE("assent_process_resident_memory_max_bytes", METRIC_GAUGE, resident_bytes,
        "The most memory that this process has had in use."),
};

const struct metric_table node_metric_table = {metrics, sizeof metrics / sizeof metrics[0]};

static uint64_t us_of(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000u + (uint64_t)time->tv_usec;
}

static void read_process(struct node_values *values)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    values->cpu_us = us_of(&usage.ru_utime) + us_of(&usage.ru_stime);
    values->resident_bytes = (uint64_t)usage.ru_maxrss * 1024u;
}

static void read_log(struct node_shell *shell, const struct log_writer_stats *writer,
                     struct node_values *values)
{
    struct node_log_extent extent = node_log_extent(&shell->log);

    values->log_first = extent.first.n;
    values->log_bytes = extent.bytes;
    values->log_backlog = log_writer_backlog(shell->log.writer);
    values->log_batches = writer->batches;
    values->log_owner_batches = writer->owner_batches;
    values->log_records = writer->records;
    values->log_written_bytes = writer->bytes;
    values->batch_sizes = &writer->batch_sizes;
    values->sync_times = &writer->sync_times;
}

static void label_node(const struct node_shell *shell, char *out, size_t size)
{
    metric_label_add(out, size, "role", tx_role_name(shell->identity.role));
    metric_label_add(out, size, "node", node_shell_name(shell));
    metric_label_add(out, size, "cluster", shell->config->cluster);
    metric_label_add(out, size, "version", daemon_version());
}

void node_metrics_write(struct node_shell *shell, const struct node_metrics_of_core *core,
                        FILE *out)
{
    struct log_writer_stats writer = log_writer_stats(shell->log.writer);
    struct node_values values = {.start = shell->log.start,
                                 .started_s = shell->serving_since_ms / 1000u,
                                 .alarms = core->alarms,
                                 .violations = core->violations,
                                 .stale = core->stale,
                                 .log_last = core->last.n,
                                 .log_durable = core->durable.n,
                                 .pin_us = core->pin_us,
                                 .net = transport_stats(shell->transport),
                                 .disk_free = service_disk_free(shell->service),
                                 .disk_reserve = shell->config->disk_reserve,
                                 .archive = archive_worker_stats(shell->archive),
                                 .http = http_stats(shell->http)};
    char node[1024] = "", pin[128] = "", id[TX_ID_TEXT];

    read_log(shell, &writer, &values);
    read_process(&values);
    label_node(shell, node, sizeof node);
    values.node_labels = node;
    if (tx_id_valid(core->pin) && core->pin_us >= PIN_TOLD_US) {
        metric_label_add(pin, sizeof pin, "transaction", tx_id_print(core->pin, id));
        values.pin_labels = pin;
    }
    metrics_write(&node_metric_table, &values, out);
}
