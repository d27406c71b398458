/* Texts and names of the public enums, which mirror those of the daemons. */
#include "client/client_shell.h"

#include "common/reason.h"

const char *txclient_version(void)
{
    return ASSENT_VERSION;
}

const char *txclient_status_text(txclient_status status)
{
    switch (status) {
    case TXCLIENT_OK:
        return "ok";
    case TXCLIENT_ABORTED:
        return "aborted";
    case TXCLIENT_UNKNOWN:
        return "the outcome is not known";
    case TXCLIENT_EINVAL:
        return "an argument cannot be used";
    case TXCLIENT_ELIMIT:
        return "a limit is reached";
    case TXCLIENT_ENOMEM:
        return "out of memory";
    case TXCLIENT_ECONFIG:
        return "the configuration cannot be used";
    case TXCLIENT_ESTATE:
        return "not possible any more";
    case TXCLIENT_EUNREACHABLE:
        return "no connection to the daemon";
    case TXCLIENT_ETIMEOUT:
        return "no answer in time";
    case TXCLIENT_EREFUSED:
        return "refused by the daemon";
    case TXCLIENT_EPROTOCOL:
        return "the daemon's answer cannot be understood";
    case TXCLIENT_ESYSTEM:
        return "refused by the operating system";
    case TXCLIENT_EBUSY:
        return "too much is under way";
    }
    return "unknown status";
}

const char *txclient_isolation_name(txclient_isolation isolation)
{
    return tx_isolation_name((enum tx_isolation)isolation);
}

txclient_status txclient_isolation_parse(const char *name, txclient_isolation *isolation)
{
    enum tx_isolation found = TX_SERIALIZABLE;
    if (tx_isolation_parse(tx_bytes_str(name), &found) != TX_OK) {
        return TXCLIENT_EINVAL;
    }
    *isolation = (txclient_isolation)found;
    return TXCLIENT_OK;
}

txclient_status client_check_isolation(struct client_detail *detail, txclient_isolation isolation)
{
    if ((unsigned)isolation < TX_ISOLATIONS_N) {
        return TXCLIENT_OK;
    }
    return client_fail(detail, TXCLIENT_EINVAL,
                       "%u is no isolation level; there are serializable, repeatable-read, "
                       "read-committed and read-uncommitted",
                       (unsigned)isolation);
}

const char *txclient_commit_mode_name(txclient_commit_mode mode)
{
    return tx_commit_mode_name((enum tx_commit_mode)mode);
}

txclient_status txclient_commit_mode_parse(const char *name, txclient_commit_mode *mode)
{
    enum tx_commit_mode found = TX_COMMIT_DEFAULT;
    if (tx_commit_mode_parse(tx_bytes_str(name), &found) != TX_OK) {
        return TXCLIENT_EINVAL;
    }
    *mode = (txclient_commit_mode)found;
    return TXCLIENT_OK;
}

txclient_status client_check_commit_mode(struct client_detail *detail, txclient_commit_mode mode)
{
    if ((unsigned)mode < TX_COMMIT_MODES_N) {
        return TXCLIENT_OK;
    }
    return client_fail(detail, TXCLIENT_EINVAL,
                       "%u is no commit mode; there are default, coordinator and participants",
                       (unsigned)mode);
}

/* The public numbers are those of the messages; each is compared, so that neither can move alone.
 */
#define SAME(public_name, own_name)                                                                \
    _Static_assert((int)(public_name) == (int)(own_name), #public_name " has moved")
SAME(TXCLIENT_REASON_NONE, TX_REASON_NONE);
SAME(TXCLIENT_REASON_WOUNDED, TX_REASON_WOUNDED);
SAME(TXCLIENT_REASON_LOCK_TIMEOUT, TX_REASON_LOCK_TIMEOUT);
SAME(TXCLIENT_REASON_CHECK, TX_REASON_CHECK);
SAME(TXCLIENT_REASON_EXISTS, TX_REASON_EXISTS);
SAME(TXCLIENT_REASON_FLOOR, TX_REASON_FLOOR);
SAME(TXCLIENT_REASON_CEILING, TX_REASON_CEILING);
SAME(TXCLIENT_REASON_NOT_COUNTER, TX_REASON_NOT_COUNTER);
SAME(TXCLIENT_REASON_REFUSED, TX_REASON_REFUSED);
SAME(TXCLIENT_REASON_CLIENT, TX_REASON_CLIENT);
SAME(TXCLIENT_REASON_IDLE, TX_REASON_IDLE);
SAME(TXCLIENT_REASON_LIMIT, TX_REASON_LIMIT);
SAME(TXCLIENT_REASON_BUSY, TX_REASON_BUSY);
SAME(TXCLIENT_REASON_UNREACHABLE, TX_REASON_UNREACHABLE);
SAME(TXCLIENT_REASON_TIMEOUT, TX_REASON_TIMEOUT);
SAME(TXCLIENT_REASON_RESTARTED, TX_REASON_RESTARTED);
SAME(TXCLIENT_REASON_DISK_FULL, TX_REASON_DISK_FULL);
SAME(TXCLIENT_REASON_DRAINING, TX_REASON_DRAINING);
SAME(TXCLIENT_REASON_QUARANTINED, TX_REASON_QUARANTINED);
SAME(TXCLIENT_REASON_INQUIRED, TX_REASON_INQUIRED);
SAME(TXCLIENT_REASON_PRESUMED, TX_REASON_PRESUMED);
SAME(TXCLIENT_REASON_OPERATOR, TX_REASON_OPERATOR);
SAME(TXCLIENT_REASON_LOCK_CONFLICT, TX_REASON_LOCK_CONFLICT);
SAME(TXCLIENT_REASON_LOCK_CONFLICT + 1, TX_REASONS_N);

SAME(TXCLIENT_LOCK_IS, TX_LOCK_IS);
SAME(TXCLIENT_LOCK_IX, TX_LOCK_IX);
SAME(TXCLIENT_LOCK_S, TX_LOCK_S);
SAME(TXCLIENT_LOCK_U, TX_LOCK_U);
SAME(TXCLIENT_LOCK_SIX, TX_LOCK_SIX);
SAME(TXCLIENT_LOCK_X, TX_LOCK_X);

/* A field in what was padding before could not be told by the size from what is not there. */
_Static_assert(offsetof(txclient_begin_options, isolation) >= 2 * sizeof(size_t) &&
                   offsetof(txclient_retry_options, isolation) >= sizeof(size_t) + 24,
               "an older program's options end before the level");
_Static_assert(offsetof(txclient_begin_options, commit_mode) == 24 &&
                   offsetof(txclient_submit_options, commit_mode) >= 3 * sizeof(size_t) + 16 &&
                   offsetof(txclient_retry_options, commit_mode) >= sizeof(size_t) + 32 &&
                   offsetof(txclient_options, in_flight_max) >= 2 * sizeof(size_t) + 24,
               "an older program's options end before these");
SAME(TXCLIENT_COMMIT_DEFAULT, TX_COMMIT_DEFAULT);
SAME(TXCLIENT_COMMIT_COORDINATOR, TX_COMMIT_COORDINATOR);
SAME(TXCLIENT_COMMIT_PARTICIPANTS, TX_COMMIT_PARTICIPANTS);
SAME(TXCLIENT_COMMIT_PARTICIPANTS + 1, TX_COMMIT_MODES_N);
SAME(TXCLIENT_SERIALIZABLE, TX_SERIALIZABLE);
SAME(TXCLIENT_REPEATABLE_READ, TX_REPEATABLE_READ);
SAME(TXCLIENT_READ_COMMITTED, TX_READ_COMMITTED);
SAME(TXCLIENT_READ_UNCOMMITTED, TX_READ_UNCOMMITTED);
SAME(TXCLIENT_READ_UNCOMMITTED + 1, TX_ISOLATIONS_N);

SAME(TXCLIENT_KEY_MAX, TX_KEY_MAX);
SAME(TXCLIENT_VALUE_MAX, TX_VALUE_MAX);
SAME(TXCLIENT_SPACE_MAX, TX_SPACE_MAX);
SAME(TXCLIENT_NAME_MAX, TX_NAME_MAX);
SAME(TXCLIENT_IDEMPOTENCY_KEY_MAX, TX_IDEMPOTENCY_KEY_MAX);
SAME(TXCLIENT_OPS_MAX, TX_OPS_MAX);
SAME(TXCLIENT_PARTICIPANTS_MAX, TX_MEMBERS_MAX);
SAME(TXCLIENT_SCAN_ROWS_MAX, TX_SCAN_ROWS_MAX);
SAME(TXCLIENT_SCAN_BYTES_MAX, TX_SCAN_BYTES_MAX);
SAME(TXCLIENT_IN_FLIGHT_MAX, CLIENT_IN_FLIGHT_MAX);

const char *txclient_reason_name(txclient_reason reason)
{
    return tx_reason_name((enum tx_reason)reason);
}

bool txclient_reason_transient(txclient_reason reason)
{
    return tx_reason_transient((enum tx_reason)reason);
}
