/* What the commands of txctl backup share. */
#ifndef ASSENT_CLIENT_TXCTL_BACKUP_H
#define ASSENT_CLIENT_TXCTL_BACKUP_H

#include "common/error.h"

#include <stdint.h>

/* Prints the sentence; the exit status for the error. */
int txctl_backup_complain(enum tx_error error, const struct tx_why *why);

/* A number of bytes for people: "1.2 GB", "340 kB"; returns `out`. */
const char *txctl_bytes_print(uint64_t bytes, char out[32]);

#endif
