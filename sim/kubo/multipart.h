/* multipart.h -- the parts of a multipart/form-data body, as the bytes arrive.
 *
 * Shape    For each part: on_part, any number of on_data, on_part_end. A hook that returns false ends the
 *          reading: nothing more is told.
 * Owner    What a hook gets lives until it returns.
 * Errors   multipart_begin: ERR_INVALID when the type names no boundary. multipart_end: ERR_CLOSED when the
 *          closing line never came (a part cut short was told as far as it came).
 * Source   RFC 2046 5.1, RFC 7578; header blocks of MULTIPART_HEAD_BYTES_MAX. */
#ifndef SIM_KUBO_MULTIPART_H
#define SIM_KUBO_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "util/buf.h"

enum { MULTIPART_HEAD_BYTES_MAX = 8192 };

struct multipart_part {
    struct bytes file_name; /* still percent-encoded; {NULL, 0} without one */
    struct bytes type;      /* "application/x-directory" */
};

struct multipart_hooks {
    bool (*on_part)(void *owner, const struct multipart_part *part);
    bool (*on_data)(void *owner, struct bytes data);
    bool (*on_part_end)(void *owner);
    void *owner;
};

enum multipart_at {
    MULTIPART_PREAMBLE,
    MULTIPART_HEAD,
    MULTIPART_DATA,
    MULTIPART_CLOSED,
    MULTIPART_STOPPED /* by a hook, or broken */
};

struct multipart {
    struct multipart_hooks hooks;
    enum multipart_at at;
    struct buf delimiter; /* "\r\n--boundary" */
    struct buf held;      /* what may still turn out to be a delimiter or a head */
    size_t parts_count;
};

int multipart_begin(struct multipart *m, struct bytes content_type,
                    const struct multipart_hooks *hooks);
void multipart_feed(struct multipart *m, struct bytes bytes);
int multipart_end(struct multipart *m);
void multipart_deinit(struct multipart *m);

#endif
