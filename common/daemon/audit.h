/* The audit log: who did what to a daemon, one JSON object a line.
 *
 *   {"time":"2026-11-21T10:00:00.123Z","node":"a","start":7,"action":"resolve","operator":"alice",
 *    "from":"txctl","transaction":"1-7-42","argument":"commit","outcome":"TX_OK","text":"..."}
 *
 * `node` and `start` say which daemon and which of its starts; `from` is the label of the client,
 * "signal" or "daemon". A line is appended as one write and synced before the call that it tells of
 * is answered; docs/messages.md has the actions and their members. What is told in a line comes
 * from outside and is escaped.
 *
 * The file is opened for appending, with mode 0600. A line that a crash has cut is ended before the
 * next one begins, and a line that could not be written whole is taken back. */
#ifndef ASSENT_COMMON_DAEMON_AUDIT_H
#define ASSENT_COMMON_DAEMON_AUDIT_H

#include "common/ids.h"

struct audit;

/* A changed key of a reload. */
struct audit_change {
    char *key; /* "log.level" */
    char *old_value;
    char *new_value;
    bool taken; /* in force from now on; else after a restart */
};

struct audit_entry {
    const char *action;
    const char *operator_name; /* as he says; empty: nobody has said */
    const char *from;
    struct tx_id tx;          /* all zero: of none */
    struct tx_bytes argument; /* empty: left out */
    const char *outcome;      /* the name of an error, or "asked": what became of it follows */
    const char *text;         /* for people; empty: left out */
    const struct audit_change *changes; /* reload */
    size_t changes_n;
};

/* Opens `file`; one that begins with no '/' is in `directory`; "none": nothing is kept, and nothing
 * fails. TX_EACCESS, TX_EINVAL, TX_ENOTFOUND with a text when it can never be opened so; when the
 * disk is full, it is tried again with each entry. */
enum tx_error audit_open(const char *directory, const char *file, const char *node, uint64_t start,
                         struct audit **audit, struct tx_why *why) TX_MUST_CHECK;
void audit_close(struct audit **audit);

/* Durable when it returns TX_OK. TX_EFULL, TX_EIO with a text: then no part of it is in the file,
 * as far as the file system lets one say so. */
enum tx_error audit_write(struct audit *audit, const struct audit_entry *entry,
                          struct tx_why *why) TX_MUST_CHECK;

/* Goes on in a new file when this one was renamed. On a failure it goes on in the old one; TX_EIO
 * with a text. */
enum tx_error audit_reopen(struct audit *audit, struct tx_why *why) TX_MUST_CHECK;

#endif
