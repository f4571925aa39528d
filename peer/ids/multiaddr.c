/* A multiaddr is a row of parts: a protocol's number, then its value. The table below says for each
 * protocol what kind of value follows; each kind is read from text, checked and printed in one
 * place. Whatever comes in, as text or as bytes, passes the same check, so that what a struct
 * multiaddr holds always prints to a text that reads back to the same bytes. */
#include "ids/multiaddr.h"

#include <string.h>

#include "ids/multihash.h"
#include "util/assert.h"
#include "util/base.h"
#include "util/err.h"
#include "util/hex.h"
#include "util/ip.h"

enum multiaddr_kind {
    MULTIADDR_NONE,      /* the name says it all */
    MULTIADDR_IP4_VALUE, /* 4 bytes */
    MULTIADDR_IP6_VALUE, /* 16 bytes */
    MULTIADDR_NUMBER,    /* big endian, in 1, 2 or 8 bytes */
    MULTIADDR_NAME,      /* the text itself, without a slash */
    MULTIADDR_PATH,      /* the rest of the address, slashes and all */
    MULTIADDR_ESCAPED,   /* any bytes, written as in a query string */
    MULTIADDR_PEER,      /* a peer id */
    MULTIADDR_HASH       /* a multihash, written in multibase */
};

struct multiaddr_protocol {
    const char *name;
    uint32_t code;
    enum multiaddr_kind kind;
    uint8_t size; /* of a value of fixed size; else a length stands before it */
};

enum {
    CODE_IP4 = 4,
    CODE_TCP = 6,
    CODE_IP6 = 41,
    CODE_DNS = 53,
    CODE_DNS4 = 54,
    CODE_DNS6 = 55,
    CODE_UNIX = 400,
    CODE_HTTPS = 443,
    CODE_TLS = 448,
    CODE_P2P = 421
};

static const struct multiaddr_protocol multiaddr_protocols[] = {
    { "ip4", CODE_IP4, MULTIADDR_IP4_VALUE, 4 },
    { "tcp", CODE_TCP, MULTIADDR_NUMBER, 2 },
    { "ip6", CODE_IP6, MULTIADDR_IP6_VALUE, 16 },
    { "dns", CODE_DNS, MULTIADDR_NAME, 0 },
    { "dns4", CODE_DNS4, MULTIADDR_NAME, 0 },
    { "dns6", CODE_DNS6, MULTIADDR_NAME, 0 },
    { "dnsaddr", 56, MULTIADDR_NAME, 0 },
    { "unix", CODE_UNIX, MULTIADDR_PATH, 0 },
    { "p2p", CODE_P2P, MULTIADDR_PEER, 0 },
    { "ipfs", CODE_P2P, MULTIADDR_PEER, 0 }, /* its old name; read, never printed */
    { "udp", 273, MULTIADDR_NUMBER, 2 },
    { "dccp", 33, MULTIADDR_NUMBER, 2 },
    { "sctp", 132, MULTIADDR_NUMBER, 2 },
    { "ip6zone", 42, MULTIADDR_NAME, 0 },
    { "ipcidr", 43, MULTIADDR_NUMBER, 1 },
    { "p2p-webrtc-direct", 276, MULTIADDR_NONE, 0 },
    { "webrtc-direct", 280, MULTIADDR_NONE, 0 },
    { "webrtc", 281, MULTIADDR_NONE, 0 },
    { "p2p-circuit", 290, MULTIADDR_NONE, 0 },
    { "udt", 301, MULTIADDR_NONE, 0 },
    { "utp", 302, MULTIADDR_NONE, 0 },
    { "https", CODE_HTTPS, MULTIADDR_NONE, 0 },
    { "tls", CODE_TLS, MULTIADDR_NONE, 0 },
    { "sni", 449, MULTIADDR_NAME, 0 },
    { "noise", 454, MULTIADDR_NONE, 0 },
    { "quic", 460, MULTIADDR_NONE, 0 },
    { "quic-v1", 461, MULTIADDR_NONE, 0 },
    { "webtransport", 465, MULTIADDR_NONE, 0 },
    { "certhash", 466, MULTIADDR_HASH, 0 },
    { "ws", 477, MULTIADDR_NONE, 0 },
    { "wss", 478, MULTIADDR_NONE, 0 },
    { "http", 480, MULTIADDR_NONE, 0 },
    { "http-path", 481, MULTIADDR_ESCAPED, 0 },
    { "memory", 777, MULTIADDR_NUMBER, 8 },
    { "plaintextv2", 7367777, MULTIADDR_NONE, 0 },
};

enum { MULTIADDR_PROTOCOLS = sizeof(multiaddr_protocols) / sizeof(multiaddr_protocols[0]) };

static const struct multiaddr_protocol *multiaddr_protocol_named(struct bytes name)
{
    for (size_t i = 0; i < MULTIADDR_PROTOCOLS; i++) {
        const char *known = multiaddr_protocols[i].name;
        if (bytes_equal((struct bytes){ known, strlen(known) }, name))
            return &multiaddr_protocols[i];
    }
    return NULL;
}

static const struct multiaddr_protocol *multiaddr_protocol_coded(uint64_t code)
{
    for (size_t i = 0; i < MULTIADDR_PROTOCOLS; i++) {
        if (multiaddr_protocols[i].code == code)
            return &multiaddr_protocols[i];
    }
    return NULL;
}

/* ---- walking the binary form ---- */

struct multiaddr_part {
    const struct multiaddr_protocol *protocol;
    struct bytes value;
    size_t start; /* offset of the part */
};

struct multiaddr_walk {
    struct reader reader;
    const uint8_t *start;
};

static struct multiaddr_walk multiaddr_walk_of(const void *bytes, size_t len)
{
    return (struct multiaddr_walk){ reader_of(bytes, len), bytes };
}

/* The next part; false at the end, and when the bytes are none (the reader's err). */
static bool multiaddr_walk_next(struct multiaddr_walk *w, struct multiaddr_part *part)
{
    struct reader *r = &w->reader;
    if (r->left == 0)
        return false;
    part->start = (size_t)(r->at - w->start);
    part->protocol = multiaddr_protocol_coded(multihash_read_varint(r));
    if (r->err == OK && part->protocol == NULL)
        reader_fail(r);
    if (r->err != OK)
        return false;
    bool is_fixed = part->protocol->kind == MULTIADDR_NONE || part->protocol->size > 0;
    part->value = is_fixed ? reader_take(r, part->protocol->size) : reader_run(r, r->left);
    return r->err == OK;
}

/* The first part; NULL in `protocol` when there is none. */
static struct multiaddr_part multiaddr_first(const struct multiaddr *addr)
{
    struct multiaddr_walk w = multiaddr_walk_of(addr->bytes, addr->len);
    struct multiaddr_part part = { 0 };
    if (!multiaddr_walk_next(&w, &part))
        part.protocol = NULL;
    return part;
}

/* ---- checking ---- */

static bool multiaddr_has(struct bytes value, char c)
{
    return value.len > 0 && memchr(value.data, c, value.len) != NULL;
}

/* Paths and names end up as C strings for the system, so a NUL inside is refused. */
static bool multiaddr_name_is_valid(struct bytes value)
{
    return value.len > 0 && !multiaddr_has(value, '/') && !multiaddr_has(value, '\0');
}

static bool multiaddr_path_is_valid(struct bytes value)
{
    const char *c = value.data;
    return value.len > 1 && c[0] == '/' && c[value.len - 1] != '/' && !multiaddr_has(value, '\0');
}

static bool multiaddr_value_is_valid(const struct multiaddr_part *part)
{
    struct peer_id id;
    struct multihash hash;
    switch (part->protocol->kind) {
    case MULTIADDR_NONE:
    case MULTIADDR_IP4_VALUE:
    case MULTIADDR_IP6_VALUE:
    case MULTIADDR_NUMBER:
        return true; /* the size is all there is to say */
    case MULTIADDR_NAME:
        return multiaddr_name_is_valid(part->value);
    case MULTIADDR_PATH:
        return multiaddr_path_is_valid(part->value);
    case MULTIADDR_ESCAPED:
        return part->value.len > 0;
    case MULTIADDR_PEER:
        return peer_id_from_bytes(&id, part->value.data, part->value.len) == OK;
    case MULTIADDR_HASH:
        return multihash_from_bytes(&hash, part->value) == OK;
    }
    return false;
}

int multiaddr_from_bytes(struct multiaddr *out, const void *bytes, size_t len)
{
    if (len == 0)
        return ERR_INVALID;
    if (len > LIMIT_MULTIADDR_BYTES)
        return ERR_TOO_BIG;
    struct multiaddr_walk w = multiaddr_walk_of(bytes, len);
    struct multiaddr_part part;
    while (multiaddr_walk_next(&w, &part)) {
        bool is_last = w.reader.left == 0;
        if (!multiaddr_value_is_valid(&part))
            return ERR_INVALID;
        if (part.protocol->kind == MULTIADDR_PATH && !is_last)
            return ERR_INVALID; /* in text the path would swallow what follows */
    }
    if (w.reader.err != OK)
        return ERR_INVALID;
    *out = (struct multiaddr){ .len = (uint16_t)len };
    memcpy(out->bytes, bytes, len);
    return OK;
}

/* ---- reading text ---- */

static int multiaddr_read_number(struct buf *out, struct bytes text, unsigned size)
{
    const char *c = text.data;
    uint64_t max = UINT64_MAX >> (64 - 8 * size);
    uint64_t value = 0;
    if (text.len == 0)
        return ERR_INVALID;
    for (size_t i = 0; i < text.len; i++) {
        if (c[i] < '0' || c[i] > '9')
            return ERR_INVALID;
        unsigned digit = (unsigned)(c[i] - '0');
        if (value > (max - digit) / 10)
            return ERR_INVALID;
        value = 10 * value + digit;
    }
    for (unsigned i = size; i > 0; i--)
        buf_put_u8(out, (uint8_t)(value >> (8 * (i - 1))));
    return OK;
}

static int multiaddr_read_ip4(struct buf *out, struct bytes text)
{
    uint8_t ip[16];
    if (ip4_parse(ip, text) == OK) {
        buf_append(out, ip, 4);
        return OK;
    }
    if (ip6_parse(ip, text) != OK || !ip6_is_mapped(ip))
        return ERR_INVALID;
    buf_append(out, ip + 12, 4);
    return OK;
}

static int multiaddr_read_ip6(struct buf *out, struct bytes text)
{
    uint8_t ip[16] = { [10] = 0xff, [11] = 0xff };
    if (ip4_parse(ip + 12, text) != OK && ip6_parse(ip, text) != OK)
        return ERR_INVALID;
    buf_append(out, ip, sizeof(ip));
    return OK;
}

static int multiaddr_read_escaped(struct buf *out, struct bytes text)
{
    const char *c = text.data;
    for (size_t i = 0; i < text.len; i++) {
        if (c[i] != '%') {
            buf_put_u8(out, c[i] == '+' ? ' ' : (uint8_t)c[i]);
            continue;
        }
        uint8_t byte;
        if (text.len - i < 3 || hex_decode_exact(&byte, 1, (struct bytes){ c + i + 1, 2 }) != OK)
            return ERR_INVALID;
        buf_put_u8(out, byte);
        i += 2;
    }
    return OK;
}

static int multiaddr_read_peer(struct buf *out, struct bytes text)
{
    struct peer_id id;
    int err = peer_id_parse_len(&id, text.data, text.len);
    if (err == OK)
        buf_append(out, id.bytes, id.len);
    return err;
}

static int multiaddr_read_hash(struct buf *out, struct bytes text)
{
    return multibase_decode(out->data, out->limit, &out->len, text);
}

static int multiaddr_read_value(const struct multiaddr_protocol *p, struct buf *out,
                                struct bytes text)
{
    switch (p->kind) {
    case MULTIADDR_NONE:
        return OK;
    case MULTIADDR_IP4_VALUE:
        return multiaddr_read_ip4(out, text);
    case MULTIADDR_IP6_VALUE:
        return multiaddr_read_ip6(out, text);
    case MULTIADDR_NUMBER:
        return multiaddr_read_number(out, text, p->size);
    case MULTIADDR_NAME:
    case MULTIADDR_PATH:
        buf_append(out, text.data, text.len);
        return OK;
    case MULTIADDR_ESCAPED:
        return multiaddr_read_escaped(out, text);
    case MULTIADDR_PEER:
        return multiaddr_read_peer(out, text);
    case MULTIADDR_HASH:
        return multiaddr_read_hash(out, text);
    }
    return ERR_INVALID;
}

/* Up to the next slash or the end, taken off the front together with the slash. */
static struct bytes multiaddr_take_word(struct bytes *text)
{
    const char *c = text->data;
    const char *slash = text->len > 0 ? memchr(c, '/', text->len) : NULL;
    size_t len = slash != NULL ? (size_t)(slash - c) : text->len;
    size_t taken = slash != NULL ? len + 1 : len;
    *text = (struct bytes){ c + taken, text->len - taken };
    return (struct bytes){ c, len };
}

/* One part from the front of the text ("tcp/9096/..."; its slash is gone already) to `out`. */
static int multiaddr_read_part(struct buf *out, struct bytes *text)
{
    uint8_t room[LIMIT_MULTIADDR_BYTES];
    struct buf value = buf_over(room, sizeof(room));
    const struct multiaddr_protocol *p = multiaddr_protocol_named(multiaddr_take_word(text));
    if (p == NULL || (p->kind != MULTIADDR_NONE && text->len == 0))
        return ERR_INVALID;

    struct bytes word = { NULL, 0 };
    if (p->kind == MULTIADDR_PATH) {
        word = (struct bytes){ (const char *)text->data - 1, text->len + 1 }; /* with its slash */
        text->len = 0;
    } else if (p->kind != MULTIADDR_NONE) {
        word = multiaddr_take_word(text);
    }
    int err = multiaddr_read_value(p, &value, word);
    if (err == OK)
        err = value.err;
    if (err != OK)
        return err;
    if (!multiaddr_value_is_valid(
            &(struct multiaddr_part){ .protocol = p, .value = buf_bytes(&value) }))
        return ERR_INVALID;

    buf_put_varint(out, p->code);
    if (p->kind != MULTIADDR_NONE && p->size == 0)
        buf_put_varint(out, value.len);
    buf_append(out, value.data, value.len);
    return out->err;
}

int multiaddr_parse_len(struct multiaddr *out, const char *text, size_t len)
{
    struct multiaddr addr = { 0 };
    struct buf bytes = buf_over(addr.bytes, sizeof(addr.bytes));
    while (len > 0 && text[len - 1] == '/')
        len -= 1;
    if (len == 0 || text[0] != '/')
        return ERR_INVALID;
    for (struct bytes rest = { text + 1, len - 1 }; rest.len > 0;) {
        int err = multiaddr_read_part(&bytes, &rest);
        if (err != OK)
            return err;
    }
    addr.len = (uint16_t)bytes.len;
    *out = addr;
    return OK;
}

int multiaddr_parse(struct multiaddr *out, const char *text)
{
    return multiaddr_parse_len(out, text, strlen(text));
}

/* ---- printing ---- */

static void multiaddr_print_number(struct buf *out, struct bytes value)
{
    const uint8_t *byte = value.data;
    unsigned long long number = 0;
    for (size_t i = 0; i < value.len; i++)
        number = number << 8 | byte[i];
    buf_printf(out, "%llu", number);
}

static void multiaddr_print_escaped(struct buf *out, struct bytes value)
{
    const uint8_t *byte = value.data;
    for (size_t i = 0; i < value.len; i++) {
        bool is_plain = (byte[i] >= 'a' && byte[i] <= 'z') || (byte[i] >= 'A' && byte[i] <= 'Z') ||
                        (byte[i] >= '0' && byte[i] <= '9') ||
                        (byte[i] != 0 && strchr("-_.~", byte[i]) != NULL);
        if (is_plain)
            buf_put_u8(out, byte[i]);
        else if (byte[i] == ' ')
            buf_put_u8(out, '+');
        else
            buf_printf(out, "%%%02X", byte[i]);
    }
}

static void multiaddr_print_hash(struct buf *out, struct bytes value)
{
    char text[1 + BASE64_SIZE(LIMIT_MULTIADDR_BYTES)];
    int err = multibase_encode(BASE64_URL, text, sizeof(text), value);
    ASSERT(err == OK);
    buf_append_text(out, text);
}

static void multiaddr_print_value(const struct multiaddr_part *part, struct buf *out)
{
    char text[IP6_TEXT_SIZE];
    struct peer_id id;
    switch (part->protocol->kind) {
    case MULTIADDR_NONE:
        return;
    case MULTIADDR_IP4_VALUE:
        ip4_print(text, part->value.data);
        buf_append_text(out, text);
        return;
    case MULTIADDR_IP6_VALUE:
        ip6_print(text, part->value.data);
        buf_append_text(out, text);
        return;
    case MULTIADDR_NUMBER:
        multiaddr_print_number(out, part->value);
        return;
    case MULTIADDR_NAME:
    case MULTIADDR_PATH:
        buf_append(out, part->value.data, part->value.len);
        return;
    case MULTIADDR_ESCAPED:
        multiaddr_print_escaped(out, part->value);
        return;
    case MULTIADDR_PEER:
        peer_id_from_bytes(&id, part->value.data, part->value.len);
        buf_append_text(out, peer_id_print(&id).text);
        return;
    case MULTIADDR_HASH:
        multiaddr_print_hash(out, part->value);
        return;
    }
}

void multiaddr_print(const struct multiaddr *addr, struct buf *out)
{
    struct multiaddr_walk w = multiaddr_walk_of(addr->bytes, addr->len);
    struct multiaddr_part part;
    while (multiaddr_walk_next(&w, &part)) {
        buf_put_u8(out, '/');
        buf_append_text(out, part.protocol->name);
        if (part.protocol->kind == MULTIADDR_NONE)
            continue;
        if (part.protocol->kind != MULTIADDR_PATH) /* a path brings its own slash */
            buf_put_u8(out, '/');
        multiaddr_print_value(&part, out);
    }
}

/* ---- what it says ---- */

bool multiaddr_equal(const struct multiaddr *a, const struct multiaddr *b)
{
    return bytes_equal((struct bytes){ a->bytes, a->len }, (struct bytes){ b->bytes, b->len });
}

static int multiaddr_endpoint_host(const struct multiaddr_part *part,
                                   struct multiaddr_endpoint *out)
{
    switch (part->protocol->code) {
    case CODE_IP4:
        out->kind = MULTIADDR_IP4;
        ip4_print(out->host, part->value.data);
        return OK;
    case CODE_IP6:
        out->kind = MULTIADDR_IP6;
        ip6_print(out->host, part->value.data);
        return OK;
    case CODE_DNS:
        out->kind = MULTIADDR_DNS;
        break;
    case CODE_DNS4:
        out->kind = MULTIADDR_DNS4;
        break;
    case CODE_DNS6:
        out->kind = MULTIADDR_DNS6;
        break;
    default:
        return ERR_UNSUPPORTED;
    }
    ASSERT(part->value.len < sizeof(out->host));
    memcpy(out->host, part->value.data, part->value.len);
    out->host[part->value.len] = '\0';
    return OK;
}

int multiaddr_endpoint(const struct multiaddr *addr, struct multiaddr_endpoint *out)
{
    struct multiaddr_walk w = multiaddr_walk_of(addr->bytes, addr->len);
    struct multiaddr_endpoint endpoint = { 0 };
    struct multiaddr_part host, port;
    if (!multiaddr_walk_next(&w, &host) || !multiaddr_walk_next(&w, &port))
        return ERR_UNSUPPORTED;
    if (multiaddr_endpoint_host(&host, &endpoint) != OK || port.protocol->code != CODE_TCP)
        return ERR_UNSUPPORTED;
    const uint8_t *byte = port.value.data;
    endpoint.port = (uint16_t)(byte[0] << 8 | byte[1]);
    *out = endpoint;
    return OK;
}

bool multiaddr_has_tls(const struct multiaddr *addr)
{
    struct multiaddr_walk w = multiaddr_walk_of(addr->bytes, addr->len);
    struct multiaddr_part part;
    while (multiaddr_walk_next(&w, &part)) {
        if (part.protocol->code == CODE_HTTPS || part.protocol->code == CODE_TLS)
            return true;
    }
    return false;
}

bool multiaddr_is_unix(const struct multiaddr *addr)
{
    struct multiaddr_part part = multiaddr_first(addr);
    return part.protocol != NULL && part.protocol->code == CODE_UNIX;
}

int multiaddr_unix_path(const struct multiaddr *addr, struct buf *out)
{
    struct multiaddr_part part = multiaddr_first(addr);
    if (!multiaddr_is_unix(addr))
        return ERR_UNSUPPORTED;
    buf_append(out, part.value.data, part.value.len);
    return out->err;
}

/* The last part, or NULL in `protocol`. */
static struct multiaddr_part multiaddr_last(const struct multiaddr *addr)
{
    struct multiaddr_walk w = multiaddr_walk_of(addr->bytes, addr->len);
    struct multiaddr_part part = { 0 }, last = { 0 };
    while (multiaddr_walk_next(&w, &part))
        last = part;
    return last;
}

int multiaddr_peer(const struct multiaddr *addr, struct peer_id *out)
{
    struct multiaddr_walk w = multiaddr_walk_of(addr->bytes, addr->len);
    struct multiaddr_part part;
    int err = ERR_NOT_FOUND;
    while (multiaddr_walk_next(&w, &part)) {
        if (part.protocol->code == CODE_P2P)
            err = peer_id_from_bytes(out, part.value.data, part.value.len);
    }
    return err;
}

void multiaddr_strip_peer(struct multiaddr *addr)
{
    struct multiaddr_part last = multiaddr_last(addr);
    if (last.protocol == NULL || last.protocol->code != CODE_P2P)
        return;
    memset(addr->bytes + last.start, 0, addr->len - last.start);
    addr->len = (uint16_t)last.start;
}

int multiaddr_with_peer(struct multiaddr *addr, const struct peer_id *id)
{
    struct multiaddr with = *addr;
    multiaddr_strip_peer(&with);
    struct buf bytes = buf_over(with.bytes, sizeof(with.bytes));
    bytes.len = with.len;
    buf_put_varint(&bytes, CODE_P2P);
    buf_put_run(&bytes, id->bytes, id->len);
    if (bytes.err != OK)
        return bytes.err;
    with.len = (uint16_t)bytes.len;
    *addr = with;
    return OK;
}

int multiaddr_of_ip_port(struct multiaddr *out, const char *ip, uint16_t port)
{
    struct multiaddr addr = { 0 };
    struct buf bytes = buf_over(addr.bytes, sizeof(addr.bytes));
    struct bytes text = { ip, strlen(ip) };
    uint8_t value[16];
    if (ip4_parse(value, text) == OK) {
        buf_put_varint(&bytes, CODE_IP4);
        buf_append(&bytes, value, 4);
    } else if (ip6_parse(value, text) == OK) {
        buf_put_varint(&bytes, CODE_IP6);
        buf_append(&bytes, value, 16);
    } else {
        return ERR_INVALID;
    }
    buf_put_varint(&bytes, CODE_TCP);
    buf_put_u16(&bytes, port);
    addr.len = (uint16_t)bytes.len;
    *out = addr;
    return OK;
}

bool multiaddr_is_unspecified(const struct multiaddr *addr)
{
    static const uint8_t zeros[16];
    struct multiaddr_part part = multiaddr_first(addr);
    if (part.protocol == NULL ||
        (part.protocol->code != CODE_IP4 && part.protocol->code != CODE_IP6))
        return false;
    return memcmp(part.value.data, zeros, part.value.len) == 0;
}
