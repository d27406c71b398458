/* What hand_over.c measures: sessions that lock one thing exclusively, of Assent or of PostgreSQL.
 *
 * Every call returns NULL, or a text of what went wrong, which is borrowed until the next call. */
#ifndef ASSENT_TESTS_HAND_OVER_H
#define ASSENT_TESTS_HAND_OVER_H

#include <stdbool.h>

struct hand_over_kind {
    const char *name;
    /* `where`: a client's configuration file, or a connection string. */
    const char *(*open)(void **session, const char *where);
    const char *(*begin)(void *session);
    const char *(*lock)(void *session); /* waits while another session has it */
    const char *(*commit)(void *session);
    void (*close)(void **session);
};

extern const struct hand_over_kind hand_over_assent;
extern const struct hand_over_kind hand_over_postgresql;

#endif
