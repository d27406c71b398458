/* Two sessions hand one lock to and fro: how long from one's commit to the other's having it?
 *
 *     hand_over assent CLIENT.CONF TURNS
 *     hand_over postgresql CONNINFO TURNS
 *
 * Prints the median in microseconds, and the least and the greatest. In every turn one session has
 * the lock, and the other has begun and asks for it; the first one leaves it time to arrive, and
 * commits. The clock runs from the call of commit to the return of the other's call. */
#include "hand_over.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TURNS_MAX  100000u
#define ARRIVAL_MS 2 /* for a request to reach the server and to wait there; not measured */

struct side {
    const struct hand_over_kind *kind;
    void *session;
    unsigned at; /* 0 or 1: the turns that it has the lock in are even or odd */
    sem_t may_begin, may_commit;
    struct side *other;
};

static unsigned turns;
static double committing_us[TURNS_MAX], granted_us[TURNS_MAX];

static double now_us(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void must(const char *error, const char *what)
{
    if (error != NULL) {
        (void)fprintf(stderr, "hand_over: %s: %s\n", what, error);
        exit(1);
    }
}

static void *play(void *arg)
{
    struct side *side = arg;
    for (unsigned turn = side->at; turn < turns; turn += 2) {
        (void)sem_wait(&side->may_begin); /* the other one has the lock */
        must(side->kind->begin(side->session), "begin");
        if (turn > 0) {
            (void)sem_post(&side->other->may_commit);
        }
        must(side->kind->lock(side->session), "lock");
        granted_us[turn] = now_us();
        (void)sem_post(&side->other->may_begin);
        if (turn + 1 < turns) {
            (void)sem_wait(&side->may_commit);
            struct timespec arrival = {.tv_nsec = ARRIVAL_MS * 1000000L};
            (void)nanosleep(&arrival, NULL);
        }
        committing_us[turn] = now_us();
        must(side->kind->commit(side->session), "commit");
    }
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The first turn has nobody before it. */
static void report(void)
{
    static double took_us[TURNS_MAX];
    unsigned n = turns - 1;
    for (unsigned turn = 1; turn < turns; turn++) {
        took_us[turn - 1] = granted_us[turn] - committing_us[turn - 1];
        must(took_us[turn - 1] > 0 ? NULL : "two sessions had it at once", "lock");
    }
    qsort(took_us, n, sizeof took_us[0], by_value);
    (void)printf("%.1f %.1f %.1f\n", took_us[n / 2], took_us[0], took_us[n - 1]);
}

static const struct hand_over_kind *kind_of(const char *name)
{
    if (strcmp(name, hand_over_assent.name) == 0) {
        return &hand_over_assent;
    }
#ifdef WITH_POSTGRESQL
    if (strcmp(name, hand_over_postgresql.name) == 0) {
        return &hand_over_postgresql;
    }
#endif
    return NULL;
}

int main(int argc, char **argv)
{
    const struct hand_over_kind *kind = argc == 4 ? kind_of(argv[1]) : NULL;
    turns = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    if (kind == NULL || turns < 2 || turns > TURNS_MAX) {
        (void)fprintf(stderr,
                      "usage: hand_over assent CLIENT.CONF 2..%u\n"
#ifdef WITH_POSTGRESQL
                      "       hand_over postgresql CONNINFO 2..%u\n",
                      TURNS_MAX,
#else
                      "(built without libpq: no postgresql)\n",
#endif
                      TURNS_MAX);
        return 64;
    }
    static struct side sides[2];
    pthread_t threads[2];
    for (unsigned i = 0; i < 2; i++) {
        sides[i] = (struct side){.kind = kind, .at = i, .other = &sides[1 - i]};
        must(kind->open(&sides[i].session, argv[2]), "open");
        (void)sem_init(&sides[i].may_begin, 0, i == 0 ? 1 : 0);
        (void)sem_init(&sides[i].may_commit, 0, 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        int error = pthread_create(&threads[i], NULL, play, &sides[i]);
        must(error != 0 ? strerror(error) : NULL, "thread");
    }
    for (unsigned i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    report();
    for (unsigned i = 0; i < 2; i++) {
        kind->close(&sides[i].session);
    }
    return 0;
}
