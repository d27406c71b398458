/* Frames that are cut, changed or made up. Whatever comes: an error with a text, or messages within
 * every limit; never a crash, and never a read beyond the frame (each lies in a block of exactly
 * its size). */
#include "tests/common/pace.h"
#include "tests/common/test.h"
#include "tests/common/wire_samples.h"

#include <stdlib.h>
#include <string.h>

/* Decodes; what is taken must be writable again, and then decode to the same. */
static enum tx_error decode(struct tx_bytes bytes, struct tx_arena *arena)
{
    struct tx_frame frame;
    struct tx_why why = {{0}};
    enum tx_error error = tx_frame_decode(bytes, TX_MESSAGE_MAX, arena, &frame, &why);
    if (error != TX_OK) {
        assert_true(why.text[0] != '\0');
        assert_true(error == TX_EFORMAT || error == TX_ELIMIT || error == TX_EVERSION);
    }
    for (size_t i = 0; i < frame.messages_n; i++) {
        struct tx_bytes again = sample_frame(&frame.envelope, &frame.messages[i]);
        struct tx_frame copy;
        assert_int_equal(tx_frame_decode(again, TX_MESSAGE_MAX, arena, &copy, NULL), TX_OK);
        assert_same_msg(&copy.messages[0], &frame.messages[i]);
        free((void *)again.data);
    }
    tx_arena_reset(arena);
    return error;
}

static void a_frame_cut_at_any_length_is_an_error(void **state)
{
    (void)state;
    struct tx_arena arena = {0};
    for (unsigned type = 0; type < TX_MSG_TYPES_N; type++) {
        struct tx_envelope envelope = sample_envelope((enum tx_role)(type % TX_ROLES_N));
        struct tx_msg msg = sample_full((enum tx_msg_type)type);
        struct tx_bytes bytes = sample_frame(&envelope, &msg);
        for (size_t len = 0; len < bytes.len; len++) {
            uint8_t *cut = malloc(len > 0 ? len : 1);
            assert_non_null(cut);
            memcpy(cut, bytes.data, len);
            assert_int_equal(decode(tx_bytes(cut, len), &arena), TX_EFORMAT);
            free(cut);
        }
        assert_int_equal(decode(bytes, &arena), TX_OK);
        free((void *)bytes.data);
    }
    tx_arena_deinit(&arena);
}

/* Every byte of a frame of every type in turn becomes what is likely to hurt: other counts, other
 * kinds. */
static void a_frame_with_any_byte_changed_is_an_error_or_valid(void **state)
{
    (void)state;
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0x90, 0x91, 0x9f, 0xa0, 0xbf,
                                     0xc0, 0xc1, 0xc2, 0xc4, 0xc6, 0xc9, 0xcb, 0xcf, 0xd3,
                                     0xd8, 0xdb, 0xdc, 0xdd, 0xdf, 0xe0, 0xff};
    struct tx_arena arena = {0};
    size_t refused = 0;
    size_t taken = 0;
    for (unsigned type = 0; type < TX_MSG_TYPES_N; type++) {
        struct tx_envelope envelope = sample_envelope((enum tx_role)(type % TX_ROLES_N));
        struct tx_msg msg = sample_full((enum tx_msg_type)type);
        struct tx_bytes bytes = sample_frame(&envelope, &msg);
        uint8_t *data = (uint8_t *)bytes.data;
        for (size_t at = 0; at < bytes.len; at++) {
            uint8_t before = data[at];
            for (size_t v = 0; v < sizeof values + 8; v++) {
                unsigned flipped = before ^ (1u << (v % 8));
                data[at] = v < sizeof values ? values[v] : (uint8_t)flipped;
                bool error = decode(bytes, &arena) != TX_OK;
                refused += error;
                taken += !error;
            }
            data[at] = before;
        }
        free(data);
    }
    assert_true(refused > 1000 && taken > 1000); /* the test has seen both */
    tx_arena_deinit(&arena);
}

static uint64_t next_random(uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *random >> 33;
}

/* Pure noise, noise behind a good prefix, and good frames with several bytes changed. */
static void random_frames_are_errors_or_valid(void **state)
{
    (void)state;
    struct tx_arena arena = {0};
    uint64_t random = 20260101;
    unsigned long n = pace_count(100000, 1000);
    for (unsigned i = 0; i < n; i++) {
        enum tx_msg_type type = (enum tx_msg_type)(next_random(&random) % TX_MSG_TYPES_N);
        struct tx_envelope envelope = sample_envelope((enum tx_role)(i % TX_ROLES_N));
        struct tx_msg msg = sample_bare(type);
        struct tx_bytes bytes = sample_frame(&envelope, &msg);
        uint8_t *data = (uint8_t *)bytes.data;
        size_t from = i % 3 == 0 ? 0 : next_random(&random) % bytes.len;
        size_t changes = i % 3 == 2 ? 1 + next_random(&random) % 4 : bytes.len - from;
        for (size_t c = 0; c < changes; c++) {
            size_t at = i % 3 == 2 ? next_random(&random) % bytes.len : from + c;
            data[at] = (uint8_t)next_random(&random);
        }
        (void)decode(bytes, &arena);
        free(data);
    }
    tx_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_cut_at_any_length_is_an_error),
        cmocka_unit_test(a_frame_with_any_byte_changed_is_an_error_or_valid),
        cmocka_unit_test(random_frames_are_errors_or_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
