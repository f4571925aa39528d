#include "sim/search/exhaust_int.h"

#include <string.h>

#include "sim/fatal.h"
#include "util/assert.h"
#include "util/mem.h"

/* How deep a state was looked into, by its key: open addressing, and 0 is free. */
struct seen {
    uint64_t *keys;
    uint8_t *left;
    size_t size;
    size_t count;
};

struct search {
    const struct exhaust_limits *limits;
    struct exhaust_result *out;
    struct seen seen;
    struct exhaust_action path[EXHAUST_DEPTH_MAX];
    unsigned depth; /* of the path under way */
    bool is_over;
};

/* ---- what was seen ---- */

static void seen_init(struct seen *s, size_t size)
{
    s->size = size;
    s->count = 0;
    s->keys = mem_array(size, sizeof(*s->keys));
    s->left = mem_array(size, sizeof(*s->left));
    ASSERT(s->keys != NULL && s->left != NULL);
    memset(s->keys, 0, size * sizeof(*s->keys));
}

static size_t seen_place(const struct seen *s, uint64_t key)
{
    size_t at = (size_t)key & (s->size - 1);
    while (s->keys[at] != 0 && s->keys[at] != key)
        at = (at + 1) & (s->size - 1);
    return at;
}

static void seen_grow(struct seen *s)
{
    struct seen old = *s;
    seen_init(s, 2 * old.size);
    for (size_t i = 0; i < old.size; i++) {
        if (old.keys[i] == 0)
            continue;
        size_t at = seen_place(s, old.keys[i]);
        s->keys[at] = old.keys[i];
        s->left[at] = old.left[i];
    }
    s->count = old.count;
    mem_free(old.keys);
    mem_free(old.left);
}

/* False: it was looked into before, at least as deep. */
static bool seen_add(struct seen *s, uint64_t key, unsigned left, bool *is_new)
{
    key |= key == 0;
    if (2 * s->count >= s->size)
        seen_grow(s);
    size_t at = seen_place(s, key);
    *is_new = s->keys[at] == 0;
    if (!*is_new && s->left[at] >= left)
        return false;
    s->count += *is_new;
    s->keys[at] = key;
    s->left[at] = (uint8_t)left;
    return true;
}

/* ---- searching ---- */

static struct rafts *search_replay(const struct search *s, unsigned depth)
{
    struct rafts *w = rafts_create(s->limits->nodes);
    for (unsigned i = 0; i < depth; i++)
        rafts_do(w, &s->path[i]);
    return w;
}

static void search_fail(struct search *s, const char *failure)
{
    buf_append_text(&s->out->failure, failure);
    memcpy(s->out->path, s->path, s->depth * sizeof(s->path[0]));
    s->out->path_len = s->depth;
    s->is_over = true;
}

static void search_from(struct search *s, struct rafts *w, unsigned depth);

/* Into the state that the path of this length leads to. */
static void search_enter(struct search *s, struct rafts *w, unsigned depth)
{
    bool is_new = false;
    unsigned left = s->limits->depth - depth;
    if (rafts_failure(w) != NULL)
        search_fail(s, rafts_failure(w));
    if (s->is_over || !seen_add(&s->seen, rafts_key(w), left, &is_new))
        return;
    s->out->states += is_new;
    s->out->deepest = depth > s->out->deepest ? depth : s->out->deepest;
    if (s->limits->states_max > 0 && s->out->states >= s->limits->states_max) {
        s->is_over = true;
        s->out->is_complete = false;
    }
    if (left > 0 && !s->is_over)
        search_from(s, w, depth);
}

/* The last choice goes on in the state that is there; all others play the path again. Frees `w`'s successors, not `w`. */
static void search_from(struct search *s, struct rafts *w, unsigned depth)
{
    struct exhaust_action choices[EXHAUST_CHOICES_MAX];
    size_t count = rafts_choices(w, s->limits, choices);
    for (size_t i = 0; i < count && !s->is_over; i++) {
        bool is_last = i + 1 == count;
        struct rafts *next = is_last ? w : search_replay(s, depth);
        s->path[depth] = choices[i];
        s->depth = depth + 1;
        s->out->actions += 1;
        rafts_do(next, &choices[i]);
        search_enter(s, next, depth + 1);
        if (!is_last)
            rafts_destroy(next);
    }
}

void exhaust_run(const struct exhaust_limits *limits, struct exhaust_result *out)
{
    ASSERT(limits->nodes >= 2 && limits->nodes <= EXHAUST_NODES_MAX);
    ASSERT(limits->depth <= EXHAUST_DEPTH_MAX);
    memset(out, 0, sizeof(*out));
    out->is_complete = true;
    struct search *s = mem_zalloc(sizeof(*s));
    ASSERT(s != NULL);
    s->limits = limits;
    s->out = out;
    seen_init(&s->seen, 1 << 16);
    jmp_buf guard;
    fatal_where("");
    if (setjmp(guard) == 0) {
        fatal_guard(&guard);
        struct rafts *w = rafts_create(limits->nodes);
        search_enter(s, w, 0);
        rafts_destroy(w);
    } else {
        search_fail(
            s, fatal_text()); /* an assertion of the core; the rafts of its path are lost memory */
    }
    fatal_guard(NULL);
    mem_free(s->seen.keys);
    mem_free(s->seen.left);
    mem_free(s);
}

void exhaust_print_action(const struct exhaust_action *action, struct buf *out)
{
    unsigned a = action->a + 1, b = action->b + 1;
    switch (action->kind) {
    case EXHAUST_DELIVER:
        buf_printf(out, "%u hears %u", b, a);
        break;
    case EXHAUST_LOSE:
        buf_printf(out, "a message from %u to %u is lost", a, b);
        break;
    case EXHAUST_STORED:
        buf_printf(out, "the disk of %u is done", a);
        break;
    case EXHAUST_DEADLINE:
        buf_printf(out, "a deadline of %u passes", a);
        break;
    case EXHAUST_PROPOSE:
        buf_printf(out, "%u is asked for an entry", a);
        break;
    case EXHAUST_CRASH:
        buf_printf(out, "%u crashes, what it was writing is lost", a);
        break;
    case EXHAUST_CRASH_KEEP:
        buf_printf(out, "%u crashes, what it was writing is there", a);
        break;
    }
}
