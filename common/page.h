/* A page of a list that an operator asks a node for: so many rows, and so many bytes of them, that
 * the answer fits into a frame, and so few items looked at that it costs the node little. What does
 * not fit is asked for again, from the place where the page ended; each list has places of its
 * own. */
#ifndef ASSENT_COMMON_PAGE_H
#define ASSENT_COMMON_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tx_page {
    size_t n, n_max; /* rows */
    size_t bytes;    /* that they take on the wire, at most */
    size_t looks;    /* at items that are left */
};

/* An empty one for as many rows as are asked for (0: as many as there may be), and no more than
 * TX_STATUS_ROWS_MAX. */
struct tx_page tx_page_begin(uint64_t limit, size_t looks);
/* Has it all the rows that it may have? */
bool tx_page_full(const struct tx_page *page);
/* Looks at `n` items more, or at what is left; false when nothing is left. */
bool tx_page_look(struct tx_page *page, size_t n);
/* Makes room for a row that takes at most so many bytes on the wire; false, and nothing is changed,
 * when it does not fit. The first one always fits. */
bool tx_page_add(struct tx_page *page, size_t bytes);

#endif
