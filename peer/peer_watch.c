#include "peer_watch.h"

#include "peer_int.h"
#include "peer_survey.h"
#include "util/err.h"
#include "util/mem.h"

enum { WATCH_PAUSE_US = 1000 * 1000 };

struct peer_watch {
    struct list_link link; /* the peer's */
    struct peer *peer;
    struct proxy_watch *told;
    struct api_listing *listing; /* NULL: the next look is still to come */
    struct arena arena;
    uint64_t look_at_us;
};

static void watch_end_look(struct peer_watch *w)
{
    if (w->listing != NULL)
        peer_survey_close(w->listing);
    w->listing = NULL;
    w->look_at_us = w->peer->now_us + WATCH_PAUSE_US;
    arena_reset(&w->arena);
}

static struct proxy_look watch_count(const struct api_status *status)
{
    struct proxy_look look = { .is_gone = status->pin == NULL };
    if (look.is_gone)
        return look;
    bool everywhere = status->pin->replication_min < 0;
    look.needed = everywhere ? 0 : (size_t)status->pin->replication_min;
    for (size_t i = 0; i < status->peers_count; i++) {
        const struct api_peer_status *s = &status->peers[i];
        look.needed += everywhere && s->status != TRACKER_CLUSTER_ERROR &&
                       !s->is_held_back; /* whoever answers, and takes it */
        look.pinned += s->status == TRACKER_PINNED;
        look.blocks += s->progress_nodes;
        look.bytes += s->progress_bytes;
    }
    if (look.needed == 0)
        look.needed = 1; /* nobody who takes it says anything: that is not enough */
    return look;
}

/* The last act of whoever calls it: the watch may be closed by what it tells. */
static void watch_take(struct peer_watch *w)
{
    struct api_status status;
    enum api_next next = peer_survey_next_status(w->listing, &w->arena, &status);
    if (next == API_NEXT_WAIT)
        return;
    struct proxy_look look = { .needed = 1 };
    if (next == API_NEXT_ROW)
        look = watch_count(&status);
    watch_end_look(w);
    w->told->on_look(w->told, &look);
}

static void watch_on_wake(void *owner)
{
    watch_take(owner);
}

static void watch_look(struct peer_watch *w)
{
    struct api_status_request request = { .is_one = true, .cid = w->told->cid };
    struct api_listing_hooks hooks = { .on_wake = watch_on_wake, .owner = w };
    if (peer_survey_status(w->peer, &request, &hooks, &w->listing) == OK)
        watch_take(w);
    else
        watch_end_look(w); /* again in a second */
}

int peer_watch_open(void *impl, struct proxy_watch *told)
{
    struct peer *p = impl;
    struct peer_watch *w = mem_zalloc(sizeof(*w));
    if (w == NULL)
        return ERR_NOMEM;
    peer_enter(p);
    w->peer = p;
    w->told = told;
    w->look_at_us = p->now_us;
    list_push_back(&p->watches, &w->link);
    told->pending = w;
    peer_leave(p);
    return OK;
}

void peer_watch_close(void *impl, struct proxy_watch *told)
{
    struct peer_watch *w = told->pending;
    (void)impl;
    told->pending = NULL;
    list_remove(&w->link);
    if (w->listing != NULL)
        peer_survey_close(w->listing);
    arena_deinit(&w->arena);
    mem_free(w);
}

void peer_watches_on_deadline(struct peer *p)
{
    list_for_each_safe (link, after, &p->watches) {
        struct peer_watch *w = list_entry(link, struct peer_watch, link);
        if (w->listing == NULL && p->now_us >= w->look_at_us)
            watch_look(w);
    }
}

uint64_t peer_watches_deadline_us(const struct peer *p)
{
    uint64_t due_us = RAFT_NEVER;
    list_for_each_safe (link, after, &p->watches) {
        const struct peer_watch *w = list_entry(link, struct peer_watch, link);
        if (w->listing == NULL && w->look_at_us < due_us)
            due_us = w->look_at_us;
    }
    return due_us;
}
