#include "sim/world/parcels.h"

#include <stdint.h>

#include "util/assert.h"
#include "util/mem.h"

enum { PARCEL_SMALLEST_LOG2 = 7 };

/* Stands in front of the bytes. */
struct parcel_head {
    struct list_link link;
    size_t class;
    size_t padding; /* keeps what follows aligned */
};

void parcels_init(struct parcels *p)
{
    for (size_t i = 0; i < PARCEL_CLASSES_COUNT; i++)
        list_init(&p->free[i]);
}

void parcels_deinit(struct parcels *p)
{
    for (size_t i = 0; i < PARCEL_CLASSES_COUNT; i++)
        for (struct list_link *link; (link = list_pop_front(&p->free[i])) != NULL;)
            mem_free(list_entry(link, struct parcel_head, link));
}

void *parcel_take(struct parcels *p, size_t size)
{
    size_t class = 0;
    while (((size_t)1 << (PARCEL_SMALLEST_LOG2 + class)) < size)
        class += 1;
    ASSERT(class < PARCEL_CLASSES_COUNT);
    struct list_link *link = list_pop_front(&p->free[class]);
    struct parcel_head *head;
    if (link != NULL) {
        head = list_entry(link, struct parcel_head, link);
    } else {
        head = mem_alloc(sizeof(*head) + ((size_t)1 << (PARCEL_SMALLEST_LOG2 + class)));
        ASSERT(head != NULL);
        list_init(&head->link);
        head->class = class;
    }
    return head + 1;
}

void parcel_give(struct parcels *p, void *parcel)
{
    if (parcel == NULL)
        return;
    struct parcel_head *head = (struct parcel_head *)parcel - 1;
    list_push_front(&p->free[head->class], &head->link);
}
