#include "ipfs/kubo_request.h"

#include <string.h>

#include "util/assert.h"

const char *kubo_pin_type_name(enum kubo_pin_type type)
{
    switch (type) {
    case KUBO_PIN_RECURSIVE:
        return "recursive";
    case KUBO_PIN_DIRECT:
        return "direct";
    case KUBO_PIN_INDIRECT:
        return "indirect";
    case KUBO_PIN_ALL:
        return "all";
    }
    return "";
}

/* ---- the pieces of a target ---- */

static void kubo_put_command(struct buf *out, const char *command)
{
    buf_append_text(out, "/api/v0/");
    buf_append_text(out, command);
}

/* What may stand in a query value as it is. '/' and ':' may too (RFC 3986 3.4), and keep paths and
 * addresses readable in logs. */
static bool kubo_is_plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != 0 && strchr("-._~/:,", c) != NULL);
}

static void kubo_put_escaped(struct buf *out, struct bytes text)
{
    static const char digits[] = "0123456789ABCDEF";
    const uint8_t *at = text.data;
    for (size_t i = 0; i < text.len; i++) {
        if (kubo_is_plain(at[i])) {
            buf_put_u8(out, at[i]);
        } else {
            buf_put_u8(out, '%');
            buf_put_u8(out, (uint8_t)digits[at[i] >> 4]);
            buf_put_u8(out, (uint8_t)digits[at[i] & 15]);
        }
    }
}

/* "?name=value" or "&name=value": `first` is '?' or '&'. */
static void kubo_put_value(struct buf *out, char first, const char *name, struct bytes value)
{
    buf_put_u8(out, (uint8_t)first);
    buf_append_text(out, name);
    buf_put_u8(out, '=');
    kubo_put_escaped(out, value);
}

static void kubo_put_text(struct buf *out, char first, const char *name, const char *value)
{
    kubo_put_value(out, first, name, (struct bytes){ value, strlen(value) });
}

static void kubo_put_cid(struct buf *out, char first, const struct cid *cid)
{
    ASSERT(!cid_is_undefined(cid));
    struct cid_text text = cid_print(cid);
    kubo_put_text(out, first, "arg", text.text);
}

static void kubo_put_bool(struct buf *out, char first, const char *name, bool value)
{
    kubo_put_text(out, first, name, value ? "true" : "false");
}

/* ---- the daemon itself ---- */

void kubo_request_id(struct buf *out)
{
    kubo_put_command(out, "id");
}

void kubo_request_version(struct buf *out)
{
    kubo_put_command(out, "version");
}

void kubo_request_config_show(struct buf *out)
{
    kubo_put_command(out, "config/show");
}

void kubo_request_swarm_peers(struct buf *out)
{
    kubo_put_command(out, "swarm/peers");
}

void kubo_request_swarm_connect(struct buf *out, const struct multiaddr *addr)
{
    struct buf text = { 0 };
    multiaddr_print(addr, &text);
    kubo_put_command(out, "swarm/connect");
    kubo_put_value(out, '?', "arg", buf_bytes(&text));
    if (text.err != 0 && out->err == 0)
        out->err = text.err;
    buf_deinit(&text);
}

void kubo_request_repo_stat(struct buf *out)
{
    kubo_put_command(out, "repo/stat?size-only=true");
}

void kubo_request_repo_gc(struct buf *out)
{
    kubo_put_command(out, "repo/gc?stream-errors=true");
}

void kubo_request_resolve(struct buf *out, const char *path)
{
    kubo_put_command(out, "resolve");
    kubo_put_text(out, '?', "arg", path);
}

/* ---- pins ---- */

void kubo_request_pin_ls(struct buf *out, enum kubo_pin_type type)
{
    kubo_put_command(out, "pin/ls?stream=true");
    kubo_put_text(out, '&', "type", kubo_pin_type_name(type));
}

void kubo_request_pin_ls_one(struct buf *out, const struct cid *cid, enum kubo_pin_type type)
{
    kubo_put_command(out, "pin/ls?stream=true");
    kubo_put_cid(out, '&', cid);
    kubo_put_text(out, '&', "type", kubo_pin_type_name(type));
    kubo_put_bool(out, '&', "held",
                  true); /* another cluster's proxy knows it (http/proxy/pin_ls.c) */
}

void kubo_request_pin_add(struct buf *out, const struct kubo_pin_add *add)
{
    ASSERT(add->name.len <= KUBO_PIN_NAME_BYTES_MAX);
    kubo_put_command(out, "pin/add");
    kubo_put_cid(out, '?', add->cid);
    kubo_put_bool(out, '&', "recursive", !add->direct);
    kubo_put_bool(out, '&', "progress", true);
    if (add->name.len > 0)
        kubo_put_value(out, '&', "name", add->name);
}

void kubo_request_pin_rm(struct buf *out, const struct cid *cid, bool only_direct)
{
    kubo_put_command(out, "pin/rm");
    kubo_put_cid(out, '?', cid);
    if (only_direct)
        kubo_put_bool(out, '&', "recursive", false);
}

void kubo_request_pin_update(struct buf *out, const struct cid *from, const struct cid *to)
{
    kubo_put_command(out, "pin/update");
    kubo_put_cid(out, '?', from);
    kubo_put_cid(out, '&', to);
    kubo_put_bool(out, '&', "unpin", false);
}

/* ---- content ---- */

void kubo_request_add(struct buf *out, const struct kubo_add *add)
{
    kubo_put_command(out, "add");
    kubo_put_bool(out, '?', "pin", add->pin);
    kubo_put_bool(out, '&', "progress", add->progress);
    kubo_put_text(out, '&', "cid-version", add->cid_version == 0 ? "0" : "1");
    if (add->raw_leaves_is_set)
        kubo_put_bool(out, '&', "raw-leaves", add->raw_leaves);
    if (add->chunker != NULL)
        kubo_put_text(out, '&', "chunker", add->chunker);
    if (add->hash != NULL)
        kubo_put_text(out, '&', "hash", add->hash);
    if (add->trickle)
        kubo_put_bool(out, '&', "trickle", true);
    if (add->wrap_with_directory)
        kubo_put_bool(out, '&', "wrap-with-directory", true);
    if (add->only_hash)
        kubo_put_bool(out, '&', "only-hash", true);
    if (add->nocopy)
        kubo_put_bool(out, '&', "nocopy", true);
}

void kubo_request_dag_import(struct buf *out, bool pin_roots)
{
    kubo_put_command(out, "dag/import");
    kubo_put_bool(out, '?', "pin-roots", pin_roots);
    kubo_put_bool(out, '&', "stats", true);
}

void kubo_request_dag_stat(struct buf *out, const struct cid *root)
{
    kubo_put_command(out, "dag/stat");
    kubo_put_cid(out, '?', root);
    kubo_put_bool(out, '&', "progress", false);
    kubo_put_bool(out, '&', "offline", true);
}

void kubo_request_block_put(struct buf *out, const char *codec, const char *mhtype, int mhlen)
{
    kubo_put_command(out, "block/put");
    kubo_put_text(out, '?', "cid-codec", codec);
    kubo_put_text(out, '&', "mhtype", mhtype);
    buf_printf(out, "&mhlen=%d&pin=false&allow-big-block=true", mhlen);
}

void kubo_request_block_get(struct buf *out, const struct cid *cid)
{
    kubo_put_command(out, "block/get");
    kubo_put_cid(out, '?', cid);
}
