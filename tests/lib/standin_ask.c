#include "tests/lib/standin_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/clock.h"
#include "util/err.h"

/* ---- the world ---- */

static uint64_t world_now(void *owner)
{
    return ((struct standin_world_one *)owner)->world->now_us;
}

static void world_wake_at(void *owner, uint64_t at_us)
{
    ((struct standin_world_one *)owner)->wake_us = at_us;
}

static uint64_t world_swarm_now(void *owner)
{
    return ((struct standin_world *)owner)->now_us;
}

static void world_swarm_wake_at(void *owner, uint64_t at_us)
{
    ((struct standin_world *)owner)->swarm_wake_us = at_us;
}

static void world_address(unsigned number, char out[64])
{
    snprintf(out, 64, "/ip4/127.0.0.1/tcp/%u", 4001 + number);
}

void standin_world_add(struct standin_world *w, const struct standin_options *options)
{
    struct standin_world_one *one = &w->ones[w->count];
    struct standin_hooks hooks = { world_now, world_wake_at, one };
    struct standin_net net = swarm_net(w->swarm, w->count);
    struct multiaddr addr;
    if (w->count == STANDIN_WORLD_MAX || multiaddr_parse(&addr, options->swarm_address) != OK)
        abort();
    one->world = w;
    one->wake_us = MONO_NEVER;
    one->s = standin_create(options, &hooks, &net);
    swarm_join(w->swarm, w->count, one->s, &addr);
    w->count += 1;
}

static void world_add_plain(struct standin_world *w)
{
    static char swarm_addresses[STANDIN_WORLD_MAX][64];
    struct standin_options options = { .api_address = "/ip4/127.0.0.1/tcp/5001" };
    world_address(w->count, swarm_addresses[w->count]);
    options.swarm_address = swarm_addresses[w->count];
    memset(options.public_key, (int)w->count + 1, sizeof options.public_key);
    options.id = peer_id_of_public_key(options.public_key);
    standin_world_add(w, &options);
}

void standin_world_begin(struct standin_world *w, unsigned count)
{
    *w = (struct standin_world){ .swarm_wake_us = MONO_NEVER, .now_us = 1000 };
    w->options.latency_us = 1000;
    struct standin_hooks hooks = { world_swarm_now, world_swarm_wake_at, w };
    w->swarm = swarm_create(&w->options, &hooks);
    for (unsigned i = 0; i < count; i++)
        world_add_plain(w);
}

void standin_world_end(struct standin_world *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        swarm_leave(w->swarm, i);
        standin_destroy(w->ones[i].s);
    }
    swarm_destroy(w->swarm);
}

void standin_world_run(struct standin_world *w, uint64_t duration_us)
{
    uint64_t until_us = w->now_us + duration_us;
    for (;;) {
        uint64_t first_us = w->swarm_wake_us;
        struct standin_world_one *first = NULL;
        for (unsigned i = 0; i < w->count; i++) {
            if (w->ones[i].wake_us < first_us) {
                first = &w->ones[i];
                first_us = first->wake_us;
            }
        }
        if (first_us > until_us)
            break;
        w->now_us = first_us > w->now_us ? first_us : w->now_us;
        if (first != NULL) {
            first->wake_us = MONO_NEVER;
            standin_on_wake(first->s);
        } else {
            w->swarm_wake_us = MONO_NEVER;
            swarm_on_wake(w->swarm);
        }
    }
    w->now_us = until_us;
}

const char *standin_world_address(struct standin_world *w, unsigned number)
{
    static char text[STANDIN_WORLD_MAX][160];
    char addr[64];
    world_address(number, addr);
    snprintf(text[number], sizeof text[number], "%s/p2p/%s", addr,
             peer_id_print(standin_id(w->ones[number].s)).text);
    return text[number];
}

/* ---- the answer ---- */

static void ask_keep_field(struct buf *out, const struct http_field *field)
{
    buf_append(out, field->name.data, field->name.len);
    buf_append_text(out, ": ");
    buf_append(out, field->value.data, field->value.len);
    buf_append_text(out, "\n");
}

static void ask_begin(struct http_exchange *x, int status, const struct http_field *fields,
                      size_t count, int64_t body_len)
{
    struct standin_ask *a = (struct standin_ask *)(void *)x;
    a->status = status;
    for (size_t i = 0; i < count; i++)
        ask_keep_field(&a->head, &fields[i]);
    if (body_len >= 0 && status != 204)
        buf_printf(&a->head, "Content-Length: %lld\n", (long long)body_len);
    else if (status != 204)
        buf_append_text(&a->head, "Transfer-Encoding: chunked\n");
}

static bool ask_write(struct http_exchange *x, const void *bytes, size_t len)
{
    struct standin_ask *a = (struct standin_ask *)(void *)x;
    buf_append(&a->text, bytes, len);
    a->writes += 1;
    return !a->is_slow;
}

static void ask_end(struct http_exchange *x, const struct http_field *trailers, size_t count)
{
    struct standin_ask *a = (struct standin_ask *)(void *)x;
    for (size_t i = 0; i < count; i++)
        ask_keep_field(&a->trailers, &trailers[i]);
    a->is_ended = true;
}

/* The body goes on from where it was not taken; only ever from outside of the stand-in's calls. */
static void ask_offer_body(struct standin_ask *a)
{
    while (!a->is_ended && !a->is_killed && a->body.len > 0) {
        size_t took =
            a->x.on_body != NULL ? a->x.on_body(&a->x, a->body.data, a->body.len) : a->body.len;
        if (took == 0)
            return;
        buf_consume(&a->body, took);
    }
    if (a->is_ended || a->is_killed || a->body_ended)
        return;
    a->body_ended = a->x.body_over = true;
    if (a->x.on_body_end != NULL)
        a->x.on_body_end(&a->x);
}

static void ask_resume(struct http_exchange *x)
{
    (void)x; /* standin_ask_drain() offers again */
}

static void ask_kill(struct http_exchange *x)
{
    ((struct standin_ask *)(void *)x)->is_killed = true;
}

static const struct http_reply_ops ask_ops = { ask_begin, ask_write, ask_end, ask_resume,
                                               ask_kill };

/* ---- the request ---- */

void standin_ask_begin(struct standin_ask *a, const char *method, const char *target)
{
    *a = (struct standin_ask){ 0 };
    size_t path_len = strcspn(target, "?");
    /* "TARGET\0PATH\0" */
    a->target = calloc(1, strlen(target) + path_len + 2);
    if (a->target == NULL)
        abort();
    strcpy(a->target, target);
    char *path = a->target + strlen(target) + 1;
    memcpy(path, target, path_len);
    a->x.ops = &ask_ops;
    a->x.request = (struct http_request){
        .method = method,
        .target = a->target,
        .path = path,
        .query = target[path_len] == '?' ? a->target + path_len + 1 : "",
        .fields = a->fields,
        .minor_version = 1,
    };
}

void standin_ask_field(struct standin_ask *a, const char *name, const char *value)
{
    a->fields[a->fields_count++] =
        (struct http_field){ { name, strlen(name) }, { value, strlen(value) } };
    a->x.request.fields_count = a->fields_count;
}

void standin_ask_body(struct standin_ask *a, const void *bytes, size_t len)
{
    buf_append(&a->body, bytes, len);
    a->x.request.has_body = true;
    a->x.request.body_len = (int64_t)a->body.len;
}

void standin_ask_go(struct standin_ask *a, struct standin *s)
{
    standin_on_request(s, &a->x);
    ask_offer_body(a);
}

void standin_ask_drain(struct standin_ask *a)
{
    if (!a->is_ended && !a->is_killed && a->x.on_drain != NULL)
        a->x.on_drain(&a->x);
    ask_offer_body(a);
}

void standin_ask_end(struct standin_ask *a)
{
    if (!a->is_ended && !a->is_killed && a->x.on_abort != NULL)
        a->x.on_abort(&a->x);
    buf_deinit(&a->body);
    buf_deinit(&a->head);
    buf_deinit(&a->text);
    buf_deinit(&a->trailers);
    free(a->target);
    a->target = NULL;
}

const char *standin_ask(struct standin_ask *a, struct standin *s, const char *target)
{
    standin_ask_begin(a, "POST", target);
    standin_ask_go(a, s);
    return buf_text(&a->text);
}

const char *standin_ask_upload(struct standin_ask *a, struct standin *s, const char *target,
                               const char *file_name, struct bytes content)
{
    struct buf body = { 0 };
    standin_ask_begin(a, "POST", target);
    standin_ask_field(a, "Content-Type", "multipart/form-data; boundary=between");
    buf_printf(&body,
               "--between\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n"
               "Content-Type: application/octet-stream\r\n\r\n",
               file_name);
    buf_append(&body, content.data, content.len);
    buf_append_text(&body, "\r\n--between--\r\n");
    standin_ask_body(a, body.data, body.len);
    buf_deinit(&body);
    standin_ask_go(a, s);
    return buf_text(&a->text);
}

const char *standin_ask_head(struct standin_ask *a, const char *name)
{
    static char value[512];
    size_t len = strlen(name);
    for (const char *line = buf_text(&a->head); *line != 0; line = strchr(line, '\n') + 1) {
        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            snprintf(value, sizeof value, "%.*s", (int)strcspn(line + len + 2, "\n"),
                     line + len + 2);
            return value;
        }
    }
    return "";
}
