/* The point that a restore goes to. */
#include "txlog/recover/restore_point.h"

#include "common/assert.h"
#include "txlog/recover/recover_text.h"
#include "txlog/recover/restore_node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void restore_point_deinit(struct restore_point *point)
{
    for (size_t i = 0; i < point->n; i++) {
        backup_node_deinit(&point->nodes[i].backup);
        archive_close(&point->nodes[i].archive);
        free(point->nodes[i].cuts);
    }
    free(point->nodes);
    point->nodes = NULL;
    point->n = 0;
}

/* ---- which backup ---- */

static bool begins_before(const struct restore_point *point, const struct backup_manifest *manifest)
{
    if (point->want == RESTORE_TIME)
        return manifest->ended_ms <= point->time_ms;
    return point->want != RESTORE_CUT || manifest->cut <= point->cut;
}

static enum tx_error none_before(const struct restore_point *point, const struct backup_repo *repo,
                                 const char *oldest, struct tx_why *why)
{
    char time[RECOVER_TIME_TEXT];
    if (point->want == RESTORE_TIME)
        return tx_why(why, TX_EINVAL,
                      "%.200s: no backup had ended by %s; the oldest one there is %s", repo->path,
                      recover_time(point->time_ms, time), oldest);
    return tx_why(why, TX_EINVAL,
                  "%.200s: no backup is as old as cut %" PRIu64 "; the oldest one there is %s",
                  repo->path, point->cut, oldest);
}

enum tx_error restore_point_backup(const struct restore_point *point,
                                   const struct backup_repo *repo, struct backup_manifest *manifest,
                                   struct tx_why *why)
{
    struct backup_names names;
    bool found = false;
    enum tx_error error = backup_repo_list(repo, &names, why);
    if (error != TX_OK)
        return error;
    if (names.n == 0) /* the sentence for that is there */
        error = backup_repo_manifest(repo, NULL, manifest, why);
    for (size_t i = names.n; error == TX_OK && !found && i > 0; i--) {
        error = backup_repo_manifest(repo, names.items[i - 1], manifest, why);
        found = error == TX_OK && begins_before(point, manifest);
        if (error == TX_OK && !found)
            backup_manifest_deinit(manifest);
    }
    if (error == TX_OK && !found && names.n > 0)
        error = none_before(point, repo, names.items[0], why);
    backup_names_deinit(&names);
    return error;
}

/* ---- what there is of a node ---- */

static enum tx_error add_cut(struct restore_point_node *node, struct tx_cut cut, struct tx_why *why)
{
    struct tx_cut *cuts = node->cuts;
    if (node->cuts_n == 0 || (node->cuts_n >= 64 && (node->cuts_n & (node->cuts_n - 1)) == 0))
        cuts = reallocarray(node->cuts, node->cuts_n == 0 ? 64 : 2 * node->cuts_n, sizeof(*cuts));
    if (cuts == NULL)
        return tx_why(why, TX_ENOMEM, "no memory for the cuts of an archive");
    node->cuts = cuts;
    cuts[node->cuts_n++] = cut;
    return TX_OK;
}

static enum tx_error note_head(void *arg, const struct archive_segment *segment, struct tx_why *why)
{
    struct restore_point_node *node = arg;
    enum tx_error error = TX_OK;
    for (size_t i = 0; error == TX_OK && i < segment->cuts_n; i++) {
        const struct tx_cut *cut = &segment->cuts[i];
        bool behind = cut->lsn.n > node->backup.cut_lsn.n;
        if (behind && cut->number <= node->cuts[node->cuts_n - 1].number)
            return tx_why(why, TX_ECORRUPT,
                          "%.200s: cut %" PRIu64 " at LSN %" PRIu64 " does not follow cut %" PRIu64,
                          archive_path(node->archive), cut->number, cut->lsn.n,
                          node->cuts[node->cuts_n - 1].number);
        if (behind)
            error = add_cut(node, *cut, why);
    }
    if (segment->last.n == node->reach.n)
        node->reach_ms = segment->last_ms;
    return error;
}

/* Why the archive does not go on from the backup, or ends where it does. */
static void note_limit(struct restore_point_node *node)
{
    const struct archive *archive = node->archive;
    uint64_t next = node->reach.n + 1;
    struct archive_place gap = archive_gap(archive);
    if (archive_last(archive).n == 0)
        (void)snprintf(node->limit, sizeof(node->limit),
                       "the archive holds nothing of %s of generation %" PRIu64, node->backup.node,
                       node->backup.generation);
    else if (archive_last(archive).n > node->reach.n && archive_first(archive).n > next)
        (void)snprintf(node->limit, sizeof(node->limit),
                       "of %s the backup ends at LSN %" PRIu64
                       " and the archive begins at LSN %" PRIu64 ": LSN %" PRIu64 " to %" PRIu64
                       " are missing",
                       node->backup.node, node->reach.n, archive_first(archive).n, next,
                       archive_first(archive).n - 1);
    else if (archive_last(archive).n > node->reach.n)
        (void)snprintf(node->limit, sizeof(node->limit),
                       "of %s the archive has a gap behind LSN %" PRIu64
                       " (its newest gap: LSN %" PRIu64 " to %" PRIu64 ")",
                       node->backup.node, node->reach.n, gap.first.n, gap.last.n);
}

/* The cut of the backup, as the node has it: with what number, at what time. */
static enum tx_error look_for_cut(void *arg, struct tx_bytes stored, struct tx_why *why)
{
    struct restore_point_node *node = arg;
    struct txlog_front front;
    struct txlog_record record;
    struct tx_arena arena = {0};
    enum tx_error error = txlog_record_front(stored, &front, why);
    if (error != TX_OK || front.lsn.n != node->backup.cut_lsn.n || front.type != TXLOG_CUT)
        return error;
    error = txlog_record_decode(stored, &arena, &record, why);
    if (error == TX_OK)
        error = add_cut(node, record.cut, why);
    tx_arena_deinit(&arena);
    return error;
}

static enum tx_error read_own_cut(const struct backup_repo *repo, struct restore_point_node *node,
                                  struct tx_why *why)
{
    const struct backup_node *backup = &node->backup;
    enum tx_error error = restore_node_records(repo, backup, look_for_cut, node, why);
    if (error == TX_OK && node->cuts_n == 0)
        return tx_why(why, TX_ECORRUPT,
                      "backup %s of %s: LSN %" PRIu64 " is not the cut that it ends with",
                      backup->backup, backup->node, backup->cut_lsn.n);
    return error;
}

static enum tx_error read_archive(const struct restore_point *point, const struct backup_repo *repo,
                                  struct restore_point_node *node, struct tx_why *why)
{
    const struct backup_node *backup = &node->backup;
    struct tx_lsn next = {backup->cut_lsn.n + 1};
    enum tx_error error = read_own_cut(repo, node, why);
    if (error == TX_OK)
        error = archive_open(point->archive, &backup->identity, backup->generation, false,
                             &node->archive, why);
    if (error != TX_OK)
        return error;
    struct tx_lsn reach = archive_reach(node->archive, next);
    if (reach.n > 0) {
        node->reach = reach;
        error = archive_heads(node->archive, next, reach, note_head, node, why);
    }
    note_limit(node);
    return error;
}

static enum tx_error read_node(struct restore_point *point, const struct backup_repo *repo,
                               const struct backup_manifest *manifest, size_t i, struct tx_why *why)
{
    struct restore_point_node *node = &point->nodes[i];
    struct backup_node *backup = &node->backup;
    enum tx_error error = backup_repo_node(repo, manifest, &manifest->members[i], backup, why);
    if (error != TX_OK)
        return error;
    if (strcmp(backup->backup, manifest->name) != 0 || backup->cut != manifest->cut)
        return tx_why(why, TX_ECORRUPT,
                      "backup %s: what it has of %s belongs to another backup, %s", manifest->name,
                      backup->node, backup->backup);
    node->reach = node->until = backup->cut_lsn;
    bool wanted = point->only == NULL || strcmp(point->only, backup->node) == 0 ||
                  point->want == RESTORE_TIME || point->want == RESTORE_NEWEST;
    if (point->archive != NULL && wanted)
        return read_archive(point, repo, node, why);
    struct tx_cut cut = {
        .number = backup->cut, .lsn = backup->cut_lsn, .time_ms = manifest->ended_ms};
    return add_cut(node, cut, why);
}

/* ---- the point ---- */

/* Those whose positions count. */
static bool counts(const struct restore_point *point, const struct restore_point_node *node)
{
    return node->archive != NULL || point->archive == NULL;
}

static uint64_t highest(const struct restore_point_node *node)
{
    TX_ASSERT(node->cuts != NULL && node->cuts_n > 0); /* that of the backup */
    return node->cuts[node->cuts_n - 1].number;
}

static const struct tx_cut *position(const struct restore_point_node *node, uint64_t number)
{
    size_t low = 0, high = node->cuts_n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (node->cuts[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < node->cuts_n ? &node->cuts[low] : NULL;
}

static uint64_t time_of(const struct restore_point *point, uint64_t number)
{
    uint64_t ms = 0;
    for (size_t i = 0; i < point->n; i++) {
        const struct tx_cut *at =
            counts(point, &point->nodes[i]) ? position(&point->nodes[i], number) : NULL;
        if (at != NULL && at->time_ms > ms)
            ms = at->time_ms;
    }
    return ms;
}

static void find_bound(struct restore_point *point)
{
    point->bound = NULL;
    for (size_t i = 0; i < point->n; i++) {
        const struct restore_point_node *node = &point->nodes[i];
        if (counts(point, node) && (point->bound == NULL || highest(node) < highest(point->bound)))
            point->bound = node;
    }
    TX_ASSERT(point->bound != NULL);
    point->newest = highest(point->bound);
}

/* The newest cut below `below` that somebody has taken, and all reach; 0: none. */
static uint64_t next_lower(const struct restore_point *point, uint64_t below)
{
    uint64_t best = point->backup_cut < below ? point->backup_cut : 0;
    for (size_t i = 0; i < point->n; i++) {
        const struct restore_point_node *node = &point->nodes[i];
        for (size_t j = node->cuts_n; counts(point, node) && j > 0; j--) {
            if (node->cuts[j - 1].number >= below)
                continue;
            if (node->cuts[j - 1].number > best)
                best = node->cuts[j - 1].number;
            break;
        }
    }
    return best;
}

static const char *why_bound(const struct restore_point *point, char out[512])
{
    const struct restore_point_node *node = point->bound;
    if (node->limit[0] != '\0')
        return node->limit;
    (void)snprintf(out, 512, "the archive of %s ends at LSN %" PRIu64 ", and has no later cut",
                   node->backup.node, node->reach.n);
    return out;
}

/* The archive does not help. */
static enum tx_error no_later(const struct restore_point *point, struct tx_why *why)
{
    char reason[512];
    return tx_why(why, TX_EINVAL,
                  "no point later than the backup (cut %" PRIu64 "): %s; without --archive the "
                  "backup itself is restored",
                  point->backup_cut, why_bound(point, reason));
}

static enum tx_error find_cut(struct restore_point *point, struct tx_why *why)
{
    char reason[512], time[RECOVER_TIME_TEXT];
    point->number = point->cut;
    if (point->cut < point->backup_cut)
        return tx_why(why, TX_EINVAL,
                      "cut %" PRIu64 " lies before the backup, whose cut is %" PRIu64
                      "; name an older backup",
                      point->cut, point->backup_cut);
    if (point->cut <= point->newest)
        return TX_OK;
    return tx_why(why, TX_EINVAL,
                  "cut %" PRIu64 " cannot be reached: %s; the newest one that can: --until-cut "
                  "%" PRIu64 ", of %s",
                  point->cut, why_bound(point, reason), point->newest,
                  recover_time(time_of(point, point->newest), time));
}

/* The clocks of nodes differ, and may go back: the newest one counts that is not later anywhere. */
static enum tx_error find_time(struct restore_point *point, struct tx_why *why)
{
    char time[RECOVER_TIME_TEXT], wanted[RECOVER_TIME_TEXT];
    point->number = point->newest;
    while (point->number >= point->backup_cut && time_of(point, point->number) > point->time_ms)
        point->number = next_lower(point, point->number);
    if (point->number >= point->backup_cut && point->number > 0)
        return TX_OK;
    return tx_why(why, TX_EINVAL,
                  "%s lies before the backup, which ended at %s; name an older backup, or none",
                  recover_time(point->time_ms, wanted), recover_time(point->backup_ms, time));
}

static enum tx_error find_number(struct restore_point *point, struct tx_why *why)
{
    if (point->want == RESTORE_BACKUP) {
        point->number = point->backup_cut;
        return TX_OK;
    }
    if (point->want == RESTORE_END) {
        point->number = point->newest;
        return TX_OK;
    }
    if (point->want == RESTORE_CUT)
        return find_cut(point, why);
    if (point->newest <= point->backup_cut)
        return no_later(point, why);
    point->number = point->newest;
    return point->want == RESTORE_TIME ? find_time(point, why) : TX_OK;
}

static enum tx_error add_bytes(void *arg, const struct archive_segment *segment, struct tx_why *why)
{
    (void)why;
    *(uint64_t *)arg += segment->bytes;
    return TX_OK;
}

/* For who looks on; that it is too low is all that an error means. */
static void count_bytes(struct restore_point_node *node)
{
    node->bytes = node->backup.bytes;
    if (node->archive == NULL || node->until.n == node->backup.cut_lsn.n)
        return;
    struct tx_lsn next = {node->backup.cut_lsn.n + 1};
    enum tx_error ignored =
        archive_heads(node->archive, next, node->until, add_bytes, &node->bytes, NULL);
    (void)ignored;
}

static void set_positions(struct restore_point *point)
{
    for (size_t i = 0; i < point->n; i++) {
        struct restore_point_node *node = &point->nodes[i];
        const struct tx_cut *at = position(node, point->number);
        if (point->want == RESTORE_END)
            node->until = node->reach;
        else if (at != NULL)
            node->until = at->lsn;
        count_bytes(node);
    }
    point->at_ms = time_of(point, point->number);
}

/* ---- nodes that the backup does not have ---- */

struct stranger {
    struct archive *archive;
    uint64_t first_cut, last_cut; /* 0: none */
};

static enum tx_error note_cuts(void *arg, const struct archive_segment *segment, struct tx_why *why)
{
    struct stranger *stranger = arg;
    (void)why;
    if (segment->cuts_n == 0)
        return TX_OK;
    if (stranger->first_cut == 0)
        stranger->first_cut = segment->cuts[0].number;
    stranger->last_cut = segment->cuts[segment->cuts_n - 1].number;
    return TX_OK;
}

/* Who is new takes the newest cut with the first frame that he gets: in an older one he has no
 * part. Who has taken none since the backup had left before. */
static enum tx_error judge_stranger(const struct restore_point *point,
                                    const struct archive_node *node, struct stranger *stranger,
                                    struct tx_why *why)
{
    struct tx_lsn first = archive_first(stranger->archive), last = archive_last(stranger->archive);
    enum tx_error error = archive_heads(stranger->archive, first, last, note_cuts, stranger, why);
    if (error != TX_OK || stranger->last_cut < point->backup_cut)
        return error;
    if (first.n == 1 && stranger->first_cut > point->number)
        return TX_OK;
    if (first.n > 1)
        return tx_why(why, TX_EINVAL,
                      "%s has a part in cut %" PRIu64 ", and the backup does not have it: name a "
                      "backup that does",
                      node->label, point->number);
    return tx_why(why, TX_EINVAL,
                  "%s has a part in cut %" PRIu64 ", and the backup does not have it: name a "
                  "backup that does, or a cut before it came: --until-cut %" PRIu64,
                  node->label, point->number, stranger->first_cut - 1);
}

static bool in_backup(const struct restore_point *point, const char *label)
{
    for (size_t i = 0; i < point->n; i++) {
        if (strcmp(point->nodes[i].backup.node, label) == 0)
            return true;
    }
    return false;
}

/* A node that came after the backup would be missing in the restored cluster, with what the others
 * have done together with it. */
static enum tx_error check_strangers(const struct restore_point *point, struct tx_why *why)
{
    struct archive_node *nodes = NULL;
    size_t n = 0;
    enum tx_error error = archive_nodes(point->archive, &nodes, &n, why);
    for (size_t i = 0; error == TX_OK && i < n; i++) {
        struct stranger stranger = {.archive = NULL};
        if (nodes[i].generation != point->nodes[0].backup.generation ||
            in_backup(point, nodes[i].label))
            continue;
        error = archive_open_node(point->archive, &nodes[i], &stranger.archive, why);
        if (error == TX_OK)
            error = judge_stranger(point, &nodes[i], &stranger, why);
        archive_close(&stranger.archive);
    }
    free(nodes);
    return error;
}

/* ---- all of it ---- */

enum tx_error restore_point_find(struct restore_point *point, const struct backup_repo *repo,
                                 const struct backup_manifest *manifest, struct tx_why *why)
{
    enum tx_error error = TX_OK;
    point->backup_cut = manifest->cut;
    point->backup_ms = manifest->ended_ms;
    point->nodes = calloc(manifest->members_n > 0 ? manifest->members_n : 1, sizeof(*point->nodes));
    if (point->nodes == NULL)
        return tx_why(why, TX_ENOMEM, "no memory to read a backup");
    for (size_t i = 0; error == TX_OK && i < manifest->members_n; i++) {
        point->n = i + 1;
        error = read_node(point, repo, manifest, i, why);
    }
    if (error != TX_OK || point->n == 0)
        return error;
    find_bound(point);
    error = find_number(point, why);
    if (error == TX_OK && point->archive != NULL && point->only == NULL)
        error = check_strangers(point, why);
    if (error == TX_OK)
        set_positions(point);
    return error;
}

struct restore_behind restore_point_behind(const struct restore_point *point,
                                           const struct restore_point_node *node)
{
    struct restore_behind behind = {0};
    uint64_t last = node->archive != NULL ? archive_last(node->archive).n : 0;
    if (last <= node->until.n)
        return behind;
    behind.records = last - node->until.n;
    if (node->reach_ms > point->at_ms)
        behind.ms = node->reach_ms - point->at_ms;
    return behind;
}
