/* Failure detection by silence, without the three mistakes that make it cry wolf:
 *
 *   - A moment stamped by the sender's clock says nothing here (K24). What counts is when a metric arrived,
 *     on our own clock, and how long it said it would hold.
 *   - Whoever did not listen heard nothing. A new leader, one that was cut off, and a process that was
 *     stopped or starved start the silence of everybody anew.
 *   - Nobody dies at the first missed beat: between suspect and down lie `repin_after_us`, in which a
 *     restart or a short partition heals (K13), and suspects keep what they hold.
 *
 * Liveness is computed when asked. There is no alert that could be lost, doubled or left over (K02, K03,
 * K05, K37). */
#include "health/monitor_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

int monitor_create(struct monitor **out, const struct monitor_options *options)
{
    ASSERT(options->ttl_us > 0);
    struct monitor *m = mem_zalloc(sizeof(*m));
    if (m == NULL)
        return ERR_NOMEM;
    m->options = *options;
    if (m->options.stall_us == 0)
        m->options.stall_us = options->ttl_us;
    *out = m;
    return OK;
}

static void monitor_free_slots(struct monitor_slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_deinit(&slots[i].name);
        buf_deinit(&slots[i].value);
    }
    mem_free(slots);
}

void monitor_free_peers(struct monitor_peer *peers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        monitor_free_slots(peers[i].slots, peers[i].slots_count);
    mem_free(peers);
}

void monitor_destroy(struct monitor *m)
{
    monitor_free_peers(m->peers, m->peers_count);
    mem_free(m);
}

/* ---- members ---- */

/* The place of the first peer with an id >= `id`. */
static size_t monitor_place(const struct monitor_peer *peers, size_t count,
                            const struct peer_id *id)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (peer_id_compare(&peers[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct monitor_peer *monitor_find(const struct monitor *m, const struct peer_id *id)
{
    size_t place = monitor_place(m->peers, m->peers_count, id);
    bool found = place < m->peers_count && peer_id_equal(&m->peers[place].id, id);
    return found ? &m->peers[place] : NULL;
}

int monitor_insert(struct monitor_peer *peers, size_t *count, const struct peer_id *id,
                   uint64_t now_us)
{
    size_t place = monitor_place(peers, *count, id);
    if (place < *count && peer_id_equal(&peers[place].id, id))
        return OK;
    struct monitor_slot *slots = mem_array(LIMIT_METRICS_PER_PEER_COUNT, sizeof(*slots));
    if (slots == NULL)
        return ERR_NOMEM;
    memmove(&peers[place + 1], &peers[place], (*count - place) * sizeof(*peers));
    peers[place] = (struct monitor_peer){ .id = *id, .silent_since_us = now_us, .slots = slots };
    *count += 1;
    return OK;
}

int monitor_set_members(struct monitor *m, uint64_t now_us, const struct peer_id *ids, size_t count)
{
    struct monitor_peer *peers = mem_array(count + 1, sizeof(*peers));
    if (peers == NULL)
        return ERR_NOMEM;
    size_t peers_count = 0;
    for (size_t i = 0; i < count; i++) {
        int err = monitor_insert(peers, &peers_count, &ids[i], now_us);
        if (err != OK) {
            monitor_free_peers(peers, peers_count);
            return err;
        }
    }
    for (size_t i = 0; i < peers_count; i++) {
        struct monitor_peer *known = monitor_find(m, &peers[i].id);
        if (known == NULL)
            continue;
        struct monitor_peer swap = *known; /* what is left in the old list goes with it */
        *known = peers[i];
        peers[i] = swap;
    }
    monitor_free_peers(m->peers, m->peers_count);
    m->peers = peers;
    m->peers_count = peers_count;
    return OK;
}

/* ---- silence ---- */

struct monitor_slot *monitor_slot(const struct monitor_peer *peer, struct bytes name)
{
    for (size_t i = 0; i < peer->slots_count; i++) {
        if (bytes_equal(buf_bytes(&peer->slots[i].name), name))
            return &peer->slots[i];
    }
    return NULL;
}

static bool monitor_has_slept(const struct monitor *m, uint64_t now_us)
{
    return m->last_time_us != 0 && now_us - m->last_time_us > m->options.stall_us;
}

static uint64_t monitor_later(uint64_t a_us, uint64_t b_us)
{
    return (int64_t)(a_us - b_us) > 0 ? a_us : b_us;
}

static uint64_t monitor_silent_since_us(const struct monitor *m, const struct monitor_peer *peer)
{
    return monitor_later(peer->silent_since_us, m->listening_since_us);
}

static uint64_t monitor_ttl_us(const struct monitor *m, const struct monitor_peer *peer)
{
    struct bytes name = { METRIC_PING, sizeof(METRIC_PING) - 1 };
    const struct monitor_slot *ping = monitor_slot(peer, name);
    return ping != NULL ? ping->metric.ttl_us : m->options.ttl_us;
}

static uint64_t monitor_silence_of(const struct monitor *m, uint64_t now_us,
                                   const struct monitor_peer *peer)
{
    uint64_t since_us = monitor_silent_since_us(m, peer);
    return monitor_later(now_us, since_us) - since_us;
}

static enum liveness monitor_liveness_of(const struct monitor *m, uint64_t now_us,
                                         const struct monitor_peer *peer)
{
    if (monitor_has_slept(m, now_us)) /* monitor_on_time() is about to hear of it */
        return LIVENESS_HEALTHY;
    uint64_t silence_us = monitor_silence_of(m, now_us, peer);
    uint64_t ttl_us = monitor_ttl_us(m, peer);
    if (silence_us < ttl_us)
        return LIVENESS_HEALTHY;
    return silence_us - ttl_us < m->options.repin_after_us ? LIVENESS_SUSPECT : LIVENESS_DOWN;
}

/* ---- arrivals ---- */

int monitor_new_slot(struct monitor_peer *peer, struct bytes name, struct monitor_slot **out)
{
    if (peer->slots_count == LIMIT_METRICS_PER_PEER_COUNT)
        return ERR_TOO_BIG;
    struct monitor_slot *slot = &peer->slots[peer->slots_count];
    *slot = (struct monitor_slot){ 0 };
    buf_append(&slot->name, name.data, name.len);
    if (slot->name.err != OK) {
        buf_deinit(&slot->name);
        return ERR_NOMEM;
    }
    peer->slots_count += 1;
    *out = slot;
    return OK;
}

int monitor_slot_set(struct monitor_slot *slot, const struct metric *metric)
{
    buf_clear(&slot->value);
    buf_append(&slot->value, metric->value.data, metric->value.len);
    slot->metric = *metric;
    slot->metric.name = buf_bytes(&slot->name);
    slot->metric.value = buf_bytes(&slot->value);
    if (slot->value.err != OK)
        slot->metric.is_valid = false;
    return slot->value.err;
}

/* It spoke, whatever becomes of what it said. */
static void monitor_on_sign(struct monitor *m, uint64_t now_us, struct monitor_peer *peer)
{
    if (monitor_liveness_of(m, now_us, peer) == LIVENESS_DOWN) {
        peer->was_down = true;
        peer->down_us = monitor_silence_of(m, now_us, peer);
        peer->back_at_us = now_us;
    }
    peer->silent_since_us = now_us;
}

int monitor_on_metric(struct monitor *m, uint64_t now_us, const struct peer_id *from,
                      const struct metric *metric)
{
    ASSERT(metric_is_sound(metric));
    struct monitor_peer *peer = monitor_find(m, from);
    if (peer == NULL)
        return ERR_NOT_FOUND;
    monitor_on_sign(m, now_us, peer);
    struct monitor_slot *slot = monitor_slot(peer, metric->name);
    int err = slot != NULL ? OK : monitor_new_slot(peer, metric->name, &slot);
    if (err != OK)
        return err;
    if (slot->arrived_us == 0 || slot->metric.is_valid != metric->is_valid)
        slot->changed_us = now_us;
    slot->arrived_us = now_us;
    return monitor_slot_set(slot, metric);
}

/* A clock may show anything: beyond all years it must not overflow either. */
static int64_t monitor_bounded(int64_t wall_us)
{
    const int64_t most = INT64_MAX / 4;
    return wall_us > most ? most : wall_us < -most ? -most : wall_us;
}

int monitor_on_word(struct monitor *m, uint64_t now_us, const struct peer_id *from,
                    const struct monitor_word *word)
{
    struct monitor_peer *peer = monitor_find(m, from);
    if (peer == NULL)
        return ERR_NOT_FOUND;
    peer->has_word = true;
    peer->word_at_us = now_us;
    peer->wall_ahead_us = monitor_bounded(word->wall_us) - (int64_t)now_us;
    peer->level = word->level;
    return OK;
}

/* ---- liveness ---- */

void monitor_listen_from(struct monitor *m, uint64_t now_us)
{
    m->listening_since_us = now_us;
    m->last_time_us = now_us;
}

bool monitor_on_time(struct monitor *m, uint64_t now_us)
{
    ASSERT(now_us >= m->last_time_us);
    bool stalled = monitor_has_slept(m, now_us);
    m->last_time_us = now_us;
    if (stalled)
        m->listening_since_us = now_us;
    return stalled;
}

enum liveness monitor_liveness(const struct monitor *m, uint64_t now_us, const struct peer_id *id)
{
    const struct monitor_peer *peer = monitor_find(m, id);
    return peer != NULL ? monitor_liveness_of(m, now_us, peer) : LIVENESS_DOWN;
}

const char *liveness_name(enum liveness liveness)
{
    switch (liveness) {
    case LIVENESS_HEALTHY:
        return "healthy";
    case LIVENESS_SUSPECT:
        return "suspect";
    case LIVENESS_DOWN:
        return "down";
    }
    return "unknown";
}

struct monitor_standing monitor_standing(const struct monitor *m, uint64_t now_us,
                                         const struct peer_id *id)
{
    struct monitor_standing s = { .liveness = monitor_liveness(m, now_us, id) };
    const struct monitor_peer *peer = monitor_find(m, id);
    if (peer == NULL)
        return s;
    s.silence_us = monitor_silence_of(m, now_us, peer);
    s.back_us = now_us - peer->back_at_us;
    s.is_back =
        s.liveness == LIVENESS_HEALTHY && peer->was_down && s.back_us < m->options.repin_after_us;
    if (s.is_back)
        s.silence_us = peer->down_us;
    return s;
}

const char *monitor_standing_name(const struct monitor_standing *s)
{
    return s->is_back ? "back" : liveness_name(s->liveness);
}

static uint64_t monitor_earlier(uint64_t due_us, uint64_t candidate_us, uint64_t now_us)
{
    bool is_ahead = candidate_us - now_us - 1 < INT64_MAX;
    return is_ahead && candidate_us < due_us ? candidate_us : due_us;
}

uint64_t monitor_next_deadline_us(const struct monitor *m, uint64_t now_us)
{
    uint64_t due_us = m->last_time_us + m->options.stall_us / 2;
    if (due_us <= now_us)
        due_us = now_us + 1;
    for (size_t i = 0; i < m->peers_count; i++) {
        const struct monitor_peer *peer = &m->peers[i];
        uint64_t suspect_us = monitor_silent_since_us(m, peer) + monitor_ttl_us(m, peer);
        due_us = monitor_earlier(due_us, suspect_us, now_us);
        due_us = monitor_earlier(due_us, suspect_us + m->options.repin_after_us, now_us);
    }
    return due_us;
}

/* ---- what they said of themselves ---- */

static bool monitor_word_holds(const struct monitor *m, const struct monitor_peer *peer,
                               uint64_t now_us)
{
    return peer != NULL && peer->has_word && now_us - peer->word_at_us < monitor_ttl_us(m, peer);
}

int monitor_median_wall(const struct monitor *m, uint64_t now_us, const struct peer_id *ids,
                        size_t count, int64_t *out_us)
{
    int64_t ahead_us[LIMIT_MEMBERS_COUNT]; /* sorted */
    size_t known = 0;
    for (size_t i = 0; i < count && known < LIMIT_MEMBERS_COUNT; i++) {
        const struct monitor_peer *peer = monitor_find(m, &ids[i]);
        if (!monitor_word_holds(m, peer, now_us))
            continue;
        size_t place = known++;
        for (; place > 0 && ahead_us[place - 1] > peer->wall_ahead_us; place--)
            ahead_us[place] = ahead_us[place - 1];
        ahead_us[place] = peer->wall_ahead_us;
    }
    if (2 * known <= count)
        return ERR_NOT_FOUND;
    *out_us = (int64_t)now_us + ahead_us[(known - 1) / 2];
    return OK;
}

uint32_t monitor_common_level(const struct monitor *m, uint64_t now_us, const struct peer_id *ids,
                              size_t count)
{
    uint32_t common = count > 0 ? UINT32_MAX : 0;
    for (size_t i = 0; i < count; i++) {
        const struct monitor_peer *peer = monitor_find(m, &ids[i]);
        uint32_t level = monitor_word_holds(m, peer, now_us) ? peer->level : 0;
        common = level < common ? level : common;
    }
    return common;
}

/* ---- looking ---- */

static void monitor_show(const struct monitor_peer *peer, const struct monitor_slot *slot,
                         uint64_t now_us, struct monitor_metric *out)
{
    *out = (struct monitor_metric){
        .peer = peer->id,
        .metric = slot->metric,
        .arrived_us = slot->arrived_us,
        .is_expired = now_us - slot->arrived_us >= slot->metric.ttl_us,
    };
}

int monitor_get(const struct monitor *m, uint64_t now_us, const struct peer_id *peer,
                const char *name, struct monitor_metric *out)
{
    const struct monitor_peer *known = monitor_find(m, peer);
    const struct monitor_slot *slot =
        known != NULL ? monitor_slot(known, (struct bytes){ name, strlen(name) }) : NULL;
    if (slot == NULL)
        return ERR_NOT_FOUND;
    monitor_show(known, slot, now_us, out);
    return OK;
}

int monitor_next(const struct monitor *m, uint64_t now_us, const char *name,
                 const struct peer_id *after, struct monitor_metric *out)
{
    size_t place = after != NULL ? monitor_place(m->peers, m->peers_count, after) : 0;
    if (place < m->peers_count && after != NULL && peer_id_equal(&m->peers[place].id, after))
        place += 1;
    for (; place < m->peers_count; place++) {
        const struct monitor_peer *peer = &m->peers[place];
        const struct monitor_slot *slot = monitor_slot(peer, (struct bytes){ name, strlen(name) });
        if (slot != NULL) {
            monitor_show(peer, slot, now_us, out);
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

/* Sorted in, once each; full: the greatest falls out. */
static size_t monitor_add_name(struct bytes *names, size_t count, size_t max, struct bytes name)
{
    size_t place = 0;
    while (place < count && bytes_compare(names[place], name) < 0)
        place += 1;
    if (place == max || (place < count && bytes_equal(names[place], name)))
        return count;
    size_t kept = count < max ? count : max - 1;
    memmove(&names[place + 1], &names[place], (kept - place) * sizeof(*names));
    names[place] = name;
    return kept + 1;
}

size_t monitor_names(const struct monitor *m, struct bytes *out, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < m->peers_count; i++) {
        for (size_t k = 0; k < m->peers[i].slots_count; k++)
            count = monitor_add_name(out, count, max, buf_bytes(&m->peers[i].slots[k].name));
    }
    return count;
}

/* ---- alerts ---- */

static void monitor_alert_silence(const struct monitor *m, const struct monitor_peer *peer,
                                  uint64_t now_us, struct monitor_alert *out)
{
    struct bytes name = { METRIC_PING, sizeof(METRIC_PING) - 1 };
    const struct monitor_slot *ping = monitor_slot(peer, name);
    *out = (struct monitor_alert){
        .about = { .peer = peer->id, .metric = { .name = name }, .is_expired = true },
        .since_us = monitor_silent_since_us(m, peer) + monitor_ttl_us(m, peer)
    };
    if (ping != NULL)
        monitor_show(peer, ping, now_us, &out->about);
}

/* False: nothing is wrong with it. */
static bool monitor_alert_metric(const struct monitor_peer *peer, const struct monitor_slot *slot,
                                 uint64_t now_us, struct monitor_alert *out)
{
    *out = (struct monitor_alert){ 0 };
    monitor_show(peer, slot, now_us, &out->about);
    out->since_us =
        out->about.is_expired ? slot->arrived_us + slot->metric.ttl_us : slot->changed_us;
    return out->about.is_expired || !slot->metric.is_valid;
}

size_t monitor_alerts(const struct monitor *m, uint64_t now_us, struct monitor_alert *out,
                      size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < m->peers_count; i++) {
        const struct monitor_peer *peer = &m->peers[i];
        enum liveness liveness = monitor_liveness(m, now_us, &peer->id);
        if (liveness != LIVENESS_HEALTHY && count < max) {
            monitor_alert_silence(m, peer, now_us, &out[count]);
            out[count++].liveness = liveness;
            continue;
        }
        /* What its daemon should say is missing together: one cause, told by the first. */
        bool is_told = false;
        for (size_t s = 0; s < peer->slots_count && count < max; s++) {
            if (!monitor_alert_metric(peer, &peer->slots[s], now_us, &out[count]))
                continue;
            bool is_invalid = !out[count].about.is_expired;
            count += !(is_invalid && is_told);
            is_told = is_told || is_invalid;
        }
    }
    return count;
}
