/* peer_resolve.c -- a path that only the IPFS daemon can follow ("/ipns/name", "/ipfs/CID/a/b"), to its CID. */
#include "peer_resolve.h"

#include <string.h>

#include "ipfs/kubo_request.h"
#include "peer_ask.h"
#include "peer_int.h"
#include "util/err.h"

/* "/ipfs/CID" */
static void resolve_on_row(void *owner, const struct kubo_row *row)
{
    static const char front[] = "/ipfs/";
    struct api_resolve *r = owner;
    size_t front_len = sizeof(front) - 1;
    if (row->kind == KUBO_ROW_TEXT && row->text.len > front_len &&
        memcmp(row->text.data, front, front_len) == 0)
        (void)cid_parse_len(&r->cid, (const char *)row->text.data + front_len,
                            row->text.len - front_len);
}

static void resolve_done(void *owner, int err, const char *text)
{
    struct api_resolve *r = owner;
    r->pending = NULL;
    if (err == OK && cid_is_undefined(&r->cid)) {
        err = ERR_REFUSED;
        text = "the path does not lead to a CID";
    }
    r->done(r, err, text);
}

int peer_resolve(void *impl, struct api_resolve *r)
{
    struct peer *p = impl;
    struct peer_ask *ask = peer_ask_new(p, KUBO_RESOLVE, resolve_on_row, resolve_done, r);
    if (ask == NULL)
        return ERR_NOMEM;
    r->cid = (struct cid){ 0 };
    kubo_request_resolve(&ask->target, r->path);
    r->pending = ask;
    int err = peer_ask_start(ask, p->options.ipfs_request_timeout_us);
    if (err != OK)
        r->pending = NULL;
    return err;
}

void peer_resolve_forget(void *impl, struct api_resolve *r)
{
    (void)impl;
    peer_ask_forget(r->pending);
    r->pending = NULL;
}
