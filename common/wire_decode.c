/* Msgpack to messages: one pass over the frame. The values are read by wire_decoder.c, the
 * fields of each message in wire_decode_client.c and wire_decode_peer.c. */
#include "common/assert.h"
#include "common/wire_decoder.h"

#include <string.h>

/* The type comes before the array's length can be judged, since the length depends on it. */
static void get_message(struct wire_decoder *d, struct tx_msg *msg)
{
    struct wire_head head = wire_get_head(d);
    if (head.kind != WIRE_ARRAY || head.number == 0) {
        wire_fail(d, "", "an array that begins with a type");
        return;
    }
    msg->type = (enum tx_msg_type)wire_get_enum(d, "type", TX_MSG_TYPES_N);
    if (d->error != TX_OK) {
        return;
    }
    d->list = NULL;
    d->message = tx_msg_name(msg->type);
    if (head.number != wire_message_elements(msg->type)) {
        wire_fail(d, "fields", "as many as this version knows");
        return;
    }
    d->objects += (size_t)head.number;
    wire_get_message *const get_rest = wire_client_getters[msg->type] != NULL
                                           ? wire_client_getters[msg->type]
                                           : wire_peer_getters[msg->type];
    TX_ASSERT(get_rest != NULL);
    get_rest(d, msg);
}

static struct tx_msg *get_messages(struct wire_decoder *d, size_t *count)
{
    d->message = "frame";
    /* Each getter writes every field of its message, and nobody reads the other ones. */
    struct tx_msg *messages =
        wire_get_raw_list(d, "messages", TX_FRAME_MESSAGES_MAX, sizeof *messages, count);
    for (size_t i = 0; wire_next_element(d, "messages", i, *count); i++) {
        d->message = "frame";
        get_message(d, &messages[i]);
    }
    return messages;
}

/* ---- the frame ---- */

/* What an envelope says of its sender must fit together: see struct tx_envelope. */
static void check_envelope(struct wire_decoder *d, const struct tx_envelope *envelope)
{
    bool named = envelope->name.s[0] != '\0';
    bool numbered = envelope->coordinator != 0;
    bool fits = false;
    switch (envelope->role) {
    case TX_ROLE_CLIENT:
        fits = !numbered;
        break;
    case TX_ROLE_COORDINATOR:
        fits = numbered && !named;
        break;
    case TX_ROLE_PARTICIPANT:
        fits = named && !numbered;
        break;
    case TX_ROLES_N:
        break;
    }
    if (!fits) {
        wire_fail(d, "name and coordinator", "those of the sender's role");
    }
}

static void get_envelope(struct wire_decoder *d, struct tx_envelope *envelope)
{
    d->message = "envelope";
    wire_get_fields(d, "fields", WIRE_ENVELOPE_FIELDS);
    struct tx_bytes cluster = wire_get_bytes(d, "cluster", TX_CLUSTER_MAX);
    if (cluster.len > 0 && memchr(cluster.data, '\0', cluster.len) != NULL) {
        wire_fail(d, "cluster", "text");
        return;
    }
    if (cluster.len > 0) {
        memcpy(envelope->cluster, cluster.data, cluster.len);
    }
    envelope->role = (enum tx_role)wire_get_enum(d, "role", TX_ROLES_N);
    wire_get_name_or_none(d, "name", &envelope->name);
    envelope->coordinator = (uint32_t)wire_get_uint(d, "coordinator", TX_COORDINATOR_ID_MAX);
    envelope->start = wire_get_u64(d, "start");
    envelope->life = wire_get_u64(d, "life");
    wire_get_address(d, "address", &envelope->address);
    envelope->cut = wire_get_u64(d, "cut");
    envelope->generation = wire_get_u64(d, "generation");
    check_envelope(d, envelope);
}

/* The version is looked at before the rest, which another version may lay out differently. */
static void get_version(struct wire_decoder *d)
{
    d->message = "frame";
    struct wire_head head = wire_get_head(d);
    if (head.kind != WIRE_ARRAY || head.number == 0) {
        wire_fail(d, "head", "an array that begins with a version");
        return;
    }
    uint64_t version = wire_get_u64(d, "version");
    if (d->error == TX_OK && version != TX_WIRE_VERSION) {
        d->error = tx_why(d->why, TX_EVERSION, "frame: version %llu, and this program knows %u",
                          (unsigned long long)version, TX_WIRE_VERSION);
        d->at = d->end;
    } else if (head.number != WIRE_FRAME_FIELDS) {
        wire_fail(d, "fields", "version, envelope and messages");
    }
    d->objects += WIRE_FRAME_FIELDS;
}

/* Nothing that the check refuses may be decoded. What a head announces and where it ends, how deep
 * the arrays lie and which of them there are, every getter has seen to; here is the rest. */
static void check_end(struct wire_decoder *d)
{
    d->message = "frame";
    if (d->error == TX_OK && (d->at != d->end || d->objects > TX_FRAME_OBJECTS_MAX)) {
        wire_fail(d, "end", "after its objects, and no more of them than allowed");
    }
}

/* Why it is refused: what the check has to say of the bytes comes first, as it speaks of the whole
 * frame. */
__attribute__((cold, noinline)) static enum tx_error
refuse(struct tx_bytes bytes, size_t frame_max, enum tx_error decoding, struct tx_why *why)
{
    enum tx_error error = tx_frame_check(bytes, frame_max, why);
    return error != TX_OK ? error : decoding;
}

enum tx_error tx_frame_decode(struct tx_bytes bytes, size_t frame_max, struct tx_arena *arena,
                              struct tx_frame *frame, struct tx_why *why)
{
    *frame = (struct tx_frame){0};
    if (bytes.len == 0 || bytes.len > frame_max) {
        return tx_frame_check(bytes, frame_max, why);
    }
    struct wire_decoder d = {
        .at = bytes.data,
        .end = bytes.data + bytes.len,
        .arena = arena,
        .why = why,
        .objects = 1,
    };
    get_version(&d);
    get_envelope(&d, &frame->envelope);
    frame->messages = get_messages(&d, &frame->messages_n);
    check_end(&d);
    if (d.error != TX_OK) {
        *frame = (struct tx_frame){0}; /* nothing half decoded gets out */
        return refuse(bytes, frame_max, d.error, why);
    }
    return TX_OK;
}
