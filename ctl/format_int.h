/* format_int.h -- pieces that the formats are made of. This folder only. */
#ifndef CTL_FORMAT_INT_H
#define CTL_FORMAT_INT_H

#include "ctl/format.h"

/* The text of a string; nothing for any other value. */
void format_text(const struct format *f, const struct json_doc *doc, int value);
void format_member(const struct format *f, const struct json_doc *doc, int object, const char *key);
/* The member `error`: some have two lines. */
void format_error(const struct format *f, const struct json_doc *doc, int object);
/* In capitals: "pin_error" is shown as PIN_ERROR. */
void format_capitals(const struct format *f, const struct json_doc *doc, int value);
int64_t format_i64(const struct json_doc *doc, int object, const char *key);
bool format_has_text(const struct json_doc *doc, int object, const char *key);

/* " | down: " and why: how the others take a peer, unless they say nothing of it. */
void format_standing(const struct format *f, const struct json_doc *doc, int object);

/* The elements of an array, or the keys of an object, by their text. The caller frees `values`. */
struct format_list {
    int *values;
    size_t count;
};
struct format_list format_sort(const struct format *f, const struct json_doc *doc, int container);
/* "    - " and the text of each element, sorted. */
void format_lines(const struct format *f, const struct json_doc *doc, int array);

#endif
