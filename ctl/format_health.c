/* What peers say of themselves: metrics, alerts, traffic, what a garbage collection removed. */
#include "ctl/format_int.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/rfc3339.h"

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

static void format_counts(const struct format *f, const struct json_doc *doc, int counts)
{
    for (int at = json_first(doc, counts); at != JSON_NONE; at = json_next(doc, at)) {
        int64_t count = 0;
        (void)json_get_i64(doc, json_value_of(doc, at), &count);
        if (count == 0)
            continue;
        buf_append_text(f->out, " | ");
        format_capitals(f, doc, at);
        buf_printf(f->out, ": %lld", (long long)count);
    }
    buf_put_u8(f->out, '\n');
}

void format_summary(const struct format *f, const struct json_doc *doc)
{
    int peers = json_member(doc, 0, "peers");
    for (int at = json_first(doc, peers); at != JSON_NONE; at = json_next(doc, at)) {
        format_member(f, doc, at, "peer");
        buf_append_text(f->out, " | ");
        format_member(f, doc, at, "peername");
        if (!json_text_is(doc, json_member(doc, at, "standing"), "healthy"))
            format_standing(f, doc, at);
        format_counts(f, doc, json_member(doc, at, "counts"));
    }
    buf_append_text(f->out, "all");
    format_counts(f, doc, json_member(doc, 0, "total"));
}

static void format_since(const struct format *f, const struct json_doc *doc, int object,
                         const char *key)
{
    struct buf text = { 0 };
    int64_t us;
    if (json_text(doc, json_member(doc, object, key), &text) == OK &&
        rfc3339_parse(&us, buf_bytes(&text)) == OK)
        format_when(f->out, us, f->now_us);
    buf_deinit(&text);
}

static void format_alert(const struct format *f, const struct json_doc *doc, int alert)
{
    format_member(f, doc, alert, "peer");
    buf_append_text(f->out, ": ");
    format_member(f, doc, alert, "name");
    buf_append_text(f->out, ". Expired at: ");
    format_when(f->out, format_i64(doc, alert, "expire") / 1000, f->now_us);
    buf_append_text(f->out, ". Triggered at: ");
    format_since(f, doc, alert, "triggered_at");
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

/* ---- decisions ---- */

static bool format_is(const struct json_doc *doc, int object, const char *member)
{
    bool is = false;
    (void)json_get_bool(doc, json_member(doc, object, member), &is);
    return is;
}

static void format_candidate(const struct format *f, const struct json_doc *doc, int one)
{
    buf_append_text(f->out, "  > ");
    format_member(f, doc, one, "peer");
    buf_append_text(f->out, ": ");
    format_member(f, doc, one, "outcome");
    if (format_is(doc, one, "preferred"))
        buf_append_text(f->out, ", preferred");
    int64_t rank = format_i64(doc, one, "rank");
    if (rank > 0)
        buf_printf(f->out, " | rank: %lld", (long long)rank);
    int metrics = json_member(doc, one, "metrics");
    for (int at = json_first(doc, metrics); at != JSON_NONE; at = json_next(doc, at)) {
        buf_append_text(f->out, " | ");
        format_member(f, doc, at, "name");
        buf_append_text(f->out, ": ");
        format_member(f, doc, at, "value");
    }
    buf_put_u8(f->out, '\n');
}

static void format_one_decision(const struct format *f, const struct json_doc *doc, int one)
{
    int error = json_member(doc, one, "error");
    bool is_refused = error != JSON_NONE && !json_text_is(doc, error, "");
    buf_append_text(f->out, is_refused ? "Refused: " : "Decided: ");
    format_when(f->out, format_i64(doc, one, "decided_at") / 1000, f->now_us);
    buf_append_text(f->out, ", ");
    format_member(f, doc, one, "cause");
    buf_printf(f->out, ", factor %lld--%lld",
               (long long)format_i64(doc, one, "replication_factor_min"),
               (long long)format_i64(doc, one, "replication_factor_max"));
    if (is_refused) {
        buf_append_text(f->out, ": ");
        format_member(f, doc, one, "error");
    }
    buf_put_u8(f->out, '\n');
    if (json_member(doc, one, "asked") != JSON_NONE) {
        buf_append_text(f->out, "  > asked of ");
        format_member(f, doc, one, "asked");
        buf_put_u8(f->out, '\n');
    }
    int candidates = json_member(doc, one, "candidates");
    for (int at = json_first(doc, candidates); at != JSON_NONE; at = json_next(doc, at))
        format_candidate(f, doc, at);
    int64_t left_out = format_i64(doc, one, "left_out");
    if (left_out > 0)
        buf_printf(f->out, "  > and %lld others\n", (long long)left_out);
}

void format_decision(const struct format *f, const struct json_doc *doc)
{
    if (json_member(doc, 0, "decision_unknown") != JSON_NONE) {
        buf_append_text(f->out, "Decided: why these peers is not known: ");
        format_member(f, doc, 0, "decision_unknown");
        buf_put_u8(f->out, '\n');
        return;
    }
    if (json_first(doc, 0) == JSON_NONE)
        buf_append_text(f->out, "Decided: why these peers is not known: longer ago than the peer "
                                "that leads remembers, or by another one\n");
    for (int at = json_first(doc, 0); at != JSON_NONE; at = json_next(doc, at))
        format_one_decision(f, doc, at);
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

/* ---- traffic ---- */

/* A number that may have a fraction; 0 when it is none. */
static double format_number(const struct json_doc *doc, int object, const char *key)
{
    char text[64] = "";
    int value = json_member(doc, object, key);
    if (json_kind(doc, value) != JSON_NUMBER)
        return 0;
    const struct json_token *token = &doc->tokens[value];
    size_t len = token->end - token->start;
    memcpy(text, doc->text + token->start, len < sizeof(text) ? len : sizeof(text) - 1);
    return strtod(text, NULL);
}

static void format_amount(const struct format *f, const struct json_doc *doc, int object,
                          const char *key, const char *title)
{
    enum { AMOUNT_WIDTH = 7 };
    struct buf text = { 0 };
    double bytes = format_number(doc, object, key);
    format_bytes(&text, bytes > 0 ? (uint64_t)bytes : 0);
    buf_printf(f->out, "%s: %*s. ", title, AMOUNT_WIDTH, buf_text(&text));
    buf_deinit(&text);
}

void format_bandwidth(const struct format *f, const struct json_doc *doc)
{
    struct format_list names = format_sort(f, doc, 0);
    for (size_t i = 0; i < names.count; i++) {
        struct buf name = { 0 };
        int one = json_value_of(doc, names.values[i]);
        (void)json_text(doc, names.values[i], &name);
        buf_printf(f->out, "%25s: ", buf_text(&name));
        format_amount(f, doc, one, "total_in", "In");
        format_amount(f, doc, one, "total_out", "Out");
        buf_printf(f->out, "RateIn: %.2fB/s. RateOut: %.2fB/s\n",
                   format_number(doc, one, "rate_in"), format_number(doc, one, "rate_out"));
        buf_deinit(&name);
    }
    mem_free(names.values);
}

/* ---- garbage collection ---- */

static void format_gc_of(const struct format *f, const struct json_doc *doc, int peer)
{
    enum { NAME_WIDTH = 15 };
    struct buf name = { 0 };
    int info = json_value_of(doc, peer);
    (void)json_text(
        doc, format_has_text(doc, info, "peername") ? json_member(doc, info, "peername") : peer,
        &name);
    text_put_padded(f->out, buf_bytes(&name), NAME_WIDTH);
    buf_deinit(&name);
    if (format_has_text(doc, info, "error")) {
        buf_append_text(f->out, " | ERROR: ");
        format_error(f, doc, info);
    }
    buf_append_text(f->out, "\n  > CIDs:\n");
    int keys = json_member(doc, info, "keys");
    for (int at = json_first(doc, keys); at != JSON_NONE; at = json_next(doc, at)) {
        bool failed = format_has_text(doc, at, "error");
        buf_append_text(f->out, failed ? "    - ERROR: " : "    - ");
        if (failed)
            format_error(f, doc, at);
        else
            format_member(f, doc, at, "key");
        buf_put_u8(f->out, '\n');
    }
}

void format_gc(const struct format *f, const struct json_doc *doc)
{
    struct format_list peers = format_sort(f, doc, json_member(doc, 0, "peer_map"));
    for (size_t i = 0; i < peers.count; i++)
        format_gc_of(f, doc, peers.values[i]);
    mem_free(peers.values);
}
