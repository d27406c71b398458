/* A cluster of real daemons for a test: a directory of its own, sockets in it, processes that die
 * with the test. */
#ifndef ASSENT_TESTS_INTEGRATION_CLUSTER_H
#define ASSENT_TESTS_INTEGRATION_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CLUSTER_PARTICIPANTS_MAX 4
#define CLUSTER_PATH             256

struct daemon {
    char name[32];             /* "coordinator", "a", "b", ... */
    const char *program;       /* file name below the build's bin directory */
    char config[CLUSTER_PATH]; /* its configuration file */
    char data[CLUSTER_PATH];   /* its data directory */
    char log[CLUSTER_PATH];    /* its standard error, appended over restarts */
    char address[CLUSTER_PATH];
    int http;            /* the port of its metrics on 127.0.0.1; 0: off; -1: as set by the test */
    char settings[1024]; /* further lines for its configuration */
    char redirect[512];  /* its connections are bent so (see redirect.c); empty: not at all */
    char lock_trace[CLUSTER_PATH]; /* a participant writes its locks there; empty: nowhere */
    pid_t pid;                     /* 0 while it is not running */
    long log_from;                 /* where the log of the present run begins */
};

struct cluster {
    char directory[CLUSTER_PATH];
    char client_config[CLUSTER_PATH];
    struct daemon coordinator;
    struct daemon participants[CLUSTER_PARTICIPANTS_MAX];
    size_t participants_n;
    struct daemon second; /* a further coordinator, see cluster_add_coordinator() */
    bool tcp;
    bool defaults; /* no timer is set: everything as the benchmarks have it */
};

/* Makes the directory and the configuration of one coordinator and n participants "a", "b", ...;
 * starts nothing. Short timers are set where a test would otherwise wait, and a long peer_down; a
 * test may set others with daemon_set(). With `tcp` they listen on free loopback ports, else on
 * ipc. */
void cluster_init(struct cluster *cluster, size_t participants_n, bool tcp);
/* The same with tcp, and nothing set but names, addresses and directories: as the benchmarks run.
 */
void cluster_init_defaults(struct cluster *cluster, size_t participants_n);
/* Configures `second`: a coordinator with id 2 on the same participants. Starts nothing. */
void cluster_add_coordinator(struct cluster *cluster);
/* Kills what still runs (by pid) and removes the directory. A daemon that a sanitizer or an
 * assertion has ended fails the test. */
void cluster_deinit(struct cluster *cluster);

/* Appends lines to a daemon's configuration, used from its next start on. A section may be opened
 * again. */
void daemon_set(struct cluster *cluster, struct daemon *daemon, const char *section,
                const char *line);

/* Gives a daemon another free address, and writes that and where its data is into all
 * configurations: for the next starts. */
void cluster_move(struct cluster *cluster, struct daemon *daemon);
/* Gives each of two the address of the other, likewise. */
void cluster_change_places(struct cluster *cluster, struct daemon *one, struct daemon *other);

/* Gives each daemon a free port for metrics, health and its page. Starts nothing. */
void cluster_serve_http(struct cluster *cluster);

/* Starts a daemon and returns at once. `crash_point` may be NULL. */
void daemon_spawn(struct daemon *daemon, const char *crash_point);
/* Starts it and waits until it serves; fails the test with the end of its log when it does not. */
void daemon_start(struct daemon *daemon);
/* Waits until the coordinator, in its present run, has said of every participant that it is up. */
void cluster_await_up(const struct cluster *cluster);
/* Starts all of them, and waits until the coordinator has every participant up. */
void cluster_start(struct cluster *cluster);
/* Signals it. */
void daemon_signal(struct daemon *daemon, int signal_number);
/* Waits for its end, at most `timeout_ms`, and gives its wait status; false when it still runs. */
bool daemon_wait(struct daemon *daemon, int timeout_ms, int *status);
/* kill -9 and wait. */
void daemon_kill(struct daemon *daemon);
/* SIGTERM and wait; fails the test when it does not leave cleanly. */
void daemon_stop(struct daemon *daemon);

/* A program beside the daemons, started by the test itself. */
struct child {
    pid_t pid;
    int status; /* its wait status, once it has ended */
    bool ended;
};
/* Has it ended by now? For wait_until(); `arg` is the struct child. */
bool child_has_ended(void *arg);

/* Waits until the log of the present run holds the text; false after `timeout_ms`. */
bool daemon_says(const struct daemon *daemon, const char *text, int timeout_ms);

/* Runs a program of the build (or an absolute path) with arguments up to NULL; gives its exit
 * status, and its standard output and error, cut to the buffers (either may be NULL). Fails the
 * test when it does not end within two minutes or dies of a signal. */
int run_program(char *out, size_t out_size, char *err, size_t err_size, const char *program, ...);

/* What a random test begins with: the number in a variable of the environment, or else 1. Prints
 * it. */
uint64_t random_seed(const char *variable);

/* Waits until `condition` holds, polling; false after `timeout_ms`. */
bool wait_until(bool (*condition)(void *arg), void *arg, int timeout_ms);

/* The size of a file, or -1. */
long file_size(const char *path);
/* Changes one bit of the byte there; once more, and it is as it was. */
void file_flip(const char *path, long at);
/* Makes the file anew with this text. */
void file_write(const char *path, const char *text);

#endif
