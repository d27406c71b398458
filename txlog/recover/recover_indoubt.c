/* txrecover indoubt: what is open here, and who can settle it. */
#include "txlog/recover/txrecover.h"

#include "common/commit_mode.h"
#include "txlog/recover/recover_json.h"
#include "txlog/recover/recover_source.h"
#include "txlog/recover/recover_text.h"

#include <inttypes.h>

struct indoubt {
    struct recover_source *source;
    struct story *story;
    struct json json;
    bool as_json;
    struct tx_buf stored;
    struct tx_arena arena;
    size_t n;
};

static enum tx_error learn(void *arg, const struct txlog_record *record, struct tx_bytes stored)
{
    struct indoubt *in = arg;
    struct story_step step;
    struct tx_why why;
    (void)stored;
    if (story_add(in->story, record, &step, &why) != TX_OK)
        recover_source_report(in->source, record->lsn, why.text);
    return TX_OK;
}

/* The newest EPOCH counts: the coordinator may have moved since the vote. */
static const char *coordinator_address(const struct indoubt *in,
                                       const struct txlog_prepared *prepared)
{
    const struct story_coordinator *known = story_coordinator(in->story, prepared->id.coordinator);
    return known != NULL ? known->address.s : prepared->coordinator.s;
}

/* Those whose word settles it: all others that are not read-only. */
static size_t others(const struct indoubt *in, const struct txlog_prepared *prepared,
                     struct tx_member *out)
{
    size_t n = 0;
    for (size_t i = 0; i < prepared->members_n; i++) {
        const struct tx_member *member = &prepared->members[i];
        if (!member->read_only && !tx_name_equal(&member->name, &in->source->identity.name))
            out[n++] = *member;
    }
    return n;
}

/* ---- as text ---- */

static void print_since(const char *words, const struct story_tx *tx)
{
    char id[TX_ID_TEXT], at[RECOVER_TIME_TEXT];
    (void)printf("%s  %s since %s%s\n", tx_id_print(tx->id, id), words,
                 recover_time(tx->since_ms, at), tx->earlier ? " or earlier" : "");
}

/* Mode D: the coordinator knows no better than its members, and need not know at all. */
static void print_members_decide(const struct indoubt *in, const struct txlog_prepared *prepared,
                                 const struct tx_member *settlers, size_t n)
{
    (void)printf("    settled by   its members, who decide: ");
    recover_text_members(stdout, settlers, n, true);
    (void)printf(": commit when all of them are PREPARED, or one COMMITTED; abort when one has "
                 "ABORTED or never prepared it\n"
                 "                 a COMMIT record of coordinator %" PRIu32
                 " at %s says the same; that there is none says nothing\n",
                 prepared->id.coordinator, coordinator_address(in, prepared));
}

static void print_settlers(const struct indoubt *in, const struct txlog_prepared *prepared,
                           const struct tx_member *settlers, size_t n)
{
    if (prepared->members_decide) {
        print_members_decide(in, prepared, settlers, n);
        return;
    }
    (void)printf("    settled by   coordinator %" PRIu32 " at %s: the decision is in its log; "
                 "without a COMMIT record there it is abort\n",
                 prepared->id.coordinator, coordinator_address(in, prepared));
    if (n == 0) {
        (void)puts("                 no other member can: none of them has voted with writes");
        return;
    }
    (void)printf("                 or, while that is away, ");
    recover_text_members(stdout, settlers, n, true);
    (void)puts(": COMMITTED at any of them settles to commit, a definite NO to abort; if all are "
               "PREPARED they must wait");
}

static void print_prepared(const struct indoubt *in, const struct story_tx *tx,
                           const struct txlog_prepared *prepared, const struct tx_member *settlers,
                           size_t n)
{
    if (tx->state == STORY_PREPARED) {
        print_since("in doubt", tx);
    } else {
        print_since("decided by an operator", tx);
        (void)printf("    operator     %s: %s\n", tx->operator_name.s,
                     tx->commit ? "commit" : "abort");
    }
    (void)printf("    vote         PREPARED, LSN %" PRIu64 "\n    members      ", tx->prepared.n);
    recover_text_members(stdout, prepared->members, prepared->members_n, true);
    (void)printf("\n    locks        ");
    if (tx->state == STORY_PREPARED)
        recover_text_locks(stdout, prepared->locks, prepared->locks_n);
    else
        (void)printf("none any more");
    (void)printf("\n    writes       ");
    recover_text_redo(stdout, prepared->redo);
    (void)printf(" (%s)\n", tx->state == STORY_PREPARED ? "held back"
                            : tx->commit                ? "applied"
                                                        : "dropped");
    print_settlers(in, prepared, settlers, n);
}

static void print_decided(const struct story_tx *tx, const struct txlog_commit *commit)
{
    print_since("decided to commit", tx);
    (void)printf("    decision     COMMIT, LSN %" PRIu64 "\n    to tell      ", tx->decided.n);
    recover_text_members(stdout, commit->members, commit->members_n, true);
    (void)puts("\n    why          there is no END: this coordinator sends COMMIT to each of them "
               "again when it starts, until all have acknowledged");
}

/* ---- as JSON ---- */

static void json_begin(struct indoubt *in, const struct story_tx *tx)
{
    json_object_begin(&in->json);
    recover_json_id(&in->json, "tx", tx->id);
    json_member(&in->json, "state", story_state_name(tx->state));
    recover_json_time(&in->json, "since", tx->since_ms);
    json_member_u64(&in->json, "lsn", tx->prepared.n != 0 ? tx->prepared.n : tx->decided.n);
}

static void json_prepared(struct indoubt *in, const struct story_tx *tx,
                          const struct txlog_prepared *prepared, const struct tx_member *settlers,
                          size_t n)
{
    json_begin(in, tx);
    if (tx->state == STORY_HEURISTIC) {
        json_member(&in->json, "operator", tx->operator_name.s);
        json_member(&in->json, "operator_decision", tx->commit ? "commit" : "abort");
    }
    json_member_u64(&in->json, "coordinator", prepared->id.coordinator);
    json_member(&in->json, "coordinator_address", coordinator_address(in, prepared));
    json_member(&in->json, "commit_mode",
                tx_commit_mode_name(prepared->members_decide ? TX_COMMIT_PARTICIPANTS
                                                             : TX_COMMIT_COORDINATOR));
    recover_json_members(&in->json, "members", prepared->members, prepared->members_n);
    recover_json_locks(&in->json, "locks", prepared->locks,
                       tx->state == STORY_PREPARED ? prepared->locks_n : 0);
    recover_json_redo(&in->json, "writes", prepared->redo);
    recover_json_members(&in->json, "settled_by_members", settlers, n);
    json_object_end(&in->json);
}

static void json_decided(struct indoubt *in, const struct story_tx *tx,
                         const struct txlog_commit *commit)
{
    json_begin(in, tx);
    recover_json_members(&in->json, "to_tell", commit->members, commit->members_n);
    json_object_end(&in->json);
}

/* ---- both ---- */

static void show_prepared(struct indoubt *in, const struct story_tx *tx,
                          const struct txlog_prepared *prepared)
{
    struct tx_member settlers[TX_MEMBERS_MAX];
    struct txlog_prepared shown = *prepared;
    if (shown.members_n > TX_MEMBERS_MAX)
        shown.members_n = TX_MEMBERS_MAX;
    size_t n = others(in, &shown, settlers);
    if (in->as_json)
        json_prepared(in, tx, &shown, settlers, n);
    else
        print_prepared(in, tx, &shown, settlers, n);
}

static void show(void *arg, const struct story_tx *tx)
{
    struct indoubt *in = arg;
    bool voted = tx->state == STORY_PREPARED || tx->state == STORY_HEURISTIC;
    struct txlog_record record;
    struct tx_why why;
    if (!voted && tx->state != STORY_DECIDED)
        return;
    in->n++;
    tx_arena_reset(&in->arena);
    enum tx_error error = recover_source_get(in->source, voted ? tx->prepared : tx->decided,
                                             &in->stored, &in->arena, &record, &why);
    if (error == TX_OK && voted && record.type == TXLOG_PREPARED) {
        show_prepared(in, tx, &record.prepared);
    } else if (error == TX_OK && !voted && record.type == TXLOG_COMMIT) {
        if (in->as_json)
            json_decided(in, tx, &record.commit);
        else
            print_decided(tx, &record.commit);
    } else {
        char id[TX_ID_TEXT], text[128];
        (void)snprintf(text, sizeof(text), "%s is %s, but its record is not there",
                       tx_id_print(tx->id, id), story_state_name(tx->state));
        recover_source_report(in->source, (struct tx_lsn){0}, text);
    }
}

static void show_all(struct indoubt *in)
{
    const struct txlog_identity *owner = &in->source->identity;
    if (!in->as_json) {
        story_each(in->story, show, in);
        if (in->n == 0)
            (void)printf("%s: nothing is %s\n", in->source->name,
                         owner->role == TX_ROLE_COORDINATOR ? "left to drive home" : "in doubt");
        return;
    }
    json_init(&in->json, stdout);
    json_object_begin(&in->json);
    recover_json_identity(&in->json, owner);
    json_member_array_begin(&in->json, "transactions");
    story_each(in->story, show, in);
    json_array_end(&in->json);
    json_member_u64(&in->json, "damages", in->source->damages);
    json_object_end(&in->json);
    (void)putchar('\n');
}

int txrecover_indoubt(const struct txrecover_options *options)
{
    struct recover_source source;
    struct indoubt in = {.source = &source, .as_json = options->json};
    struct tx_lsn all = {0};
    struct tx_why why;
    int status = recover_source_open(&source, options->directory, stderr);
    enum tx_error error = TX_OK;
    if (status == 0) {
        error = recover_source_story(&source, &in.story, &why);
        if (error == TX_OK)
            error = recover_source_each(&source, all, all, learn, &in, &why);
        if (error != TX_OK)
            status = recover_complain(recover_exit_status(error), "%s", why.text);
    }
    if (status == 0) {
        show_all(&in);
        status = recover_source_status(&source);
    }
    story_destroy(&in.story);
    tx_buf_deinit(&in.stored);
    tx_arena_deinit(&in.arena);
    recover_source_close(&source);
    return status;
}
