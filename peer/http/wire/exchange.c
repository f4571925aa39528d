#include "http/wire/exchange.h"

#include <string.h>

#include "http/wire/parse.h"
#include "util/err.h"

struct bytes http_request_field(const struct http_request *r, const char *name)
{
    return http_field_value(r->fields, r->fields_count, name);
}

/* The nth pair of that name, its value decoded into `value`. A broken pair of another name is
 * passed over. */
static int http_query_find(const char *query, const char *name, unsigned nth, struct buf *key,
                           struct buf *value)
{
    struct bytes wanted = { name, strlen(name) };
    unsigned seen = 0;
    for (;;) {
        int err = http_query_next(&query, key, value);
        if (err == ERR_NOT_FOUND || err == ERR_NOMEM)
            return err;
        if (!bytes_equal(buf_bytes(key), wanted))
            continue;
        if (seen == nth)
            return err;
        seen += 1;
    }
}

int http_request_param(const struct http_request *r, const char *name, unsigned nth,
                       struct buf *out)
{
    struct buf key = { 0 };
    struct buf value = { 0 };
    int err = http_query_find(r->query, name, nth, &key, &value);
    if (err == OK) {
        buf_clear(out);
        buf_append(out, value.data, value.len);
        err = out->err;
    }
    buf_deinit(&key);
    buf_deinit(&value);
    return err;
}
