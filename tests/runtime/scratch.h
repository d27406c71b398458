/* What the runtime's tests share: a directory of their own, files in it, and the lines
 * on stderr. */
#ifndef ASSENT_TESTS_RUNTIME_SCRATCH_H
#define ASSENT_TESTS_RUNTIME_SCRATCH_H

#include "tests/common/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Everything here fails the test when it fails. */
struct scratch {
    char dir[64];
};

void scratch_make(struct scratch *scratch);
void scratch_remove(struct scratch *scratch);
/* The path of a file in the directory; the text lives as long as `out`. */
const char *scratch_path(const struct scratch *scratch, const char *name, char out[256]);
void scratch_write(const char *path, const void *content, size_t len);

/* Sends stderr into an unnamed file from now on. */
struct capture {
    FILE *file;
    int saved_fd;
};
void capture_begin(struct capture *capture);
/* Gives stderr back, and what was written meanwhile (cut to `size` - 1 bytes). */
void capture_end(struct capture *capture, char *out, size_t size);

/* Waits for a child for at most 20 s; its wait status. */
int scratch_wait(pid_t child);

#endif
