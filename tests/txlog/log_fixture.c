#include "log_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

char *fixture_new(void)
{
    const char *base = getenv("TMPDIR");
    char *place = NULL;
    assert_true(asprintf(&place, "%s/assent-test-XXXXXX", base != NULL ? base : "/tmp") > 0);
    assert_non_null(mkdtemp(place));
    return place;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void fixture_remove(char *place)
{
    assert_int_equal(nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(place);
}

char *fixture_place;
char fixture_dir[256];

int fixture_setup(void **state)
{
    (void)state;
    fixture_place = fixture_new();
    (void)snprintf(fixture_dir, sizeof fixture_dir, "%s/log", fixture_place);
    return 0;
}

int fixture_teardown(void **state)
{
    (void)state;
    fixture_remove(fixture_place);
    return 0;
}

const char *fixture_path(const char *place, const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    assert_true(snprintf(path, 512, "%s/%s", place, name) < 512);
    return path;
}

struct txlog_identity fixture_identity(void)
{
    return (struct txlog_identity){
        .cluster = "test", .role = TX_ROLE_PARTICIPANT, .name = {"a"}, .coordinator = 0};
}

struct rocksdb_log_options fixture_options(const char *directory, enum rocksdb_log_mode mode)
{
    return (struct rocksdb_log_options){
        .directory = directory, .mode = mode, .identity = fixture_identity()};
}

enum tx_error fixture_try(const char *directory, enum rocksdb_log_mode mode, struct txlog **log,
                          struct tx_why *why)
{
    struct rocksdb_log_options options = fixture_options(directory, mode);
    return rocksdb_log_open(&options, log, why);
}

struct txlog *fixture_open(const char *directory)
{
    struct txlog *log = NULL;
    struct tx_why why = {{0}};
    if (fixture_try(directory, ROCKSDB_LOG_OPEN, &log, &why) != TX_OK)
        fail_msg("%s", why.text);
    return log;
}

void fixture_record(uint64_t lsn, size_t redo_bytes, struct tx_buf *out)
{
    uint8_t *redo = malloc(redo_bytes + 1);
    assert_non_null(redo);
    memset(redo, (int)('a' + lsn % 26), redo_bytes);
    struct txlog_record record = {
        .type = TXLOG_COMMITTED,
        .lsn = {lsn},
        .start = 1 + lsn / 1000,
        .committed = {{1, 1, lsn}, true, {0}, tx_bytes(redo, redo_bytes), false}};
    tx_buf_clear(out);
    assert_int_equal(txlog_record_encode(&record, out), TX_OK);
    free(redo);
}

enum tx_error fixture_append(struct txlog *log, size_t n, size_t redo_bytes, bool sync,
                             struct tx_why *why)
{
    struct tx_buf *bufs = calloc(n, sizeof(*bufs));
    struct txlog_append *appends = calloc(n, sizeof(*appends));
    assert_true(bufs != NULL && appends != NULL);
    uint64_t next = txlog_last(log).n + 1;
    for (size_t i = 0; i < n; i++) {
        fixture_record(next + i, redo_bytes, &bufs[i]);
        appends[i] = (struct txlog_append){.lsn = {next + i}, .record = tx_buf_view(&bufs[i])};
    }
    enum tx_error error = txlog_append(log, appends, n, sync, why);
    for (size_t i = 0; i < n; i++)
        tx_buf_deinit(&bufs[i]);
    free(bufs);
    free(appends);
    return error;
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t a = strlen(name), b = strlen(suffix);
    return a >= b && strcmp(name + a - b, suffix) == 0;
}

static size_t look(const char *directory, const char *suffix, bool newest, char best[256])
{
    DIR *entries = opendir(directory);
    assert_non_null(entries);
    const struct dirent *entry;
    size_t n = 0;
    best[0] = '\0';
    while ((entry = readdir(entries)) != NULL) {
        if (!ends_with(entry->d_name, suffix))
            continue;
        n++;
        int order = strcmp(entry->d_name, best);
        if (best[0] == '\0' || (newest ? order > 0 : order < 0))
            (void)snprintf(best, 256, "%s", entry->d_name);
    }
    (void)closedir(entries);
    return n;
}

const char *fixture_file(const char *directory, const char *suffix, bool newest)
{
    char name[256];
    assert_true(look(directory, suffix, newest, name) > 0);
    return fixture_path(directory, name);
}

const char *fixture_biggest(const char *directory, const char *suffix)
{
    DIR *entries = opendir(directory);
    assert_non_null(entries);
    const struct dirent *entry;
    char best[256] = {0};
    off_t size = -1;
    while ((entry = readdir(entries)) != NULL) {
        off_t bytes = fixture_size(fixture_path(directory, entry->d_name));
        if (!ends_with(entry->d_name, suffix) || bytes <= size)
            continue;
        size = bytes;
        (void)snprintf(best, sizeof(best), "%s", entry->d_name);
    }
    (void)closedir(entries);
    assert_true(size >= 0);
    return fixture_path(directory, best);
}

size_t fixture_files(const char *directory, const char *suffix)
{
    char name[256];
    return look(directory, suffix, true, name);
}

off_t fixture_size(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

void fixture_flip(const char *path, off_t at)
{
    uint8_t byte;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_int_equal(close(fd), 0);
}

void fixture_cut(const char *path, off_t size)
{
    assert_int_equal(truncate(path, size), 0);
}

void fixture_unlink(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

/* Not every file system says it in the entry. */
static bool is_file(const struct dirent *entry, const char *path)
{
    struct stat st;
    return entry->d_type == DT_REG ||
           (entry->d_type == DT_UNKNOWN && lstat(path, &st) == 0 && S_ISREG(st.st_mode));
}

static void copy_file(const char *from, const char *to)
{
    static char chunk[1 << 16];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t n;
    assert_true(in >= 0 && out >= 0);
    while ((n = read(in, chunk, sizeof chunk)) > 0)
        assert_int_equal(write(out, chunk, (size_t)n), n);
    assert_int_equal(n, 0);
    assert_int_equal(close(in), 0);
    assert_int_equal(close(out), 0);
}

void fixture_copy(const char *from, const char *to)
{
    const struct dirent *entry;
    assert_true(nftw(to, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT);
    assert_int_equal(mkdir(to, 0700), 0);
    DIR *entries = opendir(from);
    assert_non_null(entries);
    while ((entry = readdir(entries)) != NULL)
        if (is_file(entry, fixture_path(from, entry->d_name)))
            copy_file(fixture_path(from, entry->d_name), fixture_path(to, entry->d_name));
    assert_int_equal(closedir(entries), 0);
}

pid_t fixture_child(const char *const *arguments, int *out_fd)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        /* Its name, not the link: under memcheck that leads to memcheck. */
        char self[512] = "";
        if (readlink("/proc/self/exe", self, sizeof(self) - 1) <= 0)
            _exit(127);
        char *argv[8] = {(char *)"child"};
        for (int i = 0; arguments[i] != NULL; i++)
            argv[i + 1] = strdup(arguments[i]);
        (void)dup2(fds[1], STDOUT_FILENO);
        (void)close(fds[0]);
        (void)close(fds[1]);
        (void)execv(self, argv);
        _exit(127);
    }
    (void)close(fds[1]);
    *out_fd = fds[0];
    return pid;
}

int fixture_wait(pid_t pid)
{
    int status = 0;
    pid_t got;
    do {
        got = waitpid(pid, &status, 0);
    } while (got < 0 && errno == EINTR);
    assert_int_equal(got, pid);
    return status;
}
