/* peer_status.c -- answers about this peer: its self-description, and pages of its local state (DESIGN 18).
 *
 * The same functions serve another peer's call and this peer's own doors, so that "local" and "cluster-wide" cannot
 * differ. A page is cut by rows and by view steps; the asker goes on behind `after`. */
#include "peer_int.h"

#include <string.h>

#include "peer_informer.h"
#include "peer_pages.h"
#include "util/err.h"

static struct bytes peer_text(const char *text)
{
    return (struct bytes){ text, strlen(text) };
}

/* ---- ID ---- */

/* The other members' addresses, as the configuration has them. */
static int peer_describe_members(struct peer *p, struct arena *arena, struct api_id *out)
{
    static const struct raft_config none;
    const struct raft_config *c = p->raft != NULL ? raft_config(p->raft) : &none;
    struct peer_id *members = arena_array(arena, c->count + 1, sizeof(*members));
    struct api_member_addr *addrs =
        arena_array(arena, c->count * RAFT_MEMBER_ADDRS_MAX + 1, sizeof(*addrs));
    if (members == NULL || addrs == NULL)
        return ERR_NOMEM;
    size_t addrs_count = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct raft_member *m = &c->members[i];
        members[i] = m->id;
        for (size_t a = 0; a < m->addrs_count && m->number != raft_number(p->raft); a++)
            addrs[addrs_count++] = (struct api_member_addr){ .id = m->id, .addr = m->addrs[a] };
    }
    out->members = members;
    out->members_count = c->count;
    out->member_addrs = addrs;
    out->member_addrs_count = addrs_count;
    return OK;
}

enum api_role peer_own_role(const struct peer *p)
{
    const struct raft_member *self =
        p->raft == NULL ? NULL : raft_config_member(raft_config(p->raft), raft_number(p->raft));
    if (self == NULL)
        return API_ROLE_NONE;
    switch (self->role) {
    case RAFT_VOTER:
        return API_ROLE_VOTER;
    case RAFT_LEARNER:
        return API_ROLE_LEARNER;
    case RAFT_LEAVING:
    case RAFT_DISMISSED:
        return API_ROLE_LEAVING;
    }
    return API_ROLE_NONE;
}

int peer_describe(struct peer *p, struct arena *arena, struct api_id *out)
{
    struct multiaddr *addrs = arena_array(arena, LIMIT_PEER_ADDRESSES_COUNT, sizeof(*addrs));
    struct peer_ipfs ipfs;
    peer_informer_ipfs(p->informer, &ipfs);
    struct bytes *ipfs_addrs = arena_array(arena, ipfs.addresses_count + 1, sizeof(*ipfs_addrs));
    if (addrs == NULL || ipfs_addrs == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < ipfs.addresses_count; i++)
        ipfs_addrs[i] = peer_text(ipfs.addresses[i]);
    *out = (struct api_id){ .id = p->options.id,
                            .name = peer_text(p->options.name),
                            .version = peer_text(p->options.version),
                            .addrs = addrs,
                            .role = peer_own_role(p),
                            .ipfs_id = peer_text(ipfs.id),
                            .ipfs_addrs = ipfs_addrs,
                            .ipfs_addrs_count = ipfs.addresses_count,
                            .ipfs_error = peer_text(ipfs.error) };
    out->has_kept = p->raft != NULL && pinset_facts(p->pinset)->level >= PINSET_LEVEL_DISMISSAL &&
                    peer_count_kept(p, &out->kept);
    out->addrs_count =
        transport_listen_addresses(&p->ports.transport, addrs, LIMIT_PEER_ADDRESSES_COUNT);
    return peer_describe_members(p, arena, out);
}

void peer_on_id(struct peer *p, const struct rpc_asker *asker)
{
    struct api_id id;
    struct buf out = { 0 };
    int err = peer_describe(p, &p->arena, &id);
    if (err == OK) {
        page_id_encode(&id, &out);
        err = out.err;
    }
    if (err == OK)
        rpc_reply(&p->rpc, asker, buf_bytes(&out));
    else
        rpc_refuse(&p->rpc, asker, err, err_text(err));
    buf_deinit(&out);
}

/* ---- pages ---- */

static int peer_page_of_one(struct peer *p, const struct page_request *r, struct view *state,
                            struct view *local, struct arena *arena, struct tracker_info *infos,
                            struct page *page)
{
    page->count = 1;
    page->is_last = true;
    return tracker_status_of(p->tracker, state, local, &r->cid, arena, &infos[0]);
}

static int peer_page_rows(struct peer *p, const struct page_request *r, struct view *state,
                          struct view *local, struct arena *arena, struct tracker_info *infos,
                          const struct pin **pins, struct page *page)
{
    unsigned steps = LIMIT_VIEW_STEPS_COUNT / 4;
    struct tracker_listing listing =
        tracker_listing_after(p->tracker, state, local, &r->cid, pins != NULL, arena);
    int err = OK;
    while (err == OK && page->count < r->limit) {
        err = tracker_status_next(&listing, r->filter, &steps, &infos[page->count]);
        if (err == OK && pins != NULL)
            pins[page->count] = listing.found;
        page->count += err == OK;
    }
    page->pins = pins;
    page->after = listing.after;
    page->is_last = err == ERR_NOT_FOUND;
    return err == ERR_NOT_FOUND || err == ERR_MORE ? OK : err;
}

/* One page of the local state; it lies in the arena. */
int peer_page(struct peer *p, const struct page_request *r, bool brings_pins, struct arena *arena,
              struct page *out)
{
    if (p->raft == NULL)
        return ERR_BUSY;
    struct peer_ipfs ipfs;
    peer_informer_ipfs(p->informer, &ipfs);
    struct tracker_info *infos = arena_alloc(arena, (r->limit + 1u) * sizeof(*infos));
    const struct pin **pins =
        brings_pins ? arena_alloc(arena, (r->limit + 1u) * sizeof(struct pin *)) : NULL;
    const char *ipfs_id = arena_strdup(arena, ipfs.id);
    if (infos == NULL || ipfs_id == NULL || (brings_pins && pins == NULL))
        return ERR_NOMEM;
    struct view state;
    struct view local;
    int err = peer_view(p, &state);
    if (err != OK)
        return err;
    *out = (struct page){ .name = peer_text(p->options.name),
                          .ipfs_id = peer_text(ipfs_id),
                          .infos = infos };
    err = peer_local_view(p, &local);
    if (err == OK) {
        err = r->is_one ? peer_page_of_one(p, r, &state, &local, arena, infos, out)
                        : peer_page_rows(p, r, &state, &local, arena, infos, pins, out);
        peer_local_view_end(p, &local);
    }
    peer_view_end(p, &state);
    return err;
}

static void peer_reply_page(struct peer *p, const struct rpc_asker *asker,
                            const struct page_request *r)
{
    struct page page;
    struct buf out = { 0 };
    int err = peer_page(p, r, false, &p->arena, &page);
    if (err == OK) {
        page_encode(&page, &out);
        err = out.err;
    }
    if (err == OK)
        rpc_reply(&p->rpc, asker, buf_bytes(&out));
    else
        rpc_refuse(&p->rpc, asker, err, err_text(err));
    buf_deinit(&out);
}

void peer_on_status(struct peer *p, const struct rpc_asker *asker, struct bytes payload)
{
    struct page_request request;
    int err = page_request_decode(&request, payload);
    if (err == OK)
        peer_reply_page(p, asker, &request);
    else
        rpc_refuse(&p->rpc, asker, err, err_text(err));
}

/* ---- recover and sync: start it here, answer how things stand ---- */

void peer_recover(struct peer *p, const struct cid *cid)
{
    if (cid_is_undefined(cid))
        tracker_recover_all(p->tracker);
    else
        tracker_recover(p->tracker, cid);
}

void peer_sync(struct peer *p, const struct cid *cid)
{
    if (cid_is_undefined(cid))
        tracker_sync_all(p->tracker);
    else
        tracker_sync(p->tracker, cid);
}

static void peer_on_order(struct peer *p, const struct rpc_asker *asker, struct bytes payload,
                          void (*order)(struct peer *, const struct cid *))
{
    struct page_request request;
    int err = page_request_decode(&request, payload);
    if (err != OK) {
        rpc_refuse(&p->rpc, asker, err, err_text(err));
        return;
    }
    static const struct cid all;
    order(p, request.is_one ? &request.cid : &all);
    peer_reply_page(p, asker, &request);
}

void peer_on_recover(struct peer *p, const struct rpc_asker *asker, struct bytes payload)
{
    peer_on_order(p, asker, payload, peer_recover);
}

void peer_on_sync(struct peer *p, const struct rpc_asker *asker, struct bytes payload)
{
    peer_on_order(p, asker, payload, peer_sync);
}
