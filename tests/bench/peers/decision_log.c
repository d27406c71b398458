/* Forced decision records with group commit. */
#include "tests/bench/peers/decision_log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES                                                                                 \
    (16u << 20) /* a record is overwritten 262,144 decisions later: long committed                 \
                 */
#define BATCH_BYTES ((size_t)DECISION_WAITING_MAX * DECISION_RECORD_BYTES)

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t synced = PTHREAD_COND_INITIALIZER;
static int fd = -1;
static off_t at;
static char batches[2][BATCH_BYTES]; /* one is filled while the other is written */
static unsigned filling;
static size_t filled;
static uint64_t last_asked, last_durable;
static bool syncing, broken;

bool decision_log_open(const char *path)
{
    static const char zeros[1u << 16];
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (size_t done = 0; fd >= 0 && done < FILE_BYTES; done += sizeof zeros) {
        if (pwrite(fd, zeros, sizeof zeros, (off_t)done) != (ssize_t)sizeof zeros) {
            (void)close(fd);
            fd = -1;
        }
    }
    if (fd < 0 || fsync(fd) != 0) {
        perror(path);
        return false;
    }
    at = 0;
    return true;
}

/* The mutex is held, but for the write itself. */
static void sync_batch(void)
{
    const char *batch = batches[filling];
    size_t len = filled;
    uint64_t upto = last_asked;
    filling = 1 - filling;
    filled = 0;
    syncing = true;
    if (at + (off_t)len > (off_t)FILE_BYTES) {
        at = 0;
    }
    off_t place = at;
    at += (off_t)len;
    (void)pthread_mutex_unlock(&mutex);
    bool written = pwrite(fd, batch, len, place) == (ssize_t)len && fdatasync(fd) == 0;
    (void)pthread_mutex_lock(&mutex);
    syncing = false;
    broken = broken || !written; /* after a sync that failed nothing is known of the file */
    last_durable = upto;
    (void)pthread_cond_broadcast(&synced);
}

bool decision_log_write(const char *id)
{
    (void)pthread_mutex_lock(&mutex);
    if (filled + DECISION_RECORD_BYTES > BATCH_BYTES) {
        broken = true;
    } else {
        char *record = batches[filling] + filled;
        (void)memset(record, 0, DECISION_RECORD_BYTES);
        (void)snprintf(record, DECISION_RECORD_BYTES, "commit %s\n", id);
        filled += DECISION_RECORD_BYTES;
    }
    uint64_t mine = ++last_asked;
    while (last_durable < mine && !broken) {
        if (syncing) {
            (void)pthread_cond_wait(&synced, &mutex);
        } else {
            sync_batch();
        }
    }
    bool durable = !broken;
    (void)pthread_mutex_unlock(&mutex);
    return durable;
}

void decision_log_close(void)
{
    if (fd >= 0) {
        (void)close(fd);
    }
    fd = -1;
}
