#include "http/gate/access_line.h"

#include "util/rfc3339.h"

enum { STATUS_NO_ANSWER = 499 };

static void access_line_put_safely(struct buf *out, const char *text, bool keeps_spaces)
{
    for (const char *at = text; *at != '\0'; at++) {
        bool is_plain = *at > ' ' && *at < 0x7f && *at != '"' && *at != '\\';
        if (is_plain || (*at == ' ' && keeps_spaces))
            buf_put_u8(out, (uint8_t)*at);
        else
            buf_printf(out, "\\x%02x", (unsigned)(uint8_t)*at);
    }
}

static void access_line_put_name(struct buf *out, const char *name)
{
    if (name == NULL || name[0] == '\0')
        name = "-";
    access_line_put_safely(out, name, false);
}

/* [25/Nov/2026:12:36:43 +0000] out of 2026-11-25T12:36:43Z */
static void access_line_put_time(struct buf *out, int64_t now_us)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[RFC3339_TEXT_SIZE];
    rfc3339_print(text, now_us);
    int month = (text[5] - '0') * 10 + text[6] - '0';
    buf_printf(out, "[%.2s/%.3s/%.4s:%.8s +0000]", text + 8, months + 3 * (month - 1), text,
               text + 11);
}

static void access_line_put_request(struct buf *out, const struct http_request *r)
{
    if (r == NULL) {
        buf_append_text(out, "\"-\"");
        return;
    }
    buf_append_text(out, "\"");
    access_line_put_safely(out, r->method, false);
    buf_append_text(out, " ");
    access_line_put_safely(out, r->target, true);
    buf_printf(out, " HTTP/1.%d\"", r->minor_version);
}

void access_line_put(struct buf *out, const struct http_record *record, int64_t now_us)
{
    int status = record->status != 0 ? record->status : STATUS_NO_ANSWER;
    access_line_put_name(out, record->remote);
    buf_append_text(out, " - ");
    access_line_put_name(out, record->user);
    buf_append_text(out, " ");
    access_line_put_time(out, now_us);
    buf_append_text(out, " ");
    access_line_put_request(out, record->request);
    buf_printf(out, " %d %llu", status, (unsigned long long)record->body_bytes);
}
