/* Rows of a listing are written with what is kept of the rows before: whatever these were, the text is as if there had been none. */
#include <criterion/criterion.h>
#include <string.h>

#include "http/api/api_int.h"
#include "tests/lib/test_ids.h"

TestSuite(api_status_json, .timeout = 60);

enum { PEERS = 20, ROWS = 20000, ALLOCATIONS = 3 };

static uint64_t random_state = 7;

static uint32_t draw(uint32_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % n;
}

/* Mostly the first. */
static uint32_t draw_mostly_0(uint32_t n)
{
    return draw(8) == 0 ? draw(n) : 0;
}

static struct peer_id_text ids[PEERS];

static void draw_peer(struct api_peer_status *s, unsigned who)
{
    static const enum tracker_status statuses[] = { TRACKER_PINNED, TRACKER_REMOTE,
                                                    TRACKER_PIN_ERROR, TRACKER_PIN_QUEUED };
    static const char *const names[] = { "peer", "a \"name\" <&>", "" };
    static const char *const errors[] = { "", "it is \"gone\"" };
    static const int64_t times[] = { 1700000000000000, 1700000000123456, 0, -1 };
    const char *name = names[draw_mostly_0(3)];
    *s = (struct api_peer_status){ .peer = ids[who].text,
                                   .name = { name, strlen(name) },
                                   .ipfs_id = { "12D3KooWDaemon", draw_mostly_0(2) ? 0 : 14 },
                                   .status = statuses[draw(4) == 0 ? draw(4) : 0],
                                   .since_us = times[draw(4)] + draw(1000) * INT64_C(1000000),
                                   .attempt_count = draw_mostly_0(3),
                                   .is_priority = draw_mostly_0(2),
                                   .is_held_back = draw_mostly_0(2),
                                   .next_try_us = draw_mostly_0(2) * INT64_C(1700000000000000),
                                   .queue_position = draw_mostly_0(10),
                                   .progress_nodes = draw_mostly_0(5),
                                   .progress_bytes = draw_mostly_0(5),
                                   .error = errors[draw_mostly_0(2)] };
}

static void write_row(struct buf *out, struct api_memos *memos, const struct api_status *row)
{
    struct json_writer json = json_writer_to(out);
    buf_clear(out);
    api_write_status(&json, memos, row);
}

Test(api_status_json, a_row_does_not_depend_on_the_rows_before)
{
    static struct api_memos kept;
    struct buf text = { 0 }, alone = { 0 };
    for (unsigned who = 0; who < PEERS; who++) {
        struct peer_id id = test_peer(who + 1);
        ids[who] = peer_id_print(&id);
    }
    for (unsigned n = 0; n < ROWS; n++) {
        static struct api_memos none;
        struct api_peer_status peers[PEERS];
        struct peer_id allocations[ALLOCATIONS];
        struct pin pin = { .allocations = allocations, .allocations_count = draw(ALLOCATIONS + 1) };
        for (size_t i = 0; i < pin.allocations_count; i++)
            allocations[i] = test_peer(1 + draw(40));
        struct api_status row = { .cid = test_cid(n), .pin = &pin, .peers = peers };
        for (unsigned who = 0; who < PEERS; who++) {
            if (draw(16) != 0) /* who failed may not be listed */
                draw_peer(&peers[row.peers_count++], who);
        }
        write_row(&text, &kept, &row);
        write_row(&alone, &none, &row);
        cr_assert_str_eq(buf_text(&text), buf_text(&alone), "row %u", n);
        api_memos_deinit(&none);
        none = (struct api_memos){ 0 };
    }
    api_memos_deinit(&kept);
    buf_deinit(&text);
    buf_deinit(&alone);
}
