/* One request of a client, over a connection of its own: bytes in through http_conn_on_bytes(), bytes out from
 * http_conn_output(), each with a delay. Events at the machine carry its number, so that a paused
 * process answers later; the client's own patience does not stop with it. */
#include "sim/world/world_int.h"

#include "sim/script/upload_body.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

enum { CLIENT_DELAY_US = 150, CLIENT_JITTER_US = 300, CLIENT_PIECES = 8 };

/* read_timeout of the door, which the sockets keep, and not the peer. */
#define DOOR_PATIENCE_US ((uint64_t)10 * 1000 * 1000)

struct client_call {
    struct world *world;
    struct machine *machine;
    struct list_link link; /* machine->clients, while connected */
    enum peer_door door;
    struct client_hooks hooks;
    struct http_conn *conn;
    struct buf request;
    size_t sent;
    struct client_pace pace;
    unsigned pieces; /* that the client has let go of */
    struct client_answer answer;
    struct event_id look;    /* at the machine: something may have moved */
    struct event_id piece;   /* the next one */
    struct event_id timeout; /* the client's patience */
    struct event_id ending;
};

static uint64_t client_delay(struct client_call *c)
{
    return CLIENT_DELAY_US +
           choose(&c->world->sim.choose, CHOICE_CLIENT, c->machine->who, CLIENT_JITTER_US);
}

static size_t client_released(const struct client_call *c)
{
    return c->request.len * c->pieces / CLIENT_PIECES;
}

/* Into the peer. */
static size_t client_put(struct client_call *c)
{
    struct fault_memory *before = fault_memory_enter(&c->machine->memory);
    size_t took =
        http_conn_on_bytes(c->conn, c->request.data + c->sent, client_released(c) - c->sent);
    fault_memory_back(before);
    return took;
}

static void client_hang_up(struct client_call *c)
{
    sim_cancel(&c->world->sim, &c->look);
    sim_cancel(&c->world->sim, &c->piece);
    list_remove(&c->link);
    if (c->conn != NULL)
        http_conn_destroy(c->conn);
    c->conn = NULL;
}

void client_forget(struct client_call *c)
{
    client_hang_up(c);
    sim_cancel(&c->world->sim, &c->timeout);
    sim_cancel(&c->world->sim, &c->ending);
    http_reply_deinit(&c->answer.reply);
    buf_deinit(&c->request);
    mem_free(c);
}

static void client_ends(void *arg)
{
    struct client_call *c = arg;
    c->ending = (struct event_id){ 0 };
    c->hooks.done(c->hooks.owner, &c->answer);
    client_forget(c);
}

/* From here on nothing moves but the news, which reaches the client a little later. */
static void client_end(struct client_call *c, int err)
{
    struct sim *sim = &c->world->sim;
    client_hang_up(c);
    sim_cancel(sim, &c->timeout);
    c->answer.err = err;
    uint64_t hash = hash64((uint64_t)c->answer.reply.status, c->answer.reply.body.data,
                           c->answer.reply.body.len);
    c->ending = sim_at(sim, client_delay(c), SIM_CLIENT, 0, hash, client_ends, c);
}

static void client_timed_out(void *arg)
{
    struct client_call *c = arg;
    c->timeout = (struct event_id){ 0 };
    client_end(c, ERR_TIMEOUT);
}

static void client_look(void *arg);

/* Comes from inside the connection: only marks. */
static void client_on_progress(void *owner)
{
    struct client_call *c = owner;
    struct sim *sim = &c->world->sim;
    if (!event_queue_has(&sim->queue, c->look))
        c->look = sim_at(sim, client_delay(c), SIM_CLIENT, c->machine->who, 0, client_look, c);
}

static int client_read(struct client_call *c)
{
    int err = OK;
    while (err == OK && !c->answer.reply.is_complete) {
        struct bytes out = http_conn_output(c->conn);
        if (out.len == 0)
            break;
        err = http_reply_feed(&c->answer.reply, out.data, out.len);
        http_conn_output_taken(c->conn, out.len);
    }
    return err;
}

static void client_look(void *arg)
{
    struct client_call *c = arg;
    c->look = (struct event_id){ 0 };
    if (c->sent < client_released(c))
        c->sent += client_put(c);
    int err = client_read(c);
    if (err != OK || c->answer.reply.is_complete)
        client_end(c, err);
    else if (http_conn_was_killed(c->conn) ||
             (http_conn_wants_close(c->conn) && http_conn_output(c->conn).len == 0))
        client_end(c, ERR_CLOSED);
}

/* What the sockets do about a client that is silent in the middle of its request. */
static void client_is_cut(void *arg)
{
    struct client_call *c = arg;
    c->piece = (struct event_id){ 0 };
    struct fault_memory *before = fault_memory_enter(&c->machine->memory);
    http_conn_on_timeout(c->conn);
    fault_memory_back(before);
    client_on_progress(c);
}

static void client_lets_go(void *arg);

static void client_next(struct client_call *c, uint64_t delay_us, void (*what)(void *arg))
{
    c->piece = sim_at(&c->world->sim, delay_us, SIM_CLIENT, c->machine->who, c->pieces, what, c);
}

static void client_lets_go(void *arg)
{
    struct client_call *c = arg;
    c->piece = (struct event_id){ 0 };
    c->pieces += 1;
    bool is_half = c->pieces == CLIENT_PIECES / 2;
    if (is_half && c->pace.aborts && !c->pace.is_silent) {
        client_end(c, ERR_CLOSED);
        return;
    }
    if (is_half && c->pace.aborts)
        client_next(c, DOOR_PATIENCE_US, client_is_cut);
    else if (c->pieces < CLIENT_PIECES)
        client_next(c, c->pace.over_us / CLIENT_PIECES, client_lets_go);
    client_on_progress(c);
}

void client_set_pace(struct client_call *c, const struct client_pace *pace)
{
    ASSERT(c->conn == NULL);
    c->pace = *pace;
    c->pieces = 0;
}

static void client_arrives(void *arg)
{
    struct client_call *c = arg;
    struct machine *m = c->machine;
    c->look = (struct event_id){ 0 };
    if (m->peer == NULL ||
        peer_http_open(m->peer, c->door, client_on_progress, c, &c->conn) != OK) {
        client_end(c, ERR_UNREACHABLE);
        return;
    }
    list_push_back(&m->clients, &c->link);
    if (c->pieces < CLIENT_PIECES)
        client_lets_go(c);
    else
        client_look(c);
}

struct client_call *client_ask(struct world *w, unsigned who, enum peer_door door,
                               struct bytes request, uint64_t timeout_us,
                               const struct client_hooks *hooks)
{
    struct client_call *c = mem_zalloc(sizeof(*c));
    ASSERT(c != NULL);
    c->world = w;
    c->machine = world_machine(w, who);
    c->door = door;
    c->hooks = *hooks;
    c->pieces = CLIENT_PIECES;
    list_init(&c->link);
    buf_append(&c->request, request.data, request.len);
    uint64_t hash = hash64(0, request.data, request.len);
    c->look = sim_at(&w->sim, client_delay(c), SIM_CLIENT, who, hash, client_arrives, c);
    c->timeout = sim_at(&w->sim, timeout_us, SIM_CLIENT, 0, 0, client_timed_out, c);
    return c;
}

void client_on_machine_gone(struct machine *m)
{
    while (!list_is_empty(&m->clients))
        client_end(list_entry(m->clients.next, struct client_call, link), ERR_CLOSED);
}

void client_request(struct buf *out, const char *method, const char *target)
{
    client_request_with_key(out, method, target, (struct bytes){ NULL, 0 });
}

void client_request_with_key(struct buf *out, const char *method, const char *target,
                             struct bytes key)
{
    buf_printf(out, "%s %s HTTP/1.1\r\nHost: cluster\r\n", method, target);
    if (key.len > 0)
        buf_printf(out, "Idempotency-Key: %.*s\r\n", (int)key.len, (const char *)key.data);
    buf_append_text(out, "\r\n");
}

void client_request_add(struct buf *out, const char *target, struct bytes content)
{
    struct buf body = { 0 };
    upload_body_put(&body, content);
    buf_printf(out,
               "POST %s HTTP/1.1\r\nHost: cluster\r\nContent-Type: " UPLOAD_BODY_TYPE
               "\r\nContent-Length: %zu\r\n\r\n",
               target, body.len);
    buf_append(out, body.data, body.len);
    buf_deinit(&body);
}
