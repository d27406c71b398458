/* The participant's core, in the hands of peers who lie, a store that answers when it likes, a slow
 * disk, and crashes. An input is a byte of settings and a sequence of steps:
 *
 *   0..159    a message of any type, built from small ranges; to raise the odds, mostly of the type
 *             that gets further
 *   160..175  a frame, as raw bytes
 *   176..199  the log becomes durable, all of it or a part
 *   200..215  the store answers one of its calls
 *   216..239  time passes
 *   240..247  a new epoch, or newer transactions, in what is said from here on
 *   248..251  a crash, at once or after so many more actions; then a start
 *   252..255  the disk fills or has room again; the daemon drains
 *
 * After each step the invariants hold, and nothing has been said that the log does not bear out. */
#include "fuzz.h"
#include "fuzz_talk.h"
#include "part_fuzz.h"

#include "common/assert.h"

#define STEPS_MAX 400u

struct target {
    struct fuzz_input in;
    struct fuzz_msgs msgs;
    struct fuzz_talk talk;
    struct part_fuzz f;
    uint64_t client;
};

static void received(void *arg, const struct tx_envelope *envelope, const struct tx_msg *msg)
{
    struct target *t = arg;
    struct part_event event = {.type = PART_EVENT_MESSAGE,
                               .client = t->client,
                               .envelope = envelope,
                               .msg = msg,
                               .wall_ms = 1};
    part_fuzz_step(&t->f, &event);
}

/* Who says that: mostly one who may. */
static struct tx_envelope sender(struct target *t, enum tx_msg_type type)
{
    uint8_t who = fuzz_u8(&t->in);
    enum tx_role role = (enum tx_role)(who % TX_ROLES_N);
    for (unsigned i = 0; i < TX_ROLES_N && !tx_msg_allowed(type, role, TX_ROLE_PARTICIPANT); i++)
        role = (enum tx_role)((role + 1u) % TX_ROLES_N);
    t->client = 1u + (who >> 6);
    if (role == TX_ROLE_COORDINATOR) {
        uint32_t id = who >= 240 ? (uint32_t)fuzz_near(&t->in, 2) : 1;
        uint64_t epoch = who >= 224 ? fuzz_near(&t->in, t->msgs.epoch) : t->msgs.epoch;
        return fuzz_talk_coordinator(&t->talk, id, epoch);
    }
    if (role == TX_ROLE_PARTICIPANT) {
        unsigned node = 1u + (who >> 4) % (FUZZ_NODES - 1);
        return fuzz_talk_participant(&t->talk, node, t->msgs.incarnations[node]);
    }
    return (struct tx_envelope){.cluster = "demo", .role = role};
}

static void say(struct target *t, uint8_t choice)
{
    static const enum tx_msg_type often[FUZZ_OFTEN] = {
        TX_MSG_OPERATE, TX_MSG_OPERATE, TX_MSG_OPERATE, TX_MSG_PREPARE,
        TX_MSG_PREPARE, TX_MSG_PREPARE, TX_MSG_COMMIT,  TX_MSG_COMMIT,
        TX_MSG_ABORT,   TX_MSG_INQUIRE, TX_MSG_STATE,   TX_MSG_FORGET,
        TX_MSG_HELLO,   TX_MSG_HELLO,   TX_MSG_WAIT,    TX_MSG_RESOLVE};
    enum tx_msg_type type = fuzz_talk_type(choice, 128, often);
    struct tx_envelope from = sender(t, type);
    fuzz_talk_say(&t->talk, &from, type);
}

static void become_durable(struct target *t)
{
    part_fuzz_durable(&t->f, fuzz_log_more(&t->f.log, fuzz_u8(&t->in)));
}

static void answer(struct target *t)
{
    uint8_t choice = fuzz_u8(&t->in);
    if (t->f.calls_n == 0)
        return;
    enum part_rm_status status = PART_RM_OK;
    if (choice >= 192)
        status = choice < 224 ? PART_RM_ROLLED_BACK : PART_RM_RETRY;
    part_fuzz_answer(&t->f, (choice & 63u) % t->f.calls_n, status);
}

static void move_on(struct target *t, uint8_t choice)
{
    if (choice < 242)
        t->msgs.epoch++;
    else
        t->msgs.seq += 1u + (choice & 3u);
}

static void crash(struct target *t, uint8_t choice)
{
    uint8_t how = fuzz_u8(&t->in);
    if (choice < 250)
        t->f.actions_left = how & 3u;
    else
        part_fuzz_restart(&t->f, how);
}

static void step(struct target *t)
{
    uint8_t choice = fuzz_u8(&t->in);
    if (choice < 160)
        say(t, choice);
    else if (choice < 176)
        fuzz_talk_frame(&t->talk);
    else if (choice < 200)
        become_durable(t);
    else if (choice < 216)
        answer(t);
    else if (choice < 240)
        part_fuzz_pass(&t->f, fuzz_duration_us(&t->in));
    else if (choice < 248)
        move_on(t, choice);
    else if (choice < 252)
        crash(t, choice);
    else if (choice < 255)
        part_fuzz_step(&t->f, &(struct part_event){.type = PART_EVENT_DISK, .on = choice == 253});
    else
        part_fuzz_step(&t->f, &(struct part_event){.type = PART_EVENT_DRAIN, .on = true});
    if (t->f.actions_left == 0)
        part_fuzz_restart(&t->f, fuzz_u8(&t->in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct target t = {.in = {.bytes = tx_bytes(data, size)}};
    uint8_t settings = fuzz_u8(&t.in);
    struct part_options options = {.name = fuzz_node_name(0),
                                   .idle_us = 2000000,
                                   .lock_timeout_us = 1000000,
                                   .inquiry_us = 500000,
                                   .inquiry_max_us = 2000000,
                                   .txs_max = (settings & 1u) != 0 ? 3 : 12,
                                   .locks_max = (settings & 2u) != 0 ? 12 : 60,
                                   .tombstones_max = (settings & 4u) != 0 ? 3 : 30,
                                   .snapshot_records = (settings & 8u) != 0 ? 6 : 0,
                                   .retain_records = (settings & 16u) != 0 ? 4 : 0};
    part_fuzz_init(&t.f, &options);
    t.f.rm_slow = (settings & 32u) != 0;
    t.msgs = (struct fuzz_msgs){
        .in = &t.in, .coordinator = 1, .epoch = 1, .seq = 8, .incarnations = {1, 1, 1, 1}};
    t.talk = (struct fuzz_talk){&t.in, &t.msgs, TX_ROLE_PARTICIPANT, received, &t, 0};
    for (unsigned i = 0; i < STEPS_MAX && !fuzz_input_ended(&t.in); i++) {
        t.msgs.incarnations[0] = t.f.options.incarnation;
        step(&t);
    }
    part_fuzz_settle(&t.f);
    part_fuzz_deinit(&t.f);
    return 0;
}
