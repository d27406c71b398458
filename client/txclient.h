/* libtxclient: transactions over several participants, from C and C++.
 *
 * A transaction changes keys at one or more participants and commits everywhere or nowhere. It is
 * either interactive (begin, operations, commit) or one-shot (a batch of operations that is handed
 * over whole). docs/client-api.md is the guide with a complete program; this header is the
 * reference.
 *
 * Threads: a handle may be used by any number of threads at once; they share its sockets, and what
 * they ask for at the same time travels together. A transaction, its cursors and a batch belong to
 * one thread at a time; different ones may be used in parallel, on one handle too. A handle is
 * closed by one thread when no other uses it any more. The library starts nothing process-wide: no
 * signal handlers, no locale, no change of SIGPIPE. Signals do not interrupt its calls. A handle
 * must not be used after fork() in the child, not even to close it: open another one there.
 *
 * Time: every duration is in milliseconds; 0 stands for the default. Memory: what a call returns is
 * borrowed, and each comment says for how long, unless there is a function to free it. Bytes that a
 * caller passes are copied before the call returns. */
#ifndef TXCLIENT_H
#define TXCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define TXCLIENT_API        __attribute__((visibility("default")))
#define TXCLIENT_MUST_CHECK __attribute__((warn_unused_result))
#else
#define TXCLIENT_API
#define TXCLIENT_MUST_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- limits; a call beyond one gives TXCLIENT_ELIMIT ---- */

#define TXCLIENT_KEY_MAX             4096u        /* bytes of a key */
#define TXCLIENT_VALUE_MAX           (512u << 10) /* bytes of a value */
#define TXCLIENT_SPACE_MAX           64u          /* bytes of a keyspace's name */
#define TXCLIENT_NAME_MAX            31u          /* characters of a participant's name */
#define TXCLIENT_IDEMPOTENCY_KEY_MAX 64u          /* bytes of an idempotency key */
#define TXCLIENT_OPS_MAX             10000u       /* operations of a transaction */
#define TXCLIENT_PARTICIPANTS_MAX    64u          /* participants of a transaction */
#define TXCLIENT_SCAN_ROWS_MAX       10000u       /* rows of one scan in a batch, or of a page */
#define TXCLIENT_SCAN_BYTES_MAX      (256u << 10) /* bytes of those, when they are more than one */

/* ---- what a call says ---- */

typedef enum txclient_status {
    TXCLIENT_OK = 0,      /* done. For commit, submit, outcome and run: committed */
    TXCLIENT_ABORTED = 1, /* the transaction has no effect anywhere; the detail has the reason */
    TXCLIENT_UNKNOWN = 2, /* it may have committed: ask txclient_outcome() with the reference */
    TXCLIENT_EINVAL = 3,  /* an argument cannot be used; nothing was sent */
    TXCLIENT_ELIMIT = 4,  /* a limit is reached; nothing was sent */
    TXCLIENT_ENOMEM = 5,  /* out of memory; nothing was sent */
    TXCLIENT_ECONFIG = 6, /* the configuration file cannot be read or used */
    TXCLIENT_ESTATE = 7,  /* not possible any more (an operation after commit, ...) */
    TXCLIENT_EUNREACHABLE = 8, /* no connection to the daemon; nothing was sent */
    TXCLIENT_ETIMEOUT = 9,     /* no answer in time; nothing was decided */
    TXCLIENT_EREFUSED = 10,    /* the daemon refused and has done nothing; the reason may say why */
    TXCLIENT_EPROTOCOL = 11,   /* an answer that this library cannot understand */
    TXCLIENT_ESYSTEM = 12,     /* the operating system refused (descriptors, random numbers, ...) */
    TXCLIENT_EBUSY = 13 /* as many asynchronous calls are under way as the handle takes; nothing was
                           sent: txclient_process() first */
} txclient_status;

/* Why a transaction aborted. A transient reason may be gone at the next attempt. */
typedef enum txclient_reason {
    TXCLIENT_REASON_NONE = 0,
    TXCLIENT_REASON_WOUNDED = 1,      /* transient: an older transaction needed its lock */
    TXCLIENT_REASON_LOCK_TIMEOUT = 2, /* transient: waited too long for a lock */
    TXCLIENT_REASON_CHECK = 3,        /* a check found another value */
    TXCLIENT_REASON_EXISTS = 4,       /* an insert found the key */
    TXCLIENT_REASON_FLOOR = 5,        /* an add would go below its floor */
    TXCLIENT_REASON_CEILING = 6,      /* an add would go above its ceiling */
    TXCLIENT_REASON_NOT_COUNTER = 7,  /* an add found a value that is no number */
    TXCLIENT_REASON_REFUSED = 8,      /* the participant refuses the operation */
    TXCLIENT_REASON_CLIENT = 9,       /* the client asked for it */
    TXCLIENT_REASON_IDLE = 10,        /* transient: no word from the client for too long */
    TXCLIENT_REASON_LIMIT = 11,       /* a stated limit was reached */
    TXCLIENT_REASON_BUSY = 12,        /* transient: too many transactions are open */
    TXCLIENT_REASON_UNREACHABLE = 13, /* transient: a participant could not be reached */
    TXCLIENT_REASON_TIMEOUT = 14,     /* transient: votes or an answer did not come in time */
    TXCLIENT_REASON_RESTARTED = 15,   /* transient: a participant or coordinator restarted */
    TXCLIENT_REASON_DISK_FULL = 16,   /* transient: a node is at its disk reserve */
    TXCLIENT_REASON_DRAINING = 17,    /* transient: a node is drained, or about to stop */
    TXCLIENT_REASON_QUARANTINED = 18, /* a participant came back with an old disk */
    TXCLIENT_REASON_INQUIRED = 19,    /* transient: another participant asked before it voted */
    TXCLIENT_REASON_PRESUMED = 20,    /* transient: no commit record, so it never committed */
    TXCLIENT_REASON_OPERATOR = 21,    /* a person decided so */
    TXCLIENT_REASON_LOCK_CONFLICT =
        22 /* transient: a lock was not free, and the policy is not to wait */
} txclient_reason;

/* A short text of a status ("aborted", "no connection to the daemon"). Never NULL; static. */
TXCLIENT_API const char *txclient_status_text(txclient_status status);
/* The name of a reason ("wounded", "lock-timeout"), as txctl prints it. Never NULL; static. */
TXCLIENT_API const char *txclient_reason_name(txclient_reason reason);
TXCLIENT_API bool txclient_reason_transient(txclient_reason reason);
/* The version of the library that is loaded ("0.1.0"). Static. */
TXCLIENT_API const char *txclient_version(void);

/* One sentence for a person, filled by the calls that have no handle to keep it in. */
typedef struct txclient_why {
    char text[512];
} txclient_why;

/* ---- handles ---- */

typedef struct txclient txclient;               /* a connection to one coordinator */
typedef struct txclient_tx txclient_tx;         /* an interactive transaction */
typedef struct txclient_batch txclient_batch;   /* a list of operations */
typedef struct txclient_cursor txclient_cursor; /* a scan of an interactive transaction */
typedef struct txclient_node txclient_node;     /* what a daemon says of itself */
typedef struct txclient_locks txclient_locks;   /* locks of a participant */

/* Settings of a handle. Set `size` to sizeof and the rest to zero or NULL for the defaults. */
typedef struct txclient_options {
    size_t size;
    const char *name; /* a label for the daemons' logs, as a participant's name; may be NULL */
    uint32_t connect_timeout_ms; /* for a connection; default 5,000 */
    uint32_t request_timeout_ms; /* for an answer that does not depend on votes; default 15,000,
                                    above the participants' lock timeout */
    uint32_t commit_timeout_ms;  /* for an outcome; default 40,000, above the prepare timeout */
    uint32_t resend_ms;          /* the same request again after this, growing; default 500 */
    uint32_t message_max;        /* bytes of a frame, as the daemons have it; default 1 MiB */
    uint32_t reserved;           /* 0 */
    uint32_t in_flight_max;      /* asynchronous calls under way at once; default 1,024, at most
                                    TXCLIENT_IN_FLIGHT_MAX. Blocking calls do not count */
    uint32_t reserved2;          /* 0 */
} txclient_options;
#define TXCLIENT_IN_FLIGHT_MAX 1000000u

/* Opens a handle from a configuration file with a section [client] (see txclient(3)). Errors in it
 * are told as "FILE:LINE: what is wrong". Nothing is sent: an unreachable coordinator shows at the
 * first call. `why` may be NULL. TXCLIENT_ECONFIG, _ENOMEM, _ESYSTEM. `*client` is NULL unless OK.
 */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_open_file(const char *file,
                                                                    txclient **client,
                                                                    txclient_why *why);
/* Opens a handle. `cluster`: the name of the cluster; `coordinator`: "tcp://127.0.0.1:7400" or
 * "ipc:///path". `options` and `why` may be NULL. TXCLIENT_EINVAL, _ENOMEM, _ESYSTEM. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_open(const char *cluster,
                                                               const char *coordinator,
                                                               const txclient_options *options,
                                                               txclient **client,
                                                               txclient_why *why);
/* Closes the handle and sets the pointer to NULL; NULL inside is allowed. Transactions that are
 * still open are aborted; their objects remain the caller's to close. What is under way
 * asynchronously ends: each callback is called once, on this thread, TXCLIENT_UNKNOWN where a
 * transaction may have committed. Takes a second at most, and another one for what ZeroMQ has still
 * to send. */
TXCLIENT_API void txclient_close(txclient **client);

/* What is known about the calling thread's last call with a handle or with one of its transactions.
 * Borrowed until its next such call. The strings are never NULL. An asynchronous call that was
 * accepted leaves it as it was: its callback gets a detail of its own. */
typedef struct txclient_detail_data {
    txclient_status status;
    txclient_reason reason;  /* of an abort or a refusal */
    const char *participant; /* which caused an abort; empty when none did */
    const char *text;        /* a sentence for people; empty after success */
    const char
        *reference;    /* the transaction; empty when the call had none or its id is not known */
    bool results_lost; /* committed, but the values that it read are no longer at hand */
} txclient_detail_data;

TXCLIENT_API const txclient_detail_data *txclient_detail(const txclient *client);

/* ---- bytes and addresses ---- */

/* Borrowed bytes; they may hold anything, zeroes too. */
typedef struct txclient_bytes {
    const void *data;
    size_t len;
} txclient_bytes;

/* Where a value lives: a key in a keyspace of a participant. */
typedef struct txclient_address {
    const char *participant; /* its name */
    const char *space;
    txclient_bytes key;
} txclient_address;

static inline txclient_bytes txclient_data(const void *data, size_t len)
{
    txclient_bytes bytes;
    bytes.data = data;
    bytes.len = len;
    return bytes;
}

/* The bytes of a string, without its NUL. */
static inline txclient_bytes txclient_str(const char *text)
{
    return txclient_data(text, strlen(text));
}

/* The address of a key that is a string. */
static inline txclient_address txclient_at(const char *participant, const char *space,
                                           const char *key)
{
    txclient_address address;
    address.participant = participant;
    address.space = space;
    address.key = txclient_str(key);
    return address;
}

/* What an operation gave. get: the value, if found. delete: whether the key was there. add: the new
 * value of the counter as text. scan: see txclient_batch_scan(). All else: not found, empty. */
typedef struct txclient_value {
    bool found;
    const void *data; /* never NULL */
    size_t len;
} txclient_value;

typedef enum txclient_lock_mode {
    TXCLIENT_LOCK_IS = 1, /* intention to share, further down */
    TXCLIENT_LOCK_IX = 2, /* intention to write, further down */
    TXCLIENT_LOCK_S = 3,
    TXCLIENT_LOCK_U = 4, /* to read now and write later */
    TXCLIENT_LOCK_SIX = 5,
    TXCLIENT_LOCK_X = 6
} txclient_lock_mode;

/* How far a transaction is kept apart from the others. docs/isolation.md says what can happen at
 * each level, and how long it locks what. Writes are locked to the end at every level. */
typedef enum txclient_isolation {
    TXCLIENT_SERIALIZABLE = 0,    /* the default: as if one transaction ran after the other */
    TXCLIENT_REPEATABLE_READ = 1, /* what was read stays so; keys may be added to a scanned range */
    TXCLIENT_READ_COMMITTED = 2,  /* a read waits for who writes, and holds nobody up behind it */
    TXCLIENT_READ_UNCOMMITTED = 3 /* a read waits for nobody, and gives what was committed last */
} txclient_isolation;

/* The name of a level ("read-committed"), as txctl takes it; "?" for none. Static. */
TXCLIENT_API const char *txclient_isolation_name(txclient_isolation isolation);
/* The level of this name. TXCLIENT_EINVAL: there is none. */
TXCLIENT_API txclient_status txclient_isolation_parse(const char *name,
                                                      txclient_isolation *isolation);

/* Who decides the commit of a transaction that has written at several participants. What it
 * guarantees is the same; docs/protocol.md says how they differ. */
typedef enum txclient_commit_mode {
    TXCLIENT_COMMIT_DEFAULT = 0,     /* as the coordinator is configured: the participants */
    TXCLIENT_COMMIT_COORDINATOR = 1, /* the coordinator's own durable record */
    TXCLIENT_COMMIT_PARTICIPANTS = 2 /* the durable votes of all participants */
} txclient_commit_mode;

/* The name of a mode ("participants"); "?" for none. Static. */
TXCLIENT_API const char *txclient_commit_mode_name(txclient_commit_mode mode);
/* The mode of this name. TXCLIENT_EINVAL: there is none. */
TXCLIENT_API txclient_status txclient_commit_mode_parse(const char *name,
                                                        txclient_commit_mode *mode);

/* ---- interactive transactions ---- */

/* Set `size` to sizeof and the rest to zero for the defaults. */
typedef struct txclient_begin_options {
    size_t size;
    uint32_t lock_timeout_ms; /* for each lock; default: the participant's own. It adds to the time
                                 that the library waits for an operation's answer */
    uint32_t reserved;        /* 0 */
    txclient_isolation isolation;
    uint32_t reserved2; /* 0 */
    txclient_commit_mode commit_mode;
} txclient_begin_options;

/* Begins a transaction. `options` may be NULL. `*tx` is NULL unless OK, and is closed by the
 * caller. TXCLIENT_EINVAL: no such level or mode. TXCLIENT_EUNREACHABLE, _ETIMEOUT, _EREFUSED
 * (reason BUSY, DRAINING, ...), _ENOMEM: nothing has begun. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status
txclient_begin(txclient *client, const txclient_begin_options *options, txclient_tx **tx);

/* The operations. Each gives TXCLIENT_OK; TXCLIENT_ABORTED when the transaction is undone (the
 * detail says why, and every later call on it gives the same again); TXCLIENT_EINVAL or _ELIMIT
 * when it can never run, which leaves the transaction as it was; TXCLIENT_ESTATE after commit or
 * abort; TXCLIENT_ENOMEM. An operation without an answer aborts the transaction. Values are
 * borrowed until the transaction is closed. Out-pointers may be NULL. */

/* Reads under a shared lock; for_update under an update lock, for a value that is to be changed. */
TXCLIENT_API txclient_status txclient_get(txclient_tx *tx, txclient_address at,
                                          txclient_value *value);
TXCLIENT_API txclient_status txclient_get_for_update(txclient_tx *tx, txclient_address at,
                                                     txclient_value *value);
/* Sets a value. */
TXCLIENT_API txclient_status txclient_put(txclient_tx *tx, txclient_address at,
                                          txclient_bytes value);
/* Sets a value where there is none; reason EXISTS otherwise. */
TXCLIENT_API txclient_status txclient_insert(txclient_tx *tx, txclient_address at,
                                             txclient_bytes value);
/* Removes a key. An absent one is no error; `was_there` says so. */
TXCLIENT_API txclient_status txclient_delete(txclient_tx *tx, txclient_address at, bool *was_there);
/* Adds to a signed 64-bit counter, kept as decimal text; an absent one counts as 0. `min` and `max`
 * (inclusive) may be NULL; reason FLOOR, CEILING or NOT_COUNTER. `value`: what the counter holds
 * now. */
TXCLIENT_API txclient_status txclient_add(txclient_tx *tx, txclient_address at, int64_t delta,
                                          const int64_t *min, const int64_t *max, int64_t *value);
/* Aborts the transaction (reason CHECK) unless the value is `expected`, or unless the key is
 * absent. */
TXCLIENT_API txclient_status txclient_check(txclient_tx *tx, txclient_address at,
                                            txclient_bytes expected);
TXCLIENT_API txclient_status txclient_check_absent(txclient_tx *tx, txclient_address at);
/* Takes a lock. An empty key stands for the whole keyspace, an empty space with it for the whole
 * store; a key takes S, U and X only. */
TXCLIENT_API txclient_status txclient_lock(txclient_tx *tx, txclient_address at,
                                           txclient_lock_mode mode);
/* Several operations at one participant in one message. `values`: one for each operation, or NULL.
 * TXCLIENT_EINVAL for an empty batch and for one that names two participants. */
TXCLIENT_API txclient_status txclient_execute(txclient_tx *tx, const txclient_batch *batch,
                                              txclient_value *values);

/* Commits. TXCLIENT_OK: committed everywhere, durably. TXCLIENT_ABORTED: no effect anywhere.
 * TXCLIENT_UNKNOWN: no definite answer came in time, and the library has asked already; ask again
 * with txclient_outcome(). TXCLIENT_ESTATE when it has been committed or aborted before. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_commit(txclient_tx *tx);
/* Aborts. TXCLIENT_OK: it has no effect anywhere, whether or not the daemons could be told (they
 * find out through their idle limit). TXCLIENT_ESTATE after a commit. */
TXCLIENT_API txclient_status txclient_abort(txclient_tx *tx);
/* Frees the transaction and sets the pointer to NULL; aborts it first when it is still open. */
TXCLIENT_API void txclient_tx_close(txclient_tx **tx);
/* A text with which any process may ask what became of the transaction: "1-7-42@a,b" (its id and
 * the participants used so far). Borrowed until the next call with the transaction. NULL when out
 * of memory. */
TXCLIENT_API const char *txclient_tx_reference(txclient_tx *tx);

/* ---- scans ---- */

/* Keys of a keyspace, in the order of their bytes: those that satisfy all of the below. Set to zero
 * what is not wanted. A range that no key can be in is refused with TXCLIENT_EINVAL, an end of more
 * than TXCLIENT_KEY_MAX + 1 bytes with TXCLIENT_ELIMIT. */
typedef struct txclient_range {
    const char *participant; /* its name */
    const char *space;
    txclient_bytes from;   /* the first key; empty: from the beginning */
    txclient_bytes to;     /* the key that is just not in the range any more; empty: to the end */
    txclient_bytes prefix; /* what the keys begin with; empty: with anything */
    bool after;            /* `from` itself is not in the range */
} txclient_range;

/* The keys from one that is a string up to another, which is not in the range; "" stands for the
 * beginning and the end of the keyspace. */
static inline txclient_range txclient_between(const char *participant, const char *space,
                                              const char *from, const char *to)
{
    txclient_range range;
    memset(&range, 0, sizeof range);
    range.participant = participant;
    range.space = space;
    range.from = txclient_str(from);
    range.to = txclient_str(to);
    return range;
}

/* The keys that begin with a string; "" stands for all of them. */
static inline txclient_range txclient_prefix(const char *participant, const char *space,
                                             const char *prefix)
{
    txclient_range range = txclient_between(participant, space, "", "");
    range.prefix = txclient_str(prefix);
    return range;
}

typedef struct txclient_row {
    txclient_bytes key;
    txclient_bytes value;
} txclient_row;

/* Set `size` to sizeof and the rest to zero for the defaults. */
typedef struct txclient_scan_options {
    size_t size;
    uint64_t limit; /* rows; default: all */
    uint32_t
        page_rows; /* fetched in one message; default 1,000, at most TXCLIENT_SCAN_ROWS_MAX.
                      Rows that were fetched are locked, whether or not the caller takes them */
    bool reverse;  /* from the end of the range backwards */
} txclient_scan_options;

/* Begins to read a range in order, with what the transaction itself has written there. Nothing is
 * sent before the first row is asked for. `options` may be NULL. `*cursor` is NULL unless OK, and
 * is closed by the caller. TXCLIENT_EINVAL, _ELIMIT, _ENOMEM, _ABORTED, _ESTATE as operations give
 * them. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_scan(txclient_tx *tx,
                                                               const txclient_range *range,
                                                               const txclient_scan_options *options,
                                                               txclient_cursor **cursor);
/* Gives the next row. `found` is false, and the row empty, behind the last one. The row is borrowed
 * until the transaction is closed. Fetches a page when none is at hand: as an operation, it may
 * give TXCLIENT_ABORTED, and so on. A page shows the transaction's own writes up to when it was
 * fetched; at the levels below serializable others may write between two pages. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_scan_next(txclient_cursor *cursor,
                                                                    txclient_row *row, bool *found);
/* Closes the cursor and sets the pointer to NULL; NULL inside is allowed. The transaction goes on,
 * and rows and locks stay. A cursor whose transaction was closed gives TXCLIENT_ESTATE, and is
 * still to be closed. */
TXCLIENT_API void txclient_scan_close(txclient_cursor **cursor);

/* The rows in the value that a scan in a batch has given. */
typedef struct txclient_rows {
    const void *data;
    size_t len;
} txclient_rows;

static inline txclient_rows txclient_rows_of(const txclient_value *value)
{
    txclient_rows rows;
    rows.data = value->data;
    rows.len = value->len;
    return rows;
}

/* Takes the next row, borrowed for as long as the value; false behind the last one. */
TXCLIENT_API bool txclient_rows_next(txclient_rows *rows, txclient_row *row);
/* How a scan in a batch goes on. True: it stopped at its limit, or at TXCLIENT_SCAN_BYTES_MAX, and
 * `rest` is the part of `range` behind its last row; its bytes are borrowed from value and range.
 * False: that was all. `range` and `reverse` as the scan had them; `rest` may be NULL. */
TXCLIENT_API bool txclient_rows_more(const txclient_value *value, const txclient_range *range,
                                     bool reverse, txclient_range *rest);

/* ---- batches ---- */

/* NULL when out of memory. */
TXCLIENT_API txclient_batch *txclient_batch_new(void);
TXCLIENT_API void txclient_batch_free(txclient_batch **batch);
/* Empties the batch and forgets its failure. */
TXCLIENT_API void txclient_batch_clear(txclient_batch *batch);
TXCLIENT_API size_t txclient_batch_count(const txclient_batch *batch);

/* Each appends an operation; its value has the index that txclient_batch_count() gave before. The
 * first failure (TXCLIENT_EINVAL, _ELIMIT, _ENOMEM) sticks: later calls, submit and execute give it
 * again, so that one check is enough. Arguments as of the operations above. */
TXCLIENT_API txclient_status txclient_batch_get(txclient_batch *batch, txclient_address at);
TXCLIENT_API txclient_status txclient_batch_get_for_update(txclient_batch *batch,
                                                           txclient_address at);
TXCLIENT_API txclient_status txclient_batch_put(txclient_batch *batch, txclient_address at,
                                                txclient_bytes value);
TXCLIENT_API txclient_status txclient_batch_insert(txclient_batch *batch, txclient_address at,
                                                   txclient_bytes value);
TXCLIENT_API txclient_status txclient_batch_delete(txclient_batch *batch, txclient_address at);
TXCLIENT_API txclient_status txclient_batch_add(txclient_batch *batch, txclient_address at,
                                                int64_t delta, const int64_t *min,
                                                const int64_t *max);
TXCLIENT_API txclient_status txclient_batch_check(txclient_batch *batch, txclient_address at,
                                                  txclient_bytes expected);
TXCLIENT_API txclient_status txclient_batch_check_absent(txclient_batch *batch,
                                                         txclient_address at);
TXCLIENT_API txclient_status txclient_batch_lock(txclient_batch *batch, txclient_address at,
                                                 txclient_lock_mode mode);
/* Reads a range: 1 to TXCLIENT_SCAN_ROWS_MAX rows of it, and no more than TXCLIENT_SCAN_BYTES_MAX,
 * but one row at least where there is one. For the rows in its value see txclient_rows_of(), and
 * for what is behind them txclient_rows_more(); `found` says the latter, too. `reverse`: from the
 * end of the range backwards. */
TXCLIENT_API txclient_status txclient_batch_scan(txclient_batch *batch, const txclient_range *range,
                                                 uint32_t limit, bool reverse);
/* The sentence of the failure that sticks; empty when there is none. Borrowed until the next call.
 */
TXCLIENT_API const char *txclient_batch_error(const txclient_batch *batch);

/* ---- one-shot transactions ---- */

/* Set `size` to sizeof and the rest to zero for the defaults. */
typedef struct txclient_submit_options {
    size_t size;
    /* Names this piece of work, 1..64 bytes. The same key again runs nothing twice: it gives the
     * outcome of the first time. Empty: none, and an unanswered submit cannot be asked for again.
     */
    txclient_bytes idempotency_key;
    uint32_t timeout_ms;      /* for the participants' votes; default: the coordinator's own */
    uint32_t lock_timeout_ms; /* for each lock; default: the participant's own */
    txclient_isolation isolation;
    uint32_t reserved; /* 0 */
    txclient_commit_mode commit_mode;
} txclient_submit_options;

/* Runs a batch as one transaction, over any number of participants. `options` may be NULL.
 * `values`: one for each operation, or NULL; filled when committed, borrowed until the same
 * thread's next submit with this handle or its close (see results_lost of the detail). TXCLIENT_OK:
 * committed. TXCLIENT_ABORTED. TXCLIENT_UNKNOWN: with a key, submit again with the same key, or ask
 * txclient_outcome() when the detail has a reference; without a key there is no way to find out.
 * TXCLIENT_EINVAL, _ELIMIT, _ENOMEM, _EUNREACHABLE, _EREFUSED: nothing was done. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status
txclient_submit(txclient *client, const txclient_batch *batch,
                const txclient_submit_options *options, txclient_value *values);

/* ---- finding out ---- */

/* What became of a transaction. `reference`: from txclient_tx_reference(), from a detail, or an id
 * alone ("1-7-42"), with which less can be found out. Asks again until the answer is definite or
 * `wait_ms` has passed; 0: asks once. TXCLIENT_OK: committed. TXCLIENT_ABORTED. TXCLIENT_UNKNOWN:
 * nobody can tell now, or no answer came. TXCLIENT_EINVAL: no reference. TXCLIENT_EUNREACHABLE,
 * _EREFUSED, _ENOMEM. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_outcome(txclient *client,
                                                                  const char *reference,
                                                                  uint32_t wait_ms);

/* ---- running with retries ---- */

/* Set `size` to sizeof and the rest to zero for the defaults. */
typedef struct txclient_retry_options {
    size_t size;
    uint32_t attempts_max; /* default 20 */
    uint32_t time_max_ms;  /* from the first begin on, finding out included; default 60,000 */
    uint32_t backoff_ms;   /* before the second attempt, twice as long before each later one, less a
                              random part of up to a half; default 5 */
    uint32_t backoff_max_ms;      /* default 1,000 */
    uint32_t lock_timeout_ms;     /* as for begin */
    uint32_t reserved;            /* 0 */
    txclient_isolation isolation; /* of every attempt */
    uint32_t reserved2;           /* 0 */
    txclient_commit_mode commit_mode;
} txclient_retry_options;

/* The caller's work on a transaction that has begun. TXCLIENT_OK: commit it. Anything else ends the
 * attempt: return the status of the operation that failed. It must not commit, abort or close `tx`,
 * and it may run several times, so it must have no effect but through `tx`. */
typedef txclient_status (*txclient_work)(txclient_tx *tx, void *arg);

/* Begins, calls `work`, commits. After a transient abort it does so again with the age of the first
 * attempt, so that it is not wounded for ever. It never runs again while an outcome is unknown: it
 * asks for the outcome until that is found out or its time is over. `retry` may be NULL.
 * TXCLIENT_OK: committed. TXCLIENT_ABORTED: the last attempt's reason is in the detail.
 * TXCLIENT_UNKNOWN: as for commit. Else: what begin gave at last, or what `work` returned. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_run(txclient *client,
                                                              const txclient_retry_options *retry,
                                                              txclient_work work, void *arg);

/* ---- asynchronous calls: many transactions under way from one thread ----
 *
 * Each function below begins what the one of the same name does, and returns at once. TXCLIENT_OK:
 * accepted; `done` is called once, later, from within txclient_process() or txclient_close(), on
 * the thread that calls those, and never inside the accepting call. Anything else: nothing has
 * begun, `done` will not be called, and txclient_detail() says why; TXCLIENT_EBUSY when
 * `in_flight_max` calls are under way. Nothing is sent before txclient_process() is called (by
 * anybody), or a blocking call of another thread waits on the same handle; all that was accepted
 * until then leaves together. */

/* What came of an asynchronous call. Everything in it is borrowed for the time of the callback, but
 * for `tx`, and for what values of an interactive transaction point to: that lives until it is
 * closed. */
typedef struct txclient_result {
    txclient_status status; /* as the blocking call would have returned it */
    const txclient_detail_data *detail;
    const txclient_value *values; /* submit, execute: one for each operation when OK; else NULL */
    size_t values_n;
    txclient_tx *tx; /* begin: the transaction, when OK, the caller's to close. Operations, commit,
                        abort: theirs; NULL when it has been closed meanwhile. Else NULL */
} txclient_result;

/* May call everything but txclient_process(), which does nothing there, and txclient_close(). New
 * asynchronous calls are the usual thing; a blocking one holds up the callbacks behind it. */
typedef void (*txclient_done)(void *arg, const txclient_result *result);

TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status
txclient_submit_async(txclient *client, const txclient_batch *batch,
                      const txclient_submit_options *options, txclient_done done, void *arg);
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_begin_async(
    txclient *client, const txclient_begin_options *options, txclient_done done, void *arg);
/* One or more operations at one participant, as txclient_execute(). It may be called again before
 * the first answer is there, for the same participant or others: the operations at one participant
 * are done in the order of the calls, those at several in parallel. (Two messages to a participant
 * are on their way at a time; the next one leaves with the first answer.) When one fails the
 * transaction is aborted, and all that are under way give TXCLIENT_ABORTED with its reason. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_execute_async(txclient_tx *tx,
                                                                        const txclient_batch *batch,
                                                                        txclient_done done,
                                                                        void *arg);
/* The commit leaves when every operation under way has been answered, and not at all when one of
 * them fails: then it gives TXCLIENT_ABORTED. No operation can follow it. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_commit_async(txclient_tx *tx,
                                                                       txclient_done done,
                                                                       void *arg);
/* Operations that are under way give TXCLIENT_ABORTED. TXCLIENT_ESTATE after a commit was asked
 * for. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_abort_async(txclient_tx *tx,
                                                                      txclient_done done,
                                                                      void *arg);
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_outcome_async(
    txclient *client, const char *reference, uint32_t wait_ms, txclient_done done, void *arg);

/* Sends what is queued, takes what has arrived, ends what has taken too long, and calls the
 * callbacks of what is over. Waits for something to call: up to `timeout_ms`, 0 not at all, below 0
 * without end; but not when nothing is under way. Returns how many callbacks it has called. Several
 * threads may process one handle; each callback is called on one of them. */
TXCLIENT_API size_t txclient_process(txclient *client, int timeout_ms);
/* A descriptor that becomes readable when txclient_process() has something to do, time-outs
 * included, for poll(), select() and epoll. It belongs to the handle: only wait for it. After it
 * has become readable, call txclient_process(client, 0). */
TXCLIENT_API int txclient_fd(txclient *client);
/* Asynchronous calls that were accepted and whose callback has not begun. */
TXCLIENT_API size_t txclient_in_flight(const txclient *client);

/* ---- looking at daemons ---- */

typedef struct txclient_node_field {
    const char *name; /* "role", "version", counters, ... */
    const char *text;
} txclient_node_field;

typedef struct txclient_node_tx {
    const char *id;
    const char *state;
    const char *detail; /* what it waits for, in words; may be empty */
    uint64_t age_ms;
} txclient_node_tx;

typedef struct txclient_node_peer {
    const char *name;    /* "a", or "coordinator 1" */
    const char *address; /* empty when not known */
    const char *state;   /* "up", "down", "quarantined", ... */
    uint64_t start;      /* its incarnation or epoch */
    uint64_t silent_ms;  /* since its last word */
} txclient_node_peer;

/* Asks a daemon what it is doing. `address`: of any daemon; NULL: the handle's coordinator. The
 * node is the caller's to free. TXCLIENT_EINVAL, _EUNREACHABLE, _ETIMEOUT, _EREFUSED, _EPROTOCOL,
 * _ENOMEM. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_inspect(txclient *client,
                                                                  const char *address,
                                                                  txclient_node **node);
TXCLIENT_API void txclient_node_free(txclient_node **node);
/* The parts, by index; NULL beyond the last. Borrowed until the node is freed. */
TXCLIENT_API const txclient_node_field *txclient_node_field_at(const txclient_node *node, size_t i);
TXCLIENT_API const txclient_node_tx *txclient_node_tx_at(const txclient_node *node, size_t i);
TXCLIENT_API const txclient_node_peer *txclient_node_peer_at(const txclient_node *node, size_t i);
/* The text of the field of this name; NULL when there is none. Borrowed until the node is freed. */
TXCLIENT_API const char *txclient_node_get(const txclient_node *node, const char *name);

/* What an operator asks of a daemon. */
typedef enum txclient_admin_verb {
    TXCLIENT_ADMIN_DRAIN = 0,     /* refuse new transactions and finish the open ones, until undrain
                                     or a restart */
    TXCLIENT_ADMIN_UNDRAIN = 1,   /* take new transactions again */
    TXCLIENT_ADMIN_LOG_LEVEL = 2, /* `argument`: the level to log from on (debug, info, warn,
                                     error); NULL or empty: tell which one it is */
    TXCLIENT_ADMIN_RELOAD = 3,    /* read the configuration file again, as on SIGHUP */
    TXCLIENT_ADMIN_LOSS = 4,   /* a coordinator; `argument`: a participant in quarantine. Tell what
                                  it has lost, or why it cannot be let in again */
    TXCLIENT_ADMIN_READMIT = 5 /* likewise; let it in again with the loss that it has declared */
} txclient_admin_verb;

/* Asks a daemon to do so. `address`: of any daemon; NULL: the handle's coordinator.
 * `operator_name`: who asks, for the daemon's audit log, 1 to 31 letters, digits, '-', '_' and '.'.
 * `argument` may be NULL. The answer in words (for the log level: its name) is the text of
 * txclient_detail(), after success, too. TXCLIENT_OK: it is done, and the audit log of the daemon
 * says so durably. TXCLIENT_EREFUSED: nothing is done. TXCLIENT_EINVAL, _EUNREACHABLE, _ETIMEOUT
 * (sent, and maybe done), _EPROTOCOL, _ENOMEM. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_admin(txclient *client,
                                                                const char *address,
                                                                txclient_admin_verb verb,
                                                                const char *operator_name,
                                                                const char *argument);

/* Which locks of a participant? Set `size` to sizeof and the rest to zero or NULL for all of them.
 */
typedef struct txclient_locks_query {
    size_t size;
    bool waiting;      /* only those that are waited for */
    const char *space; /* only those in this keyspace */
    const char *tx;    /* only those of this transaction, as "1-7-42" */
    size_t rows_max;   /* default 1,000; at most TXCLIENT_LOCK_ROWS_MAX */
} txclient_locks_query;
#define TXCLIENT_LOCK_ROWS_MAX 1000000u

/* Somebody in the way of a waiter. */
typedef struct txclient_lock_blocker {
    const char *tx;
    const char *state; /* "working", "prepared", ... */
    uint64_t age_ms;   /* since it began there; from prepared on: since that */
    txclient_lock_mode mode;
    bool waits; /* for the mode, ahead; else it holds it */
    bool range; /* with a range of keys */
} txclient_lock_blocker;

/* A lock: of a key, a range of keys, a keyspace (the key is empty) or the whole store (the keyspace
 * is). */
typedef struct txclient_lock_row {
    const char *tx;
    const char *state;        /* of the transaction */
    uint64_t age_ms;          /* as above */
    uint64_t age;             /* who waits for whom goes by it: a lower number is older */
    uint32_t age_coordinator; /* and of two that are the same, the lower one of this */
    txclient_bytes space;
    txclient_bytes key, to;
    bool range; /* the keys from `key` up to `to`, which is excluded; an empty one has no end there
                 */
    txclient_lock_mode mode; /* held, or waited for */
    bool waiting;
    uint64_t waited_ms;
    const txclient_lock_blocker *blockers; /* of a waiter: those that hold first */
    size_t blockers_n;
    bool blockers_more; /* not all are named */
} txclient_lock_row;

/* Asks a participant for its locks: in the order in which the transactions began there, of each
 * what it holds and then what it waits for. `address`: the participant's. `query` may be NULL. The
 * list is fetched in pieces while the participant goes on working: each is right for its moment. It
 * is the caller's to free. TXCLIENT_EINVAL (an id or name that is none), _EUNREACHABLE, _ETIMEOUT,
 * _EREFUSED, _EPROTOCOL, _ENOMEM. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status
txclient_locks_ask(txclient *client, const char *address, const txclient_locks_query *query,
                   txclient_locks **locks);
TXCLIENT_API void txclient_locks_free(txclient_locks **locks);
/* By index; NULL beyond the last. Borrowed until the list is freed. */
TXCLIENT_API const txclient_lock_row *txclient_locks_at(const txclient_locks *locks, size_t i);
/* Were there more than `rows_max`? */
TXCLIENT_API bool txclient_locks_more(const txclient_locks *locks);

/* ---- backups ---- */

/* A backup is driven daemon by daemon (docs/backup.md): TXCLIENT_BACKUP_BEGIN at each, then
 * TXCLIENT_BACKUP_LOOK until its state is "copied" everywhere; one cut (below), then
 * TXCLIENT_BACKUP_FINISH at each with its position, and looking until all are "done". txctl backup
 * does this, and writes what makes a backup of it. Every step may be repeated. */
typedef enum txclient_backup_step {
    TXCLIENT_BACKUP_BEGIN,   /* write a checkpoint into the repository */
    TXCLIENT_BACKUP_LOOK,    /* only say how far it is */
    TXCLIENT_BACKUP_FINISH,  /* write the log up to the cut, too */
    TXCLIENT_BACKUP_ABANDON, /* give it up */
} txclient_backup_step;

/* Set `size` to sizeof and the rest to zero or NULL for the defaults. */
typedef struct txclient_backup_order {
    size_t size;
    txclient_backup_step step;
    const char *name;      /* of the backup, in every step */
    const char *directory; /* BEGIN: of the repository: absolute, as the daemon sees it */
    bool full;             /* BEGIN: take nothing over from an earlier backup */
    uint32_t patience_ms;  /* BEGIN: give it up when nobody asks for so long; default 30,000 */
    uint64_t cut, lsn;     /* FINISH: the number of the cut, and its position at this daemon */
} txclient_backup_order;

typedef struct txclient_backup_progress {
    char state[16];      /* "none", "copying", "copied", "finishing", "done", "failed" */
    char node[48];       /* "participant-a": what its part of the backup is called */
    uint64_t bytes;      /* of its part, as far as it is known */
    uint64_t done;       /* of these, read so far */
    uint64_t stored;     /* that were added to the repository */
    uint64_t checkpoint; /* up to this LSN the checkpoint reaches for certain */
    char text[512];      /* "failed": why, for people */
} txclient_backup_progress;

/* `address`: of any daemon; NULL: the handle's coordinator. TXCLIENT_EINVAL, _EUNREACHABLE,
 * _ETIMEOUT, _EREFUSED (the detail says why), _EPROTOCOL, _ENOMEM. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status
txclient_backup_ask(txclient *client, const char *address, const txclient_backup_order *order,
                    txclient_backup_progress *progress);

/* ---- cuts ---- */

/* A cut is a log position at every daemon such that no transaction is half within them: everything
 * that a client had been told was committed before the cut was begun lies within, and nothing
 * whose cause lies behind (docs/protocol.md, "The consistent cut"). Nobody is stopped for it. */
typedef struct txclient_cut {
    uint64_t number; /* from 1, ascending; 0: this daemon has taken none */
    uint64_t taken; /* the number that this daemon's log shows at that position; above `number` when
                     * it has missed that one, which is as good */
    uint64_t lsn;   /* its position: up to this record, it included, the log is within the cut */
    uint64_t time_ms; /* when this daemon took it: Unix milliseconds by its clock; for people */
} txclient_cut;

/* Takes a new cut and gives the coordinator's own position, once that is durable. `address`: of the
 * coordinator that is to begin it; NULL: the handle's. The other daemons hear of it at once, and
 * tell their positions to txclient_cut_ask(). TXCLIENT_EINVAL, _EUNREACHABLE, _ETIMEOUT, _EREFUSED
 * (a participant, or a fenced coordinator), _EPROTOCOL, _ENOMEM. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_cut_begin(txclient *client,
                                                                    const char *address,
                                                                    txclient_cut *cut);
/* The position of a daemon in the cut of that number, once it has taken it and that is durable;
 * number 0: of the newest one there, which may be none. `address`: of any daemon; NULL: the
 * handle's coordinator. Waits for up to `wait_ms`; 0: for the handle's request timeout. A new cut
 * is newer than everything that this daemon did before you asked it for its newest one if that had
 * a lower number. TXCLIENT_EINVAL, _EUNREACHABLE, _ETIMEOUT (it has not come: nobody has told the
 * daemon yet), _EREFUSED (the daemon remembers the last 16 only; or nobody can have given that
 * number), _EPROTOCOL, _ENOMEM. */
TXCLIENT_API TXCLIENT_MUST_CHECK txclient_status txclient_cut_ask(txclient *client,
                                                                  const char *address,
                                                                  uint64_t number, uint32_t wait_ms,
                                                                  txclient_cut *cut);

#ifdef __cplusplus
}
#endif

#endif
