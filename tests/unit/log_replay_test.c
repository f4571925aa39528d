/* What the log's files hold after a power cut, and after rot: every byte, every sector. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/log_replay.h"
#include "util/err.h"

TestSuite(log_replay, .timeout = 60);

enum { GROUPS_MAX = 32, LAID = 4 * LOG_SECTOR, SEGMENTS_MAX = 4 };

/* A log as the store writes it; group g's meta record is "g", so that one sees how far a replay came. */
struct disk {
    struct buf files[SEGMENTS_MAX];
    struct log_file_head heads[SEGMENTS_MAX];
    size_t count;
    uint64_t ends[GROUPS_MAX]; /* where group g ends, in its segment */
    uint64_t group_next;
    struct log_extent extent;
    char meta[8];
};

static uint64_t end_of(const struct disk *d)
{
    return d->count == 0 ? 0 : d->ends[d->group_next - 1];
}

static struct log_place place_of(const struct disk *d)
{
    const struct log_file_head *head = &d->heads[d->count - 1];
    return (struct log_place){ head->nonce, head->number, end_of(d) };
}

static void lay(struct buf *file, uint64_t at, const struct buf *bytes)
{
    cr_assert_leq(at, file->len);
    size_t end = (size_t)at + bytes->len + LAID;
    if (end > file->len) {
        size_t more = end - file->len;
        memset(buf_reserve(file, more), 0, more);
        file->len = end;
    }
    memcpy(file->data + at, bytes->data, bytes->len);
}

static void begin_segment(struct disk *d, uint64_t oldest)
{
    struct log_file_head *head = &d->heads[d->count];
    struct buf bytes = { 0 };
    *head = (struct log_file_head){ .number = d->count + 1,
                                    .nonce = 1000 + d->count,
                                    .group_first = d->group_next,
                                    .oldest = oldest,
                                    .extent = d->extent,
                                    .meta = { d->meta, strlen(d->meta) } };
    log_file_head_encode(head, &bytes);
    lay(&d->files[d->count], 0, &bytes);
    d->ends[d->group_next - 1] = bytes.len;
    d->count += 1;
    buf_deinit(&bytes);
}

static void mark(struct disk *d, enum log_group_kind kind)
{
    struct buf bytes = { 0 };
    struct log_place place = place_of(d);
    log_seal_encode(&bytes, &place, kind, d->group_next);
    lay(&d->files[d->count - 1], end_of(d), &bytes);
    buf_deinit(&bytes);
}

static void roll(struct disk *d, uint64_t oldest)
{
    mark(d, LOG_END);
    begin_segment(d, oldest);
}

static void begin(struct disk *d)
{
    *d = (struct disk){ .group_next = 1 };
    begin_segment(d, 1);
}

static void end(struct disk *d)
{
    for (size_t i = 0; i < d->count; i++)
        buf_deinit(&d->files[i]);
}

/* A group of `count` records of `len` bytes, after a cut of `cut` records. */
static void write_group(struct disk *d, uint64_t cut, size_t count, size_t len)
{
    static char text[8192];
    struct buf group = { 0 };
    struct log_item item;
    log_group_begin(&group);
    if (cut > 0) {
        d->extent.last -= cut;
        item = (struct log_item){ .kind = LOG_ITEM_CUT, .index = d->extent.last + 1 };
        log_item_put(&group, &item);
    }
    memset(text, 'a' + (int)(d->group_next % 26), sizeof(text));
    for (size_t i = 0; i < count; i++) {
        d->extent.last += 1;
        d->extent.first = 1;
        item = (struct log_item){ .kind = LOG_ITEM_RECORD,
                                  .index = d->extent.last,
                                  .bytes = { text, len } };
        log_item_put(&group, &item);
    }
    snprintf(d->meta, sizeof(d->meta), "%llu", (unsigned long long)d->group_next);
    item = (struct log_item){ .kind = LOG_ITEM_META, .bytes = { d->meta, strlen(d->meta) } };
    log_item_put(&group, &item);
    struct log_place place = place_of(d);
    log_group_end(&group, &place, d->group_next);
    lay(&d->files[d->count - 1], place.offset, &group);
    d->ends[d->group_next] = place.offset + group.len;
    d->group_next += 1;
    buf_deinit(&group);
}

static void trim(struct disk *d, uint64_t first_kept, uint64_t oldest)
{
    struct buf group = { 0 };
    struct log_item item = { .kind = LOG_ITEM_TRIM, .index = first_kept, .oldest = oldest };
    log_group_begin(&group);
    log_item_put(&group, &item);
    struct log_place place = place_of(d);
    log_group_end(&group, &place, d->group_next);
    lay(&d->files[d->count - 1], place.offset, &group);
    d->ends[d->group_next] = place.offset + group.len;
    d->group_next += 1;
    d->extent.first = first_kept;
    buf_deinit(&group);
}

/* Segments from..: what a start would see. */
static int replay(const struct disk *d, size_t from, size_t count, struct log_replay *r)
{
    int err = OK;
    *r = (struct log_replay){ 0 };
    for (size_t i = from; err == OK && i < count; i++)
        err = log_replay_segment(r, i + 1, buf_bytes(&d->files[i]), i + 1 == count);
    return err == OK ? log_replay_finish(r) : err;
}

static int verdict(const struct disk *d, uint64_t *groups)
{
    struct log_replay r;
    int err = replay(d, 0, d->count, &r);
    *groups = r.group_next - 1;
    if (err == OK && *groups > 0)
        cr_assert_eq((uint64_t)strtoull(buf_text(&r.meta), NULL, 10), *groups);
    log_replay_deinit(&r);
    return err;
}

Test(log_replay, an_empty_log)
{
    struct disk d;
    uint64_t groups;
    begin(&d);
    cr_assert_eq(verdict(&d, &groups), OK);
    cr_assert_eq(groups, 0);
    end(&d);
}

Test(log_replay, records_cuts_and_the_last_meta_record)
{
    struct disk d;
    struct log_replay r;
    begin(&d);
    write_group(&d, 0, 10, 100);
    write_group(&d, 3, 1, 100);
    write_group(&d, 0, 300, 700);
    write_group(&d, 305, 2, 0);
    cr_assert_eq(replay(&d, 0, 1, &r), OK);
    cr_assert_eq(r.index.extent.first, 1);
    cr_assert_eq(r.index.extent.last, 5);
    cr_assert_str_eq(buf_text(&r.meta), "4");
    cr_assert_eq(r.end, d.ends[4]);
    cr_assert(!r.is_torn && !r.is_sealed);
    /* 1 to 3 stand in the first group, the others in the last. */
    cr_assert_eq(log_index_find(&r.index, 3)->group_at, d.ends[0]);
    cr_assert_eq(log_index_find(&r.index, 4)->group_at, d.ends[3]);
    cr_assert_null(log_index_find(&r.index, 6));
    log_replay_deinit(&r);
    end(&d);
}

/* The last write got no further than some byte: the file's length says so, or zeros. */
Test(log_replay, the_last_group_is_torn_at_any_byte)
{
    struct disk d;
    uint64_t groups;
    begin(&d);
    write_group(&d, 0, 2, 100);
    write_group(&d, 0, 4, 500);
    struct buf *file = &d.files[0];
    size_t whole = (size_t)d.ends[2];
    while (whole > 0 && file->data[whole - 1] == 0) /* its padding need not be there */
        whole -= 1;
    for (size_t len = (size_t)d.ends[1]; len <= whole; len++) {
        size_t before = file->len;
        file->len = len;
        cr_assert_eq(verdict(&d, &groups), OK);
        cr_assert_eq(groups, len == whole ? 2 : 1, "cut at %zu", len);
        file->len = before;
    }
    end(&d);
}

/* Of its sectors any are there. */
Test(log_replay, the_last_group_is_torn_in_any_sectors)
{
    struct disk d;
    uint64_t groups;
    begin(&d);
    write_group(&d, 0, 2, 100);
    mark(&d, LOG_SEAL); /* which the next one overwrites */
    struct buf before = { 0 };
    buf_append(&before, d.files[0].data, d.files[0].len);
    write_group(&d, 0, 8, 600);
    size_t first = (size_t)d.ends[1] / LOG_SECTOR;
    size_t sectors = (size_t)d.ends[2] / LOG_SECTOR - first;
    cr_assert_gt(sectors, 8);
    struct buf after = { 0 };
    buf_append(&after, d.files[0].data, d.files[0].len);
    for (unsigned lost = 0; lost < 1u << sectors; lost++) {
        for (size_t i = 0; i < sectors; i++) {
            size_t at = (first + i) * LOG_SECTOR;
            bool was_there = at + LOG_SECTOR <= before.len;
            memset(d.files[0].data + at, 0, LOG_SECTOR);
            if ((lost >> i & 1) == 0)
                memcpy(d.files[0].data + at, after.data + at, LOG_SECTOR);
            else if (was_there)
                memcpy(d.files[0].data + at, before.data + at, LOG_SECTOR);
        }
        cr_assert_eq(verdict(&d, &groups), OK);
        cr_assert_eq(groups, lost == 0 ? 2 : 1, "lost %x", lost);
    }
    buf_deinit(&before);
    buf_deinit(&after);
    end(&d);
}

/* Whichever byte changes, in whichever way: when a group, a seal or a segment followed, it is damage. */
static void every_byte_is_guarded(struct disk *d)
{
    uint64_t groups, all;
    cr_assert_eq(verdict(d, &all), OK);
    for (size_t s = 0; s < d->count; s++) {
        struct buf *file = &d->files[s];
        for (size_t at = 0; at < file->len - LAID; at++) {
            uint8_t was = file->data[at];
            for (int bit = 0; bit < 8; bit++) {
                file->data[at] = was ^ (uint8_t)(1 << bit);
                int err = verdict(d, &groups);
                /* Padding says nothing: what is behind a whole group's items. */
                cr_assert(err != OK || groups == all, "segment %zu, byte %zu: %llu of %llu groups",
                          s + 1, at, (unsigned long long)groups, (unsigned long long)all);
            }
            file->data[at] = was;
        }
    }
}

Test(log_replay, a_changed_byte_is_never_the_end_of_the_log)
{
    struct disk d;
    begin(&d);
    write_group(&d, 0, 2, 100);
    write_group(&d, 1, 2, 600);
    roll(&d, 1);
    write_group(&d, 0, 1, 300);
    mark(&d, LOG_SEAL);
    every_byte_is_guarded(&d);
    end(&d);
}

/* A sector that is gone, or has something else, where something was durable. */
Test(log_replay, a_lost_sector_is_never_the_end_of_the_log)
{
    struct disk d;
    uint64_t groups;
    begin(&d);
    for (int i = 0; i < 6; i++)
        write_group(&d, 0, 3, 400);
    roll(&d, 1);
    for (int i = 0; i < 6; i++)
        write_group(&d, 0, 3, 400);
    mark(&d, LOG_SEAL);
    for (size_t s = 0; s < d.count; s++) {
        struct buf *file = &d.files[s];
        size_t used = file->len - LAID - LOG_SECTOR;
        uint8_t was[LOG_SECTOR];
        for (size_t at = 0; at < used; at += LOG_SECTOR)
            for (int how = 0; how < 3; how++) {
                memcpy(was, file->data + at, LOG_SECTOR);
                if (how == 0)
                    memset(file->data + at, 0, LOG_SECTOR);
                else if (how == 1)
                    memset(file->data + at, 0xff, LOG_SECTOR);
                else /* another one's bytes */
                    memcpy(file->data + at, file->data + (at + 3 * LOG_SECTOR) % used, LOG_SECTOR);
                bool is_same = memcmp(was, file->data + at, LOG_SECTOR) == 0;
                cr_assert(is_same || verdict(&d, &groups) == ERR_CORRUPT,
                          "segment %zu, offset %zu, way %d", s + 1, at, how);
                memcpy(file->data + at, was, LOG_SECTOR);
            }
    }
    end(&d);
}

/* The file ends earlier than it did, where nothing can have been torn. */
Test(log_replay, a_shorter_file_is_damage)
{
    struct disk d;
    uint64_t groups;
    begin(&d);
    write_group(&d, 0, 3, 400);
    write_group(&d, 0, 3, 400);
    roll(&d, 1);
    write_group(&d, 0, 3, 400);
    size_t len = d.files[0].len;
    for (d.files[0].len = 0; d.files[0].len < d.ends[1]; d.files[0].len += 100)
        cr_assert_eq(verdict(&d, &groups), ERR_CORRUPT, "%zu", d.files[0].len);
    d.files[0].len = len;
    end(&d);
}

Test(log_replay, a_segment_that_is_gone_is_damage)
{
    struct disk d;
    struct log_replay r;
    begin(&d);
    write_group(&d, 0, 3, 10);
    roll(&d, 1);
    write_group(&d, 0, 3, 10);
    roll(&d, 1);
    write_group(&d, 0, 3, 10);
    cr_assert_eq(replay(&d, 0, 3, &r), OK);
    log_replay_deinit(&r);
    cr_assert_eq(replay(&d, 0, 2, &r), ERR_CORRUPT); /* the newest */
    log_replay_deinit(&r);
    cr_assert_eq(replay(&d, 1, 3, &r), ERR_CORRUPT); /* the oldest */
    log_replay_deinit(&r);
    r = (struct log_replay){ 0 };
    cr_assert_eq(log_replay_segment(&r, 1, buf_bytes(&d.files[0]), false), OK);
    cr_assert_eq(log_replay_segment(&r, 3, buf_bytes(&d.files[2]), true), ERR_CORRUPT);
    log_replay_deinit(&r);
    end(&d);
}

/* The power went between the new segment and the end of the old one. */
Test(log_replay, a_segment_without_an_end_is_whole_when_the_next_one_says_so)
{
    struct disk d;
    uint64_t groups;
    begin(&d);
    write_group(&d, 0, 3, 10);
    write_group(&d, 0, 3, 10);
    begin_segment(&d, 1);
    cr_assert_eq(verdict(&d, &groups), OK);
    cr_assert_eq(groups, 2);
    memset(d.files[0].data + d.ends[1], 0, LOG_SECTOR); /* its second group is lost */
    cr_assert_eq(verdict(&d, &groups), ERR_CORRUPT);
    end(&d);
}

Test(log_replay, trimmed_segments_may_be_gone_or_there)
{
    struct disk d;
    struct log_replay r;
    begin(&d);
    write_group(&d, 0, 30, 10);
    roll(&d, 1);
    write_group(&d, 0, 30, 10);
    trim(&d, 41, 2);
    for (size_t from = 0; from < 2; from++) {
        cr_assert_eq(replay(&d, from, 2, &r), OK);
        cr_assert_eq(r.oldest, 2);
        cr_assert_eq(r.index.extent.first, 41);
        cr_assert_eq(r.index.extent.last, 60);
        log_replay_deinit(&r);
    }
    end(&d);
}

/* Records that a stranger began with, in place of a damaged log. */
Test(log_replay, a_segment_that_needs_no_other)
{
    struct disk d;
    struct log_replay r;
    begin(&d);
    write_group(&d, 0, 30, 10);
    d.extent = (struct log_extent){ 0, 0 };
    begin_segment(&d, 2);
    write_group(&d, 0, 3, 10);
    cr_assert_eq(replay(&d, 1, 2, &r), OK);
    cr_assert_eq(r.index.extent.last, 3);
    log_replay_deinit(&r);
    end(&d);
}

/* A client's bytes that look like a group, where a torn one leaves them to be found. */
Test(log_replay, what_a_client_wrote_is_no_group)
{
    struct disk d;
    uint64_t groups;
    begin(&d);
    write_group(&d, 0, 1, 10);
    write_group(&d, 0, 4, 600);
    struct buf fake = { 0 };
    struct log_place place = place_of(&d);
    place.nonce += 1; /* which no client knows */
    place.offset = d.ends[1] + LOG_SECTOR;
    log_seal_encode(&fake, &place, LOG_SEAL, 3);
    memcpy(d.files[0].data + place.offset, fake.data, fake.len);
    cr_assert_eq(verdict(&d, &groups), OK);
    cr_assert_eq(groups, 1);
    buf_deinit(&fake);
    end(&d);
}

Test(log_replay, a_newer_version_is_refused)
{
    struct disk d;
    uint64_t groups;
    begin(&d);
    d.files[0].data[4] = LOG_FILE_VERSION + 1;
    cr_assert_eq(verdict(&d, &groups), ERR_VERSION);
    end(&d);
}
