/* api_json.c -- V1's shapes, field by field in V1's order (SPEC 2.2): clients in the wild compare text. */
#include <string.h>

#include "http/api/api_int.h"
#include "state/pin_json.h"

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

static void api_write_ipfs(struct json_writer *w, const struct api_id *id)
{
    json_key(w, "ipfs");
    json_object_begin(w);
    if (id->ipfs_id.len > 0)
        pin_json_bytes(w, "id", id->ipfs_id);
    if (id->error.len > 0) {
        json_key_null(w, "addresses");
    } else {
        json_key(w, "addresses");
        json_array_begin(w);
        for (size_t i = 0; i < id->ipfs_addrs_count; i++)
            json_string_len(w, id->ipfs_addrs[i].data, id->ipfs_addrs[i].len);
        json_array_end(w);
    }
    pin_json_bytes(w, "error", id->ipfs_error);
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
    pin_json_peers(w, "cluster_peers", id->members, id->members_count, NULL);
    json_key(w, "cluster_peers_addresses");
    json_array_begin(w);
    for (size_t i = 0; i < id->member_addrs_count; i++)
        api_write_multiaddr(w, &id->member_addrs[i].addr, &id->member_addrs[i].id);
    json_array_end(w);
}

static const char *api_role_name(enum api_role role)
{
    switch (role) {
    case API_ROLE_NONE:
        break;
    case API_ROLE_VOTER:
        return "voter";
    case API_ROLE_LEARNER:
        return "learner";
    case API_ROLE_LEAVING:
        return "leaving";
    }
    return "";
}

void api_write_standing(struct json_writer *w, const struct api_standing *standing)
{
    json_key_string(w, "standing", standing->name);
    if (strcmp(standing->name, "healthy") != 0)
        json_key_u64(w, "silent_seconds", standing->silent_us / 1000000);
    if (strcmp(standing->name, "back") == 0)
        json_key_u64(w, "back_seconds", standing->back_us / 1000000);
}

void api_write_id(struct json_writer *w, const struct api_id *id)
{
    json_object_begin(w);
    json_key_string(w, "id", peer_id_print(&id->id).text);
    api_write_id_lists(w, id);
    pin_json_bytes(w, "version", id->version);
    json_key_string(w, "commit", "");
    json_key_string(w, "rpc_protocol_version", id->error.len > 0 ? "" : "/ipfscluster/1.0/rpc");
    pin_json_bytes(w, "error", id->error);
    api_write_ipfs(w, id);
    pin_json_bytes(w, "peername", id->name);
    if (id->role != API_ROLE_NONE)
        json_key_string(w, "role", api_role_name(id->role));
    if (id->standing.name != NULL && strcmp(id->standing.name, "healthy") != 0)
        api_write_standing(w, &id->standing); /* ours */
    if (id->is_draining)
        json_key_bool(w, "draining", true); /* ours */
    if (id->has_kept)
        json_key_u64(w, "pins_left", id->kept); /* ours */
    json_object_end(w);
}

static void api_write_metric_members(struct json_writer *w, const struct api_metric *m,
                                     bool is_valid)
{
    pin_json_bytes(w, "name", m->name);
    json_key_string(w, "peer", peer_id_print(&m->peer).text);
    pin_json_bytes(w, "value", m->value);
    json_key_i64(w, "expire", m->expire_us * 1000);
    json_key_bool(w, "valid", is_valid);
    json_key_i64(w, "weight", m->weight);
    json_key_bool(w, "partitionable", m->is_partitionable);
    json_key_i64(w, "received_at", m->received_us * 1000);
}

void api_write_metric(struct json_writer *w, const struct api_metric *m)
{
    json_object_begin(w);
    api_write_metric_members(w, m, true);
    json_object_end(w);
}

void api_write_alert(struct json_writer *w, const struct api_alert *a)
{
    json_object_begin(w);
    api_write_metric_members(w, &a->metric, false);
    pin_json_time(w, "triggered_at", a->triggered_us);
    json_key_string(w, "standing", a->standing); /* ours */
    json_object_end(w);
}

void api_write_move(struct json_writer *w, const struct api_move *m)
{
    json_object_begin(w);
    pin_json_cid(w, "cid", &m->cid);
    pin_json_peers(w, "from", m->from, m->from_count, NULL);
    pin_json_peers(w, "to", m->to, m->to_count, NULL);
    json_key_u64(w, "living", m->living);
    json_object_end(w);
}
