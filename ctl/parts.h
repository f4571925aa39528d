/* parts.h -- files and folders as the body of POST /add: multipart/form-data, as IPFS daemons take it, made while it is
 * sent.
 *
 * Shape    parts_open() looks at the paths; parts_read() gives the body, piece by piece. Each file is a part, each folder
 *          one without content in front of what is in it, names in order. "-" is stdin, a file without a name.
 * Memory   The names of the folders on the way to the present file.
 * Owner    The paths are borrowed; parts_close() frees the rest.
 * Errors   parts_open(): ERR_INVALID, ERR_NOT_FOUND, ERR_NOMEM, with V1's words in `why`. What goes wrong later ends the
 *          body before its last boundary, so that the peer refuses it: parts_err(), parts_why(). */
#ifndef CTL_PARTS_H
#define CTL_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

struct parts_options {
    const char *const *paths;
    size_t count;
    bool recursive; /* folders may be named */
    bool hidden;    /* what is in a folder and begins with a dot goes, too */
};

struct parts;

int parts_open(struct parts **out, const struct parts_options *options, struct buf *why);
void parts_close(struct parts *p);
/* From the beginning, for another host. False: stdin cannot be read twice. */
bool parts_rewind(struct parts *p);
size_t parts_read(struct parts *p, void *into, size_t size); /* 0: that was all */
const char *parts_content_type(const struct parts *p);
uint64_t parts_content_sent(const struct parts *p); /* of files, without what is around them */
/* All that will be sent; walks through the folders. 0: not known (stdin). */
uint64_t parts_content_len(const struct parts *p);
int parts_err(const struct parts *p);
const char *parts_why(const struct parts *p);

#endif
