/* What one log proves of one transaction, as a sentence. */
#ifndef ASSENT_TXLOG_RECOVER_VERDICT_H
#define ASSENT_TXLOG_RECOVER_VERDICT_H

#include "txlog/recover/recover_story.h"

struct recover_verdict {
    char text[700];
};

/* `first`: where the log begins. */
void recover_verdict(const struct story *story, struct tx_id id, struct tx_lsn first,
                     struct recover_verdict *verdict);

#endif
