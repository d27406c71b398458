/* Between a fuzzer and a core: messages take the way over the wire. What comes in is what the real
 * decoder lets pass, in memory that is gone after the call; what goes out must be what the real
 * decoder takes at the other end. */
#ifndef ASSENT_TESTS_FUZZ_FUZZ_WIRE_H
#define ASSENT_TESTS_FUZZ_FUZZ_WIRE_H

#include "common/wire.h"

typedef void fuzz_receiver(void *arg, const struct tx_envelope *envelope, const struct tx_msg *msg);

/* Hands each message of the frame to the receiver; none when the decoder refuses it. */
void fuzz_receive(struct tx_bytes frame, fuzz_receiver *receiver, void *arg);
/* The same with a message that is encoded first. Nothing when it cannot be encoded. */
void fuzz_send(const struct tx_envelope *from, const struct tx_msg *msg, fuzz_receiver *receiver,
               void *arg);
/* Stops the process unless the message, as a core sends it, can be encoded and decoded and is one
 * that this sender may send to that role. */
void fuzz_check_sent(const struct tx_envelope *from, enum tx_role to, const struct tx_msg *msg);

#endif
