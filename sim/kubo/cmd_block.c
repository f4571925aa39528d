/* block/put, block/get, block/stat. */
#include "sim/kubo/content.h"
#include "sim/kubo/upload.h"

#include <string.h>

#include "util/err.h"
#include "util/json.h"

static void block_put_row(struct buf *json, const struct cid *cid, uint64_t size)
{
    struct json_writer w = json_writer_to(json);
    json_object_begin(&w);
    json_key_string(&w, "Key", cid_print(cid).text);
    json_key_u64(&w, "Size", size);
    json_object_end(&w);
}

/* ---- block/get, block/stat ---- */

struct block_get {
    bool is_parsed;
    struct path path;
};

/* The block, or NULL: it waits, or the error is answered. */
static const struct standin_block *block_find(struct standin_op *op)
{
    struct block_get *g = op->state;
    if (!g->is_parsed && !path_parse(op, op->args[0], &g->path))
        return NULL;
    g->is_parsed = true;
    if (path_go(op, &g->path) != PATH_OK)
        return NULL;
    const struct standin_block *block = standin_look(op->s, &g->path.cid);
    if (block == NULL)
        op_want(op, &g->path.cid);
    return block;
}

static void block_get_step(struct standin_op *op)
{
    const struct standin_block *block = block_find(op);
    if (block == NULL)
        return;
    if (block->data.data == NULL) {
        answer_cannot(op, "the bytes of virtual content");
        return;
    }
    answer_begin_bytes(op, "application/vnd.ipld.raw", -1);
    answer_bytes(op, block->data);
    answer_end(op);
}

static void block_stat_step(struct standin_op *op)
{
    const struct standin_block *block = block_find(op);
    struct buf json = { 0 };
    if (block == NULL)
        return;
    block_put_row(&json, &((struct block_get *)op->state)->path.cid, block->bytes_count);
    answer_document(op, &json);
}

void cmd_block_get(struct standin_op *op)
{
    op->state = op_alloc(op, sizeof(struct block_get));
    op->step = block_get_step;
}

void cmd_block_stat(struct standin_op *op)
{
    op->state = op_alloc(op, sizeof(struct block_get));
    op->step = block_stat_step;
}

/* ---- block/put ---- */

enum { BLOCK_BYTES_MAX = 2 * 1024 * 1024, BLOCK_BIG_BYTES_MAX = 16 * 1024 * 1024 };

struct block_put {
    struct upload upload; /* first */
    int cid_version;
    uint64_t codec;
    bool pins;
    bool may_be_big;
};

static void block_put_release(struct standin_op *op)
{
    upload_release(&((struct block_put *)op->state)->upload);
}

static void block_put_on_file(struct standin_op *op, const struct upload_file *file)
{
    struct block_put *p = op->state;
    struct buf json = { 0 };
    struct cid cid = content_cid(p->cid_version, p->codec, file->data);
    standin_store(op->s, &cid, file->data);
    if (p->pins)
        repo_pin_put(&op->s->repo, &(struct standin_pin){ cid, false, "" });
    block_put_row(&json, &cid, file->data.len);
    answer_line(op, &json);
}

static void block_put_on_too_big(struct standin_op *op)
{
    if (((struct block_put *)op->state)->may_be_big)
        answer_cannot(op, "blocks of more than 16 MiB");
    else
        answer_fail(op, "produced block is over 2MiB: big blocks can't be exchanged with other "
                        "peers. consider using UnixFS for automatic chunking of bigger files, or "
                        "pass --allow-big-block to override");
}

/* The old name of the option, with names of its own. False: answered. */
static bool block_put_read_format(struct standin_op *op, const char *format)
{
    struct block_put *p = op->state;
    bool is_raw = strcmp(format, "raw") == 0;
    bool is_old = strcmp(format, "v0") == 0;
    if (!is_raw && !is_old && strcmp(format, "protobuf") != 0) {
        answer_cannot(op, "this format");
        return false;
    }
    p->codec = is_raw ? CONTENT_RAW : CONTENT_DAG_PB;
    p->cid_version = is_old ? 0 : 1;
    return true;
}

static bool block_put_read_codec(struct standin_op *op)
{
    static const char *const others[] = { "dag-cbor", "dag-json", "cbor", "json", "libp2p-key" };
    struct block_put *p = op->state;
    const char *format = op_text(op, "format", NULL);
    const char *codec = op_text(op, "cid-codec", "raw");
    p->cid_version = 1;
    if (format != NULL && *format != 0)
        return block_put_read_format(op, format);
    p->codec = strcmp(codec, "dag-pb") == 0 ? CONTENT_DAG_PB : CONTENT_RAW;
    if (p->codec == CONTENT_DAG_PB || strcmp(codec, "raw") == 0)
        return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(codec, others[i]) == 0) {
            answer_cannot(op, "this codec");
            return false;
        }
    }
    answer_fail(op, "unknown multicodec: \"%s\"", codec);
    return false;
}

static bool block_put_check_hash(struct standin_op *op)
{
    static const char *const others[] = { "sha1",     "sha2-512",    "sha3-224", "sha3-256",
                                          "sha3-384", "sha3-512",    "blake3",   "blake2b-256",
                                          "identity", "dbl-sha2-256" };
    const char *type = op_text(op, "mhtype", "sha2-256");
    int64_t len = op_number(op, "mhlen", -1);
    bool is_known = strcmp(type, "sha2-256") == 0;
    if (is_known && (len == -1 || len == 32))
        return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        is_known |= strcmp(type, others[i]) == 0;
    if (is_known)
        answer_cannot(op, "hashes other than sha2-256");
    else
        answer_fail(op, "unrecognized multihash function: %s", type);
    return false;
}

void cmd_block_put(struct standin_op *op)
{
    struct block_put *p = op_alloc(op, sizeof *p);
    op->state = p;
    op->release = block_put_release;
    p->pins = op_flag(op, "pin", false);
    p->may_be_big = op_flag(op, "allow-big-block", false);
    p->upload.op = op;
    p->upload.bytes_max = p->may_be_big ? BLOCK_BIG_BYTES_MAX : BLOCK_BYTES_MAX;
    p->upload.needs_lock = p->pins;
    p->upload.on_file = block_put_on_file;
    p->upload.on_end = answer_end;
    p->upload.on_too_big = block_put_on_too_big;
    if (block_put_read_codec(op) && block_put_check_hash(op))
        upload_begin(&p->upload);
}
