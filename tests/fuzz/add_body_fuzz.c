/* covers: peer/http/wire/multipart.c peer/ipfs/car.c */
/* The body of an /add: its type and its bytes, whole and in pieces. The content of every part is shown to the reader of
 * CARs, which is why a CAR without a multipart body around it is tried, too. */
#include <stdint.h>
#include <string.h>

#include "http/wire/multipart.h"
#include "ipfs/car.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    uint64_t hash; /* of content, whatever its pieces */
    size_t len;
    size_t parts;
    struct car car;
    struct buf name;
    int err;
};

static void on_part(void *owner, struct bytes head)
{
    struct heard *h = owner;
    h->parts += 1;
    (void)http_multipart_file_name(head, &h->name);
}

static void on_content(void *owner, const void *bytes, size_t len)
{
    struct heard *h = owner;
    for (size_t i = 0; i < len; i++)
        h->hash = h->hash * 31 + ((const uint8_t *)bytes)[i];
    h->len += len;
    (void)car_feed(&h->car, bytes, len);
}

static void hear(struct heard *h, const char *boundary, struct bytes body, size_t piece)
{
    struct http_multipart m;
    http_multipart_init(&m, boundary);
    m.on_part = on_part;
    m.on_content = on_content;
    m.owner = h;
    h->err = OK;
    for (size_t at = 0; at < body.len && h->err == OK; at += piece) {
        size_t len = body.len - at < piece ? body.len - at : piece;
        h->err = http_multipart_feed(&m, (const uint8_t *)body.data + at, len);
    }
    if (h->err == OK)
        h->err = http_multipart_end(&m);
    ASSERT(h->err != OK || h->len <= body.len);
    http_multipart_deinit(&m);
    car_deinit(&h->car);
    buf_deinit(&h->name);
}

static void check_car(struct bytes file)
{
    struct car whole = { 0 };
    struct car pieces = { 0 };
    int err = car_feed(&whole, file.data, file.len);
    for (size_t i = 0; i < file.len; i++)
        (void)car_feed(&pieces, (const uint8_t *)file.data + i, 1);
    ASSERT(err == pieces.err && whole.is_known == pieces.is_known);
    ASSERT(!whole.is_known || whole.roots_count == pieces.roots_count);
    ASSERT(!whole.is_known || cid_equal(&whole.root, &pieces.root));
    car_deinit(&whole);
    car_deinit(&pieces);
}

/* "TYPE\nBODY"; without a type: a CAR. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char boundary[HTTP_MULTIPART_BOUNDARY_MAX + 1];
    const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
    struct bytes type = { data, newline != NULL ? (size_t)(newline - data) : 0 };
    if (newline == NULL || http_multipart_boundary(type, boundary) != OK) {
        check_car((struct bytes){ data, size });
        return 0;
    }
    struct bytes body = { newline + 1, size - type.len - 1 };
    struct heard whole = { 0 };
    struct heard pieces = { 0 };
    hear(&whole, boundary, body, body.len + 1);
    hear(&pieces, boundary, body, 1);
    ASSERT(whole.err == pieces.err && whole.parts == pieces.parts);
    ASSERT(whole.hash == pieces.hash && whole.len == pieces.len);
    return 0;
}
