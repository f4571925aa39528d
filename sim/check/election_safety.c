/* At most one leader a term, over all history: not only at one moment, and not only among the living.
 * Source: Raft §5.2. */
#include "sim/check/check_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/mem.h"

enum { ELECTION_TERMS_MAX = 1 << 20 };

struct election {
    unsigned who; /* 0: nobody led in this term */
    uint64_t life;
};

struct election_book {
    struct election *terms; /* [term] */
    size_t size;
};

static struct election *election_of(struct checks *c, uint64_t term)
{
    if (c->elections == NULL) {
        c->elections = mem_zalloc(sizeof(*c->elections));
        ASSERT(c->elections != NULL);
    }
    struct election_book *book = c->elections;
    if (term >= book->size) {
        size_t size = book->size == 0 ? 256 : 2 * book->size;
        while (size <= term)
            size *= 2;
        book->terms = mem_realloc(book->terms, size * sizeof(*book->terms));
        ASSERT(book->terms != NULL);
        memset(book->terms + book->size, 0, (size - book->size) * sizeof(*book->terms));
        book->size = size;
    }
    return &book->terms[term];
}

void election_safety_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    if (fact->kind != PEER_FACT_ROLE || fact->role != RAFT_LEADER || c->has_failed)
        return;
    const struct record_machine *m = &c->machines[who];
    if (fact->term >= ELECTION_TERMS_MAX) {
        check_fail(c, "election safety", "peer %u leads in term %llu: terms run away", who,
                   (unsigned long long)fact->term);
        return;
    }
    struct election *e = election_of(c, fact->term);
    if (e->who == 0)
        *e = (struct election){ who, m->life };
    else if (e->who != who)
        check_fail(c, "election safety", "peers %u and %u both lead in term %llu", e->who, who,
                   (unsigned long long)fact->term);
    else if (e->life != m->life)
        check_fail(c, "election safety", "peer %u leads in term %llu again after a restart", who,
                   (unsigned long long)fact->term);
}

void election_safety_deinit(struct checks *c)
{
    if (c->elections == NULL)
        return;
    mem_free(c->elections->terms);
    mem_free(c->elections);
}
