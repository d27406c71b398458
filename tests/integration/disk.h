/* A small disk of its own for a daemon's data directory, to be filled. */
#ifndef ASSENT_TESTS_INTEGRATION_DISK_H
#define ASSENT_TESTS_INTEGRATION_DISK_H

#include "tests/integration/cluster.h"

#define DISK_MIB ((size_t)1024 * 1024)

/* Whatever this process mounts from now on is seen by it and its children alone, and goes with
 * them. Without privilege it needs a user namespace of its own. False, with errno, when the machine
 * does not permit it. */
bool disk_may_mount(void);

/* The daemon's data directory, which must not be there yet, becomes a file system of 96 MiB in
 * memory. disk_take() unmounts it, if it is there. */
void disk_give(const struct daemon *daemon);
void disk_take(const struct daemon *daemon);

/* Writes a file until at most `leave` bytes are free; disk_unfill() removes it. */
void disk_fill(const struct daemon *daemon, size_t leave);
void disk_unfill(const struct daemon *daemon);

/* Gives back what RocksDB has taken in advance for its write-ahead files, but for the next `leave`
 * bytes: records that are small would take for ever to fill it. */
void disk_return_preallocated(const struct daemon *daemon, off_t leave);

#endif
