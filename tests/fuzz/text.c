/* What people type and daemons print: transaction ids, names, addresses, operations, lock modes.
 * What is accepted prints as what is accepted again. */
#include "fuzz.h"

#include "common/assert.h"
#include "common/op.h"
#include "common/transport_address.h"

#include <stdlib.h>
#include <string.h>

static void check_id(const char *text)
{
    struct tx_id id;
    struct tx_id again;
    char printed[TX_ID_TEXT];
    if (tx_id_parse(text, &id) != TX_OK)
        return;
    enum tx_error error = tx_id_parse(tx_id_print(id, printed), &again);
    TX_ASSERT(tx_id_valid(id) && error == TX_OK && tx_id_equal(id, again));
}

static void check_address(const char *text, bool listen)
{
    struct transport_address address;
    struct transport_address again;
    struct tx_why why = {{0}};
    enum tx_error error = transport_address_parse(text, listen, &address, &why);
    TX_ASSERT(error == TX_OK || (error == TX_EADDRESS && why.text[0] != '\0'));
    if (error != TX_OK)
        return;
    size_t len = strlen(address.endpoint);
    TX_ASSERT(len > 0 && len <= TX_ADDRESS_MAX);
    TX_ASSERT(address.path == NULL ||
              (address.path > address.endpoint && address.path <= address.endpoint + len));
    error = transport_address_parse(address.endpoint, listen, &again, &why);
    TX_ASSERT(error == TX_OK && strcmp(address.endpoint, again.endpoint) == 0);
}

static void check_words(struct tx_bytes text)
{
    struct tx_name name;
    struct tx_address address;
    enum tx_op_type op;
    enum tx_lock_mode mode;
    char printed[64];
    if (tx_name_set(&name, text) == TX_OK)
        TX_ASSERT(tx_bytes_equal(tx_bytes_str(name.s), text));
    if (tx_address_set(&address, text) == TX_OK)
        TX_ASSERT(tx_bytes_equal(tx_bytes_str(address.s), text));
    if (tx_op_type_parse(text, &op) == TX_OK)
        TX_ASSERT(tx_bytes_equal(tx_bytes_str(tx_op_name(op)), text));
    if (tx_lock_mode_parse(text, &mode) == TX_OK)
        TX_ASSERT(strcasecmp(tx_lock_mode_name(mode), (const char *)text.data) == 0);
    TX_ASSERT(strlen(tx_bytes_print(text, printed, sizeof printed)) < sizeof printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tx_buf copy = {0};
    tx_buf_append(&copy, tx_bytes(data, size));
    tx_buf_u8(&copy, 0);
    TX_ASSERT(!copy.failed);
    const char *text = (const char *)copy.data;
    check_id(text);
    check_address(text, false);
    check_address(text, true);
    check_words(tx_bytes(copy.data, size));
    tx_buf_deinit(&copy);
    return 0;
}
