#include "http/wire/route.h"

#include <string.h>

#include "http/wire/json_reply.h"
#include "http/wire/parse.h"
#include "util/assert.h"
#include "util/err.h"

/* ---- one pattern ---- */

static size_t http_segment_len(const char *at)
{
    return strcspn(at, "/");
}

static int http_params_add(struct http_params *params, struct bytes name, const char *text,
                           size_t len)
{
    ASSERT(params->count < HTTP_ROUTE_PARAMS_MAX);
    params->names[params->count] = name;
    params->starts[params->count] = params->text.len;
    params->count += 1;
    int err = http_percent_decode(&params->text, text, len, false);
    buf_put_u8(&params->text, 0);
    return err != OK ? err : params->text.err;
}

/* Does this parameter take all that is left? `*name` becomes what stands between the braces. */
static bool http_pattern_takes_rest(const char *segment, size_t len, struct bytes *name)
{
    ASSERT(len > 2 && segment[len - 1] == '}');
    bool takes_rest = len > 5 && memcmp(segment + len - 4, "...}", 4) == 0;
    *name = (struct bytes){ segment + 1, len - (takes_rest ? 5 : 2) };
    return takes_rest;
}

/* The choices of "{name=a|b}", which are taken off its name: "=a|b"; empty: any text will do. */
static struct bytes http_pattern_take_choices(struct bytes *name)
{
    const char *equals = memchr(name->data, '=', name->len);
    if (equals == NULL)
        return (struct bytes){ NULL, 0 };
    size_t len = name->len - (size_t)(equals - (const char *)name->data);
    name->len -= len;
    return (struct bytes){ equals, len };
}

static bool http_pattern_admits(struct bytes choices, const char *text)
{
    if (choices.len == 0)
        return true;
    const char *end = (const char *)choices.data + choices.len;
    for (const char *at = choices.data; at != end; at += 1 + strcspn(at + 1, "|}")) {
        size_t len = strcspn(at + 1, "|}");
        if (strlen(text) == len && memcmp(at + 1, text, len) == 0)
            return true;
    }
    return false;
}

/* Walks path and pattern side by side. ERR_NOT_FOUND: another path. */
static int http_pattern_match(const char *pattern, const char *path, struct http_params *params)
{
    while (*pattern == '/' && *path == '/') {
        pattern += 1;
        path += 1;
        size_t pattern_len = http_segment_len(pattern);
        size_t path_len = http_segment_len(path);
        if (*pattern == '{') {
            struct bytes name;
            if (http_pattern_takes_rest(pattern, pattern_len, &name))
                path_len = strlen(path);
            if (path_len == 0)
                return ERR_NOT_FOUND;
            struct bytes choices = http_pattern_take_choices(&name);
            size_t start = params->text.len;
            int err = http_params_add(params, name, path, path_len);
            if (err != OK)
                return err;
            if (!http_pattern_admits(choices, (const char *)params->text.data + start))
                return ERR_NOT_FOUND;
        } else if (path_len != pattern_len || memcmp(path, pattern, path_len) != 0) {
            return ERR_NOT_FOUND;
        }
        pattern += pattern_len;
        path += path_len;
    }
    return *pattern == 0 && *path == 0 ? OK : ERR_NOT_FOUND;
}

static void http_params_clear(struct http_params *params)
{
    params->count = 0;
    buf_clear(&params->text);
}

const char *http_param(const struct http_params *params, const char *name)
{
    struct bytes wanted = { name, strlen(name) };
    for (size_t i = 0; i < params->count; i++) {
        if (bytes_equal(params->names[i], wanted))
            return (const char *)params->text.data + params->starts[i];
    }
    ASSERT(!"the pattern has a parameter of this name");
    return NULL;
}

void http_params_deinit(struct http_params *params)
{
    buf_deinit(&params->text);
    *params = (struct http_params){ 0 };
}

/* ---- the table ---- */

int http_route_find(const struct http_route *table, size_t count, const struct http_request *r,
                    const struct http_route **out_route, struct http_params *out)
{
    bool path_exists = false;
    for (size_t i = 0; i < count; i++) {
        http_params_clear(out);
        int err = http_pattern_match(table[i].pattern, r->path, out);
        if (err == ERR_NOT_FOUND)
            continue;
        path_exists = true;
        if (strcmp(table[i].method, r->method) != 0)
            continue;
        if (err == OK)
            *out_route = &table[i];
        return err;
    }
    return path_exists ? ERR_UNSUPPORTED : ERR_NOT_FOUND;
}

/* The methods that the path has, for the Allow field. */
static void http_route_allowed(const struct http_route *table, size_t count,
                               const struct http_request *r, struct buf *out)
{
    struct http_params params = { 0 };
    for (size_t i = 0; i < count; i++) {
        http_params_clear(&params);
        if (http_pattern_match(table[i].pattern, r->path, &params) == ERR_NOT_FOUND)
            continue;
        struct bytes so_far = buf_bytes(out);
        if (so_far.len > 0 && http_list_has(so_far, table[i].method))
            continue;
        buf_printf(out, "%s%s", so_far.len > 0 ? ", " : "", table[i].method);
    }
    http_params_deinit(&params);
}

/* ---- answers made here ---- */

/* "." and "", and ".." with the segment before it, go. What is left starts at `start` in `out`. */
static void http_path_put_segment(struct buf *out, size_t start, const char *segment, size_t len)
{
    if (len == 0 || (len == 1 && segment[0] == '.'))
        return;
    if (len == 2 && memcmp(segment, "..", 2) == 0) {
        while (out->len > start && out->data[--out->len] != '/')
            ;
        return;
    }
    buf_put_u8(out, '/');
    buf_append(out, segment, len);
}

int http_path_redirect(const char *path, struct buf *out)
{
    if (path[0] != '/')
        return 0;
    size_t start = out->len;
    for (const char *at = path; *at != 0;) {
        size_t len = http_segment_len(at + 1);
        http_path_put_segment(out, start, at + 1, len);
        at += 1 + len;
    }
    if (out->len == start)
        buf_put_u8(out, '/');
    size_t len = strlen(path);
    size_t clean_len = out->len - start;
    if (out->err != OK || (clean_len == len && memcmp(out->data + start, path, len) == 0)) {
        out->len = start;
        return 0;
    }
    /* Only the trailing '/' is too much: "look there"; else the path was never a good one. */
    bool only_slash = clean_len + 1 == len && memcmp(out->data + start, path, clean_len) == 0;
    return only_slash ? 307 : 301;
}

/* Answers with one more field than the configured ones. */
static void http_route_answer(struct http_exchange *x, int status, struct http_field extra,
                              const struct http_field *fields, size_t count)
{
    struct http_field all[33] = { extra };
    ASSERT(count < sizeof all / sizeof all[0]);
    for (size_t i = 0; i < count; i++)
        all[1 + i] = fields[i];
    http_reply_begin(x, status, all, 1 + count, 0);
    http_reply_end(x, NULL, 0);
}

static bool http_route_redirect(struct http_exchange *x, const struct http_field *fields,
                                size_t count)
{
    struct buf location = { 0 };
    int status = http_path_redirect(x->request.path, &location);
    if (status != 0) {
        if (x->request.query[0] != 0)
            buf_printf(&location, "?%s", x->request.query);
        struct http_field field = { { "Location", 8 }, buf_bytes(&location) };
        http_route_answer(x, status, field, fields, count);
    }
    buf_deinit(&location);
    return status != 0;
}

static void http_route_refuse_method(const struct http_route *table, size_t count,
                                     struct http_exchange *x, const struct http_field *fields,
                                     size_t fields_count)
{
    struct buf methods = { 0 };
    http_route_allowed(table, count, &x->request, &methods);
    struct http_field field = { { "Allow", 5 }, buf_bytes(&methods) };
    http_route_answer(x, 405, field, fields, fields_count);
    buf_deinit(&methods);
}

/* "//", "/./", "/../" inside or at the end: then no route is meant, whatever a parameter would take. */
static bool http_path_is_untidy(const char *path)
{
    for (const char *at = path; *at == '/'; at += 1 + http_segment_len(at + 1)) {
        size_t len = http_segment_len(at + 1);
        bool is_last = at[1 + len] == 0;
        if ((len == 0 && !is_last) || (len == 1 && at[1] == '.') ||
            (len == 2 && at[1] == '.' && at[2] == '.'))
            return true;
    }
    return false;
}

void http_route_dispatch(const struct http_route *table, size_t count, void *owner,
                         struct http_exchange *x, const struct http_field *fields,
                         size_t fields_count)
{
    struct http_params params = { 0 };
    const struct http_route *route = NULL;
    if (http_path_is_untidy(x->request.path) && http_route_redirect(x, fields, fields_count))
        return;
    int err = http_route_find(table, count, &x->request, &route, &params);
    if (err == OK)
        route->handle(owner, x, &params);
    else if (err == ERR_UNSUPPORTED)
        http_route_refuse_method(table, count, x, fields, fields_count);
    else if (err == ERR_NOT_FOUND && http_route_redirect(x, fields, fields_count))
        ;
    else
        http_reply_err(x, err, err == ERR_NOT_FOUND ? "not found" : "malformed path", fields,
                       fields_count);
    http_params_deinit(&params);
}
