/* A plan: what is in doubt, and what can be proved about it. */
#include "txlog/recover/recover_plan.h"

#include "common/assert.h"
#include "txlog/recover/recover_explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* ---- what is in doubt ---- */

struct finding {
    struct recover_plan *plan;
    size_t node;
};

static void find_doubt(void *arg, const struct story_tx *tx)
{
    struct finding *finding = arg;
    struct recover_plan *plan = finding->plan;
    if (tx->state != STORY_PREPARED)
        return;
    plan->steps = tx_xrealloc(plan->steps, (plan->steps_n + 1) * sizeof(*plan->steps));
    plan->steps[plan->steps_n++] =
        (struct recover_step){.node = finding->node, .tx = tx->id, .prepared = tx->prepared};
}

/* ---- what is proved ---- */

struct judging {
    struct recover_plan *plan;
    struct case_node *nodes;
    struct recover_source source; /* of the participant whose steps are being judged */
    struct tx_buf stored;
    struct tx_arena arena;
};

static void add_fact(struct recover_step *step, const struct judging *j, size_t node,
                     enum case_fact fact)
{
    const struct story_tx *tx = story_find(j->plan->nodes[node].story, step->tx);
    struct tx_lsn lsn = {0};
    if (tx != NULL)
        lsn = tx->decided.n != 0 ? tx->decided : tx->prepared.n != 0 ? tx->prepared : tx->ended;
    step->facts = tx_xrealloc(step->facts, (step->facts_n + 1) * sizeof(*step->facts));
    step->facts[step->facts_n++] = (struct recover_fact){node, fact, lsn};
}

static void collect_facts(struct recover_step *step, const struct judging *j,
                          const struct recover_case *c)
{
    for (size_t i = 0; i < j->plan->nodes_n; i++) {
        const struct recover_whom *whom = &j->nodes[i].whom;
        bool member = false;
        if (whom->coordinator == step->tx.coordinator)
            add_fact(step, j, i, recover_case_coordinator(c));
        for (size_t m = 0; whom->coordinator == 0 && m < c->members_n; m++)
            member = member || tx_name_equal(&c->members[m].name, &whom->name);
        if (member)
            add_fact(step, j, i, recover_case_member(c, &whom->name));
    }
}

static void cannot(struct recover_step *step, const char *why)
{
    step->decided = false;
    (void)snprintf(step->reason, sizeof(step->reason), "%s", why);
}

/* Nothing is written into a log that is not sound and new. */
static void judge(struct recover_step *step, const struct judging *j,
                  const struct txlog_prepared *prepared)
{
    const struct case_node *self = &j->nodes[step->node];
    struct case_judgement judgement;
    struct recover_case c = {.id = step->tx,
                             .nodes = j->nodes,
                             .nodes_n = j->plan->nodes_n,
                             .members = prepared->members,
                             .members_n = prepared->members_n,
                             .prepared_list = true};
    recover_case_judge(&c, &judgement);
    collect_facts(step, j, &c);
    step->verdict = judgement.verdict;
    step->commit = judgement.verdict == CASE_IS_COMMITTED;
    step->decided = step->commit || judgement.verdict == CASE_IS_ABORTED;
    memcpy(step->reason, judgement.reason, sizeof(step->reason));
    memcpy(step->rule, judgement.rule, sizeof(step->rule));
    if (self->damaged)
        cannot(step,
               "its directory is damaged, and nothing is written there; see txrecover verify");
    else if (self->older)
        cannot(step, "its directory is behind what others know of it: an older copy, or its end is "
                     "lost; nothing is written there");
}

static int judge_node(struct judging *j, size_t node)
{
    struct recover_plan *plan = j->plan;
    struct txlog_record record;
    struct tx_why why;
    int status = recover_source_open(&j->source, plan->nodes[node].directory, stderr);
    for (size_t i = 0; status == 0 && i < plan->steps_n; i++) {
        if (plan->steps[i].node != node)
            continue;
        tx_arena_reset(&j->arena);
        enum tx_error error = recover_source_get(&j->source, plan->steps[i].prepared, &j->stored,
                                                 &j->arena, &record, &why);
        if (error != TX_OK)
            cannot(&plan->steps[i], why.text);
        else
            judge(&plan->steps[i], j, &record.prepared);
    }
    recover_source_close(&j->source);
    return status;
}

static int judge_all(struct recover_plan *plan)
{
    struct judging j = {.plan = plan};
    int status = 0;
    j.nodes = tx_xcalloc(plan->nodes_n, sizeof(*j.nodes));
    for (size_t i = 0; i < plan->nodes_n; i++)
        recover_case_node(plan->nodes, plan->nodes_n, i, &j.nodes[i]);
    for (size_t i = 0; status == 0 && i < plan->nodes_n; i++) {
        if (plan->nodes[i].identity.role == TX_ROLE_PARTICIPANT &&
            story_count(plan->nodes[i].story, STORY_PREPARED) > 0)
            status = judge_node(&j, i);
    }
    tx_buf_deinit(&j.stored);
    tx_arena_deinit(&j.arena);
    free(j.nodes);
    return status;
}

/* ---- all of it ---- */

/* The node of a checkpoint may have gone on: what it lacks is no evidence, and writing into it
 * decides nothing. */
static int check_own(const struct recover_plan *plan)
{
    for (size_t i = 0; i < plan->nodes_n; i++) {
        if (plan->nodes[i].copy)
            return recover_complain(EX_USAGE,
                                    "%s: is a checkpoint that no daemon has had open; a plan needs "
                                    "the directories of the stopped nodes themselves",
                                    plan->nodes[i].directory);
    }
    return recover_nodes_check(plan->nodes, plan->nodes_n);
}

int recover_plan_make(struct recover_plan *plan, const char *const *directories, size_t n)
{
    int status = 0;
    *plan = (struct recover_plan){.nodes = tx_xcalloc(n, sizeof(*plan->nodes))};
    for (size_t i = 0; status == 0 && i < n; i++) {
        plan->nodes_n++;
        status = recover_node_read(&plan->nodes[i], directories[i], stderr, NULL);
    }
    if (status == 0)
        status = check_own(plan);
    for (size_t i = 0; status == 0 && i < n; i++) {
        struct finding finding = {plan, i};
        if (plan->nodes[i].identity.role == TX_ROLE_PARTICIPANT)
            story_each(plan->nodes[i].story, find_doubt, &finding);
    }
    return status == 0 ? judge_all(plan) : status;
}

void recover_plan_deinit(struct recover_plan *plan)
{
    for (size_t i = 0; i < plan->nodes_n; i++)
        recover_node_deinit(&plan->nodes[i]);
    for (size_t i = 0; i < plan->steps_n; i++)
        free(plan->steps[i].facts);
    free(plan->nodes);
    free(plan->steps);
    *plan = (struct recover_plan){0};
}

size_t recover_plan_actions(const struct recover_plan *plan, size_t node)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->steps_n; i++)
        n += plan->steps[i].decided && (node == SIZE_MAX || plan->steps[i].node == node);
    return n;
}
