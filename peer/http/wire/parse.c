#include "http/wire/parse.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/limits.h"
#include "util/mem.h"

enum {
    LENGTH_DIGITS_MAX = 18, /* fits an int64_t */
    CHUNK_DIGITS_MAX = 15,  /* fits an int64_t, too */
    CHUNK_LINE_BYTES_MAX = 256,
};

/* ---- characters ---- */

bool http_is_token_char(uint8_t c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c > ' ' && c < 0x7f && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

/* What may stand in a line: text, spaces, tabs, and bytes above ASCII. */
static bool http_is_line_char(uint8_t c)
{
    return (c >= ' ' && c != 0x7f) || c == '\t';
}

static bool http_is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static int http_hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool http_is_token(struct bytes text)
{
    const uint8_t *at = text.data;
    for (size_t i = 0; i < text.len; i++) {
        if (!http_is_token_char(at[i]))
            return false;
    }
    return text.len > 0;
}

/* ---- the first line ---- */

static const struct http_refusal http_nothing = { 0, NULL };

static struct http_refusal http_refusal(int status, const char *why)
{
    return (struct http_refusal){ status, why };
}

/* Of a target the path and what is behind '?'. An absolute form ("http://host/path") loses its
 * front: a server must accept it (RFC 9112 §3.2.2). */
static struct http_refusal http_head_cut_target(struct http_head *h)
{
    const char *target = h->request.target;
    const char *path = target;
    if (strncmp(target, "http://", 7) == 0 || strncmp(target, "https://", 8) == 0) {
        path = strchr(target, ':') + 3;
        path += strcspn(path, "/?");
    } else if (target[0] != '/' && strcmp(target, "*") != 0) {
        return http_refusal(400, "request target is no path");
    }
    if (strchr(target, '#') != NULL)
        return http_refusal(400, "request target with a fragment");
    size_t path_len = strcspn(path, "?");
    const char *query = path[path_len] == '?' ? path + path_len + 1 : "";
    buf_append(&h->words, path_len > 0 ? path : "/", path_len > 0 ? path_len : 1);
    buf_put_u8(&h->words, 0);
    size_t query_at = h->words.len;
    buf_append(&h->words, query, strlen(query) + 1);
    if (h->words.err != OK)
        return http_refusal(503, "out of memory");
    h->request.path = (const char *)h->words.data;
    h->request.query = (const char *)h->words.data + query_at;
    return http_nothing;
}

static bool http_is_version(const char *text, size_t len)
{
    return len == 8 && memcmp(text, "HTTP/", 5) == 0 && text[5] >= '0' && text[5] <= '9' &&
           text[6] == '.' && text[7] >= '0' && text[7] <= '9';
}

static struct http_refusal http_head_parse_request_line(struct http_head *h, char *line, size_t len)
{
    char *method_end = memchr(line, ' ', len);
    if (method_end == NULL || !http_is_token((struct bytes){ line, (size_t)(method_end - line) }))
        return http_refusal(400, "malformed request line");
    char *target = method_end + 1;
    char *target_end = memchr(target, ' ', (size_t)(line + len - target));
    if (target_end == NULL || target_end == target ||
        memchr(target, '\t', (size_t)(target_end - target)) != NULL)
        return http_refusal(400, "malformed request line");
    const char *version = target_end + 1;
    if (!http_is_version(version, (size_t)(line + len - version)))
        return http_refusal(400, "malformed request line");
    if (version[5] != '1')
        return http_refusal(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    *method_end = 0;
    *target_end = 0;
    h->request.method = line;
    h->request.target = target;
    h->request.minor_version = version[7] == '0' ? 0 : 1; /* 1.9 is to be read as 1.1 */
    return http_head_cut_target(h);
}

/* ---- fields ---- */

static struct http_refusal http_field_parse(struct http_field *out, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    if (colon == NULL)
        return http_refusal(400, "header field without a colon");
    out->name = (struct bytes){ line, (size_t)(colon - line) };
    if (!http_is_token(out->name)) /* a folded line and a space before the colon end here, too */
        return http_refusal(400, "malformed header field name");
    const char *value = colon + 1;
    const char *end = line + len;
    while (value < end && http_is_space((uint8_t)*value))
        value++;
    while (value < end && http_is_space((uint8_t)end[-1]))
        end--;
    out->value = (struct bytes){ value, (size_t)(end - value) };
    return http_nothing;
}

static struct http_refusal http_length_parse(struct bytes text, int64_t *out)
{
    const uint8_t *at = text.data;
    int64_t len = 0;
    if (text.len == 0)
        return http_refusal(400, "Content-Length is no number");
    for (size_t i = 0; i < text.len; i++) {
        if (at[i] < '0' || at[i] > '9')
            return http_refusal(400, "Content-Length is no number");
        if (text.len <= LENGTH_DIGITS_MAX)
            len = len * 10 + (at[i] - '0');
    }
    if (text.len > LENGTH_DIGITS_MAX)
        return http_refusal(413, "Content-Length too large");
    *out = len;
    return http_nothing;
}

/* How often the fields that decide about framing stand in the head, and what they say. */
struct http_framing {
    unsigned lengths_count;
    struct bytes length;
    unsigned encodings_count;
    struct bytes encoding;
    unsigned hosts_count;
    bool says_close;
    bool says_keep_alive;
    bool expects;
    bool expects_other;
};

static void http_framing_note(struct http_framing *f, const struct http_field *field)
{
    if (http_name_is(field->name, "content-length")) {
        f->lengths_count += 1;
        f->length = field->value;
    } else if (http_name_is(field->name, "transfer-encoding")) {
        f->encodings_count += 1;
        f->encoding = field->value;
    } else if (http_name_is(field->name, "host")) {
        f->hosts_count += 1;
    } else if (http_name_is(field->name, "connection")) {
        f->says_close = f->says_close || http_list_has(field->value, "close");
        f->says_keep_alive = f->says_keep_alive || http_list_has(field->value, "keep-alive");
    } else if (http_name_is(field->name, "expect")) {
        f->expects = true;
        f->expects_other = f->expects_other || !http_name_is(field->value, "100-continue");
    }
}

/* RFC 9112 §6.3. Anything that a proxy in front might frame differently is an attack or a bug. */
static struct http_refusal http_head_apply_framing(struct http_head *h,
                                                   const struct http_framing *f)
{
    struct http_request *r = &h->request;
    if (f->hosts_count > 1 || (f->hosts_count == 0 && r->minor_version > 0))
        return http_refusal(400, "not exactly one Host field");
    if (f->encodings_count > 0 && f->lengths_count > 0)
        return http_refusal(400, "both Content-Length and Transfer-Encoding");
    if (f->encodings_count > 0 && r->minor_version == 0)
        return http_refusal(400, "Transfer-Encoding in an HTTP/1.0 request");
    if (f->encodings_count > 1 ||
        (f->encodings_count == 1 && !http_name_is(f->encoding, "chunked")))
        return http_refusal(501, "Transfer-Encoding other than chunked");
    if (f->lengths_count > 1)
        return http_refusal(400, "more than one Content-Length");
    if (f->expects_other)
        return http_refusal(417, "Expect other than 100-continue");
    if (strcmp(r->method, "CONNECT") == 0)
        return http_refusal(501, "CONNECT is not supported");

    r->body_len = f->encodings_count == 1 ? -1 : 0;
    if (f->lengths_count == 1) {
        struct http_refusal refusal = http_length_parse(f->length, &r->body_len);
        if (refusal.status != 0)
            return refusal;
    }
    r->has_body = r->body_len != 0;
    h->keeps_alive = !f->says_close && (r->minor_version > 0 || f->says_keep_alive);
    h->expects_continue = f->expects && r->has_body && r->minor_version > 0;
    return http_nothing;
}

static struct http_refusal http_head_parse(struct http_head *h)
{
    size_t fields_max = h->lines_count - 1;
    if (fields_max > 0) {
        h->fields = mem_array(fields_max, sizeof *h->fields);
        if (h->fields == NULL)
            return http_refusal(503, "out of memory");
    }
    char *line = (char *)h->bytes.data;
    struct http_framing framing = { 0 };
    for (size_t i = 0; i < h->lines_count; i++) {
        char *end = memchr(line, '\r', h->bytes.len - (size_t)(line - (char *)h->bytes.data));
        ASSERT(end != NULL); /* http_head_step() has counted the lines */
        size_t len = (size_t)(end - line);
        struct http_refusal refusal = i == 0 ? http_head_parse_request_line(h, line, len)
                                             : http_field_parse(&h->fields[i - 1], line, len);
        if (refusal.status != 0)
            return refusal;
        if (i > 0)
            http_framing_note(&framing, &h->fields[i - 1]);
        line = end + 2;
    }
    h->request.fields = h->fields;
    h->request.fields_count = fields_max;
    return http_head_apply_framing(h, &framing);
}

/* ---- the head, as it arrives ---- */

static void http_head_refuse(struct http_head *h, int status, const char *why)
{
    if (h->refusal.status == 0)
        h->refusal = http_refusal(status, why);
}

static void http_head_end_of_lines(struct http_head *h)
{
    if (h->lines_count > 0)
        h->is_complete = true;
    else if (h->blank_skipped)
        http_head_refuse(h, 400, "empty lines instead of a request");
    else
        h->blank_skipped = true;
}

/* One byte further. */
static void http_head_step(struct http_head *h, uint8_t c)
{
    switch (h->at) {
    case HTTP_HEAD_LINE_START:
    case HTTP_HEAD_LINE:
        if (c == '\r')
            h->at = h->at == HTTP_HEAD_LINE ? HTTP_HEAD_LINE_END : HTTP_HEAD_EMPTY_LINE;
        else if (http_is_line_char(c))
            h->at = HTTP_HEAD_LINE;
        else
            http_head_refuse(h, 400, "control character in the request's head");
        break;
    case HTTP_HEAD_LINE_END:
        if (c != '\n')
            http_head_refuse(h, 400, "line not ended by CR LF");
        h->at = HTTP_HEAD_LINE_START;
        h->lines_count += 1;
        if (h->lines_count > 1 + LIMIT_HTTP_HEADERS_COUNT)
            http_head_refuse(h, 431, "too many header fields");
        break;
    case HTTP_HEAD_EMPTY_LINE:
        h->at = HTTP_HEAD_LINE_START;
        if (c == '\n')
            http_head_end_of_lines(h);
        else
            http_head_refuse(h, 400, "line not ended by CR LF");
        break;
    }
}

size_t http_head_feed(struct http_head *h, size_t bytes_max, const void *bytes, size_t len)
{
    ASSERT(!h->is_complete && h->refusal.status == 0);
    const uint8_t *at = bytes;
    size_t used = 0;
    while (used < len && h->bytes.len + used < bytes_max && !h->is_complete) {
        http_head_step(h, at[used++]);
        if (h->refusal.status != 0)
            return used;
        if (h->lines_count == 0 && h->at == HTTP_HEAD_LINE_START) {
            buf_clear(&h->bytes); /* the forgiven empty line */
            return used;
        }
    }
    buf_append(&h->bytes, bytes, used);
    if (h->bytes.err != OK)
        http_head_refuse(h, 503, "out of memory");
    else if (h->is_complete)
        h->refusal = http_head_parse(h);
    else if (h->bytes.len == bytes_max)
        http_head_refuse(h, 431, "request head too long");
    h->is_complete = h->is_complete && h->refusal.status == 0;
    return used;
}

void http_head_reset(struct http_head *h)
{
    buf_deinit(&h->bytes);
    buf_deinit(&h->words);
    mem_free(h->fields);
    *h = (struct http_head){ 0 };
}

/* ---- the body ---- */

void http_body_begin(struct http_body *b, int64_t body_len)
{
    ASSERT(body_len >= -1);
    *b = (struct http_body){ .at = HTTP_BODY_CHUNK_SIZE, .is_chunked = true };
    if (body_len >= 0) {
        b->is_chunked = false;
        b->left = (uint64_t)body_len;
        b->at = body_len > 0 ? HTTP_BODY_CONTENT : HTTP_BODY_COMPLETE;
    }
}

static enum http_body_at http_chunk_size_step(struct http_body *b, uint8_t c)
{
    int digit = http_hex_value(c);
    if (digit >= 0 && b->digits_count < CHUNK_DIGITS_MAX) {
        b->left = b->left << 4 | (unsigned)digit;
        b->digits_count += 1;
        return HTTP_BODY_CHUNK_SIZE;
    }
    if (b->digits_count == 0 || digit >= 0)
        return HTTP_BODY_BROKEN;
    if (c == '\r')
        return HTTP_BODY_CHUNK_SIZE_LF;
    return c == ';' || http_is_space(c) ? HTTP_BODY_CHUNK_EXTENSION : HTTP_BODY_BROKEN;
}

/* Where one byte of framing leads. */
static enum http_body_at http_body_step(struct http_body *b, uint8_t c)
{
    switch (b->at) {
    case HTTP_BODY_CHUNK_SIZE:
        return http_chunk_size_step(b, c);
    case HTTP_BODY_CHUNK_EXTENSION:
        if (c == '\r')
            return HTTP_BODY_CHUNK_SIZE_LF;
        return http_is_line_char(c) && b->framing_len < CHUNK_LINE_BYTES_MAX
                   ? HTTP_BODY_CHUNK_EXTENSION
                   : HTTP_BODY_BROKEN;
    case HTTP_BODY_CHUNK_SIZE_LF:
        b->framing_len = 0;
        if (c != '\n')
            return HTTP_BODY_BROKEN;
        return b->left > 0 ? HTTP_BODY_CONTENT : HTTP_BODY_TRAILER_START;
    case HTTP_BODY_CHUNK_CR:
        return c == '\r' ? HTTP_BODY_CHUNK_LF : HTTP_BODY_BROKEN;
    case HTTP_BODY_CHUNK_LF:
        b->digits_count = 0;
        b->framing_len = 0;
        return c == '\n' ? HTTP_BODY_CHUNK_SIZE : HTTP_BODY_BROKEN;
    case HTTP_BODY_TRAILER_START:
        if (c == '\r')
            return HTTP_BODY_LAST_LF;
        return http_is_token_char(c) ? HTTP_BODY_TRAILER_NAME : HTTP_BODY_BROKEN;
    case HTTP_BODY_TRAILER_NAME:
        if (c == ':')
            return HTTP_BODY_TRAILER_VALUE;
        return http_is_token_char(c) ? HTTP_BODY_TRAILER_NAME : HTTP_BODY_BROKEN;
    case HTTP_BODY_TRAILER_VALUE:
        if (c == '\r')
            return HTTP_BODY_TRAILER_LF;
        return http_is_line_char(c) ? HTTP_BODY_TRAILER_VALUE : HTTP_BODY_BROKEN;
    case HTTP_BODY_TRAILER_LF:
        return c == '\n' ? HTTP_BODY_TRAILER_START : HTTP_BODY_BROKEN;
    case HTTP_BODY_LAST_LF:
        return c == '\n' ? HTTP_BODY_COMPLETE : HTTP_BODY_BROKEN;
    case HTTP_BODY_CONTENT:
    case HTTP_BODY_COMPLETE:
    case HTTP_BODY_BROKEN:
        break;
    }
    return b->at;
}

static bool http_body_is_in_framing(const struct http_body *b)
{
    return b->at != HTTP_BODY_CONTENT && b->at != HTTP_BODY_COMPLETE && b->at != HTTP_BODY_BROKEN;
}

size_t http_body_skip_framing(struct http_body *b, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    size_t used = 0;
    while (used < len && http_body_is_in_framing(b)) {
        b->framing_len += 1;
        b->at = http_body_step(b, at[used++]);
        if (b->framing_len > LIMIT_HTTP_HEAD_BYTES)
            b->at = HTTP_BODY_BROKEN; /* trailers without end */
    }
    return used;
}

size_t http_body_content(const struct http_body *b, size_t len)
{
    if (b->at != HTTP_BODY_CONTENT)
        return 0;
    return b->left < len ? (size_t)b->left : len;
}

void http_body_took(struct http_body *b, size_t len)
{
    ASSERT(len <= http_body_content(b, len));
    b->left -= len;
    if (b->at == HTTP_BODY_CONTENT && b->left == 0)
        b->at = b->is_chunked ? HTTP_BODY_CHUNK_CR : HTTP_BODY_COMPLETE;
}

/* ---- percent-encoding ---- */

int http_percent_decode(struct buf *out, const char *text, size_t len, bool plus_is_space)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c == '%') {
            if (len - i < 3)
                return ERR_INVALID;
            int high = http_hex_value((uint8_t)text[i + 1]);
            int low = http_hex_value((uint8_t)text[i + 2]);
            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return ERR_INVALID;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        buf_put_u8(out, c);
    }
    return out->err;
}

int http_query_next(const char **rest, struct buf *name, struct buf *value)
{
    const char *at = *rest;
    while (*at == '&')
        at++;
    size_t len = strcspn(at, "&");
    *rest = at + len;
    if (len == 0)
        return ERR_NOT_FOUND;
    const char *equals = memchr(at, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - at) : len;
    const char *raw_value = equals != NULL ? equals + 1 : at + len;
    buf_clear(name);
    buf_clear(value);
    int err = http_percent_decode(name, at, name_len, true);
    if (err == OK)
        err = http_percent_decode(value, raw_value, (size_t)(at + len - raw_value), true);
    return err;
}
