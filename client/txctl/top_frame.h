/* One screen of txctl top as lines of ASCII text, each with a style. Whoever shows it on a terminal
 * paints the styles; everything is in the text as well. */
#ifndef ASSENT_CLIENT_TOP_FRAME_H
#define ASSENT_CLIENT_TOP_FRAME_H

#include "client/txctl/top_model.h"

#define TOP_WIDTH_MAX  400u
#define TOP_HEIGHT_MAX 500u

enum top_style { TOP_PLAIN, TOP_TITLE, TOP_HEADER, TOP_BAD, TOP_DIM };
enum top_sort { TOP_BY_AGE, TOP_BY_NODE, TOP_BY_STATE, TOP_SORTS_N };
const char *top_sort_name(enum top_sort sort);

struct top_view {
    size_t width, height; /* of the screen */
    enum top_sort sort;   /* of the transactions */
    size_t node;          /* 0: all; else 1 + the place of the only one that is shown */
    size_t scroll;        /* so many transactions are passed; corrected when it is too many */
    bool help;
    uint64_t now_ms;
    double interval;   /* seconds */
    const char *clock; /* "10:00:00" */
};

struct top_frame {
    char text[TOP_HEIGHT_MAX][TOP_WIDTH_MAX + 1];
    enum top_style style[TOP_HEIGHT_MAX];
    size_t n;
};

void top_frame_draw(struct top_frame *frame, const struct top_model *model, struct top_view *view);

#endif
