#include "ctl/hosts.h"

#include <string.h>

#include "util/err.h"

static int host_refuse(struct buf *why, struct bytes text)
{
    buf_printf(why,
               "error parsing host multiaddress: '%.*s' is neither a multiaddr of a REST API "
               "(/ip4/127.0.0.1/tcp/9094) nor HOST:PORT",
               (int)text.len, (const char *)text.data);
    return ERR_INVALID;
}

/* "10.0.0.1:9094", "[::1]:9094", "node-a:9094" */
static int host_parse_pair(struct multiaddr *out, struct bytes text)
{
    const char *from = text.data;
    const char *colon = memrchr(from, ':', text.len);
    if (colon == NULL || colon == from)
        return ERR_INVALID;
    struct bytes name = { from, (size_t)(colon - from) };
    if (name.len > 2 && from[0] == '[' && colon[-1] == ']')
        name = (struct bytes){ from + 1, name.len - 2 };
    static const char *const kinds[] = { "ip4", "ip6", "dns" };
    int err = ERR_INVALID;
    struct buf addr = { 0 };
    for (size_t i = 0; err != OK && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        buf_clear(&addr);
        buf_printf(&addr, "/%s/%.*s/tcp/%.*s", kinds[i], (int)name.len, (const char *)name.data,
                   (int)(text.len - (size_t)(colon + 1 - from)), colon + 1);
        err = multiaddr_parse_len(out, (const char *)addr.data, addr.len);
    }
    buf_deinit(&addr);
    return err;
}

static int host_name(struct host *host)
{
    struct multiaddr_endpoint at;
    struct buf name = buf_over(host->name, sizeof(host->name));
    const char *scheme = host->speaks_tls ? "https" : "http";
    if (multiaddr_endpoint(&host->addr, &at) == OK) {
        bool is_ip6 = at.kind == MULTIADDR_IP6;
        buf_printf(&name, "%s://%s%s%s:%u", scheme, is_ip6 ? "[" : "", at.host, is_ip6 ? "]" : "",
                   (unsigned)at.port);
    } else {
        buf_printf(&name, "%s://unix:", scheme);
        int err = multiaddr_unix_path(&host->addr, &name);
        if (err != OK)
            return err;
    }
    (void)buf_text(&name);
    return name.err;
}

static int host_parse(struct host *out, struct bytes text, struct buf *why)
{
    bool is_multiaddr = text.len > 0 && ((const char *)text.data)[0] == '/';
    int err = is_multiaddr ? multiaddr_parse_len(&out->addr, text.data, text.len)
                           : host_parse_pair(&out->addr, text);
    struct peer_id peer;
    if (err == OK && multiaddr_peer(&out->addr, &peer) == OK) {
        buf_printf(why,
                   "error parsing host multiaddress: '%.*s' names a peer's cluster port, and this "
                   "program speaks HTTP only; name its REST API (/ip4/127.0.0.1/tcp/9094)",
                   (int)text.len, (const char *)text.data);
        return ERR_INVALID;
    }
    out->speaks_tls = err == OK && multiaddr_has_tls(&out->addr);
    if (err == OK)
        err = host_name(out);
    return err == OK ? OK : host_refuse(why, text);
}

void hosts_use_tls(struct hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++) {
        hosts->list[i].speaks_tls = true;
        (void)host_name(&hosts->list[i]);
    }
}

int hosts_parse(struct hosts *out, const char *text, struct buf *why)
{
    out->count = 0;
    for (;;) {
        size_t len = strcspn(text, ",");
        if (out->count == HOSTS_MAX) {
            buf_printf(why, "error parsing host multiaddress: more than %d are given", HOSTS_MAX);
            return ERR_INVALID;
        }
        int err = host_parse(&out->list[out->count++], (struct bytes){ text, len }, why);
        if (err != OK || text[len] == '\0')
            return err;
        text += len + 1;
    }
}
