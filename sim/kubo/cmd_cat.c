/* cat and resolve: content read through a path. */
#include "sim/kubo/content.h"
#include "sim/kubo/standin_int.h"

#include <string.h>

#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

/* ---- cat: the blocks of a file in their order, as fast as the reader reads ---- */

struct cat {
    bool is_parsed;
    struct path path;
    int64_t skip;     /* bytes still before the first that is told */
    int64_t left;     /* bytes still to tell; -1: all */
    struct cid *todo; /* the next block last */
    size_t count;
    size_t size;
};

static void cat_release(struct standin_op *op)
{
    mem_free(((struct cat *)op->state)->todo);
}

static void cat_push(struct cat *c, const struct cid *cid)
{
    if (c->count == c->size) {
        size_t size = c->size == 0 ? 16 : c->size * 2;
        struct cid *todo = mem_realloc(c->todo, size * sizeof *todo);
        if (todo == NULL)
            fatal("the stand-in IPFS daemon is out of memory");
        c->todo = todo;
        c->size = size;
    }
    c->todo[c->count++] = *cid;
}

/* The links become the next blocks, the first of them last in the list. */
static void cat_push_links(struct cat *c, const struct cid *cid, struct bytes block)
{
    struct reader links = content_links(cid, block);
    struct content_link link;
    size_t first = c->count;
    while (content_next_link(&links, &link))
        cat_push(c, &link.cid);
    for (size_t i = first, k = c->count; i + 1 < k; i++) {
        k -= 1;
        struct cid swap = c->todo[i];
        c->todo[i] = c->todo[k];
        c->todo[k] = swap;
    }
}

/* Its part of what was asked for. False: wait for the reader. */
static bool cat_tell(struct standin_op *op, struct bytes data)
{
    struct cat *c = op->state;
    size_t skip = c->skip < (int64_t)data.len ? (size_t)c->skip : data.len;
    size_t len = data.len - skip;
    c->skip -= (int64_t)skip;
    if (c->left >= 0 && (int64_t)len > c->left)
        len = (size_t)c->left;
    if (c->left >= 0)
        c->left -= (int64_t)len;
    return len == 0 || answer_bytes(op, (struct bytes){ (const char *)data.data + skip, len });
}

static void cat_begin(struct standin_op *op, const struct content_file *root)
{
    struct cat *c = op->state;
    int64_t all = (int64_t)root->bytes_count;
    int64_t len = c->skip < all ? all - c->skip : 0;
    if (c->left >= 0 && len > c->left)
        len = c->left;
    answer_begin_bytes(op, "text/plain", len);
}

/* False: it cannot go on now. */
static bool cat_block(struct standin_op *op)
{
    struct cat *c = op->state;
    struct cid cid = c->todo[c->count - 1];
    const struct standin_block *block = standin_look(op->s, &cid);
    if (block == NULL) {
        op_want(op, &cid);
        return false;
    }
    struct content_file file = content_file(&cid, block->data);
    if (block->data.data == NULL) {
        answer_cannot(op, "the bytes of virtual content");
        return false;
    }
    if (file.kind != CONTENT_FILE) {
        answer_fail(op, file.kind == CONTENT_FOLDER ? "this dag node is a directory"
                                                    : "unrecognized object type: 0");
        return false;
    }
    if (!op->answer_begun)
        cat_begin(op, &file);
    c->count -= 1;
    cat_push_links(c, &cid, block->data);
    return cat_tell(op, file.data);
}

static void cat_step(struct standin_op *op)
{
    struct cat *c = op->state;
    if (!op->answer_begun && c->count == 0) {
        if (!c->is_parsed && !path_parse(op, op->args[0], &c->path))
            return;
        c->is_parsed = true;
        if (path_go(op, &c->path) != PATH_OK)
            return;
        cat_push(c, &c->path.cid);
    }
    while (c->count > 0 && c->left != 0) {
        if (!cat_block(op))
            return;
    }
    if (!op->answer_begun)
        answer_begin_bytes(op, "text/plain", 0);
    answer_end(op);
}

void cmd_cat(struct standin_op *op)
{
    struct cat *c = op_alloc(op, sizeof *c);
    op->state = c;
    op->release = cat_release;
    op->step = cat_step;
    c->skip = op_number(op, "offset", 0);
    c->left = op_number(op, "length", -1);
    if (c->skip < 0)
        answer_fail(op, "cannot specify negative offset");
    else if (c->left < 0 && op_text(op, "length", NULL) != NULL)
        answer_fail(op, "cannot specify negative length");
    else if (op->args_count > 1)
        answer_cannot(op, "more than one file in a cat");
}

/* ---- resolve ---- */

struct resolve {
    bool is_parsed;
    struct path path;
};

static void resolve_step(struct standin_op *op)
{
    struct resolve *r = op->state;
    struct buf json = { 0 }, path = { 0 };
    struct json_writer w = json_writer_to(&json);
    if (!r->is_parsed && !path_parse(op, op->args[0], &r->path))
        return;
    r->is_parsed = true;
    if (path_go(op, &r->path) != PATH_OK)
        return;
    buf_printf(&path, "/ipfs/%s", cid_print(&r->path.cid).text);
    json_object_begin(&w);
    json_key_string(&w, "Path", buf_text(&path));
    json_object_end(&w);
    answer_document(op, &json);
    buf_deinit(&path);
}

void cmd_resolve(struct standin_op *op)
{
    op->state = op_alloc(op, sizeof(struct resolve));
    op->step = resolve_step;
}
