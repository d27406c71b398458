#include "client/txctl/lock_text.h"

#include "common/op.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *print(txclient_bytes bytes, char *out, size_t out_size)
{
    return tx_bytes_print(tx_bytes(bytes.data, bytes.len), out, out_size);
}

const char *lock_place_text(const txclient_lock_row *row, char out[LOCK_PLACE_TEXT])
{
    char space[34];
    char key[56];
    char to[28];
    print(row->space, space, sizeof space);
    if (row->space.len == 0) {
        (void)snprintf(out, LOCK_PLACE_TEXT, "the store");
    } else if (row->range) {
        (void)snprintf(out, LOCK_PLACE_TEXT, "%s/%s..%s", space, print(row->key, key, sizeof to),
                       print(row->to, to, sizeof to));
    } else if (row->key.len > 0) {
        (void)snprintf(out, LOCK_PLACE_TEXT, "%s/%s", space, print(row->key, key, sizeof key));
    } else {
        (void)snprintf(out, LOCK_PLACE_TEXT, "%s", space);
    }
    return out;
}

const char *lock_mode_text(txclient_lock_mode mode)
{
    return tx_lock_mode_name((enum tx_lock_mode)mode);
}

const char *lock_ms_text(uint64_t ms, char out[LOCK_MS_TEXT])
{
    if (ms < 1000) {
        (void)snprintf(out, LOCK_MS_TEXT, "%" PRIu64 " ms", ms);
    } else if (ms < UINT64_C(120000)) {
        (void)snprintf(out, LOCK_MS_TEXT, "%" PRIu64 ".%" PRIu64 " s", ms / 1000, ms % 1000 / 100);
    } else {
        (void)snprintf(out, LOCK_MS_TEXT, "%" PRIu64 " min", ms / 60000);
    }
    return out;
}

/* ---- for programs ---- */

static void json_place(struct json *json, const txclient_lock_row *row)
{
    const char *kind = row->space.len == 0 ? "store"
                       : row->range        ? "range"
                       : row->key.len > 0  ? "key"
                                           : "keyspace";
    json_member(json, "what", kind);
    if (row->space.len > 0) {
        json_member_bytes(json, "space", row->space.data, row->space.len);
    }
    if (row->range) { /* an end that is missing is that of the keyspace */
        if (row->key.len > 0) {
            json_member_bytes(json, "from", row->key.data, row->key.len);
        }
        if (row->to.len > 0) {
            json_member_bytes(json, "to", row->to.data, row->to.len);
        }
    } else if (row->key.len > 0) {
        json_member_bytes(json, "key", row->key.data, row->key.len);
    }
}

static void json_blockers(struct json *json, const txclient_lock_row *row)
{
    json_member_array_begin(json, "blockers");
    for (size_t i = 0; i < row->blockers_n; i++) {
        const txclient_lock_blocker *by = &row->blockers[i];
        json_object_begin(json);
        json_member(json, "transaction", by->tx);
        json_member(json, "state", by->state);
        json_member_u64(json, "open_ms", by->age_ms);
        json_member(json, "mode", lock_mode_text(by->mode));
        json_member_bool(json, "waits", by->waits);
        json_member_bool(json, "range", by->range);
        json_object_end(json);
    }
    json_array_end(json);
    json_member_bool(json, "more_blockers", row->blockers_more);
}

void lock_row_json(struct json *json, const txclient_lock_row *row, const char *participant)
{
    json_object_begin(json);
    if (participant != NULL) {
        json_member(json, "participant", participant);
    }
    json_member(json, "transaction", row->tx);
    json_member(json, "state", row->state);
    json_member_u64(json, "open_ms", row->age_ms);
    json_member_u64(json, "age", row->age);
    json_member_u64(json, "age_coordinator", row->age_coordinator);
    json_place(json, row);
    json_member(json, "mode", lock_mode_text(row->mode));
    json_member_bool(json, "waiting", row->waiting);
    if (row->waiting) {
        json_member_u64(json, "waited_ms", row->waited_ms);
        json_blockers(json, row);
    }
    json_object_end(json);
}
