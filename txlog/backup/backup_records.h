/* Records as backups and archives keep them: u32 length and the stored record (record.h), one after
 * the other, in bytes that come piece by piece. */
#ifndef ASSENT_TXLOG_BACKUP_RECORDS_H
#define ASSENT_TXLOG_BACKUP_RECORDS_H

#include "common/bytes.h"

struct backup_records {
    enum tx_error (*visit)(void *arg, struct tx_bytes stored, struct tx_why *why);
    void *arg;
    struct tx_buf pending; /* bytes that are no whole record yet: at the end there should be none */
};

/* Visits the records that are whole by now; the first error. TX_ENOMEM. */
enum tx_error backup_records_take(struct backup_records *records, struct tx_bytes piece,
                                  struct tx_why *why) TX_MUST_CHECK;

#endif
