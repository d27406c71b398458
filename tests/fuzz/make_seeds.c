/* Writes the hand-made part of the corpus: frames and records of every type in the form of today,
 * and scenarios that take the cores to where chance alone would not get soon. To be run again when
 * a wire or log format has changed: scripts/fuzz does.
 *
 *     usage: make_seeds DIRECTORY     writes DIRECTORY/TARGET/seed-NAME */
#include "tests/common/wire_samples.h"
#include "tests/txlog/record_samples.h"

#include "common/assert.h"
#include "coordinator/coord_config.h"
#include "participant/part_config.h"
#include "txlog/redo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *directory;

static void write_seed(const char *target, const char *name, struct tx_bytes bytes)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", directory, target);
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    (void)snprintf(path, sizeof path, "%s/%s/seed-%s", directory, target, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes.data, 1, bytes.len, file) != bytes.len || fclose(file) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
}

/* ---- decoders ---- */

static void frames(void)
{
    char name[64];
    for (unsigned type = 0; type < TX_MSG_TYPES_N; type++) {
        struct tx_envelope from = sample_envelope((enum tx_role)(type % TX_ROLES_N));
        struct tx_msg full = sample_full((enum tx_msg_type)type);
        struct tx_msg bare = sample_bare((enum tx_msg_type)type);
        struct tx_bytes frame = sample_frame(&from, &full);
        (void)snprintf(name, sizeof name, "%s", tx_msg_name((enum tx_msg_type)type));
        write_seed("frame", name, frame);
        free((void *)frame.data);
        frame = sample_frame(&from, &bare);
        (void)snprintf(name, sizeof name, "%s-bare", tx_msg_name((enum tx_msg_type)type));
        write_seed("frame", name, frame);
        free((void *)frame.data);
    }
}

static void records(void)
{
    for (unsigned type = TXLOG_NONE + 1; type < TXLOG_TYPES_N; type++) {
        struct txlog_record record = record_sample((enum txlog_type)type);
        struct tx_buf stored = {0};
        enum tx_error error = txlog_record_encode(&record, &stored);
        TX_ASSERT(error == TX_OK);
        write_seed("record", txlog_type_name((enum txlog_type)type), tx_buf_view(&stored));
        tx_buf_deinit(&stored);
    }
}

static void redos(void)
{
    struct tx_buf bytes = {0};
    redo_begin(&bytes, 2);
    redo_add(&bytes, &(struct redo_write){.space = tx_bytes_str("accounts"),
                                          .key = tx_bytes_str("alice"),
                                          .value = tx_bytes_str("10")});
    redo_add(&bytes, &(struct redo_write){
                         .space = tx_bytes_str("s"), .key = tx_bytes_str("k"), .deleted = true});
    write_seed("redo", "two-writes", tx_buf_view(&bytes));
    tx_buf_clear(&bytes);
    redo_data_key(tx_bytes_str("accounts"), tx_bytes_str("alice"), &bytes);
    write_seed("redo", "data-key", tx_buf_view(&bytes));
    tx_buf_deinit(&bytes);
}

struct text_seed {
    const char *target, *name, *text;
};

static const struct text_seed texts[] = {
    {"config", "client",
     "[client]\ncluster = demo\ncoordinator = tcp://127.0.0.1:7400\nname = shop\n"
     "request_timeout = 15s\nmessage_max = 1M\n"},
    {"config", "comments", "# one\n; two\n\n[node]\ncluster: demo ; three\n  name = a\n"},
    {"exec", "every-operation",
     "get a/s/k; get-for-update a/s/k\nput a/s/k 'a value'; insert b/s/n \"x\\n\\x41\"\n"
     "delete a/s/k # gone\nadd a/accounts/alice -5 --min 0 --max 10; check a/s/k v\n"
     "check b/s/k --absent; lock a X; lock a/s six; lock a/s/k u\n"},
    {"exec", "scans",
     "scan a/s; scan a/s k m --limit 5\nscan 'a/my space' \"\\x00-\" --prefix '--x' --reverse\n"
     "scan a/s '' k --reverse --limit 10000"},
    {"exec", "unfinished", "put a/s/k 'a"},
    {"exec", "bad-escape", "put a/s/k \\xg0"},
    {"text", "id", "1-7-42"},
    {"text", "tcp", "tcp://127.0.0.1:7400"},
    {"text", "tcp6", "tcp://[::1]:7400"},
    {"text", "any-port", "tcp://localhost:*"},
    {"text", "ipc", "ipc:///run/assent/a.sock"},
    {"text", "mode", "SIX"},
    {"text", "op", "get-for-update"},
};

/* Every key of a daemon, with its default or, where there is none, what passes. */
static void config(const char *name, const struct config_schema *schema, const char *more)
{
    struct tx_buf text = {0};
    for (size_t i = 0; i < config_keys_n(schema); i++) {
        const struct config_key *key = config_key_at(schema, i);
        const char *value = key->default_value != NULL ? key->default_value : "demo";
        char line[256];
        (void)snprintf(line, sizeof line, "[%s]\n%s = %s\n", key->section, key->name, value);
        tx_buf_append(&text, tx_bytes_str(line));
    }
    tx_buf_append(&text, tx_bytes_str(more));
    TX_ASSERT(!text.failed);
    write_seed("config", name, tx_buf_view(&text));
    tx_buf_deinit(&text);
}

/* ---- scenarios: the steps of participant.c and coordinator.c ---- */

struct scenario {
    const char *target, *name;
    const uint8_t *steps;
    size_t steps_n;
};
#define SCENARIO(target, name, ...)                                                                \
    {                                                                                              \
        target, name, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})       \
    }

/* The participant: from coordinator 1, client 1 and participant b. `tx` counts back from the newest
 * transaction, `key` is 0 to 7. */
#define HELLO              12, 1, 0, 0, 0, 0, 0
#define PUT(key)           2, key, 3
#define ADD_BELOW_ZERO     69, 1, 200, 0
#define GET(key)           0, key
#define OPERATE(tx, step)  0, 0, (step)-1, tx, 0, 20 - (tx)
#define DO(tx, step, ...)  OPERATE(tx, step), 1, __VA_ARGS__
#define PREPARE(tx, flags) 3, 1, flags, tx, 20 - (tx), 0
#define TWO_MEMBERS        3, 0
#define ALONE              1, 0
#define COMMIT(tx)         6, 1, tx, 0
#define ABORT(tx)          8, 1, tx, 0
#define INQUIRED(tx)       9, 2, tx, 0
#define STATE(tx, state)   10, 2, tx, state, 0, 0
#define FORGET             11, 1, 0
#define RESOLVE(tx, yes)   15, 0, 7, tx, yes
/* Of all transactions: from the beginning; from transaction `serial` on, behind two of its locks.
 */
#define LOCKS(what)              155, 0, what, 0, 0
#define LOCKS_FROM(what, serial) 155, 0, what, 0, 1, 0, serial, 0, 0, 0, 0, 0, 0
#define DURABLE                  176, 0
/* Transactions: of all; of one alone. Alarms. What an operator has seen to. */
#define TXS(what)            160, 0, what, 1, 0
#define ALARMS               162, 0, 1, 2, 0
#define PUT_ASIDE(tx, force) 164, 0, 8, tx, force
#define ANSWER               200, 0
#define PASS                 216, 0xa4 /* 4 << 20 us: four seconds */
#define NEWER                243
#define CRASH                250, 0
#define INTRODUCED           HELLO, DURABLE
#define PREPARED(tx)         DO(tx, 1, PUT(tx)), PREPARE(tx, 0), TWO_MEMBERS, DURABLE

/* The coordinator: participants a and b, client 1; the transaction that was begun last. */
#define WELCOME(node)   5, node, 0, 0, 0, 0, 0, 0, 0
#define BEGIN           10, 0, 1, 0
#define SUBMIT_AB       11, 0, 2, 0, 0, 2, 2, 1, 3, 2, 65, 3
#define SUBMIT_KEY      11, 0, 2, 1, 5, 0, 2, 2, 1, 3, 2, 65, 3
#define SUBMIT_A        11, 0, 3, 0, 0, 1, 2, 1, 3
#define COMMIT_REQUEST  13, 0, 4, 0, 0, 3, 0
#define OUTCOME_REQUEST 15, 0, 5, 0, 0, 3, 0
#define VOTE_YES(node)  0, node, 0, 0, 0, 0, 0
#define VOTE_DID(node)  0, node, 0, 0, 0, 0, 1, 0, 3 /* YES, with one result */
#define VOTE_NO(node)   0, node, 0, 1, 0, 0, 1, 6
#define VOTE_READ(node) 0, node, 0, 2, 0, 0
#define VOTE_DONE(node) 0, node, 0, 3, 0, 0, 1, 0, 3
#define ACK(node)       3, node, 0, 0, 0, 0
#define INQUIRE(node)   7, node, 0, 0
#define FENCED          164, 0, 0, 193, 0, 0
#define OF_OLD          240, 0, 225, 193 /* the first transaction of the epoch before */
#define OUTCOME_OF_OLD  15, 0, 5, OF_OLD, 0, 1, 0
#define STATE_OF_OLD    8, 0, OF_OLD, 2, 0, 0
#define C_DURABLE       184, 0
#define C_PASS          216, 0xa4
#define C_CRASH         248, 0
#define C_INTRODUCED    WELCOME(0), WELCOME(1), WELCOME(2), C_DURABLE

static const struct scenario scenarios[] = {
    SCENARIO("participant", "commit", 0, INTRODUCED, PREPARED(0), COMMIT(0), DURABLE, FORGET, NEWER,
             FORGET, COMMIT(4)),
    SCENARIO("participant", "abort", 0, INTRODUCED, PREPARED(0), ABORT(0), INQUIRED(0)),
    SCENARIO("participant", "one-shot", 0, INTRODUCED, PREPARE(0, 1), TWO_MEMBERS, 2, PUT(1),
             GET(2), DURABLE, COMMIT(0), DURABLE),
    SCENARIO("participant", "one-phase", 0, INTRODUCED, DO(0, 1, PUT(1)), PREPARE(0, 2), ALONE,
             DURABLE, INQUIRED(0)),
    SCENARIO("participant", "in-doubt", 0, INTRODUCED, PREPARED(0), CRASH, HELLO, PASS, PASS, PASS,
             STATE(0, 1), STATE(0, 2), DURABLE),
    SCENARIO("participant", "members-decide", 0, INTRODUCED, DO(0, 1, PUT(1)), PREPARE(0, 64),
             TWO_MEMBERS, DURABLE, PASS, PASS, STATE(0, 1), 240, INTRODUCED, DURABLE),
    SCENARIO("participant", "heuristic", 0, INTRODUCED, PREPARED(0), PREPARED(1), RESOLVE(0, 1),
             RESOLVE(1, 0), DURABLE, CRASH, HELLO, COMMIT(0), COMMIT(1), DURABLE),
    SCENARIO("participant", "put-aside", 0, INTRODUCED, PREPARED(0), PREPARED(1), RESOLVE(0, 1),
             RESOLVE(1, 0), DURABLE, PUT_ASIDE(0, 1), PUT_ASIDE(1, 0), DURABLE, TXS(0), COMMIT(0),
             COMMIT(1), DURABLE, PUT_ASIDE(1, 0), CRASH, HELLO, TXS(8), ALARMS),
    SCENARIO("participant", "wound", 0, INTRODUCED, DO(0, 1, PUT(1)), DO(1, 1, PUT(2)),
             DO(1, 2, PUT(1)), DO(0, 2, PUT(2)), PASS),
    SCENARIO("participant", "locks", 0, INTRODUCED, PREPARED(0), DO(1, 1, PUT(0)), LOCKS(0),
             LOCKS(8), LOCKS(32), LOCKS_FROM(32, 1), LOCKS_FROM(32, 2), LOCKS(16), COMMIT(0),
             LOCKS(0), CRASH, HELLO, LOCKS_FROM(0, 1)),
    SCENARIO("participant", "refused", 0, INTRODUCED, DO(0, 1, PUT(1)), DO(0, 2, ADD_BELOW_ZERO)),
    SCENARIO("participant", "slow-store", 32, INTRODUCED, DO(0, 1, PUT(1)), ANSWER, PREPARE(0, 0),
             TWO_MEMBERS, ABORT(0), ANSWER, DO(1, 1, PUT(1)), ABORT(1), ANSWER),
    SCENARIO("participant", "snapshots", 8 + 16, INTRODUCED, PREPARED(0), PREPARED(1), PREPARED(2),
             COMMIT(1), DURABLE, ABORT(2), DURABLE, CRASH, HELLO, COMMIT(0), DURABLE),
    SCENARIO("participant", "new-epoch", 0, INTRODUCED, PREPARED(0), DO(1, 1, PUT(1)), 240,
             INTRODUCED, DO(2, 1, PUT(2))),
    SCENARIO("coordinator", "commit", 0, C_INTRODUCED, BEGIN, COMMIT_REQUEST, VOTE_YES(0),
             VOTE_YES(1), C_DURABLE, ACK(0), ACK(1), C_DURABLE, OUTCOME_REQUEST, INQUIRE(0)),
    SCENARIO("coordinator", "no", 0, C_INTRODUCED, SUBMIT_AB, VOTE_DID(0), VOTE_NO(1), INQUIRE(0)),
    SCENARIO("coordinator", "readers", 0, C_INTRODUCED, BEGIN, COMMIT_REQUEST, VOTE_READ(0),
             VOTE_YES(1), C_DURABLE, ACK(1), C_DURABLE),
    SCENARIO("coordinator", "one-phase", 0, C_INTRODUCED, SUBMIT_A, VOTE_DONE(0), C_DURABLE,
             C_PASS),
    SCENARIO("coordinator", "one-phase-silent", 0, C_INTRODUCED, SUBMIT_A, C_PASS, C_PASS, C_CRASH,
             C_INTRODUCED, OUTCOME_REQUEST),
    SCENARIO("coordinator", "key-again", 0, C_INTRODUCED, SUBMIT_KEY, VOTE_DID(0), VOTE_DID(1),
             C_DURABLE, C_CRASH, C_INTRODUCED, SUBMIT_KEY, ACK(0), ACK(1), C_DURABLE),
    SCENARIO("coordinator", "crash-undecided", 0, C_INTRODUCED, BEGIN, COMMIT_REQUEST, VOTE_YES(0),
             C_CRASH, C_INTRODUCED, INQUIRE(0)),
    SCENARIO("coordinator", "timeout", 0, C_INTRODUCED, BEGIN, COMMIT_REQUEST, C_PASS, C_PASS),
    SCENARIO("coordinator", "snapshots", 4 + 1, C_INTRODUCED, SUBMIT_AB, VOTE_DID(0), VOTE_DID(1),
             C_DURABLE, ACK(0), ACK(1), C_DURABLE, SUBMIT_AB, VOTE_DID(0), VOTE_DID(1), C_DURABLE,
             C_PASS, C_DURABLE, C_CRASH, C_INTRODUCED, C_PASS),
    SCENARIO("coordinator", "fenced", 0, C_INTRODUCED, BEGIN, COMMIT_REQUEST, VOTE_YES(0), FENCED,
             C_DURABLE, OUTCOME_REQUEST, C_CRASH, BEGIN),
    SCENARIO("coordinator", "asked-at-the-member", 0, C_INTRODUCED, SUBMIT_A, C_CRASH, C_INTRODUCED,
             OUTCOME_OF_OLD, C_PASS, STATE_OF_OLD),
};

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return EXIT_FAILURE;
    }
    directory = argv[1];
    frames();
    records();
    redos();
    config("coordinator", &coord_config_schema,
           "[participants]\na = tcp://127.0.0.1:7410\nb = ipc:///tmp/b\n");
    config("participant", &part_config_schema, "");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        write_seed(texts[i].target, texts[i].name, tx_bytes_str(texts[i].text));
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        write_seed(scenarios[i].target, scenarios[i].name,
                   tx_bytes(scenarios[i].steps, scenarios[i].steps_n));
    return EXIT_SUCCESS;
}
