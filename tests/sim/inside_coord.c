#include "inside.h"

#include "coordinator/coord_internal.h"

size_t inside_coord_live(const struct coord_core *core)
{
    return HASH_CNT(hh_id, core->by_id);
}
