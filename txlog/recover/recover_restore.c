/* txrecover restore: a backup back into directories; txrecover rejoin: lifts the fence on one. */
#include "txlog/recover/txrecover.h"

#include "common/clock.h"
#include "common/json.h"
#include "txlog/backup/backup_files.h"
#include "txlog/read_guard.h"
#include "txlog/recover/recover_progress.h"
#include "txlog/recover/recover_source.h"
#include "txlog/recover/recover_text.h"
#include "txlog/recover/restore_node.h"
#include "txlog/recover/restore_point.h"
#include "txlog/rocksdb_log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

struct restoring {
    const struct txrecover_options *options;
    struct backup_repo repo;
    struct backup_manifest manifest;
    struct restore_point point;
    uint64_t generation;
    unsigned threads;
    struct json json;
    atomic_uint_least64_t done;
    struct tx_why why;
};

static int complain(enum tx_error error, const struct tx_why *why)
{
    if (error == TX_EEXIST)
        return recover_complain(EX_CANTCREAT, "%s", why->text);
    if (error == TX_EINVAL)
        return recover_complain(EX_USAGE, "%s", why->text);
    return recover_complain(recover_exit_status(error), "%s", why->text);
}

/* ---- progress ---- */

struct watching {
    atomic_uint_least64_t *done;
    uint64_t bytes;
    const char *node;
    atomic_bool over;
};

static void *watch(void *arg)
{
    struct watching *watching = arg;
    uint64_t began_us = clock_now_us();
    const struct timespec pause = {.tv_nsec = 200000000};
    bool shown = false;
    while (!atomic_load(&watching->over)) {
        (void)nanosleep(&pause, NULL);
        uint64_t done = atomic_load(watching->done), us = clock_now_us() - began_us;
        (void)fprintf(
            stderr, "\rrestoring %s: %" PRIu64 " of %" PRIu64 " MB, %" PRIu64 " MB/s\033[K",
            watching->node, done / 1000000, watching->bytes / 1000000, us > 0 ? done / us : 0);
        shown = true;
    }
    if (shown)
        (void)fputs("\r\033[K", stderr);
    return NULL;
}

static enum tx_error run_watched(struct restoring *restoring, struct restore_node *restore,
                                 uint64_t bytes)
{
    struct watching watching = {
        .done = &restoring->done, .bytes = bytes, .node = restore->node->node};
    pthread_t thread;
    bool watched =
        isatty(STDERR_FILENO) == 1 && pthread_create(&thread, NULL, watch, &watching) == 0;
    enum tx_error error = restore_node_run(restore, &restoring->why);
    atomic_store(&watching.over, true);
    if (watched)
        (void)pthread_join(thread, NULL);
    return error;
}

/* ---- one node ---- */

static void show_json(struct json *json, const struct restoring *restoring,
                      const struct restore_point_node *from, const struct restore_node *restore,
                      uint64_t took_us)
{
    json_object_begin(json);
    json_member(json, "node", from->backup.node);
    json_member(json, "directory", restore->into);
    json_member_u64(json, "bytes", from->bytes);
    json_member_u64(json, "ms", took_us / 1000);
    json_member_u64(json, "lsn", restore->last.n);
    json_member_u64(json, "records", restore->records);
    if (from->archive != NULL) {
        struct restore_behind behind = restore_point_behind(&restoring->point, from);
        json_member_u64(json, "archived", from->until.n - from->backup.cut_lsn.n);
        json_member_u64(json, "given_up_records", behind.records);
        json_member_u64(json, "given_up_ms", behind.ms);
    }
    json_object_end(json);
}

static void show(struct restoring *restoring, const struct restore_point_node *from,
                 const struct restore_node *restore, uint64_t took_us)
{
    const struct backup_node *node = restore->node;
    if (restoring->options->json) {
        show_json(&restoring->json, restoring, from, restore, took_us);
        return;
    }
    (void)printf("%s: %" PRIu64 " bytes in %" PRIu64 ".%03" PRIu64 " s (%" PRIu64
                 " MB/s), up to LSN %" PRIu64 " (%" PRIu64 " records behind the checkpoint",
                 node->node, from->bytes, took_us / 1000000, took_us / 1000 % 1000,
                 took_us > 0 ? from->bytes / took_us : 0, restore->last.n, restore->records);
    if (from->archive != NULL)
        (void)printf(", %" PRIu64 " of them from the archive", from->until.n - node->cut_lsn.n);
    (void)printf(") -> %s\n", restore->into);
}

static int restore_one(struct restoring *restoring, const struct restore_point_node *from,
                       const char *into)
{
    const struct restore_point *point = &restoring->point;
    struct restore_node restore = {.repo = &restoring->repo,
                                   .node = &from->backup,
                                   .into = into,
                                   .archive = from->archive,
                                   .until = from->until,
                                   .cut = point->number,
                                   .to_end = point->want == RESTORE_END,
                                   .generation = restoring->generation,
                                   .threads = restoring->threads,
                                   .done = &restoring->done};
    uint64_t began_us = clock_now_us();
    atomic_store(&restoring->done, 0);
    enum tx_error error = run_watched(restoring, &restore, from->bytes);
    if (error != TX_OK)
        return complain(error, &restoring->why);
    show(restoring, from, &restore, clock_now_us() - began_us);
    return 0;
}

/* ---- all of them ---- */

/* Of a cluster that cannot be restored whole nothing is left. */
static void take_back(const struct restoring *restoring, size_t n)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < n; i++) {
        enum tx_error error = backup_path(path, sizeof(path), restoring->options->into,
                                          restoring->point.nodes[i].backup.node, NULL);
        if (error == TX_OK)
            error = backup_directory_remove(path, NULL);
        if (error != TX_OK)
            (void)fprintf(stderr, "txrecover: %s: is left; remove it before the next try\n", path);
    }
}

static int restore_all(struct restoring *restoring)
{
    const char *into = restoring->options->into;
    char path[PATH_MAX];
    enum tx_error error = backup_directory_make(into, &restoring->why);
    int status = error == TX_OK ? 0 : complain(error, &restoring->why);
    size_t i = 0;
    while (status == 0 && i < restoring->point.n) {
        const struct restore_point_node *from = &restoring->point.nodes[i];
        error = backup_path(path, sizeof(path), into, from->backup.node, &restoring->why);
        status =
            error == TX_OK ? restore_one(restoring, from, path) : complain(error, &restoring->why);
        i += status == 0;
    }
    if (status != 0)
        take_back(restoring, i);
    return status;
}

static int restore_chosen(struct restoring *restoring)
{
    const char *only = restoring->point.only;
    if (only == NULL)
        return restore_all(restoring);
    size_t i = 0;
    while (strcmp(restoring->point.nodes[i].backup.node, only) != 0)
        i++;
    return restore_one(restoring, &restoring->point.nodes[i], restoring->options->into);
}

/* Drawn, so that two clusters restored from one backup are not taken for one another. It fits into
 * a signed number of 64 bits, as JSON libraries have them. */
static int draw_generation(struct restoring *restoring)
{
    restoring->generation = restoring->options->generation;
    while (restoring->generation == 0) {
        if (clock_random(&restoring->generation, sizeof(restoring->generation)) != TX_OK)
            return recover_complain(EX_OSERR, "cannot draw a random number");
        restoring->generation >>= 2;
    }
    return 0;
}

/* ---- what is said of the point ---- */

static void begin_output(struct restoring *restoring)
{
    const struct restore_point *point = &restoring->point;
    struct json *json = &restoring->json;
    if (!restoring->options->json)
        return;
    json_init(json, stdout);
    json_object_begin(json);
    json_member(json, "backup", restoring->manifest.name);
    json_member_u64(json, "cut", point->number);
    if (point->archive != NULL) {
        json_member(json, "archive", point->archive);
        json_member_u64(json, "time_ms", point->at_ms);
        json_member_u64(json, "newest_cut", point->newest);
        json_member(json, "limit", point->bound->limit);
    }
    json_member_u64(json, "generation", restoring->generation);
    json_member_array_begin(json, "nodes");
}

/* What the archive has behind the point. */
static void print_behind(const struct restore_point *point)
{
    uint64_t records = 0, ms = 0;
    for (size_t i = 0; i < point->n; i++) {
        const struct restore_point_node *node = &point->nodes[i];
        struct restore_behind behind = restore_point_behind(point, node);
        if (point->only != NULL && strcmp(point->only, node->backup.node) != 0)
            continue;
        records += behind.records;
        ms = behind.ms > ms ? behind.ms : ms;
    }
    if (records == 0)
        (void)puts("nothing lies behind it in the archive");
    else
        (void)printf("behind it in the archive, and given up: %" PRIu64 " records, of %" PRIu64
                     ".%03" PRIu64 " s\n",
                     records, ms / 1000, ms % 1000);
    if (point->want != RESTORE_END && point->newest > point->number)
        (void)printf("the newest cut that can be reached: --until-cut %" PRIu64 "\n",
                     point->newest);
    if (point->bound->limit[0] != '\0')
        (void)printf("no later one: %s\n", point->bound->limit);
}

static void print_point(const struct restoring *restoring)
{
    const struct restore_point *point = &restoring->point;
    char time[RECOVER_TIME_TEXT];
    if (point->archive == NULL)
        (void)printf("restored backup %s (cut %" PRIu64 ")", restoring->manifest.name,
                     point->number);
    else if (point->want == RESTORE_END)
        (void)printf("restored backup %s and all that is archived behind it (cut %" PRIu64 " of %s "
                     "and what follows)",
                     restoring->manifest.name, point->number, recover_time(point->at_ms, time));
    else
        (void)printf("restored backup %s and the archive up to cut %" PRIu64 " of %s",
                     restoring->manifest.name, point->number, recover_time(point->at_ms, time));
    (void)printf(" as generation %" PRIu64 ". No daemon uses %s before: txrecover rejoin DIR\n",
                 restoring->generation, point->only != NULL ? "it" : "them");
    if (point->archive != NULL)
        print_behind(point);
}

static void end_output(struct restoring *restoring, int status)
{
    const struct txrecover_options *options = restoring->options;
    const struct restore_point *point = &restoring->point;
    if (options->json) {
        json_array_end(&restoring->json);
        json_member_bool(&restoring->json, "complete", status == 0);
        json_object_end(&restoring->json);
        (void)putchar('\n');
        return;
    }
    if (status != 0)
        return;
    print_point(restoring);
    if (options->node == NULL || options->generation != 0 || point->want == RESTORE_END)
        return;
    (void)printf("the other nodes of the same restore: --generation %" PRIu64,
                 restoring->generation);
    if (point->archive != NULL)
        (void)printf(" %s --until-cut %" PRIu64, restoring->manifest.name, point->number);
    (void)putchar('\n');
}

/* ---- which backup, and which point ---- */

static void set_point(struct restoring *restoring)
{
    const struct txrecover_options *options = restoring->options;
    struct restore_point *point = &restoring->point;
    point->archive = options->archive;
    point->cut = options->until_cut;
    point->time_ms = options->until_ms;
    point->want = RESTORE_NEWEST;
    if (options->archive == NULL)
        point->want = RESTORE_BACKUP;
    else if (options->until_cut != 0)
        point->want = RESTORE_CUT;
    else if (options->until_time)
        point->want = RESTORE_TIME;
    else if (options->until_end)
        point->want = RESTORE_END;
}

static int choose_node(struct restoring *restoring)
{
    const char *node = restoring->options->node;
    if (node == NULL)
        return 0;
    const struct backup_member *member = backup_manifest_find(&restoring->manifest, node);
    if (member != NULL) {
        restoring->point.only = member->node;
        return 0;
    }
    (void)fprintf(stderr, "txrecover: backup %s has no node %s; it has", restoring->manifest.name,
                  node);
    for (size_t i = 0; i < restoring->manifest.members_n; i++)
        (void)fprintf(stderr, " %s", restoring->manifest.members[i].node);
    (void)fputc('\n', stderr);
    return EX_USAGE;
}

static int choose(struct restoring *restoring)
{
    const struct txrecover_options *options = restoring->options;
    struct tx_why *why = &restoring->why;
    set_point(restoring);
    enum tx_error error =
        backup_repo_open(&restoring->repo, options->directory, BACKUP_REPO_READ, why);
    if (error == TX_OK)
        error = options->backup == NULL ? restore_point_backup(&restoring->point, &restoring->repo,
                                                               &restoring->manifest, why)
                                        : backup_repo_manifest(&restoring->repo, options->backup,
                                                               &restoring->manifest, why);
    int status = error == TX_OK ? choose_node(restoring) : complain(error, why);
    if (status != 0)
        return status;
    error = restore_point_find(&restoring->point, &restoring->repo, &restoring->manifest, why);
    return error == TX_OK ? draw_generation(restoring) : complain(error, why);
}

int txrecover_restore(const struct txrecover_options *options)
{
    struct restoring restoring = {.options = options, .repo = {.lock_fd = -1}};
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    restoring.threads = processors > 1 ? (unsigned)processors : 1;
    int status = choose(&restoring);
    if (status == 0) {
        begin_output(&restoring);
        status = restore_chosen(&restoring);
        end_output(&restoring, status);
    }
    restore_point_deinit(&restoring.point);
    backup_manifest_deinit(&restoring.manifest);
    backup_repo_close(&restoring.repo);
    return status;
}

/* ---- rejoin ---- */

static enum tx_error read_identity(const char *directory, struct txlog_identity *identity,
                                   struct tx_why *why)
{
    struct rocksdb_log_options options = {.directory = directory, .mode = ROCKSDB_LOG_READ_ONLY};
    struct txlog *log = NULL;
    enum tx_error error = rocksdb_log_begin(&options, &log, why);
    if (error != TX_OK)
        return error;
    *identity = rocksdb_log_identity(log);
    if (rocksdb_log_restored(log) == NULL)
        error =
            tx_why(why, TX_EINVAL,
                   "%s: was not restored from a backup, or has joined already: there is nothing "
                   "to do",
                   directory);
    txlog_close(&log);
    return error;
}

int txrecover_rejoin(const struct txrecover_options *options)
{
    struct tx_why why;
    struct txlog *log = NULL;
    struct rocksdb_log_options log_options = {
        .directory = options->directory, .mode = ROCKSDB_LOG_OPEN, .accepts_restored = true};
    if (options->alone)
        return txrecover_rejoin_alone(options);
    read_guard_begin(options->directory, READ_GUARD_TEXT);
    enum tx_error error = read_identity(options->directory, &log_options.identity, &why);
    if (error == TX_OK)
        error = rocksdb_log_open(&log_options, &log, &why);
    struct log_restored from = {.cut = 0};
    if (error == TX_OK) {
        from = *rocksdb_log_restored(log);
        error = rocksdb_log_join(log, &why);
    }
    if (log != NULL)
        txlog_close(&log);
    read_guard_end();
    if (error != TX_OK)
        return complain(error, &why);
    (void)printf("%s: joins as generation %" PRIu64 " of cluster %s, from backup %s (cut %" PRIu64
                 "); nodes of other generations are refused, and refuse it\n",
                 options->directory, from.generation, log_options.identity.cluster, from.backup,
                 from.cut);
    return 0;
}
