/* disk_image.c -- generations, and whole disks put aside and brought back. */
#include "sim/world/disk_int.h"

#include "util/err.h"

void disk_generation_add(struct list_link *generations, uint64_t number, const struct rows *rows)
{
    struct disk_generation *g = mem_zalloc(sizeof(*g));
    ASSERT(g != NULL);
    g->number = number;
    g->rows = rows_share(rows);
    list_push_back(generations, &g->link);
}

struct disk_generation *disk_generation_find(struct disk *d, uint64_t number)
{
    list_for_each (link, &d->generations) {
        struct disk_generation *g = list_entry(link, struct disk_generation, link);
        if (g->number == number)
            return g;
    }
    return NULL;
}

void disk_generations_wipe(struct list_link *generations)
{
    struct list_link *link;
    while ((link = list_pop_front(generations)) != NULL) {
        struct disk_generation *g = list_entry(link, struct disk_generation, link);
        rows_deinit(&g->rows);
        mem_free(g);
    }
}

/* ---- images ---- */

struct disk_image {
    struct rows log;
    struct rows local;
    struct list_link generations;
    struct list_link files; /* struct disk_file, durable part */
};

static void disk_generations_copy(struct list_link *to, const struct list_link *from)
{
    list_for_each (link, from) {
        const struct disk_generation *g = list_entry(link, struct disk_generation, link);
        disk_generation_add(to, g->number, &g->rows);
    }
}

struct disk_image *disk_image_take(struct disk *d)
{
    struct disk_image *image = mem_zalloc(sizeof(*image));
    ASSERT(image != NULL);
    list_init(&image->generations);
    list_init(&image->files);
    image->log = rows_share(&d->rooms[DISK_LOG].durable);
    image->local = rows_share(&d->rooms[DISK_LOCAL].durable);
    disk_generations_copy(&image->generations, &d->generations);
    if (d->generation > 0)
        disk_generation_add(&image->generations, d->generation, &d->rooms[DISK_STATE].durable);
    list_for_each (link, &d->files) {
        const struct disk_file *f = list_entry(link, struct disk_file, link);
        if (!f->is_durable)
            continue;
        struct disk_file *copy = mem_zalloc(sizeof(*copy));
        ASSERT(copy != NULL);
        copy->no = f->no;
        buf_append(&copy->durable, f->durable.data, f->durable.len);
        ASSERT(copy->durable.err == OK);
        list_push_back(&image->files, &copy->link);
    }
    return image;
}

void disk_image_restore(struct disk *d, const struct disk_image *image)
{
    disk_wipe(d);
    rows_assign(&d->rooms[DISK_LOG].durable, &image->log);
    rows_assign(&d->rooms[DISK_LOCAL].durable, &image->local);
    disk_generations_copy(&d->generations, &image->generations);
    list_for_each (link, &image->files) {
        const struct disk_file *f = list_entry(link, struct disk_file, link);
        disk_file_replace(d, f->no, &f->durable);
    }
}

void disk_image_destroy(struct disk_image *image)
{
    rows_deinit(&image->log);
    rows_deinit(&image->local);
    disk_generations_wipe(&image->generations);
    list_for_each_safe (link, after, &image->files)
        disk_file_remove(list_entry(link, struct disk_file, link));
    mem_free(image);
}

void disk_wipe(struct disk *d)
{
    ASSERT(d->generation == 0 && !d->log_is_open);
    for (size_t i = 0; i < DISK_ROOMS_COUNT; i++) {
        rows_deinit(&d->rooms[i].durable);
        rows_deinit(&d->rooms[i].newest);
    }
    disk_generations_wipe(&d->generations);
    list_for_each_safe (link, after, &d->files)
        disk_file_remove(list_entry(link, struct disk_file, link));
}
