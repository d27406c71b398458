/* txctl top: a thread for each daemon asks it again and again, and one draws what is known. A
 * daemon that does not answer holds up nobody but its own thread. */
#include "client/cli.h"
#include "client/txctl/top_frame.h"
#include "client/txctl/txctl.h"
#include "common/json.h"

#include <curses.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define KEY_WAIT_MS   50
#define SILENT_MS     2000u /* without an answer for so long, a daemon is shown as silent */
#define ONCE_WIDTH    100u
#define ONCE_TXS      20u
#define ONCE_WAIT_MS  3000u /* beyond two intervals, for those that do not answer */
#define ONCE_CHECK_MS 10u

struct top {
    txclient *client;
    double interval;
    pthread_mutex_t lock; /* for all below */
    struct top_model model;
    size_t polled; /* nodes that have a thread */
    size_t answers[TOP_NODES_MAX];
    uint64_t changes;
};

struct poller {
    struct top *top;
    size_t node;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static void sleep_ms(uint64_t ms)
{
    struct timespec time = {.tv_sec = (time_t)(ms / 1000u),
                            .tv_nsec = (long)(ms % 1000u) * 1000000};
    (void)nanosleep(&time, NULL);
}

/* ---- asking ---- */

static void start_pollers(struct top *top);

static void ask(struct top *top, size_t i)
{
    char address[sizeof top->model.nodes[0].address];
    txclient_node *answer = NULL;
    (void)pthread_mutex_lock(&top->lock);
    (void)snprintf(address, sizeof address, "%s", top->model.nodes[i].address);
    top_model_asked(&top->model, i, now_ms());
    (void)pthread_mutex_unlock(&top->lock);
    txclient_status status =
        txclient_inspect(top->client, address[0] != '\0' ? address : NULL, &answer);
    (void)pthread_mutex_lock(&top->lock);
    top_model_answer(&top->model, i, status == TXCLIENT_OK ? answer : NULL,
                     txclient_detail(top->client)->text, now_ms());
    top->answers[i]++;
    top->changes++;
    start_pollers(top);
    (void)pthread_mutex_unlock(&top->lock);
}

static void *poll_node(void *arg)
{
    struct poller poller = *(struct poller *)arg;
    uint64_t interval_ms = (uint64_t)(poller.top->interval * 1000.0);
    free(arg);
    for (;;) {
        uint64_t begun = now_ms();
        ask(poller.top, poller.node);
        uint64_t took = now_ms() - begun;
        sleep_ms(took < interval_ms ? interval_ms - took : 1);
    }
    return NULL;
}

/* With the lock. The threads end with the process: a call that waits for a daemon cannot be called
 * off. */
static void start_pollers(struct top *top)
{
    while (top->polled < top->model.nodes_n) {
        struct poller *poller = malloc(sizeof *poller);
        pthread_t thread;
        if (poller == NULL) {
            return; /* again after the next answer */
        }
        *poller = (struct poller){top, top->polled};
        if (pthread_create(&thread, NULL, poll_node, poller) != 0) {
            free(poller);
            return;
        }
        (void)pthread_detach(thread);
        top->polled++;
    }
}

static void fill_clock(struct top_view *view, char *text, size_t size)
{
    time_t now = time(NULL);
    struct tm parts;
    (void)localtime_r(&now, &parts);
    (void)strftime(text, size, "%H:%M:%S", &parts);
    view->clock = text;
    view->now_ms = now_ms();
}

/* ---- once ---- */

/* Has everybody given two answers, so that there are rates? One that does not answer gets no
 * second chance. */
static bool complete(struct top *top)
{
    bool all = true;
    (void)pthread_mutex_lock(&top->lock);
    top_model_overdue(&top->model, now_ms(), SILENT_MS);
    for (size_t i = 0; i < top->model.nodes_n; i++) {
        const struct top_node *node = &top->model.nodes[i];
        all = all && (node->before != NULL || node->failed);
    }
    (void)pthread_mutex_unlock(&top->lock);
    return all;
}

static void json_node(struct json *json, const struct top_node *node, uint64_t now)
{
    char state[64];
    json_object_begin(json);
    json_member(json, "name", node->name);
    json_member(json, "state", top_state(node, now, state, sizeof state));
    json_member_bool(json, "silent", top_silent(node));
    json_member_u64(json, "open", top_open(node));
    json_member_u64(json, "prepared", top_in_doubt(node));
    json_member_u64(json, "locks_waiting", top_waits(node));
    const struct {
        const char *name;
        double value;
    } rates[] = {{"begun_per_s", top_begun(node)},
                 {"committed_per_s", top_committed(node)},
                 {"aborted_per_s", top_aborted(node)},
                 {"syncs_per_s", top_rate(node, "log_batches")},
                 {"sync_us", top_growth(node, "log_sync_us_total", "log_batches")},
                 {"log_bytes_per_s", top_rate(node, "log_bytes")}};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        json_member_double(json, rates[i].name, rates[i].value);
    }
    json_object_end(json);
}

static void print_json(const struct top *top)
{
    struct json json;
    json_init(&json, stdout);
    json_object_begin(&json);
    json_member_array_begin(&json, "nodes");
    for (size_t i = 0; i < top->model.nodes_n; i++) {
        json_node(&json, &top->model.nodes[i], now_ms());
    }
    json_array_end(&json);
    json_object_end(&json);
    (void)putchar('\n');
}

static void print_text(const struct top *top)
{
    static struct top_frame frame;
    char clock[16];
    struct top_view view = {.width = ONCE_WIDTH, .interval = top->interval};
    view.height = 16u + 2u * top->model.nodes_n + ONCE_TXS;
    fill_clock(&view, clock, sizeof clock);
    top_frame_draw(&frame, &top->model, &view);
    for (size_t i = 0; i < frame.n; i++) {
        (void)printf("%s\n", frame.text[i]);
    }
}

static int show_once(struct top *top, bool as_json)
{
    uint64_t until = now_ms() + (uint64_t)(top->interval * 2000.0) + ONCE_WAIT_MS;
    while (!complete(top) && now_ms() < until) {
        sleep_ms(ONCE_CHECK_MS);
    }
    (void)pthread_mutex_lock(&top->lock);
    for (size_t i = 0; i < top->model.nodes_n; i++) {
        if (top->answers[i] == 0 && !top->model.nodes[i].failed) {
            top_model_answer(&top->model, i, NULL, "no answer yet", now_ms());
        }
    }
    if (as_json) {
        print_json(top);
    } else {
        print_text(top);
    }
    bool reached = !top->model.nodes[0].failed;
    (void)pthread_mutex_unlock(&top->lock);
    return reached ? 0 : EX_UNAVAILABLE;
}

/* ---- the screen ---- */

static void paint(const struct top_frame *frame)
{
    static const attr_t attributes[] = {[TOP_PLAIN] = A_NORMAL,
                                        [TOP_TITLE] = A_BOLD,
                                        [TOP_HEADER] = A_REVERSE,
                                        [TOP_BAD] = A_BOLD,
                                        [TOP_DIM] = A_NORMAL};
    (void)erase();
    for (size_t i = 0; i < frame->n && i < (size_t)LINES; i++) {
        attr_t attribute = attributes[frame->style[i]];
        if (frame->style[i] == TOP_BAD && has_colors()) {
            attribute |= (attr_t)COLOR_PAIR(1);
        }
        (void)attrset((int)attribute);
        (void)mvaddnstr((int)i, 0, frame->text[i], COLS);
        if (frame->style[i] == TOP_HEADER) {
            (void)hline(' ' | attribute, COLS - (int)strlen(frame->text[i]));
        }
    }
    (void)attrset(A_NORMAL);
    (void)refresh();
}

/* Where a key scrolls to. */
static size_t scrolled(const struct top_view *view, int key)
{
    size_t page = view->height / 2;
    if (key == KEY_DOWN) {
        return view->scroll + 1;
    }
    if (key == KEY_UP) {
        return view->scroll - (view->scroll > 0 ? 1 : 0);
    }
    if (key == KEY_NPAGE) {
        return view->scroll + page;
    }
    if (key == KEY_PPAGE) {
        return view->scroll - (view->scroll > page ? page : view->scroll);
    }
    return key == KEY_HOME ? 0 : view->scroll;
}

/* False: leave. */
static bool press(struct top_view *view, size_t nodes_n, int key)
{
    bool leave = key == 'q' || key == 'Q';
    if (view->help && key != ERR && key != KEY_RESIZE) {
        view->help = false;
    } else if (key == 'h' || key == '?') {
        view->help = true;
    } else if (key == 's') {
        view->sort = (enum top_sort)((view->sort + 1) % TOP_SORTS_N);
    } else if (key == 'n') {
        view->node = (view->node + 1) % (nodes_n + 1);
        view->scroll = 0;
    } else {
        view->scroll = scrolled(view, key);
    }
    return !leave;
}

static void open_screen(void)
{
    (void)setlocale(LC_ALL, "");
    (void)initscr();
    (void)cbreak();
    (void)noecho();
    (void)keypad(stdscr, true);
    (void)curs_set(0);
    timeout(KEY_WAIT_MS);
    if (has_colors()) {
        (void)start_color();
        (void)use_default_colors();
        (void)init_pair(1, COLOR_RED, -1);
    }
}

static void show_live(struct top *top)
{
    static struct top_frame frame;
    struct top_view view = {.interval = top->interval};
    uint64_t seen = UINT64_MAX;
    uint64_t drawn_ms = 0;
    char clock[16];
    int key = ERR;
    open_screen();
    for (bool go_on = true; go_on;) {
        (void)pthread_mutex_lock(&top->lock);
        if (key != ERR || top->changes != seen || now_ms() - drawn_ms >= 1000) {
            seen = top->changes;
            drawn_ms = now_ms();
            view.width = (size_t)COLS;
            view.height = (size_t)LINES;
            fill_clock(&view, clock, sizeof clock);
            top_model_overdue(&top->model, view.now_ms, SILENT_MS);
            top_frame_draw(&frame, &top->model, &view);
            paint(&frame);
        }
        size_t nodes_n = top->model.nodes_n;
        (void)pthread_mutex_unlock(&top->lock);
        key = getch();
        go_on = press(&view, nodes_n, key);
    }
    (void)endwin();
}

int txctl_top(txclient *client, const struct txctl_top_options *options, bool json)
{
    static struct top top; /* threads use it until the process ends */
    int result = 0;
    if (!options->once && !json && (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0)) {
        (void)fputs("txctl: top needs a terminal; --once writes one frame as text\n", stderr);
        return EX_USAGE;
    }
    top.client = client;
    top.interval = options->interval;
    (void)pthread_mutex_init(&top.lock, NULL);
    top_model_init(&top.model);
    (void)pthread_mutex_lock(&top.lock);
    start_pollers(&top);
    bool started = top.polled > 0;
    (void)pthread_mutex_unlock(&top.lock);
    if (!started) {
        (void)fputs("txctl: cannot start a thread\n", stderr);
        return EX_OSERR;
    }
    if (options->once || json) {
        result = show_once(&top, json);
    } else {
        show_live(&top);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fputs("txctl: cannot write\n", stderr);
        result = EX_IOERR;
    }
    _exit(result); /* with the threads, which may be waiting for an answer */
}
