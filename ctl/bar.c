#include "ctl/bar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/format.h"
#include "os/os_clock.h"

enum { BAR_WIDTH = 30, BAR_PAUSE_US = 100 * 1000 };

void bar_init(struct bar *b, uint64_t total)
{
    const char *term = getenv("TERM");
    bool is_dumb = term == NULL || strcmp(term, "dumb") == 0;
    *b = (struct bar){ .is_on = isatty(STDERR_FILENO) && !is_dumb, .total = total };
}

void bar_show(struct bar *b, uint64_t done)
{
    uint64_t now_us = os_clock_mono_us();
    if (!b->is_on || (b->shown_us > 0 && now_us - b->shown_us < BAR_PAUSE_US))
        return;
    struct buf line = { 0 };
    buf_append_text(&line, "\r\x1b[K");
    format_bytes(&line, done);
    if (b->total > 0) {
        uint64_t part = done < b->total ? done : b->total;
        size_t filled = (size_t)((double)part / (double)b->total * BAR_WIDTH);
        buf_append_text(&line, " / ");
        format_bytes(&line, b->total);
        buf_append_text(&line, " [");
        for (size_t i = 0; i < BAR_WIDTH; i++)
            buf_put_u8(&line, i < filled ? '=' : i == filled ? '>' : ' ');
        buf_printf(&line, "] %3u %%", (unsigned)((double)part / (double)b->total * 100));
    }
    if (line.err == 0)
        fwrite(line.data, 1, line.len, stderr);
    fflush(stderr);
    buf_deinit(&line);
    b->is_shown = true;
    b->shown_us = now_us;
}

void bar_hide(struct bar *b)
{
    if (!b->is_shown)
        return;
    fputs("\r\x1b[K", stderr);
    fflush(stderr);
    b->is_shown = false;
}
