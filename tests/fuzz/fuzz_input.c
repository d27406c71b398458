#include "fuzz_input.h"

#include "common/assert.h"

bool fuzz_input_ended(const struct fuzz_input *in)
{
    return in->at >= in->bytes.len;
}

uint8_t fuzz_u8(struct fuzz_input *in)
{
    return fuzz_input_ended(in) ? 0 : in->bytes.data[in->at++];
}

unsigned fuzz_below(struct fuzz_input *in, unsigned n)
{
    TX_ASSERT(n >= 1 && n <= 256);
    return fuzz_u8(in) % n;
}

bool fuzz_rarely(struct fuzz_input *in, unsigned n)
{
    return fuzz_below(in, n) == n - 1;
}

struct tx_bytes fuzz_blob(struct fuzz_input *in)
{
    size_t len = fuzz_u8(in);
    len |= (size_t)fuzz_u8(in) << 8;
    size_t left = in->bytes.len - in->at;
    len = len < left ? len : left;
    struct tx_bytes blob = tx_bytes(len > 0 ? in->bytes.data + in->at : NULL, len);
    in->at += len;
    return blob;
}

uint64_t fuzz_near(struct fuzz_input *in, uint64_t usual)
{
    static const uint64_t edges[] = {
        0, 1, UINT32_MAX, UINT64_C(1) << 62, INT64_MAX, UINT64_MAX - 1, UINT64_MAX};
    uint8_t choice = fuzz_u8(in);
    if (choice < 192)
        return usual;
    if (choice < 224)
        return usual + (choice & 7u);
    if (choice < 249)
        return usual - (choice & 7u);
    return edges[choice - 249];
}

uint64_t fuzz_duration_us(struct fuzz_input *in)
{
    uint8_t choice = fuzz_u8(in);
    return (uint64_t)(choice & 7u) << (choice >> 3);
}
