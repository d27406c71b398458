/* The forgotten marks in a participant's log. */
#include "txlog/recover/recover_marks.h"

#include "common/assert.h"

#include <stdlib.h>
#include <string.h>

struct recover_mark {
    uint32_t coordinator;
    uint64_t epoch, below;
    uint64_t *open;
    size_t open_n;
};

void recover_marks_deinit(struct recover_marks *marks)
{
    for (size_t i = 0; i < marks->n; i++)
        free(marks->marks[i].open);
    free(marks->marks);
    *marks = (struct recover_marks){0};
}

/* Does the newer word make this one superfluous? */
static bool replaces(const struct txlog_forget *forget, const struct recover_mark *mark)
{
    if (mark->coordinator != forget->coordinator)
        return false;
    bool older = forget->below == UINT64_MAX && mark->epoch < forget->epoch;
    return older || mark->epoch == forget->epoch;
}

void recover_marks_add(struct recover_marks *marks, const struct txlog_forget *forget)
{
    size_t kept = 0;
    for (size_t i = 0; i < marks->n; i++) {
        if (replaces(forget, &marks->marks[i]))
            free(marks->marks[i].open);
        else
            marks->marks[kept++] = marks->marks[i];
    }
    marks->n = kept;
    marks->marks = tx_xrealloc(marks->marks, (kept + 1) * sizeof(*marks->marks));
    struct recover_mark *mark = &marks->marks[marks->n++];
    *mark = (struct recover_mark){.coordinator = forget->coordinator,
                                  .epoch = forget->epoch,
                                  .below = forget->below,
                                  .open = tx_xmalloc(forget->open_n * sizeof(*forget->open)),
                                  .open_n = forget->open_n};
    if (forget->open_n > 0)
        memcpy(mark->open, forget->open, forget->open_n * sizeof(*forget->open));
}

static bool is_open(const struct recover_mark *mark, uint64_t seq)
{
    for (size_t i = 0; i < mark->open_n; i++) {
        if (mark->open[i] == seq)
            return true;
    }
    return false;
}

bool recover_marks_cover(const struct recover_marks *marks, struct tx_id id)
{
    for (size_t i = 0; i < marks->n; i++) {
        const struct recover_mark *mark = &marks->marks[i];
        if (mark->coordinator != id.coordinator)
            continue;
        if (mark->below == UINT64_MAX && id.epoch < mark->epoch)
            return true;
        if (mark->epoch == id.epoch && id.seq < mark->below && !is_open(mark, id.seq))
            return true;
    }
    return false;
}
