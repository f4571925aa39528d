#include "members/founding.h"

#include "util/assert.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/mem.h"

enum { FIND_ANSWER_VERSION = 1, FOUNDING_HASH_SEED = 8 };

void find_answer_encode(const struct find_answer *a, struct buf *out)
{
    buf_put_u8(out, FIND_ANSWER_VERSION);
    buf_put_u8(out, (uint8_t)a->kind);
    buf_put_u64(out, a->list);
}

int find_answer_decode(struct find_answer *out, const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    uint8_t version = reader_u8(&r);
    uint8_t kind = reader_u8(&r);
    uint64_t list = reader_u64(&r);
    if (reader_finish(&r) != OK || kind < FIND_EMPTY || kind > FIND_MEMBER)
        return ERR_CORRUPT;
    if (version != FIND_ANSWER_VERSION)
        return ERR_VERSION;
    *out = (struct find_answer){ .kind = (enum find_kind)kind, .list = list };
    return OK;
}

uint64_t founding_list_hash(const struct peer_id *ids, size_t count)
{
    uint64_t hash = FOUNDING_HASH_SEED;
    for (size_t i = 0; i < count; i++) {
        ASSERT(i == 0 || peer_id_compare(&ids[i - 1], &ids[i]) < 0);
        hash = hash64(hash, ids[i].bytes, ids[i].len);
    }
    return hash;
}

static struct founding_asked *founding_find(struct founding *f, const struct peer_id *id)
{
    for (size_t i = 0; i < f->asked_count; i++) {
        if (peer_id_equal(&f->asked[i].id, id))
            return &f->asked[i];
    }
    return NULL;
}

static void founding_add(struct founding *f, const struct founding_options *o,
                         const struct peer_id *id, bool is_listed)
{
    if (peer_id_equal(id, &o->self) || founding_find(f, id) != NULL)
        return;
    f->asked[f->asked_count++] = (struct founding_asked){ .id = *id, .is_listed = is_listed };
}

int founding_init(struct founding *f, const struct founding_options *options)
{
    size_t most = options->listed_count + options->bootstrap_count;
    if (most > 2 * LIMIT_MEMBERS_COUNT)
        return ERR_TOO_BIG;
    *f = (struct founding){ .listed_count = options->listed_count,
                            .ask_pause_us = options->ask_pause_us,
                            .joins_only = options->joins_only || options->bootstrap_count > 0 };
    f->list = founding_list_hash(options->listed, options->listed_count);
    f->asked = mem_array(most > 0 ? most : 1, sizeof(*f->asked));
    if (f->asked == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < options->listed_count; i++)
        founding_add(f, options, &options->listed[i], true);
    for (size_t i = 0; i < options->bootstrap_count; i++)
        founding_add(f, options, &options->bootstrap[i], false);
    return OK;
}

void founding_deinit(struct founding *f)
{
    mem_free(f->asked);
    *f = (struct founding){ 0 };
}

const struct peer_id *founding_next_ask(struct founding *f, uint64_t now_us)
{
    for (size_t i = 0; i < f->asked_count; i++) {
        struct founding_asked *peer = &f->asked[i];
        if (peer->ask_again_us > now_us)
            continue;
        peer->ask_again_us = now_us + f->ask_pause_us;
        return &peer->id;
    }
    return NULL;
}

uint64_t founding_next_deadline_us(const struct founding *f)
{
    uint64_t earliest = UINT64_MAX;
    for (size_t i = 0; i < f->asked_count; i++) {
        if (f->asked[i].ask_again_us < earliest)
            earliest = f->asked[i].ask_again_us;
    }
    return earliest;
}

void founding_on_answer(struct founding *f, const struct peer_id *from,
                        const struct find_answer *answer)
{
    struct founding_asked *peer = founding_find(f, from);
    if (peer == NULL)
        return;
    peer->is_member = answer->kind == FIND_MEMBER;
    peer->answered_same = answer->kind != FIND_MEMBER && answer->list == f->list;
}

enum founding_verdict founding_decide(const struct founding *f, struct peer_id *via)
{
    size_t same_count = 1; /* this peer itself */
    for (size_t i = 0; i < f->asked_count; i++) {
        if (f->asked[i].is_member) {
            *via = f->asked[i].id;
            return FOUNDING_JOIN;
        }
        same_count += f->asked[i].is_listed && f->asked[i].answered_same;
    }
    if (!f->joins_only && same_count > f->listed_count / 2)
        return FOUNDING_FOUND;
    return FOUNDING_ASK;
}
