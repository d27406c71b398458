/* The commands of txrecover. txrecover(1) is its manual. Each gives the exit status. */
#ifndef ASSENT_TXLOG_TXRECOVER_H
#define ASSENT_TXLOG_TXRECOVER_H

#include "common/ids.h"

struct txrecover_options {
    const char *directory;
    bool json;
    struct tx_lsn from, to; /* log; 0: not given */
    bool one_tx;            /* log: only `tx`, and a verdict on it */
    struct tx_id tx;
    const char *into;    /* replay */
    struct tx_lsn until; /* replay; 0: not given */
    bool partial;        /* replay */
};

int txrecover_summary(const struct txrecover_options *options);
int txrecover_log(const struct txrecover_options *options);
int txrecover_verify(const struct txrecover_options *options);
int txrecover_indoubt(const struct txrecover_options *options);
int txrecover_replay(const struct txrecover_options *options);

#endif
