/* Conditions: each is a question about this very moment, answered by looking, and with a sentence that says
 * what is missing, which is what a failed `until` shows. */
#include "sim/script/run_int.h"

#include "util/assert.h"

#define LOOK_SOON_US ((uint64_t)10 * 1000)
#define LOOK_LATE_US ((uint64_t)250 * 1000)

enum { LOOK_ROWS_MAX = 1000 };

/* Of a long listing there is less often one, so that looking never costs much more than what is looked at. */
static uint64_t listing_pause_us(const struct runner *r)
{
    return LOOK_LATE_US * (1 + r->listing.count / LOOK_ROWS_MAX);
}

uint64_t runner_condition_pause_us(const struct runner *r, const struct script_condition *c)
{
    switch (c->kind) {
    case CONDITION_LISTED:
    case CONDITION_UNLISTED:
    case CONDITION_ALLOCATED:
    case CONDITION_SETTLED:
        return listing_pause_us(r);
    case CONDITION_LEADER:
    case CONDITION_NO_LEADER:
    case CONDITION_READY:
    case CONDITION_STOPPED:
    case CONDITION_RECEIVING:
    case CONDITION_INSTALLED:
    case CONDITION_NOT_INSTALLED:
    case CONDITION_LOG:
    case CONDITION_AGREE:
    case CONDITION_PINNED:
    case CONDITION_UNPINNED:
    case CONDITION_MOVED:
    case CONDITION_MEMBERS:
    case CONDITION_VOTERS:
    case CONDITION_WAITING:
        break;
    }
    return LOOK_SOON_US;
}

/* ---- who leads ---- */

static unsigned leader_of(struct runner *r)
{
    struct script_who leader = { .count = 1 };
    leader.items[0].kind = WHO_LEADER;
    machine_set set = runner_who(r, &leader);
    for (unsigned who = 1; who <= runner_machines(r); who++)
        if (machine_in(set, who))
            return who;
    return 0;
}

static bool condition_leader(struct runner *r, const struct script_condition *c, struct buf *why)
{
    unsigned leader = leader_of(r);
    if (leader == 0) {
        buf_append_text(why, "nobody leads");
        return false;
    }
    machine_set of = c->who.count > 0 ? runner_who(r, &c->who) : 0;
    if (c->who.count > 0 && machine_in(of, leader) == c->is_negated) {
        buf_printf(why, "peer %u leads", leader);
        return false;
    }
    struct stage_look look = runner_look(r, leader);
    machine_set knowing = runner_running(r);
    if (c->who.count > 0)
        knowing &= c->is_negated ? ~of : of;
    for (unsigned who = 1; who <= runner_machines(r); who++) {
        if (!machine_in(knowing, who) || runner_look(r, who).leader == look.number)
            continue;
        buf_printf(why, "peer %u leads, and peer %u does not know it", leader, who);
        return false;
    }
    return true;
}

static bool condition_no_leader(struct runner *r, const struct script_condition *c, struct buf *why)
{
    machine_set set = runner_running(r);
    if (c->who.count > 0)
        set &= runner_who(r, &c->who);
    for (unsigned who = 1; who <= runner_machines(r); who++) {
        if (!machine_in(set, who) || runner_look(r, who).leader == 0)
            continue;
        buf_printf(why, "peer %u knows a leader", who);
        return false;
    }
    return true;
}

/* ---- processes ---- */

/* Is this machine in the state that the condition names? `name` gets the word for it. */
static bool machine_is(const struct stage_look *look, const struct script_condition *c,
                       const char **name)
{
    switch ((int)c->kind) {
    case CONDITION_LOG:
        *name = "done with so much of its log";
        return look->is_running && look->log_entries < c->count;
    case CONDITION_READY:
        *name = "ready";
        return look->is_running && look->is_ready;
    case CONDITION_RECEIVING:
        *name = "receiving a snapshot";
        return look->is_running && look->is_receiving;
    case CONDITION_INSTALLED:
        *name = "on a state that came as a snapshot";
        return look->is_running && look->has_installed;
    case CONDITION_NOT_INSTALLED:
        *name = "on the state that it had";
        return look->is_running && !look->has_installed;
    default:
        *name = "stopped";
        return look->was_started && !look->is_running;
    }
}

static bool condition_each(struct runner *r, const struct script_condition *c, struct buf *why)
{
    machine_set set = runner_who(r, &c->who);
    if (set == 0) {
        buf_append_text(why, "nobody is meant");
        return false;
    }
    for (unsigned who = 1; who <= runner_machines(r); who++) {
        if (!machine_in(set, who))
            continue;
        struct stage_look look = runner_look(r, who);
        const char *name;
        if (!machine_is(&look, c, &name)) {
            buf_printf(why, "peer %u is not %s", who, name);
            return false;
        }
    }
    return true;
}

static bool machines_agree(struct runner *r, machine_set set, struct buf *why)
{
    struct stage_look first = { 0 };
    unsigned first_who = 0;
    for (unsigned who = 1; who <= runner_machines(r); who++) {
        if (!machine_in(set, who))
            continue;
        struct stage_look look = runner_look(r, who);
        if (first_who == 0) {
            first = look;
            first_who = who;
        } else if (look.applied != first.applied || look.state[0] != first.state[0] ||
                   look.state[1] != first.state[1]) {
            buf_printf(why, "peer %u has applied up to %llu, peer %u up to %llu%s", first_who,
                       (unsigned long long)first.applied, who, (unsigned long long)look.applied,
                       look.applied == first.applied ? ", with another state" : "");
            return false;
        }
    }
    return true;
}

static bool condition_members(struct runner *r, const struct script_condition *c, struct buf *why)
{
    unsigned leader = leader_of(r);
    uint64_t members = leader == 0 ? 0 : runner_look(r, leader).members;
    if (members == c->count)
        return true;
    buf_printf(why, leader == 0 ? "nobody leads" : "there are %llu members",
               (unsigned long long)members);
    return false;
}

static bool condition_voters(struct runner *r, const struct script_condition *c, struct buf *why)
{
    unsigned leader = leader_of(r);
    machine_set voters = leader == 0 ? 0 : runner_look(r, leader).voters;
    unsigned count = 0;
    for (unsigned who = 1; who <= runner_machines(r); who++)
        count += machine_in(voters, who);
    if (count == c->count)
        return true;
    if (leader == 0) {
        buf_append_text(why, "nobody leads");
        return false;
    }
    buf_append_text(why, "these vote: ");
    runner_words_of_set(why, voters);
    return false;
}

static bool condition_moved(struct runner *r, const struct script_condition *c, struct buf *why)
{
    uint64_t moved = r->stage->ops->moves(r->stage->impl);
    if (moved <= c->count)
        return true;
    buf_printf(why, "pins were moved %llu times", (unsigned long long)moved);
    return false;
}

/* ---- what the daemons hold ---- */

static machine_set pinned_at(struct runner *r, const struct cid *cid, bool is_direct)
{
    machine_set out = 0;
    for (unsigned who = 1; who <= runner_machines(r); who++)
        if (r->stage->ops->has_pin(r->stage->impl, who, cid, is_direct))
            out |= machine_bit(who);
    return out;
}

/* A count means daemons of running peers: a dead peer's copy helps nobody. */
static bool content_is_pinned(struct runner *r, const struct script_condition *c,
                              struct bytes content, struct buf *why)
{
    struct cid cid = r->stage->ops->cid(r->stage->impl, content);
    machine_set at = pinned_at(r, &cid, c->is_direct);
    bool fits;
    if (c->has_count) {
        at &= runner_running(r);
        fits = machine_set_count(at) == c->count;
    } else {
        machine_set wanted = runner_who(r, &c->who);
        if (c->kind == CONDITION_PINNED)
            fits = wanted != 0 && (at & wanted) == wanted;
        else
            fits = (at & (c->who.count > 0 ? wanted : ~(machine_set)0)) == 0;
    }
    if (fits)
        return true;
    buf_printf(why, "%.*s is pinned by the daemons of ", (int)content.len,
               (const char *)content.data);
    runner_words_of_set(why, at);
    return false;
}

static bool condition_pinned(struct runner *r, const struct script_condition *c, struct buf *why)
{
    struct content_walk walk = { .contents = &c->contents };
    struct bytes content;
    while (content_next(&walk, &content))
        if (!content_is_pinned(r, c, content, why))
            return false;
    return true;
}

/* ---- what the state says ---- */

static bool listing_fits(struct runner *r, const struct script_condition *c, unsigned at,
                         struct buf *why)
{
    struct content_walk walk = { .contents = &c->contents };
    struct bytes content;
    while (content_next(&walk, &content)) {
        struct cid cid = r->stage->ops->cid(r->stage->impl, content);
        bool listed = listing_find(&r->listing, &cid) != NULL;
        if (listed == (c->kind == CONDITION_LISTED))
            continue;
        buf_printf(why, "%.*s is %s at peer %u", (int)content.len, (const char *)content.data,
                   listed ? "listed" : "not listed", at);
        return false;
    }
    return true;
}

static bool condition_listed(struct runner *r, const struct script_condition *c, struct buf *why)
{
    machine_set set = c->who.count > 0 ? runner_who(r, &c->who) : runner_running(r);
    for (unsigned who = 1; who <= runner_machines(r); who++) {
        if (!machine_in(set, who))
            continue;
        if (!runner_list(r, who)) {
            buf_printf(why, "peer %u does not list its pins", who);
            return false;
        }
        if (!listing_fits(r, c, who, why))
            return false;
    }
    return set != 0;
}

static machine_set row_holders(struct runner *r, const struct listing_row *row)
{
    machine_set out = 0;
    for (unsigned who = 1; who <= runner_machines(r); who++) {
        struct peer_id id = r->stage->ops->peer_id(r->stage->impl, who);
        if (listing_row_is_held_by(row, &id))
            out |= machine_bit(who);
    }
    return out;
}

static bool list_somewhere(struct runner *r, struct buf *why)
{
    unsigned who = runner_one_of(r, runner_running(r));
    if (who != 0 && runner_list(r, who))
        return true;
    buf_append_text(why, "no peer lists its pins");
    return false;
}

static bool condition_allocated(struct runner *r, const struct script_condition *c, struct buf *why)
{
    if (!list_somewhere(r, why))
        return false;
    struct content_walk walk = { .contents = &c->contents };
    struct bytes content;
    while (content_next(&walk, &content)) {
        struct cid cid = r->stage->ops->cid(r->stage->impl, content);
        const struct listing_row *row = listing_find(&r->listing, &cid);
        machine_set holders = row != NULL ? row_holders(r, row) : 0;
        machine_set wanted = c->has_count ? 0 : runner_who(r, &c->who);
        bool fits = row != NULL && (c->has_count ? machine_set_count(holders) == c->count
                                                 : (holders & wanted) == wanted);
        if (fits)
            continue;
        buf_printf(why, "%.*s is allocated to ", (int)content.len, (const char *)content.data);
        runner_words_of_set(why, holders);
        return false;
    }
    return true;
}

/* ---- at rest ---- */

static void cid_words(struct buf *why, const struct cid *cid)
{
    buf_append_text(why, cid_print(cid).text);
}

/* Enough of those who should hold it live, and their daemons do hold it. */
static bool row_is_settled(struct runner *r, const struct listing_row *row, machine_set running,
                           struct buf *why)
{
    machine_set holders = row_holders(r, row);
    machine_set living = holders & running;
    unsigned wanted =
        row->holders_count == 0 ? machine_set_count(living) : (unsigned)row->factor_min;
    if (machine_set_count(living) < wanted) {
        cid_words(why, &row->cid);
        buf_printf(why, " is allocated to %u living peers, and needs %u", machine_set_count(living),
                   wanted);
        return false;
    }
    machine_set missing = living & ~pinned_at(r, &row->cid, false);
    if (missing != 0) {
        cid_words(why, &row->cid);
        buf_append_text(why, " is not yet pinned by the daemons of ");
        runner_words_of_set(why, missing);
        return false;
    }
    return true;
}

struct daemon {
    struct runner *r;
    unsigned who;
};

static bool daemon_should_hold(void *owner, const struct cid *cid)
{
    const struct daemon *d = owner;
    const struct listing_row *row = listing_find(&d->r->listing, cid);
    return row != NULL && machine_in(row_holders(d->r, row), d->who);
}

/* Each daemon of a running peer holds what the state says (row_is_settled), and nothing else. */
static bool daemons_are_settled(struct runner *r, machine_set running, struct buf *why)
{
    for (unsigned who = 1; who <= runner_machines(r); who++) {
        if (!machine_in(running, who))
            continue;
        struct daemon d = { r, who };
        size_t extra = r->stage->ops->extra_pins(r->stage->impl, who, daemon_should_hold, &d);
        if (extra > 0) {
            buf_printf(why, "the daemon of peer %u holds %zu pins that it should not hold", who,
                       extra);
            return false;
        }
    }
    return true;
}

static bool condition_settled(struct runner *r, struct buf *why)
{
    machine_set running = runner_running(r);
    for (unsigned who = 1; who <= runner_machines(r); who++) {
        if (machine_in(running, who) && !runner_look(r, who).is_ready) {
            buf_printf(why, "peer %u is not ready", who);
            return false;
        }
    }
    struct script_condition leader = { .kind = CONDITION_LEADER };
    if (!condition_leader(r, &leader, why) || !machines_agree(r, running, why) ||
        !list_somewhere(r, why))
        return false;
    for (size_t i = 0; i < r->listing.count; i++)
        if (!row_is_settled(r, &r->listing.rows[i], running, why))
            return false;
    return daemons_are_settled(r, running, why) && machines_agree(r, running, why) &&
           r->stage->ops->audit(r->stage->impl, &r->listing, why);
}

/* ---- what is on the way ---- */

static bool condition_waiting(struct runner *r, const struct script_condition *c, struct buf *why)
{
    const struct stage_ops *ops = r->stage->ops;
    machine_set from = runner_who(r, &c->who), to = runner_who(r, &c->whom);
    for (unsigned a = 1; a <= runner_machines(r) && ops->waiting != NULL; a++)
        for (unsigned b = 1; b <= runner_machines(r); b++) {
            if (a == b || !machine_in(from, a) || !machine_in(to, b))
                continue;
            uint64_t frames = ops->waiting(r->stage->impl, a, b);
            if (frames < c->count)
                continue;
            buf_printf(why, "%llu frames wait on the way from %u to %u", (unsigned long long)frames,
                       a, b);
            return false;
        }
    return true;
}

bool runner_condition(struct runner *r, const struct script_condition *c, struct buf *why)
{
    switch (c->kind) {
    case CONDITION_LEADER:
        return condition_leader(r, c, why);
    case CONDITION_NO_LEADER:
        return condition_no_leader(r, c, why);
    case CONDITION_READY:
    case CONDITION_STOPPED:
    case CONDITION_RECEIVING:
    case CONDITION_INSTALLED:
    case CONDITION_NOT_INSTALLED:
    case CONDITION_LOG:
        return condition_each(r, c, why);
    case CONDITION_AGREE:
        return machines_agree(r, runner_who(r, &c->who) & runner_running(r), why);
    case CONDITION_SETTLED:
        return condition_settled(r, why);
    case CONDITION_PINNED:
    case CONDITION_UNPINNED:
        return condition_pinned(r, c, why);
    case CONDITION_LISTED:
    case CONDITION_UNLISTED:
        return condition_listed(r, c, why);
    case CONDITION_ALLOCATED:
        return condition_allocated(r, c, why);
    case CONDITION_MOVED:
        return condition_moved(r, c, why);
    case CONDITION_MEMBERS:
        return condition_members(r, c, why);
    case CONDITION_VOTERS:
        return condition_voters(r, c, why);
    case CONDITION_WAITING:
        return condition_waiting(r, c, why);
    }
    return false;
}
