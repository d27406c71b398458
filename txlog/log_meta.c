/* What a log says of itself. */
#include "txlog/log_meta.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct tx_bytes key_format(void)
{
    return tx_bytes_str("format");
}

static struct tx_bytes key_identity(void)
{
    return tx_bytes_str("identity");
}

static struct tx_bytes key_compacted(void)
{
    return tx_bytes_str("compacted");
}

static struct tx_bytes key_snapshot(void)
{
    return tx_bytes_str("snapshot");
}

static struct tx_bytes key_generation(void)
{
    return tx_bytes_str("generation");
}

static struct tx_bytes key_restored(void)
{
    return tx_bytes_str("restored");
}

static void encode_identity(const struct txlog_identity *identity, struct tx_buf *out)
{
    tx_buf_blob(out, tx_bytes_str(identity->cluster));
    tx_buf_u8(out, (uint8_t)identity->role);
    tx_buf_blob(out, tx_bytes_str(identity->name.s));
    tx_buf_u32(out, identity->coordinator);
}

static bool decode_identity(struct tx_bytes in, struct txlog_identity *identity)
{
    *identity = (struct txlog_identity){0};
    struct tx_reader r = tx_reader(in);
    struct tx_bytes cluster = tx_read_blob(&r);
    uint8_t role = tx_read_u8(&r);
    struct tx_bytes name = tx_read_blob(&r);
    identity->coordinator = tx_read_u32(&r);
    if (!tx_reader_done(&r) || cluster.len > TX_CLUSTER_MAX || role >= TX_ROLES_N)
        return false;
    if (cluster.len > 0)
        memcpy(identity->cluster, cluster.data, cluster.len);
    identity->role = role;
    return name.len == 0 || tx_name_set(&identity->name, name) == TX_OK;
}

enum tx_error log_meta_identity_hash(const struct txlog_identity *identity, uint64_t *hash)
{
    struct tx_buf buf = {0};
    encode_identity(identity, &buf);
    *hash = tx_bytes_hash(tx_buf_view(&buf), 0);
    enum tx_error error = buf.failed ? TX_ENOMEM : TX_OK;
    tx_buf_deinit(&buf);
    return error;
}

enum tx_error log_meta_create(struct rdb *rdb, const struct txlog_identity *identity,
                              struct tx_why *why)
{
    struct tx_buf format = {0}, owner = {0};
    tx_buf_u32(&format, LOG_META_FORMAT);
    encode_identity(identity, &owner);
    enum tx_error error = TX_OK;
    if (format.failed || owner.failed) {
        error = tx_why(why, TX_ENOMEM, "no memory to create a log");
    } else {
        rdb_put(rdb, RDB_META, key_format(), tx_buf_view(&format));
        rdb_put(rdb, RDB_META, key_identity(), tx_buf_view(&owner));
        error = rdb_commit(rdb, true, why);
    }
    tx_buf_deinit(&format);
    tx_buf_deinit(&owner);
    return error;
}

static void put_lsn(struct rdb *rdb, struct tx_bytes key, struct tx_lsn lsn)
{
    uint8_t value[8];
    for (size_t i = 0; i < sizeof(value); i++)
        value[i] = (uint8_t)(lsn.n >> (8 * i));
    rdb_put(rdb, RDB_META, key, tx_bytes(value, sizeof(value)));
}

void log_meta_put_compacted(struct rdb *rdb, struct tx_lsn compacted)
{
    put_lsn(rdb, key_compacted(), compacted);
}

void log_meta_put_snapshot(struct rdb *rdb, struct tx_lsn begin)
{
    put_lsn(rdb, key_snapshot(), begin);
}

static enum tx_error malformed(const char *directory, const char *what, struct tx_why *why)
{
    return tx_why(why, TX_ECORRUPT,
                  "%s: the log's %s is missing or malformed; restore the directory from a "
                  "checkpoint",
                  directory, what);
}

static enum tx_error read_format(struct rdb *rdb, const char *directory, struct tx_buf *buf,
                                 struct tx_why *why)
{
    enum tx_error error = rdb_get(rdb, RDB_META, key_format(), buf, why);
    if (error != TX_OK && error != TX_ENOTFOUND)
        return error;
    struct tx_reader r = tx_reader(tx_buf_view(buf));
    uint32_t format = tx_read_u32(&r);
    if (error == TX_ENOTFOUND || !tx_reader_done(&r) || format == 0)
        return malformed(directory, "format version", why);
    if (format == LOG_META_FORMAT)
        return TX_OK;
    return tx_why(why, TX_EVERSION,
                  "%s: the log has format %" PRIu32 ", this program knows %u; use the program "
                  "that wrote it, or a newer one",
                  directory, format, LOG_META_FORMAT);
}

static enum tx_error read_lsn(struct rdb *rdb, const char *directory, struct tx_bytes key,
                              const char *what, struct tx_lsn *lsn, struct tx_why *why)
{
    struct tx_buf buf = {0};
    lsn->n = 0;
    enum tx_error error = rdb_get(rdb, RDB_META, key, &buf, why);
    struct tx_reader r = tx_reader(tx_buf_view(&buf));
    if (error == TX_OK) {
        lsn->n = tx_read_u64(&r);
        if (!tx_reader_done(&r))
            error = malformed(directory, what, why);
    }
    tx_buf_deinit(&buf);
    return error == TX_ENOTFOUND ? TX_OK : error;
}

static enum tx_error read_generation(struct rdb *rdb, const char *directory, struct log_meta *meta,
                                     struct tx_why *why)
{
    struct tx_lsn number;
    enum tx_error error = read_lsn(rdb, directory, key_generation(), "generation", &number, why);
    meta->generation = number.n;
    return error;
}

#define RESTORED_VERSION 2u

static enum tx_error read_restored(struct rdb *rdb, const char *directory, struct log_meta *meta,
                                   struct tx_buf *buf, struct tx_why *why)
{
    struct log_restored *restored = &meta->restored;
    enum tx_error error = rdb_get(rdb, RDB_META, key_restored(), buf, why);
    meta->is_restored = error == TX_OK;
    if (error != TX_OK)
        return error == TX_ENOTFOUND ? TX_OK : error;
    struct tx_reader r = tx_reader(tx_buf_view(buf));
    uint32_t version = tx_read_u32(&r);
    struct tx_bytes backup = tx_read_blob(&r);
    restored->cut = tx_read_u64(&r);
    restored->time_ms = tx_read_u64(&r);
    restored->generation = tx_read_u64(&r);
    restored->last.n = version > 1 ? tx_read_u64(&r) : 0;
    restored->to_end = version > 1 && tx_read_u8(&r) != 0;
    if (!tx_reader_done(&r) || version == 0 || version > RESTORED_VERSION ||
        backup.len >= sizeof(restored->backup))
        return malformed(directory, "mark of a restore", why);
    memset(restored->backup, 0, sizeof(restored->backup));
    if (backup.len > 0)
        memcpy(restored->backup, backup.data, backup.len);
    return TX_OK;
}

enum tx_error log_meta_set_restored(struct rdb *rdb, const struct log_restored *restored,
                                    struct tx_why *why)
{
    struct tx_buf value = {0};
    tx_buf_u32(&value, RESTORED_VERSION);
    tx_buf_blob(&value, tx_bytes_str(restored->backup));
    tx_buf_u64(&value, restored->cut);
    tx_buf_u64(&value, restored->time_ms);
    tx_buf_u64(&value, restored->generation);
    tx_buf_u64(&value, restored->last.n);
    tx_buf_u8(&value, restored->to_end);
    enum tx_error error = TX_OK;
    if (value.failed) {
        error = tx_why(why, TX_ENOMEM, "no memory to mark a log");
    } else {
        rdb_put(rdb, RDB_META, key_restored(), tx_buf_view(&value));
        error = rdb_commit(rdb, true, why);
    }
    tx_buf_deinit(&value);
    return error;
}

enum tx_error log_meta_join(struct rdb *rdb, uint64_t generation, struct tx_why *why)
{
    put_lsn(rdb, key_generation(), (struct tx_lsn){generation});
    rdb_delete(rdb, RDB_META, key_restored());
    return rdb_commit(rdb, true, why);
}

enum tx_error log_meta_read(struct rdb *rdb, const char *directory, struct log_meta *meta,
                            struct tx_why *why)
{
    struct tx_buf buf = {0};
    enum tx_error error = read_format(rdb, directory, &buf, why);
    if (error == TX_OK) {
        error = rdb_get(rdb, RDB_META, key_identity(), &buf, why);
        if (error == TX_ENOTFOUND ||
            (error == TX_OK && !decode_identity(tx_buf_view(&buf), &meta->identity)))
            error = malformed(directory, "identity", why);
    }
    if (error == TX_OK)
        error =
            read_lsn(rdb, directory, key_compacted(), "compaction point", &meta->compacted, why);
    if (error == TX_OK)
        error =
            read_lsn(rdb, directory, key_snapshot(), "place of a snapshot", &meta->snapshot, why);
    if (error == TX_OK)
        error = read_generation(rdb, directory, meta, why);
    if (error == TX_OK)
        error = read_restored(rdb, directory, meta, &buf, why);
    tx_buf_deinit(&buf);
    return error;
}

/* "participant a" or "coordinator 1". */
static const char *print_node(const struct txlog_identity *identity, char out[64])
{
    if (identity->role == TX_ROLE_PARTICIPANT)
        (void)snprintf(out, 64, "%s %s", tx_role_name(identity->role), identity->name.s);
    else
        (void)snprintf(out, 64, "%s %" PRIu32, tx_role_name(identity->role), identity->coordinator);
    return out;
}

enum tx_error log_meta_check(const struct log_meta *meta, const struct txlog_identity *expected,
                             const char *directory, struct tx_why *why)
{
    const struct txlog_identity *is = &meta->identity;
    if (strcmp(is->cluster, expected->cluster) != 0)
        return tx_why(why, TX_ECLUSTER,
                      "%s: the log belongs to cluster \"%s\", not to \"%s\"; name the right "
                      "directory or the right cluster",
                      directory, is->cluster, expected->cluster);
    bool same = is->role == expected->role && tx_name_equal(&is->name, &expected->name) &&
                is->coordinator == expected->coordinator;
    if (same)
        return TX_OK;
    char theirs[64], ours[64];
    return tx_why(why, TX_ENODE,
                  "%s: the log belongs to %s, not to %s; name the right directory or the right "
                  "node",
                  directory, print_node(is, theirs), print_node(expected, ours));
}
