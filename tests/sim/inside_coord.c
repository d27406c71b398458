#include "inside.h"

#include "coordinator/coord_internal.h"

size_t inside_coord_live(const struct coord_core *core)
{
    return core->by_id.n;
}

bool inside_coord_takes(const struct coord_core *core, const struct tx_envelope *from,
                        const struct tx_msg_welcome *welcome)
{
    const struct coord_peer *peer = coord_peer_find(core, &from->name);
    struct tx_lineage lineage;

    if (peer == NULL || !tx_lineage_set(&lineage, welcome->starts, welcome->starts_n))
        return false;
    return !tx_lineage_denies(&lineage, peer->known) && welcome->lsn.n >= peer->known.lsn.n &&
           welcome->incarnation >= peer->incarnation &&
           (welcome->incarnation != peer->incarnation || from->life == peer->life);
}
