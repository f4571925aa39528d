/* cmd_daemon.c -- runs a peer: builds the real ports, joins them to the peer by hooks, and takes them down again.
 *
 *      signals, timer, sockets ---> os_loop ---> peer ---> transport, store, http_client
 *
 * A peer may end by itself and ask to be started anew (removed, or moving to another cluster): then its data is rotated
 * away first. Everything of one life is a struct life, so that nothing of it is left for the next. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd_doors.h"
#include "config/config.h"
#include "ids/identity.h"
#include "os/os_clock.h"
#include "os/os_damage.h"
#include "os/os_file.h"
#include "os/os_http_client.h"
#include "os/os_loop.h"
#include "os/os_notify.h"
#include "os/os_rng.h"
#include "os/os_socket.h"
#include "os/os_store.h"
#include "os/os_transport.h"
#include "peer.h"
#include "util/assert.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/version.h"
#include "util/hex.h"
#include "util/mem.h"

enum { DAEMON_PEER_ROWS_MAX = 4096, DAEMON_SETTINGS_MAX = 8 };

struct daemon {
    const struct service *service;
    struct config config;
    struct identity identity;
    struct os_loop loop;
    struct os_timer trim;
    struct os_rng rng;
    struct os_signal signals[3];
    unsigned signals_count;
    struct setting settings[DAEMON_SETTINGS_MAX]; /* of flags, for this start only */
    bool accept_peers;
    struct peer_address *join; /* of the next life */
    size_t join_count;
};

/* One life of the peer, and its ports. */
struct life {
    struct daemon *daemon;
    struct os_transport *transport;
    struct os_store *store;
    struct os_http_client *client;
    struct doors doors;
    struct os_timer timer;
    struct peer *peer;
    const char *allocate_by[LIMIT_ALLOCATE_BY_COUNT];
    struct peer_tag tags[CONFIG_TAGS_MAX];
    struct peer_address *cluster_peers;
    struct peer_address *bootstrap;
    char peername[256];
    bool has_ended;
    bool data_is_void;
    int exit_code;
};

/* ---- what the peer is told ---- */

static size_t daemon_rows(const struct config_addrs *addrs, struct peer_address *rows, size_t count)
{
    for (size_t i = 0; i < addrs->count && count < DAEMON_PEER_ROWS_MAX; i++) {
        rows[count].addr = addrs->at[i];
        if (multiaddr_peer(&addrs->at[i], &rows[count].id) != OK)
            continue;
        multiaddr_strip_peer(&rows[count].addr);
        count += 1;
    }
    return count;
}

/* cluster_peers of the guide, or V1's init_peerset with the addresses that peer_addresses has. The latter founds a
 * cluster only: it is not rewritten, so later it says nothing. */
static size_t daemon_cluster_peers(const struct config *c, const struct peer_id *self,
                                   bool was_member, struct peer_address *rows)
{
    size_t count = daemon_rows(&c->cluster.cluster_peers, rows, 0);
    size_t listed = count;
    if (was_member)
        return count;
    struct peer_address known[64];
    struct config_addrs addresses = c->cluster.peer_addresses;
    addresses.count = addresses.count < 64 ? addresses.count : 64;
    size_t known_count = daemon_rows(&addresses, known, 0);
    for (size_t i = 0; i < c->raft.init_peerset.count && count < DAEMON_PEER_ROWS_MAX; i++) {
        const struct peer_id *id = &c->raft.init_peerset.at[i];
        bool is_listed = peer_id_equal(id, self);
        for (size_t r = 0; r < listed; r++)
            is_listed = is_listed || peer_id_equal(&rows[r].id, id);
        if (is_listed)
            continue;
        rows[count] = (struct peer_address){ .id = *id };
        for (size_t k = 0; k < known_count; k++) {
            if (peer_id_equal(&known[k].id, id))
                rows[count].addr = known[k].addr;
        }
        count += 1;
    }
    return count;
}

/* The cluster id stands beside service.json, so that it outlives the data folder (DESIGN 8). */
static void life_read_cluster_id(struct life *l, struct peer_options *o)
{
    struct buf path = { 0 };
    struct buf file = { .limit = 1024 };
    if (os_file_read(cmd_path(&path, l->daemon->service, "cluster_id"), &file, NULL) == OK)
        o->cluster_id_is_known =
            file.len >= 2 * sizeof(o->cluster_id) &&
            hex_decode_exact(o->cluster_id, sizeof(o->cluster_id),
                             (struct bytes){ file.data, 2 * sizeof(o->cluster_id) }) == OK;
    buf_deinit(&file);
    buf_deinit(&path);
}

static void life_options_times(const struct config *c, struct peer_options *o)
{
    o->raft.heartbeat_us = c->raft.heartbeat_timeout_us / 10;
    o->raft.election_min_us = c->raft.election_timeout_us;
    o->trim.trailing_entries = (uint64_t)c->raft.trailing_logs;
    o->trim.worth_entries = (uint64_t)c->raft.snapshot_threshold;
    o->trim.interval_us = c->raft.snapshot_interval_us;
    o->start_timeout_us = 2 * c->raft.wait_for_leader_timeout_us; /* 30 s, as the guide says */
    o->commit_timeout_us = c->raft.network_timeout_us;
    o->voter_replace_after_us = c->cluster.voter_replace_after_us;
    o->metric_ttl_us = config_ping_ttl_us(c);
    o->repin_after_us = config_repin_after_us(c);
    o->pin_timeout_us = c->ipfshttp.pin_timeout_us;
    o->unpin_timeout_us = c->ipfshttp.unpin_timeout_us;
    o->ipfs_request_timeout_us = c->ipfshttp.ipfs_request_timeout_us;
    o->ipfs_sync_us = c->cluster.ipfs_sync_interval_us;
    o->unpin_disabled = c->ipfshttp.unpin_disable;
    o->pin_recover_us = c->cluster.pin_recover_interval_us;
    o->repogc_timeout_us = c->ipfshttp.repogc_timeout_us;
    o->connect_swarms_delay_us = c->ipfshttp.connect_swarms_delay_us;
}

static int life_options(struct life *l, struct peer_options *o)
{
    const struct daemon *d = l->daemon;
    const struct config *c = &d->config;
    peer_options_default(o);
    l->cluster_peers = mem_array(DAEMON_PEER_ROWS_MAX, sizeof(*l->cluster_peers));
    l->bootstrap = mem_array(DAEMON_PEER_ROWS_MAX, sizeof(*l->bootstrap));
    if (l->cluster_peers == NULL || l->bootstrap == NULL)
        return ERR_NOMEM;
    o->id = d->identity.id;
    if (c->cluster.peername[0] != '\0')
        snprintf(l->peername, sizeof(l->peername), "%s", c->cluster.peername);
    else if (gethostname(l->peername, sizeof(l->peername) - 1) != 0)
        snprintf(l->peername, sizeof(l->peername), "peer");
    o->name = l->peername;
    o->version = VERSION_TEXT;
    o->cluster_peers = l->cluster_peers;
    o->bootstrap = l->bootstrap;
    if (d->join_count > 0) {
        memcpy(l->bootstrap, d->join, d->join_count * sizeof(*d->join));
        o->bootstrap_count = d->join_count;
    } else {
        bool was_member = false;
        if (c->source[0] == '\0')
            o->cluster_peers_edited = cmd_list_is_edited(d->service, &o->id, &was_member);
        if (!was_member) /* nobody knows: then the operator's word counts */
            o->cluster_peers_edited = d->accept_peers;
        o->cluster_peers_count = daemon_cluster_peers(c, &o->id, was_member, l->cluster_peers);
        o->bootstrap_count = daemon_rows(&c->cluster.bootstrap, l->bootstrap, 0);
        life_read_cluster_id(l, o);
        o->accept_peers = d->accept_peers;
    }
    life_options_times(c, o);
    o->max_voters = (size_t)c->cluster.max_voters;
    o->repinning_disabled = c->cluster.disable_repinning;
    o->repair.at_once = (size_t)c->cluster.repair_at_once;
    o->repair.budget =
        (struct budget_limits){ .per_second = (uint64_t)c->cluster.repair_per_second,
                                .percent_in_motion = (unsigned)c->cluster.repair_percent,
                                .trickle_per_second = BUDGET_TRICKLE,
                                .bytes_per_second = (uint64_t)c->cluster.repair_bytes_per_second,
                                .bytes_at_once = (uint64_t)c->cluster.repair_bytes_at_once };
    o->replication_min = (int32_t)c->cluster.replication_factor_min;
    o->replication_max = (int32_t)c->cluster.replication_factor_max;
    o->allocate_by = l->allocate_by;
    o->tags_count = 0;
    o->allocate_by_count = config_allocate_by(c, l->allocate_by, LIMIT_ALLOCATE_BY_COUNT);
    for (; o->tags_count < c->informer.tags.count; o->tags_count++)
        l->tags[o->tags_count] = (struct peer_tag){ c->informer.tags.at[o->tags_count].name,
                                                    c->informer.tags.at[o->tags_count].value };
    o->tags = l->tags;
    o->pinqueue_bucket = (uint64_t)c->informer.weight_bucket_size;
    o->concurrent_pins = (size_t)c->tracker.concurrent_pins;
    o->priority_pin_max_age_us = c->tracker.priority_pin_max_age_us;
    o->priority_pin_max_retries = (uint32_t)c->tracker.priority_pin_max_retries;
    o->leave_on_shutdown = c->cluster.leave_on_shutdown;
    o->shutdown_timeout_us = c->cluster.shutdown_timeout_us;
    return OK;
}

/* ---- hooks of the peer ---- */

static void life_on_wake(void *owner)
{
    struct life *l = owner;
    if (l->peer != NULL && !l->has_ended)
        os_timer_set(&l->timer, peer_next_deadline_us(l->peer));
}

static void life_on_timer(void *owner)
{
    struct life *l = owner;
    if (!l->has_ended)
        peer_on_deadline(l->peer);
}

static void life_on_ready(void *owner)
{
    struct life *l = owner;
    LOG_INFO(&l->daemon->service->log, "service", "** IPFS Cluster is READY **");
    os_notify("READY=1");
}

static void life_on_members(void *owner, const struct peer_address *others, size_t count)
{
    struct life *l = owner;
    const struct service *service = l->daemon->service;
    if (l->daemon->config.source[0] != '\0')
        return; /* the file names a URL, and is not ours to fill */
    struct config_addrs addrs = { .at = mem_array(count + 1, sizeof(*addrs.at)) };
    struct buf path = { 0 };
    struct buf file = { 0 };
    struct buf fresh = { 0 };
    struct buf why = { 0 };
    for (size_t i = 0; i < count && addrs.at != NULL; i++) {
        addrs.at[addrs.count] = others[i].addr;
        addrs.count += multiaddr_with_peer(&addrs.at[addrs.count], &others[i].id) == OK;
    }
    cmd_path(&path, service, "service.json");
    if (addrs.at != NULL && os_file_read(buf_text(&path), &file, &why) == OK &&
        config_rewrite_peers((const char *)file.data, file.len, &addrs, &fresh) == OK &&
        !bytes_equal(buf_bytes(&file), buf_bytes(&fresh)))
        (void)os_file_replace(buf_text(&path), fresh.data, fresh.len, 0600, &why);
    if (why.len == 0)
        cmd_list_written(service, &l->daemon->identity.id, &addrs, &why);
    if (why.len > 0)
        LOG_WARN(&service->log, "config", "cluster_peers could not be kept: %s", buf_text(&why));
    mem_free(addrs.at);
    buf_deinit(&path);
    buf_wipe(&file);
    buf_wipe(&fresh);
    buf_deinit(&why);
}

static void life_on_cluster_id(void *owner, const uint8_t id[PEER_CLUSTER_ID_BYTES])
{
    struct life *l = owner;
    struct buf path = { 0 };
    struct buf text = { 0 };
    struct buf why = { 0 };
    struct buf before = { .limit = 1024 };
    hex_append(&text, id, PEER_CLUSTER_ID_BYTES);
    buf_put_u8(&text, '\n');
    cmd_path(&path, l->daemon->service, "cluster_id");
    bool is_there = os_file_read(buf_text(&path), &before, NULL) == OK &&
                    bytes_equal(buf_bytes(&before), buf_bytes(&text));
    if (!is_there && os_file_replace(buf_text(&path), text.data, text.len, 0600, &why) != OK)
        LOG_WARN(&l->daemon->service->log, "service", "the cluster id could not be kept: %s",
                 buf_text(&why));
    buf_deinit(&before);
    buf_deinit(&path);
    buf_deinit(&text);
    buf_deinit(&why);
}

static void life_on_stopped(void *owner, const struct peer_stopped *how)
{
    struct life *l = owner;
    struct daemon *d = l->daemon;
    l->has_ended = true;
    l->exit_code = how->exit_code;
    l->data_is_void = how->data_is_void;
    mem_free(d->join);
    d->join = NULL;
    d->join_count = 0;
    if (how->join_count > 0 && (d->join = mem_array(how->join_count, sizeof(*d->join))) != NULL) {
        memcpy(d->join, how->join, how->join_count * sizeof(*d->join));
        d->join_count = how->join_count;
    }
    os_loop_stop(&d->loop);
}

/* ---- ports ---- */

static int life_open_store(struct life *l, const char *folder, struct buf *why)
{
    struct daemon *d = l->daemon;
    struct os_store_options options = { .dir = folder, .loop = &d->loop, .log = &d->service->log };
    int err = os_store_open(&l->store, &options);
    if (err == ERR_VERSION)
        buf_printf(why, "%s was written by a newer version: upgrade this peer", folder);
    else if (err != OK)
        buf_printf(why, "%s cannot be opened: %s", folder, err_text(err));
    return err;
}

/* Where others reach this peer: what one gives to --bootstrap. */
static void life_log_addresses(const struct life *l)
{
    const struct log *log = &l->daemon->service->log;
    struct transport port = os_transport_port(l->transport);
    struct multiaddr addrs[LIMIT_PEER_ADDRESSES_COUNT];
    size_t count = transport_listen_addresses(&port, addrs, LIMIT_PEER_ADDRESSES_COUNT);
    LOG_INFO(log, "cluster", "IPFS Cluster v%s listening on:", VERSION_TEXT);
    for (size_t i = 0; i < count; i++) {
        struct buf text = { 0 };
        if (multiaddr_with_peer(&addrs[i], &l->daemon->identity.id) == OK) {
            multiaddr_print(&addrs[i], &text);
            LOG_INFO(log, "cluster", "        %s", buf_text(&text));
        }
        buf_deinit(&text);
    }
}

static int life_open_ports(struct life *l, struct buf *why)
{
    struct daemon *d = l->daemon;
    const struct config *c = &d->config;
    struct os_transport_options transport;
    struct os_http_client_options client = os_http_client_options_default();
    struct buf folder = { 0 };
    os_transport_options_default(&transport);
    transport.loop = &d->loop;
    transport.log = &d->service->log;
    transport.identity = &d->identity;
    transport.secret = c->cluster.secret.is_set ? c->cluster.secret.bytes : NULL;
    transport.handshake_timeout_us = c->cluster.dial_peer_timeout_us;
    transport.listen = c->cluster.listen_multiaddress.at;
    transport.listen_count = c->cluster.listen_multiaddress.count;
    transport.announce = c->cluster.announce_multiaddress.at;
    transport.announce_count = c->cluster.announce_multiaddress.count;
    cmd_data_folder(&folder, l->daemon->service, &l->daemon->config);
    int err = cmd_data_check(buf_text(&folder), why);
    if (err == OK)
        err = os_dir_make(buf_text(&folder), 0700, why);
    if (err == OK)
        err = life_open_store(l, buf_text(&folder), why);
    if (err == OK)
        err = os_transport_create(&l->transport, &transport, why);
    if (err == OK)
        life_log_addresses(l);
    if (err == OK)
        err = os_http_client_create(&l->client, &d->loop, &c->ipfshttp.node_multiaddress, &client,
                                    &d->service->log);
    buf_deinit(&folder);
    return err;
}

static int life_begin(struct life *l, struct buf *why)
{
    struct daemon *d = l->daemon;
    struct peer_options options;
    struct peer_hooks hooks = { .on_wake = life_on_wake,
                                .on_ready = life_on_ready,
                                .on_members = life_on_members,
                                .on_cluster_id = life_on_cluster_id,
                                .on_stopped = life_on_stopped,
                                .owner = l };
    os_timer_init(&l->timer, &d->loop, life_on_timer, l);
    int err = life_options(l, &options);
    if (err == OK)
        err = doors_prepare(&l->doors, d->service, &d->config, &d->loop, &options, why);
    if (err == OK)
        err = life_open_ports(l, why);
    if (err == OK) {
        struct peer_ports ports = { .clock = os_clock(),
                                    .rng = os_rng_port(&d->rng),
                                    .transport = os_transport_port(l->transport),
                                    .store = os_store_port(l->store),
                                    .http_client = os_http_client_port(l->client),
                                    .api_log = os_request_log_port(l->doors.api_log),
                                    .proxy_log = os_request_log_port(l->doors.proxy_log),
                                    .log = &d->service->log };
        err = peer_create(&l->peer, &options, &ports, &hooks, NULL);
    }
    if (err == OK)
        err = doors_open(&l->doors, l->peer, why);
    if (err == OK)
        life_on_wake(l);
    return err;
}

/* After a clean stop of a member. The signals have their usual meaning again, so a second one ends this, too. */
static void life_backup(struct life *l)
{
    struct peer_glance glance = { 0 };
    const struct daemon *d = l->daemon;
    if (l->peer != NULL)
        peer_look(l->peer, &glance);
    if (!l->has_ended || l->exit_code != 0 || l->data_is_void || glance.number == 0)
        return;
    struct store store = os_store_port(l->store);
    struct hash128 hash = { glance.state_hash[0], glance.state_hash[1] };
    cmd_backup(d->service, &store, hash, (size_t)d->config.raft.backups_rotate);
}

/* First the doors, then the workers (nothing completes into the peer any more), then the peer. */
static void life_end(struct life *l)
{
    doors_close(&l->doors);
    if (l->client != NULL)
        os_http_client_destroy(l->client);
    life_backup(l);
    if (l->store != NULL && os_store_close(l->store) != OK)
        fatal("a worker hangs in the disk: what is durable is safe, the rest is given up");
    if (l->transport != NULL)
        os_transport_destroy(l->transport);
    os_timer_stop(&l->timer);
    peer_destroy(l->peer);
    mem_free(l->cluster_peers);
    mem_free(l->bootstrap);
}

static int life_rotate(struct life *l, struct buf *why)
{
    struct buf folder = { 0 };
    struct buf path = { 0 };
    cmd_data_folder(&folder, l->daemon->service, &l->daemon->config);
    int err =
        os_dir_rotate(buf_text(&folder), (unsigned)l->daemon->config.raft.backups_rotate, why);
    if (err == OK)
        err = os_file_remove(cmd_path(&path, l->daemon->service, "cluster_id"), why);
    if (err == OK)
        err = cmd_list_forget(l->daemon->service, why);
    buf_deinit(&folder);
    buf_deinit(&path);
    return err;
}

/* ---- the daemon ---- */

static void daemon_on_signal(void *owner)
{
    struct life *l = owner;
    struct daemon *d = l->daemon;
    d->signals_count += 1;
    if (d->signals_count > 1 || l->peer == NULL) {
        LOG_WARN(&d->service->log, "service", "exiting at once");
        l->exit_code = 1;
        os_loop_stop(&d->loop);
        return;
    }
    LOG_INFO(&d->service->log, "service", "shutting down (a second signal forces)");
    os_notify("STOPPING=1");
    peer_stop(l->peer, "asked to by a signal");
}

/* One life. *again: start anew after it. */
static int daemon_live(struct daemon *d, bool *again)
{
    static const int numbers[3] = { SIGINT, SIGTERM, SIGHUP };
    struct life life = { .daemon = d };
    struct buf why = { 0 };
    *again = false;
    for (size_t i = 0; i < 3; i++)
        os_signal_init(&d->signals[i], &d->loop, numbers[i], daemon_on_signal, &life);
    int err = life_begin(&life, &why);
    if (err != OK)
        life.exit_code =
            cmd_fail("starting the peer: %s", why.len > 0 ? buf_text(&why) : err_text(err));
    else
        os_loop_run(&d->loop);
    for (size_t i = 0; i < 3; i++)
        os_signal_stop(&d->signals[i]);
    life_end(&life);
    if (life.has_ended && life.data_is_void) {
        if (life_rotate(&life, &why) != OK)
            life.exit_code = cmd_fail("rotating the data: %s", buf_text(&why));
        else
            *again = d->join_count > 0 && d->signals_count == 0;
    }
    buf_deinit(&why);
    return life.exit_code;
}

/* Flags that set an option, for this start only. */
static void daemon_settings(struct daemon *d, const struct args *args)
{
    static const struct {
        const char *flag;
        const char *option;
    } rows[] = { { "bootstrap", "cluster.bootstrap" },
                 { "alloc", "informer.disk.metric_type" },
                 { "leave", "cluster.leave_on_shutdown" },
                 { "stats", "observations.metrics.enable_stats" },
                 { "tracing", "observations.tracing.enable_tracing" } };
    size_t count = 0;
    ASSERT(sizeof(rows) / sizeof(rows[0]) + 1 < DAEMON_SETTINGS_MAX);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *text = args_text(args, rows[i].flag);
        if (text != NULL)
            d->settings[count++] = (struct setting){ rows[i].option, text };
    }
    /* V0: the list in the file is left aside in favour of --bootstrap. */
    if (args_is(args, "force") && args_text(args, "bootstrap") != NULL)
        d->settings[count++] = (struct setting){ "cluster.cluster_peers", "" };
    d->settings[count] = (struct setting){ NULL, NULL };
}

/* Buffers of a commit, of a page of pins come and go many times a second: malloc shall not give them back to the
 * kernel each time, only to fault them in again. */
static void daemon_keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 4 * 1024 * 1024);
}

/* By itself malloc gives back only what is free at the end of its memory: a busy hour's would be kept for ever. */
static void daemon_trim_memory(void *owner)
{
    enum { TRIM_EVERY_US = 10 * 1000 * 1000 };
    struct daemon *d = owner;
    (void)malloc_trim(0);
    os_timer_set(&d->trim, os_clock_mono_us() + TRIM_EVERY_US);
}

static int daemon_run(struct daemon *d, struct buf *why)
{
    daemon_keep_memory();
    int err = cmd_read_config(&d->config, d->service, d->settings, why);
    if (err == OK)
        err = cmd_read_identity(&d->identity, d->service, &d->config, why);
    if (err != OK)
        return cmd_fail("loading configurations: %s", why->len > 0 ? buf_text(why) : err_text(err));
    if (os_loop_init(&d->loop) != OK)
        return cmd_fail(": the event loop cannot be made");
    LOG_INFO(&d->service->log, "service", "Initializing peer %s. Please wait...",
             peer_id_print(&d->identity.id).text);
    os_damage_catch();
    os_socket_allow_many(); /* 1024, as is usual, would be gone with one door full of clients */
    os_rng_init(&d->rng);
    os_timer_init(&d->trim, &d->loop, daemon_trim_memory, d);
    daemon_trim_memory(d);
    bool again = true;
    int code = 0;
    while (again)
        code = daemon_live(d, &again);
    os_timer_stop(&d->trim);
    os_rng_deinit(&d->rng);
    os_loop_deinit(&d->loop);
    return code;
}

static int cmd_daemon_run(void *program, const struct args *args)
{
    const struct service *service = program;
    struct daemon d = { .service = service, .accept_peers = args_is(args, "accept-peers") };
    struct os_lock lock = { .fd = -1 };
    struct buf path = { 0 };
    struct buf why = { 0 };
    int code = 0;
    daemon_settings(&d, args);
    if (!os_file_exists(cmd_path(&path, service, "service.json")))
        code = cmd_fail("loading configurations: there is no %s. Write one with: "
                        "ipfs-cluster-service -c %s init",
                        buf_text(&path), service->folder);
    if (code == 0 && os_lock_take(&lock, cmd_path(&path, service, "cluster.lock"), &why) != OK)
        code = cmd_fail("obtaining execution lock: %s", buf_text(&why));
    if (code == 0)
        code = daemon_run(&d, &why);
    config_deinit(&d.config);
    identity_wipe(&d.identity);
    mem_free(d.join);
    os_lock_release(&lock);
    buf_deinit(&path);
    buf_deinit(&why);
    return code;
}

static const struct flag flags[] = {
    { "bootstrap,j", FLAG_TEXT, .value = "ADDR,...",
      .help = "join the cluster of the peers at these addresses" },
    { "leave,x", FLAG_BOOL, .help = "leave the cluster when this peer stops" },
    { "accept-peers", FLAG_BOOL,
      .help = "a majority is lost for ever, and was taken out of cluster_peers: go on alone from "
              "this disk, as a new cluster that the others join anew. Only on one peer, the one "
              "that has most (state info)" },
    { "stats", FLAG_BOOL, .help = "serve metrics for Prometheus, whatever the configuration says" },
    { "alloc,a", FLAG_TEXT, .value = "METRIC",
      .help = "what pins are allocated by: reposize, freespace or numpin", .is_hidden = true },
    { "force,f", FLAG_BOOL, .help = "with --bootstrap, leave cluster_peers aside",
      .is_hidden = true },
    { "tracing", FLAG_BOOL, .help = "V1's; nothing is traced", .is_hidden = true },
    { "no-trust", FLAG_BOOL, .help = "V1's; all peers are trusted", .is_hidden = true },
    { "upgrade,u", FLAG_BOOL, .help = "V1's; upgrading needs no word of the operator",
      .is_hidden = true },
    { 0 },
};

static const struct example examples[] = {
    { "daemon", "run the peer; the word may be left out" },
    { "daemon --bootstrap /ip4/10.0.0.1/tcp/9096/p2p/12D3KooW...", "join a cluster" },
    { 0 },
};

const struct cmd cmd_daemon = {
    .path = "daemon",
    .operands = "",
    .summary = "run the cluster peer (the default)",
    .text = "SIGINT, SIGTERM and SIGHUP stop it gracefully; a second one at once.",
    .flags = flags,
    .examples = examples,
    .run = cmd_daemon_run,
};

/* As 0.0.12 called it. */
const struct cmd cmd_run = {
    .path = "run",
    .operands = "",
    .summary = "run the cluster peer",
    .flags = flags,
    .examples = examples,
    .run = cmd_daemon_run,
    .is_hidden = true,
};
