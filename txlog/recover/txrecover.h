/* The commands of txrecover. txrecover(1) is its manual. Each gives the exit status. */
#ifndef ASSENT_TXLOG_TXRECOVER_H
#define ASSENT_TXLOG_TXRECOVER_H

#include "common/ids.h"

struct txrecover_options {
    const char *directory;          /* the first one */
    const char *const *directories; /* of commands on several; borrowed */
    size_t directories_n;
    bool json, progress;
    struct tx_lsn from, to; /* log, export; 0: not given */
    bool one_tx;            /* log: only `tx`, and a verdict on it */
    struct tx_id tx;
    const char *into;     /* replay, restore */
    struct tx_lsn until;  /* replay; 0: not given */
    const char *backup;   /* restore; NULL: the newest */
    const char *node;     /* restore; NULL: all */
    uint64_t generation;  /* restore; 0: a new one */
    const char *action;   /* archive: what is to be done */
    const char *archive;  /* restore; NULL: to the backup itself */
    uint64_t until_cut;   /* restore; 0: not given */
    bool until_end;       /* restore */
    bool until_time;      /* replay, restore: up to `until_ms`, Unix milliseconds */
    bool alone;           /* rejoin: into a cluster that has gone on */
    uint64_t incarnation; /* rejoin --alone: one that it has reached; 0: not known */
    uint64_t until_ms;
    bool partial;       /* replay */
    const char *output; /* plan; NULL: standard output */
    /* apply and undo, whose `directory` is the file */
    const char *operator_name; /* NULL: as the environment says */
    const char *undo_file;     /* NULL: the name of the plan with .undo behind */
};

int txrecover_summary(const struct txrecover_options *options);
int txrecover_log(const struct txrecover_options *options);
int txrecover_explain(const struct txrecover_options *options);
int txrecover_export(const struct txrecover_options *options);
int txrecover_verify(const struct txrecover_options *options);
int txrecover_indoubt(const struct txrecover_options *options);
int txrecover_plan(const struct txrecover_options *options);
int txrecover_apply(const struct txrecover_options *options);
int txrecover_undo(const struct txrecover_options *options);
int txrecover_replay(const struct txrecover_options *options);
int txrecover_restore(const struct txrecover_options *options);
int txrecover_archive(const struct txrecover_options *options);
int txrecover_rejoin(const struct txrecover_options *options);
/* --alone: into a cluster that has gone on. */
int txrecover_rejoin_alone(const struct txrecover_options *options);

#endif
