#include "ids/multihash.h"

#include "util/err.h"

uint64_t multihash_read_varint(struct reader *r)
{
    uint64_t value = reader_varint(r);
    if (value > INT64_MAX)
        reader_fail(r);
    return r->err == OK ? value : 0;
}

struct multihash multihash_read(struct reader *r)
{
    struct multihash hash;
    hash.code = multihash_read_varint(r);
    hash.digest = reader_run(r, r->left);
    return hash;
}

int multihash_from_bytes(struct multihash *out, struct bytes bytes)
{
    struct reader r = reader_of(bytes.data, bytes.len);
    struct multihash hash = multihash_read(&r);
    if (reader_finish(&r) != OK)
        return ERR_INVALID;
    *out = hash;
    return OK;
}
