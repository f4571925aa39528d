#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/options.h"
#include "tests/lib/config_loaded.h"
#include "tests/lib/test_file.h"
#include "util/err.h"
#include "util/json.h"

TestSuite(config, .timeout = 60);

#define ID_A   "12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV"
#define ID_B   "QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"
#define SECRET "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"

static void check_addr(const struct multiaddr *addr, const char *want)
{
    struct buf text = { 0 };
    multiaddr_print(addr, &text);
    cr_assert_str_eq(buf_text(&text), want);
    buf_deinit(&text);
}

/* ---- the table ---- */

Test(config, the_table_is_sound)
{
    struct config c;
    cr_assert_eq(config_init(&c), OK);
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        cr_assert_eq(option_index(o), i);
        cr_assert_eq(option_named((struct bytes){ o->name, strlen(o->name) }), o, "%s stands twice",
                     o->name);
        cr_assert_eq(o->help == NULL, o->offset == OPTION_NO_FIELD, "%s", o->name);
        cr_assert_eq(option_reason(o) != NULL, o->offset == OPTION_NO_FIELD, "%s: why?", o->name);
        cr_assert_lt(strlen(o->name), 64);
    }
    config_deinit(&c);
}

Test(config, variables)
{
    static const struct {
        const char *option;
        const char *variable;
    } rows[] = {
        { "cluster.secret", "CLUSTER_SECRET" },
        { "cluster.listen_multiaddress", "CLUSTER_LISTENMULTIADDRESS" },
        { "cluster.connection_manager.high_water", "CLUSTER_CONNECTIONMANAGER_HIGHWATER" },
        { "consensus.raft.wait_for_leader_timeout", "CLUSTER_RAFT_WAITFORLEADERTIMEOUT" },
        { "api.restapi.http_listen_multiaddress", "CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS" },
        { "ipfs_connector.ipfshttp.node_multiaddress", "CLUSTER_IPFSHTTP_NODEMULTIADDRESS" },
        { "informer.tags.tags", "CLUSTER_TAGS_TAGS" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf name = { 0 };
        const struct option *o =
            option_of_variable((struct bytes){ rows[i].variable, strlen(rows[i].variable) });
        cr_assert_not_null(o, "%s", rows[i].variable);
        cr_assert_str_eq(o->name, rows[i].option);
        option_print_variable(o, &name);
        cr_assert_str_eq(buf_text(&name), rows[i].variable);
        buf_deinit(&name);
    }
    cr_assert_not_null(option_of_variable((struct bytes){ "CLUSTER_CRDT_TRUSTEDPEERS", 25 }));
    cr_assert_null(option_of_variable((struct bytes){ "CLUSTER_CRDTX", 13 }));
}

/* ---- reading ---- */

Test(config, defaults)
{
    struct config c;
    cr_assert_eq(config_init(&c), OK);
    cr_assert_str_eq(c.cluster.peername, "");
    cr_assert_not(c.cluster.secret.is_set);
    cr_assert_eq(c.cluster.listen_multiaddress.count, 1);
    check_addr(&c.cluster.listen_multiaddress.at[0], "/ip4/0.0.0.0/tcp/9096");
    cr_assert_eq(c.cluster.replication_factor_min, -1);
    cr_assert_not(c.cluster.disable_repinning, "repinning is on");
    cr_assert_eq(config_ping_ttl_us(&c), 30 * 1000 * 1000);
    cr_assert_eq(config_repin_after_us(&c), 60 * 1000 * 1000);
    check_addr(&c.restapi.http_listen_multiaddress.at[0], "/ip4/127.0.0.1/tcp/9094");
    check_addr(&c.ipfsproxy.listen_multiaddress.at[0], "/ip4/127.0.0.1/tcp/9095");
    check_addr(&c.ipfshttp.node_multiaddress, "/ip4/127.0.0.1/tcp/5001");
    cr_assert(c.restapi.enabled && c.ipfsproxy.enabled);
    cr_assert_eq(c.ipfshttp.unpin_timeout_us, UINT64_C(3) * 3600 * 1000 * 1000);
    cr_assert_eq(c.tracker.concurrent_pins, 10);
    cr_assert_eq(c.informer.metric_type, CONFIG_METRIC_REPOSIZE);
    struct config_notes notes = { 0 };
    cr_assert_eq(config_check(&c, &notes), OK);
    cr_assert_not_null(strstr(buf_text(&notes.warnings), "cluster.secret is empty"));
    config_notes_deinit(&notes);
    config_deinit(&c);
}

Test(config, a_flat_file_of_the_guide)
{
    struct loaded l =
        load("{\n"
             "    \"id\": \"" ID_B "\",\n"
             "    \"private_key\": \"CAAS\",\n"
             "    \"cluster_peers\": [\"/ip4/192.168.1.103/tcp/9096/ipfs/" ID_B "\"],\n"
             "    \"bootstrap\": [],\n"
             "    \"leave_on_shutdown\": true,\n"
             "    \"cluster_multiaddress\": \"/ip4/0.0.0.0/tcp/1\",\n"
             "    \"api_listen_multiaddress\": \"/ip4/127.0.0.1/tcp/2\",\n"
             "    \"ipfs_proxy_listen_multiaddress\": \"/ip4/127.0.0.1/tcp/3\",\n"
             "    \"ipfs_node_multiaddress\": \"/dns4/ipfs/tcp/4\",\n"
             "    \"consensus_data_folder\": \"/data\",\n"
             "    \"state_sync_seconds\": 61,\n"
             "    \"ipfs_sync_seconds\": 62,\n"
             "    \"replication_factor\": 3,\n"
             "    \"monitoring_interval_seconds\": 7,\n"
             "    \"allocation_strategy\": \"pincount\"\n"
             "}\n");
    const struct config *c = &l.config;
    cr_assert_eq(l.err, OK, "%s", buf_text(&l.notes.error));
    cr_assert_str_eq(buf_text(&l.notes.warnings), "");
    cr_assert_str_eq(buf_text(&l.notes.idle), "state_sync_seconds");
    cr_assert_eq(c->layout, CONFIG_LAYOUT_FLAT);
    cr_assert_str_eq(c->cluster.id, ID_B);
    cr_assert_str_eq(c->cluster.private_key, "CAAS");
    cr_assert_eq(c->cluster.cluster_peers.count, 1);
    check_addr(&c->cluster.cluster_peers.at[0], "/ip4/192.168.1.103/tcp/9096/p2p/" ID_B);
    cr_assert(c->cluster.leave_on_shutdown);
    check_addr(&c->cluster.listen_multiaddress.at[0], "/ip4/0.0.0.0/tcp/1");
    check_addr(&c->restapi.http_listen_multiaddress.at[0], "/ip4/127.0.0.1/tcp/2");
    check_addr(&c->ipfsproxy.listen_multiaddress.at[0], "/ip4/127.0.0.1/tcp/3");
    check_addr(&c->ipfsproxy.node_multiaddress, "/dns4/ipfs/tcp/4");
    check_addr(&c->ipfshttp.node_multiaddress, "/dns4/ipfs/tcp/4");
    cr_assert_str_eq(c->raft.data_folder, "/data");
    cr_assert_eq(c->cluster.ipfs_sync_interval_us, 62000000);
    cr_assert_eq(c->cluster.replication_factor_min, 3);
    cr_assert_eq(c->cluster.replication_factor_max, 3);
    cr_assert_eq(c->cluster.monitor_ping_interval_us, 7000000);
    cr_assert_eq(c->informer.metric_type, CONFIG_METRIC_NUMPIN);
    cr_assert(c->restapi.enabled && c->ipfsproxy.enabled);
    unload(&l);
}

/* The files that 1.1.6 and 0.0.12 make at their init. */
Test(config, files_of_both_reference_versions)
{
    static const struct {
        const char *path;
        const char *idle;
        bool is_flat;
    } rows[] = {
        { "tests/vectors/service_v1.json", "api.pinsvcapi", false },
        { "tests/vectors/service_guide.json", "state_sync_seconds", true },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf file = { 0 };
        test_file_read(rows[i].path, &file);
        struct loaded l = { .notes.strict = true };
        cr_assert_eq(config_init(&l.config), OK);
        l.err = config_read(&l.config, (const char *)file.data, file.len, &l.notes);
        cr_assert_eq(l.err, OK, "%s: %s", rows[i].path, buf_text(&l.notes.error));
        cr_assert_eq(config_check(&l.config, &l.notes), OK);
        cr_assert_str_eq(buf_text(&l.notes.idle), rows[i].idle);
        cr_assert_eq(l.config.layout == CONFIG_LAYOUT_FLAT, rows[i].is_flat);
        cr_assert(l.config.restapi.enabled && l.config.ipfsproxy.enabled);
        unload(&l);
        buf_deinit(&file);
    }
}

Test(config, what_the_guide_calls_the_default)
{
    struct loaded l = load("{\"ipfs_sync_seconds\":0,\"monitoring_interval_seconds\":-3,"
                           "\"replication_factor\":0,\"allocation_strategy\":\"\"}");
    cr_assert_eq(l.err, OK, "%s", buf_text(&l.notes.error));
    cr_assert_eq(l.config.cluster.ipfs_sync_interval_us, 130000000);
    cr_assert_eq(l.config.cluster.monitor_ping_interval_us, 15000000);
    cr_assert_eq(l.config.cluster.replication_factor_max, -1);
    cr_assert_not_null(
        strstr(buf_text(&l.notes.warnings), "replication_factor: 0 means the default"));
    unload(&l);
}

Test(config, a_file_of_sections)
{
    struct loaded l =
        load("{\"cluster\":{\"peername\":\"a\",\"secret\":\"" SECRET "\","
             "\"listen_multiaddress\":[\"/ip4/0.0.0.0/tcp/9096\",\"/ip4/0.0.0.0/udp/9096/quic\"],"
             "\"announce_multiaddress\":\"/dns4/a.example/tcp/9096\","
             "\"replication_factor_min\":2,\"replication_factor_max\":3,"
             "\"repin_after\":\"3s\",\"mdns_interval\":\"0s\",\"follower_mode\":null,"
             "\"cluster_peers\":[\"/ip4/1.2.3.4/tcp/9096/p2p/" ID_A "\"]},"
             "\"consensus\":{\"raft\":{\"init_peerset\":[\"" ID_A "\",\"" ID_B "\"],"
             "\"heartbeat_timeout\":\"200ms\",\"election_timeout\":\"300ms\"}},"
             "\"api\":{\"restapi\":{\"http_listen_multiaddress\":"
             "[\"/ip4/127.0.0.1/tcp/9094\",\"/ip6/::1/tcp/9094\"]},\"pinsvcapi\":{\"a\":1}},"
             "\"informer\":{\"disk\":{\"metric_type\":\"freespace\",\"metric_ttl\":\"1m0s\"}},"
             "\"datastore\":{\"pebble\":{\"pebble_options\":{\"x\":[]}}}}");
    const struct config *c = &l.config;
    cr_assert_eq(l.err, OK, "%s", buf_text(&l.notes.error));
    cr_assert_eq(c->layout, CONFIG_LAYOUT_SECTIONS);
    cr_assert(c->cluster.secret.is_set);
    cr_assert_eq(c->cluster.secret.bytes[31], 0xff);
    cr_assert_eq(c->cluster.listen_multiaddress.count, 1, "QUIC is left out");
    cr_assert_eq(c->cluster.announce_multiaddress.count, 1);
    cr_assert_eq(config_repin_after_us(c), 3000000);
    cr_assert_eq(c->raft.init_peerset.count, 2);
    cr_assert_str_eq(peer_id_print(&c->raft.init_peerset.at[1]).text, ID_B);
    cr_assert_eq(c->raft.heartbeat_timeout_us, 200000);
    cr_assert_eq(c->restapi.http_listen_multiaddress.count, 2);
    cr_assert(c->restapi.enabled);
    cr_assert_not(c->ipfsproxy.enabled, "its section is missing");
    cr_assert_eq(c->informer.metric_type, CONFIG_METRIC_FREESPACE);
    const char *warnings = buf_text(&l.notes.warnings);
    cr_assert_not_null(strstr(warnings, "/ip4/0.0.0.0/udp/9096/quic is left out"), "%s", warnings);
    cr_assert_str_eq(buf_text(&l.notes.idle),
                     "cluster.mdns_interval, api.pinsvcapi, informer.disk.metric_ttl, "
                     "datastore.pebble");
    cr_assert_not_null(strstr(warnings, "the IPFS proxy is off"));
    cr_assert_eq(config_check(&l.config, &l.notes), OK);
    unload(&l);
}

Test(config, names_of_both_kinds_must_agree)
{
    struct loaded l = load("{\"cluster\":{\"listen_multiaddress\":[\"/ip4/1.2.3.4/tcp/1\"]},"
                           "\"cluster_multiaddress\":\"/ip4/1.2.3.4/tcp/01\"}");
    cr_assert_eq(l.err, OK, "%s", buf_text(&l.notes.error));
    cr_assert(l.config.restapi.enabled);
    unload(&l);
    static const char *const files[][2] = {
        { "{\"cluster_multiaddress\":\"/ip4/1.2.3.4/tcp/1\","
          "\"cluster\":{\"listen_multiaddress\":\"/ip4/1.2.3.4/tcp/2\"}}",
          "cluster_multiaddress and cluster.listen_multiaddress mean the same and disagree: keep "
          "one "
          "of them" },
        { "{\"cluster\":{\"ipfs_sync_interval\":\"1m1s\"},\"ipfs_sync_seconds\":60}",
          "ipfs_sync_seconds and cluster.ipfs_sync_interval mean the same and disagree: keep one "
          "of them" },
        { "{\"replication_factor\":2,\"cluster\":{\"replication_factor_min\":1}}",
          "replication_factor and cluster.replication_factor_min mean the same and disagree: keep "
          "one of them" },
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        l = load(files[i][0]);
        cr_assert_eq(l.err, ERR_INVALID);
        cr_assert_str_eq(buf_text(&l.notes.error), files[i][1]);
        unload(&l);
    }
}

/* A file, and what is said of it. */
static const char *const refused[][2] = {
    { "", "line 1, column 1: this is no valid JSON" },
    { "{\n  \"cluster\": {\n    \"peername\": \"a\",\n  }\n}",
      "line 4, column 3: this is no valid JSON" },
    { "[]", "expected a JSON object" },
    { "{\"cluster\":7}", "cluster: expected an object" },
    { "{\"cluster\":{\"secret\":\"abc\"}}", "cluster.secret: expected 64 hex digits (32 bytes), "
                                            "or an empty string, found 3 characters" },
    { "{\"cluster\":{\"secret\":[\"abc\"]}}",
      "cluster.secret: expected 64 hex digits (32 bytes), or an empty string, found a list" },
    { "{\"cluster\":{\"leave_on_shutdown\":\"yes\"}}",
      "cluster.leave_on_shutdown: expected true or false, found \"yes\"" },
    { "{\"cluster\":{\"replication_factor_min\":\"2\"}}",
      "cluster.replication_factor_min: expected a whole number from -1 to 2147483647, found "
      "\"2\"" },
    { "{\"cluster\":{\"replication_factor_min\":-2}}",
      "cluster.replication_factor_min: expected a whole number from -1 to 2147483647, found -2" },
    { "{\"cluster\":{\"replication_factor_max\":1.5}}",
      "cluster.replication_factor_max: expected a whole number from -1 to 2147483647, found "
      "1.5" },
    { "{\"cluster\":{\"ipfs_sync_interval\":60}}",
      "cluster.ipfs_sync_interval: expected a duration of 0s or more, such as \"1m30s\" or "
      "\"500ms\", found 60" },
    { "{\"cluster\":{\"ipfs_sync_interval\":\"5 minutes\"}}",
      "cluster.ipfs_sync_interval: expected a duration of 0s or more, such as \"1m30s\" or "
      "\"500ms\", found \"5 minutes\"" },
    { "{\"cluster\":{\"repin_after\":\"-1s\"}}",
      "cluster.repin_after: expected a duration of 0s or more, such as \"1m30s\" or \"500ms\", "
      "found \"-1s\"" },
    { "{\"consensus\":{\"raft\":{\"heartbeat_timeout\":\"1ms\"}}}",
      "consensus.raft.heartbeat_timeout: expected a duration of 5ms or more, such as \"1m30s\" "
      "or \"500ms\", found \"1ms\"" },
    { "{\"ipfs_sync_seconds\":\"60\"}",
      "ipfs_sync_seconds: expected a whole number of seconds, found \"60\"" },
    { "{\"cluster\":{\"peername\":true}}",
      "cluster.peername: expected a string (UTF-8), found true" },
    { "{\"cluster\":{\"peername\":\"a\\u0000b\"}}",
      "cluster.peername: expected a string (UTF-8), found \"a\\u0000b\"" },
    { "{\"api_listen_multiaddress\":\"127.0.0.1:9094\"}",
      "api_listen_multiaddress: expected a list of multiaddresses with a host and a TCP port, "
      "such as /ip4/127.0.0.1/tcp/9094, or of a unix socket, such as /unix/run/cluster.sock, found "
      "\"127.0.0.1:9094\"" },
    { "{\"ipfs_node_multiaddress\":\"/ip4/127.0.0.1/udp/1\"}",
      "ipfs_node_multiaddress: expected a multiaddress with a host and a TCP port, such as "
      "/ip4/127.0.0.1/tcp/9096, without /https or /tls, found \"/ip4/127.0.0.1/udp/1\"" },
    { "{\"ipfs_node_multiaddress\":\"/dns4/kubo/tcp/443/https\"}",
      "ipfs_node_multiaddress: expected a multiaddress with a host and a TCP port, such as "
      "/ip4/127.0.0.1/tcp/9096, without /https or /tls, found \"/dns4/kubo/tcp/443/https\"" },
    { "{\"cluster\":{\"listen_multiaddress\":[]}}",
      "cluster.listen_multiaddress: expected a list of multiaddresses with a host and a TCP "
      "port, such as /ip4/127.0.0.1/tcp/9096, found a list" },
    { "{\"cluster_peers\":[\"/ip4/1.2.3.4/tcp/9096\"]}",
      "cluster_peers: expected a list of multiaddresses such as "
      "/ip4/192.168.1.2/tcp/9096/p2p/ID, found \"/ip4/1.2.3.4/tcp/9096\"" },
    { "{\"bootstrap\":[7]}", "bootstrap: expected a list of multiaddresses such as "
                             "/ip4/192.168.1.2/tcp/9096/p2p/ID, found something that is no "
                             "string" },
    { "{\"cluster\":{\"peer_addresses\":[\"/ip4/1.2.3.4/tcp/1\"]}}",
      "cluster.peer_addresses: expected a list of multiaddresses ending in /p2p/ID, found "
      "\"/ip4/1.2.3.4/tcp/1\"" },
    { "{\"consensus\":{\"raft\":{\"init_peerset\":[\"x\"]}}}",
      "consensus.raft.init_peerset: expected a list of peer ids such as \"12D3KooW...\", found "
      "\"x\"" },
    { "{\"allocation_strategy\":\"best\"}",
      "allocation_strategy: expected reposize (or disk), freespace, or numpin (or pincount), "
      "found \"best\"" },
    { "{\"cluster\":{\"pubsub\":{\"d_factor\":\"4\"}}}",
      "cluster.pubsub.d_factor: expected a whole number, found \"4\"" },
    { "{\"api\":{\"restapi\":{\"headers\":[]}}}",
      "api.restapi.headers: expected an object of header fields that do not frame the answer, such "
      "as {\"X-Name\":[\"value\"]}, found a list" },
    { "{\"api\":{\"restapi\":{\"headers\":{\"Content-length\":[\"7\"]}}}}",
      "api.restapi.headers: expected an object of header fields that do not frame the answer, such "
      "as {\"X-Name\":[\"value\"]}, found an object" },
    { "{\"api\":{\"restapi\":{\"headers\":{\"X\":[\"a\\nSet-Cookie: b\"]}}}}",
      "api.restapi.headers: expected an object of header fields that do not frame the answer, such "
      "as {\"X-Name\":[\"value\"]}, found an object" },
    { "{\"api\":{\"restapi\":{\"cors_allowed_methods\":[7]}}}",
      "api.restapi.cors_allowed_methods: expected a list of strings, found a list" },
    { "{\"observations\":{\"tracing\":{\"sampling_prob\":\"x\"}}}",
      "observations.tracing.sampling_prob: expected a number, found \"x\"" },
    { "{\"api\":{\"restapi\":{\"basic_auth_credentials\":{}}}}",
      "api.restapi.basic_auth_credentials: expected null, or an object of users and passwords, "
      "none "
      "of them empty, such as {\"user\":\"password\"}, found an object" },
    { "{\"api\":{\"restapi\":{\"basic_auth_credentials\":{\"a\":\"\"}}}}",
      "api.restapi.basic_auth_credentials: expected null, or an object of users and passwords, "
      "none "
      "of them empty, such as {\"user\":\"password\"}, found an object" },
    { "{\"api\":{\"restapi\":{\"basic_auth_credentials\":\"root\"}}}",
      "api.restapi.basic_auth_credentials: expected null, or an object of users and passwords, "
      "none "
      "of them empty, such as {\"user\":\"password\"}, found 4 characters" },
    { "{\"source\":[\"http://example.com/service.json\"]}",
      "source: expected a string (UTF-8), found a list" },
    { "{\"consensus\":{\"crdt\":{\"cluster_name\":\"x\"}}}",
      "consensus.crdt: this peer keeps its pins by Raft. To bring them over: write them to a file "
      "with the Go program's `ipfs-cluster-service state export -f pins.json`, put \"raft\": {} "
      "in the place of this section, and run `ipfs-cluster-service state import pins.json` on the "
      "first peer of the new cluster" },
    { "{\"cluster\":{\"follower_mode\":true}}",
      "cluster.follower_mode: there are no followers here, all peers of a Raft cluster may write. "
      "Remove it, and this peer joins as a member (the ones beyond cluster.max_voters do not vote "
      "and only follow the log); who may write is then a matter of credentials for the REST API" },
};

Test(config, refused)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct loaded l = load(refused[i][0]);
        cr_assert_eq(l.err, ERR_INVALID, "%s", refused[i][0]);
        cr_assert_str_eq(buf_text(&l.notes.error), refused[i][1]);
        unload(&l);
    }
}

Test(config, a_secret_is_never_shown)
{
    struct loaded l = load("{\"cluster\":{\"secret\":\"" SECRET "00\"}}");
    cr_assert_eq(l.err, ERR_INVALID);
    cr_assert_null(strstr(buf_text(&l.notes.error), "0001"));
    unload(&l);
}

Test(config, unknown_keys)
{
    static const char *const files[][2] = {
        { "{\"cluster\":{\"peer_name\":\"x\"}}",
          "cluster.peer_name: unknown key, ignored; did you mean cluster.peername\n" },
        { "{\"cluster_multiadress\":\"x\"}",
          "cluster_multiadress: unknown key, ignored; did you mean cluster_multiaddress\n" },
        { "{\"consensus\":{\"raft\":{\"election_timout\":\"x\"}}}",
          "consensus.raft.election_timout: unknown key, ignored; did you mean "
          "consensus.raft.election_timeout\n" },
        { "{\"zebra\":{\"cluster\":1}}", "zebra: unknown key, ignored\n" },
        { "{\"cluster\":{\"foo\":1}}", "cluster.foo: unknown key, ignored\n" },
        { "{\"clustr\":{}}", "clustr: unknown key, ignored; did you mean cluster\n" },
        { "{\"api\":{\"rest\":{}}}", "api.rest: unknown key, ignored; did you mean api.restapi\n" },
        { "{\"cluster\":{\"heartbeat_timeout\":\"x\"}}",
          "cluster.heartbeat_timeout: unknown key, ignored; did you mean "
          "consensus.raft.heartbeat_timeout\n" },
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct loaded l = load(files[i][0]);
        cr_assert_eq(l.err, OK, "%s", buf_text(&l.notes.error));
        l.notes.warnings.len = strlen(files[i][1]) < l.notes.warnings.len
                                   ? strlen(files[i][1])
                                   : l.notes.warnings.len; /* those of missing sections follow */
        cr_assert_str_eq(buf_text(&l.notes.warnings), files[i][1]);
        unload(&l);
    }
    struct config c;
    struct config_notes notes = { .strict = true };
    cr_assert_eq(config_init(&c), OK);
    cr_assert_eq(config_read(&c, "{\"bootstap\":[]}", 15, &notes), ERR_INVALID);
    cr_assert_str_eq(buf_text(&notes.error), "bootstap: unknown key; did you mean bootstrap");
    config_notes_deinit(&notes);
    config_deinit(&c);
}

Test(config, what_old_files_have_is_named_once)
{
    struct loaded l =
        load("{\"cluster\":{\"peers\":[],\"replication_factor\":2},"
             "\"pin_tracker\":{\"maptracker\":{\"x\":1}},"
             "\"consensus\":{\"raft\":{},\"crdt\":null},"
             "\"monitor\":{\"monbasic\":{},\"pubsubmon\":{\"check_interval\":\"1s\"}}}");
    cr_assert_eq(l.err, OK, "%s", buf_text(&l.notes.error));
    cr_assert_str_eq(buf_text(&l.notes.idle),
                     "cluster.peers, cluster.replication_factor, pin_tracker.maptracker, "
                     "monitor.pubsubmon.check_interval, monitor.monbasic");
    cr_assert_null(strstr(buf_text(&l.notes.warnings), "unknown"));
    unload(&l);
}

Test(config, a_source_counts_alone)
{
    struct loaded l = load("{\"source\":\"http://x/y\",\"cluster\":{\"peername\":\"a\"}}");
    static const char *const environment[] = { "CLUSTER_SOURCE=http://x/z", NULL };
    cr_assert_eq(l.err, OK, "%s", buf_text(&l.notes.error));
    cr_assert_str_eq(l.config.source, "http://x/y");
    cr_assert_str_eq(buf_text(&l.notes.warnings),
                     "source: everything else in this file is ignored\n");
    cr_assert_eq(config_read_environment(&l.config, environment, &l.notes), OK);
    cr_assert_str_eq(l.config.source, "http://x/y", "it is for the file to say");
    unload(&l);
}

Test(config, peerstore)
{
    static const char text[] = "# known\n"
                               "/ip4/1.2.3.4/tcp/9096/p2p/" ID_A "\r\n"
                               "\n"
                               "/ip4/1.2.3.4/udp/9096/quic/p2p/" ID_A "\n"
                               "/nonsense\n"
                               "/dns4/b/tcp/9096/ipfs/" ID_B;
    struct loaded l =
        load("{\"cluster\":{\"peer_addresses\":[\"/ip4/9.9.9.9/tcp/1/p2p/" ID_B "\"]}}");
    cr_assert_eq(config_read_peerstore(&l.config, text, strlen(text), &l.notes), OK);
    cr_assert_eq(l.config.cluster.peer_addresses.count, 3);
    check_addr(&l.config.cluster.peer_addresses.at[0], "/ip4/9.9.9.9/tcp/1/p2p/" ID_B);
    check_addr(&l.config.cluster.peer_addresses.at[1], "/ip4/1.2.3.4/tcp/9096/p2p/" ID_A);
    check_addr(&l.config.cluster.peer_addresses.at[2], "/dns4/b/tcp/9096/p2p/" ID_B);
    cr_assert_not_null(strstr(buf_text(&l.notes.warnings), "peerstore: /nonsense is left out"));
    unload(&l);
}

/* ---- what is shown ---- */

static void check_shown(struct loaded *l, struct config_show how, const char *want)
{
    struct buf out = { 0 };
    config_show(&l->config, &how, &out);
    cr_assert_str_eq(buf_text(&out), want);
    buf_deinit(&out);
}

Test(config, show_says_where_a_value_came_from)
{
    static const char *const environment[] = { "CLUSTER_PEERNAME=e", NULL };
    struct loaded l = load("{\"replication_factor\":2,\"cluster\":{\"secret\":\"" SECRET "\","
                           "\"mdns_interval\":\"1s\",\"enable_relay_hop\":true,"
                           "\"pin_recover_interval\":\"12m\"}}");
    cr_assert_eq(config_read_environment(&l.config, environment, &l.notes), OK);
    cr_assert_eq(config_set(&l.config, "cluster.max_voters", "3", &l.notes), OK);
    check_shown(&l, (struct config_show){ .only_changed = true },
                "cluster.peername = \"e\"  [environment, CLUSTER_PEERNAME]\n"
                "cluster.secret = \"(hidden)\"  [file]\n"
                "cluster.replication_factor_min = 2  [file, replication_factor]\n"
                "cluster.replication_factor_max = 2  [file, replication_factor]\n"
                "cluster.mdns_interval = (no effect here)  [file]\n"
                "cluster.max_voters = 3  [flag]\n");
    struct buf out = { 0 };
    config_show(&l.config, &(struct config_show){ 0 }, &out);
    cr_assert_not_null(
        strstr(buf_text(&out), "cluster.pin_recover_interval = \"12m0s\"  [file]\n"));
    cr_assert_not_null(strstr(buf_text(&out), "cluster.repair_percent = 10  [default]\n"));
    cr_assert_null(strstr(buf_text(&out), SECRET));
    buf_deinit(&out);
    unload(&l);
}

Test(config, show_as_json)
{
    struct loaded l = load("{\"cluster\":{\"secret\":\"" SECRET "\"},\"state\":{\"a\":1}}");
    check_shown(
        &l, (struct config_show){ .only_changed = true, .as_json = true, .shows_secrets = true },
        "{\n"
        "    \"cluster.secret\": {\n"
        "        \"value\": \"" SECRET "\",\n"
        "        \"has_effect\": true,\n"
        "        \"from\": \"file\"\n"
        "    },\n"
        "    \"state\": {\n"
        "        \"value\": null,\n"
        "        \"has_effect\": false,\n"
        "        \"from\": \"file\"\n"
        "    }\n"
        "}\n");
    unload(&l);
}

Test(config, the_reference_has_every_option)
{
    struct buf out = { 0 };
    config_reference(&out);
    cr_assert_eq(out.err, OK);
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        const char *dot = strrchr(o->name, '.');
        char cell[128];
        snprintf(cell, sizeof(cell), "| `%s` |",
                 o->offset != OPTION_NO_FIELD && dot != NULL ? dot + 1 : o->name);
        cr_assert_not_null(strstr(buf_text(&out), cell), "%s", o->name);
    }
    buf_deinit(&out);
}

/* ---- layers ---- */

Test(config, environment_over_file_and_flag_over_environment)
{
    struct loaded l = load("{\"cluster\":{\"peername\":\"file\",\"max_voters\":3}}");
    static const char *const environment[] = {
        "PATH=/bin",
        "CLUSTER_PEERNAME=environment",
        "CLUSTER_SECRET=" SECRET,
        "CLUSTER_LEAVEONSHUTDOWN=T",
        "CLUSTER_REPLICATIONFACTORMIN=2",
        "CLUSTER_REPLICATIONFACTORMAX=4",
        "CLUSTER_PEERADDRESSES= /ip4/1.2.3.4/tcp/1/p2p/" ID_A " , /dns4/b/tcp/2/p2p/" ID_B,
        "CLUSTER_ANNOUNCEMULTIADDRESS=",
        "CLUSTER_RAFT_INITPEERSET=" ID_A,
        "CLUSTER_IPFSHTTP_NODEMULTIADDRESS=/ip4/10.0.0.1/tcp/5001",
        "CLUSTER_MONITORPINGINTERVAL=2s",
        "CLUSTER_CREDENTIALS=a:b",
        "CLUSTER_RESTAPI_SSLCERTFILE=",
        "CLUSTER_IPFSPROXY_NODEHTTPS=false",
        "CLUSTER_CRDT_TRUSTEDPEERS=*",
        "CLUSTER_PEERNAMES=x",
        NULL,
    };
    cr_assert_eq(config_read_environment(&l.config, environment, &l.notes), OK, "%s",
                 buf_text(&l.notes.error));
    const struct config *c = &l.config;
    cr_assert_str_eq(c->cluster.peername, "environment");
    cr_assert_eq(c->cluster.max_voters, 3);
    cr_assert(c->cluster.secret.is_set);
    cr_assert(c->cluster.leave_on_shutdown);
    cr_assert_eq(c->cluster.replication_factor_max, 4);
    cr_assert_eq(c->cluster.peer_addresses.count, 2);
    check_addr(&c->cluster.peer_addresses.at[1], "/dns4/b/tcp/2/p2p/" ID_B);
    cr_assert_eq(c->cluster.announce_multiaddress.count, 0);
    cr_assert_eq(c->raft.init_peerset.count, 1);
    cr_assert_eq(config_ping_ttl_us(c), 4000000);
    cr_assert_not_null(strstr(buf_text(&l.notes.warnings),
                              "CLUSTER_PEERNAMES: unknown variable, ignored; did you mean "
                              "CLUSTER_PEERNAME\n"));
    cr_assert_eq(config_set(&l.config, "cluster.peername", "flag", &l.notes), OK);
    cr_assert_str_eq(c->cluster.peername, "flag");
    cr_assert_eq(config_set(&l.config, "informer.disk.metric_type", "disk", &l.notes), OK);
    cr_assert_eq(config_set(&l.config, "cluster.bootstrap", "nowhere", &l.notes), ERR_INVALID);
    cr_assert_str_eq(buf_text(&l.notes.error),
                     "cluster.bootstrap: expected a list of multiaddresses such as "
                     "/ip4/192.168.1.2/tcp/9096/p2p/ID, found \"nowhere\"");
    unload(&l);
}

Test(config, bad_variables)
{
    static const char *const rows[][2] = {
        { "CLUSTER_LEAVEONSHUTDOWN=",
          "CLUSTER_LEAVEONSHUTDOWN: expected true or false, found \"\"" },
        { "CLUSTER_REPLICATIONFACTORMIN=two",
          "CLUSTER_REPLICATIONFACTORMIN: expected a whole number from -1 to 2147483647, found "
          "\"two\"" },
        { "CLUSTER_SECRET=xyz", "CLUSTER_SECRET: expected 64 hex digits (32 bytes), or an empty "
                                "string, found 3 characters" },
        { "CLUSTER_IPFSPROXY_NODEHTTPS=true",
          "CLUSTER_IPFSPROXY_NODEHTTPS: the daemon is spoken to over plain HTTP: have it on this "
          "machine, or in a network of its own" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config c;
        struct config_notes notes = { 0 };
        const char *environment[] = { rows[i][0], NULL };
        cr_assert_eq(config_init(&c), OK);
        cr_assert_eq(config_read_environment(&c, environment, &notes), ERR_INVALID);
        cr_assert_str_eq(buf_text(&notes.error), rows[i][1]);
        config_notes_deinit(&notes);
        config_deinit(&c);
    }
}

Test(config, values_that_do_not_go_together)
{
    static const char *const files[][2] = {
        { "{\"cluster\":{\"replication_factor_min\":2}}",
          "-1 (every peer) stands in both or in none" },
        { "{\"cluster\":{\"replication_factor_min\":3,\"replication_factor_max\":2}}",
          "replication_factor_min is larger than" },
        { "{\"consensus\":{\"raft\":{\"heartbeat_timeout\":\"2s\"}}}", "is shorter than" },
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct loaded l = load(files[i][0]);
        cr_assert_eq(l.err, OK);
        cr_assert_eq(config_check(&l.config, &l.notes), ERR_INVALID);
        cr_assert_not_null(strstr(buf_text(&l.notes.error), files[i][1]), "%s",
                           buf_text(&l.notes.error));
        unload(&l);
    }
}

/* ---- writing ---- */

static void check_written(const struct config *c, struct buf *out)
{
    struct config again;
    struct config_notes notes = { .strict = true };
    struct buf twice = { 0 };
    config_write(c, out);
    cr_assert_eq(out->err, OK);
    cr_assert_eq(config_init(&again), OK);
    cr_assert_eq(config_read(&again, (const char *)out->data, out->len, &notes), OK, "%s",
                 buf_text(&notes.error));
    cr_assert_str_eq(buf_text(&notes.warnings), "");
    config_write(&again, &twice);
    cr_assert_str_eq(buf_text(&twice), buf_text(out));
    buf_deinit(&twice);
    config_notes_deinit(&notes);
    config_deinit(&again);
}

Test(config, the_file_that_init_makes)
{
    struct config c;
    struct config_notes notes = { 0 };
    struct buf out = { 0 }, want = { 0 };
    cr_assert_eq(config_init(&c), OK);
    cr_assert_eq(config_set(&c, "cluster.peername", "host-1", &notes), OK);
    cr_assert_eq(config_set(&c, "cluster.secret", SECRET, &notes), OK);
    check_written(&c, &out);
    test_file_read("tests/golden/service.json", &want);
    cr_assert_str_eq(buf_text(&out), buf_text(&want));
    buf_deinit(&out);
    buf_deinit(&want);
    config_deinit(&c);
}

Test(config, what_is_not_the_default_is_written_too)
{
    struct config c;
    struct config_notes notes = { 0 };
    struct buf out = { 0 };
    static const char *const set[][2] = {
        { "cluster.peername", "a \"b\" <c>" },
        { "cluster.repin_after", "90s" },
        { "cluster.max_voters", "5" },
        { "cluster.cluster_peers", "/ip4/1.2.3.4/tcp/1/ipfs/" ID_A },
        { "cluster.listen_multiaddress", "/ip4/1.2.3.4/tcp/1,/ip6/::1/tcp/1" },
        { "consensus.raft.data_folder", "/var/lib/x" },
        { "consensus.raft.init_peerset", ID_A "," ID_B },
        { "ipfs_connector.ipfshttp.unpin_disable", "1" },
        { "informer.disk.metric_type", "pincount" },
    };
    cr_assert_eq(config_init(&c), OK);
    for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
        cr_assert_eq(config_set(&c, set[i][0], set[i][1], &notes), OK, "%s",
                     buf_text(&notes.error));
    check_written(&c, &out);
    static const char *const parts[] = {
        "\"peername\": \"a \\\"b\\\" \\u003cc\\u003e\"",
        "\"repin_after\": \"1m30s\"",
        "\"max_voters\": 5",
        "\"cluster_peers\": [\n      \"/ip4/1.2.3.4/tcp/1/p2p/" ID_A "\"\n    ]",
        "\"listen_multiaddress\": [\n      \"/ip4/1.2.3.4/tcp/1\",\n      \"/ip6/::1/tcp/1\"\n    "
        "]",
        "\"data_folder\": \"/var/lib/x\"",
        "\"unpin_disable\": true",
        "\"metric_type\": \"numpin\"",
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        cr_assert_not_null(strstr(buf_text(&out), parts[i]), "%s in\n%s", parts[i], buf_text(&out));
    buf_deinit(&out);
    config_deinit(&c);
}

Test(config, only_the_peers_are_rewritten)
{
    static const char *const rows[][2] = {
        /* flat stays flat, at its place, with four spaces; what we do not know survives */
        { "{\"a\":1.50,\"cluster_peers\":[\"x\"],\"b\\u0000\":{\"c\":[ ]}}",
          "{\n    \"a\": 1.50,\n    \"cluster_peers\": [\n        \"/ip4/1.2.3.4/tcp/1/p2p/" ID_A
          "\"\n    ],\n    \"b\\u0000\": {\n        \"c\": []\n    }\n}" },
        { "{}",
          "{\n    \"cluster_peers\": [\n        \"/ip4/1.2.3.4/tcp/1/p2p/" ID_A "\"\n    ]\n}" },
        { "{\"bootstrap\":[],\"cluster\":null}",
          "{\n    \"bootstrap\": [],\n    \"cluster\": null,\n    \"cluster_peers\": [\n        "
          "\"/ip4/1.2.3.4/tcp/1/p2p/" ID_A "\"\n    ]\n}" },
        /* sections stay sections, with two */
        { "{\"api\":{},\"cluster\":{\"cluster_peers\":[],\"secret\":\"\"}}",
          "{\n  \"api\": {},\n  \"cluster\": {\n    \"cluster_peers\": [\n      "
          "\"/ip4/1.2.3.4/tcp/1/p2p/" ID_A "\"\n    ],\n    \"secret\": \"\"\n  }\n}" },
        { "{\"cluster\":{}}", "{\n  \"cluster\": {\n    \"cluster_peers\": [\n      "
                              "\"/ip4/1.2.3.4/tcp/1/p2p/" ID_A "\"\n    ]\n  }\n}" },
        /* in both places, both: else they would disagree */
        { "{\"cluster\":{\"cluster_peers\":[]},\"cluster_peers\":[]}",
          "{\n  \"cluster\": {\n    \"cluster_peers\": [\n      \"/ip4/1.2.3.4/tcp/1/p2p/" ID_A
          "\"\n    ]\n  },\n  \"cluster_peers\": [\n    \"/ip4/1.2.3.4/tcp/1/p2p/" ID_A
          "\"\n  ]\n}" },
        /* flat beside a section that does not have it: only where it stands */
        { "{\"cluster\":{\"x\":1},\"cluster_peers\":[]}",
          "{\n  \"cluster\": {\n    \"x\": 1\n  },\n  \"cluster_peers\": [\n    "
          "\"/ip4/1.2.3.4/tcp/1/p2p/" ID_A "\"\n  ]\n}" },
    };
    struct multiaddr addr;
    struct config_addrs peers = { &addr, 1 };
    cr_assert_eq(multiaddr_parse(&addr, "/ip4/1.2.3.4/tcp/1/p2p/" ID_A), OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = { 0 };
        cr_assert_eq(config_rewrite_peers(rows[i][0], strlen(rows[i][0]), &peers, &out), OK);
        cr_assert_str_eq(buf_text(&out), rows[i][1]);
        buf_deinit(&out);
    }
    struct buf out = { 0 };
    cr_assert_eq(config_rewrite_peers("[]", 2, &peers, &out), ERR_INVALID);
    cr_assert_eq(config_rewrite_peers("{", 1, &peers, &out), ERR_INVALID);
    cr_assert_eq(out.len, 0);
}

/* ---- what pins are allocated by ---- */

Test(config, allocate_by_is_the_guides_strategy_until_it_is_set)
{
    const char *names[8];
    struct loaded l = load("{\"allocation_strategy\":\"numpin\"}");
    cr_assert_eq(l.err, OK);
    cr_assert_eq(config_allocate_by(&l.config, names, 8), 2);
    cr_assert_str_eq(names[0], "tag:group");
    cr_assert_str_eq(names[1], "numpin");
    unload(&l);

    l = load(
        "{\"allocator\":{\"balanced\":{\"allocate_by\":[\"tag:rack\",\"pinqueue\",\"freespace\"]}},"
        "\"informer\":{\"tags\":{\"tags\":{\"rack\":\"r 7\",\"group\":\"x\"}}}}");
    cr_assert_eq(l.err, OK, "%s", buf_text(&l.notes.error));
    cr_assert_eq(config_allocate_by(&l.config, names, 8), 3);
    cr_assert_str_eq(names[1], "pinqueue");
    cr_assert_eq(l.config.informer.tags.count, 2);
    cr_assert_str_eq(l.config.informer.tags.at[0].name, "rack");
    cr_assert_str_eq(l.config.informer.tags.at[0].value, "r 7");
    cr_assert_eq(config_set(&l.config, "informer.tags.tags", "group:a, rack:b:c", &l.notes), OK);
    cr_assert_str_eq(l.config.informer.tags.at[1].value, "b:c");
    unload(&l);
}

Test(config, what_is_no_metric_and_no_tag_is_refused)
{
    static const char *const wrong[] = {
        "{\"allocator\":{\"balanced\":{\"allocate_by\":[]}}}",
        "{\"allocator\":{\"balanced\":{\"allocate_by\":[\"size\"]}}}",
        "{\"allocator\":{\"balanced\":{\"allocate_by\":[\"tag:\"]}}}",
        "{\"allocator\":{\"balanced\":{\"allocate_by\":[1]}}}",
        "{\"informer\":{\"tags\":{\"tags\":[\"a\"]}}}",
        "{\"informer\":{\"tags\":{\"tags\":{\"a\":1}}}}",
        "{\"informer\":{\"tags\":{\"tags\":{\"\":\"x\"}}}}",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct loaded l = load(wrong[i]);
        cr_assert_eq(l.err, ERR_INVALID, "%s", wrong[i]);
        unload(&l);
    }
}
