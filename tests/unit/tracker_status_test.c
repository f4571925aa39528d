#include <criterion/criterion.h>

#include "state/pinset.h"
#include "tests/lib/fake_kubo.h"
#include "tests/lib/fake_map.h"
#include "tests/lib/test_ids.h"
#include "tracker/tracker.h"
#include "tracker/tracker_int.h"
#include "util/err.h"

TestSuite(tracker_status, .timeout = 60);

/* ---- names and filters ---- */

static uint32_t filter_of(const char *text)
{
    uint32_t filter = 12345;
    cr_assert_eq(tracker_filter_parse(&filter, text), OK, "%s", text);
    return filter;
}

Test(tracker_status, filters_are_read_as_v1_reads_them)
{
    cr_assert_eq(filter_of(""), TRACKER_UNDEFINED);
    cr_assert_eq(filter_of("pinned"), TRACKER_PINNED);
    cr_assert_eq(filter_of(" pinned , pin_error,nonsense"), TRACKER_PINNED | TRACKER_PIN_ERROR);
    cr_assert_eq(filter_of("error"),
                 TRACKER_CLUSTER_ERROR | TRACKER_PIN_ERROR | TRACKER_UNPIN_ERROR);
    cr_assert_eq(filter_of("queued"), TRACKER_PIN_QUEUED | TRACKER_UNPIN_QUEUED);
    cr_assert_eq(filter_of("undefined,pinned"), TRACKER_UNDEFINED);
    uint32_t filter = 7;
    cr_assert_eq(tracker_filter_parse(&filter, "unexpected_unpinned"), ERR_INVALID);
    cr_assert_eq(tracker_filter_parse(&filter, "x,,y"), ERR_INVALID);
    cr_assert_eq(filter, 7);
    cr_assert(tracker_filter_matches(TRACKER_UNDEFINED, TRACKER_REMOTE));
    cr_assert(tracker_filter_matches(TRACKER_ERROR, TRACKER_PIN_ERROR));
    cr_assert(!tracker_filter_matches(TRACKER_ERROR, TRACKER_PINNED));
}

Test(tracker_status, each_status_has_the_name_that_its_filter_has)
{
    for (uint32_t bit = 1; bit <= TRACKER_UNEXPECTEDLY_UNPINNED; bit *= 2)
        cr_assert_eq(filter_of(tracker_status_name((enum tracker_status)bit)), bit);
    cr_assert_str_eq(tracker_status_name(TRACKER_UNDEFINED), "undefined");
}

/* ---- bytes ---- */

Test(tracker_status, an_info_comes_back_and_no_cut_passes)
{
    struct tracker_info info = { .cid = test_cid(4),
                                 .status = TRACKER_PIN_ERROR,
                                 .since_s = 1767366245,
                                 .attempt_count = 3,
                                 .is_priority = true,
                                 .is_held_back = true,
                                 .next_try_s = 1767366300,
                                 .queue_position = 7,
                                 .progress_nodes = 12,
                                 .progress_bytes = 1 << 20,
                                 .error = "pin: context canceled" };
    struct tracker_info out;
    struct arena arena = { 0 };
    struct buf bytes = { 0 };
    tracker_info_encode(&info, &bytes);
    cr_assert_eq(tracker_info_size(&info), bytes.len);
    cr_assert_eq(tracker_info_decode(&out, &arena, buf_bytes(&bytes)), OK);
    cr_assert(cid_equal(&out.cid, &info.cid));
    cr_assert(out.status == info.status && out.since_s == info.since_s);
    cr_assert(out.attempt_count == 3 && out.is_priority && out.is_held_back);
    cr_assert(out.next_try_s == info.next_try_s && out.queue_position == 7);
    cr_assert(out.progress_nodes == 12 && out.progress_bytes == 1 << 20);
    cr_assert_str_eq(out.error, info.error);
    for (size_t len = 0; len < bytes.len; len++)
        cr_assert_eq(tracker_info_decode(&out, &arena, (struct bytes){ bytes.data, len }),
                     ERR_CORRUPT);
    bytes.data[0] = 3;
    cr_assert_eq(tracker_info_decode(&out, &arena, buf_bytes(&bytes)), ERR_VERSION);
    buf_clear(&bytes);
    info.status = TRACKER_ERROR; /* a filter, no status */
    tracker_info_encode(&info, &bytes);
    cr_assert_eq(tracker_info_decode(&out, &arena, buf_bytes(&bytes)), ERR_CORRUPT);
    info.status = TRACKER_PIN_ERROR;
    static char text[TRACKER_ERROR_TEXT_SIZE]; /* a length that takes two bytes */
    memset(text, 'x', sizeof(text) - 1);
    info.error = text;
    buf_clear(&bytes);
    tracker_info_encode(&info, &bytes);
    cr_assert_eq(tracker_info_size(&info), bytes.len);
    cr_assert_eq(tracker_info_decode(&out, &arena, buf_bytes(&bytes)), OK);
    cr_assert_str_eq(out.error, text);
    arena_deinit(&arena);
    buf_deinit(&bytes);
}

Test(tracker_status, a_row_comes_back_and_no_cut_passes)
{
    struct tracker_row row = { TRACKER_ROW_UNPIN, true, 9, 1767366245, "why" }, out;
    struct buf bytes = { 0 };
    tracker_row_encode(&row, &bytes);
    cr_assert_eq(tracker_row_decode(&out, buf_bytes(&bytes)), OK);
    cr_assert(out.phase == row.phase && out.is_direct && out.attempts == 9);
    cr_assert_str_eq(out.error, "why");
    for (size_t len = 0; len < bytes.len; len++)
        cr_assert_eq(tracker_row_decode(&out, (struct bytes){ bytes.data, len }), ERR_CORRUPT);
    bytes.data[1] = 9;
    cr_assert_eq(tracker_row_decode(&out, buf_bytes(&bytes)), ERR_CORRUPT);
    buf_deinit(&bytes);
}

/* ---- what a listing named ---- */

Test(tracker_status, a_listings_hashes_know_what_they_were_told)
{
    struct tracker_seen seen;
    cr_assert_eq(tracker_seen_init(&seen, 42), OK);
    for (uint32_t n = 0; n < 20000; n += 2) {
        struct cid cid = test_cid((n * 7919) % 20000);
        cr_assert_eq(tracker_seen_add(&seen, &cid, n % 4 == 0), OK);
    }
    for (uint32_t n = 0; n < 20000; n += 2) {
        struct cid cid = test_cid((n * 7919) % 20000), other = test_cid(20000 + n);
        cr_assert(tracker_seen_has(&seen, &cid, n % 4 == 0));
        cr_assert(!tracker_seen_has(&seen, &other, n % 4 == 0));
        cr_assert(!tracker_seen_has(&seen, &cid, n % 4 != 0));
    }
    tracker_seen_deinit(&seen);
}

/* ---- a listing of this peer ---- */

struct scene {
    struct fake_map state;
    struct fake_map local;
    struct fake_kubo kubo;
    struct tracker *tracker;
};

static void scene_put(struct scene *s, uint64_t index, uint32_t n, uint32_t holder)
{
    struct pinset *set;
    struct pinset_applied out;
    struct cid cid = test_cid(n);
    struct peer_id id = test_peer(holder);
    struct pin_entry e = { .kind = PIN_ENTRY_PIN, .expected = PIN_EXPECT_ANY, .pin = pin_of(&cid) };
    e.pin.replication_min = e.pin.replication_max = 1;
    e.pin.allocations = &id;
    e.pin.allocations_count = 1;
    struct buf bytes = { 0 };
    struct view view = fake_map_view(&s->state);
    struct row_sink sink = fake_map_sink(&s->state);
    cr_assert_eq(pinset_create(&set), OK);
    pin_entry_encode(&e, &bytes);
    cr_assert_eq(pinset_apply(set, &view, &sink, index, 1, bytes.data, bytes.len, &out), OK);
    buf_deinit(&bytes);
    pinset_destroy(set);
}

static void scene_row_of(struct scene *s, struct bytes key, enum tracker_row_phase phase,
                         uint32_t attempts)
{
    struct tracker_row row = { phase, false, attempts, 77, "" };
    struct buf bytes = { 0 };
    struct row_sink sink = fake_map_sink(&s->local);
    tracker_row_encode(&row, &bytes);
    row_sink_put(&sink, LOCAL_TABLE_TRACKER, key, buf_bytes(&bytes));
    buf_deinit(&bytes);
}

static void scene_row(struct scene *s, uint32_t n, enum tracker_row_phase phase, uint32_t attempts)
{
    struct cid cid = test_cid(n);
    scene_row_of(s, (struct bytes){ cid.bytes, cid.len }, phase, attempts);
}

/* "2:remote 3:pinned ", read with this filter and this many steps a page. */
static const char *scene_list(struct scene *s, uint32_t filter, unsigned page_steps,
                              bool brings_pins)
{
    static struct buf text;
    struct cid after = { 0 };
    struct tracker_info info;
    int err = ERR_MORE;
    buf_clear(&text);
    while (err == ERR_MORE) {
        struct view state = fake_map_view(&s->state), local = fake_map_view(&s->local);
        struct arena arena = { 0 };
        struct tracker_listing l =
            tracker_listing_after(s->tracker, &state, &local, &after, brings_pins, &arena);
        unsigned steps = page_steps;
        while ((err = tracker_status_next(&l, filter, &steps, &info)) == OK) {
            buf_printf(&text, "%u:%s ", info.cid.bytes[7], tracker_status_name(info.status));
            struct pin pin;
            struct view beside = fake_map_view(&s->state);
            bool is_in_state = pinset_get(&beside, &info.cid, &arena, &pin) == OK;
            cr_assert_eq(l.found != NULL, brings_pins && is_in_state);
            cr_assert(l.found == NULL || cid_equal(&l.found->cid, &info.cid));
        }
        after = l.after;
        arena_deinit(&arena);
        cr_assert_leq(state.steps, page_steps);
        cr_assert_leq(local.steps, page_steps);
    }
    cr_assert_eq(err, ERR_NOT_FOUND);
    return buf_text(&text);
}

static struct scene *scene_new(void)
{
    struct scene *s = calloc(1, sizeof(*s));
    struct tracker_options options = { .self = test_peer(1) };
    struct tracker_hooks hooks = { 0 };
    tracker_options_default(&options);
    fake_kubo_init(&s->kubo);
    cr_assert_eq(tracker_create(&s->tracker, &options, &s->kubo.client, NULL, &hooks), OK);
    return s;
}

static void scene_free(struct scene *s)
{
    tracker_destroy(s->tracker);
    fake_map_deinit(&s->state);
    fake_map_deinit(&s->local);
    free(s);
}

/* A row whose key is empty names no pin: it must not pass for the end of the pins, nor of the rows. */
Test(tracker_status, a_row_without_a_name_is_damage)
{
    struct scene *s = scene_new();
    struct cid after = { 0 };
    struct arena arena = { 0 };
    struct tracker_info info;
    scene_row_of(s, (struct bytes){ 0 }, TRACKER_ROW_PINNED, 0);
    scene_row(s, 3, TRACKER_ROW_PINNED, 0);
    struct view state = fake_map_view(&s->state), local = fake_map_view(&s->local);
    struct tracker_listing l =
        tracker_listing_after(s->tracker, &state, &local, &after, false, &arena);
    unsigned steps = 1000;
    cr_assert_eq(tracker_status_next(&l, TRACKER_UNDEFINED, &steps, &info), ERR_CORRUPT);
    arena_deinit(&arena);
    scene_free(s);
}

/* Rows that the state has nothing of any more, and that no filter wants: thousands of unpins waiting. */
Test(tracker_status, passing_over_rows_of_our_own_is_work_too)
{
    struct scene *s = scene_new();
    for (uint32_t n = 1; n <= 300; n++)
        scene_row(s, n, TRACKER_ROW_UNPIN, 0);
    cr_assert_str_eq(scene_list(s, TRACKER_PIN_ERROR, 100, false), "");
    scene_free(s);
}

Test(tracker_status, a_listing_merges_the_state_and_the_rows_in_cid_order)
{
    struct scene *s = scene_new();
    scene_put(s, 1, 2, 5);
    scene_put(s, 2, 3, 1);
    scene_put(s, 3, 4, 1);
    scene_put(s, 4, 6, 1);
    scene_put(s, 5, 7, 1);
    scene_row(s, 1, TRACKER_ROW_UNPIN, 0);
    scene_row(s, 3, TRACKER_ROW_PINNED, 0);
    scene_row(s, 4, TRACKER_ROW_PIN, 2);
    scene_row(s, 5, TRACKER_ROW_UNPIN, 1);
    scene_row(s, 7, TRACKER_ROW_LOST, 0);
    scene_row(s, 9, TRACKER_ROW_PINNED, 0);
    const char *all = "1:unpin_queued 2:remote 3:pinned 4:pin_error 5:unpin_error 6:pin_queued "
                      "7:unexpectedly_unpinned 9:unpin_queued ";
    for (int brings_pins = 0; brings_pins <= 1; brings_pins++) {
        cr_assert_str_eq(scene_list(s, TRACKER_UNDEFINED, 1000, brings_pins), all);
        cr_assert_str_eq(scene_list(s, TRACKER_UNDEFINED, TRACKER_STATUS_STEPS_MAX, brings_pins),
                         all);
        cr_assert_str_eq(scene_list(s, TRACKER_ERROR, 6, brings_pins),
                         "4:pin_error 5:unpin_error ");
    }
    scene_free(s);
}
