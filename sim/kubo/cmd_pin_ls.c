/* pin/ls: rows are gathered at once, as copies, and told as fast as the reader reads. Direct and
 * recursive pins are in the repository; indirect ones are found by walking every tree, and a tree
 * with a hole makes the listing fail behind the rows that were found. */
#include "sim/kubo/content.h"
#include "sim/kubo/standin_int.h"
#include "sim/kubo/walk.h"

#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

enum { LS_RECURSIVE = 1, LS_DIRECT = 2, LS_INDIRECT = 4, LS_ALL = 7 };

struct ls_row {
    struct cid cid;
    const char *name;
    const char *type; /* "recursive", "indirect through CID" */
    char *text;       /* the CID, for the form that is sorted by it; or NULL */
};

struct ls {
    int types;
    bool is_stream;
    bool tells_names;
    const char *name_part; /* only pins whose name has it; or NULL */
    struct ls_row *rows;
    size_t count;
    size_t size;
    size_t told;
    size_t arg; /* the argument at work */
    bool is_path_parsed;
    struct path path;
    bool is_gathered;
    char *trouble; /* the error behind the rows; or NULL */
};

static void ls_release(struct standin_op *op)
{
    mem_free(((struct ls *)op->state)->rows);
}

/* ---- gathering ---- */

static void ls_add(struct standin_op *op, const struct cid *cid, const char *name, const char *type)
{
    struct ls *ls = op->state;
    if (ls->count == ls->size) {
        size_t size = ls->size == 0 ? 64 : ls->size * 2;
        struct ls_row *rows = mem_realloc(ls->rows, size * sizeof *rows);
        if (rows == NULL)
            fatal("the stand-in IPFS daemon is out of memory");
        ls->rows = rows;
        ls->size = size;
    }
    const char *copy = *name != 0 ? op_copy(op, (struct bytes){ name, strlen(name) }) : "";
    ls->rows[ls->count++] = (struct ls_row){ *cid, copy, type, NULL };
}

static bool ls_name_fits(const struct ls *ls, const char *name)
{
    return ls->name_part == NULL || strstr(name, ls->name_part) != NULL;
}

static void ls_add_pins(struct standin_op *op, bool direct)
{
    struct ls *ls = op->state;
    size_t count;
    const struct standin_pin **pins = repo_pins_sorted(&op->s->repo, direct, &count);
    for (size_t i = 0; i < count; i++) {
        if (ls_name_fits(ls, pins[i]->name))
            ls_add(op, &pins[i]->cid, pins[i]->name, direct ? "direct" : "recursive");
    }
    mem_free(pins);
}

/* What a walk did not find. Kubo looks for links only: a lost leaf goes unseen, a lost inner block is
 * trouble. */
static void ls_look_for_holes(struct standin_op *op, const struct walk *w)
{
    struct ls *ls = op->state;
    for (size_t i = 0; i < w->missing_count && ls->trouble == NULL; i++) {
        struct buf text = { 0 };
        if (cid_codec(&w->missing[i]) == CONTENT_RAW)
            continue;
        buf_printf(&text, "block was not found locally (offline): ipld: could not find %s",
                   cid_print(&w->missing[i]).text);
        ls->trouble = op_copy(op, standin_bytes(&text));
        buf_deinit(&text);
    }
}

static bool ls_visit_indirect(void *owner, const struct cid *cid, struct repo_block *block)
{
    struct standin_op *op = owner;
    (void)block;
    if (repo_pin_find(&op->s->repo, cid) == NULL)
        ls_add(op, cid, "", "indirect");
    return true;
}

static void ls_add_indirect(struct standin_op *op)
{
    size_t count;
    const struct standin_pin **roots = repo_pins_sorted(&op->s->repo, false, &count);
    if (count > 0) {
        struct walk w;
        walk_begin(&w, &op->s->repo, &roots[count - 1]->cid);
        for (size_t i = count - 1; i-- > 0;)
            walk_add(&w, &roots[i]->cid); /* the first on top of the stack */
        w.visit = ls_visit_indirect;
        w.owner = op;
        walk_go(&w);
        for (size_t i = 0; i < w.missing_count; i++)
            ls_visit_indirect(op, &w.missing[i], NULL); /* named by a link, here or not */
        ls_look_for_holes(op, &w);
        walk_end(&w);
    }
    mem_free(roots);
}

static void ls_gather_all(struct standin_op *op)
{
    struct ls *ls = op->state;
    if (ls->types & LS_RECURSIVE)
        ls_add_pins(op, false);
    if (ls->types & LS_DIRECT)
        ls_add_pins(op, true);
    if ((ls->types & LS_INDIRECT) && ls->name_part == NULL)
        ls_add_indirect(op);
}

struct ls_search {
    const struct cid *cid;
    bool is_found;
};

static bool ls_visit_search(void *owner, const struct cid *cid, struct repo_block *block)
{
    struct ls_search *search = owner;
    (void)block;
    search->is_found = cid_equal(cid, search->cid);
    return !search->is_found;
}

/* In which tree is it? False: in none, or a tree has a hole. */
static bool ls_find_indirect(struct standin_op *op, const struct cid *cid)
{
    struct ls *ls = op->state;
    size_t count;
    struct ls_search search = { cid, false };
    const struct standin_pin **roots = repo_pins_sorted(&op->s->repo, false, &count);
    for (size_t i = 0; i < count && !search.is_found && ls->trouble == NULL; i++) {
        struct walk w;
        walk_begin(&w, &op->s->repo, &roots[i]->cid);
        w.visit = ls_visit_search;
        w.owner = &search;
        walk_go(&w);
        for (size_t k = 0; k < w.missing_count && !search.is_found; k++)
            ls_visit_search(&search, &w.missing[k], NULL);
        if (search.is_found) {
            struct buf type = { 0 };
            buf_printf(&type, "indirect through %s", cid_print(&roots[i]->cid).text);
            ls_add(op, cid, "", op_copy(op, standin_bytes(&type)));
            buf_deinit(&type);
        } else {
            ls_look_for_holes(op, &w);
        }
        walk_end(&w);
    }
    mem_free(roots);
    return search.is_found;
}

static bool ls_gather_one(struct standin_op *op, const struct cid *cid)
{
    struct ls *ls = op->state;
    const struct repo_pin *pin = repo_pin_find(&op->s->repo, cid);
    int type = pin == NULL ? 0 : pin->pin.direct ? LS_DIRECT : LS_RECURSIVE;
    if (type & ls->types) {
        ls_add(op, cid, pin->pin.name, type == LS_DIRECT ? "direct" : "recursive");
        return true;
    }
    return (ls->types & LS_INDIRECT) && ls_find_indirect(op, cid);
}

/* False: waits, or an argument was bad and ls->trouble says so. */
static bool ls_gather_args(struct standin_op *op)
{
    struct ls *ls = op->state;
    for (; ls->arg < op->args_count; ls->arg++, ls->is_path_parsed = false) {
        const char *text = op->args[ls->arg];
        if (!ls->is_path_parsed && !path_parse(op, text, &ls->path))
            return false;
        ls->is_path_parsed = true;
        if (path_go(op, &ls->path) != PATH_OK)
            return false;
        if (ls_gather_one(op, &ls->path.cid))
            continue;
        if (ls->trouble == NULL) {
            struct buf words = { 0 };
            buf_printf(&words, "path '%s' is not pinned", text);
            ls->trouble = op_copy(op, standin_bytes(&words));
            buf_deinit(&words);
        }
        return true;
    }
    return true;
}

/* ---- telling ---- */

static void ls_tell_stream(struct standin_op *op)
{
    struct ls *ls = op->state;
    if (ls->trouble == NULL || ls->count > 0)
        answer_begin_lines(op);
    while (ls->told < ls->count) {
        const struct ls_row *row = &ls->rows[ls->told++];
        struct buf json = { 0 };
        struct json_writer w = json_writer_to(&json);
        json_object_begin(&w);
        json_key_string(&w, "Cid", cid_print(&row->cid).text);
        if (ls->tells_names && row->name[0] != 0)
            json_key_string(&w, "Name", row->name);
        json_key_string(&w, "Type", row->type);
        json_object_end(&w);
        if (!answer_line(op, &json))
            return; /* until the reader has read */
    }
    if (ls->trouble != NULL)
        answer_fail(op, "%s", ls->trouble);
    else
        answer_end(op);
}

static int ls_order(const void *a, const void *b)
{
    return strcmp(((const struct ls_row *)a)->text, ((const struct ls_row *)b)->text);
}

static void ls_tell_document(struct standin_op *op)
{
    struct ls *ls = op->state;
    struct buf json = { 0 };
    struct json_writer w = json_writer_to(&json);
    if (ls->trouble != NULL) {
        answer_fail(op, "%s", ls->trouble);
        return;
    }
    for (size_t i = 0; i < ls->count; i++) {
        struct cid_text text = cid_print(&ls->rows[i].cid);
        ls->rows[i].text = op_copy(op, (struct bytes){ text.text, strlen(text.text) });
    }
    if (ls->count > 0)
        qsort(ls->rows, ls->count, sizeof *ls->rows, ls_order);
    json_object_begin(&w);
    if (ls->count > 0) {
        json_key(&w, "Keys");
        json_object_begin(&w);
        for (size_t i = 0; i < ls->count; i++) {
            if (i > 0 && ls_order(&ls->rows[i - 1], &ls->rows[i]) == 0)
                continue; /* asked for twice */
            json_key(&w, ls->rows[i].text);
            json_object_begin(&w);
            json_key_string(&w, "Type", ls->rows[i].type);
            json_key_string(&w, "Name", ls->tells_names ? ls->rows[i].name : "");
            json_object_end(&w);
        }
        json_object_end(&w);
    }
    json_object_end(&w);
    answer_document(op, &json);
}

static void ls_step(struct standin_op *op)
{
    struct ls *ls = op->state;
    if (!ls->is_gathered) {
        if (op->args_count == 0)
            ls_gather_all(op);
        else if (!ls_gather_args(op))
            return;
        ls->is_gathered = true;
    }
    if (ls->is_stream)
        ls_tell_stream(op);
    else
        ls_tell_document(op);
}

static int ls_types(const char *text)
{
    static const struct {
        const char *name;
        int types;
    } types[] = {
        { "recursive", LS_RECURSIVE },
        { "direct", LS_DIRECT },
        { "indirect", LS_INDIRECT },
        { "all", LS_ALL },
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(text, types[i].name) == 0)
            return types[i].types;
    }
    return 0;
}

void cmd_pin_ls(struct standin_op *op)
{
    struct ls *ls = op_alloc(op, sizeof *ls);
    const char *type = op_text(op, "type", "all");
    op->state = ls;
    op->release = ls_release;
    op->step = ls_step;
    ls->types = ls_types(type);
    ls->is_stream = op_flag(op, "stream", false);
    ls->name_part = op_text(op, "name", NULL);
    ls->tells_names = op_flag(op, "names", false) || ls->name_part != NULL;
    if (ls->types == 0)
        answer_fail(op, "invalid type '%s', must be one of {direct, indirect, recursive, all}",
                    type);
    else if (op_text(op, "cid-base", NULL) != NULL)
        answer_cannot(op, "cid-base");
}
