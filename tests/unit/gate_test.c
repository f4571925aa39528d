/* What stands before the routes: users, tokens, web pages, fields of every answer. */
#include <criterion/criterion.h>

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "http/gate/gate.h"
#include "http/gate/jwt.h"
#include "http/wire/conn.h"
#include "http/wire/json_reply.h"
#include "util/base.h"
#include "util/err.h"

TestSuite(gate, .timeout = 20);

static const int64_t now_us = (int64_t)1700000000 * 1000 * 1000;

/* Signed by another implementation. */
#define CLAIMS_ANN "eyJpc3MiOiJhbm4ifQ"
static const char hs256[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." CLAIMS_ANN
                            ".kHi75qN5l_MjZsvuvXj8KwWtLsY0gqjXY3yLw_ejVso";
static const char hs384[] = "eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9." CLAIMS_ANN
                            ".xT7dVeKgpQhsmMUNo_TBW5jhzZx2B0S1EAnxOQx7mXdL4YWSzfG76vd_e2fLyc1-";
static const char hs384_long_key[] =
    "eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9." CLAIMS_ANN
    ".l06R31zzhGWqiUGInFjRBYHvr24d7DaKDJYSS_Bm9epSgA7usSXgTsnTrflKI-zP";
/* exp 2000000000, nbf 1000000000.5 */
static const char hs512[] =
    "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9."
    "eyJpc3MiOiJhbm4iLCJleHAiOjIwMDAwMDAwMDAsIm5iZiI6MTAwMDAwMDAwMC41fQ."
    "dYY8_KL7evvd6pDZgGq79M1URKgwA10ByWFF7pbq7OySGHrgJxocWCFhDNubwwEMmz3bvkECifZ48gb09sTgWA";
static const char signed_with_nothing[] = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." CLAIMS_ANN ".";
static const char rs256_by_password[] = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9." CLAIMS_ANN
                                        ".IOiUlKNNZdlCjLcumkoLD8irpwaKsmsm2GbqboNft2s";

static struct bytes text(const char *t)
{
    return (struct bytes){ t, strlen(t) };
}

static bool token_holds(const char *token, const char *key, int64_t now_s)
{
    struct jwt jwt;
    return jwt_parse(&jwt, text(token)) == OK && strcmp(jwt.issuer, "ann") == 0 &&
           jwt_is_valid(&jwt, text(key), now_s);
}

Test(gate, tokens_of_others)
{
    char long_key[201];
    memset(long_key, 'k', 200);
    long_key[200] = '\0';
    cr_assert(token_holds(hs256, "pass1", 0));
    cr_assert(token_holds(hs384, "pass1", 0));
    cr_assert(token_holds(hs384_long_key, long_key, 0));
    cr_assert(token_holds(hs512, "pass1", 1999999999));
    cr_assert_not(token_holds(hs512, "pass1", 2000000000), "expired");
    cr_assert_not(token_holds(hs512, "pass1", 999999999), "too early");
    cr_assert_not(token_holds(hs256, "pass2", 0), "another key");
    cr_assert_not(token_holds(hs256, "", 0));
    cr_assert_not(token_holds(signed_with_nothing, "", 0));
    cr_assert_not(token_holds(signed_with_nothing, "pass1", 0));
    cr_assert_not(token_holds(rs256_by_password, "pass1", 0));
}

static void sign(struct buf *out, const char *header, const char *claims, const char *key)
{
    char encoded[1024];
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state s;
    cr_assert_eq(base_encode(BASE64_URL, encoded, sizeof encoded, text(header)), OK);
    buf_printf(out, "%s.", encoded);
    cr_assert_eq(base_encode(BASE64_URL, encoded, sizeof encoded, text(claims)), OK);
    buf_append_text(out, encoded);
    crypto_auth_hmacsha256_init(&s, (const uint8_t *)key, strlen(key));
    crypto_auth_hmacsha256_update(&s, out->data, out->len);
    crypto_auth_hmacsha256_final(&s, mac);
    cr_assert_eq(
        base_encode(BASE64_URL, encoded, sizeof encoded, (struct bytes){ mac, sizeof mac }), OK);
    buf_printf(out, ".%s", encoded);
}

/* All of these are signed well. */
Test(gate, tokens_that_say_something_odd)
{
    static const struct {
        const char *header, *claims;
        bool holds; /* at 1700000000 */
    } cases[] = {
        { "{\"alg\":\"HS256\"}", "{\"iss\":\"ann\"}", true },
        { "{\"alg\":\"HS256\"}", "{\"iss\":\"ann\",\"exp\":null,\"x\":[]}", true },
        { "{\"alg\":\"HS256\"}", "{\"iss\":\"ann\",\"exp\":1700000001}", true },
        { "{\"alg\":\"HS256\"}", "{\"iss\":\"ann\",\"exp\":1700000000}", false },
        { "{\"alg\":\"HS256\"}", "{\"iss\":\"ann\",\"iat\":1700000000}", true },
        { "{\"alg\":\"HS256\"}", "{\"iss\":\"ann\",\"iat\":1700000001}", false },
        { "{\"alg\":\"HS256\"}", "{\"iss\":\"ann\",\"nbf\":1700000001}", false },
        { "{\"alg\":\"HS256\"}", "{\"iss\":\"ann\",\"exp\":\"1800000000\"}", false },
        { "{\"alg\":\"HS256\"}", "{\"iss\":\"ann\",\"exp\":1e30}", false },
        { "{\"alg\":\"HS256\"}", "{\"iss\":\"ann\",\"exp\":99999999999999999999}", false },
        { "{\"alg\":\"HS256\"}", "{\"iss\":\"bob\"}", false },
        { "{\"alg\":\"HS256\"}", "{\"iss\":7}", false },
        { "{\"alg\":\"HS256\"}", "{}", false },
        { "{\"alg\":\"HS256\"}", "[]", false },
        { "{\"alg\":\"HS256\"}", "{\"iss\":\"ann\\u0000\"}", false },
        { "{\"alg\":\"hs256\"}", "{\"iss\":\"ann\"}", false },
        { "{\"alg\":[\"HS256\"]}", "{\"iss\":\"ann\"}", false },
        { "{}", "{\"iss\":\"ann\"}", false },
        { "", "{\"iss\":\"ann\"}", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf token = { 0 };
        sign(&token, cases[i].header, cases[i].claims, "pass1");
        cr_assert_eq(token_holds(buf_text(&token), "pass1", 1700000000), cases[i].holds,
                     "case %zu: %s", i, cases[i].claims);
        buf_deinit(&token);
    }
}

/* No bit of a token may be changed. */
Test(gate, a_changed_token_is_no_token)
{
    char token[sizeof hs256];
    for (size_t i = 0; i + 2 < sizeof hs256; i++) { /* the last digit has spare bits */
        memcpy(token, hs256, sizeof token);
        token[i] = token[i] == 'A' ? 'B' : 'A';
        cr_assert_not(token_holds(token, "pass1", 0), "at %zu", i);
        token[i] = '\0';
        cr_assert_not(token_holds(token, "pass1", 0), "cut at %zu", i);
    }
}

/* ---- the door ---- */

static const struct gate_pair users[] = { { "ann", "pass1" }, { "bob", "b:2" } };
static const struct gate_pair headers[] = { { "X-Where", "here" }, { "Content-Type", "x/y" } };

struct door {
    struct gate_options gate;
    struct http_conn *conn;
    struct buf token;
};

static void on_request(void *owner, struct http_exchange *x)
{
    struct door *d = owner;
    if (!gate_admits(&d->gate, x, now_us))
        return;
    if (strcmp(x->request.path, "/token") == 0) {
        buf_clear(&d->token);
        int err = gate_issue_token(&d->gate, &x->request, now_us, &d->token);
        cr_assert_eq(err == OK, d->gate.users_count > 0);
    }
    http_reply_empty(x, 204, NULL, 0);
}

static void put_fields(void *owner, const struct http_exchange *x, int status, struct buf *out)
{
    gate_put_fields(&((struct door *)owner)->gate, x, status, out);
}

static void on_progress(void *owner)
{
    (void)owner;
}

/* One request on a connection of its own. */
static const char *ask(struct door *d, struct buf *out, const char *request)
{
    struct http_conn_options options = { .head_bytes_max = 8192,
                                         .output_high_bytes = 65536,
                                         .put_fields = put_fields };
    struct http_conn_hooks hooks = { on_request, d, on_progress, NULL };
    struct buf whole = { 0 };
    buf_printf(&whole, "%s\r\nHost: a\r\n\r\n", request);
    cr_assert_eq(http_conn_create(&d->conn, &options, &hooks), OK);
    http_conn_on_bytes(d->conn, whole.data, whole.len);
    struct bytes output = http_conn_output(d->conn);
    buf_clear(out);
    buf_append(out, output.data, output.len);
    http_conn_destroy(d->conn);
    buf_deinit(&whole);
    return buf_text(out);
}

static bool has(const char *answer, const char *field)
{
    return strstr(answer, field) != NULL;
}

static int status(const char *answer)
{
    int code = 0;
    sscanf(answer, "HTTP/1.1 %d", &code);
    return code;
}

Test(gate, users)
{
    static const struct {
        const char *request;
        int status;
        const char *says;
    } cases[] = {
        { "GET /id HTTP/1.1", 401, "unauthorized: no auth provided" },
        { "GET /health HTTP/1.1", 204, NULL },
        { "POST /health HTTP/1.1", 401, NULL },
        { "OPTIONS /id HTTP/1.1", 204, NULL },
        /* ann:pass1, bob:b:2 */
        { "GET /id HTTP/1.1\r\nAuthorization: Basic YW5uOnBhc3Mx", 204, NULL },
        { "GET /id HTTP/1.1\r\nauthorization: basic YW5uOnBhc3Mx", 204, NULL },
        { "GET /id HTTP/1.1\r\nAuthorization: Basic Ym9iOmI6Mg==", 204, NULL },
        /* ann:pass2, ann:, :pass1, ann, nothing, ann:pass1 and a NUL, no base64 */
        { "GET /id HTTP/1.1\r\nAuthorization: Basic YW5uOnBhc3My", 401, "access denied" },
        { "GET /id HTTP/1.1\r\nAuthorization: Basic YW5uOg==", 401, "access denied" },
        { "GET /id HTTP/1.1\r\nAuthorization: Basic OnBhc3Mx", 401, "access denied" },
        { "GET /id HTTP/1.1\r\nAuthorization: Basic YW5u", 401, "access denied" },
        { "GET /id HTTP/1.1\r\nAuthorization: Basic", 401, "no auth provided" },
        { "GET /id HTTP/1.1\r\nAuthorization: Basic YW5uOnBhc3MxAA==", 401, "access denied" },
        { "GET /id HTTP/1.1\r\nAuthorization: Basic !!!!", 401, "access denied" },
        { "GET /id HTTP/1.1\r\nAuthorization: Digest YW5uOnBhc3Mx", 401, "no auth provided" },
        { "GET /id HTTP/1.1\r\nAuthorization: YW5uOnBhc3Mx", 401, "no auth provided" },
        { "GET /id HTTP/1.1\r\nAuthorization: Bearer x", 401, "invalid token" },
        { "GET /id HTTP/1.1\r\nAuthorization: Bearer ..", 401, "invalid token" },
    };
    struct door d = { .gate = { .users = users, .users_count = 2 } };
    struct buf out = { 0 };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *answer = ask(&d, &out, cases[i].request);
        cr_assert_eq(status(answer), cases[i].status, "%s: %s", cases[i].request, answer);
        cr_assert(cases[i].says == NULL || has(answer, cases[i].says), "%s: %s", cases[i].request,
                  answer);
    }
    const char *answer = ask(&d, &out, "GET /id HTTP/1.1");
    cr_assert(has(answer, "WWW-Authenticate: Bearer realm=\"Restricted IPFS Cluster API\"\r\n"
                          "WWW-Authenticate: Basic realm=\"Restricted IPFS Cluster API\"\r\n"));
    answer = ask(&d, &out, "GET /id HTTP/1.1\r\nAuthorization: Bearer x");
    cr_assert(has(answer, "error=\"invalid_token\"\r\n"));
    buf_deinit(&out);
}

Test(gate, a_token_opens_the_door_and_another_users_does_not)
{
    struct door d = { .gate = { .users = users, .users_count = 2 } };
    struct buf out = { 0 }, request = { 0 };
    ask(&d, &out, "POST /token HTTP/1.1\r\nAuthorization: Basic YW5uOnBhc3Mx");
    cr_assert_str_eq(buf_text(&d.token), hs256);
    buf_printf(&request, "GET /id HTTP/1.1\r\nAuthorization: bearer %s", buf_text(&d.token));
    cr_assert_eq(status(ask(&d, &out, buf_text(&request))), 204);
    /* A token is good for a token. */
    buf_clear(&request);
    buf_printf(&request, "POST /token HTTP/1.1\r\nAuthorization: Bearer %s", hs256);
    cr_assert_eq(status(ask(&d, &out, buf_text(&request))), 204);
    cr_assert_str_eq(buf_text(&d.token), hs256);
    /* The password has changed. */
    static const struct gate_pair changed[] = { { "ann", "pass2" } };
    d.gate = (struct gate_options){ .users = changed, .users_count = 1 };
    cr_assert_eq(status(ask(&d, &out, buf_text(&request))), 401);
    /* Nobody is known: everybody may come in, and no token is given. */
    d.gate = (struct gate_options){ .users = NULL };
    cr_assert_eq(status(ask(&d, &out, buf_text(&request))), 204);
    cr_assert_eq(d.token.len, 0);
    buf_deinit(&request);
    buf_deinit(&d.token);
    buf_deinit(&out);
}

Test(gate, fields_of_every_answer)
{
    struct door d = { .gate = { .users = users,
                                .users_count = 2,
                                .headers = headers,
                                .headers_count = 2,
                                .has_cors = true } };
    struct buf out = { 0 };
    const char *answer = ask(&d, &out, "GET /id HTTP/1.1\r\nOrigin: http://a");
    cr_assert(status(answer) == 401 && has(answer, "X-Where: here\r\n"));
    cr_assert_not(has(answer, "Access-Control") || has(answer, "Vary"));
    answer = ask(&d, &out, "GET /health HTTP/1.1");
    cr_assert(has(answer, "X-Where: here\r\n") && !has(answer, "x/y"));
    answer = ask(&d, &out, "OPTIONS /id HTTP/1.1\r\nAccess-Control-Request-Method: GET");
    cr_assert(status(answer) == 204 && !has(answer, "X-Where"), "%s", answer);
    buf_deinit(&out);
}

static const char *const any[] = { "*" };
static const char *const some[] = { "https://a.example", "https://*.b.example" };
static const char *const get[] = { "GET" };
static const char *const exposed[] = { "X-One", "X-Two" };
static const char *const custom[] = { "X-Custom" };

Test(gate, a_page_reads)
{
    struct door d = { .gate = { .has_cors = true,
                                .cors = { .origins = { any, 1 },
                                          .methods = { get, 1 },
                                          .exposed = { exposed, 2 },
                                          .allows_credentials = true } } };
    struct buf out = { 0 };
    const char *answer = ask(&d, &out, "GET /id HTTP/1.1");
    cr_assert(has(answer, "Vary: Origin\r\n") && !has(answer, "Access-Control"));
    answer = ask(&d, &out, "GET /id HTTP/1.1\r\nOrigin: http://page");
    cr_assert(has(answer, "Access-Control-Allow-Origin: *\r\n"
                          "Access-Control-Expose-Headers: X-One, X-Two\r\n"
                          "Access-Control-Allow-Credentials: true\r\n"),
              "%s", answer);
    answer = ask(&d, &out, "POST /id HTTP/1.1\r\nOrigin: http://page");
    cr_assert(has(answer, "Vary: Origin\r\n") && !has(answer, "Access-Control"));
    d.gate.cors = (struct gate_cors){ .origins = { some, 2 } };
    answer = ask(&d, &out, "POST /id HTTP/1.1\r\nOrigin: https://A.example");
    cr_assert(has(answer, "Access-Control-Allow-Origin: https://A.example\r\n"), "%s", answer);
    cr_assert_not(has(answer, "Credentials") || has(answer, "Expose"));
    answer = ask(&d, &out, "GET /id HTTP/1.1\r\nOrigin: https://x.b.example");
    cr_assert(has(answer, "Allow-Origin: https://x.b.example\r\n"));
    cr_assert_not(has(ask(&d, &out, "GET /id HTTP/1.1\r\nOrigin: https://b.example"), "Allow-"));
    cr_assert_not(has(ask(&d, &out, "GET /id HTTP/1.1\r\nOrigin: https://a.example.x"), "Allow-"));
    buf_deinit(&out);
}

/* A form on some page posts to this peer without asking. */
Test(gate, a_page_of_another_site_changes_nothing)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        { "POST /pins/x HTTP/1.1\r\nOrigin: http://page\r\nSec-Fetch-Site: cross-site", 403 },
        { "POST /pins/x HTTP/1.1\r\nOrigin: http://page\r\nSec-Fetch-Site: same-site", 403 },
        { "DELETE /pins/x HTTP/1.1\r\nSec-Fetch-Site: cross-site", 403 },
        { "POST /pins/x HTTP/1.1\r\nOrigin: http://page\r\nSec-Fetch-Site: same-origin", 204 },
        { "POST /pins/x HTTP/1.1\r\nOrigin: http://page", 204 },
        { "POST /pins/x HTTP/1.1", 204 },
        { "GET /pins/x HTTP/1.1\r\nOrigin: http://page\r\nSec-Fetch-Site: cross-site", 204 },
    };
    struct door d = { .gate = { .has_cors = true,
                                .cors = { .origins = { any, 1 }, .methods = { get, 1 } } } };
    struct buf out = { 0 };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_assert_eq(status(ask(&d, &out, cases[i].request)), cases[i].status, "%s",
                     cases[i].request);
    d.gate.cors.methods = (struct gate_texts){ NULL, 0 };
    cr_assert_eq(status(ask(&d, &out, cases[0].request)), 204, "POST is allowed now");
    buf_deinit(&out);
}

Test(gate, a_page_asks_first)
{
#define ASK "OPTIONS /id HTTP/1.1\r\nOrigin: http://page\r\nAccess-Control-Request-Method: "
    struct door d = { .gate = { .has_cors = true,
                                .cors = { .origins = { any, 1 },
                                          .methods = { get, 1 },
                                          .headers = { custom, 1 },
                                          .allows_credentials = true,
                                          .max_age_us = 600u * 1000 * 1000 } } };
    struct buf out = { 0 };
    const char *answer = ask(&d, &out, ASK "GET");
    cr_assert_eq(status(answer), 204);
    cr_assert(has(answer, "Vary: Origin, Access-Control-Request-Method, "
                          "Access-Control-Request-Headers\r\n"
                          "Access-Control-Allow-Origin: *\r\n"
                          "Access-Control-Allow-Methods: GET\r\n"
                          "Access-Control-Allow-Credentials: true\r\n"
                          "Access-Control-Max-Age: 600\r\n"),
              "%s", answer);
    answer = ask(&d, &out, ASK "GET\r\nAccess-Control-Request-Headers: x-custom");
    cr_assert(has(answer, "Access-Control-Allow-Headers: x-custom\r\n"), "%s", answer);
    answer = ask(&d, &out, ASK "GET\r\nAccess-Control-Request-Headers: x-custom,x-other");
    cr_assert(status(answer) == 204 && !has(answer, "Allow-"), "%s", answer);
    cr_assert_not(has(ask(&d, &out, ASK "DELETE"), "Allow-"));
    /* Empty lists: plain methods, plain headers. */
    d.gate.cors = (struct gate_cors){ .max_age_us = 0 };
    answer = ask(&d, &out, ASK "POST\r\nAccess-Control-Request-Headers: accept, content-type");
    cr_assert(has(answer, "Allow-Methods: POST\r\n") && !has(answer, "Credentials"), "%s", answer);
    cr_assert_not(has(ask(&d, &out, ASK "DELETE"), "Allow-"));
    cr_assert_not(has(ask(&d, &out, ASK "GET\r\nAccess-Control-Request-Headers: x-a"), "Allow-"));
    buf_deinit(&out);
}
