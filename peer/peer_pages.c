#include "peer_pages.h"

#include "util/assert.h"
#include "util/err.h"
#include "util/limits.h"

enum { PAGES_VERSION = 1, PAGE_WORD_VERSION = 1, PAGE_INFO_BYTES_MAX = 2048, PAGE_LIST_MAX = 4096 };

/* ---- requests ---- */

void page_request_encode(const struct page_request *r, struct buf *out)
{
    buf_put_u8(out, PAGES_VERSION);
    buf_put_u8(out, r->is_one);
    buf_put_run(out, r->cid.bytes, r->cid.len);
    buf_put_u32(out, r->filter);
    buf_put_u16(out, r->limit);
}

static int pages_version(struct reader *r)
{
    uint8_t version = reader_u8(r);
    if (r->err != OK || version == 0)
        return ERR_CORRUPT;
    return version == PAGES_VERSION ? OK : ERR_VERSION;
}

static void pages_read_cid(struct reader *r, struct cid *out)
{
    struct bytes run = reader_run(r, LIMIT_CID_BYTES);
    *out = (struct cid){ 0 };
    if (run.len > 0 && cid_from_bytes(out, run.data, run.len) != OK)
        r->err = ERR_CORRUPT;
}

int page_request_decode(struct page_request *out, struct bytes payload)
{
    struct reader r = reader_of(payload.data, payload.len);
    int err = pages_version(&r);
    if (err != OK)
        return err;
    *out = (struct page_request){ .is_one = reader_u8(&r) != 0 };
    pages_read_cid(&r, &out->cid);
    out->filter = reader_u32(&r);
    out->limit = reader_u16(&r);
    if (out->limit > PAGE_INFOS_MAX || (out->is_one && cid_is_undefined(&out->cid)))
        return ERR_CORRUPT;
    return reader_finish(&r);
}

/* ---- pages ---- */

void page_encode(const struct page *page, struct buf *out)
{
    buf_put_u8(out, PAGES_VERSION);
    buf_put_run(out, page->name.data, page->name.len);
    buf_put_run(out, page->ipfs_id.data, page->ipfs_id.len);
    buf_put_u16(out, (uint16_t)page->count);
    for (size_t i = 0; i < page->count; i++) {
        buf_put_varint(out, tracker_info_size(&page->infos[i]));
        tracker_info_encode(&page->infos[i], out);
    }
    buf_put_run(out, page->after.bytes, page->after.len);
    buf_put_u8(out, page->is_last);
}

int page_decode(struct page *out, struct bytes payload)
{
    struct reader r = reader_of(payload.data, payload.len);
    int err = pages_version(&r);
    if (err != OK)
        return err;
    *out = (struct page){ .name = reader_run(&r, PAGE_TEXT_MAX) };
    out->ipfs_id = reader_run(&r, PAGE_TEXT_MAX);
    out->count = reader_u16(&r);
    if (r.err != OK || out->count > PAGE_INFOS_MAX)
        return ERR_CORRUPT;
    out->rows = r;
    for (size_t i = 0; i < out->count; i++)
        (void)reader_run(&r, PAGE_INFO_BYTES_MAX);
    pages_read_cid(&r, &out->after);
    out->is_last = reader_u8(&r) != 0;
    return reader_finish(&r);
}

int page_next(struct page *page, struct arena *arena, struct tracker_info *out,
              const struct pin **pin)
{
    *pin = NULL;
    if (page->given == page->count)
        return ERR_NOT_FOUND;
    size_t at = page->given++;
    if (page->infos == NULL)
        return tracker_info_decode(out, arena, reader_run(&page->rows, PAGE_INFO_BYTES_MAX));
    *out = page->infos[at];
    *pin = page->pins != NULL ? page->pins[at] : NULL;
    return OK;
}

/* ---- ids ---- */

void page_id_encode(const struct api_id *id, struct buf *out)
{
    buf_put_u8(out, PAGES_VERSION);
    buf_put_run(out, id->id.bytes, id->id.len);
    buf_put_run(out, id->name.data, id->name.len);
    buf_put_run(out, id->version.data, id->version.len);
    buf_put_u16(out, (uint16_t)id->addrs_count);
    for (size_t i = 0; i < id->addrs_count; i++)
        buf_put_run(out, id->addrs[i].bytes, id->addrs[i].len);
    buf_put_u16(out, (uint16_t)id->members_count);
    for (size_t i = 0; i < id->members_count; i++)
        buf_put_run(out, id->members[i].bytes, id->members[i].len);
    buf_put_u16(out, (uint16_t)id->member_addrs_count);
    for (size_t i = 0; i < id->member_addrs_count; i++) {
        buf_put_run(out, id->member_addrs[i].id.bytes, id->member_addrs[i].id.len);
        buf_put_run(out, id->member_addrs[i].addr.bytes, id->member_addrs[i].addr.len);
    }
    buf_put_run(out, id->ipfs_id.data, id->ipfs_id.len);
    buf_put_u16(out, (uint16_t)id->ipfs_addrs_count);
    for (size_t i = 0; i < id->ipfs_addrs_count; i++)
        buf_put_run(out, id->ipfs_addrs[i].data, id->ipfs_addrs[i].len);
    buf_put_run(out, id->ipfs_error.data, id->ipfs_error.len);
    buf_put_u8(out, (uint8_t)id->role);
    /* Only where all know it (PINSET_LEVEL_DISMISSAL): others refuse what is behind the role. */
    if (id->has_kept)
        buf_put_u64(out, id->kept);
}

/* A count and room for so many; the reader fails on too many and when memory is out. */
static void *page_list(struct reader *r, struct arena *arena, size_t size, size_t *count)
{
    *count = reader_u16(r);
    void *list = *count <= PAGE_LIST_MAX ? arena_array(arena, *count + 1, size) : NULL;
    if (list == NULL) {
        r->err = ERR_CORRUPT;
        *count = 0;
    }
    return list;
}

static void page_read_peer(struct reader *r, struct peer_id *out)
{
    struct bytes run = reader_run(r, LIMIT_PEER_ID_BYTES);
    if (r->err == OK && peer_id_from_bytes(out, run.data, run.len) != OK)
        r->err = ERR_CORRUPT;
}

static void page_read_addr(struct reader *r, struct multiaddr *out)
{
    struct bytes run = reader_run(r, LIMIT_MULTIADDR_BYTES);
    if (r->err == OK && multiaddr_from_bytes(out, run.data, run.len) != OK)
        r->err = ERR_CORRUPT;
}

static void page_read_members(struct reader *r, struct arena *arena, struct api_id *out)
{
    struct multiaddr *addrs = page_list(r, arena, sizeof(*addrs), &out->addrs_count);
    for (size_t i = 0; i < out->addrs_count; i++)
        page_read_addr(r, &addrs[i]);
    struct peer_id *members = page_list(r, arena, sizeof(*members), &out->members_count);
    for (size_t i = 0; i < out->members_count; i++)
        page_read_peer(r, &members[i]);
    struct api_member_addr *rows = page_list(r, arena, sizeof(*rows), &out->member_addrs_count);
    for (size_t i = 0; i < out->member_addrs_count; i++) {
        page_read_peer(r, &rows[i].id);
        page_read_addr(r, &rows[i].addr);
    }
    out->addrs = addrs;
    out->members = members;
    out->member_addrs = rows;
}

int page_id_decode(struct api_id *out, struct arena *arena, struct bytes payload)
{
    struct reader r = reader_of(payload.data, payload.len);
    int err = pages_version(&r);
    if (err != OK)
        return err;
    *out = (struct api_id){ 0 };
    page_read_peer(&r, &out->id);
    out->name = reader_run(&r, PAGE_TEXT_MAX);
    out->version = reader_run(&r, PAGE_TEXT_MAX);
    page_read_members(&r, arena, out);
    out->ipfs_id = reader_run(&r, PAGE_TEXT_MAX);
    struct bytes *ipfs_addrs = page_list(&r, arena, sizeof(*ipfs_addrs), &out->ipfs_addrs_count);
    for (size_t i = 0; i < out->ipfs_addrs_count; i++)
        ipfs_addrs[i] = reader_run(&r, PAGE_TEXT_MAX);
    out->ipfs_addrs = ipfs_addrs;
    out->ipfs_error = reader_run(&r, PAGE_TEXT_MAX);
    uint8_t role = reader_u8(&r);
    if (role > API_ROLE_LEAVING)
        return ERR_CORRUPT;
    out->role = (enum api_role)role;
    out->has_kept = r.left > 0;
    if (out->has_kept)
        out->kept = reader_u64(&r);
    return reader_finish(&r);
}

/* ---- words of a census ---- */

static void word_put_peers(struct buf *out, const struct peer_id *peers, size_t count)
{
    buf_put_u16(out, (uint16_t)count);
    for (size_t i = 0; i < count; i++)
        buf_put_run(out, peers[i].bytes, peers[i].len);
}

void peer_word_encode(const struct api_word *word, struct buf *out)
{
    ASSERT(word->keys_count <= PAGE_WORD_ROWS_MAX && word->ipfs_links_count <= PAGE_WORD_ROWS_MAX);
    buf_put_u8(out, PAGE_WORD_VERSION);
    buf_put_run(out, word->name.data, word->name.len);
    buf_put_run(out, word->ipfs_id.data, word->ipfs_id.len);
    buf_put_run(out, word->ipfs_error.data, word->ipfs_error.len);
    buf_put_u64(out, word->keys_left_out);
    buf_put_u16(out, (uint16_t)word->keys_count);
    for (size_t i = 0; i < word->keys_count; i++) {
        const struct api_collected *key = &word->keys[i];
        buf_put_run(out, key->cid.bytes, key->cid.len);
        buf_put_run(out, key->error.data, key->error.len);
    }
    word_put_peers(out, word->ipfs_links, word->ipfs_links_count);
    word_put_peers(out, word->cluster_links, word->cluster_links_count);
}

static void *word_list(struct reader *r, struct arena *arena, size_t size, size_t *count)
{
    *count = reader_u16(r);
    void *list = *count <= r->left ? arena_array(arena, *count + 1, size) : NULL;
    if (list == NULL) {
        reader_fail(r);
        *count = 0;
    }
    return list;
}

static void word_read_keys(struct reader *r, struct arena *arena, struct api_word *out)
{
    struct api_collected *keys = word_list(r, arena, sizeof(*keys), &out->keys_count);
    for (size_t i = 0; i < out->keys_count && r->err == OK; i++) {
        struct bytes cid = reader_run(r, LIMIT_CID_BYTES);
        keys[i].error = reader_run(r, PAGE_TEXT_MAX);
        if (cid.len > 0 && cid_from_bytes(&keys[i].cid, cid.data, cid.len) != OK)
            reader_fail(r);
    }
    out->keys = keys;
}

static const struct peer_id *word_read_peers(struct reader *r, struct arena *arena, size_t *count)
{
    struct peer_id *peers = word_list(r, arena, sizeof(*peers), count);
    for (size_t i = 0; i < *count && r->err == OK; i++) {
        struct bytes run = reader_run(r, LIMIT_PEER_ID_BYTES);
        if (r->err == OK && peer_id_from_bytes(&peers[i], run.data, run.len) != OK)
            reader_fail(r);
    }
    return peers;
}

int peer_word_decode(struct api_word *out, struct arena *arena, struct bytes payload)
{
    struct reader r = reader_of(payload.data, payload.len);
    struct api_word word = { .keys_count = 0 };
    if (payload.len > 0 && reader_u8(&r) != PAGE_WORD_VERSION)
        return ERR_VERSION;
    word.name = reader_run(&r, PAGE_TEXT_MAX);
    word.ipfs_id = reader_run(&r, PAGE_TEXT_MAX);
    word.ipfs_error = reader_run(&r, PAGE_TEXT_MAX);
    word.keys_left_out = reader_u64(&r);
    word_read_keys(&r, arena, &word);
    word.ipfs_links = word_read_peers(&r, arena, &word.ipfs_links_count);
    word.cluster_links = word_read_peers(&r, arena, &word.cluster_links_count);
    int err = reader_finish(&r);
    if (err == OK)
        *out = word;
    return err;
}
