/* txrecover undo: puts the directories back that apply has changed. */
#include "txlog/recover/txrecover.h"

#include "common/json.h"
#include "txlog/log_dir.h"
#include "txlog/recover/recover_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* What a directory holds beyond what it held before apply. */
struct since {
    const struct recover_file_node *then;
    uint64_t digest;     /* up to where it was then */
    struct tx_lsn other; /* the first record behind it that apply has not written */
};

static enum tx_error compare(void *arg, const struct recover_node *node,
                             const struct txlog_record *record, const struct story_step *step)
{
    struct since *since = arg;
    (void)step;
    if (record->lsn.n == since->then->last.n)
        since->digest = node->digest;
    if (record->lsn.n > since->then->last.n && record->type != TXLOG_HEURISTIC &&
        since->other.n == 0)
        since->other = record->lsn;
    return TX_OK;
}

enum undo_state { UNDO_NOTHING, UNDO_BACK };

/* Is the directory what apply has left, and may it go back? */
static int check_directory(const struct recover_file_node *then, enum undo_state *state)
{
    struct recover_node node;
    struct since since = {.then = then};
    const struct recover_visitor visitor = {compare, &since};
    int status = recover_node_read(&node, then->directory, stderr, &visitor);
    if (status == 0 && (strcmp(node.name, then->name) != 0 || since.digest != then->digest))
        status = recover_complain(EX_DATAERR, "%s: is not the directory that was changed",
                                  then->directory);
    if (status == 0 && (since.other.n != 0 || node.last.n > then->last_after.n))
        status = recover_complain(
            EX_DATAERR,
            "%s: its log has gone on since, with LSN %" PRIu64 ": others may have seen the "
            "decisions, and nothing is taken back any more",
            then->directory, since.other.n != 0 ? since.other.n : then->last_after.n + 1);
    *state = node.last.n == then->last.n ? UNDO_NOTHING : UNDO_BACK;
    recover_node_deinit(&node);
    return status;
}

static int check_checkpoint(const struct recover_file_node *then)
{
    struct recover_node node;
    int status = recover_node_read(&node, then->checkpoint, stderr, NULL);
    if (status == 0 && (node.last.n != then->last.n || node.digest != then->digest ||
                        strcmp(node.name, then->name) != 0 || node.damages > 0))
        status = recover_complain(EX_DATAERR, "%s: is not the checkpoint that apply has made",
                                  then->checkpoint);
    recover_node_deinit(&node);
    return status;
}

static void say(const struct txrecover_options *options, const struct recover_file_node *node,
                const char *kept)
{
    struct json json;
    if (options->json) {
        json_init(&json, stdout);
        json_object_begin(&json);
        json_member(&json, "directory", node->directory);
        json_member_bool(&json, "restored", kept != NULL);
        if (kept != NULL)
            json_member(&json, "kept", kept);
        json_object_end(&json);
        (void)putchar('\n');
    } else if (kept == NULL) {
        (void)printf("%s: nothing was changed there\n", node->directory);
    } else {
        (void)printf("%s: as it was at LSN %" PRIu64 "; what stood there is kept as %s\n",
                     node->directory, node->last.n, kept);
    }
}

static int cannot(const char *path, const char *doing)
{
    return recover_complain(EX_IOERR, "%s: cannot %s: %s", path, doing, strerror(errno));
}

/* Both names change at once; whoever looks finds the one or the other. */
static int exchange(const struct recover_file_node *node, char kept[PATH_MAX])
{
    struct log_dir dir;
    struct tx_why why;
    const char *stamp = strrchr(node->checkpoint, '-');
    int len = snprintf(kept, PATH_MAX, "%s.undone%s", node->directory, stamp == NULL ? "" : stamp);
    if (len < 0 || len >= PATH_MAX)
        return recover_complain(EX_IOERR, "%s: its path is too long", node->directory);
    if (renameat2(AT_FDCWD, node->checkpoint, AT_FDCWD, node->directory, RENAME_EXCHANGE) != 0)
        return cannot(node->directory, "put its checkpoint in its place");
    if (rename(node->checkpoint, kept) != 0)
        return cannot(node->checkpoint, "give it another name");
    /* Its lock file marks it as a node's own, no checkpoint any more. */
    enum tx_error error = log_dir_open(node->directory, false, &dir, &why);
    if (error != TX_OK)
        return recover_complain(recover_exit_status(error), "%s", why.text);
    bool synced = fsync(dir.fd) == 0;
    log_dir_close(&dir);
    return synced && recover_file_sync_parent(node->directory) == 0
               ? 0
               : cannot(node->directory, "sync");
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* A daemon that starts now finds the lock taken; one that has run since it was looked at has made
 * files. */
static int take_back(const struct txrecover_options *options, const struct recover_file_node *node)
{
    struct stat before, after;
    struct log_dir dir;
    struct tx_why why;
    enum undo_state state;
    char kept[PATH_MAX];
    if (stat(node->directory, &before) != 0)
        return cannot(node->directory, "look at it");
    int status = check_directory(node, &state);
    if (status != 0)
        return status;
    if (state == UNDO_NOTHING) {
        say(options, node, NULL);
        return 0;
    }
    enum tx_error error = log_dir_open(node->directory, false, &dir, &why);
    if (error != TX_OK)
        return recover_complain(recover_exit_status(error), "%s", why.text);
    if (fstat(dir.fd, &after) != 0 || !same_time(&before.st_mtim, &after.st_mtim))
        status = recover_complain(EX_UNAVAILABLE, "%s: somebody has just used it", node->directory);
    else
        status = exchange(node, kept);
    log_dir_close(&dir);
    if (status == 0)
        say(options, node, kept);
    return status;
}

/* All are looked at before any is touched. */
static int check_all(const struct recover_file *file)
{
    enum undo_state state;
    int status = 0;
    for (size_t i = 0; status == 0 && i < file->nodes_n; i++) {
        status = check_directory(&file->nodes[i], &state);
        if (status == 0 && state == UNDO_BACK)
            status = check_checkpoint(&file->nodes[i]);
    }
    return status;
}

int txrecover_undo(const struct txrecover_options *options)
{
    struct recover_file file;
    int status = recover_file_read(options->directory, "assent_undo", &file);
    if (status == 0)
        status = check_all(&file);
    for (size_t i = 0; status == 0 && i < file.nodes_n; i++)
        status = take_back(options, &file.nodes[i]);
    recover_file_deinit(&file);
    return status;
}
