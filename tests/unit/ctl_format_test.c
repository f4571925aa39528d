/* The text forms, letter by letter: SPEC 6.4 shows what V1 prints. */
#include <criterion/criterion.h>

#include "ctl/format.h"
#include "ctl/text.h"
#include "util/err.h"

TestSuite(ctl_format, .timeout = 60);

#define NOW_US INT64_C(1767366246000000)

static void formats_as(format_fn *format, bool has_colour, const char *json, const char *text)
{
    struct json_doc doc;
    struct buf out = { 0 };
    struct format f = { &out, has_colour, NOW_US };
    cr_assert_eq(json_parse(&doc, json, strlen(json)), OK, "%s", json);
    format(&f, &doc);
    cr_assert_eq(out.err, OK);
    cr_assert_str_eq(buf_text(&out), text);
    json_doc_deinit(&doc);
    buf_deinit(&out);
}

/* ---- ID ---- */

Test(ctl_format, id)
{
    formats_as(format_id, false,
               "{\"id\":\"PEER_A\",\"addresses\":[\"/ip4/10.0.0.1/tcp/9096/p2p/PEER_A\","
               "\"/dns4/a/tcp/9096/p2p/PEER_A\"],\"cluster_peers\":[\"PEER_A\",\"PEER_B\"],"
               "\"cluster_peers_addresses\":[],\"version\":\"1.1.6\",\"error\":\"\",\"ipfs\":{"
               "\"id\":\"IPFS_A\",\"addresses\":[\"/ip4/127.0.0.1/tcp/4001/p2p/IPFS_A\"],"
               "\"error\":\"\"},\"peername\":\"node-a\"}",
               "PEER_A | node-a | Sees 1 other peers\n"
               "  > Addresses:\n"
               "    - /dns4/a/tcp/9096/p2p/PEER_A\n"
               "    - /ip4/10.0.0.1/tcp/9096/p2p/PEER_A\n"
               "  > IPFS: IPFS_A\n"
               "    - /ip4/127.0.0.1/tcp/4001/p2p/IPFS_A\n");
}

Test(ctl_format, id_of_a_peer_that_does_not_answer)
{
    formats_as(format_id, false,
               "{\"id\":\"PEER_B\",\"addresses\":null,\"cluster_peers\":null,\"error\":\"dial\\n  "
               "* backoff\",\"ipfs\":{\"addresses\":null,\"error\":\"\"},\"peername\":\"\"}",
               "PEER_B | ERROR: dial\n  * backoff\n");
    formats_as(format_id, false,
               "{\"id\":\"PEER_B\",\"error\":\"silent\",\"peername\":\"b\",\"standing\":\"down\","
               "\"silent_seconds\":340}",
               "PEER_B | ERROR: silent | b | down: nothing was heard of it for 340 s\n");
}

Test(ctl_format, id_without_ipfs)
{
    formats_as(format_id, false,
               "{\"id\":\"P\",\"addresses\":[],\"cluster_peers\":[\"P\"],\"error\":\"\",\"ipfs\":{"
               "\"addresses\":null,\"error\":\"connection refused\"},\"peername\":\"n\"}",
               "P | n | Sees 0 other peers\n  > Addresses:\n  > IPFS ERROR: connection refused\n");
}

Test(ctl_format, version)
{
    formats_as(format_version, false, "{\"version\":\"1.1.6\"}", "1.1.6\n");
    formats_as(format_version, false, "{\"Version\":\"0.0.12\"}", "0.0.12\n");
}

Test(ctl_format, id_of_a_peer_that_is_not_well)
{
    formats_as(format_id, false,
               "{\"id\":\"PEER_B\",\"error\":\"unreachable\",\"standing\":\"suspect\","
               "\"silent_seconds\":34}",
               "PEER_B | ERROR: unreachable | suspect: nothing was heard of it for 34 s\n");
    formats_as(format_id, false,
               "{\"id\":\"PEER_B\",\"peername\":\"b\",\"error\":\"\",\"cluster_peers\":[],"
               "\"standing\":\"down\",\"silent_seconds\":340}",
               "PEER_B | b | Sees -1 other peers | down: nothing was heard of it for 340 s\n"
               "  > Addresses:\n  > IPFS: \n");
    formats_as(format_id, false,
               "{\"id\":\"PEER_B\",\"error\":\"full\",\"standing\":\"back\","
               "\"silent_seconds\":340,\"back_seconds\":12}",
               "PEER_B | ERROR: full | back: it was silent for 340 s, until 12 s ago\n");
}

Test(ctl_format, summary)
{
    formats_as(format_summary, false,
               "{\"peers\":[{\"peer\":\"PEER_A\",\"peername\":\"a\",\"standing\":\"healthy\","
               "\"told_at\":\"2026-01-02T15:04:05Z\","
               "\"counts\":{\"pinned\":5,\"pinning\":0,\"pin_error\":1}},"
               "{\"peer\":\"PEER_B\",\"peername\":\"b\",\"standing\":\"down\","
               "\"silent_seconds\":340,\"counts\":{\"pinned\":4}},"
               "{\"peer\":\"PEER_C\",\"peername\":\"\",\"standing\":\"suspect\","
               "\"silent_seconds\":31}],\"total\":{\"pinned\":9,\"pin_error\":1}}",
               "PEER_A | a | PINNED: 5 | PIN_ERROR: 1\n"
               "PEER_B | b | down: nothing was heard of it for 340 s | PINNED: 4\n"
               "PEER_C |  | suspect: nothing was heard of it for 31 s\n"
               "all | PINNED: 9 | PIN_ERROR: 1\n");
}

/* ---- pins ---- */

#define PIN(factors, name, mode, expire, metadata, type, allocations, depth, timestamp)            \
    "{" factors ",\"name\":\"" name "\",\"mode\":\"" mode "\",\"expire_at\":\"" expire             \
    "\",\"metadata\":" metadata ",\"cid\":\"CID\",\"type\":\"" type                                \
    "\",\"allocations\":" allocations ",\"max_depth\":" depth ",\"timestamp\":\"" timestamp "\"}"
#define FACTORS(least, most) "\"replication_factor_min\":" least ",\"replication_factor_max\":" most
#define NO_TIME              "0001-01-01T00:00:00Z"

Test(ctl_format, pin)
{
    formats_as(
        format_pin, false,
        PIN(FACTORS("2", "3"), "backup", "recursive", NO_TIME, "null", "pin",
            "[\"PEER_B\",\"PEER_A\"]", "-1", "2026-01-02T15:04:05Z"),
        "CID | backup | PIN | Repl. Factor: 2--3 | Allocations: [PEER_A PEER_B] | Recursive | "
        "Metadata: no | Exp: \u221e | Added: 2026-01-02 15:04:05\n");
}

Test(ctl_format, pin_everywhere_direct_with_expiry)
{
    formats_as(format_pin, false,
               PIN(FACTORS("-1", "-1"), "", "direct", "2026-02-01T00:00:00.5+02:00",
                   "{\"k\":\"v\"}", "pin", "[]", "0", "2026-01-02T15:04:05Z"),
               "CID |  | PIN-DIRECT | Repl. Factor: -1 | Allocations: [everywhere] | Direct | "
               "Metadata: yes | Exp: 2026-02-01 00:00:00 | Added: 2026-01-02 15:04:05\n");
}

Test(ctl_format, pin_of_another_kind)
{
    formats_as(format_pin, false,
               PIN(FACTORS("1", "1"), "n", "recursive", NO_TIME, "{}", "clusterdag-pin", "null",
                   "2", NO_TIME),
               "CID | n | CLUSTERDAG-PIN | Repl. Factor: 1--1 | Allocations: [] | Recursive-2 | "
               "Metadata: no | Exp: \u221e | Added: unknown\n");
}

/* ---- status ---- */

static const char status_json[] =
    "{\"cid\":\"CID\",\"name\":\"backup\",\"peer_map\":{"
    "\"PEER_C\":{\"peername\":\"\",\"status\":\"remote\",\"timestamp\":"
    "\"2026-01-03T10:00:00.123456789Z\",\"error\":\"\",\"attempt_count\":0,\"priority_pin\":false},"
    "\"PEER_A\":{\"peername\":\"node-a\",\"status\":\"pinned\",\"timestamp\":"
    "\"2026-01-02T15:04:05Z\",\"error\":\"\",\"attempt_count\":0,\"priority_pin\":false},"
    "\"PEER_B\":{\"peername\":\"node-b\",\"status\":\"pin_error\",\"timestamp\":"
    "\"2026-01-02T15:06:05.123456789Z\",\"error\":\"context canceled\",\"attempt_count\":2,"
    "\"priority_pin\":true}}}";

Test(ctl_format, status)
{
    formats_as(
        format_status, false, status_json,
        "CID | backup:\n"
        "    > node-a               : PINNED | 2026-01-02T15:04:05Z | Attempts: 0 | Priority: "
        "false\n"
        "    > node-b               : PIN_ERROR: context canceled | "
        "2026-01-02T15:06:05.123456789Z | Attempts: 2 | Priority: true\n"
        "    > PEER_C               : REMOTE | 2026-01-03T10:00:00.123456789Z | Attempts: 0 | "
        "Priority: false\n");
}

Test(ctl_format, status_in_colour_keeps_its_columns)
{
    formats_as(
        format_status, true, status_json,
        "CID | backup:\n"
        "    > node-a               : \x1b[32mPINNED\x1b[0m | 2026-01-02T15:04:05Z | "
        "Attempts: 0 | Priority: false\n"
        "    > node-b               : \x1b[31mPIN_ERROR\x1b[0m: context canceled | "
        "2026-01-02T15:06:05.123456789Z | Attempts: 2 | Priority: true\n"
        "    > PEER_C               : REMOTE | 2026-01-03T10:00:00.123456789Z | Attempts: 0 | "
        "Priority: false\n");
}

Test(ctl_format, status_without_name_or_peers)
{
    formats_as(format_status, false, "{\"cid\":\"CID\",\"name\":\"\",\"peer_map\":{}}", "CID:\n");
    formats_as(format_status, false, "{\"cid\":null,\"name\":\"\",\"peer_map\":{}}",
               "nothing matches, but not all have answered:\n");
}

Test(ctl_format, a_name_cannot_forge_lines_or_move_the_cursor)
{
    formats_as(format_status, false,
               "{\"cid\":\"CID\",\"name\":\"a\\nb\\u001b[2J\\u009b\\u007f\",\"peer_map\":{"
               "\"P\":{\"peername\":\"\\u00e9\\t\",\"status\":\"pinned\",\"timestamp\":\"T\"}}}",
               "CID | a\\x0ab\\x1b[2J\\x9b\\x7f:\n"
               "    > \u00e9\\x09                : PINNED | T | Attempts: 0 | Priority: false\n");
}

Test(ctl_format, what_is_missing_or_of_another_kind_is_empty)
{
    formats_as(format_id, false, "{}", " |  | Sees -1 other peers\n  > Addresses:\n  > IPFS: \n");
    formats_as(format_status, false, "[1]", ":\n");
    formats_as(format_metrics, false, "{\"a\":1}", " | :  | Expires in: 56 years ago\n");
    formats_as(format_metric_names, false, "3", "");
}

/* ---- metrics ---- */

Test(ctl_format, metrics)
{
    formats_as(format_metrics, false,
               "[{\"name\":\"freespace\",\"peer\":\"PEER_A\",\"value\":\"95000000000\","
               "\"expire\":1767366275500000000,\"valid\":true,\"weight\":95000000000,"
               "\"partitionable\":false,\"received_at\":1767366245000000000},"
               "{\"name\":\"tag:group\",\"peer\":\"PEER_B\",\"value\":\"default\","
               "\"expire\":1767366263000000000,\"weight\":0}]",
               "PEER_A | freespace: 95 GB | Expires in: 29 seconds from now\n"
               "PEER_B | tag:group: default | Expires in: 17 seconds from now\n");
    formats_as(format_metrics, false, "[]", "");
}

Test(ctl_format, metric_names)
{
    formats_as(format_metric_names, false, "[\"ping\",\"freespace\"]", "freespace\nping\n");
}

static void bytes_are(uint64_t bytes, const char *text)
{
    struct buf out = { 0 };
    format_bytes(&out, bytes);
    cr_assert_str_eq(buf_text(&out), text);
    buf_deinit(&out);
}

Test(ctl_format, bytes)
{
    bytes_are(0, "0 B");
    bytes_are(9, "9 B");
    bytes_are(999, "999 B");
    bytes_are(1000, "1.0 kB");
    bytes_are(1049, "1.0 kB");
    bytes_are(1050, "1.1 kB");
    bytes_are(9949, "9.9 kB");
    bytes_are(9960, "10 kB");
    bytes_are(10499, "10 kB");
    bytes_are(10600, "11 kB");
    bytes_are(82854982, "83 MB");
    bytes_are(UINT64_C(9500000000), "9.5 GB");
    bytes_are(UINT64_MAX, "18 EB");
}

static void when_is(int64_t seconds, const char *text)
{
    struct buf out = { 0 };
    format_when(&out, NOW_US + seconds * 1000000, NOW_US);
    cr_assert_str_eq(buf_text(&out), text);
    buf_deinit(&out);
}

Test(ctl_format, when)
{
    when_is(0, "now");
    when_is(1, "1 second from now");
    when_is(-3, "3 seconds ago");
    when_is(59, "59 seconds from now");
    when_is(60, "1 minute from now");
    when_is(-7199, "1 hour ago");
    when_is(7200, "2 hours from now");
    when_is(86400, "1 day from now");
    when_is(8 * 86400, "1 week from now");
    when_is(-70 * 86400, "2 months ago");
    when_is(800 * 86400, "2 years from now");
}

/* ---- text ---- */

Test(ctl_text, lines_may_stay_lines)
{
    struct buf out = { 0 };
    text_put_lines(&out, (struct bytes){ "a\nb\x1b\n\xff", 6 });
    cr_assert_str_eq(buf_text(&out), "a\nb\\x1b\n\\xff");
    buf_clear(&out);
    text_put_lines(&out, (struct bytes){ NULL, 0 });
    cr_assert_eq(out.len, 0);
    buf_deinit(&out);
}

/* ---- alerts ---- */

Test(ctl_format, alerts)
{
    formats_as(
        format_alerts, false,
        "[{\"name\":\"ping\",\"peer\":\"PEER_B\",\"value\":\"\",\"expire\":1767366243000000000,"
        "\"valid\":false,\"triggered_at\":\"2026-01-02T15:02:06Z\",\"standing\":\"down\"}]",
        "PEER_B: ping. Expired at: 3 seconds ago. Triggered at: 2 minutes ago. The peer is "
        "down\n");
}

Test(ctl_format, decision)
{
    formats_as(format_decision, false, "[]",
               "Decided: why these peers is not known: longer ago than the peer that leads "
               "remembers, or by another one\n");
    formats_as(format_decision, false, "{\"decision_unknown\":\"no leader\"}",
               "Decided: why these peers is not known: no leader\n");
    formats_as(format_decision, false,
               "[{\"decided_at\":1767366243000000000,\"cause\":\"write\",\"asked\":\"PEER_D\","
               "\"error\":\"\","
               "\"replication_factor_min\":1,\"replication_factor_max\":2,\"candidates\":["
               "{\"peer\":\"PEER_B\",\"outcome\":\"chosen\",\"rank\":1,\"preferred\":true,"
               "\"metrics\":[{\"name\":\"reposize\",\"value\":\"17\",\"weight\":-17}]},"
               "{\"peer\":\"PEER_C\",\"outcome\":\"down\",\"rank\":0,\"preferred\":false,"
               "\"metrics\":[]}],\"left_out\":3},"
               "{\"decided_at\":1767366242000000000,\"cause\":\"repair\",\"error\":\"too "
               "few\",\"replication_factor_min\":3,\"replication_factor_max\":3,"
               "\"candidates\":[],\"left_out\":0}]",
               "Decided: 3 seconds ago, write, factor 1--2\n  > asked of PEER_D\n"
               "  > PEER_B: chosen, preferred | rank: 1 | reposize: 17\n  > PEER_C: down\n"
               "  > and 3 others\n"
               "Refused: 4 seconds ago, repair, factor 3--3: too few\n");
}

/* ---- traffic, garbage, connections ---- */

Test(ctl_format, bandwidth)
{
    formats_as(format_bandwidth, false,
               "{\"/raft\":{\"total_in\":1234567,\"total_out\":12,\"rate_in\":1.5,\"rate_out\":0},"
               "\"/calls\":{\"total_in\":0,\"total_out\":95e9,\"rate_in\":0,\"rate_out\":20.126}}",
               "                   /calls: In:     0 B. Out:   95 GB. RateIn: 0.00B/s. RateOut: "
               "20.13B/s\n"
               "                    /raft: In:  1.2 MB. Out:    12 B. RateIn: 1.50B/s. RateOut: "
               "0.00B/s\n");
}

Test(ctl_format, gc)
{
    formats_as(format_gc, false,
               "{\"peer_map\":{\"Q\":{\"peer\":\"Q\",\"peername\":\"\",\"keys\":[],\"error\":"
               "\"gone\"},\"P\":{\"peer\":\"P\",\"peername\":\"node-a\",\"keys\":[{\"key\":\"C1\"},"
               "{\"key\":null,\"error\":\"busy\"}]}}}",
               "node-a         \n  > CIDs:\n    - C1\n    - ERROR: busy\n"
               "Q               | ERROR: gone\n  > CIDs:\n");
}

#define LOOK " style=\"filled\" colorscheme=\"x11\" fontcolor=\"black\" fontname=\"Arial\" "
static const char graph[] =
    "{\"cluster_id\":\"PEER_AAAAAA\",\"id_to_peername\":{\"PEER_AAAAAA\":\"a<b\",\"PEER_B\":\"b\"},"
    "\"ipfs_links\":{\"IPFS_A\":[\"IPFS_X\",\"IPFS_X\"]},"
    "\"cluster_links\":{\"PEER_B\":[\"PEER_AAAAAA\"],\"PEER_AAAAAA\":[\"PEER_B\",\"GONE\"]},"
    "\"cluster_trust_links\":{\"PEER_AAAAAA\":true,\"PEER_B\":true},"
    "\"cluster_to_ipfs\":{\"PEER_AAAAAA\":\"IPFS_A\"}}";
#define GRAPH_PEERS                                                                                \
    "digraph cluster {\n/* The nodes of the connectivity graph */\n"                               \
    "/* The cluster-service peers */\nsubgraph  {\nrank=\"min\"\n"                                 \
    "C0 [label=< <B> a&#60;b </B> <BR/> <B> PE*AAAAAA </B> > group=\"PEER_AAAAAA\" "               \
    "color=\"orange\"" LOOK "shape=\"box3d\" peripheries=\"2\" ]\n"                                \
    "T1 [label=< <B> b </B> <BR/> <B> PEER_B </B> > group=\"PEER_B\" color=\"orange\"" LOOK        \
    "shape=\"box3d\" ]\n"                                                                          \
    "}\n\n/* The ipfs peers linked to cluster peers */\nsubgraph  {\nrank=\"max\"\n"               \
    "I0 [label=< <B> IPFS </B> <BR/> <B> IPFS_A </B> > group=\"IPFS_A\" color=\"turquoise3\"" LOOK \
    "shape=\"cylinder\" ]\n"
#define GRAPH_GONE(name)                                                                           \
    name " [label=< <B> IPFS </B> <BR/> <B> Errored </B> > group=\"Errored\" "                     \
         "color=\"firebrick1\"" LOOK "shape=\"cylinder\" ]\n"                                      \
         "}\n\n/* Edges representing active connections in the cluster */\n"                       \
         "/* The connections among cluster-service peers */\nC0 -> T1\nT1 -> C0\n"                 \
         "\n/* The connections between cluster peers and their ipfs daemons */\nC0 -> I0\n"        \
         "T1 -> " name "\n\n/* The swarm peer connections among ipfs daemons in the cluster */\n"

Test(ctl_format, graph)
{
    formats_as(format_graph, false, graph, GRAPH_PEERS GRAPH_GONE("I1") "}");
    formats_as(format_graph_wide, false, graph,
               GRAPH_PEERS "I1 [label=< <B> IPFS </B> <BR/> <B> IPFS_X </B> > group=\"IPFS_X\" "
                           "color=\"turquoise3\"" LOOK
                           "shape=\"cylinder\" ]\n" GRAPH_GONE("I2") "I0 -> I1\n}");
}
