/* What a directory is. */
#include "txlog/backup/backup_format.h"

#include "txlog/backup/backup_files.h"

#include <limits.h>
#include <string.h>

enum tx_error backup_format_check(const struct backup_format *format, const char *directory,
                                  struct tx_why *why)
{
    char file[PATH_MAX];
    struct tx_buf text = {0};
    enum tx_error error = backup_path(file, sizeof(file), directory, BACKUP_FORMAT_FILE, why);
    if (error == TX_OK)
        error = backup_file_read(file, &text, why);
    if (error == TX_OK && !tx_bytes_equal(tx_buf_view(&text), tx_bytes_str(format->text)))
        error = tx_why(why, TX_EVERSION,
                       "%.300s: is no %s that this program knows: its file " BACKUP_FORMAT_FILE
                       " does not say \"%.*s\"",
                       directory, format->what, (int)strcspn(format->text, "\n"), format->text);
    tx_buf_deinit(&text);
    return error;
}

struct claiming {
    const struct backup_format *format;
    size_t others;
};

static enum tx_error count_other(void *arg, const char *entry)
{
    struct claiming *claiming = arg;
    bool own = claiming->format->own != NULL && claiming->format->own(entry);
    claiming->others += !own && strcmp(entry, "lost+found") != 0;
    return TX_OK;
}

enum tx_error backup_format_claim(const struct backup_format *format, const char *directory,
                                  struct tx_why *why)
{
    struct claiming claiming = {.format = format};
    enum tx_error error = backup_directory_make(directory, why);
    if (error == TX_OK)
        error = backup_directory_each(directory, count_other, &claiming, why);
    if (error == TX_OK && claiming.others > 0)
        error = tx_why(why, TX_EINVAL,
                       "%.300s: holds other things and no %s; name a new or an empty directory",
                       directory, format->content);
    return error;
}
