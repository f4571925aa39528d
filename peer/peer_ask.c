#include "peer_ask.h"

#include "peer_int.h"
#include "util/err.h"
#include "util/mem.h"

static void ask_free(struct peer_ask *ask)
{
    list_remove(&ask->link);
    kubo_reply_deinit(&ask->reply);
    buf_deinit(&ask->target);
    mem_free(ask);
}

/* A forgotten one has nobody to tell. */
static void ask_on_row(void *owner, const struct kubo_row *row)
{
    struct peer_ask *ask = owner;
    if (!ask->is_forgotten && ask->on_row != NULL)
        ask->on_row(ask->owner, row);
}

static void ask_on_head(struct http_call *call, int status, const struct http_field *fields,
                        size_t count)
{
    (void)fields;
    (void)count;
    kubo_reply_on_head(&((struct peer_ask *)call->owner)->reply, status);
}

static void ask_on_body(struct http_call *call, const void *bytes, size_t len)
{
    kubo_reply_on_body(&((struct peer_ask *)call->owner)->reply, bytes, len);
}

static void ask_on_trailer(struct http_call *call, const struct http_field *fields, size_t count)
{
    kubo_reply_on_trailer(&((struct peer_ask *)call->owner)->reply, fields, count);
}

static void ask_done(struct http_call *call, int err)
{
    struct peer_ask *ask = call->owner;
    struct peer *p = ask->peer;
    peer_enter(p);
    err = kubo_reply_end(&ask->reply, err);
    if (!ask->is_forgotten)
        ask->done(ask->owner, err, kubo_reply_text(&ask->reply));
    ask_free(ask);
    peer_leave(p);
}

struct peer_ask *peer_ask_new(struct peer *p, enum kubo_command command,
                              void (*on_row)(void *owner, const struct kubo_row *row),
                              void (*done)(void *owner, int err, const char *text), void *owner)
{
    struct peer_ask *ask = mem_zalloc(sizeof(*ask));
    if (ask == NULL)
        return NULL;
    ask->peer = p;
    ask->on_row = on_row;
    ask->done = done;
    ask->owner = owner;
    kubo_reply_init(&ask->reply, command, ask_on_row, ask);
    list_push_back(&p->asks, &ask->link);
    return ask;
}

int peer_ask_start(struct peer_ask *ask, uint64_t timeout_us)
{
    struct peer *p = ask->peer;
    int err = p->is_stopping || p->life == PEER_STOPPED ? ERR_CANCELED : ask->target.err;
    ask->call = (struct http_call){ .method = KUBO_METHOD,
                                    .target = buf_text(&ask->target),
                                    .head_timeout_us = timeout_us,
                                    .on_head = ask_on_head,
                                    .on_body = ask_on_body,
                                    .on_trailer = ask_on_trailer,
                                    .done = ask_done,
                                    .owner = ask };
    if (err == OK)
        err = http_client_start(&p->ports.http_client, &ask->call);
    if (err != OK)
        ask_free(ask);
    return err;
}

void peer_ask_forget(struct peer_ask *ask)
{
    if (ask == NULL || ask->is_forgotten)
        return;
    ask->is_forgotten = true;
    http_client_cancel(&ask->peer->ports.http_client, &ask->call);
}

void peer_asks_stop(struct peer *p)
{
    list_for_each_safe (link, after, &p->asks)
        http_client_cancel(&p->ports.http_client, &list_entry(link, struct peer_ask, link)->call);
}

bool peer_asks_are_over(const struct peer *p)
{
    return list_is_empty(&p->asks);
}

void peer_asks_end(struct peer *p)
{
    while (!list_is_empty(&p->asks))
        ask_free(list_entry(p->asks.next, struct peer_ask, link));
}
