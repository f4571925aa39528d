#include "sim/script/answer.h"

#include <string.h>

#include "util/err.h"

/* 503 is a definite no, and so is what the client itself got wrong; of all else the outcome is open. */
enum promise_outcome answer_outcome(const struct stage_answer *a)
{
    if (a->err == ERR_UNREACHABLE)
        return PROMISE_REFUSED;
    if (a->err != OK)
        return PROMISE_UNKNOWN;
    if (a->status >= 200 && a->status < 300)
        return PROMISE_KEPT;
    return a->status == 503 || (a->status >= 400 && a->status < 500) ? PROMISE_REFUSED
                                                                     : PROMISE_UNKNOWN;
}

void answer_pin_name(uint64_t number, struct buf *out)
{
    buf_printf(out, "w%llu", (unsigned long long)number);
}

uint64_t answer_pin_number(struct bytes body)
{
    static const char name[] = "\"name\":\"w";
    const char *end = (const char *)body.data + body.len;
    const char *at = body.len > 0 ? memmem(body.data, body.len, name, strlen(name)) : NULL;
    uint64_t value = 0;
    if (at == NULL)
        return 0;
    for (at += strlen(name); at < end && *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    return value;
}
