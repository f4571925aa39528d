/* plot.h -- a scenario as a list of lines that can be edited: what a shrinker works on.
 *
 *      peers 3               what stands before the first step has fields of its own
 *      seed 17
 *      still all
 *      option window 1       then lines, each of which may be taken away; those of one deed (a fault's beginning and
 *      crash 2               its end) go together
 *      wait 3s
 *      try start 2
 *
 * Owner    A plot owns its texts. plot_copy() makes an independent one; plot_deinit() leaves an empty one.
 * Errors   The simulator's memory running out asserts. A plot may be nonsense: script_parse() of its text tells. */
#ifndef SIM_SEARCH_PLOT_H
#define SIM_SEARCH_PLOT_H

#include "sim/script/script.h"

struct plot_line {
    char *text;       /* NULL: a wait */
    uint64_t wait_us; /* of a wait */
    unsigned deed;    /* 0: of none */
    bool is_setup;    /* an option, or "supervised" */
};

struct plot {
    unsigned peers_count;
    unsigned spares_count;
    uint64_t seed;
    bool is_still[CHOICE_KINDS_COUNT];
    struct plot_line *lines;
    size_t count;
    size_t size;
};

/* The last line of the plot now. Waits of nothing are left out, and a wait behind a wait makes it longer. */
void plot_add(struct plot *p, struct bytes text, unsigned deed, bool is_setup);
void plot_add_wait(struct plot *p, uint64_t us);
void plot_set_text(struct plot *p, size_t at, const char *text);
void plot_remove(struct plot *p, size_t at);
/* Whose line's mark is set. */
void plot_remove_marked(struct plot *p, const bool *marked);
void plot_copy(struct plot *to, const struct plot *from);
void plot_deinit(struct plot *p);

void plot_print(const struct plot *p, struct buf *out);
/* Lines that say something: not blank, no comment. */
size_t plot_text_lines(struct bytes text);

#endif
