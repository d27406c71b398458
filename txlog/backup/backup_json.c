/* Reading the JSON of a backup, with jansson. */
#include "txlog/backup/backup_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const json_t *of(const struct backup_json *value)
{
    return (const json_t *)(const void *)value;
}

void backup_reader_refuse(struct backup_reader *reader, enum tx_error error, const char *what)
{
    if (reader->error == TX_OK)
        reader->error = tx_why(reader->why, error, "%.300s: %s", reader->path, what);
}

void backup_reader_begin(struct backup_reader *reader, struct tx_bytes text, const char *path,
                         struct tx_why *why)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    *reader = (struct backup_reader){
        .path = path, .root = (struct backup_json *)(void *)root, .why = why};
    if (root == NULL)
        reader->error = tx_why(why, TX_ECORRUPT, "%.300s: is no JSON: line %d: %.100s", path,
                               error.line, error.text);
}

enum tx_error backup_reader_end(struct backup_reader *reader)
{
    json_decref((json_t *)(void *)reader->root);
    reader->root = NULL;
    return reader->error;
}

static void missing(struct backup_reader *reader, const char *name)
{
    char what[96];
    (void)snprintf(what, sizeof(what), "\"%s\" is missing, or not what it should be", name);
    backup_reader_refuse(reader, TX_ECORRUPT, what);
}

static const json_t *member(const struct backup_reader *reader, const struct backup_json *in,
                            const char *name)
{
    return reader->error == TX_OK ? json_object_get(of(in), name) : NULL;
}

uint64_t backup_read_u64(struct backup_reader *reader, const struct backup_json *in,
                         const char *name)
{
    const json_t *value = member(reader, in, name);
    if (json_is_integer(value) && json_integer_value(value) >= 0)
        return (uint64_t)json_integer_value(value);
    missing(reader, name);
    return 0;
}

bool backup_read_bool(struct backup_reader *reader, const struct backup_json *in, const char *name)
{
    const json_t *value = member(reader, in, name);
    if (json_is_boolean(value))
        return json_is_true(value);
    missing(reader, name);
    return false;
}

void backup_read_text(struct backup_reader *reader, const struct backup_json *in, const char *name,
                      char *out, size_t out_size)
{
    const json_t *value = member(reader, in, name);
    out[0] = '\0';
    if (json_is_string(value) && json_string_length(value) < out_size &&
        strlen(json_string_value(value)) == json_string_length(value))
        memcpy(out, json_string_value(value), json_string_length(value) + 1);
    else
        missing(reader, name);
}

struct backup_digest backup_read_digest(struct backup_reader *reader, const struct backup_json *in,
                                        const char *name)
{
    struct backup_digest digest = {{0}};
    char text[BACKUP_DIGEST_TEXT];
    backup_read_text(reader, in, name, text, sizeof(text));
    if (reader->error == TX_OK && !backup_digest_parse(text, &digest))
        missing(reader, name);
    return digest;
}

const struct backup_json *backup_read_array(struct backup_reader *reader,
                                            const struct backup_json *in, const char *name,
                                            size_t *n)
{
    const json_t *value = member(reader, in, name);
    *n = json_array_size(value);
    if (!json_is_array(value))
        missing(reader, name);
    for (size_t i = 0; i < *n; i++) {
        if (!json_is_object(json_array_get(value, i)))
            missing(reader, name);
    }
    return (const struct backup_json *)(const void *)value;
}

const struct backup_json *backup_read_at(const struct backup_json *array, size_t i)
{
    return (const struct backup_json *)(const void *)json_array_get(of(array), i);
}

#define SEAL_FRONT ",\"blake2b\":\""
#define SEAL_END   "\"}\n"
#define SEAL_BYTES (sizeof(SEAL_FRONT) - 1 + BACKUP_DIGEST_TEXT - 1 + sizeof(SEAL_END) - 1)

static void make_seal(struct tx_bytes front, char seal[SEAL_BYTES + 1])
{
    char digest_text[BACKUP_DIGEST_TEXT];
    struct backup_digest digest = backup_digest_of(front);
    (void)snprintf(seal, SEAL_BYTES + 1, "%s%s%s", SEAL_FRONT,
                   backup_digest_print(&digest, digest_text), SEAL_END);
}

void backup_seal(struct tx_buf *document)
{
    char seal[SEAL_BYTES + 1];
    make_seal(tx_buf_view(document), seal);
    tx_buf_append(document, tx_bytes(seal, SEAL_BYTES));
}

bool backup_sealed(struct tx_bytes text)
{
    char seal[SEAL_BYTES + 1];
    if (text.len < SEAL_BYTES)
        return false;
    make_seal(tx_bytes(text.data, text.len - SEAL_BYTES), seal);
    return memcmp(text.data + text.len - SEAL_BYTES, seal, SEAL_BYTES) == 0;
}
