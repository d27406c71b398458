#include "tests/common/test.h"

#include "common/outbox.h"

static const struct tx_envelope envelope = {.cluster = "c", .role = TX_ROLE_CLIENT};

static struct tx_msg status_request(uint64_t req)
{
    return (struct tx_msg){.type = TX_MSG_STATUS_REQUEST, .status_request = {.req = req}};
}

static void test_frame_holds_what_was_added(void **state)
{
    struct tx_arena arena = {NULL};
    struct outbox box = {0};
    struct tx_frame frame;
    struct tx_why why;

    (void)state;
    assert_int_equal(outbox_count(&box), 0);
    for (uint64_t round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 10; i++) {
            const struct tx_msg msg = status_request(round * 10 + i);

            assert_int_equal(outbox_add(&box, &envelope, &msg, 4096), TX_OK);
        }
        assert_int_equal(outbox_count(&box), 10);
        why.text[0] = '\0';
        if (tx_frame_decode(outbox_frame(&box, 0), 4096, &arena, &frame, &why) != TX_OK) {
            fail_msg("%s", why.text);
        }
        assert_int_equal(frame.messages_n, 10);
        assert_int_equal(frame.messages[9].status_request.req, round * 10 + 9);
        outbox_clear(&box);
        assert_int_equal(outbox_count(&box), 0);
        tx_arena_reset(&arena);
    }
    tx_arena_deinit(&arena);
    outbox_deinit(&box);
}

static void test_large_memory_is_given_back(void **state)
{
    static uint8_t value[100 * 1024];
    const struct tx_result result = {.found = true, .value = {value, sizeof(value)}};
    const struct tx_msg big = {.type = TX_MSG_OPERATED,
                               .operated = {.results = &result, .results_n = 1}};
    const struct tx_msg small = status_request(1);
    struct outbox box = {0};

    (void)state;
    assert_int_equal(outbox_add(&box, &envelope, &small, 1 << 20), TX_OK);
    outbox_clear(&box);
    assert_non_null(box.writer);
    assert_int_equal(outbox_add(&box, &envelope, &big, 1 << 20), TX_OK);
    outbox_clear(&box);
    assert_null(box.writer);
    outbox_deinit(&box);
}

static void test_clients(void **state)
{
    static struct outbox_clients clients;
    struct outbox *boxes[OUTBOX_CLIENTS_MAX];

    (void)state;
    for (int round = 0; round < 3; round++) {
        /* Numbers that collide in the low bits as well as ones in a row. */
        for (unsigned i = 0; i < OUTBOX_CLIENTS_MAX; i++) {
            const uint64_t number = i % 2 != 0 ? i : (uint64_t)(i + 1) << 20;

            boxes[i] = outbox_clients_get(&clients, number);
            assert_non_null(boxes[i]);
            assert_int_equal(clients.numbers[boxes[i] - clients.boxes], number);
            assert_ptr_equal(outbox_clients_get(&clients, number), boxes[i]);
        }
        assert_int_equal(clients.n, OUTBOX_CLIENTS_MAX);
        assert_null(outbox_clients_get(&clients, UINT64_MAX));
        assert_ptr_equal(outbox_clients_get(&clients, 1), boxes[1]);
        outbox_clients_clear(&clients);
        for (unsigned i = 0; i < OUTBOX_SLOTS; i++) {
            assert_int_equal(clients.slots[i], 0);
        }
    }
    outbox_clients_deinit(&clients);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_holds_what_was_added),
        cmocka_unit_test(test_large_memory_is_given_back),
        cmocka_unit_test(test_clients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
