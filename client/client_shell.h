/* Inside libtxclient: a handle, its sockets, and the flows that every call is made of.
 *
 * Layers: the pure files (client_tx, client_pending, client_retry, client_acks, client_reference)
 * keep the books; client_settings reads the configuration; client_channel owns the sockets;
 * client_call sends, takes and waits; client_flow has the way from a request to its answer, and
 * client_task what makes a flow asynchronous; the api_* files are the public functions.
 *
 * Everything of a handle is guarded by its lock. One thread at a time leads: it alone uses the
 * sockets, and waits on them without the lock. */
#ifndef ASSENT_CLIENT_CLIENT_SHELL_H
#define ASSENT_CLIENT_CLIENT_SHELL_H

#include "client/client_acks.h"
#include "client/client_pending.h"
#include "client/client_range.h"
#include "client/client_reference.h"
#include "client/client_settings.h"
#include "client/client_tx.h"
#include "client/txclient.h"
#include "common/wire.h"

#include <pthread.h>

#define CLIENT_MS 1000u /* microseconds */

/* A daemon that the handle talks to: one DEALER, kept until the handle is closed. */
struct client_channel {
    struct tx_address address;
    void *socket;
    struct client_queue queue; /* requests that wait to be sent */
    bool blocked;              /* the socket takes nothing now */
    bool check;                /* something may have arrived, or the socket takes something again */
    struct tx_why unreadable;  /* why the last frame that was dropped was dropped */
    uint64_t unreadable_us;    /* when; 0: none was */
};

/* The values that txclient_detail() points to. */
struct client_detail {
    txclient_detail_data shown;
    struct tx_name participant;
    struct tx_why text;
    struct tx_buf reference;
};

/* What a handle keeps for a thread that has used it: as long as the handle, and for the next thread
 * that the system gives the same number. */
struct client_thread {
    struct client_thread *next; /* in its bucket */
    pthread_t self;
    pthread_cond_t wake;
    struct client_detail detail;
    struct tx_arena values; /* of its last submit */
    bool following;         /* waits for `wake`, and stands in the list of followers */
    bool processes;         /* waits for callbacks to call */
    bool delivers;          /* is calling them */
    struct client_thread *next_follower, *previous_follower;
};
#define CLIENT_THREAD_BUCKETS 64u
#define CLIENT_WOKEN_MAX      64u

struct client_task;

struct txclient {
    struct client_settings settings;
    pthread_mutex_t lock; /* over all that follows */
    struct client_thread *threads[CLIENT_THREAD_BUCKETS];
    /* Who waits: */
    bool led;              /* a thread leads */
    bool leader_processes; /* and calls callbacks afterwards */
    bool sleeping;         /* it waits for the sockets; woken by the eventfd */
    struct client_thread *followers;
    struct client_thread *woken[CLIENT_WOKEN_MAX]; /* to be signalled with the lock released */
    size_t woken_n;
    /* What is waited for: */
    int poll_fd;  /* an epoll of all below and of the sockets' own descriptors */
    int kick_fd;  /* an eventfd */
    int timer_fd; /* for who waits for poll_fd outside the library */
    bool kicked;
    bool polled;          /* somebody has asked for poll_fd */
    uint64_t timer_at_us; /* 0: not armed */
    /* The sockets: */
    void *context; /* of ZeroMQ */
    struct client_channel **channels;
    size_t channels_n;
    struct client_channel *coordinator;
    struct tx_envelope envelope;
    struct tx_frame_writer *writer; /* for single messages */
    struct tx_frame_writer *frame;  /* for what leaves */
    struct tx_arena received;       /* the frame that is being taken; the leader's */
    /* What is under way: */
    struct client_pending pending;
    struct client_acks acks;
    struct txclient_tx *txs;              /* every transaction that is not closed */
    struct client_task *done, *done_last; /* over, and to be called back */
    struct client_task *spare; /* that were freed, with their memory, for the next ones */
    size_t spare_n;
    size_t in_flight;    /* tasks whose callback has not begun */
    size_t farewells;    /* tasks of the handle's own, which nobody is called for */
    unsigned delivering; /* threads that are calling callbacks */
    bool closing;        /* nothing is sent any more */
};

struct client_operation;
struct client_finish;

struct txclient_tx {
    txclient *client; /* NULL once the handle is closed */
    struct txclient_tx *next, *previous;
    struct client_tx core;
    uint64_t lock_timeout_ms;
    enum tx_isolation isolation;
    enum tx_commit_mode commit_mode;
    struct tx_arena values;
    struct tx_buf reference;
    struct txclient_cursor *cursors;     /* every one that is not closed */
    struct client_operation *operations; /* under way, in the order in which they began */
    struct client_operation *operations_last;
    struct client_finish *commit; /* waits for them */
    size_t tasks;                 /* that name this transaction */
    bool closed;                  /* by the caller: freed with the last task */
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
/* Waits, without the lock, until a channel has something to say, a kick, or `until_us`. */
void client_channels_wait(struct txclient *client, uint64_t until_us);
/* Gives every message that has arrived to `take`; frames that are none are dropped. The lock is
 * released while a frame is read. True: something was taken. */
bool client_channels_receive(struct txclient *client,
                             void (*take)(struct txclient *client, struct client_channel *channel,
                                          const struct tx_msg *msg));
/* Wakes whoever waits for poll_fd. */
void client_kick(struct txclient *client);
/* Before the handle is left to somebody who waits for poll_fd: nothing that has arrived already is
 * overlooked, nor the next time-out. */
void client_channels_settle(struct txclient *client);

/* ---- client_call.c ---- */

/* Locks the handle for a public call of this thread, whose detail it clears. NULL, and not locked,
 * without memory for it. */
struct client_thread *client_enter(struct txclient *client) TX_MUST_CHECK;
/* What the handle, which is locked, keeps for this thread; NULL: nothing. */
struct client_thread *client_thread_self(struct txclient *client);
void client_lock(struct txclient *client);
/* Unlocks, and then wakes those that have something to do now. */
void client_unlock(struct txclient *client);

struct client_flow;

/* One request. */
struct client_call {
    struct client_channel *to;
    const struct tx_msg *msg; /* its `req` from client_pending_next_req(); used at once */
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

/* Work that consists of requests, one after the other, and ends with a status: what a blocking call
 * waits for, and an asynchronous one is called back for. It lies in its owner's memory until it is
 * over. */
struct client_flow {
    struct txclient *client;
    struct client_detail *detail; /* what it says of itself */
    struct client_task *task;     /* NULL: a blocking call's */
    struct client_thread *waiter; /* who waits for it; NULL with a task */
    txclient_status status;
    bool over;
    /* The request at hand: */
    struct client_request request;
    struct client_call call;
    struct client_reply reply;
    uint64_t asked_us;
    /* Goes on after it. TX_OK: answered; `take` was called, or the reply says refused.
     * TX_EUNREACHABLE: nothing left. TX_ETIMEOUT: sent, no answer, or a pause is over. Or what
     * `take` gave. */
    void (*next)(struct client_flow *flow, enum tx_error error);
};

void client_flow_init(struct client_flow *flow, struct txclient *client,
                      struct client_detail *detail, struct client_thread *waiter);
/* Queues a request; `next` goes on after it. Otherwise nothing was sent: TX_ELIMIT: larger than a
 * frame may be. TX_ENOMEM. TX_ESTATE: the handle is being closed. */
enum tx_error client_flow_ask(struct client_flow *flow, const struct client_call *call,
                              void (*next)(struct client_flow *flow,
                                           enum tx_error error)) TX_MUST_CHECK;
/* Could a message be sent? TX_ELIMIT, TX_ENOMEM. */
enum tx_error client_flow_try(struct client_flow *flow, const struct tx_msg *msg) TX_MUST_CHECK;
/* As client_flow_ask(); on failure it goes on at once. */
void client_flow_go(struct client_flow *flow, const struct client_call *call,
                    void (*next)(struct client_flow *flow, enum tx_error error));
/* Goes on after a while; at once when that cannot be. */
void client_flow_pause(struct client_flow *flow, uint64_t us,
                       void (*next)(struct client_flow *flow, enum tx_error error));
/* Forgets the request at hand, if there is one. */
void client_flow_cancel(struct client_flow *flow);
/* Ends it: once, with no request at hand. */
void client_flow_over(struct client_flow *flow, txclient_status status);
/* Waits for a blocking call's flow, and gives its status. */
txclient_status client_flow_wait(struct client_flow *flow);

/* Sends and waits. TXCLIENT_OK: answered, and `take` has taken it; else it is noted why not.
 * `reply` may be NULL. */
txclient_status client_call(struct txclient *client, struct client_thread *self,
                            const struct client_call *call,
                            struct client_reply *reply) TX_MUST_CHECK;
/* Sends, receives, and ends what is due; waits for that until `until_us` at most. For the leader.
 */
void client_pump(struct txclient *client, uint64_t until_us);
/* Follows whoever leads, until woken or `until_us`. */
void client_follow(struct txclient *client, struct client_thread *self, uint64_t until_us);
/* To be called by each who leaves off waiting: somebody else goes on. */
void client_hand_over(struct txclient *client);
void client_wake(struct txclient *client, struct client_thread *thread);
/* Sends what is queued, without waiting. */
void client_send_queued(struct txclient *client);
/* Ends all that is under way, as if no answer ever came. */
void client_give_up(struct txclient *client);
void client_threads_free(struct txclient *client);

/* ---- client_detail.c ---- */

void client_detail_init(struct client_detail *detail);
/* Begins a public call: success with no text. */
void client_detail_clear(struct client_detail *detail);
void client_detail_deinit(struct client_detail *detail);
/* Replaces one by the other, whose text for the reference it takes over. */
void client_detail_move(struct client_detail *to, struct client_detail *from);
/* Notes a failure and returns its status. */
txclient_status client_fail(struct client_detail *detail, txclient_status status,
                            const char *format, ...) TX_PRINTF(3, 4);
/* Notes why a transaction aborted, and returns TXCLIENT_ABORTED. `who` may be NULL. */
txclient_status client_fail_aborted(struct client_detail *detail, enum tx_reason reason,
                                    const struct tx_name *who, struct tx_bytes text);
/* Notes the failure of a call that was not answered TX_OK, or refused, with the status that fits.
 */
txclient_status client_fail_call(struct client_flow *flow, enum tx_error error);
txclient_status client_status_of(enum tx_error error);
/* Notes the transaction that the call was about. */
void client_detail_reference(struct client_detail *detail, struct tx_id id,
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
/* The same of commit modes. */
#define CLIENT_COMMIT_MODE(options, type)                                                          \
    ((options) != NULL &&                                                                          \
             (options)->size >= offsetof(type, commit_mode) + sizeof(options)->commit_mode         \
         ? (options)->commit_mode                                                                  \
         : TXCLIENT_COMMIT_DEFAULT)
/* TXCLIENT_EINVAL, noted, when there is no such level or mode. */
txclient_status client_check_commit_mode(struct client_detail *detail, txclient_commit_mode mode);
txclient_status client_check_isolation(struct client_detail *detail, txclient_isolation isolation);

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

/* A one-shot transaction. */
struct client_submit {
    struct client_flow flow;
    struct client_outcome outcome;
    const struct tx_op *ops; /* for the whole time */
    size_t ops_n;
    bool keyed;
};
/* Sends; `flow`, the operations and where their values go are set. */
void client_submit_start(struct client_submit *submit, const txclient_submit_options *options);

/* The begin of an interactive one. */
struct client_begin {
    struct client_flow flow;
    txclient_tx *tx; /* NULL unless it ends with OK */
};
/* What a transaction begins with. */
struct client_terms {
    uint64_t lock_timeout_ms;
    txclient_isolation isolation;
    txclient_commit_mode commit_mode;
    struct tx_age age; /* that an earlier attempt had; counter 0: none */
};
void client_begin_start(struct client_begin *begin, const struct client_terms *terms);

/* The same, and waits for it. */
txclient_status client_begin_on(txclient *client, const struct client_terms *terms,
                                txclient_tx **tx);

enum client_operation_state {
    CLIENT_OPERATION_PARKED,  /* waits for earlier ones at its participant */
    CLIENT_OPERATION_SENT,    /* or about to be sent again */
    CLIENT_OPERATION_ABORTING /* has failed; the coordinator is being told */
};

/* Operations of one at one participant: a step. */
struct client_operation {
    struct client_flow flow;
    struct client_operation *next, *previous; /* of the transaction's */
    txclient_tx *tx;
    struct client_node *node;
    uint32_t step;
    enum client_operation_state state;
    bool alone;     /* the participant took it for too early: it waits for all before it */
    bool no_memory; /* for what it gave: why the transaction was aborted */
    uint64_t until_us;
    const struct tx_op *ops; /* for the whole time, like the values */
    size_t ops_n;
    txclient_value *values; /* one for each, or NULL */
    struct client_outcome outcome;
};
/* `flow` is set; the rest is filled here. */
void client_operation_start(struct client_operation *operation, txclient_tx *tx,
                            const struct tx_op *ops, size_t ops_n, txclient_value *values);
/* Ends every operation under way, and the commit that waits for them, but for `but`, which may be
 * NULL: the transaction is ABORTED. */
void client_operations_drop(txclient_tx *tx, const struct client_operation *but);

/* The end of a transaction, or the question what became of it. */
struct client_finish {
    struct client_flow flow;
    txclient_tx *tx;                          /* NULL: one of somebody else's */
    const struct client_reference *reference; /* then of this name; for the whole time */
    struct client_outcome outcome;
    struct tx_why refusal; /* of a commit: its text */
    enum tx_reason refusal_reason;
    uint64_t until_us;
    uint64_t pause_us;
    void (*known)(struct client_finish *finish, enum tx_error error);
};
/* `flow` is set; the rest is filled here. */
void client_commit_start(struct client_finish *finish, txclient_tx *tx);
/* The operations of the one whose commit waited are over. */
void client_commit_go(struct client_finish *finish);
void client_abort_start(struct client_finish *finish, txclient_tx *tx);
/* Asks what became of a transaction whose commit has stayed unknown; and waits for it. */
txclient_status client_tx_find_out(txclient_tx *tx, uint64_t until_us);
void client_find_out_start(struct client_finish *finish, txclient_tx *tx, uint64_t until_us);
void client_outcome_start(struct client_finish *finish, const struct client_reference *reference,
                          uint32_t wait_ms);
/* Sends an ABORT_REQUEST of a transaction, for as long as that is worth waiting. */
void client_tell_abort(struct client_flow *flow, const txclient_tx *tx,
                       struct client_outcome *outcome,
                       void (*next)(struct client_flow *flow, enum tx_error error));

/* Whether operations may still be sent; otherwise the status that says why not. */
txclient_status client_tx_usable(txclient_tx *tx, struct client_detail *detail);
/* Runs operations, all at one participant, in one step, and waits for it. */
txclient_status client_execute(txclient_tx *tx, struct client_thread *self, const struct tx_op *ops,
                               size_t ops_n, txclient_value *values);
/* The participant of this name; NULL, and noted, when there is none. */
struct client_node *client_find_node(txclient_tx *tx, const struct tx_name *name,
                                     struct client_detail *detail);
/* Frees a transaction that nobody knows any more. */
void client_tx_free(txclient_tx *tx);
/* The transaction is about to be closed. */
void client_cursors_orphan(txclient_tx *tx);

/* ---- client_daemon.c ---- */

/* The channel to the daemon at an address; NULL: the coordinator's. TXCLIENT_EINVAL, or what the
 * channel gives, noted. */
txclient_status client_channel_at(txclient *client, struct client_thread *self, const char *address,
                                  struct client_channel **channel);
/* The transaction that a caller names; NULL names none. TXCLIENT_EINVAL, noted. */
txclient_status client_read_tx(struct client_detail *detail, const char *text, struct tx_id *id);
/* Copies, of an answer: with a NUL behind, in which bytes that cannot stand in a C string end it
 * early; an id as text; bytes. `failed` is set when there is no memory for it. */
const char *client_copy_text(struct tx_arena *arena, struct tx_bytes text, bool *failed);
const char *client_copy_id(struct tx_arena *arena, struct tx_id id, bool *failed);
txclient_bytes client_copy_bytes(struct tx_arena *arena, struct tx_bytes bytes, bool *failed);

/* ---- client_task.c ---- */

/* An asynchronous call. */
struct client_task {
    struct client_task *next; /* of those that are over */
    struct txclient *client;
    txclient_done done; /* NULL: the handle's own, nobody is called */
    void *arg;
    bool accepted; /* its callback will be called */
    struct client_detail detail;
    struct tx_arena arena;
    txclient_value *values;
    size_t values_n;
    txclient_tx *tx; /* the one that it is about, which outlives it */
    union {
        struct client_flow flow;
        struct client_submit submit;
        struct client_begin begin;
        struct client_operation operation;
        struct client_finish finish;
    } u;
};

/* NULL, noted in the thread's detail with the status, when there is no room for it. `self` and
 * `done` are NULL for a task of the handle's own. */
struct client_task *client_task_new(struct txclient *client, struct client_thread *self,
                                    txclient_tx *tx, txclient_done done, void *arg,
                                    txclient_status *status);
/* After its flow was started: what the accepting call returns. */
txclient_status client_task_accept(struct client_task *task, struct client_thread *self);
/* Makes room for the values of a batch, and gives its operations for as long as the task. Unless
 * they are wanted `whole`, the bytes of all but scans are valid during the accepting call only.
 * NULL: no memory. */
const struct tx_op *client_task_ops(struct client_task *task, const txclient_batch *batch,
                                    bool whole) TX_MUST_CHECK;
/* Its flow is over. */
void client_task_over(struct client_task *task);
/* Frees one that was not accepted, or has been called back. */
void client_task_free(struct client_task *task);
/* Frees what is kept of freed tasks. */
void client_tasks_deinit(struct txclient *client);
/* Calls back all that are over. The lock is released meanwhile. */
size_t client_tasks_deliver(struct txclient *client);

#endif
