/* Reading lines from a terminal: editing, a history that is kept in a file, completion. On libedit.
 */
#ifndef ASSENT_CLIENT_SHELL_LINE_H
#define ASSENT_CLIENT_SHELL_LINE_H

#include <stdbool.h>
#include <stddef.h>

struct shell_line;

struct shell_line_calls {
    /* The prompt; borrowed until the next call. */
    const char *(*prompt)(void *arg);
    /* The i-th text that the word may become, as it stands from `begin` on in a line of which `len`
     * bytes are there; NULL beyond the last. */
    const char *(*candidate)(void *arg, size_t i, const char *line, size_t begin, size_t len);
    void *arg;
};

/* NULL when out of memory, or no terminal. */
struct shell_line *shell_line_new(const struct shell_line_calls *calls);
void shell_line_destroy(struct shell_line **line);

/* The next line without its newline, borrowed until the next call; NULL at the end of the input. It
 * is added to the history. */
const char *shell_line_read(struct shell_line *line);

/* $XDG_STATE_HOME/assent/history, or in ~/.local/state; false when there is no such place. */
bool shell_history_path(char *path, size_t size);

#endif
