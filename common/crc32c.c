/* CRC-32C: the polynomial 0x1edc6f41 in reflected form, initial value and final exclusive-or all
 * ones (RFC 3720, section 12.1). */
#include "common/crc32c.h"

#include "common/assert.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

/* The remainder of each half byte. Two look-ups a byte are slower than the wide tables, but this
 * way is taken only on processors without the instruction, and 64 bytes never crowd a cache. */
static const uint32_t half_byte_table[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t tx_crc32c_table(uint32_t crc, struct tx_bytes bytes)
{
    crc = ~crc;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.data[i];
        crc = (crc >> 4) ^ half_byte_table[crc & 0xf];
        crc = (crc >> 4) ^ half_byte_table[crc & 0xf];
    }
    return ~crc;
}

#if defined(__x86_64__)

bool tx_crc32c_has_hardware(void)
{
    return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) uint32_t tx_crc32c_hardware(uint32_t crc, struct tx_bytes bytes)
{
    const uint8_t *at = bytes.data;
    size_t left = bytes.len;
    uint64_t state = (uint32_t)~crc;
    for (; left >= 8; left -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        state = _mm_crc32_u64(state, word);
    }
    uint32_t rest = (uint32_t)state;
    for (; left > 0; left--, at++) {
        rest = _mm_crc32_u8(rest, *at);
    }
    return ~rest;
}

#else

bool tx_crc32c_has_hardware(void)
{
    return false;
}

uint32_t tx_crc32c_hardware(uint32_t crc, struct tx_bytes bytes)
{
    TX_ASSERT(tx_crc32c_has_hardware());
    return tx_crc32c_table(crc, bytes);
}

#endif

uint32_t tx_crc32c(uint32_t crc, struct tx_bytes bytes)
{
    return tx_crc32c_has_hardware() ? tx_crc32c_hardware(crc, bytes) : tx_crc32c_table(crc, bytes);
}
