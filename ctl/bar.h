/* bar.h -- how far something that takes a while has got, in one line of a terminal that is painted over.
 *
 * Shape    bar_show() whenever something moved: it paints ten times a second at most. bar_hide() before other words go
 *          to the terminal, and at the end.
 * Output   stderr; nothing at all when that is no terminal. */
#ifndef CTL_BAR_H
#define CTL_BAR_H

#include <stdbool.h>
#include <stdint.h>

struct bar {
    bool is_on;
    bool is_shown;
    uint64_t total; /* bytes; 0: not known */
    uint64_t shown_us;
};

void bar_init(struct bar *b, uint64_t total);
void bar_show(struct bar *b, uint64_t done);
void bar_hide(struct bar *b);

#endif
