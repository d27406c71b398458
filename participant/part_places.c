/* Where other participants are, as far as it is known to be another place than the one that a
 * PREPARED record has: an address is only where to ask. Who answers there shows by its name,
 * generation, incarnation and lineage, as everywhere. In memory alone: whoever told it tells it
 * again. */
#include "participant/part_internal.h"

#include <stdlib.h>
#include <string.h>

static struct part_place *find(const struct part_core *core, const struct tx_name *name)
{
    struct part_place *place;
    HASH_FIND(hh, core->places, name, sizeof *name, place);
    return place;
}

static void drop(struct part_core *core, struct part_place *place)
{
    HASH_DEL(core->places, place);
    part_list_remove(&place->in_age);
    free(place);
}

/* The one of that name, which counts as the newest from now on. The oldest makes room. */
static struct part_place *touch(struct part_core *core, const struct tx_name *name)
{
    struct part_place *place = find(core, name);
    if (place == NULL) {
        if (HASH_COUNT(core->places) >= PART_PLACES_MAX)
            drop(core, PART_CONTAINER(core->places_by_age.next, struct part_place, in_age));
        place = tx_xcalloc(1, sizeof *place);
        place->name = *name;
        HASH_ADD(hh, core->places, name, sizeof place->name, place);
    }
    part_list_remove(&place->in_age);
    part_list_append(&core->places_by_age, &place->in_age);
    return place;
}

static bool same(const struct tx_address *a, const struct tx_address *b)
{
    return strcmp(a->s, b->s) == 0;
}

/* What was told before stays: coordinators may be of two minds while their configurations are being
 * changed. */
static void told(struct part_core *core, const struct tx_member *node)
{
    struct part_place *place = touch(core, &node->name);
    if (same(&place->told[0], &node->address))
        return;
    place->told[1] = place->told[0];
    place->told[0] = node->address;
}

void part_places_told(struct part_core *core, const struct tx_member *nodes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!tx_name_equal(&nodes[i].name, &core->options.name) && nodes[i].address.s[0] != '\0')
            told(core, &nodes[i]);
    }
}

/* Where it is to be asked anyhow. */
static bool is_known(const struct part_core *core, const struct tx_member *member,
                     const struct tx_address *address)
{
    const struct tx_address *known[PART_PLACES_OF_ONE];
    size_t n = part_places_of(core, member, known);
    for (size_t i = 0; i < n; i++) {
        if (same(known[i], address))
            return true;
    }
    return false;
}

bool part_place_heard(struct part_core *core, const struct tx_member *member,
                      const struct tx_envelope *from)
{
    TX_ASSERT(from->role == TX_ROLE_PARTICIPANT && tx_name_equal(&member->name, &from->name));
    if (from->start < member->incarnation || from->address.s[0] == '\0')
        return false;
    const struct part_place *before = find(core, &member->name);
    if (before != NULL && from->start < before->own_start)
        return false; /* late, or an old copy: a later start has said where it is */
    bool is_new = !is_known(core, member, &from->address);
    if (!is_new && before == NULL)
        return false; /* where PREPARED has it: nothing to keep */
    struct part_place *place = touch(core, &member->name);
    place->own = from->address;
    place->own_start = from->start;
    return is_new;
}

static size_t add_place(const struct tx_address **out, size_t n, const struct tx_address *address)
{
    for (size_t i = 0; i < n; i++) {
        if (same(out[i], address))
            return n;
    }
    if (address->s[0] == '\0')
        return n;
    TX_ASSERT(n < PART_PLACES_OF_ONE);
    out[n] = address;
    return n + 1;
}

size_t part_places_of(const struct part_core *core, const struct tx_member *member,
                      const struct tx_address *out[PART_PLACES_OF_ONE])
{
    const struct part_place *place = find(core, &member->name);
    size_t n = 0;
    if (place != NULL && !TX_SEEDED_BUG(PLACES_IGNORED)) {
        n = add_place(out, n, &place->told[0]);
        n = add_place(out, n, &place->own);
        n = add_place(out, n, &place->told[1]);
    }
    return add_place(out, n, &member->address);
}

void part_places_check(const struct part_core *core)
{
    size_t n = 0;
    for (const struct part_link *l = core->places_by_age.next; l != &core->places_by_age;
         l = l->next) {
        const struct part_place *place = PART_CONTAINER(l, struct part_place, in_age);
        TX_ASSERT(find(core, &place->name) == place);
        TX_ASSERT(!tx_name_equal(&place->name, &core->options.name));
        TX_ASSERT(place->told[0].s[0] != '\0' || place->own.s[0] != '\0');
        n++;
    }
    TX_ASSERT(n == HASH_COUNT(core->places) && n <= PART_PLACES_MAX);
}

void part_places_free(struct part_core *core)
{
    while (core->places != NULL)
        drop(core, core->places);
}
