/* api_summary.c -- GET /pins/summary: how many pins are in which status on each member. No pin is looked at: each member
 * counts its own, and tells the numbers with its metrics. */
#include "http/api/api_int.h"
#include "state/pin_json.h"

static const char *const summary_keys[] = { "pinned",      "pinning",
                                            "pin_queued",  "pin_error",
                                            "unpinning",   "unpin_queued",
                                            "unpin_error", "unexpectedly_unpinned" };
enum { SUMMARY_KEYS = sizeof(summary_keys) / sizeof(summary_keys[0]) };

struct summary_numbers {
    uint64_t of[SUMMARY_KEYS];
};

static void summary_write_numbers(struct json_writer *w, const char *key,
                                  const struct summary_numbers *numbers)
{
    json_key(w, key);
    json_object_begin(w);
    for (size_t i = 0; i < SUMMARY_KEYS; i++)
        json_key_u64(w, summary_keys[i], numbers->of[i]);
    json_object_end(w);
}

/* False: the member has not said, or nothing that can be read. */
static bool summary_read(const struct api_counts *counts, struct summary_numbers *out)
{
    struct json_doc doc;
    *out = (struct summary_numbers){ 0 };
    if (counts->counts.len == 0 || json_parse(&doc, counts->counts.data, counts->counts.len) != OK)
        return false;
    for (size_t i = 0; i < SUMMARY_KEYS; i++) {
        int64_t count = 0;
        if (json_get_i64(&doc, json_member(&doc, 0, summary_keys[i]), &count) == OK && count > 0)
            out->of[i] = (uint64_t)count;
    }
    json_doc_deinit(&doc);
    return true;
}

static void summary_write_member(struct json_writer *w, const struct api_counts *counts,
                                 struct summary_numbers *total)
{
    struct summary_numbers numbers;
    json_object_begin(w);
    json_key_string(w, "peer", peer_id_print(&counts->peer).text);
    pin_json_bytes(w, "peername", counts->name);
    api_write_standing(w, &counts->standing);
    if (summary_read(counts, &numbers)) {
        pin_json_time(w, "told_at", counts->told_us);
        summary_write_numbers(w, "counts", &numbers);
        for (size_t i = 0; i < SUMMARY_KEYS; i++)
            total->of[i] += numbers.of[i];
    }
    json_object_end(w);
}

API_HANDLER(api_get_summary)
{
    (void)params;
    struct api *api = owner;
    if (!api_hears(api, x, false))
        return;
    struct buf document = { 0 };
    struct json_writer json = json_writer_to(&document);
    struct summary_numbers total = { 0 };
    struct arena arena = { 0 };
    struct api_counts counts = { 0 };
    int err;
    json_object_begin(&json);
    json_key(&json, "peers");
    json_array_begin(&json);
    while ((err = api->ops->counts_next(api->impl,
                                        peer_id_is_nobody(&counts.peer) ? NULL : &counts.peer,
                                        &arena, &counts)) == OK)
        summary_write_member(&json, &counts, &total);
    json_array_end(&json);
    summary_write_numbers(&json, "total", &total);
    json_object_end(&json);
    arena_deinit(&arena);
    if (err == ERR_NOT_FOUND) {
        api_reply_json(x, 200, &document);
    } else {
        api_reply_err(x, err, NULL);
        buf_deinit(&document);
    }
}
