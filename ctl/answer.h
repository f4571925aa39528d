/* answer.h -- the answer to one request, taken apart as it arrives: rows, or a failure.
 *
 * Shape    A good answer (2xx) is any number of lines, each one JSON document (ndjson; a single
 *          document is one line). Each is handed on as soon as it is whole, so memory stays at one
 *          row, however long the list is. Any other status is an error whose body is kept. A
 *          trailer X-Stream-Error with words in it makes the whole answer a failure, though rows
 *          came before it (SPEC 1.8).
 * Limits   ANSWER_ROW_BYTES_MAX a row, ANSWER_ERROR_BYTES_MAX of an error's body; more is cut.
 * Owner    answer_deinit() frees; `failure` is the caller's, so that several answers can share it. */
#ifndef CTL_ANSWER_H
#define CTL_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/failure.h"
#include "util/buf.h"
#include "util/http_field.h"

enum { ANSWER_ROW_BYTES_MAX = 64 * 1024 * 1024, ANSWER_ERROR_BYTES_MAX = 64 * 1024 };

struct answer_sink {
    /* A document, without its newline; it lives until this returns. False: no more, please (the sink
     * has said why, or nobody listens any more). */
    bool (*row)(void *owner, struct bytes row);
    /* All rows that have arrived so far were handed on: a good moment to show them. May be NULL. */
    void (*flush)(void *owner);
    void *owner;
};

struct answer {
    struct answer_sink sink;
    struct failure *failure;
    int status;         /* 0: no head yet */
    struct buf pending; /* the row, or the error's body, that is not whole yet */
    bool is_enough;     /* the sink wants no more */
};

struct answer answer_to(const struct answer_sink *sink, struct failure *failure);
void answer_deinit(struct answer *a);
void answer_on_head(struct answer *a, int status);
/* False: the rest is not wanted; cancel. */
bool answer_on_body(struct answer *a, const void *bytes, size_t len);
void answer_on_trailer(struct answer *a, const struct http_field *fields, size_t count);
/* The answer is complete: what is left is a row, or the error. */
void answer_on_end(struct answer *a);

#endif
