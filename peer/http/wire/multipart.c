#include "http/wire/multipart.h"

#include <string.h>

#include "http/wire/parse.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/http_field.h"

/* ---- parameters: multipart/form-data; boundary="x" ---- */

static size_t http_multipart_skip_blanks(struct bytes text, size_t at)
{
    const char *c = text.data;
    while (at < text.len && (c[at] == ' ' || c[at] == '\t'))
        at++;
    return at;
}

/* What stands behind '=': a quoted string, or everything up to ';'. Returns where it ends. */
static size_t http_multipart_take_value(struct bytes text, size_t at, struct buf *out)
{
    const char *c = text.data;
    bool is_quoted = at < text.len && c[at] == '"';
    for (at += is_quoted; at < text.len; at++) {
        if (is_quoted ? c[at] == '"' : c[at] == ';' || c[at] == ' ' || c[at] == '\t')
            return at + is_quoted;
        if (is_quoted && c[at] == '\\' && at + 1 < text.len)
            at++;
        buf_put_u8(out, (uint8_t)c[at]);
    }
    return at;
}

/* The parameter of that name; ERR_NOT_FOUND. `text` is the field's value with the word in front. */
static int http_multipart_parameter(struct bytes text, const char *name, struct buf *out)
{
    const char *c = text.data;
    const char *first = text.len > 0 ? memchr(c, ';', text.len) : NULL;
    size_t at = first != NULL ? (size_t)(first - c) : text.len;
    while (at < text.len) {
        at = http_multipart_skip_blanks(text, at + 1);
        size_t begin = at;
        while (at < text.len && c[at] != '=' && c[at] != ';')
            at++;
        if (at == text.len || c[at] == ';')
            continue;
        bool is_it = http_name_is((struct bytes){ c + begin, at - begin }, name);
        buf_clear(out);
        at = http_multipart_skip_blanks(text, http_multipart_take_value(text, at + 1, out));
        if (is_it)
            return out->err;
        if (at < text.len && c[at] != ';')
            return ERR_NOT_FOUND;
    }
    return ERR_NOT_FOUND;
}

static bool http_multipart_may_bound(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != 0 && strchr("'()+_,-./:=? ", c) != NULL);
}

int http_multipart_boundary(struct bytes content_type, char out[HTTP_MULTIPART_BOUNDARY_MAX + 1])
{
    static const char kind[] = "multipart/form-data";
    const size_t kind_len = sizeof(kind) - 1;
    if (content_type.len < kind_len ||
        !http_name_is((struct bytes){ content_type.data, kind_len }, kind))
        return ERR_INVALID;
    struct buf text = { 0 };
    int err = http_multipart_parameter(content_type, "boundary", &text);
    if (err == OK &&
        (text.len == 0 || text.len > HTTP_MULTIPART_BOUNDARY_MAX || text.data[text.len - 1] == ' '))
        err = ERR_INVALID;
    for (size_t i = 0; err == OK && i < text.len; i++)
        err = http_multipart_may_bound(text.data[i]) ? OK : ERR_INVALID;
    if (err == OK)
        memcpy(out, buf_text(&text), text.len + 1);
    buf_deinit(&text);
    return err == ERR_NOMEM ? err : err == OK ? OK : ERR_INVALID;
}

/* The value of a field among lines of "Name: value". */
static struct bytes http_multipart_field(struct bytes head, const char *name)
{
    const char *at = head.data;
    const char *end = at + head.len;
    while (at < end) {
        const char *line_end = memchr(at, '\r', (size_t)(end - at));
        if (line_end == NULL)
            line_end = end;
        const char *colon = memchr(at, ':', (size_t)(line_end - at));
        if (colon != NULL && http_name_is((struct bytes){ at, (size_t)(colon - at) }, name))
            return (struct bytes){ colon + 1, (size_t)(line_end - colon - 1) };
        at = line_end + 1;
        at += at < end && *at == '\n';
    }
    return (struct bytes){ NULL, 0 };
}

int http_multipart_file_name(struct bytes head, struct buf *out)
{
    struct buf raw = { 0 };
    struct bytes field = http_multipart_field(head, "Content-Disposition");
    int err =
        field.data == NULL ? ERR_NOT_FOUND : http_multipart_parameter(field, "filename", &raw);
    size_t begin = out->len;
    if (err == OK && http_percent_decode(out, buf_text(&raw), raw.len, true) == ERR_INVALID) {
        out->len = begin; /* it is not encoded */
        buf_append(out, raw.data, raw.len);
    }
    buf_deinit(&raw);
    return err;
}

/* ---- the body ---- */

void http_multipart_init(struct http_multipart *m, const char *boundary)
{
    size_t len = strlen(boundary);
    ASSERT(len > 0 && len <= HTTP_MULTIPART_BOUNDARY_MAX);
    *m = (struct http_multipart){ .delimiter_len = 4 + len, .matched = 2, .assumed = 2 };
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary, len);
    m->head.limit = HTTP_MULTIPART_HEAD_BYTES_MAX;
}

void http_multipart_deinit(struct http_multipart *m)
{
    buf_deinit(&m->head);
}

static void http_multipart_tell(struct http_multipart *m, const void *bytes, size_t len)
{
    if (m->at != HTTP_MULTIPART_PREAMBLE && len > 0 && m->on_content != NULL)
        m->on_content(m->owner, bytes, len);
}

/* What was held back as the beginning of a delimiter is content after all. */
static void http_multipart_release(struct http_multipart *m)
{
    http_multipart_tell(m, m->delimiter + m->assumed, m->matched - m->assumed);
    m->matched = 0;
    m->assumed = 0;
}

/* Up to where a delimiter stands, or may begin whose end is not here yet. */
static size_t http_multipart_find(const struct http_multipart *m, const char *bytes, size_t len)
{
    size_t surely = 0;             /* no delimiter begins before */
    if (len >= m->delimiter_len) { /* skips by whole delimiters, where memchr() stops at each CR */
        const char *found = memmem(bytes, len, m->delimiter, m->delimiter_len);
        if (found != NULL)
            return (size_t)(found - bytes);
        surely = len - m->delimiter_len + 1;
    }
    const char *cr = memchr(bytes + surely, '\r', len - surely);
    return cr != NULL ? (size_t)(cr - bytes) : len;
}

/* Content, or what stands before the first part, up to a delimiter. Returns how many bytes that took. CR stands
 * at the delimiter's beginning only, so a match that fails can begin again at the byte where it failed, not before. */
static size_t http_multipart_feed_content(struct http_multipart *m, const char *bytes, size_t len)
{
    size_t at = 0;
    size_t begin = 0; /* of what is not told yet */
    while (at < len) {
        if (m->matched == 0) {
            at += http_multipart_find(m, bytes + at, len - at);
            http_multipart_tell(m, bytes + begin, at - begin);
            begin = at;
            if (at == len)
                break;
        }
        if (bytes[at] != m->delimiter[m->matched]) {
            http_multipart_release(m);
            begin = at;
            if (bytes[at] != '\r')
                at++;
            continue;
        }
        at++;
        begin = at;
        if (++m->matched == m->delimiter_len)
            break;
    }
    if (m->matched == 0)
        http_multipart_tell(m, bytes + begin, at - begin);
    return at;
}

static void http_multipart_begin_head(struct http_multipart *m)
{
    m->matched = 0;
    m->assumed = 0;
    m->at = HTTP_MULTIPART_HEAD;
    buf_clear(&m->head);
}

static void http_multipart_begin_content(struct http_multipart *m)
{
    m->at = HTTP_MULTIPART_CONTENT;
    m->matched = 2;
    m->assumed = 2;
    m->parts_count += 1;
    if (m->on_part != NULL)
        m->on_part(m->owner, buf_bytes(&m->head));
}

/* It only began like a boundary. */
static void http_multipart_back_to_content(struct http_multipart *m)
{
    m->at = m->parts_count > 0 ? HTTP_MULTIPART_CONTENT : HTTP_MULTIPART_PREAMBLE;
    http_multipart_release(m);
}

/* The byte behind a delimiter that has been matched whole. Returns how many bytes it took: 0, it is content. */
static size_t http_multipart_feed_behind(struct http_multipart *m, char c)
{
    if (c != '-' && c != ' ' && c != '\t' && c != '\r') {
        http_multipart_back_to_content(m);
        return 0;
    }
    m->at = c == '-' ? HTTP_MULTIPART_DASH : c == '\r' ? HTTP_MULTIPART_LF : HTTP_MULTIPART_PADDING;
    return 1;
}

static size_t http_multipart_feed_dash(struct http_multipart *m, char c)
{
    if (c == '-') {
        m->at = HTTP_MULTIPART_CLOSED;
        return 1;
    }
    http_multipart_back_to_content(m);
    http_multipart_tell(m, "-", 1);
    return 0;
}

static void http_multipart_feed_padding(struct http_multipart *m, char c)
{
    if (c == '\r')
        m->at = HTTP_MULTIPART_LF;
    else if (c != ' ' && c != '\t')
        m->at = HTTP_MULTIPART_BROKEN;
}

static void http_multipart_feed_lf(struct http_multipart *m, char c)
{
    if (c == '\n')
        http_multipart_begin_head(m);
    else
        m->at = HTTP_MULTIPART_BROKEN;
}

/* One byte of a part's header, which ends with an empty line. */
static void http_multipart_feed_head(struct http_multipart *m, char c)
{
    buf_put_u8(&m->head, (uint8_t)c);
    if (m->head.err != OK) {
        m->at = HTTP_MULTIPART_BROKEN;
        return;
    }
    size_t len = m->head.len;
    bool is_empty = len == 2 && memcmp(m->head.data, "\r\n", 2) == 0;
    if (is_empty || (len >= 4 && memcmp(m->head.data + len - 4, "\r\n\r\n", 4) == 0))
        http_multipart_begin_content(m);
}

static size_t http_multipart_feed_some(struct http_multipart *m, const char *at, size_t len)
{
    size_t took = 1;
    switch (m->at) {
    case HTTP_MULTIPART_PREAMBLE:
    case HTTP_MULTIPART_CONTENT:
        took = http_multipart_feed_content(m, at, len);
        if (m->matched == m->delimiter_len)
            m->at = HTTP_MULTIPART_BEHIND;
        break;
    case HTTP_MULTIPART_BEHIND:
        took = http_multipart_feed_behind(m, *at);
        break;
    case HTTP_MULTIPART_DASH:
        took = http_multipart_feed_dash(m, *at);
        break;
    case HTTP_MULTIPART_PADDING:
        http_multipart_feed_padding(m, *at);
        break;
    case HTTP_MULTIPART_LF:
        http_multipart_feed_lf(m, *at);
        break;
    case HTTP_MULTIPART_HEAD:
        http_multipart_feed_head(m, *at);
        break;
    case HTTP_MULTIPART_CLOSED:
    case HTTP_MULTIPART_BROKEN:
        took = len; /* what stands behind the last boundary is nobody's */
        break;
    }
    return took;
}

int http_multipart_feed(struct http_multipart *m, const void *bytes, size_t len)
{
    const char *at = bytes;
    for (size_t left = len; left > 0;) {
        size_t took = http_multipart_feed_some(m, at, left);
        at += took;
        left -= took;
    }
    return m->at == HTTP_MULTIPART_BROKEN ? ERR_INVALID : OK;
}

int http_multipart_end(const struct http_multipart *m)
{
    if (m->at == HTTP_MULTIPART_BROKEN)
        return ERR_INVALID;
    return m->at == HTTP_MULTIPART_CLOSED ? OK : ERR_CLOSED;
}
