/* The writing half of json.h. It knows one bit a level: does a value stand before this place, so that
 * the next one needs a comma? A key clears it (its value follows directly), a value sets it. At the
 * top, outside every container, nothing is put between values: a stream of documents is the
 * caller's. */
#include "util/json.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/json_int.h"
#include "util/utf8.h"

static void json_before_value(struct json_writer *w)
{
    uint64_t bit = UINT64_C(1) << w->depth;
    if (w->depth > 0 && (w->comma & bit) != 0)
        buf_append(w->out, ",", 1);
    w->comma |= bit;
}

static void json_begin(struct json_writer *w, const char *bracket)
{
    json_before_value(w);
    ASSERT(w->depth + 1 < JSON_DEPTH_MAX);
    w->depth += 1;
    w->comma &= ~(UINT64_C(1) << w->depth);
    buf_append(w->out, bracket, 1);
}

static void json_end(struct json_writer *w, const char *bracket)
{
    ASSERT(w->depth > 0);
    w->depth -= 1;
    buf_append(w->out, bracket, 1);
}

void json_object_begin(struct json_writer *w)
{
    json_begin(w, "{");
}

void json_object_end(struct json_writer *w)
{
    json_end(w, "}");
}

void json_array_begin(struct json_writer *w)
{
    json_begin(w, "[");
}

void json_array_end(struct json_writer *w)
{
    json_end(w, "]");
}

/* What a byte that may not stand for itself is written as; NULL when it may. */
static const char *json_short_escape(unsigned char c)
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    case '<':
        return "\\u003c";
    case '>':
        return "\\u003e";
    case '&':
        return "\\u0026";
    }
    return NULL;
}

/* Does a byte stand for itself? What one can see of ASCII, and the blank, but for five. */
/* clang-format off */
static const bool json_is_plain[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
};
/* clang-format on */

/* The same for sixteen of them at once, in a shape that compilers turn into a few instructions. */
enum { PLAIN_BLOCK = 16 };
static bool json_is_plain_block(const char *at)
{
    uint8_t c[PLAIN_BLOCK], special = 0;
    memcpy(c, at, sizeof c);
    for (size_t i = 0; i < PLAIN_BLOCK; i++)
        special |= ((uint8_t)(c[i] - ' ') > 0x7f - ' ') | (c[i] == '\\') | ((c[i] | 4) == '&') |
                   ((c[i] | 2) == '>'); /* " and &, < and > differ in one bit */
    return special == 0;
}

size_t json_plain_len(const char *at, size_t len)
{
    size_t i = 0;
    while (len - i >= PLAIN_BLOCK && json_is_plain_block(at + i))
        i += PLAIN_BLOCK;
    while (i < len && json_is_plain[(unsigned char)at[i]])
        i += 1;
    return i;
}

/* Writes the one character at `at` that is not plain; returns how many bytes it took. */
static size_t json_put_special(struct buf *out, const char *at, size_t len)
{
    unsigned char c = (unsigned char)*at;
    if (c < 0x80) {
        const char *escape = json_short_escape(c);
        if (escape != NULL)
            buf_append_text(out, escape);
        else
            buf_printf(out, "\\u%04x", c);
        return 1;
    }
    uint32_t code;
    size_t taken = utf8_decode(&code, at, len);
    if (taken == 0) {
        buf_append_text(out, "\\ufffd");
        return 1;
    }
    if (code == 0x2028 || code == 0x2029) /* line ends in JavaScript: Go escapes them too */
        buf_printf(out, "\\u%04x", (unsigned)code);
    else
        buf_append(out, at, taken);
    return taken;
}

/* Nearly all texts are plain from end to end: these take one step. */
static void json_put_plain(struct buf *out, const char *text, size_t len, bool is_key)
{
    uint8_t *to = buf_reserve(out, len + 3);
    if (to == NULL)
        return;
    to[0] = '"';
    if (len > 0)
        memcpy(to + 1, text, len);
    to[len + 1] = '"';
    to[len + 2] = ':';
    out->len += len + 2 + is_key;
}

static void json_put_quoted(struct buf *out, const char *text, size_t len, bool is_key)
{
    size_t plain = json_plain_len(text, len);
    if (plain == len) {
        json_put_plain(out, text, len, is_key);
        return;
    }
    buf_append(out, "\"", 1);
    while (len > 0) {
        size_t taken = json_plain_len(text, len);
        if (taken > 0)
            buf_append(out, text, taken);
        else
            taken = json_put_special(out, text, len);
        text += taken;
        len -= taken;
    }
    buf_append(out, "\":", is_key ? 2 : 1);
}

void json_key_len(struct json_writer *w, const char *key, size_t len)
{
    ASSERT(w->depth > 0);
    json_before_value(w);
    json_put_quoted(w->out, key, len, true);
    w->comma &= ~(UINT64_C(1) << w->depth);
}

void json_string(struct json_writer *w, const char *text)
{
    if (text == NULL)
        json_null(w);
    else
        json_string_len(w, text, strlen(text));
}

void json_string_len(struct json_writer *w, const char *text, size_t len)
{
    json_before_value(w);
    json_put_quoted(w->out, text, len, false);
}

char *json_text_begin(struct json_writer *w, size_t size)
{
    json_before_value(w);
    char *to = (char *)buf_reserve(w->out, size + 2);
    if (to == NULL)
        return NULL;
    to[0] = '"';
    return to + 1;
}

void json_text_end(struct json_writer *w, size_t len)
{
    w->out->data[w->out->len + 1 + len] = '"';
    w->out->len += len + 2;
}

static void json_put_decimal(struct buf *out, uint64_t value, bool is_negative)
{
    char text[20 + 1]; /* the digits of 2^64, and a sign */
    size_t at = sizeof(text);
    do {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    if (is_negative)
        text[--at] = '-';
    buf_append(out, text + at, sizeof(text) - at);
}

void json_i64(struct json_writer *w, int64_t value)
{
    json_before_value(w);
    json_put_decimal(w->out, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0);
}

void json_u64(struct json_writer *w, uint64_t value)
{
    json_before_value(w);
    json_put_decimal(w->out, value, false);
}

void json_bool(struct json_writer *w, bool value)
{
    json_before_value(w);
    buf_append_text(w->out, value ? "true" : "false");
}

void json_null(struct json_writer *w)
{
    json_before_value(w);
    buf_append_text(w->out, "null");
}

void json_raw(struct json_writer *w, const char *text, size_t len)
{
    json_before_value(w);
    buf_append(w->out, text, len);
}

void json_key_string(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, key);
    json_string(w, text);
}

void json_key_i64(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, key);
    json_i64(w, value);
}

void json_key_u64(struct json_writer *w, const char *key, uint64_t value)
{
    json_key(w, key);
    json_u64(w, value);
}

void json_key_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, key);
    json_bool(w, value);
}

void json_key_null(struct json_writer *w, const char *key)
{
    json_key(w, key);
    json_null(w);
}

/* ---- laying out ---- */

static bool json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void json_new_line(struct buf *out, unsigned spaces)
{
    buf_append(out, "\n", 1);
    for (unsigned i = 0; i < spaces; i++)
        buf_append(out, " ", 1);
}

/* The length of the string at the front of the text, its quotes included. */
static size_t json_string_span(const char *text, size_t len)
{
    size_t i = 1;
    while (i < len && text[i] != '"')
        i += text[i] == '\\' ? 2 : 1;
    return i < len ? i + 1 : len;
}

void json_indent(struct buf *out, const char *text, size_t len, unsigned width)
{
    unsigned spaces = 0;
    bool is_open = false; /* a bracket was just opened: is there anything inside? */
    for (size_t i = 0, taken = 1; i < len; i += taken, taken = 1) {
        char c = text[i];
        if (json_is_space(c))
            continue;
        bool closes = c == '}' || c == ']';
        if (closes)
            spaces -= width;
        if (is_open != closes)
            json_new_line(out, spaces);
        is_open = c == '{' || c == '[';
        if (is_open)
            spaces += width;
        if (c == '"')
            taken = json_string_span(text + i, len - i);
        buf_append(out, text + i, taken);
        if (c == ':')
            buf_append(out, " ", 1);
        if (c == ',')
            json_new_line(out, spaces);
    }
}
