/* The proxy in front of the stand-in IPFS daemon: what passes is what the daemon says, and what the proxy
 * says itself is understood by the reader of the daemon's answers, as the peer of an upper cluster is. */
#include <criterion/criterion.h>

#include <string.h>

#include "http/proxy/proxy.h"
#include "ipfs/kubo_reply.h"
#include "tests/lib/http_caller.h"
#include "tests/lib/standin_ask.h"
#include "util/err.h"

TestSuite(proxy_standin, .timeout = 60);

#define HELLO "QmZEKvGrSnEop9uoytsFQ8bbdZUQwQQ8k3F2xwcWGZpk1L" /* "hello vector\n" */
#define OTHER "bafkreigd2hvcpg2fv7a5uhjlkh2wu5pln3jxvhlvdzfvug6ccyzwkocqd4"

struct stack {
    struct http_fixture front; /* client -> proxy */
    struct http_fixture back;  /* proxy -> daemon */
    struct standin_world daemons;
    struct proxy *proxy;
    struct pin pins[4];
    size_t pins_count;
};

/* ---- a cluster that commits at once ---- */

static size_t cluster_find(const struct stack *s, const struct cid *cid)
{
    size_t at = 0;
    while (at < s->pins_count && !cid_equal(&s->pins[at].cid, cid))
        at++;
    return at;
}

static struct proxy_write *committed; /* its done() runs in the next turn */

static int cluster_pin(void *impl, struct proxy_write *write, struct buf *why)
{
    struct stack *s = impl;
    (void)why;
    s->pins[s->pins_count++] = write->pin;
    committed = write;
    return OK;
}

static int cluster_unpin(void *impl, struct proxy_write *write, struct buf *why)
{
    struct stack *s = impl;
    size_t at = cluster_find(s, &write->pin.cid);
    (void)why;
    if (at == s->pins_count)
        return ERR_NOT_FOUND;
    s->pins[at] = s->pins[--s->pins_count];
    committed = write;
    return OK;
}

static void cluster_forget(void *impl, struct proxy_write *write)
{
    (void)impl;
    (void)write;
    committed = NULL;
}

static struct proxy_watch *watched; /* has it in the next turn */

static int cluster_watch(void *impl, struct proxy_watch *w)
{
    (void)impl;
    watched = w;
    return OK;
}

static void cluster_watch_end(void *impl, struct proxy_watch *w)
{
    (void)impl;
    (void)w;
    watched = NULL;
}

static int cluster_get(void *impl, const struct cid *cid, struct arena *arena, struct pin *out)
{
    struct stack *s = impl;
    size_t at = cluster_find(s, cid);
    (void)arena;
    if (at == s->pins_count)
        return ERR_NOT_FOUND;
    *out = s->pins[at];
    return OK;
}

static int cluster_after(void *impl, const struct cid *after, struct arena *arena, struct pin *out,
                         size_t count_max, size_t *count)
{
    struct stack *s = impl;
    (void)arena, (void)count_max;
    if (!cid_is_undefined(after) || s->pins_count == 0)
        return ERR_NOT_FOUND; /* one is enough here */
    *out = s->pins[0];
    *count = 1;
    return OK;
}

static int cluster_options(void *impl, const struct http_request *r, struct arena *arena,
                           struct proxy_write *write, struct buf *why)
{
    (void)impl, (void)r, (void)arena, (void)write, (void)why;
    return OK;
}

static const struct proxy_ops cluster_ops = {
    .pin = cluster_pin,
    .unpin = cluster_unpin,
    .forget = cluster_forget,
    .pin_options = cluster_options,
    .pin_get = cluster_get,
    .pins_after = cluster_after,
    .watch = cluster_watch,
    .watch_end = cluster_watch_end,
};

/* ---- the stack ---- */

static void to_daemon(void *owner, struct http_exchange *x)
{
    struct stack *s = owner;
    standin_on_request(s->daemons.ones[0].s, x);
}

static void to_proxy(void *owner, struct http_exchange *x)
{
    struct stack *s = owner;
    proxy_on_request(s->proxy, x);
}

static void stack_open_on(struct stack *s, const struct http_fixture_ops *ops)
{
    struct proxy_options options = { .version = "1.1.6", .calls_max = 8 };
    memset(s, 0, sizeof(*s));
    standin_world_begin(&s->daemons, 1);
    s->front = (struct http_fixture){ .ops = ops, .on_request = to_proxy, .owner = s };
    s->back = (struct http_fixture){ .ops = ops, .on_request = to_daemon, .owner = s };
    s->front.ops->create(&s->front);
    s->back.ops->create(&s->back);
    cr_assert_eq(proxy_create(&s->proxy, &cluster_ops, s, &s->back.client, &options), OK);
}

static void stack_open(struct stack *s)
{
    stack_open_on(s, &http_fixture_simulated);
}

static void stack_close(struct stack *s)
{
    s->front.ops->destroy(&s->front);
    s->back.ops->destroy(&s->back);
    proxy_destroy(s->proxy);
    standin_world_end(&s->daemons);
}

static void stack_turn(struct stack *s)
{
    struct proxy_write *write = committed;
    committed = NULL;
    if (write != NULL)
        write->done(write, OK, NULL);
    else if (watched != NULL)
        watched->on_look(watched, &(struct proxy_look){ .pinned = 1, .needed = 1 });
    turn(&s->front);
    turn(&s->back);
    standin_world_run(&s->daemons, 1000);
}

static const struct http_field upload_type =
    HTTP_FIELD("Content-Type", "multipart/form-data; boundary=x");

/* Another daemon: that of the http_client's contract, which echoes. */
static void to_echo(void *owner, struct http_exchange *x)
{
    (void)owner;
    daemon_on_request(NULL, x);
}

/* Asks the proxy, with the body in pieces. */
static void ask(struct stack *s, struct caller *c, const char *target, const char *body)
{
    size_t len = strlen(body);
    caller_init(c, &s->front, "POST", target);
    c->call.fields = &upload_type;
    c->call.fields_count = len > 0 ? 1 : 0;
    c->call.streams_body = len > 0;
    c->call.body_len = -1;
    cr_assert_eq(caller_start(c), OK);
    for (size_t at = 0; at < len; at += 7)
        cr_assert_gt(caller_write(c, body + at, len - at < 7 ? len - at : 7), 0);
    if (len > 0)
        caller_do(c, http_client_end);
    while (c->dones_count == 0)
        stack_turn(s);
    cr_assert_eq(c->err, OK, "%s", target);
}

/* Asks, and reads the answer as a peer reads its daemon's. */
static int verdict_of(struct stack *s, const char *target, enum kubo_command command)
{
    struct caller c;
    struct kubo_reply reply;
    ask(s, &c, target, "");
    kubo_reply_init(&reply, command, NULL, NULL);
    kubo_reply_on_head(&reply, c.status);
    kubo_reply_on_body(&reply, c.body.data, c.body.len);
    int verdict = kubo_reply_end(&reply, c.err);
    kubo_reply_deinit(&reply);
    caller_deinit(&c);
    return verdict;
}

static const char upload[] =
    "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n"
    "Content-Type: application/octet-stream\r\n\r\nhello vector\n\r\n--x--\r\n";

/* ---- tests ---- */

Test(proxy_standin, what_is_added_is_pinned_in_the_cluster_and_not_at_the_daemon)
{
    struct stack s;
    struct caller c;
    struct cid hello;
    struct standin_pin pin;
    stack_open(&s);
    ask(&s, &c, "/api/v0/add", upload);
    cr_assert_eq(c.status, 200);
    cr_assert_str_eq(buf_text(&c.body),
                     "{\"Name\":\"a.txt\",\"Hash\":\"" HELLO "\",\"Size\":\"21\"}\n");
    caller_deinit(&c);
    cr_assert_eq(cid_parse(&hello, HELLO), OK);
    cr_assert_eq(s.pins_count, 1);
    cr_assert(cid_equal(&s.pins[0].cid, &hello));
    cr_assert_neq(standin_pin_find(s.daemons.ones[0].s, &hello, &pin), OK);

    ask(&s, &c, "/api/v0/cat?arg=" HELLO, "");
    cr_assert_str_eq(buf_text(&c.body), "hello vector\n");
    caller_deinit(&c);
    stack_close(&s);
}

Test(proxy_standin, what_passes_is_what_the_daemon_says)
{
    static const char *const targets[] = {
        "/api/v0/id",
        "/api/v0/version",
        "/api/v0/config/show",
        "/api/v0/swarm/peers",
        "/api/v0/repo/version",
        "/api/v0/cat?arg=" HELLO,
        "/api/v0/block/get?arg=" HELLO,
        "/api/v0/resolve?arg=/ipfs/" HELLO,
        "/api/v0/refs?arg=" HELLO,
        "/api/v0/pin/verify",
        "/api/v0/nope",
        "/api/v0/cat",
        "/",
    };
    struct stack s;
    stack_open(&s);
    struct caller added;
    ask(&s, &added, "/api/v0/add", upload);
    caller_deinit(&added);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct caller c;
        struct standin_ask direct;
        standin_ask(&direct, s.daemons.ones[0].s, targets[i]);
        standin_world_run(&s.daemons, 1000);
        ask(&s, &c, targets[i], "");
        cr_assert_eq(c.status, direct.status, "%s", targets[i]);
        cr_assert_str_eq(buf_text(&c.body), buf_text(&direct.text));
        caller_deinit(&c);
        standin_ask_end(&direct);
    }
    stack_close(&s);
}

Test(proxy_standin, a_peer_above_understands_what_the_proxy_says)
{
    struct stack s;
    stack_open(&s);
    cr_assert_eq(verdict_of(&s, "/api/v0/id", KUBO_ID), OK);
    cr_assert_eq(verdict_of(&s, "/api/v0/pin/ls?stream=true&type=recursive", KUBO_PIN_LS), OK);
    cr_assert_eq(
        verdict_of(&s, "/api/v0/pin/add?arg=" OTHER "&recursive=true&progress=true", KUBO_PIN_ADD),
        OK);
    cr_assert_eq(s.pins_count, 1);
    cr_assert_eq(verdict_of(&s, "/api/v0/pin/ls?stream=true&type=recursive", KUBO_PIN_LS), OK);
    cr_assert_eq(
        verdict_of(&s, "/api/v0/pin/ls?stream=true&type=recursive&arg=" OTHER, KUBO_PIN_LS_ONE),
        OK);
    cr_assert_eq(
        verdict_of(&s, "/api/v0/pin/ls?stream=true&type=direct&arg=" OTHER, KUBO_PIN_LS_ONE),
        ERR_NOT_FOUND);
    cr_assert_eq(verdict_of(&s, "/api/v0/pin/rm?arg=" OTHER, KUBO_PIN_RM), OK);
    cr_assert_eq(verdict_of(&s, "/api/v0/pin/rm?arg=" OTHER, KUBO_PIN_RM), ERR_NOT_FOUND);
    cr_assert_neq(verdict_of(&s, "/api/v0/pin/add?arg=zzz", KUBO_PIN_ADD), OK);
    stack_close(&s);
}

Test(proxy_standin, a_daemon_that_breaks_off_is_seen_to_break_off)
{
    struct stack s;
    struct caller c;
    stack_open(&s);
    struct standin_faults faults = { .half_answer = true };
    standin_set_faults(s.daemons.ones[0].s, &faults);
    caller_init(&c, &s.front, "POST", "/api/v0/add");
    c.call.fields = &upload_type;
    c.call.fields_count = 1;
    c.call.body = (struct bytes){ upload, strlen(upload) };
    cr_assert_eq(caller_start(&c), OK);
    while (c.dones_count == 0)
        stack_turn(&s);
    cr_assert_eq(c.err == OK && c.status == 200, false);
    cr_assert_eq(s.pins_count, 0);
    caller_deinit(&c);
    stack_close(&s);
}

/* Sockets on both sides, and more bytes than all buffers on the way hold. */
Test(proxy_standin, both_ways_at_once_byte_for_byte)
{
    enum { TOTAL = 20 * 1000 * 1000 };
    struct stack s;
    struct caller c;
    stack_open_on(&s, &http_fixture_real);
    s.back.on_request = to_echo;
    caller_init(&c, &s.front, "POST", "/echo");
    c.call.streams_body = true;
    c.call.body_len = -1;
    c.upload_len = TOTAL;
    cr_assert_eq(caller_start(&c), OK);
    caller_push(&c);
    while (c.dones_count == 0)
        stack_turn(&s);
    cr_assert_eq(c.err, OK);
    cr_assert_eq(c.body.len, TOTAL);
    for (size_t i = 0; i < TOTAL; i++)
        cr_assert(c.body.data[i] == upload_byte(i));
    cr_assert_str_eq(buf_text(&c.trailer), "X-Stream-Error=none\n");
    caller_deinit(&c);
    stack_close(&s);
}
