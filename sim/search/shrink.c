#include "sim/search/shrink.h"

#include <string.h>

#include "sim/script/words.h"
#include "util/assert.h"
#include "util/err.h"
#include "util/mem.h"

/* ---- what has to stay so ---- */

static bool shrink_is_scenario(const struct shrink *s)
{
    return strcmp(s->goal.checker, "scenario") == 0;
}

/* "until settled within 15m": "until settled", since edits may change the time that is left. */
static void shrink_step(const struct script *script, unsigned number, struct buf *out)
{
    struct bytes line = script_line(script, number);
    size_t len = 0;
    while (len < line.len && ((const char *)line.data)[len] != '#')
        len += 1;
    while (len > 0 && strchr(" \t\r", ((const char *)line.data)[len - 1]) != NULL)
        len -= 1;
    static const char *const ends[] = { " within ", " for " };
    for (size_t e = 0; e < 2; e++)
        for (size_t i = 0; i + strlen(ends[e]) < len; i++)
            if (memcmp((const char *)line.data + i, ends[e], strlen(ends[e])) == 0)
                len = i;
    buf_clear(out);
    buf_append(out, line.data, len);
}

static bool shrink_fails(const struct shrink *s, const struct script *script,
                         const struct play_result *r)
{
    if (r->passed || strcmp(r->checker, s->goal.checker) != 0)
        return false;
    if (strcmp(r->checker, "assertion") == 0)
        return bytes_equal(buf_bytes(&r->why), buf_bytes(&s->goal.why));
    if (!shrink_is_scenario(s))
        return true;
    struct buf step = { 0 };
    shrink_step(script, r->line, &step);
    bool is_same = bytes_equal(buf_bytes(&step), buf_bytes(&s->goal_step));
    buf_deinit(&step);
    return is_same && r->is_calm == s->goal.is_calm;
}

void shrink_play(const struct shrink *s, struct shrink_try *t)
{
    struct buf text = { 0 };
    struct script script;
    t->fails = false;
    t->events = 0;
    plot_print(&t->plot, &text);
    if (script_parse(&script, "shrunk.scn", text.data, text.len) == OK) {
        /* One that goes on and on is not a shorter one. */
        struct play_options options = { .seed = script.seed, .events_max = 2 * s->events + 20000 };
        struct play_result r;
        play(&script, &options, &r);
        t->fails = shrink_fails(s, &script, &r);
        t->events = r.events;
        play_result_deinit(&r);
    }
    script_deinit(&script);
    buf_deinit(&text);
}

/* ---- what may not go ---- */

static bool shrink_is_fault(const char *text)
{
    static const char *const verbs[] = { "start",  "crash", "stop",    "pause",     "clog",
                                         "resume", "wipe",  "cut",     "heal",      "ipfs",
                                         "disk",   "clock", "network", "try start", "try crash",
                                         "remove", "let" };
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strncmp(text, verbs[i], strlen(verbs[i])) == 0)
            return true;
    return false;
}

/* Does the line speak of a content (or a set of peers) that the step speaks of, too? a1..a20 and a3 are of one stem. */
static bool shrink_shares_name(const char *line, const char *step)
{
    static const char *const words[] = { "expect",   "until",    "hold",    "leader",    "no",
                                         "is",       "not",      "ready",   "agree",     "all",
                                         "up",       "down",     "settled", "followers", "stopped",
                                         "pinned",   "listed",   "on",      "peers",     "members",
                                         "unpinned", "unlisted", "at",      "allocated", "to",
                                         "peer",     "one",      "of",      "holders",   "but" };
    for (const char *at = step; *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " "), stem = strcspn(at, " .0123456789");
        bool is_word = stem == 0;
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
            is_word = is_word || (strlen(words[i]) == len && memcmp(words[i], at, len) == 0);
        for (const char *to = line; !is_word && *to != '\0'; to += strspn(to, " ")) {
            if (strcspn(to, " .0123456789") == stem && memcmp(to, at, stem) == 0)
                return true;
            to += strcspn(to, " ");
        }
        at += len;
    }
    return false;
}

static bool shrink_must_stay(struct shrink *s, const struct plot_line *line)
{
    if (!shrink_is_scenario(s) || line->text == NULL || line->is_setup)
        return false;
    const char *step = buf_text(&s->goal_step);
    return strncmp(line->text, step, strlen(step)) == 0 || shrink_shares_name(line->text, step) ||
           (!s->goal.is_calm && shrink_is_fault(line->text));
}

/* ---- trying ---- */

/* The first that fails becomes the best; its place, or `count`. */
static size_t shrink_try_all(struct shrink *s, struct shrink_try *tries, size_t count)
{
    size_t found = count;
    if (count > 0 && !s->play(s->owner, tries, count))
        s->is_over = true;
    s->tries += (unsigned)count;
    for (size_t i = 0; i < count; i++) {
        if (found == count && tries[i].fails) {
            found = i;
            plot_deinit(&s->best);
            s->best = tries[i].plot;
            s->events = tries[i].events;
        } else {
            plot_deinit(&tries[i].plot);
        }
    }
    return found;
}

/* Where little succeeds, more may be played at once: making processes costs, too. */
static size_t shrink_bolder(size_t batch)
{
    return 2 * batch < SHRINK_BATCH_MAX ? 2 * batch : SHRINK_BATCH_MAX;
}

struct shrink_pass {
    shrink_edit edit;
    size_t positions;
    unsigned variants;
    unsigned seeds; /* 0: only the present one */
};

static bool shrink_edit_one(const struct shrink *s, const struct shrink_pass *pass, size_t at,
                            unsigned variant, unsigned seed, struct plot *out)
{
    plot_copy(out, &s->best);
    bool changed = pass->edit(out, at, variant);
    if (seed > 0) {
        changed = changed && out->seed != seed;
        out->seed = seed;
    }
    if (!changed)
        plot_deinit(out);
    return changed;
}

/* From the last position to the first, so that what is taken away does not move what is still to come. True: it has
 * become smaller. */
static bool shrink_pass(struct shrink *s, const struct shrink_pass *pass)
{
    struct shrink_try tries[SHRINK_BATCH_MAX];
    size_t from[SHRINK_BATCH_MAX];
    size_t each = (size_t)pass->variants * (1 + pass->seeds);
    size_t all = pass->positions * each;
    size_t batch = s->batch;
    bool changed = false;
    for (size_t next = 0; next < all && !s->is_over;) {
        size_t count = 0;
        for (; next < all && count < batch; next++) {
            size_t at = pass->positions - 1 - next / each, rest = next % each;
            unsigned variant = (unsigned)(rest / (1 + pass->seeds));
            unsigned seed = (unsigned)(rest % (1 + pass->seeds));
            from[count] = next;
            tries[count] = (struct shrink_try){ .fails = false };
            count += shrink_edit_one(s, pass, at, variant, seed, &tries[count].plot);
        }
        size_t found = shrink_try_all(s, tries, count);
        batch = found < count ? s->batch : shrink_bolder(batch);
        if (found == count)
            continue;
        changed = true;
        next = (from[found] / each + 1) * each;
    }
    return changed;
}

/* ---- taking lines away ---- */

/* Units at*chunk to at*chunk + chunk - 1, but what must stay. */
static bool shrink_cut_units(struct shrink *s, struct plot *p, size_t at, size_t chunk)
{
    bool *marked = mem_array(p->count + 1, sizeof(*marked));
    size_t *units = mem_array(p->count + 1, sizeof(*units));
    ASSERT(marked != NULL && units != NULL);
    edit_units(p, units);
    bool changed = false;
    for (size_t i = 0; i < p->count; i++) {
        marked[i] = units[i] / chunk == at && !shrink_must_stay(s, &p->lines[i]);
        changed = changed || marked[i];
    }
    if (changed)
        plot_remove_marked(p, marked);
    mem_free(marked);
    mem_free(units);
    return changed;
}

static size_t shrink_units(const struct shrink *s)
{
    size_t *units = mem_array(s->best.count + 1, sizeof(*units));
    ASSERT(units != NULL);
    size_t count = edit_units(&s->best, units);
    mem_free(units);
    return count;
}

/* As shrink_pass(), for chunks of units, with seeds 0..seeds. */
static bool shrink_chunks(struct shrink *s, size_t chunk, unsigned seeds)
{
    struct shrink_try tries[SHRINK_BATCH_MAX];
    size_t from[SHRINK_BATCH_MAX];
    size_t each = 1 + seeds;
    size_t positions = (shrink_units(s) + chunk - 1) / chunk;
    size_t batch = s->batch;
    bool changed = false;
    for (size_t next = 0; next < positions * each && !s->is_over;) {
        size_t count = 0;
        for (; next < positions * each && count < batch; next++) {
            struct plot *p = &tries[count].plot;
            unsigned seed = (unsigned)(next % each);
            tries[count].fails = false;
            plot_copy(p, &s->best);
            from[count] = next;
            bool is_new = shrink_cut_units(s, p, positions - 1 - next / each, chunk) &&
                          (seed == 0 || p->seed != seed);
            if (seed > 0)
                p->seed = seed;
            if (is_new)
                count += 1;
            else
                plot_deinit(p);
        }
        size_t found = shrink_try_all(s, tries, count);
        batch = found < count ? s->batch : shrink_bolder(batch);
        if (found == count)
            continue;
        changed = true;
        next = (from[found] / each + 1) * each;
    }
    return changed;
}

/* Single lines: half of a fault may be enough. */
static bool shrink_lines(struct shrink *s)
{
    for (size_t i = 0; i < s->best.count; i++)
        s->best.lines[i].deed = 0;
    return shrink_chunks(s, 1, 2);
}

/* ---- all of it ---- */

/* Early, too: a run of fewer peers has fewer events. */
static bool shrink_machines(struct shrink *s, unsigned seeds)
{
    const struct shrink_pass pass = { edit_machine, s->best.peers_count, 1, seeds };
    return shrink_pass(s, &pass);
}

static bool shrink_small(struct shrink *s)
{
    const struct shrink_pass passes[] = {
        { edit_clients, s->best.count, EDIT_CLIENTS_VARIANTS, 1 },
        { edit_wait, s->best.count, EDIT_WAIT_VARIANTS, 0 },
        { edit_untry, s->best.count, 1, 0 },
    };
    bool changed = shrink_machines(s, 3);
    for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]) && !s->is_over; i++)
        changed = shrink_pass(s, &passes[i]) || changed;
    return changed;
}

/* Without luck an edit changes only what it says, so this comes early; at the end it goes, if it is not needed. */
static void shrink_luck(struct shrink *s, shrink_edit edit)
{
    const struct shrink_pass luck = { edit, 1, 1, 3 };
    const struct shrink_pass seed = { edit_seed, 1, EDIT_SEEDS, 0 };
    shrink_pass(s, &luck);
    shrink_pass(s, &seed);
}

/* What is long still hangs on luck: whatever is taken away, another thing happens with this seed. So others are tried, the
 * more the shorter the run. */
enum { SHRINK_LONG = 8, SHRINK_SEEDS_MAX = 40, SHRINK_SEEDS_EVENTS = 400000 };

static void shrink_stubbornly(struct shrink *s)
{
    bool changed = true;
    for (unsigned round = 0; round < 3 && changed && shrink_units(s) > SHRINK_LONG; round++) {
        uint64_t seeds = SHRINK_SEEDS_EVENTS / (s->events + 1);
        seeds = seeds < 3 ? 3 : seeds > SHRINK_SEEDS_MAX ? SHRINK_SEEDS_MAX : seeds;
        changed = shrink_machines(s, (unsigned)seeds);
        for (size_t chunk = 2; chunk > 0 && !s->is_over; chunk /= 2)
            changed = shrink_chunks(s, chunk, (unsigned)seeds) || changed;
        changed = shrink_small(s) || changed;
    }
}

static void shrink_pass_all(struct shrink *s)
{
    const struct shrink_pass bites = { edit_bite, 1, EDIT_BITES, 1 };
    shrink_pass(s, &bites);
    shrink_machines(s, 0);
    for (size_t chunk = shrink_units(s) / 2; chunk > 1 && !s->is_over; chunk /= 2)
        shrink_chunks(s, chunk, 0);
    shrink_chunks(s, 1, 0);
    shrink_small(s);
    shrink_luck(s, edit_still);
    for (unsigned round = 0; round < 4 && !s->is_over; round++) {
        bool changed = shrink_lines(s);
        changed = shrink_small(s) || changed;
        if (!changed)
            break;
    }
    shrink_stubbornly(s);
    const struct shrink_pass merge = { edit_merge, s->best.count, 1, 0 };
    shrink_pass(s, &merge);
    const struct shrink_pass round = { edit_round, s->best.count, 1, 0 };
    shrink_pass(s, &round);
    shrink_luck(s, edit_unstill);
}

/* ---- impatience ---- */

/* A run that fails because something is not so within a quarter of an hour costs that quarter, each time. Three minutes
 * will do for looking; in the end it has to fail in its full time. */
#define SHRINK_HURRY_US ((uint64_t)180 * 1000 * 1000)

static bool shrink_takes(struct shrink *s)
{
    struct shrink_try t = { .fails = false };
    plot_copy(&t.plot, &s->best);
    s->is_over = !s->play(s->owner, &t, 1) || s->is_over;
    plot_deinit(&t.plot);
    if (t.fails)
        s->events = t.events;
    return t.fails;
}

/* Gives the last line that much time; the time that it had, or 0: it is no `until` that waits longer. */
static uint64_t shrink_set_patience(struct plot *p, uint64_t us)
{
    static const char within[] = " within ";
    size_t last = p->count - 1;
    const char *text = p->count > 0 && p->lines[last].text != NULL ? p->lines[last].text : "";
    const char *found = strstr(text, within);
    uint64_t had_us;
    if (strncmp(text, "until ", 6) != 0 || found == NULL ||
        !word_time_us((struct bytes){ found + strlen(within), strlen(found + strlen(within)) },
                      &had_us))
        return 0;
    struct buf line = { 0 };
    buf_append(&line, text, (size_t)(found - text) + strlen(within));
    word_print_time(us, &line);
    plot_set_text(p, last, buf_text(&line));
    buf_deinit(&line);
    return had_us;
}

void shrink_run(struct shrink *s)
{
    struct plot whole;
    uint64_t events = s->events;
    plot_copy(&whole, &s->best);
    uint64_t patience_us =
        shrink_is_scenario(s) ? shrink_set_patience(&s->best, SHRINK_HURRY_US) : 0;
    bool hurries = patience_us > SHRINK_HURRY_US && shrink_takes(s);
    if (patience_us > 0 && !hurries)
        shrink_set_patience(&s->best, patience_us);
    shrink_pass_all(s);
    if (hurries) {
        shrink_set_patience(&s->best, patience_us);
        s->events = events;
        if (!shrink_takes(s)) {
            plot_deinit(&s->best);
            plot_copy(&s->best, &whole);
            s->events = events;
            shrink_pass_all(s);
        }
    }
    plot_deinit(&whole);
}

/* ---- the beginning ---- */

/* The scenario as it was written: its own lines, and nothing told in other words. */
static void shrink_plot_of_script(const struct script *script, uint64_t seed, struct plot *out)
{
    *out = (struct plot){ .peers_count = script->peers_count,
                          .spares_count = script->spares_count,
                          .seed = seed };
    memcpy(out->is_still, script->is_still, sizeof(out->is_still));
    if (script->options_drawn)
        plot_add(out, (struct bytes){ "options drawn", strlen("options drawn") }, 0, true);
    if (script->is_supervised)
        plot_add(out, (struct bytes){ "supervised", strlen("supervised") }, 0, true);
    for (size_t i = 0; i < script->options_count; i++)
        plot_add(out, script_line(script, script->options[i].line), 0, true);
    for (size_t i = 0; i < script->steps_count; i++)
        plot_add(out, script_line(script, script->steps[i].line), 0, false);
}

bool shrink_begin(struct shrink *s, const struct script *script, uint64_t seed)
{
    ASSERT(s->batch >= 1 && s->batch <= SHRINK_BATCH_MAX);
    unroll(script, seed, &s->best, &s->goal);
    if (s->goal.passed)
        return false;
    shrink_step(script, s->goal.line, &s->goal_step);
    s->events = s->goal.events;
    if (shrink_takes(s))
        return true;
    plot_deinit(&s->best);
    shrink_plot_of_script(script, seed, &s->best);
    return shrink_takes(s);
}

void shrink_deinit(struct shrink *s)
{
    plot_deinit(&s->best);
    play_result_deinit(&s->goal);
    buf_deinit(&s->goal_step);
}
