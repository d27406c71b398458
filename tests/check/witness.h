/* The text of a witness while it is put together, and how a transaction is called in it. */
#ifndef ASSENT_TESTS_CHECK_WITNESS_H
#define ASSENT_TESTS_CHECK_WITNESS_H

#include "history.h"

/* What does not fit is cut; all zero is an empty one. */
struct witness {
    char text[6000];
    size_t length;
};

void witness_add(struct witness *witness, const char *format, ...) TX_PRINTF(2, 3);

#define WITNESS_NAME 96
/* Its id, or the process and the time of one that never learned it. */
const char *witness_name(const struct history_tx *tx, char out[WITNESS_NAME]);
/* "[1,2,3]", with the middle of a long one left out. */
void witness_add_list(struct witness *witness, const int64_t *list, uint32_t n);

#endif
