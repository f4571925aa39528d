/* peer_accept.c -- a list of peers that an operator has edited, on a disk that is not empty (DESIGN 8).
 *
 *      cluster_peers is not what we wrote, nor what the log says
 *           |
 *           +--- a leader is found -------------> the log wins, with a warning
 *           +--- none in start_timeout_us ------> the peer ends, and says what differs and what to do
 *           +--- daemon --accept-peers ---------> this peer alone goes on, at once
 *
 * Going on means to say what no majority has said: that this peer's log, as far as it goes, is what was committed, and
 * that it is the only voter. So the cluster gets a new name in the same unit. Whoever belongs to the old one, dead or not,
 * can neither vote nor append here any more (frames carry the name), and comes back only as a newcomer with an empty disk;
 * member numbers go on from where they were, so none is used twice. That is also why the other survivors are not taken
 * along as voters: their logs may say something else, at the same indexes.
 *
 * It works once. Afterwards the list that is written is the log's again, and there is nothing to accept; and should the
 * file not be ours to write, and the flag stand in some unit file for ever, then a row of the local state still says that
 * this list was accepted for the cluster that we are in now. */
#include "peer_int.h"

#include <string.h>

#include "state/tables.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

/* ---- what differs ---- */

static bool accept_lists(const struct peer *p, const struct peer_id *id)
{
    for (size_t i = 0; i < p->options.cluster_peers_count; i++) {
        if (peer_id_equal(&p->options.cluster_peers[i].id, id))
            return true;
    }
    return false;
}

static bool accept_is_member(const struct raft_config *c, const struct peer_id *id)
{
    return c != NULL && raft_config_member_by_id(c, id) != NULL;
}

/* Two sets of ids, this peer left out of both. */
static bool accept_differs(const struct peer *p, const struct raft_config *c)
{
    for (size_t i = 0; c != NULL && i < c->count; i++) {
        const struct peer_id *id = &c->members[i].id;
        if (!peer_id_equal(id, &p->options.id) && !accept_lists(p, id))
            return true;
    }
    for (size_t i = 0; i < p->options.cluster_peers_count; i++) {
        if (!accept_is_member(c, &p->options.cluster_peers[i].id))
            return true;
    }
    return false;
}

static void accept_say_difference(const struct peer *p, const struct raft_config *c)
{
    for (size_t i = 0; c != NULL && i < c->count; i++) {
        const struct raft_member *m = &c->members[i];
        if (!peer_id_equal(&m->id, &p->options.id) && !accept_lists(p, &m->id))
            LOG_WARN(p->log, "cluster", "cluster_peers lacks member %llu, %s",
                     (unsigned long long)m->number, peer_id_print(&m->id).text);
    }
    for (size_t i = 0; i < p->options.cluster_peers_count; i++) {
        const struct peer_id *id = &p->options.cluster_peers[i].id;
        if (!accept_is_member(c, id))
            LOG_WARN(p->log, "cluster", "cluster_peers has %s, which is no member",
                     peer_id_print(id).text);
    }
}

/* ---- it works once ---- */

#define ACCEPTED_KEY ((struct bytes){ "accepted", 8 })

/* Of the list, whatever its order, and of the cluster that came of accepting it. */
static void accept_note(const struct peer *p, const struct cluster_id *successor, struct buf *out)
{
    uint64_t list = 0;
    for (size_t i = 0; i < p->options.cluster_peers_count; i++) {
        const struct peer_id *id = &p->options.cluster_peers[i].id;
        list += hash64(0, id->bytes, id->len);
    }
    buf_put_u8(out, 1);
    buf_put_u64(out, list);
    buf_append(out, successor->bytes, sizeof(successor->bytes));
}

static bool accept_was_done(struct peer *p)
{
    struct view view;
    struct buf note = { 0 };
    struct bytes row;
    accept_note(p, &p->cluster, &note);
    bool was_done = false;
    if (overlay_view_open(p->local, &view) == OK) {
        was_done = view_get(&view, LOCAL_TABLE_META, ACCEPTED_KEY, &row) == OK &&
                   bytes_equal(row, buf_bytes(&note));
        overlay_view_close(p->local, &view);
    }
    buf_deinit(&note);
    return was_done;
}

static int accept_remember(struct peer *p, const struct cluster_id *successor)
{
    struct buf note = { 0 };
    accept_note(p, successor, &note);
    int err = note.err;
    if (err == OK)
        err = overlay_put(p->local, LOCAL_TABLE_META, ACCEPTED_KEY, buf_bytes(&note));
    if (err == OK)
        err = overlay_submit(p->local, 0);
    overlay_flush(p->local);
    buf_deinit(&note);
    return err;
}

/* ---- the first unit of the successor ---- */

struct accept {
    struct buf config;
    struct buf successor;
    struct raft_entry entries[2];
};

static struct raft_pos accept_last(const struct raft_durable *d)
{
    uint64_t term = d->runs_count > 0 ? d->runs[d->runs_count - 1].term : d->base.term;
    return (struct raft_pos){ term, d->last };
}

/* This peer is what is left. */
static int accept_config(struct peer *p, const struct raft_config *was, uint64_t index)
{
    const struct raft_member *me = raft_config_member(was, p->loaded.durable.number);
    struct raft_member alone = *me;
    alone.role = RAFT_VOTER;
    p->birth_config = (struct raft_config){ .index = index, .next_number = was->next_number };
    return raft_config_add(&p->birth_config, &alone);
}

static int accept_entries(struct peer *p, const struct cluster_id *successor, struct accept *a)
{
    uint64_t term = p->loaded.durable.hard.term + 1;
    uint64_t index = p->loaded.durable.last + 1;
    struct pin_entry entry = { .kind = PIN_ENTRY_SUCCESSOR };
    memcpy(entry.predecessor, p->cluster.bytes, CLUSTER_ID_BYTES);
    memcpy(entry.cluster_id, successor->bytes, CLUSTER_ID_BYTES);
    raft_config_encode(&p->birth_config, &a->config);
    pin_entry_encode(&entry, &a->successor);
    a->entries[0] = (struct raft_entry){ .pos = { term, index },
                                         .kind = RAFT_ENTRY_CONFIG,
                                         .payload = buf_bytes(&a->config) };
    a->entries[1] = (struct raft_entry){ .pos = { term, index + 1 },
                                         .kind = RAFT_ENTRY_DATA,
                                         .payload = buf_bytes(&a->successor) };
    return a->config.err != OK ? a->config.err : a->successor.err;
}

/* The log as it will be: what was loaded, and a run for the new term. */
static int accept_birth(struct peer *p)
{
    const struct raft_durable *was = &p->loaded.durable;
    p->birth_runs = mem_array(was->runs_count + 1, sizeof(*p->birth_runs));
    if (p->birth_runs == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < was->runs_count; i++)
        p->birth_runs[i] = was->runs[i];
    p->birth_runs[was->runs_count] = (struct raft_term_run){ was->hard.term + 1, was->last + 1 };
    p->birth = *was;
    p->birth.hard.term = was->hard.term + 1;
    p->birth.hard.voted_for = RAFT_NOBODY;
    p->birth.last = was->last + 2;
    p->birth.runs = p->birth_runs;
    p->birth.runs_count = was->runs_count + 1;
    p->birth.config = &p->birth_config;
    p->birth.config_previous = was->config;
    return OK;
}

static void accept_warn(const struct peer *p)
{
    const struct raft_durable *d = &p->loaded.durable;
    struct raft_pos last = accept_last(d);
    accept_say_difference(p, d->config);
    LOG_WARN(
        p->log, "cluster",
        "going on alone from this disk: its last entry is index %llu of term %llu, its state "
        "has %llu pins. Everything up to that entry counts as decided now, also what no majority "
        "had (entries behind %llu); what others have acknowledged beyond it is lost",
        (unsigned long long)last.index, (unsigned long long)last.term,
        (unsigned long long)pinset_facts(p->pinset)->pins_count,
        (unsigned long long)d->hard.committed);
    LOG_WARN(
        p->log, "cluster",
        "the cluster has a new id from here on. No other peer may do the same. A former member "
        "that comes back cannot take part with its old data: there, `ipfs-cluster-service state "
        "cleanup` first, then start it, and it joins anew");
}

static int accept_go_on(struct peer *p)
{
    struct accept a = { 0 };
    struct cluster_id successor;
    rng_bytes(&p->ports.rng, RNG_IDENTITY, successor.bytes, sizeof(successor.bytes));
    accept_warn(p);
    peer_tell_woke(p, &p->loaded.durable);
    int err = accept_config(p, p->loaded.durable.config, p->loaded.durable.last + 1);
    if (err == OK)
        err = accept_entries(p, &successor, &a);
    if (err == OK)
        err = accept_birth(p);
    if (err == OK)
        err = accept_remember(p, &successor);
    if (err == OK) {
        p->cluster = p->rpc.cluster = successor;
        peer_write_birth(p, a.entries, 2, 0);
    }
    buf_deinit(&a.config);
    buf_deinit(&a.successor);
    return err;
}

/* ---- the start ---- */

static const char *accept_refusal(const struct peer *p, const struct raft_config *c)
{
    if (cluster_id_is_none(&p->cluster) || c == NULL)
        return "this peer's cluster has never agreed on anything: put the data aside (state "
               "cleanup) and "
               "found or join one anew";
    if (raft_config_member(c, p->loaded.durable.number) == NULL)
        return "this peer was removed from its cluster: put the data aside (state cleanup) and "
               "join it "
               "anew";
    return NULL;
}

int peer_accept_start(struct peer *p, bool *is_taken)
{
    const struct raft_config *c = p->loaded.durable.config;
    bool differs = accept_differs(p, c);
    if (!p->options.accept_peers) {
        p->edit_is_open = p->options.cluster_peers_edited && differs;
        p->start_deadline_us = p->now_us + p->options.start_timeout_us;
        return OK;
    }
    if (!differs || !p->options.cluster_peers_edited || accept_was_done(p)) {
        LOG_WARN(
            p->log, "cluster", "--accept-peers has nothing to do: %s",
            !differs ? "cluster_peers names the members that the log has. Peers that are lost for "
                       "ever are taken out of it first"
            : !p->options.cluster_peers_edited
                ? "cluster_peers is as this peer wrote it. Peers that are lost for ever are taken "
                  "out of it first"
                : "this list was accepted before, and the log decides since");
        return OK;
    }
    const char *refusal = accept_refusal(p, c);
    if (refusal != NULL) {
        LOG_ERROR(p->log, "cluster", "--accept-peers: %s", refusal);
        return ERR_REFUSED;
    }
    *is_taken = true;
    return accept_go_on(p);
}

/* ---- who decides ---- */

void peer_accept_settle(struct peer *p)
{
    if (!p->edit_is_open || raft_leader(p->raft) == RAFT_NOBODY)
        return;
    accept_say_difference(p, raft_config(p->raft));
    LOG_WARN(p->log, "cluster",
             "there is a leader, so the log decides who belongs: cluster_peers is written anew. "
             "Members are changed with ipfs-cluster-ctl peers add and peers rm");
    p->edit_is_open = false;
    peer_tell_members(p);
}

void peer_accept_on_deadline(struct peer *p)
{
    if (p->now_us < peer_accept_deadline_us(p))
        return;
    accept_say_difference(p, raft_config(p->raft));
    peer_end(
        p, 1,
        "cluster_peers was edited, and there is no leader to ask. If the members that it lacks are "
        "lost for ever: choose the one survivor whose last entry has the highest term, then index "
        "(ipfs-cluster-service state info), and start only that one with daemon --accept-peers. "
        "Else put cluster_peers back as it was");
}

uint64_t peer_accept_deadline_us(const struct peer *p)
{
    return p->edit_is_open && p->life == PEER_MEMBER ? p->start_deadline_us : RAFT_NEVER;
}
