/* The check of one record on its own: what its checksum cannot see. */
#ifndef ASSENT_TXLOG_RECOVER_CHECK_H
#define ASSENT_TXLOG_RECOVER_CHECK_H

#include "txlog/record.h"
#include "txlog/txlog.h"

/* Members that name nobody, nobody twice and, in a PREPARED, this participant; redo that decodes;
 * locks of the modes that outlive a vote; the lists of a FORGET in order. TX_ECORRUPT, with a text
 * that names the LSN. */
enum tx_error recover_check(const struct txlog_identity *owner, const struct txlog_record *record,
                            struct tx_why *why) TX_MUST_CHECK;

#endif
