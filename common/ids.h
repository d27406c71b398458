/* Identities: transactions, ages, tokens, nodes, positions in a log.
 *
 * A transaction id is never reused: its coordinator makes a new epoch durable at every start, and
 * numbers its transactions within the epoch. Text form: "1-7-42" (coordinator 1, epoch 7, sequence
 * 42). */
#ifndef ASSENT_COMMON_IDS_H
#define ASSENT_COMMON_IDS_H

#include "common/bytes.h"
#include "common/limits.h"

struct tx_id {
    uint32_t coordinator; /* 1..TX_COORDINATOR_ID_MAX */
    uint64_t epoch;       /* from 1 */
    uint64_t seq;         /* from 1 within the epoch */
};

/* Buffer size for any id in text, with the NUL. */
#define TX_ID_TEXT 64

static inline bool tx_id_equal(struct tx_id a, struct tx_id b)
{
    return a.seq == b.seq && a.epoch == b.epoch && a.coordinator == b.coordinator;
}

/* By coordinator, then epoch, then sequence: -1, 0 or 1. */
int tx_id_compare(struct tx_id a, struct tx_id b);
uint64_t tx_id_hash(struct tx_id id);
static inline bool tx_id_valid(struct tx_id id)
{
    return id.coordinator >= 1 && id.coordinator <= TX_COORDINATOR_ID_MAX && id.epoch >= 1 &&
           id.seq >= 1;
}

const char *tx_id_print(struct tx_id id, char out[TX_ID_TEXT]);
/* TX_EFORMAT when the text is not exactly an id. */
enum tx_error tx_id_parse(const char *text, struct tx_id *id) TX_MUST_CHECK;

/* Counters from here on are nobody's: a liar must not be able to raise everybody's to the end. */
#define TX_AGE_COUNTER_MAX (UINT64_C(1) << 62)

/* A transaction's age in wound-wait: the lower counter is the older; the coordinator breaks ties.
 * Not a clock. A counter of 0 means "none given". A retry keeps the age of its first attempt. */
struct tx_age {
    uint64_t counter;
    uint32_t coordinator;
};

/* -1 when a is older than b, 1 when younger, 0 when they are the same age. */
int tx_age_compare(struct tx_age a, struct tx_age b);

/* The secret that a transaction's operations must carry. */
struct tx_token {
    uint8_t bytes[16];
};

/* Compares in constant time. */
bool tx_token_equal(const struct tx_token *a, const struct tx_token *b);

/* A position in one daemon's log; 0 is "before the first record". */
struct tx_lsn {
    uint64_t n;
};

/* A node's name: letters, digits, '-', '_' and '.', 1..TX_NAME_MAX characters. */
struct tx_name {
    char s[TX_NAME_MAX + 1];
};

struct tx_address {
    char s[TX_ADDRESS_MAX + 1];
};

bool tx_name_equal(const struct tx_name *a, const struct tx_name *b);
/* TX_EFORMAT when the text is no name. */
enum tx_error tx_name_set(struct tx_name *name, struct tx_bytes text) TX_MUST_CHECK;
/* TX_EFORMAT when the text is longer than an address may be or holds a NUL. It does not say whether
 * the address can be used: the transport does. */
enum tx_error tx_address_set(struct tx_address *address, struct tx_bytes text) TX_MUST_CHECK;

enum tx_role { TX_ROLE_CLIENT, TX_ROLE_COORDINATOR, TX_ROLE_PARTICIPANT, TX_ROLES_N };
const char *tx_role_name(enum tx_role role);

/* One participant of one transaction. `incarnation` is the start of the participant that did the
 * work; 0 while it is not known. `read_only` is claimed by whoever made the list and must hold for
 * the whole transaction there. */
struct tx_member {
    struct tx_name name;
    struct tx_address address;
    uint64_t incarnation;
    bool read_only;
};

#endif
