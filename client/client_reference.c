/* References to transactions, printed and parsed. */
#include "client/client_reference.h"

#include "common/assert.h"

#include <string.h>

/* Every transaction that has ended names itself, which printf, or an append to a buffer for each
 * part, would be a good part of. What is behind the last character that was put. */
static char *put_number(char *at, uint64_t number)
{
    char digits[20];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(at, digits + first, sizeof digits - first);
    return at + sizeof digits - first;
}

/* As tx_id_print(). */
static char *put_id(char *at, struct tx_id id)
{
    at = put_number(at, id.coordinator);
    *at++ = '-';
    at = put_number(at, id.epoch);
    *at++ = '-';
    return put_number(at, id.seq);
}

void client_reference_print(struct tx_id id, const struct tx_member *members, size_t members_n,
                            struct tx_buf *out)
{
    char text[TX_ID_TEXT + TX_MEMBERS_MAX * sizeof members->name.s];
    TX_ASSERT(members_n <= TX_MEMBERS_MAX);
    char *at = put_id(text, id);
    for (size_t i = 0; i < members_n; i++) {
        size_t len = strlen(members[i].name.s);
        *at++ = i == 0 ? '@' : ',';
        memcpy(at, members[i].name.s, len);
        at += len;
    }
    *at++ = '\0';
    tx_buf_append(out, tx_bytes(text, (size_t)(at - text)));
}

static enum tx_error parse_id(const char *text, size_t len, struct tx_id *id, struct tx_why *why)
{
    char buffer[TX_ID_TEXT];
    if (len < sizeof buffer) {
        memcpy(buffer, text, len);
        buffer[len] = '\0';
        if (tx_id_parse(buffer, id) == TX_OK) {
            return TX_OK;
        }
    }
    char shown[64];
    return tx_why(
        why, TX_EFORMAT,
        "\"%s\" is no transaction id; one looks like 1-7-42, or 1-7-42@a,b with the names "
        "of its participants",
        tx_bytes_print(tx_bytes(text, len), shown, sizeof shown));
}

enum tx_error client_reference_parse(const char *text, struct client_reference *reference,
                                     struct tx_why *why)
{
    *reference = (struct client_reference){0};
    size_t id_len = strcspn(text, "@");
    enum tx_error error = parse_id(text, id_len, &reference->id, why);
    const char *at = text + id_len;
    while (error == TX_OK && *at != '\0') {
        at++; /* the '@' or ',' in front of a name */
        size_t len = strcspn(at, ",");
        if (reference->members_n == TX_MEMBERS_MAX) {
            return tx_why(why, TX_ELIMIT, "a transaction has at most %u participants",
                          TX_MEMBERS_MAX);
        }
        if (tx_name_set(&reference->members[reference->members_n++].name, tx_bytes(at, len)) !=
            TX_OK) {
            char shown[64];
            return tx_why(why, TX_EFORMAT, "\"%s\" in a reference is no participant's name",
                          tx_bytes_print(tx_bytes(at, len), shown, sizeof shown));
        }
        at += len;
    }
    return error;
}
