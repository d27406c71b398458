/* The gaps that a backup covers. */
#include "txlog/backup/archive_cover.h"

#include "txlog/backup/backup_files.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define NAME "archive.covered"

struct tx_lsn archive_cover_read(const char *data, uint64_t generation)
{
    char path[PATH_MAX], end;
    struct tx_buf text = {0};
    struct tx_lsn lsn = {0}, none = {0};
    uint64_t of = 0;
    bool read = backup_path(path, sizeof path, data, NAME, NULL) == TX_OK &&
                backup_file_read(path, &text, NULL) == TX_OK;
    if (read)
        tx_buf_append(&text, tx_bytes("", 1));
    read = read && !text.failed &&
           sscanf((const char *)text.data, "generation %" SCNu64 " lsn %" SCNu64 "%c", &of, &lsn.n,
                  &end) == 3 &&
           end == '\n';
    tx_buf_deinit(&text);
    return read && of == generation ? lsn : none;
}

enum tx_error archive_cover_write(const char *data, uint64_t generation, struct tx_lsn lsn,
                                  struct tx_why *why)
{
    char text[80];
    int n =
        snprintf(text, sizeof text, "generation %" PRIu64 " lsn %" PRIu64 "\n", generation, lsn.n);
    return backup_file_write(data, NAME, tx_bytes(text, (size_t)n), why);
}

bool archive_cover_is_whole(const char *repository, const char *backup)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/backups/%s/MANIFEST.json", repository, backup);
    return n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0;
}
