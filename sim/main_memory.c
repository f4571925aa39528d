/* The simulator's malloc(): the linker sends those of our own objects here (--wrap, see the Makefile), so that a peer may be
 * refused memory. Tests have one of their own (tests/lib/test_memory.c). */
#include <stddef.h>

#include "fault/memory.h"

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size); /* what compilers make of malloc() and memset() */
void *__wrap_realloc(void *old, size_t size);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
    return fault_memory_asks() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fault_memory_asks() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fault_memory_asks() ? NULL : __real_realloc(old, size);
}
