/* Idempotency-Key: what a client names its write by. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "http/api/api.h"
#include "tests/lib/http_talk.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(api_key, .timeout = 60);

struct world {
    struct http_talk talk;
    struct api *api;
    unsigned writes;
    bool has_key;
    uint8_t key[PIN_KEY_BYTES];
};

/* Refused at once: only what came is of interest. */
static int world_write(void *impl, struct api_call *call, struct buf *why)
{
    struct world *w = impl;
    (void)why;
    w->writes += 1;
    w->has_key = call->has_key;
    memcpy(w->key, call->key, PIN_KEY_BYTES);
    return ERR_NO_LEADER;
}

static int64_t world_wall_us(void *impl)
{
    (void)impl;
    return 0;
}

static const struct api_ops world_ops = { .wall_us = world_wall_us,
                                          .pin = world_write,
                                          .unpin = world_write };

static void world_request(void *owner, struct http_exchange *x)
{
    api_on_request(((struct world *)owner)->api, x);
}

static void begin(struct world *w)
{
    *w = (struct world){ .talk = { .on_request = world_request, .owner = w } };
    cr_assert_eq(api_create(&w->api, &world_ops, w), OK);
    http_talk_open(&w->talk, 65536);
}

static void end(struct world *w)
{
    http_talk_close(&w->talk);
    api_destroy(w->api);
}

static const char *ask(struct world *w, const char *method, uint32_t cid_number, const char *field)
{
    static char request[1024];
    struct cid cid = test_cid(cid_number);
    snprintf(request, sizeof(request), "%s /pins/%s HTTP/1.1\r\nHost: x\r\n%s\r\n", method,
             cid_print(&cid).text, field);
    return http_talk_ask(&w->talk, request);
}

Test(api_key, without_one_there_is_none)
{
    struct world w;
    begin(&w);
    ask(&w, "POST", 1, "");
    cr_assert(w.writes == 1 && !w.has_key);
    end(&w);
}

Test(api_key, the_same_request_has_the_same_key_and_another_has_not)
{
    struct world w;
    begin(&w);
    ask(&w, "POST", 1, "Idempotency-Key: a-7\r\n");
    cr_assert(w.has_key);
    uint8_t first[PIN_KEY_BYTES];
    memcpy(first, w.key, sizeof(first));
    ask(&w, "POST", 1, "idempotency-key: a-7\r\n");
    cr_assert_eq(memcmp(first, w.key, sizeof(first)), 0);
    ask(&w, "POST", 1, "Idempotency-Key: a-8\r\n");
    cr_assert_neq(memcmp(first, w.key, sizeof(first)), 0);
    ask(&w, "POST", 2, "Idempotency-Key: a-7\r\n");
    cr_assert_neq(memcmp(first, w.key, sizeof(first)), 0, "of another CID");
    ask(&w, "DELETE", 1, "Idempotency-Key: a-7\r\n");
    cr_assert_neq(memcmp(first, w.key, sizeof(first)), 0, "an unpin");
    end(&w);
}

Test(api_key, one_that_is_empty_or_very_long_is_refused)
{
    struct world w;
    begin(&w);
    cr_assert_eq(strncmp(ask(&w, "POST", 1, "Idempotency-Key:\r\n"), "HTTP/1.1 400", 12), 0);
    char field[400];
    snprintf(field, sizeof(field), "Idempotency-Key: %0257d\r\n", 0);
    cr_assert_eq(strncmp(ask(&w, "DELETE", 1, field), "HTTP/1.1 400", 12), 0);
    cr_assert_eq(w.writes, 0);
    snprintf(field, sizeof(field), "Idempotency-Key: %0256d\r\n", 0);
    cr_assert_eq(strncmp(ask(&w, "POST", 1, field), "HTTP/1.1 503", 12), 0);
    cr_assert_eq(w.writes, 1);
    end(&w);
}
