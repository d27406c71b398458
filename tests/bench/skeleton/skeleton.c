/* The load of the bare floor, and its processes.
 *
 *     skeleton --directory DIR [--mode a|d] [--sockets each|one] [--clients N] [--seconds S]
 *              [--accounts N]
 *
 * With a socket each, a client is a thread that waits for each transfer, as with the others. With
 * one socket, one thread keeps as many transfers under way, and all that can be sent leaves in one
 * frame. DIR must be empty, and is left with the stores in it. */
#include "tests/bench/peers/load.h"
#include "tests/bench/skeleton/skeleton.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define CLIENTS_MAX 1024u
#define PATIENCE_S  60 /* for the nodes to begin */

static struct skeleton *run;
static unsigned clients = 1;
static double seconds = 5;
static bool one_socket;
static void *context;
static volatile sig_atomic_t stopping; /* the nodes may end */

static void make_transfer(struct message *message, uint64_t *random)
{
    message->type = SUBMIT;
    for (unsigned i = 0; i < 2; i++) {
        message->accounts[i] = (uint32_t)(load_random(random) % run->accounts);
    }
    message->amount = (int64_t)(load_random(random) % LOAD_AMOUNT_MAX) + 1;
}

static void record(struct load_result *result, const struct message *done, uint64_t took_ns)
{
    if (done->type != DONE) {
        skeleton_fail("client", "an answer of a strange type");
    }
    histogram_record(&result->latencies_us, took_ns / 1000);
    result->committed++;
    result->moved += done->amount;
}

/* ---- a socket each ---- */

struct client {
    pthread_t thread;
    uint64_t random, end_ns;
    struct load_result result;
};

static void *play(void *arg)
{
    struct client *client = arg;
    struct frame *frame = calloc(1, sizeof *frame);
    struct message *answers = calloc(SKELETON_FRAME_MAX, sizeof *answers);
    if (frame == NULL || answers == NULL) {
        skeleton_fail("client", "no memory");
    }
    void *socket = skeleton_connect(context, run->coordinator_at);
    for (uint64_t now = load_now_ns(); now < client->end_ns;) {
        struct message transfer = {0};
        make_transfer(&transfer, &client->random);
        skeleton_add(frame, &transfer, SUBMIT);
        skeleton_send(socket, frame, NULL, 0);
        (void)skeleton_receive(socket, answers, true);
        uint64_t then = load_now_ns();
        record(&client->result, &answers[0], then - now);
        now = then;
    }
    (void)zmq_close(socket);
    free(answers);
    free(frame);
    return NULL;
}

static void play_threads(struct load_result *result, uint64_t end_ns)
{
    struct client *all = calloc(clients, sizeof *all);
    for (unsigned i = 0; all != NULL && i < clients; i++) {
        all[i].random = end_ns + i;
        all[i].end_ns = end_ns;
        int error = pthread_create(&all[i].thread, NULL, play, &all[i]);
        if (error != 0) {
            skeleton_fail("thread", strerror(error));
        }
    }
    for (unsigned i = 0; all != NULL && i < clients; i++) {
        (void)pthread_join(all[i].thread, NULL);
        load_merge(result, &all[i].result);
    }
    free(all);
}

/* ---- one socket ---- */

static void play_together(struct load_result *result, uint64_t end_ns)
{
    static struct frame out;
    static struct message in[SKELETON_FRAME_MAX];
    static uint64_t began_ns[CLIENTS_MAX];
    void *socket = skeleton_connect(context, run->coordinator_at);
    uint64_t random = end_ns;
    unsigned under_way = 0;
    for (; under_way < clients; under_way++) {
        struct message transfer = {.tag = under_way};
        make_transfer(&transfer, &random);
        skeleton_add(&out, &transfer, SUBMIT);
        began_ns[under_way] = load_now_ns();
    }
    while (under_way > 0) {
        skeleton_send(socket, &out, NULL, 0);
        size_t n;
        for (bool wait = true; (n = skeleton_receive(socket, in, wait)) > 0; wait = false) {
            uint64_t now = load_now_ns();
            for (size_t i = 0; i < n; i++) {
                struct message transfer = {.tag = in[i].tag};
                record(result, &in[i], now - began_ns[in[i].tag]);
                under_way--;
                if (now < end_ns) {
                    make_transfer(&transfer, &random);
                    skeleton_add(&out, &transfer, SUBMIT);
                    began_ns[in[i].tag] = now;
                    under_way++;
                }
            }
            if (out.n + n > SKELETON_FRAME_MAX / 2) {
                break;
            }
        }
    }
    (void)zmq_close(socket);
}

/* ---- processes ---- */

/* Nodes end with this process, however it ends. */
static pid_t start(unsigned number)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        skeleton_fail("fork", strerror(errno));
    }
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(1);
        }
        if (number < 2) {
            skeleton_participant(run, number);
        } else {
            skeleton_coordinator(run);
        }
        _exit(0);
    }
    return pid;
}

static void await(sem_t *event, const char *what)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    while (sem_timedwait(event, &until) != 0) {
        if (errno != EINTR) {
            skeleton_fail(what, "does not begin");
        }
    }
}

/* Without one of the nodes the clients would wait for ever. */
static void on_child(int signal)
{
    static const char text[] = "skeleton: a node has ended\n";
    (void)signal;
    if (!stopping) {
        (void)!write(STDERR_FILENO, text, sizeof text - 1);
        _exit(1);
    }
}

static void start_all(pid_t pids[3])
{
    (void)signal(SIGCHLD, on_child);
    (void)sem_init(&run->participants_listen, 1, 0);
    (void)sem_init(&run->coordinator_listens, 1, 0);
    pids[0] = start(0);
    pids[1] = start(1);
    await(&run->participants_listen, "participant");
    await(&run->participants_listen, "participant");
    pids[2] = start(2);
    await(&run->coordinator_listens, "coordinator");
}

static void stop_all(const pid_t pids[3])
{
    static struct frame frame;
    static const struct message stop;
    void *socket = skeleton_connect(context, run->coordinator_at);
    stopping = 1;
    skeleton_add(&frame, &stop, STOP);
    skeleton_send(socket, &frame, NULL, 0);
    for (unsigned i = 0; i < 3; i++) {
        int status = 0;
        if (waitpid(pids[i], &status, 0) != pids[i] || status != 0) {
            skeleton_fail("node", "did not end well");
        }
    }
    (void)zmq_close(socket);
}

/* ---- arguments ---- */

static void usage(void)
{
    (void)fprintf(stderr, "usage: skeleton --directory DIR [--mode a|d] [--sockets each|one] "
                          "[--clients N] [--seconds S] [--accounts N]\n");
    exit(EX_USAGE);
}

static double number(const char *text, double min, double max)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= min && value <= max)) {
        (void)fprintf(stderr, "skeleton: \"%s\" is no number from %.3g to %.0f\n", text, min, max);
        usage();
    }
    return value;
}

/* The place of `text` between the two words; neither is a misuse. */
static bool is_second(const char *text, const char *first, const char *second)
{
    if (strcmp(text, first) != 0 && strcmp(text, second) != 0) {
        (void)fprintf(stderr, "skeleton: \"%s\" is neither %s nor %s\n", text, first, second);
        usage();
    }
    return strcmp(text, second) == 0;
}

static void parse(int argc, char **argv)
{
    static const struct option longs[] = {{"directory", required_argument, NULL, 'd'},
                                          {"mode", required_argument, NULL, 'o'},
                                          {"sockets", required_argument, NULL, 'k'},
                                          {"clients", required_argument, NULL, 'n'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"accounts", required_argument, NULL, 'm'},
                                          {0}};
    for (int key; (key = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (key == 'd') {
            (void)snprintf(run->directory, sizeof run->directory, "%s", optarg);
        } else if (key == 'o') {
            run->forced_decision = !is_second(optarg, "a", "d");
        } else if (key == 'k') {
            one_socket = is_second(optarg, "each", "one");
        } else if (key == 'n') {
            clients = (unsigned)number(optarg, 1, CLIENTS_MAX);
        } else if (key == 's') {
            seconds = number(optarg, 0.001, 86400);
        } else if (key == 'm') {
            run->accounts = (unsigned)number(optarg, 1, 10000000);
        } else {
            usage();
        }
    }
    if (optind != argc || run->directory[0] == '\0') {
        usage();
    }
}

int main(int argc, char **argv)
{
    static struct load_result result;
    pid_t pids[3];
    run = mmap(NULL, sizeof *run, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run == MAP_FAILED) {
        skeleton_fail("memory", strerror(errno));
    }
    run->accounts = 100000;
    run->forced_decision = true;
    parse(argc, argv);
    start_all(pids);
    context = zmq_ctx_new();
    uint64_t start_ns = load_now_ns();
    uint64_t end_ns = start_ns + (uint64_t)(seconds * 1e9);
    (one_socket ? play_together : play_threads)(&result, end_ns);
    result.seconds = (double)(load_now_ns() - start_ns) / 1e9;
    stop_all(pids);
    (void)zmq_ctx_term(context);
    int64_t all = SKELETON_BALANCE * (int64_t)run->accounts;
    if (run->sums[0] != all - result.moved || run->sums[1] != all + result.moved) {
        (void)fprintf(stderr,
                      "skeleton: %" PRId64 " moved, but the sums are %" PRId64 " and %" PRId64
                      " of once %" PRId64 "\n",
                      result.moved, run->sums[0], run->sums[1], all);
        return 1;
    }
    load_print(&result, clients);
    return 0;
}
