/* covers: peer/ids/cid.c peer/util/base.c */
/* A CID as a client sends it (text) and as a peer or a table gives it (bytes); and the bases that
 * the text stands on. What is taken must come back the same, both ways. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ids/cid.h"
#include "util/assert.h"
#include "util/base.h"
#include "util/err.h"

static void check_cid(const struct cid *cid)
{
    struct cid again;
    struct cid_text text = cid_print(cid);
    ASSERT(cid->len > 0 && cid->len <= LIMIT_CID_BYTES);
    ASSERT(cid_parse(&again, text.text) == OK);
    ASSERT(cid_equal(&again, cid));
    ASSERT(cid_from_bytes(&again, cid->bytes, cid->len) == OK);
    ASSERT(cid_equal(&again, cid));
    ASSERT(cid_compare(&again, cid) == 0);
    ASSERT(cid_multihash(cid).len <= cid->len);
    (void)cid_codec(cid);
}

/* One base, chosen by the input: bytes written in it are read back; text that it takes can be written. */
static void check_base(enum base base, struct bytes input)
{
    enum { PIECE = 48 };
    char text[1 + 8 * PIECE + 1];
    uint8_t back[PIECE];
    size_t len;
    struct bytes piece = { input.data, input.len < PIECE ? input.len : PIECE };
    ASSERT(multibase_encode(base, text, sizeof(text), piece) == OK);
    ASSERT(multibase_decode(back, sizeof(back), &len, (struct bytes){ text, strlen(text) }) == OK);
    ASSERT(bytes_equal((struct bytes){ back, len }, piece));
    if (base_decode(base, back, sizeof(back), &len, input) == OK)
        ASSERT(base_encode(base, text, sizeof(text), (struct bytes){ back, len }) == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cid cid;
    if (cid_parse_len(&cid, (const char *)data, size) == OK)
        check_cid(&cid);
    if (cid_from_bytes(&cid, data, size) == OK)
        check_cid(&cid);
    if (size > 0)
        check_base((enum base)(data[0] % BASE_COUNT), (struct bytes){ data + 1, size - 1 });
    return 0;
}
