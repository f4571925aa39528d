#include "state/pin_json.h"

#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/rfc3339.h"

/* ---- writing ---- */

void pin_json_bytes(struct json_writer *w, const char *key, struct bytes value)
{
    json_key(w, key);
    json_string_len(w, value.data, value.len);
}

void pin_json_time(struct json_writer *w, const char *key, int64_t wall_us)
{
    json_key(w, key);
    char *text = json_text_begin(w, RFC3339_TEXT_SIZE);
    if (text != NULL)
        json_text_end(w, rfc3339_print(text, wall_us));
}

/* V1 shows "no time" as Go's zero time. */
static void pin_json_time_s(struct json_writer *w, const char *key, int64_t wall_s)
{
    if (wall_s == 0)
        json_key_string(w, key, "0001-01-01T00:00:00Z");
    else
        pin_json_time(w, key, wall_s * 1000000);
}

void pin_json_cid(struct json_writer *w, const char *key, const struct cid *cid)
{
    if (cid_is_undefined(cid)) {
        json_key_null(w, key);
        return;
    }
    json_key(w, key);
    char *text = json_text_begin(w, CID_TEXT_SIZE);
    if (text != NULL)
        json_text_end(w, cid_print_to(text, cid));
}

void pin_json_peers(struct json_writer *w, const char *key, const struct peer_id *ids, size_t count,
                    struct peer_id_names *names)
{
    json_key(w, key);
    json_array_begin(w);
    for (size_t i = 0; i < count; i++)
        json_string(w, names != NULL ? peer_id_names_print(names, &ids[i])
                                     : peer_id_print(&ids[i]).text);
    json_array_end(w);
}

void pin_json_origins(struct json_writer *w, const struct pin *pin)
{
    json_key(w, "origins");
    json_array_begin(w);
    for (size_t i = 0; i < pin->origins_count; i++) {
        struct buf text = { 0 };
        multiaddr_print(&pin->origins[i], &text);
        json_string_len(w, (const char *)text.data, text.len);
        buf_deinit(&text);
    }
    json_array_end(w);
}

void pin_json_metadata(struct json_writer *w, const struct pin *pin)
{
    if (pin->metadata_count == 0) {
        json_key_null(w, "metadata");
        return;
    }
    struct buf key = { 0 };
    json_key(w, "metadata");
    json_object_begin(w);
    for (size_t i = 0; i < pin->metadata_count; i++) {
        buf_clear(&key);
        buf_append(&key, pin->metadata[i].key.data, pin->metadata[i].key.len);
        pin_json_bytes(w, buf_text(&key), pin->metadata[i].value);
    }
    json_object_end(w);
    buf_deinit(&key);
}

void pin_json_write(struct json_writer *w, const struct pin *pin, struct peer_id_names *names)
{
    json_object_begin(w);
    json_key_i64(w, "replication_factor_min", pin->replication_min);
    json_key_i64(w, "replication_factor_max", pin->replication_max);
    pin_json_bytes(w, "name", pin->name);
    json_key_string(w, "mode", pin_mode_name(pin));
    json_key_u64(w, "shard_size", pin->shard_size);
    json_key_null(w, "user_allocations"); /* never stored */
    pin_json_time_s(w, "expire_at", pin->expire_s);
    pin_json_metadata(w, pin);
    pin_json_cid(w, "pin_update", &pin->update_of);
    pin_json_origins(w, pin);
    pin_json_cid(w, "cid", &pin->cid);
    json_key_string(w, "type", pin_type_name(pin->type));
    pin_json_peers(w, "allocations", pin->allocations, pin->allocations_count, names);
    json_key_i64(w, "max_depth", pin->max_depth);
    pin_json_cid(w, "reference", &pin->reference);
    pin_json_time_s(w, "timestamp", pin->created_s);
    json_object_end(w);
}

/* ---- reading ---- */

struct pin_json {
    struct json_doc doc;
    struct arena *arena;
    struct pin pin;
    struct buf *why;
    struct buf text; /* of the value being read */
};

static int pin_json_refuse(struct pin_json *j, const char *key, const char *words)
{
    buf_clear(j->why);
    buf_printf(j->why, "%s %s", key, words);
    return ERR_INVALID;
}

/* The member, or JSON_NONE where it is absent or null. */
static int pin_json_member(const struct pin_json *j, const char *key)
{
    int value = json_member(&j->doc, 0, key);
    return json_kind(&j->doc, value) == JSON_NULL ? JSON_NONE : value;
}

static int pin_json_read_text(struct pin_json *j, int value, const char *key)
{
    buf_clear(&j->text);
    int err = json_text(&j->doc, value, &j->text);
    return err == OK ? j->text.err : pin_json_refuse(j, key, "is no text");
}

static int pin_json_keep(struct pin_json *j, struct bytes *out)
{
    const char *kept = arena_copy(j->arena, buf_bytes(&j->text));
    if (kept == NULL)
        return ERR_NOMEM;
    *out = (struct bytes){ kept, j->text.len };
    return OK;
}

static int pin_json_read_cid(struct pin_json *j, const char *key, struct cid *out)
{
    int value = pin_json_member(j, key);
    if (value == JSON_NONE)
        return OK;
    int err = pin_json_read_text(j, value, key);
    if (err == OK)
        err = cid_parse_len(out, (const char *)j->text.data, j->text.len);
    if (err == ERR_TOO_BIG)
        return pin_json_refuse(j, key, "is no CID that IPFS takes: its digest is too long");
    return err == ERR_INVALID ? pin_json_refuse(j, key, "is no CID") : err;
}

static int pin_json_read_i32(struct pin_json *j, const char *key, int32_t *out)
{
    int value = pin_json_member(j, key);
    int64_t number;
    if (value == JSON_NONE)
        return OK;
    if (json_get_i64(&j->doc, value, &number) != OK || number < INT32_MIN || number > INT32_MAX)
        return pin_json_refuse(j, key, "is no whole number");
    *out = (int32_t)number;
    return OK;
}

/* Whole seconds; Go's zero time, and whatever lies before 1970, is "none". */
static int pin_json_read_time(struct pin_json *j, const char *key, int64_t *out_s)
{
    int value = pin_json_member(j, key);
    if (value == JSON_NONE)
        return OK;
    int err = pin_json_read_text(j, value, key);
    int64_t at_us = 0;
    if (err == OK && rfc3339_parse(&at_us, buf_bytes(&j->text)) != OK)
        return pin_json_refuse(j, key, "is no time");
    *out_s = at_us > 0 ? at_us / 1000000 : 0;
    return err;
}

/* By name, or by number as older exports have it. */
static int pin_json_read_type(struct pin_json *j)
{
    static const enum pin_type types[] = { PIN_TYPE_DATA, PIN_TYPE_META, PIN_TYPE_CLUSTER_DAG,
                                           PIN_TYPE_SHARD };
    int value = pin_json_member(j, "type");
    uint64_t number = 0;
    if (value == JSON_NONE)
        return OK;
    bool is_number = json_get_u64(&j->doc, value, &number) == OK;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (is_number ? number == (uint64_t)types[i]
                      : json_text_is(&j->doc, value, pin_type_name(types[i]))) {
            j->pin.type = types[i];
            return OK;
        }
    }
    return pin_json_refuse(j, "type", "is none that is known");
}

static int pin_json_read_depth(struct pin_json *j)
{
    int mode = pin_json_member(j, "mode");
    if (json_text_is(&j->doc, mode, "direct"))
        j->pin.max_depth = PIN_DEPTH_DIRECT;
    return pin_json_read_i32(j, "max_depth", &j->pin.max_depth);
}

/* Refuses what is no array, and one of more than `max`. */
static int pin_json_array(struct pin_json *j, const char *key, enum json_kind kind, size_t max,
                          int *out, size_t *count)
{
    *out = pin_json_member(j, key);
    *count = 0;
    if (*out == JSON_NONE)
        return OK;
    if (json_kind(&j->doc, *out) != kind)
        return pin_json_refuse(j, key, "is no list");
    *count = json_count(&j->doc, *out);
    return *count <= max ? OK : pin_json_refuse(j, key, "has too many entries");
}

static int pin_json_read_allocations(struct pin_json *j)
{
    int list;
    size_t count;
    int err = pin_json_array(j, "allocations", JSON_ARRAY, LIMIT_MEMBERS_COUNT, &list, &count);
    if (err != OK || count == 0)
        return err;
    struct peer_id *ids = arena_array(j->arena, count, sizeof(*ids));
    if (ids == NULL)
        return ERR_NOMEM;
    size_t i = 0;
    for (int at = json_first(&j->doc, list); at != JSON_NONE; at = json_next(&j->doc, at)) {
        err = pin_json_read_text(j, at, "allocations");
        if (err != OK)
            return err;
        if (peer_id_parse_len(&ids[i++], (const char *)j->text.data, j->text.len) != OK)
            return pin_json_refuse(j, "allocations", "has an entry that is no peer's id");
    }
    j->pin.allocations = ids;
    j->pin.allocations_count = count;
    return OK;
}

static int pin_json_read_origins(struct pin_json *j)
{
    int list;
    size_t count;
    int err = pin_json_array(j, "origins", JSON_ARRAY, LIMIT_PIN_ORIGINS_COUNT, &list, &count);
    if (err != OK || count == 0)
        return err;
    struct multiaddr *addrs = arena_array(j->arena, count, sizeof(*addrs));
    if (addrs == NULL)
        return ERR_NOMEM;
    size_t i = 0;
    for (int at = json_first(&j->doc, list); at != JSON_NONE; at = json_next(&j->doc, at)) {
        err = pin_json_read_text(j, at, "origins");
        if (err != OK)
            return err;
        if (multiaddr_parse(&addrs[i++], buf_text(&j->text)) != OK)
            return pin_json_refuse(j, "origins", "has an entry that is no address");
    }
    j->pin.origins = addrs;
    j->pin.origins_count = count;
    return OK;
}

static int pin_json_metadata_order(const void *a, const void *b)
{
    const struct pin_metadata *x = a;
    const struct pin_metadata *y = b;
    return bytes_compare(x->key, y->key);
}

static int pin_json_read_metadata(struct pin_json *j)
{
    int object;
    size_t count;
    int err = pin_json_array(j, "metadata", JSON_OBJECT, LIMIT_PIN_METADATA_COUNT, &object, &count);
    if (err != OK || count == 0)
        return err;
    struct pin_metadata *rows = arena_array(j->arena, count, sizeof(*rows));
    if (rows == NULL)
        return ERR_NOMEM;
    size_t i = 0;
    for (int key = json_first(&j->doc, object); key != JSON_NONE && err == OK;
         key = json_next(&j->doc, key), i++) {
        err = pin_json_read_text(j, key, "metadata");
        if (err == OK)
            err = pin_json_keep(j, &rows[i].key);
        if (err == OK)
            err = pin_json_read_text(j, json_value_of(&j->doc, key), "metadata");
        if (err == OK)
            err = pin_json_keep(j, &rows[i].value);
    }
    qsort(rows, count, sizeof(*rows), pin_json_metadata_order);
    j->pin.metadata = rows;
    j->pin.metadata_count = count;
    return err;
}

/* V0's one factor; what is not said follows from the allocations. */
static int pin_json_read_factor(struct pin_json *j, int32_t *factor)
{
    bool everywhere = false;
    *factor = 0;
    int err = pin_json_read_i32(j, "replication_factor", factor);
    (void)json_get_bool(&j->doc, pin_json_member(j, "everywhere"), &everywhere);
    if (*factor == 0 && (everywhere || j->pin.allocations_count == 0))
        *factor = PIN_EVERYWHERE;
    else if (*factor == 0)
        *factor = (int32_t)j->pin.allocations_count;
    return err;
}

/* V1's two; one that is missing is as the other. */
static int pin_json_read_factors(struct pin_json *j)
{
    struct pin *pin = &j->pin;
    int32_t factor;
    pin->replication_min = pin->replication_max = 0;
    int err = pin_json_read_factor(j, &factor);
    if (err == OK)
        err = pin_json_read_i32(j, "replication_factor_min", &pin->replication_min);
    if (err == OK)
        err = pin_json_read_i32(j, "replication_factor_max", &pin->replication_max);
    if (pin->replication_min == 0)
        pin->replication_min = pin->replication_max != 0 ? pin->replication_max : factor;
    if (pin->replication_max == 0)
        pin->replication_max = pin->replication_min;
    if (pin->replication_max == PIN_EVERYWHERE)
        pin->allocations_count = 0; /* all peers: no names are needed */
    return err;
}

static int pin_json_read_all(struct pin_json *j)
{
    int err = pin_json_read_cid(j, "cid", &j->pin.cid);
    if (err == OK)
        err = pin_json_read_type(j);
    if (err == OK)
        err = pin_json_read_depth(j);
    if (err == OK)
        err = pin_json_read_allocations(j);
    if (err == OK)
        err = pin_json_read_factors(j);
    if (err == OK)
        err = pin_json_read_cid(j, "reference", &j->pin.reference);
    if (err == OK)
        err = pin_json_read_cid(j, "pin_update", &j->pin.update_of);
    if (err == OK)
        err = pin_json_read_time(j, "timestamp", &j->pin.created_s);
    if (err == OK)
        err = pin_json_read_time(j, "expire_at", &j->pin.expire_s);
    if (err == OK)
        err = pin_json_read_origins(j);
    if (err == OK)
        err = pin_json_read_metadata(j);
    int name = pin_json_member(j, "name");
    if (err == OK && name != JSON_NONE) {
        err = pin_json_read_text(j, name, "name");
        if (err == OK)
            err = pin_json_keep(j, &j->pin.name);
    }
    int shard_size = pin_json_member(j, "shard_size");
    if (err == OK && shard_size != JSON_NONE &&
        json_get_u64(&j->doc, shard_size, &j->pin.shard_size) != OK)
        err = pin_json_refuse(j, "shard_size", "is no whole number");
    return err;
}

int pin_json_read(struct pin *out, struct arena *arena, struct bytes text, const struct cid *name,
                  struct buf *why)
{
    struct pin_json j = { .arena = arena, .pin = pin_of(name), .why = why };
    const char *words;
    int err = json_parse(&j.doc, text.data, text.len);
    if (err == OK && json_kind(&j.doc, 0) != JSON_OBJECT)
        err = ERR_INVALID;
    if (err == ERR_INVALID || err == ERR_TOO_BIG) {
        buf_clear(why);
        buf_append_text(why, "this is no JSON object");
        err = ERR_INVALID;
    } else if (err == OK) {
        err = pin_json_read_all(&j);
    }
    if (err == OK && pin_check_asked(&j.pin, &words) != OK) {
        buf_clear(why);
        buf_append_text(why, words);
        err = ERR_INVALID;
    }
    if (err == OK)
        *out = j.pin;
    json_doc_deinit(&j.doc);
    buf_deinit(&j.text);
    return err;
}
