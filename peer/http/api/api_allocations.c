/* api_allocations.c -- /allocations: the shared state, as this peer has it. */
#include "http/api/api_int.h"
#include "state/pin_json.h"

#include <string.h>

struct api_pins {
    struct api *api;
    struct http_stream stream;
    struct api_state_fields state;
    struct pin_list pins;
    struct peer_id_names names; /* of who holds the pins */
    unsigned types;             /* bits of enum pin_type */
    bool has_begun;             /* /pinlist: the array */
    bool has_ended;
};

static void api_pins_done(struct http_stream *stream)
{
    struct api_pins *p = stream->owner;
    buf_deinit(&stream->error);
    pin_list_deinit(&p->pins);
    mem_free(p);
}

static enum http_row api_pins_row(struct http_stream *stream, struct buf *out)
{
    struct api_pins *p = stream->owner;
    const struct pin *pin;
    int err;
    do
        err = pin_list_next(&p->pins, p->api->ops->pins_after, p->api->impl, &pin);
    while (err == OK && (pin->type & p->types) == 0);
    if (err == ERR_NOT_FOUND)
        return HTTP_ROW_END;
    if (err != OK) {
        buf_append_text(&stream->error, err_text(err));
        return HTTP_ROW_FAILED;
    }
    struct json_writer json = json_writer_to(out);
    pin_json_write(&json, pin, &p->names);
    return HTTP_ROW_READY;
}

/* "pin,meta-pin", "all", or empty; 0 when every name is unknown. */
static unsigned api_types(const char *text)
{
    static const enum pin_type all[] = { PIN_TYPE_DATA, PIN_TYPE_META, PIN_TYPE_CLUSTER_DAG,
                                         PIN_TYPE_SHARD };
    unsigned types = 0;
    if (*text == '\0')
        return ~0u;
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
            const char *name = pin_type_name(all[i]);
            if ((strlen(name) == len && memcmp(name, text, len) == 0) ||
                (len == 3 && memcmp(text, "all", 3) == 0))
                types |= all[i];
        }
        text += len + (text[len] == ',');
    }
    return types;
}

API_HANDLER(api_get_allocations)
{
    (void)params;
    struct buf filter = { 0 };
    (void)http_request_param(&x->request, "filter", 0, &filter);
    unsigned types = api_types(buf_text(&filter));
    buf_deinit(&filter);
    if (types == 0) {
        http_reply_error(x, 400, "invalid filter value", NULL, 0);
        return;
    }
    struct api_pins *p = mem_zalloc(sizeof(*p));
    if (p == NULL) {
        api_reply_err(x, ERR_NOMEM, NULL);
        return;
    }
    p->api = owner;
    p->types = types;
    p->stream.owner = p;
    p->stream.next_row = api_pins_row;
    p->stream.done = api_pins_done;
    api_state_fields(p->api, &p->state);
    p->stream.fields = p->state.fields;
    p->stream.fields_count = p->state.count;
    http_stream_start(&p->stream, x);
}

/* ---- GET /pinlist: the same for clients of 0.0.x, as one array ---- */

static void api_pin_write_v0(struct json_writer *w, const struct pin *pin,
                             struct peer_id_names *names)
{
    json_object_begin(w);
    pin_json_cid(w, "cid", &pin->cid);
    pin_json_peers(w, "allocations", pin->allocations, pin->allocations_count, names);
    json_key_i64(w, "replication_factor", pin->replication_max);
    json_object_end(w);
}

static enum http_row api_pinlist_row(struct http_stream *stream, struct buf *out)
{
    struct api_pins *p = stream->owner;
    const struct pin *pin;
    if (p->has_ended)
        return HTTP_ROW_END;
    int err = pin_list_next(&p->pins, p->api->ops->pins_after, p->api->impl, &pin);
    if (err != OK && err != ERR_NOT_FOUND) {
        buf_append_text(&stream->error, err_text(err));
        return HTTP_ROW_FAILED;
    }
    if (!p->has_begun || err == OK)
        buf_append_text(out, p->has_begun ? "," : "[");
    p->has_begun = true;
    if (err == OK) {
        struct json_writer json = json_writer_to(out);
        api_pin_write_v0(&json, pin, &p->names);
    } else {
        buf_append_text(out, "]\n");
        p->has_ended = true;
    }
    return HTTP_ROW_READY;
}

API_HANDLER(api_get_pinlist)
{
    (void)params;
    struct api_pins *p = mem_zalloc(sizeof(*p));
    if (p == NULL) {
        api_reply_err(x, ERR_NOMEM, NULL);
        return;
    }
    p->api = owner;
    p->stream.owner = p;
    p->stream.next_row = api_pinlist_row;
    p->stream.rows_are_raw = true;
    p->stream.done = api_pins_done;
    http_stream_start(&p->stream, x);
}

API_HANDLER(api_get_allocation)
{
    struct api *api = owner;
    struct cid cid;
    if (!api_parse_cid(x, http_param(params, "cid"), &cid))
        return;
    struct arena arena = { 0 };
    struct pin pin;
    struct api_state_fields state;
    api_state_fields(api, &state);
    int err = api->ops->pin_get(api->impl, &cid, &arena, &pin);
    if (err == OK) {
        struct buf document = { 0 };
        struct json_writer json = json_writer_to(&document);
        pin_json_write(&json, &pin, NULL);
        http_reply_json(x, 200, &document, state.fields, state.count);
        buf_deinit(&document);
    } else {
        http_reply_err(x, err, err == ERR_NOT_FOUND ? "pin is not part of the pinset" : NULL,
                       state.fields, state.count);
    }
    arena_deinit(&arena);
}
