/* Which kind of checker finds which seeded bug. A mistake that only something else finds, by chance
 * and far from the cause, means that the checker which is there for it has become blind. */
#ifndef ASSENT_TESTS_SIM_BUGS_EXPECTED_H
#define ASSENT_TESTS_SIM_BUGS_EXPECTED_H

#include "search.h"

struct expected {
    /* Kinds of finders with commas between them, for each way of listening; one of them has to
     * notice. NULL: nobody can, for the reason that expected.c gives. */
    const char *by[LISTENINGS_N];
    const char *set; /* options by hand that it needs; NULL: none */
};

extern const struct expected bugs_expected[TX_BUGS_N];

#endif
