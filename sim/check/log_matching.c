/* If two logs hold an entry of the same index and term, they are equal up to it. Source: Raft §5.3.
 *
 * Every (index, term) that was ever in a log is kept with the chain hash of that log up to there; another log
 * that gets an entry with the same two must have the same chain. So all logs of the whole history are compared,
 * at the cost of one look. */
#include "sim/check/check_int.h"

#include <string.h>

#include "util/assert.h"
#include "util/mem.h"

struct matching_cell {
    uint64_t term; /* 0: not used */
    uint64_t chain;
    struct matching_cell *more;
};

struct matching_book {
    struct matching_cell *cells; /* [index] */
    size_t size;
};

static struct matching_cell *matching_cell(struct checks *c, uint64_t index)
{
    if (c->matching == NULL) {
        c->matching = mem_zalloc(sizeof(*c->matching));
        ASSERT(c->matching != NULL);
    }
    struct matching_book *book = c->matching;
    if (index >= book->size) {
        size_t size = book->size == 0 ? 1024 : 2 * book->size;
        while (size <= index)
            size *= 2;
        book->cells = mem_realloc(book->cells, size * sizeof(*book->cells));
        ASSERT(book->cells != NULL);
        memset(book->cells + book->size, 0, (size - book->size) * sizeof(*book->cells));
        book->size = size;
    }
    return &book->cells[index];
}

void log_matching_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact)
{
    if (fact->kind != PEER_FACT_APPEND || c->has_failed)
        return;
    uint64_t chain = record_log_chain(&c->machines[who].log, fact->index);
    struct matching_cell *cell = matching_cell(c, fact->index);
    while (cell->term != 0 && cell->term != fact->term && cell->more != NULL)
        cell = cell->more;
    if (cell->term == fact->term) {
        if (cell->chain != chain)
            check_fail(c, "log matching",
                       "peer %u: another log has entry %llu of term %llu, too, and is not equal "
                       "up to it",
                       who, (unsigned long long)fact->index, (unsigned long long)fact->term);
        return;
    }
    if (cell->term != 0) {
        cell->more = mem_zalloc(sizeof(*cell->more));
        ASSERT(cell->more != NULL);
        cell = cell->more;
    }
    cell->term = fact->term;
    cell->chain = chain;
}

void log_matching_deinit(struct checks *c)
{
    if (c->matching == NULL)
        return;
    for (size_t i = 0; i < c->matching->size; i++) {
        for (struct matching_cell *cell = c->matching->cells[i].more; cell != NULL;) {
            struct matching_cell *more = cell->more;
            mem_free(cell);
            cell = more;
        }
    }
    mem_free(c->matching->cells);
    mem_free(c->matching);
}
