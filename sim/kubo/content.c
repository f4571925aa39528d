#include "sim/kubo/content.h"

#include <sodium.h>

#include "ids/multihash.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/protobuf.h"

/* ---- names ---- */

static struct cid content_cid_of_multihash(int version, uint64_t codec, struct bytes multihash)
{
    struct cid cid;
    struct buf bytes = { 0 };
    ASSERT(version == 1 || codec == CONTENT_DAG_PB);
    if (version == 1) {
        buf_put_varint(&bytes, 1);
        buf_put_varint(&bytes, codec);
    }
    buf_append(&bytes, multihash.data, multihash.len);
    if (bytes.err != OK)
        fatal("the stand-in IPFS daemon is out of memory");
    int err = cid_from_bytes(&cid, bytes.data, bytes.len);
    ASSERT(err == OK);
    buf_deinit(&bytes);
    return cid;
}

struct cid content_cid(int version, uint64_t codec, struct bytes block)
{
    uint8_t multihash[2 + crypto_hash_sha256_BYTES] = { MULTIHASH_SHA2_256,
                                                        crypto_hash_sha256_BYTES };
    crypto_hash_sha256(multihash + 2, block.data, block.len);
    return content_cid_of_multihash(version, codec, (struct bytes){ multihash, sizeof multihash });
}

struct cid content_cid_as(const struct cid *cid, int version, uint64_t codec)
{
    return content_cid_of_multihash(version, codec, cid_multihash(cid));
}

struct cid content_key(const struct cid *cid)
{
    return content_cid_as(cid, 1, CONTENT_RAW);
}

static uint64_t content_hash_function(const struct cid *cid)
{
    struct multihash hash;
    int err = multihash_from_bytes(&hash, cid_multihash(cid));
    ASSERT(err == OK);
    return hash.code;
}

bool content_has_hash(const struct cid *cid, struct bytes block)
{
    if (content_hash_function(cid) != MULTIHASH_SHA2_256)
        return true;
    struct cid found = content_cid(1, CONTENT_RAW, block);
    struct cid wanted = content_key(cid);
    return cid_equal(&found, &wanted);
}

bool content_is_inline(const struct cid *cid)
{
    return content_hash_function(cid) == MULTIHASH_IDENTITY;
}

/* ---- reading ---- */

struct reader content_links(const struct cid *cid, struct bytes block)
{
    bool has_links = cid_codec(cid) == CONTENT_DAG_PB;
    return reader_of(block.data, has_links ? block.len : 0);
}

static bool content_read_link(struct bytes bytes, struct content_link *out)
{
    struct reader r = reader_of(bytes.data, bytes.len);
    struct protobuf_field field;
    *out = (struct content_link){ 0 };
    while (protobuf_next(&r, &field)) {
        if (protobuf_is(&field, 1, PROTOBUF_BYTES) &&
            cid_from_bytes(&out->cid, field.data.data, field.data.len) != OK)
            return false;
        if (protobuf_is(&field, 2, PROTOBUF_BYTES))
            out->name = field.data;
        if (protobuf_is(&field, 3, PROTOBUF_VARINT))
            out->tree_bytes = field.value;
    }
    return reader_finish(&r) == OK && !cid_is_undefined(&out->cid);
}

bool content_next_link(struct reader *links, struct content_link *out)
{
    struct protobuf_field field;
    while (protobuf_next(links, &field)) {
        if (protobuf_is(&field, 2, PROTOBUF_BYTES) && content_read_link(field.data, out))
            return true;
    }
    return false;
}

bool content_find_link(const struct cid *cid, struct bytes block, struct bytes name,
                       struct content_link *out)
{
    struct reader links = content_links(cid, block);
    while (content_next_link(&links, out)) {
        if (bytes_equal(out->name, name))
            return true;
    }
    return false;
}

/* The types of a UnixFS message; links, metadata and HAMT folders are of no use here. */
enum { UNIXFS_RAW = 0, UNIXFS_FOLDER = 1, UNIXFS_FILE = 2 };

static enum content_kind content_kind_of(uint64_t unixfs_type)
{
    if (unixfs_type == UNIXFS_FILE || unixfs_type == UNIXFS_RAW)
        return CONTENT_FILE;
    return unixfs_type == UNIXFS_FOLDER ? CONTENT_FOLDER : CONTENT_OTHER;
}

static struct content_file content_read_unixfs(struct bytes message)
{
    struct reader r = reader_of(message.data, message.len);
    struct protobuf_field field;
    struct content_file file = { .kind = CONTENT_OTHER };
    while (protobuf_next(&r, &field)) {
        if (protobuf_is(&field, 1, PROTOBUF_VARINT))
            file.kind = content_kind_of(field.value);
        if (protobuf_is(&field, 2, PROTOBUF_BYTES))
            file.data = field.data;
        if (protobuf_is(&field, 3, PROTOBUF_VARINT))
            file.bytes_count = field.value;
    }
    return file;
}

struct content_file content_file(const struct cid *cid, struct bytes block)
{
    if (cid_codec(cid) == CONTENT_RAW)
        return (struct content_file){ CONTENT_FILE, block, block.len };
    struct reader r = reader_of(block.data, block.len);
    struct protobuf_field field;
    while (cid_codec(cid) == CONTENT_DAG_PB && protobuf_next(&r, &field)) {
        if (protobuf_is(&field, 1, PROTOBUF_BYTES))
            return content_read_unixfs(field.data);
    }
    return (struct content_file){ .kind = CONTENT_OTHER };
}

/* ---- writing ---- */

/* A message inside a message, whose length must be known first. */
static void content_put_inner(struct buf *out, uint32_t number, struct buf *inner)
{
    if (inner->err != OK)
        fatal("the stand-in IPFS daemon is out of memory");
    protobuf_put_bytes(out, number, inner->data, inner->len);
    buf_deinit(inner);
}

void content_put_file(struct buf *block, struct bytes data)
{
    struct buf message = { 0 };
    protobuf_put_varint(&message, 1, UNIXFS_FILE);
    if (data.len > 0)
        protobuf_put_bytes(&message, 2, data.data, data.len);
    protobuf_put_varint(&message, 3, data.len);
    content_put_inner(block, 1, &message);
}

void content_put_folder(struct buf *block, const struct content_link *links, size_t count)
{
    struct buf message = { 0 };
    for (size_t i = 0; i < count; i++) {
        struct buf link = { 0 };
        protobuf_put_bytes(&link, 1, links[i].cid.bytes, links[i].cid.len);
        protobuf_put_bytes(&link, 2, links[i].name.data, links[i].name.len);
        protobuf_put_varint(&link, 3, links[i].tree_bytes);
        content_put_inner(block, 2, &link);
    }
    protobuf_put_varint(&message, 1, UNIXFS_FOLDER);
    content_put_inner(block, 1, &message);
}
