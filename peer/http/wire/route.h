/* route.h -- which handler answers a request: a table of methods and patterns, tried from the top.
 *
 * Shape    "/pins/{cid}/recover": literal segments, {name} for one segment that is not empty,
 *          {name=a|b} for one that is a or b, and as the last one {name...} for all that is left.
 *          Put the literal before the parameter: "/pins/recover" above "/pins/{cid}".
 * Owner    Tables are constant. Parameters are percent-decoded (and hold no NUL) and live until the
 *          handler returns.
 * Errors   http_route_find: ERR_NOT_FOUND (404), ERR_UNSUPPORTED when only other methods exist for
 *          the path (405), ERR_INVALID for a broken escape in a parameter (400), ERR_NOMEM.
 * Source   SPEC.md 1.1: 404 with a document, 405 without, 307 for a trailing '/', 301 for a path
 *          with "//", "/./" or "/../". We add the Allow field that RFC 9110 asks for. */
#ifndef HTTP_WIRE_ROUTE_H
#define HTTP_WIRE_ROUTE_H

#include <stddef.h>

#include "http/wire/exchange.h"
#include "util/buf.h"

enum { HTTP_ROUTE_PARAMS_MAX = 4 };

struct http_params {
    size_t count;
    struct bytes names[HTTP_ROUTE_PARAMS_MAX]; /* inside the pattern */
    size_t starts[HTTP_ROUTE_PARAMS_MAX];      /* of the values in `text` */
    struct buf text;                           /* the values, each with a NUL behind it */
};

struct http_route {
    const char *method;
    const char *pattern;
    void (*handle)(void *owner, struct http_exchange *x, const struct http_params *params);
};

/* The parameter of that name, which must stand in the pattern. */
const char *http_param(const struct http_params *params, const char *name);
void http_params_deinit(struct http_params *params);

/* `out` starts as {0} and is the caller's to deinit in any case. */
int http_route_find(const struct http_route *table, size_t count, const struct http_request *r,
                    const struct http_route **out_route, struct http_params *out);
/* Calls the handler, or answers what SPEC.md 1.1 says; `fields` go into each answer made here. */
void http_route_dispatch(const struct http_route *table, size_t count, void *owner,
                         struct http_exchange *x, const struct http_field *fields,
                         size_t fields_count);
/* The path as it should have been asked for, if that differs: appends it and answers 301 or 307;
 * else 0. */
int http_path_redirect(const char *path, struct buf *out);

#endif
