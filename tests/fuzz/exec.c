/* The language of txctl exec. A mistake is told with its place within the text; what is understood
 * has a printable address for each operation. */
#include "fuzz.h"

#include "client/exec_parse.h"
#include "common/assert.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_script(const struct exec_script *script)
{
    for (size_t i = 0; i < script->n; i++) {
        const struct exec_op *op = &script->ops[i];
        TX_ASSERT(op->verb != NULL && op->address != NULL);
        for (const char *c = op->address; *c != '\0'; c++)
            TX_ASSERT(isprint((unsigned char)*c));
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
