#include "tests/integration/cluster.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Daemons need longer under sanitizers on a busy machine; a wait ends as soon as its condition
 * holds. */
#define START_MS   60000
#define STOP_MS    60000
#define PROGRAM_MS 120000
#define POLL_MS    5
/* Of TMPDIR: the path of a socket has 107 bytes, of which a test adds at most 50. */
#define BASE_MAX 57

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t random_seed(const char *variable)
{
    const char *text = getenv(variable);
    uint64_t seed = text != NULL ? strtoull(text, NULL, 10) : 1;

    printf("%s=%llu\n", variable, (unsigned long long)seed);
    (void)fflush(stdout);
    return seed;
}

bool wait_until(bool (*condition)(void *arg), void *arg, int timeout_ms)
{
    int64_t end = now_ms() + timeout_ms;

    for (;;) {
        bool last = now_ms() >= end; /* looked at first: it may have come while this stood still */

        if (condition(arg))
            return true;
        if (last)
            return false;
        poll(NULL, 0, POLL_MS);
    }
}

static void format(char *out, size_t size, const char *text, ...)
    __attribute__((format(printf, 3, 4)));

static void format(char *out, size_t size, const char *text, ...)
{
    va_list args;
    int n;

    va_start(args, text);
    n = vsnprintf(out, size, text, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < size);
}

/* Holds the port for as long as this process lives: a socket that is bound and does not listen
 * keeps out whoever looks for a free port, and lets in the daemons, which set SO_REUSEADDR as it
 * does here, behind the bind. */
static bool reserve_port(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    assert_true(fd >= 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return false;
    }
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    return true;
}

/* A port that nobody else has or gets, also while no daemon listens on it; below the range from
 * which the kernel serves outgoing connections. */
static int free_port(void)
{
    static int next = 0;

    if (next == 0)
        next = 10000 + (int)(getpid() * 7919LL % 20000); /* neighbours seldom meet */
    for (int tries = 0; tries < 1000; tries++) {
        next = 10000 + (next - 9999) % 22000;
        if (reserve_port(next))
            return next;
    }
    fail_msg("no free port");
    return 0;
}

void file_flip(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");
    int byte;

    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    byte = fgetc(file);
    assert_int_not_equal(byte, EOF);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fputc(byte ^ 0x10, file), byte ^ 0x10);
    assert_int_equal(fclose(file), 0);
}

void file_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    if (file == NULL)
        fail_msg("%s: %s", path, strerror(errno));
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void name_files(struct cluster *cluster, struct daemon *daemon)
{
    const char *d = cluster->directory;

    format(daemon->config, sizeof daemon->config, "%s/%s.conf", d, daemon->name);
    format(daemon->data, sizeof daemon->data, "%s/%s.data", d, daemon->name);
    format(daemon->log, sizeof daemon->log, "%s/%s.log", d, daemon->name);
    if (cluster->tcp)
        format(daemon->address, sizeof daemon->address, "tcp://127.0.0.1:%d", free_port());
    else
        format(daemon->address, sizeof daemon->address, "ipc://%s/%s.sock", d, daemon->name);
}

/* The short timers of most tests, unless one sets its own. A participant that a busy machine holds
 * up for seconds is not down: that would abort what has to commit. */
static const char *const coordinator_timers[][2] = {
    {"resend", "100ms"}, {"hello", "100ms"}, {"forget", "100ms"}, {"peer_down", "10s"}};
static const char *const participant_timers[][2] = {{"inquiry", "200ms"}};

static void write_timers(const struct daemon *daemon, const char *const timers[][2], size_t n,
                         char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "[timers]\n");

    for (size_t i = 0; i < n; i++) {
        char line[32];

        format(line, sizeof line, "\n%s = ", timers[i][0]);
        if (strstr(daemon->settings, line) == NULL)
            at += (size_t)snprintf(text + at, size - at, "%s%s\n", line + 1, timers[i][1]);
    }
}

static void write_config(struct cluster *cluster, struct daemon *daemon)
{
    char text[4096], timers[256] = "";
    size_t at = 0;

    if (daemon->http >= 0)
        at = (size_t)snprintf(text, sizeof text, "[http]\nlisten = ");
    if (daemon->http > 0)
        at += (size_t)snprintf(text + at, sizeof text - at, "127.0.0.1:%d\n", daemon->http);
    if (daemon->http == 0)
        at += (size_t)snprintf(text + at, sizeof text - at, "off\n");
    at += (size_t)snprintf(text + at, sizeof text - at,
                           "[node]\ncluster = test\nlisten = %s\ndata = %s\n", daemon->address,
                           daemon->data);
    if (daemon == &cluster->coordinator || daemon == &cluster->second) {
        if (!cluster->defaults)
            write_timers(daemon, coordinator_timers, 4, timers, sizeof timers);
        at += (size_t)snprintf(text + at, sizeof text - at, "id = %d\n%s[participants]\n",
                               daemon == &cluster->second ? 2 : 1, timers);
        for (size_t i = 0; i < cluster->participants_n; i++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s = %s\n",
                                   cluster->participants[i].name, cluster->participants[i].address);
    } else {
        if (!cluster->defaults)
            write_timers(daemon, participant_timers, 1, timers, sizeof timers);
        at += (size_t)snprintf(text + at, sizeof text - at, "name = %s\n%s", daemon->name, timers);
    }
    assert_true(at + strlen(daemon->settings) < sizeof text);
    memcpy(text + at, daemon->settings, strlen(daemon->settings) + 1);
    file_write(daemon->config, text);
}

static void write_client_config(const struct cluster *cluster)
{
    char text[1024];

    format(text, sizeof text, "[client]\ncluster = test\ncoordinator = %s\n",
           cluster->coordinator.address);
    file_write(cluster->client_config, text);
}

static void init(struct cluster *cluster, size_t participants_n, bool tcp, bool defaults)
{
    const char *base = getenv("TMPDIR");

    assert_true(participants_n <= CLUSTER_PARTICIPANTS_MAX);
    if (base == NULL || strlen(base) > BASE_MAX)
        base = "/tmp";
    *cluster = (struct cluster){.participants_n = participants_n, .tcp = tcp, .defaults = defaults};
    format(cluster->directory, sizeof cluster->directory, "%s/assent-XXXXXX", base);
    assert_non_null(mkdtemp(cluster->directory));
    strcpy(cluster->coordinator.name, "coordinator");
    cluster->coordinator.program = "txcoordinator";
    name_files(cluster, &cluster->coordinator);
    for (size_t i = 0; i < participants_n; i++) {
        format(cluster->participants[i].name, sizeof cluster->participants[i].name, "%c",
               (char)('a' + (int)i));
        cluster->participants[i].program = "txparticipant";
        name_files(cluster, &cluster->participants[i]);
    }
    write_config(cluster, &cluster->coordinator);
    for (size_t i = 0; i < participants_n; i++)
        write_config(cluster, &cluster->participants[i]);
    format(cluster->client_config, sizeof cluster->client_config, "%s/client.conf",
           cluster->directory);
    write_client_config(cluster);
}

void cluster_init(struct cluster *cluster, size_t participants_n, bool tcp)
{
    init(cluster, participants_n, tcp, false);
}

void cluster_init_defaults(struct cluster *cluster, size_t participants_n)
{
    init(cluster, participants_n, true, true);
}

void daemon_set(struct cluster *cluster, struct daemon *daemon, const char *section,
                const char *line)
{
    size_t at = strlen(daemon->settings);

    format(daemon->settings + at, sizeof daemon->settings - at, "[%s]\n%s\n", section, line);
    write_config(cluster, daemon);
}

static void write_all(struct cluster *cluster)
{
    write_config(cluster, &cluster->coordinator);
    for (size_t i = 0; i < cluster->participants_n; i++)
        write_config(cluster, &cluster->participants[i]);
    if (cluster->second.program != NULL)
        write_config(cluster, &cluster->second);
    write_client_config(cluster);
}

void cluster_move(struct cluster *cluster, struct daemon *daemon)
{
    static unsigned moves;

    if (cluster->tcp)
        format(daemon->address, sizeof daemon->address, "tcp://127.0.0.1:%d", free_port());
    else
        format(daemon->address, sizeof daemon->address, "ipc://%s/%s.%u.sock", cluster->directory,
               daemon->name, ++moves);
    write_all(cluster);
}

void cluster_change_places(struct cluster *cluster, struct daemon *one, struct daemon *other)
{
    char address[CLUSTER_PATH];

    memcpy(address, one->address, sizeof address);
    memcpy(one->address, other->address, sizeof address);
    memcpy(other->address, address, sizeof address);
    write_all(cluster);
}

void cluster_add_coordinator(struct cluster *cluster)
{
    strcpy(cluster->second.name, "coordinator2");
    cluster->second.program = "txcoordinator";
    name_files(cluster, &cluster->second);
    write_config(cluster, &cluster->second);
}

void cluster_serve_http(struct cluster *cluster)
{
    struct daemon *daemons[CLUSTER_PARTICIPANTS_MAX + 1] = {&cluster->coordinator};

    for (size_t i = 0; i < cluster->participants_n; i++)
        daemons[i + 1] = &cluster->participants[i];
    for (size_t i = 0; i <= cluster->participants_n; i++) {
        daemons[i]->http = free_port();
        write_config(cluster, daemons[i]);
    }
}

static void check_end(const struct daemon *daemon, int status)
{
    /* 1 is what the sanitizers exit with; 134 and SIGABRT an assertion. */
    if ((WIFEXITED(status) && WEXITSTATUS(status) == 1) ||
        (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGTERM)) {
        char command[CLUSTER_PATH + 32];

        format(command, sizeof command, "tail -n 60 %s >&2", daemon->log);
        if (system(command) != 0)
            fprintf(stderr, "no log of %s\n", daemon->name);
        fail_msg("daemon %s died, wait status %d", daemon->name, status);
    }
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

void cluster_deinit(struct cluster *cluster)
{
    if (cluster->coordinator.pid != 0)
        daemon_kill(&cluster->coordinator);
    if (cluster->second.pid != 0)
        daemon_kill(&cluster->second);
    for (size_t i = 0; i < cluster->participants_n; i++)
        if (cluster->participants[i].pid != 0)
            daemon_kill(&cluster->participants[i]);
    assert_int_equal(nftw(cluster->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void program_path(char *out, size_t size, const char *program)
{
    if (program[0] == '/')
        format(out, size, "%s", program);
    else
        format(out, size, "%s/%s", ASSENT_BIN_DIR, program);
}

void daemon_spawn(struct daemon *daemon, const char *crash_point)
{
    char path[CLUSTER_PATH];

    assert_int_equal(daemon->pid, 0);
    program_path(path, sizeof path, daemon->program);
    daemon->log_from = file_size(daemon->log);
    if (daemon->log_from < 0)
        daemon->log_from = 0;
    daemon->pid = fork();
    assert_true(daemon->pid >= 0);
    if (daemon->pid != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (crash_point != NULL)
        setenv("ASSENT_CRASH_POINT", crash_point, 1);
    if (daemon->redirect[0] != '\0') {
        setenv("LD_PRELOAD", ASSENT_TEST_REDIRECT_LIBRARY, 1);
        setenv("ASSENT_TEST_REDIRECT", daemon->redirect, 1);
    }
    if (daemon->lock_trace[0] != '\0')
        setenv("ASSENT_LOCK_TRACE", daemon->lock_trace, 1);
    if (freopen(daemon->log, "a", stderr) == NULL || freopen("/dev/null", "r", stdin) == NULL)
        _exit(127);
    execl(path, daemon->program, "--config", daemon->config, (char *)NULL);
    _exit(127);
}

struct says {
    const struct daemon *daemon;
    const char *text;
};

static bool log_holds(void *arg)
{
    const struct says *says = arg;
    FILE *file = fopen(says->daemon->log, "r");
    char line[4096];
    bool found = false;

    if (file == NULL)
        return false;
    if (fseek(file, says->daemon->log_from, SEEK_SET) == 0)
        while (!found && fgets(line, sizeof line, file) != NULL)
            found = strstr(line, says->text) != NULL;
    fclose(file);
    return found;
}

bool child_has_ended(void *arg)
{
    struct child *child = arg;

    if (!child->ended)
        child->ended = waitpid(child->pid, &child->status, WNOHANG) == child->pid;
    return child->ended;
}

bool daemon_says(const struct daemon *daemon, const char *text, int timeout_ms)
{
    struct says says = {daemon, text};

    return wait_until(log_holds, &says, timeout_ms);
}

struct ended {
    struct daemon *daemon;
    int status;
    bool ended;
};

static bool has_ended(void *arg)
{
    struct ended *ended = arg;

    ended->ended = waitpid(ended->daemon->pid, &ended->status, WNOHANG) == ended->daemon->pid;
    return ended->ended;
}

bool daemon_wait(struct daemon *daemon, int timeout_ms, int *status)
{
    struct ended ended = {.daemon = daemon};

    assert_int_not_equal(daemon->pid, 0);
    if (!wait_until(has_ended, &ended, timeout_ms))
        return false;
    daemon->pid = 0;
    *status = ended.status;
    check_end(daemon, ended.status);
    return true;
}

/* Serving, or ended before it could. */
static bool serves_or_ended(void *arg)
{
    struct ended *ended = arg;
    struct says says = {ended->daemon, "msg=serving"};

    return log_holds(&says) || has_ended(arg);
}

void daemon_start(struct daemon *daemon)
{
    struct ended ended = {.daemon = daemon};

    daemon_spawn(daemon, NULL);
    if (wait_until(serves_or_ended, &ended, START_MS) && !ended.ended)
        return;
    if (ended.ended)
        daemon->pid = 0;
    fprintf(stderr, "--- %s ---\n", daemon->log);
    run_program(NULL, 0, NULL, 0, "/usr/bin/tail", "-n", "30", daemon->log, NULL);
    fail_msg("daemon %s does not serve", daemon->name);
}

void cluster_await_up(const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->participants_n; i++) {
        char text[64];

        format(text, sizeof text, "participant %s is up", cluster->participants[i].name);
        if (!daemon_says(&cluster->coordinator, text, START_MS))
            fail_msg("participant %s is not up", cluster->participants[i].name);
    }
}

void cluster_start(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->participants_n; i++)
        daemon_start(&cluster->participants[i]);
    daemon_start(&cluster->coordinator);
    cluster_await_up(cluster);
}

void daemon_signal(struct daemon *daemon, int signal_number)
{
    assert_true(daemon->pid > 0);
    assert_int_equal(kill(daemon->pid, signal_number), 0);
}

void daemon_kill(struct daemon *daemon)
{
    int status;

    daemon_signal(daemon, SIGKILL);
    assert_true(daemon_wait(daemon, STOP_MS, &status));
}

void daemon_stop(struct daemon *daemon)
{
    int status = 0;

    daemon_signal(daemon, SIGTERM);
    if (!daemon_wait(daemon, STOP_MS, &status))
        fail_msg("daemon %s does not leave", daemon->name);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("daemon %s left with wait status %d", daemon->name, status);
}

long file_size(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 ? (long)info.st_size : -1;
}

/* Collects what a program prints, until it closes both ends. */
static void collect(int out_fd, char *out, size_t out_size, int err_fd, char *err, size_t err_size)
{
    struct pollfd fds[2] = {{.fd = out_fd, .events = POLLIN}, {.fd = err_fd, .events = POLLIN}};
    char *buffers[2] = {out, err};
    size_t sizes[2] = {out_size, err_size}, at[2] = {0, 0};
    int64_t end = now_ms() + PROGRAM_MS;

    while ((fds[0].fd >= 0 || fds[1].fd >= 0) && now_ms() < end) {
        poll(fds, 2, 1000);
        for (int i = 0; i < 2; i++) {
            char chunk[4096];
            ssize_t n;

            if (fds[i].fd < 0 || fds[i].revents == 0)
                continue;
            n = read(fds[i].fd, chunk, sizeof chunk);
            if (n <= 0) {
                fds[i].fd = -1;
                continue;
            }
            if (buffers[i] == NULL) {
                if (fwrite(chunk, 1, (size_t)n, stderr) == 0)
                    fds[i].fd = -1;
                continue;
            }
            if ((size_t)n > sizes[i] - 1 - at[i])
                n = (ssize_t)(sizes[i] - 1 - at[i]);
            memcpy(buffers[i] + at[i], chunk, (size_t)n);
            at[i] += (size_t)n;
        }
    }
    for (int i = 0; i < 2; i++)
        if (buffers[i] != NULL)
            buffers[i][at[i]] = '\0';
}

static bool child_ended(void *arg)
{
    struct ended *ended = arg;

    return has_ended(ended);
}

int run_program(char *out, size_t out_size, char *err, size_t err_size, const char *program, ...)
{
    char *argv[64] = {(char *)(uintptr_t)program};
    char path[CLUSTER_PATH];
    int out_pipe[2], err_pipe[2], argc = 1;
    struct daemon child = {0};
    struct ended ended = {.daemon = &child};
    va_list args;

    va_start(args, program);
    while (argc < 63 && (argv[argc] = va_arg(args, char *)) != NULL)
        argc++;
    va_end(args);
    argv[argc] = NULL;
    program_path(path, sizeof path, program);
    assert_int_equal(pipe2(out_pipe, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err_pipe, O_CLOEXEC), 0);
    child.pid = fork();
    assert_true(child.pid >= 0);
    if (child.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (dup2(out_pipe[1], 1) < 0 || dup2(err_pipe[1], 2) < 0 ||
            freopen("/dev/null", "r", stdin) == NULL)
            _exit(127);
        execv(path, argv);
        _exit(127);
    }
    close(out_pipe[1]);
    close(err_pipe[1]);
    collect(out_pipe[0], out, out_size, err_pipe[0], err, err_size);
    close(out_pipe[0]);
    close(err_pipe[0]);
    if (!wait_until(child_ended, &ended, PROGRAM_MS)) {
        kill(child.pid, SIGKILL);
        fail_msg("%s does not end", program);
    }
    if (!WIFEXITED(ended.status))
        fail_msg("%s died, wait status %d", program, ended.status);
    return WEXITSTATUS(ended.status);
}
