/* A client on bare sockets, which knows the protocol and may break it: requests and what is
 * expected of their answers, for a cluster of one coordinator and the participants a and b.
 * Failures fail the test. */
#ifndef ASSENT_TESTS_INTEGRATION_RAW_CLIENT_H
#define ASSENT_TESTS_INTEGRATION_RAW_CLIENT_H

#include "tests/integration/cluster.h"
#include "tests/integration/raw_peer.h"

/* Set by raw_client_start(). */
extern struct cluster cluster;
extern struct raw_peer *coordinator, *a, *b; /* connections of one client */
extern uint64_t req;                         /* the number of the last request */

/* Setup and teardown of a group of tests. The coordinator is in its second epoch. */
int raw_client_start(void **state);
int raw_client_stop(void **state);

/* A transaction as its client knows it. */
struct tx {
    struct tx_id id;
    struct tx_age age;
    struct tx_token token;
    struct tx_member members[2]; /* a and b */
};

/* An operation on a key of keyspace "t"; the value of an add is its number. */
struct tx_op operation(enum tx_op_type type, const char *key, const char *value);
/* BEGIN. */
struct tx begin(void);
struct tx_msg operate_msg(const struct tx *tx, uint32_t step, const struct tx_op *op);
/* An add of one to "n" as this step; gives the answer of the participant. */
const struct tx_msg *add_one(struct raw_peer *at, const struct tx *tx, uint32_t step);
/* COMMIT_REQUEST, ABORT_REQUEST and OUTCOME_REQUEST with the first `n` members. */
const struct tx_msg *finish(enum tx_msg_type type, const struct tx *tx, size_t n);
/* SUBMIT of operations, at participant a where they name none. */
const struct tx_msg *submit(const char *key, struct tx_op *ops, size_t n);

/* The answer to the last request. */
void expect_error(const struct tx_msg *answer, enum tx_error error, enum tx_reason reason,
                  const char *text);
/* A step that was done, with the value that "n" has there now. */
void expect_operated(const struct tx_msg *answer, uint32_t step, const char *value);
/* A step of a transaction that can only abort. */
void expect_undone(const struct tx_msg *answer, enum tx_reason reason, const char *text);
void expect_outcome(const struct tx_msg *answer, enum tx_outcome outcome, enum tx_reason reason);
void expect_text(struct tx_bytes text, const char *part);

/* The counter "n" at participant a, read by a transaction of its own. */
long counter(void);
/* In decimal; overwritten by the next call. */
char *number(long n);
/* Nobody is left behind with locks, no alarm was raised, and the counter has this value. */
void expect_untouched(long n);

#endif
