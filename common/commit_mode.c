#include "common/commit_mode.h"

static const char *const names[TX_COMMIT_MODES_N] = {
    [TX_COMMIT_DEFAULT] = "default",
    [TX_COMMIT_COORDINATOR] = "coordinator",
    [TX_COMMIT_PARTICIPANTS] = "participants",
};

const char *tx_commit_mode_name(enum tx_commit_mode mode)
{
    return (unsigned)mode < TX_COMMIT_MODES_N ? names[mode] : "?";
}

enum tx_error tx_commit_mode_parse(struct tx_bytes text, enum tx_commit_mode *mode)
{
    for (unsigned i = 0; i < TX_COMMIT_MODES_N; i++) {
        if (tx_bytes_equal(text, tx_bytes_str(names[i]))) {
            *mode = (enum tx_commit_mode)i;
            return TX_OK;
        }
    }
    return TX_EFORMAT;
}

bool tx_members_can_decide(const struct tx_member *members, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (members[i].read_only)
            return false;
    }
    return n >= 2;
}
