#include "tests/integration/answered.h"

#define TRIES 20 /* a product that never has them must not hang the test */

txclient_status submit_answered(txclient *client, const txclient_batch *batch,
                                const txclient_submit_options *options, txclient_value *values)
{
    txclient_status status = txclient_submit(client, batch, options, values);

    for (int i = 1; i < TRIES && status == TXCLIENT_OK && txclient_detail(client)->results_lost;
         i++)
        status = txclient_submit(client, batch, options, values);
    return status;
}
