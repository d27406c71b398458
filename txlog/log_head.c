/* The file HEAD. */
#include "txlog/log_head.h"

#include "common/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    SLOT_BYTES = 32,
    SECTOR_BYTES = 512,
    HEAD_BYTES = 2 * SECTOR_BYTES,
    HEAD_VERSION = 1,
};
#define HEAD_MAGIC       0x44485341u /* "ASHD" */
#define SYNC_INTERVAL_US 1000000u

static uint64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static enum tx_error fail(const char *doing, struct tx_why *why)
{
    int reason = errno;
    enum tx_error error = TX_EIO;
    const char *remedy = "";
    if (reason == ENOSPC || reason == EDQUOT) {
        error = TX_EFULL;
        remedy = "; free space on that file system and start again";
    } else if (reason == EACCES || reason == EPERM || reason == EROFS) {
        error = TX_EACCESS;
        remedy = "; check the owner and mode of the directory and its files";
    }
    return tx_why(why, error, "cannot %s the file " LOG_HEAD_FILE ": %s%s", doing, strerror(reason),
                  remedy);
}

static void store_le(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void fill_slot(uint8_t sector[SECTOR_BYTES], uint64_t identity, struct tx_lsn lsn)
{
    memset(sector, 0, SECTOR_BYTES);
    store_le(sector + 4, HEAD_MAGIC, 4);
    store_le(sector + 8, HEAD_VERSION, 4);
    store_le(sector + 16, identity, 8);
    store_le(sector + 24, lsn.n, 8);
    store_le(sector, tx_crc32c(0, tx_bytes(sector + 4, SLOT_BYTES - 4)), 4);
}

static bool write_all(int fd, const uint8_t *data, size_t len, off_t at)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
        at += n;
    }
    return true;
}

static bool write_slot(struct log_head *head, struct tx_lsn lsn)
{
    uint8_t sector[SECTOR_BYTES];
    fill_slot(sector, head->identity, lsn);
    if (!write_all(head->fd, sector, sizeof(sector), (off_t)head->slot_next * SECTOR_BYTES))
        return false;
    head->slot_next ^= 1u;
    head->unsynced = true;
    return true;
}

static bool sync_now(struct log_head *head)
{
    if (fdatasync(head->fd) != 0)
        return false;
    head->unsynced = false;
    head->synced_us = now_us();
    return true;
}

enum tx_error log_head_create(int directory_fd, uint64_t identity, struct tx_lsn lsn,
                              struct tx_why *why)
{
    int fd = openat(directory_fd, LOG_HEAD_FILE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0)
        return fail("create", why);
    struct log_head head = {.fd = fd, .identity = identity};
    enum tx_error error = log_head_reset(&head, lsn, why);
    if (error == TX_OK && (fsync(fd) != 0 || fsync(directory_fd) != 0))
        error = fail("sync", why);
    (void)close(fd);
    return error;
}

enum slot_state { SLOT_BAD, SLOT_FOREIGN, SLOT_NEWER, SLOT_GOOD };

static enum slot_state read_slot(const uint8_t *slot, uint64_t identity, struct tx_lsn *lsn)
{
    struct tx_reader r = tx_reader(tx_bytes(slot, SLOT_BYTES));
    uint32_t crc = tx_read_u32(&r);
    uint32_t magic = tx_read_u32(&r);
    uint32_t version = tx_read_u32(&r);
    (void)tx_read_u32(&r);
    uint64_t owner = tx_read_u64(&r);
    lsn->n = tx_read_u64(&r);
    if (crc != tx_crc32c(0, tx_bytes(slot + 4, SLOT_BYTES - 4)) || magic != HEAD_MAGIC)
        return SLOT_BAD;
    if (version != HEAD_VERSION)
        return SLOT_NEWER;
    return owner == identity ? SLOT_GOOD : SLOT_FOREIGN;
}

/* Takes the highest good slot, and makes the next write go to the other one. */
static enum tx_error choose(struct log_head *head, const uint8_t bytes[HEAD_BYTES],
                            struct tx_why *why)
{
    bool good = false, foreign = false;
    for (unsigned i = 0; i < 2; i++) {
        struct tx_lsn lsn;
        enum slot_state state = read_slot(bytes + (size_t)i * SECTOR_BYTES, head->identity, &lsn);
        if (state == SLOT_NEWER)
            return tx_why(why, TX_EVERSION,
                          "the file " LOG_HEAD_FILE " has a newer format than this program knows");
        foreign = foreign || state == SLOT_FOREIGN;
        if (state != SLOT_GOOD || (good && lsn.n <= head->lsn.n))
            continue;
        good = true;
        head->lsn = lsn;
        head->slot_next = i ^ 1u;
    }
    if (good)
        return TX_OK;
    return tx_why(why, TX_ECORRUPT, "the file " LOG_HEAD_FILE " %s",
                  foreign ? "belongs to another log" : "is damaged");
}

/* What is behind the end of a short file stays as it is. */
static bool read_all(int fd, uint8_t bytes[HEAD_BYTES])
{
    size_t len = 0;
    while (len < HEAD_BYTES) {
        ssize_t n = pread(fd, bytes + len, HEAD_BYTES - len, (off_t)len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return true;
}

enum tx_error log_head_open(int directory_fd, bool read_only, uint64_t identity,
                            struct log_head *head, struct tx_why *why)
{
    *head = (struct log_head){.fd = -1, .identity = identity, .synced_us = now_us()};
    int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW;
    int fd = openat(directory_fd, LOG_HEAD_FILE, flags);
    if (fd < 0)
        return fail("open", why);
    uint8_t bytes[HEAD_BYTES] = {0};
    enum tx_error error = read_all(fd, bytes) ? choose(head, bytes, why) : fail("read", why);
    if (error == TX_OK || error == TX_ECORRUPT)
        head->fd = fd;
    else
        (void)close(fd);
    return error;
}

enum tx_error log_head_advance(struct log_head *head, struct tx_lsn lsn, struct tx_why *why)
{
    TX_ASSERT(lsn.n >= head->lsn.n);
    if (!write_slot(head, lsn))
        return fail("write", why);
    head->lsn = lsn;
    if (now_us() - head->synced_us >= SYNC_INTERVAL_US && !sync_now(head))
        return fail("sync", why);
    return TX_OK;
}

enum tx_error log_head_reset(struct log_head *head, struct tx_lsn lsn, struct tx_why *why)
{
    for (int i = 0; i < 2; i++) {
        if (!write_slot(head, lsn))
            return fail("write", why);
        if (!sync_now(head))
            return fail("sync", why);
    }
    head->lsn = lsn;
    return TX_OK;
}

void log_head_close(struct log_head *head)
{
    if (head->fd < 0)
        return;
    if (head->unsynced)
        (void)sync_now(head);
    (void)close(head->fd);
    head->fd = -1;
}
