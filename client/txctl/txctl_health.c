#include "client/txctl/txctl_health.h"

#include "client/txctl/lock_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS UINT64_C(3600000)

const char *health_name(enum health health)
{
    static const char *const names[] = {
        [HEALTH_OK] = "OK", [HEALTH_WARN] = "WARN", [HEALTH_BAD] = "BAD"};
    return names[health];
}

uint64_t health_number(const struct txctl_node *node, const char *field)
{
    const char *text = node->status != NULL ? txclient_node_get(node->status, field) : NULL;
    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

__attribute__((format(printf, 3, 4))) static void blame(struct health_report *report,
                                                        enum health health, const char *format, ...)
{
    va_list args;
    if (health > report->health) {
        report->health = health;
    }
    if (report->reasons_n == HEALTH_REASONS_MAX) {
        return; /* enough to look into */
    }
    va_start(args, format);
    (void)vsnprintf(report->reasons[report->reasons_n++], HEALTH_REASON_TEXT, format, args);
    va_end(args);
}

static bool says(const struct txctl_node *node, const char *field, const char *text)
{
    const char *value = txclient_node_get(node->status, field);
    return value != NULL && strcmp(value, text) == 0;
}

static void judge_serving(const struct txctl_node *node, struct health_report *report)
{
    if (says(node, "state", "fenced")) {
        blame(report, HEALTH_BAD,
              "fenced: its data directory is an old copy, and it serves nobody any more");
    }
    if (says(node, "state", "draining") || says(node, "refusing", "draining")) {
        blame(report, HEALTH_WARN, "draining: it takes no new transactions");
    }
    if (says(node, "state", "disk reserve reached") || says(node, "refusing", "disk-full")) {
        blame(report, HEALTH_BAD,
              "its disk is below the reserve, %" PRIu64 " bytes free: it takes no new transactions",
              health_number(node, "disk_free_bytes"));
    }
}

/* Of a coordinator that takes them by a schedule. */
static void judge_backups(const struct txctl_node *node, struct health_report *report)
{
    const char *problem = txclient_node_get(node->status, "backup_problem");
    const uint64_t age_ms = health_number(node, "backup_age_ms");
    char ms[LOCK_MS_TEXT], since[LOCK_MS_TEXT + 16] = "yet";
    const bool none = problem == NULL || problem[0] == '\0';
    if (none && health_number(node, "backup_late") == 0) {
        return;
    }
    if (age_ms >= 2 * HOUR_MS) {
        (void)snprintf(since, sizeof since, "since %" PRIu64 " h", age_ms / HOUR_MS);
    } else if (health_number(node, "backup_newest_ms") > 0) {
        (void)snprintf(since, sizeof since, "since %s", lock_ms_text(age_ms, ms));
    }
    if (none) {
        problem = says(node, "backup", "held") ? "the coordinator is drained"
                                               : "its repository is in use by somebody else";
    }
    blame(report, HEALTH_WARN, "no backup %s: %.500s", since, problem);
}

static void judge_peers(const struct txctl_node *node, struct health_report *report)
{
    const txclient_node_peer *peer;
    char ms[LOCK_MS_TEXT];
    for (size_t i = 0; (peer = txclient_node_peer_at(node->status, i)) != NULL; i++) {
        if (strcmp(peer->state, "quarantined") == 0) {
            blame(
                report, HEALTH_BAD,
                "participant %s is in quarantine: its data directory is an old copy; txctl readmit "
                "%s says what it lacks, and lets it in when that is declared lost",
                peer->name, peer->name);
        } else if (strcmp(peer->state, "down") == 0) {
            blame(report, HEALTH_WARN, "participant %s is down, silent for %s", peer->name,
                  lock_ms_text(peer->silent_ms, ms));
        }
    }
}

static void judge_doubt(const struct txctl_node *node, struct health_report *report)
{
    char ms[LOCK_MS_TEXT];
    uint64_t oldest_ms = health_number(node, "oldest_prepared_ms");
    uint64_t heuristic = health_number(node, "heuristic_open");
    if (oldest_ms >= HEALTH_DOUBT_MS) {
        blame(report, HEALTH_WARN, "in doubt for %s: txctl indoubt", lock_ms_text(oldest_ms, ms));
    }
    if (heuristic > 0) {
        blame(report, HEALTH_WARN,
              "%" PRIu64 " decided by operators: to be confirmed, or put aside: txctl indoubt",
              heuristic);
    }
}

static const char *text_of(const struct txctl_node *node, const char *field)
{
    const char *text = txclient_node_get(node->status, field);
    return text != NULL ? text : "";
}

/* It serves all the same: what is at risk are points in time to restore to. */
static void judge_archive(const struct txctl_node *node, struct health_report *report)
{
    char ms[LOCK_MS_TEXT];
    if (health_number(node, "archive_gaps") > 0) {
        blame(report, HEALTH_BAD,
              "its archive lacks LSN %s: for points in time behind them make a new backup",
              text_of(node, "archive_gap"));
    }
    if (health_number(node, "archive_failing_ms") > 0) {
        blame(report, HEALTH_WARN, "cannot archive its log for %s: %.500s",
              lock_ms_text(health_number(node, "archive_failing_ms"), ms),
              text_of(node, "archive_error"));
    }
}

static void judge_alarms(txclient *client, const struct txctl_node *node, uint64_t now_ms,
                         struct health_report *report)
{
    txclient_alarms *alarms = NULL;
    char ms[LOCK_MS_TEXT];
    if (health_number(node, "alarms") == 0 && health_number(node, "alarms_kept") == 0) {
        return;
    }
    if (txclient_alarms_ask(client, node->address, 1, &alarms) != TXCLIENT_OK) {
        blame(report, HEALTH_WARN, "its alarms cannot be read: %.300s",
              txclient_detail(client)->text);
        return;
    }
    const txclient_alarm *newest = txclient_alarms_at(alarms, 0);
    uint64_t age_ms = newest != NULL && now_ms > newest->time_ms ? now_ms - newest->time_ms : 0;
    if (newest != NULL && age_ms < HEALTH_ALARM_MS) {
        blame(report, HEALTH_WARN, "alarm %s ago: %.500s", lock_ms_text(age_ms, ms), newest->text);
    }
    txclient_alarms_free(&alarms);
}

void health_judge(txclient *client, const struct txctl_node *node, uint64_t now_ms,
                  struct health_report *report)
{
    *report = (struct health_report){.health = HEALTH_OK};
    if (node->status == NULL) {
        blame(report, HEALTH_BAD, "does not answer: %.500s", node->problem);
        return;
    }
    judge_serving(node, report);
    if (node->coordinator) {
        judge_peers(node, report);
        judge_backups(node, report);
    } else {
        judge_doubt(node, report);
    }
    judge_archive(node, report);
    judge_alarms(client, node, now_ms, report);
}
