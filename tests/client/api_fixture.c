/* The fixture of the public functions' tests. */
#include "tests/client/api_fixture.h"

struct fake fake;
txclient *client;

int api_start(void **state)
{
    (void)state;
    fake_start(&fake);
    fake_be_patient(&fake);
    client = fake.client;
    return 0;
}

int api_start_lossy(void **state)
{
    (void)state;
    fake_start(&fake);
    client = fake.client;
    return 0;
}

int api_stop(void **state)
{
    (void)state;
    fake_stop(&fake);
    return 0;
}

const txclient_detail_data *detail(void)
{
    return txclient_detail(client);
}

void expect(txclient_status status, txclient_status expected)
{
    if (status != expected) {
        fail_msg("\"%s\" (%s) instead of \"%s\"", txclient_status_text(status), detail()->text,
                 txclient_status_text(expected));
    }
}

txclient_tx *begin(void)
{
    txclient_tx *tx = NULL;
    expect(txclient_begin(client, NULL, &tx), TXCLIENT_OK);
    assert_non_null(tx);
    return tx;
}

txclient_address at_a(void)
{
    return txclient_at("a", "s", "k");
}

txclient_address at_b(void)
{
    return txclient_at("b", "s", "k");
}
