/* The files of a checkpoint out of a repository: threads that each take the next one. */
#include "txlog/recover/restore_files.h"

#include "common/assert.h"
#include "txlog/backup/backup_blob.h"
#include "txlog/backup/backup_files.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <unistd.h>

#define THREADS_MAX 16u

struct pool {
    const struct restore_node *restore;
    const char *directory;
    pthread_mutex_t mutex; /* guards what follows */
    size_t next;
    enum tx_error error; /* the first one: nobody begins another file */
    struct tx_why why;
};

struct writing {
    const struct restore_node *restore;
    const char *path;
    int fd;
    uint64_t bytes;
};

static enum tx_error write_piece(void *arg, struct tx_bytes bytes, struct tx_why *why)
{
    struct writing *writing = arg;
    if (!backup_write_all(writing->fd, bytes))
        return backup_fail(writing->path, "write it", why);
    writing->bytes += bytes.len;
    atomic_fetch_add(writing->restore->done, bytes.len);
    return TX_OK;
}

static enum tx_error write_file(const struct pool *pool, const struct backup_file *file,
                                struct tx_why *why)
{
    char path[PATH_MAX];
    enum tx_error error = backup_path(path, sizeof(path), pool->directory, file->name, why);
    if (error != TX_OK)
        return error;
    struct writing writing = {.restore = pool->restore, .path = path};
    writing.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (writing.fd < 0)
        return backup_fail(path, "create it", why);
    error = backup_blob_read(pool->restore->repo->path, &file->blob, write_piece, &writing, why);
    if (error == TX_OK && writing.bytes != file->bytes)
        error = tx_why(why, TX_ECORRUPT, "%.300s: has %" PRIu64 " bytes, and not %" PRIu64, path,
                       writing.bytes, file->bytes);
    if (error == TX_OK && fsync(writing.fd) != 0)
        error = backup_fail(path, "sync it", why);
    if (close(writing.fd) != 0 && error == TX_OK)
        error = backup_fail(path, "close it", why);
    return error;
}

/* NULL: there is none left, or somebody has failed. */
static const struct backup_file *take(struct pool *pool)
{
    const struct backup_node *node = pool->restore->node;
    int result = pthread_mutex_lock(&pool->mutex);
    TX_ASSERT(result == 0);
    const struct backup_file *file =
        pool->error == TX_OK && pool->next < node->files_n ? &node->files[pool->next++] : NULL;
    result = pthread_mutex_unlock(&pool->mutex);
    TX_ASSERT(result == 0);
    return file;
}

static void note(struct pool *pool, enum tx_error error, const struct tx_why *why)
{
    int result = pthread_mutex_lock(&pool->mutex);
    TX_ASSERT(result == 0);
    if (pool->error == TX_OK) {
        pool->error = error;
        pool->why = *why;
    }
    result = pthread_mutex_unlock(&pool->mutex);
    TX_ASSERT(result == 0);
}

static void *work(void *arg)
{
    struct pool *pool = arg;
    const struct backup_file *file;
    while ((file = take(pool)) != NULL) {
        struct tx_why why = {{0}};
        enum tx_error error = write_file(pool, file, &why);
        if (error != TX_OK)
            note(pool, error, &why);
    }
    return NULL;
}

/* The calling thread works as well, so that it goes on where no other can be started. */
enum tx_error restore_files(const struct restore_node *restore, const char *directory,
                            struct tx_why *why)
{
    struct pool pool = {.restore = restore, .directory = directory};
    pthread_t threads[THREADS_MAX];
    unsigned started = 0;
    (void)pthread_mutex_init(&pool.mutex, NULL);
    while (started + 1 < restore->threads && started < THREADS_MAX &&
           pthread_create(&threads[started], NULL, work, &pool) == 0)
        started++;
    (void)work(&pool);
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_mutex_destroy(&pool.mutex);
    if (pool.error != TX_OK)
        return tx_why(why, pool.error, "%s", pool.why.text);
    return backup_directory_sync(directory, why);
}
