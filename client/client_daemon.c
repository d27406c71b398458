/* What the calls about one daemon have in common: where it is, which transaction is meant, and its
 * answer copied. */
#include "client/client_shell.h"

#include <string.h>

txclient_status client_channel_at(txclient *client, struct client_thread *self, const char *address,
                                  struct client_channel **channel)
{
    struct tx_address parsed = {0};
    struct tx_why why;
    *channel = client->coordinator;
    if (address == NULL) {
        return TXCLIENT_OK;
    }
    if (tx_address_set(&parsed, tx_bytes_str(address)) != TX_OK) {
        return client_fail(&self->detail, TXCLIENT_EINVAL, "an address has at most %u characters",
                           TX_ADDRESS_MAX);
    }
    enum tx_error error = client_channel_get(client, &parsed, channel, &why);
    return error == TX_OK ? TXCLIENT_OK
                          : client_fail(&self->detail, client_status_of(error), "%s", why.text);
}

txclient_status client_read_tx(struct client_detail *detail, const char *text, struct tx_id *id)
{
    if (text == NULL || tx_id_parse(text, id) != TX_OK) {
        return client_fail(detail, TXCLIENT_EINVAL, "\"%.80s\" is no transaction id, as 1-7-42",
                           text != NULL ? text : "");
    }
    return TXCLIENT_OK;
}

const char *client_copy_text(struct tx_arena *arena, struct tx_bytes text, bool *failed)
{
    char *copy = tx_arena_alloc(arena, text.len + 1, 1);
    if (copy == NULL) {
        *failed = true;
        return "";
    }
    if (text.len > 0) {
        memcpy(copy, text.data, text.len);
    }
    return copy;
}

const char *client_copy_id(struct tx_arena *arena, struct tx_id id, bool *failed)
{
    char text[TX_ID_TEXT];
    return client_copy_text(arena, tx_bytes_str(tx_id_print(id, text)), failed);
}

txclient_bytes client_copy_bytes(struct tx_arena *arena, struct tx_bytes bytes, bool *failed)
{
    struct tx_bytes copy = tx_arena_copy(arena, bytes);
    *failed = *failed || copy.len != bytes.len;
    return txclient_data(copy.len > 0 ? (const void *)copy.data : "", copy.len);
}
