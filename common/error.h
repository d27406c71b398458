/* Errors: one enum with one table of texts, and a buffer for the sentence that a person reads.
 *
 * A function that can fail returns enum tx_error and hands its values back through out-pointers.
 * What a person must know (what happened, to what, what to do) goes into a struct tx_why that the
 * caller owns. */
#ifndef ASSENT_COMMON_ERROR_H
#define ASSENT_COMMON_ERROR_H

#define TX_ERRORS(X)                                                                               \
    X(TX_OK, "ok")                                                                                 \
    X(TX_ENOMEM, "out of memory")                                                                  \
    X(TX_EINVAL, "invalid argument")                                                               \
    X(TX_ELIMIT, "a stated limit is reached")                                                      \
    X(TX_EFORMAT, "malformed data")                                                                \
    X(TX_EVERSION, "a format version this program does not know")                                  \
    X(TX_ENOTFOUND, "not found")                                                                   \
    X(TX_EEXIST, "exists already")                                                                 \
    X(TX_EIO, "input/output error")                                                                \
    X(TX_ECORRUPT, "stored data is damaged")                                                       \
    X(TX_EGAP, "the log has a gap")                                                                \
    X(TX_ELOST, "the newest part of the log is missing")                                           \
    X(TX_ECLUSTER, "belongs to another cluster")                                                   \
    X(TX_ENODE, "belongs to another node")                                                         \
    X(TX_EBUSY, "in use by another process")                                                       \
    X(TX_EFULL, "no space left")                                                                   \
    X(TX_EACCESS, "permission denied")                                                             \
    X(TX_EADDRESS, "unusable address")                                                             \
    X(TX_EUNREACHABLE, "peer not reachable")                                                       \
    X(TX_ETIMEOUT, "timed out")                                                                    \
    X(TX_ESTATE, "not possible in this state")                                                     \
    X(TX_ETOKEN, "the token does not belong to this transaction")                                  \
    X(TX_EUNKNOWN, "unknown transaction")

enum tx_error {
#define X(name, text) name,
    TX_ERRORS(X)
#undef X
        TX_ERRORS_N
};

#define TX_MUST_CHECK       __attribute__((warn_unused_result))
#define TX_PRINTF(at, args) __attribute__((format(printf, at, args)))

/* The text of an error; "unknown error" for a number that is none. Never NULL. */
const char *tx_error_text(enum tx_error error);

/* The name of an error as written in this header ("TX_EIO"). Never NULL. */
const char *tx_error_name(enum tx_error error);

/* One sentence for a person. Always NUL-terminated; a longer sentence is cut. */
struct tx_why {
    char text[512];
};

/* Writes the sentence and returns `error`, so that a failing function can `return tx_why(...)`.
 * `why` may be NULL: then only the error is passed on. */
enum tx_error tx_why(struct tx_why *why, enum tx_error error, const char *format, ...)
    TX_PRINTF(3, 4);

#endif
