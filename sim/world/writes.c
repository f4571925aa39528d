/* A scenario's (or a background client's) question, as REST; and what it was promised, for the checkers. */
#include "sim/world/world_int.h"

#include "util/err.h"
#include "util/mem.h"
#include "util/rfc3339.h"

#define WRITE_PATIENCE_US ((uint64_t)60 * 1000 * 1000)

struct write_call {
    struct world *world;
    unsigned who;               /* was asked */
    struct client_call *client; /* NULL once answered */
    bool is_promise;
    uint64_t promise;
    bool is_answered;
    struct stage_answer answer;
    struct buf body;
    void (*on_answer)(void *owner);
    void *owner;
};

/* 503 is a definite no, and so is what the client itself got wrong; of all else the outcome is open. */
static enum promise_outcome write_answer_outcome(const struct stage_answer *a)
{
    if (a->err == ERR_UNREACHABLE)
        return PROMISE_REFUSED;
    if (a->err != OK)
        return PROMISE_UNKNOWN;
    if (a->status >= 200 && a->status < 300)
        return PROMISE_KEPT;
    return a->status == 503 || (a->status >= 400 && a->status < 500) ? PROMISE_REFUSED
                                                                     : PROMISE_UNKNOWN;
}

/* A peer whose state lacks rows may take for wrong what is not. */
enum promise_outcome write_outcome(const struct write_call *c)
{
    if (!c->is_answered)
        return PROMISE_UNKNOWN;
    enum promise_outcome outcome = write_answer_outcome(&c->answer);
    bool may_err = c->answer.err == OK && checks_lacks_rows(c->world->checks, c->who);
    return outcome == PROMISE_REFUSED && may_err ? PROMISE_UNKNOWN : outcome;
}

static void write_settle(struct write_call *c)
{
    if (!c->is_promise)
        return;
    c->is_promise = false;
    checks_on_return(c->world->checks, c->promise, write_outcome(c));
}

static void write_done(void *owner, const struct client_answer *answer)
{
    struct write_call *c = owner;
    c->client = NULL;
    c->is_answered = true;
    buf_append(&c->body, answer->reply.body.data, answer->reply.body.len);
    c->answer = (struct stage_answer){ answer->err, answer->reply.status, buf_bytes(&c->body) };
    if (answer->err == OK && http_reply_has_stream_error(&answer->reply))
        c->answer.err = ERR_CORRUPT;
    write_settle(c);
    if (c->on_answer != NULL)
        c->on_answer(c->owner);
}

static void write_put_pin(const struct world *w, struct buf *target, const struct stage_question *q,
                          const struct cid *cid)
{
    buf_printf(target, "/pins/%s?name=%.*s", cid_print(cid).text, (int)q->name.len,
               (const char *)q->name.data);
    if (q->factor_min != 0)
        buf_printf(target, "&replication-min=%d&replication-max=%d", q->factor_min, q->factor_max);
    if (q->expires_us != 0) {
        char at[RFC3339_TEXT_SIZE];
        rfc3339_print(at, SIM_CLOCK_WALL_START_US + (int64_t)(w->sim.now_us + q->expires_us));
        buf_printf(target, "&expire-at=%s", at);
    }
}

static enum promise_kind write_promise(const struct stage_question *q)
{
    if (q->verb == VERB_UNPIN)
        return PROMISE_UNPIN;
    return q->expires_us == 0 ? PROMISE_PIN : PROMISE_PIN_THAT_EXPIRES;
}

static const char *write_put(struct world *w, const struct stage_question *q, const struct cid *cid,
                             struct buf *target)
{
    switch (q->verb) {
    case VERB_PIN:
        write_put_pin(w, target, q, cid);
        return "POST";
    case VERB_UNPIN:
        buf_printf(target, "/pins/%s", cid_print(cid).text);
        return "DELETE";
    case VERB_RECOVER:
    case VERB_SYNC:
        buf_append_text(target, "/pins");
        if (q->content.len > 0)
            buf_printf(target, "/%s", cid_print(cid).text);
        buf_append_text(target, q->verb == VERB_RECOVER ? "/recover" : "/sync");
        return "POST";
    case VERB_REMOVE:
        buf_printf(target, "/peers/%s%s", peer_id_print(&world_machine(w, q->subject)->id).text,
                   q->is_forced ? "?force=true" : "");
        return "DELETE";
    case VERB_STAY:
        buf_printf(target, "/peers/%s/stay", peer_id_print(&world_machine(w, q->subject)->id).text);
        return "POST";
    case VERB_DRAIN:
    case VERB_UNDRAIN:
        buf_printf(target, "/peers/%s/drain",
                   peer_id_print(&world_machine(w, q->subject)->id).text);
        return q->verb == VERB_DRAIN ? "POST" : "DELETE";
    default:
        buf_append_text(target, "/allocations");
        return "GET";
    }
}

struct write_call *write_ask(struct world *w, unsigned who, const struct stage_question *q)
{
    struct write_call *c = mem_zalloc(sizeof(*c));
    ASSERT(c != NULL);
    c->world = w;
    c->who = who;
    struct cid cid = { 0 };
    if (q->content.len > 0) {
        struct content *content = world_content(w, q->content);
        if (q->verb == VERB_PIN)
            world_place(w, content);
        cid = content->cid;
    }
    if ((q->verb == VERB_PIN || q->verb == VERB_UNPIN) && !q->is_one_of_several) {
        c->is_promise = true;
        c->promise = checks_on_call(w->checks, write_promise(q), &cid);
    }
    struct buf target = { 0 };
    struct buf request = { 0 };
    const char *method = write_put(w, q, &cid, &target);
    trace_line(&w->sim.trace, w->sim.now_us, who, "a client asks: %s %.*s",
               script_verb_word(q->verb), (int)q->content.len, (const char *)q->content.data);
    client_request_with_key(&request, method, buf_text(&target), q->key);
    struct client_hooks hooks = { write_done, c };
    c->client = client_ask(w, who, PEER_DOOR_API, buf_bytes(&request), WRITE_PATIENCE_US, &hooks);
    buf_deinit(&target);
    buf_deinit(&request);
    return c;
}

void write_on_answer(struct write_call *c, void (*on_answer)(void *owner), void *owner)
{
    c->on_answer = on_answer;
    c->owner = owner;
}

const struct stage_answer *write_answer(const struct write_call *c)
{
    return c->is_answered ? &c->answer : NULL;
}

void write_forget(struct write_call *c)
{
    if (c->client != NULL)
        client_forget(c->client);
    write_settle(c);
    buf_deinit(&c->body);
    mem_free(c);
}
