/* What to say when RocksDB ends the process while a directory is being read.
 *
 * Debian's build of RocksDB has its assertions on, and a table's footer has no checksum of its own
 * in the format of that version: damage there can break an assertion, which aborts. Between begin
 * and end such a broken assertion becomes a message that names the directory, and the exit status
 * EX_DATAERR. Assertions of this project (common/assert.h) and aborts for other reasons are as
 * ever. One directory at a time. */
#ifndef ASSENT_TXLOG_READ_GUARD_H
#define ASSENT_TXLOG_READ_GUARD_H

enum read_guard_form {
    READ_GUARD_LOG_LINE, /* level=error msg="...": for daemons */
    READ_GUARD_TEXT,     /* for the tools */
};

/* `directory` must last until the end. */
void read_guard_begin(const char *directory, enum read_guard_form form);
void read_guard_end(void);

/* What assert() calls, in libraries too: the program's own definition goes before the C library's.
 * (Declared by <assert.h> only where NDEBUG is not set.) */
_Noreturn void __assert_fail(const char *condition, const char *file, unsigned line,
                             const char *function) __attribute__((visibility("default")));

#endif
