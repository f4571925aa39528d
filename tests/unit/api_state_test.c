/* POST /state/import: a file as a stream of writes, a window of them at once; what one pin, and what the whole import, is
 * refused for. GET /state/export: rows as they come. */
#include <criterion/criterion.h>
#include <string.h>

#include "http/api/api.h"
#include "tests/lib/http_talk.h"
#include "tests/lib/test_ids.h"
#include "util/err.h"

TestSuite(api_state, .timeout = 60);

enum { CALLS_MAX = 2048 };

struct api_export {
    struct api_listing_hooks hooks;
    uint32_t told;
    bool is_ready;
};

/* A peer that answers when the test says so. */
struct fake {
    struct api *api;
    struct http_talk talk;
    struct api_call *calls[CALLS_MAX]; /* under way */
    size_t calls_count;
    size_t calls_max; /* then ERR_BUSY */
    size_t begun_count;
    size_t forgotten_count;
    int refuses; /* every call, at once; OK: none */
    struct api_export export;
    bool is_exporting;
    struct buf text;
};

static int fake_pin(void *impl, struct api_call *call, struct buf *why)
{
    struct fake *f = impl;
    cr_assert(call->is_restored && call->pin.allocations_count == 0);
    if (f->refuses != OK) {
        buf_append_text(why, "no luck");
        return f->refuses;
    }
    if (f->calls_count == f->calls_max)
        return ERR_BUSY;
    f->calls[f->calls_count++] = call;
    f->begun_count += 1;
    return OK;
}

static void fake_forget(void *impl, struct api_call *call)
{
    (void)call;
    ((struct fake *)impl)->forgotten_count += 1;
}

static int fake_export_open(void *impl, const struct api_listing_hooks *hooks,
                            struct api_export **out)
{
    struct fake *f = impl;
    if (f->is_exporting)
        return ERR_BUSY;
    f->is_exporting = true;
    f->export = (struct api_export){ .hooks = *hooks };
    *out = &f->export;
    return OK;
}

static enum api_next fake_export_next(struct api_export *x, struct arena *arena, struct pin *out)
{
    (void)arena;
    if (!x->is_ready)
        return API_NEXT_WAIT;
    if (x->told == 3)
        return API_NEXT_END;
    struct cid cid = test_cid(x->told++);
    *out = pin_of(&cid);
    return API_NEXT_ROW;
}

static void fake_export_close(struct api_export *x)
{
    x->told = 99;
}

static const struct api_ops ops = {
    .pin = fake_pin,
    .forget = fake_forget,
    .export_open = fake_export_open,
    .export_next = fake_export_next,
    .export_close = fake_export_close,
};

static void fake_open(struct fake *f)
{
    *f = (struct fake){ .calls_max = CALLS_MAX };
    cr_assert_eq(api_create(&f->api, &ops, f), OK);
    f->talk = (struct http_talk){ .on_request = api_on_request, .owner = f->api };
    http_talk_open(&f->talk, 4096);
}

static void fake_close(struct fake *f)
{
    http_talk_close(&f->talk);
    api_destroy(f->api);
    buf_deinit(&f->text);
}

static void answer_one(struct fake *f, int err)
{
    struct api_call *call = f->calls[0];
    f->calls_count -= 1;
    memmove(&f->calls[0], &f->calls[1], f->calls_count * sizeof(f->calls[0]));
    call->done(call, err, err == OK ? "" : "so it is");
}

/* `count` pins, and `tail` behind them, as a request. */
static const char *request_of(struct fake *f, uint32_t count, const char *tail)
{
    struct buf body = { 0 };
    for (uint32_t i = 0; i < count; i++) {
        struct cid cid = test_cid(i);
        buf_printf(&body, "{\"cid\":\"%s\",\"name\":\"%u\"}\n", cid_print(&cid).text, i);
    }
    buf_append_text(&body, tail);
    buf_clear(&f->text);
    buf_printf(&f->text, "POST /state/import HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n%s",
               body.len, buf_text(&body));
    buf_deinit(&body);
    return buf_text(&f->text);
}

/* As a socket would give it. */
static void receive_in_pieces(struct fake *f, const char *text)
{
    char piece[4097];
    for (size_t len = strlen(text), at = 0; at < len; at += sizeof(piece) - 1) {
        size_t part = len - at < sizeof(piece) - 1 ? len - at : sizeof(piece) - 1;
        memcpy(piece, text + at, part);
        piece[part] = '\0';
        http_talk_receive(&f->talk, piece);
    }
}

static void says(struct fake *f, const char *words)
{
    const char *answer = http_talk_ask(&f->talk, "");
    cr_assert(strstr(answer, words) != NULL, "%s", answer);
}

/* All of the file, through a window. */
static void run(struct fake *f)
{
    while (f->calls_count > 0) {
        cr_assert(f->calls_count <= 256);
        answer_one(f, OK);
        http_talk_receive(&f->talk, "");
    }
}

Test(api_state, a_file_goes_in_through_a_window)
{
    struct fake f;
    fake_open(&f);
    receive_in_pieces(&f, request_of(&f, 3000, ""));
    cr_assert_eq(f.calls_count, 256);
    cr_assert(f.talk.waiting.len > 0); /* the rest waits with the client */
    run(&f);
    cr_assert_eq(f.begun_count, 3000);
    says(&f, "{\"imported\":3000,\"refused\":0,\"errors\":[]}");
    cr_assert(http_conn_is_idle(f.talk.conn));
    fake_close(&f);
}

Test(api_state, without_room_in_the_log_it_waits)
{
    struct fake f;
    fake_open(&f);
    f.calls_max = 7;
    http_talk_receive(&f.talk, request_of(&f, 100, ""));
    cr_assert_eq(f.calls_count, 7);
    run(&f);
    cr_assert_eq(f.begun_count, 100);
    says(&f, "\"imported\":100");
    f.calls_max = 0; /* none at all: nothing to wait for */
    http_talk_receive(&f.talk, request_of(&f, 1, ""));
    says(&f, "503");
    fake_close(&f);
}

Test(api_state, a_refused_pin_does_not_stop_the_others)
{
    struct fake f;
    fake_open(&f);
    http_talk_receive(&f.talk, request_of(&f, 50, ""));
    for (int i = 0; i < 30; i++)
        answer_one(&f, ERR_NOT_ENOUGH_PEERS);
    run(&f);
    says(&f, "\"imported\":20,\"refused\":30,\"errors\":[{\"cid\":");
    says(&f, ""); /* and the connection lives on */
    f.refuses = ERR_CORRUPT;
    http_talk_receive(&f.talk, request_of(&f, 2, ""));
    says(&f, "\"imported\":0,\"refused\":2");
    fake_close(&f);
}

Test(api_state, a_lost_leader_stops_it)
{
    struct fake f;
    fake_open(&f);
    http_talk_receive(&f.talk, request_of(&f, 400, ""));
    answer_one(&f, OK);
    answer_one(&f, ERR_OUTCOME_UNKNOWN);
    size_t begun = f.begun_count;
    run(&f);
    cr_assert_eq(f.begun_count, begun);
    says(&f, "\"code\":504,\"message\":\"so it is (256 pins were imported; it is safe to repeat)");
    fake_close(&f);
}

Test(api_state, a_bad_line_stops_it)
{
    struct fake f;
    fake_open(&f);
    http_talk_receive(&f.talk, request_of(&f, 3, "nonsense"));
    cr_assert_eq(f.calls_count, 3);
    run(&f);
    says(&f, "line 4: a pin, as a JSON object, should begin here (3 pins were imported");
    http_talk_receive(&f.talk, request_of(&f, 1, "{\"cid\":"));
    run(&f);
    says(&f, "line 2: the text breaks off");
    fake_close(&f);
}

Test(api_state, nothing_is_nothing)
{
    struct fake f;
    fake_open(&f);
    http_talk_receive(&f.talk, request_of(&f, 0, ""));
    says(&f, "{\"imported\":0,\"refused\":0,\"errors\":[]}");
    fake_close(&f);
}

Test(api_state, a_client_that_leaves_is_forgotten)
{
    struct fake f;
    fake_open(&f);
    http_talk_receive(&f.talk, request_of(&f, 1000, ""));
    http_conn_on_eof(f.talk.conn);
    cr_assert_eq(f.forgotten_count, 256);
    fake_close(&f);
}

Test(api_state, an_export_is_told_as_it_comes)
{
    static const char get[] = "GET /state/export HTTP/1.1\r\nHost: a\r\n\r\n";
    struct fake f;
    fake_open(&f);
    http_talk_receive(&f.talk, get);
    cr_assert_eq(f.talk.sent.len, 0);
    f.export.is_ready = true;
    f.export.hooks.on_wake(f.export.hooks.owner);
    for (uint32_t i = 0; i < 3; i++) {
        struct cid cid = test_cid(i);
        says(&f, i == 0 ? cid_print(&cid).text : "");
    }
    cr_assert_eq(f.export.told, 99);
    http_talk_receive(&f.talk, get); /* the fake has one only */
    says(&f, "too many exports are under way");
    fake_close(&f);
}
