/* One node among several. */
#include "txlog/recover/recover_node.h"

#include "common/assert.h"
#include "txlog/log_dir.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct reading {
    struct recover_node *node;
    struct recover_source source;
    const struct recover_visitor *visitor;
};

/* The starts as the daemon itself would tell them. */
static void note_start(struct recover_node *node, const struct txlog_record *record)
{
    if (record->type == TXLOG_START) {
        struct tx_position at = {record->start, record->started.life, record->lsn};
        (void)!tx_lineage_add(&node->lineage, at);
        node->start = record->start;
        node->life = record->started.life;
    }
    if (record->type == TXLOG_LOSS) {
        struct tx_lsn from = node->loss.start > 0 ? node->loss.lsn : record->loss.lsn;
        node->loss = (struct tx_loss){.lsn = from, .start = record->loss.start};
    }
    if (record->type == TXLOG_SNAPSHOT_BEGIN && node->lineage.n == 0) {
        const struct txlog_snapshot_begin *begin = &record->snapshot_begin;
        if (tx_lineage_set(&node->lineage, begin->starts, begin->starts_n)) {
            node->start = begin->starts[begin->starts_n - 1].start;
            node->life = begin->starts[begin->starts_n - 1].life;
        }
    }
}

/* A stored record begins with its checksum, so a hash of these is one of all. */
static void note_digest(struct recover_node *node, struct tx_bytes stored)
{
    for (size_t i = 0; i < 4 && i < stored.len; i++)
        node->digest = (node->digest ^ stored.data[i]) * UINT64_C(1099511628211);
}

enum tx_error recover_node_begin(struct recover_node *node, struct recover_source *source,
                                 struct tx_why *why)
{
    *node = (struct recover_node){.directory = source->directory,
                                  .digest = UINT64_C(14695981039346656037),
                                  .identity = source->identity,
                                  .copy = !log_dir_was_used(source->directory),
                                  .first = txlog_first(source->log),
                                  .last = txlog_last(source->log)};
    memcpy(node->name, source->name, sizeof(node->name));
    return recover_source_story(source, &node->story, why);
}

void recover_node_take(struct recover_node *node, struct recover_source *source,
                       const struct txlog_record *record, struct tx_bytes stored,
                       struct story_step *step)
{
    struct tx_why why;
    node->records++;
    note_digest(node, stored);
    note_start(node, record);
    if (story_add(node->story, record, step, &why) != TX_OK)
        recover_source_report(source, record->lsn, why.text);
    recover_known_add(&node->known, node->story, record);
}

void recover_node_end(struct recover_node *node, const struct recover_source *source)
{
    node->damages = source->damages;
    node->damaged_at = source->damaged_at;
}

static enum tx_error take(void *arg, const struct txlog_record *record, struct tx_bytes stored)
{
    struct reading *reading = arg;
    struct story_step step;
    recover_node_take(reading->node, &reading->source, record, stored, &step);
    if (reading->visitor == NULL)
        return TX_OK;
    return reading->visitor->record(reading->visitor->arg, reading->node, record, &step);
}

static int read_all(struct reading *reading)
{
    struct tx_lsn all = {0};
    struct tx_why why;
    enum tx_error error = recover_node_begin(reading->node, &reading->source, &why);
    if (error == TX_OK)
        error = recover_source_each(&reading->source, all, all, take, reading, &why);
    recover_node_end(reading->node, &reading->source);
    if (error != TX_OK)
        return recover_complain(recover_exit_status(error), "%s", why.text);
    return 0;
}

int recover_node_read(struct recover_node *node, const char *directory, FILE *reports,
                      const struct recover_visitor *visitor)
{
    struct reading reading = {.node = node, .visitor = visitor};
    *node = (struct recover_node){0};
    int status = recover_source_open(&reading.source, directory, reports);
    if (status == 0)
        status = read_all(&reading);
    recover_source_close(&reading.source);
    return status;
}

void recover_node_deinit(struct recover_node *node)
{
    story_destroy(&node->story);
    recover_known_deinit(&node->known);
    *node = (struct recover_node){0};
}

/* ---- several ---- */

static int twice(const struct recover_node *one, const struct recover_node *other)
{
    bool shorter = one->last.n < other->last.n;
    if (one->last.n == other->last.n)
        return recover_complain(EX_USAGE,
                                "%s and %s are both of %s, and end at the same LSN %" PRIu64
                                "; name one of them",
                                one->directory, other->directory, one->name, one->last.n);
    return recover_complain(EX_USAGE,
                            "%s and %s are both of %s: %s ends at LSN %" PRIu64
                            ", %s goes on to %" PRIu64 "; name the newer one only",
                            one->directory, other->directory, one->name,
                            (shorter ? one : other)->directory, (shorter ? one : other)->last.n,
                            (shorter ? other : one)->directory, (shorter ? other : one)->last.n);
}

int recover_nodes_check(const struct recover_node *nodes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct recover_whom whom = recover_whom_of(&nodes[i].identity);
        if (strcmp(nodes[i].identity.cluster, nodes[0].identity.cluster) != 0)
            return recover_complain(EX_USAGE, "%s is of cluster %s, and %s of cluster %s",
                                    nodes[0].directory, nodes[0].identity.cluster,
                                    nodes[i].directory, nodes[i].identity.cluster);
        const struct recover_node *other = recover_nodes_find(nodes, i, &whom);
        if (other != NULL)
            return twice(other, &nodes[i]);
    }
    return 0;
}

const struct recover_node *recover_nodes_find(const struct recover_node *nodes, size_t n,
                                              const struct recover_whom *whom)
{
    for (size_t i = 0; i < n; i++) {
        struct recover_whom one = recover_whom_of(&nodes[i].identity);
        if (recover_whom_equal(&one, whom))
            return &nodes[i];
    }
    return NULL;
}

const struct recover_mark_of *recover_node_denied(const struct recover_node *nodes, size_t n,
                                                  const struct recover_node *node,
                                                  const struct recover_node **by)
{
    struct recover_whom self = recover_whom_of(&node->identity);
    const struct recover_mark_of *worst = NULL;
    for (size_t i = 0; i < n; i++) {
        if (&nodes[i] == node)
            continue;
        for (size_t j = 0; j < nodes[i].known.n; j++) {
            const struct recover_mark_of *mark = &nodes[i].known.marks[j];
            bool further = worst == NULL || mark->position.lsn.n > worst->position.lsn.n;
            if (!further || !recover_whom_equal(&mark->whom, &self) ||
                tx_loss_explains(&node->loss, &node->lineage, mark->position) ||
                recover_known_judge(&node->lineage, node->last, mark->position) == RECOVER_REACHED)
                continue;
            worst = mark;
            *by = &nodes[i];
        }
    }
    return worst;
}
