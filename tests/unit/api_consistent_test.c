/* Requests that wait: ?consistent=true, and questions about the others that only a leader can answer; and how old what is
 * read may be. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "http/api/api.h"
#include "tests/lib/http_talk.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(api_consistent, .timeout = 60);

/* A peer that knows one pin once it has caught up. */
struct world {
    struct http_talk talk;
    struct api *api;
    struct api_call *waiting;
    int refusal; /* of catch_up; OK: it waits */
    unsigned forgotten;
    struct api_freshness freshness;
    struct cid cid;
    bool has_pin;
    bool hears;
    bool is_hearing;           /* what is waited for */
    unsigned alerts, listings; /* how often they were asked for */
};

static struct api_freshness world_freshness(void *impl)
{
    return ((struct world *)impl)->freshness;
}

static int world_catch_up(void *impl, struct api_call *call, struct buf *why)
{
    struct world *w = impl;
    if (w->refusal != OK)
        buf_append_text(why, err_text(w->refusal));
    else
        w->waiting = call;
    w->is_hearing = false;
    return w->refusal;
}

static bool world_hears(void *impl)
{
    return ((struct world *)impl)->hears;
}

static int world_hear(void *impl, struct api_call *call, struct buf *why)
{
    int err = world_catch_up(impl, call, why);
    ((struct world *)impl)->is_hearing = true;
    return err;
}

static int world_alerts(void *impl, struct arena *arena, const struct api_alert **out,
                        size_t *count)
{
    (void)arena;
    *out = NULL;
    *count = 0;
    ((struct world *)impl)->alerts += 1;
    return OK;
}

static int world_ids(void *impl, const struct api_listing_hooks *hooks, struct api_listing **out)
{
    (void)hooks, (void)out;
    ((struct world *)impl)->listings += 1;
    return ERR_BUSY;
}

static void world_forget(void *impl, struct api_call *call)
{
    struct world *w = impl;
    cr_assert_eq(call, w->waiting);
    w->waiting = NULL;
    w->forgotten += 1;
}

static int world_pin_get(void *impl, const struct cid *cid, struct arena *arena, struct pin *out)
{
    struct world *w = impl;
    (void)arena;
    if (!w->has_pin || !cid_equal(cid, &w->cid))
        return ERR_NOT_FOUND;
    *out = pin_of(cid);
    return OK;
}

static int world_pins_after(void *impl, const struct cid *after, struct arena *arena,
                            struct pin *out, size_t count_max, size_t *count)
{
    const struct world *w = impl;
    (void)count_max;
    *count = 1;
    return cid_is_undefined(after) ? world_pin_get(impl, &w->cid, arena, out) : ERR_NOT_FOUND;
}

static const struct api_ops world_ops = {
    .freshness = world_freshness,
    .catch_up = world_catch_up,
    .hears = world_hears,
    .hear = world_hear,
    .alerts = world_alerts,
    .ids_open = world_ids,
    .forget = world_forget,
    .pin_get = world_pin_get,
    .pins_after = world_pins_after,
};

static void world_request(void *owner, struct http_exchange *x)
{
    api_on_request(((struct world *)owner)->api, x);
}

static void begin(struct world *w)
{
    *w = (struct world){ .talk = { .on_request = world_request, .owner = w },
                         .freshness = { .applied = 812, .has_contact = true, .age_us = 95999 },
                         .cid = test_cid(1) };
    cr_assert_eq(api_create(&w->api, &world_ops, w), OK);
    http_talk_open(&w->talk, 65536);
}

static void end(struct world *w)
{
    http_talk_close(&w->talk);
    api_destroy(w->api);
}

/* GET of `target`, in which %s is the CID. */
static const char *ask(struct world *w, const char *target)
{
    static char path[256], request[512];
    snprintf(path, sizeof(path), target, cid_print(&w->cid).text);
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    return http_talk_ask(&w->talk, request);
}

static void caught_up(struct world *w, int err)
{
    struct api_call *call = w->waiting;
    cr_assert_not_null(call);
    w->waiting = NULL;
    call->done(call, err, err_text(err));
}

Test(api_consistent, a_read_says_how_old_it_may_be)
{
    struct world w;
    begin(&w);
    const char *answer = ask(&w, "/allocations/%s");
    cr_assert_eq(strncmp(answer, "HTTP/1.1 404", 12), 0, "%s", answer);
    cr_assert(strstr(answer, "\r\nX-State-Index: 812\r\n"), "%s", answer);
    cr_assert(strstr(answer, "\r\nX-State-Age-Ms: 95\r\n"), "%s", answer);
    w.has_pin = true;
    cr_assert(strstr(ask(&w, "/allocations/%s"), "\r\nX-State-Index: 812\r\n"));
    cr_assert(strstr(ask(&w, "/allocations"), "\r\nX-State-Index: 812\r\n"));
    w.freshness = (struct api_freshness){ 0 };
    answer = ask(&w, "/allocations");
    cr_assert(strstr(answer, "\r\nX-State-Index: 0\r\n"));
    cr_assert_null(strstr(answer, "X-State-Age"), "it has never heard from a leader");
    end(&w);
}

Test(api_consistent, a_consistent_read_is_answered_when_the_state_has_caught_up)
{
    static const char *const targets[] = { "/allocations/%s?consistent=true",
                                           "/allocations?consistent=true&filter=all" };
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct world w;
        begin(&w);
        cr_assert_str_eq(ask(&w, targets[i]), "");
        w.has_pin = true;
        caught_up(&w, OK);
        const char *answer = http_talk_ask(&w.talk, "");
        cr_assert_eq(strncmp(answer, "HTTP/1.1 200", 12), 0, "%s", answer);
        cr_assert(strstr(answer, cid_print(&w.cid).text));
        end(&w);
    }
}

Test(api_consistent, who_does_not_ask_does_not_wait)
{
    struct world w;
    begin(&w);
    w.refusal = ERR_NO_LEADER;
    w.has_pin = true;
    cr_assert_eq(strncmp(ask(&w, "/allocations/%s?consistent=false"), "HTTP/1.1 200", 12), 0);
    cr_assert_eq(strncmp(ask(&w, "/allocations/%s?consistent=true"), "HTTP/1.1 503", 12), 0);
    end(&w);
}

Test(api_consistent, what_cannot_be_confirmed_in_time_is_refused)
{
    struct world w;
    begin(&w);
    w.has_pin = true;
    ask(&w, "/allocations/%s?consistent=true");
    caught_up(&w, ERR_NO_LEADER);
    const char *answer = http_talk_ask(&w.talk, "");
    cr_assert_eq(strncmp(answer, "HTTP/1.1 503", 12), 0, "%s", answer);
    end(&w);
}

Test(api_consistent, a_client_that_left_is_forgotten)
{
    struct world w;
    begin(&w);
    ask(&w, "/allocations/%s?consistent=true");
    cr_assert_not_null(w.waiting);
    end(&w);
    cr_assert(w.waiting == NULL && w.forgotten == 1);
}

Test(api_consistent, writes_do_not_know_the_word)
{
    struct world w;
    begin(&w);
    http_talk_ask(&w.talk, "PATCH /allocations?consistent=true HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert_null(w.waiting);
    end(&w);
}

/* ---- how the others are ---- */

Test(api_consistent, who_does_not_hear_the_others_asks_before_it_answers)
{
    struct world w;
    begin(&w);
    cr_assert_str_eq(ask(&w, "/health/alerts"), "");
    cr_assert(w.waiting != NULL && w.is_hearing && w.alerts == 0);
    caught_up(&w, OK);
    const char *answer = http_talk_ask(&w.talk, "");
    cr_assert_eq(strncmp(answer, "HTTP/1.1 200", 12), 0, "%s", answer);
    cr_assert_eq(w.alerts, 1);

    w.hears = true;
    cr_assert_eq(strncmp(ask(&w, "/health/alerts"), "HTTP/1.1 200", 12), 0);
    cr_assert(w.waiting == NULL && w.alerts == 2);
    end(&w);
}

Test(api_consistent, what_nobody_tells_is_not_guessed)
{
    static const char *const targets[] = { "/health/alerts", "/repair/plan", "/monitor/metrics",
                                           "/monitor/metrics/ping", "/pins/summary" };
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct world w;
        begin(&w);
        ask(&w, targets[i]);
        caught_up(&w, ERR_NO_LEADER);
        const char *answer = http_talk_ask(&w.talk, "");
        cr_assert_eq(strncmp(answer, "HTTP/1.1 503", 12), 0, "%s: %s", targets[i], answer);
        w.refusal = ERR_NO_LEADER; /* or known at once */
        cr_assert_eq(strncmp(ask(&w, targets[i]), "HTTP/1.1 503", 12), 0, "%s", targets[i]);
        cr_assert_eq(w.alerts, 0);
        end(&w);
    }
}

/* The list of peers has more to say than how they are. */
Test(api_consistent, peers_are_listed_all_the_same)
{
    struct world w;
    begin(&w);
    ask(&w, "/peers");
    cr_assert(w.waiting != NULL && w.is_hearing && w.listings == 0);
    caught_up(&w, ERR_NO_LEADER);
    cr_assert_eq(w.listings, 1);
    w.refusal = ERR_NO_LEADER;
    ask(&w, "/peers");
    cr_assert_eq(w.listings, 2);
    end(&w);
}

Test(api_consistent, to_have_caught_up_is_not_to_have_heard)
{
    struct world w;
    begin(&w);
    ask(&w, "/health/alerts?consistent=true");
    cr_assert(!w.is_hearing);
    caught_up(&w, OK);
    cr_assert(w.waiting != NULL && w.is_hearing && w.alerts == 0);
    caught_up(&w, OK);
    cr_assert_eq(w.alerts, 1);
    end(&w);
}
