/* Exports and backups, as text: what is read, in pieces of any length, and what is refused with which words. */
#include <criterion/criterion.h>
#include <string.h>

#include "state/pin_json.h"
#include "state/pin_reader.h"
#include "util/err.h"

TestSuite(pin_reader, .timeout = 60);

#define CID_A  "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKxX6U"
#define CID_B  "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
#define PEER_A "12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf"

struct read {
    struct pin_reader reader;
    struct arena arena;
    struct pin pins[8];
    size_t count;
    int err; /* of the first failure, or of the end */
};

/* In pieces of `piece` bytes. */
static void read_text(struct read *r, const char *text, size_t piece)
{
    *r = (struct read){ 0 };
    pin_reader_init(&r->reader);
    size_t len = strlen(text);
    for (size_t at = 0; at < len && (r->err == OK || r->err == ERR_MORE); at += piece) {
        pin_reader_push(&r->reader, text + at, piece < len - at ? piece : len - at);
        do {
            cr_assert(r->count < 8);
            r->err = pin_reader_next(&r->reader, &r->arena, &r->pins[r->count]);
            r->count += r->err == OK;
        } while (r->err == OK);
    }
    if (r->err == ERR_MORE || r->err == OK)
        r->err = pin_reader_end(&r->reader);
}

static void read_end(struct read *r)
{
    pin_reader_deinit(&r->reader);
    arena_deinit(&r->arena);
}

/* Whatever the length of the pieces. */
static void reads(const char *text, size_t count, void (*check)(const struct read *r))
{
    for (size_t piece = 1; piece < 300; piece += piece < 40 ? 1 : 37) {
        struct read r;
        read_text(&r, text, piece);
        cr_assert_eq(r.err, OK, "%s", pin_reader_why(&r.reader));
        cr_assert_eq(r.count, count);
        if (check != NULL)
            check(&r);
        read_end(&r);
    }
}

static void refuses(const char *text, const char *words)
{
    for (size_t piece = 1; piece < 300; piece += piece < 40 ? 1 : 37) {
        struct read r;
        read_text(&r, text, piece);
        cr_assert_neq(r.err, OK, "%s", text);
        cr_assert(strstr(pin_reader_why(&r.reader), words) != NULL, "%s",
                  pin_reader_why(&r.reader));
        read_end(&r);
    }
}

static const char full[] =
    "{\"replication_factor_min\":1,\"replication_factor_max\":3,\"name\":\"a \\\"}{ \\u00e9\","
    "\"mode\":\"recursive\",\"shard_size\":7,\"user_allocations\":null,"
    "\"expire_at\":\"2030-01-02T15:04:05Z\",\"metadata\":{\"z\":\"2\",\"a\":\"1\"},"
    "\"pin_update\":\"" CID_B "\",\"origins\":[\"/ip4/10.0.0.1/tcp/4001/p2p/" PEER_A "\"],"
    "\"cid\":\"" CID_A "\",\"type\":\"pin\",\"allocations\":[\"" PEER_A "\"],\"max_depth\":-1,"
    "\"reference\":null,\"timestamp\":\"2026-01-02T15:04:05.5Z\",\"new\":[{}]}";

static void check_full(const struct read *r)
{
    const struct pin *p = &r->pins[0];
    cr_assert_str_eq(cid_print(&p->cid).text, CID_A);
    cr_assert_str_eq(cid_print(&p->update_of).text, CID_B);
    cr_assert(bytes_equal(p->name, (struct bytes){ "a \"}{ \xc3\xa9", 8 }));
    cr_assert(p->replication_min == 1 && p->replication_max == 3 && p->shard_size == 7);
    cr_assert_eq(p->expire_s, 1893596645);
    cr_assert_eq(p->created_s, 1767366245);
    cr_assert(p->metadata_count == 2 && ((const char *)p->metadata[0].key.data)[0] == 'a');
    cr_assert(p->origins_count == 1 && p->allocations_count == 1);
}

Test(pin_reader, all_that_an_export_says)
{
    reads(full, 1, check_full);
}

Test(pin_reader, what_was_written_reads_the_same)
{
    struct read r, again;
    read_text(&r, full, 1000);
    struct buf text = { 0 };
    struct json_writer w = json_writer_to(&text);
    pin_json_write(&w, &r.pins[0], NULL);
    read_text(&again, buf_text(&text), 1000);
    cr_assert(again.count == 1 && pin_equal(&r.pins[0], &again.pins[0]));
    buf_deinit(&text);
    read_end(&r);
    read_end(&again);
}

static void check_plain(const struct read *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct pin plain = pin_of(&r->pins[i].cid);
        cr_assert(pin_equal(&r->pins[i], &plain));
    }
}

Test(pin_reader, objects_follow_one_another)
{
    reads(" {\"cid\":\"" CID_A "\"}\n{\"cid\":\"" CID_B "\",\"type\":2}{\"cid\":\"" CID_A
          "\",\"metadata\":null,\"expire_at\":\"0001-01-01T00:00:00Z\"}\r\n\n",
          3, check_plain);
    reads("", 0, NULL);
    reads("\n \n", 0, NULL);
}

Test(pin_reader, missing_words_make_a_plain_pin)
{
    struct read r;
    read_text(&r, "{\"cid\":\"" CID_A "\",\"mode\":\"direct\",\"allocations\":[\"" PEER_A "\"]}",
              99);
    cr_assert_eq(r.err, OK);
    cr_assert(r.pins[0].max_depth == PIN_DEPTH_DIRECT && r.pins[0].type == PIN_TYPE_DATA);
    cr_assert(r.pins[0].replication_min == 1 && r.pins[0].replication_max == 1);
    read_end(&r);
    read_text(&r, "{\"cid\":\"" CID_A "\",\"replication_factor_min\":3}", 99);
    cr_assert_eq(r.err, OK);
    cr_assert(r.pins[0].replication_min == 3 && r.pins[0].replication_max == 3);
    read_end(&r);
}

static void check_map(const struct read *r)
{
    cr_assert_str_eq(cid_print(&r->pins[0].cid).text, CID_A);
    cr_assert(r->pins[0].replication_min == 1 && r->pins[0].replication_max == 1);
    cr_assert_eq(r->pins[0].allocations_count, 1);
    cr_assert_str_eq(cid_print(&r->pins[1].cid).text, CID_B);
    cr_assert_eq(r->pins[1].replication_max, PIN_EVERYWHERE);
}

Test(pin_reader, backups_of_v0)
{
    reads("{\n    \"PinMap\": {\n        \"" CID_A "\": {\n            \"cid\": \"" CID_A "\",\n"
          "            \"allocations\": [\n                \"" PEER_A "\"\n            ],\n"
          "            \"replication_factor\": 1\n        },\n        \"" CID_B "\": {\n"
          "            \"cid\": \"" CID_B "\",\n            \"allocations\": [],\n"
          "            \"replication_factor\": -1\n        }\n    },\n    \"Version\": 2\n}\n",
          2, check_map);
    reads("{\"PinMap\":{\"" CID_A "\":{},\"" CID_B "\":{}},\"Version\":1}", 2, check_plain);
    reads("{\"PinMap\":{},\"Version\":2}", 0, NULL);
}

Test(pin_reader, words_name_line_and_reason)
{
    refuses("{\"cid\":\"" CID_A "\"}\n{\"cid\":\"nonsense\"}\n", "line 2: cid is no CID");
    refuses("{\"cid\":\"" CID_A "\"}\n\n{}\n", "line 3: the pin has no CID");
    refuses("{\"cid\":\"" CID_A "\"}\n[]\n", "line 2: a pin, as a JSON object");
    refuses("{\"cid\":\"" CID_A "\"", "line 1: the text breaks off");
    refuses("{\"cid\":}", "line 1: this is no JSON object");
    refuses("{\"cid\":\"" CID_A "\",\"type\":\"odd\"}", "type is none");
    refuses("{\"cid\":\"" CID_A "\",\"max_depth\":\"x\"}", "max_depth is no whole number");
    refuses("{\"cid\":\"" CID_A "\",\"allocations\":{}}", "allocations is no list");
    refuses("{\"cid\":\"" CID_A "\",\"allocations\":[\"x\"]}", "no peer's id");
    refuses("{\"cid\":\"" CID_A "\",\"origins\":[\"x\"]}", "no address");
    refuses("{\"cid\":\"" CID_A "\",\"metadata\":{\"a\":1}}", "metadata is no text");
    refuses("{\"cid\":\"" CID_A "\",\"timestamp\":\"x\"}", "timestamp is no time");
    refuses("{\"cid\":\"" CID_A "\",\"shard_size\":-1}", "shard_size");
    refuses("{\"cid\":\"" CID_A "\",\"replication_factor_min\":4,\"replication_factor_max\":3}",
            "larger than max");
    refuses("{\"PinMap\":{\"" CID_A "\":{}},\"Version\":3}", "version");
    refuses("{\"PinMap\":{\"" CID_A "\":{}}}", "ends with its");
    refuses("{\"PinMap\":{\"" CID_A "\":{}},", "breaks off");
    refuses("{\"PinMap\":{\"x\":{}},\"Version\":2}", "under their CIDs");
    refuses("{\"PinMap\":{\"" CID_A "\" {}},\"Version\":2}", "under their CIDs");
}

Test(pin_reader, no_object_fills_the_memory)
{
    struct pin_reader r;
    struct arena arena = { 0 };
    struct pin pin;
    char piece[4096];
    memset(piece, 'x', sizeof(piece));
    pin_reader_init(&r);
    pin_reader_push(&r, "{\"", 2);
    int err = ERR_MORE;
    size_t pushed = 0;
    while (err == ERR_MORE && pushed < 10 * PIN_READER_OBJECT_BYTES) {
        pin_reader_push(&r, piece, sizeof(piece));
        pushed += sizeof(piece);
        err = pin_reader_next(&r, &arena, &pin);
    }
    cr_assert_eq(err, ERR_INVALID);
    cr_assert(pushed < 2 * PIN_READER_OBJECT_BYTES);
    pin_reader_deinit(&r);
    arena_deinit(&arena);
}
