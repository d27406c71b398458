/* Asynchronous calls: a flow, whom to call when it is over, and what that one is given. */
#include "client/client_shell.h"

#include "common/assert.h"

#include <stdlib.h>

#define SPARE_MAX       1024u /* tasks that are kept for the next ones */
#define SPARE_ARENA_MAX 4096u /* bytes that each of them keeps */

/* A task with an empty detail and arena; NULL when out of memory. Nothing else in it is set. */
static struct client_task *take(struct txclient *client)
{
    struct client_task *task = client->spare;
    if (task != NULL) {
        client->spare = task->next;
        client->spare_n--;
        client_detail_clear(&task->detail);
        return task;
    }
    task = malloc(sizeof *task);
    if (task != NULL) {
        client_detail_init(&task->detail);
        task->arena = (struct tx_arena){0};
    }
    return task;
}

static void task_destroy(struct client_task *task)
{
    client_detail_deinit(&task->detail);
    tx_arena_deinit(&task->arena);
    free(task);
}

static void give_back(struct client_task *task)
{
    struct txclient *client = task->client;
    tx_arena_reset(&task->arena);
    if (client->spare_n == SPARE_MAX || tx_arena_kept(&task->arena) > SPARE_ARENA_MAX) {
        task_destroy(task);
        return;
    }
    task->next = client->spare;
    client->spare = task;
    client->spare_n++;
}

void client_tasks_deinit(struct txclient *client)
{
    while (client->spare != NULL) {
        struct client_task *task = client->spare;
        client->spare = task->next;
        task_destroy(task);
    }
    client->spare_n = 0;
}

struct client_task *client_task_new(struct txclient *client, struct client_thread *self,
                                    txclient_tx *tx, txclient_done done, void *arg,
                                    txclient_status *status)
{
    struct client_task *task = NULL;
    if (self == NULL) {
        task = take(client);
        client->farewells += task != NULL ? 1 : 0;
        *status = task != NULL ? TXCLIENT_OK : TXCLIENT_ENOMEM;
    } else if (done == NULL) {
        *status = client_fail(&self->detail, TXCLIENT_EINVAL, "there is nobody to call back");
    } else if (client->closing) {
        *status = client_fail(&self->detail, TXCLIENT_ESTATE, "the handle is being closed");
    } else if (client->in_flight >= client->settings.in_flight_max) {
        *status = client_fail(&self->detail, TXCLIENT_EBUSY,
                              "%zu asynchronous calls are under way, and the handle takes no more "
                              "at once (in_flight_max); process what is over first",
                              client->in_flight);
    } else if ((task = take(client)) == NULL) {
        *status = client_fail(&self->detail, TXCLIENT_ENOMEM, "out of memory");
    }
    if (task == NULL) {
        return NULL;
    }
    task->next = NULL;
    task->client = client;
    task->done = done;
    task->arg = arg;
    task->accepted = false;
    task->values = NULL;
    task->values_n = 0;
    task->tx = tx;
    if (tx != NULL) {
        tx->tasks++;
    }
    client_flow_init(&task->u.flow, client, &task->detail, NULL);
    task->u.flow.task = task;
    return task;
}

void client_task_free(struct client_task *task)
{
    txclient_tx *tx = task->tx;
    if (tx != NULL) {
        TX_ASSERT(tx->tasks > 0);
        tx->tasks--;
        if (tx->closed && tx->tasks == 0) {
            client_tx_free(tx);
        }
    }
    give_back(task);
}

/* The caller's batch may be gone before the answer is there. */
const struct tx_op *client_task_ops(struct client_task *task, const txclient_batch *batch,
                                    bool whole)
{
    struct tx_bytes all = tx_bytes((const uint8_t *)batch->ops, batch->n * sizeof *batch->ops);
    struct tx_op *ops = (struct tx_op *)(uintptr_t)tx_arena_copy(&task->arena, all).data;
    task->values = tx_arena_alloc(&task->arena, batch->n, sizeof *task->values);
    task->values_n = batch->n;
    bool failed = ops == NULL || task->values == NULL;
    for (size_t i = 0; !failed && i < batch->n; i++) {
        task->values[i].data = "";
        if (whole || ops[i].type == TX_OP_SCAN) {
            struct tx_bytes *parts[] = {&ops[i].space, &ops[i].key, &ops[i].to, &ops[i].value};
            for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
                size_t len = parts[k]->len;
                *parts[k] = tx_arena_copy(&task->arena, *parts[k]);
                failed = failed || parts[k]->len != len;
            }
        }
    }
    return failed ? NULL : ops;
}

/* Callbacks are called by whoever processes: it is told, wherever it waits. */
static void tell_processor(struct txclient *client)
{
    struct client_thread *follower = client->followers;
    while (follower != NULL && !follower->processes) {
        follower = follower->next_follower;
    }
    if (follower != NULL) {
        client_wake(client, follower);
    } else if (client->polled && !client->leader_processes && client->delivering == 0) {
        client_kick(client);
    }
}

static void task_enqueue(struct client_task *task)
{
    struct txclient *client = task->client;
    task->next = NULL;
    *(client->done != NULL ? &client->done_last->next : &client->done) = task;
    client->done_last = task;
    tell_processor(client);
}

void client_task_over(struct client_task *task)
{
    if (task->done == NULL) {
        TX_ASSERT(task->client->farewells > 0);
        task->client->farewells--;
    }
    if (task->accepted) {
        task_enqueue(task);
    }
}

txclient_status client_task_accept(struct client_task *task, struct client_thread *self)
{
    struct txclient *client = task->client;
    txclient_status status = task->u.flow.status;
    TX_ASSERT(!task->accepted);
    if (task->u.flow.over && status != TXCLIENT_OK) {
        if (self != NULL) {
            client_detail_move(&self->detail, &task->detail);
        }
        client_task_free(task);
        return status;
    }
    task->accepted = true;
    client->in_flight += task->done != NULL ? 1 : 0;
    if (task->u.flow.over) {
        task_enqueue(task);
    }
    return TXCLIENT_OK;
}

static void call_back(struct client_task *task, bool begins)
{
    txclient_result result = {.status = task->u.flow.status, .detail = &task->detail.shown};
    if (result.status == TXCLIENT_OK && task->values != NULL && !task->detail.shown.results_lost) {
        result.values = task->values;
        result.values_n = task->values_n;
    }
    if (begins) {
        result.tx = task->u.begin.tx;
    } else if (task->tx != NULL) {
        client_lock(task->client);
        result.tx = task->tx->closed ? NULL : task->tx;
        client_unlock(task->client);
    }
    task->done(task->arg, &result);
}

size_t client_tasks_deliver(struct txclient *client)
{
    struct client_task *list = client->done;
    size_t called = 0;
    client->done = NULL;
    if (list == NULL) {
        return 0;
    }
    for (struct client_task *task = list; task != NULL; task = task->next) {
        called += task->done != NULL ? 1 : 0;
    }
    TX_ASSERT(client->in_flight >= called);
    client->in_flight -= called;
    client->delivering++;
    client_unlock(client);
    for (struct client_task *task = list; task != NULL; task = task->next) {
        if (task->done != NULL) {
            call_back(task, task->u.flow.call.answer == TX_MSG_BEGUN);
        }
    }
    client_lock(client);
    client->delivering--;
    while (list != NULL) {
        struct client_task *task = list;
        list = task->next;
        client_task_free(task);
    }
    return called;
}

/* ---- for the caller's loop ---- */

/* One turn: leads, or follows whoever does. */
static void take_turn(txclient *client, struct client_thread *self, uint64_t until_us)
{
    if (!client->led) {
        client->led = true;
        client->leader_processes = true;
        client_pump(client, until_us);
        client->led = false;
        client->leader_processes = false;
    } else if (until_us > 0) {
        self->processes = true;
        client_follow(client, self, until_us);
        self->processes = false;
    }
}

size_t txclient_process(txclient *client, int timeout_ms)
{
    struct client_thread *self = client_enter(client);
    if (self == NULL) {
        return 0;
    }
    if (self->delivers) {
        client_unlock(client);
        return 0;
    }
    uint64_t until_us =
        timeout_ms < 0 ? CLIENT_NEVER : client_now_us() + (uint64_t)timeout_ms * CLIENT_MS;
    bool waits = timeout_ms != 0;
    do {
        bool idle = client->done != NULL || client->in_flight == 0;
        take_turn(client, self, waits && !idle ? until_us : 0);
        waits = waits && client->in_flight > 0 && client_now_us() < until_us;
    } while (waits && client->done == NULL);
    self->delivers = true;
    size_t called = client_tasks_deliver(client);
    self->delivers = false;
    if (!client->led) {
        client_send_queued(client); /* what the callbacks have begun */
    } else if (client->sleeping) {
        client_kick(client);
    }
    client_hand_over(client);
    client_unlock(client);
    return called;
}

int txclient_fd(txclient *client)
{
    client_lock(client);
    client->polled = true;
    client_kick(client); /* what was begun before */
    int fd = client->poll_fd;
    client_unlock(client);
    return fd;
}

size_t txclient_in_flight(const txclient *handle)
{
    txclient *client = (txclient *)(uintptr_t)handle;
    client_lock(client);
    size_t n = client->in_flight;
    client_unlock(client);
    return n;
}
