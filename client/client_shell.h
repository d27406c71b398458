/* Inside libtxclient: a handle, its sockets, and the call that every blocking function is made of.
 *
 * Layers: the pure files (client_tx, client_pending, client_retry, client_acks, client_reference)
 * keep the books; client_settings reads the configuration; client_channel owns the sockets;
 * client_call sends, waits and matches; the api_* files are the public functions. */
#ifndef ASSENT_CLIENT_CLIENT_SHELL_H
#define ASSENT_CLIENT_CLIENT_SHELL_H

#include "client/client_acks.h"
#include "client/client_pending.h"
#include "client/client_range.h"
#include "client/client_settings.h"
#include "client/client_tx.h"
#include "client/txclient.h"
#include "common/wire.h"

#define CLIENT_MS 1000u /* microseconds */

/* A daemon that the handle talks to: one DEALER, kept until the handle is closed. */
struct client_channel {
    struct tx_address address;
    void *socket;
    bool blocked; /* a frame waits until the socket takes it */
};

/* The values that txclient_detail() points to. */
struct client_detail {
    txclient_detail_data shown;
    struct tx_name participant;
    struct tx_why text;
    struct tx_buf reference;
};

struct txclient {
    struct client_settings settings;
    void *context; /* of ZeroMQ */
    struct client_channel **channels;
    size_t channels_n;
    void *poll_items; /* zmq_pollitem_t for each channel */
    struct client_channel *coordinator;
    struct tx_envelope envelope;
    struct tx_frame_writer *writer;
    struct tx_arena received; /* the frame that is being taken */
    struct tx_why unreadable; /* why the last frame that was dropped was dropped; empty: none was */
    struct client_pending pending;
    struct client_acks acks;
    struct tx_arena values; /* of the last submit */
    struct client_detail detail;
    struct txclient_tx *txs; /* every transaction that is not closed */
};

struct txclient_tx {
    txclient *client; /* NULL once the handle is closed */
    struct txclient_tx *next, *previous;
    struct client_tx core;
    uint64_t lock_timeout_ms;
    enum tx_isolation isolation;
    struct tx_arena values;
    struct tx_buf reference;
    struct txclient_cursor *cursors; /* every one that is not closed */
};

/* A scan: what is left of it, and the page at hand. */
struct txclient_cursor {
    txclient_tx *tx; /* NULL once the transaction is closed */
    struct txclient_cursor *next, *previous;
    struct tx_op op; /* the range behind the page */
    char space[TX_SPACE_MAX];
    struct client_range_room room;
    struct tx_reader rows; /* those of the page that are left; its bytes are the transaction's */
    uint64_t left;         /* so many rows may still be given */
    uint32_t page_rows;
    bool over; /* there is nothing behind the page */
};

struct txclient_batch {
    struct tx_op *ops; /* their bytes are in the arena */
    size_t n;
    size_t capacity;
    struct tx_arena arena;
    txclient_status failed; /* the first failure; TXCLIENT_OK: none */
    struct tx_why why;
};

/* ---- client_channel.c ---- */

uint64_t client_now_us(void);
/* TX_EIO when the kernel gives none. */
enum tx_error client_random(void *out, size_t len) TX_MUST_CHECK;
void client_sleep_us(uint64_t us);

enum tx_error client_channels_open(struct txclient *client, struct tx_why *why) TX_MUST_CHECK;
/* Closes every channel; what is queued has a second to leave. */
void client_channels_close(struct txclient *client);
/* The channel to an address, opened at the first use. Borrowed from the handle. TX_EADDRESS,
 * TX_ENOMEM, TX_ELIMIT, TX_EIO. */
enum tx_error client_channel_get(struct txclient *client, const struct tx_address *address,
                                 struct client_channel **channel, struct tx_why *why) TX_MUST_CHECK;
/* Sends without waiting. TX_EBUSY: not now. */
enum tx_error client_channel_send(struct client_channel *channel,
                                  struct tx_bytes frame) TX_MUST_CHECK;
/* Waits until a channel with requests has something to read, a blocked one can write, or
 * `until_us`. */
void client_channels_wait(struct txclient *client, uint64_t until_us);
/* Gives every message that has arrived on a channel to `take`; frames that are none are dropped. */
void client_channel_receive(struct txclient *client, struct client_channel *channel,
                            void (*take)(struct txclient *client, struct client_channel *channel,
                                         const struct tx_msg *msg));

/* ---- client_call.c ---- */

struct client_call {
    struct client_channel *to;
    const struct tx_msg *msg; /* its `req` from client_pending_next_req() */
    uint64_t req;
    enum tx_msg_type answer;
    struct tx_id id; /* the answer must speak of it; all zero: any */
    uint64_t timeout_us;
    bool once; /* sent a single time: a second copy might do the work twice */
    /* Copies what is needed of the answer; its error becomes the call's. Not called for ERROR. */
    enum tx_error (*take)(void *arg, const struct tx_msg *answer);
    void *arg;
};

struct client_reply {
    unsigned sent; /* copies that left */
    /* Set when the daemon answered ERROR: */
    bool refused;
    enum tx_error refusal;
    enum tx_reason reason;
    struct tx_why text;
};

/* Sends and waits. TX_OK: answered; `take` was called, or the reply says refused. TX_EUNREACHABLE:
 * nothing left. TX_ETIMEOUT: sent, no answer. TX_ELIMIT: larger than a frame may be. TX_ENOMEM, or
 * what `take` gave. */
enum tx_error client_call(struct txclient *client, const struct client_call *call,
                          struct client_reply *reply) TX_MUST_CHECK;
/* Sends what is left to acknowledge, without waiting. */
void client_flush_acks(struct txclient *client);

/* ---- client_detail.c ---- */

/* Begins a public call: success with no text. */
void client_detail_clear(struct txclient *client);
/* Notes a failure and returns its status. */
txclient_status client_fail(struct txclient *client, txclient_status status, const char *format,
                            ...) TX_PRINTF(3, 4);
/* Notes why a transaction aborted, and returns TXCLIENT_ABORTED. `who` may be NULL. */
txclient_status client_fail_aborted(struct txclient *client, enum tx_reason reason,
                                    const struct tx_name *who, struct tx_bytes text);
/* Notes the failure of a call that was not answered TX_OK, or refused, with the status that fits.
 */
txclient_status client_fail_call(struct txclient *client, const struct client_call *call,
                                 enum tx_error error, const struct client_reply *reply);
txclient_status client_status_of(enum tx_error error);
/* Notes the transaction that the call was about. */
void client_detail_reference(struct txclient *client, struct tx_id id,
                             const struct tx_member *members, size_t members_n);

/* ---- shared by the api files ---- */

/* Fills an operation from public arguments and checks it; borrows the bytes. TX_EINVAL, TX_ELIMIT.
 */
enum tx_error client_op_fill(struct tx_op *op, enum tx_op_type type, const txclient_address *at,
                             struct tx_why *why) TX_MUST_CHECK;
/* Copies results to the caller's values, with the bytes in the arena. TX_EFORMAT: one is no result
 * of its operation. TX_ENOMEM. */
enum tx_error client_copy_values(struct tx_arena *arena, const struct tx_op *ops,
                                 const struct tx_result *results, size_t n,
                                 txclient_value *values) TX_MUST_CHECK;
/* The level that options name, or the default when they are shorter than that or NULL. */
#define CLIENT_ISOLATION(options, type)                                                            \
    ((options) != NULL &&                                                                          \
             (options)->size >= offsetof(type, isolation) + sizeof(options)->isolation             \
         ? (options)->isolation                                                                    \
         : TXCLIENT_SERIALIZABLE)
/* TXCLIENT_EINVAL, noted, when there is no such level. */
txclient_status client_check_isolation(struct txclient *client, txclient_isolation isolation);

/* What OUTCOME said, copied. */
struct client_outcome {
    struct tx_id id;
    enum tx_outcome outcome;
    enum tx_reason reason;
    struct tx_name who;
    struct tx_why text;
    bool results_lost;
    /* SUBMIT: where the values go */
    struct tx_arena *arena;
    const struct tx_op *ops;
    txclient_value *values;
    size_t values_n;
};
/* client_call's take for OUTCOME; `arg` is a struct client_outcome. */
enum tx_error client_take_outcome(void *arg, const struct tx_msg *answer);
/* COMMIT_REQUEST, ABORT_REQUEST or OUTCOME_REQUEST, answered by OUTCOME. */
enum tx_error client_finish_call(struct txclient *client, enum tx_msg_type type,
                                 const struct tx_msg_finish *finish, uint64_t timeout_us,
                                 struct client_outcome *outcome,
                                 struct client_reply *reply) TX_MUST_CHECK;
/* Asks for the outcome, again at growing intervals, until it is definite or `until_us` has come; at
 * least once. Errors as of client_call, and then the outcome is UNKNOWN. */
enum tx_error client_ask_outcome(struct txclient *client, const struct tx_msg_finish *finish,
                                 uint64_t until_us, struct client_outcome *outcome,
                                 struct client_reply *reply) TX_MUST_CHECK;

/* Begins with an age that an earlier attempt had (counter 0: none). */
txclient_status client_begin(txclient *client, uint64_t lock_timeout_ms,
                             txclient_isolation isolation, struct tx_age age, txclient_tx **tx);
/* Whether operations may still be sent; otherwise the status that says why not. Begins a public
 * call. */
txclient_status client_tx_usable(txclient_tx *tx);
/* Runs operations, all at one participant, in one step. `values`: one for each, or NULL. */
txclient_status client_execute(txclient_tx *tx, const struct tx_op *ops, size_t ops_n,
                               txclient_value *values);
/* The participant of this name; NULL, and noted, when there is none. */
struct client_node *client_find_node(txclient_tx *tx, const struct tx_name *name);
/* The transaction is about to be closed. */
void client_cursors_orphan(txclient_tx *tx);
/* Asks what became of a transaction whose commit has stayed unknown. */
txclient_status client_tx_find_out(txclient_tx *tx, uint64_t until_us);

#endif
