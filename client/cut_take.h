/* Taking a cut that is newer than what the daemons of a cluster have done so far. */
#ifndef ASSENT_CLIENT_CUT_TAKE_H
#define ASSENT_CLIENT_CUT_TAKE_H

#include "client/txclient.h"

/* Asks the daemons at `n` addresses for the newest cut that they know, and has the handle's
 * coordinator take a newer one: `cut` is the coordinator's own position in it. A daemon that does
 * not answer is passed over, for whoever needs its position asks it again. Errors as
 * txclient_cut_begin() gives them. */
txclient_status cut_take(txclient *client, const char *const *addresses, size_t n,
                         txclient_cut *cut) TXCLIENT_MUST_CHECK;

#endif
