#include "sim/world/http_client.h"

#include <string.h>

#include "util/err.h"
#include "util/hash.h"
#include "util/limits.h"
#include "util/mem.h"

enum piece_kind { PIECE_HEAD, PIECE_BODY, PIECE_END, PIECE_KILL };

struct sim_piece {
    struct list_link link;
    enum piece_kind kind;
    uint64_t at_us;
    int status;          /* HEAD */
    size_t fields_count; /* HEAD, END */
    size_t len;
    size_t taken; /* BODY, upwards: what the server has taken already */
    uint8_t bytes[];
};

/* One direction of a call. */
struct sim_way {
    struct list_link pieces;
    size_t bytes;
    uint64_t last_at_us;
    bool is_stopped;  /* paused by the client; or the server took less than offered */
    bool is_offering; /* upwards: the server is being offered a piece, and may resume from inside */
    bool wants_drain; /* somebody was told to wait */
    bool drain_is_due; /* the news is on its way */
    struct event_id pump;
    struct event_id drain;
};

enum server_end { SERVER_NOT_YET, SERVER_RUNS, SERVER_GONE };

struct sim_call {
    struct http_exchange x; /* first: the reply ops find the call by it */
    struct list_link link;
    struct sim_http *http;
    struct http_call *call; /* NULL: the client's end is over */
    enum server_end server;
    bool head_came;
    bool canceled;
    struct sim_way up;   /* towards the daemon */
    struct sim_way down; /* towards the peer */
    struct event_id arrival;
    struct event_id timeout;
    struct event_id ending; /* done() with an error is on its way */
    struct event_id abort;
    int end_err;
    char *method;
    char *target;
    char *path;
    const char *query;
    uint8_t *field_bytes;
    struct http_field *fields;
};

void sim_http_options_default(struct sim_http_options *o)
{
    *o = (struct sim_http_options){
        .delay_us = 50, .jitter_us = 100, .calls_max = 256, .window_bytes = 256 * 1024
    };
}

/* ---- pieces ---- */

static uint64_t sim_http_delay(struct sim_http *h)
{
    return h->options.delay_us +
           choose(&h->sim->choose, CHOICE_HTTP_DELAY, h->who, h->options.jitter_us + 1);
}

static size_t fields_size(const struct http_field *fields, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += 8 + fields[i].name.len + fields[i].value.len;
    return size;
}

static uint8_t *fields_put_run(uint8_t *at, struct bytes run)
{
    for (unsigned i = 0; i < 4; i++)
        *at++ = (uint8_t)(run.len >> (8 * i));
    if (run.len > 0)
        memcpy(at, run.data, run.len);
    return at + run.len;
}

static uint8_t *fields_put(uint8_t *at, const struct http_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        at = fields_put_run(at, fields[i].name);
        at = fields_put_run(at, fields[i].value);
    }
    return at;
}

static const uint8_t *fields_get_run(const uint8_t *at, struct bytes *run)
{
    run->len = 0;
    for (unsigned i = 0; i < 4; i++)
        run->len |= (size_t)*at++ << (8 * i);
    run->data = at;
    return at + run->len;
}

static void fields_get(const uint8_t *at, struct http_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        at = fields_get_run(at, &fields[i].name);
        at = fields_get_run(at, &fields[i].value);
    }
}

static struct sim_piece *piece_make(struct sim_http *h, enum piece_kind kind, size_t len)
{
    struct sim_piece *piece = parcel_take(&h->parcels, sizeof(*piece) + len);
    *piece = (struct sim_piece){ .kind = kind, .len = len };
    list_init(&piece->link);
    return piece;
}

static void way_drop_first(struct sim_http *h, struct sim_way *way)
{
    struct sim_piece *piece = list_entry(list_pop_front(&way->pieces), struct sim_piece, link);
    way->bytes -= piece->len;
    parcel_give(&h->parcels, piece);
}

static void way_clear(struct sim_http *h, struct sim_way *way)
{
    while (!list_is_empty(&way->pieces))
        way_drop_first(h, way);
    sim_cancel(h->sim, &way->pump);
    sim_cancel(h->sim, &way->drain);
}

static struct sim_piece *way_first(const struct sim_way *way)
{
    return list_is_empty(&way->pieces) ? NULL
                                       : list_entry(way->pieces.next, struct sim_piece, link);
}

static void way_push(struct sim_call *c, struct sim_way *way, struct sim_piece *piece)
{
    struct sim_http *h = c->http;
    piece->at_us = h->sim->now_us + sim_http_delay(h);
    if (piece->at_us < way->last_at_us)
        piece->at_us = way->last_at_us;
    way->last_at_us = piece->at_us;
    way->bytes += piece->len;
    list_push_back(&way->pieces, &piece->link);
}

/* ---- the end of both ends ---- */

static void call_free(struct sim_call *c)
{
    struct sim_http *h = c->http;
    way_clear(h, &c->up);
    way_clear(h, &c->down);
    sim_cancel(h->sim, &c->arrival);
    sim_cancel(h->sim, &c->timeout);
    sim_cancel(h->sim, &c->ending);
    sim_cancel(h->sim, &c->abort);
    list_remove(&c->link);
    mem_free(c->method);
    mem_free(c->target);
    mem_free(c->path);
    mem_free(c->field_bytes);
    mem_free(c->fields);
    mem_free(c);
}

static void call_free_if_over(struct sim_call *c)
{
    if (c->call == NULL && c->server == SERVER_GONE)
        call_free(c);
}

static void server_aborted(void *arg)
{
    struct sim_call *c = arg;
    c->abort = (struct event_id){ 0 };
    if (c->server == SERVER_RUNS) {
        c->server = SERVER_GONE;
        if (c->x.on_abort != NULL)
            c->x.on_abort(&c->x);
    }
    c->server = SERVER_GONE;
    call_free_if_over(c);
}

/* The client's end is closed, or broken: the server hears of it a little later. */
static void call_abort_server(struct sim_call *c)
{
    struct sim_http *h = c->http;
    if (c->server == SERVER_GONE)
        return;
    way_clear(h, &c->up);
    sim_cancel(h->sim, &c->arrival);
    if (!event_queue_has(&h->sim->queue, c->abort))
        c->abort = sim_at(h->sim, sim_http_delay(h), SIM_HTTP, 0, 0, server_aborted, c);
}

static void call_done(struct sim_call *c, int err)
{
    struct sim_http *h = c->http;
    struct http_call *call = c->call;
    c->call = NULL;
    h->calls_count -= 1;
    way_clear(h, &c->down);
    sim_cancel(h->sim, &c->timeout);
    sim_cancel(h->sim, &c->ending);
    call_abort_server(c);
    call_free_if_over(c);
    call->state = NULL;
    call->done(call, err);
}

static void call_ends(void *arg)
{
    struct sim_call *c = arg;
    c->ending = (struct event_id){ 0 };
    call_done(c, c->end_err);
}

/* done(err) after a delay, and no other hook before it. */
static void call_end_later(struct sim_call *c, int err, uint64_t delay_us)
{
    struct sim_http *h = c->http;
    way_clear(h, &c->down);
    c->end_err = err;
    c->canceled = true;
    if (!event_queue_has(&h->sim->queue, c->ending))
        c->ending = sim_at(h->sim, delay_us, SIM_HTTP, h->who, (uint64_t)-err, call_ends, c);
}

static void call_timed_out(void *arg)
{
    struct sim_call *c = arg;
    c->timeout = (struct event_id){ 0 };
    if (!c->head_came && !c->canceled)
        call_done(c, ERR_TIMEOUT);
}

/* ---- towards the peer ---- */

static void down_pump(void *arg);

static void down_schedule(struct sim_call *c)
{
    struct sim_http *h = c->http;
    const struct sim_piece *piece = way_first(&c->down);
    if (piece == NULL || c->down.is_stopped || c->canceled || c->call == NULL ||
        event_queue_has(&h->sim->queue, c->down.pump))
        return;
    uint64_t at_us = piece->at_us > h->sim->now_us ? piece->at_us : h->sim->now_us;
    c->down.pump = sim_at(h->sim, at_us - h->sim->now_us, SIM_HTTP, h->who,
                          hash64(piece->kind, piece->bytes, piece->len), down_pump, c);
}

static void down_drained(void *arg)
{
    struct sim_call *c = arg;
    c->down.drain = (struct event_id){ 0 };
    c->down.wants_drain = false;
    if (c->server == SERVER_RUNS && c->x.on_drain != NULL)
        c->x.on_drain(&c->x);
}

static void down_tell_drain(struct sim_call *c)
{
    struct sim_http *h = c->http;
    if (c->server == SERVER_RUNS && c->down.wants_drain &&
        c->down.bytes <= h->options.window_bytes / 2 &&
        !event_queue_has(&h->sim->queue, c->down.drain))
        c->down.drain = sim_at(h->sim, sim_http_delay(h), SIM_HTTP, 0, 0, down_drained, c);
}

static void down_head(struct sim_call *c, const struct sim_piece *piece)
{
    struct http_field fields[LIMIT_HTTP_HEADERS_COUNT];
    fields_get(piece->bytes, fields, piece->fields_count);
    c->head_came = true;
    sim_cancel(c->http->sim, &c->timeout);
    if (c->call->on_head != NULL)
        c->call->on_head(c->call, piece->status, fields, piece->fields_count);
}

static void down_trailer(struct sim_call *c, const struct sim_piece *piece)
{
    struct http_field fields[LIMIT_HTTP_HEADERS_COUNT];
    fields_get(piece->bytes, fields, piece->fields_count);
    if (piece->fields_count > 0 && c->call->on_trailer != NULL)
        c->call->on_trailer(c->call, fields, piece->fields_count);
}

/* One piece an event; a hook may pause or cancel the call, or end the peer's life. */
static void down_pump(void *arg)
{
    struct sim_call *c = arg;
    struct sim_http *h = c->http;
    c->down.pump = (struct event_id){ 0 };
    struct sim_piece *piece = list_entry(list_pop_front(&c->down.pieces), struct sim_piece, link);
    c->down.bytes -= piece->len;
    enum piece_kind kind = piece->kind;
    if (choose_chance(&h->sim->choose, CHOICE_HTTP_FAULT, h->who, h->options.break_per_million))
        kind = PIECE_KILL;
    switch (kind) {
    case PIECE_HEAD:
        down_head(c, piece);
        break;
    case PIECE_BODY:
        if (c->call->on_body != NULL)
            c->call->on_body(c->call, piece->bytes, piece->len);
        break;
    case PIECE_END:
        down_trailer(c, piece);
        break;
    case PIECE_KILL:
        break;
    }
    parcel_give(&h->parcels, piece);
    if (kind == PIECE_KILL) {
        call_done(c, ERR_CLOSED);
    } else if (kind == PIECE_END && !c->canceled) {
        call_done(c, OK);
    } else {
        down_tell_drain(c);
        down_schedule(c);
    }
}

static struct sim_call *call_of(struct http_exchange *x)
{
    return (struct sim_call *)x;
}

static void reply_push(struct sim_call *c, struct sim_piece *piece)
{
    if (c->call == NULL || c->canceled) {
        parcel_give(&c->http->parcels, piece);
        return;
    }
    way_push(c, &c->down, piece);
    down_schedule(c);
}

static void reply_begin(struct http_exchange *x, int status, const struct http_field *fields,
                        size_t count, int64_t body_len)
{
    (void)body_len;
    struct sim_call *c = call_of(x);
    ASSERT(count <= LIMIT_HTTP_HEADERS_COUNT);
    struct sim_piece *piece = piece_make(c->http, PIECE_HEAD, fields_size(fields, count));
    piece->status = status;
    piece->fields_count = count;
    fields_put(piece->bytes, fields, count);
    reply_push(c, piece);
}

static bool reply_write(struct http_exchange *x, const void *bytes, size_t len)
{
    struct sim_call *c = call_of(x);
    struct sim_piece *piece = piece_make(c->http, PIECE_BODY, len);
    memcpy(piece->bytes, bytes, len);
    reply_push(c, piece);
    bool go_on = c->down.bytes <= c->http->options.window_bytes;
    c->down.wants_drain |= !go_on;
    return go_on;
}

/* The server's end is over; the exchange lives on until the client has read the answer. */
static void reply_over(struct sim_call *c, struct sim_piece *piece)
{
    struct sim_http *h = c->http;
    c->server = SERVER_GONE;
    way_clear(h, &c->up);
    sim_cancel(h->sim, &c->abort);
    reply_push(c, piece);
    if (c->call == NULL) /* nobody waits for it; the handler is still inside its call */
        c->abort = sim_at(h->sim, 0, SIM_HTTP, 0, 0, server_aborted, c);
}

static void reply_end(struct http_exchange *x, const struct http_field *trailers, size_t count)
{
    struct sim_call *c = call_of(x);
    ASSERT(count <= LIMIT_HTTP_HEADERS_COUNT);
    struct sim_piece *piece = piece_make(c->http, PIECE_END, fields_size(trailers, count));
    piece->fields_count = count;
    fields_put(piece->bytes, trailers, count);
    reply_over(c, piece);
}

static void reply_kill(struct http_exchange *x)
{
    struct sim_call *c = call_of(x);
    reply_over(c, piece_make(c->http, PIECE_KILL, 0));
}

/* ---- towards the daemon ---- */

static void up_pump(void *arg);

static void up_schedule(struct sim_call *c)
{
    struct sim_http *h = c->http;
    const struct sim_piece *piece = way_first(&c->up);
    if (piece == NULL || c->up.is_stopped || c->server != SERVER_RUNS ||
        event_queue_has(&h->sim->queue, c->up.pump))
        return;
    uint64_t at_us = piece->at_us > h->sim->now_us ? piece->at_us : h->sim->now_us;
    c->up.pump = sim_at(h->sim, at_us - h->sim->now_us, SIM_HTTP, 0, 0, up_pump, c);
}

static void up_drained(void *arg)
{
    struct sim_call *c = arg;
    c->up.drain = (struct event_id){ 0 };
    c->up.wants_drain = false;
    if (c->call != NULL && !c->canceled && c->call->on_drain != NULL)
        c->call->on_drain(c->call);
}

static void up_tell_drain(struct sim_call *c)
{
    struct sim_http *h = c->http;
    if (c->call != NULL && !c->canceled && c->up.wants_drain &&
        c->up.bytes <= h->options.window_bytes / 2 && !event_queue_has(&h->sim->queue, c->up.drain))
        c->up.drain = sim_at(h->sim, sim_http_delay(h), SIM_HTTP, h->who, 0, up_drained, c);
}

static void up_pump(void *arg)
{
    struct sim_call *c = arg;
    struct sim_http *h = c->http;
    c->up.pump = (struct event_id){ 0 };
    struct sim_piece *piece = way_first(&c->up);
    if (piece->kind == PIECE_BODY && c->x.on_body != NULL) {
        c->up.is_stopped = c->up.is_offering = true;
        size_t taken = c->x.on_body(&c->x, piece->bytes + piece->taken, piece->len - piece->taken);
        c->up.is_offering = false;
        if (c->server != SERVER_RUNS)
            return; /* it answered without reading on, and the pieces are gone */
        piece->taken += taken;
        if (piece->taken < piece->len) {
            up_schedule(c);
            return;
        }
        c->up.is_stopped = false;
    }
    bool is_end = piece->kind == PIECE_END;
    way_drop_first(h, &c->up);
    c->x.body_over = is_end;
    if (is_end && c->x.on_body_end != NULL)
        c->x.on_body_end(&c->x);
    if (c->server != SERVER_RUNS)
        return;
    up_tell_drain(c);
    up_schedule(c);
}

static void reply_resume(struct http_exchange *x)
{
    struct sim_call *c = call_of(x);
    c->up.is_stopped = false;
    if (!c->up.is_offering)
        up_schedule(c);
}

static void up_push(struct sim_call *c, enum piece_kind kind, const void *bytes, size_t len)
{
    struct sim_piece *piece = piece_make(c->http, kind, len);
    if (len > 0)
        memcpy(piece->bytes, bytes, len);
    way_push(c, &c->up, piece);
    up_schedule(c);
}

/* ---- the port ---- */

static void call_arrives(void *arg)
{
    struct sim_call *c = arg;
    struct sim_http *h = c->http;
    c->arrival = (struct event_id){ 0 };
    bool refused =
        choose_chance(&h->sim->choose, CHOICE_HTTP_FAULT, h->who, h->options.refuse_per_million);
    if (refused || !h->server.accepts(h->server.owner)) {
        c->server = SERVER_GONE;
        call_end_later(c, ERR_UNREACHABLE, sim_http_delay(h));
        return;
    }
    c->server = SERVER_RUNS;
    h->server.on_request(h->server.owner, &c->x);
    up_schedule(c);
}

static void call_copy_request(struct sim_call *c, const struct http_call *call)
{
    c->method = mem_strdup(call->method);
    c->target = mem_strdup(call->target);
    c->path = mem_strdup(call->target);
    ASSERT(c->method != NULL && c->target != NULL && c->path != NULL);
    char *mark = strchr(c->path, '?');
    c->query = mark != NULL ? mark + 1 : "";
    if (mark != NULL)
        *mark = '\0';
    c->fields = mem_array(call->fields_count + 1, sizeof(*c->fields));
    c->field_bytes = mem_alloc(fields_size(call->fields, call->fields_count) + 1);
    ASSERT(c->fields != NULL && c->field_bytes != NULL);
    fields_put(c->field_bytes, call->fields, call->fields_count);
    fields_get(c->field_bytes, c->fields, call->fields_count);
    bool has_body = call->streams_body || call->body.len > 0;
    c->x.request = (struct http_request){ .method = c->method,
                                          .target = c->target,
                                          .path = c->path,
                                          .query = c->query,
                                          .fields = c->fields,
                                          .fields_count = call->fields_count,
                                          .has_body = has_body,
                                          .body_len = call->streams_body ? call->body_len
                                                                         : (int64_t)call->body.len,
                                          .minor_version = 1 };
}

static int http_start(void *impl, struct http_call *call)
{
    static const struct http_reply_ops ops = { .begin = reply_begin,
                                               .write = reply_write,
                                               .end = reply_end,
                                               .resume = reply_resume,
                                               .kill = reply_kill };
    struct sim_http *h = impl;
    if (h->calls_count >= h->options.calls_max)
        return ERR_BUSY;
    struct sim_call *c = mem_zalloc(sizeof(*c));
    ASSERT(c != NULL);
    c->http = h;
    c->call = call;
    call->state = c;
    c->x.ops = &ops;
    list_init(&c->up.pieces);
    list_init(&c->down.pieces);
    list_push_back(&h->calls, &c->link);
    h->calls_count += 1;
    call_copy_request(c, call);
    uint64_t hash = hash64(0, c->target, strlen(c->target));
    c->arrival = sim_at(h->sim, sim_http_delay(h), SIM_HTTP, 0, hash, call_arrives, c);
    c->up.last_at_us = h->sim->now_us;
    if (call->head_timeout_us > 0)
        c->timeout = sim_at(h->sim, call->head_timeout_us, SIM_HTTP, h->who, 0, call_timed_out, c);
    if (!call->streams_body) {
        if (call->body.len > 0)
            up_push(c, PIECE_BODY, call->body.data, call->body.len);
        up_push(c, PIECE_END, NULL, 0);
    }
    return OK;
}

static size_t http_write(void *impl, struct http_call *call, const void *bytes, size_t len)
{
    struct sim_http *h = impl;
    struct sim_call *c = call->state;
    if (c->server == SERVER_GONE || c->canceled)
        return len; /* the server has answered already, or the end is near: nobody reads it */
    size_t room = c->up.bytes < h->options.window_bytes ? h->options.window_bytes - c->up.bytes : 0;
    size_t takes = len < room ? len : room;
    if (takes > 0)
        up_push(c, PIECE_BODY, bytes, takes);
    c->up.wants_drain |= takes < len;
    return takes;
}

static void http_end(void *impl, struct http_call *call)
{
    (void)impl;
    struct sim_call *c = call->state;
    if (c->server != SERVER_GONE && !c->canceled)
        up_push(c, PIECE_END, NULL, 0);
}

static void http_pause(void *impl, struct http_call *call)
{
    struct sim_http *h = impl;
    struct sim_call *c = call->state;
    c->down.is_stopped = true;
    sim_cancel(h->sim, &c->down.pump);
}

static void http_resume(void *impl, struct http_call *call)
{
    (void)impl;
    struct sim_call *c = call->state;
    c->down.is_stopped = false;
    down_schedule(c);
}

static void http_cancel(void *impl, struct http_call *call)
{
    (void)impl;
    struct sim_call *c = call->state;
    if (c == NULL)
        return; /* done() is running */
    call_end_later(c, ERR_CANCELED, 0);
    c->end_err = ERR_CANCELED;
    call_abort_server(c);
}

struct http_client sim_http_port(struct sim_http *h)
{
    static const struct http_client_ops ops = { .start = http_start,
                                                .write = http_write,
                                                .end = http_end,
                                                .pause = http_pause,
                                                .resume = http_resume,
                                                .cancel = http_cancel };
    return (struct http_client){ &ops, h };
}

/* ---- life ---- */

void sim_http_init(struct sim_http *h, struct sim *sim, unsigned who,
                   const struct sim_http_options *options, const struct sim_http_server *server)
{
    *h = (struct sim_http){ .sim = sim, .who = who, .options = *options, .server = *server };
    parcels_init(&h->parcels);
    list_init(&h->calls);
}

void sim_http_client_died(struct sim_http *h)
{
    list_for_each_safe (link, after, &h->calls) {
        struct sim_call *c = list_entry(link, struct sim_call, link);
        if (c->call == NULL)
            continue;
        c->call = NULL;
        h->calls_count -= 1;
        way_clear(h, &c->down);
        sim_cancel(h->sim, &c->timeout);
        sim_cancel(h->sim, &c->ending);
        if (c->server == SERVER_NOT_YET && !event_queue_has(&h->sim->queue, c->arrival))
            c->server = SERVER_GONE;
        call_abort_server(c);
        call_free_if_over(c);
    }
}

void sim_http_deinit(struct sim_http *h)
{
    while (!list_is_empty(&h->calls))
        call_free(list_entry(h->calls.next, struct sim_call, link));
    parcels_deinit(&h->parcels);
}
