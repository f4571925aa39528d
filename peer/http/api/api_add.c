/* api_add.c -- POST /add: the body goes through to the IPFS daemons while it arrives, their rows come back (SPEC 1.5).
 *
 * The answer begins with the first thing to say, and its status is 200 then: what goes wrong later is told by the trailer
 * X-Stream-Error, behind the rows. What is known to be wrong before anybody has got a byte has a status of its own; so
 * has every failure when the client does not want a stream but one array. */
#include "http/api/api_int.h"

#include <stdlib.h>
#include <string.h>

#include "http/wire/multipart.h"

enum {
    ADD_WORD_BYTES_MAX = 128,               /* a chunker, a hash function */
    ADD_ARRAY_BYTES_MAX = 16 * 1024 * 1024, /* without a stream the rows wait here */
};

struct api_upload {
    struct api *api;
    struct http_exchange *x; /* NULL: the answer is complete */
    struct api_add add;
    struct arena arena; /* of what `add` points at */
    char boundary[HTTP_MULTIPART_BOUNDARY_MAX + 1];
    bool is_array;
    bool body_ended;
    struct buf row;
    struct buf rows; /* of an array */
};

static void api_upload_free(struct api_upload *u)
{
    arena_deinit(&u->arena);
    buf_deinit(&u->row);
    buf_deinit(&u->rows);
    mem_free(u);
}

/* ---- the query ---- */

struct add_query {
    const struct http_request *request;
    struct arena *arena;
    struct buf value;
    struct buf *why;
};

static bool add_query_has(struct add_query *q, const char *name)
{
    buf_clear(&q->value);
    return http_request_param(q->request, name, 0, &q->value) == OK && q->value.len > 0;
}

static int add_query_refuse(struct add_query *q, const char *format, const char *name)
{
    buf_clear(q->why);
    buf_printf(q->why, format, name);
    return ERR_INVALID;
}

/* As Go's ParseBool reads one. */
static int add_query_bool(struct add_query *q, const char *name, bool *out)
{
    static const char *const words[] = { "1", "t", "T", "TRUE",  "true",  "True",
                                         "0", "f", "F", "FALSE", "false", "False" };
    if (!add_query_has(q, name))
        return OK;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(buf_text(&q->value), words[i]) == 0) {
            *out = i < 6;
            return OK;
        }
    }
    return add_query_refuse(q, "parameter %s invalid", name);
}

static int add_query_word(struct add_query *q, const char *name, const char **out)
{
    if (!add_query_has(q, name))
        return OK;
    if (q->value.len > ADD_WORD_BYTES_MAX)
        return add_query_refuse(q, "parameter %s invalid", name);
    *out = arena_copy(q->arena, buf_bytes(&q->value));
    return *out != NULL ? OK : ERR_NOMEM;
}

/* Exactly one of the two words. */
static int add_query_choice(struct add_query *q, const char *name, const char *no, const char *yes,
                            bool *out)
{
    if (!add_query_has(q, name))
        return OK;
    *out = strcmp(buf_text(&q->value), yes) == 0;
    if (*out || strcmp(buf_text(&q->value), no) == 0)
        return OK;
    return add_query_refuse(q, "%s parameter is invalid", name);
}

/* A hash other than SHA-256 has no CID of version 0; leaves are raw from version 1 on, unless that is said otherwise. */
static int add_query_cid(struct add_query *q, struct api_add *add)
{
    bool is_said = add_query_has(q, "cid-version");
    if (is_said) {
        char *end;
        long version = strtol(buf_text(&q->value), &end, 10);
        if (*end != '\0' || version < 0 || version > 1)
            return add_query_refuse(q, "parameter %s invalid", "cid-version");
        add->cid_version = (uint8_t)version;
    }
    int err = add_query_word(q, "hash", &add->hash);
    if (err == OK && !is_said && strcmp(add->hash, "sha2-256") != 0)
        add->cid_version = 1;
    add->has_raw_leaves = add->cid_version > 0;
    return err == OK ? add_query_bool(q, "raw-leaves", &add->has_raw_leaves) : err;
}

static int add_query_unsupported(struct add_query *q)
{
    bool is_sharded = false;
    bool is_nocopy = false;
    int err = add_query_bool(q, "shard", &is_sharded);
    if (err == OK)
        err = add_query_bool(q, "nocopy", &is_nocopy);
    if (err == OK && is_sharded)
        return add_query_refuse(q, "%s: content is not split into shards here; leave it out",
                                "shard=true");
    if (err == OK && is_nocopy)
        return add_query_refuse(
            q, "%s: the IPFS daemons do not share files with the client; leave it out",
            "nocopy=true");
    return err;
}

static int add_query_flags(struct add_query *q, struct api_upload *u)
{
    bool streams = true;
    bool for_client = false; /* what only concerns who walks a folder */
    const struct {
        const char *name;
        bool *out;
    } flags[] = {
        { "wrap-with-directory", &u->add.wraps },
        { "progress", &u->add.has_progress },
        { "local", &u->add.is_local },
        { "no-pin", &u->add.is_not_pinned },
        { "stream-channels", &streams },
        { "hidden", &for_client },
        { "recursive", &for_client },
    };
    int err = OK;
    for (size_t i = 0; err == OK && i < sizeof(flags) / sizeof(flags[0]); i++)
        err = add_query_bool(q, flags[i].name, flags[i].out);
    u->is_array = !streams;
    return err;
}

static int add_query_import(struct add_query *q, struct api_add *add)
{
    add->chunker = "size-262144";
    add->hash = "sha2-256";
    int err = add_query_choice(q, "layout", "balanced", "trickle", &add->is_trickle);
    if (err == OK)
        err = add_query_choice(q, "format", "unixfs", "car", &add->is_car);
    if (err == OK)
        err = add_query_word(q, "chunker", &add->chunker);
    if (err == OK)
        err = add_query_cid(q, add);
    if (err == OK && add->is_car && add->wraps)
        return add_query_refuse(q, "%s", "cannot wrap a CAR file upload");
    return err;
}

static int api_upload_parse(struct api_upload *u, struct buf *why)
{
    const struct http_request *r = &u->x->request;
    struct add_query q = { .request = r, .arena = &u->arena, .why = why };
    static const struct cid none;
    u->add.pin = pin_of(&none);
    int err = add_query_flags(&q, u);
    if (err == OK)
        err = add_query_import(&q, &u->add);
    if (err == OK)
        err = add_query_unsupported(&q);
    if (err == OK)
        err = api_parse_options(r, u->api->ops->wall_us(u->api->impl), &u->arena, &u->add.pin,
                                &u->add.priority, &u->add.priority_count, why);
    u->add.pin.max_depth = PIN_DEPTH_RECURSIVE;
    u->add.pin.update_of = none;
    buf_deinit(&q.value);
    return err;
}

/* ---- the answer ---- */

enum { ADD_FIELDS_MAX = 4 };

static void api_upload_begin(struct api_upload *u)
{
    static const struct http_field fields[ADD_FIELDS_MAX] = {
        HTTP_FIELD("Content-Type", "application/json"),
        HTTP_FIELD("Cache-Control", "no-cache"),
        HTTP_FIELD("X-Chunked-Output", "1"),
        HTTP_FIELD("Trailer", "X-Stream-Error"),
    };
    if (!u->x->reply_begun)
        http_reply_begin(u->x, 200, fields, ADD_FIELDS_MAX, -1);
}

static void api_upload_put_row(struct api_upload *u, const struct api_added *row)
{
    struct json_writer w = json_writer_to(&u->row);
    json_object_begin(&w);
    json_key(&w, "name");
    json_string_len(&w, row->name.data, row->name.len);
    if (cid_is_undefined(&row->cid))
        json_key_null(&w, "cid");
    else
        json_key_string(&w, "cid", cid_print(&row->cid).text);
    if (row->bytes > 0)
        json_key_u64(&w, "bytes", row->bytes);
    if (row->size > 0)
        json_key_u64(&w, "size", row->size);
    if (u->add.allocations_count > 0 && !cid_is_undefined(&row->cid)) {
        json_key(&w, "allocations");
        json_array_begin(&w);
        for (size_t i = 0; i < u->add.allocations_count; i++)
            json_string(&w, peer_id_print(&u->add.allocations[i]).text);
        json_array_end(&w);
    }
    json_object_end(&w);
}

static bool api_upload_on_row(struct api_add *add, const struct api_added *row)
{
    struct api_upload *u = add->owner;
    buf_clear(&u->row);
    if (u->is_array && u->rows.len > 0)
        buf_put_u8(&u->row, ',');
    api_upload_put_row(u, row);
    if (u->is_array) {
        buf_append(&u->rows, u->row.data, u->row.len);
        return true;
    }
    buf_put_u8(&u->row, '\n');
    api_upload_begin(u);
    return http_reply_write(u->x, u->row.data, u->row.len);
}

static void api_upload_answer_array(struct api_upload *u)
{
    struct buf document = { 0 };
    buf_put_u8(&document, '[');
    buf_append(&document, u->rows.data, u->rows.len);
    buf_put_u8(&document, ']');
    static const struct http_field uncached[] = { HTTP_FIELD("Cache-Control", "no-cache") };
    http_reply_json(u->x, 200, &document, uncached, 1);
    buf_deinit(&document);
}

static void api_upload_answer_error(struct api_upload *u, int err, const char *why)
{
    if (why[0] == '\0')
        why = err_text(err);
    if (!u->x->reply_begun && !u->add.is_started) {
        http_reply_err(u->x, err, why, NULL, 0);
    } else if (u->is_array) {
        http_reply_error(u->x, 500, why, NULL, 0);
    } else if (u->x->request.minor_version == 0 && u->x->reply_begun) {
        http_reply_kill(u->x); /* HTTP/1.0 has no trailers */
    } else if (u->x->request.minor_version == 0) {
        http_reply_error(u->x, 500, why, NULL, 0);
    } else {
        struct http_field trailer = { { "X-Stream-Error", 14 }, { why, strlen(why) } };
        api_upload_begin(u);
        http_reply_end(u->x, &trailer, 1);
    }
}

static void api_upload_done(struct api_add *add, int err, const char *why)
{
    struct api_upload *u = add->owner;
    if (err == OK && u->rows.err != OK) {
        err = u->rows.err;
        why = "too many files for one array: leave stream-channels=false out";
    }
    if (err != OK) {
        api_upload_answer_error(u, err, why);
    } else if (u->is_array) {
        api_upload_answer_array(u);
    } else {
        api_upload_begin(u);
        http_reply_end(u->x, NULL, 0);
    }
    api_upload_free(u);
}

/* ---- the body ---- */

static size_t api_upload_on_body(struct http_exchange *x, const void *bytes, size_t len)
{
    struct api_upload *u = x->owner;
    return u->api->ops->add_write(u->api->impl, &u->add, bytes, len);
}

static void api_upload_on_body_end(struct http_exchange *x)
{
    struct api_upload *u = x->owner;
    u->body_ended = true;
    u->api->ops->add_end(u->api->impl, &u->add);
}

static void api_upload_on_room(struct api_add *add)
{
    struct api_upload *u = add->owner;
    if (!u->body_ended)
        http_exchange_resume(u->x);
}

static void api_upload_on_drain(struct http_exchange *x)
{
    struct api_upload *u = x->owner;
    u->api->ops->add_resume(u->api->impl, &u->add);
}

static void api_upload_on_abort(struct http_exchange *x)
{
    struct api_upload *u = x->owner;
    u->api->ops->add_close(u->api->impl, &u->add);
    api_upload_free(u);
}

/* ---- the request ---- */

static int api_upload_start(struct api_upload *u, struct buf *why)
{
    int err = api_upload_parse(u, why);
    u->add.boundary = u->boundary;
    u->add.on_row = api_upload_on_row;
    u->add.on_room = api_upload_on_room;
    u->add.done = api_upload_done;
    u->add.owner = u;
    u->rows.limit = ADD_ARRAY_BYTES_MAX;
    if (err != OK)
        return err;
    err = u->api->ops->add_open(u->api->impl, &u->add, why);
    if (err != OK)
        return err;
    u->x->owner = u;
    u->x->on_body = api_upload_on_body;
    u->x->on_body_end = api_upload_on_body_end;
    u->x->on_drain = api_upload_on_drain;
    u->x->on_abort = api_upload_on_abort;
    return OK;
}

API_HANDLER(api_post_add)
{
    (void)params;
    struct api *api = owner;
    struct api_upload *u = mem_zalloc(sizeof(*u));
    struct buf why = { 0 };
    if (u == NULL) {
        api_reply_err(x, ERR_NOMEM, NULL);
        return;
    }
    u->api = api;
    u->x = x;
    int err = http_multipart_boundary(http_request_field(&x->request, "Content-Type"), u->boundary);
    if (err == OK)
        err = api_upload_start(u, &why);
    else
        buf_append_text(&why, "request Content-Type isn't multipart/form-data");
    if (err != OK) {
        api_reply_err(x, err, buf_text(&why));
        api_upload_free(u);
    }
    buf_deinit(&why);
}
