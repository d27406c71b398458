/* What is said to a core, out of a fuzzer's input: who says it, which message, and its way over the
 * wire. For the targets of both cores; which choice does what, each of them says itself. */
#ifndef ASSENT_TESTS_FUZZ_FUZZ_TALK_H
#define ASSENT_TESTS_FUZZ_FUZZ_TALK_H

#include "fuzz_msg.h"
#include "fuzz_wire.h"

#define FUZZ_OFTEN 16u

struct fuzz_talk {
    struct fuzz_input *in;
    struct fuzz_msgs *msgs;
    enum tx_role to; /* the role of the core */
    fuzz_receiver *receiver;
    void *arg;
    unsigned said; /* messages so far */
};

/* Below `odds` one of those that get further, from there on any. */
enum tx_msg_type fuzz_talk_type(uint8_t choice, uint8_t odds,
                                const enum tx_msg_type often[FUZZ_OFTEN]);
/* The envelope of a participant, and of a coordinator; `start` is its incarnation or epoch, and the
 * next message speaks of a log that goes with it. */
struct tx_envelope fuzz_talk_participant(struct fuzz_talk *talk, unsigned node, uint64_t start);
struct tx_envelope fuzz_talk_coordinator(struct fuzz_talk *talk, uint32_t id, uint64_t start);
/* A message of that type, with what the input says in it. Now and then a daemon has a new cut, or
 * one that nobody can have. */
void fuzz_talk_say(struct fuzz_talk *talk, const struct tx_envelope *from, enum tx_msg_type type);
/* A frame, as raw bytes of the input. */
void fuzz_talk_frame(struct fuzz_talk *talk);

#endif
