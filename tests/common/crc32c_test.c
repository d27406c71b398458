/* Both ways to a CRC-32C, against the published vectors and against each other. */
#include "common/crc32c.h"

#include "tests/common/test.h"

#include <string.h>

typedef uint32_t crc_function(uint32_t crc, struct tx_bytes bytes);

/* The check value of the catalogues, and the vectors of RFC 3720, appendix B.4. */
static void check_vectors(crc_function *crc)
{
    uint8_t bytes[32];
    assert_int_equal(crc(0, tx_bytes_str("123456789")), 0xe3069283);
    assert_int_equal(crc(0, tx_bytes(NULL, 0)), 0);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crc(0, tx_bytes(bytes, sizeof bytes)), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc(0, tx_bytes(bytes, sizeof bytes)), 0x62a8ab43);
    for (uint8_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = i;
    }
    assert_int_equal(crc(0, tx_bytes(bytes, sizeof bytes)), 0x46dd794e);
    for (uint8_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(31 - i);
    }
    assert_int_equal(crc(0, tx_bytes(bytes, sizeof bytes)), 0x113fdb5c);
}

/* In two pieces at any place, it is as in one. */
static void check_continuation(crc_function *crc)
{
    const char *text = "a record of a log, longer than one machine word";
    struct tx_bytes all = tx_bytes_str(text);
    for (size_t cut = 0; cut <= all.len; cut++) {
        uint32_t first = crc(0, tx_bytes(text, cut));
        assert_int_equal(crc(first, tx_bytes(text + cut, all.len - cut)), crc(0, all));
    }
}

static void the_table_is_right(void **state)
{
    (void)state;
    check_vectors(tx_crc32c_table);
    check_continuation(tx_crc32c_table);
}

static void the_instruction_is_right(void **state)
{
    (void)state;
    if (!tx_crc32c_has_hardware()) {
        skip();
    }
    check_vectors(tx_crc32c_hardware);
    check_continuation(tx_crc32c_hardware);
}

static void both_agree_on_every_length_and_alignment(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * i + 7 * i);
    }
    for (size_t start = 0; start < 9; start++) {
        for (size_t len = 0; len + start <= sizeof bytes; len++) {
            struct tx_bytes view = tx_bytes(bytes + start, len);
            assert_int_equal(tx_crc32c(0x12345678, view), tx_crc32c_table(0x12345678, view));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_right),
        cmocka_unit_test(the_instruction_is_right),
        cmocka_unit_test(both_agree_on_every_length_and_alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
