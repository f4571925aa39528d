#include "test_ids.h"

#include <string.h>

static void test_put_number(uint8_t *out, uint32_t n)
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (uint8_t)(n >> (24 - 8 * i));
}

struct cid test_cid(uint32_t n)
{
    static const uint8_t head[] = { 0x01, 0x55, 0x12, 0x20 }; /* CIDv1, raw, sha2-256 */
    struct cid cid = { .len = sizeof(head) + 32 };
    memcpy(cid.bytes, head, sizeof(head));
    test_put_number(cid.bytes + sizeof(head), n);
    return cid;
}

struct peer_id test_peer(uint32_t n)
{
    static const uint8_t head[] = {
        0x00, 0x24, 0x08, 0x01, 0x12, 0x20
    }; /* an ed25519 key, as it is */
    struct peer_id id = { .len = sizeof(head) + 32 };
    memcpy(id.bytes, head, sizeof(head));
    test_put_number(id.bytes + sizeof(head), n);
    return id;
}

struct cid test_long_cid(uint32_t n)
{
    static const uint8_t head[] = { 0x01, 0x55, 0x00, 0x80, 0x01 }; /* CIDv1, raw, identity, 128 */
    struct cid cid = { .len = sizeof(head) + LIMIT_DIGEST_BYTES };
    memcpy(cid.bytes, head, sizeof(head));
    test_put_number(cid.bytes + sizeof(head), n);
    return cid;
}

uint64_t test_random_next(struct test_random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t test_random_below(struct test_random *r, uint64_t n)
{
    return test_random_next(r) % n;
}
