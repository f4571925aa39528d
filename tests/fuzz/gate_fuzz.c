/* covers: peer/http/gate/jwt.c peer/http/gate/gate.c peer/http/gate/cors.c */
/* Who may come in. The input is what a client says of itself: the first byte chooses the field, the rest is its
 * value. Nothing may crash, and a token that is issued is taken. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "http/gate/gate.h"
#include "http/gate/jwt.h"
#include "http/wire/conn.h"
#include "http/wire/json_reply.h"
#include "util/assert.h"
#include "util/err.h"

static const struct gate_pair users[] = { { "ann", "pass1" }, { "bob", "b:2" } };
static const struct gate_pair headers[] = { { "X-Where", "here" }, { "Content-Type", "x/y" } };
static const char *const origins[] = { "https://*.example", "http://a" };
static const char *const exposed[] = { "X-One" };
static const struct gate_options gate = {
    .users = users,
    .users_count = 2,
    .headers = headers,
    .headers_count = 2,
    .has_cors = true,
    .cors = { .origins = { origins, 2 },
              .exposed = { exposed, 1 },
              .allows_credentials = true,
              .max_age_us = 1000 * 1000 },
};

static void fuzz_on_request(void *owner, struct http_exchange *x)
{
    struct buf token = { 0 };
    (void)owner;
    if (!gate_admits(&gate, x, 0))
        return;
    (void)gate_issue_token(&gate, &x->request, 0, &token);
    buf_deinit(&token);
    http_reply_empty(x, 204, NULL, 0);
}

static void fuzz_put_fields(void *owner, const struct http_exchange *x, int status, struct buf *out)
{
    (void)owner;
    gate_put_fields(&gate, x, status, out);
}

static void fuzz_on_progress(void *owner)
{
    (void)owner;
}

/* The whole request, as it stands on the wire. */
static void fuzz_ask(const char *method, const char *field, struct bytes value)
{
    struct http_conn_options options = { .head_bytes_max = 8192,
                                         .output_high_bytes = 65536,
                                         .put_fields = fuzz_put_fields };
    struct http_conn_hooks hooks = { fuzz_on_request, NULL, fuzz_on_progress, NULL };
    struct http_conn *conn;
    struct buf request = { 0 };
    buf_printf(&request, "%s / HTTP/1.1\r\nHost: a\r\n%s", method, field);
    buf_append(&request, value.data, value.len);
    buf_append_text(&request, "\r\n\r\n");
    ASSERT(http_conn_create(&conn, &options, &hooks) == OK);
    http_conn_on_bytes(conn, request.data, request.len);
    http_conn_destroy(conn);
    buf_deinit(&request);
}

static void fuzz_token(struct bytes text)
{
    struct jwt jwt;
    struct buf again = { 0 };
    if (jwt_parse(&jwt, text) != OK)
        return;
    (void)jwt_is_valid(&jwt, (struct bytes){ "pass1", 5 }, 0);
    jwt_issue(&again, jwt.issuer, (struct bytes){ "pass1", 5 });
    struct jwt own;
    if (jwt_parse(&own, buf_bytes(&again)) ==
        OK) { /* a long issuer makes a token that is too long */
        ASSERT(strcmp(own.issuer, jwt.issuer) == 0);
        ASSERT(jwt_is_valid(&own, (struct bytes){ "pass1", 5 }, 0));
    }
    buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const fields[] = { "Authorization: Basic ", "Authorization: Bearer ",
                                          "Authorization: ", "Origin: ",
                                          "Origin: http://a\r\nAccess-Control-Request-Method: " };
    if (size == 0)
        return 0;
    struct bytes value = { data + 1, size - 1 };
    size_t which = data[0] % (sizeof fields / sizeof fields[0]);
    fuzz_token(value);
    fuzz_ask(which < 3 ? "GET" : "OPTIONS", fields[which], value);
    return 0;
}
