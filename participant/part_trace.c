#include "participant/part_trace.h"

#ifdef ASSENT_CRASH_POINTS
#include "common/assert.h"
#include "common/json.h"
#include "common/log.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* One participant in a process, and its loop is the only thread that comes here. */
static struct {
    bool asked; /* the environment */
    int fd;     /* -1: nothing is traced */
    char *last; /* the locks of the last line */
    size_t last_len;
} trace = {.fd = -1};

static _Noreturn void refuse(const char *what)
{
    LOG_ERROR("ASSENT_LOCK_TRACE cannot be written", "call=%s file=%s", what,
              LOG_Q(tx_bytes_str(getenv("ASSENT_LOCK_TRACE"))));
    abort();
}

/* What an earlier process was killed in the middle of stays a line of its own. */
static void open_trace(void)
{
    const char *path = getenv("ASSENT_LOCK_TRACE");

    trace.asked = true;
    if (path == NULL || path[0] == '\0')
        return;
    trace.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (trace.fd < 0)
        refuse("open");
    if (lseek(trace.fd, 0, SEEK_END) > 0 && write(trace.fd, "\n", 1) != 1)
        refuse("write");
}

static void write_lock(void *arg, struct tx_id tx, const char *resource, enum tx_lock_mode mode)
{
    struct json *json = arg;
    const char *name = tx_lock_mode_name(mode);
    char id[TX_ID_TEXT], upper[8] = "";

    for (size_t i = 0; i + 1 < sizeof upper && name[i] != '\0'; i++)
        upper[i] = (char)toupper((unsigned char)name[i]); /* as histories have it */

    json_object_begin(json);
    json_member(json, "resource", resource);
    json_member(json, "id", tx_id_print(tx, id));
    json_member(json, "mode", upper);
    json_object_end(json);
}

/* The array of all locks; the caller frees it. */
static char *locks_text(const struct part_core *core, size_t *len)
{
    char *text = NULL;
    struct json json;
    FILE *out = open_memstream(&text, len);

    TX_NEED_MEMORY(out != NULL);
    json_init(&json, out);
    json_array_begin(&json);
    part_core_each_lock(core, write_lock, &json);
    json_array_end(&json);
    TX_NEED_MEMORY(fclose(out) == 0);
    return text;
}

static void write_line(const struct tx_name *node, const char *held)
{
    char *text = NULL;
    size_t len = 0;
    struct timespec now;
    FILE *out = open_memstream(&text, &len);

    TX_NEED_MEMORY(out != NULL);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)fprintf(
        out, "{\"type\":\"locks\",\"node\":\"%s\",\"time\":%lld%09ld,\"every\":true,\"held\":%s}\n",
        node->s, (long long)now.tv_sec, now.tv_nsec, held);
    TX_NEED_MEMORY(fclose(out) == 0);
    if (write(trace.fd, text, len) != (ssize_t)len)
        refuse("write");
    free(text);
}

void part_trace_locks(const struct tx_name *node, const struct part_core *core)
{
    char *held;
    size_t len = 0;

    if (!trace.asked)
        open_trace();
    if (trace.fd < 0)
        return;
    held = locks_text(core, &len);
    if (trace.last != NULL && trace.last_len == len && memcmp(trace.last, held, len) == 0) {
        free(held);
        return;
    }
    write_line(node, held);
    free(trace.last);
    trace.last = held;
    trace.last_len = len;
}
#endif
