/* pin/add: for each argument find the root, take the collector's lock, fetch the tree, pin. With
 * progress a line comes every half second, moved or not; without, nothing at all before the end. */
#include "sim/kubo/standin_int.h"
#include "sim/kubo/walk.h"

#include <string.h>

#include "util/json.h"

#define PROGRESS_EVERY_US (500u * 1000)

enum { PIN_NAME_BYTES_MAX = 255 };

enum pin_add_phase { PIN_ADD_ARGUMENT, PIN_ADD_PATH, PIN_ADD_ROOT, PIN_ADD_LOCK, PIN_ADD_TREE };

struct pin_add {
    enum pin_add_phase phase;
    size_t at; /* the argument at work */
    struct path path;
    bool walks; /* the walk was begun */
    struct walk walk;
    uint64_t nodes_done; /* of earlier arguments */
    uint64_t bytes_done;
    uint64_t next_line_us;
    bool has_progress;
    bool is_direct;
    const char *name;
    struct cid *pinned;
};

static void pin_add_release(struct standin_op *op)
{
    struct pin_add *p = op->state;
    if (p->walks)
        walk_end(&p->walk);
}

/* ---- what the client hears ---- */

static void pin_add_line(struct standin_op *op, uint64_t nodes, uint64_t bytes)
{
    struct buf json = { 0 };
    struct json_writer w = json_writer_to(&json);
    json_object_begin(&w);
    if (nodes > 0)
        json_key_u64(&w, "Progress", nodes);
    if (bytes > 0)
        json_key_u64(&w, "Bytes", bytes);
    json_object_end(&w);
    answer_line(op, &json);
}

static void pin_add_tell_progress(struct standin_op *op)
{
    struct pin_add *p = op->state;
    uint64_t now_us = standin_now(op->s);
    if (!p->has_progress)
        return;
    if (now_us >= p->next_line_us) {
        uint64_t nodes = p->nodes_done, bytes = p->bytes_done;
        if (p->walks) {
            nodes += p->walk.nodes_count;
            bytes += p->walk.bytes_count;
        }
        op_wanted_progress(op, &nodes, &bytes);
        pin_add_line(op, nodes, bytes);
        p->next_line_us += PROGRESS_EVERY_US;
    }
    op_wake_at(op, p->next_line_us);
}

static void pin_add_finish(struct standin_op *op)
{
    struct pin_add *p = op->state;
    struct buf json = { 0 };
    struct json_writer w = json_writer_to(&json);
    json_object_begin(&w);
    json_key(&w, "Pins");
    json_array_begin(&w);
    for (size_t i = 0; i < op->args_count; i++)
        json_string(&w, cid_print(&p->pinned[i]).text);
    json_array_end(&w);
    json_object_end(&w);
    if (!p->has_progress) {
        answer_document(op, &json);
        return;
    }
    if (p->nodes_done > 0)
        pin_add_line(op, p->nodes_done, p->bytes_done);
    answer_line(op, &json);
    answer_end(op);
}

/* ---- the phases: each says whether the next may begin ---- */

static bool pin_add_find_root(struct standin_op *op)
{
    struct pin_add *p = op->state;
    if (standin_look(op->s, &p->path.cid) == NULL) {
        op_want(op, &p->path.cid);
        return false;
    }
    return true;
}

static bool pin_add_begin_tree(struct standin_op *op)
{
    struct pin_add *p = op->state;
    if (!op_lock(op))
        return false;
    const struct repo_pin *old = repo_pin_find(&op->s->repo, &p->path.cid);
    if (p->is_direct && old != NULL && !old->pin.direct) {
        answer_fail(op, "pin: %s already pinned recursively", cid_print(&p->path.cid).text);
        return false;
    }
    walk_begin(&p->walk, &op->s->repo, &p->path.cid);
    p->walks = true;
    if (p->has_progress)
        op->error_prefix = ""; /* as Kubo has it, from here on */
    return true;
}

static bool pin_add_go_tree(struct standin_op *op)
{
    struct pin_add *p = op->state;
    if (p->is_direct) /* its one block counts as no progress */
        return pin_add_find_root(op);
    walk_go(&p->walk);
    for (size_t i = 0; i < p->walk.missing_count; i++) {
        if (!op_want(op, &p->walk.missing[i]))
            return false;
    }
    return p->walk.missing_count == 0;
}

static void pin_add_pin(struct standin_op *op)
{
    struct pin_add *p = op->state;
    p->nodes_done += p->walk.nodes_count;
    p->bytes_done += p->walk.bytes_count;
    walk_end(&p->walk);
    p->walks = false;
    repo_pin_put(&op->s->repo, &(struct standin_pin){ p->path.cid, p->is_direct, p->name });
    op->s->counts.pins_added += 1;
    p->pinned[p->at] = p->path.cid;
    op_unlock(op);
    op->error_prefix = "pin: ";
}

static void pin_add_step(struct standin_op *op)
{
    struct pin_add *p = op->state;
    for (;;) {
        switch (p->phase) {
        case PIN_ADD_ARGUMENT:
            if (p->at == op->args_count) {
                pin_add_finish(op);
                return;
            }
            if (!path_parse(op, op->args[p->at], &p->path))
                return;
            p->phase = PIN_ADD_PATH;
            break;
        case PIN_ADD_PATH:
            if (path_go(op, &p->path) != PATH_OK)
                goto wait;
            p->phase = PIN_ADD_ROOT;
            break;
        case PIN_ADD_ROOT:
            if (!pin_add_find_root(op))
                goto wait;
            p->phase = PIN_ADD_LOCK;
            break;
        case PIN_ADD_LOCK:
            if (!pin_add_begin_tree(op))
                goto wait;
            p->phase = PIN_ADD_TREE;
            break;
        case PIN_ADD_TREE:
            if (!pin_add_go_tree(op))
                goto wait;
            pin_add_pin(op);
            p->at += 1;
            p->phase = PIN_ADD_ARGUMENT;
            break;
        }
    }
wait:
    if (op->x != NULL)
        pin_add_tell_progress(op);
}

void cmd_pin_add(struct standin_op *op)
{
    struct pin_add *p = op_alloc(op, sizeof *p);
    p->has_progress = op_flag(op, "progress", false);
    p->is_direct = !op_flag(op, "recursive", true);
    p->name = op_text(op, "name", "");
    p->next_line_us = standin_now(op->s) + PROGRESS_EVERY_US;
    p->pinned = op_alloc(op, op->args_count * sizeof *p->pinned);
    op->state = p;
    op->release = pin_add_release;
    op->step = pin_add_step;
    op->error_prefix = "pin: ";
    if (strlen(p->name) > PIN_NAME_BYTES_MAX)
        answer_fail(op, "pin name is %zu bytes (max 255 bytes)", strlen(p->name));
}
