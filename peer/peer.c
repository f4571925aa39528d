/* peer.c -- joins the modules into one peer: life, events, time, and what observers are told. */
#include "peer.h"
#include "peer_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"
#include "util/version.h"

enum { PEER_GENERATION_FIRST = 1 };

void peer_options_default(struct peer_options *o)
{
    static const char *const allocate_by[] = { "tag:group", "reposize" };
    static const struct peer_tag tags[] = { { "group", "default" } };
    *o = (struct peer_options){
        .name = "",
        .version = VERSION_TEXT,
        .level = PINSET_LEVEL_MAX,
        .start_timeout_us = 30u * 1000 * 1000,
        .raft = { .heartbeat_us = 100 * 1000,
                  .election_min_us = 1000 * 1000,
                  .append_bytes_max = 512 * 1024,
                  .append_entries_max = 512,
                  .window_max = 8,
                  .unsynced_bytes_max = 4 * 1024 * 1024,
                  .cache_bytes_max = 4 * 1024 * 1024 },
        .trim = { .trailing_entries = 10240,
                  .worth_entries = 8192,
                  .interval_us = 120u * 1000 * 1000,
                  .log_bytes_max = (uint64_t)1024 * 1024 * 1024 },
        .snapshot = { .retry_us = 1000 * 1000 },
        .scrub_pause_us = 1000 * 1000,
        .max_voters = 7,
        .voter_replace_after_us = 300u * 1000 * 1000,
        .proposals_max = 1024,
        .reads_max = 4096,
        .calls_max = 4096,
        .overlay_bytes_max = (size_t)6 * 1024 * 1024,
        .uploads_max = 64,
        .commit_timeout_us = 10u * 1000 * 1000,
        .calls_timeout_us = 15u * 1000 * 1000,
        .metric_ttl_us = 30u * 1000 * 1000,
        .repin_after_us = 60u * 1000 * 1000,
        .repair = { .at_once = 256,
                    .budget = { .per_second = 1000,
                                .percent_in_motion = 10,
                                .trickle_per_second = BUDGET_TRICKLE } },
        .replication_min = -1,
        .replication_max = -1,
        .allocate_by = allocate_by,
        .allocate_by_count = 2,
        .tags = tags,
        .tags_count = 1,
        .pinqueue_bucket = 100000,
        .concurrent_pins = 10,
        .priority_pin_max_age_us = (uint64_t)24 * 3600 * 1000 * 1000,
        .priority_pin_max_retries = 5,
        .pin_timeout_us = 120u * 1000 * 1000,
        .unpin_timeout_us = (uint64_t)3 * 3600 * 1000 * 1000,
        .ipfs_request_timeout_us = 300u * 1000 * 1000,
        .ipfs_sync_us = (uint64_t)130 * 1000 * 1000,
        .pin_recover_us = (uint64_t)12 * 60 * 1000 * 1000,
        .repogc_timeout_us = (uint64_t)24 * 3600 * 1000 * 1000,
        .connect_swarms_delay_us = 30u * 1000 * 1000,
        .shutdown_timeout_us = 60u * 1000 * 1000,
        .api_head_bytes_max = LIMIT_HTTP_HEAD_BYTES,
        .proxy_head_bytes_max = LIMIT_HTTP_HEAD_BYTES,
        .proxy_extract_path = "/api/v0/version",
        .proxy_extract_ttl_us = (uint64_t)5 * 60 * 1000 * 1000,
    };
}

void peer_words(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out, size, format, args);
    va_end(args);
}

/* ---- an event begins and ends ---- */

void peer_enter(struct peer *p)
{
    if (p->depth++ > 0)
        return;
    uint64_t now_us = clock_mono(&p->ports.clock).us;
    if (now_us < p->now_us)
        fatal("the monotonic clock ran backwards");
    p->now_us = now_us;
    p->wall_us = clock_wall(&p->ports.clock).us;
}

/* What may follow from events, in one order always. */
static void peer_settle(struct peer *p)
{
    p->settle_at_us = RAFT_NEVER;
    if (p->raft != NULL) {
        peer_proposals_on_deadline(p);
        peer_reads_begin(p);
        peer_receiver_settle(p);
        peer_removals_settle(p);
        peer_raft_settle(p);
        peer_reads_settle(p);
        peer_changes_settle(p);
        peer_accept_settle(p);
        peer_tracker_settle(p);
        peer_check_ready(p);
    }
    peer_uploads_settle(p); /* they also wait for a cluster to be found */
    peer_stop_settle(p);
}

static void peer_end_event(struct peer *p)
{
    arena_reset(&p->arena);
    p->depth -= 1;
    if (p->depth == 0 && p->hooks.on_wake != NULL)
        p->hooks.on_wake(p->hooks.owner);
}

/* Events come in crowds: a hundred requests in one turn of the loop, twenty frames in one read. What follows from
 * them is done once for all, by a deadline that is due at once: one APPEND, one unit, one batch. */
void peer_leave(struct peer *p)
{
    ASSERT(p->depth > 0);
    if (p->depth > 1) {
        p->depth -= 1;
        return;
    }
    if (p->settle_at_us == RAFT_NEVER)
        p->settle_at_us = p->now_us;
    peer_end_event(p);
}

void peer_on_deadline(struct peer *p)
{
    peer_enter(p);
    rpc_on_deadline(&p->rpc, p->now_us);
    peer_found_on_deadline(p);
    peer_accept_on_deadline(p);
    peer_raft_on_deadline(p);
    peer_members_on_deadline(p);
    peer_health_on_deadline(p);
    peer_expiry_on_deadline(p);
    peer_level_on_deadline(p);
    peer_disk_on_deadline(p);
    peer_state_on_deadline(p);
    peer_local_on_deadline(p);
    peer_sender_on_deadline(p);
    peer_receiver_on_deadline(p);
    peer_trim_on_deadline(p);
    peer_damage_on_deadline(p);
    peer_audit_on_deadline(p);
    peer_swarm_on_deadline(p);
    peer_watches_on_deadline(p);
    peer_surveys_on_deadline(p);
    peer_leave_on_deadline(p);
    peer_visit_on_deadline(p);
    if (p->life != PEER_STOPPED)
        peer_settle(p);
    peer_end_event(p);
}

static uint64_t peer_earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t peer_next_deadline_us(const struct peer *p)
{
    if (p->life == PEER_STOPPED)
        return MONO_NEVER;
    if (p->settle_at_us != RAFT_NEVER)
        return p->settle_at_us;
    uint64_t due = rpc_next_deadline_us(&p->rpc);
    due = peer_earlier(due, peer_found_deadline_us(p));
    due = peer_earlier(due, peer_accept_deadline_us(p));
    due = peer_earlier(due, p->raft != NULL ? raft_next_deadline_us(p->raft) : MONO_NEVER);
    due = peer_earlier(due, peer_proposals_deadline_us(p));
    due = peer_earlier(due, peer_reads_deadline_us(p));
    due = peer_earlier(due, peer_members_deadline_us(p));
    due = peer_earlier(due, peer_removals_deadline_us(p));
    due = peer_earlier(due, peer_leave_deadline_us(p));
    due = peer_earlier(due, peer_visit_deadline_us(p));
    due = peer_earlier(due, peer_health_deadline_us(p));
    due = peer_earlier(due, peer_expiry_deadline_us(p));
    due = peer_earlier(due, peer_level_deadline_us(p));
    due = peer_earlier(due, p->disk_retry_us);
    due = peer_earlier(due, p->unit_due_us);
    due = peer_earlier(due, p->flush_at_us);
    due = peer_earlier(due, p->local_flush_at_us);
    due = peer_earlier(due, peer_sender_deadline_us(p));
    due = peer_earlier(due, peer_receiver_deadline_us(p));
    due = peer_earlier(due, peer_trim_deadline_us(p));
    due = peer_earlier(due, peer_damage_deadline_us(p));
    due = peer_earlier(due, peer_audit_deadline_us(p));
    due = peer_earlier(due, peer_swarm_deadline_us(p));
    due = peer_earlier(due, peer_watches_deadline_us(p));
    due = peer_earlier(due, peer_surveys_deadline_us(p));
    due = peer_earlier(due, peer_tracker_deadline_us(p));
    due = peer_earlier(due, peer_uploads_deadline_us(p));
    return peer_earlier(due, peer_stop_deadline_us(p));
}

/* ---- frames ---- */

void peer_bad_frame(struct peer *p, const struct peer_id *from, int err)
{
    p->bad_frames_count += 1;
    LOG_WARN(p->log, "net", "a frame from %s is refused: %s", peer_id_print(from).text,
             err == ERR_VERSION ? "its version is newer than this peer: upgrade it"
                                : err_text(err));
}

static void peer_on_frame(void *owner, const struct peer_id *from, enum stream stream,
                          const void *bytes, size_t len)
{
    struct peer *p = owner;
    if (p->life == PEER_STOPPED)
        return;
    peer_enter(p);
    peer_traffic_came(p, stream, len);
    struct frame frame;
    int err = frame_decode(&frame, bytes, len);
    if (err != OK)
        peer_bad_frame(p, from, err);
    else if (stream == STREAM_CONTROL && frame.kind == FRAME_RAFT)
        peer_on_raft_frame(p, from, &frame);
    else if (stream == STREAM_BULK && frame.kind == FRAME_SNAPSHOT)
        peer_on_snapshot_frame(p, from, &frame);
    else if (stream == STREAM_UPLOADS && frame.kind == FRAME_UPLOAD)
        peer_on_upload_frame(p, from, &frame);
    else if (stream == STREAM_CALLS && (frame.kind == FRAME_REQUEST || frame.kind == FRAME_REPLY))
        rpc_on_frame(&p->rpc, from, &frame);
    else
        peer_bad_frame(p, from, ERR_CORRUPT);
    peer_leave(p);
}

static void peer_note_link(struct peer *p, const struct peer_id *id, bool up)
{
    size_t at = 0;
    while (at < p->linked_count && !peer_id_equal(&p->linked[at], id))
        at += 1;
    if (at == p->linked_count && up && at < LIMIT_MEMBERS_COUNT)
        p->linked[p->linked_count++] = *id;
    else if (at < p->linked_count && !up)
        p->linked[at] = p->linked[--p->linked_count];
}

static void peer_on_link(void *owner, const struct peer_id *id, bool up)
{
    struct peer *p = owner;
    peer_note_link(p, id, up);
    if (up || p->life == PEER_STOPPED)
        return;
    peer_enter(p);
    rpc_on_link_down(&p->rpc, id);
    peer_uploads_on_link_down(p, id);
    peer_leave(p);
}

/* ---- birth ---- */

int peer_view(struct peer *p, struct view *view)
{
    return overlay_view_open(p->state, view);
}

void peer_view_end(struct peer *p, struct view *view)
{
    overlay_view_close(p->state, view);
}

static void peer_overlay_failed(void *owner, int err)
{
    struct peer *p = owner;
    peer_enter(p);
    if (err == ERR_FULL)
        peer_disk_full(p);
    else
        peer_disk_failed(p, err, "writing the state");
    peer_leave(p);
}

int peer_open_state(struct peer *p)
{
    int err = store_map_open(&p->ports.store, p->raft_store.identity.generation);
    struct view view;
    if (err == OK)
        err = peer_view(p, &view);
    if (err != OK)
        return err;
    err = pinset_open(p->pinset, &view);
    peer_view_end(p, &view);
    p->applied = pinset_facts(p->pinset)->applied_index;
    return err;
}

/* A stranger's state must be empty: whatever stands there belongs to a former life. */
static int peer_open_stranger(struct peer *p)
{
    if (p->raft_store.identity.generation == 0)
        p->raft_store.identity.generation = PEER_GENERATION_FIRST;
    int err = peer_open_state(p);
    while (err == ERR_CORRUPT || (err == OK && p->applied > 0)) {
        p->raft_store.identity.generation += 1;
        err = peer_open_state(p);
    }
    return err == OK ? peer_found_start(p) : err;
}

int peer_become_member(struct peer *p, const struct raft_durable *durable)
{
    int err = raft_create(&p->raft, &p->options.raft, durable, p->now_us, p->election_draw);
    if (err != OK)
        return err;
    p->life = PEER_MEMBER;
    peer_tell_woke(p, durable);
    p->rpc.cluster = p->cluster;
    p->next_sequence = PIN_SEQUENCE(p->raft_store.identity.boots);
    p->is_newcomer = durable->last == 0;
    p->trim_at_us = p->now_us + p->options.trim.interval_us;
    p->scrub_at_us = p->now_us + p->options.scrub_pause_us;
    p->scrub_index = p->applied;
    raft_on_applied(p->raft, p->applied);
    peer_sender_on_member(p);
    founding_deinit(&p->founding);
    if (!cluster_id_is_none(&p->cluster) && p->hooks.on_cluster_id != NULL)
        p->hooks.on_cluster_id(p->hooks.owner, p->cluster.bytes);
    p->visit_end_us = p->now_us + p->options.start_timeout_us;
    peer_on_config_changed(p);
    peer_on_role_changed(p);
    return OK;
}

/* What its disk says cannot be trusted: as if there were nothing, and it had never been a member (DESIGN 6). */
static int peer_wake_damaged(struct peer *p, const char *what)
{
    LOG_ERROR(p->log, "raft", "%s: this peer gives its number up and joins anew", what);
    p->was_damaged = true;
    return peer_open_stranger(p);
}

/* A data folder that was copied from another peer: two would speak as one member. */
static bool peer_data_is_anothers(const struct peer *p)
{
    const struct raft_member *m = raft_config_member(&p->loaded.config, p->loaded.identity.number);
    if (m == NULL || peer_id_equal(&m->id, &p->options.id))
        return false;
    LOG_ERROR(
        p->log, "cluster",
        "the data folder belongs to peer %s, and this is another one: put the folder aside to "
        "join as a new member, or start with the identity.json that goes with it",
        peer_id_print(&m->id).text);
    return true;
}

/* What the disk says: a member's log, or nothing that counts. */
static int peer_wake_up(struct peer *p)
{
    int err = raft_store_load(&p->raft_store, &p->ports.store, &p->loaded);
    if (err == ERR_CORRUPT)
        return peer_wake_damaged(p, "the log is damaged");
    if (err != OK)
        return err;
    p->raft_store.identity.boots += 1;
    p->told_base = p->raft_store.base.index;
    if (p->loaded.is_empty || p->loaded.identity.number == RAFT_NOBODY)
        return peer_open_stranger(p);
    if (peer_data_is_anothers(p))
        return ERR_FOREIGN;
    memcpy(p->cluster.bytes, p->loaded.identity.cluster_id, CLUSTER_ID_BYTES);
    p->rpc.cluster = p->cluster;
    err = peer_open_state(p);
    if (err == OK && p->applied < p->loaded.durable.base.index)
        err = ERR_CORRUPT;    /* the row is gone */
    if (err == ERR_CORRUPT) { /* what it says of itself cannot be read; the log is sound */
        p->applied = p->loaded.durable.base.index;
        peer_state_damaged(p, "the rows that say how far it is");
        err = OK;
    }
    if (err == OK) /* the log may not have heard of it yet */
        peer_learn_cluster_id(p);
    if (err == OK && p->applied > p->loaded.durable.last)
        return peer_wake_damaged(p, "the state is ahead of its log (an older log was put back?)");
    bool is_taken = false;
    if (err == OK)
        err = peer_accept_start(p, &is_taken);
    if (err == OK && !is_taken)
        peer_write_boot(p, &p->loaded.durable);
    return err;
}

static int peer_build(struct peer *p)
{
    struct overlay_hooks hooks = { .on_durable = peer_state_durable,
                                   .on_failed = peer_overlay_failed,
                                   .owner = p };
    struct rpc_hooks rpc_hooks = { .on_request = peer_on_request, .owner = p };
    rpc_init(&p->rpc, &p->ports.transport, &rpc_hooks, p->options.calls_max,
             rng_below(&p->ports.rng, RNG_IDENTITY, UINT32_MAX));
    p->election_draw = rng_below(&p->ports.rng, RNG_ELECTION, UINT32_MAX);
    int err = pinset_create(&p->pinset);
    if (err == OK)
        err = overlay_create(&p->state, &p->ports.store, MAP_STATE, p->options.overlay_bytes_max,
                             &hooks);
    if (err == OK)
        err = peer_raft_start(p);
    if (err == OK)
        err = peer_sender_start(p);
    if (err == OK)
        err = peer_receiver_start(p);
    if (err == OK)
        err = peer_health_start(p);
    if (err == OK)
        err = peer_tracker_start(p);
    if (err == OK)
        err = peer_swarm_start(p);
    if (err == OK)
        err = peer_doors_start(p);
    if (err == OK)
        err = peer_wake_up(p);
    return err;
}

int peer_create(struct peer **out, const struct peer_options *options,
                const struct peer_ports *ports, const struct peer_hooks *hooks,
                const struct peer_observer *observer)
{
    struct peer *p = mem_zalloc(sizeof(*p));
    if (p == NULL)
        return ERR_NOMEM;
    p->options = *options;
    p->ports = *ports;
    p->hooks = *hooks;
    if (observer != NULL)
        p->observer = *observer;
    p->log = ports->log;
    p->disk_retry_us = RAFT_NEVER;
    p->unit_due_us = RAFT_NEVER;
    p->flush_at_us = RAFT_NEVER;
    p->local_flush_at_us = RAFT_NEVER;
    p->settle_at_us = RAFT_NEVER;
    digest_scrub_init(&p->scrub);
    list_init(&p->letters);
    list_init(&p->asks);
    list_init(&p->words);
    list_init(&p->watches);
    list_init(&p->surveys);
    list_init(&p->proposals);
    list_init(&p->outbox);
    p->proposals_due_us = RAFT_NEVER;
    list_init(&p->changes);
    peer_reads_start(p);
    peer_uploads_start(p);
    list_init(&p->removals);
    peer_enter(p);
    peer_learn_addresses(p, options->cluster_peers, options->cluster_peers_count);
    peer_learn_addresses(p, options->bootstrap, options->bootstrap_count);
    peer_traffic_wrap(p);
    struct transport_hooks transport_hooks = { peer_on_frame, peer_on_link, p };
    transport_set_hooks(&p->ports.transport, &transport_hooks);
    int err = peer_build(p);
    p->depth -= 1; /* nothing to settle yet; the first deadline is due at once */
    if (err != OK) {
        peer_destroy(p);
        return err;
    }
    *out = p;
    return OK;
}

/* ---- death ---- */

void peer_destroy(struct peer *p)
{
    if (p == NULL)
        return;
    p->life = PEER_STOPPED;
    p->depth += 1; /* what ends now is not answered by new steps */
    peer_proposals_end(p, ERR_CANCELED);
    peer_reads_end(p, ERR_CANCELED);
    peer_changes_end(p, ERR_CANCELED);
    rpc_deinit(&p->rpc);
    peer_removals_end(p);
    peer_uploads_end(p);
    peer_doors_end(p);
    peer_exports_end(p);
    peer_swarm_end(p);
    peer_words_end(p);
    peer_asks_end(p);
    peer_tracker_end(p);
    peer_health_end(p);
    peer_sender_end(p);
    peer_receiver_end(p);
    digest_scrub_deinit(&p->scrub);
    founding_deinit(&p->founding);
    raft_config_deinit(&p->birth_config);
    mem_free(p->birth_runs);
    raft_store_loaded_deinit(&p->loaded);
    raft_store_deinit(&p->raft_store);
    peer_raft_end(p);
    if (p->state != NULL)
        overlay_destroy(p->state);
    if (p->pinset != NULL)
        pinset_destroy(p->pinset);
    arena_deinit(&p->arena);
    buf_deinit(&p->scratch);
    mem_free(p);
}

static void peer_ended(struct peer *p, const struct peer_stopped *how)
{
    if (p->life == PEER_STOPPED)
        return;
    p->life = PEER_STOPPED;
    LOG_INFO(p->log, "cluster", "stopped: %s", how->why);
    if (p->hooks.on_stopped != NULL)
        p->hooks.on_stopped(p->hooks.owner, how);
}

void peer_end(struct peer *p, int code, const char *why)
{
    peer_ended(p, &(struct peer_stopped){ .exit_code = code, .why = why });
}

void peer_leave_cluster(struct peer *p, const char *why, const struct peer_address *join,
                        size_t join_count)
{
    peer_ended(p, &(struct peer_stopped){
                      .why = why, .data_is_void = true, .join = join, .join_count = join_count });
}

/* ---- ready, and a look from outside ---- */

static void peer_log_members(const struct peer *p)
{
    const struct raft_config *c = raft_config(p->raft);
    LOG_INFO(p->log, "cluster", "Cluster Peers (without including ourselves):");
    if (c->count < 2)
        LOG_INFO(p->log, "cluster", "    - No other peers");
    for (size_t i = 0; i < c->count; i++) {
        if (!peer_id_equal(&c->members[i].id, &p->options.id))
            LOG_INFO(p->log, "cluster", "    - %s", peer_id_print(&c->members[i].id).text);
    }
}

static void peer_caught_up(void *owner, int err, const char *why)
{
    struct peer *p = owner;
    (void)why;
    p->is_catching_up = false;
    if (err != OK)
        return; /* asked again by peer_check_ready() */
    p->is_ready = true;
    peer_receiver_on_ready(p);
    tracker_on_current(p->tracker, p->applied);
    LOG_INFO(p->log, "cluster", "IPFS Cluster is ready: member %llu of %zu",
             (unsigned long long)raft_number(p->raft), raft_config(p->raft)->count);
    peer_log_members(p);
    if (p->hooks.on_ready != NULL)
        p->hooks.on_ready(p->hooks.owner);
}

/* Ready is who has what was last in the cluster when it began to ask: neither what its own disk had (a joiner's has
 * nothing), nor what is last now, which under writes it never has (SIMULATION K42). */
void peer_check_ready(struct peer *p)
{
    if (p->is_ready || p->is_catching_up || p->raft == NULL ||
        raft_leader(p->raft) == RAFT_NOBODY || cluster_id_is_none(&p->cluster))
        return;
    p->is_catching_up = peer_catch_up(p, peer_caught_up, p) == OK;
}

void peer_look(const struct peer *p, struct peer_glance *out)
{
    *out = (struct peer_glance){ .applied = p->applied, .is_ready = p->is_ready };
    out->pins = pinset_facts(p->pinset)->pins_count;
    struct hash128 hash = pinset_hash(p->pinset);
    out->state_hash[0] = hash.high;
    out->state_hash[1] = hash.low;
    out->is_receiving = peer_receiver_is_busy(p);
    if (p->raft == NULL)
        return;
    out->number = raft_number(p->raft);
    out->log_begins = raft_base(p->raft).index;
    out->log_ends = raft_last(p->raft).index;
    out->role = raft_state(p->raft);
    out->term = raft_term(p->raft);
    out->leader = raft_leader(p->raft);
    out->committed = raft_committed(p->raft);
}
