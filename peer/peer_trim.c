/* peer_trim.c -- where this peer's log begins (DESIGN 1).
 *
 *      base                          kept: trailing_logs       durably applied
 *       |------------- may go -------------|----------------------|--------- last
 *
 * Every peer decides for itself. What may go: entries whose effect is durable in the state, that no snapshot in
 * transfer still needs to be followed by, and that are more than trailing_logs old, so that a member that was away
 * for a moment is fed from the log and not with the whole state. It goes once it is worth a write.
 * When the log has more bytes than its limit, only the first of these conditions counts: the transfer
 * begins anew then. */
#include "peer_int.h"

static uint64_t trim_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The last index that goes at leisure; 0: none is worth it. */
static uint64_t trim_at_leisure(const struct peer *p, uint64_t durable)
{
    const struct peer_trim_options *o = &p->options.trim;
    uint64_t upto = durable > o->trailing_entries ? durable - o->trailing_entries : 0;
    upto = trim_min(upto, peer_sender_hold(p));
    return upto >= raft_base(p->raft).index + o->worth_entries ? upto : 0;
}

/* The last index that has to go; 0: the log is within its limit. */
static uint64_t trim_by_force(const struct peer *p, uint64_t durable)
{
    const struct log_size *size = &p->raft_store.size;
    uint64_t bytes_max = p->options.trim.log_bytes_max;
    if (log_size_bytes(size) <= bytes_max)
        return 0;
    return trim_min(log_size_first_within(size, bytes_max / 2) - 1, durable);
}

static void peer_trim(struct peer *p)
{
    uint64_t durable = trim_min(raft_applied(p->raft), raft_stored(p->raft));
    uint64_t upto = trim_at_leisure(p, durable);
    uint64_t forced = trim_by_force(p, durable);
    if (forced > upto)
        upto = forced;
    if (upto <= raft_base(p->raft).index)
        return;
    LOG_DEBUG(p->log, "raft", "the log begins behind entry %llu", (unsigned long long)upto);
    raft_on_trimmed(p->raft, upto); /* the next unit says so, and then the records go */
    (void)raft_store_trim(&p->raft_store, raft_base(p->raft), upto + 1);
}

void peer_trim_on_deadline(struct peer *p)
{
    if (p->raft == NULL || p->now_us < p->trim_at_us || peer_receiver_blocks_apply(p))
        return;
    p->trim_at_us = p->now_us + p->options.trim.interval_us;
    peer_trim(p);
}

/* The log has grown: a limit does not wait for the next look. */
void peer_trim_on_stored(struct peer *p)
{
    if (!peer_receiver_blocks_apply(p) &&
        log_size_bytes(&p->raft_store.size) > p->options.trim.log_bytes_max)
        peer_trim(p);
}

uint64_t peer_trim_deadline_us(const struct peer *p)
{
    return p->raft != NULL && !peer_receiver_blocks_apply(p) ? p->trim_at_us : RAFT_NEVER;
}
