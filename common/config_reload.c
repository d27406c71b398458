/* Reading a configuration file again, under a running daemon. */
#include "common/config.h"

#include "common/assert.h"

#include <stdlib.h>
#include <string.h>

/* The section of free keys as text; NULL without memory. */
static char *free_text(const struct config_schema *schema, const void *config)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL) {
        return NULL;
    }
    schema->free_print(config, out);
    return fclose(out) == 0 ? text : NULL;
}

static void compare_free(const struct config_reload *reload, const void *config, const void *fresh)
{
    const struct config_schema *schema = reload->schema;
    char *old_text;
    char *new_text;

    if (schema->free_section == NULL || schema->free_print == NULL) {
        return;
    }
    old_text = free_text(schema, config);
    new_text = free_text(schema, fresh);
    if (old_text == NULL || new_text == NULL || strcmp(old_text, new_text) != 0) {
        reload->changed(reload->arg, schema->free_section, "*", "", "", false);
    }
    free(old_text);
    free(new_text);
}

/* Goes through the keys; takes those that may be taken into `target`, and tells of all that differ
 * when `tell`. */
static void take_keys(const struct config_reload *reload, const void *config, const void *fresh,
                      void *target, bool tell)
{
    for (size_t i = 0; i < config_keys_n(reload->schema); i++) {
        const struct config_key *key = config_key_at(reload->schema, i);
        const bool taken = key->taken == CONFIG_AT_RELOAD;
        char old_value[CONFIG_LINE_MAX + 64], new_value[CONFIG_LINE_MAX + 64];

        config_value_print(key, config, old_value, sizeof(old_value));
        config_value_print(key, fresh, new_value, sizeof(new_value));
        if (strcmp(old_value, new_value) == 0) {
            continue;
        }
        if (tell) {
            reload->changed(reload->arg, key->section, key->name, old_value, new_value, taken);
        } else if (taken) {
            const enum tx_error error =
                config_value_set(reload->schema, key, new_value, target, NULL);

            TX_ASSERT(error == TX_OK); /* it was read from a text before */
        }
    }
}

/* What both files allow each for itself may not fit together. */
static enum tx_error check_mixed(const struct config_reload *reload, const void *mixed,
                                 struct tx_why *why)
{
    struct tx_why detail = {.text = ""};
    enum tx_error error = reload->check != NULL ? reload->check(mixed, &detail) : TX_OK;

    return error == TX_OK
               ? TX_OK
               : tx_why(why, error, "%s, with what needs a restart: %s", reload->file, detail.text);
}

static enum tx_error read_fresh(const struct config_reload *reload, void *fresh, struct tx_why *why)
{
    struct tx_why detail = {.text = ""};
    enum tx_error error = config_read(reload->file, reload->schema, fresh, why);

    if (error == TX_OK && reload->check != NULL) {
        error = reload->check(fresh, &detail);
        if (error != TX_OK) {
            return tx_why(why, error, "%s: %s", reload->file, detail.text);
        }
    }
    return error;
}

enum tx_error config_reload(const struct config_reload *reload, void *config, struct tx_why *why)
{
    void *fresh = calloc(1, reload->config_size);
    void *mixed = malloc(reload->config_size);
    enum tx_error error = TX_ENOMEM;

    if (fresh == NULL || mixed == NULL) {
        (void)tx_why(why, TX_ENOMEM, "out of memory");
        goto out;
    }
    error = read_fresh(reload, fresh, why);
    if (error != TX_OK) {
        goto out;
    }
    memcpy(mixed, config, reload->config_size);
    take_keys(reload, config, fresh, mixed, false);
    error = check_mixed(reload, mixed, why);
    if (error == TX_OK) {
        take_keys(reload, config, fresh, NULL, true);
        compare_free(reload, config, fresh);
        memcpy(config, mixed, reload->config_size);
    }
out:
    free(fresh);
    free(mixed);
    return error;
}
