#include "common/daemon/node_archive.h"

#include <inttypes.h>

static struct archive_worker_limits limits_of(const struct node_config *config)
{
    return (struct archive_worker_limits){.limit = config->archive_limit,
                                          .segment = config->archive_segment,
                                          .every_ms = config->archive_every_ms,
                                          .lag = config->archive_lag};
}

enum tx_error node_archive_open(struct node_shell *shell, struct tx_why *why)
{
    struct archive_worker_options options = {.log = shell->log.log,
                                             .writer = shell->log.writer,
                                             .data = shell->config->data,
                                             .directory = shell->config->archive_directory,
                                             .identity = shell->identity,
                                             .generation = shell->log.generation,
                                             .limits = limits_of(shell->config)};

    if (!node_config_archives(shell->config))
        return TX_OK;
    return archive_worker_new(&options, &shell->archive, why);
}

void node_archive_reload(struct node_shell *shell)
{
    struct archive_worker_limits limits = limits_of(shell->config);

    archive_worker_set(shell->archive, &limits);
}

void node_archive_close(struct node_shell *shell)
{
    if (shell->archive == NULL)
        return;
    log_writer_hand_over(shell->log.writer);
    archive_worker_destroy(&shell->archive);
}

void node_archive_fields(const struct node_shell *shell, struct node_archive_texts *texts,
                         struct status_fields *fields)
{
    struct archive_worker_stats stats = archive_worker_stats(shell->archive);

    if (!stats.on)
        return;
    status_fields_u64(fields, "archive_last", stats.last.n);
    status_fields_u64(fields, "archive_segments", stats.segments);
    status_fields_u64(fields, "archive_bytes", stats.bytes);
    status_fields_u64(fields, "archive_behind_ms", stats.behind_us / 1000u);
    status_fields_u64(fields, "archive_behind_bytes", stats.behind_bytes);
    status_fields_u64(fields, "archive_errors", stats.errors);
    status_fields_u64(fields, "archive_failing_ms", (stats.failing_us + 999u) / 1000u);
    status_fields_u64(fields, "archive_gaps", stats.gaps);
    snprintf(texts->gap, sizeof texts->gap, "none");
    if (stats.gaps > 0)
        snprintf(texts->gap, sizeof texts->gap, "%" PRIu64 " to %" PRIu64, stats.gap.first.n,
                 stats.gap.last.n);
    status_fields_text(fields, "archive_gap", texts->gap);
    texts->why = stats.why;
    status_fields_text(fields, "archive_error", stats.failing_us > 0 ? texts->why.text : "none");
}

void node_archive_ready(const struct node_shell *shell, struct node_ready *ready)
{
    struct archive_worker_stats stats = archive_worker_stats(shell->archive);

    if (stats.gaps > 0)
        node_ready_warning(ready, "archive-gap",
                           "the archive lacks LSN %" PRIu64 " to %" PRIu64
                           ": for points in time behind them a new backup is needed",
                           stats.gap.first.n, stats.gap.last.n);
    if (stats.failing_us > 0)
        node_ready_warning(ready, "archive", "the log cannot be archived: %.400s", stats.why.text);
}
