/* upload_body.h -- what a scenario's `add` sends: a body of POST /add whose last file is the content.
 *
 * Shape    Three files of padding, so that there is a middle to break off in, then one that holds the content's name and
 *          nothing else. With cid-version=1 that one is a raw leaf, and its CID the hash of the name: the CID that the
 *          content has in a scenario with uploads, whoever pins it how. Of several files it is the last that is pinned.
 * Units    Bytes; the same for a name each time. */
#ifndef SIM_SCRIPT_UPLOAD_BODY_H
#define SIM_SCRIPT_UPLOAD_BODY_H

#include "ids/cid.h"
#include "util/buf.h"

#define UPLOAD_BODY_TYPE "multipart/form-data; boundary=scenario"

void upload_body_put(struct buf *out, struct bytes content);
struct cid upload_body_cid(struct bytes content);

#endif
