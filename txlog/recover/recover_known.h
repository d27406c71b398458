/* What the log of one node knows of the logs of others: how far each was durable, and in which
 * start. A log that does not reach that, or that does not go on from there, is an older image of
 * its node, or has lost its end (docs/protocol.md, "Old copies"). Pure. */
#ifndef ASSENT_TXLOG_RECOVER_KNOWN_H
#define ASSENT_TXLOG_RECOVER_KNOWN_H

#include "txlog/record.h"
#include "txlog/recover/recover_story.h"

/* One node, as others name it. */
struct recover_whom {
    uint32_t coordinator; /* 0: a participant */
    struct tx_name name;  /* of a participant */
};

struct recover_mark_of {
    struct recover_whom whom;
    struct tx_position position;
    struct tx_lsn said_at; /* the record that says so */
    enum txlog_type said_by;
};

/* The furthest position of each start of each node. All zero is empty. */
struct recover_known {
    struct recover_mark_of *marks;
    size_t n;
};

void recover_known_deinit(struct recover_known *known);
/* Takes what the record says; `story` has taken the record already. */
void recover_known_add(struct recover_known *known, const struct story *story,
                       const struct txlog_record *record);

struct recover_whom recover_whom_of(const struct txlog_identity *identity);
bool recover_whom_equal(const struct recover_whom *a, const struct recover_whom *b);

/* What a position that somebody knew says against a log. */
enum recover_denial {
    RECOVER_REACHED, /* nothing: the log has been there */
    RECOVER_SHORT,   /* it ends before */
    RECOVER_ELSE,    /* it reaches further, and has never been there: another copy wrote it */
};
enum recover_denial recover_known_judge(const struct tx_lineage *lineage, struct tx_lsn last,
                                        struct tx_position known);

#endif
