/* The order in which daemons write their logs, sync them and send; and whether each promise that
 * they sent rested on a record that was on disk by then.
 *
 * order_preload.c, loaded into a daemon, appends to a file: a struct order_event and `size` bytes,
 * one after the other. All times are of CLOCK_MONOTONIC, so that those of several daemons of one
 * machine compare. */
#ifndef ASSENT_TESTS_INTEGRATION_ORDER_H
#define ASSENT_TESTS_INTEGRATION_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORDER_ENV_FILE "ASSENT_ORDER_FILE" /* where to */
#define ORDER_ENV_DIR  "ASSENT_ORDER_DIR"  /* the daemon's data directory, as it is configured */

enum order_type {
    ORDER_WRITE, /* to a file *.log of the directory, with its bytes */
    ORDER_SYNC,  /* of such a file, which succeeded */
    ORDER_SEND,  /* a frame */
};

struct order_event {
    uint32_t type;
    uint32_t stream; /* number of the file, in the order of opening; 0: a frame */
    uint64_t begun_ns, ended_ns;
    uint64_t size;
};

#define ORDER_NODES_MAX 8

struct order_found {
    size_t records;    /* in the logs, of transactions */
    size_t syncs;      /* of the logs */
    size_t commits;    /* transactions that a client was told to have committed */
    size_t by_members; /* of these, decided by their members */
    size_t readers;    /* the same of those that were asked for reads alone, and promise nothing */
    size_t votes;      /* YES, and COMMITTED in one phase */
    size_t acks;       /* of commits, by participants */
    size_t wrong;      /* of all these promises: something they rest on was not on disk */
    char first[256];   /* the first of them in words */
};

/* Reads the files of a coordinator (the first) and its participants, all of which have ended by
 * themselves, and looks at every promise:
 *   - VOTE YES: this participant's PREPARED; VOTE COMMITTED and ACK: its COMMITTED;
 *   - OUTCOME committed: the PREPARED of every member, and the coordinator's COMMIT unless the
 *     members decide; or the COMMITTED of the only one.
 * On disk is a record when a sync of its file began after the record had been written, and ended
 * before the frame was sent. With `without_syncs` nothing is ever on disk: every promise must be
 * found wrong. Fails the test when a file cannot be read or is not understood. */
void order_check(const char *const *files, size_t files_n, bool without_syncs,
                 struct order_found *found);

#endif
