/* peer_upload_place.c -- who gets an upload: whom the leader would let hold it, asked before its first byte leaves.
 *
 * What is decided here binds nobody. When the upload is pinned the leader decides again, and is told whom the client
 * prefers then: those who have it. Between the two a peer may have died, and somebody else takes its place. */
#include "peer_int.h"

#include "util/err.h"

enum { PLACE_VERSION = 1 };

static void place_put_peers(const struct peer_id *peers, size_t count, struct buf *out)
{
    buf_put_u16(out, (uint16_t)count);
    for (size_t i = 0; i < count; i++)
        buf_put_run(out, peers[i].bytes, peers[i].len);
}

static int place_read_peers(struct peer *p, struct reader *r, struct peer_id **peers, size_t *count)
{
    *count = reader_u16(r);
    if (r->err != OK || *count > LIMIT_MEMBERS_COUNT)
        return ERR_CORRUPT;
    *peers = arena_array(&p->arena, *count + 1, sizeof(**peers));
    if (*peers == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < *count; i++) {
        struct bytes id = reader_run(r, LIMIT_PEER_ID_BYTES);
        if (r->err != OK || peer_id_from_bytes(&(*peers)[i], id.data, id.len) != OK)
            return ERR_CORRUPT;
    }
    return OK;
}

static void place_encode(const struct pin *pin, const struct peer_id *priority, size_t count,
                         struct buf *out)
{
    buf_put_u8(out, PLACE_VERSION);
    buf_put_u32(out, (uint32_t)pin->replication_min);
    buf_put_u32(out, (uint32_t)pin->replication_max);
    place_put_peers(priority, count, out);
}

static int place_decode(struct peer *p, struct bytes payload, struct pin *pin,
                        struct peer_id **priority, size_t *count)
{
    struct reader r = reader_of(payload.data, payload.len);
    if (reader_u8(&r) > PLACE_VERSION)
        return ERR_VERSION;
    pin->replication_min = (int32_t)reader_u32(&r);
    pin->replication_max = (int32_t)reader_u32(&r);
    int err = place_read_peers(p, &r, priority, count);
    if (err == OK)
        err = reader_finish(&r);
    bool is_everywhere = pin->replication_min < 0 && pin->replication_max < 0;
    bool is_range = pin->replication_min > 0 && pin->replication_max >= pin->replication_min;
    return err == OK && !is_everywhere && !is_range ? ERR_CORRUPT : err;
}

/* ---- the leader's side ---- */

static int place_decide(struct peer *p, const struct peer_id *asker, struct pin *pin,
                        const struct peer_id *priority, size_t priority_count, struct buf *why)
{
    struct allocate_request request = { .priority = priority, .priority_count = priority_count };
    const struct raft_member *m = raft_config_member_by_id(raft_config(p->raft), asker);
    int err = peer_allocate_new(p, pin, &request, &pin->allocations, &pin->allocations_count, why);
    if (err == OK || err == ERR_NOT_ENOUGH_PEERS)
        peer_note_decision(p, DECISION_UPLOAD, m != NULL ? m->number : 0, pin, &request, err);
    return err;
}

void peer_on_allocate(struct peer *p, const struct rpc_asker *asker, struct bytes payload)
{
    struct pin pin = { 0 };
    struct peer_id *priority;
    size_t priority_count;
    struct buf why = { 0 };
    struct buf answer = { 0 };
    int err =
        peer_leads(p) ? place_decode(p, payload, &pin, &priority, &priority_count) : ERR_NOT_LEADER;
    if (err == OK)
        err = place_decide(p, &asker->from, &pin, priority, priority_count, &why);
    if (err == OK) {
        buf_put_u8(&answer, PLACE_VERSION);
        place_put_peers(pin.allocations, pin.allocations_count, &answer);
        err = answer.err;
    }
    if (err == OK)
        rpc_reply(&p->rpc, asker, buf_bytes(&answer));
    else
        rpc_refuse(&p->rpc, asker, err, why.len > 0 ? buf_text(&why) : err_text(err));
    buf_deinit(&answer);
    buf_deinit(&why);
}

/* ---- the asker's side ---- */

static void peer_place_answered(void *owner, int err, struct bytes payload, const char *text)
{
    struct peer_placing *placing = owner;
    struct peer *p = placing->peer;
    struct reader r = reader_of(payload.data, payload.len);
    struct peer_id *peers = NULL;
    size_t count = 0;
    placing->is_open = false;
    if (err == OK)
        err =
            reader_u8(&r) == PLACE_VERSION ? place_read_peers(p, &r, &peers, &count) : ERR_VERSION;
    if (err == OK && (reader_finish(&r) != OK || count == 0))
        err = ERR_CORRUPT;
    if (err == ERR_TIMEOUT || err == ERR_UNREACHABLE || err == ERR_NOT_LEADER)
        err = ERR_NO_LEADER; /* nothing has been done yet: the client may ask again */
    bool has_words = text != NULL && text[0] != '\0' && err != ERR_NO_LEADER;
    placing->done(placing, err, peers, count, has_words ? text : err_text(err));
}

int peer_place(struct peer *p, const struct pin *pin, const struct peer_id *priority,
               size_t priority_count, struct peer_placing *placing, struct buf *why)
{
    const struct raft_member *leader = p->raft != NULL ? peer_leader(p) : NULL;
    placing->peer = p;
    if (leader == NULL)
        return ERR_NO_LEADER;
    if (peer_leads(p)) {
        struct pin placed = *pin;
        int err = place_decide(p, &p->options.id, &placed, priority, priority_count, why);
        if (err == OK)
            placing->done(placing, OK, placed.allocations, placed.allocations_count, "");
        return err;
    }
    struct buf question = { 0 };
    place_encode(pin, priority, priority_count, &question);
    int err = question.err;
    if (err == OK)
        err = rpc_call(&p->rpc, p->now_us, &leader->id, RPC_ALLOCATE, buf_bytes(&question),
                       PEER_FIND_TIMEOUT_US, peer_place_answered, placing);
    placing->is_open = err == OK;
    buf_deinit(&question);
    return err;
}

void peer_place_forget(struct peer_placing *placing)
{
    if (placing->is_open)
        rpc_forget(&placing->peer->rpc, placing);
    placing->is_open = false;
}
