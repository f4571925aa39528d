/* utf8.h -- one code point at a time, strictly: no overlong forms, no surrogates, none above
 * U+10FFFF. */
#ifndef UTIL_UTF8_H
#define UTIL_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* How many bytes the code point at `text` takes (1 to 4), or 0 when they are no UTF-8. len > 0. */
size_t utf8_decode(uint32_t *out, const char *text, size_t len);
/* Writes up to 4 bytes and returns how many; `code` is a code point that utf8_decode could give. */
size_t utf8_encode(char out[4], uint32_t code);

#endif
