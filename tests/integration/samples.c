#include "tests/integration/samples.h"

#include "common/json.h"
#include "tests/integration/work.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS UINT64_C(100000000)

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* ---- what the kernel says ---- */

/* The first line of a file below /proc/PID that begins so, behind that; false: none. */
static bool proc_line(pid_t pid, const char *file, const char *begin, char *out, size_t size)
{
    char path[64], line[256];
    bool found = false;
    FILE *in;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    in = fopen(path, "r");
    while (in != NULL && !found && fgets(line, sizeof line, in) != NULL) {
        found = strncmp(line, begin, strlen(begin)) == 0;
        if (found)
            snprintf(out, size, "%.*s", (int)size - 1, line + strlen(begin));
    }
    if (in != NULL)
        fclose(in);
    return found;
}

static bool stopped(pid_t pid)
{
    char text[64];

    return !proc_line(pid, "status", "State:", text, sizeof text) || strchr(text, 'T') != NULL;
}

static uint64_t directory_bytes(const char *directory)
{
    DIR *dir = opendir(directory);
    uint64_t bytes = 0;

    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        struct stat status;

        /* Files come and go while the daemon runs. */
        if (fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode))
            bytes += (uint64_t)status.st_blocks * 512u;
    }
    if (dir != NULL)
        closedir(dir);
    return bytes;
}

/* ---- lines ---- */

void samples_add(struct samples *samples, const struct daemon *daemon, const char *what,
                 uint64_t value, uint64_t limit)
{
    struct json json;

    json_init(&json, samples->out);
    json_object_begin(&json);
    json_member(&json, "type", "bound");
    json_member(&json, "node", daemon->name);
    json_member_u64(&json, "time", samples->at_ns);
    json_member(&json, "what", what);
    json_member_u64(&json, "value", value);
    json_member_u64(&json, "limit", limit);
    json_object_end(&json);
    fputc('\n', samples->out);
    samples->lines++;
}

static uint64_t sum(const txclient_node *node, const char *const *names, size_t n)
{
    uint64_t of_all = 0;

    for (size_t i = 0; i < n; i++) {
        const char *text = txclient_node_get(node, names[i]);

        of_all += text != NULL ? strtoull(text, NULL, 10) : UINT32_MAX; /* must be noticed */
    }
    return of_all;
}

static void look_at_status(struct samples *samples, const struct daemon *daemon, bool coordinator)
{
    static const char *const open_there[] = {"working", "preparing", "prepared"};
    static const char *const open_here[] = {"active", "collecting", "deciding"};
    static const char *const locks[] = {"locks_held", "locks_waiting"};
    static const char *const outcomes[] = {"retained"};
    static const char *const tombstones[] = {"tombstones"};
    txclient_node *node = work_inspect(daemon);

    if (node == NULL)
        return; /* it has died, or has been stopped, meanwhile */
    samples_add(samples, daemon, "open transactions",
                sum(node, coordinator ? open_here : open_there, 3), samples->limits.transactions);
    if (coordinator)
        samples_add(samples, daemon, "outcomes", sum(node, outcomes, 1), samples->limits.outcomes);
    if (!coordinator) {
        samples_add(samples, daemon, "locks", sum(node, locks, 2), samples->limits.locks);
        samples_add(samples, daemon, "tombstones", sum(node, tombstones, 1),
                    samples->limits.tombstones);
    }
    txclient_node_free(&node);
}

static void look_at(struct samples *samples, const struct daemon *daemon, bool coordinator)
{
    char text[64];

    if (daemon->pid == 0 || stopped(daemon->pid))
        return;
    if (proc_line(daemon->pid, "status", "VmRSS:", text, sizeof text))
        samples_add(samples, daemon, "resident memory", strtoull(text, NULL, 10) * 1024u,
                    samples->limits.memory_bytes);
    if (samples->limits.log_bytes > 0)
        samples_add(samples, daemon, "log bytes", directory_bytes(daemon->data),
                    samples->limits.log_bytes);
    look_at_status(samples, daemon, coordinator);
}

void samples_look(struct samples *samples, struct daemon *const *daemons, size_t daemons_n,
                  size_t coordinators_n)
{
    uint64_t now = now_ns();

    if (now < samples->at_ns + LOOK_NS)
        return;
    samples->at_ns = now;
    look_at(samples, daemons[samples->next], samples->next < coordinators_n);
    samples->next = (samples->next + 1) % daemons_n;
}
