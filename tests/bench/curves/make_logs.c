/* The logs of a cluster of a coordinator and two participants that have worked for long and then
 * crashed: as the daemons would have written them, without the hours that it takes them.
 *
 * usage: make_logs DIRECTORY RECORDS IN_DOUBT COORDINATOR P1 P2
 *   DIRECTORY  gets coordinator.data, p1.data and p2.data, which must not be there
 *   RECORDS    in each of the three, about: transfers between p1 and p2 that are over
 *   IN_DOUBT   transfers more that are prepared on both sides and decided at the coordinator, and
 *              nobody has been told
 *   the rest   addresses of the daemons
 *
 * Every transfer is PREPARED and COMMITTED with its balances at the participants, COMMIT and END at
 * the coordinator; FORGET comes every thousand of them. Records and positions fit together: the
 * daemons check that. */
#include "common/assert.h"
#include "txlog/record.h"
#include "txlog/redo.h"
#include "txlog/rocksdb_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#define ACCOUNTS 100000u
#define TOGETHER 512u  /* records of one batch */
#define FORGETS  1000u /* transfers between two marks */
#define NODES    3u
#define EPOCH    1u /* of the coordinator, and every incarnation: each has started once */

/* One log that is being written; `[0]` is the coordinator's. */
struct node {
    struct txlog *log;
    uint64_t life;
    struct tx_lsn last;
    struct tx_member member; /* of a participant: as transactions name it */
    struct txlog_append appends[TOGETHER];
    struct txlog_put puts[TOGETHER];
    struct tx_arena arena; /* of what waits to be appended */
    size_t n;
};

static struct node nodes[NODES];
static struct tx_address coordinator_address;
static uint64_t wall_ms;

static void stop_on(enum tx_error error, const struct tx_why *why)
{
    if (error != TX_OK) {
        (void)fprintf(stderr, "make_logs: %s\n", why->text);
        exit(EX_CANTCREAT);
    }
}

static struct tx_bytes kept(struct tx_arena *arena, struct tx_buf *buf)
{
    void *bytes = tx_arena_alloc(arena, buf->len, 1);
    TX_NEED_MEMORY(!buf->failed && bytes != NULL);
    memcpy(bytes, buf->data, buf->len);
    struct tx_bytes view = tx_bytes(bytes, buf->len);
    tx_buf_deinit(buf);
    return view;
}

static void write_out(struct node *node, bool sync)
{
    struct tx_why why;
    if (node->n > 0) {
        stop_on(txlog_append(node->log, node->appends, node->n, sync, &why), &why);
    }
    node->n = 0;
    tx_arena_reset(&node->arena);
}

/* Queues a record; `put` is atomic with it, or NULL. */
static void add(struct node *node, struct txlog_record record, const struct txlog_put *put)
{
    struct tx_buf stored = {0};
    record.lsn = (struct tx_lsn){++node->last.n};
    record.start = EPOCH;
    record.time_ms = wall_ms;
    enum tx_error error = txlog_record_encode(&record, &stored);
    TX_NEED_MEMORY(error == TX_OK);
    struct txlog_append *append = &node->appends[node->n];
    *append = (struct txlog_append){.lsn = record.lsn, .record = kept(&node->arena, &stored)};
    if (put != NULL) {
        node->puts[node->n] = *put;
        append->puts = &node->puts[node->n];
        append->puts_n = 1;
    }
    node->n++;
    if (node->n == TOGETHER) {
        write_out(node, false);
    }
}

/* ---- one transfer ---- */

struct transfer {
    struct tx_id id;
    struct tx_age age;
    struct tx_member members[NODES - 1];
};

static struct transfer transfer_number(uint64_t seq)
{
    return (struct transfer){
        .id = {1, EPOCH, seq}, .age = {seq, 1}, .members = {nodes[1].member, nodes[2].member}};
}

/* The account at a participant and its balance there after transfer number `seq`. */
static struct redo_write written(uint64_t seq, char key[32], char value[32])
{
    (void)snprintf(key, 32, "account-%" PRIu64, seq % ACCOUNTS);
    (void)snprintf(value, 32, "%" PRIu64, 1000000 + seq % 1000);
    return (struct redo_write){
        .space = tx_bytes_str("accounts"), .key = tx_bytes_str(key), .value = tx_bytes_str(value)};
}

static void prepare(struct node *node, const struct transfer *transfer)
{
    static const struct tx_position unknown[NODES - 1];
    char key[32];
    char value[32];
    struct tx_buf redo = {0};
    struct redo_write write = written(transfer->id.seq, key, value);
    struct txlog_lock lock = {.mode = TX_LOCK_X, .space = write.space, .key = write.key};
    redo_begin(&redo, 1);
    redo_add(&redo, &write);
    struct txlog_record record = {.type = TXLOG_PREPARED,
                                  .prepared = {.id = transfer->id,
                                               .age = transfer->age,
                                               .coordinator = coordinator_address,
                                               .members = transfer->members,
                                               .members_n = NODES - 1,
                                               .known = unknown,
                                               .redo = kept(&node->arena, &redo),
                                               .locks = &lock,
                                               .locks_n = 1}};
    add(node, record, NULL);
}

static void commit(struct node *node, const struct transfer *transfer)
{
    char key[32];
    char value[32];
    struct tx_buf data_key = {0};
    struct tx_buf data = {0};
    struct redo_write write = written(transfer->id.seq, key, value);
    redo_data_key(write.space, write.key, &data_key);
    tx_buf_append(&data, write.value);
    struct txlog_put put = {.key = kept(&node->arena, &data_key),
                            .value = kept(&node->arena, &data)};
    struct txlog_record record = {.type = TXLOG_COMMITTED, .committed = {.id = transfer->id}};
    add(node, record, &put);
}

static void decide(const struct transfer *transfer)
{
    struct txlog_record record = {.type = TXLOG_COMMIT,
                                  .commit = {.id = transfer->id,
                                             .age = transfer->age,
                                             .members = transfer->members,
                                             .members_n = NODES - 1}};
    add(&nodes[0], record, NULL);
}

static void end(const struct transfer *transfer)
{
    struct txlog_peer peers[NODES - 1];
    for (size_t i = 0; i < NODES - 1; i++) {
        const struct node *node = &nodes[i + 1];
        peers[i] = (struct txlog_peer){node->member.name, {EPOCH, node->life, node->last}};
    }
    struct txlog_record record = {
        .type = TXLOG_END, .end = {.id = transfer->id, .peers = peers, .peers_n = NODES - 1}};
    add(&nodes[0], record, NULL);
}

static void forget(struct node *node, uint64_t below)
{
    struct txlog_record record = {.type = TXLOG_FORGET,
                                  .forget = {.coordinator = 1, .epoch = EPOCH, .below = below}};
    add(node, record, NULL);
}

static void finished(uint64_t seq)
{
    struct transfer transfer = transfer_number(seq);
    for (size_t i = 1; i < NODES; i++) {
        prepare(&nodes[i], &transfer);
        commit(&nodes[i], &transfer);
        if (seq % FORGETS == 0) {
            forget(&nodes[i], seq);
        }
    }
    decide(&transfer);
    end(&transfer);
}

static void in_doubt(uint64_t seq)
{
    struct transfer transfer = transfer_number(seq);
    prepare(&nodes[1], &transfer);
    prepare(&nodes[2], &transfer);
    decide(&transfer);
}

/* ---- the logs ---- */

static void open_log(size_t i, const char *directory, const char *address)
{
    static const char *const names[NODES] = {"coordinator", "p1", "p2"};
    struct node *node = &nodes[i];
    struct tx_why why;
    char path[4096];
    struct rocksdb_log_options options = {
        .directory = path,
        .identity = {.cluster = "bench",
                     .role = i == 0 ? TX_ROLE_COORDINATOR : TX_ROLE_PARTICIPANT,
                     .coordinator = i == 0 ? 1 : 0}};
    (void)snprintf(path, sizeof path, "%s/%s.data", directory, names[i]);
    /* A life that ends in so many zeros leaves out no numbers: see tx_start_after(). */
    node->life = (uint64_t)(i + 1) << 40;
    TX_ASSERT(tx_start_after(0, node->life) == EPOCH);
    node->member.incarnation = EPOCH;
    if (i > 0 && (tx_name_set(&node->member.name, tx_bytes_str(names[i])) != TX_OK ||
                  tx_address_set(&node->member.address, tx_bytes_str(address)) != TX_OK)) {
        (void)fprintf(stderr, "make_logs: %s is no address\n", address);
        exit(EX_USAGE);
    }
    options.identity.name = node->member.name;
    stop_on(rocksdb_log_open(&options, &node->log, &why), &why);
    if (txlog_last(node->log).n > 0) {
        (void)fprintf(stderr, "make_logs: %s is not new\n", path);
        exit(EX_CANTCREAT);
    }
    struct txlog_record record = {.type = TXLOG_START, .started = {.life = node->life}};
    add(node, record, NULL);
}

static void introduce_coordinator(struct node *node)
{
    struct txlog_record record = {.type = TXLOG_EPOCH,
                                  .epoch = {1, {EPOCH, nodes[0].life, {1}}, coordinator_address}};
    add(node, record, NULL);
}

/* ---- main ---- */

static uint64_t number(const char *text)
{
    char *end = NULL;
    uint64_t n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || n > 100000000) {
        (void)fprintf(stderr, "make_logs: \"%s\" is no number up to 100000000\n", text);
        exit(EX_USAGE);
    }
    return n;
}

int main(int argc, char **argv)
{
    struct timespec now;
    if (argc != 7) {
        (void)fputs("usage: make_logs DIRECTORY RECORDS IN_DOUBT COORDINATOR P1 P2\n", stderr);
        return EX_USAGE;
    }
    uint64_t transfers = number(argv[2]) / 2;
    uint64_t doubts = number(argv[3]);
    if (doubts > ACCOUNTS || tx_address_set(&coordinator_address, tx_bytes_str(argv[4])) != TX_OK) {
        (void)fputs("make_logs: more in doubt than accounts, or no address\n", stderr);
        return EX_USAGE;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    wall_ms = (uint64_t)now.tv_sec * 1000;
    for (size_t i = 0; i < NODES; i++) {
        open_log(i, argv[1], argv[4 + i]);
    }
    introduce_coordinator(&nodes[1]);
    introduce_coordinator(&nodes[2]);
    for (uint64_t seq = 1; seq <= transfers; seq++) {
        finished(seq);
    }
    for (uint64_t i = 1; i <= doubts; i++) {
        in_doubt(transfers + i);
    }
    for (size_t i = 0; i < NODES; i++) {
        write_out(&nodes[i], true);
        (void)printf("%" PRIu64 " ", nodes[i].last.n);
        /* Not closed: as a crash leaves it. All of it has been synced. */
    }
    (void)printf("records in the logs of coordinator, p1, p2\n");
    (void)fflush(stdout);
    _Exit(0);
}
