/* A participant that has declared a loss comes back: an operator lets it in (docs/protocol.md, "A
 * loss that is declared"). */
#include "coordinator/coord_internal.h"

#include <inttypes.h>

bool coord_member_lost(const struct coord_member *member)
{
    const struct tx_loss *loss = &member->peer->loss;
    return loss->start > 0 && tx_loss_holds(loss, member->incarnation);
}

/* What it had acknowledged, or owes, of what it has lost. */
struct losses {
    uint64_t acknowledged, owed;
};

static struct losses count(const struct coord_core *core, const struct coord_peer *peer)
{
    struct losses losses = {0, 0};
    struct coord_tx *tx;
    TAILQ_FOREACH(tx, &core->all, in_all)
    {
        bool committed = tx->state == COORD_COMMITTED || tx->state == COORD_FINISHED_COMMITTED;
        const struct coord_member *member = committed ? coord_tx_member(tx, peer) : NULL;
        if (member == NULL || !coord_member_commits(member)) {
            continue;
        }
        losses.acknowledged += member->acked && member->ack.lsn.n > peer->loss.lsn.n &&
                               tx_loss_holds(&peer->loss, member->ack.start);
        losses.owed += !member->acked;
    }
    return losses;
}

static void describe(const struct coord_core *core, const struct coord_peer *peer,
                     struct tx_why *text)
{
    struct losses losses = count(core, peer);
    (void)tx_why(text, TX_OK,
                 "participant %s has lost what it wrote behind log position %" PRIu64
                 "; it was known up to position %" PRIu64
                 " of its former log. Of the commits that are remembered here it had acknowledged "
                 "%" PRIu64 " behind that position, and owes %" PRIu64 " still",
                 peer->name.s, peer->loss.lsn.n, peer->known.lsn.n, losses.acknowledged,
                 losses.owed);
}

struct tx_bytes coord_readmit_hint(struct coord_core *core, const struct coord_peer *peer)
{
    if (peer->offer.start > 0) {
        return coord_print(core,
                           "It declares the loss of what came behind position %" PRIu64
                           ": txctl readmit %s lets it in",
                           peer->loss.lsn.n, peer->name.s);
    }
    return coord_print(core, "It is in quarantine until its newest data is restored, or, when they "
                             "are gone for good, a backup with their loss declared (txrecover "
                             "rejoin --alone, then txctl readmit)");
}

enum tx_error coord_core_readmission(struct coord_core *core, const struct tx_name *name,
                                     struct tx_why *text)
{
    const struct coord_peer *peer = coord_peer_configured(core, name);
    if (peer == NULL) {
        return tx_why(text, TX_EUNKNOWN, "no participant %s is configured here", name->s);
    }
    if (core->fenced) {
        return tx_why(text, TX_ESTATE, "this coordinator is fenced, and lets nobody in");
    }
    if (peer->state != COORD_PEER_QUARANTINED) {
        return tx_why(text, TX_ESTATE, "participant %s is not in quarantine here: it is %s",
                      name->s, coord_peer_state_text(peer));
    }
    if (peer->offer.start > 0) {
        describe(core, peer, text);
        return TX_OK;
    }
    if (peer->loss.start == 0) {
        return tx_why(
            text, TX_ESTATE,
            "participant %s runs on an old copy of its directory and has declared no "
            "loss: put its newest directory in place; when that is gone for good, restore "
            "a backup and declare the loss with txrecover rejoin --alone",
            name->s);
    }
    return tx_why(text, TX_ESTATE,
                  "the loss that participant %s has declared, behind log position %" PRIu64
                  " in starts up to %" PRIu64 ", does not explain what is missing: it has been at "
                  "start %" PRIu64 ", position %" PRIu64
                  ". It is an old copy; or restore a backup again, and declare with txrecover "
                  "rejoin --alone --incarnation %" PRIu64,
                  name->s, peer->loss.lsn.n, peer->loss.start, peer->known.start, peer->known.lsn.n,
                  peer->known.start);
}

/* When a crash takes the record back, the next start finds it in quarantine, and it can be let in
 * again; nothing else rests on it before it is durable, for whatever does has its records behind
 * this one. */
void coord_readmit(struct coord_core *core, const struct tx_name *name)
{
    struct tx_why text;
    if (coord_core_readmission(core, name, &text) != TX_OK) {
        return;
    }
    struct coord_peer *peer = coord_peer_configured(core, name);
    struct txlog_record record = {.type = TXLOG_READMIT,
                                  .readmit = {.peer = {.name = peer->name, .known = peer->offer},
                                              .known = peer->known,
                                              .loss = peer->loss}};
    coord_alarm(core, (struct tx_id){0},
                coord_print(core, "let in again with its loss: %s", text.text));
    (void)coord_append(core, &record, true);
    coord_peer_return(core, peer);
}

void coord_readmit_recover(struct coord_peer *peer, const struct txlog_readmit *readmit)
{
    peer->known = readmit->peer.known;
}
