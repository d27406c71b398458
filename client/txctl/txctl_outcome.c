/* txctl outcome, where the coordinator cannot say: what the daemons that answer prove. */
#include "client/cli.h"
#include "client/txctl/txctl.h"
#include "client/txctl/txctl_evidence.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct asking {
    char tx[64]; /* the id alone */
    const char *reference;
    char problem[600]; /* what the coordinator gave */
    struct txctl_nodes nodes;
    struct evidence evidence;
};

static const char *name_of(const struct asking *asking)
{
    enum evidence_outcome outcome = asking->evidence.outcome;
    return outcome == EVIDENCE_OPEN ? "unknown" : evidence_outcome_name(outcome);
}

static void show_text(const struct asking *asking, bool proven)
{
    (void)printf("%s %s\n", name_of(asking), asking->reference);
    txctl_line(stdout, 2, "%s", asking->evidence.reason);
    evidence_print(&asking->nodes, asking->tx, stdout);
    if (!proven) {
        (void)fprintf(stderr, "txctl: %s\n", asking->problem);
    }
}

static void show_json(const struct asking *asking)
{
    struct json json;
    json_init(&json, stdout);
    json_object_begin(&json);
    json_member(&json, "outcome", name_of(asking));
    json_member(&json, "reference", asking->reference);
    json_member(&json, "text", asking->evidence.reason);
    json_member(&json, "coordinator", asking->problem);
    txctl_nodes_json(&asking->nodes, &json);
    evidence_json(&asking->nodes, asking->tx, &json);
    json_object_end(&json);
    (void)putchar('\n');
}

static int exit_of(const struct asking *asking, txclient_status status)
{
    switch (asking->evidence.outcome) {
    case EVIDENCE_COMMITTED:
        return CLI_COMMITTED;
    case EVIDENCE_ABORTED:
        return CLI_ABORTED;
    case EVIDENCE_OPEN:
    case EVIDENCE_UNKNOWN:
        break;
    }
    return asking->nodes.silent_n == asking->nodes.n ? cli_exit_status(status) : CLI_UNKNOWN;
}

int txctl_outcome_of_nodes(txclient *client, const char *reference, txclient_status status,
                           bool as_json)
{
    struct asking asking = {.reference = reference};
    const txclient_txs_query query = {.size = sizeof query, .tx = asking.tx, .rows_max = 10};
    (void)snprintf(asking.problem, sizeof asking.problem, "%s", txclient_detail(client)->text);
    (void)snprintf(asking.tx, sizeof asking.tx, "%.*s", (int)strcspn(reference, "@"), reference);
    int result = txctl_nodes_find(client, NULL, 0, &asking.nodes);
    if (result == 0) {
        txctl_nodes_ask(client, &query, &asking.nodes);
        evidence_judge(NULL, &asking.nodes, asking.tx, &asking.evidence);
        result = exit_of(&asking, status);
        if (as_json) {
            show_json(&asking);
        } else {
            show_text(&asking, result == CLI_COMMITTED || result == CLI_ABORTED);
        }
    }
    txctl_nodes_deinit(&asking.nodes);
    return result;
}
