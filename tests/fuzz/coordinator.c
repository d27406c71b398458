/* The coordinator's core, in the hands of participants and clients who lie, a slow disk, and
 * crashes. An input is a byte of settings and a sequence of steps:
 *
 *   0..175    a message of any type, built from small ranges; to raise the odds, mostly of the type
 *             that gets further
 *   176..183  a frame, as raw bytes
 *   184..215  the log becomes durable, all of it or a part
 *   216..239  time passes
 *   240..245  a participant restarts
 *   246..249  a crash, at once or after so many more actions; then a start
 *   250..255  the disk fills or has room again; the daemon drains
 *
 * After each step the invariants hold, and nothing has been said that the log does not bear out. */
#include "coord_fuzz.h"
#include "fuzz.h"
#include "fuzz_talk.h"

#include "common/assert.h"

#define STEPS_MAX 400u

struct target {
    struct fuzz_input in;
    struct fuzz_msgs msgs;
    struct fuzz_talk talk;
    struct coord_fuzz f;
    uint64_t client;
};

static void received(void *arg, const struct tx_envelope *envelope, const struct tx_msg *msg)
{
    struct target *t = arg;
    struct coord_event event = {
        .type = COORD_EVENT_MESSAGE, .client = t->client, .envelope = envelope, .msg = msg};
    coord_fuzz_step(&t->f, &event);
}

/* Who says that: mostly one who may. */
static struct tx_envelope sender(struct target *t, enum tx_msg_type type)
{
    uint8_t who = fuzz_u8(&t->in);
    t->client = 1u + (who >> 6);
    if (!tx_msg_allowed(type, TX_ROLE_PARTICIPANT, TX_ROLE_COORDINATOR))
        return (struct tx_envelope){.cluster = "demo", .role = TX_ROLE_CLIENT};
    unsigned node = who >= 252 ? FUZZ_NODES - 1 : who % (FUZZ_NODES - 1);
    uint64_t incarnation = t->msgs.incarnations[node];
    if (who >= 240)
        incarnation = fuzz_near(&t->in, incarnation);
    t->msgs.number = t->f.numbers[node];
    return fuzz_talk_participant(&t->talk, node, incarnation);
}

static void say(struct target *t, uint8_t choice)
{
    static const enum tx_msg_type often[FUZZ_OFTEN] = {
        TX_MSG_VOTE,   TX_MSG_VOTE,           TX_MSG_VOTE,           TX_MSG_ACK,
        TX_MSG_ACK,    TX_MSG_WELCOME,        TX_MSG_WELCOME,        TX_MSG_INQUIRE,
        TX_MSG_STATE,  TX_MSG_JOIN,           TX_MSG_BEGIN,          TX_MSG_SUBMIT,
        TX_MSG_SUBMIT, TX_MSG_COMMIT_REQUEST, TX_MSG_COMMIT_REQUEST, TX_MSG_OUTCOME_REQUEST};
    enum tx_msg_type type = fuzz_talk_type(choice, 144, often);
    struct tx_envelope from = sender(t, type);
    fuzz_talk_say(&t->talk, &from, type);
}

static void become_durable(struct target *t)
{
    coord_fuzz_durable(&t->f, fuzz_log_more(&t->f.log, fuzz_u8(&t->in)));
}

static void crash(struct target *t, uint8_t choice)
{
    uint8_t how = fuzz_u8(&t->in);
    if (choice < 248)
        t->f.actions_left = how & 3u;
    else
        coord_fuzz_restart(&t->f, how);
}

static void step(struct target *t)
{
    uint8_t choice = fuzz_u8(&t->in);
    if (choice < 176)
        say(t, choice);
    else if (choice < 184)
        fuzz_talk_frame(&t->talk);
    else if (choice < 216)
        become_durable(t);
    else if (choice < 240)
        coord_fuzz_pass(&t->f, fuzz_duration_us(&t->in));
    else if (choice < 246)
        t->msgs.incarnations[choice % (FUZZ_NODES - 1)]++;
    else if (choice < 250)
        crash(t, choice);
    else if (choice < 255)
        coord_fuzz_step(&t->f,
                        &(struct coord_event){.type = COORD_EVENT_DISK, .on = choice == 251});
    else
        coord_fuzz_step(&t->f, &(struct coord_event){.type = COORD_EVENT_DRAIN, .on = true});
    if (t->f.actions_left == 0)
        coord_fuzz_restart(&t->f, fuzz_u8(&t->in));
}

static struct coord_options options_of(uint8_t settings)
{
    return (struct coord_options){
        .id = 1,
        .prepare_timeout_us = 3000000,
        .prepare_tries = 3,
        .active_idle_us = 4000000,
        .resend_us = 250000,
        .resend_max_us = 2000000,
        .hello_us = 1000000,
        .peer_down_us = 5000000,
        .forget_us = 500000,
        .retention_us = (settings & 1u) != 0 ? 2000000 : UINT64_C(1) << 60,
        .retained_max = (settings & 1u) != 0 ? 3 : 1000,
        .txs_max = (settings & 2u) != 0 ? 3 : 12,
        .lock_timeout_ms = 100,
        .snapshot_records = (settings & 4u) != 0 ? 6 : 1000000,
        .retain_records = (settings & 8u) != 0 ? 4 : 0,
        .results_max = (settings & 16u) != 0 ? 20 : 0,
        .mode = (settings & 32u) != 0 ? TX_COMMIT_PARTICIPANTS : TX_COMMIT_COORDINATOR};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct target t = {.in = {.bytes = tx_bytes(data, size)}};
    uint8_t settings = fuzz_u8(&t.in);
    struct coord_options options = options_of(settings);
    coord_fuzz_init(&t.f, &options);
    t.f.forgets = (settings & 1u) != 0;
    t.msgs = (struct fuzz_msgs){.in = &t.in, .coordinator = 1, .incarnations = {5, 5, 5, 5}};
    t.talk = (struct fuzz_talk){&t.in, &t.msgs, TX_ROLE_COORDINATOR, received, &t, 0};
    for (unsigned i = 0; i < STEPS_MAX && !fuzz_input_ended(&t.in); i++) {
        struct coord_stats stats;
        coord_core_stats(t.f.core, &stats);
        t.msgs.epoch = t.f.options.epoch;
        t.msgs.seq = stats.begun;
        step(&t);
    }
    coord_fuzz_deinit(&t.f);
    return 0;
}
