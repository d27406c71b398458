/* How much room a file system has. */
#ifndef ASSENT_COMMON_DISK_H
#define ASSENT_COMMON_DISK_H

#include "common/error.h"

#include <stdint.h>

/* The bytes that this process may still write on the file system that holds `path`. TX_ENOTFOUND,
 * TX_EACCESS, TX_EIO with a text. */
enum tx_error disk_free_bytes(const char *path, uint64_t *bytes, struct tx_why *why) TX_MUST_CHECK;

#endif
