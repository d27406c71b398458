#include "client/txctl/shell_line.h"

#include <errno.h>
#include <histedit.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HISTORY_MAX 1000
#define PATH_SIZE   1024
#define SHOWN_MAX   100u /* candidates in a list */

struct shell_line {
    struct shell_line_calls calls;
    EditLine *edit;
    History *history;
    char path[PATH_SIZE]; /* of the history; empty: it is not kept */
    char *text;
};

/* ---- history ---- */

bool shell_history_path(char *path, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int n = -1;
    if (state != NULL && state[0] == '/') {
        n = snprintf(path, size, "%s/assent/history", state);
    } else if (home != NULL && home[0] == '/') {
        n = snprintf(path, size, "%s/.local/state/assent/history", home);
    }
    return n > 0 && (size_t)n < size;
}

/* Every directory above the file, for its owner alone. */
static bool make_directories(const char *path)
{
    char copy[PATH_SIZE];
    (void)snprintf(copy, sizeof copy, "%s", path);
    for (char *at = strchr(copy + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
            return false;
        }
        *at = '/';
    }
    return true;
}

static void open_history(struct shell_line *line)
{
    HistEvent event;
    line->history = history_init();
    if (line->history == NULL) {
        return;
    }
    (void)history(line->history, &event, H_SETSIZE, HISTORY_MAX);
    (void)history(line->history, &event, H_SETUNIQUE, 1);
    (void)el_set(line->edit, EL_HIST, history, line->history);
    if (!shell_history_path(line->path, sizeof line->path) || !make_directories(line->path)) {
        line->path[0] = '\0';
        return;
    }
    (void)history(line->history, &event, H_LOAD, line->path);
}

static void save_history(struct shell_line *line, const char *text)
{
    HistEvent event;
    if (line->history == NULL || text[strspn(text, " \t\n")] == '\0') {
        return;
    }
    (void)history(line->history, &event, H_ENTER, text);
    if (line->path[0] != '\0') {
        mode_t mask = umask(0077);
        (void)history(line->history, &event, H_SAVE, line->path);
        (void)umask(mask);
        (void)chmod(line->path, 0600);
    }
}

/* ---- keys ---- */

static struct shell_line *line_of(EditLine *edit)
{
    void *line = NULL;
    (void)el_get(edit, EL_CLIENTDATA, &line);
    return line;
}

static char *prompt(EditLine *edit)
{
    struct shell_line *line = line_of(edit);
    return (char *)(uintptr_t)line->calls.prompt(line->calls.arg);
}

/* Ctrl-C: what has been typed goes, and nothing else. */
static unsigned char cancel(EditLine *edit, int key)
{
    const LineInfo *info = el_line(edit);
    (void)key;
    (void)fputs("^C\n", stdout);
    (void)fflush(stdout);
    (void)el_cursor(edit, (int)(info->lastchar - info->cursor));
    info = el_line(edit);
    el_deletestr(edit, (int)(info->lastchar - info->buffer));
    return CC_REDISPLAY;
}

/* The text that all that fit have in common beyond the word, and how many fit. */
struct fits {
    char common[128];
    size_t n;
};

static struct fits find_fits(struct shell_line *line, const char *text, size_t begin, size_t len,
                             bool list)
{
    struct fits fits = {.n = 0};
    const char *candidate;
    for (size_t i = 0;
         (candidate = line->calls.candidate(line->calls.arg, i, text, begin, len)) != NULL; i++) {
        if (strncmp(candidate, text + begin, len - begin) != 0) {
            continue;
        }
        const char *rest = candidate + (len - begin);
        size_t same = 0;
        while (fits.common[same] != '\0' && fits.common[same] == rest[same]) {
            same++;
        }
        if (fits.n++ == 0) {
            (void)snprintf(fits.common, sizeof fits.common, "%s", rest);
        } else {
            fits.common[same] = '\0';
        }
        if (list && fits.n <= SHOWN_MAX) {
            (void)printf("%s%s", fits.n == 1 ? "\n" : "  ", candidate);
        }
    }
    return fits;
}

static unsigned char complete(EditLine *edit, int key)
{
    struct shell_line *line = line_of(edit);
    const LineInfo *info = el_line(edit);
    size_t len = (size_t)(info->cursor - info->buffer);
    size_t begin = len;
    char text[1024];
    (void)key;
    if (len >= sizeof text) {
        return CC_ERROR;
    }
    memcpy(text, info->buffer, len);
    text[len] = '\0';
    while (begin > 0 && strchr(" \t;", text[begin - 1]) == NULL) {
        begin--;
    }
    struct fits fits = find_fits(line, text, begin, len, false);
    if (fits.n == 0) {
        return CC_REFRESH_BEEP;
    }
    if (fits.common[0] != '\0' || fits.n == 1) {
        size_t more = strlen(fits.common);
        bool whole = fits.n == 1 && (more > 0 ? fits.common[more - 1] : text[len - 1]) != '/';
        return el_insertstr(edit, fits.common) == 0 && (!whole || el_insertstr(edit, " ") == 0)
                   ? CC_REFRESH
                   : CC_REFRESH_BEEP;
    }
    (void)find_fits(line, text, begin, len, true);
    (void)putchar('\n');
    (void)fflush(stdout);
    return CC_REDISPLAY;
}

/* ---- lines ---- */

struct shell_line *shell_line_new(const struct shell_line_calls *calls)
{
    struct shell_line *line = calloc(1, sizeof *line);
    if (line == NULL) {
        return NULL;
    }
    line->calls = *calls;
    line->edit = el_init("txctl", stdin, stdout, stderr);
    if (line->edit == NULL) {
        free(line);
        return NULL;
    }
    (void)el_set(line->edit, EL_CLIENTDATA, line);
    (void)el_set(line->edit, EL_PROMPT, prompt);
    (void)el_set(line->edit, EL_EDITOR, "emacs");
    (void)el_set(line->edit, EL_ADDFN, "shell-complete", "Complete the word", complete);
    (void)el_set(line->edit, EL_ADDFN, "shell-cancel", "Drop the line", cancel);
    (void)el_set(line->edit, EL_BIND, "^I", "shell-complete", NULL);
    (void)el_set(line->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    (void)el_set(line->edit, EL_SETTY, "-d", "-isig", NULL);
    (void)el_set(line->edit, EL_BIND, "^C", "shell-cancel", NULL);
    open_history(line);
    return line;
}

void shell_line_destroy(struct shell_line **line)
{
    struct shell_line *old = *line;
    if (old == NULL) {
        return;
    }
    el_end(old->edit);
    if (old->history != NULL) {
        history_end(old->history);
    }
    free(old->text);
    free(old);
    *line = NULL;
}

const char *shell_line_read(struct shell_line *line)
{
    int n = 0;
    /* libedit by itself shows the prompt first: a key typed at once would still be the terminal's,
     * and a Ctrl-D lost. */
    (void)el_set(line->edit, EL_PREP_TERM, 1);
    const char *text = el_gets(line->edit, &n);
    free(line->text);
    line->text = text != NULL && n > 0 ? strndup(text, (size_t)n) : NULL;
    if (line->text == NULL) {
        return NULL;
    }
    save_history(line, line->text);
    line->text[strcspn(line->text, "\n")] = '\0';
    return line->text;
}
