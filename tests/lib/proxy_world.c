#include "tests/lib/proxy_world.h"

#include <criterion/criterion.h>

#include <string.h>

#include "http/api/api.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

/* ---- the daemon ---- */

static size_t daemon_on_body(struct http_exchange *x, const void *bytes, size_t len)
{
    struct proxy_world *w = x->owner;
    if (w->holds)
        return 0;
    buf_append(&w->heard, bytes, len);
    return len;
}

static void daemon_on_body_end(struct http_exchange *x)
{
    ((struct proxy_world *)x->owner)->body_ended = true;
}

static void daemon_on_drain(struct http_exchange *x)
{
    ((struct proxy_world *)x->owner)->drains_count += 1;
}

static void daemon_on_abort(struct http_exchange *x)
{
    struct proxy_world *w = x->owner;
    w->aborts_count += 1;
    w->x = NULL;
}

static void daemon_on_request(void *owner, struct http_exchange *x)
{
    struct proxy_world *w = owner;
    const struct http_request *r = &x->request;
    w->x = x;
    w->requests_count += 1;
    w->body_ended = false;
    x->owner = w;
    x->on_body = daemon_on_body;
    x->on_body_end = daemon_on_body_end;
    x->on_drain = daemon_on_drain;
    x->on_abort = daemon_on_abort;
    buf_clear(&w->heard);
    buf_printf(&w->heard, "%s %s\n", r->method, r->target);
    for (size_t i = 0; i < r->fields_count; i++) {
        buf_append(&w->heard, r->fields[i].name.data, r->fields[i].name.len);
        buf_append_text(&w->heard, "=");
        buf_append(&w->heard, r->fields[i].value.data, r->fields[i].value.len);
        buf_append_text(&w->heard, "\n");
    }
}

void proxy_daemon_write(struct proxy_world *w, const char *text)
{
    http_reply_write(w->x, text, strlen(text));
}

void proxy_daemon_end(struct proxy_world *w, const char *stream_error)
{
    struct http_exchange *x = w->x;
    struct http_field trailer = {
        { "X-Stream-Error", 14 }, { stream_error, stream_error != NULL ? strlen(stream_error) : 0 }
    };
    w->x = NULL;
    http_reply_end(x, &trailer, stream_error != NULL ? 1 : 0);
}

/* ---- the cluster ---- */

static size_t cluster_find(const struct proxy_world *w, const struct cid *cid)
{
    size_t at = 0;
    while (at < w->pins_count && !cid_equal(&w->pins[at].cid, cid))
        at++;
    return at;
}

static int cluster_start(struct proxy_world *w, struct proxy_write *write, bool removes,
                         struct buf *why)
{
    cr_assert_null(w->write);
    if (w->refusal != OK) {
        buf_append_text(why, "not today");
        return w->refusal;
    }
    if (removes && cluster_find(w, &write->pin.cid) == w->pins_count) {
        buf_append_text(why, "pin is not part of the pinset");
        return ERR_NOT_FOUND;
    }
    w->write = write;
    w->write_removes = removes;
    buf_printf(&w->writes, "%c%s", removes ? '-' : '+', cid_print(&write->pin.cid).text);
    if (!removes) {
        buf_printf(&w->writes, " %d ", write->pin.max_depth);
        buf_append(&w->writes, write->pin.name.data, write->pin.name.len);
        if (write->pin.replication_min != 0)
            buf_printf(&w->writes, " x%d", write->pin.replication_min);
        for (size_t i = 0; i < write->pin.metadata_count; i++) {
            buf_append_text(&w->writes, " ");
            buf_append(&w->writes, write->pin.metadata[i].key.data, write->pin.metadata[i].key.len);
        }
        if (write->priority_count > 0)
            buf_printf(&w->writes, " for %zu", write->priority_count);
        if (!cid_is_undefined(&write->pin.update_of))
            buf_append_text(&w->writes, "update");
    }
    buf_append_text(&w->writes, "\n");
    return OK;
}

static int cluster_pin(void *impl, struct proxy_write *write, struct buf *why)
{
    return cluster_start(impl, write, false, why);
}

static int cluster_unpin(void *impl, struct proxy_write *write, struct buf *why)
{
    return cluster_start(impl, write, true, why);
}

static void cluster_forget(void *impl, struct proxy_write *write)
{
    struct proxy_world *w = impl;
    cr_assert_eq(w->write, write);
    w->write = NULL;
    w->forgets_count += 1;
}

static int cluster_options(void *impl, const struct http_request *r, struct arena *arena,
                           struct proxy_write *write, struct buf *why)
{
    (void)impl;
    return api_parse_options(r, 0, arena, &write->pin, &write->priority, &write->priority_count,
                             why);
}

static int cluster_get(void *impl, const struct cid *cid, struct arena *arena, struct pin *out)
{
    struct proxy_world *w = impl;
    size_t at = cluster_find(w, cid);
    (void)arena;
    if (at == w->pins_count)
        return ERR_NOT_FOUND;
    *out = w->pins[at];
    return OK;
}

static int cluster_after(void *impl, const struct cid *after, struct arena *arena, struct pin *out,
                         size_t count_max, size_t *count)
{
    struct proxy_world *w = impl;
    (void)arena;
    *count = 0;
    for (size_t i = 0; i < w->pins_count && *count < count_max; i++) {
        if (cid_compare(&w->pins[i].cid, after) > 0)
            out[(*count)++] = w->pins[i];
    }
    return *count > 0 ? OK : ERR_NOT_FOUND;
}

static int cluster_watch(void *impl, struct proxy_watch *w)
{
    ((struct proxy_world *)impl)->watch = w;
    return OK;
}

static void cluster_watch_end(void *impl, struct proxy_watch *w)
{
    struct proxy_world *world = impl;
    cr_assert_eq(world->watch, w);
    world->watch = NULL;
}

/* There is none in this cluster. */
static int cluster_gc_open(void *impl, const struct proxy_gc_hooks *hooks, void **out)
{
    (void)impl, (void)hooks, (void)out;
    return ERR_BUSY;
}

static void cluster_repo_stat(void *impl, struct proxy_repo *out)
{
    (void)impl;
    *out = (struct proxy_repo){ 0 };
}

static uint64_t cluster_now_us(void *impl)
{
    return ((struct proxy_world *)impl)->now_us;
}

static const struct proxy_ops cluster_ops = {
    .now_us = cluster_now_us,
    .pin = cluster_pin,
    .unpin = cluster_unpin,
    .forget = cluster_forget,
    .pin_options = cluster_options,
    .pin_get = cluster_get,
    .pins_after = cluster_after,
    .watch = cluster_watch,
    .watch_end = cluster_watch_end,
    .repo_stat = cluster_repo_stat,
    .gc_open = cluster_gc_open,
};

/* The write under way is committed, or fails. */
void proxy_cluster_finish(struct proxy_world *w, int err, const char *why)
{
    struct proxy_write *write = w->write;
    cr_assert_not_null(write);
    w->write = NULL;
    size_t at = cluster_find(w, &write->pin.cid);
    if (err == OK && w->write_removes)
        w->pins[at] = w->pins[--w->pins_count];
    else if (err == OK && at == w->pins_count)
        w->pins[w->pins_count++] = write->pin;
    write->done(write, err, why);
}

/* ---- the world ---- */

void proxy_world_turn(struct proxy_world *w)
{
    w->fx.ops->turn(&w->fx);
}

void proxy_world_turn_some(struct proxy_world *w)
{
    for (int i = 0; i < 10; i++)
        proxy_world_turn(w);
}

void proxy_world_open(struct proxy_world *w)
{
    struct proxy_options options = { .version = "1.1.6", .calls_max = 4 };
    options.extract.path = w->extract_path;
    options.extract.names = &w->extract_name;
    options.extract.names_count = w->extract_name != NULL;
    options.extract.ttl_us = w->extract_ttl_us;
    w->fx = (struct http_fixture){ .ops = &http_fixture_simulated,
                                   .on_request = daemon_on_request,
                                   .owner = w };
    w->fx.ops->create(&w->fx);
    cr_assert_eq(proxy_create(&w->proxy, &cluster_ops, w, &w->fx.client, &options), OK);
    w->talk.on_request = proxy_on_request;
    w->talk.owner = w->proxy;
    http_talk_open(&w->talk, WINDOW_BYTES);
}

void proxy_world_close(struct proxy_world *w)
{
    http_talk_close(&w->talk);
    proxy_world_turn_some(w);
    proxy_destroy(w->proxy);
    w->fx.ops->destroy(&w->fx);
    buf_deinit(&w->heard);
    buf_deinit(&w->writes);
}

void proxy_world_ask(struct proxy_world *w, const char *line, const char *rest)
{
    struct buf text = { 0 };
    buf_printf(&text, "%s HTTP/1.1\r\nHost: h\r\n%s%s", line, rest, *rest == 0 ? "\r\n" : "");
    buf_clear(&w->talk.sent);
    http_talk_receive(&w->talk, buf_text(&text));
    buf_deinit(&text);
}

/* Everything that was answered until now. */
const char *proxy_world_answered(struct proxy_world *w)
{
    for (int i = 0; i < 2; i++) {
        proxy_world_turn_some(w);
        http_talk_receive(&w->talk, ""); /* what was held back of the request */
        http_talk_send(&w->talk, SIZE_MAX);
    }
    return buf_text(&w->talk.sent);
}

bool text_holds(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

void proxy_world_wait_for_daemon(struct proxy_world *w)
{
    while (w->x == NULL)
        proxy_world_turn(w);
    proxy_world_turn_some(w);
}

void proxy_world_ask_for(struct proxy_world *w, const char *format, uint32_t a, uint32_t b)
{
    struct cid one = test_cid(a);
    struct cid two = test_cid(b);
    struct buf line = { 0 };
    buf_printf(&line, format, cid_print(&one).text, cid_print(&two).text);
    proxy_world_ask(w, buf_text(&line), "");
    buf_deinit(&line);
}

void proxy_check_writes(struct proxy_world *w, const char *format, uint32_t a, uint32_t b)
{
    struct cid one = test_cid(a);
    struct cid two = test_cid(b);
    struct buf expected = { 0 };
    buf_printf(&expected, format, cid_print(&one).text, cid_print(&two).text);
    cr_assert_str_eq(buf_text(&w->writes), buf_text(&expected));
    buf_deinit(&expected);
    buf_clear(&w->writes);
}

void proxy_check_body(const char *answer, const char *format, uint32_t a, uint32_t b)
{
    struct cid one = test_cid(a);
    struct cid two = test_cid(b);
    struct buf expected = { 0 };
    const char *body = strstr(answer, "\r\n\r\n");
    buf_printf(&expected, format, cid_print(&one).text, cid_print(&two).text);
    cr_assert_not_null(body);
    cr_assert_str_eq(body + 4, buf_text(&expected), "%s", answer);
    buf_deinit(&expected);
}

void proxy_cluster_holds(struct proxy_world *w, uint32_t n, bool direct, const char *name)
{
    struct cid cid = test_cid(n);
    struct pin *pin = &w->pins[w->pins_count++];
    *pin = pin_of(&cid);
    pin->max_depth = direct ? PIN_DEPTH_DIRECT : PIN_DEPTH_RECURSIVE;
    pin->name = (struct bytes){ name, strlen(name) };
}
