/* One-shots whose results the test wants. */
#ifndef ASSENT_TESTS_INTEGRATION_ANSWERED_H
#define ASSENT_TESTS_INTEGRATION_ANSWERED_H

#include "client/txclient.h"

/* Submits a batch that may be done twice: again, when it has committed and its results are lost, as
 * they are with a vote that has to be asked for again (txclient_submit()). Gives what
 * txclient_submit() gave. */
txclient_status submit_answered(txclient *client, const txclient_batch *batch,
                                const txclient_submit_options *options, txclient_value *values);

#endif
