/* What units leave on a disk. */
#include "tests/lib/raft_cluster_int.h"

#include "util/assert.h"
#include "util/mem.h"

void cluster_image_set(struct cluster_image *log, uint64_t index, uint64_t term)
{
    if (index >= log->terms_size) {
        size_t size = log->terms_size > 0 ? 2 * log->terms_size : 256;
        while (size <= index)
            size *= 2;
        log->terms = mem_realloc(log->terms, size * sizeof(*log->terms));
        ASSERT(log->terms != NULL);
        log->terms_size = size;
    }
    log->terms[index] = term;
    log->last = index;
}

void cluster_image_copy(struct cluster_image *to, const struct cluster_image *from)
{
    to->base = from->base;
    to->last = from->base.index;
    for (uint64_t i = from->base.index + 1; i <= from->last; i++)
        cluster_image_set(to, i, from->terms[i]);
}

void cluster_image_write(struct cluster_image *log, const struct cluster_unit *u)
{
    log->base = u->base;
    if (u->cut_from > 0 && u->cut_from - 1 < log->last)
        log->last = u->cut_from - 1;
    if (log->last < log->base.index)
        log->last = log->base.index;
    for (size_t i = 0; i < u->terms_count; i++)
        cluster_image_set(log, u->first + i, u->terms[i]);
}

uint64_t cluster_image_term(const struct cluster_image *log, uint64_t index)
{
    if (index == log->base.index)
        return log->base.term;
    return index > log->base.index && index <= log->last ? log->terms[index] : 0;
}

void cluster_disk_write(struct cluster_disk *disk, const struct cluster_unit *u)
{
    cluster_image_write(&disk->log, u);
    disk->number = u->raft_number;
    disk->hard = u->hard;
    disk->config = u->config;
    disk->config_previous = u->config_previous;
    if (u->is_install)
        disk->state = u->state;
}
