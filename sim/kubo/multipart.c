#include "sim/kubo/multipart.h"

#include <string.h>
#include <strings.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/http_field.h"

/* `needle` in the text, or NULL. */
static const uint8_t *multipart_find(struct bytes text, const void *needle, size_t needle_len)
{
    return text.len == 0 ? NULL : memmem(text.data, text.len, needle, needle_len);
}

/* The value of `name="..."` or `name=...` in a field's value. */
static struct bytes multipart_parameter(struct bytes value, const char *name)
{
    const char *at = value.data, *end = at + value.len;
    size_t name_len = strlen(name);
    for (; at != NULL && at + name_len + 1 < end; at++) {
        bool is_it = strncasecmp(at, name, name_len) == 0 && at[name_len] == '=' &&
                     at > (const char *)value.data && strchr("; \t", at[-1]) != NULL;
        if (!is_it)
            continue;
        const char *start = at + name_len + 1;
        bool is_quoted = *start == '"';
        const char *stop = start += is_quoted;
        while (stop < end && (is_quoted ? *stop != '"' : strchr("; \t", *stop) == NULL))
            stop += 1;
        return (struct bytes){ start, (size_t)(stop - start) };
    }
    return (struct bytes){ NULL, 0 };
}

int multipart_begin(struct multipart *m, struct bytes content_type,
                    const struct multipart_hooks *hooks)
{
    *m = (struct multipart){ .hooks = *hooks };
    struct bytes boundary = multipart_parameter(content_type, "boundary");
    if (boundary.len == 0)
        return ERR_INVALID;
    buf_append_text(&m->delimiter, "\r\n--");
    buf_append(&m->delimiter, boundary.data, boundary.len);
    buf_append_text(&m->held, "\r\n"); /* so that the first delimiter looks like the others */
    return OK;
}

void multipart_deinit(struct multipart *m)
{
    buf_deinit(&m->delimiter);
    buf_deinit(&m->held);
}

static void multipart_check(struct multipart *m, bool wanted)
{
    if (!wanted)
        m->at = MULTIPART_STOPPED;
}

/* Tells data up to `len`, and forgets it. */
static void multipart_tell(struct multipart *m, size_t len)
{
    if (m->at == MULTIPART_DATA && len > 0)
        multipart_check(m, m->hooks.on_data(m->hooks.owner, (struct bytes){ m->held.data, len }));
    buf_consume(&m->held, len);
}

/* What follows "\r\n--boundary" decides whether it is a delimiter. */
enum multipart_tail { TAIL_UNCLEAR, TAIL_NEXT, TAIL_CLOSE, TAIL_NONE };

static enum multipart_tail multipart_tail(struct bytes tail, size_t *len)
{
    const char *at = tail.data;
    size_t pad = 0;
    if (tail.len >= 2 && memcmp(at, "--", 2) == 0)
        return TAIL_CLOSE;
    while (pad < tail.len && (at[pad] == ' ' || at[pad] == '\t'))
        pad += 1;
    if (tail.len - pad >= 2) {
        *len = pad;
        return memcmp(at + pad, "\r\n", 2) == 0 ? TAIL_NEXT : TAIL_NONE;
    }
    bool may_be = pad == tail.len || at[pad] == '\r' || (pad == 0 && at[0] == '-');
    return may_be ? TAIL_UNCLEAR : TAIL_NONE;
}

/* Up to the next delimiter, and over it: what is left begins with the CRLF of its line. False: more
 * bytes are needed. */
static bool multipart_go_data(struct multipart *m)
{
    struct bytes held = buf_bytes(&m->held);
    const uint8_t *found = multipart_find(held, m->delimiter.data, m->delimiter.len);
    if (found == NULL) {
        size_t keep = m->delimiter.len - 1;
        multipart_tell(m, held.len > keep ? held.len - keep : 0);
        return false;
    }
    size_t before = (size_t)(found - m->held.data), pad = 0;
    struct bytes behind = { found + m->delimiter.len, held.len - before - m->delimiter.len };
    enum multipart_tail tail = multipart_tail(behind, &pad);
    if (tail == TAIL_UNCLEAR)
        return false;
    if (tail == TAIL_NONE) {
        multipart_tell(m, before + 1);
        return true;
    }
    multipart_tell(m, before);
    buf_consume(&m->held, m->delimiter.len + pad);
    if (m->at == MULTIPART_DATA)
        multipart_check(m, m->hooks.on_part_end(m->hooks.owner));
    if (m->at != MULTIPART_STOPPED)
        m->at = tail == TAIL_CLOSE ? MULTIPART_CLOSED : MULTIPART_HEAD;
    return true;
}

static void multipart_read_line(struct multipart_part *part, struct bytes line)
{
    const char *colon = line.len > 0 ? memchr(line.data, ':', line.len) : NULL;
    if (colon == NULL)
        return;
    struct bytes name = { line.data, (size_t)(colon - (const char *)line.data) };
    struct bytes value = { colon + 1, line.len - name.len - 1 };
    while (value.len > 0 && *(const char *)value.data == ' ')
        value = (struct bytes){ (const char *)value.data + 1, value.len - 1 };
    if (http_name_is(name, "Content-Disposition"))
        part->file_name = multipart_parameter(value, "filename");
    if (http_name_is(name, "Content-Type"))
        part->type = value;
}

/* The head lies between the CRLF of the delimiter's line and an empty line. */
static bool multipart_go_head(struct multipart *m)
{
    struct bytes held = buf_bytes(&m->held);
    const uint8_t *end = multipart_find(held, "\r\n\r\n", 4);
    if (end == NULL) {
        multipart_check(m, held.len <= MULTIPART_HEAD_BYTES_MAX);
        return false;
    }
    struct multipart_part part = { 0 };
    for (const uint8_t *line = held.data; line < end;) {
        line += 2;
        size_t left = (size_t)(end - line) + 2;
        const uint8_t *line_end = multipart_find((struct bytes){ line, left }, "\r\n", 2);
        multipart_read_line(&part, (struct bytes){ line, (size_t)(line_end - line) });
        line = line_end;
    }
    m->at = MULTIPART_DATA;
    m->parts_count += 1;
    multipart_check(m, m->hooks.on_part(m->hooks.owner, &part));
    buf_consume(&m->held, (size_t)(end - m->held.data) + 4);
    return true;
}

void multipart_feed(struct multipart *m, struct bytes bytes)
{
    bool goes_on = true;
    buf_append(&m->held, bytes.data, bytes.len);
    if (m->held.err != OK || m->delimiter.err != OK)
        fatal("the stand-in IPFS daemon is out of memory");
    while (goes_on) {
        switch (m->at) {
        case MULTIPART_PREAMBLE:
        case MULTIPART_DATA:
            goes_on = multipart_go_data(m);
            break;
        case MULTIPART_HEAD:
            goes_on = multipart_go_head(m);
            break;
        case MULTIPART_CLOSED:
        case MULTIPART_STOPPED:
            buf_clear(&m->held);
            return;
        }
    }
}

int multipart_end(struct multipart *m)
{
    if (m->at == MULTIPART_DATA) {
        multipart_tell(m, m->held.len);
        if (m->at == MULTIPART_DATA)
            multipart_check(m, m->hooks.on_part_end(m->hooks.owner));
    }
    return m->at == MULTIPART_CLOSED || m->at == MULTIPART_STOPPED ? OK : ERR_CLOSED;
}
