/* Cuts a fuzzer's bytes into choices. Beyond their end everything is zero, so that each prefix of
 * an input is an input as well. One byte for one choice: a mutation of one byte then changes one
 * choice and leaves those behind it where they were. */
#ifndef ASSENT_TESTS_FUZZ_FUZZ_INPUT_H
#define ASSENT_TESTS_FUZZ_FUZZ_INPUT_H

#include "common/bytes.h"

struct fuzz_input {
    struct tx_bytes bytes;
    size_t at;
};

bool fuzz_input_ended(const struct fuzz_input *in);
uint8_t fuzz_u8(struct fuzz_input *in);
/* One byte: 0 to n - 1; n is 1 to 256. */
unsigned fuzz_below(struct fuzz_input *in, unsigned n);
/* One byte: true for one value in n. Zero, and so the end of the input, is false. */
bool fuzz_rarely(struct fuzz_input *in, unsigned n);
/* Two bytes of length, then so many, or what is left. Borrowed. */
struct tx_bytes fuzz_blob(struct fuzz_input *in);
/* A number that is mostly `usual`, sometimes beside it, and now and then at an edge. */
uint64_t fuzz_near(struct fuzz_input *in, uint64_t usual);
/* A duration in microseconds, from nothing to days; one byte. */
uint64_t fuzz_duration_us(struct fuzz_input *in);

#endif
