/* What tests do with transactions on a cluster of real daemons. One cluster and one client for a
 * test at a time; the participants are "a", "b", ...; keys are in the keyspace "t". */
#ifndef ASSENT_TESTS_INTEGRATION_WORK_H
#define ASSENT_TESTS_INTEGRATION_WORK_H

#include "client/txclient.h"
#include "tests/integration/cluster.h"

#include <stdint.h>

/* Long enough for anything that must happen, on a busy machine and under sanitizers. */
#define WORK_MS 60000

extern struct cluster cluster;
extern txclient *client;

/* The place of a key of the keyspace "t". */
#define AT(participant, key) txclient_at((participant), "t", (key))

/* Fails the test, with the client's sentence, unless the call gives the status. */
#define expect(call, wanted)               work_expect(client, (call), (wanted), #call, __LINE__)
#define expect_of(with, call, wanted)      work_expect((with), (call), (wanted), #call, __LINE__)
#define expect_aborted(call, why)          work_aborted(client, (call), (why), #call, __LINE__)
#define expect_aborted_of(with, call, why) work_aborted((with), (call), (why), #call, __LINE__)

void work_expect(const txclient *of, txclient_status status, txclient_status wanted,
                 const char *what, int line);
void work_aborted(const txclient *of, txclient_status status, txclient_reason reason,
                  const char *what, int line);

/* Teardown for cmocka: closes the client, kills what still runs, removes the directory. Also after
 * a failure. */
int work_teardown(void **state);

/* Starts all daemons, and opens the client when every participant is up for the coordinator. */
void work_start(void);
/* The same, with this value under "k" at a and b. */
void work_start_with(const char *value);

/* A client with the default times. */
txclient *work_client(const struct daemon *coordinator);
/* A client that gives up soon: for calls that must fail. */
txclient *work_quick_client(const struct daemon *coordinator);
/* A client that gives up waiting for an outcome soon, and has patience for what must succeed
 * before: for transactions that are left in doubt on purpose. */
txclient *work_doubting_client(const struct daemon *coordinator);

txclient_tx *work_begin(txclient *with);
/* One transaction that puts `value` under `key` at every participant named by a letter of `at`. */
txclient_status work_put(txclient *with, const char *at, const char *key, const char *value);
/* The same until it commits; fails the test on what a retry cannot mend. */
void work_put_surely(txclient *with, const char *at, const char *key, const char *value);
/* Fails the test unless the key has the value; NULL stands for absent. Waits for daemons that are
 * being started. */
void work_holds(txclient *with, const char *participant, const char *key, const char *value);
/* Gives the outcome of a reference, asked for until it is definite. */
txclient_status work_outcome(txclient *with, const char *reference);

/* Leaves a transaction that puts "new" under "k" in doubt at a and b, and the coordinator dead
 * before it could decide: which it must do itself, and not soon by a timer (timers.prepare and
 * peer_down). Gives the id of the transaction. */
void work_leave_in_doubt(char id[64]);

/* The status of a daemon, to be freed with txclient_node_free(); NULL when it does not answer. */
txclient_node *work_inspect(const struct daemon *daemon);
/* A field of a daemon's status; false when it does not answer. */
bool work_field(const struct daemon *daemon, const char *name, char *text, size_t size);
/* A number in a daemon's status, as soon as it answers; fails the test when it never does. */
uint64_t work_number(const struct daemon *daemon, const char *name);
/* What a coordinator's status says of a participant. */
bool work_peer_state(const struct daemon *coordinator, const char *name, char *text, size_t size);
/* Waits until the field has the text; fails the test when it never has. */
void work_await_field(const struct daemon *daemon, const char *name, const char *text);
/* The same with a number that has at least this value. */
void work_await_number(const struct daemon *daemon, const char *name, uint64_t least);
/* Waits until all has left that the daemon had to send when it was last looked at: an answer about
 * its status may go first of what one turn of its loop has made, and the next answer comes in
 * another turn. Before it is stopped or killed for the sake of what it has sent. */
void work_await_sent(const struct daemon *daemon);
/* Waits until one transaction is prepared at this participant, and its vote has left. */
void work_await_voted(const struct daemon *participant);
/* Waits until all that a participant has written so far is on disk: of that, kill -9 takes nothing
 * back. What it shows and says it need not have written yet. */
void work_await_durable(const struct daemon *daemon);
/* Waits until its archive has come to this LSN, which is durable: for as long as it comes nearer,
 * however far behind it is. Archiving has the lowest priority of all. */
void work_await_archived(const struct daemon *daemon, uint64_t lsn);
/* Waits until every participant is up for the coordinator: interactive work may begin. */
void work_await_all_up(const struct daemon *coordinator);
void work_await_peer(const struct daemon *coordinator, const char *name, const char *state);
/* Starts a coordinator again that decides every commit itself, whatever is the default. */
void work_decides_by_itself(struct daemon *coordinator);
/* Waits until nothing is open, in doubt or locked, and no decision is still being driven home. */
void work_await_quiet(void);

#endif
