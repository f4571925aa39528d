#include "sim/fatal.h"

#include <stddef.h>
#include <string.h>

enum { WHERE_TEXT_SIZE = 512 };

static char where_text[WHERE_TEXT_SIZE];
static char failure_text[WHERE_TEXT_SIZE];
static jmp_buf *failure_guard;

static void where_copy(char *to, const char *from)
{
    size_t len = strlen(from);
    if (len >= WHERE_TEXT_SIZE)
        len = WHERE_TEXT_SIZE - 1;
    memcpy(to, from, len);
    to[len] = '\0';
}

void fatal_where(const char *repro)
{
    where_copy(where_text, repro);
}

const char *fatal_where_text(void)
{
    return where_text;
}

void fatal_guard(jmp_buf *guard)
{
    failure_guard = guard;
}

jmp_buf *fatal_guard_taken(const char *text)
{
    jmp_buf *guard = failure_guard;
    failure_guard = NULL;
    where_copy(failure_text, text);
    return guard;
}

const char *fatal_text(void)
{
    return failure_text;
}
