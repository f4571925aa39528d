/* add: UnixFS files of one chunk and folders of one block, with Kubo's CIDs. Files are told as they come;
 * the folders of a top-level entry behind it, the deepest first; the wrapping folder last, without a name. */
#include "sim/kubo/content.h"
#include "sim/kubo/upload.h"

#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

enum { ADD_CHUNK_BYTES = 256 * 1024 };

/* One file or folder that was sent, or a folder that a path implies. */
struct add_entry {
    const char *path; /* "d/sub/two.txt" */
    bool is_folder;
    bool is_told;
    struct cid cid;
    uint64_t tree_bytes;
};

struct add {
    struct upload upload; /* first */
    int cid_version;
    bool raw_leaves;
    bool has_progress;
    bool only_hash;
    bool wraps;
    bool pins;
    const char *pin_name;
    struct add_entry *entries;
    size_t count;
    size_t size;
};

static void add_release(struct standin_op *op)
{
    struct add *a = op->state;
    upload_release(&a->upload);
    mem_free(a->entries);
}

/* ---- what the client hears ---- */

static void add_tell(struct standin_op *op, const char *name, const struct add_entry *e)
{
    struct buf json = { 0 }, size = { 0 };
    struct json_writer w = json_writer_to(&json);
    buf_printf(&size, "%llu", (unsigned long long)e->tree_bytes);
    json_object_begin(&w);
    json_key_string(&w, "Name", name);
    json_key_string(&w, "Hash", cid_print(&e->cid).text);
    json_key_string(&w, "Size", buf_text(&size));
    json_object_end(&w);
    answer_line(op, &json);
    buf_deinit(&size);
}

static void add_tell_progress(struct standin_op *op, const struct upload_file *file)
{
    struct buf json = { 0 };
    struct json_writer w = json_writer_to(&json);
    if (!((struct add *)op->state)->has_progress)
        return;
    json_object_begin(&w);
    json_key_string(&w, "Name", file->name);
    if (file->data.len > 0)
        json_key_u64(&w, "Bytes", file->data.len);
    json_object_end(&w);
    answer_line(op, &json);
}

/* ---- entries ---- */

static struct add_entry *add_find(struct add *a, const char *path, size_t len)
{
    for (size_t i = 0; i < a->count; i++) {
        if (strlen(a->entries[i].path) == len && memcmp(a->entries[i].path, path, len) == 0)
            return &a->entries[i];
    }
    return NULL;
}

static struct add_entry *add_entry_new(struct standin_op *op, const char *path, size_t len)
{
    struct add *a = op->state;
    if (a->count == a->size) {
        size_t size = a->size == 0 ? 16 : a->size * 2;
        struct add_entry *entries = mem_realloc(a->entries, size * sizeof *entries);
        if (entries == NULL)
            fatal("the stand-in IPFS daemon is out of memory");
        a->entries = entries;
        a->size = size;
    }
    struct add_entry *e = &a->entries[a->count++];
    *e = (struct add_entry){ .path = op_copy(op, (struct bytes){ path, len }) };
    return e;
}

/* "d/sub/two.txt" implies d and d/sub. */
static void add_implied_folders(struct standin_op *op, const char *path)
{
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        size_t len = (size_t)(slash - path);
        if (add_find(op->state, path, len) == NULL)
            add_entry_new(op, path, len)->is_folder = true;
    }
}

static void add_keep(struct standin_op *op, const struct cid *cid, const struct buf *block)
{
    struct add *a = op->state;
    if (!a->only_hash)
        standin_store(op->s, cid, standin_bytes(block));
}

static void add_make_file(struct standin_op *op, struct add_entry *e, struct bytes data)
{
    struct add *a = op->state;
    struct buf block = { 0 };
    if (a->raw_leaves)
        buf_append(&block, data.data, data.len);
    else
        content_put_file(&block, data);
    e->cid = content_cid(a->raw_leaves ? 1 : a->cid_version,
                         a->raw_leaves ? CONTENT_RAW : CONTENT_DAG_PB, standin_bytes(&block));
    e->tree_bytes = block.len;
    add_keep(op, &e->cid, &block);
    buf_deinit(&block);
}

static bool add_is_child(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    if (len > 0 && (strncmp(path, folder, len) != 0 || path[len] != '/'))
        return false;
    const char *name = path + len + (len > 0);
    return *name != 0 && strchr(name, '/') == NULL;
}

static int add_link_order(const void *a, const void *b)
{
    return bytes_compare(((const struct content_link *)a)->name,
                         ((const struct content_link *)b)->name);
}

/* Makes the folder, after the folders in it. `folder` is "" for the one that wraps all. */
static void add_make_folder(struct standin_op *op, const char *folder, struct add_entry *e)
{
    struct add *a = op->state;
    struct buf block = { 0 };
    struct content_link *links = standin_alloc((a->count + 1) * sizeof *links);
    size_t count = 0, skip = *folder != 0 ? strlen(folder) + 1 : 0;
    for (size_t i = 0; i < a->count; i++) {
        const char *path = a->entries[i].path;
        if (add_is_child(path, folder))
            links[count++].name = (struct bytes){ path + skip, strlen(path + skip) };
    }
    qsort(links, count, sizeof *links, add_link_order);
    for (size_t i = 0; i < count; i++) {
        const char *path = (const char *)links[i].name.data - skip;
        struct add_entry *child = add_find(a, path, strlen(path));
        if (child->is_folder && !child->is_told)
            add_make_folder(op, path, child);
        links[i].cid = child->cid;
        links[i].tree_bytes = child->tree_bytes;
        e->tree_bytes += child->tree_bytes;
    }
    content_put_folder(&block, links, count);
    e->cid = content_cid(a->cid_version, CONTENT_DAG_PB, standin_bytes(&block));
    e->tree_bytes += block.len;
    e->is_told = true;
    add_keep(op, &e->cid, &block);
    add_tell(op, folder, e);
    buf_deinit(&block);
    mem_free(links);
}

static void add_pin(struct standin_op *op, const struct add_entry *e)
{
    struct add *a = op->state;
    if (!a->pins || a->only_hash)
        return;
    repo_pin_put(&op->s->repo, &(struct standin_pin){ e->cid, false, a->pin_name });
    op->s->counts.pins_added += 1;
}

/* What was sent so far is complete up to the next top-level entry. */
static void add_finish_top_level(struct standin_op *op)
{
    struct add *a = op->state;
    for (size_t i = 0; i < a->count; i++) {
        struct add_entry *e = &a->entries[i];
        if (strchr(e->path, '/') != NULL)
            continue;
        if (e->is_folder)
            add_make_folder(op, e->path, e);
        add_pin(op, e);
    }
    a->count = 0;
}

static bool add_is_new_top_level(const struct add *a, const char *path)
{
    size_t len = strcspn(path, "/");
    return a->count > 0 && (strncmp(a->entries[0].path, path, len) != 0 ||
                            (a->entries[0].path[len] != 0 && a->entries[0].path[len] != '/'));
}

static void add_on_file(struct standin_op *op, const struct upload_file *file)
{
    struct add *a = op->state;
    if (!a->wraps && add_is_new_top_level(a, file->name))
        add_finish_top_level(op);
    add_implied_folders(op, file->name);
    struct add_entry *e = add_find(a, file->name, strlen(file->name));
    if (e == NULL)
        e = add_entry_new(op, file->name, strlen(file->name));
    e->is_folder = file->is_folder;
    if (file->is_folder)
        return;
    add_make_file(op, e, file->data);
    if (*e->path == 0) { /* it is named after itself */
        struct cid_text text = cid_print(&e->cid);
        e->path = op_copy(op, (struct bytes){ text.text, strlen(text.text) });
    }
    add_tell_progress(op, file);
    if (op->x != NULL)
        add_tell(op, e->path, e);
}

static void add_on_end(struct standin_op *op)
{
    struct add *a = op->state;
    if (a->wraps) {
        struct add_entry root = { .path = "", .is_folder = true };
        add_make_folder(op, "", &root);
        add_pin(op, &root);
    } else {
        add_finish_top_level(op);
    }
    answer_end(op);
}

static void add_on_too_big(struct standin_op *op)
{
    answer_cannot(op, "files of more than one chunk (262144 bytes)");
}

/* ---- options ---- */

static bool add_check_chunker(struct standin_op *op, struct add *a)
{
    const char *chunker = op_text(op, "chunker", "size-262144");
    char *end;
    if (strncmp(chunker, "rabin", 5) == 0 || strcmp(chunker, "buzhash") == 0) {
        answer_cannot(op, "this chunker");
        return false;
    }
    unsigned long size = strncmp(chunker, "size-", 5) == 0 ? strtoul(chunker + 5, &end, 10) : 0;
    if (size == 0 || *end != 0) {
        answer_fail(op, "unrecognized chunker option: %s", chunker);
        return false;
    }
    a->upload.bytes_max = size < ADD_CHUNK_BYTES ? size : ADD_CHUNK_BYTES;
    return true;
}

static bool add_check_hash(struct standin_op *op)
{
    static const char *const others[] = { "sha2-512", "sha3-256", "sha3-512", "blake2b-256",
                                          "blake3",   "sha1",     "identity", "keccak-256" };
    const char *hash = op_text(op, "hash", "sha2-256");
    if (strcmp(hash, "sha2-256") == 0)
        return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(hash, others[i]) == 0) {
            answer_cannot(op, "hash functions other than sha2-256");
            return false;
        }
    }
    answer_fail(op, "unrecognized hash function: \"%s\"", hash);
    return false;
}

static bool add_check_flags(struct standin_op *op)
{
    static const char *const others[] = { "trickle", "nocopy", "inline" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (op_flag(op, others[i], false)) {
            answer_cannot(op, others[i]);
            return false;
        }
    }
    return true;
}

void cmd_add(struct standin_op *op)
{
    struct add *a = op_alloc(op, sizeof *a);
    int64_t version = op_number(op, "cid-version", 0);
    op->state = a;
    op->release = add_release;
    a->cid_version = version == 1;
    a->raw_leaves = op_flag(op, "raw-leaves", version == 1);
    a->has_progress = op_flag(op, "progress", false);
    a->only_hash = op_flag(op, "only-hash", false);
    a->wraps = op_flag(op, "wrap-with-directory", false);
    a->pins = op_flag(op, "pin", true);
    a->pin_name = op_text(op, "pin-name", "");
    a->upload.op = op;
    a->upload.needs_lock = true;
    a->upload.on_file = add_on_file;
    a->upload.on_end = add_on_end;
    a->upload.on_too_big = add_on_too_big;
    if (version != 0 && version != 1) {
        answer_fail(op, "unknown CID version: %lld", (long long)version);
        return;
    }
    if (add_check_hash(op) && add_check_flags(op) && add_check_chunker(op, a))
        upload_begin(&a->upload);
}
