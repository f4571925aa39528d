/* gate.h -- what stands before the routes of a door: who may come in, from which web pages, and the fields that
 * every answer has.
 *
 * Shape    gate_admits() looks at each request first. It answers what ends here (401, and a browser's preflight);
 *          otherwise the routes have it. gate_put_fields() adds its fields to the head of each answer, whoever
 *          makes it: it is the on_head hook of the connection.
 * Users    None: everybody may come in. Else a request has `Authorization: Basic`, or `Bearer` with a token that
 *          is signed with the password of the user that it names (jwt.h). GET /health and OPTIONS need neither.
 * Pages    Of a request that changes something, and that a browser says comes from a page of another site
 *          (Sec-Fetch-Site), the page's origin and the method must be allowed by the CORS options: else 403. A page
 *          cannot leave that field out, and everybody else does not send it.
 *          Whoever was let in stands in the exchange, as x->user.
 * Owner    Options are borrowed, and constant as long as the door is open.
 * Safety   Passwords are compared in constant time, by their hashes; nothing here logs or repeats one.
 * Source   SPEC 1.6 and 1.7, which is ipfs-cluster with rs/cors. */
#ifndef HTTP_GATE_GATE_H
#define HTTP_GATE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/wire/exchange.h"
#include "util/buf.h"

struct gate_pair {
    const char *name;
    const char *value;
};

struct gate_texts {
    const char *const *at;
    size_t count;
};

/* Empty lists mean what they mean in ipfs-cluster: origins all, methods GET, POST and HEAD, headers the three that
 * plain forms have. */
struct gate_cors {
    struct gate_texts origins; /* "*", or one with at most one * in it */
    struct gate_texts methods;
    struct gate_texts headers; /* "*": any */
    struct gate_texts exposed;
    bool allows_credentials;
    uint64_t max_age_us; /* 0: not said */
};

struct gate_options {
    const struct gate_pair *users; /* name, password */
    size_t users_count;
    const struct gate_pair *headers;
    size_t headers_count;
    bool has_cors;
    struct gate_cors cors;
};

/* False: it is answered. `now_us` is wall time. */
bool gate_admits(const struct gate_options *gate, struct http_exchange *x, int64_t now_us);
void gate_put_fields(const struct gate_options *gate, const struct http_exchange *x, int status,
                     struct buf *out);
/* Appends a token for whoever sent the request. ERR_AUTH: nobody, as there are no users. */
int gate_issue_token(const struct gate_options *gate, const struct http_request *r, int64_t now_us,
                     struct buf *out);

/* ---- cors.c ---- */
bool cors_is_preflight(const struct http_request *r);
/* May a page of the request's Origin do this? */
bool cors_allows(const struct gate_cors *cors, const struct http_request *r);
void cors_put_fields(const struct gate_cors *cors, const struct http_request *r, struct buf *out);

#endif
