#include "config/options.h"

#include <string.h>

#include "config/config.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/nearest.h"

/* An option with a field: type, names, flags, default, least and most, the field, what it is for. */
#define ROW(kind, path, guide_name, flag_bits, value, least, most, member, text)                   \
    {                                                                                              \
        (path), (guide_name), (kind), (flag_bits), (value), (least), (most),                       \
            offsetof(struct config, member), sizeof(((struct config *)0)->member), (text)          \
    }
/* One that V1 has and that does nothing here. */
#define BARE(kind, path, flag_bits, value)                                                         \
    {                                                                                              \
        (path), NULL, (kind), (flag_bits), (value), 0, 0, OPTION_NO_FIELD, 0, NULL                 \
    }
#define IDLE(path, kind, value)               BARE(kind, path, 0, value)
#define IDLE_QUIET(path, kind, value)         BARE(kind, path, OPTION_QUIET, value)
#define REFUSED(path, kind, value, flag_bits) BARE(kind, path, OPTION_REFUSED | (flag_bits), value)
#define TREE(path)                            BARE(OPTION_TREE, path, OPTION_QUIET, "{}")
#define OLD(path)                             BARE(OPTION_ANY, path, OPTION_QUIET, "null")
#define TEXT(text)                            "\"" text "\""

enum { LIST_OF_PEERS = OPTION_NEEDS_TCP | OPTION_NEEDS_PEER, MS = 1000 /* in us */ };

static const struct option options[] = {
    ROW(OPTION_STRING, "source", NULL, OPTION_QUIET | OPTION_FILE_ONLY, TEXT(""), 0, 0, source,
        "a URL: this file has nothing else, and the configuration is fetched from there at each "
        "start"),

    /* ---- cluster ---- */
    ROW(OPTION_STRING, "cluster.id", "id", OPTION_QUIET, TEXT(""), 0, 0, cluster.id,
        "the peer's id, in files from before identity.json"),
    ROW(OPTION_STRING, "cluster.peername", NULL, 0, TEXT(""), 0, 0, cluster.peername,
        "what people call this peer; empty: the host's name"),
    ROW(OPTION_STRING, "cluster.private_key", "private_key", OPTION_QUIET | OPTION_HIDDEN, TEXT(""),
        0, 0, cluster.private_key, "the peer's key, in files from before identity.json"),
    ROW(OPTION_SECRET, "cluster.secret", NULL, OPTION_HIDDEN, TEXT(""), 0, 0, cluster.secret,
        "64 hex digits that all peers share; empty: anybody may connect"),
    ROW(OPTION_BOOL, "cluster.leave_on_shutdown", "leave_on_shutdown", 0, "false", 0, 0,
        cluster.leave_on_shutdown, "leave the cluster when stopped"),
    ROW(OPTION_ADDRS, "cluster.listen_multiaddress", "cluster_multiaddress",
        OPTION_NEEDS_TCP | OPTION_SKIPS_OTHERS, TEXT("/ip4/0.0.0.0/tcp/9096"), 0, 0,
        cluster.listen_multiaddress, "where other peers reach this one"),
    ROW(OPTION_ADDRS, "cluster.announce_multiaddress", NULL, 0, "[]", 0, 0,
        cluster.announce_multiaddress,
        "what other peers are told instead of the addresses listened on"),
    IDLE("cluster.no_announce_multiaddress", OPTION_ADDRS, "[]"),
    IDLE("cluster.enable_relay_hop", OPTION_BOOL, "true"),
    IDLE("cluster.connection_manager.high_water", OPTION_INT, "400"),
    IDLE("cluster.connection_manager.low_water", OPTION_INT, "100"),
    IDLE("cluster.connection_manager.grace_period", OPTION_DURATION, TEXT("2m0s")),
    IDLE("cluster.resource_manager.enabled", OPTION_BOOL, "true"),
    IDLE("cluster.resource_manager.memory_limit_bytes", OPTION_INT, "0"),
    IDLE("cluster.resource_manager.file_descriptors_limit", OPTION_INT, "0"),
    IDLE("cluster.pubsub.seen_messages_ttl", OPTION_DURATION, TEXT("30m0s")),
    IDLE("cluster.pubsub.heartbeat_interval", OPTION_DURATION, TEXT("10s")),
    IDLE("cluster.pubsub.d_factor", OPTION_INT, "4"),
    IDLE("cluster.pubsub.history_gossip", OPTION_INT, "2"),
    IDLE("cluster.pubsub.history_length", OPTION_INT, "6"),
    IDLE("cluster.pubsub.flood_publish", OPTION_BOOL, "false"),
    ROW(OPTION_DURATION, "cluster.dial_peer_timeout", NULL, 0, TEXT("3s"), MS, 0,
        cluster.dial_peer_timeout_us, "how long connecting to a peer may take"),
    { "cluster.state_sync_interval", "state_sync_seconds", OPTION_DURATION, 0, TEXT("5m0s"), 0, 0,
      OPTION_NO_FIELD, 0, NULL },
    ROW(OPTION_DURATION, "cluster.pin_recover_interval", NULL, 0, TEXT("12m0s"), MS, 0,
        cluster.pin_recover_interval_us, "how often pins in error are tried again"),
    ROW(OPTION_INT, "cluster.replication_factor_min", "replication_factor", OPTION_ZERO_IS_DEFAULT,
        "-1", -1, INT32_MAX, cluster.replication_factor_min,
        "a pin is refused with fewer peers to hold it; -1: every peer"),
    ROW(OPTION_INT, "cluster.replication_factor_max", "replication_factor", OPTION_ZERO_IS_DEFAULT,
        "-1", -1, INT32_MAX, cluster.replication_factor_max,
        "how many peers hold a pin if they can; -1: every peer"),
    ROW(OPTION_DURATION, "cluster.monitor_ping_interval", "monitoring_interval_seconds", 0,
        TEXT("15s"), MS, 0, cluster.monitor_ping_interval_us,
        "how often a peer says that it is alive; silent for two of them, it is suspected"),
    IDLE("cluster.peer_watch_interval", OPTION_DURATION, TEXT("5s")),
    IDLE("cluster.mdns_interval", OPTION_DURATION, TEXT("10s")),
    IDLE("cluster.pin_only_on_trusted_peers", OPTION_BOOL, "false"),
    IDLE("cluster.pin_only_on_untrusted_peers", OPTION_BOOL, "false"),
    ROW(OPTION_BOOL, "cluster.disable_repinning", NULL, 0, "false", 0, 0, cluster.disable_repinning,
        "leave the pins of a silent peer where they are, until it is drained or removed"),
    REFUSED("cluster.follower_mode", OPTION_BOOL, "false", OPTION_QUIET),
    ROW(OPTION_STRING, "cluster.peerstore_file", NULL, OPTION_QUIET, TEXT(""), 0, 0,
        cluster.peerstore_file,
        "addresses of known peers, one a line; empty: `peerstore` beside service.json"),
    ROW(OPTION_ADDRS, "cluster.peer_addresses", NULL, OPTION_NEEDS_PEER, "[]", 0, 0,
        cluster.peer_addresses, "where known peers are reached, beyond what the cluster says"),
    ROW(OPTION_ADDRS, "cluster.cluster_peers", "cluster_peers", LIST_OF_PEERS, "[]", 0, 0,
        cluster.cluster_peers,
        "the other peers; the same list everywhere founds a cluster; rewritten as it changes"),
    ROW(OPTION_ADDRS, "cluster.bootstrap", "bootstrap", LIST_OF_PEERS, "[]", 0, 0,
        cluster.bootstrap, "peers of a running cluster to join through"),
    ROW(OPTION_DURATION, "cluster.ipfs_sync_interval", "ipfs_sync_seconds", OPTION_QUIET,
        TEXT("2m10s"), 0, 0, cluster.ipfs_sync_interval_us,
        "how often the IPFS daemon is asked for its pins, to compare; 0s: never"),
    ROW(OPTION_DURATION, "cluster.repin_after", NULL, OPTION_QUIET, TEXT("0s"), 0, 0,
        cluster.repin_after_us,
        "how long a suspected peer has to come back before its pins move; 0s: four ping intervals"),
    ROW(OPTION_INT, "cluster.repair_at_once", NULL, OPTION_QUIET, "256", 1, 768,
        cluster.repair_at_once, "pins given to other peers at the same time"),
    ROW(OPTION_INT, "cluster.repair_per_second", NULL, OPTION_QUIET, "1000", 0, INT32_MAX,
        cluster.repair_per_second, "pins given to other peers in a second; 0: no limit"),
    ROW(OPTION_INT, "cluster.repair_percent", NULL, OPTION_QUIET, "10", 1, 100,
        cluster.repair_percent,
        "the share of all pins that a repair may put before the daemons at once; 100: no limit"),
    ROW(OPTION_INT, "cluster.repair_bytes_per_second", NULL, OPTION_QUIET, "0", 0, INT64_C(1) << 40,
        cluster.repair_bytes_per_second,
        "bytes given to other peers in a second, each pin taken for one of mean size; 0: no limit"),
    ROW(OPTION_INT, "cluster.repair_bytes_at_once", NULL, OPTION_QUIET, "0", 0, INT64_C(1) << 50,
        cluster.repair_bytes_at_once,
        "bytes that wait for daemons or are being fetched, counted likewise; 0: no limit"),
    ROW(OPTION_INT, "cluster.max_voters", NULL, OPTION_QUIET, "7", 1, LIMIT_VOTERS_COUNT - 1,
        cluster.max_voters, "how many peers vote; further ones follow and hold pins"),
    ROW(OPTION_DURATION, "cluster.voter_replace_after", NULL, OPTION_QUIET, TEXT("5m0s"), MS, 0,
        cluster.voter_replace_after_us,
        "how long a voter may be down before another peer votes in its place"),
    ROW(OPTION_DURATION, "cluster.shutdown_timeout", NULL, OPTION_QUIET, TEXT("1m0s"), 0, 0,
        cluster.shutdown_timeout_us, "how long a peer that leaves waits for its pins to move"),

    OLD("cluster.peers"),
    OLD("cluster.replication_factor"),

    /* ---- consensus ---- */
    REFUSED("consensus.crdt", OPTION_TREE, "null", OPTION_QUIET),
    ROW(OPTION_STRING, "consensus.raft.data_folder", "consensus_data_folder", OPTION_QUIET,
        TEXT(""), 0, 0, raft.data_folder,
        "where log and state are kept; empty: `raft` beside service.json"),
    ROW(OPTION_PEER_IDS, "consensus.raft.init_peerset", NULL, 0, "[]", 0, 0, raft.init_peerset,
        "ids of the peers that found the cluster together"),
    ROW(OPTION_DURATION, "consensus.raft.wait_for_leader_timeout", NULL, 0, TEXT("15s"), MS, 0,
        raft.wait_for_leader_timeout_us,
        "a peer that finds no cluster to found or to join ends after twice this"),
    ROW(OPTION_DURATION, "consensus.raft.network_timeout", NULL, 0, TEXT("10s"), MS, 0,
        raft.network_timeout_us,
        "how long a write may take until it is known what became of it; then the answer is 503 or "
        "504"),
    IDLE("consensus.raft.commit_retries", OPTION_INT, "1"),
    IDLE("consensus.raft.commit_retry_delay", OPTION_DURATION, TEXT("200ms")),
    ROW(OPTION_INT, "consensus.raft.backups_rotate", NULL, 0, "6", 1, 1000, raft.backups_rotate,
        "how many old data folders are kept"),
    IDLE_QUIET("consensus.raft.datastore_namespace", OPTION_STRING, TEXT("/r")),
    ROW(OPTION_DURATION, "consensus.raft.heartbeat_timeout", NULL, 0, TEXT("1s"), 5 * MS, 0,
        raft.heartbeat_timeout_us,
        "a follower that hears nothing for so long thinks of an election"),
    ROW(OPTION_DURATION, "consensus.raft.election_timeout", NULL, 0, TEXT("1s"), 5 * MS, 0,
        raft.election_timeout_us, "how long an election may go without a result"),
    IDLE("consensus.raft.commit_timeout", OPTION_DURATION, TEXT("50ms")),
    IDLE("consensus.raft.max_append_entries", OPTION_INT, "64"),
    ROW(OPTION_INT, "consensus.raft.trailing_logs", NULL, 0, "10240", 0, INT32_MAX,
        raft.trailing_logs, "entries kept behind a snapshot for peers that are a little late"),
    ROW(OPTION_DURATION, "consensus.raft.snapshot_interval", NULL, 0, TEXT("2m0s"), MS, 0,
        raft.snapshot_interval_us, "how often the log is looked at for trimming"),
    ROW(OPTION_INT, "consensus.raft.snapshot_threshold", NULL, 0, "8192", 1, INT32_MAX,
        raft.snapshot_threshold, "entries that make trimming worth while"),
    IDLE("consensus.raft.leader_lease_timeout", OPTION_DURATION, TEXT("500ms")),

    /* ---- api ---- */
    ROW(OPTION_ADDRS, "api.ipfsproxy.listen_multiaddress", "ipfs_proxy_listen_multiaddress",
        OPTION_NEEDS_TCP | OPTION_OR_UNIX, TEXT("/ip4/127.0.0.1/tcp/9095"), 0, 0,
        ipfsproxy.listen_multiaddress, "where the IPFS proxy listens"),
    ROW(OPTION_ADDR, "api.ipfsproxy.node_multiaddress", "ipfs_node_multiaddress", OPTION_NEEDS_TCP,
        TEXT("/ip4/127.0.0.1/tcp/5001"), 0, 0, ipfsproxy.node_multiaddress,
        "the IPFS daemon behind the proxy: the same as ipfs_connector.ipfshttp.node_multiaddress, "
        "which counts"),
    REFUSED("api.ipfsproxy.node_https", OPTION_BOOL, "false", OPTION_QUIET),
    ROW(OPTION_STRING, "api.ipfsproxy.log_file", NULL, 0, TEXT(""), 0, 0, ipfsproxy.log_file,
        "each request is appended to this file when it is over, a line in the Common Log Format; "
        "relative to the configuration folder; empty: none is"),
    ROW(OPTION_DURATION, "api.ipfsproxy.read_timeout", NULL, 0, TEXT("0s"), 0, 0,
        ipfsproxy.http.read_timeout_us, "for a whole request; 0s: none"),
    ROW(OPTION_DURATION, "api.ipfsproxy.read_header_timeout", NULL, 0, TEXT("5s"), 0, 0,
        ipfsproxy.http.read_header_timeout_us, "for a request's head; 0s: none"),
    ROW(OPTION_DURATION, "api.ipfsproxy.write_timeout", NULL, 0, TEXT("0s"), 0, 0,
        ipfsproxy.http.write_timeout_us, "for a whole answer; 0s: none"),
    ROW(OPTION_DURATION, "api.ipfsproxy.idle_timeout", NULL, 0, TEXT("1m0s"), 0, 0,
        ipfsproxy.http.idle_timeout_us,
        "between requests of a connection, and for a pause in the middle of an upload; 0s: none"),
    ROW(OPTION_INT, "api.ipfsproxy.max_header_bytes", NULL, 0, "4096", 4096, INT32_MAX,
        ipfsproxy.http.max_header_bytes, "the biggest head of a request"),
    ROW(OPTION_STRINGS, "api.ipfsproxy.extract_headers_extra", NULL,
        OPTION_QUIET | OPTION_FIELD_NAMES, "[]", 0, 0, ipfsproxy.extract_names,
        "header fields of the daemon's that the proxy's own answers have, too"),
    ROW(OPTION_STRING, "api.ipfsproxy.extract_headers_path", NULL, OPTION_QUIET | OPTION_URL_PATH,
        TEXT("/api/v0/version"), 0, 0, ipfsproxy.extract_path,
        "what the daemon is asked for (POST) to learn them, and what it lets web pages see"),
    ROW(OPTION_DURATION, "api.ipfsproxy.extract_headers_ttl", NULL, OPTION_QUIET, TEXT("5m0s"), 0,
        0, ipfsproxy.extract_ttl_us, "when it is asked again; 0s: never"),
    TREE("api.pinsvcapi"),
    ROW(OPTION_ADDRS, "api.restapi.http_listen_multiaddress", "api_listen_multiaddress",
        OPTION_NEEDS_TCP | OPTION_OR_UNIX, TEXT("/ip4/127.0.0.1/tcp/9094"), 0, 0,
        restapi.http_listen_multiaddress, "where the REST API listens"),
    ROW(OPTION_STRING, "api.restapi.ssl_cert_file", NULL, OPTION_QUIET, TEXT(""), 0, 0,
        restapi.ssl_cert_file,
        "certificate (PEM, with its chain) for HTTPS, relative to the configuration folder; empty: "
        "plain HTTP"),
    ROW(OPTION_STRING, "api.restapi.ssl_key_file", NULL, OPTION_QUIET, TEXT(""), 0, 0,
        restapi.ssl_key_file, "its private key (PEM, without a passphrase)"),
    ROW(OPTION_DURATION, "api.restapi.read_timeout", NULL, 0, TEXT("0s"), 0, 0,
        restapi.http.read_timeout_us, "for a whole request; 0s: none"),
    ROW(OPTION_DURATION, "api.restapi.read_header_timeout", NULL, 0, TEXT("5s"), 0, 0,
        restapi.http.read_header_timeout_us, "for a request's head; 0s: none"),
    ROW(OPTION_DURATION, "api.restapi.write_timeout", NULL, 0, TEXT("0s"), 0, 0,
        restapi.http.write_timeout_us, "for a whole answer; 0s: none"),
    ROW(OPTION_DURATION, "api.restapi.idle_timeout", NULL, 0, TEXT("2m0s"), 0, 0,
        restapi.http.idle_timeout_us,
        "between requests of a connection, and for a pause in the middle of an upload; 0s: none"),
    ROW(OPTION_INT, "api.restapi.max_header_bytes", NULL, 0, "4096", 4096, INT32_MAX,
        restapi.http.max_header_bytes, "the biggest head of a request"),
    OLD("api.restapi.listen_multiaddress"),
    IDLE_QUIET("api.restapi.libp2p_listen_multiaddress", OPTION_ADDRS, "[]"),
    IDLE_QUIET("api.restapi.id", OPTION_STRING, TEXT("")),
    IDLE_QUIET("api.restapi.private_key", OPTION_STRING, TEXT("")),
    ROW(OPTION_USERS, "api.restapi.basic_auth_credentials", NULL, OPTION_HIDDEN, "null", 0, 0,
        restapi.users, "who may use the API, with which password; null: everybody"),
    ROW(OPTION_STRING, "api.restapi.http_log_file", NULL, 0, TEXT(""), 0, 0, restapi.log_file,
        "each request is appended to this file when it is over, a line in the Common Log Format; "
        "relative to the configuration folder; empty: none is"),
    ROW(OPTION_HEADERS, "api.restapi.headers", NULL, 0, "{}", 0, 0, restapi.headers,
        "header fields that every answer has"),
    ROW(OPTION_STRINGS, "api.restapi.cors_allowed_origins", NULL, 0, "[\"*\"]", 0, 0,
        restapi.cors_origins,
        "web pages of these origins may read answers; one * in each stands for anything"),
    ROW(OPTION_STRINGS, "api.restapi.cors_allowed_methods", NULL, 0, "[\"GET\"]", 0, 0,
        restapi.cors_methods, "and use these methods"),
    ROW(OPTION_STRINGS, "api.restapi.cors_allowed_headers", NULL, 0, "[]", 0, 0,
        restapi.cors_headers, "and send these header fields; \"*\": any"),
    ROW(OPTION_STRINGS, "api.restapi.cors_exposed_headers", NULL, 0,
        "[\"Content-Type\",\"X-Stream-Output\",\"X-Chunked-Output\",\"X-Content-Length\"]", 0, 0,
        restapi.cors_exposed, "and see these of an answer"),
    ROW(OPTION_BOOL, "api.restapi.cors_allow_credentials", NULL, 0, "true", 0, 0,
        restapi.cors_credentials, "and do it as the user that the browser has logged in"),
    ROW(OPTION_DURATION, "api.restapi.cors_max_age", NULL, 0, TEXT("0s"), 0, 0,
        restapi.cors_max_age_us, "how long a browser remembers that"),

    /* ---- ipfs_connector ---- */
    ROW(OPTION_ADDR, "ipfs_connector.ipfshttp.node_multiaddress", "ipfs_node_multiaddress",
        OPTION_NEEDS_TCP, TEXT("/ip4/127.0.0.1/tcp/5001"), 0, 0, ipfshttp.node_multiaddress,
        "this peer's IPFS daemon"),
    ROW(OPTION_DURATION, "ipfs_connector.ipfshttp.connect_swarms_delay", NULL, 0, TEXT("30s"), 0, 0,
        ipfshttp.connect_swarms_delay_us,
        "how long after the start the IPFS daemons are connected; 0s: never"),
    ROW(OPTION_DURATION, "ipfs_connector.ipfshttp.ipfs_request_timeout", NULL, 0, TEXT("5m0s"), MS,
        0, ipfshttp.ipfs_request_timeout_us, "for an ordinary request to the daemon"),
    ROW(OPTION_DURATION, "ipfs_connector.ipfshttp.pin_timeout", NULL, 0, TEXT("2m0s"), MS, 0,
        ipfshttp.pin_timeout_us, "for pinning, counted from the last progress"),
    ROW(OPTION_DURATION, "ipfs_connector.ipfshttp.unpin_timeout", NULL, 0, TEXT("3h0m0s"), MS, 0,
        ipfshttp.unpin_timeout_us, "for unpinning"),
    ROW(OPTION_DURATION, "ipfs_connector.ipfshttp.repogc_timeout", NULL, 0, TEXT("24h0m0s"), MS, 0,
        ipfshttp.repogc_timeout_us, "for a garbage collection"),
    IDLE("ipfs_connector.ipfshttp.informer_trigger_interval", OPTION_INT, "0"),
    ROW(OPTION_BOOL, "ipfs_connector.ipfshttp.unpin_disable", NULL, OPTION_QUIET, "false", 0, 0,
        ipfshttp.unpin_disable, "never unpin anything from the daemon"),

    OLD("ipfs_connector.ipfshttp.proxy_listen_multiaddress"),
    OLD("ipfs_connector.ipfshttp.proxy_read_timeout"),
    OLD("ipfs_connector.ipfshttp.proxy_read_header_timeout"),
    OLD("ipfs_connector.ipfshttp.proxy_write_timeout"),
    OLD("ipfs_connector.ipfshttp.proxy_idle_timeout"),
    OLD("ipfs_connector.ipfshttp.pin_method"),

    TREE("state"),

    /* ---- pin_tracker ---- */
    ROW(OPTION_INT, "pin_tracker.stateless.concurrent_pins", NULL, 0, "10", 1, 10000,
        tracker.concurrent_pins, "pins that the daemon works on at the same time"),
    ROW(OPTION_DURATION, "pin_tracker.stateless.priority_pin_max_age", NULL, 0, TEXT("24h0m0s"), 0,
        0, tracker.priority_pin_max_age_us,
        "pins that somebody asked for so lately, by this peer's own time, go first"),
    ROW(OPTION_INT, "pin_tracker.stateless.priority_pin_max_retries", NULL, 0, "5", 0, INT32_MAX,
        tracker.priority_pin_max_retries, "unless they failed so often"),
    IDLE_QUIET("pin_tracker.stateless.max_pin_queue_size", OPTION_INT, "1000000"),

    OLD("pin_tracker.maptracker"),

    /* ---- monitor, allocator, informer, observations, datastore ---- */
    IDLE("monitor.pubsubmon.check_interval", OPTION_DURATION, TEXT("15s")),
    OLD("monitor.monbasic"),
    ROW(OPTION_NAMES, "allocator.balanced.allocate_by", NULL, 0, "[\"tag:group\",\"reposize\"]", 0,
        0, allocator.allocate_by,
        "by which metrics peers are chosen, the first one first: reposize, freespace, numpin, "
        "pinqueue, "
        "tag:NAME"),
    IDLE("informer.disk.metric_ttl", OPTION_DURATION, TEXT("30s")),
    ROW(OPTION_METRIC, "informer.disk.metric_type", "allocation_strategy", 0, TEXT("reposize"), 0,
        0, informer.metric_type,
        "what peers report, and pins are allocated by: reposize, freespace or numpin"),
    IDLE_QUIET("informer.numpin.metric_ttl", OPTION_DURATION, TEXT("10s")),
    IDLE("informer.pinqueue.metric_ttl", OPTION_DURATION, TEXT("30s")),
    ROW(OPTION_INT, "informer.pinqueue.weight_bucket_size", NULL, 0, "100000", 1, INT32_MAX,
        informer.weight_bucket_size, "so many queued pins make a difference where pinqueue counts"),
    IDLE("informer.tags.metric_ttl", OPTION_DURATION, TEXT("30s")),
    ROW(OPTION_TAGS, "informer.tags.tags", NULL, 0, "{\"group\":\"default\"}", 0, 0, informer.tags,
        "what this peer says of itself: tag:NAME spreads copies over the values"),
    ROW(OPTION_BOOL, "observations.metrics.enable_stats", NULL, 0, "false", 0, 0,
        observations.enable_stats, "serve /metrics on prometheus_endpoint, too"),
    ROW(OPTION_ADDR, "observations.metrics.prometheus_endpoint", NULL, OPTION_NEEDS_TCP,
        TEXT("/ip4/127.0.0.1/tcp/8888"), 0, 0, observations.prometheus_endpoint,
        "where Prometheus finds them without a password"),
    IDLE("observations.metrics.reporting_interval", OPTION_DURATION, TEXT("30s")),
    IDLE("observations.tracing.enable_tracing", OPTION_BOOL, "false"),
    IDLE("observations.tracing.jaeger_agent_endpoint", OPTION_ADDR, TEXT("/ip4/0.0.0.0/udp/6831")),
    IDLE("observations.tracing.sampling_prob", OPTION_NUMBER, "0.3"),
    IDLE("observations.tracing.service_name", OPTION_STRING, TEXT("cluster-daemon")),
    TREE("datastore.pebble"),
    TREE("datastore.badger3"),
    TREE("datastore.badger"),
    TREE("datastore.leveldb"),
};

/* Why what has no effect here has none: of an option, or of all below a section. What is refused is
 * refused with these words. */
static const struct {
    const char *path;
    const char *reason;
} reasons[] = {
    { "cluster.no_announce_multiaddress",
      "what stands in announce_multiaddress is announced, or else what is listened on" },
    { "cluster.enable_relay_hop", "peers reach one another directly; nothing is relayed" },
    { "cluster.connection_manager", "a peer has one connection to each other peer" },
    { "cluster.resource_manager", "what a peer may use is bounded in the program" },
    { "cluster.pubsub", "metrics go over the connections between peers; nothing is published" },
    { "cluster.mdns_interval",
      "peers are found by cluster_peers, bootstrap and what the cluster knows" },
    { "cluster.pin_only_on_trusted_peers", "all peers of a Raft cluster are trusted" },
    { "cluster.pin_only_on_untrusted_peers", "all peers of a Raft cluster are trusted" },
    { "cluster.follower_mode",
      "there are no followers here, all peers of a Raft cluster may write. Remove it, and this "
      "peer "
      "joins as a member (the ones beyond cluster.max_voters do not vote and only follow the log); "
      "who may write is then a matter of credentials for the REST API" },
    { "cluster.state_sync_interval",
      "what a peer tracks follows each change of the state at once, and pins go when they expire; "
      "all of it is compared with the state at each start, when a change may have been missed, and "
      "in each pin_recover_interval" },
    { "cluster.peer_watch_interval", "the list of peers is written back when it changes" },
    { "cluster.peers", "of old versions: it is cluster.cluster_peers" },
    { "cluster.replication_factor",
      "of old versions: it is cluster.replication_factor_min and replication_factor_max" },
    { "consensus.crdt",
      "this peer keeps its pins by Raft. To bring them over: write them to a file with the Go "
      "program's `ipfs-cluster-service state export -f pins.json`, put \"raft\": {} in the place "
      "of this section, and run `ipfs-cluster-service state import pins.json` on the first peer of "
      "the new cluster" },
    { "consensus.raft.commit_retries",
      "a write is sent again until it is known what became of it, for network_timeout at most" },
    { "consensus.raft.commit_retry_delay", "the pauses are the program's" },
    { "consensus.raft.commit_timeout",
      "what is committed is told with the next message, at the latest with the next heartbeat" },
    { "consensus.raft.max_append_entries", "a message is bounded in bytes" },
    { "consensus.raft.datastore_namespace", "the state has tables of its own" },
    { "consensus.raft.leader_lease_timeout", "a leader asks a majority; there are no leases" },
    { "api.ipfsproxy.node_https", "the daemon is spoken to over plain HTTP: have it on this "
                                  "machine, or in a network of its own" },
    { "api.pinsvcapi", "the Pinning Service API is not offered" },
    { "api.restapi.listen_multiaddress", "of old versions: it is http_listen_multiaddress" },
    { "api.restapi.libp2p_listen_multiaddress", "the API is served over HTTP only" },
    { "api.restapi.id", "the API is served over HTTP only" },
    { "api.restapi.private_key", "the API is served over HTTP only" },
    { "ipfs_connector.ipfshttp.informer_trigger_interval",
      "peers report with each ping, every cluster.monitor_ping_interval" },
    { "ipfs_connector.ipfshttp.proxy_listen_multiaddress",
      "of old versions: it is api.ipfsproxy.listen_multiaddress" },
    { "ipfs_connector.ipfshttp.proxy_read_timeout",
      "of old versions: it is api.ipfsproxy.read_timeout" },
    { "ipfs_connector.ipfshttp.proxy_read_header_timeout",
      "of old versions: it is api.ipfsproxy.read_header_timeout" },
    { "ipfs_connector.ipfshttp.proxy_write_timeout",
      "of old versions: it is api.ipfsproxy.write_timeout" },
    { "ipfs_connector.ipfshttp.proxy_idle_timeout",
      "of old versions: it is api.ipfsproxy.idle_timeout" },
    { "ipfs_connector.ipfshttp.pin_method", "of old versions: the daemon fetches as it pins" },
    { "state", "no version ever used it" },
    { "pin_tracker.stateless.max_pin_queue_size", "what waits is on disk; there is no limit" },
    { "pin_tracker.maptracker", "of old versions: there is one tracker" },
    { "monitor", "a metric counts until it expires; nothing looks from time to time" },
    { "informer.disk.metric_ttl", "metrics travel with the pings, and live as long" },
    { "informer.numpin.metric_ttl", "metrics travel with the pings, and live as long" },
    { "informer.pinqueue.metric_ttl", "metrics travel with the pings, and live as long" },
    { "informer.tags.metric_ttl", "metrics travel with the pings, and live as long" },
    { "observations.metrics.reporting_interval", "numbers are read when they are asked for" },
    { "observations.tracing", "nothing is traced" },
    { "datastore", "log and state are kept in consensus.raft.data_folder, in LMDB" },
};

size_t option_count(void)
{
    return sizeof(options) / sizeof(options[0]);
}

const struct option *option_at(size_t index)
{
    ASSERT(index < option_count());
    return &options[index];
}

size_t option_index(const struct option *option)
{
    return (size_t)(option - options);
}

/* ---- names ---- */

static bool option_text_is(struct bytes run, const char *text)
{
    return bytes_equal(run, (struct bytes){ text, strlen(text) });
}

const struct option *option_named(struct bytes name)
{
    for (size_t i = 0; i < option_count(); i++) {
        if (option_text_is(name, options[i].name))
            return &options[i];
    }
    return NULL;
}

bool option_is_guide_name(struct bytes key)
{
    for (size_t i = 0; i < option_count(); i++) {
        if (options[i].guide != NULL && option_text_is(key, options[i].guide))
            return true;
    }
    return false;
}

bool option_is_section(struct bytes name)
{
    for (size_t i = 0; i < option_count(); i++) {
        const char *path = options[i].name;
        if (name.len > 0 && strlen(path) > name.len && path[name.len] == '.' &&
            memcmp(path, name.data, name.len) == 0)
            return true;
    }
    return false;
}

const char *option_reason(const struct option *option)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        size_t len = strlen(reasons[i].path);
        if (strncmp(option->name, reasons[i].path, len) == 0 &&
            (option->name[len] == '\0' || option->name[len] == '.'))
            return reasons[i].reason;
    }
    return NULL;
}

void option_print_variable(const struct option *option, struct buf *out)
{
    const char *at = option->name;
    const char *dot = strchr(at, '.');
    if (dot != NULL) /* `cluster` is dropped; of the others, "consensus." and the like */
        at = dot + 1;
    buf_append_text(out, "CLUSTER_");
    for (; *at != '\0'; at++) {
        if (*at == '.')
            buf_put_u8(out, '_');
        else if (*at != '_')
            buf_put_u8(out, (uint8_t)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at));
    }
}

enum { OPTION_NAME_MAX = 64 };

const struct option *option_of_variable(struct bytes variable)
{
    char room[OPTION_NAME_MAX];
    for (size_t i = 0; i < option_count(); i++) {
        struct buf name = buf_over(room, sizeof(room));
        if ((options[i].flags & OPTION_FILE_ONLY) != 0)
            continue;
        option_print_variable(&options[i], &name);
        ASSERT(name.err == OK);
        if (bytes_equal(variable, buf_bytes(&name)))
            return &options[i];
        bool begins = variable.len > name.len && memcmp(variable.data, name.data, name.len) == 0;
        if (options[i].type == OPTION_TREE && begins &&
            ((const char *)variable.data)[name.len] == '_')
            return &options[i];
    }
    return NULL;
}

/* ---- the nearest name ---- */

static struct bytes option_last_part(struct bytes name)
{
    const char *text = name.data;
    size_t from = name.len;
    while (from > 0 && text[from - 1] != '.')
        from -= 1;
    return (struct bytes){ text + from, name.len - from };
}

/* Who knows the key puts it into the wrong section. */
static const struct option *option_elsewhere(struct bytes key)
{
    for (size_t i = 0; i < option_count(); i++) {
        struct bytes name = { options[i].name, strlen(options[i].name) };
        if (bytes_equal(option_last_part(name), key) && option_reason(&options[i]) == NULL)
            return &options[i];
    }
    return NULL;
}

static void option_offer_sections(struct nearest *nearest, const char *name)
{
    for (const char *dot = strchr(name, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
        nearest_offer_len(nearest, name, (size_t)(dot - name));
}

struct bytes option_nearest(struct bytes wrong)
{
    struct bytes key = option_last_part(wrong);
    struct nearest nearest = nearest_to_end(wrong, key.len);
    const struct option *elsewhere = option_elsewhere(key);
    if (elsewhere != NULL)
        return (struct bytes){ elsewhere->name, strlen(elsewhere->name) };
    for (size_t i = 0; i < option_count(); i++)
        option_offer_sections(&nearest, options[i].name);
    for (size_t i = 0; i < option_count(); i++) {
        nearest_offer(&nearest, options[i].name);
        if (options[i].guide != NULL)
            nearest_offer(&nearest, options[i].guide);
    }
    return (struct bytes){ nearest.best, nearest.best_len };
}

void option_print_nearest_variable(struct bytes wrong, struct buf *out)
{
    static const char front[] = "CLUSTER_";
    size_t front_len = sizeof(front) - 1;
    struct nearest nearest =
        nearest_to_end(wrong, wrong.len > front_len ? wrong.len - front_len : 0);
    const struct option *option = NULL; /* nearest.best would point into the room */
    char room[OPTION_NAME_MAX + 1];
    for (size_t i = 0; i < option_count(); i++) {
        struct buf name = buf_over(room, sizeof(room));
        option_print_variable(&options[i], &name);
        if (nearest_offer(&nearest, buf_text(&name)))
            option = &options[i];
    }
    if (option != NULL)
        option_print_variable(option, out);
}
