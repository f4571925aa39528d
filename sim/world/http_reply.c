#include "sim/world/http_reply.h"

#include <string.h>

#include "util/err.h"

enum { HTTP_REPLY_HEAD_MAX = 64 * 1024 };

void http_reply_deinit(struct http_reply *r)
{
    buf_deinit(&r->head);
    buf_deinit(&r->framing_bytes);
    buf_deinit(&r->body);
    memset(r, 0, sizeof(*r));
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Where the text stands in the bytes, letters of any case; NULL: nowhere. */
static const char *find_text(const struct buf *in, const char *text)
{
    size_t len = strlen(text);
    for (size_t at = 0; at + len <= in->len; at++) {
        size_t same = 0;
        while (same < len && lower((char)in->data[at + same]) == text[same])
            same += 1;
        if (same == len)
            return (const char *)in->data + at;
    }
    return NULL;
}

static int64_t head_body_len(struct http_reply *r)
{
    static const char length[] = "\r\ncontent-length:";
    if (r->status == 204 || r->status == 304)
        return 0;
    const char *at = find_text(&r->head, length);
    if (at == NULL)
        return find_text(&r->head, "\r\ntransfer-encoding: chunked") != NULL ? -1 : 0;
    int64_t len = 0;
    for (at += sizeof(length) - 1; *at == ' '; at++) {
    }
    for (; *at >= '0' && *at <= '9' && len < INT64_MAX / 16; at++)
        len = len * 10 + (*at - '0');
    return len;
}

/* Takes bytes up to the empty line; returns how many. */
static size_t head_feed(struct http_reply *r, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        buf_append(&r->head, bytes + i, 1);
        size_t n = r->head.len;
        if (n >= 4 && memcmp(r->head.data + n - 4, "\r\n\r\n", 4) == 0) {
            r->head_is_complete = true;
            return i + 1;
        }
    }
    return len;
}

static int head_parse(struct http_reply *r)
{
    const char *text = buf_text(&r->head);
    if (strncmp(text, "HTTP/1.1 ", 9) != 0)
        return ERR_CORRUPT;
    for (int i = 9; i < 12; i++) {
        if (text[i] < '0' || text[i] > '9')
            return ERR_CORRUPT;
        r->status = r->status * 10 + (text[i] - '0');
    }
    http_body_begin(&r->framing, head_body_len(r));
    r->is_complete = r->framing.at == HTTP_BODY_COMPLETE;
    return OK;
}

static int body_feed(struct http_reply *r, const uint8_t *bytes, size_t len)
{
    while (len > 0 && r->framing.at != HTTP_BODY_COMPLETE && r->framing.at != HTTP_BODY_BROKEN) {
        size_t skipped = http_body_skip_framing(&r->framing, bytes, len);
        buf_append(&r->framing_bytes, bytes, skipped);
        size_t content = http_body_content(&r->framing, len - skipped);
        buf_append(&r->body, bytes + skipped, content);
        http_body_took(&r->framing, content);
        bytes += skipped + content;
        len -= skipped + content;
    }
    r->is_complete = r->framing.at == HTTP_BODY_COMPLETE;
    return r->framing.at == HTTP_BODY_BROKEN ? ERR_CORRUPT : OK;
}

int http_reply_feed(struct http_reply *r, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    if (!r->head_is_complete) {
        size_t taken = head_feed(r, at, len);
        at += taken;
        len -= taken;
        if (!r->head_is_complete)
            return r->head.len > HTTP_REPLY_HEAD_MAX ? ERR_CORRUPT : OK;
        int err = head_parse(r);
        if (err != OK)
            return err;
    }
    return r->is_complete ? OK : body_feed(r, at, len);
}

bool http_reply_has(const struct http_reply *r, const char *name)
{
    return find_text(&r->head, name) != NULL;
}

uint64_t http_reply_number(const struct http_reply *r, const char *name)
{
    const char *at = find_text(&r->head, name);
    uint64_t number = 0;
    if (at == NULL)
        return 0;
    for (at += strlen(name); *at == ' '; at++) {
    }
    for (; *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    return number;
}

bool http_reply_has_stream_error(const struct http_reply *r)
{
    static const char name[] = "x-stream-error:";
    const char *at = find_text(&r->framing_bytes, name);
    if (at == NULL)
        return false;
    for (at += sizeof(name) - 1; *at == ' '; at++) {
    }
    return *at != '\r';
}
