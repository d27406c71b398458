/* How large a running daemon is, as "bound" lines of a history (tests/check/README.md): what its
 * status says, its resident memory, and the bytes of its data directory. */
#ifndef ASSENT_TESTS_INTEGRATION_SAMPLES_H
#define ASSENT_TESTS_INTEGRATION_SAMPLES_H

#include "tests/integration/cluster.h"

#include <stdint.h>
#include <stdio.h>

struct sample_limits {
    uint64_t tombstones, transactions, locks, outcomes; /* as configured */
    uint64_t memory_bytes;
    uint64_t log_bytes; /* of the data directory; 0: no limit, as no record may go */
};

struct samples {
    struct sample_limits limits;
    FILE *out;
    uint64_t lines;
    uint64_t at_ns; /* of the last round */
    size_t next;    /* whose turn it is */
};

/* Asks one daemon, the next one in turn, when the last look is long enough ago. One that is down or
 * stopped is left out. */
void samples_look(struct samples *samples, struct daemon *const *daemons, size_t daemons_n,
                  size_t coordinators_n);

/* A line of one's own, with the time of the last look. */
void samples_add(struct samples *samples, const struct daemon *daemon, const char *what,
                 uint64_t value, uint64_t limit);

#endif
