/* json.h -- a writer that appends to a buf, and a reader that walks one document in place.
 *
 * Shape    Writer: begin/end, keys and values in order; it places the commas inside containers.
 *          Compact, `<>&` escaped as Go and Kubo do, bytes that are no UTF-8 become U+FFFD. Reader:
 *          the text is cut into tokens once (struct json_doc); a value is a token's number, 0 is
 *          the root, JSON_NONE is "not there", and every accessor takes JSON_NONE calmly, so
 *          look-ups can be chained.
 * Units    Numbers are kept as text: 64-bit integers stay exact.
 * Owner    The doc borrows the text, which must outlive it. json_doc_deinit() frees the tokens.
 * Errors   json_parse: ERR_INVALID (with doc->error_at), ERR_TOO_BIG beyond JSON_TOKENS_MAX,
 *          ERR_NOMEM. Strict RFC 8259: one value, nothing behind it but white space, depth <=
 *          JSON_DEPTH_MAX, valid UTF-8. Half a surrogate pair is read as U+FFFD, as Go does. */
#ifndef UTIL_JSON_H
#define UTIL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "util/buf.h"

enum { JSON_DEPTH_MAX = 64, JSON_TOKENS_MAX = 1 << 20, JSON_NONE = -1 };

struct json_writer {
    struct buf *out; /* its err tells whether all went well */
    uint64_t comma;  /* one bit a level: a value stands before this place */
    int depth;
};

static inline struct json_writer json_writer_to(struct buf *out)
{
    return (struct json_writer){ out, 0, 0 };
}

void json_object_begin(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array_begin(struct json_writer *w);
void json_array_end(struct json_writer *w);
void json_key_len(struct json_writer *w, const char *key, size_t len);
static inline void json_key(struct json_writer *w, const char *key)
{
    json_key_len(w, key, strlen(key)); /* here, where a compiler knows how long most of them are */
}
void json_string(struct json_writer *w, const char *text); /* NULL writes null */
void json_string_len(struct json_writer *w, const char *text, size_t len);
/* A string that is made in its place, of at most `size` bytes that need no escape: room for it, or NULL; then
 * json_text_end() with its length. */
char *json_text_begin(struct json_writer *w, size_t size);
void json_text_end(struct json_writer *w, size_t len);
void json_i64(struct json_writer *w, int64_t value);
void json_u64(struct json_writer *w, uint64_t value);
void json_bool(struct json_writer *w, bool value);
void json_null(struct json_writer *w);
void json_raw(struct json_writer *w, const char *text, size_t len); /* a ready value */
/* Key and value at once. */
void json_key_string(struct json_writer *w, const char *key, const char *text);
void json_key_i64(struct json_writer *w, const char *key, int64_t value);
void json_key_u64(struct json_writer *w, const char *key, uint64_t value);
void json_key_bool(struct json_writer *w, const char *key, bool value);
void json_key_null(struct json_writer *w, const char *key);
/* A document, compact or not, laid out for people: `width` spaces a level, empty containers on one
 * line, no newline at the end. The text must be valid JSON. */
void json_indent(struct buf *out, const char *text, size_t len, unsigned width);

enum json_kind {
    JSON_NOTHING, /* the kind of JSON_NONE */
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json_token {
    enum json_kind kind;
    uint32_t start; /* of the value's text; inside the quotes for a string */
    uint32_t end;
    int32_t next;  /* the sibling behind this one, or JSON_NONE */
    int32_t child; /* first element; for an object the first key, whose child is its value */
};

struct json_doc {
    const char *text;
    struct json_token *tokens;
    size_t count;
    size_t size;
    size_t error_at; /* offset, after ERR_INVALID */
};

int json_parse(struct json_doc *doc, const char *text, size_t len);
void json_doc_deinit(struct json_doc *doc);

enum json_kind json_kind(const struct json_doc *doc, int value);
/* The member of that exact name (the last, if it stands twice), or JSON_NONE. */
int json_member(const struct json_doc *doc, int object, const char *key);
/* Walk: first element of an array or first key of an object, then the next; JSON_NONE at the end.
 */
int json_first(const struct json_doc *doc, int container);
int json_next(const struct json_doc *doc, int element);
int json_value_of(const struct json_doc *doc, int key); /* the value behind an object's key */
size_t json_count(const struct json_doc *doc, int container);
/* The text of a string (or key), unescaped, appended to `out`. ERR_INVALID when the value is no
 * string. */
int json_text(const struct json_doc *doc, int value, struct buf *out);
/* The same into `out`, NUL-terminated; ERR_TOO_BIG when it does not fit or holds a NUL. */
int json_text_into(const struct json_doc *doc, int value, char *out, size_t size);
bool json_text_is(const struct json_doc *doc, int value, const char *text);
/* Integers only; ERR_INVALID for fractions, exponents, other kinds, and out of range. */
int json_get_i64(const struct json_doc *doc, int value, int64_t *out);
int json_get_u64(const struct json_doc *doc, int value, uint64_t *out);
int json_get_bool(const struct json_doc *doc, int value, bool *out);

#endif
