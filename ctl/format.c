#include "ctl/format.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/rfc3339.h"

/* ---- pieces ---- */

/* The text of a string; nothing for any other value. */
static void format_text(const struct format *f, const struct json_doc *doc, int value)
{
    struct buf text = { 0 };
    if (json_text(doc, value, &text) == OK)
        text_put(f->out, buf_bytes(&text));
    buf_deinit(&text);
}

static void format_member(const struct format *f, const struct json_doc *doc, int object,
                          const char *key)
{
    format_text(f, doc, json_member(doc, object, key));
}

/* Some errors have two lines. */
static void format_error(const struct format *f, const struct json_doc *doc, int object)
{
    struct buf text = { 0 };
    if (json_text(doc, json_member(doc, object, "error"), &text) == OK)
        text_put_lines(f->out, buf_bytes(&text));
    buf_deinit(&text);
}

/* In capitals: "pin_error" is shown as PIN_ERROR. */
static void format_capitals(const struct format *f, const struct json_doc *doc, int value)
{
    size_t from = f->out->len;
    format_text(f, doc, value);
    for (size_t i = from; i < f->out->len; i++) {
        if (f->out->data[i] >= 'a' && f->out->data[i] <= 'z')
            f->out->data[i] = (uint8_t)(f->out->data[i] - 'a' + 'A');
    }
}

static int64_t format_i64(const struct json_doc *doc, int object, const char *key)
{
    int64_t value = 0;
    (void)json_get_i64(doc, json_member(doc, object, key), &value);
    return value;
}

static bool format_has_text(const struct json_doc *doc, int object, const char *key)
{
    int value = json_member(doc, object, key);
    return json_kind(doc, value) == JSON_STRING && !json_text_is(doc, value, "");
}

static void format_colour(const struct format *f, const char *code)
{
    if (f->has_colour && code[0] != '\0')
        buf_printf(f->out, "\x1b[%sm", code);
}

/* ---- sorted lists ---- */

struct format_list {
    int *values; /* elements of an array, or keys of an object, by their text */
    size_t count;
};

static struct bytes format_raw(const struct json_doc *doc, int value)
{
    const struct json_token *token = &doc->tokens[value];
    return (struct bytes){ doc->text + token->start, token->end - token->start };
}

/* Lists here are as long as a cluster has peers, or a peer addresses. */
static void format_list_insert(struct format_list *list, const struct json_doc *doc, int value)
{
    size_t at = list->count++;
    for (; at > 0; at--) {
        if (bytes_compare(format_raw(doc, list->values[at - 1]), format_raw(doc, value)) <= 0)
            break;
        list->values[at] = list->values[at - 1];
    }
    list->values[at] = value;
}

static struct format_list format_sort(const struct format *f, const struct json_doc *doc,
                                      int container)
{
    struct format_list list = { 0 };
    size_t count = json_count(doc, container);
    if (count == 0)
        return list;
    list.values = mem_array(count, sizeof(*list.values));
    if (list.values == NULL) {
        f->out->err = ERR_NOMEM;
        return list;
    }
    for (int at = json_first(doc, container); at != JSON_NONE; at = json_next(doc, at))
        format_list_insert(&list, doc, at);
    return list;
}

static void format_lines(const struct format *f, const struct json_doc *doc, int array)
{
    struct format_list list = format_sort(f, doc, array);
    for (size_t i = 0; i < list.count; i++) {
        buf_append_text(f->out, "    - ");
        format_text(f, doc, list.values[i]);
        buf_put_u8(f->out, '\n');
    }
    mem_free(list.values);
}

/* ---- ID ---- */

static void format_ipfs(const struct format *f, const struct json_doc *doc, int ipfs)
{
    if (format_has_text(doc, ipfs, "error")) {
        buf_append_text(f->out, "  > IPFS ERROR: ");
        format_error(f, doc, ipfs);
        buf_put_u8(f->out, '\n');
        return;
    }
    buf_append_text(f->out, "  > IPFS: ");
    format_member(f, doc, ipfs, "id");
    buf_put_u8(f->out, '\n');
    format_lines(f, doc, json_member(doc, ipfs, "addresses"));
}

void format_id(const struct format *f, const struct json_doc *doc)
{
    format_member(f, doc, 0, "id");
    if (format_has_text(doc, 0, "error")) {
        buf_append_text(f->out, " | ERROR: ");
        format_error(f, doc, 0);
        buf_put_u8(f->out, '\n');
        return;
    }
    int others = (int)json_count(doc, json_member(doc, 0, "cluster_peers")) - 1;
    buf_append_text(f->out, " | ");
    format_member(f, doc, 0, "peername");
    buf_printf(f->out, " | Sees %d other peers", others);
    if (format_has_text(doc, 0, "role") &&
        !json_text_is(doc, json_member(doc, 0, "role"), "voter")) {
        buf_append_text(f->out, " | ");
        format_member(f, doc, 0, "role");
    }
    bool is_draining = false;
    (void)json_get_bool(doc, json_member(doc, 0, "draining"), &is_draining);
    if (is_draining)
        buf_append_text(f->out, " | draining");
    buf_append_text(f->out, "\n  > Addresses:\n");
    format_lines(f, doc, json_member(doc, 0, "addresses"));
    format_ipfs(f, doc, json_member(doc, 0, "ipfs"));
}

void format_version(const struct format *f, const struct json_doc *doc)
{
    format_member(f, doc, 0, "version");
    format_member(f, doc, 0, "Version"); /* V0's */
    buf_put_u8(f->out, '\n');
}

/* ---- pins ---- */

/* "2026-01-02 15:04:05", in the zone it came in; `none` for no time. */
static void format_time(const struct format *f, const struct json_doc *doc, const char *key,
                        const char *none)
{
    enum { DAY_LEN = 10, TIME_LEN = 8 };
    struct buf text = { 0 };
    int64_t us = 0;
    bool is_time = json_text(doc, json_member(doc, 0, key), &text) == OK &&
                   rfc3339_parse(&us, buf_bytes(&text)) == OK && us != RFC3339_GO_ZERO_US;
    if (is_time)
        buf_printf(f->out, "%.*s %.*s", DAY_LEN, buf_text(&text), TIME_LEN,
                   buf_text(&text) + DAY_LEN + 1);
    else
        buf_append_text(f->out, none);
    buf_deinit(&text);
}

static void format_holders(const struct format *f, const struct json_doc *doc)
{
    int64_t least = format_i64(doc, 0, "replication_factor_min");
    int64_t most = format_i64(doc, 0, "replication_factor_max");
    if (least < 0 && most < 0) {
        buf_append_text(f->out, "Repl. Factor: -1 | Allocations: [everywhere]");
        return;
    }
    buf_printf(f->out, "Repl. Factor: %lld--%lld | Allocations: [", (long long)least,
               (long long)most);
    struct format_list list = format_sort(f, doc, json_member(doc, 0, "allocations"));
    for (size_t i = 0; i < list.count; i++) {
        buf_append_text(f->out, i > 0 ? " " : "");
        format_text(f, doc, list.values[i]);
    }
    buf_put_u8(f->out, ']');
    mem_free(list.values);
}

static void format_depth(const struct format *f, const struct json_doc *doc)
{
    int64_t depth = format_i64(doc, 0, "max_depth");
    if (depth == 0)
        buf_append_text(f->out, "Direct");
    else if (depth < 0)
        buf_append_text(f->out, "Recursive");
    else
        buf_printf(f->out, "Recursive-%lld", (long long)depth);
}

void format_pin(const struct format *f, const struct json_doc *doc)
{
    bool is_direct = json_text_is(doc, json_member(doc, 0, "mode"), "direct");
    bool has_metadata = json_count(doc, json_member(doc, 0, "metadata")) > 0;
    format_member(f, doc, 0, "cid");
    buf_append_text(f->out, " | ");
    format_member(f, doc, 0, "name");
    buf_append_text(f->out, " | ");
    format_capitals(f, doc, json_member(doc, 0, "type"));
    buf_append_text(f->out, is_direct ? "-DIRECT | " : " | ");
    format_holders(f, doc);
    buf_append_text(f->out, " | ");
    format_depth(f, doc);
    buf_printf(f->out, " | Metadata: %s | Exp: ", has_metadata ? "yes" : "no");
    format_time(f, doc, "expire_at", "\u221e");
    buf_append_text(f->out, " | Added: ");
    format_time(f, doc, "timestamp", "unknown");
    buf_put_u8(f->out, '\n');
}

/* ---- status ---- */

static const char *format_status_colour(const struct json_doc *doc, int status)
{
    static const char *const bad[] = { "cluster_error", "pin_error", "unpin_error",
                                       "unexpectedly_unpinned" };
    if (json_text_is(doc, status, "pinned"))
        return "32";
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (json_text_is(doc, status, bad[i]))
            return "31";
    }
    return "";
}

static void format_peer_name(const struct format *f, const struct json_doc *doc, int peer, int info)
{
    enum { NAME_WIDTH = 20 };
    struct buf name = { 0 };
    if (format_has_text(doc, info, "peername"))
        (void)json_text(doc, json_member(doc, info, "peername"), &name);
    else
        (void)json_text(doc, peer, &name);
    text_put_padded(f->out, buf_bytes(&name), NAME_WIDTH);
    buf_deinit(&name);
}

/* What it waits for, where the peer says so. */
static void format_waiting(const struct format *f, const struct json_doc *doc, int info)
{
    if (format_has_text(doc, info, "next_attempt")) {
        buf_append_text(f->out, " | Next attempt: ");
        format_member(f, doc, info, "next_attempt");
    }
    int64_t position = format_i64(doc, info, "queue_position");
    if (position > 0)
        buf_printf(f->out, " | Queue: %lld", (long long)position);
    int progress = json_member(doc, info, "progress");
    if (progress >= 0) {
        buf_printf(f->out, " | Progress: %lld blocks, ",
                   (long long)format_i64(doc, progress, "blocks"));
        format_bytes(f->out, (uint64_t)format_i64(doc, progress, "bytes"));
    }
}

static void format_peer_status(const struct format *f, const struct json_doc *doc, int peer)
{
    int info = json_value_of(doc, peer);
    int status = json_member(doc, info, "status");
    bool is_priority = false;
    (void)json_get_bool(doc, json_member(doc, info, "priority_pin"), &is_priority);
    const char *colour = format_status_colour(doc, status);
    buf_append_text(f->out, "    > ");
    format_peer_name(f, doc, peer, info);
    buf_append_text(f->out, " : ");
    format_colour(f, colour);
    format_capitals(f, doc, status);
    format_colour(f, colour[0] != '\0' ? "0" : "");
    if (format_has_text(doc, info, "error")) {
        buf_append_text(f->out, ": ");
        format_error(f, doc, info);
    }
    buf_append_text(f->out, " | ");
    format_member(f, doc, info, "timestamp");
    buf_printf(f->out, " | Attempts: %lld | Priority: %s",
               (long long)format_i64(doc, info, "attempt_count"), is_priority ? "true" : "false");
    format_waiting(f, doc, info);
    buf_append_text(f->out, "\n");
}

void format_status(const struct format *f, const struct json_doc *doc)
{
    format_member(f, doc, 0, "cid");
    if (format_has_text(doc, 0, "name")) {
        buf_append_text(f->out, " | ");
        format_member(f, doc, 0, "name");
    }
    buf_append_text(f->out, ":\n");
    struct format_list peers = format_sort(f, doc, json_member(doc, 0, "peer_map"));
    for (size_t i = 0; i < peers.count; i++)
        format_peer_status(f, doc, peers.values[i]);
    mem_free(peers.values);
}

/* ---- metrics ---- */

void format_bytes(struct buf *out, uint64_t bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    uint64_t unit = 1;
    size_t rank = 0;
    while (bytes / unit >= 1000) {
        unit *= 1000;
        rank += 1;
    }
    uint64_t whole = bytes / unit;
    uint64_t tenths = (bytes % unit * 10 + unit / 2) / unit; /* rounded; 10: the next whole */
    if (rank > 0 && whole < 10 && whole * 10 + tenths < 100)
        buf_printf(out, "%llu.%llu %s", (unsigned long long)(whole + tenths / 10),
                   (unsigned long long)(tenths % 10), units[rank]);
    else
        buf_printf(out, "%llu %s", (unsigned long long)(whole + (bytes % unit >= unit / 2 + 1)),
                   units[rank]);
}

void format_when(struct buf *out, int64_t at_us, int64_t now_us)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } spans[] = { { 365 * 86400, "year" }, { 30 * 86400, "month" }, { 7 * 86400, "week" },
                  { 86400, "day" },        { 3600, "hour" },        { 60, "minute" },
                  { 1, "second" } };
    int64_t away_s = llabs(at_us - now_us) / 1000000;
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        int64_t count = away_s / spans[i].seconds;
        if (count > 0) {
            buf_printf(out, "%lld %s%s %s", (long long)count, spans[i].name, count > 1 ? "s" : "",
                       at_us > now_us ? "from now" : "ago");
            return;
        }
    }
    buf_append_text(out, "now");
}

static void format_metric(const struct format *f, const struct json_doc *doc, int metric)
{
    format_member(f, doc, metric, "peer");
    buf_append_text(f->out, " | ");
    format_member(f, doc, metric, "name");
    buf_append_text(f->out, ": ");
    int64_t weight = format_i64(doc, metric, "weight");
    if (json_text_is(doc, json_member(doc, metric, "name"), "freespace") && weight >= 0)
        format_bytes(f->out, (uint64_t)weight);
    else
        format_member(f, doc, metric, "value");
    buf_append_text(f->out, " | Expires in: ");
    format_when(f->out, format_i64(doc, metric, "expire") / 1000, f->now_us);
    buf_put_u8(f->out, '\n');
}

void format_metrics(const struct format *f, const struct json_doc *doc)
{
    for (int at = json_first(doc, 0); at != JSON_NONE; at = json_next(doc, at))
        format_metric(f, doc, at);
}

static void format_summary_of(const struct format *f, const struct json_doc *doc, int metric)
{
    struct buf text = { 0 };
    struct json_doc counts;
    format_member(f, doc, metric, "peer");
    if (json_text(doc, json_member(doc, metric, "value"), &text) == OK &&
        json_parse(&counts, (const char *)text.data, text.len) == OK) {
        for (int at = json_first(&counts, 0); at != JSON_NONE; at = json_next(&counts, at)) {
            int64_t count = 0;
            (void)json_get_i64(&counts, json_value_of(&counts, at), &count);
            if (count == 0)
                continue;
            buf_append_text(f->out, " | ");
            format_capitals(f, &counts, at);
            buf_printf(f->out, ": %lld", (long long)count);
        }
        json_doc_deinit(&counts);
    }
    buf_put_u8(f->out, '\n');
    buf_deinit(&text);
}

void format_summary(const struct format *f, const struct json_doc *doc)
{
    for (int at = json_first(doc, 0); at != JSON_NONE; at = json_next(doc, at))
        format_summary_of(f, doc, at);
}

static void format_alert(const struct format *f, const struct json_doc *doc, int alert)
{
    format_member(f, doc, alert, "peer");
    buf_append_text(f->out, ": ");
    format_member(f, doc, alert, "name");
    buf_append_text(f->out, ". Expired at: ");
    format_when(f->out, format_i64(doc, alert, "expire") / 1000, f->now_us);
    buf_append_text(f->out, ". Triggered at: ");
    format_member(f, doc, alert, "triggered_at");
    if (format_has_text(doc, alert, "standing")) {
        buf_append_text(f->out, ". The peer is ");
        format_member(f, doc, alert, "standing");
    }
    buf_put_u8(f->out, '\n');
}

void format_alerts(const struct format *f, const struct json_doc *doc)
{
    for (int at = json_first(doc, 0); at != JSON_NONE; at = json_next(doc, at))
        format_alert(f, doc, at);
}

static void format_peers_of(const struct format *f, const struct json_doc *doc, const char *member)
{
    const char *between = "";
    int list = json_member(doc, 0, member);
    for (int at = list >= 0 ? json_first(doc, list) : JSON_NONE; at != JSON_NONE;
         at = json_next(doc, at)) {
        buf_append_text(f->out, between);
        (void)json_text(doc, at, f->out);
        between = ", ";
    }
    if (between[0] == '\0')
        buf_append_text(f->out, "nobody: there are not enough peers");
}

void format_move(const struct format *f, const struct json_doc *doc)
{
    format_member(f, doc, 0, "cid");
    buf_printf(f->out, " | Living copies: %lld | From: ", (long long)format_i64(doc, 0, "living"));
    format_peers_of(f, doc, "from");
    buf_append_text(f->out, " | To: ");
    format_peers_of(f, doc, "to");
    buf_put_u8(f->out, '\n');
}

void format_metric_names(const struct format *f, const struct json_doc *doc)
{
    struct format_list names = format_sort(f, doc, 0);
    for (size_t i = 0; i < names.count; i++) {
        format_text(f, doc, names.values[i]);
        buf_put_u8(f->out, '\n');
    }
    mem_free(names.values);
}
