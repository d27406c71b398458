/* What a backup has of one node. */
#include "txlog/backup/backup_node.h"

#include "common/json.h"
#include "txlog/backup/backup_document.h"
#include "txlog/backup/backup_json.h"
#include "txlog/record.h"

#include <stdio.h>
#include <stdlib.h>

const char *backup_node_label(const struct txlog_identity *identity, char out[BACKUP_NODE_MAX])
{
    if (identity->role == TX_ROLE_PARTICIPANT)
        (void)snprintf(out, BACKUP_NODE_MAX, "participant-%s", identity->name.s);
    else
        (void)snprintf(out, BACKUP_NODE_MAX, "coordinator-%u", (unsigned)identity->coordinator);
    return out;
}

enum tx_error backup_node_add_file(struct backup_node *node, const struct backup_file *file)
{
    struct backup_file *files = reallocarray(node->files, node->files_n + 1, sizeof(*files));
    if (files == NULL)
        return TX_ENOMEM;
    node->files = files;
    files[node->files_n++] = *file;
    return TX_OK;
}

enum tx_error backup_node_add_segment(struct backup_node *node,
                                      const struct backup_segment *segment)
{
    struct backup_segment *segments =
        reallocarray(node->segments, node->segments_n + 1, sizeof(*segments));
    if (segments == NULL)
        return TX_ENOMEM;
    node->segments = segments;
    segments[node->segments_n++] = *segment;
    return TX_OK;
}

const struct backup_file *backup_node_file(const struct backup_node *node, const char *name)
{
    for (size_t i = 0; i < node->files_n; i++) {
        if (strcmp(node->files[i].name, name) == 0)
            return &node->files[i];
    }
    return NULL;
}

void backup_node_deinit(struct backup_node *node)
{
    free(node->files);
    free(node->segments);
    *node = (struct backup_node){0};
}

bool backup_file_name_valid(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

/* ---- writing ---- */

void backup_identity_write(struct json *json, const struct txlog_identity *identity)
{
    json_member(json, "cluster", identity->cluster);
    json_member(json, "role", tx_role_name(identity->role));
    json_member(json, "name", identity->name.s);
    json_member_u64(json, "coordinator", identity->coordinator);
}

static void write_identity(struct json *json, const struct backup_node *node)
{
    json_member_u64(json, "format", BACKUP_NODE_FORMAT);
    json_member(json, "node", node->node);
    json_member(json, "backup", node->backup);
    backup_identity_write(json, &node->identity);
    json_member_u64(json, "generation", node->generation);
    json_member_u64(json, "record_version", TXLOG_RECORD_VERSION);
    json_member_u64(json, "checkpoint", node->checkpoint.n);
    json_member_u64(json, "cut", node->cut);
    json_member_u64(json, "cut_lsn", node->cut_lsn.n);
    json_member_u64(json, "bytes", node->bytes);
    json_member_u64(json, "stored", node->stored);
}

static void write_digest(struct json *json, const char *name, const struct backup_digest *digest)
{
    char text[BACKUP_DIGEST_TEXT];
    json_member(json, name, backup_digest_print(digest, text));
}

static void write_files(struct json *json, const struct backup_node *node)
{
    json_member_array_begin(json, "files");
    for (size_t i = 0; i < node->files_n; i++) {
        const struct backup_file *file = &node->files[i];
        json_object_begin(json);
        json_member(json, "name", file->name);
        json_member_u64(json, "bytes", file->bytes);
        write_digest(json, "blob", &file->blob);
        json_member_u64(json, "inode", file->inode);
        json_member_u64(json, "mtime_ns", file->mtime_ns);
        json_object_end(json);
    }
    json_array_end(json);
}

static void write_segments(struct json *json, const struct backup_node *node)
{
    json_member_array_begin(json, "records");
    for (size_t i = 0; i < node->segments_n; i++) {
        const struct backup_segment *segment = &node->segments[i];
        json_object_begin(json);
        json_member_u64(json, "first", segment->first.n);
        json_member_u64(json, "last", segment->last.n);
        json_member_u64(json, "bytes", segment->bytes);
        write_digest(json, "blob", &segment->blob);
        json_object_end(json);
    }
    json_array_end(json);
}

static void write_node(struct json *json, const void *what)
{
    const struct backup_node *node = what;
    json_object_begin(json);
    write_identity(json, node);
    write_files(json, node);
    write_segments(json, node);
    json_object_end(json);
}

enum tx_error backup_node_encode(const struct backup_node *node, struct tx_buf *out,
                                 struct tx_why *why)
{
    backup_document_write(write_node, node, out);
    tx_buf_append(out, tx_bytes_str("\n"));
    return out->failed ? tx_why(why, TX_ENOMEM, "no memory to describe a backup") : TX_OK;
}

/* ---- reading ---- */

void backup_identity_read(struct backup_reader *r, struct txlog_identity *identity)
{
    char role[32], name[TX_NAME_MAX + 1];
    backup_read_text(r, r->root, "cluster", identity->cluster, sizeof(identity->cluster));
    backup_read_text(r, r->root, "role", role, sizeof(role));
    backup_read_text(r, r->root, "name", name, sizeof(name));
    identity->coordinator = (uint32_t)backup_read_u64(r, r->root, "coordinator");
    if (strcmp(role, tx_role_name(TX_ROLE_PARTICIPANT)) == 0)
        identity->role = TX_ROLE_PARTICIPANT;
    else if (strcmp(role, tx_role_name(TX_ROLE_COORDINATOR)) == 0)
        identity->role = TX_ROLE_COORDINATOR;
    else
        backup_reader_refuse(r, TX_ECORRUPT, "\"role\" is none");
    if (name[0] != '\0' && tx_name_set(&identity->name, tx_bytes_str(name)) != TX_OK)
        backup_reader_refuse(r, TX_ECORRUPT, "\"name\" is none");
    if (backup_read_u64(r, r->root, "record_version") > TXLOG_RECORD_VERSION)
        backup_reader_refuse(r, TX_EVERSION,
                             "the log in it is of a newer format; use the program that wrote it, "
                             "or a newer one");
}

static void read_identity(struct backup_reader *r, struct backup_node *node)
{
    char label[BACKUP_NODE_MAX];
    if (backup_read_u64(r, r->root, "format") != BACKUP_NODE_FORMAT)
        backup_reader_refuse(r, TX_EVERSION,
                             "is of another format; use the program that wrote it, or a newer one");
    backup_read_text(r, r->root, "node", node->node, sizeof(node->node));
    backup_read_text(r, r->root, "backup", node->backup, sizeof(node->backup));
    backup_identity_read(r, &node->identity);
    node->generation = backup_read_u64(r, r->root, "generation");
    if (strcmp(node->node, backup_node_label(&node->identity, label)) != 0)
        backup_reader_refuse(r, TX_ECORRUPT, "\"node\" is not the name and role that it gives");
}

static void read_files(struct backup_reader *r, struct backup_node *node)
{
    size_t n;
    const struct backup_json *files = backup_read_array(r, r->root, "files", &n);
    for (size_t i = 0; i < n && r->error == TX_OK; i++) {
        const struct backup_json *at = backup_read_at(files, i);
        struct backup_file file = {.bytes = backup_read_u64(r, at, "bytes"),
                                   .inode = backup_read_u64(r, at, "inode"),
                                   .mtime_ns = backup_read_u64(r, at, "mtime_ns"),
                                   .blob = backup_read_digest(r, at, "blob")};
        backup_read_text(r, at, "name", file.name, sizeof(file.name));
        if (r->error == TX_OK && !backup_file_name_valid(file.name))
            backup_reader_refuse(r, TX_ECORRUPT, "the name of a file is none");
        if (r->error == TX_OK && backup_node_add_file(node, &file) != TX_OK)
            backup_reader_refuse(r, TX_ENOMEM, "no memory to read it");
    }
}

static void read_segments(struct backup_reader *r, struct backup_node *node)
{
    size_t n;
    const struct backup_json *segments = backup_read_array(r, r->root, "records", &n);
    for (size_t i = 0; i < n && r->error == TX_OK; i++) {
        const struct backup_json *at = backup_read_at(segments, i);
        struct backup_segment segment = {.first = {backup_read_u64(r, at, "first")},
                                         .last = {backup_read_u64(r, at, "last")},
                                         .bytes = backup_read_u64(r, at, "bytes"),
                                         .blob = backup_read_digest(r, at, "blob")};
        if (r->error == TX_OK && backup_node_add_segment(node, &segment) != TX_OK)
            backup_reader_refuse(r, TX_ENOMEM, "no memory to read it");
    }
}

enum tx_error backup_node_decode(struct tx_bytes text, const char *path, struct backup_node *node,
                                 struct tx_why *why)
{
    struct backup_reader r;
    *node = (struct backup_node){0};
    backup_reader_begin(&r, text, path, why);
    read_identity(&r, node);
    node->checkpoint.n = backup_read_u64(&r, r.root, "checkpoint");
    node->cut = backup_read_u64(&r, r.root, "cut");
    node->cut_lsn.n = backup_read_u64(&r, r.root, "cut_lsn");
    node->bytes = backup_read_u64(&r, r.root, "bytes");
    node->stored = backup_read_u64(&r, r.root, "stored");
    read_files(&r, node);
    read_segments(&r, node);
    enum tx_error error = backup_reader_end(&r);
    if (error != TX_OK)
        backup_node_deinit(node);
    return error;
}
