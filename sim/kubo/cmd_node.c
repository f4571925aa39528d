/* What the daemon says of itself, and whom it knows: id, version, config/show, swarm/... */
#include "sim/kubo/standin_int.h"

#include <string.h>

#include "util/base.h"
#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

static const char agent[] = "kubo/0.42.0";

/* ---- id, version, config ---- */

/* An ed25519 key as libp2p's protobuf, in base64. */
static void node_put_public_key(struct json_writer *w, const uint8_t key[32])
{
    uint8_t message[36] = { 0x08, 0x01, 0x12, 0x20 };
    char text[BASE64_SIZE(sizeof message)];
    memcpy(message + 4, key, 32);
    int err = base_encode(BASE64_PAD, text, sizeof text, (struct bytes){ message, sizeof message });
    ASSERT(err == OK);
    json_key_string(w, "PublicKey", text);
}

static void node_put_lists(struct standin *s, struct json_writer *w)
{
    static const char *const protocols[] = { "/ipfs/bitswap", "/ipfs/bitswap/1.2.0",
                                             "/ipfs/id/1.0.0", "/ipfs/ping/1.0.0" };
    struct buf address = { 0 };
    buf_printf(&address, "%s/p2p/%s", s->options.swarm_address, peer_id_print(&s->options.id).text);
    json_key(w, "Addresses");
    json_array_begin(w);
    json_string(w, buf_text(&address));
    json_array_end(w);
    json_key_string(w, "AgentVersion", agent);
    json_key(w, "Protocols");
    json_array_begin(w);
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        json_string(w, protocols[i]);
    json_array_end(w);
    buf_deinit(&address);
}

void cmd_id(struct standin_op *op)
{
    struct standin *s = op->s;
    struct buf json = { 0 };
    struct json_writer w = json_writer_to(&json);
    struct peer_id asked;
    if (op->args_count > 0 && peer_id_parse(&asked, op->args[0]) != OK) {
        answer_fail(op, "invalid peer id");
        return;
    }
    if (op->args_count > 0 && !peer_id_equal(&asked, &s->options.id)) {
        answer_cannot(op, "id of another peer");
        return;
    }
    json_object_begin(&w);
    json_key_string(&w, "ID", peer_id_print(&s->options.id).text);
    node_put_public_key(&w, s->options.public_key);
    if (s->options.offline) {
        json_key_null(&w, "Addresses");
        json_key_string(&w, "AgentVersion", agent);
        json_key_null(&w, "Protocols");
    } else {
        node_put_lists(s, &w);
    }
    json_object_end(&w);
    answer_document(op, &json);
}

void cmd_version(struct standin_op *op)
{
    struct buf json = { 0 };
    struct json_writer w = json_writer_to(&json);
    json_object_begin(&w);
    json_key_string(&w, "Version", "0.42.0");
    json_key_string(&w, "Commit", "");
    json_key_string(&w, "Repo", "18");
    json_key_string(&w, "System", "amd64/linux");
    json_key_string(&w, "Golang", "go1.26.8");
    json_object_end(&w);
    answer_document(op, &json);
}

static void node_put_one(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, key);
    json_array_begin(w);
    json_string(w, text);
    json_array_end(w);
}

/* The parts of Kubo's configuration that anybody has asked it for. */
void cmd_config_show(struct standin_op *op)
{
    struct standin *s = op->s;
    struct buf json = { 0 }, max = { 0 };
    struct json_writer w = json_writer_to(&json);
    buf_printf(&max, "%lluB", (unsigned long long)s->options.storage_max);
    if (s->options.storage_max % (1000ull * 1000 * 1000) == 0) {
        buf_clear(&max);
        buf_printf(&max, "%lluGB",
                   (unsigned long long)(s->options.storage_max / (1000ull * 1000 * 1000)));
    }
    json_object_begin(&w);
    json_key(&w, "Addresses");
    json_object_begin(&w);
    json_key_string(&w, "API", s->options.api_address);
    node_put_one(&w, "Swarm", s->options.swarm_address);
    json_object_end(&w);
    json_key(&w, "Bootstrap");
    json_array_begin(&w);
    json_array_end(&w);
    json_key(&w, "Datastore");
    json_object_begin(&w);
    json_key_string(&w, "GCPeriod", "1h");
    json_key_i64(&w, "StorageGCWatermark", 90);
    json_key_string(&w, "StorageMax", buf_text(&max));
    json_object_end(&w);
    json_key(&w, "Identity");
    json_object_begin(&w);
    json_key_string(&w, "PeerID", peer_id_print(&s->options.id).text);
    json_object_end(&w);
    json_key(&w, "Routing");
    json_object_begin(&w);
    json_key_string(&w, "Type", "none");
    json_object_end(&w);
    json_object_end(&w);
    answer_document(op, &json);
    buf_deinit(&max);
}

/* ---- swarm ---- */

static bool node_is_online(struct standin_op *op, const char *prefix)
{
    if (!op->s->options.offline)
        return true;
    answer_fail(op, "%sthis action must be run in online mode, try running 'ipfs daemon' first",
                prefix);
    return false;
}

static void node_put_peer(struct json_writer *w, const struct standin_link *l)
{
    struct buf addr = { 0 };
    multiaddr_print(&l->addr, &addr);
    json_object_begin(w);
    json_key_string(w, "Addr", buf_text(&addr));
    json_key_string(w, "Peer", peer_id_print(&l->peer).text);
    json_key(w, "Identify");
    json_object_begin(w);
    json_key_string(w, "ID", "");
    json_key_string(w, "PublicKey", "");
    json_key_null(w, "Addresses");
    json_key_string(w, "AgentVersion", "");
    json_key_null(w, "Protocols");
    json_object_end(w);
    json_object_end(w);
    buf_deinit(&addr);
}

void cmd_swarm_peers(struct standin_op *op)
{
    struct buf json = { 0 };
    struct json_writer w = json_writer_to(&json);
    if (!node_is_online(op, ""))
        return;
    json_object_begin(&w);
    json_key(&w, "Peers");
    if (list_is_empty(&op->s->links)) {
        json_null(&w);
    } else {
        json_array_begin(&w);
        list_for_each (at, &op->s->links)
            node_put_peer(&w, list_entry(at, struct standin_link, link));
        json_array_end(&w);
    }
    json_object_end(&w);
    answer_document(op, &json);
}

struct connect {
    size_t at; /* the argument at work */
    bool is_dialing;
    struct peer_id peer;
    struct buf lines; /* JSON strings, with commas */
};

static void connect_release(struct standin_op *op)
{
    buf_deinit(&((struct connect *)op->state)->lines);
}

/* An address that names a peer, or the error. */
static bool connect_parse(struct standin_op *op, const char *text, struct multiaddr *addr)
{
    struct connect *c = op->state;
    if (text[0] != '/')
        answer_fail(op, "failed to parse multiaddr \"%s\": must begin with /", text);
    else if (multiaddr_parse(addr, text) != OK)
        answer_fail(op, "failed to parse multiaddr \"%s\": invalid", text);
    else if (multiaddr_peer(addr, &c->peer) != OK)
        answer_fail(op, "found no ipfs peers at %s", text);
    else
        return true;
    return false;
}

static void connect_dial(struct standin_op *op, const struct multiaddr *addr)
{
    struct standin *s = op->s;
    struct connect *c = op->state;
    struct peer_id_text peer = peer_id_print(&c->peer);
    if (peer_id_equal(&c->peer, &s->options.id)) {
        answer_fail(op, "connect %s failure: failed to dial: dial to self attempted", peer.text);
        return;
    }
    if (s->net.ops == NULL) {
        answer_fail(op, "connect %s failure: failed to dial: no addresses", peer.text);
        return;
    }
    struct standin_dial *dial = standin_alloc(sizeof *dial);
    dial->number = s->dial_number += 1;
    dial->op = op;
    list_push_back(&s->dials, &dial->link);
    c->is_dialing = true;
    s->net.ops->dial(s->net.impl, dial->number, addr);
}

static void connect_finish(struct standin_op *op)
{
    struct connect *c = op->state;
    struct buf json = { 0 };
    buf_printf(&json, "{\"Strings\":[%s]}", buf_text(&c->lines));
    answer_document(op, &json);
}

static void connect_step(struct standin_op *op)
{
    struct connect *c = op->state;
    struct multiaddr addr;
    if (c->is_dialing)
        return;
    if (c->at == op->args_count) {
        connect_finish(op);
        return;
    }
    if (connect_parse(op, op->args[c->at], &addr)) {
        char prefix[PEER_ID_TEXT_SIZE + 32];
        struct buf text = { 0 };
        buf_printf(&text, "connect %s failure: ", peer_id_print(&c->peer).text);
        memcpy(prefix, buf_text(&text), text.len + 1);
        buf_deinit(&text);
        if (node_is_online(op, prefix))
            connect_dial(op, &addr);
    }
}

void cmd_swarm_connect_dialed(struct standin_op *op, int err, const char *text)
{
    struct connect *c = op->state;
    struct peer_id_text peer = peer_id_print(&c->peer);
    c->is_dialing = false;
    c->at += 1;
    if (err == OK)
        buf_printf(&c->lines, "%s\"connect %s success\"", c->lines.len > 0 ? "," : "", peer.text);
    else
        answer_fail(op, "connect %s failure: %s", peer.text, text);
}

void cmd_swarm_connect(struct standin_op *op)
{
    op->state = op_alloc(op, sizeof(struct connect));
    op->release = connect_release;
    op->step = connect_step;
}

void cmd_swarm_disconnect(struct standin_op *op)
{
    struct standin *s = op->s;
    struct buf json = { 0 };
    struct multiaddr addr;
    struct peer_id peer;
    if (!node_is_online(op, ""))
        return;
    if (multiaddr_parse(&addr, op->args[0]) != OK || multiaddr_peer(&addr, &peer) != OK) {
        answer_fail(op, "found no ipfs peers at %s", op->args[0]);
        return;
    }
    bool was_linked = false;
    list_for_each (at, &s->links)
        was_linked |= peer_id_equal(&list_entry(at, struct standin_link, link)->peer, &peer);
    buf_printf(&json, "{\"Strings\":[\"disconnect %s %s\"]}", peer_id_print(&peer).text,
               was_linked ? "success" : "failure: not connected");
    if (was_linked && s->net.ops != NULL)
        s->net.ops->hang_up(s->net.impl, &peer);
    standin_on_disconnected(s, &peer);
    answer_document(op, &json);
}
