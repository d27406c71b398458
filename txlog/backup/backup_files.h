/* Files of a backup: read whole, written atomically, with errors that name the path and say what to
 * do. */
#ifndef ASSENT_TXLOG_BACKUP_FILES_H
#define ASSENT_TXLOG_BACKUP_FILES_H

#include "common/bytes.h"

#include <stdio.h>

/* The error and the sentence of a failed system call, by errno: TX_ENOTFOUND, TX_EACCESS, TX_EFULL,
 * TX_EIO, TX_EEXIST. */
enum tx_error backup_fail(const char *path, const char *doing, struct tx_why *why);

/* Joins with '/', into memory of the caller's; TX_ELIMIT when it is too long. */
enum tx_error backup_path(char *out, size_t out_size, const char *directory, const char *name,
                          struct tx_why *why) TX_MUST_CHECK;

/* Writes everything, over short writes and signals; false with errno. */
bool backup_write_all(int fd, struct tx_bytes bytes) TX_MUST_CHECK;

/* What was written behind `from` goes to the disk now, and leaves the cache: not all at once with
 * the sync at the end, for which, on a journalling file system, the syncs of a daemon's log would
 * wait. To be called about every BACKUP_WRITE_BACK bytes. */
#define BACKUP_WRITE_BACK (1024u * 1024u)
void backup_write_back(int fd, uint64_t from);

/* All of a file. */
enum tx_error backup_file_read(const char *path, struct tx_buf *out,
                               struct tx_why *why) TX_MUST_CHECK;

/* The file is there whole, and on disk with its name, or not at all: temporary file, fsync, rename,
 * fsync of the directory. */
enum tx_error backup_file_write(const char *directory, const char *name, struct tx_bytes bytes,
                                struct tx_why *why) TX_MUST_CHECK;

/* What was created, renamed or removed in it is on disk. */
enum tx_error backup_directory_sync(const char *path, struct tx_why *why) TX_MUST_CHECK;

/* Makes a directory; one that is there already is fine. */
enum tx_error backup_directory_make(const char *path, struct tx_why *why) TX_MUST_CHECK;

/* Removes it with all that is in it; nothing there is fine. */
enum tx_error backup_directory_remove(const char *path, struct tx_why *why) TX_MUST_CHECK;

/* Calls `visit` for each entry but "." and "..", in no order; stops at its first error. */
enum tx_error backup_directory_each(const char *path,
                                    enum tx_error (*visit)(void *arg, const char *name), void *arg,
                                    struct tx_why *why) TX_MUST_CHECK;

#endif
