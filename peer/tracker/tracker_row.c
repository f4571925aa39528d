#include "tracker/tracker_int.h"

#include <string.h>

#include "util/err.h"

/* A row has the lowest version that knows what it says. */
enum {
    TRACKER_ROW_VERSION_FIRST = 1,
    TRACKER_ROW_VERSION_NOT_YET = 2,
    TRACKER_ROW_VERSION_KEPT = 3
};

static uint8_t tracker_row_version(enum tracker_row_phase phase)
{
    if (phase == TRACKER_ROW_KEPT)
        return TRACKER_ROW_VERSION_KEPT;
    return phase == TRACKER_ROW_NOT_YET ? TRACKER_ROW_VERSION_NOT_YET : TRACKER_ROW_VERSION_FIRST;
}

void tracker_row_encode(const struct tracker_row *row, struct buf *out)
{
    buf_put_u8(out, tracker_row_version(row->phase));
    buf_put_u8(out, (uint8_t)row->phase);
    buf_put_u8(out, row->is_direct);
    buf_put_u32(out, row->attempts);
    buf_put_u64(out, (uint64_t)row->since_s);
    buf_put_run(out, row->error, strlen(row->error));
}

int tracker_row_decode(struct tracker_row *out, struct bytes bytes)
{
    struct reader r = reader_of(bytes.data, bytes.len);
    uint8_t version = reader_u8(&r);
    if (r.err == OK && version > TRACKER_ROW_VERSION_KEPT)
        return ERR_VERSION;
    uint8_t phase = reader_u8(&r);
    bool is_direct = reader_u8(&r) != 0;
    uint32_t attempts = reader_u32(&r);
    int64_t since_s = (int64_t)reader_u64(&r);
    struct bytes error = reader_run(&r, sizeof(out->error) - 1);
    if (reader_finish(&r) != OK || version == 0 || phase < TRACKER_ROW_PIN ||
        phase > TRACKER_ROW_KEPT)
        return ERR_CORRUPT;
    out->phase = (enum tracker_row_phase)phase;
    out->is_direct = is_direct;
    out->attempts = attempts;
    out->since_s = since_s;
    if (error.len > 0)
        memcpy(out->error, error.data, error.len);
    out->error[error.len] = '\0';
    return OK;
}

int tracker_row_get(struct view *local, const struct cid *cid, struct tracker_row *out)
{
    struct bytes value;
    int err = view_get(local, LOCAL_TABLE_TRACKER, (struct bytes){ cid->bytes, cid->len }, &value);
    return err == OK ? tracker_row_decode(out, value) : err;
}

int tracker_row_next(struct view *local, const struct cid *after, struct cid *cid,
                     struct tracker_row *out)
{
    struct bytes key = { after->bytes, after->len };
    struct view_row row;
    int err = view_seek(local, LOCAL_TABLE_TRACKER, key, &row);
    if (err == OK && after->len > 0 && bytes_equal(row.key, key))
        err = view_next(local, LOCAL_TABLE_TRACKER, &row);
    if (err != OK)
        return err;
    struct cid found;
    if (cid_from_bytes(&found, row.key.data, row.key.len) != OK)
        return ERR_CORRUPT;
    err = tracker_row_decode(out, row.value);
    if (err == OK)
        *cid = found;
    return err;
}
