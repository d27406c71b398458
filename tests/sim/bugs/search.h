/* Looks for the first seed at which a mistake is noticed, and by whom. Each search runs in
 * processes of its own, for a core with a mistake may crash or run for ever. */
#ifndef ASSENT_TESTS_SIM_BUGS_SEARCH_H
#define ASSENT_TESTS_SIM_BUGS_SEARCH_H

#include "common/seeded_bug.h"

#include <stdint.h>

/* Who may notice. Each takes something away from the one before it. */
enum listening {
    LISTEN_ALL,          /* the cores as they are, their assertions included */
    LISTEN_NO_ASSERTION, /* what is seen from outside, alarms included */
    LISTEN_NO_ALARM,     /* no word of the cores themselves: checkers, clients, the state at rest */
    LISTENINGS_N
};

struct search {
    const char *name; /* of the mistake; NULL: none is made */
    enum tx_seeded_bug bug, with;
    enum listening listening;
    uint64_t first, last;
    const char *wanted; /* finders or kinds, commas between them; NULL: any */
    const char *set;    /* options by hand, blanks between them; NULL: none */
};

/* How a search has ended. */
struct finding {
    uint64_t seed;      /* 0: nobody who was wanted has noticed */
    const char *finder; /* "kind" or "kind: anomaly"; "not found" */
    char text[400];
    uint64_t other_seed; /* somebody else noticed before; 0: nobody */
    const char *other;
    double seconds; /* of processor time */
};

struct finding search_run(const struct search *search);
/* Is this finder, or its kind, among the wanted ones? */
bool search_wants(const char *wanted, const char *finder);
/* Are these finders or kinds that exist? */
bool search_knows(const char *words);

#endif
