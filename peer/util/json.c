/* The reading half of json.h. One pass over the text leaves an array of tokens, parents before
 * children, linked by child and next. Nothing is copied: a string is unescaped when somebody asks
 * for it, a number converted when somebody asks, so that a 64-bit integer never passes through a
 * double. Nesting is recursion here, and JSON_DEPTH_MAX bounds it. */
#include "util/json.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/hex.h"
#include "util/json_int.h"
#include "util/mem.h"
#include "util/utf8.h"

/* ---- parsing ---- */

enum { JSON_TOKENS_FIRST = 32 };

struct json_parser {
    struct json_doc *doc;
    const char *text;
    size_t len;
    size_t at;
    int depth;
    int err; /* the first failure; everything returns JSON_NONE from then on */
};

static int32_t json_read_value(struct json_parser *p);

static int32_t json_fail(struct json_parser *p, int err)
{
    if (p->err == OK)
        p->err = err;
    return JSON_NONE;
}

/* The byte at the cursor, or -1 at the end. */
static int json_peek(const struct json_parser *p)
{
    return p->at < p->len ? (unsigned char)p->text[p->at] : -1;
}

/* Moves over `c` if it is next. */
static bool json_accept(struct json_parser *p, int c)
{
    if (json_peek(p) != c)
        return false;
    p->at += 1;
    return true;
}

static void json_skip_space(struct json_parser *p)
{
    while (json_accept(p, ' ') || json_accept(p, '\n') || json_accept(p, '\r') ||
           json_accept(p, '\t'))
        ;
}

static int32_t json_add_token(struct json_parser *p, enum json_kind kind)
{
    struct json_doc *doc = p->doc;
    if (doc->count == JSON_TOKENS_MAX)
        return json_fail(p, ERR_TOO_BIG);
    if (doc->count == doc->size) {
        size_t size = doc->size > 0 ? 2 * doc->size : JSON_TOKENS_FIRST;
        struct json_token *tokens = mem_realloc(doc->tokens, size * sizeof(*tokens));
        if (tokens == NULL)
            return json_fail(p, ERR_NOMEM);
        doc->tokens = tokens;
        doc->size = size;
    }
    uint32_t at = (uint32_t)p->at;
    doc->tokens[doc->count] = (struct json_token){ kind, at, at, JSON_NONE, JSON_NONE };
    return (int32_t)doc->count++;
}

static void json_end_token(struct json_parser *p, int32_t token)
{
    p->doc->tokens[token].end = (uint32_t)p->at;
}

static int32_t json_read_word(struct json_parser *p, const char *word, enum json_kind kind)
{
    int32_t token = json_add_token(p, kind);
    for (; token != JSON_NONE && *word != '\0'; word++) {
        if (!json_accept(p, *word))
            return json_fail(p, ERR_INVALID);
    }
    if (token != JSON_NONE)
        json_end_token(p, token);
    return token;
}

/* One digit or more. */
static bool json_accept_digits(struct json_parser *p)
{
    size_t start = p->at;
    while (json_peek(p) >= '0' && json_peek(p) <= '9')
        p->at += 1;
    return p->at > start;
}

static int32_t json_read_number(struct json_parser *p)
{
    int32_t token = json_add_token(p, JSON_NUMBER);
    if (token == JSON_NONE)
        return JSON_NONE;
    json_accept(p, '-');
    if (!json_accept(p, '0') && !json_accept_digits(p)) /* no digit follows a leading zero */
        return json_fail(p, ERR_INVALID);
    if (json_accept(p, '.') && !json_accept_digits(p))
        return json_fail(p, ERR_INVALID);
    if (json_accept(p, 'e') || json_accept(p, 'E')) {
        if (!json_accept(p, '-'))
            json_accept(p, '+');
        if (!json_accept_digits(p))
            return json_fail(p, ERR_INVALID);
    }
    json_end_token(p, token);
    return token;
}

/* What follows a backslash. */
static bool json_accept_escape(struct json_parser *p)
{
    if (json_accept(p, 'u')) {
        for (int i = 0; i < 4; i++, p->at++) {
            if (p->at >= p->len || hex_digit(p->text[p->at]) < 0)
                return false;
        }
        return true;
    }
    int c = json_peek(p);
    if (c <= 0 || strchr("\"\\/bfnrt", c) == NULL)
        return false;
    p->at += 1;
    return true;
}

static int32_t json_read_string(struct json_parser *p)
{
    if (!json_accept(p, '"'))
        return json_fail(p, ERR_INVALID);
    int32_t token = json_add_token(p, JSON_STRING);
    if (token == JSON_NONE)
        return JSON_NONE;
    for (;;) {
        uint32_t code;
        p->at += json_plain_len(p->text + p->at, p->len - p->at); /* mostly all of it */
        if (json_peek(p) == '"')
            break;
        if (json_accept(p, '\\')) {
            if (!json_accept_escape(p))
                return json_fail(p, ERR_INVALID);
            continue;
        }
        if (json_peek(p) < 0x20) /* a bare control character, or the end of the text */
            return json_fail(p, ERR_INVALID);
        size_t taken = utf8_decode(&code, p->text + p->at, p->len - p->at);
        if (taken == 0)
            return json_fail(p, ERR_INVALID);
        p->at += taken;
    }
    json_end_token(p, token);
    p->at += 1;
    return token;
}

static int32_t json_read_pair(struct json_parser *p)
{
    json_skip_space(p);
    int32_t key = json_read_string(p);
    if (key == JSON_NONE)
        return JSON_NONE;
    json_skip_space(p);
    if (!json_accept(p, ':'))
        return json_fail(p, ERR_INVALID);
    int32_t value = json_read_value(p);
    if (value == JSON_NONE)
        return JSON_NONE;
    p->doc->tokens[key].child = value;
    return key;
}

static int32_t json_read_container(struct json_parser *p, enum json_kind kind, int close)
{
    int32_t self = json_add_token(p, kind);
    if (self == JSON_NONE)
        return JSON_NONE;
    if (p->depth == JSON_DEPTH_MAX)
        return json_fail(p, ERR_INVALID);
    p->depth += 1;
    p->at += 1; /* the opening bracket */
    json_skip_space(p);
    int32_t last = JSON_NONE;
    while (last != JSON_NONE || !json_accept(p, close)) {
        int32_t element = kind == JSON_OBJECT ? json_read_pair(p) : json_read_value(p);
        if (element == JSON_NONE)
            return JSON_NONE;
        struct json_token *tokens = p->doc->tokens;
        *(last == JSON_NONE ? &tokens[self].child : &tokens[last].next) = element;
        last = element;
        json_skip_space(p);
        if (json_accept(p, close))
            break;
        if (!json_accept(p, ','))
            return json_fail(p, ERR_INVALID);
    }
    p->depth -= 1;
    json_end_token(p, self);
    return self;
}

static int32_t json_read_value(struct json_parser *p)
{
    json_skip_space(p);
    switch (json_peek(p)) {
    case '{':
        return json_read_container(p, JSON_OBJECT, '}');
    case '[':
        return json_read_container(p, JSON_ARRAY, ']');
    case '"':
        return json_read_string(p);
    case 't':
        return json_read_word(p, "true", JSON_TRUE);
    case 'f':
        return json_read_word(p, "false", JSON_FALSE);
    case 'n':
        return json_read_word(p, "null", JSON_NULL);
    }
    return json_read_number(p);
}

int json_parse(struct json_doc *doc, const char *text, size_t len)
{
    *doc = (struct json_doc){ .text = text };
    if (len > UINT32_MAX)
        return ERR_TOO_BIG;
    struct json_parser p = { .doc = doc, .text = text, .len = len };
    if (json_read_value(&p) != JSON_NONE) {
        json_skip_space(&p);
        if (p.at < len)
            json_fail(&p, ERR_INVALID);
    }
    if (p.err != OK) {
        json_doc_deinit(doc);
        doc->error_at = p.at;
    }
    return p.err;
}

void json_doc_deinit(struct json_doc *doc)
{
    mem_free(doc->tokens);
    *doc = (struct json_doc){ .error_at = doc->error_at };
}

/* ---- looking ---- */

static const struct json_token *json_token_at(const struct json_doc *doc, int value)
{
    if (value < 0 || (size_t)value >= doc->count)
        return NULL;
    return &doc->tokens[value];
}

enum json_kind json_kind(const struct json_doc *doc, int value)
{
    const struct json_token *token = json_token_at(doc, value);
    return token != NULL ? token->kind : JSON_NOTHING;
}

int json_first(const struct json_doc *doc, int container)
{
    const struct json_token *token = json_token_at(doc, container);
    if (token == NULL || (token->kind != JSON_ARRAY && token->kind != JSON_OBJECT))
        return JSON_NONE;
    return token->child;
}

int json_next(const struct json_doc *doc, int element)
{
    const struct json_token *token = json_token_at(doc, element);
    return token != NULL ? token->next : JSON_NONE;
}

int json_value_of(const struct json_doc *doc, int key)
{
    const struct json_token *token = json_token_at(doc, key);
    return token != NULL && token->kind == JSON_STRING ? token->child : JSON_NONE;
}

size_t json_count(const struct json_doc *doc, int container)
{
    size_t count = 0;
    for (int at = json_first(doc, container); at != JSON_NONE; at = json_next(doc, at))
        count += 1;
    return count;
}

int json_member(const struct json_doc *doc, int object, const char *key)
{
    int found = JSON_NONE;
    if (json_kind(doc, object) != JSON_OBJECT)
        return JSON_NONE;
    for (int at = json_first(doc, object); at != JSON_NONE; at = json_next(doc, at)) {
        if (json_text_is(doc, at, key))
            found = json_value_of(doc, at);
    }
    return found;
}

/* ---- strings ---- */

/* Walks a string that the parser has checked: a run of plain bytes, or one escape, at a time. */
struct json_walk {
    const char *at;
    const char *end;
    char decoded[4];
};

static bool json_walk_begin(struct json_walk *w, const struct json_doc *doc, int value)
{
    const struct json_token *token = json_token_at(doc, value);
    if (token == NULL || token->kind != JSON_STRING)
        return false;
    *w = (struct json_walk){ .at = doc->text + token->start, .end = doc->text + token->end };
    return true;
}

static uint32_t json_walk_hex(struct json_walk *w)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 4 | (uint32_t)hex_digit(*w->at++);
    return value;
}

/* The code point of a \u escape whose four digits come next. Two halves of a pair become one; a
 * half without the other becomes U+FFFD, as in Go. */
static uint32_t json_walk_unicode(struct json_walk *w)
{
    uint32_t code = json_walk_hex(w);
    if (code < 0xd800 || code > 0xdfff)
        return code;
    if (code <= 0xdbff && w->end - w->at >= 6 && w->at[0] == '\\' && w->at[1] == 'u') {
        struct json_walk ahead = { .at = w->at + 2, .end = w->end };
        uint32_t low = json_walk_hex(&ahead);
        if (low >= 0xdc00 && low <= 0xdfff) {
            w->at = ahead.at;
            return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    return 0xfffd;
}

static uint32_t json_walk_escape(struct json_walk *w)
{
    char c = *w->at++;
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'u':
        return json_walk_unicode(w);
    }
    return (unsigned char)c;
}

/* The next piece of the unescaped text; it lives until the next call. False at the end. */
static bool json_walk_next(struct json_walk *w, struct bytes *piece)
{
    if (w->at == w->end)
        return false;
    if (*w->at == '\\') {
        w->at += 1;
        size_t len = utf8_encode(w->decoded, json_walk_escape(w));
        *piece = (struct bytes){ w->decoded, len };
        return true;
    }
    const char *escape = memchr(w->at, '\\', (size_t)(w->end - w->at));
    const char *stop = escape != NULL ? escape : w->end;
    *piece = (struct bytes){ w->at, (size_t)(stop - w->at) };
    w->at = stop;
    return true;
}

int json_text(const struct json_doc *doc, int value, struct buf *out)
{
    struct json_walk w;
    struct bytes piece;
    if (!json_walk_begin(&w, doc, value))
        return ERR_INVALID;
    while (json_walk_next(&w, &piece))
        buf_append(out, piece.data, piece.len);
    return out->err;
}

int json_text_into(const struct json_doc *doc, int value, char *out, size_t size)
{
    struct json_walk w;
    struct bytes piece;
    ASSERT(size > 0);
    if (!json_walk_begin(&w, doc, value))
        return ERR_INVALID;
    size_t len = 0;
    for (struct json_walk check = w; json_walk_next(&check, &piece); len += piece.len) {
        if (piece.len >= size - len || memchr(piece.data, '\0', piece.len) != NULL)
            return ERR_TOO_BIG;
    }
    for (; json_walk_next(&w, &piece); out += piece.len)
        memcpy(out, piece.data, piece.len);
    *out = '\0';
    return OK;
}

bool json_text_is(const struct json_doc *doc, int value, const char *text)
{
    struct json_walk w;
    struct bytes piece;
    size_t left = strlen(text);
    if (!json_walk_begin(&w, doc, value))
        return false;
    for (; json_walk_next(&w, &piece); text += piece.len, left -= piece.len) {
        if (piece.len > left || memcmp(piece.data, text, piece.len) != 0)
            return false;
    }
    return left == 0;
}

/* ---- numbers ---- */

/* Sign and size of an integer; ERR_INVALID for anything else, or more than 64 bits. */
static int json_get_integer(const struct json_doc *doc, int value, bool *negative, uint64_t *size)
{
    const struct json_token *token = json_token_at(doc, value);
    if (token == NULL || token->kind != JSON_NUMBER)
        return ERR_INVALID;
    const char *at = doc->text + token->start;
    const char *end = doc->text + token->end;
    bool minus = *at == '-';
    uint64_t sum = 0;
    for (at += minus; at < end; at++) {
        if (*at < '0' || *at > '9')
            return ERR_INVALID;
        unsigned digit = (unsigned)(*at - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return ERR_INVALID;
        sum = 10 * sum + digit;
    }
    *negative = minus;
    *size = sum;
    return OK;
}

int json_get_i64(const struct json_doc *doc, int value, int64_t *out)
{
    bool negative;
    uint64_t size;
    if (json_get_integer(doc, value, &negative, &size) != OK)
        return ERR_INVALID;
    if (size > (uint64_t)INT64_MAX + negative)
        return ERR_INVALID;
    if (negative && size > 0)
        *out = -(int64_t)(size - 1) - 1; /* INT64_MIN has no positive twin */
    else
        *out = (int64_t)size;
    return OK;
}

int json_get_u64(const struct json_doc *doc, int value, uint64_t *out)
{
    bool negative;
    uint64_t size;
    if (json_get_integer(doc, value, &negative, &size) != OK || (negative && size > 0))
        return ERR_INVALID;
    *out = size;
    return OK;
}

int json_get_bool(const struct json_doc *doc, int value, bool *out)
{
    enum json_kind kind = json_kind(doc, value);
    if (kind != JSON_TRUE && kind != JSON_FALSE)
        return ERR_INVALID;
    *out = kind == JSON_TRUE;
    return OK;
}
