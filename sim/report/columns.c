#include "sim/report/columns.h"

#include <stdio.h>
#include <string.h>

typedef unsigned long long ull;

enum { COLUMN_WIDTH = 18 };

/* Progress of so long is told although nothing else has happened. */
#define COLUMNS_GATHER_US ((uint64_t)1000 * 1000)

void columns_init(struct columns *c, const struct script *script)
{
    memset(c, 0, sizeof(*c));
    c->script = script;
    c->peers_count = script->peers_count + script->spares_count;
    c->width = COLUMN_WIDTH;
    memset(c->states, 'x', sizeof(c->states));
}

static void columns_print(struct columns *c, struct buf *line)
{
    c->print(c->owner, buf_text(line));
    buf_deinit(line);
}

void columns_head(struct columns *c)
{
    struct buf line = { 0 };
    buf_printf(&line, "%12s  %-*s", "seconds", (int)c->peers_count, "");
    for (unsigned who = 1; who <= c->peers_count; who++)
        buf_printf(&line, "  peer %-*u", (int)c->width - 7, who);
    columns_print(c, &line);
}

static void columns_time(struct columns *c, struct buf *line, uint64_t at_us)
{
    buf_printf(line, "%5llu.%06llu  ", (ull)(at_us / 1000000), (ull)(at_us % 1000000));
    buf_append(line, c->states + 1, c->peers_count);
}

static void columns_cell(struct columns *c, uint64_t at_us, unsigned who, const char *text)
{
    struct buf line = { 0 };
    columns_time(c, &line, at_us);
    buf_printf(&line, "  %*s%s", (int)((who > 0 ? who - 1 : 0) * c->width), "", text);
    columns_print(c, &line);
}

/* ---- progress ---- */

static void columns_tell_progress(struct columns *c, unsigned who)
{
    struct columns_progress *p = &c->progress[who];
    struct buf text = { 0 };
    const char *comma = "";
    if (p->until_us == 0)
        return;
    if (p->last > p->first)
        buf_printf(&text, "appends %llu..%llu@%llu", (ull)p->first, (ull)p->last, (ull)p->term);
    else if (p->last > 0)
        buf_printf(&text, "appends %llu@%llu", (ull)p->last, (ull)p->term);
    const struct {
        const char *word;
        uint64_t index;
    } parts[] = { { "stored", p->stored },
                  { "committed", p->committed },
                  { "applied", p->applied } };
    for (size_t i = 0; i < 3; i++) {
        comma = text.len > 0 ? ", " : "";
        if (parts[i].index > 0)
            buf_printf(&text, "%s%s %llu", comma, parts[i].word, (ull)parts[i].index);
    }
    columns_cell(c, p->until_us, who, buf_text(&text));
    buf_deinit(&text);
    *p = (struct columns_progress){ 0 };
}

/* In the order in which they ended. */
void columns_end(struct columns *c)
{
    for (;;) {
        unsigned first = 0;
        for (unsigned who = 1; who <= c->peers_count; who++) {
            const struct columns_progress *p = &c->progress[who];
            if (p->until_us > 0 && (first == 0 || p->until_us < c->progress[first].until_us))
                first = who;
        }
        if (first == 0)
            return;
        columns_tell_progress(c, first);
    }
}

/* True: it is progress, and is kept until something else happens. */
static bool columns_gather(struct columns *c, uint64_t at_us, unsigned who, const char *text)
{
    struct columns_progress *p = &c->progress[who];
    ull index = 0, term = 0;
    if (sscanf(text, "append %llu@%llu", &index, &term) == 2) {
        if (p->last > 0 && (term != p->term || index != p->last + 1))
            columns_end(c);
        if (p->last == 0)
            p->first = index;
        p->last = index;
        p->term = term;
    } else if (sscanf(text, "stored up to %llu", &index) == 1) {
        p->stored = index;
    } else if (sscanf(text, "committed %llu", &index) == 1) {
        p->committed = index;
    } else if (sscanf(text, "applied %llu", &index) == 1) {
        p->applied = index;
    } else {
        return false;
    }
    if (p->since_us == 0)
        p->since_us = at_us;
    p->until_us = at_us;
    if (at_us - p->since_us >= COLUMNS_GATHER_US)
        columns_end(c);
    return true;
}

/* ---- everything else ---- */

static void columns_follow_state(struct columns *c, unsigned who, const char *text)
{
    static const struct {
        const char *part;
        char state;
    } rows[] = { { "crashes", 'x' },   { "exits", 'x' },        { "does not start", 'x' },
                 { "starts", '.' },    { "stands still", '=' }, { "goes on", '.' },
                 { ": LEADER", 'L' },  { "candidate,", 'c' },   { ": follower", '.' },
                 { ": stranger", '?' } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *found = strstr(text, rows[i].part);
        if (found != NULL && (found == text || strncmp(text, "term ", 5) == 0)) {
            c->states[who] = rows[i].state;
            return;
        }
    }
}

static void columns_step(struct columns *c, uint64_t at_us, unsigned number)
{
    struct bytes line = script_line(c->script, number);
    struct buf out = { 0 };
    columns_time(c, &out, at_us);
    buf_printf(&out, "  ---- line %u: %.*s", number, (int)line.len, (const char *)line.data);
    columns_print(c, &out);
}

void columns_line(struct columns *c, uint64_t at_us, unsigned who, const char *text)
{
    unsigned number;
    if (who > c->peers_count || (!c->frames && strncmp(text, "frame ", 6) == 0))
        return;
    if (who > 0 && columns_gather(c, at_us, who, text))
        return;
    columns_end(c);
    if (who > 0)
        columns_follow_state(c, who, text);
    if (who == 0 && sscanf(text, "line %u", &number) == 1)
        columns_step(c, at_us, number);
    else
        columns_cell(c, at_us, who, text);
}
