#include "ctl/format_int.h"

#include <string.h>

#include "ctl/text.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/rfc3339.h"

/* ---- pieces ---- */

void format_text(const struct format *f, const struct json_doc *doc, int value)
{
    struct buf text = { 0 };
    if (json_text(doc, value, &text) == OK)
        text_put(f->out, buf_bytes(&text));
    buf_deinit(&text);
}

void format_member(const struct format *f, const struct json_doc *doc, int object, const char *key)
{
    format_text(f, doc, json_member(doc, object, key));
}

void format_error(const struct format *f, const struct json_doc *doc, int object)
{
    struct buf text = { 0 };
    if (json_text(doc, json_member(doc, object, "error"), &text) == OK)
        text_put_lines(f->out, buf_bytes(&text));
    buf_deinit(&text);
}

void format_capitals(const struct format *f, const struct json_doc *doc, int value)
{
    size_t from = f->out->len;
    format_text(f, doc, value);
    for (size_t i = from; i < f->out->len; i++) {
        if (f->out->data[i] >= 'a' && f->out->data[i] <= 'z')
            f->out->data[i] = (uint8_t)(f->out->data[i] - 'a' + 'A');
    }
}

int64_t format_i64(const struct json_doc *doc, int object, const char *key)
{
    int64_t value = 0;
    (void)json_get_i64(doc, json_member(doc, object, key), &value);
    return value;
}

bool format_has_text(const struct json_doc *doc, int object, const char *key)
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

struct format_list format_sort(const struct format *f, const struct json_doc *doc, int container)
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

void format_lines(const struct format *f, const struct json_doc *doc, int array)
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

void format_standing(const struct format *f, const struct json_doc *doc, int object)
{
    long long silent_s = format_i64(doc, object, "silent_seconds");
    if (!format_has_text(doc, object, "standing"))
        return;
    buf_append_text(f->out, " | ");
    format_member(f, doc, object, "standing");
    if (json_text_is(doc, json_member(doc, object, "standing"), "back"))
        buf_printf(f->out, ": it was silent for %lld s, until %lld s ago", silent_s,
                   (long long)format_i64(doc, object, "back_seconds"));
    else
        buf_printf(f->out, ": nothing was heard of it for %lld s", silent_s);
}

void format_id(const struct format *f, const struct json_doc *doc)
{
    format_member(f, doc, 0, "id");
    if (format_has_text(doc, 0, "error")) {
        buf_append_text(f->out, " | ERROR: ");
        format_error(f, doc, 0);
        if (format_has_text(doc, 0, "peername")) {
            buf_append_text(f->out, " | ");
            format_member(f, doc, 0, "peername");
        }
        format_standing(f, doc, 0);
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
    int64_t left = 0;
    if (json_get_i64(doc, json_member(doc, 0, "pins_left"), &left) == OK)
        buf_printf(f->out, ", pins left: %lld", (long long)left);
    bool is_draining = false;
    (void)json_get_bool(doc, json_member(doc, 0, "draining"), &is_draining);
    if (is_draining)
        buf_append_text(f->out, " | draining");
    format_standing(f, doc, 0);
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
    int cid = json_member(doc, 0, "cid");
    format_member(f, doc, 0, "cid");
    if (cid >= 0 && json_kind(doc, cid) == JSON_NULL)
        buf_append_text(f->out, "nothing matches, but not all have answered");
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
