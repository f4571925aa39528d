/* covers: peer/p2p/yamux.c peer/p2p/yamux_frame.c */
/* One end of Yamux between a reader and writer that do anything they may, and another side that sends
 * anything at all. What must hold: what we send parses; never more data than the other side's window; never
 * data behind our end of a stream. */
#include <stdint.h>
#include <string.h>

#include "p2p/yamux.h"
#include "util/assert.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { HANDLES = 6, IDS = 16, WRITE_MAX = 3000 };

/* What the other side knows of a stream of ours or theirs, by its id. */
struct model {
    uint64_t window; /* bytes that we may still send */
    bool ended;
};

struct end {
    struct yamux *yamux;
    struct yamux_stream *handles[HANDLES];
    struct model models[IDS];
    unsigned whims; /* what the hooks do next: bits of the input */
    int err;
};

static unsigned end_whim(struct end *e)
{
    e->whims = e->whims * 1664525u + 1013904223u;
    return e->whims >> 24;
}

static bool end_on_open(void *owner, struct yamux_stream *s)
{
    struct end *e = owner;
    for (int i = 0; i < HANDLES; i++)
        if (e->handles[i] == NULL && end_whim(e) % 8 != 0) {
            e->handles[i] = s;
            return true;
        }
    return false;
}

static void end_release(struct end *e, struct yamux_stream *s)
{
    for (int i = 0; i < HANDLES; i++)
        if (e->handles[i] == s)
            e->handles[i] = NULL;
    yamux_release(s);
}

static void end_on_stream(void *owner, struct yamux_stream *s)
{
    struct end *e = owner;
    unsigned whim = end_whim(e);
    ASSERT(yamux_input(s).len <= YAMUX_WINDOW_BYTES);
    if (whim % 4 == 0)
        yamux_taken(s, yamux_input(s).len);
    if (whim % 16 == 1)
        yamux_reset(s);
    if (whim % 16 == 2)
        yamux_close(s);
    if (whim % 16 == 3)
        end_release(e, s);
}

static void end_on_pong(void *owner, uint32_t value)
{
    (void)owner;
    (void)value;
}

static void end_check_frame(struct end *e, const struct yamux_frame *f)
{
    if (f->type != YAMUX_DATA || f->stream >= IDS)
        return;
    struct model *m = &e->models[f->stream];
    ASSERT(f->length <= m->window);
    ASSERT(!m->ended || f->length == 0);
    m->window -= f->length;
    m->ended = m->ended || (f->flags & YAMUX_FIN);
}

static void end_output(struct end *e)
{
    struct buf out = { 0 };
    yamux_output(e->yamux, &out, 20000);
    ASSERT(out.err == OK);
    for (size_t at = 0; at < out.len;) {
        struct yamux_frame f;
        ASSERT(out.len - at >= YAMUX_HEAD_BYTES);
        ASSERT(yamux_frame_decode(&f, out.data + at) == OK);
        end_check_frame(e, &f);
        at += YAMUX_HEAD_BYTES + (f.type == YAMUX_DATA ? f.length : 0);
        ASSERT(at <= out.len);
    }
    buf_deinit(&out);
}

/* The other side says something that is a frame. */
static void end_feed_frame(struct end *e, struct reader *in)
{
    static const uint8_t payload[0xfff];
    struct yamux_frame f = { .type = reader_u8(in) % YAMUX_TYPE_COUNT };
    f.flags = reader_u8(in) & 15;
    f.stream = reader_u8(in) % IDS;
    f.length = reader_u16(in);
    if (f.type == YAMUX_DATA && f.length > sizeof(payload))
        f.length = sizeof(payload);
    else if (f.type == YAMUX_WINDOW)
        e->models[f.stream].window += f.length;
    struct buf bytes = { 0 };
    yamux_frame_put(&bytes, &f);
    if (f.type == YAMUX_DATA)
        buf_append(&bytes, payload, f.length);
    e->err = yamux_on_bytes(e->yamux, buf_bytes(&bytes));
    buf_deinit(&bytes);
}

static void end_feed_raw(struct end *e, struct reader *in)
{
    struct bytes raw = reader_take(in, reader_u8(in) % 40u);
    for (int i = 0; i < IDS; i++) /* it may be a window: then the model knows nothing any more */
        e->models[i].window = UINT64_MAX / 2;
    if (in->err == OK)
        e->err = yamux_on_bytes(e->yamux, raw);
}

static void end_open(struct end *e)
{
    for (int i = 0; i < HANDLES; i++)
        if (e->handles[i] == NULL) {
            (void)yamux_open(e->yamux, &e->handles[i]);
            return;
        }
}

static void end_use(struct end *e, struct reader *in)
{
    static const uint8_t bytes[WRITE_MAX];
    uint8_t what = reader_u8(in);
    struct yamux_stream *s = e->handles[what % HANDLES];
    if (s == NULL)
        return;
    switch (what / HANDLES % 8) {
    case 0:
    case 1:
        ASSERT(yamux_write(s, bytes, reader_u16(in) % WRITE_MAX) <= WRITE_MAX);
        break;
    case 2:
        yamux_taken(s, yamux_input(s).len);
        break;
    case 3:
        yamux_taken(s, yamux_input(s).len / 2);
        break;
    case 4:
        yamux_close(s);
        ASSERT(yamux_room(s) == 0);
        break;
    case 5:
        yamux_reset(s);
        ASSERT(yamux_is_at_end(s) || yamux_has_closed(s));
        break;
    case 6:
        end_release(e, s);
        break;
    case 7:
        (void)yamux_unsent(s);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct end e = { .err = OK };
    struct reader in = reader_of(data, len);
    struct yamux_options options = { reader_u8(&in) & 1, 4, WRITE_MAX };
    struct yamux_hooks hooks = { end_on_open, end_on_stream, end_on_pong, &e };
    e.whims = reader_u8(&in);
    for (int i = 0; i < IDS; i++)
        e.models[i].window = YAMUX_WINDOW_BYTES;
    ASSERT(yamux_create(&e.yamux, &options, &hooks) == OK);
    while (e.err == OK && in.err == OK && in.left > 0) {
        uint8_t what = reader_u8(&in) % 16;
        if (what < 8)
            end_feed_frame(&e, &in);
        else if (what < 9)
            end_feed_raw(&e, &in);
        else if (what < 10)
            end_open(&e);
        else if (what < 14)
            end_use(&e, &in);
        else if (what < 15)
            end_output(&e);
        else
            yamux_ping(e.yamux, what);
    }
    ASSERT(e.err != ERR_CORRUPT || yamux_why(e.yamux)[0] != 0);
    end_output(&e);
    yamux_destroy(e.yamux);
    return 0;
}
