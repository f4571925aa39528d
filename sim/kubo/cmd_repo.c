/* repo/stat and repo/gc. */
#include "sim/kubo/content.h"
#include "sim/kubo/standin_int.h"
#include "sim/kubo/walk.h"

#include "util/err.h"
#include "util/json.h"

static uint64_t repo_stat_size(const struct standin *s)
{
    uint64_t max = s->options.storage_max, free_bytes = s->faults.free_bytes;
    if (!s->faults.lies)
        return s->repo.bytes_count;
    return free_bytes < max ? max - free_bytes : 0;
}

void cmd_repo_stat(struct standin_op *op)
{
    struct standin *s = op->s;
    struct buf json = { 0 };
    struct json_writer w = json_writer_to(&json);
    bool size_only = op_flag(op, "size-only", false);
    json_object_begin(&w);
    json_key_u64(&w, "RepoSize", repo_stat_size(s));
    json_key_u64(&w, "StorageMax", s->options.storage_max);
    json_key_u64(&w, "NumObjects", size_only ? 0 : s->repo.nodes_count);
    json_key_string(&w, "RepoPath", size_only ? "" : "/stand-in");
    json_key_string(&w, "Version", size_only ? "" : "fs-repo@18");
    json_object_end(&w);
    answer_document(op, &json);
}

/* ---- repo/gc: marks what the pins reach, then drops the rest ---- */

static bool gc_mark(void *owner, const struct cid *cid, struct repo_block *block)
{
    (void)owner;
    (void)cid;
    block->is_marked = true;
    return true;
}

static void gc_tell_error(struct standin_op *op, const char *text)
{
    struct buf json = { 0 };
    struct json_writer w = json_writer_to(&json);
    json_object_begin(&w);
    json_key_null(&w, "Key");
    json_key_string(&w, "Error", text);
    json_object_end(&w);
    answer_line(op, &json);
}

static void gc_tell_dropped(struct standin_op *op, const struct cid *key)
{
    struct buf json = { 0 };
    struct json_writer w = json_writer_to(&json);
    json_object_begin(&w);
    json_key(&w, "Key");
    json_object_begin(&w);
    json_key_string(&w, "/", cid_print(key).text);
    json_object_end(&w);
    json_object_end(&w);
    answer_line(op, &json);
}

/* Everything that the pins reach is marked in the end. False: a tree has a hole, and nothing may go. A
 * hole is an inner block; leaves are not looked for. */
static bool gc_mark_all(struct repo *repo, struct buf *trouble)
{
    list_for_each (at, &repo->blocks)
        list_entry(at, struct repo_block, link)->is_marked = false;
    list_for_each (at, &repo->pins) {
        const struct standin_pin *pin = &list_entry(at, struct repo_pin, link)->pin;
        struct cid key = content_key(&pin->cid);
        struct repo_block *root = repo_block_find(repo, &key);
        struct walk w;
        if (pin->direct) {
            if (root != NULL)
                root->is_marked = true;
            continue;
        }
        walk_begin(&w, repo, &pin->cid);
        w.visit = gc_mark;
        walk_go(&w);
        for (size_t i = 0; i < w.missing_count && trouble->len == 0; i++) {
            struct cid_text cid = cid_print(&w.missing[i]);
            if (cid_codec(&w.missing[i]) != CONTENT_RAW)
                buf_printf(trouble,
                           "could not retrieve links for %s: block was not found locally "
                           "(offline): ipld: could not find %s",
                           cid.text, cid.text);
        }
        walk_end(&w);
    }
    return trouble->len == 0;
}

static void gc_drop(struct standin_op *op)
{
    struct repo *repo = &op->s->repo;
    bool is_silent = op_flag(op, "silent", false);
    answer_begin_lines(op);
    list_for_each_safe (at, after, &repo->blocks) {
        struct repo_block *block = list_entry(at, struct repo_block, link);
        struct cid key = block->block.key;
        if (block->is_marked)
            continue;
        repo_block_remove(repo, &key);
        if (!is_silent && op->x != NULL)
            gc_tell_dropped(op, &key);
    }
    answer_end(op);
}

static void gc_step(struct standin_op *op)
{
    static const char aborted[] = "garbage collection aborted: could not retrieve some links";
    struct buf trouble = { 0 };
    if (!op_lock_alone(op))
        return;
    if (gc_mark_all(&op->s->repo, &trouble)) {
        gc_drop(op);
    } else if (op_flag(op, "stream-errors", false)) {
        gc_tell_error(op, buf_text(&trouble));
        gc_tell_error(op, aborted);
        answer_fail(op, "encountered errors during gc run");
    } else {
        answer_fail(op, "%s; %s", buf_text(&trouble), aborted);
    }
    buf_deinit(&trouble);
}

void cmd_repo_gc(struct standin_op *op)
{
    op->step = gc_step;
}

bool standin_collect(struct standin *s)
{
    struct buf trouble = { 0 };
    bool may = s->lock_holders == 0 && s->collector == NULL && gc_mark_all(&s->repo, &trouble);
    buf_deinit(&trouble);
    list_for_each_safe (at, after, &s->repo.blocks) {
        struct repo_block *block = list_entry(at, struct repo_block, link);
        struct cid key = block->block.key;
        if (may && !block->is_marked)
            repo_block_remove(&s->repo, &key);
    }
    return may;
}
