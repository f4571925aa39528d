/* covers: peer/ids/multiaddr.c peer/ids/peer_id.c peer/ids/multihash.c peer/util/ip.c */
/* A multiaddr from a configuration file (text) or from another peer (bytes). What is taken prints to
 * a text that reads back to the same bytes, and every question about it has an answer. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ids/multiaddr.h"
#include "util/assert.h"
#include "util/err.h"

static void check_peer(const struct peer_id *id)
{
    struct peer_id again;
    uint8_t key[32];
    ASSERT(peer_id_parse(&again, peer_id_print(id).text) == OK);
    ASSERT(peer_id_equal(&again, id));
    ASSERT(peer_id_from_bytes(&again, id->bytes, id->len) == OK);
    if (peer_id_public_key(id, key) != OK)
        return;
    again = peer_id_of_public_key(key);
    ASSERT(peer_id_equal(&again, id));
}

static void check_questions(const struct multiaddr *addr)
{
    struct multiaddr_endpoint endpoint;
    struct multiaddr other;
    struct peer_id id;
    struct buf path = { 0 };
    if (multiaddr_endpoint(addr, &endpoint) == OK && endpoint.kind <= MULTIADDR_IP6) {
        ASSERT(multiaddr_of_ip_port(&other, endpoint.host, endpoint.port) == OK);
        ASSERT(other.len <= addr->len && memcmp(other.bytes, addr->bytes, other.len) == 0);
    }
    if (multiaddr_unix_path(addr, &path) == OK)
        ASSERT(path.len > 0 && path.data[0] == '/');
    buf_deinit(&path);
    (void)multiaddr_is_unspecified(addr);

    other = *addr;
    multiaddr_strip_peer(&other);
    if (multiaddr_peer(addr, &id) != OK)
        return;
    check_peer(&id);
    if (multiaddr_with_peer(&other, &id) == OK)
        ASSERT(multiaddr_peer(&other, &id) == OK);
}

static void check_addr(const struct multiaddr *addr)
{
    struct multiaddr again;
    struct buf text = { 0 };
    multiaddr_print(addr, &text);
    ASSERT(text.err == OK);
    ASSERT(multiaddr_parse_len(&again, (const char *)text.data, text.len) == OK);
    ASSERT(multiaddr_equal(&again, addr));
    ASSERT(multiaddr_from_bytes(&again, addr->bytes, addr->len) == OK);
    ASSERT(multiaddr_equal(&again, addr));
    buf_deinit(&text);
    check_questions(addr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct multiaddr addr;
    struct peer_id id;
    if (multiaddr_parse_len(&addr, (const char *)data, size) == OK)
        check_addr(&addr);
    if (multiaddr_from_bytes(&addr, data, size) == OK)
        check_addr(&addr);
    if (peer_id_parse_len(&id, (const char *)data, size) == OK)
        check_peer(&id);
    if (peer_id_from_bytes(&id, data, size) == OK)
        check_peer(&id);
    return 0;
}
