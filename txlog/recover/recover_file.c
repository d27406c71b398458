/* The files of plan, apply and undo, as they are read. */
#include "txlog/recover/recover_file.h"

#include "common/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* ---- making ---- */

int recover_file_sync_parent(const char *path)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        (void)snprintf(parent, sizeof(parent), ".");
    else
        (void)snprintf(parent, sizeof(parent), "%.*s", slash == path ? 1 : (int)(slash - path),
                       path);
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd < 0 ? -1 : fsync(fd);
    if (fd >= 0)
        (void)close(fd);
    return result;
}

int recover_file_make(const char *path, const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0)
        return recover_complain(EX_CANTCREAT, "%s: cannot be made: %s", path, strerror(errno));
    ssize_t written = write(fd, text, len);
    bool good = written >= 0 && (size_t)written == len && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    if (good && recover_file_sync_parent(path) == 0)
        return 0;
    int status = recover_complain(EX_IOERR, "%s: cannot be written: %s", path, strerror(errno));
    (void)unlink(path);
    return status;
}

/* ---- reading ---- */

struct reader {
    const char *path;
    int status;
};

static int wrong(struct reader *r, const char *where, const char *what)
{
    if (r->status == 0)
        r->status = recover_complain(EX_DATAERR, "%s: %s: %s", r->path, where, what);
    return r->status;
}

static const char *get_text(struct reader *r, const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (text == NULL)
        (void)wrong(r, name, "is missing, or no text");
    return text == NULL ? "" : text;
}

static uint64_t get_number(struct reader *r, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        (void)wrong(r, name, "is missing, or no number");
        return 0;
    }
    return (uint64_t)json_integer_value(value);
}

static void get_name(struct reader *r, const json_t *object, char out[TX_NAME_MAX + 16])
{
    const char *text = get_text(r, object, "node");
    if (strlen(text) >= TX_NAME_MAX + 16)
        (void)wrong(r, "node", "is too long for a name");
    else
        memcpy(out, text, strlen(text) + 1);
}

static char *copy_text(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        tx_memory_failed(__func__);
    return copy;
}

static void read_node(struct reader *r, const json_t *object, bool undo,
                      struct recover_file_node *node)
{
    char *end;
    *node = (struct recover_file_node){.directory = copy_text(get_text(r, object, "directory"))};
    get_name(r, object, node->name);
    node->first.n = get_number(r, object, "first_lsn");
    node->last.n = get_number(r, object, "last_lsn");
    const char *digest = get_text(r, object, "digest");
    node->digest = strtoull(digest, &end, 16);
    if (strlen(digest) != 16 || *end != '\0')
        (void)wrong(r, "digest", "is not 16 hexadecimal digits");
    if (!undo)
        return;
    node->checkpoint = copy_text(get_text(r, object, "checkpoint"));
    node->last_after.n = get_number(r, object, "last_lsn_after");
}

static void read_action(struct reader *r, const json_t *object, struct recover_file_action *action)
{
    *action = (struct recover_file_action){0};
    const char *decision = get_text(r, object, "decision");
    get_name(r, object, action->name);
    if (tx_id_parse(get_text(r, object, "tx"), &action->tx) != TX_OK)
        (void)wrong(r, "tx", "is no transaction id");
    action->commit = strcmp(decision, "commit") == 0;
    if (!action->commit && strcmp(decision, "abort") != 0)
        (void)wrong(r, "decision", "is neither \"commit\" nor \"abort\"");
}

static void read_cluster(struct reader *r, const json_t *root, struct recover_file *file)
{
    const char *cluster = get_text(r, root, "cluster");
    if (strlen(cluster) > TX_CLUSTER_MAX)
        (void)wrong(r, "cluster", "is too long for a name");
    else
        memcpy(file->cluster, cluster, strlen(cluster) + 1);
}

static void read_root(struct reader *r, const json_t *root, bool undo, struct recover_file *file)
{
    const json_t *nodes = json_object_get(root, "nodes"),
                 *actions = json_object_get(root, "actions");
    read_cluster(r, root, file);
    if (!json_is_array(nodes) || json_array_size(nodes) == 0 ||
        (!undo && !json_is_array(actions))) {
        (void)wrong(r, undo ? "nodes" : "nodes or actions", "are missing");
        return;
    }
    file->nodes = tx_xcalloc(json_array_size(nodes), sizeof(*file->nodes));
    for (size_t i = 0; r->status == 0 && i < json_array_size(nodes); i++)
        read_node(r, json_array_get(nodes, i), undo, &file->nodes[file->nodes_n++]);
    if (undo)
        return;
    file->actions = tx_xcalloc(json_array_size(actions) + 1, sizeof(*file->actions));
    for (size_t i = 0; r->status == 0 && i < json_array_size(actions); i++)
        read_action(r, json_array_get(actions, i), &file->actions[file->actions_n++]);
}

int recover_file_read(const char *path, const char *kind, struct recover_file *file)
{
    struct reader r = {.path = path};
    json_error_t error;
    *file = (struct recover_file){0};
    if (access(path, R_OK) != 0)
        return recover_complain(EX_NOINPUT, "%s: cannot be read: %s", path, strerror(errno));
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        return recover_complain(EX_DATAERR, "%s: line %d, column %d: %s", path, error.line,
                                error.column, error.text);
    if (!json_is_integer(json_object_get(root, kind)))
        (void)wrong(&r, kind, "is missing: this is no such file");
    else if (json_integer_value(json_object_get(root, kind)) != RECOVER_FILE_VERSION)
        (void)wrong(&r, kind, "is a version that this program does not know");
    else
        read_root(&r, root, strcmp(kind, "assent_undo") == 0, file);
    json_decref(root);
    return r.status;
}

void recover_file_deinit(struct recover_file *file)
{
    for (size_t i = 0; i < file->nodes_n; i++) {
        free(file->nodes[i].directory);
        free(file->nodes[i].checkpoint);
    }
    free(file->nodes);
    free(file->actions);
    *file = (struct recover_file){0};
}
