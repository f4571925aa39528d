#include "allocation/handed.h"

static uint64_t handed_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void handed_give(struct handed *h, const struct peer_id *to)
{
    size_t i = 0;
    while (i < h->count && !peer_id_equal(&h->peers[i].id, to))
        i++;
    if (i == LIMIT_MEMBERS_COUNT)
        return; /* so many members there are not; former ones leave the list by and by */
    if (i == h->count)
        h->peers[h->count++] = (struct handed_peer){ .id = *to };
    h->peers[i].fresh += 1;
}

struct handed_queue handed_of(struct handed *h, size_t i, const struct handed_queue *now,
                              bool turns)
{
    struct handed_peer *peer = &h->peers[i];
    if (turns) {
        peer->shown = handed_min(peer->shown, now->queued + now->running) + peer->fresh;
        peer->fresh = 0;
    }
    uint64_t queued = handed_min(peer->shown, now->queued);
    return (struct handed_queue){ .queued = queued,
                                  .running = handed_min(peer->shown - queued, now->running) };
}

void handed_tidy(struct handed *h)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->count; i++) {
        if (h->peers[i].fresh > 0 || h->peers[i].shown > 0)
            h->peers[kept++] = h->peers[i];
    }
    h->count = kept;
}
