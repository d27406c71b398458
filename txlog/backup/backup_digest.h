/* BLAKE2b-256 (RFC 7693), from libsodium: what names the content of a backup and finds out a
 * changed byte. */
#ifndef ASSENT_TXLOG_BACKUP_DIGEST_H
#define ASSENT_TXLOG_BACKUP_DIGEST_H

#include "common/bytes.h"

#define BACKUP_DIGEST_BYTES 32u
#define BACKUP_DIGEST_TEXT  (2u * BACKUP_DIGEST_BYTES + 1u)

struct backup_digest {
    uint8_t bytes[BACKUP_DIGEST_BYTES];
};

/* The digest of bytes that come piece by piece. NULL when there is no memory. */
struct backup_hasher;
struct backup_hasher *backup_hasher_new(void);
void backup_hasher_destroy(struct backup_hasher **hasher);
void backup_hasher_add(struct backup_hasher *hasher, struct tx_bytes bytes);
/* Ends it; only destroying it is left. */
struct backup_digest backup_hasher_end(struct backup_hasher *hasher);

/* Of all at once. */
struct backup_digest backup_digest_of(struct tx_bytes bytes);
bool backup_digest_equal(const struct backup_digest *a, const struct backup_digest *b);
/* 64 digits, lower case; returns `out`. */
const char *backup_digest_print(const struct backup_digest *digest, char out[BACKUP_DIGEST_TEXT]);
/* False unless it is just that. */
bool backup_digest_parse(const char *text, struct backup_digest *digest) TX_MUST_CHECK;

#endif
