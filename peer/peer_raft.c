/* peer_raft.c -- drives the log.
 *
 * raft/ decides, this file carries out, in a fixed order after each input (peer_raft_settle):
 *
 *      messages that may leave now          ---> transport
 *      one unit, if none is being written   ---> log room      ---> raft_on_stored, and the letters that waited
 *      entries that may be applied          ---> pinset ---> overlay ---> map room, once a second
 *
 * One unit at a time is group commit: all that arrives while the disk syncs makes up the next one (DESIGN 2).
 * Applying goes on as long as the overlay has room; when it is full the next batch that becomes durable
 * comes back here. Nothing waits. */
#include "peer_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

enum { PEER_ENTRIES_PER_FRAME_MAX = 1024 };

/* ---- messages out ---- */

static const struct peer_id *peer_id_of_number(struct peer *p, uint64_t number)
{
    const struct raft_member *m = raft_config_member(raft_config(p->raft), number);
    if (m != NULL)
        return &m->id;
    for (size_t i = 0; i < PEER_SPEAKERS_MAX; i++) {
        if (p->speakers[i].number == number)
            return &p->speakers[i].id;
    }
    return NULL;
}

static void peer_letter_drop(struct peer_letter *letter)
{
    list_remove(&letter->link);
    mem_free(letter);
}

static void peer_letter_put(struct peer *p, const struct raft_msg *m, const struct peer_id *to,
                            struct bytes bytes)
{
    struct peer_letter *letter = mem_alloc(sizeof(*letter) + bytes.len);
    if (letter == NULL)
        return; /* as if the network had lost it: Raft repeats */
    *letter = (struct peer_letter){
        .after_unit = m->after_unit, .type = m->type, .term = m->term, .to = *to
    };
    memcpy(letter + 1, bytes.data, bytes.len);
    letter->bytes = (struct bytes){ letter + 1, bytes.len };
    list_push_back(&p->letters, &letter->link);
}

static void peer_letters_leave(struct peer *p)
{
    list_for_each_safe (at, after, &p->letters) {
        struct peer_letter *letter = list_entry(at, struct peer_letter, link);
        if (letter->after_unit > p->stored_unit)
            continue;
        if (raft_may_leave(p->raft, letter->type, letter->term))
            (void)transport_send(&p->ports.transport, &letter->to, STREAM_CONTROL,
                                 letter->bytes.data, letter->bytes.len);
        peer_letter_drop(letter);
    }
}

static void peer_send_raft(struct peer *p, const struct raft_msg *m)
{
    const struct peer_id *to = peer_id_of_number(p, m->to);
    if (to == NULL)
        return;
    buf_clear(&p->scratch);
    frame_head_put(&p->scratch, FRAME_RAFT, &p->cluster);
    raft_msg_encode(m, &p->scratch);
    if (p->scratch.err != OK)
        return;
    if (m->after_unit > p->stored_unit)
        peer_letter_put(p, m, to, buf_bytes(&p->scratch));
    else /* lost when the queue is full: Raft repeats */
        (void)transport_send(&p->ports.transport, to, STREAM_CONTROL, p->scratch.data,
                             p->scratch.len);
}

/* ---- effects of one input ---- */

static void peer_fetched(void *owner, int err, const struct raft_entry *entries, size_t count);

void peer_raft_take(struct peer *p, const struct raft_ready *ready)
{
    for (size_t i = 0; i < ready->msgs_count; i++)
        peer_send_raft(p, &ready->msgs[i]);
    for (size_t i = 0; i < ready->reads_count; i++)
        peer_reads_on_result(p, &ready->reads[i]);
    for (size_t i = 0; i < ready->fetches_count; i++) {
        const struct raft_fetch *f = &ready->fetches[i];
        int err = raft_store_fetch(&p->raft_store, f->first, f->bytes_max, peer_fetched, p);
        if (err != OK)
            p->fetch_was_refused = true;
    }
    for (size_t i = 0; i < ready->snapshots_count; i++)
        peer_sender_need(p, ready->snapshots[i].member);
    if (ready->role_changed)
        peer_on_role_changed(p);
    if (ready->config_changed) /* before what is committed by it is told */
        peer_on_config_changed(p);
    if (!ready->role_changed && peer_leads(p))
        peer_tell_commit(p); /* a later event of this turn may end our term */
}

static void peer_fetched(void *owner, int err, const struct raft_entry *entries, size_t count)
{
    struct peer *p = owner;
    if (err == ERR_CANCELED)
        return;
    peer_enter(p);
    if (err != OK && err != ERR_NOMEM && err != ERR_NOT_FOUND)
        peer_disk_failed(p, err, "reading the log");
    else
        peer_raft_take(p, raft_on_fetched(p->raft, p->now_us, entries, count));
    peer_leave(p);
}

/* ---- units ---- */

static void peer_disk_answers(struct peer *p)
{
    p->unit_due_us = RAFT_NEVER;
    if (p->disk_hangs)
        LOG_INFO(p->log, "store", "the disk answers again");
    p->disk_hangs = false;
}

static void peer_unit_stored(void *owner, uint64_t number, int err)
{
    struct peer *p = owner;
    if (err == ERR_CANCELED)
        return;
    peer_enter(p);
    if (err == OK) {
        p->units_in_flight -= 1;
        p->stored_unit = number;
        peer_disk_answers(p);
        const struct raft_ready *ready = raft_on_stored(p->raft, p->now_us, number);
        peer_tell_stored(p);
        peer_raft_take(p, ready);
        peer_letters_leave(p);
        peer_receiver_on_stored(p, number);
        peer_trim_on_stored(p);
    } else if (err == ERR_FULL) {
        peer_disk_full(p); /* the unit is kept, and done runs again */
    } else {
        peer_disk_failed(p, err, "writing the log");
    }
    peer_leave(p);
}

static void peer_store_unit(struct peer *p)
{
    if (p->units_in_flight >= PEER_UNITS_IN_FLIGHT_MAX || !raft_has_unit(p->raft))
        return;
    struct raft_unit unit;
    raft_take_unit(p->raft, &unit);
    p->raft_store.base = raft_base(p->raft);
    peer_receiver_on_unit(p, unit.number);
    peer_tell_unit(p, &unit);
    int err = raft_store_write(&p->raft_store, &unit, peer_unit_stored, p);
    if (err != OK) {
        peer_disk_failed(p, err, "writing the log");
        return;
    }
    p->units_in_flight += 1;
    p->unit_due_us = p->now_us + LIMIT_STALL_US;
}

/* ---- applying ---- */

static void peer_sink_put(void *impl, unsigned table, struct bytes key, struct bytes value)
{
    struct peer *p = impl;
    int err = overlay_put(p->state, table, key, value);
    p->batch_rows += 1;
    if (err != OK && p->sink_err == OK)
        p->sink_err = err;
}

static void peer_sink_del(void *impl, unsigned table, struct bytes key)
{
    struct peer *p = impl;
    int err = overlay_delete(p->state, table, key);
    p->batch_rows += 1;
    if (err != OK && p->sink_err == OK)
        p->sink_err = err;
}

static struct row_sink peer_sink(struct peer *p)
{
    return (struct row_sink){ .put = peer_sink_put, .del = peer_sink_del, .impl = p };
}

/* From the state; or, when a crash took the row that said so, from beside the data. */
void peer_learn_cluster_id(struct peer *p)
{
    const struct pinset_facts *facts = pinset_facts(p->pinset);
    const struct peer_options *o = &p->options;
    const uint8_t *known = facts->has_cluster_id    ? facts->cluster_id
                           : o->cluster_id_is_known ? o->cluster_id
                                                    : NULL;
    if (known == NULL || !cluster_id_is_none(&p->cluster))
        return;
    memcpy(p->cluster.bytes, known, CLUSTER_ID_BYTES);
    memcpy(p->raft_store.identity.cluster_id, known, CLUSTER_ID_BYTES);
    p->rpc.cluster = p->cluster;
    if (p->hooks.on_cluster_id != NULL)
        p->hooks.on_cluster_id(p->hooks.owner, p->cluster.bytes);
}

/* OK, or why applying stops here. */
static int peer_apply_entry(struct peer *p, const struct raft_entry *e)
{
    if (e->kind != RAFT_ENTRY_DATA) {
        pinset_pass(p->pinset, e->pos.index, e->pos.term);
        return OK;
    }
    struct view view;
    int err = peer_view(p, &view);
    if (err != OK)
        return err;
    struct row_sink sink = peer_sink(p);
    struct pinset_applied applied;
    err = pinset_apply(p->pinset, &view, &sink, e->pos.index, e->pos.term, e->payload.data,
                       e->payload.len, &applied);
    peer_view_end(p, &view);
    if (err == OK)
        err = p->sink_err;
    if (err != OK)
        return err;
    peer_tell_pin(p, e->pos.index, &applied);
    peer_learn_cluster_id(p);
    if (applied.touched && p->tracker != NULL)
        tracker_on_touched(p->tracker, &applied.cid, !applied.is_automatic);
    peer_proposals_on_applied(p, &applied);
    return OK;
}

static void peer_apply_blocked(struct peer *p, uint64_t index, int err)
{
    if (err == ERR_CORRUPT) {
        peer_state_damaged(p, "applying met a row that does not fit its checksum");
        return;
    }
    if (p->apply_is_blocked)
        return;
    p->apply_is_blocked = true;
    if (err == ERR_VERSION)
        LOG_ERROR(p->log, "cluster", "entry %llu was written by a newer version: upgrade this peer",
                  (unsigned long long)index);
    else
        peer_disk_failed(p, err, "applying an entry");
}

static bool peer_may_apply(const struct peer *p)
{
    return p->applied < raft_applicable(p->raft) && !p->apply_is_blocked &&
           p->batch_rows < PEER_BATCH_ROWS_MAX && !overlay_is_full(p->state) &&
           !peer_receiver_blocks_apply(p);
}

/* Everything that is committed, durable and in memory, as one batch; a fetch is asked for what is not. */
static void peer_apply(struct peer *p)
{
    p->batch_rows = 0;
    uint64_t before = p->applied;
    while (peer_may_apply(p)) {
        uint64_t index = p->applied + 1;
        const struct raft_entry *e = raft_entry_at(p->raft, index);
        if (e == NULL) {
            raft_want(p->raft, index);
            break;
        }
        int err = peer_apply_entry(p, e);
        if (err != OK) {
            peer_apply_blocked(p, index, err);
            break;
        }
        p->applied = index;
        peer_audit_on_applied(p);
        peer_tell_applied(p, e);
    }
    if (p->applied == before || p->life == PEER_STOPPED)
        return;
    LOG_DEBUG(p->log, "raft", "applied entries %llu to %llu", (unsigned long long)before + 1,
              (unsigned long long)p->applied);
    struct row_sink sink = peer_sink(p);
    int err = pinset_finish(p->pinset, &sink);
    if (err == OK)
        err = p->sink_err;
    if (err == OK)
        err = overlay_submit(p->state, p->applied);
    if (err != OK)
        peer_disk_failed(p, err, "applying");
    else if (p->flush_at_us == RAFT_NEVER && overlay_is_gathering(p->state))
        p->flush_at_us = p->now_us + PEER_STATE_PAUSE_US;
}

void peer_state_on_deadline(struct peer *p)
{
    if (p->now_us < p->flush_at_us)
        return;
    p->flush_at_us = RAFT_NEVER;
    overlay_flush(p->state);
}

void peer_state_durable(void *owner, uint64_t tag)
{
    struct peer *p = owner;
    peer_enter(p);
    if (p->raft != NULL)
        raft_on_applied(p->raft, tag);
    peer_tell(p, &(struct peer_fact){ .kind = PEER_FACT_KEPT, .index = tag });
    peer_exports_on_durable(p, tag);
    peer_leave(p);
}

/* ---- steps ---- */

/* What is due after any input. A step may make room for the next, so it goes on until nothing moves. */
void peer_raft_settle(struct peer *p)
{
    if (p->fetch_was_refused) { /* not from inside the ready that asked for it */
        p->fetch_was_refused = false;
        peer_raft_take(p, raft_on_fetched(p->raft, p->now_us, NULL, 0));
    }
    uint64_t applied;
    do {
        applied = p->applied;
        peer_raft_take(p, raft_flush(p->raft, p->now_us));
        peer_store_unit(p);
        peer_tell_commit(p);
        peer_apply(p);
    } while (p->applied != applied && p->life != PEER_STOPPED);
}

void peer_raft_on_deadline(struct peer *p)
{
    if (p->raft == NULL || raft_next_deadline_us(p->raft) > p->now_us)
        return;
    peer_raft_take(p, raft_on_deadline(p->raft, p->now_us, p->election_draw));
}

static const char *peer_role_name(enum raft_state state)
{
    switch (state) {
    case RAFT_STRANGER:
        return "stranger";
    case RAFT_FOLLOWER:
        return "follower";
    case RAFT_PRE_CANDIDATE:
        return "pre-candidate";
    case RAFT_CANDIDATE:
        return "candidate";
    case RAFT_LEADER:
        return "leader";
    }
    return "?";
}

/* A new term has new chances: elections that tied must not tie again (Raft 5.2). */
void peer_on_role_changed(struct peer *p)
{
    p->election_draw = rng_below(&p->ports.rng, RNG_ELECTION, UINT32_MAX);
    p->cluster_id_proposed = false;
    p->pupils_count = 0;
    p->roles_at_us = p->now_us;
    LOG_INFO(p->log, "raft", "term %llu: %s, leader is member %llu",
             (unsigned long long)raft_term(p->raft), peer_role_name(raft_state(p->raft)),
             (unsigned long long)raft_leader(p->raft));
    peer_proposals_on_role(p);
    peer_reads_on_role(p);
    peer_health_on_role(p);
    peer_expiry_on_role(p);
    peer_sender_on_role(p);
    peer_receiver_on_role(p);
    peer_tell_role(p);
}

int peer_raft_start(struct peer *p)
{
    p->entries_room = mem_array(PEER_ENTRIES_PER_FRAME_MAX, sizeof(*p->entries_room));
    return p->entries_room == NULL ? ERR_NOMEM : OK;
}

void peer_raft_end(struct peer *p)
{
    while (!list_is_empty(&p->letters))
        peer_letter_drop(list_entry(p->letters.next, struct peer_letter, link));
    if (p->raft != NULL)
        raft_destroy(p->raft);
    mem_free(p->entries_room);
}

/* ---- messages in ---- */

static void peer_speaker_note(struct peer *p, uint64_t number, const struct peer_id *id)
{
    for (size_t i = 0; i < PEER_SPEAKERS_MAX; i++) {
        if (p->speakers[i].number == number) {
            p->speakers[i].id = *id;
            return;
        }
    }
    p->speakers[p->speakers_next] = (struct peer_speaker){ .number = number, .id = *id };
    p->speakers_next = (p->speakers_next + 1) % PEER_SPEAKERS_MAX;
}

/* A number that our configuration does not know may be news that has not reached us: then the cluster id has to
 * vouch for it. */
bool peer_may_speak(struct peer *p, const struct peer_id *from, const struct frame *frame,
                    uint64_t number)
{
    const struct raft_member *m = raft_config_member(raft_config(p->raft), number);
    if (m != NULL)
        return peer_id_equal(&m->id, from);
    if (cluster_id_is_none(&p->cluster) || !cluster_id_equal(&p->cluster, &frame->cluster))
        return false;
    peer_speaker_note(p, number, from);
    return true;
}

void peer_on_raft_frame(struct peer *p, const struct peer_id *from, const struct frame *frame)
{
    if (p->raft == NULL)
        return;
    if (cluster_id_conflicts(&p->cluster, &frame->cluster)) {
        peer_note_foreign(p, from, &frame->cluster); /* the same numbers mean others there */
        return;
    }
    struct raft_msg m;
    int err = raft_msg_decode(&m, p->entries_room, PEER_ENTRIES_PER_FRAME_MAX, frame->body.data,
                              frame->body.len);
    if (err != OK) {
        peer_bad_frame(p, from, err);
        return;
    }
    /* A message to another number of ours is for a former life (DESIGN 7). */
    if (m.to != raft_number(p->raft) || !peer_may_speak(p, from, frame, m.from))
        return;
    peer_raft_take(p, raft_step(p->raft, p->now_us, p->election_draw, &m));
    if (raft_has_diverged(p->raft))
        peer_has_diverged(p, from);
}

/* ---- the disk ---- */

bool peer_has_no_room(const struct peer *p)
{
    return p->disk_retry_us != RAFT_NEVER;
}

/* What is stored stays readable; somebody with room should lead; we probe until there is room (DESIGN 6). */
void peer_disk_full(struct peer *p)
{
    if (!peer_has_no_room(p)) {
        LOG_ERROR(p->log, "store",
                  "the disk is full: this peer takes no writes until there is room");
        p->push_at_us = p->now_us; /* nobody shall give it anything */
    }
    p->disk_retry_us = p->now_us + PEER_DISK_PAUSE_US;
    if (peer_leads(p))
        peer_raft_take(p, raft_abdicate(p->raft, p->now_us, p->now_us + 4 * PEER_DISK_PAUSE_US));
}

/* A unit is on its way for too long: whoever waits for this peer had better have another leader (DESIGN 6). Again and
 * again: as long as it lasts, this peer does not stand for election either. A full disk has words of its own. */
static void peer_disk_watch(struct peer *p)
{
    if (p->now_us < p->unit_due_us || p->raft == NULL)
        return;
    p->unit_due_us = p->now_us + LIMIT_STALL_US;
    if (peer_has_no_room(p))
        return;
    if (!p->disk_hangs)
        LOG_ERROR(p->log, "store", "the disk hangs: a write of the log has not ended after %u s",
                  (unsigned)(LIMIT_STALL_US / 1000000));
    p->disk_hangs = true;
    peer_raft_take(p, raft_abdicate(p->raft, p->now_us, p->now_us + LIMIT_STALL_US));
}

void peer_disk_on_deadline(struct peer *p)
{
    peer_disk_watch(p);
    if (p->now_us < p->disk_retry_us)
        return;
    bool is_stalled = overlay_is_stalled(p->state) || overlay_is_stalled(p->local);
    p->disk_retry_us =
        is_stalled || p->units_in_flight > 0 ? p->now_us + PEER_DISK_PAUSE_US : RAFT_NEVER;
    if (p->disk_retry_us == RAFT_NEVER)
        LOG_INFO(p->log, "store", "the disk has room again");
    raft_store_retry(&p->raft_store);
    overlay_retry(p->state);
    overlay_retry(p->local);
}

/* Anything but a full disk is final: go on from what is durable, after a restart. */
void peer_disk_failed(struct peer *p, int err, const char *doing)
{
    LOG_ERROR(p->log, "store", "%s failed: %s", doing, err_text(err));
    char why[160];
    peer_words(why, sizeof(why), "%s failed: %s", doing, err_text(err));
    peer_end(p, 1, why);
}
