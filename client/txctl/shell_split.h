/* The statements of a line of txctl shell: what stands between its semicolons, by the rules of
 * exec_parse.h for quotes, escapes and comments. */
#ifndef ASSENT_CLIENT_SHELL_SPLIT_H
#define ASSENT_CLIENT_SHELL_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

/* The next statement of the line from `*at` on, without blanks around: [*begin, *end). False when
 * there is none. A statement that holds nothing is passed over. */
bool shell_split_next(const char *line, size_t *at, size_t *begin, size_t *end);

#endif
