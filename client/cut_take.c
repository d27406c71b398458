#include "client/cut_take.h"

/* A coordinator that has not heard of the newest cut gives a number that others know already: it
 * is asked again, and counts on. */
#define ATTEMPTS 64u

/* The newest number that any of them has: a cut with a higher one is newer than this moment. */
static uint64_t newest_of(txclient *client, const char *const *addresses, size_t n)
{
    uint64_t newest = 0;
    for (size_t i = 0; i < n; i++) {
        txclient_cut cut;
        if (txclient_cut_ask(client, addresses[i], 0, 0, &cut) == TXCLIENT_OK &&
            cut.taken > newest) {
            newest = cut.taken;
        }
    }
    return newest;
}

txclient_status cut_take(txclient *client, const char *const *addresses, size_t n,
                         txclient_cut *cut)
{
    const uint64_t newest = newest_of(client, addresses, n);
    txclient_status status = TXCLIENT_OK;
    *cut = (txclient_cut){0};
    for (unsigned i = 0; status == TXCLIENT_OK && cut->number <= newest && i < ATTEMPTS; i++) {
        status = txclient_cut_begin(client, NULL, cut);
    }
    return status;
}
