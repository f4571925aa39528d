#include "sim/search/plot.h"

#include <string.h>

#include "sim/script/words.h"
#include "util/assert.h"
#include "util/mem.h"

static char *plot_text(struct bytes text)
{
    char *out = mem_alloc(text.len + 1);
    ASSERT(out != NULL);
    if (text.len > 0)
        memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return out;
}

static struct plot_line *plot_grow(struct plot *p)
{
    if (p->count == p->size) {
        p->size = p->size == 0 ? 32 : 2 * p->size;
        p->lines = mem_realloc(p->lines, p->size * sizeof(*p->lines));
        ASSERT(p->lines != NULL);
    }
    struct plot_line *line = &p->lines[p->count++];
    *line = (struct plot_line){ .text = NULL };
    return line;
}

void plot_add(struct plot *p, struct bytes text, unsigned deed, bool is_setup)
{
    struct plot_line *line = plot_grow(p);
    line->text = plot_text(text);
    line->deed = deed;
    line->is_setup = is_setup;
}

static bool plot_ends_in_wait(const struct plot *p)
{
    return p->count > 0 && p->lines[p->count - 1].text == NULL;
}

void plot_add_wait(struct plot *p, uint64_t us)
{
    if (us == 0)
        return;
    if (!plot_ends_in_wait(p))
        (void)plot_grow(p);
    p->lines[p->count - 1].wait_us += us;
}

void plot_set_text(struct plot *p, size_t at, const char *text)
{
    ASSERT(at < p->count);
    mem_free(p->lines[at].text);
    p->lines[at].text = plot_text((struct bytes){ text, strlen(text) });
}

void plot_remove_marked(struct plot *p, const bool *marked)
{
    struct plot out = *p;
    out.count = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct plot_line line = p->lines[i];
        if (marked[i])
            mem_free(line.text);
        else if (line.text == NULL && plot_ends_in_wait(&out))
            out.lines[out.count - 1].wait_us += line.wait_us;
        else
            out.lines[out.count++] = line;
    }
    *p = out;
}

void plot_remove(struct plot *p, size_t at)
{
    ASSERT(at < p->count);
    bool *marked = mem_array(p->count, sizeof(*marked));
    ASSERT(marked != NULL);
    memset(marked, 0, p->count * sizeof(*marked));
    marked[at] = true;
    plot_remove_marked(p, marked);
    mem_free(marked);
}

void plot_copy(struct plot *to, const struct plot *from)
{
    *to = *from;
    to->lines = NULL;
    to->count = to->size = 0;
    for (size_t i = 0; i < from->count; i++) {
        struct plot_line *line = plot_grow(to);
        *line = from->lines[i];
        if (line->text != NULL)
            line->text = plot_text((struct bytes){ line->text, strlen(line->text) });
    }
}

void plot_deinit(struct plot *p)
{
    for (size_t i = 0; i < p->count; i++)
        mem_free(p->lines[i].text);
    mem_free(p->lines);
    memset(p, 0, sizeof(*p));
}

/* ---- as text ---- */

static void plot_print_still(const struct plot *p, struct buf *out)
{
    unsigned still = 0, world = 0;
    for (unsigned kind = 0; kind < CHOICE_KINDS_COUNT; kind++) {
        still += p->is_still[kind];
        world += choice_kind_is_world((enum choice_kind)kind);
    }
    if (still == 0)
        return;
    buf_append_text(out, still == world ? "still all" : "still");
    for (unsigned kind = 0; still != world && kind < CHOICE_KINDS_COUNT; kind++)
        if (p->is_still[kind])
            buf_printf(out, " %s", choice_kind_name((enum choice_kind)kind));
    buf_append_text(out, "\n");
}

void plot_print(const struct plot *p, struct buf *out)
{
    buf_printf(out, "peers %u", p->peers_count);
    if (p->spares_count > 0)
        buf_printf(out, " spares %u", p->spares_count);
    buf_append_text(out, "\n");
    if (p->seed != 1)
        buf_printf(out, "seed %llu\n", (unsigned long long)p->seed);
    plot_print_still(p, out);
    bool in_setup = true;
    for (size_t i = 0; i < p->count; i++) {
        const struct plot_line *line = &p->lines[i];
        if (in_setup && !line->is_setup)
            buf_append_text(out, "\n");
        in_setup = line->is_setup;
        if (line->text != NULL) {
            buf_append_text(out, line->text);
        } else {
            buf_append_text(out, "wait ");
            word_print_time(line->wait_us, out);
        }
        buf_append_text(out, "\n");
    }
}

size_t plot_text_lines(struct bytes text)
{
    size_t count = 0;
    bool is_blank = true, is_comment = false;
    for (size_t i = 0; i <= text.len; i++) {
        char c = i < text.len ? ((const char *)text.data)[i] : '\n';
        if (c == '\n') {
            count += !is_blank;
            is_blank = true;
            is_comment = false;
        } else if (c == '#') {
            is_comment = true;
        } else if (c != ' ' && c != '\t' && c != '\r' && !is_comment) {
            is_blank = false;
        }
    }
    return count;
}
