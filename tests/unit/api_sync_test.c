/* POST /pins/sync: one array, as 0.0.x answers, however many there are and whenever they come; lines for who asks for them. */
#include <criterion/criterion.h>
#include <string.h>

#include "http/api/api.h"
#include "tests/lib/http_talk.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"
#include "util/json.h"

TestSuite(api_sync, .timeout = 60);

struct api_listing {
    struct api_listing_hooks hooks;
    uint32_t told;
    uint32_t count;
    bool waits; /* before each one */
    bool fails; /* in place of the end */
};

struct fake {
    struct api *api;
    struct http_talk talk;
    struct api_listing listing;
};

static struct api_freshness fake_freshness(void *impl)
{
    (void)impl;
    return (struct api_freshness){ 0 };
}

static int fake_open_listing(void *impl, const struct api_status_request *request,
                             const struct api_listing_hooks *hooks, struct api_listing **out)
{
    struct fake *f = impl;
    cr_assert_eq(request->order, API_SYNC);
    f->listing.hooks = *hooks;
    *out = &f->listing;
    return OK;
}

static enum api_next fake_next(struct api_listing *l, struct arena *arena, struct api_status *out)
{
    (void)arena;
    l->waits = !l->waits;
    if (!l->waits)
        return API_NEXT_WAIT;
    if (l->told == l->count)
        return l->fails ? API_NEXT_FAILED : API_NEXT_END;
    *out = (struct api_status){ .cid = test_cid(l->told++) };
    return API_NEXT_ROW;
}

static void fake_close(struct api_listing *l)
{
    l->told = 99;
}

static const struct api_ops ops = {
    .freshness = fake_freshness,
    .status_open = fake_open_listing,
    .status_next = fake_next,
    .close = fake_close,
};

/* What it answers when `count` are not well. */
static void answered(struct buf *out, const char *target, uint32_t count, bool fails)
{
    struct fake f = { .listing = { .count = count, .waits = true, .fails = fails } };
    struct buf request = { 0 };
    cr_assert_eq(api_create(&f.api, &ops, &f), OK);
    f.talk = (struct http_talk){ .on_request = api_on_request, .owner = f.api };
    http_talk_open(&f.talk, 4096);
    buf_printf(&request, "POST %s HTTP/1.1\r\nHost: a\r\n\r\n", target);
    http_talk_receive(&f.talk, buf_text(&request));
    while (f.listing.told != 99) {
        f.listing.hooks.on_wake(f.listing.hooks.owner);
        http_talk_send(&f.talk, SIZE_MAX);
    }
    buf_clear(out);
    buf_append(out, f.talk.sent.data, f.talk.sent.len);
    buf_deinit(&request);
    http_talk_close(&f.talk);
    api_destroy(f.api);
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    while ((text = strstr(text, word)) != NULL) {
        count += 1;
        text += strlen(word);
    }
    return count;
}

Test(api_sync, an_array_of_what_is_not_well)
{
    struct buf out = { 0 };
    for (uint32_t count = 0; count < 4; count++) {
        answered(&out, "/pins/sync", count, false);
        const char *text = buf_text(&out);
        cr_assert_eq(count_of(text, "HTTP/1.1 200 OK\r\n"), 1, "%s", text);
        cr_assert_eq(count_of(text, "{\"cid\":\""), count, "%s", text);
        cr_assert_eq(count_of(text, ",{\"cid\":\""), count > 1 ? count - 1 : 0, "%s", text);
        cr_assert_eq(count_of(text, "\r\n[{\"cid\":\""), count > 0, "%s", text);
        cr_assert_eq(count_of(text, count > 0 ? "\r\n]\n\r\n" : "\r\n[]\n\r\n"), 1, "%s", text);
        cr_assert_eq(count_of(text, "X-Stream-Error: \r\n"), 1, "%s", text);
    }
    buf_deinit(&out);
}

Test(api_sync, one_that_breaks_off_is_no_array)
{
    struct buf out = { 0 };
    answered(&out, "/pins/sync", 2, true);
    cr_assert_eq(count_of(buf_text(&out), "]\n"), 0);
    cr_assert_eq(count_of(buf_text(&out), "X-Stream-Error: the local state could not be read"), 1);
    answered(&out, "/pins/sync", 0, true);
    cr_assert_eq(count_of(buf_text(&out), "HTTP/1.1 500 "), 1, "%s", buf_text(&out));
    buf_deinit(&out);
}

Test(api_sync, lines_for_who_asks_for_them)
{
    struct buf out = { 0 };
    answered(&out, "/pins/sync?stream=true", 3, false);
    cr_assert_eq(count_of(buf_text(&out), "{\"cid\":\""), 3);
    cr_assert_eq(count_of(buf_text(&out), "[{"), 0, "%s", buf_text(&out));
    answered(&out, "/pins/sync?stream=true", 0, false);
    cr_assert_eq(count_of(buf_text(&out), "HTTP/1.1 204 "), 1, "%s", buf_text(&out));
    buf_deinit(&out);
}
