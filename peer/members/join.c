#include "members/join.h"

#include <string.h>

#include "util/err.h"

enum { JOIN_VERSION = 1 };

void join_request_encode(const struct join_request *r, struct buf *out)
{
    buf_put_u8(out, JOIN_VERSION);
    buf_put_run(out, r->id.bytes, r->id.len);
    buf_put_u64(out, r->ticket);
    buf_put_u32(out, r->level);
    buf_put_u8(out, (uint8_t)r->addrs_count);
    for (size_t i = 0; i < r->addrs_count; i++)
        buf_put_run(out, r->addrs[i].bytes, r->addrs[i].len);
}

int join_request_decode(struct join_request *out, const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    if (reader_u8(&r) != JOIN_VERSION)
        return r.err != OK ? ERR_CORRUPT : ERR_VERSION;
    struct join_request request = { 0 };
    struct bytes id = reader_run(&r, LIMIT_PEER_ID_BYTES);
    request.ticket = reader_u64(&r);
    request.level = reader_u32(&r);
    request.addrs_count = reader_u8(&r);
    if (r.err != OK || request.ticket == 0 || request.addrs_count > JOIN_ADDRS_MAX)
        return ERR_CORRUPT;
    if (peer_id_from_bytes(&request.id, id.data, id.len) != OK)
        return ERR_CORRUPT;
    for (size_t i = 0; i < request.addrs_count; i++) {
        struct bytes addr = reader_run(&r, LIMIT_MULTIADDR_BYTES);
        if (r.err != OK || multiaddr_from_bytes(&request.addrs[i], addr.data, addr.len) != OK)
            return ERR_CORRUPT;
    }
    if (reader_finish(&r) != OK)
        return ERR_CORRUPT;
    *out = request;
    return OK;
}

void join_answer_encode(const struct join_answer *a, struct buf *out)
{
    buf_put_u8(out, JOIN_VERSION);
    buf_put_u64(out, a->number);
    buf_append(out, a->cluster_id, sizeof(a->cluster_id));
}

int join_answer_decode(struct join_answer *out, const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    if (reader_u8(&r) != JOIN_VERSION)
        return r.err != OK ? ERR_CORRUPT : ERR_VERSION;
    struct join_answer answer = { .number = reader_u64(&r) };
    struct bytes id = reader_take(&r, sizeof(answer.cluster_id));
    if (reader_finish(&r) != OK || answer.number == 0)
        return ERR_CORRUPT;
    memcpy(answer.cluster_id, id.data, id.len);
    *out = answer;
    return OK;
}

void member_number_encode(uint64_t number, struct buf *out)
{
    buf_put_u8(out, JOIN_VERSION);
    buf_put_u64(out, number);
}

int member_number_decode(uint64_t *number, const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    uint8_t version = reader_u8(&r);
    uint64_t value = reader_u64(&r);
    if (reader_finish(&r) != OK || value == 0)
        return ERR_CORRUPT;
    if (version != JOIN_VERSION)
        return ERR_VERSION;
    *number = value;
    return OK;
}

uint64_t join_desk_number(const struct join_desk *d, const struct join_request *r)
{
    for (size_t i = 0; i < JOIN_ADMITTED_MAX; i++) {
        const struct join_admitted *a = &d->admitted[i];
        if (a->number != 0 && a->ticket == r->ticket && peer_id_equal(&a->id, &r->id))
            return a->number;
    }
    return 0;
}

void join_desk_admit(struct join_desk *d, const struct join_request *r, uint64_t number)
{
    d->admitted[d->next] =
        (struct join_admitted){ .id = r->id, .ticket = r->ticket, .number = number };
    d->next = (d->next + 1) % JOIN_ADMITTED_MAX;
}
