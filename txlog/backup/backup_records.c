/* Records out of pieces. */
#include "txlog/backup/backup_records.h"

enum tx_error backup_records_take(struct backup_records *records, struct tx_bytes piece,
                                  struct tx_why *why)
{
    struct tx_buf *pending = &records->pending;
    enum tx_error error = TX_OK;
    size_t taken = 0;
    tx_buf_append(pending, piece);
    if (pending->failed)
        return tx_why(why, TX_ENOMEM, "no memory to read records");
    while (error == TX_OK && pending->len > taken) {
        struct tx_reader r = tx_reader(tx_bytes(pending->data + taken, pending->len - taken));
        struct tx_bytes stored = tx_read_blob(&r);
        if (r.failed)
            break;
        error = records->visit(records->arg, stored, why);
        taken += r.at;
    }
    if (taken > 0)
        memmove(pending->data, pending->data + taken, pending->len - taken);
    pending->len -= taken;
    return error;
}
