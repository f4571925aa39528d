/* pin/rm and pin/update. */
#include "sim/kubo/standin_int.h"
#include "sim/kubo/walk.h"

#include "util/json.h"

static void pin_tell(struct standin_op *op, const struct cid *cids, size_t count)
{
    struct buf json = { 0 };
    struct json_writer w = json_writer_to(&json);
    json_object_begin(&w);
    json_key(&w, "Pins");
    json_array_begin(&w);
    for (size_t i = 0; i < count; i++)
        json_string(&w, cid_print(&cids[i]).text);
    json_array_end(&w);
    json_object_end(&w);
    answer_document(op, &json);
}

/* ---- pin/rm ---- */

struct pin_rm {
    size_t at;
    bool is_parsed;
    struct path path;
    struct cid *removed;
};

static bool pin_rm_one(struct standin_op *op, const struct cid *cid)
{
    const struct repo_pin *pin = repo_pin_find(&op->s->repo, cid);
    if (pin == NULL) {
        answer_fail(op, "not pinned or pinned indirectly");
        return false;
    }
    if (!pin->pin.direct && !op_flag(op, "recursive", true)) {
        answer_fail(op, "%s is pinned recursively", cid_print(cid).text);
        return false;
    }
    repo_pin_remove(&op->s->repo, cid);
    op->s->counts.pins_removed += 1;
    return true;
}

/* Arguments before a bad one stay unpinned. */
static void pin_rm_step(struct standin_op *op)
{
    struct pin_rm *rm = op->state;
    for (; rm->at < op->args_count; rm->at++, rm->is_parsed = false) {
        if (!rm->is_parsed && !path_parse(op, op->args[rm->at], &rm->path))
            return;
        rm->is_parsed = true;
        if (path_go(op, &rm->path) != PATH_OK || !op_lock(op) || !pin_rm_one(op, &rm->path.cid))
            return;
        rm->removed[rm->at] = rm->path.cid;
    }
    pin_tell(op, rm->removed, op->args_count);
}

void cmd_pin_rm(struct standin_op *op)
{
    struct pin_rm *rm = op_alloc(op, sizeof *rm);
    rm->removed = op_alloc(op, op->args_count * sizeof *rm->removed);
    op->state = rm;
    op->step = pin_rm_step;
}

/* ---- pin/update ---- */

struct pin_update {
    struct path from;
    struct path to;
    bool is_parsed;
    bool walks;
    struct walk walk;
};

static void pin_update_release(struct standin_op *op)
{
    struct pin_update *u = op->state;
    if (u->walks)
        walk_end(&u->walk);
}

static bool pin_is_recursive(struct standin_op *op, const struct cid *cid)
{
    const struct repo_pin *pin = repo_pin_find(&op->s->repo, cid);
    return pin != NULL && !pin->pin.direct;
}

/* The name moves along. */
static void pin_update_finish(struct standin_op *op)
{
    struct pin_update *u = op->state;
    struct cid cids[] = { u->from.cid, u->to.cid };
    const struct repo_pin *from = repo_pin_find(&op->s->repo, &u->from.cid);
    repo_pin_put(&op->s->repo, &(struct standin_pin){ u->to.cid, false, from->pin.name });
    op->s->counts.pins_added += 1;
    if (op_flag(op, "unpin", true) && !cid_equal(&u->from.cid, &u->to.cid)) {
        repo_pin_remove(&op->s->repo, &u->from.cid);
        op->s->counts.pins_removed += 1;
    }
    pin_tell(op, cids, 2);
}

/* True once all of `to` is here. */
static bool pin_update_fetch(struct standin_op *op)
{
    struct pin_update *u = op->state;
    if (!u->walks) {
        struct buf prefix = { 0 };
        buf_printf(&prefix, "get %s: ", cid_print(&u->to.cid).text);
        op->error_prefix = op_copy(op, standin_bytes(&prefix));
        buf_deinit(&prefix);
        walk_begin(&u->walk, &op->s->repo, &u->to.cid);
        u->walks = true;
    }
    walk_go(&u->walk);
    for (size_t i = 0; i < u->walk.missing_count; i++) {
        if (!op_want(op, &u->walk.missing[i]))
            return false;
    }
    return u->walk.missing_count == 0;
}

static void pin_update_step(struct standin_op *op)
{
    struct pin_update *u = op->state;
    if (!u->is_parsed &&
        (!path_parse(op, op->args[0], &u->from) || !path_parse(op, op->args[1], &u->to)))
        return;
    u->is_parsed = true;
    if (path_go(op, &u->from) != PATH_OK || path_go(op, &u->to) != PATH_OK || !op_lock(op))
        return;
    if (!pin_is_recursive(op, &u->from.cid))
        answer_fail(op, "'from' cid was not recursively pinned already");
    else if (!cid_equal(&u->from.cid, &u->to.cid) && pin_is_recursive(op, &u->to.cid))
        answer_fail(op, "'to' cid was already recursively pinned");
    else if (pin_update_fetch(op))
        pin_update_finish(op);
}

void cmd_pin_update(struct standin_op *op)
{
    struct pin_update *u = op_alloc(op, sizeof *u);
    op->state = u;
    op->release = pin_update_release;
    op->step = pin_update_step;
}
