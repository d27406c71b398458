/* txrecover verify: reads everything, and says whether it is sound; of several nodes also whether
 * each of them has what the others know of it. */
#include "txlog/recover/txrecover.h"

#include "common/assert.h"
#include "common/clock.h"
#include "txlog/recover/recover_check.h"
#include "txlog/recover/recover_explain.h"
#include "txlog/recover/recover_json.h"
#include "txlog/recover/recover_progress.h"
#include "txlog/redo.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* What is known of a node when its directory has been read. */
struct result {
    uint64_t records, keys, bytes, us;
    char *reports; /* one line a damage; only for JSON */
};

struct verification {
    const struct txrecover_options *options;
    struct recover_source source;
    struct recover_node *node;
    struct result *result;
    struct recover_progress progress;
};

/* ---- one directory ---- */

static enum tx_error check_one(void *arg, const struct txlog_record *record, struct tx_bytes stored)
{
    struct verification *v = arg;
    struct story_step step;
    struct tx_why why;
    v->result->bytes += stored.len;
    recover_progress_step(&v->progress, ++v->result->records);
    if (recover_check(&v->source.identity, record, &why) != TX_OK)
        recover_source_report(&v->source, record->lsn, why.text);
    recover_node_take(v->node, &v->source, record, stored, &step);
    return TX_OK;
}

/* Reading is the check: every block of the data has a checksum. */
static enum tx_error check_key(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    struct verification *v = arg;
    struct tx_bytes space, rest;
    char text[96], shown[160];
    v->result->bytes += key.len + value.len;
    recover_progress_step(&v->progress, ++v->result->keys);
    if (v->source.identity.role == TX_ROLE_PARTICIPANT &&
        redo_data_key_parse(key, &space, &rest) == TX_OK)
        return TX_OK;
    (void)snprintf(shown, sizeof(shown), "the data hold a key that is none: %s",
                   tx_bytes_print(key, text, sizeof(text)));
    recover_source_report(&v->source, (struct tx_lsn){0}, shown);
    return TX_OK;
}

static enum tx_error check_log(struct verification *v, struct tx_why *why)
{
    struct txlog *log = v->source.log;
    struct tx_lsn all = {0};
    uint64_t first = txlog_first(log).n;
    enum tx_error error = recover_node_begin(v->node, &v->source, why);
    if (error != TX_OK)
        return error;
    recover_progress_begin(&v->progress, "checking records",
                           first == 0 ? 0 : txlog_last(log).n - first + 1, v->options->progress);
    error = recover_source_each(&v->source, all, all, check_one, v, why);
    recover_progress_end(&v->progress);
    return error;
}

static void check_data(struct verification *v)
{
    struct tx_why why = {"the data cannot be read"};
    recover_progress_begin(&v->progress, "checking keys", 0, v->options->progress);
    enum tx_error error = txlog_data_each(v->source.log, check_key, v, &why);
    recover_progress_end(&v->progress);
    if (error != TX_OK)
        recover_source_report(&v->source, (struct tx_lsn){0}, why.text);
}

static int check_open(struct verification *v)
{
    struct tx_why why;
    enum tx_error error = check_log(v, &why);
    if (error == TX_ENOMEM)
        return recover_complain(recover_exit_status(error), "out of memory");
    if (error != TX_OK)
        recover_source_report(&v->source, (struct tx_lsn){0}, why.text);
    check_data(v);
    return 0;
}

/* ---- as text ---- */

static void print_sound(const struct recover_node *node, const struct result *result)
{
    (void)printf("%s: sound. %s of cluster %s: LSN %" PRIu64 " to %" PRIu64 ", %" PRIu64
                 " records, %" PRIu64 " keys\n",
                 node->directory, node->name, node->identity.cluster, node->first.n, node->last.n,
                 result->records, result->keys);
}

static void print_damaged(const struct recover_node *node, const struct result *result)
{
    bool participant = node->identity.role == TX_ROLE_PARTICIPANT;
    uint64_t at = node->damaged_at.n;
    (void)printf("%s: DAMAGED in %" PRIu64 " places. %s of cluster %s\n", node->directory,
                 node->damages, node->name, node->identity.cluster);
    if (result->records == 0)
        (void)printf("readable: no record");
    else
        (void)printf("readable: %" PRIu64 " records of LSN %" PRIu64 " to %" PRIu64,
                     result->records, node->first.n, node->last.n);
    (void)printf(", %" PRIu64 " keys of the data\n", result->keys);
    (void)puts("what to do:\n"
               "  1. Do not start its daemon on it, and keep a copy of the directory as it is.\n"
               "  2. If files are missing, put them back and verify again.\n"
               "  3. Else restore the newest checkpoint; what it lacks shows in the other nodes'\n"
               "     logs, and a participant with an older log is quarantined until an operator\n"
               "     lets it in.");
    if (participant && node->first.n == 1 && at > 1)
        (void)printf("  4. The data up to the damage: txrecover replay %s --into NEWDIR "
                     "--until %" PRIu64 "\n",
                     node->directory, at - 1);
    (void)printf("  txrecover summary, log and indoubt read what is left of it.\n");
}

static double rate_of(uint64_t n, uint64_t us)
{
    return (double)n * 1e6 / (double)(us == 0 ? 1 : us);
}

static void print_rate(const struct result *result)
{
    (void)printf("read %" PRIu64 " records and %" PRIu64 " keys, %.1f MB, in %.2f s: %.0f a "
                 "second, %.1f MB/s\n",
                 result->records, result->keys, (double)result->bytes / 1e6,
                 (double)result->us / 1e6, rate_of(result->records + result->keys, result->us),
                 rate_of(result->bytes, result->us) / 1e6);
}

static void print_one(const struct recover_node *node, const struct result *result)
{
    if (node->damages == 0)
        print_sound(node, result);
    else
        print_damaged(node, result);
    print_rate(result);
}

/* ---- one after the other ---- */

static int check_directory(struct verification *v, const char *directory)
{
    uint64_t begun_us = clock_now_us();
    size_t size;
    FILE *reports = v->options->json ? open_memstream(&v->result->reports, &size) : stdout;
    if (reports == NULL)
        tx_memory_failed(__func__);
    int status = recover_source_open(&v->source, directory, reports);
    if (status == 0)
        status = check_open(v);
    if (status == 0) {
        recover_node_end(v->node, &v->source);
        v->result->us = clock_now_us() - begun_us;
        if (!v->options->json)
            print_one(v->node, v->result);
    }
    recover_source_close(&v->source);
    if (v->options->json)
        (void)fclose(reports);
    return status;
}

/* ---- against the others ---- */

/* How far the others knew the node; NULL when none of them did. */
static const struct recover_mark_of *furthest(const struct recover_node *nodes, size_t n,
                                              const struct recover_node *node,
                                              const struct recover_node **by)
{
    struct recover_whom self = recover_whom_of(&node->identity);
    const struct recover_mark_of *best = NULL;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; &nodes[i] != node && j < nodes[i].known.n; j++) {
            const struct recover_mark_of *mark = &nodes[i].known.marks[j];
            if (!recover_whom_equal(&mark->whom, &self) ||
                (best != NULL && mark->position.lsn.n <= best->position.lsn.n))
                continue;
            best = mark;
            *by = &nodes[i];
        }
    }
    return best;
}

/* Says of each node what the others say of it; gives how many lack something. */
static size_t compare(const struct recover_node *nodes, size_t n)
{
    size_t behind = 0;
    for (size_t i = 0; i < n; i++) {
        const struct recover_node *by = NULL;
        const struct recover_mark_of *mark = furthest(nodes, n, &nodes[i], &by);
        char text[500];
        recover_denial_text(nodes, n, &nodes[i], text, sizeof(text));
        if (text[0] != '\0') {
            (void)printf("%s: BEHIND: %s\n", nodes[i].directory, text);
            behind++;
        } else if (mark != NULL) {
            (void)printf("%s: has all that the others know of it: %s knew LSN %" PRIu64
                         " of start %" PRIu64 "\n",
                         nodes[i].directory, by->name, mark->position.lsn.n, mark->position.start);
        } else {
            (void)printf("%s: none of the others knows anything of it\n", nodes[i].directory);
        }
    }
    return behind;
}

/* ---- as JSON ---- */

static void json_damages(struct json *json, char *reports)
{
    static const char prefix[] = "damaged: ";
    json_member_array_begin(json, "damages");
    for (char *line = strtok(reports, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        bool has = strncmp(line, prefix, sizeof(prefix) - 1) == 0;
        json_string(json, has ? line + sizeof(prefix) - 1 : line);
    }
    json_array_end(json);
}

static void json_node(struct json *json, const struct recover_node *nodes, size_t n, size_t i,
                      const struct result *result)
{
    const struct recover_node *node = &nodes[i], *by = NULL;
    const struct recover_mark_of *mark = furthest(nodes, n, node, &by);
    char text[500];
    json_object_begin(json);
    json_member(json, "directory", node->directory);
    recover_json_identity(json, &node->identity);
    json_member_u64(json, "first_lsn", node->first.n);
    json_member_u64(json, "last_lsn", node->last.n);
    json_member_u64(json, "records", result->records);
    json_member_u64(json, "keys", result->keys);
    json_member_u64(json, "bytes", result->bytes);
    json_member_double(json, "seconds", (double)result->us / 1e6);
    json_member_double(json, "per_second", rate_of(result->records + result->keys, result->us));
    json_damages(json, result->reports);
    if (mark != NULL) {
        json_member(json, "known_by", by->name);
        json_member_u64(json, "known_start", mark->position.start);
        json_member_u64(json, "known_lsn", mark->position.lsn.n);
    }
    recover_denial_text(nodes, n, node, text, sizeof(text));
    if (text[0] != '\0')
        json_member(json, "behind", text);
    json_object_end(json);
}

static size_t print_json(const struct recover_node *nodes, size_t n, const struct result *results,
                         size_t damaged)
{
    const struct recover_node *by;
    struct json json;
    size_t behind = 0;
    for (size_t i = 0; i < n; i++)
        behind += recover_node_denied(nodes, n, &nodes[i], &by) != NULL;
    json_init(&json, stdout);
    json_object_begin(&json);
    json_member_bool(&json, "sound", damaged == 0 && behind == 0);
    json_member_array_begin(&json, "nodes");
    for (size_t i = 0; i < n; i++)
        json_node(&json, nodes, n, i, &results[i]);
    json_array_end(&json);
    json_object_end(&json);
    (void)putchar('\n');
    return behind;
}

/* ---- the command ---- */

static int conclude(const struct txrecover_options *options, const struct recover_node *nodes,
                    const struct result *results)
{
    size_t n = options->directories_n, damaged = 0, behind = 0;
    int status = recover_nodes_check(nodes, n);
    if (status != 0)
        return status;
    for (size_t i = 0; i < n; i++)
        damaged += nodes[i].damages > 0;
    if (options->json)
        behind = print_json(nodes, n, results, damaged);
    else if (n > 1)
        behind = compare(nodes, n);
    return damaged + behind > 0 ? EX_DATAERR : 0;
}

int txrecover_verify(const struct txrecover_options *options)
{
    size_t n = options->directories_n;
    struct recover_node *nodes = tx_xcalloc(n, sizeof(*nodes));
    struct result *results = tx_xcalloc(n, sizeof(*results));
    int status = 0;
    for (size_t i = 0; status == 0 && i < n; i++) {
        struct verification v = {.options = options, .node = &nodes[i], .result = &results[i]};
        status = check_directory(&v, options->directories[i]);
    }
    if (status == 0)
        status = conclude(options, nodes, results);
    for (size_t i = 0; i < n; i++) {
        recover_node_deinit(&nodes[i]);
        free(results[i].reports);
    }
    free(nodes);
    free(results);
    return status;
}
