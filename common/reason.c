/* The tables of outcomes and reasons. */
#include "common/reason.h"

static const char *const reason_names[TX_REASONS_N] = {
#define X(name, text, transient) [name] = (text),
    TX_REASONS(X)
#undef X
};

static const bool reason_transient[TX_REASONS_N] = {
#define X(name, text, transient) [name] = (transient),
    TX_REASONS(X)
#undef X
};

const char *tx_outcome_name(enum tx_outcome outcome)
{
    static const char *const names[TX_OUTCOMES_N] = {
        [TX_OUTCOME_UNKNOWN] = "unknown",
        [TX_OUTCOME_COMMITTED] = "committed",
        [TX_OUTCOME_ABORTED] = "aborted",
    };
    return (unsigned)outcome < TX_OUTCOMES_N ? names[outcome] : "?";
}

const char *tx_reason_name(enum tx_reason reason)
{
    return (unsigned)reason < TX_REASONS_N ? reason_names[reason] : "?";
}

bool tx_reason_transient(enum tx_reason reason)
{
    return (unsigned)reason < TX_REASONS_N && reason_transient[reason];
}
