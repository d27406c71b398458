/* One node among several: what its directory holds, read once and kept in memory, so that the
 * directories of a cluster are looked at together while only one of them is open at a time. */
#ifndef ASSENT_TXLOG_RECOVER_NODE_H
#define ASSENT_TXLOG_RECOVER_NODE_H

#include "txlog/recover/recover_known.h"
#include "txlog/recover/recover_source.h"

struct recover_node {
    const char *directory; /* borrowed */
    struct txlog_identity identity;
    char name[TX_NAME_MAX + 16]; /* "a", "coordinator 1" */
    bool copy;                   /* a checkpoint, which no daemon has had open */
    struct tx_lsn first, last;   /* of the log; 0: it holds no record */
    uint64_t records;
    uint64_t digest;           /* of all stored records and their order */
    uint64_t damages;          /* and have been reported */
    struct tx_lsn damaged_at;  /* the lowest position of a damage; 0: none has one */
    struct tx_lineage lineage; /* the last starts */
    struct tx_loss loss;       /* declared of its log; all zero: none */
    uint64_t start, life;      /* the newest one */
    struct story *story;
    struct recover_known known; /* of others */
};

/* Who looks on while a node is read. The record is borrowed for the call; `step` is what the story
 * made of it. Stops at the first error. */
struct recover_visitor {
    enum tx_error (*record)(void *arg, const struct recover_node *node,
                            const struct txlog_record *record, const struct story_step *step);
    void *arg;
};

/* Reads all of it; damage goes to `reports` and is counted. 0, or the exit status after a
 * complaint. recover_node_deinit() has to follow. */
int recover_node_read(struct recover_node *node, const char *directory, FILE *reports,
                      const struct recover_visitor *visitor) TX_MUST_CHECK;
void recover_node_deinit(struct recover_node *node);

/* The same in steps, for who walks over the log himself. Errors as of recover_source_story(). */
enum tx_error recover_node_begin(struct recover_node *node, struct recover_source *source,
                                 struct tx_why *why) TX_MUST_CHECK;
void recover_node_take(struct recover_node *node, struct recover_source *source,
                       const struct txlog_record *record, struct tx_bytes stored,
                       struct story_step *step);
void recover_node_end(struct recover_node *node, const struct recover_source *source);

/* Is there one node only once, and are all of one cluster? 0, or the exit status after a complaint
 * that names both directories. */
int recover_nodes_check(const struct recover_node *nodes, size_t n) TX_MUST_CHECK;
/* NULL: its directory is not there. */
const struct recover_node *recover_nodes_find(const struct recover_node *nodes, size_t n,
                                              const struct recover_whom *whom);

/* What the other nodes have known of this node, and it does not have. NULL: nothing; then it is as
 * new as anybody can tell. `by` is who knew. */
const struct recover_mark_of *recover_node_denied(const struct recover_node *nodes, size_t n,
                                                  const struct recover_node *node,
                                                  const struct recover_node **by);

#endif
