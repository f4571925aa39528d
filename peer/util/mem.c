#include "util/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/assert.h"

void *mem_alloc(size_t size)
{
    ASSERT(size > 0);
    return malloc(size);
}

void *mem_zalloc(size_t size)
{
    void *memory = mem_alloc(size);
    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

void *mem_array(size_t count, size_t size)
{
    ASSERT(count > 0 && size > 0);
    if (count > SIZE_MAX / size)
        return NULL;
    return mem_zalloc(count * size);
}

void *mem_realloc(void *old, size_t size)
{
    ASSERT(size > 0);
    return realloc(old, size);
}

char *mem_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = mem_alloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

void mem_free(void *memory)
{
    free(memory);
}

void mem_wipe(void *memory, size_t len)
{
    volatile unsigned char *byte = memory;
    while (len-- > 0)
        *byte++ = 0;
}
