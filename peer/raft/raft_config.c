/* Configurations: a sorted list of members, edited to build the next one, and its bytes. */
#include "raft/raft_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/err.h"
#include "util/limits.h"
#include "util/mem.h"

enum { RAFT_CONFIG_KIND = 'C', RAFT_CONFIG_VERSION = 1 };

void raft_config_deinit(struct raft_config *c)
{
    mem_free(c->members);
    *c = (struct raft_config){ 0 };
}

int raft_config_copy(struct raft_config *out, const struct raft_config *from)
{
    struct raft_config copy = *from;
    copy.members = NULL;
    if (from->count > 0) {
        copy.members = mem_array(from->count, sizeof(*copy.members));
        if (copy.members == NULL)
            return ERR_NOMEM;
        memcpy(copy.members, from->members, from->count * sizeof(*copy.members));
    }
    *out = copy;
    return OK;
}

/* The place of the first member whose number is not below `number`. */
static size_t raft_config_place(const struct raft_config *c, uint64_t number)
{
    size_t low = 0;
    size_t high = c->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->members[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct raft_member *raft_config_find(const struct raft_config *c, uint64_t number)
{
    size_t place = raft_config_place(c, number);
    bool is_there = place < c->count && c->members[place].number == number;
    return is_there ? &c->members[place] : NULL;
}

const struct raft_member *raft_config_member(const struct raft_config *c, uint64_t number)
{
    return raft_config_find(c, number);
}

const struct raft_member *raft_config_member_by_id(const struct raft_config *c,
                                                   const struct peer_id *id)
{
    for (size_t i = c->count; i > 0; i--) {
        if (peer_id_equal(&c->members[i - 1].id, id))
            return &c->members[i - 1];
    }
    return NULL;
}

size_t raft_config_voters_count(const struct raft_config *c)
{
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++)
        count += c->members[i].role == RAFT_VOTER;
    return count;
}

bool raft_config_is_voter(const struct raft_config *c, uint64_t number)
{
    const struct raft_member *member = raft_config_member(c, number);
    return member != NULL && member->role == RAFT_VOTER;
}

size_t raft_config_voters_between(const struct raft_config *a, const struct raft_config *b)
{
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++)
        count += a->members[i].role == RAFT_VOTER && !raft_config_is_voter(b, a->members[i].number);
    for (size_t i = 0; i < b->count; i++)
        count += b->members[i].role == RAFT_VOTER && !raft_config_is_voter(a, b->members[i].number);
    return count;
}

/* ---- edits ---- */

int raft_config_add(struct raft_config *c, const struct raft_member *member)
{
    ASSERT(member->addrs_count <= RAFT_MEMBER_ADDRS_MAX);
    if (c->count == LIMIT_MEMBERS_COUNT)
        return ERR_TOO_BIG;
    uint64_t next = c->next_number > 0 ? c->next_number : 1;
    uint64_t number = member->number != RAFT_NOBODY ? member->number : next;
    size_t place = raft_config_place(c, number);
    if (place < c->count && c->members[place].number == number)
        return ERR_EXISTS;
    struct raft_member *members = mem_realloc(c->members, (c->count + 1) * sizeof(*members));
    if (members == NULL)
        return ERR_NOMEM;
    memmove(members + place + 1, members + place, (c->count - place) * sizeof(*members));
    members[place] = *member;
    members[place].number = number;
    c->members = members;
    c->count += 1;
    c->next_number = number >= next ? number + 1 : next;
    return OK;
}

int raft_config_remove(struct raft_config *c, uint64_t number)
{
    struct raft_member *member = raft_config_find(c, number);
    if (member == NULL)
        return ERR_NOT_FOUND;
    size_t after = (size_t)(c->members + c->count - (member + 1));
    memmove(member, member + 1, after * sizeof(*member));
    c->count -= 1;
    return OK;
}

int raft_config_set_role(struct raft_config *c, uint64_t number, enum raft_role_in_config role)
{
    struct raft_member *member = raft_config_find(c, number);
    if (member == NULL)
        return ERR_NOT_FOUND;
    member->role = role;
    return OK;
}

int raft_config_set_addrs(struct raft_config *c, uint64_t number, const struct multiaddr *addrs,
                          size_t count)
{
    struct raft_member *member = raft_config_find(c, number);
    if (member == NULL)
        return ERR_NOT_FOUND;
    if (count > RAFT_MEMBER_ADDRS_MAX)
        return ERR_TOO_BIG;
    for (size_t i = 0; i < count; i++)
        member->addrs[i] = addrs[i];
    member->addrs_count = count;
    return OK;
}

/* ---- bytes (docs/WIRE.md) ---- */

void raft_config_encode(const struct raft_config *c, struct buf *out)
{
    buf_put_u8(out, RAFT_CONFIG_KIND);
    buf_put_u8(out, RAFT_CONFIG_VERSION);
    buf_put_u64(out, c->next_number);
    buf_put_varint(out, c->count);
    for (size_t i = 0; i < c->count; i++) {
        const struct raft_member *m = &c->members[i];
        buf_put_u64(out, m->number);
        buf_put_u8(out, (uint8_t)m->role);
        buf_put_run(out, m->id.bytes, m->id.len);
        buf_put_varint(out, m->addrs_count);
        for (size_t k = 0; k < m->addrs_count; k++)
            buf_put_run(out, m->addrs[k].bytes, m->addrs[k].len);
    }
}

static bool raft_member_read(struct raft_member *m, struct reader *in)
{
    m->number = reader_u64(in);
    uint8_t role = reader_u8(in);
    m->role = (enum raft_role_in_config)role;
    struct bytes id = reader_run(in, LIMIT_PEER_ID_BYTES);
    uint64_t addrs_count = reader_varint(in);
    if (in->err != OK || id.len == 0 || addrs_count > RAFT_MEMBER_ADDRS_MAX)
        return false;
    m->id.len = (uint8_t)id.len;
    memcpy(m->id.bytes, id.data, id.len);
    for (size_t i = 0; i < addrs_count; i++) {
        struct bytes addr = reader_run(in, LIMIT_MULTIADDR_BYTES);
        if (in->err != OK || addr.len == 0)
            return false;
        m->addrs[i].len = (uint16_t)addr.len;
        memcpy(m->addrs[i].bytes, addr.data, addr.len);
    }
    m->addrs_count = (size_t)addrs_count;
    return role >= RAFT_LEARNER && role <= RAFT_DISMISSED;
}

static bool raft_config_read_members(struct raft_config *c, size_t count, struct reader *in)
{
    uint64_t before = RAFT_NOBODY;
    for (size_t i = 0; i < count; i++) {
        struct raft_member *m = &c->members[i];
        if (!raft_member_read(m, in) || m->number <= before || m->number >= c->next_number)
            return false;
        before = m->number;
        c->count += 1;
    }
    return reader_finish(in) == OK && raft_config_voters_count(c) > 0 &&
           raft_config_voters_count(c) <= LIMIT_VOTERS_COUNT;
}

int raft_config_decode(struct raft_config *out, const void *bytes, size_t len)
{
    struct reader in = reader_of(bytes, len);
    uint8_t kind = reader_u8(&in);
    uint8_t version = reader_u8(&in);
    if (in.err != OK || kind != RAFT_CONFIG_KIND || version == 0)
        return ERR_CORRUPT;
    if (version > RAFT_CONFIG_VERSION)
        return ERR_VERSION;
    struct raft_config c = { .next_number = reader_u64(&in) };
    uint64_t count = reader_varint(&in);
    if (in.err != OK || count == 0 || count > LIMIT_MEMBERS_COUNT)
        return ERR_CORRUPT;
    c.members = mem_array((size_t)count, sizeof(*c.members));
    if (c.members == NULL)
        return ERR_NOMEM;
    if (!raft_config_read_members(&c, (size_t)count, &in)) {
        raft_config_deinit(&c);
        return ERR_CORRUPT;
    }
    *out = c;
    return OK;
}
