/* Scripts of a few steps each, and one run of them in a given order. */
#ifndef ASSENT_TESTS_ISOLATION_ISO_RUN_H
#define ASSENT_TESTS_ISOLATION_ISO_RUN_H

#include "tests/isolation/iso_node.h"

#define ISO_STEPS 6

enum iso_do {
    DO_NOTHING, /* the end of a script */
    DO_GET,
    DO_GET_FOR_UPDATE,
    DO_PUT,     /* `text` */
    DO_PUT_SUM, /* what the step `from` has read, and one more */
    DO_INSERT,
    DO_DELETE,
    DO_SCAN, /* all keys from `key` up to `text` */
    DO_SCAN_BACK,
    DO_PREPARE,
    DO_DECIDE, /* the coordinator has decided and told the client, and nobody else */
    DO_COMMIT, /* the participant hears of it */
    DO_ABORT,
    DO_FINISH, /* one phase */
};

struct iso_step {
    enum iso_do what;
    const char *key;
    const char *text;
    unsigned from;
};

struct iso_script {
    struct iso_step steps[ISO_STEPS];
};

/* What has happened. Moments are counted in steps of the whole run, from 1. */
struct iso_run {
    bool committed[ISO_SESSIONS];
    char read[ISO_SESSIONS][ISO_STEPS][ISO_TEXT]; /* by step; empty: it did not come to that */
    unsigned begun[ISO_SESSIONS][ISO_STEPS];      /* when the step was begun; 0: never */
    unsigned answered[ISO_SESSIONS][ISO_STEPS];
    char x[ISO_TEXT], y[ISO_TEXT]; /* at the end */
    char all[ISO_TEXT];            /* every row, at the end */
};

struct iso_setting {
    bool slow_scans; /* the answer to a scan is a turn of its own */
    enum tx_lock_policy policy;
    enum tx_isolation level[ISO_SESSIONS];
    uint64_t age[ISO_SESSIONS];
};

unsigned iso_script_steps(const struct iso_script *script);
unsigned iso_script_turns(const struct iso_script *script, const struct iso_setting *setting);
/* `order`: whose turn it is, as often as all scripts together have turns. Who waits at its turn
 * takes it as soon as it may go on. Fails the test when nobody can go on, or when the orders of
 * waiting leave a lock behind. */
void iso_run(const struct iso_script *scripts, size_t sessions, const struct iso_setting *setting,
             const uint8_t *order, size_t order_n, struct iso_run *run);

#endif
