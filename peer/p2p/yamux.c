/* A stream's life is four facts: we closed (fin_wanted, then fin_sent), they closed (fin_received), it
 * was reset, its handle was released. It can go once the handle is released and either it was reset
 * or both halves are closed. It goes in yamux_reap() only, never under the feet of a hook.
 *
 * Sending is by demand: a stream that has something to say stands in `ready`, and yamux_output()
 * takes one frame from the first and puts it behind the others while it has more. SYN and ACK ride on
 * whatever frame comes next, FIN on a WindowUpdate only: js-libp2p looks at FIN before it takes the data
 * of the same frame, and then drops them. So nothing is queued twice, and a slow reader holds back its own writers and nobody else. Only answers that no stream stands for
 * (pongs, refusals, going away) have a small queue of their own. */
#include "p2p/yamux.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/list.h"
#include "util/mem.h"

struct yamux_stream {
    struct yamux *yamux;
    struct list_link link;  /* in yamux->streams */
    struct list_link ready; /* in yamux->ready while there is something to send */
    uint32_t id;
    uint32_t send_window;
    uint32_t receive_window; /* what they may still send */
    uint32_t credit;         /* taken by our reader, not yet granted to them again */
    uint16_t flags_pending;  /* SYN, ACK, and FIN on its way out */
    bool is_theirs;
    bool acked; /* ours only: they know it */
    bool fin_wanted;
    bool fin_sent;
    bool fin_received;
    bool is_reset;
    bool is_released;
    struct buf input;
    struct buf written;
    void *owner;
};

struct yamux {
    struct yamux_options options;
    struct yamux_hooks hooks;
    struct list_link streams;
    struct list_link ready;
    size_t theirs_count;
    size_t unacked_count;
    uint32_t next_id;
    struct buf answers;
    uint8_t head[YAMUX_HEAD_BYTES]; /* a header that has not arrived whole */
    size_t head_len;
    struct yamux_frame frame;          /* the Data frame whose payload is arriving */
    struct yamux_stream *frame_stream; /* whose it is; NULL: nobody's, dropped */
    uint32_t frame_left;
    const char *why;
};

/* ---- streams ---- */

static struct yamux_stream *yamux_find(const struct yamux *y, uint32_t id)
{
    list_for_each (at, &y->streams) {
        struct yamux_stream *s = list_entry(at, struct yamux_stream, link);
        if (s->id == id)
            return s;
    }
    return NULL;
}

static bool yamux_is_theirs(const struct yamux *y, uint32_t id)
{
    bool is_odd = id % 2 == 1;
    return is_odd != y->options.is_dialer;
}

static struct yamux_stream *yamux_stream_create(struct yamux *y, uint32_t id)
{
    struct yamux_stream *s = mem_zalloc(sizeof(*s));
    if (s == NULL)
        return NULL;
    s->yamux = y;
    s->id = id;
    s->send_window = YAMUX_WINDOW_BYTES;
    s->receive_window = YAMUX_WINDOW_BYTES;
    s->is_theirs = yamux_is_theirs(y, id);
    s->written.limit = y->options.write_bytes_max;
    s->input.limit = YAMUX_WINDOW_BYTES;
    list_init(&s->ready);
    list_push_back(&y->streams, &s->link);
    if (s->is_theirs)
        y->theirs_count++;
    else
        y->unacked_count++;
    return s;
}

static void yamux_stream_mark_acked(struct yamux_stream *s)
{
    if (s->is_theirs || s->acked)
        return;
    s->acked = true;
    s->yamux->unacked_count--;
}

static void yamux_stream_destroy(struct yamux_stream *s)
{
    struct yamux *y = s->yamux;
    yamux_stream_mark_acked(s); /* whatever became of it, it waits no longer */
    if (s->is_theirs)
        y->theirs_count--;
    if (y->frame_stream == s)
        y->frame_stream = NULL;
    list_remove(&s->link);
    list_remove(&s->ready);
    buf_deinit(&s->input);
    buf_deinit(&s->written);
    mem_free(s);
}

static void yamux_reap(struct yamux *y)
{
    list_for_each_safe (at, after, &y->streams) {
        struct yamux_stream *s = list_entry(at, struct yamux_stream, link);
        if (s->is_released && (s->is_reset || (s->fin_sent && s->fin_received)))
            yamux_stream_destroy(s);
    }
}

/* The window is granted again in halves, not for each small read. */
static bool yamux_stream_owes_credit(const struct yamux_stream *s)
{
    return s->credit >= YAMUX_WINDOW_BYTES / 2 && !s->fin_received && !s->is_released;
}

static bool yamux_stream_has_news(const struct yamux_stream *s)
{
    if (s->is_reset)
        return false;
    bool can_send_data = s->written.len > 0 && s->send_window > 0;
    bool can_send_fin = s->fin_wanted && !s->fin_sent && s->written.len == 0;
    return s->flags_pending != 0 || can_send_data || can_send_fin || yamux_stream_owes_credit(s);
}

static void yamux_stream_wake(struct yamux_stream *s)
{
    if (list_is_empty(&s->ready) && yamux_stream_has_news(s))
        list_push_back(&s->yamux->ready, &s->ready);
}

static void yamux_stream_set_reset(struct yamux_stream *s)
{
    s->is_reset = true;
    yamux_stream_mark_acked(s);
    list_remove(&s->ready);
    buf_deinit(&s->input);
    buf_deinit(&s->written);
}

/* ---- life ---- */

int yamux_create(struct yamux **out, const struct yamux_options *options,
                 const struct yamux_hooks *hooks)
{
    struct yamux *y = mem_zalloc(sizeof(*y));
    if (y == NULL)
        return ERR_NOMEM;
    y->options = *options;
    y->hooks = *hooks;
    y->next_id = options->is_dialer ? 1 : 2;
    y->why = "";
    list_init(&y->streams);
    list_init(&y->ready);
    *out = y;
    return OK;
}

void yamux_destroy(struct yamux *y)
{
    if (y == NULL)
        return;
    list_for_each_safe (at, after, &y->streams)
        yamux_stream_destroy(list_entry(at, struct yamux_stream, link));
    buf_deinit(&y->answers);
    mem_free(y);
}

const char *yamux_why(const struct yamux *y)
{
    return y->why;
}

/* ---- what we owe as an answer ---- */

static int yamux_fail(struct yamux *y, int err, const char *why)
{
    y->why = why;
    if (err == ERR_CORRUPT)
        yamux_go_away(y, YAMUX_PROTOCOL_ERROR);
    return err;
}

static void yamux_answer(struct yamux *y, enum yamux_type type, uint16_t flags, uint32_t stream,
                         uint32_t length)
{
    struct yamux_frame frame = { type, flags, stream, length };
    yamux_frame_put(&y->answers, &frame);
}

void yamux_ping(struct yamux *y, uint32_t value)
{
    yamux_answer(y, YAMUX_PING, YAMUX_SYN, 0, value);
}

void yamux_go_away(struct yamux *y, enum yamux_reason reason)
{
    yamux_answer(y, YAMUX_GO_AWAY, 0, 0, (uint32_t)reason);
}

/* ---- receiving ---- */

/* OK with *out NULL: refused. */
static int yamux_on_syn(struct yamux *y, const struct yamux_frame *f, struct yamux_stream **out)
{
    if (!yamux_is_theirs(y, f->stream))
        return yamux_fail(y, ERR_CORRUPT, "it opened a stream with a number of our side");
    if (yamux_find(y, f->stream) != NULL)
        return yamux_fail(y, ERR_CORRUPT, "it opened a stream twice");
    *out = NULL;
    bool has_room = y->theirs_count < y->options.streams_max;
    struct yamux_stream *s = has_room ? yamux_stream_create(y, f->stream) : NULL;
    if (s != NULL && y->hooks.on_open(y->hooks.owner, s)) {
        s->flags_pending |= YAMUX_ACK;
        yamux_stream_wake(s);
        *out = s;
        return OK;
    }
    if (s != NULL)
        yamux_stream_destroy(s);
    yamux_answer(y, YAMUX_WINDOW, YAMUX_RST, f->stream, 0);
    return OK;
}

static void yamux_on_fin(struct yamux *y, struct yamux_stream *s)
{
    s->fin_received = true;
    if (!s->is_released)
        y->hooks.on_stream(y->hooks.owner, s);
}

static int yamux_on_window(struct yamux *y, struct yamux_stream *s, uint32_t granted)
{
    if (granted > UINT32_MAX - s->send_window)
        return yamux_fail(y, ERR_CORRUPT, "it granted a window of more than 4 GiB");
    s->send_window += granted;
    yamux_stream_wake(s);
    return OK;
}

/* The header of a Data frame; its payload follows. */
static int yamux_on_data_head(struct yamux *y, const struct yamux_frame *f, struct yamux_stream *s)
{
    y->frame = *f;
    y->frame_left = f->length;
    y->frame_stream = s;
    if (s == NULL)
        return OK;
    if (f->length > s->receive_window)
        return yamux_fail(y, ERR_CORRUPT, "it sent more than the window allows");
    s->receive_window -= f->length;
    return OK;
}

static int yamux_on_stream_frame(struct yamux *y, const struct yamux_frame *f)
{
    struct yamux_stream *s = NULL;
    int err = OK;
    if (f->flags & YAMUX_SYN)
        err = yamux_on_syn(y, f, &s);
    else
        s = yamux_find(y, f->stream);
    if (err != OK)
        return err;
    if (s != NULL && s->is_reset)
        s = NULL; /* like one that is gone already: what still arrives on it is dropped */
    if (s != NULL && s->fin_received && f->type == YAMUX_DATA && f->length > 0)
        return yamux_fail(y, ERR_CORRUPT, "it sent data on a stream that it had closed");
    if (s != NULL && f->flags & YAMUX_ACK)
        yamux_stream_mark_acked(s);
    if (s != NULL && f->flags & YAMUX_RST) {
        yamux_stream_set_reset(s);
        if (!s->is_released)
            y->hooks.on_stream(y->hooks.owner, s);
        s = NULL;
    }
    if (f->type == YAMUX_DATA)
        return yamux_on_data_head(y, f, s);
    if (s == NULL)
        return OK;
    err = yamux_on_window(y, s, f->length);
    if (err == OK && f->flags & YAMUX_FIN && !s->fin_received)
        yamux_on_fin(y, s);
    return err;
}

static int yamux_on_go_away(struct yamux *y, uint32_t reason)
{
    if (reason == YAMUX_NORMAL)
        return yamux_fail(y, ERR_CLOSED, "the other side closed the connection");
    return yamux_fail(y, ERR_CLOSED, "the other side says that we broke the protocol");
}

static int yamux_on_frame(struct yamux *y, const struct yamux_frame *f)
{
    switch (f->type) {
    case YAMUX_DATA:
    case YAMUX_WINDOW:
        return yamux_on_stream_frame(y, f);
    case YAMUX_PING:
        if (f->flags & YAMUX_SYN)
            yamux_answer(y, YAMUX_PING, YAMUX_ACK, 0, f->length);
        else if (f->flags & YAMUX_ACK)
            y->hooks.on_pong(y->hooks.owner, f->length);
        return OK;
    case YAMUX_GO_AWAY:
        return yamux_on_go_away(y, f->length);
    case YAMUX_TYPE_COUNT:
        break;
    }
    return ERR_CORRUPT;
}

static int yamux_on_head(struct yamux *y, struct bytes *in)
{
    size_t part =
        YAMUX_HEAD_BYTES - y->head_len < in->len ? YAMUX_HEAD_BYTES - y->head_len : in->len;
    memcpy(y->head + y->head_len, in->data, part);
    y->head_len += part;
    *in = (struct bytes){ (const uint8_t *)in->data + part, in->len - part };
    if (y->head_len < YAMUX_HEAD_BYTES)
        return OK;
    y->head_len = 0;
    struct yamux_frame frame;
    if (yamux_frame_decode(&frame, y->head) != OK)
        return yamux_fail(y, ERR_CORRUPT, "it sent a frame that is not Yamux");
    int err = yamux_on_frame(y, &frame);
    if (err == OK && y->answers.len > YAMUX_ANSWERS_BYTES)
        err = yamux_fail(y, ERR_BUSY, "it asks more than it reads answers");
    return err == OK ? y->answers.err : err;
}

/* The hook may reset or release the stream; then frame_stream or its flags say so. */
static int yamux_on_payload(struct yamux *y, struct bytes *in)
{
    size_t part = y->frame_left < in->len ? y->frame_left : in->len;
    struct yamux_stream *s = y->frame_stream;
    y->frame_left -= (uint32_t)part;
    if (s != NULL && !s->is_reset && !s->is_released) {
        buf_append(&s->input, in->data, part); /* fits: receive_window has admitted it */
        if (s->input.err != OK)
            return s->input.err;
        y->hooks.on_stream(y->hooks.owner, s);
    }
    *in = (struct bytes){ (const uint8_t *)in->data + part, in->len - part };
    return OK;
}

static void yamux_on_payload_end(struct yamux *y)
{
    struct yamux_stream *s = y->frame_stream;
    y->frame_stream = NULL;
    bool closes = y->frame.flags & YAMUX_FIN;
    y->frame.flags = 0;
    if (s != NULL && closes && !s->is_reset && !s->fin_received)
        yamux_on_fin(y, s);
}

int yamux_on_bytes(struct yamux *y, struct bytes in)
{
    int err = OK;
    while (err == OK && in.len > 0) {
        err = y->frame_left > 0 ? yamux_on_payload(y, &in) : yamux_on_head(y, &in);
        if (err == OK && y->frame_left == 0)
            yamux_on_payload_end(y);
    }
    yamux_reap(y);
    return err;
}

/* ---- sending ---- */

/* The header, with the flags that wait. */
static void yamux_put_head(struct yamux_stream *s, struct buf *out, enum yamux_type type,
                           uint32_t length)
{
    struct yamux_frame frame = { type, s->flags_pending, s->id, length };
    s->flags_pending = 0;
    yamux_frame_put(out, &frame);
}

static void yamux_put_data(struct yamux_stream *s, struct buf *out, size_t len_max)
{
    size_t part = s->written.len;
    part = part < YAMUX_FRAME_BYTES ? part : YAMUX_FRAME_BYTES;
    part = part < s->send_window ? part : s->send_window;
    part = part < len_max ? part : len_max;
    yamux_put_head(s, out, YAMUX_DATA, (uint32_t)part);
    buf_append(out, s->written.data, part);
    buf_consume(&s->written, part);
    s->send_window -= (uint32_t)part;
}

static void yamux_put_window(struct yamux_stream *s, struct buf *out)
{
    uint32_t granted = yamux_stream_owes_credit(s) ? s->credit : 0;
    s->receive_window += granted;
    s->credit -= granted;
    if (s->fin_wanted && !s->fin_sent && s->written.len == 0) {
        s->flags_pending |= YAMUX_FIN;
        s->fin_sent = true;
    }
    yamux_put_head(s, out, YAMUX_WINDOW, granted);
}

void yamux_output(struct yamux *y, struct buf *out, size_t len_max)
{
    yamux_reap(y);
    buf_append(out, y->answers.data, y->answers.len);
    buf_clear(&y->answers);
    while (out->err == OK && out->len + YAMUX_HEAD_BYTES < len_max) {
        struct list_link *link = list_pop_front(&y->ready);
        if (link == NULL)
            break;
        struct yamux_stream *s = list_entry(link, struct yamux_stream, ready);
        if (!yamux_stream_has_news(s))
            continue;
        if (yamux_stream_owes_credit(s) || s->written.len == 0 || s->send_window == 0)
            yamux_put_window(s, out);
        else
            yamux_put_data(s, out, len_max - out->len - YAMUX_HEAD_BYTES);
        yamux_stream_wake(s);
    }
    yamux_reap(y);
}

/* ---- one stream, from our side ---- */

int yamux_open(struct yamux *y, struct yamux_stream **out)
{
    if (y->unacked_count >= YAMUX_OPENS_MAX || y->next_id > UINT32_MAX - 2)
        return ERR_BUSY;
    struct yamux_stream *s = yamux_stream_create(y, y->next_id);
    if (s == NULL)
        return ERR_NOMEM;
    y->next_id += 2;
    s->flags_pending = YAMUX_SYN;
    yamux_stream_wake(s);
    *out = s;
    return OK;
}

void yamux_set_owner(struct yamux_stream *s, void *owner)
{
    s->owner = owner;
}

void *yamux_owner(const struct yamux_stream *s)
{
    return s->owner;
}

size_t yamux_room(const struct yamux_stream *s)
{
    if (s->is_reset || s->fin_wanted || s->written.err != OK)
        return 0;
    return s->written.limit - s->written.len;
}

size_t yamux_write(struct yamux_stream *s, const void *bytes, size_t len)
{
    size_t room = yamux_room(s);
    size_t part = len < room ? len : room;
    buf_append(&s->written, bytes, part);
    if (s->written.err != OK) {
        yamux_reset(s); /* a run of bytes with a hole in it is worse than none */
        return 0;
    }
    yamux_stream_wake(s);
    return part;
}

size_t yamux_unsent(const struct yamux_stream *s)
{
    return s->written.len;
}

struct bytes yamux_input(const struct yamux_stream *s)
{
    return buf_bytes(&s->input);
}

void yamux_taken(struct yamux_stream *s, size_t len)
{
    buf_consume(&s->input, len);
    s->credit += (uint32_t)len;
    yamux_stream_wake(s);
}

bool yamux_is_at_end(const struct yamux_stream *s)
{
    return s->is_reset || (s->fin_received && s->input.len == 0);
}

bool yamux_is_reset(const struct yamux_stream *s)
{
    return s->is_reset;
}

void yamux_close(struct yamux_stream *s)
{
    s->fin_wanted = true;
    yamux_stream_wake(s);
}

bool yamux_has_closed(const struct yamux_stream *s)
{
    return s->fin_sent || s->is_reset;
}

void yamux_reset(struct yamux_stream *s)
{
    if (s->is_reset || (s->fin_sent && s->fin_received))
        return;
    if ((s->flags_pending & YAMUX_SYN) == 0) /* else the other side has never heard of it */
        yamux_answer(s->yamux, YAMUX_WINDOW, YAMUX_RST, s->id, 0);
    yamux_stream_set_reset(s);
}

void yamux_release(struct yamux_stream *s)
{
    ASSERT(!s->is_released);
    if (!s->fin_wanted)
        yamux_reset(s);
    s->is_released = true;
    buf_deinit(&s->input);
}
