/* rpc_test.c -- questions between peers, over a transport that only remembers what was sent. */
#include <criterion/criterion.h>
#include <string.h>

#include "net/rpc.h"
#include "util/err.h"

TestSuite(rpc, .timeout = 60);

/* ---- a wire between two peers ---- */

enum { WIRE_FRAMES_MAX = 16 };

struct wire {
    struct buf frames[WIRE_FRAMES_MAX];
    size_t count;
    int answer; /* of the next send */
};

static int wire_send(void *impl, const struct peer_id *to, enum stream stream, const void *bytes,
                     size_t len)
{
    struct wire *w = impl;
    (void)to;
    cr_assert_eq(stream, STREAM_CALLS);
    if (w->answer != OK)
        return w->answer;
    buf_append(&w->frames[w->count++], bytes, len);
    return OK;
}

static const struct transport_ops wire_ops = { .send = wire_send };

struct side {
    struct wire wire;
    struct transport transport;
    struct rpc rpc;
    struct peer_id id;
    /* what the hooks saw */
    unsigned requests_count;
    enum rpc_method method;
    struct rpc_asker asker;
    char payload[64];
    unsigned done_count;
    int err;
    char text[64];
};

static void side_on_request(void *owner, const struct rpc_asker *asker, enum rpc_method method,
                            struct bytes payload)
{
    struct side *s = owner;
    s->requests_count += 1;
    s->asker = *asker;
    s->method = method;
    memcpy(s->payload, payload.data, payload.len);
    s->payload[payload.len] = '\0';
}

static void side_done(void *owner, int err, struct bytes payload, const char *text)
{
    struct side *s = owner;
    s->done_count += 1;
    s->err = err;
    if (payload.len > 0)
        memcpy(s->payload, payload.data, payload.len);
    s->payload[payload.len] = '\0';
    strcpy(s->text, text);
}

static void side_init(struct side *s, uint8_t name)
{
    uint8_t key[32] = { name };
    *s = (struct side){ .id = peer_id_of_public_key(key) };
    s->transport = (struct transport){ .ops = &wire_ops, .impl = &s->wire };
    struct rpc_hooks hooks = { .on_request = side_on_request, .owner = s };
    rpc_init(&s->rpc, &s->transport, &hooks, 4, 100 * (uint64_t)name);
}

static void side_deinit(struct side *s)
{
    rpc_deinit(&s->rpc);
    for (size_t i = 0; i < WIRE_FRAMES_MAX; i++)
        buf_deinit(&s->wire.frames[i]);
}

/* The nth frame that `from` sent arrives at `to`. */
static void deliver(struct side *from, size_t nth, struct side *to)
{
    struct frame frame;
    const struct buf *b = &from->wire.frames[nth];
    cr_assert_eq(frame_decode(&frame, b->data, b->len), OK);
    rpc_on_frame(&to->rpc, &from->id, &frame);
}

static int ask(struct side *from, struct side *to, const char *text)
{
    return rpc_call(&from->rpc, 1000, &to->id, RPC_STATUS, (struct bytes){ text, strlen(text) },
                    500, side_done, from);
}

Test(rpc, a_question_is_answered_once)
{
    struct side a;
    struct side b;
    side_init(&a, 1);
    side_init(&b, 2);
    cr_assert_eq(ask(&a, &b, "how?"), OK);
    deliver(&a, 0, &b);
    cr_assert_eq(b.requests_count, 1);
    cr_assert_eq(b.method, RPC_STATUS);
    cr_assert_str_eq(b.payload, "how?");
    cr_assert(peer_id_equal(&b.asker.from, &a.id));
    rpc_reply(&b.rpc, &b.asker, (struct bytes){ "so", 2 });
    cr_assert_eq(a.done_count, 0);
    deliver(&b, 0, &a);
    deliver(&b, 0, &a); /* a copy: nobody waits for it any more */
    cr_assert_eq(a.done_count, 1);
    cr_assert_eq(a.err, OK);
    cr_assert_str_eq(a.payload, "so");
    cr_assert_eq(rpc_next_deadline_us(&a.rpc), UINT64_MAX);
    side_deinit(&a);
    side_deinit(&b);
}

/* The first copy may have been refused; then the asker was told so, and the second must not be obeyed. */
Test(rpc, a_question_that_comes_twice_is_asked_once)
{
    struct side a;
    struct side b;
    side_init(&a, 1);
    side_init(&b, 2);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(ask(&a, &b, "?"), OK);
    deliver(&a, 0, &b);
    deliver(&a, 0, &b);
    cr_assert_eq(b.requests_count, 1);
    deliver(&a, 2, &b);
    deliver(&a, 0, &b); /* late: newer ones have come since */
    cr_assert_eq(b.requests_count, 2);
    deliver(&a, 1, &b); /* overtaken, and no copy */
    deliver(&a, 1, &b);
    cr_assert_eq(b.requests_count, 3);
    side_deinit(&a);
    side_deinit(&b);
}

/* A number is one asker's, and one life's: each life begins at a drawn one, which may be lower. */
Test(rpc, a_new_life_and_another_asker_are_heard_from_their_first_question_on)
{
    struct side a;
    struct side b;
    struct side c;
    side_init(&a, 1);
    side_init(&b, 2);
    side_init(&c, 3);
    c.rpc.next_id = a.rpc.next_id;
    cr_assert_eq(ask(&a, &b, "?"), OK);
    cr_assert_eq(ask(&c, &b, "?"), OK);
    deliver(&a, 0, &b);
    deliver(&c, 0, &b);
    cr_assert_eq(b.requests_count, 2);
    a.rpc.next_id = 1; /* it was 100 */
    cr_assert_eq(ask(&a, &b, "?"), OK);
    deliver(&a, 1, &b);
    deliver(&a, 1, &b);
    cr_assert_eq(b.requests_count, 3);
    side_deinit(&a);
    side_deinit(&b);
    side_deinit(&c);
}

Test(rpc, a_refusal_brings_its_words)
{
    struct side a;
    struct side b;
    side_init(&a, 1);
    side_init(&b, 2);
    cr_assert_eq(ask(&a, &b, "?"), OK);
    deliver(&a, 0, &b);
    rpc_refuse(&b.rpc, &b.asker, ERR_AUTH, "members only");
    deliver(&b, 0, &a);
    cr_assert_eq(a.err, ERR_AUTH);
    cr_assert_str_eq(a.text, "members only");
    side_deinit(&a);
    side_deinit(&b);
}

Test(rpc, an_answer_counts_only_from_whom_was_asked)
{
    struct side a;
    struct side b;
    struct side c;
    side_init(&a, 1);
    side_init(&b, 2);
    side_init(&c, 3);
    cr_assert_eq(ask(&a, &b, "?"), OK);
    deliver(&a, 0, &c);
    rpc_reply(&c.rpc, &c.asker, (struct bytes){ "no", 2 });
    deliver(&c, 0, &a);
    cr_assert_eq(a.done_count, 0);
    side_deinit(&a);
    side_deinit(&b);
    side_deinit(&c);
}

Test(rpc, silence_ends_at_the_deadline_and_not_before)
{
    struct side a;
    struct side b;
    side_init(&a, 1);
    side_init(&b, 2);
    cr_assert_eq(ask(&a, &b, "?"), OK);
    cr_assert_eq(rpc_next_deadline_us(&a.rpc), 1500);
    rpc_on_deadline(&a.rpc, 1499);
    cr_assert_eq(a.done_count, 0);
    rpc_on_deadline(&a.rpc, 1500);
    cr_assert_eq(a.done_count, 1);
    cr_assert_eq(a.err, ERR_TIMEOUT);
    side_deinit(&a);
    side_deinit(&b);
}

Test(rpc, a_link_that_went_down_ends_what_was_asked_over_it)
{
    struct side a;
    struct side b;
    struct side c;
    side_init(&a, 1);
    side_init(&b, 2);
    side_init(&c, 3);
    cr_assert_eq(ask(&a, &b, "1"), OK);
    cr_assert_eq(ask(&a, &c, "2"), OK);
    rpc_on_link_down(&a.rpc, &b.id);
    cr_assert_eq(a.done_count, 1);
    cr_assert_eq(a.err, ERR_UNREACHABLE);
    rpc_forget(&a.rpc, &a);
    rpc_on_deadline(&a.rpc, 1000000);
    cr_assert_eq(a.done_count, 1, "a forgotten call has no end");
    side_deinit(&a);
    side_deinit(&b);
    side_deinit(&c);
}

Test(rpc, pending_calls_are_bounded_and_a_refused_send_leaves_none)
{
    struct side a;
    struct side b;
    side_init(&a, 1);
    side_init(&b, 2);
    a.wire.answer = ERR_BUSY;
    cr_assert_eq(ask(&a, &b, "?"), ERR_BUSY);
    a.wire.answer = OK;
    for (int i = 0; i < 3; i++)
        cr_assert_eq(ask(&a, &b, "?"), OK);
    cr_assert_eq(ask(&a, &b, "?"), ERR_BUSY); /* a quarter is not for users */
    struct bytes push = { "m", 1 };
    cr_assert_eq(rpc_call(&a.rpc, 1000, &b.id, RPC_METRICS, push, 500, side_done, &a), OK);
    cr_assert_eq(rpc_call(&a.rpc, 1000, &b.id, RPC_METRICS, push, 500, side_done, &a), ERR_BUSY);
    rpc_deinit(&a.rpc);
    rpc_deinit(&a.rpc); /* harmless when nothing is pending */
    cr_assert_eq(a.done_count, 4);
    cr_assert_eq(a.err, ERR_CANCELED);
    side_deinit(&a);
    side_deinit(&b);
}

Test(rpc, an_unknown_method_is_refused_in_words)
{
    struct side a;
    struct side b;
    side_init(&a, 1);
    side_init(&b, 2);
    cr_assert_eq(ask(&a, &b, "?"), OK);
    a.wire.frames[0].data[FRAME_HEAD_BYTES + 9] = 99; /* the method's low byte */
    deliver(&a, 0, &b);
    cr_assert_eq(b.requests_count, 0);
    deliver(&b, 0, &a);
    cr_assert_eq(a.err, ERR_UNSUPPORTED);
    side_deinit(&a);
    side_deinit(&b);
}

Test(rpc, frames_that_are_none_are_refused)
{
    struct frame f;
    uint8_t bytes[FRAME_HEAD_BYTES] = { FRAME_REQUEST, FRAME_VERSION };
    cr_assert_eq(frame_decode(&f, bytes, sizeof(bytes)), OK);
    cr_assert_eq(frame_decode(&f, bytes, sizeof(bytes) - 1), ERR_CORRUPT);
    bytes[1] = FRAME_VERSION + 1;
    cr_assert_eq(frame_decode(&f, bytes, sizeof(bytes)), ERR_VERSION);
    bytes[1] = FRAME_VERSION;
    bytes[0] = 77;
    cr_assert_eq(frame_decode(&f, bytes, sizeof(bytes)), ERR_CORRUPT);
}

Test(rpc, clusters_conflict_only_when_both_are_known)
{
    struct cluster_id none = { { 0 } };
    struct cluster_id one = { { 1 } };
    struct cluster_id two = { { 2 } };
    cr_assert(!cluster_id_conflicts(&none, &one));
    cr_assert(!cluster_id_conflicts(&one, &none));
    cr_assert(!cluster_id_conflicts(&one, &one));
    cr_assert(cluster_id_conflicts(&one, &two));
}
