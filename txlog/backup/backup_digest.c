/* BLAKE2b-256. */
#include "txlog/backup/backup_digest.h"

#include "common/assert.h"

#include <sodium.h>
#include <stdlib.h>

_Static_assert(BACKUP_DIGEST_BYTES == crypto_generichash_BYTES, "a digest of 32 bytes");

struct backup_hasher {
    crypto_generichash_state *state; /* has an alignment of its own */
};

/* Chooses the fastest code for this processor; once is enough, again does no harm. */
static void begin(void)
{
    int failed = sodium_init();
    TX_ASSERT(failed >= 0);
}

struct backup_hasher *backup_hasher_new(void)
{
    begin();
    struct backup_hasher *hasher = calloc(1, sizeof(*hasher));
    if (hasher == NULL)
        return NULL;
    size_t size = (crypto_generichash_statebytes() + 63u) & ~(size_t)63u;
    hasher->state = aligned_alloc(64, size);
    if (hasher->state == NULL) {
        free(hasher);
        return NULL;
    }
    int failed = crypto_generichash_init(hasher->state, NULL, 0, BACKUP_DIGEST_BYTES);
    TX_ASSERT(failed == 0);
    return hasher;
}

void backup_hasher_destroy(struct backup_hasher **hasher)
{
    if (*hasher != NULL)
        free((*hasher)->state);
    free(*hasher);
    *hasher = NULL;
}

void backup_hasher_add(struct backup_hasher *hasher, struct tx_bytes bytes)
{
    if (bytes.len > 0)
        (void)crypto_generichash_update(hasher->state, bytes.data, bytes.len);
}

struct backup_digest backup_hasher_end(struct backup_hasher *hasher)
{
    struct backup_digest digest;
    (void)crypto_generichash_final(hasher->state, digest.bytes, sizeof(digest.bytes));
    return digest;
}

struct backup_digest backup_digest_of(struct tx_bytes bytes)
{
    struct backup_digest digest;
    begin();
    (void)crypto_generichash(digest.bytes, sizeof(digest.bytes), bytes.data, bytes.len, NULL, 0);
    return digest;
}

bool backup_digest_equal(const struct backup_digest *a, const struct backup_digest *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

const char *backup_digest_print(const struct backup_digest *digest, char out[BACKUP_DIGEST_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < BACKUP_DIGEST_BYTES; i++) {
        out[2 * i] = digits[digest->bytes[i] >> 4];
        out[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
    out[2 * BACKUP_DIGEST_BYTES] = '\0';
    return out;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool backup_digest_parse(const char *text, struct backup_digest *digest)
{
    for (size_t i = 0; i < BACKUP_DIGEST_BYTES; i++) {
        int high = digit_of(text[2 * i]);
        int low = high < 0 ? -1 : digit_of(text[2 * i + 1]);
        if (low < 0)
            return false;
        digest->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * BACKUP_DIGEST_BYTES] == '\0';
}
