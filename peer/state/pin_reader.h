/* pin_reader.h -- pins out of a text as long as it may be, in little memory: what `state import` reads.
 *
 * Shape    Two forms, told apart by how an object begins; several may follow one another:
 *            V1's export    pin objects (pin_json.h), white space between them, usually one a line
 *            V0's backup    {"PinMap":{"CID":{pin},...},"Version":2}; in version 1 the objects are empty
 *          Bytes are pushed, pins are pulled, as with util/row_file.h.
 * Owner    A pin lies in the arena handed in.
 * Errors   ERR_MORE: push more; at the text's end pin_reader_end() says whether it was whole. ERR_INVALID and
 *          ERR_VERSION (a PinMap of another version) come with words that name the line, and stick. ERR_NOMEM. */
#ifndef STATE_PIN_READER_H
#define STATE_PIN_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "state/pin.h"
#include "util/arena.h"
#include "util/buf.h"

enum { PIN_READER_OBJECT_BYTES = 4 * LIMIT_PIN_BYTES }; /* the longest text of one pin */

struct pin_reader {
    struct buf in; /* pushed, not yet used up: in.data + used .. */
    size_t used;
    /* How far the object at `used` was looked through. */
    size_t seen;
    unsigned depth;
    bool in_string;
    bool is_escaped;
    bool in_map;     /* between the pins of a PinMap */
    struct cid name; /* the key of the object at `used`, in a PinMap */
    uint64_t line;   /* of `used`, from 1 */
    struct buf why;
    int err;
};

void pin_reader_init(struct pin_reader *r);
void pin_reader_deinit(struct pin_reader *r);
void pin_reader_push(struct pin_reader *r, const void *data, size_t len);
int pin_reader_next(struct pin_reader *r, struct arena *arena, struct pin *out);
/* No more bytes will come, and pin_reader_next() said ERR_MORE. OK: nothing is missing. */
int pin_reader_end(struct pin_reader *r);
const char *pin_reader_why(struct pin_reader *r); /* "line 7: ..." */

#endif
