/* Guesses: after each return, every way in which the register can have got there.
 *
 * A guess need not say when everything happened, only what is left to decide: the value, which of the open
 * operations have happened, and since when the value stands. A new guess is made only when a return forces it:
 *
 *   a read returns that has not happened   some open write of its value happens now
 *   a write returns that has not happened  it happens now; or it did happen, unseen, just before another write
 *                                          that came after its call (so `written` is all we need to know of those)
 *
 * before which other open writes may have happened, but only those that an open read has seen. Reads change
 * nothing, so one happens as soon as it can. All this asks what an operation will return, so an event waits
 * until that is known of its operation (and those behind wait with it).
 *
 * Of two guesses with one value, the one that has used up less of what may never return, and whose value is the
 * younger, can do whatever the other can: the other is dropped. */
#include "sim/check/register.h"

#include "util/assert.h"
#include "util/mem.h"

enum register_fate { REGISTER_RUNNING, REGISTER_RETURNED, REGISTER_UNKNOWN, REGISTER_DROPPED };

struct register_event {
    struct list_link link; /* in h->events */
    struct register_op *op;
    uint64_t at;
};

struct register_op {
    bool is_write;
    uint64_t value;
    enum register_fate fate;
    uint64_t called_at;
    unsigned place; /* while it is open */
    struct register_event call;
    struct register_event end;
};

void register_init(struct register_history *h)
{
    *h = (struct register_history){ .guesses_count = 1 };
    list_init(&h->events);
}

static void register_free(struct register_op *op)
{
    list_remove(&op->call.link);
    list_remove(&op->end.link);
    mem_free(op);
}

void register_deinit(struct register_history *h)
{
    for (unsigned place = 0; place < REGISTER_OPEN_MAX; place++) {
        if (h->places >> place & 1)
            register_free(h->open[place]);
    }
    while (!list_is_empty(&h->events)) {
        struct register_event *e = list_entry(h->events.next, struct register_event, link);
        register_free(e->op);
    }
}

/* ---- guesses ---- */

static bool register_is_in(const struct register_guess *g, const struct register_op *op)
{
    return (g->done >> op->place & 1) != 0;
}

/* Can `a` do whatever `b` can? */
static bool register_is_as_good(const struct register_history *h, const struct register_guess *a,
                                const struct register_guess *b)
{
    uint64_t known = ~h->unknown;
    return a->value == b->value && a->written >= b->written &&
           (a->done & known) == (b->done & known) && (a->done & ~known & ~b->done) == 0;
}

/* Adds to h->guesses[from...] what is not there yet. */
static void register_guess_add(struct register_history *h, unsigned from, struct register_guess g)
{
    for (unsigned i = from; i < h->guesses_count; i++) {
        if (register_is_as_good(h, &h->guesses[i], &g))
            return;
    }
    if (h->guesses_count == REGISTER_GUESSES_MAX)
        h->has_given_up = true;
    else
        h->guesses[h->guesses_count++] = g;
}

/* An open operation that has not happened in the guess, or NULL: the next one from *place on. */
static struct register_op *register_next_open(const struct register_history *h,
                                              const struct register_guess *g, unsigned *place)
{
    for (; *place < REGISTER_OPEN_MAX; *place += 1) {
        if ((h->places & ~g->done) >> *place & 1)
            return h->open[(*place)++];
    }
    return NULL;
}

/* What reads see of the value happens with it. */
static void register_let_read(const struct register_history *h, struct register_guess *g)
{
    unsigned place = 0;
    for (struct register_op *op; (op = register_next_open(h, g, &place)) != NULL;) {
        if (!op->is_write && op->value == g->value)
            g->done |= (uint64_t)1 << op->place;
    }
}

static struct register_guess register_written(const struct register_history *h,
                                              struct register_guess g, const struct register_op *op)
{
    g.value = op->value;
    g.written = h->clock;
    g.done |= (uint64_t)1 << op->place;
    register_let_read(h, &g);
    return g;
}

static bool register_is_wanted(const struct register_history *h, const struct register_guess *g,
                               uint64_t value)
{
    unsigned place = 0;
    for (struct register_op *op; (op = register_next_open(h, g, &place)) != NULL;) {
        if (!op->is_write && op->value == value)
            return true;
    }
    return false;
}

/* Every guess that one more write, seen by somebody, makes of this one. */
static void register_branch(struct register_history *h, unsigned from, struct register_guess g)
{
    unsigned place = 0;
    for (struct register_op *op; (op = register_next_open(h, &g, &place)) != NULL;) {
        if (op->is_write && register_is_wanted(h, &g, op->value))
            register_guess_add(h, from, register_written(h, g, op));
    }
}

/* The guesses in which `op` has happened by now take the place of those before. The list grows at its end while
 * it is walked, so that writes before `op` are tried as long as there are any. */
static void register_force(struct register_history *h, const struct register_op *op)
{
    struct register_guess after[REGISTER_GUESSES_MAX];
    unsigned after_count = 0;
    for (unsigned i = 0; i < h->guesses_count && !h->has_given_up; i++) {
        struct register_guess g = h->guesses[i];
        bool is_hidden = op->is_write && g.written > op->called_at;
        if (register_is_in(&g, op) || is_hidden) {
            after[after_count++] = g;
            if (register_is_in(&g, op))
                continue;
        }
        if (op->is_write)
            register_guess_add(h, 0, register_written(h, g, op));
        register_branch(h, 0, g);
    }
    h->guesses_count = 0;
    for (unsigned i = 0; i < after_count; i++) {
        after[i].done &= ~((uint64_t)1 << op->place);
        register_guess_add(h, 0, after[i]);
    }
}

/* ---- events ---- */

static void register_begins(struct register_history *h, struct register_op *op)
{
    unsigned place = 0;
    while (place < REGISTER_OPEN_MAX && (h->places >> place & 1))
        place += 1;
    if (place == REGISTER_OPEN_MAX) {
        h->has_given_up = true;
        register_free(op);
        return;
    }
    op->place = place;
    h->open[place] = op;
    h->places |= (uint64_t)1 << place;
    if (op->fate == REGISTER_UNKNOWN)
        h->unknown |= (uint64_t)1 << place;
    for (unsigned i = 0; i < h->guesses_count; i++) {
        struct register_guess *g = &h->guesses[i];
        if (!op->is_write && op->value == g->value)
            g->done |= (uint64_t)1 << place;
    }
}

static void register_ends(struct register_history *h, struct register_op *op)
{
    register_force(h, op);
    h->places &= ~((uint64_t)1 << op->place);
    h->has_failed = !h->has_given_up && h->guesses_count == 0;
    register_free(op);
}

/* Takes the first event, whose operation's fate is known. */
static void register_take(struct register_history *h, struct register_event *e)
{
    struct register_op *op = e->op;
    list_remove(&e->link);
    h->clock = e->at;
    if (e == &op->end)
        register_ends(h, op);
    else if (op->fate == REGISTER_DROPPED)
        register_free(op);
    else
        register_begins(h, op);
}

static bool register_go_on(struct register_history *h)
{
    while (!list_is_empty(&h->events) && !h->has_failed && !h->has_given_up) {
        struct register_event *first = list_entry(h->events.next, struct register_event, link);
        if (first->op->fate == REGISTER_RUNNING)
            break;
        register_take(h, first);
    }
    return !h->has_failed;
}

struct register_op *register_call(struct register_history *h, bool is_write, uint64_t value)
{
    struct register_op *op = mem_zalloc(sizeof(*op));
    ASSERT(op != NULL);
    op->is_write = is_write;
    op->value = value;
    op->called_at = ++h->calls;
    op->call = (struct register_event){ .op = op, .at = op->called_at };
    op->end.op = op;
    list_init(&op->end.link);
    list_push_back(&h->events, &op->call.link);
    return op;
}

static bool register_settle(struct register_history *h, struct register_op *op,
                            enum register_fate fate)
{
    ASSERT(op->fate == REGISTER_RUNNING);
    op->fate = fate;
    if (fate == REGISTER_RETURNED) {
        op->end.at = ++h->calls;
        list_push_back(&h->events, &op->end.link);
    }
    return register_go_on(h);
}

bool register_return(struct register_history *h, struct register_op *op, uint64_t value)
{
    if (!op->is_write)
        op->value = value;
    return register_settle(h, op, REGISTER_RETURNED);
}

bool register_unknown(struct register_history *h, struct register_op *op)
{
    return register_settle(h, op, op->is_write ? REGISTER_UNKNOWN : REGISTER_DROPPED);
}

bool register_drop(struct register_history *h, struct register_op *op)
{
    return register_settle(h, op, REGISTER_DROPPED);
}
