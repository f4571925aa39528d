#include "sim/real/real_lacks.h"

#include "sim/real/real_machine.h"

static void lacks_line(const struct script *s, unsigned line, const char *what, struct buf *notes)
{
    struct bytes text = script_line(s, line);
    buf_printf(notes, "%s:%u: skipped, this world cannot (%s): %.*s\n", s->file, line, what,
               (int)text.len, (const char *)text.data);
}

/* What stands nowhere in particular. */
static void lacks_all(const struct script *s, bool is_lacking, const char *what, struct buf *notes)
{
    if (is_lacking)
        buf_printf(notes, "%s: skipped, this world cannot: %s\n", s->file, what);
}

void real_lacks(const struct script *s, struct buf *notes)
{
    bool is_still = false;
    for (size_t kind = 0; kind < CHOICE_KINDS_COUNT; kind++)
        is_still = is_still || s->is_still[kind];
    lacks_all(s, s->options_drawn, "options drawn", notes);
    lacks_all(s, s->is_supervised, "supervised", notes);
    lacks_all(s, is_still, "still: here nothing is drawn by us but what a step says", notes);
    for (size_t i = 0; i < s->options_count; i++)
        if (!real_machine_knows_option(s->options[i].name))
            lacks_line(s, s->options[i].line, "no such setting of a peer", notes);
    for (size_t i = 0; i < s->steps_count; i++) {
        const struct script_step *step = &s->steps[i];
        if (step->size_bytes > 0)
            lacks_line(s, step->line, "a content has the bytes of its name", notes);
        if (step->leave_per_million > 0)
            lacks_line(s, step->line, "clients wait for their answers", notes);
        if (step->over_us > 0)
            lacks_line(s, step->line, "bodies are sent at once", notes);
        if (step->condition.kind == CONDITION_WAITING)
            lacks_line(s, step->line, "nobody counts the frames on their way", notes);
    }
}
