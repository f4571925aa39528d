/* api_json.c -- V1's shapes, field by field in V1's order (SPEC 2.2): clients in the wild compare text. */
#include "http/api/api_int.h"
#include "util/rfc3339.h"

#include <string.h>

static void api_key_time(struct json_writer *w, const char *key, int64_t wall_us)
{
    char text[RFC3339_TEXT_SIZE];
    rfc3339_print(text, wall_us);
    json_key_string(w, key, text);
}

/* V1 shows "no time" as Go's zero time. */
static void api_key_time_s(struct json_writer *w, const char *key, int64_t wall_s)
{
    if (wall_s == 0)
        json_key_string(w, key, "0001-01-01T00:00:00Z");
    else
        api_key_time(w, key, wall_s * 1000000);
}

static void api_key_bytes(struct json_writer *w, const char *key, struct bytes value)
{
    json_key(w, key);
    json_string_len(w, value.data, value.len);
}

static void api_key_cid(struct json_writer *w, const char *key, const struct cid *cid)
{
    if (cid_is_undefined(cid))
        json_key_null(w, key);
    else
        json_key_string(w, key, cid_print(cid).text);
}

static void api_key_peers(struct json_writer *w, const char *key, const struct peer_id *ids,
                          size_t count)
{
    json_key(w, key);
    json_array_begin(w);
    for (size_t i = 0; i < count; i++)
        json_string(w, peer_id_print(&ids[i]).text);
    json_array_end(w);
}

static void api_write_multiaddr(struct json_writer *w, const struct multiaddr *addr,
                                const struct peer_id *peer)
{
    struct multiaddr full = *addr;
    if (peer != NULL)
        (void)multiaddr_with_peer(&full, peer);
    struct buf text = { 0 };
    multiaddr_print(&full, &text);
    json_string_len(w, (const char *)text.data, text.len);
    buf_deinit(&text);
}

static void api_key_multiaddrs(struct json_writer *w, const char *key,
                               const struct multiaddr *addrs, size_t count,
                               const struct peer_id *peer)
{
    json_key(w, key);
    json_array_begin(w);
    for (size_t i = 0; i < count; i++)
        api_write_multiaddr(w, &addrs[i], peer);
    json_array_end(w);
}

static void api_key_metadata(struct json_writer *w, const struct pin *pin)
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
        api_key_bytes(w, buf_text(&key), pin->metadata[i].value);
    }
    json_object_end(w);
    buf_deinit(&key);
}

void api_write_pin(struct json_writer *w, const struct pin *pin)
{
    json_object_begin(w);
    json_key_i64(w, "replication_factor_min", pin->replication_min);
    json_key_i64(w, "replication_factor_max", pin->replication_max);
    api_key_bytes(w, "name", pin->name);
    json_key_string(w, "mode", pin_mode_name(pin));
    json_key_u64(w, "shard_size", pin->shard_size);
    json_key_null(w, "user_allocations"); /* never stored */
    api_key_time_s(w, "expire_at", pin->expire_s);
    api_key_metadata(w, pin);
    api_key_cid(w, "pin_update", &pin->update_of);
    api_key_multiaddrs(w, "origins", pin->origins, pin->origins_count, NULL);
    api_key_cid(w, "cid", &pin->cid);
    json_key_string(w, "type", pin_type_name(pin->type));
    api_key_peers(w, "allocations", pin->allocations, pin->allocations_count);
    json_key_i64(w, "max_depth", pin->max_depth);
    api_key_cid(w, "reference", &pin->reference);
    api_key_time_s(w, "timestamp", pin->created_s);
    json_object_end(w);
}

static void api_write_peer_status(struct json_writer *w, const struct api_peer_status *s)
{
    json_key(w, peer_id_print(&s->peer).text);
    json_object_begin(w);
    api_key_bytes(w, "peername", s->name);
    if (s->ipfs_id.len > 0)
        api_key_bytes(w, "ipfs_peer_id", s->ipfs_id);
    json_key_string(w, "status", tracker_status_name(s->status));
    api_key_time(w, "timestamp", s->since_us);
    json_key_string(w, "error", s->error);
    json_key_i64(w, "attempt_count", s->attempt_count);
    json_key_bool(w, "priority_pin", s->is_priority);
    json_object_end(w);
}

void api_write_status(struct json_writer *w, const struct api_status *status)
{
    const struct pin nothing = { 0 };
    const struct pin *pin = status->pin != NULL ? status->pin : &nothing;
    json_object_begin(w);
    api_key_cid(w, "cid", &status->cid);
    api_key_bytes(w, "name", pin->name);
    api_key_peers(w, "allocations", pin->allocations, pin->allocations_count);
    if (status->pin == NULL)
        json_key_null(w, "origins");
    else
        api_key_multiaddrs(w, "origins", pin->origins, pin->origins_count, NULL);
    api_key_time(w, "created", status->pin != NULL ? pin->created_s * 1000000 : status->now_us);
    api_key_metadata(w, pin);
    json_key(w, "peer_map");
    json_object_begin(w);
    for (size_t i = 0; i < status->peers_count; i++)
        api_write_peer_status(w, &status->peers[i]);
    json_object_end(w);
    json_object_end(w);
}

static void api_write_ipfs(struct json_writer *w, const struct api_id *id)
{
    json_key(w, "ipfs");
    json_object_begin(w);
    if (id->ipfs_id.len > 0)
        api_key_bytes(w, "id", id->ipfs_id);
    if (id->error.len > 0) {
        json_key_null(w, "addresses");
    } else {
        json_key(w, "addresses");
        json_array_begin(w);
        for (size_t i = 0; i < id->ipfs_addrs_count; i++)
            json_string_len(w, id->ipfs_addrs[i].data, id->ipfs_addrs[i].len);
        json_array_end(w);
    }
    api_key_bytes(w, "error", id->ipfs_error);
    json_object_end(w);
}

/* V1 shows null where a peer did not answer. */
static void api_write_id_lists(struct json_writer *w, const struct api_id *id)
{
    if (id->error.len > 0) {
        json_key_null(w, "addresses");
        json_key_null(w, "cluster_peers");
        json_key_null(w, "cluster_peers_addresses");
        return;
    }
    api_key_multiaddrs(w, "addresses", id->addrs, id->addrs_count, &id->id);
    api_key_peers(w, "cluster_peers", id->members, id->members_count);
    json_key(w, "cluster_peers_addresses");
    json_array_begin(w);
    for (size_t i = 0; i < id->member_addrs_count; i++)
        api_write_multiaddr(w, &id->member_addrs[i].addr, &id->member_addrs[i].id);
    json_array_end(w);
}

void api_write_id(struct json_writer *w, const struct api_id *id)
{
    json_object_begin(w);
    json_key_string(w, "id", peer_id_print(&id->id).text);
    api_write_id_lists(w, id);
    api_key_bytes(w, "version", id->version);
    json_key_string(w, "commit", "");
    json_key_string(w, "rpc_protocol_version", id->error.len > 0 ? "" : "/ipfscluster/1.0/rpc");
    api_key_bytes(w, "error", id->error);
    api_write_ipfs(w, id);
    api_key_bytes(w, "peername", id->name);
    json_object_end(w);
}

void api_write_metric(struct json_writer *w, const struct api_metric *m)
{
    json_object_begin(w);
    api_key_bytes(w, "name", m->name);
    json_key_string(w, "peer", peer_id_print(&m->peer).text);
    api_key_bytes(w, "value", m->value);
    json_key_i64(w, "expire", m->expire_us * 1000);
    json_key_bool(w, "valid", true);
    json_key_i64(w, "weight", m->weight);
    json_key_bool(w, "partitionable", m->is_partitionable);
    json_key_i64(w, "received_at", m->received_us * 1000);
    json_object_end(w);
}
