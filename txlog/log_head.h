/* The file HEAD: the highest LSN known to be on disk, kept outside RocksDB.
 *
 * RocksDB cannot tell a log whose newest file was lost from one that never had it. HEAD can: at
 * every opening the log must reach it. It holds two slots of one sector each, written in turn, so
 * that a torn write leaves the other; the highest valid slot counts. A slot, little-endian, the
 * rest of its sector zero:
 *
 *   u32 crc32c   of the 28 bytes that follow
 *   u32 magic    "ASHD"
 *   u32 version  1
 *   u32 zero
 *   u64 identity a hash of the identity of the log it belongs to
 *   u64 lsn
 *
 * HEAD may lag behind the log (it is written after each synced batch, but itself synced once a
 * second) and is never ahead of it. */
#ifndef ASSENT_TXLOG_LOG_HEAD_H
#define ASSENT_TXLOG_LOG_HEAD_H

#include "common/ids.h"

#define LOG_HEAD_FILE "HEAD"

struct log_head {
    int fd; /* -1: not open */
    uint64_t identity;
    struct tx_lsn lsn;
    unsigned slot_next;
    uint64_t synced_us;
    bool unsynced;
};

/* Makes the file, which must not exist, and syncs it and its directory. */
enum tx_error log_head_create(int directory_fd, uint64_t identity, struct tx_lsn lsn,
                              struct tx_why *why) TX_MUST_CHECK;

/* Opens and reads. TX_ECORRUPT: no slot is valid, or the file is of another log; the head is then
 * open all the same, with an LSN of 0, so that the caller may write it anew. TX_EVERSION, TX_EIO,
 * ...: it is not open. */
enum tx_error log_head_open(int directory_fd, bool read_only, uint64_t identity,
                            struct log_head *head, struct tx_why *why) TX_MUST_CHECK;

/* Notes that the log is durable up to `lsn`. */
enum tx_error log_head_advance(struct log_head *head, struct tx_lsn lsn,
                               struct tx_why *why) TX_MUST_CHECK;

/* Sets both slots, synced; the one way to go back. */
enum tx_error log_head_reset(struct log_head *head, struct tx_lsn lsn,
                             struct tx_why *why) TX_MUST_CHECK;

/* Syncs what is not synced yet, and closes. */
void log_head_close(struct log_head *head);

#endif
