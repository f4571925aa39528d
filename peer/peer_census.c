#include "peer_census.h"

#include <stdlib.h>
#include <string.h>

#include "peer_int.h"
#include "peer_pages.h"
#include "util/err.h"
#include "util/mem.h"

struct census_member {
    struct api_census *census;
    struct peer_id id;
    bool is_asked; /* its word is still to come */
    struct buf payload;
    struct buf name; /* as it last called itself */
    char error[256];
};

struct api_census {
    struct peer *peer;
    struct api_listing_hooks hooks;
    struct census_member *members; /* by id */
    size_t count;
    size_t next; /* to be given out */
};

/* ---- words come ---- */

static void census_fail(struct census_member *m, int err, const char *text)
{
    m->is_asked = false;
    peer_words(m->error, sizeof(m->error), "%s",
               text != NULL && text[0] != '\0' ? text : err_text(err));
}

static void census_take(struct census_member *m, struct bytes payload)
{
    m->is_asked = false;
    buf_append(&m->payload, payload.data, payload.len);
    if (m->payload.err != OK)
        census_fail(m, m->payload.err, NULL);
}

static void census_answered(void *owner, int err, struct bytes payload, const char *text)
{
    struct census_member *m = owner;
    if (err == OK)
        census_take(m, payload);
    else
        census_fail(m, err, text);
    m->census->hooks.on_wake(m->census->hooks.owner);
}

static void census_self_said(void *owner, struct bytes payload)
{
    census_answered(owner, OK, payload, NULL);
}

/* While it is being opened, nobody knows it yet; whoever opened it asks for words first thing. */
static void census_unheard(void *owner)
{
    (void)owner;
}

/* ---- asking ---- */

static void census_ask(struct census_member *m, enum api_question question)
{
    struct peer *p = m->census->peer;
    bool is_garbage = question == API_ASK_GARBAGE;
    int err;
    m->is_asked = true;
    if (peer_id_equal(&m->id, &p->options.id))
        err = peer_word_gather(p, question, census_self_said, m);
    else
        err = rpc_call(&p->rpc, p->now_us, &m->id, is_garbage ? RPC_GARBAGE : RPC_LINKS,
                       (struct bytes){ NULL, 0 },
                       is_garbage ? p->options.repogc_timeout_us : p->options.calls_timeout_us,
                       census_answered, m);
    if (err != OK)
        census_fail(m, err, NULL);
}

static int census_order(const void *a, const void *b)
{
    const struct census_member *one = a, *other = b;
    return peer_id_compare(&one->id, &other->id);
}

int peer_census_open(void *impl, enum api_question question, bool is_local,
                     const struct api_listing_hooks *hooks, struct api_census **out)
{
    struct peer *p = impl;
    if (p->raft == NULL)
        return ERR_NO_LEADER;
    const struct raft_config *config = raft_config(p->raft);
    struct api_census *c = mem_zalloc(sizeof(*c));
    if (c == NULL)
        return ERR_NOMEM;
    c->members = mem_array(config->count + 1, sizeof(*c->members));
    if (c->members == NULL) {
        mem_free(c);
        return ERR_NOMEM;
    }
    c->peer = p;
    c->hooks = (struct api_listing_hooks){ .on_wake = census_unheard, .owner = c };
    for (size_t i = 0; i < config->count; i++) {
        if (is_local && !peer_id_equal(&config->members[i].id, &p->options.id))
            continue;
        struct census_member *m = &c->members[c->count++];
        m->census = c;
        m->id = config->members[i].id;
        peer_last_name(p, &m->id, &m->name);
    }
    qsort(c->members, c->count, sizeof(*c->members), census_order);
    peer_enter(p);
    for (size_t i = 0; i < c->count; i++)
        census_ask(&c->members[i], question);
    peer_leave(p);
    c->hooks = *hooks;
    *out = c;
    return OK;
}

void peer_census_close(struct api_census *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct census_member *m = &c->members[i];
        rpc_forget(&c->peer->rpc, m);
        peer_word_forget(c->peer, m);
        buf_deinit(&m->payload);
        buf_deinit(&m->name);
    }
    mem_free(c->members);
    mem_free(c);
}

/* ---- giving out ---- */

enum api_next peer_census_next(struct api_census *c, struct arena *arena, struct api_word *out)
{
    if (c->next == c->count)
        return API_NEXT_END;
    struct census_member *m = &c->members[c->next];
    if (m->is_asked)
        return API_NEXT_WAIT;
    c->next += 1;
    int err = m->error[0] != '\0' ? ERR_UNREACHABLE
                                  : peer_word_decode(out, arena, buf_bytes(&m->payload));
    if (err != OK) {
        if (m->error[0] == '\0')
            census_fail(m, err, NULL);
        *out = (struct api_word){ .name = buf_bytes(&m->name),
                                  .error = { m->error, strlen(m->error) } };
    }
    out->id = m->id;
    return API_NEXT_ROW;
}
