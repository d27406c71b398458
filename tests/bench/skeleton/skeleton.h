/* The bare floor of a commit over two participants: the messages and forced writes of the protocol
 * over the same libraries, and nothing else. No locks, no encoding, no timeouts, no recovery: what
 * is left is what ZeroMQ, RocksDB, the disk and the processor take.
 *
 *     client --SUBMIT--> coordinator --PREPARE--> both participants
 *     participant: reads the balance, forces a prepare record, VOTEs
 *     coordinator: mode a forces the decision, then answers (DONE) and sends COMMIT
 *                  mode d answers (DONE) and sends COMMIT, then notes the decision, unforced
 *     participant: writes the balance, deletes the record, unforced, ACKs
 *     coordinator: deletes the decision with a later write
 *
 * Ten messages, forced records: three (mode a) or two (mode d). Every loop takes all that has come,
 * writes it in one batch with at most one sync (that is the group commit), and sends one frame to
 * each peer. */
#ifndef ASSENT_TESTS_BENCH_SKELETON_H
#define ASSENT_TESTS_BENCH_SKELETON_H

#include <rocksdb/c.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SKELETON_FRAME_MAX 4096u /* messages in a frame; more clients there cannot be */
#define SKELETON_BALANCE   INT64_C(1000000)

enum skeleton_type { SUBMIT = 1, PREPARE, VOTE, COMMIT, ACK, DONE, STOP };

struct message {
    uint32_t type;
    uint32_t accounts[2]; /* at each participant */
    uint32_t tag;         /* the client's own */
    uint64_t tx;
    int64_t amount;
    char rest[96]; /* about as long as what Assent sends */
};

/* Messages for one peer that leave together. */
struct frame {
    size_t n;
    struct message messages[SKELETON_FRAME_MAX];
};

/* Shared by all processes of a run. */
struct skeleton {
    char directory[512];
    unsigned accounts; /* at each participant */
    bool forced_decision;
    sem_t participants_listen, coordinator_listens;
    char participant_at[2][128];
    char coordinator_at[128];
    int64_t sums[2]; /* of the balances in each participant's store, when it has stopped */
};

/* What nodes and clients do. Failures end the process with a text on the standard error: here is
 * nothing to recover. */
void skeleton_fail(const char *what, const char *why);
void skeleton_participant(struct skeleton *run, unsigned number);
void skeleton_coordinator(struct skeleton *run);

/* ---- transport ---- */

/* Socket of `type`, with unlimited queues. `bind_to`: address to bind; gets the real one written to
 * `at` of 128 bytes. */
void *skeleton_listen(void *context, int type, char *at);
void *skeleton_connect(void *context, const char *at);
/* Adds a copy of `message` with another type. */
void skeleton_add(struct frame *frame, const struct message *message, enum skeleton_type type);
/* Sends what is in the frame, behind `peer` where the socket is a ROUTER, and empties it. */
void skeleton_send(void *socket, struct frame *frame, const unsigned char *peer, size_t peer_len);
/* Messages of the next frame; 0: none has come, which only happens without `wait`. */
size_t skeleton_receive(void *socket, struct message *messages, bool wait);

/* ---- store ---- */

struct store {
    rocksdb_t *db;
    rocksdb_writebatch_t *batch;
    rocksdb_writeoptions_t *forced, *lazy;
    rocksdb_readoptions_t *reads;
};

struct store_key {
    char text[16];
};

void store_open(struct store *store, const char *directory, const char *name);
void store_close(struct store *store);
struct store_key store_key(char kind, uint64_t number);
/* Writes and empties the batch. */
void store_write(struct store *store, bool forced);
/* Exactly `len` bytes must be there. */
void store_read(struct store *store, struct store_key key, void *value, size_t len);

#endif
