/* What one monitor knows, for another that is not told by the members themselves.
 *
 *      version u8 | listens since | count u32 | a member: id, silent since, flags, was down for, back since, metrics
 *
 * Moments cross as ages: two peers' clocks have nothing to do with one another. */
#include <string.h>

#include "health/monitor_int.h"
#include "util/err.h"
#include "util/mem.h"

enum { HEARSAY_VERSION = 1, HEARSAY_WAS_DOWN = 1 << 0 };
#define HEARSAY_AGE_MAX_US ((uint64_t)100 * 366 * 24 * 3600 * 1000 * 1000)

static void monitor_tell_slot(const struct monitor_slot *slot, uint64_t now_us, struct buf *scratch,
                              struct buf *out)
{
    buf_clear(scratch);
    metric_encode(&slot->metric, scratch);
    buf_put_run(out, scratch->data, scratch->len);
    buf_put_u64(out, now_us - slot->arrived_us);
    buf_put_u64(out, now_us - slot->changed_us);
    if (scratch->err != OK)
        out->err = scratch->err;
}

static void monitor_tell_peer(const struct monitor_peer *peer, uint64_t now_us, struct buf *scratch,
                              struct buf *out)
{
    buf_put_run(out, peer->id.bytes, peer->id.len);
    buf_put_u64(out, now_us - peer->silent_since_us);
    buf_put_u8(out, peer->was_down ? HEARSAY_WAS_DOWN : 0);
    buf_put_u64(out, peer->down_us);
    buf_put_u64(out, now_us - peer->back_at_us);
    buf_put_u8(out, (uint8_t)peer->slots_count);
    for (size_t i = 0; i < peer->slots_count; i++)
        monitor_tell_slot(&peer->slots[i], now_us, scratch, out);
}

void monitor_tell(const struct monitor *m, uint64_t now_us, struct buf *out)
{
    struct buf scratch = { 0 };
    buf_put_u8(out, HEARSAY_VERSION);
    buf_put_u64(out, now_us - m->listening_since_us);
    buf_put_u32(out, (uint32_t)m->peers_count);
    for (size_t i = 0; i < m->peers_count; i++)
        monitor_tell_peer(&m->peers[i], now_us, &scratch, out);
    buf_deinit(&scratch);
}

/* A moment, told by its age; a century ago is a mistake. */
static uint64_t monitor_read_moment(struct reader *r, uint64_t now_us)
{
    uint64_t age_us = reader_u64(r);
    if (age_us > HEARSAY_AGE_MAX_US)
        r->err = ERR_CORRUPT;
    return now_us - age_us;
}

static int monitor_read_slot(struct reader *r, uint64_t now_us, struct monitor_peer *peer)
{
    struct metric metric;
    struct bytes one = reader_run(r, LIMIT_METRIC_NAME_BYTES + LIMIT_METRIC_VALUE_BYTES + 64);
    uint64_t arrived_us = monitor_read_moment(r, now_us);
    uint64_t changed_us = monitor_read_moment(r, now_us);
    int err = r->err != OK ? ERR_CORRUPT : metric_decode(&metric, one.data, one.len);
    if (err != OK || peer == NULL)
        return err;
    struct monitor_slot *slot;
    if (monitor_slot(peer, metric.name) != NULL)
        return ERR_CORRUPT;
    err = monitor_new_slot(peer, metric.name, &slot);
    if (err != OK)
        return err;
    slot->arrived_us = arrived_us;
    slot->changed_us = changed_us;
    return monitor_slot_set(slot, &metric);
}

static int monitor_read_peer(struct reader *r, uint64_t now_us, struct monitor *m)
{
    struct peer_id id;
    struct bytes bytes = reader_run(r, LIMIT_PEER_ID_BYTES);
    struct monitor_peer told = { .silent_since_us = monitor_read_moment(r, now_us),
                                 .was_down = (reader_u8(r) & HEARSAY_WAS_DOWN) != 0,
                                 .down_us = now_us - monitor_read_moment(r, now_us),
                                 .back_at_us = monitor_read_moment(r, now_us) };
    size_t count = reader_u8(r);
    int err = r->err != OK ? ERR_CORRUPT : peer_id_from_bytes(&id, bytes.data, bytes.len);
    if (err != OK)
        return ERR_CORRUPT;
    struct monitor_peer *peer = monitor_find(m, &id); /* NULL: our own list of members is older */
    if (peer != NULL) {
        peer->silent_since_us = told.silent_since_us;
        peer->was_down = told.was_down;
        peer->down_us = told.down_us;
        peer->back_at_us = told.back_at_us;
    }
    for (size_t i = 0; err == OK && i < count; i++)
        err = monitor_read_slot(r, now_us, peer);
    return err;
}

static int monitor_read(struct bytes told, uint64_t now_us, struct monitor *m)
{
    struct reader r = reader_of(told.data, told.len);
    uint8_t version = reader_u8(&r);
    if (r.err == OK && version > HEARSAY_VERSION)
        return ERR_VERSION;
    m->listening_since_us = monitor_read_moment(&r, now_us);
    uint32_t count = reader_u32(&r);
    int err = r.err != OK || version == 0 ? ERR_CORRUPT : OK;
    for (uint32_t i = 0; err == OK && i < count; i++)
        err = monitor_read_peer(&r, now_us, m);
    return err == OK && reader_finish(&r) != OK ? ERR_CORRUPT : err;
}

int monitor_hear(struct monitor *m, uint64_t now_us, struct bytes told)
{
    struct monitor fresh = { .options = m->options, .last_time_us = m->last_time_us };
    fresh.peers = mem_array(m->peers_count + 1, sizeof(*fresh.peers));
    int err = fresh.peers == NULL ? ERR_NOMEM : OK;
    for (size_t i = 0; err == OK && i < m->peers_count; i++)
        err = monitor_insert(fresh.peers, &fresh.peers_count, &m->peers[i].id, now_us);
    if (err == OK)
        err = monitor_read(told, now_us, &fresh);
    if (err != OK) {
        monitor_free_peers(fresh.peers, fresh.peers_count);
        return err;
    }
    monitor_free_peers(m->peers, m->peers_count);
    *m = fresh;
    return OK;
}
