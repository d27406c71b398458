/* The directory of an archive, and that of a repository of backups, says in a file what it is, so
 * that neither is taken for the other, nor anything else for one of them. */
#ifndef ASSENT_TXLOG_BACKUP_FORMAT_H
#define ASSENT_TXLOG_BACKUP_FORMAT_H

#include "common/bytes.h"

#define BACKUP_FORMAT_FILE "FORMAT"

struct backup_format {
    const char *text;    /* the line in the file, with its end */
    const char *what;    /* such a directory, for sentences */
    const char *content; /* what it holds */
    /* Entries that may be there before the file is; NULL: none. */
    bool (*own)(const char *entry);
};

/* Does the directory say so? TX_ENOTFOUND when it says nothing, TX_EVERSION when something else. */
enum tx_error backup_format_check(const struct backup_format *format, const char *directory,
                                  struct tx_why *why) TX_MUST_CHECK;

/* Makes the directory, where it is missing; TX_EINVAL when it holds anything else. */
enum tx_error backup_format_claim(const struct backup_format *format, const char *directory,
                                  struct tx_why *why) TX_MUST_CHECK;

#endif
