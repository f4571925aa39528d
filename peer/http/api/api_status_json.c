/* api_status_json.c -- a row of a listing of local states, V1's GlobalPinInfo (SPEC 2.2).
 *
 * A row about three peers has 900 bytes, and most of them stood in the row before: who the peers are, and that all is well with
 * the pin. So each peer's part is kept as it was last written, in two pieces: up to its time, and behind it. Of each peer two are kept,
 * since pins that others hold (remote) alternate with those that it holds. A part that has more to say (an error, a place in a queue) is
 * written anew. */
#include <string.h>

#include "http/api/api_int.h"
#include "state/pin_json.h"
#include "util/rfc3339.h"

/* ---- one peer's part ---- */

static void api_peer_up_to_time(struct json_writer *w, const struct api_peer_status *s)
{
    json_key(w, s->peer);
    json_object_begin(w);
    pin_json_bytes(w, "peername", s->name);
    if (s->ipfs_id.len > 0)
        pin_json_bytes(w, "ipfs_peer_id", s->ipfs_id);
    json_key_string(w, "status", tracker_status_name(s->status));
    json_key(w, "timestamp");
}

static void api_peer_behind_time(struct json_writer *w, const struct api_peer_status *s)
{
    json_key_string(w, "error", s->error);
    json_key_i64(w, "attempt_count", s->attempt_count);
    json_key_bool(w, "priority_pin", s->is_priority);
    /* Ours, and only where there is something to say. */
    if (s->is_held_back)
        json_key_bool(w, "held_back", true);
    if (s->next_try_us != 0)
        pin_json_time(w, "next_attempt", s->next_try_us);
    if (s->queue_position != 0)
        json_key_u64(w, "queue_position", s->queue_position);
    if (s->progress_nodes != 0 || s->progress_bytes != 0) {
        json_key(w, "progress");
        json_object_begin(w);
        json_key_u64(w, "blocks", s->progress_nodes);
        json_key_u64(w, "bytes", s->progress_bytes);
        json_object_end(w);
    }
    json_object_end(w);
}

static void api_peer_write(struct json_writer *w, const struct api_peer_status *s)
{
    api_peer_up_to_time(w, s);
    char *time = json_text_begin(w, RFC3339_TEXT_SIZE);
    if (time != NULL)
        json_text_end(w, rfc3339_print(time, s->since_us));
    api_peer_behind_time(w, s);
}

/* ---- and as it was last written ---- */

/* Says what many rows say. */
static bool api_peer_is_plain(const struct api_peer_status *s)
{
    return s->error[0] == '\0' && !s->is_held_back && s->next_try_us == 0 &&
           s->queue_position == 0 && s->progress_nodes == 0 && s->progress_bytes == 0;
}

static bool api_memo_is_of(const struct api_memo *m, const struct api_peer_status *s)
{
    return m->time_at > 0 && m->status == s->status && m->attempt_count == s->attempt_count &&
           m->is_priority == s->is_priority && strcmp(m->peer, s->peer) == 0 &&
           bytes_equal(buf_bytes(&m->name), s->name) &&
           bytes_equal(buf_bytes(&m->ipfs_id), s->ipfs_id);
}

static void api_memo_text(struct buf *out, struct bytes text)
{
    buf_clear(out);
    buf_append(out, text.data, text.len);
}

/* False: no memory for it. */
static bool api_memo_make(struct api_memo *m, const struct api_peer_status *s)
{
    struct json_writer w = json_writer_to(&m->text);
    buf_clear(&m->text);
    json_object_begin(&w); /* a part stands in an object; its bracket is left out in the end */
    api_peer_up_to_time(&w, s);
    size_t time_at = m->text.len;
    json_string_len(&w, "", 0);
    m->time_end = m->text.len;
    api_peer_behind_time(&w, s);
    api_memo_text(&m->name, s->name);
    api_memo_text(&m->ipfs_id, s->ipfs_id);
    m->status = s->status;
    m->attempt_count = s->attempt_count;
    m->is_priority = s->is_priority;
    size_t peer_len = strlen(s->peer);
    bool fits = peer_len < sizeof(m->peer) && m->text.err == OK && m->name.err == OK &&
                m->ipfs_id.err == OK;
    m->time_at = fits ? time_at : 0;
    if (fits)
        memcpy(m->peer, s->peer, peer_len + 1);
    return fits;
}

static void api_memo_write(struct json_writer *w, const struct api_memo *m, int64_t since_us)
{
    const char *text = (const char *)m->text.data;
    json_raw(w, text + 1, m->time_at);
    /* In its place: what was just written byte by byte is slow to copy. */
    char *time = (char *)buf_room(w->out, RFC3339_TEXT_SIZE);
    if (time != NULL)
        w->out->len += rfc3339_print(time, since_us);
    buf_append(w->out, text + m->time_end - 1, m->text.len - m->time_end + 1);
}

/* The i-th peer of a row. */
static void api_write_peer_status(struct json_writer *w, struct api_memos *memos, size_t i,
                                  const struct api_peer_status *s)
{
    if (i >= API_MEMOS_MAX || !api_peer_is_plain(s)) {
        api_peer_write(w, s);
        return;
    }
    struct api_memo *m = &memos->parts[i][s->status == TRACKER_REMOTE];
    if (api_memo_is_of(m, s) || api_memo_make(m, s))
        api_memo_write(w, m, s->since_us);
    else
        api_peer_write(w, s);
}

void api_memos_deinit(struct api_memos *memos)
{
    for (size_t i = 0; i < API_MEMOS_MAX; i++) {
        for (size_t k = 0; k < 2; k++) {
            buf_deinit(&memos->parts[i][k].name);
            buf_deinit(&memos->parts[i][k].ipfs_id);
            buf_deinit(&memos->parts[i][k].text);
        }
    }
}

/* ---- a row ---- */

void api_write_status(struct json_writer *w, struct api_memos *memos,
                      const struct api_status *status)
{
    const struct pin nothing = { 0 };
    const struct pin *pin = status->pin != NULL ? status->pin : &nothing;
    json_object_begin(w);
    pin_json_cid(w, "cid", &status->cid);
    pin_json_bytes(w, "name", pin->name);
    pin_json_peers(w, "allocations", pin->allocations, pin->allocations_count, &memos->names);
    if (status->pin == NULL)
        json_key_null(w, "origins");
    else
        pin_json_origins(w, pin);
    pin_json_time(w, "created", status->pin != NULL ? pin->created_s * 1000000 : status->now_us);
    pin_json_metadata(w, pin);
    json_key(w, "peer_map");
    json_object_begin(w);
    for (size_t i = 0; i < status->peers_count; i++)
        api_write_peer_status(w, memos, i, &status->peers[i]);
    json_object_end(w);
    json_object_end(w);
}
