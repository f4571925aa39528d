/* covers: peer/p2p/multistream.c */
/* One side of a selection against any bytes. The same bytes in other pieces must give the same answers,
 * and every message that is taken must be written back to the same bytes. */
#include <stdint.h>
#include <string.h>

#include "p2p/multistream.h"
#include "util/assert.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The outcome of a whole talk: its end, what was answered, what was left over. */
struct talk {
    int err;
    struct buf answers;
    size_t left;
};

static bool talk_is_known(struct bytes proposal)
{
    return bytes_equal(proposal, (struct bytes){ "/noise", 6 });
}

/* One message, if there is a whole one; true when the talk has ended. */
static bool talk_step(struct talk *t, struct multistream *m, struct bytes *in)
{
    struct bytes proposal;
    t->err = multistream_on_bytes(m, in, &proposal);
    if (t->err == ERR_MORE)
        return false;
    if (t->err != OK || m->protocol != NULL)
        return true;
    bool yes = talk_is_known(proposal);
    multistream_answer(m, proposal, yes, &t->answers);
    return yes;
}

static void talk_run(struct talk *t, bool is_dialer, struct bytes all, size_t piece)
{
    struct multistream m;
    *t = (struct talk){ .err = ERR_MORE };
    if (is_dialer)
        multistream_dial(&m, "/noise", &t->answers);
    else
        multistream_listen(&m, &t->answers);
    struct bytes in = { all.data, 0 };
    const uint8_t *end = (const uint8_t *)all.data + all.len;
    bool ended = false;
    while (!ended) {
        size_t more = (size_t)(end - (const uint8_t *)in.data) - in.len;
        if (t->err == ERR_MORE && more == 0)
            break;
        if (t->err == ERR_MORE)
            in.len += more < piece ? more : piece;
        ended = talk_step(t, &m, &in);
    }
    t->left = (size_t)(end - (const uint8_t *)in.data);
}

static void check_messages(struct bytes in)
{
    struct bytes text;
    for (;;) {
        struct bytes before = in;
        if (multistream_take(&in, &text) != OK)
            return;
        struct buf again = { 0 };
        multistream_put(&again, text);
        ASSERT(bytes_equal(buf_bytes(&again), (struct bytes){ before.data, before.len - in.len }));
        buf_deinit(&again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2)
        return 0;
    struct bytes all = { data + 2, len - 2 };
    struct talk whole, cut;
    talk_run(&whole, data[0] & 1, all, SIZE_MAX);
    talk_run(&cut, data[0] & 1, all, data[1] % 32u + 1);
    ASSERT(whole.err == cut.err);
    ASSERT(bytes_equal(buf_bytes(&whole.answers), buf_bytes(&cut.answers)));
    ASSERT(whole.err == ERR_CORRUPT || whole.left == cut.left);
    buf_deinit(&whole.answers);
    buf_deinit(&cut.answers);
    check_messages(all);
    return 0;
}
