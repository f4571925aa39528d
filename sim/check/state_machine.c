/* All peers apply the same entry at an index, the committed one, and have the same state after it.
 * Source: Raft §5.4.3 (state machine safety); DESIGN 6 (state hashes). */
#include "sim/check/check_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/mem.h"

static const char name[] = "state machine safety";

static struct state_at *state_at(struct checks *c, uint64_t index)
{
    if (index >= c->states_size) {
        size_t size = c->states_size == 0 ? 1024 : 2 * c->states_size;
        while (size <= index)
            size *= 2;
        c->states = mem_realloc(c->states, size * sizeof(*c->states));
        ASSERT(c->states != NULL);
        memset(c->states + c->states_size, 0, (size - c->states_size) * sizeof(*c->states));
        c->states_size = size;
    }
    return &c->states[index];
}

/* The first who was behind this entry says what the state is there. */
static void state_machine_compare(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    struct state_at *state = state_at(c, fact->index);
    if (!state->is_known) {
        state->is_known = true;
        memcpy(state->hash, fact->state_hash, sizeof(state->hash));
    } else if (memcmp(state->hash, fact->state_hash, sizeof(state->hash)) != 0) {
        check_fail(c, name, "peer %u has another state than others after entry %llu", who,
                   (unsigned long long)fact->index);
    }
}

void state_machine_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    if ((fact->kind != PEER_FACT_APPLY && fact->kind != PEER_FACT_INSTALL) || c->has_failed)
        return;
    const struct record_entry *e = record_log_at(&c->committed, fact->index);
    bool is_other = fact->kind == PEER_FACT_APPLY && e != NULL &&
                    (e->term != fact->term || e->hash != fact->hash);
    if (is_other)
        check_fail(c, name, "peer %u applied another entry than the committed one at index %llu",
                   who, (unsigned long long)fact->index);
    else if (!c->machines[who].lacks_rows)
        state_machine_compare(c, who, fact);
}
