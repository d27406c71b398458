#include "store.h"

#include <stdlib.h>

struct call {
    struct call *next;
    uint64_t number;
    struct tx_id tx;
    enum part_rm_call call;
    struct tx_op op;
    bool read; /* it has read at once, and only the answer takes its time */
    struct rm_answer answer;
    struct tx_arena arena; /* of what `op` and `answer` point to */
};

struct sim_store {
    struct sim *sim;
    size_t node;
    struct sim_random random;
    struct call *calls;
    uint64_t called;
    struct call *last; /* the answer borrows from it */
};

struct sim_store *sim_store_new(struct sim *sim, size_t node)
{
    struct sim_store *store;

    if (sim->options.store_us == 0)
        return NULL;
    store = tx_xcalloc(1, sizeof *store);
    store->sim = sim;
    store->node = node;
    store->random.state = sim->nodes[node].life ^ UINT64_C(0x73746f7265);
    return store;
}

static void free_call(struct call **call)
{
    if (*call == NULL)
        return;
    tx_arena_deinit(&(*call)->arena);
    free(*call);
    *call = NULL;
}

void sim_store_destroy(struct sim_store **store)
{
    if (*store == NULL)
        return;
    while ((*store)->calls != NULL) {
        struct call *call = (*store)->calls;

        (*store)->calls = call->next;
        free_call(&call);
    }
    free_call(&(*store)->last);
    free(*store);
    *store = NULL;
}

/* A scan without a lock reads at any time between call and answer: here at one end or the other. */
static void read_at_once(struct sim_store *store, struct rm *rm, struct call *call)
{
    if (call->call != PART_RM_EXECUTE || call->op.type != TX_OP_SCAN ||
        !sim_random_percent(&store->random, 50))
        return;
    rm->vtable->execute(rm, call->tx, &call->op, &call->answer);
    call->answer.text = tx_arena_copy(&call->arena, call->answer.text);
    call->answer.result.value = tx_arena_copy(&call->arena, call->answer.result.value);
    call->read = true;
}

void sim_store_call(struct sim_store *store, struct rm *rm, const struct part_action *action)
{
    struct sim *sim = store->sim;
    struct call *call = tx_xcalloc(1, sizeof *call);
    uint64_t longest = sim->healed ? 1000 : sim->options.store_us;

    call->number = ++store->called;
    call->tx = action->tx;
    call->call = action->type == PART_ACTION_EXECUTE ? PART_RM_EXECUTE : PART_RM_PREPARE;
    if (call->call == PART_RM_EXECUTE) {
        call->op = action->op;
        call->op.space = tx_arena_copy(&call->arena, action->op.space);
        call->op.key = tx_arena_copy(&call->arena, action->op.key);
        call->op.value = tx_arena_copy(&call->arena, action->op.value);
        call->op.to = tx_arena_copy(&call->arena, action->op.to);
    }
    read_at_once(store, rm, call);
    call->next = store->calls;
    store->calls = call;
    sim_timeline_add(
        &sim->timeline,
        (struct sim_event){.type = SIM_EVENT_STORE,
                           .at = sim->now + sim_random_between(&store->random, 1, longest),
                           .node = (uint8_t)store->node,
                           .run = sim->nodes[store->node].run,
                           .number = call->number});
}

/* Not now, or never: the store decides. */
static bool refuses(struct sim_store *store, struct rm *rm, const struct call *call,
                    struct part_event *event)
{
    static const enum tx_reason reasons[] = {TX_REASON_NONE, TX_REASON_CHECK, TX_REASON_BUSY};
    struct rm_answer answer = {0};

    if (store->sim->healed ||
        !sim_random_percent(&store->random, (unsigned)store->sim->options.store_refuses_percent))
        return false;
    if (sim_random_percent(&store->random, 30)) {
        event->status = PART_RM_RETRY;
        return true;
    }
    event->status = PART_RM_ROLLED_BACK;
    event->reason = reasons[sim_random_between(&store->random, 0, 2)];
    event->text = tx_bytes_str("the store does not like it");
    rm->vtable->rollback(rm, call->tx, &answer); /* RM_NOT_FOUND when that was its first call */
    return true;
}

static void do_it(struct rm *rm, const struct call *call, struct part_event *event)
{
    static const enum part_rm_status statuses[] = {
        [RM_OK] = PART_RM_OK,
        [RM_READ_ONLY] = PART_RM_READ_ONLY,
        [RM_ROLLED_BACK] = PART_RM_ROLLED_BACK,
    };
    struct rm_answer answer = {0};

    if (call->read)
        answer = call->answer;
    else if (call->call == PART_RM_EXECUTE)
        rm->vtable->execute(rm, call->tx, &call->op, &answer);
    else
        rm->vtable->prepare(rm, call->tx, &answer);
    TX_ASSERT(answer.status <= RM_ROLLED_BACK);
    event->status = statuses[answer.status];
    event->reason = answer.reason;
    event->text = answer.text;
    event->result = answer.result;
    event->redo = answer.redo;
    event->wrote = answer.wrote;
}

struct part_event sim_store_answer(struct sim_store *store, struct rm *rm, uint64_t number)
{
    struct call **at = &store->calls;
    struct part_event event = {.type = PART_EVENT_RM};

    while ((*at)->number != number)
        at = &(*at)->next;
    free_call(&store->last);
    store->last = *at;
    *at = store->last->next;
    event.tx = store->last->tx;
    event.call = store->last->call;
    if (!refuses(store, rm, store->last, &event))
        do_it(rm, store->last, &event);
    return event;
}
