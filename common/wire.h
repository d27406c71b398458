/* The wire form: frames in msgpack.
 *
 * A frame is one ZeroMQ message body:
 *
 *   frame    = [version, envelope, messages]        version = 1
 *   envelope = [cluster, role, name, coordinator, start, life, address, cut, generation]
 *   messages = [[type, field, ...], ...]            fields in the order of common/msg.h's struct
 *
 * Booleans are msgpack booleans, enums and integers are msgpack integers, text and bytes are `bin`
 * (a `str` is taken as well), an id is [coordinator, epoch, seq], an age [counter, coordinator], a
 * token bin 16, a member [name, address, incarnation, read_only], a position [start, life, lsn], an
 * op [type, participant, space, key, value, absent, delta, has_min, min, has_max, max, mode, to,
 * limit, reverse], a result [found, value], a place in a listing of locks [incarnation, serial,
 * passed, skip, range, space, key, to], a row of it [id, age, state, age_ms, space, key, to, range,
 * mode, waiting, waited_ms, blockers, blockers_more], a blocker [id, state, age_ms, mode, waits,
 * range], a place in a listing of transactions [start, epoch, seq], a row of it [id, state,
 * in_doubt, age_ms, state_ms, recovered, mode, waits, detail, tries, next_ms, tried, lsn,
 * log_bytes, locks, waiters, key, heuristic, members], the heuristic in it [decided, commit,
 * operator, time_ms, end, put_aside], a member in it [name, address, read_only, said, waited_for,
 * state, silent_ms], an alarm [number, id, time_ms, text]. An array that is longer than this
 * version knows is refused.
 *
 * Decoding never trusts a count: tx_frame_check() walks the bytes first (each count no larger than
 * the bytes left, depth at most TX_FRAME_DEPTH_MAX, at most TX_FRAME_OBJECTS_MAX objects, nothing
 * left over). */
#ifndef ASSENT_COMMON_WIRE_H
#define ASSENT_COMMON_WIRE_H

#include "common/msg.h"

#define TX_WIRE_VERSION 1u

/* TX_OK when the frame is well-formed msgpack within the limits; TX_EFORMAT or TX_ELIMIT with a
 * text otherwise. */
enum tx_error tx_frame_check(struct tx_bytes frame, size_t frame_max,
                             struct tx_why *why) TX_MUST_CHECK;

/* Builds a frame: new, any number of adds, finish; after a clear, the next one from the same
 * sender. */
struct tx_frame_writer;
/* NULL when there is no memory. */
struct tx_frame_writer *tx_frame_writer_new(const struct tx_envelope *envelope);
void tx_frame_writer_destroy(struct tx_frame_writer **writer);
/* Appends a message, or leaves the frame as it was: TX_ELIMIT when it would grow beyond `frame_max`
 * or the limits of a frame in common/limits.h (if the frame is empty, the message can never be
 * sent), TX_ENOMEM. */
enum tx_error tx_frame_writer_add(struct tx_frame_writer *writer, const struct tx_msg *msg,
                                  size_t frame_max) TX_MUST_CHECK;
/* The number of messages in the frame so far. */
size_t tx_frame_writer_count(const struct tx_frame_writer *writer);
/* The cut that the frame carries (struct tx_envelope), from now on and until it is set again: a
 * frame is to say what its sender has taken when it leaves, not when its first message was
 * added. */
void tx_frame_writer_set_cut(struct tx_frame_writer *writer, uint64_t cut);
/* The finished frame; borrowed until the next call on this writer. Then clear to begin the next
 * one. */
struct tx_bytes tx_frame_writer_finish(struct tx_frame_writer *writer);
void tx_frame_writer_clear(struct tx_frame_writer *writer);

/* A message as it stands in a frame. */
struct tx_encoded {
    struct tx_bytes bytes;
    size_t objects; /* of msgpack, against TX_FRAME_OBJECTS_MAX */
};
/* The messages of the frame so far, for a frame with one of them; borrowed until the next call on
 * this writer. */
struct tx_encoded tx_frame_writer_encoded(const struct tx_frame_writer *writer);
/* Appends a message that a writer has encoded before, so that it can leave again, with others.
 * TX_ELIMIT and TX_ENOMEM as tx_frame_writer_add(). */
enum tx_error tx_frame_writer_add_encoded(struct tx_frame_writer *writer, struct tx_encoded message,
                                          size_t frame_max) TX_MUST_CHECK;

/* A decoded frame. `messages` and all that they point to live in the arena and the frame. */
struct tx_frame {
    struct tx_envelope envelope;
    const struct tx_msg *messages;
    size_t messages_n;
};

/* Checks and decodes. TX_EFORMAT, TX_EVERSION, TX_ELIMIT or TX_ENOMEM with a text that says which
 * message and field. Every limit of common/limits.h holds in what it returns, every enum is in
 * range, every op passes tx_op_validate(). */
enum tx_error tx_frame_decode(struct tx_bytes bytes, size_t frame_max, struct tx_arena *arena,
                              struct tx_frame *frame, struct tx_why *why) TX_MUST_CHECK;

#endif
