/* Messages to send over the wire in tests, and the comparison of what arrives. */
#ifndef ASSENT_TESTS_COMMON_WIRE_SAMPLES_H
#define ASSENT_TESTS_COMMON_WIRE_SAMPLES_H

#include "common/wire.h"

/* A message of the type with every field other than zero, and two elements or more in each list. */
struct tx_msg sample_full(enum tx_msg_type type);
/* The same with every list, text and optional name empty, as far as the type allows it. */
struct tx_msg sample_bare(enum tx_msg_type type);

/* An envelope as a sender of the role would make it. */
struct tx_envelope sample_envelope(enum tx_role role);

/* Fails the test unless both are the same in every field of their type. */
void assert_same_msg(const struct tx_msg *a, const struct tx_msg *b);
void assert_same_envelope(const struct tx_envelope *a, const struct tx_envelope *b);

/* A frame of one message; the caller frees `data`. */
struct tx_bytes sample_frame(const struct tx_envelope *envelope, const struct tx_msg *msg);

#endif
