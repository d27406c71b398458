/* Blobs: the content of a backup, each under the digest of what it holds, so that what two backups
 * (or two nodes) have in common is there once.
 *
 * A file DIR/blobs/<64 digits>.zst:
 *
 *   one zstd frame       the content; its BLAKE2b-256 is the name
 *   skippable frame      u32 0x184D2A5A, u32 32, then the BLAKE2b-256 of all bytes before it
 *
 * so that "zstd -d" reads it, and no byte of it can change unseen: a frame has bits that its
 * decoder does not look at. It is written under a temporary name (blobs/.tmp-...), synced, and then
 * renamed; a blob never changes. */
#ifndef ASSENT_TXLOG_BACKUP_BLOB_H
#define ASSENT_TXLOG_BACKUP_BLOB_H

#include "txlog/backup/backup_digest.h"

#define BACKUP_BLOB_TEMPORARY ".tmp-"

struct backup_blob {
    struct backup_digest digest;
    uint64_t bytes;  /* of the content */
    uint64_t stored; /* of the file; what a backup has added when it is `fresh` */
    bool fresh;      /* it was not there before */
};

struct backup_blob_writer;

/* `repository`: its directory; must outlive the writer. */
enum tx_error backup_blob_begin(const char *repository, struct backup_blob_writer **writer,
                                struct tx_why *why) TX_MUST_CHECK;
enum tx_error backup_blob_add(struct backup_blob_writer *writer, struct tx_bytes bytes,
                              struct tx_why *why) TX_MUST_CHECK;
/* The blob is on disk, but for the name of its file: backup_blobs_sync(). With `anew` the file is
 * written even where it is there already. Frees the writer, whatever happens. */
enum tx_error backup_blob_end(struct backup_blob_writer **writer, bool anew,
                              struct backup_blob *blob, struct tx_why *why) TX_MUST_CHECK;
/* Instead of the end; NULL is fine. */
void backup_blob_drop(struct backup_blob_writer **writer);

/* The names of all blobs that were ended are on disk. */
enum tx_error backup_blobs_sync(const char *repository, struct tx_why *why) TX_MUST_CHECK;

/* Reads a blob and checks all of it: TX_ECORRUPT when a byte is not as it was written, TX_ENOTFOUND
 * when it is missing. `visit` gets the content piece by piece, before it has been checked: what it
 * was given counts when all is TX_OK. */
enum tx_error backup_blob_read(const char *repository, const struct backup_digest *digest,
                               enum tx_error (*visit)(void *arg, struct tx_bytes bytes,
                                                      struct tx_why *why),
                               void *arg, struct tx_why *why) TX_MUST_CHECK;

/* Is the file there? */
bool backup_blob_there(const char *repository, const struct backup_digest *digest);

#endif
