/* txctl exec, get and outcome. */
#include "client/cli.h"
#include "common/json.h"
#include "client/txctl/txctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char *outcome_name(txclient_status status)
{
    switch (status) {
    case TXCLIENT_OK:
        return "committed";
    case TXCLIENT_ABORTED:
        return "aborted";
    case TXCLIENT_UNKNOWN:
        return "unknown";
    case TXCLIENT_EINVAL:
    case TXCLIENT_ELIMIT:
    case TXCLIENT_ENOMEM:
    case TXCLIENT_ECONFIG:
    case TXCLIENT_ESTATE:
    case TXCLIENT_EUNREACHABLE:
    case TXCLIENT_ETIMEOUT:
    case TXCLIENT_EREFUSED:
    case TXCLIENT_EPROTOCOL:
    case TXCLIENT_ESYSTEM:
    case TXCLIENT_EBUSY:
        break;
    }
    return "failed";
}

static void json_outcome(struct json *json, const txclient *client, txclient_status status)
{
    const txclient_detail_data *detail = txclient_detail(client);
    json_member(json, "outcome", outcome_name(status));
    if (detail->reference[0] != '\0') {
        json_member(json, "reference", detail->reference);
    }
    if (detail->reason != TXCLIENT_REASON_NONE) {
        json_member(json, "reason", txclient_reason_name(detail->reason));
    }
    if (detail->participant[0] != '\0') {
        json_member(json, "participant", detail->participant);
    }
    if (detail->text[0] != '\0') {
        json_member(json, "text", detail->text);
    }
}

static void print_outcome(const txclient *client, txclient_status status)
{
    const txclient_detail_data *detail = txclient_detail(client);
    if (status == TXCLIENT_OK) {
        (void)printf("committed %s\n", detail->reference);
        return;
    }
    if (status == TXCLIENT_ABORTED || status == TXCLIENT_UNKNOWN) {
        (void)printf("%s%s%s\n", outcome_name(status), detail->reference[0] != '\0' ? " " : "",
                     detail->reference);
    }
    cli_complain(client);
}

/* ---- results ---- */

static void json_scan(struct json *json, const struct exec_op *op, const txclient_value *value)
{
    txclient_rows rows = txclient_rows_of(value);
    txclient_row row;
    json_member_array_begin(json, "rows");
    while (txclient_rows_next(&rows, &row)) {
        json_object_begin(json);
        json_member_bytes(json, "key", row.key.data, row.key.len);
        json_member_bytes(json, "value", row.value.data, row.value.len);
        json_object_end(json);
    }
    json_array_end(json);
    char *rest = exec_scan_rest(op->scan, value);
    json_member_bool(json, "more", rest != NULL);
    if (rest != NULL) {
        json_member(json, "continue", rest);
    }
    free(rest);
}

static void json_result(struct json *json, const struct exec_op *op, const txclient_value *value)
{
    json_object_begin(json);
    json_member(json, "op", op->verb);
    json_member(json, "address", op->address);
    if (op->has_found) {
        json_member_bool(json, "found", value->found);
    }
    if (op->has_value && (value->found || !op->has_found)) {
        json_member_bytes(json, "value", value->data, value->len);
    }
    if (op->scan != NULL) {
        json_scan(json, op, value);
    }
    json_object_end(json);
}

static void json_results(struct json *json, const struct exec_script *script,
                         const txclient_value *values)
{
    json_member_array_begin(json, "results");
    for (size_t i = 0; i < script->n; i++) {
        json_result(json, &script->ops[i], &values[i]);
    }
    json_array_end(json);
}

/* Each row as a line of its own, with the address that `get` takes; then how many there were, and
 * how to read on. */
static void print_scan(const struct exec_op *op, const txclient_value *value)
{
    txclient_rows rows = txclient_rows_of(value);
    txclient_row row;
    size_t n = 0;
    for (; txclient_rows_next(&rows, &row); n++) {
        char *key = exec_printable(row.key.data, row.key.len);
        char *shown = exec_printable(row.value.data, row.value.len);
        (void)printf("scan %s/%s = %s\n", op->address, key != NULL ? key : "?",
                     shown != NULL ? shown : "?");
        free(key);
        free(shown);
    }
    char *rest = exec_scan_rest(op->scan, value);
    (void)printf("scan %s: %zu row%s%s%s\n", op->address, n, n == 1 ? "" : "s",
                 rest != NULL ? "; there may be more: " : "", rest != NULL ? rest : "");
    free(rest);
}

void txctl_print_result(const struct exec_op *op, const txclient_value *value)
{
    if (op->scan != NULL) {
        print_scan(op, value);
        return;
    }
    if (!op->has_value && !op->has_found) {
        return;
    }
    if (op->has_found && !value->found) {
        (void)printf("%s %s: absent\n", op->verb, op->address);
        return;
    }
    char *shown = op->has_value ? exec_printable(value->data, value->len) : NULL;
    (void)printf("%s %s%s%s\n", op->verb, op->address, shown != NULL ? " = " : ": was there",
                 shown != NULL ? shown : "");
    free(shown);
}

static void report(const txclient *client, txclient_status status, const struct exec_script *script,
                   const txclient_value *values, bool as_json)
{
    bool results = status == TXCLIENT_OK && !txclient_detail(client)->results_lost;
    if (as_json) {
        struct json json;
        json_init(&json, stdout);
        json_object_begin(&json);
        json_outcome(&json, client, status);
        if (results) {
            json_results(&json, script, values);
        }
        json_object_end(&json);
        (void)putchar('\n');
        return;
    }
    for (size_t i = 0; results && i < script->n; i++) {
        txctl_print_result(&script->ops[i], &values[i]);
    }
    print_outcome(client, status);
    if (status == TXCLIENT_OK && !results) {
        (void)fputs("txctl: the values that it read are no longer at hand\n", stderr);
    }
}

int txctl_exec(txclient *client, const struct exec_script *script,
               const txclient_submit_options *options, bool json)
{
    txclient_value *values = calloc(script->n, sizeof *values);
    if (values == NULL) {
        (void)fputs("txctl: out of memory\n", stderr);
        return EX_OSERR;
    }
    txclient_status status = txclient_submit(client, script->batch, options, values);
    report(client, status, script, values, json);
    free(values);
    return cli_exit_status(status);
}

int txctl_get(txclient *client, const struct exec_script *script,
              const txclient_submit_options *options, bool json)
{
    txclient_value value;
    txclient_status status = txclient_submit(client, script->batch, options, &value);
    if (json) {
        report(client, status, script, &value, true);
    } else if (status != TXCLIENT_OK) {
        cli_complain(client);
    } else if (value.found) {
        (void)fwrite(value.data, 1, value.len, stdout);
        (void)putchar('\n');
    } else {
        (void)fprintf(stderr, "txctl: %s is absent\n", script->ops[0].address);
    }
    return status == TXCLIENT_OK && !value.found ? CLI_ABSENT : cli_exit_status(status);
}

int txctl_outcome(txclient *client, const char *reference, uint32_t wait_ms, bool as_json)
{
    txclient_status status = txclient_outcome(client, reference, wait_ms);
    if (status == TXCLIENT_UNKNOWN || status == TXCLIENT_EUNREACHABLE ||
        status == TXCLIENT_ETIMEOUT || status == TXCLIENT_EREFUSED) {
        return txctl_outcome_of_nodes(client, reference, status, as_json);
    }
    if (!as_json) {
        print_outcome(client, status);
        return cli_exit_status(status);
    }
    struct json json;
    json_init(&json, stdout);
    json_object_begin(&json);
    json_outcome(&json, client, status);
    json_object_end(&json);
    (void)putchar('\n');
    return cli_exit_status(status);
}
