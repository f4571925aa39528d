/* list.h -- an intrusive, doubly linked ring with a head.
 *
 * Shape    The head is a link too; an empty list points at itself. A link that is in no list points
 *          at itself.
 * Owner    The elements' owner owns the links; the list owns nothing. */
#ifndef UTIL_LIST_H
#define UTIL_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_link {
    struct list_link *prev;
    struct list_link *next;
};

#define list_entry(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))
#define list_for_each(at, head)                                                                    \
    for (struct list_link *at = (head)->next; at != (head); at = at->next)
/* The body may remove `at`. */
#define list_for_each_safe(at, after, head)                                                        \
    for (struct list_link *at = (head)->next, *after = at->next; at != (head);                     \
         at = after, after = at->next)

static inline void list_init(struct list_link *head)
{
    head->prev = head;
    head->next = head;
}

static inline bool list_is_empty(const struct list_link *head)
{
    return head->next == head;
}

static inline void list_push_back(struct list_link *head, struct list_link *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static inline void list_push_front(struct list_link *head, struct list_link *link)
{
    list_push_back(head->next, link);
}

/* Harmless for an initialised link that is in no list. */
static inline void list_remove(struct list_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* The first link, taken out; NULL when there is none. */
static inline struct list_link *list_pop_front(struct list_link *head)
{
    struct list_link *first = head->next;
    if (first == head)
        return NULL;
    list_remove(first);
    return first;
}

#endif
