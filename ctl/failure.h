/* failure.h -- why a request did not bring what was asked for, in words for a person and for a
 * script.
 *
 * Shape    `code` is the HTTP status that the peer answered with, or 0 when there was no answer, or
 *          none that could be used; `message` is the peer's words, or ours. V1's two forms of it go to
 *          stdout, where scripts look for them; what to do next goes to stderr.
 * Owner    failure_deinit() frees the message. {0} is "nothing went wrong". */
#ifndef CTL_FAILURE_H
#define CTL_FAILURE_H

#include <stdbool.h>

#include "util/buf.h"

struct failure {
    bool happened;
    int code;
    int err; /* of util/err.h, when code is 0 */
    struct buf message;
};

void failure_deinit(struct failure *f);
/* The first one stays. */
void failure_set(struct failure *f, int code, int err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* An error document of the peer ({"code","message"}), or whatever else stands in the body. */
void failure_set_answer(struct failure *f, int status, struct bytes body);
/* "An error occurred:" and so on, or the JSON document. */
void failure_print(const struct failure *f, bool as_json, struct buf *out);
/* What to do next; "" when the message says it all. */
const char *failure_advice(const struct failure *f);
/* enum ctl_exit */
int failure_exit_code(const struct failure *f);

#endif
