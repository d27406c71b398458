/* Text of witnesses. */
#include "witness.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define LIST_HEAD 8
#define LIST_TAIL 8

void witness_add(struct witness *witness, const char *format, ...)
{
    size_t room = sizeof witness->text - witness->length;
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(witness->text + witness->length, room, format, args);
    va_end(args);
    if (length > 0)
        witness->length += (size_t)length < room ? (size_t)length : room - 1;
}

const char *witness_name(const struct history_tx *tx, char out[WITNESS_NAME])
{
    if (tx_id_valid(tx->id))
        return tx_id_print(tx->id, out);
    (void)snprintf(out, WITNESS_NAME, "(process %" PRIu64 " at %" PRIu64 ")", tx->process,
                   tx->invoked_ns);
    return out;
}

void witness_add_list(struct witness *witness, const int64_t *list, uint32_t n)
{
    witness_add(witness, "[");
    for (uint32_t i = 0; i < n; i++) {
        if (i == LIST_HEAD && n > LIST_HEAD + LIST_TAIL) {
            witness_add(witness, ",...");
            i = n - LIST_TAIL;
        }
        witness_add(witness, "%s%" PRId64, i > 0 ? "," : "", list[i]);
    }
    witness_add(witness, "]");
}
