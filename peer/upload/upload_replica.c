/* upload_replica.c -- one of the peers that an upload is handed to. */
#include "upload/upload_int.h"

#include <string.h>

#include "util/err.h"
#include "util/hash.h"

#define REPLICA_RETRY_US ((uint64_t)10 * 1000) /* after a full queue */
#define REPLICA_ALIVE_US                                                                           \
    ((uint64_t)5 * 1000 * 1000) /* nothing said for so long: say that we are here */

void replica_init(struct replica *r, const struct peer_id *peer, uint64_t now_us)
{
    *r = (struct replica){ .peer = *peer,
                           .credit = UPLOAD_WINDOW_BYTES,
                           .rows_granted = UPLOAD_ROWS_WINDOW_BYTES,
                           .moved_us = now_us,
                           .said_us = now_us };
}

bool replica_agrees(const struct upload *u, const struct replica *r)
{
    return r->rows_count == u->rows_count && r->rows_hash == u->rows_hash;
}

bool replica_is_owing(const struct upload *u, const struct replica *r)
{
    bool has_work = r->sent < u->end || r->is_ended;
    return r->state == REPLICA_OPEN && has_work && !u->rows_wait;
}

/* ---- to it ---- */

/* False: not now, or not at all. */
static bool replica_say(struct upload *u, struct replica *r, struct upload_msg *m)
{
    m->id = u->id;
    int err = u->hooks.send(u->hooks.owner, &r->peer, m);
    if (err == ERR_BUSY)
        u->retry_us = u->now_us + REPLICA_RETRY_US;
    else if (err != OK)
        replica_leave_out(u, r, err, err_text(err));
    else
        r->said_us = u->now_us;
    return err == OK;
}

static bool replica_say_open(struct upload *u, struct replica *r)
{
    struct upload_msg m = { .type = UPLOAD_OPEN, .number = r->rows_granted, .params = u->params };
    r->is_opened = replica_say(u, r, &m);
    return r->is_opened;
}

/* The next piece, as far as it lies in one run in the window. */
static bool replica_say_data(struct upload *u, struct replica *r)
{
    uint64_t len = (r->credit < u->end ? r->credit : u->end) - r->sent;
    size_t at = (size_t)(r->sent % UPLOAD_WINDOW_BYTES);
    if (len > UPLOAD_PIECE_BYTES_MAX)
        len = UPLOAD_PIECE_BYTES_MAX;
    if (len > UPLOAD_WINDOW_BYTES - at)
        len = UPLOAD_WINDOW_BYTES - at;
    struct upload_msg m = { .type = UPLOAD_DATA,
                            .number = r->sent,
                            .bytes = { u->window + at, (size_t)len } };
    if (!replica_say(u, r, &m))
        return false;
    r->sent += len;
    return true;
}

static void replica_say_end(struct upload *u, struct replica *r)
{
    struct upload_msg m = { .type = UPLOAD_END, .number = u->end, .root = u->car.root };
    r->is_ended = replica_say(u, r, &m);
}

/* Further rows, when it needs to hear that; and that we are still here, when nothing else was said. */
static void replica_say_grant(struct upload *u, struct replica *r)
{
    uint64_t granted = r->rows_came + UPLOAD_ROWS_WINDOW_BYTES;
    if (u->rows_wait)
        granted = r->rows_granted;
    bool is_due = granted - r->rows_granted >= UPLOAD_ROWS_WINDOW_BYTES / 2;
    if (!is_due && u->now_us - r->said_us < REPLICA_ALIVE_US)
        return;
    struct upload_msg m = { .type = UPLOAD_GRANT, .number = granted };
    if (replica_say(u, r, &m))
        r->rows_granted = granted;
}

void replica_send(struct upload *u, struct replica *r)
{
    if (!r->is_opened && !replica_say_open(u, r))
        return;
    while (r->state == REPLICA_OPEN && r->sent < u->end && r->sent < r->credit) {
        if (!replica_say_data(u, r))
            return;
    }
    if (r->state == REPLICA_OPEN && u->has_ended && r->sent == u->end && !r->is_ended)
        replica_say_end(u, r);
    if (r->state == REPLICA_OPEN)
        replica_say_grant(u, r);
}

void replica_leave_out(struct upload *u, struct replica *r, int err, const char *why)
{
    if (r->state == REPLICA_LEFT_OUT)
        return;
    bool must_hear = r->state == REPLICA_OPEN && r->is_opened;
    r->state = REPLICA_LEFT_OUT;
    struct upload_msg m = { .type = UPLOAD_CANCEL, .id = u->id };
    if (must_hear) /* lost: it hears nothing more, and gives up by itself */
        (void)u->hooks.send(u->hooks.owner, &r->peer, &m);
    if (u->why[0] == '\0') {
        size_t len = strnlen(why, sizeof(u->why) - 1);
        memcpy(u->why, why, len);
        u->why[len] = '\0';
    }
    u->hooks.on_left_out(u->hooks.owner, &r->peer, err, why);
}

/* ---- from it ---- */

static void replica_tell_row(struct upload *u, struct upload_row *row)
{
    if (u->params.is_car && !cid_is_undefined(&row->cid))
        row->name = buf_bytes(&u->file_name);
    if (!u->hooks.on_row(u->hooks.owner, row))
        u->rows_wait = true;
}

/* Whoever is furthest with the file that comes next says so: who brings its row first has been heard before that, however
 * small it is. What others say of it later is not news, and may be of a file whose row was told. */
static void replica_on_progress(struct upload *u, const struct replica *r, struct upload_row *row)
{
    if (r->rows_count < u->rows_count || row->bytes < u->progress_from)
        return;
    u->progress_from = row->bytes + 1;
    replica_tell_row(u, row);
}

/* False: it differs from what the client was told. */
static bool replica_on_row(struct upload *u, struct replica *r, struct upload_row *row)
{
    bool was_level = r->rows_count == u->rows_count;
    if (cid_is_undefined(&row->cid)) {
        replica_on_progress(u, r, row);
        return true;
    }
    bool was_equal = r->rows_hash == u->rows_hash;
    uint64_t hash = hash64(r->rows_hash, row->name.data, row->name.len);
    r->rows_hash = hash64(hash, row->cid.bytes, row->cid.len);
    r->rows_count += 1;
    if (!was_level)
        return r->rows_count != u->rows_count || r->rows_hash == u->rows_hash;
    if (!was_equal)
        return false;
    u->rows_count = r->rows_count;
    u->rows_hash = r->rows_hash;
    u->root = row->cid;
    u->progress_from = 0;
    replica_tell_row(u, row);
    return true;
}

static void replica_on_rows(struct upload *u, struct replica *r, const struct upload_msg *m)
{
    if (m->number < r->rows_came)
        return; /* a copy */
    if (m->number > r->rows_came) {
        replica_leave_out(u, r, ERR_CLOSED, "a part of its answer was lost on its way");
        return;
    }
    struct reader in = reader_of(m->bytes.data, m->bytes.len);
    while (in.left > 0 && in.err == OK) {
        struct upload_row row;
        upload_row_read(&in, &row);
        if (in.err != OK) {
            replica_leave_out(u, r, ERR_CORRUPT, "its answer is damaged");
            return;
        }
        if (!replica_on_row(u, r, &row)) {
            replica_leave_out(u, r, ERR_STALE, "its IPFS daemon made something else of it");
            return;
        }
    }
    r->rows_came += m->bytes.len;
}

static void replica_on_result(struct upload *u, struct replica *r, const struct upload_msg *m)
{
    char why[UPLOAD_TEXT_BYTES_MAX + 1] = "";
    if (m->err != OK) {
        r->is_opened = false; /* it knows */
        if (m->text.len > 0)
            memcpy(why, m->text.data, m->text.len);
        replica_leave_out(u, r, m->err, why[0] != '\0' ? why : err_text(m->err));
    } else if (!r->is_ended || m->number != r->rows_came) {
        replica_leave_out(u, r, ERR_CLOSED, "a part of its answer was lost on its way");
    } else {
        r->state = REPLICA_HELD;
    }
}

void replica_on_msg(struct upload *u, struct replica *r, const struct upload_msg *m)
{
    if (r->state != REPLICA_OPEN)
        return;
    switch (m->type) {
    case UPLOAD_CREDIT:
        if (m->number > r->credit) {
            r->credit = m->number;
            r->moved_us = u->now_us;
        }
        break;
    case UPLOAD_ROWS:
        r->moved_us = u->now_us;
        replica_on_rows(u, r, m);
        break;
    case UPLOAD_RESULT:
        replica_on_result(u, r, m);
        break;
    case UPLOAD_OPEN:
    case UPLOAD_DATA:
    case UPLOAD_END:
    case UPLOAD_CANCEL:
    case UPLOAD_GRANT:
        break;
    }
}
