#include "common/open_tx.h"

const char *tx_heuristic_name(enum tx_heuristic heuristic)
{
    static const char *const names[TX_HEURISTICS_N] = {
        [TX_HEURISTIC_NONE] = "NONE",
        [TX_HEURISTIC_OK] = "OK",
        [TX_HEURISTIC_DAMAGE] = "DAMAGE",
        [TX_HEURISTIC_LOST] = "LOST",
    };
    return (unsigned)heuristic < TX_HEURISTICS_N ? names[heuristic] : "?";
}

const char *tx_open_mode_name(enum tx_open_mode mode)
{
    static const char *const names[TX_OPEN_MODES_N] = {
#define X(name, text) [name] = (text),
        TX_OPEN_MODES(X)
#undef X
    };
    return (unsigned)mode < TX_OPEN_MODES_N ? names[mode] : "?";
}

const char *tx_waits_name(enum tx_waits waits)
{
    static const char *const names[TX_WAITS_N] = {
#define X(name, text) [name] = (text),
        TX_WAITS(X)
#undef X
    };
    return (unsigned)waits < TX_WAITS_N ? names[waits] : "?";
}

const char *tx_said_name(enum tx_said said)
{
    static const char *const names[TX_SAIDS_N] = {
#define X(name, text) [name] = (text),
        TX_SAIDS(X)
#undef X
    };
    return (unsigned)said < TX_SAIDS_N ? names[said] : "?";
}
