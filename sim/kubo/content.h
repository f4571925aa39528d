/* content.h -- what is in a block: hashes, links, UnixFS files and folders.
 *
 * Shape    A block is bytes; its CID says how to read them: raw (a leaf) or dag-pb (links to others, and
 *          UnixFS data). Reading is a walk over the block's own bytes; writing appends to a buf.
 * Limits   Files of one chunk, folders of one block: bigger trees can be read but are not made here.
 * Owner    What was read points into the block.
 * Errors   Bytes that are no dag-pb read as a block without links and data. Memory: fatal().
 * Source   IPLD dag-pb (links before data, sorted by name), UnixFS 1; tests/vectors/kubo.json. */
#ifndef SIM_KUBO_CONTENT_H
#define SIM_KUBO_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/cid.h"
#include "util/buf.h"

enum { CONTENT_RAW = 0x55, CONTENT_DAG_PB = 0x70 };

/* Version 0 needs CONTENT_DAG_PB. */
struct cid content_cid(int version, uint64_t codec, struct bytes block);
/* The same content under another kind of name. */
struct cid content_cid_as(const struct cid *cid, int version, uint64_t codec);
/* The block's name whatever CID was used: a CIDv1 of codec raw with the same multihash. */
struct cid content_key(const struct cid *cid);
/* Do these bytes have that hash? True for hash functions that we cannot compute. */
bool content_has_hash(const struct cid *cid, struct bytes block);
bool content_is_inline(const struct cid *cid); /* identity hash: the CID is the block */

struct content_link {
    struct cid cid;
    struct bytes name;
    uint64_t tree_bytes; /* the block and all below it */
};

/* ---- reading ---- */

/* Begin with content_links(); each call of next gives a link, until false. */
struct reader content_links(const struct cid *cid, struct bytes block);
bool content_next_link(struct reader *links, struct content_link *out);
/* Its link of that name; false when there is none. */
bool content_find_link(const struct cid *cid, struct bytes block, struct bytes name,
                       struct content_link *out);

enum content_kind { CONTENT_FILE, CONTENT_FOLDER, CONTENT_OTHER };

struct content_file {
    enum content_kind kind;
    struct bytes data;    /* what stands in this very block */
    uint64_t bytes_count; /* of the whole file */
};
struct content_file content_file(const struct cid *cid, struct bytes block);

/* ---- writing ---- */

void content_put_file(struct buf *block, struct bytes data);
/* The links must be sorted by name. */
void content_put_folder(struct buf *block, const struct content_link *links, size_t count);

#endif
