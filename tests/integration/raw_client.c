#include "tests/integration/raw_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WAIT_MS 60000

struct cluster cluster;
struct raw_peer *coordinator, *a, *b;
uint64_t req;

/* ---- requests of a client ---- */

struct tx_op operation(enum tx_op_type type, const char *key, const char *value)
{
    struct tx_op op = {.type = type, .space = tx_bytes_str("t"), .key = tx_bytes_str(key)};

    if (type == TX_OP_ADD)
        op.delta = strtol(value, NULL, 10);
    else
        op.value = tx_bytes_str(value);
    return op;
}

struct tx begin(void)
{
    struct tx_msg msg = {.type = TX_MSG_BEGIN, .begin = {.req = ++req}};
    const struct tx_msg *answer = raw_ask(coordinator, &msg);
    struct tx tx;

    assert_int_equal(answer->type, TX_MSG_BEGUN);
    assert_int_equal(answer->begun.req, req);
    tx.id = answer->begun.id;
    tx.age = answer->begun.age;
    tx.token = answer->begun.token;
    assert_int_equal(answer->begun.nodes_n, 2);
    memcpy(tx.members, answer->begun.nodes, sizeof tx.members);
    return tx;
}

struct tx_msg operate_msg(const struct tx *tx, uint32_t step, const struct tx_op *op)
{
    return (struct tx_msg){.type = TX_MSG_OPERATE,
                           .operate = {.req = ++req,
                                       .id = tx->id,
                                       .token = tx->token,
                                       .age = tx->age,
                                       .step = step,
                                       .ops = op,
                                       .ops_n = 1}};
}

const struct tx_msg *add_one(struct raw_peer *at, const struct tx *tx, uint32_t step)
{
    struct tx_op op = operation(TX_OP_ADD, "n", "1");
    struct tx_msg msg = operate_msg(tx, step, &op);

    return raw_ask(at, &msg);
}

const struct tx_msg *finish(enum tx_msg_type type, const struct tx *tx, size_t n)
{
    struct tx_msg msg = {.type = type,
                         .finish = {.req = ++req,
                                    .id = tx->id,
                                    .token = tx->token,
                                    .members = tx->members,
                                    .members_n = n}};

    return raw_ask(coordinator, &msg);
}

const struct tx_msg *submit(const char *key, struct tx_op *ops, size_t n)
{
    struct tx_msg msg = {
        .type = TX_MSG_SUBMIT,
        .submit = {.req = ++req, .key = tx_bytes_str(key), .ops = ops, .ops_n = n}};

    for (size_t i = 0; i < n; i++)
        if (ops[i].participant.s[0] == '\0')
            strcpy(ops[i].participant.s, "a");
    return raw_ask(coordinator, &msg);
}

/* ---- answers ---- */

void expect_text(struct tx_bytes text, const char *part)
{
    if (memmem(text.data, text.len, part, strlen(part)) == NULL)
        fail_msg("\"%s\" is not in \"%.*s\"", part, (int)text.len, (const char *)text.data);
}

void expect_error(const struct tx_msg *answer, enum tx_error error, enum tx_reason reason,
                  const char *text)
{
    if (answer->type != TX_MSG_ERROR)
        fail_msg("%s came, not ERROR", tx_msg_name(answer->type));
    assert_int_equal(answer->error.req, req);
    assert_string_equal(tx_error_name(answer->error.error), tx_error_name(error));
    assert_string_equal(tx_reason_name(answer->error.reason), tx_reason_name(reason));
    expect_text(answer->error.text, text);
}

void expect_operated(const struct tx_msg *answer, uint32_t step, const char *value)
{
    if (answer->type != TX_MSG_OPERATED)
        fail_msg("%s came, not OPERATED", tx_msg_name(answer->type));
    assert_string_equal(tx_reason_name(answer->operated.reason), tx_reason_name(TX_REASON_NONE));
    assert_int_equal(answer->operated.req, req);
    assert_int_equal(answer->operated.step, step);
    assert_int_equal(answer->operated.results_n, 1);
    assert_true(tx_bytes_equal(answer->operated.results[0].value, tx_bytes_str(value)));
}

void expect_undone(const struct tx_msg *answer, enum tx_reason reason, const char *text)
{
    if (answer->type != TX_MSG_OPERATED)
        fail_msg("%s came, not OPERATED", tx_msg_name(answer->type));
    assert_string_equal(tx_reason_name(answer->operated.reason), tx_reason_name(reason));
    assert_int_equal(answer->operated.results_n, 0);
    expect_text(answer->operated.text, text);
}

void expect_outcome(const struct tx_msg *answer, enum tx_outcome outcome, enum tx_reason reason)
{
    if (answer->type != TX_MSG_OUTCOME)
        fail_msg("%s came, not OUTCOME", tx_msg_name(answer->type));
    assert_int_equal(answer->outcome.req, req);
    assert_int_equal(answer->outcome.outcome, outcome);
    assert_string_equal(tx_reason_name(answer->outcome.reason), tx_reason_name(reason));
}

/* ---- what must not change ---- */

long counter(void)
{
    struct tx_op op = operation(TX_OP_GET, "n", "");
    const struct tx_msg *answer = submit("", &op, 1);
    char text[32] = "";

    expect_outcome(answer, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    assert_int_equal(answer->outcome.results_n, 1);
    if (answer->outcome.results[0].value.len > 0)
        memcpy(text, answer->outcome.results[0].value.data, answer->outcome.results[0].value.len);
    return strtol(text, NULL, 10);
}

char *number(long n)
{
    static char text[32];

    snprintf(text, sizeof text, "%ld", n);
    return text;
}

static bool nothing_works(void *arg)
{
    return raw_figure(arg, "working") == 0 && raw_figure(arg, "locks_held") == 0 &&
           raw_figure(arg, "prepared") == 0;
}

void expect_untouched(long before)
{
    assert_true(wait_until(nothing_works, a, WAIT_MS));
    assert_true(wait_until(nothing_works, b, WAIT_MS));
    assert_int_equal(counter(), before);
    assert_int_equal(raw_figure(coordinator, "alarms"), 0);
    assert_int_equal(raw_figure(a, "alarms"), 0);
}

/* ---- the frame of the tests ---- */

int raw_client_start(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    /* A participant that is held up is no reason to abort, for longer than any machine stands
     * still; nor is one that never introduces the start that a client names, for as long. */
    daemon_set(&cluster, &cluster.coordinator, "timers", "peer_down = 10s");
    cluster_start(&cluster);
    daemon_stop(&cluster.coordinator); /* so that there is an older epoch */
    daemon_start(&cluster.coordinator);
    cluster_await_up(&cluster);
    coordinator = raw_open(cluster.coordinator.address, NULL);
    a = raw_open(cluster.participants[0].address, NULL);
    b = raw_open(cluster.participants[1].address, NULL);
    return 0;
}

int raw_client_stop(void **state)
{
    (void)state;
    raw_close(&coordinator);
    raw_close(&a);
    raw_close(&b);
    daemon_stop(&cluster.coordinator);
    daemon_stop(&cluster.participants[0]);
    daemon_stop(&cluster.participants[1]);
    cluster_deinit(&cluster);
    return 0;
}
