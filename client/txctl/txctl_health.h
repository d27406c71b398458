/* How a daemon fares, from what it says of itself. */
#ifndef ASSENT_CLIENT_TXCTL_HEALTH_H
#define ASSENT_CLIENT_TXCTL_HEALTH_H

#include "client/txctl/txctl_nodes.h"

#define HEALTH_REASONS_MAX 12u
#define HEALTH_REASON_TEXT 640u
/* In doubt for so long: somebody should look. */
#define HEALTH_DOUBT_MS UINT64_C(10000)
/* An alarm is news for so long. */
#define HEALTH_ALARM_MS (UINT64_C(24) * 3600 * 1000)

enum health { HEALTH_OK, HEALTH_WARN, HEALTH_BAD };

struct health_report {
    enum health health; /* the worst of the reasons */
    size_t reasons_n;   /* none when it is OK */
    char reasons[HEALTH_REASONS_MAX][HEALTH_REASON_TEXT];
};

/* "OK", "WARN", "BAD". Static. */
const char *health_name(enum health health);
/* Judges a daemon; asks it for its newest alarm. `now_ms`: wall clock, Unix milliseconds. */
void health_judge(txclient *client, const struct txctl_node *node, uint64_t now_ms,
                  struct health_report *report);
/* A number in its status; 0 when there is none. */
uint64_t health_number(const struct txctl_node *node, const char *field);

#endif
