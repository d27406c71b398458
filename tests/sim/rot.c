#include "rot.h"

#include "participant/kv.h"
#include "rot_change.h"
#include "sim_coordinator.h"
#include "sim_participant.h"
#include "txlog/recovery.h"
#include "txlog/redo.h"

#include <inttypes.h>
#include <string.h>

#define CHANGES_MAX 3u
#define TICKS       4u /* after the start, if there is one */
#define HOUR_US     UINT64_C(3600000000)

/* One start from a changed copy. */
struct showing {
    struct sim *sim;
    size_t node;
    struct rot_log rot;
    struct rot_change change; /* the last one */
    uint64_t changes;
    uint64_t start; /* the number of the start */
    struct recovery_summary summary;
    struct tx_why why;
};

/* ---- a coordinator ---- */

static enum tx_error coord_replay(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    return coord_core_recover(arg, record, why);
}

/* What it does is not done; whether it stays in order is looked at. */
static void coord_lives(struct showing *showing, struct coord_core *core)
{
    uint64_t now = sim_clock(showing->sim, showing->node);
    struct coord_actions actions = {0};

    coord_core_recovered(core, (struct tx_lsn){txlog_last(&showing->rot.log).n + 1}, now, &actions);
    coord_core_check(core);
    for (unsigned i = 0; i < TICKS; i++) {
        now += HOUR_US;
        coord_core_step(core, &(struct coord_event){.type = COORD_EVENT_TICK}, now, &actions);
        coord_core_check(core);
    }
    coord_actions_deinit(&actions);
}

static enum tx_error show_coordinator(struct showing *showing)
{
    struct coord_core *core =
        sim_coordinator_core_new(showing->sim, showing->node, showing->start, 1);
    enum tx_error error =
        recovery_replay(&showing->rot.log, coord_replay, core, &showing->summary, &showing->why);

    if (error == TX_OK)
        coord_lives(showing, core);
    coord_core_destroy(&core);
    return error;
}

/* ---- a participant ---- */

static enum tx_error part_replay(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    return part_core_recover(arg, record, why);
}

struct reopening {
    struct showing *showing;
    struct rm *rm;
    struct tx_buf stored;
    struct tx_arena arena;
    enum tx_error error;
};

/* As the daemon's shell does it. */
static void reopen(void *arg, struct tx_id tx, struct tx_lsn prepared)
{
    struct reopening *reopening = arg;
    struct tx_why *why = &reopening->showing->why;
    struct rm_answer answer = {0};
    struct txlog_record record;

    if (reopening->error != TX_OK)
        return;
    tx_arena_reset(&reopening->arena);
    reopening->error = txlog_get(&reopening->showing->rot.log, prepared, &reopening->stored, why);
    TX_ASSERT(reopening->error == TX_OK);
    reopening->error =
        txlog_record_decode(tx_buf_view(&reopening->stored), &reopening->arena, &record, why);
    TX_ASSERT(reopening->error == TX_OK && record.type == TXLOG_PREPARED);
    reopening->rm->vtable->recover(reopening->rm, tx, record.prepared.redo, &answer);
    if (answer.status != RM_OK)
        reopening->error = tx_why(why, TX_ECORRUPT, "record %" PRIu64 ": %.*s", prepared.n,
                                  (int)answer.text.len, (const char *)answer.text.data);
}

static enum tx_error part_lives(struct showing *showing, struct part_core *core)
{
    uint64_t now = sim_clock(showing->sim, showing->node);
    struct part_actions actions = {0};
    enum tx_error error = part_core_recovered(
        core, (struct tx_lsn){txlog_last(&showing->rot.log).n + 1}, now, &actions, &showing->why);

    if (error == TX_OK)
        part_core_check(core);
    for (unsigned i = 0; error == TX_OK && i < TICKS; i++) {
        now += HOUR_US;
        part_core_step(core, &(struct part_event){.type = PART_EVENT_TICK}, now, &actions);
        part_core_check(core);
    }
    part_actions_deinit(&actions);
    return error;
}

static enum tx_error show_participant(struct showing *showing)
{
    struct part_options options = sim_participant_options(showing->sim, showing->node);
    struct reopening reopening = {.showing = showing};
    struct part_core *core;
    enum tx_error error;

    options.incarnation = showing->start;
    core = part_core_new(&options);
    error = recovery_replay(&showing->rot.log, part_replay, core, &showing->summary, &showing->why);
    if (error == TX_OK)
        error = kv_open(&showing->rot.log, 0, &reopening.rm, &showing->why);
    if (error == TX_OK) {
        part_core_each_prepared(core, reopen, &reopening);
        error = reopening.error;
    }
    if (error == TX_OK)
        error = part_lives(showing, core);
    if (reopening.rm != NULL)
        reopening.rm->vtable->close(&reopening.rm);
    part_core_destroy(&core);
    tx_buf_deinit(&reopening.stored);
    tx_arena_deinit(&reopening.arena);
    return error;
}

/* ---- the store's data keys ---- */

static enum tx_error damage_key(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    const struct showing *showing = arg;
    struct sim *sim = showing->sim;
    uint8_t bytes[80];
    struct tx_bytes space, rest;
    size_t len = key.len < sizeof bytes ? key.len : sizeof bytes;

    (void)value;
    if (!sim_random_percent(&sim->rot, 10))
        return TX_OK;
    memcpy(bytes, key.data, len);
    bytes[0] = (uint8_t)sim_random_between(&sim->rot, 0, 90);
    len = (size_t)sim_random_between(&sim->rot, 0, len);
    if (redo_data_key_parse(tx_bytes(bytes, len), &space, &rest) == TX_OK &&
        (space.len == 0 || space.len > TX_SPACE_MAX || 1 + space.len + rest.len != len))
        sim_fail(sim, "damage: a key of the store that cannot be was taken");
    return TX_OK;
}

/* ---- and what to make of it ---- */

static void wrong(const struct showing *showing, const char *what)
{
    sim_fail(showing->sim, "damage: %s, shown %s at LSN %" PRIu64 ": %s: %s",
             showing->sim->nodes[showing->node].name.s, showing->change.name, showing->change.lsn,
             what, showing->why.text);
}

/* Does the text name a place or a transaction? */
static bool names_a_place(const char *text)
{
    static const char *const words[] = {"record ", "LSN ", "transaction ", "transactions "};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *at = strstr(text, words[i]);

        if (at != NULL && strpbrk(at, "0123456789") == at + strlen(words[i]))
            return true;
    }
    return false;
}

static void judge(const struct showing *showing, enum tx_error error)
{
    enum rot_expected expected = showing->changes == 1 ? showing->change.expected : ROT_ANYTHING;

    if (error == TX_OK && expected == ROT_REFUSED)
        wrong(showing, "a wrong checksum was not noticed");
    if (error == TX_OK && showing->rot.n > 0 && showing->summary.records == 0)
        wrong(showing, "it would start without a record");
    if (error == TX_OK)
        return;
    if (expected == ROT_TAKEN)
        wrong(showing, "an earlier state of the log was refused");
    if (error != TX_ECORRUPT && error != TX_EVERSION && error != TX_EGAP && error != TX_ELIMIT)
        wrong(showing, "refused with an odd error");
    if (!names_a_place(showing->why.text))
        wrong(showing, "the refusal names no place");
}

static void show(struct sim *sim, size_t at)
{
    struct showing showing = {.sim = sim, .node = at};
    bool participant = sim->nodes[at].role == SIM_PARTICIPANT;
    enum tx_role role = participant ? TX_ROLE_PARTICIPANT : TX_ROLE_COORDINATOR;
    uint64_t wanted = sim_random_percent(&sim->rot, 75) ? 1 : CHANGES_MAX;
    enum tx_error error;

    rot_log_init(&showing.rot, sim_disk_log(sim->nodes[at].disk));
    while (showing.changes < wanted && showing.rot.n > 0) {
        showing.change = rot_change(&showing.rot, role, &sim->rot);
        showing.changes++;
    }
    if (showing.changes > 0) {
        error = recovery_next_start(&showing.rot.log, 0, &showing.start, &showing.why);
        if (error == TX_OK)
            error = participant ? show_participant(&showing) : show_coordinator(&showing);
        SIM_TRACE(sim, "%s is shown %s at LSN %" PRIu64 ": %s", sim->nodes[at].name.s,
                  showing.change.name, showing.change.lsn,
                  error == TX_OK ? "it would start" : showing.why.text);
        sim->totals.rot_shown++;
        sim->totals.rot_refused += error != TX_OK;
        judge(&showing, error);
    }
    if (participant) {
        error = txlog_data_each(sim_disk_log(sim->nodes[at].disk), damage_key, &showing, NULL);
        TX_ASSERT(error == TX_OK);
    }
    rot_log_deinit(&showing.rot);
}

void sim_rot(struct sim *sim, size_t node)
{
    uint64_t n = sim_random_between(&sim->rot, 0, sim->options.rot);

    while (n-- > 0)
        show(sim, node);
}
