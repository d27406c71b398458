/* What the decoder refuses, and the words it finds for it. The frames are made of good messages
 * with one thing wrong; the encoder writes what it is told. */
#include "tests/common/test.h"
#include "tests/common/wire_samples.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t zeroes[TX_ROWS_BYTES_MAX + 1];

static struct tx_bytes of_len(size_t len)
{
    return tx_bytes(zeroes, len);
}

static void refuse_bytes(struct tx_bytes bytes, enum tx_error expected, const char *words)
{
    struct tx_arena arena = {0};
    struct tx_frame frame = {.messages_n = 77};
    struct tx_why why = {{0}};
    enum tx_error error = tx_frame_decode(bytes, 2 * TX_MESSAGE_MAX, &arena, &frame, &why);
    if (error != expected || strstr(why.text, words) == NULL) {
        fail_msg("%s \"%s\", not %s with \"%s\"", tx_error_name(error), why.text,
                 tx_error_name(expected), words);
    }
    assert_int_equal(frame.messages_n, 0); /* nothing half decoded */
    assert_null(frame.messages);
    tx_arena_deinit(&arena);
}

static void refuse_from(const struct tx_envelope *envelope, const struct tx_msg *msg,
                        enum tx_error expected, const char *words)
{
    struct tx_bytes bytes = sample_frame(envelope, msg);
    refuse_bytes(bytes, expected, words);
    free((void *)bytes.data);
}

static void refuse(const struct tx_msg *msg, enum tx_error expected, const char *words)
{
    struct tx_envelope envelope = sample_envelope(TX_ROLE_COORDINATOR);
    refuse_from(&envelope, msg, expected, words);
}

static void ids(void **state)
{
    (void)state;
    static const struct tx_id bad[] = {{0}, {0, 1, 1}, {65536, 1, 1}, {1, 0, 1}, {1, 1, 0}};
    struct tx_msg msg = sample_full(TX_MSG_VOTE);
    for (size_t i = 0; i < 5; i++) {
        msg.vote.id = bad[i];
        refuse(&msg, TX_EFORMAT, "VOTE id: a transaction's id expected");
    }
    msg = sample_full(TX_MSG_FENCED); /* may name none, but not nonsense */
    msg.fenced.id = (struct tx_id){1, 0, 1};
    refuse(&msg, TX_EFORMAT, "FENCED id");
    msg = sample_full(TX_MSG_BEGIN);
    msg.begin.age.coordinator = TX_COORDINATOR_ID_MAX + 1;
    refuse(&msg, TX_ELIMIT, "BEGIN age");
}

static void enums(void **state)
{
    (void)state;
    struct tx_msg msg = sample_full(TX_MSG_VOTE);
    msg.vote.vote = TX_VOTES_N;
    refuse(&msg, TX_EFORMAT, "VOTE vote");
    msg = sample_full(TX_MSG_VOTE);
    msg.vote.reason = TX_REASONS_N;
    refuse(&msg, TX_EFORMAT, "VOTE reason");
    msg = sample_full(TX_MSG_OUTCOME);
    msg.outcome.outcome = TX_OUTCOMES_N;
    refuse(&msg, TX_EFORMAT, "OUTCOME outcome");
    msg = sample_full(TX_MSG_STATE);
    msg.state.state = TX_STATES_N;
    refuse(&msg, TX_EFORMAT, "STATE state");
    msg = sample_full(TX_MSG_ACK);
    msg.ack.heuristic = TX_HEURISTICS_N;
    refuse(&msg, TX_EFORMAT, "ACK heuristic");
    msg = sample_full(TX_MSG_ERROR);
    msg.error.error = TX_ERRORS_N;
    refuse(&msg, TX_EFORMAT, "ERROR error");
    struct tx_envelope envelope = sample_envelope(TX_ROLE_CLIENT);
    envelope.role = TX_ROLES_N;
    msg = sample_full(TX_MSG_COMMIT);
    refuse_from(&envelope, &msg, TX_EFORMAT, "envelope role");
}

static void refuse_op(const struct tx_op *op, enum tx_error expected, const char *words)
{
    struct tx_op two[2] = {{.type = TX_OP_GET, .participant = {"a"}}, *op};
    two[0].space = tx_bytes_str("s");
    two[0].key = tx_bytes_str("k");
    struct tx_msg msg = sample_full(TX_MSG_SUBMIT);
    msg.submit.ops = two;
    msg.submit.ops_n = 2;
    refuse(&msg, expected, words);
}

static void ops(void **state)
{
    (void)state;
    struct tx_op good = {.type = TX_OP_PUT, .participant = {"a"}};
    good.space = tx_bytes_str("s");
    good.key = tx_bytes_str("k");
    struct tx_op op = good;
    op.type = TX_OP_TYPES_N;
    refuse_op(&op, TX_EFORMAT, "SUBMIT ops[1].type");
    op = good;
    op.mode = TX_LOCK_MODES_N;
    refuse_op(&op, TX_EFORMAT, "SUBMIT ops[1].mode");
    op = good;
    op.participant = (struct tx_name){""};
    refuse_op(&op, TX_EFORMAT, "SUBMIT ops[1].participant: a name expected");
    op = good;
    op.participant = (struct tx_name){"a/b"};
    refuse_op(&op, TX_EFORMAT, "SUBMIT ops[1].participant");
    op = good;
    op.space = of_len(TX_SPACE_MAX + 1);
    refuse_op(&op, TX_ELIMIT, "SUBMIT ops[1].space: 65, and at most 64 are allowed");
    op = good;
    op.key = of_len(TX_BOUND_MAX + 1);
    refuse_op(&op, TX_ELIMIT, "SUBMIT ops[1].key");
    op.key.len--; /* as the end of a range may be, but no key */
    refuse_op(&op, TX_ELIMIT, "SUBMIT ops[1]: put: a key has at most 4096 bytes");
    op = good;
    op.limit = 1;
    refuse_op(&op, TX_EFORMAT, "SUBMIT ops[1]: put: only a scan");
    op = good;
    op.type = TX_OP_SCAN;
    refuse_op(&op, TX_EFORMAT, "SUBMIT ops[1]: scan: the limit is 0");
    op = good;
    op.value = of_len(TX_VALUE_MAX + 1);
    refuse_op(&op, TX_ELIMIT, "SUBMIT ops[1].value");
    op = good;
    op.key.len = 0;
    refuse_op(&op, TX_EFORMAT, "SUBMIT ops[1]: put: the key is empty");
    op = good;
    op.absent = true;
    refuse_op(&op, TX_EFORMAT, "SUBMIT ops[1]: put: only a check");
}

static void names_and_texts(void **state)
{
    (void)state;
    struct tx_msg msg = sample_full(TX_MSG_RESOLVE);
    msg.resolve.operator_name = (struct tx_name){"not a name"};
    refuse(&msg, TX_EFORMAT, "RESOLVE operator_name");
    msg.resolve.operator_name = (struct tx_name){""};
    refuse(&msg, TX_EFORMAT, "RESOLVE operator_name: a name expected");
    msg = sample_full(TX_MSG_OUTCOME);
    msg.outcome.who = (struct tx_name){"b!"};
    refuse(&msg, TX_EFORMAT, "OUTCOME who");
    msg = sample_full(TX_MSG_SUBMIT);
    msg.submit.key = of_len(TX_IDEMPOTENCY_KEY_MAX + 1);
    refuse(&msg, TX_ELIMIT, "SUBMIT key");
}

static void members(void **state)
{
    (void)state;
    static struct tx_member many[TX_NODES_MAX + 1];
    for (size_t i = 0; i <= TX_NODES_MAX; i++) {
        many[i].name = (struct tx_name){"n"};
    }
    static const struct tx_position known[TX_MEMBERS_MAX + 1];
    struct tx_msg msg = sample_full(TX_MSG_PREPARE);
    msg.prepare.members = many;
    msg.prepare.known = known;
    msg.prepare.members_n = 0;
    refuse(&msg, TX_EFORMAT, "PREPARE members: the receiver at least");
    msg.prepare.members_n = TX_MEMBERS_MAX + 1;
    refuse(&msg, TX_ELIMIT, "PREPARE members: 65, and at most 64 are allowed");
    msg.prepare.members_n = 3;
    many[2].name = (struct tx_name){""};
    refuse(&msg, TX_EFORMAT, "PREPARE members[2].name: a name expected");
    many[2].name = (struct tx_name){"n"};
    msg = sample_full(TX_MSG_COMMIT_REQUEST);
    msg.finish.members = many;
    msg.finish.members_n = TX_MEMBERS_MAX + 1;
    refuse(&msg, TX_ELIMIT, "COMMIT_REQUEST members");
    msg = sample_full(TX_MSG_BEGUN);
    msg.begun.nodes = many;
    msg.begun.nodes_n = TX_NODES_MAX + 1;
    refuse(&msg, TX_ELIMIT, "BEGUN nodes");
}

static void the_open_ids_of_a_forget(void **state)
{
    (void)state;
    static uint64_t open[TX_OPEN_IDS_MAX + 1];
    struct tx_msg msg = sample_full(TX_MSG_FORGET);
    msg.forget = (struct tx_msg_forget){1, 10, open, 3};
    memcpy(open, (const uint64_t[]){1, 5, 5}, 3 * sizeof *open);
    refuse(&msg, TX_EFORMAT, "FORGET open[2]: a sequence below the mark, in ascending order");
    memcpy(open, (const uint64_t[]){1, 5, 4}, 3 * sizeof *open);
    refuse(&msg, TX_EFORMAT, "FORGET open[2]");
    memcpy(open, (const uint64_t[]){1, 5, 10}, 3 * sizeof *open);
    refuse(&msg, TX_EFORMAT, "FORGET open[2]");
    for (size_t i = 0; i <= TX_OPEN_IDS_MAX; i++) {
        open[i] = i;
    }
    msg.forget = (struct tx_msg_forget){1, 100000, open, TX_OPEN_IDS_MAX + 1};
    refuse(&msg, TX_ELIMIT, "FORGET open");
}

static void lists_of_locks(void)
{
    struct tx_lock_row *rows = calloc(TX_STATUS_ROWS_MAX + 1, sizeof *rows);
    struct tx_lock_blocker *blockers = calloc(TX_LOCK_BLOCKERS_MAX + 1, sizeof *blockers);
    assert_true(rows != NULL && blockers != NULL);
    struct tx_msg msg = sample_full(TX_MSG_LOCKS);
    rows[0] = rows[1] = msg.locks.rows[1];
    msg.locks.rows = rows;
    msg.locks.rows_n = TX_STATUS_ROWS_MAX + 1;
    refuse(&msg, TX_ELIMIT, "LOCKS rows");
    msg.locks.rows_n = 2;
    rows[1].key = of_len(TX_BOUND_MAX + 1);
    refuse(&msg, TX_ELIMIT, "LOCKS rows[1].key");
    rows[1].key.len = 1;
    rows[1].mode = TX_LOCK_MODES_N;
    refuse(&msg, TX_EFORMAT, "LOCKS rows[1].mode");
    rows[1].mode = TX_LOCK_X;
    rows[1].blockers = blockers;
    rows[1].blockers_n = TX_LOCK_BLOCKERS_MAX + 1;
    refuse(&msg, TX_ELIMIT, "LOCKS rows[1].blockers");
    rows[1].blockers_n = 1; /* its id is none */
    refuse(&msg, TX_EFORMAT, "LOCKS rows[1].id");
    msg = sample_full(TX_MSG_LOCKS_REQUEST);
    msg.locks_request.from.to = of_len(TX_BOUND_MAX + 1);
    refuse(&msg, TX_ELIMIT, "LOCKS_REQUEST to");
    msg.locks_request.from.to.len = 0;
    msg.locks_request.tx.seq = 0;
    refuse(&msg, TX_EFORMAT, "LOCKS_REQUEST id");
    free(rows);
    free(blockers);
}

static void other_lists(void **state)
{
    (void)state;
    struct tx_result *results = calloc(TX_OPS_MAX + 1, sizeof *results);
    struct tx_op *many = calloc(TX_OPS_MAX + 1, sizeof *many);
    struct tx_status_field *fields = calloc(TX_STATUS_ROWS_MAX + 1, sizeof *fields);
    assert_true(results != NULL && many != NULL && fields != NULL);
    struct tx_msg msg = sample_full(TX_MSG_OPERATED);
    msg.operated.results = results;
    msg.operated.results_n = TX_OPS_MAX + 1;
    refuse(&msg, TX_ELIMIT, "OPERATED results");
    msg.operated.results_n = 2;
    results[1].value = of_len(TX_ROWS_BYTES_MAX + 1);
    refuse(&msg, TX_ELIMIT, "OPERATED results[1].value");
    msg = sample_full(TX_MSG_OPERATE);
    msg.operate.ops = many;
    msg.operate.ops_n = TX_OPS_MAX + 1;
    refuse(&msg, TX_ELIMIT, "OPERATE ops");
    msg = sample_full(TX_MSG_STATUS);
    msg.status.fields = fields;
    msg.status.fields_n = TX_STATUS_ROWS_MAX + 1;
    refuse(&msg, TX_ELIMIT, "STATUS fields");
    lists_of_locks();
    free(results);
    free(many);
    free(fields);
}

static void envelopes(void **state)
{
    (void)state;
    struct tx_msg msg = sample_full(TX_MSG_COMMIT);
    struct tx_envelope envelope = sample_envelope(TX_ROLE_COORDINATOR);
    envelope.coordinator = 0;
    refuse_from(&envelope, &msg, TX_EFORMAT, "envelope name and coordinator");
    envelope.coordinator = TX_COORDINATOR_ID_MAX + 1;
    refuse_from(&envelope, &msg, TX_ELIMIT, "envelope coordinator");
    envelope = sample_envelope(TX_ROLE_COORDINATOR);
    envelope.name = (struct tx_name){"c"};
    refuse_from(&envelope, &msg, TX_EFORMAT, "envelope name and coordinator");
    envelope = sample_envelope(TX_ROLE_PARTICIPANT);
    envelope.name = (struct tx_name){""};
    refuse_from(&envelope, &msg, TX_EFORMAT, "envelope name and coordinator");
    envelope = sample_envelope(TX_ROLE_PARTICIPANT);
    envelope.coordinator = 1;
    refuse_from(&envelope, &msg, TX_EFORMAT, "envelope name and coordinator");
    envelope = sample_envelope(TX_ROLE_CLIENT);
    envelope.coordinator = 1;
    refuse_from(&envelope, &msg, TX_EFORMAT, "envelope name and coordinator");
    envelope = sample_envelope(TX_ROLE_CLIENT);
    envelope.name = (struct tx_name){"a b"};
    refuse_from(&envelope, &msg, TX_EFORMAT, "envelope name");
}

/* ---- frames by hand: what the encoder cannot be made to write ---- */

/* [version, envelope of client "c", messages]; the first argument's text follows as
 * the messages. */
static void refuse_messages(const char *messages, size_t len, enum tx_error expected,
                            const char *words)
{
    static const char prefix[] = "\x93\x01\x99\xc4\x01t\x00\xc4\x01"
                                 "c\x00\x00\x00\xc4\x00\x00\x00";
    struct tx_buf buf = {0};
    tx_buf_append(&buf, tx_bytes(prefix, sizeof prefix - 1));
    tx_buf_append(&buf, tx_bytes(messages, len));
    refuse_bytes(tx_buf_view(&buf), expected, words);
    tx_buf_deinit(&buf);
}

#define REFUSE(messages, expected, words)                                                          \
    refuse_messages(messages, sizeof(messages) - 1, expected, words)

static void messages_of_the_wrong_shape(void **state)
{
    (void)state;
    REFUSE("\x01", TX_EFORMAT, "frame messages: an array expected");
    REFUSE("\x91\x01", TX_EFORMAT, "frame messages[0]");
    REFUSE("\x91\x90", TX_EFORMAT, "frame messages[0]");
    REFUSE("\x92\x92\x18\x01\x92\x7f\x01", TX_EFORMAT, "frame messages[1].type"); /* 127: no type */
    REFUSE("\x91\x92\xcd\xff\xff\x01", TX_EFORMAT, "frame messages[0].type");
    REFUSE("\x91\x92\xff\x01", TX_EFORMAT, "frame messages[0].type");
    REFUSE("\x91\x91\x18", TX_EFORMAT, "STATUS_REQUEST fields");                  /* one too few */
    REFUSE("\x91\x93\x18\x01\x02", TX_EFORMAT, "STATUS_REQUEST fields");          /* one too many */
    REFUSE("\x91\x81\x18\x01", TX_EFORMAT, "frame messages[0]");                  /* a map */
    REFUSE("\x91\x92\x18\xff", TX_EFORMAT, "STATUS_REQUEST req");                 /* below zero */
    REFUSE("\x91\x92\x18\xc0", TX_EFORMAT, "STATUS_REQUEST req");                 /* nil */
    REFUSE("\x91\x92\x18\xc3", TX_EFORMAT, "STATUS_REQUEST req");                 /* a boolean */
    REFUSE("\x91\x92\x18\xca\x00\x00\x00\x00", TX_EFORMAT, "STATUS_REQUEST req"); /* a float */
    REFUSE("\x91\x98\x10\x93\x01\x01\x01\x01\xc2\x93\x01\x01\x01\xc2\xa0\x01", TX_EFORMAT,
           "INQUIRE in_doubt"); /* 1 for true */
    REFUSE("\x91\x98\x10\x92\x01\x01\xc3\xc2\x93\x01\x01\x01\xc2\xa0\x01", TX_EFORMAT,
           "INQUIRE id"); /* of two */
    REFUSE("\x91\x98\x10\x93\x01\x01\x01\xc3\xc2\x92\x01\x01\xc2\xa0\x01", TX_EFORMAT,
           "INQUIRE known"); /* dto. */
    REFUSE("\x91\x98\x10\x93\x01\x01\x01\xc3\xc2\x93\x01\x01\x01\xc2\x05\x01", TX_EFORMAT,
           "INQUIRE to");
    REFUSE("\x91\x93\x00\x01\x93\x01\x01\x01", TX_EFORMAT, "BEGIN age"); /* an age of three */
    REFUSE("\x91\x95\x17\x01\x93\x01\x01\x01\xc3\x05", TX_EFORMAT, "RESOLVE operator_name");
    REFUSE("\x91\x95\x1d\x01\x06\xa1"
           "a\xa0",
           TX_EFORMAT, "ADMIN_REQUEST verb"); /* of six */
    REFUSE("\x91\x95\x1d\x01\x00\xa0\xa0", TX_EFORMAT, "ADMIN_REQUEST operator_name");
    /* COMMIT_REQUEST with a token of 15 bytes, and a longer one */
    REFUSE("\x91\x96\x03\x01\x93\x01\x01\x01\xc4\x0f"
           "aaaaaaaaaaaaaaa\x90\x00",
           TX_EFORMAT, "COMMIT_REQUEST token: 16 bytes expected");
    REFUSE("\x91\x96\x03\x01\x93\x01\x01\x01\xc4\x11"
           "aaaaaaaaaaaaaaaaa\x90\x00",
           TX_ELIMIT, "COMMIT_REQUEST token");
    /* a name with a zero byte in it, an address too */
    REFUSE("\x91\x95\x17\x01\x93\x01\x01\x01\xc3\xa3"
           "a\x00"
           "b",
           TX_EFORMAT, "RESOLVE operator_name");
    REFUSE("\x91\x96\x03\x01\x93\x01\x01\x01\xc4\x10"
           "aaaaaaaaaaaaaaaa\x91\x94\xa1n\xa1\x00\x01\xc2\x00",
           TX_EFORMAT, "COMMIT_REQUEST members[0].address");
}

/* PREPARE with one member and no operations, and a list of positions that ends the frame. */
#define PREPARE_OF_ONE                                                                             \
    "\x91\x9d\x0b\x93\x01\x01\x01\x92\x01\x01\xc4\x10"                                             \
    "aaaaaaaaaaaaaaaa\xc2\xc3\x00\x00\x91\x94\xa1"                                                 \
    "b\xa0\x01\xc2"

static void a_prepare_knows_each_member_once(void **state)
{
    (void)state;
    REFUSE(PREPARE_OF_ONE "\x90\x90\xc2\x00", TX_EFORMAT,
           "PREPARE known: a position of each member expected");
    REFUSE(PREPARE_OF_ONE "\x92\x93\x01\x01\x01\x93\x01\x01\x01\x90\xc2\x00", TX_EFORMAT,
           "PREPARE known: a position of each member expected");
    REFUSE(PREPARE_OF_ONE "\x91\x92\x01\x01\x90\xc2\x00", TX_EFORMAT, "PREPARE known[0]");
    REFUSE(PREPARE_OF_ONE "\x91\x93\x01\x01\xff\x90\xc2\x00", TX_EFORMAT, "PREPARE known[0].lsn");
    /* with one it is as good as any, and the operations are next */
    REFUSE(PREPARE_OF_ONE "\x91\x93\x01\x01\x01\xc0\xc2\x00", TX_EFORMAT, "PREPARE ops: an array");
}

/* SUBMIT [2, req, key, age, timeout, lock timeout, isolation, ops, mode]: 32 bits are 32 bits. */
static void integers_keep_their_width(void **state)
{
    (void)state;
    REFUSE(
        "\x91\x99\x02\x01\xc4\x00\x92\x00\x00\xcf\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x90\x00",
        TX_ELIMIT, "SUBMIT timeout_ms: 4294967296, and at most 4294967295 are allowed");
    /* an op whose delta does not fit a signed 64-bit integer */
    REFUSE("\x91\x99\x02\x01\xc4\x00\x92\x00\x00\x00\x00\x00\x91\x9f\x05\xa1"
           "a\xa1s\xa1k\xa0\xc2\xcf\x80\x00\x00\x00\x00\x00\x00\x00\xc2\x00\xc2\x00\x00\xa0\x00\xc2"
           "\x00",
           TX_EFORMAT, "SUBMIT ops[0].delta: a signed 64-bit integer expected");
}

static void a_level_that_is_none(void **state)
{
    (void)state;
    REFUSE("\x91\x99\x02\x01\xc4\x00\x92\x00\x00\x00\x00\x04\x90\x00", TX_EFORMAT,
           "SUBMIT isolation");
}

static void a_commit_mode_that_is_none(void **state)
{
    (void)state;
    REFUSE("\x91\x99\x02\x01\xc4\x00\x92\x00\x00\x00\x00\x00\x90\x03", TX_EFORMAT, "SUBMIT mode");
}

static void frames_of_the_wrong_shape(void **state)
{
    (void)state;
    refuse_bytes(tx_bytes("\x01", 1), TX_EFORMAT, "frame head");
    refuse_bytes(tx_bytes("\x90", 1), TX_EFORMAT, "frame head");
    refuse_bytes(tx_bytes("\x91\x01", 2), TX_EFORMAT, "frame fields");
    refuse_bytes(tx_bytes("\x94\x01\x90\x90\x90", 5), TX_EFORMAT, "frame fields");
    refuse_bytes(tx_bytes("\x93\xa1x\x90\x90", 5), TX_EFORMAT, "frame version");
    refuse_bytes(tx_bytes("\x93\x01\x90\x90", 4), TX_EFORMAT, "envelope fields");
    /* as it was before there were cuts */
    refuse_bytes(tx_bytes("\x93\x01\x97\xc4\x01t\x00\xa0\x00\x00\x00\xa0\x90", 13), TX_EFORMAT,
                 "envelope fields");
    /* and before there were backups */
    refuse_bytes(tx_bytes("\x93\x01\x98\xc4\x01t\x00\xa0\x00\x00\x00\xa0\x00\x90", 14), TX_EFORMAT,
                 "envelope fields");
    refuse_bytes(tx_bytes("\x93\x01\x99\xa1\x00\x00\xa0\x00\x00\x00\xa0\x00\x00\x90", 14),
                 TX_EFORMAT, "envelope cluster: text expected");
}

/* Another version is told apart from nonsense, whatever it puts after its number. */
static void another_version_is_named(void **state)
{
    (void)state;
    refuse_bytes(tx_bytes("\x93\x02\x90\x90", 4), TX_EVERSION, "frame: version 2");
    refuse_bytes(tx_bytes("\x92\x00\xc0", 3), TX_EVERSION, "frame: version 0");
    refuse_bytes(tx_bytes("\x95\xcd\x01\x00\x01\x01\x01\x01", 8), TX_EVERSION, "version 256");
}

/* Strings are taken for bytes, and integers in any form that holds them. */
static void other_forms_of_the_same_are_taken(void **state)
{
    (void)state;
    static const char wide[] = "\xdc\x00\x03\xd0\x01\x99\xd9\x01t\xcc\x00\xa1"
                               "c\xd3\x00\x00\x00\x00\x00\x00\x00\x00\xcd\x00\x00\x00\xa0\x07\x06"
                               "\xdd\x00\x00\x00\x01\xdc\x00\x02\xd1\x00\x18\xd2\x00\x00\x00\x05";
    struct tx_arena arena = {0};
    struct tx_frame frame;
    struct tx_why why = {{0}};
    struct tx_bytes bytes = tx_bytes(wide, sizeof wide - 1);
    enum tx_error error = tx_frame_decode(bytes, 1000, &arena, &frame, &why);
    assert_string_equal(why.text, "");
    assert_int_equal(error, TX_OK);
    assert_string_equal(frame.envelope.cluster, "t");
    assert_string_equal(frame.envelope.name.s, "c");
    assert_int_equal(frame.envelope.cut, 7);
    assert_int_equal(frame.envelope.generation, 6);
    assert_int_equal(frame.messages_n, 1);
    assert_int_equal(frame.messages[0].type, TX_MSG_STATUS_REQUEST);
    assert_int_equal(frame.messages[0].status_request.req, 5);
    tx_arena_deinit(&arena);
}

/* The encoder cuts a text that is too long; another sender may not. */
static void too_long_a_text_is_refused(void **state)
{
    (void)state;
    static const char head[] = "\x91\x95\x1a\x01\x01\x01\xc5\x02\x01"; /* ERROR with 513 bytes */
    struct tx_buf buf = {0};
    tx_buf_append(&buf, tx_bytes(head, sizeof head - 1));
    tx_buf_append(&buf, of_len(TX_TEXT_MAX + 1));
    refuse_messages((const char *)buf.data, buf.len, TX_ELIMIT, "ERROR text: 513");
    tx_buf_deinit(&buf);
}

static void too_many_messages_are_refused(void **state)
{
    (void)state;
    size_t len = 3 + TX_FRAME_MESSAGES_MAX + 1;
    uint8_t *nils = malloc(len);
    assert_non_null(nils);
    memset(nils, 0xc0, len);
    nils[0] = 0xdc;
    nils[1] = (TX_FRAME_MESSAGES_MAX + 1) >> 8;
    nils[2] = (TX_FRAME_MESSAGES_MAX + 1) & 0xff;
    refuse_messages((const char *)nils, len, TX_ELIMIT, "frame messages: 10001");
    free(nils);
}

static void a_frame_above_the_limit_is_refused(void **state)
{
    (void)state;
    struct tx_envelope envelope = sample_envelope(TX_ROLE_CLIENT);
    struct tx_msg msg = sample_full(TX_MSG_SUBMIT);
    struct tx_bytes bytes = sample_frame(&envelope, &msg);
    struct tx_arena arena = {0};
    struct tx_frame frame;
    assert_int_equal(tx_frame_decode(bytes, bytes.len - 1, &arena, &frame, NULL), TX_ELIMIT);
    assert_int_equal(tx_frame_decode(bytes, bytes.len, &arena, &frame, NULL), TX_OK);
    tx_arena_deinit(&arena);
    free((void *)bytes.data);
}

/* Every field of a message is written, also over what the memory held before. */
static void nothing_of_an_earlier_frame_stays(void **state)
{
    (void)state;
    struct tx_envelope envelope = sample_envelope(TX_ROLE_COORDINATOR);
    struct tx_arena arena = {0};
    for (unsigned i = 0; i < 2 * TX_MSG_TYPES_N; i++) {
        enum tx_msg_type type = (enum tx_msg_type)(i / 2);
        struct tx_msg msg = i % 2 == 0 ? sample_full(type) : sample_bare(type);
        struct tx_bytes bytes = sample_frame(&envelope, &msg);
        tx_arena_reset(&arena);
        void *old = tx_arena_alloc(&arena, 1, 65536);
        assert_non_null(old);
        memset(old, 0xa5, 65536);
        tx_arena_reset(&arena);
        struct tx_frame frame;
        struct tx_why why;
        assert_int_equal(tx_frame_decode(bytes, TX_MESSAGE_MAX, &arena, &frame, &why), TX_OK);
        assert_int_equal(frame.messages_n, 1);
        assert_same_msg(&msg, &frame.messages[0]);
        struct tx_bytes again = sample_frame(&envelope, &frame.messages[0]);
        assert_int_equal(again.len, bytes.len);
        assert_memory_equal(again.data, bytes.data, bytes.len);
        free((void *)again.data);
        free((void *)bytes.data);
    }
    tx_arena_deinit(&arena);
}

/* A frame of one message so many times, which no writer need be willing to make. */
static struct tx_bytes repeated(const struct tx_msg *msg, size_t times)
{
    struct tx_envelope envelope = sample_envelope(TX_ROLE_CLIENT);
    struct tx_frame_writer *writer = tx_frame_writer_new(&envelope);
    assert_int_equal(tx_frame_writer_add(writer, msg, TX_MESSAGE_MAX), TX_OK);
    struct tx_bytes one = tx_frame_writer_finish(writer);
    struct tx_encoded encoded = tx_frame_writer_encoded(writer);
    size_t prefix = one.len - encoded.bytes.len;
    uint8_t *data = malloc(prefix + times * encoded.bytes.len);
    assert_non_null(data);
    memcpy(data, one.data, prefix);
    data[prefix - 1] = (uint8_t)times; /* the last byte of the count */
    for (size_t i = 0; i < times; i++) {
        memcpy(data + prefix + i * encoded.bytes.len, encoded.bytes.data, encoded.bytes.len);
    }
    tx_frame_writer_destroy(&writer);
    return tx_bytes(data, prefix + times * encoded.bytes.len);
}

/* Each message of it could stand in a frame, and the frame is as large as a frame may be. */
static void too_many_objects_are_refused(void **state)
{
    (void)state;
    struct tx_op op = {.type = TX_OP_GET, .participant = {"a"}};
    op.space = tx_bytes_str("s");
    op.key = tx_bytes_str("k");
    struct tx_op *many = calloc(TX_OPS_MAX, sizeof *many);
    assert_non_null(many);
    for (size_t i = 0; i < TX_OPS_MAX; i++) {
        many[i] = op;
    }
    struct tx_msg msg = sample_bare(TX_MSG_SUBMIT);
    msg.submit.ops = many;
    msg.submit.ops_n = TX_OPS_MAX;
    struct tx_bytes bytes = repeated(&msg, 2);
    refuse_bytes(bytes, TX_ELIMIT, "objects");
    free((void *)bytes.data);
    struct tx_arena arena = {0};
    struct tx_frame frame;
    bytes = repeated(&msg, 1);
    assert_int_equal(tx_frame_decode(bytes, TX_MESSAGE_MAX, &arena, &frame, NULL), TX_OK);
    tx_arena_deinit(&arena);
    free((void *)bytes.data);
    free(many);
}

static void bytes_behind_the_end_are_refused(void **state)
{
    (void)state;
    struct tx_msg msg = sample_full(TX_MSG_COMMIT);
    struct tx_bytes bytes = repeated(&msg, 2);
    struct tx_arena arena = {0};
    struct tx_frame frame;
    assert_int_equal(tx_frame_decode(bytes, TX_MESSAGE_MAX, &arena, &frame, NULL), TX_OK);
    tx_arena_deinit(&arena);
    uint8_t *longer = calloc(1, bytes.len + 1);
    assert_non_null(longer);
    memcpy(longer, bytes.data, bytes.len);
    refuse_bytes(tx_bytes(longer, bytes.len + 1), TX_EFORMAT, "left over");
    free(longer);
    free((void *)bytes.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_an_earlier_frame_stays),
        cmocka_unit_test(too_many_objects_are_refused),
        cmocka_unit_test(bytes_behind_the_end_are_refused),
        cmocka_unit_test(ids),
        cmocka_unit_test(enums),
        cmocka_unit_test(ops),
        cmocka_unit_test(names_and_texts),
        cmocka_unit_test(members),
        cmocka_unit_test(the_open_ids_of_a_forget),
        cmocka_unit_test(other_lists),
        cmocka_unit_test(envelopes),
        cmocka_unit_test(messages_of_the_wrong_shape),
        cmocka_unit_test(a_prepare_knows_each_member_once),
        cmocka_unit_test(integers_keep_their_width),
        cmocka_unit_test(a_level_that_is_none),
        cmocka_unit_test(a_commit_mode_that_is_none),
        cmocka_unit_test(frames_of_the_wrong_shape),
        cmocka_unit_test(another_version_is_named),
        cmocka_unit_test(other_forms_of_the_same_are_taken),
        cmocka_unit_test(too_long_a_text_is_refused),
        cmocka_unit_test(too_many_messages_are_refused),
        cmocka_unit_test(a_frame_above_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
