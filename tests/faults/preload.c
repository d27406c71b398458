#include "tests/faults/preload.h"

#include "tests/faults/preload_disk.h"
#include "tests/faults/preload_real.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* What the C library calls itself by, so that memory is there before dlsym() can be asked. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

#define CALLER __builtin_return_address(0)

enum { FDS_MAX = 4096, RANGES_MAX = 8 };

enum watch { WATCH_NOTHING, WATCH_BESIDE, WATCH_PARENT, WATCH_DIRECTORY, WATCH_FILE };

struct real real;

static struct fault_report *report;
static struct {
    enum fault_kind kind;
    unsigned long n;
    int error;
    bool once;
} plan = {.kind = FAULT_KINDS_N};
static char directory[256];
static char parent[256];
static const char *lie;
static bool imaging;
static enum watch watch_of_fd[FDS_MAX];
static pthread_mutex_t disk_mutex = PTHREAD_MUTEX_INITIALIZER;

/* Whose allocations count. */
static struct {
    uintptr_t from, to, base;
} code[RANGES_MAX];
static int code_n;

/* ---- the plan ---- */

static bool fails_at(enum fault_kind kind, const char *call, const char *path, const void *caller)
{
    if (report == NULL)
        return false;
    unsigned long n = atomic_fetch_add(&report->calls[kind], 1) + 1;
    if (kind != plan.kind || n < plan.n || (plan.once && n > plan.n))
        return false;
    if (atomic_fetch_add(&report->fired, 1) == 0) {
        report->error = plan.error;
        (void)snprintf(report->call, sizeof report->call, "%s", call);
        (void)snprintf(report->path, sizeof report->path, "%s", path);
        if (caller != NULL)
            (void)snprintf(report->after, sizeof report->after, "%#lx",
                           (unsigned long)((uintptr_t)caller - code[0].base));
    }
    errno = plan.error;
    return true;
}

static bool memory_fails(const char *call, const void *caller)
{
    uintptr_t at = (uintptr_t)caller;
    for (int i = 0; i < code_n; i++)
        if (at >= code[i].from && at < code[i].to)
            return fails_at(FAULT_MEMORY, call, "", caller);
    return false;
}

static bool process_fails(const char *call, const void *caller)
{
    uintptr_t at = (uintptr_t)caller;
    for (int i = 0; i < code_n; i++)
        if (at >= code[i].from && at < code[i].to)
            return fails_at(FAULT_PROCESS, call, "", caller);
    return false;
}

/* ---- which file is meant ---- */

static enum watch watch_of(const char *path)
{
    size_t len = strlen(directory), parent_len = strlen(parent);
    if (len == 0 || strncmp(path, parent, parent_len) != 0)
        return WATCH_NOTHING;
    const char *rest = path + parent_len;
    if (rest[strspn(rest, "/")] == '\0')
        return WATCH_PARENT;
    if (strncmp(path, directory, len) != 0 || (path[len] != '/' && path[len] != '\0'))
        return *rest == '/' ? WATCH_BESIDE : WATCH_NOTHING;
    rest = path + len;
    return rest[strspn(rest, "/")] == '\0' ? WATCH_DIRECTORY : WATCH_FILE;
}

static enum watch watch_of_open(int fd)
{
    return fd >= 0 && fd < FDS_MAX ? watch_of_fd[fd] : WATCH_NOTHING;
}

/* The whole path of what is named relative to a descriptor. */
static const char *resolve(int at, const char *name, char out[512])
{
    if (name[0] == '/' || at == AT_FDCWD)
        return name;
    enum watch watch = watch_of_open(at);
    const char *base = watch == WATCH_DIRECTORY ? directory : watch == WATCH_PARENT ? parent : "";
    if (strcmp(name, ".") == 0)
        return base;
    (void)snprintf(out, 512, "%s/%s", base, name);
    return out;
}

static const char *path_of(int fd, char out[256])
{
    char link[64];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, 255);
    out[n < 0 ? 0 : n] = '\0';
    return out;
}

static bool path_fails(enum fault_kind kind, const char *call, const char *path)
{
    return watch_of(path) != WATCH_NOTHING && fails_at(kind, call, path, NULL);
}

static bool fd_fails(enum fault_kind kind, const char *call, int fd)
{
    char path[256];
    return watch_of_open(fd) != WATCH_NOTHING && fails_at(kind, call, path_of(fd, path), NULL);
}

static void opened(int fd, const char *path, int flags, bool created)
{
    if (fd < 0 || fd >= FDS_MAX)
        return;
    watch_of_fd[fd] = watch_of(path);
    if (watch_of_fd[fd] != WATCH_FILE)
        return;
    (void)pthread_mutex_lock(&disk_mutex);
    disk_opened(fd, created, (flags & O_TRUNC) != 0);
    (void)pthread_mutex_unlock(&disk_mutex);
}

static void closed(int fd)
{
    if (watch_of_open(fd) == WATCH_NOTHING)
        return;
    watch_of_fd[fd] = WATCH_NOTHING;
    (void)pthread_mutex_lock(&disk_mutex);
    disk_closed(fd);
    (void)pthread_mutex_unlock(&disk_mutex);
}

/* ---- opening and closing ---- */

static bool is_new(int at, const char *name, int flags)
{
    struct stat st;
    return (flags & O_CREAT) != 0 && real.fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0;
}

static int open_at(const char *call, int at, const char *name, int flags, mode_t mode)
{
    char buffer[512];
    const char *path = resolve(at, name, buffer);
    if (path_fails(FAULT_OPEN, call, path))
        return -1;
    bool created = is_new(at, name, flags);
    int fd = real.openat(at, name, flags, mode);
    opened(fd, path, flags, created);
    return fd;
}

static mode_t mode_from(int flags, va_list args)
{
    return (flags & O_CREAT) != 0 ? (mode_t)va_arg(args, unsigned) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_from(flags, args);
    va_end(args);
    return open_at("open", AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *name, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_from(flags, args);
    va_end(args);
    return open_at("openat", at, name, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
    if (path_fails(FAULT_OPEN, "fopen", path))
        return NULL;
    FILE *file = real.fopen(path, mode);
    if (file != NULL)
        opened(fileno(file), path, 0, false);
    return file;
}

int close(int fd)
{
    closed(fd);
    return real.close(fd);
}

int fclose(FILE *file)
{
    closed(fileno(file));
    return real.fclose(file);
}

/* ---- reading and writing ---- */

ssize_t read(int fd, void *data, size_t len)
{
    return fd_fails(FAULT_READ, "read", fd) ? -1 : real.read(fd, data, len);
}

/* RocksDB gives its threads names. */
static bool merges_tables(void)
{
    static const char pool[] = "rocksdb:low";
    char name[17] = "";
    (void)prctl(PR_GET_NAME, name);
    return strncmp(name, pool, sizeof pool - 1) == 0;
}

ssize_t pread(int fd, void *data, size_t len, off_t at)
{
    bool fails = fd_fails(FAULT_READ, "pread", fd);
    if (!fails && watch_of_open(fd) == WATCH_FILE && merges_tables())
        fails = fd_fails(FAULT_COMPACTION, "pread", fd);
    return fails ? -1 : real.pread(fd, data, len, at);
}

/* A stream keeps its error flag to itself: a read from a directory sets it. */
size_t fread_unlocked(void *data, size_t size, size_t n, FILE *file)
{
    if (!fd_fails(FAULT_READ, "fread", fileno(file)))
        return real.fread_unlocked(data, size, n, file);
    int fd = dup(fileno(file)), other = real.open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || other < 0 || dup2(other, fileno(file)) < 0)
        abort();
    size_t got = real.fread_unlocked(data, size, n, file);
    if (dup2(fd, fileno(file)) < 0)
        abort();
    (void)real.close(fd);
    (void)real.close(other);
    errno = plan.error;
    return got;
}

static void written(int fd, off_t at, ssize_t n)
{
    if (n <= 0 || watch_of_open(fd) != WATCH_FILE)
        return;
    (void)pthread_mutex_lock(&disk_mutex);
    disk_written(fd, at, at + n);
    (void)pthread_mutex_unlock(&disk_mutex);
}

ssize_t write(int fd, const void *data, size_t len)
{
    if (watch_of_open(fd) == WATCH_NOTHING)
        return real.write(fd, data, len);
    if (fd_fails(FAULT_WRITE, "write", fd))
        return -1;
    if (len > 1 && fd_fails(FAULT_SHORT, "write", fd))
        len /= 2;
    ssize_t n = real.write(fd, data, len);
    written(fd, n > 0 ? lseek(fd, 0, SEEK_CUR) - n : 0, n);
    return n;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    if (fd_fails(FAULT_WRITE, "pwrite", fd))
        return -1;
    if (len > 1 && fd_fails(FAULT_SHORT, "pwrite", fd))
        len /= 2;
    ssize_t n = real.pwrite(fd, data, len, at);
    written(fd, at, n);
    return n;
}

int ftruncate(int fd, off_t len)
{
    if (fd_fails(FAULT_TRUNCATE, "ftruncate", fd))
        return -1;
    int result = real.ftruncate(fd, len);
    (void)pthread_mutex_lock(&disk_mutex);
    disk_truncated(fd);
    (void)pthread_mutex_unlock(&disk_mutex);
    return result;
}

int fallocate(int fd, int mode, off_t at, off_t len)
{
    return fd_fails(FAULT_ALLOCATE, "fallocate", fd) ? -1 : real.fallocate(fd, mode, at, len);
}

int posix_fallocate(int fd, off_t at, off_t len)
{
    return fd_fails(FAULT_ALLOCATE, "posix_fallocate", fd) ? plan.error
                                                           : real.posix_fallocate(fd, at, len);
}

/* ---- syncing ---- */

static bool lies_about(int fd)
{
    char path[256];
    if (lie == NULL)
        return false;
    size_t len = strlen(path_of(fd, path)), end = strlen(lie);
    return len >= end && strcmp(path + len - end, lie) == 0;
}

static int sync_fd(const char *call, int fd, int (*real_sync)(int))
{
    enum watch watch = watch_of_open(fd);
    if (watch == WATCH_NOTHING || watch == WATCH_BESIDE)
        return real_sync(fd);
    bool fails = fd_fails(FAULT_SYNC, call, fd);
    if (!fails && lies_about(fd))
        return 0;
    /* The image stands for the disk: what is in it would survive. */
    int result = fails ? -1 : imaging ? 0 : real_sync(fd);
    int error = errno;
    (void)pthread_mutex_lock(&disk_mutex);
    if (watch == WATCH_FILE)
        disk_synced_file(fd, result == 0);
    else if (watch == WATCH_DIRECTORY && result == 0)
        disk_synced_directory();
    else if (watch == WATCH_PARENT && result == 0)
        disk_synced_parent();
    (void)pthread_mutex_unlock(&disk_mutex);
    errno = error;
    return result;
}

int fsync(int fd)
{
    return sync_fd("fsync", fd, real.fsync);
}

int fdatasync(int fd)
{
    return sync_fd("fdatasync", fd, real.fdatasync);
}

/* ---- names ---- */

int rename(const char *from, const char *to)
{
    return path_fails(FAULT_RENAME, "rename", from) ? -1 : real.rename(from, to);
}

int unlink(const char *path)
{
    return path_fails(FAULT_UNLINK, "unlink", path) ? -1 : real.unlink(path);
}

int unlinkat(int at, const char *name, int flags)
{
    char buffer[512];
    if (path_fails(FAULT_UNLINK, "unlinkat", resolve(at, name, buffer)))
        return -1;
    return real.unlinkat(at, name, flags);
}

int mkdir(const char *path, mode_t mode)
{
    if (path_fails(FAULT_DIRECTORY, "mkdir", path))
        return -1;
    int result = real.mkdir(path, mode);
    if (result == 0 && watch_of(path) == WATCH_DIRECTORY) {
        (void)pthread_mutex_lock(&disk_mutex);
        disk_made_directory();
        (void)pthread_mutex_unlock(&disk_mutex);
    }
    return result;
}

DIR *opendir(const char *path)
{
    if (path_fails(FAULT_DIRECTORY, "opendir", path))
        return NULL;
    DIR *entries = real.opendir(path);
    if (entries != NULL)
        opened(dirfd(entries), path, 0, false);
    return entries;
}

DIR *fdopendir(int fd)
{
    return fd_fails(FAULT_DIRECTORY, "fdopendir", fd) ? NULL : real.fdopendir(fd);
}

struct dirent *readdir(DIR *entries)
{
    return fd_fails(FAULT_LIST, "readdir", dirfd(entries)) ? NULL : real.readdir(entries);
}

int closedir(DIR *entries)
{
    closed(dirfd(entries));
    return real.closedir(entries);
}

int stat(const char *path, struct stat *st)
{
    return path_fails(FAULT_STAT, "stat", path) ? -1 : real.stat(path, st);
}

int lstat(const char *path, struct stat *st)
{
    return path_fails(FAULT_STAT, "lstat", path) ? -1 : real.lstat(path, st);
}

int fstat(int fd, struct stat *st)
{
    return fd_fails(FAULT_STAT, "fstat", fd) ? -1 : real.fstat(fd, st);
}

int fstatat(int at, const char *name, struct stat *st, int flags)
{
    char buffer[512];
    if (path_fails(FAULT_STAT, "fstatat", resolve(at, name, buffer)))
        return -1;
    return real.fstatat(at, name, st, flags);
}

int access(const char *path, int mode)
{
    return path_fails(FAULT_STAT, "access", path) ? -1 : real.access(path, mode);
}

int faccessat(int at, const char *name, int mode, int flags)
{
    char buffer[512];
    if (path_fails(FAULT_STAT, "faccessat", resolve(at, name, buffer)))
        return -1;
    return real.faccessat(at, name, mode, flags);
}

int flock(int fd, int operation)
{
    return fd_fails(FAULT_LOCK, "flock", fd) ? -1 : real.flock(fd, operation);
}

/* ---- what a process needs ---- */

int eventfd(unsigned count, int flags)
{
    return process_fails("eventfd", CALLER) ? -1 : real.eventfd(count, flags);
}

int timerfd_create(int clock, int flags)
{
    return process_fails("timerfd_create", CALLER) ? -1 : real.timerfd_create(clock, flags);
}

int signalfd(int fd, const sigset_t *mask, int flags)
{
    return process_fails("signalfd", CALLER) ? -1 : real.signalfd(fd, mask, flags);
}

ssize_t getrandom(void *data, size_t len, unsigned flags)
{
    return process_fails("getrandom", CALLER) ? -1 : real.getrandom(data, len, flags);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    if (process_fails("pthread_create", CALLER))
        return plan.error;
    return real.pthread_create(thread, attr, run, arg);
}

void *malloc(size_t size)
{
    return memory_fails("malloc", CALLER) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return memory_fails("calloc", CALLER) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return memory_fails("realloc", CALLER) ? NULL : __libc_realloc(old, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    *out = memory_fails("posix_memalign", CALLER) ? NULL : __libc_memalign(alignment, size);
    return *out == NULL ? ENOMEM : 0;
}

char *strdup(const char *text)
{
    size_t len = strlen(text) + 1;
    char *copy = memory_fails("strdup", CALLER) ? NULL : __libc_malloc(len);
    return copy == NULL ? NULL : memcpy(copy, text, len);
}

char *realpath(const char *path, char *out)
{
    return memory_fails("realpath", CALLER) ? NULL : real.realpath(path, out);
}

/* ---- before the program begins ---- */

static void find_functions(void)
{
    /* A pointer to an object holds one to a function: POSIX asks for it because of dlsym(). */
#define X(name, result, parameters) *(void **)(void *)&real.name = dlsym(RTLD_NEXT, #name);
    REAL_FUNCTIONS(X)
#undef X
}

static int find_code(struct dl_phdr_info *info, size_t size, void *arg)
{
    const char *wanted = arg;
    bool program = strcmp(wanted, "program") == 0 && info->dlpi_name[0] == '\0';
    (void)size;
    if (!program && strstr(info->dlpi_name, wanted) == NULL)
        return 0;
    for (int i = 0; i < info->dlpi_phnum && code_n < RANGES_MAX; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0)
            continue;
        code[code_n].base = info->dlpi_addr;
        code[code_n].from = info->dlpi_addr + part->p_vaddr;
        code[code_n++].to = info->dlpi_addr + part->p_vaddr + part->p_memsz;
    }
    return 0;
}

static void choose_code(void)
{
    const char *wanted = getenv(FAULT_ENV_CODE);
    if (wanted != NULL && strcmp(wanted, "all") == 0) {
        code[0].to = UINTPTR_MAX;
        code_n = 1;
        return;
    }
    char name[128];
    (void)snprintf(name, sizeof name, "%s", wanted != NULL ? wanted : "program");
    (void)dl_iterate_phdr(find_code, name);
}

static void read_plan(void)
{
    static const char *const names[] = {
#define X(name, text) text,
        FAULT_KINDS(X)
#undef X
    };
    const char *text = getenv(FAULT_ENV_PLAN);
    char kind[32];
    int once = 1;
    if (text == NULL || sscanf(text, "%31s %lu %d %d", kind, &plan.n, &plan.error, &once) < 3)
        return;
    plan.once = once != 0;
    for (int i = 0; i < FAULT_KINDS_N; i++)
        if (strcmp(kind, names[i]) == 0)
            plan.kind = (enum fault_kind)i;
}

/* Linked to run before any other library's, whose own may open files; the C library's too, which is
 * why the environment is not there yet. */
__attribute__((constructor)) static void begin(int argc, char **argv, char **variables)
{
    (void)argc;
    (void)argv;
    if (environ == NULL)
        environ = variables;
    const char *watched = getenv(FAULT_ENV_DIR), *image = getenv(FAULT_ENV_IMAGE);
    find_functions();
    lie = getenv(FAULT_ENV_LIE);
    if (watched != NULL) {
        (void)snprintf(directory, sizeof directory, "%s", watched);
        (void)snprintf(parent, sizeof parent, "%s", watched);
        *strrchr(parent, '/') = '\0';
    }
    imaging = watched != NULL && image != NULL;
    if (imaging)
        disk_begin(watched, image);
    choose_code();
    read_plan();
    const char *path = getenv(FAULT_ENV_REPORT);
    int fd = path == NULL ? -1 : real.open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)real.close(fd);
    report = map == MAP_FAILED ? NULL : map;
}
