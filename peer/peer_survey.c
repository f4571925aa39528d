/* peer_survey.c -- asks all members and merges what they say.
 *
 *   member A   [c1 c4 c9]          heads: c1 c2 -    The smallest head is given out once every member that
 *   member B   [c2 c4]             has one, has ended, or has failed. An empty head of a member that may have
 *   member C   asked, no page yet  more is waited for: it could bring something smaller.
 *
 * While a page is given out the next one is on its way, so that peers work side by side. This peer itself is a member like
 * the others, save that its page needs no call. But it makes one page an event at most: where nothing matches the filter, a million pins
 * are passed over, and others want to be heard meanwhile.
 *
 * About one pin only those are asked that it is allocated to, and this peer (SPEC 7.6): of the others it is known without a
 * word, and one that is dead holds nobody up. Where the state has no such pin, anybody may still be unpinning it. */
#include "peer_survey.h"

#include <string.h>

#include "peer_int.h"
#include "peer_pages.h"
#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

enum survey_state {
    SURVEY_EMPTY, /* the page is used up; ask for the next */
    SURVEY_ASKED,
    SURVEY_HAS, /* rows at hand */
    SURVEY_ENDED,
    SURVEY_FAILED, /* `error` says why */
    SURVEY_REMOTE, /* not asked: it does not hold the one that is asked about */
};

enum survey_ahead { AHEAD_NOTHING, AHEAD_ASKED, AHEAD_HERE, AHEAD_FAILED };

struct survey_member {
    struct api_listing *survey;
    struct peer_id id;
    struct peer_id_text id_text;
    enum survey_state state;
    struct cid after;
    struct arena arena; /* of the page */
    struct buf payload; /* what the page borrows */
    struct page page;
    struct tracker_info head; /* the row of the page that is next to be given out, ... */
    const struct pin *pin;    /* ... and what the state says of it, if the page brought it along */
    bool is_given;            /* the head was */
    enum survey_ahead
        ahead; /* how it stands with the page behind that, while there are rows at hand */
    struct buf ahead_payload;
    struct api_id self;
    char error[256];
    struct buf name; /* as it last called itself */
};

struct api_listing {
    struct peer *peer;
    struct api_listing_hooks hooks;
    bool is_ids;
    struct api_status_request request;
    struct survey_member *members;
    size_t count;
    size_t next; /* ids: the next member to give out; one CID: 1 once given */
    struct list_link
        turn; /* in peer->surveys: this peer's next page is to be made in an event of its own */
};

/* ---- asking ---- */

static void survey_words(struct survey_member *m, int err, const char *text)
{
    peer_words(m->error, sizeof(m->error), "%s",
               text != NULL && text[0] != '\0' ? text : err_text(err));
}

static void survey_fail(struct survey_member *m, int err, const char *text)
{
    m->state = SURVEY_FAILED;
    survey_words(m, err, text);
}

static void survey_ask_ahead(struct survey_member *m);
static void survey_turn_page(struct survey_member *m);

static void survey_next_row(struct survey_member *m)
{
    int err = page_next(&m->page, &m->arena, &m->head, &m->pin);
    if (err == OK)
        m->state = SURVEY_HAS;
    else if (err != ERR_NOT_FOUND)
        survey_fail(m, err, NULL);
    else if (m->page.is_last)
        m->state = SURVEY_ENDED;
    else
        survey_turn_page(m);
}

/* m->page is a new one. */
static void survey_begin_page(struct survey_member *m)
{
    m->after = m->page.after;
    if (m->page.count > 0 && !m->page.is_last)
        survey_ask_ahead(m);
    survey_next_row(m);
}

/* What m->payload says. */
static void survey_read(struct survey_member *m)
{
    arena_reset(&m->arena);
    int err = m->payload.err;
    if (err == OK && m->survey->is_ids)
        err = page_id_decode(&m->self, &m->arena, buf_bytes(&m->payload));
    else if (err == OK)
        err = page_decode(&m->page, buf_bytes(&m->payload));
    if (err != OK)
        survey_fail(m, err, NULL);
    else if (m->survey->is_ids)
        m->state = SURVEY_HAS;
    else
        survey_begin_page(m);
}

/* Keeps a copy of the payload, since the page borrows it. */
static void survey_take(struct survey_member *m, struct bytes payload)
{
    buf_clear(&m->payload);
    buf_append(&m->payload, payload.data, payload.len);
    survey_read(m);
}

static void survey_answered(void *owner, int err, struct bytes payload, const char *text)
{
    struct survey_member *m = owner;
    if (m->state == SURVEY_ASKED) {
        if (err == OK)
            survey_take(m, payload);
        else
            survey_fail(m, err, text);
        m->survey->hooks.on_wake(m->survey->hooks.owner);
        return;
    }
    buf_clear(&m->ahead_payload);
    buf_append(&m->ahead_payload, payload.data, payload.len);
    m->ahead = err == OK ? AHEAD_HERE : AHEAD_FAILED;
    if (err != OK)
        survey_words(m, err, text);
}

static enum rpc_method survey_method(const struct survey_member *m)
{
    if (m->survey->is_ids)
        return RPC_ID;
    /* An order is given once, with the first page. */
    bool is_first = m->survey->request.is_one || cid_is_undefined(&m->after);
    if (is_first && m->survey->request.order == API_RECOVER)
        return RPC_RECOVER;
    if (is_first && m->survey->request.order == API_SYNC)
        return RPC_SYNC;
    return RPC_STATUS;
}

static struct page_request survey_request(const struct survey_member *m)
{
    const struct api_status_request *r = &m->survey->request;
    return (struct page_request){ .is_one = r->is_one,
                                  .cid = r->is_one ? r->cid : m->after,
                                  .filter = r->filter,
                                  .limit = PAGE_INFOS_MAX };
}

static void survey_order_self(struct survey_member *m, const struct page_request *request)
{
    struct peer *p = m->survey->peer;
    static const struct cid all;
    const struct cid *ordered = request->is_one ? &request->cid : &all;
    enum rpc_method method = survey_method(m);
    if (method == RPC_RECOVER)
        peer_recover(p, ordered);
    else if (method == RPC_SYNC)
        peer_sync(p, ordered);
}

/* This peer's own page, without bytes in between: it is the only one that brings the pins along. */
static void survey_page_self(struct survey_member *m)
{
    struct page_request request = survey_request(m);
    survey_order_self(m, &request);
    arena_reset(&m->arena);
    int err = peer_page(m->survey->peer, &request, true, &m->arena, &m->page);
    if (err == OK)
        survey_begin_page(m);
    else
        survey_fail(m, err, NULL);
}

/* Through the same bytes as everybody's. */
static void survey_id_self(struct survey_member *m)
{
    struct peer *p = m->survey->peer;
    struct buf out = { 0 };
    struct api_id id;
    int err = peer_describe(p, &p->arena, &id);
    if (err == OK) {
        page_id_encode(&id, &out);
        err = out.err;
    }
    if (err == OK)
        survey_take(m, buf_bytes(&out));
    else
        survey_fail(m, err, NULL);
    buf_deinit(&out);
}

/* Nothing is given out before each has said something, and who is down will hardly: it may be frozen, and take the question
 * without an error. */
static uint64_t survey_patience_us(const struct survey_member *m)
{
    const struct peer *p = m->survey->peer;
    bool is_down =
        peer_is_informed(p) && monitor_liveness(p->monitor, p->now_us, &m->id) == LIVENESS_DOWN;
    return is_down && PEER_FIND_TIMEOUT_US < p->options.calls_timeout_us
               ? PEER_FIND_TIMEOUT_US
               : p->options.calls_timeout_us;
}

static int survey_call(struct survey_member *m)
{
    struct peer *p = m->survey->peer;
    struct page_request request = survey_request(m);
    struct buf out = { 0 };
    page_request_encode(&request, &out);
    int err = out.err;
    if (err == OK)
        err = rpc_call(&p->rpc, p->now_us, &m->id, survey_method(m), buf_bytes(&out),
                       survey_patience_us(m), survey_answered, m);
    buf_deinit(&out);
    return err;
}

static bool survey_is_self(const struct survey_member *m)
{
    return peer_id_equal(&m->id, &m->survey->peer->options.id);
}

static void survey_ask(struct survey_member *m)
{
    if (survey_is_self(m)) {
        if (m->survey->is_ids)
            survey_id_self(m);
        else
            survey_page_self(m);
        return;
    }
    m->state = SURVEY_ASKED;
    int err = survey_call(m);
    if (err != OK)
        survey_fail(m, err, NULL);
}

/* Refused, it is asked for when the rows at hand are given out. */
static void survey_ask_ahead(struct survey_member *m)
{
    bool is_asked = !survey_is_self(m) && !m->survey->request.is_one && survey_call(m) == OK;
    m->ahead = is_asked ? AHEAD_ASKED : AHEAD_NOTHING;
}

/* ---- opening and closing ---- */

void peer_last_name(struct peer *p, const struct peer_id *id, struct buf *out)
{
    struct monitor_metric ping;
    struct json_doc doc;
    if (monitor_get(p->monitor, p->now_us, id, METRIC_PING, &ping) != OK ||
        json_parse(&doc, ping.metric.value.data, ping.metric.value.len) != OK)
        return;
    (void)json_text(&doc, json_member(&doc, 0, "peer_name"), out);
    json_doc_deinit(&doc);
}

static int survey_open(struct peer *p, const struct api_listing_hooks *hooks, bool is_local,
                       struct api_listing **out)
{
    if (p->raft == NULL)
        return ERR_NO_LEADER;
    const struct raft_config *c = raft_config(p->raft);
    struct api_listing *l = mem_zalloc(sizeof(*l));
    if (l == NULL)
        return ERR_NOMEM;
    l->members = mem_array(c->count + 1, sizeof(*l->members));
    if (l->members == NULL) {
        mem_free(l);
        return ERR_NOMEM;
    }
    l->peer = p;
    l->hooks = *hooks;
    list_init(&l->turn);
    for (size_t i = 0; i < c->count; i++) {
        if (is_local && !peer_id_equal(&c->members[i].id, &p->options.id))
            continue;
        struct survey_member *m = &l->members[l->count++];
        m->survey = l;
        m->id = c->members[i].id;
        m->id_text = peer_id_print(&m->id);
        peer_last_name(p, &m->id, &m->name);
    }
    *out = l;
    return OK;
}

/* By peer id, as V1's maps come out. */
static void survey_sort(struct api_listing *l)
{
    for (size_t i = 1; i < l->count; i++) {
        struct survey_member m = l->members[i];
        size_t at = i;
        for (; at > 0 && peer_id_compare(&l->members[at - 1].id, &m.id) > 0; at--)
            l->members[at] = l->members[at - 1];
        l->members[at] = m;
    }
}

static void survey_begin(struct api_listing *l)
{
    survey_sort(l);
    for (size_t i = 0; i < l->count; i++) {
        if (l->members[i].state != SURVEY_REMOTE)
            survey_ask(&l->members[i]);
    }
}

/* Who holds the one that is asked about, as the state has it. */
static void survey_spare_others(struct api_listing *l)
{
    struct peer *p = l->peer;
    struct view view;
    struct pin_hold hold;
    if (peer_view(p, &view) != OK)
        return;
    for (size_t i = 0; i < l->count; i++) {
        struct survey_member *m = &l->members[i];
        int err = pinset_get_hold(&view, &l->request.cid, &m->id, &hold);
        if (err == OK && !hold.is_held && !survey_is_self(m))
            m->state = SURVEY_REMOTE;
    }
    peer_view_end(p, &view);
}

int peer_survey_ids(void *impl, const struct api_listing_hooks *hooks, struct api_listing **out)
{
    int err = survey_open(impl, hooks, false, out);
    if (err != OK)
        return err;
    (*out)->is_ids = true;
    survey_begin(*out);
    return OK;
}

int peer_survey_status(void *impl, const struct api_status_request *request,
                       const struct api_listing_hooks *hooks, struct api_listing **out)
{
    int err = survey_open(impl, hooks, request->is_local, out);
    if (err != OK)
        return err;
    (*out)->request = *request;
    if (request->is_one)
        survey_spare_others(*out);
    survey_begin(*out);
    return OK;
}

void peer_survey_close(struct api_listing *l)
{
    for (size_t i = 0; i < l->count; i++) {
        struct survey_member *m = &l->members[i];
        rpc_forget(&l->peer->rpc, m);
        arena_deinit(&m->arena);
        buf_deinit(&m->payload);
        buf_deinit(&m->ahead_payload);
        buf_deinit(&m->name);
    }
    list_remove(&l->turn);
    mem_free(l->members);
    mem_free(l);
}

/* Those that ask for another turn meanwhile get it with the next deadline, which is due at once. */
void peer_surveys_on_deadline(struct peer *p)
{
    struct list_link turns;
    list_init(&turns);
    while (!list_is_empty(&p->surveys))
        list_push_back(&turns, list_pop_front(&p->surveys));
    while (!list_is_empty(&turns)) {
        struct api_listing *l = list_entry(list_pop_front(&turns), struct api_listing, turn);
        l->hooks.on_wake(l->hooks.owner);
    }
}

uint64_t peer_surveys_deadline_us(const struct peer *p)
{
    return list_is_empty(&p->surveys) ? RAFT_NEVER : p->now_us;
}

struct peer *peer_survey_peer(const struct api_listing *l)
{
    return l->peer;
}

/* ---- ids ---- */

enum api_next peer_survey_next_id(struct api_listing *l, struct arena *arena, struct api_id *out)
{
    (void)arena;
    if (l->next == l->count)
        return API_NEXT_END;
    struct survey_member *m = &l->members[l->next];
    if (m->state == SURVEY_ASKED)
        return API_NEXT_WAIT;
    l->next += 1;
    *out = m->self;
    if (m->state == SURVEY_FAILED)
        *out = (struct api_id){ .id = m->id,
                                .name = buf_bytes(&m->name),
                                .error = { m->error, strlen(m->error) } };
    out->is_draining = pinset_is_drained(l->peer->pinset, &m->id);
    out->standing = peer_standing_of(l->peer, &m->id);
    return API_NEXT_ROW;
}

/* ---- status ---- */

/* Asks whoever used its page up; true when somebody's word is still to come. */
static bool survey_must_wait(struct api_listing *l)
{
    bool must_wait = false;
    for (size_t i = 0; i < l->count; i++) {
        struct survey_member *m = &l->members[i];
        if (m->state == SURVEY_EMPTY)
            survey_ask(m);
        if (m->state == SURVEY_EMPTY) { /* this peer's own, and nothing in it matched */
            list_remove(&l->turn);
            list_push_back(&l->peer->surveys, &l->turn);
        }
        must_wait = must_wait || m->state == SURVEY_ASKED || m->state == SURVEY_EMPTY;
    }
    return must_wait;
}

static const struct cid *survey_smallest(const struct api_listing *l)
{
    const struct cid *smallest = NULL;
    for (size_t i = 0; i < l->count; i++) {
        const struct survey_member *m = &l->members[i];
        if (m->state != SURVEY_HAS)
            continue;
        if (smallest == NULL || cid_compare(&m->head.cid, smallest) < 0)
            smallest = &m->head.cid;
    }
    return smallest;
}

static void survey_row_of(struct survey_member *m, struct api_peer_status *row)
{
    const struct tracker_info *info = &m->head;
    *row = (struct api_peer_status){ .peer = m->id_text.text,
                                     .name = m->page.name,
                                     .ipfs_id = m->page.ipfs_id,
                                     .status = info->status,
                                     .since_us = info->since_s != 0 ? info->since_s * 1000000
                                                                    : m->survey->peer->wall_us,
                                     .attempt_count = info->attempt_count,
                                     .is_priority = info->is_priority,
                                     .is_held_back = info->is_held_back,
                                     .next_try_us = info->next_try_s * 1000000,
                                     .queue_position = info->queue_position,
                                     .progress_nodes = info->progress_nodes,
                                     .progress_bytes = info->progress_bytes,
                                     .error = info->error };
}

static void survey_row_failed(struct survey_member *m, struct api_peer_status *row)
{
    *row = (struct api_peer_status){ .peer = m->id_text.text,
                                     .name = buf_bytes(&m->name),
                                     .status = TRACKER_CLUSTER_ERROR,
                                     .since_us = m->survey->peer->wall_us,
                                     .error = m->error };
}

static void survey_row_remote(struct survey_member *m, struct api_peer_status *row)
{
    *row = (struct api_peer_status){ .peer = m->id_text.text,
                                     .name = buf_bytes(&m->name),
                                     .status = TRACKER_REMOTE,
                                     .since_us = m->survey->peer->wall_us,
                                     .error = "" };
}

/* To the page that was asked for ahead, if it was. */
static void survey_turn_page(struct survey_member *m)
{
    enum survey_ahead ahead = m->ahead;
    m->ahead = AHEAD_NOTHING;
    switch (ahead) {
    case AHEAD_NOTHING:
        m->state = SURVEY_EMPTY;
        return;
    case AHEAD_ASKED:
        m->state = SURVEY_ASKED;
        return;
    case AHEAD_FAILED:
        m->state = SURVEY_FAILED;
        return;
    case AHEAD_HERE:
        break;
    }
    struct buf used = m->payload;
    m->payload = m->ahead_payload;
    m->ahead_payload = used;
    survey_read(m);
}

static void survey_advance(struct survey_member *m)
{
    if (!m->is_given)
        return;
    m->is_given = false;
    survey_next_row(m);
}

/* The rows borrow from the pages, which are left only when the next ones are wanted. Who failed stands in each row, whatever
 * the filter: of its pins nobody knows (SPEC 2.1). */
static size_t survey_rows(struct api_listing *l, const struct cid *cid,
                          struct api_peer_status *rows, const struct pin **pin)
{
    size_t count = 0;
    for (size_t i = 0; i < l->count; i++) {
        struct survey_member *m = &l->members[i];
        if (m->state == SURVEY_HAS && cid_equal(&m->head.cid, cid)) {
            survey_row_of(m, &rows[count++]);
            m->is_given = true;
            if (m->pin != NULL)
                *pin = m->pin;
        } else if (m->state == SURVEY_FAILED) {
            survey_row_failed(m, &rows[count++]);
        } else if (m->state == SURVEY_REMOTE) {
            survey_row_remote(m, &rows[count++]);
        }
    }
    return count;
}

/* Of a row that this peer's own page does not have: it did not match, or failed. */
static void survey_pin(struct peer *p, const struct cid *cid, struct arena *arena,
                       struct api_status *out)
{
    struct pin *pin = arena_zalloc(arena, sizeof(*pin));
    struct view view;
    if (pin == NULL || peer_view(p, &view) != OK)
        return;
    if (pinset_get(&view, cid, arena, pin) == OK)
        out->pin = pin;
    peer_view_end(p, &view);
}

/* Nothing matched, and somebody did not answer: not even one row would say so. Then one does, and names no CID. Where no
 * filter is, this peer would have listed everything itself. */
static bool survey_says_who_is_lost(const struct api_listing *l)
{
    bool is_lost = false;
    for (size_t i = 0; i < l->count; i++)
        is_lost = is_lost || l->members[i].state == SURVEY_FAILED;
    return is_lost && l->next == 0 && l->request.filter != TRACKER_UNDEFINED;
}

enum api_next peer_survey_next_status(struct api_listing *l, struct arena *arena,
                                      struct api_status *out)
{
    static const struct cid nothing;
    struct peer *p = l->peer;
    if (l->request.is_one && l->next > 0)
        return API_NEXT_END;
    for (size_t i = 0; i < l->count; i++)
        survey_advance(&l->members[i]);
    if (survey_must_wait(l))
        return API_NEXT_WAIT;
    const struct cid *smallest = l->request.is_one ? &l->request.cid : survey_smallest(l);
    if (smallest == NULL && survey_says_who_is_lost(l))
        smallest = &nothing;
    if (smallest == NULL)
        return API_NEXT_END;
    struct cid cid = *smallest;
    struct api_peer_status *rows = arena_array(arena, l->count + 1, sizeof(*rows));
    if (rows == NULL)
        return API_NEXT_FAILED;
    *out = (struct api_status){ .cid = cid, .now_us = p->wall_us, .peers = rows };
    out->peers_count = survey_rows(l, &cid, rows, &out->pin);
    if (out->pin == NULL && cid.len > 0)
        survey_pin(p, &cid, arena, out);
    l->next += 1;
    return API_NEXT_ROW;
}
