#include "common/daemon/audit.h"

#include "common/clock.h"
#include "common/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct audit {
    int fd; /* -1: not open now */
    bool none;
    uint64_t start;
    char node[64];
    char path[2100];
};

/* ---- the file ---- */

static enum tx_error error_of(int number)
{
    if (number == ENOSPC || number == EDQUOT)
        return TX_EFULL;
    if (number == EACCES || number == EPERM || number == EROFS)
        return TX_EACCESS;
    if (number == ENOENT || number == ENOTDIR)
        return TX_ENOTFOUND;
    return number == EISDIR || number == ENAMETOOLONG || number == ELOOP ? TX_EINVAL : TX_EIO;
}

static enum tx_error failed(const struct audit *audit, const char *what, struct tx_why *why)
{
    int number = errno;

    return tx_why(why, error_of(number), "%s: cannot %s the audit log: %s", audit->path, what,
                  strerrordesc_np(number));
}

/* A new name in a directory is durable with the directory. */
static int sync_directory(const char *path)
{
    char directory[sizeof((struct audit *)0)->path];
    const char *slash = strrchr(path, '/');
    int fd, result;

    snprintf(directory, sizeof directory, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
             slash == NULL ? "." : path);
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    result = fsync(fd);
    close(fd);
    return result;
}

/* Pipes and terminals have nothing to sync. */
static int sync_file(int fd)
{
    return fdatasync(fd) == 0 || errno == EINVAL || errno == EROFS ? 0 : -1;
}

/* A crash may have cut the last line. */
static int end_last_line(int fd)
{
    struct stat stat;
    char last = '\n';

    if (fstat(fd, &stat) != 0)
        return -1;
    if (!S_ISREG(stat.st_mode) || stat.st_size == 0)
        return 0;
    if (pread(fd, &last, 1, stat.st_size - 1) != 1)
        return -1;
    return last == '\n' || write(fd, "\n", 1) == 1 ? 0 : -1;
}

static int open_file(const struct audit *audit)
{
    int fd = open(audit->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);

    if (fd < 0 && errno == EACCES) /* what can only be written, as /dev/full for some */
        fd = open(audit->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -1;
    if (end_last_line(fd) != 0 || sync_directory(audit->path) != 0) {
        int number = errno;

        close(fd);
        errno = number;
        return -1;
    }
    return fd;
}

enum tx_error audit_open(const char *directory, const char *file, const char *node, uint64_t start,
                         struct audit **audit, struct tx_why *why)
{
    struct audit *made = calloc(1, sizeof *made);
    enum tx_error error;

    if (made == NULL)
        return tx_why(why, TX_ENOMEM, "out of memory");
    made->none = strcmp(file, "none") == 0;
    made->start = start;
    snprintf(made->node, sizeof made->node, "%s", node);
    if (file[0] == '/')
        snprintf(made->path, sizeof made->path, "%s", file);
    else
        snprintf(made->path, sizeof made->path, "%s/%s", directory, file);
    made->fd = made->none ? -1 : open_file(made);
    if (made->fd < 0 && !made->none) {
        error = failed(made, "open", why);
        if (error != TX_EFULL && error != TX_EIO) {
            free(made);
            return error;
        }
    }
    *audit = made;
    return TX_OK;
}

void audit_close(struct audit **audit)
{
    if (*audit != NULL) {
        if ((*audit)->fd >= 0)
            close((*audit)->fd);
        free(*audit);
        *audit = NULL;
    }
}

enum tx_error audit_reopen(struct audit *audit, struct tx_why *why)
{
    int fd;

    if (audit->none)
        return TX_OK;
    fd = open_file(audit);
    if (fd < 0)
        return failed(audit, "open", why);
    if (audit->fd >= 0)
        close(audit->fd);
    audit->fd = fd;
    return TX_OK;
}

/* ---- a line ---- */

static void put_time(struct json *json)
{
    uint64_t ms = clock_wall_ms();
    time_t seconds = (time_t)(ms / 1000);
    char day[32], text[48];
    struct tm parts;

    gmtime_r(&seconds, &parts);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, sizeof text, "%s.%03uZ", day, (unsigned)(ms % 1000));
    json_member(json, "time", text);
}

static void put_changes(struct json *json, const struct audit_entry *entry)
{
    json_member_array_begin(json, "changes");
    for (size_t i = 0; i < entry->changes_n; i++) {
        const struct audit_change *change = &entry->changes[i];

        json_object_begin(json);
        json_member(json, "key", change->key);
        json_member_bytes(json, "old", change->old_value, strlen(change->old_value));
        json_member_bytes(json, "new", change->new_value, strlen(change->new_value));
        json_member_bool(json, "taken", change->taken);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_line(const struct audit *audit, const struct audit_entry *entry, FILE *out)
{
    struct json json;
    char id[TX_ID_TEXT];

    json_init(&json, out);
    json_object_begin(&json);
    put_time(&json);
    json_member(&json, "node", audit->node);
    json_member_u64(&json, "start", audit->start);
    json_member(&json, "action", entry->action);
    json_member(&json, "operator", entry->operator_name);
    json_member(&json, "from", entry->from);
    if (tx_id_valid(entry->tx))
        json_member(&json, "transaction", tx_id_print(entry->tx, id));
    if (entry->argument.len > 0)
        json_member_bytes(&json, "argument", entry->argument.data, entry->argument.len);
    json_member(&json, "outcome", entry->outcome);
    if (entry->text[0] != '\0')
        json_member_bytes(&json, "text", entry->text, strlen(entry->text));
    if (entry->changes_n > 0)
        put_changes(&json, entry);
    json_object_end(&json);
    fputc('\n', out);
}

/* All of it, durably, or nothing. */
static int append(int fd, const char *line, size_t len)
{
    struct stat stat;
    bool regular = fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode);
    ssize_t n = write(fd, line, len);
    int number = n < 0 ? errno : ENOSPC;

    if (n == (ssize_t)len && sync_file(fd) == 0)
        return 0;
    if (n == (ssize_t)len)
        number = errno;
    if (n > 0 && regular && ftruncate(fd, stat.st_size) != 0)
        number = errno;
    errno = number;
    return -1;
}

enum tx_error audit_write(struct audit *audit, const struct audit_entry *entry, struct tx_why *why)
{
    char *line = NULL;
    size_t len = 0;
    enum tx_error error = TX_OK;
    FILE *out;

    if (audit->none)
        return TX_OK;
    out = open_memstream(&line, &len);
    if (out == NULL)
        return tx_why(why, TX_ENOMEM, "out of memory");
    put_line(audit, entry, out);
    if (fclose(out) != 0) {
        free(line);
        return tx_why(why, TX_ENOMEM, "out of memory");
    }
    if (audit->fd < 0)
        audit->fd = open_file(audit);
    if (audit->fd < 0)
        error = failed(audit, "open", why);
    else if (append(audit->fd, line, len) != 0)
        error = failed(audit, "write", why);
    free(line);
    return error;
}
