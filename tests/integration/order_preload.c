/* Loaded in front of the C library and ZeroMQ of a daemon: writes down in which order it writes its
 * log, syncs it and sends. order.h has the form of that file, and reads it.
 *
 * A write is written down when it has been done, a sync with both its moments, a send before it
 * begins: whatever is doubtful goes against the daemon. */
#include "tests/integration/order.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define FDS_MAX 4096

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int trace = -1;
static char directory[256];
static uint32_t stream_of[FDS_MAX]; /* 0: no file of the log */
static uint32_t streams;

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

__attribute__((constructor)) static void begin(void)
{
    const char *file = getenv(ORDER_ENV_FILE);
    const char *watched = getenv(ORDER_ENV_DIR);
    if (file == NULL || watched == NULL || strlen(watched) >= sizeof directory)
        return;
    (void)strcpy(directory, watched);
    trace =
        (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void *next(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL)
        abort();
    return function;
}
/* `real`: the function of that name behind this library. */
#define NEXT(name)                                                                                 \
    static __typeof__(&(name)) real;                                                               \
    if (real == NULL) {                                                                            \
        void *found = next(#name);                                                                 \
        memcpy(&real, &found, sizeof real);                                                        \
    }

/* Nothing may be missing in the middle: whoever cannot write this down ends the daemon. */
static void tell(struct order_event event, const void *bytes)
{
    struct iovec parts[2] = {{&event, sizeof event}, {(void *)(uintptr_t)bytes, event.size}};
    size_t all = sizeof event + event.size;
    if (trace < 0)
        return;
    (void)pthread_mutex_lock(&mutex);
    ssize_t n = (ssize_t)syscall(SYS_writev, trace, parts, event.size > 0 ? 2 : 1);
    (void)pthread_mutex_unlock(&mutex);
    if (n < 0 || (size_t)n != all)
        abort();
}

/* ---- files ---- */

static int opened(int fd, const char *path, int flags)
{
    size_t len = strlen(path), front = strlen(directory);
    bool log = trace >= 0 && len > 4 && strcmp(path + len - 4, ".log") == 0 &&
               strncmp(path, directory, front) == 0 && path[front] == '/' &&
               (flags & O_ACCMODE) != O_RDONLY;
    if (fd < 0 || fd >= FDS_MAX)
        return fd;
    int error = errno;
    (void)pthread_mutex_lock(&mutex);
    stream_of[fd] = log ? ++streams : 0;
    (void)pthread_mutex_unlock(&mutex);
    errno = error;
    return fd;
}

static uint32_t stream(int fd)
{
    (void)pthread_mutex_lock(&mutex);
    uint32_t n = fd >= 0 && fd < FDS_MAX ? stream_of[fd] : 0;
    (void)pthread_mutex_unlock(&mutex);
    return n;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...);                                                    \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        NEXT(name)                                                                                 \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode_t mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;                           \
        va_end(args);                                                                              \
        return opened(real(path, flags, mode), path, flags);                                       \
    }
OPEN(open)
OPEN(open64)

int close(int fd)
{
    NEXT(close)
    if (fd >= 0 && fd < FDS_MAX) {
        (void)pthread_mutex_lock(&mutex);
        stream_of[fd] = 0;
        (void)pthread_mutex_unlock(&mutex);
    }
    return real(fd);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    NEXT(write)
    uint64_t begun = now_ns();
    ssize_t n = real(fd, bytes, size);
    uint32_t to = n > 0 ? stream(fd) : 0;
    if (to != 0) {
        int error = errno;
        tell((struct order_event){ORDER_WRITE, to, begun, now_ns(), (uint64_t)n}, bytes);
        errno = error;
    }
    return n;
}

#define SYNC(name)                                                                                 \
    int name(int fd)                                                                               \
    {                                                                                              \
        NEXT(name)                                                                                 \
        uint64_t begun = now_ns();                                                                 \
        int result = real(fd);                                                                     \
        uint32_t of = result == 0 ? stream(fd) : 0;                                                \
        if (of != 0)                                                                               \
            tell((struct order_event){ORDER_SYNC, of, begun, now_ns(), 0}, NULL);                  \
        return result;                                                                             \
    }
SYNC(fsync)
SYNC(fdatasync)

/* ---- messages: the last part is the frame, those before it say to whom ---- */

static void sends(const void *bytes, size_t size, int flags)
{
    uint64_t now = now_ns();
    if ((flags & ZMQ_SNDMORE) == 0)
        tell((struct order_event){ORDER_SEND, 0, now, now, size}, bytes);
}

int zmq_send(void *socket, const void *bytes, size_t size, int flags)
{
    NEXT(zmq_send)
    sends(bytes, size, flags);
    return real(socket, bytes, size, flags);
}

int zmq_msg_send(zmq_msg_t *msg, void *socket, int flags)
{
    NEXT(zmq_msg_send)
    sends(zmq_msg_data(msg), zmq_msg_size(msg), flags);
    return real(msg, socket, flags);
}
