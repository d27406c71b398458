#include "txlog/backup/backup_document.h"

#include <stdlib.h>

void backup_document_write(void (*write)(struct json *json, const void *what), const void *what,
                           struct tx_buf *out)
{
    char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);
    struct json json;
    if (stream == NULL) {
        out->failed = true;
        return;
    }
    json_init(&json, stream);
    write(&json, what);
    if (fclose(stream) == 0)
        tx_buf_append(out, tx_bytes(text, len));
    else
        out->failed = true;
    free(text);
}
