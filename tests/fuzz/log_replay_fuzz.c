/* covers: peer/store/log_replay.c peer/store/log_file.c peer/store/log_index.c */
/* The files of the log, as a start reads them. Raw bytes seldom get past a checksum; so the input may also be a script,
 * which writes groups and segments as the store does, with any items in any order, and then changes bytes. Whatever comes of
 * it is a verdict, or a log in which every record of the extent has a place. */
#include <stdint.h>
#include <string.h>

#include "store/log_replay.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEGMENTS_MAX = 4, FILE_BYTES_MAX = 256 * 1024 };

struct script {
    struct reader in;
    struct buf files[SEGMENTS_MAX];
    struct log_file_head heads[SEGMENTS_MAX];
    size_t count;
    uint64_t end; /* of the newest */
    uint64_t group_next;
};

static void lay(struct buf *file, uint64_t at, const struct buf *bytes)
{
    size_t end = (size_t)at + bytes->len + LOG_SECTOR;
    if (end > file->len) {
        size_t more = end - file->len;
        memset(buf_reserve(file, more), 0, more);
        file->len = end;
    }
    memcpy(file->data + at, bytes->data, bytes->len);
}

static struct log_place place_of(const struct script *s)
{
    const struct log_file_head *head = &s->heads[s->count - 1];
    return (struct log_place){ head->nonce, head->number, s->end };
}

static void begin_segment(struct script *s)
{
    if (s->count == SEGMENTS_MAX)
        return;
    struct buf bytes = { 0 };
    struct log_file_head *head = &s->heads[s->count];
    *head = (struct log_file_head){ .number = s->count + 1, .nonce = s->count };
    head->oldest = reader_u8(&s->in) % 5;
    head->extent.first = reader_u8(&s->in);
    head->extent.last = reader_u8(&s->in);
    head->group_first = s->group_next - reader_u8(&s->in) % 3;
    head->meta = reader_run(&s->in, 1000);
    log_file_head_encode(head, &bytes);
    lay(&s->files[s->count], 0, &bytes);
    s->end = bytes.len;
    s->count += 1;
    buf_deinit(&bytes);
}

static void write_group(struct script *s, bool is_raw)
{
    struct buf group = { 0 };
    log_group_begin(&group);
    if (is_raw) {
        struct bytes body = reader_run(&s->in, 4000);
        buf_append(&group, body.data, body.len);
    }
    for (unsigned left = is_raw ? 0 : reader_u8(&s->in) % 16; left > 0; left--) {
        struct log_item item = { .kind =
                                     (enum log_item_kind)(1 + reader_u8(&s->in) % LOG_ITEM_TRIM) };
        item.index = reader_u8(&s->in);
        item.oldest = reader_u8(&s->in) % 5;
        item.bytes = reader_run(&s->in, 3000);
        log_item_put(&group, &item);
    }
    struct log_place place = place_of(s);
    log_group_end(&group, &place, s->group_next);
    if (s->end + group.len < FILE_BYTES_MAX) {
        lay(&s->files[s->count - 1], s->end, &group);
        s->end += group.len;
        s->group_next += 1;
    }
    buf_deinit(&group);
}

static void mark(struct script *s, enum log_group_kind kind)
{
    struct buf bytes = { 0 };
    struct log_place place = place_of(s);
    log_seal_encode(&bytes, &place, kind, s->group_next);
    lay(&s->files[s->count - 1], s->end, &bytes);
    buf_deinit(&bytes);
}

static void spoil(struct script *s)
{
    struct buf *file = &s->files[reader_u8(&s->in) % s->count];
    size_t at = reader_u16(&s->in) % file->len;
    file->data[at] ^= reader_u8(&s->in);
}

static void cut_short(struct script *s)
{
    struct buf *file = &s->files[s->count - 1];
    file->len -= reader_u16(&s->in) % file->len;
}

static void run_script(struct script *s)
{
    begin_segment(s);
    while (s->in.left > 0 && s->in.err == OK) {
        switch (reader_u8(&s->in) % 8) {
        case 0:
        case 1:
            write_group(s, false);
            break;
        case 2:
            write_group(s, true);
            break;
        case 3:
            mark(s, LOG_SEAL);
            break;
        case 4:
            mark(s, LOG_END);
            begin_segment(s);
            break;
        case 5:
            begin_segment(s);
            break;
        case 6:
            spoil(s);
            break;
        case 7:
            cut_short(s);
            return;
        }
    }
}

static void check(const struct log_replay *r, size_t file_len)
{
    const struct log_extent *x = &r->index.extent;
    ASSERT((x->first == 0) == (x->last == 0) && x->first <= x->last);
    for (uint64_t i = x->first; i > 0 && i <= x->last; i++) {
        const struct log_mark *mark = log_index_find(&r->index, i);
        ASSERT(mark != NULL && mark->first <= i && mark->segment <= r->head.number);
        ASSERT(log_index_stretch_end(&r->index, mark) > i);
        ASSERT(log_index_oldest(&r->index, i, r->head.number) == mark->segment);
    }
    ASSERT(r->end % LOG_SECTOR == 0 && r->end <= log_sector_up(file_len));
    ASSERT(r->oldest >= 1 && r->oldest <= r->head.number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script s = { .in = reader_of(data, size), .group_next = 3 };
    struct log_replay r = { 0 };
    int err = OK;
    if (reader_u8(&s.in) == 0) {
        buf_append(&s.files[0], s.in.at, s.in.left);
        s.count = 1;
    } else {
        run_script(&s);
    }
    for (size_t i = 0; err == OK && i < s.count; i++)
        err = log_replay_segment(&r, i + 1, buf_bytes(&s.files[i]), i + 1 == s.count);
    if (err == OK)
        err = log_replay_finish(&r);
    if (err == OK)
        check(&r, s.files[s.count - 1].len);
    log_replay_deinit(&r);
    for (size_t i = 0; i < s.count; i++)
        buf_deinit(&s.files[i]);
    return 0;
}
