/* A fuzz target: one function over bytes that nobody vouches for. Each target is a source file of
 * its own. It is linked with clang's libFuzzer in builds with ASSENT_FUZZ, and with replay_main.c
 * everywhere else. A broken assertion, a sanitizer's report or a call that does not return is a
 * finding; a refusal is not. */
#ifndef ASSENT_TESTS_FUZZ_FUZZ_H
#define ASSENT_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* The name is libFuzzer's. The bytes are borrowed; always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
