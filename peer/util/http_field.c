#include "util/http_field.h"

#include <string.h>

static char http_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool http_name_is(struct bytes name, const char *text)
{
    const char *at = name.data;
    for (size_t i = 0; i < name.len; i++) { /* most differ in the first letter */
        if (text[i] == '\0' || http_lower(at[i]) != http_lower(text[i]))
            return false;
    }
    return text[name.len] == '\0';
}

struct bytes http_field_value(const struct http_field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (http_name_is(fields[i].name, name))
            return fields[i].value;
    }
    return (struct bytes){ NULL, 0 };
}

static bool http_is_list_space(char c)
{
    return c == ' ' || c == '\t';
}

bool http_list_has(struct bytes list, const char *word)
{
    if (list.len == 0)
        return false;
    const char *at = list.data;
    const char *end = at + list.len;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma != NULL ? comma : end;
        const char *last = stop;
        while (at < last && http_is_list_space(*at))
            at++;
        while (at < last && http_is_list_space(last[-1]))
            last--;
        if (http_name_is((struct bytes){ at, (size_t)(last - at) }, word))
            return true;
        at = stop + 1;
    }
    return false;
}
