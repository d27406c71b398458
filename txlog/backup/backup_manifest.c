/* The manifest of a backup. */
#include "txlog/backup/backup_manifest.h"

#include "common/json.h"
#include "txlog/backup/backup_document.h"
#include "txlog/backup/backup_json.h"

#include <stdio.h>
#include <stdlib.h>

enum tx_error backup_manifest_add(struct backup_manifest *manifest,
                                  const struct backup_member *member)
{
    struct backup_member *members =
        reallocarray(manifest->members, manifest->members_n + 1, sizeof(*members));
    if (members == NULL)
        return TX_ENOMEM;
    manifest->members = members;
    members[manifest->members_n++] = *member;
    return TX_OK;
}

const struct backup_member *backup_manifest_find(const struct backup_manifest *manifest,
                                                 const char *node)
{
    char label[BACKUP_NODE_MAX];
    (void)snprintf(label, sizeof(label), "participant-%.*s", (int)TX_NAME_MAX, node);
    for (size_t i = 0; i < manifest->members_n; i++) {
        const char *of = manifest->members[i].node;
        if (strcmp(of, node) == 0 || strcmp(of, label) == 0)
            return &manifest->members[i];
    }
    return NULL;
}

void backup_manifest_deinit(struct backup_manifest *manifest)
{
    free(manifest->members);
    *manifest = (struct backup_manifest){0};
}

/* ---- writing ---- */

static void write_members(struct json *json, const struct backup_manifest *manifest)
{
    char text[BACKUP_DIGEST_TEXT];
    json_member_array_begin(json, "nodes");
    for (size_t i = 0; i < manifest->members_n; i++) {
        const struct backup_member *member = &manifest->members[i];
        json_object_begin(json);
        json_member(json, "node", member->node);
        json_member_u64(json, "bytes", member->bytes);
        json_member_u64(json, "stored", member->stored);
        json_member_u64(json, "file_bytes", member->file_bytes);
        json_member(json, "blake2b", backup_digest_print(&member->digest, text));
        json_object_end(json);
    }
    json_array_end(json);
}

/* Without its end. */
static void write_front(struct json *json, const void *what)
{
    const struct backup_manifest *manifest = what;
    json_object_begin(json);
    json_member_u64(json, "format", BACKUP_MANIFEST_FORMAT);
    json_member(json, "backup", manifest->name);
    json_member(json, "cluster", manifest->cluster);
    json_member_u64(json, "cut", manifest->cut);
    json_member_bool(json, "full", manifest->full);
    json_member_u64(json, "began_ms", manifest->began_ms);
    json_member_u64(json, "ended_ms", manifest->ended_ms);
    json_member_u64(json, "bytes", manifest->bytes);
    json_member_u64(json, "stored", manifest->stored);
    write_members(json, manifest);
}

enum tx_error backup_manifest_encode(const struct backup_manifest *manifest, struct tx_buf *out,
                                     struct tx_why *why)
{
    backup_document_write(write_front, manifest, out);
    backup_seal(out);
    return out->failed ? tx_why(why, TX_ENOMEM, "no memory to write a manifest") : TX_OK;
}

/* ---- reading ---- */

static void read_members(struct backup_reader *r, struct backup_manifest *manifest)
{
    size_t n;
    const struct backup_json *nodes = backup_read_array(r, r->root, "nodes", &n);
    for (size_t i = 0; i < n && r->error == TX_OK; i++) {
        const struct backup_json *at = backup_read_at(nodes, i);
        struct backup_member member = {.bytes = backup_read_u64(r, at, "bytes"),
                                       .stored = backup_read_u64(r, at, "stored"),
                                       .file_bytes = backup_read_u64(r, at, "file_bytes"),
                                       .digest = backup_read_digest(r, at, "blake2b")};
        backup_read_text(r, at, "node", member.node, sizeof(member.node));
        if (r->error == TX_OK && !backup_file_name_valid(member.node))
            backup_reader_refuse(r, TX_ECORRUPT, "the name of a node is none");
        if (r->error == TX_OK && backup_manifest_add(manifest, &member) != TX_OK)
            backup_reader_refuse(r, TX_ENOMEM, "no memory to read it");
    }
}

enum tx_error backup_manifest_decode(struct tx_bytes text, const char *path,
                                     struct backup_manifest *manifest, struct tx_why *why)
{
    struct backup_reader r;
    *manifest = (struct backup_manifest){0};
    if (!backup_sealed(text))
        return tx_why(why, TX_ECORRUPT,
                      "%.300s: is damaged: it does not have the checksum that it ends with", path);
    backup_reader_begin(&r, text, path, why);
    if (backup_read_u64(&r, r.root, "format") != BACKUP_MANIFEST_FORMAT)
        backup_reader_refuse(&r, TX_EVERSION,
                             "is of another format; use the program that wrote it, or a newer one");
    backup_read_text(&r, r.root, "backup", manifest->name, sizeof(manifest->name));
    backup_read_text(&r, r.root, "cluster", manifest->cluster, sizeof(manifest->cluster));
    manifest->cut = backup_read_u64(&r, r.root, "cut");
    manifest->full = backup_read_bool(&r, r.root, "full");
    manifest->began_ms = backup_read_u64(&r, r.root, "began_ms");
    manifest->ended_ms = backup_read_u64(&r, r.root, "ended_ms");
    manifest->bytes = backup_read_u64(&r, r.root, "bytes");
    manifest->stored = backup_read_u64(&r, r.root, "stored");
    read_members(&r, manifest);
    enum tx_error error = backup_reader_end(&r);
    if (error != TX_OK)
        backup_manifest_deinit(manifest);
    return error;
}
