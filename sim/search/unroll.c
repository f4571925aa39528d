#include "sim/search/unroll.h"

#include <string.h>

#include "sim/script/options.h"
#include "sim/script/words.h"
#include "util/assert.h"
#include "util/mem.h"

/* What was heard: a step (its deeds behind it), or a deed. */
struct unroll_note {
    uint64_t at_us;
    const struct script_step *step;
    unsigned deed;
    char *text;
};

struct unroll {
    const struct script *script;
    struct plot *plot;
    struct unroll_note *notes;
    size_t count;
    size_t size;
};

/* ---- listening ---- */

static struct unroll_note *unroll_note(struct unroll *u, uint64_t at_us)
{
    if (u->count == u->size) {
        u->size = u->size == 0 ? 64 : 2 * u->size;
        u->notes = mem_realloc(u->notes, u->size * sizeof(*u->notes));
        ASSERT(u->notes != NULL);
    }
    struct unroll_note *note = &u->notes[u->count++];
    *note = (struct unroll_note){ .at_us = at_us };
    return note;
}

static void unroll_on_step(void *owner, uint64_t at_us, const struct script_step *step)
{
    unroll_note(owner, at_us)->step = step;
}

static void unroll_on_deed(void *owner, uint64_t at_us, unsigned number, const char *text)
{
    struct unroll_note *note = unroll_note(owner, at_us);
    note->deed = number;
    note->text = mem_strdup(text);
    ASSERT(note->text != NULL);
}

/* What was drawn is said, and so need not be drawn again. */
static void unroll_on_options(void *owner, const struct peer_options *options)
{
    struct unroll *u = owner;
    struct peer_options usual;
    struct buf lines = { 0 };
    peer_options_default(&usual);
    script_options_print(options, &usual, &lines);
    const char *at = buf_text(&lines);
    for (const char *end; (end = strchr(at, '\n')) != NULL; at = end + 1)
        plot_add(u->plot, (struct bytes){ at, (size_t)(end - at) }, 0, true);
    buf_deinit(&lines);
}

/* ---- writing ---- */

/* Without the comment, and what is blank at the end. */
static struct bytes unroll_line(const struct script *script, unsigned number)
{
    struct bytes line = script_line(script, number);
    const char *text = line.data;
    size_t len = 0;
    bool is_quoted = false;
    for (size_t i = 0; i < line.len && (is_quoted || text[i] != '#'); i++) {
        is_quoted = is_quoted != (text[i] == '"');
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
            len = i + 1;
    }
    return (struct bytes){ text, len };
}

/* "until X within 30s", with less time. */
static void unroll_with_time(struct unroll *u, struct bytes line, uint64_t us)
{
    struct buf text = { 0 };
    size_t len = line.len;
    while (len > 0 && ((const char *)line.data)[len - 1] != ' ')
        len -= 1;
    buf_append(&text, line.data, len);
    word_print_time(us, &text);
    plot_add(u->plot, buf_bytes(&text), 0, false);
    buf_deinit(&text);
}

/* The deeds of notes[from..to), with waits between them; the time up to which it is told. */
static uint64_t unroll_deeds(struct unroll *u, size_t from, size_t to, uint64_t at_us, bool waits)
{
    for (size_t i = from; i < to; i++) {
        const struct unroll_note *note = &u->notes[i];
        if (waits)
            plot_add_wait(u->plot, note->at_us - at_us);
        at_us = note->at_us;
        plot_add(u->plot, (struct bytes){ note->text, strlen(note->text) }, note->deed, false);
    }
    return at_us;
}

static void unroll_step(struct unroll *u, size_t at, size_t end, uint64_t end_us)
{
    const struct script_step *step = u->notes[at].step;
    struct bytes line = unroll_line(u->script, step->line);
    uint64_t at_us = u->notes[at].at_us;
    switch (step->verb) {
    case VERB_FAULTS:
        unroll_deeds(u, at + 1, end, at_us, true);
        break;
    case VERB_WAIT:
        at_us = unroll_deeds(u, at + 1, end, at_us, true);
        plot_add_wait(u->plot, end_us - at_us);
        break;
    case VERB_UNTIL:
    case VERB_HOLD:
        at_us = unroll_deeds(u, at + 1, end, at_us, true);
        unroll_with_time(u, line, step->time_us - (at_us - u->notes[at].at_us));
        break;
    default:
        unroll_deeds(u, at + 1, end, at_us, false);
        plot_add(u->plot, line, 0, false);
        break;
    }
}

static void unroll_write(struct unroll *u, uint64_t over_us)
{
    for (size_t at = 0; at < u->count;) {
        size_t end = at + 1;
        while (end < u->count && u->notes[end].step == NULL)
            end += 1;
        unroll_step(u, at, end, end < u->count ? u->notes[end].at_us : over_us);
        at = end;
    }
}

void unroll(const struct script *script, uint64_t seed, struct plot *out,
            struct play_result *result)
{
    struct unroll u = { .script = script, .plot = out };
    struct play_options options = { .seed = seed };
    *out = (struct plot){ .peers_count = script->peers_count,
                          .spares_count = script->spares_count,
                          .seed = seed };
    memcpy(out->is_still, script->is_still, sizeof(out->is_still));
    options.hooks.owner = &u;
    options.hooks.on_step = unroll_on_step;
    options.hooks.on_deed = unroll_on_deed;
    options.hooks.on_options = unroll_on_options;
    play(script, &options, result);
    bool draws = false;
    for (size_t i = 0; i < u.count; i++)
        draws = draws || (u.notes[i].step != NULL && u.notes[i].step->verb == VERB_FAULTS);
    if (draws || script->is_supervised)
        plot_add(out, (struct bytes){ "supervised", strlen("supervised") }, 0, true);
    unroll_write(&u, result->virtual_us);
    for (size_t i = 0; i < u.count; i++)
        mem_free(u.notes[i].text);
    mem_free(u.notes);
}
