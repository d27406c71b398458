#include "tests/integration/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PARAMETERS_MAX 8
#define LOOK_MS        20

struct terminal {
    int fd, slave;
    pid_t pid;
    bool ended;
    int status;
    int rows, cols;
    char cells[TERMINAL_ROWS_MAX][TERMINAL_COLS_MAX + 1];
    int row, col;
    int top, bottom; /* of the scrolling region */
    bool alternate;
    char last; /* what was written last, to be repeated */
    enum { PLAIN, ESCAPE, CSI, CHARSET, OSC } state;
    char csi_mark;
    int parameters[PARAMETERS_MAX];
    int parameters_n;
    char text[TERMINAL_ROWS_MAX * (TERMINAL_COLS_MAX + 2)];
};

/* ---- the screen ---- */

static void blank(struct terminal *t, int row, int from, int to)
{
    for (int col = from; col < to; col++)
        t->cells[row][col] = ' ';
}

static void clear(struct terminal *t)
{
    for (int row = 0; row < TERMINAL_ROWS_MAX; row++)
        blank(t, row, 0, TERMINAL_COLS_MAX);
}

static int bound(int n, int least, int most)
{
    return n < least ? least : n > most ? most : n;
}

static void scroll(struct terminal *t, int top, int n)
{
    for (int i = 0; i < abs(n); i++) {
        int lines = t->bottom - top;
        if (n > 0)
            memmove(t->cells[top], t->cells[top + 1], (size_t)lines * sizeof t->cells[0]);
        else
            memmove(t->cells[top + 1], t->cells[top], (size_t)lines * sizeof t->cells[0]);
        blank(t, n > 0 ? t->bottom : top, 0, t->cols);
    }
}

static void line_feed(struct terminal *t)
{
    if (t->row == t->bottom)
        scroll(t, t->top, 1);
    else if (t->row + 1 < t->rows)
        t->row++;
}

static void put(struct terminal *t, char c)
{
    if (t->col >= t->cols) {
        t->col = 0;
        line_feed(t);
    }
    t->cells[t->row][t->col++] = c;
    t->last = c;
}

static void erase_line(struct terminal *t, int how)
{
    blank(t, t->row, how == 0 ? t->col : 0, how == 1 ? t->col + 1 : t->cols);
}

static void erase_screen(struct terminal *t, int how)
{
    erase_line(t, how);
    for (int row = 0; row < t->rows; row++)
        if ((how == 0 && row > t->row) || (how == 1 && row < t->row) || how >= 2)
            blank(t, row, 0, t->cols);
}

static void shift_line(struct terminal *t, int n)
{
    char *line = t->cells[t->row];
    int left = t->cols - t->col;
    int by = bound(abs(n), 0, left);
    if (n > 0) {
        memmove(line + t->col + by, line + t->col, (size_t)(left - by));
        blank(t, t->row, t->col, t->col + by);
    } else {
        memmove(line + t->col, line + t->col + by, (size_t)(left - by));
        blank(t, t->row, t->cols - by, t->cols);
    }
}

static void set_mode(struct terminal *t, bool on)
{
    for (int i = 0; i < t->parameters_n; i++)
        if (t->csi_mark == '?' && (t->parameters[i] == 1049 || t->parameters[i] == 47)) {
            t->alternate = on;
            clear(t);
        }
}

static void move(struct terminal *t, int row, int col)
{
    t->row = bound(row, 0, t->rows - 1);
    t->col = bound(col, 0, t->cols - 1);
}

static void csi(struct terminal *t, char final)
{
    int first = t->parameters_n > 0 ? t->parameters[0] : 0;
    int second = t->parameters_n > 1 ? t->parameters[1] : 0;
    int n = first > 0 ? first : 1;
    switch (final) {
    case 'H':
    case 'f':
        move(t, n - 1, second > 0 ? second - 1 : 0);
        break;
    case 'A':
        move(t, t->row - n, t->col);
        break;
    case 'B':
        move(t, t->row + n, t->col);
        break;
    case 'C':
        move(t, t->row, t->col + n);
        break;
    case 'D':
        move(t, t->row, t->col - n);
        break;
    case 'G':
        move(t, t->row, n - 1);
        break;
    case 'd':
        move(t, n - 1, t->col);
        break;
    case 'J':
        erase_screen(t, first);
        break;
    case 'K':
        erase_line(t, first);
        break;
    case 'X':
        blank(t, t->row, t->col, bound(t->col + n, 0, t->cols));
        break;
    case '@':
        shift_line(t, n);
        break;
    case 'P':
        shift_line(t, -n);
        break;
    case 'L':
        scroll(t, t->row, -n);
        break;
    case 'M':
        scroll(t, t->row, n);
        break;
    case 'S':
        scroll(t, t->top, n);
        break;
    case 'T':
        scroll(t, t->top, -n);
        break;
    case 'b':
        for (int i = 0; i < n; i++)
            put(t, t->last);
        break;
    case 'r':
        t->top = bound(n - 1, 0, t->rows - 1);
        t->bottom = second > 0 ? bound(second - 1, 0, t->rows - 1) : t->rows - 1;
        break;
    case 'h':
    case 'l':
        set_mode(t, final == 'h');
        break;
    default: /* colours, and what asks for an answer */
        break;
    }
}

static void take_csi(struct terminal *t, char c)
{
    if (c >= '0' && c <= '9') {
        t->parameters_n = t->parameters_n == 0 ? 1 : t->parameters_n;
        t->parameters[t->parameters_n - 1] =
            bound(t->parameters[t->parameters_n - 1] * 10 + (c - '0'), 0, 99999);
    } else if (c == ';') {
        t->parameters_n = t->parameters_n == 0 ? 1 : t->parameters_n;
        if (t->parameters_n < PARAMETERS_MAX)
            t->parameters[t->parameters_n++] = 0;
    } else if (c >= '<' && c <= '?') {
        t->csi_mark = c;
    } else if (c >= '@') {
        csi(t, c);
        t->state = PLAIN;
    }
}

static void take_escape(struct terminal *t, char c)
{
    t->state = PLAIN;
    if (c == '[') {
        t->state = CSI;
        t->csi_mark = 0;
        t->parameters_n = 0;
        memset(t->parameters, 0, sizeof t->parameters);
    } else if (c == '(' || c == ')') {
        t->state = CHARSET;
    } else if (c == ']') {
        t->state = OSC;
    } else if (c == 'M' && t->row == t->top) {
        scroll(t, t->top, -1);
    } else if (c == 'M') {
        move(t, t->row - 1, t->col);
    }
}

static void take_plain(struct terminal *t, char c)
{
    if (c == '\x1b')
        t->state = ESCAPE;
    else if (c == '\r')
        t->col = 0;
    else if (c == '\n')
        line_feed(t);
    else if (c == '\b')
        t->col -= t->col > 0 ? 1 : 0;
    else if (c == '\t')
        t->col = bound((t->col / 8 + 1) * 8, 0, t->cols - 1);
    else if ((unsigned char)c >= ' ')
        put(t, c);
}

static void take(struct terminal *t, char c)
{
    switch (t->state) {
    case PLAIN:
        take_plain(t, c);
        break;
    case ESCAPE:
        take_escape(t, c);
        break;
    case CSI:
        take_csi(t, c);
        break;
    case CHARSET:
        t->state = PLAIN;
        break;
    case OSC:
        if (c == '\a' || c == '\x1b')
            t->state = c == '\a' ? PLAIN : CHARSET;
        break;
    }
}

/* ---- the program ---- */

struct terminal *terminal_open(int rows, int cols, const char *program, ...)
{
    struct terminal *t = calloc(1, sizeof *t);
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
    char *argv[32] = {(char *)(uintptr_t)program};
    char path[512];
    va_list args;

    assert_non_null(t);
    assert_true(rows <= TERMINAL_ROWS_MAX && cols <= TERMINAL_COLS_MAX);
    va_start(args, program);
    for (int i = 1; i < 31 && (argv[i] = va_arg(args, char *)) != NULL; i++) {
    }
    va_end(args);
    snprintf(path, sizeof path, "%s/%s", ASSENT_BIN_DIR, program);
    t->rows = rows;
    t->cols = cols;
    t->bottom = rows - 1;
    clear(t);
    assert_int_equal(openpty(&t->fd, &t->slave, NULL, NULL, &size), 0);
    assert_int_equal(fcntl(t->fd, F_SETFD, FD_CLOEXEC), 0);
    t->pid = fork();
    if (t->pid == 0) {
        setsid();
        ioctl(t->slave, TIOCSCTTY, 0);
        dup2(t->slave, 0);
        dup2(t->slave, 1);
        dup2(t->slave, 2);
        close(t->slave);
        setenv("TERM", "xterm", 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        unsetenv("LINES");
        unsetenv("COLUMNS");
        execv(path, argv);
        _exit(127);
    }
    assert_true(t->pid > 0);
    return t;
}

static bool reap(struct terminal *t)
{
    if (!t->ended && waitpid(t->pid, &t->status, WNOHANG) == t->pid)
        t->ended = true;
    return t->ended;
}

/* Takes what the program writes within that time. */
static bool listen_for(struct terminal *t, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = t->fd, .events = POLLIN};
    char bytes[4096];
    ssize_t n;

    if (poll(&poll_fd, 1, timeout_ms) <= 0 || (poll_fd.revents & POLLIN) == 0)
        return false;
    n = read(t->fd, bytes, sizeof bytes);
    for (ssize_t i = 0; i < n; i++)
        take(t, bytes[i]);
    return n > 0;
}

void terminal_close(struct terminal **terminal)
{
    struct terminal *t = *terminal;

    if (t == NULL)
        return;
    if (!reap(t)) {
        kill(t->pid, SIGKILL);
        waitpid(t->pid, &t->status, 0);
    }
    close(t->fd);
    close(t->slave);
    free(t);
    *terminal = NULL;
}

void terminal_type(struct terminal *t, const char *keys)
{
    assert_int_equal(write(t->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

void terminal_resize(struct terminal *t, int rows, int cols)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};

    assert_true(rows <= TERMINAL_ROWS_MAX && cols <= TERMINAL_COLS_MAX);
    while (listen_for(t, 0)) {
    }
    t->rows = rows;
    t->cols = cols;
    t->top = 0;
    t->bottom = rows - 1;
    move(t, t->row, t->col);
    clear(t); /* it must draw everything again */
    assert_int_equal(ioctl(t->fd, TIOCSWINSZ, &size), 0);
    kill(t->pid, SIGWINCH);
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

const char *terminal_screen(struct terminal *t)
{
    size_t at = 0;

    for (int row = 0; row < t->rows; row++) {
        int cols = t->cols;
        while (cols > 0 && t->cells[row][cols - 1] == ' ')
            cols--;
        memcpy(t->text + at, t->cells[row], (size_t)cols);
        at += (size_t)cols;
        t->text[at++] = '\n';
    }
    t->text[at] = '\0';
    return t->text;
}

static bool await_text(struct terminal *t, const char *text, bool there, int timeout_ms)
{
    uint64_t until = now_ms() + (uint64_t)timeout_ms;

    for (;;) {
        bool ended = reap(t);
        while (listen_for(t, 0)) {
        }
        if ((strstr(terminal_screen(t), text) != NULL) == there)
            return true;
        if (ended || now_ms() >= until)
            return false;
        (void)listen_for(t, LOOK_MS);
    }
}

bool terminal_shows(struct terminal *t, const char *text, int timeout_ms)
{
    return await_text(t, text, true, timeout_ms);
}

bool terminal_hides(struct terminal *t, const char *text, int timeout_ms)
{
    return await_text(t, text, false, timeout_ms);
}

const char *terminal_line(struct terminal *t, const char *begin, int timeout_ms)
{
    static char line[TERMINAL_COLS_MAX + 1];
    char wanted[128];

    snprintf(wanted, sizeof wanted, "\n%s", begin);
    if (!await_text(t, wanted, true, timeout_ms))
        return NULL;
    snprintf(line, sizeof line, "%s", strstr(terminal_screen(t), wanted) + 1);
    line[strcspn(line, "\n")] = '\0';
    return line;
}

bool terminal_alternate(const struct terminal *t)
{
    return t->alternate;
}

bool terminal_is_sane(const struct terminal *t)
{
    struct termios settings;

    assert_int_equal(tcgetattr(t->slave, &settings), 0);
    return (settings.c_lflag & (tcflag_t)(ICANON | ECHO)) == (ICANON | ECHO);
}

bool terminal_wait(struct terminal *t, int timeout_ms, int *status)
{
    uint64_t until = now_ms() + (uint64_t)timeout_ms;

    while (!reap(t) && now_ms() < until)
        (void)listen_for(t, LOOK_MS);
    while (listen_for(t, 0)) {
    }
    *status = t->status;
    return t->ended;
}
