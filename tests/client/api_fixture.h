/* What the tests of the public functions share: a played cluster for each test, and short forms. */
#ifndef ASSENT_TESTS_CLIENT_API_FIXTURE_H
#define ASSENT_TESTS_CLIENT_API_FIXTURE_H

#include "tests/client/fake_cluster.h"
#include "tests/common/test.h"

extern struct fake fake;
extern txclient *client; /* its handle */

/* With a client that waits for every answer, and sends nothing twice: whatever holds a thread up
 * changes nothing. */
int api_start(void **state);
/* With one that does not wait long: for what gets lost. Whoever is held up may get, and send, more
 * copies than were lost. */
int api_start_lossy(void **state);
int api_stop(void **state);
#define TEST(name)       cmocka_unit_test_setup_teardown(name, api_start, api_stop)
#define TEST_LOSSY(name) cmocka_unit_test_setup_teardown(name, api_start_lossy, api_stop)

const txclient_detail_data *detail(void);
/* Fails the test, with the detail's text, unless the status is the expected one. */
void expect(txclient_status status, txclient_status expected);
txclient_tx *begin(void);
/* s/k at either participant. */
txclient_address at_a(void);
txclient_address at_b(void);

#endif
