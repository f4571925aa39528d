/* text.h -- words that came from elsewhere, on their way to a terminal.
 *
 * Why      A pin's name or an error is whatever somebody sent. A control character in it could
 *          move the cursor and paint over lines that tell the truth; so they are shown, not obeyed
 *          ("\x1b"). */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include <stddef.h>

#include "util/buf.h"

enum { TEXT_JSON_INDENT = 4 }; /* of --encoding json, as V1 */

void text_put(struct buf *out, struct bytes text);
/* Line feeds stay: some errors have two lines. */
void text_put_lines(struct buf *out, struct bytes text);
/* As text_put(), with blanks behind it up to `width` characters. */
void text_put_padded(struct buf *out, struct bytes text, size_t width);

#endif
