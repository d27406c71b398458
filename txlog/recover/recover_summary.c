/* txrecover summary: whose log it is, and what it holds. */
#include "txlog/recover/txrecover.h"

#include "common/assert.h"
#include "txlog/log_meta.h"
#include "txlog/recover/recover_json.h"
#include "txlog/recover/recover_source.h"
#include "txlog/recover/recover_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 10 /* newest starts and alarms in text */

struct start {
    uint64_t start, time_ms;
    struct tx_lsn lsn;
};

struct alarm {
    struct tx_lsn lsn;
    uint64_t time_ms;
    struct tx_id id;
    char text[TX_TEXT_MAX + 1];
};

struct summary {
    struct recover_source *source;
    struct story *story;
    uint64_t records, types[TXLOG_TYPES_N];
    uint64_t earliest_ms, latest_ms;
    struct start *starts;
    size_t starts_n;
    struct alarm *alarms;
    size_t alarms_n;
    uint64_t snapshots;                         /* complete */
    struct tx_lsn snapshot_begin, snapshot_end; /* the newest complete one */
};

static void note_start(struct summary *summary, const struct txlog_record *record)
{
    summary->starts =
        tx_xrealloc(summary->starts, (summary->starts_n + 1) * sizeof(*summary->starts));
    summary->starts[summary->starts_n++] =
        (struct start){.start = record->start, .time_ms = record->time_ms, .lsn = record->lsn};
}

/* A snapshot repeats the alarms; it is asked only for those whose own records are gone. */
static bool is_listed(const struct summary *summary, const struct alarm *alarm)
{
    for (size_t i = 0; i < summary->alarms_n; i++) {
        if (tx_id_equal(summary->alarms[i].id, alarm->id) &&
            strcmp(summary->alarms[i].text, alarm->text) == 0)
            return true;
    }
    return false;
}

static void note_alarm(struct summary *summary, const struct txlog_record *record, bool restated)
{
    struct alarm alarm = {.lsn = record->lsn, .time_ms = record->time_ms, .id = record->alarm.id};
    (void)tx_bytes_print(record->alarm.text, alarm.text, sizeof(alarm.text));
    if (restated && (story_whole(summary->story) || is_listed(summary, &alarm)))
        return;
    summary->alarms =
        tx_xrealloc(summary->alarms, (summary->alarms_n + 1) * sizeof(*summary->alarms));
    summary->alarms[summary->alarms_n++] = alarm;
}

static enum tx_error note(void *arg, const struct txlog_record *record, struct tx_bytes stored)
{
    struct summary *summary = arg;
    struct story_step step;
    struct tx_why why;
    (void)stored;
    if (story_add(summary->story, record, &step, &why) != TX_OK)
        recover_source_report(summary->source, record->lsn, why.text);
    summary->records++;
    summary->types[record->type]++;
    if (summary->records == 1 || record->time_ms < summary->earliest_ms)
        summary->earliest_ms = record->time_ms;
    if (record->time_ms > summary->latest_ms)
        summary->latest_ms = record->time_ms;
    if (record->type == TXLOG_START)
        note_start(summary, record);
    if (record->type == TXLOG_ALARM)
        note_alarm(summary, record, step.restated);
    if (record->type == TXLOG_SNAPSHOT_END) {
        summary->snapshots++;
        summary->snapshot_begin = record->snapshot_end.begin;
        summary->snapshot_end = record->lsn;
    }
    return TX_OK;
}

/* The states that are open, or must be remembered, by role. */
struct open_state {
    const char *name, *json_name;
    size_t n;
};

static size_t open_states(const struct story *story, struct open_state out[3])
{
    if (story_owner(story)->role == TX_ROLE_COORDINATOR) {
        out[0] = (struct open_state){"committed, not acknowledged by all (no END)", "without_end",
                                     story_count(story, STORY_DECIDED)};
        return 1;
    }
    out[0] =
        (struct open_state){"prepared, in doubt", "prepared", story_count(story, STORY_PREPARED)};
    out[1] = (struct open_state){"decided by an operator, the real decision is open", "heuristic",
                                 story_count(story, STORY_HEURISTIC)};
    out[2] =
        (struct open_state){"ended, not forgotten yet", "not_forgotten", story_unforgotten(story)};
    return 3;
}

/* ---- as text ---- */

static void print_alarms(const struct summary *summary)
{
    char at[RECOVER_TIME_TEXT];
    (void)printf("alarms        %zu\n", summary->alarms_n);
    size_t from = summary->alarms_n > SHOWN_MAX ? summary->alarms_n - SHOWN_MAX : 0;
    for (size_t i = from; i < summary->alarms_n; i++)
        (void)printf("              LSN %" PRIu64 "  %s  %s\n", summary->alarms[i].lsn.n,
                     recover_time(summary->alarms[i].time_ms, at), summary->alarms[i].text);
}

static void print_starts(const struct summary *summary, const char *word)
{
    char at[RECOVER_TIME_TEXT];
    (void)printf("starts        %zu\n", summary->starts_n);
    size_t from = summary->starts_n > SHOWN_MAX ? summary->starts_n - SHOWN_MAX : 0;
    if (from > 0)
        (void)printf("              the newest %d:\n", SHOWN_MAX);
    for (size_t i = from; i < summary->starts_n; i++)
        (void)printf("              %s %" PRIu64 "  %s  LSN %" PRIu64 "\n", word,
                     summary->starts[i].start, recover_time(summary->starts[i].time_ms, at),
                     summary->starts[i].lsn.n);
}

static void print_range(const struct summary *summary)
{
    char from[RECOVER_TIME_TEXT], to[RECOVER_TIME_TEXT];
    struct txlog *log = summary->source->log;
    uint64_t first = txlog_first(log).n;
    if (summary->records == 0) {
        (void)puts("log           empty");
        return;
    }
    (void)printf("log           LSN %" PRIu64 " to %" PRIu64 ", %" PRIu64 " records\n", first,
                 txlog_last(log).n, summary->records);
    if (first > 1)
        (void)printf("              LSN 1 to %" PRIu64 " were removed by compaction\n", first - 1);
    (void)printf("time          %s to %s\n", recover_time(summary->earliest_ms, from),
                 recover_time(summary->latest_ms, to));
}

static void print_text(const struct summary *summary)
{
    const struct txlog_identity *owner = &summary->source->identity;
    bool coordinator = owner->role == TX_ROLE_COORDINATOR;
    (void)printf("node          %s%s of cluster %s\n", coordinator ? "" : "participant ",
                 summary->source->name, owner->cluster);
    (void)printf("format        %u, records %u\n", LOG_META_FORMAT, TXLOG_RECORD_VERSION);
    print_range(summary);
    for (unsigned type = 1; type < TXLOG_TYPES_N; type++) {
        if (summary->types[type] > 0)
            (void)printf("              %-14s %" PRIu64 "\n", txlog_type_name(type),
                         summary->types[type]);
    }
    print_starts(summary, coordinator ? "epoch" : "incarnation");
    (void)printf("snapshots     %" PRIu64, summary->snapshots);
    if (summary->snapshots > 0)
        (void)printf(", the newest from LSN %" PRIu64 " to %" PRIu64, summary->snapshot_begin.n,
                     summary->snapshot_end.n);
    (void)putchar('\n');
    struct open_state states[3];
    size_t n = open_states(summary->story, states);
    for (size_t i = 0; i < n; i++)
        (void)printf("%-13s %zu %s\n", i == 0 ? "transactions" : "", states[i].n, states[i].name);
    print_alarms(summary);
}

/* ---- as JSON ---- */

static void json_lists(struct json *json, const struct summary *summary)
{
    json_member_array_begin(json, "starts");
    for (size_t i = 0; i < summary->starts_n; i++) {
        json_object_begin(json);
        json_member_u64(json, "start", summary->starts[i].start);
        json_member_u64(json, "lsn", summary->starts[i].lsn.n);
        recover_json_time(json, "time", summary->starts[i].time_ms);
        json_object_end(json);
    }
    json_array_end(json);
    json_member_array_begin(json, "alarms");
    for (size_t i = 0; i < summary->alarms_n; i++) {
        json_object_begin(json);
        json_member_u64(json, "lsn", summary->alarms[i].lsn.n);
        recover_json_time(json, "time", summary->alarms[i].time_ms);
        if (tx_id_valid(summary->alarms[i].id))
            recover_json_id(json, "tx", summary->alarms[i].id);
        json_member(json, "text", summary->alarms[i].text);
        json_object_end(json);
    }
    json_array_end(json);
}

static void json_counts(struct json *json, const struct summary *summary)
{
    json_member_object_begin(json, "types");
    for (unsigned type = 1; type < TXLOG_TYPES_N; type++) {
        if (summary->types[type] > 0)
            json_member_u64(json, txlog_type_name(type), summary->types[type]);
    }
    json_object_end(json);
    struct open_state states[3];
    size_t n = open_states(summary->story, states);
    json_member_object_begin(json, "transactions");
    for (size_t i = 0; i < n; i++)
        json_member_u64(json, states[i].json_name, states[i].n);
    json_object_end(json);
}

static void print_json(const struct summary *summary)
{
    struct json json;
    json_init(&json, stdout);
    json_object_begin(&json);
    recover_json_identity(&json, &summary->source->identity);
    json_member_u64(&json, "format", LOG_META_FORMAT);
    json_member_u64(&json, "first_lsn", txlog_first(summary->source->log).n);
    json_member_u64(&json, "last_lsn", txlog_last(summary->source->log).n);
    json_member_u64(&json, "records", summary->records);
    if (summary->records > 0) {
        recover_json_time(&json, "earliest", summary->earliest_ms);
        recover_json_time(&json, "latest", summary->latest_ms);
    }
    json_counts(&json, summary);
    json_member_u64(&json, "snapshots", summary->snapshots);
    json_member_u64(&json, "newest_snapshot_lsn", summary->snapshot_begin.n);
    json_lists(&json, summary);
    json_member_u64(&json, "damages", summary->source->damages);
    json_object_end(&json);
    (void)putchar('\n');
}

static int summarize(struct summary *summary, bool json)
{
    struct tx_lsn all = {0};
    struct tx_why why;
    enum tx_error error = recover_source_story(summary->source, &summary->story, &why);
    if (error == TX_OK)
        error = recover_source_each(summary->source, all, all, note, summary, &why);
    if (error != TX_OK)
        return recover_complain(recover_exit_status(error), "%s", why.text);
    if (json)
        print_json(summary);
    else
        print_text(summary);
    return recover_source_status(summary->source);
}

int txrecover_summary(const struct txrecover_options *options)
{
    struct recover_source source;
    struct summary summary = {.source = &source};
    int status = recover_source_open(&source, options->directory, stderr);
    if (status == 0)
        status = summarize(&summary, options->json);
    story_destroy(&summary.story);
    free(summary.starts);
    free(summary.alarms);
    recover_source_close(&source);
    return status;
}
