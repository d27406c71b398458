/* Who decides the commit of a transaction over several members; docs/protocol.md has both modes. */
#ifndef ASSENT_COMMON_COMMIT_MODE_H
#define ASSENT_COMMON_COMMIT_MODE_H

#include "common/bytes.h"
#include "common/error.h"
#include "common/ids.h"

enum tx_commit_mode {
    TX_COMMIT_DEFAULT,      /* as the next one above says: the transaction, then the coordinator */
    TX_COMMIT_COORDINATOR,  /* mode A: its durable COMMIT record */
    TX_COMMIT_PARTICIPANTS, /* mode D: the durable PREPARED records of all members */
    TX_COMMIT_MODES_N
};

/* "default", "coordinator", "participants"; "?" for none. Static. */
const char *tx_commit_mode_name(enum tx_commit_mode mode);
/* TX_EFORMAT when there is no mode of that name. */
enum tx_error tx_commit_mode_parse(struct tx_bytes text, enum tx_commit_mode *mode) TX_MUST_CHECK;

/* Can these members decide? There are two at least, and each of them votes: none is read-only. */
bool tx_members_can_decide(const struct tx_member *members, size_t n);

#endif
