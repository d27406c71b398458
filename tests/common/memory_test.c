/* Every allocation of buffer, arena, writer and decoder fails in turn, until a run passes clean. */
#include "tests/common/test.h"
#include "tests/common/wire_samples.h"
#include "tests/failing_memory.h"

/* All messages into one frame. TX_ENOMEM also stands for a writer that could not be made. */
static enum tx_error write_all(const struct tx_envelope *envelope, struct tx_frame_writer **writer)
{
    *writer = tx_frame_writer_new(envelope);
    enum tx_error error = *writer != NULL ? TX_OK : TX_ENOMEM;
    for (unsigned type = 0; type < TX_MSG_TYPES_N && error == TX_OK; type++) {
        struct tx_msg msg = sample_full((enum tx_msg_type)type);
        error = tx_frame_writer_add(*writer, &msg, TX_MESSAGE_MAX);
    }
    return error;
}

static void a_writer_without_memory_says_so(void **state)
{
    (void)state;
    struct tx_envelope envelope = sample_envelope(TX_ROLE_COORDINATOR);
    enum tx_error error = TX_ENOMEM;
    unsigned long n = 0;
    while (error == TX_ENOMEM) {
        struct tx_frame_writer *writer = NULL;
        failing_memory_arm(++n, FAILING_ONWARD);
        error = write_all(&envelope, &writer);
        (void)failing_memory_set(false);
        assert_int_equal(error == TX_ENOMEM, failing_memory_failures() > 0);
        if (writer != NULL && error == TX_ENOMEM) {
            /* What had been added is whole, and with memory again the writer goes on. */
            struct tx_msg msg = sample_full(TX_MSG_PREPARE);
            size_t count = tx_frame_writer_count(writer);
            assert_int_equal(tx_frame_writer_add(writer, &msg, TX_MESSAGE_MAX), TX_OK);
            struct tx_arena arena = {0};
            struct tx_frame frame;
            assert_int_equal(tx_frame_decode(tx_frame_writer_finish(writer), TX_MESSAGE_MAX, &arena,
                                             &frame, NULL),
                             TX_OK);
            assert_int_equal(frame.messages_n, count + 1);
            tx_arena_deinit(&arena);
        }
        tx_frame_writer_destroy(&writer);
    }
    assert_int_equal(error, TX_OK);
    assert_true(n > 2);
}

static void a_decoder_without_memory_says_so(void **state)
{
    (void)state;
    struct tx_envelope envelope = sample_envelope(TX_ROLE_COORDINATOR);
    struct tx_frame_writer *writer = NULL;
    assert_int_equal(write_all(&envelope, &writer), TX_OK);
    enum tx_error error = TX_ENOMEM;
    unsigned long n = 0;
    while (error == TX_ENOMEM) {
        struct tx_arena arena = {0};
        struct tx_frame frame;
        struct tx_why why = {{0}};
        failing_memory_arm(++n, FAILING_ONWARD);
        error =
            tx_frame_decode(tx_frame_writer_finish(writer), TX_MESSAGE_MAX, &arena, &frame, &why);
        (void)failing_memory_set(false);
        assert_int_equal(error == TX_ENOMEM, failing_memory_failures() > 0);
        assert_int_equal(frame.messages_n, error == TX_OK ? TX_MSG_TYPES_N : 0);
        assert_int_equal(why.text[0] != '\0', error != TX_OK);
        tx_arena_deinit(&arena);
    }
    assert_int_equal(error, TX_OK);
    assert_true(n > 2);
    tx_frame_writer_destroy(&writer);
}

static void a_buffer_without_memory_keeps_what_it_has(void **state)
{
    (void)state;
    struct tx_buf buf = {0};
    tx_buf_u32(&buf, 7);
    size_t room = buf.capacity - buf.len;
    failing_memory_arm(1, FAILING_ONWARD);
    for (size_t i = 0; i < room + 5; i++) {
        tx_buf_u8(&buf, 1);
    }
    (void)failing_memory_set(false);
    assert_true(buf.failed);
    assert_int_equal(failing_memory_failures(), 1); /* it does not try again and again */
    assert_int_equal(buf.len, 4 + room);
    tx_buf_u8(&buf, 1);
    assert_int_equal(buf.len, 4 + room);
    assert_int_equal(buf.data[0], 7);
    tx_buf_clear(&buf);
    tx_buf_append(&buf, tx_bytes("again", 5));
    assert_false(buf.failed);
    tx_buf_deinit(&buf);
}

/* A blob is whole or not there: its length never stands alone. */
static void a_blob_without_memory_leaves_nothing(void **state)
{
    (void)state;
    struct tx_buf buf = {0};
    tx_buf_u32(&buf, 7);
    uint8_t blob[1024] = {0};
    failing_memory_arm(1, FAILING_ONWARD);
    tx_buf_blob(&buf, tx_bytes(blob, sizeof blob));
    (void)failing_memory_set(false);
    assert_true(buf.failed);
    assert_int_equal(buf.len, 4);
    tx_buf_deinit(&buf);
}

static void an_arena_without_memory_gives_null(void **state)
{
    (void)state;
    struct tx_arena arena = {0};
    failing_memory_arm(1, FAILING_ONWARD);
    void *memory = tx_arena_alloc(&arena, 1, 8);
    struct tx_bytes copy = tx_arena_copy(&arena, tx_bytes("text", 4));
    (void)failing_memory_set(false);
    assert_null(memory);
    assert_null(copy.data);
    assert_int_equal(copy.len, 0);
    memory = tx_arena_alloc(&arena, 1, 8);
    assert_non_null(memory);
    tx_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_writer_without_memory_says_so),
        cmocka_unit_test(a_decoder_without_memory_says_so),
        cmocka_unit_test(a_buffer_without_memory_keeps_what_it_has),
        cmocka_unit_test(a_blob_without_memory_leaves_nothing),
        cmocka_unit_test(an_arena_without_memory_gives_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
