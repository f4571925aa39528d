/* os_stage.h -- a thread that goes on with what its caller has made, while the caller makes the next.
 *
 *      the caller fills a slot ---next---> the thread works on it ---next---> the caller fills it again
 *
 * Shape    Two slots, the caller's: while one is being worked on, the other is being filled. In order.
 * Owner    A slot is the caller's from begin or next until next, else the thread's. What the work found out it leaves in
 *          the slot; what only the work touches may be the owner's. */
#ifndef OS_OS_STAGE_H
#define OS_OS_STAGE_H

#include <stdbool.h>

struct os_stage;

typedef void (*os_stage_work)(void *owner, void *slot);

/* The first slot to fill is `first`. ERR_NOMEM. */
int os_stage_begin(struct os_stage **out, os_stage_work work, void *owner, void *first,
                   void *second);
/* Hands over the slot that was filled. The other one, when it has been worked on. */
void *os_stage_next(struct os_stage *s);
/* Would os_stage_next() wait now? */
bool os_stage_is_busy(struct os_stage *s);
/* Returns when what was handed over is done. What is being filled is not worked on. */
void os_stage_end(struct os_stage *s);

#endif
