#include "http/proxy/proxy_int.h"

#include <string.h>

#include "http/wire/parse.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

/* ---- life ---- */

int proxy_create(struct proxy **out, const struct proxy_ops *ops, void *impl,
                 struct http_client *client, const struct proxy_options *options)
{
    ASSERT(options->calls_max > 0 && options->version != NULL);
    struct proxy *p = mem_zalloc(sizeof(*p));
    if (p == NULL)
        return ERR_NOMEM;
    p->ops = ops;
    p->impl = impl;
    p->client = client;
    p->options = *options;
    list_init(&p->jobs);
    proxy_extract_init(&p->extract);
    buf_printf(&p->server, "ipfs-cluster/ipfsproxy/%s", options->version);
    if (p->server.err != OK) {
        proxy_destroy(p);
        return ERR_NOMEM;
    }
    *out = p;
    return OK;
}

void proxy_destroy(struct proxy *p)
{
    if (p == NULL)
        return;
    while (!list_is_empty(&p->jobs))
        proxy_job_destroy(list_entry(p->jobs.next, struct proxy_job, link));
    proxy_extract_deinit(&p->extract);
    buf_deinit(&p->server);
    mem_free(p);
}

void *proxy_job_create(struct proxy *p, struct http_exchange *x, size_t size,
                       void (*free_job)(struct proxy_job *job))
{
    struct proxy_job *job = mem_zalloc(size);
    if (job == NULL) {
        proxy_reply_error(p, x, 503, err_text(ERR_NOMEM));
        return NULL;
    }
    job->proxy = p;
    job->x = x;
    job->free = free_job;
    list_push_back(&p->jobs, &job->link);
    x->owner = job;
    return job;
}

void proxy_job_destroy(struct proxy_job *job)
{
    list_remove(&job->link);
    job->free(job);
    mem_free(job);
}

/* ---- answers ---- */

size_t proxy_fields(const struct proxy *p, bool streams, struct http_field out[PROXY_FIELDS_MAX])
{
    size_t count = 0;
    out[count++] = (struct http_field){ { "Server", 6 }, buf_bytes(&p->server) };
    if (streams)
        out[count++] = HTTP_FIELD("X-Chunked-Output", "1");
    return count;
}

void proxy_reply(const struct proxy *p, struct http_exchange *x, int status,
                 const struct buf *document)
{
    struct http_field fields[PROXY_FIELDS_MAX];
    size_t count = proxy_fields(p, false, fields);
    fields[count++] = HTTP_FIELD("Content-Type", "application/json");
    if (document->err != OK) {
        http_reply_begin(x, 503, fields, count, 0);
    } else {
        http_reply_begin(x, status, fields, count, (int64_t)document->len);
        http_reply_write(x, document->data, document->len);
    }
    http_reply_end(x, NULL, 0);
}

void proxy_reply_error(const struct proxy *p, struct http_exchange *x, int status,
                       const char *message)
{
    struct buf document = { 0 };
    struct json_writer w = json_writer_to(&document);
    json_object_begin(&w);
    json_key_string(&w, "Message", message);
    json_key_i64(&w, "Code", 0);
    json_key_string(&w, "Type", "error");
    json_object_end(&w);
    proxy_reply(p, x, status, &document);
    buf_deinit(&document);
}

/* ---- requests ---- */

/* What stands behind "/api/v0/" and the command: NULL when it is another command, "" or "/ARG". */
static const char *proxy_behind(const char *path, const char *command)
{
    static const char front[] = "/api/v0/";
    size_t front_len = sizeof(front) - 1;
    size_t command_len = strlen(command);
    if (strncmp(path, front, front_len) != 0 ||
        strncmp(path + front_len, command, command_len) != 0)
        return NULL;
    const char *rest = path + front_len + command_len;
    return *rest == 0 || *rest == '/' ? rest : NULL;
}

int proxy_arg(const struct http_request *r, const char *command, unsigned nth, struct buf *out)
{
    const char *behind = proxy_behind(r->path, command);
    ASSERT(behind != NULL);
    if (*behind == 0)
        return http_request_param(r, "arg", nth, out);
    if (nth > 0)
        return http_request_param(r, "arg", nth - 1, out);
    buf_clear(out);
    return http_percent_decode(out, behind + 1, strlen(behind + 1), false);
}

int proxy_option(const struct http_request *r, const char *name, const char *short_name,
                 struct buf *out)
{
    int err = http_request_param(r, name, 0, out);
    return err == ERR_NOT_FOUND ? http_request_param(r, short_name, 0, out) : err;
}

bool proxy_flag(const struct http_request *r, const char *name, bool otherwise)
{
    static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
    static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };
    struct buf value = { 0 };
    bool flag = otherwise;
    if (http_request_param(r, name, 0, &value) == OK) {
        const char *text = buf_text(&value);
        for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
            if (strcmp(text, yes[i]) == 0)
                flag = true;
            if (strcmp(text, no[i]) == 0)
                flag = false;
        }
    }
    buf_deinit(&value);
    return flag;
}

/* ---- which request goes where ---- */

struct proxy_command {
    const char *name;
    bool takes_segment; /* "/api/v0/pin/add/CID" means it, too */
    bool is_passed_on;  /* the daemon sees the request, and judges whose it is */
    bool takes_body;    /* finds it held, and resumes */
    void (*handle)(struct proxy *p, struct http_exchange *x);
};

static const struct proxy_command proxy_commands[] = {
    { "pin/add", true, false, true, proxy_pin_add },
    { "pin/rm", true, false, true, proxy_pin_rm },
    { "pin/ls", true, false, false, proxy_pin_ls },
    { "pin/update", false, false, false, proxy_pin_update },
    { "add", false, true, false, proxy_add },
    { "block/put", false, true, false, proxy_block_put },
    { "dag/put", false, true, false, proxy_dag_put },
    { "repo/stat", false, false, false, proxy_repo_stat },
    { "repo/gc", false, false, false, proxy_repo_gc },
};

size_t proxy_command_count(void)
{
    return sizeof(proxy_commands) / sizeof(proxy_commands[0]);
}

const char *proxy_command_at(size_t index)
{
    ASSERT(index < proxy_command_count());
    return proxy_commands[index].name;
}

static bool proxy_is_meant(const struct proxy_command *command, const char *path)
{
    const char *behind = proxy_behind(path, command->name);
    if (behind == NULL)
        return false;
    if (*behind == 0)
        return true;
    return command->takes_segment && behind[1] != 0 && strchr(behind + 1, '/') == NULL;
}

static bool proxy_answers(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "GET") == 0 || strcmp(method, "PUT") == 0;
}

static const struct proxy_command *proxy_command_of(const struct http_request *r)
{
    for (size_t i = 0; i < proxy_command_count(); i++) {
        if (proxy_answers(r->method) && proxy_is_meant(&proxy_commands[i], r->path))
            return &proxy_commands[i];
    }
    return NULL;
}

bool proxy_is_answered_here(const struct http_request *r)
{
    const struct proxy_command *command = proxy_command_of(r);
    return command != NULL && !command->is_passed_on;
}

/* Until it is known whether the request is answered at all. */
static size_t proxy_hold_body(struct http_exchange *x, const void *bytes, size_t len)
{
    (void)x, (void)bytes, (void)len;
    return 0;
}

static void proxy_handle(struct proxy *p, struct http_exchange *x)
{
    const struct proxy_command *command = proxy_command_of(&x->request);
    if (!command->takes_body && x->request.has_body) {
        x->on_body = NULL;
        http_exchange_resume(x);
    }
    command->handle(p, x);
}

static void proxy_answer(struct proxy *p, struct http_exchange *x)
{
    proxy_ask_origin(p, x, proxy_handle);
}

void proxy_on_request(void *owner, struct http_exchange *x)
{
    struct proxy *p = owner;
    const struct proxy_command *command = proxy_command_of(&x->request);
    if (proxy_page_is_hidden(&x->request))
        proxy_refuse_page(
            x); /* the daemon does not look at that field, wherever the request goes */
    else if (command == NULL)
        proxy_pass(p, x);
    else if (command->is_passed_on)
        command->handle(p, x);
    else {
        x->on_body = proxy_hold_body;
        proxy_extract_before(p, x, proxy_answer);
    }
}
