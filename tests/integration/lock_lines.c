#include "tests/integration/lock_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

bool lock_lines_possible(void)
{
#ifdef ASSENT_CRASH_POINTS
    return true;
#else
    return false;
#endif
}

void lock_lines_wanted(const struct cluster *cluster, struct daemon *daemon)
{
    if (lock_lines_possible())
        snprintf(daemon->lock_trace, sizeof daemon->lock_trace, "%.200s/%s.locks",
                 cluster->directory, daemon->name);
}

static bool whole(const char *line, ssize_t len)
{
    return len >= 3 && strcmp(line + len - 3, "]}\n") == 0;
}

uint64_t lock_lines_append(FILE *out, const struct daemon *daemon)
{
    FILE *in;
    char *line = NULL;
    size_t size = 0;
    uint64_t lines = 0;

    if (daemon->lock_trace[0] == '\0')
        return 0;
    in = fopen(daemon->lock_trace, "r");
    assert_non_null(in);
    for (ssize_t len; (len = getline(&line, &size, in)) > 0;) {
        if (!whole(line, len))
            continue;
        assert_true(fputs(line, out) >= 0);
        lines++;
    }
    free(line);
    fclose(in);
    return lines;
}
