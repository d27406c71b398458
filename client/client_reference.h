/* References: the text with which any process may ask what became of a transaction.
 *
 *     reference = id [ "@" name { "," name } ]        "1-7-42@a,b"
 *
 * The names are those of the participants, since a coordinator that has lost its record asks there.
 * Pure. */
#ifndef ASSENT_CLIENT_CLIENT_REFERENCE_H
#define ASSENT_CLIENT_CLIENT_REFERENCE_H

#include "common/ids.h"

/* Appends the text with its NUL. A failed allocation shows in `out->failed`. */
void client_reference_print(struct tx_id id, const struct tx_member *members, size_t members_n,
                            struct tx_buf *out);

struct client_reference {
    struct tx_id id;
    struct tx_member members[TX_MEMBERS_MAX]; /* names only */
    size_t members_n;
};

/* TX_EFORMAT or TX_ELIMIT with a text that says what is wrong. */
enum tx_error client_reference_parse(const char *text, struct client_reference *reference,
                                     struct tx_why *why) TX_MUST_CHECK;

#endif
