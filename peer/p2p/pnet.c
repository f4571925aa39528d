#include "p2p/pnet.h"

#include <sodium.h>
#include <string.h>

#include "util/mem.h"

void pnet_init(struct pnet *p, const uint8_t secret[PNET_SECRET_BYTES],
               const uint8_t nonce[PNET_NONCE_BYTES])
{
    memcpy(p->secret, secret, sizeof(p->secret));
    memcpy(p->nonce, nonce, sizeof(p->nonce));
    p->offset = 0;
}

/* libsodium starts at a whole block of keystream only. So a piece that begins inside a block is
 * laid into a block of its own, at its place, and taken out again. */
static void pnet_apply_within_block(struct pnet *p, uint8_t *bytes, size_t len)
{
    uint8_t block[PNET_BLOCK_BYTES] = { 0 };
    size_t skip = p->offset % PNET_BLOCK_BYTES;
    memcpy(block + skip, bytes, len);
    crypto_stream_xsalsa20_xor_ic(block, block, sizeof(block), p->nonce,
                                  p->offset / PNET_BLOCK_BYTES, p->secret);
    memcpy(bytes, block + skip, len);
    mem_wipe(block, sizeof(block));
    p->offset += len;
}

void pnet_apply(struct pnet *p, uint8_t *bytes, size_t len)
{
    size_t skip = p->offset % PNET_BLOCK_BYTES;
    if (skip > 0) {
        size_t head = PNET_BLOCK_BYTES - skip < len ? PNET_BLOCK_BYTES - skip : len;
        pnet_apply_within_block(p, bytes, head);
        bytes += head;
        len -= head;
    }
    if (len == 0)
        return;
    crypto_stream_xsalsa20_xor_ic(bytes, bytes, len, p->nonce, p->offset / PNET_BLOCK_BYTES,
                                  p->secret);
    p->offset += len;
}

void pnet_wipe(struct pnet *p)
{
    mem_wipe(p, sizeof(*p));
}
