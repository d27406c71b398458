/* Identities: comparing, hashing, printing and parsing them. */
#include "common/ids.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int tx_id_compare(struct tx_id a, struct tx_id b)
{
    int order = compare_u64(a.coordinator, b.coordinator);
    if (order == 0) {
        order = compare_u64(a.epoch, b.epoch);
    }
    return order != 0 ? order : compare_u64(a.seq, b.seq);
}

uint64_t tx_id_hash(struct tx_id id)
{
    /* The fields as they are: a struct's padding has no business in a hash. */
    uint64_t fields[2] = {id.seq, id.epoch};
    uint64_t seed = id.coordinator;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    fields[0] = __builtin_bswap64(fields[0]);
    fields[1] = __builtin_bswap64(fields[1]);
#endif
    return tx_bytes_hash(tx_bytes(fields, sizeof fields), seed);
}

const char *tx_id_print(struct tx_id id, char out[TX_ID_TEXT])
{
    (void)snprintf(out, TX_ID_TEXT, "%" PRIu32 "-%" PRIu64 "-%" PRIu64, id.coordinator, id.epoch,
                   id.seq);
    return out;
}

/* A decimal number from 1 without leading zeros, ended by `end`; moves `at` behind that end. */
static bool parse_positive(const char **at, char end, uint64_t *value)
{
    const char *s = *at;
    if (*s < '1' || *s > '9') {
        return false;
    }
    uint64_t number = 0;
    for (; *s >= '0' && *s <= '9'; s++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*s - '0'), &number)) {
            return false;
        }
    }
    if (*s != end) {
        return false;
    }
    *at = s + 1;
    *value = number;
    return true;
}

enum tx_error tx_id_parse(const char *text, struct tx_id *id)
{
    uint64_t coordinator;
    uint64_t epoch;
    uint64_t seq;
    if (!parse_positive(&text, '-', &coordinator) || !parse_positive(&text, '-', &epoch) ||
        !parse_positive(&text, '\0', &seq) || coordinator > TX_COORDINATOR_ID_MAX) {
        return TX_EFORMAT;
    }
    *id = (struct tx_id){.coordinator = (uint32_t)coordinator, .epoch = epoch, .seq = seq};
    return TX_OK;
}

int tx_age_compare(struct tx_age a, struct tx_age b)
{
    int order = compare_u64(a.counter, b.counter);
    return order != 0 ? order : compare_u64(a.coordinator, b.coordinator);
}

bool tx_token_equal(const struct tx_token *a, const struct tx_token *b)
{
    /* Every byte is looked at, whatever the others held: the time taken tells a guesser nothing. */
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < sizeof a->bytes; i++) {
        difference = (uint8_t)(difference | (a->bytes[i] ^ b->bytes[i]));
    }
    return difference == 0;
}

/* Letters, digits, '-', '_' and '.': a bit for each. */
static bool is_name_character(uint8_t c)
{
    static const uint64_t allowed[2] = {
        UINT64_C(0x03ff) << '0' | UINT64_C(1) << '-' | UINT64_C(1) << '.',
        UINT64_C(0x3ffffff) << ('A' - 64) | UINT64_C(0x3ffffff) << ('a' - 64) |
            UINT64_C(1) << ('_' - 64)};
    return c < 128 && (allowed[c / 64] >> c % 64 & 1) != 0;
}

bool tx_name_equal(const struct tx_name *a, const struct tx_name *b)
{
    return strncmp(a->s, b->s, sizeof a->s) == 0;
}

enum tx_error tx_name_set(struct tx_name *name, struct tx_bytes text)
{
    if (text.len < 1 || text.len > TX_NAME_MAX) {
        return TX_EFORMAT;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!is_name_character(text.data[i])) {
            return TX_EFORMAT;
        }
    }
    struct tx_name made = {""};
    memcpy(made.s, text.data, text.len);
    *name = made;
    return TX_OK;
}

enum tx_error tx_address_set(struct tx_address *address, struct tx_bytes text)
{
    if (text.len > TX_ADDRESS_MAX || (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)) {
        return TX_EFORMAT;
    }
    if (text.len > 0) {
        memcpy(address->s, text.data, text.len);
    }
    memset(address->s + text.len, 0, sizeof address->s - text.len);
    return TX_OK;
}

const char *tx_role_name(enum tx_role role)
{
    static const char *const names[TX_ROLES_N] = {
        [TX_ROLE_CLIENT] = "client",
        [TX_ROLE_COORDINATOR] = "coordinator",
        [TX_ROLE_PARTICIPANT] = "participant",
    };
    return (unsigned)role < TX_ROLES_N ? names[role] : "?";
}
