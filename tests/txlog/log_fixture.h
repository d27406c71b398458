/* What the tests of the log share: directories, records, files to damage, and child processes. */
#ifndef ASSENT_TESTS_TXLOG_LOG_FIXTURE_H
#define ASSENT_TESTS_TXLOG_LOG_FIXTURE_H

#include "txlog/record.h"
#include "txlog/rocksdb_log.h"

#include <sys/types.h>

/* A new directory to work in, and its removal. */
char *fixture_new(void);
void fixture_remove(char *place);
/* For cmocka: each test has such a directory, and the path of a log in it that is not there yet. */
extern char *fixture_place;
extern char fixture_dir[256];
int fixture_setup(void **state);
int fixture_teardown(void **state);
/* place/name, in one of a few static buffers. */
const char *fixture_path(const char *place, const char *name);

struct txlog_identity fixture_identity(void);
struct rocksdb_log_options fixture_options(const char *directory, enum rocksdb_log_mode mode);
/* Opens as participant "a" of cluster "test". */
enum tx_error fixture_try(const char *directory, enum rocksdb_log_mode mode, struct txlog **log,
                          struct tx_why *why);
struct txlog *fixture_open(const char *directory);

/* Encodes the record that the tests keep at this LSN; `start` is 1 + lsn / 1000. */
void fixture_record(uint64_t lsn, size_t redo_bytes, struct tx_buf *out);
/* Appends n records after the last one, one batch. */
enum tx_error fixture_append(struct txlog *log, size_t n, size_t redo_bytes, bool sync,
                             struct tx_why *why);

/* The newest (or oldest) file of the directory whose name ends in `suffix`; fails when there is
 * none. */
const char *fixture_file(const char *directory, const char *suffix, bool newest);
const char *fixture_biggest(const char *directory, const char *suffix);
size_t fixture_files(const char *directory, const char *suffix);
off_t fixture_size(const char *path);
void fixture_flip(const char *path, off_t at);
void fixture_cut(const char *path, off_t size);
void fixture_unlink(const char *path);

/* Makes `to` anew as a copy of the flat directory `from`. */
void fixture_copy(const char *from, const char *to);

/* Runs this test program again with other arguments; its standard output goes to *out_fd. */
pid_t fixture_child(const char *const *arguments, int *out_fd);
/* Waits until it ends; gives waitpid's status. */
int fixture_wait(pid_t pid);

#endif
