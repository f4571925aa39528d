#include "state/pin.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"

/* Of a row that by-holder says nothing of. Entries never have it, and an older build refuses it. */
enum { PIN_VERSION_FIRST = 1, PIN_VERSION_UNLISTED = 2, PIN_VERSION_MAX = PIN_VERSION_UNLISTED };

struct pin pin_of(const struct cid *cid)
{
    return (struct pin){
        .cid = *cid,
        .type = PIN_TYPE_DATA,
        .replication_min = PIN_EVERYWHERE,
        .replication_max = PIN_EVERYWHERE,
        .max_depth = PIN_DEPTH_RECURSIVE,
    };
}

static bool pin_type_is_known(uint32_t type)
{
    return type == PIN_TYPE_DATA || type == PIN_TYPE_META || type == PIN_TYPE_CLUSTER_DAG ||
           type == PIN_TYPE_SHARD;
}

const char *pin_type_name(enum pin_type type)
{
    switch (type) {
    case PIN_TYPE_DATA:
        return "pin";
    case PIN_TYPE_META:
        return "meta-pin";
    case PIN_TYPE_CLUSTER_DAG:
        return "clusterdag-pin";
    case PIN_TYPE_SHARD:
        return "shard-pin";
    }
    return "bad-type";
}

const char *pin_mode_name(const struct pin *pin)
{
    return pin->max_depth == PIN_DEPTH_DIRECT ? "direct" : "recursive";
}

bool pin_is_everywhere(const struct pin *pin)
{
    return pin->allocations_count == 0;
}

bool pin_is_held_by(const struct pin *pin, const struct peer_id *peer)
{
    for (size_t i = 0; i < pin->allocations_count; i++) {
        if (peer_id_equal(&pin->allocations[i], peer))
            return true;
    }
    return pin_is_everywhere(pin);
}

struct pin_hold pin_hold_of(const struct pin *pin, const struct peer_id *peer)
{
    return (struct pin_hold){ .cid = pin->cid,
                              .type = pin->type,
                              .max_depth = pin->max_depth,
                              .created_s = pin->created_s,
                              .modified_index = pin->modified_index,
                              .is_held = pin_is_held_by(pin, peer),
                              .is_everybodys = pin_is_everywhere(pin) };
}

/* ---- bytes ---- */

static void pin_put_cid(struct buf *out, const struct cid *cid)
{
    buf_put_run(out, cid->bytes, cid->len);
}

void pin_encode(const struct pin *pin, struct buf *out)
{
    buf_put_u8(out, pin->is_unlisted ? PIN_VERSION_UNLISTED : PIN_VERSION_FIRST);
    buf_put_u64(out, pin->modified_index);
    pin_put_cid(out, &pin->cid);
    buf_put_u8(out, (uint8_t)pin->type);
    buf_put_u32(out, (uint32_t)pin->replication_min);
    buf_put_u32(out, (uint32_t)pin->replication_max);
    buf_put_u32(out, (uint32_t)pin->max_depth);
    buf_put_u64(out, pin->shard_size);
    buf_put_u64(out, (uint64_t)pin->created_s);
    buf_put_u64(out, (uint64_t)pin->expire_s);
    pin_put_cid(out, &pin->reference);
    pin_put_cid(out, &pin->update_of);
    buf_put_run(out, pin->name.data, pin->name.len);
    buf_put_varint(out, pin->metadata_count);
    for (size_t i = 0; i < pin->metadata_count; i++) {
        buf_put_run(out, pin->metadata[i].key.data, pin->metadata[i].key.len);
        buf_put_run(out, pin->metadata[i].value.data, pin->metadata[i].value.len);
    }
    buf_put_varint(out, pin->origins_count);
    for (size_t i = 0; i < pin->origins_count; i++)
        buf_put_run(out, pin->origins[i].bytes, pin->origins[i].len);
    buf_put_varint(out, pin->allocations_count);
    for (size_t i = 0; i < pin->allocations_count; i++)
        buf_put_run(out, pin->allocations[i].bytes, pin->allocations[i].len);
}

/* What decoding needs to hand down: the bytes, where copies go, the first failure. */
struct pin_reader {
    struct reader in;
    struct arena *arena;
    int err;
};

static void pin_read_fail(struct pin_reader *r, int err)
{
    if (r->err == OK)
        r->err = err;
}

static struct bytes pin_read_text(struct pin_reader *r)
{
    struct bytes raw = reader_run(&r->in, LIMIT_PIN_BYTES);
    if (raw.len == 0)
        return (struct bytes){ "", 0 };
    char *copy = arena_copy(r->arena, raw);
    if (copy == NULL) {
        pin_read_fail(r, ERR_NOMEM);
        return (struct bytes){ "", 0 };
    }
    return (struct bytes){ copy, raw.len };
}

/* Into one that is undefined. */
static void pin_read_cid(struct pin_reader *r, bool may_be_undefined, struct cid *out)
{
    struct bytes raw = reader_run(&r->in, LIMIT_CID_BYTES);
    if (raw.len == 0 && may_be_undefined)
        return;
    if (cid_from_bytes(out, raw.data, raw.len) != OK)
        pin_read_fail(r, ERR_CORRUPT);
}

/* A count, and room for so many elements; 0 and NULL for none, or when something is wrong. No element takes
 * less than a byte, so what is left bounds the count before memory is asked for. */
static size_t pin_read_count(struct pin_reader *r, size_t count_max, size_t size, void **room)
{
    *room = NULL;
    uint64_t count = reader_varint(&r->in);
    if (count > count_max || count > r->in.left)
        pin_read_fail(r, ERR_CORRUPT);
    if (count == 0 || r->err != OK)
        return 0;
    *room = arena_array(r->arena, (size_t)count, size);
    if (*room == NULL) {
        pin_read_fail(r, ERR_NOMEM);
        return 0;
    }
    return (size_t)count;
}

static void pin_read_metadata(struct pin_reader *r, struct pin *pin)
{
    void *room;
    pin->metadata_count =
        pin_read_count(r, LIMIT_PIN_METADATA_COUNT, sizeof(*pin->metadata), &room);
    struct pin_metadata *metadata = room;
    for (size_t i = 0; i < pin->metadata_count; i++) {
        metadata[i].key = pin_read_text(r);
        metadata[i].value = pin_read_text(r);
    }
    pin->metadata = metadata;
}

static void pin_read_origins(struct pin_reader *r, struct pin *pin)
{
    void *room;
    pin->origins_count = pin_read_count(r, LIMIT_PIN_ORIGINS_COUNT, sizeof(*pin->origins), &room);
    struct multiaddr *origins = room;
    for (size_t i = 0; i < pin->origins_count; i++) {
        struct bytes raw = reader_run(&r->in, LIMIT_MULTIADDR_BYTES);
        if (multiaddr_from_bytes(&origins[i], raw.data, raw.len) != OK)
            pin_read_fail(r, ERR_CORRUPT);
    }
    pin->origins = origins;
}

static void pin_read_allocations(struct pin_reader *r, struct pin *pin)
{
    void *room;
    pin->allocations_count =
        pin_read_count(r, LIMIT_MEMBERS_COUNT, sizeof(*pin->allocations), &room);
    struct peer_id *allocations = room;
    for (size_t i = 0; i < pin->allocations_count; i++) {
        struct bytes raw = reader_run(&r->in, LIMIT_PEER_ID_BYTES);
        if (peer_id_from_bytes(&allocations[i], raw.data, raw.len) != OK)
            pin_read_fail(r, ERR_CORRUPT);
    }
    pin->allocations = allocations;
}

int pin_decode(struct pin *out, struct arena *arena, const void *bytes, size_t len)
{
    struct pin_reader r = { .in = reader_of(bytes, len), .arena = arena };
    uint8_t version = reader_u8(&r.in);
    /* Into a cleared struct, field by field: nothing of an earlier pin shines through (K39). */
    *out = (struct pin){ .is_unlisted = version == PIN_VERSION_UNLISTED };
    if (r.in.err == OK && version > PIN_VERSION_MAX)
        return ERR_VERSION;
    out->modified_index = reader_u64(&r.in);
    pin_read_cid(&r, false, &out->cid);
    uint8_t type = reader_u8(&r.in);
    out->replication_min = (int32_t)reader_u32(&r.in);
    out->replication_max = (int32_t)reader_u32(&r.in);
    out->max_depth = (int32_t)reader_u32(&r.in);
    out->shard_size = reader_u64(&r.in);
    out->created_s = (int64_t)reader_u64(&r.in);
    out->expire_s = (int64_t)reader_u64(&r.in);
    pin_read_cid(&r, true, &out->reference);
    pin_read_cid(&r, true, &out->update_of);
    out->name = pin_read_text(&r);
    pin_read_metadata(&r, out);
    pin_read_origins(&r, out);
    pin_read_allocations(&r, out);

    if (reader_finish(&r.in) != OK || version == 0 || !pin_type_is_known(type))
        pin_read_fail(&r, ERR_CORRUPT);
    if (r.err != OK)
        *out = (struct pin){ 0 }; /* what was read so far is none */
    else
        out->type = (enum pin_type)type;
    return r.err;
}

/* A count that the reader has room for; what is behind a wrong one is not read. */
static uint64_t pin_pass_count(struct reader *in, size_t count_max)
{
    uint64_t count = reader_varint(in);
    if (count <= count_max && count <= in->left)
        return count;
    reader_fail(in);
    return 0;
}

/* Metadata and origins. */
static void pin_pass_lists(struct reader *in)
{
    for (uint64_t n = 2 * pin_pass_count(in, LIMIT_PIN_METADATA_COUNT); n > 0; n--)
        (void)reader_run(in, LIMIT_PIN_BYTES);
    for (uint64_t n = pin_pass_count(in, LIMIT_PIN_ORIGINS_COUNT); n > 0; n--)
        (void)reader_run(in, LIMIT_MULTIADDR_BYTES);
}

static void pin_read_holders(struct reader *in, const struct peer_id *peer, struct pin_hold *hold)
{
    uint64_t count = pin_pass_count(in, LIMIT_MEMBERS_COUNT);
    hold->is_held = hold->is_everybodys = count == 0;
    for (; count > 0; count--) {
        struct bytes id = reader_run(in, LIMIT_PEER_ID_BYTES);
        hold->is_held |= bytes_equal(id, (struct bytes){ peer->bytes, peer->len });
    }
}

int pin_decode_hold(struct pin_hold *out, const struct peer_id *peer, const void *bytes, size_t len)
{
    struct reader in = reader_of(bytes, len);
    uint8_t version = reader_u8(&in);
    if (in.err == OK && version > PIN_VERSION_MAX)
        return ERR_VERSION;
    *out = (struct pin_hold){ 0 };
    out->modified_index = reader_u64(&in);
    struct bytes cid = reader_run(&in, LIMIT_CID_BYTES);
    uint8_t type = reader_u8(&in);
    (void)reader_take(&in, 4 + 4); /* the factors */
    out->max_depth = (int32_t)reader_u32(&in);
    (void)reader_u64(&in); /* shard_size */
    out->created_s = (int64_t)reader_u64(&in);
    (void)reader_u64(&in);                  /* expire_s */
    (void)reader_run(&in, LIMIT_CID_BYTES); /* reference */
    (void)reader_run(&in, LIMIT_CID_BYTES); /* update_of */
    (void)reader_run(&in, LIMIT_PIN_BYTES); /* name */
    pin_pass_lists(&in);
    pin_read_holders(&in, peer, out);
    if (reader_finish(&in) != OK || version == 0 || !pin_type_is_known(type) ||
        cid_from_bytes(&out->cid, cid.data, cid.len) != OK)
        return ERR_CORRUPT;
    out->type = (enum pin_type)type;
    return OK;
}

bool pin_equal(const struct pin *a, const struct pin *b)
{
    if (!cid_equal(&a->cid, &b->cid) || a->type != b->type ||
        a->replication_min != b->replication_min || a->replication_max != b->replication_max ||
        a->max_depth != b->max_depth || a->shard_size != b->shard_size ||
        a->created_s != b->created_s || a->expire_s != b->expire_s ||
        !cid_equal(&a->reference, &b->reference) || !cid_equal(&a->update_of, &b->update_of) ||
        !bytes_equal(a->name, b->name) || a->metadata_count != b->metadata_count ||
        a->origins_count != b->origins_count || a->allocations_count != b->allocations_count)
        return false;
    for (size_t i = 0; i < a->metadata_count; i++) {
        if (!bytes_equal(a->metadata[i].key, b->metadata[i].key) ||
            !bytes_equal(a->metadata[i].value, b->metadata[i].value))
            return false;
    }
    for (size_t i = 0; i < a->origins_count; i++) {
        if (!multiaddr_equal(&a->origins[i], &b->origins[i]))
            return false;
    }
    for (size_t i = 0; i < a->allocations_count; i++) {
        if (!peer_id_equal(&a->allocations[i], &b->allocations[i]))
            return false;
    }
    return true;
}

/* ---- what a pin may say ---- */

static int pin_refuse(const char **why, const char *words)
{
    *why = words;
    return ERR_INVALID;
}

/* V1's rules, in V1's order: clients see the first that is broken. */
static int pin_check_factors(const struct pin *pin, const char **why)
{
    int32_t min = pin->replication_min, max = pin->replication_max;
    if (min == 0 || max == 0)
        return pin_refuse(why, "cluster.replication_factor_min and max must be set");
    if (min > max)
        return pin_refuse(why, "cluster.replication_factor_min is larger than max");
    if (min < PIN_EVERYWHERE)
        return pin_refuse(why, "cluster.replication_factor_min is wrong");
    if (max < PIN_EVERYWHERE)
        return pin_refuse(why, "cluster.replication_factor_max is wrong");
    if ((min == PIN_EVERYWHERE) != (max == PIN_EVERYWHERE))
        return pin_refuse(why,
                          "cluster.replication_factor_min and max must be -1 when one of them is");
    return OK;
}

int pin_resolve_factors(struct pin *pin, int32_t config_min, int32_t config_max, const char **why)
{
    if (pin->replication_min == 0)
        pin->replication_min = config_min;
    if (pin->replication_max == 0)
        pin->replication_max = config_max;
    return pin_check_factors(pin, why);
}

static int pin_check_allocations(const struct pin *pin, const char **why)
{
    if (pin->allocations_count > LIMIT_MEMBERS_COUNT)
        return pin_refuse(why, "too many allocations");
    for (size_t i = 0; i < pin->allocations_count; i++) {
        if (peer_id_is_nobody(&pin->allocations[i]))
            return pin_refuse(why, "an allocation names nobody");
        for (size_t k = 0; k < i; k++) {
            if (peer_id_equal(&pin->allocations[k], &pin->allocations[i]))
                return pin_refuse(why, "a peer is allocated twice");
        }
    }
    if (pin->replication_max == PIN_EVERYWHERE && pin->allocations_count > 0)
        return pin_refuse(why, "a pin of all peers has allocations");
    if (pin->replication_max > 0 && pin->allocations_count > (size_t)pin->replication_max)
        return pin_refuse(why, "more allocations than the replication factor allows");
    return OK;
}

static int pin_check_metadata(const struct pin *pin, const char **why)
{
    if (pin->metadata_count > LIMIT_PIN_METADATA_COUNT)
        return pin_refuse(why, "too many metadata entries");
    for (size_t i = 0; i < pin->metadata_count; i++) {
        if (pin->metadata[i].key.len == 0)
            return pin_refuse(why, "a metadata key is empty");
        if (i > 0 && bytes_compare(pin->metadata[i - 1].key, pin->metadata[i].key) >= 0)
            return pin_refuse(why, "metadata keys are not sorted, or stand twice");
    }
    return OK;
}

/* No less than pin_encode() will write. */
static size_t pin_encoded_len_max(const struct pin *pin)
{
    enum { RUN_HEAD = 10, FIXED = 64 };
    size_t len = FIXED + 6 * RUN_HEAD + pin->cid.len + pin->reference.len + pin->update_of.len +
                 pin->name.len;
    for (size_t i = 0; i < pin->metadata_count; i++)
        len += 2 * RUN_HEAD + pin->metadata[i].key.len + pin->metadata[i].value.len;
    for (size_t i = 0; i < pin->origins_count; i++)
        len += RUN_HEAD + pin->origins[i].len;
    for (size_t i = 0; i < pin->allocations_count; i++)
        len += RUN_HEAD + pin->allocations[i].len;
    return len;
}

int pin_check_asked(const struct pin *pin, const char **why)
{
    _Static_assert(LIMIT_PIN_NAME_BYTES == 1024, "as the words say");
    if (cid_is_undefined(&pin->cid))
        return pin_refuse(why, "the pin has no CID");
    if (!pin_type_is_known(pin->type))
        return pin_refuse(why, "unknown pin type");
    if (pin->max_depth < PIN_DEPTH_RECURSIVE)
        return pin_refuse(why, "max_depth is wrong");
    if (pin->expire_s < 0)
        return pin_refuse(why, "expire_at is wrong");
    if (pin->name.len > LIMIT_PIN_NAME_BYTES)
        return pin_refuse(why, "the pin's name is longer than 1024 bytes");
    if (pin->origins_count > LIMIT_PIN_ORIGINS_COUNT)
        return pin_refuse(why, "too many origins");
    int err = pin_check_metadata(pin, why);
    if (err == OK)
        err = pin_check_factors(pin, why);
    if (err == OK)
        err = pin_check_allocations(pin, why);
    if (err == OK && pin_encoded_len_max(pin) > LIMIT_PIN_BYTES)
        return pin_refuse(why, "the pin is too big: name, metadata, origins and allocations "
                               "together");
    return err;
}

int pin_check(const struct pin *pin, const char **why)
{
    int err = pin_check_asked(pin, why);
    /* No allocations would mean everywhere. A meta pin is held by nobody, whatever its factors. */
    if (err == OK && pin->type != PIN_TYPE_META && pin->replication_max > 0 &&
        pin->allocations_count == 0)
        return pin_refuse(why, "the pin is allocated to no peer");
    return err;
}

int pin_check_expiry(const struct pin *pin, int64_t now_s, const char **why)
{
    if (pin->expire_s != 0 && pin->expire_s <= now_s)
        return pin_refuse(why, "pin.ExpireAt set before current time");
    return OK;
}

int pin_check_replaces(const struct pin *was, const struct pin *now, struct buf *why)
{
    bool other_type = was->type != now->type;
    bool becomes_direct =
        was->max_depth == PIN_DEPTH_RECURSIVE && now->max_depth == PIN_DEPTH_DIRECT;
    if (!other_type && !becomes_direct)
        return OK;
    if (why != NULL && other_type)
        buf_printf(why,
                   "cannot repin CID with different tracking method, clear state with pin rm to "
                   "proceed. New: %s. Was: %s",
                   pin_type_name(now->type), pin_type_name(was->type));
    else if (why != NULL)
        buf_append_text(why,
                        "cannot repin a CID which is already pinned in recursive mode (new pin "
                        "is pinned as direct). Unpin it first.");
    return ERR_INVALID;
}

int pin_check_unpin(const struct pin *pin, const char **why)
{
    if (pin->type == PIN_TYPE_SHARD)
        return pin_refuse(why, "cannot unpin a shard directly. Unpin content root CID instead");
    if (pin->type == PIN_TYPE_CLUSTER_DAG)
        return pin_refuse(why,
                          "cannot unpin a Cluster DAG directly. Unpin content root CID instead");
    return OK;
}
