#include "client/backup_find.h"

#include "client/txclient_admin.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 64u

/* ---- what goes wrong ---- */

bool backup_drive_fail(struct backup_drive *drive, enum tx_error error, const char *format, ...)
{
    va_list args;
    if (drive->trouble.error != TX_OK || drive->trouble.status != TXCLIENT_OK) {
        return false;
    }
    drive->trouble.error = error;
    va_start(args, format);
    (void)vsnprintf(drive->trouble.text, sizeof drive->trouble.text, format, args);
    va_end(args);
    return false;
}

bool backup_drive_blame(struct backup_drive *drive, const char *name, const char *address,
                        txclient_status status)
{
    const char *text = txclient_detail(drive->client)->text;
    if (drive->stopped != NULL && drive->stopped(drive->arg)) {
        return backup_drive_withdraw(drive, "it was told to stop");
    }
    (void)backup_drive_fail(drive, TX_EUNREACHABLE, "%s%s%s: %s", name,
                            address != NULL ? " at " : "", address != NULL ? address : "", text);
    drive->trouble.status = status;
    return false;
}

bool backup_drive_withdraw(struct backup_drive *drive, const char *why)
{
    drive->trouble.withdrawn = true;
    return backup_drive_fail(drive, TX_ESTATE, "%s", why);
}

/* ---- the daemons ---- */

static bool known(const struct backup_drive *drive, const char *name)
{
    for (size_t i = 0; i < drive->targets_n; i++) {
        if (strcmp(drive->targets[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool add(struct backup_drive *drive, const char *name, const char *address)
{
    struct backup_drive_target *grown =
        reallocarray(drive->targets, drive->targets_n + 1, sizeof *grown);
    if (grown == NULL) {
        return backup_drive_fail(drive, TX_ENOMEM, "out of memory");
    }
    drive->targets = grown;
    struct backup_drive_target *target = &grown[drive->targets_n++];
    *target = (struct backup_drive_target){.name = strdup(name), .address = strdup(address)};
    return (target->name != NULL && target->address != NULL) ||
           backup_drive_fail(drive, TX_ENOMEM, "out of memory");
}

static bool is(const txclient_node *node, const char *field, const char *text)
{
    const char *value = txclient_node_get(node, field);
    return value != NULL && strcmp(value, text) == 0;
}

static bool add_participant(struct backup_drive *drive, const txclient_node_peer *peer)
{
    char name[NAME_MAX_BYTES];
    (void)snprintf(name, sizeof name, "participant %s", peer->name);
    if (drive->need_up && strncmp(peer->state, "up", 2) != 0) { /* "up, refusing new work" is */
        return backup_drive_fail(drive, TX_EUNREACHABLE, "%s at %s is %s, silent for %" PRIu64 " s",
                                 name, peer->address, peer->state, peer->silent_ms / 1000);
    }
    return add(drive, name, peer->address);
}

/* What the handle's coordinator knows; `own` becomes its name. */
static bool add_participants(struct backup_drive *drive, char own[NAME_MAX_BYTES])
{
    txclient_node *node = NULL;
    const txclient_node_peer *peer;
    txclient_status status = txclient_inspect(drive->client, NULL, &node);
    if (status != TXCLIENT_OK) {
        return backup_drive_blame(drive, "the coordinator",
                                  txclient_coordinator_address(drive->client), status);
    }
    const char *id = txclient_node_get(node, "id");
    bool going = true;
    (void)snprintf(own, NAME_MAX_BYTES, "coordinator %s", id != NULL ? id : "?");
    if (drive->need_up && is(node, "state", "fenced")) {
        going =
            backup_drive_withdraw(drive, "the coordinator is fenced: a later start of it exists");
    }
    for (size_t i = 0; going && (peer = txclient_node_peer_at(node, i)) != NULL; i++) {
        going = add_participant(drive, peer);
    }
    txclient_node_free(&node);
    return going;
}

/* The coordinators that a participant has seen. One that nobody hears of any more belongs to the
 * cluster all the same: what it has decided is in its log. */
static bool add_coordinators(struct backup_drive *drive, size_t participant)
{
    const struct backup_drive_target of = drive->targets[participant]; /* the list moves */
    txclient_node *node = NULL;
    const txclient_node_peer *peer;
    txclient_status status = txclient_inspect(drive->client, of.address, &node);
    bool going = true;
    if (status != TXCLIENT_OK) {
        return backup_drive_blame(drive, of.name, of.address, status);
    }
    for (size_t i = 0; going && (peer = txclient_node_peer_at(node, i)) != NULL; i++) {
        if (strncmp(peer->name, "coordinator ", 12) == 0 && peer->address[0] != '\0' &&
            !known(drive, peer->name)) {
            going = add(drive, peer->name, peer->address);
        }
    }
    txclient_node_free(&node);
    return going;
}

bool backup_drive_find(struct backup_drive *drive)
{
    char own[NAME_MAX_BYTES];
    bool going = add_participants(drive, own);
    const size_t participants = drive->targets_n;
    for (size_t i = 0; going && i < participants; i++) {
        going = add_coordinators(drive, i);
    }
    /* The coordinator that this client has must be among them. */
    if (going && !known(drive, own)) {
        going = backup_drive_fail(drive, TX_EBUSY,
                                  "no participant has heard of %s yet; try again in a moment", own);
    }
    return going;
}
