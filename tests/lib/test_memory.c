#include "tests/lib/test_memory.h"

#include <stddef.h>

static unsigned long left;
static bool is_counting;
static bool has_failed;

void test_memory_fail(unsigned long n)
{
    left = n;
    has_failed = false;
}

void test_memory_begin(void)
{
    is_counting = true;
}

void test_memory_end(void)
{
    is_counting = false;
}

bool test_memory_has_failed(void)
{
    return has_failed;
}

static bool is_the_one(void)
{
    if (!is_counting || left == 0)
        return false;
    left -= 1;
    has_failed = left == 0;
    return has_failed;
}

/* The linker sends malloc() and realloc() of our own objects here. */
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size); /* what compilers make of malloc() and memset() */
void *__wrap_realloc(void *old, size_t size);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
    return is_the_one() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_the_one() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return is_the_one() ? NULL : __real_realloc(old, size);
}
