/* The preloaded library that makes calls of the C library fail, and that keeps the image of a disk.
 *
 * A program under test is started with LD_PRELOAD set to libassent_faults.so and the variables
 * below. The library counts the calls of each kind that concern the files next to and below the
 * watched directory (for memory: those from the chosen code), and lets one of them fail. What it
 * counted, and whether the fault has come, it writes into a file that the test has mapped too, so
 * that the figures survive a program that is killed.
 *
 * With an image directory it also keeps there what a disk is sure to hold (preload_disk.h). */
#ifndef ASSENT_TESTS_FAULTS_PRELOAD_H
#define ASSENT_TESTS_FAULTS_PRELOAD_H

#include <stdatomic.h>
#include <stdint.h>

/* "write 17 28 1": the 17th call of the kind fails with errno 28, and 1 call in all (0: each one
 * from there on). */
#define FAULT_ENV_PLAN   "ASSENT_FAULT"
#define FAULT_ENV_DIR    "ASSENT_FAULT_DIR"    /* the watched directory, absolute */
#define FAULT_ENV_REPORT "ASSENT_FAULT_REPORT" /* the file of struct fault_report */
#define FAULT_ENV_IMAGE  "ASSENT_FAULT_IMAGE"  /* where the image of the disk is kept */
#define FAULT_ENV_LIE    "ASSENT_FAULT_LIE"  /* fdatasync of files with this ending syncs nothing */
#define FAULT_ENV_CODE   "ASSENT_FAULT_CODE" /* whose allocations count; see fault_code */

#define FAULT_KINDS(X)                                                                             \
    X(FAULT_OPEN, "open")             /* open, openat, fopen */                                    \
    X(FAULT_READ, "read")             /* read, pread, fread_unlocked */                            \
    X(FAULT_COMPACTION, "compaction") /* pread by a thread of RocksDB's that merges tables */      \
    X(FAULT_WRITE, "write")           /* write, pwrite */                                          \
    X(FAULT_SHORT, "short")           /* the same calls, which then write only a part */           \
    X(FAULT_SYNC, "sync")             /* fsync, fdatasync */                                       \
    X(FAULT_RENAME, "rename")         /* rename */                                                 \
    X(FAULT_UNLINK, "unlink")         /* unlink, unlinkat */                                       \
    X(FAULT_TRUNCATE, "truncate")     /* ftruncate */                                              \
    X(FAULT_ALLOCATE, "allocate")     /* fallocate, posix_fallocate */                             \
    X(FAULT_DIRECTORY, "directory")   /* mkdir, opendir, fdopendir */                              \
    X(FAULT_LIST, "list")             /* readdir */                                                \
    X(FAULT_STAT, "stat")             /* stat, lstat, fstat, fstatat, access, faccessat */         \
    X(FAULT_LOCK, "lock")             /* flock */                                                  \
    X(FAULT_PROCESS, "process") /* eventfd, timerfd_create, signalfd, pthread_create, getrandom    \
                                 */                                                                \
    X(FAULT_MEMORY, "memory")   /* malloc, calloc, realloc, posix_memalign, strdup, realpath */

enum fault_kind {
#define X(name, text) name,
    FAULT_KINDS(X)
#undef X
        FAULT_KINDS_N
};

struct fault_report {
    atomic_ulong calls[FAULT_KINDS_N];
    atomic_ulong fired; /* how many calls have been made to fail */
    int error;          /* errno of the first of them */
    char call[32];      /* its name */
    char path[256];     /* what it was about; "" for memory */
    char after[160];    /* for memory: the program's address, for addr2line */
};

#endif
