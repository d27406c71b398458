/* One transaction before several nodes. */
#include "txlog/recover/recover_case.h"

#include "common/assert.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *case_fact_name(enum case_fact fact)
{
    static const char *const names[] = {
#define X(name, text) text,
        CASE_FACTS(X)
#undef X
    };
    TX_ASSERT((unsigned)fact < CASE_FACTS_N);
    return names[fact];
}

const char *case_verdict_name(enum case_verdict verdict)
{
    static const char *const names[] = {
#define X(name, text) text,
        CASE_VERDICTS(X)
#undef X
    };
    TX_ASSERT((unsigned)verdict < CASE_VERDICTS_N);
    return names[verdict];
}

/* ---- what one node says ---- */

static const struct case_node *find(const struct recover_case *c, const struct recover_whom *whom)
{
    for (size_t i = 0; i < c->nodes_n; i++) {
        if (recover_whom_equal(&c->nodes[i].whom, whom))
            return &c->nodes[i];
    }
    return NULL;
}

static const struct case_node *coordinator_of(const struct recover_case *c)
{
    return find(c, &(struct recover_whom){.coordinator = c->id.coordinator});
}

static const struct case_node *member_node(const struct recover_case *c, const struct tx_name *name)
{
    return find(c, &(struct recover_whom){.name = *name});
}

/* Does it prove something that a node's log lacks a record? */
static bool silence_counts(const struct case_node *node)
{
    return story_whole(node->story) && !node->damaged && !node->older && !node->copy;
}

/* The id is one that it has given: its epoch is a start of this log, and not one in which another
 * copy went on. */
static bool knows_epoch(const struct case_node *node, uint64_t epoch)
{
    return epoch <= node->start && node->lineage->n > 0 &&
           !tx_lineage_lacks(node->lineage, epoch) &&
           story_coordinator(node->story, node->whom.coordinator) == NULL;
}

enum case_fact recover_case_coordinator(const struct recover_case *c)
{
    const struct case_node *node = coordinator_of(c);
    if (node == NULL)
        return CASE_ABSENT;
    const struct story_tx *tx = story_find(node->story, c->id);
    if (tx != NULL)
        return CASE_DECIDED;
    return silence_counts(node) && knows_epoch(node, c->id.epoch) ? CASE_NEVER : CASE_UNPROVEN;
}

static uint64_t named_incarnation(const struct recover_case *c, const struct tx_name *name)
{
    for (size_t i = 0; i < c->members_n; i++) {
        if (tx_name_equal(&c->members[i].name, name))
            return c->members[i].incarnation;
    }
    return 0;
}

enum case_fact recover_case_member(const struct recover_case *c, const struct tx_name *name)
{
    const struct case_node *node = member_node(c, name);
    if (node == NULL)
        return CASE_ABSENT;
    const struct story_tx *tx = story_find(node->story, c->id);
    if (tx == NULL) {
        if (story_marked(node->story, c->id))
            return CASE_GONE;
        uint64_t named = named_incarnation(c, name);
        bool lost = node->loss.start > 0 && tx_loss_holds(&node->loss, named);
        bool no = silence_counts(node) && node->start >= named && !lost;
        return no ? CASE_NEVER : CASE_UNPROVEN;
    }
    switch (tx->state) {
    case STORY_PREPARED:
        return CASE_PREPARED;
    case STORY_COMMITTED:
        return CASE_COMMITTED;
    case STORY_ABORTED:
        return CASE_ABORTED;
    case STORY_HEURISTIC:
    case STORY_HEURISTIC_ENDED:
        return CASE_BY_OPERATOR;
    case STORY_NONE:
    case STORY_DECIDED:
    case STORY_ENDED:
    case STORY_OUTCOME:
    case STORY_STATES_N:
        break;
    }
    return CASE_UNPROVEN;
}

/* ---- what all of them say ---- */

struct proof {
    bool there;
    char text[300];
    const char *rule;
};

struct judging {
    const struct recover_case *c;
    struct proof commit, abort; /* the first proof of each */
    struct proof half; /* an operator's decision against the real one, or against another */
    const struct story_tx *operators[2]; /* the first that decided to abort, and to commit */
    const char *operator_at[2];
    size_t prepared, committed; /* members */
    size_t held; /* of these and of operators' decisions: those that are so today, not in an old
                    image */
    bool members_decide, one_phase, all_prepared;
    char missing[300]; /* who could have told */
};

static void prove(struct proof *proof, const char *rule, const char *format, ...) TX_PRINTF(3, 4);

static void prove(struct proof *proof, const char *rule, const char *format, ...)
{
    if (proof->there)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(proof->text, sizeof(proof->text), format, args);
    va_end(args);
    proof->there = true;
    proof->rule = rule;
}

static const char rule_a[] = "mode A: the durable COMMIT record of the coordinator is the decision";
#define RULE_D       "mode D: committed from the moment when every member's PREPARED is durable"
#define RULE_D_NO    "mode D: one member that has refused, and will never prepare, is abort"
#define RULE_PRESUME "presumed abort: what has no COMMIT record is aborted"
#define RULE_ONE     "one phase: the COMMITTED record of the only member is the decision"
#define RULE_TOLD    "a member commits or aborts only when the decision is that"
#define RULE_HALF    "an operator's decision that the real one contradicts is DAMAGE"

static void look_at_coordinator(struct judging *j)
{
    const struct case_node *node = coordinator_of(j->c);
    enum case_fact fact = recover_case_coordinator(j->c);
    if (fact != CASE_DECIDED)
        return;
    const struct story_tx *tx = story_find(node->story, j->c->id);
    if (tx->state == STORY_OUTCOME)
        prove(&j->commit, RULE_ONE, "%s has the OUTCOME of its only member (LSN %" PRIu64 ")",
              node->name, tx->decided.n);
    else if (tx->decided.n != 0)
        prove(&j->commit, rule_a, "%s has the COMMIT record (LSN %" PRIu64 ")", node->name,
              tx->decided.n);
    else
        prove(&j->commit, rule_a, "%s has its END (LSN %" PRIu64 "), which only a commit has",
              node->name, tx->ended.n);
}

static void look_at_operator(struct judging *j, const struct case_node *node,
                             const struct story_tx *tx)
{
    if (j->operators[tx->commit] == NULL) {
        j->operators[tx->commit] = tx;
        j->operator_at[tx->commit] = node->name;
    }
    if (tx->state != STORY_HEURISTIC_ENDED)
        return;
    bool real = tx->commit != tx->damage;
    prove(real ? &j->commit : &j->abort, RULE_TOLD,
          "%s was told that the decision is %s (HEURISTIC_END, LSN %" PRIu64 ")", node->name,
          real ? "commit" : "abort", tx->ended.n);
}

static void look_at_record(struct judging *j, const struct case_node *node, enum case_fact fact)
{
    const struct story_tx *tx = story_find(node->story, j->c->id);
    j->members_decide = j->members_decide || tx->members_decide;
    j->one_phase = j->one_phase || tx->one_phase;
    j->held += (tx->state == STORY_PREPARED || tx->state == STORY_HEURISTIC) && !node->older &&
               !node->copy;
    if (fact == CASE_COMMITTED) {
        j->committed++;
        prove(&j->commit, tx->one_phase ? RULE_ONE : RULE_TOLD,
              "%s has committed it (COMMITTED, LSN %" PRIu64 ")", node->name, tx->decided.n);
    } else if (fact == CASE_ABORTED) {
        prove(&j->abort, RULE_TOLD, "%s has aborted it (ABORTED, LSN %" PRIu64 ")", node->name,
              tx->decided.n);
    } else if (fact == CASE_BY_OPERATOR) {
        look_at_operator(j, node, tx);
    } else {
        j->prepared++;
    }
}

/* Nodes that are on no list are looked at too: the list may be what is lost. */
static void look_at_members(struct judging *j)
{
    for (size_t i = 0; i < j->c->nodes_n; i++) {
        const struct case_node *node = &j->c->nodes[i];
        if (node->whom.coordinator != 0)
            continue;
        enum case_fact fact = recover_case_member(j->c, &node->whom.name);
        if (fact == CASE_PREPARED || fact == CASE_COMMITTED || fact == CASE_ABORTED ||
            fact == CASE_BY_OPERATOR)
            look_at_record(j, node, fact);
    }
}

static void miss(struct judging *j, const char *who, const char *why)
{
    size_t at = strlen(j->missing);
    (void)snprintf(j->missing + at, sizeof(j->missing) - at, "%s%s (%s)", at > 0 ? ", " : "", who,
                   why);
}

/* A list of members is there, and none of them may have dropped out unless it is marked. */
static void look_at_list(struct judging *j)
{
    const struct recover_case *c = j->c;
    bool promised = j->prepared > 0 || j->operators[0] != NULL || j->operators[1] != NULL;
    j->all_prepared = c->members_n > 0 && c->prepared_list;
    for (size_t i = 0; i < c->members_n; i++) {
        if (c->members[i].read_only)
            continue;
        enum case_fact fact = recover_case_member(c, &c->members[i].name);
        const char *name = c->members[i].name.s;
        if (fact == CASE_NEVER && (promised || j->commit.there))
            prove(&j->abort, j->members_decide ? RULE_D_NO : RULE_TOLD,
                  "the log of %s holds no PREPARED of it, so it has never promised, and will not",
                  name);
        if (fact != CASE_PREPARED && fact != CASE_COMMITTED && fact != CASE_BY_OPERATOR)
            j->all_prepared = false;
        if (fact == CASE_ABSENT || fact == CASE_UNPROVEN || fact == CASE_GONE)
            miss(j, name, case_fact_name(fact));
    }
    if (j->members_decide && j->commit.there && j->commit.rule == rule_a)
        j->commit.rule =
            RULE_D; /* where the members decide, that record tells what they have found */
    if (j->members_decide && j->all_prepared)
        prove(&j->commit, RULE_D, "the PREPARED record of every member is there");
}

/* Without a COMMIT record in a log that would have it. A log that has lost its beginning may have
 * lost one that all have acknowledged; then nobody is prepared any more. */
static void presume(struct judging *j)
{
    const struct case_node *node = coordinator_of(j->c);
    enum case_fact fact = recover_case_coordinator(j->c);
    bool mode_a = !j->members_decide && !j->one_phase;
    if (fact == CASE_ABSENT || fact == CASE_UNPROVEN) {
        char who[40];
        (void)snprintf(who, sizeof(who), "coordinator %" PRIu32, j->c->id.coordinator);
        miss(j, who, case_fact_name(fact));
    }
    if (fact != CASE_NEVER || !mode_a)
        return;
    bool open = j->prepared > 0 || j->operators[0] != NULL || j->operators[1] != NULL;
    if (j->held > 0 || ((open || j->committed > 0) && node->first.n == 1))
        prove(&j->abort, RULE_PRESUME, "the log of %s would have its COMMIT record and has none",
              node->name);
    else if (open)
        miss(j, node->name, "its log has lost its beginning, and only old images are prepared");
}

/* An operator's decision against what has been decided, or against another operator's. */
static void compare_operators(struct judging *j)
{
    for (int commit = 0; commit < 2; commit++) {
        const struct story_tx *tx = j->operators[commit];
        const struct proof *against = commit ? &j->abort : &j->commit;
        if (tx != NULL && against->there)
            prove(&j->half, RULE_HALF,
                  "operator %s %s it at %s (HEURISTIC, LSN %" PRIu64 "), but %s",
                  tx->operator_name.s, commit ? "committed" : "aborted", j->operator_at[commit],
                  tx->decided.n, against->text);
    }
    if (j->operators[0] != NULL && j->operators[1] != NULL)
        prove(&j->half, RULE_HALF,
              "operator %s aborted it at %s (HEURISTIC, LSN %" PRIu64
              "), and operator %s committed it at %s (HEURISTIC, LSN %" PRIu64 ")",
              j->operators[0]->operator_name.s, j->operator_at[0], j->operators[0]->decided.n,
              j->operators[1]->operator_name.s, j->operator_at[1], j->operators[1]->decided.n);
}

/* ---- the verdict ---- */

static void conclude(struct case_judgement *out, enum case_verdict verdict, const char *rule,
                     const char *format, ...) TX_PRINTF(4, 5);

static void conclude(struct case_judgement *out, enum case_verdict verdict, const char *rule,
                     const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(out->reason, sizeof(out->reason), format, args);
    va_end(args);
    out->verdict = verdict;
    (void)snprintf(out->rule, sizeof(out->rule), "%s", rule);
}

static void conclude_in_doubt(const struct judging *j, struct case_judgement *out)
{
    const char *rule = j->members_decide ? RULE_D : rule_a;
    const struct story_tx *tx = j->operators[j->operators[1] != NULL];
    if (j->prepared == 0 && tx != NULL)
        conclude(out, CASE_IS_IN_DOUBT, rule,
                 "operator %s has %s it, and the real decision is not here. Who could tell: %s",
                 tx->operator_name.s, tx->commit ? "committed" : "aborted",
                 j->missing[0] != '\0' ? j->missing : "nobody of these");
    else
        conclude(out, CASE_IS_IN_DOUBT, rule,
                 "%zu of its members %s prepared, and nothing here decides. Who could tell: %s",
                 j->prepared, j->prepared == 1 ? "is" : "are",
                 j->missing[0] != '\0' ? j->missing : "nobody of these");
}

static void conclude_nothing(const struct judging *j, struct case_judgement *out)
{
    if (recover_case_coordinator(j->c) == CASE_NEVER)
        conclude(out, CASE_IS_UNKNOWN, RULE_PRESUME,
                 "no record speaks of it. Its coordinator has no COMMIT record, so it was aborted, "
                 "unless a single participant, whose directory is not here, committed it in one "
                 "phase, its members decided, or it was forgotten");
    else
        conclude(out, CASE_IS_UNKNOWN, RULE_PRESUME, "no record speaks of it. Who could tell: %s",
                 j->missing[0] != '\0' ? j->missing : "nobody of these");
}

static void conclude_commit(const struct judging *j, struct case_judgement *out)
{
    if (j->prepared > 0)
        conclude(out, CASE_IS_COMMITTED, j->commit.rule,
                 "%s; %zu of its members %s still prepared and will commit when told",
                 j->commit.text, j->prepared, j->prepared == 1 ? "is" : "are");
    else
        conclude(out, CASE_IS_COMMITTED, j->commit.rule, "%s", j->commit.text);
}

void recover_case_judge(const struct recover_case *c, struct case_judgement *judgement)
{
    struct judging j = {.c = c};
    *judgement = (struct case_judgement){0};
    look_at_coordinator(&j);
    look_at_members(&j);
    look_at_list(&j);
    presume(&j);
    compare_operators(&j);
    if (j.commit.there && j.abort.there)
        conclude(judgement, CASE_IS_CONTRADICTION, j.commit.rule, "half done: %s, but %s",
                 j.commit.text, j.abort.text);
    else if (j.half.there)
        conclude(judgement, CASE_IS_CONTRADICTION, j.half.rule, "half done: %s", j.half.text);
    else if (j.commit.there)
        conclude_commit(&j, judgement);
    else if (j.abort.there)
        conclude(judgement, CASE_IS_ABORTED, j.abort.rule, "%s%s", j.abort.text,
                 j.prepared > 0 ? "; who is still prepared will abort when told" : "");
    else if (j.prepared > 0 || j.operators[0] != NULL || j.operators[1] != NULL)
        conclude_in_doubt(&j, judgement);
    else
        conclude_nothing(&j, judgement);
}
