/* The image of a disk after the loss of power, in its strictest reading: of a file it holds what
 * had been written when its last successful fsync or fdatasync began, of a directory the entries
 * that were there at its last successful fsync. A failed sync loses for good what it should have
 * written, as Linux does: a later one that succeeds does not bring it back.
 *
 * In the image directory a file's content stands under a number; "names" says which number goes
 * under which name, and is replaced atomically; "born" is there once the entry of the watched
 * directory itself is safe. Being killed in the middle leaves a part of an unsynced write in the
 * image, which a disk may do too. */
#ifndef ASSENT_TESTS_FAULTS_PRELOAD_DISK_H
#define ASSENT_TESTS_FAULTS_PRELOAD_DISK_H

#include <stdbool.h>
#include <sys/types.h>

/* Takes what the directory holds for safe. Before any other call; all of them are one at a time. */
void disk_begin(const char *directory, const char *image);
/* A file below the directory was opened; `created` when it was not there before. */
void disk_opened(int fd, bool created, bool truncated);
void disk_closed(int fd);
void disk_written(int fd, off_t from, off_t to);
void disk_truncated(int fd);
/* A file, the watched directory, or the one above it was synced; or that failed. */
void disk_synced_file(int fd, bool done);
void disk_synced_directory(void);
void disk_synced_parent(void);
void disk_made_directory(void);

#endif
