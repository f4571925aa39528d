/* Slots are worked on once each, in order, and come back with what the work found out. */
#include <criterion/criterion.h>

#include "os/os_stage.h"
#include "util/err.h"

enum { ROUNDS = 2000 };

struct slot {
    int number; /* in: which it is */
    int sum;    /* out: of all numbers so far */
};

struct work {
    int sum;
    int last;
    bool is_in_order;
};

static void add(void *owner, void *slot)
{
    struct work *w = owner;
    struct slot *s = slot;
    w->is_in_order &= s->number == w->last + 1;
    w->last = s->number;
    w->sum += s->number;
    s->sum = w->sum;
}

Test(os_stage, works_on_each_slot_once_and_in_order, .timeout = 60)
{
    struct work work = { .is_in_order = true };
    struct slot slots[2] = { { 0 } };
    struct os_stage *stage;
    cr_assert_eq(os_stage_begin(&stage, add, &work, &slots[0], &slots[1]), OK);
    struct slot *filling = &slots[0];
    for (int n = 1; n <= ROUNDS; n++) {
        filling->number = n;
        filling = os_stage_next(stage);
        cr_assert_eq(filling->sum, n * (n - 1) / 2); /* of the one before */
    }
    os_stage_end(stage);
    cr_assert(work.is_in_order);
    cr_assert_eq(work.sum, ROUNDS * (ROUNDS + 1) / 2);
}

Test(os_stage, what_is_being_filled_is_not_worked_on, .timeout = 60)
{
    struct work work = { .is_in_order = true };
    struct slot slots[2] = { { .number = 1 }, { 0 } };
    struct os_stage *stage;
    cr_assert_eq(os_stage_begin(&stage, add, &work, &slots[0], &slots[1]), OK);
    cr_assert_not(os_stage_is_busy(stage));
    os_stage_end(stage);
    cr_assert_eq(work.last, 0);
}
