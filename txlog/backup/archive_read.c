/* Reading an archive. */
#include "txlog/backup/archive_index.h"

#include "txlog/backup/backup_files.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The segment that holds a record, or the first one behind it; archive->n: none. */
static size_t find(const struct archive *archive, struct tx_lsn lsn)
{
    size_t low = 0, high = archive->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (archive->items[middle].last.n < lsn.n)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct tx_lsn archive_reach(const struct archive *archive, struct tx_lsn from)
{
    size_t i = find(archive, from);
    if (i == archive->n || archive->items[i].first.n > from.n)
        return (struct tx_lsn){0};
    while (i + 1 < archive->n && archive->items[i + 1].first.n == archive->items[i].last.n + 1)
        i++;
    return archive->items[i].last;
}

static enum tx_error gap(const struct archive *archive, uint64_t first, uint64_t last,
                         struct tx_why *why)
{
    return tx_why(why, TX_EGAP, "%.300s: LSN %" PRIu64 " to %" PRIu64 " are missing", archive->path,
                  first, last);
}

/* Each segment names the one before it: that the numbers fit is not enough. */
static enum tx_error check_chain(struct archive *archive, size_t i, struct tx_why *why)
{
    const struct archive_segment *head, *before;
    char name[ARCHIVE_SEGMENT_NAME], other[ARCHIVE_SEGMENT_NAME];
    enum tx_error error = archive_item_head(archive, i - 1, &before, why);
    if (error == TX_OK)
        error = archive_item_head(archive, i, &head, why);
    if (error != TX_OK || backup_digest_equal(&head->before, &before->digest))
        return error;
    return tx_why(why, TX_ECORRUPT,
                  "%.300s: %s was not written behind %s, though its numbers fit; one of them does "
                  "not belong there",
                  archive->path, archive_segment_name(head->first, head->last, name),
                  archive_segment_name(before->first, before->last, other));
}

struct ranging {
    struct tx_lsn first, last;
    archive_visit *visit;
    void *arg;
};

static enum tx_error visit_within(void *arg, struct tx_lsn lsn, struct tx_bytes stored,
                                  struct tx_why *why)
{
    struct ranging *ranging = arg;
    if (lsn.n < ranging->first.n || lsn.n > ranging->last.n)
        return TX_OK;
    return ranging->visit(ranging->arg, lsn, stored, why);
}

static enum tx_error read_segment(struct archive *archive, size_t i, archive_visit *visit,
                                  void *arg, struct tx_why *why)
{
    const struct archive_segment *head;
    char path[PATH_MAX];
    enum tx_error error = archive_item_path(archive, i, path, sizeof(path), why);
    if (error == TX_OK)
        error = archive_item_head(archive, i, &head, why);
    return error == TX_OK ? archive_segment_each(path, head, visit, arg, why) : error;
}

enum tx_error archive_each(struct archive *archive, struct tx_lsn first, struct tx_lsn last,
                           archive_visit *visit, void *arg, struct tx_why *why)
{
    struct ranging ranging = {.first = first, .last = last, .visit = visit, .arg = arg};
    enum tx_error error = TX_OK;
    uint64_t next = first.n;
    for (size_t i = find(archive, first); error == TX_OK && next <= last.n; i++) {
        if (i == archive->n)
            return gap(archive, next, last.n, why);
        const struct archive_item *item = &archive->items[i];
        if (item->first.n > next)
            return gap(archive, next, item->first.n - 1, why);
        if (next != first.n)
            error = check_chain(archive, i, why);
        if (error == TX_OK)
            error = read_segment(archive, i, visit_within, &ranging, why);
        next = item->last.n + 1;
    }
    return error;
}

enum tx_error archive_heads(struct archive *archive, struct tx_lsn first, struct tx_lsn last,
                            enum tx_error (*visit)(void *arg, const struct archive_segment *segment,
                                                   struct tx_why *why),
                            void *arg, struct tx_why *why)
{
    enum tx_error error = TX_OK;
    const struct archive_segment *head;
    for (size_t i = find(archive, first);
         error == TX_OK && i < archive->n && archive->items[i].first.n <= last.n; i++) {
        error = archive_item_head(archive, i, &head, why);
        if (error == TX_OK)
            error = visit(arg, head, why);
    }
    return error;
}

/* ---- all of it ---- */

static enum tx_error count_record(void *arg, struct tx_lsn lsn, struct tx_bytes stored,
                                  struct tx_why *why)
{
    struct archive_check *check = arg;
    (void)lsn;
    (void)why;
    check->records++;
    check->bytes += stored.len;
    check->progress(check->arg, stored.len);
    return TX_OK;
}

static bool follows(const struct archive *archive, size_t i)
{
    return i > 0 && archive->items[i].first.n == archive->items[i - 1].last.n + 1;
}

enum tx_error archive_verify(struct archive *archive, struct archive_check *check,
                             struct tx_why *why)
{
    bool whole = false; /* the head of the last one could be read */
    for (size_t i = 0; i < archive->n; i++) {
        enum tx_error error = read_segment(archive, i, count_record, check, why);
        bool readable = archive->items[i].head != NULL;
        if (error == TX_OK && whole && follows(archive, i))
            error = check_chain(archive, i, why);
        if (error == TX_ENOMEM)
            return error;
        check->segments++;
        check->damages += error != TX_OK;
        if (error != TX_OK)
            check->damage(check->arg, why->text);
        whole = readable;
    }
    return TX_OK;
}

/* ---- whose there is ---- */

struct gathering {
    const char *parent;
    uint64_t generation;
    struct archive_node *nodes;
    size_t n;
    struct tx_why *why;
};

static enum tx_error note_node(void *arg, const char *name)
{
    struct gathering *gathering = arg;
    char path[PATH_MAX];
    struct stat st;
    bool label = strncmp(name, "coordinator-", 12) == 0 || strncmp(name, "participant-", 12) == 0;
    if (!label || strlen(name) >= BACKUP_NODE_MAX || strstr(name, ".before-") != NULL)
        return TX_OK;
    enum tx_error error = backup_path(path, sizeof(path), gathering->parent, name, gathering->why);
    if (error != TX_OK || stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return error;
    struct archive_node *nodes = reallocarray(gathering->nodes, gathering->n + 1, sizeof(*nodes));
    if (nodes == NULL)
        return tx_why(gathering->why, TX_ENOMEM, "no memory for the list of an archive");
    gathering->nodes = nodes;
    nodes[gathering->n] = (struct archive_node){.generation = gathering->generation};
    memcpy(nodes[gathering->n].label, name, strlen(name) + 1);
    gathering->n++;
    return TX_OK;
}

struct walking {
    const char *directory;
    struct gathering *gathering;
};

static enum tx_error note_generation(void *arg, const char *name)
{
    struct walking *walking = arg;
    struct gathering *gathering = walking->gathering;
    char again[64], path[PATH_MAX];
    if (strncmp(name, "generation-", 11) != 0)
        return TX_OK;
    gathering->generation = strtoull(name + 11, NULL, 10);
    (void)snprintf(again, sizeof(again), "generation-%" PRIu64, gathering->generation);
    if (strcmp(name, again) != 0)
        return TX_OK;
    enum tx_error error = backup_path(path, sizeof(path), walking->directory, name, gathering->why);
    if (error != TX_OK)
        return error;
    gathering->parent = path;
    return backup_directory_each(path, note_node, gathering, gathering->why);
}

static int by_label(const void *a, const void *b)
{
    const struct archive_node *x = a, *y = b;
    if (x->generation != y->generation)
        return x->generation < y->generation ? -1 : 1;
    return strcmp(x->label, y->label);
}

enum tx_error archive_nodes(const char *directory, struct archive_node **nodes, size_t *n,
                            struct tx_why *why)
{
    struct gathering gathering = {.why = why};
    struct walking walking = {.directory = directory, .gathering = &gathering};
    enum tx_error error = archive_check_format(directory, why);
    *nodes = NULL;
    *n = 0;
    if (error == TX_OK)
        error = backup_directory_each(directory, note_generation, &walking, why);
    if (error != TX_OK) {
        free(gathering.nodes);
        return error;
    }
    if (gathering.n > 1)
        qsort(gathering.nodes, gathering.n, sizeof(*gathering.nodes), by_label);
    *nodes = gathering.nodes;
    *n = gathering.n;
    return TX_OK;
}

/* The identity is what the label says, and the cluster what its first segment says. */
static enum tx_error identity_of(const struct archive *archive, const struct archive_node *node,
                                 struct txlog_identity *identity, struct tx_why *why)
{
    struct archive_segment head;
    char path[PATH_MAX], label[BACKUP_NODE_MAX];
    if (archive->n == 0)
        return TX_OK;
    enum tx_error error = archive_item_path(archive, 0, path, sizeof(path), why);
    if (error == TX_OK)
        error = archive_segment_open(path, &head, why);
    if (error != TX_OK)
        return error;
    *identity = head.identity;
    archive_segment_deinit(&head);
    if (strcmp(backup_node_label(identity, label), node->label) != 0)
        return tx_why(why, TX_ENODE, "%.300s: belongs to %s; put it back where it was", path,
                      label);
    return TX_OK;
}

enum tx_error archive_open_node(const char *directory, const struct archive_node *node,
                                struct archive **archive, struct tx_why *why)
{
    struct archive *opened = calloc(1, sizeof(*opened));
    char name[64];
    *archive = opened;
    if (opened == NULL)
        return tx_why(why, TX_ENOMEM, "no memory to open an archive");
    opened->generation = node->generation;
    opened->lock_fd = -1;
    (void)snprintf(name, sizeof(name), "generation-%" PRIu64, node->generation);
    enum tx_error error = backup_path(opened->parent, sizeof(opened->parent), directory, name, why);
    if (error == TX_OK)
        error = backup_path(opened->path, sizeof(opened->path), opened->parent, node->label, why);
    if (error == TX_OK)
        error = archive_index_read(opened, why);
    if (error == TX_OK)
        error = identity_of(opened, node, &opened->identity, why);
    if (error != TX_OK)
        archive_close(archive);
    return error;
}
