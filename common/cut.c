#include "common/cut.h"

#include "common/assert.h"
#include "common/msg.h"

#include <inttypes.h>
#include <string.h>

uint64_t tx_cuts_last(const struct tx_cuts *cuts)
{
    TX_ASSERT(cuts->n <= TX_CUTS_KEPT);
    return cuts->n > 0 ? cuts->items[cuts->n - 1].number : 0;
}

bool tx_cuts_add(struct tx_cuts *cuts, struct tx_cut cut)
{
    TX_ASSERT(cuts->n <= TX_CUTS_KEPT);
    if (cut.number <= tx_cuts_last(cuts) || cut.number > TX_CUT_LAST || cut.lsn.n == 0 ||
        (cuts->n > 0 && cut.lsn.n <= cuts->items[cuts->n - 1].lsn.n)) {
        return false;
    }
    if (cuts->n == TX_CUTS_KEPT) {
        memmove(&cuts->items[0], &cuts->items[1], (TX_CUTS_KEPT - 1) * sizeof cuts->items[0]);
        cuts->n--;
    }
    cuts->items[cuts->n++] = cut;
    return true;
}

enum tx_error tx_cuts_recover(struct tx_cuts *cuts, struct tx_cut cut, struct tx_lsn at,
                              bool restating, struct tx_why *why)
{
    const bool restated = cut.lsn.n != at.n;
    TX_ASSERT(cuts->n <= TX_CUTS_KEPT);
    if (restated && restating && cut.number <= tx_cuts_last(cuts)) {
        return TX_OK; /* repeats what is known */
    }
    if (restated == restating && tx_cuts_add(cuts, cut)) {
        return TX_OK;
    }
    return tx_why(why, TX_ECORRUPT,
                  "record %" PRIu64 " (CUT %" PRIu64 ") does not follow cut %" PRIu64 " before it",
                  at.n, cut.number, tx_cuts_last(cuts));
}

bool tx_cuts_forgotten(const struct tx_cuts *cuts, uint64_t number)
{
    TX_ASSERT(cuts->n <= TX_CUTS_KEPT);
    /* Nothing was ever dropped from a list that has room. */
    return cuts->n == TX_CUTS_KEPT && number < cuts->items[0].number;
}

const struct tx_cut *tx_cuts_find(const struct tx_cuts *cuts, uint64_t number)
{
    TX_ASSERT(number > 0);
    if (tx_cuts_forgotten(cuts, number)) {
        return NULL;
    }
    for (size_t i = 0; i < cuts->n; i++) {
        if (cuts->items[i].number >= number) {
            return &cuts->items[i];
        }
    }
    return NULL;
}

enum tx_cut_stamp tx_cut_judge(uint64_t own, uint64_t stamp)
{
    if (stamp <= own) {
        return TX_CUT_KNOWN;
    }
    return stamp > TX_CUT_LAST || stamp - own > TX_CUT_AHEAD_MAX ? TX_CUT_IMPOSSIBLE : TX_CUT_NEWER;
}

bool tx_cut_askers_add(struct tx_cut_askers *askers, struct tx_cut_asker asker,
                       struct tx_cut_asker *given_up)
{
    TX_ASSERT(askers->n <= TX_CUT_ASKERS_MAX && asker.number > 0);
    const bool full = askers->n == TX_CUT_ASKERS_MAX;
    if (full) {
        *given_up = askers->items[0];
        askers->n--;
        memmove(&askers->items[0], &askers->items[1], askers->n * sizeof askers->items[0]);
    }
    askers->items[askers->n++] = asker;
    return full;
}

bool tx_cut_askers_take(struct tx_cut_askers *askers, const struct tx_cuts *cuts,
                        struct tx_lsn durable, struct tx_cut_asker *asker, struct tx_cut *cut)
{
    for (size_t i = 0; i < askers->n; i++) {
        const struct tx_cut *found = tx_cuts_find(cuts, askers->items[i].number);
        if (found != NULL && found->lsn.n <= durable.n) {
            *asker = askers->items[i];
            *cut = *found;
            askers->n--;
            memmove(&askers->items[i], &askers->items[i + 1],
                    (askers->n - i) * sizeof askers->items[0]);
            return true;
        }
    }
    return false;
}

void tx_cut_answer(struct tx_cut_asker asker, struct tx_cut cut, struct tx_msg *answer)
{
    TX_ASSERT(cut.number >= asker.number);
    *answer = (struct tx_msg){
        .type = TX_MSG_CUT,
        .cut = {.req = asker.req,
                .number = asker.number,
                .taken = cut.number,
                .lsn = cut.lsn,
                .time_ms = cut.time_ms},
    };
}

void tx_cuts_check(const struct tx_cuts *cuts, const struct tx_cut_askers *askers,
                   struct tx_lsn durable, struct tx_lsn last)
{
    TX_ASSERT(cuts->n <= TX_CUTS_KEPT && askers->n <= TX_CUT_ASKERS_MAX);
    for (size_t i = 0; i < cuts->n; i++) {
        TX_ASSERT(cuts->items[i].lsn.n <= last.n);
        TX_ASSERT(i == 0 || cuts->items[i - 1].number < cuts->items[i].number);
        TX_ASSERT(i == 0 || cuts->items[i - 1].lsn.n < cuts->items[i].lsn.n);
    }
    for (size_t i = 0; i < askers->n; i++) {
        const struct tx_cut *found = tx_cuts_find(cuts, askers->items[i].number);
        TX_ASSERT(found == NULL || found->lsn.n > durable.n);
    }
}

enum tx_error tx_cut_may_ask(const struct tx_cuts *cuts, uint64_t number, struct tx_why *why)
{
    TX_ASSERT(number > 0);
    if (tx_cut_judge(tx_cuts_last(cuts), number) == TX_CUT_IMPOSSIBLE) {
        return tx_why(why, TX_EINVAL,
                      "there can be no cut %" PRIu64 " yet: the newest one here is %" PRIu64,
                      number, tx_cuts_last(cuts));
    }
    if (tx_cuts_forgotten(cuts, number)) {
        return tx_why(why, TX_ENOTFOUND,
                      "the position of cut %" PRIu64
                      " is forgotten here: the last %u are kept, from "
                      "%" PRIu64 " on. The log may still show its CUT record (txrecover log)",
                      number, TX_CUTS_KEPT, cuts->items[0].number);
    }
    return TX_OK;
}
