#include <criterion/criterion.h>
#include <string.h>

#include "ids/multiaddr.h"
#include "tests/lib/test_file.h"
#include "util/err.h"

TestSuite(multiaddr, .timeout = 60);

static struct multiaddr addr_of(const char *text)
{
    struct multiaddr addr;
    cr_assert_eq(multiaddr_parse(&addr, text), OK, "%s", text);
    return addr;
}

static void check_prints(const struct multiaddr *addr, const char *want)
{
    struct buf text = { 0 };
    multiaddr_print(addr, &text);
    cr_assert_str_eq(buf_text(&text), want);
    buf_deinit(&text);
}

static void check_taken(struct bytes in, struct bytes bytes, const char *want)
{
    struct multiaddr addr, again;
    cr_assert_eq(multiaddr_parse_len(&addr, in.data, in.len), OK, "%s", (const char *)in.data);
    cr_assert(bytes_equal((struct bytes){ addr.bytes, addr.len }, bytes), "%s", want);
    check_prints(&addr, want);
    cr_assert_eq(multiaddr_from_bytes(&again, bytes.data, bytes.len), OK, "%s", want);
    cr_assert(multiaddr_equal(&again, &addr));
    again = addr_of(want);
    cr_assert(multiaddr_equal(&again, &addr));
}

static unsigned check_rows(const struct json_doc *doc, const char *name, const char *out)
{
    unsigned checked = 0;
    int rows = json_member(doc, 0, name);
    for (int row = json_first(doc, rows); row != JSON_NONE; row = json_next(doc, row)) {
        struct bytes in = test_json_text(doc, row, "in");
        struct bytes want = test_json_text(doc, row, out);
        struct multiaddr addr;
        if (want.data == NULL)
            cr_assert_eq(multiaddr_parse_len(&addr, in.data, in.len), ERR_INVALID, "%s",
                         (const char *)in.data);
        else
            check_taken(in, test_json_hex(doc, row, "bytes_hex"), want.data);
        checked += 1;
    }
    return checked;
}

Test(multiaddr, vectors)
{
    struct buf text = { 0 };
    struct json_doc doc;
    test_file_json("tests/vectors/multiaddrs.json", &text, &doc);
    cr_assert_eq(check_rows(&doc, "valid", "out"), 204);
    cr_assert_eq(check_rows(&doc, "invalid", "out"), 108);
    cr_assert_eq(check_rows(&doc, "differ", "go"), 58);
    json_doc_deinit(&doc);
    buf_deinit(&text);
}

Test(multiaddr, bytes_that_are_none)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *why;
    } rows[] = {
        { "", 0, "empty" },
        { "\x04\x7f\x00\x00", 4, "short ip4" },
        { "\x05", 1, "no such protocol" },
        { "\x84\x00\x7f\x00\x00\x01", 6, "padded code" },
        { "\x35\x00", 2, "empty name" },
        { "\x35\x03"
          "a/b",
          5, "slash in a name" },
        { "\x35\x03"
          "a\0b",
          5, "NUL in a name" },
        { "\x35\x05"
          "abc",
          5, "name runs past the end" },
        { "\x90\x03\x01"
          "/",
          4, "a path of nothing" },
        { "\x90\x03\x01"
          "a",
          4, "a path without its slash" },
        { "\x90\x03\x03"
          "/a/",
          6, "a path with a slash behind" },
        { "\x90\x03\x02"
          "/a\x06\x00\x50",
          8, "something behind a path" },
        { "\xa5\x03\x02\x11\x00", 5, "no peer id" },
        { "\xe1\x03\x00", 3, "empty http-path" },
        { "\xd2\x03\x02\x12\x20", 5, "half a hash" },
    };
    struct multiaddr addr = { .len = 3 };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_assert_eq(multiaddr_from_bytes(&addr, rows[i].bytes, rows[i].len), ERR_INVALID, "%s",
                     rows[i].why);
    uint8_t big[LIMIT_MULTIADDR_BYTES + 1] = { 0 };
    cr_assert_eq(multiaddr_from_bytes(&addr, big, sizeof(big)), ERR_TOO_BIG);
    cr_assert_eq(addr.len, 3, "untouched on error");
}

Test(multiaddr, too_long)
{
    char text[400] = "/dns4/";
    struct multiaddr addr;
    memset(text + 6, 'a', 300);
    cr_assert_eq(multiaddr_parse(&addr, text), ERR_TOO_BIG);
    text[6 + 254] = '\0';
    cr_assert_eq(multiaddr_parse(&addr, text), ERR_TOO_BIG);
    text[6 + 253] = '\0';
    cr_assert_eq(multiaddr_parse(&addr, text), OK);
    cr_assert_eq(multiaddr_parse_len(&addr, "/dns4/a\0b", 9), ERR_INVALID);
}

Test(multiaddr, endpoints)
{
    static const struct {
        const char *text;
        enum multiaddr_host_kind kind;
        const char *host;
        uint16_t port;
    } rows[] = {
        { "/ip4/127.0.0.1/tcp/9096", MULTIADDR_IP4, "127.0.0.1", 9096 },
        { "/ip6/::1/tcp/80/http", MULTIADDR_IP6, "::1", 80 },
        { "/dns/a.example/tcp/65535/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC",
          MULTIADDR_DNS, "a.example", 65535 },
        { "/dns4/a/tcp/1", MULTIADDR_DNS4, "a", 1 },
        { "/dns6/a/tcp/0", MULTIADDR_DNS6, "a", 0 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct multiaddr addr = addr_of(rows[i].text);
        struct multiaddr_endpoint endpoint;
        cr_assert_eq(multiaddr_endpoint(&addr, &endpoint), OK);
        cr_assert_eq(endpoint.kind, rows[i].kind);
        cr_assert_str_eq(endpoint.host, rows[i].host);
        cr_assert_eq(endpoint.port, rows[i].port);
    }
    static const char *const others[] = { "/ip4/1.2.3.4",       "/ip4/1.2.3.4/udp/1",
                                          "/tcp/1/ip4/1.2.3.4", "/unix/a",
                                          "/dnsaddr/a/tcp/1",   "/ip4/1.2.3.4/ws" };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct multiaddr addr = addr_of(others[i]);
        struct multiaddr_endpoint endpoint = { .port = 5 };
        cr_assert_eq(multiaddr_endpoint(&addr, &endpoint), ERR_UNSUPPORTED, "%s", others[i]);
        cr_assert_eq(endpoint.port, 5, "untouched on error");
    }
    struct multiaddr none = { 0 };
    struct multiaddr_endpoint endpoint;
    cr_assert_eq(multiaddr_endpoint(&none, &endpoint), ERR_UNSUPPORTED);
}

Test(multiaddr, unix_path)
{
    struct multiaddr addr = addr_of("/unix/run/ipfs.sock");
    struct buf path = { 0 };
    cr_assert_eq(multiaddr_unix_path(&addr, &path), OK);
    cr_assert_str_eq(buf_text(&path), "/run/ipfs.sock");
    addr = addr_of("/ip4/1.2.3.4/tcp/1/unix/x");
    cr_assert_eq(multiaddr_unix_path(&addr, &path), ERR_UNSUPPORTED);
    buf_deinit(&path);
}

Test(multiaddr, peers_come_and_go)
{
    const char *with =
        "/ip4/1.2.3.4/tcp/9/p2p/12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV";
    struct multiaddr addr = addr_of(with);
    struct peer_id id, other = peer_id_of_public_key((const uint8_t[32]){ 1 });
    cr_assert_eq(multiaddr_peer(&addr, &id), OK);
    cr_assert_str_eq(peer_id_print(&id).text,
                     "12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV");
    multiaddr_strip_peer(&addr);
    check_prints(&addr, "/ip4/1.2.3.4/tcp/9");
    multiaddr_strip_peer(&addr);
    check_prints(&addr, "/ip4/1.2.3.4/tcp/9");
    cr_assert_eq(multiaddr_peer(&addr, &other), ERR_NOT_FOUND);
    cr_assert_eq(multiaddr_with_peer(&addr, &other), OK);
    cr_assert_eq(multiaddr_with_peer(&addr, &id), OK, "replaces the one that stands there");
    check_prints(&addr, with);

    addr = addr_of("/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC/p2p-circuit");
    multiaddr_strip_peer(&addr);
    cr_assert_eq(multiaddr_peer(&addr, &id), OK, "not the last part, so it stays");
    cr_assert_str_eq(peer_id_print(&id).text, "QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC");

    char name[6 + 240] = "/dns4/";
    memset(name + 6, 'a', 239);
    addr = addr_of(name);
    cr_assert_eq(multiaddr_with_peer(&addr, &id), ERR_TOO_BIG);
    check_prints(&addr, name);
}

Test(multiaddr, of_ip_and_port)
{
    struct multiaddr addr;
    cr_assert_eq(multiaddr_of_ip_port(&addr, "10.0.0.1", 9096), OK);
    check_prints(&addr, "/ip4/10.0.0.1/tcp/9096");
    cr_assert_eq(multiaddr_of_ip_port(&addr, "fe80::1", 1), OK);
    check_prints(&addr, "/ip6/fe80::1/tcp/1");
    cr_assert_eq(multiaddr_of_ip_port(&addr, "localhost", 1), ERR_INVALID);
    check_prints(&addr, "/ip6/fe80::1/tcp/1");
}

Test(multiaddr, unspecified)
{
    static const struct {
        const char *text;
        bool unspecified;
    } rows[] = {
        { "/ip4/0.0.0.0/tcp/1", true },
        { "/ip6/::/tcp/1", true },
        { "/ip4/0.0.0.1/tcp/1", false },
        { "/ip6/::1/tcp/1", false },
        { "/dns4/a", false },
        { "/tcp/0", false },
        { "/dns4/a/ip4/0.0.0.0", false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct multiaddr addr = addr_of(rows[i].text);
        cr_assert_eq(multiaddr_is_unspecified(&addr), rows[i].unspecified, "%s", rows[i].text);
    }
    cr_assert_not(multiaddr_is_unspecified(&(struct multiaddr){ 0 }));
}
