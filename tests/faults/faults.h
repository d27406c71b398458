/* What the fault tests share: starting programs under the preloaded library, what it reports, and
 * directories to copy and to restore. */
#ifndef ASSENT_TESTS_FAULTS_FAULTS_H
#define ASSENT_TESTS_FAULTS_FAULTS_H

#include "tests/faults/preload.h"

#include <stdbool.h>
#include <stddef.h>

enum { FAULT_PATH = 256 };

/* A place to work in: `place`/report, `place`/image/, and whatever the test adds. */
struct faults {
    char place[FAULT_PATH];
    struct fault_report *report;
    unsigned long stride; /* of the points that are tried; 1: all */
    unsigned long offset;
};

/* One fault. `n` 0: none, only count. */
struct fault {
    enum fault_kind kind;
    unsigned long n;
    int error;
    bool for_ever; /* and each call of the kind after it */
    const char *code;
};

void faults_init(struct faults *faults);
/* From here on every `stride`-th point is tried, from the first on; ASSENT_FAULTS_OFFSET in the
 * environment begins behind it, ASSENT_FAULTS_ALL makes it every one. */
void faults_choose(struct faults *faults, unsigned long stride);
void faults_deinit(struct faults *faults);
const char *faults_path(const struct faults *faults, const char *name, char out[FAULT_PATH]);

/* Sets the environment for programs that are started from here on, and empties report and image.
 * `image` asks for the image of the disk; `lie` may be NULL. */
void faults_arm(struct faults *faults, const char *directory, const struct fault *fault, bool image,
                const char *lie);
void faults_disarm(void);
bool faults_fired(const struct faults *faults);
/* "write 17 (pwrite of .../HEAD)", for messages. */
const char *faults_describe(const struct faults *faults, const struct fault *fault);
const char *faults_kind(enum fault_kind kind);
/* The first point to try, and the one after `n`. */
unsigned long faults_first(const struct faults *faults);
unsigned long faults_next(const struct faults *faults, const struct fault *fault);

/* Makes `to` anew as a copy of the flat directory `from`; nothing when that does not exist. */
void faults_copy(const char *from, const char *to);
void faults_remove(const char *directory);
/* Makes `directory` anew as the loss of power would have left it; false when not even the directory
 * would be there. */
bool faults_restore(const struct faults *faults, const char *directory);
void faults_restore_from(const char *image, const char *directory);

/* Reads a small file into a buffer; "" when it is not there. */
const char *faults_read(const char *path, char *out, size_t size);

#endif
