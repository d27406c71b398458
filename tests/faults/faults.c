#include "tests/faults/faults.h"
#include "tests/common/pace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Of every name that is listed a failure behind it would be tried: far fewer will do. */
enum { LIST_FACTOR = 8 };
/* And other people's allocations are thousands. */
enum { OTHERS_FACTOR = 1009 };

static const char *const kinds[] = {
#define X(name, text) text,
    FAULT_KINDS(X)
#undef X
};

const char *faults_kind(enum fault_kind kind)
{
    return kinds[kind];
}

static const char *join(char out[FAULT_PATH], const char *place, const char *name)
{
    assert_true(snprintf(out, FAULT_PATH, "%s/%s", place, name) < FAULT_PATH);
    return out;
}

const char *faults_path(const struct faults *faults, const char *name, char out[FAULT_PATH])
{
    return join(out, faults->place, name);
}

static void make_report(struct faults *faults)
{
    char path[FAULT_PATH];
    int fd = open(faults_path(faults, "report", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof *faults->report), 0);
    faults->report = mmap(NULL, sizeof *faults->report, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(faults->report != MAP_FAILED);
    assert_int_equal(close(fd), 0);
}

void faults_init(struct faults *faults)
{
    const char *base = getenv("TMPDIR");
    char path[FAULT_PATH];
    *faults = (struct faults){0};
    (void)snprintf(faults->place, sizeof faults->place, "%s/assent-faults-XXXXXX",
                   base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(faults->place));
    assert_int_equal(mkdir(faults_path(faults, "image", path), 0700), 0);
    make_report(faults);
    faults->stride = 1;
}

void faults_choose(struct faults *faults, unsigned long stride)
{
    const char *offset = getenv("ASSENT_FAULTS_OFFSET");
    const char *all = getenv("ASSENT_FAULTS_ALL");
    faults->stride = all != NULL && strcmp(all, "0") != 0 ? 1 : stride * pace_share();
    faults->offset = (offset != NULL ? strtoul(offset, NULL, 10) : 0) % faults->stride;
    print_message("every point of %lu; ASSENT_FAULTS_OFFSET=%lu\n", faults->stride, faults->offset);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void faults_remove(const char *directory)
{
    if (nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        fail_msg("cannot remove %s: %s", directory, strerror(errno));
}

void faults_deinit(struct faults *faults)
{
    faults_disarm();
    assert_int_equal(munmap(faults->report, sizeof *faults->report), 0);
    faults_remove(faults->place);
}

void faults_arm(struct faults *faults, const char *directory, const struct fault *fault, bool image,
                const char *lie)
{
    char path[FAULT_PATH], plan[64];
    memset(faults->report, 0, sizeof *faults->report);
    assert_int_equal(setenv("LD_PRELOAD", ASSENT_FAULTS_LIBRARY, 1), 0);
    assert_int_equal(setenv(FAULT_ENV_DIR, directory, 1), 0);
    assert_int_equal(setenv(FAULT_ENV_REPORT, faults_path(faults, "report", path), 1), 0);
    assert_int_equal(setenv(FAULT_ENV_CODE, fault->code != NULL ? fault->code : "program", 1), 0);
    if (fault->n > 0) {
        (void)snprintf(plan, sizeof plan, "%s %lu %d %d", kinds[fault->kind], fault->n,
                       fault->error, fault->for_ever ? 0 : 1);
        assert_int_equal(setenv(FAULT_ENV_PLAN, plan, 1), 0);
    }
    if (image) {
        faults_remove(faults_path(faults, "image", path));
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(setenv(FAULT_ENV_IMAGE, path, 1), 0);
    }
    if (lie != NULL)
        assert_int_equal(setenv(FAULT_ENV_LIE, lie, 1), 0);
}

void faults_disarm(void)
{
    static const char *const names[] = {"LD_PRELOAD",     FAULT_ENV_PLAN, FAULT_ENV_DIR,
                                        FAULT_ENV_REPORT, FAULT_ENV_CODE, FAULT_ENV_IMAGE,
                                        FAULT_ENV_LIE};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unsetenv(names[i]);
}

bool faults_fired(const struct faults *faults)
{
    return atomic_load(&faults->report->fired) > 0;
}

const char *faults_describe(const struct faults *faults, const struct fault *fault)
{
    static char text[640];
    const struct fault_report *r = faults->report;
    (void)snprintf(text, sizeof text, "ASSENT_FAULT='%s %lu %d %d' (%s of %s%s)",
                   kinds[fault->kind], fault->n, fault->error, fault->for_ever ? 0 : 1, r->call,
                   r->path, r->after);
    return text;
}

unsigned long faults_first(const struct faults *faults)
{
    return 1 + faults->offset;
}

unsigned long faults_next(const struct faults *faults, const struct fault *fault)
{
    bool few = faults->stride > 1 && fault->kind == FAULT_LIST;
    return fault->n + faults->stride * (fault->code != NULL ? OTHERS_FACTOR
                                        : few               ? LIST_FACTOR
                                                            : 1);
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
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n;
    if (in < 0 || out < 0)
        fail_msg("cannot copy %s to %s: %s", from, to, strerror(errno));
    while ((n = read(in, chunk, sizeof chunk)) > 0)
        assert_int_equal(write(out, chunk, (size_t)n), n);
    assert_int_equal(n, 0);
    assert_int_equal(close(in), 0);
    assert_int_equal(close(out), 0);
}

void faults_copy(const char *from, const char *to)
{
    char a[FAULT_PATH], b[FAULT_PATH];
    const struct dirent *entry;
    faults_remove(to);
    DIR *entries = opendir(from);
    if (entries == NULL)
        return;
    assert_int_equal(mkdir(to, 0700), 0);
    while ((entry = readdir(entries)) != NULL)
        if (is_file(entry, join(a, from, entry->d_name)))
            copy_file(join(a, from, entry->d_name), join(b, to, entry->d_name));
    assert_int_equal(closedir(entries), 0);
}

static bool restore(const char *image, const char *directory)
{
    char path[FAULT_PATH], to[FAULT_PATH], number[32], name[128];
    faults_remove(directory);
    if (access(join(path, image, "born"), F_OK) != 0)
        return false;
    assert_int_equal(mkdir(directory, 0700), 0);
    FILE *names = fopen(join(path, image, "names"), "r");
    assert_non_null(names);
    while (fscanf(names, "%31s %127s", number, name) == 2)
        copy_file(join(path, image, number), join(to, directory, name));
    assert_int_equal(fclose(names), 0);
    return true;
}

bool faults_restore(const struct faults *faults, const char *directory)
{
    char image[FAULT_PATH];
    return restore(faults_path(faults, "image", image), directory);
}

void faults_restore_from(const char *image, const char *directory)
{
    assert_true(restore(image, directory));
}

const char *faults_read(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t n = file != NULL ? fread(out, 1, size - 1, file) : 0;
    out[n] = '\0';
    if (file != NULL)
        assert_int_equal(fclose(file), 0);
    return out;
}
