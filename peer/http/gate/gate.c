#include "http/gate/gate.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "http/gate/jwt.h"
#include "http/wire/json_reply.h"
#include "http/wire/reply.h"
#include "util/base.h"
#include "util/err.h"
#include "util/mem.h"

enum { CREDENTIALS_MAX = 4096 };

#define REALM "Restricted IPFS Cluster API"

enum gate_verdict { GATE_ADMITTED, GATE_NOBODY, GATE_BAD_PASSWORD, GATE_BAD_TOKEN };

/* ---- who is it ---- */

/* The scheme's argument, when `value` begins with that scheme; {NULL, 0} otherwise. */
static struct bytes gate_argument(struct bytes value, const char *scheme)
{
    size_t len = strlen(scheme);
    const char *at = value.data;
    if (value.len <= len || strncasecmp(at, scheme, len) != 0 || at[len] != ' ')
        return (struct bytes){ NULL, 0 };
    return (struct bytes){ at + len + 1, value.len - len - 1 };
}

static void gate_hash(uint8_t out[crypto_hash_sha256_BYTES], const struct gate_pair *user)
{
    crypto_hash_sha256_state s;
    crypto_hash_sha256_init(&s);
    crypto_hash_sha256_update(&s, (const uint8_t *)user->name, strlen(user->name));
    crypto_hash_sha256_update(&s, (const uint8_t *)":", 1);
    crypto_hash_sha256_update(&s, (const uint8_t *)user->value, strlen(user->value));
    crypto_hash_sha256_final(&s, out);
    mem_wipe(&s, sizeof(s));
}

/* All users are compared, and all of "user:password", whatever is found first. */
static const struct gate_pair *gate_user_of(const struct gate_options *gate, struct bytes pair)
{
    uint8_t given[crypto_hash_sha256_BYTES], known[crypto_hash_sha256_BYTES];
    const struct gate_pair *found = NULL;
    crypto_hash_sha256(given, pair.data, pair.len);
    for (size_t i = 0; i < gate->users_count; i++) {
        gate_hash(known, &gate->users[i]);
        if (sodium_memcmp(given, known, sizeof(known)) == 0)
            found = &gate->users[i];
    }
    mem_wipe(known, sizeof(known));
    return found;
}

static const struct gate_pair *gate_check_basic(const struct gate_options *gate,
                                                struct bytes argument)
{
    uint8_t pair[CREDENTIALS_MAX];
    size_t len;
    const struct gate_pair *user = NULL;
    if (base_decode(BASE64_PAD, pair, sizeof(pair), &len, argument) == OK)
        user = gate_user_of(gate, (struct bytes){ pair, len });
    mem_wipe(pair, sizeof(pair));
    return user;
}

static const struct gate_pair *gate_check_token(const struct gate_options *gate, struct bytes token,
                                                int64_t now_us)
{
    struct jwt jwt;
    if (jwt_parse(&jwt, token) != OK)
        return NULL;
    for (size_t i = 0; i < gate->users_count; i++) {
        const struct gate_pair *user = &gate->users[i];
        struct bytes key = { user->value, strlen(user->value) };
        if (strcmp(user->name, jwt.issuer) == 0)
            return jwt_is_valid(&jwt, key, now_us / (1000 * 1000)) ? user : NULL;
    }
    return NULL;
}

static enum gate_verdict gate_judge(const struct gate_options *gate, const struct http_request *r,
                                    int64_t now_us, const struct gate_pair **user)
{
    struct bytes value = http_request_field(r, "Authorization");
    struct bytes basic = gate_argument(value, "Basic");
    struct bytes token = gate_argument(value, "Bearer");
    *user = NULL;
    if (basic.data != NULL) {
        *user = gate_check_basic(gate, basic);
        return *user != NULL ? GATE_ADMITTED : GATE_BAD_PASSWORD;
    }
    if (token.data != NULL) {
        *user = gate_check_token(gate, token, now_us);
        return *user != NULL ? GATE_ADMITTED : GATE_BAD_TOKEN;
    }
    return GATE_NOBODY;
}

/* ---- at the door ---- */

static void gate_refuse(struct http_exchange *x, enum gate_verdict verdict)
{
    static const struct http_field basic =
        HTTP_FIELD("WWW-Authenticate", "Basic realm=\"" REALM "\"");
    static const struct http_field bearer =
        HTTP_FIELD("WWW-Authenticate", "Bearer realm=\"" REALM "\"");
    static const struct http_field bad_token =
        HTTP_FIELD("WWW-Authenticate", "Bearer realm=\"" REALM "\", error=\"invalid_token\"");
    const struct http_field both[2] = { bearer, basic };
    if (verdict == GATE_BAD_PASSWORD)
        http_reply_error(x, 401, "unauthorized: access denied", &basic, 1);
    else if (verdict == GATE_BAD_TOKEN)
        http_reply_error(x, 401, "unauthorized: invalid token", &bad_token, 1);
    else
        http_reply_error(x, 401, "unauthorized: no auth provided", both, 2);
}

static bool gate_needs_no_user(const struct http_request *r)
{
    return strcmp(r->method, "OPTIONS") == 0 ||
           (strcmp(r->method, "GET") == 0 && strcmp(r->path, "/health") == 0);
}

/* Sent by a page that has no business here? A page's plain POST needs no preflight, and the browser adds what it knows of
 * the user; that the page cannot read the answer does not undo what was done. */
static bool gate_is_forged(const struct gate_options *gate, const struct http_request *r)
{
    struct bytes site = http_request_field(r, "Sec-Fetch-Site");
    bool is_foreign = bytes_equal(site, (struct bytes){ "cross-site", 10 }) ||
                      bytes_equal(site, (struct bytes){ "same-site", 9 });
    bool changes = strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0 &&
                   strcmp(r->method, "OPTIONS") != 0;
    return gate->has_cors && is_foreign && changes && !cors_allows(&gate->cors, r);
}

bool gate_admits(const struct gate_options *gate, struct http_exchange *x, int64_t now_us)
{
    if (gate->users_count > 0 && !gate_needs_no_user(&x->request)) {
        const struct gate_pair *user;
        enum gate_verdict verdict = gate_judge(gate, &x->request, now_us, &user);
        if (verdict != GATE_ADMITTED) {
            gate_refuse(x, verdict);
            return false;
        }
        x->user = user->name;
    }
    if (gate->has_cors && cors_is_preflight(&x->request)) {
        http_reply_begin(x, 204, NULL, 0, 0);
        http_reply_end(x, NULL, 0);
        return false;
    }
    if (gate_is_forged(gate, &x->request)) {
        http_reply_error(x, 403,
                         "a web page of another site may not do that: see "
                         "api.restapi.cors_allowed_origins and cors_allowed_methods",
                         NULL, 0);
        return false;
    }
    return true;
}

void gate_put_fields(const struct gate_options *gate, const struct http_exchange *x, int status,
                     struct buf *out)
{
    bool is_preflight = gate->has_cors && cors_is_preflight(&x->request);
    for (size_t i = 0; i < gate->headers_count && !is_preflight; i++) {
        const struct gate_pair *field = &gate->headers[i];
        if (strcasecmp(field->name, "Content-Type") != 0) /* says what the handler sends */
            http_put_field_text(out, field->name, field->value);
    }
    if (gate->has_cors && status != 401) /* a page that nobody let in learns nothing */
        cors_put_fields(&gate->cors, &x->request, out);
}

int gate_issue_token(const struct gate_options *gate, const struct http_request *r, int64_t now_us,
                     struct buf *out)
{
    const struct gate_pair *user;
    if (gate->users_count == 0 || gate_judge(gate, r, now_us, &user) != GATE_ADMITTED)
        return ERR_AUTH;
    jwt_issue(out, user->name, (struct bytes){ user->value, strlen(user->value) });
    return out->err;
}
