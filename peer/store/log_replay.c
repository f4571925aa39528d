#include "store/log_replay.h"

#include "util/err.h"

void log_replay_deinit(struct log_replay *r)
{
    log_index_deinit(&r->index);
    buf_deinit(&r->meta);
}

static void replay_set_meta(struct log_replay *r, struct bytes meta)
{
    buf_clear(&r->meta);
    buf_append(&r->meta, meta.data, meta.len);
}

/* ---- one group ---- */

static int replay_item(struct log_replay *r, const struct log_item *item, struct log_mark *where)
{
    switch (item->kind) {
    case LOG_ITEM_RECORD:
        if (item->index == 0 ||
            (r->index.extent.last > 0 && item->index != r->index.extent.last + 1))
            return ERR_CORRUPT;
        where->first = item->index;
        return log_index_add(&r->index, where);
    case LOG_ITEM_META:
        replay_set_meta(r, item->bytes);
        return r->meta.err;
    case LOG_ITEM_CUT:
        if (item->index == 0)
            return ERR_CORRUPT;
        log_index_cut(&r->index, item->index);
        if (item->index <= r->missing_last)
            r->missing_last = item->index - 1;
        return OK;
    case LOG_ITEM_TRIM:
        if (item->oldest < r->oldest || item->oldest > r->head.number)
            return ERR_CORRUPT;
        log_index_trim(&r->index, item->index);
        r->oldest = item->oldest;
        return OK;
    }
    return ERR_CORRUPT;
}

static int replay_body(struct log_replay *r, struct bytes body)
{
    struct reader items = reader_of(body.data, body.len);
    struct log_item item;
    int err = OK;
    for (size_t at = 0; err == OK && log_item_next(&items, &item); at = body.len - items.left) {
        struct log_mark where = { 0, r->head.number, r->end, at };
        err = replay_item(r, &item, &where);
    }
    return err != OK ? err : items.err;
}

/* ---- where a group should be, and is not ---- */

static struct bytes bytes_from(struct bytes file, uint64_t at)
{
    if (at >= file.len)
        return (struct bytes){ NULL, 0 };
    return (struct bytes){ (const uint8_t *)file.data + at, file.len - at };
}

static bool are_zeros(struct bytes b)
{
    const uint8_t *at = b.data;
    for (size_t i = 0; i < b.len; i++)
        if (at[i] != 0)
            return false;
    return true;
}

static struct log_place place_at(const struct log_replay *r, uint64_t offset)
{
    return (struct log_place){ r->head.nonce, r->head.number, offset };
}

/* Something that was written after the group at r->end had been synced. */
static bool replay_goes_on(const struct log_replay *r, struct bytes file)
{
    struct log_group_head head;
    for (uint64_t at = r->end + LOG_SECTOR; at < file.len; at += LOG_SECTOR) {
        struct log_place place = place_at(r, at);
        if (log_group_head_decode(&head, bytes_from(file, at), &place))
            return true;
    }
    return false;
}

static int replay_tail(struct log_replay *r, struct bytes file, bool is_newest)
{
    if (!is_newest)
        return OK; /* the next segment says which group should have been the last */
    if (replay_goes_on(r, file))
        return ERR_CORRUPT;
    struct bytes rest = bytes_from(file, r->end);
    r->is_torn = !are_zeros(rest);
    return OK;
}

/* What stands at r->end. OK: a group, whole (its body, its end). ERR_MORE: nothing, the log ends here. */
static int replay_look(struct log_replay *r, struct bytes file, struct bytes *body, bool is_newest)
{
    struct bytes rest = bytes_from(file, r->end);
    struct log_place place = place_at(r, r->end);
    struct log_group_head head;
    if (!log_group_head_decode(&head, rest, &place)) {
        int err = replay_tail(r, file, is_newest);
        return err == OK ? ERR_MORE : err;
    }
    if (head.number != r->group_next)
        return ERR_CORRUPT;
    if (head.kind != LOG_GROUP) {
        r->is_ended = head.kind == LOG_END;
        r->is_sealed = true;
        if (r->is_ended && is_newest)
            return ERR_CORRUPT; /* the segment that followed is gone */
        int err = replay_tail(r, file, is_newest);
        r->is_torn = r->is_torn && !are_zeros(bytes_from(file, r->end + LOG_SECTOR));
        return err == OK ? ERR_MORE : err;
    }
    rest = bytes_from(file, r->end + LOG_GROUP_HEAD_LEN);
    *body = (struct bytes){ rest.data, rest.len < head.body_len ? rest.len : head.body_len };
    if (!log_group_body_fits(&head, *body, &place)) {
        int err = replay_tail(r, file, is_newest);
        return err == OK ? ERR_MORE : err;
    }
    return OK;
}

/* ---- a segment ---- */

static bool extents_equal(const struct log_extent *a, const struct log_extent *b)
{
    return a->first == b->first && a->last == b->last;
}

static int replay_begin(struct log_replay *r, const struct log_file_head *head)
{
    bool is_first = r->head.number == 0;
    if (is_first) {
        r->index.extent = head->extent;
        r->missing_last = head->extent.last;
        r->group_next = head->group_first;
        replay_set_meta(r, head->meta);
    } else if (head->number != r->head.number + 1 || head->group_first != r->group_next ||
               head->oldest < r->oldest || !extents_equal(&head->extent, &r->index.extent) ||
               !bytes_equal(head->meta, buf_bytes(&r->meta))) {
        return ERR_CORRUPT; /* what this segment follows is not what was there */
    }
    r->oldest = head->oldest;
    r->head = *head;
    r->head.meta = (struct bytes){ NULL, 0 };
    r->is_sealed = false;
    r->is_torn = false;
    r->is_ended = false;
    return r->meta.err;
}

int log_replay_segment(struct log_replay *r, uint64_t number, struct bytes file, bool is_newest)
{
    struct log_file_head head;
    size_t len = 0;
    int err = log_file_head_decode(&head, file, &len);
    if (err == OK && head.number != number)
        err = ERR_CORRUPT;
    if (err == OK)
        err = replay_begin(r, &head);
    r->end = len;
    while (err == OK) {
        struct bytes body = { NULL, 0 };
        err = replay_look(r, file, &body, is_newest);
        if (err == OK)
            err = replay_body(r, body);
        if (err == OK) {
            r->end = log_sector_up(r->end + LOG_GROUP_HEAD_LEN + body.len);
            r->group_next += 1;
        }
    }
    return err == ERR_MORE ? OK : err;
}

int log_replay_finish(const struct log_replay *r)
{
    bool is_missing = r->index.extent.first > 0 && r->index.extent.first <= r->missing_last;
    return r->head.number == 0 || is_missing ? ERR_CORRUPT : OK;
}
