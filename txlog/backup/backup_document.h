/* Writing the JSON of a backup, in memory. Reading it: backup_json.h. */
#ifndef ASSENT_TXLOG_BACKUP_DOCUMENT_H
#define ASSENT_TXLOG_BACKUP_DOCUMENT_H

#include "common/bytes.h"
#include "common/json.h"

/* Appends what `write` writes of `what`; `out->failed` without memory for it. */
void backup_document_write(void (*write)(struct json *json, const void *what), const void *what,
                           struct tx_buf *out);

#endif
