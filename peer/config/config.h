/* config.h -- what this peer is told to be: the values of service.json, of the environment and of flags.
 *
 * Shape    default < file < environment < flag, each laid over the one before it:
 *          config_init, config_read, config_read_environment, config_set, config_check. What options
 *          there are, under which names, with which defaults, is one table: options.h. Which layer an
 *          option's value came from is remembered, for config_show().
 * Layouts  A file is flat, as the guide has it ("cluster_multiaddress"), or in sections, as V1 has it
 *          ("cluster": {"listen_multiaddress"}); names of both may stand in one file as long as they
 *          agree. config_write() writes sections.
 * Units    *_us microseconds; the file has Go durations ("1m30s"), the guide's keys whole seconds.
 * Owner    Strings and lists live in the config's arena, until config_deinit(), which also wipes the
 *          secret. No string is NULL. Bytes in, bytes out: files belong to the caller.
 * Errors   ERR_INVALID, and one sentence in notes->error that names the key and says what is expected.
 *          ERR_NOMEM. After an error only config_deinit() is left to do. What is odd but no error
 *          (an unknown key) is a line in notes->warnings; what has no effect here is named once, all
 *          together, in notes->idle. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/multiaddr.h"
#include "ids/peer_id.h"
#include "util/arena.h"
#include "util/buf.h"

enum {
    CONFIG_SECRET_BYTES = 32,
    CONFIG_LIST_MAX = 1024, /* entries of one list */
    CONFIG_TAGS_MAX = 8,
    CONFIG_OPTIONS_MAX = 256,
};

struct config_addrs {
    struct multiaddr *at;
    size_t count;
};

struct config_peer_ids {
    struct peer_id *at;
    size_t count;
};

struct config_names {
    const char *const *at;
    size_t count;
};

struct config_tag {
    const char *name;
    const char *value;
};

struct config_tags {
    const struct config_tag *at;
    size_t count;
};

struct config_pair {
    const char *name;
    const char *value;
};

struct config_pairs {
    const struct config_pair *at;
    size_t count;
};

struct config_secret {
    bool is_set; /* without one, everybody who reaches the cluster port may speak to it */
    uint8_t bytes[CONFIG_SECRET_BYTES];
};

/* What a peer reports of itself, and by which pins are allocated. */
enum config_metric {
    CONFIG_METRIC_REPOSIZE,  /* bytes in use: the fewest first */
    CONFIG_METRIC_FREESPACE, /* bytes left: the most first */
    CONFIG_METRIC_NUMPIN     /* pins held: the fewest first */
};

/* Where the value of an option came from. */
enum config_origin {
    CONFIG_ORIGIN_DEFAULT,
    CONFIG_ORIGIN_FILE,  /* under its name in sections */
    CONFIG_ORIGIN_GUIDE, /* in the file, under the guide's name */
    CONFIG_ORIGIN_ENVIRONMENT,
    CONFIG_ORIGIN_FLAG
};

enum config_layout { CONFIG_LAYOUT_SECTIONS, CONFIG_LAYOUT_FLAT };

struct config_cluster {
    const char *peername; /* "": the host's name is meant */
    struct config_secret secret;
    bool leave_on_shutdown;
    struct config_addrs listen_multiaddress;   /* TCP, one at least */
    struct config_addrs announce_multiaddress; /* empty: what is listened on */
    uint64_t dial_peer_timeout_us;
    uint64_t ipfs_sync_interval_us; /* 0: never by itself */
    uint64_t pin_recover_interval_us;
    int64_t replication_factor_min; /* -1: every peer; then the maximum is -1 too */
    int64_t replication_factor_max;
    uint64_t monitor_ping_interval_us; /* a ping metric lives for two of them */
    bool disable_repinning;
    uint64_t repin_after_us; /* 0: two lives of a ping metric; see config_repin_after_us() */
    struct config_addrs peer_addresses;
    struct config_addrs cluster_peers; /* each ends in /p2p/ID */
    struct config_addrs bootstrap;     /* so do these */
    int64_t repair_at_once;
    int64_t repair_per_second;                             /* 0: no limit */
    int64_t repair_percent;                                /* 100: no limit */
    int64_t repair_bytes_per_second, repair_bytes_at_once; /* 0: no limit */
    int64_t max_voters;
    uint64_t voter_replace_after_us;
    uint64_t shutdown_timeout_us;
    const char *id;             /* "" but in old files, from before identity.json */
    const char *private_key;    /* base64; "" likewise */
    const char *peerstore_file; /* "": `peerstore` beside service.json */
};

struct config_raft {
    const char *data_folder; /* "": `raft` beside service.json */
    struct config_peer_ids init_peerset;
    uint64_t wait_for_leader_timeout_us;
    uint64_t network_timeout_us;
    int64_t backups_rotate;
    uint64_t heartbeat_timeout_us;
    uint64_t election_timeout_us; /* >= heartbeat_timeout_us */
    int64_t trailing_logs;
    uint64_t snapshot_interval_us;
    int64_t snapshot_threshold;
};

/* What limits a server: 0 stands for "no limit" in the timeouts. */
struct config_http {
    uint64_t read_timeout_us;
    uint64_t read_header_timeout_us;
    uint64_t write_timeout_us;
    uint64_t idle_timeout_us;
    int64_t max_header_bytes;
};

struct config_restapi {
    bool enabled; /* false: the file has sections, and this is none of them */
    struct config_addrs http_listen_multiaddress;
    struct config_http http;
    const char *ssl_cert_file; /* "": plain HTTP; else relative to the configuration folder */
    const char *ssl_key_file;
    const char *log_file;        /* of requests; "": none; else relative likewise */
    struct config_pairs users;   /* none: everybody */
    struct config_pairs headers; /* of each answer; those of one name stand together */
    struct config_names cors_origins;
    struct config_names cors_methods;
    struct config_names cors_headers;
    struct config_names cors_exposed;
    bool cors_credentials;
    uint64_t cors_max_age_us;
};

struct config_observations {
    bool enable_stats;
    struct multiaddr prometheus_endpoint;
};

struct config_ipfsproxy {
    bool enabled; /* the same */
    struct config_addrs listen_multiaddress;
    struct multiaddr node_multiaddress;
    struct config_http http;
    const char *log_file;              /* likewise */
    struct config_names extract_names; /* of the daemon's header fields */
    const char *extract_path;
    uint64_t extract_ttl_us; /* 0: for ever */
};

struct config_ipfshttp {
    struct multiaddr node_multiaddress;
    uint64_t connect_swarms_delay_us; /* 0: never */
    uint64_t ipfs_request_timeout_us;
    uint64_t pin_timeout_us; /* since the last progress */
    uint64_t unpin_timeout_us;
    uint64_t repogc_timeout_us;
    bool unpin_disable;
};

struct config_tracker {
    int64_t concurrent_pins;
    uint64_t priority_pin_max_age_us;
    int64_t priority_pin_max_retries;
};

struct config_informer {
    enum config_metric metric_type;
    int64_t weight_bucket_size;
    struct config_tags tags;
};

struct config_allocator {
    struct config_names allocate_by; /* metrics; the first counts first */
};

struct config {
    struct config_cluster cluster;
    struct config_raft raft;
    struct config_restapi restapi;
    struct config_ipfsproxy ipfsproxy;
    struct config_ipfshttp ipfshttp;
    struct config_tracker tracker;
    struct config_informer informer;
    struct config_allocator allocator;
    struct config_observations observations;
    const char *source;        /* "", or the URL that the file names instead of options */
    enum config_layout layout; /* of the file that was read */
    uint8_t origin
        [CONFIG_OPTIONS_MAX]; /* enum config_origin, by option_index(); not of what was given in vain
                                           and is the default */
    struct arena arena;
};

struct config_notes {
    bool strict;         /* an unknown key is an error */
    struct buf error;    /* one sentence, no newline */
    struct buf warnings; /* one a line */
    struct buf idle;     /* names of what was given and has no effect here: "a, b" */
};

void config_notes_deinit(struct config_notes *notes);
/* The metrics that order candidates: allocate_by, or, while that has its default, the guide's strategy. */
size_t config_allocate_by(const struct config *c, const char **names, size_t max);
const char *config_metric_name(enum config_metric metric); /* "reposize", "freespace", "numpin" */

int config_init(struct config *c); /* all defaults */
void config_deinit(struct config *c);
int config_read(struct config *c, const char *json, size_t len, struct config_notes *notes);
/* `environment` as a program gets it: "NAME=value", ..., NULL. */
int config_read_environment(struct config *c, const char *const *environment,
                            struct config_notes *notes);
/* One option by its name in sections ("cluster.peername"), from a flag. The text is as in the
 * environment: lists separated by commas. An unknown name is our bug, and asserts. */
int config_set(struct config *c, const char *name, const char *text, struct config_notes *notes);
/* V1's file of known peers, one address a line; they are added to cluster.peer_addresses. Lines that do not
 * begin with '/' are passed over; one that is no TCP address of a peer is, with a warning. */
int config_read_peerstore(struct config *c, const char *text, size_t len,
                          struct config_notes *notes);
/* What only all values together show; the last step. */
int config_check(const struct config *c, struct config_notes *notes);

/* The file that `init` makes: sections in V1's order, two spaces, no final newline. */
void config_write(const struct config *c, struct buf *out);
/* The same file with another `cluster_peers`: everything else, also what we do not know, and the
 * layout stay as they are. ERR_INVALID when the bytes are no JSON object. */
int config_rewrite_peers(const char *json, size_t len, const struct config_addrs *peers,
                         struct buf *out);

/* The values as they are now, one a line ("cluster.peername = \"a\"  [environment, CLUSTER_PEERNAME]"), or one JSON
 * object. Options without effect are shown where they were given, and not as the default. */
struct config_show {
    bool as_json;
    bool shows_secrets;
    bool only_changed; /* leave out what is the default */
};
void config_show(const struct config *c, const struct config_show *how, struct buf *out);
/* The reference page, docs/CONFIG.md: every option of the table. */
void config_reference(struct buf *out);

/* How long a ping metric lives, and how long after that its peer counts as down. */
uint64_t config_ping_ttl_us(const struct config *c);
uint64_t config_repin_after_us(const struct config *c);

#endif
