/* peer_snapshot_receive.c -- this peer's state is replaced by the one that its leader offers.
 *
 *      PULLING      the sink asks for chunks, checks the rows against the state hash, imports into generation g+1;
 *                   generation g serves and goes on applying
 *      DRAINING     nothing more is applied to g; what is on its way there becomes durable
 *      SWITCHING    raft_install(); one unit says {generation g+1, the log begins behind it, its configuration}
 *      (stored)     g+1 is opened and g deleted
 *
 * A crash before that unit is stored finds g, and the chunks that were synced; after it, g+1, whole. There is
 * nothing between. A transfer that moves is not given up for another offer; one that has stalled is, and what it
 * had synced counts again if the same snapshot is offered. */
#include "peer_int.h"

#include <string.h>

#include "state/rows_check.h"
#include "util/err.h"
#include "util/mem.h"

#define RECEIVER_STALL_US ((uint64_t)5 * 1000 * 1000)

enum receiver_phase { RECEIVER_IDLE, RECEIVER_PULLING, RECEIVER_DRAINING, RECEIVER_SWITCHING };

struct peer_receiver {
    enum receiver_phase phase;
    struct snapshot_sink *sink;
    struct peer_id from;
    uint64_t from_number;
    struct snapshot_id id;
    struct raft_config config; /* at id.pos */
    uint64_t generation;       /* where it goes */
    uint64_t heard_us;         /* when it last moved */
    uint64_t rests_until_us;   /* the last one failed here, and would again */
    int last_err;              /* why; said once */
    struct rows_check check;
    uint64_t switch_unit; /* the unit that names the generation; 0: not taken yet */
    struct map_job drop;  /* of a generation that is not needed after all */
    bool drop_runs;
};

static void receiver_to_idle(struct peer *p)
{
    p->receiver->phase = RECEIVER_IDLE;
    raft_config_deinit(&p->receiver->config);
}

static void receiver_abort(struct peer *p)
{
    if (p->receiver->phase == RECEIVER_PULLING && snapshot_sink_abort(p->receiver->sink) == OK)
        receiver_to_idle(p);
}

static void receiver_tell_held(struct peer *p, const struct peer_id *to, uint64_t number,
                               const struct snapshot_id *id)
{
    struct snapshot_msg m = { .type = SNAPSHOT_MSG_HELD, .to = number, .id = *id };
    peer_send_snapshot(p, to, &m);
}

/* ---- what the sink asks and says ---- */

static void receiver_on_get(void *owner, const struct snapshot_get *get)
{
    struct peer *p = owner;
    struct snapshot_msg m = {
        .type = SNAPSHOT_MSG_GET, .to = p->receiver->from_number, .id = get->id, .get = *get
    };
    peer_enter(p);
    peer_send_snapshot(p, &p->receiver->from, &m);
    peer_leave(p);
}

static int receiver_on_row(void *owner, unsigned table, struct bytes key, struct bytes value)
{
    struct peer *p = owner;
    return rows_check_row(&p->receiver->check, table, key, value);
}

static int receiver_on_rows_end(void *owner, const struct snapshot_offer *offer)
{
    struct peer *p = owner;
    const struct pinset_facts *facts = &p->receiver->check.facts;
    int err = rows_check_end(&p->receiver->check);
    bool is_it = err == OK && facts->applied_index == offer->id.pos.index &&
                 facts->applied_term == offer->id.pos.term &&
                 memcmp(facts->cluster_id, offer->id.cluster_id, CLUSTER_ID_BYTES) == 0;
    return err == OK && !is_it ? ERR_CORRUPT : err;
}

static void receiver_failed(struct peer *p, int err, uint64_t index)
{
    struct peer_receiver *r = p->receiver;
    bool is_news = err != r->last_err;
    r->last_err = err;
    r->rests_until_us = p->now_us + RECEIVER_STALL_US;
    if (err == ERR_IO)
        peer_disk_failed(p, err, "taking over a snapshot");
    else if (err == ERR_VERSION && is_news)
        LOG_ERROR(p->log, "raft",
                  "the state up to entry %llu was written by a newer version: upgrade this peer",
                  (unsigned long long)index);
    else if (is_news)
        LOG_WARN(p->log, "raft", "the state up to entry %llu was not taken over: %s",
                 (unsigned long long)index, err_text(err));
}

static void receiver_on_installed(void *owner, int err, const struct snapshot_offer *offer,
                                  uint64_t generation)
{
    struct peer *p = owner;
    (void)generation;
    peer_enter(p);
    if (err == OK) {
        p->receiver->phase = RECEIVER_DRAINING;
        overlay_flush(p->state);
    } else {
        receiver_to_idle(p);
        receiver_failed(p, err, offer->id.pos.index);
    }
    peer_leave(p);
}

/* ---- messages ---- */

/* Everything that is in it is in our log or state, for good. */
static bool receiver_holds(const struct peer *p, const struct snapshot_id *id)
{
    return id->pos.index <= raft_committed(p->raft) && id->pos.index <= raft_stored(p->raft);
}

static int receiver_begin(struct peer *p, const struct peer_id *from, const struct snapshot_msg *m)
{
    struct peer_receiver *r = p->receiver;
    struct raft_config config;
    int err = raft_config_decode(&config, m->offer.config.data, m->offer.config.len);
    if (err != OK)
        return err;
    config.index = m->offer.config_index;
    rows_check_begin(&r->check);
    r->from = *from;
    r->from_number = m->from;
    r->id = m->id;
    r->generation = p->raft_store.identity.generation + 1;
    r->heard_us = p->now_us;
    r->phase = RECEIVER_PULLING; /* the sink may ask at once */
    r->config = config;
    err = snapshot_sink_on_offer(r->sink, p->now_us, &m->offer, r->generation);
    if (err != OK)
        receiver_to_idle(p);
    return err;
}

void peer_receiver_on_offer(struct peer *p, const struct peer_id *from,
                            const struct snapshot_msg *m)
{
    struct peer_receiver *r = p->receiver;
    if (m->from != raft_leader(p->raft) || peer_leads(p))
        return;
    if (!p->state_is_damaged && receiver_holds(p, &m->id)) {
        receiver_tell_held(p, from, m->from, &m->id);
        return;
    }
    if (p->state_is_damaged && m->id.pos.index < p->applied)
        return; /* the log is not applied twice */
    if (r->phase == RECEIVER_PULLING && snapshot_id_equal(&r->id, &m->id)) {
        r->from = *from;
        r->from_number = m->from;
        return;
    }
    if (r->phase == RECEIVER_PULLING && p->now_us - r->heard_us >= RECEIVER_STALL_US)
        receiver_abort(p);
    if (r->phase != RECEIVER_IDLE || r->drop_runs || !snapshot_sink_is_idle(r->sink) ||
        p->now_us < r->rests_until_us)
        return; /* offered again soon */
    int err = receiver_begin(p, from, m);
    if (err == OK && r->last_err == OK)
        LOG_INFO(p->log, "raft",
                 "receiving the state up to entry %llu from member %llu: %llu bytes",
                 (unsigned long long)m->id.pos.index, (unsigned long long)m->from,
                 (unsigned long long)m->offer.len);
    else if (err != OK && err != ERR_BUSY)
        peer_bad_frame(p, from, err);
}

void peer_receiver_on_chunk(struct peer *p, const struct snapshot_msg *m)
{
    if (p->receiver->phase != RECEIVER_PULLING)
        return;
    p->receiver->heard_us = p->now_us;
    snapshot_sink_on_chunk(p->receiver->sink, p->now_us, &m->chunk);
}

void peer_receiver_on_gone(struct peer *p, const struct peer_id *from, const struct snapshot_msg *m)
{
    const struct peer_receiver *r = p->receiver;
    if (snapshot_id_equal(&r->id, &m->id) && peer_id_equal(&r->from, from) &&
        snapshot_sink_next_deadline_us(r->sink) != UINT64_MAX)
        receiver_abort(p);
}

/* ---- the switch ---- */

static void receiver_on_dropped(struct map_job *job, int err)
{
    struct peer *p = job->owner;
    (void)err; /* what stays is deleted by the next switch or start */
    p->receiver->drop_runs = false;
}

/* The log brought us as far meanwhile. */
static void receiver_give_back(struct peer *p)
{
    struct peer_receiver *r = p->receiver;
    r->drop = (struct map_job){
        .what = MAP_DROP, .generation = r->generation, .done = receiver_on_dropped, .owner = p
    };
    r->drop_runs = store_map_job(&p->ports.store, &r->drop) == OK;
    snapshot_sink_finish(r->sink);
    receiver_to_idle(p);
}

bool peer_receiver_is_busy(const struct peer *p)
{
    return p->receiver->phase != RECEIVER_IDLE;
}

bool peer_receiver_blocks_apply(const struct peer *p)
{
    return p->receiver->phase >= RECEIVER_DRAINING || p->state_is_damaged;
}

void peer_receiver_settle(struct peer *p)
{
    struct peer_receiver *r = p->receiver;
    if (r->phase != RECEIVER_DRAINING || overlay_batches_count(p->state) > 0)
        return;
    bool is_news =
        p->applied < r->id.pos.index || (p->state_is_damaged && p->applied == r->id.pos.index);
    if (peer_leads(p) || !is_news) {
        receiver_give_back(p);
        return;
    }
    r->phase = RECEIVER_SWITCHING;
    r->switch_unit = 0;
    p->raft_store.identity.generation = r->generation;
    const struct raft_ready *ready = raft_install(p->raft, p->now_us, r->id.pos, &r->config);
    if (ready == NULL)
        peer_disk_failed(p, ERR_NOMEM, "putting the received state in its place");
    else
        peer_raft_take(p, ready);
}

void peer_receiver_on_unit(struct peer *p, uint64_t unit_number)
{
    if (p->receiver->phase == RECEIVER_SWITCHING && p->receiver->switch_unit == 0)
        p->receiver->switch_unit = unit_number;
}

void peer_receiver_on_stored(struct peer *p, uint64_t unit_number)
{
    struct peer_receiver *r = p->receiver;
    if (r->phase != RECEIVER_SWITCHING || r->switch_unit == 0 || unit_number < r->switch_unit)
        return;
    if (p->life == PEER_STOPPED)
        return; /* a store that is being closed says what it has stored, and opens nothing any more */
    int err = peer_open_state(p);
    if (err == OK && p->applied != r->id.pos.index)
        err = ERR_CORRUPT;
    if (err != OK) {
        peer_disk_failed(p, err, "opening the state that was received");
        return;
    }
    LOG_INFO(p->log, "raft", "the state up to entry %llu is in place: %llu pins",
             (unsigned long long)p->applied,
             (unsigned long long)pinset_facts(p->pinset)->pins_count);
    (void)raft_store_trim(&p->raft_store, raft_base(p->raft), raft_base(p->raft).index + 1);
    peer_learn_cluster_id(p);
    peer_state_healed(p);
    peer_tell_installed(p);
    tracker_walk(p->tracker);
    peer_proposals_on_role(p); /* what the snapshot brought along is answered by a second copy */
    snapshot_sink_finish(r->sink);
    r->last_err = OK;
    receiver_tell_held(p, &r->from, r->from_number, &r->id);
    receiver_to_idle(p);
}

/* ---- life ---- */

int peer_receiver_start(struct peer *p)
{
    p->receiver = mem_zalloc(sizeof(*p->receiver));
    if (p->receiver == NULL)
        return ERR_NOMEM;
    const struct peer_snapshot_options *o = &p->options.snapshot;
    struct snapshot_sink_options options = { .file_no = PEER_FILE_RECEIVED,
                                             .local_table = LOCAL_TABLE_META,
                                             .retry_us = o->retry_us,
                                             .sync_bytes = o->sync_bytes,
                                             .chunk_bytes = o->chunk_bytes };
    struct snapshot_sink_hooks hooks = { .on_get = receiver_on_get,
                                         .on_row = receiver_on_row,
                                         .on_rows_end = receiver_on_rows_end,
                                         .on_installed = receiver_on_installed,
                                         .owner = p };
    return snapshot_sink_create(&p->receiver->sink, &p->ports.store, &options, &hooks);
}

void peer_receiver_end(struct peer *p)
{
    if (p->receiver == NULL)
        return;
    snapshot_sink_destroy(p->receiver->sink);
    raft_config_deinit(&p->receiver->config);
    mem_free(p->receiver);
}

/* Who leads has everything that is committed. */
void peer_receiver_on_role(struct peer *p)
{
    if (peer_leads(p))
        receiver_abort(p);
}

/* Caught up: what is left of a transfer that another one, or the log, has overtaken is of no use. */
void peer_receiver_on_ready(struct peer *p)
{
    if (p->receiver->phase == RECEIVER_IDLE)
        snapshot_sink_sweep(p->receiver->sink);
}

static uint64_t receiver_stall_us(const struct peer *p)
{
    const struct peer_receiver *r = p->receiver;
    bool waits =
        r->phase == RECEIVER_PULLING && snapshot_sink_next_deadline_us(r->sink) != UINT64_MAX;
    return waits ? r->heard_us + RECEIVER_STALL_US : RAFT_NEVER;
}

void peer_receiver_on_deadline(struct peer *p)
{
    if (p->now_us >= receiver_stall_us(p))
        receiver_abort(p);
    else if (p->now_us >= snapshot_sink_next_deadline_us(p->receiver->sink))
        snapshot_sink_on_deadline(p->receiver->sink, p->now_us);
}

uint64_t peer_receiver_deadline_us(const struct peer *p)
{
    uint64_t stall_us = receiver_stall_us(p);
    uint64_t ask_us = snapshot_sink_next_deadline_us(p->receiver->sink);
    return ask_us < stall_us ? ask_us : stall_us;
}
