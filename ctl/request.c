#include "ctl/request.h"

#include <stdio.h>
#include <string.h>

#include "os/os_clock.h"
#include "util/base.h"
#include "util/err.h"
#include "util/version.h"

struct flight {
    struct remote *remote;
    const struct request *request;
    struct answer answer;
    struct http_call call;
    struct http_field fields[3];
    struct os_timer deadline;
    bool is_late;
    int err;               /* what the call ended with */
    char piece[64 * 1024]; /* of the upload: at..len has not been taken yet */
    size_t piece_at;
    size_t piece_len;
    bool upload_has_ended;
    bool upload_gave_up;
};

int remote_init(struct remote *r, const struct hosts *hosts)
{
    *r = (struct remote){ .hosts = hosts };
    return os_loop_init(&r->loop);
}

void remote_deinit(struct remote *r)
{
    if (r->client != NULL)
        os_http_client_destroy(r->client);
    os_loop_deinit(&r->loop);
    buf_wipe(&r->authorization);
}

int remote_log_in(struct remote *r, const char *credentials)
{
    struct bytes pair = { credentials, strlen(credentials) };
    size_t size = BASE64_SIZE(pair.len);
    buf_append_text(&r->authorization, "Basic ");
    char *at = (char *)buf_reserve(&r->authorization, size);
    if (at == NULL)
        return ERR_NOMEM;
    int err = base_encode(BASE64_PAD, at, size, pair);
    if (err == OK)
        r->authorization.len += strlen(at);
    return err;
}

static const struct host *remote_host(const struct remote *r)
{
    return &r->hosts->list[r->at];
}

static int remote_connect(struct remote *r)
{
    if (r->client != NULL)
        return OK;
    struct os_http_client_options options = os_http_client_options_default();
    options.user_agent = "ipfs-cluster-ctl/" VERSION_TEXT;
    options.speaks_tls = remote_host(r)->speaks_tls;
    options.trusts_anyone = r->trusts_anyone;
    options.ca_file = r->ca_file;
    return os_http_client_create(&r->client, &r->loop, &remote_host(r)->addr, &options, NULL);
}

static bool remote_next_host(struct remote *r)
{
    if (r->at + 1 == r->hosts->count)
        return false;
    fprintf(stderr, "%s: %s\n", remote_host(r)->name, os_http_client_why(r->client));
    os_http_client_destroy(r->client);
    r->client = NULL;
    r->at += 1;
    fprintf(stderr, "Trying %s\n", remote_host(r)->name);
    return true;
}

/* ---- the call ---- */

static void flight_cancel(struct flight *f)
{
    struct http_client port = os_http_client_port(f->remote->client);
    http_client_cancel(&port, &f->call);
}

static void flight_on_head(struct http_call *call, int status, const struct http_field *fields,
                           size_t count)
{
    struct flight *f = call->owner;
    (void)fields;
    (void)count;
    if (f->remote->shows_traffic)
        fprintf(stderr, "Response status: %d\n", status);
    answer_on_head(&f->answer, status);
}

static void flight_on_body(struct http_call *call, const void *bytes, size_t len)
{
    struct flight *f = call->owner;
    if (f->remote->shows_traffic) {
        fputs("Response body: ", stderr);
        fwrite(bytes, 1, len, stderr);
        if (len > 0 && ((const char *)bytes)[len - 1] != '\n')
            fputc('\n', stderr);
    }
    if (!answer_on_body(&f->answer, bytes, len))
        flight_cancel(f);
}

static void flight_on_trailer(struct http_call *call, const struct http_field *fields, size_t count)
{
    struct flight *f = call->owner;
    answer_on_trailer(&f->answer, fields, count);
}

static void flight_feed(struct flight *f)
{
    struct http_client port = os_http_client_port(f->remote->client);
    const struct upload *u = f->request->upload;
    while (!f->upload_has_ended) {
        if (f->piece_at == f->piece_len) {
            f->piece_at = 0;
            f->piece_len = u->read(u->owner, f->piece, sizeof(f->piece));
        }
        if (f->piece_len == UPLOAD_GIVES_UP) {
            f->upload_has_ended = f->upload_gave_up = true;
            flight_cancel(f);
            return;
        }
        if (f->piece_len == 0) {
            f->upload_has_ended = true;
            http_client_end(&port, &f->call);
            return;
        }
        size_t taken =
            http_client_write(&port, &f->call, f->piece + f->piece_at, f->piece_len - f->piece_at);
        f->piece_at += taken;
        if (f->piece_at < f->piece_len)
            return;
    }
}

static void flight_on_drain(struct http_call *call)
{
    flight_feed(call->owner);
}

static void flight_done(struct http_call *call, int err)
{
    struct flight *f = call->owner;
    f->err = err;
    os_loop_stop(&f->remote->loop);
}

static void flight_on_deadline(void *owner)
{
    struct flight *f = owner;
    f->is_late = true;
    flight_cancel(f);
}

static size_t flight_put_fields(struct flight *f, bool has_body)
{
    size_t count = 0;
    f->fields[count++] = HTTP_FIELD("Accept", "application/json");
    const struct upload *u = f->request->upload;
    const char *type = u != NULL && u->content_type != NULL ? u->content_type : "application/json";
    if (has_body)
        f->fields[count++] = (struct http_field){ { "Content-Type", 12 }, { type, strlen(type) } };
    if (f->remote->authorization.len > 0)
        f->fields[count++] =
            (struct http_field){ { "Authorization", 13 }, buf_bytes(&f->remote->authorization) };
    return count;
}

static int flight_start(struct flight *f)
{
    const struct request *q = f->request;
    size_t body_len = q->body != NULL ? strlen(q->body) : 0;
    size_t count = flight_put_fields(f, body_len > 0 || q->upload != NULL);
    f->call = (struct http_call){
        .method = q->method,
        .target = q->target,
        .fields = f->fields,
        .fields_count = count,
        .body = { q->body, body_len },
        .streams_body = q->upload != NULL,
        .body_len = -1,
        .on_drain = flight_on_drain,
        .on_head = flight_on_head,
        .on_body = flight_on_body,
        .on_trailer = flight_on_trailer,
        .done = flight_done,
        .owner = f,
    };
    int err = remote_connect(f->remote);
    if (err != OK)
        return err;
    struct http_client port = os_http_client_port(f->remote->client);
    err = http_client_start(&port, &f->call);
    if (err == OK && q->upload != NULL)
        flight_feed(f);
    return err;
}

/* One attempt, on the host that is the remote's. */
static int flight_run(struct flight *f)
{
    struct remote *r = f->remote;
    if (r->shows_traffic)
        fprintf(stderr, "%s: %s%s\n", f->request->method, remote_host(r)->name, f->request->target);
    os_timer_init(&f->deadline, &r->loop, flight_on_deadline, f);
    if (r->timeout_us > 0)
        os_timer_set(&f->deadline, os_clock_mono_us() + r->timeout_us);
    int err = flight_start(f);
    if (err == OK) {
        os_loop_run(&r->loop);
        err = f->err;
    }
    os_timer_stop(&f->deadline);
    return f->is_late && err == ERR_CANCELED ? ERR_TIMEOUT : err;
}

static void flight_explain(struct flight *f, int err)
{
    const struct remote *r = f->remote;
    const char *why = r->client != NULL ? os_http_client_why(r->client) : "";
    bool says_more = why[0] != '\0' && err != ERR_TIMEOUT;
    failure_set(f->answer.failure, 0, err, "%s \"%s%s\": %s", f->request->method,
                remote_host(r)->name, f->request->target, says_more ? why : err_text(err));
}

/* The same request to another host: from the upload's beginning. */
static bool flight_rewind(struct flight *f)
{
    const struct upload *u = f->request->upload;
    f->piece_at = f->piece_len = 0;
    f->upload_has_ended = false;
    return u == NULL || u->rewind(u->owner);
}

bool request_run(struct remote *r, const struct request *q, struct failure *failure)
{
    struct flight f = { .remote = r, .request = q, .answer = answer_to(&q->sink, failure) };
    int err = flight_run(&f);
    while (err == ERR_UNREACHABLE && flight_rewind(&f) && remote_next_host(r))
        err = flight_run(&f);
    if (err == OK)
        answer_on_end(&f.answer);
    else if (!f.answer.is_enough && !f.upload_gave_up)
        flight_explain(&f, err);
    answer_deinit(&f.answer);
    return err == OK && !failure->happened;
}

/* ---- pauses ---- */

static void remote_on_pause_end(void *owner)
{
    os_loop_stop(owner);
}

void remote_pause(struct remote *r, uint64_t us)
{
    struct os_timer timer;
    os_timer_init(&timer, &r->loop, remote_on_pause_end, &r->loop);
    os_timer_set(&timer, os_clock_mono_us() + us);
    os_loop_run(&r->loop);
    os_timer_stop(&timer);
}
