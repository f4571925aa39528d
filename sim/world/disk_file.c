/* disk_file.c -- numbered files, and the jobs that write and read whole ones.
 *
 * A file is three things: the bytes that a crash cannot take, the writes since the last sync, and the
 * bytes with those writes applied. A sync moves the writes into the durable bytes; a crash moves some of
 * their 512-byte pieces there. */
#include "sim/world/disk_int.h"

#include <string.h>

#include "util/err.h"
#include "util/row_file.h"

enum { SECTOR_BYTES = 512 };

struct disk_file *disk_file_find(struct disk *d, uint64_t no)
{
    list_for_each (link, &d->files) {
        struct disk_file *f = list_entry(link, struct disk_file, link);
        if (f->no == no)
            return f;
    }
    return NULL;
}

static struct disk_file *disk_file_add(struct disk *d, uint64_t no)
{
    struct disk_file *f = mem_zalloc(sizeof(*f));
    ASSERT(f != NULL);
    f->no = no;
    list_push_back(&d->files, &f->link);
    return f;
}

static void disk_file_forget_writes(struct disk_file *f)
{
    for (size_t i = 0; i < f->writes_count; i++)
        buf_deinit(&f->writes[i].bytes);
    f->writes_count = 0;
}

void disk_file_remove(struct disk_file *f)
{
    list_remove(&f->link);
    disk_file_forget_writes(f);
    mem_free(f->writes);
    buf_deinit(&f->durable);
    buf_deinit(&f->now);
    mem_free(f);
}

static void buf_assign(struct buf *to, const struct buf *from)
{
    buf_clear(to);
    buf_append(to, from->data, from->len);
    ASSERT(to->err == OK);
}

static void buf_overwrite(struct buf *b, uint64_t offset, const uint8_t *data, size_t len)
{
    if (offset + len > b->len) {
        uint8_t *end = buf_reserve(b, offset + len - b->len);
        ASSERT(end != NULL);
        memset(end, 0, offset + len - b->len);
        b->len = offset + len;
    }
    if (len > 0)
        memcpy(b->data + offset, data, len);
}

static void disk_file_write(struct disk *d, const struct file_job *job)
{
    struct disk_file *f = disk_file_find(d, job->file_no);
    if (f == NULL)
        f = disk_file_add(d, job->file_no);
    if (f->writes_count == f->writes_size) {
        size_t size = f->writes_size == 0 ? 16 : f->writes_size * 2;
        f->writes = mem_realloc(f->writes, size * sizeof(*f->writes));
        ASSERT(f->writes != NULL);
        f->writes_size = size;
    }
    struct disk_write *w = &f->writes[f->writes_count++];
    *w = (struct disk_write){ .offset = job->offset };
    buf_append(&w->bytes, job->data, job->len);
    ASSERT(w->bytes.err == OK);
    buf_overwrite(&f->now, job->offset, job->data, job->len);
}

void disk_file_sync(struct disk_file *f)
{
    for (size_t i = 0; i < f->writes_count; i++)
        buf_overwrite(&f->durable, f->writes[i].offset, f->writes[i].bytes.data,
                      f->writes[i].bytes.len);
    disk_file_forget_writes(f);
    f->is_durable = true;
}

static size_t disk_file_read(const struct disk_file *f, const struct file_job *job)
{
    if (job->offset >= f->now.len)
        return 0;
    size_t left = f->now.len - job->offset;
    size_t len = job->len < left ? job->len : left;
    if (len > 0)
        memcpy(job->into, f->now.data + job->offset, len);
    return len;
}

int disk_file_run(struct disk *d, struct file_job *job)
{
    struct disk_file *f = disk_file_find(d, job->file_no);
    switch (job->what) {
    case FILE_WRITE:
        disk_file_write(d, job);
        job->len_done = job->len;
        return OK;
    case FILE_READ:
        if (f == NULL)
            return ERR_NOT_FOUND;
        job->len_done = disk_file_read(f, job);
        return OK;
    case FILE_SYNC:
        if (f == NULL)
            return ERR_NOT_FOUND;
        disk_file_sync(f);
        return OK;
    case FILE_DROP:
        if (f != NULL)
            disk_file_remove(f);
        return OK;
    }
    return ERR_INVALID;
}

void disk_file_replace(struct disk *d, uint64_t no, const struct buf *content)
{
    struct disk_file *f = disk_file_find(d, no);
    if (f == NULL)
        f = disk_file_add(d, no);
    disk_file_forget_writes(f);
    buf_assign(&f->now, content);
    buf_assign(&f->durable, content);
    f->is_durable = true;
}

/* ---- a crash ---- */

static void disk_write_tear(struct disk *d, struct disk_file *f, const struct disk_write *w)
{
    for (size_t at = 0; at < w->bytes.len;) {
        size_t len = SECTOR_BYTES - (w->offset + at) % SECTOR_BYTES;
        if (len > w->bytes.len - at)
            len = w->bytes.len - at;
        if (world_choose(&d->hooks, WORLD_DISK_CRASH, 2) == 0)
            buf_overwrite(&f->durable, w->offset + at, w->bytes.data + at, len);
        at += len;
    }
}

void disk_files_crash(struct disk *d)
{
    enum { ALL_KEPT, ALL_GONE, TORN, OUTCOMES_COUNT };
    list_for_each_safe (link, after, &d->files) {
        struct disk_file *f = list_entry(link, struct disk_file, link);
        uint64_t outcome = ALL_KEPT;
        if (f->writes_count > 0)
            outcome = world_choose(&d->hooks, WORLD_DISK_CRASH, OUTCOMES_COUNT);
        if (outcome == TORN)
            for (size_t i = 0; i < f->writes_count; i++)
                disk_write_tear(d, f, &f->writes[i]);
        if (outcome == ALL_KEPT)
            disk_file_sync(f);
        disk_file_forget_writes(f);
        buf_assign(&f->now, &f->durable);
        if (outcome == ALL_GONE && !f->is_durable)
            disk_file_remove(f);
        else
            f->is_durable = true;
    }
}

/* ---- export and import ---- */

int disk_export(struct disk *d, struct map_job *job, const struct rows *rows)
{
    struct buf file = { 0 };
    struct row_file_writer w;
    row_file_begin(&w, job->tables_count, &file);
    int err = OK;
    struct view_row at;
    bool found = rows_at_or_after(rows, (struct bytes){ NULL, 0 }, &at);
    while (err == OK && found) {
        unsigned table = *(const uint8_t *)at.key.data;
        if (table >= job->tables_count)
            break;
        struct view_row row = at;
        err = disk_rows_check(ROOM_STATE, &row);
        if (err == OK)
            row_file_add(&w, &(struct row_file_row){ table, row.key, row.value });
        found = rows_after(rows, at.key, &at);
    }
    if (err == OK) {
        err = row_file_end(&w, NULL);
        ASSERT(err == OK);
        disk_file_replace(d, job->file_no, &file);
        job->file_len = file.len;
    } else {
        row_file_abandon(&w);
    }
    buf_deinit(&file);
    return err;
}

int disk_import(struct disk *d, const struct map_job *job, struct rows *out)
{
    const struct disk_file *f = disk_file_find(d, job->file_no);
    if (f == NULL)
        return ERR_NOT_FOUND;
    struct row_file_reader r;
    row_file_reader_init(&r);
    row_file_push(&r, f->now.data, f->now.len);
    int err;
    struct row_file_row row;
    while ((err = row_file_next(&r, &row)) == OK) {
        bool fits = row.table < LIMIT_MAP_TABLES_COUNT && row.key.len > 0 &&
                    row.key.len <= LIMIT_MAP_KEY_BYTES && row.value.len <= LIMIT_MAP_VALUE_BYTES;
        if (!fits)
            break;
        disk_rows_put(out, ROOM_STATE, row.table, row.key, row.value);
    }
    row_file_reader_deinit(&r);
    if (err == ERR_NOT_FOUND)
        return OK;
    return err == OK || err == ERR_MORE ? ERR_CORRUPT : err;
}
