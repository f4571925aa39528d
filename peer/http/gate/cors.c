/* Which web pages may use the API from a browser: the fields by which the browser asks, and those that answer it. */
#include <string.h>
#include <strings.h>

#include "http/gate/gate.h"
#include "http/wire/reply.h"

static const char *const plain_methods[] = { "GET", "POST", "HEAD" };
static const char *const plain_headers[] = { "Accept", "Content-Type", "X-Requested-With" };

static bool cors_is(struct bytes text, const char *known)
{
    return text.len == strlen(known) && strncasecmp(text.data, known, text.len) == 0;
}

static bool cors_lists(struct gate_texts list, struct bytes text)
{
    for (size_t i = 0; i < list.count; i++) {
        if (strcmp(list.at[i], "*") == 0 || cors_is(text, list.at[i]))
            return true;
    }
    return false;
}

/* One star stands for anything: what is before and behind it must be there, without overlapping. */
static bool cors_pattern_fits(const char *pattern, struct bytes origin)
{
    const char *star = strchr(pattern, '*');
    if (star == NULL)
        return cors_is(origin, pattern);
    size_t head = (size_t)(star - pattern), tail = strlen(star + 1);
    const char *at = origin.data;
    return origin.len >= head + tail && strncasecmp(at, pattern, head) == 0 &&
           strncasecmp(at + origin.len - tail, star + 1, tail) == 0;
}

static bool cors_allows_all_origins(const struct gate_cors *cors)
{
    bool all = cors->origins.count == 0;
    for (size_t i = 0; i < cors->origins.count; i++)
        all = all || strcmp(cors->origins.at[i], "*") == 0;
    return all;
}

static bool cors_allows_origin(const struct gate_cors *cors, struct bytes origin)
{
    if (origin.len == 0)
        return false;
    bool fits = cors_allows_all_origins(cors);
    for (size_t i = 0; i < cors->origins.count && !fits; i++)
        fits = cors_pattern_fits(cors->origins.at[i], origin);
    return fits;
}

static bool cors_allows_method(const struct gate_cors *cors, struct bytes method)
{
    struct gate_texts plain = { plain_methods, 3 };
    return cors_is(method, "OPTIONS") ||
           cors_lists(cors->methods.count > 0 ? cors->methods : plain, method);
}

/* Each of "a, b". */
static bool cors_allows_headers(const struct gate_cors *cors, struct bytes names)
{
    struct gate_texts plain = { plain_headers, 3 };
    if (names.len == 0)
        return true;
    const char *at = names.data, *end = at + names.len;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma != NULL ? comma : end, *last = stop;
        while (at < last && *at == ' ')
            at += 1;
        while (at < last && last[-1] == ' ')
            last -= 1;
        struct bytes name = { at, (size_t)(last - at) };
        if (name.len > 0 && !cors_lists(cors->headers.count > 0 ? cors->headers : plain, name))
            return false;
        at = stop + 1;
    }
    return true;
}

bool cors_allows(const struct gate_cors *cors, const struct http_request *r)
{
    struct bytes method = { r->method, strlen(r->method) };
    return cors_allows_origin(cors, http_request_field(r, "Origin")) &&
           cors_allows_method(cors, method);
}

bool cors_is_preflight(const struct http_request *r)
{
    return strcmp(r->method, "OPTIONS") == 0 &&
           http_request_field(r, "Access-Control-Request-Method").len > 0;
}

static void cors_put(struct buf *out, const char *name, struct bytes value)
{
    http_put_field(out, (struct bytes){ name, strlen(name) }, value);
}

static void cors_put_origin(const struct gate_cors *cors, struct bytes origin, struct buf *out)
{
    cors_put(out, "Access-Control-Allow-Origin",
             cors_allows_all_origins(cors) ? (struct bytes){ "*", 1 } : origin);
}

static void cors_put_preflight(const struct gate_cors *cors, const struct http_request *r,
                               struct bytes origin, struct buf *out)
{
    struct bytes method = http_request_field(r, "Access-Control-Request-Method");
    struct bytes headers = http_request_field(r, "Access-Control-Request-Headers");
    http_put_field_text(out, "Vary",
                        "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
    if (!cors_allows_origin(cors, origin) || !cors_allows_method(cors, method) ||
        !cors_allows_headers(cors, headers))
        return;
    cors_put_origin(cors, origin, out);
    cors_put(out, "Access-Control-Allow-Methods", method);
    if (headers.len > 0)
        cors_put(out, "Access-Control-Allow-Headers", headers);
    if (cors->allows_credentials)
        http_put_field_text(out, "Access-Control-Allow-Credentials", "true");
    if (cors->max_age_us > 0)
        buf_printf(out, "Access-Control-Max-Age: %llu\r\n",
                   (unsigned long long)(cors->max_age_us / (1000 * 1000)));
}

void cors_put_fields(const struct gate_cors *cors, const struct http_request *r, struct buf *out)
{
    struct bytes origin = http_request_field(r, "Origin");
    if (cors_is_preflight(r)) {
        cors_put_preflight(cors, r, origin, out);
        return;
    }
    http_put_field_text(out, "Vary", "Origin");
    if (!cors_allows(cors, r))
        return;
    cors_put_origin(cors, origin, out);
    if (cors->exposed.count > 0) {
        buf_append_text(out, "Access-Control-Expose-Headers: ");
        for (size_t i = 0; i < cors->exposed.count; i++)
            buf_printf(out, "%s%s", i > 0 ? ", " : "", cors->exposed.at[i]);
        buf_append_text(out, "\r\n");
    }
    if (cors->allows_credentials)
        http_put_field_text(out, "Access-Control-Allow-Credentials", "true");
}
