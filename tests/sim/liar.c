#include "liar.h"

#include "liar_raw.h"
#include "liar_twist.h"
#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN_N   4u /* transactions of its own, at once */
#define CROWD   20u
#define SWARM   80u
#define HEARD   3u /* messages of each type that it remembers */
#define LATE_US 4000u

/* A transaction that it has begun as a client. */
struct own {
    uint64_t req; /* of its BEGIN */
    size_t coordinator;
    struct tx_id id; /* invalid: not begun yet */
    struct tx_token token;
    struct tx_age age;
    uint32_t steps[SIM_PARTICIPANTS_MAX];
    uint64_t incarnations[SIM_PARTICIPANTS_MAX];
    bool wrote[SIM_PARTICIPANTS_MAX];
};

struct sim_liar {
    struct liar_talk talk;
    size_t node; /* of the cluster, that lies; SIM_NOBODY: none */
    struct own own[OWN_N];
    uint64_t req;
    struct tx_buf heard[TX_MSG_TYPES_N][HEARD]; /* as frames; empty: none yet */
    uint64_t numbers[SIM_COORDINATORS_MAX];     /* of the last HELLO to the node that lies */
    struct tx_arena arena;
    struct liar_raw raw;
};

bool sim_lies_within(const struct sim *sim)
{
    return sim->options.liar >= 2;
}

static bool percent(struct sim_liar *liar, uint64_t percent)
{
    return sim_random_percent(&liar->talk.random, (unsigned)percent);
}

static size_t below(struct sim_liar *liar, size_t n)
{
    return (size_t)sim_random_between(&liar->talk.random, 0, n - 1);
}

/* ---- life ---- */

void sim_liar_start(struct sim *sim)
{
    struct sim_node *node = &sim->nodes[SIM_LIAR];
    struct sim_liar *liar;

    if (sim->options.liar == 0)
        return;
    liar = sim->liar = tx_xcalloc(1, sizeof *liar);
    liar->talk.random.state = sim->seed ^ UINT64_C(0x6c6961725f617420);
    liar->raw.random.state = ~liar->talk.random.state;
    liar->talk.drastic = sim_lies_within(sim);
    liar->node = SIM_NOBODY;
    if (sim_lies_within(sim))
        liar->node = below(liar, (size_t)(sim->options.coordinators + sim->options.participants));
    *node = (struct sim_node){.role = SIM_CLIENT,
                              .name = {"liar"},
                              .up = true,
                              .actions_left = UINT64_MAX,
                              .tick_at = UINT64_MAX,
                              .tick_planned = UINT64_MAX};
    sim_network_open(sim, SIM_LIAR);
}

void sim_liar_stop(struct sim *sim)
{
    struct sim_liar *liar = sim->liar;

    if (liar == NULL)
        return;
    sim_network_close(sim, SIM_LIAR);
    for (size_t i = 0; i < TX_MSG_TYPES_N; i++) {
        for (size_t j = 0; j < HEARD; j++)
            tx_buf_deinit(&liar->heard[i][j]);
    }
    tx_arena_deinit(&liar->arena);
    free(liar);
    sim->liar = NULL;
}

/* ---- frames ---- */

static bool encode(const struct tx_envelope *from, const struct tx_msg *msg, struct tx_buf *out)
{
    struct tx_frame_writer *writer = tx_frame_writer_new(from);
    bool done;

    TX_ASSERT(writer != NULL);
    tx_buf_clear(out);
    done = tx_frame_writer_add(writer, msg, TX_MESSAGE_MAX) == TX_OK;
    if (done)
        tx_buf_append(out, tx_frame_writer_finish(writer));
    tx_frame_writer_destroy(&writer);
    TX_ASSERT(!out->failed);
    return done;
}

static bool decode(struct sim_liar *liar, struct tx_bytes bytes, struct tx_frame *frame)
{
    struct tx_why why;

    tx_arena_reset(&liar->arena);
    return tx_frame_decode(bytes, TX_MESSAGE_MAX, &liar->arena, frame, &why) == TX_OK;
}

/* What no decoder takes does not get to a core: the fuzzers of the decoder deal with that. */
static void say(struct sim *sim, const struct tx_envelope *from, size_t to,
                const struct tx_msg *msg)
{
    struct sim_liar *liar = sim->liar;
    struct tx_buf bytes = {0};
    struct tx_frame frame;
    struct sim_event event = {.type = SIM_EVENT_FRAME, .node = (uint8_t)to, .from = SIM_LIAR};

    if (encode(from, msg, &bytes) && decode(liar, tx_buf_view(&bytes), &frame)) {
        event.at = sim->now + sim_random_between(&liar->talk.random, 20, LATE_US);
        event.frame = sim_frame_new(&sim->timeline, tx_buf_view(&bytes));
        sim_timeline_add(&sim->timeline, event);
        sim->totals.lies++;
    }
    tx_buf_deinit(&bytes);
}

static void remember(struct sim *sim, size_t from, const struct tx_msg *msg)
{
    struct sim_liar *liar = sim->liar;
    struct tx_envelope envelope = sim_network_envelope(sim, from);
    struct tx_buf *place = &liar->heard[msg->type][below(liar, HEARD)];

    (void)encode(&envelope, msg, place);
}

/* ---- as a client ---- */

static struct tx_envelope client_envelope(void)
{
    return (struct tx_envelope){.cluster = "sim", .role = TX_ROLE_CLIENT, .name = {"liar"}};
}

static void ask(struct sim *sim, size_t to, struct tx_msg *msg, unsigned odds)
{
    struct tx_envelope envelope = client_envelope();

    if (percent(sim->liar, odds))
        liar_twist(&sim->liar->talk, msg);
    say(sim, &envelope, to, msg);
}

static void begin(struct sim *sim, struct own *own)
{
    struct sim_liar *liar = sim->liar;
    struct tx_msg msg = {.type = TX_MSG_BEGIN};

    *own = (struct own){.req = ++liar->req,
                        .coordinator = below(liar, (size_t)sim->options.coordinators)};
    msg.begin.req = own->req;
    ask(sim, own->coordinator, &msg, 30);
    if (percent(liar, 20))
        ask(sim, own->coordinator, &msg, 0);
}

static void operate(struct sim *sim, struct own *own)
{
    struct sim_liar *liar = sim->liar;
    unsigned participant = (unsigned)below(liar, (size_t)sim->options.participants);
    size_t to = sim_participant_node(sim, participant);
    struct tx_name nobody = {""};
    struct tx_msg msg = {.type = TX_MSG_OPERATE,
                         .operate = {.req = ++liar->req,
                                     .id = own->id,
                                     .token = own->token,
                                     .age = own->age,
                                     .step = own->steps[participant] + 1,
                                     .ops = liar->talk.ops}};

    msg.operate.ops_n = liar_ops(&liar->talk, &nobody);
    ask(sim, to, &msg, 20);
    if (percent(liar, 20)) {
        msg.operate.step++;
        ask(sim, to, &msg, 0);
    }
}

static void finish(struct sim *sim, struct own *own, enum tx_msg_type type)
{
    struct sim_liar *liar = sim->liar;
    struct tx_member members[SIM_PARTICIPANTS_MAX];
    struct tx_msg msg = {
        .type = type,
        .finish = {.req = ++liar->req, .id = own->id, .token = own->token, .members = members}};

    for (unsigned i = 0; i < sim->options.participants; i++) {
        const struct sim_node *node = &sim->nodes[sim_participant_node(sim, i)];

        if (own->incarnations[i] == 0)
            continue;
        members[msg.finish.members_n++] = (struct tx_member){.name = node->name,
                                                             .address = node->address,
                                                             .incarnation = own->incarnations[i],
                                                             .read_only = !own->wrote[i]};
    }
    ask(sim, own->coordinator, &msg, 40);
}

static void submit(struct sim *sim)
{
    struct sim_liar *liar = sim->liar;
    size_t participant = below(liar, (size_t)sim->options.participants);
    const struct sim_node *node = &sim->nodes[sim_participant_node(sim, participant)];
    struct tx_msg msg = {.type = TX_MSG_SUBMIT, .submit = {.ops = liar->talk.ops}};

    /* Its request numbers come back now and then. */
    msg.submit.req = percent(liar, 20) ? liar->req : ++liar->req;
    msg.submit.ops_n = liar_ops(&liar->talk, &node->name);
    if (percent(liar, 50))
        liar->talk.ops[0].participant = sim->nodes[sim_participant_node(sim, 0)].name;
    ask(sim, below(liar, (size_t)sim->options.coordinators), &msg, 70);
}

static void status(struct sim *sim)
{
    struct sim_liar *liar = sim->liar;
    struct tx_msg msg = {.type = TX_MSG_STATUS_REQUEST, .status_request = {.req = ++liar->req}};

    ask(sim, below(liar, (size_t)(sim->options.coordinators + sim->options.participants)), &msg, 0);
}

static void as_client(struct sim *sim)
{
    struct sim_liar *liar = sim->liar;
    struct own *own = &liar->own[below(liar, OWN_N)];
    size_t choice = below(liar, 20);

    if (choice < 4)
        submit(sim);
    else if (choice == 4)
        status(sim);
    else if (!tx_id_valid(own->id))
        begin(sim, own);
    else if (choice < 13)
        operate(sim, own);
    else if (choice < 17)
        finish(sim, own, TX_MSG_COMMIT_REQUEST);
    else if (choice == 17)
        finish(sim, own, TX_MSG_ABORT_REQUEST);
    else if (choice == 18)
        finish(sim, own, TX_MSG_OUTCOME_REQUEST);
    else
        begin(sim, own);
}

/* More than may wait for one outcome. */
static void crowd(struct sim *sim, size_t to, const struct tx_msg *msg)
{
    struct tx_envelope envelope = client_envelope();
    struct tx_msg ask_for = {.type = TX_MSG_OUTCOME_REQUEST, .finish = msg->finish};

    for (unsigned i = 0; i < CROWD; i++) {
        ask_for.finish.req = ++sim->liar->req;
        say(sim, &envelope, to, &ask_for);
    }
}

/* Another client's words, changed: it does not know that one's token. */
static void echo_client(struct sim *sim, size_t to, struct tx_msg *msg)
{
    if (msg->type == TX_MSG_OPERATE) {
        msg->operate.token = (struct tx_token){{0}};
        msg->operate.req = ++sim->liar->req;
        ask(sim, to, msg, 60);
    } else if (msg->type == TX_MSG_COMMIT_REQUEST || msg->type == TX_MSG_ABORT_REQUEST ||
               msg->type == TX_MSG_OUTCOME_REQUEST) {
        msg->finish.token = (struct tx_token){{0}};
        msg->finish.req = ++sim->liar->req;
        if (msg->type == TX_MSG_COMMIT_REQUEST && percent(sim->liar, 3))
            crowd(sim, to, msg);
        else
            ask(sim, to, msg, 60);
    }
}

static void on_begun(struct sim_liar *liar, const struct tx_msg_begun *begun)
{
    for (size_t i = 0; i < OWN_N; i++) {
        struct own *own = &liar->own[i];

        if (own->req != begun->req || tx_id_valid(own->id))
            continue;
        own->id = begun->id;
        own->token = begun->token;
        own->age = begun->age;
    }
}

static void on_operated(struct sim *sim, size_t from, const struct tx_msg_operated *operated)
{
    struct sim_liar *liar = sim->liar;
    size_t participant = from - (size_t)sim->options.coordinators;

    for (size_t i = 0; i < OWN_N; i++) {
        struct own *own = &liar->own[i];

        if (!tx_id_valid(own->id) || !tx_id_equal(own->id, operated->id) ||
            operated->reason != TX_REASON_NONE)
            continue;
        own->steps[participant] = operated->step;
        own->incarnations[participant] = operated->incarnation;
        own->wrote[participant] = operated->wrote;
    }
}

void sim_liar_hears(struct sim *sim, size_t from, const struct tx_msg *msg)
{
    if (msg->type == TX_MSG_BEGUN)
        on_begun(sim->liar, &msg->begun);
    else if (msg->type == TX_MSG_OPERATED)
        on_operated(sim, from, &msg->operated);
}

/* ---- as a stranger ---- */

static struct tx_envelope stranger(struct sim_liar *liar, enum sim_node_role role)
{
    static const uint32_t ids[] = {0, 9, TX_COORDINATOR_ID_MAX, TX_COORDINATOR_ID_MAX + 1};
    struct tx_envelope envelope = {.cluster = "sim",
                                   .role = TX_ROLE_PARTICIPANT,
                                   .name = {"stranger"},
                                   .start = below(liar, 5),
                                   .life = 1 + below(liar, 3),
                                   .address = {"sim://stranger"}};

    if (role == SIM_COORDINATOR) {
        envelope.role = TX_ROLE_COORDINATOR;
        envelope.name = (struct tx_name){""};
        envelope.coordinator = ids[below(liar, sizeof ids / sizeof ids[0])];
    }
    return envelope;
}

/* From more addresses than there may be members, all while it prepares. */
static void swarm(struct sim *sim, size_t to, struct tx_id id)
{
    struct tx_envelope envelope = {
        .cluster = "sim", .role = TX_ROLE_PARTICIPANT, .name = {"stranger"}, .start = 1, .life = 1};
    struct tx_msg msg = {.type = TX_MSG_INQUIRE, .inquire = {.id = id}};

    for (unsigned i = 0; i < SWARM; i++) {
        (void)snprintf(envelope.address.s, sizeof envelope.address.s, "sim://stranger%u", i);
        say(sim, &envelope, to, &msg);
    }
}

static void as_stranger(struct sim *sim, size_t from, size_t to, struct tx_msg *msg)
{
    struct sim_liar *liar = sim->liar;
    struct tx_envelope envelope =
        percent(liar, 90) ? stranger(liar, sim->nodes[from].role) : client_envelope();

    if (percent(liar, 50))
        liar_twist(&liar->talk, msg);
    if (msg->type == TX_MSG_PREPARE && below(liar, 150) == 0)
        swarm(sim, to, msg->prepare.id);
    if (msg->type == TX_MSG_INQUIRE) /* who proves an old copy has to be of the cluster */
        msg->inquire.known = (struct tx_position){0};
    if (msg->type == TX_MSG_HELLO && msg->hello.starts_n > 0)
        envelope.start = msg->hello.starts[msg->hello.starts_n - 1].start + 1;
    if (msg->type == TX_MSG_STATE && percent(liar, 50))
        msg->state.id = liar_id(&liar->talk);
    say(sim, &envelope, to, msg);
}

/* ---- as a node of the cluster ---- */

/* What the node has at hand: its true start, and the number that the coordinator waits for. */
static void make_plausible(const struct sim *sim, size_t to, struct tx_msg *msg)
{
    const struct sim_liar *liar = sim->liar;
    uint64_t start = sim->nodes[liar->node].start;

    if (msg->type == TX_MSG_VOTE)
        msg->vote.incarnation = start;
    else if (msg->type == TX_MSG_ACK)
        msg->ack.incarnation = start;
    else if (msg->type == TX_MSG_STATE)
        msg->state.incarnation = start;
    else if (msg->type == TX_MSG_WELCOME)
        msg->welcome.incarnation = start;
    if (msg->type == TX_MSG_WELCOME && to < sim->options.coordinators)
        msg->welcome.number = liar->numbers[to];
}

static void speak_of(struct sim_liar *liar, struct tx_msg *msg)
{
    struct tx_id id = liar_id(&liar->talk);

    if (msg->type == TX_MSG_VOTE)
        msg->vote.id = id;
    else if (msg->type == TX_MSG_ACK)
        msg->ack.id = id;
    else if (msg->type == TX_MSG_STATE)
        msg->state.id = id;
    else if (msg->type == TX_MSG_INQUIRE)
        msg->inquire.id = id;
    else if (msg->type == TX_MSG_COMMIT)
        msg->commit.id = id;
    else if (msg->type == TX_MSG_ABORT)
        msg->abort.id = id;
    else if (msg->type == TX_MSG_JOIN || msg->type == TX_MSG_WAIT)
        msg->id.id = id;
}

static void lie_within(struct sim *sim, size_t to, struct tx_msg *msg)
{
    struct sim_liar *liar = sim->liar;
    struct tx_envelope envelope = sim_network_envelope(sim, liar->node);

    for (size_t n = below(liar, 3); n > 0; n--)
        liar_twist(&liar->talk, msg);
    if (percent(liar, 3))
        envelope.life++;
    if (percent(liar, 3))
        envelope.start = liar_near(&liar->talk, envelope.start);
    say(sim, &envelope, to, msg);
}

static enum tx_role role_of(const struct sim *sim, size_t node)
{
    static const enum tx_role roles[] = {[SIM_COORDINATOR] = TX_ROLE_COORDINATOR,
                                         [SIM_PARTICIPANT] = TX_ROLE_PARTICIPANT,
                                         [SIM_CLIENT] = TX_ROLE_CLIENT};

    return roles[sim->nodes[node].role];
}

/* Something that was said once, by whomever, about another transaction. */
static void repeat_within(struct sim *sim)
{
    struct sim_liar *liar = sim->liar;
    /* What is asked and said about locks speaks of nothing that is remembered. */
    enum tx_msg_type type = (enum tx_msg_type)below(liar, TX_MSG_ERROR + 1);
    const struct tx_buf *heard = &liar->heard[type][below(liar, HEARD)];
    size_t to = below(liar, (size_t)(sim->options.coordinators + sim->options.participants));
    struct tx_buf copy = {0};
    struct tx_arena arena = {0};
    struct tx_frame frame;
    struct tx_why why;

    if (heard->len == 0 || !tx_msg_allowed(type, role_of(sim, liar->node), role_of(sim, to)))
        return;
    tx_buf_append(&copy, tx_buf_view(heard));
    if (tx_frame_decode(tx_buf_view(&copy), TX_MESSAGE_MAX, &arena, &frame, &why) == TX_OK) {
        struct tx_msg msg = frame.messages[0];

        make_plausible(sim, to, &msg);
        if (percent(liar, 60))
            speak_of(liar, &msg);
        lie_within(sim, to, &msg);
    }
    tx_arena_deinit(&arena);
    tx_buf_deinit(&copy);
}

/* A start that has not been: everybody believes it, and the true one is fenced, or quarantined. */
static void claim_start(struct sim *sim, size_t to, struct tx_msg *msg)
{
    struct tx_envelope envelope = sim_network_envelope(sim, sim->liar->node);
    struct liar_talk *talk = &sim->liar->talk;
    bool hello = msg->type == TX_MSG_HELLO;
    size_t n = hello ? msg->hello.starts_n : msg->welcome.starts_n;
    const struct tx_position *starts = hello ? msg->hello.starts : msg->welcome.starts;

    memcpy(talk->starts, starts, n * sizeof *starts);
    envelope.start++;
    envelope.life++;
    talk->starts[n - 1].start = envelope.start;
    talk->starts[n - 1].life = envelope.life;
    if (hello) {
        msg->hello.starts = talk->starts;
    } else {
        msg->welcome.starts = talk->starts;
        msg->welcome.incarnation = envelope.start;
    }
    say(sim, &envelope, to, msg);
}

/* Whoever asks the node that lies gets an answer at once, and perhaps another one. */
static void answer_within(struct sim *sim, size_t to, const struct tx_msg_inquire *inquire)
{
    struct sim_liar *liar = sim->liar;
    struct tx_envelope envelope = sim_network_envelope(sim, liar->node);
    struct tx_msg msg = {
        .type = TX_MSG_STATE,
        .state = {.id = inquire->id, .state = (enum tx_state)below(liar, TX_STATES_N)}};

    for (unsigned n = 0; n < 3; n++) {
        msg.state.incarnation = percent(liar, 50) ? envelope.start : envelope.start - 1;
        say(sim, &envelope, to, &msg);
    }
}

static void as_node(struct sim *sim, size_t from, size_t to, struct tx_msg *msg)
{
    struct sim_liar *liar = sim->liar;
    bool introduces = msg->type == TX_MSG_HELLO || msg->type == TX_MSG_WELCOME;

    if (to == liar->node && msg->type == TX_MSG_INQUIRE && sim->nodes[to].role == SIM_PARTICIPANT)
        answer_within(sim, from, &msg->inquire);
    else if (from != liar->node || percent(liar, 40))
        repeat_within(sim);
    else if (introduces && percent(liar, 4))
        claim_start(sim, to, msg);
    else if (!introduces || percent(liar, 20))
        lie_within(sim, to, msg);
}

/* ---- past the decoder ---- */

static void slip_in(struct sim *sim)
{
    size_t daemons = (size_t)(sim->options.coordinators + sim->options.participants);
    struct sim_event event = {.type = SIM_EVENT_FRAME,
                              .at = sim->now + 20,
                              .node = (uint8_t)below(sim->liar, daemons),
                              .from = SIM_LIAR};

    sim_timeline_add(&sim->timeline, event);
    sim->totals.lies++;
}

void sim_liar_raw(struct sim *sim, size_t to)
{
    struct sim_liar *liar = sim->liar;
    const struct own *own = &liar->own[below(liar, OWN_N)];

    SIM_TRACE(sim, "something undecoded -> %s", sim->nodes[to].name.s);
    liar_raw_arrives(sim, &liar->raw, to, own->id, own->token);
}

/* ---- what makes it speak ---- */

void sim_liar_overhears(struct sim *sim, size_t from, size_t to, const struct tx_msg *msg)
{
    struct sim_liar *liar = sim->liar;
    struct tx_msg lie = *msg;

    if (liar == NULL || sim->healed || from == SIM_LIAR)
        return;
    liar_heard_of(&liar->talk, tx_msg_tx(msg));
    if (to == liar->node && msg->type == TX_MSG_HELLO)
        liar->numbers[from] = msg->hello.number;
    if (liar->node != SIM_NOBODY && percent(liar, 10))
        remember(sim, from, msg);
    if (!percent(liar, sim->options.lies_percent) || to == SIM_LIAR)
        return;
    if (percent(liar, 3))
        slip_in(sim);
    if (liar->node != SIM_NOBODY && percent(liar, 60) && sim->nodes[liar->node].up)
        as_node(sim, from, to, &lie);
    else if (percent(liar, 40) || sim->nodes[to].role == SIM_CLIENT)
        as_client(sim);
    else if (sim->nodes[from].role == SIM_CLIENT)
        echo_client(sim, to, &lie);
    else
        as_stranger(sim, from, to, &lie);
}
