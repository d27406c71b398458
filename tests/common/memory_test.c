/* Every allocation of buffer, arena, writer and decoder fails in turn, until a run passes clean. */
#include "tests/common/test.h"
#include "tests/common/wire_samples.h"

#include <stdlib.h>

/* The names that the linker's --wrap option gives. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool armed;
static size_t until_failure;
static size_t failures;

static bool fails_now(void)
{
    if (!armed) {
        return false;
    }
    if (until_failure > 0) {
        until_failure--;
        return false;
    }
    failures++;
    return true; /* and from now on every one */
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails_now() ? NULL : __real_realloc(old, size);
}

static void arm(size_t allocation)
{
    armed = true;
    until_failure = allocation;
    failures = 0;
}

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
    size_t allocation = 0;
    for (; error == TX_ENOMEM; allocation++) {
        struct tx_frame_writer *writer = NULL;
        arm(allocation);
        error = write_all(&envelope, &writer);
        armed = false;
        assert_int_equal(error == TX_ENOMEM, failures > 0);
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
    assert_true(allocation > 2);
}

static void a_decoder_without_memory_says_so(void **state)
{
    (void)state;
    struct tx_envelope envelope = sample_envelope(TX_ROLE_COORDINATOR);
    struct tx_frame_writer *writer = NULL;
    assert_int_equal(write_all(&envelope, &writer), TX_OK);
    enum tx_error error = TX_ENOMEM;
    size_t allocation = 0;
    for (; error == TX_ENOMEM; allocation++) {
        struct tx_arena arena = {0};
        struct tx_frame frame;
        struct tx_why why = {{0}};
        arm(allocation);
        error =
            tx_frame_decode(tx_frame_writer_finish(writer), TX_MESSAGE_MAX, &arena, &frame, &why);
        armed = false;
        assert_int_equal(error == TX_ENOMEM, failures > 0);
        assert_int_equal(frame.messages_n, error == TX_OK ? TX_MSG_TYPES_N : 0);
        assert_int_equal(why.text[0] != '\0', error != TX_OK);
        tx_arena_deinit(&arena);
    }
    assert_int_equal(error, TX_OK);
    assert_true(allocation > 2);
    tx_frame_writer_destroy(&writer);
}

static void a_buffer_without_memory_keeps_what_it_has(void **state)
{
    (void)state;
    struct tx_buf buf = {0};
    tx_buf_u32(&buf, 7);
    size_t room = buf.capacity - buf.len;
    arm(0);
    for (size_t i = 0; i < room + 5; i++) {
        tx_buf_u8(&buf, 1);
    }
    armed = false;
    assert_true(buf.failed);
    assert_int_equal(failures, 1); /* it does not try again and again */
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
    arm(0);
    tx_buf_blob(&buf, tx_bytes(blob, sizeof blob));
    armed = false;
    assert_true(buf.failed);
    assert_int_equal(buf.len, 4);
    tx_buf_deinit(&buf);
}

static void an_arena_without_memory_gives_null(void **state)
{
    (void)state;
    struct tx_arena arena = {0};
    arm(0);
    void *memory = tx_arena_alloc(&arena, 1, 8);
    struct tx_bytes copy = tx_arena_copy(&arena, tx_bytes("text", 4));
    armed = false;
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
