#include "common/disk.h"

#include "common/assert.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

enum tx_error disk_free_bytes(const char *path, uint64_t *bytes, struct tx_why *why)
{
    struct statvfs fs;

    TX_ASSERT(path != NULL);
    if (statvfs(path, &fs) != 0) {
        const enum tx_error error = errno == ENOENT || errno == ENOTDIR ? TX_ENOTFOUND
                                    : errno == EACCES                   ? TX_EACCESS
                                                                        : TX_EIO;

        return tx_why(why, error, "%s: cannot tell its free space: %s", path, strerror(errno));
    }
    *bytes = (uint64_t)fs.f_bavail * (uint64_t)fs.f_frsize;
    return TX_OK;
}
