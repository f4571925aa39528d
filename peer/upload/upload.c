#include "upload/upload_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

/* A replica that does nothing for so long, though it could, is left out: soon when others wait for it and are enough,
 * late when there is nobody else. */
#define UPLOAD_SLOW_US ((uint64_t)20 * 1000 * 1000)
#define UPLOAD_DEAD_US ((uint64_t)300 * 1000 * 1000)

uint64_t upload_id(const struct upload *u)
{
    return u->id;
}

void upload_fail(struct upload *u, int err, const char *why)
{
    if (u->err != OK)
        return;
    size_t len = strnlen(why, sizeof(u->why) - 1);
    u->err = err;
    memmove(u->why, why, len);
    u->why[len] = '\0';
}

/* ---- the client's body ---- */

static void upload_on_part(void *owner, struct bytes head)
{
    struct upload *u = owner;
    if (!u->params.is_car)
        return;
    if (u->multipart.parts_count > 1)
        upload_fail(u, ERR_INVALID, "one CAR file at a time can be added");
    else if (http_multipart_file_name(head, &u->file_name) == ERR_NOMEM)
        upload_fail(u, ERR_NOMEM, err_text(ERR_NOMEM));
}

static void upload_on_content(void *owner, const void *bytes, size_t len)
{
    struct upload *u = owner;
    if (!u->params.is_car || u->car.is_known || u->err != OK)
        return;
    int err = car_feed(&u->car, bytes, len);
    if (err != OK)
        upload_fail(u, err, err == ERR_NOMEM ? err_text(err) : "the file is not a CAR");
    else if (u->car.is_known && u->car.roots_count != 1)
        upload_fail(u, ERR_INVALID, "only CAR files with exactly one root can be added");
}

static void upload_put_window(struct upload *u, const void *bytes, size_t len)
{
    size_t at = (size_t)(u->end % UPLOAD_WINDOW_BYTES);
    size_t first = len < UPLOAD_WINDOW_BYTES - at ? len : UPLOAD_WINDOW_BYTES - at;
    memcpy(u->window + at, bytes, first);
    memcpy(u->window, (const uint8_t *)bytes + first, len - first);
    u->end += len;
}

size_t upload_write(struct upload *u, const void *bytes, size_t len)
{
    if (u->err != OK || u->is_done)
        return len; /* nobody wants it any more */
    size_t room = (size_t)(UPLOAD_WINDOW_BYTES - (u->end - u->base));
    size_t took = len < room ? len : room;
    u->was_full = u->was_full || took < len;
    if (http_multipart_feed(&u->multipart, bytes, took) != OK)
        upload_fail(u, ERR_INVALID, "the body is no multipart/form-data");
    upload_put_window(u, bytes, took);
    return took;
}

void upload_end(struct upload *u)
{
    u->has_ended = true;
    if (http_multipart_end(&u->multipart) != OK)
        upload_fail(u, ERR_CLOSED, "the upload ended before its last boundary");
    else if (u->multipart.parts_count == 0)
        upload_fail(u, ERR_INVALID, "expected a file argument");
    else if (u->params.is_car && !u->car.is_known)
        upload_fail(u, ERR_INVALID, "the file is not a CAR");
}

/* ---- who gets it ---- */

void upload_start(struct upload *u, uint64_t now_us, const struct peer_id *replicas, size_t count,
                  size_t minimum)
{
    ASSERT(u->count == 0 && count > 0);
    ASSERT(minimum > 0 && minimum <= count);
    u->count = count < UPLOAD_REPLICAS_MAX ? count : UPLOAD_REPLICAS_MAX;
    u->minimum = minimum < u->count ? minimum : u->count;
    for (size_t i = 0; i < u->count; i++)
        replica_init(&u->replicas[i], &replicas[i], now_us);
}

static struct replica *upload_replica(struct upload *u, const struct peer_id *peer)
{
    for (size_t i = 0; i < u->count; i++) {
        if (peer_id_equal(&u->replicas[i].peer, peer))
            return &u->replicas[i];
    }
    return NULL;
}

static size_t upload_count(const struct upload *u, enum replica_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < u->count; i++)
        count += u->replicas[i].state == state;
    return count;
}

bool upload_is_held_by(const struct upload *u, const struct peer_id *peer)
{
    for (size_t i = 0; i < u->count; i++) {
        if (peer_id_equal(&u->replicas[i].peer, peer))
            return u->replicas[i].state == REPLICA_HELD;
    }
    return false;
}

void upload_on_msg(struct upload *u, uint64_t now_us, const struct peer_id *from,
                   const struct upload_msg *m)
{
    struct replica *r = upload_replica(u, from);
    u->now_us = now_us;
    if (r != NULL && !u->is_done)
        replica_on_msg(u, r, m);
}

void upload_on_link_down(struct upload *u, const struct peer_id *peer)
{
    struct replica *r = upload_replica(u, peer);
    if (r == NULL || r->state != REPLICA_OPEN || !r->is_opened)
        return;
    r->is_opened = false; /* it knows, or will */
    replica_leave_out(u, r, ERR_UNREACHABLE, "the connection to that peer broke");
}

void upload_on_newer(struct upload *u, uint64_t now_us, const struct peer_id *from)
{
    struct replica *r = upload_replica(u, from);
    u->now_us = now_us;
    if (r != NULL && !u->is_done)
        replica_leave_out(u, r, ERR_VERSION,
                          "it answers in a newer version than the peer that has the upload: "
                          "upgrade that one");
}

void upload_resume_rows(struct upload *u)
{
    u->rows_wait = false;
}

/* ---- who is too slow ---- */

/* Would the others be enough? */
static bool upload_can_spare(const struct upload *u)
{
    return upload_count(u, REPLICA_OPEN) + upload_count(u, REPLICA_HELD) > u->minimum;
}

/* When it is left out, if nothing happens before. */
static uint64_t upload_patience_us(const struct upload *u, const struct replica *r)
{
    if (!replica_is_owing(u, r))
        return UINT64_MAX;
    return r->moved_us + (upload_can_spare(u) ? UPLOAD_SLOW_US : UPLOAD_DEAD_US);
}

/* The one that has stood still for longest; whoever is left may then be needed. */
static void upload_leave_out_slow(struct upload *u)
{
    for (;;) {
        struct replica *slowest = NULL;
        for (size_t i = 0; i < u->count; i++) {
            struct replica *r = &u->replicas[i];
            if (!replica_is_owing(u, r))
                r->moved_us = u->now_us;
            else if (u->now_us >= upload_patience_us(u, r) &&
                     (slowest == NULL || r->moved_us < slowest->moved_us))
                slowest = r;
        }
        if (slowest == NULL)
            return;
        replica_leave_out(u, slowest, ERR_TIMEOUT, "its IPFS daemon does not get on");
    }
}

/* ---- step ---- */

static void upload_move_base(struct upload *u)
{
    uint64_t base = u->end;
    for (size_t i = 0; i < u->count; i++) {
        if (u->replicas[i].state == REPLICA_OPEN && u->replicas[i].sent < base)
            base = u->replicas[i].sent;
    }
    bool has_moved = base > u->base;
    u->base = base;
    if (!has_moved || !u->was_full)
        return;
    u->was_full = false;
    u->hooks.on_room(u->hooks.owner);
}

static void upload_finish(struct upload *u, int err)
{
    static const struct cid none;
    u->is_done = true;
    for (size_t i = 0; i < u->count; i++) {
        if (u->replicas[i].state == REPLICA_OPEN)
            replica_leave_out(u, &u->replicas[i], ERR_CANCELED, "the upload is over");
    }
    u->hooks.on_done(u->hooks.owner, err, err == OK ? &u->root : &none, err == OK ? "" : u->why);
}

/* Who finished with other rows than the client has seen is no replica of them. */
static void upload_compare(struct upload *u)
{
    for (size_t i = 0; i < u->count; i++) {
        struct replica *r = &u->replicas[i];
        if (r->state == REPLICA_HELD && !replica_agrees(u, r))
            replica_leave_out(u, r, ERR_STALE, "its IPFS daemon made something else of it");
    }
}

static void upload_judge(struct upload *u)
{
    size_t open = upload_count(u, REPLICA_OPEN);
    if (u->err == OK && open == 0)
        upload_compare(u);
    size_t held = upload_count(u, REPLICA_HELD);
    if (u->err == OK && open + held < u->minimum)
        upload_fail(u, ERR_REFUSED, u->why[0] != '\0' ? u->why : "no IPFS daemon took it");
    else if (u->err == OK && open == 0 && u->rows_count == 0)
        upload_fail(u, ERR_CORRUPT, "the IPFS daemons said nothing of what they added");
    if (u->err != OK)
        upload_finish(u, u->err);
    else if (open == 0)
        upload_finish(u, OK);
}

void upload_step(struct upload *u, uint64_t now_us)
{
    u->now_us = now_us;
    if (u->is_done)
        return;
    if (u->count == 0) {
        if (u->err != OK)
            upload_finish(u, u->err);
        return;
    }
    u->retry_us = UINT64_MAX;
    for (size_t i = 0; u->err == OK && i < u->count; i++) {
        if (u->replicas[i].state == REPLICA_OPEN)
            replica_send(u, &u->replicas[i]);
    }
    if (u->err == OK)
        upload_leave_out_slow(u);
    upload_move_base(u);
    upload_judge(u);
}

uint64_t upload_deadline_us(const struct upload *u)
{
    uint64_t due = u->is_done ? UINT64_MAX : u->retry_us;
    for (size_t i = 0; i < u->count && !u->is_done; i++) {
        const struct replica *r = &u->replicas[i];
        uint64_t patience_us = upload_patience_us(u, r);
        uint64_t alive_us = r->said_us + (uint64_t)5 * 1000 * 1000;
        due = patience_us < due ? patience_us : due;
        bool must_speak = r->state == REPLICA_OPEN && r->is_opened;
        /* While a queue is full, all are looked at when it is tried again. */
        if (must_speak && u->retry_us == UINT64_MAX && alive_us < due)
            due = alive_us;
    }
    return due;
}

/* ---- life ---- */

static struct bytes upload_keep_word(struct upload *u, struct bytes word)
{
    size_t at = u->words.len;
    buf_append(&u->words, word.data, word.len);
    return (struct bytes){ u->words.data + at, word.len };
}

int upload_create(struct upload **out, uint64_t id, const struct upload_params *params,
                  const struct upload_hooks *hooks)
{
    char boundary[HTTP_MULTIPART_BOUNDARY_MAX + 1];
    ASSERT(params->boundary.len > 0 && params->boundary.len <= HTTP_MULTIPART_BOUNDARY_MAX);
    memcpy(boundary, params->boundary.data, params->boundary.len);
    boundary[params->boundary.len] = '\0';
    struct upload *u = mem_zalloc(sizeof(*u));
    if (u == NULL)
        return ERR_NOMEM;
    *u = (struct upload){ .id = id, .params = *params, .hooks = *hooks, .retry_us = UINT64_MAX };
    http_multipart_init(&u->multipart, boundary);
    u->multipart.on_part = upload_on_part;
    u->multipart.on_content = upload_on_content;
    u->multipart.owner = u;
    u->window = mem_alloc(UPLOAD_WINDOW_BYTES);
    (void)buf_reserve(&u->words, params->chunker.len + params->hash.len + params->boundary.len);
    if (u->window == NULL || u->words.err != OK) {
        upload_destroy(u);
        return ERR_NOMEM;
    }
    u->params.chunker = upload_keep_word(u, params->chunker);
    u->params.hash = upload_keep_word(u, params->hash);
    u->params.boundary = upload_keep_word(u, params->boundary);
    *out = u;
    return OK;
}

void upload_cancel(struct upload *u)
{
    struct upload_msg m = { .type = UPLOAD_CANCEL, .id = u->id };
    for (size_t i = 0; i < u->count && !u->is_done; i++) {
        if (u->replicas[i].state == REPLICA_OPEN && u->replicas[i].is_opened)
            (void)u->hooks.send(u->hooks.owner, &u->replicas[i].peer, &m);
    }
    u->is_done = true;
}

void upload_destroy(struct upload *u)
{
    http_multipart_deinit(&u->multipart);
    car_deinit(&u->car);
    buf_deinit(&u->file_name);
    buf_deinit(&u->words);
    mem_free(u->window);
    mem_free(u);
}
