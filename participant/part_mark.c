/* The mark of a coordinator: which of its transactions are finished and forgotten.
 *
 * It only ever grows: a FORGET that comes late or twice takes nothing back. */
#include "participant/part_internal.h"

#include <stdlib.h>
#include <string.h>

const struct part_mark *part_mark_find(const struct part_coordinator *coordinator, uint64_t epoch)
{
    for (size_t i = 0; i < coordinator->marks_n; i++) {
        if (coordinator->marks[i].epoch == epoch)
            return &coordinator->marks[i];
    }
    return NULL;
}

static bool is_open(const struct part_mark *mark, uint64_t seq)
{
    size_t from = 0;
    size_t to = mark->open_n;
    if (to == 0 || seq < mark->open[0])
        return false; /* as a rule */
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (mark->open[middle] == seq)
            return true;
        if (mark->open[middle] < seq)
            from = middle + 1;
        else
            to = middle;
    }
    return false;
}

static bool mark_covers(const struct part_mark *mark, uint64_t seq)
{
    return seq < mark->below && !is_open(mark, seq);
}

bool part_mark_covers(const struct part_coordinator *coordinator, struct tx_id id)
{
    TX_ASSERT(id.coordinator == coordinator->id);
    if (id.epoch <= coordinator->finished_epoch)
        return true;
    const struct part_mark *mark = part_mark_find(coordinator, id.epoch);
    return mark != NULL && mark_covers(mark, id.seq);
}

/* Every epoch up to this one is finished: their marks say nothing more. */
static bool finish_epochs(struct part_coordinator *coordinator, uint64_t epoch)
{
    if (epoch <= coordinator->finished_epoch)
        return false;
    coordinator->finished_epoch = epoch;
    size_t kept = 0;
    for (size_t i = 0; i < coordinator->marks_n; i++) {
        struct part_mark *mark = &coordinator->marks[i];
        if (mark->epoch <= epoch)
            free(mark->open);
        else
            coordinator->marks[kept++] = *mark;
    }
    coordinator->marks_n = kept;
    return true;
}

/* The mark of an epoch, made when it is missing; NULL when there are too many, which only delays
 * forgetting. */
static struct part_mark *mark_of(struct part_coordinator *coordinator, uint64_t epoch)
{
    size_t at = 0;
    while (at < coordinator->marks_n && coordinator->marks[at].epoch < epoch)
        at++;
    if (at < coordinator->marks_n && coordinator->marks[at].epoch == epoch)
        return &coordinator->marks[at];
    if (coordinator->marks_n >= PART_MARKS_MAX)
        return NULL;
    coordinator->marks =
        tx_xrealloc(coordinator->marks, (coordinator->marks_n + 1) * sizeof(struct part_mark));
    struct part_mark *mark = &coordinator->marks[at];
    memmove(mark + 1, mark, (coordinator->marks_n - at) * sizeof *mark);
    coordinator->marks_n++;
    *mark = (struct part_mark){.epoch = epoch};
    return mark;
}

/* What is open after the merge: what the new word calls open, unless the old one had it finished
 * already. */
static bool merge(struct part_mark *mark, uint64_t below, const uint64_t *open, size_t open_n)
{
    if (below < mark->below)
        return false;
    uint64_t *left = tx_xmalloc(open_n * sizeof *left);
    size_t n = 0;
    for (size_t i = 0; i < open_n; i++) {
        if (!mark_covers(mark, open[i]))
            left[n++] = open[i];
    }
    bool changed = below != mark->below || n != mark->open_n;
    free(mark->open);
    mark->open = left;
    mark->open_n = n;
    mark->below = below;
    return changed;
}

bool part_mark_merge(struct part_coordinator *coordinator, uint64_t epoch, uint64_t below,
                     const uint64_t *open, size_t open_n)
{
    TX_ASSERT(epoch >= 1);
    bool changed = false;
    if (below == UINT64_MAX)
        changed = finish_epochs(coordinator, open_n == 0 ? epoch : epoch - 1);
    if (epoch <= coordinator->finished_epoch)
        return changed;
    struct part_mark *mark = mark_of(coordinator, epoch);
    return (mark != NULL && merge(mark, below, open, open_n)) || changed;
}

void part_marks_free(struct part_coordinator *coordinator)
{
    for (size_t i = 0; i < coordinator->marks_n; i++)
        free(coordinator->marks[i].open);
    free(coordinator->marks);
    coordinator->marks = NULL;
    coordinator->marks_n = 0;
}
