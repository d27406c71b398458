#include "client/txctl/shell_split.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* From an opening quote to behind the closing one, or to the end. */
static size_t skip_quoted(const char *line, size_t at)
{
    char quote = line[at++];
    while (line[at] != '\0' && line[at] != quote) {
        at += quote == '"' && line[at] == '\\' && line[at + 1] != '\0' ? 2 : 1;
    }
    return line[at] != '\0' ? at + 1 : at;
}

/* To the semicolon that ends the statement, a comment, or the end of the line. */
static size_t skip_statement(const char *line, size_t at)
{
    for (bool word_begins = true; line[at] != '\0' && line[at] != ';';) {
        if (line[at] == '#' && word_begins) {
            return at;
        }
        word_begins = is_blank(line[at]);
        if (line[at] == '\'' || line[at] == '"') {
            at = skip_quoted(line, at);
        } else {
            at += line[at] == '\\' && line[at + 1] != '\0' ? 2 : 1;
        }
    }
    return at;
}

bool shell_split_next(const char *line, size_t *at, size_t *begin, size_t *end)
{
    for (;;) {
        while (is_blank(line[*at]) || line[*at] == ';') {
            (*at)++;
        }
        if (line[*at] == '\0' || line[*at] == '#') {
            return false;
        }
        *begin = *at;
        *at = skip_statement(line, *at);
        *end = *at;
        while (*end > *begin && is_blank(line[*end - 1])) {
            (*end)--;
        }
        if (*end > *begin) {
            return true;
        }
    }
}
