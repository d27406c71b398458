#include "common/page.h"

#include "common/assert.h"
#include "common/limits.h"

struct tx_page tx_page_begin(uint64_t limit, size_t looks)
{
    const bool less = limit > 0 && limit < TX_STATUS_ROWS_MAX;
    return (struct tx_page){.n_max = less ? (size_t)limit : TX_STATUS_ROWS_MAX, .looks = looks};
}

bool tx_page_full(const struct tx_page *page)
{
    TX_ASSERT(page->n <= page->n_max);
    return page->n == page->n_max;
}

bool tx_page_look(struct tx_page *page, size_t n)
{
    if (page->looks == 0) {
        return false;
    }
    page->looks -= n < page->looks ? n : page->looks;
    return true;
}

bool tx_page_add(struct tx_page *page, size_t bytes)
{
    TX_ASSERT(page->n_max > 0);
    if (tx_page_full(page) || (page->n > 0 && page->bytes + bytes > TX_LOCKS_BYTES_MAX)) {
        return false;
    }
    page->bytes += bytes;
    page->n++;
    return true;
}
