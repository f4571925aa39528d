#include "sim/kubo/walk.h"

#include "sim/kubo/content.h"
#include "util/err.h"
#include "util/mem.h"

static void walk_push(struct cid **list, size_t *count, size_t *size, const struct cid *cid)
{
    if (*count == *size) {
        size_t wanted = *size == 0 ? 16 : *size * 2;
        struct cid *grown = mem_realloc(*list, wanted * sizeof *grown);
        if (grown == NULL)
            fatal("the stand-in IPFS daemon is out of memory");
        *list = grown;
        *size = wanted;
    }
    (*list)[(*count)++] = *cid;
}

/* True the first time. */
static bool walk_see(struct walk *w, const struct cid *cid)
{
    struct cid *copy = arena_alloc(&w->arena, sizeof *copy);
    int err = ERR_NOMEM;
    if (copy != NULL) {
        *copy = *cid;
        err = map_put(&w->seen, (struct bytes){ copy->bytes, copy->len }, copy);
    }
    if (err == ERR_NOMEM)
        fatal("the stand-in IPFS daemon is out of memory");
    return err == OK;
}

void walk_begin(struct walk *w, const struct repo *repo, const struct cid *root)
{
    *w = (struct walk){ .repo = repo };
    walk_add(w, root);
}

void walk_add(struct walk *w, const struct cid *root)
{
    if (walk_see(w, root))
        walk_push(&w->todo, &w->todo_count, &w->todo_size, root);
}

/* The links go onto the stack the other way round, so that the first is on top. */
static void walk_push_links(struct walk *w, const struct cid *cid, struct bytes block)
{
    struct reader links = content_links(cid, block);
    struct content_link link;
    size_t first = w->todo_count;
    while (content_next_link(&links, &link)) {
        if (walk_see(w, &link.cid))
            walk_push(&w->todo, &w->todo_count, &w->todo_size, &link.cid);
    }
    for (size_t i = first, k = w->todo_count; i + 1 < k; i++) {
        k -= 1;
        struct cid swap = w->todo[i];
        w->todo[i] = w->todo[k];
        w->todo[k] = swap;
    }
}

static void walk_visit(struct walk *w, const struct cid *cid, struct repo_block *block)
{
    w->nodes_count += block->block.nodes_count;
    w->bytes_count += block->block.bytes_count;
    if (w->visit != NULL && !w->visit(w->owner, cid, block))
        w->is_over = true;
    else
        walk_push_links(w, cid, block->block.data);
}

void walk_go(struct walk *w)
{
    for (size_t i = 0; i < w->missing_count; i++)
        walk_push(&w->todo, &w->todo_count, &w->todo_size, &w->missing[i]);
    w->missing_count = 0;
    while (w->todo_count > 0 && !w->is_over) {
        struct cid cid = w->todo[--w->todo_count];
        struct cid key = content_key(&cid);
        struct repo_block *block = repo_block_find(w->repo, &key);
        if (block == NULL)
            walk_push(&w->missing, &w->missing_count, &w->missing_size, &cid);
        else
            walk_visit(w, &cid, block);
    }
}

void walk_end(struct walk *w)
{
    mem_free(w->todo);
    mem_free(w->missing);
    map_deinit(&w->seen);
    arena_deinit(&w->arena);
    *w = (struct walk){ 0 };
}
