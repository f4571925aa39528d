/* target.h -- the target of a request, path and query, put together so that no value can become
 * more than a value: whatever is not a letter, a digit or one of "-._~" is percent-encoded.
 *
 * Shape    Begin with {0}; path parts first, parameters after them.
 * Owner    target_deinit() frees. Errors stick in text.err, as in every buf. */
#ifndef CTL_TARGET_H
#define CTL_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"

struct target {
    struct buf text;
    bool has_query;
};

/* "/" and the text as one segment. */
void target_segment(struct target *t, const char *text);
/* A path that may have several segments ("/ipfs/CID/a/b"); its slashes stay. */
void target_path(struct target *t, const char *path);
void target_param(struct target *t, const char *key, const char *value);
/* The same with a prefix before the key: "meta-" and what the user wrote. */
void target_param_under(struct target *t, const char *prefix, struct bytes key, const char *value);
void target_param_i64(struct target *t, const char *key, int64_t value);
const char *target_text(struct target *t);
void target_deinit(struct target *t);

#endif
