/* covers: peer/util/json.c peer/util/json_writer.c peer/util/utf8.c */
/* A document from outside. What is taken is written again by our writer; that text must be taken too,
 * and writing it once more must change nothing, laid out for people in between or not. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/json.h"

static void copy_value(const struct json_doc *doc, int value, struct json_writer *w);

static void copy_text(const struct json_doc *doc, int value, struct json_writer *w, bool is_key)
{
    struct buf text = { 0 };
    char room[16];
    ASSERT(json_text(doc, value, &text) == OK);
    bool has_nul = text.len > 0 && memchr(text.data, '\0', text.len) != NULL;
    ASSERT(has_nul || json_text_is(doc, value, buf_text(&text)));
    bool fits = !has_nul && text.len < sizeof(room);
    ASSERT((json_text_into(doc, value, room, sizeof(room)) == OK) == fits);
    if (is_key)
        json_key(w, buf_text(&text)); /* cut at a NUL: the writer's keys are C strings */
    else
        json_string_len(w, (const char *)text.data, text.len);
    buf_deinit(&text);
}

static void copy_number(const struct json_doc *doc, int value, struct json_writer *w)
{
    int64_t i64;
    uint64_t u64;
    const struct json_token *token = &doc->tokens[value];
    if (json_get_i64(doc, value, &i64) == OK)
        json_i64(w, i64);
    else if (json_get_u64(doc, value, &u64) == OK)
        json_u64(w, u64);
    else
        json_raw(w, doc->text + token->start, token->end - token->start);
}

static void copy_array(const struct json_doc *doc, int array, struct json_writer *w)
{
    size_t count = 0;
    json_array_begin(w);
    for (int at = json_first(doc, array); at != JSON_NONE; at = json_next(doc, at), count++)
        copy_value(doc, at, w);
    json_array_end(w);
    ASSERT(json_count(doc, array) == count);
}

static void copy_object(const struct json_doc *doc, int object, struct json_writer *w)
{
    json_object_begin(w);
    for (int at = json_first(doc, object); at != JSON_NONE; at = json_next(doc, at)) {
        copy_text(doc, at, w, true);
        copy_value(doc, json_value_of(doc, at), w);
    }
    json_object_end(w);
    (void)json_member(doc, object, "a");
}

static void copy_value(const struct json_doc *doc, int value, struct json_writer *w)
{
    bool is_true = false;
    switch (json_kind(doc, value)) {
    case JSON_NOTHING:
        ASSERT(!"a value that is not there");
        return;
    case JSON_NULL:
        json_string(w, NULL);
        return;
    case JSON_FALSE:
    case JSON_TRUE:
        ASSERT(json_get_bool(doc, value, &is_true) == OK);
        json_bool(w, is_true);
        return;
    case JSON_NUMBER:
        copy_number(doc, value, w);
        return;
    case JSON_STRING:
        copy_text(doc, value, w, false);
        return;
    case JSON_ARRAY:
        copy_array(doc, value, w);
        return;
    case JSON_OBJECT:
        copy_object(doc, value, w);
        return;
    }
}

static int depth_of(const struct json_doc *doc, int value)
{
    int deepest = 0;
    for (int at = json_first(doc, value); at != JSON_NONE; at = json_next(doc, at)) {
        int inside = json_kind(doc, value) == JSON_OBJECT ? json_value_of(doc, at) : at;
        int depth = 1 + depth_of(doc, inside);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest;
}

/* The document, written by us; false when it is none, or deeper than the writer goes. */
static bool rewrite(const void *text, size_t len, struct buf *out)
{
    struct json_doc doc;
    bool taken = json_parse(&doc, text, len) == OK && depth_of(&doc, 0) + 2 < JSON_DEPTH_MAX;
    if (taken) {
        struct json_writer w = json_writer_to(out);
        copy_value(&doc, 0, &w);
        ASSERT(w.depth == 0 && out->err == OK);
    }
    json_doc_deinit(&doc);
    return taken;
}

static void write_one_of_each(const uint8_t *data, size_t size)
{
    struct buf text = { 0 }, again = { 0 };
    struct json_writer w = json_writer_to(&text);
    json_object_begin(&w);
    json_key_string(&w, "string", "x");
    json_key_i64(&w, "i64", -(int64_t)size);
    json_key_u64(&w, "u64", size);
    json_key_bool(&w, "bool", size > 0);
    json_key_null(&w, "null");
    json_key(&w, "input");
    json_string_len(&w, (const char *)data, size);
    json_object_end(&w);
    ASSERT(rewrite(text.data, text.len, &again));
    ASSERT(again.len > 0);
    buf_deinit(&text);
    buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once = { 0 }, twice = { 0 }, laid_out = { 0 };
    if (rewrite(data, size, &once)) {
        ASSERT(rewrite(once.data, once.len, &twice));
        ASSERT(bytes_equal(buf_bytes(&once), buf_bytes(&twice)));
        buf_clear(&twice);
        json_indent(&laid_out, (const char *)data, size, 2);
        ASSERT(rewrite(laid_out.data, laid_out.len, &twice));
        ASSERT(bytes_equal(buf_bytes(&once), buf_bytes(&twice)));
    }
    write_one_of_each(data, size);
    buf_deinit(&once);
    buf_deinit(&twice);
    buf_deinit(&laid_out);
    return 0;
}
