#include "tests/faults/txlog_life.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

struct txlog_identity life_identity(void)
{
    return (struct txlog_identity){
        .cluster = "test", .role = TX_ROLE_PARTICIPANT, .name = {"a"}, .coordinator = 0};
}

/* What a record's LSN says that it holds. */
struct content {
    uint8_t redo[LIFE_REDO];
    char key[32];
    struct txlog_put put;
};

static void fill(uint64_t lsn, struct content *content)
{
    memset(content->redo, (int)('a' + lsn % 26), sizeof content->redo);
    (void)snprintf(content->key, sizeof content->key, "%crecord-%" PRIu64, 1, lsn);
    content->put =
        (struct txlog_put){.key = tx_bytes_str(content->key), .value = tx_bytes(content->redo, 16)};
}

static enum tx_error wait_durable(struct node_log *node, struct tx_lsn wanted,
                                  void (*durable)(struct tx_lsn), struct tx_why *why)
{
    struct tx_lsn reached = {0};
    log_writer_hand_over(node->writer);
    while (reached.n < wanted.n) {
        struct pollfd ready = {.fd = log_writer_fd(node->writer), .events = POLLIN};
        (void)poll(&ready, 1, -1);
        enum tx_error error = log_writer_poll(node->writer, &reached, why);
        if (error != TX_OK)
            return error;
        durable(reached);
    }
    return TX_OK;
}

static enum tx_error append(struct node_log *node, struct txlog_record *record,
                            const struct content *content, struct tx_why *why)
{
    record->lsn.n = node->last.n + 1;
    enum tx_error error = node_log_append(node, record, content != NULL ? &content->put : NULL,
                                          content != NULL ? 1 : 0, true);
    return error == TX_OK ? TX_OK : tx_why(why, error, "cannot queue: %s", tx_error_text(error));
}

static enum tx_error work(struct node_log *node, void (*durable)(struct tx_lsn), struct tx_why *why)
{
    static struct content content;
    enum tx_error error = TX_OK;
    for (int i = 0; i < LIFE_RECORDS && error == TX_OK; i++) {
        uint64_t lsn = node->last.n + 1;
        fill(lsn, &content);
        struct txlog_record record = {.type = TXLOG_COMMITTED,
                                      .committed = {.id = {1, 1, lsn},
                                                    .one_phase = true,
                                                    .redo = tx_bytes(content.redo, LIFE_REDO)}};
        error = append(node, &record, &content, why);
        if (error == TX_OK && i % 3 == 0)
            error = wait_durable(node, node->last, durable, why);
    }
    struct txlog_record begin = {.type = TXLOG_SNAPSHOT_BEGIN};
    if (error == TX_OK)
        error = append(node, &begin, NULL, why);
    struct txlog_record end = {.type = TXLOG_SNAPSHOT_END, .snapshot_end = {begin.lsn}};
    if (error == TX_OK)
        error = append(node, &end, NULL, why);
    if (error == TX_OK)
        error = wait_durable(node, node->last, durable, why);
    if (error != TX_OK)
        return error;
    log_writer_compact(node->writer, (struct tx_lsn){begin.lsn.n - 1});
    struct txlog_record last = {.type = TXLOG_SNAPSHOT_BEGIN};
    error = append(node, &last, NULL, why);
    return error == TX_OK ? wait_durable(node, node->last, durable, why) : error;
}

static enum tx_error visit(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    return life_check(((struct node_log *)arg)->log, record, why);
}

static void begin_nothing(void *arg)
{
    (void)arg;
}

static enum tx_error take(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    (void)arg;
    (void)record;
    (void)why;
    return TX_OK;
}

enum tx_error life_day(const char *directory, void (*durable)(struct tx_lsn), struct tx_why *why)
{
    struct node_log node;
    struct node_log_options options = {
        .directory = directory, .lazy_ms = 1, .identity = life_identity()};
    struct recovery_visitor visitor = {begin_nothing, take, NULL};
    struct recovery_summary summary;
    enum tx_error error = node_log_open(&node, &options, why);
    if (error == TX_OK)
        error = node_log_start(&node, 1, &visitor, why);
    if (error == TX_OK) /* the data can be read only now */
        error = recovery_replay(node.log, visit, &node, &summary, why);
    if (error == TX_OK) {
        durable(node.last);
        error = work(&node, durable, why);
    }
    enum tx_error closed = node_log_close(&node, error == TX_OK ? why : NULL);
    return error == TX_OK ? closed : error;
}

enum tx_error life_check(struct txlog *log, const struct txlog_record *record, struct tx_why *why)
{
    static struct content content;
    struct tx_buf value = {0};
    if (record->type != TXLOG_COMMITTED)
        return TX_OK;
    fill(record->lsn.n, &content);
    if (!tx_bytes_equal(record->committed.redo, tx_bytes(content.redo, LIFE_REDO)))
        return tx_why(why, TX_ECORRUPT, "LSN %" PRIu64 " holds foreign bytes", record->lsn.n);
    enum tx_error error = txlog_data_get(log, content.put.key, &value, why);
    if (error == TX_ENOTFOUND)
        error = tx_why(why, TX_ELOST, "the data of LSN %" PRIu64 " are gone", record->lsn.n);
    if (error == TX_OK && !tx_bytes_equal(tx_buf_view(&value), content.put.value))
        error = tx_why(why, TX_ECORRUPT, "LSN %" PRIu64 " has foreign data", record->lsn.n);
    tx_buf_deinit(&value);
    return error;
}
