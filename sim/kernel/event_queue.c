/* Heap nodes carry their key, so that sifting compares without following a slot; slots carry the event
 * and where its node stands. Slot 0 is never used: {0} is no event. */
#include "sim/kernel/event_queue.h"

#include <string.h>

#include "util/assert.h"
#include "util/mem.h"

struct event_node {
    uint64_t at_us;
    uint64_t seq;
    uint32_t slot;
};

enum event_place { EVENT_FREE, EVENT_QUEUED, EVENT_PARKED };

struct event_slot {
    struct event event;
    enum event_place place;
    uint32_t birth;
    uint32_t at; /* QUEUED: index in the heap. FREE: the next free slot */
};

static bool event_before(const struct event_node *a, const struct event_node *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->seq < b->seq;
}

static void event_free_slots(struct event_queue *q, size_t first)
{
    for (size_t i = q->size; i-- > first;) {
        q->slots[i].place = EVENT_FREE;
        q->slots[i].birth = 0;
        q->slots[i].at = q->free_slot;
        q->free_slot = (uint32_t)i;
    }
}

void event_queue_init(struct event_queue *q, size_t size)
{
    ASSERT(size >= 2);
    memset(q, 0, sizeof(*q));
    q->heap = mem_array(size, sizeof(*q->heap));
    q->slots = mem_array(size, sizeof(*q->slots));
    ASSERT(q->heap != NULL && q->slots != NULL);
    q->size = size;
    event_free_slots(q, 1);
}

void event_queue_deinit(struct event_queue *q)
{
    mem_free(q->heap);
    mem_free(q->slots);
    mem_free(q->parked);
    memset(q, 0, sizeof(*q));
}

static void event_queue_grow(struct event_queue *q)
{
    size_t old = q->size;
    ASSERT(old < UINT32_MAX / 2);
    q->size = old * 2;
    q->heap = mem_realloc(q->heap, q->size * sizeof(*q->heap));
    q->slots = mem_realloc(q->slots, q->size * sizeof(*q->slots));
    ASSERT(q->heap != NULL && q->slots != NULL);
    event_free_slots(q, old);
}

/* ---- the heap ---- */

static void event_set_node(struct event_queue *q, size_t at, struct event_node node)
{
    q->heap[at] = node;
    q->slots[node.slot].at = (uint32_t)at;
}

static void event_sift_up(struct event_queue *q, size_t at, struct event_node node)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!event_before(&node, &q->heap[parent]))
            break;
        event_set_node(q, at, q->heap[parent]);
        at = parent;
    }
    event_set_node(q, at, node);
}

static void event_sift_down(struct event_queue *q, size_t at, struct event_node node)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= q->count)
            break;
        if (child + 1 < q->count && event_before(&q->heap[child + 1], &q->heap[child]))
            child += 1;
        if (!event_before(&q->heap[child], &node))
            break;
        event_set_node(q, at, q->heap[child]);
        at = child;
    }
    event_set_node(q, at, node);
}

/* Puts `node` in the place of what stood at `at`. */
static void event_settle(struct event_queue *q, size_t at, struct event_node node)
{
    if (at > 0 && event_before(&node, &q->heap[(at - 1) / 2]))
        event_sift_up(q, at, node);
    else
        event_sift_down(q, at, node);
}

static void event_heap_insert(struct event_queue *q, uint32_t slot)
{
    struct event *event = &q->slots[slot].event;
    event->seq = q->next_seq++;
    q->slots[slot].place = EVENT_QUEUED;
    q->count += 1;
    event_sift_up(q, q->count - 1, (struct event_node){ event->at_us, event->seq, slot });
}

static void event_heap_remove(struct event_queue *q, size_t at)
{
    q->count -= 1;
    if (at < q->count)
        event_settle(q, at, q->heap[q->count]);
}

/* ---- slots ---- */

static uint32_t event_slot_take(struct event_queue *q)
{
    if (q->free_slot == 0)
        event_queue_grow(q);
    uint32_t slot = q->free_slot;
    q->free_slot = q->slots[slot].at;
    q->slots[slot].birth += 1;
    return slot;
}

static void event_slot_give_back(struct event_queue *q, uint32_t slot)
{
    q->slots[slot].place = EVENT_FREE;
    q->slots[slot].at = q->free_slot;
    q->free_slot = slot;
}

static struct event_slot *event_find(const struct event_queue *q, struct event_id id)
{
    if (id.slot == 0 || id.slot >= q->size)
        return NULL;
    struct event_slot *slot = &q->slots[id.slot];
    return slot->birth == id.birth && slot->place != EVENT_FREE ? slot : NULL;
}

struct event_id event_queue_push(struct event_queue *q, const struct event *event)
{
    ASSERT(event->run != NULL);
    uint32_t slot = event_slot_take(q);
    q->slots[slot].event = *event;
    event_heap_insert(q, slot);
    return (struct event_id){ slot, q->slots[slot].birth };
}

bool event_queue_has(const struct event_queue *q, struct event_id id)
{
    return event_find(q, id) != NULL;
}

static void event_parked_remove(struct event_queue *q, uint32_t slot)
{
    size_t kept = 0;
    for (size_t i = 0; i < q->parked_count; i++)
        if (q->parked[i] != slot)
            q->parked[kept++] = q->parked[i];
    ASSERT(kept + 1 == q->parked_count);
    q->parked_count = kept;
}

bool event_queue_cancel(struct event_queue *q, struct event_id id)
{
    struct event_slot *slot = event_find(q, id);
    if (slot == NULL)
        return false;
    if (slot->place == EVENT_PARKED)
        event_parked_remove(q, id.slot);
    else
        event_heap_remove(q, slot->at);
    event_slot_give_back(q, id.slot);
    return true;
}

bool event_queue_move(struct event_queue *q, struct event_id id, uint64_t at_us)
{
    struct event_slot *slot = event_find(q, id);
    if (slot == NULL)
        return false;
    slot->event.at_us = at_us;
    slot->event.seq = q->next_seq++;
    if (slot->place == EVENT_QUEUED)
        event_settle(q, slot->at, (struct event_node){ at_us, slot->event.seq, id.slot });
    return true;
}

/* ---- taking ---- */

bool event_queue_first(const struct event_queue *q, struct event *out)
{
    if (q->count == 0)
        return false;
    *out = q->slots[q->heap[0].slot].event;
    return true;
}

void event_queue_drop_first(struct event_queue *q)
{
    ASSERT(q->count > 0);
    uint32_t slot = q->heap[0].slot;
    event_heap_remove(q, 0);
    event_slot_give_back(q, slot);
}

void event_queue_park_first(struct event_queue *q)
{
    ASSERT(q->count > 0);
    if (q->parked_count == q->parked_size) {
        q->parked_size = q->parked_size == 0 ? 64 : 2 * q->parked_size;
        q->parked = mem_realloc(q->parked, q->parked_size * sizeof(*q->parked));
        ASSERT(q->parked != NULL);
    }
    uint32_t slot = q->heap[0].slot;
    event_heap_remove(q, 0);
    q->slots[slot].place = EVENT_PARKED;
    q->parked[q->parked_count++] = slot;
}

void event_queue_unpark(struct event_queue *q, uint16_t who, uint64_t at_us)
{
    size_t kept = 0;
    for (size_t i = 0; i < q->parked_count; i++) {
        uint32_t slot = q->parked[i];
        if (q->slots[slot].event.who != who) {
            q->parked[kept++] = slot;
            continue;
        }
        /* A timer that was moved while its owner was frozen may lie ahead. */
        if (q->slots[slot].event.at_us < at_us)
            q->slots[slot].event.at_us = at_us;
        event_heap_insert(q, slot);
    }
    q->parked_count = kept;
}

void event_queue_check(const struct event_queue *q)
{
    for (size_t i = 0; i < q->count; i++) {
        const struct event_node *node = &q->heap[i];
        const struct event_slot *slot = &q->slots[node->slot];
        ASSERT(slot->place == EVENT_QUEUED && slot->at == i);
        ASSERT(slot->event.at_us == node->at_us && slot->event.seq == node->seq);
        ASSERT(i == 0 || !event_before(node, &q->heap[(i - 1) / 2]));
    }
    for (size_t i = 0; i < q->parked_count; i++)
        ASSERT(q->slots[q->parked[i]].place == EVENT_PARKED);
}
