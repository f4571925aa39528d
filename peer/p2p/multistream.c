#include "p2p/multistream.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"

static const char multistream_header[] = "/multistream/1.0.0";
static const char multistream_na[] = "na";
/* The header as it stands on the wire: its length (19 with the newline), text, newline. */
static const char multistream_header_message[] = "\x13/multistream/1.0.0\n";
enum { MULTISTREAM_HEADER_BYTES = sizeof(multistream_header_message) - 1 };

static struct bytes multistream_bytes_of(const char *text)
{
    return (struct bytes){ text, strlen(text) };
}

void multistream_put(struct buf *out, struct bytes text)
{
    ASSERT(text.len + 1 <= MULTISTREAM_TEXT_MAX);
    buf_put_varint(out, text.len + 1);
    buf_append(out, text.data, text.len);
    buf_put_u8(out, '\n');
}

/* The length takes one byte, or two when it passes 127; the limit leaves no third. */
int multistream_take(struct bytes *in, struct bytes *text)
{
    const uint8_t *at = in->data;
    if (in->len == 0)
        return ERR_MORE;
    size_t len = at[0] & 0x7f;
    size_t used = 1;
    if (at[0] & 0x80) {
        if (in->len < 2)
            return ERR_MORE;
        len |= (size_t)at[1] << 7;
        used = 2;
        if (len < 0x80 || len > MULTISTREAM_TEXT_MAX) /* padded, or too long */
            return ERR_CORRUPT;
    }
    if (len == 0)
        return ERR_CORRUPT;
    if (in->len < used + len)
        return ERR_MORE;
    if (at[used + len - 1] != '\n')
        return ERR_CORRUPT;
    *text = (struct bytes){ at + used, len - 1 };
    *in = (struct bytes){ at + used + len, in->len - used - len };
    return OK;
}

void multistream_dial(struct multistream *m, const char *protocol, struct buf *out)
{
    *m = (struct multistream){ .protocol = protocol };
    multistream_put(out, multistream_bytes_of(multistream_header));
    multistream_put(out, multistream_bytes_of(protocol));
}

void multistream_listen(struct multistream *m, struct buf *out)
{
    *m = (struct multistream){ .protocol = NULL };
    multistream_put(out, multistream_bytes_of(multistream_header));
}

/* The first bytes are known in advance, so a stranger (garbage of another secret, HTTP, a port
 * scan) is recognised at his first wrong byte and not after as many bytes as he claims to send. */
static int multistream_expect_header(struct multistream *m, struct bytes *in)
{
    size_t have = in->len < MULTISTREAM_HEADER_BYTES ? in->len : MULTISTREAM_HEADER_BYTES;
    if (have > 0 && memcmp(in->data, multistream_header_message, have) != 0)
        return ERR_CORRUPT;
    if (have < MULTISTREAM_HEADER_BYTES)
        return ERR_MORE;
    *in = (struct bytes){ (const uint8_t *)in->data + have, in->len - have };
    m->header_seen = true;
    return OK;
}

int multistream_on_bytes(struct multistream *m, struct bytes *in, struct bytes *proposal)
{
    int err = m->header_seen ? OK : multistream_expect_header(m, in);
    struct bytes text;
    if (err == OK)
        err = multistream_take(in, &text);
    if (err != OK)
        return err;
    if (m->protocol == NULL) {
        if (++m->proposals > MULTISTREAM_PROPOSALS_MAX)
            return ERR_REFUSED;
        *proposal = text;
        return OK;
    }
    if (bytes_equal(text, multistream_bytes_of(m->protocol)))
        return OK;
    return bytes_equal(text, multistream_bytes_of(multistream_na)) ? ERR_REFUSED : ERR_CORRUPT;
}

void multistream_answer(struct multistream *m, struct bytes proposal, bool yes, struct buf *out)
{
    ASSERT(m->protocol == NULL);
    multistream_put(out, yes ? proposal : multistream_bytes_of(multistream_na));
}
