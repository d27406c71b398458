#include "common/lineage.h"

#include "common/assert.h"
#include "common/seeded_bug.h"

#include <string.h>

/* Two lives give the same number by chance about as often as these bits have values. */
#define START_GAP_MASK ((UINT64_C(1) << 30) - 1)

static bool follows(struct tx_position later, struct tx_position earlier)
{
    return later.start > earlier.start && later.lsn.n > earlier.lsn.n;
}

bool tx_lineage_add(struct tx_lineage *lineage, struct tx_position start)
{
    const struct tx_position *last = lineage->n > 0 ? &lineage->starts[lineage->n - 1] : NULL;

    TX_ASSERT(lineage->n <= TX_LINEAGE_MAX);
    if (!follows(start, last != NULL ? *last : (struct tx_position){0})) {
        return false;
    }
    if (lineage->n == TX_LINEAGE_MAX) {
        memmove(lineage->starts, lineage->starts + 1,
                (TX_LINEAGE_MAX - 1) * sizeof lineage->starts[0]);
        lineage->n--;
    }
    lineage->starts[lineage->n++] = start;
    return true;
}

bool tx_lineage_set(struct tx_lineage *lineage, const struct tx_position *starts, size_t n)
{
    struct tx_lineage taken = {.n = 0};

    if (n == 0 || n > TX_LINEAGE_MAX) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!tx_lineage_add(&taken, starts[i])) {
            return false;
        }
    }
    *lineage = taken;
    return true;
}

bool tx_lineage_before(const struct tx_lineage *lineage, uint64_t start, struct tx_lsn lsn)
{
    const struct tx_position *last = &lineage->starts[lineage->n - 1];

    TX_ASSERT(lineage->n > 0);
    return last->start < start && last->lsn.n < lsn.n;
}

uint64_t tx_start_after(uint64_t last, uint64_t life)
{
    TX_ASSERT(last <= TX_START_LAST);
    return last == 0 ? 1 : last + 1 + (life & START_GAP_MASK);
}

bool tx_lineage_lacks(const struct tx_lineage *lineage, uint64_t start)
{
    TX_ASSERT(lineage->n > 0 && lineage->n <= TX_LINEAGE_MAX);
    for (size_t i = 0; i < lineage->n; i++) {
        if (lineage->starts[i].start == start) {
            return false;
        }
    }
    return start > lineage->starts[0].start;
}

bool tx_loss_holds(const struct tx_loss *loss, uint64_t start)
{
    return loss->start > 0 && start <= loss->start;
}

bool tx_loss_explains(const struct tx_loss *loss, const struct tx_lineage *lineage,
                      struct tx_position known)
{
    const struct tx_position *last = NULL;

    if (known.start == 0 || !tx_loss_holds(loss, known.start) || known.lsn.n <= loss->lsn.n) {
        return false;
    }
    for (size_t i = 0; i < lineage->n && lineage->starts[i].lsn.n <= loss->lsn.n; i++) {
        last = &lineage->starts[i];
    }
    return last == NULL || known.start > last->start ||
           (known.start == last->start && known.life == last->life);
}

bool tx_lineage_denies(const struct tx_lineage *lineage, struct tx_position known)
{
    size_t later = 0;

    TX_ASSERT(lineage->n > 0 && lineage->n <= TX_LINEAGE_MAX);
    if (known.start == 0) {
        return false;
    }
    if (TX_SEEDED_BUG(LINEAGE_NOT_COMPARED)) {
        return lineage->starts[lineage->n - 1].start < known.start;
    }
    while (later < lineage->n && lineage->starts[later].start <= known.start) {
        later++;
    }
    if (later > 0) {
        const struct tx_position *same = &lineage->starts[later - 1];

        if (same->start != known.start || same->life != known.life) {
            return true;
        }
    }
    return later < lineage->n && known.lsn.n >= lineage->starts[later].lsn.n;
}
