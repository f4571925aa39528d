#include "sim/script/upload_body.h"

#include <sodium.h>

#include "util/assert.h"
#include "util/err.h"

enum { PADDING_FILES = 3, PADDING_BYTES = 8 * 1024 };

static void upload_body_part(struct buf *out, const char *stem, unsigned number)
{
    buf_printf(out,
               "--scenario\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s%u\"\r\n"
               "Content-Type: application/octet-stream\r\n\r\n",
               stem, number);
}

void upload_body_put(struct buf *out, struct bytes content)
{
    for (unsigned i = 0; i < PADDING_FILES; i++) {
        upload_body_part(out, "padding", i);
        for (unsigned at = 0; at < PADDING_BYTES; at++)
            buf_put_u8(out, (uint8_t)('a' + i));
        buf_append_text(out, "\r\n");
    }
    upload_body_part(out, "content", 0);
    buf_append(out, content.data, content.len);
    buf_append_text(out, "\r\n--scenario--\r\n");
}

struct cid upload_body_cid(struct bytes content)
{
    uint8_t bytes[4 + crypto_hash_sha256_BYTES] = { 0x01, 0x55, 0x12, crypto_hash_sha256_BYTES };
    struct cid cid;
    crypto_hash_sha256(bytes + 4, content.data, content.len);
    int err = cid_from_bytes(&cid, bytes, sizeof(bytes));
    ASSERT(err == OK);
    return cid;
}
