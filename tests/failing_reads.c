#include "tests/failing_reads.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_bool armed, fired;
static atomic_int armed_for;
static atomic_ulong count, fails_at;
static _Thread_local bool armed_here;
static char place[512];

void failing_reads_arm(enum failing_reads whose, unsigned long n)
{
    place[0] = '\0';
    atomic_store(&count, 0);
    atomic_store(&fired, false);
    atomic_store(&fails_at, n);
    atomic_store(&armed_for, (int)whose);
    armed_here = whose == FAILING_FOREGROUND;
    atomic_store(&armed, true);
}

bool failing_reads_disarm(void)
{
    atomic_store(&armed, false);
    armed_here = false;
    return atomic_load(&fired);
}

unsigned long failing_reads_count(void)
{
    return atomic_load(&count);
}

const char *failing_reads_place(void)
{
    return place;
}

static bool in_compaction(void)
{
    static const char pool[] = "rocksdb:low";
    char name[17] = "";
    (void)prctl(PR_GET_NAME, name);
    return strncmp(name, pool, sizeof pool - 1) == 0;
}

static bool counts(void)
{
    if (!atomic_load(&armed))
        return false;
    if (atomic_load(&armed_for) == FAILING_FOREGROUND)
        return armed_here;
    return in_compaction();
}

#define BEFORE_THE_LIBRARY __attribute__((visibility("default")))

BEFORE_THE_LIBRARY ssize_t pread(int fd, void *data, size_t len, off_t at);
BEFORE_THE_LIBRARY int usleep(useconds_t us);

/* The program's functions go before those of the C library, for RocksDB too. */
ssize_t pread(int fd, void *data, size_t len, off_t at)
{
    if (counts() && atomic_fetch_add(&count, 1) + 1 == atomic_load(&fails_at)) {
        char link[64], path[400];
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, path, sizeof path - 1);
        path[n < 0 ? 0 : n] = '\0';
        (void)snprintf(place, sizeof place, "offset %lld of %s", (long long)at, path);
        atomic_store(&fired, true);
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pread64, fd, data, len, at);
}

int usleep(useconds_t us)
{
    struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};
    return atomic_load(&armed) && in_compaction() ? 0 : nanosleep(&t, NULL);
}
