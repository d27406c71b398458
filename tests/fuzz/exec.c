/* The language of txctl exec. A mistake is told with its place within the text; what is understood
 * has a printable address for each operation; and how a scan goes on is understood again. */
#include "fuzz.h"

#include "client/txctl/exec_parse.h"
#include "common/assert.h"
#include "common/limits.h"
#include "common/op.h"
#include "common/rows.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A scan that has given one row, whose key is its own beginning with one byte more. */
static void check_rest(const struct exec_scan *scan)
{
    struct tx_buf packed = {0};
    uint8_t key[TX_BOUND_MAX + 1] = {0};
    size_t len = scan->range.from.len < TX_KEY_MAX ? scan->range.from.len : TX_KEY_MAX - 1;
    if (len > 0)
        memcpy(key, scan->range.from.data, len);
    tx_rows_add(&packed, (struct tx_row){tx_bytes(key, len + 1), tx_bytes_str("v")});
    const txclient_value value = {.found = true, .data = packed.data, .len = packed.len};
    char *rest = exec_scan_rest(scan, &value);
    if (rest != NULL) {
        struct exec_script again = {0};
        struct exec_error error = {0};
        txclient_status status = exec_parse(rest, strlen(rest), &again, &error);
        TX_ASSERT(status == TXCLIENT_OK && again.n == 1 && again.ops[0].scan != NULL);
        TX_ASSERT(again.ops[0].scan->limit == scan->limit);
        TX_ASSERT(again.ops[0].scan->reverse == scan->reverse);
        exec_script_deinit(&again);
    }
    free(rest);
    tx_buf_deinit(&packed);
}

static void check_script(const struct exec_script *script)
{
    for (size_t i = 0; i < script->n; i++) {
        const struct exec_op *op = &script->ops[i];
        TX_ASSERT(op->verb != NULL && op->address != NULL);
        for (const char *c = op->address; *c != '\0'; c++)
            TX_ASSERT(isprint((unsigned char)*c));
        if (op->scan != NULL)
            check_rest(op->scan);
    }
}

static void check_error(const struct exec_error *error, const char *text, size_t len)
{
    char *printed = NULL;
    size_t printed_len;
    size_t lines = 1;
    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    TX_ASSERT(error->text[0] != '\0' && error->line >= 1 && error->line <= lines);
    TX_ASSERT(error->column >= 1 && error->column <= len + 1);
    FILE *file = open_memstream(&printed, &printed_len);
    TX_ASSERT(file != NULL);
    exec_error_print(error, "script", text, len, file);
    int closed = fclose(file);
    TX_ASSERT(closed == 0 && printed_len > 0);
    free(printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct exec_script script = {0};
    struct exec_error error = {0};
    txclient_status status = exec_parse(text, size, &script, &error);
    TX_ASSERT(status == TXCLIENT_OK || status == TXCLIENT_EINVAL || status == TXCLIENT_ELIMIT);
    if (status == TXCLIENT_OK)
        check_script(&script);
    else
        check_error(&error, text, size);
    exec_script_deinit(&script);
    char *printable = exec_printable(data, size);
    TX_ASSERT(printable != NULL && strlen(printable) >= size);
    free(printable);
    return 0;
}
