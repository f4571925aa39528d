#include "http/wire/reply.h"

#include "util/assert.h"

static const struct {
    int status;
    const char *text;
} http_statuses[] = {
    { 100, "Continue" },
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 206, "Partial Content" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" },
    { 417, "Expectation Failed" },
    { 422, "Unprocessable Content" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
    { 507, "Insufficient Storage" },
};

const char *http_status_text(int status)
{
    for (size_t i = 0; i < sizeof http_statuses / sizeof http_statuses[0]; i++) {
        if (http_statuses[i].status == status)
            return http_statuses[i].text;
    }
    return "";
}

bool http_status_is_bodiless(int status)
{
    return status < 200 || status == 204 || status == 304;
}

void http_put_status_line(struct buf *out, int status)
{
    ASSERT(status >= 100 && status <= 999);
    char digits[] = { (char)('0' + status / 100), (char)('0' + status / 10 % 10),
                      (char)('0' + status % 10), ' ' };
    buf_append_text(out, "HTTP/1.1 ");
    buf_append(out, digits, sizeof digits);
    buf_append_text(out, http_status_text(status));
    buf_append(out, "\r\n", 2);
}

void http_put_field(struct buf *out, struct bytes name, struct bytes value)
{
    buf_append(out, name.data, name.len);
    buf_append(out, ": ", 2);
    size_t start = out->len;
    buf_append(out, value.data, value.len);
    for (size_t i = start; i < out->len; i++) {
        if (out->data[i] == '\r' || out->data[i] == '\n' || out->data[i] == 0)
            out->data[i] = ' ';
    }
    buf_append(out, "\r\n", 2);
}

void http_put_field_text(struct buf *out, const char *name, const char *value)
{
    buf_append_text(out, name);
    buf_append(out, ": ", 2);
    buf_append_text(out, value);
    buf_append(out, "\r\n", 2);
}

void http_put_head_end(struct buf *out)
{
    buf_append(out, "\r\n", 2);
}

static void http_put_chunk_len(struct buf *out, size_t len)
{
    char digits[2 * sizeof len];
    size_t at = sizeof digits;
    for (; len > 0; len >>= 4)
        digits[--at] = "0123456789abcdef"[len & 15];
    buf_append(out, digits + at, sizeof digits - at);
    buf_append(out, "\r\n", 2);
}

void http_put_chunk(struct buf *out, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    http_put_chunk_len(out, len);
    buf_append(out, bytes, len);
    buf_append(out, "\r\n", 2);
}

void http_put_last_chunk(struct buf *out, const struct http_field *trailers, size_t count)
{
    buf_append(out, "0\r\n", 3);
    for (size_t i = 0; i < count; i++)
        http_put_field(out, trailers[i].name, trailers[i].value);
    buf_append(out, "\r\n", 2);
}
