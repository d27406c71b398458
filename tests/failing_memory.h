/* Allocations that fail: a program that assent_failing_memory() links has its own calls of malloc()
 * and its kin, and those of the static libraries in it, go through here. Those of shared libraries
 * do not. Counts are of the calling thread alone. */
#ifndef ASSENT_TESTS_FAILING_MEMORY_H
#define ASSENT_TESTS_FAILING_MEMORY_H

#include <stdbool.h>

enum failing_memory {
    FAILING_ALONE,  /* one call */
    FAILING_ONWARD, /* that one and all that follow */
};

/* From now on calls are counted, and the n-th (from 1) returns NULL with ENOMEM. */
void failing_memory_arm(unsigned long n, enum failing_memory how);
/* Stops counting and failing, or goes on with it; whether it was on before. */
bool failing_memory_set(bool armed);
/* Calls that failed since it was armed. */
unsigned long failing_memory_failures(void);

#endif
