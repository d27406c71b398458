/* A file that is a zstd frame, with something before it or not, and a checksum of all of it behind:
 *
 *   ...                  what the owner has written before (backup_blob.h: nothing)
 *   one zstd frame       the content
 *   skippable frame      u32 0x184D2A5A, u32 32, then the BLAKE2b-256 of all bytes before it
 *
 * zstd skips the latter; a frame has bits that its decoder does not look at, so that its own
 * checksum would not be enough. */
#ifndef ASSENT_TXLOG_BACKUP_FRAME_H
#define ASSENT_TXLOG_BACKUP_FRAME_H

#include "txlog/backup/backup_digest.h"

#define BACKUP_FRAME_TRAIL (8u + BACKUP_DIGEST_BYTES) /* bytes */

/* ---- writing ---- */

struct backup_frame_writer;
typedef enum tx_error backup_frame_put(void *arg, struct tx_bytes bytes, struct tx_why *why);

/* NULL when there is no memory. `put` gets the frame piece by piece; it must outlive the writer. */
struct backup_frame_writer *backup_frame_begin(backup_frame_put *put, void *arg);
enum tx_error backup_frame_add(struct backup_frame_writer *writer, struct tx_bytes bytes,
                               struct tx_why *why) TX_MUST_CHECK;
/* The frame is complete. The trail is left to the owner: it knows what stands before. */
enum tx_error backup_frame_end(struct backup_frame_writer *writer,
                               struct tx_why *why) TX_MUST_CHECK;
void backup_frame_destroy(struct backup_frame_writer **writer);

/* `file`: the digest of all that stands before. */
void backup_frame_trail(const struct backup_digest *file, uint8_t trail[BACKUP_FRAME_TRAIL]);

/* ---- reading ---- */

/* Reads and checks a file whose frame begins at `at` bytes. `visit` gets the content piece by
 * piece, before it has been checked: what it was given counts when all is TX_OK. `content`: the
 * digest of the content. TX_ECORRUPT, and those of backup_fail(). */
enum tx_error
backup_frame_read(const char *path, uint64_t at,
                  enum tx_error (*visit)(void *arg, struct tx_bytes bytes, struct tx_why *why),
                  void *arg, struct backup_digest *content, struct tx_why *why) TX_MUST_CHECK;

/* The sentence for a file that is not as it was written; TX_ECORRUPT. */
enum tx_error backup_damaged(const char *path, const char *what, struct tx_why *why);

/* The digest that a file says it ends with, unchecked. */
enum tx_error backup_frame_said(const char *path, int fd, uint64_t file_bytes,
                                struct backup_digest *digest, struct tx_why *why) TX_MUST_CHECK;

#endif
