/* The forgotten marks in a participant's log: which transactions of each coordinator are finished
 * and forgotten. The newest FORGET of an epoch counts; below = all ones finishes the epochs before
 * it as well. */
#ifndef ASSENT_TXLOG_RECOVER_MARKS_H
#define ASSENT_TXLOG_RECOVER_MARKS_H

#include "txlog/record.h"

struct recover_mark;

/* All zero is empty. */
struct recover_marks {
    struct recover_mark *marks;
    size_t n;
};

void recover_marks_deinit(struct recover_marks *marks);
/* Copies. */
void recover_marks_add(struct recover_marks *marks, const struct txlog_forget *forget);
bool recover_marks_cover(const struct recover_marks *marks, struct tx_id id);

#endif
