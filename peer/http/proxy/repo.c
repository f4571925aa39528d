/* repo.c -- repo/stat and repo/gc: of all peers' repositories together. */
#include "http/proxy/proxy_int.h"

#include <string.h>

#include "http/wire/stream.h"
#include "util/err.h"
#include "util/json.h"

/* ---- repo/stat ---- */

/* As the daemon answers size-only=true: to count objects it would walk its disk. */
void proxy_repo_stat(struct proxy *p, struct http_exchange *x)
{
    struct proxy_repo repo = { 0 };
    struct buf document = { 0 };
    struct json_writer w = json_writer_to(&document);
    p->ops->repo_stat(p->impl, &repo);
    json_object_begin(&w);
    json_key_u64(&w, "RepoSize", repo.size);
    json_key_u64(&w, "StorageMax", repo.storage_max);
    json_key_u64(&w, "NumObjects", 0);
    json_key_string(&w, "RepoPath", "");
    json_key_string(&w, "Version", "");
    json_object_end(&w);
    proxy_reply(p, x, 200, &document);
    buf_deinit(&document);
}

/* ---- repo/gc ---- */

struct proxy_gc {
    struct proxy_job job; /* first */
    struct http_stream stream;
    struct http_field fields[PROXY_FIELDS_MAX];
    void *collecting;
    bool streams_errors; /* as lines; else all of them are in the trailer */
    bool is_quiet;
    struct buf errors;
};

static void proxy_gc_free_job(struct proxy_job *job)
{
    struct proxy_gc *g = (struct proxy_gc *)job;
    if (g->collecting != NULL)
        job->proxy->ops->gc_close(g->collecting);
    buf_deinit(&g->errors);
}

static void proxy_gc_done(struct http_stream *s)
{
    struct proxy_gc *g = s->owner;
    proxy_job_destroy(&g->job);
}

static void proxy_gc_write(const struct proxy_gc *g, const struct proxy_collected *row,
                           struct buf *out)
{
    struct cid_text cid = cid_print(&row->cid);
    if (row->error.len == 0 && g->is_quiet) {
        buf_append_text(out, cid.text);
        return;
    }
    struct json_writer w = json_writer_to(out);
    json_object_begin(&w);
    if (row->error.len > 0) {
        json_key(&w, "Error");
        json_string_len(&w, row->error.data, row->error.len);
        json_key_null(&w, "Key");
    } else {
        json_key(&w, "Key");
        json_object_begin(&w);
        json_key_string(&w, "/", cid.text);
        json_object_end(&w);
    }
    json_object_end(&w);
}

static enum http_row proxy_gc_row(struct http_stream *s, struct buf *out)
{
    struct proxy_gc *g = s->owner;
    struct proxy_collected row;
    for (;;) {
        int err = g->job.proxy->ops->gc_next(g->collecting, &row);
        if (err == ERR_MORE)
            return HTTP_ROW_WAIT;
        if (err == ERR_NOT_FOUND)
            break;
        if (row.error.len == 0 || g->streams_errors) {
            proxy_gc_write(g, &row, out);
            return HTTP_ROW_READY;
        }
        if (g->errors.len > 0)
            buf_append_text(&g->errors, "; ");
        buf_append(&g->errors, row.error.data, row.error.len);
    }
    if (g->errors.len == 0)
        return HTTP_ROW_END;
    buf_append(&s->error, g->errors.data, g->errors.len);
    return HTTP_ROW_FAILED;
}

static void proxy_gc_refuse(struct http_stream *s, const char *error)
{
    struct proxy_gc *g = s->owner;
    proxy_reply_error(g->job.proxy, s->x, 500, error);
}

static void proxy_gc_on_wake(void *owner)
{
    struct proxy_gc *g = owner;
    http_stream_wake(&g->stream);
}

void proxy_repo_gc(struct proxy *p, struct http_exchange *x)
{
    struct proxy_gc *g = proxy_job_create(p, x, sizeof(*g), proxy_gc_free_job);
    if (g == NULL)
        return;
    g->streams_errors = proxy_flag(&x->request, "stream-errors", false);
    g->is_quiet = proxy_flag(&x->request, "quiet", false);
    g->stream.owner = g;
    g->stream.next_row = proxy_gc_row;
    g->stream.done = proxy_gc_done;
    g->stream.refuse = proxy_gc_refuse;
    g->stream.is_kubo_like = true;
    g->stream.fields = g->fields;
    g->stream.fields_count = proxy_fields(p, true, g->fields);
    struct proxy_gc_hooks hooks = { .on_wake = proxy_gc_on_wake, .owner = g };
    int err = p->ops->gc_open(p->impl, &hooks, &g->collecting);
    if (err != OK) {
        proxy_reply_error(p, x, 503, err_text(err));
        proxy_job_destroy(&g->job);
        return;
    }
    http_stream_start(&g->stream, x);
}
