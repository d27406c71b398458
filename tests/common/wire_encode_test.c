/* Frames as they are written: every message there and back, and the limits of a frame. */
#include "tests/common/test.h"
#include "tests/common/wire_samples.h"

#include <stdlib.h>
#include <string.h>

static const enum tx_role every_role[] = {TX_ROLE_CLIENT, TX_ROLE_COORDINATOR, TX_ROLE_PARTICIPANT};

static struct tx_frame decode(struct tx_bytes bytes, struct tx_arena *arena)
{
    struct tx_frame frame;
    struct tx_why why = {{0}};
    enum tx_error error = tx_frame_decode(bytes, TX_MESSAGE_MAX, arena, &frame, &why);
    assert_string_equal(why.text, "");
    assert_int_equal(error, TX_OK);
    return frame;
}

static void there_and_back(const struct tx_envelope *envelope, const struct tx_msg *msg)
{
    struct tx_arena arena = {0};
    struct tx_bytes bytes = sample_frame(envelope, msg);
    struct tx_frame frame = decode(bytes, &arena);
    assert_same_envelope(&frame.envelope, envelope);
    assert_int_equal(frame.messages_n, 1);
    assert_same_msg(&frame.messages[0], msg);
    tx_arena_deinit(&arena);
    free((void *)bytes.data);
}

static void every_message_survives_full_and_bare(void **state)
{
    (void)state;
    for (unsigned type = 0; type < TX_MSG_TYPES_N; type++) {
        for (size_t i = 0; i < 3; i++) {
            struct tx_envelope envelope = sample_envelope(every_role[i]);
            struct tx_msg full = sample_full((enum tx_msg_type)type);
            struct tx_msg bare = sample_bare((enum tx_msg_type)type);
            there_and_back(&envelope, &full);
            there_and_back(&envelope, &bare);
        }
    }
}

static void every_enum_value_survives(void **state)
{
    (void)state;
    struct tx_envelope envelope = sample_envelope(TX_ROLE_PARTICIPANT);
    struct tx_msg msg = sample_bare(TX_MSG_VOTE);
    for (unsigned i = 0; i < TX_VOTES_N; i++) {
        msg.vote.vote = (enum tx_vote)i;
        there_and_back(&envelope, &msg);
    }
    msg = sample_bare(TX_MSG_ERROR);
    for (unsigned i = 0; i < TX_ERRORS_N; i++) {
        msg.error.error = (enum tx_error)i;
        there_and_back(&envelope, &msg);
    }
    msg = sample_bare(TX_MSG_ABORT);
    for (unsigned i = 0; i < TX_REASONS_N; i++) {
        msg.abort.reason = (enum tx_reason)i;
        there_and_back(&envelope, &msg);
    }
    msg = sample_bare(TX_MSG_STATE);
    for (unsigned i = 0; i < TX_STATES_N; i++) {
        msg.state.state = (enum tx_state)i;
        there_and_back(&envelope, &msg);
    }
}

/* Integers around every change of their encoded width. */
static void every_width_of_integer_survives(void **state)
{
    (void)state;
    struct tx_envelope envelope = sample_envelope(TX_ROLE_CLIENT);
    struct tx_op op = {.type = TX_OP_ADD, .space = tx_bytes_str("s"), .key = tx_bytes_str("k")};
    struct tx_msg msg = sample_bare(TX_MSG_OPERATE);
    msg.operate.ops = &op;
    msg.operate.ops_n = 1;
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int off = -1; off <= 1; off++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)(int64_t)off;
            msg.operate.req = value;
            op.delta = (int64_t)value;
            there_and_back(&envelope, &msg);
            op.delta = (int64_t)(0 - value);
            there_and_back(&envelope, &msg);
        }
    }
}

static void the_largest_of_everything_survives(void **state)
{
    (void)state;
    struct tx_envelope envelope = sample_envelope(TX_ROLE_PARTICIPANT);
    memset(envelope.cluster, 'c', TX_CLUSTER_MAX);
    memset(envelope.name.s, 'n', TX_NAME_MAX);
    memset(envelope.address.s, 'a', TX_ADDRESS_MAX);
    uint8_t *bytes = calloc(1, TX_VALUE_MAX);
    assert_non_null(bytes);
    struct tx_op op = {.type = TX_OP_PUT,
                       .participant = envelope.name,
                       .space = tx_bytes(bytes, TX_SPACE_MAX),
                       .key = tx_bytes(bytes, TX_KEY_MAX),
                       .value = tx_bytes(bytes, TX_VALUE_MAX)};
    struct tx_msg msg = sample_full(TX_MSG_SUBMIT);
    msg.submit.key = tx_bytes(bytes, TX_IDEMPOTENCY_KEY_MAX);
    msg.submit.ops = &op;
    msg.submit.ops_n = 1;
    there_and_back(&envelope, &msg);
    msg = sample_full(TX_MSG_ERROR);
    msg.error.text = tx_bytes(bytes, TX_TEXT_MAX);
    there_and_back(&envelope, &msg);
    free(bytes);
}

static void a_longer_text_arrives_cut(void **state)
{
    (void)state;
    static const uint8_t longer[TX_TEXT_MAX + 100];
    struct tx_envelope envelope = sample_envelope(TX_ROLE_PARTICIPANT);
    struct tx_msg msg = sample_full(TX_MSG_VOTE);
    msg.vote.text = tx_bytes(longer, sizeof longer);
    struct tx_arena arena = {0};
    struct tx_bytes bytes = sample_frame(&envelope, &msg);
    struct tx_frame frame = decode(bytes, &arena);
    assert_int_equal(frame.messages[0].vote.text.len, TX_TEXT_MAX);
    msg.vote.text.len = TX_TEXT_MAX;
    assert_same_msg(&frame.messages[0], &msg);
    tx_arena_deinit(&arena);
    free((void *)bytes.data);
}

static void the_longest_lists_survive(void **state)
{
    (void)state;
    struct tx_envelope envelope = sample_envelope(TX_ROLE_COORDINATOR);
    struct tx_member *nodes = calloc(TX_NODES_MAX, sizeof *nodes);
    struct tx_op *ops = calloc(TX_OPS_MAX, sizeof *ops);
    uint64_t *open = calloc(TX_OPEN_IDS_MAX, sizeof *open);
    struct tx_position *known = calloc(TX_MEMBERS_MAX, sizeof *known);
    assert_true(nodes != NULL && ops != NULL && open != NULL && known != NULL);
    for (size_t i = 0; i < TX_NODES_MAX; i++) {
        nodes[i] = (struct tx_member){.name = {"n"}, .incarnation = i};
    }
    for (size_t i = 0; i < TX_OPS_MAX; i++) {
        ops[i] = (struct tx_op){
            .type = TX_OP_GET, .space = tx_bytes_str("s"), .key = tx_bytes_str("key")};
    }
    for (size_t i = 0; i < TX_OPEN_IDS_MAX; i++) {
        open[i] = i + 1;
    }
    for (size_t i = 0; i < TX_MEMBERS_MAX; i++) {
        known[i] = (struct tx_position){UINT64_MAX - i, UINT64_MAX, {UINT64_MAX}};
    }
    struct tx_msg msg = sample_full(TX_MSG_PREPARE);
    msg.prepare.members = nodes;
    msg.prepare.members_n = TX_MEMBERS_MAX;
    msg.prepare.known = known;
    msg.prepare.ops = ops;
    msg.prepare.ops_n = TX_OPS_MAX;
    there_and_back(&envelope, &msg);
    msg = sample_full(TX_MSG_BEGUN);
    msg.begun.nodes = nodes;
    msg.begun.nodes_n = TX_NODES_MAX;
    there_and_back(&envelope, &msg);
    msg = sample_full(TX_MSG_FORGET);
    msg.forget.open = open;
    msg.forget.open_n = TX_OPEN_IDS_MAX;
    there_and_back(&envelope, &msg);
    free(nodes);
    free(ops);
    free(open);
    free(known);
}

static void a_frame_of_all_messages_keeps_their_order(void **state)
{
    (void)state;
    struct tx_envelope envelope = sample_envelope(TX_ROLE_COORDINATOR);
    struct tx_frame_writer *writer = tx_frame_writer_new(&envelope);
    struct tx_arena arena = {0};
    assert_non_null(writer);
    for (int round = 0; round < 3; round++) { /* a writer is used again after a clear */
        assert_int_equal(tx_frame_writer_count(writer), 0);
        for (unsigned type = 0; type < TX_MSG_TYPES_N; type++) {
            struct tx_msg msg = sample_full((enum tx_msg_type)type);
            assert_int_equal(tx_frame_writer_add(writer, &msg, TX_MESSAGE_MAX), TX_OK);
        }
        assert_int_equal(tx_frame_writer_count(writer), TX_MSG_TYPES_N);
        struct tx_frame frame = decode(tx_frame_writer_finish(writer), &arena);
        assert_int_equal(frame.messages_n, TX_MSG_TYPES_N);
        for (unsigned type = 0; type < TX_MSG_TYPES_N; type++) {
            struct tx_msg msg = sample_full((enum tx_msg_type)type);
            assert_same_msg(&frame.messages[type], &msg);
        }
        tx_frame_writer_clear(writer);
        tx_arena_reset(&arena);
    }
    struct tx_frame empty = decode(tx_frame_writer_finish(writer), &arena);
    assert_int_equal(empty.messages_n, 0);
    assert_same_envelope(&empty.envelope, &envelope);
    tx_arena_deinit(&arena);
    tx_frame_writer_destroy(&writer);
    assert_null(writer);
    tx_frame_writer_destroy(&writer);
}

/* A frame says what its sender has taken when it leaves; its messages may have been added before.
 */
static void a_frame_carries_the_cut_of_its_departure(void **state)
{
    (void)state;
    static const uint64_t cuts[] = {0, 1, 127, 128, UINT32_MAX, UINT64_MAX, 3};
    struct tx_envelope envelope = sample_envelope(TX_ROLE_PARTICIPANT);
    struct tx_frame_writer *writer = tx_frame_writer_new(&envelope);
    struct tx_msg msg = sample_full(TX_MSG_VOTE);
    struct tx_arena arena = {0};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        assert_int_equal(tx_frame_writer_add(writer, &msg, TX_MESSAGE_MAX), TX_OK);
        tx_frame_writer_set_cut(writer, cuts[i]);
        envelope.cut = cuts[i];
        struct tx_frame frame = decode(tx_frame_writer_finish(writer), &arena);
        assert_same_envelope(&frame.envelope, &envelope);
        assert_int_equal(frame.messages_n, 1);
        assert_same_msg(&frame.messages[0], &msg);
        tx_frame_writer_clear(writer); /* which leaves the cut as it is */
    }
    tx_arena_deinit(&arena);
    tx_frame_writer_destroy(&writer);
}

/* What does not fit leaves the frame as it was, to the byte. */
static void a_full_frame_stays_as_it_was(void **state)
{
    (void)state;
    struct tx_envelope envelope = sample_envelope(TX_ROLE_COORDINATOR);
    struct tx_frame_writer *writer = tx_frame_writer_new(&envelope);
    struct tx_msg small = sample_full(TX_MSG_COMMIT);
    struct tx_msg large = sample_full(TX_MSG_PREPARE);
    assert_int_equal(tx_frame_writer_add(writer, &small, TX_MESSAGE_MAX), TX_OK);
    struct tx_bytes view = tx_frame_writer_finish(writer);
    struct tx_arena arena = {0};
    struct tx_bytes before = tx_arena_copy(&arena, view);
    for (size_t max = 0; max < before.len + 300; max++) {
        assert_int_equal(tx_frame_writer_add(writer, &large, max), TX_ELIMIT);
        assert_int_equal(tx_frame_writer_count(writer), 1);
        assert_true(tx_bytes_equal(tx_frame_writer_finish(writer), before));
    }
    assert_int_equal(tx_frame_writer_add(writer, &small, TX_MESSAGE_MAX), TX_OK);
    size_t len = tx_frame_writer_finish(writer).len;
    assert_true(len > before.len);
    /* The limit is the last length that fits, not the first that does not. */
    tx_frame_writer_clear(writer);
    assert_int_equal(tx_frame_writer_add(writer, &small, before.len - 1), TX_ELIMIT);
    assert_int_equal(tx_frame_writer_count(writer), 0);
    assert_int_equal(tx_frame_writer_add(writer, &small, before.len), TX_OK);
    tx_arena_deinit(&arena);
    tx_frame_writer_destroy(&writer);
}

/* Gigabytes of values are refused at the first one that does not fit; nothing like it
 * is allocated. */
static void a_message_far_beyond_the_limit_costs_little(void **state)
{
    (void)state;
    struct tx_envelope envelope = sample_envelope(TX_ROLE_CLIENT);
    struct tx_frame_writer *writer = tx_frame_writer_new(&envelope);
    uint8_t *value = calloc(1, TX_VALUE_MAX);
    struct tx_op *ops = calloc(TX_OPS_MAX, sizeof *ops);
    assert_true(value != NULL && ops != NULL);
    for (size_t i = 0; i < TX_OPS_MAX; i++) {
        ops[i] = (struct tx_op){.type = TX_OP_PUT,
                                .participant = {"a"},
                                .space = tx_bytes_str("s"),
                                .key = tx_bytes_str("k"),
                                .value = tx_bytes(value, TX_VALUE_MAX)};
    }
    struct tx_msg msg = sample_full(TX_MSG_SUBMIT);
    msg.submit.ops = ops;
    msg.submit.ops_n = TX_OPS_MAX;
    assert_int_equal(tx_frame_writer_add(writer, &msg, TX_MESSAGE_MAX), TX_ELIMIT);
    msg.submit.ops_n = 1;
    assert_int_equal(tx_frame_writer_add(writer, &msg, TX_MESSAGE_MAX), TX_OK);
    free(value);
    free(ops);
    tx_frame_writer_destroy(&writer);
}

/* A writer never makes a frame that a receiver would refuse: it stops at both of its counts. */
static void messages_and_objects_of_a_frame_are_bounded(void **state)
{
    (void)state;
    const size_t frame_max = 64 * TX_MESSAGE_MAX;
    static const enum tx_msg_type types[] = {TX_MSG_COMMIT, TX_MSG_STATUS};
    struct tx_envelope envelope = sample_envelope(TX_ROLE_COORDINATOR);
    struct tx_arena arena = {0};
    for (size_t i = 0; i < 2; i++) {
        struct tx_frame_writer *writer = tx_frame_writer_new(&envelope);
        struct tx_msg msg = sample_full(types[i]);
        size_t added = 0;
        while (tx_frame_writer_add(writer, &msg, frame_max) == TX_OK) {
            added++;
        }
        assert_int_equal(tx_frame_writer_count(writer), added);
        assert_int_equal(added == TX_FRAME_MESSAGES_MAX, types[i] == TX_MSG_COMMIT);
        struct tx_frame frame;
        struct tx_bytes bytes = tx_frame_writer_finish(writer);
        assert_int_equal(tx_frame_decode(bytes, frame_max, &arena, &frame, NULL), TX_OK);
        assert_int_equal(frame.messages_n, added);
        tx_frame_writer_destroy(&writer);
    }
    tx_arena_deinit(&arena);
}

/* What was encoded once makes the same frames as if it were encoded each time, within the same
 * limits. */
static void an_encoded_message_may_travel_again(void **state)
{
    (void)state;
    struct tx_envelope envelope = sample_envelope(TX_ROLE_CLIENT);
    struct tx_frame_writer *single = tx_frame_writer_new(&envelope);
    struct tx_frame_writer *direct = tx_frame_writer_new(&envelope);
    struct tx_frame_writer *again = tx_frame_writer_new(&envelope);
    for (unsigned type = 0; type < TX_MSG_TYPES_N; type++) {
        struct tx_msg msg = sample_full((enum tx_msg_type)type);
        tx_frame_writer_clear(single);
        assert_int_equal(tx_frame_writer_add(single, &msg, TX_MESSAGE_MAX), TX_OK);
        assert_int_equal(tx_frame_writer_add(direct, &msg, TX_MESSAGE_MAX), TX_OK);
        struct tx_encoded encoded = tx_frame_writer_encoded(single);
        assert_int_equal(tx_frame_writer_add_encoded(again, encoded, TX_MESSAGE_MAX), TX_OK);
        struct tx_bytes before = tx_frame_writer_finish(again);
        /* It fits exactly, or not at all. */
        assert_int_equal(
            tx_frame_writer_add_encoded(again, encoded, before.len + encoded.bytes.len - 1),
            TX_ELIMIT);
        assert_int_equal(tx_frame_writer_count(again), type + 1);
    }
    struct tx_bytes one = tx_frame_writer_finish(direct);
    struct tx_bytes other = tx_frame_writer_finish(again);
    assert_int_equal(one.len, other.len);
    assert_memory_equal(one.data, other.data, one.len);
    /* Its objects count: as many fit as of those that are encoded there. */
    struct tx_encoded encoded = tx_frame_writer_encoded(single);
    encoded.objects = TX_FRAME_OBJECTS_MAX / 3;
    tx_frame_writer_clear(again);
    assert_int_equal(tx_frame_writer_add_encoded(again, encoded, TX_MESSAGE_MAX), TX_OK);
    assert_int_equal(tx_frame_writer_add_encoded(again, encoded, TX_MESSAGE_MAX), TX_OK);
    assert_int_equal(tx_frame_writer_add_encoded(again, encoded, TX_MESSAGE_MAX), TX_ELIMIT);
    tx_frame_writer_destroy(&single);
    tx_frame_writer_destroy(&direct);
    tx_frame_writer_destroy(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_survives_full_and_bare),
        cmocka_unit_test(every_enum_value_survives),
        cmocka_unit_test(every_width_of_integer_survives),
        cmocka_unit_test(the_largest_of_everything_survives),
        cmocka_unit_test(a_longer_text_arrives_cut),
        cmocka_unit_test(the_longest_lists_survive),
        cmocka_unit_test(a_frame_of_all_messages_keeps_their_order),
        cmocka_unit_test(a_frame_carries_the_cut_of_its_departure),
        cmocka_unit_test(a_full_frame_stays_as_it_was),
        cmocka_unit_test(a_message_far_beyond_the_limit_costs_little),
        cmocka_unit_test(messages_and_objects_of_a_frame_are_bounded),
        cmocka_unit_test(an_encoded_message_may_travel_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
