/* The stand-in IPFS daemon says what Kubo 0.42.0 said: tests/vectors/kubo.json, asked in their order. Where
 * it answers otherwise, it must be with 501, or the vector needs a state that this test does not build. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/standin_ask.h"
#include "tests/lib/test_file.h"
#include "util/err.h"

TestSuite(standin_vectors, .timeout = 60);

/* What cannot be compared: begins with one of these. */
static const char *const skipped[] = {
    /* told in other numbers, or longer than we tell */
    "id",
    "config_show",
    "swarm_peers_verbose",
    "repo_stat",
    /* Kubo tries other addresses that it knows */
    "swarm_connect_peer_id_only_unknown",
    "swarm_connect_wrong_peer_id",
    "swarm_connect_two_args_one_bad",
    /* trees made by chunkers, or built and broken before; tests/contract has the like */
    "pin_ls",
    "pin_add_remote",
    "pin_add_resume",
    "pin_add_then_connected",
    "pin_add_content_turns_up",
    "pin_add_progress_local_big",
    "pin_add_local_while_gc_waits",
    "add_while_gc_waits",
    "pin_rm_while_gc_waits",
    "pin_update",
    "pin_rm_path",
    "pin_add_path_missing_link",
    "resolve_path",
    "resolve_missing_link",
    "cat_directory",
    "cat_tree_chunks",
    "cat_head_only",
    "repo_gc",
    "broken",
    "pin_add_daemon",
    "swarm_disconnect",
    "pin_rm_indirect",
    "pin_add_missing_client_cut",
    "webui_get",
};

static bool is_skipped(const char *name)
{
    for (size_t i = 0; i < sizeof skipped / sizeof *skipped; i++) {
        if (strncmp(name, skipped[i], strlen(skipped[i])) == 0)
            return true;
    }
    return false;
}

/* ---- the three daemons of the vectors ---- */

struct cast {
    struct standin_world world; /* for its clock and its swarm */
    struct standin *online;
    struct standin *offline;
    struct standin *other; /* whom the online one connects to */
};

static uint64_t cast_now(void *owner)
{
    (void)owner;
    return 0;
}

static void cast_wake_at(void *owner, uint64_t at_us)
{
    (void)owner;
    (void)at_us;
}

static struct standin_options cast_options(const char *id, const char *api, const char *swarm)
{
    struct standin_options o = { .api_address = api, .swarm_address = swarm };
    cr_assert_eq(peer_id_parse(&o.id, id), OK);
    cr_assert_eq(peer_id_public_key(&o.id, o.public_key), OK);
    return o;
}

static void cast_begin(struct cast *c)
{
    struct standin_options online =
        cast_options("12D3KooWHb9Chhp86boPC5zSd65JeKKc58yzxBEgsAwa4EUk9C9d",
                     "/ip4/127.0.0.1/tcp/29511", "/ip4/127.0.0.1/tcp/29512");
    struct standin_options other =
        cast_options("12D3KooWNMFLJBZvaMx5sPkyd1dgWEMQu28SNMxPg93JEJyBAPB4",
                     "/ip4/127.0.0.1/tcp/29519", "/ip4/127.0.0.1/tcp/29520");
    struct standin_options offline =
        cast_options("12D3KooWDtRs6bzy5eVk5nMh7rCkGzmecKuU8Ra8YFvtXzqn4yZD",
                     "/ip4/127.0.0.1/tcp/29513", "/ip4/127.0.0.1/tcp/29514");
    struct standin_hooks still = { cast_now, cast_wake_at, NULL };
    offline.offline = true;
    standin_world_begin(&c->world, 0);
    standin_world_add(&c->world, &online);
    standin_world_add(&c->world, &other);
    c->online = c->world.ones[0].s;
    c->other = c->world.ones[1].s;
    c->offline = standin_create(&offline, &still, NULL);
}

static void cast_end(struct cast *c)
{
    standin_world_end(&c->world);
    standin_destroy(c->offline);
}

/* ---- asking ---- */

static void put_lcg(const struct json_doc *doc, int lcg, struct buf *out)
{
    uint64_t seed = 0, len = 0;
    cr_assert_eq(json_get_u64(doc, json_member(doc, lcg, "seed"), &seed), OK);
    cr_assert_eq(json_get_u64(doc, json_member(doc, lcg, "length"), &len), OK);
    for (uint32_t x = (uint32_t)seed; len > 0; len--) {
        x = x * 1664525u + 1013904223u;
        buf_put_u8(out, (uint8_t)(x >> 24));
    }
}

static void put_content(const struct json_doc *doc, int value, struct buf *out)
{
    int lcg = json_member(doc, value, "lcg");
    if (lcg != JSON_NONE)
        put_lcg(doc, lcg, out);
    else if (json_member(doc, value, "base64") != JSON_NONE)
        buf_append(out, "\xff\xff", 2); /* the only one */
    else
        cr_assert_eq(json_text(doc, value, out), OK);
}

static void put_fields(const struct json_doc *doc, int fields, struct buf *out)
{
    for (int at = json_first(doc, fields); at != JSON_NONE; at = json_next(doc, at)) {
        json_text(doc, at, out);
        buf_append_text(out, ": ");
        json_text(doc, json_value_of(doc, at), out);
        buf_append_text(out, "\r\n");
    }
}

static void ask_body(const struct json_doc *doc, int body, struct standin_ask *ask)
{
    struct buf out = { 0 };
    int parts = json_member(doc, body, "parts");
    bool is_multipart = json_text_is(doc, json_member(doc, body, "kind"), "multipart");
    if (body == JSON_NONE)
        return;
    for (int at = json_first(doc, parts); at != JSON_NONE; at = json_next(doc, at)) {
        buf_append_text(&out, "--vecboundary\r\n");
        put_fields(doc, json_member(doc, at, "headers"), &out);
        buf_append_text(&out, "\r\n");
        put_content(doc, json_member(doc, at, "content"), &out);
        buf_append_text(&out, "\r\n");
    }
    if (is_multipart) {
        buf_append_text(&out, "--vecboundary--\r\n");
        standin_ask_field(ask, "Content-Type", "multipart/form-data; boundary=vecboundary");
    } else {
        put_content(doc, json_member(doc, body, "content"), &out);
    }
    standin_ask_body(ask, out.data, out.len);
    buf_deinit(&out);
}

/* How long the client waited, if it left by itself; else long enough. */
static uint64_t patience_us(const struct json_doc *doc, int row)
{
    uint64_t ms = 0;
    int response = json_member(doc, row, "response");
    bool left = json_member(doc, response, "end") != JSON_NONE;
    if (left && json_get_u64(doc, json_member(doc, response, "end_ms"), &ms) == OK)
        return ms * 1000;
    return 5000000;
}

/* ---- comparing ---- */

static void put_answer(const struct json_doc *doc, int response, struct buf *out)
{
    int chunks = json_member(doc, response, "chunks");
    int body = json_member(doc, response, "body");
    for (int at = json_first(doc, chunks); at != JSON_NONE; at = json_next(doc, at))
        json_text(doc, at, out);
    if (json_kind(doc, body) == JSON_STRING)
        json_text(doc, body, out);
}

static void check_fields(const struct json_doc *doc, int response, struct standin_ask *ask,
                         const char *name)
{
    int fields = json_member(doc, response, "headers");
    for (int at = json_first(doc, fields); at != JSON_NONE; at = json_next(doc, at)) {
        char field[64], value[256];
        cr_assert_eq(json_text_into(doc, at, field, sizeof field), OK);
        cr_assert_eq(json_text_into(doc, json_value_of(doc, at), value, sizeof value), OK);
        if (strcmp(field, "Connection") != 0) /* the connection's business */
            cr_expect_str_eq(standin_ask_head(ask, field), value, "%s: %s: %s, not %s", name, field,
                             standin_ask_head(ask, field), value);
    }
}

/* False: it said honestly that it cannot. */
static bool check_answer(const struct json_doc *doc, int row, struct standin_ask *ask,
                         const char *name)
{
    int response = json_member(doc, row, "response");
    int error = json_member(doc, json_member(doc, response, "trailers"), "X-Stream-Error");
    int64_t status = 0;
    struct buf want = { 0 }, trailer = { 0 };
    if (ask->status == 501 && strstr(buf_text(&ask->text), "cannot do this") != NULL)
        return false;
    cr_assert_eq(json_get_i64(doc, json_member(doc, response, "status"), &status), OK);
    put_answer(doc, response, &want);
    if (error != JSON_NONE) {
        buf_append_text(&trailer, "X-Stream-Error: ");
        json_text(doc, error, &trailer);
        buf_append_text(&trailer, "\n");
    }
    cr_expect_eq(ask->status, status, "%s: %d, not %lld", name, ask->status, (long long)status);
    cr_expect_str_eq(buf_text(&ask->text), buf_text(&want), "%s: %s, not %s", name,
                     buf_text(&ask->text), buf_text(&want));
    cr_expect_str_eq(buf_text(&ask->trailers), buf_text(&trailer), "%s: %s", name,
                     buf_text(&ask->trailers));
    check_fields(doc, response, ask, name);
    buf_deinit(&want);
    buf_deinit(&trailer);
    return true;
}

struct some_pins {
    struct cid cids[16];
    size_t count;
};

static void see_pin(void *owner, const struct standin_pin *pin)
{
    struct some_pins *some = owner;
    cr_assert_lt(some->count, 16);
    some->cids[some->count++] = pin->cid;
}

static void lose_all_pins(struct standin *s)
{
    struct some_pins some = { .count = 0 };
    standin_pins_visit(s, see_pin, &some);
    for (size_t i = 0; i < some.count; i++)
        cr_assert(standin_lose_pin(s, &some.cids[i]));
}

/* Content that the vectors' daemon had: what its pin/add of local CIDs found. */
static void prepare(struct cast *c, const char *name)
{
    static const struct {
        const char *cid;
        uint64_t nodes;
        uint64_t bytes;
    } held[] = {
        { "bafybeidxjoz6frqsbjdlgvemvrlkq3mqopohom4shnxvlcsh2lgnu7d2tq", 6, 1247 },
        { "bafybeiciqvvn3wjdwidvzhpgrmlwpx2fi3fmrbzjx5twu6yqxkilhpotdu", 6, 1247 },
        { "bafkreif42zadvkjdpr4owq6buhkjity74fjpdyxdx5db4xhwnfuzzrqnly", 1, 10 },
        { "QmfZ5QTJ9bvsWdYYRZgdLJm6Sv8bD2A3KXmqcFmYXE6ASh", 1, 10 },
        { "bafkreigfiwlwk6muiu6bie74hqqtvgygfjocfmwa7dvbnhhouf7tenmgbm", 1, 10 },
        { "bafkreicxnllzygtvcmrkrnzk3im3n3dpabs6cvyyjwzlvit7nuxzf5w444", 1, 10 },
        { "bafkreic3haodkkwzkdlbjzzzbmnarxox753alke3iuzulocmsdlywxsniu", 1, 10 },
    };
    if (strcmp(name, "pin_ls_empty") == 0)
        lose_all_pins(c->online);
    if (strcmp(name, "pin_add") != 0)
        return;
    for (size_t i = 0; i < sizeof held / sizeof *held; i++) {
        struct cid cid;
        cr_assert_eq(cid_parse(&cid, held[i].cid), OK);
        standin_hold(c->online, &cid, held[i].nodes, held[i].bytes);
    }
}

/* False: not compared. */
static bool check_row(const struct json_doc *doc, int row, struct cast *c)
{
    int request = json_member(doc, row, "request");
    struct standin_ask ask;
    char name[128], method[16], path[2048];
    struct buf texts[8] = { { 0 } };
    size_t texts_count = 0;
    json_text_into(doc, json_member(doc, row, "name"), name, sizeof name);
    json_text_into(doc, json_member(doc, request, "method"), method, sizeof method);
    json_text_into(doc, json_member(doc, request, "path"), path, sizeof path);
    prepare(c, name);
    standin_ask_begin(&ask, method, path);
    int fields = json_member(doc, request, "headers");
    for (int at = json_first(doc, fields); at != JSON_NONE; at = json_next(doc, at)) {
        struct buf *field = &texts[texts_count++], *value = &texts[texts_count++];
        json_text(doc, at, field);
        json_text(doc, json_value_of(doc, at), value);
        standin_ask_field(&ask, buf_text(field), buf_text(value));
    }
    ask_body(doc, json_member(doc, request, "body"), &ask);
    bool is_online = json_text_is(doc, json_member(doc, row, "daemon"), "online");
    standin_ask_go(&ask, is_online ? c->online : c->offline);
    standin_world_run(&c->world, patience_us(doc, row));
    bool compared = !is_skipped(name) && check_answer(doc, row, &ask, name);
    standin_ask_end(&ask);
    for (size_t i = 0; i < texts_count; i++)
        buf_deinit(&texts[i]);
    return compared;
}

Test(standin_vectors, all)
{
    struct buf text = { 0 };
    struct json_doc doc;
    struct cast c;
    unsigned compared = 0;
    test_file_json("tests/vectors/kubo.json", &text, &doc);
    cast_begin(&c);
    for (int row = json_first(&doc, 0); row != JSON_NONE; row = json_next(&doc, row))
        compared += check_row(&doc, row, &c);
    cr_assert_geq(compared, 140, "%u", compared);
    cast_end(&c);
    json_doc_deinit(&doc);
    buf_deinit(&text);
}
