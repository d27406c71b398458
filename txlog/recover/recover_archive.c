/* txrecover archive: what an archive of logs holds, its check, and what is added by hand. */
#include "txlog/recover/txrecover.h"

#include "common/clock.h"
#include "common/json.h"
#include "txlog/backup/archive.h"
#include "txlog/read_guard.h"
#include "txlog/recover/recover_json.h"
#include "txlog/recover/recover_progress.h"
#include "txlog/recover/recover_source.h"
#include "txlog/recover/recover_text.h"
#include "txlog/rocksdb_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define SEGMENT (16u * 1024u * 1024u) /* bytes of records in a segment that is added */

static int complain(enum tx_error error, const struct tx_why *why)
{
    bool usage = error == TX_EINVAL || error == TX_ESTATE;
    return recover_complain(usage ? EX_USAGE : recover_exit_status(error), "%s", why->text);
}

/* ---- list ---- */

struct part {
    const struct archive_node *node;
    struct archive *archive;
    char cluster[TX_CLUSTER_MAX + 1];
    uint64_t from_ms, to_ms, records, bytes;
    struct tx_cut first_cut, last_cut;
    uint64_t cuts;
    struct archive_place *gaps;
    size_t gaps_n;
    struct tx_lsn last;
};

static void part_deinit(struct part *part)
{
    archive_close(&part->archive);
    free(part->gaps);
}

static enum tx_error note_gap(struct part *part, uint64_t first, uint64_t last, struct tx_why *why)
{
    struct archive_place *gaps = reallocarray(part->gaps, part->gaps_n + 1, sizeof(*gaps));
    if (gaps == NULL)
        return tx_why(why, TX_ENOMEM, "no memory for the list of an archive");
    part->gaps = gaps;
    gaps[part->gaps_n++] = (struct archive_place){.first = {first}, .last = {last}};
    return TX_OK;
}

static enum tx_error note_segment(void *arg, const struct archive_segment *segment,
                                  struct tx_why *why)
{
    struct part *part = arg;
    enum tx_error error = TX_OK;
    if (part->last.n != 0 && segment->first.n != part->last.n + 1)
        error = note_gap(part, part->last.n + 1, segment->first.n - 1, why);
    if (part->last.n == 0)
        part->from_ms = segment->first_ms;
    part->last = segment->last;
    part->to_ms = segment->last_ms;
    part->records += segment->last.n - segment->first.n + 1;
    part->bytes += segment->bytes;
    if (segment->cuts_n > 0) {
        if (part->cuts == 0)
            part->first_cut = segment->cuts[0];
        part->last_cut = segment->cuts[segment->cuts_n - 1];
        part->cuts += segment->cuts_n;
    }
    (void)snprintf(part->cluster, sizeof(part->cluster), "%s", segment->identity.cluster);
    return error;
}

static enum tx_error open_part(const char *directory, const struct archive_node *node,
                               struct part *part, struct tx_why *why)
{
    *part = (struct part){.node = node};
    enum tx_error error = archive_open_node(directory, node, &part->archive, why);
    if (error != TX_OK)
        return error;
    return archive_heads(part->archive, archive_first(part->archive), archive_last(part->archive),
                         note_segment, part, why);
}

static void part_json(struct json *json, const struct part *part)
{
    json_member(json, "node", part->node->label);
    json_member_u64(json, "generation", part->node->generation);
    json_member(json, "cluster", part->cluster);
    json_member_u64(json, "first_lsn", archive_first(part->archive).n);
    json_member_u64(json, "last_lsn", part->last.n);
    if (part->last.n != 0) {
        recover_json_time(json, "from", part->from_ms);
        recover_json_time(json, "to", part->to_ms);
    }
    json_member_u64(json, "records", part->records);
    json_member_u64(json, "bytes", part->bytes);
    json_member_u64(json, "stored", archive_bytes(part->archive));
    json_member_u64(json, "segments", archive_segments(part->archive));
    json_member_u64(json, "cuts", part->cuts);
    json_member_u64(json, "first_cut", part->first_cut.number);
    json_member_u64(json, "last_cut", part->last_cut.number);
    json_member_array_begin(json, "gaps");
    for (size_t i = 0; i < part->gaps_n; i++) {
        json_object_begin(json);
        json_member_u64(json, "first_lsn", part->gaps[i].first.n);
        json_member_u64(json, "last_lsn", part->gaps[i].last.n);
        json_object_end(json);
    }
    json_array_end(json);
}

static void part_text(const struct part *part)
{
    char from[RECOVER_TIME_TEXT], to[RECOVER_TIME_TEXT], cut[RECOVER_TIME_TEXT];
    (void)printf("%s of generation %" PRIu64 "%s%s", part->node->label, part->node->generation,
                 part->last.n != 0 ? ", cluster " : ": nothing", part->cluster);
    (void)putchar('\n');
    if (part->last.n == 0)
        return;
    (void)printf("  LSN %" PRIu64 " to %" PRIu64 ", %s to %s\n", archive_first(part->archive).n,
                 part->last.n, recover_time(part->from_ms, from), recover_time(part->to_ms, to));
    (void)printf("  %" PRIu64 " records, %" PRIu64 " bytes; %zu segments of %" PRIu64 " bytes\n",
                 part->records, part->bytes, archive_segments(part->archive),
                 archive_bytes(part->archive));
    if (part->cuts > 0)
        (void)printf("  %" PRIu64 " cuts, %" PRIu64 " to %" PRIu64 "; the newest of %s\n",
                     part->cuts, part->first_cut.number, part->last_cut.number,
                     recover_time(part->last_cut.time_ms, cut));
    else
        (void)puts("  no cut: there is no point in it to restore to");
    for (size_t i = 0; i < part->gaps_n; i++)
        (void)printf("  GAP: LSN %" PRIu64 " to %" PRIu64
                     " are missing; restoring needs a backup from behind it\n",
                     part->gaps[i].first.n, part->gaps[i].last.n);
}

static int list_node(const char *directory, const struct archive_node *node, struct json *json)
{
    struct part part;
    struct tx_why why;
    enum tx_error error = open_part(directory, node, &part, &why);
    if (error == TX_OK && json != NULL) {
        json_object_begin(json);
        part_json(json, &part);
        json_object_end(json);
    } else if (error == TX_OK) {
        part_text(&part);
    }
    part_deinit(&part);
    return error == TX_OK ? 0 : complain(error, &why);
}

/* ---- verify ---- */

struct verifying {
    struct recover_progress progress;
    uint64_t total, kib; /* read of all nodes: bytes, and what was shown of them */
    const char *label;
    struct json *json; /* or NULL */
};

static void tell_damage(void *arg, const char *text)
{
    const struct verifying *verifying = arg;
    if (verifying->json != NULL)
        json_string(verifying->json, text);
    else
        (void)printf("DAMAGED: %s\n", text);
}

static void tell_progress(void *arg, uint64_t bytes)
{
    struct verifying *verifying = arg;
    verifying->total += bytes;
    while (verifying->kib < verifying->total / 1024)
        recover_progress_step(&verifying->progress, ++verifying->kib);
}

static void verified_text(const struct verifying *verifying, const struct archive *archive,
                          const struct archive_check *check)
{
    struct archive_place gap = archive_gap(archive);
    (void)printf(
        "%s: %s. LSN %" PRIu64 " to %" PRIu64 ", %" PRIu64 " records in %" PRIu64 " segments\n",
        verifying->label, check->damages == 0 ? "sound" : "DAMAGED", archive_first(archive).n,
        archive_last(archive).n, check->records, check->segments);
    if (gap.first.n != 0)
        (void)printf("%s: %zu GAPS; the newest: LSN %" PRIu64 " to %" PRIu64 " are missing\n",
                     verifying->label, archive_gaps(archive), gap.first.n, gap.last.n);
}

static int verify_node(const char *directory, const struct archive_node *node,
                       struct verifying *verifying)
{
    struct archive *archive;
    struct tx_why why;
    struct archive_check check = {
        .damage = tell_damage, .progress = tell_progress, .arg = verifying};
    struct json *json = verifying->json;
    enum tx_error error = archive_open_node(directory, node, &archive, &why);
    verifying->label = node->label;
    if (json != NULL) {
        json_object_begin(json);
        json_member(json, "node", node->label);
        json_member_u64(json, "generation", node->generation);
        json_member_array_begin(json, "damage");
    }
    if (error == TX_OK)
        error = archive_verify(archive, &check, &why);
    else if (error == TX_ECORRUPT || error == TX_ENODE)
        tell_damage(verifying, why.text);
    if (json != NULL) {
        json_array_end(json);
        json_member_u64(json, "segments", check.segments);
        json_member_u64(json, "records", check.records);
        json_member_u64(json, "bytes", check.bytes);
        json_member_u64(json, "gaps", archive != NULL ? archive_gaps(archive) : 0);
        json_object_end(json);
    } else if (error == TX_OK) {
        verified_text(verifying, archive, &check);
    }
    archive_close(&archive);
    if (error == TX_OK)
        return check.damages == 0 ? 0 : EX_DATAERR;
    return error == TX_ECORRUPT || error == TX_ENODE ? EX_DATAERR : complain(error, &why);
}

static void print_rate(uint64_t bytes, uint64_t us)
{
    (void)printf("read %.1f MB of records in %.2f s: %.1f MB/s\n", (double)bytes / 1e6,
                 (double)us / 1e6, (double)bytes / (double)(us > 0 ? us : 1));
}

/* ---- both ---- */

static int each_node(const struct txrecover_options *options, struct json *json,
                     struct verifying *verifying)
{
    struct archive_node *nodes;
    size_t n;
    struct tx_why why;
    int status = 0;
    enum tx_error error = archive_nodes(options->directory, &nodes, &n, &why);
    if (error != TX_OK)
        return complain(error, &why);
    for (size_t i = 0; i < n; i++) {
        int one = verifying != NULL ? verify_node(options->directory, &nodes[i], verifying)
                                    : list_node(options->directory, &nodes[i], json);
        status = status == 0 ? one : status;
    }
    if (n == 0 && json == NULL)
        (void)printf("%s: holds nothing yet\n", options->directory);
    free(nodes);
    return status;
}

static int show(const struct txrecover_options *options, bool verify)
{
    struct json json;
    struct verifying verifying = {.json = options->json ? &json : NULL};
    uint64_t began_us = clock_now_us();
    if (options->json) {
        json_init(&json, stdout);
        json_object_begin(&json);
        json_member(&json, "archive", options->directory);
        json_member_array_begin(&json, "nodes");
    }
    if (verify)
        recover_progress_begin(&verifying.progress, "checking the archive, KiB", 0,
                               options->progress);
    int status = each_node(options, options->json ? &json : NULL, verify ? &verifying : NULL);
    if (verify)
        recover_progress_end(&verifying.progress);
    if (options->json) {
        json_array_end(&json);
        json_member_bool(&json, "complete", status == 0);
        json_object_end(&json);
        (void)putchar('\n');
    } else if (verify) {
        print_rate(verifying.total, clock_now_us() - began_us);
    }
    return status;
}

/* ---- add ---- */

static enum tx_error add_records(struct archive *archive, struct txlog *log, struct tx_why *why)
{
    enum tx_error error = archive_agrees(archive, log, why);
    uint64_t last = txlog_last(log).n, next = archive_last(archive).n + 1;
    if (error == TX_OK && last >= next && txlog_first(log).n > next) {
        if (next > 1)
            (void)printf("%s: GAP: LSN %" PRIu64 " to %" PRIu64
                         " are neither archived nor in the log any more\n",
                         archive_path(archive), next, txlog_first(log).n - 1);
        next = txlog_first(log).n;
    }
    while (error == TX_OK && next <= last) {
        error =
            archive_put(archive, log, (struct tx_lsn){next}, (struct tx_lsn){last}, SEGMENT, why);
        next = archive_last(archive).n + 1;
    }
    return error;
}

static enum tx_error check_fence(const struct txlog *log, const char *directory, struct tx_why *why)
{
    if (rocksdb_log_restored(log) == NULL)
        return TX_OK;
    return tx_why(why, TX_ESTATE,
                  "%.300s: was restored from a backup and has not joined yet: it is of no "
                  "generation that could be archived",
                  directory);
}

static int add_one(const char *into, const char *directory)
{
    struct rocksdb_log_options options = {.directory = directory, .mode = ROCKSDB_LOG_READ_ONLY};
    struct txlog *log = NULL;
    struct archive *archive = NULL;
    struct txlog_identity identity;
    struct tx_why why;
    read_guard_begin(directory, READ_GUARD_TEXT);
    enum tx_error error = rocksdb_log_open(&options, &log, &why);
    if (error == TX_OK)
        error = check_fence(log, directory, &why);
    if (error == TX_OK) {
        identity = rocksdb_log_identity(log);
        error = archive_open(into, &identity, rocksdb_log_generation(log), true, &archive, &why);
    }
    uint64_t before = archive != NULL ? archive_last(archive).n : 0;
    if (error == TX_OK)
        error = add_records(archive, log, &why);
    if (error == TX_OK && archive_last(archive).n == before)
        (void)printf("%s: nothing is to be added; the archive goes up to LSN %" PRIu64 "\n",
                     directory, before);
    else if (error == TX_OK)
        (void)printf("%s: added what lies behind LSN %" PRIu64 ", up to LSN %" PRIu64 "\n",
                     directory, before, archive_last(archive).n);
    archive_close(&archive);
    if (log != NULL)
        txlog_close(&log);
    read_guard_end();
    return error == TX_OK ? 0 : complain(error, &why);
}

int txrecover_archive(const struct txrecover_options *options)
{
    int status = 0;
    if (strcmp(options->action, "add") != 0)
        return show(options, strcmp(options->action, "verify") == 0);
    for (size_t i = 1; status == 0 && i < options->directories_n; i++)
        status = add_one(options->directories[0], options->directories[i]);
    return status;
}
