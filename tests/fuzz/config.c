/* Configuration files of both daemons and of the client. A refusal names the file; what is accepted
 * prints as a file that is accepted and prints the same. */
#include "fuzz.h"

#include "client/client_settings.h"
#include "common/assert.h"
#include "coordinator/coord_config.h"
#include "participant/part_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file that lives in memory alone. The name is good until it is closed. */
static int memory_file(const void *data, size_t size, char name[32])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    TX_ASSERT(fd >= 0);
    ssize_t written = size > 0 ? write(fd, data, size) : 0;
    TX_ASSERT(written == (ssize_t)size);
    (void)snprintf(name, 32, "/proc/self/fd/%d", fd);
    return fd;
}

static char *print(const struct config_schema *schema, const void *config, size_t *len)
{
    char *text = NULL;
    FILE *file = open_memstream(&text, len);
    TX_ASSERT(file != NULL);
    config_print(schema, config, file);
    int closed = fclose(file);
    TX_ASSERT(closed == 0);
    return text;
}

/* Into a configuration that is all zero, as the daemons do. */
static enum tx_error read_config(const char *name, const struct config_schema *schema, void *config,
                                 size_t config_size, struct tx_why *why)
{
    memset(config, 0, config_size);
    return config_read(name, schema, config, why);
}

static void check_printed(const struct config_schema *schema, void *config, size_t config_size)
{
    struct tx_why why = {{0}};
    char name[32];
    size_t first_len;
    size_t second_len;
    char *first = print(schema, config, &first_len);
    int fd = memory_file(first, first_len, name);
    enum tx_error error = read_config(name, schema, config, config_size, &why);
    TX_ASSERT(error == TX_OK);
    char *second = print(schema, config, &second_len);
    TX_ASSERT(first_len == second_len && memcmp(first, second, first_len) == 0);
    close(fd);
    free(first);
    free(second);
}

static void daemon_config(const char *name, const struct config_schema *schema, void *config,
                          size_t config_size)
{
    struct tx_why why = {{0}};
    enum tx_error error = read_config(name, schema, config, config_size, &why);
    TX_ASSERT(error == TX_OK || error == TX_EFORMAT);
    TX_ASSERT(error == TX_OK || strncmp(why.text, name, strlen(name)) == 0);
    if (error == TX_OK)
        check_printed(schema, config, config_size);
}

static void client_config(const char *name)
{
    struct client_settings settings;
    struct tx_why why = {{0}};
    client_settings_init(&settings);
    enum tx_error error = client_settings_read(&settings, name, &why);
    TX_ASSERT(error == TX_OK || error == TX_EFORMAT);
    TX_ASSERT(error == TX_OK || strncmp(why.text, name, strlen(name)) == 0);
    if (error == TX_OK) {
        error = client_settings_check(&settings, &why);
        TX_ASSERT(error == TX_OK || why.text[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct coord_config coordinator;
    static struct part_config participant;
    char name[32];
    int fd = memory_file(data, size, name);
    daemon_config(name, &coord_config_schema, &coordinator, sizeof coordinator);
    daemon_config(name, &part_config_schema, &participant, sizeof participant);
    client_config(name);
    close(fd);
    return 0;
}
