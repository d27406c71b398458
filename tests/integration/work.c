#include "tests/integration/work.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct cluster cluster;
txclient *client;

void work_expect(const txclient *of, txclient_status status, txclient_status wanted,
                 const char *what, int line)
{
    const txclient_detail_data *detail = txclient_detail(of);

    if (status != wanted)
        fail_msg("line %d: %s gave '%s', not '%s': %s (%s)", line, what,
                 txclient_status_text(status), txclient_status_text(wanted), detail->text,
                 txclient_reason_name(detail->reason));
}

void work_aborted(const txclient *of, txclient_status status, txclient_reason reason,
                  const char *what, int line)
{
    const txclient_detail_data *detail = txclient_detail(of);

    work_expect(of, status, TXCLIENT_ABORTED, what, line);
    if (detail->reason != reason)
        fail_msg("line %d: %s aborted with '%s', not '%s': %s", line, what,
                 txclient_reason_name(detail->reason), txclient_reason_name(reason), detail->text);
}

int work_teardown(void **state)
{
    (void)state;
    txclient_close(&client);
    if (cluster.directory[0] != '\0')
        cluster_deinit(&cluster);
    cluster.directory[0] = '\0';
    return 0;
}

void work_start(void)
{
    cluster_start(&cluster);
    work_await_all_up(&cluster.coordinator);
    client = work_client(&cluster.coordinator);
}

void work_start_with(const char *value)
{
    work_start();
    work_put_surely(client, "ab", "k", value);
}

static txclient *open_with(const struct daemon *coordinator, const txclient_options *options)
{
    txclient *made = NULL;
    txclient_why why = {""};

    if (txclient_open("test", coordinator->address, options, &made, &why) != TXCLIENT_OK)
        fail_msg("no client for %s: %s", coordinator->address, why.text);
    return made;
}

txclient *work_client(const struct daemon *coordinator)
{
    return open_with(coordinator, NULL);
}

txclient *work_quick_client(const struct daemon *coordinator)
{
    txclient_options options = {.size = sizeof options,
                                .connect_timeout_ms = 1500,
                                .request_timeout_ms = 2000,
                                .commit_timeout_ms = 3000,
                                .resend_ms = 200};

    return open_with(coordinator, &options);
}

txclient *work_doubting_client(const struct daemon *coordinator)
{
    txclient_options options = {.size = sizeof options,
                                .connect_timeout_ms = 5000,
                                .request_timeout_ms = 10000,
                                .commit_timeout_ms = 500};

    return open_with(coordinator, &options);
}

txclient_tx *work_begin(txclient *with)
{
    txclient_tx *tx = NULL;

    expect_of(with, txclient_begin(with, NULL, &tx), TXCLIENT_OK);
    return tx;
}

txclient_status work_put(txclient *with, const char *at, const char *key, const char *value)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_status status;

    for (; *at != '\0'; at++)
        txclient_batch_put(batch, AT(((char[]){*at, '\0'}), key), txclient_str(value));
    status = txclient_submit(with, batch, NULL, NULL);
    txclient_batch_free(&batch);
    return status;
}

/* May the same call succeed when a daemon has come up, without having had an effect so far? */
static bool passes(const txclient *with, txclient_status status)
{
    if (status == TXCLIENT_ABORTED || status == TXCLIENT_EREFUSED)
        return txclient_reason_transient(txclient_detail(with)->reason);
    return status == TXCLIENT_EUNREACHABLE || status == TXCLIENT_ETIMEOUT;
}

struct putting {
    txclient *with;
    const char *at, *key, *value;
};

/* A put is idempotent, so that an unknown outcome may be tried again too. */
static bool put_committed(void *arg)
{
    struct putting *putting = arg;
    txclient_status status = work_put(putting->with, putting->at, putting->key, putting->value);

    if (status != TXCLIENT_OK && status != TXCLIENT_UNKNOWN && !passes(putting->with, status))
        expect_of(putting->with, status, TXCLIENT_OK);
    return status == TXCLIENT_OK;
}

void work_put_surely(txclient *with, const char *at, const char *key, const char *value)
{
    struct putting putting = {with, at, key, value};

    if (!wait_until(put_committed, &putting, WORK_MS))
        fail_msg("%s = %s at %s never commits: %s", key, value, at, txclient_detail(with)->text);
}

struct reading {
    txclient *with;
    txclient_address at;
    txclient_value value;
};

static bool read_done(void *arg)
{
    struct reading *reading = arg;
    txclient_batch *batch = txclient_batch_new();
    txclient_status status;

    txclient_batch_get(batch, reading->at);
    status = txclient_submit(reading->with, batch, NULL, &reading->value);
    txclient_batch_free(&batch);
    if (status != TXCLIENT_OK && status != TXCLIENT_UNKNOWN && !passes(reading->with, status))
        expect_of(reading->with, status, TXCLIENT_OK);
    return status == TXCLIENT_OK && !txclient_detail(reading->with)->results_lost;
}

void work_holds(txclient *with, const char *participant, const char *key, const char *value)
{
    struct reading reading = {.with = with, .at = AT(participant, key)};

    if (!wait_until(read_done, &reading, WORK_MS))
        fail_msg("%s/t/%s cannot be read: %s", participant, key, txclient_detail(with)->text);
    if (reading.value.found != (value != NULL))
        fail_msg("%s/t/%s is %s", participant, key, reading.value.found ? "there" : "missing");
    if (value != NULL && (reading.value.len != strlen(value) ||
                          memcmp(reading.value.data, value, reading.value.len) != 0))
        fail_msg("%s/t/%s is '%.*s', not '%s'", participant, key, (int)reading.value.len,
                 (const char *)reading.value.data, value);
}

struct asking {
    txclient *with;
    const char *reference;
    txclient_status status;
};

static bool outcome_definite(void *arg)
{
    struct asking *asking = arg;

    asking->status = txclient_outcome(asking->with, asking->reference, 1000);
    return asking->status == TXCLIENT_OK || asking->status == TXCLIENT_ABORTED;
}

txclient_status work_outcome(txclient *with, const char *reference)
{
    struct asking asking = {.with = with, .reference = reference};

    (void)wait_until(outcome_definite, &asking, WORK_MS);
    return asking.status;
}

void work_leave_in_doubt(char id[64])
{
    struct daemon *coordinator = &cluster.coordinator;
    struct daemon *a = &cluster.participants[0], *b = &cluster.participants[1];
    txclient *own = work_doubting_client(coordinator);
    txclient_tx *tx;

    work_await_all_up(coordinator);
    tx = work_begin(own);
    expect_of(own, txclient_put(tx, AT("a", "k"), txclient_str("new")), TXCLIENT_OK);
    expect_of(own, txclient_put(tx, AT("b", "k"), txclient_str("new")), TXCLIENT_OK);
    snprintf(id, 64, "%s", txclient_tx_reference(tx));
    id[strcspn(id, "@")] = '\0';
    daemon_signal(b, SIGSTOP); /* holds back its vote */
    expect_of(own, txclient_commit(tx), TXCLIENT_UNKNOWN);
    txclient_tx_close(&tx);
    txclient_close(&own);
    work_await_field(a, "prepared", "1");
    work_await_sent(coordinator); /* b is asked, too */
    daemon_signal(coordinator, SIGSTOP);
    daemon_signal(b, SIGCONT);
    work_await_field(b, "prepared", "1");
    daemon_kill(coordinator);
}

/* ---- status ---- */

/* A handle of its own: the detail of the test's client stays. */
txclient_node *work_inspect(const struct daemon *daemon)
{
    txclient *with = work_quick_client(daemon);
    txclient_node *node = NULL;

    if (txclient_inspect(with, daemon->address, &node) != TXCLIENT_OK)
        node = NULL;
    txclient_close(&with);
    return node;
}

bool work_field(const struct daemon *daemon, const char *name, char *text, size_t size)
{
    txclient_node *node = work_inspect(daemon);
    const char *got;

    if (node == NULL)
        return false;
    got = txclient_node_get(node, name);
    if (got == NULL)
        fail_msg("the status of %s has no field %s", daemon->name, name);
    snprintf(text, size, "%s", got);
    txclient_node_free(&node);
    return true;
}

struct reaching {
    const struct daemon *daemon;
    const char *name;
    uint64_t least, last;
};

static bool has_reached(void *arg)
{
    struct reaching *reaching = arg;
    char text[64];

    if (!work_field(reaching->daemon, reaching->name, text, sizeof text))
        return false;
    reaching->last = strtoull(text, NULL, 10);
    return reaching->last >= reaching->least;
}

uint64_t work_number(const struct daemon *daemon, const char *name)
{
    struct reaching reaching = {.daemon = daemon, .name = name};

    if (!wait_until(has_reached, &reaching, WORK_MS))
        fail_msg("%s does not tell its %s", daemon->name, name);
    return reaching.last;
}

void work_await_number(const struct daemon *daemon, const char *name, uint64_t least)
{
    struct reaching reaching = {.daemon = daemon, .name = name, .least = least};

    if (!wait_until(has_reached, &reaching, WORK_MS))
        fail_msg("%s of %s is %" PRIu64 ", not %" PRIu64, name, daemon->name, reaching.last, least);
}

static bool answers(void *arg)
{
    txclient_node *node = work_inspect(*(const struct daemon **)arg);
    const bool answered = node != NULL;

    txclient_node_free(&node);
    return answered;
}

void work_await_sent(const struct daemon *daemon)
{
    if (!wait_until(answers, &daemon, WORK_MS))
        fail_msg("%s does not answer", daemon->name);
}

static bool is_durable(void *arg)
{
    txclient_node *node = work_inspect(*(const struct daemon **)arg);
    bool durable = node != NULL && strcmp(txclient_node_get(node, "lsn"),
                                          txclient_node_get(node, "lsn_durable")) == 0;

    txclient_node_free(&node);
    return durable;
}

void work_await_durable(const struct daemon *daemon)
{
    if (!wait_until(is_durable, &daemon, WORK_MS))
        fail_msg("not all of the log of %s is ever on disk", daemon->name);
}

void work_await_archived(const struct daemon *daemon, uint64_t lsn)
{
    for (uint64_t last; (last = work_number(daemon, "archive_last")) < lsn;)
        work_await_number(daemon, "archive_last", last + 1);
}

void work_await_voted(const struct daemon *participant)
{
    work_await_field(participant, "prepared", "1");
    work_await_sent(participant);
}

bool work_peer_state(const struct daemon *coordinator, const char *name, char *text, size_t size)
{
    txclient_node *node = work_inspect(coordinator);
    const txclient_node_peer *peer = NULL;
    size_t i = 0;

    if (node == NULL)
        return false;
    do
        peer = txclient_node_peer_at(node, i++);
    while (peer != NULL && strcmp(peer->name, name) != 0);
    if (peer == NULL)
        fail_msg("the status of %s does not list %s", coordinator->name, name);
    snprintf(text, size, "%s", peer->state);
    txclient_node_free(&node);
    return true;
}

struct awaiting {
    const struct daemon *daemon;
    const char *name, *text;
    char last[256];
};

static bool field_is(void *arg)
{
    struct awaiting *awaiting = arg;

    return work_field(awaiting->daemon, awaiting->name, awaiting->last, sizeof awaiting->last) &&
           strcmp(awaiting->last, awaiting->text) == 0;
}

void work_await_field(const struct daemon *daemon, const char *name, const char *text)
{
    struct awaiting awaiting = {daemon, name, text, "no answer"};

    if (!wait_until(field_is, &awaiting, WORK_MS))
        fail_msg("%s of %s is '%s', not '%s'", name, daemon->name, awaiting.last, text);
}

static bool peer_is(void *arg)
{
    struct awaiting *awaiting = arg;

    return work_peer_state(awaiting->daemon, awaiting->name, awaiting->last,
                           sizeof awaiting->last) &&
           strcmp(awaiting->last, awaiting->text) == 0;
}

void work_decides_by_itself(struct daemon *coordinator)
{
    daemon_stop(coordinator);
    daemon_set(&cluster, coordinator, "node", "commit_mode = coordinator");
    daemon_start(coordinator);
    work_await_all_up(coordinator);
}

void work_await_peer(const struct daemon *coordinator, const char *name, const char *state)
{
    struct awaiting awaiting = {coordinator, name, state, "no answer"};

    if (!wait_until(peer_is, &awaiting, WORK_MS))
        fail_msg("%s sees %s as '%s', not '%s'", coordinator->name, name, awaiting.last, state);
}

void work_await_all_up(const struct daemon *coordinator)
{
    for (size_t i = 0; i < cluster.participants_n; i++)
        work_await_peer(coordinator, cluster.participants[i].name, "up");
}

void work_await_quiet(void)
{
    const char *coordinator_fields[] = {"collecting", "deciding", "committed"};
    const char *participant_fields[] = {"working", "preparing", "prepared", "locks_held"};

    for (size_t i = 0; i < 3; i++)
        work_await_field(&cluster.coordinator, coordinator_fields[i], "0");
    for (size_t p = 0; p < cluster.participants_n; p++)
        for (size_t i = 0; i < 4; i++)
            work_await_field(&cluster.participants[p], participant_fields[i], "0");
}
