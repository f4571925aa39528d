/* pin_list.h -- walks all pins of the state in CID order, over many events: what a listing holds between two rows.
 *
 * Shape    Reads a page of pins at a time, as opening a view and finding the place in it costs as much as some pins. {0}
 *          begins with the first pin.
 * Order    Of CIDs. A pin that is there throughout is given once; one that comes or goes meanwhile may be given or not.
 * Owner    A pin lives until the next call. Memory: a page, of at most PIN_LIST_PAGE pins and, save for the last one
 *          of them, PIN_LIST_BYTES.
 * Errors   ERR_NOT_FOUND: that was all. What `read` says, at the place where it is so. ERR_NOMEM. */
#ifndef STATE_PIN_LIST_H
#define STATE_PIN_LIST_H

#include "state/pin.h"

enum { PIN_LIST_PAGE = 16, PIN_LIST_BYTES = 64 * 1024 };

/* The pins behind `after` (undefined: from the first), at least one and at most `count_max`. */
typedef int (*pin_list_read)(void *impl, const struct cid *after, struct arena *arena,
                             struct pin *out, size_t count_max, size_t *count);

struct pin_list {
    struct arena arena; /* of the page */
    struct pin *page;
    size_t count;
    size_t given;
    struct cid after;
};

void pin_list_deinit(struct pin_list *l);
int pin_list_next(struct pin_list *l, pin_list_read read, void *impl, const struct pin **out);

#endif
