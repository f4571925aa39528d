#include "peer_pages.h"

#include "util/err.h"
#include "util/limits.h"

enum { PAGES_VERSION = 1, PAGE_INFO_BYTES_MAX = 2048, SELF_TEXT_MAX = 1024, SELF_LIST_MAX = 512 };

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
    *out = (struct cid){0};
    if (run.len > 0 && cid_from_bytes(out, run.data, run.len) != OK)
        r->err = ERR_CORRUPT;
}

int page_request_decode(struct page_request *out, struct bytes payload)
{
    struct reader r = reader_of(payload.data, payload.len);
    int err = pages_version(&r);
    if (err != OK)
        return err;
    *out = (struct page_request){.is_one = reader_u8(&r) != 0};
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
    struct buf one = {0};
    buf_put_u8(out, PAGES_VERSION);
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
    *out = (struct page){.count = reader_u16(&r)};
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

/* ---- self ---- */

void peer_self_encode(const struct peer_self *s, struct buf *out)
{
    buf_put_u8(out, PAGES_VERSION);
    buf_put_run(out, s->id.bytes, s->id.len);
    buf_put_run(out, s->name.data, s->name.len);
    buf_put_run(out, s->version.data, s->version.len);
    buf_put_u16(out, (uint16_t)s->addrs_count);
    for (size_t i = 0; i < s->addrs_count; i++)
        buf_put_run(out, s->addrs[i].bytes, s->addrs[i].len);
    buf_put_u16(out, (uint16_t)s->members_count);
    for (size_t i = 0; i < s->members_count; i++)
        buf_put_run(out, s->members[i].bytes, s->members[i].len);
    buf_put_run(out, s->ipfs_id.data, s->ipfs_id.len);
    buf_put_u16(out, (uint16_t)s->ipfs_addrs_count);
    for (size_t i = 0; i < s->ipfs_addrs_count; i++)
        buf_put_run(out, s->ipfs_addrs[i].data, s->ipfs_addrs[i].len);
    buf_put_run(out, s->ipfs_error.data, s->ipfs_error.len);
}

static size_t self_count(struct reader *r)
{
    size_t count = reader_u16(r);
    if (count > SELF_LIST_MAX)
        r->err = ERR_CORRUPT;
    return r->err == OK ? count : 0;
}

static void self_read_addrs(struct reader *r, struct arena *arena, struct peer_self *out)
{
    out->addrs_count = self_count(r);
    struct multiaddr *addrs = arena_array(arena, out->addrs_count + 1, sizeof(*addrs));
    for (size_t i = 0; i < out->addrs_count && r->err == OK && addrs != NULL; i++) {
        struct bytes run = reader_run(r, LIMIT_MULTIADDR_BYTES);
        if (r->err == OK && multiaddr_from_bytes(&addrs[i], run.data, run.len) != OK)
            r->err = ERR_CORRUPT;
    }
    out->addrs = addrs;
}

static void self_read_id(struct reader *r, struct peer_id *out)
{
    struct bytes run = reader_run(r, LIMIT_PEER_ID_BYTES);
    if (r->err == OK && peer_id_from_bytes(out, run.data, run.len) != OK)
        r->err = ERR_CORRUPT;
}

static void self_read_members(struct reader *r, struct arena *arena, struct peer_self *out)
{
    out->members_count = self_count(r);
    struct peer_id *members = arena_array(arena, out->members_count + 1, sizeof(*members));
    for (size_t i = 0; i < out->members_count && r->err == OK && members != NULL; i++)
        self_read_id(r, &members[i]);
    out->members = members;
}

static void self_read_ipfs(struct reader *r, struct arena *arena, struct peer_self *out)
{
    out->ipfs_id = reader_run(r, SELF_TEXT_MAX);
    out->ipfs_addrs_count = self_count(r);
    struct bytes *addrs = arena_array(arena, out->ipfs_addrs_count + 1, sizeof(*addrs));
    for (size_t i = 0; i < out->ipfs_addrs_count && r->err == OK && addrs != NULL; i++)
        addrs[i] = reader_run(r, SELF_TEXT_MAX);
    out->ipfs_addrs = addrs;
    out->ipfs_error = reader_run(r, SELF_TEXT_MAX);
}

int peer_self_decode(struct peer_self *out, struct arena *arena, struct bytes payload)
{
    struct reader r = reader_of(payload.data, payload.len);
    int err = pages_version(&r);
    if (err != OK)
        return err;
    *out = (struct peer_self){0};
    self_read_id(&r, &out->id);
    out->name = reader_run(&r, SELF_TEXT_MAX);
    out->version = reader_run(&r, SELF_TEXT_MAX);
    self_read_addrs(&r, arena, out);
    self_read_members(&r, arena, out);
    self_read_ipfs(&r, arena, out);
    if (out->addrs == NULL || out->members == NULL || out->ipfs_addrs == NULL)
        return ERR_NOMEM;
    return reader_finish(&r);
}
