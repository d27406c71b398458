/* The functions of the C library behind the preloaded ones. */
#ifndef ASSENT_TESTS_FAULTS_PRELOAD_REAL_H
#define ASSENT_TESTS_FAULTS_PRELOAD_REAL_H

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

/* A macro with optimisation. */
#undef fread_unlocked

/* name, what it returns, its parameters */
#define REAL_FUNCTIONS(X)                                                                          \
    X(open, int, (const char *, int, ...))                                                         \
    X(openat, int, (int, const char *, int, ...))                                                  \
    X(close, int, (int))                                                                           \
    X(fopen, FILE *, (const char *, const char *))                                                 \
    X(fclose, int, (FILE *))                                                                       \
    X(read, ssize_t, (int, void *, size_t))                                                        \
    X(pread, ssize_t, (int, void *, size_t, off_t))                                                \
    X(fread_unlocked, size_t, (void *, size_t, size_t, FILE *))                                    \
    X(write, ssize_t, (int, const void *, size_t))                                                 \
    X(pwrite, ssize_t, (int, const void *, size_t, off_t))                                         \
    X(fsync, int, (int))                                                                           \
    X(fdatasync, int, (int))                                                                       \
    X(rename, int, (const char *, const char *))                                                   \
    X(unlink, int, (const char *))                                                                 \
    X(unlinkat, int, (int, const char *, int))                                                     \
    X(ftruncate, int, (int, off_t))                                                                \
    X(fallocate, int, (int, int, off_t, off_t))                                                    \
    X(posix_fallocate, int, (int, off_t, off_t))                                                   \
    X(mkdir, int, (const char *, mode_t))                                                          \
    X(opendir, DIR *, (const char *))                                                              \
    X(fdopendir, DIR *, (int))                                                                     \
    X(readdir, struct dirent *, (DIR *))                                                           \
    X(closedir, int, (DIR *))                                                                      \
    X(stat, int, (const char *, struct stat *))                                                    \
    X(lstat, int, (const char *, struct stat *))                                                   \
    X(fstat, int, (int, struct stat *))                                                            \
    X(fstatat, int, (int, const char *, struct stat *, int))                                       \
    X(access, int, (const char *, int))                                                            \
    X(faccessat, int, (int, const char *, int, int))                                               \
    X(flock, int, (int, int))                                                                      \
    X(eventfd, int, (unsigned, int))                                                               \
    X(timerfd_create, int, (int, int))                                                             \
    X(signalfd, int, (int, const sigset_t *, int))                                                 \
    X(getrandom, ssize_t, (void *, size_t, unsigned))                                              \
    X(pthread_create, int, (pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))       \
    X(realpath, char *, (const char *, char *))

struct real {
#define X(name, result, parameters) result(*name) parameters;
    REAL_FUNCTIONS(X)
#undef X
};

/* Filled before the program's own code runs. */
extern struct real real;

#endif
