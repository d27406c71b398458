/* Asks daemons over HTTP, by plain sockets: what a browser would not send can be sent, too. */
#ifndef ASSENT_TESTS_INTEGRATION_HTTP_CLIENT_H
#define ASSENT_TESTS_INTEGRATION_HTTP_CLIENT_H

#include "tests/integration/cluster.h"

#define HTTP_ANSWER_MAX (512u * 1024u)

struct http_answer {
    int status;       /* 0: none came */
    const char *head; /* the header lines */
    const char *body;
    char text[HTTP_ANSWER_MAX];
};

/* Connects to the port of 127.0.0.1; -1 when that is refused. */
int http_connect(int port);
/* Sends these bytes as they are and takes the answer, until the other side closes; at most 15 s. */
void http_send(int port, const char *bytes, struct http_answer *answer);
/* GET, again and again until there is an answer, or none for a minute; gives the status. */
int http_get(const struct daemon *daemon, const char *path, struct http_answer *answer);

/* The value of a sample as it stands in /metrics, `name{label="x"}` or `name`; -1 when there is
 * none, or no answer. */
double http_metric(const struct daemon *daemon, const char *sample);
/* The same in a text of /metrics. */
double http_sample(const char *text, const char *sample);

/* Setup for cmocka: two participants, HTTP everywhere, and all wait for hours for who is silent, as
 * work_leave_in_doubt() wants it; all serve, and `client` is open. */
int http_patient_cluster(void **state);

/* Waits until /readyz has this status, and its text holds the words (NULL: any); fails the test
 * when it never has. */
void http_await_ready(const struct daemon *daemon, int status, const char *words);

#endif
