#include "fake_kubo.h"

#include <string.h>

#include "util/err.h"

/* ---- pins ---- */

static struct fake_pin *fake_kubo_find(const struct fake_kubo *k, const struct cid *cid)
{
    for (size_t i = 0; i < k->pins_count; i++) {
        if (cid_equal(&k->pins[i].cid, cid))
            return (struct fake_pin *)&k->pins[i];
    }
    return NULL;
}

bool fake_kubo_has(const struct fake_kubo *k, const struct cid *cid)
{
    return fake_kubo_find(k, cid) != NULL;
}

bool fake_kubo_has_direct(const struct fake_kubo *k, const struct cid *cid)
{
    const struct fake_pin *pin = fake_kubo_find(k, cid);
    return pin != NULL && pin->is_direct;
}

void fake_kubo_pin(struct fake_kubo *k, const struct cid *cid, bool is_direct)
{
    struct fake_pin *pin = fake_kubo_find(k, cid);
    if (pin == NULL) {
        ASSERT(k->pins_count < FAKE_KUBO_PINS_MAX);
        pin = &k->pins[k->pins_count++];
    }
    *pin = (struct fake_pin){ *cid, is_direct };
}

void fake_kubo_unpin(struct fake_kubo *k, const struct cid *cid)
{
    struct fake_pin *pin = fake_kubo_find(k, cid);
    if (pin != NULL)
        *pin = k->pins[--k->pins_count];
}

/* ---- answers ---- */

static void fake_say(struct http_call *call, const struct buf *text)
{
    if (call->on_body != NULL)
        call->on_body(call, text->data, text->len);
}

static void fake_answer(struct http_call *call, int status, struct buf *text)
{
    call->on_head(call, status, NULL, 0);
    fake_say(call, text);
    buf_deinit(text);
}

static void fake_error(struct http_call *call, const char *message)
{
    struct buf text = { 0 };
    buf_printf(&text, "{\"Message\":\"%s\",\"Code\":0,\"Type\":\"error\"}\n", message);
    fake_answer(call, 500, &text);
}

static struct cid fake_arg(const struct http_call *call)
{
    struct cid cid = { 0 };
    const char *arg = strstr(call->target, "arg=");
    if (arg != NULL)
        (void)cid_parse_len(&cid, arg + 4, strcspn(arg + 4, "&"));
    return cid;
}

static void fake_look(struct fake_kubo *k, struct http_call *call, const struct cid *cid)
{
    bool wants_direct = strstr(call->target, "type=direct") != NULL;
    const struct fake_pin *pin = fake_kubo_find(k, cid);
    struct buf text = { 0 };
    k->looks += 1;
    if (k->looks_fail) {
        fake_error(call, "out of order");
        return;
    }
    if (pin != NULL && pin->is_direct == wants_direct) {
        buf_printf(&text, "{\"Cid\":\"%s\",\"Type\":\"%s\"}\n", cid_print(cid).text,
                   wants_direct ? "direct" : "recursive");
        fake_answer(call, 200, &text);
        return;
    }
    buf_printf(&text, "path '%s' is not pinned", cid_print(cid).text);
    fake_error(call, buf_text(&text));
    buf_deinit(&text);
}

static void fake_list(struct fake_kubo *k, struct http_call *call)
{
    bool wants_direct = strstr(call->target, "type=direct") != NULL;
    struct buf text = { 0 };
    k->lists += 1;
    for (size_t i = 0; i < k->pins_count; i++) {
        if (k->pins[i].is_direct == wants_direct)
            buf_printf(&text, "{\"Cid\":\"%s\",\"Type\":\"%s\"}\n", cid_print(&k->pins[i].cid).text,
                       wants_direct ? "direct" : "recursive");
        if (k->breaks_listings)
            break;
    }
    fake_answer(call, 200, &text);
}

static bool fake_hangs(const struct fake_kubo *k, const struct cid *cid)
{
    for (size_t i = 0; i < k->hanging_count; i++) {
        if (cid_equal(&k->hanging[i], cid))
            return true;
    }
    return k->adds_hang;
}

/* False: it goes on. */
static bool fake_add(struct fake_kubo *k, struct http_call *call, const struct cid *cid)
{
    struct buf text = { 0 };
    bool is_direct = strstr(call->target, "recursive=false") != NULL;
    if (fake_hangs(k, cid) || k->adds_progress) {
        if (call->state == NULL)
            call->on_head(call, 200, NULL, 0);
        call->state = k;
        k->progress += k->adds_progress;
        buf_printf(&text, "{\"Progress\":%lu,\"Bytes\":%lu}\n", (unsigned long)k->progress,
                   (unsigned long)k->progress);
        fake_say(call, &text);
        buf_deinit(&text);
        return false;
    }
    const struct fake_pin *pin = fake_kubo_find(k, cid);
    if (cid_equal(cid, &k->failing) || (pin != NULL && is_direct && !pin->is_direct)) {
        k->adds_failed += 1;
        fake_error(call,
                   pin != NULL ? "pin: CID already pinned recursively" : "pin: it does not work");
        return true;
    }
    fake_kubo_pin(k, cid, is_direct);
    buf_printf(&text, "{\"Pins\":[\"%s\"]}\n", cid_print(cid).text);
    if (call->state == NULL)
        call->on_head(call, 200, NULL, 0);
    fake_say(call, &text);
    buf_deinit(&text);
    return true;
}

static void fake_remove(struct fake_kubo *k, struct http_call *call, const struct cid *cid)
{
    struct buf text = { 0 };
    k->removes += 1;
    const struct fake_pin *pin = fake_kubo_find(k, cid);
    if (pin == NULL) {
        fake_error(call, "not pinned or pinned indirectly");
        return;
    }
    if (!pin->is_direct && strstr(call->target, "recursive=false") != NULL) {
        fake_error(call, "CID is pinned recursively");
        return;
    }
    fake_kubo_unpin(k, cid);
    buf_printf(&text, "{\"Pins\":[\"%s\"]}\n", cid_print(cid).text);
    fake_answer(call, 200, &text);
}

/* ERR_MORE: it goes on. */
static int fake_serve(struct fake_kubo *k, struct http_call *call)
{
    struct cid cid = fake_arg(call);
    if (k->is_down)
        return call->state != NULL ? ERR_CLOSED : ERR_UNREACHABLE;
    if (k->answers_nothing)
        return ERR_MORE;
    if (strstr(call->target, "/pin/rm") != NULL && k->removes_hang)
        return ERR_MORE;
    if (strstr(call->target, "/pin/rm") != NULL)
        fake_remove(k, call, &cid);
    else if (strstr(call->target, "/pin/add") != NULL)
        return fake_add(k, call, &cid) ? OK : ERR_MORE;
    else if (cid.len > 0)
        fake_look(k, call, &cid);
    else
        fake_list(k, call);
    return k->breaks_listings && cid.len == 0 ? ERR_CLOSED : OK;
}

/* ---- the port ---- */

static int fake_start(void *impl, struct http_call *call)
{
    struct fake_kubo *k = impl;
    if (k->calls_count >= k->calls_max)
        return ERR_BUSY;
    ASSERT(strlen(call->target) < sizeof(k->last_target));
    memcpy(k->last_target, call->target, strlen(call->target) + 1);
    k->adds += strstr(call->target, "/pin/add") != NULL;
    call->state = NULL;
    call->link.prev = NULL; /* set: canceled */
    k->calls[k->calls_count++] = call;
    if (k->calls_count > k->calls_high)
        k->calls_high = k->calls_count;
    return OK;
}

static void fake_cancel(void *impl, struct http_call *call)
{
    (void)impl;
    call->link.prev = &call->link;
}

void fake_kubo_init(struct fake_kubo *k)
{
    static const struct http_client_ops ops = { .start = fake_start, .cancel = fake_cancel };
    *k = (struct fake_kubo){ .client = { &ops, NULL }, .calls_max = FAKE_KUBO_CALLS_MAX };
    k->client.impl = k;
}

size_t fake_kubo_run(struct fake_kubo *k)
{
    size_t count = k->calls_count, kept = 0, ended = 0;
    struct http_call *calls[FAKE_KUBO_CALLS_MAX];
    int errs[FAKE_KUBO_CALLS_MAX];
    for (size_t i = 0; i < count; i++) {
        struct http_call *call = k->calls[i];
        int err = call->link.prev != NULL ? ERR_CANCELED : fake_serve(k, call);
        if (err == ERR_MORE) {
            k->calls[kept++] = call;
        } else {
            calls[ended] = call;
            errs[ended++] = err;
        }
    }
    k->calls_count = kept;
    for (size_t i = 0; i < ended; i++)
        calls[i]->done(calls[i], errs[i]);
    return ended;
}
