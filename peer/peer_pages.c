#include "peer_pages.h"

#include "util/err.h"
#include "util/limits.h"

enum { PAGES_VERSION = 1, PAGE_INFO_BYTES_MAX = 2048, PAGE_TEXT_MAX = 1024, PAGE_LIST_MAX = 4096 };

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
    struct buf one = { 0 };
    buf_put_u8(out, PAGES_VERSION);
    buf_put_run(out, page->name.data, page->name.len);
    buf_put_run(out, page->ipfs_id.data, page->ipfs_id.len);
    buf_put_u16(out, (uint16_t)page->count);
    for (size_t i = 0; i < page->count; i++) {
        buf_clear(&one);
        tracker_info_encode(&page->infos[i], &one);
        buf_put_run(out, one.data, one.len);
    }
    buf_put_run(out, page->after.bytes, page->after.len);
    buf_put_u8(out, page->is_last);
    if (one.err != OK)
        out->err = one.err;
    buf_deinit(&one);
}

int page_decode(struct page *out, struct arena *arena, struct bytes payload)
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
    struct tracker_info *infos = arena_array(arena, out->count + 1, sizeof(*infos));
    if (infos == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < out->count; i++) {
        struct bytes one = reader_run(&r, PAGE_INFO_BYTES_MAX);
        err = r.err != OK ? ERR_CORRUPT : tracker_info_decode(&infos[i], one.data, one.len);
        if (err != OK)
            return err;
    }
    out->infos = infos;
    pages_read_cid(&r, &out->after);
    out->is_last = reader_u8(&r) != 0;
    return reader_finish(&r);
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
    return reader_finish(&r);
}
