/* The files of plan and undo, as they are written. Their readers use jansson, whose names are
 * partly those of common/json.h. */
#include "txlog/recover/recover_file.h"

#include "txlog/recover/recover_json.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

static void put_hex(struct json *json, const char *name, uint64_t value)
{
    char text[17];
    (void)snprintf(text, sizeof(text), "%016" PRIx64, value);
    json_member(json, name, text);
}

static void put_node(struct json *json, const struct recover_node *node)
{
    char absolute[PATH_MAX];
    bool known = realpath(node->directory, absolute) != NULL;
    json_member(json, "node", node->name);
    recover_json_identity(json, &node->identity);
    json_member(json, "directory", known ? absolute : node->directory);
    json_member_u64(json, "first_lsn", node->first.n);
    json_member_u64(json, "last_lsn", node->last.n);
    json_member_u64(json, "start", node->start);
    put_hex(json, "life", node->life);
    put_hex(json, "digest", node->digest);
}

static void put_evidence(struct json *json, const struct recover_plan *plan,
                         const struct recover_step *step)
{
    json_member_array_begin(json, "evidence");
    for (size_t i = 0; i < step->facts_n; i++) {
        const struct recover_fact *fact = &step->facts[i];
        json_object_begin(json);
        json_member(json, "node", plan->nodes[fact->node].name);
        json_member(json, "says", case_fact_name(fact->fact));
        if (fact->lsn.n != 0)
            json_member_u64(json, "lsn", fact->lsn.n);
        json_object_end(json);
    }
    json_array_end(json);
}

/* What apply will append; its operator and time are those of apply. */
static void put_record(struct json *json, const struct recover_step *step, struct tx_lsn lsn)
{
    json_member_object_begin(json, "record");
    json_member(json, "type", txlog_type_name(TXLOG_HEURISTIC));
    json_member_u64(json, "lsn", lsn.n);
    recover_json_id(json, "tx", step->tx);
    json_member_bool(json, "commit", step->commit);
    json_object_end(json);
}

static void put_step(struct json *json, const struct recover_plan *plan,
                     const struct recover_step *step, struct tx_lsn lsn)
{
    const struct recover_node *node = &plan->nodes[step->node];
    json_object_begin(json);
    recover_json_id(json, "tx", step->tx);
    json_member(json, "node", node->name);
    json_member(json, "directory", node->directory);
    if (step->decided) {
        json_member(json, "decision", step->commit ? "commit" : "abort");
        put_record(json, step, lsn);
    }
    json_member_u64(json, "prepared_lsn", step->prepared.n);
    json_member(json, "verdict", case_verdict_name(step->verdict));
    json_member(json, "reason", step->reason);
    json_member(json, "rule", step->rule);
    put_evidence(json, plan, step);
    json_object_end(json);
}

static void put_steps(struct json *json, const struct recover_plan *plan, const char *name,
                      bool decided)
{
    json_member_array_begin(json, name);
    for (size_t n = 0; n < plan->nodes_n; n++) {
        struct tx_lsn lsn = plan->nodes[n].last;
        for (size_t i = 0; i < plan->steps_n; i++) {
            if (plan->steps[i].node != n || plan->steps[i].decided != decided)
                continue;
            lsn.n++;
            put_step(json, plan, &plan->steps[i], lsn);
        }
    }
    json_array_end(json);
}

void recover_file_write_plan(FILE *out, const struct recover_plan *plan, uint64_t now_ms)
{
    struct json json;
    json_init(&json, out);
    json_object_begin(&json);
    json_member_u64(&json, "assent_plan", RECOVER_FILE_VERSION);
    json_member(&json, "cluster", plan->nodes[0].identity.cluster);
    recover_json_time(&json, "made_at", now_ms);
    json_member_array_begin(&json, "nodes");
    for (size_t i = 0; i < plan->nodes_n; i++) {
        json_object_begin(&json);
        put_node(&json, &plan->nodes[i]);
        json_object_end(&json);
    }
    json_array_end(&json);
    put_steps(&json, plan, "actions", true);
    put_steps(&json, plan, "undecided", false);
    json_object_end(&json);
    (void)fputc('\n', out);
}

void recover_file_write_undo(FILE *out, const struct recover_undo_node *nodes, size_t n,
                             const char *cluster, const struct tx_name *operator_name,
                             uint64_t now_ms)
{
    struct json json;
    json_init(&json, out);
    json_object_begin(&json);
    json_member_u64(&json, "assent_undo", RECOVER_FILE_VERSION);
    json_member(&json, "cluster", cluster);
    recover_json_time(&json, "applied_at", now_ms);
    json_member(&json, "operator", operator_name->s);
    json_member_array_begin(&json, "nodes");
    for (size_t i = 0; i < n; i++) {
        json_object_begin(&json);
        put_node(&json, nodes[i].node);
        json_member(&json, "checkpoint", nodes[i].checkpoint);
        json_member_u64(&json, "last_lsn_after", nodes[i].last_after.n);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    (void)fputc('\n', out);
}
