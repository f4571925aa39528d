/* body_args.c -- arguments in a request's body. The ipfs command sends so what it reads from stdin: multipart/form-data, and of
 * that the first part's content, an argument a line; what else there is, the daemon reads over. Its first argument stands
 * in the query, as the others do when they are typed.
 *
 * The body is read to its end before the first of them counts: one that was cut short would name something else. */
#include "http/proxy/proxy_int.h"

#include <string.h>

#include "util/err.h"

enum { BODY_ARGS_BYTES_MAX = 1024 * 1024 }; /* some 17,000 CIDs */

static void body_args_on_content(void *owner, const void *bytes, size_t len)
{
    struct proxy_body_args *b = owner;
    if (b->multipart.parts_count == 1)
        buf_append(&b->lines, bytes, len);
}

int proxy_body_args_begin(struct proxy_body_args *b, const struct http_request *r)
{
    static const char kind[] = "multipart/form-data";
    struct bytes type = http_request_field(r, "Content-Type");
    char boundary[HTTP_MULTIPART_BOUNDARY_MAX + 1];
    if (!r->has_body || type.len < sizeof(kind) - 1 ||
        !http_name_is((struct bytes){ type.data, sizeof(kind) - 1 }, kind))
        return ERR_NOT_FOUND;
    int err = http_multipart_boundary(type, boundary);
    if (err != OK)
        return err;
    http_multipart_init(&b->multipart, boundary);
    b->multipart.on_content = body_args_on_content;
    b->multipart.owner = b;
    b->lines.limit = BODY_ARGS_BYTES_MAX;
    return OK;
}

int proxy_body_args_feed(struct proxy_body_args *b, const void *bytes, size_t len)
{
    int err = http_multipart_feed(&b->multipart, bytes, len);
    return b->lines.err != OK ? b->lines.err : err;
}

int proxy_body_args_end(const struct proxy_body_args *b)
{
    return http_multipart_end(&b->multipart);
}

/* As the daemon cuts them: CR may stand in front of LF, and the last one needs neither. */
int proxy_body_args_next(struct proxy_body_args *b, struct buf *out)
{
    if (b->lines_taken == b->lines.len)
        return ERR_NOT_FOUND;
    const uint8_t *line = b->lines.data + b->lines_taken;
    size_t left = b->lines.len - b->lines_taken;
    const uint8_t *end = memchr(line, '\n', left);
    size_t len = end != NULL ? (size_t)(end - line) : left;
    b->lines_taken += end != NULL ? len + 1 : len;
    if (end != NULL && len > 0 && line[len - 1] == '\r')
        len -= 1;
    buf_clear(out);
    if (memchr(line, '\0', len) != NULL)
        return ERR_INVALID; /* as a text it would be another one */
    buf_append(out, line, len);
    return out->err;
}

void proxy_body_args_deinit(struct proxy_body_args *b)
{
    http_multipart_deinit(&b->multipart);
    buf_deinit(&b->lines);
}
