/* Do two logs hold the same data? */
#ifndef ASSENT_TXLOG_RECOVER_COMPARE_H
#define ASSENT_TXLOG_RECOVER_COMPARE_H

#include "txlog/txlog.h"

struct recover_difference {
    uint64_t keys;      /* of the first */
    uint64_t different; /* keys that one has and the other has not, or with another value */
    char text[400];     /* the first of them, in words that call them "the source" and "the rebuilt
                           directory" */
};

enum tx_error recover_compare(struct txlog *source, struct txlog *rebuilt,
                              struct recover_difference *difference,
                              struct tx_why *why) TX_MUST_CHECK;

#endif
