/* peer_snapshot_send.c -- a leader gives its state to members that need what its log does not have any more.
 *
 *      need ---> spool (one, for all) ---> offers, again and again ---> GETs answered ---> HELD, or Raft sees it match
 *
 * There is one spool at a time, whoever needs it: a second receiver joins the first one's as long as the log still
 * goes on from it. While somebody takes it the log is held behind it (peer_sender_hold()); when the log grows over
 * its limit all the same, the spool is of no use any more, and a newer one takes its place. Everything is looked at
 * again at every step, so that no message and no answer is relied on. Who no longer leads goes on answering until
 * nobody has asked for a while. */
#include "peer_int.h"

#include <string.h>

#include "util/err.h"
#include "util/mem.h"

enum { SENDER_GETS_MAX = 64 };

#define SENDER_STEP_US   ((uint64_t)200 * 1000)
#define SENDER_SILENT_US ((uint64_t)10 * 1000 * 1000) /* then a receiver holds nothing up */
#define SENDER_IDLE_US   ((uint64_t)30 * 1000 * 1000) /* then the spool goes */

/* Who needs it: Raft says so, or it says so itself, because its state is damaged. */
struct sender_receiver {
    uint64_t number;
    uint64_t wants_until_us; /* 0: it does not */
    uint64_t wants_index;    /* one that ends there, or later */
};

/* A question for a chunk, until it is answered. */
struct sender_get {
    struct peer_id to;
    uint64_t number;
    struct snapshot_get get;
};

struct peer_sender {
    struct snapshot_source *source;
    uint64_t spool_index; /* the last entry in the spool that is there or being made; 0: none */
    uint64_t asked_us;    /* when somebody last asked for it */
    uint64_t step_at_us;
    struct sender_receiver receivers[LIMIT_MEMBERS_COUNT];
    size_t receivers_count;
    struct sender_get waiting[SENDER_GETS_MAX];
    size_t waiting_at;
    size_t waiting_count;
    struct sender_get reading[SNAPSHOT_READS_MAX]; /* number 0: free */
};

/* ---- who needs it ---- */

static struct sender_receiver *sender_receiver(struct peer *p, uint64_t member)
{
    struct peer_sender *s = p->sender;
    for (size_t i = 0; i < s->receivers_count; i++) {
        if (s->receivers[i].number == member)
            return &s->receivers[i];
    }
    if (s->receivers_count == LIMIT_MEMBERS_COUNT)
        return NULL;
    s->receivers[s->receivers_count] = (struct sender_receiver){ .number = member };
    s->step_at_us = p->now_us;
    return &s->receivers[s->receivers_count++];
}

void peer_sender_need(struct peer *p, uint64_t member)
{
    (void)sender_receiver(p, member);
}

void peer_sender_on_want(struct peer *p, const struct snapshot_msg *m)
{
    struct sender_receiver *r = peer_leads(p) ? sender_receiver(p, m->from) : NULL;
    if (r == NULL)
        return;
    r->wants_until_us = p->now_us + SENDER_SILENT_US;
    r->wants_index = m->id.pos.index;
}

/* Does its log reach to where ours begins, or is it not our business any more? */
static bool sender_is_done(const struct peer *p, const struct sender_receiver *r)
{
    struct raft_member_progress progress;
    if (raft_member_progress(p->raft, r->number, &progress) != OK)
        return true;
    return progress.match >= raft_base(p->raft).index && p->now_us >= r->wants_until_us;
}

static bool sender_is_there(const struct peer *p, uint64_t member)
{
    struct raft_member_progress progress;
    return raft_member_progress(p->raft, member, &progress) == OK && progress.last_reply_us > 0 &&
           p->now_us - progress.last_reply_us < SENDER_SILENT_US;
}

static bool sender_serves_somebody(const struct peer *p)
{
    const struct peer_sender *s = p->sender;
    for (size_t i = 0; i < s->receivers_count; i++) {
        if (!sender_is_done(p, &s->receivers[i]) && sender_is_there(p, s->receivers[i].number))
            return true;
    }
    return false;
}

uint64_t peer_sender_hold(const struct peer *p)
{
    return p->sender->spool_index > 0 && sender_serves_somebody(p) ? p->sender->spool_index
                                                                   : RAFT_NEVER;
}

static void sender_forget_done(struct peer *p)
{
    struct peer_sender *s = p->sender;
    size_t kept = 0;
    for (size_t i = 0; i < s->receivers_count; i++) {
        if (!sender_is_done(p, &s->receivers[i]))
            s->receivers[kept++] = s->receivers[i];
    }
    s->receivers_count = kept;
}

/* Where a spool has to end at least. */
static uint64_t sender_least_index(const struct peer *p)
{
    uint64_t least = raft_base(p->raft).index;
    for (size_t i = 0; i < p->sender->receivers_count; i++) {
        const struct sender_receiver *r = &p->sender->receivers[i];
        if (p->now_us < r->wants_until_us && r->wants_index > least)
            least = r->wants_index;
    }
    return least;
}

/* ---- the spool ---- */

static void sender_on_ready(void *owner, int err)
{
    struct peer *p = owner;
    if (err == ERR_CANCELED)
        return;
    peer_enter(p);
    if (err == ERR_IO) {
        peer_disk_failed(p, err, "writing the state out for a member");
    } else if (err == ERR_CORRUPT) {
        peer_state_damaged(p,
                           "writing it out for a member met a row that does not fit its checksum");
        p->sender->spool_index = 0;
    } else if (err != OK) {
        LOG_WARN(p->log, "raft", "the state could not be written out for a member: %s",
                 err_text(err));
        p->sender->spool_index = 0;
    }
    p->sender->asked_us = p->now_us;
    p->sender->step_at_us = err == OK ? p->now_us : p->now_us + SENDER_STEP_US;
    peer_leave(p);
}

/* Where the durable state stands, which is what an export that begins now shows. */
static int sender_position(struct peer *p, struct raft_pos *pos)
{
    struct view view;
    struct pinset_facts facts;
    int err = store_view_open(&p->ports.store, MAP_STATE, &view);
    if (err != OK)
        return err;
    err = pinset_read_facts(&view, &facts);
    store_view_close(&p->ports.store, &view);
    *pos = (struct raft_pos){ .term = facts.applied_term, .index = facts.applied_index };
    return err;
}

static void sender_spool(struct peer *p)
{
    struct snapshot_offer offer = { 0 };
    int err = sender_position(p, &offer.id.pos);
    const struct raft_config *config =
        err == OK ? raft_config_at(p->raft, offer.id.pos.index) : NULL;
    if (config == NULL || cluster_id_is_none(&p->cluster) ||
        offer.id.pos.index < sender_least_index(p)) {
        overlay_flush(p->state); /* what is applied is not durable yet: at the next step */
        return;
    }
    memcpy(offer.id.cluster_id, p->cluster.bytes, CLUSTER_ID_BYTES);
    struct buf bytes = { 0 };
    raft_config_encode(config, &bytes);
    offer.config_index = config->index;
    offer.config = buf_bytes(&bytes);
    if (bytes.err == OK &&
        snapshot_source_start(p->sender->source, p->raft_store.identity.generation,
                              STATE_TABLES_COUNT, &offer) == OK)
        p->sender->spool_index = offer.id.pos.index;
    buf_deinit(&bytes);
}

static void sender_drop_spool(struct peer *p)
{
    snapshot_source_end(p->sender->source);
    p->sender->spool_index = 0;
    p->sender->waiting_count = 0;
}

static void sender_offer(struct peer *p, const struct snapshot_offer *offer)
{
    struct snapshot_msg m = { .type = SNAPSHOT_MSG_OFFER, .id = offer->id, .offer = *offer };
    for (size_t i = 0; i < p->sender->receivers_count; i++) {
        m.to = p->sender->receivers[i].number;
        const struct raft_member *member = raft_config_member(raft_config(p->raft), m.to);
        if (member != NULL && sender_is_there(p, m.to))
            peer_send_snapshot(p, &member->id, &m);
    }
}

/* What is to be done now, whatever happened before. */
static void sender_step(struct peer *p)
{
    struct peer_sender *s = p->sender;
    sender_forget_done(p);
    bool is_stale = s->spool_index > 0 && s->spool_index < sender_least_index(p);
    bool is_idle = s->spool_index > 0 && p->now_us - s->asked_us >= SENDER_IDLE_US;
    if (is_stale || (is_idle && !sender_serves_somebody(p)))
        sender_drop_spool(p);
    if (sender_serves_somebody(p)) {
        const struct snapshot_offer *offer = snapshot_source_offer(s->source);
        if (offer != NULL)
            sender_offer(p, offer);
        else if (s->spool_index == 0)
            sender_spool(p);
    }
}

/* ---- chunks ---- */

static void sender_pump(struct peer *p);

static void sender_on_chunk(void *owner, uint64_t context, int err,
                            const struct snapshot_chunk *chunk)
{
    struct peer *p = owner;
    if (err == ERR_CANCELED)
        return;
    peer_enter(p);
    struct sender_get *g = &p->sender->reading[context];
    if (err == OK) {
        struct snapshot_msg m = {
            .type = SNAPSHOT_MSG_CHUNK, .to = g->number, .id = chunk->id, .chunk = *chunk
        };
        peer_send_snapshot(p, &g->to, &m);
    } else {
        LOG_WARN(p->log, "raft", "a chunk of the snapshot could not be read: %s", err_text(err));
        sender_drop_spool(p); /* and write it anew */
    }
    g->number = RAFT_NOBODY;
    sender_pump(p);
    peer_leave(p);
}

static void sender_pump(struct peer *p)
{
    struct peer_sender *s = p->sender;
    for (size_t i = 0; i < SNAPSHOT_READS_MAX && s->waiting_count > 0; i++) {
        if (s->reading[i].number != RAFT_NOBODY)
            continue;
        const struct sender_get *g = &s->waiting[s->waiting_at];
        /* What cannot be read now (ERR_BUSY) is asked for again. */
        if (snapshot_source_read(s->source, &g->get, i) == OK)
            s->reading[i] = *g;
        s->waiting_at = (s->waiting_at + 1) % SENDER_GETS_MAX;
        s->waiting_count -= 1;
    }
}

void peer_sender_on_get(struct peer *p, const struct peer_id *from, const struct snapshot_msg *m)
{
    struct peer_sender *s = p->sender;
    const struct snapshot_offer *offer = snapshot_source_offer(s->source);
    if (offer == NULL || !snapshot_id_equal(&offer->id, &m->id)) {
        struct snapshot_msg gone = { .type = SNAPSHOT_MSG_GONE, .to = m->from, .id = m->id };
        peer_send_snapshot(p, from, &gone);
        return;
    }
    s->asked_us = p->now_us;
    if (s->waiting_count == SENDER_GETS_MAX)
        return;
    size_t end = (s->waiting_at + s->waiting_count) % SENDER_GETS_MAX;
    s->waiting[end] = (struct sender_get){ .to = *from, .number = m->from, .get = m->get };
    s->waiting_count += 1;
    sender_pump(p);
}

void peer_sender_on_held(struct peer *p, const struct snapshot_msg *m)
{
    for (size_t i = 0; i < p->sender->receivers_count; i++) {
        struct sender_receiver *r = &p->sender->receivers[i];
        if (r->number == m->from && m->id.pos.index >= r->wants_index)
            r->wants_until_us = 0;
    }
    if (peer_leads(p))
        peer_raft_take(p, raft_on_snapshot_sent(p->raft, p->now_us, m->from, m->id.pos.index));
}

/* ---- life ---- */

int peer_sender_start(struct peer *p)
{
    p->sender = mem_zalloc(sizeof(*p->sender));
    if (p->sender == NULL)
        return ERR_NOMEM;
    p->sender->step_at_us = RAFT_NEVER;
    struct snapshot_source_hooks hooks = { .on_ready = sender_on_ready,
                                           .on_chunk = sender_on_chunk,
                                           .owner = p };
    return snapshot_source_create(&p->sender->source, &p->ports.store, PEER_FILE_SPOOL, &hooks);
}

void peer_sender_end(struct peer *p)
{
    if (p->sender == NULL)
        return;
    snapshot_source_destroy(p->sender->source);
    mem_free(p->sender);
}

void peer_sender_on_member(struct peer *p)
{
    snapshot_source_sweep(p->sender->source);
}

/* Raft asks again for whoever needs a snapshot of this leader. */
void peer_sender_on_role(struct peer *p)
{
    p->sender->receivers_count = 0;
}

void peer_sender_on_deadline(struct peer *p)
{
    struct peer_sender *s = p->sender;
    if (p->raft == NULL || p->now_us < s->step_at_us)
        return;
    sender_step(p);
    bool has_work = s->receivers_count > 0 || s->spool_index > 0;
    s->step_at_us = has_work ? p->now_us + SENDER_STEP_US : RAFT_NEVER;
}

uint64_t peer_sender_deadline_us(const struct peer *p)
{
    return p->raft != NULL ? p->sender->step_at_us : RAFT_NEVER;
}
