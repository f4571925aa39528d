/* http_field.h -- one header or trailer field, borrowed; names compare without case. */
#ifndef UTIL_HTTP_FIELD_H
#define UTIL_HTTP_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "util/buf.h"

struct http_field {
    struct bytes name;
    struct bytes value;
};

#define HTTP_FIELD(field_name, field_value)                                                        \
    ((struct http_field){ { field_name, sizeof(field_name) - 1 },                                  \
                          { field_value, sizeof(field_value) - 1 } })

/* Equal but for the case of ASCII letters? */
bool http_name_is(struct bytes name, const char *text);
/* The value of the first field of that name; {NULL, 0} when there is none. */
struct bytes http_field_value(const struct http_field *fields, size_t count, const char *name);
/* Does a list ("close, TE") name this word? */
bool http_list_has(struct bytes list, const char *word);

#endif
