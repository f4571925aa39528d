/* api_options.c -- pin options of the query, as V1 reads them (SPEC 1.4). */
#include "http/api/api_int.h"
#include "http/wire/parse.h"
#include "util/duration.h"
#include "util/rfc3339.h"

#include <stdlib.h>
#include <string.h>

struct options {
    const struct http_request *request;
    int64_t now_us;
    struct arena *arena;
    struct pin *pin;
    struct buf *why;
    struct buf value; /* of the parameter being read */
    int err;          /* ERR_NOMEM, once: what was not read was not absent */
};

/* Reads a parameter into o->value; false when absent or empty, as V1 treats both alike. */
static bool options_has(struct options *o, const char *name)
{
    buf_clear(&o->value);
    int err = http_request_param(o->request, name, 0, &o->value);
    if (err == ERR_NOMEM)
        o->err = err;
    return err == OK && o->value.len > 0;
}

static int options_refuse(struct options *o, const char *text)
{
    buf_clear(o->why);
    buf_append_text(o->why, text);
    return ERR_INVALID;
}

static int options_int(struct options *o, const char *name, int32_t *out)
{
    if (!options_has(o, name))
        return OK;
    const char *text = buf_text(&o->value);
    char *end;
    long value = strtol(text, &end, 10);
    if (*end != '\0' || value < INT32_MIN || value > INT32_MAX) {
        buf_clear(o->why);
        buf_printf(o->why, "parameter %s invalid", name);
        return ERR_INVALID;
    }
    *out = (int32_t)value;
    return OK;
}

static int options_factors(struct options *o)
{
    int err = options_int(o, "replication-min", &o->pin->replication_min);
    if (err == OK)
        err = options_int(o, "replication-max", &o->pin->replication_max);
    int32_t both = 0;
    if (err == OK)
        err = options_int(o, "replication", &both);
    if (err == OK && options_has(o, "replication")) { /* 0, too: then what the others say is void */
        o->pin->replication_min = both;
        o->pin->replication_max = both;
    }
    both = 0;
    if (err == OK)
        err = options_int(o, "replication_factor", &both); /* V0's name */
    if (err == OK && both != 0) {
        o->pin->replication_min = both < 0 ? PIN_EVERYWHERE : both;
        o->pin->replication_max = both < 0 ? PIN_EVERYWHERE : both;
    }
    return err;
}

static int options_text(struct options *o)
{
    if (options_has(o, "name")) {
        const char *name = arena_copy(o->arena, buf_bytes(&o->value));
        if (name == NULL)
            return ERR_NOMEM;
        o->pin->name = (struct bytes){ name, o->value.len };
    }
    if (options_has(o, "mode") && strcmp(buf_text(&o->value), "direct") == 0)
        o->pin->max_depth = PIN_DEPTH_DIRECT;
    if (options_has(o, "shard-size")) {
        const char *text = buf_text(&o->value);
        o->pin->shard_size = strtoull(text, NULL, 10);
        if (*text == '\0' || text[strspn(text, "0123456789")] != '\0' || strlen(text) > 19)
            return options_refuse(o, "parameter shard_size is invalid");
    }
    return OK;
}

static int options_expiry(struct options *o)
{
    if (options_has(o, "expire-at")) {
        int64_t at_us;
        if (rfc3339_parse(&at_us, buf_bytes(&o->value)) != OK) {
            buf_printf(o->why, "expire-at cannot be parsed: %s", buf_text(&o->value));
            return ERR_INVALID;
        }
        o->pin->expire_s = at_us / 1000000;
        return OK;
    }
    if (!options_has(o, "expire-in"))
        return OK;
    int64_t in_us;
    if (duration_parse(&in_us, buf_bytes(&o->value)) != OK) {
        buf_printf(o->why, "expire-in cannot be parsed: %s", buf_text(&o->value));
        return ERR_INVALID;
    }
    if (in_us < 1000000)
        return options_refuse(o, "expire-in duration too short");
    o->pin->expire_s = (o->now_us + in_us) / 1000000;
    return OK;
}

/* A preference; but not of somebody who cannot exist. */
static int options_priority(struct options *o, const struct peer_id **out, size_t *count)
{
    *count = 0;
    *out = NULL;
    if (!options_has(o, "user-allocations"))
        return OK;
    struct peer_id *ids = arena_array(o->arena, LIMIT_MEMBERS_COUNT, sizeof(*ids));
    if (ids == NULL)
        return ERR_NOMEM;
    char *text = arena_copy(o->arena, buf_bytes(&o->value));
    char *rest = text;
    char *one;
    while (text != NULL && (one = strsep(&rest, ",")) != NULL && *count < LIMIT_MEMBERS_COUNT) {
        if (*one == '\0')
            continue;
        if (peer_id_parse(&ids[*count], one) != OK) {
            buf_printf(o->why, "user-allocations: %s is no peer id", one);
            return ERR_INVALID;
        }
        *count += 1;
    }
    *out = ids;
    return text == NULL ? ERR_NOMEM : OK;
}

static int options_origins(struct options *o)
{
    if (!options_has(o, "origins"))
        return OK;
    struct multiaddr *addrs = arena_array(o->arena, LIMIT_PIN_ORIGINS_COUNT, sizeof(*addrs));
    char *rest = arena_copy(o->arena, buf_bytes(&o->value));
    if (addrs == NULL || rest == NULL)
        return ERR_NOMEM;
    char *one;
    while ((one = strsep(&rest, ",")) != NULL) {
        if (o->pin->origins_count == LIMIT_PIN_ORIGINS_COUNT)
            return options_refuse(o, "too many origins");
        struct multiaddr *addr = &addrs[o->pin->origins_count++];
        struct peer_id peer;
        if (multiaddr_parse(addr, one) != OK) {
            buf_printf(o->why, "error decoding multiaddress: %s", one);
            return ERR_INVALID;
        }
        if (multiaddr_peer(addr, &peer) != OK) {
            buf_printf(o->why, "multiaddress does not contain peer ID: %s", one);
            return ERR_INVALID;
        }
    }
    o->pin->origins = addrs;
    return OK;
}

static int options_update(struct options *o)
{
    if (!options_has(o, "pin-update") || cid_parse(&o->pin->update_of, buf_text(&o->value)) == OK)
        return OK;
    buf_printf(o->why, "error decoding update option parameter: %s", buf_text(&o->value));
    return ERR_INVALID;
}

/* ---- metadata: every meta-KEY=VALUE ---- */

static int metadata_order(const void *a, const void *b)
{
    const struct pin_metadata *x = a;
    const struct pin_metadata *y = b;
    return bytes_compare(x->key, y->key);
}

/* The first of several equal keys counts. */
static int options_metadata_one(struct options *o, struct pin_metadata *rows, struct bytes key,
                                struct bytes value)
{
    for (size_t i = 0; i < o->pin->metadata_count; i++) {
        if (bytes_equal(rows[i].key, key))
            return OK;
    }
    if (o->pin->metadata_count == LIMIT_PIN_METADATA_COUNT)
        return options_refuse(o, "too much metadata");
    struct pin_metadata *row = &rows[o->pin->metadata_count++];
    row->key = (struct bytes){ arena_copy(o->arena, key), key.len };
    row->value = (struct bytes){ arena_copy(o->arena, value), value.len };
    return row->key.data == NULL || row->value.data == NULL ? ERR_NOMEM : OK;
}

static int options_metadata(struct options *o)
{
    static const char prefix[] = "meta-";
    const size_t prefix_len = sizeof(prefix) - 1;
    struct pin_metadata *rows = arena_array(o->arena, LIMIT_PIN_METADATA_COUNT, sizeof(*rows));
    if (rows == NULL)
        return ERR_NOMEM;
    struct buf key = { 0 };
    const char *query = o->request->query;
    int err = OK;
    for (;;) {
        int more = http_query_next(&query, &key, &o->value);
        if (more == ERR_NOT_FOUND || err != OK)
            break;
        if (more == OK && key.len > prefix_len && memcmp(key.data, prefix, prefix_len) == 0)
            err = options_metadata_one(
                o, rows, (struct bytes){ key.data + prefix_len, key.len - prefix_len },
                buf_bytes(&o->value));
        else if (more == ERR_NOMEM)
            err = ERR_NOMEM;
    }
    if (o->pin->metadata_count > 0)
        qsort(rows, o->pin->metadata_count, sizeof(*rows), metadata_order);
    o->pin->metadata = rows;
    buf_deinit(&key);
    return err;
}

int api_parse_options(const struct http_request *r, int64_t now_us, struct arena *arena,
                      struct pin *pin, const struct peer_id **priority, size_t *priority_count,
                      struct buf *why)
{
    struct options o = { .request = r, .now_us = now_us, .arena = arena, .pin = pin, .why = why };
    pin->replication_min = 0; /* the configuration's */
    pin->replication_max = 0;
    pin->created_s = now_us / 1000000;
    int err = options_factors(&o);
    if (err == OK)
        err = options_text(&o);
    if (err == OK)
        err = options_expiry(&o);
    if (err == OK)
        err = options_priority(&o, priority, priority_count);
    if (err == OK)
        err = options_origins(&o);
    if (err == OK)
        err = options_update(&o);
    if (err == OK)
        err = options_metadata(&o);
    buf_deinit(&o.value);
    return o.err != OK ? o.err : err;
}
