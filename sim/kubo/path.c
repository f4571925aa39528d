#include "sim/kubo/standin_int.h"

#include <string.h>

#include "sim/kubo/content.h"
#include "util/err.h"

/* "CID/a/b". */
static bool path_parse_cid(const char *text, struct path *out)
{
    size_t len = strcspn(text, "/");
    if (cid_parse_len(&out->cid, text, len) != OK)
        return false;
    out->rest = text + len + strspn(text + len, "/");
    return true;
}

/* Why go-cid refuses the text of a CID; the common cases. */
static const char *path_cid_trouble(const char *text)
{
    size_t len = strcspn(text, "/");
    if (len < 2)
        return "cid too short";
    if (strchr("079fFvVtTbBcChkKzZmMuUpQ1", text[0]) == NULL)
        return "selected encoding not supported";
    return "not a CID";
}

static bool path_fail_name(struct standin_op *op, const char *name)
{
    size_t len = strcspn(name, "/");
    if (memchr(name, '.', len) != NULL)
        answer_fail(
            op,
            "DNSLink lookup for \"%.*s.\" failed: could not resolve name: DNSLink lookup could "
            "not find a TXT record (https://docs.ipfs.tech/concepts/dnslink/)",
            (int)len, name);
    else
        answer_fail(op, "could not resolve name");
    return false;
}

/* A path in full: "/namespace/root...". */
static bool path_parse_full(struct standin_op *op, const char *text, struct path *out)
{
    const char *name = text + 1;
    size_t name_len = strcspn(name, "/");
    const char *root = name + name_len + strspn(name + name_len, "/");
    if (text[0] != '/' || *root == 0) {
        answer_fail(op, "invalid path \"%s\": path does not have enough components", text);
        return false;
    }
    if (name_len != 4 || (memcmp(name, "ipfs", 4) != 0 && memcmp(name, "ipld", 4) != 0 &&
                          memcmp(name, "ipns", 4) != 0)) {
        answer_fail(op, "invalid path \"%s\": unknown namespace: \"%.*s\"", text, (int)name_len,
                    name);
        return false;
    }
    if (memcmp(name, "ipns", 4) == 0)
        return path_fail_name(op, root);
    if (path_parse_cid(root, out))
        return true;
    answer_fail(op, "invalid path \"%s\": invalid cid: %s", text, path_cid_trouble(root));
    return false;
}

/* Content that we cannot walk must not be taken for a leaf. Listing and unpinning do not walk. */
static bool path_is_beyond_us(const struct standin_op *op, const struct cid *cid)
{
    bool walks =
        strcmp(op->command->path, "pin/ls") != 0 && strcmp(op->command->path, "pin/rm") != 0;
    bool is_known = cid_codec(cid) == CONTENT_RAW || cid_codec(cid) == CONTENT_DAG_PB;
    return walks && (!is_known || content_is_inline(cid));
}

bool path_parse(struct standin_op *op, const char *text, struct path *out)
{
    if (!path_parse_cid(text, out) && !path_parse_full(op, text, out))
        return false;
    if (!path_is_beyond_us(op, &out->cid))
        return true;
    answer_cannot(op, "content other than raw and dag-pb blocks");
    return false;
}

/* Only folders have names in them. Kubo's words for a name below anything else come from the depths of
 * its selectors. */
static enum path_state path_no_link(struct standin_op *op, const struct path *path,
                                    struct bytes block, size_t name_len)
{
    struct reader links = content_links(&path->cid, block);
    struct content_link link;
    if (content_file(&path->cid, block).kind == CONTENT_FOLDER)
        answer_fail(op, "no link named \"%.*s\" under %s", (int)name_len, path->rest,
                    cid_print(&path->cid).text);
    else if (content_next_link(&links, &link))
        answer_fail(op, "func called on wrong kind: \"\" called on a INVALID node, but only makes "
                        "sense on <empty KindSet>");
    else
        answer_fail(op,
                    "func called on wrong kind: \"LookupBySegment\" called on a %s node (kind: "
                    "bytes), but only makes sense on map or list",
                    cid_codec(&path->cid) == CONTENT_RAW ? "bytes" : "data.Bytes");
    return PATH_FAILED;
}

enum path_state path_go(struct standin_op *op, struct path *path)
{
    while (*path->rest != 0) {
        const struct standin_block *block = standin_look(op->s, &path->cid);
        size_t name_len = strcspn(path->rest, "/");
        struct content_link link;
        if (block == NULL)
            return op_want(op, &path->cid) ? PATH_WAITS : PATH_FAILED;
        if (!content_find_link(&path->cid, block->data, (struct bytes){ path->rest, name_len },
                               &link))
            return path_no_link(op, path, block->data, name_len);
        path->cid = link.cid;
        path->rest += name_len + strspn(path->rest + name_len, "/");
    }
    return PATH_OK;
}
