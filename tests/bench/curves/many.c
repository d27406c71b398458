/* How many messages a transaction takes in a large cluster: the cores of one coordinator and of N
 * participants, in one thread and in virtual time, every message through the codec. The stores
 * behind the participants say yes to everything, and every record is durable at once.
 *
 * usage: many PARTICIPANTS TRANSACTIONS coordinator|participants (who decides: modes A and D)
 *   Each transaction is a one-shot that writes at two random participants; the next one begins when
 *   the last one is over everywhere, and each takes 100 us of virtual time. A line of JSON gives
 *   the messages per transaction, those that come by time alone (HELLO, WELCOME, FORGET) per
 *   second, and the time that the steps of the coordinator's core took.
 * Exit status 1 when a transaction does not commit, or anybody raises an alarm. */
#include "common/assert.h"
#include "common/wire.h"
#include "coordinator/coord_core.h"
#include "participant/part_core.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#define STEP_US UINT64_C(100) /* of virtual time for each transaction */
#define ROOM    (1u << 16)    /* messages under way */

struct frame {
    size_t from, to;
    void *bytes;
    size_t len;
};

static size_t participants_n, client; /* nodes: 0 the coordinator, 1..n participants, the client */
static struct coord_core *coordinator;
static struct coord_actions coord_actions;
static struct part_core **participants;
static struct part_actions part_actions;
static struct tx_member *members;
static struct tx_address coordinator_address;
static struct frame queue[ROOM];
static size_t queue_from, queue_to;
static uint64_t now_us = 1000000, random_state = 1, coordinator_ns;
static uint64_t counts[TX_MSG_TYPES_N], committed;
static struct tx_arena arena;

static void give_up(const char *what)
{
    (void)fprintf(stderr, "many: %s\n", what);
    exit(1);
}

static uint64_t real_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static size_t draw(size_t below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)((random_state >> 33) % below);
}

/* ---- messages ---- */

static struct tx_envelope envelope(size_t node)
{
    struct tx_envelope sender = {.cluster = "many", .start = 1, .life = node + 1};
    if (node == 0) {
        sender.role = TX_ROLE_COORDINATOR;
        sender.coordinator = 1;
        sender.address = coordinator_address;
    } else if (node == client) {
        sender.role = TX_ROLE_CLIENT;
        sender.start = sender.life = 0;
    } else {
        sender.role = TX_ROLE_PARTICIPANT;
        sender.name = members[node - 1].name;
        sender.address = members[node - 1].address;
    }
    return sender;
}

static void set_address(struct tx_address *address, size_t node)
{
    (void)snprintf(address->s, sizeof address->s, "ipc:///many/%zu", node);
}

static size_t node_at(const struct tx_address *address)
{
    return (size_t)strtoul(address->s + strlen("ipc:///many/"), NULL, 10);
}

static void send_to(size_t from, size_t to, const struct tx_msg *msg)
{
    struct tx_envelope sender = envelope(from);
    struct tx_frame_writer *writer = tx_frame_writer_new(&sender);
    TX_NEED_MEMORY(writer != NULL);
    if (tx_frame_writer_add(writer, msg, TX_MESSAGE_MAX) != TX_OK) {
        give_up("a message does not fit");
    }
    struct tx_bytes bytes = tx_frame_writer_finish(writer);
    struct frame frame = {.from = from, .to = to, .bytes = malloc(bytes.len), .len = bytes.len};
    TX_NEED_MEMORY(frame.bytes != NULL);
    memcpy(frame.bytes, bytes.data, bytes.len);
    tx_frame_writer_destroy(&writer);
    if (queue_to - queue_from == ROOM) {
        give_up("too many messages under way");
    }
    queue[queue_to++ % ROOM] = frame;
    counts[msg->type]++;
}

/* ---- the coordinator ---- */

static void step_coordinator(const struct coord_event *event)
{
    struct tx_lsn appended = {0};
    uint64_t begun = real_ns();
    coord_core_step(coordinator, event, now_us, &coord_actions);
    coordinator_ns += real_ns() - begun;
    for (size_t i = 0; i < coord_actions.n; i++) {
        const struct coord_action *action = &coord_actions.items[i];
        switch (action->type) {
        case COORD_ACTION_SEND:
            send_to(0, node_at(&action->address), &action->msg);
            break;
        case COORD_ACTION_REPLY:
            send_to(0, client, &action->msg);
            break;
        case COORD_ACTION_APPEND:
            appended = action->record.lsn;
            break;
        case COORD_ACTION_ALARM:
            give_up("the coordinator raises an alarm");
            break;
        case COORD_ACTION_COMPACT:
        case COORD_ACTION_STAMP: /* nobody takes a cut */
        case COORD_ACTION_NOTE:
            break;
        }
    }
    coord_actions_clear(&coord_actions);
    if (appended.n > 0) {
        step_coordinator(&(struct coord_event){.type = COORD_EVENT_DURABLE, .lsn = appended});
    }
}

/* ---- the participants ---- */

static void step_participant(size_t node, const struct part_event *event);

/* Whatever the store is asked, it has done. */
static void store_answers(size_t node, const struct part_action *action)
{
    bool execute = action->type == PART_ACTION_EXECUTE;
    struct part_event event = {.type = PART_EVENT_RM,
                               .tx = action->tx,
                               .call = execute ? PART_RM_EXECUTE : PART_RM_PREPARE,
                               .status = PART_RM_OK,
                               .redo = tx_bytes_str(execute ? "" : "redo"),
                               .wrote = true};
    part_core_step(participants[node - 1], &event, now_us, &part_actions);
}

static void step_participant(size_t node, const struct part_event *event)
{
    struct tx_lsn appended = {0};
    part_core_step(participants[node - 1], event, now_us, &part_actions);
    for (size_t i = 0; i < part_actions.n; i++) {
        struct part_action action = part_actions.items[i]; /* the array may move */
        switch (action.type) {
        case PART_ACTION_SEND:
            send_to(node, action.to.is_client ? client : node_at(&action.to.address), &action.msg);
            break;
        case PART_ACTION_APPEND:
            appended = action.record.lsn;
            break;
        case PART_ACTION_EXECUTE:
        case PART_ACTION_PREPARE:
            store_answers(node, &action);
            break;
        case PART_ACTION_ALARM:
            give_up("a participant raises an alarm");
            break;
        case PART_ACTION_ROLLBACK:
        case PART_ACTION_COMPACT:
        case PART_ACTION_STAMP: /* nobody takes a cut */
        case PART_ACTION_NOTE:
            break;
        }
    }
    part_actions_clear(&part_actions);
    if (appended.n > 0) {
        step_participant(node, &(struct part_event){.type = PART_EVENT_DURABLE, .lsn = appended});
    }
}

/* ---- the client ---- */

static void client_hears(const struct tx_msg *msg)
{
    if (msg->type != TX_MSG_OUTCOME || msg->outcome.outcome != TX_OUTCOME_COMMITTED) {
        give_up("a transaction does not commit");
    }
    committed++;
    struct tx_msg ack = {.type = TX_MSG_OUTCOME_ACK, .id = {.id = msg->outcome.id}};
    send_to(client, 0, &ack);
}

static void submit(uint64_t number)
{
    char key[32];
    struct tx_op ops[2];
    size_t first = draw(participants_n);
    size_t second = (first + 1 + draw(participants_n - 1)) % participants_n;
    (void)snprintf(key, sizeof key, "key-%" PRIu64, number);
    for (size_t i = 0; i < 2; i++) {
        ops[i] = (struct tx_op){.type = TX_OP_PUT,
                                .participant = members[i == 0 ? first : second].name,
                                .space = tx_bytes_str("many"),
                                .key = tx_bytes_str(key),
                                .value = tx_bytes_str("value")};
    }
    struct tx_msg msg = {.type = TX_MSG_SUBMIT, .submit = {.req = number, .ops = ops, .ops_n = 2}};
    send_to(client, 0, &msg);
}

/* ---- time ---- */

static void deliver(const struct frame *frame)
{
    struct tx_frame decoded;
    struct tx_why why;
    tx_arena_reset(&arena);
    if (tx_frame_decode(tx_bytes(frame->bytes, frame->len), TX_MESSAGE_MAX, &arena, &decoded,
                        &why) != TX_OK) {
        give_up(why.text);
    }
    for (size_t i = 0; i < decoded.messages_n; i++) {
        const struct tx_msg *msg = &decoded.messages[i];
        if (frame->to == client) {
            client_hears(msg);
        } else if (frame->to == 0) {
            struct coord_event event = {.type = COORD_EVENT_MESSAGE,
                                        .client = frame->from == client ? client : 0,
                                        .envelope = &decoded.envelope,
                                        .msg = msg};
            step_coordinator(&event);
        } else {
            struct part_event event = {
                .type = PART_EVENT_MESSAGE, .envelope = &decoded.envelope, .msg = msg};
            step_participant(frame->to, &event);
        }
    }
}

static void deliver_all(void)
{
    while (queue_from < queue_to) {
        struct frame frame = queue[queue_from++ % ROOM];
        deliver(&frame);
        free(frame.bytes);
    }
}

static void tick_all(void)
{
    if (coord_core_deadline(coordinator) <= now_us) {
        step_coordinator(&(struct coord_event){.type = COORD_EVENT_TICK});
    }
    for (size_t i = 0; i < participants_n; i++) {
        if (part_core_deadline(participants[i]) <= now_us) {
            step_participant(i + 1, &(struct part_event){.type = PART_EVENT_TICK});
        }
    }
    deliver_all();
}

/* ---- main ---- */

static void start_all(enum tx_commit_mode mode)
{
    struct tx_why why;
    participants = tx_xcalloc(participants_n, sizeof *participants);
    members = tx_xcalloc(participants_n, sizeof *members);
    set_address(&coordinator_address, 0);
    for (size_t i = 0; i < participants_n; i++) {
        (void)snprintf(members[i].name.s, sizeof members[i].name.s, "p%zu", i + 1);
        set_address(&members[i].address, i + 1);
        struct part_options options = {.name = members[i].name,
                                       .incarnation = 1,
                                       .life = i + 2,
                                       .idle_us = 30000000,
                                       .lock_timeout_us = 10000000,
                                       .inquiry_us = 2000000,
                                       .inquiry_max_us = 10000000,
                                       .txs_max = 10000,
                                       .locks_max = 1000000,
                                       .tombstones_max = 100000};
        participants[i] = part_core_new(&options);
        if (part_core_recovered(participants[i], (struct tx_lsn){1}, now_us, &part_actions, &why) !=
            TX_OK) {
            give_up(why.text);
        }
        part_actions_clear(&part_actions);
    }
    struct coord_options options = {.id = 1,
                                    .mode = mode,
                                    .epoch = 1,
                                    .life = 1,
                                    .nodes = members,
                                    .nodes_n = participants_n,
                                    .prepare_timeout_us = 30000000,
                                    .prepare_tries = 3,
                                    .active_idle_us = 600000000,
                                    .resend_us = 500000,
                                    .resend_max_us = 10000000,
                                    .hello_us = 1000000,
                                    .peer_down_us = 3000000,
                                    .forget_us = 500000,
                                    .retention_us = 600000000,
                                    .retained_max = 100000,
                                    .txs_max = 10000,
                                    .snapshot_records = 100000,
                                    .retain_records = 100000};
    coordinator = coord_core_new(&options);
    coord_core_recovered(coordinator, (struct tx_lsn){1}, now_us, &coord_actions);
    coord_actions_clear(&coord_actions);
}

/* Until everybody has been greeted and has answered. */
static void introduce(void)
{
    struct coord_stats stats = {0};
    for (unsigned i = 0; i < 10000 && stats.peers_up < participants_n; i++) {
        now_us += 1000;
        tick_all();
        coord_core_stats(coordinator, &stats);
    }
    if (stats.peers_up < participants_n) {
        give_up("not all participants are up");
    }
    memset(counts, 0, sizeof counts);
    coordinator_ns = 0;
}

static void report(uint64_t transactions, uint64_t took_us)
{
    uint64_t by_time = counts[TX_MSG_HELLO] + counts[TX_MSG_WELCOME] + counts[TX_MSG_FORGET];
    uint64_t all = 0;
    for (size_t type = 0; type < TX_MSG_TYPES_N; type++) {
        all += counts[type];
    }
    double per = (double)transactions;
    (void)printf("{\"participants\":%zu,\"transactions\":%" PRIu64
                 ",\"messages_per_transaction\":%.3f,\"by_time_per_second\":%.1f,"
                 "\"coordinator_us_per_transaction\":%.2f}\n",
                 participants_n, transactions, (double)(all - by_time) / per,
                 (double)by_time * 1e6 / (double)took_us, (double)coordinator_ns / 1e3 / per);
}

int main(int argc, char **argv)
{
    enum tx_commit_mode mode = TX_COMMIT_DEFAULT;
    participants_n = argc == 4 ? strtoul(argv[1], NULL, 10) : 0;
    uint64_t transactions = argc == 4 ? strtoull(argv[2], NULL, 10) : 0;
    if (participants_n < 2 || participants_n > TX_NODES_MAX || transactions < 1 ||
        tx_commit_mode_parse(tx_bytes_str(argv[3]), &mode) != TX_OK) {
        (void)fprintf(stderr,
                      "usage: many PARTICIPANTS TRANSACTIONS coordinator|participants (2 to %u "
                      "participants)\n",
                      (unsigned)TX_NODES_MAX);
        return EX_USAGE;
    }
    client = participants_n + 1;
    start_all(mode);
    introduce();
    uint64_t begun_us = now_us;
    for (uint64_t i = 1; i <= transactions; i++) {
        submit(i);
        deliver_all();
        if (committed != i) {
            give_up("a transaction does not end");
        }
        now_us += STEP_US;
        tick_all();
    }
    report(transactions, now_us - begun_us);
    return 0;
}
