#include "tests/runtime/scratch.h"

#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void scratch_make(struct scratch *scratch)
{
    const char *tmp = getenv("TMPDIR");

    (void)snprintf(scratch->dir, sizeof(scratch->dir), "%s/assent-XXXXXX",
                   tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
    assert_non_null(mkdtemp(scratch->dir));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void scratch_remove(struct scratch *scratch)
{
    assert_int_equal(nftw(scratch->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *scratch_path(const struct scratch *scratch, const char *name, char out[256])
{
    (void)snprintf(out, 256, "%s/%s", scratch->dir, name);
    return out;
}

void scratch_write(const char *path, const void *content, size_t len)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

void capture_begin(struct capture *capture)
{
    (void)fflush(stderr);
    capture->file = tmpfile();
    assert_non_null(capture->file);
    capture->saved_fd = dup(STDERR_FILENO);
    assert_true(capture->saved_fd >= 0);
    assert_true(dup2(fileno(capture->file), STDERR_FILENO) >= 0);
}

void capture_end(struct capture *capture, char *out, size_t size)
{
    size_t len;

    (void)fflush(stderr);
    assert_true(dup2(capture->saved_fd, STDERR_FILENO) >= 0);
    assert_int_equal(close(capture->saved_fd), 0);
    rewind(capture->file);
    len = fread(out, 1, size - 1, capture->file);
    out[len] = '\0';
    assert_int_equal(fclose(capture->file), 0);
}

int scratch_wait(pid_t child)
{
    const struct timespec pause_time = {.tv_nsec = 5 * 1000 * 1000};
    int status = 0;

    for (int i = 0; i < 12000; i++) {
        if (waitpid(child, &status, WNOHANG) == child) {
            return status;
        }
        (void)nanosleep(&pause_time, NULL);
    }
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
    fail_msg("the child did not end");
    return status;
}
