/* http_field.h -- one header or trailer field, borrowed; names compare without case. */
#ifndef UTIL_HTTP_FIELD_H
#define UTIL_HTTP_FIELD_H

#include "util/buf.h"

struct http_field {
    struct bytes name;
    struct bytes value;
};

#define HTTP_FIELD(field_name, field_value)                                                        \
    ((struct http_field){{field_name, sizeof(field_name) - 1},                                     \
                         {field_value, sizeof(field_value) - 1}})

#endif
