/* A program on a terminal: a pseudo-terminal, and enough of an xterm behind it to know what stands
 * on the screen. Failures fail the test. */
#ifndef ASSENT_TESTS_INTEGRATION_TERMINAL_H
#define ASSENT_TESTS_INTEGRATION_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TERMINAL_ROWS_MAX 100
#define TERMINAL_COLS_MAX 200

struct terminal;

/* Starts a program of the build on a terminal of this size, with arguments up to NULL. */
struct terminal *terminal_open(int rows, int cols, const char *program, ...);
/* Ends it, if it still runs. */
void terminal_close(struct terminal **terminal);

void terminal_type(struct terminal *terminal, const char *keys);
void terminal_resize(struct terminal *terminal, int rows, int cols);

/* Waits until the text stands on the screen, within a line; false after `timeout_ms`, or when the
 * program has ended without it. */
bool terminal_shows(struct terminal *terminal, const char *text, int timeout_ms);
/* Waits until it stands there no more. */
bool terminal_hides(struct terminal *terminal, const char *text, int timeout_ms);
/* Waits for a line that begins so, and gives it; NULL after `timeout_ms`. Borrowed until the next
 * call. */
const char *terminal_line(struct terminal *terminal, const char *begin, int timeout_ms);
/* Everything on the screen, for a message. Borrowed until the next call. */
const char *terminal_screen(struct terminal *terminal);
/* Is the other screen shown, that full-screen programs use? */
bool terminal_alternate(const struct terminal *terminal);
/* Does the terminal echo and take lines, as a shell leaves it? */
bool terminal_is_sane(const struct terminal *terminal);

/* Waits for its end and gives its wait status; false when it still runs after `timeout_ms`. */
bool terminal_wait(struct terminal *terminal, int timeout_ms, int *status);

#endif
