#include "sim_client.h"

#include "liar.h"
#include "cuts.h"
#include "network.h"
#include "onlooker.h"
#include "operator.h"
#include "plan.h"
#include "plan_seats.h"
#include "rejoin.h"
#include "rule.h"
#include "sim_history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RESEND_US    UINT64_C(200000)
#define GIVE_UP_US   UINT64_C(3000000)
#define PROBES       3u   /* of each client when everything has healed */
#define UNKNOWNS_MAX 30u  /* when everything has healed: hears it so often before it gives in */
#define PATIENCE     100u /* before: so often, where outcomes are forgotten for good */

enum phase {
    PHASE_IDLE,
    PHASE_BEGIN,
    PHASE_OPERATE,
    PHASE_COMMIT,
    PHASE_ASK, /* the outcome is unknown so far */
    PHASE_SUBMIT,
};

struct used {
    uint32_t steps;
    uint64_t incarnation;
    bool wrote;
};

struct sim_client {
    enum phase phase;
    struct plan plan;
    bool retry; /* the same plan again, with its age */
    uint64_t req, serial;
    uint64_t give_up_at;
    size_t coordinator;
    struct tx_id id;
    struct tx_age age;
    struct tx_token token;
    uint64_t invoked;
    bool probing; /* asks for what is not its own, or is over */
    struct sim_told probed;
    unsigned probes_left, unknowns; /* since everything has healed */
    unsigned unknowns_before;       /* of this transaction */
    bool done, impatient;
    unsigned step;
    enum tx_commit_mode mode; /* that it asks for */
    struct used used[SIM_PARTICIPANTS_MAX];
};

static void enter(struct sim *sim, struct sim_client *self, enum phase phase)
{
    self->phase = phase;
    self->req++;
    self->give_up_at = sim->now + GIVE_UP_US;
}

/* ---- requests ---- */

static void send_finish(struct sim *sim, size_t node, enum tx_msg_type type)
{
    const struct sim_client *self = sim->nodes[node].client;
    struct tx_member members[SIM_PARTICIPANTS_MAX] = {0};
    struct tx_msg msg = {.type = type,
                         .finish = {.req = self->req,
                                    .id = self->id,
                                    .token = self->token,
                                    .members = members,
                                    .mode = self->mode}};

    for (unsigned i = 0; i < sim->options.participants; i++) {
        const struct sim_node *participant = &sim->nodes[sim_participant_node(sim, i)];

        if (self->used[i].incarnation == 0)
            continue;
        members[msg.finish.members_n++] =
            (struct tx_member){.name = participant->name,
                               .address = participant->address,
                               .incarnation = self->used[i].incarnation,
                               .read_only = !self->used[i].wrote};
    }
    sim_network_send(sim, node, self->coordinator, &msg);
}

static void send_operate(struct sim *sim, size_t node)
{
    struct sim_client *self = sim->nodes[node].client;
    struct tx_op ops[PLAN_OPS_MAX];
    unsigned participant = plan_step_participant(&self->plan, self->step);
    size_t n = plan_step(&self->plan, self->step, ops);
    struct tx_msg msg = {.type = TX_MSG_OPERATE,
                         .operate = {.req = self->req,
                                     .id = self->id,
                                     .token = self->token,
                                     .age = self->age,
                                     .lock_timeout_ms = self->plan.lock_timeout_ms,
                                     .isolation = self->plan.isolation,
                                     .step = self->used[participant].steps + 1,
                                     .ops = ops,
                                     .ops_n = n}};

    sim_network_send(sim, node, sim_participant_node(sim, participant), &msg);
}

static void send_submit(struct sim *sim, size_t node)
{
    struct sim_client *self = sim->nodes[node].client;
    struct tx_op ops[PLAN_OPS_MAX];
    struct tx_msg msg = {.type = TX_MSG_SUBMIT,
                         .submit = {.req = self->req,
                                    .key = tx_bytes_str(self->plan.key),
                                    .age = self->age,
                                    .lock_timeout_ms = self->plan.lock_timeout_ms,
                                    .isolation = self->plan.isolation,
                                    .mode = self->mode,
                                    .ops = ops}};

    msg.submit.ops_n = plan_all(&self->plan, sim, ops);
    sim_network_send(sim, node, self->coordinator, &msg);
}

static void send_request(struct sim *sim, size_t node)
{
    struct sim_client *self = sim->nodes[node].client;
    struct tx_msg begin = {.type = TX_MSG_BEGIN, .begin = {.req = self->req, .age = self->age}};

    switch (self->phase) {
    case PHASE_IDLE:
        return;
    case PHASE_BEGIN:
        sim_network_send(sim, node, self->coordinator, &begin);
        return;
    case PHASE_OPERATE:
        send_operate(sim, node);
        return;
    case PHASE_COMMIT:
        send_finish(sim, node, self->impatient ? TX_MSG_ABORT_REQUEST : TX_MSG_COMMIT_REQUEST);
        return;
    case PHASE_ASK:
        send_finish(sim, node, TX_MSG_OUTCOME_REQUEST);
        return;
    case PHASE_SUBMIT:
        send_submit(sim, node);
        return;
    }
}

static void go(struct sim *sim, size_t node, enum phase phase)
{
    enter(sim, sim->nodes[node].client, phase);
    send_request(sim, node);
    sim_tick_at(sim, node, sim->now + RESEND_US);
}

/* ---- beginning and ending ---- */

static void rest(struct sim *sim, size_t node)
{
    sim->nodes[node].client->phase = PHASE_IDLE;
    sim->nodes[node].client->probing = false;
    sim_tick_at(sim, node,
                sim->now + sim_random_between(&sim->random, 1000, sim->options.think_us));
}

/* Asks for the transaction of another one while that is at it. */
static bool ask_for_live(struct sim *sim, size_t node)
{
    struct sim_client *self = sim->nodes[node].client;
    size_t first = sim_participant_node(sim, sim->options.participants);
    const struct sim_client *other =
        sim->nodes[sim_random_between(&sim->random, first, sim->nodes_n - 1)].client;

    /* Whoever asks names all participants that were used, and they are known from there on. */
    if (other == self || other->phase < PHASE_COMMIT || other->probing || !tx_id_valid(other->id))
        return false;
    self->probed =
        (struct sim_told){.id = other->id, .mode = other->mode, .wrote = plan_writes(&other->plan)};
    self->probing = true;
    for (unsigned i = 0; i < SIM_PARTICIPANTS_MAX; i++)
        self->probed.incarnations[i] = other->used[i].incarnation;
    return true;
}

/* For what somebody was told before: the answer may be UNKNOWN by now, never another. */
static bool ask_for_old(struct sim *sim, size_t node)
{
    struct sim_client *self = sim->nodes[node].client;

    self->probed = sim->told[sim_random_between(&sim->random, 0, sim->told_n - 1)];
    self->probing = tx_id_valid(self->probed.id);
    return self->probing;
}

static void probe(struct sim *sim, size_t node)
{
    struct sim_client *self = sim->nodes[node].client;
    bool live = !sim->healed && sim_random_percent(&sim->random, 30);

    self->retry = false;
    if (live ? !ask_for_live(sim, node) : !ask_for_old(sim, node)) {
        rest(sim, node);
        return;
    }
    self->id = self->probed.id;
    self->mode = self->probed.mode;
    self->coordinator = self->id.coordinator - 1;
    for (unsigned i = 0; i < SIM_PARTICIPANTS_MAX; i++)
        self->used[i] = (struct used){.incarnation = self->probed.incarnations[i],
                                      .wrote = (self->probed.wrote >> i & 1u) != 0};
    go(sim, node, PHASE_ASK);
}

static enum tx_commit_mode draw_mode(struct sim *sim)
{
    if (sim->options.asks_percent == 0 ||
        !sim_random_percent(&sim->modes, (unsigned)sim->options.asks_percent))
        return TX_COMMIT_DEFAULT;
    return sim_random_percent(&sim->modes, 50) ? TX_COMMIT_PARTICIPANTS : TX_COMMIT_COORDINATOR;
}

static void begin(struct sim *sim, size_t node)
{
    struct sim_client *self = sim->nodes[node].client;

    if (sim->healed && (self->probes_left == 0 || sim->told_n == 0)) {
        self->done = true;
        return;
    }
    if (sim->told_n > 0 && (sim->healed || sim_random_percent(&sim->random, 10))) {
        self->probes_left -= sim->healed;
        probe(sim, node);
        return;
    }
    onlooker_ask(sim, node);
    self->serial++;
    if (!self->retry) {
        plan_draw(&self->plan, sim, node * 1000000 + self->serial);
        self->age = (struct tx_age){0};
        self->coordinator =
            (size_t)sim_random_between(&sim->random, 0, sim->options.coordinators - 1);
    }
    self->retry = false;
    self->mode = draw_mode(sim);
    plan_again(&self->plan, sim);
    self->invoked = sim->now;
    self->unknowns_before = 0;
    self->id = (struct tx_id){0};
    self->step = 0;
    self->impatient = false;
    memset(self->used, 0, sizeof self->used);
    if (self->plan.submit)
        sim_begun(sim);
    go(sim, node, self->plan.submit ? PHASE_SUBMIT : PHASE_BEGIN);
}

static unsigned wrote_mask(const struct sim *sim, const struct sim_client *self)
{
    unsigned mask = 0;

    if (self->plan.submit)
        return plan_writes(&self->plan);
    for (unsigned i = 0; i < sim->options.participants; i++)
        mask |= (unsigned)self->used[i].wrote << i;
    return mask;
}

static void remember(struct sim *sim, const struct sim_client *self, enum tx_outcome outcome)
{
    struct sim_told *told;

    if (sim->told_n == sim->told_capacity) {
        sim->told_capacity = sim->told_capacity * 2 + 256;
        sim->told = tx_xrealloc(sim->told, sim->told_capacity * sizeof *sim->told);
    }
    told = &sim->told[sim->told_n++];
    *told = (struct sim_told){
        .id = self->id, .outcome = outcome, .mode = self->mode, .wrote = wrote_mask(sim, self)};
    for (unsigned i = 0; i < SIM_PARTICIPANTS_MAX; i++)
        told->incarnations[i] = self->used[i].incarnation;
}

static void told(struct sim *sim, size_t node, enum tx_outcome outcome)
{
    struct sim_client *self = sim->nodes[node].client;
    char id[TX_ID_TEXT];
    bool unknown = outcome == TX_OUTCOME_UNKNOWN;
    struct sim_attempt attempt = {.client = node,
                                  .plan = &self->plan,
                                  .id = self->id,
                                  .outcome = outcome,
                                  .invoked = self->invoked,
                                  .completed = unknown ? UINT64_MAX : sim->now};

    attempt.may_stay_unknown =
        sim->options.retention_us != SIM_FOREVER_US ||
        (self->plan.submit && (!self->plan.keyed || self->plan.kind == PLAN_SCAN));
    sim_history_tx(sim, &attempt);
    if (outcome == TX_OUTCOME_COMMITTED)
        plan_seats_judge(&self->plan, sim, self->id);
    if (!unknown)
        remember(sim, self, outcome);
    SIM_TRACE(sim, "%s: %s is %s", sim->nodes[node].name.s, tx_id_print(self->id, id),
              tx_outcome_name(outcome));
    sim->totals.committed += outcome == TX_OUTCOME_COMMITTED;
    sim->totals.members_decided += outcome == TX_OUTCOME_COMMITTED && rule_applies(sim, self->id);
    self->retry =
        outcome == TX_OUTCOME_ABORTED && !self->plan.aborts && sim_random_percent(&sim->random, 50);
}

/* Its end is certain: no COMMIT_REQUEST has left. */
static void give_up(struct sim *sim, size_t node)
{
    send_finish(sim, node, TX_MSG_ABORT_REQUEST);
    told(sim, node, TX_OUTCOME_ABORTED);
    rest(sim, node);
}

/* As a client that has died: nobody is told anything. */
static void walk_away(struct sim *sim, size_t node)
{
    told(sim, node, TX_OUTCOME_ABORTED);
    rest(sim, node);
}

void sim_client_tick(struct sim *sim, size_t node)
{
    struct sim_client *self = sim->nodes[node].client;
    bool late = sim->now >= self->give_up_at;

    if (self->phase == PHASE_IDLE) {
        begin(sim, node);
    } else if (self->phase == PHASE_OPERATE && late) {
        give_up(sim, node);
    } else if ((self->phase == PHASE_BEGIN && late) || (self->probing && late)) {
        rest(sim, node);
    } else if (self->phase == PHASE_SUBMIT && late && !self->plan.keyed) {
        told(sim, node, TX_OUTCOME_UNKNOWN);
        rest(sim, node);
    } else if (self->phase == PHASE_COMMIT && late) {
        go(sim, node, PHASE_ASK);
    } else {
        /* Now and then one would rather abort: the answer is the truth either way. */
        if (self->phase == PHASE_COMMIT && sim_random_percent(&sim->random, 10))
            self->impatient = true;
        if (self->phase != PHASE_SUBMIT || self->plan.keyed) /* without a key it leaves once */
            send_request(sim, node);
        sim_tick_at(sim, node, sim->now + RESEND_US);
    }
}

/* ---- answers ---- */

static void on_begun(struct sim *sim, size_t node, const struct tx_msg_begun *begun)
{
    struct sim_client *self = sim->nodes[node].client;

    if (self->phase != PHASE_BEGIN || begun->req != self->req)
        return;
    self->id = begun->id;
    self->age = begun->age;
    self->token = begun->token;
    sim_begun(sim);
    go(sim, node, PHASE_OPERATE);
}

static void on_operated(struct sim *sim, size_t node, const struct tx_msg_operated *operated)
{
    struct sim_client *self = sim->nodes[node].client;
    struct used *used;

    if (self->phase != PHASE_OPERATE || operated->req != self->req)
        return;
    used = &self->used[plan_step_participant(&self->plan, self->step)];
    if (operated->reason != TX_REASON_NONE ||
        (used->incarnation != 0 && used->incarnation != operated->incarnation)) {
        give_up(sim, node);
        return;
    }
    used->steps = operated->step;
    used->incarnation = operated->incarnation;
    used->wrote = operated->wrote;
    plan_read(&self->plan, self->step, operated->results, operated->results_n);
    self->step++;
    if (self->step < self->plan.steps)
        go(sim, node, PHASE_OPERATE);
    else if (self->plan.walks_away)
        walk_away(sim, node);
    else if (self->plan.aborts)
        give_up(sim, node);
    else
        go(sim, node, PHASE_COMMIT);
}

static void on_committed_submit(struct sim *sim, struct sim_client *self,
                                const struct tx_msg_outcome *outcome)
{
    if (outcome->results_lost || sim_lies_within(sim))
        return;
    if (outcome->results_n == self->plan.ops_n)
        plan_read_all(&self->plan, outcome->results, outcome->results_n);
    else
        sim_fail(sim, "a committed SUBMIT of %u operations with %zu results", self->plan.ops_n,
                 outcome->results_n);
}

static void on_probed(struct sim *sim, size_t node, const struct tx_msg_outcome *outcome)
{
    const struct sim_told *old = &sim->nodes[node].client->probed;

    /* Of several members that only read no record is left: aborted is as true (docs/protocol.md).
     */
    if (old->wrote != 0)
        sim_history_told(sim, old->id, outcome->outcome);
    rest(sim, node);
}

/* Has it asked often enough? While there are faults the answer may still come, unless the retention
 * was over first: then nobody knows it any more. */
static bool wearied(const struct sim *sim, struct sim_client *self)
{
    if (sim->healed || sim_lies_within(sim) || sim_rejoins(sim)) /* fenced for good, perhaps */
        return ++self->unknowns >= UNKNOWNS_MAX;
    return ++self->unknowns_before >= PATIENCE && sim->options.retention_us != SIM_FOREVER_US;
}

static void give_in(struct sim *sim, size_t node)
{
    sim_client_end(sim, node);
    rest(sim, node);
}

/* It wrote rows at once, and this run of it has aborted. Another copy of the request may run, or
 * have run: an abort is not kept across a restart, and nothing longer than its retention; the end
 * of one run is not that of the request. */
static bool may_have_run(const struct sim_client *self, const struct tx_msg_outcome *outcome)
{
    return self->plan.kind == PLAN_SCAN && self->plan.keyed &&
           outcome->outcome == TX_OUTCOME_ABORTED;
}

static void on_outcome(struct sim *sim, size_t node, const struct tx_msg_outcome *outcome)
{
    struct sim_client *self = sim->nodes[node].client;
    struct tx_msg ack = {.type = TX_MSG_OUTCOME_ACK, .id = {.id = outcome->id}};

    if (self->phase < PHASE_COMMIT || outcome->req != self->req)
        return;
    if (self->probing) {
        on_probed(sim, node, outcome);
        return;
    }
    if (outcome->outcome == TX_OUTCOME_UNKNOWN) {
        if (wearied(sim, self))
            give_in(sim, node);
        else if (self->phase == PHASE_COMMIT)
            enter(sim, self, PHASE_ASK); /* asks at the next tick */
        else if (self->phase == PHASE_SUBMIT && !self->plan.keyed)
            give_in(sim, node);
        return;
    }
    self->id = outcome->id;
    if (outcome->age.counter > 0)
        self->age = outcome->age;
    if (self->plan.submit && outcome->outcome == TX_OUTCOME_COMMITTED)
        on_committed_submit(sim, self, outcome);
    /* The key's own record is in the way: it has committed before, and that was not told. Unless an
     * operator has committed what its coordinator, restarted, presumes to be aborted; or a liar,
     * who can insert a key of his own in its name: an abort, no more. */
    if (outcome->reason == TX_REASON_EXISTS && self->plan.kind == PLAN_ADD &&
        sim->options.retention_us == SIM_FOREVER_US && sim->liar == NULL &&
        !sim_operator_committed_key(sim, tx_bytes_str(self->plan.key)))
        sim_fail(sim, "ran-twice: %.*s", (int)outcome->text.len, (const char *)outcome->text.data);
    told(sim, node, may_have_run(self, outcome) ? TX_OUTCOME_UNKNOWN : outcome->outcome);
    sim_network_send(sim, node, self->coordinator, &ack);
    rest(sim, node);
}

static void on_error(struct sim *sim, size_t node, const struct tx_msg_error *error)
{
    struct sim_client *self = sim->nodes[node].client;

    if (error->req != self->req || self->phase == PHASE_IDLE)
        return;
    SIM_TRACE(sim, "%s hears: %.*s", sim->nodes[node].name.s, (int)error->text.len,
              (const char *)error->text.data);
    if (self->phase == PHASE_OPERATE)
        give_up(sim, node);
    else if (self->phase == PHASE_COMMIT)
        enter(sim, self, PHASE_ASK);
    else if (self->phase == PHASE_BEGIN || (self->phase == PHASE_SUBMIT && !self->plan.keyed))
        rest(sim, node);
    else if (self->phase == PHASE_SUBMIT && (sim_lies_within(sim) || sim_rejoins(sim)) &&
             wearied(sim, self))
        give_in(sim, node); /* no other coordinator knows the key */
}

void sim_client_received(struct sim *sim, size_t node, size_t from, const struct tx_msg *msg)
{
    if (msg->type == TX_MSG_BEGUN)
        on_begun(sim, node, &msg->begun);
    else if (msg->type == TX_MSG_OPERATED)
        on_operated(sim, node, &msg->operated);
    else if (msg->type == TX_MSG_OUTCOME)
        on_outcome(sim, node, &msg->outcome);
    else if (msg->type == TX_MSG_ERROR)
        on_error(sim, node, &msg->error);
    else if (msg->type == TX_MSG_LOCKS)
        onlooker_answered(sim, node, from, &msg->locks);
    else if (msg->type == TX_MSG_CUT)
        sim_cuts_answered(sim, node, from, &msg->cut);
    else if (msg->type != TX_MSG_STATUS && msg->type != TX_MSG_TXS && msg->type != TX_MSG_ALARMS)
        sim_fail(sim, "%s got a %s", sim->nodes[node].name.s, tx_msg_name(msg->type));
}

/* ---- life ---- */

void sim_client_start(struct sim *sim, size_t node)
{
    sim->nodes[node].client = tx_xcalloc(1, sizeof(struct sim_client));
    sim->nodes[node].client->probes_left = PROBES;
    sim->nodes[node].client->serial = sim->first_serial;
    sim_tick_at(sim, node, sim->now + sim_random_between(&sim->random, 1000, 500000));
}

void sim_client_stop(struct sim *sim, size_t node)
{
    plan_deinit(&sim->nodes[node].client->plan);
    free(sim->nodes[node].client);
    sim->nodes[node].client = NULL;
}

void sim_client_end(struct sim *sim, size_t node)
{
    struct sim_client *self = sim->nodes[node].client;

    if (self->phase >= PHASE_OPERATE && self->probing == 0)
        told(sim, node, TX_OUTCOME_UNKNOWN);
}

bool sim_client_done(const struct sim_node *node)
{
    return node->client->done;
}

struct tx_id sim_client_tx(const struct sim_node *node)
{
    return node->client->id;
}
