/* One run of scripts. */
#include "tests/isolation/iso_run.h"

#include "common/assert.h"
#include "tests/common/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct running {
    struct iso_node *node;
    const struct iso_script *scripts;
    size_t sessions;
    struct iso_run *run;
    unsigned next[ISO_SESSIONS]; /* step */
    unsigned owed[ISO_SESSIONS]; /* turns that came while it waited */
    unsigned now;
};

unsigned iso_script_steps(const struct iso_script *script)
{
    unsigned n = 0;
    while (n < ISO_STEPS && script->steps[n].what != DO_NOTHING) {
        n++;
    }
    return n;
}

static bool is_scan(const struct iso_step *step)
{
    return step->what == DO_SCAN || step->what == DO_SCAN_BACK;
}

unsigned iso_script_turns(const struct iso_script *script, const struct iso_setting *setting)
{
    unsigned n = iso_script_steps(script);
    unsigned turns = n;
    for (unsigned i = 0; i < n && setting->slow_scans; i++) {
        turns += is_scan(&script->steps[i]);
    }
    return turns;
}

static bool is_over(const struct running *r, size_t session)
{
    enum iso_state state = iso_session(r->node, session)->state;
    return state == ISO_ABORTED || r->next[session] == iso_script_steps(&r->scripts[session]);
}

static bool waits(const struct running *r, size_t session)
{
    return iso_session(r->node, session)->state == ISO_WAITING;
}

static void operate(struct running *r, size_t session, const struct iso_step *step)
{
    static const enum tx_op_type types[] = {
        [DO_GET] = TX_OP_GET,       [DO_GET_FOR_UPDATE] = TX_OP_GET_FOR_UPDATE,
        [DO_PUT] = TX_OP_PUT,       [DO_PUT_SUM] = TX_OP_PUT,
        [DO_INSERT] = TX_OP_INSERT, [DO_DELETE] = TX_OP_DELETE,
        [DO_SCAN] = TX_OP_SCAN,     [DO_SCAN_BACK] = TX_OP_SCAN};
    char sum[ISO_TEXT];
    struct tx_op op = {
        .type = types[step->what], .space = tx_bytes_str("s"), .key = tx_bytes_str(step->key)};
    if (op.type == TX_OP_SCAN) {
        op.to = tx_bytes_str(step->text);
        op.limit = 10;
        op.reverse = step->what == DO_SCAN_BACK;
    } else if (step->what == DO_PUT_SUM) {
        (void)snprintf(sum, sizeof sum, "%ld",
                       strtol(r->run->read[session][step->from], NULL, 10) + 1);
        op.value = tx_bytes_str(sum);
    } else if (op.type == TX_OP_PUT || op.type == TX_OP_INSERT) {
        op.value = tx_bytes_str(step->text);
    }
    iso_operate(r->node, session, &op);
}

static void act(struct running *r, size_t session, const struct iso_step *step)
{
    switch (step->what) {
    case DO_GET:
    case DO_GET_FOR_UPDATE:
    case DO_PUT:
    case DO_PUT_SUM:
    case DO_INSERT:
    case DO_DELETE:
    case DO_SCAN:
    case DO_SCAN_BACK:
        operate(r, session, step);
        return;
    case DO_PREPARE:
        iso_prepare(r->node, session);
        return;
    case DO_DECIDE:
        return;
    case DO_COMMIT:
        iso_commit(r->node, session);
        return;
    case DO_ABORT:
        iso_abort(r->node, session);
        return;
    case DO_FINISH:
        iso_finish(r->node, session);
        return;
    case DO_NOTHING:
        TX_ASSERT(step->what != DO_NOTHING);
    }
}

/* Notes what came of steps whose answer may have come with those of others. */
static void note_answers(struct running *r)
{
    for (size_t s = 0; s < r->sessions; s++) {
        const struct iso_session *session = iso_session(r->node, s);
        if (r->next[s] == 0 || session->state == ISO_WAITING || session->state == ISO_ABORTED) {
            continue;
        }
        unsigned step = r->next[s] - 1;
        if (r->run->answered[s][step] == 0) {
            r->run->answered[s][step] = r->now;
            memcpy(r->run->read[s][step], session->value, ISO_TEXT);
        }
    }
}

static void take_turn(struct running *r, size_t session)
{
    r->now++;
    if (iso_has_answer(r->node, session)) {
        iso_answer(r->node, session);
    } else {
        unsigned step = r->next[session]++;
        r->run->begun[session][step] = r->now;
        act(r, session, &r->scripts[session].steps[step]);
    }
    note_answers(r);
}

/* Those that may go on take the turns that they had to let pass; a scan that is read a second time
 * takes more of them than the order has. True when one did. */
static bool catch_up(struct running *r, bool at_the_end)
{
    for (size_t s = 0; s < r->sessions; s++) {
        bool may = iso_has_answer(r->node, s) || (!is_over(r, s) && !waits(r, s));
        if (may && (at_the_end || r->owed[s] > 0)) {
            r->owed[s] -= at_the_end ? 0 : 1;
            take_turn(r, s);
            return true;
        }
    }
    return false;
}

static void note_end(struct running *r)
{
    for (size_t s = 0; s < r->sessions; s++) {
        if (waits(r, s) || !is_over(r, s)) {
            fail_msg("session %zu cannot go on at step %u", s + 1, r->next[s]);
        }
        r->run->committed[s] = iso_session(r->node, s)->state == ISO_COMMITTED;
    }
    iso_value(r->node, "x", r->run->x);
    iso_value(r->node, "y", r->run->y);
    iso_rows(r->node, r->run->all);
}

void iso_run(const struct iso_script *scripts, size_t sessions, const struct iso_setting *setting,
             const uint8_t *order, size_t order_n, struct iso_run *run)
{
    struct running r = {.node = iso_node_new(setting->policy, setting->slow_scans),
                        .scripts = scripts,
                        .sessions = sessions,
                        .run = run};
    *run = (struct iso_run){.committed = {false}};
    for (size_t s = 0; s < sessions; s++) {
        iso_begin(r.node, s, setting->age[s], setting->level[s]);
    }
    for (size_t i = 0; i < order_n; i++) {
        size_t session = order[i];
        r.owed[session]++;
        while (catch_up(&r, false)) {
        }
    }
    while (catch_up(&r, true)) {
    }
    note_end(&r);
    iso_node_free(&r.node);
}
