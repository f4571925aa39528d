#include "tracker/tracker_status.h"

#include <string.h>

#include "tracker/tracker_int.h"
#include "util/assert.h"
#include "util/err.h"

/* ---- names and filters ---- */

static const struct {
    enum tracker_status status;
    const char *name;
} tracker_names[] = {
    { TRACKER_UNDEFINED, "undefined" },
    { TRACKER_CLUSTER_ERROR, "cluster_error" },
    { TRACKER_PIN_ERROR, "pin_error" },
    { TRACKER_UNPIN_ERROR, "unpin_error" },
    { TRACKER_PINNED, "pinned" },
    { TRACKER_PINNING, "pinning" },
    { TRACKER_UNPINNING, "unpinning" },
    { TRACKER_UNPINNED, "unpinned" },
    { TRACKER_REMOTE, "remote" },
    { TRACKER_PIN_QUEUED, "pin_queued" },
    { TRACKER_UNPIN_QUEUED, "unpin_queued" },
    { TRACKER_SHARDED, "sharded" },
    { TRACKER_UNEXPECTEDLY_UNPINNED, "unexpectedly_unpinned" },
    { TRACKER_ERROR, "error" },
    { TRACKER_QUEUED, "queued" },
};

enum { TRACKER_NAMES_COUNT = sizeof(tracker_names) / sizeof(tracker_names[0]) };

const char *tracker_status_name(enum tracker_status status)
{
    for (size_t i = 0; i < TRACKER_NAMES_COUNT; i++) {
        if (tracker_names[i].status == status)
            return tracker_names[i].name;
    }
    return "undefined";
}

/* One name of a filter; false: unknown. */
static bool tracker_filter_add(uint32_t *filter, bool *all, const char *name, size_t len)
{
    for (size_t i = 0; i < TRACKER_NAMES_COUNT; i++) {
        if (strlen(tracker_names[i].name) != len || memcmp(tracker_names[i].name, name, len) != 0)
            continue;
        *filter |= tracker_names[i].status;
        *all |= tracker_names[i].status == TRACKER_UNDEFINED;
        return true;
    }
    return false;
}

int tracker_filter_parse_len(uint32_t *out, const char *text, size_t len)
{
    uint32_t filter = 0;
    bool all = false, any_known = false, any = false;
    char name[32];
    size_t name_len = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && text[i] != ',') {
            if (text[i] != ' ') {
                any = true;
                if (name_len < sizeof(name))
                    name[name_len] = text[i];
                name_len += 1;
            }
            continue;
        }
        if (name_len > 0 && name_len <= sizeof(name))
            any_known |= tracker_filter_add(&filter, &all, name, name_len);
        name_len = 0;
    }
    if (any && !any_known)
        return ERR_INVALID;
    *out = all ? TRACKER_UNDEFINED : filter;
    return OK;
}

int tracker_filter_parse(uint32_t *out, const char *text)
{
    return tracker_filter_parse_len(out, text, strlen(text));
}

bool tracker_filter_matches(uint32_t filter, enum tracker_status status)
{
    return filter == TRACKER_UNDEFINED || (filter & (uint32_t)status) != 0;
}

/* ---- bytes ---- */

enum { TRACKER_INFO_VERSION = 2 };

static size_t tracker_run_size(size_t len)
{
    size_t size = len + 1;
    for (size_t rest = len; rest >= 0x80; rest >>= 7)
        size += 1;
    return size;
}

size_t tracker_info_size(const struct tracker_info *info)
{
    enum { NUMBERS = 1 + 4 + 8 + 4 + 1 + 8 + 4 + 8 + 8 };
    return NUMBERS + tracker_run_size(info->cid.len) + tracker_run_size(strlen(info->error));
}

void tracker_info_encode(const struct tracker_info *info, struct buf *out)
{
    buf_put_u8(out, TRACKER_INFO_VERSION);
    buf_put_run(out, info->cid.bytes, info->cid.len);
    buf_put_u32(out, (uint32_t)info->status);
    buf_put_u64(out, (uint64_t)info->since_s);
    buf_put_u32(out, info->attempt_count);
    buf_put_u8(out, (uint8_t)(info->is_priority | info->is_held_back << 1));
    buf_put_u64(out, (uint64_t)info->next_try_s);
    buf_put_u32(out, info->queue_position);
    buf_put_u64(out, info->progress_nodes);
    buf_put_u64(out, info->progress_bytes);
    buf_put_run(out, info->error, strlen(info->error));
}

static bool tracker_status_is_known(uint32_t status)
{
    bool is_one_bit = status != 0 && (status & (status - 1)) == 0;
    return status == TRACKER_UNDEFINED || (is_one_bit && status <= TRACKER_UNEXPECTEDLY_UNPINNED);
}

static const char *tracker_text_copy(struct arena *arena, const void *text, size_t len)
{
    return len > 0 ? arena_copy(arena, (struct bytes){ text, len }) : "";
}

int tracker_info_decode(struct tracker_info *out, struct arena *arena, struct bytes bytes)
{
    struct reader r = reader_of(bytes.data, bytes.len);
    uint8_t version = reader_u8(&r);
    if (r.err == OK && version > TRACKER_INFO_VERSION)
        return ERR_VERSION;
    struct bytes cid = reader_run(&r, LIMIT_CID_BYTES);
    uint32_t status = reader_u32(&r);
    out->since_s = (int64_t)reader_u64(&r);
    out->attempt_count = reader_u32(&r);
    uint8_t flags = reader_u8(&r);
    out->is_priority = (flags & 1) != 0;
    out->is_held_back = (flags & 2) != 0;
    out->next_try_s = (int64_t)reader_u64(&r);
    out->queue_position = reader_u32(&r);
    out->progress_nodes = reader_u64(&r);
    out->progress_bytes = reader_u64(&r);
    struct bytes error = reader_run(&r, TRACKER_ERROR_TEXT_SIZE - 1);
    if (reader_finish(&r) != OK || version == 0 || !tracker_status_is_known(status) ||
        cid_from_bytes(&out->cid, cid.data, cid.len) != OK)
        return ERR_CORRUPT;
    out->status = (enum tracker_status)status;
    out->error = tracker_text_copy(arena, error.data, error.len);
    return out->error != NULL ? OK : ERR_NOMEM;
}

/* ---- what it looks like ---- */

/* All that is known of one CID. */
struct tracker_facts {
    bool is_pinned_here; /* the state wants it of us, and we have not turned away */
    bool is_sharded;     /* a meta pin */
    bool is_in_state;
    int64_t created_s; /* if it is */
    bool is_held_back; /* what is not there yet waits */
    bool has_row;
    struct tracker_row row; /* if it has one */
    const struct tracker_op *op;
};

/* Nothing yet but the operation. The row is left as it is: it is large, and mostly read in the next moment. */
static void tracker_facts_begin(const struct tracker *t, const struct cid *cid,
                                struct tracker_facts *f)
{
    f->is_pinned_here = f->is_sharded = f->is_in_state = f->is_held_back = f->has_row = false;
    f->op = tracker_op_find(t, cid);
}

static void tracker_facts_add(const struct tracker *t, const struct pin_hold *hold,
                              struct tracker_facts *f)
{
    f->is_in_state = true;
    f->created_s = hold->created_s;
    f->is_sharded = hold->is_held && hold->type == PIN_TYPE_META;
    struct tracker_wish wish = tracker_wish_from(t, hold);
    f->is_pinned_here = wish.is_wanted;
    f->is_held_back = wish.is_held_back;
}

static int tracker_facts_of(const struct tracker *t, struct view *state, struct view *local,
                            const struct cid *cid, struct tracker_facts *f)
{
    tracker_facts_begin(t, cid, f);
    struct pin_hold hold;
    int err = pinset_get_hold(state, cid, &t->options.self, &hold);
    if (err == OK)
        tracker_facts_add(t, &hold, f);
    else if (err != ERR_NOT_FOUND)
        return err;
    err = tracker_row_get(local, cid, &f->row);
    f->has_row = err == OK;
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum tracker_status tracker_status_by_op(const struct tracker_facts *f)
{
    const struct tracker_op *op = f->op;
    bool unpins = op->kind == OP_UNPIN;
    if (op->phase == OP_RUNNING)
        return unpins ? TRACKER_UNPINNING : TRACKER_PINNING;
    if (op->is_surplus && !op->may_go)
        return TRACKER_UNPIN_QUEUED;
    if (op->attempts > 0)
        return unpins ? TRACKER_UNPIN_ERROR : TRACKER_PIN_ERROR;
    if (f->has_row && f->row.phase == TRACKER_ROW_LOST)
        return TRACKER_UNEXPECTEDLY_UNPINNED;
    return unpins ? TRACKER_UNPIN_QUEUED : TRACKER_PIN_QUEUED;
}

static enum tracker_status tracker_status_by_row(const struct tracker_facts *f)
{
    if (!f->is_pinned_here)
        return f->row.phase == TRACKER_ROW_UNPIN && f->row.attempts > 0 ? TRACKER_UNPIN_ERROR
                                                                        : TRACKER_UNPIN_QUEUED;
    switch (f->row.phase) {
    case TRACKER_ROW_PINNED:
    case TRACKER_ROW_KEPT: /* wanted again; a walk will find it */
        return TRACKER_PINNED;
    case TRACKER_ROW_LOST:
        return TRACKER_UNEXPECTEDLY_UNPINNED;
    case TRACKER_ROW_PIN:
        return f->row.attempts > 0 ? TRACKER_PIN_ERROR : TRACKER_PIN_QUEUED;
    case TRACKER_ROW_UNPIN: /* wanted again; a walk will find it */
    case TRACKER_ROW_NOT_YET:
        return TRACKER_PIN_QUEUED;
    }
    return TRACKER_PIN_QUEUED;
}

static enum tracker_status tracker_status_from(const struct tracker_facts *f)
{
    if (f->op != NULL && f->op->kind != OP_CONFIRM)
        return tracker_status_by_op(f);
    if (f->has_row && f->row.phase != TRACKER_ROW_NOT_YET)
        return tracker_status_by_row(f);
    if (f->is_pinned_here)
        return TRACKER_PIN_QUEUED;
    if (f->is_sharded)
        return TRACKER_SHARDED;
    return f->is_in_state ? TRACKER_REMOTE : TRACKER_UNPINNED;
}

#define TRACKER_LOST_TEXT "the item should be pinned but it is not"
#define TRACKER_DRAINING_TEXT                                                                      \
    "this peer is draining and takes nothing new; it goes on after `peers undrain`"

/* Nothing is under way for it, and nothing will be. */
static bool tracker_waits_for_undrain(const struct tracker_facts *f, enum tracker_status status)
{
    bool is_missing = status == TRACKER_PIN_QUEUED || status == TRACKER_UNEXPECTEDLY_UNPINNED;
    return f->is_held_back && f->op == NULL && is_missing;
}

static bool tracker_is_kept_for_others(const struct tracker_facts *f)
{
    if (f->op != NULL)
        return f->op->is_surplus && !f->op->may_go;
    return f->has_row && f->row.phase == TRACKER_ROW_KEPT && !f->is_pinned_here;
}

static const char *tracker_error_text(const struct tracker *t, const struct tracker_facts *f,
                                      enum tracker_status status)
{
    bool is_held_back = tracker_waits_for_undrain(f, status);
    if (status == TRACKER_UNEXPECTEDLY_UNPINNED)
        return is_held_back ? TRACKER_LOST_TEXT ": " TRACKER_DRAINING_TEXT : TRACKER_LOST_TEXT;
    if (is_held_back)
        return TRACKER_DRAINING_TEXT;
    bool has_failed = f->has_row && f->row.attempts > 0 && status != TRACKER_PINNED;
    if (tracker_is_kept_for_others(f))
        return "it moved to other peers, and stays here until enough of them have it";
    if (has_failed)
        return f->row.error; /* the last attempt's, also while the next one waits or runs */
    if (tracker_filter_matches(TRACKER_QUEUED, status) && t->daemon_is_down)
        return "the IPFS daemon is not reachable";
    return "";
}

static uint32_t tracker_queue_position(const struct tracker *t, const struct tracker_op *op)
{
    uint64_t ahead = 0;
    enum tracker_lane lane = tracker_op_lane(t, op);
    for (unsigned before = 0; before < lane && lane < LANE_UNPIN; before++)
        ahead += tracker_lane_len(t, before);
    struct tracker_op *first = list_entry(t->lanes[lane].next, struct tracker_op, link);
    ahead += op->ticket - first->ticket;
    return ahead < UINT32_MAX ? (uint32_t)ahead + 1 : UINT32_MAX;
}

static void tracker_describe_op(const struct tracker *t, const struct tracker_op *op,
                                struct tracker_info *out)
{
    out->attempt_count = op->attempts + (op->phase == OP_RUNNING);
    out->is_priority = op->kind == OP_PIN && tracker_op_goes_first(t, op);
    if (op->phase == OP_QUEUED && !(op->is_surplus && !op->may_go))
        out->queue_position = tracker_queue_position(t, op);
    if (op->phase == OP_WAITING)
        out->next_try_s = ((int64_t)op->due_us + t->wall_ahead_us) / 1000000;
    const struct tracker_call *call = op->phase == OP_RUNNING ? tracker_call_of(t, op) : NULL;
    if (call != NULL) {
        out->progress_nodes = call->nodes;
        out->progress_bytes = call->bytes;
    }
}

/* There is no room for it in memory: it is behind all that is there, or a walk will take it up. */
static void tracker_describe_row(const struct tracker *t, const struct tracker_facts *f,
                                 struct tracker_info *out)
{
    uint32_t attempts = f->has_row ? f->row.attempts : 0;
    out->attempt_count = attempts;
    out->is_held_back = tracker_waits_for_undrain(f, out->status);
    if (out->is_held_back)
        return;
    if (attempts == 0 && out->status == TRACKER_PIN_QUEUED)
        out->queue_position =
            (uint32_t)(tracker_lane_len(t, LANE_YOUNG) + tracker_lane_len(t, LANE_NEW) + 1);
    if (attempts > 0 && t->recover_at_us != UINT64_MAX)
        out->next_try_s = ((int64_t)t->recover_at_us + t->wall_ahead_us) / 1000000;
}

/* What waits and has no row yet waits since it was asked for, or nearly. */
static int64_t tracker_since_s(const struct tracker_facts *f, enum tracker_status status)
{
    if (f->has_row)
        return f->row.since_s;
    return status == TRACKER_PIN_QUEUED ? f->created_s : 0;
}

static int tracker_describe(const struct tracker *t, const struct tracker_facts *f,
                            const struct cid *cid, struct arena *arena, struct tracker_info *out)
{
    bool has_op = f->op != NULL && f->op->kind != OP_CONFIRM;
    enum tracker_status status = tracker_status_from(f);
    *out = (struct tracker_info){ .cid = *cid,
                                  .status = status,
                                  .since_s = tracker_since_s(f, status) };
    if (has_op)
        tracker_describe_op(t, f->op, out);
    else if (f->op == NULL)
        tracker_describe_row(t, f, out);
    const char *text = tracker_error_text(t, f, out->status);
    out->error = tracker_text_copy(arena, text, strlen(text));
    return out->error != NULL ? OK : ERR_NOMEM;
}

int tracker_status_of(const struct tracker *t, struct view *state, struct view *local,
                      const struct cid *cid, struct arena *arena, struct tracker_info *out)
{
    struct tracker_facts facts;
    int err = tracker_facts_of(t, state, local, cid, &facts);
    return err == OK ? tracker_describe(t, &facts, cid, arena, out) : err;
}

/* ---- listings ---- */

/* The first row behind `after` in a table whose keys are CIDs; the cursor stands on it. */
static int tracker_seek_behind(struct view *view, unsigned table, const struct cid *after,
                               struct view_row *row)
{
    struct bytes key = { after->bytes, after->len };
    int err = view_seek(view, table, key, row);
    if (err == OK && after->len > 0 && bytes_equal(row->key, key))
        err = view_next(view, table, row);
    return err;
}

static int tracker_listing_next_pin(struct tracker_listing *l)
{
    const struct peer_id *self = &l->tracker->options.self;
    struct pin *pin = l->brings_pins ? arena_alloc(l->arena, sizeof(*pin)) : NULL;
    if (l->brings_pins && pin == NULL)
        return ERR_NOMEM;
    int err = l->brings_pins ? pinset_next(&l->pins, l->arena, pin)
                             : pinset_next_hold(&l->pins, self, &l->hold);
    if (err == OK && l->brings_pins)
        l->hold = pin_hold_of(pin, self);
    if (err != OK)
        l->hold.cid.len = 0;
    l->pin = pin;
    return err == ERR_NOT_FOUND ? OK : err;
}

/* Mostly the row of the pin that was found just before. */
static int tracker_listing_take_row(struct tracker_listing *l, const struct view_row *row)
{
    const struct cid *pin = &l->hold.cid;
    l->row = row->value;
    if (pin->len > 0 && bytes_equal(row->key, (struct bytes){ pin->bytes, pin->len })) {
        l->row_cid = *pin;
        return OK;
    }
    return cid_from_bytes(&l->row_cid, row->key.data, row->key.len) == OK ? OK : ERR_CORRUPT;
}

static int tracker_listing_next_row(struct tracker_listing *l)
{
    struct view_row row;
    int err = l->has_begun ? view_next(l->local, LOCAL_TABLE_TRACKER, &row)
                           : tracker_seek_behind(l->local, LOCAL_TABLE_TRACKER, &l->after, &row);
    if (err == OK)
        return tracker_listing_take_row(l, &row);
    l->row_cid.len = 0;
    return err == ERR_NOT_FOUND ? OK : err;
}

static int tracker_listing_step(struct tracker_listing *l, bool moves_pin, bool moves_row)
{
    int err = moves_pin ? tracker_listing_next_pin(l) : OK;
    return err == OK && moves_row ? tracker_listing_next_row(l) : err;
}

/* The next CID that is in the state or has a row: pins that are being unpinned are in the second only. */
static int tracker_listing_next(struct tracker_listing *l, struct tracker_facts *f)
{
    bool has_pin = l->hold.cid.len > 0, has_row = l->row_cid.len > 0;
    if (!has_pin && !has_row)
        return ERR_NOT_FOUND;
    int order = has_pin && has_row ? cid_compare(&l->hold.cid, &l->row_cid) : has_row - has_pin;
    l->after = order <= 0 ? l->hold.cid : l->row_cid;
    l->found = order <= 0 ? l->pin : NULL;
    tracker_facts_begin(l->tracker, &l->after, f);
    if (order <= 0)
        tracker_facts_add(l->tracker, &l->hold, f);
    f->has_row = order >= 0;
    int err = f->has_row ? tracker_row_decode(&f->row, l->row) : OK;
    return err == OK ? tracker_listing_step(l, order <= 0, order >= 0) : err;
}

struct tracker_listing tracker_listing_after(const struct tracker *t, struct view *state,
                                             struct view *local, const struct cid *after,
                                             bool brings_pins, struct arena *arena)
{
    return (struct tracker_listing){ .tracker = t,
                                     .state = state,
                                     .local = local,
                                     .after = *after,
                                     .brings_pins = brings_pins,
                                     .arena = arena,
                                     .pins = pinset_cursor_after(state, after) };
}

/* Both views move; a CID that is in one of them only costs the other nothing. */
static uint32_t tracker_listing_steps(const struct tracker_listing *l)
{
    return l->state->steps > l->local->steps ? l->state->steps : l->local->steps;
}

int tracker_status_next(struct tracker_listing *l, uint32_t filter, unsigned *steps,
                        struct tracker_info *out)
{
    while (*steps >= TRACKER_STATUS_STEPS_MAX) {
        uint32_t before = tracker_listing_steps(l);
        struct tracker_facts facts;
        int err = l->has_begun ? OK : tracker_listing_step(l, true, true);
        l->has_begun = true;
        if (err == OK)
            err = tracker_listing_next(l, &facts);
        *steps -= tracker_listing_steps(l) - before;
        if (err != OK)
            return err;
        if (tracker_filter_matches(filter, tracker_status_from(&facts)))
            return tracker_describe(l->tracker, &facts, &l->after, l->arena, out);
    }
    return ERR_MORE;
}
