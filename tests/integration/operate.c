#include "tests/integration/operate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

char operate_out[OPERATE_OUT_MAX];
char operate_err[OPERATE_OUT_MAX];

int operate(const char *command, const char *first, const char *second, const char *third,
            const char *fourth)
{
    return run_program(operate_out, sizeof operate_out, operate_err, sizeof operate_err, "txctl",
                       "--cluster=test", "--coordinator", cluster.coordinator.address, command,
                       first, second, third, fourth, NULL);
}

void operate_wrote(const char *text)
{
    if (strstr(operate_out, text) == NULL && strstr(operate_err, text) == NULL)
        fail_msg("\"%s\" is not in:\n%.2000s%.2000s", text, operate_out, operate_err);
}

json_t *audit_lines(const struct daemon *daemon)
{
    char path[CLUSTER_PATH + 16];
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    json_t *lines = json_array();

    snprintf(path, sizeof path, "%s/audit.jsonl", daemon->data);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s: there is no audit log", path);
    while ((len = getline(&line, &size, file)) > 0) {
        json_error_t error;
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
        if (object == NULL || !json_is_object(object))
            fail_msg("%s: no JSON object (%s): %s", path, error.text, line);
        assert_int_equal(line[len - 1], '\n');
        json_array_append_new(lines, object);
    }
    free(line);
    fclose(file);
    return lines;
}

json_t *audit_last(const struct daemon *daemon, const char *action)
{
    json_t *lines = audit_lines(daemon);
    json_t *found = NULL;
    size_t i;
    json_t *line;

    json_array_foreach(lines, i, line)
    {
        if (strcmp(json_string_value(json_object_get(line, "action")), action) == 0)
            found = line;
    }
    if (found != NULL)
        json_incref(found);
    json_decref(lines);
    return found;
}

void audit_has(const json_t *line, const char *member, const char *text)
{
    assert_non_null(line);
    const char *value = json_string_value(json_object_get(line, member));
    if (value == NULL || strcmp(value, text) != 0) {
        char *dump = json_dumps(line, 0);
        fail_msg("\"%s\" is not \"%s\" in %s", member, text, dump);
    }
}

void settings_become(struct daemon *daemon, const char *section, const char *lines)
{
    daemon->settings[0] = '\0';
    daemon_set(&cluster, daemon, section, lines);
}
