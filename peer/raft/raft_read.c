/* Linearizable reads without writing (dissertation 6.4, ReadIndex).
 *
 * A read may be served from the state once that has everything that was committed when the read was asked, and
 * once it is certain that nobody else led by then. The second needs a round: an APPEND that is sent after the
 * question, and answers to it, or to a later one, from a majority. Rounds only rise within a term, so an answer
 * that was on its way already confirms nothing (SIMULATION Q03).
 *
 * The first is the commit index, except that a new leader does not know it before its no-op is committed (Q01).
 * The no-op stands behind everything that was ever committed, so its index serves as well. */
#include "raft/raft_int.h"

#include "util/assert.h"
#include "util/err.h"

int raft_read(struct raft *r, uint64_t context)
{
    if (r->state != RAFT_LEADER)
        return ERR_NOT_LEADER;
    if (r->reads_count == RAFT_READS_MAX)
        return ERR_BUSY;
    /* Room for the answer too: a read is answered, whatever happens. */
    if (raft_grow(&r->reads, &r->reads_size, r->reads_count, sizeof(*r->reads)) != OK ||
        raft_grow(&r->ready.reads, &r->reads_out_size, r->reads_count + r->ready.reads_count,
                  sizeof(*r->ready.reads)) != OK)
        return ERR_BUSY;
    uint64_t index = r->committed > r->term_start ? r->committed : r->term_start;
    r->reads[r->reads_count] = (struct raft_pending_read){ .context = context, .index = index };
    r->reads_count += 1;
    return OK;
}

/* One round for all that were asked since the last one. */
void raft_reads_ask(struct raft *r)
{
    if (r->reads_count == 0 || r->reads[r->reads_count - 1].round > 0)
        return;
    r->round += 1;
    for (size_t i = r->reads_count; i > 0 && r->reads[i - 1].round == 0; i--)
        r->reads[i - 1].round = r->round;
    for (size_t i = 0; i < r->progress_count; i++) {
        if (r->progress[i].is_voter)
            r->progress[i].is_due = true;
    }
}

static void raft_answer_read(struct raft *r, uint64_t context, uint64_t index)
{
    ASSERT(r->ready.reads_count < r->reads_out_size);
    r->ready.reads[r->ready.reads_count] =
        (struct raft_read_result){ .context = context, .index = index };
    r->ready.reads_count += 1;
}

static uint64_t raft_round_of(const struct raft *r, const struct raft_progress *p)
{
    return p->number == r->number ? r->round : p->round;
}

void raft_reads_answer(struct raft *r)
{
    if (r->reads_count == 0)
        return;
    uint64_t confirmed = raft_quorum_of(r, raft_round_of);
    size_t done = 0;
    while (done < r->reads_count && r->reads[done].round <= confirmed) {
        ASSERT(r->reads[done].round > 0);
        raft_answer_read(r, r->reads[done].context, r->reads[done].index);
        done += 1;
    }
    r->reads_count -= done;
    for (size_t i = 0; i < r->reads_count; i++)
        r->reads[i] = r->reads[i + done];
}

/* Leadership is lost: "ask again". */
void raft_reads_fail(struct raft *r)
{
    for (size_t i = 0; i < r->reads_count; i++)
        raft_answer_read(r, r->reads[i].context, 0);
    r->reads_count = 0;
}
