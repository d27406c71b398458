/* The writes of a redo as changes of the data beside a log. */
#ifndef ASSENT_TXLOG_RECOVER_CHANGES_H
#define ASSENT_TXLOG_RECOVER_CHANGES_H

#include "txlog/txlog.h"

/* All zero is empty. */
struct recover_changes {
    struct txlog_put *puts;
    size_t puts_n, capacity;
    struct tx_arena arena; /* keys */
    struct tx_buf stored;  /* the record that holds the redo */
};

void recover_changes_clear(struct recover_changes *changes);
void recover_changes_deinit(struct recover_changes *changes);
/* Adds the writes of a redo, which is borrowed until the next clear. TX_ECORRUPT when it cannot be
 * read, TX_ENOMEM. */
enum tx_error recover_changes_add(struct recover_changes *changes,
                                  struct tx_bytes redo) TX_MUST_CHECK;
/* Adds those of the PREPARED at that LSN. Errors of reading it, with a text. */
enum tx_error recover_changes_of(struct recover_changes *changes, struct txlog *log,
                                 struct tx_lsn prepared, struct tx_why *why) TX_MUST_CHECK;

#endif
