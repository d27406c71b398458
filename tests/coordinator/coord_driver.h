/* Drives the coordinator's core so that a test reads as a scenario.
 *
 * Participants "a" to "d" are told apart by their letter. What the core sends is taken off with
 * sent() and replied(); quiet() says that nothing was left over. Records go, in their stored form,
 * into a log that driver_restart() recovers from. HELLO, FORGET, notes and records do not disturb
 * quiet(). */
#ifndef ASSENT_TESTS_COORD_DRIVER_H
#define ASSENT_TESTS_COORD_DRIVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/coord_core.h"

#define NODES_N   4
#define SECOND_US UINT64_C(1000000)
#define CLIENT    UINT64_C(77)

struct driver {
    struct coord_options options;
    struct tx_member nodes[NODES_N];
    struct coord_core *core;
    struct coord_actions actions;
    bool *taken;
    size_t taken_capacity;
    size_t seen;        /* actions whose records are stored */
    struct tx_buf *log; /* stored records; LSN n at n - 1 */
    size_t log_n;
    uint64_t now;
    uint64_t incarnation[NODES_N];
    uint64_t life[NODES_N]; /* of that incarnation */
    uint64_t lsn[NODES_N];
    uint64_t hello_number[NODES_N]; /* of the last HELLO to each */
    bool alive[NODES_N];            /* answers every HELLO with a WELCOME */
    uint64_t req;
    enum tx_commit_mode mode; /* that the client asks for: the coordinator decides */
    bool members_decide;      /* as INQUIRE, STATE and ACK say it */
    uint64_t unsettled[NODES_N];
    uint64_t cut;     /* that the participants stamp */
    uint64_t stamped; /* that the core stamps, as it has said last */
    uint64_t compacted;
    size_t alarms;
};

/* A core of epoch 1 on an empty log, nobody introduced. Change d->options between init
 * and start. */
void driver_init(struct driver *d);
void driver_start(struct driver *d);
/* init, start, all four participants welcome. */
void driver_up(struct driver *d);
void driver_deinit(struct driver *d);
/* For cmocka, of tests whose state is a driver at first: driver_up() and driver_quiet(), and
 * driver_deinit(). */
int driver_setup(void **state);
int driver_teardown(void **state);
/* The process dies and starts again in the next epoch with the first `records` of its log; nobody
 * introduced. */
void driver_restart(struct driver *d, size_t records);
/* The same with what is durable at the latest: everything written. */
void driver_restart_all(struct driver *d);

void driver_step(struct driver *d, const struct coord_event *event);
void driver_participant(struct driver *d, char who, const struct tx_msg *msg);
void driver_client(struct driver *d, uint64_t client, const struct tx_msg *msg);
void driver_welcome(struct driver *d, char who);
void driver_welcome_all(struct driver *d);
void driver_restart_node(struct driver *d, char who);
/* Everything written becomes durable. */
void driver_durable(struct driver *d);
void driver_durable_to(struct driver *d, uint64_t lsn);
/* Time passes; every deadline on the way gets its tick. */
void driver_pass(struct driver *d, uint64_t us);

/* Takes the oldest message of this type to that receiver off; fails the test when there is none. */
const struct tx_msg *driver_sent(struct driver *d, char who, enum tx_msg_type type);
const struct tx_msg *driver_replied(struct driver *d, uint64_t client, enum tx_msg_type type);
bool driver_was_sent(struct driver *d, char who, enum tx_msg_type type);
size_t driver_count(struct driver *d, enum tx_msg_type type);
/* Nothing but HELLO, FORGET and notes was left over; forgets them. */
void driver_quiet(struct driver *d);
/* Forgets what was left over. */
void driver_ignore(struct driver *d);
/* Is there a note or an alarm with this text in it? Searches what was not yet forgotten. */
bool driver_noted(const struct driver *d, const char *text);
/* The newest record; NULL when it is of another type. */
const struct txlog_record *driver_record(struct driver *d, enum txlog_type type);

struct coord_stats driver_stats(const struct driver *d);
void assert_state(const struct driver *d, struct tx_id id, const char *state);

/* ---- messages ---- */
struct tx_op op_put(const char *participant, const char *key, const char *value);
struct tx_op op_get(const char *participant, const char *key);
struct tx_op op_scan(const char *participant, const char *from, const char *to, uint32_t limit);
/* Returns the id that the core gave, or will give, to the next transaction. */
struct tx_id next_id(const struct driver *d);

struct tx_id begin(struct driver *d);
struct tx_token token_of(struct tx_id id);
/* COMMIT_REQUEST for members given by letters; an upper-case letter is a read-only member. */
void commit_request(struct driver *d, struct tx_id id, const char *members);
void finish(struct driver *d, enum tx_msg_type type, struct tx_id id, const char *members);
/* One put for each letter. */
struct tx_id submit(struct driver *d, const char *members, const char *key);
/* At another level than serializable. */
void submit_at(struct driver *d, enum tx_isolation isolation, const struct tx_op *ops, size_t n,
               const char *key);
void submit_ops(struct driver *d, uint64_t client, const struct tx_op *ops, size_t n,
                const char *key);
void vote(struct driver *d, char who, struct tx_id id, enum tx_vote vote, size_t results);
void vote_no(struct driver *d, char who, struct tx_id id, enum tx_reason reason);
void ack(struct driver *d, char who, struct tx_id id);
void join(struct driver *d, char who, struct tx_id id);
void inquire(struct driver *d, char who, struct tx_id id);
void state(struct driver *d, char who, struct tx_id id, enum tx_state state);
void outcome_ack(struct driver *d, struct tx_id id);

/* The client's answer: takes it off and compares. */
const struct tx_msg_outcome *assert_outcome(struct driver *d, struct tx_id id,
                                            enum tx_outcome outcome, enum tx_reason reason);
void assert_error(struct driver *d, enum tx_error error, enum tx_reason reason, const char *text);

/* An interactive transaction of a and b in the state that its name says. */
struct tx_id tx_collecting(struct driver *d);
struct tx_id tx_deciding(struct driver *d);
struct tx_id tx_committed(struct driver *d);
struct tx_id tx_finished_committed(struct driver *d);
struct tx_id tx_finished_aborted(struct driver *d);
/* A one-shot of a alone, committed at once. */
struct tx_id tx_one_phase(struct driver *d);

/* So many transactions that are finished and acknowledged, hence the first to be forgotten. */
void fill_log(struct driver *d, size_t n);

#endif
